/* SCP81 with one card: trigger by SMS, dialog over HTTPS, script handed over in an answer, result in the next POST
 * (GP Amd B 3.4, SGP.02 2.4.4, ota-transport 8.5, 8.6). One dialog per EID, the newest POST wins (corrections 23).
 *
 *	CLOSED -> TRIGGER -> HELD <-> RUNNING
 *	                      |  \     /		RUNNING without its connection: until CARD_T_REOPEN
 *	                      v   LOST		the dialog is known, its connection is not; kept for a while
 *	                    CLOSED
 *
 * POLL is HELD without a POST: 204 with Next-URI, the card comes again (ota-transport 8.5).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/script.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/misc.h>
#include "card_session_priv.h"

enum scp81_st { ST_CLOSED, ST_TRIGGER, ST_HELD, ST_RUNNING, ST_LOST, ST_POLL };
#define S(x) (1 << (x))
#define TRIGGER_BUFFER 1400	/* of the channel: ota-transport 8.8 */
#define SCRIPT_MAX (8U << 20)
#define REOPEN_MARGIN_MS 5000

static void state_chg(struct card *card, enum scp81_st st, unsigned long ms)
{
	card_fsm_chg(card->s81.fi, st, ms);
}

static enum scp81_st state(const struct card *card)
{
	return card->s81.fi->state;
}

bool scp81_session_open(const struct card *card)
{
	return card->s81.held || state(card) == ST_POLL;
}

bool scp81_session_idle(const struct card *card)
{
	return state(card) == ST_CLOSED;
}

bool scp81_session_left(const struct card *card)
{
	return state(card) == ST_RUNNING;
}

/* --- trigger -------------------------------------------------------------------------------------------------- */

static void trigger_wait(struct card *card)
{
	unsigned n = card->s81.triggers;
	unsigned long t = card_tdef_ms(CARD_T_TRIGGER);

	state_chg(card, ST_TRIGGER, card->s81.unreachable ? card_tdef_ms(CARD_T_SMS_RETRY) :
		  t * (n <= 1 ? 1 : n == 2 ? 2 : 4));
}

static void trigger_sms_done(void *priv, enum sms_outcome outcome)
{
	struct scp81_session *s = priv;
	struct card *card = container_of(s, struct card, s81);

	s->trigger_out = false;
	s->unreachable = outcome != SMS_DELIVERED;
	LOG_CARD(card, DSCP81, LOGL_INFO, "trigger %s\n", s->unreachable ? "not delivered" : "delivered");
	if (s->unreachable && state(card) == ST_TRIGGER)
		trigger_wait(card);
}

/* A card that lost its connection comes back at once, or after the delay that we gave it. */
static unsigned long reopen_ms(const struct card *card)
{
	unsigned long policy = card_bearer_cfg(card)->scp81.retry_delay_s * 1000UL;

	return OSMO_MAX(card_tdef_ms(CARD_T_REOPEN), policy ? policy + REOPEN_MARGIN_MS : 0);
}

/* GP Amd B 3.7 (ota-transport 5.2): the bare 81, under SPI 16 00; identity, host and agent are on the card. */
static int trigger_packet(struct card *card, struct bytes *out)
{
	const struct card_sessions_cfg *cfg = &card->cs->cfg;
	const struct scp81_cfg *c81 = &cfg->bearer->scp81;
	struct scp81_params p = { .has_conn = true, .buffer = TRIGGER_BUFFER, .port = cfg->adv_port };
	struct scp81_dns dns = { .port = c81->dns_port };
	struct scp80_sec sec = { .spi2 = SCP80_SPI2_NO_POR, .tar = aid_tar(&aid_isd_r) };
	struct bytes *tlv = bytes_new(card, 1024);
	int rc;

	p.has_retry = c81->retry_delay_s;
	p.retry_count = c81->retry_count;
	p.retry_delay_s = c81->retry_delay_s;
	OSMO_STRLCPY_ARRAY(p.apn, card->info.apn ? : "");
	OSMO_STRLCPY_ARRAY(p.login, card->info.login ? : "");
	OSMO_STRLCPY_ARRAY(p.password, card->info.password ? : "");
	OSMO_STRLCPY_ARRAY(p.uri, cfg->uri);
	OSMO_STRLCPY_ARRAY(dns.fqdn, c81->name);
	OSMO_STRLCPY_ARRAY(dns.ip, c81->dns_ip);
	if (!dns.fqdn[0])	/* a card with a name to resolve must not have an address (ota-transport 9) */
		OSMO_STRLCPY_ARRAY(p.ip, cfg->adv_ip);
	if (!tlv)
		rc = -ENOMEM;
	else
		rc = dns.fqdn[0] ? scp81_trigger_dns_enc(tlv, &p, &dns) : scp81_trigger_enc(tlv, &p);
	if (rc == 0)
		rc = scp80_session_packet(card, out, &sec, tlv->data, tlv->len);
	secret_wipe(p.password, sizeof(p.password));
	talloc_free(tlv);
	return rc;
}

