/* One SMSC of several: routes, rate, throttling (SMPP 3.4 5.1.3: 58, 14), counters, and its link.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/rate_ctr.h>
#include <osmocom/core/talloc.h>

#include <osmocom/rsp/util/logging.h>

#include "sms_port_priv.h"

#define SMSC_VALIDITY_S 300
#define SMSC_THROTTLE_MAX_S 30
#define SMSC_BURST_US 100000	/* so much of a second's rate may leave at once */

static const struct rate_ctr_desc smsc_ctr_descs[] = {
	[SMSC_CTR_SENT] = { "sent", "Messages submitted" },
	[SMSC_CTR_ACCEPTED] = { "accepted", "Answered with success" },
	[SMSC_CTR_UNREACHABLE] = { "unreachable", "Refused: destination not there" },
	[SMSC_CTR_REFUSED] = { "refused", "Refused otherwise" },
	[SMSC_CTR_THROTTLED] = { "throttled", "Refused: too fast" },
	[SMSC_CTR_QUEUE_FULL] = { "queue_full", "Refused: queue full there" },
	[SMSC_CTR_TIMEOUT] = { "timeout", "Never answered" },
	[SMSC_CTR_RESENT] = { "resent", "Parts sent again alone" },
	[SMSC_CTR_RECEIVED] = { "received", "deliver_sm and data_sm from there" },
	[SMSC_CTR_RX_REFUSED] = { "received:refused", "Of these refused: no secured packet" },
	[SMSC_CTR_RX_LATE] = { "received:late", "Of these put off: not on disk in time" },
	[SMSC_CTR_RECEIPTS] = { "receipts", "Delivery receipts" },
	[SMSC_CTR_RECEIPTS_STRAY] = { "receipts:stray", "Of these unreadable, or nobody waits for it any more" },
	[SMSC_CTR_ALERTS] = { "alerts", "alert_notification" },
	[SMSC_CTR_BOUND] = { "bind:done", "Links brought up" },
	[SMSC_CTR_BIND_REFUSED] = { "bind:refused", "Binds refused" },
	[SMSC_CTR_LOST] = { "bind:lost", "Links lost" },
	[SMSC_CTR_UNREADABLE] = { "unreadable", "PDUs that cannot be read" },
};
osmo_static_assert(ARRAY_SIZE(smsc_ctr_descs) == _SMSC_CTR_COUNT, each_smsc_counter_has_a_name);

static const struct rate_ctr_group_desc smsc_ctr_group = {
	.group_name_prefix = "smsc", .group_description = "SMSC", .num_ctr = _SMSC_CTR_COUNT, .ctr_desc = smsc_ctr_descs,
};

void smsc_count(struct smsc *s, enum smsc_ctr ctr)
{
	if (s->ctrs)
		rate_ctr_inc(rate_ctr_group_get_ctr(s->ctrs, ctr));
}

struct smsc *smsc_find(const struct sms_port *p, const char *name)
{
	struct smsc *s;

	llist_for_each_entry(s, &p->smscs, entry) {
		if (!strcmp(s->cfg.name, name))
			return s;
	}
	return NULL;
}

bool smsc_up(const struct smsc *s)
{
	return s->link && smpp_link_up(s->link);
}

const char *smsc_number(const struct smsc *s)
{
	return s->cfg.number[0] ? s->cfg.number : s->port->cfg.own_number;
}

/* --- routes --- */

/* Smaller is better: the longer prefix, then the priority; INT_MAX: does not serve that number. */
static int smsc_distance(const struct smsc *s, const char *msisdn)
{
	int best = s->cfg.n_routes ? INT_MAX : 16 * 256 + 256;

	for (unsigned i = 0; i < s->cfg.n_routes; i++) {
		const struct smsc_route *r = &s->cfg.routes[i];
		int len = strlen(r->prefix);

		if (!strncmp(r->prefix, msisdn, len))
			best = OSMO_MIN(best, (16 - len) * 256 + r->priority);
	}
	return best;
}

struct smsc *smsc_route(const struct sms_port *p, const char *msisdn, bool must_be_up)
{
	struct smsc *s, *best = NULL;
	int best_d = INT_MAX;

