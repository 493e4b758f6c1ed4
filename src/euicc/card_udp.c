/* UDP channels of the card. A datagram goes out as SEND DATA commands of which the last says "send now", and comes
 * in as RECEIVE DATA until nothing is left (TS 102 223 6.4.29, 6.4.30; ota-transport digest 6.3).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "card_cat.h"
#include "card_int.h"
#include "card_udp.h"

#define UDP_QUEUE_MAX 64	/* datagrams */
#define UDP_DATAGRAM_MAX 1500

struct udp_datagram {
	struct llist_head entry;
	size_t len, at;
	uint8_t data[];
};

struct card_udp {
	enum card_udp_user user;
	uintptr_t id;			/* answers to commands of an older channel are not for this one */
	const struct card_udp_ops *ops;
	uint8_t channel;		/* 0: not open yet */
	uint16_t buffer;
	struct llist_head queue;
	unsigned len;
	bool sending, receiving, more, closing;
	struct bytes *rx;
};

static struct card_udp *by_id(const struct card *c, const void *id)
{
	int i;

	for (i = 0; i < CARD_UDP_USERS; i++)
		if (c->udp[i] && c->udp[i]->id == (uintptr_t)id)
			return c->udp[i];
	return NULL;
}

static struct card_udp *by_channel(const struct card *c, uint8_t channel)
{
	int i;

	for (i = 0; i < CARD_UDP_USERS; i++)
		if (channel && c->udp[i] && c->udp[i]->channel == channel)
			return c->udp[i];
	return NULL;
}

static void close_channel(struct card *c, uint8_t channel)
{
	struct bip_cmd cmd = { .type = BIP_CLOSE_CHANNEL, .dst = BIP_DEV_CHANNEL + channel };

	card_cat_queue(c, &cmd, NULL, NULL);
}

static void forget(struct card *c, struct card_udp *u)
{
	c->udp[u->user] = NULL;
	talloc_free(u);
}

void card_udp_reset(struct card *c)
{
	int i;

	for (i = 0; i < CARD_UDP_USERS; i++)
		TALLOC_FREE(c->udp[i]);
}

/* --- out --- */

static void pump(struct card *c, struct card_udp *u);

static void send_cb(struct card *c, const struct bip_resp *r, void *priv)
{
	struct card_udp *u = by_id(c, priv);
	struct udp_datagram *d;

	if (!u)
		return;
	u->sending = false;
	d = llist_first_entry(&u->queue, struct udp_datagram, entry);
	if (r->result >= 0x20 || d->at == d->len) {
		llist_del(&d->entry);
		u->len--;
		talloc_free(d);
	}
	pump(c, u);
}

static void pump(struct card *c, struct card_udp *u)
{
	struct udp_datagram *d = llist_first_entry_or_null(&u->queue, struct udp_datagram, entry);
	struct bip_cmd cmd = { .type = BIP_SEND_DATA, .dst = BIP_DEV_CHANNEL + u->channel };
	size_t n;

	if (u->sending || !u->channel)
		return;
	if (!d) {
		if (u->closing) {
			close_channel(c, u->channel);
			forget(c, u);
		}
		return;
	}
	n = OSMO_MIN(d->len - d->at, (size_t)BIP_SEND_MAX);
	cmd.data = (struct bip_str) { d->data + d->at, n };
	d->at += n;
	cmd.qualifier = d->at == d->len;
	u->sending = card_cat_queue(c, &cmd, send_cb, (void *)u->id) == 0;
	if (!u->sending) {	/* no room in the toolkit: lost, as a datagram may be */
		llist_del(&d->entry);
		u->len--;
		talloc_free(d);
	}
}

void card_udp_send(struct card *c, enum card_udp_user user, const uint8_t *data, size_t len)
{
	struct card_udp *u = c->udp[user];
	struct udp_datagram *d;

	if (!u || u->closing || !len || len > UDP_DATAGRAM_MAX || u->len >= UDP_QUEUE_MAX)
		return;
	d = talloc_zero_size(u, sizeof(*d) + len);
	d->len = len;
	memcpy(d->data, data, len);
	llist_add_tail(&d->entry, &u->queue);
	u->len++;
	pump(c, u);
}