static void trigger_send(struct card *card)
{
	struct scp81_session *s = &card->s81;
	struct sms_port *sms = card->cs->cfg.sms;
	struct bytes *packet;
	int rc = -EAGAIN;

	if (s->trigger_out) {		/* the SMSC still tries the last one */
		trigger_wait(card);
		return;
	}
	if (card_bearer_triggers_used(card, s->triggers, s->unreachable))
		return;
	packet = bytes_new(card, SCP80_PACKET_MAX);
	if (packet && card_refresh(card) == 0 && card->info.msisdn && sms_port_up(sms))
		rc = trigger_packet(card, packet);
	if (rc == 0)
		rc = sms_port_send_cut(sms, card->info.msisdn, packet->data, packet->len, scp80_session_ud(card),
				       trigger_sms_done, s);
	talloc_free(packet);
	s->unreachable = rc < 0;
	if (rc == 0) {
		s->triggers++;
		s->trigger_out = true;
		LOG_CARD(card, DSCP81, LOGL_INFO, "trigger %u by SMS\n", s->triggers);
	}
	trigger_wait(card);
}

void scp81_session_wake(struct card *card)
{
	if (state(card) == ST_TRIGGER && card->s81.unreachable)
		trigger_send(card);
}

/* --- dialog --------------------------------------------------------------------------------------------------- */

static void dialog_new(struct card *card)
{
	struct scp81_session *s = &card->s81;
	uint8_t r[16];
	unsigned i;

	counter_inc(CTR_SCP81_SESSIONS);
	rand_bytes(r, sizeof(r));
	for (i = 0; i < sizeof(r); i++)
		snprintf(s->sid + 2 * i, 3, "%02x", r[i]);
	s->step = 0;
	s->more = s->notif = s->chain = false;
	s->polls = 0;
	TALLOC_FREE(s->script);
}

static void dialog_end(struct card *card)
{
	struct scp81_session *s = &card->s81;

	s->sid[0] = '\0';
	s->more = s->notif = false;
	TALLOC_FREE(s->script);
	state_chg(card, ST_CLOSED, 0);
	card_kick(card);
}

static struct scp81_post *held_take(struct card *card)
{
	struct scp81_post *post = card->s81.held;

	card->s81.held = NULL;
	if (post)
		post->card = NULL;
	return post;
}

static void end_204(struct card *card)
{
	LOG_CARD(card, DSCP81, LOGL_INFO, "204, session ends\n");
	scp81_http_answer(held_take(card), 204, NULL, true);
	dialog_end(card);
}

static void next_step(struct card *card)
{
	struct scp81_session *s = &card->s81;

	s->step++;
	snprintf(s->next_uri, sizeof(s->next_uri), "%s?s=%s&n=%u", card->cs->cfg.uri, s->sid, s->step);
}

/* Held for long enough, and something is to come yet: nothing to run, but the card should ask again. */
static void poll_204(struct card *card)
{
	struct scp81_session *s = &card->s81;
	struct scp81_post *post = held_take(card);

	counter_inc(CTR_SCP81_POLLED);
	s->polls++;
	next_step(card);
	LOG_CARD(card, DSCP81, LOGL_INFO, "204, the card is to come again, step %u\n", s->step);
	scp81_http_header(post, SCP81_HDR_NEXT_URI, s->next_uri);
	scp81_http_answer(post, 204, NULL, false);
	state_chg(card, ST_POLL, reopen_ms(card));
}

