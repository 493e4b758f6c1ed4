/* The SMS bearer: a secured packet to a number, a packet from a number.
 * TS 31.115 4 (UDH, concatenation), SMPP 3.4 5.2; what is said to the SMSC leaves after the commit (design P1).
 * Per number one message is on its way at a time and its parts go in order, each after the answer to the one before.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/hashtable.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>

#include <osmocom/rsp/sms/concat.h>
#include <osmocom/rsp/sms/sms_port.h>
#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/sqldb.h>

#include "smpp_link_fsm.h"

#define SMS_PORT_QUEUE_MAX 20000	/* messages in all */
#define SMS_PORT_DEST_MAX 16		/* messages waiting for one number */
#define SMS_PORT_PARTS 5
#define SMS_PORT_PARTS_MAX 64
#define SMS_PORT_HALVES_MAX 1000	/* half-received messages */
#define SMS_PORT_HALF_AGE_MS 120000
#define SMS_PORT_MSG_S 120		/* without progress: given up */
#define SMS_PORT_ANSWERS_MAX 256	/* deliver_sm_resp waiting for their commit */
#define SMS_PORT_TRIES 3		/* after the SMSC's system error, or of a part that alone did not arrive */
#define SMS_PORT_FULL_WAIT_S 5		/* message queue full there: doubled up to ... */
#define SMS_PORT_FULL_WAIT_MAX_S 60

struct sms_port_dest {
	struct hlist_node node;
	struct llist_head ready;	/* linked in sms_port.ready, or empty */
	struct llist_head msgs;		/* first one is the one on its way */
	struct osmo_timer_list retry;
	struct sms_port *port;
	unsigned count;
	bool in_flight;
	char msisdn[16];
};

struct sms_port_msg {
	struct llist_head entry;
	struct sms_port_dest *dest;
	struct osmo_timer_list timer;	/* no progress */
	void (*done)(void *priv, enum sms_outcome outcome);
	void *priv;
	bool committed, forgotten;	/* forgotten: only the SMSC's answer to the part under way is awaited */
	unsigned n, next, tries, full_wait_s;
	struct concat_part part[];
};

struct sms_port_answer {		/* a deliver_sm_resp waiting for the commit */
	struct llist_head entry;
	struct sms_port *port;
	unsigned generation;
	uint32_t seq, status;
};

struct sms_port {
	struct sms_port_cfg cfg;
	struct smpp_link *link;
	struct concat *concat;
	struct llist_head ready, answers;
	DECLARE_HASHTABLE(dests, 10);
	struct osmo_timer_list pause;	/* throttled */
	unsigned queued, in_flight, window, n_answers;
	uint8_t ref;
	unsigned long delivered, unreachable, failed, received, rejected;
};

static void sms_port_pump(struct sms_port *p);
static void sms_port_dest_retry_cb(void *data);

/* --- numbers and their queues --- */

static struct sms_port_dest *sms_port_dest_get(struct sms_port *p, const char *msisdn, bool make)
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
	INIT_LLIST_HEAD(&d->ready);
	osmo_timer_setup(&d->retry, sms_port_dest_retry_cb, d);
	hash_add(p->dests, &d->node, key);
	return d;
}

static struct sms_port_msg *sms_port_dest_head(struct sms_port_dest *d)
{
	return llist_first_entry_or_null(&d->msgs, struct sms_port_msg, entry);
}

/* Puts d in or out of the list of numbers whose next part may leave; frees it when nothing is left. */
static void sms_port_dest_update(struct sms_port_dest *d)
{
	struct sms_port_msg *m = sms_port_dest_head(d);
	bool ready = m && m->committed && !d->in_flight && !osmo_timer_pending(&d->retry);

	if (ready && llist_empty(&d->ready)) {
		llist_add_tail(&d->ready, &d->port->ready);
	} else if (!ready && !llist_empty(&d->ready)) {
		llist_del(&d->ready);
		INIT_LLIST_HEAD(&d->ready);
	}
	if (m || d->in_flight)
		return;
	osmo_timer_del(&d->retry);
	hash_del(&d->node);
	talloc_free(d);
}

