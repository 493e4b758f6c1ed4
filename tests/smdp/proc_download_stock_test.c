/* A download and the stock: the states that a profile goes through, what the reuse policy makes of it afterwards, what
 * kinds of eUICC take, and waiting for the subscriber register.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "config.h"
#include "proc_download_world.h"

#include <osmocom/rsp/ota/es5_cmd.h>

static enum stock_state state_now(void)
{
	struct stock_row r;

	assert_int_equal(stock_get(w.env.stock, ICCID, &r), 0);
	return r.state;
}

static char events[200];

static void event(void *priv, const struct stock_row *r, enum stock_state from)
{
	size_t n = strlen(events);

	snprintf(events + n, sizeof(events) - n, "%s>%s ", stock_state_name(from), stock_state_name(r->state));
}

static void test_life(void **state)
{
	events[0] = '\0';
	stock_on_event(w.env.stock, event, NULL);
	assert_int_equal(state_now(), STOCK_AVAILABLE);
	start(true);
	assert_int_equal(state_now(), STOCK_RESERVED);
	steps(1);
	assert_int_equal(state_now(), STOCK_RESERVED);
	steps(1);	/* CreateISDP */
	assert_int_equal(state_now(), STOCK_BOUND);
	steps(-1);
	assert_end(ES_EXECUTED_SUCCESS, "", "", STOCK_ENABLED);
	assert_string_equal(events, "personalised>ordered ordered>bound bound>enabled ");
}

static void fail_late(void)
{
	w.answers = 0;
	memset(w.trace, 0, sizeof(w.trace));
	w.card.fault = FAKE_CARD_ABORT;
	start(false);
	steps(-1);
	w.card.fault = FAKE_CARD_OK;
}

static void test_reuse_after_failure(void **state)
{
	struct stock_cfg cfg = { .failed = STOCK_REUSE_SAME_CARD };
	char iccid[ICCID_STR_SIZE] = ICCID, any[ICCID_STR_SIZE] = "";

	fail_late();
	assert_end(ES_FAILED, "8.4", "4.2", STOCK_AVAILABLE);	/* any card: as it always was */
	stock_configure(w.env.stock, &cfg);
	fail_late();
	assert_end(ES_FAILED, "8.4", "4.2", STOCK_FAILED);
	assert_int_equal(stock_choose(w.env.stock, OPERATOR, "89001012012341234012345678901321", "", iccid), -EBUSY);
	assert_int_equal(stock_choose(w.env.stock, OPERATOR, EID, "demo", any), -ENODATA);
	assert_int_equal(stock_choose(w.env.stock, OPERATOR, EID, "", iccid), 0);
	cfg.failed = STOCK_REUSE_NEVER;
	assert_int_equal(stock_choose(w.env.stock, OPERATOR, EID, "", iccid), -EBUSY);
	assert_int_equal(stock_reuse(w.env.stock, ICCID), 0);	/* but an operator may say otherwise */
	assert_int_equal(stock_choose(w.env.stock, OPERATOR, EID, "demo", any), 0);
	assert_int_equal(stock_reuse(w.env.stock, ICCID), -EBUSY);
	fail_late();
	assert_end(ES_FAILED, "8.4", "4.2", STOCK_FAILED);
}

/* One that failed before the card had heard of it is as good as before, whatever the policy. */
static void test_reuse_untouched(void **state)
{
	struct stock_cfg cfg = { .failed = STOCK_REUSE_NEVER, .deleted = STOCK_REUSE_NEVER };

	stock_configure(w.env.stock, &cfg);
	w.no_memory = true;
	start(false);
	steps(-1);
	assert_end(ES_FAILED, "8.1", "4.8", STOCK_AVAILABLE);
	w.no_memory = false;
	w.answers = 0;
	start(false);
	steps(-1);
	assert_end(ES_EXECUTED_SUCCESS, "", "", STOCK_DOWNLOADED);
	stock_set(w.env.stock, ICCID, STOCK_AVAILABLE, "");	/* deleted */
	assert_int_equal(state_now(), STOCK_RELEASED);
}

static void test_card_types(void **state)
{
	struct card_types *t = &w.env.cards;
	struct card_type *c;

	assert_null(card_type_get(t, w.ctx, "89x"));
	assert_null(card_type_get(t, w.ctx, ""));
	card_type_get(t, w.ctx, "89")->segment_size = 50;
	c = card_type_get(t, w.ctx, "89001012");
	c->segment_size = 2000;
	assert_ptr_equal(card_type_of(t, EID), c);
	assert_int_equal(card_type_of(t, "89044000000000000000000000000000")->segment_size, 50);
	assert_ptr_equal(card_type_of(t, "12"), &t->other);
	assert_ptr_equal(card_type_get(t, w.ctx, "89001012"), c);
	start(false);
	steps(-1);
	assert_string_equal(w.trace, "ECSSSP");		/* the whole package in one segment */
	assert_in_range(w.card.longest, 555, 600);
	assert_false(w.card.new_keys);
	assert_end(ES_EXECUTED_SUCCESS, "", "", STOCK_DOWNLOADED);
	card_type_del(t, "89001012");
	assert_int_equal(card_type_of(t, EID)->segment_size, 50);
}