/* The stored answer, the first time and for each resume. */
static void script_answer(struct card *card)
{
	struct scp81_session *s = &card->s81;
	struct scp81_post *post = held_take(card);

	scp81_http_header(post, SCP81_HDR_NEXT_URI, s->next_uri);
	scp81_http_header(post, "Content-Type", SCP81_TYPE_CMD);
	if (s->target[0])
		scp81_http_header(post, SCP81_HDR_TARGET, s->target);
	scp81_http_answer(post, 200, s->script, false);
	state_chg(card, ST_RUNNING, 0);		/* until the command's deadline */
}

/* cur goes out with the POST in hand. */
static void give(struct card *card)
{
	struct scp81_session *s = &card->s81;
	const struct card_cmd *c = &card->cur->c;
	int rc;

	if (c->chained && !c->first_in_chain && !s->chain) {	/* corrections 12: nothing is resumed in a chain */
		card_cmd_done(card, CARD_REJECTED, "the session with the chain's beginning is gone", NULL, 0);
		return;
	}
	TALLOC_FREE(s->script);
	s->script = bytes_new(card, SCRIPT_MAX);
	rc = s->script ? script_cmd_enc(s->script, c->script, c->script_len, false, card_cmd_chain(c)) : -ENOMEM;
	s->target[0] = '\0';
	if (rc == 0 && !aid_eq(&c->target, &aid_isd_r))
		rc = scp81_target_enc(s->target, sizeof(s->target), &c->target);
	if (rc >= 0 && card_cmd_mark(card, CARD_BY_HTTPS) < 0)
		rc = -ECANCELED;
	if (rc < 0) {
		TALLOC_FREE(s->script);
		card_cmd_done(card, CARD_NOT_SENT, rc == -ECANCELED ? "stopped before it left" :
			      "no script could be made", NULL, 0);
		return;
	}
	s->more = s->notif = false;
	s->chain = c->chained && c->more;
	s->polls = 0;
	next_step(card);
	LOG_CARD(card, DSCP81, LOGL_INFO, "script of %zu octets handed over, step %u%s\n", c->script_len, s->step,
		 s->target[0] ? ", for an ISD-P" : "");
	script_answer(card);
}

void scp81_session_start(struct card *card)
{
	struct scp81_session *s = &card->s81;

	if (s->held) {
		give(card);
		return;
	}
	if (state(card) == ST_POLL)	/* it is about to come */
		return;
	s->triggers = 0;
	state_chg(card, ST_TRIGGER, 0);
	trigger_send(card);
}

static void lose(struct card *card)
{
	if (card->s81.sid[0])
		state_chg(card, ST_LOST, card_tdef_ms(CARD_T_HOLD));
	else
		state_chg(card, ST_CLOSED, 0);
	card_kick(card);
}

/* A script whose command has ended must not be given again: its owner was told that there is no answer. */
void scp81_session_stop(struct card *card)
{
	struct scp81_session *s = &card->s81;

	if (s->trigger_out)
		sms_port_forget(card->cs->cfg.sms, s);
	s->trigger_out = false;
	if (state(card) != ST_TRIGGER && state(card) != ST_RUNNING)
		return;
	TALLOC_FREE(s->script);
	lose(card);
}

void scp81_session_nothing_to_do(struct card *card)
{
	if (state(card) == ST_HELD && card->s81.held && !card->s81.more && !card->s81.notif)
		end_204(card);
}

void scp81_session_release(struct card *card)
{
	card->s81.more = card->s81.notif = false;
	card_kick(card);
}

void scp81_session_lost(struct card *card, struct scp81_post *post)
{
	if (card->s81.held != post)
		return;
	LOG_CARD(card, DSCP81, LOGL_INFO, "connection lost\n");
	card->s81.held = NULL;
	lose(card);
}

/* The card has not come again. */
static void not_polled(struct card *card)
{
	lose(card);
	if (card->cur && card->bearer == CARD_BEARER_SCP81)
		scp81_session_start(card);
}

/* Its script may have run; the card comes back with the result (X-Admin-Resume), or never: it was reset. Then the
 * command has no answer, and its owner need not wait for all of its time to ask what has become of it (P3). */
