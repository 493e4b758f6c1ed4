/* PLMA and ONC (off-card 3.6, 4.5, 4.7): what they allow, who is told, that they survive a restart, and what cannot be
 * granted.  SPDX-License-Identifier: AGPL-3.0-or-later */

#include "flow.h"

#define assert_card_idle() assert_string_equal(flow_script(), "")

static char names[8][ES_NAME_SIZE];

/* The grant of the next request */
static void grant(const char *mno, const char *m2m, const char *type, const char *const *name)
{
	struct es_body *b = flow_body();

	b->grant = talloc_zero(flow.root, struct es_grant);
	b->n_grants = 1;
	snprintf(b->grant->mno_id, sizeof(b->grant->mno_id), "%s", mno);
	snprintf(b->grant->m2m_sp_id, sizeof(b->grant->m2m_sp_id), "%s", m2m);
	snprintf(b->grant->profile_type, sizeof(b->grant->profile_type), "%s", type);
	b->grant->names = names;
	for (; name && *name; name++)
		snprintf(names[b->grant->n_names++], ES_NAME_SIZE, "%s", *name);
}

static void plma(const char *const *name)
{
	grant(OP, M2M, "gold", name);
	assert_answer(flow_ask(ES4A, ES_FN_SET_PLMA, OP, NULL, 60), ES_EXECUTED_SUCCESS, "");
}

static const char *const enabling[] = { "EnableProfile", "handleprofileenablednotification", "HandleProfileDisabledNotification", NULL };

static int gold(void **state)
{
	int rc = flow_setup(state);

	strcpy(eis_by_iccid(flow.e->eis, ICCID_OP)->i.profile_type, "gold");
	smsr_db_profile_put(flow.db, flow.e->eis, eis_by_iccid(flow.e->eis, ICCID_OP));
	return rc;
}

static int64_t enable(const char *who)
{
	return flow_ask(ES4, ES_FN_ENABLE_PROFILE, who, ICCID_OP, 720);
}

static void card_enables(void)
{
	flow_card("23029000");
	flow_notif(2, 7, ICCID_OP);
	flow_card("23029000");
}

static void granted_enables(void **state)
{
	int64_t id;

	assert_answer(enable(M2M), ES_FAILED, "8.2.1/1.2");
	plma(enabling);
	assert_true(flow_called("ES4 HandlePLMAChangedNotification  -> " M2M));
	assert_answer(flow_ask(ES4, ES_FN_DISABLE_PROFILE, M2M, ICCID_OP, 720), ES_FAILED, "8.2.1/1.2");	/* not that */
	assert_answer(enable(OTHER), ES_FAILED, "8.2.1/1.2");							/* not to that one */
	flow_restart();
	id = enable(M2M);
	card_enables();
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	/* the owner hears of it, for it was another who asked; who asked does not */
	assert_true(flow_called("ES4 HandleProfileEnabledNotification " ICCID_OP " -> " OP));
	assert_false(flow_called("ES4 HandleProfileEnabledNotification " ICCID_OP " -> " M2M));
}

static void granted_hears(void **state)
{
	int64_t id;

	plma(enabling);
	id = enable(OP);
	card_enables();
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_true(flow_called("ES4 HandleProfileEnabledNotification " ICCID_OP " -> " M2M));
	assert_false(flow_called("ES4 HandleProfileEnabledNotification " ICCID_OP " -> " OP));
}

static void revoked(void **state)
{
	plma(enabling);
	plma(NULL);	/* an empty one takes all back */
	assert_answer(enable(M2M), ES_FAILED, "8.2.1/1.2");
	assert_null(grants_next(flow.reg->grants, NULL));
	flow_restart();
	assert_null(grants_next(flow.reg->grants, NULL));
}

/* Of another type, or of another operator: nothing */
static void only_that_type(void **state)
{
	grant(OP, M2M, "silver", enabling);
	assert_answer(flow_ask(ES4A, ES_FN_SET_PLMA, OP, NULL, 60), ES_EXECUTED_SUCCESS, "");
	grant(OTHER, M2M, "gold", enabling);
	assert_answer(flow_ask(ES4A, ES_FN_SET_PLMA, OTHER, NULL, 60), ES_EXECUTED_SUCCESS, "");
	assert_answer(enable(M2M), ES_FAILED, "8.2.1/1.2");
}

/* Over ES3 an SM-DP speaks for the operators of its own profiles; the operator's profiles by another SM-DP are not its. */
static void by_smdp(void **state)
{
	int64_t id;

	grant(OP, M2M, "gold", enabling);
	assert_answer(flow_ask(ES3, ES_FN_SET_PLMA, SMDP2, NULL, 60), ES_EXECUTED_SUCCESS, "");
	assert_answer(enable(M2M), ES_FAILED, "8.2.1/1.2");
	grant(OP, M2M, "gold", enabling);
	assert_answer(flow_ask(ES3, ES_FN_SET_PLMA, SMDP, NULL, 60), ES_EXECUTED_SUCCESS, "");
	id = enable(M2M);
	card_enables();
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
}

