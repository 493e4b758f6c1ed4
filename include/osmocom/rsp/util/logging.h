/* Log categories, one a room. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/logging.h>

enum rsp_log_cat { DMAIN, DDB, DES, DPROC, DEIS, DCARD, DSCP80, DSCP81, DSMS, DHTTP, DKEY, DSIM };
extern const struct log_info rsp_log_info;
