/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

void http_vty_init(void);	/* after vty_init(): a connection that speaks HTTP to the VTY is dropped */
