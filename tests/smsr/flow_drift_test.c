/* The card differs from the record: found by AuditEIS and by the audit in the background, mended, an alarm, a line in
 * the timeline, and the operators told what is true (design P3; off-card 6.10, 6.11, 6.13).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "flow.h"

#include <osmocom/rsp/util/counters.h>

#include "../../src/smsr/audit_bg.h"

#define MEMORY "2313FF210E8102000182040004000083021FFF9000"	/* FF21 { apps 1, NVM 40000, RAM 1FFF } */
#define E3(aid, state, attr) "E3194F10" aid "9F7001" state "5301" attr

#define assert_to_card(hex) assert_non_null(strstr(flow_script(), hex))
#define assert_card_idle() assert_string_equal(flow_script(), "")

static void card_has(const char *e3s)
{
	char rsp[400];

	snprintf(rsp, sizeof(rsp), "23%02zX%s9000", strlen(e3s) / 2 + 2, e3s);
	flow_card(MEMORY);
	flow_card(rsp);
}

static unsigned long long drift(void)
{
	return counter_get(CTR_ALARM_DRIFT);
}

static int64_t audit(void)
{
	return flow_ask(ES4, ES_FN_AUDIT_EIS, OP, NULL, 300);
}

static void nothing_differs(void **state)
{
	unsigned long long before = drift();
	int64_t id = audit();

	card_has(E3(AID_BOOT, "3F", "01") E3(AID_OP, "1F", "00"));
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(drift(), before);
	assert_int_equal(flow.n_called, 0);
	assert_false(flow_timeline("audit", NULL));
	assert_int_equal(flow.e->eis->fix.available_memory, 0x40000);
}

/* The card fell back, or somebody else switched it, and no notification came through. */
static void another_is_enabled(void **state)
{
	unsigned long long before = drift();
	int64_t id = audit();

	card_has(E3(AID_BOOT, "1F", "01") E3(AID_OP, "3F", "00"));
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_ENABLED);
	assert_int_equal(flow_state(ICCID_BOOT), EIS_PS_DISABLED);
	assert_int_equal(drift(), before + 2);
	assert_true(flow_timeline("audit", "Enabled"));
	assert_true(flow_timeline("audit", "Disabled"));
	assert_true(flow_called("ES4 HandleProfileEnabledNotification " ICCID_OP " -> " OP));
	assert_true(flow_called("ES4 HandleProfileDisabledNotification " ICCID_BOOT " -> " BOOT));
	assert_string_equal(flow.e->msisdn, NR_OP);
}

/* Somebody else set the emergency attribute, then took it away. */
static void emergency_attribute(void **state)
{
	unsigned long long before = drift();
	int64_t id = audit();

	card_has(E3(AID_BOOT, "3F", "01") E3(AID_OP, "1F", "02"));
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_ptr_equal(eis_emergency(flow.e->eis), eis_by_iccid(flow.e->eis, ICCID_OP));
	assert_true(flow_timeline("audit", "has the emergency attribute"));
	assert_true(flow_called("ES4 HandleEmergencyProfileAttributeSetNotification " ICCID_OP " -> " OP));
	flow_restart();
	id = audit();
	card_has(E3(AID_BOOT, "3F", "01") E3(AID_OP, "1F", "00"));
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_null(eis_emergency(flow.e->eis));
	assert_true(flow_timeline("audit", "has not the emergency attribute"));
	assert_true(flow_called("ES4 HandleEmergencyProfileAttributeUnsetNotification " ICCID_OP " -> " OP));
	assert_int_equal(drift(), before + 2);
}

static void gone_and_unknown(void **state)
{
	unsigned long long before = drift();
	int64_t id = audit();

	card_has(E3(AID_BOOT, "3F", "01") E3("A0000005591010FFFFFFFF8900001700", "07", "00"));
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_state(ICCID_OP), -1);
	assert_int_equal(drift(), before + 2);
	assert_true(flow_timeline("audit", "not on the card"));
	assert_true(flow_timeline("audit", "unknown ISD-P"));
	assert_true(flow_called("ES4 HandleProfileDeletedNotification " ICCID_OP " -> " OP));
}

