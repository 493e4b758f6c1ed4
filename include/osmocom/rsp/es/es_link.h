/* The off-card link of a daemon: who the peers are, requests in (each owed exactly one answer), messages out (stored).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/es/es_msg.h>

struct es_link;
struct es_req;
struct sqldb;

enum es_role { ES_ROLE_OPERATOR, ES_ROLE_M2M_SP, ES_ROLE_SMDP, ES_ROLE_SMSR, ES_ROLE_EUM };

/* How a peer's TLS client certificate is known (corrections 8); several while one is renewed. */
enum es_bind_how { ES_BIND_FINGERPRINT, ES_BIND_SPKI, ES_BIND_SAN };
struct es_bind {
	enum es_bind_how how;
	char *value;			/* 64 hex digits; or the subjectAltName */
	char *anchor;			/* SAN: file of the certificates that may issue it */
};
#define ES_BINDS_MAX 4

/* What may differ between peers (off-card.md 8.5); all zero: the defaults. Set in the VTY by es_party_vty.c. */
struct es_party_set {
	struct es_dialect dialect;
	struct es_bind bind[ES_BINDS_MAX]; unsigned n_binds;
	bool strict_callback;		/* an immediate failure goes to ReplyTo, too (off-card.md 1.5.2) */
	char *user, *password;		/* WS-Security UsernameToken, both ways; NULL: none */
	bool no_certificate;		/* the token is enough: no client certificate is wanted of this peer */
	unsigned max_inflight;		/* transfers to it at a time */
	unsigned max_queued;		/* messages waiting for it */
	unsigned max_open;		/* unanswered requests of it */
	unsigned max_conns;		/* connections of it */
	unsigned max_rate;		/* messages of it a second */
	unsigned give_up_s;		/* callbacks and notifications that it does not take are parked after this long */
};
#define ES_INFLIGHT_DEFAULT 16
#define ES_QUEUED_DEFAULT 100000
#define ES_OPEN_DEFAULT 4096
#define ES_CONNS_DEFAULT 256
#define ES_RATE_DEFAULT 5000
#define ES_GIVE_UP_DEFAULT 86400

struct es_party {			/* one peer, from the VTY; talloc child of the link */
	char id[OID_STR_SIZE];		/* EntityId */
	enum es_role role;
	char *fpr;			/* SHA-256 of its TLS client certificate, lower hex; more in set.bind */
	char *url;			/* where its requests, callbacks and notifications go; NULL: cannot be called */
	struct es_party_set set;	/* own copy, see es_party_set() */
};
/* The owner's settings have changed, or are there: copied. */
void es_party_set(struct es_link *l, struct es_party *p, const struct es_party_set *set);
struct es_party *es_party_add(struct es_link *l, const char *id, enum es_role role);	/* or the existing one */
void es_party_del(struct es_link *l, const char *id);
struct es_party *es_party_find(struct es_link *l, const char *id);
struct es_party *es_party_next(struct es_link *l, struct es_party *p);			/* NULL starts */
struct http_req;
/* Does this request, on a listener of the owner's, come with a certificate of this party's? */
bool es_party_is_peer(const struct es_party *p, struct http_req *hr);
const char *es_role_name(enum es_role role);						/* "operator" "m2m-sp" "sm-dp" "sm-sr" "eum" */
int es_role_parse(const char *name);

struct es_link_limits {
	unsigned max_validity_s;	/* a request that wants more is told this (AcceptableValidityPeriod); 0: a week */
	unsigned max_conns;		/* of all peers together; 0: 1024 */
	unsigned read_s;		/* a message that takes longer to come is cut off; 0: 60 */
};

struct es_link_cfg {
	const char *own_id, *own_name;	/* OID; label */
	enum es_role own_role;		/* what we are: whose services ?wsdl describes */
	const char *bind_ip; uint16_t bind_port;
	const char *own_url;		/* what we write in ReplyTo/From, e.g. https://127.0.0.1:8444/es */
	const char *cert_file, *key_file, *ca_file, *crl_file;
	unsigned default_validity_s;	/* 720 */
	bool poll;			/* own_url NULL: answers are fetched, the peer does not hold the transfer */
	struct es_link_limits limits;
	struct sqldb *db;
	/* A request accepted at the door: party known, role fits the interface, From agrees, MessageID new. req is ours until
	 * answered by es_req_respond(); on the disk already when this runs (a restart gives it again with resumed = true). */
	void (*request)(void *priv, struct es_req *req, bool resumed);
	/* A response (HTTP reply or callback) to our call with this tag; msg NULL: undeliverable or expired, why says it. */
	void (*response)(void *priv, const char *tag, const struct es_msg *msg, const char *why);
	/* A notification from a peer. */
	void (*notification)(void *priv, const struct es_party *from, const struct es_msg *msg);
	/* Every message as it is on the wire; may be NULL. For tools: a daemon logs no bodies. */
	void (*trace)(void *priv, bool in, const uint8_t *data, size_t len);
	void *priv;
};

