/* What one party may take of us: connections and messages a second (design.md P7). A party that has more than its share
 * is refused with 503, which asks it to come again.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>
#include <time.h>
#include <talloc.h>
#include <osmocom/rsp/util/counters.h>

#include "es_link_priv.h"

struct es_conn {
	struct llist_head entry;
	unsigned long id;
	struct es_party_item *party;	/* NULL: the party was removed */
};

static struct es_conn *find(struct es_link *l, unsigned long id)
{
	struct es_conn *c;

	llist_for_each_entry(c, &l->conns, entry)
		if (c->id == id)
			return c;
	return NULL;
}

static void leave(struct es_conn *c)
{
	if (c->party)
		c->party->conns--;
	llist_del(&c->entry);
	talloc_free(c);
}

bool es_limit_conn(struct es_link *l, struct http_req *hr, struct es_party *p)
{
	struct es_party_item *i = (struct es_party_item *)p;
	struct es_conn *c = find(l, http_req_conn_id(hr));

	if (c && c->party == i)
		return true;
	if (c)		/* several parties share a certificate */
		leave(c);
	if (i->conns >= (p->set.max_conns ? : ES_CONNS_DEFAULT)) {
		counter_inc(CTR_ES_CONNS);
		LOGP(DES, LOGL_NOTICE, "%s has %u connections, one more is refused\n", p->id, i->conns);
		return false;
	}
	c = talloc_zero(l, struct es_conn);
	c->id = http_req_conn_id(hr);
	c->party = i;
	i->conns++;
	llist_add(&c->entry, &l->conns);
	return true;
}

void es_limit_closed(struct es_link *l, unsigned long conn_id)
{
	struct es_conn *c = find(l, conn_id);

	if (c)
		leave(c);
}

void es_limit_party_gone(struct es_link *l, const struct es_party *p)
{
	struct es_conn *c;

	llist_for_each_entry(c, &l->conns, entry)
		if (c->party == (const struct es_party_item *)p)
			c->party = NULL;
}

static int64_t mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* A bucket of one second's worth */
bool es_limit_rate(struct es_party *p)
{
	struct es_party_item *i = (struct es_party_item *)p;
	uint64_t rate = p->set.max_rate ? : ES_RATE_DEFAULT, full = rate * 1000;
	int64_t now = mono_ms();

	if (!i->tokens_at || now - i->tokens_at >= 1000)
		i->tokens_ms = full;
	else
		i->tokens_ms = i->tokens_ms + rate * (now - i->tokens_at) < full ?
			       i->tokens_ms + rate * (now - i->tokens_at) : full;
	i->tokens_at = now;
	if (i->tokens_ms < 1000) {
		counter_inc(CTR_ES_RATE);
		return false;
	}
	i->tokens_ms -= 1000;
	return true;
}
