/* What ES3 and ES4 have in common: GetEIS, policy rules, subscription address at once; the rest becomes a procedure,
 * which asks the policy when it has the lock (corrections 3).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>

#include "es_notify.h"
#include "plat_srv.h"

void plat_srv_ok(struct es_req *req)
{
	es_req_respond(req, es_req_response(req, ES_EXECUTED_SUCCESS, ES_R_NONE, NULL, NULL));
}

struct euicc *plat_srv_euicc(struct euiccs *reg, struct es_req *req)
{
	const struct es_body *b = &es_req_msg(req)->b;
	char text[EID_STR_SIZE];
	struct euicc *e;

	if (!b->has_eid) {
		es_req_respond_err(req, ES_R_PARAM_MISSING, NULL, "Eid");
		return NULL;
	}
	e = euicc_get(reg, &b->eid);
	if (!e)
		es_req_respond_err(req, ES_R_EID_UNKNOWN, eid_str(text, &b->eid), NULL);
	return e;
}

struct policy_caller plat_srv_caller(const struct euiccs *reg, const struct es_req *req)
{
	return (struct policy_caller){
		.id = es_req_party(req)->id, .role = es_req_party(req)->role, .iface = es_req_msg(req)->iface,
		.grants = reg->grants,
	};
}

/* Off-card 3.8: an operator and an SM-DP see what is theirs, which may be nothing; a service provider without a grant
 * has no business with the eUICC. */
struct es_eis *plat_srv_view(const struct eis *eis, void *ctx, const struct policy_caller *caller)
{
	const struct es_right *r = es_right_find(caller->iface, ES_FN_GET_EIS, caller->role);

	if (!r || (r->scope != ES_SCOPE_VIEW && !policy_may_any(eis, caller, ES_FN_GET_EIS)))
		return NULL;
	return policy_view(eis, ctx, caller, ES_FN_GET_EIS, NULL, 0);
}

static void get_eis(struct euicc *e, struct es_req *req)
{
	const struct policy_caller caller = plat_srv_caller(e->reg, req);
	struct es_msg *resp = es_req_response(req, ES_EXECUTED_SUCCESS, ES_R_NONE, NULL, NULL);

	resp->b.eis = plat_srv_view(e->eis, resp, &caller);
	if (resp->b.eis)
		es_req_respond(req, resp);
	else
		es_req_respond_err(req, ES_R_EUICC_NOT_ALLOWED, e->eis->eid_str, NULL);
}

void plat_srv_proc(struct euicc *e, struct es_req *req, enum proc_kind kind, const char *iccid)
{
	const struct proc_want w = {
		.kind = kind, .requester = es_req_party(req)->id, .role = es_req_party(req)->role,
		.iface = es_req_msg(req)->iface, .req = req, .iccid = iccid, .deadline = es_req_deadline(req),
	};

	if (kind != PROC_AUDIT && !iccid[0]) {
		es_req_respond_err(req, ES_R_PARAM_MISSING, NULL, "Iccid");
		return;
	}
	proc_request(e, &w);
}

enum es_reason plat_srv_ask(struct euicc *e, struct es_req *req, struct eis_profile **p, enum policy_op op)
{
	const struct es_msg *m = es_req_msg(req);
	const struct policy_caller caller = plat_srv_caller(e->reg, req);
	enum es_reason r;

	*p = eis_by_iccid(e->eis, m->b.iccid);
	r = policy_ask(e->eis, *p, op, &caller, 0);
	if (r)
		es_req_respond_err(req, r, m->b.iccid, NULL);
	return r;
}

static void say(struct euicc *e, struct es_req *req, const char *what)
{
	const struct smsr_audit a = {
		.who = es_req_party(req)->id, .procedure = what, .operation = what, .outcome = "EXECUTED_SUCCESS",
		.card = es_req_msg(req)->b.iccid,
	};

	smsr_db_audit(e->reg->db, &e->eis->fix.eid, &a);
	LOGP(DPROC, LOGL_NOTICE, "%s EID-%s: asked by %s, profile %s: EXECUTED_SUCCESS\n", what, e->eis->eid_str, a.who,
	     a.card);
}

static void policy_rules(struct euicc *e, struct es_req *req)
{
	const struct es_body *b = &es_req_msg(req)->b;
	struct eis_profile *p;

	if (plat_srv_ask(e, req, &p, POLICY_POLICY_RULES))
		return;
	eis_policy_rules(e->eis, p, b->pol2, b->has_pol2 ? b->n_pol2 : 0);	/* absent: no rules */
	say(e, req, "update-policy-rules");
	es_notify(e->reg, e->eis, p, ES_FN_HANDLE_POL2_UPDATED, es_req_party(req)->id);
	plat_srv_ok(req);
}

static void subscription(struct euicc *e, struct es_req *req)
{
	const struct es_body *b = &es_req_msg(req)->b;
	struct eis_profile *p;

	if (plat_srv_ask(e, req, &p, POLICY_SUBSCRIPTION))
		return;
	if (!b->has_addr) {
		es_req_respond_err(req, ES_R_PARAM_MISSING, NULL, "newSubscriptionAddress");
		return;
	}
	eis_subscription(e->eis, p, &b->addr);
	euicc_route(e);
	say(e, req, "update-subscription-address");
	plat_srv_ok(req);
}

void plat_srv_handle(struct euicc *e, struct es_req *req)
{
	const struct es_msg *m = es_req_msg(req);

	switch (m->func) {
	case ES_FN_GET_EIS:
		get_eis(e, req);
		return;
	case ES_FN_AUDIT_EIS:
		plat_srv_proc(e, req, PROC_AUDIT, "");
		return;
	case ES_FN_ENABLE_PROFILE:
		plat_srv_proc(e, req, PROC_ENABLE, m->b.iccid);
		return;
	case ES_FN_DISABLE_PROFILE:
		plat_srv_proc(e, req, PROC_DISABLE, m->b.iccid);
		return;
	case ES_FN_UPDATE_POLICY_RULES:
		policy_rules(e, req);
		return;
	case ES_FN_UPDATE_SUBSCRIPTION_ADDRESS:
		subscription(e, req);
		return;
	case ES_FN_SET_FALLBACK:
		plat_srv_proc(e, req, PROC_FALLBACK, m->b.iccid);
		return;
	case ES_FN_SET_EMERGENCY:
		plat_srv_proc(e, req, PROC_EMERGENCY, m->b.iccid);
		return;
	case ES_FN_UPDATE_CONNECTIVITY:
		plat_srv_proc(e, req, PROC_CONNECTIVITY, m->b.iccid);
		return;
	default:
		es_req_respond_err(req, ES_R_UNSUPPORTED, NULL, es_func_name(m->func));
	}
}
