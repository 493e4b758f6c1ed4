/* The SM-DP's database: schema and statements (design.md 4, corrections 11).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/es/es_link.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>
#include <osmocom/rsp/util/sqldb.h>

#include "smdp_db.h"

static const char *const schema[] = {
	"CREATE TABLE upp (id INTEGER PRIMARY KEY, sha TEXT NOT NULL UNIQUE, sealed BLOB NOT NULL);"
	"CREATE TABLE stock ("
	" iccid TEXT PRIMARY KEY NOT NULL, owner TEXT NOT NULL, type TEXT NOT NULL, imsi TEXT NOT NULL, msisdn TEXT "
	"NOT NULL,"
	" smsc TEXT NOT NULL, state INTEGER NOT NULL, eid TEXT NOT NULL, perso_iccid INTEGER NOT NULL,"
	" perso_imsi INTEGER NOT NULL, perso_msisdn INTEGER NOT NULL, upp INTEGER NOT NULL REFERENCES upp(id),"
	" k BLOB, opc BLOB) WITHOUT ROWID;"
	"CREATE INDEX stock_type ON stock(owner, type, state, iccid);"
	"CREATE TABLE download ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, req INTEGER NOT NULL, eid TEXT NOT NULL, smsr TEXT NOT NULL,"
	" mno TEXT NOT NULL, iccid TEXT NOT NULL, type TEXT NOT NULL, fcid TEXT NOT NULL, enable INTEGER NOT NULL,"
	" by_type INTEGER NOT NULL, step INTEGER NOT NULL, seq INTEGER NOT NULL, deadline INTEGER NOT NULL,"
	" started INTEGER NOT NULL, finished INTEGER NOT NULL, isdp BLOB, status INTEGER NOT NULL, subject TEXT NOT "
	"NULL,"
	" reason TEXT NOT NULL, message TEXT NOT NULL, answered INTEGER NOT NULL);"
	"CREATE UNIQUE INDEX download_active ON download(eid) WHERE finished = 0;"
	"CREATE TABLE timeline (download INTEGER NOT NULL REFERENCES download(id) ON DELETE CASCADE, at INTEGER NOT "
	"NULL,"
	" text TEXT NOT NULL);"
	"CREATE INDEX timeline_download ON timeline(download);"
	"CREATE TABLE relay (req INTEGER PRIMARY KEY);",
	es_link_schema,
};

#define STOCK_COLS "iccid, owner, type, imsi, msisdn, smsc, state, eid, perso_iccid, perso_imsi, perso_msisdn, upp"
#define DL_COLS                                                                                                        \
	"id, req, eid, smsr, mno, iccid, type, fcid, enable, by_type, step, seq, deadline, started, finished, isdp,"   \
	" status, subject, reason, message, answered"

enum {
	ST_UPP_ADD,
	ST_UPP_FIND,
	ST_UPP_GET,
	ST_STOCK_ADD,
	ST_STOCK_GET,
	ST_STOCK_KEYS,
	ST_STOCK_TYPE,
	ST_STOCK_PICK,
	ST_STOCK_STATE,
	ST_STOCK_COUNT,
	ST_STOCK_WALK,
	ST_DL_ADD,
	ST_DL_UPDATE,
	ST_DL_GET,
	ST_DL_OPEN,
	ST_DL_NEWEST,
	ST_NOTE_ADD,
	ST_NOTES,
	ST_RELAY_ADD,
	ST_RELAY_DEL,
	_ST_COUNT
};

static const char *const sql[] = {
	[ST_UPP_ADD] = "INSERT INTO upp (sha, sealed) VALUES (?, ?)",
	[ST_UPP_FIND] = "SELECT id FROM upp WHERE sha = ?",
	[ST_UPP_GET] = "SELECT sha, sealed FROM upp WHERE id = ?",
	[ST_STOCK_ADD] = "INSERT INTO stock (" STOCK_COLS ", k, opc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[ST_STOCK_GET] = "SELECT " STOCK_COLS " FROM stock WHERE iccid = ?",
	[ST_STOCK_KEYS] = "SELECT k, opc FROM stock WHERE iccid = ?",
	[ST_STOCK_TYPE] = "SELECT 1 FROM stock WHERE owner = ? AND type = ? LIMIT 1",
	[ST_STOCK_PICK] = "SELECT iccid FROM stock WHERE owner = ? AND type = ? AND state = 0 ORDER BY iccid LIMIT 1",
	[ST_STOCK_STATE] = "UPDATE stock SET state = ?2, eid = ?3 WHERE iccid = ?1",
	[ST_STOCK_COUNT] = "SELECT COUNT(*) FROM stock",
	[ST_STOCK_WALK] = "SELECT " STOCK_COLS " FROM stock WHERE iccid > ? ORDER BY iccid LIMIT 1000",
	[ST_DL_ADD] = "INSERT INTO download (" DL_COLS
		      ") VALUES (NULL, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
		      " ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
	[ST_DL_UPDATE] =
		"UPDATE download SET iccid = ?6, step = ?11, seq = ?12, finished = ?15, isdp = ?16, status = ?17,"
		" subject = ?18, reason = ?19, message = ?20, answered = ?21 WHERE id = ?1",
	[ST_DL_GET] = "SELECT " DL_COLS " FROM download WHERE id = ?",
	[ST_DL_OPEN] = "SELECT " DL_COLS " FROM download WHERE finished = 0 AND id > ? ORDER BY id LIMIT ?",
	[ST_DL_NEWEST] = "SELECT " DL_COLS " FROM download WHERE id > ? ORDER BY id DESC LIMIT ?",
	[ST_NOTE_ADD] = "INSERT INTO timeline (download, at, text) VALUES (?, ?, ?)",
	[ST_NOTES] = "SELECT at, text FROM timeline WHERE download = ? ORDER BY rowid",
	[ST_RELAY_ADD] = "INSERT INTO relay (req) VALUES (?)",
	[ST_RELAY_DEL] = "DELETE FROM relay WHERE req = ?",
};

struct smdp_db {
	struct sqldb *db;
	struct sqldb_stmts *s;
};

struct smdp_db *smdp_db_open(void *ctx, const char *path)
{
	struct smdp_db *db = talloc_zero(ctx, struct smdp_db);

	if (!db)
		return NULL;
	if (sqldb_open(&db->db, db, path, schema, ARRAY_SIZE(schema)) < 0 ||
	    !(db->s = sqldb_prepare(db->db, sql, ARRAY_SIZE(sql)))) {
		LOGP(DDB, LOGL_FATAL, "cannot use the database %s\n", path);
		talloc_free(db);
		return NULL;
	}
	return db;
}

void smdp_db_close(struct smdp_db *db)
{
	if (db)
		sqldb_close(db->db);
	talloc_free(db);
}

struct sqldb *smdp_db_sql(struct smdp_db *db)
{
	return db->db;
}

/* Text column into a field of fixed size. */
#define COL_TEXT(db, st, col, field) OSMO_STRLCPY_ARRAY(field, sqldb_col_text((db)->s, st, col) ? : "")

