/* Types in versions and their header, what a row may have beyond its numbers, the low-water alarm, the export.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "config.h"
#include "stock_world.h"

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
	out = typed("none",
		    bytes_from_hex(w.ctx, "A01F80010281010382074578616D706C65830A89019990001234567893A500A600AA07A005"
					  "8000810102"),
		    3, conn);
	assert_int_equal(out->data[1], 0x1F + 3 + 2 + conn->len);
	assert_non_null(memmem(out->data, out->len, "\x93\x84\x01\x03\xA5\x00\xA6\x00\x87\x0B", 10));
	assert_int_equal(upp_header_dec(&h, &err, out->data, out->len), 0);
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
	refused("usim", "iccid,k,usim/x\n",
		"line 1, column 3 (usim/x): no such column; names that begin with - are passed over\n");
	/* TS 35.208 test set 1: OP and OPc */
	b = run("usim",
		talloc_asprintf(w.ctx,
				"iccid,imsi,k,op,algo,pin1,puk1,spn,acc\n%s,901700000000001,"
				"465b5ce8b199b49faa5f0a2ee238a6bc,cdc202d5123e20f62b6d676ac72cb318,milenage,random,"
				"random,\"a, b\",\"1,12\"\n",
				iccid(1)));
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
			    talloc_asprintf(w.ctx,
					    "iccid,imsi,msisdn,state,algorithm,k,opc\n"
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
		T(test_types), T(test_type_header), T(test_points), T(test_low), T(test_export),
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
