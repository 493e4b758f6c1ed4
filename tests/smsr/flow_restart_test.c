/* kill -9 and restart in the middle of procedures (style 1.2, corrections 1): nothing sent -> begun again; sent -> the
 * truth.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "flow.h"

#define AID_NEW	"A0000005591010FFFFFFFF8900001000"

#define assert_to_card(hex) assert_non_null(strstr(flow_script(), hex))
#define assert_card_idle() assert_string_equal(flow_script(), "")

static void before_anything_left(void **state)
{
	int64_t id = flow_ask(ES4, ES_FN_ENABLE_PROFILE, OP, ICCID_OP, 720);

	flow_restart();
	assert_not_answered(id);
	assert_to_card("80E28800153A03124F10" AID_OP);
	flow_card("23029000");
	flow_notif(2, 7, ICCID_OP);
	flow_card("23029000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_active(), 0);
}

static void after_the_command(void **state)
{
	int64_t id = flow_ask(ES4, ES_FN_ENABLE_PROFILE, OP, ICCID_OP, 720);

	flow_leaves();
	flow_restart();
	assert_not_answered(id);
	assert_card_idle();	/* not enabled twice */
	flow_notif(2, 7, ICCID_OP);
	assert_to_card("80E28900073A08044E020007");
	btw("and once more");
	flow_leaves();
	flow_restart();
	assert_to_card("80E28900073A08044E020007");
	assert_string_equal(flow.e->msisdn, NR_OP);	/* the card is in the target's network */
	flow_card("23026A88");	/* it had arrived */
	assert_to_card("80F24002");
	flow_card("231A" "E3164F10" AID_OP "9F70013F" "9000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_ENABLED);
	assert_int_equal(flow_active(), 0);
}

/* Written down as sent, and killed before it was. */
static void marked_but_not_sent(void **state)
{
	int64_t id = flow_ask(ES4, ES_FN_ENABLE_PROFILE, OP, ICCID_OP, 720);

	flow_leaves();
	flow_restart();
	flow_pass(31);
	assert_to_card("80F24002");
	flow_card("231A" "E3164F10" AID_OP "9F70011F" "9000");
	assert_to_card("80E28800153A03124F10" AID_OP);
	flow_card("23029000");
	flow_notif(2, 7, ICCID_OP);
	flow_card("23029000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
}

static void down_past_the_deadline(void **state)
{
	int64_t id = flow_ask(ES4, ES_FN_ENABLE_PROFILE, OP, ICCID_OP, 60);

	flow_card("23029000");
	flow.now += 100;
	flow_restart();
	flow_pass(1);
	assert_answer(id, ES_EXPIRED, "1.6/5.4");
	assert_true(flow.e->eis->uncertain);
	btw("the uncertainty outlives a restart, too");
	flow_restart();
	assert_true(flow.e->eis->uncertain);
	flow_notif(2, 7, ICCID_OP);
	assert_card_idle();
	flow_pass(900);
	assert_to_card("80CAFF21");
}

/* Asked by the VTY, rolled back, that verdict written; then killed while the roll-back is being confirmed to the card. */
static void verdict_is_final(void **state)
{
	const struct proc_want w = {
		.kind = PROC_ENABLE, .requester = POLICY_PARTY_VTY, .iface = ES4, .iccid = ICCID_OP,
		.deadline = flow.now + 720,
	};

	assert_true(proc_request(flow.e, &w) > 0);
	flow_card("23029000");
	flow_notif(3, 7, ICCID_BOOT);
	flow_leaves();
	flow_restart();
	assert_int_equal(flow_active(), 0);
	assert_int_equal(flow_state(ICCID_BOOT), EIS_PS_ENABLED);
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_DISABLED);
}

static void delete_in_the_middle(void **state)
{
	int64_t id = flow_ask(ES4, ES_FN_DELETE_PROFILE, OP, ICCID_OP, 720);

	flow_leaves();
	flow_restart();
	assert_to_card("80F24002");	/* asks what became of it */
	flow_card("23026A88");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_state(ICCID_OP), -1);
}

