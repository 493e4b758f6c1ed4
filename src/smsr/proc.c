/* Procedures: request, queue, lock, deadline, answer and end (design P2 to P4, corrections 1, 3, 5).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/select.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "proc.h"
#include "proc_priv.h"

#define OPEN_PAGE 128

const struct value_string proc_event_names[] = {
	OSMO_VALUE_STRING(PROC_EV_CARD), OSMO_VALUE_STRING(PROC_EV_NOTIF), OSMO_VALUE_STRING(PROC_EV_EXPIRED), {}
};

static const struct {
	const char *name;
	const struct proc_ops *ops;
} kinds[_PROC_KINDS] = {
	[PROC_ENABLE] = { "enable", &proc_switch_ops },
	[PROC_DISABLE] = { "disable", &proc_switch_ops },
	[PROC_DELETE] = { "delete", &proc_delete_ops },
	[PROC_CREATE_ISDP] = { "create-isdp", &proc_create_isdp_ops },
	[PROC_SEND_DATA] = { "send-data", &proc_send_data_ops },
	[PROC_AUDIT] = { "audit", &proc_audit_ops },
	[PROC_FALLBACK] = { "set-fallback", &proc_update_ops },
	[PROC_MASTER_DELETE] = { "master-delete", &proc_update_ops },
	[PROC_CONNECTIVITY] = { "update-connectivity", &proc_update_ops },
	[PROC_ADDRESSING] = { "update-addressing", &proc_update_ops },
	[PROC_EMERGENCY] = { "set-emergency", &proc_update_ops },
};

const char *proc_kind_name(enum proc_kind k)
{
	return (unsigned)k < _PROC_KINDS ? kinds[k].name : "?";
}

/* A profile that is enabled is disabled before it is deleted (off-card 6.7): all of that is proc_switch.c's work. */
static const struct proc_ops *choose_ops(const struct proc *p)
{
	const struct eis_profile *t = eis_by_iccid(p->e->eis, p->row.iccid);

	if (p->row.kind != PROC_DELETE)
		return kinds[p->row.kind].ops;
	if (p->row.step != PROC_STEP_NONE)	/* resumed */
		return p->row.step == PROC_STEP_DELETE ? &proc_delete_ops : &proc_switch_ops;
	return t && t->state == EIS_PS_ENABLED ? &proc_switch_ops : &proc_delete_ops;
}

const struct proc_ops *proc_ops(const struct proc *p)
{
	return p->ops;
}

struct policy_caller proc_caller(const struct proc *p)
{
	return (struct policy_caller){
		.id = p->row.requester, .iface = p->row.iface, .role = p->row.role, .grants = p->e->reg->grants,
	};
}

const struct es_body *proc_body(const struct proc *p)
{
	return p->req ? &es_req_msg(p->req)->b : NULL;
}

void proc_state(struct proc *p, uint32_t state)
{
	osmo_fsm_inst_state_chg(p->fi, state, 0, 0);	/* the deadline and the command's timeout are the timers */
}

void proc_say(struct proc *p, const char *operation, const char *outcome, const char *card)
{
	const struct smsr_audit a = {
		.who = p->row.requester, .proc_id = p->row.id, .procedure = proc_kind_name(p->row.kind),
		.operation = operation, .outcome = outcome, .card = card,
	};

	smsr_db_audit(p->e->reg->db, &p->e->eis->fix.eid, &a);
	if (p->e->reg->said)
		p->e->reg->said(p->e->reg->said_priv, p->row.req_id, operation, outcome);
}

static bool is_self(const struct proc *p)
{
	return !strcmp(p->row.requester, PROC_PARTY_SELF);
}

/* Memory only: the row stays as it is, and if no verdict was written the next start resumes it. */
static int proc_destructor(struct proc *p)
{
	osmo_timer_del(&p->deadline);
	osmo_timer_del(&p->retry);
	llist_del(&p->all);
	return 0;
}

static void proc_end(struct proc *p);

/* Certainly not begun: said so, and in time (off-card 5.3). */
static void deadline_cb(void *data)
{
	struct proc *p = data;

	if (p->fi) {
		osmo_fsm_inst_dispatch(p->fi, PROC_EV_EXPIRED, NULL);
		return;
	}
	proc_answer(p, ES_EXPIRED, ES_R_EXPIRED, "the eUICC was busy for the whole validity period");
	proc_end(p);
}

static void retry_cb(void *data)
{
	proc_send_again(data);
}

static struct proc *proc_new(struct euicc *e, const struct smsr_proc_row *row, struct es_req *req)
{
	struct proc *p = talloc_zero(e, struct proc);
	int64_t left = row->deadline - clock_now();

