/* The VTY of osmo-smsr.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

struct smsr;
extern struct smsr *g_smsr;

void smsr_vty_init(void);
void smsr_vty_euicc_init(void);