static void sms_port_dest_retry_cb(void *data)
{
	struct sms_port_dest *d = data;
	struct sms_port *p = d->port;

	sms_port_dest_update(d);
	sms_port_pump(p);
}

static int sms_port_msg_destroy(struct sms_port_msg *m)
{
	struct sms_port *p = m->dest->port;

	osmo_timer_del(&m->timer);
	if (p->cfg.db)
		txn_forget(p->cfg.db, m);
	llist_del(&m->entry);
	m->dest->count--;
	p->queued--;
	return 0;
}

/* The message's one end. m is gone afterwards; its number may be too. */
static void sms_port_msg_end(struct sms_port_msg *m, enum sms_outcome outcome)
{
	static const char *const names[] = { "delivered", "unreachable", "failed", "link down" };
	struct sms_port_dest *d = m->dest;
	struct sms_port *p = d->port;
	void (*done)(void *priv, enum sms_outcome outcome) = m->forgotten ? NULL : m->done;
	void *priv = m->priv;

	LOGP(DSMS, LOGL_INFO, "SMS to %s: %s (%u of %u parts)\n", d->msisdn, names[outcome], m->next, m->n);
	counter_inc(outcome == SMS_DELIVERED ? CTR_SMS_DELIVERED : outcome == SMS_UNREACHABLE ? CTR_SMS_UNREACHABLE :
		    CTR_SMS_FAILED);
	p->delivered += outcome == SMS_DELIVERED;
	p->unreachable += outcome == SMS_UNREACHABLE;
	p->failed += outcome == SMS_FAILED || outcome == SMS_LINK_DOWN;
	smpp_link_forget(p->link, m);
	if (d->in_flight && sms_port_dest_head(d) == m) {
		d->in_flight = false;
		p->in_flight--;
	}
	talloc_free(m);
	sms_port_dest_update(d);
	if (done)
		done(priv, outcome);
}

static void sms_port_msg_timer_cb(void *data)
{
	struct sms_port_msg *m = data;
	struct sms_port *p = m->dest->port;

	sms_port_msg_end(m, smpp_link_up(p->link) ? SMS_FAILED : SMS_LINK_DOWN);
	sms_port_pump(p);
}

static void sms_port_msg_retry(struct sms_port_msg *m, unsigned seconds)
{
	osmo_timer_schedule(&m->dest->retry, seconds, 0);
}

/* --- out --- */

static void sms_port_submit_head(struct sms_port *p, struct sms_port_dest *d)
{
	struct sms_port_msg *m = sms_port_dest_head(d);
	struct smpp_sm sm = {
		.src = { .ton = 0, .npi = 1 }, .dst = { .ton = 1, .npi = 1 },
		.esm_class = SMPP_ESM_UDHI | SMPP_ESM_TRANSACTION,
		.protocol_id = TPDU_PID_DATA_DOWNLOAD, .data_coding = TPDU_DCS_8BIT_CLASS2,
	};

	osmo_strlcpy(sm.src.digits, p->cfg.own_number, sizeof(sm.src.digits));
	osmo_strlcpy(sm.dst.digits, d->msisdn, sizeof(sm.dst.digits));
	sm.ud_len = m->part[m->next].len;
	memcpy(sm.ud, m->part[m->next].ud, sm.ud_len);
	if (smpp_link_submit(p->link, &sm, m) < 0)
		return;		/* window or write queue full: goes with the next answer, or its timer ends it */
	osmo_timer_schedule(&m->timer, SMS_PORT_MSG_S, 0);
	d->in_flight = true;
	p->in_flight++;
	sms_port_dest_update(d);
}

/* As much as window and SMSC allow. Runs after commits too: calls nobody back. */
static void sms_port_pump(struct sms_port *p)
{
	while (smpp_link_up(p->link) && !osmo_timer_pending(&p->pause) && p->in_flight < p->window &&
	       !llist_empty(&p->ready)) {
		unsigned before = p->in_flight;

		sms_port_submit_head(p, llist_first_entry(&p->ready, struct sms_port_dest, ready));
		if (p->in_flight == before)
			return;
	}
}

static void sms_port_pause_cb(void *data)
{
	sms_port_pump(data);
}

