/* Rows of text to values of personalisation: columns by name, cells checked where they stand so that a complaint names
 * line, column and reason; random and derived values (doc/formats/upp-csv.md).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/profile/upp_row.h>
#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/misc.h>

#include "upp_content.h"

#define CELL_HEX_MAX 512	/* octets */
/* Of the derivation (GP Amd D 4.1.5 has others for session keys); context: ICCID as in the header, KVN, KID. */
#define ROW_DERIVE_CONSTANT 0x80

enum row_kind { ROW_SKIP, ROW_TEXT, ROW_DIGITS, ROW_HEX, ROW_UINT, ROW_ALGO, ROW_KEY, ROW_COUNTER, ROW_FILE };

struct row_point {
	const char *name;
	enum row_kind kind;
	size_t offset, len_offset;	/* in struct upp_perso; len_offset 0: none */
	uint16_t min, max;		/* octets or digits */
	uint16_t random;		/* octets or digits of a random value, 0: cannot be */
	const char *content;		/* upp_content.h: what the value is checked as */
};

#define P(m) offsetof(struct upp_perso, m)
static const struct row_point row_points[] = {
	{ "iccid", ROW_DIGITS, P(iccid), 0, 19, 20, 0 },
	{ "imsi", ROW_DIGITS, P(imsi), 0, 6, 15, 0 },
	{ "acc", ROW_TEXT, P(acc), 0, 1, 64, 0, "acc" },
	{ "mnc_len", ROW_UINT, P(mnc_len), 0, 2, 3, 0 },
	{ "algo", ROW_ALGO, P(algo), 0, 0, 0, 0 },
	{ "k", ROW_HEX, P(k), P(k_len), 16, 32, 16 },
	{ "opc", ROW_HEX, P(opc), P(opc_len), 16, 32, 0 },
	{ "op", ROW_HEX, P(op), P(op_len), 16, 32, 0 },
	{ "aka_options", ROW_HEX, P(aka_options), 0, 1, 1, 0 },
	{ "keccak", ROW_UINT, P(keccak), 0, 1, 127, 0 },
	{ "sqn_options", ROW_HEX, P(sqn_options), 0, 1, 1, 0 },
	{ "sqn_delta", ROW_HEX, P(sqn_delta), 0, 6, 6, 0 },
	{ "sqn_age", ROW_HEX, P(sqn_age), 0, 6, 6, 0 },
	{ "sqn_init", ROW_HEX, P(sqn_init), 0, 6, 6, 0 },
	{ "pin1", ROW_DIGITS, P(pin1), 0, 4, 8, 4 },
	{ "pin2", ROW_DIGITS, P(pin2), 0, 4, 8, 4 },
	{ "puk1", ROW_DIGITS, P(puk1), 0, 8, 8, 8 },
	{ "puk2", ROW_DIGITS, P(puk2), 0, 8, 8, 8 },
	{ "adm1", ROW_TEXT, P(adm1), 0, 4, 16, 8 },
	{ "adm2", ROW_TEXT, P(adm2), 0, 4, 16, 8 },
	{ "msisdn", ROW_DIGITS, P(msisdn), 0, 3, 15, 0 },
	{ "smsc", ROW_DIGITS, P(smsc), 0, 3, 15, 0 },
	{ "spn", ROW_TEXT, P(spn), 0, 1, 64, 0, "spn" },
	{ "impi", ROW_TEXT, P(impi), 0, 1, 255, 0 },
	{ "impu", ROW_TEXT, P(impu), 0, 1, 1024, 0 },
	{ "domain", ROW_TEXT, P(domain), 0, 1, 255, 0 },
	{ "suci", ROW_TEXT, P(suci), 0, 1, 1024, 0, "suci" },
	{ "routing", ROW_DIGITS, P(routing), 0, 1, 4, 0 },
	{ "fplmn", ROW_TEXT, P(fplmn), 0, 1, 1024, 0, "plmn" },
	{ "ehplmn", ROW_TEXT, P(ehplmn), 0, 1, 1024, 0, "plmn" },
	{ "hplmnwact", ROW_TEXT, P(hplmnwact), 0, 1, 1024, 0, "plmnact" },
	{ "oplmnwact", ROW_TEXT, P(oplmnwact), 0, 1, 1024, 0, "plmnact" },
	{ "plmnwact", ROW_TEXT, P(plmnwact), 0, 1, 1024, 0, "plmnact" },
	{ "pol", ROW_HEX, P(pol), 0, 1, 1, 0 },
	{ "connectivity", ROW_HEX, P(connectivity), P(connectivity_len), 1, 255, 0 },
};
static const struct row_point row_skip = { "", ROW_SKIP, 0, 0, 0, 0, 0 };
static const struct row_point row_key = { "key", ROW_KEY, 0, 0, 16, 64, 16 };
static const struct row_point row_counter = { "counter", ROW_COUNTER, 0, 0, 5, 5, 0 };
static const struct row_point row_file = { "file", ROW_FILE, 0, 0, 1, CELL_HEX_MAX, 0 };

