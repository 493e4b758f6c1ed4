/* Batches of eUICCs as an EUM makes them: EID, ECASD key and CERT.ECASD.ECKA, ISD-R keysets, bootstrap profile; one
 * signed EIS each with the keysets under the transport key (SGP.02 2.8, off-card.md 3.2). doc/formats/eum-batch.md
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/es/es_msg.h>
#include <osmocom/rsp/util/misc.h>

#include "ca.h"

#define SCP80_KVN 0x01
#define SCP81_KVN 0x40
#define ECASD_KVN 0x74
#define BOOT_ISDP 0x0010

struct batch {
	const struct ca_opts *o;
	const struct ec_key *eum;
	const struct cert_x509 *eum_cert;
	struct key *transport;
	uint8_t eum_ski[20];
	FILE *cards;
	char from[9], until[9];
	int64_t now;
};

/* One card's own values, wiped when the card is written. */
struct one {
	struct eid eid;
	char iccid[ICCID_STR_SIZE], imsi[16], msisdn[16], imei[16];
	struct key *kic, *kid, *kik, *psk, *dek;
	uint8_t k[16], opc[16], ecasd_d[32];
	struct bytes *ecasd_cert;
	struct aid isdp;
};

static json_t *json_hex(void *ctx, const void *p, size_t len)
{
	char *hex = bytes_hex(ctx, p, len);
	json_t *j = json_string(hex);

	secret_wipe(hex, strlen(hex));
	return j;
}

static json_t *json_key(void *ctx, const struct key *k)
{
	uint8_t b[64];
	size_t n = key_export(k, b, sizeof(b));
	json_t *j = json_hex(ctx, b, n);

	secret_wipe(b, sizeof(b));
	return j;
}

static int put_line(FILE *f, json_t *j)
{
	int rc = json_dumpf(j, f, JSON_COMPACT) == 0 && fputc('\n', f) != EOF ? 0 : -EIO;

	json_decref(j);
	return rc;
}

static struct bytes *file_read(void *ctx, const char *path)
{
	struct bytes *b = bytes_from_file(ctx, path, 4 << 20);

	if (!b)
		fprintf(stderr, "osmo-rsp-ca: %s: %s\n", path, strerror(errno));
	return b;
}

static int put_batch_line(void *ctx, struct batch *b, const struct cert_x509 *ci_cert)
{
	struct bytes *upp = file_read(ctx, b->o->upp);
	char *dns = talloc_strdup(ctx, b->o->smsr_dns), *port = strchr(dns, '/');
	uint8_t q[EC_POINT_LEN], ski[20];

	if (port)
		*port = '\0';
	if (!upp || cert_x509_point(ci_cert, q) < 0 || cert_x509_ski(ci_cert, ski) < 0)
		return -EINVAL;
	return put_line(b->cards, json_pack("{s:s, s:o, s:[{s:o, s:o}], s:s, s:{s:s, s:s, s:s, s:i, s:s, s:s, s:i}}", "type", "batch",
					    "upp", json_hex(ctx, upp->data, upp->len),
					    "ci", "q", json_hex(ctx, q, sizeof(q)), "ski", json_hex(ctx, ski, sizeof(ski)),
					    "smsc", b->o->smsc, "smsr", "number", b->o->smsr_number, "host", b->o->smsr_host,
					    "ip", b->o->smsr_ip, "port", (int)b->o->smsr_port, "uri", "/gsma/adminagent",
					    "dns", dns, "dns_port", port ? atoi(port + 1) : 53));
}

static int luhn_digits(char *out, size_t size, const char *prefix, unsigned long n, int width)
{
	int len = snprintf(out, size, "%s%0*lu", prefix, width, n);

	if (len < 0 || (size_t)len + 1 >= size)
		return -ENOSPC;
	out[len] = '0' + iccid_luhn(out);
	out[len + 1] = '\0';
	return 0;
}

/* SCP80 keysets as SGP.02 2.4.3 has them (AES-128), and those of other cards in the field (TS 102 225 5.1). */
static const struct { const char *name; enum key_type type; size_t len; } scp80_keys[] = {
	{ "aes128", KEY_TYPE_AES, 16 }, { "aes192", KEY_TYPE_AES, 24 }, { "aes256", KEY_TYPE_AES, 32 },
	{ "3des2", KEY_TYPE_DES, 16 }, { "3des3", KEY_TYPE_DES, 24 },
};

