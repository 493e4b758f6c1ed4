/* PLMA and ONC (SGP.02 3.20, 3.21; off-card 3.6): what operators let others do with their profiles of a type, and
 * which notifications they do not want. Of this SM-SR, not of an eUICC; kept in memory, written through.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "smsr_db.h"

enum grant_kind { GRANT_PLMA, GRANT_ONC };

struct grant {
	struct llist_head entry;
	enum grant_kind kind;
	/* Set over ES3 by this SM-DP in the operator's name: holds for profiles that came by it. "": by the operator. */
	char smdp_id[OID_STR_SIZE];
	struct es_grant g;		/* names are children of this struct */
};

#define GRANTS_MAX 100000		/* of all operators together */

struct grants;
struct grants *grants_new(void *ctx, struct smsr_db *db);	/* loads them; NULL: cannot be read */
/* As a whole for (kind, operator, party, type, SM-DP); no names: removed. 0, -ENOSPC, -EIO. */
int grants_set(struct grants *gs, enum grant_kind kind, const struct es_grant *g, const char *smdp_id);
const struct grant *grants_next(const struct grants *gs, const struct grant *g);	/* NULL starts and ends */
/* gs may be NULL: nothing is granted. */
bool grants_allow(const struct grants *gs, const struct es_profile_info *p, const char *party, enum es_func func);
bool grants_discard(const struct grants *gs, const struct es_profile_info *p, enum es_func func);
/* Each party that has this by PLMA for the profile, once: g.m2m_sp_id. gs not NULL. */
const struct grant *grants_next_party(const struct grants *gs, const struct es_profile_info *p, enum es_func func,
				      const struct grant *after);
