/* CAT_TP on the card, receiving and life of the link: TS 102 127 5.3, 5.4; ota-transport digest 7. Each SDU is one secured
 * packet (digest 1.10, 7.6).
 *
 *	CLOSED -> CHANNEL -> READY -> SYN_SENT -> OPEN -> CLOSE_WAIT -> CLOSED
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/scp80.h>
#include <osmocom/rsp/util/misc.h>

#include "card_cattp_int.h"
#include "card_ota.h"
#include "card_switch.h"

#define FIRST_RTO_MS 5000
#define CLOSE_WAIT_MS 1000
#define SLACK_MS 100		/* a timer of whole seconds may be a little early */
#define ICCID_LEN 10

const char *card_cattp_state(const struct card *c)
{
	static const char *const names[] = { "closed", "channel", "ready", "syn-sent", "open", "close-wait" };

	return names[c->cattp->state];
}

const struct card_cattp_stats *card_cattp_stats(const struct card *c)
{
	return &c->cattp->stats;
}

struct card_cattp *card_cattp_new(struct card *c)
{
	return talloc_zero(c, struct card_cattp);
}

/* Back to CLOSED; the toolkit's timer is the caller's business. */
static void forget(struct card *c)
{
	struct card_cattp *l = c->cattp;
	struct card_cattp_stats stats = l->stats;

	talloc_free(l->ctx);
	memset(l, 0, sizeof(*l));
	l->stats = stats;
}

void card_cattp_reset(struct card *c)
{
	forget(c);
}

static void end(struct card *c, const char *why)
{
	LOGCARD(c, LOGL_INFO, "CAT_TP link ended: %s\n", why);
	card_udp_close(c, CARD_UDP_CATTP);
	c->cattp->rto_at = c->cattp->idle_at = c->cattp->close_at = 0;
	link_timer(c);
	forget(c);
	card_switch_refresh(c);
}

/* Neither end sends any more; a late PDU of the peer dies in here. */
static void close_wait(struct card *c)
{
	struct card_cattp *l = c->cattp;

	l->state = LINK_CLOSE_WAIT;
	l->rto_at = l->idle_at = 0;
	l->close_at = clock_now_ms() + CLOSE_WAIT_MS;
	link_timer(c);
}

static void abort_link(struct card *c, uint8_t reason)
{
	link_control(c, CATTP_RST, reason);
	close_wait(c);
}

/* The change of profile that a script asked for waits until its answer is with the server: REFRESH ends the link. */
static void leave_when_said(struct card *c)
{
	struct card_cattp *l = c->cattp;

	if (l->state == LINK_OPEN && card_switch_pending(c) && llist_empty(&l->sent) && llist_empty(&l->wait))
		abort_link(c, CATTP_RST_NORMAL);
}

static void heard(struct card_cattp *l, const struct card *c)
{
	l->idle_at = c->env->cfg.cattp_idle_s ? clock_now_ms() + 1000LL * c->env->cfg.cattp_idle_s : 0;
}

/* --- in --- */

static void sdu_part(struct card *c, uint8_t flags, const uint8_t *data, size_t len)
{
	struct card_cattp *l = c->cattp;
	struct bytes *whole;

	if (flags & CATTP_NUL || !len)
		return;
	if (!l->sdu)
		l->sdu = bytes_new(l->ctx, l->own_sdu_max);
	bytes_put(l->sdu, data, len);
	if (flags & CATTP_SEG)
		return;
	whole = talloc_steal(c, l->sdu);
	l->sdu = NULL;
	if (!whole->err) {
		l->stats.sdu_in++;
		card_ota_packet(c, whole->data, whole->len);
	}
	talloc_free(whole);
}

static void keep(struct card_cattp *l, const struct cattp_pdu *p)
{
	struct llist_head *before = &l->ahead;
	struct link_pdu *d;

	llist_for_each_entry(d, &l->ahead, entry) {
		if (d->seq == p->seq) {
			l->stats.rx_dup++;
			return;
		}
		if (link_diff(d->seq, p->seq) < 0)
			before = &d->entry;
	}
	d = talloc_zero_size(l->ctx, sizeof(*d) + p->data_len);
	d->seq = p->seq;
	d->flags = p->flags;
	d->len = p->data_len;
	if (d->len)
		memcpy(d->data, p->data, d->len);
	llist_add(&d->entry, before);
	l->stats.rx_ooo++;
}

