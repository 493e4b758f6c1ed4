/* Relay of ES2 to ES3 and back (off-card.md 6.5): checked for ownership, sent with the validity that is left,
 * answered with what the SM-SR says. The stored request and the stored call are all its state: a restart needs
 * nothing more.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "proc_relay.h"

#define GRACE_S 30		/* the SM-SR has the same deadline, and its word is the one that is true */
#define NOTIFICATION_S 86400	/* how long a notification is offered to an operator */

static const struct relay_fn {
	enum es_func es2, es3;
	bool profile;		/* about one profile, which must be the caller's */
	bool grant;		/* about PLMA or ONC, whose operator must be the caller; no EID needed */
} relay_fns[] = {
	{ ES_FN_GET_EIS, ES_FN_GET_EIS, false },
	{ ES_FN_AUDIT_EIS, ES_FN_AUDIT_EIS, false },
	{ ES_FN_ENABLE_PROFILE, ES_FN_ENABLE_PROFILE, true },
	{ ES_FN_DISABLE_PROFILE, ES_FN_DISABLE_PROFILE, true },
	{ ES_FN_DELETE_PROFILE, ES_FN_DELETE_ISDP, true },
	{ ES_FN_UPDATE_POLICY_RULES, ES_FN_UPDATE_POLICY_RULES, true },
	{ ES_FN_UPDATE_SUBSCRIPTION_ADDRESS, ES_FN_UPDATE_SUBSCRIPTION_ADDRESS, true },
	{ ES_FN_SET_FALLBACK, ES_FN_SET_FALLBACK, true },
	{ ES_FN_SET_EMERGENCY, ES_FN_SET_EMERGENCY, true },
	{ ES_FN_SET_PLMA, ES_FN_SET_PLMA, .grant = true },
	{ ES_FN_GET_PLMA, ES_FN_GET_PLMA, .grant = true },
	{ ES_FN_SET_ONC, ES_FN_SET_ONC, .grant = true },
	{ ES_FN_GET_ONC, ES_FN_GET_ONC, .grant = true },
};

static const struct relay_fn *relay_fn(enum es_func es2)
{
	for (size_t i = 0; i < ARRAY_SIZE(relay_fns); i++)
		if (relay_fns[i].es2 == es2 && es_msg_exists(ES3, relay_fns[i].es3, ES_REQUEST))
			return &relay_fns[i];
	return NULL;
}

bool proc_relay_takes(enum es_func func)
{
	return relay_fn(func) != NULL;
}

/* Known and the caller's? A profile that came to the card through another SM-DP is none of ours. */
static enum es_reason relay_check_iccid(struct proc_relay_env *env, const char *iccid, const char *owner)
{
	struct stock_row r;

	if (stock_get(env->stock, iccid, &r) < 0)
		return ES_R_ICCID_UNKNOWN;
	return strcmp(r.owner, owner) ? ES_R_ICCID_NOT_ALLOWED : ES_R_NONE;
}

static enum es_reason relay_check(struct proc_relay_env *env, const struct relay_fn *f, const struct es_msg *m,
				  const struct es_party *from)
{
	const struct es_party *smsr = es_party_find(env->link, m->b.smsr_id);
	enum es_reason r = ES_R_NONE;

	if (!smsr || smsr->role != ES_ROLE_SMSR || !smsr->url)
		return ES_R_SMSR_UNKNOWN;
	if (f->grant) {
		for (size_t i = 0; i < m->b.n_grants; i++)
			if (strcmp(m->b.grant[i].mno_id, from->id))
				return ES_R_CALLER_NOT_ALLOWED;
		return m->b.iccid[0] ? relay_check_iccid(env, m->b.iccid, from->id) : ES_R_NONE;
	}
	if (!m->b.has_eid)
		return ES_R_PARAM_MISSING;
	if (f->profile)
		return relay_check_iccid(env, m->b.iccid, from->id);
	for (size_t i = 0; r == ES_R_NONE && i < m->b.n_iccids; i++)
		r = relay_check_iccid(env, m->b.iccids[i], from->id);
	return r;
}

static struct es_msg *relay_msg(struct proc_relay_env *env, const struct relay_fn *f, const struct es_msg *m,
				const struct es_party *from, int64_t left)
{
	struct es_msg *out = es_msg_new(env->link, ES3, f->es3, ES_REQUEST);

	OSMO_ASSERT(out);
	out->b = m->b;	/* borrowed: es_call() writes it before it returns */
	if (!out->b.fcid)
		out->b.fcid = talloc_strdup(out, "relay");
	out->b.validity_s = OSMO_MAX(left, 1);
	OSMO_STRLCPY_ARRAY(out->b.mno_id, from->id);
	return out;
}

