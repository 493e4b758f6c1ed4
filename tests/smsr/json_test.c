/* What the JSON interface keeps, and the text it writes and reads. The OpenAPI document is judged by tests/e2e/json.sh.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <talloc.h>

#include "../../src/smsr/json_text.h"

#define OP "1.3.6.1.4.1.49999.11"
#define OTHER "1.3.6.1.4.1.49999.12"
#define M2M "1.3.6.1.4.1.49999.13"

static struct { void *root; struct smsr_db *db; struct json_db *j; } g;

static int setup(void **state)
{
	(void)state;
	g.root = talloc_named_const(NULL, 1, "json_test");
	g.db = smsr_db_open(g.root, ":memory:", keystore_ephemeral(g.root));
	g.j = g.db ? json_db_new(g.root, g.db) : NULL;
	return g.j ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	txn_commit(g.db->sql);
	talloc_free(g.j);
	smsr_db_close(g.db);
	talloc_free(g.root);
	return 0;
}

static struct json_op op(const char *party, const char *eid, int64_t created)
{
	struct json_op o = { .func = ES_FN_ENABLE_PROFILE, .created = created, .deadline = created + 60 };

	snprintf(o.party, sizeof(o.party), "%s", party);
	snprintf(o.eid, sizeof(o.eid), "%s", eid);
	snprintf(o.iccid, sizeof(o.iccid), "8949000000000000019");
	return o;
}

static void test_ops(void **state)
{
	const struct json_filter all = { .state = -1 }, running = { .state = 0 }, page = { .state = -1, .after = 3 };
	struct json_op o = op(OP, "A", 100), list[8];
	uint8_t hash[32] = { 1 }, hash2[32] = { 2 };

	(void)state;
	assert_int_equal(json_db_op_add(g.j, &o, "k", hash), 1);
	assert_int_equal(json_db_op_add(g.j, &o, NULL, hash), 2);
	assert_int_equal(json_db_op_add(g.j, &o, NULL, hash), 3);
	o = op(OTHER, "A", 100);
	assert_int_equal(json_db_op_add(g.j, &o, "k", hash2), 4);	/* the same key, another's */
	assert_int_equal(json_db_op_by_key(g.j, OP, "k", hash, &o), 0);
	assert_int_equal(o.id, 1);
	assert_int_equal(json_db_op_by_key(g.j, OP, "k", hash2, &o), -EEXIST);
	assert_int_equal(json_db_op_by_key(g.j, OP, "l", hash, &o), -ENOENT);
	json_db_op_req(g.j, 2, 77);
	assert_int_equal(json_db_op_by_req(g.j, 77, &o), 0);
	assert_int_equal(o.id, 2);
	assert_int_equal(json_db_op_by_req(g.j, 0, &o), -ENOENT);	/* not those without a request */
	assert_int_equal(json_db_op_list(g.j, OP, &all, list, 8), 3);
	assert_int_equal(list[0].id, 3);
	assert_int_equal(json_db_op_list(g.j, OP, &page, list, 8), 2);
	o.finished = 200;
	strcpy(o.status, "FAILED");
	json_db_op_end(g.j, &o);
	strcpy(o.status, "EXECUTED_SUCCESS");
	json_db_op_end(g.j, &o);		/* the first verdict stays */
	assert_int_equal(json_db_op_get(g.j, 2, &o), 0);
	assert_string_equal(o.status, "FAILED");
	assert_int_equal(json_db_op_list(g.j, OP, &running, list, 8), 2);
	json_db_purge(g.j, 200);
	assert_int_equal(json_db_op_get(g.j, 2, &o), 0);
	json_db_purge(g.j, 201);
	assert_int_equal(json_db_op_get(g.j, 2, &o), -ENOENT);
	assert_int_equal(json_db_op_get(g.j, 1, &o), 0);		/* running: stays */
}

static void test_events(void **state)
{
	struct json_op a = op(OP, "A", 1), b = op(OP, "B", 1);
	struct json_event ev = { .at = 5, .name = "asked" }, out[4];
	uint8_t hash[32] = { 0 };

	(void)state;
	ev.op = a.id = json_db_op_add(g.j, &a, NULL, hash);
	json_db_event_add(g.j, OP, &ev);
	ev.op = b.id = json_db_op_add(g.j, &b, NULL, hash);
	json_db_event_add(g.j, OP, &ev);
	json_db_event_add(g.j, OTHER, &ev);
	assert_int_equal(json_db_event_list(g.j, OP, 0, 0, out, 4), 2);
	assert_int_equal(json_db_event_list(g.j, OP, a.id, 0, out, 4), 1);
	assert_int_equal(json_db_event_list(g.j, OP, 0, out[0].id, out, 4), 1);
	assert_int_equal(out[0].op, b.id);
	assert_int_equal(json_db_event_last(g.j, OP), 2);
	assert_int_equal(json_db_hook_get(g.j, OP), -1);
	json_db_hook_put(g.j, OP, 2);
	assert_int_equal(json_db_hook_get(g.j, OP), 2);
}

