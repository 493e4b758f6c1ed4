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
#include "card_rig.h"

#define PSK_ID "8001028110890010120123412340123456789012244F10A0000005591010FFFFFFFF8900000100820101830140"
#define FROM "//se-id/eid/89001012012341234012345678901224;//aa-id/aid/A000000559/1010FFFFFFFF8900000100"
#define STATUS_ALL "220880F24002024F0000"

struct world {
	struct rig *r;
	struct http_srv *srv;
	struct http_req *held;		/* request not yet answered */
	unsigned requests, gone;
	const char *psk;
	/* the modem's channel */
	int fd;
	uint8_t rx[65536];
	size_t rx_len;
	bool eof;
};

static int psk_cb(void *priv, const char *identity, uint8_t *psk, size_t size)
{
	struct world *w = priv;

	assert_string_equal(identity, PSK_ID);
	return hex_dec(psk, size, w->psk);
}

static void req_cb(void *priv, struct http_req *req)
{
	struct world *w = priv;

	assert_null(w->held);
	w->held = req;
	w->requests++;
}

static void gone_cb(void *priv, struct http_req *req)
{
	struct world *w = priv;

	assert_ptr_equal(w->held, req);
	w->held = NULL;
	w->gone++;
}

static bool bip(struct rig *r, const struct bip_cmd *c, struct bip_resp *resp)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct world *w = r->bip_priv;
	size_t n;

	switch (c->type) {
	case BIP_OPEN_CHANNEL:
		assert_int_equal(w->fd, -1);
		assert_int_equal(c->transport, BIP_TCP_CLIENT);
		assert_int_equal(c->dest.len, 4);
		memcpy(&a.sin_addr, c->dest.v, 4);
		a.sin_port = htons(c->port);
		w->fd = socket(AF_INET, SOCK_STREAM, 0);
		w->rx_len = 0;
		w->eof = false;
		if (connect(w->fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
			close(w->fd);
			w->fd = -1;
			resp->result = BIP_RES_BIP_ERROR;
			return true;
		}
		fcntl(w->fd, F_SETFL, O_NONBLOCK);
		resp->has_channel = true;
		resp->channel = 0x81;
		break;
	case BIP_SEND_DATA:
		assert_true(c->data.len > 0 && c->data.len <= BIP_SEND_MAX);
		if (w->fd < 0 || send(w->fd, c->data.v, c->data.len, MSG_NOSIGNAL) != (ssize_t)c->data.len)
			resp->result = BIP_RES_BIP_ERROR;
		resp->has_data_len = true;
		resp->data_len = 0xFF;
		break;
	case BIP_RECEIVE_DATA:
		assert_true(c->data_len <= BIP_DATA_MAX);
		n = OSMO_MIN(w->rx_len, c->data_len);
		resp->data = (struct bip_str) { w->rx, n };
		resp->has_data_len = true;
		resp->data_len = OSMO_MIN(w->rx_len - n, 255);
		/* the response is encoded after this call: keep what it points at behind the buffer's used part */
		{
			static uint8_t out[BIP_DATA_MAX];

			memcpy(out, w->rx, n);
			resp->data.v = out;
		}
		memmove(w->rx, w->rx + n, w->rx_len - n);
		w->rx_len -= n;
		break;
	case BIP_CLOSE_CHANNEL:
		if (w->fd >= 0)
			close(w->fd);
		w->fd = -1;
		break;
	default:
		fail();
	}
	return true;
}

static void event(struct world *w, uint8_t ev, uint8_t channel, uint8_t info, uint8_t len)
{
	struct bip_env e = {.tag = BIP_ENV_EVENT,
			    .src = BIP_DEV_TERMINAL,
			    .dst = BIP_DEV_UICC,
			    .event = ev,
			    .has_channel = true,
			    .channel = channel,
			    .channel_info = info,
			    .has_data_len = ev == BIP_EV_DATA_AVAILABLE,
			    .data_len = len};

	rig_envelope(w->r, &e);
}

/* One turn of the world: server loop, modem. */
static void turn(struct world *w)
{
	size_t before = w->rx_len;
	ssize_t n;

	osmo_select_main_ctx(1);
	if (w->fd < 0) {
		usleep(200);
		return;
	}
	n = recv(w->fd, w->rx + w->rx_len, sizeof(w->rx) - w->rx_len, 0);
	if (n > 0) {
		w->rx_len += n;
		if (!before)
			event(w, BIP_EV_DATA_AVAILABLE, 0x81, 0, OSMO_MIN(w->rx_len, 255));
	} else if (n == 0 && !w->eof) {
		w->eof = true;
		event(w, BIP_EV_CHANNEL_STATUS, 0x01, 0x05, 0);
	} else {
		usleep(200);
	}
}

/* Until a new request is there: it is returned. */
static struct http_req *await(struct world *w, unsigned requests)
{
	unsigned i;

	for (i = 0; i < 20000 && (w->requests < requests || !w->held); i++)
		turn(w);
	assert_int_equal(w->requests, requests);
	assert_non_null(w->held);
	return w->held;
}

