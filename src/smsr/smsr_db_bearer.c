/* How one card is reached: what experience has taught, and what an operator of the SM-SR has set for it (design 5).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/utils.h>

#include "smsr_db.h"

const char smsr_db_bearer_schema[] =
	"CREATE TABLE bearer ("
	" eid TEXT PRIMARY KEY NOT NULL REFERENCES euicc(eid) ON DELETE CASCADE,"
	" sms_ok INTEGER NOT NULL DEFAULT 0, sms_failed INTEGER NOT NULL DEFAULT 0, sms_fails INTEGER NOT NULL DEFAULT 0,"
	" https_ok INTEGER NOT NULL DEFAULT 0, https_failed INTEGER NOT NULL DEFAULT 0,"
	" https_fails INTEGER NOT NULL DEFAULT 0,"
	" cattp_ok INTEGER NOT NULL DEFAULT 0, cattp_failed INTEGER NOT NULL DEFAULT 0,"
	" cattp_fails INTEGER NOT NULL DEFAULT 0,"
	" sms_ud INTEGER NOT NULL DEFAULT 0, scp80_took INTEGER NOT NULL DEFAULT 0,"
	" scp80_limit INTEGER NOT NULL DEFAULT 0, http_took INTEGER NOT NULL DEFAULT 0,"
	" http_limit INTEGER NOT NULL DEFAULT 0, last INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT '',"
	" set_order TEXT NOT NULL DEFAULT '', set_spi1 INTEGER NOT NULL DEFAULT 0, set_spi2 INTEGER NOT NULL DEFAULT 0,"
	" set_compact INTEGER NOT NULL DEFAULT 0, set_indefinite INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX profile_iccid ON profile(iccid);";

enum { ST_GET, ST_LEARNED_PUT, ST_SET_PUT, ST_BY_ICCID, ST_COUNT };

static const char *const sql[] = {
	[ST_GET] = "SELECT sms_ok, sms_failed, sms_fails, https_ok, https_failed, https_fails, cattp_ok, cattp_failed,"
		   " cattp_fails, sms_ud, scp80_took, scp80_limit, http_took, http_limit, last, why, set_order, set_spi1,"
		   " set_spi2, set_compact, set_indefinite FROM bearer WHERE eid = ?1",
	[ST_LEARNED_PUT] =
		"INSERT INTO bearer (eid, sms_ok, sms_failed, sms_fails, https_ok, https_failed, https_fails, cattp_ok,"
		" cattp_failed, cattp_fails, sms_ud, scp80_took, scp80_limit, http_took, http_limit, last, why)"
		" VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17) ON CONFLICT (eid) DO UPDATE SET"
		" sms_ok = ?2, sms_failed = ?3, sms_fails = ?4, https_ok = ?5, https_failed = ?6, https_fails = ?7,"
		" cattp_ok = ?8, cattp_failed = ?9, cattp_fails = ?10, sms_ud = ?11, scp80_took = ?12,"
		" scp80_limit = ?13, http_took = ?14, http_limit = ?15, last = ?16, why = ?17",
	[ST_SET_PUT] =
		"INSERT INTO bearer (eid, set_order, set_spi1, set_spi2, set_compact, set_indefinite)"
		" VALUES (?1,?2,?3,?4,?5,?6) ON CONFLICT (eid) DO UPDATE SET set_order = ?2, set_spi1 = ?3,"
		" set_spi2 = ?4, set_compact = ?5, set_indefinite = ?6",
	[ST_BY_ICCID] = "SELECT eid FROM profile WHERE iccid = ?1 LIMIT 1",
};
osmo_static_assert(ARRAY_SIZE(sql) == ST_COUNT, each_statement_has_a_text);

int smsr_db_bearer_prepare(struct smsr_db *db)
{
	db->bearer = sqldb_prepare(db->sql, sql, ARRAY_SIZE(sql));
	return db->bearer ? 0 : -EIO;
}

/* In the table's order of columns. */
static const enum card_bearer columns[] = { CARD_BEARER_SCP80, CARD_BEARER_SCP81, CARD_BEARER_CATTP };

/* The order as letters, so that it can be read in the database. */
static const char letters[_CARD_BEARERS + 1] = {
	[CARD_BEARER_NONE] = '-', [CARD_BEARER_SCP80] = 'S', [CARD_BEARER_SCP81] = 'H', [CARD_BEARER_CATTP] = 'C',
};

static void order_dec(struct smsr_bearer_set *set, const char *text)
{
	const char *p;

	for (; text && *text && set->n_order < ARRAY_SIZE(set->order); text++) {
		p = strchr(letters, *text);
		if (p && p != letters)
			set->order[set->n_order++] = p - letters;
	}
}

