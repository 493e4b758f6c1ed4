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

#define NOTIF_E1 "E1354C10" EID "4D01024E0200072F10A0000005591010FFFFFFFF890000130014083A45990057918503"
#define CONFIRM "220D80E28900073A08044E020007"

static void test_dialog(void **state)
{
	struct owner o = { 0 }, o2 = { 0 };
	struct card_cmd c = card_download(&o), c2 = world_cmd(&o2, GET_STATUS);
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
	struct card_cmd c = card_download(&o);
	struct http_req *r;

	world_start(5);
	r = card_opened(&o, &c);
	r = card_post(r->next_uri, "ok", OK_BODY);
	assert_int_equal(r->n_answers, 0);
	world_wait(&r->n_answers, 1);
	assert_int_equal(r->code, 204);
	/* and by release() at once */
	r = card_opened(&o, &c);
	r = card_post(r->next_uri, "ok", OK_BODY);
	assert_int_equal(r->n_answers, 0);
	card_session_release(W->cs, &W->eid);
	world_turn();
	assert_int_equal(r->code, 204);
}

/* A chained script: 83 in front (ota-transport 4.3). */
static void test_chaining(void **state)
{
	static const char *const want[] = { "AE80830101220880F24002024F00000000", "AE80830102220880F24002024F00000000",
					    "AE80830103220880F24002024F00000000" };
	struct owner o = { 0 };
	struct card_cmd c = card_download(&o);
	struct http_req *r = NULL;
	unsigned i;

	world_start(5);
	c.chained = true;
	for (i = 0; i < 3; i++) {
		c.first_in_chain = i == 0;
		c.more = i < 2;
		if (!r) {
			r = card_opened(&o, &c);
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
	struct card_cmd c = card_download(&o);
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
	struct card_cmd c = card_download(&o);
	struct http_req *r1, *r2, *again;

	world_start(5);
	r1 = card_opened(&o, &c);
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
	struct card_cmd c = card_download(&o);
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
	struct card_cmd c = card_download(&o);
	struct http_req *r;

	world_start(5);
	card_opened(&o, &c);
	r = card_post(NULL, NULL, NULL);
	assert_int_equal(o.n_done, 1);
	assert_int_equal(o.outcome, CARD_NO_ANSWER);
	assert_int_equal(r->code, 204);
}

static void test_newest_wins(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = card_download(&o);
	struct http_req *r, *old, *new;

	world_start(5);
	r = card_opened(&o, &c);
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
	struct card_cmd c = card_download(&o);
	struct http_req *r;
	unsigned i;

	world_start(5);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		r = card_opened(&o, &c);
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
	struct card_cmd c = card_download(&o);
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
	struct card_cmd c = card_download(&o);
	struct http_req *r, *again;

	world_start(5);
	r = card_opened(&o, &c);
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
		T(gone_before_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
