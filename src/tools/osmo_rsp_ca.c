/* osmo-rsp-ca: an own root of trust (SGP.02 2.3): CI, EUM, SM-SR, SM-DP and TLS certificates; and, as an EUM would,
 * batches of eUICCs with their signed EIS.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <osmocom/core/application.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/crypto/cert.h>
#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "ca.h"

static const char help[] =
	"osmo-rsp-ca -d DIR COMMAND\n"
	"  init [--name CN]                     a new CI: key, X.509 certificate, public key in GlobalPlatform form\n"
	"  issue KIND --name NAME [--id OID] [--dns HOST] [--days N]\n"
	"        KIND  eum       X.509, signed by the CI; beside it a transport key for its keysets and a TLS certificate\n"
	"              smsr|smdp CERT.SR.ECDSA / CERT.DP.ECDSA, GlobalPlatform TLV (7F21), and a TLS certificate\n"
	"              operator  TLS certificate that carries the OID\n"
	"              tls       TLS certificate for a host name or IP address\n"
	"  eum-batch --eum NAME --eum-id OID --count N --out DIR --smsr-id OID --mno-id OID --upp FILE\n"
	"        [--first N] [--smsr-number N] [--smsr-ip IP] [--smsr-port P] [--smsc NUMBER] [--memory OCTETS] [--imsi-prefix D]\n"
	"        [--scp80 aes128|aes192|aes256|3des2|3des3] [--bearers none|cattp|https|cattp,https] [--claim LIST]\n"
	"        [--smsr-host FQDN --smsr-ip '' --smsr-dns IP[/PORT]]\n"
	"        N eUICCs: cards.jsonl for osmo-euicc-sim --import, and eis/<EID>.xml for ES1.RegisterEIS\n"
	"  fingerprint FILE.pem                 SHA-256 of a certificate, as `fingerprint` in the VTY wants it\n"
	"All files are written to DIR (keys with mode 0400) and never overwritten.\n";

static struct ca_opts opt = { .days = 3650, .memory = 512 * 1024, .smsr_number = "1001", .smsr_ip = "127.0.0.1",
			      .smsr_port = 8443, .smsc = "491230000001", .imsi_prefix = "00101", .first = 1,
			      .scp80 = "aes128", .bearers = "https", .smsr_host = "smsr", .smsr_dns = "" };

static const struct option options[] = {
	{ "dir", required_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "name", required_argument, NULL, 1 },
	{ "id", required_argument, NULL, 2 },
	{ "dns", required_argument, NULL, 3 },
	{ "days", required_argument, NULL, 4 },
	{ "eum", required_argument, NULL, 5 },
	{ "eum-id", required_argument, NULL, 2 },
	{ "count", required_argument, NULL, 6 },
	{ "out", required_argument, NULL, 7 },
	{ "smsr-id", required_argument, NULL, 8 },
	{ "mno-id", required_argument, NULL, 9 },
	{ "upp", required_argument, NULL, 10 },
	{ "smsr-number", required_argument, NULL, 11 },
	{ "smsr-ip", required_argument, NULL, 12 },
	{ "smsr-port", required_argument, NULL, 13 },
	{ "smsc", required_argument, NULL, 14 },
	{ "memory", required_argument, NULL, 15 },
	{ "first", required_argument, NULL, 16 },
	{ "imsi-prefix", required_argument, NULL, 17 },
	{ "scp80", required_argument, NULL, 18 },
	{ "bearers", required_argument, NULL, 19 },
	{ "claim", required_argument, NULL, 20 },
	{ "smsr-host", required_argument, NULL, 21 },
	{ "smsr-dns", required_argument, NULL, 22 },
	{}
};

static void opt_set(int c, const char *arg)
{
	switch (c) {
	case 'd': opt.dir = arg; break;
	case 1: case 5: opt.name = arg; break;
	case 2: opt.id = arg; break;
	case 3: opt.dns = arg; break;
	case 4: opt.days = atoi(arg); break;
	case 6: opt.count = strtoul(arg, NULL, 10); break;
	case 7: opt.out = arg; break;
	case 8: opt.smsr_id = arg; break;
	case 9: opt.mno_id = arg; break;
	case 10: opt.upp = arg; break;
	case 11: opt.smsr_number = arg; break;
	case 12: opt.smsr_ip = arg; break;
	case 13: opt.smsr_port = atoi(arg); break;
	case 14: opt.smsc = arg; break;
	case 15: opt.memory = strtoul(arg, NULL, 10); break;
	case 16: opt.first = strtoul(arg, NULL, 10); break;
	case 17: opt.imsi_prefix = arg; break;
	case 18: opt.scp80 = arg; break;
	case 19: opt.bearers = arg; break;
	case 20: opt.claim = arg; break;
	case 21: opt.smsr_host = arg; break;
	case 22: opt.smsr_dns = arg; break;
	}
}

char *ca_path(void *ctx, const char *name, const char *suffix)
{
	return talloc_asprintf(ctx, "%s/%s%s", opt.dir, name, suffix);
}

static int must_be_new(const char *path)
{
	if (access(path, F_OK) != 0)
		return 0;
	fprintf(stderr, "osmo-rsp-ca: %s exists, not overwritten\n", path);
	return -EEXIST;
}

int ca_write(const char *path, const void *data, size_t len, unsigned mode)
{
	FILE *f;
	int rc = must_be_new(path);

	if (rc < 0)
		return rc;
	f = fopen(path, "wx");
	if (!f || fchmod(fileno(f), mode) != 0 || fwrite(data, 1, len, f) != len)
		rc = -EIO;
	if (f && fclose(f) != 0)
		rc = -EIO;
	if (rc < 0)
		fprintf(stderr, "osmo-rsp-ca: %s: %s\n", path, strerror(errno));
	return rc;
}

static int write_pair(void *ctx, const char *name, const struct ec_key *k, const struct cert_x509 *c)
{
	const char *key_path = ca_path(ctx, name, ".key.pem"), *pem_path = ca_path(ctx, name, ".pem");

	if (!c || must_be_new(key_path) < 0 || must_be_new(pem_path) < 0)
		return -EEXIST;
	if (ec_write_pem(k, key_path) < 0 || cert_x509_write(c, pem_path) < 0) {
		fprintf(stderr, "osmo-rsp-ca: cannot write to %s\n", opt.dir);
		return -EIO;
	}
	printf("%s %s\n", key_path, pem_path);
	return 0;
}

static int cmd_init(void *ctx)
{
	struct ec_key *k = ec_generate(ctx);
	struct cert_x509 *c = cert_x509_issue(ctx, CERT_X509_CI, opt.name ? : "osmo-rsp CI", NULL, NULL, k, NULL, k, opt.days);
	uint8_t q[EC_POINT_LEN];
	char *hex;

	mkdir(opt.dir, 0700);
	if (!c || write_pair(ctx, "ci", k, c) < 0)
		return -EIO;
	ec_public(k, q);
	hex = talloc_asprintf_append(bytes_hex(ctx, q, sizeof(q)), "\n");
	return ca_write(ca_path(ctx, "ci", ".q"), hex, strlen(hex), 0444);
}

struct issuer { struct ec_key *key; struct cert_x509 *cert; };

static int issuer_load(void *ctx, struct issuer *iss, const char *name)
{
	iss->key = ec_from_pem_file(ctx, ca_path(ctx, name, ".key.pem"));
	iss->cert = cert_x509_load(ctx, ca_path(ctx, name, ".pem"));
	if (iss->key && iss->cert)
		return 0;
	fprintf(stderr, "osmo-rsp-ca: no %s in %s (see `init` and `issue`)\n", name, opt.dir);
	return -ENOENT;
}

/* CERT.DP.ECDSA / CERT.SR.ECDSA (SGP.02 tables 77/78): role in C8, issuer's key identifier in C9. */
static int issue_gp(void *ctx, const struct issuer *ci, int role)
{
	struct ec_key *k = ec_generate(ctx);
	struct cert_gp c = { .role = role, .usage = { 0x88 }, .usage_len = 1, .has_aki = true, .serial_len = 8 };
	struct bytes *out = bytes_new(ctx, 0);
	char day[CLOCK_STR_SIZE], until[CLOCK_STR_SIZE];
	int len;

	rand_bytes(c.serial, c.serial_len);
	c.serial[0] &= 0x7f;
	len = oid_enc(c.subject, sizeof(c.subject), opt.id);
	if (len < 0)
		return len;
	c.subject_len = len;
	c.ca_id_len = oid_enc(c.ca_id, sizeof(c.ca_id), "1.3.6.1.4.1.49999.1");
	clock_str(day, clock_now());
	clock_str(until, clock_now() + 86400LL * opt.days);
	snprintf(c.effective, sizeof(c.effective), "%.4s%.2s%.2s", day, day + 5, day + 8);
	snprintf(c.expiry, sizeof(c.expiry), "%.4s%.2s%.2s", until, until + 5, until + 8);
	if (cert_x509_ski(ci->cert, c.aki) < 0 || ec_public(k, c.q) < 0 || cert_gp_issue(out, &c, ci->key) < 0)
		return -EINVAL;
	if (ec_write_pem(k, ca_path(ctx, opt.name, ".gp.key.pem")) < 0)
		return -EIO;
	return ca_write(ca_path(ctx, opt.name, ".7f21"), out->data, out->len, 0444);
}

