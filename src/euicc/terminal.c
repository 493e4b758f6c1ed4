/* A simulated M2M modem: power, network registration, short messages, and whose turn it is at the card.
 * TS 102 221 14 (TERMINAL PROFILE, FETCH), TS 31.111 7.1.1 (SMS-PP download), TS 31.102 4.2.2 (EF.IMSI), 7.1.2
 * (AUTHENTICATE). One card interaction a turn of the loop; what waits are flags, so nothing grows.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <osmocom/rsp/sms/tpdu.h>
#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/tlv.h>

#include "terminal_priv.h"

#define TERMINAL_ATTACH_RETRY_S 30
#define TERMINAL_DIR_RECORDS 10
#define TERMINAL_SERVICE_NORMAL 0	/* location status (TS 102 223 8.27) */
#define TERMINAL_SERVICE_NONE 2

static void terminal_attach(struct terminal *t);

bool terminal_wants(const struct terminal *t, enum bip_event ev)
{
	return t->events & 1U << ev;
}

void terminal_work_soon(struct terminal *t)
{
	if (t->on && !osmo_timer_pending(&t->work))
		osmo_timer_schedule(&t->work, 0, 0);
}

/* --- the card --- */

/* Seconds until the card wants a STATUS: what it asks by POLL INTERVAL or through card.h, whichever is sooner. */
static void terminal_poll_schedule(struct terminal *t)
{
	unsigned s = card_poll_s(t->card);
	struct timeval left;

	if (t->poll_interval_s && (!s || t->poll_interval_s < s))
		s = t->poll_interval_s;
	if (!s)
		osmo_timer_del(&t->poll);
	else if (!osmo_timer_pending(&t->poll) || osmo_timer_remaining(&t->poll, NULL, &left) < 0 ||
		 left.tv_sec >= (time_t)s)
		osmo_timer_schedule(&t->poll, s, 0);
}

static uint16_t terminal_sw_split(struct bytes *b, size_t start)
{
	uint16_t sw;

	if (b->err || b->len < start + 2)
		return 0;
	sw = b->data[b->len - 2] << 8 | b->data[b->len - 1];
	b->len -= 2;
	return sw;
}

uint16_t terminal_apdu(struct terminal *t, const uint8_t *apdu, size_t len, struct bytes *resp)
{
	size_t start = resp->len;
	uint16_t sw;

	t->apdus++;
	card_apdu(t->card, apdu, len, resp);
	sw = terminal_sw_split(resp, start);
	if (sw >> 8 == 0x61) {
		const uint8_t get_response[] = { apdu[0], 0xC0, 0x00, 0x00, sw & 0xFF };

		card_apdu(t->card, get_response, sizeof(get_response), resp);
		sw = terminal_sw_split(resp, start);
	}
	if (sw >> 8 == 0x91) {
		t->fetch_due = true;
		t->fetch_len = sw & 0xFF;
		terminal_work_soon(t);
	}
	terminal_poll_schedule(t);
	return sw;
}

/* A command whose answer nobody needs. */
static uint16_t terminal_apdu_plain(struct terminal *t, const uint8_t *apdu, size_t len)
{
	struct bytes *b = bytes_new(t, 1024);
	uint16_t sw = b ? terminal_apdu(t, apdu, len, b) : 0;

	talloc_free(b);
	return sw;
}

static uint16_t terminal_envelope_rsp(struct terminal *t, const struct bip_env *e, struct bytes *rsp)
{
	struct bytes *b = bytes_new(t, 261);
	uint16_t sw = 0;

	if (b && bip_env_enc(b, e) == 0) {
		bytes_put_u8(b, 0x00);	/* Le */
		sw = terminal_apdu(t, b->data, b->len, rsp);
	}
	talloc_free(b);
	return sw;
}

uint16_t terminal_envelope(struct terminal *t, const struct bip_env *e)
{
	struct bytes *rsp = bytes_new(t, 1024);
	uint16_t sw = terminal_envelope_rsp(t, e, rsp);

	talloc_free(rsp);
	return sw;
}

static bool terminal_sw_ok(uint16_t sw)
{
	uint8_t sw1 = sw >> 8;

	return sw1 == 0x90 || sw1 == 0x91 || sw1 == 0x62 || sw1 == 0x63;
}

/* --- reading the SIM --- */

static bool terminal_select(struct terminal *t, uint16_t fid)
{
	const uint8_t apdu[] = { 0x00, 0xA4, 0x00, 0x04, 0x02, fid >> 8, fid & 0xFF, 0x00 };

	return terminal_sw_ok(terminal_apdu_plain(t, apdu, sizeof(apdu)));
}