static void create_in_the_middle(void **state)
{
	int64_t id;

	snprintf(flow_body()->mno_id, 60, OP);
	flow_body()->more_to_do = true;
	id = flow_ask(ES3, ES_FN_CREATE_ISDP, SMDP, ICCID_NEW, 300);
	flow_restart();
	assert_to_card("80E60C");	/* nothing had left: again */
	flow_leaves();
	flow_restart();
	assert_to_card("80F24002");
	flow_card("231A" "E3164F10" AID_NEW "9F700107" "9000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_state(ICCID_NEW), EIS_PS_CREATED);
	assert_true(flow.e->held);
	btw("a SendData under way: begin again");
	assert_int_equal(aid_from_hex(&flow_body()->sd_aid, AID_NEW), 0);
	flow_body()->data = bytes_from_hex(flow.root, "86020102");
	flow_body()->more_to_do = true;
	id = flow_ask(ES3, ES_FN_SEND_DATA, SMDP, NULL, 300);
	flow_leaves();
	flow_restart();
	assert_answer(id, ES_FAILED, "1.6/5.4");
	assert_true(flow.e->held);
	flow_pass(61);
	assert_false(flow.e->held);
	assert_int_equal(flow_active(), 0);
}

/* Corrections 21: the record has one number, the card is heard from another. */
static void where_it_was_heard(void **state)
{
	assert_string_equal(flow.e->msisdn, NR_BOOT);
	euicc_heard(flow.e, NR_OP);
	assert_string_equal(flow.e->msisdn, NR_OP);
	btw("a number that is none of its own is not believed");
	euicc_heard(flow.e, "4915999");
	assert_string_equal(flow.e->msisdn, NR_BOOT);
}

static void queue_in_the_middle(void **state)
{
	int64_t one = flow_ask(ES4, ES_FN_ENABLE_PROFILE, OP, ICCID_OP, 720);
	int64_t two = flow_ask(ES4, ES_FN_DISABLE_PROFILE, OP, ICCID_OP, 720);

	flow_leaves();
	flow_restart();
	assert_int_equal(flow_active(), 2);
	flow_notif(2, 7, ICCID_OP);
	flow_card("23029000");
	assert_answer(one, ES_EXECUTED_SUCCESS, "");
	assert_to_card("80E28800153A04124F10" AID_OP);
	flow_card("23026985");
	assert_answer(two, ES_FAILED, "8.4/4.2");
}

/* Once reached is not kept for ever: only what is under way, or what a card session points into. */
static void let_go(void **state)
{
	struct eid eid = flow.e->eis->fix.eid;
	int64_t id = flow_ask(ES4, ES_FN_ENABLE_PROFILE, OP, ICCID_OP, 720);
	struct card_info info;

	flow.reg->live_max = 0;
	assert_int_equal(euicc_card_info(flow.e, &info), 0);
	euiccs_trim(flow.reg);
	assert_int_equal(flow.reg->live, 1);
	flow_card("23026985");
	assert_answer(id, ES_FAILED, "8.4/4.2");
	flow.session = true;
	euiccs_trim(flow.reg);
	assert_int_equal(flow.reg->live, 1);
	flow.session = false;
	euiccs_trim(flow.reg);
	assert_int_equal(flow.reg->live, 0);
	flow.e = euicc_get(flow.reg, &eid);
	assert_non_null(flow.e);
	assert_string_equal(eis_enabled(flow.e->eis)->i.iccid, ICCID_BOOT);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, flow_setup, flow_teardown)
	const struct CMUnitTest tests[] = {
		T(before_anything_left), T(after_the_command),	  T(marked_but_not_sent), T(down_past_the_deadline),
		T(delete_in_the_middle), T(create_in_the_middle), T(queue_in_the_middle), T(where_it_was_heard),
		T(verdict_is_final), T(let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
