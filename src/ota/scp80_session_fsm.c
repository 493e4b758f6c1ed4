/* A command as SCP80 packet by SMS: submitted, answered by a response packet (TS 102 225, SGP.02 2.4.3), or not.
 * The packet keeps its counter over all attempts: should two copies arrive, the card runs one and refuses the other.
 *
 *	IDLE -> SUBMIT -> WAIT_POR -> IDLE
 *	           |  ^       |
 *	           v  |       v		no answer to long messages: the same packet in shorter ones, once
 *	          RETRY <-----		unreachable, link down: after a while, or when the card is heard
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/counters.h>
#include "card_session_priv.h"

enum scp80_st { ST_IDLE, ST_SUBMIT, ST_WAIT_POR, ST_RETRY };
#define HURRY_MS 3000
#define RETRY_STEPS_MAX 6
#define UD_MAX 140
#define UD_SHORT 130		/* some cards take no more of one message */

#define S(x) (1 << (x))

static void state_chg(struct card *card, enum scp80_st st, unsigned long ms)
{
	card_fsm_chg(card->s80.fi, st, ms);
}

/* --- sizes ---------------------------------------------------------------------------------------------------- */

unsigned scp80_session_ud(const struct card *card)
{
	unsigned ud = card->info.learned.sms_ud;

	return ud >= UD_SHORT && ud < UD_MAX ? ud : UD_MAX;
}

/* ota-transport 2.3: user data header of 3 octets alone, of 8 in the first of several, of 6 in the next ones. */
static size_t packet_max(unsigned ud, unsigned parts)
{
	return parts <= 1 ? ud - 3 : ud - 8 + (ud - 6) * (parts - 1);
}

size_t scp80_session_room(const struct card *card, unsigned parts)
{
	size_t max = packet_max(scp80_session_ud(card), parts), limit = card->info.learned.scp80_limit;

	return card_scp80_room(card, limit && limit < max ? limit : max);
}

static bool has_long_part(const struct scp80_session *s)
{
	return s->out.packet->len + 3 > UD_SHORT;
}

/* --- out ------------------------------------------------------------------------------------------------------ */

