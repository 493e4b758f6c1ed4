/* SetFallBackAttribute, MasterDelete, UpdateConnectivityParameters, UpdateSMSRAddressingParameters end to end, with
 * card and requester played by the test (SGP.02 3.10, 3.14, 3.27; off-card 6.9, 6.11, 6.15).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>

#include "flow.h"

#define FALLBACK_OP	"80E28800153A05124F10" AID_OP		/* card-side 3.7 */
#define STATUS_OP	"80F24002"				/* card-side 3.5 */
/* card-side 3.6: published layout; another ISD-P in it */
#define MASTER_BODY(aid) "80E40040434F10" aid "B61D420549534450014509495344505344494E01" \
			 "5F200547534D41019301019E106CD4E26F7F67AE0296CEEC696336613C00"
#define E3(aid, state, attr) "E3194F10" aid "9F7001" state "5301" attr

#define assert_to_card(hex) assert_non_null(strstr(flow_script(), hex))
#define assert_card_idle() assert_string_equal(flow_script(), "")

/* Response script TLV 23 { data SW }. */
static const char *said(const char *data, const char *sw)
{
	static char out[200];

	snprintf(out, sizeof(out), "23%02zX%s%s", (strlen(data) + strlen(sw)) / 2, data, sw);
	return out;
}

static int64_t vty(enum proc_kind kind, const char *iccid, const char *data_hex, unsigned validity_s)
{
	const struct proc_want w = {
		.kind = kind, .requester = POLICY_PARTY_VTY, .iface = ES4, .iccid = iccid,
		.deadline = flow.now + validity_s, .data = data_hex ? bytes_from_hex(OTC_SELECT, data_hex) : NULL,
	};
	int64_t id = proc_request(flow.e, &w);

	txn_commit(flow.db->sql);
	return id;
}

static bool fallback(const char *iccid)
{
	struct eis *eis = eis_load(flow.root, flow.db, &flow.e->eis->fix.eid);
	bool f = eis_by_iccid(eis, iccid)->i.fallback;
	unsigned n = 0;
	struct eis_profile *p;

	llist_for_each_entry(p, &eis->profiles, entry)
		n += p->i.fallback;
	assert_int_equal(n, 1);		/* unique at any time */
	assert_int_equal(f, eis_by_iccid(flow.e->eis, iccid)->i.fallback);
	talloc_free(eis);
	return f;
}

/* BOOT, whose profile has the attribute, lets OP take it away. */
static void boot_agrees(void)
{
	char name[1][ES_NAME_SIZE] = { "SetFallBackAttribute" };
	struct es_grant g = { .mno_id = BOOT, .m2m_sp_id = OP, .profile_type = "boot", .names = name, .n_names = 1 };
	struct eis_profile *p = eis_by_iccid(flow.e->eis, ICCID_BOOT);

	snprintf(p->i.profile_type, sizeof(p->i.profile_type), "boot");
	smsr_db_profile_put(flow.db, flow.e->eis, p);
	assert_int_equal(grants_set(flow.reg->grants, GRANT_PLMA, &g, ""), 0);
}

static int64_t set(unsigned validity)
{
	return flow_ask(ES4, ES_FN_SET_FALLBACK, OP, ICCID_OP, validity);
}

