/* stock_type.c, stock_batch.c: a batch comes wholly or not at all, goes on after a crash, and what is wrong
 * with it is said by line, column and reason. The package of a row is the one that an independent tool makes (TS.48
 * golden package).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "config.h"
#include "stock_world.h"

static void test_good(void **state)
{
	struct bytes *golden = smdp_test_data(w.ctx, "data/ts48/derived/golden1_v7_NoBERTLV.der"), *p;
	struct batch_row b;
	struct stock_row r;
	const char *err;

	/* any order, CR LF, quotes, an empty line, no line end at the end */
	b = run("tiny", talloc_asprintf(w.ctx, "msisdn;iccid;-note\r\n\"4917\";%s;x\r\n\r\n;%s;", iccid(1), iccid(2)));
	assert_int_equal(b.state, BATCH_DONE);
	assert_int_equal(b.rows, 2);
	assert_int_equal(stock_get(w.s, iccid(1), &r), 0);
	assert_string_equal(r.msisdn, "4917");
	assert_int_equal(r.state, STOCK_AVAILABLE);
	assert_int_equal(r.batch, b.id);
	assert_int_equal(r.line, 2);
	assert_int_equal(stock_get(w.s, iccid(2), &r), 0);
	assert_int_equal(r.line, 4);
	if (!golden || !w.keyed) {
		printf("SKIPPED: no TS.48 packages (RSP_SHARED)\n");
		skip();
	}
	b = run("usim", "iccid,imsi,k,opc\n89880112345678901235,901700000012345," KEYS "\n");
	assert_string_equal(b.message, "");
	p = stock_package(w.s, w.ctx, "89880112345678901235", &err);
	assert_non_null(p);
	assert_true(bytes_eq(golden, p->data, p->len));
}

static void test_bad_rows(void **state)
{
	char *t = talloc_strdup(w.ctx, "iccid,imsi\n");

	refused("tiny", "", "line 0: the file is empty, or its first line too long\n");
	refused("tiny", "imsi\n123456\n", "line 1: the first line names the columns, and iccid must be one\n");
	refused("tiny", "iccid,ki\n",
		"line 1, column 2 (ki): no such column; names that begin with - are passed over\n");
	refused("tiny", "iccid,imsi,iccid\n", "line 1, column 3 (iccid): the same column twice\n");
	refused("tiny", "iccid\n8901\n", "line 2, column 1 (iccid): not 19 or 20 digits\n");
	refused("tiny", "iccid\n8901999000000000013\n\n8901999000000000010\n",
		"line 2, column 1 (iccid): wrong check digit\n"
		"line 4, column 1 (iccid): wrong check digit\n");
	refused("tiny",
		talloc_asprintf(w.ctx, "iccid,imsi\n%s\n%s,1,2\n%s,12345678901234567\n,123456\n", iccid(1), iccid(2),
				iccid(3)),
		"line 2: fewer cells than columns\n"
		"line 3: more cells than columns\n"
		"line 4, column 2 (imsi): not digits, or a wrong number of them\n"
		"line 5, column 1 (iccid): not 19 or 20 digits\n");
	/* the value is not in the message: it may be a key */
	refused("tiny", talloc_asprintf(w.ctx, "iccid,k\n%s,00112233445566778899aabbccddeefg\n", iccid(1)),
		"line 2, column 2 (k): not hex, or of a wrong length\n");
	refused("tiny", talloc_asprintf(w.ctx, "iccid,k\n%s,00112233445566778899aabbccddeeff\n", iccid(1)),
		"line 2, column 2 (k): k: no akaParameter\n");
	/* a line that is too long, and the next one is read all the same */
	refused("tiny", talloc_asprintf(w.ctx, "iccid\n%020000d\n1\n", 7),
		"line 2: the line is too long, or not text\n"
		"line 3, column 1 (iccid): not 19 or 20 digits\n");
	/* duplicates by line number; the other is of this file, or of the stock */
	t = talloc_asprintf_append(t, "%s,001011234567890\n%s,001011234567891\n%s,\n%s,001011234567890\n", iccid(7),
				   iccid(8), iccid(7), iccid(9));
	refused("tiny", t, "line 4, column 1 (iccid): the same ICCID is in line 2\n"
			   "line 5, column 2 (imsi): the same IMSI is in line 2\n");
	assert_int_equal(run("tiny", talloc_asprintf(w.ctx, "iccid,imsi\n%s,001011234567890\n", iccid(7))).state,
			 BATCH_DONE);
	refused("tiny", talloc_asprintf(w.ctx, "iccid\n%s\n%s\n", iccid(8), iccid(7)),
		"line 3, column 1 (iccid): this ICCID is on stock already\n");
	refused("tiny", talloc_asprintf(w.ctx, "iccid,imsi\n%s,001011234567890\n", iccid(8)),
		talloc_asprintf(w.ctx, "line 2, column 2 (imsi): ICCID %s on stock has the same IMSI\n", iccid(7)));
}

