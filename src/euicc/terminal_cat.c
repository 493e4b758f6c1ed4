/* The terminal's side of the card application toolkit: proactive commands, timers, the event list.
 * TS 102 223 6.4 (commands), 7.4 (timers), 7.5 (events); one proactive command at a time.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/logging.h>

#include "terminal_priv.h"

#define TERMINAL_RES_TIMER_STATE 0x24	/* action in contradiction with the current timer state */

void terminal_cat_respond(struct terminal *t, struct bip_resp *r)
{
	struct bytes *b;

	if (!t->proactive || t->response)
		return;
	b = bytes_new(t, 260);
	r->number = t->cmd_number;
	r->type = t->cmd_type;
	r->qualifier = t->cmd_qualifier;
	if (!b || bip_resp_enc(b, r) < 0) {
		talloc_free(b);
		t->proactive = false;
		return;
	}
	t->response = b;
	terminal_work_soon(t);
}

void terminal_cat_result(struct terminal *t, uint8_t result)
{
	struct bip_resp r = { .result = result };

	terminal_cat_respond(t, &r);
}

static void terminal_cat_result_info(struct terminal *t, uint8_t result, uint8_t info)
{
	struct bip_resp r = { .result = result, .info = { &info, 1 } };

	terminal_cat_respond(t, &r);
}

void terminal_cat_bip_error(struct terminal *t, uint8_t error)
{
	terminal_cat_result_info(t, BIP_RES_BIP_ERROR, error);
}

/* --- SEND SHORT MESSAGE --- */

static void terminal_cat_sms_done(void *priv, uint8_t cause)
{
	struct terminal *t = priv;

	t->mo_pending = false;
	if (cause)
		terminal_cat_result_info(t, BIP_RES_SMS_RP_ERROR, cause);
	else
		terminal_cat_result(t, BIP_RES_OK);
}

static void terminal_cat_send_sms(struct terminal *t, const struct bip_cmd *c)
{
	uint8_t tpdu[TERMINAL_TPDU_MAX];
	int rc;

	if (!c->tpdu.v || c->tpdu.len < 2) {
		terminal_cat_result(t, BIP_RES_VALUES_MISSING);
		return;
	}
	if (!t->attached) {
		terminal_cat_result(t, BIP_RES_NETWORK_BUSY);
		return;
	}
	if (c->tpdu.len > sizeof(tpdu)) {
		terminal_cat_result(t, BIP_RES_DATA_UNKNOWN);
		return;
	}
	memcpy(tpdu, c->tpdu.v, c->tpdu.len);
	tpdu[1] = ++t->mr;		/* TP-MR is the terminal's (TS 31.111 6.4.10) */
	rc = network_mo_sms(t->ue, tpdu, c->tpdu.len, terminal_cat_sms_done);
	if (rc < 0) {
		terminal_cat_result(t, rc == -EINVAL ? BIP_RES_DATA_UNKNOWN : BIP_RES_TERMINAL_BUSY);
		return;
	}
	t->mo_pending = true;
	t->mo_count++;
}

/* --- TIMER MANAGEMENT --- */

static void terminal_cat_timer_cb(void *data)
{
	struct terminal_timer *tt = data;

	tt->expired = true;
	terminal_work_soon(tt->t);
}

static struct terminal_timer *terminal_cat_timer(struct terminal *t, uint8_t id)
{
	if (!t->timers) {
		t->timers = talloc_zero_array(t, struct terminal_timer, BIP_TIMERS);
		if (!t->timers)
			return NULL;
		for (int i = 0; i < BIP_TIMERS; i++) {
			t->timers[i].t = t;
			t->timers[i].id = i + 1;
			osmo_timer_setup(&t->timers[i].timer, terminal_cat_timer_cb, &t->timers[i]);
		}
	}
	return &t->timers[id - 1];
}

