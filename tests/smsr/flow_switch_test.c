/* Enable and Disable from end to end, with the card and the requester played by the test (SGP.02 3.2, 3.4;
 * off-card 6.4, 6.6, 6.13).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "flow.h"

#define ENABLE_OP	"80E28800153A03124F10" AID_OP	/* card-side 3.2 */
#define DISABLE_OP	"80E28800153A04124F10" AID_OP	/* card-side 3.3 */
#define DELETE_OP	"80E40040124F10" AID_OP		/* card-side 3.4 */
#define CONFIRM_7	"80E28900073A08044E020007"	/* card-side 3.12 */

#define assert_to_card(hex) assert_non_null(strstr(flow_script(), hex))
#define assert_card_idle() assert_string_equal(flow_script(), "")

static int64_t enable(unsigned validity)
{
	return flow_ask(ES4, ES_FN_ENABLE_PROFILE, OP, ICCID_OP, validity);
}

static void enabled_works(void **state)
{
	int64_t id = enable(720);

	assert_to_card(ENABLE_OP);
	assert_string_equal(flow.e->msisdn, NR_BOOT);
	flow_card("23029000");
	assert_not_answered(id);
	assert_card_idle();
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_DISABLED);	/* the record follows the card, not our wish */
	assert_string_equal(flow.e->msisdn, NR_OP);			/* it moves to the target's network */
	flow_notif(2, 7, ICCID_OP);
	assert_to_card(CONFIRM_7);
	assert_not_answered(id);
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_DISABLED);
	flow_card("23029000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_string_equal(flow_answered(id)->data, "23029000");
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_ENABLED);
	assert_int_equal(flow_state(ICCID_BOOT), EIS_PS_DISABLED);
	assert_true(flow_called("ES4 HandleProfileDisabledNotification " ICCID_BOOT " -> " BOOT));
	assert_int_equal(flow.n_called, 1);	/* not the requester */
	assert_int_equal(flow_active(), 0);
	assert_true(flow_timeline("notification 02", "SMS"));
	assert_true(flow_timeline("EnableProfile", "confirmed"));
	assert_string_equal(flow.e->msisdn, NR_OP);
}

static void enabled_by_smdp(void **state)
{
	int64_t id = flow_ask(ES3, ES_FN_ENABLE_PROFILE, SMDP, ICCID_OP, 720);

	flow_card("23029000");
	flow_notif(2, 7, ICCID_OP);
	flow_card("23029000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow.n_called, 1);	/* the owner hears of it by ES2 from its SM-DP */
}

static void refused_by_policy(void **state)
{
	int64_t id;

	flow_pol2(ICCID_BOOT, "DISABLE", "Not-Allowed");
	id = enable(720);
	assert_answer(id, ES_FAILED, "8.2.3/3.8");
	assert_card_idle();
	assert_int_equal(flow_active(), 0);
	btw("strangers");
	assert_answer(flow_ask(ES4, ES_FN_ENABLE_PROFILE, OTHER, ICCID_OP, 720), ES_FAILED, "8.2.1/1.2");
	assert_answer(flow_ask(ES3, ES_FN_ENABLE_PROFILE, SMDP2, ICCID_OP, 720), ES_FAILED, "8.2.1/1.2");
	assert_answer(flow_ask(ES4, ES_FN_ENABLE_PROFILE, OP, ICCID_NEW, 720), ES_FAILED, "8.2.1/3.9");
	btw("an eUICC nobody knows");
	flow_body()->has_eid = true;
	eid_from_str(&flow_body()->eid, "89049032123451234512345678901235");
	assert_answer(flow_ask(ES4, ES_FN_ENABLE_PROFILE, OP, ICCID_OP, 720), ES_FAILED, "8.1.1/3.9");
	assert_int_equal(flow.n_sent, 0);
}

/* Corrections 3: asked when the lock is there, not when the request came. */
static void policy_is_asked_when_it_acts(void **state)
{
	int64_t first = enable(720), second;

	second = flow_ask(ES4, ES_FN_DISABLE_PROFILE, OP, ICCID_OP, 720); /* not enabled yet: refused if asked now */
	assert_not_answered(second);
	assert_int_equal(flow_active(), 2);
	flow_card("23029000");
	flow_notif(2, 7, ICCID_OP);
	flow_card("23029000");
	assert_answer(first, ES_EXECUTED_SUCCESS, "");
	assert_to_card(DISABLE_OP);
	flow_card("23029000");
	flow_notif(2, 8, ICCID_BOOT);
	flow_card("23029000");
	assert_answer(second, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_DISABLED);
	assert_int_equal(flow_state(ICCID_BOOT), EIS_PS_ENABLED);
	assert_true(flow_called("ES4 HandleProfileEnabledNotification " ICCID_BOOT " -> " BOOT));
}

static void refused_by_card(void **state)
{
	int64_t id = enable(720);

	flow_card("230269E1");	/* POL1 of the enabled profile */
	assert_answer(id, ES_FAILED, "8.2.2/3.8");
	assert_string_equal(flow_answered(id)->data, "230269E1");
	id = enable(720);
	flow_card("23026985");
	assert_answer(id, ES_FAILED, "8.4/4.2");
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_DISABLED);
	assert_false(flow.e->eis->uncertain);
	assert_false(flow.e->change_pending);
	id = enable(720);
	btw("rejected by the OTA layer");
	flow_outcome(CARD_REJECTED);
	assert_answer(id, ES_FAILED, "8.4/4.2");
	assert_int_equal(flow_active(), 0);
}

