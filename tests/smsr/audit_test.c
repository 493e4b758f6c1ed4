/* The timeline's chain: a line changed, removed, or cut off at the end is found, by who holds the key and the log
 * (corrections 25). The database is changed by SQLite itself, as whoever has the file would.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <talloc.h>

#include <osmocom/core/application.h>
#include <osmocom/core/logging.h>
#include <osmocom/core/select.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "../../src/smsr/smsr_db.h"

#define LINES 2500	/* two checkpoints, and lines after the last one */

static char dir[] = "/tmp/rsp-audit-XXXXXX", path[64], copy[64], log_text[2][256];
static unsigned n_log;
static void *ctx;
static struct keystore *ks;

static void log_cb(struct log_target *t, unsigned int level, const char *text)
{
	const char *p = strstr(text, "timeline checkpoint");

	if (p && n_log < 2)
		snprintf(log_text[n_log++], sizeof(log_text[0]), "Nov 24 host osmo-smsr[1]: %s", p);
}

static void fill(void)
{
	struct smsr_db *db = smsr_db_open(ctx, path, ks);
	struct eid eid[2] = { { .b = { 0x89, 1 } }, { .b = { 0x89, 2 } } };

	assert_non_null(db);
	for (int i = 0; i < LINES; i++) {
		struct smsr_audit a = { .at = 1800000000 + i, .who = i % 3 ? "1.2.3" : NULL, .procedure = "EnableProfile",
					.operation = "sent", .outcome = "9000", .card = i % 2 ? "enabled" : NULL, .proc_id = i };

		smsr_db_audit(db, &eid[i % 2], &a);
	}
	txn_commit(db->sql);
	smsr_db_close(db);
}

static int verify(const char *file, const char *log)
{
	struct smsr_db *db = smsr_db_open_read(ctx, file, ks);
	FILE *report = fopen("/dev/null", "w"), *f = log ? fmemopen((void *)log, strlen(log), "r") : NULL;
	int rc = db ? smsr_db_audit_verify(db, f, report) : -EIO;

	smsr_db_close(db);
	fclose(report);
	if (f)
		fclose(f);
	return rc;
}

/* A copy of the file, changed; the triggers are no obstacle to who has the file. */
static void tampered(const char *sql)
{
	sqlite3 *h;

	unlink(copy);
	assert_int_equal(sqldb_backup(path, copy), 0);
	assert_int_equal(sqldb_backup(path, copy), -EEXIST);
	assert_int_equal(sqlite3_open(copy, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete;"
		"DROP TRIGGER audit_checkpoint_no_update; DROP TRIGGER audit_checkpoint_no_delete;", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(h);
}

static void as_written(void **state)
{
	char both[600];

	snprintf(both, sizeof(both), "%s\n%s\n", log_text[0], log_text[1]);
	assert_int_equal(n_log, 2);
	assert_int_equal(verify(path, NULL), 0);
	assert_int_equal(verify(path, both), 0);
	tampered("SELECT 1");
	assert_int_equal(verify(copy, both), 0);
}

static void changed(void **state)
{
	static const char *const how[] = {
		"UPDATE audit SET outcome = '6985' WHERE id = 7",
		"UPDATE audit SET card = '' WHERE id = 1201",	/* was NULL */
		"UPDATE audit SET who = NULL, procedure = '1.2.3' || procedure WHERE id = 2",
		"UPDATE audit SET at = at + 1 WHERE id = 2500",
		"UPDATE audit SET eid = (SELECT eid FROM audit WHERE id = 1) WHERE id = 2",
		"UPDATE audit SET mac = NULL WHERE id = 2400",
		"UPDATE audit SET mac = NULL",
		"UPDATE audit SET mac = zeroblob(16) WHERE id = 2498",
		"INSERT INTO audit (at, eid, procedure, operation) VALUES (1, '89030000000000000000000000000000', 'x', 'y')",
		"DELETE FROM audit WHERE id = 1",
		"DELETE FROM audit WHERE id = 2400",
		"DELETE FROM audit WHERE id <= 1000; DELETE FROM audit_checkpoint WHERE id = 1",
		"UPDATE audit_checkpoint SET at = at + 1 WHERE id = 2",
		"DELETE FROM audit WHERE id > 1500",	/* the end of both cards' lines, a checkpoint over it */
	};

	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		tampered(how[i]);
		if (verify(copy, NULL) != -EBADMSG)
			fail_msg("not found: %s", how[i]);
	}
}

static void cut_off(void **state)
{
	tampered("DELETE FROM audit WHERE id > 1000; DELETE FROM audit_checkpoint WHERE id > 1");
	assert_int_equal(verify(copy, NULL), 0);	/* consistent in itself: a restored copy looks like this */
	assert_int_equal(verify(copy, log_text[0]), 0);
	assert_int_equal(verify(copy, log_text[1]), -EBADMSG);
	log_text[0][strlen(log_text[0]) - 2] ^= 1;
	assert_int_equal(verify(path, log_text[0]), -EBADMSG);
}

static void other_key(void **state)
{
	struct keystore *mine = ks;

	ks = keystore_ephemeral(ctx);
	assert_int_equal(verify(path, NULL), -ENOENT);
	ks = mine;
}

static int setup(void **state)
{
	struct log_target *t;

	ctx = talloc_named_const(NULL, 0, "audit_test");
	osmo_init_logging2(ctx, &rsp_log_info);
	log_target_destroy(osmo_stderr_target);
	t = log_target_create();
	t->output = log_cb;
	log_set_all_filter(t, 1);
	log_set_print_timestamp(t, 0);
	log_set_use_color(t, 0);
	log_add_target(t);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/smsr.db", dir);
	snprintf(copy, sizeof(copy), "%s/copy.db", dir);
	ks = keystore_ephemeral(ctx);
	fill();
	return 0;
}

static int teardown(void **state)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	assert_int_equal(system(cmd), 0);
	log_fini();
	talloc_free(ctx);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_written),
		cmocka_unit_test(changed),
		cmocka_unit_test(other_key),
		cmocka_unit_test(cut_off),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