	llist_for_each_entry(s, &p->smscs, entry) {
		int d = must_be_up && !smsc_up(s) ? INT_MAX : smsc_distance(s, msisdn);

		if (d < best_d) {
			best_d = d;
			best = s;
		}
	}
	return best;
}

/* --- how fast --- */

static void smsc_pause_cb(void *data)
{
	struct smsc *s = data;

	sms_port_pump(s->port);
}

bool smsc_may_send(struct smsc *s)
{
	int64_t wait;

	if (!smsc_up(s) || osmo_timer_pending(&s->pause) || osmo_timer_pending(&s->slow) || s->in_flight >= s->window)
		return false;
	if (!s->cfg.rate)
		return true;
	wait = s->due_us - sms_port_now_us() - SMSC_BURST_US;
	if (wait <= 0)
		return true;
	osmo_timer_schedule(&s->slow, wait / 1000000, wait % 1000000);
	return false;
}

void smsc_slower(struct smsc *s)
{
	s->window = OSMO_MAX(s->window / 2, 1U);
}

/* Half the rate and silence, 1 s and twice as long each time until something is taken. All that was under way is
 * refused at once as a rule: that is one time. */
void smsc_throttled(struct smsc *s)
{
	smsc_count(s, SMSC_CTR_THROTTLED);
	if (osmo_timer_pending(&s->pause))
		return;
	smsc_slower(s);
	s->throttle_s = s->throttle_s ? OSMO_MIN(2 * s->throttle_s, (unsigned)SMSC_THROTTLE_MAX_S) : 1;
	osmo_timer_schedule(&s->pause, s->throttle_s, 0);
	LOGP(DSMS, LOGL_NOTICE, "SMSC %s throttles: %u s, window %u\n", s->cfg.name, s->throttle_s, s->window);
}

void smsc_faster(struct smsc *s)
{
	s->throttle_s = 0;
	s->window = OSMO_MIN(s->window + 1, smpp_link_window(s->link));
}

/* --- out --- */

int smsc_send(struct smsc *s, const char *msisdn, const struct sms_part *part, struct sms_port_msg *ref)
{
	bool store = s->cfg.mode == SMSC_STORE;
	struct smpp_sm sm = {
		.src = { .ton = 0, .npi = 1 }, .dst = { .ton = 1, .npi = 1 },
		.esm_class = SMPP_ESM_UDHI | (store ? SMPP_ESM_STORE : SMPP_ESM_TRANSACTION),
		.protocol_id = TPDU_PID_DATA_DOWNLOAD, .data_coding = TPDU_DCS_8BIT_CLASS2,
		.registered = store, .has_user_ref = store, .user_ref = part->ref, .ud_len = part->p.len,
	};
	unsigned v = s->cfg.validity_s;
	int64_t now = sms_port_now_us();
	int rc;

	osmo_strlcpy(sm.src.digits, smsc_number(s), sizeof(sm.src.digits));
	osmo_strlcpy(sm.dst.digits, msisdn, sizeof(sm.dst.digits));
	if (store)	/* relative time, 7.1.1 */
		snprintf(sm.validity, sizeof(sm.validity), "0000%02u%02u%02u%02u000R", v / 86400 % 28, v / 3600 % 24,
			 v / 60 % 60, v % 60);
	memcpy(sm.ud, part->p.ud, sm.ud_len);
	rc = smpp_link_submit(s->link, &sm, s->cfg.data_sm, ref);
	if (rc < 0)
		return rc;
	s->in_flight++;
	if (s->cfg.rate)
		s->due_us = OSMO_MAX(s->due_us, now) + 1000000 / s->cfg.rate;
	smsc_count(s, SMSC_CTR_SENT);
	return 0;
}

/* --- from the link --- */

static void smsc_link_up(void *priv)
{
	struct smsc *s = priv;

	s->window = smpp_link_window(s->link);
	s->throttle_s = 0;
	sms_port_reroute(s->port);
}

static void smsc_link_down(void *priv)
{
	struct smsc *s = priv;

	osmo_timer_del(&s->pause);
	osmo_timer_del(&s->slow);
	sms_port_reroute(s->port);
}

