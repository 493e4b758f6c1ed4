/* CreateISDP (SGP.02 3.1.1, off-card 6.3 steps 6 to 10): the entry is made In-Creation before the command leaves, and
 * is Created or gone by what the card says. Without an answer the card is asked what it has, and told again if it has
 * nothing (P3). It begins the hold of a download (corrections 2).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>

#include "proc.h"

static struct eis_profile *entry(struct proc *p)
{
	return eis_by_aid(p->e->eis, &p->row.aid);
}

static void drop_entry(struct proc *p)
{
	struct eis_profile *t = entry(p);

	if (t && t->state == EIS_PS_IN_CREATION)
		eis_profile_removed(p->e->eis, t);
}

static void begin(struct proc *p)
{
	const struct policy_caller caller = proc_caller(p);
	const struct es_body *b = proc_body(p);
	struct eis_profile *t = eis_by_iccid(p->e->eis, p->row.iccid);
	enum es_reason r =
		b ? policy_ask(p->e->eis, t, POLICY_CREATE_ISDP, &caller, b->required_memory) : ES_R_INTERNAL;

	if (!r && eis_isdp_reserve(p->e->eis, &t, p->row.iccid, b->mno_id, p->row.requester, b->required_memory) < 0)
		r = ES_R_NO_MEMORY;
	if (r) {
		proc_fail(p, r, NULL);
		return;
	}
	p->row.aid = t->i.isdp_aid;
	smsr_db_proc_update(p->e->reg->db, &p->row);
	euicc_hold(p->e, p->row.requester, p->row.iccid);
	proc_state(p, PROC_COMMAND_ST_COMMAND);
}

static void command(struct proc *p)
{
	const struct es_body *b = proc_body(p);
	const struct proc_cmd cmd = {
		.what = "CreateISDP",
		.step = PROC_STEP_COMMAND,
		.changes = true,
		.keep = true,
		.more = b && b->more_to_do,
	};
	struct bytes *script = bytes_new(p, 0);

	es5_create_isdp_enc(script, &p->row.aid, b ? b->required_memory : 0);
	proc_send(p, &cmd, script);
}

static void created(struct proc *p)
{
	const struct es_body *b = proc_body(p);
	struct eis_profile *t = entry(p);

	if (t)
		eis_isdp_created(p->e->eis, t);
	if (b && b->more_to_do)
		euicc_hold(p->e, p->row.requester, p->row.iccid);
	else
		euicc_hold_end(p->e);
	proc_done(p);
}

/* Nobody knows whether there is one: the entry stays hidden until an audit has seen the card. */
static void unknown(struct proc *p)
{
	if (p->row.sent)
		eis_want_audit(p->e->eis);
	else
		drop_entry(p);
	euicc_hold_end(p->e);
	proc_expire(p);
}

static void refused(struct proc *p)
{
	drop_entry(p);
	euicc_hold_end(p->e);
}

static void answer(struct proc *p, const struct proc_card *c)
{
	if (proc_card_ok(c)) {
		created(p);
	} else if (p->again) {	/* refused because the first one has done its work after all? */
		p->refused_again = true;
		proc_state(p, PROC_COMMAND_ST_STATUS);
	} else {
		refused(p);
		proc_fail_card(p, c);
	}
}

static void status(struct proc *p, bool there, const struct es5_isdp_info *i)
{
	if (there) {
		created(p);
	} else if (proc_body(p) && !p->refused_again) {
		proc_not_done(p);
		proc_state(p, PROC_COMMAND_ST_COMMAND);
	} else {
		refused(p);
		proc_fail(p, ES_R_CARD_ERROR, "the card has not created it");
	}
}

static void fill(struct proc *p, struct es_msg *resp)
{
	if (resp->b.result.status == ES_EXECUTED_SUCCESS)
		resp->b.isdp_aid = p->row.aid;
}

static void resume(struct proc *p)
{
	if (p->row.sent) {
		proc_state(p, PROC_COMMAND_ST_STATUS);
		return;
	}
	drop_entry(p);
	begin(p);
}

const struct proc_ops proc_create_isdp_ops = { .fsm = &proc_command_fsm, .begin = begin, .resume = resume, .fill = fill,
					      .send = command, .answer = answer, .status = status, .unknown = unknown };
