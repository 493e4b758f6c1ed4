/* The sending half of a CAT_TP link, TS 102 127: PDUs with numbers in one queue, acknowledgement, retransmission of the
 * oldest one, round trip time, SDUs cut to the peer's sizes.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include "cattp_priv.h"

void cattp_tx_pdu(struct cattp_link *l, struct cattp_pdu *p)
{
	struct bytes *out = bytes_new(l, CATTP_PDU_MAX);

	if (!p->src)
		p->src = l->cfg.port;
	p->win = p->flags & CATTP_RST ? 0 : l->cfg.win;
	if (out && cattp_pdu_enc(out, p) == 0) {
		l->stats.tx++;
		l->ops->send_pdu(l->priv, out->data, out->len);
	}
	talloc_free(out);
}

/* Current state: ACK, or EACK naming what is stored out of order. */
void cattp_tx_ack(struct cattp_link *l)
{
	struct cattp_pdu p = { .flags = CATTP_ACK, .dst = l->peer_port, .seq = l->snd_nxt, .ack = l->rcv_cur };
	unsigned i;

	for (i = 1; i <= l->cfg.win; i++)
		if (l->store[(uint16_t)(l->rcv_cur + i) % CATTP_WIN_MAX].used)
			p.eack[p.eack_count++] = l->rcv_cur + i;
	if (p.eack_count)
		p.flags |= CATTP_EAK;
	l->ack_due = false;
	cattp_tx_pdu(l, &p);
}

void cattp_tx_rst(struct cattp_link *l, uint8_t reason)
{
	struct cattp_pdu p = { .flags = CATTP_RST, .dst = l->peer_port, .seq = l->snd_nxt, .reason = reason };

	cattp_tx_pdu(l, &p);
}

/* Refuses a PDU that belongs to no link: a SYN by RST + ACK, others by a RST that fits their window. */
void cattp_tx_refuse(struct cattp_link *l, const struct cattp_pdu *in, uint8_t reason)
{
	struct cattp_pdu p = { .flags = CATTP_RST, .src = in->dst, .dst = in->src, .reason = reason };

	if (in->flags & CATTP_RST)
		return;
	if (in->flags & CATTP_SYN) {
		p.flags |= CATTP_ACK;
		p.ack = in->seq;
	} else {
		p.seq = in->ack + 1;
	}
	cattp_tx_pdu(l, &p);
}

void cattp_tx_numbered(struct cattp_link *l, struct tx_pdu *t)
{
	struct cattp_pdu p = { .flags = t->flags, .dst = l->peer_port, .data = t->data, .data_len = t->len };

	if (!t->tries)
		t->seq = l->snd_nxt++;
	else
		l->stats.retransmitted++;
	t->tries++;
	osmo_gettimeofday(&t->sent, NULL);
	p.seq = t->seq;
	p.ack = p.flags & CATTP_ACK ? l->rcv_cur : 0;
	if (t->flags & CATTP_SYN) {
		p.max_pdu = l->cfg.max_pdu;
		p.max_sdu = l->cfg.max_sdu;
		if (!(t->flags & CATTP_ACK)) {	/* a server's identification is empty */
			p.id = l->id;
			p.id_len = l->id_len;
		}
	}
	cattp_tx_pdu(l, &p);
}

void cattp_tx_arm(struct cattp_link *l)
{
	uint64_t ms = (uint64_t)l->rto_ms << l->backoff;

	if (l->snd_una == l->snd_nxt)
		osmo_timer_del(&l->rtx_timer);
	else
		timer_ms(&l->rtx_timer, ms < l->cfg.rto_max_ms ? ms : l->cfg.rto_max_ms);
}

/* Sends what the peer's window allows. A window of 0 counts as 1: that PDU is the probe (project choice). */
void cattp_tx_some(struct cattp_link *l)
{
	unsigned win = l->snd_win ? l->snd_win : 1;
	bool idle = l->snd_una == l->snd_nxt, sent = false;
	struct tx_pdu *t;

	llist_for_each_entry(t, &l->txq, entry) {
		if (t->tries)
			continue;
		if ((uint16_t)(l->snd_nxt - l->snd_una) >= win)
			break;
		cattp_tx_numbered(l, t);
		sent = true;
	}
	if (sent)
		l->ack_due = false;
	if (sent && idle)
		cattp_tx_arm(l);
}

