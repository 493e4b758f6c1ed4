/* Download: how one begins, is taken up again after a restart, and gets its answers (off-card.md 6.3 steps 1, 2).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/misc.h>

#include "proc_download_priv.h"

static struct proc_download *proc_download_find(struct proc_download_env *env, int64_t id, int64_t req)
{
	struct proc_download *p;

	llist_for_each_entry(p, &env->downloads, entry)
		if (p->row.id == id || p->row.req == req)
			return p;
	return NULL;
}

/* Step 2: what can be said without the SM-SR. */
static enum es_reason proc_download_check(struct proc_download_env *env, const struct es_msg *m,
					  const struct es_party *party, struct dl_row *row)
{
	struct es_party *smsr = es_party_find(env->link, m->b.smsr_id);

	if (!m->b.has_eid || (!m->b.iccid[0] && !m->b.profile_type[0]))
		return ES_R_PARAM_MISSING;
	if (!smsr || smsr->role != ES_ROLE_SMSR || !smsr->url)
		return ES_R_SMSR_UNKNOWN;
	eid_str(row->eid, &m->b.eid);
	switch (stock_choose(env->stock, party->id, row->eid, m->b.profile_type, row->iccid)) {
	case 0:
		return ES_R_NONE;
	case -ENOENT:
		return ES_R_ICCID_UNKNOWN;
	case -EACCES:
		return ES_R_ICCID_NOT_ALLOWED;
	case -EBUSY:
		return ES_R_ICCID_IN_USE;
	case -ESRCH:
		return ES_R_PROFILE_TYPE_UNKNOWN;
	case -ENODATA:
		return ES_R_NO_PROFILE_LEFT;
	default:
		return ES_R_INTERNAL;
	}
}

void proc_download_start(struct proc_download_env *env, struct es_req *req)
{
	const struct es_msg *m = es_req_msg(req);
	const struct es_party *party = es_req_party(req);
	struct dl_row row = {
		.req = es_req_id(req),
		.enable = m->b.enable_profile,
		.by_type = !m->b.iccid[0],
		.deadline = es_req_deadline(req),
		.started = clock_now(),
		.status = -1,
	};
	struct proc_download *p;
	struct stock_row s;
	enum es_reason reason;
	unsigned hold_s;

	OSMO_STRLCPY_ARRAY(row.iccid, m->b.iccid);
	OSMO_STRLCPY_ARRAY(row.smsr, m->b.smsr_id);
	OSMO_STRLCPY_ARRAY(row.mno, party->id);
	OSMO_STRLCPY_ARRAY(row.fcid, m->b.fcid ? : "download");
	OSMO_STRLCPY_ARRAY(row.type, m->b.profile_type);
	reason = proc_download_check(env, m, party, &row);
	if (reason == ES_R_NONE) {
		row.id = smdp_db_dl_add(env->db, &row);
		if (row.id < 0)
			reason = row.id == -EEXIST ? ES_R_BUSY : ES_R_INTERNAL;
	}
	if (reason != ES_R_NONE) {
		LOGP(DPROC, LOGL_NOTICE, "DownloadProfile of %s for EID %s refused: %s\n", party->id, row.eid,
		     es_reason_text(reason));
		es_req_respond_err(req, reason, row.iccid[0] ? row.iccid : row.eid, NULL);
		return;
	}
	counter_inc(CTR_PROC_STARTED);
	p = proc_download_new(env, &row);
	p->was_stuck = stock_get(env->stock, row.iccid, &s) == 0 && s.state == STOCK_STUCK;
	stock_set(env->stock, row.iccid, STOCK_RESERVED, row.eid);
	proc_download_note(p, LOGL_NOTICE, "ES2.DownloadProfile accepted from %s: ICCID %s%s, %lld s", row.mno,
			   row.iccid, row.enable ? ", to be enabled" : "", (long long)proc_download_left(p));
	hold_s = env->hold ? env->hold(env->hold_priv, row.iccid) : 0;
	if (hold_s) {
		proc_download_note(p, LOGL_INFO, "waiting until OsmoHLR knows the subscriber");
		osmo_timer_schedule(&p->fi->timer, OSMO_MIN(hold_s, OSMO_MAX(proc_download_left(p), 1)), 0);
	} else {
		proc_download_enter(p, ST(EIS));
	}
}

void proc_download_go(struct proc_download_env *env, const char *iccid)
{
	struct proc_download *p, *tmp;

	llist_for_each_entry_safe(p, tmp, &env->downloads, entry)
		if (p->fi->state == ST(INIT) && !strcmp(p->row.iccid, iccid))
			proc_download_enter(p, ST(EIS));
}

bool proc_download_knows(struct proc_download_env *env, const struct es_req *req)
{
	return proc_download_find(env, -1, es_req_id(req)) != NULL;
}

static void proc_download_resume_one(void *data, const struct dl_row *row)
{
	struct proc_download_env *env = data;

	proc_download_new(env, row);	/* its state is entered when the table is no longer being read */
}

void proc_download_resume(struct proc_download_env *env)
{
	struct proc_download *p, *tmp;

	smdp_db_dl_walk(env->db, true, -1, proc_download_resume_one, env);
	llist_for_each_entry_safe(p, tmp, &env->downloads, entry) {
		p->resumed = true;
		p->stale = p->row.step >= ST(CREATE) && p->row.step <= ST(DATA);
		if (p->row.step == ST(INIT))
			p->resumed = false;
		proc_download_enter(p, p->row.step == ST(INIT) ? ST(EIS) : p->row.step);
	}
}

void proc_download_response(struct proc_download_env *env, const char *tag, const struct es_msg *msg, const char *why)
{
	struct proc_download_answer a = { msg, why };
	struct proc_download *p;
	long long id, seq;

	if (sscanf(tag, "dl:%lld:%lld", &id, &seq) != 2)
		return;
	p = proc_download_find(env, id, -1);
	if (!p || p->row.seq != seq) {
		LOGP(DPROC, LOGL_INFO, "answer to %s comes late, nobody waits for it\n", tag);
		return;
	}
	osmo_fsm_inst_dispatch(p->fi, PROC_DOWNLOAD_EV_ANSWER, &a);
}

void proc_download_stop(struct proc_download_env *env)
{
	struct proc_download *p, *tmp;

	llist_for_each_entry_safe(p, tmp, &env->downloads, entry)
		osmo_fsm_inst_term(p->fi, OSMO_FSM_TERM_REQUEST, NULL);
}
