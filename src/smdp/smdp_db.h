/* The SM-DP's rows: profile templates, stock, downloads with their timeline, relayed requests.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/ids.h>

struct sqldb;
struct smdp_db;

struct smdp_db *smdp_db_open(void *ctx, const char *path);
void smdp_db_close(struct smdp_db *db);
struct sqldb *smdp_db_sql(struct smdp_db *db);

/* Where a profile of the stock is; numbers as on disk. */
enum stock_state {
	STOCK_AVAILABLE = 0,	/* personalised: complete, to be ordered */
	STOCK_RESERVED = 1,	/* ordered: a download is under way, to `eid` */
	STOCK_DOWNLOADED = 2,	/* on the card `eid` */
	STOCK_STUCK = 3,	/* uncertain: remains of it may be on the card `eid`: for this card alone */
	STOCK_UNPERSONALISED = 4,	/* known, but its keys have not come yet */
	STOCK_BOUND = 5,	/* an ISD-P for it is on the card `eid` */
	STOCK_ENABLED = 6,	/* and the card uses it */
	STOCK_RELEASED = 7,	/* was on the card `eid`, deleted, not to be used again */
	STOCK_FAILED = 8,	/* its download failed, not to be used again */
	STOCK_STAGED = 9,	/* of a batch that is not complete: nobody sees it */
	STOCK_STAGED_KEYS = 10,	/* un-personalised, its keys are of a batch that is not complete */
	_STOCK_STATES
};

struct stock_row {
	char iccid[ICCID_STR_SIZE];
	char owner[OID_STR_SIZE];
	char type[101];
	char imsi[16], msisdn[16], smsc[16];
	enum stock_state state;
	char eid[EID_STR_SIZE];		/* "" when available */
	bool perso_iccid, perso_imsi, perso_msisdn;	/* this value is to be written into the package */
	int64_t upp;			/* template */
	int64_t batch, line;		/* 0: came by itself */
};
/* Sealed package by its SHA-256: existing or new row; id or negative. */
int64_t smdp_db_upp_add(struct smdp_db *db, const char *sha, const struct bytes *sealed);
/* Copied under ctx; sha gets 65 characters. NULL: none. */
struct bytes *smdp_db_upp_get(struct smdp_db *db, void *ctx, int64_t id, char sha[65]);
int64_t smdp_db_upp_find(struct smdp_db *db, const char *sha);	/* id, or -ENOENT */
bool smdp_db_upp_any(struct smdp_db *db);
int smdp_db_stock_add(struct smdp_db *db, const struct stock_row *r, const struct bytes *perso);
/* An un-personalised row gets what it was waiting for: state, flags, template, batch and secrets. */
int smdp_db_stock_fill(struct smdp_db *db, const struct stock_row *r, const struct bytes *perso);
int smdp_db_stock_get(struct smdp_db *db, const char *iccid, struct stock_row *r);	/* 0, -ENOENT */
int smdp_db_stock_by_imsi(struct smdp_db *db, const char *imsi, struct stock_row *r);	/* one of them */
/* Sealed secrets; each may be NULL afterwards. k, opc: rows from before there was perso. */
struct stock_sealed { struct bytes *k, *opc, *perso; };
int smdp_db_stock_keys(struct smdp_db *db, void *ctx, const char *iccid, struct stock_sealed *k);
/* One available profile of this owner and type: 0; -ENOENT type unknown for the owner; -ENODATA all gone. */
int smdp_db_stock_pick(struct smdp_db *db, const char *owner, const char *type, char iccid[ICCID_STR_SIZE]);
int smdp_db_stock_state(struct smdp_db *db, const char *iccid, enum stock_state state, const char *eid);
int smdp_db_stock_token_set(struct smdp_db *db, const char *iccid, const struct bytes *sealed);
struct bytes *smdp_db_stock_token_get(struct smdp_db *db, void *ctx, const char *iccid);	/* NULL: none */
int64_t smdp_db_stock_count(struct smdp_db *db);
/* Available profiles of this owner and type, counted up to limit. */
int64_t smdp_db_stock_left(struct smdp_db *db, const char *owner, const char *type, unsigned limit);
typedef void (*smdp_db_summary_cb)(void *data, const char *owner, const char *type, enum stock_state state, int64_t n);
void smdp_db_stock_summary(struct smdp_db *db, const char *owner, smdp_db_summary_cb cb, void *data);
/* All rows of this owner (NULL: of all) with iccid > after, in order, at most limit: cb until it returns false. */
void smdp_db_stock_walk(struct smdp_db *db, const char *after, const char *owner, unsigned limit,
			bool (*cb)(void *data, const struct stock_row *r), void *data);
/* Staged rows of a batch: on stock from now on (keys: without secrets they are un-personalised), or gone as if they had
 * never come. Rows changed, at most limit. */
int smdp_db_stock_release(struct smdp_db *db, int64_t batch, bool keys, unsigned limit);
int smdp_db_stock_unstage(struct smdp_db *db, int64_t batch, unsigned limit);

