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

#include "smdp_db_priv.h"

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
	/* Types, batches, each profile's whole life, and what OsmoHLR is to be told. Secrets of a row lie in one sealed
	 * text, `perso`; k and opc are those of rows from before. */
	"CREATE TABLE ptype (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,"
	" upp INTEGER NOT NULL REFERENCES upp(id), keys INTEGER NOT NULL, plmn TEXT NOT NULL, created INTEGER NOT NULL,"
	" UNIQUE (owner, name, version));"
	"CREATE TABLE batch (id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, type TEXT NOT NULL,"
	" ptype INTEGER NOT NULL REFERENCES ptype(id), path TEXT NOT NULL, state INTEGER NOT NULL,"
	" size INTEGER NOT NULL, mtime INTEGER NOT NULL, offset INTEGER NOT NULL, line INTEGER NOT NULL,"
	" rows INTEGER NOT NULL, bad INTEGER NOT NULL, message TEXT NOT NULL, started INTEGER NOT NULL, finished INTEGER NOT NULL);"
	"CREATE INDEX batch_open ON batch(id) WHERE finished = 0;"
	"ALTER TABLE stock ADD COLUMN perso BLOB;"
	"ALTER TABLE stock ADD COLUMN batch INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE stock ADD COLUMN line INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX stock_staged ON stock(batch, state, iccid) WHERE state >= 9;"
	"CREATE INDEX stock_imsi ON stock(imsi) WHERE imsi <> '';"
	"CREATE TABLE hlr (iccid TEXT PRIMARY KEY, present INTEGER NOT NULL, tries INTEGER NOT NULL,"
	" next INTEGER NOT NULL, dead INTEGER NOT NULL, message TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX hlr_next ON hlr(dead, next);",
	es_link_schema_2,
	/* What a Master Delete of the profile takes, sealed: the ISD-P it is in, and the key of its tokens. */
	"ALTER TABLE stock ADD COLUMN token BLOB;",
};

#define DL_COLS                                                                                                        \
	"id, req, eid, smsr, mno, iccid, type, fcid, enable, by_type, step, seq, deadline, started, finished, isdp,"   \
	" status, subject, reason, message, answered"

enum {
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

struct smdp_db *smdp_db_open(void *ctx, const char *path)
{
	struct smdp_db *db = talloc_zero(ctx, struct smdp_db);

	if (!db)
		return NULL;
	if (sqldb_open(&db->db, db, path, schema, ARRAY_SIZE(schema)) < 0 ||
	    !(db->s = sqldb_prepare(db->db, sql, ARRAY_SIZE(sql))) || smdp_db_stock_prepare(db) < 0 ||
	    smdp_db_batch_prepare(db) < 0 || smdp_db_hlr_prepare(db) < 0) {
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
	return sqldb_insert(s, ST_DL_ADD);
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
	COL_TEXT(db->s, st, 2, r->eid);
	COL_TEXT(db->s, st, 3, r->smsr);
	COL_TEXT(db->s, st, 4, r->mno);
	COL_TEXT(db->s, st, 5, r->iccid);
	COL_TEXT(db->s, st, 6, r->type);
	COL_TEXT(db->s, st, 7, r->fcid);
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
	COL_TEXT(db->s, st, 17, r->subject);
	COL_TEXT(db->s, st, 18, r->reason);
	COL_TEXT(db->s, st, 19, r->message);
	r->answered = sqldb_col_int(db->s, st, 20);
}

int smdp_db_dl_get(struct smdp_db *db, int64_t id, struct dl_row *r)
{
	int rc;

	sqldb_bind_int(db->s, ST_DL_GET, 1, id);
	rc = sqldb_find(db->s, ST_DL_GET);
	if (rc < 0)
		return rc;
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
