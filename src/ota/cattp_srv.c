/* CAT_TP links of many cards on one UDP socket. A datagram from a stranger costs a look at its identification and at
 * most an answer shorter than itself: memory is spent on a SYN that somebody waits for, and only so many at a time.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/net/udp.h>
#include <osmocom/rsp/ota/cattp_srv.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/logging.h>

#define CATTP_BUCKETS 1024

struct cattp_conn {
	struct llist_head entry;	/* in a bucket */
	struct llist_head half;		/* in cattp_srv.half while the handshake lasts */
	struct cattp_srv *srv;
	struct udp_peer peer;
	char text[UDP_PEER_STR_SIZE];
	struct cattp_link *link;
	struct osmo_timer_list half_timer;
	bool open;
	void *owner;			/* NULL: nobody, or let go */
	struct cattp_stats counted;	/* of the link's figures, already in the process's counters */
};

struct cattp_srv {
	struct udp *udp;
	const struct cattp_srv_limits *limits;
	const struct cattp_srv_ops *ops;
	void *priv;
	uint16_t port;
	struct llist_head bucket[CATTP_BUCKETS];
	struct llist_head half;		/* oldest first */
	unsigned n_links, n_half;
};

void cattp_srv_limits_default(struct cattp_srv_limits *l)
{
	*l = (struct cattp_srv_limits){ .max_links = 10000, .max_half_open = 500, .half_open_s = 20 };
	cattp_cfg_default(&l->link, 0);
	l->link.rto_max_ms = 10000;	/* a card that was reset is noticed within a minute */
}

static struct llist_head *bucket(struct cattp_srv *s, const struct udp_peer *peer)
{
	return &s->bucket[udp_peer_hash(peer) % CATTP_BUCKETS];
}

static struct cattp_conn *conn_find(struct cattp_srv *s, const struct udp_peer *peer)
{
	struct cattp_conn *c;

	llist_for_each_entry(c, bucket(s, peer), entry)
		if (udp_peer_eq(&c->peer, peer))
			return c;
	return NULL;
}

/* --- one link -------------------------------------------------------------------------------------------------- */

static void half_end(struct cattp_conn *c)
{
	osmo_timer_del(&c->half_timer);
	if (llist_empty(&c->half))
		return;
	llist_del(&c->half);
	INIT_LLIST_HEAD(&c->half);
	c->srv->n_half--;
}

static void conn_free(struct cattp_conn *c)
{
	half_end(c);
	llist_del(&c->entry);
	c->srv->n_links--;
	talloc_free(c);
}

/* What went wrong on the way, into the process's counters. */
static void count(struct cattp_conn *c)
{
	const struct cattp_stats *st = cattp_stats(c->link);

	for (; c->counted.retransmitted < st->retransmitted; c->counted.retransmitted++)
		counter_inc(CTR_CATTP_RESENT);
	for (; c->counted.rx_dup < st->rx_dup; c->counted.rx_dup++)
		counter_inc(CTR_CATTP_DUP);
	for (; c->counted.rx_bad < st->rx_bad; c->counted.rx_bad++)
		counter_inc(CTR_CATTP_DROPPED);
}

static void link_send_pdu(void *priv, const uint8_t *pdu, size_t len)
{
	struct cattp_conn *c = priv;

	udp_send(c->srv->udp, &c->peer, pdu, len);
}

static void link_established(void *priv, const uint8_t *id, size_t id_len)
{
	struct cattp_conn *c = priv;

	half_end(c);
	c->open = true;
	counter_inc(CTR_CATTP_LINKS);
	c->owner = c->srv->ops->opened(c->srv->priv, c, id, id_len);
	if (!c->owner)
		cattp_close(c->link);
}

static void link_rx_sdu(void *priv, const uint8_t *sdu, size_t len)
{
	struct cattp_conn *c = priv;

	if (c->owner)
		c->srv->ops->rx_sdu(c->owner, c, sdu, len);
}

static void link_closed(void *priv, uint8_t reason, bool by_peer)
{
	struct cattp_conn *c = priv;

	count(c);
	if (!c->open)
		counter_inc(CTR_CATTP_HALF_OPEN);
	if (c->owner)
		c->srv->ops->closed(c->owner, c, reason, by_peer);
	conn_free(c);
}

static const struct cattp_ops link_ops = {
	.send_pdu = link_send_pdu, .established = link_established, .rx_sdu = link_rx_sdu, .closed = link_closed,
};

