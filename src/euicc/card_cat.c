/* The card's side of the toolkit: commands wait in a queue for FETCH, one at a time is with the terminal, its TERMINAL
 * RESPONSE goes to whoever asked. TS 102 223 4.2, 6.4, 7.5.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "card_cat.h"
#include "card_cattp.h"
#include "card_dns.h"
#include "card_http.h"
#include "card_int.h"
#include "card_notif.h"
#include "card_ota.h"
#include "card_por.h"
#include "card_switch.h"
#include "card_udp.h"

#define CAT_QUEUE_MAX 64

struct cat_item {
	struct llist_head entry;
	struct bytes *cmd;
	uint8_t number, type;
	card_cat_cb cb;
	void *priv;
};

struct card_cat {
	struct llist_head queue;
	unsigned len;
	struct cat_item *running;	/* fetched, no TERMINAL RESPONSE yet */
	uint8_t number;
	bool profile;			/* TERMINAL PROFILE received: the toolkit may speak */
};

struct card_cat *card_cat_new(struct card *c)
{
	struct card_cat *cat = talloc_zero(c, struct card_cat);

	INIT_LLIST_HEAD(&cat->queue);
	return cat;
}

void card_cat_reset(struct card *c)
{
	struct cat_item *i, *i2;

	llist_for_each_entry_safe(i, i2, &c->cat->queue, entry) {
		llist_del(&i->entry);
		talloc_free(i);
	}
	TALLOC_FREE(c->cat->running);
	c->cat->len = 0;
	c->cat->profile = false;
}

bool card_cat_ins(uint8_t ins)
{
	return ins == 0x10 || ins == 0x12 || ins == 0x14 || ins == 0xC2;
}

unsigned card_cat_waiting(const struct card *c)
{
	if (!c->cat->profile || c->cat->running || llist_empty(&c->cat->queue))
		return 0;
	return llist_first_entry(&c->cat->queue, struct cat_item, entry)->cmd->len;
}

int card_cat_queue(struct card *c, struct bip_cmd *cmd, card_cat_cb cb, void *priv)
{
	struct cat_item *i;
	int rc;

	if (c->cat->len >= CAT_QUEUE_MAX)
		return -ENOSPC;
	i = talloc_zero(c->cat, struct cat_item);
	if (++c->cat->number == 0)
		c->cat->number = 1;
	i->number = cmd->number = c->cat->number;
	i->type = cmd->type;
	i->cb = cb;
	i->priv = priv;
	cmd->src = BIP_DEV_UICC;
	if (!cmd->dst)
		cmd->dst = BIP_DEV_TERMINAL;
	i->cmd = bytes_new(i, 256);
	rc = bip_cmd_enc(i->cmd, cmd);
	if (rc < 0) {
		talloc_free(i);
		return rc;
	}
	llist_add_tail(&i->entry, &c->cat->queue);
	c->cat->len++;
	return 0;
}

static void timer_cmd(struct card *c, enum card_timer id, uint8_t qualifier, unsigned seconds)
{
	struct bip_cmd cmd = { .type = BIP_TIMER, .qualifier = qualifier, .timer_id = id };
	uint8_t value[3];

	if (qualifier == 0) {
		bip_timer_enc(value, OSMO_MAX(seconds, 1));
		cmd.timer_value = (struct bip_str) { value, sizeof(value) };
	}
	card_cat_queue(c, &cmd, NULL, NULL);
}

void card_cat_timer_start(struct card *c, enum card_timer id, unsigned seconds)
{
	timer_cmd(c, id, 0, seconds);
}

void card_cat_timer_stop(struct card *c, enum card_timer id)
{
	timer_cmd(c, id, 1, 0);
}

/* --- what the terminal sends --- */

static void imei_cb(struct card *c, const struct bip_resp *r, void *priv)
{
	if (r->result < 0x10 && r->imei.len == 8)
		notif_imei_dec(c->device_imei, r->imei.v);
}

