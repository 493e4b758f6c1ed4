/* The SM-SR's database: eUICCs, keys, procedures, in our structs. SQL words appear in smsr_db*.c only.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdio.h>
#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/es/es_msg.h>
#include <osmocom/rsp/ota/card_session.h>
#include <osmocom/rsp/util/sqldb.h>

struct eis;
struct eis_profile;

struct smsr_db {
	struct sqldb *sql;
	struct keystore *ks;		/* NULL: keys can be neither stored nor used */
	struct sqldb_stmts *eis, *keys, *proc, *bearer, *grant, *audit;
	struct smsr_db_audit *chain;	/* the timeline's key and last checkpoint */
};

/* Opens (":memory:" for tests), brings the schema up and prepares every statement. NULL and a log line. Keys in the
 * database are sealed under ks, which the caller owns. */
struct smsr_db *smsr_db_open(void *ctx, const char *path, struct keystore *ks);
/* The same to read only, beside a running daemon. */
struct smsr_db *smsr_db_open_read(void *ctx, const char *path, struct keystore *ks);
void smsr_db_close(struct smsr_db *db);

/* smsr_db_eis.c: EIS without secret keys. */
int smsr_db_eis_prepare(struct smsr_db *db);
int smsr_db_eis_get(struct smsr_db *db, struct es_eis *out, const struct eid *eid);	/* without profiles; out owns */
int smsr_db_eis_load(struct smsr_db *db, struct eis *eis, const struct eid *eid);	/* 0, -ENOENT, -EIO */
int smsr_db_eis_insert(struct smsr_db *db, const struct eis *eis);	/* with profiles, keysets; -EEXIST, -EINVAL */
int smsr_db_eis_delete(struct smsr_db *db, const struct eid *eid);
int smsr_db_eis_update(struct smsr_db *db, const struct eis *eis);	/* what changes in life, without profiles */
int smsr_db_profile_put(struct smsr_db *db, const struct eis *eis, const struct eis_profile *p);
int smsr_db_profile_del(struct smsr_db *db, const struct eis *eis, const char *iccid);
/* Up to max EIDs in order, those after `after` (NULL: from the start). Returns how many. */
size_t smsr_db_eids(struct smsr_db *db, const struct eid *after, struct eid *out, size_t max);
int smsr_db_msisdn_of(struct smsr_db *db, const char *imsi, char *out, size_t size);	/* -ENOENT */
size_t smsr_db_eids_by_msisdn(struct smsr_db *db, const char *msisdn, struct eid *out, size_t max);
size_t smsr_db_eids_audit_due(struct smsr_db *db, struct eid *out, size_t max);

/* smsr_db_keys.c: sealed keys and the SCP80 counter. */
int smsr_db_keys_prepare(struct smsr_db *db);
int smsr_db_key_put(struct smsr_db *db, const struct eid *eid, uint8_t kvn, uint8_t kid, const struct key *k);
struct key *smsr_db_key_get(struct smsr_db *db, void *ctx, const struct eid *eid, uint8_t kvn, uint8_t kid);
struct smsr_db_key_info { uint8_t kvn, kid, type, kcv[3]; uint64_t cntr; };
size_t smsr_db_key_list(struct smsr_db *db, const struct eid *eid, struct smsr_db_key_info *out, size_t max);
/* The keyset of the ISD-R to use in this range of versions (SCP80 01..0F, SCP81 40..4F): kvn, or 0. *kid: first key. */
uint8_t smsr_db_keyset_pick(struct smsr_db *db, const struct eid *eid, uint8_t from, uint8_t to, uint8_t *kid);
/* next = max(last + 1, seconds since 2020 * 256), in the iteration's transaction (corrections 22); exact: last + 1, for
 * cards that take nothing else (a restored backup then needs one packet without exact). 0 or negative. */
int smsr_db_counter_next(struct smsr_db *db, const struct eid *eid, uint8_t kvn, bool exact, uint64_t *cntr);
int smsr_db_transport_put(struct smsr_db *db, const char *eum_id, const struct key *k);
struct key *smsr_db_transport_get(struct smsr_db *db, void *ctx, const char *eum_id);