struct col {
	const struct row_point *pt;
	char *name;
	uint8_t kvn, kid;		/* ROW_KEY, ROW_COUNTER */
	char *file;			/* ROW_FILE */
	unsigned record, offset;
	const char *fixed;		/* the same in every row */
	const char *value;		/* of this row, in cols.text */
};

struct upp_cols {
	struct col col[UPP_COLS_MAX];
	unsigned n, n_csv;		/* those of the header come first */
	char sep;
	bool no_luhn;
	char plmn[8];
	const struct key *master;
	char iccid[ICCID_STR_SIZE];	/* of this row */
	/* the row: all text and octets in one secret block each, freed with the next row */
	struct bytes *text, *octets;
	struct upp_perso perso;
	struct upp_perso_key keys[UPP_COLS_MAX];
	struct upp_perso_bind binds[UPP_COLS_MAX];
};

struct upp_cols *upp_cols_new(void *ctx)
{
	return talloc_zero(ctx, struct upp_cols);
}

static int row_fail(const struct upp_cols *c, unsigned i, struct upp_row_err *err, const char *why)
{
	err->column = i < c->n_csv ? i + 1 : 0;
	snprintf(err->name, sizeof(err->name), "%s",
		 i < c->n && i < UPP_COLS_MAX && c->col[i].name ? c->col[i].name : "");
	snprintf(err->msg, sizeof(err->msg), "%s", why);
	return -EINVAL;
}

/* Columns ------------------------------------------------------------ */

/* KVN:KID in hex */
static bool col_key(struct col *col, const char *s)
{
	unsigned kvn, kid;
	int end = 0;

	if (sscanf(s, "%2x:%2x%n", &kvn, &kid, &end) != 2 || s[end])
		return false;
	col->kvn = kvn;
	col->kid = kid;
	return true;
}

/* ELEMENT/FILE or a path of FIDs, #RECORD, +OFFSET */
static bool col_file(struct upp_cols *c, struct col *col, const char *s)
{
	size_t n = strcspn(s, "#+");
	char *end = NULL;

	col->file = talloc_strndup(c, s, n);
	s += n;
	if (*s == '#') {
		col->record = strtoul(s + 1, &end, 10);
		if (!col->record || col->record > 254)
			return false;
		s = end;
	}
	if (*s == '+') {
		col->offset = strtoul(s + 1, &end, 10);
		s = end;
	}
	return col->file && n && !*s && col->offset <= 65535;
}

static const struct row_point *col_point(struct upp_cols *c, struct col *col, const char *name)
{
	if (*name == '-')
		return &row_skip;
	if (!strncmp(name, "key:", 4))
		return col_key(col, name + 4) ? &row_key : NULL;
	if (!strncmp(name, "counter:", 8))
		return col_key(col, name + 8) ? &row_counter : NULL;
	if (!strncmp(name, "file:", 5))
		return col_file(c, col, name + 5) ? &row_file : NULL;
	for (size_t i = 0; i < sizeof(row_points) / sizeof(row_points[0]); i++) {
		if (!strcmp(row_points[i].name, name))
			return &row_points[i];
	}
	return NULL;
}

