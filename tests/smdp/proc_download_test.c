/* proc_download*.c with a fake SM-SR and a card of its own: what is called in which order, what the requester
 * hears, where the profile is afterwards; failures at each step, expiry, restarts.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "config.h"
#include "proc_download_world.h"

/* Tests ---------------------------------------------------------------------------------------------------------- */

static void test_works(void **state)
{
	start(true);
	steps(-1);
	assert_string_equal(w.trace, "ECSSSSSPN");	/* 555 octets: 6 segments, 2 a script */
	assert_true(w.card.installed);
	assert_end(ES_EXECUTED_SUCCESS, "", "", STOCK_ENABLED);
}

static void test_works_by_type(void **state)
{
	w.req = order("", "demo", false);
	proc_download_start(&w.env, w.req);
	steps(-1);
	assert_string_equal(w.trace, "ECSSSSSP");
	assert_end(ES_EXECUTED_SUCCESS, "", "", STOCK_DOWNLOADED);
}

static void refused(const char *iccid, const char *type, const char *subject, const char *reason)
{
	w.answers = 0;
	w.req = order(iccid, type, false);
	proc_download_start(&w.env, w.req);
	assert_int_equal(w.answers, 1);
	assert_int_equal(w.result.status, ES_FAILED);
	assert_string_equal(w.result.subject, subject);
	assert_string_equal(w.result.reason, reason);
}

static void test_refused_at_once(void **state)
{
	struct es_req *first;

	refused("89019990001234567894", "", "8.2.1", "3.9");
	refused("", "other", "8.2.5", "3.9");
	refused("", "", "1.6", "2.2");
	w.req = order(ICCID, "", false);
	OSMO_STRLCPY_ARRAY(w.req->msg->b.smsr_id, "1.2.3");
	w.answers = 0;
	proc_download_start(&w.env, w.req);
	assert_string_equal(w.result.subject, "8.7");
	w.answers = 0;
	w.req = order(ICCID, "", false);
	OSMO_STRLCPY_ARRAY(w.req->party.id, "1.3.6.1.4.1.49999.12");
	proc_download_start(&w.env, w.req);
	assert_string_equal(w.result.subject, "8.2.1");
	assert_string_equal(w.result.reason, "1.2");
	assert_string_equal(w.trace, "");
	start(false);
	first = w.req;
	refused("", "demo", "8.2.5", "3.7");	/* the only one is promised */
	stock_set(w.env.stock, ICCID, STOCK_AVAILABLE, "");
	refused("", "demo", "1.2", "4.4");	/* one download an eUICC */
	w.req = first;
}

