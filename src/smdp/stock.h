/* Profiles that operators have ordered and not yet used: templates and keys sealed, made into a package on use.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "smdp_db.h"

struct keystore;
struct stock;

struct stock *stock_new(void *ctx, struct smdp_db *db, struct keystore *ks);

/* A new profile. iccid NULL: the one in the package's header. imsi, msisdn, smsc may be NULL; k and opc (16 octets)
 * too. What is given of iccid, imsi, k, opc, smsc is written into the package when it is used; tried here, so that
 * a bad template is refused at once. 0, -EEXIST, -EINVAL; *err is static text without values. */
struct stock_new {
	const uint8_t *upp;
	size_t upp_len;
	const char *iccid, *imsi, *msisdn, *smsc, *owner, *type;
	const uint8_t *k, *opc;
};
int stock_add(struct stock *s, const struct stock_new *n, char iccid[ICCID_STR_SIZE], const char **err);
/* The package with everything of this profile in it, marked secret, under ctx. NULL: *err says why. */
struct bytes *stock_package(struct stock *s, void *ctx, const char *iccid, const char **err);

/* May this owner have this profile for this card? 0 and *iccid chosen (iccid given, or one of `type`): -ENOENT unknown,
 * -EACCES not the owner's, -EBUSY on a card or promised to one, -ENODATA none of the type left, -ESRCH type unknown. */
int stock_choose(struct stock *s, const char *owner, const char *eid, const char *type, char iccid[ICCID_STR_SIZE]);
int stock_set(struct stock *s, const char *iccid, enum stock_state state, const char *eid);
int stock_get(struct stock *s, const char *iccid, struct stock_row *r);
const char *stock_state_name(enum stock_state state);
bool stock_uses_keystore(struct smdp_db *db);	/* something is sealed already: the KEK must be the old one */

/* stock_import.c: a file of JSON lines (mode 0600 or 0400: it holds keys). Number imported or negative; says on
 * stderr which line is wrong, never a value. */
int stock_import(struct stock *s, const char *path);
