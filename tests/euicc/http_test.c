/* The card's admin agent (OpenSSL, own HTTP) against the project's server on GnuTLS and libmicrohttpd: two foreign
 * stacks on either end of a real TCP connection. Messages and rules: OTA digest 8.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/socket.h>

#include <osmocom/core/application.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/net/http.h>
#include <osmocom/rsp/ota/scp81_msg.h>
#include <osmocom/rsp/ota/script.h>

#include "../../src/euicc/card_cat.h"
#include "../../src/euicc/card_db.h"
#include "../../src/euicc/card_http.h"
#include "../../src/euicc/card_httprx.h"
#include "http_world.h"

#define STATUS_ALL "220880F24002024F0000"

#define E3_BOOT "E3254F10A0000005591010FFFFFFFF89000010009F70013F5301018F040000002A910400000000"

static void test_dialog(void **state)
{
	struct world *w = world_new(WORLD_PSK);
	struct http_req *q;

	world_trigger(w);
	q = world_await(w, 1);
	assert_string_equal(http_req_method(q), "POST");
	assert_string_equal(http_req_path(q), "/gsma/adminagent");
	assert_string_equal(http_req_header(q, SCP81_HDR_FROM), WORLD_FROM);
	assert_string_equal(http_req_header(q, SCP81_HDR_PROTOCOL), SCP81_PROTOCOL);
	assert_null(http_req_header(q, SCP81_HDR_STATUS));
	assert_null(http_req_header(q, SCP81_HDR_RESUME));
	world_body_is(q, "");

	world_respond_hex(w, "/gsma/adminagent?s=1&n=2", NULL, "AE80" STATUS_ALL "0000");
	q = world_await(w, 2);
	assert_string_equal(http_req_query(q), "s=1&n=2");
	assert_string_equal(http_req_header(q, SCP81_HDR_STATUS), "ok");
	assert_string_equal(http_req_header(q, "Content-Type"), SCP81_TYPE_RSP);
	assert_string_equal(http_req_header(q, "Transfer-Encoding"), "chunked");
	world_body_is(q, "AF802329" E3_BOOT "90000000");

	/* nobody of that name */
	world_respond_hex(w, "/gsma/adminagent?s=1&n=3", "//aid/A000000559/1010FFFFFFFF8900007700", "AE80" STATUS_ALL "0000");
	q = world_await(w, 3);
	assert_string_equal(http_req_header(q, SCP81_HDR_STATUS), "unknown-application");
	world_body_is(q, "");

	/* nothing to run, go on there */
	world_respond(w, 204, "/gsma/adminagent?s=1&n=4", NULL, NULL);
	q = world_await(w, 4);
	assert_string_equal(http_req_query(q), "s=1&n=4");
	assert_null(http_req_header(q, SCP81_HDR_STATUS));
	world_respond(w, 204, NULL, NULL, NULL);
	world_await_idle(w);
	assert_int_equal(w->fd, -1);
	assert_int_equal(w->r->timer[CARD_TIMER_HTTP], 0);
	world_free(w);
}

/* 20 kB one way, more than that back: fragments of 512, chunks of 480, pieces of 237 and 230. */
static void test_large(void **state)
{
	struct world *w = world_new(WORLD_PSK);
	struct bytes *tlvs = bytes_new(w->r->ctx, 0), *script = bytes_new(w->r->ctx, 0);
	struct script_rsp s;
	struct apdu_rsp a;
	struct http_req *q;
	const uint8_t *b;
	unsigned i, n = 0;
	struct rd r;
	size_t len;

	for (i = 0; i < 2000; i++)
		bytes_put_hex(tlvs, STATUS_ALL);
	assert_int_equal(script_cmd_enc(script, tlvs->data, tlvs->len, false, SCRIPT_CHAIN_NONE), 0);
	world_trigger(w);
	world_await(w, 1);
	world_respond(w, 200, "/x", NULL, script);
	q = world_await(w, 2);
	b = http_req_body(q, &len);
	assert_int_equal(script_rsp_dec(&s, b, len), 0);
	rd_init(&r, s.tlvs, s.len);
	while (script_rapdu_next(&r, &a) == 1) {
		assert_int_equal(a.sw, 0x9000);
		n++;
	}
	assert_int_equal(n, 2000);
	world_respond(w, 204, NULL, NULL, NULL);
	world_await_idle(w);
	world_free(w);
}

