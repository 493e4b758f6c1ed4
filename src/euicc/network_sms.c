/* Short messages of the simulated network: a queue for each subscriber, and what goes wrong with them.
 * TS 23.040 3.1 (store and forward).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "faults.h"
#include "network_priv.h"

#define NETWORK_STORE_TRIES 5
#define NETWORK_STORE_RETRY_S 2
#define NETWORK_OVERTAKEN_MS 700

static void network_mt_timer_cb(void *data);

static void network_after(struct osmo_timer_list *t, unsigned ms)
{
	osmo_timer_schedule(t, ms / 1000, ms % 1000 * 1000);
}

static struct faults *network_ue_faults(const struct network_ue *ue)
{
	struct faults *f = ue->ops->faults ? ue->ops->faults(ue->priv) : NULL;

	return f ? f : ue->net->faults;
}

static unsigned network_delay(const struct network_ue *ue)
{
	unsigned ms = fault(network_ue_faults(ue), FAULT_SMS_DELAY);

	if (ms)
		fault_struck(network_ue_faults(ue), FAULT_SMS_DELAY);
	return ms;
}

/* --- mobile terminated --- */

struct network_mt *network_mt_new(struct network *net, struct network_sub *sub)
{
	struct network_mt *mt = sub->mt_count < net->cfg.queue_max ? talloc_zero(sub, struct network_mt) : NULL;

	if (!mt)
		return NULL;
	INIT_LLIST_HEAD(&mt->esme_entry);
	mt->deliveries = 1;
	llist_add_tail(&mt->entry, &sub->mt);
	sub->mt_count++;
	return mt;
}

void network_mt_end(struct network *net, struct network_sub *sub, struct network_mt *mt, enum network_mt_end end)
{
	llist_del(&mt->entry);
	sub->mt_count--;
	if (end == NETWORK_MT_DONE)
		net->mt_ok++;
	else
		net->mt_failed++;
	if (mt->done)
		mt->done(mt, end);
	talloc_free(mt);
}

/* Next message to the terminal after the configured delay. Nothing happens inside this call. */
void network_mt_start(struct network *net, struct network_sub *sub)
{
	struct network_ue *ue = sub->ue;

	if (!ue || ue->mt_busy || llist_empty(&sub->mt) || osmo_timer_pending(&ue->timer))
		return;
	osmo_timer_setup(&ue->timer, network_mt_timer_cb, ue);
	network_after(&ue->timer, network_delay(ue));
}

/* Not delivered: transaction mode says so, a stored message is tried again for a while. */
static void network_mt_not_delivered(struct network_ue *ue, struct network_mt *mt)
{
	struct network *net = ue->net;
	struct network_sub *sub = ue->sub;

	if ((!mt->done || mt->stored) && ++mt->tries < NETWORK_STORE_TRIES) {
		osmo_timer_setup(&ue->timer, network_mt_timer_cb, ue);
		osmo_timer_schedule(&ue->timer, NETWORK_STORE_RETRY_S, 0);
		return;
	}
	network_mt_end(net, sub, mt, NETWORK_MT_FAILED);
	network_mt_start(net, sub);
}

/* The message that others overtake waits a while, then goes behind those that came meanwhile. true: not now. */
static bool network_mt_overtaken(struct network_ue *ue, struct network_mt *mt)
{
	struct network_sub *sub = ue->sub;
	unsigned ms = 0;

	if (!mt->rolled) {
		mt->rolled = true;
		mt->held = fault_roll(network_ue_faults(ue), FAULT_SMS_REORDER);
		if (!mt->held)
			return false;
		ms = NETWORK_OVERTAKEN_MS;
	} else if (mt->held && mt->entry.next != &sub->mt) {
		mt->held = false;
		llist_move_tail(&mt->entry, &sub->mt);
	} else {
		return false;
	}
	osmo_timer_setup(&ue->timer, network_mt_timer_cb, ue);
	network_after(&ue->timer, ms);
	return true;
}

static void network_mt_timer_cb(void *data)
{
	struct network_ue *ue = data;
	struct faults *f = network_ue_faults(ue);
	struct network_mt *mt = ue->sub ? llist_first_entry_or_null(&ue->sub->mt, struct network_mt, entry) : NULL;

	if (!mt || network_mt_overtaken(ue, mt))
		return;
	if (fault_roll(f, FAULT_SMS_LOSS)) {
		ue->net->lost++;
		network_mt_not_delivered(ue, mt);
		return;
	}
	if (!mt->dealt) {
		mt->dealt = true;
		mt->deliveries = fault_roll(f, FAULT_SMS_DUPLICATE) ? 2 : 1;
		mt->lost_ack = fault_roll(f, FAULT_SMS_LOSS_ACK);
	}
	ue->mt_busy = true;
	ue->net->sms_octets += mt->len;
	ue->ops->mt_sms(ue->priv, mt->tpdu, mt->len);
}