/* Tables of the link (es_request, es_outbox): one text for the schema array given to sqldb_open(). The database must
 * outlive the link. */
extern const char es_link_schema[], es_link_schema_2[];	/* in this order, others may stand between */

struct es_link *es_link_new(void *ctx, struct sqldb *db);	/* parties can be added before start */
int es_link_start(struct es_link *l, const struct es_link_cfg *cfg);
void es_link_resume(struct es_link *l);	/* after start and when the owner is ready: unanswered requests again, outbox runs */
uint16_t es_link_port(const struct es_link *l);
void es_link_set_own_url(struct es_link *l, const char *url);	/* known only once the port is */
int es_link_reload(struct es_link *l);	/* certificates, trust list and CRL of the listener read anew */
/* request(), response() and notification() run inside txn_event_begin/end; es_link_resume() must be called outside of it.
 * cfg is copied. bind_ip NULL: no listener; own_url NULL: our calls carry no ReplyTo, answers come in the HTTP reply.
 * An owner that cannot answer at once keeps req (or its id); freeing the link answers nothing, the next start resumes. */

/* Which roles may call which function on which interface: one table, off-card.md 1.9 and 4. */
bool es_role_may(enum es_iface iface, enum es_func func, enum es_role role);

/* A received request. msg is const and lives until answered. */
const struct es_msg *es_req_msg(const struct es_req *req);
const struct es_party *es_req_party(const struct es_req *req);
int64_t es_req_id(const struct es_req *req);		/* database row, stable over restarts */
struct es_req *es_req_find(struct es_link *l, int64_t id);
int64_t es_req_deadline(const struct es_req *req);	/* UTC seconds: reception + ValidityPeriod or default */
/* The answer to be filled: message with status set; fields in b are the caller's to set before es_req_respond(). */
struct es_msg *es_req_response(struct es_req *req, enum es_status status, enum es_reason reason, const char *subject_id,
			       const char *message);
/* Send (stored first): in the HTTP reply when it is still open and no ReplyTo was given, else as callback. Frees req and resp.
 * With a ReplyTo, an answer given inside request() still goes into the HTTP reply if it is FAILED or the function needs no
 * card (es_func_is_sync()). */
void es_req_respond(struct es_req *req, struct es_msg *resp);
void es_req_respond_err(struct es_req *req, enum es_reason reason, const char *subject_id, const char *message);	/* FAILED */

/* Our own call to a peer (request: response() comes with tag; or notification). Stored, sent after commit, retried while
 * unreachable until deadline, same MessageID always. m is taken over. tag is kept in the database. */
/* deadline 0: default. -ENOENT no such party, -EHOSTUNREACH it has no url. Notifications have no use for tag (NULL). */
int es_call(struct es_link *l, const char *party_id, struct es_msg *m, const char *tag, int64_t deadline);
void es_call_cancel(struct es_link *l, const char *tag);
/* Messages that were given up: sent again, or thrown away. party NULL: of all. How many. */
unsigned es_link_outbox_retry(struct es_link *l, const char *party);
unsigned es_link_outbox_drop(struct es_link *l, const char *party);
/* A request of a party that came by another door than SOAP (its identity and role checked there): the same checks, the
 * same handler, the same record. done gets the response once, with the number es_link_submit() returned; after a restart
 * nobody is told. m is taken over. Negative: refused, *why says it. */
typedef void (*es_submit_cb)(void *priv, int64_t id, const struct es_msg *response);
int64_t es_link_submit(struct es_link *l, const char *party, struct es_msg *m, es_submit_cb done, void *priv,
		       enum es_reason *why);
char *es_link_describe_outbox(struct es_link *l, void *ctx);	/* `show outbox` */
unsigned es_link_outbox_len(struct es_link *l);
