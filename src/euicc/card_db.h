/* The cards' non-volatile memory: one SQLite file for all. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <osmocom/rsp/util/ids.h>

struct bytes;

struct card;
struct card_batch;
struct card_env;
struct isd_p;
struct key;

/* Fill c (eid and env set) from its rows: 0, -ENOENT, -EBADMSG keys of another KEK. */
int card_db_read(struct card *c);
/* Calls each() for every card, in EID order. */
void card_db_each(struct card_env *env, void (*each)(void *priv, const struct eid *eid, const char *imei, bool on),
		  void *priv);
/* Wanted power state, kept over a restart. */
void card_db_power(struct card_env *env, const struct eid *eid, bool on);

void card_db_save(struct card *c);		/* the card's own row: notification, switch, addressing */
void card_db_key_save(struct card *c, uint8_t kvn, uint8_t kid, const struct key *key);
void card_db_key_delete(struct card *c, uint8_t kvn, uint8_t kid);
void card_db_cntr_save(struct card *c, uint8_t kvn);
void card_db_isdp_save(struct isd_p *p);	/* everything but the package */
void card_db_isdp_delete(const struct isd_p *p);
/* saved: fs_save() form instead of plain profile elements. */
void card_db_package_save(const struct isd_p *p, const struct bytes *package, bool saved);
/* Values a bootstrap profile of the batch's template differs in. */
struct card_perso {
	char iccid[ICCID_STR_SIZE], imsi[16], msisdn[16];
	uint8_t k[16], opc[16];
};
/* The package stored for it (under ctx; saved: in fs_save() form), or NULL and *perso for the template.
 * -ENOENT: none. */
int card_db_package_row(const struct isd_p *p, void *ctx, struct bytes **package, bool *saved,
			struct card_perso *perso);

/* Import (card_import.c). Negative errno; -EEXIST: the card is known already. */
int card_db_batch_add(struct card_env *env, struct card_batch *b);
struct card_import {
	struct eid eid;
	const char *imei;
	uint32_t memory;
	uint8_t ecasd_sk[32];
	const struct bytes *ecasd_cert;
	bool cattp;
	uint8_t scp80_kvn, scp81_kvn, scp81_kid;
	struct key *kic, *kid, *kik, *psk, *dek;
	const char *iccid, *imsi, *msisdn;
	struct aid isdp;
	bool fallback;
	uint8_t k[16], opc[16];
};
int card_db_card_add(struct card_env *env, const struct card_batch *b, const struct card_import *i);

/* Subscribers of all bootstrap profiles, for the simulated network. */
void card_db_each_subscriber(struct card_env *env,
			     void (*each)(void *priv, const char *imsi, const char *msisdn, const uint8_t k[16],
					  const uint8_t opc[16]), void *priv);