static void network_mt_report(const struct network_ue *ue, struct network_mt *mt)
{
	struct tpdu_report r;

	if (!ue->net->report || !ue->report || tpdu_report_dec(&r, ue->report->data, ue->report->len) < 0 || !r.udhi)
		return;
	memcpy(mt->report, r.ud, r.ud_len);
	mt->report_len = r.ud_len;
}

static void network_mt_done_cb(void *data)
{
	struct network_ue *ue = data;
	bool ok = ue->mt_ok;
	struct network_sub *sub = ue->sub;
	struct network_mt *mt = sub ? llist_first_entry_or_null(&sub->mt, struct network_mt, entry) : NULL;

	if (ue->external)
		network_external_mt_done(ue, ok);
	if (ok && mt)
		network_mt_report(ue, mt);
	TALLOC_FREE(ue->report);
	if (!ue->mt_busy || !mt)
		return;
	ue->mt_busy = false;
	if (ok && --mt->deliveries) {
		network_mt_start(ue->net, sub);
		return;
	}
	if (!ok) {
		network_mt_not_delivered(ue, mt);
		return;
	}
	network_mt_end(ue->net, sub, mt, mt->lost_ack ? NETWORK_MT_FAILED : NETWORK_MT_DONE);
	network_mt_start(ue->net, sub);
}

void network_mt_done(struct network_ue *ue, bool ok)
{
	ue->mt_ok = ok;
	network_after_commit(ue->net, network_mt_done_cb, ue);
}

void network_mt_done_report(struct network_ue *ue, bool ok, const uint8_t *tpdu, size_t len)
{
	talloc_free(ue->report);
	ue->report = bytes_dup(ue, tpdu, len);
	ue->net->reports++;
	network_mt_done(ue, ok);
}

static void network_scts(uint8_t scts[7])
{
	time_t now = clock_now();
	struct tm tm;
	unsigned v[6];

	gmtime_r(&now, &tm);
	v[0] = tm.tm_year % 100;
	v[1] = tm.tm_mon + 1;
	v[2] = tm.tm_mday;
	v[3] = tm.tm_hour;
	v[4] = tm.tm_min;
	v[5] = tm.tm_sec;
	for (int i = 0; i < 6; i++)
		scts[i] = (v[i] % 10) << 4 | v[i] / 10;
	scts[6] = 0;
}

int network_mt_fill(struct network_mt *mt, struct tpdu_deliver *d)
{
	struct bytes *b = bytes_new(mt, TPDU_MAX);
	int rc;

	if (!b)
		return -ENOMEM;
	network_scts(d->scts);
	rc = tpdu_deliver_enc(b, d);
	if (rc == 0) {
		memcpy(mt->tpdu, b->data, b->len);
		mt->len = b->len;
	}
	talloc_free(b);
	return rc;
}

void network_mt_drop(struct network_sub *sub, struct network_mt *mt)
{
	llist_del(&mt->entry);
	sub->mt_count--;
	talloc_free(mt);
}

int network_inject_mt(struct network *net, const char *msisdn, const char *from, bool udhi, const uint8_t *ud, size_t len)
{
	struct network_sub *sub = network_sub_by_msisdn(net, msisdn);
	struct tpdu_deliver d = { .udhi = udhi, .pid = TPDU_PID_DATA_DOWNLOAD, .dcs = TPDU_DCS_8BIT_CLASS2,
				  .oa.toa = 0x81, .ud_len = len };
	struct network_mt *mt;
	int rc;

	if (net->external)
		return -ENOTSUP;
	if (!sub)
		return -ENOENT;
	if (len > sizeof(d.ud))
		return -EMSGSIZE;
	mt = network_mt_new(net, sub);
	if (!mt)
		return -EAGAIN;
	osmo_strlcpy(d.oa.digits, from, sizeof(d.oa.digits));
	memcpy(d.ud, ud, len);
	rc = network_mt_fill(mt, &d);
	if (rc < 0)
		network_mt_drop(sub, mt);
	else
		network_mt_start(net, sub);
	return rc;
}

/* --- mobile originated --- */

