/* Audit (SGP.02 4.1.1.5, off-card 6.10): asks the card for its memory and for every ISD-P, and mends the record. For
 * AuditEIS of ES3 and ES4, and for the SM-SR itself when a procedure ended without the card's word.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/logging.h>

#include "es_notify.h"
#include "proc.h"

enum proc_audit_state { PROC_AUDIT_ST_INIT, PROC_AUDIT_ST_MEMORY, PROC_AUDIT_ST_STATUS };

#define SEEN_MAX	EIS_PROFILES_MAX
#define SW_MORE_DATA	0x6310

struct proc_audit {
	struct es5_isdp_info seen[SEEN_MAX];
	unsigned n, blocks;
};

static enum es_reason ask_policy(struct proc *p)
{
	const struct policy_caller caller = proc_caller(p);
	const struct es_body *b = proc_body(p);

	if (!b)	/* ourselves or the VTY */
		return ES_R_NONE;
	for (size_t i = 0; i < b->n_iccids; i++) {
		enum es_reason r =
			policy_ask(p->e->eis, eis_by_iccid(p->e->eis, b->iccids[i]), POLICY_AUDIT, &caller, 0);

		if (r)
			return r;
	}
	return policy_may_any(p->e->eis, &caller, ES_FN_AUDIT_EIS) ? ES_R_NONE : ES_R_EUICC_NOT_ALLOWED;
}

static void begin(struct proc *p)
{
	enum es_reason r = ask_policy(p);

	if (r) {
		proc_fail(p, r, NULL);
		return;
	}
	p->priv = talloc_zero(p, struct proc_audit);
	OSMO_ASSERT(p->priv);
	proc_state(p, PROC_AUDIT_ST_MEMORY);
}

static void memory_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc *p = fi->priv;
	const struct proc_cmd cmd = { .what = "GET DATA (memory)", .step = PROC_STEP_COMMAND, .more = true };
	struct bytes *script = bytes_new(p, 0);

	es5_get_memory_enc(script);
	proc_send(p, &cmd, script);
}

static void no_answer(struct proc *p, const struct proc_card *c)
{
	if (p->e->eis->audit_due)
		euicc_audit_failed(p->e);
	if (c && c->outcome == CARD_REJECTED)
		proc_fail_card(p, c);
	else
		proc_expire(p);
}

static void memory(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc *p = fi->priv;
	const struct proc_card *c = data;
	struct es5_memory m;

	if (event == PROC_EV_EXPIRED || c->outcome != CARD_OK) {
		no_answer(p, event == PROC_EV_EXPIRED ? NULL : c);
		return;
	}
	if (proc_card_ok(c) && es5_memory_rsp_dec(&m, c->rsp.data, c->rsp.len) == 0)
		eis_memory(p->e->eis, m.free_nvm, m.free_nvm);
	proc_state(p, PROC_AUDIT_ST_STATUS);	/* a card without FF21 still has a GET STATUS */
}

static void status_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc *p = fi->priv;
	struct proc_audit *a = p->priv;
	const struct proc_cmd cmd = { .what = "GET STATUS", .step = PROC_STEP_COMMAND, .keep = true };
	struct bytes *script = bytes_new(p, 0);

	es5_get_status_enc(script, NULL, a->blocks > 0);
	proc_send(p, &cmd, script);
}

static const struct es5_isdp_info *seen_of(const struct proc_audit *a, const struct aid *aid)
{
	for (unsigned i = 0; i < a->n; i++)
		if (aid_eq(&a->seen[i].aid, aid))
			return &a->seen[i];
	return NULL;
}

/* 1F and the record says Created: the profile is on the card, but ProfileDownloadCompleted has yet to come. */
static enum eis_pstate state_of(const struct eis_profile *p, uint8_t state)
{
	if (state == ES5_STATE_ENABLED)
		return EIS_PS_ENABLED;
	if (state == ES5_STATE_DISABLED && p->state >= EIS_PS_DISABLED)
		return EIS_PS_DISABLED;
	return EIS_PS_CREATED;
}

