/* The numbers that messages are for: their queues, their rate, and which SMSC they wait for.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include "sms_port_priv.h"

#define SMS_DEST_BURST_US 30000000	/* so much of a number's minute may leave at once */

static void sms_port_dest_retry_cb(void *data);

int64_t sms_port_now_us(void)
{
	struct timespec ts;

	osmo_clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

struct sms_port_dest *sms_port_dest_get(struct sms_port *p, const char *msisdn, bool make)
{
	unsigned long long key = strtoull(msisdn, NULL, 10);
	struct sms_port_dest *d;

	hash_for_each_possible(p->dests, d, node, key) {
		if (!strcmp(d->msisdn, msisdn))
			return d;
	}
	d = make ? talloc_zero(p, struct sms_port_dest) : NULL;
	if (!d)
		return NULL;
	d->port = p;
	osmo_strlcpy(d->msisdn, msisdn, sizeof(d->msisdn));
	INIT_LLIST_HEAD(&d->msgs);
	INIT_LLIST_HEAD(&d->stored);
	INIT_LLIST_HEAD(&d->ready);
	osmo_timer_setup(&d->retry, sms_port_dest_retry_cb, d);
	hash_add(p->dests, &d->node, key);
	return d;
}

struct sms_port_msg *sms_port_dest_head(struct sms_port_dest *d)
{
	return llist_first_entry_or_null(&d->msgs, struct sms_port_msg, entry);
}

static void sms_port_dest_unready(struct sms_port_dest *d)
{
	llist_del(&d->ready);
	INIT_LLIST_HEAD(&d->ready);
}

/* Nothing left to do for this number: gone, once its rate is forgotten. */
static void sms_port_dest_idle(struct sms_port_dest *d)
{
	int64_t wait = d->due_us - sms_port_now_us();

	if (wait > 0 && d->port->cfg.limits.number_rate) {
		osmo_timer_schedule(&d->retry, wait / 1000000 + 1, 0);
		return;
	}
	osmo_timer_del(&d->retry);
	hash_del(&d->node);
	talloc_free(d);
}

/* Puts d in or out of the list of numbers whose next part may leave; d may be gone afterwards. */
void sms_port_dest_update(struct sms_port_dest *d)
{
	struct sms_port_msg *m = sms_port_dest_head(d);
	bool ready = m && m->committed && !d->at && !osmo_timer_pending(&d->retry);

	if (ready && llist_empty(&d->ready)) {
		struct smsc *s = smsc_route(d->port, d->msisdn, true);

		llist_add_tail(&d->ready, s ? &s->ready : &d->port->stranded);
	} else if (!ready && !llist_empty(&d->ready)) {
		sms_port_dest_unready(d);
	}
	if (!m && !d->at && llist_empty(&d->stored))
		sms_port_dest_idle(d);
}

static void sms_port_dest_retry_cb(void *data)
{
	struct sms_port_dest *d = data;
	struct sms_port *p = d->port;

	sms_port_dest_update(d);
	sms_port_pump(p);
}

void sms_port_wake(struct sms_port_dest *d)
{
	if (osmo_timer_pending(&d->retry) && d->due_us - sms_port_now_us() <= SMS_DEST_BURST_US) {
		osmo_timer_del(&d->retry);
		sms_port_dest_update(d);
	}
}

void sms_port_reroute(struct sms_port *p)
{
	struct sms_port_dest *d, *d2;
	LLIST_HEAD(all);
	struct smsc *s;

	llist_for_each_entry(s, &p->smscs, entry)
		llist_splice_init(&s->ready, &all);
	llist_splice_init(&p->stranded, &all);
	llist_for_each_entry_safe(d, d2, &all, ready) {
		sms_port_dest_unready(d);
		sms_port_dest_update(d);
	}
	sms_port_pump(p);
}

/* May this number have another one now? If not, its retry timer ends when it may. */
bool sms_port_dest_may_send(struct sms_port_dest *d)
{
	int64_t wait = d->due_us - sms_port_now_us() - SMS_DEST_BURST_US;

	if (!d->port->cfg.limits.number_rate || wait <= 0)
		return true;
	osmo_timer_schedule(&d->retry, wait / 1000000, wait % 1000000);
	return false;
}

void sms_port_dest_sent(struct sms_port_dest *d)
{
	unsigned rate = d->port->cfg.limits.number_rate;

	if (rate)
		d->due_us = OSMO_MAX(d->due_us, sms_port_now_us()) + 60000000LL / rate;
}

void sms_port_dest_drop(struct sms_port_dest *d)
{
	struct sms_port_msg *m, *m2;

	llist_for_each_entry_safe(m, m2, &d->msgs, entry)
		talloc_free(m);
	llist_for_each_entry_safe(m, m2, &d->stored, entry)
		talloc_free(m);
	osmo_timer_del(&d->retry);
	hash_del(&d->node);
	llist_del(&d->ready);
	talloc_free(d);
}
