/* A dialog with OsmoHLR's telnet VTY: one command at a time, connected when there is something to say.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdint.h>

struct hlr_link;

/* answer: what came back, without echo and prompt, "" when nothing did; NULL: the link failed, why says how. */
typedef void (*hlr_link_cb)(void *priv, const char *answer, const char *why);

struct hlr_link *hlr_link_new(void *ctx, hlr_link_cb cb, void *priv);
/* One command, after the one before is answered; it is copied, and wiped once sent. cb comes later, not from within. */
void hlr_link_cmd(struct hlr_link *l, const char *ip, uint16_t port, unsigned timeout_s, const char *cmd);
void hlr_link_close(struct hlr_link *l);	/* no callback */
