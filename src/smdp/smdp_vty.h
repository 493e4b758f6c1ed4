/* VTY of osmo-smdp. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/vty/command.h>

enum smdp_vty_node { SMDP_NODE = _LAST_OSMOVTY_NODE + 1, SMDP_PARTY_NODE, SMDP_CARD_TYPE_NODE, SMDP_HLR_NODE };

extern struct vty_app_info smdp_vty_info;
void smdp_vty_init(void);
/* smdp_vty_stock.c, smdp_vty_hlr.c: their part of node smdp and of the commands. */
void smdp_vty_stock_init(void);
void smdp_vty_stock_write(struct vty *vty);
void smdp_vty_hlr_init(void);
void smdp_vty_hlr_write(struct vty *vty);
