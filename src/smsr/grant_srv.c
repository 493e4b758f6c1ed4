/* SetPLMA, GetPLMA, SetONC, GetONC over ES3, ES4 and ES4A (SGP.02 3.20, 3.21, 5.7; off-card 3.6, 4.5). The rights table
 * says by what relation; here is what it means: over ES4A an operator speaks of its own grants, over ES4 a party of those
 * made to it (an operator of its own, too), over ES3 an SM-DP of those it made.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>

#include "es_notify.h"
#include "plat_srv.h"

#define ANSWER_MAX 1024		/* as in the message table */

static enum grant_kind kind_of(const struct es_msg *m)
{
	return m->func == ES_FN_SET_PLMA || m->func == ES_FN_GET_PLMA ? GRANT_PLMA : GRANT_ONC;
}

/* Each name in our spelling; the first that cannot be granted or discarded in *bad. */
static enum es_reason names_check(enum grant_kind kind, const struct es_grant *g, char (*out)[ES_NAME_SIZE],
				  const char **bad)
{
	for (size_t i = 0; i < g->n_names; i++) {
		enum es_func f = es_func_parse(g->names[i]);

		*bad = g->names[i];
		if (f == ES_FN_NONE)
			return ES_R_PARAM_INVALID;
		if (kind == GRANT_PLMA ? !es_func_delegable(f) : !es_msg_exists(ES4, f, ES_NOTIFICATION))
			return kind == GRANT_PLMA ? ES_R_NOT_DELEGABLE : ES_R_PARAM_INVALID;
		osmo_strlcpy(out[i], es_func_name(f), ES_NAME_SIZE);
	}
	return ES_R_NONE;
}

static enum es_reason set_check(const struct es_req *req, const struct es_grant *g, const char **why)
{
	const struct es_msg *m = es_req_msg(req);

	if (m->iface == ES4A && strcmp(g->mno_id, es_req_party(req)->id)) {
		*why = "Mno-id: the caller can grant for itself only";
		return ES_R_CALLER_NOT_ALLOWED;
	}
	if (!g->profile_type[0]) {
		*why = "ProfileType";
		return ES_R_PARAM_MISSING;
	}
	if (kind_of(m) == GRANT_PLMA && !strcmp(g->m2m_sp_id, g->mno_id)) {
		*why = "M2m-sp-id: is the operator itself";
		return ES_R_PARAM_INVALID;
	}
	return ES_R_NONE;
}

static void set(struct euiccs *reg, struct es_req *req)
{
	const struct es_msg *m = es_req_msg(req);
	const char *who = es_req_party(req)->id, *why = NULL;
	struct es_grant g = m->b.grant[0];
	enum es_reason r = set_check(req, &g, &why);
	int rc;

	g.names = talloc_zero_size(reg, (g.n_names + 1) * ES_NAME_SIZE);
	OSMO_ASSERT(g.names);
	if (!r)
		r = names_check(kind_of(m), &m->b.grant[0], g.names, &why);
	if (!r) {
		rc = reg->grants ? grants_set(reg->grants, kind_of(m), &g, m->iface == ES3 ? who : "") : -EIO;
		r = rc == -ENOSPC ? ES_R_BUSY : rc < 0 ? ES_R_INTERNAL : ES_R_NONE;
		why = rc == -ENOSPC ? "too many PLMA and ONC" : NULL;
	}
	LOGP(DES, LOGL_NOTICE, "%s of %s by %s for type '%s'%s%s, %zu name(s): %s\n", es_func_name(m->func), g.mno_id,
	     who, g.profile_type, g.m2m_sp_id[0] ? " to " : "", g.m2m_sp_id, g.n_names, es_reason_text(r));
	if (r) {
		es_req_respond_err(req, r, g.mno_id, why);
	} else {
		if (kind_of(m) == GRANT_PLMA)
			es_notify_plma(reg, &g);
		plat_srv_ok(req);
	}
	talloc_free(g.names);
}

struct criterion {
	enum grant_kind kind;
	const char *mno_id, *m2m_sp_id, *profile_type, *smdp_id;	/* NULL or "": any */
	const char *either;		/* the operator or the party it granted to */
};

static bool same(const char *want, const char *have)
{
	return !want || !*want || !strcmp(want, have);
}

