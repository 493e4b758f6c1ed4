/* May this party do this to this profile now: SGP.02 3.2 to 3.7, off-card 3.4, 5.4 and 6.3 to 6.7. POL1 is the card's
 * to check.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <string.h>
#include <strings.h>

#include "policy.h"

static bool is_vty(const struct policy_caller *caller)
{
	return !strcmp(caller->id, POLICY_PARTY_VTY);
}

bool policy_may(const struct eis_profile *p, const struct policy_caller *caller, enum es_func func)
{
	const struct es_right *r;

	if (is_vty(caller))
		return true;
	r = es_right_find(caller->iface, func, caller->role);
	if (!r)
		return false;
	if (r->scope == ES_SCOPE_NONE)
		return true;
	return (r->relations & ES_REL_OWNER && !strcmp(p->i.mno_id, caller->id)) ||
	       (r->relations & ES_REL_SMDP && !strcmp(p->i.smdp_id, caller->id)) ||
	       (r->relations & ES_REL_GRANTED && grants_allow(caller->grants, &p->i, caller->id, func));
}

bool policy_may_any(const struct eis *eis, const struct policy_caller *caller, enum es_func func)
{
	struct eis_profile *p;

	llist_for_each_entry(p, &eis->profiles, entry)
		if (policy_may(p, caller, func))
			return true;
	return is_vty(caller);
}

bool policy_pol2(const struct eis_profile *p, const char *action, const char *qualification)
{
	for (size_t i = 0; i < p->i.n_pol2; i++)
		if (!strcasecmp(p->i.pol2[i].subject, "PROFILE") && !strcasecmp(p->i.pol2[i].action, action) &&
		    !strcasecmp(p->i.pol2[i].qualification, qualification))
			return true;
	return false;
}

bool policy_auto_delete(const struct eis_profile *p)
{
	return !p->i.fallback && policy_pol2(p, "DISABLE", "Auto-Delete");
}

static enum es_reason ask_enable(const struct eis *eis, const struct eis_profile *p)
{
	const struct eis_profile *now = eis_enabled(eis);

	if (p->state != EIS_PS_DISABLED)
		return ES_R_WRONG_STATE;
	if (policy_pol2(p, "ENABLE", "Not-Allowed"))
		return ES_R_POL2;
	return now && policy_pol2(now, "DISABLE", "Not-Allowed") ? ES_R_POL2 : ES_R_NONE;
}

static enum es_reason ask_disable(const struct eis *eis, const struct eis_profile *p)
{
	if (p->state != EIS_PS_ENABLED)
		return ES_R_WRONG_STATE;
	if (p->i.fallback || !eis_fallback(eis))
		return ES_R_FALLBACK_PROFILE;
	return policy_pol2(p, "DISABLE", "Not-Allowed") ? ES_R_POL2 : ES_R_NONE;
}

/* An ISD-P in state Created is no profile yet: only its SM-DP may delete it (off-card 6.7). */
static enum es_reason ask_delete(const struct eis *eis, const struct eis_profile *p, const struct policy_caller *caller)
{
	enum es_reason r;

	if (p->state == EIS_PS_CREATED)
		return caller->iface == ES3 || is_vty(caller) ? ES_R_NONE : ES_R_WRONG_STATE;
	if (p->i.fallback)
		return ES_R_FALLBACK_PROFILE;
	if (policy_pol2(p, "DELETE", "Not-Allowed"))
		return ES_R_POL2;
	if (p->state == EIS_PS_ENABLED) {	/* is disabled first: then that must be allowed, too */
		r = ask_disable(eis, p);
		if (r)
			return r;
	}
	return ES_R_NONE;
}

static enum es_reason ask_create(const struct eis *eis, const struct eis_profile *p, uint32_t memory)
{
	if (p)
		return ES_R_ICCID_IN_USE;
	return memory > eis->fix.available_memory || eis->n_profiles >= EIS_PROFILES_MAX ? ES_R_NO_MEMORY : ES_R_NONE;
}

/* Off-card 6.11: an attribute is taken from another operator's profile only as that one's PLMA allows. There is no name
 * for the unset in a PLMA: who may set it on a profile may take it away [M]. */
static enum es_reason ask_take(const struct eis_profile *old, const struct eis_profile *p,
			       const struct policy_caller *caller, enum es_func func)
{
	if (!old || old == p || is_vty(caller) || !strcmp(old->i.mno_id, p->i.mno_id) ||
	    grants_allow(caller->grants, &old->i, caller->id, func) ||
	    grants_allow(caller->grants, &old->i, p->i.mno_id, func))
		return ES_R_NONE;
	return ES_R_ATTRIBUTE_REFUSED;
}

static enum es_reason ask_fallback(const struct eis *eis, const struct eis_profile *p,
				   const struct policy_caller *caller)
{
	if (p->state < EIS_PS_DISABLED)
		return ES_R_WRONG_STATE;
	return p->emergency ? ES_R_ATTRIBUTE_REFUSED : ask_take(eis_fallback(eis), p, caller, ES_FN_SET_FALLBACK);
}

