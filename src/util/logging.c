/* Log categories, one a room (style.md 3 "Logging").
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <osmocom/core/utils.h>

#include <osmocom/rsp/util/logging.h>

static const struct log_info_cat rsp_log_cats[] = {
	[DMAIN] = {.name = "DMAIN", .description = "Start, configuration, end", .enabled = 1, .loglevel = LOGL_NOTICE},
	[DDB] = {.name = "DDB", .description = "Database", .enabled = 1, .loglevel = LOGL_NOTICE},
	[DES] = {.name = "DES", .description = "Off-card interfaces ES1..ES4", .enabled = 1, .loglevel = LOGL_NOTICE},
	[DPROC] = {.name = "DPROC", .description = "Procedures", .enabled = 1, .loglevel = LOGL_NOTICE},
	[DEIS] = {.name = "DEIS", .description = "eUICC information sets", .enabled = 1, .loglevel = LOGL_NOTICE},
	[DCARD] = {.name = "DCARD", .description = "Card sessions", .enabled = 1, .loglevel = LOGL_NOTICE},
	[DSCP80] = {.name = "DSCP80", .description = "Secured packets over SMS", .enabled = 1, .loglevel = LOGL_NOTICE},
	[DSCP81] = {.name = "DSCP81",
		    .description = "Administration sessions over HTTPS",
		    .enabled = 1,
		    .loglevel = LOGL_NOTICE},
	[DSMS] = {.name = "DSMS", .description = "SMS and SMPP", .enabled = 1, .loglevel = LOGL_NOTICE},
	[DHTTP] = {.name = "DHTTP", .description = "HTTP servers and clients", .enabled = 1, .loglevel = LOGL_NOTICE},
	[DKEY] = {.name = "DKEY", .description = "Key use, never key values", .enabled = 1, .loglevel = LOGL_NOTICE},
	[DSIM] = {.name = "DSIM",
		  .description = "Simulated cards and terminals",
		  .enabled = 1,
		  .loglevel = LOGL_NOTICE},
};

const struct log_info rsp_log_info = {
	.cat = rsp_log_cats,
	.num_cat = ARRAY_SIZE(rsp_log_cats),
};
