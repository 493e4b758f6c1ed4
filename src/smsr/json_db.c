/* Statements of the JSON interface. Events are written in the transaction of what they tell of, so that a webhook
 * neither loses nor invents one (design.md P1).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>

#include "json_db.h"

const char json_db_schema[] =
	"CREATE TABLE json_op (id INTEGER PRIMARY KEY AUTOINCREMENT, party TEXT NOT NULL, func INTEGER NOT NULL,"
	" eid TEXT NOT NULL, iccid TEXT NOT NULL, req_id INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL,"
	" deadline INTEGER NOT NULL, finished INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL DEFAULT '',"
	" subject TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '',"
	" idem_key TEXT, idem_hash BLOB);"
	"CREATE UNIQUE INDEX json_op_key ON json_op(party, idem_key) WHERE idem_key IS NOT NULL;"
	"CREATE INDEX json_op_party ON json_op(party, id);"
	"CREATE INDEX json_op_req ON json_op(req_id);"
	"CREATE INDEX json_op_open ON json_op(id) WHERE finished = 0;"
	"CREATE TABLE json_event (id INTEGER PRIMARY KEY AUTOINCREMENT, party TEXT NOT NULL, op INTEGER NOT NULL,"
	" at INTEGER NOT NULL, name TEXT NOT NULL, outcome TEXT NOT NULL);"
	"CREATE INDEX json_event_party ON json_event(party, id);"
	"CREATE INDEX json_event_op ON json_event(op, id);"
	"CREATE TABLE json_hook (party TEXT PRIMARY KEY NOT NULL, event INTEGER NOT NULL);"
	"CREATE INDEX profile_mno ON profile(mno_id, eid);";

enum {
	OP_ADD, OP_DEL, OP_REQ, OP_END, OP_GET, OP_BY_REQ, OP_BY_KEY, OP_OPEN, OP_LIST, EV_ADD, EV_LIST, EV_LAST,
	HOOK_GET, HOOK_PUT, PURGE_EV, PURGE_OP, EIDS, ST_COUNT
};

#define OP_COLS "id, req_id, party, func, eid, iccid, created, deadline, finished, status, subject, reason, message"

static const char *const sql[] = {
	[OP_ADD] = "INSERT INTO json_op (party, func, eid, iccid, created, deadline, idem_key, idem_hash)"
		   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[OP_DEL] = "DELETE FROM json_op WHERE id = ?1",
	[OP_REQ] = "UPDATE json_op SET req_id = ?2 WHERE id = ?1",
	[OP_END] = "UPDATE json_op SET finished = ?2, status = ?3, subject = ?4, reason = ?5, message = ?6"
		   " WHERE id = ?1 AND finished = 0",
	[OP_GET] = "SELECT " OP_COLS " FROM json_op WHERE id = ?1",
	[OP_BY_REQ] = "SELECT " OP_COLS " FROM json_op WHERE req_id = ?1",
	[OP_BY_KEY] = "SELECT " OP_COLS ", idem_hash FROM json_op WHERE party = ?1 AND idem_key = ?2",
	[OP_OPEN] = "SELECT " OP_COLS " FROM json_op WHERE finished = 0 AND id > ?1 ORDER BY id LIMIT 1",
	[OP_LIST] = "SELECT " OP_COLS " FROM json_op WHERE party = ?1 AND id < ?2 AND (?3 IS NULL OR eid = ?3)"
		    " AND (?4 IS NULL OR iccid = ?4) AND (?5 < 0 OR (finished != 0) = ?5) ORDER BY id DESC LIMIT ?6",
	[EV_ADD] = "INSERT INTO json_event (party, op, at, name, outcome) VALUES (?1, ?2, ?3, ?4, ?5)",
	[EV_LIST] = "SELECT id, op, at, name, outcome FROM json_event WHERE party = ?1 AND id > ?2"
		    " AND (?3 = 0 OR op = ?3) ORDER BY id LIMIT ?4",
	[EV_LAST] = "SELECT COALESCE(MAX(id), 0) FROM json_event WHERE party = ?1",
	[HOOK_GET] = "SELECT event FROM json_hook WHERE party = ?1",
	[HOOK_PUT] = "INSERT OR REPLACE INTO json_hook (party, event) VALUES (?1, ?2)",
	[PURGE_EV] = "DELETE FROM json_event WHERE op IN (SELECT id FROM json_op WHERE finished != 0 AND finished < ?1)",
	[PURGE_OP] = "DELETE FROM json_op WHERE finished != 0 AND finished < ?1",
	[EIDS] = "SELECT DISTINCT eid FROM profile WHERE mno_id IN (SELECT ?1 UNION SELECT mno_id FROM operator_grant"
		 " WHERE kind = 0 AND m2m_sp_id = ?1) AND eid > ?2 AND (?3 IS NULL OR substr(eid, 1, length(?3)) = ?3)"
		 " AND (?4 IS NULL OR iccid = ?4) AND (?5 IS NULL OR type = ?5) AND (?6 < 0 OR state = ?6)"
		 " ORDER BY eid LIMIT ?7",
};
osmo_static_assert(ARRAY_SIZE(sql) == ST_COUNT, each_statement_has_a_text);

struct json_db {
	struct smsr_db *db;
	struct sqldb_stmts *st;
};

#define col_str(s, st, col, out) \
	snprintf(out, sizeof(out), "%s", sqldb_col_text(s, st, col) ? sqldb_col_text(s, st, col) : "")

struct json_db *json_db_new(void *ctx, struct smsr_db *db)
{
	struct json_db *j = talloc_zero(ctx, struct json_db);

	OSMO_ASSERT(j);
	j->db = db;
	j->st = sqldb_prepare(db->sql, sql, ARRAY_SIZE(sql));
	if (!j->st)
		TALLOC_FREE(j);
	return j;
}

/* Operations ----------------------------------------------------------------------------------------------------- */