static void half_timer_cb(void *data)
{
	struct cattp_conn *c = data;

	LOGP(DCARD, LOGL_INFO, "CAT_TP %s: handshake not completed\n", c->text);
	counter_inc(CTR_CATTP_HALF_OPEN);
	conn_free(c);
}

static struct cattp_conn *conn_new(struct cattp_srv *s, const struct udp_peer *peer)
{
	struct cattp_cfg cfg = s->limits->link;
	struct cattp_conn *c = talloc_zero(s, struct cattp_conn);
	uint8_t r[2];

	if (!c)
		return NULL;
	rand_bytes(r, sizeof(r));
	cfg.port = s->port;
	cfg.ini = r[0] << 8 | r[1];
	c->srv = s;
	c->peer = *peer;
	udp_peer_str(c->text, peer);
	INIT_LLIST_HEAD(&c->half);
	osmo_timer_setup(&c->half_timer, half_timer_cb, c);
	c->link = cattp_link_new(c, &cfg, &link_ops, c);
	if (!c->link || cattp_listen(c->link) < 0) {
		talloc_free(c);
		return NULL;
	}
	llist_add(&c->entry, bucket(s, peer));
	llist_add_tail(&c->half, &s->half);
	s->n_half++;
	s->n_links++;
	osmo_timer_schedule(&c->half_timer, s->limits->half_open_s, 0);
	return c;
}

/* --- in ------------------------------------------------------------------------------------------------------- */

/* Without a link: a SYN gets RST + ACK, others a RST in their window, a RST nothing (ota-transport 7.4). */
static void refuse(struct cattp_srv *s, const struct udp_peer *to, const struct cattp_pdu *in, uint8_t reason)
{
	struct cattp_pdu p = { .flags = CATTP_RST, .src = in->dst, .dst = in->src, .reason = reason };
	struct bytes *out;

	if (in->flags & CATTP_RST)
		return;
	if (in->flags & CATTP_SYN) {
		p.flags |= CATTP_ACK;
		p.ack = in->seq;
	} else {
		p.seq = in->ack + 1;
	}
	out = bytes_new(s, 64);
	if (out && cattp_pdu_enc(out, &p) == 0)
		udp_send(s->udp, to, out->data, out->len);
	talloc_free(out);
}

/* Room for one more handshake: an old one that gets nowhere gives way, others do not. */
static bool half_room(struct cattp_srv *s)
{
	struct cattp_conn *c = llist_first_entry_or_null(&s->half, struct cattp_conn, half);
	struct timeval left;

	if (s->n_links < s->limits->max_links && s->n_half < s->limits->max_half_open)
		return true;
	if (!c || osmo_timer_remaining(&c->half_timer, NULL, &left) < 0 ||
	    left.tv_sec * 1000 + left.tv_usec / 1000 > (long)s->limits->half_open_s * 750)
		return false;
	counter_inc(CTR_CATTP_HALF_OPEN);
	conn_free(c);
	return s->n_links < s->limits->max_links && s->n_half < s->limits->max_half_open;
}

static void rx_stranger(struct cattp_srv *s, const struct udp_peer *from, const uint8_t *data, size_t len)
{
	struct cattp_conn *c;
	struct cattp_pdu p;
	int rc = cattp_pdu_dec(&p, data, len);

	if (rc == -EPROTONOSUPPORT && p.flags & CATTP_SYN)
		refuse(s, from, &p, CATTP_RST_VERSION);
	if (rc < 0 || !(p.flags & CATTP_SYN)) {
		counter_inc(CTR_CATTP_DROPPED);
		if (rc == 0)
			refuse(s, from, &p, CATTP_RST_UNEXPECTED);	/* a link of before our restart */
		return;
	}
	if (p.dst != s->port) {
		counter_inc(CTR_CATTP_UNKNOWN);
		refuse(s, from, &p, CATTP_RST_PORT);
		return;
	}
	if (!s->ops->expected(s->priv, p.id, p.id_len)) {
		counter_inc(CTR_CATTP_UNKNOWN);
		refuse(s, from, &p, CATTP_RST_TEMPORARY);
		return;
	}
	c = half_room(s) ? conn_new(s, from) : NULL;
	if (!c) {
		counter_inc(CTR_CATTP_REFUSED);
		refuse(s, from, &p, CATTP_RST_TEMPORARY);
		return;
	}
	LOGP(DCARD, LOGL_INFO, "CAT_TP %s: SYN\n", c->text);
	cattp_rx(c->link, data, len);
}