void proc_relay_start(struct proc_relay_env *env, struct es_req *req)
{
	const struct es_msg *m = es_req_msg(req);
	const struct es_party *from = es_req_party(req);
	const struct relay_fn *f = relay_fn(m->func);
	char tag[64], eid[EID_STR_SIZE];
	enum es_reason reason;

	if (smdp_db_relay_add(env->db, es_req_id(req)) == -EEXIST)
		return;		/* restart: the call is in the outbox */
	reason = f ? relay_check(env, f, m, from) : ES_R_UNSUPPORTED;
	snprintf(tag, sizeof(tag), "rl:%" PRId64, es_req_id(req));
	if (reason == ES_R_NONE &&
	    es_call(env->link, m->b.smsr_id, relay_msg(env, f, m, from, es_req_deadline(req) - clock_now()), tag,
		    es_req_deadline(req) + GRACE_S) < 0)
		reason = ES_R_SMSR_UNREACHABLE;
	LOGP(DPROC, LOGL_NOTICE, "relay#%" PRId64 " EID-89..%s: ES2.%s of %s %s%s\n", es_req_id(req),
	     eid_str(eid, &m->b.eid) + 22, es_func_name(m->func), from->id,
	     reason == ES_R_NONE ? "passed on to the SM-SR" : "refused: ", es_reason_text(reason));
	if (reason == ES_R_NONE)
		return;
	smdp_db_relay_del(env->db, es_req_id(req));
	es_req_respond_err(req, reason, m->b.iccid[0] ? m->b.iccid : NULL, NULL);
}

/* An operator sees its own profiles, not its competitors' (off-card.md 3.8); without what the SM-DP alone needs. */
static struct es_eis *relay_eis(void *ctx, const struct es_eis *in, const char *owner)
{
	struct es_eis *eis = talloc_memdup(ctx, in, sizeof(*in));

	OSMO_ASSERT(eis);
	eis->signed_info = NULL;	/* written from the fields, without the parts below */
	eis->isdp_file_aid = eis->isdp_module_aid = (struct aid){};
	eis->ecasd = eis->isd_r = (struct es_sd){};
	eis->profile = talloc_zero_array(eis, struct es_profile_info, in->n_profiles + 1);
	OSMO_ASSERT(eis->profile);
	eis->n_profiles = 0;
	for (size_t i = 0; i < in->n_profiles; i++)
		if (!strcmp(in->profile[i].mno_id, owner))
			eis->profile[eis->n_profiles++] = in->profile[i];
	return eis;
}

/* What the card has done with a profile of ours. eid NULL: the request named the card, and the SM-SR believed it. */
static void relay_stock(struct proc_relay_env *env, enum es_func func, const char *iccid, const char *eid)
{
	struct stock_row r;

	if (stock_get(env->stock, iccid, &r) < 0 || (eid && strcmp(r.eid, eid)) ||
	    (r.state != STOCK_DOWNLOADED && r.state != STOCK_ENABLED && r.state != STOCK_STUCK))
		return;
	switch (func) {
	case ES_FN_ENABLE_PROFILE:
	case ES_FN_HANDLE_ENABLED:
		stock_set(env->stock, iccid, STOCK_ENABLED, r.eid);
		break;
	case ES_FN_DISABLE_PROFILE:
	case ES_FN_HANDLE_DISABLED:
		stock_set(env->stock, iccid, STOCK_DOWNLOADED, r.eid);
		break;
	case ES_FN_DELETE_PROFILE:
	case ES_FN_HANDLE_DELETED:
		stock_set(env->stock, iccid, STOCK_AVAILABLE, "");
		break;
	default:
		break;
	}
}

/* resp only borrows from msg: es_req_respond() encodes it before it returns. */
static void relay_answer(struct proc_relay_env *env, struct es_req *req, const struct es_msg *msg)
{
	const struct es_msg *m = es_req_msg(req);
	const struct es_result *res = &msg->b.result;
	struct es_msg *resp = es_req_response(req, res->status, ES_R_INTERNAL, res->subject_id, res->message);

	OSMO_ASSERT(resp);
	if (res->status != ES_EXECUTED_SUCCESS) {
		OSMO_STRLCPY_ARRAY(resp->b.result.subject, res->subject);
		OSMO_STRLCPY_ARRAY(resp->b.result.reason, res->reason);
	}
	if (msg->b.response_data)
		resp->b.response_data = bytes_dup(resp, msg->b.response_data->data, msg->b.response_data->len);
	OSMO_STRLCPY_ARRAY(resp->b.iccid, m->b.iccid);
	resp->b.grant = msg->b.grant;
	resp->b.n_grants = msg->b.n_grants;
	resp->b.acceptable_validity_s = msg->b.acceptable_validity_s;
	if (msg->b.eis)
		resp->b.eis = relay_eis(resp, msg->b.eis, es_req_party(req)->id);
	if (res->status != ES_FAILED && res->status != ES_EXPIRED)
		relay_stock(env, m->func, m->b.iccid, NULL);
	es_req_respond(req, resp);
}