int64_t json_db_op_add(struct json_db *db, const struct json_op *op, const char *key, const uint8_t hash[32])
{
	sqldb_bind_text(db->st, OP_ADD, 1, op->party);
	sqldb_bind_int(db->st, OP_ADD, 2, op->func);
	sqldb_bind_text(db->st, OP_ADD, 3, op->eid);
	sqldb_bind_text(db->st, OP_ADD, 4, op->iccid);
	sqldb_bind_int(db->st, OP_ADD, 5, op->created);
	sqldb_bind_int(db->st, OP_ADD, 6, op->deadline);
	sqldb_bind_text(db->st, OP_ADD, 7, key);
	sqldb_bind_blob(db->st, OP_ADD, 8, hash, 32);
	return sqldb_exec(db->st, OP_ADD) < 0 ? -EIO : sqldb_last_id(db->db->sql);
}

void json_db_op_del(struct json_db *db, int64_t id)
{
	sqldb_bind_int(db->st, OP_DEL, 1, id);
	sqldb_exec(db->st, OP_DEL);
}

void json_db_op_req(struct json_db *db, int64_t id, int64_t req_id)
{
	sqldb_bind_int(db->st, OP_REQ, 1, id);
	sqldb_bind_int(db->st, OP_REQ, 2, req_id);
	sqldb_exec(db->st, OP_REQ);
}

void json_db_op_end(struct json_db *db, const struct json_op *op)
{
	sqldb_bind_int(db->st, OP_END, 1, op->id);
	sqldb_bind_int(db->st, OP_END, 2, op->finished);
	sqldb_bind_text(db->st, OP_END, 3, op->status);
	sqldb_bind_text(db->st, OP_END, 4, op->subject);
	sqldb_bind_text(db->st, OP_END, 5, op->reason);
	sqldb_bind_text(db->st, OP_END, 6, op->message);
	sqldb_exec(db->st, OP_END);
}

static void op_row(struct json_db *db, unsigned st, struct json_op *op)
{
	memset(op, 0, sizeof(*op));
	op->id = sqldb_col_int(db->st, st, 0);
	op->req_id = sqldb_col_int(db->st, st, 1);
	col_str(db->st, st, 2, op->party);
	op->func = sqldb_col_int(db->st, st, 3);
	col_str(db->st, st, 4, op->eid);
	col_str(db->st, st, 5, op->iccid);
	op->created = sqldb_col_int(db->st, st, 6);
	op->deadline = sqldb_col_int(db->st, st, 7);
	op->finished = sqldb_col_int(db->st, st, 8);
	col_str(db->st, st, 9, op->status);
	col_str(db->st, st, 10, op->subject);
	col_str(db->st, st, 11, op->reason);
	col_str(db->st, st, 12, op->message);
}

static int op_one(struct json_db *db, unsigned st, int64_t key, struct json_op *op)
{
	sqldb_bind_int(db->st, st, 1, key);
	if (sqldb_step(db->st, st) != 1)
		return -ENOENT;
	op_row(db, st, op);
	sqldb_reset(db->st, st);
	return 0;
}

int json_db_op_get(struct json_db *db, int64_t id, struct json_op *op)
{
	return op_one(db, OP_GET, id, op);
}

int json_db_op_by_req(struct json_db *db, int64_t req_id, struct json_op *op)
{
	return req_id ? op_one(db, OP_BY_REQ, req_id, op) : -ENOENT;
}

int json_db_op_open(struct json_db *db, int64_t after, struct json_op *op)
{
	return op_one(db, OP_OPEN, after, op);
}

int json_db_op_by_key(struct json_db *db, const char *party, const char *key, const uint8_t hash[32],
		      struct json_op *op)
{
	const uint8_t *have;
	size_t len;
	int rc;

	sqldb_bind_text(db->st, OP_BY_KEY, 1, party);
	sqldb_bind_text(db->st, OP_BY_KEY, 2, key);
	if (sqldb_step(db->st, OP_BY_KEY) != 1)
		return -ENOENT;
	op_row(db, OP_BY_KEY, op);
	have = sqldb_col_blob(db->st, OP_BY_KEY, 13, &len);
	rc = have && len == 32 && !memcmp(have, hash, 32) ? 0 : -EEXIST;
	sqldb_reset(db->st, OP_BY_KEY);
	return rc;
}