static void fallback_works(void **state)
{
	int64_t id;

	boot_agrees();
	id = set(720);
	assert_to_card(FALLBACK_OP);
	assert_true(fallback(ICCID_BOOT));	/* the record follows the card */
	flow_card("23029000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_string_equal(flow_answered(id)->data, "23029000");
	assert_true(fallback(ICCID_OP));
	assert_true(flow_called("ES4 HandleProfileFallBackAttributeUnsetNotification " ICCID_BOOT " -> " BOOT));
	assert_int_equal(flow.n_called, 1);	/* not the requester */
	assert_true(flow_timeline("SetFallBackAttribute", "confirmed"));
	assert_int_equal(flow_active(), 0);
	btw("twice");
	id = set(720);
	flow_card("23029000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow.n_called, 1);
}

static void fallback_refused(void **state)
{
	btw("BOOT has not agreed");
	assert_answer(set(720), ES_FAILED, "8.2.1/3.8");
	assert_answer(flow_ask(ES4, ES_FN_SET_FALLBACK, OTHER, ICCID_OP, 720), ES_FAILED, "8.2.1/1.2");
	assert_answer(flow_ask(ES4, ES_FN_SET_FALLBACK, OP, ICCID_NEW, 720), ES_FAILED, "8.2.1/3.9");
	assert_answer(flow_ask(ES4, ES_FN_SET_FALLBACK, OP, NULL, 720), ES_FAILED, "1.6/2.2");
	assert_int_equal(flow.n_sent, 0);
	boot_agrees();
	for (int i = 0; i < 2; i++) {
		int64_t id = set(720);

		flow_card(i ? "230269E1" : "23026985");
		assert_answer(id, ES_FAILED, i ? "8.2.2/3.8" : "8.4/4.2");
		assert_true(fallback(ICCID_BOOT));
		assert_int_equal(flow_active(), 0);
	}
	assert_int_equal(flow.n_called, 0);
}

/* Its PLMA is withdrawn between the request and the moment of acting (corrections 3). */
static void fallback_asked_when_it_acts(void **state)
{
	struct es_grant none = { .mno_id = BOOT, .m2m_sp_id = OP, .profile_type = "boot" };
	int64_t id;

	boot_agrees();
	id = set(720);
	assert_to_card(FALLBACK_OP);
	assert_int_equal(grants_set(flow.reg->grants, GRANT_PLMA, &none, ""), 0);
	assert_int_equal(flow.sent[0].c.mark_sent(flow.sent[0].c.priv, "SMS"), -EPERM);
	flow.sent[0].open = false;
	flow.sent[0].c.done(flow.sent[0].c.priv, CARD_NOT_SENT, "no", NULL, 0);
	assert_answer(id, ES_FAILED, "8.2.1/3.8");
	assert_true(fallback(ICCID_BOOT));
}

static void fallback_silence(void **state)
{
	int64_t id;

	boot_agrees();
	btw("not done: sent again");
	id = set(720);
	flow_outcome(CARD_NO_ANSWER);
	assert_to_card(STATUS_OP);
	flow_card(said(E3(AID_OP, "1F", "00"), "9000"));
	assert_to_card(FALLBACK_OP);
	btw("done, but the answer was lost");
	flow_outcome(CARD_NO_ANSWER);
	flow_card(said(E3(AID_OP, "1F", "01"), "9000"));
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_true(fallback(ICCID_OP));
}

static void fallback_never_heard(void **state)
{
	int64_t id;

	boot_agrees();
	id = set(60);
	flow_outcome(CARD_NO_ANSWER);
	flow_outcome(CARD_NO_ANSWER);
	flow_pass(61);
	assert_answer(id, ES_EXPIRED, "1.6/5.3");
	assert_true(fallback(ICCID_BOOT));	/* as last confirmed, and marked */
	assert_true(flow.e->eis->audit_due);
	btw("the audit finds what the card did");
	flow_pass(10);
	flow_card(said("FF210E81020001820400040000830200FF", "9000"));
	flow_card(said(E3(AID_BOOT, "3F", "00") E3(AID_OP, "1F", "01"), "9000"));
	assert_true(fallback(ICCID_OP));
	assert_true(flow_timeline("audit", "has the fall-back attribute"));
	assert_true(flow_called("ES4 HandleProfileFallBackAttributeSetNotification " ICCID_OP " -> " OP));
	assert_true(flow_called("ES4 HandleProfileFallBackAttributeUnsetNotification " ICCID_BOOT " -> " BOOT));
	assert_int_equal(flow_active(), 0);
}

static void fallback_restart(void **state)
{
	int64_t id;

	boot_agrees();
	id = set(720);
	flow_restart();			/* nothing had left: begins anew */
	assert_to_card(FALLBACK_OP);
	flow_leaves();
	flow_restart();			/* it had: the card is asked */
	assert_to_card(STATUS_OP);
	flow_card(said(E3(AID_OP, "1F", "01"), "9000"));
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_true(fallback(ICCID_OP));
}

/* Now DisableProfile leads to the new holder, and the old one may be deleted. */
static void fallback_counts(void **state)
{
	int64_t id;

	boot_agrees();
	set(720);
	flow_card("23029000");
	id = flow_ask(ES4, ES_FN_DISABLE_PROFILE, BOOT, ICCID_BOOT, 720);
	flow_card("23029000");
	flow_notif(2, 7, ICCID_OP);
	flow_card("23029000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_ENABLED);
	assert_answer(flow_ask(ES4, ES_FN_DELETE_PROFILE, OP, ICCID_OP, 720), ES_FAILED, "8.2.3/3.8");
	id = flow_ask(ES4, ES_FN_DELETE_PROFILE, BOOT, ICCID_BOOT, 720);
	flow_card("2303009000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_int_equal(flow_state(ICCID_BOOT), -1);
}

/* Attributes exclude each other; a Disabled profile only (off-card 6.11). */
static void emergency(void **state)
{
	int64_t id = flow_ask(ES4, ES_FN_SET_EMERGENCY, OP, ICCID_OP, 720);

	assert_to_card("80E28800153A09124F10" AID_OP);		/* card-side 3.8 */
	flow_outcome(CARD_NO_ANSWER);
	flow_card(said(E3(AID_OP, "1F", "00"), "9000"));
	flow_card("23029000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_ptr_equal(eis_emergency(flow.e->eis), eis_by_iccid(flow.e->eis, ICCID_OP));
	flow_restart();
	assert_ptr_equal(eis_emergency(flow.e->eis), eis_by_iccid(flow.e->eis, ICCID_OP));
	assert_true(fallback(ICCID_BOOT));
	boot_agrees();
	assert_answer(set(720), ES_FAILED, "8.2.1/3.8");
	assert_answer(flow_ask(ES4, ES_FN_SET_EMERGENCY, BOOT, ICCID_BOOT, 720), ES_FAILED, "8.2.1/3.5");
	assert_int_equal(flow.n_sent, 0);
	id = flow_ask(ES4, ES_FN_SET_EMERGENCY, OP, ICCID_OP, 720);
	flow_card("23026985");
	assert_answer(id, ES_FAILED, "8.4/4.2");
	assert_int_equal(flow_active(), 0);
}

static void master_delete(void **state)
{
	flow_pol2(ICCID_OP, "DELETE", "Not-Allowed");	/* the token decides, POL2 does not */
	vty(PROC_MASTER_DELETE, ICCID_OP, MASTER_BODY(AID_OP), 720);
	assert_to_card(MASTER_BODY(AID_OP));
	flow_card("23026982");
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_DISABLED);
	btw("silence, not done, sent again, done");
	vty(PROC_MASTER_DELETE, ICCID_OP, MASTER_BODY(AID_OP), 720);
	flow_outcome(CARD_NO_ANSWER);
	flow_card(said(E3(AID_OP, "1F", "00"), "9000"));
	assert_to_card(MASTER_BODY(AID_OP));
	flow_outcome(CARD_NO_ANSWER);
	flow_card("23026A88");
	assert_int_equal(flow_state(ICCID_OP), -1);
	assert_true(flow_called("ES4 HandleProfileDeletedNotification " ICCID_OP " -> " OP));
	assert_int_equal(flow_active(), 0);
}

static void master_delete_refused(void **state)
{
	btw("another profile's, none, a plain DELETE, another command");
	vty(PROC_MASTER_DELETE, ICCID_OP, MASTER_BODY(AID_BOOT), 720);
	vty(PROC_MASTER_DELETE, ICCID_OP, NULL, 720);
	vty(PROC_MASTER_DELETE, ICCID_OP, "80E40040124F10" AID_OP, 720);
	vty(PROC_MASTER_DELETE, ICCID_OP, "80E28800153A03124F10" AID_OP, 720);
	btw("the fall-back profile");
	vty(PROC_MASTER_DELETE, ICCID_BOOT, MASTER_BODY(AID_BOOT), 720);
	assert_int_equal(flow.n_sent, 0);
	assert_int_equal(flow_active(), 0);
	assert_true(flow_timeline("answered", "FAILED 1.6/2.1"));
	assert_true(flow_timeline("answered", "FAILED 8.2.3/3.8"));
}

static void master_delete_restart(void **state)
{
	vty(PROC_MASTER_DELETE, ICCID_OP, MASTER_BODY(AID_OP), 720);
	flow_leaves();
	flow_restart();
	assert_to_card(STATUS_OP);
	flow_card(said(E3(AID_OP, "1F", "00"), "9000"));	/* the token is not stored */
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_DISABLED);
	assert_int_equal(flow_active(), 0);
}

static int64_t connectivity(const char *party, const char *hex)
{
	flow_body()->connectivity = bytes_from_hex(flow.root, hex);
	return flow_ask(ES3, ES_FN_UPDATE_CONNECTIVITY, party, ICCID_OP, 720);
}

static void connectivity_carried(void **state)
{
	struct aid op;
	int64_t id = connectivity(SMDP, "220780500000023132" "220484823300");

	assert_string_equal(flow_script(), "220780500000023132" "220484823300");
	aid_from_hex(&op, AID_OP);
	assert_true(aid_eq(&flow.sent[0].c.target, &op));	/* to its own ISD-P and nowhere else */
	flow_card("230590000190002302" "9000");
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_string_equal(flow_answered(id)->data, "2305900001900023029000");
	id = connectivity(SMDP, "220780500000023132");
	flow_card("23026982");
	assert_answer(id, ES_FAILED, "8.4/4.2");
	assert_string_equal(flow_answered(id)->data, "23026982");
	btw("good for one time only: not sent again");
	id = connectivity(SMDP, "220780500000023132");
	flow_outcome(CARD_NO_ANSWER);
	assert_answer(id, ES_EXPIRED, "1.6/5.4");
	assert_card_idle();
	id = connectivity(SMDP, "220780500000023132");
	flow_leaves();
	flow_restart();
	assert_answer(id, ES_FAILED, "1.6/5.4");
	assert_int_equal(flow_active(), 0);
}

static void connectivity_refused(void **state)
{
	assert_answer(connectivity(SMDP2, "220780500000023132"), ES_FAILED, "8.2.1/1.2");
	assert_answer(connectivity(SMDP, "A00506038121F3"), ES_FAILED, "1.6/2.1");	/* not a command script */
	assert_answer(connectivity(SMDP, "2207805000"), ES_FAILED, "1.6/2.1");
	assert_int_equal(flow.n_sent, 0);
}

static int where(void *priv, struct euicc *e, struct bytes *script)
{
	return es5_update_smsr_enc(script, "+491700000009", NULL);
}

/* The card cannot be asked, so it is told again until it answers or time is up. */
static void addressing(void **state)
{
	flow.reg->addressing = where;
	vty(PROC_ADDRESSING, "", NULL, 720);
	assert_to_card("3A07");
	assert_to_card("9471000000" "90");	/* swapped digits of the number */
	flow_outcome(CARD_NO_ANSWER);
	assert_card_idle();
	flow_pass(6);
	assert_to_card("3A07");
	flow_card("23029000");
	assert_true(flow_timeline("UpdateSMSRAddressingParameters", "confirmed"));
	vty(PROC_ADDRESSING, "", NULL, 60);
	flow_outcome(CARD_NO_ANSWER);
	flow.send_rc = -ENOBUFS;
	flow_pass(61);
	flow.send_rc = 0;
	assert_true(flow_timeline("answered", "EXPIRED 1.6/5.3"));
	assert_int_equal(flow_active(), 0);
	assert_false(flow.e->eis->audit_due);
}

#define T(f) cmocka_unit_test_setup_teardown(f, flow_setup, flow_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(fallback_works), T(fallback_refused), T(fallback_asked_when_it_acts), T(fallback_silence),
		T(fallback_never_heard), T(fallback_restart), T(fallback_counts), T(emergency), T(master_delete),
		T(master_delete_refused), T(master_delete_restart), T(connectivity_carried), T(connectivity_refused),
		T(addressing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
