/* The card resolves the SM-SR's name: one query at a time, A first and AAAA when there is none, three tries, what
 * was learned kept as long as it lives (SGP.02 2.4.5; ota-transport digest 9).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <arpa/inet.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/misc.h>

#include "card_cat.h"
#include "card_dns.h"
#include "card_http.h"
#include "card_int.h"
#include "card_udp.h"

#define TRY_S 5
#define TRIES 3

struct card_dns {
	char fqdn[CARD_DNS_NAME];
	struct card_dns_answer found;
	int64_t good_until_ms;
	unsigned next;			/* address handed out next */
	/* a query under way */
	void (*done)(struct card *c, bool ok);
	enum card_dns_type type;
	uint16_t id;
	unsigned tries;
};

/* Made with the first name to resolve. The cache is in RAM too. */
void card_dns_reset(struct card *c)
{
	TALLOC_FREE(c->dns);
}

void card_dns_cancel(struct card *c)
{
	if (!c->dns || !c->dns->done)
		return;
	c->dns->done = NULL;
	card_cat_timer_stop(c, CARD_TIMER_DNS);
	card_udp_close(c, CARD_UDP_DNS);
}

static void finish(struct card *c, bool ok)
{
	void (*done)(struct card *c, bool ok) = c->dns->done;

	card_dns_cancel(c);
	LOGCARD(c, LOGL_INFO, "%s: %s\n", c->dns->fqdn, ok ? c->dns->found.ip[0] : "not resolved");
	done(c, ok);
}

static void ask(struct card *c)
{
	struct card_dns *d = c->dns;
	struct bytes *q = bytes_new(c, 512);
	uint8_t id[2];

	rand_bytes(id, sizeof(id));
	d->id = id[0] << 8 | id[1];
	d->tries++;
	if (card_dns_query_enc(q, d->id, d->fqdn, d->type) == 0) {
		card_udp_send(c, CARD_UDP_DNS, q->data, q->len);
		card_cat_timer_start(c, CARD_TIMER_DNS, TRY_S);
	} else {
		finish(c, false);
	}
	talloc_free(q);
}

static void opened(struct card *c, const struct bip_resp *r)
{
	if (!c->dns->done)
		return;
	if (r->result < 0x10)
		ask(c);
	else
		finish(c, false);
}

static void rx(struct card *c, const uint8_t *data, size_t len)
{
	struct card_dns *d = c->dns;
	struct card_dns_answer a;
	int rc;

	if (!d->done)
		return;
	rc = card_dns_answer_dec(&a, d->id, d->fqdn, d->type, data, len);
	if (rc == -EINVAL)
		return;		/* of another query, or nobody's: the timer runs */
	if (rc == 0 && !a.n && d->type == CARD_DNS_A) {
		d->type = CARD_DNS_AAAA;
		d->tries = 0;
		ask(c);
		return;
	}
	if (rc == -EAGAIN && d->tries < TRIES)
		return;
	if (rc == 0 && a.n) {
		d->found = a;
		d->good_until_ms = clock_now_ms() + 1000LL * a.ttl;
		d->next = 0;
	}
	finish(c, rc == 0 && a.n);
}

static void dropped(struct card *c)
{
	if (c->dns->done)
		finish(c, false);
}

void card_dns_timeout(struct card *c)
{
	if (!c->dns || !c->dns->done)
		return;
	if (c->dns->tries < TRIES)
		ask(c);
	else
		finish(c, false);
}

void card_dns_resolve(struct card *c, const char *fqdn, const char *server_ip, uint16_t server_port,
		      void (*done)(struct card *c, bool ok))
{
	static const struct card_udp_ops ops = { .opened = opened, .rx = rx, .dropped = dropped };
	struct card_dns *d = c->dns;
	struct bip_cmd cmd;
	uint8_t ip[16];

	if (!d)
		d = c->dns = talloc_zero(c, struct card_dns);
	if (d->found.n && !strcasecmp(d->fqdn, fqdn) && clock_now_ms() < d->good_until_ms) {
		done(c, true);
		return;
	}
	card_dns_cancel(c);
	memset(&d->found, 0, sizeof(d->found));
	osmo_strlcpy(d->fqdn, fqdn, sizeof(d->fqdn));
	d->type = CARD_DNS_A;
	d->tries = 0;
	d->done = done;
	card_open_defaults(c, &cmd, ip);
	cmd.transport = BIP_UDP_CLIENT;
	cmd.port = server_port;
	cmd.dest.v = ip;
	cmd.dest.len = inet_pton(AF_INET, server_ip, ip) == 1 ? 4 : inet_pton(AF_INET6, server_ip, ip) == 1 ? 16 : 0;
	if (!cmd.dest.len || card_udp_open(c, CARD_UDP_DNS, &cmd, &ops) < 0)
		finish(c, false);
}

const char *card_dns_address(struct card *c)
{
	struct card_dns *d = c->dns;

	return d && d->found.n ? d->found.ip[d->next++ % d->found.n] : "";
}
