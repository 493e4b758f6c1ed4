/* A received request: owed exactly one answer (design.md P4). On disk before anybody acts on it, until 24 hours after
 * its answer; a restart hands the unanswered ones to the owner again.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>

#include "es_link_priv.h"
#include "es_xml.h"

#define LOG_REQ(r, level, fmt, args...) \
	LOGP(DES, level, "%s-%s#%lld from %s: " fmt, es_iface_name((r)->msg->iface), es_func_name((r)->msg->func), \
	     (long long)(r)->id, (r)->party->id, ## args)

static int es_req_destroy(struct es_req *req)
{
	es_req_unhold(req);
	llist_del(&req->entry);
	return 0;
}

static struct es_party *party_copy(void *ctx, const struct es_party *p)
{
	struct es_party *c = talloc_zero(ctx, struct es_party);

	*c = *p;
	memset(&c->set, 0, sizeof(c->set));	/* who it is was asked before; no secrets in copies */
	c->set.dialect = p->set.dialect;
	c->set.strict_callback = p->set.strict_callback;
	c->fpr = talloc_strdup(c, p->fpr);
	c->url = talloc_strdup(c, p->url);
	return c;
}

struct es_req *es_req_new(struct es_link *l, const struct es_party *p, struct es_msg *msg)
{
	struct es_req *req = talloc_zero(l, struct es_req);

	if (!req)
		return NULL;
	req->l = l;
	req->msg = talloc_steal(req, msg);
	req->party = party_copy(req, p);
	req->poll = msg->reply_to && es_req_is_poll(msg->reply_to);
	if (msg->reply_to && !req->poll)
		req->callback_url = es_party_callback_url(req, p, msg->reply_to);
	llist_add_tail(&req->entry, &l->reqs);
	talloc_set_destructor(req, es_req_destroy);
	return req;
}

void es_req_unhold(struct es_req *req)
{
	if (!req->hold)
		return;
	req->hold->req = NULL;
	req->hold = NULL;
}

const struct es_msg *es_req_msg(const struct es_req *req)
{
	return req->msg;
}

const struct es_party *es_req_party(const struct es_req *req)
{
	return req->party;
}

int64_t es_req_id(const struct es_req *req)
{
	return req->id;
}

int64_t es_req_deadline(const struct es_req *req)
{
	return req->deadline;
}

struct es_req *es_req_find(struct es_link *l, int64_t id)
{
	struct es_req *req;

	llist_for_each_entry(req, &l->reqs, entry)
		if (req->id == id)
			return req;
	return NULL;
}

struct es_msg *es_req_response(struct es_req *req, enum es_status status, enum es_reason reason, const char *subject_id,
			       const char *message)
{
	struct es_msg *resp = es_msg_new(req, req->msg->iface, req->msg->func, ES_RESPONSE);

	es_result_set(resp, status, reason, subject_id, message);
	return resp;
}

bool es_req_is_poll(const char *reply_to)
{
	return !strncmp(reply_to, NS_WSMC "/anonymous?id=", strlen(NS_WSMC "/anonymous?id=")) &&
	       reply_to[strlen(NS_WSMC "/anonymous?id=")];
}

/* off-card.md 1.5.1: From, To, a new MessageID in the transaction of the request, RelatesTo exactly as it was received;
 * in the namespace of the request (1.2), else in the party's dialect
 */
struct bytes *es_req_envelope(struct es_link *l, void *ctx, const struct es_party *p, const struct es_msg *msg,
			      struct es_msg *resp, int64_t received)
{
	struct es_dialect dialect = p->set.dialect;
	struct bytes *text;

	dialect.old_ns = msg->old_ns;
	resp->dialect = &dialect;
	resp->from = l->own_addr;
	resp->from_entity = (char *)l->cfg.own_id;
	resp->to = msg->reply_to ? : msg->from;
	resp->to_entity = msg->reply_to && es_req_is_poll(msg->reply_to) ? NULL : msg->from_entity;
	resp->relates_to = msg->message_id;
	resp->message_id = es_link_new_message_id(l, resp, msg->transaction_id, &dialect);
	if (!resp->b.processing_start)
		resp->b.processing_start = received;
	resp->b.processing_end = clock_now();
	text = es_soap_enc(ctx, resp);
	resp->dialect = NULL;
	return text;
}

