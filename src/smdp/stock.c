/* Profiles on stock (off-card.md 6.2): selectable by ICCID or by owner and type. Packages and keys lie sealed.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/profile/upp_perso.h>

#include "stock.h"

#define STOCK_UPP_MAX (2U << 20)	/* design.md 4 */

struct stock {
	struct smdp_db *db;
	struct keystore *ks;
};

static const char *const state_names[] = {
	[STOCK_AVAILABLE] = "available", [STOCK_RESERVED] = "reserved", [STOCK_DOWNLOADED] = "downloaded",
	[STOCK_STUCK] = "uncertain",
};

const char *stock_state_name(enum stock_state state)
{
	return state < ARRAY_SIZE(state_names) ? state_names[state] : "?";
}

struct stock *stock_new(void *ctx, struct smdp_db *db, struct keystore *ks)
{
	struct stock *s = talloc_zero(ctx, struct stock);

	if (s) {
		s->db = db;
		s->ks = ks;
	}
	return s;
}

bool stock_uses_keystore(struct smdp_db *db)
{
	return smdp_db_stock_count(db) > 0;
}

/* The place a sealed thing belongs to is part of its seal: it cannot be moved to another row. */
static const char *stock_aad(char *buf, size_t size, const char *what, const char *id)
{
	snprintf(buf, size, "stock %s %s", what, id);
	return buf;
}

static struct bytes *stock_seal(struct stock *s, void *ctx, const char *what, const char *id, const uint8_t *b,
				size_t len)
{
	char aad[100];

	return b ? keystore_seal(s->ks, ctx, stock_aad(aad, sizeof(aad), what, id), b, len) : NULL;
}

static struct bytes *stock_unseal(struct stock *s, void *ctx, const char *what, const char *id,
				  const struct bytes *sealed)
{
	char aad[100];

	return keystore_unseal(s->ks, ctx, stock_aad(aad, sizeof(aad), what, id), sealed->data, sealed->len);
}

/* Template of this content: the stored one, or stored now. Many profiles share one. */
static int64_t stock_upp(struct stock *s, const uint8_t *upp, size_t len)
{
	const struct iov iov = { upp, len };
	struct bytes *sealed;
	uint8_t sha[32];
	char *hex;
	int64_t id;

	if (sha256(&iov, 1, sha) < 0)
		return -EIO;
	hex = bytes_hex(NULL, sha, sizeof(sha));
	id = smdp_db_upp_find(s->db, hex);
	if (id == -ENOENT) {
		sealed = stock_seal(s, hex, "upp", hex, upp, len);
		id = sealed ? smdp_db_upp_add(s->db, hex, sealed) : -EIO;
	}
	talloc_free(hex);
	return id;
}

static struct bytes *stock_perso(void *ctx, const struct stock_row *r, const uint8_t *k, const uint8_t *opc,
				 const uint8_t *upp, size_t len, const char **err)
{
	const struct upp_perso p = {
		.iccid = r->perso_iccid ? r->iccid : NULL,
		.imsi = r->perso_imsi ? r->imsi : NULL,
		.msisdn = r->perso_msisdn ? r->msisdn : NULL,
		.smsc = r->smsc[0] ? r->smsc : NULL,
		.k = k, .opc = opc,
	};
	struct bytes *b;

	if (p.iccid || p.imsi || p.msisdn || p.smsc || p.k || p.opc)
		return upp_personalise(ctx, upp, len, &p, err);
	b = bytes_dup(ctx, upp, len);
	bytes_secret(b);
	return b;
}

static int stock_row_fill(struct stock_row *r, const struct stock_new *n, const char **err)
{
	char header[ICCID_STR_SIZE];

	*r = (struct stock_row){ .state = STOCK_AVAILABLE };
	*err = "the package has no readable header";
	if (n->upp_len > STOCK_UPP_MAX || upp_iccid(header, n->upp, n->upp_len) < 0)
		return -EINVAL;
	*err = "bad ICCID";
	if (iccid_from_str(r->iccid, n->iccid ? n->iccid : header) < 0)
		return -EINVAL;
	*err = "bad owner (an OID), type, IMSI, MSISDN or SMSC number";
	if (!n->owner || !oid_valid(n->owner) || (n->type && strlen(n->type) >= sizeof(r->type)) ||
	    (n->imsi && !digits_valid(n->imsi, 6, 15)) || (n->msisdn && !digits_valid(n->msisdn, 3, 15)) ||
	    (n->smsc && !digits_valid(n->smsc, 3, 15)))
		return -EINVAL;
	OSMO_STRLCPY_ARRAY(r->owner, n->owner);
	OSMO_STRLCPY_ARRAY(r->type, n->type ? : "");
	OSMO_STRLCPY_ARRAY(r->imsi, n->imsi ? : "");
	OSMO_STRLCPY_ARRAY(r->msisdn, n->msisdn ? : "");
	OSMO_STRLCPY_ARRAY(r->smsc, n->smsc ? : "");
	r->perso_iccid = n->iccid && strcmp(r->iccid, header);
	r->perso_imsi = n->imsi && n->k;	/* without K it only tells the SM-SR the address */
	r->perso_msisdn = n->msisdn && n->k;
	return 0;
}

