/* What the database promises: one active procedure per eUICC, one enabled profile, a timeline nobody rewrites, a
 * counter that never comes back, sealed keys that open in their own place only (design P2, P5, P6; corrections 22).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <sqlite3.h>
#include <unistd.h>

#include <osmocom/rsp/util/misc.h>

#include "flow.h"

static void one_active_procedure(void **state)
{
	struct smsr_proc_row a = {.eid = flow.e->eis->fix.eid, .state = SMSR_PROC_QUEUED, .deadline = 1}, b = a,
			     read[4];

	assert_int_equal(smsr_db_proc_insert(flow.db, &a), 0);
	assert_int_equal(smsr_db_proc_insert(flow.db, &b), 0);
	assert_true(b.id > a.id);
	a.state = SMSR_PROC_ACTIVE;
	assert_int_equal(smsr_db_proc_update(flow.db, &a), 0);
	b.state = SMSR_PROC_ACTIVE;
	assert_int_equal(smsr_db_proc_update(flow.db, &b), -EEXIST);
	a.state = SMSR_PROC_ENDED;
	snprintf(a.outcome, sizeof(a.outcome), "EXPIRED 1.6/5.4");
	a.sent = a.acked = true;
	a.seq = 0xFFFE;
	a.aid = aid_isd_r;
	assert_int_equal(smsr_db_proc_update(flow.db, &a), 0);
	assert_int_equal(smsr_db_proc_update(flow.db, &b), 0);
	assert_int_equal(smsr_db_proc_open(flow.db, read, 4, 0), 1);
	assert_int_equal(read[0].id, b.id);
	assert_int_equal(smsr_db_proc_recent(flow.db, &a.eid, read, 4), 2);
	assert_string_equal(read[0].outcome, a.outcome);
	assert_true(read[0].sent && read[0].acked && aid_eq(&read[0].aid, &aid_isd_r));
	assert_int_equal(read[0].seq, 0xFFFE);
}

static void counter(void **state)
{
	const struct eid *eid = &flow.e->eis->fix.eid;
	int64_t floor = (flow.now - 1577836800) * 256;
	uint64_t c, last;

	btw("the EUM said 5; the clock is ahead of that, and what was never used here follows it");
	assert_int_equal(smsr_db_counter_next(flow.db, eid, 1, false, &c), 0);
	assert_int_equal(c, floor);
	for (int i = 0; i < 1000; i++) {
		last = c;
		assert_int_equal(smsr_db_counter_next(flow.db, eid, 1, false, &c), 0);
		assert_true(c == last + 1);
	}
	btw("the clock goes back: the counter does not");
	clock_override((flow.now - 1000000) * 1000);
	assert_int_equal(smsr_db_counter_next(flow.db, eid, 1, false, &c), 0);
	assert_true(c == last + 2);
	btw("an hour later it is ahead again: a restored copy is, too");
	clock_override((flow.now + 3600) * 1000);
	assert_int_equal(smsr_db_counter_next(flow.db, eid, 1, false, &c), 0);
	assert_int_equal(c, floor + 3600 * 256);
	btw("a clock that is wrong by years is not followed");
	clock_override((flow.now + 3 * 365 * 86400LL) * 1000);
	last = c;
	assert_int_equal(smsr_db_counter_next(flow.db, eid, 1, false, &c), 0);
	assert_int_equal(c, last + 1);
	assert_int_equal(smsr_db_counter_next(flow.db, eid, 2, false, &c), -ENOENT);
}

/* What was learned and what was set are written apart, and found again, also by a live eUICC that is loaded anew. */
static void bearer(void **state)
{
	const struct eid *eid = &flow.e->eis->fix.eid;
	struct card_learned l = { .last = CARD_BEARER_CATTP, .why = "a session is open", .sms_ud = 130, .scp80_took = 1066,
				  .scp80_limit = 900, .http_took = 8000, .http_limit = 4000 }, got;
	struct smsr_bearer_set set = { .order = { CARD_BEARER_CATTP, CARD_BEARER_SCP80 }, .n_order = 2, .spi1 = 0x1E,
				       .spi2 = 0x29, .indefinite = true }, set_got;
	struct card_info info;
	struct eid found;

	for (int b = CARD_BEARER_NONE + 1; b < _CARD_BEARERS; b++) {
		l.ok[b] = 1000 + b;
		l.failed[b] = 2000 + b;
		l.fails[b] = b;
	}
	smsr_db_bearer_get(flow.db, eid, &got, &set_got);
	assert_int_equal(got.last, CARD_BEARER_NONE);
	assert_int_equal(set_got.n_order, 0);
	assert_int_equal(smsr_db_bearer_set_put(flow.db, eid, &set), 0);
	assert_int_equal(smsr_db_learned_put(flow.db, eid, &l), 0);
	smsr_db_bearer_get(flow.db, eid, &got, &set_got);
	assert_memory_equal(&got, &l, sizeof(l));
	assert_memory_equal(set_got.order, set.order, sizeof(set.order));
	assert_int_equal(set_got.n_order, 2);
	txn_commit(flow.db->sql);
	flow_restart();
	assert_int_equal(euicc_card_info(flow.e, &info), 0);
	assert_int_equal(info.n_order, 2);
	assert_int_equal(info.order[0], CARD_BEARER_CATTP);
	assert_int_equal(info.spi1, 0x1E);
	assert_int_equal(info.spi2, 0x29);
	assert_true(info.indefinite);
	assert_int_equal(info.learned.sms_ud, 130);
	assert_int_equal(smsr_db_eid_by_iccid(flow.db, ICCID_OP, &found), 0);
	assert_memory_equal(&found, &flow.e->eis->fix.eid, sizeof(found));
	assert_int_equal(smsr_db_eid_by_iccid(flow.db, "8900000000000000000", &found), -ENOENT);
}

