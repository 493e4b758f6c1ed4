/* Who must be told that a profile changed (off-card 4.7), into the outbox of the same transaction.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "euicc.h"

/* func: ES_FN_HANDLE_ENABLED, _DISABLED or _DELETED. p: as it was. requester (may be NULL) is not told: neither the
 * owner that asked itself nor one whose SM-DP asked for it. */
void es_notify(struct euiccs *reg, const struct eis *eis, const struct eis_profile *p, enum es_func func,
	       const char *requester);
