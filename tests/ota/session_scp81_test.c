/* Card sessions over HTTPS (SCP81): connections that break, patience with slow servers, refusals, and what triggers carry
 * (ota-transport 5.2, 8.4 to 8.6, 9).  SPDX-License-Identifier: AGPL-3.0-or-later */
#include "session_help.h"
#include "session_http.h"
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/scp80.h>
#include <osmocom/rsp/ota/scp81_msg.h>

/* The connection breaks under a script (ota-transport 8.6): a card that comes back with the result is believed, one
 * that does not (reset) leaves the question what has become of the script, at once and not after the command's time. */
static void test_closed_under_script(void **state)
{
	struct owner o = { 0 }, o2 = { 0 }, o3 = { 0 };
	struct card_cmd c = card_download(&o), c2 = card_download(&o2), c3 = world_cmd(&o3, GET_STATUS);
	struct http_req *r, *r2;

	world_start(5);
	r = card_opened(&o, &c);
	card_closed(r);
	assert_int_equal(o.n_done, 0);
	r2 = card_request();		/* the result, on a new connection */
	r2->conn = 1;
	r2->resume = r2->has_status = true;
	OSMO_STRLCPY_ARRAY(r2->query, strchr(r->next_uri, '?') + 1);
	OSMO_STRLCPY_ARRAY(r2->status, "ok");
	r2->body_len = world_hex(r2->body, sizeof(r2->body), OK_BODY);
	card_deliver(r2);
	assert_int_equal(o.outcome, CARD_OK);
	assert_int_equal(o.n_done, 1);
	world_send(&o2, &c2, 5);
	assert_int_equal(r2->n_answers, 1);
	card_closed(r);			/* the old one again: nobody's any more */
	world_spin(100);
	assert_int_equal(o2.n_done, 0);
	card_closed(r2);
	world_wait(&o2.n_done, 1);
	assert_int_equal(o2.outcome, CARD_NO_ANSWER);
	assert_string_equal(o2.detail, "connection lost");
	/* the question goes by SMS, no session being open */
	world_send(&o3, &c3, 5);
	assert_int_equal(o3.n_mark, 1);
	assert_string_equal(o3.bearer, "SMS");
}

/* What the chain began with is gone with its session: no script of the chain goes into another one (corrections 12). */
static void test_chain_lost(void **state)
{
	struct owner o = { 0 }, o2 = { 0 };
	struct card_cmd c = card_download(&o), c2 = card_download(&o2);
	struct http_req *r, *r2;

	c.chained = c.first_in_chain = c2.chained = true;
	world_start(5);
	r = card_opened(&o, &c);
	r2 = card_post(r->next_uri, "ok", OK_BODY);
	assert_int_equal(o.outcome, CARD_OK);
	card_gone(r2);
	world_send(&o2, &c2, 5);
	r = card_post(NULL, NULL, NULL);
	assert_int_equal(o2.n_done, 1);
	assert_int_equal(o2.n_mark, 0);
	assert_int_equal(o2.outcome, CARD_REJECTED);
	world_wait(&r->n_answers, 1);
	assert_int_equal(r->code, 204);
}

/* It was to begin by SMS, and began in the session that the card opened meanwhile: there it goes on. */
static void test_chain_moved_before(void **state)
{
	struct owner o = { 0 }, o2 = { 0 };
	struct card_cmd c = card_download(&o), c2 = card_download(&o2);
	struct http_req *r;

	c.chained = c.first_in_chain = c2.chained = true;
	c2.more = false;
	W->bearer.order[0] = CARD_BEARER_SCP80;
	W->bearer.n_order = 1;
	world_start(5);
	world_send(&o, &c, 5);
	world_sms(0, SMS_UNREACHABLE);
	r = card_post(NULL, NULL, NULL);
	world_wait(&r->n_answers, 1);
	assert_hex(r->answer, r->answer_len, "AE80830101220880F24002024F00000000");
	r = card_post(r->next_uri, "ok", OK_BODY);
	assert_int_equal(o.outcome, CARD_OK);
	world_send(&o2, &c2, 5);
	assert_int_equal(W->n_sms, 1);
	assert_hex(r->answer, r->answer_len, "AE80830103220880F24002024F00000000");
}

