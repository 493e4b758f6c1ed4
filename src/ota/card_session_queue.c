/* One card: a FIFO of commands, one outstanding, and how each ends (design 5, P1 to P3).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/ota/script.h>
#include "card_session_priv.h"

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
	card->cur = NULL;
	card->bearer = CARD_BEARER_NONE;
	cmd_end(cmd, outcome, detail, resp, len);
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
	else
		card_cmd_done(card, CARD_OK, NULL, r.tlvs, r.len);
}

int card_cmd_mark(struct card *card, const char *bearer)
{
	struct cmd *cmd = card->cur;

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
	bool left;

	if (cmd != card->cur) {
		llist_del(&cmd->entry);
		card->n_queued--;
		cmd_end(cmd, CARD_NOT_SENT, "time ran out in the queue", NULL, 0);
		return;
	}
	if (card->bearer == CARD_BEARER_SCP80) {
		left = scp80_session_left(card);
		scp80_session_stop(card);
	} else {
		left = scp81_session_left(card);
		scp81_session_stop(card);
	}
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
	cmd->c.script = talloc_memdup(cmd, c->script, c->script_len);
	if (c->script_len && !cmd->c.script) {
		talloc_free(cmd);
		return NULL;
	}
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
	struct cmd *cmd = card->cur, *c;

	if (card->bearer == CARD_BEARER_SCP80 ? !scp80_session_withdraw(card) : cmd->marked)
		return;
	if (card->bearer == CARD_BEARER_SCP81)
		scp81_session_stop(card);
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

/* ota-transport 11: an open session is used; what fits a few SMS goes so; a download, a chain, all else by HTTPS. */
static enum card_bearer choose(const struct card *card, const struct cmd *cmd)
{
	bool https = card->info.https && card->info.scp81_kvn;
	bool fits = card->info.kic && card->info.kid && card->info.scp80_kvn &&
		    scp80_session_fits(card, cmd->c.script_len);

	if (scp81_session_open(card))
		return CARD_BEARER_SCP81;
	if (fits && !(https && (cmd->c.more || cmd->c.chained)))
		return CARD_BEARER_SCP80;
	return https ? CARD_BEARER_SCP81 : CARD_BEARER_NONE;
}

static void start_next(struct card *card)
{
	struct cmd *cmd = llist_first_entry(&card->queue, struct cmd, entry);

	llist_del(&cmd->entry);
	card->n_queued--;
	card->cur = cmd;
	if (card_refresh(card) < 0) {
		card_cmd_done(card, CARD_NOT_SENT, "card unknown", NULL, 0);
		return;
	}
	card->bearer = choose(card, cmd);
	switch (card->bearer) {
	case CARD_BEARER_SCP80:
		scp80_session_start(card);
		break;
	case CARD_BEARER_SCP81:
		scp81_session_start(card);
		break;
	case CARD_BEARER_NONE:
		card_cmd_done(card, CARD_NOT_SENT, "script too long for SMS, and the card has no HTTPS", NULL, 0);
		break;
	}
}

void card_kick(struct card *card)
{
	osmo_timer_schedule(&card->kick, 0, 0);
}

void card_kick_cb(void *data)
{
	struct card *card = data;

	if (card->cur) {
		/* the card has opened a session while its SMS waits for it */
		if (card->bearer == CARD_BEARER_SCP80 && scp81_session_open(card) && scp80_session_withdraw(card)) {
			card->bearer = CARD_BEARER_SCP81;
			scp81_session_start(card);
		} else if (scp81_session_open(card)) {
			scp80_session_wake(card);
		}
		return;
	}
	if (!llist_empty(&card->queue)) {
		start_next(card);
		return;
	}
	scp81_session_nothing_to_do(card);
	if (scp81_session_idle(card))
		card_free(card);
}
