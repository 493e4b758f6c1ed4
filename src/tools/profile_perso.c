/* osmo-rsp-profile personalise: values from options, a CSV file or a generated pool; one package, or a directory of
 * them that appears only when every row was good.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/misc.h>

#include "profile_tool.h"

/* Options ------------------------------------------------------------ */

int perso_fixed(struct tool *t, const char *name, const char *value)
{
	if (t->n_fixed == PROFILE_FIXED_MAX)
		return complain(name, "too many values");
	t->fixed[t->n_fixed].name = name;
	t->fixed[t->n_fixed++].value = value;
	return 0;
}

static bool perso_is_secret(const char *name)
{
	static const char *const secret[] = { "k", "opc", "op", "pin1", "pin2", "puk1", "puk2", "adm1", "adm2" };

	for (unsigned i = 0; i < ARRAY_SIZE(secret); i++) {
		if (!strcmp(secret[i], name))
			return true;
	}
	return !strncmp(name, "key:", 4);
}

int perso_set(struct tool *t, const char *arg)
{
	char *name = talloc_strdup(t->ctx, arg), *value = strchr(name, '=');

	if (!value)
		return complain(arg, "--set COLUMN=VALUE");
	*value++ = '\0';
	if (perso_is_secret(name) && strcmp(value, "random") && strcmp(value, "derived"))
		return complain(name, "a secret belongs into a file (--secrets, --csv), not on the command line");
	return perso_fixed(t, name, value);
}

int perso_hex_file(struct tool *t, const char *column, const char *path)
{
	struct bytes *b = read_file(t->ctx, path);
	char *hex = b ? (char *)b->data : NULL;

	if (!hex)
		return -EINVAL;
	hex += strspn(hex, " \t\r\n");
	hex[strcspn(hex, " \t\r\n")] = '\0';
	return perso_fixed(t, column, hex);
}

int perso_master(struct tool *t, const char *path)
{
	struct bytes *hex = read_file(t->ctx, path), *b;

	b = hex ? bytes_from_hex(t->ctx, (const char *)hex->data) : NULL;
	if (b) {
		bytes_secret(b);
		t->master = key_new(t->ctx, KEY_TYPE_AES, b->data, b->len);
	}
	return t->master ? 0 : complain(path, "a master key is 32, 48 or 64 hex digits");
}

/* "key KVN KID HEX [COUNTER]", otherwise "COLUMN VALUE" */
static int secret_line(struct tool *t, char *line)
{
	char *save = NULL, *name = strtok_r(line, " \t\r", &save), *value, *kid, *counter;

	if (!name || *name == '#')
		return 0;
	value = strtok_r(NULL, " \t\r", &save);
	if (!value)
		return complain("secrets", "a line without a value");
	if (strcmp(name, "key"))
		return perso_fixed(t, name, value);
	kid = strtok_r(NULL, " \t\r", &save);
	name = kid ? talloc_asprintf(t->ctx, "key:%s:%s", value, kid) : NULL;
	value = strtok_r(NULL, " \t\r", &save);
	counter = strtok_r(NULL, " \t\r", &save);
	if (!name || !value)
		return complain("secrets", "key KVN KID HEX [COUNTER]");
	if (perso_fixed(t, name, value) < 0)
		return -EINVAL;
	return counter ? perso_fixed(t, talloc_asprintf(t->ctx, "counter:%s", name + 4), counter) : 0;
}