void smsr_db_bearer_get(struct smsr_db *db, const struct eid *eid, struct card_learned *l, struct smsr_bearer_set *set)
{
	struct sqldb_stmts *s = db->bearer;
	char text[EID_STR_SIZE];
	const char *why;

	memset(l, 0, sizeof(*l));
	memset(set, 0, sizeof(*set));
	sqldb_bind_text(s, ST_GET, 1, eid_str(text, eid));
	if (sqldb_step(s, ST_GET) != 1)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(columns); i++) {
		l->ok[columns[i]] = sqldb_col_int(s, ST_GET, 3 * i);
		l->failed[columns[i]] = sqldb_col_int(s, ST_GET, 3 * i + 1);
		l->fails[columns[i]] = sqldb_col_int(s, ST_GET, 3 * i + 2);
	}
	l->sms_ud = sqldb_col_int(s, ST_GET, 9);
	l->scp80_took = sqldb_col_int(s, ST_GET, 10);
	l->scp80_limit = sqldb_col_int(s, ST_GET, 11);
	l->http_took = sqldb_col_int(s, ST_GET, 12);
	l->http_limit = sqldb_col_int(s, ST_GET, 13);
	l->last = sqldb_col_int(s, ST_GET, 14);
	why = sqldb_col_text(s, ST_GET, 15);
	snprintf(l->why, sizeof(l->why), "%s", why ? why : "");
	order_dec(set, sqldb_col_text(s, ST_GET, 16));
	set->spi1 = sqldb_col_int(s, ST_GET, 17);
	set->spi2 = sqldb_col_int(s, ST_GET, 18);
	set->compact = sqldb_col_int(s, ST_GET, 19);
	set->indefinite = sqldb_col_int(s, ST_GET, 20);
	sqldb_reset(s, ST_GET);
}

int smsr_db_learned_put(struct smsr_db *db, const struct eid *eid, const struct card_learned *l)
{
	struct sqldb_stmts *s = db->bearer;
	char text[EID_STR_SIZE];

	sqldb_bind_text(s, ST_LEARNED_PUT, 1, eid_str(text, eid));
	for (unsigned i = 0; i < ARRAY_SIZE(columns); i++) {
		sqldb_bind_int(s, ST_LEARNED_PUT, 3 * i + 2, l->ok[columns[i]]);
		sqldb_bind_int(s, ST_LEARNED_PUT, 3 * i + 3, l->failed[columns[i]]);
		sqldb_bind_int(s, ST_LEARNED_PUT, 3 * i + 4, l->fails[columns[i]]);
	}
	sqldb_bind_int(s, ST_LEARNED_PUT, 11, l->sms_ud);
	sqldb_bind_int(s, ST_LEARNED_PUT, 12, l->scp80_took);
	sqldb_bind_int(s, ST_LEARNED_PUT, 13, l->scp80_limit);
	sqldb_bind_int(s, ST_LEARNED_PUT, 14, l->http_took);
	sqldb_bind_int(s, ST_LEARNED_PUT, 15, l->http_limit);
	sqldb_bind_int(s, ST_LEARNED_PUT, 16, l->last);
	sqldb_bind_text(s, ST_LEARNED_PUT, 17, l->why);
	return sqldb_exec(s, ST_LEARNED_PUT);
}

int smsr_db_bearer_set_put(struct smsr_db *db, const struct eid *eid, const struct smsr_bearer_set *set)
{
	struct sqldb_stmts *s = db->bearer;
	char text[EID_STR_SIZE], order[ARRAY_SIZE(set->order) + 1] = "";

	for (unsigned i = 0; i < set->n_order; i++)
		order[i] = letters[set->order[i]];
	sqldb_bind_text(s, ST_SET_PUT, 1, eid_str(text, eid));
	sqldb_bind_text(s, ST_SET_PUT, 2, order);
	sqldb_bind_int(s, ST_SET_PUT, 3, set->spi1);
	sqldb_bind_int(s, ST_SET_PUT, 4, set->spi2);
	sqldb_bind_int(s, ST_SET_PUT, 5, set->compact);
	sqldb_bind_int(s, ST_SET_PUT, 6, set->indefinite);
	return sqldb_exec(s, ST_SET_PUT);
}

int smsr_db_eid_by_iccid(struct smsr_db *db, const char *iccid, struct eid *eid)
{
	int rc;

	sqldb_bind_text(db->bearer, ST_BY_ICCID, 1, iccid);
	if (sqldb_step(db->bearer, ST_BY_ICCID) != 1)
		return -ENOENT;
	rc = eid_from_str(eid, sqldb_col_text(db->bearer, ST_BY_ICCID, 0));
	sqldb_reset(db->bearer, ST_BY_ICCID);
	return rc < 0 ? -ENOENT : 0;
}
