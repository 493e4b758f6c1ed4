/* What comes from the SMSCs: packets of cards, delivery receipts, alerts (SMPP 3.4 4.6, 4.7, 4.12); and what is shown.
 * A deliver_sm is answered after the commit of what its handler wrote, and in any case within the 5 s that OsmoMSC
 * waits.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <osmocom/rsp/sms/receipt.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/sqldb.h>

#include "sms_port_priv.h"

#define SMS_PORT_ANSWERS_MAX 1000	/* answers waiting for their commit; the oldest is put off then */
#define SMS_PORT_ANSWER_US 4000000	/* then it is put off, so that the SMSC tries again */

/* --- answers --- */

static void sms_port_answer_end(struct sms_port_answer *a, bool late)
{
	struct smsc *s = a->smsc;
	struct sms_port *p = s->port;

	if (late) {
		smsc_count(s, SMSC_CTR_RX_LATE);
		if (p->cfg.db)
			txn_forget(p->cfg.db, a);
	}
	if (s->link)
		smpp_link_deliver_resp(s->link, a->generation, a->id, a->seq, late ? SMPP_ST_RX_TEMP : a->status);
	llist_del(&a->entry);
	p->n_answers--;
	talloc_free(a);
}

static void sms_port_answer_cb(void *data)
{
	sms_port_answer_end(data, false);
}

static struct sms_port_answer *sms_port_answer_oldest(struct sms_port *p)
{
	return llist_first_entry_or_null(&p->answers, struct sms_port_answer, entry);
}

/* What a handler wrote was undone, and our callback with it: nothing of it is true. */
void sms_port_late_cb(void *data)
{
	int64_t now = sms_port_now_us();
	struct sms_port_answer *a;
	struct sms_port *p = data;

	while ((a = sms_port_answer_oldest(p)) && a->deadline_us <= now)
		sms_port_answer_end(a, true);
	if (a)
		osmo_timer_schedule(&p->late, (a->deadline_us - now) / 1000000, (a->deadline_us - now) % 1000000);
}

void sms_port_answers_drop(struct sms_port *p, const struct smsc *s)
{
	struct sms_port_answer *a, *a2;

	llist_for_each_entry_safe(a, a2, &p->answers, entry) {
		if (s && a->smsc != s)
			continue;
		if (p->cfg.db)
			txn_forget(p->cfg.db, a);
		llist_del(&a->entry);
		p->n_answers--;
		talloc_free(a);
	}
}

static void sms_port_answer(struct smsc *s, const struct smpp_pdu *pdu, uint32_t status)
{
	struct sms_port *p = s->port;
	struct sms_port_answer *a = talloc_zero(p, struct sms_port_answer);

	if (!a)
		return;
	*a = (struct sms_port_answer){ .smsc = s, .generation = smpp_link_generation(s->link), .id = pdu->id,
				       .seq = pdu->seq, .status = status,
				       .deadline_us = sms_port_now_us() + SMS_PORT_ANSWER_US };
	if (p->n_answers >= SMS_PORT_ANSWERS_MAX)
		sms_port_answer_end(sms_port_answer_oldest(p), true);
	llist_add_tail(&a->entry, &p->answers);
	p->n_answers++;
	if (!p->cfg.db) {
		sms_port_answer_cb(a);
		return;
	}
	txn_after_commit(p->cfg.db, sms_port_answer_cb, a);
	if (!osmo_timer_pending(&p->late))
		osmo_timer_schedule(&p->late, SMS_PORT_ANSWER_US / 1000000, 0);
}

/* --- receipts --- */

static const char *sms_port_plain(const char *number)
{
	if (number[0] == '+')
		return number + 1;
	return number[0] == '0' && number[1] == '0' ? number + 2 : number;
}

static bool sms_port_receipt_is(const struct receipt *r, const struct sms_part *part)
{
	return part->id && part->id[0] && r->id[0] && receipt_id_equal(part->id, r->id);
}

