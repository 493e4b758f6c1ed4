/* What a profile has beyond its numbers, as one octet string to be sealed: name NUL value NUL, the columns of
 * doc/formats/upp-csv.md.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/misc.h>

#include "stock_priv.h"

#define POINTS_MAX 32768

/* These stand in columns of the database, for they are looked for. */
bool stock_point_is_number(const char *name)
{
	static const char *const numbers[] = { "iccid", "imsi", "msisdn", "smsc" };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!strcmp(numbers[i], name))
			return true;
	return false;
}

struct bytes *stock_points_enc(void *ctx, const struct upp_cols *row)
{
	struct bytes *b = bytes_new(ctx, POINTS_MAX);

	bytes_secret(b);
	for (unsigned i = 0; row && i < upp_cols_count(row); i++) {
		const char *name = upp_cols_name(row, i), *value = upp_row_value(row, i);

		if (!value || name[0] == '-' || stock_point_is_number(name))
			continue;
		bytes_put(b, name, strlen(name) + 1);
		bytes_put(b, value, strlen(value) + 1);
	}
	return b;
}

static int points_take(struct upp_cols *c, const uint8_t *in, size_t len)
{
	const char *p = (const char *)in, *end = p + len, *value;
	struct upp_row_err err;

	while (p < end) {
		value = memchr(p, '\0', end - p);
		if (!value || ++value == end || !memchr(value, '\0', end - value) ||
		    upp_cols_fixed(c, p, value, &err) < 0)
			return -EINVAL;
		p = value + strlen(value) + 1;
	}
	return 0;
}

/* One key of a row from before there was `perso`. */
static int points_old(struct stock *s, struct upp_cols *c, const char *what, const char *iccid,
		      const struct bytes *sealed)
{
	struct bytes *b = sealed ? stock_unseal(s, c, what, iccid, sealed) : NULL;
	struct upp_row_err err;
	char hex[33];
	int rc;

	if (!sealed)
		return 0;
	if (!b || b->len != 16)
		return -EIO;
	for (int i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02X", b->data[i]);
	rc = upp_cols_fixed(c, what, hex, &err);
	secret_wipe(hex, sizeof(hex));
	return rc;
}

const struct upp_perso *stock_points(struct stock *s, struct upp_cols *c, const char *iccid, int *rc)
{
	struct stock_sealed k;
	struct upp_row_err err;
	struct bytes *plain;

	*rc = smdp_db_stock_keys(s->db, c, iccid, &k);
	if (*rc < 0)
		return NULL;
	*rc = -EIO;
	if (points_old(s, c, "k", iccid, k.k) < 0 || points_old(s, c, "opc", iccid, k.opc) < 0)
		return NULL;
	if (k.perso) {
		plain = stock_unseal(s, c, "perso", iccid, k.perso);
		if (!plain || points_take(c, plain->data, plain->len) < 0)
			return NULL;
		TALLOC_FREE(plain);
	}
	*rc = 0;
	return upp_row_pool(c, 0, &err);
}

/* Milenage's and TUAK's OPc may be given as OP. */
static int auth_opc(struct stock_auth *a, const struct upp_perso *p)
{
	int n = a->k_len;

	if (p->opc)
		memcpy(a->opc, p->opc, n);
	else if (p->op)
		n = upp_opc(a->opc, p->algo, p->k, a->k_len, p->op, p->keccak);
	else
		return p->algo == UPP_ALGO_KEEP || p->algo == UPP_ALGO_XOR ? 0 : -EINVAL;
	a->opc_len = OSMO_MAX(n, 0);
	return n < 0 ? n : 0;
}

int stock_auth_get(struct stock *s, const char *iccid, struct stock_auth *a)
{
	struct upp_cols *c = upp_cols_new(s);
	const struct upp_perso *p;
	int rc;

	*a = (struct stock_auth){};
	p = stock_points(s, c, iccid, &rc);
	if (rc == 0 && !p)
		rc = -EIO;
	if (rc == 0 && p->k) {
		a->k_len = p->k_len ? : 16;
		memcpy(a->k, p->k, a->k_len);
		rc = auth_opc(a, p);
		a->algo = p->algo != UPP_ALGO_KEEP ? p->algo : a->opc_len ? UPP_ALGO_MILENAGE : UPP_ALGO_XOR;
	}
	talloc_free(c);
	return rc;
}
