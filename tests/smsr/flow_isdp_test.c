/* A download seen from the SM-SR: CreateISDP, SendData, ProfileDownloadCompleted, DeleteISDP; the hold; GetEIS
 * (SGP.02 3.1, off-card 6.3, 3.8; corrections 2, 12).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "flow.h"

#define AID_NEW		"A0000005591010FFFFFFFF8900001000"	/* the first that is free, Annex H */
#define CREATE_NEW	"80E60C" /* P2, Lc */ "00"
#define ENABLE_OP	"80E28800153A03124F10" AID_OP

#define assert_to_card(hex) assert_non_null(strstr(flow_script(), hex))
#define assert_card_idle() assert_string_equal(flow_script(), "")

static int64_t create(const char *party, const char *iccid, bool more)
{
	snprintf(flow_body()->mno_id, sizeof(flow_body()->mno_id), OP);
	flow_body()->required_memory = 65536;
	flow_body()->more_to_do = more;
	return flow_ask(ES3, ES_FN_CREATE_ISDP, party, iccid, 300);
}

static int64_t send_data(const char *party, const char *aid, const char *hex, bool more)
{
	struct es_body *b = flow_body();

	assert_int_equal(aid_from_hex(&b->sd_aid, aid), 0);
	b->data = bytes_from_hex(flow.root, hex);
	b->more_to_do = more;
	return flow_ask(ES3, ES_FN_SEND_DATA, party, NULL, 300);
}

