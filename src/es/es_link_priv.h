/* What the files of the off-card link share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/utils.h>	/* hashtable.h wants its ARRAY_SIZE */
#include <osmocom/core/hashtable.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/core/timer.h>
#include <osmocom/rsp/es/es_link.h>
#include <osmocom/rsp/net/http.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>
#include <osmocom/rsp/util/sqldb.h>

#define ES_KEEP_S 86400		/* answers are kept, callbacks and notifications retried this long (corrections 32) */
#define ES_REQ_MAX_OPEN 4096	/* unanswered requests of one party (design.md P7) */
#define ES_OUT_INFLIGHT 16	/* transfers to one party at a time (corrections 10) */

struct es_link {
	struct es_link_cfg cfg;
	struct sqldb *db;
	struct sqldb_stmts *st;
	char *own_addr;			/* own_url with EntityId and EntityName */
	struct llist_head parties;	/* struct es_party_item */
	struct llist_head holds;	/* HTTP requests we owe a reply */
	struct llist_head reqs;		/* struct es_req */
	struct llist_head peers;	/* outbox: one per party we sent to */
	DECLARE_HASHTABLE(outs, 10);	/* outbox: struct es_out by row */
	unsigned n_outs;
	struct http_srv *srv;
	struct http_cli *cli;
	struct osmo_timer_list tick, purge;
	bool resumed;
};

struct es_party_item {
	struct es_party p;		/* first: a party is a talloc object */
	struct llist_head entry;
};

/* An HTTP request not yet replied to. */
struct es_hold {
	struct llist_head entry;
	struct es_link *l;
	struct http_req *hr;
	struct es_req *req;		/* waits for this one's answer */
	unsigned status;
	const char *content_type;	/* NULL: SOAP */
	struct bytes *body;
};

struct es_req {
	struct llist_head entry;
	struct es_link *l;
	int64_t id, received, deadline;
	struct es_msg *msg;
	struct es_party *party;		/* a copy: the configuration may change meanwhile */
	char *callback_url;		/* NULL: the answer goes into the HTTP reply */
	struct es_hold *hold;		/* open HTTP request, if still there */
	bool in_handler;		/* inside cfg.request() */
};

/* es_party.c */
struct es_party *es_party_by_fpr(struct es_link *l, const char *fpr, const char *id);	/* id: preferred, may be NULL */
bool es_party_fpr_role(struct es_link *l, const char *fpr, enum es_role role);	/* does one with this certificate have it? */
/* ReplyTo must match scheme, host and port of the configured url; the callback goes to its path there. NULL: it does
 * not. */
char *es_party_callback_url(void *ctx, const struct es_party *p, const char *reply_to);

/* es_req.c */
struct es_req *es_req_new(struct es_link *l, const struct es_party *p, struct es_msg *msg);	/* takes msg */
/* Header and times of a response to msg; then the envelope. reply: address it goes to. */
struct bytes *es_req_envelope(struct es_link *l, void *ctx, const struct es_msg *msg, struct es_msg *resp,
			      int64_t received);
void es_req_unhold(struct es_req *req);

/* es_endpoint.c */
int es_endpoint_start(struct es_link *l);
void es_endpoint_stop(struct es_link *l);
void es_hold_reply(struct es_hold *h, unsigned status, const struct bytes *body);	/* after commit; body copied */

/* es_outbox.c */
int es_outbox_start(struct es_link *l);
void es_outbox_stop(struct es_link *l);
void es_outbox_load(struct es_link *l);
int es_outbox_add(struct es_link *l, const char *party, const char *url, const struct es_msg *m,
		  const struct bytes *body, const char *tag, int64_t deadline);
/* A response arrived from party as callback: 0 it ended a call, -ENOENT it did not. */
int es_outbox_callback(struct es_link *l, const struct es_party *p, const struct es_msg *m);
char *es_link_new_message_id(struct es_link *l, void *ctx, const char *transaction_id);

/* es_db.c: the only SQL */
enum es_req_state { ES_REQ_OPEN, ES_REQ_REPLIED, ES_REQ_CALLED_BACK };	/* how it was answered */
enum es_out_state { ES_OUT_QUEUED, ES_OUT_WAITING, ES_OUT_PARKED };

struct es_req_row {
	int64_t id, received, deadline;
	enum es_req_state state;
	char *party, *message_id, *reply_to;
	struct bytes *body, *response;
};
struct es_out_row {
	int64_t id, next_attempt, deadline;
	unsigned attempts;
	enum es_iface iface;
	enum es_func func;
	enum es_kind kind;
	enum es_out_state state;
	char *party, *eid, *url, *message_id, *tag;
};
int es_db_prepare(struct es_link *l);
int64_t es_db_req_insert(struct es_link *l, const struct es_req_row *row, const struct es_msg *m, const void *body,
			 size_t len);
struct es_req_row *es_db_req_find(struct es_link *l, void *ctx, const char *party, const char *message_id);
struct es_req_row *es_db_req_next_open(struct es_link *l, void *ctx, int64_t after_id);
int es_db_req_answer(struct es_link *l, int64_t id, enum es_req_state state, const struct bytes *response);
unsigned es_db_req_count_open(struct es_link *l, const char *party);
void es_db_purge(struct es_link *l, int64_t before);
int64_t es_db_out_insert(struct es_link *l, const struct es_out_row *row, const struct es_msg *m,
			 const struct bytes *body);
struct es_out_row *es_db_out_next(struct es_link *l, void *ctx, int64_t after_id);	/* not the parked ones */
struct bytes *es_db_out_body(struct es_link *l, void *ctx, int64_t id, const char *message_id);
int es_db_out_retry(struct es_link *l, int64_t id, unsigned attempts, int64_t next_attempt);
int es_db_out_state(struct es_link *l, int64_t id, enum es_out_state state);
int es_db_out_delete(struct es_link *l, int64_t id);
int es_db_out_delete_tag(struct es_link *l, const char *tag);
int64_t es_db_out_correlate(struct es_link *l, const char *party, const struct es_msg *response); /* row or -ENOENT */
unsigned es_db_out_count_parked(struct es_link *l);
