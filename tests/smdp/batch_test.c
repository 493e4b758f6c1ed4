/* stock_type.c, stock_batch.c: a batch comes wholly or not at all, goes on after a crash, and what is wrong
 * with it is said by line, column and reason. The package of a row is the one that an independent tool makes (TS.48
 * golden package).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "config.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <talloc.h>
#include <cmocka.h>

#include <osmocom/core/application.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/profile/upp_text.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/sqldb.h>

#include "smdp_test.h"
#include "stock_batch.h"

const char es_link_schema[] = "SELECT 1;", es_link_schema_2[] = "SELECT 1;";	/* the link has no part in this */

#define OWNER "1.3.6.1.4.1.49999.11"
#define EID "89001012012341234012345678901224"
#define KEYS "101112131415161718191a1b1c1d1e1f,A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"
/* The least that has an EF.ICCID, and no place for keys. */
static const char TINY[] = "header\n\tversion 2.3\n\ttype tiny\n\ticcid 8949000000000000000\n\tpol 00\n"
			   "\tservices usim\n\ttemplates 1\n"
			   "\tconnectivity A00F0607919421436587F98101008201F6\n"
			   "mf id=1 mandated template=1\n\tmf arr=2F0605 pins=010A\n\tef-iccid arr=2F0604\n"
			   "end id=2 mandated\n";

static struct bytes *tiny(void *ctx)
{
	struct upp_text_err err;
	struct bytes *b = upp_text_build(ctx, TINY, &err);

	if (!b)
		fail_msg("line %u: %s", err.line, err.msg);
	return b;
}

static struct {
	void *ctx;
	char dir[64], csv[100];
	struct smdp_db *db;
	struct keystore *ks;
	struct stock *s;
	struct stock_batches *b;
	bool keyed;		/* type "usim" is there */
} w;

static void open_stock(void)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/db", w.dir);
	w.db = smdp_db_open(w.ctx, path);
	assert_non_null(w.db);
	w.s = stock_new(w.ctx, w.db, w.ks);
	w.b = stock_batches_new(w.ctx, w.s, w.db);
}

static void close_stock(void)
{
	TALLOC_FREE(w.b);
	TALLOC_FREE(w.s);
	smdp_db_close(w.db);
}

static int setup(void **state)
{
	struct stock_type_new n = { .owner = OWNER, .name = "tiny", .pol1 = -1, .unchecked = true };
	struct bytes *upp;
	const char *err;

	memset(&w, 0, sizeof(w));
	w.ctx = talloc_new(NULL);
	strcpy(w.dir, "/tmp/batch_test.XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	snprintf(w.csv, sizeof(w.csv), "%s/csv", w.dir);
	w.ks = keystore_ephemeral(w.ctx);
	open_stock();
	upp = tiny(w.ctx);
	n.upp = upp->data;
	n.upp_len = upp->len;
	assert_int_equal(stock_type_add(w.s, &n, &err), 1);
	upp = smdp_test_data(w.ctx, "data/ts48/v7/TS48v7_SAIP2.3_NoBERTLV.der");
	if (upp) {
		n = (struct stock_type_new){ .owner = OWNER, .name = "usim", .plmn = "90170", .pol1 = -1,
					     .upp = upp->data, .upp_len = upp->len };
		assert_int_equal(stock_type_add(w.s, &n, &err), 1);
		w.keyed = true;
	}
	txn_commit(smdp_db_sql(w.db));
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "db", "db-wal", "db-shm", "csv" };
	char path[100];

	close_stock();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", w.dir, names[i]);
		unlink(path);
	}
	rmdir(w.dir);
	talloc_free(w.ctx);
	return 0;
}

