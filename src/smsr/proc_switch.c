/* EnableProfile and DisableProfile (SGP.02 3.2 to 3.5): the card answers, leaves the network, comes back with the other
 * profile, reports it (notification 02), and only our confirmation makes it final. Also the first half of deleting an
 * enabled profile (3.6).
 * SPDX-License-Identifier: AGPL-3.0-or-later
 *
 *   requester    SM-SR                      card
 *      |--Enable-->|--ES5.EnableProfile------>|   COMMAND
 *      |           |<--9000-------------------|   WAIT_NOTIF    (REFRESH, attach with the target)
 *      |           |<--notification 02--------|   CONFIRM       (03: rolled back, 05: fall-back)
 *      |           |--Confirmation----------->|
 *      |           |<--9000 [deleted ISD-Ps]--|   EIS; AUTO_DELETE where POL2 wants it
 *      |<--success-|
 *
 * Confirm or expire, whichever is committed first (corrections 5): once the confirmation has left, the deadline counts
 * no more; once EXPIRED is answered, a notification 02 is not confirmed and the card rolls back. */

#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>

#include "es_notify.h"
#include "proc.h"

enum proc_switch_state {
	PROC_SWITCH_ST_INIT, PROC_SWITCH_ST_COMMAND, PROC_SWITCH_ST_WAIT_NOTIF, PROC_SWITCH_ST_CONFIRM,
	PROC_SWITCH_ST_STATUS, PROC_SWITCH_ST_AUTO_DELETE,
};

#define CONFIRM_TRIES 3

struct proc_switch {
	struct aid to;			/* what will be enabled */
	struct aid from;		/* what is enabled before; len 0: nothing */
	bool failed;			/* rolled back or fallen back: confirmed to the card, FAILED to the requester */
	unsigned confirms;
	struct osmo_timer_list check;	/* the card has not acknowledged: has it heard the command at all? */
};

static struct proc_switch *sw(struct proc *p)
{
	return p->priv;
}

static int sw_destructor(struct proc_switch *s)
{
	osmo_timer_del(&s->check);
	return 0;
}

static void check_cb(void *data)
{
	struct proc *p = data;

	if (p->fi && p->fi->state == PROC_SWITCH_ST_WAIT_NOTIF && !p->outstanding)
		proc_ask_status(p, &sw(p)->to);
}

static void init_priv(struct proc *p)
{
	const struct eis_profile *now = eis_enabled(p->e->eis);
	struct proc_switch *s = talloc_zero(p, struct proc_switch);

	OSMO_ASSERT(s);
	p->priv = s;
	osmo_timer_setup(&s->check, check_cb, p);
	talloc_set_destructor(s, sw_destructor);
	s->to = p->row.aid;
	if (now)
		s->from = now->i.isdp_aid;
}

static enum es_reason ask(struct proc *p)
{
	const struct policy_caller caller = proc_caller(p);
	const enum policy_op op = p->row.kind == PROC_ENABLE ? POLICY_ENABLE :
				  p->row.kind == PROC_DISABLE ? POLICY_DISABLE : POLICY_DELETE;

	return policy_ask(p->e->eis, eis_by_iccid(p->e->eis, p->row.iccid), op, &caller, 0);
}

/* The lock is ours: the record is read and the policy asked now, not when the request came (corrections 3). */
static void proc_switch_start(struct proc *p)
{
	enum es_reason r = ask(p);

	if (r) {
		proc_fail(p, r, NULL);
		return;
	}
	p->row.aid = p->row.kind == PROC_ENABLE ? eis_by_iccid(p->e->eis, p->row.iccid)->i.isdp_aid :
		     eis_fallback(p->e->eis)->i.isdp_aid;
	init_priv(p);
	proc_state(p, PROC_SWITCH_ST_COMMAND);
}

static void on_sent(struct proc *p)
{
	euicc_change_begin(p->e, &sw(p)->to);
}