/* --- in --- */

static void recv_cb(struct card *c, const struct bip_resp *r, void *priv);

static void receive(struct card *c, struct card_udp *u)
{
	struct bip_cmd cmd = { .type = BIP_RECEIVE_DATA, .dst = BIP_DEV_CHANNEL + u->channel,
			       .data_len = BIP_DATA_MAX };

	u->more = false;
	u->receiving = card_cat_queue(c, &cmd, recv_cb, (void *)u->id) == 0;
}

static void recv_cb(struct card *c, const struct bip_resp *r, void *priv)
{
	struct card_udp *u = by_id(c, priv);
	struct bytes *whole;

	if (!u)
		return;
	u->receiving = false;
	if (r->result >= 0x20) {
		TALLOC_FREE(u->rx);	/* half a datagram is none, and no beginning of the next */
		return;
	}
	if (!u->rx)
		u->rx = bytes_new(u, UDP_DATAGRAM_MAX);
	if (r->data.len)
		bytes_put(u->rx, r->data.v, r->data.len);
	if (r->has_data_len && r->data_len) {
		receive(c, u);
		return;
	}
	if (u->more)
		receive(c, u);
	whole = talloc_steal(c, u->rx);
	u->rx = NULL;
	if (whole->len && !whole->err && !u->closing)
		u->ops->rx(c, whole->data, whole->len);
	talloc_free(whole);
}

bool card_udp_data_available(struct card *c, uint8_t channel)
{
	struct card_udp *u = by_channel(c, channel);

	if (!u)
		return false;
	if (u->receiving)
		u->more = true;
	else if (!u->closing)
		receive(c, u);
	return true;
}

/* --- life --- */

bool card_udp_dropped(struct card *c, uint8_t channel)
{
	struct card_udp *u = by_channel(c, channel);
	const struct card_udp_ops *ops;
	bool told;

	if (!u)
		return false;
	ops = u->ops;
	told = u->closing;
	forget(c, u);
	if (!told)
		ops->dropped(c);
	return true;
}

static void open_cb(struct card *c, const struct bip_resp *r, void *priv)
{
	struct card_udp *u = by_id(c, priv);
	bool ok = r->result < 0x10 && r->channel & 0x07;
	const struct card_udp_ops *ops;

	if (!u || u->closing) {	/* nobody wants it any more */
		if (ok)
			close_channel(c, r->channel & 0x07);
		if (u)
			forget(c, u);
		return;
	}
	ops = u->ops;
	if (ok) {
		u->channel = r->channel & 0x07;
		if (r->has_buffer)
			u->buffer = r->buffer;
	} else {
		forget(c, u);
	}
	ops->opened(c, r);
}

int card_udp_open(struct card *c, enum card_udp_user user, struct bip_cmd *open, const struct card_udp_ops *ops)
{
	struct card_udp *u = c->udp[user];
	int rc;

	if (u) {
		if (u->channel)
			close_channel(c, u->channel);
		forget(c, u);
	}
	u = talloc_zero(c, struct card_udp);
	u->user = user;
	u->id = ++c->udp_ids;
	u->ops = ops;
	u->buffer = open->buffer;
	INIT_LLIST_HEAD(&u->queue);
	rc = card_cat_queue(c, open, open_cb, (void *)u->id);
	if (rc < 0) {
		talloc_free(u);
		return rc;
	}
	c->udp[user] = u;
	return 0;
}

void card_udp_close(struct card *c, enum card_udp_user user)
{
	struct card_udp *u = c->udp[user];

	if (!u)
		return;
	u->closing = true;
	pump(c, u);
}

uint16_t card_udp_buffer(const struct card *c, enum card_udp_user user)
{
	return c->udp[user] ? c->udp[user]->buffer : 0;
}
