/* The SM-DP's database: templates and the profiles on stock.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <talloc.h>

#include <osmocom/core/utils.h>

#include "smdp_db_priv.h"

#define COLS                                                                                                           \
	"iccid, owner, type, imsi, msisdn, smsc, state, eid, perso_iccid, perso_imsi, perso_msisdn, upp, batch, line"
#define STAGED "9"	/* STOCK_STAGED, and STOCK_STAGED_KEYS above it, as the partial index has it */
osmo_static_assert(STOCK_STAGED == 9 && STOCK_STAGED_KEYS == 10, the_index_knows_the_numbers);

enum {
	ST_UPP_ADD,
	ST_UPP_FIND,
	ST_UPP_GET,
	ST_UPP_ANY,
	ST_ADD,
	ST_FILL,
	ST_GET,
	ST_BY_IMSI,
	ST_KEYS,
	ST_TYPE,
	ST_PICK,
	ST_STATE,
	ST_TOKEN_SET,
	ST_TOKEN_GET,
	ST_COUNT,
	ST_LEFT,
	ST_SUMMARY,
	ST_WALK,
	ST_RELEASE,
	ST_UNSTAGE,
	ST_UNFILL,
	_ST_COUNT
};

static const char *const sql[] = {
	[ST_UPP_ADD] = "INSERT INTO upp (sha, sealed) VALUES (?, ?)",
	[ST_UPP_FIND] = "SELECT id FROM upp WHERE sha = ?",
	[ST_UPP_GET] = "SELECT sha, sealed FROM upp WHERE id = ?",
	[ST_UPP_ANY] = "SELECT EXISTS (SELECT 1 FROM upp)",
	[ST_ADD] = "INSERT INTO stock (" COLS ", perso) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[ST_FILL] = "UPDATE stock SET state = ?7, perso_iccid = ?9, perso_imsi = ?10, perso_msisdn = ?11, upp = ?12,"
		    " batch = ?13, line = ?14, perso = ?15 WHERE iccid = ?1",
	[ST_GET] = "SELECT " COLS " FROM stock WHERE iccid = ?",
	[ST_BY_IMSI] = "SELECT " COLS " FROM stock WHERE imsi = ? AND imsi <> '' ORDER BY state LIMIT 1",
	[ST_KEYS] = "SELECT k, opc, perso FROM stock WHERE iccid = ?",
	[ST_TYPE] = "SELECT 1 FROM stock WHERE owner = ? AND type = ? LIMIT 1",
	[ST_PICK] = "SELECT iccid FROM stock WHERE owner = ? AND type = ? AND state = 0 ORDER BY iccid LIMIT 1",
	[ST_STATE] = "UPDATE stock SET state = ?2, eid = ?3 WHERE iccid = ?1",
	[ST_TOKEN_SET] = "UPDATE stock SET token = ?2 WHERE iccid = ?1",
	[ST_TOKEN_GET] = "SELECT token FROM stock WHERE iccid = ?",
	[ST_COUNT] = "SELECT COUNT(*) FROM stock",
	[ST_LEFT] = "SELECT COUNT(*) FROM (SELECT 1 FROM stock WHERE owner = ? AND type = ? AND state = 0 LIMIT ?)",
	[ST_SUMMARY] = "SELECT owner, type, state, COUNT(*) FROM stock WHERE owner = ?1 OR ?1 = ''"
		       " GROUP BY owner, type, state",
	[ST_WALK] = "SELECT " COLS " FROM stock WHERE iccid > ? AND (?2 = '' OR owner = ?2) ORDER BY iccid LIMIT ?3",
	[ST_RELEASE] = "UPDATE stock SET state = CASE WHEN ?2 AND perso IS NULL THEN 4 ELSE 0 END WHERE iccid IN"
		       " (SELECT iccid FROM stock WHERE batch = ?1 AND state >= " STAGED " LIMIT ?3)",
	[ST_UNSTAGE] = "DELETE FROM stock WHERE iccid IN"
		       " (SELECT iccid FROM stock WHERE batch = ?1 AND state = " STAGED " LIMIT ?2)",
	[ST_UNFILL] = "UPDATE stock SET state = 4, perso = NULL, batch = 0 WHERE iccid IN"
		      " (SELECT iccid FROM stock WHERE batch = ?1 AND state > " STAGED " LIMIT ?2)",
};