static void terminal_cat_timer_cmd(struct terminal *t, const struct bip_cmd *c)
{
	struct terminal_timer *tt = c->timer_id ? terminal_cat_timer(t, c->timer_id) : NULL;
	struct bip_resp r = { .timer_id = c->timer_id };
	struct timeval left = {};
	uint8_t value[3];
	unsigned seconds;

	if (!tt || (c->qualifier == 0 && bip_timer_dec(&seconds, c->timer_value) < 0)) {
		terminal_cat_result(t, BIP_RES_VALUES_MISSING);
		return;
	}
	r.timer_value = (struct bip_str){ value, 3 };
	if (c->qualifier == 0) {
		tt->seconds = seconds;
		tt->expired = false;
		osmo_timer_schedule(&tt->timer, seconds, 0);
		bip_timer_enc(value, seconds);
	} else if (osmo_timer_remaining(&tt->timer, NULL, &left) == 0 && osmo_timer_pending(&tt->timer)) {
		bip_timer_enc(value, left.tv_sec + (left.tv_usec > 0));
		if (c->qualifier == 1)
			osmo_timer_del(&tt->timer);
	} else {
		r.result = TERMINAL_RES_TIMER_STATE;
		r.timer_value.v = NULL;
	}
	terminal_cat_respond(t, &r);
}

static bool terminal_cat_timer_event(struct terminal *t)
{
	for (int i = 0; t->timers && i < BIP_TIMERS; i++) {
		struct terminal_timer *tt = &t->timers[i];
		uint8_t value[3];
		struct bip_env e = { .tag = BIP_ENV_TIMER, .src = BIP_DEV_TERMINAL, .dst = BIP_DEV_UICC,
				     .timer_id = tt->id, .timer_value = { value, 3 } };

		if (!tt->expired)
			continue;
		tt->expired = false;
		bip_timer_enc(value, tt->seconds);
		terminal_envelope(t, &e);
		return true;
	}
	return false;
}

bool terminal_cat_event(struct terminal *t)
{
	return terminal_cat_timer_event(t) || terminal_chan_event(t);
}

/* --- the small ones --- */

/* IMEI as mobile identity (TS 24.008 10.5.1.4): type 2, odd number of digits */
static void terminal_cat_imei(const struct terminal *t, uint8_t out[8])
{
	char d[16];

	osmo_strlcpy(d, t->imei, sizeof(d));
	if (strlen(d) == 14) {
		d[14] = '0' + iccid_luhn(d);	/* the check digit is Luhn's too (TS 23.003 B) */
		d[15] = '\0';
	}
	out[0] = (d[0] - '0') << 4 | 0x08 | 0x02;
	for (int i = 1; i < 8; i++)
		out[i] = (d[2 * i] - '0') << 4 | (d[2 * i - 1] - '0');
}

/* 262-42, a fixed location area and cell (the digest's example) */
size_t terminal_cat_location(struct terminal *t, uint8_t out[9])
{
	static const uint8_t where[9] = { 0x62, 0xF2, 0x24, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01 };

	memcpy(out, where, sizeof(where));
	return sizeof(where);
}

static void terminal_cat_local_info(struct terminal *t, const struct bip_cmd *c)
{
	struct bip_resp r = {};
	uint8_t v[9];

	if (c->qualifier == 0x00 && t->attached) {
		r.location = (struct bip_str){ v, terminal_cat_location(t, v) };
	} else if (c->qualifier == 0x01) {
		terminal_cat_imei(t, v);
		r.imei = (struct bip_str){ v, 8 };
	} else {
		r.result = c->qualifier == 0x00 ? BIP_RES_TERMINAL_BUSY : BIP_RES_BEYOND;
	}
	terminal_cat_respond(t, &r);
}

static void terminal_cat_event_list(struct terminal *t, const struct bip_cmd *c)
{
	t->events = 0;	/* the new list replaces the old one, an empty one removes it (6.4.16) */
	for (size_t i = 0; i < c->events.len; i++) {
		if (c->events.v[i] < 32)
			t->events |= 1U << c->events.v[i];
	}
	terminal_cat_result(t, BIP_RES_OK);
}

