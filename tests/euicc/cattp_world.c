/* See cattp_world.h. SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/misc.h>

#include "../../src/euicc/card_cat.h"
#include "../../src/euicc/card_cattp.h"
#include "cattp_world.h"

/* --- the network --- */

static uint32_t dice(struct world *w)
{
	w->seed = w->seed * 1664525 + 1013904223;
	return (w->seed >> 8) % 100;
}

static void dump(struct world *w, const struct datagram *d)
{
	size_t i;

	if (!w->dump)
		return;
	for (i = 0; i < d->len; i++) {
		if (i % 16 == 0)
			fprintf(w->dump, "%s%06zx", i ? "\n" : "", i);
		fprintf(w->dump, " %02x", d->data[i]);
	}
	fprintf(w->dump, "\n");
}

static void net_put(struct world *w, bool up, const uint8_t *data, size_t len)
{
	struct datagram *d = talloc_zero(w->r->ctx, struct datagram);
	unsigned copies = dice(w) < w->dup ? 2 : 1, at;

	assert_true(len <= sizeof(d->data));
	d->up = up;
	d->len = len;
	memcpy(d->data, data, len);
	dump(w, d);
	if (up) {
		talloc_free(w->last_up);
		w->last_up = talloc_memdup(w->r->ctx, d, sizeof(*d));
		w->n_up++;
	} else {
		w->n_down++;
	}
	if (dice(w) < w->loss)
		copies = 0;
	while (copies--) {
		assert_true(w->n_net < WORLD_IN_FLIGHT);
		at = w->n_net && dice(w) < w->reorder ? dice(w) % w->n_net : w->n_net;
		memmove(&w->net[at + 1], &w->net[at], (w->n_net - at) * sizeof(w->net[0]));
		w->net[at] = talloc_memdup(w->r->ctx, d, sizeof(*d));
		w->n_net++;
	}
	talloc_free(d);
}

/* --- the modem --- */

static void open_channel(struct world *w, const struct bip_cmd *c, struct bip_resp *resp)
{
	static const uint8_t unreachable[] = { BIP_ERR_UNREACHABLE };

	assert_int_equal(c->transport, BIP_UDP_CLIENT);
	assert_int_equal(c->local.len, 0);
	w->port = c->port;
	w->buffer = c->buffer;
	w->dest.len = c->dest.len;
	memcpy(w->addr, c->dest.v, c->dest.len);
	w->nan_len = c->nan.len;
	if (c->nan.len)
		memcpy(w->nan, c->nan.v, c->nan.len);
	if (w->refuse) {
		resp->result = BIP_RES_BIP_ERROR;
		resp->info = (struct bip_str) { unreachable, 1 };
		return;
	}
	w->open = true;
	w->tx_len = w->rx_len = 0;
	resp->has_channel = true;
	resp->channel = 0x81;
	resp->has_buffer = true;
	resp->buffer = c->buffer;
}

static void receive_data(struct world *w, const struct bip_cmd *c, struct bip_resp *resp)
{
	static uint8_t out[BIP_DATA_MAX];
	size_t n = OSMO_MIN(w->rx_len, (size_t)c->data_len);

	memcpy(out, w->rx, n);
	memmove(w->rx, w->rx + n, w->rx_len - n);
	w->rx_len -= n;
	resp->data = (struct bip_str) { out, n };
	resp->has_data_len = true;
	resp->data_len = OSMO_MIN(w->rx_len, (size_t)255);
}

static bool bip(struct rig *r, const struct bip_cmd *c, struct bip_resp *resp)
{
	struct world *w = r->bip_priv;

	switch (c->type) {
	case BIP_OPEN_CHANNEL:
		assert_false(w->open);
		open_channel(w, c, resp);
		break;
	case BIP_SEND_DATA:
		assert_true(w->open && c->data.len && c->data.len <= BIP_SEND_MAX);
		assert_true(w->tx_len + c->data.len <= w->buffer);
		memcpy(w->tx + w->tx_len, c->data.v, c->data.len);
		w->tx_len += c->data.len;
		if (c->qualifier & 1) {
			net_put(w, true, w->tx, w->tx_len);
			w->tx_len = 0;
		}
		resp->has_data_len = true;
		resp->data_len = 0xFF;
		break;
	case BIP_RECEIVE_DATA:
		assert_true(w->open);
		receive_data(w, c, resp);
		break;
	case BIP_CLOSE_CHANNEL:
		assert_true(w->open);
		w->open = false;
		break;
	default:
		fail();
	}
	return true;
}