/* An attribute is where the card has it; the record had it elsewhere. */
static void mend_attribute(struct proc *p, struct eis_profile *t, bool has, const char *name, enum es_func set,
			   enum es_func unset)
{
	char what[48];

	snprintf(what, sizeof(what), "%s the %s attribute", has ? "has" : "has not", name);
	LOG_PROC(p, LOGL_NOTICE, "profile %s %s\n", t->i.iccid, what);
	proc_say(p, "audit", what, t->i.iccid);
	counter_inc(CTR_ALARM_DRIFT);
	es_notify(p->e->reg, p->e->eis, t, has ? set : unset, NULL);
}

static void mend_attributes(struct proc *p, struct eis_profile *t, const struct es5_isdp_info *i)
{
	if (!i->has_attr)
		return;
	if (i->fallback != t->i.fallback)
		mend_attribute(p, t, i->fallback, "fall-back", ES_FN_HANDLE_FALLBACK_SET, ES_FN_HANDLE_FALLBACK_UNSET);
	if (i->emergency != t->emergency)
		mend_attribute(p, t, i->emergency, "emergency", ES_FN_HANDLE_EMERGENCY_SET, ES_FN_HANDLE_EMERGENCY_UNSET);
}

static void mend_one(struct proc *p, struct eis_profile *t, const struct es5_isdp_info *i)
{
	struct euicc *e = p->e;
	enum eis_pstate want, was = t->state;

	if (!i) {
		LOG_PROC(p, LOGL_NOTICE, "profile %s is not on the card\n", t->i.iccid);
		proc_say(p, "audit", "not on the card", t->i.iccid);
		counter_inc(CTR_ALARM_DRIFT);
		if (was >= EIS_PS_DISABLED)
			es_notify(e->reg, e->eis, t, ES_FN_HANDLE_DELETED, NULL);
		eis_profile_removed(e->eis, t);
		return;
	}
	want = state_of(t, i->state);
	mend_attributes(p, t, i);
	if (was != want) {
		proc_say(p, "audit", eis_pstate_name(want), t->i.iccid);
		counter_inc(CTR_ALARM_DRIFT);
	}
	eis_profile_seen(e->eis, t, want, i->has_attr ? i->fallback : -1, i->has_attr ? i->emergency : -1,
			 i->has_granted ? i->granted : 0, i->has_remaining ? i->remaining : 0);
	if (want == EIS_PS_ENABLED && was != want)
		es_notify(e->reg, e->eis, t, ES_FN_HANDLE_ENABLED, NULL);
	else if (was == EIS_PS_ENABLED && was != want)
		es_notify(e->reg, e->eis, t, ES_FN_HANDLE_DISABLED, NULL);
}

/* Within the roll-back window a change that nobody reported is only provisional (corrections 5). */
static bool provisional(struct proc *p)
{
	const struct es5_isdp_info *i = seen_of(p->priv, &p->e->eis->pending_aid);

	return i && i->state == ES5_STATE_ENABLED && euicc_uncertain_within(p->e, EUICC_T_ROLLBACK);
}

static void mend(struct proc *p)
{
	struct proc_audit *a = p->priv;
	struct eis_profile *t, *tmp, *enabled = NULL;
	struct eis *eis = p->e->eis;

	llist_for_each_entry_safe(t, tmp, &eis->profiles, entry) {
		const struct es5_isdp_info *i = seen_of(a, &t->i.isdp_aid);

		if (i && i->state == ES5_STATE_ENABLED)
			enabled = t;	/* last: at no time are two enabled */
		else
			mend_one(p, t, i);
	}
	if (enabled)
		mend_one(p, enabled, seen_of(a, &enabled->i.isdp_aid));
	for (unsigned i = 0; i < a->n; i++) {
		char aid[AID_STR_SIZE];

		if (eis_by_aid(eis, &a->seen[i].aid))
			continue;
		LOG_PROC(p, LOGL_ERROR, "the card has an ISD-P %s that the record does not know\n",
			 aid_str(aid, &a->seen[i].aid));
		proc_say(p, "audit", "unknown ISD-P", aid);
		counter_inc(CTR_ALARM_DRIFT);
	}
	p->e->audit_wait = 0;
	osmo_timer_del(&p->e->audit_timer);
	eis_audited(eis);
	euicc_change_end(p->e);
	proc_done(p);
}