static bool in_list(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (; *list; list += strcspn(list, ",") + (list[strcspn(list, ",")] == ','))
		if (!strncmp(list, word, n) && (list[n] == ',' || !list[n]))
			return true;
	return false;
}

static int scp80_make(void *ctx, struct one *c, const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(scp80_keys) && strcmp(scp80_keys[i].name, name); i++)
		;
	if (i == ARRAY_SIZE(scp80_keys)) {
		fprintf(stderr, "osmo-rsp-ca: --scp80 aes128, aes192, aes256, 3des2 or 3des3\n");
		return -EINVAL;
	}
	c->kic = key_random(ctx, scp80_keys[i].type, scp80_keys[i].len);
	c->kid = key_random(ctx, scp80_keys[i].type, scp80_keys[i].len);
	c->kik = key_random(ctx, scp80_keys[i].type, scp80_keys[i].len);
	return c->kic && c->kid && c->kik ? 0 : -ENOMEM;
}

/* 89 049 032 (country, issuer) as in test EIDs, then platform and individual number, check digits mod 97. */
static int one_make(void *ctx, struct one *c, const struct batch *b, unsigned long n)
{
	char digits[EID_STR_SIZE];
	struct ec_key *ecasd = ec_generate(ctx);
	struct cert_gp cert = { .role = -1, .usage = { 0x00, 0x80 }, .usage_len = 2, .has_aki = true, .serial_len = 8,
				.subject_len = 16 };

	snprintf(digits, sizeof(digits), "8904903200000001%014lu00", n);
	if (hex_dec(c->eid.b, sizeof(c->eid.b), digits) != 16)
		return -EINVAL;
	eid_set_check_digits(&c->eid);
	snprintf(c->imsi, sizeof(c->imsi), "%s%0*lu", b->o->imsi_prefix, (int)(15 - strlen(b->o->imsi_prefix)), n);
	snprintf(c->msisdn, sizeof(c->msisdn), "49151%07lu", n);
	if (luhn_digits(c->iccid, sizeof(c->iccid), "8988001", n, 11) < 0 || luhn_digits(c->imei, sizeof(c->imei), "35900000", n % 1000000, 6) < 0)
		return -EINVAL;
	if (scp80_make(ctx, c, b->o->scp80) < 0)
		return -EINVAL;
	c->psk = key_random(ctx, KEY_TYPE_PSK, 16);
	c->dek = key_random(ctx, KEY_TYPE_AES, 16);
	rand_bytes(c->k, sizeof(c->k));
	rand_bytes(c->opc, sizeof(c->opc));
	aid_isdp(&c->isdp, BOOT_ISDP);

	rand_bytes(cert.serial, cert.serial_len);
	cert.serial[0] &= 0x7f;
	memcpy(cert.subject, c->eid.b, 16);
	cert.ca_id_len = oid_enc(cert.ca_id, sizeof(cert.ca_id), b->o->id);
	memcpy(cert.aki, b->eum_ski, sizeof(cert.aki));
	OSMO_STRLCPY_ARRAY(cert.effective, b->from);
	OSMO_STRLCPY_ARRAY(cert.expiry, b->until);
	c->ecasd_cert = bytes_new(ctx, 0);
	if (ec_public(ecasd, cert.q) < 0 || cert_gp_issue(c->ecasd_cert, &cert, b->eum) < 0)
		return -EINVAL;
	return ec_export_private(ecasd, c->ecasd_d);
}

static int put_card_line(void *ctx, const struct batch *b, const struct one *c)
{
	char eid[EID_STR_SIZE], aid[AID_STR_SIZE];

	json_t *j = json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:{s:i, s:s, s:o, s:o, s:o}, s:b, s:{s:s, s:s, s:s, s:o, s:o, s:s, s:b}}",
		"type", "card", "eid", eid_str(eid, &c->eid), "imei", c->imei, "memory", (json_int_t)b->o->memory,
		"ecasd_sk", json_hex(ctx, c->ecasd_d, sizeof(c->ecasd_d)),
		"ecasd_cert", json_hex(ctx, c->ecasd_cert->data, c->ecasd_cert->len),
		"scp80", "kvn", SCP80_KVN, "type", key_type(c->kic) == KEY_TYPE_DES ? "3des" : "aes",
		"kic", json_key(ctx, c->kic), "kid", json_key(ctx, c->kid), "kik", json_key(ctx, c->kik),
		"cattp", in_list(b->o->bearers, "cattp"),
		"profile", "iccid", c->iccid, "imsi", c->imsi, "msisdn", c->msisdn, "k", json_hex(ctx, c->k, 16),
		"opc", json_hex(ctx, c->opc, 16), "isdp_aid", aid_str(aid, &c->isdp), "fallback", 1);

	if (j && in_list(b->o->bearers, "https"))
		json_object_set_new(j, "scp81", json_pack("{s:i, s:i, s:o, s:o}", "kvn", SCP81_KVN, "kid", 1,
							  "psk", json_key(ctx, c->psk), "dek", json_key(ctx, c->dek)));
	return put_line(b->cards, j);
}