static void test_eis_refused(void **state)
{
	static const struct { bool *flag; const char *subject, *reason;
	} t[] = {
		{&w.bad_eid_cert, "8.5.2", "6.1"},
		{&w.bad_signature, "8.5.2", "6.1"},
		{&w.no_memory, "8.1", "4.8"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		w.answers = 0;
		*t[i].flag = true;
		start(false);
		steps(-1);
		assert_end(ES_FAILED, t[i].subject, t[i].reason, STOCK_AVAILABLE);
		*t[i].flag = false;
	}
	assert_string_equal(w.trace, "EEE");
}

static void test_leftover(void **state)
{
	w.leftover = true;
	start(false);
	steps(-1);
	assert_string_equal(w.trace, "EDECSSSSSP");
	assert_end(ES_EXECUTED_SUCCESS, "", "", STOCK_DOWNLOADED);
}

/* What the card does wrong, and that its ISD-P goes each time. */
static void test_card_errors(void **state)
{
	static const struct { enum fake_card_fault fault; const char *trace, *text; } t[] = {
		{ FAKE_CARD_CERT, "ECSD", "6A80" }, { FAKE_CARD_RECEIPT, "ECSSD", "receipt" },
		{ FAKE_CARD_CHALLENGE, "ECSSSD", "challenge" }, { FAKE_CARD_MAC, "ECSSSSD", "refused profile segment" },
		{ FAKE_CARD_ABORT, "ECSSSSSD", "memory-failure" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		memset(w.trace, 0, sizeof(w.trace));
		w.answers = 0;
		w.card.fault = t[i].fault;
		start(true);
		steps(-1);
		assert_string_equal(w.trace, t[i].trace);
		assert_end(ES_FAILED, "8.4", "4.2", STOCK_AVAILABLE);
		if (!strstr(w.message, t[i].text))
			fail_msg("'%s' is not in '%s'", t[i].text, w.message);
		assert_false(w.card.exists);
	}
}

static void test_smsr_refuses(void **state)
{
	w.fail_func = ES_FN_CREATE_ISDP;
	w.fail_subject = "8.1";
	w.fail_reason = "4.8";
	start(true);
	steps(-1);
	assert_string_equal(w.trace, "EC");	/* refused: there is nothing to delete */
	assert_end(ES_FAILED, "8.1", "4.8", STOCK_AVAILABLE);
}

/* The SM-SR's own pair of codes, one we have no name for, reaches the operator. */
static void test_completed_fails(void **state)
{
	w.fail_func = ES_FN_PROFILE_DOWNLOAD_COMPLETED;
	w.fail_subject = "8.9.9";
	w.fail_reason = "7.7";
	start(true);
	steps(-1);
	assert_string_equal(w.trace, "ECSSSSSPD");
	assert_end(ES_FAILED, "8.9.9", "7.7", STOCK_AVAILABLE);
	assert_non_null(strstr(w.message, "made to fail"));
}

static void test_enable_fails(void **state)
{
	w.fail_func = ES_FN_ENABLE_PROFILE;
	w.fail_subject = "8.2.3";
	w.fail_reason = "3.8";
	start(true);
	steps(-1);
	assert_string_equal(w.trace, "ECSSSSSPN");
	assert_end(ES_EXECUTED_WITHWARNING, "8.2.3", "3.8", STOCK_DOWNLOADED);
}

static void test_delete_fails(void **state)
{
	w.card.fault = FAKE_CARD_RECEIPT;
	w.fail_func = ES_FN_DELETE_ISDP;
	w.fail_subject = "8.4";
	w.fail_reason = "4.2";
	start(true);
	steps(-1);
	assert_end(ES_FAILED, "8.4", "4.2", STOCK_STUCK);
	/* the same card may have another try, which cleans up first */
	w.fail_func = ES_FN_NONE;
	w.card.fault = FAKE_CARD_OK;
	w.answers = 0;
	memset(w.trace, 0, sizeof(w.trace));
	start(false);
	steps(-1);
	assert_string_equal(w.trace, "EDECSSSSSP");
	assert_end(ES_EXECUTED_SUCCESS, "", "", STOCK_DOWNLOADED);
}

/* EXPIRED at once, then the clean-up. */
static void test_expired(void **state)
{
	start(true);
	steps(3);
	assert_string_equal(w.trace, "ECSS");
	clock_override((NOW + 120) * 1000);
	step_why("expired");
	assert_int_equal(w.answers, 1);
	assert_int_equal(w.result.status, ES_EXPIRED);
	assert_string_equal(w.trace, "ECSSD");
	assert_true(w.call[0].deadline > NOW + 120);
	steps(-1);
	assert_end(ES_EXPIRED, "1.6", "5.3", STOCK_AVAILABLE);
	assert_false(w.card.exists);
}

/* The SM-SR's own EXPIRED, with its code: the card had the command, and no time is left to begin anew. */
static void test_expired_smsr(void **state)
{
	w.fail_func = ES_FN_CREATE_ISDP;
	w.fail_status = ES_EXPIRED;
	w.fail_subject = "1.6";
	w.fail_reason = "5.4";
	start(true);
	steps(1);
	clock_override((NOW + 118) * 1000);
	steps(1);
	assert_int_equal(w.answers, 1);
	steps(-1);
	assert_string_equal(w.trace, "ECD");
	assert_end(ES_EXPIRED, "1.6", "5.4", STOCK_AVAILABLE);
}

/* Enabling not confirmed in time: installed is installed. */
static void test_expired_enable(void **state)
{
	start(true);
	steps(8);
	assert_string_equal(w.trace, "ECSSSSSPN");
	clock_override((NOW + 120) * 1000);
	step_why("expired");
	assert_end(ES_EXECUTED_WITHWARNING, "1.6", "5.3", STOCK_DOWNLOADED);
}

static void test_unreachable(void **state)
{
	start(true);
	step_why("refused with HTTP status 403");
	assert_end(ES_FAILED, "8.7", "5.1", STOCK_AVAILABLE);
	assert_non_null(strstr(w.message, "403"));
}

static void test_answer_twice_and_late(void **state)
{
	struct es_msg *r = es_msg_new(w.ctx, ES3, ES_FN_CREATE_ISDP, ES_RESPONSE);
	char tag[64];

	start(true);
	steps(1);
	OSMO_STRLCPY_ARRAY(tag, w.call[0].tag);
	steps(1);
	proc_download_response(&w.env, tag, r, NULL);	/* CreateISDP's answer again */
	proc_download_response(&w.env, "dl:99:1", r, NULL);
	proc_download_response(&w.env, "dl:x", r, NULL);
	steps(-1);
	assert_string_equal(w.trace, "ECSSSSSPN");
	proc_download_response(&w.env, tag, r, NULL);
	assert_end(ES_EXECUTED_SUCCESS, "", "", STOCK_ENABLED);
}

/* All memory of the procedures goes; the rows and the stored calls stay. */
static void restart(void)
{
	proc_download_stop(&w.env);
	assert_int_equal(w.answers, 0);
	proc_download_resume(&w.env);
	assert_true(proc_download_knows(&w.env, w.req));
	txn_commit(smdp_db_sql(w.db));
}

/* At every step: exactly one answer, success, profile on the card; from CREATE to DATA by beginning anew. */
static void test_restart(void **state)
{
	static const char *const traces[] = {
		"ECSSSSSPN",	     "ECEDECSSSSSPN",	   "ECSEDECSSSSSPN", "ECSSEDECSSSSSPN", "ECSSSEDECSSSSSPN",
		"ECSSSSEDECSSSSSPN", "ECSSSSSEDECSSSSSPN", "ECSSSSSPN",	     "ECSSSSSPN",
	};

	for (int n = 0; n < 9; n++) {
		memset(w.trace, 0, sizeof(w.trace));
		w.answers = 0;
		start(true);
		steps(n);
		restart();
		steps(-1);
		assert_string_equal(w.trace, traces[n]);
		assert_end(ES_EXECUTED_SUCCESS, "", "", STOCK_ENABLED);
		fake_card_delete(&w.card);
		stock_set(w.env.stock, ICCID, STOCK_AVAILABLE, "");
	}
}

static void fire_timer(void)
{
	struct proc_download *p = llist_first_entry(&w.env.downloads, struct proc_download, entry);

	p->fi->fsm->timer_cb(p->fi);
}

static unsigned long pause_left(void)
{
	struct proc_download *p = llist_first_entry(&w.env.downloads, struct proc_download, entry);
	struct timeval left = { 0 };

	assert_int_equal(osmo_timer_remaining(&p->fi->timer, NULL, &left), 0);
	return left.tv_sec;
}

/* The SM-SR restarts in the middle, or the card falls silent: 1.6/5.4, FAILED or EXPIRED. Begin again, each time later,
 * as long as the order is valid. */
static void test_session_lost(void **state)
{
	int64_t now = NOW;

	start(true);
	steps(3);
	w.fail_func = ES_FN_SEND_DATA;
	w.fail_subject = "1.6";
	w.fail_reason = "5.4";
	steps(1);
	assert_int_equal(w.n_calls, 0);		/* a pause */
	fire_timer();
	w.fail_func = ES_FN_NONE;
	steps(-1);
	assert_string_equal(w.trace, "ECSSEDECSSSSSPN");
	assert_end(ES_EXECUTED_SUCCESS, "", "", STOCK_ENABLED);

	fake_card_delete(&w.card);
	stock_set(w.env.stock, ICCID, STOCK_AVAILABLE, "");
	memset(w.trace, 0, sizeof(w.trace));
	w.answers = 0;
	w.fail_func = ES_FN_SEND_DATA;
	w.fail_status = ES_EXPIRED;
	start(true);
	for (int pause = 2; pause <= 32; pause *= 2) {
		steps(-1);
		assert_int_equal(w.answers, 0);
		assert_in_range(pause_left(), pause - 1, pause);
		now += pause;
		clock_override(now * 1000);
		fire_timer();
	}
	steps(-1);	/* 58 s left, the next pause would be a minute */
	assert_string_equal(w.trace, "ECSEDECSEDECSEDECSEDECSEDECSD");
	assert_end(ES_EXPIRED, "1.6", "5.4", STOCK_AVAILABLE);
}

/* Restart in the middle of giving up: the verdict of before, and the answer to whom it is owed. */
static void test_restart_rollback(void **state)
{
	w.card.fault = FAKE_CARD_RECEIPT;
	start(true);
	steps(4);
	assert_string_equal(w.trace, "ECSSD");
	restart();
	steps(-1);
	assert_string_equal(w.trace, "ECSSD");
	assert_end(ES_FAILED, "8.4", "4.2", STOCK_AVAILABLE);
	assert_non_null(strstr(w.message, "receipt"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_works),		T(test_works_by_type),	  T(test_refused_at_once),
		T(test_eis_refused),	T(test_leftover),	  T(test_card_errors),
		T(test_smsr_refuses),	T(test_completed_fails),  T(test_enable_fails),
		T(test_delete_fails),	T(test_expired),	  T(test_expired_smsr),
		T(test_expired_enable), T(test_unreachable),	  T(test_answer_twice_and_late),
		T(test_restart), T(test_session_lost),	T(test_restart_rollback),
	};
	void *log_ctx = talloc_named_const(NULL, 0, "logging");
	int rc;

	osmo_init_logging2(log_ctx, &rsp_log_info);
	osmo_fsm_term_safely(true);
	osmo_fsm_set_dealloc_ctx(OTC_SELECT);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	log_fini();
	talloc_free(log_ctx);
	return rc;
}