void world_down(struct world *w, const uint8_t *pdu, size_t len)
{
	struct bip_env e = { .tag = BIP_ENV_EVENT, .src = BIP_DEV_TERMINAL, .dst = BIP_DEV_UICC,
			     .event = BIP_EV_DATA_AVAILABLE, .has_channel = true, .channel = 0x81,
			     .has_data_len = true, .data_len = OSMO_MIN(len, (size_t)255) };

	if (!w->open)
		return;
	memcpy(w->rx, pdu, len);
	w->rx_len = len;
	rig_envelope(w->r, &e);
	assert_int_equal(w->rx_len, 0);
}

/* --- the server --- */

static void send_pdu(void *priv, const uint8_t *pdu, size_t len)
{
	net_put(priv, false, pdu, len);
}

static void established(void *priv, const uint8_t *id, size_t id_len)
{
	struct world *w = priv;

	w->established++;
	assert_true(id_len <= sizeof(w->id));
	memcpy(w->id, id, id_len);
	w->id_len = id_len;
}

static void rx_sdu(void *priv, const uint8_t *sdu, size_t len)
{
	struct world *w = priv;

	w->sdus++;
	talloc_free(w->sdu);
	w->sdu = bytes_dup(w->r->ctx, sdu, len);
}

static void closed(void *priv, uint8_t reason, bool by_peer)
{
	struct world *w = priv;

	w->closed++;
	w->reason = reason;
	w->by_peer = by_peer;
}

static const struct cattp_ops ops = { send_pdu, established, rx_sdu, closed };

void world_listen(struct world *w)
{
	talloc_free(w->link);
	w->link = cattp_link_new(w->r->ctx, &w->cfg, &ops, w);
	assert_non_null(w->link);
	assert_int_equal(cattp_listen(w->link), 0);
}

/* --- together --- */

struct world *world_new(void)
{
	struct rig *r = rig_new(WORLD_KIC, WORLD_KID);
	struct world *w = talloc_zero(r->ctx, struct world);

	w->r = r;
	w->seed = 1;
	w->push = WORLD_PUSH;
	w->now_ms = 1795514400000;
	clock_override(w->now_ms);
	r->bip = bip;
	r->bip_priv = w;
	cattp_cfg_default(&w->cfg, WORLD_PORT);
	/* the server lives in real time, the card in the test's */
	w->cfg.rto_ms = w->cfg.rto_min_ms = 20;
	w->cfg.rto_max_ms = 100;
	w->cfg.retries = 12;
	world_listen(w);
	rig_power(r);
	rig_location(r, 0);
	rig_clear(r);
	return w;
}

void world_free(struct world *w)
{
	clock_override(-1);
	talloc_free(w->link);
	rig_free(w->r);
}

char *world_push(struct world *w, int *status)
{
	struct bytes *p = bytes_from_hex(w->r->ctx, w->push);
	char *hex = rig_payload(w->r, SCP80_TAR_ISD_R, p->data, p->len, status);

	talloc_free(p);
	return hex;
}

static void card_timer(struct world *w)
{
	w->now_ms += 1000LL * w->r->timer[CARD_TIMER_CATTP];
	clock_override(w->now_ms);
	rig_timer(w->r, CARD_TIMER_CATTP);
}

bool world_turn(struct world *w)
{
	struct datagram *d;

	osmo_select_main_ctx(1);
	if (w->n_net) {
		d = w->net[0];
		memmove(&w->net[0], &w->net[1], --w->n_net * sizeof(w->net[0]));
		if (d->up)
			cattp_rx(w->link, d->data, d->len);
		else
			world_down(w, d->data, d->len);
		talloc_free(d);
		return true;
	}
	if (cattp_pending(w->link)) {	/* the server's turn to say it again */
		usleep(2000);
		return true;
	}
	if (!w->r->timer[CARD_TIMER_CATTP] || w->r->timer[CARD_TIMER_CATTP] > 600)
		return false;
	card_timer(w);
	return true;
}

void world_settle(struct world *w, unsigned sdus)
{
	unsigned i;

	for (i = 0; i < 100000 && w->sdus < sdus && !w->closed; i++)
		world_turn(w);
	assert_int_equal(w->sdus, sdus);
}
