/* The door: HTTP requests of peers (off-card.md 1.5, 1.8). Who calls is decided by the client certificate; From must
 * agree (design.md P8). Life of the link.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/es/es_schema.h>

#include <osmocom/rsp/util/counters.h>

#include "es_link_priv.h"
#include "es_soap.h"
#include "es_xml.h"

#define PURGE_EVERY_S 600
#define VALIDITY_DEFAULT_S 720
#define MAX_CONNS 1024
#define READ_S 60
#define SMALL_MAX (256U << 10)	/* every function but SendData (corrections 12) */

/* One message on its way in. */
struct rx {
	struct es_link *l;
	struct es_hold *h;
	struct es_party *p;
	struct es_msg *m;
	const uint8_t *raw;
	size_t len;
	bool token_checked;
};

/* ---- replies ---- */

static int es_hold_destroy(struct es_hold *h)
{
	txn_forget(h->l->db, h);
	if (h->req)
		h->req->hold = NULL;
	llist_del(&h->entry);
	return 0;
}

static void hold_flush(void *data)
{
	struct es_hold *h = data;
	const struct http_header type = { "Content-Type", h->content_type ? : ES_SOAP_CONTENT_TYPE };
	struct http_req *hr = h->hr;

	http_req_set_priv(hr, NULL);
	http_req_respond(hr, h->status, &type, h->body ? 1 : 0, h->body ? h->body->data : NULL,
			 h->body ? h->body->len : 0, false);
	talloc_free(h);
}

void es_hold_reply(struct es_hold *h, unsigned status, const struct bytes *body)
{
	txn_forget(h->l->db, h);
	if (h->req)
		es_req_unhold(h->req);
	h->status = status;
	talloc_free(h->body);
	h->body = body ? bytes_dup(h, body->data, body->len) : NULL;
	txn_after_commit(h->l->db, hold_flush, h);
}

static void reply_fault(struct es_hold *h, unsigned status, const char *text)
{
	struct bytes *body = es_soap_fault(h, status < 500, text);

	es_hold_reply(h, status, body);
}

/* Refused at the door: the answer is in the HTTP reply, nothing is stored (1.5.2). */
static int refuse(struct rx *rx, enum es_reason reason, const char *message)
{
	struct es_msg *resp;
	struct bytes *body;

	counter_inc(CTR_ES_REFUSED);
	LOGP(DES, LOGL_NOTICE, "%s-%s from %s refused: %s/%s %s\n", es_iface_name(rx->m->iface),
	     es_func_name(rx->m->func), rx->p->id, es_reason_subject(reason), es_reason_code(reason),
	     message ? : es_reason_text(reason));
	if (rx->m->kind != ES_REQUEST || rx->m->poll) {	/* these have no response */
		reply_fault(rx->h, 400, message ? : es_reason_text(reason));
		return 0;
	}
	resp = es_msg_new(rx->h, rx->m->iface, rx->m->func, ES_RESPONSE);
	es_result_set(resp, ES_FAILED, reason, NULL, message);
	if (reason == ES_R_VALIDITY_REFUSED && rx->m->b.validity_s > es_link_max_validity(rx->l))
		resp->b.acceptable_validity_s = es_link_max_validity(rx->l);
	body = es_req_envelope(rx->l, rx->h, rx->p, rx->m, resp, clock_now());
	es_hold_reply(rx->h, 200, body);
	return 0;
}

/* ---- messages ---- */

/* The same MessageID again (1.5.5): answered from the record, never executed. */
static bool repeated(struct rx *rx)
{
	struct es_req_row *row = es_db_req_find(rx->l, rx->h, rx->p->id, rx->m->message_id);
	struct es_req *req;

	if (!row)
		return false;
	LOGP(DES, LOGL_NOTICE, "%s-%s#%lld from %s: repeated MessageID\n", es_iface_name(rx->m->iface),
	     es_func_name(rx->m->func), (long long)row->id, rx->p->id);
	req = es_req_find(rx->l, row->id);
	if (row->state == ES_REQ_OPEN && !req) {
		es_hold_reply(rx->h, 503, NULL);	/* not yet taken up again after a start: later */
	} else if (row->state == ES_REQ_OPEN && !req->callback_url && !req->poll) {
		if (req->hold)		/* the answer goes to whoever asked last */
			es_hold_reply(req->hold, 503, NULL);
		req->hold = rx->h;
		rx->h->req = req;
	} else if (row->state == ES_REQ_REPLIED && row->response) {
		es_hold_reply(rx->h, 200, row->response);
	} else {
		es_hold_reply(rx->h, 202, NULL);
	}
	return true;
}