void scp80_session_stop(struct card *card)
{
	struct scp80_session *s = &card->s80;

	if (s->fi->state == ST_IDLE)
		return;
	sms_port_forget(card->cs->cfg.sms, s);
	card_scp80_end(&s->out);
	s->submitted = s->left = s->shorter = false;
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

/* The same packet in shorter messages, if that was not tried and the card is not known to take longer ones. */
static bool cut_shorter(struct card *card)
{
	struct scp80_session *s = &card->s80;

	if (s->shorter || s->ud <= UD_SHORT || card->info.learned.sms_ud || !has_long_part(s) ||
	    s->out.packet->len > packet_max(UD_SHORT, card_bearer_cfg(card)->sms_parts_limit))
		return false;
	LOG_CARD(card, DSCP80, LOGL_INFO, "no answer, the same packet in messages of %u octets\n", UD_SHORT);
	s->shorter = true;
	s->ud = UD_SHORT;
	return true;
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
		if (outcome == SMS_FAILED)
			cut_shorter(card);	/* it may be the card that refuses */
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
	rc = sms_port_send_cut(sms, card->info.msisdn, s->out.packet->data, s->out.packet->len, s->ud, sms_done, s);
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
	LOG_CARD(card, DSCP80, LOGL_INFO, "packet of %zu octets, counter %010llX, by SMS%s\n", s->out.packet->len,
		 (unsigned long long)s->out.sec.cntr, s->attempts > 1 ? ", again" : "");
	state_chg(card, ST_SUBMIT, 0);
}

static void scp80_start(struct card *card)
{
	struct scp80_session *s = &card->s80;
	const struct card_cmd *c = &card->cur->c;
	int rc;

	scp80_session_stop(card);
	rc = card_scp80_cmd(card, &s->out, false);
	if (rc < 0) {
		card_cmd_done(card, CARD_NOT_SENT, "no packet could be made", NULL, 0);
		return;
	}
	s->ud = scp80_session_ud(card);
	s->chain = c->chained && c->more;
	LOG_CARD(card, DSCP80, LOGL_INFO, "script of %zu octets, TAR %06X\n", c->script_len, s->out.sec.tar);
	attempt(card);
}

static bool scp80_left(const struct card *card)
{
	return card->s80.left || card->s80.submitted;
}

static bool scp80_withdraw(struct card *card)
{
	if (scp80_left(card))
		return false;
	scp80_session_stop(card);
	return true;
}

static bool scp80_open(const struct card *card)
{
	return false;
}

static bool scp80_chain(const struct card *card)
{
	return card->s80.chain;
}

const struct bearer_ops scp80_bearer = {
	.start = scp80_start, .withdraw = scp80_withdraw, .stop = scp80_session_stop,
	.left = scp80_left, .open = scp80_open, .chain = scp80_chain,
};

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

void scp80_session_release(struct card *card)
{
	card->s80.chain = false;
}

/* --- in ------------------------------------------------------------------------------------------------------- */

static void learn(struct card *card, uint8_t status)
{
	const struct scp80_session *s = &card->s80;
	struct card_learned *l = &card->info.learned;

	if (status == SCP80_ST_CNTR_LOW && s->shorter)
		l->sms_ud = UD_MAX;	/* the first copy had arrived */
	else if (status != SCP80_ST_OK)
		return;
	else if (has_long_part(s) && s->ud > UD_SHORT)
		l->sms_ud = UD_MAX;
	else if (s->shorter)
		l->sms_ud = UD_SHORT;	/* the long ones had no answer, these have */
	card_learn_keep(card);
}

static void finish(struct card *card, uint8_t status, const struct bytes *data)
{
	struct scp80_session *s = &card->s80;
	const struct scp80_sec sec = s->out.sec;
	size_t len = s->out.packet->len;
	bool resent = s->attempts > 1;

	learn(card, status);
	scp80_session_stop(card);
	card_heard(card, CARD_BY_SMS);
	card_scp80_finish(card, &sec, len, status, data, resent);
}

bool scp80_session_rx(struct card *card, const uint8_t *packet, size_t len)
{
	struct scp80_session *s = &card->s80;
	enum scp80_answer answer;
	struct bytes *data;
	uint8_t status = 0;

	if (s->fi->state == ST_IDLE)
		return false;
	data = bytes_new(card, SCP80_PACKET_MAX);
	if (!data)
		return false;
	answer = card_scp80_rsp(card, &s->out, false, &status, data, packet, len);
	if (answer == SCP80_WAIT) {
		s->left = true;
		if (s->fi->state != ST_SUBMIT)
			state_chg(card, ST_WAIT_POR, card_tdef_ms(CARD_T_POR));
	} else if (answer == SCP80_FINAL) {
		finish(card, status, data);
	}
	talloc_free(data);
	return answer != SCP80_FOREIGN;
}

/* --- FSM ------------------------------------------------------------------------------------------------------ */

static int timer_cb(struct osmo_fsm_inst *fi)
{
	struct card *card = fi->priv;

	if (fi->state == ST_RETRY)
		attempt(card);
	else if (fi->state == ST_WAIT_POR && cut_shorter(card))
		attempt(card);
	else if (fi->state == ST_WAIT_POR)
		fail(card, CARD_NO_ANSWER, "no response packet");
	return 0;
}

static const struct osmo_fsm_state states[] = {
	[ST_IDLE] = { .name = "IDLE", .out_state_mask = S(ST_SUBMIT) | S(ST_RETRY) },
	[ST_SUBMIT] = { .name = "SUBMIT", .out_state_mask = S(ST_IDLE) | S(ST_WAIT_POR) | S(ST_RETRY) },
	[ST_WAIT_POR] = { .name = "WAIT_POR", .out_state_mask = S(ST_IDLE) | S(ST_WAIT_POR) | S(ST_SUBMIT) | S(ST_RETRY) },
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
