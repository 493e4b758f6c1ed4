/* The one door to the database (SQLite today).
 * SPDX-License-Identifier: AGPL-3.0-or-later
 *
 * A room that stores something lists its statements in a static table and gives it to sqldb_prepare() once at start:
 * a mistake in SQL stops the daemon there. A handler runs
 *	sqldb_bind_text(db, ST_X, 1, eid); rc = sqldb_step(db, ST_X); sqldb_col_int(db, ST_X, 0); sqldb_reset(db, ST_X);
 * Every write opens the iteration's transaction by itself (txn.c, design P1). */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <osmocom/rsp/util/bytes.h>

struct sqldb;
struct sqldb_stmts;	/* one room's prepared statements */

/* Open or create (path ":memory:" for tests): WAL, synchronous=FULL, foreign_keys, all read back. `schema` is an array of
 * n SQL texts; text i brings user_version i to i+1, each in its own transaction. A database newer than n: -EPROTO. */
int sqldb_open(struct sqldb **db, void *ctx, const char *path, const char *const *schema, size_t n);
/* The same for one who only reads, beside a running daemon: nothing is written, no migration, no checkpoint. The version
 * must be n, else -EPROTO. */
int sqldb_open_read(struct sqldb **db, void *ctx, const char *path, size_t n);
/* A consistent copy of the database at path, also while a daemon writes to it; the new file must not exist. Its daemon is
 * not kept waiting. 0, -EEXIST or -EIO and a log line. */
int sqldb_backup(const char *path, const char *copy);
void sqldb_close(struct sqldb *db);	/* checkpoints; an open transaction is rolled back */

/* sql[] has n texts indexed by the caller's enum. NULL and a log line on a mistake. */
struct sqldb_stmts *sqldb_prepare(struct sqldb *db, const char *const *sql, size_t n);

void sqldb_bind_int(struct sqldb_stmts *s, unsigned st, int idx, int64_t v);
void sqldb_bind_text(struct sqldb_stmts *s, unsigned st, int idx, const char *v);	/* NULL binds NULL; copied */
void sqldb_bind_blob(struct sqldb_stmts *s, unsigned st, int idx, const void *v, size_t len);
/* 1 row, 0 done, -EEXIST constraint violated, -EIO anything else (logged). A statement that writes begins the
 * transaction lazily. Reset is automatic after 0 or an error; call sqldb_reset() after the last wanted row. */
int sqldb_step(struct sqldb_stmts *s, unsigned st);
/* bind-free helper: step expecting no row and reset; 0 or negative. */
int sqldb_exec(struct sqldb_stmts *s, unsigned st);
int64_t sqldb_insert(struct sqldb_stmts *s, unsigned st);	/* the same: id of the new row, or negative */
int sqldb_change(struct sqldb_stmts *s, unsigned st);		/* the same: rows changed, or negative */
/* 0: a row is there, to be read and reset; -ENOENT, or what sqldb_step() says. */
int sqldb_find(struct sqldb_stmts *s, unsigned st);
void sqldb_reset(struct sqldb_stmts *s, unsigned st);
int64_t sqldb_col_int(struct sqldb_stmts *s, unsigned st, int col);
const char *sqldb_col_text(struct sqldb_stmts *s, unsigned st, int col);	/* NULL for NULL; valid until reset */
const uint8_t *sqldb_col_blob(struct sqldb_stmts *s, unsigned st, int col, size_t *len);
int64_t sqldb_last_id(struct sqldb *db);

/* txn.c: one transaction per loop iteration, then what was queued (design P1 "commit, then speak"). */
typedef void (*txn_cb)(void *data);
/* Run cb(data) once the current iteration's writes are on disk, in order of queueing. data must not live in OTC_SELECT.
 * The callbacks only hand over (start a transfer, resume a connection); they never run handlers or write. */
void txn_after_commit(struct sqldb *db, txn_cb cb, void *data);
/* Forget queued callbacks whose data is this object (it is being freed). */
void txn_forget(struct sqldb *db, void *data);
/* One event inside a SAVEPOINT: begin, then either keep or undo (undo also drops what the event queued). */
void txn_event_begin(struct sqldb *db);
void txn_event_end(struct sqldb *db, int keep);
/* End of a loop iteration: COMMIT if anything was written, then the queue. A failed COMMIT is fatal: log, exit(3). */
void txn_commit(struct sqldb *db);
unsigned long txn_count(void);	/* commits so far */
/* Test builds only act on RSP_CRASH_AT=n: raise SIGKILL at the n-th commit or send (one common count). */
void txn_crash_point(const char *what);