static int64_t store(struct rx *rx, enum es_req_state state, int64_t now, int64_t deadline)
{
	struct es_req_row row = {
		.party = rx->p->id, .message_id = rx->m->message_id, .reply_to = rx->m->reply_to,
		.received = now, .deadline = deadline, .state = state,
	};

	return es_db_req_insert(rx->l, &row, rx->m, state == ES_REQ_OPEN ? rx->raw : NULL,
				state == ES_REQ_OPEN ? rx->len : 0);
}

static int accept_request(struct rx *rx)
{
	int64_t now = clock_now(), id, deadline = now + (rx->m->b.validity_s ? : rx->l->cfg.default_validity_s);
	struct es_req *req;

	id = store(rx, ES_REQ_OPEN, now, deadline);
	if (id < 0)
		return -EIO;
	req = es_req_new(rx->l, rx->p, rx->m);
	req->id = id;
	req->received = now;
	req->deadline = deadline;
	req->hold = rx->h;
	rx->h->req = req;
	req->in_handler = true;
	counter_inc(CTR_ES_ACCEPTED);
	LOGP(DES, LOGL_INFO, "%s-%s#%lld from %s accepted\n", es_iface_name(rx->m->iface), es_func_name(rx->m->func),
	     (long long)id, rx->p->id);
	rx->l->cfg.request(rx->l->cfg.priv, req, false);
	req = es_req_find(rx->l, id);	/* answered already? */
	if (!req)
		return 0;
	req->in_handler = false;
	if ((req->callback_url || req->poll) && req->hold)
		es_hold_reply(req->hold, 202, NULL);
	return 0;
}

static int rx_request(struct rx *rx)
{
	char *url;

	if (rx->m->b.validity_s > es_link_max_validity(rx->l))
		return refuse(rx, ES_R_VALIDITY_REFUSED, NULL);
	if (rx->m->reply_to && !es_req_is_poll(rx->m->reply_to)) {
		url = es_party_callback_url(rx->h, rx->p, rx->m->reply_to);
		if (!url)	/* corrections 7: else a peer makes us speak to anybody */
			return refuse(rx, ES_R_VALIDITY_REFUSED,
				      "ReplyTo is not an endpoint configured for this party");
	}
	if (es_db_req_count_open(rx->l, rx->p->id) >= (rx->p->set.max_open ? : ES_OPEN_DEFAULT)) {
		counter_inc(CTR_ES_OPEN);
		return refuse(rx, ES_R_BUSY, "too many unanswered requests of this party");
	}
	return accept_request(rx);
}

static int rx_notification(struct rx *rx)
{
	int64_t now = clock_now();

	if (store(rx, ES_REQ_REPLIED, now, now) < 0)
		return -EIO;
	LOGP(DES, LOGL_INFO, "%s-%s from %s\n", es_iface_name(rx->m->iface), es_func_name(rx->m->func), rx->p->id);
	if (rx->l->cfg.notification)
		rx->l->cfg.notification(rx->l->cfg.priv, rx->p, rx->m);
	es_hold_reply(rx->h, 202, NULL);
	return 0;
}

static int rx_response(struct rx *rx)
{
	if (es_outbox_callback(rx->l, rx->p, rx->m) < 0)
		LOGP(DES, LOGL_NOTICE, "%s-%s response from %s belongs to no open call\n", es_iface_name(rx->m->iface),
		     es_func_name(rx->m->func), rx->p->id);
	es_hold_reply(rx->h, 202, NULL);
	return 0;
}

/* Everything about the message is right but for the caller's rights and its own history. */
static int rx_message(struct rx *rx)
{
	if (!rx->m->message_id)
		return refuse(rx, ES_R_PARAM_MISSING, "Envelope/Header/MessageID: missing");
	if (rx->m->kind == ES_RESPONSE)
		return rx_response(rx);
	if (!es_role_may(rx->m->iface, rx->m->func, rx->p->role))
		return refuse(rx, ES_R_CALLER_NOT_ALLOWED, NULL);
	if (repeated(rx))
		return 0;
	return rx->m->kind == ES_REQUEST ? rx_request(rx) : rx_notification(rx);
}

