/* Messages to peers: stored first, sent after commit, in order per (party, EID), 16 transfers per party at a time,
 * retried under the same MessageID while the peer is unreachable (off-card.md 1.5, corrections 10). A call ends exactly
 * once.
 *
 *	party (es_peer) --- lane (party, EID): es_out, es_out, ...	only the head of a lane is ever under way
 *	a call that was taken with 202 leaves its lane and waits for its callback (ES_OUT_WAITING)
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/counters.h>

#include "es_link_priv.h"
#include "es_soap.h"

#define TRANSFER_S 60

struct es_peer {
	struct llist_head entry;	/* es_link.peers */
	char *id;
	unsigned inflight, queued;
	struct llist_head lanes;
};

struct es_lane {
	struct llist_head entry;	/* es_peer.lanes */
	struct es_peer *peer;
	char *eid;
	struct llist_head outs;
};

struct es_out {
	struct hlist_node node;		/* es_link.outs */
	struct llist_head entry;	/* es_lane.outs, while queued */
	struct es_link *l;
	struct es_peer *peer;
	struct es_lane *lane;		/* NULL: waiting for the callback */
	int64_t id, next_attempt, deadline, made;
	unsigned attempts;
	enum es_iface iface;
	enum es_func func;
	enum es_kind kind;
	bool stored;			/* the row is committed */
	bool inflight;
	char *url, *message_id, *tag;
};

