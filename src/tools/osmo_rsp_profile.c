/* osmo-rsp-profile: profile packages (SAIP): show, check, compare, build from a description and back, personalise.
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
#include <osmocom/rsp/profile/upp_check.h>
#include <osmocom/rsp/profile/upp_text.h>
#include <osmocom/rsp/profile/upp_view.h>
#include <osmocom/rsp/util/misc.h>

#include "profile_tool.h"

static const char help[] =
	"osmo-rsp-profile COMMAND\n"
	"  show FILE [--notation] [--with-secrets]   as a tree, or in ASN.1 value notation; keys and codes masked\n"
	"  check FILE                    rules for packages; exit code 1 when one is broken\n"
	"  diff FILE FILE [--with-secrets]   what differs; exit code 1 when something does\n"
	"  build DESCRIPTION -o OUT [--include-dir DIR]   package from a text description (upp-text.md)\n"
	"  decompile FILE [-o OUT]       description of a package, keys included; `build` gives the same package\n"
	"  personalise FILE -o OUT VALUES            one package\n"
	"  personalise FILE --out-dir DIR --csv CSV  one for each row; columns: upp-csv.md\n"
	"  personalise FILE --out-dir DIR --pool N   N of them; iccid, imsi, msisdn count up from their values\n"
	"        --set COLUMN=VALUE       for all rows; secrets only as `random` or `derived`\n"
	"        [--iccid N] [--imsi N] [--msisdn N] [--smsc N] [--spn NAME] [--pol HEX] [--connectivity HEX]\n"
	"        [--k-file FILE] [--opc-file FILE]    32 hex digits each\n"
	"        [--secrets FILE]         lines: COLUMN VALUE, or key KVN KID HEX [COUNTER] (all in hex)\n"
	"        [--master-key-file FILE] what `derived` comes from\n"
	"        [--plmn N] [--no-luhn]   IMSIs must begin with N; any check digit in ICCIDs\n"
	"        [--values FILE]          the values used, random ones included, as CSV\n"
	"  --help, --version\n"
	"FILE, DESCRIPTION and CSV may be - for standard input, OUT - for standard output; OUT has mode 0600.\n"
	"Secrets come from files, never from the command line, which everybody on the machine can read.\n";

enum { OPT_ICCID = 256, OPT_IMSI, OPT_MSISDN, OPT_SMSC, OPT_SPN, OPT_POL, OPT_CONN, OPT_K, OPT_OPC, OPT_SECRETS,
       OPT_SET, OPT_CSV, OPT_POOL, OPT_DIR, OPT_VALUES, OPT_PLMN, OPT_NO_LUHN, OPT_MASTER, OPT_NOTATION, OPT_WITH };
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
	{ "set", required_argument, NULL, OPT_SET },
	{ "csv", required_argument, NULL, OPT_CSV },
	{ "pool", required_argument, NULL, OPT_POOL },
	{ "out-dir", required_argument, NULL, OPT_DIR },
	{ "values", required_argument, NULL, OPT_VALUES },
	{ "plmn", required_argument, NULL, OPT_PLMN },
	{ "no-luhn", no_argument, NULL, OPT_NO_LUHN },
	{ "master-key-file", required_argument, NULL, OPT_MASTER },
	{ "include-dir", required_argument, NULL, 'I' },
	{ "notation", no_argument, NULL, OPT_NOTATION },
	{ "with-secrets", no_argument, NULL, OPT_WITH },
	{}
};

int complain(const char *what, const char *why)
{
	fprintf(stderr, "osmo-rsp-profile: %s: %s\n", what, why);
	return -EINVAL;
}

struct bytes *read_file(void *ctx, const char *path)
{
	struct bytes *b = bytes_new(ctx, PROFILE_MAX);
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

int write_file(const char *path, const struct bytes *b)
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
	const char *err;
	struct bytes *text = upp_view(t->ctx, in->data, in->len, t->notation ? UPP_VIEW_NOTATION : UPP_VIEW_TREE,
				      t->secrets, &err);

	return text ? write_file(t->out ? t->out : "-", text) : complain("show", err);
}

static int cmd_decompile(struct tool *t, const struct bytes *in)
{
	struct bytes *text = upp_text_show(t->ctx, in->data, in->len);

	if (!text)
		return complain("decompile", "not a package: malformed TLV");
	return write_file(t->out ? t->out : "-", text);
}

static int cmd_diff(struct tool *t, const struct bytes *in, const char *other)
{
	struct bytes *b = read_file(t->ctx, other), *text;
	const char *err;
	unsigned n;

	if (!b)
		return -EINVAL;
	text = upp_diff(t->ctx, in->data, in->len, b->data, b->len, t->secrets, &n, &err);
	if (!text)
		return complain("diff", err);
	return write_file(t->out ? t->out : "-", text) < 0 || n ? -EINVAL : 0;
}

static void finding(void *data, const struct upp_finding *f)
{
	const char *file = data, *sev = f->sev == UPP_ERROR ? "error" : "warning";

	if (f->pe < 0)
		printf("%s: %s: %s [%s]\n", file, sev, f->text, f->rule);
	else if (f->id < 0)
		printf("%s: element %d: %s: %s [%s]\n", file, f->pe + 1, sev, f->text, f->rule);
	else
		printf("%s: element %d (id %d): %s: %s [%s]\n", file, f->pe + 1, f->id, sev, f->text, f->rule);
}

static int cmd_check(const struct bytes *in, const char *path)
{
	return upp_check(in->data, in->len, finding, (void *)path) ? -EINVAL : 0;
}

/* Where a description's files are: beside it, in --include-dir, among those installed. */
struct places {
	const char *beside, *dir;
};