/* By message_id; OsmoMSC's is a constant, there our reference comes back. Other parts may be in the queue still. */
static bool sms_port_receipt_in(struct llist_head *list, const struct receipt *r, bool by_ref)
{
	struct sms_port_msg *m;

	llist_for_each_entry(m, list, entry) {
		for (unsigned i = 0; i < m->n; i++) {
			struct sms_part *part = &m->part[i];

			if (part->state != PART_STORED ||
			    (by_ref ? part->ref != r->ref : !sms_port_receipt_is(r, part)))
				continue;
			if (!m->forgotten)
				sms_port_part_receipt(m, i, r->state == SMPP_STATE_DELIVERED,
						      r->state == SMPP_STATE_EXPIRED);
			return true;
		}
	}
	return false;
}

static bool sms_port_receipt_of(struct sms_port_dest *d, const struct receipt *r)
{
	if (!d)
		return false;
	if (r->has_ref && (sms_port_receipt_in(&d->stored, r, true) || sms_port_receipt_in(&d->msgs, r, true)))
		return true;
	return sms_port_receipt_in(&d->stored, r, false) || sms_port_receipt_in(&d->msgs, r, false);
}

static void sms_port_rx_receipt(struct smsc *s, const struct smpp_sm *sm)
{
	struct sms_port *p = s->port;
	struct receipt r;

	smsc_count(s, SMSC_CTR_RECEIPTS);
	if (receipt_dec(&r, sm) == 0) {
		if (r.state == SMPP_STATE_ENROUTE || r.state == SMPP_STATE_ACCEPTED)
			return;
		/* addresses are swapped as a rule; not everywhere */
		if (sms_port_receipt_of(sms_port_dest_get(p, sms_port_plain(sm->src.digits), false), &r) ||
		    sms_port_receipt_of(sms_port_dest_get(p, sms_port_plain(sm->dst.digits), false), &r))
			return;
	}
	smsc_count(s, SMSC_CTR_RECEIPTS_STRAY);
	LOGP(DSMS, LOGL_INFO, "receipt of SMSC %s from %s belongs to nothing\n", s->cfg.name, sm->src.digits);
}

/* --- packets --- */

/* User data with header; SMPP status for the SMSC. A complete packet has been handed up then. */
static uint32_t sms_port_rx_ud(struct smsc *s, const char *from, const uint8_t *ud, size_t len)
{
	struct sms_port *p = s->port;
	struct concat_msg msg;
	unsigned long given_up = concat_given_up(p->concat);
	int rc = concat_add(p->concat, &msg, from, ud, len, sms_port_now_us() / 1000);

	for (; given_up < concat_given_up(p->concat); given_up++)
		counter_inc(CTR_SMS_HALVES);
	if (rc < 0 && rc != -EALREADY) {
		LOGP(DSMS, LOGL_NOTICE, "SMS from %s refused: %s\n", from, strerror(-rc));
		return rc == -ENOMEM ? SMPP_ST_RX_TEMP : SMPP_ST_RX_PERM;
	}
	if (rc != 1)
		return SMPP_ST_OK;
	if (!msg.ota || !msg.len) {
		LOGP(DSMS, LOGL_NOTICE, "SMS from %s is no secured packet\n", from);
		return SMPP_ST_RX_PERM;
	}
	p->received++;
	LOGP(DSMS, LOGL_INFO, "SMS from %s: %s packet of %zu octets\n", from, msg.ota == 0x71 ? "response" : "command",
	     msg.len);
	p->cfg.rx(p->cfg.priv, from, msg.ota == 0x71, msg.packet, msg.len);
	return SMPP_ST_OK;
}

void sms_port_rx_inline(struct smsc *s, const char *from, const uint8_t *ud, size_t len)
{
	smsc_count(s, SMSC_CTR_RECEIVED);
	if (sms_port_rx_ud(s, from, ud, len) != SMPP_ST_OK)
		smsc_count(s, SMSC_CTR_RX_REFUSED);
}

/* OsmoMSC says esm_class 41 and data_coding 02 where others say 40 and F6: neither is compared. A delivery
 * acknowledgement (esm_class 08, 10) with a header carries what the card itself answered. */
