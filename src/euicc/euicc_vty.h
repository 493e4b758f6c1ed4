/* VTY of the simulator. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

struct sim;
struct vty;

void euicc_vty_init(struct sim *s);
/* euicc_vty_show.c */
void euicc_vty_show_init(struct sim *s);
void euicc_vty_fault_init(struct sim *s, int node);	/* node: where their configuration stands */
void euicc_vty_fault_write(struct vty *vty);