static void keys(void **state)
{
	const struct eid *eid = &flow.e->eis->fix.eid;
	struct key *k = key_random(flow.root, KEY_TYPE_AES, 16), *got;
	struct smsr_db_key_info info[8];
	struct keystore *other = keystore_ephemeral(flow.root), *own = flow.db->ks;
	uint8_t kid = 0;

	assert_int_equal(smsr_db_key_put(flow.db, eid, 1, 3, k), 0);
	got = smsr_db_key_get(flow.db, flow.root, eid, 1, 3);
	assert_non_null(got);
	assert_true(key_eq(got, k));
	assert_int_equal(smsr_db_key_put(flow.db, eid, 1, 3, k), -EEXIST);
	assert_int_equal(smsr_db_key_list(flow.db, eid, info, 8), 4);
	assert_int_equal(smsr_db_keyset_pick(flow.db, eid, 0x40, 0x4F, &kid), 0x40);
	assert_int_equal(kid, 1);
	assert_int_equal(smsr_db_keyset_pick(flow.db, eid, 0x02, 0x0F, &kid), 0);
	flow.db->ks = other;
	assert_null(smsr_db_key_get(flow.db, flow.root, eid, 1, 3));
	flow.db->ks = NULL;
	assert_null(smsr_db_key_get(flow.db, flow.root, eid, 1, 3));
	assert_int_equal(smsr_db_key_put(flow.db, eid, 1, 4, k), -ENOKEY);
	flow.db->ks = own;
	assert_int_equal(smsr_db_transport_put(flow.db, "1.2.3", k), 0);
	talloc_free(got);
	got = smsr_db_transport_get(flow.db, flow.root, "1.2.3");
	assert_true(got && key_eq(got, k));
	assert_null(smsr_db_transport_get(flow.db, flow.root, "1.2.4"));
	talloc_free(got);
	talloc_free(k);
	talloc_free(other);
}

