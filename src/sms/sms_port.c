/* The SMS bearer: a secured packet to a number, a packet from a number.
 * TS 31.115 4 (UDH, concatenation), SMPP 3.4 5.2; what is said to an SMSC leaves after the commit (design P1).
 * Per number one message is on its way at a time and its parts go in order, each after the answer to the one before. A
 * part that is known to be lost is sent again alone (corrections 27).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/sqldb.h>

#include "sms_port_priv.h"

#define SMS_PORT_PARTS 5
#define SMS_PORT_PARTS_MAX 64
#define SMS_PORT_MSG_S 120		/* without progress: given up */
#define SMS_PORT_RECEIPT_S 60		/* a receipt after the SMSC's validity period */
#define SMS_PORT_TRIES 4		/* after the SMSC's system error, or of parts that alone did not arrive */
#define SMS_PORT_FULL_WAIT_S 5		/* message queue full there: doubled up to ... */
#define SMS_PORT_FULL_WAIT_MAX_S 60

/* --- messages --- */

static int sms_port_msg_destroy(struct sms_port_msg *m)
{
	struct sms_port *p = m->dest->port;

	osmo_timer_del(&m->timer);
	if (p->cfg.db && !m->committed)
		txn_forget(p->cfg.db, m);
	llist_del(&m->entry);
	hash_del(&m->by_priv);
	m->dest->count--;
	p->queued--;
	p->stored -= m->stored;
	return 0;
}

static unsigned sms_port_msg_first(const struct sms_port_msg *m, enum sms_part_state state)
{
	unsigned i;

	for (i = 0; i < m->n && m->part[i].state != state; i++)
		;
	return i;
}

/* The message's one end. m is gone afterwards; its number may be too. */
static void sms_port_msg_end(struct sms_port_msg *m, enum sms_outcome outcome)
{
	static const char *const names[] = { "delivered", "unreachable", "failed", "link down" };
	struct sms_port_dest *d = m->dest;
	struct sms_port *p = d->port;
	void (*done)(void *priv, enum sms_outcome outcome) = m->forgotten ? NULL : m->done;
	void *priv = m->priv;

	if (outcome == SMS_UNREACHABLE && m->doubt)	/* it may be gone because of what it was told before */
		outcome = SMS_FAILED;
	LOGP(DSMS, LOGL_INFO, "SMS to %s: %s (%u parts)\n", d->msisdn, names[outcome], m->n);
	counter_inc(outcome == SMS_DELIVERED ? CTR_SMS_DELIVERED : outcome == SMS_UNREACHABLE ? CTR_SMS_UNREACHABLE :
		    CTR_SMS_FAILED);
	p->delivered += outcome == SMS_DELIVERED;
	p->unreachable += outcome == SMS_UNREACHABLE;
	p->failed += outcome == SMS_FAILED || outcome == SMS_LINK_DOWN;
	if (sms_port_msg_first(m, PART_OUT) < m->n && d->at) {	/* ours is the part in hand: its answer is not wanted */
		smpp_link_forget(d->at->link, m);
		d->at->in_flight--;
		d->at = NULL;
	}
	talloc_free(m);
	sms_port_dest_update(d);
	if (done)
		done(priv, outcome);
}

/* Back among those to be sent: behind the one that has a part in hand. */
static void sms_port_msg_unstore(struct sms_port_msg *m)
{
	struct sms_port_dest *d = m->dest;

	if (!m->stored)
		return;
	m->stored = false;
	d->port->stored--;
	llist_del(&m->entry);
	llist_add(&m->entry, d->at ? d->msgs.next : &d->msgs);
}

static void sms_port_msg_wait(struct sms_port_msg *m, unsigned seconds)
{
	osmo_timer_schedule(&m->timer, seconds, 0);
}

/* Part i is lost, or nobody knows. The part alone again when there are several; a single packet is sent again by its
 * session. -1: m has ended. */
static int sms_port_part_lost(struct sms_port_msg *m, unsigned i, struct smsc *s)
{
	m->part[i].state = PART_TODO;
	m->doubt = true;
	TALLOC_FREE(m->part[i].id);
	if (m->n == 1 || ++m->tries >= SMS_PORT_TRIES) {
		sms_port_msg_end(m, SMS_FAILED);
		return -1;
	}
	LOGP(DSMS, LOGL_INFO, "part %u of %u to %s lost: again\n", i + 1, m->n, m->dest->msisdn);
	if (s)
		smsc_count(s, SMSC_CTR_RESENT);
	sms_port_msg_unstore(m);
	sms_port_msg_wait(m, SMS_PORT_MSG_S);
	return 0;
}