static void smsc_link_resp(void *priv, void *ref, int status, const struct smpp_pdu *pdu)
{
	struct sms_port_msg *m = ref;
	struct smsc *s = priv;
	char from[sizeof(m->dest->msisdn)];

	osmo_strlcpy(from, m->dest->msisdn, sizeof(from));	/* m may go */
	sms_port_part_answered(m, s, status, pdu && pdu->id != SMPP_RESP ? pdu->text : "");
	if (pdu && pdu->rsp_ud_len)
		sms_port_rx_inline(s, from, pdu->rsp_ud, pdu->rsp_ud_len);
}

static void smsc_link_deliver(void *priv, const struct smpp_pdu *pdu)
{
	sms_port_rx(priv, pdu);
}

static void smsc_link_alert(void *priv, const struct smpp_alert *alert)
{
	sms_port_rx_alert(priv, alert);
}

static void smsc_link_event(void *priv, enum smpp_link_count what)
{
	static const enum smsc_ctr ctr[] = {
		[SMPP_LINK_BOUND] = SMSC_CTR_BOUND, [SMPP_LINK_REFUSED] = SMSC_CTR_BIND_REFUSED,
		[SMPP_LINK_LOST] = SMSC_CTR_LOST, [SMPP_LINK_UNREADABLE] = SMSC_CTR_UNREADABLE,
	};

	smsc_count(priv, ctr[what]);
}

static const struct smpp_link_ops smsc_link_ops = {
	.up = smsc_link_up, .down = smsc_link_down, .resp = smsc_link_resp, .deliver = smsc_link_deliver,
	.alert = smsc_link_alert, .event = smsc_link_event,
};

/* --- settings --- */

static struct smsc *smsc_new(struct sms_port *p)
{
	struct smsc *s = talloc_zero(p, struct smsc);

	if (!s)
		return NULL;
	s->port = p;
	s->ctrs = rate_ctr_group_alloc(s, &smsc_ctr_group, p->next_index++);
	INIT_LLIST_HEAD(&s->ready);
	osmo_timer_setup(&s->pause, smsc_pause_cb, s);
	osmo_timer_setup(&s->slow, smsc_pause_cb, s);
	llist_add_tail(&s->entry, &p->smscs);
	p->n_smscs++;
	return s;
}

/* Ends the link as if it had been lost: what it has in hand is unknown. */
static void smsc_unlink(struct smsc *s)
{
	struct smpp_link *l = s->link;

	if (!l)
		return;
	smpp_link_end(l);	/* answers all with -ENOTCONN */
	s->link = NULL;
	smpp_link_free(l);
}

int smsc_set(struct sms_port *p, const struct smsc_cfg *cfg)
{
	struct smsc *s = smsc_find(p, cfg->name);

	if (!s && p->n_smscs >= SMSC_MAX)
		return -ENOSPC;
	if (!s)
		s = smsc_new(p);
	if (!s)
		return -ENOMEM;
	s->cfg = *cfg;
	s->cfg.validity_s = cfg->validity_s ? cfg->validity_s : SMSC_VALIDITY_S;
	if (s->ctrs)
		rate_ctr_group_set_name(s->ctrs, s->cfg.name);
	if (cfg->shutdown || !cfg->link.host[0]) {
		smsc_unlink(s);
	} else if (!s->link) {
		s->link = smpp_link_new(s, &cfg->link, &smsc_link_ops, s);
		if (!s->link)
			return -ENOMEM;
	} else {
		smpp_link_cfg_set(s->link, &cfg->link);
		s->window = smpp_link_window(s->link);
	}
	sms_port_reroute(p);
	return 0;
}

void smsc_free(struct smsc *s)
{
	struct sms_port *p = s->port;

	smsc_unlink(s);
	osmo_timer_del(&s->pause);
	osmo_timer_del(&s->slow);
	sms_port_answers_drop(p, s);
	llist_del(&s->entry);
	p->n_smscs--;
	llist_splice_init(&s->ready, &p->stranded);
	sms_port_reroute(p);
	rate_ctr_group_free(s->ctrs);
	talloc_free(s);
}