/* The envelope; an answer that cannot be written (too large) becomes an internal error, for an answer is owed. */
static struct bytes *answer_envelope(struct es_req *req, struct es_msg *resp)
{
	struct bytes *body = NULL;

	if (resp->iface == req->msg->iface && resp->func == req->msg->func && resp->kind == ES_RESPONSE)
		body = es_req_envelope(req->l, req, req->party, req->msg, resp, req->received);
	if (body)
		return body;
	LOG_REQ(req, LOGL_ERROR, "answer cannot be written\n");
	resp = es_req_response(req, ES_FAILED, ES_R_INTERNAL, NULL, NULL);
	return es_req_envelope(req->l, req, req->party, req->msg, resp, req->received);
}

/* The HTTP reply is the way for a caller without ReplyTo; and for what is decided before the 202: every failure, and
 * the functions that need no card (off-card.md 1.5.1, 1.5.2). */
static bool answer_in_reply(const struct es_req *req, const struct es_msg *resp)
{
	if (!req->callback_url && !req->poll)
		return true;
	if (!req->in_handler || !req->hold)
		return false;
	return es_func_is_sync(req->msg->func) ||
	       (resp->b.result.status == ES_FAILED && !req->party->set.strict_callback);
}

static void answer_store(struct es_req *req, struct es_msg *resp, const struct bytes *body, bool in_reply)
{
	struct es_link *l = req->l;

	es_db_req_answer(l, req->id,
			 in_reply    ? ES_REQ_REPLIED
			 : req->poll ? ES_REQ_TO_FETCH
				     : ES_REQ_CALLED_BACK,
			 body);
	if (in_reply && req->hold)
		es_hold_reply(req->hold, 200, body);
	else if (!in_reply && !req->poll)
		es_outbox_add(l, req->party->id, req->callback_url, resp, body, "", 0);
}

void es_req_respond(struct es_req *req, struct es_msg *resp)
{
	bool in_reply = answer_in_reply(req, resp);
	struct bytes *body;

	talloc_steal(req, resp);
	body = answer_envelope(req, resp);
	LOG_REQ(req, LOGL_INFO, "%s %s/%s (%s)\n", es_status_name(resp->b.result.status), resp->b.result.subject,
		resp->b.result.reason, in_reply ? "reply" : req->poll ? "to be fetched" : "callback");
	answer_store(req, resp, body, in_reply);
	if (req->done)
		req->done(req->done_priv, req->id, resp);
	talloc_free(req);
}

void es_req_respond_err(struct es_req *req, enum es_reason reason, const char *subject_id, const char *message)
{
	es_req_respond(req, es_req_response(req, ES_FAILED, reason, subject_id, message));
}

/* ---- after a restart ---- */

static void resume_one(struct es_link *l, const struct es_req_row *row)
{
	struct es_party *p = es_party_find(l, row->party);
	struct es_req *req;
	struct es_msg *msg = NULL;
	char *err = NULL;

	if (row->body && es_soap_dec(&msg, &err, l, row->body->data, row->body->len) < 0)
		LOGP(DES, LOGL_ERROR, "request #%lld cannot be read again: %s\n", (long long)row->id, err);
	talloc_free(err);
	if (!msg || !p) {
		LOGP(DES, LOGL_ERROR, "request #%lld of %s given up: unreadable or no such party any more\n",
		     (long long)row->id, row->party);
		es_db_req_answer(l, row->id, ES_REQ_REPLIED, NULL);
		talloc_free(msg);
		return;
	}
	req = es_req_new(l, p, msg);
	req->id = row->id;
	req->received = row->received;
	req->deadline = row->deadline;
	LOG_REQ(req, LOGL_NOTICE, "taken up again\n");
	l->cfg.request(l->cfg.priv, req, true);
}

static void resume_requests(struct es_link *l)
{
	struct es_req_row *row;
	int64_t id = 0;

	while ((row = es_db_req_next_open(l, l, id))) {
		id = row->id;
		if (!es_req_find(l, id)) {
			txn_event_begin(l->db);
			resume_one(l, row);
			txn_event_end(l->db, 1);
		}
		talloc_free(row);
	}
}

void es_link_resume(struct es_link *l)
{
	l->resumed = true;
	es_outbox_load(l);
	resume_requests(l);
}