void network_mo_end(struct network_ue *ue, uint8_t cause)
{
	void (*done)(void *priv, uint8_t cause) = ue->mo_done;

	ue->mo_sent = NULL;
	ue->mo_done = NULL;
	if (cause)
		ue->net->mo_failed++;
	else
		ue->net->mo_ok++;
	if (done)
		done(ue->priv, cause);
}

/* RP cause for what the ESME said, as OsmoMSC maps it */
uint8_t network_mo_cause(uint32_t status)
{
	switch (status) {
	case SMPP_ST_OK: return 0;
	case SMPP_ST_SYS_ERR: return 27;
	case SMPP_ST_INV_DST_ADDR: return 1;
	case SMPP_ST_QUEUE_FULL: return NETWORK_RP_CONGESTION;
	case 0x0A: return 21;
	case 0x0C: return 81;
	default: return NETWORK_RP_OUT_OF_ORDER;
	}
}

/* A copy that nobody at the terminal waits for: a message that comes twice, or late. */
struct network_late {
	struct osmo_timer_list timer;
	struct network *net;
	char msisdn[NETWORK_NUMBER_SIZE];
	struct tpdu_submit t;
};

static int network_late_destroy(struct network_late *l)
{
	osmo_timer_del(&l->timer);
	return 0;
}

static void network_late_cb(void *data)
{
	struct network_late *l = data;

	network_smsc_mo(l->net->smsc, NULL, l->msisdn, &l->t);
	talloc_free(l);
}

static void network_late(struct network_ue *ue, const struct tpdu_submit *t, unsigned ms)
{
	struct network_late *l = talloc_zero(ue->net, struct network_late);

	if (!l)
		return;
	l->net = ue->net;
	l->t = *t;
	osmo_strlcpy(l->msisdn, ue->sub->msisdn, sizeof(l->msisdn));
	osmo_timer_setup(&l->timer, network_late_cb, l);
	talloc_set_destructor(l, network_late_destroy);
	network_after(&l->timer, ms);
}

static uint8_t network_mo_go(struct network_ue *ue, const struct tpdu_submit *t)
{
	struct faults *f = network_ue_faults(ue);

	if (fault_roll(f, FAULT_SMS_LOSS_MO)) {
		ue->net->lost++;
		return 0;
	}
	if (!ue->sub || fault_roll(f, FAULT_SMS_REFUSE_MO))
		return NETWORK_RP_OUT_OF_ORDER;
	if (fault_roll(f, FAULT_SMS_DUPLICATE))
		network_late(ue, t, 0);
	if (fault_roll(f, FAULT_SMS_REORDER)) {
		network_late(ue, t, NETWORK_OVERTAKEN_MS);
		return 0;
	}
	return network_smsc_mo(ue->net->smsc, ue, ue->sub->msisdn, t);
}

static void network_mo_timer_cb(void *data)
{
	struct network_ue *ue = data;
	struct tpdu_submit *t = ue->mo;
	uint8_t cause;

	ue->mo = NULL;
	cause = network_mo_go(ue, t);
	talloc_free(t);
	if (!ue->mo_sent)
		network_mo_end(ue, cause);
}

int network_mo_sms(struct network_ue *ue, const uint8_t *tpdu, size_t len, void (*done)(void *priv, uint8_t cause))
{
	struct tpdu_submit *t;

	if (ue->mo_done)
		return -EBUSY;
	ue->net->sms_octets += len;
	t = talloc_zero(ue, struct tpdu_submit);
	if (!t)
		return -ENOMEM;
	if (tpdu_submit_dec(t, tpdu, len) < 0) {
		talloc_free(t);
		return -EINVAL;
	}
	ue->mo_done = done;
	if (ue->net->external) {
		talloc_free(t);
		network_external_mo(ue, tpdu, len);
		return 0;
	}
	ue->mo = t;
	osmo_timer_setup(&ue->mo_timer, network_mo_timer_cb, ue);
	network_after(&ue->mo_timer, network_delay(ue));
	return 0;
}

/* --- faults by their short names --- */

int network_fault_set(struct network *net, const char *name, unsigned value)
{
	static const struct { const char *name; enum fault_id id; } names[] = {
		{ "loss", FAULT_SMS_LOSS }, { "loss-ack", FAULT_SMS_LOSS_ACK }, { "loss-mo", FAULT_SMS_LOSS_MO },
		{ "duplicate", FAULT_SMS_DUPLICATE }, { "delay", FAULT_SMS_DELAY },
	};

	if (!strcmp(name, "seed")) {
		faults_seed(net->faults, value);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i].name, name)) {
			fault_set(net->faults, names[i].id, value);
			return 0;
		}
	}
	return -ENOENT;
}
