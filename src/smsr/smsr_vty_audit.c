/* The audit in the background: audit background, show audit.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <stdlib.h>

#include <osmocom/core/select.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>

#include "smsr.h"
#include "smsr_vty.h"

#define AUDIT_STR "Asking cards for what is true\n"
#define BG_STR AUDIT_STR "All eUICCs, one after the other, to find where card and record differ\n"

static void apply(unsigned per_hour, unsigned age_s)
{
	g_smsr->cfg.audit_bg = (struct audit_bg_cfg){ .per_hour = per_hour, .age_s = age_s };
	if (g_smsr->audit_bg)
		audit_bg_set(g_smsr->audit_bg, &g_smsr->cfg.audit_bg);
}

DEFUN(cfg_audit_bg, cfg_audit_bg_cmd, "audit background <1-360000> [<0-315360000>]",
      BG_STR "How many an hour\nOnly those not audited for so many seconds (30 days)\n")
{
	apply(atoi(argv[0]), argc > 1 ? atoi(argv[1]) : AUDIT_BG_AGE_S);
	return CMD_SUCCESS;
}

DEFUN(cfg_no_audit_bg, cfg_no_audit_bg_cmd, "no audit background", NO_STR BG_STR)
{
	apply(0, AUDIT_BG_AGE_S);
	return CMD_SUCCESS;
}

DEFUN(show_audit_bg, show_audit_bg_cmd, "show audit background", SHOW_STR BG_STR)
{
	vty_out(vty, "%s%s", g_smsr->audit_bg ? audit_bg_describe(g_smsr->audit_bg, OTC_SELECT) : "not started",
		VTY_NEWLINE);
	return CMD_SUCCESS;
}

void smsr_vty_audit_write(struct vty *vty)
{
	const struct audit_bg_cfg *c = &g_smsr->cfg.audit_bg;

	if (c->per_hour)
		vty_out(vty, " audit background %u %u%s", c->per_hour, c->age_s, VTY_NEWLINE);
}

void smsr_vty_audit_init(void)
{
	install_element_ve(&show_audit_bg_cmd);
	install_element(SMSR_NODE, &cfg_audit_bg_cmd);
	install_element(SMSR_NODE, &cfg_no_audit_bg_cmd);
}