static void await_idle(struct world *w)
{
	unsigned i;

	for (i = 0; i < 20000 && strcmp(card_http_state(w->r->card), "idle"); i++)
		turn(w);
	assert_string_equal(card_http_state(w->r->card), "idle");
}

static void respond(struct world *w, unsigned status, const char *next, const char *target, const struct bytes *body)
{
	struct http_header h[4] = { { SCP81_HDR_PROTOCOL, SCP81_PROTOCOL } };
	struct http_req *req = w->held;
	size_t n = 1;

	if (next)
		h[n++] = (struct http_header) { SCP81_HDR_NEXT_URI, next };
	if (target)
		h[n++] = (struct http_header) { SCP81_HDR_TARGET, target };
	if (body)
		h[n++] = (struct http_header) { "Content-Type", SCP81_TYPE_CMD };
	w->held = NULL;
	http_req_respond(req, status, h, n, body ? body->data : NULL, body ? body->len : 0, false);
}

static void respond_hex(struct world *w, const char *next, const char *target, const char *script)
{
	struct bytes *b = bytes_from_hex(w->r->ctx, script);

	respond(w, 200, next, target, b);
	talloc_free(b);
}

static struct world *world_new(const char *psk)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct http_srv_cfg cfg = {
		.ip = "127.0.0.1", .tls = HTTP_TLS_PSK, .psk_cb = psk_cb, .req_cb = req_cb, .gone_cb = gone_cb,
		.max_body = 1 << 20, .max_conns = 10, .hold_s = 30, .chunk = 480, .priv = w,
	};

	w->fd = -1;
	w->psk = psk;
	w->r = rig_new(NULL, NULL);
	w->r->bip = bip;
	w->r->bip_priv = w;
	w->srv = http_srv_new(w->r->ctx, &cfg);
	assert_non_null(w->srv);
	w->r->card->declared = true;
	rig_power(w->r);
	rig_location(w->r, 0);
	return w;
}

static void world_free(struct world *w)
{
	if (w->fd >= 0)
		close(w->fd);
	http_srv_free(w->srv);
	rig_free(w->r);
	free(w);
}

static void trigger(struct world *w)
{
	struct scp81_params p = { .has_conn = true, .ip = "127.0.0.1", .port = http_srv_port(w->srv), .buffer = 1400,
				  .uri = "/gsma/adminagent", .has_retry = true, .retry_count = 2, .retry_delay_s = 60 };
	struct bytes *b = bytes_new(w->r->ctx, 0);
	int status;
	char *data;

	assert_int_equal(scp81_trigger_enc(b, &p), 0);
	data = rig_payload(w->r, 1, b->data, b->len, &status);
	/* the proof of receipt tells that it was taken, not that a session is there */
	assert_int_equal(status, SCP80_ST_OK);
	assert_string_equal(data, "");
}

static void body_is(struct http_req *req, const char *hex)
{
	size_t len;
	const uint8_t *b = http_req_body(req, &len);
	char *h = bytes_hex(NULL, b, len);

	assert_string_equal(h, hex);
	talloc_free(h);
}

#define E3_BOOT "E3254F10A0000005591010FFFFFFFF89000010009F70013F5301018F040000002A910400000000"

static void test_dialog(void **state)
{
	struct world *w = world_new("202122232425262728292A2B2C2D2E2F");
	struct http_req *q;

	trigger(w);
	q = await(w, 1);
	assert_string_equal(http_req_method(q), "POST");
	assert_string_equal(http_req_path(q), "/gsma/adminagent");
	assert_string_equal(http_req_header(q, SCP81_HDR_FROM), FROM);
	assert_string_equal(http_req_header(q, SCP81_HDR_PROTOCOL), SCP81_PROTOCOL);
	assert_null(http_req_header(q, SCP81_HDR_STATUS));
	assert_null(http_req_header(q, SCP81_HDR_RESUME));
	body_is(q, "");

	respond_hex(w, "/gsma/adminagent?s=1&n=2", NULL, "AE80" STATUS_ALL "0000");
	q = await(w, 2);
	assert_string_equal(http_req_query(q), "s=1&n=2");
	assert_string_equal(http_req_header(q, SCP81_HDR_STATUS), "ok");
	assert_string_equal(http_req_header(q, "Content-Type"), SCP81_TYPE_RSP);
	assert_string_equal(http_req_header(q, "Transfer-Encoding"), "chunked");
	body_is(q, "AF802329" E3_BOOT "90000000");

	/* nobody of that name */
	respond_hex(w, "/gsma/adminagent?s=1&n=3", "//aid/A000000559/1010FFFFFFFF8900007700", "AE80" STATUS_ALL "0000");
	q = await(w, 3);
	assert_string_equal(http_req_header(q, SCP81_HDR_STATUS), "unknown-application");
	body_is(q, "");

	/* nothing to run, go on there */
	respond(w, 204, "/gsma/adminagent?s=1&n=4", NULL, NULL);
	q = await(w, 4);
	assert_string_equal(http_req_query(q), "s=1&n=4");
	assert_null(http_req_header(q, SCP81_HDR_STATUS));
	respond(w, 204, NULL, NULL, NULL);
	await_idle(w);
	assert_int_equal(w->fd, -1);
	assert_int_equal(w->r->timer[CARD_TIMER_HTTP], 0);
	world_free(w);
}