static bool terminal_select_usim(struct terminal *t)
{
	uint8_t apdu[5 + 16 + 1] = { 0x00, 0xA4, 0x04, 0x04, t->usim.len };

	if (!t->usim.len)
		return false;
	memcpy(apdu + 5, t->usim.b, t->usim.len);
	return terminal_sw_ok(terminal_apdu_plain(t, apdu, 6 + t->usim.len));
}

/* EF.DIR (TS 102 221 13.1): the first application that is a USIM (RID 3GPP, application code 1002). */
static void terminal_find_usim(struct terminal *t)
{
	static const uint8_t usim[] = { 0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02 };

	memset(&t->usim, 0, sizeof(t->usim));
	if (!terminal_select(t, 0x3F00) || !terminal_select(t, 0x2F00))
		return;
	for (uint8_t rec = 1; rec <= TERMINAL_DIR_RECORDS; rec++) {
		const uint8_t apdu[] = { 0x00, 0xB2, rec, 0x04, 0x00 };
		struct bytes *b = bytes_new(t, 300);
		struct tlv app, aid;
		uint16_t sw = terminal_apdu(t, apdu, sizeof(apdu), b);

		if (terminal_sw_ok(sw) && tlv_find(b->data, b->len, 0x61, &app) == 0 &&
		    tlv_find(app.v, app.len, 0x4F, &aid) == 0 && aid.len >= sizeof(usim) &&
		    !memcmp(aid.v, usim, sizeof(usim)))
			aid_from_bytes(&t->usim, aid.v, aid.len);
		talloc_free(b);
		if (!terminal_sw_ok(sw) || t->usim.len)
			return;
	}
}

/* EF.IMSI (TS 31.102 4.2.2): length, then parity in the first nibble and the digits swapped. */
static void terminal_read_imsi(struct terminal *t)
{
	static const uint8_t read[] = { 0x00, 0xB0, 0x00, 0x00, 0x09 };
	struct bytes *b = bytes_new(t, 64);
	char digits[18];

	t->imsi[0] = '\0';
	terminal_find_usim(t);
	if (b && terminal_select_usim(t) && terminal_select(t, 0x6F07) &&
	    terminal_sw_ok(terminal_apdu(t, read, sizeof(read), b)) && b->len == 9 && b->data[0] >= 4 && b->data[0] <= 8 &&
	    bcd_swapped_dec(digits, sizeof(digits), b->data + 1, b->data[0]) > 0 && digits_valid(digits + 1, 6, 15))
		osmo_strlcpy(t->imsi, digits + 1, sizeof(t->imsi));
	talloc_free(b);
}

/* AUTHENTICATE in 3G context (TS 31.102 7.1.2.1): DB RES CK IK, or DC AUTS. */
static int terminal_auth(void *priv, const uint8_t rand[16], const uint8_t autn[16], uint8_t res[16], size_t *res_len,
			 uint8_t auts[14])
{
	struct terminal *t = priv;
	uint8_t apdu[5 + 34 + 1] = { 0x00, 0x88, 0x00, 0x81, 34, 16 };
	struct bytes *b = bytes_new(t, 128);
	struct rd r;
	const uint8_t *v;
	uint16_t sw = 0;
	int rc = -EACCES;

	memcpy(apdu + 6, rand, 16);
	apdu[22] = 16;
	memcpy(apdu + 23, autn, 16);
	if (b && terminal_select_usim(t))
		sw = terminal_apdu(t, apdu, sizeof(apdu), b);
	if (terminal_sw_ok(sw)) {
		uint8_t tag, len;

		rd_init(&r, b->data, b->len);
		tag = rd_u8(&r);
		len = rd_u8(&r);
		v = rd_take(&r, len);
		if (!r.bad && tag == 0xDB && len >= 4 && len <= 16) {
			memcpy(res, v, len);
			*res_len = len;
			rc = 0;
		} else if (!r.bad && tag == 0xDC && len == 14) {
			memcpy(auts, v, 14);
			rc = 1;
		}
	}
	talloc_free(b);
	return rc;
}

/* --- the network --- */

static void terminal_location_changed(struct terminal *t)
{
	t->location_due = true;
	terminal_work_soon(t);
}

/* The network is gone. What the card waits for is answered. */
static void terminal_cut(struct terminal *t)
{
	t->ue = NULL;
	t->attached = t->mt_due = false;
	terminal_chan_drop_all(t);
	if (t->mo_pending) {
		t->mo_pending = false;
		terminal_cat_result(t, BIP_RES_NETWORK_BUSY);
	}
}

static void terminal_attached_cb(void *priv, bool ok, uint8_t cause)
{
	struct terminal *t = priv;

	t->attached = ok;
	if (!ok) {
		terminal_cut(t);
		osmo_timer_schedule(&t->attach_retry, TERMINAL_ATTACH_RETRY_S, 0);
	}
	terminal_location_changed(t);
}

