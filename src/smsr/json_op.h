/* Operations that the JSON interface started: requests as if by ES4 (es_submit.h), their progress, their end.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "euicc.h"
#include "json_db.h"

struct json_ops {
	struct euiccs *reg;
	struct json_db *db;
	int64_t current;	/* being submitted: its request has no number yet */
	/* Something was written down for this party. */
	void (*event)(void *priv, const char *party);
	void *priv;
};

struct json_ops *json_ops_new(void *ctx, struct euiccs *reg, struct json_db *db);
/* One request; the operation as it is afterwards: finished already when it was refused. 0, or negative with why. */
int json_ops_submit(struct json_ops *ops, struct json_op *op, enum es_func func, uint32_t validity_s, const char *key,
		    const uint8_t hash[32], enum es_reason *why);
void json_ops_resumed(struct json_ops *ops, struct es_req *req);	/* given again after a restart */
void json_ops_lost(struct json_ops *ops);				/* after all were: the others have an end, too */