int smdp_db_stock_prepare(struct smdp_db *db)
{
	db->stock = sqldb_prepare(db->db, sql, ARRAY_SIZE(sql));
	return db->stock ? 0 : -EIO;
}

/* Templates ------------------------------------------------------------------------------------------------------ */

int64_t smdp_db_upp_find(struct smdp_db *db, const char *sha)
{
	int64_t id;
	int rc;

	sqldb_bind_text(db->stock, ST_UPP_FIND, 1, sha);
	rc = sqldb_find(db->stock, ST_UPP_FIND);
	if (rc < 0)
		return rc;
	id = sqldb_col_int(db->stock, ST_UPP_FIND, 0);
	sqldb_reset(db->stock, ST_UPP_FIND);
	return id;
}

int64_t smdp_db_upp_add(struct smdp_db *db, const char *sha, const struct bytes *sealed)
{
	sqldb_bind_text(db->stock, ST_UPP_ADD, 1, sha);
	sqldb_bind_blob(db->stock, ST_UPP_ADD, 2, sealed->data, sealed->len);
	return sqldb_insert(db->stock, ST_UPP_ADD);
}

static struct bytes *blob(struct smdp_db *db, void *ctx, unsigned st, int col)
{
	size_t len;
	const uint8_t *p = sqldb_col_blob(db->stock, st, col, &len);

	return p ? bytes_dup(ctx, p, len) : NULL;
}

struct bytes *smdp_db_upp_get(struct smdp_db *db, void *ctx, int64_t id, char sha[65])
{
	struct bytes *b = NULL;

	sqldb_bind_int(db->stock, ST_UPP_GET, 1, id);
	if (sqldb_step(db->stock, ST_UPP_GET) == 1) {
		osmo_strlcpy(sha, sqldb_col_text(db->stock, ST_UPP_GET, 0) ? : "", 65);
		b = blob(db, ctx, ST_UPP_GET, 1);
		sqldb_reset(db->stock, ST_UPP_GET);
	}
	return b;
}

/* Profiles ------------------------------------------------------------------------------------------------------- */

static int store(struct smdp_db *db, unsigned st, const struct stock_row *r, const struct bytes *perso)
{
	struct sqldb_stmts *s = db->stock;

	sqldb_bind_text(s, st, 1, r->iccid);
	sqldb_bind_int(s, st, 7, r->state);
	sqldb_bind_int(s, st, 9, r->perso_iccid);
	sqldb_bind_int(s, st, 10, r->perso_imsi);
	sqldb_bind_int(s, st, 11, r->perso_msisdn);
	sqldb_bind_int(s, st, 12, r->upp);
	sqldb_bind_int(s, st, 13, r->batch);
	sqldb_bind_int(s, st, 14, r->line);
	sqldb_bind_blob(s, st, 15, perso ? perso->data : NULL, perso ? perso->len : 0);
	if (st == ST_ADD) {
		sqldb_bind_text(s, st, 2, r->owner);
		sqldb_bind_text(s, st, 3, r->type);
		sqldb_bind_text(s, st, 4, r->imsi);
		sqldb_bind_text(s, st, 5, r->msisdn);
		sqldb_bind_text(s, st, 6, r->smsc);
		sqldb_bind_text(s, st, 8, r->eid);
	}
	return sqldb_exec(s, st);
}

int smdp_db_stock_add(struct smdp_db *db, const struct stock_row *r, const struct bytes *perso)
{
	return store(db, ST_ADD, r, perso);
}

int smdp_db_stock_fill(struct smdp_db *db, const struct stock_row *r, const struct bytes *perso)
{
	return store(db, ST_FILL, r, perso);
}