static void answer(struct euiccs *reg, struct es_req *req, const struct criterion *c)
{
	struct es_msg *resp = es_req_response(req, ES_EXECUTED_SUCCESS, ES_R_NONE, NULL, NULL);
	const struct grant *g;

	for (g = grants_next(reg->grants, NULL); g && resp->b.n_grants < ANSWER_MAX; g = grants_next(reg->grants, g)) {
		if (g->kind != c->kind || !same(c->mno_id, g->g.mno_id) || !same(c->m2m_sp_id, g->g.m2m_sp_id) ||
		    (c->either && strcmp(c->either, g->g.mno_id) && strcmp(c->either, g->g.m2m_sp_id)) ||
		    !same(c->profile_type, g->g.profile_type) || !same(c->smdp_id, g->smdp_id))
			continue;
		resp->b.grant = talloc_realloc(resp, resp->b.grant, struct es_grant, resp->b.n_grants + 1);
		OSMO_ASSERT(resp->b.grant);
		resp->b.grant[resp->b.n_grants++] = g->g;	/* written before anything changes */
	}
	es_req_respond(req, resp);
}

/* Of the profile that is named: owner and type. */
static enum es_reason by_profile(struct euiccs *reg, const struct es_req *req, struct criterion *c)
{
	const struct es_body *b = &es_req_msg(req)->b;
	const struct policy_caller caller = plat_srv_caller(reg, req);
	const struct es_right *r;
	struct eis_profile *p;
	struct euicc *e;

	if (!b->has_eid || !b->iccid[0])
		return ES_R_COND_MISSING;
	e = euicc_get(reg, &b->eid);
	p = e ? eis_by_iccid(e->eis, b->iccid) : NULL;
	if (!p || p->state == EIS_PS_IN_CREATION)
		return e ? ES_R_ICCID_UNKNOWN : ES_R_EID_UNKNOWN;
	r = es_right_find(caller.iface, es_req_msg(req)->func, caller.role);
	if (!r || !((r->relations & ES_REL_SMDP && !strcmp(p->i.smdp_id, caller.id)) ||
		    (r->relations & ES_REL_SELF && !strcmp(p->i.mno_id, caller.id)) ||
		    (r->relations & ES_REL_GRANTED && policy_may(p, &caller, ES_FN_GET_EIS))))
		return ES_R_ICCID_NOT_ALLOWED;
	c->mno_id = p->i.mno_id;
	c->profile_type = p->i.profile_type;
	return ES_R_NONE;
}

static void get(struct euiccs *reg, struct es_req *req)
{
	const struct es_msg *m = es_req_msg(req);
	struct criterion c = {
		.kind = kind_of(m), .mno_id = m->b.mno_id, .m2m_sp_id = m->b.m2m_sp_id, .profile_type = m->b.profile_type,
	};
	const char *who = es_req_party(req)->id;
	enum es_reason r = ES_R_NONE;

	if (m->iface == ES4A)
		c.mno_id = who;
	else if (m->iface == ES4 && es_req_party(req)->role == ES_ROLE_OPERATOR)
		c.either = who;
	else if (m->iface == ES4)
		c.m2m_sp_id = who;
	else
		c.smdp_id = who;
	if (m->b.has_eid || m->b.iccid[0])
		r = by_profile(reg, req, &c);
	if (!r && !reg->grants)
		r = ES_R_INTERNAL;
	if (r)
		es_req_respond_err(req, r, m->b.iccid[0] ? m->b.iccid : NULL, NULL);
	else
		answer(reg, req, &c);
}

bool grant_srv_takes(enum es_func func)
{
	return func == ES_FN_SET_PLMA || func == ES_FN_GET_PLMA || func == ES_FN_SET_ONC || func == ES_FN_GET_ONC;
}

void grant_srv_handle(struct euiccs *reg, struct es_req *req)
{
	enum es_func f = es_req_msg(req)->func;

	if (f == ES_FN_SET_PLMA || f == ES_FN_SET_ONC)
		set(reg, req);
	else if (grant_srv_takes(f))
		get(reg, req);
	else
		es_req_respond_err(req, ES_R_UNSUPPORTED, NULL, NULL);
}
