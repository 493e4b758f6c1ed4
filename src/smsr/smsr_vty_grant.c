/* What operators have granted and do not want to hear: show grants.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <string.h>

#include <osmocom/core/utils.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>

#include "grants.h"
#include "smsr.h"
#include "smsr_vty.h"

#define SHOWN 1000

static void show(struct vty *vty, const struct grant *g)
{
	vty_out(vty, " %s %s", g->kind == GRANT_PLMA ? "PLMA" : "ONC ", g->g.mno_id);
	if (g->kind == GRANT_PLMA)
		vty_out(vty, " to %s", g->g.m2m_sp_id);
	vty_out(vty, " type '%s'%s%s:", g->g.profile_type, g->smdp_id[0] ? " by SM-DP " : "", g->smdp_id);
	for (size_t i = 0; i < g->g.n_names; i++)
		vty_out(vty, " %s", g->g.names[i]);
	vty_out(vty, "%s", VTY_NEWLINE);
}

DEFUN(show_grants, show_grants_cmd, "show grants [OID]",
      SHOW_STR "PLMA and ONC: what operators let others do, and do not want to hear\nOnly of this operator or for this party\n")
{
	const struct grant *g = NULL;
	unsigned n = 0;

	if (!g_smsr->euiccs || !g_smsr->euiccs->grants) {
		vty_out(vty, "%% not started yet%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	while ((g = grants_next(g_smsr->euiccs->grants, g))) {
		if (argc && strcmp(argv[0], g->g.mno_id) && strcmp(argv[0], g->g.m2m_sp_id))
			continue;
		if (n++ < SHOWN)
			show(vty, g);
	}
	vty_out(vty, "%u%s%s", n, n > SHOWN ? ", the first thousand shown" : "", VTY_NEWLINE);
	return CMD_SUCCESS;
}

void smsr_vty_grant_init(void)
{
	install_element_ve(&show_grants_cmd);
}
