/* What is said to OsmoHLR's VTY and what it answers (osmo-hlr 1.5): text only, no link.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hlr_algo { HLR_ALGO_AUTO, HLR_ALGO_MILENAGE, HLR_ALGO_XOR };	/* auto: Milenage where there is an OPc */

struct hlr_subscriber {
	char imsi[16], msisdn[16];	/* msisdn "": none */
	enum hlr_algo algo;
	bool has_k, has_opc;
	uint8_t k[16], opc[16];		/* wipe after use */
	int ind_bitlen;			/* -1: OsmoHLR's own */
};

enum hlr_step { HLR_STEP_CREATE, HLR_STEP_MSISDN, HLR_STEP_AUC, HLR_STEP_DELETE };

#define HLR_CMD_SIZE	200
#define HLR_WHY_SIZE	120
/* The command, without line end; it may hold keys: wipe. 0, or -ENODATA: nothing to say in this step. */
int hlr_cmd(char out[HLR_CMD_SIZE], enum hlr_step step, const struct hlr_subscriber *s);
/* Its answer, without echo and prompt. 0 done; -EREMOTEIO refused, -EPROTO not an answer we know: why holds words of
 * ours or of OsmoHLR, never a key. */
int hlr_answer(enum hlr_step step, const struct hlr_subscriber *s, const char *answer, char why[HLR_WHY_SIZE]);