static void keyset_key(void *ctx, struct es_keyset *ks, const struct key *transport, uint8_t type, const struct key *k)
{
	struct es_keyset_key *e = &ks->key[ks->n_keys++];

	e->index = ks->n_keys;
	e->type = type;
	e->value = bytes_new(ctx, 0);
	key_wrap(transport, k, e->value);
}

static void eis_fill(void *ctx, struct es_eis *e, const struct batch *b, const struct one *c)
{
	struct es_keyset *ks;
	struct es_profile_info *p;

	e->eid = c->eid;
	OSMO_STRLCPY_ARRAY(e->eum_id, b->o->id);
	OSMO_STRLCPY_ARRAY(e->smsr_id, b->o->smsr_id);
	e->production_date = b->now;
	OSMO_STRLCPY_ARRAY(e->platform_type, "osmo-euicc-sim");
	OSMO_STRLCPY_ARRAY(e->platform_version, "1.0.0");
	e->isdp_file_aid = aid_isdp_file;
	e->isdp_module_aid = aid_isdp_module;
	e->http = in_list(b->o->claim ? b->o->claim : b->o->bearers, "https");
	e->cattp = in_list(b->o->claim ? b->o->claim : b->o->bearers, "cattp");
	OSMO_STRLCPY_ARRAY(e->secure_packet_version, "12.1.0");
	OSMO_STRLCPY_ARRAY(e->remote_provisioning_version, "3.1.0");
	e->remaining_memory = e->available_memory = b->o->memory;

	e->ecasd.aid = aid_ecasd;
	e->ecasd.tar = aid_tar(&aid_ecasd);
	OSMO_STRLCPY_ARRAY(e->ecasd.role, "ECASD");
	memcpy(e->ecasd.sdin, c->eid.b, 16);
	memcpy(e->ecasd.sin, c->eid.b, e->ecasd.sin_len = 4);
	e->ecasd.sdin_len = 16;
	ks = &e->ecasd.keyset[e->ecasd.n_keysets++];
	ks->version = ECASD_KVN;
	OSMO_STRLCPY_ARRAY(ks->type, "CA");
	OSMO_STRLCPY_ARRAY(ks->ca_id, b->o->id);
	ks->cert = bytes_dup(ctx, c->ecasd_cert->data, c->ecasd_cert->len);

	e->isd_r = e->ecasd;
	e->isd_r.n_keysets = 0;
	memset(e->isd_r.keyset, 0, sizeof(e->isd_r.keyset));
	e->isd_r.aid = aid_isd_r;
	e->isd_r.tar = aid_tar(&aid_isd_r);
	OSMO_STRLCPY_ARRAY(e->isd_r.role, "ISD-R");
	ks = &e->isd_r.keyset[e->isd_r.n_keysets++];
	ks->version = SCP80_KVN;
	OSMO_STRLCPY_ARRAY(ks->type, "SCP80");
	keyset_key(ctx, ks, b->transport, key_type(c->kic), c->kic);
	keyset_key(ctx, ks, b->transport, key_type(c->kid), c->kid);
	keyset_key(ctx, ks, b->transport, key_type(c->kik), c->kik);
	if (e->http) {
		ks = &e->isd_r.keyset[e->isd_r.n_keysets++];
		ks->version = SCP81_KVN;
		OSMO_STRLCPY_ARRAY(ks->type, "SCP81");
		keyset_key(ctx, ks, b->transport, KEY_TYPE_PSK, c->psk);
		keyset_key(ctx, ks, b->transport, KEY_TYPE_AES, c->dek);
	}

	e->profile = p = talloc_zero(ctx, struct es_profile_info);
	e->n_profiles = 1;
	OSMO_STRLCPY_ARRAY(p->iccid, c->iccid);
	p->isdp_aid = c->isdp;
	OSMO_STRLCPY_ARRAY(p->mno_id, b->o->mno_id);
	p->fallback = true;
	OSMO_STRLCPY_ARRAY(p->addr.imsi, c->imsi);
	OSMO_STRLCPY_ARRAY(p->addr.msisdn, c->msisdn);
	p->state = ES_PS_ENABLED;
	p->allocated_memory = 16384;
}

