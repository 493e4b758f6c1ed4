/* ES2 functions that the SM-DP passes on to the SM-SR (off-card.md 4.2 "Relayed as", 6.5), and the SM-SR's
 * notifications that it passes on to the operator.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/es/es_link.h>

#include "smdp_db.h"
#include "stock.h"

struct proc_relay_env {
	struct smdp_db *db;
	struct stock *stock;
	struct es_link *link;
};

bool proc_relay_takes(enum es_func func);
void proc_relay_start(struct proc_relay_env *env, struct es_req *req);
/* An answer to one of our calls; tag "rl:<request>". */
void proc_relay_response(struct proc_relay_env *env, const char *tag, const struct es_msg *msg, const char *why);
void proc_relay_notification(struct proc_relay_env *env, const struct es_party *from, const struct es_msg *msg);
