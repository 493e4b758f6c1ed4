/* osmo-rsp-profile: profile packages (SAIP): show as text, check, build from text, personalise.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/profile/upp_check.h>
#include <osmocom/rsp/profile/upp_perso.h>
#include <osmocom/rsp/profile/upp_text.h>
#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/misc.h>

#define PROFILE_MAX (1U << 20)
#define KEYS_MAX 32
#define KEY_LEN_MAX 64

static const char help[] =
	"osmo-rsp-profile COMMAND\n"
	"  show FILE                 the package as text, keys included; `build` of it gives the same package\n"
	"  check FILE                rules for packages; exit code 1 when one is broken\n"
	"  build TEXT -o OUT         package from a text description\n"
	"  perso FILE -o OUT         put values in; one that has no place in the package refuses the whole\n"
	"        [--iccid N] [--imsi N] [--msisdn N] [--smsc N] [--spn NAME] [--pol HEX] [--connectivity HEX]\n"
	"        [--k-file FILE] [--opc-file FILE]    32 hex digits each\n"
	"        [--secrets FILE]                     lines: k HEX | opc HEX | pin1 N | pin2 N | puk1 N |\n"
	"                                             puk2 N | adm1 N |\n"
	"                                             key KVN KID HEX [COUNTER]   (KVN, KID, COUNTER in hex)\n"
	"  --help, --version\n"
	"FILE and TEXT may be - for standard input, OUT - for standard output. OUT is made with mode 0600.\n"
	"Secrets come from files, never from the command line, which everybody on the machine can read.\n";

enum { OPT_ICCID = 256, OPT_IMSI, OPT_MSISDN, OPT_SMSC, OPT_SPN, OPT_POL, OPT_CONN, OPT_K, OPT_OPC, OPT_SECRETS };
static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "out", required_argument, NULL, 'o' },
	{ "iccid", required_argument, NULL, OPT_ICCID },
	{ "imsi", required_argument, NULL, OPT_IMSI },
	{ "msisdn", required_argument, NULL, OPT_MSISDN },
	{ "smsc", required_argument, NULL, OPT_SMSC },
	{ "spn", required_argument, NULL, OPT_SPN },
	{ "pol", required_argument, NULL, OPT_POL },
	{ "connectivity", required_argument, NULL, OPT_CONN },
	{ "k-file", required_argument, NULL, OPT_K },
	{ "opc-file", required_argument, NULL, OPT_OPC },
	{ "secrets", required_argument, NULL, OPT_SECRETS },
	{}
};

struct tool {
	void *ctx;
	const char *out;
	struct upp_perso perso;
	struct upp_perso_key keys[KEYS_MAX];
};

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "osmo-rsp-profile: %s: %s\n", what, why);
	return -EINVAL;
}

/* A whole file, bounded, with a NUL behind it that is not counted. Marked secret. */
static struct bytes *read_file(struct tool *t, const char *path)
{
	struct bytes *b = bytes_new(t->ctx, PROFILE_MAX);
	uint8_t buf[4096];
	size_t n;
	FILE *f = strcmp(path, "-") ? fopen(path, "rb") : stdin;

	if (!f) {
		complain(path, strerror(errno));
		return NULL;
	}
	bytes_secret(b);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0 && bytes_put(b, buf, n) == 0)
		;
	secret_wipe(buf, sizeof(buf));
	if (ferror(f) || b->err || bytes_put_u8(b, 0) < 0) {
		complain(path, b->err ? "too long" : "cannot be read");
		b = NULL;
	} else {
		b->len--;
	}
	if (f != stdin)
		fclose(f);
	return b;
}

static int write_file(const char *path, const struct bytes *b)
{
	int fd = strcmp(path, "-") ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : STDOUT_FILENO;
	size_t done = 0;
	ssize_t n = 0;

	if (fd < 0)
		return complain(path, strerror(errno));
	while (done < b->len && (n = write(fd, b->data + done, b->len - done)) > 0)
		done += n;
	if ((fd != STDOUT_FILENO && close(fd) < 0) || done < b->len)
		return complain(path, "cannot be written");
	return 0;
}

