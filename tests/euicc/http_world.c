/* See http_world.h. SPDX-License-Identifier: AGPL-3.0-or-later */
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

static int psk_cb(void *priv, const char *identity, uint8_t *psk, size_t size)
{
	struct world *w = priv;

	assert_string_equal(identity, WORLD_PSK_ID);
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

void world_event(struct world *w, uint8_t ev, uint8_t channel, uint8_t info, uint8_t len)
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
void world_turn(struct world *w)
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
			world_event(w, BIP_EV_DATA_AVAILABLE, 0x81, 0, OSMO_MIN(w->rx_len, 255));
	} else if (n == 0 && !w->eof) {
		w->eof = true;
		world_event(w, BIP_EV_CHANNEL_STATUS, 0x01, 0x05, 0);
	} else {
		usleep(200);
	}
}

/* Until a new request is there: it is returned. */
struct http_req *world_await(struct world *w, unsigned requests)
{
	unsigned i;

	for (i = 0; i < 20000 && (w->requests < requests || !w->held); i++)
		world_turn(w);
	assert_int_equal(w->requests, requests);
	assert_non_null(w->held);
	return w->held;
}

void world_await_idle(struct world *w)
{
	unsigned i;

	for (i = 0; i < 20000 && strcmp(card_http_state(w->r->card), "idle"); i++)
		world_turn(w);
	assert_string_equal(card_http_state(w->r->card), "idle");
}

void world_respond(struct world *w, unsigned status, const char *next, const char *target, const struct bytes *body)
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

void world_respond_hex(struct world *w, const char *next, const char *target, const char *script)
{
	struct bytes *b = bytes_from_hex(w->r->ctx, script);

	world_respond(w, 200, next, target, b);
	talloc_free(b);
}

struct world *world_new(const char *psk)
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

void world_free(struct world *w)
{
	if (w->fd >= 0)
		close(w->fd);
	http_srv_free(w->srv);
	rig_free(w->r);
	free(w);
}

void world_trigger(struct world *w)
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

void world_body_is(struct http_req *req, const char *hex)
{
	size_t len;
	const uint8_t *b = http_req_body(req, &len);
	char *h = bytes_hex(NULL, b, len);

	assert_string_equal(h, hex);
	talloc_free(h);
}
