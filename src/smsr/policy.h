/* May this party do this to this profile now: ownership, state, fall-back attribute, POL2. Pure. Asked after the
 * eUICC's lock is taken (design P2).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/es/es_link.h>

#include "eis.h"

#define POLICY_PARTY_VTY "vty"

enum policy_op {
	POLICY_ENABLE, POLICY_DISABLE, POLICY_DELETE, POLICY_CREATE_ISDP, POLICY_SEND_DATA, POLICY_COMPLETED,
	POLICY_AUDIT, POLICY_POLICY_RULES, POLICY_SUBSCRIPTION,
};

struct policy_caller {
	const char *id;			/* EntityId, or POLICY_PARTY_VTY */
	enum es_iface iface;
};

/* p NULL: the eUICC has no such profile (what CREATE_ISDP wants). ES_R_NONE: it may. memory: CREATE_ISDP only. */
enum es_reason policy_ask(const struct eis *eis, const struct eis_profile *p, enum policy_op op,
			  const struct policy_caller *caller, uint32_t memory);
bool policy_owns(const struct eis_profile *p, const struct policy_caller *caller);
bool policy_pol2(const struct eis_profile *p, const char *action, const char *qualification);
/* POL2 wants it deleted once it is Disabled; not for the fall-back profile. */
bool policy_auto_delete(const struct eis_profile *p);
