/* An operation is a request at the same handler as ES4's, with the same record (es_link_submit()). Its timeline is what
 * the procedure says of itself (proc_say()).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/es/es_submit.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "json_op.h"

struct watch {			/* until the request is answered */
	struct json_ops *ops;
	int64_t op;
};

static void add_event(struct json_ops *ops, const struct json_op *op, const char *name, const char *outcome)
{
	struct json_event ev = { .op = op->id, .at = clock_now() };

	osmo_strlcpy(ev.name, name, sizeof(ev.name));
	osmo_strlcpy(ev.outcome, outcome ? outcome : "", sizeof(ev.outcome));
	json_db_event_add(ops->db, op->party, &ev);
	if (ops->event)
		ops->event(ops->priv, op->party);
}

static void said(void *priv, int64_t req_id, const char *operation, const char *outcome)
{
	struct json_ops *ops = priv;
	struct json_op op;

	if (!req_id)
		return;
	if (json_db_op_by_req(ops->db, req_id, &op) < 0) {
		/* requests are numbered upwards: an unknown one inside a submission is this very request */
		if (!ops->current || json_db_op_get(ops->db, ops->current, &op) < 0 || op.req_id)
			return;
		json_db_op_req(ops->db, op.id, req_id);
	}
	add_event(ops, &op, operation, outcome);
}

static void end(struct json_ops *ops, struct json_op *op, const struct es_result *r)
{
	op->finished = clock_now();
	osmo_strlcpy(op->status, es_status_name(r->status), sizeof(op->status));
	osmo_strlcpy(op->subject, r->subject, sizeof(op->subject));
	osmo_strlcpy(op->reason, r->reason, sizeof(op->reason));
	osmo_strlcpy(op->message, r->message ? r->message : "", sizeof(op->message));
	json_db_op_end(ops->db, op);
	add_event(ops, op, "finished", op->status);
}

static void answered(void *priv, int64_t id, const struct es_msg *response)
{
	struct watch *w = priv;
	struct json_op op;

	if (json_db_op_get(w->ops->db, w->op, &op) == 0 && !op.finished)
		end(w->ops, &op, &response->b.result);
	talloc_free(w);
}

struct json_ops *json_ops_new(void *ctx, struct euiccs *reg, struct json_db *db)
{
	struct json_ops *ops = talloc_zero(ctx, struct json_ops);

	OSMO_ASSERT(ops);
	ops->reg = reg;
	ops->db = db;
	reg->said = said;
	reg->said_priv = ops;
	return ops;
}

static struct es_msg *request_msg(const struct json_op *op, enum es_func func, uint32_t validity_s)
{
	struct es_msg *m = es_msg_new(NULL, ES4, func, ES_REQUEST);

	OSMO_ASSERT(m);
	m->b.fcid = talloc_asprintf(m, "json-%lld", (long long)op->id);
	m->b.has_eid = eid_from_str(&m->b.eid, op->eid) == 0;
	m->b.validity_s = validity_s;
	OSMO_STRLCPY_ARRAY(m->b.iccid, op->iccid);
	return m;
}

int json_ops_submit(struct json_ops *ops, struct json_op *op, enum es_func func, uint32_t validity_s, const char *key,
		    const uint8_t hash[32], enum es_reason *why)
{
	struct watch *w;
	int64_t req;

	op->func = func;
	op->created = clock_now();
	op->deadline = op->created + (validity_s ? : ops->reg->default_validity_s);
	op->id = json_db_op_add(ops->db, op, key, hash);
	*why = ES_R_INTERNAL;
	if (op->id < 0)
		return -EIO;
	w = talloc_zero(ops, struct watch);
	OSMO_ASSERT(w);
	*w = (struct watch){ ops, op->id };
	ops->current = op->id;
	req = es_link_submit(ops->reg->link, op->party, request_msg(op, func, validity_s), answered, w, why);
	ops->current = 0;
	if (req < 0) {
		talloc_free(w);
		json_db_op_del(ops->db, op->id);
		return -EACCES;
	}
	json_db_op_req(ops->db, op->id, req);
	return json_db_op_get(ops->db, op->id, op);
}

void json_ops_resumed(struct json_ops *ops, struct es_req *req)
{
	struct json_op op;
	struct watch *w;

	if (json_db_op_by_req(ops->db, es_req_id(req), &op) < 0 || op.finished)
		return;
	w = talloc_zero(ops, struct watch);
	OSMO_ASSERT(w);
	*w = (struct watch){ ops, op.id };
	es_submit_watch(req, answered, w);
}

void json_ops_lost(struct json_ops *ops)
{
	/* answered while this interface was off, or dropped with its party: nobody wrote down how, so no verdict (P3) */
	struct es_result r = { .status = ES_EXPIRED,
			       .message = "its request ended while nobody watched: the timeline of the eUICC has its outcome" };
	struct json_op op = { 0 };

	OSMO_STRLCPY_ARRAY(r.subject, es_reason_subject(ES_R_EXPIRED_NO_RESPONSE));
	OSMO_STRLCPY_ARRAY(r.reason, es_reason_code(ES_R_EXPIRED_NO_RESPONSE));
	while (json_db_op_open(ops->db, op.id, &op) == 0)
		if (!es_req_find(ops->reg->link, op.req_id))
			end(ops, &op, &r);
}