/* WS-MakeConnection (1.5.3): the oldest answer for this address. Whether more wait goes into its header. */
static void rx_poll(struct rx *rx)
{
	const char *id = rx->m->message_id ? : "";
	struct es_req_row *row;
	struct bytes *pending;
	bool more;

	txn_event_begin(rx->l->db);
	row = es_db_req_fetch(rx->l, rx->h, rx->p->id, rx->m->poll, id, &more);
	if (row)
		es_db_req_fetched(rx->l, row->id, id);
	txn_event_end(rx->l->db, 1);
	if (!row || !row->response)
		return es_hold_reply(rx->h, 202, NULL);
	pending = bytes_new(rx->h, 256);
	es_out_raw(pending, "<wsmc:MessagePending xmlns:wsmc=\"" NS_WSMC "\" pending=\"");
	es_out_raw(pending, more ? "true\"/>" : "false\"/>");
	es_hold_reply(rx->h, 200, es_soap_add_header(row->response, pending));
}

static void rx_decoded(struct rx *rx, int rc, enum es_reason reason, const char *err)
{
	if (!rx->m->from_entity || strcmp(rx->m->from_entity, rx->p->id)) {
		refuse(rx, ES_R_CALLER_UNKNOWN, "From does not name the party of this connection's certificate");
		return;
	}
	if (rx->p->set.user && !rx->token_checked) {
		const char *wrong = es_wss_check(rx->l, rx->p, rx->m->token);

		if (wrong) {
			counter_inc(CTR_ES_TOKEN);
			refuse(rx, ES_R_CALLER_UNKNOWN, wrong);
			return;
		}
	}
	if (rx->m->poll) {
		rx_poll(rx);
		return;
	}
	if (rc < 0) {
		refuse(rx, reason, err);
		return;
	}
	if (rx->len > SMALL_MAX && rx->m->func != ES_FN_SEND_DATA) {
		refuse(rx, ES_R_PARAM_INVALID, "the message is too large");
		return;
	}
	txn_event_begin(rx->l->db);
	rc = rx_message(rx);
	txn_event_end(rx->l->db, rc == 0);
	if (rc < 0)
		reply_fault(rx->h, 500, "cannot store the message");
}

static bool media_type_ok(const struct http_req *hr)
{
	const char *type = http_req_header(hr, "Content-Type");

	return type && strcasestr(type, "xml");
}

/* Before anything is read: a stranger has no business here, and only those who exchange SendData say much. */
static unsigned http_begin_cb(void *priv, struct http_req *hr)
{
	struct es_link *l = priv;
	const char *fpr = http_req_peer_fpr(hr);

	if (!fpr && es_party_any_without_certificate(l)) {	/* its token is in the body */
		http_req_set_max_body(hr, SMALL_MAX);
		return 0;
	}
	if (!es_party_by_peer(l, hr, NULL)) {
		counter_inc(CTR_ES_STRANGER);
		LOGP(DES, LOGL_NOTICE, "%s: certificate %s is no party's\n", http_req_peer_addr(hr), fpr ? : "-");
		return 403;
	}
	if (!es_party_peer_role(l, hr, ES_ROLE_SMDP) && !es_party_peer_role(l, hr, ES_ROLE_SMSR))
		http_req_set_max_body(hr, SMALL_MAX);
	return 0;
}

/* ?xsd, ?wsdl, ?wsdl=SERVICE: to a party, as everything here. false: not such a question. */
static bool rx_schema(struct es_link *l, struct es_hold *h)
{
	const char *query = http_req_query(h->hr);
	const struct es_service *s = NULL;
	struct bytes *text = NULL;

	if (strcmp(http_req_method(h->hr), "GET"))
		return false;
	if (!strncmp(query, "wsdl=", 5))
		s = es_service_find(query + 5);
	if (!strcmp(query, "xsd"))
		text = es_schema_xsd(h, false);
	else if (!strcmp(query, "wsdl") || s)
		text = es_schema_wsdl(h, s, es_role_name(l->cfg.own_role), l->cfg.own_url ? : "", "?xsd");
	if (text) {
		h->content_type = "text/xml; charset=utf-8";
		es_hold_reply(h, 200, text);
	} else {
		es_hold_reply(h, *query ? 404 : 405, NULL);
	}
	return true;
}

