/* One card: a FIFO of commands, one outstanding, and how each ends (design 5, P1 to P3).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/ota/script.h>
#include "card_session_priv.h"

#define RESPONSE_MAX (1U << 20)

static const char *outcome_text(enum card_outcome o)
{
	switch (o) {
	case CARD_OK:
		return "answered";
	case CARD_NOT_SENT:
		return "not sent";
	case CARD_NO_ANSWER:
		return "no answer";
	case CARD_REJECTED:
		return "rejected";
	}
	return "?";
}

void cmd_free(struct cmd *cmd)
{
	osmo_timer_del(&cmd->deadline);
	talloc_free(cmd);
}

/* cmd is in no list any more. */
static void cmd_end(struct cmd *cmd, enum card_outcome outcome, const char *detail, const uint8_t *resp, size_t len)
{
	struct card *card = cmd->card;

	if (outcome == CARD_NOT_SENT && cmd->pos) {	/* of it: its owner must not send all of it again */
		outcome = CARD_REJECTED;
		detail = "the rest of the script could not be sent";
	}
	LOG_CARD(card, DCARD, LOGL_INFO, "command %s%s%s\n", outcome_text(outcome), detail ? ": " : "", detail ? : "");
	osmo_timer_del(&cmd->deadline);
	card_kick(card);
	if (cmd->c.done)
		cmd->c.done(cmd->c.priv, outcome, detail ? : "", resp, len);
	cmd_free(cmd);
}

void card_cmd_done(struct card *card, enum card_outcome outcome, const char *detail, const uint8_t *resp, size_t len)
{
	struct cmd *cmd = card->cur;

	if (!cmd)
		return;
	card_learn(card, outcome);
	card->cur = NULL;
	card->bearer = CARD_BEARER_NONE;
	cmd_end(cmd, outcome, detail, resp, len);
}

/* --- pieces --------------------------------------------------------------------------------------------------- */

bool card_cmd_cut(struct card *card, size_t room, size_t limit)
{
	struct cmd *cmd = card->cur;
	size_t left = cmd->whole_len - cmd->pos, used = 0;
	struct rd r;
	struct tlv t;

	rd_init(&r, cmd->whole + cmd->pos, left);
	while (left > room && tlv_next(&r, &t) == 1) {
		if (used ? used + t.raw_len > room : t.raw_len > limit)
			break;
		used += t.raw_len;
	}
	if (left > room && !used)
		return false;
	if (left <= room)
		used = left;
	cmd->c.script = cmd->whole + cmd->pos;
	cmd->c.script_len = used;
	cmd->c.more = cmd->whole_more || used < left;
	cmd->c.first_in_chain = cmd->whole_first && !cmd->pos;
	return true;
}

enum script_chain card_cmd_chain(const struct card_cmd *c)
{
	if (!c->chained || (c->first_in_chain && !c->more))
		return SCRIPT_CHAIN_NONE;
	if (c->first_in_chain)
		return SCRIPT_CHAIN_FIRST;
	return c->more ? SCRIPT_CHAIN_MORE : SCRIPT_CHAIN_LAST;
}

/* Would the card have stopped a longer script here? (TS 102 226 5.2.1; SCP03t errors, card-side 7.2) */
static bool stops(const uint8_t *tlvs, size_t len)
{
	struct apdu_rsp a;
	struct rd r;
	struct tlv t;

	if (script_rapdu_decisive(&a, tlvs, len) == 0 && !apdu_sw_goes_on(a.sw))
		return true;
	rd_init(&r, tlvs, len);
	while (tlv_next(&r, &t) == 1)
		if (t.tag >= 0x9F44 && t.tag <= 0x9F47)
			return true;
	return false;
}

