/* The SM-DP's database: what OsmoHLR is still to be told. One row a profile: the newest wish is the one that counts.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <talloc.h>

#include <osmocom/core/utils.h>

#include "smdp_db_priv.h"

#define COLS "iccid, present, tries, next, dead, message"

enum {
	ST_PUT,
	ST_SAVE,
	ST_DEL,
	ST_GET,
	ST_NEXT,
	ST_WALK,
	ST_COUNT,
	ST_AGAIN,
	ST_ALL,
	_ST_COUNT
};

static const char *const sql[] = {
	[ST_PUT] = "INSERT OR REPLACE INTO hlr (" COLS ") VALUES (?, ?, 0, ?, 0, '')",
	[ST_SAVE] = "UPDATE hlr SET tries = ?3, next = ?4, dead = ?5, message = ?6 WHERE iccid = ?1 AND present = ?2",
	[ST_DEL] = "DELETE FROM hlr WHERE iccid = ?",
	[ST_GET] = "SELECT " COLS " FROM hlr WHERE iccid = ?",
	[ST_NEXT] = "SELECT " COLS " FROM hlr WHERE dead = 0 ORDER BY next LIMIT 1",
	[ST_WALK] = "SELECT " COLS " FROM hlr ORDER BY dead DESC, next LIMIT ?",
	[ST_COUNT] = "SELECT COUNT(*) FROM hlr WHERE dead = ?",
	/* with someone, or on the way to someone: ordered, downloaded, uncertain, bound, enabled */
	[ST_ALL] = "INSERT OR REPLACE INTO hlr (" COLS ") SELECT iccid, 1, 0, ?1, 0, '' FROM stock"
		   " WHERE state IN (1, 2, 3, 5, 6) AND imsi <> '' LIMIT ?2",
	[ST_AGAIN] = "UPDATE hlr SET dead = 0, tries = 0, next = ? WHERE dead = 1",
};

int smdp_db_hlr_prepare(struct smdp_db *db)
{
	db->hlr = sqldb_prepare(db->db, sql, ARRAY_SIZE(sql));
	return db->hlr ? 0 : -EIO;
}

int smdp_db_hlr_put(struct smdp_db *db, const char *iccid, bool present, int64_t next)
{
	sqldb_bind_text(db->hlr, ST_PUT, 1, iccid);
	sqldb_bind_int(db->hlr, ST_PUT, 2, present);
	sqldb_bind_int(db->hlr, ST_PUT, 3, next);
	return sqldb_exec(db->hlr, ST_PUT);
}

int smdp_db_hlr_save(struct smdp_db *db, const struct hlr_row *r)
{
	sqldb_bind_text(db->hlr, ST_SAVE, 1, r->iccid);
	sqldb_bind_int(db->hlr, ST_SAVE, 2, r->present);
	sqldb_bind_int(db->hlr, ST_SAVE, 3, r->tries);
	sqldb_bind_int(db->hlr, ST_SAVE, 4, r->next);
	sqldb_bind_int(db->hlr, ST_SAVE, 5, r->dead);
	sqldb_bind_text(db->hlr, ST_SAVE, 6, r->message);
	return sqldb_exec(db->hlr, ST_SAVE);
}

int smdp_db_hlr_del(struct smdp_db *db, const char *iccid)
{
	sqldb_bind_text(db->hlr, ST_DEL, 1, iccid);
	return sqldb_exec(db->hlr, ST_DEL);
}

static void hlr_row(struct smdp_db *db, unsigned st, struct hlr_row *r)
{
	*r = (struct hlr_row){};
	COL_TEXT(db->hlr, st, 0, r->iccid);
	r->present = sqldb_col_int(db->hlr, st, 1);
	r->tries = sqldb_col_int(db->hlr, st, 2);
	r->next = sqldb_col_int(db->hlr, st, 3);
	r->dead = sqldb_col_int(db->hlr, st, 4);
	COL_TEXT(db->hlr, st, 5, r->message);
}

static int hlr_one(struct smdp_db *db, unsigned st, struct hlr_row *r)
{
	int rc = sqldb_find(db->hlr, st);

	if (rc < 0)
		return rc;
	hlr_row(db, st, r);
	sqldb_reset(db->hlr, st);
	return 0;
}

int smdp_db_hlr_get(struct smdp_db *db, const char *iccid, struct hlr_row *r)
{
	sqldb_bind_text(db->hlr, ST_GET, 1, iccid);
	return hlr_one(db, ST_GET, r);
}

int smdp_db_hlr_next(struct smdp_db *db, struct hlr_row *r)
{
	return hlr_one(db, ST_NEXT, r);
}

void smdp_db_hlr_walk(struct smdp_db *db, int limit, void (*cb)(void *data, const struct hlr_row *r), void *data)
{
	struct hlr_row r;

	sqldb_bind_int(db->hlr, ST_WALK, 1, limit);
	while (sqldb_step(db->hlr, ST_WALK) == 1) {
		hlr_row(db, ST_WALK, &r);
		cb(data, &r);
	}
}

int64_t smdp_db_hlr_count(struct smdp_db *db, bool dead)
{
	int64_t n = 0;

	sqldb_bind_int(db->hlr, ST_COUNT, 1, dead);
	if (sqldb_step(db->hlr, ST_COUNT) == 1) {
		n = sqldb_col_int(db->hlr, ST_COUNT, 0);
		sqldb_reset(db->hlr, ST_COUNT);
	}
	return n;
}

int smdp_db_hlr_again(struct smdp_db *db, int64_t next)
{
	sqldb_bind_int(db->hlr, ST_AGAIN, 1, next);
	return sqldb_change(db->hlr, ST_AGAIN);
}

int smdp_db_hlr_put_all(struct smdp_db *db, int64_t next, unsigned limit)
{
	sqldb_bind_int(db->hlr, ST_ALL, 1, next);
	sqldb_bind_int(db->hlr, ST_ALL, 2, limit);
	return sqldb_change(db->hlr, ST_ALL);
}