/* Not every operator's template has an EF.MSISDN: the number still serves as subscription address. */
static struct bytes *stock_try(void *ctx, struct stock_row *r, const struct stock_new *n, const char **err)
{
	struct bytes *b = stock_perso(ctx, r, n->k, n->opc, n->upp, n->upp_len, err);

	if (b || !r->perso_msisdn)
		return b;
	r->perso_msisdn = false;
	return stock_perso(ctx, r, n->k, n->opc, n->upp, n->upp_len, err);
}

int stock_add(struct stock *s, const struct stock_new *n, char iccid[ICCID_STR_SIZE], const char **err)
{
	void *ctx = talloc_new(s);
	struct stock_row r;
	struct bytes *k, *opc;
	int rc = stock_row_fill(&r, n, err);

	if (rc < 0)
		goto out;
	rc = -EINVAL;
	if (!stock_try(ctx, &r, n, err))
		goto out;
	rc = -EIO;
	*err = "database or key store";
	r.upp = stock_upp(s, n->upp, n->upp_len);
	k = stock_seal(s, ctx, "k", r.iccid, n->k, 16);
	opc = stock_seal(s, ctx, "opc", r.iccid, n->opc, 16);
	if (r.upp < 0 || (n->k && !k) || (n->opc && !opc))
		goto out;
	rc = smdp_db_stock_add(s->db, &r, k, opc);
	*err = rc == -EEXIST ? "this ICCID is on stock already" : rc < 0 ? "database" : NULL;
	osmo_strlcpy(iccid, r.iccid, ICCID_STR_SIZE);
out:
	talloc_free(ctx);
	return rc;
}

struct bytes *stock_package(struct stock *s, void *ctx, const char *iccid, const char **err)
{
	void *tmp = talloc_new(s);
	struct bytes *b = NULL, *upp, *k, *opc;
	struct stock_row r;
	char sha[65];

	*err = "the profile is not on stock";
	if (smdp_db_stock_get(s->db, iccid, &r) < 0 || smdp_db_stock_keys(s->db, tmp, iccid, &k, &opc) < 0)
		goto out;
	upp = smdp_db_upp_get(s->db, tmp, r.upp, sha);
	*err = "the profile cannot be unsealed: is this the key-encryption key it was stored under?";
	if (!upp || !(upp = stock_unseal(s, tmp, "upp", sha, upp)) ||
	    (k && !(k = stock_unseal(s, tmp, "k", iccid, k))) ||
	    (opc && !(opc = stock_unseal(s, tmp, "opc", iccid, opc))) || (k && k->len != 16) || (opc && opc->len != 16))
		goto out;
	*err = "no memory";
	b = stock_perso(ctx, &r, k ? k->data : NULL, opc ? opc->data : NULL, upp->data, upp->len, err);
out:
	talloc_free(tmp);
	return b;
}

int stock_choose(struct stock *s, const char *owner, const char *eid, const char *type, char iccid[ICCID_STR_SIZE])
{
	struct stock_row r;
	int rc;

	if (!iccid[0]) {
		rc = smdp_db_stock_pick(s->db, owner, type, iccid);
		return rc == -ENOENT ? -ESRCH : rc;
	}
	rc = smdp_db_stock_get(s->db, iccid, &r);
	if (rc < 0)
		return rc;
	if (strcmp(r.owner, owner))
		return -EACCES;
	if (r.state == STOCK_AVAILABLE || (r.state == STOCK_STUCK && !strcmp(r.eid, eid)))
		return 0;
	return -EBUSY;
}

int stock_set(struct stock *s, const char *iccid, enum stock_state state, const char *eid)
{
	return smdp_db_stock_state(s->db, iccid, state, eid);
}

int stock_get(struct stock *s, const char *iccid, struct stock_row *r)
{
	return smdp_db_stock_get(s->db, iccid, r);
}