/* Templates ------------------------------------------------------------------------------------------------------ */

int64_t smdp_db_upp_find(struct smdp_db *db, const char *sha)
{
	int64_t id;
	int rc;

	sqldb_bind_text(db->s, ST_UPP_FIND, 1, sha);
	rc = sqldb_step(db->s, ST_UPP_FIND);
	if (rc != 1)
		return rc < 0 ? rc : -ENOENT;
	id = sqldb_col_int(db->s, ST_UPP_FIND, 0);
	sqldb_reset(db->s, ST_UPP_FIND);
	return id;
}

int64_t smdp_db_upp_add(struct smdp_db *db, const char *sha, const struct bytes *sealed)
{
	int rc;

	sqldb_bind_text(db->s, ST_UPP_ADD, 1, sha);
	sqldb_bind_blob(db->s, ST_UPP_ADD, 2, sealed->data, sealed->len);
	rc = sqldb_exec(db->s, ST_UPP_ADD);
	return rc < 0 ? rc : sqldb_last_id(db->db);
}

static struct bytes *smdp_db_blob(struct smdp_db *db, void *ctx, unsigned st, int col)
{
	size_t len;
	const uint8_t *p = sqldb_col_blob(db->s, st, col, &len);

	return p ? bytes_dup(ctx, p, len) : NULL;
}

struct bytes *smdp_db_upp_get(struct smdp_db *db, void *ctx, int64_t id, char sha[65])
{
	struct bytes *b = NULL;