/* The first things a card asks of its terminal: events, IMEI; then what a change under way needs. */
static void terminal_profile(struct card *c)
{
	static const uint8_t events[] = { BIP_EV_LOCATION, BIP_EV_DATA_AVAILABLE, BIP_EV_CHANNEL_STATUS };
	struct bip_cmd ev = { .type = BIP_SET_UP_EVENT_LIST, .events = { events, sizeof(events) } };
	struct bip_cmd imei = { .type = BIP_LOCAL_INFO, .qualifier = 0x01 };

	c->cat->profile = true;
	c->device_imei[0] = '\0';
	card_cat_queue(c, &ev, NULL, NULL);
	card_cat_queue(c, &imei, imei_cb, NULL);
	card_switch_started(c);
}

static void fetch(struct card *c, struct bytes *resp)
{
	struct cat_item *i;

	if (!card_cat_waiting(c)) {
		card_sw(resp, SW_CONDITIONS);
		return;
	}
	i = llist_first_entry(&c->cat->queue, struct cat_item, entry);
	llist_del(&i->entry);
	c->cat->len--;
	c->cat->running = i;
	bytes_put_bytes(resp, i->cmd);
	card_sw(resp, SW_OK);
}

static void terminal_response(struct card *c, const struct apdu_cmd *a, struct bytes *resp)
{
	struct cat_item *i = c->cat->running;
	struct bip_resp r;

	if (bip_resp_dec(&r, a->data, a->lc) < 0) {
		card_sw(resp, SW_DATA);
		return;
	}
	if (!i || i->number != r.number || i->type != r.type) {
		card_sw(resp, SW_CONDITIONS);
		return;
	}
	c->cat->running = NULL;
	LOGCARD(c, LOGL_DEBUG, "TERMINAL RESPONSE to %02X: %02X\n", r.type, r.result);
	if (i->cb)
		i->cb(c, &r, i->priv);
	talloc_free(i);
	card_sw(resp, SW_OK);
}

static void event(struct card *c, const struct bip_env *e)
{
	switch (e->event) {
	case BIP_EV_LOCATION:
		if (e->has_service)
			card_switch_service(c, e->service == 0);
		break;
	case BIP_EV_DATA_AVAILABLE:
		if (!card_udp_data_available(c, e->channel & 0x07))
			card_http_data_available(c);
		break;
	case BIP_EV_CHANNEL_STATUS:
		if (e->has_channel && !(e->channel & 0x80) && !card_udp_dropped(c, e->channel & 0x07))
			card_http_dropped(c, e->channel & 0x07);
		break;
	}
}

static void timer_expired(struct card *c, uint8_t id)
{
	switch (id) {
	case CARD_TIMER_SWITCH:
		card_switch_timeout(c);
		break;
	case CARD_TIMER_NOTIF:
		card_notif_timeout(c);
		break;
	case CARD_TIMER_HTTP:
		card_http_timeout(c);
		break;
	case CARD_TIMER_FALLBACK:
		card_switch_no_service(c);
		break;
	case CARD_TIMER_CATTP:
		card_cattp_timeout(c);
		break;
	case CARD_TIMER_DNS:
		card_dns_timeout(c);
		break;
	case CARD_TIMER_POR:
		card_por_timeout(c);
		break;
	}
}

static void envelope(struct card *c, const struct apdu_cmd *a, struct bytes *resp)
{
	struct bip_env e;

	if (bip_env_dec(&e, a->data, a->lc) < 0) {
		card_sw(resp, SW_DATA);
		return;
	}
	switch (e.tag) {
	case BIP_ENV_SMS_PP:
		c->sms_in++;
		card_sw(resp, card_ota_sms(c, e.tpdu.v, e.tpdu.len, resp));
		return;
	case BIP_ENV_EVENT:
		event(c, &e);
		break;
	case BIP_ENV_TIMER:
		timer_expired(c, e.timer_id);
		break;
	default:
		card_sw(resp, SW_DATA);
		return;
	}
	card_sw(resp, SW_OK);
}

void card_cat_apdu(struct card *c, const struct apdu_cmd *a, struct bytes *resp)
{
	switch (a->ins) {
	case 0x10:
		terminal_profile(c);
		card_sw(resp, SW_OK);
		break;
	case 0x12:
		fetch(c, resp);
		break;
	case 0x14:
		terminal_response(c, a, resp);
		break;
	default:
		envelope(c, a, resp);
		break;
	}
}
