/* The world of the stock's tests: a database in a directory of its own, two types, files of subscribers.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

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

static char *many(unsigned n, unsigned bad)
{
	char *t = talloc_strdup(w.ctx, "iccid,msisdn\n");

	for (unsigned i = 0; i < n; i++)
		t = talloc_asprintf_append(t, "%s,%s\n", iccid(1000 + i), i == bad ? "x" : "491700");
	return t;
}
