/* Who may call what, and on whose profiles: the one table (off-card.md 1.9, 3.6, 4; SGP.02 3.20). The door asks it for
 * the role, the owner of the records for the relation; doc/rights.md is printed from it.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/es/es_link.h>

/* What the caller must be to the thing it names; one of the bits is enough. */
enum es_relation {
	ES_REL_OWNER = 1,	/* Mno-id of the profile */
	ES_REL_GRANTED = 2,	/* by a PLMA of the profile's owner for this function */
	ES_REL_SMDP = 4,	/* Smdp-id of the profile */
	ES_REL_EUM = 8,		/* Eum-id of the eUICC */
	ES_REL_SELF = 16,	/* the operator that the PLMA or ONC names as granting */
};

enum es_scope {
	ES_SCOPE_NONE,		/* the role is enough */
	ES_SCOPE_PROFILE,	/* related to the profile named */
	ES_SCOPE_EUICC,		/* related to at least one profile of the eUICC, or to the eUICC */
	ES_SCOPE_VIEW,		/* anybody of the role; the answer shows only what is related */
	ES_SCOPE_GRANT,		/* PLMA and ONC */
};

struct es_right {
	enum es_iface iface;
	enum es_func func;
	enum es_role role;
	enum es_scope scope;
	unsigned relations;	/* of enum es_relation */
};

const struct es_right *es_right_find(enum es_iface iface, enum es_func func, enum es_role role);	/* NULL: never */
const struct es_right *es_right_next(const struct es_right *r);	/* all rows; NULL starts and ends */
const char *es_scope_text(enum es_scope scope);
const char *es_relation_text(enum es_relation one);
char *es_rights_manual(void *ctx);	/* the table as Markdown */
/* May an operator grant this to another party (3.6)? Notifications and functions of the table with ES_REL_GRANTED. */
bool es_func_delegable(enum es_func func);