	OSMO_ASSERT(p);
	p->e = e;
	p->row = *row;
	p->req = req;
	snprintf(p->name, sizeof(p->name), "%s#%" PRId64, proc_kind_name(row->kind), row->id);
	osmo_timer_setup(&p->deadline, deadline_cb, p);
	osmo_timer_setup(&p->retry, retry_cb, p);
	osmo_timer_schedule(&p->deadline, OSMO_MAX(left, 0), 0);
	llist_add_tail(&p->all, &e->reg->procs);
	talloc_set_destructor(p, proc_destructor);
	return p;
}

static void enqueue(struct proc *p, bool first)
{
	if (first)
		llist_add(&p->entry, &p->e->queue);
	else
		llist_add_tail(&p->entry, &p->e->queue);
	p->e->queue_len++;
}

static void dequeue(struct proc *p)
{
	llist_del(&p->entry);
	p->e->queue_len--;
}

int64_t proc_request(struct euicc *e, const struct proc_want *w)
{
	struct smsr_proc_row row = {
		.eid = e->eis->fix.eid, .kind = w->kind, .role = w->role, .iface = w->iface,
		.req_id = w->req ? es_req_id(w->req) : 0, .state = SMSR_PROC_QUEUED,
		.started = clock_now(), .deadline = w->deadline,
	};
	struct proc *p;
	int64_t id;
	bool self = !strcmp(w->requester, PROC_PARTY_SELF);

	OSMO_STRLCPY_ARRAY(row.requester, w->requester);
	OSMO_STRLCPY_ARRAY(row.iccid, w->iccid);
	if ((e->queue_len >= EUICC_QUEUE_MAX && !self) || smsr_db_proc_insert(e->reg->db, &row) < 0) {
		LOGP(DPROC, LOGL_NOTICE, "%s EID-%s: asked by %s: refused, %u are waiting\n", proc_kind_name(w->kind),
		     e->eis->eid_str, w->requester, e->queue_len);
		if (w->req)
			es_req_respond_err(w->req, ES_R_BUSY, e->eis->eid_str, "too many requests wait for this eUICC");
		return -EBUSY;
	}
	p = proc_new(e, &row, w->req);
	if (w->data)
		p->data = bytes_dup(p, w->data->data, w->data->len);
	id = row.id;
	LOG_PROC(p, LOGL_NOTICE, "asked by %s%s%s\n", row.requester, row.iccid[0] ? ", profile " : "", row.iccid);
	proc_say(p, "asked", NULL, NULL);
	counter_inc(CTR_PROC_STARTED);
	enqueue(p, self);
	if (e->active || p->entry.prev != &e->queue)
		LOG_PROC(p, LOGL_INFO, "waits for its turn\n");
	/* a request is a good moment to find out what is due */
	if (e->eis->audit_due && !e->eis->uncertain)
		osmo_timer_del(&e->audit_timer);
	proc_wake(e);
	return id;
}

static bool may_go(struct proc *p)
{
	struct euicc *e = p->e;

	if (is_self(p))
		return true;
	if (p->row.kind == PROC_AUDIT && euicc_uncertain_within(e, EUICC_T_ROLLBACK))
		return false;	/* what the card says now may prove nothing (corrections 5) */
	if (!euicc_hold_admits(e, p->row.requester, p->row.iface, p->row.iccid))
		return false;
	/* nothing is decided on a record that is known to be uncertain */
	return !e->eis->audit_due || p->row.kind == PROC_AUDIT || p->row.kind == PROC_SEND_DATA;
}

static int fsm_start(struct proc *p)
{
	char id[32];

	p->ops = choose_ops(p);
	snprintf(id, sizeof(id), "%" PRId64, p->row.id);
	p->fi = osmo_fsm_inst_alloc(proc_ops(p)->fsm, p->e->reg, p, LOGL_DEBUG, id);
	return p->fi ? 0 : -ENOMEM;
}

static void activate(struct proc *p)
{
	dequeue(p);
	p->row.state = SMSR_PROC_ACTIVE;
	if (euicc_lock(p->e, p) < 0 || smsr_db_proc_update(p->e->reg->db, &p->row) < 0 || fsm_start(p) < 0) {
		proc_fail(p, ES_R_INTERNAL, "the procedure could not be started");
		return;
	}
	proc_ops(p)->begin(p);
}

static void kick(struct euicc *e)
{
	struct proc *p;
	bool found = true;

	while (!e->active && found) {
		found = false;
		llist_for_each_entry(p, &e->queue, entry) {
			if (!may_go(p))
				continue;
			found = true;
			activate(p);
			break;	/* the list may be another one now */
		}
	}
}