static void test_plmn(void **state)
{
	if (!w.keyed) {
		printf("SKIPPED: no TS.48 packages (RSP_SHARED)\n");
		skip();
	}
	refused("usim",
		talloc_asprintf(w.ctx, "iccid,imsi,k,opc\n%s,262011234567890," KEYS "\n%s,,,\n", iccid(1), iccid(2)),
		"line 2, column 2 (imsi): not in the network of the batch\n"
		"line 3, column 3 (k): each profile of this type has one\n");
	refused("usim", "iccid,pin1\n", "line 1: profiles of this type have keys, and the column k is missing\n");
}

static void test_all_or_nothing(void **state)
{
	struct batch_row b = run("tiny", many(3000, 2990));

	assert_int_equal(b.state, BATCH_REFUSED);
	assert_string_equal(b.message, "line 2992, column 2 (msisdn): not digits, or a wrong number of them\n");
	assert_int_equal(smdp_db_stock_count(w.db), 0);
	/* no more than twenty mistakes are named */
	b = run("tiny", talloc_asprintf(w.ctx, "iccid\n%s",
					"1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n"));
	assert_int_equal(b.bad, 20);
	assert_non_null(strstr(b.message, "line 21, column 1 (iccid)"));
	assert_null(strstr(b.message, "line 22"));
	assert_non_null(strstr(b.message, "the rest was not read"));
	b = run("tiny", many(3000, 99999));
	assert_int_equal(b.state, BATCH_DONE);
	assert_int_equal(b.rows, 3000);
	assert_int_equal(smdp_db_stock_left(w.db, OWNER, "tiny", 5000), 3000);
}

/* Nobody sees a staged profile; after a crash at any place the batch goes on, and is the same. */
static void test_resume(void **state)
{
	struct batch_row row;
	struct stock_row r;
	char pick[ICCID_STR_SIZE];
	const char *err;
	int64_t id;

	write_csv(many(40, 99999));
	id = stock_batches_import(w.b, OWNER, "tiny", 0, w.csv, &err);
	assert_true(id > 0);
	for (unsigned i = 0; i < 60; i++) {
		stock_batches_slice(w.b, 0);	/* one row */
		if (!stock_batches_step(w.b))
			break;
		if (i % 3 == 2) {		/* what was not committed is gone */
			close_stock();
			open_stock();
		} else {
			txn_commit(smdp_db_sql(w.db));
		}
		pick[0] = '\0';
		assert_int_equal(smdp_db_batch_get(w.db, id, &row), 0);
		if (row.state == BATCH_READING) {
			assert_int_equal(smdp_db_stock_count(w.db), row.rows);
			assert_int_not_equal(stock_choose(w.s, OWNER, EID, "tiny", pick), 0);
			strcpy(pick, iccid(1000));
			assert_int_equal(stock_choose(w.s, OWNER, EID, "tiny", pick), -ENOENT);
		}
	}
	while (stock_batches_step(w.b))
		txn_commit(smdp_db_sql(w.db));
	assert_int_equal(smdp_db_batch_get(w.db, id, &row), 0);
	assert_int_equal(row.state, BATCH_DONE);
	assert_int_equal(row.rows, 40);
	assert_int_equal(smdp_db_stock_left(w.db, OWNER, "tiny", 100), 40);
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(stock_get(w.s, iccid(1000 + i), &r), 0);
		assert_int_equal(r.line, 2 + i);
	}
}