/* Throttled (SMPP 3.4 5.1.3, 58): half the rate, a second of silence; the rate grows again with each success. */
static void sms_port_throttled(struct sms_port *p)
{
	p->window = OSMO_MAX(p->window / 2, 1U);
	osmo_timer_schedule(&p->pause, 1, 0);
	LOGP(DSMS, LOGL_NOTICE, "SMSC throttles: window is %u\n", p->window);
}

static void sms_port_part_sent(struct sms_port_msg *m)
{
	struct sms_port *p = m->dest->port;

	p->window = OSMO_MIN(p->window + 1, smpp_link_window(p->link));
	m->tries = m->full_wait_s = 0;
	if (++m->next == m->n) {
		sms_port_msg_end(m, SMS_DELIVERED);
		return;
	}
	osmo_timer_schedule(&m->timer, SMS_PORT_MSG_S, 0);
	sms_port_dest_update(m->dest);
}

/* The SMSC said no: again later, or the end. */
static void sms_port_part_refused(struct sms_port_msg *m, int status)
{
	bool several = m->n > 1;	/* a single packet is sent again by its session, under a new counter */

	switch (status) {
	case SMPP_ST_THROTTLED:
		sms_port_throttled(m->dest->port);
		break;
	case SMPP_ST_QUEUE_FULL:
		m->full_wait_s = OSMO_MIN(m->full_wait_s ? 2 * m->full_wait_s : SMS_PORT_FULL_WAIT_S,
					  (unsigned)SMS_PORT_FULL_WAIT_MAX_S);
		sms_port_msg_retry(m, m->full_wait_s);
		break;
	case SMPP_ST_DELIVERY_FAIL:
		if (!several) {
			sms_port_msg_end(m, SMS_FAILED);
			return;
		}
		/* fall through */
	case SMPP_ST_SYS_ERR:
		if (++m->tries >= SMS_PORT_TRIES) {
			sms_port_msg_end(m, SMS_FAILED);
			return;
		}
		sms_port_msg_retry(m, 1);
		break;
	case SMPP_ST_INV_DST_ADDR:
		sms_port_msg_end(m, SMS_UNREACHABLE);
		return;
	default:
		if (status > 0)
			LOGP(DSMS, LOGL_ERROR, "SMSC refuses an SMS to %s with status %02x\n", m->dest->msisdn, status);
		sms_port_msg_end(m, status == -ENOTCONN ? SMS_LINK_DOWN : SMS_FAILED);
		return;
	}
	sms_port_dest_update(m->dest);
}

static void sms_port_link_resp(void *priv, void *ref, int status)
{
	struct sms_port *p = priv;
	struct sms_port_msg *m = ref;

	m->dest->in_flight = false;
	p->in_flight--;
	if (m->forgotten)
		sms_port_msg_end(m, SMS_FAILED);
	else if (status == SMPP_ST_OK)
		sms_port_part_sent(m);
	else
		sms_port_part_refused(m, status);
	sms_port_pump(p);
}

static void sms_port_link_up(void *priv)
{
	struct sms_port *p = priv;

	p->window = smpp_link_window(p->link);
	sms_port_pump(p);
}

static void sms_port_link_down(void *priv)
{
}

/* --- in --- */

static void sms_port_answer_cb(void *data)
{
	struct sms_port_answer *a = data;
	struct sms_port *p = a->port;

	smpp_link_deliver_resp(p->link, a->generation, a->seq, a->status);
	llist_del(&a->entry);
	p->n_answers--;
	talloc_free(a);
}

static void sms_port_answer_drop(struct sms_port_answer *a)
{
	if (a->port->cfg.db)
		txn_forget(a->port->cfg.db, a);
	llist_del(&a->entry);
	a->port->n_answers--;
	talloc_free(a);
}

/* deliver_sm_resp once what the handler wrote is on disk. The list only grows when a handler's event was undone, which
 * drops our callback: the SMSC then delivers again, and the oldest answer makes room. */