static void row(struct smdp_db *db, unsigned st, struct stock_row *r)
{
	struct sqldb_stmts *s = db->stock;

	*r = (struct stock_row){};
	COL_TEXT(s, st, 0, r->iccid);
	COL_TEXT(s, st, 1, r->owner);
	COL_TEXT(s, st, 2, r->type);
	COL_TEXT(s, st, 3, r->imsi);
	COL_TEXT(s, st, 4, r->msisdn);
	COL_TEXT(s, st, 5, r->smsc);
	r->state = sqldb_col_int(s, st, 6);
	COL_TEXT(s, st, 7, r->eid);
	r->perso_iccid = sqldb_col_int(s, st, 8);
	r->perso_imsi = sqldb_col_int(s, st, 9);
	r->perso_msisdn = sqldb_col_int(s, st, 10);
	r->upp = sqldb_col_int(s, st, 11);
	r->batch = sqldb_col_int(s, st, 12);
	r->line = sqldb_col_int(s, st, 13);
}

static int one(struct smdp_db *db, unsigned st, const char *key, struct stock_row *r)
{
	int rc;

	*r = (struct stock_row){};
	sqldb_bind_text(db->stock, st, 1, key);
	rc = sqldb_find(db->stock, st);
	if (rc < 0)
		return rc;
	row(db, st, r);
	sqldb_reset(db->stock, st);
	return 0;
}

int smdp_db_stock_get(struct smdp_db *db, const char *iccid, struct stock_row *r)
{
	return one(db, ST_GET, iccid, r);
}

int smdp_db_stock_by_imsi(struct smdp_db *db, const char *imsi, struct stock_row *r)
{
	return one(db, ST_BY_IMSI, imsi, r);
}

int smdp_db_stock_keys(struct smdp_db *db, void *ctx, const char *iccid, struct stock_sealed *k)
{
	int rc;

	*k = (struct stock_sealed){};
	sqldb_bind_text(db->stock, ST_KEYS, 1, iccid);
	rc = sqldb_find(db->stock, ST_KEYS);
	if (rc < 0)
		return rc;
	k->k = blob(db, ctx, ST_KEYS, 0);
	k->opc = blob(db, ctx, ST_KEYS, 1);
	k->perso = blob(db, ctx, ST_KEYS, 2);
	sqldb_reset(db->stock, ST_KEYS);
	return 0;
}

int smdp_db_stock_pick(struct smdp_db *db, const char *owner, const char *type, char iccid[ICCID_STR_SIZE])
{
	int rc;

	sqldb_bind_text(db->stock, ST_PICK, 1, owner);
	sqldb_bind_text(db->stock, ST_PICK, 2, type);
	rc = sqldb_step(db->stock, ST_PICK);
	if (rc == 1) {
		osmo_strlcpy(iccid, sqldb_col_text(db->stock, ST_PICK, 0), ICCID_STR_SIZE);
		sqldb_reset(db->stock, ST_PICK);
		return 0;
	}
	if (rc < 0)
		return rc;
	sqldb_bind_text(db->stock, ST_TYPE, 1, owner);
	sqldb_bind_text(db->stock, ST_TYPE, 2, type);
	rc = sqldb_step(db->stock, ST_TYPE);
	sqldb_reset(db->stock, ST_TYPE);
	return rc == 1 ? -ENODATA : rc < 0 ? rc : -ENOENT;
}

int smdp_db_stock_state(struct smdp_db *db, const char *iccid, enum stock_state state, const char *eid)
{
	sqldb_bind_text(db->stock, ST_STATE, 1, iccid);
	sqldb_bind_int(db->stock, ST_STATE, 2, state);
	sqldb_bind_text(db->stock, ST_STATE, 3, eid ? : "");
	return sqldb_exec(db->stock, ST_STATE);
}

