/* Rows of subscribers: iccid,imsi,msisdn,smsc,k,opc,pin1,.. in any order, named in the first line (osmo-smdp(1)).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/misc.h>

#include "stock_csv.h"

enum kind { ICCID, DIGITS, HEX16, TEXT };

static const struct csv_col {
	const char *name;
	enum kind kind;
	unsigned min, max;
	size_t off, has;
	const char *why;
} cols[] = {
#define ROW(f) offsetof(struct stock_csv_row, f), 0
#define KEY(f) offsetof(struct stock_csv_row, secrets.f), offsetof(struct stock_csv_row, secrets.has_ ## f)
	[CSV_ICCID] = { "iccid", ICCID, 19, 20, ROW(iccid), "19 or 20 digits are wanted" },
	[CSV_IMSI] = { "imsi", DIGITS, 6, 15, ROW(imsi), "6 to 15 digits are wanted" },
	[CSV_MSISDN] = { "msisdn", DIGITS, 3, 15, ROW(msisdn), "3 to 15 digits are wanted" },
	[CSV_SMSC] = { "smsc", DIGITS, 3, 15, ROW(smsc), "3 to 15 digits are wanted" },
	[CSV_K] = { "k", HEX16, 32, 32, KEY(k), "32 hexadecimal digits are wanted" },
	[CSV_OPC] = { "opc", HEX16, 32, 32, KEY(opc), "32 hexadecimal digits are wanted" },
	[CSV_PIN1] = { "pin1", DIGITS, 4, 8, ROW(secrets.pin1), "4 to 8 digits are wanted" },
	[CSV_PIN2] = { "pin2", DIGITS, 4, 8, ROW(secrets.pin2), "4 to 8 digits are wanted" },
	[CSV_PUK1] = { "puk1", DIGITS, 8, 8, ROW(secrets.puk1), "8 digits are wanted" },
	[CSV_PUK2] = { "puk2", DIGITS, 8, 8, ROW(secrets.puk2), "8 digits are wanted" },
	[CSV_ADM1] = { "adm1", DIGITS, 4, 8, ROW(secrets.adm1), "4 to 8 digits are wanted" },
	[CSV_SPN] = { "spn", TEXT, 1, 16, ROW(secrets.spn), "1 to 16 characters are wanted" },
};
osmo_static_assert(ARRAY_SIZE(cols) == _CSV_COLS, each_column_is_described);

static int fail(struct stock_csv_err *e, unsigned column, const char *name, const char *why)
{
	*e = (struct stock_csv_err){ column, name, why };
	return -EINVAL;
}

/* Ends in CR LF or LF, both go; blanks around a value too. Quotes are taken off when they enclose a whole value. */
static char *csv_trim(char *v)
{
	size_t n;

	v += strspn(v, " \t");
	for (n = strlen(v); n && strchr(" \t\r\n", v[n - 1]); n--)
		;
	if (n >= 2 && v[0] == '"' && v[n - 1] == '"') {
		v++;
		n -= 2;
	}
	v[n] = '\0';
	return v;
}

/* The next value, NULL after the last one. A separator within quotes is no separator. */
static char *csv_next(char **p, char sep)
{
	char *v = *p, *end = v;
	bool quoted = false;

	if (!v)
		return NULL;
	for (; *end && (quoted || *end != sep); end++)
		if (*end == '"')
			quoted = !quoted;
	*p = *end ? end + 1 : NULL;
	*end = '\0';
	return csv_trim(v);
}

bool stock_csv_secrets(const struct stock_csv *c)
{
	for (unsigned i = CSV_K; i < _CSV_COLS; i++)
		if (c->has[i])
			return true;
	return false;
}

int stock_csv_header(struct stock_csv *c, char *line, struct stock_csv_err *e)
{
	static const char bom[] = "\xEF\xBB\xBF";
	char *v;
	unsigned i;

	*c = (struct stock_csv){ .sep = strchr(line, ';') ? ';' : strchr(line, '\t') ? '\t' : ',' };
	if (!strncmp(line, bom, 3))
		line += 3;
	while ((v = csv_next(&line, c->sep))) {
		for (i = 0; i < _CSV_COLS && strcasecmp(v, cols[i].name); i++)
			;
		if (i == _CSV_COLS)
			return fail(e, c->n + 1, NULL, "no column of this name is known");
		if (c->has[i])
			return fail(e, c->n + 1, cols[i].name, "this column is there twice");
		c->has[i] = true;
		c->col[c->n++] = i;
	}
	if (!c->has[CSV_ICCID])
		return fail(e, 0, NULL, "the first line names the columns, and iccid must be one");
	if (c->has[CSV_OPC] && !c->has[CSV_K])
		return fail(e, 0, NULL, "there is a column opc but none k");
	return 0;
}

static int csv_iccid(char out[ICCID_STR_SIZE], const char *v, const char **why)
{
	char digits[ICCID_STR_SIZE];
	size_t n = strlen(v);

	if (!digits_valid(v, 19, 20) || iccid_from_str(out, v) < 0)
		return -EINVAL;
	OSMO_STRLCPY_ARRAY(digits, v);
	digits[n - 1] = '\0';
	*why = "the check digit (Luhn) is wrong";
	return iccid_luhn(digits) == v[n - 1] - '0' ? 0 : -EINVAL;
}

static int csv_value(const struct csv_col *c, const char *v, struct stock_csv_row *r, const char **why)
{
	char *out = (char *)r + c->off;
	size_t n = strlen(v);

	*why = c->why;
	switch (c->kind) {
	case ICCID:
		return csv_iccid(out, v, why);
	case DIGITS:
		if (!digits_valid(v, c->min, c->max))
			return -EINVAL;
		memcpy(out, v, n + 1);
		return 0;
	case HEX16:
		if (n != c->max || hex_dec((uint8_t *)out, 16, v) != 16)
			return -EINVAL;
		*(bool *)((char *)r + c->has) = true;
		return 0;
	default:
		if (n < c->min || n > c->max)
			return -EINVAL;
		memcpy(out, v, n + 1);
		return 0;
	}
}

int stock_csv_row(const struct stock_csv *c, char *line, const char *plmn, struct stock_csv_row *r,
		  struct stock_csv_err *e)
{
	const char *why;
	unsigned i = 0;
	char *v;

	*r = (struct stock_csv_row){};
	while ((v = csv_next(&line, c->sep))) {
		const struct csv_col *col = i < c->n ? &cols[c->col[i]] : NULL;

		if (++i > c->n)
			return fail(e, i, NULL, "the first line names fewer columns");
		if (!v[0] && (col == &cols[CSV_ICCID] || col == &cols[CSV_K]))
			return fail(e, i, col->name, col->why);
		if (v[0] && csv_value(col, v, r, &why) < 0)
			return fail(e, i, col->name, why);
		if (col == &cols[CSV_IMSI] && v[0] && strncmp(v, plmn, strlen(plmn)))
			return fail(e, i, col->name, "the IMSI does not begin with the PLMN of the type");
	}
	return i == c->n ? 0 : fail(e, i, NULL, "values are missing at the end of the row");
}