static int collect(struct proc_audit *a, const struct proc_card *c)
{
	struct rd r;
	int rc = 0;

	rd_init(&r, c->rsp.data, c->rsp.len);
	while (a->n < SEEN_MAX && (rc = es5_status_rsp_next(&r, &a->seen[a->n])) == 1)
		a->n++;
	return a->n < SEEN_MAX ? rc : -ENOSPC;
}

static void status(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc *p = fi->priv;
	struct proc_audit *a = p->priv;
	const struct proc_card *c = data;
	bool more;

	if (event == PROC_EV_EXPIRED || c->outcome != CARD_OK) {
		no_answer(p, event == PROC_EV_EXPIRED ? NULL : c);
		return;
	}
	more = proc_card_sw(c, SW_MORE_DATA);
	if (!proc_card_ok(c) && !more && !proc_card_sw(c, 0x6A88)) {
		if (p->e->eis->audit_due)
			euicc_audit_failed(p->e);
		proc_fail_card(p, c);
		return;
	}
	if (!proc_card_sw(c, 0x6A88) && collect(a, c) < 0) {
		if (p->e->eis->audit_due)
			euicc_audit_failed(p->e);
		proc_fail(p, ES_R_CARD_ERROR, "the card's answer cannot be read");
	} else if (more && ++a->blocks < SEEN_MAX) {
		proc_state(p, PROC_AUDIT_ST_STATUS);
	} else if (provisional(p)) {
		euicc_audit_failed(p->e);
		proc_fail(p, ES_R_BUSY, "a change awaits its notification or its roll-back");
	} else {
		mend(p);
	}
}

static void fill(struct proc *p, struct es_msg *resp)
{
	const struct policy_caller caller = proc_caller(p);
	const struct es_body *b = proc_body(p);

	if (b && resp->b.result.status == ES_EXECUTED_SUCCESS)
		resp->b.eis = policy_view(p->e->eis, resp, &caller, ES_FN_AUDIT_EIS, b->iccids, b->n_iccids);
}

#define S(x) (1 << (x))

static const struct osmo_fsm_state states[] = {
	[PROC_AUDIT_ST_INIT] = { .name = "INIT", .out_state_mask = S(PROC_AUDIT_ST_MEMORY) },
	[PROC_AUDIT_ST_MEMORY] = {
		.name = "MEMORY", .in_event_mask = S(PROC_EV_CARD) | S(PROC_EV_EXPIRED),
		.onenter = memory_onenter, .action = memory, .out_state_mask = S(PROC_AUDIT_ST_STATUS),
	},
	[PROC_AUDIT_ST_STATUS] = {
		.name = "STATUS", .in_event_mask = S(PROC_EV_CARD) | S(PROC_EV_EXPIRED),
		.onenter = status_onenter, .action = status, .out_state_mask = S(PROC_AUDIT_ST_STATUS),
	},
};

static struct osmo_fsm fsm = {
	.name = "proc_audit", .states = states, .num_states = ARRAY_SIZE(states), .log_subsys = DPROC,
	.event_names = proc_event_names,
};

static __attribute__((constructor)) void on_dso_load(void)
{
	OSMO_ASSERT(osmo_fsm_register(&fsm) == 0);
}

/* Asking changes nothing: an interrupted audit begins again. */
const struct proc_ops proc_audit_ops = { .fsm = &fsm, .begin = begin, .resume = begin, .fill = fill };