static int put_eis(void *ctx, const struct batch *b, const struct one *c)
{
	struct es_eis *e = talloc_zero(ctx, struct es_eis);
	char eid[EID_STR_SIZE];
	struct bytes *xml;

	eis_fill(ctx, e, b, c);
	if (es_dsig_sign(e, b->eum, b->eum_cert) < 0)
		return -EINVAL;
	xml = es_eis_enc(ctx, e);
	if (!xml)
		return -EINVAL;
	return ca_write(talloc_asprintf(ctx, "%s/eis/%s.xml", b->o->out, eid_str(eid, &c->eid)), xml->data, xml->len, 0600);
}

static int batch_card(void *ctx, struct batch *b, unsigned long n)
{
	void *tmp = talloc_named_const(ctx, 0, "card");
	struct one *c = talloc_zero(tmp, struct one);
	int rc = one_make(tmp, c, b, n);

	if (rc == 0)
		rc = put_card_line(tmp, b, c);
	if (rc == 0)
		rc = put_eis(tmp, b, c);
	secret_wipe(c, sizeof(*c));
	talloc_free(tmp);
	return rc;
}

static int batch_open(void *ctx, struct batch *b)
{
	struct bytes *t = file_read(ctx, ca_path(ctx, b->o->name, ".transport.key"));
	char day[CLOCK_STR_SIZE], until[CLOCK_STR_SIZE];
	uint8_t raw[16];

	if (!t)
		return -ENOENT;
	bytes_secret(t);
	bytes_put_u8(t, 0);
	if (hex_dec(raw, sizeof(raw), strtok((char *)t->data, "\n")) != 16)
		return -EINVAL;
	b->transport = key_new(ctx, KEY_TYPE_AES, raw, sizeof(raw));
	secret_wipe(raw, sizeof(raw));
	b->now = clock_now();
	clock_str(day, b->now);
	clock_str(until, b->now + 86400LL * b->o->days);
	snprintf(b->from, sizeof(b->from), "%.4s%.2s%.2s", day, day + 5, day + 8);
	snprintf(b->until, sizeof(b->until), "%.4s%.2s%.2s", until, until + 5, until + 8);
	if (cert_x509_ski(b->eum_cert, b->eum_ski) < 0)
		return -EINVAL;
	mkdir(b->o->out, 0700);
	mkdir(talloc_asprintf(ctx, "%s/eis", b->o->out), 0700);
	umask(077);
	b->cards = fopen(talloc_asprintf(ctx, "%s/cards.jsonl", b->o->out), "wx");
	if (b->cards)
		return 0;
	fprintf(stderr, "osmo-rsp-ca: %s/cards.jsonl: %s\n", b->o->out, strerror(errno));
	return -EIO;
}

int ca_batch(void *ctx, const struct ca_opts *opt, const struct ec_key *eum, const struct cert_x509 *eum_cert,
	     const struct cert_x509 *ci_cert)
{
	struct batch b = { .o = opt, .eum = eum, .eum_cert = eum_cert };
	int64_t start = clock_now_ms(), shown = start, now;
	unsigned long i;
	int rc = batch_open(ctx, &b);

	if (rc == 0)
		rc = put_batch_line(ctx, &b, ci_cert);
	for (i = 0; rc == 0 && i < opt->count; i++) {
		rc = batch_card(ctx, &b, opt->first + i);
		now = clock_now_ms();
		if (now - shown >= 1000 || i + 1 == opt->count) {
			fprintf(stderr, "\reum-batch: %lu of %lu eUICCs, %.1f s", i + 1, opt->count, (now - start) / 1000.0);
			shown = now;
		}
	}
	fputc('\n', stderr);
	if (b.cards && fclose(b.cards) != 0)
		rc = -EIO;
	if (rc < 0)
		fprintf(stderr, "osmo-rsp-ca: eum-batch: %s\n", strerror(-rc));
	return rc;
}
