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

/* Where a profile of the stock is. */
enum stock_state {
	STOCK_AVAILABLE,
	STOCK_RESERVED,		/* a download is under way, to `eid` */
	STOCK_DOWNLOADED,	/* on the card `eid` */
	STOCK_STUCK,		/* remains of it may be on the card `eid`: for this card alone */
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
};
/* Sealed package by its SHA-256: existing or new row; id or negative. */
int64_t smdp_db_upp_add(struct smdp_db *db, const char *sha, const struct bytes *sealed);
/* Copied under ctx; sha gets 65 characters. NULL: none. */
struct bytes *smdp_db_upp_get(struct smdp_db *db, void *ctx, int64_t id, char sha[65]);
int64_t smdp_db_upp_find(struct smdp_db *db, const char *sha);	/* id, or -ENOENT */
int smdp_db_stock_add(struct smdp_db *db, const struct stock_row *r, const struct bytes *k, const struct bytes *opc);
int smdp_db_stock_get(struct smdp_db *db, const char *iccid, struct stock_row *r);	/* 0, -ENOENT */
/* Sealed keys; either may be NULL afterwards. */
int smdp_db_stock_keys(struct smdp_db *db, void *ctx, const char *iccid, struct bytes **k, struct bytes **opc);
/* One available profile of this owner and type: 0; -ENOENT type unknown for the owner; -ENODATA all gone. */
int smdp_db_stock_pick(struct smdp_db *db, const char *owner, const char *type, char iccid[ICCID_STR_SIZE]);
int smdp_db_stock_state(struct smdp_db *db, const char *iccid, enum stock_state state, const char *eid);
int64_t smdp_db_stock_count(struct smdp_db *db);
/* All rows with iccid > after, in order, at most 1000: cb until it returns false. */
void smdp_db_stock_walk(struct smdp_db *db, const char *after, bool (*cb)(void *data, const struct stock_row *r),
			void *data);

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