void scp81_session_closed(struct card *card)
{
	if (state(card) == ST_POLL)
		not_polled(card);
	if (state(card) != ST_RUNNING)
		return;
	LOG_CARD(card, DSCP81, LOGL_INFO, "connection lost before the result of step %u\n", card->s81.step);
	state_chg(card, ST_RUNNING, reopen_ms(card));
}

static void not_back(struct card *card)
{
	LOG_CARD(card, DSCP81, LOGL_NOTICE, "the card has not come back with the result of step %u\n", card->s81.step);
	counter_inc(CTR_SCP81_LOST);
	scp81_session_stop(card);
	card_cmd_done(card, CARD_NO_ANSWER, "connection lost", NULL, 0);
}

void scp81_session_free(struct card *card)
{
	struct scp81_post *post = held_take(card);

	if (post)
		scp81_http_answer(post, 204, NULL, true);
	sms_port_forget(card->cs->cfg.sms, &card->s81);
	TALLOC_FREE(card->s81.script);
}

/* --- the card's POST ------------------------------------------------------------------------------------------ */

static void hold(struct card *card, struct scp81_post *post)
{
	struct scp81_session *s = &card->s81;

	if (s->trigger_out)
		sms_port_forget(card->cs->cfg.sms, s);
	s->trigger_out = false;
	s->held = post;
	s->conn_id = http_req_conn_id(post->req);
	post->card = card;
	state_chg(card, ST_HELD, card_tdef_ms(s->notif ? CARD_T_HOLD_NOTIF : CARD_T_HOLD));
	card_kick(card);
}

/* First POST of a dialog, whatever caused it: trigger, poll, notification, or a card that lost its state. */
static void post_first(struct card *card, struct scp81_post *post)
{
	struct scp81_session *s = &card->s81;
	bool unanswered = state(card) == ST_RUNNING && card->cur;

	dialog_new(card);
	s->notif = post->notif;
	LOG_CARD(card, DSCP81, LOGL_INFO, "session opened%s\n", post->notif ? " with a notification" : "");
	hold(card, post);
	if (post->notif) {
		card_notify(card, post->notif, post->notif_len, CARD_BY_HTTPS);
		scp80_session_hurry(card);
		cattp_session_hurry(card);
	}
	if (unanswered)
		card_cmd_done(card, CARD_NO_ANSWER, "the card began a new session", NULL, 0);
}

/* The POST that Next-URI asked for: with the result of cur, as a rule. */
static void post_expected(struct card *card, struct scp81_post *post)
{
	struct scp81_session *s = &card->s81;
	bool running = state(card) == ST_RUNNING && card->cur;
	size_t len;
	const uint8_t *body = http_req_body(post->req, &len);

	if (running && !post->has_status && !len) {
		LOG_CARD(card, DSCP81, LOGL_INFO, "step %u without result, script again\n", s->step);
		hold(card, post);
		script_answer(card);
		return;
	}
	if (running) {
		s->more = card->cur->c.more;
		TALLOC_FREE(s->script);
	} else if (len) {
		LOG_CARD(card, DSCP81, LOGL_NOTICE, "late result of %zu octets dropped\n", len);
	}
	hold(card, post);
	if (!running)
		return;
	LOG_CARD(card, DSCP81, LOGL_INFO, "result of %zu octets, step %u, %s\n", len, s->step,
		 scp81_status_text(post->status));
	if (post->status == SCP81_ST_OK)
		card_cmd_response(card, body, len);
	else
		card_cmd_done(card, CARD_REJECTED, scp81_status_text(post->status), NULL, 0);
}