static void nothing_could_be_sent(void **state)
{
	int64_t id = enable(60);

	flow_outcome(CARD_NOT_SENT);
	assert_not_answered(id);
	assert_card_idle();
	flow_pass(5);
	assert_to_card(ENABLE_OP);
	flow_outcome(CARD_NOT_SENT);
	flow_pass(60);
	assert_answer(id, ES_EXPIRED, "1.6/5.3");
	assert_false(flow.e->eis->uncertain);	/* certainly not done */
	assert_int_equal(flow_active(), 0);
}

/* The command was on its way when time was up, but the SMSC had said all along that nobody took it */
static void never_reached(void **state)
{
	int64_t id = enable(60);

	flow_leaves();
	flow.unsent = true;
	flow_pass(61);
	assert_answer(id, ES_EXPIRED, "1.6/5.3");
	assert_false(flow.e->eis->uncertain);
	assert_int_equal(flow_active(), 0);
	id = enable(60);		/* at once, without an audit */
	flow_leaves();
	flow.unsent = false;
	flow_pass(61);
	assert_answer(id, ES_EXPIRED, "1.6/5.3");
	assert_true(flow.e->eis->uncertain);
}

static void rolled_back(void **state)
{
	int64_t id = enable(720);

	flow_card("23029000");
	flow_notif(3, 9, ICCID_BOOT);
	assert_answer(id, ES_FAILED, "8.4/4.2");
	assert_to_card("80E28900073A08044E020009");	/* confirmed, all the same */
	flow_card("23029000");
	assert_int_equal(flow_state(ICCID_BOOT), EIS_PS_ENABLED);
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_DISABLED);
	assert_int_equal(flow.n_called, 0);
	assert_int_equal(flow_active(), 0);
	assert_string_equal(flow.e->msisdn, NR_BOOT);
}

static void fell_back(void **state)
{
	int64_t id;

	btw("first the operator's profile becomes the enabled one");
	enable(720);
	flow_card("23029000");
	flow_notif(2, 7, ICCID_OP);
	flow_card("23029000");
	flow.n_called = 0;
	id = flow_ask(ES4, ES_FN_DISABLE_PROFILE, OP, ICCID_OP, 720);
	flow_card("23029000");
	flow_notif(5, 8, ICCID_BOOT);
	assert_answer(id, ES_FAILED, "8.4/4.2");
	flow_card("23029000");
	assert_int_equal(flow_state(ICCID_BOOT), EIS_PS_ENABLED);
	assert_true(flow_called("ES4 HandleProfileEnabledNotification " ICCID_BOOT " -> " BOOT));
	assert_true(flow_called("ES4 HandleProfileDisabledNotification " ICCID_OP " -> " OP));
	btw("later the card falls back on its own");
	enable(720);
	flow_card("23029000");
	flow_notif(2, 10, ICCID_OP);
	flow_card("23029000");
	flow.n_called = 0;
	flow_notif(5, 11, ICCID_BOOT);
	assert_to_card("80E28900073A08044E02000B");
	assert_int_equal(flow_state(ICCID_BOOT), EIS_PS_ENABLED);
	flow_notif(5, 11, ICCID_BOOT);	/* the card repeats itself: one confirmation is enough */
	flow_card("23029000");
	assert_card_idle();
	assert_int_equal(flow.n_called, 2);
}

