/* What procedures of one command have in common: it is sent; when its answer is lost the card is asked what it has, because
 * neither success nor failure may be guessed (P3). What follows from either is the kind's.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>

#include "proc_priv.h"

static void command_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc *p = fi->priv;

	proc_ops(p)->send(p);
}

static void command(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc *p = fi->priv;
	const struct proc_card *c = data;

	if (event == PROC_EV_EXPIRED)
		proc_ops(p)->unknown(p);
	else if (c->outcome != CARD_NO_ANSWER && (c->outcome != CARD_OK || c->has_rsp))
		proc_ops(p)->answer(p, c);
	else if (proc_ops(p)->silence)
		proc_ops(p)->silence(p);
	else
		proc_state(p, PROC_COMMAND_ST_STATUS);
}

static void status_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc *p = fi->priv;

	proc_ask_status(p, &p->row.aid);
}

/* A command still on its way has an older counter, or belongs to a session that is over, and is refused by the card: what
 * it says now stays true, and the command may be sent again. */
static void status(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc *p = fi->priv;
	struct es5_isdp_info i = {};
	int rc = event == PROC_EV_CARD ? proc_status_answer(data, &i) : -1;

	if (rc >= 0)
		proc_ops(p)->status(p, rc == 1, &i);
	else if (event == PROC_EV_CARD && proc_unheard(data))
		proc_ask_later(p);
	else
		proc_ops(p)->unknown(p);
}

#define S(x) (1 << (x))

static const struct osmo_fsm_state states[] = {
	[PROC_COMMAND_ST_INIT] = {
		.name = "INIT", .out_state_mask = S(PROC_COMMAND_ST_COMMAND) | S(PROC_COMMAND_ST_STATUS),
	},
	[PROC_COMMAND_ST_COMMAND] = {
		.name = "COMMAND", .in_event_mask = S(PROC_EV_CARD) | S(PROC_EV_EXPIRED),
		.onenter = command_onenter, .action = command, .out_state_mask = S(PROC_COMMAND_ST_STATUS),
	},
	[PROC_COMMAND_ST_STATUS] = {
		.name = "STATUS", .in_event_mask = S(PROC_EV_CARD) | S(PROC_EV_EXPIRED),
		.onenter = status_onenter, .action = status, .out_state_mask = S(PROC_COMMAND_ST_COMMAND),
	},
};

struct osmo_fsm proc_command_fsm = {
	.name = "proc_command", .states = states, .num_states = ARRAY_SIZE(states), .log_subsys = DPROC,
	.event_names = proc_event_names,
};

static __attribute__((constructor)) void on_dso_load(void)
{
	OSMO_ASSERT(osmo_fsm_register(&proc_command_fsm) == 0);
}