#define LOG_OUT(o, level, fmt, args...) \
	LOGP(DES, level, "out#%" PRId64 " to %s: " fmt, (o)->id, (o)->peer->id, ## args)

static void peer_run(struct es_link *l, struct es_peer *peer);

/* ---- places ---- */

static struct es_peer *peer_get(struct es_link *l, const char *id)
{
	struct es_peer *p;

	llist_for_each_entry(p, &l->peers, entry)
		if (!strcmp(p->id, id))
			return p;
	p = talloc_zero(l, struct es_peer);
	p->id = talloc_strdup(p, id);
	INIT_LLIST_HEAD(&p->lanes);
	llist_add_tail(&p->entry, &l->peers);
	return p;
}

static struct es_lane *lane_get(struct es_peer *peer, const char *eid)
{
	struct es_lane *lane;

	llist_for_each_entry(lane, &peer->lanes, entry)
		if (!strcmp(lane->eid, eid))
			return lane;
	lane = talloc_zero(peer, struct es_lane);
	lane->peer = peer;
	lane->eid = talloc_strdup(lane, eid);
	INIT_LLIST_HEAD(&lane->outs);
	llist_add_tail(&lane->entry, &peer->lanes);
	return lane;
}

static void lane_leave(struct es_out *o)
{
	if (!o->lane)
		return;
	llist_del(&o->entry);
	if (llist_empty(&o->lane->outs)) {
		llist_del(&o->lane->entry);
		talloc_free(o->lane);
	}
	o->lane = NULL;
}

/* Rows loaded from the database stand before those made since. */
static void lane_join(struct es_out *o, const char *eid)
{
	struct llist_head *at;

	o->lane = lane_get(o->peer, eid);
	for (at = o->lane->outs.prev; at != &o->lane->outs; at = at->prev)
		if (llist_entry(at, struct es_out, entry)->id < o->id)
			break;
	llist_add(&o->entry, at);
}

static int out_destroy(struct es_out *o)
{
	txn_forget(o->l->db, o);
	if (o->inflight) {
		http_cli_cancel(o->l->cli, o);
		o->peer->inflight--;
	}
	lane_leave(o);
	hash_del(&o->node);
	o->peer->queued--;
	o->l->n_outs--;
	return 0;
}

static struct es_out *out_find(struct es_link *l, int64_t id)
{
	struct es_out *o;

	hash_for_each_possible(l->outs, o, node, (uint32_t)id)
		if (o->id == id)
			return o;
	return NULL;
}

static struct es_out *out_new(struct es_link *l, const struct es_out_row *row)
{
	struct es_out *o = talloc_zero(l, struct es_out);

	o->l = l;
	o->peer = peer_get(l, row->party);
	o->id = row->id;
	o->next_attempt = row->next_attempt;
	o->deadline = row->deadline;
	o->made = clock_now();
	o->attempts = row->attempts;
	o->iface = row->iface;
	o->func = row->func;
	o->kind = row->kind;
	o->url = talloc_strdup(o, row->url);
	o->message_id = talloc_strdup(o, row->message_id);
	o->tag = talloc_strdup(o, row->tag);
	hash_add(l->outs, &o->node, (uint32_t)o->id);
	o->peer->queued++;
	l->n_outs++;
	if (row->state == ES_OUT_QUEUED)
		lane_join(o, row->eid);
	talloc_set_destructor(o, out_destroy);
	if (!osmo_timer_pending(&l->tick))
		osmo_timer_schedule(&l->tick, 1, 0);
	return o;
}

/* ---- ends ---- */

/* Out of the database and out of memory; then, for a call, its owner is told, once. o is gone. */
static void out_end(struct es_out *o, const struct es_msg *response, const char *why)
{
	struct es_link *l = o->l;
	struct es_peer *peer = o->peer;
	char *tag = talloc_steal(l, o->tag);
	bool is_call = o->kind == ES_REQUEST;

	es_db_out_delete(l, o->id);
	talloc_free(o);
	if (is_call && l->cfg.response)
		l->cfg.response(l->cfg.priv, tag, response, why);
	talloc_free(tag);
	peer_run(l, peer);
}

/* Refused for good, or never delivered: a call ends, anything else stays in the table for a person to look at. */
static void out_give_up(struct es_out *o, const char *why)
{
	struct es_link *l = o->l;
	struct es_peer *peer = o->peer;

	counter_inc(CTR_ES_DEAD);
	LOG_OUT(o, LOGL_ERROR, "given up: %s\n", why);
	if (o->kind == ES_REQUEST)
		return out_end(o, NULL, why);
	es_db_out_state(l, o->id, ES_OUT_PARKED);
	talloc_free(o);
	peer_run(l, peer);
}

static void out_retry(struct es_out *o, int status)
{
	static const uint8_t backoff[] = { 1, 2, 5, 10, 30, 60 };
	unsigned i = o->attempts < sizeof(backoff) ? o->attempts : sizeof(backoff) - 1;

	o->attempts++;
	o->next_attempt = clock_now() + backoff[i];
	LOG_OUT(o, LOGL_INFO, "attempt %u failed (%d), again in %u s\n", o->attempts, status, backoff[i]);
	es_db_out_retry(o->l, o->id, o->attempts, o->next_attempt);
	peer_run(o->l, o->peer);
}

/* The peer took a call with 202: its answer comes as callback, and the next message of the lane may go. */
static void out_wait(struct es_out *o)
{
	es_db_out_state(o->l, o->id, ES_OUT_WAITING);
	lane_leave(o);
	peer_run(o->l, o->peer);
}

/* ---- one transfer ---- */

static void rx_reply(struct es_out *o, int status, const uint8_t *body, size_t len)
{
	struct es_msg *m = NULL;
	char *err = NULL, *why;
	int rc = 0;

	if (o->kind != ES_REQUEST && (!len || status != 200))
		return out_end(o, NULL, NULL);	/* taken */
	if (!len)
		return out_wait(o);
	rc = es_soap_dec(&m, &err, o->l, body, len);
	if (rc == -EPROTO && status == 200) {
		why = talloc_asprintf(o->l, "SOAP fault: %s", err ? : "without a reason");
		out_give_up(o, why);
		talloc_free(why);
	} else if (o->kind != ES_REQUEST) {
		out_end(o, NULL, NULL);		/* whatever it said, it was not a fault */
	} else if (rc == 0 && m->kind == ES_RESPONSE && m->iface == o->iface && m->func == o->func) {
		out_end(o, m, NULL);
	} else {	/* with 202 some stack's idea of an empty reply; with 200 the peer may have acted: no verdict */
		if (status != 202)
			LOG_OUT(o, LOGL_ERROR, "reply not understood (%s), waiting for a callback\n",
				err ? : "not the response to this call");
		out_wait(o);
	}
	talloc_free(m);
	talloc_free(err);
}

static void transfer_done(void *priv, int status, const uint8_t *body, size_t len)
{
	struct es_out *o = priv;
	struct es_link *l = o->l;
	char why[40];

	o->inflight = false;
	o->peer->inflight--;
	if (l->cfg.trace && len)
		l->cfg.trace(l->cfg.priv, true, body, len);
	txn_event_begin(l->db);
	if (status >= 200 && status < 300) {
		rx_reply(o, status, body, len);
	} else if (status >= 500 || status == 429 || (status < 0 && status != -EMSGSIZE && status != -EINVAL)) {
		out_retry(o, status);
	} else {
		snprintf(why, sizeof(why), status < 0 ? "transfer error %d" : "refused with HTTP status %d", status);
		out_give_up(o, why);
	}
	txn_event_end(l->db, 1);
}

/* Only hands over: it runs after a commit or from the timer. */
static void out_send(struct es_out *o)
{
	struct bytes *body = es_db_out_body(o->l, o, o->id, o->message_id);
	const struct es_party *p = es_party_find(o->l, o->peer->id);
	int rc;

	if (!body) {	/* its event was undone before the commit */
		talloc_free(o);
		return;
	}
	if (p && p->set.user)	/* made now: a token is good for some minutes only */
		body = es_soap_add_token(body, es_wss_make(body, p));
	if (o->l->cfg.trace)
		o->l->cfg.trace(o->l->cfg.priv, false, body->data, body->len);
	rc = http_cli_post(o->l->cli, o->url, ES_SOAP_CONTENT_TYPE, body->data, body->len, transfer_done, o);
	talloc_free(body);
	if (rc < 0) {
		LOG_OUT(o, LOGL_ERROR, "cannot send: %s\n", strerror(-rc));
		o->next_attempt = clock_now() + 60;	/* until its deadline: the configuration may be mended */
		return;
	}
	LOG_OUT(o, LOGL_INFO, "attempt %u, %s\n", o->attempts + 1, o->url);
	o->inflight = true;
	o->peer->inflight++;
}

static void peer_run(struct es_link *l, struct es_peer *peer)
{
	struct es_lane *lane, *tmp;
	int64_t now = clock_now();
	const struct es_party *p;
	struct es_out *o;
	unsigned max;

	if (!l->cli)
		return;
	p = es_party_find(l, peer->id);
	max = p && p->set.max_inflight ? p->set.max_inflight : ES_INFLIGHT_DEFAULT;
	llist_for_each_entry_safe(lane, tmp, &peer->lanes, entry) {
		if (peer->inflight >= max)
			return;
		o = llist_first_entry(&lane->outs, struct es_out, entry);
		if (o->stored && !o->inflight && o->next_attempt <= now && o->deadline > now)
			out_send(o);
	}
}

static void out_stored(void *data)
{
	struct es_out *o = data;

	o->stored = true;
	peer_run(o->l, o->peer);
}

/* ---- time ---- */

static void out_expire(struct es_out *o)
{
	struct es_link *l = o->l;

	txn_event_begin(l->db);
	if (o->kind == ES_REQUEST) {
		LOG_OUT(o, LOGL_NOTICE, "call expired\n");
		out_end(o, NULL, "expired");
	} else {
		out_give_up(o, "not delivered in time");
	}
	txn_event_end(l->db, 1);
}

static void tick_cb(void *data)
{
	struct es_link *l = data;
	struct es_peer *peer;
	int64_t now = clock_now();
	int64_t *late = NULL;
	size_t n = 0;
	struct es_out *o;
	size_t bkt;

	hash_for_each(l->outs, bkt, o, node) {
		if (o->deadline > now && (o->stored || o->made + 60 > now))
			continue;
		late = talloc_realloc(l, late, int64_t, n + 1);
		late[n++] = o->id;
	}
	for (size_t i = 0; i < n; i++) {
		o = out_find(l, late[i]);	/* the owner of an earlier one may have cancelled it */
		if (o && !o->stored)
			talloc_free(o);		/* never committed */
		else if (o)
			out_expire(o);
	}
	talloc_free(late);
	llist_for_each_entry(peer, &l->peers, entry)
		peer_run(l, peer);
	hash_for_each(l->outs, bkt, o, node)
		if (l->cfg.poll && !o->lane && o->kind == ES_REQUEST)
			es_poll(l, o->peer->id);
	if (l->n_outs)
		osmo_timer_schedule(&l->tick, 1, 0);
}

/* ---- for the other files ---- */

int es_outbox_start(struct es_link *l)
{
	const struct http_cli_cfg cfg = {
		.cert_file = l->cfg.cert_file,
		.key_file = l->cfg.key_file,
		.ca_file = l->cfg.ca_file,
		/* Without ReplyTo the peer holds the transfer until it has the answer. */
		.timeout_s = l->cfg.own_url || l->cfg.poll ? TRANSFER_S
							   : OSMO_MAX(TRANSFER_S, l->cfg.default_validity_s + 60),
		.max_inflight = 256,
		.max_body = ES_SOAP_MAX,
	};

	osmo_timer_setup(&l->tick, tick_cb, l);
	l->cli = http_cli_new(l, &cfg);
	return l->cli ? 0 : -EIO;
}

void es_outbox_stop(struct es_link *l)
{
	struct hlist_node *tmp;
	struct es_out *o;
	size_t bkt;

	osmo_timer_del(&l->tick);
	hash_for_each_safe(l->outs, bkt, tmp, o, node)
		talloc_free(o);
	osmo_timer_del(&l->tick);
	http_cli_free(l->cli);
	l->cli = NULL;
}

void es_outbox_load(struct es_link *l)
{
	struct es_out_row *row;
	struct es_peer *peer;
	struct es_out *o;
	int64_t id = 0;

	while ((row = es_db_out_next(l, l, id))) {
		id = row->id;
		o = out_find(l, id);
		if (!o) {
			o = out_new(l, row);
			o->stored = true;
		}
		talloc_free(row);
	}
	if (l->n_outs)
		LOGP(DES, LOGL_NOTICE, "%u messages to send or calls open\n", l->n_outs);
	llist_for_each_entry(peer, &l->peers, entry)
		peer_run(l, peer);
}

static char *eid_of(void *ctx, const struct es_msg *m)
{
	char buf[EID_STR_SIZE];

	if (m->b.has_eid)
		return talloc_strdup(ctx, eid_str(buf, &m->b.eid));
	return talloc_strdup(ctx, m->b.eis ? eid_str(buf, &m->b.eis->eid) : "");
}

int es_outbox_add(struct es_link *l, const char *party, const char *url, const struct es_msg *m,
		  const struct bytes *body, const char *tag, int64_t deadline)
{
	struct es_out_row row = {
		.party = (char *)party,
		.url = (char *)url,
		.iface = m->iface,
		.func = m->func,
		.kind = m->kind,
		.message_id = m->message_id,
		.tag = (char *)tag,
		.deadline = deadline,
		.state = ES_OUT_QUEUED,
		.eid = eid_of(l, m),
	};
	const struct es_party *p = es_party_find(l, party);
	struct es_out *stale, *o;
	unsigned max;
	int64_t id;

	if (!deadline)
		row.deadline = clock_now() + (p && p->set.give_up_s ? p->set.give_up_s : ES_GIVE_UP_DEFAULT);
	/* Answers are owed and always find room: there are no more of them than requests were let in. */
	max = p && p->set.max_queued ? p->set.max_queued : ES_QUEUED_DEFAULT;
	if (m->kind != ES_RESPONSE && peer_get(l, party)->queued >= max) {
		counter_inc(CTR_ES_QUEUE);
		LOGP(DES, LOGL_ERROR, "%s-%s to %s not queued: too many wait\n", es_iface_name(m->iface),
		     es_func_name(m->func), party);
		talloc_free(row.eid);
		return -ENOBUFS;
	}
	id = es_db_out_insert(l, &row, m, body);
	if (id >= 0) {
		stale = out_find(l, id);	/* of an event that was undone: its number is used again */
		talloc_free(stale);
		row.id = id;
		o = out_new(l, &row);
		txn_after_commit(l->db, out_stored, o);
	}
	talloc_free(row.eid);
	return id < 0 ? -EIO : 0;
}

int es_outbox_callback(struct es_link *l, const struct es_party *p, const struct es_msg *m)
{
	int64_t id = es_db_out_correlate(l, p->id, m);
	struct es_out *o = id < 0 ? NULL : out_find(l, id);

	if (!o)
		return -ENOENT;
	out_end(o, m, NULL);
	return 0;
}

/* ---- public ---- */

int es_call(struct es_link *l, const char *party_id, struct es_msg *m, const char *tag, int64_t deadline)
{
	struct es_party *p = es_party_find(l, party_id);
	struct bytes *body = NULL;
	int rc = -EINVAL;

	if (!p || !p->url || !*p->url || !l->own_addr || m->kind == ES_RESPONSE) {
		talloc_free(m);
		return p && (!p->url || !*p->url) ? -EHOSTUNREACH : !p ? -ENOENT : -EINVAL;
	}
	m->from = l->own_addr;
	m->from_entity = (char *)l->cfg.own_id;
	m->to = p->url;
	m->to_entity = p->id;
	if (m->kind == ES_REQUEST)
		m->reply_to = l->cfg.own_url || !l->cfg.poll ? (char *)l->cfg.own_url : es_poll_address(l, m);
	if (!m->dialect)
		m->dialect = &p->set.dialect;
	if (!m->message_id)
		m->message_id = es_link_new_message_id(l, m, m->transaction_id, m->dialect);
	if (!deadline && m->kind == ES_REQUEST)
		deadline = clock_now() + l->cfg.default_validity_s + 60;
	body = es_soap_enc(m, m);
	if (body)
		rc = es_outbox_add(l, p->id, p->url, m, body, tag ? : "", deadline);
	talloc_free(m);
	return rc;
}

void es_call_cancel(struct es_link *l, const char *tag)
{
	struct hlist_node *tmp;
	struct es_out *o;
	size_t bkt;

	es_db_out_delete_tag(l, tag);
	hash_for_each_safe(l->outs, bkt, tmp, o, node)
		if (o->kind == ES_REQUEST && !strcmp(o->tag, tag))
			talloc_free(o);
}

unsigned es_link_outbox_len(struct es_link *l)
{
	return l->n_outs;
}

static const char *out_kind(const struct es_out *o)
{
	return o->kind == ES_REQUEST ? "call" : o->kind == ES_RESPONSE ? "callback" : "notification";
}

static const char *out_stage(const struct es_out *o)
{
	if (!o->lane)
		return "waiting for the callback";
	if (o->inflight)
		return "under way";
	return o->attempts ? "backing off" : "queued";
}

char *es_link_describe_outbox(struct es_link *l, void *ctx)
{
	char *text = talloc_asprintf(ctx, "%u messages, %u given up\n", l->n_outs, es_db_out_count_parked(l));
	int64_t now = clock_now();
	unsigned lines = 0;
	struct es_out *o;
	size_t bkt;

	hash_for_each(l->outs, bkt, o, node) {
		if (++lines > 1000)
			break;
		text = talloc_asprintf_append(text, " #%" PRId64 " %s-%s %s to %s%s%s, attempts %u, %s, %d s left\n",
					      o->id, es_iface_name(o->iface), es_func_name(o->func), out_kind(o),
					      o->peer->id, o->lane && *o->lane->eid ? " EID " : "",
					      o->lane ? o->lane->eid : "", o->attempts, out_stage(o),
					      (int)(o->deadline - now));
	}
	text = es_db_out_describe_parked(l, text, 100);
	return text;
}

/* ---- what was given up ---- */

unsigned es_link_outbox_retry(struct es_link *l, const char *party)
{
	unsigned n;

	txn_event_begin(l->db);
	n = es_db_out_unpark(l, party, clock_now() + ES_GIVE_UP_DEFAULT);
	txn_event_end(l->db, 1);
	txn_commit(l->db);
	es_outbox_load(l);
	return n;
}

unsigned es_link_outbox_drop(struct es_link *l, const char *party)
{
	unsigned n;

	txn_event_begin(l->db);
	n = es_db_out_drop(l, party);
	txn_event_end(l->db, 1);
	return n;
}