static void command_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc *p = fi->priv;
	bool enable = p->row.kind == PROC_ENABLE;
	const struct proc_cmd cmd = {
		.what = enable ? "EnableProfile" : "DisableProfile",
		.step = PROC_STEP_COMMAND,
		.changes = true,
		.keep = true,
		.on_sent = on_sent,
	};
	struct bytes *script = bytes_new(p, 0);

	if (enable)
		es5_enable_profile_enc(script, &sw(p)->to);
	else
		es5_disable_profile_enc(script, &sw(p)->from);
	proc_send(p, &cmd, script);
}

/* The mark says that the command was about to leave; the session knows whether it did (SMPP status 0B: certainly not). */
static bool never_left(struct proc *p)
{
	if (!p->outstanding || p->row.step != PROC_STEP_COMMAND)
		return false;
	p->outstanding = false;
	return card_session_forget(p->e->reg->cards, &p->e->eis->fix.eid, p);
}

/* Nobody knows: EXPIRED to the requester, the record marked, an audit after the roll-back window. */
static void unknown(struct proc *p)
{
	if (never_left(p))
		p->row.sent = false;
	if (p->row.sent)
		eis_uncertain(p->e->eis, &sw(p)->to);
	else
		euicc_change_end(p->e);
	proc_expire(p);
}

static void refused(struct proc *p, const struct proc_card *c)
{
	euicc_change_end(p->e);
	proc_fail_card(p, c);
}

/* 03 and 05 are the card's word on what is enabled now: the record follows and the requester learns it at once. */
static void went_back(struct proc *p, const struct notif *n)
{
	struct eis_profile *now = eis_by_aid(p->e->eis, &n->aid), *before = eis_enabled(p->e->eis);
	bool fallback = n->type == NOTIF_FALLBACK;

	sw(p)->failed = true;
	if (fallback && now && now != before) {
		es_notify(p->e->reg, p->e->eis, now, ES_FN_HANDLE_ENABLED, NULL);
		if (before)
			es_notify(p->e->reg, p->e->eis, before, ES_FN_HANDLE_DISABLED, NULL);
	}
	if (now)
		eis_profile_enabled(p->e->eis, now);
	else
		eis_uncertain(p->e->eis, &sw(p)->to);
	proc_answer(p, ES_FAILED, ES_R_ROLLED_BACK, fallback ? "no connectivity, the fall-back profile was enabled" :
		    "no connectivity with the other profile, the card rolled back");
}

static void notified(struct proc *p, struct proc_notif *pn)
{
	const struct notif *n = pn->n;

	if (n->type == NOTIF_CHANGED ? !aid_eq(&n->aid, &sw(p)->to) :
	    n->type != NOTIF_ROLLED_BACK && n->type != NOTIF_FALLBACK)
		return;
	if (!p->row.sent)	/* not an effect of ours */
		return;
	pn->taken = true;
	LOG_PROC(p, LOGL_INFO, "notification %02X\n", n->type);
	p->row.seq = n->seq;
	if (p->outstanding)	/* the report came before the answer to the command, which does not matter any more */
		card_session_forget(p->e->reg->cards, &p->e->eis->fix.eid, p);
	p->outstanding = false;
	if (n->type != NOTIF_CHANGED)
		went_back(p, n);
	proc_state(p, PROC_SWITCH_ST_CONFIRM);
}

/* Step 3: what the card says to the command. Silence is no answer: the notification will tell. */
static void command(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc *p = fi->priv;
	const struct proc_card *c = data;

	switch (event) {
	case PROC_EV_CARD:
		if (c->outcome == CARD_REJECTED || (c->has_rsp && !apdu_sw_ok(c->rsp.sw))) {
			refused(p, c);
			return;
		}
		if (proc_card_ok(c)) {
			p->row.acked = true;
			smsr_db_proc_update(p->e->reg->db, &p->row);
			euicc_change_acked(p->e);
		}
		proc_state(p, PROC_SWITCH_ST_WAIT_NOTIF);
		return;
	case PROC_EV_NOTIF:
		notified(p, data);
		return;
	case PROC_EV_EXPIRED:
		unknown(p);
		return;
	}
}

