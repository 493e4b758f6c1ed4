/* One CAT_TP link, TS 102 127. Sequence numbers count PDUs and wrap: they are compared by the sign of a difference.
 *
 *	client  CLOSED -> SYN_SENT -> OPEN -> CLOSE_WAIT -> CLOSED
 *	server  CLOSED -> LISTEN -> SYN_RCVD -> OPEN -> CLOSE_WAIT -> CLOSED
 *
 * All that consumes a number (SYN, data) goes through one queue; its head is retransmitted. A RST is neither
 * acknowledged nor retransmitted: who still sends to an ended link is told again.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>
#include "cattp_priv.h"

#define S(x) (1 << (x))
#define CLOSE_WAIT_MS 1000

static void state_chg(struct cattp_link *l, enum cattp_st st)
{
	osmo_fsm_inst_state_chg(l->fi, st, 0, 0);
}

/* --- end ------------------------------------------------------------------------------------------------------ */

void cattp_link_end(struct cattp_link *l, uint8_t reason, bool by_peer)
{
	struct tx_pdu *t, *t2;
	unsigned i;

	if (l->fi->state == ST_CLOSE_WAIT || l->fi->state == ST_CLOSED)
		return;
	LOGPFSML(l->fi, LOGL_INFO, "ends: %s%s\n", cattp_reason_text(reason), by_peer ? ", by the peer" : "");
	state_chg(l, ST_CLOSE_WAIT);
	l->reason = reason;
	l->by_peer = by_peer;
	osmo_timer_del(&l->rtx_timer);
	osmo_timer_del(&l->idle_timer);
	llist_for_each_entry_safe(t, t2, &l->txq, entry)
		cattp_tx_free(l, t);
	for (i = 0; i < CATTP_WIN_MAX; i++) {
		TALLOC_FREE(l->store[i].data);
		l->store[i].used = false;
	}
	timer_ms(&l->close_timer, 0);
}

void cattp_link_abort(struct cattp_link *l, uint8_t reason)
{
	cattp_tx_rst(l, reason);
	cattp_link_end(l, reason, false);
}

static void close_cb(void *data)
{
	struct cattp_link *l = data;

	if (l->told) {
		state_chg(l, ST_CLOSED);
		return;
	}
	l->told = true;
	timer_ms(&l->close_timer, CLOSE_WAIT_MS);
	l->ops->closed(l->priv, l->reason, l->by_peer);	/* may free l */
}

static void idle_cb(void *data)
{
	cattp_link_abort(data, CATTP_RST_NORMAL);
}

void cattp_idle_arm(struct cattp_link *l)
{
	if (l->cfg.idle_s)
		osmo_timer_schedule(&l->idle_timer, l->cfg.idle_s, 0);
}

/* --- in ------------------------------------------------------------------------------------------------------- */

/* Next PDU in order. false: the link has ended. */
static bool deliver(struct cattp_link *l, uint8_t flags, const uint8_t *data, size_t len)
{
	struct bytes *sdu;

	if (!len)
		return true;	/* NUL, also between segments */
	cattp_idle_arm(l);
	if (!l->sdu)
		l->sdu = bytes_new(l, l->cfg.max_sdu);
	if (!l->sdu || bytes_put(l->sdu, data, len) < 0) {
		cattp_link_abort(l, CATTP_RST_UNEXPECTED);	/* more than our SYN said */
		return false;
	}
	if (flags & CATTP_SEG)
		return true;
	sdu = l->sdu;
	l->sdu = NULL;
	l->ops->rx_sdu(l->priv, sdu->data, sdu->len);
	talloc_free(sdu);
	return l->fi->state == ST_OPEN;
}

static void drain_store(struct cattp_link *l)
{
	for (;;) {
		struct rx_slot *s = &l->store[(uint16_t)(l->rcv_cur + 1) % CATTP_WIN_MAX];
		struct bytes *data = s->data;
		bool going;

		if (!s->used)
			return;
		s->used = false;
		s->data = NULL;
		l->rcv_cur++;
		going = deliver(l, s->flags, data ? data->data : NULL, data ? data->len : 0);
		talloc_free(data);
		if (!going)
			return;
	}
}

