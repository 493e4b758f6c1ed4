/* DeleteProfile (ES4) and DeleteISDP (ES3), SGP.02 3.6 and 3.7. An enabled profile is disabled first (proc_switch.c
 * does both). Deleting is the same however often it is done: 6A88 says that it is.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>

#include "es_notify.h"
#include "proc.h"

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
	proc_state(p, PROC_COMMAND_ST_COMMAND);
}

static void command(struct proc *p)
{
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

static void answer(struct proc *p, const struct proc_card *c)
{
	if (proc_card_ok(c) || proc_card_sw(c, 0x6A88))
		gone(p);
	else
		proc_fail_card(p, c);
}

static void status(struct proc *p, bool there, const struct es5_isdp_info *i)
{
	if (!there) {
		gone(p);
		return;
	}
	proc_not_done(p);
	proc_state(p, PROC_COMMAND_ST_COMMAND);
}

static void resume(struct proc *p)
{
	if (p->row.sent)
		proc_state(p, PROC_COMMAND_ST_STATUS);
	else
		begin(p);
}

const struct proc_ops proc_delete_ops = { .fsm = &proc_command_fsm, .begin = begin, .resume = resume, .ask = ask, .send = command,
					 .answer = answer, .status = status, .unknown = unknown };