static int64_t created(bool more)
{
	int64_t id = create(SMDP, ICCID_NEW, more);

	flow_card("2303009000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	return id;
}

static void whole_download(void **state)
{
	char aid[AID_STR_SIZE];
	int64_t id = create(SMDP, ICCID_NEW, true);

	assert_to_card(CREATE_NEW);
	assert_to_card("0EC90481020370EF06830400010000");	/* card-side 3.1: 64 KiB */
	assert_to_card(AID_NEW);
	assert_true(flow.sent[0].c.more);
	btw("while it is made nobody sees it");
	assert_int_equal(flow_state(ICCID_NEW), EIS_PS_IN_CREATION);
	assert_int_equal(flow_answered(flow_ask(ES3, ES_FN_GET_EIS, SMDP, NULL, 60))->n_profiles, 1);
	flow_card("2303009000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_string_equal(aid_str(aid, &flow_answered(id)->isdp_aid), AID_NEW);
	assert_int_equal(flow_state(ICCID_NEW), EIS_PS_CREATED);
	assert_int_equal(flow.e->eis->fix.available_memory, 300000 - 65536);
	btw("a key establishment step 1: chained from here on (Annex K)");
	id = send_data(SMDP, AID_NEW, "221C80E6200016000010" AID_NEW "00000000" "220D80E20900083A01057F21020102", true);
	assert_true(flow.sent[1].c.chained);
	assert_true(flow.sent[1].c.first_in_chain);
	assert_true(flow.sent[1].c.more);
	assert_true(aid_eq(&flow.sent[1].c.target, &aid_isd_r));	/* card-side 5: by way of the ISD-R */
	flow_card("231485100102030405060708090A0B0C0D0E0F109000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_string_equal(flow_answered(id)->data, "231485100102030405060708090A0B0C0D0E0F109000");
	id = send_data(SMDP, AID_NEW, "840A30000102030405060708" "86020102", false);
	assert_string_equal(aid_str(aid, &flow.sent[2].c.target), AID_NEW);
	assert_true(flow.sent[2].c.chained);
	assert_false(flow.sent[2].c.first_in_chain);
	assert_false(flow.sent[2].c.more);
	flow_card("86008600");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_false(flow.e->held);
	btw("completed");
	snprintf(flow_body()->profile_type, 20, "demo");
	flow_body()->has_addr = true;
	snprintf(flow_body()->addr.msisdn, 16, "4917099");
	id = flow_ask(ES3, ES_FN_PROFILE_DOWNLOAD_COMPLETED, SMDP, ICCID_NEW, 60);
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_state(ICCID_NEW), EIS_PS_DISABLED);
	assert_string_equal(eis_by_iccid(flow.e->eis, ICCID_NEW)->i.addr.msisdn, "4917099");
	btw("once is enough");
	id = flow_ask(ES3, ES_FN_PROFILE_DOWNLOAD_COMPLETED, SMDP, ICCID_NEW, 60);
	assert_int_equal(flow_answered(id)->status, ES_FAILED);
	assert_int_equal(flow_active(), 0);
}

static void create_refused(void **state)
{
	int64_t id = create(SMDP, ICCID_OP, true);

	assert_answer(id, ES_FAILED, "8.2.1/3.3");
	flow_body()->required_memory = 1;
	assert_answer(create(SMDP, ICCID_BOOT, false), ES_FAILED, "8.2.1/3.3");
	snprintf(flow_body()->mno_id, 60, OP);
	flow_body()->required_memory = 1000000;
	id = flow_ask(ES3, ES_FN_CREATE_ISDP, SMDP, ICCID_NEW, 300);
	assert_answer(id, ES_FAILED, "8.1/4.8");
	assert_false(flow.e->held);
	btw("the card has no room");
	id = create(SMDP, ICCID_NEW, true);
	flow_card("23026A84");
	assert_answer(id, ES_FAILED, "8.1/4.8");
	assert_int_equal(flow_state(ICCID_NEW), -1);
	assert_false(flow.e->held);
	assert_int_equal(flow.e->eis->fix.available_memory, 300000);
}

static void create_answer_lost(void **state)
{
	int64_t id = create(SMDP, ICCID_NEW, true);

	flow_outcome(CARD_NO_ANSWER);
	assert_not_answered(id);
	assert_to_card("80F240");
	flow_card("231A" "E3164F10" AID_NEW "9F700107" "9000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_state(ICCID_NEW), EIS_PS_CREATED);
	btw("and a second, which the card never made");
	flow_body()->has_eid = false;
	id = create(SMDP, "8949000000000000035", true);
	btw("another ISD-P is not part of this download: it waits for the hold");
	assert_not_answered(id);
	flow_pass(61);
	flow_outcome(CARD_NO_ANSWER);
	flow_card("23026A88");
	btw("it is told again; and again nothing is known");
	assert_not_answered(id);
	assert_to_card("80E60C00");
	flow_outcome(CARD_NO_ANSWER);
	assert_to_card("80F240");
	flow_outcome(CARD_NO_ANSWER);
	assert_card_idle();
	btw("asked again, each time later");
	flow_pass(6);
	assert_to_card("80F240");
	flow_outcome(CARD_NO_ANSWER);
	flow_pass(6);
	assert_card_idle();
	flow_pass(5);
	flow_card("23026A88");
	btw("a refusal of the repetition says nothing about the first one");
	flow_card("23026A80");
	assert_not_answered(id);
	flow_card("23026A88");
	assert_answer(id, ES_FAILED, "8.4/4.2");
	assert_int_equal(flow_state("8949000000000000035"), -1);
}

/* The card says that nothing was done, and is then gone: nothing to audit. */
static void create_told_again_in_vain(void **state)
{
	int64_t id = create(SMDP, ICCID_NEW, true);

	flow_outcome(CARD_NO_ANSWER);
	flow_card("23026A88");
	assert_to_card("80E60C00");
	flow_pass(310);
	assert_answer(id, ES_EXPIRED, "1.6/5.3");
	assert_int_equal(flow_state(ICCID_NEW), -1);
	assert_card_idle();
}

static void create_never_answered(void **state)
{
	int64_t id = create(SMDP, ICCID_NEW, true);

	flow_outcome(CARD_NO_ANSWER);
	flow_outcome(CARD_NO_ANSWER);	/* GET STATUS neither */
	assert_not_answered(id);
	flow_pass(310);
	assert_answer(id, ES_EXPIRED, "1.6/5.3");
	assert_int_equal(flow_state(ICCID_NEW), EIS_PS_IN_CREATION);
	assert_to_card("80CAFF21");	/* audit at once: nothing is provisional */
	flow_card("23026A88");
	flow_card("234A"
		  "E3164F10" AID_BOOT "9F70013F"
		  "E3164F10" AID_OP "9F70011F"
		  "E3164F10" AID_NEW "9F700107"
		  "9000");
	assert_int_equal(flow_state(ICCID_NEW), EIS_PS_CREATED);
	assert_int_equal(flow_state(ICCID_BOOT), EIS_PS_ENABLED);
	assert_int_equal(flow_active(), 0);
}

static void hold_keeps_others_out(void **state)
{
	int64_t enable, data;

	created(true);
	enable = flow_ask(ES4, ES_FN_ENABLE_PROFILE, OP, ICCID_OP, 300);
	assert_not_answered(enable);
	assert_card_idle();
	btw("the download goes on");
	data = send_data(SMDP, AID_NEW, "86020102", true);
	assert_to_card("86020102");
	flow_card("8600");
	assert_answer(data, ES_EXECUTED_SUCCESS, "");
	assert_card_idle();
	flow_pass(30);
	data = send_data(SMDP, AID_NEW, "86020304", true);
	flow_card("8600");
	flow_pass(40);		/* 70 s since it began, 40 since the last call */
	assert_card_idle();
	btw("the SM-DP is gone: the hold ends after 60 s without a call");
	flow_pass(25);
	assert_to_card(ENABLE_OP);
	assert_false(flow.e->held);
	flow_card("23026985");
	btw("what is left is visible to its SM-DP alone, and can be deleted by it alone");
	assert_int_equal(flow_answered(flow_ask(ES3, ES_FN_GET_EIS, SMDP, NULL, 60))->n_profiles, 2);
	assert_int_equal(flow_answered(flow_ask(ES3, ES_FN_GET_EIS, SMDP2, NULL, 60))->n_profiles, 0);
	assert_answer(flow_ask(ES3, ES_FN_DELETE_ISDP, SMDP2, ICCID_NEW, 60), ES_FAILED, "8.2.1/1.2");
	assert_int_equal(flow_answered(flow_ask(ES4, ES_FN_DELETE_PROFILE, OP, ICCID_NEW, 60))->status, ES_FAILED);
	data = flow_ask(ES3, ES_FN_DELETE_ISDP, SMDP, ICCID_NEW, 60);
	assert_to_card("80E40040124F10" AID_NEW);
	flow_card("23029000");
	assert_answer(data, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_state(ICCID_NEW), -1);
	assert_int_equal(flow.e->eis->fix.available_memory, 300000);
	assert_int_equal(flow.n_called, 0);	/* it never was a profile */
}

static void waiting_behind_a_hold(void **state)
{
	int64_t id;

	created(true);
	id = flow_ask(ES4, ES_FN_ENABLE_PROFILE, OP, ICCID_OP, 20);
	flow_pass(21);
	assert_answer(id, ES_EXPIRED, "1.6/5.3");
	assert_true(flow.e->held);
}

static void delete_isdp_ends_the_hold(void **state)
{
	int64_t id;

	created(true);
	id = flow_ask(ES3, ES_FN_DELETE_ISDP, SMDP, ICCID_NEW, 60);
	flow_card("23026A88");	/* not there: as good */
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_false(flow.e->held);
	assert_true(flow.releases > 0);
}

static void send_data_cut(void **state)
{
	char *hex = talloc_strdup(NULL, "");
	int64_t id;
	unsigned first;

	created(true);
	first = flow.n_sent;
	for (int i = 0; i < 30; i++) {	/* TLVs of 303 octets, 27 of them fit one command */
		hex = talloc_strdup_append(hex, "8682012B");
		for (int j = 0; j < 0x12B; j++)
			hex = talloc_asprintf_append(hex, "%02X", i);
	}
	id = send_data(SMDP, AID_NEW, hex, false);
	assert_int_equal(flow.sent[first].c.script_len, 27 * 303);
	assert_true(flow.sent[first].c.chained);
	assert_true(flow.sent[first].c.more);
	assert_true(flow.sent[first].c.first_in_chain);
	flow_card("8600");
	assert_not_answered(id);
	assert_int_equal(flow.sent[first + 1].c.script_len, 3 * 303);
	assert_true(flow.sent[first + 1].c.chained);
	assert_false(flow.sent[first + 1].c.more);
	assert_false(flow.sent[first + 1].c.first_in_chain);
	flow_card("8600");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_string_equal(flow_answered(id)->data, "86008600");
	btw("the second of several is refused: what the card said so far goes back");
	id = send_data(SMDP, AID_NEW, hex, true);
	flow_card("8600");
	flow_card("9F460102");	/* card-side 7.2 */
	assert_answer(id, ES_FAILED, "8.4/4.2");
	assert_string_equal(flow_answered(id)->data, "86009F460102");
	btw("no answer is no failure");
	id = send_data(SMDP, AID_NEW, "86020102", true);
	flow_outcome(CARD_NO_ANSWER);
	assert_answer(id, ES_EXPIRED, "1.6/5.4");
	btw("not TLVs; not an ISD-P of this card");
	assert_answer(send_data(SMDP, AID_NEW, "8610", true), ES_FAILED, "1.6/2.1");
	assert_answer(send_data(SMDP, "A0000005591010FFFFFFFF8900009900", "8600", true), ES_FAILED, "8.2.1/3.9");
	btw("another SM-DP");
	flow_ask(ES3, ES_FN_DELETE_ISDP, SMDP, ICCID_NEW, 60);
	flow_card("23029000");
	assert_answer(send_data(SMDP2, AID_OP, "8600", false), ES_FAILED, "8.2.1/1.2");
	talloc_free(hex);
}

/* Else a refusal would prove nothing. */
static void assert_well_formed(const char *hex)
{
	struct bytes *b = bytes_from_hex(flow.root, hex);
	struct apdu_cmd c;
	struct tlv t;
	struct rd r;
	int rc;

	rd_init(&r, b->data, b->len);
	while ((rc = tlv_next(&r, &t)) == 1)
		assert_int_equal(apdu_dec(&c, t.v, t.len), 0);
	assert_int_equal(rc, 0);
	talloc_free(b);
}

/* The ISD-R obeys whatever comes under the SM-SR's keys: an SM-DP must not command it through SendData. */
static void send_data_is_no_way_to_the_isd_r(void **state)
{
	static const char *const evil[] = {
		"221A80E28800153A03124F10" AID_OP,				/* EnableProfile */
		"221780E40040124F10" AID_OP,					/* DeleteProfile */
		"221C80E6200016000010" AID_OP "00000000",			/* personalization of another ISD-P */
		"221C80E6200016000010" AID_NEW "00000000" "221780E40040124F10" AID_OP,
		"220D80E20900083A01057F21020102" "221A80E28801153A03124F10" AID_OP,	/* as second block */
		"220880E28900033A0305",
		"220D80E20900083A01057F21020102",	/* a certificate, but no word of the ISD-P */
		"220E80E28800093A010080E288000000",
		"86020102" "221780E40040124F10" AID_OP,				/* first TLV is not the only one */
	};
	unsigned n;

	created(true);
	n = flow.n_sent;
	for (size_t i = 0; i < 8; i++) {
		assert_well_formed(evil[i]);
		assert_answer(send_data(SMDP, AID_NEW, evil[i], true), ES_FAILED, "1.6/2.1");
		assert_answer(send_data(SMDP, "A0000005591010FFFFFFFF8900000100", evil[i], true), ES_FAILED, "1.6/2.1");
	}
	assert_int_equal(flow.n_sent, n);
	btw("what does not begin so goes to the ISD-P, which has its own say");
	send_data(SMDP, AID_NEW, evil[8], true);
	assert_true(aid_eq(&flow.sent[n].c.target, &eis_by_iccid(flow.e->eis, ICCID_NEW)->i.isdp_aid));
	flow_card("8600");
	btw("the ISD-R is open to a download only");
	assert_answer(send_data(SMDP2, "A0000005591010FFFFFFFF8900000100", "8600", true), ES_FAILED, "8.2.1/3.9");
}

static void get_eis_filtered(void **state)
{
	struct answer *a = flow_answered(flow_ask(ES4, ES_FN_GET_EIS, OP, NULL, 60));

	assert_int_equal(a->n_profiles, 1);
	assert_string_equal(a->iccid, ICCID_OP);
	assert_false(a->isdr || a->ecasd || a->signed_info);
	a = flow_answered(flow_ask(ES3, ES_FN_GET_EIS, SMDP, NULL, 60));
	assert_int_equal(a->n_profiles, 1);
	assert_true(a->isdr && a->ecasd && a->signed_info);
	assert_int_equal(flow_answered(flow_ask(ES4, ES_FN_GET_EIS, OTHER, NULL, 60))->n_profiles, 0);
	assert_answer(flow_ask(ES4, ES_FN_AUDIT_EIS, OTHER, NULL, 60), ES_FAILED, "8.1/1.2");
}

static void duplicate_delete(void **state)
{
	int64_t one = flow_ask(ES4, ES_FN_DELETE_PROFILE, OP, ICCID_OP, 60);
	int64_t two = flow_ask(ES4, ES_FN_DELETE_PROFILE, OP, ICCID_OP, 60);

	flow_card("23029000");
	assert_answer(one, ES_EXECUTED_SUCCESS, "");
	assert_answer(two, ES_FAILED, "8.2.1/3.9");	/* the truth by the time it acts */
	assert_int_equal(flow.n_sent, 1);
	assert_answer(flow_ask(ES4, ES_FN_DELETE_PROFILE, BOOT, ICCID_BOOT, 60), ES_FAILED, "8.2.3/3.8");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, flow_setup, flow_teardown)
	const struct CMUnitTest tests[] = {
		T(whole_download),
		T(create_refused),
		T(create_answer_lost),
		T(create_told_again_in_vain),
		T(create_never_answered),
		T(hold_keeps_others_out),
		T(waiting_behind_a_hold),
		T(delete_isdp_ends_the_hold),
		T(send_data_cut),
		T(send_data_is_no_way_to_the_isd_r),
		T(get_eis_filtered),
		T(duplicate_delete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