int upp_cols_add(struct upp_cols *c, const char *name, struct upp_row_err *err)
{
	struct col *col = &c->col[c->n];
	unsigned i;

	if (c->n == UPP_COLS_MAX)
		return row_fail(c, c->n, err, "too many columns");
	*col = (struct col){ .name = talloc_strdup(c, name) };
	c->n++;
	col->pt = col->name ? col_point(c, col, name) : NULL;
	if (!col->pt)
		return row_fail(c, c->n - 1, err, "no such column; names that begin with - are passed over");
	for (i = 0; i + 1 < c->n && *name != '-'; i++) {
		if (!strcmp(c->col[i].name, name))
			return row_fail(c, c->n - 1, err, "the same column twice");
	}
	return 0;
}

/* Next cell of a line, unquoted, into out (NUL behind it). 1, 0 at the end, negative: broken quotes, too long. */
static int cell_next(struct bytes *out, const char **at, char sep)
{
	const char *s = *at;
	bool quoted = *s == '"';

	for (s += quoted; *s && (quoted || *s != sep); s++) {
		if (quoted && *s == '"') {
			if (s[1] != '"')
				break;
			s++;
		}
		bytes_put_u8(out, *s);
	}
	if (quoted && (*s++ != '"' || (*s && *s != sep)))
		return -EINVAL;
	*at = *s ? s + 1 : s;
	bytes_put_u8(out, '\0');
	return out->err ? -EINVAL : *s ? 1 : 0;
}

static const char *line_trim(struct bytes *keep, const char *line)
{
	size_t n = strcspn(line, "\r\n");

	bytes_put(keep, line, n);
	bytes_put_u8(keep, '\0');
	return keep->err ? NULL : (const char *)keep->data;
}

int upp_cols_header(struct upp_cols *c, const char *line, struct upp_row_err *err)
{
	struct bytes *copy = bytes_new(c, UPP_ROW_MAX), *cell = bytes_new(c, UPP_ROW_MAX);
	size_t n = strcspn(line, ",;\t");
	const char *at;
	int more = 1, rc = 0;

	if (!strncmp(line, "\xEF\xBB\xBF", 3))	/* byte order mark of spreadsheets */
		line += 3, n -= n > 3 ? 3 : 0;
	c->sep = line[n] ? line[n] : ',';
	at = copy && cell ? line_trim(copy, line) : NULL;
	if (!at)
		return row_fail(c, UPP_COLS_MAX, err, "the line is too long");
	while (more > 0 && rc == 0) {
		bytes_clear(cell);
		more = cell_next(cell, &at, c->sep);
		c->n_csv = c->n + 1;
		rc = more < 0 ? row_fail(c, UPP_COLS_MAX, err, "broken quotes") :
		     upp_cols_add(c, (const char *)cell->data, err);
	}
	c->n_csv = c->n;
	talloc_free(copy);
	talloc_free(cell);
	return rc;
}

int upp_cols_fixed(struct upp_cols *c, const char *name, const char *value, struct upp_row_err *err)
{
	struct bytes *b;

	if (upp_cols_add(c, name, err) < 0)
		return -EINVAL;
	b = bytes_dup(c, value, strlen(value) + 1);
	if (!b)
		return row_fail(c, c->n - 1, err, "out of memory");
	bytes_secret(b);
	c->col[c->n - 1].fixed = (const char *)b->data;
	return 0;
}

int upp_cols_plmn(struct upp_cols *c, const char *plmn)
{
	if (plmn && !digits_valid(plmn, 5, 6))
		return -EINVAL;
	snprintf(c->plmn, sizeof(c->plmn), "%s", plmn ? plmn : "");
	return 0;
}

void upp_cols_no_luhn(struct upp_cols *c)
{
	c->no_luhn = true;
}

