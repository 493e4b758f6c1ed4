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

#define ES_KEEP_S 86400		/* answers are kept this long (corrections 32) */
#define ES_VALIDITY_MAX_S (7 * 24 * 3600)

struct es_link {
	struct es_link_cfg cfg;
	struct sqldb *db;
	struct sqldb_stmts *st;
	char *own_addr;			/* own_url with EntityId and EntityName */
	struct llist_head parties;	/* struct es_party_item */
	struct llist_head holds;	/* HTTP requests we owe a reply */
	struct llist_head reqs;		/* struct es_req */
	struct llist_head peers;	/* outbox: one per party we sent to */
	struct llist_head polls;	/* struct es_poll */
	struct llist_head conns;	/* struct es_conn: connections with their parties */
	struct llist_head nonces;	/* struct es_nonce: seen in the last minutes, oldest first */
	DECLARE_HASHTABLE(nonce_hash, 10);
	unsigned n_nonces;
	DECLARE_HASHTABLE(outs, 10);	/* outbox: struct es_out by row */
	unsigned n_outs;
	struct http_srv *srv;
	struct http_cli *cli;
	struct osmo_timer_list tick, purge;
	bool resumed;
};

static inline unsigned es_link_max_validity(const struct es_link *l)
{
	return l->cfg.limits.max_validity_s ? : ES_VALIDITY_MAX_S;
}

struct es_party_item {
	struct es_party p;		/* first: a party is a talloc object */
	struct llist_head entry;
	unsigned conns;
	uint64_t tokens_ms;		/* rate: what is left, in thousandths of a message */
	int64_t tokens_at;
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
	bool poll;			/* ... or is fetched with MakeConnection */
	es_submit_cb done;		/* came by another door: this gets the answer */
	void *done_priv;
	struct es_hold *hold;		/* open HTTP request, if still there */
	bool in_handler;		/* inside cfg.request() */
};

/* es_party.c */
/* Whose certificate is it? id: preferred among several, may be NULL. Without a certificate: NULL. */
struct es_party *es_party_by_peer(struct es_link *l, struct http_req *hr, const char *id);
/* Is there a party with this certificate and role? */
bool es_party_peer_role(struct es_link *l, struct http_req *hr, enum es_role role);
bool es_party_any_without_certificate(struct es_link *l);
/* ReplyTo must match scheme, host and port of the configured url; the callback goes to its path there. NULL: it does
 * not. */
char *es_party_callback_url(void *ctx, const struct es_party *p, const char *reply_to);

/* es_req.c */
struct es_req *es_req_new(struct es_link *l, const struct es_party *p, struct es_msg *msg);	/* takes msg */
/* Header and times of a response to msg; then the envelope. reply: address it goes to. */
struct bytes *es_req_envelope(struct es_link *l, void *ctx, const struct es_party *p, const struct es_msg *msg,
			      struct es_msg *resp, int64_t received);
bool es_req_is_poll(const char *reply_to);	/* WS-MakeConnection's anonymous address */
void es_req_unhold(struct es_req *req);

/* es_limit.c */
bool es_limit_conn(struct es_link *l, struct http_req *hr, struct es_party *p);	/* false: too many connections */
void es_limit_closed(struct es_link *l, unsigned long conn_id);
void es_limit_party_gone(struct es_link *l, const struct es_party *p);
bool es_limit_rate(struct es_party *p);						/* false: too many messages */

/* es_poll.c */
void es_poll(struct es_link *l, const char *party);	/* is there an answer for us? */
char *es_poll_address(struct es_link *l, void *ctx);

/* es_wss.c: UsernameToken. */
struct es_token *es_wss_make(void *ctx, const struct es_party *p);
const char *es_wss_check(struct es_link *l, const struct es_party *p, const struct es_token *t);	/* NULL: good */

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
char *es_link_new_message_id(struct es_link *l, void *ctx, const char *transaction_id, const struct es_dialect *d);

/* es_db.c: the only SQL */
/* How it was answered. Numbers are in the database. */
enum es_req_state { ES_REQ_OPEN, ES_REQ_REPLIED, ES_REQ_CALLED_BACK, ES_REQ_TO_FETCH, ES_REQ_FETCHED };
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
unsigned es_db_out_unpark(struct es_link *l, const char *party, int64_t deadline);	/* party NULL: all */
unsigned es_db_out_drop(struct es_link *l, const char *party);
char *es_db_out_describe_parked(struct es_link *l, char *text, unsigned max);	/* appends */
/* What waits to be fetched at this address: the one this very poll got before, else the oldest. more: others wait. */
struct es_req_row *es_db_req_fetch(struct es_link *l, void *ctx, const char *party, const char *address,
				   const char *poll_id, bool *more);
int es_db_req_fetched(struct es_link *l, int64_t id, const char *poll_id);
