/* DeleteProfile (ES4) and DeleteISDP (ES3), SGP.02 3.6 and 3.7. An enabled profile is disabled first (proc_switch.c
 * does both). Deleting is the same however often it is done: 6A88 says that it is.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>

#include "es_notify.h"
#include "proc.h"

enum proc_delete_state { PROC_DELETE_ST_INIT, PROC_DELETE_ST_COMMAND, PROC_DELETE_ST_STATUS };

static enum es_reason ask(struct proc *p)
{
	const struct policy_caller caller = proc_caller(p);

	return policy_ask(p->e->eis, eis_by_iccid(p->e->eis, p->row.iccid), POLICY_DELETE, &caller, 0);
}

static void begin(struct proc *p)
{
	enum es_reason r = ask(p);

	if (r) {
		proc_fail(p, r, NULL);
		return;
	}
	p->row.aid = eis_by_iccid(p->e->eis, p->row.iccid)->i.isdp_aid;
	proc_state(p, PROC_DELETE_ST_COMMAND);
}

static void command_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc *p = fi->priv;
	const struct proc_cmd cmd = {.what = "DeleteProfile", .step = PROC_STEP_DELETE, .changes = true, .keep = true};
	struct bytes *script = bytes_new(p, 0);

	es5_delete_enc(script, &p->row.aid);
	proc_send(p, &cmd, script);
}

static void end_hold(struct proc *p)
{
	if (p->e->held && euicc_hold_admits(p->e, p->row.requester, p->row.iface, p->row.iccid))
		euicc_hold_end(p->e);
}

static void gone(struct proc *p)
{
	struct eis_profile *t = eis_by_aid(p->e->eis, &p->row.aid);

	if (t) {
		if (t->state >= EIS_PS_DISABLED)	/* an ISD-P without profile concerns its SM-DP alone */
			es_notify(p->e->reg, p->e->eis, t, ES_FN_HANDLE_DELETED, p->row.requester);
		eis_profile_removed(p->e->eis, t);
	}
	end_hold(p);
	proc_done(p);
}

static void unknown(struct proc *p)
{
	if (p->row.sent)
		eis_want_audit(p->e->eis);
	proc_expire(p);
}

static void command(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc *p = fi->priv;
	const struct proc_card *c = data;

	if (event == PROC_EV_EXPIRED)
		unknown(p);
	else if (c->outcome == CARD_NO_ANSWER || (c->outcome == CARD_OK && !c->has_rsp))
		proc_state(p, PROC_DELETE_ST_STATUS);
	else if (proc_card_ok(c) || proc_card_sw(c, 0x6A88))
		gone(p);
	else
		proc_fail_card(p, c);
}

static void status_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc *p = fi->priv;

	proc_ask_status(p, &p->row.aid);
}

/* The truth, when the answer was lost. A command still on its way has an older counter, or belongs to a session that is
 * over, and is refused by the card: it may be sent again. */
static void status(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc *p = fi->priv;
	struct es5_isdp_info i;
	int rc = event == PROC_EV_CARD ? proc_status_answer(data, &i) : -1;

	if (rc == 0) {
		gone(p);
	} else if (rc == 1) {
		proc_not_done(p);
		proc_state(p, PROC_DELETE_ST_COMMAND);
	} else if (event == PROC_EV_CARD && proc_unheard(data)) {
		proc_ask_later(p);
	} else {
		unknown(p);
	}
}

#define S(x) (1 << (x))

static const struct osmo_fsm_state states[] = {
	[PROC_DELETE_ST_INIT] = {
		.name = "INIT", .out_state_mask = S(PROC_DELETE_ST_COMMAND) | S(PROC_DELETE_ST_STATUS),
	},
	[PROC_DELETE_ST_COMMAND] = {
		.name = "COMMAND", .in_event_mask = S(PROC_EV_CARD) | S(PROC_EV_EXPIRED),
		.onenter = command_onenter, .action = command, .out_state_mask = S(PROC_DELETE_ST_STATUS),
	},
	[PROC_DELETE_ST_STATUS] = {
		.name = "STATUS", .in_event_mask = S(PROC_EV_CARD) | S(PROC_EV_EXPIRED),
		.onenter = status_onenter, .action = status, .out_state_mask = S(PROC_DELETE_ST_COMMAND),
	},
};

static struct osmo_fsm fsm = {
	.name = "proc_delete", .states = states, .num_states = ARRAY_SIZE(states), .log_subsys = DPROC,
	.event_names = proc_event_names,
};

static __attribute__((constructor)) void on_dso_load(void)
{
	OSMO_ASSERT(osmo_fsm_register(&fsm) == 0);
}

static void resume(struct proc *p)
{
	if (p->row.sent)
		proc_state(p, PROC_DELETE_ST_STATUS);
	else
		begin(p);
}

const struct proc_ops proc_delete_ops = { .fsm = &fsm, .begin = begin, .resume = resume, .ask = ask };