static int write_transport_key(void *ctx)
{
	uint8_t k[16];
	char *hex;
	int rc;

	rand_bytes(k, sizeof(k));
	hex = talloc_asprintf(ctx, "%s\n", bytes_hex(ctx, k, sizeof(k)));
	rc = ca_write(ca_path(ctx, opt.name, ".transport.key"), hex, strlen(hex), 0400);
	secret_wipe(hex, strlen(hex));
	secret_wipe(k, sizeof(k));
	return rc;
}

static int cmd_issue(void *ctx, const char *kind)
{
	struct issuer ci;
	struct ec_key *k = ec_generate(ctx);
	bool eum = !strcmp(kind, "eum"), gp = !strcmp(kind, "smsr") || !strcmp(kind, "smdp");
	int rc;

	if (!eum && !gp && strcmp(kind, "operator") && strcmp(kind, "tls")) {
		fprintf(stderr, "osmo-rsp-ca: issue what? eum smsr smdp operator tls\n");
		return -EINVAL;
	}
	if (!opt.name || (strcmp(kind, "tls") && (!opt.id || !oid_valid(opt.id)))) {
		fprintf(stderr, "osmo-rsp-ca: issue %s needs --name and --id OID\n", kind);
		return -EINVAL;
	}
	rc = issuer_load(ctx, &ci, "ci");
	if (rc < 0)
		return rc;
	rc = write_pair(ctx, opt.name, k, cert_x509_issue(ctx, eum ? CERT_X509_EUM : CERT_X509_TLS, opt.name, opt.id,
							  opt.dns, k, ci.cert, ci.key, opt.days));
	if (rc == 0 && gp)
		rc = issue_gp(ctx, &ci, !strcmp(kind, "smdp") ? CERT_ROLE_DP : CERT_ROLE_SR);
	if (rc == 0 && eum)
		rc = write_transport_key(ctx);
	if (rc == 0 && eum) {	/* CERT.EUM signs; ES1 wants a TLS certificate of its own */
		k = ec_generate(ctx);
		rc = write_pair(ctx, talloc_asprintf(ctx, "%s-tls", opt.name), k,
				cert_x509_issue(ctx, CERT_X509_TLS, opt.name, opt.id, opt.dns, k, ci.cert, ci.key, opt.days));
	}
	return rc;
}

