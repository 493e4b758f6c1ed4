/* sqldb.c, txn.c: upgrade, refusal of a newer database, commit before the queue, undo of one event, crash point.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <talloc.h>
#include <cmocka.h>

#include <osmocom/core/application.h>
#include <osmocom/core/logging.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/sqldb.h>

static const char *const schema[] = {
	"CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, v BLOB);",
	"ALTER TABLE t ADD COLUMN n INTEGER NOT NULL DEFAULT 7; CREATE INDEX t_n ON t(n);",
};
enum { ST_INSERT, ST_COUNT, ST_GET, _ST_COUNT };
static const char *const sql[] = {
	[ST_INSERT] = "INSERT INTO t (name, v) VALUES (?, ?)",
	[ST_COUNT] = "SELECT COUNT(*) FROM t",
	[ST_GET] = "SELECT name, v, n FROM t WHERE name = ?",
};

static char path[64];

static int setup(void **state)
{
	snprintf(path, sizeof(path), "/tmp/sqldb_test.%d.db", (int)getpid());
	return 0;
}

static int teardown(void **state)
{
	static const char *const ext[] = { "", "-wal", "-shm" };
	char name[80];

	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, ext[i]);
		unlink(name);
	}
	return 0;
}

static int insert(struct sqldb_stmts *s, const char *name)
{
	sqldb_bind_text(s, ST_INSERT, 1, name);
	sqldb_bind_blob(s, ST_INSERT, 2, "\0\1", 2);
	return sqldb_exec(s, ST_INSERT);
}

static int64_t count(struct sqldb_stmts *s)
{
	int64_t n;

	assert_int_equal(sqldb_step(s, ST_COUNT), 1);
	n = sqldb_col_int(s, ST_COUNT, 0);
	sqldb_reset(s, ST_COUNT);
	return n;
}

static void test_upgrade(void **state)
{
	void *ctx = talloc_new(NULL);
	static const char *const v1_sql[] = { "INSERT INTO t (name) VALUES ('old')" };
	static const char *const broken[] = { "", "", "CREATE TABLE u (a); CREATE TABL v (b);" };
	struct sqldb *db;
	struct sqldb_stmts *s;
	size_t len;

	assert_int_equal(sqldb_open(&db, ctx, path, schema, 1), 0);
	s = sqldb_prepare(db, v1_sql, 1);
	assert_int_equal(sqldb_exec(s, 0), 0);
	txn_commit(db);
	sqldb_close(db);

	assert_int_equal(sqldb_open(&db, ctx, path, schema, 2), 0);
	s = sqldb_prepare(db, sql, _ST_COUNT);
	assert_non_null(s);
	sqldb_bind_text(s, ST_GET, 1, "old");
	assert_int_equal(sqldb_step(s, ST_GET), 1);
	assert_null(sqldb_col_blob(s, ST_GET, 1, &len));
	assert_int_equal(len, 0);
	assert_int_equal(sqldb_col_int(s, ST_GET, 2), 7);
	sqldb_reset(s, ST_GET);
	assert_null(sqldb_prepare(db, (const char *const[]){ "SELECT nothing FROM t" }, 1));
	sqldb_close(db);

	assert_int_equal(sqldb_open(&db, ctx, path, schema, 1), -EPROTO);	/* newer than we are */
	assert_null(db);
	assert_int_equal(sqldb_open(&db, ctx, path, broken, 3), -EIO);
	assert_int_equal(sqldb_open(&db, ctx, path, schema, 2), 0); /* still at 2: the step was undone whole */
	assert_null(sqldb_prepare(db, (const char *const[]){ "SELECT a FROM u" }, 1));
	sqldb_close(db);
	assert_int_equal(sqldb_open(&db, ctx, "/nonexistent/x.db", schema, 2), -EIO);
	talloc_free(ctx);
}

static char trace[32];
static struct sqldb *other;	/* sees only what is committed */

static void note(void *data)
{
	static struct sqldb_stmts *s;

	s = sqldb_prepare(other, sql, _ST_COUNT);
	snprintf(trace + strlen(trace), sizeof(trace) - strlen(trace), "%s%d ", (const char *)data, (int)count(s));
	talloc_free(s);
}