static void wait_notif_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc *p = fi->priv;

	if (!p->row.acked)
		osmo_timer_schedule(&sw(p)->check, euicc_t(EUICC_T_GRACE), 0);
}

/* Asked whether it has heard an unacknowledged command: if the other profile is not enabled, it has not, and never
 * will, for our question had the higher counter. Then it is sent again. Anything else proves nothing: wait (corrections
 * 5). */
static void checked(struct proc *p, const struct proc_card *c)
{
	struct es5_isdp_info i;

	if (p->cmd.changes)	/* the command itself: its time was up */
		return;
	if (proc_status_answer(c, &i) == 1 && i.state == ES5_STATE_DISABLED)
		proc_state(p, PROC_SWITCH_ST_COMMAND);
	else
		osmo_timer_schedule(&sw(p)->check, euicc_t(EUICC_T_GRACE), 0);
}

static void wait_notif(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	switch (event) {
	case PROC_EV_CARD:
		checked(fi->priv, data);
		return;
	case PROC_EV_NOTIF:
		notified(fi->priv, data);
		return;
	case PROC_EV_EXPIRED:
		unknown(fi->priv);
		return;
	}
}

static void send_confirmation(struct proc *p)
{
	const struct proc_cmd cmd = {
		.what = "HandleNotificationConfirmation", .step = PROC_STEP_CONFIRM, .changes = true};
	struct bytes *script = bytes_new(p, 0);

	sw(p)->confirms++;
	es5_confirm_notif_enc(script, p->row.seq);
	proc_send(p, &cmd, script);
}

static void confirm_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc *p = fi->priv;

	sw(p)->confirms = 0;
	send_confirmation(p);
}

static void remove_profile(struct proc *p, struct eis_profile *gone, const char *how)
{
	LOG_PROC(p, LOGL_INFO, "profile %s deleted %s\n", gone->i.iccid, how);
	proc_say(p, "DeleteProfile", how, gone->i.iccid);
	es_notify(p->e->reg, p->e->eis, gone, ES_FN_HANDLE_DELETED,
		  p->row.kind == PROC_DELETE ? p->row.requester : NULL);
	eis_profile_removed(p->e->eis, gone);
}

/* What POL1 made the card delete when it was confirmed (SGP.02 4.1.1.12). */
static void deleted_by_card(struct proc *p, const struct proc_card *c)
{
	struct aid gone[ES5_AIDS_MAX];
	int n = c ? es5_confirm_rsp_dec(gone, ARRAY_SIZE(gone), c->rsp.data, c->rsp.len) : 0;

	for (int i = 0; i < n; i++) {
		struct eis_profile *g = eis_by_aid(p->e->eis, &gone[i]);

		if (g && g->state != EIS_PS_ENABLED)
			remove_profile(p, g, "by POL1");
	}
}

/* Step 6: the change is final. c NULL: GET STATUS told. */
static void confirmed(struct proc *p, const struct proc_card *c)
{
	struct euicc *e = p->e;
	struct eis_profile *to = eis_by_aid(e->eis, &sw(p)->to), *from = eis_by_aid(e->eis, &sw(p)->from);
	bool enable = p->row.kind == PROC_ENABLE;

	LOG_PROC(p, LOGL_INFO, "confirmed\n");
	if (c)
		eis_notif_done(e->eis, p->row.seq);
	proc_say(p, enable ? "EnableProfile" : "DisableProfile", "confirmed", to ? to->i.iccid : NULL);
	if (to) {
		eis_profile_enabled(e->eis, to);
		es_notify(e->reg, e->eis, to, ES_FN_HANDLE_ENABLED, enable ? p->row.requester : NULL);
	}
	if (from && from != to)
		es_notify(e->reg, e->eis, from, ES_FN_HANDLE_DISABLED, enable ? NULL : p->row.requester);
	euicc_change_end(e);
	deleted_by_card(p, c);
	from = eis_by_aid(e->eis, &sw(p)->from);
	if (from && from != to && (p->row.kind == PROC_DELETE || policy_auto_delete(from))) {
		p->row.aid = from->i.isdp_aid;
		proc_state(p, PROC_SWITCH_ST_AUTO_DELETE);
	} else {
		proc_done(p);
	}
}