static bool audit_under_way(struct euicc *e)
{
	struct proc *p;

	if (e->active && e->active->row.kind == PROC_AUDIT)
		return true;
	llist_for_each_entry(p, &e->queue, entry)
		if (is_self(p))
			return true;
	return false;
}

void proc_wake(struct euicc *e)
{
	if (euicc_audit_ready(e) && !euicc_uncertain_within(e, EUICC_T_GRACE) && !audit_under_way(e)) {
		const struct proc_want w = {
			.kind = PROC_AUDIT, .requester = PROC_PARTY_SELF, .iface = ES4, .iccid = "",
			.deadline = clock_now() + euicc_t(EUICC_T_AUDIT),
		};

		proc_request(e, &w);	/* comes back here, and then it is under way */
		return;
	}
	euicc_audit_arm(e);
	kick(e);
}

bool proc_notif(struct euicc *e, const struct notif *n)
{
	struct proc_notif pn = { .n = n };

	if (!e->active || !e->active->fi ||
	    !(e->active->fi->fsm->states[e->active->fi->state].in_event_mask & (1 << PROC_EV_NOTIF)))
		return false;
	if (osmo_fsm_inst_dispatch(e->active->fi, PROC_EV_NOTIF, &pn) < 0)
		return false;
	return pn.taken;
}

static void verdict(struct proc *p, char *out, size_t size, enum es_status status, enum es_reason reason)
{
	struct es_msg *m = es_msg_new(OTC_SELECT, ES4, ES_FN_ENABLE_PROFILE, ES_RESPONSE);

	if (m)
		es_result_set(m, status, reason, NULL, NULL);
	if (!m || status == ES_EXECUTED_SUCCESS)
		snprintf(out, size, "%s", es_status_name(status));
	else
		snprintf(out, size, "%s %s/%s", es_status_name(status), m->b.result.subject, m->b.result.reason);
	talloc_free(m);
}

void proc_answer(struct proc *p, enum es_status status, enum es_reason reason, const char *message)
{
	static const enum counter ctr[] = {
		[ES_EXECUTED_SUCCESS] = CTR_PROC_SUCCESS, [ES_EXECUTED_WITHWARNING] = CTR_PROC_WARNING,
		[ES_FAILED] = CTR_PROC_FAILED, [ES_EXPIRED] = CTR_PROC_EXPIRED,
	};
	const char *subject = p->row.iccid[0] ? p->row.iccid : p->e->eis->eid_str;
	struct es_msg *resp;

	if (p->answered)
		return;
	p->answered = true;
	counter_inc(ctr[status]);
	verdict(p, p->row.outcome, sizeof(p->row.outcome), status, reason);
	LOG_PROC(p, LOGL_NOTICE, "%s%s%s\n", p->row.outcome, message ? ": " : "", message ? message : "");
	proc_say(p, "answered", p->row.outcome, NULL);
	if (!p->req)
		return;
	resp = es_req_response(p->req, status, reason, status == ES_EXECUTED_SUCCESS ? NULL : subject, message);
	if (p->resp && p->resp->len)
		resp->b.response_data = bytes_dup(resp, p->resp->data, p->resp->len);
	if (proc_ops(p) && proc_ops(p)->fill)
		proc_ops(p)->fill(p, resp);
	es_req_respond(p->req, resp);
	p->req = NULL;	/* answered */
}

/* Row, lock, memory; then who waits may go on. */
static void proc_end(struct proc *p)
{
	struct euicc *e = p->e;
	struct osmo_fsm_inst *fi = p->fi;
	bool waiting = p->row.state == SMSR_PROC_QUEUED;

	if (waiting)
		dequeue(p);
	p->row.state = SMSR_PROC_ENDED;
	smsr_db_proc_update(e->reg->db, &p->row);
	if (e->reg->cards)
		card_session_forget(e->reg->cards, &e->eis->fix.eid, p);
	euicc_unlock(e, p);
	if (!waiting && !e->held && llist_empty(&e->queue) && e->reg->cards)
		card_session_release(e->reg->cards, &e->eis->fix.eid);
	osmo_timer_del(&p->deadline);
	osmo_timer_del(&p->retry);
	p->fi = NULL;
	if (fi)
		osmo_fsm_inst_term(fi, OSMO_FSM_TERM_REGULAR, NULL);
	talloc_set_destructor(p, NULL);
	llist_del(&p->all);
	talloc_steal(OTC_SELECT, p);	/* callers up the stack may still look at it */
	proc_wake(e);
}