static void test_commit_then_speak(void **state)
{
	void *ctx = talloc_new(NULL);
	struct sqldb *db;
	struct sqldb_stmts *s;
	unsigned long commits = txn_count();

	assert_int_equal(sqldb_open(&db, ctx, path, schema, 2), 0);
	assert_int_equal(sqldb_open(&other, ctx, path, schema, 2), 0);
	s = sqldb_prepare(db, sql, _ST_COUNT);
	txn_after_commit(db, note, "a");
	assert_int_equal(insert(s, "one"), 0);
	txn_after_commit(db, note, "x");
	txn_after_commit(db, note, "b");
	assert_int_equal(insert(s, "two"), 0);
	assert_int_equal(insert(s, "two"), -EEXIST);
	assert_string_equal(trace, "");
	txn_forget(db, "x");
	txn_commit(db);
	assert_string_equal(trace, "a2 b2 ");	/* in order, and the rows were on disk already */
	txn_commit(db);				/* nothing written: no commit */
	assert_int_equal(txn_count(), commits + 1);
	sqldb_close(other);

	assert_int_equal(insert(s, "lost"), 0);	/* closing without commit */
	sqldb_close(db);
	assert_int_equal(sqldb_open(&db, ctx, path, schema, 2), 0);
	s = sqldb_prepare(db, sql, _ST_COUNT);
	assert_int_equal(count(s), 2);
	talloc_free(ctx);
}

static void mark(void *data)
{
	strcat(trace, data);
}

static void test_event(void **state)
{
	void *ctx = talloc_new(NULL);
	struct sqldb *db;
	struct sqldb_stmts *s;

	trace[0] = '\0';
	assert_int_equal(sqldb_open(&db, ctx, ":memory:", schema, 2), 0);
	s = sqldb_prepare(db, sql, _ST_COUNT);
	insert(s, "before");
	txn_after_commit(db, mark, "0");
	txn_event_begin(db);
	insert(s, "first event");
	txn_after_commit(db, mark, "1");
	txn_event_end(db, 1);
	txn_event_begin(db);
	insert(s, "undone");
	txn_after_commit(db, mark, "2");
	txn_event_end(db, 0);
	txn_event_begin(db);		/* writes nothing, is undone: nothing to undo */
	txn_after_commit(db, mark, "3");
	txn_event_end(db, 0);
	txn_event_begin(db);
	insert(s, "undone");		/* the name is free again */
	txn_event_end(db, 1);
	txn_commit(db);
	assert_int_equal(count(s), 3);
	assert_string_equal(trace, "01");
	talloc_free(ctx);
}

/* The second of commit, send: the row is there, the word was not spoken. */
static void test_crash_point(void **state)
{
	void *ctx = talloc_new(NULL);
	struct sqldb *db;
	struct sqldb_stmts *s;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setenv("RSP_CRASH_AT", "2", 1);
		if (sqldb_open(&db, ctx, path, schema, 2) == 0 && (s = sqldb_prepare(db, sql, _ST_COUNT))) {
			insert(s, "crash");
			txn_after_commit(db, mark, "never");
			txn_commit(db);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(sqldb_open(&db, ctx, path, schema, 2), 0);
	s = sqldb_prepare(db, sql, _ST_COUNT);
	assert_int_equal(count(s), 1);
	talloc_free(ctx);
}

static void spoke(void *data)
{
	_exit(0);
}

/* Another writer is in the way: the row is not there, so nobody may hear of it (corrections 4). */
static void test_failed_write(void **state)
{
	void *ctx = talloc_new(NULL);
	struct sqldb *db;
	struct sqldb_stmts *s, *t;
	int status;
	pid_t pid;

	assert_int_equal(sqldb_open(&other, ctx, path, schema, 2), 0);
	t = sqldb_prepare(other, sql, _ST_COUNT);
	assert_int_equal(insert(t, "in the way"), 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (sqldb_open(&db, ctx, path, schema, 2) == 0 && (s = sqldb_prepare(db, sql, _ST_COUNT))) {
			if (insert(s, "lost") != -EIO)
				_exit(1);
			txn_after_commit(db, spoke, NULL);
			txn_commit(db);
		}
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	talloc_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_upgrade, setup, teardown),
		cmocka_unit_test_setup_teardown(test_commit_then_speak, setup, teardown),
		cmocka_unit_test_setup_teardown(test_event, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crash_point, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed_write, setup, teardown),
	};
	void *log_ctx = talloc_named_const(NULL, 0, "logging");
	int rc;

	unsetenv("RSP_CRASH_AT");
	osmo_init_logging2(log_ctx, &rsp_log_info);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	log_fini();
	talloc_free(log_ctx);
	return rc;
}