static void test_file_changes(void **state)
{
	struct batch_row row;
	const char *err;
	int64_t id;

	write_csv(many(10, 99));
	chmod(w.csv, 0640);
	assert_int_equal(stock_batches_import(w.b, OWNER, "tiny", 0, w.csv, &err), -EACCES);
	chmod(w.csv, 0600);
	assert_int_equal(stock_batches_import(w.b, OWNER, "nosuch", 0, w.csv, &err), -ENOENT);
	assert_int_equal(stock_batches_import(w.b, OWNER, "tiny", 0, "csv", &err), -EINVAL);
	assert_int_equal(stock_batches_import(w.b, OWNER, "tiny", 0, w.dir, &err), -ENOENT);
	id = stock_batches_import(w.b, OWNER, "tiny", 0, w.csv, &err);
	stock_batches_slice(w.b, 0);
	for (int i = 0; i < 5; i++)
		assert_true(stock_batches_step(w.b));
	txn_commit(smdp_db_sql(w.db));
	close_stock();
	open_stock();
	assert_int_equal(smdp_db_stock_count(w.db), 5);
	write_csv(many(9, 99));
	while (stock_batches_step(w.b))
		txn_commit(smdp_db_sql(w.db));
	assert_int_equal(smdp_db_batch_get(w.db, id, &row), 0);
	assert_int_equal(row.state, BATCH_REFUSED);
	assert_string_equal(row.message, "the file is gone or has changed\n");
	assert_int_equal(smdp_db_stock_count(w.db), 0);
}

static void test_cancel(void **state)
{
	struct batch_row row;
	const char *err;
	int64_t a, b;

	write_csv(many(40, 99));
	stock_batches_slice(w.b, 0);
	a = stock_batches_import(w.b, OWNER, "tiny", 0, w.csv, &err);
	b = stock_batches_import(w.b, OWNER, "tiny", 0, w.csv, &err);
	for (int i = 0; i < 3; i++)
		stock_batches_step(w.b);
	assert_int_equal(stock_batches_cancel(w.b, a), 0);
	assert_int_equal(stock_batches_cancel(w.b, a), -EBUSY);
	assert_int_equal(stock_batches_cancel(w.b, b), 0);
	assert_int_equal(stock_batches_cancel(w.b, 99), -ENOENT);
	while (stock_batches_step(w.b))
		txn_commit(smdp_db_sql(w.db));
	assert_int_equal(smdp_db_stock_count(w.db), 0);
	assert_int_equal(smdp_db_batch_get(w.db, b, &row), 0);
	assert_int_equal(row.state, BATCH_REFUSED);
	assert_string_equal(row.message, "cancelled\n");
}

/* What was cancelled before its turn takes no room any more. */
static void test_cancel_text(void **state)
{
	size_t len = 5U << 20;
	char *text = talloc_zero_size(w.ctx, len);
	const char *err;
	int64_t id;

	for (int i = 0; i < 2; i++) {
		id = stock_batches_import_text(w.b, OWNER, "tiny", text, len, &err);
		assert_true(id > 0);
		assert_int_equal(stock_batches_import_text(w.b, OWNER, "tiny", text, len, &err), -ENOSPC);
		assert_int_equal(stock_batches_cancel(w.b, id), 0);
		while (stock_batches_step(w.b))
			txn_commit(smdp_db_sql(w.db));
	}
}

/* The list first, the keys another day: un-personalised cannot be ordered. A batch of keys that is refused leaves it
 * so. */