/* No certificate: the party that From names, if the token is its. Never ES1, ES3, ES7 (corrections 8). */
static bool by_token(struct rx *rx)
{
	struct es_party *p = rx->m->from_entity ? es_party_find(rx->l, rx->m->from_entity) : NULL;
	const char *wrong = "no such party, or it needs a certificate";

	if (p && p->set.no_certificate && p->set.user && (rx->m->iface == ES2 || rx->m->iface == ES4 || rx->m->poll))
		wrong = es_wss_check(rx->l, p, rx->m->token);
	if (!wrong) {
		rx->p = p;
		rx->token_checked = true;
		return true;
	}
	counter_inc(CTR_ES_TOKEN);
	LOGP(DES, LOGL_NOTICE, "%s: without a certificate, %s\n", http_req_peer_addr(rx->h->hr), wrong);
	return false;
}

static void rx_http(struct es_link *l, struct es_hold *h)
{
	struct rx rx = { .l = l, .h = h };
	enum es_reason reason = ES_R_PARAM_INVALID;
	char *err = NULL;
	int rc;

	rx.p = es_party_by_peer(l, h->hr, NULL);
	if (!rx.p && (http_req_peer_fpr(h->hr) || !es_party_any_without_certificate(l))) /* was one when it began */
		return es_hold_reply(h, 403, NULL);
	if (rx.p && rx_schema(l, h))
		return;
	if (strcmp(http_req_method(h->hr), "POST"))
		return es_hold_reply(h, 405, NULL);
	if (!media_type_ok(h->hr))
		return es_hold_reply(h, 415, NULL);
	rx.raw = http_req_body(h->hr, &rx.len);
	if (l->cfg.trace)
		l->cfg.trace(l->cfg.priv, true, rx.raw, rx.len);
	rc = es_soap_dec_reason(&rx.m, &err, &reason, h, rx.raw, rx.len);
	if (!rx.m) {
		counter_inc(CTR_ES_XML);
		LOGP(DES, LOGL_NOTICE, "message from %s refused: %s\n", rx.p ? rx.p->id : http_req_peer_addr(h->hr),
		     err ? : "no memory");
		return reply_fault(h, 400, rx.p ? err : NULL);
	}
	/* Several parties may use one certificate: From chooses among them, and only among them. */
	if (rx.p)
		rx.p = es_party_by_peer(l, h->hr, rx.m->from_entity);
	else if (!by_token(&rx))
		return es_hold_reply(h, 403, NULL);
	if (!es_limit_conn(l, h->hr, rx.p) || !es_limit_rate(rx.p))
		return es_hold_reply(h, 503, NULL);
	rx_decoded(&rx, rc, reason, err);
}

static void http_req_cb(void *priv, struct http_req *hr)
{
	struct es_link *l = priv;
	struct es_hold *h = talloc_zero(l, struct es_hold);

	h->l = l;
	h->hr = hr;
	llist_add_tail(&h->entry, &l->holds);
	talloc_set_destructor(h, es_hold_destroy);
	http_req_set_priv(hr, h);
	rx_http(l, h);
}

/* The caller hung up. What it asked for goes on; the answer is kept for its next attempt (corrections 32). */
static void http_gone_cb(void *priv, struct http_req *hr)
{
	talloc_free(http_req_priv(hr));
}

static void http_closed_cb(void *priv, unsigned long conn_id, const char *psk_identity)
{
	es_limit_closed(priv, conn_id);
}

int es_endpoint_start(struct es_link *l)
{
	const struct http_srv_cfg cfg = {
		.ip = l->cfg.bind_ip,
		.port = l->cfg.bind_port,
		.tls = HTTP_TLS_X509,
		.cert_file = l->cfg.cert_file,
		.key_file = l->cfg.key_file,
		.ca_file = l->cfg.ca_file,
		.crl_file = l->cfg.crl_file,
		.begin_cb = http_begin_cb,
		.req_cb = http_req_cb,
		.gone_cb = http_gone_cb,
		.closed_cb = http_closed_cb,
		.max_body = ES_SOAP_MAX,
		.max_conns = l->cfg.limits.max_conns ? : MAX_CONNS,
		.read_s = l->cfg.limits.read_s ? : READ_S,
		.hold_s = l->cfg.default_validity_s + 60,
		.priv = l,
	};

	if (!l->cfg.bind_ip)	/* a caller that wants its answers in the HTTP replies */
		return 0;
	l->srv = http_srv_new(l, &cfg);
	if (!l->srv)
		return -EIO;
	http_srv_cert_optional(l->srv, es_party_any_without_certificate(l));
	return 0;
}

void es_endpoint_stop(struct es_link *l)
{
	struct es_hold *h, *tmp;

	llist_for_each_entry_safe(h, tmp, &l->holds, entry)
		talloc_free(h);
	http_srv_free(l->srv);
	l->srv = NULL;
}

/* ---- life ---- */

