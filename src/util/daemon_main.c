/* What the daemons' main programs have in common: how libosmocore is set up, signals, CTRL.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "config.h"
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <talloc.h>

#include <osmocom/core/application.h>
#include <osmocom/core/fsm.h>
#include <osmocom/core/msgb.h>
#include <osmocom/core/select.h>
#include <osmocom/core/stats.h>
#include <osmocom/ctrl/control_if.h>
#include <osmocom/ctrl/control_vty.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/daemon_main.h>
#include <osmocom/rsp/util/http_vty.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/vty/logging.h>
#include <osmocom/vty/misc.h>
#include <osmocom/vty/stats.h>
#include <osmocom/vty/vty.h>

static volatile sig_atomic_t quit;

/* Keys pass through a daemon: no core dump, no ptrace by the same user (design.md P6). LeakSanitizer needs ptrace
 * (corrections 24). */
static void undumpable(void)
{
#ifndef RSP_SANITIZE
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

void daemon_main_init(void *ctx, struct vty_app_info *info)
{
	undumpable();
	msgb_talloc_ctx_init(ctx, 0);
	osmo_init_logging2(ctx, &rsp_log_info);
	log_set_print_category_hex(osmo_stderr_target, 0);
	log_set_print_category(osmo_stderr_target, 1);
	log_set_print_level(osmo_stderr_target, 1);
	log_set_print_filename2(osmo_stderr_target, LOG_FILENAME_NONE);
	osmo_fsm_log_addr(false);
	osmo_fsm_term_safely(true);
	osmo_fsm_set_dealloc_ctx(OTC_SELECT);
	osmo_stats_init(ctx);
	info->tall_ctx = ctx;
	vty_init(info);
	logging_vty_add_cmds();
	osmo_talloc_vty_add_cmds();
	osmo_stats_vty_add_cmds();
	osmo_fsm_vty_add_cmds();
	ctrl_vty_init(ctx);
	counters_init(ctx);
	http_vty_init();
}

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		talloc_report(NULL, stderr);
	else
		quit = 1;
}

void daemon_main_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };	/* no SA_RESTART: select wakes up */

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	osmo_init_ignore_signals();	/* SIGPIPE among them */
}

bool daemon_main_quit(void)
{
	return quit;
}

/* Asked for, it must be there; where nobody asked, a second daemon on this host may have the port. */
bool daemon_main_ctrl(int asked, int usual, bool *open)
{
	bool there = ctrl_interface_setup(NULL, asked ? : usual, NULL);

	if (!there)
		LOGP(DMAIN, LOGL_ERROR, "CTRL port %d cannot be opened\n", asked ? : usual);
	if (open)
		*open = there;
	return there || !asked;
}