/* An operator that does not want to hear of it has said so by ONC. */
static void not_wanted(void **state)
{
	char name[1][ES_NAME_SIZE] = { "HandleProfileEnabledNotification" };
	struct es_grant g = { .mno_id = OP, .profile_type = "gold", .names = name, .n_names = 1 };
	struct eis_profile *p = eis_by_iccid(flow.e->eis, ICCID_OP);

	snprintf(p->i.profile_type, sizeof(p->i.profile_type), "gold");
	smsr_db_profile_put(flow.db, flow.e->eis, p);
	assert_int_equal(grants_set(flow.reg->grants, GRANT_ONC, &g, ""), 0);
	audit();
	card_has(E3(AID_BOOT, "1F", "01") E3(AID_OP, "3F", "00"));
	assert_false(flow_called("ES4 HandleProfileEnabledNotification " ICCID_OP " -> " OP));
	assert_true(flow_called("ES4 HandleProfileDisabledNotification " ICCID_BOOT " -> " BOOT));
}

/* The card fell back by itself, reported it, and goes back when ordered. */
static void fall_back_and_return(void **state)
{
	int64_t id = flow_ask(ES4, ES_FN_ENABLE_PROFILE, OP, ICCID_OP, 720);

	flow_card("23029000");
	flow_notif(2, 1, ICCID_OP);
	flow_card("23029000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	flow_notif(5, 2, ICCID_BOOT);
	assert_to_card("80E28900073A08044E020002");
	assert_int_equal(flow_state(ICCID_BOOT), EIS_PS_ENABLED);	/* what it did is done, confirmed or not */
	flow_card("23029000");
	assert_true(flow_called("ES4 HandleProfileDisabledNotification " ICCID_OP " -> " OP));
	assert_true(flow_called("ES4 HandleProfileEnabledNotification " ICCID_BOOT " -> " BOOT));
	assert_true(flow_timeline("notification 05", "confirmed"));
	btw("POL2 Auto-Delete and POL1 do not count for it: the profile is still there");
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_DISABLED);
	id = flow_ask(ES4, ES_FN_ENABLE_PROFILE, OP, ICCID_OP, 720);
	flow_card("23029000");
	flow_notif(2, 3, ICCID_OP);
	flow_card("23029000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_ENABLED);
}

static void background(void **state)
{
	const struct audit_bg_cfg off = { .age_s = 86400 }, on = { .per_hour = 60, .age_s = 86400 };
	struct audit_bg *bg = audit_bg_new(flow.reg, &off);
	unsigned long long before = drift();

	flow_pass(300);
	assert_int_equal(flow.n_sent, 0);	/* off unless set */
	audit_bg_set(bg, &on);
	flow_pass(59);
	assert_int_equal(flow.n_sent, 0);
	flow_pass(2);
	assert_to_card("80CAFF21");
	card_has(E3(AID_BOOT, "1F", "01") E3(AID_OP, "3F", "00"));
	assert_int_equal(drift(), before + 2);
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_ENABLED);
	btw("not again within its age");
	flow_pass(300);
	assert_int_equal(flow.n_sent, 2);
	assert_int_equal(flow_active(), 0);
	printf("    - %s\n", audit_bg_describe(bg, OTC_SELECT));
}

/* It makes nobody wait, and a card that is silent costs nothing but its time. */
static void background_is_last(void **state)
{
	const struct audit_bg_cfg on = { .per_hour = 360 };
	int64_t id = flow_ask(ES4, ES_FN_ENABLE_PROFILE, OP, ICCID_OP, 720);

	audit_bg_new(flow.reg, &on);
	flow_card("23029000");
	flow_pass(60);
	assert_card_idle();		/* a change awaits its notification */
	flow_notif(2, 1, ICCID_OP);
	flow_card("23029000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	flow_pass(15);
	assert_to_card("80CAFF21");
	flow_outcome(CARD_NO_ANSWER);
	assert_false(flow.e->eis->audit_due);
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_ENABLED);
	assert_int_equal(flow_active(), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, flow_setup, flow_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(nothing_differs), T(another_is_enabled), T(emergency_attribute), T(gone_and_unknown),
		T(not_wanted), T(fall_back_and_return),
		T(background), T(background_is_last),
	};
	void *ctx = talloc_named_const(NULL, 0, "counters");
	int rc;

	counters_init(ctx);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	talloc_free(ctx);
	return rc;
}