/* The radio is lost while the server thinks: the same POST comes again, marked, on a new connection. */
static void test_resume(void **state)
{
	struct world *w = world_new(WORLD_PSK);
	struct http_req *q;
	unsigned i;

	world_trigger(w);
	world_await(w, 1);
	world_respond_hex(w, "/gsma/adminagent?s=1&n=2", NULL, "AE80" STATUS_ALL "0000");
	world_await(w, 2);
	shutdown(w->fd, SHUT_RDWR);
	for (i = 0; i < 2000 && (!w->gone || strcmp(card_http_state(w->r->card), "waiting")); i++)
		world_turn(w);
	assert_int_equal(w->gone, 1);
	assert_int_equal(w->r->timer[CARD_TIMER_HTTP], 60);
	rig_timer(w->r, CARD_TIMER_HTTP);
	q = world_await(w, 3);
	assert_string_equal(http_req_query(q), "s=1&n=2");
	assert_string_equal(http_req_header(q, SCP81_HDR_RESUME), "true");
	assert_string_equal(http_req_header(q, SCP81_HDR_STATUS), "ok");
	world_body_is(q, "AF802329" E3_BOOT "90000000");
	assert_int_equal(w->r->card->scripts, 1);
	world_respond(w, 204, NULL, NULL, NULL);
	world_await_idle(w);
	world_free(w);
}

static void test_wrong_psk(void **state)
{
	struct world *w = world_new("FF2122232425262728292A2B2C2D2E2F");
	unsigned i, tries;

	world_trigger(w);
	for (tries = 0; tries < 3; tries++) {
		for (i = 0; i < 5000 && strcmp(card_http_state(w->r->card), "waiting") &&
		     strcmp(card_http_state(w->r->card), "idle"); i++)
			world_turn(w);
		if (!strcmp(card_http_state(w->r->card), "idle"))
			break;
		rig_timer(w->r, CARD_TIMER_HTTP);
	}
	/* as often as the trigger's retry policy says, then never again */
	assert_int_equal(tries, 2);
	assert_string_equal(card_http_state(w->r->card), "idle");
	assert_int_equal(w->requests, 0);
	world_free(w);
}

/* EnableProfile: the result is with the server before the card leaves the network. */
static void test_enable(void **state)
{
	struct world *w = world_new(WORLD_PSK);
	struct aid aid;
	struct isd_p *p;
	struct http_req *q;

	world_trigger(w);
	world_await(w, 1);
	aid_isdp(&aid, 0x13);
	world_respond_hex(w, "/n2", NULL,
		    "AE80224580E60C003F10A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010"
		    "A0000005591010FFFFFFFF89000013000380C00006C9048102037000000000");
	q = world_await(w, 2);
	world_body_is(q, "AF80230300900000" "00");
	p = card_isdp(w->r->card, &aid);
	p->state = ES5_STATE_DISABLED;
	card_db_isdp_save(p);
	world_respond_hex(w, "/n3", NULL, "AE80221A80E28800153A03124F10A0000005591010FFFFFFFF89000013000000");
	q = world_await(w, 3);
	world_body_is(q, "AF80230290000000");
	assert_false(w->r->refresh);
	world_respond(w, 204, NULL, NULL, NULL);
	world_await_idle(w);
	assert_true(w->r->refresh);
	rig_power(w->r);
	assert_int_equal(p->state, ES5_STATE_ENABLED);

	/* the notification by HTTPS: in the URI of the first POST, the confirmation in the answer (OTA digest 8.7) */
	w->r->env->cfg.notify = CARD_NOTIFY_HTTPS;
	w->r->card->smsr.port = http_srv_port(w->srv);
	rig_location(w->r, 0);
	q = world_await(w, 4);
	assert_string_equal(http_req_path(q), "/gsma/adminagent");
	assert_string_equal(http_req_query(q), "msg=E1354C10890010120123412340123456789012244D01024E0200002F10"
			    "A0000005591010FFFFFFFF890000130014083A45990057918503");
	world_respond_hex(w, "/n5", NULL, "AE80220C80E28900073A08044E0200000000");
	q = world_await(w, 5);
	world_body_is(q, "AF80230290000000");
	world_respond(w, 204, NULL, NULL, NULL);
	world_await_idle(w);
	assert_int_equal(w->r->card->sw.stage, SW_STAGE_NONE);
	world_free(w);
}

