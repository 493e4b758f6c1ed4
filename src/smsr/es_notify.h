/* Who must be told that a profile changed (off-card 4.7), into the outbox of the same transaction.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "euicc.h"

/* func: a notification about a profile. p: as it was. Told are its owner, over ES4 or by its SM-DP, unless an ONC of
 * the owner discards it, and whom a PLMA of the owner names (off-card 3.6, 4.7). requester (may be NULL) is not told:
 * neither the owner that asked itself nor one whose SM-DP asked for it. */
void es_notify(struct euiccs *reg, const struct eis *eis, const struct eis_profile *p, enum es_func func,
	       const char *requester);
/* HandlePLMAChanged to the party that a PLMA names. */
void es_notify_plma(struct euiccs *reg, const struct es_grant *g);