/* 20 kB one way, more than that back: fragments of 512, chunks of 480, pieces of 237 and 230. */
static void test_large(void **state)
{
	struct world *w = world_new("202122232425262728292A2B2C2D2E2F");
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
	trigger(w);
	await(w, 1);
	respond(w, 200, "/x", NULL, script);
	q = await(w, 2);
	b = http_req_body(q, &len);
	assert_int_equal(script_rsp_dec(&s, b, len), 0);
	rd_init(&r, s.tlvs, s.len);
	while (script_rapdu_next(&r, &a) == 1) {
		assert_int_equal(a.sw, 0x9000);
		n++;
	}
	assert_int_equal(n, 2000);
	respond(w, 204, NULL, NULL, NULL);
	await_idle(w);
	world_free(w);
}

/* The radio is lost while the server thinks: the same POST comes again, marked, on a new connection. */
static void test_resume(void **state)
{
	struct world *w = world_new("202122232425262728292A2B2C2D2E2F");
	struct http_req *q;
	unsigned i;

	trigger(w);
	await(w, 1);
	respond_hex(w, "/gsma/adminagent?s=1&n=2", NULL, "AE80" STATUS_ALL "0000");
	await(w, 2);
	shutdown(w->fd, SHUT_RDWR);
	for (i = 0; i < 2000 && (!w->gone || strcmp(card_http_state(w->r->card), "waiting")); i++)
		turn(w);
	assert_int_equal(w->gone, 1);
	assert_int_equal(w->r->timer[CARD_TIMER_HTTP], 60);
	rig_timer(w->r, CARD_TIMER_HTTP);
	q = await(w, 3);
	assert_string_equal(http_req_query(q), "s=1&n=2");
	assert_string_equal(http_req_header(q, SCP81_HDR_RESUME), "true");
	assert_string_equal(http_req_header(q, SCP81_HDR_STATUS), "ok");
	body_is(q, "AF802329" E3_BOOT "90000000");
	assert_int_equal(w->r->card->scripts, 1);
	respond(w, 204, NULL, NULL, NULL);
	await_idle(w);
	world_free(w);
}

static void test_wrong_psk(void **state)
{
	struct world *w = world_new("FF2122232425262728292A2B2C2D2E2F");
	unsigned i, tries;

	trigger(w);
	for (tries = 0; tries < 3; tries++) {
		for (i = 0; i < 5000 && strcmp(card_http_state(w->r->card), "waiting") &&
		     strcmp(card_http_state(w->r->card), "idle"); i++)
			turn(w);
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
	struct world *w = world_new("202122232425262728292A2B2C2D2E2F");
	struct aid aid;
	struct isd_p *p;
	struct http_req *q;

	trigger(w);
	await(w, 1);
	aid_isdp(&aid, 0x13);
	respond_hex(w, "/n2", NULL,
		    "AE80224580E60C003F10A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010"
		    "A0000005591010FFFFFFFF89000013000380C00006C9048102037000000000");
	q = await(w, 2);
	body_is(q, "AF80230300900000" "00");
	p = card_isdp(w->r->card, &aid);
	p->state = ES5_STATE_DISABLED;
	card_db_isdp_save(p);
	respond_hex(w, "/n3", NULL, "AE80221A80E28800153A03124F10A0000005591010FFFFFFFF89000013000000");
	q = await(w, 3);
	body_is(q, "AF80230290000000");
	assert_false(w->r->refresh);
	respond(w, 204, NULL, NULL, NULL);
	await_idle(w);
	assert_true(w->r->refresh);
	rig_power(w->r);
	assert_int_equal(p->state, ES5_STATE_ENABLED);

	/* the notification by HTTPS: in the URI of the first POST, the confirmation in the answer (OTA digest 8.7) */
	w->r->env->cfg.notify_https = true;
	w->r->card->smsr.port = http_srv_port(w->srv);
	rig_location(w->r, 0);
	q = await(w, 4);
	assert_string_equal(http_req_path(q), "/gsma/adminagent");
	assert_string_equal(http_req_query(q), "msg=E1354C10890010120123412340123456789012244D01024E0200002F10"
			    "A0000005591010FFFFFFFF890000130014083A45990057918503");
	respond_hex(w, "/n5", NULL, "AE80220C80E28900073A08044E0200000000");
	q = await(w, 5);
	body_is(q, "AF80230290000000");
	respond(w, 204, NULL, NULL, NULL);
	await_idle(w);
	assert_int_equal(w->r->card->sw.stage, SW_STAGE_NONE);
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
	};

	osmo_init_logging2(talloc_named_const(NULL, 0, "logging"), &rsp_log_info);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
