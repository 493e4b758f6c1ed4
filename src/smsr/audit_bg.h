/* The slow audit of all eUICCs in the background: finds where card and record differ before anybody stumbles over it.
 * Off unless set. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "proc.h"

struct audit_bg_cfg {
	unsigned per_hour;	/* 0: off */
	unsigned age_s;		/* not those that were audited within it */
};
#define AUDIT_BG_AGE_S (30 * 86400)

struct audit_bg;
struct audit_bg *audit_bg_new(struct euiccs *reg, const struct audit_bg_cfg *cfg);
void audit_bg_set(struct audit_bg *bg, const struct audit_bg_cfg *cfg);	/* it has changed */
char *audit_bg_describe(const struct audit_bg *bg, void *ctx);		/* one line */