static void sms_port_answer(struct sms_port *p, const struct smpp_pdu *pdu, uint32_t status)
{
	struct sms_port_answer *a = talloc_zero(p, struct sms_port_answer);

	if (!a)
		return;
	*a = (struct sms_port_answer){ .port = p, .generation = smpp_link_generation(p->link), .seq = pdu->seq,
				       .status = status };
	if (p->n_answers >= SMS_PORT_ANSWERS_MAX)
		sms_port_answer_drop(llist_first_entry(&p->answers, struct sms_port_answer, entry));
	llist_add_tail(&a->entry, &p->answers);
	p->n_answers++;
	if (p->cfg.db)
		txn_after_commit(p->cfg.db, sms_port_answer_cb, a);
	else
		sms_port_answer_cb(a);
}

/* SMPP status for the SMSC; a complete packet has been handed up then. OsmoMSC says esm_class 41 and data_coding 02
 * where others say 40 and F6: neither is compared. */
static uint32_t sms_port_rx_sm(struct sms_port *p, const struct smpp_sm *sm)
{
	struct timespec ts;
	struct concat_msg msg;
	int rc;

	if ((sm->esm_class & SMPP_ESM_TYPE_MASK) || !(sm->esm_class & SMPP_ESM_UDHI)) {
		LOGP(DSMS, LOGL_DEBUG, "deliver_sm from %s is a receipt or text: ignored\n", sm->src.digits);
		return SMPP_ST_OK;
	}
	osmo_clock_gettime(CLOCK_MONOTONIC, &ts);
	rc = concat_add(p->concat, &msg, sm->src.digits, sm->ud, sm->ud_len, ts.tv_sec * 1000LL + ts.tv_nsec / 1000000);
	if (rc < 0 && rc != -EALREADY) {
		LOGP(DSMS, LOGL_NOTICE, "deliver_sm from %s refused: %s\n", sm->src.digits, strerror(-rc));
		return rc == -ENOMEM ? SMPP_ST_RX_TEMP : SMPP_ST_RX_PERM;
	}
	if (rc != 1)
		return SMPP_ST_OK;
	if (!msg.ota || !msg.len) {
		LOGP(DSMS, LOGL_NOTICE, "deliver_sm from %s is no secured packet\n", sm->src.digits);
		return SMPP_ST_RX_PERM;
	}
	p->received++;
	LOGP(DSMS, LOGL_INFO, "SMS from %s: %s packet of %zu octets\n", sm->src.digits,
	     msg.ota == 0x71 ? "response" : "command", msg.len);
	p->cfg.rx(p->cfg.priv, sm->src.digits, msg.ota == 0x71, msg.packet, msg.len);
	return SMPP_ST_OK;
}

static void sms_port_link_deliver(void *priv, const struct smpp_pdu *pdu)
{
	struct sms_port *p = priv;
	uint32_t status = sms_port_rx_sm(p, &pdu->sm);

	p->rejected += status != SMPP_ST_OK;
	sms_port_answer(p, pdu, status);
}

static void sms_port_link_alert(void *priv, const struct smpp_alert *alert)
{
	struct sms_port *p = priv;

	/* by MSISDN only: an alert by IMSI (NPI 6) names nobody we know; availability 1 and 2 are bad news */
	if (!p->cfg.alert || alert->src.npi == 6 || (alert->has_availability && alert->availability))
		return;
	p->cfg.alert(p->cfg.priv, alert->src.digits);
}

static const struct smpp_link_ops sms_port_link_ops = {
	.up = sms_port_link_up, .down = sms_port_link_down, .resp = sms_port_link_resp,
	.deliver = sms_port_link_deliver, .alert = sms_port_link_alert,
};

/* --- public --- */

struct sms_port *sms_port_new(void *ctx, const struct sms_port_cfg *cfg)
{
	struct sms_port *p = talloc_zero(ctx, struct sms_port);
	struct concat_cfg ccfg = { .max_messages = SMS_PORT_HALVES_MAX, .max_age_ms = SMS_PORT_HALF_AGE_MS };

