/* Card sessions over HTTPS (SCP81): the dialog of GP Amd B 3.4 as a card plays it, its losses and its repetitions
 * (ota-transport 8.3 to 8.7). The server below is played by the test; session_tls_test has the real one.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "session_help.h"
#include "session_http.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/scp80.h>
#include <osmocom/rsp/ota/scp81_msg.h>

#define OK_BODY "AF80230290000000"
#define NOTIF_E1 "E1354C10" EID "4D01024E0200072F10A0000005591010FFFFFFFF890000130014083A45990057918503"
#define CONFIRM "220D80E28900073A08044E020007"

static struct card_cmd download_cmd(struct owner *o)
{
	struct card_cmd c = world_cmd(o, GET_STATUS);

	c.more = true;
	return c;
}

/* A command that must go by HTTPS, and the card that comes for it. */
static struct http_req *opened(struct owner *o, const struct card_cmd *c)
{
	struct http_req *req;
	unsigned n = o->n_mark;

	world_send(o, c, 5);
	req = card_post(NULL, NULL, NULL);
	assert_int_equal(req->code, 200);
	assert_int_equal(o->n_mark, n + 1);
	return req;
}

static void test_dialog(void **state)
{
	struct owner o = { 0 }, o2 = { 0 };
	struct card_cmd c = download_cmd(&o), c2 = world_cmd(&o2, GET_STATUS);
	struct scp81_params p;
	struct scp80_sec sec;
	struct bytes *trigger;
	struct http_req *r1, *r2, *r3;

	world_start(5);
	world_send(&o, &c, 5);
	assert_int_equal(W->n_sms, 1);
	assert_int_equal(o.n_mark, 0);		/* a trigger makes the card do nothing yet */
	trigger = world_open(0, &sec);
	assert_int_equal(sec.spi1, 0x16);
	assert_int_equal(sec.spi2, 0x00);
	assert_int_equal(sec.tar, 0x000001);
	/* as the minimal trigger of ota-transport 5.2, with a buffer size */
	assert_hex(trigger->data, trigger->len, "812B832984133501033902057" "83C030201BB3E05210A000001"
		   "89128C102F67736D612F61646D696E6167656E74");
	assert_int_equal(scp81_trigger_dec(&p, trigger->data, trigger->len), 0);
	world_sms(0, SMS_DELIVERED);

	r1 = card_post(NULL, NULL, NULL);
	assert_int_equal(r1->code, 200);
	assert_hex(r1->answer, r1->answer_len, "AE80220880F24002024F00000000");
	assert_string_equal(r1->protocol, "globalplatform-remote-admin/1.0");
	assert_string_equal(r1->type, "application/vnd.globalplatform.card-content-mgt;version=1.0");
	assert_string_equal(r1->target, "");
	assert_false(r1->close);
	assert_int_equal(strncmp(r1->next_uri, "/gsma/adminagent?s=", 19), 0);
	assert_int_equal(strlen(r1->next_uri), 19 + 32 + 4);
	assert_int_equal(o.n_mark, 1);
	assert_string_equal(o.bearer, "HTTPS");
	assert_int_equal(o.n_done, 0);

	r2 = card_post(r1->next_uri, "ok", OK_BODY);
	assert_int_equal(o.n_done, 1);
	assert_int_equal(o.outcome, CARD_OK);
	assert_hex(o.resp, o.resp_len, "23029000");
	assert_int_equal(r2->n_answers, 0);	/* held for the command that was announced */
	/* short as it is, and no download: the session is open, so it goes there */
	aid_isdp(&c2.target, 0x10);
	world_send(&o2, &c2, 5);
	assert_int_equal(r2->code, 200);
	assert_string_equal(r2->target, "//aid/A000000559/1010FFFFFFFF8900001000");
	assert_string_not_equal(r2->next_uri, r1->next_uri);
	assert_int_equal(W->n_sms, 1);
	r3 = card_post(r2->next_uri, "ok", OK_BODY);
	assert_int_equal(o2.outcome, CARD_OK);
	assert_int_equal(r3->code, 204);	/* nothing more announced */
	assert_true(r3->close);
	assert_string_equal(r3->next_uri, "");
	world_turn();
	assert_int_equal(card_sessions_count(W->cs), 0);
}