/* Nothing is ready, but something is announced: 204 with Next-URI keeps the card for a while (ota-transport 8.5). */
static void test_polls(void **state)
{
	struct owner o = { 0 }, o2 = { 0 }, o3 = { 0 }, o4 = { 0 };
	struct card_cmd c = card_download(&o), c2 = card_download(&o2), c3 = card_download(&o3), c4 = card_download(&o4);
	struct http_req *r, *r2;

	osmo_tdef_set(card_session_tdefs, CARD_T_HOLD, 200, OSMO_TDEF_MS);
	W->bearer.scp81.polls = 2;
	world_start(5);
	r = card_opened(&o, &c);
	for (unsigned i = 0; i < 2; i++) {
		r = card_post(r->next_uri, i ? NULL : "ok", i ? NULL : OK_BODY);
		world_wait(&r->n_answers, 1);
		assert_int_equal(r->code, 204);
		assert_false(r->close);
		assert_true(r->next_uri[0]);
	}
	/* a command that comes now waits for the card, without a trigger */
	world_send(&o2, &c2, 5);
	assert_int_equal(W->n_sms, 1);
	assert_int_equal(o2.n_mark, 0);
	r = card_post(r->next_uri, NULL, NULL);
	assert_int_equal(r->code, 200);
	/* the same again and to the end */
	r = card_post(r->next_uri, "ok", OK_BODY);
	assert_int_equal(o2.outcome, CARD_OK);
	for (unsigned i = 0; i < 2; i++) {
		world_wait(&r->n_answers, 1);
		assert_int_equal(r->code, 204);
		r = card_post(r->next_uri, NULL, NULL);
	}
	world_wait(&r->n_answers, 1);
	assert_int_equal(r->code, 204);
	assert_true(r->close);
	assert_string_equal(r->next_uri, "");
	/* the download ends meanwhile: so does the session, when the card comes */
	r = card_opened(&o3, &c3);
	r = card_post(r->next_uri, "ok", OK_BODY);
	world_wait(&r->n_answers, 1);
	card_session_release(W->cs, &W->eid);
	r = card_post(r->next_uri, NULL, NULL);
	assert_int_equal(r->code, 204);
	assert_true(r->close);
	/* a card that does not come again, but hangs up, is triggered */
	r = card_opened(&o4, &c4);
	r = card_post(r->next_uri, "ok", OK_BODY);
	world_wait(&r->n_answers, 1);
	world_send(&o2, &c2, 5);
	r2 = r;
	assert_int_equal(W->n_sms, 3);
	card_closed(r2);
	assert_int_equal(W->n_sms, 4);
}

static void test_status_words(void **state)
{
	static const char *const words[] = {
		"unknown-application", "not-a-security-domain", "security-error", "unavailable-se",
		"temporarily-unavailable-application", "script-format-error"
	};

	world_start(5);
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		struct owner o = { 0 };
		struct card_cmd c = card_download(&o);
		struct http_req *r = card_opened(&o, &c);

		r = card_post(r->next_uri, words[i], NULL);
		assert_int_equal(o.outcome, CARD_REJECTED);
		assert_string_equal(o.detail, words[i]);
		card_session_release(W->cs, &W->eid);
		world_turn();
		assert_int_equal(r->code, 204);
	}
}

/* A name instead of an address, and the packet data of the card's operator (SGP.02 2.4.5, ota-transport 9). */
static void test_trigger_name(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = card_download(&o);
	struct scp81_params p;
	struct scp81_dns d;
	struct scp80_sec sec;
	struct bytes *trigger;

	OSMO_STRLCPY_ARRAY(W->bearer.scp81.name, "smsr.example");
	OSMO_STRLCPY_ARRAY(W->bearer.scp81.dns_ip, "10.0.0.53");
	W->bearer.scp81.dns_port = 53;
	world_start(5);
	world_send(&o, &c, 5);
	trigger = world_open(0, &sec);
	assert_int_equal(scp81_trigger_dec(&p, trigger->data, trigger->len), 0);
	assert_string_equal(p.ip, "");
	assert_int_equal(p.port, 443);
	assert_int_equal(scp81_trigger_dns_dec(&d, trigger->data, trigger->len), 0);
	assert_string_equal(d.fqdn, "smsr.example");
	assert_string_equal(d.ip, "10.0.0.53");
	assert_int_equal(d.port, 53);
}

/* 86 in the trigger, when it is configured; and the card has its delay to come back. */
static void test_retry_policy(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = card_download(&o);
	struct scp81_params p;
	struct scp80_sec sec;
	struct bytes *trigger;

	W->bearer.scp81.retry_count = 3;
	W->bearer.scp81.retry_delay_s = 75;
	world_start(5);
	world_send(&o, &c, 5);
	trigger = world_open(0, &sec);
	assert_int_equal(scp81_trigger_dec(&p, trigger->data, trigger->len), 0);
	assert_true(p.has_retry);
	assert_int_equal(p.retry_count, 3);
	assert_int_equal(p.retry_delay_s, 75);
	assert_true(W->sms[0].len <= 137);	/* one SMS still */
	card_closed(card_post(NULL, NULL, NULL));
	world_spin(600);
	assert_int_equal(o.n_done, 0);
}

int main(void)
{
#define T(x) cmocka_unit_test_setup_teardown(test_##x, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(closed_under_script), T(chain_lost), T(chain_moved_before),
		T(polls), T(status_words), T(retry_policy), T(trigger_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