static enum es_reason ask_emergency(const struct eis *eis, const struct eis_profile *p,
				    const struct policy_caller *caller)
{
	if (p->state != EIS_PS_DISABLED)
		return ES_R_WRONG_STATE;
	return p->i.fallback ? ES_R_ATTRIBUTE_REFUSED : ask_take(eis_emergency(eis), p, caller, ES_FN_SET_EMERGENCY);
}

/* Off-card 6.15: the token decides, POL2 does not; the way of the request is out of scope, so it is ours. */
static enum es_reason ask_master_delete(const struct eis_profile *p)
{
	if (p->i.fallback)
		return ES_R_FALLBACK_PROFILE;
	return p->state == EIS_PS_DISABLED ? ES_R_NONE : ES_R_WRONG_STATE;
}

static enum es_func op_func(enum policy_op op, enum es_iface iface)
{
	static const enum es_func func[] = {
		[POLICY_ENABLE] = ES_FN_ENABLE_PROFILE, [POLICY_DISABLE] = ES_FN_DISABLE_PROFILE,
		[POLICY_DELETE] = ES_FN_DELETE_PROFILE, [POLICY_CREATE_ISDP] = ES_FN_CREATE_ISDP,
		[POLICY_SEND_DATA] = ES_FN_SEND_DATA, [POLICY_COMPLETED] = ES_FN_PROFILE_DOWNLOAD_COMPLETED,
		[POLICY_AUDIT] = ES_FN_AUDIT_EIS, [POLICY_POLICY_RULES] = ES_FN_UPDATE_POLICY_RULES,
		[POLICY_SUBSCRIPTION] = ES_FN_UPDATE_SUBSCRIPTION_ADDRESS,
		[POLICY_CONNECTIVITY] = ES_FN_UPDATE_CONNECTIVITY, [POLICY_FALLBACK] = ES_FN_SET_FALLBACK,
		[POLICY_EMERGENCY] = ES_FN_SET_EMERGENCY, [POLICY_MASTER_DELETE] = ES_FN_DELETE_PROFILE,
	};

	return op == POLICY_DELETE && iface == ES3 ? ES_FN_DELETE_ISDP : func[op];
}

enum es_reason policy_ask(const struct eis *eis, const struct eis_profile *p, enum policy_op op,
			  const struct policy_caller *caller, uint32_t memory)
{
	if (op == POLICY_CREATE_ISDP)
		return ask_create(eis, p, memory);
	if (op == POLICY_ADDRESSING || (op == POLICY_MASTER_DELETE && !is_vty(caller)))	/* no party's business */
		return is_vty(caller) ? ES_R_NONE : ES_R_EUICC_NOT_ALLOWED;
	/* In-Creation is internal: to everyone outside it does not exist yet */
	if (!p || (p->state == EIS_PS_IN_CREATION && !is_vty(caller)))
		return ES_R_ICCID_UNKNOWN;
	if (!policy_may(p, caller, op_func(op, caller->iface)))
		return ES_R_ICCID_NOT_ALLOWED;
	switch (op) {
	case POLICY_ENABLE:
		return ask_enable(eis, p);
	case POLICY_DISABLE:
		return ask_disable(eis, p);
	case POLICY_DELETE:
		return ask_delete(eis, p, caller);
	case POLICY_COMPLETED:
		return p->state == EIS_PS_CREATED ? ES_R_NONE : ES_R_WRONG_STATE;
	case POLICY_FALLBACK:
		return ask_fallback(eis, p, caller);
	case POLICY_EMERGENCY:
		return ask_emergency(eis, p, caller);
	case POLICY_MASTER_DELETE:
		return ask_master_delete(p);
	case POLICY_CONNECTIVITY:
		return p->state < EIS_PS_DISABLED ? ES_R_WRONG_STATE : ES_R_NONE;
	case POLICY_POLICY_RULES:
		return p->state == EIS_PS_CREATED ? ES_R_WRONG_STATE : ES_R_NONE;
	default:
		return ES_R_NONE;
	}
}

/* The signed parts are removed for an operator; an SM-DP has ECASD and the ISD-R without keys. */
static void view_parts(struct es_eis *v, const struct policy_caller *caller, enum es_func func)
{
	if (func == ES_FN_AUDIT_EIS) {
		v->signature = NULL;
		v->isd_r = (struct es_sd){};
	} else {
		v->last_audit = 0;
	}
	if (caller->iface == ES3)
		return;
	v->signed_info = NULL;
	v->isdp_file_aid = v->isdp_module_aid = (struct aid){};
	v->ecasd = v->isd_r = (struct es_sd){};
}

struct es_eis *policy_view(const struct eis *eis, void *ctx, const struct policy_caller *caller, enum es_func func,
			   const char (*iccids)[ICCID_STR_SIZE], size_t n_iccids)
{
	struct es_eis *v = eis_view(eis, ctx, iccids, n_iccids);
	size_t kept = 0;

	if (is_vty(caller))
		return v;
	view_parts(v, caller, func);
	for (size_t i = 0; i < v->n_profiles; i++) {
		const struct eis_profile *p = eis_by_iccid(eis, v->profile[i].iccid);

		if (p && p->state != EIS_PS_IN_CREATION && policy_may(p, caller, func))
			v->profile[kept++] = v->profile[i];
	}
	v->n_profiles = kept;
	return v;
}