/* What waited for the one that was missing. */
static void catch_up(struct card *c)
{
	struct card_cattp *l = c->cattp;
	struct link_pdu *d;

	while (l->state == LINK_OPEN && !llist_empty(&l->ahead)) {
		d = llist_first_entry(&l->ahead, struct link_pdu, entry);
		if (d->seq != (uint16_t)(l->cur + 1))
			return;
		llist_del(&d->entry);
		l->cur = d->seq;
		sdu_part(c, d->flags, d->data, d->len);
		talloc_free(d);
	}
}

static void rx_numbered(struct card *c, const struct cattp_pdu *p)
{
	struct card_cattp *l = c->cattp;
	int16_t d = link_diff(p->seq, l->cur);

	l->ack_due = true;
	if (d <= 0) {
		l->stats.rx_dup++;
	} else if (d == 1) {
		heard(l, c);
		l->cur = p->seq;
		sdu_part(c, p->flags, p->data, p->data_len);
		catch_up(c);
	} else if (d <= LINK_WIN) {
		keep(l, p);
	}
	if (l->state == LINK_OPEN && l->ack_due) {
		if (llist_empty(&l->ahead))
			link_control(c, CATTP_ACK, 0);
		else
			link_eack(c);
	}
}

static void rx_open(struct card *c, const struct cattp_pdu *p)
{
	struct card_cattp *l = c->cattp;
	int16_t ahead = link_diff(p->seq, l->cur);

	if (p->flags & CATTP_RST) {
		if (ahead < 0 || ahead > LINK_WIN + 1) {
			l->stats.rx_bad++;
			return;
		}
		LOGCARD(c, LOGL_INFO, "CAT_TP: the server closes (%s)\n", cattp_reason_text(p->reason));
		close_wait(c);
	} else if (p->flags & CATTP_SYN) {
		/* SYN+ACK again: our ACK was lost. A fresh SYN has no business here. */
		if (p->flags & CATTP_ACK && p->ack == l->ini)
			link_control(c, CATTP_ACK, 0);
		else
			abort_link(c, CATTP_RST_UNEXPECTED);
	} else {
		link_acked(c, p);
		if (p->data_len || p->flags & CATTP_NUL)
			rx_numbered(c, p);
		if (l->state == LINK_OPEN)
			link_pump(c);
		leave_when_said(c);
	}
}

static void rx_syn_sent(struct card *c, const struct cattp_pdu *p)
{
	struct card_cattp *l = c->cattp;

	if (p->ack != l->ini || !(p->flags & CATTP_ACK)) {
		l->stats.rx_bad++;
		return;
	}
	if (p->flags & CATTP_RST) {
		LOGCARD(c, LOGL_NOTICE, "CAT_TP link refused: %s\n", cattp_reason_text(p->reason));
		end(c, "refused");
		return;
	}
	if (!(p->flags & CATTP_SYN)) {
		l->stats.rx_bad++;
		return;
	}
	if (p->max_pdu < CATTP_PDU_MIN || !p->max_sdu) {
		l->cur = p->seq;
		link_control(c, CATTP_RST | CATTP_ACK, CATTP_RST_PARAMETERS);
		end(c, "sizes too small");
		return;
	}
	l->cur = p->seq;
	l->pdu_max = OSMO_MIN(p->max_pdu, card_udp_buffer(c, CARD_UDP_CATTP));
	l->sdu_max = p->max_sdu;
	l->state = LINK_OPEN;
	link_acked(c, p);
	heard(l, c);
	link_control(c, CATTP_ACK, 0);
	link_pump(c);
	l->stats.links++;
	LOGCARD(c, LOGL_INFO, "CAT_TP link open, PDUs up to %u, SDUs up to %u octets\n", l->pdu_max, l->sdu_max);
}

static void rx(struct card *c, const uint8_t *data, size_t len)
{
	struct card_cattp *l = c->cattp;
	struct cattp_pdu p;

	l->stats.rx++;
	if (cattp_pdu_dec(&p, data, len) < 0 || p.src != l->peer || p.dst != l->port) {
		l->stats.rx_bad++;
		return;
	}
	if (l->state == LINK_SYN_SENT)
		rx_syn_sent(c, &p);
	else if (l->state == LINK_OPEN)
		rx_open(c, &p);
}

/* --- life --- */