static int sql(const char *text)
{
	sqlite3 *h;
	int rc;

	txn_commit(flow.db->sql);
	assert_int_equal(sqlite3_open(flow.path, &h), SQLITE_OK);
	rc = sqlite3_exec(h, text, NULL, NULL, NULL);
	sqlite3_close(h);
	return rc;
}

static void constraints(void **state)
{
	smsr_db_audit(flow.db, &flow.e->eis->fix.eid, &(struct smsr_audit){ .procedure = "x", .operation = "y" });
	btw("the timeline is append-only for everyone");
	assert_int_equal(sql("DELETE FROM audit"), SQLITE_CONSTRAINT);
	assert_int_equal(sql("UPDATE audit SET outcome = 'z'"), SQLITE_CONSTRAINT);
	assert_true(flow_timeline("y", NULL));
	btw("two enabled profiles cannot be written");
	assert_int_equal(sql("UPDATE profile SET state = 3"), SQLITE_CONSTRAINT);
	btw("a sealed key moved to another place does not open");
	assert_int_equal(sql("UPDATE key SET kid = 9 WHERE version = 1 AND kid = 1"), SQLITE_OK);
	assert_null(smsr_db_key_get(flow.db, flow.root, &flow.e->eis->fix.eid, 1, 9));
}

static void record(void **state)
{
	struct eis *eis, *again;
	struct eis_profile *p;
	struct eid eid[4];
	char number[24];

	flow_pol2(ICCID_OP, "DISABLE", "Auto-Delete");
	eis_uncertain(flow.e->eis, &eis_by_iccid(flow.e->eis, ICCID_OP)->i.isdp_aid);
	eis_declared(flow.e->eis, "354990075195830");
	eis = eis_load(flow.root, flow.db, &flow.e->eis->fix.eid);
	assert_non_null(eis);
	p = eis_by_iccid(eis, ICCID_OP);
	assert_int_equal(p->i.n_pol2, 1);
	assert_string_equal(p->i.pol2[0].qualification, "Auto-Delete");
	assert_true(eis->uncertain && eis->audit_due && eis->declared);
	assert_true(aid_eq(&eis->pending_aid, &p->i.isdp_aid));
	assert_string_equal(eis->imei, "354990075195830");
	assert_string_equal(eis_enabled(eis)->i.iccid, ICCID_BOOT);
	assert_string_equal(eis_fallback(eis)->i.iccid, ICCID_BOOT);
	assert_int_equal(smsr_db_eids_by_msisdn(flow.db, NR_OP, eid, 4), 1);
	assert_int_equal(smsr_db_eids_by_msisdn(flow.db, "", eid, 4), 0);
	OSMO_STRLCPY_ARRAY(p->i.addr.imsi, "262420000000002");
	assert_int_equal(smsr_db_profile_put(flow.db, eis, p), 0);
	assert_int_equal(smsr_db_msisdn_of(flow.db, "262420000000002", number, sizeof(number)), 0);
	assert_string_equal(number, NR_OP);
	assert_int_equal(smsr_db_msisdn_of(flow.db, "262420000000003", number, sizeof(number)), -ENOENT);
	assert_int_equal(smsr_db_msisdn_of(flow.db, "", number, sizeof(number)), -ENOENT);
	assert_int_equal(smsr_db_eids_audit_due(flow.db, eid, 4), 1);
	assert_int_equal(smsr_db_eids(flow.db, NULL, eid, 4), 1);
	assert_int_equal(smsr_db_eids(flow.db, &eid[0], eid, 4), 0);
	assert_int_equal(eis_register(eis), -EINVAL);	/* it was loaded */
	again = eis_new(flow.root, flow.db, eis_view(eis, eis, NULL, 0));
	assert_int_equal(eis_register(again), -EEXIST);
	talloc_free(again);
	talloc_free(eis);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, flow_setup, flow_teardown)
	const struct CMUnitTest tests[] = { T(one_active_procedure), T(counter), T(bearer), T(keys), T(constraints), T(record) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
