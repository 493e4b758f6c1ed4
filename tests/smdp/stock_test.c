/* stock.c: what goes in comes out personalised as an independent tool does it (TS.48 golden package), lies sealed,
 * and moves through its states. stock_import.c: the file's form.
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
#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/sqldb.h>

#include "hlr.h"
#include "stock.h"
#include "smdp_test.h"

const char es_link_schema[] = "SELECT 1;", es_link_schema_2[] = "SELECT 1;";	/* the link has no part in this */

#define OWNER "1.3.6.1.4.1.49999.11"
#define EID "89001012012341234012345678901224"

static char dir[64];

static const char *path(const char *name)
{
	static char p[4][128];
	static unsigned i;

	i = (i + 1) % 4;
	snprintf(p[i], sizeof(p[i]), "%s/%s", dir, name);
	return p[i];
}

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/stock_test.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = { "db", "db-wal", "db-shm", "kek", "kek2", "import", "upp", "upp2" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path(names[i]));
	return rmdir(dir);
}

static void write_file(const char *name, const void *data, size_t len, mode_t mode)
{
	FILE *f = fopen(path(name), "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
	chmod(path(name), mode);
}

static bool file_has(const char *name, const void *what, size_t len)
{
	void *ctx = talloc_new(NULL);
	struct bytes *b = smdp_test_file(ctx, path(name));
	bool found = b && memmem(b->data, b->len, what, len);

	talloc_free(ctx);
	return found;
}

static const uint8_t K[16] = {0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
			      0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F};
static const uint8_t OPC[16] = {0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7,
				0xA8, 0xA9, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF};

static void keys(void *ctx, struct stock_new *n, const char *k, const char *opc)
{
	struct upp_cols *c = upp_cols_new(ctx);
	struct upp_row_err err;

	assert_int_equal(upp_cols_fixed(c, "k", k, &err), 0);
	if (opc)
		assert_int_equal(upp_cols_fixed(c, "opc", opc, &err), 0);
	n->cols = c;
	n->perso = upp_row_pool(c, 0, &err);
	assert_non_null(n->perso);
}

static void test_golden(void **state)
{
	void *ctx = talloc_new(NULL);
	struct bytes *tmpl = smdp_test_data(ctx, "data/ts48/v7/TS48v7_SAIP2.3_NoBERTLV.der"), *b;
	struct bytes *golden = smdp_test_data(ctx, "data/ts48/derived/golden1_v7_NoBERTLV.der");
	struct stock_new n = {.iccid = "89880112345678901235",
			      .imsi = "901700000012345",
			      .owner = OWNER,
			      .type = "demo"};
	struct smdp_db *db;
	struct stock *s;
	struct stock_row r;
	char iccid[ICCID_STR_SIZE];
	const char *err;

	if (!tmpl || !golden) {
		printf("SKIPPED: no TS.48 packages (RSP_SHARED)\n");
		talloc_free(ctx);
		skip();
	}
	keys(ctx, &n, bytes_hex(ctx, K, 16), bytes_hex(ctx, OPC, 16));
	n.upp = tmpl->data;
	n.upp_len = tmpl->len;
	db = smdp_db_open(ctx, path("db"));
	assert_int_equal(keystore_create_file(path("kek")), 0);
	s = stock_new(ctx, db, keystore_open(ctx, path("kek")));
	assert_false(stock_uses_keystore(db));
	assert_int_equal(stock_add(s, &n, iccid, &err), 0);
	assert_int_equal(stock_add(s, &n, iccid, &err), -EEXIST);
	assert_true(stock_uses_keystore(db));
	b = stock_package(s, ctx, iccid, &err);
	assert_non_null(b);
	assert_true(bytes_eq(golden, b->data, b->len));
	n.iccid = NULL;		/* as it is, under its own ICCID */
	n.imsi = NULL;
	n.perso = NULL;
	n.cols = NULL;
	assert_int_equal(stock_add(s, &n, iccid, &err), 0);
	b = stock_package(s, ctx, iccid, &err);
	assert_true(bytes_eq(tmpl, b->data, b->len));
	assert_int_equal(stock_get(s, iccid, &r), 0);
	assert_string_equal(r.iccid, iccid);
	txn_commit(smdp_db_sql(db));
	smdp_db_close(db);

	/* neither keys nor package in clear, and not to be opened with another KEK */
	assert_false(file_has("db", K, 16));
	assert_false(file_has("db", OPC, 16));
	assert_false(file_has("db", tmpl->data + 100, 64));
	assert_int_equal(keystore_create_file(path("kek2")), 0);
	db = smdp_db_open(ctx, path("db"));
	s = stock_new(ctx, db, keystore_open(ctx, path("kek2")));
	assert_null(stock_package(s, ctx, "89880112345678901235", &err));
	assert_non_null(strstr(err, "unsealed"));
	smdp_db_close(db);
	talloc_free(ctx);
}

/* The database as it was before there were types, batches and one text of secrets: first two steps of its schema. */
static const char *const old_schema[] = {
	"CREATE TABLE upp (id INTEGER PRIMARY KEY, sha TEXT NOT NULL UNIQUE, sealed BLOB NOT NULL);"
	"CREATE TABLE stock (iccid TEXT PRIMARY KEY NOT NULL, owner TEXT NOT NULL, type TEXT NOT NULL, imsi TEXT NOT "
	"NULL,"
	" msisdn TEXT NOT NULL, smsc TEXT NOT NULL, state INTEGER NOT NULL, eid TEXT NOT NULL, perso_iccid INTEGER NOT "
	"NULL,"
	" perso_imsi INTEGER NOT NULL, perso_msisdn INTEGER NOT NULL, upp INTEGER NOT NULL REFERENCES upp(id),"
	" k BLOB, opc BLOB) WITHOUT ROWID;"
	"CREATE INDEX stock_type ON stock(owner, type, state, iccid);"
	"CREATE TABLE download (id INTEGER PRIMARY KEY AUTOINCREMENT, req INTEGER NOT NULL, eid TEXT NOT NULL,"
	" smsr TEXT NOT NULL, mno TEXT NOT NULL, iccid TEXT NOT NULL, type TEXT NOT NULL, fcid TEXT NOT NULL,"
	" enable INTEGER NOT NULL, by_type INTEGER NOT NULL, step INTEGER NOT NULL, seq INTEGER NOT NULL,"
	" deadline INTEGER NOT NULL, started INTEGER NOT NULL, finished INTEGER NOT NULL, isdp BLOB,"
	" status INTEGER NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,"
	" answered INTEGER NOT NULL);"
	"CREATE TABLE timeline (download INTEGER NOT NULL REFERENCES download(id) ON DELETE CASCADE, at INTEGER NOT "
	"NULL,"
	" text TEXT NOT NULL);"
	"CREATE TABLE relay (req INTEGER PRIMARY KEY);",
	"SELECT 1;",
};

/* A profile of such a database makes the same package, and its keys are known. */
static void test_upgrade(void **state)
{
	static const char *const sql[] = {
		"INSERT INTO upp (id, sha, sealed) VALUES (1, ?, ?)",
		"INSERT INTO stock VALUES ('89880112345678901235', '" OWNER
		"', 'demo', '901700000012345', '', '', 0, '', 1, 1,"
		" 0, 1, ?, ?)",
	};
	void *ctx = talloc_new(NULL);
	struct bytes *tmpl = smdp_test_data(ctx, "data/ts48/v7/TS48v7_SAIP2.3_NoBERTLV.der"), *b;
	struct bytes *golden = smdp_test_data(ctx, "data/ts48/derived/golden1_v7_NoBERTLV.der");
	struct keystore *ks = keystore_ephemeral(ctx);
	struct sqldb_stmts *st;
	struct stock_auth a;
	struct smdp_db *db;
	struct sqldb *old;
	struct stock *s;
	const char *err;
	char *aad;

	if (!tmpl || !golden) {
		printf("SKIPPED: no TS.48 packages (RSP_SHARED)\n");
		talloc_free(ctx);
		skip();
	}
	assert_int_equal(sqldb_open(&old, ctx, path("db"), old_schema, 2), 0);
	st = sqldb_prepare(old, sql, 2);
	aad = talloc_strdup(ctx, "stock upp ABC");
	b = keystore_seal(ks, ctx, aad, tmpl->data, tmpl->len);
	sqldb_bind_text(st, 0, 1, "ABC");
	sqldb_bind_blob(st, 0, 2, b->data, b->len);
	assert_int_equal(sqldb_exec(st, 0), 0);
	b = keystore_seal(ks, ctx, "stock k 89880112345678901235", K, 16);
	sqldb_bind_blob(st, 1, 1, b->data, b->len);
	b = keystore_seal(ks, ctx, "stock opc 89880112345678901235", OPC, 16);
	sqldb_bind_blob(st, 1, 2, b->data, b->len);
	assert_int_equal(sqldb_exec(st, 1), 0);
	txn_commit(old);
	sqldb_close(old);

	db = smdp_db_open(ctx, path("db"));
	assert_non_null(db);
	s = stock_new(ctx, db, ks);
	b = stock_package(s, ctx, "89880112345678901235", &err);
	assert_non_null(b);
	assert_true(bytes_eq(golden, b->data, b->len));
	assert_int_equal(stock_auth_get(s, "89880112345678901235", &a), 0);
	assert_int_equal(a.algo, UPP_ALGO_MILENAGE);
	assert_memory_equal(a.k, K, 16);
	assert_memory_equal(a.opc, OPC, 16);
	smdp_db_close(db);
	talloc_free(ctx);
}

/* A header and an end, enough for an unpersonalised profile (card-side.md 7.4) */
static const char TINY[] = "A01F80010281010382074578616D706C65830A89019990001234567893A500A600AA07A0058000810102";

static void test_states(void **state)
{
	void *ctx = talloc_new(NULL);
	struct bytes *tiny = bytes_from_hex(ctx, TINY);
	struct stock_new n = {
		.upp = tiny->data, .upp_len = tiny->len, .owner = OWNER, .type = "demo", .msisdn = "491701"};
	struct smdp_db *db = smdp_db_open(ctx, ":memory:");
	struct stock *s = stock_new(ctx, db, keystore_ephemeral(ctx));
	char iccid[ICCID_STR_SIZE], pick[ICCID_STR_SIZE] = "";
	const char *err;

	assert_int_equal(stock_choose(s, OWNER, EID, "demo", pick), -ESRCH);
	assert_int_equal(stock_add(s, &n, iccid, &err), 0);
	assert_string_equal(iccid, "89019990001234567893");
	assert_int_equal(stock_choose(s, OWNER, EID, "demo", pick), 0);
	assert_string_equal(pick, iccid);
	assert_int_equal(stock_choose(s, OWNER "1", EID, "", pick), -EACCES);
	strcpy(pick, "89019990001234567894");
	assert_int_equal(stock_choose(s, OWNER, EID, "", pick), -ENOENT);

	stock_set(s, iccid, STOCK_RESERVED, EID);
	pick[0] = '\0';
	assert_int_equal(stock_choose(s, OWNER, EID, "demo", pick), -ENODATA);
	assert_int_equal(stock_choose(s, OWNER, EID, "", iccid), -EBUSY);
	stock_set(s, iccid, STOCK_STUCK, EID);
	assert_int_equal(stock_choose(s, OWNER, EID, "", iccid), 0);		/* this card may have it again */
	assert_int_equal(stock_choose(s, OWNER, "89001012012341234012345678901321", "", iccid), -EBUSY);
	stock_set(s, iccid, STOCK_DOWNLOADED, EID);
	assert_int_equal(stock_choose(s, OWNER, EID, "", iccid), -EBUSY);

	n.iccid = "8901";
	assert_int_equal(stock_add(s, &n, iccid, &err), -EINVAL);
	n.iccid = "89019990001234567895";
	keys(ctx, &n, "00112233445566778899AABBCCDDEEFF", NULL);	/* no akaParameter in it */
	assert_int_equal(stock_add(s, &n, iccid, &err), -EINVAL);
	n.perso = NULL;
	n.cols = NULL;
	n.owner = "operator";
	assert_int_equal(stock_add(s, &n, iccid, &err), -EINVAL);
	n.owner = OWNER;
	n.upp_len = 7;
	assert_int_equal(stock_add(s, &n, iccid, &err), -EINVAL);
	smdp_db_close(db);
	talloc_free(ctx);
}

/* A subscriber that is given up while the profile comes back: that it is to be removed is another wish. */
static void test_hlr_wish(void **state)
{
	void *ctx = talloc_new(NULL);
	struct smdp_db *db = smdp_db_open(ctx, ":memory:");
	struct hlr_row r, now;

	assert_int_equal(smdp_db_hlr_put(db, "89019990001234567893", true, 1), 0);
	assert_int_equal(smdp_db_hlr_next(db, &r), 0);
	r.dead = true;
	r.tries = 10;
	assert_int_equal(smdp_db_hlr_save(db, &r), 0);
	assert_int_equal(smdp_db_hlr_get(db, r.iccid, &now), 0);
	assert_true(now.dead && now.tries == 10);
	assert_int_equal(smdp_db_hlr_put(db, r.iccid, false, 2), 0);
	assert_int_equal(smdp_db_hlr_save(db, &r), 0);
	assert_int_equal(smdp_db_hlr_get(db, r.iccid, &now), 0);
	assert_true(!now.present && !now.dead && now.tries == 0 && now.next == 2);
	smdp_db_close(db);
	talloc_free(ctx);
}

/* The queue is full: a second subscriber is not told of, but the first may still come back. */
static void test_hlr_full(void **state)
{
	void *ctx = talloc_new(NULL);
	struct smdp_db *db = smdp_db_open(ctx, ":memory:");
	struct stock_row a = { .iccid = "89019990001234567893", .imsi = "001010000000001", .state = STOCK_RESERVED };
	struct stock_row b = { .iccid = "89019990001234567895", .imsi = "001010000000002", .state = STOCK_RESERVED };
	struct hlr_cfg cfg;
	struct hlr_row r;
	struct hlr *h;

	hlr_cfg_default(&cfg);
	cfg.ip = "127.0.0.1";
	cfg.queue_max = 1;
	h = hlr_new(ctx, &cfg, db, NULL);
	hlr_event(h, &a, STOCK_AVAILABLE);
	hlr_event(h, &b, STOCK_AVAILABLE);
	assert_true(hlr_pending(h, a.iccid));
	assert_false(hlr_pending(h, b.iccid));
	a.state = STOCK_AVAILABLE;
	hlr_event(h, &a, STOCK_RESERVED);
	assert_int_equal(smdp_db_hlr_get(db, a.iccid, &r), 0);
	assert_false(r.present);
	assert_int_equal(smdp_db_hlr_count(db, false), 1);
	talloc_free(h);
	smdp_db_close(db);
	talloc_free(ctx);
}

static int import(struct stock *s, const char *text, mode_t mode)
{
	write_file("import", text, strlen(text), mode);
	return stock_import(s, path("import"));
}

static void test_import(void **state)
{
	void *ctx = talloc_new(NULL);
	struct bytes *tiny = bytes_from_hex(ctx, TINY);
	struct smdp_db *db = smdp_db_open(ctx, ":memory:");
	struct stock *s = stock_new(ctx, db, keystore_ephemeral(ctx));
	struct stock_row r;
	char *line, *other;

	write_file("upp", tiny->data, tiny->len, 0600);
	other = talloc_strdup(ctx, TINY);
	memcpy(strstr(other, "89019990001234567893"), "89019990001234567901", 20);
	tiny = bytes_from_hex(ctx, other);
	write_file("upp2", tiny->data, tiny->len, 0600);
	line = talloc_asprintf(ctx,
			       "{\"upp_file\":\"%s\", \"msisdn\":\"4917\", \"owner\":\"" OWNER
			       "\", \"type\":\"demo\"}\n\n"
			       "{\"upp_file\":\"%s\", \"iccid\":\"89019990001234567901\", \"owner\":\"" OWNER "\"}\n",
			       path("upp"), path("upp2"));
	assert_int_equal(import(s, line, 0644), -EACCES);
	assert_int_equal(smdp_db_stock_count(db), 0);
	assert_int_equal(import(s, line, 0600), 2);
	assert_int_equal(stock_get(s, "89019990001234567893", &r), 0);
	assert_string_equal(r.msisdn, "4917");
	assert_string_equal(r.type, "demo");
	assert_int_equal(stock_get(s, "89019990001234567901", &r), 0);
	assert_false(r.perso_iccid);	/* it is the header's */
	assert_true(import(s, "{\"upp_file\":\"/nonexistent\", \"owner\":\"1.2.3\"}", 0600) < 0);
	assert_true(import(s, "{\"upp_file\":1}", 0600) < 0);
	assert_true(import(s, "not JSON", 0600) < 0);
	assert_true(import(s, "[]", 0600) < 0);
	assert_true(import(s,
			   talloc_asprintf(ctx,
					   "{\"upp_file\":\"%s\",\"owner\":\"1.2.3\",\"iccid\":"
					   "\"89019990001234567902\",\"k\":\"0011\"}",
					   path("upp")),
			   0600) < 0);
	assert_true(
		import(s, talloc_asprintf(ctx, "{\"upp_file\":\"%s\",\"owner\":\"1.2.3\",\"icid\":\"1\"}", path("upp")),
		       0600) < 0);
	assert_true(stock_import(s, path("no such file")) < 0);
	assert_int_equal(smdp_db_stock_count(db), 2);
	smdp_db_close(db);
	talloc_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_golden, setup, teardown),
		cmocka_unit_test_setup_teardown(test_upgrade, setup, teardown),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_hlr_wish),
		cmocka_unit_test(test_hlr_full),
		cmocka_unit_test_setup_teardown(test_import, setup, teardown),
	};
	void *log_ctx = talloc_named_const(NULL, 0, "logging");
	int rc;

	osmo_init_logging2(log_ctx, &rsp_log_info);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	log_fini();
	talloc_free(log_ctx);
	return rc;
}