static int cmd_fingerprint(void *ctx, const char *file)
{
	struct cert_x509 *c = cert_x509_load(ctx, file);
	struct bytes *der = c ? cert_x509_der(ctx, c) : NULL;
	uint8_t h[32];

	if (!der) {
		fprintf(stderr, "osmo-rsp-ca: %s is no certificate\n", file);
		return -EINVAL;
	}
	sha256(&(struct iov){ der->data, der->len }, 1, h);
	printf("%s\n", osmo_hexdump_nospc(h, sizeof(h)));
	return 0;
}

static int cmd_batch(void *ctx)
{
	struct issuer eum, ci;

	if (!opt.name || !opt.id || !opt.count || !opt.out || !opt.smsr_id || !opt.mno_id || !opt.upp) {
		fprintf(stderr, "osmo-rsp-ca: eum-batch needs --eum --eum-id --count --out --smsr-id --mno-id --upp\n");
		return -EINVAL;
	}
	if (issuer_load(ctx, &eum, opt.name) < 0 || issuer_load(ctx, &ci, "ci") < 0)
		return -ENOENT;
	return ca_batch(ctx, &opt, eum.key, eum.cert, ci.cert);
}

int main(int argc, char **argv)
{
	void *ctx = talloc_named_const(NULL, 0, "osmo-rsp-ca");
	const char *cmd, *arg;
	int c, rc = -EINVAL;

	osmo_init_logging2(ctx, &rsp_log_info);
	opt.dir = ".";
	while ((c = getopt_long(argc, argv, "d:hV", options, NULL)) != -1) {
		if (c == 'h' || c == 'V') {
			fputs(c == 'h' ? help : "osmo-rsp-ca " PACKAGE_VERSION "\n", stdout);
			return 0;
		}
		if (c == '?')
			return 2;
		opt_set(c, optarg);
	}
	cmd = optind < argc ? argv[optind] : "";
	arg = optind + 1 < argc ? argv[optind + 1] : "";
	if (!strcmp(cmd, "init"))
		rc = cmd_init(ctx);
	else if (!strcmp(cmd, "issue"))
		rc = cmd_issue(ctx, arg);
	else if (!strcmp(cmd, "eum-batch"))
		rc = cmd_batch(ctx);
	else if (!strcmp(cmd, "fingerprint"))
		rc = cmd_fingerprint(ctx, arg);
	else
		fputs(help, stderr);
	talloc_free(ctx);
	return rc < 0 ? (rc == -EINVAL ? 2 : 1) : 0;
}