static void terminal_mt_sms(void *priv, const uint8_t *tpdu, size_t len)
{
	struct terminal *t = priv;

	if (len > sizeof(t->mt)) {
		network_mt_done(t->ue, false);
		return;
	}
	memcpy(t->mt, tpdu, len);
	t->mt_len = len;
	t->mt_due = true;
	terminal_work_soon(t);
}

static struct faults *terminal_faults(void *priv)
{
	const struct terminal *t = priv;

	return t->faults;
}

static const struct network_ue_ops terminal_ue_ops = {
	.auth = terminal_auth, .attached = terminal_attached_cb, .mt_sms = terminal_mt_sms, .faults = terminal_faults,
};

void terminal_set_faults(struct terminal *t, struct faults *f)
{
	t->faults = f;
}

static void terminal_attach(struct terminal *t)
{
	if (!t->on || !t->covered || t->ue)
		return;
	if (t->imsi[0])
		t->ue = network_attach(t->net, t->imsi, &terminal_ue_ops, t);
	if (!t->ue)	/* no usable profile: the card is told that there is no service */
		terminal_location_changed(t);
}

static void terminal_attach_retry_cb(void *data)
{
	terminal_attach(data);
}

static void terminal_leave(struct terminal *t)
{
	osmo_timer_del(&t->attach_retry);
	network_detach(t->ue);
	terminal_cut(t);
}

/* --- one thing at a time --- */

static void terminal_boot(struct terminal *t)
{
	static const uint8_t profile[] = {	/* bip.json, a simulated M2M modem */
		0x80, 0x10, 0x00, 0x00, 0x16, 0x33, 0x01, 0xE8, 0x42, 0x11, 0x1C, 0x00, 0x07, 0x00, 0x00, 0x00, 0x1F, 0x42,
		0x00, 0x00, 0x00, 0x43, 0x40, 0x00, 0x00, 0x00, 0x00
	};

	t->boot = false;
	terminal_leave(t);
	if (t->reset) {
		t->reset = false;
		t->resets++;
		terminal_cat_reset(t);
		card_reset(t->card);
	}
	/* the USIM is read before TERMINAL PROFILE, so that no proactive command comes between */
	terminal_read_imsi(t);
	terminal_apdu_plain(t, profile, sizeof(profile));
	LOGP(DSIM, LOGL_INFO, "IMEI %s: booted, IMSI %s\n", t->imei, t->imsi[0] ? t->imsi : "(none)");
	terminal_attach(t);
}

static void terminal_send_response(struct terminal *t)
{
	struct bytes *b = t->response;
	bool refresh = t->refresh;

	t->response = NULL;
	t->proactive = t->refresh = false;
	terminal_apdu_plain(t, b->data, b->len);
	talloc_free(b);
	if (!refresh)
		return;
	t->boot = true;
	t->reset = t->reset || t->refresh_reset;
	if (t->reset)
		t->fetch_due = false;
}

static void terminal_send_location(struct terminal *t)
{
	uint8_t where[9];
	struct bip_env e = { .tag = BIP_ENV_EVENT, .event = BIP_EV_LOCATION, .src = BIP_DEV_TERMINAL,
			     .dst = BIP_DEV_UICC, .has_service = true,
			     .service = t->attached ? TERMINAL_SERVICE_NORMAL : TERMINAL_SERVICE_NONE };

	t->location_due = false;
	if (!terminal_wants(t, BIP_EV_LOCATION))
		return;
	if (t->attached)
		e.location = (struct bip_str){ where, terminal_cat_location(t, where) };
	terminal_envelope(t, &e);
}

/* The card's data travel in RP-ACK or RP-ERROR as SMS-DELIVER-REPORT (TS 31.111 7.1.1.1; TS 23.040 9.2.2.1a). */
static void terminal_mt_answer(struct terminal *t, bool ok, const struct bytes *data)
{
	struct tpdu_report report = { .udhi = true, .error = !ok, .fcs = 0xD5, .pid = TPDU_PID_DATA_DOWNLOAD,
				      .dcs = TPDU_DCS_8BIT_CLASS2, .ud_len = data->len };
	struct bytes *tpdu;

	if (!t->ue)
		return;
	tpdu = bytes_new(t, TPDU_MAX);
	if (data->len && data->len <= sizeof(report.ud))
		memcpy(report.ud, data->data, data->len);
	if (data->len && data->len <= sizeof(report.ud) && tpdu_report_enc(tpdu, &report) == 0)
		network_mt_done_report(t->ue, ok, tpdu->data, tpdu->len);
	else
		network_mt_done(t->ue, ok);
	talloc_free(tpdu);
}

