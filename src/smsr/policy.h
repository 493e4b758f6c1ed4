/* May this party do this to this profile now: rights (es_rights.h), state, fall-back attribute, POL2. Pure. Asked after the
 * eUICC's lock is taken (design P2).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/es/es_rights.h>

#include "eis.h"
#include "grants.h"

#define POLICY_PARTY_VTY "vty"

enum policy_op {
	POLICY_ENABLE, POLICY_DISABLE, POLICY_DELETE, POLICY_CREATE_ISDP, POLICY_SEND_DATA, POLICY_COMPLETED,
	POLICY_AUDIT, POLICY_POLICY_RULES, POLICY_SUBSCRIPTION, POLICY_CONNECTIVITY, POLICY_FALLBACK, POLICY_EMERGENCY,
	POLICY_MASTER_DELETE, POLICY_ADDRESSING,
};

struct policy_caller {
	const char *id;			/* EntityId, or POLICY_PARTY_VTY */
	enum es_iface iface;
	enum es_role role;
	const struct grants *grants;	/* NULL: nothing is granted to anybody */
};

/* p NULL: the eUICC has no such profile (what CREATE_ISDP wants). ES_R_NONE: it may. memory: CREATE_ISDP only. */
enum es_reason policy_ask(const struct eis *eis, const struct eis_profile *p, enum policy_op op,
			  const struct policy_caller *caller, uint32_t memory);
/* Is the caller what the rights table wants for this function on this profile? */
bool policy_may(const struct eis_profile *p, const struct policy_caller *caller, enum es_func func);
/* ... on at least one profile of the eUICC? */
bool policy_may_any(const struct eis *eis, const struct policy_caller *caller, enum es_func func);
/* What the caller sees of the eUICC with GetEIS or AuditEIS (off-card 3.8, Annex E). */
struct es_eis *policy_view(const struct eis *eis, void *ctx, const struct policy_caller *caller, enum es_func func,
			   const char (*iccids)[ICCID_STR_SIZE], size_t n_iccids);
bool policy_pol2(const struct eis_profile *p, const char *action, const char *qualification);
/* POL2 wants it deleted once it is Disabled; not for the fall-back profile. */
bool policy_auto_delete(const struct eis_profile *p);