/* No receipts for what the SMSC has (corrections 27: unknown ones again after T), or no progress at all. */
static void sms_port_msg_timer_cb(void *data)
{
	struct sms_port_msg *m = data;
	struct sms_port_dest *d = m->dest;
	struct sms_port *p = d->port;

	if (!m->stored) {
		sms_port_msg_end(m, smsc_route(p, d->msisdn, true) ? SMS_FAILED : SMS_LINK_DOWN);
		sms_port_pump(p);
		return;
	}
	for (unsigned i = 0; i < m->n; i++) {
		if (m->part[i].state == PART_STORED)
			m->part[i].state = PART_TODO;
	}
	if (sms_port_part_lost(m, sms_port_msg_first(m, PART_TODO), NULL) == 0)
		sms_port_dest_update(d);
	sms_port_pump(p);
}

static void sms_port_msg_retry(struct sms_port_msg *m, unsigned seconds)
{
	osmo_timer_schedule(&m->dest->retry, seconds, 0);
}

/* --- out --- */

/* A packet's parts belong together by our number too: through an SMSC that knows us by another one it starts anew. */
static void sms_port_msg_number(struct sms_port_msg *m, const char *number)
{
	if (m->number[0] && strcmp(m->number, number)) {
		for (unsigned i = 0; i < m->n; i++)
			m->part[i].state = PART_TODO;
	}
	osmo_strlcpy(m->number, number, sizeof(m->number));
}

/* 0, or negative: s takes no more now. */
static int sms_port_submit_head(struct smsc *s, struct sms_port_dest *d)
{
	struct sms_port_msg *m = sms_port_dest_head(d);
	unsigned i;
	int rc;

	if (!sms_port_dest_may_send(d)) {
		sms_port_dest_update(d);
		return 0;
	}
	sms_port_msg_number(m, smsc_number(s));
	i = sms_port_msg_first(m, PART_TODO);
	m->part[i].ref = ++s->port->user_ref;
	rc = smsc_send(s, d->msisdn, &m->part[i], m);
	if (rc < 0)
		return rc;	/* window or write queue full: goes with the next answer, or its timer ends it */
	sms_port_msg_wait(m, SMS_PORT_MSG_S);
	sms_port_dest_sent(d);
	m->part[i].state = PART_OUT;
	d->at = s;
	sms_port_dest_update(d);
	return 0;
}

/* As much as windows and SMSCs allow. Runs after commits too: calls nobody back. */
void sms_port_pump(struct sms_port *p)
{
	struct smsc *s;

	llist_for_each_entry(s, &p->smscs, entry) {
		while (!llist_empty(&s->ready) && smsc_may_send(s)) {
			if (sms_port_submit_head(s, llist_first_entry(&s->ready, struct sms_port_dest, ready)) < 0)
				break;
		}
	}
}

/* All parts are with the SMSC, or beyond. m may have ended. */
static void sms_port_msg_advance(struct sms_port_msg *m, unsigned validity_s)
{
	struct sms_port_dest *d = m->dest;

	if (sms_port_msg_first(m, PART_TODO) < m->n) {
		sms_port_msg_wait(m, SMS_PORT_MSG_S);
	} else if (sms_port_msg_first(m, PART_STORED) == m->n) {
		sms_port_msg_end(m, SMS_DELIVERED);
		return;
	} else if (!m->stored) {	/* the next one may go */
		m->stored = true;
		d->port->stored++;
		llist_del(&m->entry);
		llist_add_tail(&m->entry, &d->stored);
		sms_port_msg_wait(m, validity_s + SMS_PORT_RECEIPT_S);
	}
	sms_port_dest_update(d);
}

static void sms_port_part_taken(struct sms_port_msg *m, unsigned i, struct smsc *s, const char *id)
{
	smsc_count(s, SMSC_CTR_ACCEPTED);
	if (smsc_up(s))
		smsc_faster(s);
	m->full_wait_s = 0;
	m->part[i].state = s->cfg.mode == SMSC_STORE ? PART_STORED : PART_DONE;
	if (s->cfg.mode == SMSC_STORE)
		m->part[i].id = talloc_strdup(m, id);
	else
		m->tries = 0;
	sms_port_msg_advance(m, s->cfg.validity_s);
}