/* A piece was answered: the next one, or all answers to the owner. */
static void piece_done(struct card *card, const struct script_rsp *r)
{
	struct cmd *cmd = card->cur;
	struct bytes *rsp;

	if (!cmd->pos && cmd->c.script_len == cmd->whole_len) {
		card_cmd_done(card, CARD_OK, NULL, r->tlvs, r->len);
		return;
	}
	if (!cmd->rsp)
		cmd->rsp = bytes_new(cmd, RESPONSE_MAX);
	if (!cmd->rsp || (r->len && bytes_put(cmd->rsp, r->tlvs, r->len) < 0)) {
		card_cmd_done(card, CARD_NO_ANSWER, "more response than can be kept", NULL, 0);
		return;
	}
	cmd->pos += cmd->c.script_len;
	if (cmd->pos >= cmd->whole_len || stops(r->tlvs, r->len)) {
		rsp = cmd->rsp;
		talloc_steal(card, rsp);
		card_cmd_done(card, CARD_OK, NULL, rsp->data, rsp->len);
		talloc_free(rsp);
		return;
	}
	card_learn(card, CARD_OK);
	osmo_timer_schedule(&cmd->deadline, cmd->timeout_s, 0);
	cmd->resync = false;
	cmd->c.first_in_chain = false;	/* whether it can be cut for this bearer or not */
	card_bearer_cut(card);		/* a POST in hand takes it at once */
	cmd->again = true;		/* else the loop starts it */
	card_kick(card);
}

void card_cmd_response(struct card *card, const uint8_t *data, size_t len)
{
	struct script_rsp r;

	if (len == 0 || script_rsp_dec(&r, data, len) < 0) {
		/* it ran something and says nothing that we understand: P3 */
		card_cmd_done(card, CARD_NO_ANSWER, len ? "response script not understood" : "empty response", NULL, 0);
		return;
	}
	if (r.chain_error > 0)
		card_cmd_done(card, CARD_REJECTED, r.chain_error == 1 ? "script chaining: no previous script" :
			      r.chain_error == 2 ? "script chaining not supported" : "script chaining not possible",
			      NULL, 0);
	else if (r.bad_format > 0 && r.len == 0)
		card_cmd_done(card, CARD_REJECTED, "script: bad format", NULL, 0);
	else if (card->cur)
		piece_done(card, &r);
}

int card_cmd_mark(struct card *card, const char *bearer)
{
	struct cmd *cmd = card->cur;

	cmd->again = false;
	if (cmd->marked)
		return 0;
	if (cmd->c.mark_sent && cmd->c.mark_sent(cmd->c.priv, bearer) < 0)
		return -ECANCELED;
	cmd->marked = true;
	return 0;
}

/* --- time is up ----------------------------------------------------------------------------------------------- */

static void deadline_cb(void *data)
{
	struct cmd *cmd = data;
	struct card *card = cmd->card;
	const struct bearer_ops *b = card_bearer_ops(card->bearer);
	bool left;

	if (cmd != card->cur) {
		llist_del(&cmd->entry);
		card->n_queued--;
		cmd_end(cmd, CARD_NOT_SENT, "time ran out in the queue", NULL, 0);
		return;
	}
	left = b && b->left(card);
	if (b)
		b->stop(card);
	if (left)
		card_cmd_done(card, CARD_NO_ANSWER, "time ran out", NULL, 0);
	else
		card_cmd_done(card, CARD_NOT_SENT, "card not reached in time", NULL, 0);
}

struct cmd *cmd_new(struct card *card, const struct card_cmd *c, unsigned timeout_s)
{
	struct cmd *cmd = talloc_zero(card, struct cmd);

	if (!cmd)
		return NULL;
	cmd->card = card;
	cmd->c = *c;
	cmd->whole = talloc_memdup(cmd, c->script, c->script_len);
	if (c->script_len && !cmd->whole) {
		talloc_free(cmd);
		return NULL;
	}
	cmd->c.script = cmd->whole;
	cmd->whole_len = c->script_len;
	cmd->whole_more = c->more;
	cmd->whole_first = c->first_in_chain;
	cmd->timeout_s = timeout_s;
	osmo_timer_setup(&cmd->deadline, deadline_cb, cmd);
	osmo_timer_schedule(&cmd->deadline, timeout_s, 0);
	return cmd;
}