static void test_keys_later(void **state)
{
	char *keys, pick[ICCID_STR_SIZE] = "";
	struct stock_auth x;
	struct stock_row r;
	struct batch_row b;

	if (!w.keyed) {
		printf("SKIPPED: no TS.48 packages (RSP_SHARED)\n");
		skip();
	}
	b = run("usim",
		talloc_asprintf(w.ctx, "iccid,imsi\n%s,901700000000001\n%s,901700000000002\n", iccid(1), iccid(2)));
	assert_int_equal(b.state, BATCH_DONE);
	assert_int_equal(stock_get(w.s, iccid(1), &r), 0);
	assert_int_equal(r.state, STOCK_UNPERSONALISED);
	assert_int_equal(stock_choose(w.s, OWNER, EID, "usim", pick), -ENODATA);
	strcpy(pick, iccid(1));
	assert_int_equal(stock_choose(w.s, OWNER, EID, "", pick), -EBUSY);
	refused("usim",
		talloc_asprintf(w.ctx, "iccid,imsi,k,opc\n%s,901700000000001," KEYS "\n%s,901700000000003," KEYS "\n",
				iccid(1), iccid(2)),
		"line 3, column 1 (iccid): this ICCID is on stock, waiting for its keys, with another IMSI, MSISDN or "
		"SMSC\n");
	assert_int_equal(stock_get(w.s, iccid(1), &r), 0);
	assert_int_equal(r.state, STOCK_UNPERSONALISED);
	assert_int_equal(stock_auth_get(w.s, iccid(1), &x), 0);
	assert_int_equal(x.k_len, 0);
	keys = talloc_asprintf(w.ctx, "iccid,k,opc\n%s," KEYS "\n%s," KEYS "\n", iccid(1), iccid(2));
	b = run("usim", keys);
	assert_string_equal(b.message, "");
	assert_int_equal(stock_get(w.s, iccid(2), &r), 0);
	assert_int_equal(r.state, STOCK_AVAILABLE);
	assert_string_equal(r.imsi, "901700000000002");
	assert_true(r.perso_imsi);
	assert_int_equal(stock_auth_get(w.s, iccid(2), &x), 0);
	assert_true(x.k_len == 16 && x.opc_len == 16 && x.k[0] == 0x10 && x.opc[15] == 0xAF);
	refused("usim", keys, "line 2, column 1 (iccid): this ICCID is on stock already\n"
			      "line 3, column 1 (iccid): this ICCID is on stock already\n");
}

/* From memory, two at a time, and gone after a restart. */
static void test_text(void **state)
{
	const char *one = talloc_asprintf(w.ctx, "iccid\n%s\n", iccid(1)),
		   *two = talloc_asprintf(w.ctx, "iccid\n%s\n", iccid(2));
	struct batch_row row;
	const char *err;
	int64_t a, b;

	a = stock_batches_import_text(w.b, OWNER, "tiny", one, strlen(one), &err);
	b = stock_batches_import_text(w.b, OWNER, "tiny", two, strlen(two), &err);
	assert_true(a > 0 && b > a);
	assert_int_equal(stock_batches_import_text(w.b, OWNER, "tiny", "", 0, &err), -ENOSPC);
	while (stock_batches_step(w.b))
		txn_commit(smdp_db_sql(w.db));
	assert_int_equal(smdp_db_stock_count(w.db), 2);
	two = talloc_asprintf(w.ctx, "iccid\n%s\n", iccid(3));
	b = stock_batches_import_text(w.b, OWNER, "tiny", two, strlen(two), &err);
	txn_commit(smdp_db_sql(w.db));
	close_stock();
	open_stock();
	while (stock_batches_step(w.b))
		txn_commit(smdp_db_sql(w.db));
	assert_int_equal(smdp_db_batch_get(w.db, b, &row), 0);
	assert_int_equal(row.state, BATCH_REFUSED);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_good), T(test_bad_rows), T(test_plmn), T(test_all_or_nothing), T(test_resume),
		T(test_file_changes), T(test_cancel), T(test_cancel_text), T(test_keys_later), T(test_text),
	};
	void *log_ctx = talloc_named_const(NULL, 0, "logging");
	int rc;

	osmo_init_logging2(log_ctx, &rsp_log_info);
	counters_init(log_ctx);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	log_fini();
	talloc_free(log_ctx);
	return rc;
}