static void terminal_cat_poll_interval(struct terminal *t, const struct bip_cmd *c)
{
	struct bip_resp r = { .duration = c->duration };
	unsigned seconds;

	if (bip_duration_dec(&seconds, c->duration) < 0) {
		terminal_cat_result(t, BIP_RES_VALUES_MISSING);
		return;
	}
	t->poll_interval_s = seconds;
	terminal_cat_respond(t, &r);
}

/* The reset follows the TERMINAL RESPONSE. Modes that only name files change nothing a modem would keep. */
static void terminal_cat_refresh(struct terminal *t, const struct bip_cmd *c)
{
	t->refresh = c->qualifier != BIP_REFRESH_FILES;
	t->refresh_reset = c->qualifier == BIP_REFRESH_UICC_RESET || c->qualifier == 0x09;
	terminal_cat_result(t, BIP_RES_OK);
}

static void terminal_cat_run(struct terminal *t, const struct bip_cmd *c)
{
	switch (c->type) {
	case BIP_REFRESH: terminal_cat_refresh(t, c); break;
	case BIP_MORE_TIME: terminal_cat_result(t, BIP_RES_OK); break;
	case BIP_POLL_INTERVAL: terminal_cat_poll_interval(t, c); break;
	case BIP_SET_UP_EVENT_LIST: terminal_cat_event_list(t, c); break;
	case BIP_SEND_SMS: terminal_cat_send_sms(t, c); break;
	case BIP_LOCAL_INFO: terminal_cat_local_info(t, c); break;
	case BIP_TIMER: terminal_cat_timer_cmd(t, c); break;
	case BIP_OPEN_CHANNEL: terminal_chan_open(t, c); break;
	case BIP_CLOSE_CHANNEL: terminal_chan_close_cmd(t, c); break;
	case BIP_RECEIVE_DATA: terminal_chan_receive(t, c); break;
	case BIP_SEND_DATA: terminal_chan_send(t, c); break;
	case BIP_CHANNEL_STATUS: terminal_chan_status(t); break;
	default: terminal_cat_result(t, BIP_RES_TYPE_UNKNOWN);
	}
}

/* FETCH and begin. A command that cannot be read is answered when at least its details (the first five octets after the
 * template's head) can be. */
void terminal_cat_fetch(struct terminal *t)
{
	const uint8_t fetch[] = { 0x80, 0x12, 0x00, 0x00, t->fetch_len & 0xFF };
	struct bytes *b = bytes_new(t, 512);
	struct bip_cmd c;
	uint16_t sw;

	t->fetch_due = false;
	if (!b)
		return;
	if (t->reset_in && !--t->reset_in) {
		t->boot = t->reset = t->reset_spared = true;
		talloc_free(b);
		return;
	}
	sw = terminal_apdu(t, fetch, sizeof(fetch), b);
	if (sw == 0x9000 && b->len) {
		int rc = bip_cmd_dec(&c, b->data, b->len);

		t->proactive = c.type != 0;
		t->cmd_number = c.number;
		t->cmd_type = c.type;
		t->cmd_qualifier = c.qualifier;
		t->proactives++;
		LOGP(DSIM, LOGL_DEBUG, "IMEI %s: proactive command %02x/%02x\n", t->imei, c.type, c.qualifier);
		if (rc == 0)
			terminal_cat_run(t, &c);
		else
			terminal_cat_result(t, BIP_RES_DATA_UNKNOWN);
	}
	talloc_free(b);
}

void terminal_cat_reset(struct terminal *t)
{
	terminal_chan_free_all(t);
	for (int i = 0; t->timers && i < BIP_TIMERS; i++)
		osmo_timer_del(&t->timers[i].timer);
	talloc_free(t->timers);
	t->timers = NULL;
	talloc_free(t->response);
	t->response = NULL;
	t->events = 0;
	t->poll_interval_s = 0;
	t->proactive = t->mo_pending = t->refresh = t->fetch_due = false;
}