	sqldb_bind_int(db->s, ST_UPP_GET, 1, id);
	if (sqldb_step(db->s, ST_UPP_GET) == 1) {
		osmo_strlcpy(sha, sqldb_col_text(db->s, ST_UPP_GET, 0) ? : "", 65);
		b = smdp_db_blob(db, ctx, ST_UPP_GET, 1);
		sqldb_reset(db->s, ST_UPP_GET);
	}
	return b;
}

/* Stock ---------------------------------------------------------------------------------------------------------- */

int smdp_db_stock_add(struct smdp_db *db, const struct stock_row *r, const struct bytes *k, const struct bytes *opc)
{
	struct sqldb_stmts *s = db->s;

	sqldb_bind_text(s, ST_STOCK_ADD, 1, r->iccid);
	sqldb_bind_text(s, ST_STOCK_ADD, 2, r->owner);
	sqldb_bind_text(s, ST_STOCK_ADD, 3, r->type);
	sqldb_bind_text(s, ST_STOCK_ADD, 4, r->imsi);
	sqldb_bind_text(s, ST_STOCK_ADD, 5, r->msisdn);
	sqldb_bind_text(s, ST_STOCK_ADD, 6, r->smsc);
	sqldb_bind_int(s, ST_STOCK_ADD, 7, r->state);
	sqldb_bind_text(s, ST_STOCK_ADD, 8, r->eid);
	sqldb_bind_int(s, ST_STOCK_ADD, 9, r->perso_iccid);
	sqldb_bind_int(s, ST_STOCK_ADD, 10, r->perso_imsi);
	sqldb_bind_int(s, ST_STOCK_ADD, 11, r->perso_msisdn);
	sqldb_bind_int(s, ST_STOCK_ADD, 12, r->upp);
	sqldb_bind_blob(s, ST_STOCK_ADD, 13, k ? k->data : NULL, k ? k->len : 0);
	sqldb_bind_blob(s, ST_STOCK_ADD, 14, opc ? opc->data : NULL, opc ? opc->len : 0);
	return sqldb_exec(s, ST_STOCK_ADD);
}

static void smdp_db_stock_row(struct smdp_db *db, unsigned st, struct stock_row *r)
{
	*r = (struct stock_row){};
	COL_TEXT(db, st, 0, r->iccid);
	COL_TEXT(db, st, 1, r->owner);
	COL_TEXT(db, st, 2, r->type);
	COL_TEXT(db, st, 3, r->imsi);
	COL_TEXT(db, st, 4, r->msisdn);
	COL_TEXT(db, st, 5, r->smsc);
	r->state = sqldb_col_int(db->s, st, 6);
	COL_TEXT(db, st, 7, r->eid);
	r->perso_iccid = sqldb_col_int(db->s, st, 8);
	r->perso_imsi = sqldb_col_int(db->s, st, 9);
	r->perso_msisdn = sqldb_col_int(db->s, st, 10);
	r->upp = sqldb_col_int(db->s, st, 11);
}

int smdp_db_stock_get(struct smdp_db *db, const char *iccid, struct stock_row *r)
{
	int rc;

	*r = (struct stock_row){};
	sqldb_bind_text(db->s, ST_STOCK_GET, 1, iccid);
	rc = sqldb_step(db->s, ST_STOCK_GET);
	if (rc != 1)
		return rc < 0 ? rc : -ENOENT;
	smdp_db_stock_row(db, ST_STOCK_GET, r);
	sqldb_reset(db->s, ST_STOCK_GET);
	return 0;
}

int smdp_db_stock_keys(struct smdp_db *db, void *ctx, const char *iccid, struct bytes **k, struct bytes **opc)
{
	int rc;

	*k = *opc = NULL;
	sqldb_bind_text(db->s, ST_STOCK_KEYS, 1, iccid);
	rc = sqldb_step(db->s, ST_STOCK_KEYS);
	if (rc != 1)
		return rc < 0 ? rc : -ENOENT;
	*k = smdp_db_blob(db, ctx, ST_STOCK_KEYS, 0);
	*opc = smdp_db_blob(db, ctx, ST_STOCK_KEYS, 1);
	sqldb_reset(db->s, ST_STOCK_KEYS);
	return 0;
}

