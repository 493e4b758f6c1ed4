/* A procedure's commands to its card: sent, marked as sent in the same transaction, answered (corrections 1).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "proc_priv.h"

#define PAUSE_MAX_S		60UL
#define PAUSE_DOUBLINGS		8

static int proc_mark_sent(void *priv, const char *bearer)
{
	struct proc *p = priv;
	int rc;

	if (!p->row.sent && p->cmd.changes && proc_ops(p)->ask) {	/* it may have waited for the card (corrections 3) */
		p->refused = proc_ops(p)->ask(p);
		if (p->refused)
			return -EPERM;
	}
	p->row.step = p->cmd.step;
	p->row.sent = p->row.sent || p->cmd.changes;
	rc = smsr_db_proc_update(p->e->reg->db, &p->row);
	if (rc < 0)
		return rc;
	LOG_PROC(p, LOGL_INFO, "%s: sent to card by %s\n", p->cmd.what, bearer);
	proc_say(p, p->cmd.what, "sent", bearer);
	if (p->cmd.on_sent)
		p->cmd.on_sent(p);
	return 0;
}

/* Seconds until the next try: X4, doubled each time, a minute at most. */
static unsigned long pause_s(struct proc *p)
{
	unsigned long s = euicc_t(EUICC_T_RETRY) << OSMO_MIN(p->pauses, PAUSE_DOUBLINGS);

	p->pauses++;
	return OSMO_MIN(s, PAUSE_MAX_S);
}

/* Nothing could be sent. A step that goes on beyond the validity period (a confirmation that has left, what follows it)
 * hears of its end again: a card that is gone for good must not hold the answer (P4). */
static void try_again(struct proc *p, unsigned long in_s)
{
	osmo_timer_schedule(&p->retry, in_s, 0);
	if (!osmo_timer_pending(&p->deadline))
		osmo_timer_schedule(&p->deadline, 1, 0);
}

static void card_words(const struct proc_card *c, char *out, size_t size)
{
	switch (c->outcome) {
	case CARD_OK:
		if (c->has_rsp)
			snprintf(out, size, "%04X%s%s%s", c->rsp.sw, c->rsp.sw == 0x9000 ? "" : " (",
				 c->rsp.sw == 0x9000 ? "" : es5_sw_text(c->rsp.sw), c->rsp.sw == 0x9000 ? "" : ")");
		else
			snprintf(out, size, "%zu octets", c->len);
		return;
	case CARD_NO_ANSWER:
		snprintf(out, size, "nothing (%s)", c->detail ? c->detail : "no answer");
		return;
	default:
		snprintf(out, size, "rejected (%s)", c->detail ? c->detail : "?");
	}
}

static void report(struct proc *p, const struct proc_card *c)
{
	char words[96];

	card_words(c, words, sizeof(words));
	LOG_PROC(p, LOGL_INFO, "%s: card said %s\n", p->cmd.what, words);
	proc_say(p, p->cmd.what, "card said", words);
	if (c->outcome == CARD_OK && p->cmd.keep) {
		talloc_free(p->resp);
		p->resp = bytes_dup(p, c->resp, c->len);
	}
	osmo_fsm_inst_dispatch(p->fi, PROC_EV_CARD, (void *)c);
}

static void card_done(void *priv, enum card_outcome outcome, const char *detail, const uint8_t *resp, size_t len)
{
	struct proc *p = priv;
	struct proc_card c = { .outcome = outcome, .detail = detail, .resp = resp, .len = len };

	p->outstanding = false;
	if (outcome == CARD_NOT_SENT && p->refused) {
		proc_fail(p, p->refused, NULL);
		return;
	}
	if (outcome == CARD_NOT_SENT) {	/* certainly not done: again, for as long as the request is valid */
		unsigned long s = pause_s(p);

		LOG_PROC(p, LOGL_INFO, "%s: not sent (%s), again in %lu s\n", p->cmd.what, detail ? detail : "?", s);
		try_again(p, s);
		return;
	}
	if (outcome == CARD_OK)
		p->pauses = 0;
	c.has_rsp = outcome == CARD_OK && es5_rsp(&c.rsp, resp, len) == 0;
	report(p, &c);
}