/* digest 8.4: an application of the profile, and a domain that takes no commands. */
static void test_status_values(void **state)
{
	struct world *w = world_new(WORLD_PSK);
	struct http_req *q;

	world_trigger(w);
	world_await(w, 1);
	world_respond_hex(w, "/n2", "//aid/A000000087/1002FF49FF0189", "AE80" STATUS_ALL "0000");
	q = world_await(w, 2);
	assert_string_equal(http_req_header(q, SCP81_HDR_STATUS), "not-a-security-domain");
	world_respond_hex(w, "/n3", "//aid/A000000559/1010FFFFFFFF8900000200", "AE80" STATUS_ALL "0000");
	q = world_await(w, 3);
	assert_string_equal(http_req_header(q, SCP81_HDR_STATUS), "security-error");
	world_body_is(q, "");
	/* a script that is none: its answer says what is wrong with it */
	world_respond_hex(w, "/n4", NULL, "AE8033010000" "00");
	q = world_await(w, 4);
	assert_string_equal(http_req_header(q, SCP81_HDR_STATUS), "ok");
	world_body_is(q, "AF809001010000");
	/* 200 without a next URI: run, and not reported (8.5) */
	world_respond_hex(w, NULL, NULL, "AE80" STATUS_ALL "0000");
	world_await_idle(w);
	assert_int_equal(w->requests, 4);
	assert_int_equal(w->r->card->scripts, 2);
	world_free(w);
}

/* One session a card: a trigger that comes meanwhile is taken up when the session is over. */
static void test_one_session(void **state)
{
	struct world *w = world_new(WORLD_PSK);

	world_trigger(w);
	world_await(w, 1);
	world_trigger(w);
	assert_int_equal(w->requests, 1);
	world_respond(w, 204, NULL, NULL, NULL);
	world_await(w, 2);
	world_respond(w, 204, NULL, NULL, NULL);
	world_await_idle(w);
	assert_int_equal(w->requests, 2);
	world_free(w);
}

/* UpdateSMSRAddressingParameters: address, retry policy and name server are kept over a reset, a restart too; a
 * trigger that says nothing takes them. */
static void test_stored_parameters(void **state)
{
	struct world *w = world_new(WORLD_PSK);
	struct scp81_params p = { .has_conn = true, .ip = "127.0.0.1", .port = 1, .has_retry = true, .retry_count = 1,
				  .retry_delay_s = 7, .uri = "/stored" };
	struct bytes *b = bytes_new(w->r->ctx, 0), *a5 = bytes_new(w->r->ctx, 0);
	char *apdu;
	int status;

	assert_int_equal(scp81_params_enc(b, &p), 0);
	tlv_put(a5, 0xA5, b->data, b->len);
	bytes_put_hex(a5, "A615" "3E050A0A000035" "D60C736D73722E6578616D706C65");
	a5->data[b->len + 4 + 2] = 0x21;	/* IPv4 */
	apdu = talloc_asprintf(w->r->ctx, "80E28800%02X3A07%02X%s00", (unsigned)a5->len + 3, (unsigned)a5->len,
			       bytes_hex(w->r->ctx, a5->data, a5->len));
	assert_string_equal(rig_isd_r(w->r, apdu), "9000");
	rig_restart(w->r);
	assert_string_equal(w->r->card->smsr.dns, "10.0.0.53");
	assert_string_equal(w->r->card->smsr.host, "smsr.example");
	assert_int_equal(w->r->card->smsr.dns_port, 53);
	rig_power(w->r);
	rig_location(w->r, 0);
	rig_payload(w->r, 1, (const uint8_t *)"\x81", 2, &status);	/* 81 00 */
	assert_int_equal(status, SCP80_ST_OK);
	assert_string_equal(card_http_state(w->r->card), "waiting");	/* nobody listens on port 1 */
	assert_int_equal(w->r->timer[CARD_TIMER_HTTP], 7);
	w->r->card->smsr.port = http_srv_port(w->srv);
	rig_timer(w->r, CARD_TIMER_HTTP);
	assert_string_equal(card_http_state(w->r->card), "idle");	/* one retry, and that is over */
	world_free(w);
}

