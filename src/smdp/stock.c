/* Profiles on stock (off-card.md 6.2): selectable by ICCID or by owner and type. Packages and keys lie sealed.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/profile/upp.h>

#include "stock_priv.h"

struct stock *stock_new(void *ctx, struct smdp_db *db, struct keystore *ks)
{
	struct stock *s = talloc_zero(ctx, struct stock);

	if (s) {
		s->db = db;
		s->ks = ks;
		s->cfg = &s->default_cfg;
	}
	return s;
}

bool stock_uses_keystore(struct smdp_db *db)
{
	return smdp_db_upp_any(db);
}

/* The place a sealed thing belongs to is part of its seal: it cannot be moved to another row. */
static const char *stock_aad(char *buf, size_t size, const char *what, const char *id)
{
	snprintf(buf, size, "stock %s %s", what, id);
	return buf;
}

struct bytes *stock_seal(struct stock *s, void *ctx, const char *what, const char *id, const uint8_t *b, size_t len)
{
	char aad[100];

	return b ? keystore_seal(s->ks, ctx, stock_aad(aad, sizeof(aad), what, id), b, len) : NULL;
}

struct bytes *stock_unseal(struct stock *s, void *ctx, const char *what, const char *id, const struct bytes *sealed)
{
	char aad[100];

	return keystore_unseal(s->ks, ctx, stock_aad(aad, sizeof(aad), what, id), sealed->data, sealed->len);
}

int64_t stock_upp(struct stock *s, const uint8_t *upp, size_t len)
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

/* x: keys and all else; NULL: nothing. */
static struct bytes *stock_perso(void *ctx, const struct stock_row *r, const struct upp_perso *x, const uint8_t *upp,
				 size_t len, const char **err)
{
	struct upp_perso p = {};
	struct bytes *b;

	if (x)
		p = *x;
	p.iccid = r->perso_iccid ? r->iccid : NULL;
	p.imsi = r->perso_imsi ? r->imsi : NULL;
	p.msisdn = r->perso_msisdn ? r->msisdn : NULL;
	p.smsc = r->smsc[0] ? r->smsc : NULL;
	if (x || p.iccid || p.smsc)
		return upp_personalise(ctx, upp, len, &p, err);
	b = bytes_dup(ctx, upp, len);
	bytes_secret(b);
	return b;
}

static int stock_row_fill(struct stock_row *r, const struct stock_new *n, const char **err)
{
	bool k = n->perso && n->perso->k;
	char header[ICCID_STR_SIZE];

	*r = (struct stock_row){
		.state = n->batch ? STOCK_STAGED : STOCK_AVAILABLE, .batch = n->batch, .line = n->line,
	};
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
	r->perso_imsi = n->imsi && k;	/* without K it only tells the SM-SR the address */
	r->perso_msisdn = n->msisdn && k;
	return 0;
}

/* Not every operator's template has an EF.MSISDN: the number still serves as subscription address. */
static bool stock_try(void *ctx, struct stock_row *r, const struct stock_new *n, const struct upp_perso *x,
		      const char **err)
{
	struct bytes *b = stock_perso(ctx, r, x, n->upp, n->upp_len, err);

	if (!b && r->perso_msisdn) {
		r->perso_msisdn = false;
		b = stock_perso(ctx, r, x, n->upp, n->upp_len, err);
	}
	talloc_free(b);
	return b;
}

/* An un-personalised profile gets its secrets. What else is given must be what is known. */
static int stock_fill(struct stock *s, struct stock_row *r, const struct stock_new *n, const struct bytes *sealed,
		      const char **err)
{
	struct stock_row old;
	int rc = smdp_db_stock_get(s->db, r->iccid, &old);

	*err = "this ICCID is on stock already";
	if (rc < 0 || old.state != STOCK_UNPERSONALISED || !sealed || strcmp(old.owner, r->owner) ||
	    strcmp(old.type, r->type))
		return -EEXIST;
	*err = "this ICCID is on stock, waiting for its keys, with another IMSI, MSISDN or SMSC";
	if ((n->imsi && strcmp(old.imsi, r->imsi)) || (n->msisdn && strcmp(old.msisdn, r->msisdn)) ||
	    (n->smsc && strcmp(old.smsc, r->smsc)))
		return -EEXIST;
	*err = "database";
	r->perso_imsi = old.imsi[0] && n->perso->k;
	r->state = n->batch ? STOCK_STAGED_KEYS : STOCK_AVAILABLE;
	return smdp_db_stock_fill(s->db, r, sealed);
}

int stock_add(struct stock *s, const struct stock_new *n, char iccid[ICCID_STR_SIZE], const char **err)
{
	struct bytes *plain, *sealed = NULL;
	void *ctx = talloc_new(s);
	struct stock_row r;
	int rc = stock_row_fill(&r, n, err);

	if (rc < 0)
		goto out;
	rc = -EINVAL;
	plain = stock_points_enc(ctx, n->cols);
	*err = "too many values";
	if (plain->err || !stock_try(ctx, &r, n, plain->len ? n->perso : NULL, err))
		goto out;
	rc = -EIO;
	*err = "database or key store";
	r.upp = n->upp_id > 0 ? n->upp_id : stock_upp(s, n->upp, n->upp_len);
	if (plain->len)
		sealed = stock_seal(s, ctx, "perso", r.iccid, plain->data, plain->len);
	if (r.upp < 0 || (plain->len && !sealed))
		goto out;
	rc = smdp_db_stock_add(s->db, &r, sealed);
	*err = rc < 0 ? "database" : NULL;
	if (rc == -EEXIST)
		rc = stock_fill(s, &r, n, sealed, err);
	osmo_strlcpy(iccid, r.iccid, ICCID_STR_SIZE);
out:
	talloc_free(ctx);
	return rc;
}

struct bytes *stock_package(struct stock *s, void *ctx, const char *iccid, const char **err)
{
	struct upp_cols *tmp = upp_cols_new(s);
	struct bytes *b = NULL, *upp;
	const struct upp_perso *x = NULL;
	struct stock_row r;
	char sha[65];
	int rc;

	*err = "the profile is not on stock";
	rc = smdp_db_stock_get(s->db, iccid, &r);
	if (rc == 0)
		x = stock_points(s, tmp, iccid, &rc);
	if (rc == -ENOENT)
		goto out;
	upp = smdp_db_upp_get(s->db, tmp, r.upp, sha);
	*err = "the profile cannot be unsealed: is this the key-encryption key it was stored under?";
	if (rc == 0 && x && upp && (upp = stock_unseal(s, tmp, "upp", sha, upp))) {
		*err = "no memory";
		b = stock_perso(ctx, &r, upp_cols_count(tmp) ? x : NULL, upp->data, upp->len, err);
	}
out:
	talloc_free(tmp);
	return b;
}

/* The card that had it, where the policy lets that one have it again. */
static bool stock_again(const struct stock *s, const struct stock_row *r, const char *eid)
{
	enum stock_reuse reuse = r->state == STOCK_FAILED ? s->cfg->failed : s->cfg->deleted;

	if (strcmp(r->eid, eid))
		return false;
	return r->state == STOCK_STUCK ||
	       ((r->state == STOCK_FAILED || r->state == STOCK_RELEASED) && reuse != STOCK_REUSE_NEVER);
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
	if (r.state == STOCK_STAGED)
		return -ENOENT;
	if (r.state == STOCK_AVAILABLE || stock_again(s, &r, eid))
		return 0;
	return -EBUSY;
}

int stock_get(struct stock *s, const char *iccid, struct stock_row *r)
{
	return smdp_db_stock_get(s->db, iccid, r);
}
