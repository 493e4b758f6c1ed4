/* Profile types: un-personalised packages in versions. A package is checked, and personalised once for a trial, when it
 * comes: what cannot become a profile is refused then and not at the first order.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/profile/upp_check.h>
#include <osmocom/rsp/profile/upp_perso.h>
#include <osmocom/rsp/util/logging.h>

#include "stock_priv.h"

static void type_finding(void *data, const struct upp_finding *f)
{
	if (f->sev == UPP_ERROR)
		LOGP(DMAIN, LOGL_ERROR, "profile type %s: element %d: %s [%s]\n", (const char *)data, f->pe, f->text,
		     f->rule);
}

/* Does each profile of the type bring its own K? Where the package has a place for one, it does. */
static bool type_keys(void *ctx, const uint8_t *upp, size_t len)
{
	static const uint8_t trial[16] = { 1 };
	const struct upp_perso p = { .k = trial, .opc = trial };
	const char *err;
	struct bytes *b = upp_personalise(ctx, upp, len, &p, &err);

	talloc_free(b);
	return b;
}

/* POL1 and connectivity parameters of the type go into the header (SAIP 8.2). */
static struct bytes *type_header(void *ctx, const struct stock_type_new *n, const char **err)
{
	uint8_t pol = n->pol1;
	const struct upp_perso p = {
		.pol = n->pol1 >= 0 ? &pol : NULL,
		.connectivity = n->connectivity ? n->connectivity->data : NULL,
		.connectivity_len = n->connectivity ? n->connectivity->len : 0,
	};
	struct bytes *b;

	if (p.pol || p.connectivity)
		return upp_personalise(ctx, n->upp, n->upp_len, &p, err);
	b = bytes_dup(ctx, n->upp, n->upp_len);
	bytes_secret(b);
	return b;
}

static int type_check(const struct stock_type_new *n, const char **err)
{
	char iccid[ICCID_STR_SIZE];

	*err = "the owner is no object identifier";
	if (!n->owner || !oid_valid(n->owner))
		return -EINVAL;
	*err = "the name has 1 to 100 characters, none of them blank or a quote";
	if (!n->name || !n->name[0] || strlen(n->name) > 100 || strpbrk(n->name, " \t\r\n\"',;"))
		return -EINVAL;
	*err = "the PLMN has 5 or 6 digits";
	if (n->plmn && !digits_valid(n->plmn, 5, 6))
		return -EINVAL;
	*err = "the package has no readable header, or is too large";
	if (!n->upp || n->upp_len > STOCK_UPP_MAX || upp_iccid(iccid, n->upp, n->upp_len) < 0)
		return -EINVAL;
	*err = "the package breaks rules of the profile format: osmo-rsp-profile check names them";
	if (n->unchecked)
		return 0;
	return upp_check(n->upp, n->upp_len, type_finding, (void *)n->name) ? -EINVAL : 0;
}

int stock_type_add(struct stock *s, const struct stock_type_new *n, const char **err)
{
	struct stock_type t = {};
	void *ctx = talloc_new(s);
	struct bytes *upp;
	int64_t id;
	int rc = type_check(n, err);

	if (rc < 0)
		goto out;
	rc = -EINVAL;
	upp = type_header(ctx, n, err);
	if (!upp)
		goto out;
	rc = -EIO;
	*err = "database or key store";
	OSMO_STRLCPY_ARRAY(t.owner, n->owner);
	OSMO_STRLCPY_ARRAY(t.name, n->name);
	OSMO_STRLCPY_ARRAY(t.plmn, n->plmn ? : "");
	t.keys = type_keys(ctx, upp->data, upp->len);
	t.upp = stock_upp(s, upp->data, upp->len);
	id = t.upp < 0 ? t.upp : smdp_db_type_add(s->db, &t);
	if (id > 0 && smdp_db_type_get(s->db, id, &t) == 0)
		rc = t.version;
out:
	talloc_free(ctx);
	return rc;
}

struct bytes *stock_type_package(struct stock *s, void *ctx, const struct stock_type *t, const char **err)
{
	char sha[65];
	struct bytes *sealed = smdp_db_upp_get(s->db, ctx, t->upp, sha);
	struct bytes *upp = sealed ? stock_unseal(s, ctx, "upp", sha, sealed) : NULL;

	*err = "the type's package cannot be unsealed: is this the key-encryption key it was stored under?";
	talloc_free(sealed);
	return upp;
}