static void refused(void **state)
{
	static const char *const pol2[] = { "EnableProfile", "UpdatePolicyRules", NULL }, *const nonsense[] = { "MakeCoffee", NULL };

	grant(OP, M2M, "gold", pol2);
	assert_answer(flow_ask(ES4A, ES_FN_SET_PLMA, OP, NULL, 60), ES_FAILED, "1.6/1.2");
	grant(OP, M2M, "gold", nonsense);
	assert_answer(flow_ask(ES4A, ES_FN_SET_PLMA, OP, NULL, 60), ES_FAILED, "1.6/2.1");
	grant(OP, M2M, "gold", enabling);
	assert_answer(flow_ask(ES4A, ES_FN_SET_PLMA, OTHER, NULL, 60), ES_FAILED, "1.1/1.2");
	grant(OP, OP, "gold", enabling);
	assert_answer(flow_ask(ES4A, ES_FN_SET_PLMA, OP, NULL, 60), ES_FAILED, "1.6/2.1");
	grant(OP, M2M, "", enabling);
	assert_answer(flow_ask(ES4A, ES_FN_SET_PLMA, OP, NULL, 60), ES_FAILED, "1.6/2.2");
	grant(OP, "", "gold", enabling);	/* an ONC discards notifications, not functions */
	assert_answer(flow_ask(ES4A, ES_FN_SET_ONC, OP, NULL, 60), ES_FAILED, "1.6/2.1");
	assert_null(grants_next(flow.reg->grants, NULL));
	assert_int_equal(flow.n_called, 0);
}

static void onc_discards(void **state)
{
	static const char *const discard[] = { "HandleProfileEnabledNotification", NULL };
	int64_t id;

	plma(enabling);
	grant(OP, "", "gold", discard);
	assert_answer(flow_ask(ES4A, ES_FN_SET_ONC, OP, NULL, 60), ES_EXECUTED_SUCCESS, "");
	id = enable(M2M);
	card_enables();
	assert_answer(id, ES_EXECUTED_SUCCESS, "");
	assert_false(flow_called("ES4 HandleProfileEnabledNotification " ICCID_OP " -> " OP));
	assert_true(flow_called("ES4 HandleProfileDisabledNotification " ICCID_BOOT " -> " BOOT));	/* another's profile */
}

/* GetEIS (off-card 3.8): a service provider sees what was granted, and nothing of an eUICC where nothing was */
static void views(void **state)
{
	static const char *const get[] = { "GetEIS", NULL };
	struct answer *a;

	assert_answer(flow_ask(ES4, ES_FN_GET_EIS, M2M, NULL, 60), ES_FAILED, "8.1/1.2");
	plma(get);
	a = flow_answered(flow_ask(ES4, ES_FN_GET_EIS, M2M, NULL, 60));
	assert_int_equal(a->status, ES_EXECUTED_SUCCESS);
	assert_int_equal(a->n_profiles, 1);
	assert_string_equal(a->iccid, ICCID_OP);
	assert_false(a->isdr || a->ecasd || a->signed_info);
	a = flow_answered(flow_ask(ES4, ES_FN_GET_EIS, OTHER, NULL, 60));
	assert_int_equal(a->n_profiles, 0);
}

/* Those who may act on it hear of new rules; the owner knows. */
static void pol2_updated(void **state)
{
	static const char *const hear[] = { "HandleProfilePOL2UpdatedNotification", NULL };

	plma(hear);
	flow_body()->has_pol2 = true;
	assert_answer(flow_ask(ES4, ES_FN_UPDATE_POLICY_RULES, OP, ICCID_OP, 60), ES_EXECUTED_SUCCESS, "");
	assert_true(flow_called("ES4 HandleProfilePOL2UpdatedNotification " ICCID_OP " -> " M2M));
	assert_false(flow_called("ES4 HandleProfilePOL2UpdatedNotification " ICCID_OP " -> " OP));
}

/* Why not is said only to whom it concerns. */
static void why_not(void **state)
{
	assert_answer(flow_ask(ES4, ES_FN_SET_FALLBACK, OP, ICCID_OP, 60), ES_FAILED, "8.2.1/3.8");
	assert_answer(flow_ask(ES4, ES_FN_SET_FALLBACK, OTHER, ICCID_OP, 60), ES_FAILED, "8.2.1/1.2");
	assert_answer(flow_ask(ES3, ES_FN_UPDATE_CONNECTIVITY, SMDP2, ICCID_OP, 60), ES_FAILED, "8.2.1/1.2");
	assert_card_idle();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, gold, flow_teardown)
		T(granted_enables), T(granted_hears), T(revoked), T(only_that_type), T(by_smdp), T(refused), T(onc_discards), T(views),
		T(pol2_updated), T(why_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