struct tx_pdu *cattp_tx_new(struct cattp_link *l, uint8_t flags, const uint8_t *data, size_t len)
{
	struct tx_pdu *t = talloc_zero_size(l, sizeof(*t) + len);

	if (!t)
		return NULL;
	t->flags = flags;
	t->len = len;
	if (len)
		memcpy(t->data, data, len);
	llist_add_tail(&t->entry, &l->txq);
	l->pending += len;
	return t;
}

void cattp_tx_free(struct cattp_link *l, struct tx_pdu *t)
{
	l->pending -= t->len;
	llist_del(&t->entry);
	talloc_free(t);
}

/* RTO = min(max, max(min, 2 x SRTT)), from PDUs sent only once. */
static void rtt_sample(struct cattp_link *l, const struct tx_pdu *t)
{
	struct timeval now, d;
	unsigned ms;

	osmo_gettimeofday(&now, NULL);
	timersub(&now, &t->sent, &d);
	if (t->tries != 1 || d.tv_sec < 0 || d.tv_sec > 60)	/* ambiguous, or the clock was set */
		return;
	ms = d.tv_sec * 1000 + d.tv_usec / 1000;
	l->srtt_ms = l->srtt_ms ? (7 * l->srtt_ms + ms) / 8 : ms;
	l->rto_ms = OSMO_MIN(l->cfg.rto_max_ms, OSMO_MAX(l->cfg.rto_min_ms, 2 * l->srtt_ms));
}

static void rx_eack(struct cattp_link *l, const struct cattp_pdu *p)
{
	struct tx_pdu *t;
	unsigned i;

	llist_for_each_entry(t, &l->txq, entry) {
		if (!t->tries)
			break;
		for (i = 0; p->flags & CATTP_EAK && i < p->eack_count; i++)
			t->eacked |= p->eack[i] == t->seq;
	}
}

/* false: it acknowledges what was never sent. One that is old says nothing new, its data may still. */
bool cattp_tx_acked(struct cattp_link *l, const struct cattp_pdu *p)
{
	struct tx_pdu *t, *t2;

	if (diff(p->ack, l->snd_nxt) >= 0)
		return false;
	if (diff(p->ack, l->snd_una) < -1)
		return true;
	l->snd_win = p->win;
	rx_eack(l, p);
	if (diff(p->ack, l->snd_una) < 0)
		return true;
	llist_for_each_entry_safe(t, t2, &l->txq, entry) {
		if (!t->tries || diff(t->seq, p->ack) > 0)
			break;
		if (!t->eacked)
			rtt_sample(l, t);
		cattp_tx_free(l, t);
	}
	l->snd_una = p->ack + 1;
	l->backoff = 0;
	cattp_idle_arm(l);
	cattp_tx_arm(l);
	return true;
}

void cattp_tx_rtx_cb(void *data)
{
	struct cattp_link *l = data;
	struct tx_pdu *t, *oldest = NULL;

	llist_for_each_entry(t, &l->txq, entry) {
		if (!t->tries)
			break;
		if (!oldest)
			oldest = t;
		if (!t->eacked) {
			oldest = t;
			break;
		}
	}
	if (!oldest)
		return;
	if (oldest->tries > l->cfg.retries) {
		cattp_link_abort(l, CATTP_RST_RETRIES);
		return;
	}
	if (l->backoff < 16)
		l->backoff++;
	cattp_tx_numbered(l, oldest);
	cattp_tx_arm(l);
}

int cattp_send_sdu(struct cattp_link *l, const uint8_t *sdu, size_t len)
{
	size_t room = l->peer_max_pdu - CATTP_HDR_LEN, off, n;
	unsigned made = 0;

	if (l->fi->state != ST_OPEN)
		return -ENOTCONN;
	if (!len || len > l->peer_max_sdu)
		return -EMSGSIZE;
	if (len > l->cfg.queue_max || l->pending > l->cfg.queue_max - len)
		return -ENOBUFS;
	for (off = 0; off < len; off += n, made++) {
		n = OSMO_MIN(room, len - off);
		if (!cattp_tx_new(l, CATTP_ACK | (off + n < len ? CATTP_SEG : 0), sdu + off, n))
			break;
	}
	if (off < len) {	/* all or nothing: the newest ones leave again */
		while (made--)
			cattp_tx_free(l, llist_entry(l->txq.prev, struct tx_pdu, entry));
		return -ENOMEM;
	}
	cattp_idle_arm(l);
	cattp_tx_some(l);
	return 0;
}