uint16_t es_link_port(const struct es_link *l)
{
	return l->srv ? http_srv_port(l->srv) : 0;
}

static int es_link_destroy(struct es_link *l)
{
	struct es_req *req, *tmp;

	osmo_timer_del(&l->purge);
	es_outbox_stop(l);
	es_endpoint_stop(l);
	llist_for_each_entry_safe(req, tmp, &l->reqs, entry)
		talloc_free(req);	/* unanswered in the database: the next start resumes them */
	return 0;
}

struct es_link *es_link_new(void *ctx, struct sqldb *db)
{
	struct es_link *l = talloc_zero(ctx, struct es_link);

	if (!l)
		return NULL;
	l->db = db;
	INIT_LLIST_HEAD(&l->parties);
	INIT_LLIST_HEAD(&l->holds);
	INIT_LLIST_HEAD(&l->reqs);
	INIT_LLIST_HEAD(&l->peers);
	INIT_LLIST_HEAD(&l->polls);
	INIT_LLIST_HEAD(&l->conns);
	INIT_LLIST_HEAD(&l->nonces);
	hash_init(l->outs);
	hash_init(l->nonce_hash);
	if (es_db_prepare(l) < 0) {
		talloc_free(l);
		return NULL;
	}
	talloc_set_destructor(l, es_link_destroy);
	return l;
}

static void purge_cb(void *data)
{
	struct es_link *l = data;

	es_db_purge(l, clock_now() - ES_KEEP_S);
	osmo_timer_schedule(&l->purge, PURGE_EVERY_S, 0);
}

/* A label may hold anything; in a query it is escaped (1.4). */
static char *query_escape(void *ctx, const char *s)
{
	char *out = talloc_strdup(ctx, "");

	for (; *s; s++)
		if (isalnum((unsigned char)*s) || strchr("-._", *s))
			out = talloc_asprintf_append(out, "%c", *s);
		else
			out = talloc_asprintf_append(out, "%%%02X", (unsigned char)*s);
	return out;
}

static void own_address(struct es_link *l)
{
	const char *url = l->cfg.own_url ? : "http://www.w3.org/2005/08/addressing/anonymous";

	talloc_free(l->own_addr);
	l->own_addr = talloc_asprintf(l, "%s%cEntityId=%s", url, strchr(url, '?') ? '&' : '?', l->cfg.own_id);
	if (l->cfg.own_name && *l->cfg.own_name)
		l->own_addr = talloc_asprintf_append(l->own_addr, "&EntityName=%s", query_escape(l, l->cfg.own_name));
}

void es_link_set_own_url(struct es_link *l, const char *url)
{
	l->cfg.own_url = talloc_strdup(l, url);
	own_address(l);
}

static void cfg_copy(struct es_link *l, const struct es_link_cfg *cfg)
{
	const char **strings[] = { &l->cfg.own_id,    &l->cfg.own_name, &l->cfg.bind_ip, &l->cfg.own_url,
				   &l->cfg.cert_file, &l->cfg.key_file, &l->cfg.ca_file, &l->cfg.crl_file };

	l->cfg = *cfg;
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		*strings[i] = talloc_strdup(l, *strings[i]);
	if (!l->cfg.default_validity_s)
		l->cfg.default_validity_s = VALIDITY_DEFAULT_S;
}

int es_link_start(struct es_link *l, const struct es_link_cfg *cfg)
{
	if (!cfg->own_id || !oid_valid(cfg->own_id) || !cfg->request || l->cli)
		return -EINVAL;
	cfg_copy(l, cfg);
	own_address(l);
	if (es_outbox_start(l) < 0 || es_endpoint_start(l) < 0) {
		es_outbox_stop(l);
		return -EIO;
	}
	osmo_timer_setup(&l->purge, purge_cb, l);
	osmo_timer_schedule(&l->purge, PURGE_EVERY_S, 0);
	return 0;
}

int es_link_reload(struct es_link *l)
{
	return l->srv ? http_srv_reload(l->srv) : 0;
}

char *es_link_new_message_id(struct es_link *l, void *ctx, const char *transaction_id, const struct es_dialect *d)
{
	uint8_t unique[16];
	char *id, *amp;

	rand_bytes(unique, sizeof(unique));
	id = es_message_id(ctx, l->cfg.own_id, unique, transaction_id, clock_now());
	while (d && d->question_mark && (amp = strchr(id, '&')))	/* 1.4: never in a value, those are ours */
		*amp = '?';
	return id;
}