/* SMS-PP download for a class 2 message with PID 7F; any other would be stored, which no card here looks at. */
static void terminal_run_mt(struct terminal *t)
{
	static const uint8_t smsc[] = { 0x91, 0x44, 0x77, 0x00, 0x09, 0x90, 0x99 };
	struct bip_env e = { .tag = BIP_ENV_SMS_PP, .src = BIP_DEV_NETWORK, .dst = BIP_DEV_UICC,
			     .sca = { smsc, sizeof(smsc) }, .tpdu = { t->mt, t->mt_len } };
	struct tpdu_deliver d;
	struct bytes *rsp = bytes_new(t, 1024);
	bool ok = tpdu_deliver_dec(&d, t->mt, t->mt_len) == 0;

	t->mt_due = false;
	t->mt_count++;
	if (ok && d.pid == TPDU_PID_DATA_DOWNLOAD && tpdu_dcs_class2(d.dcs))
		ok = terminal_sw_ok(terminal_envelope_rsp(t, &e, rsp));
	terminal_mt_answer(t, ok, rsp);
	talloc_free(rsp);
}

static void terminal_run_status(struct terminal *t)
{
	static const uint8_t status[] = { 0x80, 0xF2, 0x00, 0x0C, 0x00 };

	t->status_due = false;
	terminal_apdu_plain(t, status, sizeof(status));
}

/* One step; false: nothing to do now. Between FETCH and TERMINAL RESPONSE nothing else goes to the card. */
static bool terminal_step(struct terminal *t)
{
	if (t->response)
		terminal_send_response(t);
	else if (t->boot)
		terminal_boot(t);
	else if (t->proactive)
		return false;
	else if (t->fetch_due)
		terminal_cat_fetch(t);
	else if (t->location_due)
		terminal_send_location(t);
	else if (terminal_cat_event(t))
		return true;
	else if (t->mt_due)
		terminal_run_mt(t);
	else if (t->status_due)
		terminal_run_status(t);
	else
		return false;
	return true;
}

static void terminal_work_cb(void *data)
{
	struct terminal *t = data;

	if (t->on && terminal_step(t))
		terminal_work_soon(t);
}

static void terminal_poll_cb(void *data)
{
	terminal_poke(data);
}

/* --- public --- */

static int terminal_destroy(struct terminal *t)
{
	terminal_power_off(t);
	return 0;
}

struct terminal *terminal_new(void *ctx, struct network *net, struct card *card, const char *imei)
{
	struct terminal *t;

	if (!digits_valid(imei, 14, 16))
		return NULL;
	t = talloc_zero(ctx, struct terminal);
	if (!t)
		return NULL;
	t->net = net;
	t->card = card;
	t->covered = true;
	osmo_strlcpy(t->imei, imei, sizeof(t->imei));
	osmo_timer_setup(&t->work, terminal_work_cb, t);
	osmo_timer_setup(&t->poll, terminal_poll_cb, t);
	osmo_timer_setup(&t->attach_retry, terminal_attach_retry_cb, t);
	talloc_set_destructor(t, terminal_destroy);
	return t;
}

void terminal_power_on(struct terminal *t)
{
	if (t->on)
		return;
	t->on = t->boot = t->reset = true;
	terminal_work_soon(t);
}

void terminal_power_off(struct terminal *t)
{
	if (!t->on)
		return;
	t->on = false;
	terminal_leave(t);
	terminal_cat_reset(t);
	t->boot = t->location_due = t->status_due = false;
	osmo_timer_del(&t->work);
	osmo_timer_del(&t->poll);
}

void terminal_set_service(struct terminal *t, bool service)
{
	if (t->covered == service)
		return;
	t->covered = service;
	if (service) {
		terminal_attach(t);
		return;
	}
	terminal_leave(t);
	terminal_location_changed(t);
}

bool terminal_attached(const struct terminal *t)
{
	return t->attached;
}

const char *terminal_imsi(const struct terminal *t)
{
	return t->imsi;
}

void terminal_poke(struct terminal *t)
{
	t->status_due = true;
	terminal_work_soon(t);
}

char *terminal_describe(const struct terminal *t, void *ctx)
{
	char eid[EID_STR_SIZE];
	const char *number = t->imsi[0] ? network_msisdn(t->net, t->imsi) : NULL;
	unsigned channels = 0;

	for (int i = 0; i < TERMINAL_CHANNELS; i++)
		channels += t->chan[i] != NULL;
	return talloc_asprintf(ctx, "IMEI %s EID %s: %s, IMSI %s, MSISDN %s, %s%s\n"
			       "  %lu APDUs, %lu proactive commands, %lu MT, %lu MO, %lu resets, %u channels\n",
			       t->imei, eid_str(eid, card_eid(t->card)), t->on ? "on" : "off",
			       t->imsi[0] ? t->imsi : "(none)", number ? number : "(none)",
			       t->attached ? "attached" : t->ue ? "attaching" : "not attached",
			       t->covered ? "" : ", no coverage", t->apdus, t->proactives, t->mt_count, t->mo_count,
			       t->resets, channels);
}