int smdp_db_stock_pick(struct smdp_db *db, const char *owner, const char *type, char iccid[ICCID_STR_SIZE])
{
	int rc;

	sqldb_bind_text(db->s, ST_STOCK_PICK, 1, owner);
	sqldb_bind_text(db->s, ST_STOCK_PICK, 2, type);
	rc = sqldb_step(db->s, ST_STOCK_PICK);
	if (rc == 1) {
		osmo_strlcpy(iccid, sqldb_col_text(db->s, ST_STOCK_PICK, 0), ICCID_STR_SIZE);
		sqldb_reset(db->s, ST_STOCK_PICK);
		return 0;
	}
	if (rc < 0)
		return rc;
	sqldb_bind_text(db->s, ST_STOCK_TYPE, 1, owner);
	sqldb_bind_text(db->s, ST_STOCK_TYPE, 2, type);
	rc = sqldb_step(db->s, ST_STOCK_TYPE);
	sqldb_reset(db->s, ST_STOCK_TYPE);
	return rc == 1 ? -ENODATA : rc < 0 ? rc : -ENOENT;
}

int smdp_db_stock_state(struct smdp_db *db, const char *iccid, enum stock_state state, const char *eid)
{
	sqldb_bind_text(db->s, ST_STOCK_STATE, 1, iccid);
	sqldb_bind_int(db->s, ST_STOCK_STATE, 2, state);
	sqldb_bind_text(db->s, ST_STOCK_STATE, 3, eid ? : "");
	return sqldb_exec(db->s, ST_STOCK_STATE);
}

int64_t smdp_db_stock_count(struct smdp_db *db)
{
	int64_t n = 0;

	if (sqldb_step(db->s, ST_STOCK_COUNT) == 1) {
		n = sqldb_col_int(db->s, ST_STOCK_COUNT, 0);
		sqldb_reset(db->s, ST_STOCK_COUNT);
	}
	return n;
}

void smdp_db_stock_walk(struct smdp_db *db, const char *after, bool (*cb)(void *data, const struct stock_row *r),
			void *data)
{
	struct stock_row r;

	sqldb_bind_text(db->s, ST_STOCK_WALK, 1, after);
	while (sqldb_step(db->s, ST_STOCK_WALK) == 1) {
		smdp_db_stock_row(db, ST_STOCK_WALK, &r);
		if (!cb(data, &r)) {
			sqldb_reset(db->s, ST_STOCK_WALK);
			break;
		}
	}
}

/* Downloads ------------------------------------------------------------------------------------------------------ */

/* The columns that change. */
static void smdp_db_dl_bind_state(struct smdp_db *db, unsigned st, const struct dl_row *r)
{
	struct sqldb_stmts *s = db->s;

	sqldb_bind_text(s, st, 6, r->iccid);
	sqldb_bind_int(s, st, 11, r->step);
	sqldb_bind_int(s, st, 12, r->seq);
	sqldb_bind_int(s, st, 15, r->finished);
	sqldb_bind_blob(s, st, 16, r->isdp.len ? r->isdp.b : NULL, r->isdp.len);
	sqldb_bind_int(s, st, 17, r->status);
	sqldb_bind_text(s, st, 18, r->subject);
	sqldb_bind_text(s, st, 19, r->reason);
	sqldb_bind_text(s, st, 20, r->message);
	sqldb_bind_int(s, st, 21, r->answered);
}

int64_t smdp_db_dl_add(struct smdp_db *db, const struct dl_row *r)
{
	struct sqldb_stmts *s = db->s;
	int rc;

	sqldb_bind_int(s, ST_DL_ADD, 2, r->req);
	sqldb_bind_text(s, ST_DL_ADD, 3, r->eid);
	sqldb_bind_text(s, ST_DL_ADD, 4, r->smsr);
	sqldb_bind_text(s, ST_DL_ADD, 5, r->mno);
	sqldb_bind_text(s, ST_DL_ADD, 7, r->type);
	sqldb_bind_text(s, ST_DL_ADD, 8, r->fcid);
	sqldb_bind_int(s, ST_DL_ADD, 9, r->enable);
	sqldb_bind_int(s, ST_DL_ADD, 10, r->by_type);
	sqldb_bind_int(s, ST_DL_ADD, 13, r->deadline);
	sqldb_bind_int(s, ST_DL_ADD, 14, r->started);
	smdp_db_dl_bind_state(db, ST_DL_ADD, r);
	rc = sqldb_exec(s, ST_DL_ADD);
	return rc < 0 ? rc : sqldb_last_id(db->db);
}