/* Off-card 6.13, the last rows; corrections 5. */
static void no_notification(void **state)
{
	int64_t id = enable(60);
	unsigned n;

	flow_card("23029000");
	flow_pass(61);
	assert_answer(id, ES_EXPIRED, "1.6/5.4");	/* the card had acknowledged */
	assert_true(flow.e->eis->uncertain);
	assert_true(flow.e->eis->audit_due);
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_DISABLED);
	btw("the late notification is not confirmed");
	n = flow.n_sent;
	flow_notif(2, 7, ICCID_OP);
	assert_int_equal(flow.n_sent, n);
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_DISABLED);
	assert_true(flow_timeline("notification 02", "expired, not confirmed"));
	btw("the next request waits for certainty");
	id = enable(2000);
	assert_not_answered(id);
	assert_int_equal(flow.n_sent, n);
	btw("the card rolls back and says so");
	flow_notif(3, 8, ICCID_BOOT);
	assert_false(flow.e->eis->uncertain);
	assert_int_equal(flow_state(ICCID_BOOT), EIS_PS_ENABLED);
	assert_int_equal(flow.n_sent, n + 2);
	assert_non_null(strstr(flow.sent[n].script, "80E28900073A08044E020008"));	/* confirmed first */
	assert_non_null(strstr(flow.sent[n + 1].script, ENABLE_OP));
}

static void no_answer_then_audit(void **state)
{
	int64_t id = enable(60), next;

	flow_outcome(CARD_NO_ANSWER);
	assert_not_answered(id);
	flow_pass(61);
	assert_answer(id, ES_EXPIRED, "1.6/5.3");
	assert_true(flow.e->eis->uncertain);
	next = flow_ask(ES4, ES_FN_AUDIT_EIS, OP, NULL, 3000);
	assert_card_idle();
	btw("asked early, it says Enabled: that may be provisional and is not believed");
	flow_pass(31);
	assert_to_card("80CAFF21");
	flow_card("2310FF210B81010282021000830280009000");
	flow_card("2332" "E3164F10" AID_BOOT "9F70011F" "E3164F10" AID_OP "9F70013F" "9000");
	assert_true(flow.e->eis->uncertain);
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_DISABLED);
	assert_not_answered(next);
	btw("until the roll-back window is over");
	while (flow.e->eis->uncertain_since + 900 > flow.now) {
		flow_pass(10);
		if (strcmp(flow_script(), "") && flow.e->eis->uncertain_since + 900 > flow.now)
			flow_outcome(CARD_NO_ANSWER);
	}
	while (!strcmp(flow_script(), ""))
		flow_pass(10);
	assert_to_card("80CAFF21");
	flow_card("2310FF210B81010282021000830280009000");
	assert_to_card("80F24002");
	btw("it had done it: the card has the operator's profile enabled");
	flow_card("2332" "E3164F10" AID_BOOT "9F70011F" "E3164F10" AID_OP "9F70013F" "9000" );
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_ENABLED);
	assert_int_equal(flow_state(ICCID_BOOT), EIS_PS_DISABLED);
	assert_false(flow.e->eis->uncertain);
	assert_true(flow_called("ES4 HandleProfileEnabledNotification " ICCID_OP " -> " OP));
	btw("the operator's own audit follows");
	assert_not_answered(next);
	flow_card("23026A88");
	flow_card("2332" "E3164F10" AID_BOOT "9F70011F" "E3164F10" AID_OP "9F70013F" "9000" );
	assert_answer(next, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_answered(next)->n_profiles, 1);
	assert_int_equal(flow_active(), 0);
}