/* Profile protection keys (tag 87): the card gets them once and reads the package with them. */
static void test_random_keys(void **state)
{
	w.env.cards.other.random_keys = true;
	start(true);
	steps(-1);
	assert_string_equal(w.trace, "ECSSSSSPN");
	assert_true(w.card.new_keys);
	assert_true(w.card.installed);
	assert_end(ES_EXECUTED_SUCCESS, "", "", STOCK_ENABLED);
}

/* Token key and identification come before the package, in an SCP03 session of their own. The command that they allow
 * is the one of the printed example (card-side.md 3.6) but for the ISD-P, the key and so the token. */
static void test_master_delete(void **state)
{
	struct bytes *apdu = bytes_new(w.ctx, 300), *want = bytes_new(w.ctx, 300);
	const struct es8_identity test_id = { .sin = { 0x49, 0x53, 0x50, 0x00, 0x01 }, .sin_len = 5,
		.sdin = { 0x49, 0x53, 0x50, 0x53, 0x44, 0x49, 0x4E, 0x4E, 0x01 }, .sdin_len = 9,
		.provider = { 0x47, 0x53, 0x4D, 0x41, 0x01 }, .provider_len = 5 };
	struct es5_cmd cmd;
	struct apdu_cmd a;

	w.env.identity = &test_id;
	start(true);
	steps(-1);
	assert_string_equal(w.trace, "ECSSSSSSPN");	/* one more SendData */
	assert_true(w.card.installed);
	assert_int_equal(w.card.seq, 2);
	assert_non_null(w.card.token);
	bytes_put_hex(want, "4205495350000145094953505344494E4E015F200547534D4101");
	assert_true(bytes_eq(w.card.sd_data, want->data, want->len));
	assert_end(ES_EXECUTED_SUCCESS, "", "", STOCK_ENABLED);

	assert_int_equal(stock_master_delete(w.env.stock, ICCID, &test_id, apdu), 0);
	assert_int_equal(apdu_dec(&a, apdu->data, apdu->len), 0);
	assert_int_equal(a.ins, GP_INS_DELETE);
	assert_int_equal(es5_cmd_dec(&cmd, &a), 0x9000);
	assert_int_equal(cmd.fn, ES5_MASTER_DELETE);
	assert_true(aid_eq(&cmd.aid, &w.card.aid));
	assert_int_equal(es5_token_verify(&cmd, w.card.token), 0);	/* the card's key says so */
	assert_int_equal(stock_master_delete(w.env.stock, "89019990001234567894", &test_id, apdu), -ENOENT);
}

static void test_token_refused(void **state)
{
	static const struct es8_identity id = { .sin = { 1 }, .sin_len = 1 };
	struct bytes *apdu = bytes_new(w.ctx, 300);

	w.env.identity = &id;
	w.card.fault = FAKE_CARD_TOKEN;
	start(true);
	steps(-1);
	assert_string_equal(w.trace, "ECSSSD");
	assert_end(ES_FAILED, "8.4", "4.2", STOCK_AVAILABLE);
	assert_non_null(strstr(w.message, "token key"));
	assert_int_equal(stock_master_delete(w.env.stock, ICCID, &id, apdu), -ENOENT);
}

static unsigned hold_s;

static unsigned hold(void *priv, const char *iccid)
{
	assert_string_equal(iccid, ICCID);
	return hold_s;
}

static void test_hold(void **state)
{
	struct proc_download *p;

	w.env.hold = hold;
	hold_s = 10;
	start(true);
	assert_int_equal(w.n_calls, 0);
	proc_download_go(&w.env, "89019990001234567894");	/* another one's */
	assert_int_equal(w.n_calls, 0);
	proc_download_go(&w.env, ICCID);
	assert_int_equal(w.n_calls, 1);
	proc_download_go(&w.env, ICCID);			/* once */
	assert_int_equal(w.n_calls, 1);
	steps(-1);
	assert_end(ES_EXECUTED_SUCCESS, "", "", STOCK_ENABLED);

	/* nobody says so in time: it goes on without */
	fake_card_delete(&w.card);
	stock_set(w.env.stock, ICCID, STOCK_AVAILABLE, "");
	w.answers = 0;
	start(false);
	p = llist_first_entry(&w.env.downloads, struct proc_download, entry);
	assert_int_equal(w.n_calls, 0);
	p->fi->fsm->timer_cb(p->fi);
	assert_int_equal(w.n_calls, 1);
	steps(-1);
	assert_end(ES_EXECUTED_SUCCESS, "", "", STOCK_DOWNLOADED);

	/* a restart while it waits */
	fake_card_delete(&w.card);
	stock_set(w.env.stock, ICCID, STOCK_AVAILABLE, "");
	w.answers = 0;
	start(false);
	proc_download_stop(&w.env);
	proc_download_resume(&w.env);
	steps(-1);
	assert_end(ES_EXECUTED_SUCCESS, "", "", STOCK_DOWNLOADED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reuse_after_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reuse_untouched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_card_types, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_master_delete, setup, teardown),
		cmocka_unit_test_setup_teardown(test_token_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hold, setup, teardown),
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