void upp_cols_master(struct upp_cols *c, const struct key *master)
{
	c->master = master;
}

/* Cells ------------------------------------------------------------ */

static char *row_text(struct upp_cols *c, size_t size)
{
	size_t at = c->text->len;

	return bytes_fill(c->text, 0, size) < 0 ? NULL : (char *)c->text->data + at;
}

/* A made value, as text like any other: digits, or hex. */
static int cell_random(struct upp_cols *c, struct col *col)
{
	bool digits = col->pt->kind == ROW_DIGITS || col->pt->kind == ROW_TEXT;
	char *out = row_text(c, 2 * col->pt->random + 1);
	uint8_t b;

	for (unsigned i = 0; out && i < col->pt->random; i++) {
		do
			rand_bytes(&b, 1);
		while (digits && b >= 250);
		if (digits)
			out[i] = '0' + b % 10;
		else
			snprintf(out + 2 * i, 3, "%02X", b);
	}
	col->value = out;
	return out ? 0 : -ENOMEM;
}

static int cell_derived(struct upp_cols *c, struct col *col)
{
	uint8_t context[12], key[16];
	char *out = row_text(c, 2 * sizeof(key) + 1);

	if (!out || !c->master || !c->iccid[0] || (col->pt->kind != ROW_KEY && strcmp(col->name, "k")))
		return -EINVAL;
	iccid_to_bcd(context, c->iccid);
	context[10] = col->kvn;
	context[11] = col->kid;
	if (kdf_scp03(c->master, ROW_DERIVE_CONSTANT, context, sizeof(context), 128, key) < 0)
		return -EINVAL;
	for (unsigned i = 0; i < sizeof(key); i++)
		snprintf(out + 2 * i, 3, "%02X", key[i]);
	secret_wipe(key, sizeof(key));
	col->value = out;
	return 0;
}

static bool row_luhn(const char *iccid)
{
	char digits[ICCID_STR_SIZE];
	size_t n = strlen(iccid);

	snprintf(digits, sizeof(digits), "%.*s", (int)n - 1, iccid);
	return iccid_luhn(digits) == iccid[n - 1] - '0';
}

/* What goes beyond the kind of a column. */
static const char *cell_rules(const struct upp_cols *c, const struct col *col)
{
	if (!strcmp(col->name, "iccid") && !c->no_luhn && !row_luhn(col->value))
		return "wrong check digit";
	if (!strcmp(col->name, "imsi") && c->plmn[0] && strncmp(col->value, c->plmn, strlen(c->plmn)))
		return "not in the network of the batch";
	return col->pt->content ? upp_content_wrong(col->pt->content, col->value) : NULL;
}

static const uint8_t *cell_octets(struct upp_cols *c, const struct col *col, size_t *len)
{
	uint8_t buf[CELL_HEX_MAX];
	int n = hex_dec(buf, sizeof(buf), col->value);
	size_t at = c->octets->len;
	bool good = n >= col->pt->min && n <= col->pt->max && (col->pt->max != 32 || n == 16 || n == 32) &&
		    bytes_put(c->octets, buf, n) == 0;

	secret_wipe(buf, sizeof(buf));
	*len = n;
	return good ? c->octets->data + at : NULL;
}

static void *perso_at(struct upp_cols *c, size_t offset)
{
	return (uint8_t *)&c->perso + offset;
}

static const char *cell_hex(struct upp_cols *c, const struct col *col)
{
	struct upp_perso *p = &c->perso;
	struct upp_perso_key *k;
	const uint8_t *b;
	size_t len;

	b = cell_octets(c, col, &len);
	if (!b)
		return "not hex, or of a wrong length";
	switch (col->pt->kind) {
	case ROW_KEY:
		c->keys[p->n_keys++] = (struct upp_perso_key){ col->kvn, col->kid, b, len, NULL };
		return NULL;
	case ROW_COUNTER:	/* the key's column comes before it */
		for (k = c->keys; k < c->keys + p->n_keys; k++) {
			if (k->kvn == col->kvn && k->kid == col->kid) {
				k->counter = b;
				return NULL;
			}
		}
		return "no key column of these numbers before it";
	case ROW_FILE:
		c->binds[p->n_binds++] = (struct upp_perso_bind){ col->file, col->record, col->offset, b, len };
		return NULL;
	default:
		*(const uint8_t **)perso_at(c, col->pt->offset) = b;
		if (col->pt->len_offset)
			*(size_t *)perso_at(c, col->pt->len_offset) = len;
		return NULL;
	}
}