size_t json_db_op_list(struct json_db *db, const char *party, const struct json_filter *f, struct json_op *out,
		       size_t max)
{
	size_t n = 0;

	sqldb_bind_text(db->st, OP_LIST, 1, party);
	sqldb_bind_int(db->st, OP_LIST, 2, f->after ? f->after : INT64_MAX);
	sqldb_bind_text(db->st, OP_LIST, 3, f->eid);
	sqldb_bind_text(db->st, OP_LIST, 4, f->iccid);
	sqldb_bind_int(db->st, OP_LIST, 5, f->state);
	sqldb_bind_int(db->st, OP_LIST, 6, max);
	while (n < max && sqldb_step(db->st, OP_LIST) == 1)
		op_row(db, OP_LIST, &out[n++]);
	sqldb_reset(db->st, OP_LIST);
	return n;
}

/* Events --------------------------------------------------------------------------------------------------------- */

int64_t json_db_event_add(struct json_db *db, const char *party, const struct json_event *ev)
{
	sqldb_bind_text(db->st, EV_ADD, 1, party);
	sqldb_bind_int(db->st, EV_ADD, 2, ev->op);
	sqldb_bind_int(db->st, EV_ADD, 3, ev->at);
	sqldb_bind_text(db->st, EV_ADD, 4, ev->name);
	sqldb_bind_text(db->st, EV_ADD, 5, ev->outcome);
	return sqldb_exec(db->st, EV_ADD) < 0 ? -EIO : sqldb_last_id(db->db->sql);
}

size_t json_db_event_list(struct json_db *db, const char *party, int64_t op, int64_t after, struct json_event *out,
			  size_t max)
{
	size_t n = 0;

	sqldb_bind_text(db->st, EV_LIST, 1, party);
	sqldb_bind_int(db->st, EV_LIST, 2, after);
	sqldb_bind_int(db->st, EV_LIST, 3, op);
	sqldb_bind_int(db->st, EV_LIST, 4, max);
	while (n < max && sqldb_step(db->st, EV_LIST) == 1) {
		struct json_event *ev = &out[n++];

		ev->id = sqldb_col_int(db->st, EV_LIST, 0);
		ev->op = sqldb_col_int(db->st, EV_LIST, 1);
		ev->at = sqldb_col_int(db->st, EV_LIST, 2);
		col_str(db->st, EV_LIST, 3, ev->name);
		col_str(db->st, EV_LIST, 4, ev->outcome);
	}
	sqldb_reset(db->st, EV_LIST);
	return n;
}

static int64_t number_of(struct json_db *db, unsigned st, const char *party, int64_t none)
{
	int64_t v = none;

	sqldb_bind_text(db->st, st, 1, party);
	if (sqldb_step(db->st, st) == 1)
		v = sqldb_col_int(db->st, st, 0);
	sqldb_reset(db->st, st);
	return v;
}

int64_t json_db_event_last(struct json_db *db, const char *party)
{
	return number_of(db, EV_LAST, party, 0);
}

int64_t json_db_hook_get(struct json_db *db, const char *party)
{
	return number_of(db, HOOK_GET, party, -1);
}

void json_db_hook_put(struct json_db *db, const char *party, int64_t event)
{
	sqldb_bind_text(db->st, HOOK_PUT, 1, party);
	sqldb_bind_int(db->st, HOOK_PUT, 2, event);
	sqldb_exec(db->st, HOOK_PUT);
}

void json_db_purge(struct json_db *db, int64_t before)
{
	sqldb_bind_int(db->st, PURGE_EV, 1, before);
	sqldb_exec(db->st, PURGE_EV);
	sqldb_bind_int(db->st, PURGE_OP, 1, before);
	sqldb_exec(db->st, PURGE_OP);
}

/* eUICCs --------------------------------------------------------------------------------------------------------- */

size_t json_db_eids(struct json_db *db, const char *party, const char *after, const struct json_filter *f,
		    char (*out)[EID_STR_SIZE], size_t max)
{
	size_t n = 0;

	sqldb_bind_text(db->st, EIDS, 1, party);
	sqldb_bind_text(db->st, EIDS, 2, after);
	sqldb_bind_text(db->st, EIDS, 3, f->eid);
	sqldb_bind_text(db->st, EIDS, 4, f->iccid);
	sqldb_bind_text(db->st, EIDS, 5, f->type);
	sqldb_bind_int(db->st, EIDS, 6, f->state < 0 ? -1 : f->state + 1);	/* the record has In-Creation before */
	sqldb_bind_int(db->st, EIDS, 7, max);
	while (n < max && sqldb_step(db->st, EIDS) == 1)
		col_str(db->st, EIDS, 0, out[n++]);
	sqldb_reset(db->st, EIDS);
	return n;
}

bool json_filter_fits(const struct json_filter *f, const struct es_eis *seen)
{
	for (size_t i = 0; i < seen->n_profiles; i++) {
		const struct es_profile_info *p = &seen->profile[i];

		if ((!f->iccid || !strcmp(f->iccid, p->iccid)) && (!f->type || !strcmp(f->type, p->profile_type)) &&
		    (f->state < 0 || f->state == (int)p->state))
			return true;
	}
	return false;
}
