/* Statements about procedures and the hold of a download.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/misc.h>

#include "smsr_db.h"

#define PROC_COLS                                                                                                      \
	"id, eid, kind, iccid, aid, requester, role, iface, req_id, state, step, sent, acked, seq, started, "          \
	"deadline, outcome"

enum {
	ST_INSERT,
	ST_UPDATE,
	ST_OPEN,
	ST_RECENT,
	ST_HOLD_PUT,
	ST_HOLD_DEL,
	ST_HOLD_GET,
	ST_COUNT,
};

static const char *const sql[] = {
	[ST_INSERT] =
		"INSERT INTO procedure (eid, kind, iccid, aid, requester, role, iface, req_id, state, step, sent, "
		"acked,"
		" seq, started, deadline, outcome) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)",
	[ST_UPDATE] =
		"UPDATE procedure SET state = ?2, step = ?3, sent = ?4, acked = ?5, seq = ?6, aid = ?7, outcome = ?8"
		" WHERE id = ?1",
	[ST_OPEN] = "SELECT " PROC_COLS " FROM procedure WHERE state < 2 AND id > ?1 ORDER BY id LIMIT ?2",
	[ST_RECENT] = "SELECT " PROC_COLS
		      " FROM (SELECT * FROM procedure WHERE eid = ?1 ORDER BY id DESC LIMIT ?2) ORDER BY id",
	[ST_HOLD_PUT] =
		"INSERT INTO euicc_hold (eid, party, iccid, until) VALUES (?1,?2,?3,?4) ON CONFLICT (eid) DO UPDATE"
		" SET party = ?2, iccid = ?3, until = ?4",
	[ST_HOLD_DEL] = "DELETE FROM euicc_hold WHERE eid = ?1",
	[ST_HOLD_GET] = "SELECT party, iccid, until FROM euicc_hold WHERE eid = ?1",
};
osmo_static_assert(ARRAY_SIZE(sql) == ST_COUNT, each_statement_has_a_text);

int smsr_db_proc_prepare(struct smsr_db *db)
{
	db->proc = sqldb_prepare(db->sql, sql, ARRAY_SIZE(sql));
	return db->proc ? 0 : -EIO;
}

static void bind_aid(struct sqldb_stmts *s, unsigned st, int idx, const struct aid *aid)
{
	sqldb_bind_blob(s, st, idx, aid->len ? aid->b : NULL, aid->len);
}

int smsr_db_proc_insert(struct smsr_db *db, struct smsr_proc_row *row)
{
	struct sqldb_stmts *s = db->proc;
	char eid[EID_STR_SIZE];
	int rc;

	sqldb_bind_text(s, ST_INSERT, 1, eid_str(eid, &row->eid));
	sqldb_bind_int(s, ST_INSERT, 2, row->kind);
	sqldb_bind_text(s, ST_INSERT, 3, row->iccid);
	bind_aid(s, ST_INSERT, 4, &row->aid);
	sqldb_bind_text(s, ST_INSERT, 5, row->requester);
	sqldb_bind_int(s, ST_INSERT, 6, row->role);
	sqldb_bind_int(s, ST_INSERT, 7, row->iface);
	sqldb_bind_int(s, ST_INSERT, 8, row->req_id);
	sqldb_bind_int(s, ST_INSERT, 9, row->state);
	sqldb_bind_int(s, ST_INSERT, 10, row->step);
	sqldb_bind_int(s, ST_INSERT, 11, row->sent);
	sqldb_bind_int(s, ST_INSERT, 12, row->acked);
	sqldb_bind_int(s, ST_INSERT, 13, row->seq);
	sqldb_bind_int(s, ST_INSERT, 14, row->started);
	sqldb_bind_int(s, ST_INSERT, 15, row->deadline);
	sqldb_bind_text(s, ST_INSERT, 16, row->outcome);
	rc = sqldb_exec(s, ST_INSERT);
	if (rc == 0)
		row->id = sqldb_last_id(db->sql);
	return rc;
}

int smsr_db_proc_update(struct smsr_db *db, const struct smsr_proc_row *row)
{
	struct sqldb_stmts *s = db->proc;

	sqldb_bind_int(s, ST_UPDATE, 1, row->id);
	sqldb_bind_int(s, ST_UPDATE, 2, row->state);
	sqldb_bind_int(s, ST_UPDATE, 3, row->step);
	sqldb_bind_int(s, ST_UPDATE, 4, row->sent);
	sqldb_bind_int(s, ST_UPDATE, 5, row->acked);
	sqldb_bind_int(s, ST_UPDATE, 6, row->seq);
	bind_aid(s, ST_UPDATE, 7, &row->aid);
	sqldb_bind_text(s, ST_UPDATE, 8, row->outcome);
	return sqldb_exec(s, ST_UPDATE);
}

#define col_str(s, st, col, out) \
	snprintf(out, sizeof(out), "%s", sqldb_col_text(s, st, col) ? sqldb_col_text(s, st, col) : "")

static void read_row(struct sqldb_stmts *s, unsigned st, struct smsr_proc_row *r)
{
	const char *eid = sqldb_col_text(s, st, 1);
	const uint8_t *aid;
	size_t len;

	*r = (struct smsr_proc_row){ .id = sqldb_col_int(s, st, 0) };
	if (eid)
		hex_dec(r->eid.b, sizeof(r->eid.b), eid);
	r->kind = sqldb_col_int(s, st, 2);
	col_str(s, st, 3, r->iccid);
	aid = sqldb_col_blob(s, st, 4, &len);
	if (aid && len <= sizeof(r->aid.b)) {
		memcpy(r->aid.b, aid, len);
		r->aid.len = len;
	}
	col_str(s, st, 5, r->requester);
	r->role = sqldb_col_int(s, st, 6);
	r->iface = sqldb_col_int(s, st, 7);
	r->req_id = sqldb_col_int(s, st, 8);
	r->state = sqldb_col_int(s, st, 9);
	r->step = sqldb_col_int(s, st, 10);
	r->sent = sqldb_col_int(s, st, 11);
	r->acked = sqldb_col_int(s, st, 12);
	r->seq = sqldb_col_int(s, st, 13);
	r->started = sqldb_col_int(s, st, 14);
	r->deadline = sqldb_col_int(s, st, 15);
	col_str(s, st, 16, r->outcome);
}

static size_t read_rows(struct sqldb_stmts *s, unsigned st, struct smsr_proc_row *out, size_t max)
{
	size_t n = 0;

	while (n < max && sqldb_step(s, st) == 1)
		read_row(s, st, &out[n++]);
	sqldb_reset(s, st);
	return n;
}

size_t smsr_db_proc_open(struct smsr_db *db, struct smsr_proc_row *out, size_t max, int64_t after_id)
{
	sqldb_bind_int(db->proc, ST_OPEN, 1, after_id);
	sqldb_bind_int(db->proc, ST_OPEN, 2, max);
	return read_rows(db->proc, ST_OPEN, out, max);
}

size_t smsr_db_proc_recent(struct smsr_db *db, const struct eid *eid, struct smsr_proc_row *out, size_t max)
{
	char text[EID_STR_SIZE];

	sqldb_bind_text(db->proc, ST_RECENT, 1, eid_str(text, eid));
	sqldb_bind_int(db->proc, ST_RECENT, 2, max);
	return read_rows(db->proc, ST_RECENT, out, max);
}

int smsr_db_hold_put(struct smsr_db *db, const struct eid *eid, const struct smsr_hold *h)
{
	char text[EID_STR_SIZE];

	eid_str(text, eid);
	if (!h) {
		sqldb_bind_text(db->proc, ST_HOLD_DEL, 1, text);
		return sqldb_exec(db->proc, ST_HOLD_DEL);
	}
	sqldb_bind_text(db->proc, ST_HOLD_PUT, 1, text);
	sqldb_bind_text(db->proc, ST_HOLD_PUT, 2, h->party);
	sqldb_bind_text(db->proc, ST_HOLD_PUT, 3, h->iccid);
	sqldb_bind_int(db->proc, ST_HOLD_PUT, 4, h->until);
	return sqldb_exec(db->proc, ST_HOLD_PUT);
}

int smsr_db_hold_get(struct smsr_db *db, const struct eid *eid, struct smsr_hold *h)
{
	char text[EID_STR_SIZE];
	int rc;

	*h = (struct smsr_hold){};
	sqldb_bind_text(db->proc, ST_HOLD_GET, 1, eid_str(text, eid));
	rc = sqldb_step(db->proc, ST_HOLD_GET);
	if (rc <= 0)
		return rc == 0 ? -ENOENT : rc;
	col_str(db->proc, ST_HOLD_GET, 0, h->party);
	col_str(db->proc, ST_HOLD_GET, 1, h->iccid);
	h->until = sqldb_col_int(db->proc, ST_HOLD_GET, 2);
	sqldb_reset(db->proc, ST_HOLD_GET);
	return 0;
}