/* Commands ------------------------------------------------------------ */

static int cmd_show(struct tool *t, const struct bytes *in)
{
	struct bytes *text = upp_text_show(t->ctx, in->data, in->len);

	if (!text)
		return complain("show", "not a package: malformed TLV");
	return write_file(t->out ? t->out : "-", text);
}

static void finding(void *data, enum upp_severity sev, int pe, int id, const char *text)
{
	const char *file = data;

	if (pe < 0)
		printf("%s: %s: %s\n", file, sev == UPP_ERROR ? "error" : "warning", text);
	else if (id < 0)
		printf("%s: element %d: %s: %s\n", file, pe + 1, sev == UPP_ERROR ? "error" : "warning", text);
	else
		printf("%s: element %d (id %d): %s: %s\n", file, pe + 1, id, sev == UPP_ERROR ? "error" : "warning",
		       text);
}

static int cmd_check(const struct bytes *in, const char *path)
{
	return upp_check(in->data, in->len, finding, (void *)path) ? -EINVAL : 0;
}

static int cmd_build(struct tool *t, const struct bytes *in, const char *path)
{
	struct upp_text_err err;
	struct bytes *upp;

	if (memchr(in->data, '\0', in->len))
		return complain(path, "not text");
	upp = upp_text_build(t->ctx, (const char *)in->data, &err);
	if (!upp) {
		fprintf(stderr, "%s:%u: %s\n", path, err.line, err.msg);
		return -EINVAL;
	}
	return write_file(t->out, upp);
}

static int cmd_perso(struct tool *t, const struct bytes *in)
{
	const char *err;
	struct bytes *upp = upp_personalise(t->ctx, in->data, in->len, &t->perso, &err);

	return upp ? write_file(t->out, upp) : complain("perso", err);
}

/* Values ------------------------------------------------------------ */

/* Hex of one of the allowed lengths (0: any), kept in the tool's context. */
static const uint8_t *value_hex(struct tool *t, const char *hex, const char *what, size_t want, size_t *len)
{
	struct bytes *b = bytes_from_hex(t->ctx, hex);

	if (!b || (want && b->len != want)) {
		complain(what, "not hex or of a wrong length");
		return NULL;
	}
	bytes_secret(b);
	if (len)
		*len = b->len;
	return b->data;
}

static const uint8_t *value_file(struct tool *t, const char *path, const char *what)
{
	struct bytes *b = read_file(t, path);

	return b ? value_hex(t, (const char *)b->data, what, 16, NULL) : NULL;
}

static int secret_key(struct tool *t, char *kvn, char *save)
{
	struct upp_perso_key *k = &t->keys[t->perso.n_keys];
	char *kid = strtok_r(NULL, " \t\r", &save), *hex = strtok_r(NULL, " \t\r", &save);
	char *counter = strtok_r(NULL, " \t\r", &save);

	if (!kid || !hex || t->perso.n_keys == KEYS_MAX)
		return complain("secrets", "key KVN KID HEX [COUNTER]");
	k->kvn = strtoul(kvn, NULL, 16);
	k->kid = strtoul(kid, NULL, 16);
	k->b = value_hex(t, hex, "key", 0, &k->len);
	k->counter = counter ? value_hex(t, counter, "counter", 5, NULL) : NULL;
	if (!k->b || k->len > KEY_LEN_MAX || (counter && !k->counter))
		return -EINVAL;
	t->perso.n_keys++;
	return 0;
}

