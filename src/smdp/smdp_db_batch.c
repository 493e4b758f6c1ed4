/* The SM-DP's database: profile types and their versions, batches.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/misc.h>

#include "smdp_db_priv.h"

#define TYPE_COLS "id, owner, name, version, upp, keys, plmn, created"
#define BATCH_COLS                                                                                                     \
	"id, owner, type, ptype, path, state, size, mtime, offset, line, rows, bad, message, started, finished"

enum {
	ST_TYPE_ADD,
	ST_TYPE_GET,
	ST_TYPE_FIND,
	ST_TYPE_WALK,
	ST_BATCH_ADD,
	ST_BATCH_SAVE,
	ST_BATCH_GET,
	ST_BATCH_OPEN,
	ST_BATCH_WALK,
	_ST_COUNT
};

static const char *const sql[] = {
	[ST_TYPE_ADD] = "INSERT INTO ptype (" TYPE_COLS ") VALUES (NULL, ?2, ?3, (SELECT COALESCE(MAX(version), 0) + 1"
			" FROM ptype WHERE owner = ?2 AND name = ?3), ?5, ?6, ?7, ?8)",
	[ST_TYPE_GET] = "SELECT " TYPE_COLS " FROM ptype WHERE id = ?",
	[ST_TYPE_FIND] = "SELECT " TYPE_COLS " FROM ptype WHERE owner = ? AND name = ? AND (?3 = 0 OR version = ?3)"
			 " ORDER BY version DESC LIMIT 1",
	[ST_TYPE_WALK] = "SELECT " TYPE_COLS " FROM ptype WHERE ?1 = '' OR owner = ?1 ORDER BY owner, name, version",
	[ST_BATCH_ADD] = "INSERT INTO batch (" BATCH_COLS
			 ") VALUES (NULL, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
	[ST_BATCH_SAVE] = "UPDATE batch SET state = ?6, offset = ?9, line = ?10, rows = ?11, bad = ?12, message = ?13,"
			  " finished = ?15 WHERE id = ?1",
	[ST_BATCH_GET] = "SELECT " BATCH_COLS " FROM batch WHERE id = ?",
	[ST_BATCH_OPEN] = "SELECT " BATCH_COLS " FROM batch WHERE finished = 0 ORDER BY id LIMIT 1",
	[ST_BATCH_WALK] = "SELECT " BATCH_COLS " FROM batch WHERE ?1 = '' OR owner = ?1 ORDER BY id DESC LIMIT ?2",
};

int smdp_db_batch_prepare(struct smdp_db *db)
{
	db->batch = sqldb_prepare(db->db, sql, ARRAY_SIZE(sql));
	return db->batch ? 0 : -EIO;
}

/* Types ---------------------------------------------------------------------------------------------------------- */

static void type_row(struct smdp_db *db, unsigned st, struct stock_type *t)
{
	struct sqldb_stmts *s = db->batch;

	*t = (struct stock_type){};
	t->id = sqldb_col_int(s, st, 0);
	COL_TEXT(s, st, 1, t->owner);
	COL_TEXT(s, st, 2, t->name);
	t->version = sqldb_col_int(s, st, 3);
	t->upp = sqldb_col_int(s, st, 4);
	t->keys = sqldb_col_int(s, st, 5);
	COL_TEXT(s, st, 6, t->plmn);
	t->created = sqldb_col_int(s, st, 7);
}

static int type_one(struct smdp_db *db, unsigned st, struct stock_type *t)
{
	int rc = sqldb_find(db->batch, st);

	if (rc < 0)
		return rc;
	type_row(db, st, t);
	sqldb_reset(db->batch, st);
	return 0;
}

int64_t smdp_db_type_add(struct smdp_db *db, const struct stock_type *t)
{
	struct sqldb_stmts *s = db->batch;

	sqldb_bind_text(s, ST_TYPE_ADD, 2, t->owner);
	sqldb_bind_text(s, ST_TYPE_ADD, 3, t->name);
	sqldb_bind_int(s, ST_TYPE_ADD, 5, t->upp);
	sqldb_bind_int(s, ST_TYPE_ADD, 6, t->keys);
	sqldb_bind_text(s, ST_TYPE_ADD, 7, t->plmn);
	sqldb_bind_int(s, ST_TYPE_ADD, 8, clock_now());
	return sqldb_insert(s, ST_TYPE_ADD);
}

int smdp_db_type_get(struct smdp_db *db, int64_t id, struct stock_type *t)
{
	sqldb_bind_int(db->batch, ST_TYPE_GET, 1, id);
	return type_one(db, ST_TYPE_GET, t);
}

