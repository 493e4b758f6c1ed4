/* CAT_TP on the card, sending: numbers, window, retransmission of the oldest, round trip time, the one toolkit timer
 * (TS 102 127 5.5 to 5.7; ota-transport digest 7.2, 7.5).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/misc.h>

#include "card_cattp_int.h"

#define RTO_MIN_MS 2000
#define RTO_MAX_MS 60000
#define RETRIES 5

int16_t link_diff(uint16_t a, uint16_t b)
{
	return (int16_t)(uint16_t)(a - b);
}

/* --- the wire --- */

static void transmit(struct card *c, struct cattp_pdu *p)
{
	struct card_cattp *l = c->cattp;
	struct bytes *b = bytes_new(c, CATTP_PDU_MAX);

	p->src = l->port;
	p->dst = l->peer;
	if (cattp_pdu_enc(b, p) == 0) {
		l->stats.tx++;
		card_udp_send(c, CARD_UDP_CATTP, b->data, b->len);
	}
	talloc_free(b);
	l->ack_due = false;
}

void link_control(struct card *c, uint8_t flags, uint8_t reason)
{
	const struct card_cattp *l = c->cattp;
	struct cattp_pdu p = { .flags = flags, .seq = l->nxt, .ack = l->cur, .win = LINK_WIN, .reason = reason };

	if (flags & CATTP_RST) {	/* says nothing about what was received */
		p.ack = flags & CATTP_ACK ? l->cur : 0;
		p.win = 0;
	}
	transmit(c, &p);
}

void link_eack(struct card *c)
{
	const struct card_cattp *l = c->cattp;
	struct cattp_pdu p = { .flags = CATTP_ACK | CATTP_EAK, .seq = l->nxt, .ack = l->cur, .win = LINK_WIN };
	const struct link_pdu *d;

	llist_for_each_entry(d, &l->ahead, entry)
		if (p.eack_count < CATTP_EACK_MAX)
			p.eack[p.eack_count++] = d->seq;
	transmit(c, &p);
}

/* A copy keeps its number; acknowledgement and window are today's. */
static void send_pdu(struct card *c, struct link_pdu *d)
{
	struct card_cattp *l = c->cattp;
	struct cattp_pdu p = { .flags = d->flags, .seq = d->seq, .win = LINK_WIN, .data = d->data, .data_len = d->len };

	if (d->flags & CATTP_SYN) {
		p.max_pdu = card_udp_buffer(c, CARD_UDP_CATTP);
		p.max_sdu = l->own_sdu_max;
		p.id = l->id;
		p.id_len = l->id_len;
	} else {
		p.ack = l->cur;
	}
	if (d->sent++)
		l->stats.again++;
	d->sent_ms = clock_now_ms();
	transmit(c, &p);
	if (!l->rto_at)
		l->rto_at = d->sent_ms + l->rto_ms;
}

int link_queue(struct card *c, uint8_t flags, const uint8_t *data, size_t len)
{
	struct card_cattp *l = c->cattp;
	struct link_pdu *d;

	if (l->n_wait >= LINK_QUEUE_MAX)
		return -ENOBUFS;
	d = talloc_zero_size(l->ctx, sizeof(*d) + len);
	d->flags = flags;
	d->len = len;
	if (len)
		memcpy(d->data, data, len);
	llist_add_tail(&d->entry, &l->wait);
	l->n_wait++;
	return 0;
}

/* As many as the peer's window takes, counted from the oldest number it has not acknowledged. */
void link_pump(struct card *c)
{
	struct card_cattp *l = c->cattp;
	struct link_pdu *d, *d2;

	llist_for_each_entry_safe(d, d2, &l->wait, entry) {
		if ((uint16_t)(l->nxt - l->una) >= l->win)
			break;
		llist_del(&d->entry);
		l->n_wait--;
		d->seq = l->nxt++;
		llist_add_tail(&d->entry, &l->sent);
		send_pdu(c, d);
	}
	/* a closed window with nothing on its way: nobody else will ever say that it is open again */
	if (!llist_empty(&l->wait) && llist_empty(&l->sent) && !l->rto_at)
		l->rto_at = clock_now_ms() + l->rto_ms;
	link_timer(c);
}

/* --- acknowledgements --- */

static void rtt_sample(struct card_cattp *l, int64_t ms)
{
	ms = OSMO_MAX(ms, 0);
	l->srtt_ms = l->srtt_ms ? (7 * l->srtt_ms + ms) / 8 : OSMO_MAX(ms, 1);
	l->rto_ms = OSMO_MIN(RTO_MAX_MS, OSMO_MAX(RTO_MIN_MS, 2 * l->srtt_ms));
}

static bool in_eack(const struct cattp_pdu *p, uint16_t seq)
{
	unsigned i;

	for (i = 0; i < p->eack_count; i++)
		if (p->eack[i] == seq)
			return true;
	return false;
}

void link_acked(struct card *c, const struct cattp_pdu *p)
{
	struct card_cattp *l = c->cattp;
	struct link_pdu *d, *d2;
	bool news = false;

	if (link_diff(p->ack, l->nxt) >= 0 || link_diff(p->ack, l->una) < -1)
		return;		/* acknowledges what was never sent, or older news than we have */
	l->win = p->win;
	llist_for_each_entry_safe(d, d2, &l->sent, entry) {
		if (link_diff(d->seq, p->ack) <= 0) {
			if (d->sent == 1 && !d->eacked)
				rtt_sample(l, clock_now_ms() - d->sent_ms);
			llist_del(&d->entry);
			talloc_free(d);
			news = true;
		} else if (in_eack(p, d->seq)) {
			d->eacked = true;
		}
	}
	if (!news)
		return;
	l->una = p->ack + 1;
	l->rto_at = llist_empty(&l->sent) ? 0 : clock_now_ms() + l->rto_ms;
}

bool link_again(struct card *c)
{
	struct card_cattp *l = c->cattp;
	struct link_pdu *d;

	l->rto_at = 0;
	l->rto_ms = OSMO_MIN(RTO_MAX_MS, 2 * l->rto_ms);
	llist_for_each_entry(d, &l->sent, entry) {
		if (d->eacked)
			continue;
		if (d->sent > RETRIES)
			return false;
		send_pdu(c, d);
		return true;
	}
	/* all of them are there, but the acknowledgement was lost; or the window is closed: ask */
	if (!llist_empty(&l->sent) || !llist_empty(&l->wait)) {
		link_control(c, CATTP_ACK, 0);
		l->rto_at = clock_now_ms() + l->rto_ms;
	}
	return true;
}

/* --- time --- */

static int64_t sooner(int64_t a, int64_t b)
{
	return !a ? b : !b ? a : OSMO_MIN(a, b);
}

void link_timer(struct card *c)
{
	struct card_cattp *l = c->cattp;
	int64_t at = sooner(sooner(l->rto_at, l->idle_at), l->close_at), now = clock_now_ms();

	if (!at) {
		if (l->timer_at)
			card_cat_timer_stop(c, CARD_TIMER_CATTP);
		l->timer_at = 0;
		return;
	}
	if (l->timer_at && l->timer_at <= at)
		return;		/* it fires early enough, and is set anew then: a deadline moves with every PDU */
	card_cat_timer_start(c, CARD_TIMER_CATTP, at > now ? (at - now + 999) / 1000 : 1);
	l->timer_at = at;
}