int smdp_db_dl_update(struct smdp_db *db, const struct dl_row *r)
{
	sqldb_bind_int(db->s, ST_DL_UPDATE, 1, r->id);
	smdp_db_dl_bind_state(db, ST_DL_UPDATE, r);
	return sqldb_exec(db->s, ST_DL_UPDATE);
}

static void smdp_db_dl_row(struct smdp_db *db, unsigned st, struct dl_row *r)
{
	const uint8_t *aid;
	size_t len;

	*r = (struct dl_row){};
	r->id = sqldb_col_int(db->s, st, 0);
	r->req = sqldb_col_int(db->s, st, 1);
	COL_TEXT(db, st, 2, r->eid);
	COL_TEXT(db, st, 3, r->smsr);
	COL_TEXT(db, st, 4, r->mno);
	COL_TEXT(db, st, 5, r->iccid);
	COL_TEXT(db, st, 6, r->type);
	COL_TEXT(db, st, 7, r->fcid);
	r->enable = sqldb_col_int(db->s, st, 8);
	r->by_type = sqldb_col_int(db->s, st, 9);
	r->step = sqldb_col_int(db->s, st, 10);
	r->seq = sqldb_col_int(db->s, st, 11);
	r->deadline = sqldb_col_int(db->s, st, 12);
	r->started = sqldb_col_int(db->s, st, 13);
	r->finished = sqldb_col_int(db->s, st, 14);
	aid = sqldb_col_blob(db->s, st, 15, &len);
	if (aid)
		aid_from_bytes(&r->isdp, aid, len);
	r->status = sqldb_col_int(db->s, st, 16);
	COL_TEXT(db, st, 17, r->subject);
	COL_TEXT(db, st, 18, r->reason);
	COL_TEXT(db, st, 19, r->message);
	r->answered = sqldb_col_int(db->s, st, 20);
}

int smdp_db_dl_get(struct smdp_db *db, int64_t id, struct dl_row *r)
{
	int rc;

	sqldb_bind_int(db->s, ST_DL_GET, 1, id);
	rc = sqldb_step(db->s, ST_DL_GET);
	if (rc != 1)
		return rc < 0 ? rc : -ENOENT;
	smdp_db_dl_row(db, ST_DL_GET, r);
	sqldb_reset(db->s, ST_DL_GET);
	return 0;
}

void smdp_db_dl_walk(struct smdp_db *db, bool unfinished, int limit, void (*cb)(void *data, const struct dl_row *r),
		     void *data)
{
	unsigned st = unfinished ? ST_DL_OPEN : ST_DL_NEWEST;
	struct dl_row r;

	sqldb_bind_int(db->s, st, 1, 0);
	sqldb_bind_int(db->s, st, 2, limit);
	while (sqldb_step(db->s, st) == 1) {
		smdp_db_dl_row(db, st, &r);
		cb(data, &r);
	}
}

int smdp_db_dl_note(struct smdp_db *db, int64_t id, const char *text)
{
	sqldb_bind_int(db->s, ST_NOTE_ADD, 1, id);
	sqldb_bind_int(db->s, ST_NOTE_ADD, 2, clock_now_ms());
	sqldb_bind_text(db->s, ST_NOTE_ADD, 3, text);
	return sqldb_exec(db->s, ST_NOTE_ADD);
}

void smdp_db_dl_notes(struct smdp_db *db, int64_t id, void (*cb)(void *data, int64_t at_ms, const char *text),
		      void *data)
{
	sqldb_bind_int(db->s, ST_NOTES, 1, id);
	while (sqldb_step(db->s, ST_NOTES) == 1)
		cb(data, sqldb_col_int(db->s, ST_NOTES, 0), sqldb_col_text(db->s, ST_NOTES, 1) ? : "");
}

/* Relayed requests ----------------------------------------------------------------------------------------------- */

int smdp_db_relay_add(struct smdp_db *db, int64_t req)
{
	sqldb_bind_int(db->s, ST_RELAY_ADD, 1, req);
	return sqldb_exec(db->s, ST_RELAY_ADD);
}

int smdp_db_relay_del(struct smdp_db *db, int64_t req)
{
	sqldb_bind_int(db->s, ST_RELAY_DEL, 1, req);
	return sqldb_exec(db->s, ST_RELAY_DEL);
}