void proc_done(struct proc *p)
{
	proc_answer(p, ES_EXECUTED_SUCCESS, ES_R_NONE, NULL);
	proc_end(p);
}

void proc_warn(struct proc *p, enum es_reason reason, const char *message)
{
	proc_answer(p, ES_EXECUTED_WITHWARNING, reason, message);
	proc_end(p);
}

void proc_fail(struct proc *p, enum es_reason reason, const char *message)
{
	proc_answer(p, ES_FAILED, reason, message ? message : es_reason_text(reason));
	proc_end(p);
}

void proc_expire(struct proc *p)
{
	proc_answer(p, ES_EXPIRED, p->row.acked ? ES_R_EXPIRED_NO_RESPONSE : ES_R_EXPIRED,
		    p->row.sent ? "state of the card unknown until audited" : "the card was not reached");
	proc_end(p);
}

void proc_load_open(struct euiccs *reg)
{
	struct smsr_proc_row *rows = talloc_array(reg, struct smsr_proc_row, OPEN_PAGE);
	int64_t after = 0;
	size_t n;

	OSMO_ASSERT(rows);
	while ((n = smsr_db_proc_open(reg->db, rows, OPEN_PAGE, after)) > 0) {
		for (size_t i = 0; i < n; i++) {
			struct euicc *e = euicc_get(reg, &rows[i].eid);
			struct proc *p;

			after = rows[i].id;
			if (!e || rows[i].kind < 0 || rows[i].kind >= _PROC_KINDS)
				continue;
			p = proc_new(e, &rows[i], NULL);
			p->resumed = true;
			if (rows[i].state != SMSR_PROC_ACTIVE || euicc_lock(e, p) < 0)	/* unique in the database */
				enqueue(p, false);
		}
	}
	talloc_free(rows);
}

bool proc_attach(struct euiccs *reg, struct es_req *req)
{
	struct proc *p;

	llist_for_each_entry(p, &reg->procs, all) {
		if (p->row.req_id != es_req_id(req) || p->req || !p->resumed)
			continue;
		p->req = req;
		return true;
	}
	return false;
}

/* Its request was answered before the restart: there is nobody to tell, but the record must become true. */
static void resume_orphan(struct proc *p)
{
	LOG_PROC(p, LOGL_NOTICE, "answered before the restart, %s\n", p->row.sent ? "audit due" : "nothing was sent");
	p->answered = true;
	if (p->row.sent && (p->row.kind == PROC_ENABLE || p->row.kind == PROC_DISABLE))
		eis_uncertain(p->e->eis, &p->row.aid);
	else if (p->row.sent)
		eis_want_audit(p->e->eis);
	proc_end(p);
}

static void resume_one(struct proc *p)
{
	p->resumed = false;
	if ((p->row.req_id && !p->req) || p->row.outcome[0]) {	/* the verdict is written already */
		resume_orphan(p);
		return;
	}
	if (p->row.state != SMSR_PROC_ACTIVE)
		return;
	LOG_PROC(p, LOGL_NOTICE, "goes on after a restart, %s\n",
		 p->row.sent ? "its command had left" : "nothing was sent");
	if (fsm_start(p) < 0)
		proc_fail(p, ES_R_INTERNAL, "the procedure could not be resumed");
	else
		proc_ops(p)->resume(p);
}

void proc_shutdown(struct euiccs *reg)
{
	struct proc *p, *tmp;

	llist_for_each_entry_safe(p, tmp, &reg->procs, all) {
		if (p->fi)
			osmo_fsm_inst_free(p->fi);
		euicc_unlock(p->e, p);
		if (p->row.state == SMSR_PROC_QUEUED)
			dequeue(p);
		talloc_free(p);
	}
}

void proc_resume_all(struct euiccs *reg)
{
	struct eid due[OPEN_PAGE];
	struct proc *p;
	bool found;
	size_t n;

	do {	/* each may end and take others with it: from the start again */
		found = false;
		llist_for_each_entry(p, &reg->procs, all) {
			if (!p->resumed)
				continue;
			found = true;
			resume_one(p);
			break;
		}
	} while (found);
	for (unsigned i = 0; i < EUICC_BUCKETS; i++) {
		struct euicc *e;

		llist_for_each_entry(e, &reg->bucket[i], entry)
			proc_wake(e);
	}
	n = smsr_db_eids_audit_due(reg->db, due, ARRAY_SIZE(due));
	for (size_t i = 0; i < n; i++)
		euicc_get(reg, &due[i]);	/* arms its audit */
}