/* --- queue ---------------------------------------------------------------------------------------------------- */

void card_enqueue(struct card *card, struct cmd *cmd)
{
	struct llist_head *before = &card->queue;
	struct cmd *c;

	if (cmd->urgent) {
		llist_for_each_entry(c, &card->queue, entry) {
			if (!c->urgent) {
				before = &c->entry;
				break;
			}
		}
	}
	llist_add_tail(&cmd->entry, before);
	card->n_queued++;
	card_kick(card);
}

/* cur steps back behind the urgent ones, if nothing of it has left. */
static void step_back(struct card *card)
{
	const struct bearer_ops *b = card_bearer_ops(card->bearer);
	struct cmd *cmd = card->cur, *c;

	if (cmd->pos || (b && !b->withdraw(card)))
		return;
	card->cur = NULL;
	card->bearer = CARD_BEARER_NONE;
	llist_for_each_entry(c, &card->queue, entry)
		if (!c->urgent)
			break;
	llist_add_tail(&cmd->entry, &c->entry);		/* c is the head when all are urgent */
	card->n_queued++;
}

void card_notify(struct card *card, const uint8_t *e1, size_t len, const char *bearer)
{
	const struct card_sessions_cfg *cfg = &card->cs->cfg;
	struct cmd *first;

	card->notifying = true;
	cfg->ops->notification(cfg->priv, &card->eid, e1, len, bearer);
	card->notifying = false;
	first = llist_first_entry_or_null(&card->queue, struct cmd, entry);
	if (card->cur && first && first->urgent)
		step_back(card);
	card_kick(card);	/* also to free the card when nothing was queued */
}

/* --- the next one --------------------------------------------------------------------------------------------- */

void card_cmd_start(struct card *card)
{
	struct cmd *cmd = card->cur;

	cmd->again = false;
	card->bearer = CARD_BEARER_NONE;
	if (card_refresh(card) < 0) {
		card_cmd_done(card, CARD_NOT_SENT, "card unknown", NULL, 0);
		return;
	}
	card->bearer = card_bearer_choose(card);
	if (card->bearer)
		card_bearer_ops(card->bearer)->start(card);
	else if (cmd->c.chained && !cmd->c.first_in_chain)
		card_cmd_done(card, CARD_REJECTED, "the session with the chain's beginning is gone", NULL, 0);
	else
		card_cmd_done(card, CARD_NOT_SENT, cmd->tried ? "no bearer reaches the card" :
			      "the card has no bearer that this script fits", NULL, 0);
}

static void start_next(struct card *card)
{
	struct cmd *cmd = llist_first_entry(&card->queue, struct cmd, entry);

	llist_del(&cmd->entry);
	card->n_queued--;
	card->cur = cmd;
	card_cmd_start(card);
}

void card_kick(struct card *card)
{
	osmo_timer_schedule(&card->kick, 0, 0);
}

/* The card has opened a session while its command waits for another way. */
static void session_opened(struct card *card)
{
	const struct bearer_ops *b = card_bearer_ops(card->bearer);

	if (!scp81_bearer.open(card) && !cattp_bearer.open(card))
		return;
	if (!b || b->open(card))
		return;
	if (b->withdraw(card))
		card_cmd_start(card);
	else
		scp80_session_wake(card);
}

void card_kick_cb(void *data)
{
	struct card *card = data;

	if (card->cur && card->cur->again) {
		card_cmd_start(card);
		return;
	}
	if (card->cur) {
		session_opened(card);
		return;
	}
	if (!llist_empty(&card->queue)) {
		start_next(card);
		return;
	}
	scp81_session_nothing_to_do(card);
	cattp_session_nothing_to_do(card);
	if (scp81_session_idle(card) && cattp_session_idle(card) && !card->s80.chain)
		card_free(card);
}
