/* Download: the ways out. One verdict, one answer to the requester, and what becomes of the ISD-P and of the
 * profile on stock (SGP.02 3.1.4, off-card.md 5.4, corrections 1 and 5).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <stdio.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/misc.h>

#include "proc_download_priv.h"

/* The one end: verdict to the requester, row closed, stock told where the profile is now. */
void proc_download_done(struct proc_download *p, enum stock_state stock)
{
	static const enum counter ctr[] = {
		[ES_EXECUTED_SUCCESS] = CTR_PROC_SUCCESS, [ES_EXECUTED_WITHWARNING] = CTR_PROC_WARNING,
		[ES_FAILED] = CTR_PROC_FAILED, [ES_EXPIRED] = CTR_PROC_EXPIRED,
	};
	struct stock_row s;

	if (p->row.status >= 0 && p->row.status < (int)ARRAY_SIZE(ctr))
		counter_inc(ctr[p->row.status]);
	proc_download_respond(p);
	p->row.finished = clock_now();
	smdp_db_dl_update(p->env->db, &p->row);
	stock_set(p->env->stock, p->row.iccid, stock, stock == STOCK_AVAILABLE ? "" : p->row.eid);
	if (stock_get(p->env->stock, p->row.iccid, &s) == 0)
		stock = s.state;	/* the reuse policy may have had a say */
	proc_download_note(p, LOGL_NOTICE, "ended %s, profile %s %s, %lld s", es_status_name(p->row.status),
			   p->row.iccid, stock_state_name(stock), (long long)(p->row.finished - p->row.started));
	osmo_fsm_inst_term(p->fi, OSMO_FSM_TERM_REGULAR, NULL);
}

/* The verdict stands. May there be an ISD-P? Then it goes first (3.1.4). */
static void give_up(struct proc_download *p, bool isdp)
{
	TALLOC_FREE(p->es8);
	if (isdp)
		proc_download_enter(p, ST(ROLLBACK));
	else
		proc_download_done(p, p->was_stuck ? STOCK_STUCK : STOCK_AVAILABLE);
}

static bool isdp_may_exist(const struct proc_download *p)
{
	return p->fi->state >= ST(CREATE);
}

void proc_download_fail(struct proc_download *p, enum es_reason reason, const char *message)
{
	proc_download_verdict(p, ES_FAILED, reason, message);
	give_up(p, isdp_may_exist(p));
}

/* EXPIRED is said at once (corrections 5), then the ISD-P goes. */
static void expired_verdict(struct proc_download *p)
{
	proc_download_respond(p);
	give_up(p, isdp_may_exist(p));
}

/* The validity period is over and nothing has come. */
void proc_download_expired(struct proc_download *p, const char *what)
{
	char text[160], tag[64];

	if (p->fi->state == ST(ENABLE)) { /* installed; whether it is enabled only the card knows (off-card.md 5.4) */
		snprintf(text, sizeof(text), "installed, but EnableProfile was not confirmed in time");
		proc_download_verdict(p, ES_EXECUTED_WITHWARNING, ES_R_EXPIRED, text);
		proc_download_done(p, STOCK_DOWNLOADED);
		return;
	}
	snprintf(text, sizeof(text), "validity period over during %s%s%.60s", proc_download_step_name(p->fi->state),
		 what ? ": " : "", what ?: "");
	proc_download_verdict(p, ES_EXPIRED, ES_R_EXPIRED, text);
	proc_download_tag(p, tag, sizeof(tag));
	es_call_cancel(p->env->link, tag);
	expired_verdict(p);
}

/* What every answer has in common: true when the function was carried out. Otherwise the way out has been taken. */
bool proc_download_answer_ok(struct proc_download *p, const struct proc_download_answer *a)
{
	const char *name = proc_download_step_name(p->fi->state);
	const struct es_result *res;
	char text[200];

	if (!a->msg) {
		if (!proc_download_left(p)) {
			proc_download_expired(p, a->why);
		} else {
			snprintf(text, sizeof(text), "%s: %.150s", name, a->why ? : "no answer from the SM-SR");
			proc_download_fail(p, ES_R_SMSR_UNREACHABLE, text);
		}
		return false;
	}
	talloc_free(p->response_data);
	p->response_data = a->msg->b.response_data ?
		bytes_dup(p->fi, a->msg->b.response_data->data, a->msg->b.response_data->len) : NULL;
	res = &a->msg->b.result;
	if (res->status == ES_EXECUTED_SUCCESS || res->status == ES_EXECUTED_WITHWARNING) {
		proc_download_note(p, LOGL_INFO, "%s answered: %s", name, es_status_name(res->status));
		return true;
	}
	proc_download_verdict_relay(p, res->status == ES_EXPIRED ? ES_EXPIRED : ES_FAILED, res, name);
	if (p->row.status == ES_EXPIRED) {
		expired_verdict(p);
		return false;
	}
	/* a CreateISDP that the SM-SR or the card refused has left nothing behind (off-card.md 6.3 step 9) */
	give_up(p, isdp_may_exist(p) && !(p->fi->state == ST(CREATE) && res->status == ES_FAILED));
	return false;
}