/* The SMS is lost: the card, asked, has the other profile disabled. It has not heard, and is told again. */
static void command_lost(void **state)
{
	int64_t id = enable(720);
	unsigned n;

	flow_outcome(CARD_NO_ANSWER);
	assert_card_idle();
	flow_pass(31);
	assert_to_card("80F24002");
	flow_outcome(CARD_NO_ANSWER);	/* still away */
	flow_pass(31);
	n = flow.n_sent;
	flow_card("231A" "E3164F10" AID_OP "9F70011F" "9000");
	assert_int_equal(flow.n_sent, n + 1);
	assert_to_card(ENABLE_OP);
	flow_outcome(CARD_NO_ANSWER);
	flow_pass(31);
	btw("now it has: Enabled proves nothing yet");
	flow_card("231A" "E3164F10" AID_OP "9F70013F" "9000");
	assert_card_idle();
	assert_not_answered(id);
	flow_notif(2, 7, ICCID_OP);
	flow_card("23029000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
}

/* Expired, and the card has not done it: certain long before the roll-back window is over. */
static void early_certainty(void **state)
{
	int64_t id = enable(20), next;

	flow_outcome(CARD_NO_ANSWER);
	flow_pass(21);
	assert_answer(id, ES_EXPIRED, "1.6/5.3");
	next = enable(300);
	assert_not_answered(next);
	flow_pass(31);
	assert_to_card("80CAFF21");
	flow_card("23026A88");
	flow_card("2332" "E3164F10" AID_BOOT "9F70013F" "E3164F10" AID_OP "9F70011F" "9000");
	assert_false(flow.e->eis->uncertain);
	assert_to_card(ENABLE_OP);
}

static void notification_overtakes_answer(void **state)
{
	int64_t id = enable(720);

	flow_leaves();
	flow_notif(2, 7, ICCID_OP);
	assert_to_card(CONFIRM_7);
	flow_card("23029000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
}

/* Confirm or expire, whichever is committed first. */
static void confirmation_beats_deadline(void **state)
{
	int64_t id = enable(60);

	flow_card("23029000");
	flow_pass(58);
	flow_notif(2, 7, ICCID_OP);
	flow_leaves();
	flow_pass(10);
	assert_not_answered(id);
	flow_notif(2, 7, ICCID_OP);	/* repeated */
	flow_card("23029000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
}

static void deadline_beats_confirmation(void **state)
{
	int64_t id = enable(60);

	flow_card("23029000");
	flow_pass(58);
	flow_notif(2, 7, ICCID_OP);
	assert_to_card(CONFIRM_7);	/* waits in the card session: nothing has left */
	flow_pass(10);
	assert_answer(id, ES_EXPIRED, "1.6/5.4");
	assert_card_idle();		/* forgotten */
	assert_true(flow.e->eis->uncertain);
}

static void confirmation_lost(void **state)
{
	int64_t id = enable(720);

	flow_card("23029000");
	flow_notif(2, 7, ICCID_OP);
	flow_outcome(CARD_NO_ANSWER);
	assert_to_card(CONFIRM_7);
	btw("it had heard the first: its notification is closed");
	flow_card("23026A88");
	assert_to_card("80F24002");
	flow_card("231A" "E3164F10" AID_OP "9F70013F" "9000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_ENABLED);
}

/* The confirmation has left once, then the card is off the air for good: an answer all the same (P4), and it is not a lie. */
static void confirmation_then_silence(void **state)
{
	int64_t id = enable(60);

	flow_card("23029000");
	flow_notif(2, 7, ICCID_OP);
	flow_leaves();
	flow_outcome(CARD_NO_ANSWER);
	assert_to_card(CONFIRM_7);
	for (int i = 0; i < 20 && !flow_answered(id); i++) {
		if (flow_script()[0])
			flow_outcome(CARD_NOT_SENT);
		flow_pass(5);
	}
	assert_answer(id, ES_EXPIRED, "1.6/5.4");
	assert_true(flow.e->eis->uncertain);
}

/* Corrections 3: the command waited for the card, meanwhile the owner forbade it. */
static void policy_is_asked_when_it_leaves(void **state)
{
	int64_t id = enable(720);
	struct sent *s;

	flow_outcome(CARD_NOT_SENT);
	flow_pass(5);
	assert_to_card(ENABLE_OP);
	flow_pol2(ICCID_OP, "ENABLE", "Not-Allowed");
	s = &flow.sent[flow.n_sent - 1];
	assert_true(s->c.mark_sent(s->c.priv, "SMS") < 0);
	flow_outcome(CARD_NOT_SENT);
	assert_answer(id, ES_FAILED, "8.2.3/3.8");
	assert_false(flow.e->change_pending);
	assert_int_equal(flow_active(), 0);
}

static void auto_delete(void **state)
{
	int64_t id;

	enable(720);
	flow_card("23029000");
	flow_notif(2, 7, ICCID_OP);
	flow_card("23029000");
	flow_pol2(ICCID_OP, "DISABLE", "Auto-Delete");
	flow.n_called = 0;
	id = flow_ask(ES4, ES_FN_DISABLE_PROFILE, OP, ICCID_OP, 720);
	flow_card("23029000");
	flow_notif(2, 8, ICCID_BOOT);
	flow_card("23029000");
	assert_to_card(DELETE_OP);
	flow_card("2303009000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_state(ICCID_OP), -1);
	assert_true(flow_called("ES4 HandleProfileDeletedNotification " ICCID_OP " -> " OP));
}

static void pol1_deletes(void **state)
{
	enable(720);
	flow_card("23029000");
	flow_notif(2, 7, ICCID_OP);
	flow_card("23029000");
	flow_ask(ES4, ES_FN_DISABLE_PROFILE, OP, ICCID_OP, 720);
	flow_card("23029000");
	flow_notif(2, 8, ICCID_BOOT);
	flow_card("231680124F10" AID_OP "9000");	/* card-side 3.12: deleted ISD-Ps in the answer */
	assert_int_equal(flow_state(ICCID_OP), -1);
	assert_int_equal(flow_active(), 0);
}

static void delete_enabled(void **state)
{
	int64_t id;

	enable(720);
	flow_card("23029000");
	flow_notif(2, 7, ICCID_OP);
	flow_card("23029000");
	id = flow_ask(ES4, ES_FN_DELETE_PROFILE, OP, ICCID_OP, 720);
	assert_to_card(DISABLE_OP);
	flow_card("23029000");
	flow_notif(2, 8, ICCID_BOOT);
	flow_card("23029000");
	assert_to_card(DELETE_OP);
	btw("POL1 forbids the deletion: it stays disabled");
	flow_card("230269E1");
	assert_answer(id, ES_FAILED, "8.2.2/3.8");
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_DISABLED);
	id = flow_ask(ES4, ES_FN_DELETE_PROFILE, OP, ICCID_OP, 720);
	assert_to_card(DELETE_OP);
	flow_card("23029000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_state(ICCID_OP), -1);
}

static void queue_is_bounded(void **state)
{
	int64_t id[12];

	for (int i = 0; i < 12; i++)
		id[i] = enable(60 + i);
	for (int i = 1; i <= EUICC_QUEUE_MAX; i++)
		assert_not_answered(id[i]);
	for (int i = EUICC_QUEUE_MAX + 1; i < 12; i++)
		assert_answer(id[i], ES_FAILED, "1.2/4.4");
	flow_card("23029000");
	btw("all expire: the first unknown, the others certainly not done");
	flow_pass(120);
	assert_answer(id[0], ES_EXPIRED, "1.6/5.4");
	for (int i = 1; i <= EUICC_QUEUE_MAX; i++)
		assert_answer(id[i], ES_EXPIRED, "1.6/5.3");
	assert_int_equal(flow.n_sent, 2);	/* and the audit */
	assert_to_card("80CAFF21");
	flow_outcome(CARD_NO_ANSWER);
	assert_int_equal(flow_active(), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, flow_setup, flow_teardown)
	const struct CMUnitTest tests[] = {
		T(enabled_works),
		T(enabled_by_smdp),
		T(refused_by_policy),
		T(policy_is_asked_when_it_acts),
		T(refused_by_card),
		T(nothing_could_be_sent),
		T(never_reached),
		T(rolled_back),
		T(fell_back),
		T(no_notification),
		T(no_answer_then_audit),
		T(command_lost),
		T(early_certainty),
		T(notification_overtakes_answer),
		T(confirmation_beats_deadline),
		T(deadline_beats_confirmation),
		T(confirmation_lost),
		T(confirmation_then_silence),
		T(policy_is_asked_when_it_leaves),
		T(auto_delete),
		T(pol1_deletes),
		T(delete_enabled),
		T(queue_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