static void store_pdu(struct cattp_link *l, const struct cattp_pdu *p)
{
	struct rx_slot *s = &l->store[p->seq % CATTP_WIN_MAX];

	if (s->used) {
		l->stats.rx_dup++;
		return;
	}
	if (p->data_len) {
		s->data = bytes_dup(l, p->data, p->data_len);
		if (!s->data)
			return;		/* as if it had been lost */
	}
	s->used = true;
	s->flags = p->flags;
	l->stats.rx_out_of_order++;
}

/* Data or NUL of an open link. */
static void rx_numbered(struct cattp_link *l, const struct cattp_pdu *p)
{
	int d = diff(p->seq, l->rcv_cur);

	l->ack_due = true;
	if (d <= 0 || d > l->cfg.win) {
		l->stats.rx_dup++;
		return;
	}
	if (d > 1) {
		store_pdu(l, p);
		return;
	}
	l->rcv_cur++;
	if (deliver(l, p->flags, p->data, p->data_len))
		drain_store(l);
}

static void rx_rst(struct cattp_link *l, const struct cattp_pdu *p)
{
	int d = diff(p->seq, l->rcv_cur);

	if (d < 1 || d > l->cfg.win + 1) {	/* its number is one beyond all that was sent */
		l->stats.rx_bad++;
		return;
	}
	cattp_link_end(l, p->reason, true);
}

static void rx_open(struct cattp_link *l, const struct cattp_pdu *p)
{
	if (p->flags & CATTP_RST) {
		rx_rst(l, p);
		return;
	}
	if (p->flags & CATTP_SYN) {
		if (p->seq == l->rcv_ini) {	/* again: our answer was lost, or the network doubled it */
			cattp_tx_ack(l);
			return;
		}
		cattp_tx_refuse(l, p, CATTP_RST_UNEXPECTED);
		cattp_link_end(l, CATTP_RST_UNEXPECTED, false);
		return;
	}
	if (!cattp_tx_acked(l, p)) {
		l->stats.rx_bad++;
		cattp_tx_ack(l);
		return;
	}
	if (p->data_len || p->flags & CATTP_NUL)
		rx_numbered(l, p);
	if (l->fi->state != ST_OPEN)
		return;
	cattp_tx_some(l);
	/* an EACK is owed even when data went out: only it names what is stored */
	if (l->ack_due)
		cattp_tx_ack(l);
}

static void opened(struct cattp_link *l, const uint8_t *id, size_t id_len)
{
	state_chg(l, ST_OPEN);
	cattp_idle_arm(l);
	l->ops->established(l->priv, id, id_len);
}

static bool take_sizes(struct cattp_link *l, const struct cattp_pdu *p)
{
	if (p->max_pdu < CATTP_PDU_MIN || !p->max_sdu)
		return false;
	l->peer_max_pdu = p->max_pdu;
	l->peer_max_sdu = p->max_sdu;
	l->snd_win = p->win;
	l->rcv_ini = l->rcv_cur = p->seq;
	return true;
}

static void rx_listen(struct cattp_link *l, const struct cattp_pdu *p)
{
	struct tx_pdu *t;

	if ((p->flags & (CATTP_SYN | CATTP_ACK)) != CATTP_SYN) {
		cattp_tx_refuse(l, p, CATTP_RST_UNEXPECTED);
		return;
	}
	if (!take_sizes(l, p)) {
		cattp_tx_refuse(l, p, CATTP_RST_PARAMETERS);
		return;
	}
	t = cattp_tx_new(l, CATTP_SYN | CATTP_ACK, NULL, 0);
	if (!t) {
		cattp_tx_refuse(l, p, CATTP_RST_TEMPORARY);
		return;
	}
	l->peer_port = p->src;
	l->id_len = p->id_len;
	if (p->id_len)
		memcpy(l->id, p->id, p->id_len);
	state_chg(l, ST_SYN_RCVD);
	cattp_tx_numbered(l, t);
	cattp_tx_arm(l);
}

static void rx_syn_sent(struct cattp_link *l, const struct cattp_pdu *p)
{
	if (p->flags & CATTP_RST) {
		if (p->flags & CATTP_ACK && p->ack == l->cfg.ini)
			cattp_link_end(l, p->reason, true);
		return;
	}
	if (!(p->flags & CATTP_ACK) || p->ack != l->cfg.ini || !(p->flags & CATTP_SYN)) {
		cattp_tx_refuse(l, p, CATTP_RST_UNEXPECTED);	/* of an earlier life; ours goes on */
		return;
	}
	if (!take_sizes(l, p)) {
		cattp_link_abort(l, CATTP_RST_PARAMETERS);
		return;
	}
	cattp_tx_acked(l, p);
	cattp_tx_ack(l);
	opened(l, p->id, p->id_len);
}

