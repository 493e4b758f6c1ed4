/* May this party do this to this profile now: SGP.02 3.2 to 3.7, off-card 3.4, 5.4 and 6.3 to 6.7. POL1 is the card's
 * to check.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <string.h>
#include <strings.h>

#include "policy.h"

bool policy_owns(const struct eis_profile *p, const struct policy_caller *caller)
{
	if (!strcmp(caller->id, POLICY_PARTY_VTY))
		return true;
	switch (caller->iface) {
	case ES3:
		return !strcmp(p->i.smdp_id, caller->id);
	case ES4:
		return !strcmp(p->i.mno_id, caller->id);
	default:
		return false;
	}
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
		return caller->iface == ES3 || !strcmp(caller->id, POLICY_PARTY_VTY) ? ES_R_NONE : ES_R_WRONG_STATE;
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

enum es_reason policy_ask(const struct eis *eis, const struct eis_profile *p, enum policy_op op,
			  const struct policy_caller *caller, uint32_t memory)
{
	if (op == POLICY_CREATE_ISDP)
		return ask_create(eis, p, memory);
	/* In-Creation is internal: to everyone outside it does not exist yet */
	if (!p || (p->state == EIS_PS_IN_CREATION && strcmp(caller->id, POLICY_PARTY_VTY)))
		return ES_R_ICCID_UNKNOWN;
	if (!policy_owns(p, caller))
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
	case POLICY_POLICY_RULES:
		return p->state == EIS_PS_CREATED ? ES_R_WRONG_STATE : ES_R_NONE;
	default:
		return ES_R_NONE;
	}
}