/* A profile type: an un-personalised package, in versions. */
struct stock_type {
	int64_t id, upp, created;
	char owner[OID_STR_SIZE], name[101], plmn[7];	/* plmn "": any IMSI */
	unsigned version;
	bool keys;		/* each profile brings its own K */
};
int64_t smdp_db_type_add(struct smdp_db *db, const struct stock_type *t);	/* id; the version is the next one */
int smdp_db_type_get(struct smdp_db *db, int64_t id, struct stock_type *t);
/* version 0: the newest. */
int smdp_db_type_find(struct smdp_db *db, const char *owner, const char *name, unsigned version, struct stock_type *t);
void smdp_db_type_walk(struct smdp_db *db, const char *owner, void (*cb)(void *data, const struct stock_type *t),
		       void *data);

/* A file of subscribers, imported as a whole or not at all; numbers as on disk. */
enum batch_state { BATCH_READING = 0, BATCH_RELEASING = 1, BATCH_DONE = 2, BATCH_UNDOING = 3, BATCH_REFUSED = 4 };
struct batch_row {
	int64_t id, ptype;
	char owner[OID_STR_SIZE], type[101], path[256];
	enum batch_state state;
	int64_t size, mtime;		/* of the file: it is the same one after a restart */
	int64_t offset, line, rows;	/* what is staged of it */
	int64_t bad;			/* rows refused */
	char message[2048];		/* which, and why */
	int64_t started, finished;
};
int64_t smdp_db_batch_add(struct smdp_db *db, const struct batch_row *b);
int smdp_db_batch_save(struct smdp_db *db, const struct batch_row *b);
int smdp_db_batch_get(struct smdp_db *db, int64_t id, struct batch_row *b);
int smdp_db_batch_open(struct smdp_db *db, struct batch_row *b);	/* the oldest unfinished one; -ENOENT */
void smdp_db_batch_walk(struct smdp_db *db, const char *owner, int limit,
			void (*cb)(void *data, const struct batch_row *b), void *data);

/* What OsmoHLR is still to be told of a profile's subscriber. */
struct hlr_row {
	char iccid[ICCID_STR_SIZE];
	bool present;			/* it is to be there, or not to be there */
	unsigned tries;
	int64_t next;			/* when to try again, seconds */
	bool dead;			/* given up */
	char message[128];
};
int smdp_db_hlr_put(struct smdp_db *db, const char *iccid, bool present, int64_t next);	/* instead of an older wish */
/* A wish to be there for each profile that is with someone, at most limit: how many. */
int smdp_db_hlr_put_all(struct smdp_db *db, int64_t next, unsigned limit);
int smdp_db_hlr_save(struct smdp_db *db, const struct hlr_row *r);	/* not if the other wish has come meanwhile */
int smdp_db_hlr_del(struct smdp_db *db, const char *iccid);
int smdp_db_hlr_get(struct smdp_db *db, const char *iccid, struct hlr_row *r);
int smdp_db_hlr_next(struct smdp_db *db, struct hlr_row *r);	/* the one due first; -ENOENT */
void smdp_db_hlr_walk(struct smdp_db *db, int limit, void (*cb)(void *data, const struct hlr_row *r), void *data);
int64_t smdp_db_hlr_count(struct smdp_db *db, bool dead);
int smdp_db_hlr_again(struct smdp_db *db, int64_t next);	/* the dead ones too; how many */

/* A download. One unfinished row an eUICC: a unique index says so (design P2). */
struct dl_row {
	int64_t id, req;		/* req: the ES2 request, see es_req_id() */
	char eid[EID_STR_SIZE], smsr[OID_STR_SIZE], mno[OID_STR_SIZE], iccid[ICCID_STR_SIZE], type[101];
	char fcid[101];
	bool enable, by_type;
	int step;			/* enum proc_download_step: the call that is under way */
	int64_t seq;			/* of the calls, part of the tag */
	int64_t deadline, started, finished;
	struct aid isdp;		/* len 0: not created */
	int status;			/* the verdict, enum es_status, once there is one; -1 before */
	char subject[16], reason[16], message[256];
	bool answered;			/* the requester has its answer */
};
int64_t smdp_db_dl_add(struct smdp_db *db, const struct dl_row *r);	/* id; -EEXIST: one is under way for this EID */
int smdp_db_dl_update(struct smdp_db *db, const struct dl_row *r);
int smdp_db_dl_get(struct smdp_db *db, int64_t id, struct dl_row *r);
/* Unfinished (true) in order, or the newest `limit` of all. */
void smdp_db_dl_walk(struct smdp_db *db, bool unfinished, int limit, void (*cb)(void *data, const struct dl_row *r),
		     void *data);
int smdp_db_dl_note(struct smdp_db *db, int64_t id, const char *text);	/* timeline */
void smdp_db_dl_notes(struct smdp_db *db, int64_t id, void (*cb)(void *data, int64_t at_ms, const char *text),
		      void *data);

/* Requests passed on to ES3 as they are. */
int smdp_db_relay_add(struct smdp_db *db, int64_t req);		/* -EEXIST: is passed on already */
int smdp_db_relay_del(struct smdp_db *db, int64_t req);
