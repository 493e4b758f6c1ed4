/* A command as SCP80 packet by SMS: submitted, answered by a response packet (TS 102 225, SGP.02 2.4.3), or not.
 * The packet keeps its counter over all attempts: should two copies arrive, the card runs one and refuses the other.
 *
 *	IDLE -> SUBMIT -> WAIT_POR -> IDLE
 *	           |  ^
 *	           v  |
 *	          RETRY		unreachable, link down: after a while, or when the card is heard
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/script.h>
#include "card_session_priv.h"

enum scp80_st { ST_IDLE, ST_SUBMIT, ST_WAIT_POR, ST_RETRY };
#define HURRY_MS 3000
#define RETRY_STEPS_MAX 6

#define S(x) (1 << (x))

static void state_chg(struct card *card, enum scp80_st st, unsigned long ms)
{
	osmo_fsm_inst_state_chg_ms(card->s80.fi, st, ms, 0);
}

bool scp80_session_fits(const struct card *card, size_t script_len)
{
	unsigned parts = card->cs->cfg.sms_max_parts;
	size_t room = scp80_payload_max(parts == 1 ? 137 : 132 + 134 * (parts - 1));

	return script_len + script_cmd_overhead(script_len, true, SCRIPT_CHAIN_NONE) <= room;
}

int scp80_session_packet(struct card *card, struct bytes *out, struct scp80_sec *sec, const uint8_t *payload,
			 size_t len)
{
	const struct card_sessions_cfg *cfg = &card->cs->cfg;
	const struct card_info *info = &card->info;
	int rc;

	if (!info->kic || !info->kid)
		return -ENOENT;
	sec->spi1 = SCP80_SPI1;
	sec->kic_octet = sec->kid_octet = info->scp80_kvn << 4 | SCP80_ALG_AES;
	rc = cfg->ops->counter_next(cfg->priv, &card->eid, info->scp80_kvn, &sec->cntr);
	if (rc < 0)
		return rc;
	return scp80_cmd_enc(out, sec, info->kic, info->kid, payload, len);
}

/* --- out ------------------------------------------------------------------------------------------------------ */

void scp80_session_stop(struct card *card)
{
	struct scp80_session *s = &card->s80;

	if (s->fi->state == ST_IDLE)
		return;
	sms_port_forget(card->cs->cfg.sms, s);
	TALLOC_FREE(s->packet);
	TALLOC_FREE(s->kic);
	TALLOC_FREE(s->kid);
	s->submitted = s->left = false;
	s->attempts = 0;
	state_chg(card, ST_IDLE, 0);
}

static void fail(struct card *card, enum card_outcome outcome, const char *detail)
{
	scp80_session_stop(card);
	card_cmd_done(card, outcome, detail, NULL, 0);
}

static void retry_later(struct card *card)
{
	struct scp80_session *s = &card->s80;

	state_chg(card, ST_RETRY, card_tdef_ms(CARD_T_SMS_RETRY) * OSMO_MAX(1, OSMO_MIN(s->attempts, RETRY_STEPS_MAX)));
}

/* What the SMSC says of all parts of the packet. */
static void sms_done(void *priv, enum sms_outcome outcome)
{
	struct scp80_session *s = priv;
	struct card *card = container_of(s, struct card, s80);

	if (s->fi->state != ST_SUBMIT)
		return;
	s->submitted = false;
	switch (outcome) {
	case SMS_DELIVERED:
		LOG_CARD(card, DSCP80, LOGL_INFO, "SMS delivered\n");
		s->left = true;
		state_chg(card, ST_WAIT_POR, card_tdef_ms(CARD_T_POR));
		return;
	case SMS_UNREACHABLE:
		LOG_CARD(card, DSCP80, LOGL_INFO, "card unreachable by SMS\n");
		break;
	case SMS_FAILED:
	case SMS_LINK_DOWN:
		/* no proof that the card did not get it */
		LOG_CARD(card, DSCP80, LOGL_NOTICE, "SMS %s, delivery unknown\n",
			 outcome == SMS_FAILED ? "failed" : "link lost");
		s->left = true;
		break;
	}
	retry_later(card);
}

static void attempt(struct card *card)
{
	struct scp80_session *s = &card->s80;
	struct sms_port *sms = card->cs->cfg.sms;
	int rc;

	if (card_refresh(card) < 0 || !card->info.msisdn || !sms_port_up(sms)) {
		retry_later(card);
		return;
	}
	if (card_cmd_mark(card, CARD_BY_SMS) < 0) {
		fail(card, CARD_NOT_SENT, "stopped before it left");
		return;
	}
	rc = sms_port_send(sms, card->info.msisdn, s->packet->data, s->packet->len, sms_done, s);
	if (rc == -EMSGSIZE) {
		fail(card, s->left ? CARD_NO_ANSWER : CARD_NOT_SENT, "packet does not fit SMS");
		return;
	}
	if (rc < 0) {
		retry_later(card);
		return;
	}
	s->attempts++;
	s->submitted = true;
	LOG_CARD(card, DSCP80, LOGL_INFO, "packet of %zu octets, counter %010llX, by SMS%s\n", s->packet->len,
		 (unsigned long long)s->sec.cntr, s->attempts > 1 ? ", again" : "");
	state_chg(card, ST_SUBMIT, 0);
}