static void test_hold_ends(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = download_cmd(&o);
	struct http_req *r;

	world_start(5);
	r = opened(&o, &c);
	r = card_post(r->next_uri, "ok", OK_BODY);
	assert_int_equal(r->n_answers, 0);
	world_wait(&r->n_answers, 1);
	assert_int_equal(r->code, 204);
	/* and by release() at once */
	r = opened(&o, &c);
	r = card_post(r->next_uri, "ok", OK_BODY);
	assert_int_equal(r->n_answers, 0);
	card_session_release(W->cs, &W->eid);
	world_turn();
	assert_int_equal(r->code, 204);
}

/* The connection breaks under a script (ota-transport 8.6): a card that comes back with the result is believed, one that
 * does not (reset) leaves the question what has become of the script, at once and not after the command's time. */
static void test_closed_under_script(void **state)
{
	struct owner o = { 0 }, o2 = { 0 }, o3 = { 0 };
	struct card_cmd c = download_cmd(&o), c2 = download_cmd(&o2), c3 = world_cmd(&o3, GET_STATUS);
	struct http_req *r, *r2;

	world_start(5);
	r = opened(&o, &c);
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
	struct card_cmd c = download_cmd(&o), c2 = download_cmd(&o2);
	struct http_req *r, *r2;

	c.chained = c.first_in_chain = c2.chained = true;
	world_start(5);
	r = opened(&o, &c);
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

/* Nothing is ready, but something is announced: 204 with Next-URI keeps the card for a while (ota-transport 8.5). */
static void test_polls(void **state)
{
	struct owner o = { 0 }, o2 = { 0 }, o3 = { 0 }, o4 = { 0 };
	struct card_cmd c = download_cmd(&o), c2 = download_cmd(&o2), c3 = download_cmd(&o3), c4 = download_cmd(&o4);
	struct http_req *r, *r2;

	osmo_tdef_set(card_session_tdefs, CARD_T_HOLD, 200, OSMO_TDEF_MS);
	W->bearer.scp81.polls = 2;
	world_start(5);
	r = opened(&o, &c);
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
	r = opened(&o3, &c3);
	r = card_post(r->next_uri, "ok", OK_BODY);
	world_wait(&r->n_answers, 1);
	card_session_release(W->cs, &W->eid);
	r = card_post(r->next_uri, NULL, NULL);
	assert_int_equal(r->code, 204);
	assert_true(r->close);
	/* a card that does not come again, but hangs up, is triggered */
	r = opened(&o4, &c4);
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
	static const char *const words[] = { "unknown-application", "not-a-security-domain", "security-error", "unavailable-se",
					     "temporarily-unavailable-application", "script-format-error" };

	world_start(5);
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		struct owner o = { 0 };
		struct card_cmd c = download_cmd(&o);
		struct http_req *r = opened(&o, &c);

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
	struct card_cmd c = download_cmd(&o);
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
	struct card_cmd c = download_cmd(&o);
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

/* A chained script: 83 in front (ota-transport 4.3). */
static void test_chaining(void **state)
{
	static const char *const want[] = { "AE80830101220880F24002024F00000000", "AE80830102220880F24002024F00000000",
					    "AE80830103220880F24002024F00000000" };
	struct owner o = { 0 };
	struct card_cmd c = download_cmd(&o);
	struct http_req *r = NULL;
	unsigned i;

	world_start(5);
	c.chained = true;
	for (i = 0; i < 3; i++) {
		c.first_in_chain = i == 0;
		c.more = i < 2;
		if (!r) {
			r = opened(&o, &c);
		} else {
			r = card_post(r->next_uri, "ok", OK_BODY);
			world_send(&o, &c, 5);
		}
		assert_hex(r->answer, r->answer_len, want[i]);
	}
	card_post(r->next_uri, "ok", "AF8083010100" "00");
	assert_int_equal(o.outcome, CARD_REJECTED);	/* no previous script */
}

static void test_trigger_repeated(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = download_cmd(&o);
	struct scp80_sec a, b;

	world_start(5);
	world_send(&o, &c, 2);
	world_sms(0, SMS_DELIVERED);
	world_wait(&W->n_sms, 2);
	world_open(0, &a);
	world_open(1, &b);
	assert_true(b.cntr > a.cntr);		/* a new packet, a new counter */
	world_sms(1, SMS_UNREACHABLE);
	card_sessions_sms_alert(W->cs, "49170123");
	world_turn();
	assert_int_equal(W->n_sms, 3);
	world_sms(2, SMS_DELIVERED);
	world_wait(&o.n_done, 1);
	assert_int_equal(o.outcome, CARD_NOT_SENT);
	assert_int_equal(o.n_mark, 0);
	assert_int_equal(W->n_sms, 4);		/* after 200, 400, 800 ms here: 15, 30, 60 s */
	world_turn();
	assert_int_equal(card_sessions_count(W->cs), 0);
}

/* Anything that opens a session gets what waits (ota-transport 10.2); nothing waits: 204 at once. */
static void test_poll(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = world_cmd(&o, GET_STATUS);
	struct http_req *r;

	world_start(5);
	r = card_post(NULL, NULL, NULL);
	assert_int_equal(r->code, 204);
	world_send(&o, &c, 5);
	world_sms(0, SMS_UNREACHABLE);		/* by SMS it could not be reached */
	r = card_post(NULL, NULL, NULL);
	assert_int_equal(r->code, 200);
	assert_string_equal(o.bearer, "SMS");
	assert_int_equal(o.n_mark, 1);
	card_post(r->next_uri, "ok", OK_BODY);
	assert_int_equal(o.outcome, CARD_OK);
	/* but what is with the card by SMS is not given a second time */
	world_send(&o, &c, 5);
	world_sms(W->n_sms - 1, SMS_DELIVERED);
	r = card_post(NULL, NULL, NULL);
	assert_int_equal(r->n_answers, 0);
	world_wait(&o.n_done, 2);
	assert_int_equal(o.outcome, CARD_NO_ANSWER);
	world_turn();
	assert_int_equal(r->code, 204);
}

static void test_resume(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = download_cmd(&o);
	struct http_req *r1, *r2, *again;

	world_start(5);
	r1 = opened(&o, &c);
	/* the answer to the first POST was lost: no query in the URI, only X-Admin-Resume */
	again = card_request();
	again->resume = true;
	card_deliver(again);
	assert_int_equal(again->code, 200);
	assert_string_equal(again->next_uri, r1->next_uri);
	assert_int_equal(again->answer_len, r1->answer_len);
	assert_memory_equal(again->answer, r1->answer, r1->answer_len);
	assert_int_equal(o.n_mark, 1);
	r2 = card_post(r1->next_uri, "ok", OK_BODY);
	world_send(&o, &c, 5);
	assert_int_equal(r2->code, 200);
	/* the same of a later step: the POST with its result comes a second time, and counts once */
	again = card_post(r1->next_uri, "ok", OK_BODY);
	assert_int_equal(again->code, 200);
	assert_string_equal(again->next_uri, r2->next_uri);
	assert_int_equal(o.n_done, 1);
	assert_int_equal(o.n_mark, 2);
	/* the connection breaks while the POST is held, the card repeats it */
	r2 = card_post(r2->next_uri, "ok", OK_BODY);
	assert_int_equal(o.n_done, 2);
	card_gone(r2);
	again = card_request();
	again->resume = true;
	OSMO_STRLCPY_ARRAY(again->query, strchr(r1->next_uri, '?') + 1);
	again->query[strlen(again->query) - 1] = '2';
	card_deliver(again);
	assert_int_equal(again->n_answers, 0);
	world_send(&o, &c, 5);
	assert_int_equal(again->code, 200);
}

static void test_no_result(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = download_cmd(&o);
	struct http_req *r, *late;

	world_start(5);
	world_send(&o, &c, 1);
	r = card_post(NULL, NULL, NULL);
	assert_int_equal(r->code, 200);
	world_wait(&o.n_done, 1);
	assert_int_equal(o.outcome, CARD_NO_ANSWER);
	/* asked for again after its owner was told: not given, it could be run behind an audit */
	late = card_request();
	late->resume = true;
	card_deliver(late);
	assert_int_equal(late->code, 204);
	world_send(&o, &c, 5);
	r = card_post(NULL, NULL, NULL);
	assert_int_equal(r->code, 200);
	late = card_post("/gsma/adminagent?s=00112233445566778899aabbccddeeff&n=1", "ok", OK_BODY);
	assert_int_equal(late->code, 204);	/* of another session */
	assert_int_equal(o.n_done, 1);
	card_post(r->next_uri, "ok", OK_BODY);
	assert_int_equal(o.n_done, 2);
	assert_int_equal(o.outcome, CARD_OK);
}

/* GP Amd B: the card was reset and begins anew; what it was given has no answer. */
static void test_card_begins_anew(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = download_cmd(&o);
	struct http_req *r;

	world_start(5);
	opened(&o, &c);
	r = card_post(NULL, NULL, NULL);
	assert_int_equal(o.n_done, 1);
	assert_int_equal(o.outcome, CARD_NO_ANSWER);
	assert_int_equal(r->code, 204);
}

static void test_newest_wins(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = download_cmd(&o);
	struct http_req *r, *old, *new;

	world_start(5);
	r = opened(&o, &c);
	old = card_post(r->next_uri, "ok", OK_BODY);
	assert_int_equal(old->n_answers, 0);
	new = card_request();
	new->resume = true;
	OSMO_STRLCPY_ARRAY(new->query, strchr(r->next_uri, '?') + 1);
	card_deliver(new);
	assert_int_equal(old->code, 204);
	assert_true(old->close);
	assert_int_equal(new->n_answers, 0);
	world_send(&o, &c, 5);
	assert_int_equal(new->code, 200);
}

static void test_refused_scripts(void **state)
{
	static const char *const t[] = { "unknown-application", "not-a-security-domain", "security-error", "something new" };
	struct owner o = { 0 };
	struct card_cmd c = download_cmd(&o);
	struct http_req *r;
	unsigned i;

	world_start(5);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		r = opened(&o, &c);
		r = card_post(r->next_uri, t[i], NULL);
		assert_int_equal(o.n_done, i + 1);
		assert_int_equal(o.outcome, CARD_REJECTED);
		if (i < 3)
			assert_string_equal(o.detail, t[i]);
		card_session_release(W->cs, &W->eid);
		world_turn();
		assert_int_equal(r->code, 204);
	}
	o.mark_rc = -EIO;			/* the owner stops it at the last moment */
	world_send(&o, &c, 5);
	r = card_post(NULL, NULL, NULL);
	assert_int_equal(r->code, 204);
	assert_int_equal(o.outcome, CARD_NOT_SENT);
}

static void test_who(void **state)
{
	struct http_req *r;
	uint8_t psk[64];

	world_start(5);
	r = card_request();
	strcpy(r->from, "//se-id/eid/" EID2 ";//aa-id/aid/A000000559/1010FFFFFFFF8900000100");
	card_deliver(r);
	assert_int_equal(r->code, 403);
	assert_true(r->close);
	r = card_request();
	strcpy(r->from, "somebody");
	card_deliver(r);
	assert_int_equal(r->code, 403);
	r = card_request();
	strcpy(r->path, "/other");
	card_deliver(r);
	assert_int_equal(r->code, 404);
	r = card_request();
	strcpy(r->method, "GET");
	card_deliver(r);
	assert_int_equal(r->code, 405);
	r = card_request();
	r->has_from = false;
	card_deliver(r);
	assert_int_equal(r->code, 204);
	assert_int_equal(W->n_heard, 1);
	assert_int_equal(card_psk(IDENTITY, psk), 16);
	assert_int_equal(psk[15], 0x2f);
	assert_int_equal(card_psk("8001028110890010120123412340123456789012244F10A0000005591010FFFFFFFF8900000100820102830140",
				  psk), -ENOENT);
	assert_int_equal(card_psk("89", psk), -ENOENT);
	W->unknown = true;
	assert_int_equal(card_psk(IDENTITY, psk), -ENOENT);
	r = card_post(NULL, NULL, NULL);
	assert_int_equal(r->code, 403);
}

/* SGP.02 3.15.2 */
static void test_notification(void **state)
{
	struct owner conf = { 0 }, o = { 0 };
	struct card_cmd c = download_cmd(&o);
	struct http_req *r;

	world_start(5);
	W->confirm = world_cmd(&conf, CONFIRM);
	W->confirm_wanted = true;
	world_send(&o, &c, 5);		/* triggered, then the card comes for another reason */
	r = card_post("/gsma/adminagent?msg=" NOTIF_E1, NULL, NULL);
	assert_int_equal(W->n_notif, 1);
	assert_string_equal(W->notif_bearer, "HTTPS");
	assert_hex(W->notif, W->notif_len, NOTIF_E1);
	assert_int_equal(r->code, 200);
	assert_hex(r->answer, r->answer_len, "AE80" CONFIRM "0000");
	r = card_post(r->next_uri, "ok", OK_BODY);
	assert_int_equal(conf.outcome, CARD_OK);
	assert_int_equal(r->code, 200);		/* a free session for the rest */
	assert_hex(r->answer, r->answer_len, "AE80220880F24002024F00000000");
	/* while a script is out: the notification is told first, then that there is no answer */
	r = card_post("/gsma/adminagent?msg=" NOTIF_E1, NULL, NULL);
	assert_int_equal(o.n_done, 1);
	assert_int_equal(o.outcome, CARD_NO_ANSWER);
	assert_hex(r->answer, r->answer_len, "AE80" CONFIRM "0000");
	card_post(r->next_uri, "ok", OK_BODY);
	/* no confirmation comes: 204, the card rolls back */
	W->confirm_wanted = false;
	r = card_post("/gsma/adminagent?msg=" NOTIF_E1, NULL, NULL);
	assert_int_equal(r->n_answers, 0);
	world_wait(&r->n_answers, 1);
	assert_int_equal(r->code, 204);
	/* confirmed a little later, within the hold time */
	r = card_post("/gsma/adminagent?msg=" NOTIF_E1, NULL, NULL);
	world_send(&conf, &W->confirm, 5);
	assert_int_equal(r->code, 200);
	/* not a notification, or another card's */
	assert_int_equal(card_post("/gsma/adminagent?msg=E100", NULL, NULL)->code, 400);
	assert_int_equal(card_post("/gsma/adminagent?msg=xyz", NULL, NULL)->code, 400);
	assert_int_equal(card_post("/gsma/adminagent?msg=E1354C10" EID2 "4D01024E0200072F10A0000005591010FFFFFFFF8900001300"
				   "14083A45990057918503", NULL, NULL)->code, 400);
	assert_int_equal(W->n_notif, 4);
}

/* No crash and no answer twice, whatever the query. */
static void test_odd_queries(void **state)
{
	static const char *const t[] = { "?s=", "?s=&n=1", "?n=1", "?s=0011223344556677889 9aabbccddeef&n=1", "?msg=", "?",
					 "?s=00112233445566778899aabbccddeeff&n=", "?s=00112233445566778899aabbccddeeff&n=x",
					 "?s=00112233445566778899aabbccddeeff&n=99999999999999999999", "?s=00112233445566778899aabbccddeeff" };
	struct http_req *r;
	unsigned i;
	char uri[200];

	world_start(5);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		snprintf(uri, sizeof(uri), "/gsma/adminagent%s", t[i]);
		r = card_post(uri, "ok", OK_BODY);
		assert_int_equal(r->n_answers, 1);
		assert_true(r->code == 204 || r->code == 400);
	}
}

static void test_gone_before_answer(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = download_cmd(&o);
	struct http_req *r, *again;

	world_start(5);
	r = opened(&o, &c);
	r = card_post(r->next_uri, "ok", OK_BODY);
	card_gone(r);
	world_spin(1300);		/* nobody comes back: forgotten */
	assert_int_equal(card_sessions_count(W->cs), 0);
	again = card_post(r->query[0] ? talloc_asprintf(W, "/gsma/adminagent?%s", r->query) : NULL, "ok", OK_BODY);
	assert_int_equal(again->code, 204);
	assert_int_equal(o.n_done, 1);
}

int main(void)
{
#define T(x) cmocka_unit_test_setup_teardown(test_##x, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(dialog), T(hold_ends), T(chaining), T(trigger_repeated), T(poll), T(resume), T(no_result),
		T(card_begins_anew), T(newest_wins), T(refused_scripts), T(who), T(notification), T(odd_queries),
		T(gone_before_answer), T(closed_under_script), T(chain_lost), T(polls), T(status_words),
		T(retry_policy), T(trigger_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
