/* VTY of osmo-smdp. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/vty/command.h>

enum smdp_vty_node { SMDP_NODE = _LAST_OSMOVTY_NODE + 1, SMDP_PARTY_NODE };

extern struct vty_app_info smdp_vty_info;
void smdp_vty_init(void);