int smdp_db_type_find(struct smdp_db *db, const char *owner, const char *name, unsigned version, struct stock_type *t)
{
	sqldb_bind_text(db->batch, ST_TYPE_FIND, 1, owner);
	sqldb_bind_text(db->batch, ST_TYPE_FIND, 2, name);
	sqldb_bind_int(db->batch, ST_TYPE_FIND, 3, version);
	return type_one(db, ST_TYPE_FIND, t);
}

void smdp_db_type_walk(struct smdp_db *db, const char *owner, void (*cb)(void *data, const struct stock_type *t),
		       void *data)
{
	struct stock_type t;

	sqldb_bind_text(db->batch, ST_TYPE_WALK, 1, owner ? : "");
	while (sqldb_step(db->batch, ST_TYPE_WALK) == 1) {
		type_row(db, ST_TYPE_WALK, &t);
		cb(data, &t);
	}
}

/* Batches -------------------------------------------------------------------------------------------------------- */

static void batch_row(struct smdp_db *db, unsigned st, struct batch_row *b)
{
	struct sqldb_stmts *s = db->batch;

	*b = (struct batch_row){};
	b->id = sqldb_col_int(s, st, 0);
	COL_TEXT(s, st, 1, b->owner);
	COL_TEXT(s, st, 2, b->type);
	b->ptype = sqldb_col_int(s, st, 3);
	COL_TEXT(s, st, 4, b->path);
	b->state = sqldb_col_int(s, st, 5);
	b->size = sqldb_col_int(s, st, 6);
	b->mtime = sqldb_col_int(s, st, 7);
	b->offset = sqldb_col_int(s, st, 8);
	b->line = sqldb_col_int(s, st, 9);
	b->rows = sqldb_col_int(s, st, 10);
	b->bad = sqldb_col_int(s, st, 11);
	COL_TEXT(s, st, 12, b->message);
	b->started = sqldb_col_int(s, st, 13);
	b->finished = sqldb_col_int(s, st, 14);
}

static void batch_bind(struct smdp_db *db, unsigned st, const struct batch_row *b)
{
	struct sqldb_stmts *s = db->batch;

	sqldb_bind_int(s, st, 6, b->state);
	sqldb_bind_int(s, st, 9, b->offset);
	sqldb_bind_int(s, st, 10, b->line);
	sqldb_bind_int(s, st, 11, b->rows);
	sqldb_bind_int(s, st, 12, b->bad);
	sqldb_bind_text(s, st, 13, b->message);
	sqldb_bind_int(s, st, 15, b->finished);
}

int64_t smdp_db_batch_add(struct smdp_db *db, const struct batch_row *b)
{
	struct sqldb_stmts *s = db->batch;

	batch_bind(db, ST_BATCH_ADD, b);
	sqldb_bind_text(s, ST_BATCH_ADD, 2, b->owner);
	sqldb_bind_text(s, ST_BATCH_ADD, 3, b->type);
	sqldb_bind_int(s, ST_BATCH_ADD, 4, b->ptype);
	sqldb_bind_text(s, ST_BATCH_ADD, 5, b->path);
	sqldb_bind_int(s, ST_BATCH_ADD, 7, b->size);
	sqldb_bind_int(s, ST_BATCH_ADD, 8, b->mtime);
	sqldb_bind_int(s, ST_BATCH_ADD, 14, b->started);
	return sqldb_insert(s, ST_BATCH_ADD);
}

int smdp_db_batch_save(struct smdp_db *db, const struct batch_row *b)
{
	sqldb_bind_int(db->batch, ST_BATCH_SAVE, 1, b->id);
	batch_bind(db, ST_BATCH_SAVE, b);
	return sqldb_exec(db->batch, ST_BATCH_SAVE);
}

static int batch_one(struct smdp_db *db, unsigned st, struct batch_row *b)
{
	int rc = sqldb_find(db->batch, st);

	if (rc < 0)
		return rc;
	batch_row(db, st, b);
	sqldb_reset(db->batch, st);
	return 0;
}

int smdp_db_batch_get(struct smdp_db *db, int64_t id, struct batch_row *b)
{
	sqldb_bind_int(db->batch, ST_BATCH_GET, 1, id);
	return batch_one(db, ST_BATCH_GET, b);
}

int smdp_db_batch_open(struct smdp_db *db, struct batch_row *b)
{
	return batch_one(db, ST_BATCH_OPEN, b);
}

void smdp_db_batch_walk(struct smdp_db *db, const char *owner, int limit,
			void (*cb)(void *data, const struct batch_row *b), void *data)
{
	struct batch_row b;

	sqldb_bind_text(db->batch, ST_BATCH_WALK, 1, owner ? : "");
	sqldb_bind_int(db->batch, ST_BATCH_WALK, 2, limit);
	while (sqldb_step(db->batch, ST_BATCH_WALK) == 1) {
		batch_row(db, ST_BATCH_WALK, &b);
		cb(data, &b);
	}
}