static const char *cell_put(struct upp_cols *c, const struct col *col)
{
	static const char *const algos[] = { "", "milenage", "tuak", "xor" };
	const struct row_point *pt = col->pt;
	const char *v = col->value;
	unsigned long n;
	char *end;

	switch (pt->kind) {
	case ROW_SKIP:
		return NULL;
	case ROW_DIGITS:
		v += *v == '+';
		if (!digits_valid(v, pt->min, pt->max))
			return "not digits, or a wrong number of them";
		break;
	case ROW_TEXT:
		if (strlen(v) < pt->min || strlen(v) > pt->max)
			return "too long or too short";
		break;
	case ROW_UINT:
		n = strtoul(v, &end, 10);
		if (*end || n < pt->min || n > pt->max)
			return "a number out of range";
		*(unsigned *)perso_at(c, pt->offset) = n;
		return NULL;
	case ROW_ALGO:
		for (n = 1; n < 4 && strcmp(algos[n], v); n++)
			;
		if (n == 4)
			return "milenage, tuak or xor";
		c->perso.algo = n;
		return NULL;
	default:
		return cell_hex(c, col);
	}
	*(const char **)perso_at(c, pt->offset) = v;
	return NULL;
}

/* Rows ------------------------------------------------------------ */

static int row_begin(struct upp_cols *c, struct upp_row_err *err)
{
	*err = (struct upp_row_err){};
	talloc_free(c->text);
	talloc_free(c->octets);
	/* both are made large enough at once: pointers into them must stay */
	c->text = bytes_new(c, 3 * UPP_ROW_MAX);
	c->octets = bytes_new(c, UPP_ROW_MAX);
	if (!c->text || !c->octets || bytes_fill(c->text, 0, 3 * UPP_ROW_MAX) < 0 ||
	    bytes_fill(c->octets, 0, UPP_ROW_MAX) < 0)
		return row_fail(c, UPP_COLS_MAX, err, "out of memory");
	bytes_secret(c->text);
	bytes_secret(c->octets);
	bytes_clear(c->text);
	bytes_clear(c->octets);
	memset(&c->perso, 0, sizeof(c->perso));
	c->perso.keys = c->keys;
	c->perso.binds = c->binds;
	c->iccid[0] = '\0';
	for (unsigned i = 0; i < c->n; i++)
		c->col[i].value = c->col[i].fixed;
	return 0;
}

static const struct upp_perso *row_end(struct upp_cols *c, struct upp_row_err *err)
{
	const char *why;
	struct col *col;
	unsigned i;

	for (i = 0; i < c->n; i++) {
		col = &c->col[i];
		if (!strcmp(col->name, "iccid") && col->value && iccid_from_str(c->iccid, col->value) < 0)
			return row_fail(c, i, err, "not 19 or 20 digits"), NULL;
	}
	for (i = 0; i < c->n; i++) {
		col = &c->col[i];
		if (!col->value || !*col->value || col->pt->kind == ROW_SKIP)
			continue;
		if (!strcmp(col->value, "random") && (!col->pt->random || cell_random(c, col) < 0))
			return row_fail(c, i, err, "random: not for this column"), NULL;
		if (!strcmp(col->value, "derived") && cell_derived(c, col) < 0)
			return row_fail(c, i, err, "derived: for k and keys, with a master key and an iccid"), NULL;
		why = cell_put(c, col);
		if (!why)
			why = cell_rules(c, col);
		if (why)
			return row_fail(c, i, err, why), NULL;
	}
	return &c->perso;
}

