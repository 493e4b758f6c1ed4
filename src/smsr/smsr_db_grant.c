/* Statements about PLMA, ONC and additional properties of an EIS.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>

#include "smsr_db.h"

const char smsr_db_grant_schema[] =
	"CREATE TABLE operator_grant ("
	" kind INTEGER NOT NULL, mno_id TEXT NOT NULL, m2m_sp_id TEXT NOT NULL, profile_type TEXT NOT NULL,"
	" smdp_id TEXT NOT NULL, names TEXT NOT NULL,"
	" PRIMARY KEY (kind, mno_id, m2m_sp_id, profile_type, smdp_id));"
	"CREATE TABLE property ("
	" eid TEXT NOT NULL REFERENCES euicc(eid) ON DELETE CASCADE, n INTEGER NOT NULL, key TEXT NOT NULL,"
	" value TEXT NOT NULL, PRIMARY KEY (eid, n));";

enum { ST_EACH, ST_PUT, ST_DEL, ST_PROPS, ST_PROP_PUT, ST_PROPS_DEL, ST_COUNT };

static const char *const sql[] = {
	[ST_EACH] = "SELECT kind, mno_id, m2m_sp_id, profile_type, smdp_id, names FROM operator_grant",
	[ST_PUT] = "INSERT OR REPLACE INTO operator_grant (kind, mno_id, m2m_sp_id, profile_type, smdp_id, names)"
		   " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[ST_DEL] = "DELETE FROM operator_grant WHERE kind = ?1 AND mno_id = ?2 AND m2m_sp_id = ?3 AND profile_type = ?4"
		   " AND smdp_id = ?5",
	[ST_PROPS] = "SELECT key, value FROM property WHERE eid = ?1 ORDER BY n",
	[ST_PROP_PUT] = "INSERT INTO property (eid, n, key, value) VALUES (?1, ?2, ?3, ?4)",
	[ST_PROPS_DEL] = "DELETE FROM property WHERE eid = ?1",
};
osmo_static_assert(ARRAY_SIZE(sql) == ST_COUNT, each_statement_has_a_text);

int smsr_db_grant_prepare(struct smsr_db *db)
{
	db->grant = sqldb_prepare(db->sql, sql, ARRAY_SIZE(sql));
	return db->grant ? 0 : -EIO;
}

#define col_str(s, st, col, out) \
	snprintf(out, sizeof(out), "%s", sqldb_col_text(s, st, col) ? sqldb_col_text(s, st, col) : "")

/* Names have no spaces: they are checked against the functions we know before they come here. */
static void names_split(void *ctx, struct es_grant *g, const char *text)
{
	g->names = talloc_zero_size(ctx, ES_GRANT_NAMES_MAX * ES_NAME_SIZE);
	OSMO_ASSERT(g->names);
	while (text && *text && g->n_names < ES_GRANT_NAMES_MAX) {
		size_t len = strcspn(text, " ");

		if (len && len < ES_NAME_SIZE)
			memcpy(g->names[g->n_names++], text, len);
		text += len + (text[len] != 0);
	}
}

int smsr_db_grant_each(struct smsr_db *db, void (*each)(void *arg, int kind, const struct es_grant *g,
							const char *smdp_id), void *arg)
{
	int rc;

	while ((rc = sqldb_step(db->grant, ST_EACH)) == 1) {
		struct es_grant g = {};
		char smdp_id[OID_STR_SIZE];

		col_str(db->grant, ST_EACH, 1, g.mno_id);
		col_str(db->grant, ST_EACH, 2, g.m2m_sp_id);
		col_str(db->grant, ST_EACH, 3, g.profile_type);
		col_str(db->grant, ST_EACH, 4, smdp_id);
		names_split(db, &g, sqldb_col_text(db->grant, ST_EACH, 5));
		each(arg, sqldb_col_int(db->grant, ST_EACH, 0), &g, smdp_id);
		talloc_free(g.names);
	}
	return rc;
}

static int grant_exec(struct smsr_db *db, unsigned st, int kind, const struct es_grant *g, const char *smdp_id)
{
	sqldb_bind_int(db->grant, st, 1, kind);
	sqldb_bind_text(db->grant, st, 2, g->mno_id);
	sqldb_bind_text(db->grant, st, 3, g->m2m_sp_id);
	sqldb_bind_text(db->grant, st, 4, g->profile_type);
	sqldb_bind_text(db->grant, st, 5, smdp_id);
	return sqldb_exec(db->grant, st);
}

int smsr_db_grant_put(struct smsr_db *db, int kind, const struct es_grant *g, const char *smdp_id)
{
	char *names;
	int rc;

	if (!g->n_names)
		return grant_exec(db, ST_DEL, kind, g, smdp_id);
	names = talloc_strdup(db, "");
	for (size_t i = 0; i < g->n_names; i++)
		names = talloc_asprintf_append(names, "%s%s", i ? " " : "", g->names[i]);
	sqldb_bind_text(db->grant, ST_PUT, 6, names);
	rc = grant_exec(db, ST_PUT, kind, g, smdp_id);
	talloc_free(names);
	return rc;
}

int smsr_db_props_put(struct smsr_db *db, const struct eid *eid, const struct es_property *p, size_t n)
{
	char text[EID_STR_SIZE];
	int rc;

	eid_str(text, eid);
	sqldb_bind_text(db->grant, ST_PROPS_DEL, 1, text);
	rc = sqldb_exec(db->grant, ST_PROPS_DEL);
	for (size_t i = 0; i < n && rc >= 0; i++) {
		sqldb_bind_text(db->grant, ST_PROP_PUT, 1, text);
		sqldb_bind_int(db->grant, ST_PROP_PUT, 2, i);
		sqldb_bind_text(db->grant, ST_PROP_PUT, 3, p[i].key);
		sqldb_bind_text(db->grant, ST_PROP_PUT, 4, p[i].value);
		rc = sqldb_exec(db->grant, ST_PROP_PUT);
	}
	return rc;
}

size_t smsr_db_props_get(struct smsr_db *db, void *ctx, const struct eid *eid, struct es_property **out)
{
	char text[EID_STR_SIZE];
	size_t n = 0;

	*out = NULL;
	sqldb_bind_text(db->grant, ST_PROPS, 1, eid_str(text, eid));
	while (n < ES_PROPERTIES_MAX && sqldb_step(db->grant, ST_PROPS) == 1) {
		*out = talloc_realloc(ctx, *out, struct es_property, n + 1);
		OSMO_ASSERT(*out);
		(*out)[n].key = talloc_strdup(*out, sqldb_col_text(db->grant, ST_PROPS, 0));
		(*out)[n++].value = talloc_strdup(*out, sqldb_col_text(db->grant, ST_PROPS, 1));
	}
	sqldb_reset(db->grant, ST_PROPS);
	return n;
}
