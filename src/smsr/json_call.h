/* One request at the JSON interface: between json_srv.c, which has the listener, and json_call.c, which answers.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/timer.h>

#include "json_hook.h"

#define JSON_WAIT_S	25	/* for events; proxies cut off what is silent for longer */

struct json_srv {
	struct json_srv_cfg cfg;
	struct http_srv *http;
	struct json_db *db;
	struct json_ops *ops;
	struct json_hooks *hooks;
	struct llist_head waits;	/* struct json_call.entry */
	unsigned n_waits;
	struct osmo_timer_list purge;
};

struct json_call {
	struct llist_head entry;	/* while it waits for events */
	bool waiting;
	struct json_srv *s;
	struct http_req *req;
	const struct es_party *party;	/* not kept while waiting */
	char party_id[OID_STR_SIZE];
	char *arg[2];
	int64_t op, after;		/* of a wait */
	struct osmo_timer_list timer;
	unsigned status;
	const char *type;
	char *location;
	bool replayed;
	char *body;
};

void json_call_dispatch(struct json_call *c);		/* to its route; then it is answered, or waits */
void json_call_event(void *priv, const char *party);	/* of struct json_ops */
void json_call_reply(struct json_call *c);		/* after the commit; c is gone then */
void json_call_problem(struct json_call *c, unsigned status, const char *detail);
void json_call_unwait(struct json_call *c);