static struct bytes *places_open(void *ctx, const struct places *p, const char *name, const char **err)
{
	const char *const dirs[] = { p->beside, p->dir, PROFILES_DIR };
	char *path;
	unsigned i;

	*err = "no such file";
	if (*name == '/')
		return read_file(ctx, name);
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		path = dirs[i] ? talloc_asprintf(ctx, "%s/%s", dirs[i], name) : NULL;
		if (path && access(path, R_OK) == 0) {
			*err = "cannot be read";
			return read_file(ctx, path);
		}
	}
	return NULL;
}

static struct bytes *places_text(void *ctx, void *data, const char *name, const char **err)
{
	struct bytes *b = places_open(ctx, data, name, err);

	if (b && memchr(b->data, '\0', b->len)) {
		*err = "not text";
		return NULL;
	}
	return b;
}

static struct bytes *places_code(void *ctx, void *data, const char *name, const char **err)
{
	struct bytes *b = places_open(ctx, data, name, err);

	return b ? cap_load_block(ctx, b, err) : NULL;
}

static int cmd_build(struct tool *t, const struct bytes *in, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct places p = { slash ? talloc_strndup(t->ctx, path, slash - path) : ".", t->include };
	const struct upp_text_files files = { places_text, places_code, &p };
	struct upp_text_err err;
	struct bytes *upp;

	if (memchr(in->data, '\0', in->len))
		return complain(path, "not text");
	upp = upp_text_build_files(t->ctx, (const char *)in->data, &files, &err);
	if (!upp) {
		fprintf(stderr, "%s:%u: %s\n", path, err.line, err.msg);
		return -EINVAL;
	}
	return write_file(t->out, upp);
}

static int option_pool(struct tool *t, const char *arg)
{
	char *end;

	t->pool = strtoul(arg, &end, 10);
	return *end || !t->pool || t->pool > 10000000 ? complain("--pool", "1 to 10000000") : 0;
}

static int option_column(struct tool *t, int c, const char *arg)
{
	static const char *const columns[] = { "iccid", "imsi", "msisdn", "smsc", "spn", "pol", "connectivity" };

	return perso_fixed(t, columns[c - OPT_ICCID], arg);
}

static int option_set(struct tool *t, int c, const char *arg)
{
	switch (c) {
	case 'o':
		t->out = arg;
		return 0;
	case 'I':
		t->include = arg;
		return 0;
	case OPT_K:
		return perso_hex_file(t, "k", arg);
	case OPT_OPC:
		return perso_hex_file(t, "opc", arg);
	case OPT_SECRETS:
		return perso_secrets_file(t, arg);
	case OPT_SET:
		return perso_set(t, arg);
	case OPT_CSV:
		t->csv = arg;
		return 0;
	case OPT_POOL:
		return option_pool(t, arg);
	case OPT_DIR:
		t->out_dir = arg;
		return 0;
	case OPT_VALUES:
		t->values = arg;
		return 0;
	case OPT_PLMN:
		t->plmn = arg;
		return 0;
	case OPT_NO_LUHN:
		t->no_luhn = true;
		return 0;
	case OPT_MASTER:
		return perso_master(t, arg);
	case OPT_NOTATION:
		t->notation = true;
		return 0;
	case OPT_WITH:
		t->secrets = true;
		return 0;
	}
	return c >= OPT_ICCID && c <= OPT_CONN ? option_column(t, c, arg) : -EINVAL;
}

static int run(struct tool *t, const char *command, const char *path, const char *other)
{
	bool build = !strcmp(command, "build");
	bool perso = !strcmp(command, "personalise") || !strcmp(command, "perso");
	struct bytes *in;

	if (build && !t->out)
		return complain(command, "-o OUT is missing");
	if (perso && !t->out == !t->out_dir)
		return complain(command, "either -o OUT or --out-dir DIR");
	if (perso && t->csv && t->pool)
		return complain(command, "either --csv or --pool");
	in = read_file(t->ctx, path);
	if (!in)
		return -EINVAL;
	if (build)
		return cmd_build(t, in, path);
	if (perso)
		return cmd_perso(t, in);
	if (!strcmp(command, "show"))
		return cmd_show(t, in);
	if (!strcmp(command, "decompile"))
		return cmd_decompile(t, in);
	return other ? cmd_diff(t, in, other) : cmd_check(in, path);
}

static int arguments(const char *command, int n)
{
	static const char *const commands[] = { "show", "check", "diff", "build", "decompile", "personalise", "perso" };

	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i], command))
			return n == (!strcmp(command, "diff") ? 3 : 2) ? 0 : -EINVAL;
	}
	return complain(command, "no such command (see --help)");
}

int main(int argc, char **argv)
{
	struct tool t = { .ctx = talloc_named_const(NULL, 0, "osmo-rsp-profile") };
	int c, rc = 0;

	while (rc == 0 && (c = getopt_long(argc, argv, "hVo:I:", options, NULL)) != -1) {
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
	if (rc == 0 && optind == argc) {
		fputs(help, stderr);
		rc = -EINVAL;
	} else if (rc == 0 && arguments(argv[optind], argc - optind) < 0) {
		rc = complain(argv[optind], "see --help");
	}
	if (rc == 0)
		rc = run(&t, argv[optind], argv[optind + 1], argc - optind == 3 ? argv[optind + 2] : NULL);
	talloc_free(t.ctx);
	return rc < 0 ? 1 : 0;
}
