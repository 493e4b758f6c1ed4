/* Webhooks: each event of a party's operations, POSTed to the address configured for it, in order, until it is taken.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "json_srv.h"

struct json_hooks;
struct json_hooks *json_hooks_new(void *ctx, const struct json_srv_cfg *cfg, struct json_db *db);	/* NULL: no client */
void json_hooks_run(struct json_hooks *h);	/* there may be something to tell: soon */
char *json_hooks_describe(struct json_hooks *h, void *ctx);