static void rx_syn_rcvd(struct cattp_link *l, const struct cattp_pdu *p)
{
	if (p->flags & CATTP_RST) {
		rx_rst(l, p);
		return;
	}
	if (p->flags & CATTP_SYN) {
		if (p->seq == l->rcv_ini)
			cattp_tx_numbered(l, llist_first_entry(&l->txq, struct tx_pdu, entry));
		else
			cattp_tx_refuse(l, p, CATTP_RST_UNEXPECTED);
		return;
	}
	if (p->ack != l->cfg.ini) {
		cattp_tx_refuse(l, p, CATTP_RST_UNEXPECTED);
		return;
	}
	cattp_tx_acked(l, p);
	opened(l, l->id, l->id_len);
	if (l->fi->state == ST_OPEN)
		rx_open(l, p);	/* it may bring data */
}

static void rx_closed(struct cattp_link *l, const struct cattp_pdu *p)
{
	if (p->flags & CATTP_SYN)
		cattp_tx_refuse(l, p, CATTP_RST_TEMPORARY);
	else if (!(p->flags & CATTP_RST) && l->fi->state == ST_CLOSE_WAIT)
		cattp_tx_rst(l, l->reason);
}

/* Is it from the peer's port to ours? An unknown port is refused by a server only. */
static bool rx_ports(struct cattp_link *l, const struct cattp_pdu *p)
{
	if (l->fi->state == ST_LISTEN) {
		if (p->dst != l->cfg.port && p->flags & CATTP_SYN)
			cattp_tx_refuse(l, p, CATTP_RST_PORT);
		return p->dst == l->cfg.port;
	}
	return p->dst == l->cfg.port && p->src == l->peer_port;
}

int cattp_rx(struct cattp_link *l, const uint8_t *in, size_t len)
{
	static void (*const rx[])(struct cattp_link *l, const struct cattp_pdu *p) = {
		[ST_CLOSED] = rx_closed, [ST_LISTEN] = rx_listen, [ST_SYN_SENT] = rx_syn_sent,
		[ST_SYN_RCVD] = rx_syn_rcvd, [ST_OPEN] = rx_open, [ST_CLOSE_WAIT] = rx_closed,
	};
	struct cattp_pdu p;
	int rc = cattp_pdu_dec(&p, in, len);

	l->stats.rx++;
	if (!rc && cattp_pdu_len(&p) > l->cfg.max_pdu && l->fi->state != ST_LISTEN)
		rc = -EMSGSIZE;
	if (!rc && !rx_ports(l, &p))
		rc = -ENOENT;
	if (rc == -EPROTONOSUPPORT && l->fi->state == ST_LISTEN && p.flags & CATTP_SYN)
		cattp_tx_refuse(l, &p, CATTP_RST_VERSION);
	if (rc < 0) {
		l->stats.rx_bad++;
		return rc;
	}
	rx[l->fi->state](l, &p);
	return 0;
}

/* --- owner's side --------------------------------------------------------------------------------------------- */

int cattp_listen(struct cattp_link *l)
{
	if (l->fi->state != ST_CLOSED || l->told)
		return -EALREADY;
	state_chg(l, ST_LISTEN);
	return 0;
}

int cattp_open(struct cattp_link *l, uint16_t peer_port, const uint8_t *id, size_t id_len)
{
	struct tx_pdu *t;

	if (l->fi->state != ST_CLOSED || l->told)
		return -EALREADY;
	if (id_len > CATTP_ID_MAX)
		return -EINVAL;
	t = cattp_tx_new(l, CATTP_SYN, NULL, 0);
	if (!t)
		return -ENOMEM;
	l->peer_port = peer_port;
	l->id_len = id_len;
	if (id_len)
		memcpy(l->id, id, id_len);
	state_chg(l, ST_SYN_SENT);
	cattp_tx_numbered(l, t);
	cattp_tx_arm(l);
	return 0;
}