static void opened(struct card *c, const struct bip_resp *r)
{
	struct card_cattp *l = c->cattp;
	void (*cb)(struct card *c, const struct bip_resp *r) = l->opened;

	if (l->state != LINK_CHANNEL)
		return;
	l->opened = NULL;
	if (r->result < 0x10) {
		l->state = LINK_READY;
		/* a channel on which no link follows does not stay for ever */
		heard(l, c);
		link_timer(c);
	} else {
		LOGCARD(c, LOGL_NOTICE, "CAT_TP: no channel, result %02X\n", r->result);
		forget(c);
	}
	cb(c, r);
}

static void dropped(struct card *c)
{
	end(c, "link dropped");
}

static const struct card_udp_ops udp_ops = { .opened = opened, .rx = rx, .dropped = dropped };

int card_cattp_channel(struct card *c, struct bip_cmd *open, void (*cb)(struct card *c, const struct bip_resp *r))
{
	struct card_cattp *l = c->cattp;
	int rc;

	if (l->state == LINK_OPEN)
		link_control(c, CATTP_RST, CATTP_RST_NORMAL);
	if (l->state != LINK_CLOSED)
		end(c, "opened anew");
	rc = card_udp_open(c, CARD_UDP_CATTP, open, &udp_ops);
	if (rc < 0)
		return rc;
	l->ctx = talloc_named_const(c, 0, "CAT_TP link");
	INIT_LLIST_HEAD(&l->sent);
	INIT_LLIST_HEAD(&l->wait);
	INIT_LLIST_HEAD(&l->ahead);
	l->opened = cb;
	l->state = LINK_CHANNEL;
	return 0;
}

/* As in EF-ICCID (TS 102 226 9.2.2). */
static size_t iccid(const struct card *c, uint8_t out[ICCID_LEN])
{
	const struct isd_p *p = card_isdp_enabled(c);
	int n = p ? bcd_swapped_enc(out, ICCID_LEN, p->iccid) : 0;

	return n > 0 ? n : 0;
}

int card_cattp_link(struct card *c, uint16_t port, uint16_t max_sdu, const uint8_t *id, size_t id_len)
{
	struct card_cattp *l = c->cattp;
	uint8_t r[4];

	if (l->state != LINK_READY || id_len > sizeof(l->id))
		return l->state != LINK_READY ? -ENOTCONN : -EMSGSIZE;
	rand_bytes(r, sizeof(r));
	l->port = 0xC000 | r[0];
	l->peer = port;
	l->ini = r[2] << 8 | r[3];
	l->nxt = l->una = l->ini;
	l->win = 1;
	l->own_sdu_max = max_sdu ? OSMO_MIN(max_sdu, SCP80_PACKET_MAX) : SCP80_PACKET_MAX;
	l->rto_ms = FIRST_RTO_MS;
	l->id_len = id_len;
	if (id_len)
		memcpy(l->id, id, id_len);
	else
		l->id_len = iccid(c, l->id);
	l->state = LINK_SYN_SENT;
	link_queue(c, CATTP_SYN, NULL, 0);
	link_pump(c);
	return 0;
}

int card_cattp_send(struct card *c, const uint8_t *sdu, size_t len)
{
	struct card_cattp *l = c->cattp;
	size_t room, n;

	if (l->state != LINK_OPEN)
		return -ENOTCONN;
	room = l->pdu_max - CATTP_HDR_LEN;
	if (!len || len > l->sdu_max)
		return -EMSGSIZE;
	if ((len + room - 1) / room > LINK_QUEUE_MAX - l->n_wait)
		return -ENOBUFS;
	for (; len; sdu += n, len -= n) {
		n = OSMO_MIN(len, room);
		link_queue(c, n < len ? CATTP_ACK | CATTP_SEG : CATTP_ACK, sdu, n);
	}
	heard(l, c);
	l->stats.sdu_out++;
	link_pump(c);
	return 0;
}

void card_cattp_timeout(struct card *c)
{
	struct card_cattp *l = c->cattp;
	int64_t now = clock_now_ms() + SLACK_MS;

	l->timer_at = 0;
	if (l->state == LINK_CLOSED)
		return;
	if (l->close_at && l->close_at <= now) {
		end(c, "closed");
		return;
	}
	if (l->rto_at && l->rto_at <= now && !link_again(c)) {
		if (l->state == LINK_OPEN) {
			abort_link(c, CATTP_RST_RETRIES);
		} else {
			end(c, "the server does not answer");
		}
		return;
	}
	if (l->idle_at && l->idle_at <= now) {
		if (l->state == LINK_OPEN)
			abort_link(c, CATTP_RST_NORMAL);
		else
			end(c, "idle");
		return;
	}
	link_timer(c);
}