static void rows(void)
{
	static const char *const sql[] = {
		"INSERT INTO euicc (eid, eum_id, production_date, platform_type, platform_version, cattp, http, sp_version,"
		" rp_version, smsr_id, remaining_memory, available_memory) VALUES (?1, '1', 0, '', '', 0, 0, '', '', '1', 0, 0)",
		"INSERT INTO profile (eid, iccid, aid, mno_id, smdp_id, state, fallback, imsi, msisdn, type, allocated, free, pol2)"
		" VALUES (?1, ?2, ?3, ?4, '', ?5, 0, '', '', ?6, 0, 0, '')",
		"INSERT INTO operator_grant VALUES (0, '" OP "', '" M2M "', 'gold', '', 'GetEIS')",
	};
	static const struct { const char *eid, *iccid, *mno, *type; int state; } p[] = {
		{ "8901", "1", OP, "gold", 3 }, { "8902", "2", OP, "tin", 2 }, { "8902", "3", OTHER, "gold", 3 },
		{ "8903", "4", OTHER, "gold", 3 }, { "8911", "5", OP, "gold", 2 },
	};
	struct sqldb_stmts *st = sqldb_prepare(g.db->sql, sql, 3);

	for (size_t i = 0; i < 5; i++) {
		if (!i || strcmp(p[i].eid, p[i - 1].eid)) {
			sqldb_bind_text(st, 0, 1, p[i].eid);
			assert_int_equal(sqldb_exec(st, 0), 0);
		}
		sqldb_bind_text(st, 1, 1, p[i].eid);
		sqldb_bind_text(st, 1, 2, p[i].iccid);
		sqldb_bind_blob(st, 1, 3, p[i].iccid, 1);
		sqldb_bind_text(st, 1, 4, p[i].mno);
		sqldb_bind_int(st, 1, 5, p[i].state);
		sqldb_bind_text(st, 1, 6, p[i].type);
		assert_int_equal(sqldb_exec(st, 1), 0);
	}
	assert_int_equal(sqldb_exec(st, 2), 0);
}

static void expect_eids(const char *party, const char *after, struct json_filter f, const char *want)
{
	char out[8][EID_STR_SIZE], text[200] = "";
	size_t n = json_db_eids(g.j, party, after, &f, out, 8);

	for (size_t i = 0; i < n; i++) {
		strcat(text, out[i]);
		strcat(text, " ");
	}
	assert_string_equal(text, want);
}

static void test_eids(void **state)
{
	(void)state;
	rows();
	expect_eids(OP, "", (struct json_filter){ .state = -1 }, "8901 8902 8911 ");
	expect_eids(OTHER, "", (struct json_filter){ .state = -1 }, "8902 8903 ");
	expect_eids(M2M, "", (struct json_filter){ .state = -1 }, "8901 8902 8911 ");	/* candidates: the policy decides */
	expect_eids("1.2.3", "", (struct json_filter){ .state = -1 }, "");
	expect_eids(OP, "8901", (struct json_filter){ .state = -1 }, "8902 8911 ");
	expect_eids(OP, "", (struct json_filter){ .state = ES_PS_ENABLED }, "8901 ");	/* 8902's enabled one is another's */
	expect_eids(OP, "", (struct json_filter){ .state = -1, .eid = "890" }, "8901 8902 ");
	expect_eids(OP, "", (struct json_filter){ .state = -1, .type = "tin" }, "8902 ");
	expect_eids(OP, "", (struct json_filter){ .state = -1, .iccid = "3" }, "");
}

static int body(struct json_body *b, const char *text)
{
	const char *why = NULL;
	int rc = json_text_body(b, &why, g.root, (const uint8_t *)text, strlen(text));

	assert_true((rc < 0) == (why != NULL));
	return rc;
}

/* An eUICC is found by what the party sees of it only. */
static void test_filter(void **state)
{
	struct es_profile_info p[] = {
		{ .iccid = "1", .profile_type = "gold", .state = ES_PS_DISABLED },
		{ .iccid = "2", .profile_type = "tin", .state = ES_PS_ENABLED },
	};
	const struct es_eis one = { .profile = p, .n_profiles = 1 }, both = { .profile = p, .n_profiles = 2 }, none = { 0 };

	(void)state;
	assert_true(json_filter_fits(&(struct json_filter){ .state = -1 }, &one));
	assert_false(json_filter_fits(&(struct json_filter){ .state = -1 }, &none));
	assert_false(json_filter_fits(&(struct json_filter){ .state = -1, .iccid = "2" }, &one));
	assert_true(json_filter_fits(&(struct json_filter){ .state = -1, .iccid = "2" }, &both));
	assert_false(json_filter_fits(&(struct json_filter){ .state = -1, .type = "tin" }, &one));
	assert_false(json_filter_fits(&(struct json_filter){ .state = ES_PS_ENABLED }, &one));
	assert_true(json_filter_fits(&(struct json_filter){ .state = ES_PS_ENABLED, .iccid = "2" }, &both));
	assert_false(json_filter_fits(&(struct json_filter){ .state = ES_PS_ENABLED, .iccid = "1" }, &both));
}

static void test_body(void **state)
{
	static const char *const bad[] = {
		"[]", "{", "{}x", "null", "{\"x\":1}", "{\"validity_seconds\":\"1\"}", "{\"validity_seconds\":0}",
		"{\"validity_seconds\":604801}", "{\"validity_seconds\":1.5}", "{\"validity_seconds\":1,\"validity_seconds\":1}",
		"{\"validity_seconds\":99999999999999999999}",
	};
	const char good[] = "{\"validity_seconds\":600}";
	const char *why;
	struct json_body b;

	(void)state;
	assert_int_equal(body(&b, ""), 0);
	assert_int_equal(b.validity_s, 0);
	assert_int_equal(body(&b, good), 0);
	assert_int_equal(b.validity_s, 600);
	for (size_t n = 1; n < strlen(good); n++)
		assert_int_equal(json_text_body(&b, &why, g.root, (const uint8_t *)good, n), -EINVAL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(body(&b, bad[i]), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ops, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events, setup, teardown),
		cmocka_unit_test_setup_teardown(test_eids, setup, teardown),
		cmocka_unit_test(test_filter),
		cmocka_unit_test_setup_teardown(test_body, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
