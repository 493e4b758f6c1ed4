/* Cutting and reassembly of secured packets.
 * TS 31.115 4 (70 or 71 in the first segment only), TS 23.040 9.2.3.24.1 and .8 (reference, total, sequence).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/talloc.h>

#include <osmocom/rsp/sms/concat.h>

struct concat_half {
	struct llist_head entry;	/* oldest first */
	char from[24];
	bool ref16;
	uint16_t ref;
	uint8_t total, have, ota;
	int64_t since_ms;
	struct concat_part part[];	/* total of them; len 0: not here yet */
};

struct concat {
	struct concat_cfg cfg;
	struct llist_head halves;
	unsigned count;
	unsigned long given_up;
	struct bytes *done;		/* packet of the last concat_add() */
};

/* The three sizes shrink by what is short of a whole message. */
static size_t concat_count_to(size_t len, size_t short_of)
{
	size_t first = CONCAT_FIRST_MAX - short_of, next = CONCAT_NEXT_MAX - short_of;

	if (len <= CONCAT_SINGLE_MAX - short_of)
		return 1;
	return 1 + (len - first + next - 1) / next;
}

size_t concat_count(size_t len)
{
	return concat_count_to(len, 0);
}

static void concat_part_fill(struct concat_part *p, const uint8_t *hdr, size_t hdr_len, const uint8_t *body, size_t len)
{
	memcpy(p->ud, hdr, hdr_len);
	memcpy(p->ud + hdr_len, body, len);
	p->len = hdr_len + len;
}

int concat_cut(struct concat_part *parts, size_t max_parts, uint8_t ota, uint8_t ref, const uint8_t *packet,
	       size_t len)
{
	return concat_cut_to(parts, max_parts, ota, ref, packet, len, TPDU_UD_MAX);
}

int concat_cut_to(struct concat_part *parts, size_t max_parts, uint8_t ota, uint8_t ref, const uint8_t *packet,
		  size_t len, size_t ud_max)
{
	const uint8_t single[] = { 0x02, ota, 0x00 };
	size_t short_of = ud_max < TPDU_UD_MAX ? TPDU_UD_MAX - ud_max : 0, n, off = 0;

	if (!len || ud_max < CONCAT_UD_MIN)
		return -EINVAL;
	n = concat_count_to(len, short_of);
	if (n > max_parts || n > 255)
		return -EMSGSIZE;
	if (n == 1) {
		concat_part_fill(&parts[0], single, sizeof(single), packet, len);
		return 1;
	}
	for (size_t i = 0; i < n; i++) {
		const uint8_t hdr[] = { i ? 0x05 : 0x07, 0x00, 0x03, ref, n, i + 1, ota, 0x00 };
		size_t room = (i ? CONCAT_NEXT_MAX : CONCAT_FIRST_MAX) - short_of;
		size_t take = len - off < room ? len - off : room;

		concat_part_fill(&parts[i], hdr, hdr[0] + 1, packet + off, take);
		off += take;
	}
	return n;
}

struct concat *concat_new(void *ctx, const struct concat_cfg *cfg)
{
	struct concat *c = talloc_zero(ctx, struct concat);

	if (!c)
		return NULL;
	c->cfg = *cfg;
	INIT_LLIST_HEAD(&c->halves);
	return c;
}

static void concat_drop(struct concat *c, struct concat_half *h)
{
	llist_del(&h->entry);
	c->count--;
	talloc_free(h);
}

static struct concat_half *concat_find(struct concat *c, const char *from, const struct tpdu_udh *u)
{
	struct concat_half *h;

	llist_for_each_entry(h, &c->halves, entry) {
		if (h->ref != u->ref || h->ref16 != u->ref16 || strcmp(h->from, from))
			continue;
		if (h->total == u->total)
			return h;
		concat_drop(c, h);	/* the sender has begun another message under this reference */
		return NULL;
	}
	return NULL;
}

static struct concat_half *concat_begin(struct concat *c, const char *from, const struct tpdu_udh *u, int64_t now_ms)
{
	struct concat_half *h;

	if (c->count >= c->cfg.max_messages && c->count) {
		concat_drop(c, llist_first_entry(&c->halves, struct concat_half, entry));
		c->given_up++;
	}
	h = talloc_zero_size(c, sizeof(*h) + u->total * sizeof(h->part[0]));
	if (!h)
		return NULL;
	memcpy(h->from, from, strlen(from));
	h->ref16 = u->ref16;
	h->ref = u->ref;
	h->total = u->total;
	h->since_ms = now_ms;
	llist_add_tail(&h->entry, &c->halves);
	c->count++;
	return h;
}

static int concat_finish(struct concat *c, struct concat_msg *msg, struct concat_half *h)
{
	int rc;

	c->done = bytes_new(c, h->total * CONCAT_NEXT_MAX);
	if (!c->done)
		return -ENOMEM;
	for (unsigned i = 0; i < h->total; i++)
		bytes_put(c->done, h->part[i].ud, h->part[i].len);
	msg->ota = h->ota;
	msg->packet = c->done->data;
	msg->len = c->done->len;
	rc = c->done->err;
	concat_drop(c, h);
	return rc < 0 ? rc : 1;
}

int concat_add(struct concat *c, struct concat_msg *msg, const char *from, const uint8_t *ud, size_t len,
	       int64_t now_ms)
{
	struct concat_part *p;
	struct concat_half *h;
	struct tpdu_udh u;

	memset(msg, 0, sizeof(*msg));
	talloc_free(c->done);
	c->done = NULL;
	concat_age(c, now_ms);
	if (tpdu_udh_dec(&u, ud, len) < 0 || strlen(from) >= sizeof(h->from))
		return -EINVAL;
	if (!u.concat || u.total == 1) {
		*msg = (struct concat_msg){ .ota = u.ota, .packet = u.body, .len = u.body_len };
		return 1;
	}
	if (u.total > c->cfg.max_parts)
		return -EMSGSIZE;
	if (!u.body_len || u.body_len > CONCAT_NEXT_MAX)
		return -EINVAL;
	h = concat_find(c, from, &u);
	if (!h)
		h = concat_begin(c, from, &u, now_ms);
	if (!h)
		return -ENOMEM;
	p = &h->part[u.seq - 1];
	if (p->len) {
		if (p->len == u.body_len && !memcmp(p->ud, u.body, u.body_len))
			return -EALREADY;
		concat_drop(c, h);	/* a card that always uses the same reference */
		h = concat_begin(c, from, &u, now_ms);
		if (!h)
			return -ENOMEM;
		p = &h->part[u.seq - 1];
	}
	memcpy(p->ud, u.body, u.body_len);
	p->len = u.body_len;
	if (u.seq == 1)
		h->ota = u.ota;
	return ++h->have == h->total ? concat_finish(c, msg, h) : 0;
}

unsigned concat_age(struct concat *c, int64_t now_ms)
{
	struct concat_half *h, *h2;
	unsigned n = 0;

	llist_for_each_entry_safe(h, h2, &c->halves, entry) {
		if (now_ms - h->since_ms < (int64_t)c->cfg.max_age_ms)
			break;	/* the others are younger */
		concat_drop(c, h);
		c->given_up++;
		n++;
	}
	return n;
}

unsigned long concat_given_up(const struct concat *c)
{
	return c->given_up;
}

unsigned concat_waiting(const struct concat *c)
{
	return c->count;
}