/* No short message goes: the notification opens a session of the card's own (SGP.02 3.15.2), queued work comes with
 * it. */
static void test_notify_without_sms(void **state)
{
	struct world *w = world_new(WORLD_PSK);
	struct http_req *q;

	w->r->env->cfg.notify = CARD_NOTIFY_AUTO;
	w->r->card->smsr.port = http_srv_port(w->srv);
	w->r->sms_result = 0x35;	/* RP-ERROR, each time */
	w->r->card->declared = false;
	rig_location(w->r, 2);
	rig_location(w->r, 0);
	q = world_await(w, 1);
	assert_memory_equal(http_req_query(q), "msg=E135", 8);
	world_respond_hex(w, "/n2", NULL, "AE80220C80E28900073A08044E0200000000");
	q = world_await(w, 2);
	world_body_is(q, "AF80230290000000");
	world_respond_hex(w, "/n3", NULL, "AE80" STATUS_ALL "0000");
	world_await(w, 3);
	world_respond(w, 204, NULL, NULL, NULL);
	world_await_idle(w);
	assert_int_equal(w->r->card->notif.type, 0);
	world_free(w);
}

/* A card without HTTPS does not know what a trigger is, whatever its EIS says. */
static void test_no_https(void **state)
{
	struct world *w = world_new(WORLD_PSK);
	struct bytes *b = bytes_from_hex(w->r->ctx, "8100");
	int status;

	fault_set(w->r->card->faults, FAULT_NO_HTTPS, 1);
	rig_payload(w->r, 1, b->data, b->len, &status);
	assert_int_equal(status, SCP80_ST_OK);
	assert_string_equal(card_http_state(w->r->card), "idle");
	assert_int_equal(w->requests, 0);
	world_free(w);
}

/* Answers of the digest (8.3), in one piece, octet by octet, and every prefix. */
static void test_parser(void **state)
{
	static const char ok[] = "HTTP/1.1 100 Continue\r\n\r\n"
				 "HTTP/1.1 200 OK\r\nX-Admin-Protocol: "
				 "globalplatform-remote-admin/1.0\r\nX-Admin-Next-URI: /gsma/adminagent?s=1&n=2\r\n"
				 "Content-Type: application/vnd.globalplatform.card-content-mgt;version=1.0\r\n"
				 "x-admin-targeted-application: "
				 "//aid/A000000559/1010FFFFFFFF8900001000\r\nTransfer-Encoding: chunked\r\n\r\n"
				 "E;x=y\r\n0123456789abcd\r\n1\r\nX\r\n0\r\nTrailer: x\r\n\r\n";
	static const char *const bad[] = {
		"SIP/2.0 200 OK\r\n", "HTTP/1.1 abc\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFF\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n",
	};
	struct card_httprx *rx;
	size_t used, n, i;

	for (n = 0; n < sizeof(ok) - 1; n++) {
		rx = card_httprx_new(NULL);
		assert_int_equal(card_httprx_feed(rx, (const uint8_t *)ok, n, &used), 0);
		assert_int_equal(card_httprx_feed(rx, (const uint8_t *)ok + n, sizeof(ok) - 1 - n, &used), 1);
		assert_int_equal(rx->status, 200);
		assert_string_equal(rx->next_uri, "/gsma/adminagent?s=1&n=2");
		assert_string_equal(rx->target, "//aid/A000000559/1010FFFFFFFF8900001000");
		assert_true(bytes_eq(rx->body, "0123456789abcdX", 15));
		talloc_free(rx);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		rx = card_httprx_new(NULL);
		assert_true(card_httprx_feed(rx, (const uint8_t *)bad[i], strlen(bad[i]), &used) < 0);
		talloc_free(rx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parser), cmocka_unit_test(test_dialog), cmocka_unit_test(test_large),
		cmocka_unit_test(test_resume), cmocka_unit_test(test_wrong_psk), cmocka_unit_test(test_enable),
		cmocka_unit_test(test_status_values), cmocka_unit_test(test_one_session), cmocka_unit_test(test_stored_parameters),
		cmocka_unit_test(test_notify_without_sms), cmocka_unit_test(test_no_https),
	};

	osmo_init_logging2(talloc_named_const(NULL, 0, "logging"), &rsp_log_info);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