void cattp_close(struct cattp_link *l)
{
	if (l->fi->state == ST_LISTEN)
		cattp_link_end(l, CATTP_RST_NORMAL, false);
	else if (l->fi->state != ST_CLOSED && l->fi->state != ST_CLOSE_WAIT)
		cattp_link_abort(l, CATTP_RST_NORMAL);
}

bool cattp_is_open(const struct cattp_link *l)
{
	return l->fi->state == ST_OPEN;
}

const char *cattp_state(const struct cattp_link *l)
{
	return osmo_fsm_inst_state_name(l->fi);
}

size_t cattp_pending(const struct cattp_link *l)
{
	return l->pending;
}

size_t cattp_peer_max_sdu(const struct cattp_link *l)
{
	return l->peer_max_sdu;
}

const struct cattp_stats *cattp_stats(const struct cattp_link *l)
{
	return &l->stats;
}

void cattp_cfg_default(struct cattp_cfg *cfg, uint16_t port)
{
	*cfg = (struct cattp_cfg) {
		.port = port, .max_pdu = 1024, .max_sdu = 8192, .win = 10, .queue_max = 65536, .rto_ms = 5000,
		.rto_min_ms = 2000, .rto_max_ms = 60000, .retries = 5, .idle_s = 1200,
	};
}

static const struct osmo_fsm_state states[] = {
	[ST_CLOSED] = { .name = "CLOSED", .out_state_mask = S(ST_LISTEN) | S(ST_SYN_SENT) },
	[ST_LISTEN] = { .name = "LISTEN", .out_state_mask = S(ST_SYN_RCVD) | S(ST_CLOSE_WAIT) },
	[ST_SYN_SENT] = { .name = "SYN_SENT", .out_state_mask = S(ST_OPEN) | S(ST_CLOSE_WAIT) },
	[ST_SYN_RCVD] = { .name = "SYN_RCVD", .out_state_mask = S(ST_OPEN) | S(ST_CLOSE_WAIT) },
	[ST_OPEN] = { .name = "OPEN", .out_state_mask = S(ST_CLOSE_WAIT) },
	[ST_CLOSE_WAIT] = { .name = "CLOSE_WAIT", .out_state_mask = S(ST_CLOSED) },
};

/* PDUs and calls of the owner are its events; they carry more than a number. */
static const struct value_string no_events[] = { { 0, NULL } };

static struct osmo_fsm cattp_fsm = {
	.name = "CAT_TP", .states = states, .num_states = ARRAY_SIZE(states), .log_subsys = DCARD,
	.event_names = no_events,
};

static __attribute__((constructor)) void register_fsm(void)
{
	OSMO_ASSERT(osmo_fsm_register(&cattp_fsm) == 0);
}

static int link_destroy(struct cattp_link *l)
{
	osmo_timer_del(&l->rtx_timer);
	osmo_timer_del(&l->idle_timer);
	osmo_timer_del(&l->close_timer);
	osmo_fsm_inst_free(l->fi);
	return 0;
}

struct cattp_link *cattp_link_new(void *ctx, const struct cattp_cfg *cfg, const struct cattp_ops *ops, void *priv)
{
	struct cattp_link *l;

	if (cfg->max_pdu < CATTP_PDU_MIN || !cfg->max_sdu || !cfg->win || cfg->win > CATTP_WIN_MAX || !cfg->rto_ms ||
	    cfg->rto_min_ms > cfg->rto_max_ms)
		return NULL;
	l = talloc_zero(ctx, struct cattp_link);
	if (!l)
		return NULL;
	l->cfg = *cfg;
	l->ops = ops;
	l->priv = priv;
	l->snd_una = l->snd_nxt = cfg->ini;
	l->rto_ms = cfg->rto_ms;
	INIT_LLIST_HEAD(&l->txq);
	osmo_timer_setup(&l->rtx_timer, cattp_tx_rtx_cb, l);
	osmo_timer_setup(&l->idle_timer, idle_cb, l);
	osmo_timer_setup(&l->close_timer, close_cb, l);
	l->fi = osmo_fsm_inst_alloc(&cattp_fsm, l, l, LOGL_DEBUG, NULL);
	if (!l->fi) {
		talloc_free(l);
		return NULL;
	}
	talloc_set_destructor(l, link_destroy);
	return l;
}
