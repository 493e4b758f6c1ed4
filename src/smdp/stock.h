/* Profiles that operators have ordered and not yet used: types in versions, batches, and for each profile its state;
 * templates and secrets sealed, made into a package on use.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/profile/upp_row.h>

#include "smdp_db.h"

#define STOCK_UPP_MAX (2U << 20)	/* octets of a package (design.md 4) */

struct keystore;
struct stock;

struct stock *stock_new(void *ctx, struct smdp_db *db, struct keystore *ks);

/* A new profile. iccid NULL: the one in the package's header. imsi, msisdn, smsc may be NULL. What is given of iccid,
 * imsi, smsc and points is written into the package when it is used; tried here, so that a bad template is refused at
 * once. 0, -EEXIST, -EINVAL; *err is text without values. A profile that is un-personalised takes its keys this way,
 * too. */
struct stock_new {
	const uint8_t *upp;
	size_t upp_len;
	int64_t upp_id;			/* > 0: the template is stored already */
	const char *iccid, *imsi, *msisdn, *smsc, *owner, *type;
	const struct upp_cols *cols;	/* keys and all else, as the row just read has it; NULL: nothing */
	const struct upp_perso *perso;	/* what upp_row_*() made of that row */
	int64_t batch, line;		/* batch > 0: staged */
};
int stock_add(struct stock *s, const struct stock_new *n, char iccid[ICCID_STR_SIZE], const char **err);
/* The package with everything of this profile in it, marked secret, under ctx. NULL: *err says why. */
struct bytes *stock_package(struct stock *s, void *ctx, const char *iccid, const char **err);
/* For the subscriber register, which needs them in clear: wipe after use. k_len 0: they are in the package, if
 * anywhere. 0, -ENOENT, -EIO. */
struct stock_auth {
	enum upp_algo algo;
	uint8_t k[32], opc[32];
	size_t k_len, opc_len;
};
int stock_auth_get(struct stock *s, const char *iccid, struct stock_auth *a);

/* stock_token.c: key of the Master Delete tokens of this profile in this ISD-P (SGP.02 4.1.1.6). NULL: none now. */
int stock_token_set(struct stock *s, const char *iccid, const struct aid *isdp, const struct key *k);
/* The whole command, DELETE with its token, to be carried out by the SM-SR that has the card: the operator's word that
 * this profile may go whatever its POL1 says. 0; -ENOENT no key, -EIO. */
struct es8_identity;
int stock_master_delete(struct stock *s, const char *iccid, const struct es8_identity *id, struct bytes *apdu);

/* A type, or a new version of it. pol1 < 0, connectivity NULL: as in the package. Version, or negative and *err. */
struct stock_type_new {
	const char *owner, *name, *plmn;	/* plmn: MCC and MNC that each IMSI must begin with; may be NULL */
	const uint8_t *upp;
	size_t upp_len;
	int pol1;
	const struct bytes *connectivity;
	bool unchecked;				/* take it even if it breaks rules of the format */
};
int stock_type_add(struct stock *s, const struct stock_type_new *n, const char **err);
/* The type's package in clear, marked secret, under ctx. */
struct bytes *stock_type_package(struct stock *s, void *ctx, const struct stock_type *t, const char **err);

/* May this owner have this profile for this card? 0 and *iccid chosen (iccid given, or one of `type`): -ENOENT unknown,
 * -EACCES not the owner's, -EBUSY on a card or promised to one, -ENODATA none of the type left, -ESRCH type unknown. */
int stock_choose(struct stock *s, const char *owner, const char *eid, const char *type, char iccid[ICCID_STR_SIZE]);
/* The profile's next state. Back to STOCK_AVAILABLE from a card: what the reuse policy makes of it (stock_state.c). */
int stock_set(struct stock *s, const char *iccid, enum stock_state state, const char *eid);
/* An operator's word: a released, failed or uncertain one may be ordered for any card again. -EBUSY: it is another. */
int stock_reuse(struct stock *s, const char *iccid);
int stock_get(struct stock *s, const char *iccid, struct stock_row *r);
const char *stock_state_name(enum stock_state state);
bool stock_uses_keystore(struct smdp_db *db);	/* something is sealed already: the KEK must be the old one */

/* What becomes of a profile whose download failed, or that was deleted from its card; and when few of a type are left,
 * an alarm. */
enum stock_reuse { STOCK_REUSE_ANY_CARD, STOCK_REUSE_SAME_CARD, STOCK_REUSE_NEVER };
#define STOCK_LOW_MAX 64
struct stock_low { char owner[OID_STR_SIZE], type[101]; unsigned limit; bool alarmed; };
struct stock_cfg {
	enum stock_reuse failed, deleted;
	struct stock_low low[STOCK_LOW_MAX];
	unsigned n_low;
};
void stock_configure(struct stock *s, struct stock_cfg *cfg);	/* lives as long as the stock */
/* The state to have, given where it was. */
enum stock_state stock_back(const struct stock_cfg *cfg, enum stock_state from);
/* Alarm when fewer than this many are left; limit 0: no alarm. -ENOSPC: too many. */
int stock_low_set(struct stock_cfg *cfg, const char *owner, const char *type, unsigned limit);

/* After each change of state, within the same transaction. */
typedef void (*stock_event_cb)(void *priv, const struct stock_row *r, enum stock_state from);
void stock_on_event(struct stock *s, stock_event_cb cb, void *priv);

/* stock_import.c: a file of JSON lines (mode 0600 or 0400: it holds keys). Number imported or negative; says on
 * stderr which line is wrong, never a value. */
int stock_import(struct stock *s, const char *path);
/* stock_export.c: subscribers for another HLR or UDM as CSV, keys in clear, in a new file of mode 0600. Those of one
 * owner, or all (NULL). Number written or negative. */
int64_t stock_export(struct stock *s, const char *owner, const char *path);