void proc_relay_response(struct proc_relay_env *env, const char *tag, const struct es_msg *msg, const char *why)
{
	struct es_req *req;
	int64_t id;

	if (sscanf(tag, "rl:%" SCNd64, &id) != 1)
		return;
	smdp_db_relay_del(env->db, id);
	req = es_req_find(env->link, id);
	LOGP(DPROC, LOGL_NOTICE, "relay#%" PRId64 ": %s%s\n", id,
	     msg ? es_status_name(msg->b.result.status) : why ? : "no answer", req ? "" : ", nobody waits for it");
	if (!req)
		return;
	if (msg) {
		relay_answer(env, req, msg);
	} else if (es_req_deadline(req) <= clock_now()) {
		/* the card may have done it: unknown, not failed (off-card.md 2) */
		es_req_respond(req, es_req_response(req, ES_EXPIRED, ES_R_EXPIRED, NULL, why));
	} else {
		es_req_respond_err(req, ES_R_SMSR_UNREACHABLE, NULL, why);
	}
}

static void relay_tell(struct proc_relay_env *env, const struct es_msg *msg, const char *operator_id)
{
	const struct es_party *to = es_party_find(env->link, operator_id);
	struct es_msg *m;

	if (!to || !to->url || !es_msg_exists(ES2, msg->func, ES_NOTIFICATION))
		return;
	m = es_msg_new(env->link, ES2, msg->func, ES_NOTIFICATION);
	OSMO_ASSERT(m);
	m->b = msg->b;	/* borrowed, as above */
	es_call(env->link, operator_id, m, NULL, clock_now() + NOTIFICATION_S);
}

/* Not about one profile: a PLMA, to whom it names; a change of SM-SR, to the owners of what the card has of ours. */
static bool relay_general(struct proc_relay_env *env, const struct es_msg *msg)
{
	const struct es_eis *eis = msg->b.eis;

	if (msg->func == ES_FN_HANDLE_PLMA_CHANGED) {
		relay_tell(env, msg, msg->b.grant[0].m2m_sp_id);
		return true;
	}
	if (msg->func != ES_FN_HANDLE_SMSR_CHANGE)
		return false;
	for (size_t i = 0; i < eis->n_profiles; i++) {
		size_t j = 0;

		while (j < i && strcmp(eis->profile[j].mno_id, eis->profile[i].mno_id))
			j++;
		if (j == i)	/* each owner once */
			relay_tell(env, msg, eis->profile[i].mno_id);
	}
	return true;
}

/* 6.5 step 15: to the owner over ES2, if we know it and it can be called. */
void proc_relay_notification(struct proc_relay_env *env, const struct es_party *from, const struct es_msg *msg)
{
	const struct es_party *owner;
	struct stock_row r;
	struct es_msg *m;
	char eid[EID_STR_SIZE];

	if (relay_general(env, msg))
		return;
	if (stock_get(env->stock, msg->b.iccid, &r) < 0) {
		LOGP(DPROC, LOGL_NOTICE, "%s of %s: ICCID %s is not ours\n", es_func_name(msg->func), from->id,
		     msg->b.iccid);
		return;
	}
	if (msg->b.has_eid)
		relay_stock(env, msg->func, r.iccid, eid_str(eid, &msg->b.eid));
	owner = es_party_find(env->link, r.owner);
	LOGP(DPROC, LOGL_NOTICE, "%s of ICCID %s from %s%s\n", es_func_name(msg->func), r.iccid, from->id,
	     owner && owner->url ? ", passed on to its owner" : "");
	if (!owner || !owner->url || !es_msg_exists(ES2, msg->func, ES_NOTIFICATION))
		return;
	m = es_msg_new(env->link, ES2, msg->func, ES_NOTIFICATION);
	OSMO_ASSERT(m);
	m->b = msg->b;	/* borrowed, as above */
	OSMO_STRLCPY_ARRAY(m->b.iccid, r.iccid);
	OSMO_STRLCPY_ARRAY(m->b.mno_id, r.owner);
	OSMO_STRLCPY_ARRAY(m->b.smsr_id, from->id);
	es_call(env->link, owner->id, m, "", clock_now() + NOTIFICATION_S);
}