static bool confirmation_left(const struct proc *p)
{
	return p->row.step == PROC_STEP_CONFIRM;
}

static void confirm_answer(struct proc *p, const struct proc_card *c)
{
	if (sw(p)->failed) {	/* the requester has its answer, the record is right */
		if (c->outcome == CARD_NO_ANSWER && sw(p)->confirms < CONFIRM_TRIES) {
			send_confirmation(p);
			return;
		}
		euicc_change_end(p->e);
		proc_done(p);	/* answered FAILED already: only the end */
		return;
	}
	if (proc_card_ok(c))
		confirmed(p, c);
	else if (c->outcome == CARD_NO_ANSWER && sw(p)->confirms < CONFIRM_TRIES)
		send_confirmation(p);
	else if (c->outcome == CARD_OK)	/* e.g. 6A88: this notification is closed, one way or the other */
		proc_state(p, PROC_SWITCH_ST_STATUS);
	else
		unknown(p);
}

/* The requester of a change that went back has its answer already. */
static void expired_in_confirm(struct proc *p)
{
	if (sw(p)->failed) {
		euicc_change_end(p->e);
		proc_done(p);
	} else if (!confirmation_left(p) || !p->outstanding) {
		unknown(p);	/* what has left ends by its own time; what cannot leave any more must not hold the answer */
	}
}

static void confirm(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc *p = fi->priv;
	struct proc_notif *pn = data;

	switch (event) {
	case PROC_EV_CARD:
		confirm_answer(p, data);
		return;
	case PROC_EV_NOTIF:
		if (pn->n->seq == p->row.seq) {	/* the card repeats itself until it hears us */
			pn->taken = true;
		} else if (pn->n->type == NOTIF_ROLLED_BACK || pn->n->type == NOTIF_FALLBACK) {
			notified(p, pn);	/* our confirmation came too late for it */
		}
		return;
	case PROC_EV_EXPIRED:
		expired_in_confirm(p);
		return;
	}
}

static void status_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc *p = fi->priv;

	proc_ask_status(p, &sw(p)->to);
}

/* The notification is closed on the card, so its state is final: which one? */
static void status(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc *p = fi->priv;
	struct es5_isdp_info i = {};
	int rc = event == PROC_EV_CARD ? proc_status_answer(data, &i) : -1;

	if (rc < 0) {
		unknown(p);
		return;
	}
	if (rc == 1 && i.state == ES5_STATE_ENABLED) {
		confirmed(p, NULL);
		return;
	}
	eis_want_audit(p->e->eis);
	euicc_change_end(p->e);
	proc_fail(p, ES_R_ROLLED_BACK, "the card has the other profile disabled");
}

static void auto_delete_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc *p = fi->priv;
	const struct proc_cmd cmd = { .what = "DeleteProfile", .step = PROC_STEP_AUTO_DELETE, .changes = true };
	struct bytes *script = bytes_new(p, 0);

	smsr_db_proc_update(p->e->reg->db, &p->row);
	es5_delete_enc(script, &p->row.aid);
	proc_send(p, &cmd, script);
}

/* The change itself has succeeded and stays so, whatever becomes of the deletion. */
static void not_deleted(struct proc *p, const struct proc_card *c)
{
	const char *why = "disabled, but the deletion is not confirmed by the card";

	if (!c || c->outcome == CARD_NO_ANSWER)
		eis_want_audit(p->e->eis);
	if (p->row.kind != PROC_DELETE)
		proc_warn(p, ES_R_CARD_ERROR, why);
	else if (c && c->outcome != CARD_NO_ANSWER)
		proc_fail_card(p, c);
	else
		proc_expire(p);
}