/* smsr_db_grant.c: PLMA and ONC (kind: enum grant_kind), additional properties of an EIS. */
extern const char smsr_db_grant_schema[];
int smsr_db_grant_prepare(struct smsr_db *db);
int smsr_db_grant_each(struct smsr_db *db, void (*each)(void *arg, int kind, const struct es_grant *g,
							const char *smdp_id), void *arg);
int smsr_db_grant_put(struct smsr_db *db, int kind, const struct es_grant *g, const char *smdp_id);	/* no names: removed */
int smsr_db_props_put(struct smsr_db *db, const struct eid *eid, const struct es_property *p, size_t n);
size_t smsr_db_props_get(struct smsr_db *db, void *ctx, const struct eid *eid, struct es_property **out);

/* smsr_db_bearer.c: how a card is reached: by experience, and as set for it (0: not set). */
struct smsr_bearer_set {
	enum card_bearer order[CARD_BEARERS_N]; unsigned n_order;
	uint8_t spi1, spi2;		/* of SCP80 commands */
	bool compact, indefinite;	/* scripts by SCP80 */
};
extern const char smsr_db_bearer_schema[];
int smsr_db_bearer_prepare(struct smsr_db *db);
void smsr_db_bearer_get(struct smsr_db *db, const struct eid *eid, struct card_learned *l, struct smsr_bearer_set *set);
int smsr_db_learned_put(struct smsr_db *db, const struct eid *eid, const struct card_learned *l);
int smsr_db_bearer_set_put(struct smsr_db *db, const struct eid *eid, const struct smsr_bearer_set *set);
int smsr_db_eid_by_iccid(struct smsr_db *db, const char *iccid, struct eid *eid);

/* smsr_db_proc.c: procedures, holds. */
enum smsr_proc_state { SMSR_PROC_QUEUED, SMSR_PROC_ACTIVE, SMSR_PROC_ENDED };
struct smsr_proc_row {
	int64_t id;
	struct eid eid;
	int kind;			/* enum proc_kind */
	char iccid[ICCID_STR_SIZE];
	struct aid aid;
	char requester[OID_STR_SIZE];
	int role, iface;		/* enum es_role, enum es_iface */
	int64_t req_id;			/* es_req_id(), 0: none */
	enum smsr_proc_state state;
	int step;			/* of the kind; what was sent last */
	bool sent, acked;
	uint16_t seq;			/* notification being confirmed */
	int64_t started, deadline;
	char outcome[64];
};
int smsr_db_proc_prepare(struct smsr_db *db);
int smsr_db_proc_insert(struct smsr_db *db, struct smsr_proc_row *row);	/* sets id */
int smsr_db_proc_update(struct smsr_db *db, const struct smsr_proc_row *row);	/* -EEXIST: another one is active */
/* Rows not ended (eid NULL) or the last rows of one eUICC, up to max. */
size_t smsr_db_proc_open(struct smsr_db *db, struct smsr_proc_row *out, size_t max, int64_t after_id);
size_t smsr_db_proc_recent(struct smsr_db *db, const struct eid *eid, struct smsr_proc_row *out, size_t max);

struct smsr_hold { char party[OID_STR_SIZE], iccid[ICCID_STR_SIZE]; int64_t until; };
int smsr_db_hold_put(struct smsr_db *db, const struct eid *eid, const struct smsr_hold *h);	/* h NULL: removes */
int smsr_db_hold_get(struct smsr_db *db, const struct eid *eid, struct smsr_hold *h);	/* 0 or -ENOENT */

/* smsr_db_audit.c: the append-only timeline. */
extern const char smsr_db_audit_schema[];
int smsr_db_audit_prepare(struct smsr_db *db);
struct smsr_audit { int64_t at; const char *who, *procedure, *operation, *outcome, *card; int64_t proc_id; };
/* One line of the timeline: who NULL: the SM-SR itself; card: the card's own words. */
void smsr_db_audit(struct smsr_db *db, const struct eid *eid, const struct smsr_audit *a);
/* Calls each for the last max lines, oldest first. */
void smsr_db_audit_each(struct smsr_db *db, const struct eid *eid, unsigned max,
			void (*each)(void *arg, const struct smsr_audit *a), void *arg);
/* Chain and checkpoints; each violation is a line of the report. checkpoints: a log that holds checkpoints, or NULL.
 * 0, -EBADMSG, -ENOENT when there is no key. */
int smsr_db_audit_verify(struct smsr_db *db, FILE *checkpoints, FILE *report);