static void write_csv(const char *text)
{
	FILE *f = fopen(w.csv, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(w.csv, 0600);
}

/* The whole import. Its end, and what it says. */
static struct batch_row run(const char *type, const char *text)
{
	struct batch_row row;
	const char *err = NULL;
	int64_t id;

	write_csv(text);
	id = stock_batches_import(w.b, OWNER, type, 0, w.csv, &err);
	if (id < 0)
		fail_msg("%s", err);
	while (stock_batches_step(w.b))
		txn_commit(smdp_db_sql(w.db));
	assert_int_equal(smdp_db_batch_get(w.db, id, &row), 0);
	assert_true(row.finished);
	return row;
}

static void refused(const char *type, const char *text, const char *message)
{
	int64_t before = smdp_db_stock_count(w.db);
	struct batch_row b = run(type, text);

	assert_int_equal(b.state, BATCH_REFUSED);
	assert_string_equal(b.message, message);
	assert_int_equal(smdp_db_stock_count(w.db), before);
}

static const char *iccid(unsigned n)
{
	static char s[4][ICCID_STR_SIZE];
	static unsigned i;

	i = (i + 1) % 4;
	snprintf(s[i], ICCID_STR_SIZE, "8901999000%08u", n);
	snprintf(s[i] + 18, 2, "%d", iccid_luhn(s[i]));
	return s[i];
}

static void test_types(void **state)
{
	struct stock_type_new n = { .owner = OWNER, .name = "tiny", .pol1 = -1, .unchecked = true };
	struct bytes *upp = tiny(w.ctx);
	struct stock_type t;
	const char *err;

	n.upp = upp->data;
	n.upp_len = upp->len;
	assert_int_equal(stock_type_add(w.s, &n, &err), 2);	/* the next version */
	assert_int_equal(smdp_db_type_find(w.db, OWNER, "tiny", 0, &t), 0);
	assert_int_equal(t.version, 2);
	assert_false(t.keys);
	assert_int_equal(smdp_db_type_find(w.db, OWNER, "tiny", 1, &t), 0);
	assert_int_equal(smdp_db_type_find(w.db, OWNER, "tiny", 3, &t), -ENOENT);
	assert_int_equal(smdp_db_type_find(w.db, OWNER "1", "tiny", 0, &t), -ENOENT);
	n.unchecked = false;	/* it has not what a profile must have */
	assert_int_equal(stock_type_add(w.s, &n, &err), -EINVAL);
	n.unchecked = true;
	n.upp_len = 7;
	assert_int_equal(stock_type_add(w.s, &n, &err), -EINVAL);
	n.upp_len = upp->len;
	n.name = "two words";
	assert_int_equal(stock_type_add(w.s, &n, &err), -EINVAL);
	n.name = "pol";
	n.plmn = "9017x";
	assert_int_equal(stock_type_add(w.s, &n, &err), -EINVAL);
	n.plmn = NULL;
	n.owner = "me";
	assert_int_equal(stock_type_add(w.s, &n, &err), -EINVAL);
	if (w.keyed) {
		assert_int_equal(smdp_db_type_find(w.db, OWNER, "usim", 0, &t), 0);
		assert_true(t.keys);
	}
}

static struct bytes *typed(const char *name, struct bytes *upp, int pol1, const struct bytes *connectivity)
{
	const struct stock_type_new n = { .owner = OWNER, .name = name, .pol1 = pol1, .connectivity = connectivity,
					  .upp = upp->data, .upp_len = upp->len, .unchecked = true };
	struct stock_type t;
	const char *err;

	if (stock_type_add(w.s, &n, &err) != 1)
		fail_msg("%s", err);
	assert_int_equal(smdp_db_type_find(w.db, OWNER, name, 0, &t), 0);
	return stock_type_package(w.s, w.ctx, &t, &err);
}

/* POL1 and connectivity parameters of the type end in the header, in place of those it had or at their place (SAIP 8.2:
 * tags 84 and 87 of A0). */
static void test_type_header(void **state)
{
	struct bytes *conn = bytes_from_hex(w.ctx, "A1093507020000030000FF"), *out = typed("pol", tiny(w.ctx), 2, conn);
	struct upp_header h;
	const char *err;

	assert_non_null(out);
	assert_non_null(memmem(out->data, out->len, conn->data, conn->len));
	assert_null(memmem(out->data, out->len, "\xA0\x0F\x06\x07", 4));
	assert_non_null(memmem(out->data, out->len, "\x84\x01\x02", 3));
	assert_int_equal(upp_header_dec(&h, &err, out->data, out->len), 0);

	/* a header with neither: version, type, ICCID, services A5, templates A6 (card-side.md 7.4) */
	out = typed("none", bytes_from_hex(w.ctx, "A01F80010281010382074578616D706C65830A89019990001234567893A500A600AA07A005"
						  "8000810102"), 3, conn);
	assert_int_equal(out->data[1], 0x1F + 3 + 2 + conn->len);
	assert_non_null(memmem(out->data, out->len, "\x93\x84\x01\x03\xA5\x00\xA6\x00\x87\x0B", 10));
	assert_int_equal(upp_header_dec(&h, &err, out->data, out->len), 0);
}

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
	refused("tiny", "iccid,ki\n", "line 1, column 2 (ki): no such column; names that begin with - are passed over\n");
	refused("tiny", "iccid,imsi,iccid\n", "line 1, column 3 (iccid): the same column twice\n");
	refused("tiny", "iccid\n8901\n", "line 2, column 1 (iccid): not 19 or 20 digits\n");
	refused("tiny", "iccid\n8901999000000000013\n\n8901999000000000010\n",
		"line 2, column 1 (iccid): wrong check digit\n"
		"line 4, column 1 (iccid): wrong check digit\n");
	refused("tiny", talloc_asprintf(w.ctx, "iccid,imsi\n%s\n%s,1,2\n%s,12345678901234567\n,123456\n", iccid(1), iccid(2),
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
	t = talloc_asprintf_append(t, "%s,001011234567890\n%s,001011234567891\n%s,\n%s,001011234567890\n", iccid(7), iccid(8),
				   iccid(7), iccid(9));
	refused("tiny", t, "line 4, column 1 (iccid): the same ICCID is in line 2\n"
			   "line 5, column 2 (imsi): the same IMSI is in line 2\n");
	assert_int_equal(run("tiny", talloc_asprintf(w.ctx, "iccid,imsi\n%s,001011234567890\n", iccid(7))).state, BATCH_DONE);
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
	refused("usim", talloc_asprintf(w.ctx, "iccid,imsi,k,opc\n%s,262011234567890," KEYS "\n%s,,,\n", iccid(1), iccid(2)),
		"line 2, column 2 (imsi): not in the network of the batch\n"
		"line 3, column 3 (k): each profile of this type has one\n");
	refused("usim", "iccid,pin1\n", "line 1: profiles of this type have keys, and the column k is missing\n");
}

static char *many(unsigned n, unsigned bad)
{
	char *t = talloc_strdup(w.ctx, "iccid,msisdn\n");

	for (unsigned i = 0; i < n; i++)
		t = talloc_asprintf_append(t, "%s,%s\n", iccid(1000 + i), i == bad ? "x" : "491700");
	return t;
}

static void test_all_or_nothing(void **state)
{
	struct batch_row b = run("tiny", many(3000, 2990));

	assert_int_equal(b.state, BATCH_REFUSED);
	assert_string_equal(b.message, "line 2992, column 2 (msisdn): not digits, or a wrong number of them\n");
	assert_int_equal(smdp_db_stock_count(w.db), 0);
	/* no more than twenty mistakes are named */
	b = run("tiny", talloc_asprintf(w.ctx, "iccid\n%s", "1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n"));
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

/* Values beyond the numbers come back from under the seal: made at random once, an OPc from OP, OTA keys, files. */
static void test_points(void **state)
{
	struct stock_auth a, again;
	struct batch_row b;
	const char *err;
	struct bytes *one, *two;

	if (!w.keyed) {
		printf("SKIPPED: no TS.48 packages (RSP_SHARED)\n");
		skip();
	}
	b = run("usim", talloc_asprintf(w.ctx, "iccid,imsi,k,op,algo,pin1,puk1,spn,usim/x\n"));
	assert_int_equal(b.state, BATCH_REFUSED);
	/* TS 35.208 test set 1: OP and OPc */
	b = run("usim", talloc_asprintf(w.ctx, "iccid,imsi,k,op,algo,pin1,puk1,spn,acc\n%s,901700000000001,"
					       "465b5ce8b199b49faa5f0a2ee238a6bc,cdc202d5123e20f62b6d676ac72cb318,milenage,random,"
					       "random,\"a, b\",\"1,12\"\n", iccid(1)));
	assert_string_equal(b.message, "");
	assert_int_equal(stock_auth_get(w.s, iccid(1), &a), 0);
	assert_int_equal(a.algo, UPP_ALGO_MILENAGE);
	assert_memory_equal(a.opc, bytes_from_hex(w.ctx, "cd63cb71954a9f4e48a5994e37a02baf")->data, 16);
	one = stock_package(w.s, w.ctx, iccid(1), &err);
	two = stock_package(w.s, w.ctx, iccid(1), &err);
	assert_non_null(one);
	assert_true(bytes_eq(one, two->data, two->len));
	assert_non_null(memmem(one->data, one->len, "a, b", 4));
	assert_non_null(memmem(one->data, one->len, a.opc, 16));
	close_stock();
	open_stock();
	two = stock_package(w.s, w.ctx, iccid(1), &err);
	assert_true(bytes_eq(one, two->data, two->len));
	assert_int_equal(stock_auth_get(w.s, iccid(1), &again), 0);
	assert_memory_equal(&a, &again, sizeof(a));
}

/* The list first, the keys another day: un-personalised cannot be ordered. A batch of keys that is refused leaves it so. */
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
	b = run("usim", talloc_asprintf(w.ctx, "iccid,imsi\n%s,901700000000001\n%s,901700000000002\n", iccid(1), iccid(2)));
	assert_int_equal(b.state, BATCH_DONE);
	assert_int_equal(stock_get(w.s, iccid(1), &r), 0);
	assert_int_equal(r.state, STOCK_UNPERSONALISED);
	assert_int_equal(stock_choose(w.s, OWNER, EID, "usim", pick), -ENODATA);
	strcpy(pick, iccid(1));
	assert_int_equal(stock_choose(w.s, OWNER, EID, "", pick), -EBUSY);
	refused("usim", talloc_asprintf(w.ctx, "iccid,imsi,k,opc\n%s,901700000000001," KEYS "\n%s,901700000000003," KEYS "\n",
					iccid(1), iccid(2)),
		"line 3, column 1 (iccid): this ICCID is on stock, waiting for its keys, with another IMSI, MSISDN or SMSC\n");
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
	const char *one = talloc_asprintf(w.ctx, "iccid\n%s\n", iccid(1)), *two = talloc_asprintf(w.ctx, "iccid\n%s\n", iccid(2));
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

static void test_low(void **state)
{
	struct stock_cfg cfg = {};
	unsigned long long before = counter_get(CTR_ALARM_STOCK);

	assert_int_equal(stock_low_set(&cfg, OWNER, "tiny", 3), 0);
	stock_configure(w.s, &cfg);
	run("tiny", many(4, 99));
	stock_set(w.s, iccid(1000), STOCK_RESERVED, EID);
	assert_int_equal(counter_get(CTR_ALARM_STOCK), before);		/* three left */
	stock_set(w.s, iccid(1001), STOCK_RESERVED, EID);
	assert_int_equal(counter_get(CTR_ALARM_STOCK), before + 1);
	stock_set(w.s, iccid(1002), STOCK_RESERVED, EID);
	assert_int_equal(counter_get(CTR_ALARM_STOCK), before + 1);	/* one alarm */
	stock_set(w.s, iccid(1002), STOCK_AVAILABLE, "");
	stock_set(w.s, iccid(1001), STOCK_AVAILABLE, "");
	stock_set(w.s, iccid(1001), STOCK_RESERVED, EID);
	assert_int_equal(counter_get(CTR_ALARM_STOCK), before + 2);	/* it had been good again */
	assert_int_equal(stock_low_set(&cfg, OWNER, "tiny", 0), 0);
	assert_int_equal(cfg.n_low, 0);
	for (unsigned i = 0; i < STOCK_LOW_MAX; i++)
		assert_int_equal(stock_low_set(&cfg, OWNER, iccid(i), 1), 0);
	assert_int_equal(stock_low_set(&cfg, OWNER, "tiny", 1), -ENOSPC);
}

static void test_export(void **state)
{
	char path[100];
	struct bytes *b;

	if (!w.keyed) {
		printf("SKIPPED: no TS.48 packages (RSP_SHARED)\n");
		skip();
	}
	run("usim", talloc_asprintf(w.ctx, "iccid,imsi,msisdn,k,opc\n%s,901700000000001,491701," KEYS "\n", iccid(1)));
	snprintf(path, sizeof(path), "%s/csv", w.dir);
	assert_int_equal(stock_export(w.s, OWNER, path), -EEXIST);	/* no file is overwritten */
	unlink(path);
	assert_int_equal(stock_export(w.s, OWNER, path), 1);
	b = smdp_test_file(w.ctx, path);
	bytes_put_u8(b, 0);
	assert_string_equal((char *)b->data,
			    talloc_asprintf(w.ctx, "iccid,imsi,msisdn,state,algorithm,k,opc\n"
						   "%s,901700000000001,491701,personalised,milenage,"
						   "101112131415161718191a1b1c1d1e1f,a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\n",
					    iccid(1)));
	unlink(path);
	assert_int_equal(stock_export(w.s, OWNER "1", path), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_types), T(test_type_header), T(test_good), T(test_bad_rows), T(test_plmn), T(test_all_or_nothing),
		T(test_resume), T(test_file_changes), T(test_points), T(test_keys_later), T(test_text), T(test_low), T(test_export),
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
