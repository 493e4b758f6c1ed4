/* What the JSON interface keeps: operations, their events, how far each party's webhook is.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/es/es_link.h>

#include "smsr_db.h"

#define JSON_KEY_MAX	128	/* Idempotency-Key */

struct json_op {
	int64_t id, req_id;		/* req_id: es_req_id(), 0: never accepted */
	char party[OID_STR_SIZE], eid[EID_STR_SIZE], iccid[ICCID_STR_SIZE];
	enum es_func func;
	int64_t created, deadline, finished;	/* finished 0: running */
	char status[24], subject[16], reason[16], message[256];
};
struct json_event {
	int64_t id, op, at;
	char name[40], outcome[64];
};
struct json_filter {			/* of eUICCs and operations; NULL and -1: any */
	const char *eid, *iccid, *type;
	int state;			/* enum es_pstate; operations: 0 running, 1 finished */
	int64_t after;			/* operations: older than this one; 0: from the newest on */
};

extern const char json_db_schema[];
struct json_db;
struct json_db *json_db_new(void *ctx, struct smsr_db *db);	/* NULL: a mistake in SQL */

int64_t json_db_op_add(struct json_db *db, const struct json_op *op, const char *key, const uint8_t hash[32]);
void json_db_op_del(struct json_db *db, int64_t id);
void json_db_op_req(struct json_db *db, int64_t id, int64_t req_id);
void json_db_op_end(struct json_db *db, const struct json_op *op);	/* finished, status ... message */
int json_db_op_get(struct json_db *db, int64_t id, struct json_op *op);	/* 0 or -ENOENT */
int json_db_op_by_req(struct json_db *db, int64_t req_id, struct json_op *op);
/* 0: made by this key before, same request; -EEXIST: another request; -ENOENT. */
int json_db_op_by_key(struct json_db *db, const char *party, const char *key, const uint8_t hash[32],
		      struct json_op *op);
int json_db_op_open(struct json_db *db, int64_t after, struct json_op *op);	/* the next that is running */
size_t json_db_op_list(struct json_db *db, const char *party, const struct json_filter *f, struct json_op *out,
		       size_t max);

int64_t json_db_event_add(struct json_db *db, const char *party, const struct json_event *ev);
/* Events of one party after this one, oldest first; op 0: of all its operations. */
size_t json_db_event_list(struct json_db *db, const char *party, int64_t op, int64_t after, struct json_event *out,
			  size_t max);
int64_t json_db_hook_get(struct json_db *db, const char *party);	/* the last event delivered */
void json_db_hook_put(struct json_db *db, const char *party, int64_t event);
int64_t json_db_event_last(struct json_db *db, const char *party);
void json_db_purge(struct json_db *db, int64_t before);
/* EIDs after this one with a profile that the party, or one that granted it something, owns. How many. What the party
 * may see of them is asked afterwards, and a filter must not tell it of the rest: json_filter_fits(). */
size_t json_db_eids(struct json_db *db, const char *party, const char *after, const struct json_filter *f,
		    char (*out)[EID_STR_SIZE], size_t max);
bool json_filter_fits(const struct json_filter *f, const struct es_eis *seen);	/* a profile that is seen does */