	if (!p)
		return NULL;
	p->cfg = *cfg;
	p->cfg.own_number = talloc_strdup(p, cfg->own_number);
	p->cfg.max_parts = OSMO_MIN(cfg->max_parts ? cfg->max_parts : SMS_PORT_PARTS, (unsigned)SMS_PORT_PARTS_MAX);
	ccfg.max_parts = p->cfg.max_parts;
	hash_init(p->dests);
	INIT_LLIST_HEAD(&p->ready);
	INIT_LLIST_HEAD(&p->answers);
	osmo_timer_setup(&p->pause, sms_port_pause_cb, p);
	p->concat = concat_new(p, &ccfg);
	p->link = p->concat ? smpp_link_new(p, cfg->smpp, &sms_port_link_ops, p) : NULL;
	p->cfg.smpp = NULL;	/* the caller's; the link has its copy */
	if (p->link)
		return p;
	talloc_free(p);
	return NULL;
}

/* No done is called any more. Not from within one of the port's callbacks. */
void sms_port_free(struct sms_port *p)
{
	struct sms_port_answer *a, *a2;
	struct sms_port_msg *m, *m2;
	struct sms_port_dest *d;
	struct hlist_node *tmp;
	unsigned bkt;

	if (!p)
		return;
	osmo_timer_del(&p->pause);
	llist_for_each_entry_safe(a, a2, &p->answers, entry)
		sms_port_answer_drop(a);
	hash_for_each_safe(p->dests, bkt, tmp, d, node) {
		llist_for_each_entry_safe(m, m2, &d->msgs, entry)
			talloc_free(m);
		d->in_flight = false;
		sms_port_dest_update(d);
	}
	smpp_link_free(p->link);
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
	m->dest = d;
	m->n = parts;
	llist_add_tail(&m->entry, &d->msgs);
	d->count++;
	p->queued++;
	talloc_set_destructor(m, sms_port_msg_destroy);
	osmo_timer_setup(&m->timer, sms_port_msg_timer_cb, m);
	osmo_timer_schedule(&m->timer, SMS_PORT_MSG_S, 0);
	return m;
}

int sms_port_send(struct sms_port *p, const char *msisdn, const uint8_t *packet, size_t len,
		  void (*done)(void *priv, enum sms_outcome outcome), void *priv)
{
	size_t n = concat_count(len);
	struct sms_port_dest *d;
	struct sms_port_msg *m;

	if (!digits_valid(msisdn, 3, 15) || !len)
		return -EINVAL;
	if (n > p->cfg.max_parts)
		return -EMSGSIZE;
	d = sms_port_dest_get(p, msisdn, false);
	if (p->queued >= SMS_PORT_QUEUE_MAX || (d && d->count >= SMS_PORT_DEST_MAX))
		return -EAGAIN;
	m = sms_port_enqueue(p, msisdn, n);
	if (!m)
		return -ENOMEM;
	m->done = done;
	m->priv = priv;
	if (n > 1)
		p->ref++;
	concat_cut(m->part, n, 0x70, p->ref, packet, len);
	if (p->cfg.db)
		txn_after_commit(p->cfg.db, sms_port_committed, m);
	else
		sms_port_committed(m);
	return 0;
}

void sms_port_forget(struct sms_port *p, void *priv)
{
	struct sms_port_msg *m, *m2;
	struct sms_port_dest *d;
	struct hlist_node *tmp;
	unsigned bkt;

	hash_for_each_safe(p->dests, bkt, tmp, d, node) {
		llist_for_each_entry_safe(m, m2, &d->msgs, entry) {
			if (m->priv != priv)
				continue;
			if (d->in_flight && m == sms_port_dest_head(d))
				m->forgotten = true;	/* the number stays blocked until the SMSC has answered */
			else
				talloc_free(m);
		}
		sms_port_dest_update(d);
	}
}

bool sms_port_up(const struct sms_port *p)
{
	return smpp_link_up(p->link);
}

char *sms_port_describe(struct sms_port *p, void *ctx)
{
	char *s = smpp_link_describe(p->link, ctx);

	return talloc_asprintf_append(s, "SMS: %u waiting, %u with the SMSC (window %u), %lu delivered, %lu unreachable, "
				      "%lu failed, %lu packets received, %lu refused, %u half received\n",
				      p->queued - p->in_flight, p->in_flight, p->window, p->delivered, p->unreachable,
				      p->failed, p->received, p->rejected, concat_waiting(p->concat));
}