int perso_secrets_file(struct tool *t, const char *path)
{
	struct bytes *b = read_file(t->ctx, path);
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

/* Seen IMSIs ------------------------------------------------------------ */

struct seen {
	uint64_t *slot;		/* number + 1, 0: free; a power of two of them */
	size_t size, used;
};

static bool seen_put(uint64_t *slot, size_t size, uint64_t v)
{
	size_t i = (v * 0x9E3779B97F4A7C15ULL >> 20) & (size - 1);

	for (; slot[i]; i = (i + 1) & (size - 1)) {
		if (slot[i] == v)
			return false;
	}
	slot[i] = v;
	return true;
}

/* False: it was there already. Lengths count: 00101 is not 101. */
static bool seen_add(void *ctx, struct seen *s, const char *digits)
{
	uint64_t v = strtoull(digits, NULL, 10) * 16 + strlen(digits) + 1;
	uint64_t *bigger;
	size_t size;

	if (2 * s->used >= s->size) {
		size = s->size ? 2 * s->size : 1024;
		bigger = talloc_zero_array(ctx, uint64_t, size);
		for (size_t i = 0; i < s->size; i++) {
			if (s->slot[i])
				seen_put(bigger, size, s->slot[i]);
		}
		talloc_free(s->slot);
		s->slot = bigger;
		s->size = size;
	}
	s->used++;
	return seen_put(s->slot, s->size, v);
}

/* Batches ------------------------------------------------------------ */

struct batch {
	struct tool *t;
	const struct bytes *upp;
	struct upp_cols *cols;
	struct seen imsis;
	const char *input;	/* for complaints */
	char *part;		/* directory until the end */
	FILE *values;
	unsigned line, rows;
};

static int batch_fail(const struct batch *b, const struct upp_row_err *e)
{
	if (e->column)
		fprintf(stderr, "%s:%u: column %u (%s): %s\n", b->input, b->line, e->column, e->name, e->msg);
	else if (e->name[0])
		fprintf(stderr, "%s:%u: %s: %s\n", b->input, b->line, e->name, e->msg);
	else
		fprintf(stderr, "%s:%u: %s\n", b->input, b->line, e->msg);
	return -EINVAL;
}

static int batch_say(const struct batch *b, const char *why)
{
	fprintf(stderr, "%s:%u: %s\n", b->input, b->line, why);
	return -EINVAL;
}

static const char *batch_value(const struct batch *b, const char *name)
{
	for (unsigned i = 0; i < upp_cols_count(b->cols); i++) {
		if (!strcmp(upp_cols_name(b->cols, i), name))
			return upp_row_value(b->cols, i);
	}
	return NULL;
}

/* The columns with what was made for them, for the HLR. */
static int batch_values(struct batch *b, bool names)
{
	const char *v, *quote;
	unsigned i;

	for (i = 0; b->values && i < upp_cols_count(b->cols); i++) {
		v = names ? upp_cols_name(b->cols, i) : upp_row_value(b->cols, i);
		quote = v && strpbrk(v, ",;\t\"") ? "\"" : "";
		fprintf(b->values, "%s%s", i ? "," : "", quote);
		for (; v && *v; v++)
			fprintf(b->values, *v == '"' ? "\"\"" : "%c", *v);
		fputs(quote, b->values);
	}
	if (b->values)
		fputc('\n', b->values);
	return b->values && ferror(b->values) ? complain(b->t->values, "cannot be written") : 0;
}

static int batch_write(struct batch *b, const struct bytes *upp)
{
	const char *iccid = batch_value(b, "iccid");
	char *path;
	int fd, rc = 0;

	if (!b->t->out_dir)
		return b->rows ? batch_say(b, "a second row: --out-dir is needed") : write_file(b->t->out, upp);
	if (!iccid)
		return batch_say(b, "no iccid: it names the files of --out-dir");
	path = talloc_asprintf(b->cols, "%s/%s.der", b->part, iccid);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		rc = batch_say(b, errno == EEXIST ? "iccid: a second row with it" : strerror(errno));
	else if (write(fd, upp->data, upp->len) != (ssize_t)upp->len)
		rc = batch_say(b, "cannot be written");
	if (fd >= 0)
		close(fd);
	talloc_free(path);
	return rc;
}

static int batch_row(struct batch *b, const struct upp_perso *p, const struct upp_row_err *bad)
{
	const char *err, *imsi;
	struct upp_row_err e = {};
	struct bytes *upp;
	int rc;

	if (!p)
		return batch_fail(b, bad);
	imsi = batch_value(b, "imsi");
	if (imsi && !seen_add(b->cols, &b->imsis, imsi))
		return batch_say(b, "imsi: a second row with it");
	upp = upp_personalise(b->cols, b->upp->data, b->upp->len, p, &err);
	if (!upp) {
		upp_row_blame(b->cols, err, &e);
		return batch_fail(b, &e);
	}
	rc = batch_write(b, upp);
	talloc_free(upp);
	if (rc == 0)
		rc = batch_values(b, false);
	b->rows++;
	return rc;
}

static int batch_fixed(struct batch *b)
{
	struct tool *t = b->t;
	struct upp_row_err e;

	for (unsigned i = 0; i < t->n_fixed; i++) {
		if (upp_cols_fixed(b->cols, t->fixed[i].name, t->fixed[i].value, &e) < 0)
			return batch_fail(b, &e);
	}
	return batch_values(b, true);
}

static int batch_pool(struct batch *b)
{
	unsigned n = b->t->pool ? b->t->pool : 1;
	struct upp_row_err e;
	int rc = batch_fixed(b);

	for (b->line = 1; b->line <= n && rc == 0; b->line++)
		rc = batch_row(b, upp_row_pool(b->cols, b->line - 1, &e), &e);
	return rc;
}

static int batch_csv(struct batch *b, FILE *f)
{
	char *line = talloc_size(b->cols, UPP_ROW_MAX + 2);
	struct upp_row_err e;
	bool header = true;
	int rc = 0;

	while (rc == 0 && fgets(line, UPP_ROW_MAX + 2, f)) {
		b->line++;
		if (strlen(line) > UPP_ROW_MAX)
			rc = batch_say(b, "the line is too long");
		else if (!line[strspn(line, " \t\r\n")] || *line == '#')
			continue;
		else if (!header)
			rc = batch_row(b, upp_row_csv(b->cols, line, &e), &e);
		else if (upp_cols_header(b->cols, line, &e) < 0)
			rc = batch_fail(b, &e);
		else
			rc = batch_fixed(b);
		header = false;
	}
	secret_wipe(line, UPP_ROW_MAX + 2);
	if (rc == 0 && (ferror(f) || !b->rows))
		rc = batch_say(b, ferror(f) ? "cannot be read" : "no rows");
	return rc;
}

/* Everything is written beside the directory and moved there at the end, or removed. */
static int batch_begin(struct batch *b)
{
	struct tool *t = b->t;
	int fd;

	if (t->out_dir && access(t->out_dir, F_OK) == 0)
		return complain(t->out_dir, "exists already");
	if (t->values) {	/* another batch's keys may be nowhere else: never overwritten */
		fd = open(t->values, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		b->values = fd < 0 ? NULL : fdopen(fd, "w");
		if (!b->values)
			return complain(t->values, errno == EEXIST ? "exists already" : strerror(errno));
	}
	if (!t->out_dir)
		return 0;
	b->part = talloc_asprintf(b->cols, "%s.part%d", t->out_dir, (int)getpid());
	return mkdir(b->part, 0700) < 0 ? complain(b->part, strerror(errno)) : 0;
}

static void batch_remove(const struct batch *b)
{
	DIR *d = b->part ? opendir(b->part) : NULL;
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	if (b->part)
		rmdir(b->part);
}

static int batch_end(struct batch *b, int rc)
{
	struct tool *t = b->t;

	if (b->values && fclose(b->values) != 0 && rc == 0)
		rc = complain(t->values, "cannot be written");
	if (rc == 0 && b->part && rename(b->part, t->out_dir) < 0)
		rc = complain(t->out_dir, strerror(errno));
	if (rc < 0)
		batch_remove(b);
	if (rc < 0 && b->values)
		unlink(t->values);
	if (rc == 0 && b->part)
		printf("%u packages in %s\n", b->rows, t->out_dir);
	return rc;
}

int cmd_perso(struct tool *t, const struct bytes *in)
{
	struct batch b = { .t = t, .upp = in, .cols = upp_cols_new(t->ctx), .input = t->csv ? t->csv : "pool" };
	FILE *f = NULL;
	int rc;

	if (!b.cols || upp_cols_plmn(b.cols, t->plmn) < 0)
		return complain("--plmn", "5 or 6 digits");
	if (t->no_luhn)
		upp_cols_no_luhn(b.cols);
	upp_cols_master(b.cols, t->master);
	if (t->csv) {
		f = strcmp(t->csv, "-") ? fopen(t->csv, "r") : stdin;
		if (!f)
			return complain(t->csv, strerror(errno));
	}
	rc = batch_begin(&b);
	if (rc == 0)
		rc = f ? batch_csv(&b, f) : batch_pool(&b);
	rc = batch_end(&b, rc);
	if (f && f != stdin)
		fclose(f);
	talloc_free(b.cols);
	return rc;
}