void scp81_session_post(struct card *card, struct scp81_post *post)
{
	struct scp81_session *s = &card->s81;
	bool ours = post->has_step && s->sid[0] && !strcmp(post->sid, s->sid);
	bool last = (ours && post->step + 1 == s->step) ||
		    (!post->has_step && post->resume && s->sid[0] && s->step == 1);

	if (post->has_step && !post->notif && s->sid[0] &&
	    (ours ? post->step != s->step && !last : !post->resume)) {
		counter_inc(CTR_SCP81_OLD);
		LOG_CARD(card, DSCP81, LOGL_INFO, "POST of an older %s: 204\n", ours ? "step" : "session");
		scp81_http_answer(post, 204, NULL, true);
		return;
	}
	if (s->held) {
		counter_inc(CTR_SCP81_DISMISSED);
		LOG_CARD(card, DSCP81, LOGL_INFO, "newer connection, the older one is dismissed\n");
		scp81_http_answer(held_take(card), 204, NULL, true);
	}
	if (post->resume && (ours || last))
		counter_inc(CTR_SCP81_RESUMED);
	if (post->notif || (!ours && !last)) {
		post_first(card, post);
	} else if (last && s->script && state(card) == ST_RUNNING) {
		LOG_CARD(card, DSCP81, LOGL_INFO, "step %u again%s, same script\n", s->step,
			 post->resume ? " (resume)" : "");
		hold(card, post);
		script_answer(card);
	} else if (last) {
		/* its command has ended meanwhile: go on with what comes next */
		hold(card, post);
	} else {
		post_expected(card, post);
	}
	if (card->cur && card->bearer == CARD_BEARER_SCP81 && state(card) == ST_HELD && s->held)
		give(card);
}

static bool scp81_withdraw(struct card *card)
{
	/* handed over in a session that the card has just replaced by another: post_first() */
	bool replaced = state(card) == ST_HELD && card->cur && card->cur->marked;

	if (scp81_session_left(card) || replaced)
		return false;
	scp81_session_stop(card);
	return true;
}

static bool scp81_chain(const struct card *card)
{
	return card->s81.chain;
}

const struct bearer_ops scp81_bearer = {
	.start = scp81_session_start, .withdraw = scp81_withdraw, .stop = scp81_session_stop,
	.left = scp81_session_left, .open = scp81_session_open, .chain = scp81_chain,
};

/* --- FSM ------------------------------------------------------------------------------------------------------ */

static int timer_cb(struct osmo_fsm_inst *fi)
{
	struct card *card = fi->priv;

	switch (fi->state) {
	case ST_TRIGGER:
		trigger_send(card);
		break;
	case ST_HELD:
		if (card->s81.more && card->s81.polls < card_bearer_cfg(card)->scp81.polls)
			poll_204(card);
		else
			end_204(card);
		break;
	case ST_POLL:
		not_polled(card);
		break;
	case ST_RUNNING:
		not_back(card);
		break;
	case ST_LOST:
		dialog_end(card);
		break;
	}
	return 0;
}

static const struct osmo_fsm_state states[] = {
	[ST_CLOSED] = { .name = "CLOSED", .out_state_mask = S(ST_CLOSED) | S(ST_TRIGGER) | S(ST_HELD) },
	[ST_TRIGGER] = { .name = "TRIGGER", .out_state_mask = S(ST_TRIGGER) | S(ST_HELD) | S(ST_LOST) | S(ST_CLOSED) },
	[ST_HELD] = {
		.name = "HELD",
		.out_state_mask = S(ST_HELD) | S(ST_RUNNING) | S(ST_LOST) | S(ST_CLOSED) | S(ST_POLL),
	},
	[ST_RUNNING] = { .name = "RUNNING", .out_state_mask = S(ST_RUNNING) | S(ST_HELD) | S(ST_LOST) | S(ST_CLOSED) },
	[ST_POLL] = { .name = "POLL", .out_state_mask = S(ST_HELD) | S(ST_LOST) | S(ST_CLOSED) },
	[ST_LOST] = { .name = "LOST", .out_state_mask = S(ST_TRIGGER) | S(ST_HELD) | S(ST_CLOSED) },
};

/* Its neighbours call it; only timers come as events. */
static const struct value_string no_events[] = { { 0, NULL } };

static struct osmo_fsm scp81_fsm = {
	.name = "SCP81", .states = states, .num_states = ARRAY_SIZE(states), .timer_cb = timer_cb, .log_subsys = DSCP81,
	.event_names = no_events,
};

static __attribute__((constructor)) void register_fsm(void)
{
	OSMO_ASSERT(osmo_fsm_register(&scp81_fsm) == 0);
}

int scp81_session_init(struct card *card)
{
	card->s81.fi = osmo_fsm_inst_alloc(&scp81_fsm, card, card, LOGL_DEBUG, card->name);
	return card->s81.fi ? 0 : -ENOMEM;
}