/* The SMSC said no: again later, or the end. */
static void sms_port_part_refused(struct sms_port_msg *m, unsigned i, struct smsc *s, int status)
{
	struct sms_port_dest *d = m->dest;

	m->part[i].state = PART_TODO;
	switch (status) {
	case SMPP_ST_THROTTLED:
		smsc_throttled(s);
		break;
	case SMPP_ST_QUEUE_FULL:
		smsc_count(s, SMSC_CTR_QUEUE_FULL);
		smsc_slower(s);
		m->full_wait_s = OSMO_MIN(m->full_wait_s ? 2 * m->full_wait_s : SMS_PORT_FULL_WAIT_S,
					  (unsigned)SMS_PORT_FULL_WAIT_MAX_S);
		sms_port_msg_retry(m, m->full_wait_s);
		break;
	case SMPP_ST_SYS_ERR:
		m->doubt = true;
		if (++m->tries >= SMS_PORT_TRIES) {
			sms_port_msg_end(m, SMS_FAILED);
			return;
		}
		sms_port_msg_retry(m, 1);
		break;
	case SMPP_ST_DELIVERY_FAIL:
	case -ETIMEDOUT:
		smsc_count(s, status < 0 ? SMSC_CTR_TIMEOUT : SMSC_CTR_REFUSED);
		if (sms_port_part_lost(m, i, s) < 0)
			return;
		if (status > 0)
			sms_port_msg_retry(m, 1);
		break;
	case -ENOTCONN:		/* another SMSC that is there, or the end */
		if (!smsc_route(d->port, d->msisdn, true) || ++m->tries >= SMS_PORT_TRIES) {
			sms_port_msg_end(m, SMS_LINK_DOWN);
			return;
		}
		m->doubt = true;
		smsc_count(s, SMSC_CTR_RESENT);
		break;
	default:
		smsc_count(s, status == SMPP_ST_INV_DST_ADDR ? SMSC_CTR_UNREACHABLE : SMSC_CTR_REFUSED);
		if (status != SMPP_ST_INV_DST_ADDR)
			LOGP(DSMS, LOGL_ERROR, "SMSC %s refuses an SMS to %s with status %02x\n", s->cfg.name,
			     d->msisdn, status);
		sms_port_msg_end(m, status == SMPP_ST_INV_DST_ADDR ? SMS_UNREACHABLE : SMS_FAILED);
		return;
	}
	sms_port_dest_update(d);
}

void sms_port_part_answered(struct sms_port_msg *m, struct smsc *s, int status, const char *id)
{
	unsigned i = sms_port_msg_first(m, PART_OUT);
	struct sms_port *p = s->port;

	m->dest->at = NULL;
	s->in_flight--;
	if (m->forgotten) {
		m->part[i].state = PART_DONE;
		sms_port_msg_end(m, SMS_FAILED);
	} else if (status == SMPP_ST_OK) {
		sms_port_part_taken(m, i, s, id);
	} else {
		sms_port_part_refused(m, i, s, status);
	}
	sms_port_pump(p);
}

void sms_port_part_receipt(struct sms_port_msg *m, unsigned part, bool delivered, bool unreachable)
{
	struct sms_port_dest *d = m->dest;
	struct sms_port *p = d->port;

	TALLOC_FREE(m->part[part].id);
	if (delivered) {
		m->part[part].state = PART_DONE;
		if (m->stored)
			sms_port_msg_advance(m, 0);
	} else if (unreachable) {
		sms_port_msg_end(m, SMS_UNREACHABLE);
	} else if (sms_port_part_lost(m, part, NULL) == 0) {
		sms_port_dest_update(d);
	}
	sms_port_pump(p);
}

/* --- public --- */

void sms_port_limits_set(struct sms_port *p, const struct sms_port_limits *limits)
{
	struct sms_port_limits *l = &p->cfg.limits;

	*l = *limits;
	l->queue = l->queue ? l->queue : 20000;
	l->per_number = l->per_number ? l->per_number : 16;
	l->halves = l->halves ? l->halves : 1000;
	l->half_age_s = l->half_age_s ? l->half_age_s : 120;
}

struct sms_port *sms_port_new(void *ctx, const struct sms_port_cfg *cfg)
{
	struct sms_port *p = talloc_zero(ctx, struct sms_port);
	struct concat_cfg ccfg = {};

	if (!p)
		return NULL;
	p->cfg = *cfg;
	p->cfg.own_number = talloc_strdup(p, cfg->own_number);
	p->cfg.max_parts = OSMO_MIN(cfg->max_parts ? cfg->max_parts : SMS_PORT_PARTS, (unsigned)SMS_PORT_PARTS_MAX);
	sms_port_limits_set(p, &cfg->limits);
	ccfg.max_parts = p->cfg.max_parts;
	ccfg.max_messages = p->cfg.limits.halves;
	ccfg.max_age_ms = 1000 * p->cfg.limits.half_age_s;
	hash_init(p->dests);
	hash_init(p->by_priv);
	INIT_LLIST_HEAD(&p->smscs);
	INIT_LLIST_HEAD(&p->stranded);
	INIT_LLIST_HEAD(&p->answers);
	osmo_timer_setup(&p->late, sms_port_late_cb, p);
	p->concat = concat_new(p, &ccfg);
	if (p->concat && p->cfg.own_number)
		return p;
	talloc_free(p);
	return NULL;
}