const struct upp_perso *upp_row_csv(struct upp_cols *c, const char *line, struct upp_row_err *err)
{
	const char *at;
	unsigned i = 0;
	size_t start;
	int more = 1;

	if (row_begin(c, err) < 0)
		return NULL;
	at = strlen(line) < UPP_ROW_MAX ? line_trim(c->text, line) : NULL;
	if (!at)
		return row_fail(c, UPP_COLS_MAX, err, "the line is too long"), NULL;
	while (more > 0) {
		if (i == c->n_csv)
			return row_fail(c, UPP_COLS_MAX, err, "more cells than columns"), NULL;
		start = c->text->len;
		more = cell_next(c->text, &at, c->sep);
		if (more < 0)
			return row_fail(c, i, err, "broken quotes"), NULL;
		c->col[i++].value = (const char *)c->text->data + start;
	}
	if (i < c->n_csv)
		return row_fail(c, UPP_COLS_MAX, err, "fewer cells than columns"), NULL;
	return row_end(c, err);
}

/* Counts a number of digits up by n, in place; false when it overflows. */
static bool digits_add(char *digits, size_t len, unsigned n)
{
	while (n && len) {
		unsigned d = digits[--len] - '0' + n % 10;

		digits[len] = '0' + d % 10;
		n = n / 10 + d / 10;
	}
	return !n;
}

static int pool_count(struct upp_cols *c, struct col *col, unsigned n)
{
	bool iccid = !strcmp(col->name, "iccid");
	size_t len = strlen(col->value), keep = 0;
	char *v = row_text(c, len + 1);

	if (!v || !digits_valid(col->value, 3, 20))
		return -EINVAL;
	memcpy(v, col->value, len);
	if (!strcmp(col->name, "imsi"))
		keep = c->plmn[0] ? strlen(c->plmn) : 5;	/* the subscriber's part only */
	else
		keep = len > 8 ? len - 8 : 0;
	if (len <= keep + iccid || !digits_add(v + keep, len - keep - iccid, n))
		return -ERANGE;
	if (iccid) {
		v[len - 1] = '\0';
		v[len - 1] = '0' + iccid_luhn(v);
	}
	col->value = v;
	return 0;
}

const struct upp_perso *upp_row_pool(struct upp_cols *c, unsigned n, struct upp_row_err *err)
{
	static const char *const counted[] = { "iccid", "imsi", "msisdn" };

	if (row_begin(c, err) < 0)
		return NULL;
	for (unsigned i = 0; i < c->n; i++) {
		for (unsigned k = 0; k < 3; k++) {
			if (strcmp(c->col[i].name, counted[k]) || !upp_row_value(c, i))
				continue;
			if (n == 0 && k == 0 && !c->no_luhn && !row_luhn(c->col[i].value))
				return row_fail(c, i, err, "wrong check digit"), NULL;
			if (n && pool_count(c, &c->col[i], n) < 0)
				return row_fail(c, i, err, "the range is used up"), NULL;
		}
	}
	return row_end(c, err);
}

unsigned upp_cols_count(const struct upp_cols *c)
{
	return c->n;
}

const char *upp_cols_name(const struct upp_cols *c, unsigned i)
{
	return i < c->n ? c->col[i].name : NULL;
}

const char *upp_row_value(const struct upp_cols *c, unsigned i)
{
	return i < c->n && c->col[i].value && *c->col[i].value ? c->col[i].value : NULL;
}

void upp_row_blame(const struct upp_cols *c, const char *perso_err, struct upp_row_err *err)
{
	size_t n = strcspn(perso_err, ":");
	unsigned i;

	for (i = 0; i < c->n; i++) {
		if (c->col[i].value && *c->col[i].value && !strncmp(c->col[i].name, perso_err, n) &&
		    (!c->col[i].name[n] || c->col[i].name[n] == ':'))
			break;
	}
	row_fail(c, i < c->n ? i : UPP_COLS_MAX, err, perso_err);
}