static void udp_rx(void *priv, const struct udp_peer *from, const uint8_t *data, size_t len)
{
	struct cattp_srv *s = priv;
	struct cattp_conn *c = conn_find(s, from);

	if (!c) {
		rx_stranger(s, from, data, len);
		return;
	}
	cattp_rx(c->link, data, len);	/* frees nothing: closed() comes from a timer */
	count(c);
}

/* --- the owner's side ------------------------------------------------------------------------------------------ */

int cattp_conn_send(struct cattp_conn *c, const uint8_t *sdu, size_t len)
{
	return cattp_send_sdu(c->link, sdu, len);
}

size_t cattp_conn_max_sdu(const struct cattp_conn *c)
{
	return OSMO_MIN(cattp_peer_max_sdu(c->link), c->srv->limits->link.queue_max);
}

size_t cattp_conn_pending(const struct cattp_conn *c)
{
	return cattp_pending(c->link);
}

void cattp_conn_close(struct cattp_conn *c)
{
	c->owner = NULL;
	cattp_close(c->link);
}

const char *cattp_conn_peer(const struct cattp_conn *c)
{
	return c->text;
}

char *cattp_conn_describe(const struct cattp_conn *c, void *ctx)
{
	const struct cattp_stats *st = cattp_stats(c->link);

	return talloc_asprintf(ctx, "%s %s, %zu octets unacknowledged, PDUs: %u in (%u twice, %u bad), %u out (%u again)",
			       c->text, cattp_state(c->link), cattp_pending(c->link), st->rx, st->rx_dup, st->rx_bad,
			       st->tx, st->retransmitted);
}

char *cattp_srv_describe(struct cattp_srv *s, void *ctx, unsigned max, const char *(*name)(const void *owner))
{
	const struct udp_stats *u = udp_stats(s->udp);
	char *out = talloc_asprintf(ctx, "%u link(s) of %u, %u half open of %u; datagrams: %lu in, %lu out, %lu too long,"
				    " %lu not sent\n", s->n_links, s->limits->max_links, s->n_half,
				    s->limits->max_half_open, u->rx, u->tx, u->rx_long, u->tx_dropped);
	struct cattp_conn *c;
	unsigned i;

	for (i = 0; i < CATTP_BUCKETS; i++) {
		llist_for_each_entry(c, &s->bucket[i], entry) {
			char *line;

			if (!max)
				return talloc_strdup_append(out, "the list is cut\n");
			max--;
			line = cattp_conn_describe(c, out);
			out = talloc_asprintf_append(out, "%s %s\n", c->owner ? name(c->owner) : "-", line);
			talloc_free(line);
		}
	}
	return out;
}

uint16_t cattp_srv_port(const struct cattp_srv *s)
{
	return s->port;
}

struct cattp_srv *cattp_srv_new(void *ctx, const char *bind_ip, uint16_t bind_port,
				const struct cattp_srv_limits *limits, const struct cattp_srv_ops *ops, void *priv)
{
	struct cattp_srv *s = talloc_zero(ctx, struct cattp_srv);
	const struct udp_cfg cfg = { .ip = bind_ip, .port = bind_port, .rx = udp_rx, .priv = s, .queue_max = 8192 };
	unsigned i;

	if (!s)
		return NULL;
	s->limits = limits;
	s->ops = ops;
	s->priv = priv;
	for (i = 0; i < CATTP_BUCKETS; i++)
		INIT_LLIST_HEAD(&s->bucket[i]);
	INIT_LLIST_HEAD(&s->half);
	s->udp = udp_new(s, &cfg);
	if (!s->udp) {
		talloc_free(s);
		return NULL;
	}
	s->port = udp_port(s->udp);
	return s;
}

void cattp_srv_free(struct cattp_srv *s)
{
	struct cattp_conn *c, *tmp;
	unsigned i;

	if (!s)
		return;
	for (i = 0; i < CATTP_BUCKETS; i++) {
		llist_for_each_entry_safe(c, tmp, &s->bucket[i], entry) {
			cattp_conn_close(c);
			conn_free(c);
		}
	}
	udp_flush(s->udp);
	talloc_free(s);
}