int smdp_db_stock_token_set(struct smdp_db *db, const char *iccid, const struct bytes *sealed)
{
	sqldb_bind_text(db->stock, ST_TOKEN_SET, 1, iccid);
	sqldb_bind_blob(db->stock, ST_TOKEN_SET, 2, sealed ? sealed->data : NULL, sealed ? sealed->len : 0);
	return sqldb_exec(db->stock, ST_TOKEN_SET);
}

struct bytes *smdp_db_stock_token_get(struct smdp_db *db, void *ctx, const char *iccid)
{
	struct bytes *b = NULL;

	sqldb_bind_text(db->stock, ST_TOKEN_GET, 1, iccid);
	if (sqldb_step(db->stock, ST_TOKEN_GET) == 1) {
		b = blob(db, ctx, ST_TOKEN_GET, 0);
		sqldb_reset(db->stock, ST_TOKEN_GET);
	}
	return b;
}

static int64_t number(struct smdp_db *db, unsigned st)
{
	int64_t n = 0;

	if (sqldb_step(db->stock, st) == 1) {
		n = sqldb_col_int(db->stock, st, 0);
		sqldb_reset(db->stock, st);
	}
	return n;
}

bool smdp_db_upp_any(struct smdp_db *db)
{
	return number(db, ST_UPP_ANY);
}

int64_t smdp_db_stock_count(struct smdp_db *db)
{
	return number(db, ST_COUNT);
}

int64_t smdp_db_stock_left(struct smdp_db *db, const char *owner, const char *type, unsigned limit)
{
	sqldb_bind_text(db->stock, ST_LEFT, 1, owner);
	sqldb_bind_text(db->stock, ST_LEFT, 2, type);
	sqldb_bind_int(db->stock, ST_LEFT, 3, limit);
	return number(db, ST_LEFT);
}

void smdp_db_stock_summary(struct smdp_db *db, const char *owner, smdp_db_summary_cb cb, void *data)
{
	sqldb_bind_text(db->stock, ST_SUMMARY, 1, owner ? : "");
	while (sqldb_step(db->stock, ST_SUMMARY) == 1)
		cb(data, sqldb_col_text(db->stock, ST_SUMMARY, 0) ? : "",
		   sqldb_col_text(db->stock, ST_SUMMARY, 1) ? : "",
		   sqldb_col_int(db->stock, ST_SUMMARY, 2), sqldb_col_int(db->stock, ST_SUMMARY, 3));
}

void smdp_db_stock_walk(struct smdp_db *db, const char *after, const char *owner, unsigned limit,
			bool (*cb)(void *data, const struct stock_row *r), void *data)
{
	struct stock_row r;

	sqldb_bind_text(db->stock, ST_WALK, 1, after);
	sqldb_bind_text(db->stock, ST_WALK, 2, owner ? : "");
	sqldb_bind_int(db->stock, ST_WALK, 3, limit);
	while (sqldb_step(db->stock, ST_WALK) == 1) {
		row(db, ST_WALK, &r);
		if (!cb(data, &r)) {
			sqldb_reset(db->stock, ST_WALK);
			break;
		}
	}
}

int smdp_db_stock_release(struct smdp_db *db, int64_t batch, bool keys, unsigned limit)
{
	sqldb_bind_int(db->stock, ST_RELEASE, 1, batch);
	sqldb_bind_int(db->stock, ST_RELEASE, 2, keys);
	sqldb_bind_int(db->stock, ST_RELEASE, 3, limit);
	return sqldb_change(db->stock, ST_RELEASE);
}

int smdp_db_stock_unstage(struct smdp_db *db, int64_t batch, unsigned limit)
{
	int rc;

	sqldb_bind_int(db->stock, ST_UNSTAGE, 1, batch);
	sqldb_bind_int(db->stock, ST_UNSTAGE, 2, limit);
	rc = sqldb_change(db->stock, ST_UNSTAGE);
	if (rc)
		return rc;
	sqldb_bind_int(db->stock, ST_UNFILL, 1, batch);
	sqldb_bind_int(db->stock, ST_UNFILL, 2, limit);
	return sqldb_change(db->stock, ST_UNFILL);
}