void scp80_session_start(struct card *card)
{
	struct scp80_session *s = &card->s80;
	struct card_cmd *c = &card->cur->c;
	struct bytes *payload = bytes_new(card, SCP80_PACKET_MAX);
	int rc = payload ? 0 : -ENOMEM;

	scp80_session_stop(card);
	s->packet = bytes_new(card, SCP80_PACKET_MAX);
	s->sec = (struct scp80_sec){ .spi2 = SCP80_SPI2_POR, .tar = aid_tar(&c->target) };
	s->kic = key_dup(card, card->info.kic);
	s->kid = key_dup(card, card->info.kid);
	if (!s->packet || !s->kic || !s->kid)
		rc = -ENOMEM;
	if (rc == 0)
		rc = script_cmd_enc(payload, c->script, c->script_len, true, SCRIPT_CHAIN_NONE);
	if (rc == 0)
		rc = scp80_session_packet(card, s->packet, &s->sec, payload->data, payload->len);
	talloc_free(payload);
	if (rc < 0) {
		TALLOC_FREE(s->packet);
		TALLOC_FREE(s->kic);
		TALLOC_FREE(s->kid);
		card_cmd_done(card, CARD_NOT_SENT, "no packet could be made", NULL, 0);
		return;
	}
	LOG_CARD(card, DSCP80, LOGL_INFO, "script of %zu octets, TAR %06X\n", c->script_len, s->sec.tar);
	attempt(card);
}

bool scp80_session_left(const struct card *card)
{
	return card->s80.left || card->s80.submitted;
}

bool scp80_session_withdraw(struct card *card)
{
	if (scp80_session_left(card))
		return false;
	scp80_session_stop(card);
	return true;
}

void scp80_session_wake(struct card *card)
{
	if (card->s80.fi->state == ST_RETRY)
		attempt(card);
}

void scp80_session_hurry(struct card *card)
{
	if (card->s80.fi->state == ST_WAIT_POR && card_tdef_ms(CARD_T_POR) > HURRY_MS)
		state_chg(card, ST_WAIT_POR, HURRY_MS);
}

/* --- in ------------------------------------------------------------------------------------------------------- */

static void finish(struct card *card, uint8_t status, const struct bytes *data)
{
	bool resent = card->s80.attempts > 1;

	scp80_session_stop(card);
	card_heard(card, CARD_BY_SMS);
	if (status == SCP80_ST_OK)
		card_cmd_response(card, data->data, data->len);
	else if (status == SCP80_ST_CNTR_LOW && resent)
		/* the first copy was run, its response is lost (ota-transport 1.8) */
		card_cmd_done(card, CARD_NO_ANSWER, "counter low on a repeated packet", NULL, 0);
	else
		card_cmd_done(card, CARD_REJECTED, scp80_status_text(status), NULL, 0);
}

bool scp80_session_rx(struct card *card, const uint8_t *packet, size_t len)
{
	struct scp80_session *s = &card->s80;
	struct scp80_rsp rsp;
	struct bytes *data;
	bool ours;

	if (s->fi->state == ST_IDLE)
		return false;
	data = bytes_new(card, SCP80_PACKET_MAX);
	ours = data && scp80_rsp_dec(data, &rsp, &s->sec, s->kic, s->kid, packet, len) == 0;
	if (ours && (rsp.tar != s->sec.tar || rsp.cntr != s->sec.cntr)) {
		LOG_CARD(card, DSCP80, LOGL_NOTICE, "response packet of another command dropped\n");
	} else if (ours && (rsp.status == SCP80_ST_MORE_TIME || rsp.status == SCP80_ST_BY_SUBMIT)) {
		LOG_CARD(card, DSCP80, LOGL_INFO, "response packet: %s\n", scp80_status_text(rsp.status));
		s->left = true;
		if (s->fi->state != ST_SUBMIT)
			state_chg(card, ST_WAIT_POR, card_tdef_ms(CARD_T_POR));
	} else if (ours) {
		LOG_CARD(card, DSCP80, LOGL_INFO, "response packet: %s, %zu octets\n", scp80_status_text(rsp.status),
			 data->len);
		finish(card, rsp.status, data);
	}
	talloc_free(data);
	return ours;
}

/* --- FSM ------------------------------------------------------------------------------------------------------ */

static int timer_cb(struct osmo_fsm_inst *fi)
{
	struct card *card = fi->priv;

	if (fi->state == ST_RETRY)
		attempt(card);
	else if (fi->state == ST_WAIT_POR)
		fail(card, CARD_NO_ANSWER, "no response packet");
	return 0;
}

static const struct osmo_fsm_state states[] = {
	[ST_IDLE] = { .name = "IDLE", .out_state_mask = S(ST_SUBMIT) | S(ST_RETRY) },
	[ST_SUBMIT] = { .name = "SUBMIT", .out_state_mask = S(ST_IDLE) | S(ST_WAIT_POR) | S(ST_RETRY) },
	[ST_WAIT_POR] = { .name = "WAIT_POR", .out_state_mask = S(ST_IDLE) | S(ST_WAIT_POR) },
	[ST_RETRY] = { .name = "RETRY", .out_state_mask = S(ST_IDLE) | S(ST_SUBMIT) | S(ST_WAIT_POR) | S(ST_RETRY) },
};

/* Its neighbours call it; only timers come as events. */
static const struct value_string no_events[] = { { 0, NULL } };

static struct osmo_fsm scp80_fsm = {
	.name = "SCP80", .states = states, .num_states = ARRAY_SIZE(states), .timer_cb = timer_cb, .log_subsys = DSCP80,
	.event_names = no_events,
};

static __attribute__((constructor)) void register_fsm(void)
{
	OSMO_ASSERT(osmo_fsm_register(&scp80_fsm) == 0);
}

int scp80_session_init(struct card *card)
{
	card->s80.fi = osmo_fsm_inst_alloc(&scp80_fsm, card, card, LOGL_DEBUG, card->name);
	return card->s80.fi ? 0 : -ENOMEM;
}