static uint32_t sms_port_rx_sm(struct smsc *s, const struct smpp_sm *sm)
{
	uint8_t type = sm->esm_class & SMPP_ESM_TYPE_MASK;
	bool udhi = sm->esm_class & SMPP_ESM_UDHI;

	if (type & (SMPP_ESM_RECEIPT | SMPP_ESM_INTERIM)) {
		sms_port_rx_receipt(s, sm);
		return SMPP_ST_OK;
	}
	if (!udhi) {
		LOGP(DSMS, LOGL_DEBUG, "text from %s: ignored\n", sm->src.digits);
		return SMPP_ST_OK;
	}
	return sms_port_rx_ud(s, sm->src.digits, sm->ud, sm->ud_len);
}

void sms_port_rx(struct smsc *s, const struct smpp_pdu *pdu)
{
	uint32_t status;

	smsc_count(s, SMSC_CTR_RECEIVED);
	status = sms_port_rx_sm(s, &pdu->sm);
	if (status != SMPP_ST_OK)
		smsc_count(s, SMSC_CTR_RX_REFUSED);
	sms_port_answer(s, pdu, status);
}

void sms_port_rx_alert(struct smsc *s, const struct smpp_alert *alert)
{
	bool imsi = alert->src.npi == 6;
	const char *digits = imsi ? alert->src.digits : sms_port_plain(alert->src.digits);
	struct sms_port *p = s->port;
	struct sms_port_dest *d;

	smsc_count(s, SMSC_CTR_ALERTS);
	if (alert->has_availability && alert->availability)	/* 1 and 2 are bad news */
		return;
	d = imsi ? NULL : sms_port_dest_get(p, digits, false);
	if (d)
		sms_port_wake(d);
	sms_port_pump(p);
	if (p->cfg.alert)
		p->cfg.alert(p->cfg.priv, digits);
}

/* --- shown --- */

bool sms_port_up(const struct sms_port *p)
{
	struct smsc *s;

	llist_for_each_entry(s, &p->smscs, entry) {
		if (smsc_up(s))
			return true;
	}
	return false;
}

static char *sms_port_describe_smsc(struct smsc *s, char *text)
{
	char *link = s->link ? smpp_link_describe(s->link, text) : NULL;

	text = talloc_asprintf_append(text, "SMSC %s: %s mode%s, %u with it (window %u)%s\n  %s", s->cfg.name,
				      s->cfg.mode == SMSC_STORE ? "store-and-forward" : "transaction",
				      s->cfg.data_sm ? " by data_sm" : "", s->in_flight, s->window,
				      osmo_timer_pending(&s->pause) ? ", throttled" : "",
				      link ? link : s->cfg.shutdown ? "shutdown\n" : "no host\n");
	talloc_free(link);
	if (!s->cfg.n_routes)
		text = talloc_asprintf_append(text, "  every number, behind those with routes\n");
	for (unsigned i = 0; i < s->cfg.n_routes; i++)
		text = talloc_asprintf_append(text, "  route %s priority %u\n", s->cfg.routes[i].prefix[0] ?
					      s->cfg.routes[i].prefix : "default", s->cfg.routes[i].priority);
	return text;
}

char *sms_port_describe(struct sms_port *p, void *ctx)
{
	unsigned in_flight = 0;
	char *text = talloc_strdup(ctx, "");
	struct smsc *s;

	llist_for_each_entry(s, &p->smscs, entry) {
		text = sms_port_describe_smsc(s, text);
		in_flight += s->in_flight;
	}
	return talloc_asprintf_append(text, "SMS: %u waiting, %u with an SMSC, %u stored there, %lu delivered, "
				      "%lu unreachable, %lu failed, %lu not taken (queue full), "
				      "%lu packets received, %u half received\n",
				      p->queued - in_flight - p->stored, in_flight, p->stored, p->delivered,
				      p->unreachable, p->failed, p->queue_full, p->received, concat_waiting(p->concat));
}

char *sms_port_states(struct sms_port *p, void *ctx)
{
	char *text = talloc_strdup(ctx, "");
	struct smsc *s;

	llist_for_each_entry(s, &p->smscs, entry)
		text = talloc_asprintf_append(text, "%s%s %s", text[0] ? "," : "", s->cfg.name,
					      s->cfg.shutdown ? "shutdown" : smsc_up(s) ? "up" : "down");
	return text;
}