int sms_port_smsc_set(struct sms_port *p, const struct smsc_cfg *cfg)
{
	return smsc_set(p, cfg);
}

void sms_port_smsc_del(struct sms_port *p, const char *name)
{
	struct smsc *s = smsc_find(p, name);

	if (s)
		smsc_free(s);
}

/* No done is called any more. Not from within one of the port's callbacks. */
void sms_port_free(struct sms_port *p)
{
	struct sms_port_dest *d;
	struct smsc *s, *s2;
	struct hlist_node *tmp;
	unsigned bkt;

	if (!p)
		return;
	llist_for_each_entry(s, &p->smscs, entry) {	/* nobody is told any more */
		smpp_link_free(s->link);
		s->link = NULL;
	}
	sms_port_answers_drop(p, NULL);
	hash_for_each_safe(p->dests, bkt, tmp, d, node)
		sms_port_dest_drop(d);
	llist_for_each_entry_safe(s, s2, &p->smscs, entry)
		smsc_free(s);
	osmo_timer_del(&p->late);
	talloc_free(p);
}

static void sms_port_committed(void *data)
{
	struct sms_port_msg *m = data;
	struct sms_port *p = m->dest->port;

	m->committed = true;
	sms_port_dest_update(m->dest);
	sms_port_pump(p);
}

static struct sms_port_msg *sms_port_enqueue(struct sms_port *p, const char *msisdn, size_t parts)
{
	struct sms_port_dest *d = sms_port_dest_get(p, msisdn, true);
	struct sms_port_msg *m = d ? talloc_zero_size(d, sizeof(*m) + parts * sizeof(m->part[0])) : NULL;

	if (!m) {
		if (d)
			sms_port_dest_update(d);
		return NULL;
	}
	if (llist_empty(&d->msgs) && !d->at)
		osmo_timer_del(&d->retry);	/* it was only kept for its rate */
	m->dest = d;
	m->n = parts;
	llist_add_tail(&m->entry, &d->msgs);
	d->count++;
	p->queued++;
	talloc_set_destructor(m, sms_port_msg_destroy);
	osmo_timer_setup(&m->timer, sms_port_msg_timer_cb, m);
	sms_port_msg_wait(m, SMS_PORT_MSG_S);
	return m;
}

int sms_port_send(struct sms_port *p, const char *msisdn, const uint8_t *packet, size_t len,
		  void (*done)(void *priv, enum sms_outcome outcome), void *priv)
{
	return sms_port_send_cut(p, msisdn, packet, len, TPDU_UD_MAX, done, priv);
}

int sms_port_send_cut(struct sms_port *p, const char *msisdn, const uint8_t *packet, size_t len, size_t ud_max,
		      void (*done)(void *priv, enum sms_outcome outcome), void *priv)
{
	struct concat_part parts[SMS_PORT_PARTS_MAX];
	struct sms_port_dest *d;
	struct sms_port_msg *m;
	int n;

	if (!digits_valid(msisdn, 3, 15) || !len)
		return -EINVAL;
	n = concat_cut_to(parts, p->cfg.max_parts, 0x70, p->ref + 1, packet, len, ud_max);
	if (n < 0)
		return n;
	if (!smsc_route(p, msisdn, false))
		return -ENETUNREACH;
	d = sms_port_dest_get(p, msisdn, false);
	if (p->queued >= p->cfg.limits.queue || (d && d->count >= p->cfg.limits.per_number)) {
		p->queue_full++;
		counter_inc(CTR_SMS_QUEUE_FULL);
		return -EAGAIN;
	}
	m = sms_port_enqueue(p, msisdn, n);
	if (!m)
		return -ENOMEM;
	m->done = done;
	m->priv = priv;
	hash_add(p->by_priv, &m->by_priv, (uintptr_t)priv);
	if (n > 1)
		p->ref++;
	for (int i = 0; i < n; i++)
		m->part[i].p = parts[i];
	if (p->cfg.db)
		txn_after_commit(p->cfg.db, sms_port_committed, m);
	else
		sms_port_committed(m);
	return 0;
}

void sms_port_forget(struct sms_port *p, void *priv)
{
	struct sms_port_msg *m;
	struct hlist_node *tmp;

	hash_for_each_possible_safe(p->by_priv, m, tmp, by_priv, (uintptr_t)priv) {
		struct sms_port_dest *d = m->dest;

		if (m->priv != priv)
			continue;
		if (sms_port_msg_first(m, PART_OUT) < m->n) {
			m->forgotten = true;	/* the number stays blocked until the SMSC has answered */
			continue;
		}
		talloc_free(m);
		sms_port_dest_update(d);
	}
}
