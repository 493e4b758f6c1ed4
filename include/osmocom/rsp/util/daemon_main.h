/* What the daemons' main programs have in common.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>

struct vty_app_info;

/* No core dumps; logging, FSMs, the VTY with its commands of every daemon, counters. info gets ctx. */
void daemon_main_init(void *ctx, struct vty_app_info *info);
/* SIGTERM and SIGINT end the loop, SIGUSR1 prints a memory report. */
void daemon_main_signals(void);
bool daemon_main_quit(void);
/* CTRL interface on the port asked for (0: on the usual one). false: it was asked for and cannot be opened. *open says
 * whether it is there; may be NULL. */
bool daemon_main_ctrl(int asked, int usual, bool *open);