static void auto_delete(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc *p = fi->priv;
	struct eis_profile *gone = eis_by_aid(p->e->eis, &p->row.aid);
	const struct proc_card *c = event == PROC_EV_CARD ? data : NULL;

	if (event == PROC_EV_NOTIF)
		return;
	if (!c || (!proc_card_ok(c) && !proc_card_sw(c, 0x6A88))) {
		not_deleted(p, c);
		return;
	}
	if (gone)
		remove_profile(p, gone, p->row.kind == PROC_DELETE ? "as asked" : "by POL2");
	proc_done(p);
}

/* Nothing sent: begin anew. Command sent: the notification tells, or the card's word that it has not heard it.
 * Confirmation sent: it is sent again, and the card's answer to it is the audit. */
static void proc_switch_resume(struct proc *p)
{
	if (!p->row.sent) {
		proc_switch_start(p);
		return;
	}
	init_priv(p);
	if (p->row.step == PROC_STEP_AUTO_DELETE) {	/* the change is over */
		proc_state(p, PROC_SWITCH_ST_AUTO_DELETE);
		return;
	}
	euicc_change_begin(p->e, &sw(p)->to);
	if (p->row.acked || p->row.step == PROC_STEP_CONFIRM)
		euicc_change_acked(p->e);	/* it went to the target's network */
	proc_state(p, p->row.step == PROC_STEP_CONFIRM ? PROC_SWITCH_ST_CONFIRM : PROC_SWITCH_ST_WAIT_NOTIF);
}

#define S(x) (1 << (x))
#define ALL_EV (S(PROC_EV_CARD) | S(PROC_EV_NOTIF) | S(PROC_EV_EXPIRED))

static const struct osmo_fsm_state states[] = {
	[PROC_SWITCH_ST_INIT] = {
		.name = "INIT",
		.out_state_mask = S(PROC_SWITCH_ST_COMMAND) | S(PROC_SWITCH_ST_WAIT_NOTIF) | S(PROC_SWITCH_ST_CONFIRM) |
				  S(PROC_SWITCH_ST_AUTO_DELETE),
	},
	[PROC_SWITCH_ST_COMMAND] = {
		.name = "COMMAND", .in_event_mask = ALL_EV, .onenter = command_onenter, .action = command,
		.out_state_mask = S(PROC_SWITCH_ST_WAIT_NOTIF) | S(PROC_SWITCH_ST_CONFIRM),
	},
	[PROC_SWITCH_ST_WAIT_NOTIF] = {
		.name = "WAIT_NOTIF", .in_event_mask = ALL_EV, .onenter = wait_notif_onenter,
		.action = wait_notif, .out_state_mask = S(PROC_SWITCH_ST_COMMAND) | S(PROC_SWITCH_ST_CONFIRM),
	},
	[PROC_SWITCH_ST_CONFIRM] = {
		.name = "CONFIRM", .in_event_mask = ALL_EV, .onenter = confirm_onenter, .action = confirm,
		.out_state_mask = S(PROC_SWITCH_ST_CONFIRM) | S(PROC_SWITCH_ST_STATUS) | S(PROC_SWITCH_ST_AUTO_DELETE),
	},
	[PROC_SWITCH_ST_STATUS] = {
		.name = "STATUS", .in_event_mask = S(PROC_EV_CARD) | S(PROC_EV_EXPIRED), .onenter = status_onenter,
		.action = status, .out_state_mask = S(PROC_SWITCH_ST_AUTO_DELETE),
	},
	[PROC_SWITCH_ST_AUTO_DELETE] = {
		.name = "AUTO_DELETE", .in_event_mask = ALL_EV, .onenter = auto_delete_onenter, .action = auto_delete,
	},
};

static struct osmo_fsm fsm = {
	.name = "proc_switch", .states = states, .num_states = ARRAY_SIZE(states), .log_subsys = DPROC,
	.event_names = proc_event_names,
};

static __attribute__((constructor)) void on_dso_load(void)
{
	OSMO_ASSERT(osmo_fsm_register(&fsm) == 0);
}

const struct proc_ops proc_switch_ops = {
	.fsm = &fsm, .begin = proc_switch_start, .resume = proc_switch_resume, .ask = ask,
};
