/* The one door to the database: open, pragmas, migrations, statements (style.md 3 "Database").
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>

#include "sqldb_priv.h"

struct sqldb_stmts {
	struct llist_head entry;
	struct sqldb *db;
	size_t n;
	sqlite3_stmt *st[];
};

static int sqldb_run(struct sqldb *db, const char *sql)
{
	char *err = NULL;
	int rc = sqlite3_exec(db->h, sql, NULL, NULL, &err);

	if (rc != SQLITE_OK)
		LOGP(DDB, LOGL_ERROR, "'%.80s': %s\n", sql, err ? err : sqlite3_errmsg(db->h));
	sqlite3_free(err);
	return rc == SQLITE_OK ? 0 : -EIO;
}

/* First column of the first row as text, or -EIO. SQLite ignores a misspelt PRAGMA in silence, so each is read back. */
static int sqldb_ask(struct sqldb *db, const char *sql, char *out, size_t out_size)
{
	sqlite3_stmt *st = NULL;
	int rc = -EIO;

	if (sqlite3_prepare_v2(db->h, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW) {
		snprintf(out, out_size, "%s", (const char *)sqlite3_column_text(st, 0));
		rc = 0;
	} else {
		LOGP(DDB, LOGL_ERROR, "'%s': %s\n", sql, sqlite3_errmsg(db->h));
	}
	sqlite3_finalize(st);
	return rc;
}

static int sqldb_pragma(struct sqldb *db, const char *set, const char *ask, const char *want)
{
	char got[32];

	if (sqldb_run(db, set) < 0 || sqldb_ask(db, ask, got, sizeof(got)) < 0)
		return -EIO;
	if (strcmp(got, want)) {
		LOGP(DDB, LOGL_ERROR, "%s: is '%s', must be '%s'\n", set, got, want);
		return -EIO;
	}
	return 0;
}

static int sqldb_pragmas(struct sqldb *db, bool memory)
{
	if (sqldb_pragma(db, "PRAGMA journal_mode=WAL", "PRAGMA journal_mode", memory ? "memory" : "wal") < 0 ||
	    sqldb_pragma(db, "PRAGMA synchronous=FULL", "PRAGMA synchronous", "2") < 0 ||
	    sqldb_pragma(db, "PRAGMA foreign_keys=ON", "PRAGMA foreign_keys", "1") < 0 ||
	    sqldb_pragma(db, "PRAGMA busy_timeout=0", "PRAGMA busy_timeout", "0") < 0)
		return -EIO;
	return 0;
}

/* Each step is one transaction with its user_version inside. */
static int sqldb_migrate(struct sqldb *db, const char *const *schema, size_t n)
{
	char text[64];
	unsigned long version;

	if (sqldb_ask(db, "PRAGMA user_version", text, sizeof(text)) < 0)
		return -EIO;
	version = strtoul(text, NULL, 10);
	if (version > n) {
		LOGP(DDB, LOGL_ERROR, "database has version %lu, this program knows up to %zu\n", version, n);
		return -EPROTO;
	}
	for (; version < n; version++) {
		snprintf(text, sizeof(text), "PRAGMA user_version=%lu", version + 1);
		if (sqldb_run(db, "BEGIN IMMEDIATE") < 0)
			return -EIO;
		if (sqldb_run(db, schema[version]) < 0 || sqldb_run(db, text) < 0 || sqldb_run(db, "COMMIT") < 0) {
			sqlite3_exec(db->h, "ROLLBACK", NULL, NULL, NULL);
			return -EIO;
		}
		LOGP(DDB, LOGL_INFO, "database brought to version %lu\n", version + 1);
	}
	return 0;
}

static int sqldb_destructor(struct sqldb *db)
{
	struct sqldb_stmts *s;

	txn_close(db);
	llist_for_each_entry(s, &db->stmts, entry) {
		for (size_t i = 0; i < s->n; i++)
			sqlite3_finalize(s->st[i]);
		s->n = 0;
		s->db = NULL;
	}
	if (db->h) {
		if (!db->read_only)
			sqlite3_wal_checkpoint_v2(db->h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
		if (sqlite3_close(db->h) != SQLITE_OK)
			LOGP(DDB, LOGL_ERROR, "closing: %s\n", sqlite3_errmsg(db->h));
	}
	return 0;
}

int sqldb_open(struct sqldb **out, void *ctx, const char *path, const char *const *schema, size_t n)
{
	struct sqldb *db = talloc_zero(ctx, struct sqldb);
	int rc;

	*out = NULL;
	if (!db)
		return -ENOMEM;
	INIT_LLIST_HEAD(&db->stmts);
	INIT_LLIST_HEAD(&db->queue);
	talloc_set_destructor(db, sqldb_destructor);
	if (sqlite3_open_v2(path, &db->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK) {
		LOGP(DDB, LOGL_ERROR, "cannot open %s: %s\n", path, db->h ? sqlite3_errmsg(db->h) : "no memory");
		talloc_free(db);
		return -EIO;
	}
	sqlite3_extended_result_codes(db->h, 1);
	rc = sqldb_pragmas(db, !strcmp(path, ":memory:"));
	if (rc == 0)
		rc = sqldb_migrate(db, schema, n);
	if (rc < 0) {
		talloc_free(db);
		return rc;
	}
	*out = db;
	return 0;
}

int sqldb_open_read(struct sqldb **out, void *ctx, const char *path, size_t n)
{
	struct sqldb *db = talloc_zero(ctx, struct sqldb);
	char version[32];

	*out = NULL;
	if (!db)
		return -ENOMEM;
	INIT_LLIST_HEAD(&db->stmts);
	INIT_LLIST_HEAD(&db->queue);
	talloc_set_destructor(db, sqldb_destructor);
	db->read_only = true;
	if (sqlite3_open_v2(path, &db->h, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		LOGP(DDB, LOGL_ERROR, "cannot read %s: %s\n", path, db->h ? sqlite3_errmsg(db->h) : "no memory");
		talloc_free(db);
		return -EIO;
	}
	if (sqldb_ask(db, "PRAGMA user_version", version, sizeof(version)) < 0 || strtoul(version, NULL, 10) != n) {
		LOGP(DDB, LOGL_ERROR, "%s: not of version %zu: start the daemon once\n", path, n);
		talloc_free(db);
		return -EPROTO;
	}
	*out = db;
	return 0;
}

int sqldb_backup(const char *path, const char *copy)
{
	sqlite3 *h = NULL;
	char *sql = NULL;
	int rc = -EIO, fd = open(copy, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);	/* VACUUM fills an empty file */

	if (fd < 0) {
		rc = -errno;
		LOGP(DDB, LOGL_ERROR, "%s: %s\n", copy, strerror(errno));
		return rc;
	}
	if (sqlite3_open_v2(path, &h, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK && !sqlite3_busy_timeout(h, 5000) &&
	    (sql = sqlite3_mprintf("VACUUM INTO %Q", copy)) &&
	    sqlite3_exec(h, sql, NULL, NULL, NULL) == SQLITE_OK)
		rc = 0;
	else
		LOGP(DDB, LOGL_ERROR, "copy of %s: %s\n", path, h ? sqlite3_errmsg(h) : "no memory");
	sqlite3_free(sql);
	sqlite3_close(h);
	if (!rc && fsync(fd) < 0)
		rc = -EIO;
	close(fd);
	if (rc)
		unlink(copy);
	return rc;
}

void sqldb_close(struct sqldb *db)
{
	talloc_free(db);
}

static int sqldb_stmts_destructor(struct sqldb_stmts *s)
{
	for (size_t i = 0; i < s->n; i++)
		sqlite3_finalize(s->st[i]);
	if (s->db)
		llist_del(&s->entry);
	return 0;
}

struct sqldb_stmts *sqldb_prepare(struct sqldb *db, const char *const *sql, size_t n)
{
	struct sqldb_stmts *s = talloc_zero_size(db, sizeof(*s) + n * sizeof(s->st[0]));

	if (!s)
		return NULL;
	talloc_set_name_const(s, "struct sqldb_stmts");
	s->db = db;
	s->n = n;
	llist_add_tail(&s->entry, &db->stmts);
	talloc_set_destructor(s, sqldb_stmts_destructor);
	for (size_t i = 0; i < n; i++) {
		if (sql[i] &&
		    sqlite3_prepare_v3(db->h, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->st[i], NULL) == SQLITE_OK &&
		    s->st[i])
			continue;
		LOGP(DDB, LOGL_ERROR, "statement %zu '%s': %s\n", i, sql[i] ? sql[i] : "(none)", sqlite3_errmsg(db->h));
		talloc_free(s);
		return NULL;
	}
	return s;
}

static sqlite3_stmt *sqldb_stmt(struct sqldb_stmts *s, unsigned st)
{
	OSMO_ASSERT(s->db && st < s->n);	/* a mistake of ours, never of a peer */
	return s->st[st];
}

static void sqldb_bound(struct sqldb_stmts *s, unsigned st, int idx, int rc)
{
	if (rc != SQLITE_OK) {
		LOGP(DDB, LOGL_FATAL, "binding %d of '%s': %s\n", idx, sqlite3_sql(s->st[st]),
		     sqlite3_errmsg(s->db->h));
		OSMO_ASSERT(rc == SQLITE_NOMEM || rc == SQLITE_TOOBIG);
	}
}

void sqldb_bind_int(struct sqldb_stmts *s, unsigned st, int idx, int64_t v)
{
	sqldb_bound(s, st, idx, sqlite3_bind_int64(sqldb_stmt(s, st), idx, v));
}

void sqldb_bind_text(struct sqldb_stmts *s, unsigned st, int idx, const char *v)
{
	sqldb_bound(s, st, idx, sqlite3_bind_text(sqldb_stmt(s, st), idx, v, -1, SQLITE_TRANSIENT));
}

void sqldb_bind_blob(struct sqldb_stmts *s, unsigned st, int idx, const void *v, size_t len)
{
	sqlite3_stmt *h = sqldb_stmt(s, st);

	if (!v)
		sqldb_bound(s, st, idx, sqlite3_bind_null(h, idx));
	else
		sqldb_bound(s, st, idx, sqlite3_bind_blob64(h, idx, v, len, SQLITE_TRANSIENT));
}

void sqldb_reset(struct sqldb_stmts *s, unsigned st)
{
	sqlite3_stmt *h = sqldb_stmt(s, st);

	sqlite3_reset(h);
	sqlite3_clear_bindings(h);	/* nothing of one caller stays for the next */
}

int sqldb_step(struct sqldb_stmts *s, unsigned st)
{
	sqlite3_stmt *h = sqldb_stmt(s, st);
	int rc = SQLITE_ERROR;

	if (sqlite3_stmt_readonly(h) || txn_will_write(s->db) == 0)
		rc = sqlite3_step(h);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE && (rc & 0xFF) != SQLITE_CONSTRAINT && !sqlite3_stmt_readonly(h))
		s->db->broken = true;	/* disk full, I/O, another writer: txn_commit() will not speak */
	if (rc != SQLITE_DONE && (rc & 0xFF) != SQLITE_CONSTRAINT)
		LOGP(DDB, LOGL_ERROR, "'%s': %s\n", sqlite3_sql(h), sqlite3_errmsg(s->db->h));
	sqldb_reset(s, st);
	if (rc == SQLITE_DONE)
		return 0;
	return (rc & 0xFF) == SQLITE_CONSTRAINT ? -EEXIST : -EIO;
}

int sqldb_exec(struct sqldb_stmts *s, unsigned st)
{
	int rc = sqldb_step(s, st);

	if (rc == 1)
		sqldb_reset(s, st);
	return rc < 0 ? rc : 0;
}

int64_t sqldb_insert(struct sqldb_stmts *s, unsigned st)
{
	int rc = sqldb_exec(s, st);

	return rc < 0 ? rc : sqldb_last_id(s->db);
}

int sqldb_change(struct sqldb_stmts *s, unsigned st)
{
	int rc = sqldb_exec(s, st);

	return rc < 0 ? rc : sqlite3_changes(s->db->h);
}

int sqldb_find(struct sqldb_stmts *s, unsigned st)
{
	int rc = sqldb_step(s, st);

	return rc == 1 ? 0 : rc < 0 ? rc : -ENOENT;
}

int64_t sqldb_col_int(struct sqldb_stmts *s, unsigned st, int col)
{
	return sqlite3_column_int64(sqldb_stmt(s, st), col);
}

const char *sqldb_col_text(struct sqldb_stmts *s, unsigned st, int col)
{
	return (const char *)sqlite3_column_text(sqldb_stmt(s, st), col);
}

const uint8_t *sqldb_col_blob(struct sqldb_stmts *s, unsigned st, int col, size_t *len)
{
	const void *p = sqlite3_column_blob(sqldb_stmt(s, st), col);

	*len = p ? sqlite3_column_bytes(sqldb_stmt(s, st), col) : 0;
	return p;
}

int64_t sqldb_last_id(struct sqldb *db)
{
	return sqlite3_last_insert_rowid(db->h);
}