static int secret_line(struct tool *t, char *line)
{
	struct upp_perso *p = &t->perso;
	const struct {
		const char *name;
		const char **v;
	} codes[] = { { "pin1", &p->pin1 },
		      { "pin2", &p->pin2 },
		      { "puk1", &p->puk1 },
		      { "puk2", &p->puk2 },
		      { "adm1", &p->adm1 } };
	char *save = NULL, *word = strtok_r(line, " \t\r", &save), *value = strtok_r(NULL, " \t\r", &save);
	unsigned i;

	if (!word || *word == '#')
		return 0;
	if (!value)
		return complain("secrets", "a line without a value");
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		if (!strcmp(word, codes[i].name)) {
			*codes[i].v = value;
			return 0;
		}
	}
	if (!strcmp(word, "k"))
		return (p->k = value_hex(t, value, "k", 16, NULL)) ? 0 : -EINVAL;
	if (!strcmp(word, "opc"))
		return (p->opc = value_hex(t, value, "opc", 16, NULL)) ? 0 : -EINVAL;
	if (!strcmp(word, "key"))
		return secret_key(t, value, save);
	return complain("secrets", "k, opc, pin1, pin2, puk1, puk2, adm1 or key");
}

static int value_secrets(struct tool *t, const char *path)
{
	struct bytes *b = read_file(t, path);
	char *line = b ? (char *)b->data : NULL, *next;

	for (; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (secret_line(t, line) < 0)
			return -EINVAL;
	}
	return b ? 0 : -EINVAL;
}

static int option_set(struct tool *t, int c, const char *arg)
{
	struct upp_perso *p = &t->perso;

	switch (c) {
	case 'o':
		t->out = arg;
		return 0;
	case OPT_ICCID:
		p->iccid = arg;
		return 0;
	case OPT_IMSI:
		p->imsi = arg;
		return 0;
	case OPT_MSISDN:
		p->msisdn = arg + (*arg == '+');
		return 0;
	case OPT_SMSC:
		p->smsc = arg + (*arg == '+');
		return 0;
	case OPT_SPN:
		p->spn = arg;
		return 0;
	case OPT_POL:
		return (p->pol = value_hex(t, arg, "--pol", 1, NULL)) ? 0 : -EINVAL;
	case OPT_CONN:
		p->connectivity = value_hex(t, arg, "--connectivity", 0, &p->connectivity_len);
		return p->connectivity ? 0 : -EINVAL;
	case OPT_K:
		return (p->k = value_file(t, arg, "--k-file")) ? 0 : -EINVAL;
	case OPT_OPC:
		return (p->opc = value_file(t, arg, "--opc-file")) ? 0 : -EINVAL;
	case OPT_SECRETS:
		return value_secrets(t, arg);
	}
	return -EINVAL;
}

static int run(struct tool *t, const char *command, const char *path)
{
	bool show = !strcmp(command, "show"), check = !strcmp(command, "check"), build = !strcmp(command, "build");
	bool perso = !strcmp(command, "perso");
	struct bytes *in;

	if (!show && !check && !build && !perso)
		return complain(command, "no such command (see --help)");
	if ((build || perso) && !t->out)
		return complain(command, "-o OUT is missing");
	in = read_file(t, path);
	if (!in)
		return -EINVAL;
	if (show)
		return cmd_show(t, in);
	if (check)
		return cmd_check(in, path);
	return build ? cmd_build(t, in, path) : cmd_perso(t, in);
}

int main(int argc, char **argv)
{
	struct tool t = { .ctx = talloc_named_const(NULL, 0, "osmo-rsp-profile") };
	int c, rc = 0;

	t.perso.keys = t.keys;
	while (rc == 0 && (c = getopt_long(argc, argv, "hVo:", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			talloc_free(t.ctx);
			return 0;
		}
		if (c == 'V') {
			puts("osmo-rsp-profile " PACKAGE_VERSION);
			talloc_free(t.ctx);
			return 0;
		}
		rc = option_set(&t, c, optarg);
	}
	if (rc == 0 && argc - optind != 2) {
		fputs(help, stderr);
		rc = -EINVAL;
	}
	if (rc == 0)
		rc = run(&t, argv[optind], argv[optind + 1]);
	talloc_free(t.ctx);
	return rc < 0 ? 1 : 0;
}
