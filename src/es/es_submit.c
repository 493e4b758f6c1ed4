/* Requests that come by another door than SOAP: the same rights, limits, record and handler.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <talloc.h>
#include <osmocom/rsp/es/es_submit.h>
#include <osmocom/rsp/util/counters.h>

#include "es_link_priv.h"

static enum es_reason allowed(struct es_link *l, struct es_party *p, const struct es_msg *m)
{
	if (!es_role_may(m->iface, m->func, p->role) || m->kind != ES_REQUEST)
		return ES_R_CALLER_NOT_ALLOWED;
	if (m->b.validity_s > es_link_max_validity(l))
		return ES_R_VALIDITY_REFUSED;
	if (es_db_req_count_open(l, p->id) < (p->set.max_open ? : ES_OPEN_DEFAULT))
		return ES_R_NONE;
	counter_inc(CTR_ES_OPEN);
	return ES_R_BUSY;
}

/* As on the wire, so that a restart can read it again. */
static int64_t submit_store(struct es_link *l, struct es_party *p, struct es_msg *m, struct es_req_row *row)
{
	struct bytes *body;
	int64_t id = -EIO;

	m->from_entity = p->id;
	if (!m->message_id)
		m->message_id = es_link_new_message_id(l, m, m->transaction_id, NULL);
	row->party = p->id;
	row->message_id = m->message_id;
	row->received = clock_now();
	row->deadline = row->received + (m->b.validity_s ? : l->cfg.default_validity_s);
	row->state = ES_REQ_OPEN;
	body = es_soap_enc(m, m);
	if (body)
		id = es_db_req_insert(l, row, m, body->data, body->len);
	return id;
}

int64_t es_link_submit(struct es_link *l, const char *party, struct es_msg *m, es_submit_cb done, void *priv,
		       enum es_reason *why)
{
	struct es_party *p = es_party_find(l, party);
	struct es_req_row row = { 0 };
	struct es_req *req;
	int64_t id = -EPERM;

	*why = p ? allowed(l, p, m) : ES_R_CALLER_UNKNOWN;
	if (*why == ES_R_NONE) {
		id = submit_store(l, p, m, &row);
		*why = id < 0 ? ES_R_INTERNAL : ES_R_NONE;
	}
	if (id < 0) {
		counter_inc(CTR_ES_REFUSED);
		talloc_free(m);
		return id;
	}
	req = es_req_new(l, p, m);
	req->id = id;
	req->received = row.received;
	req->deadline = row.deadline;
	req->done = done;
	req->done_priv = priv;
	counter_inc(CTR_ES_ACCEPTED);
	LOGP(DES, LOGL_INFO, "%s-%s#%lld from %s accepted\n", es_iface_name(m->iface), es_func_name(m->func),
	     (long long)id, p->id);
	l->cfg.request(l->cfg.priv, req, false);
	return id;
}

bool es_submit_admit(struct es_link *l, const char *party)
{
	struct es_party *p = es_party_find(l, party);

	return p && es_limit_rate(p);
}

void es_submit_watch(struct es_req *req, es_submit_cb done, void *priv)
{
	req->done = done;
	req->done_priv = priv;
}