void proc_send_again(struct proc *p)
{
	const struct card_cmd cmd = {
		.target = p->cmd.target, .script = p->script->data, .script_len = p->script->len, .more = p->cmd.more,
		.chained = p->cmd.chained, .first_in_chain = p->cmd.first_in_chain,
		.mark_sent = proc_mark_sent, .done = card_done, .priv = p,
	};
	struct proc_card c = { .outcome = CARD_REJECTED, .detail = "the card cannot be reached: no keyset" };
	int rc = card_session_send(p->e->reg->cards, &p->e->eis->fix.eid, &cmd, euicc_t(EUICC_T_COMMAND));

	if (rc == 0) {
		p->outstanding = true;
	} else if (rc == -ENOENT && p->tries++ > 0) {	/* the first time we may be inside the FSM's own step */
		report(p, &c);
	} else {
		LOG_PROC(p, LOGL_INFO, "%s: cannot be queued (%s)\n", p->cmd.what, strerror(-rc));
		try_again(p, rc == -ENOENT ? 0 : pause_s(p));
	}
}

int proc_send(struct proc *p, const struct proc_cmd *cmd, struct bytes *script)
{
	osmo_timer_del(&p->retry);
	talloc_free(p->script);
	p->script = talloc_steal(p, script);
	p->cmd = *cmd;
	if (!p->cmd.target.len)
		p->cmd.target = aid_isd_r;
	p->tries = 0;
	proc_send_again(p);
	return 0;
}

void proc_ask_status(struct proc *p, const struct aid *aid)
{
	const struct proc_cmd cmd = { .what = "GET STATUS", .step = p->row.step };
	struct bytes *script = bytes_new(p, 0);

	es5_get_status_enc(script, aid, false);
	proc_send(p, &cmd, script);
}

bool proc_unheard(const struct proc_card *c)
{
	return c->outcome == CARD_NO_ANSWER || c->outcome == CARD_REJECTED;
}

void proc_ask_later(struct proc *p)
{
	unsigned long s = pause_s(p);

	LOG_PROC(p, LOGL_INFO, "%s: again in %lu s\n", p->cmd.what, s);
	try_again(p, s);
}

void proc_not_done(struct proc *p)
{
	p->again = true;
	p->row.sent = false;
	p->row.step = PROC_STEP_NONE;
	smsr_db_proc_update(p->e->reg->db, &p->row);
	LOG_PROC(p, LOGL_NOTICE, "the card has not done it, sent again\n");
	proc_say(p, "audit", "not done, sent again", NULL);
}

int proc_status_answer(const struct proc_card *c, struct es5_isdp_info *i)
{
	struct rd r;

	if (proc_card_sw(c, 0x6A88))
		return 0;
	if (!proc_card_ok(c))
		return -EIO;
	rd_init(&r, c->rsp.data, c->rsp.len);
	return es5_status_rsp_next(&r, i);
}

bool proc_card_sw(const struct proc_card *c, uint16_t sw)
{
	return c->outcome == CARD_OK && c->has_rsp && c->rsp.sw == sw;
}

bool proc_card_ok(const struct proc_card *c)
{
	return c->outcome == CARD_OK && c->has_rsp && apdu_sw_ok(c->rsp.sw);
}

void proc_fail_card(struct proc *p, const struct proc_card *c)
{
	char words[96];
	enum es_reason reason = ES_R_CARD_ERROR;

	card_words(c, words, sizeof(words));
	if (proc_card_sw(c, ES5_SW_POL1))
		reason = ES_R_POL1;
	else if (proc_card_sw(c, 0x6A84) && p->row.kind == PROC_CREATE_ISDP)
		reason = ES_R_NO_MEMORY;
	proc_fail(p, reason, words);
}
