/* submit_sm and data_sm at the simulated SMSC: towards the terminal, and receipts of what was stored (SMPP 3.4 4.4, 4.7).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <string.h>

#include <osmocom/core/timer_compat.h>
#include <osmocom/core/utils.h>

#include <osmocom/rsp/sms/receipt.h>

#include "faults.h"
#include "network_smsc_priv.h"

static void network_submit_done(struct network_mt *mt, enum network_mt_end end)
{
	static const uint32_t status[] = {
		[NETWORK_MT_DONE] = SMPP_ST_OK, [NETWORK_MT_ABSENT] = SMPP_ST_INV_DST_ADDR,
		[NETWORK_MT_FAILED] = SMPP_ST_DELIVERY_FAIL,
	};
	struct network_esme *e = mt->esme;
	struct smpp_pdu rsp = { .id = mt->pdu_id | SMPP_RESP, .seq = mt->seq, .status = status[end],
				.rsp_ud_len = end == NETWORK_MT_DONE ? mt->report_len : 0 };

	if (!e)		/* that ESME has gone */
		return;
	llist_del(&mt->esme_entry);
	snprintf(rsp.text, sizeof(rsp.text), "%lu", ++e->smsc->message_id);
	memcpy(rsp.rsp_ud, mt->report, rsp.rsp_ud_len);
	smpp_conn_tx(e->conn, &rsp);
}

/* A stored message has reached its end: so says a receipt, if one was asked for (5.2.17). */
static void network_stored_done(struct network_mt *mt, enum network_mt_end end)
{
	static const enum smpp_state state[] = {
		[NETWORK_MT_DONE] = SMPP_STATE_DELIVERED, [NETWORK_MT_ABSENT] = SMPP_STATE_EXPIRED,
		[NETWORK_MT_FAILED] = SMPP_STATE_UNDELIVERABLE,
	};
	struct network_smsc *s = mt->smsc;
	struct network_esme *e = network_esme_bound(s, mt->system_id);
	struct smpp_pdu pdu = { .id = SMPP_DELIVER_SM, .sm = { .service_type = "CMT", .src = { .ton = 1, .npi = 1 },
				.dst = { .npi = 1 }, .has_user_ref = mt->has_user_ref, .user_ref = mt->user_ref } };
	char id[24];

	snprintf(id, sizeof(id), "%lu", mt->id);
	osmo_strlcpy(pdu.sm.src.digits, mt->to, sizeof(pdu.sm.src.digits));
	osmo_strlcpy(pdu.sm.dst.digits, mt->from, sizeof(pdu.sm.dst.digits));
	if (!e || receipt_enc(&pdu.sm, id, state[end]) < 0 || !network_esme_deliver(e, NULL, &pdu))
		s->receipts_dropped++;
}

/* TP-DCS for a data_coding as OsmoMSC maps it, -1: unknown there. 7-bit text has no place here. */
static int network_dcs(uint8_t data_coding)
{
	if (data_coding >= 0xF4 && data_coding <= 0xF7)
		return data_coding;
	if (data_coding == 0x02 || data_coding == 0x04)
		return 0xF4;
	return -1;
}

static uint32_t network_submit_check(const struct smpp_sm *sm)
{
	if (!sm->ud_len || sm->ud_len > TPDU_UD_MAX)
		return SMPP_ST_INV_MSG_LEN;
	return network_dcs(sm->data_coding) < 0 ? SMPP_ST_UNKNOWN : SMPP_ST_OK;
}

/* data_sm names no TP-PID: class 2 there means the card. */
static int network_submit_fill(struct network_mt *mt, const struct smpp_pdu *pdu)
{
	const struct smpp_sm *sm = &pdu->sm;
	struct tpdu_deliver d = { .udhi = sm->esm_class & SMPP_ESM_UDHI,
				  .pid = pdu->id == SMPP_DATA_SM ? TPDU_PID_DATA_DOWNLOAD : sm->protocol_id,
				  .dcs = network_dcs(sm->data_coding), .ud_len = sm->ud_len };

	d.oa.toa = 0x80 | (sm->src.ton & 7) << 4 | (sm->src.npi & 0xF);
	osmo_strlcpy(d.oa.digits, sm->src.digits, sizeof(d.oa.digits));
	memcpy(d.ud, sm->ud, sm->ud_len);
	return network_mt_fill(mt, &d);
}

/* A short SMSC says so (ota-transport 3.3); 0 when it takes the message. */
static uint32_t network_submit_flow(struct network_smsc *s)
{
	struct faults *f = s->net->faults;
	unsigned rate = fault(f, FAULT_SMSC_RATE);
	struct timespec now;

	if (rate) {
		osmo_clock_gettime(CLOCK_MONOTONIC, &now);
		s->in_second = s->second == now.tv_sec ? s->in_second + 1 : 1;
		s->second = now.tv_sec;
		if (s->in_second > rate) {
			fault_struck(f, FAULT_SMSC_RATE);
			return SMPP_ST_THROTTLED;
		}
	}
	if (fault_roll(f, FAULT_SMSC_THROTTLE))
		return SMPP_ST_THROTTLED;
	return fault_roll(f, FAULT_SMSC_FULL) ? SMPP_ST_QUEUE_FULL : SMPP_ST_OK;
}

static void network_submit_keep(struct network_mt *mt, struct network_esme *e, const struct smpp_pdu *pdu)
{
	mt->stored = true;
	mt->smsc = e->smsc;
	mt->id = ++e->smsc->message_id;
	mt->has_user_ref = pdu->sm.has_user_ref;
	mt->user_ref = pdu->sm.user_ref;
	osmo_strlcpy(mt->system_id, e->system_id, sizeof(mt->system_id));
	osmo_strlcpy(mt->from, pdu->sm.src.digits, sizeof(mt->from));
	osmo_strlcpy(mt->to, pdu->sm.dst.digits, sizeof(mt->to));
	if (pdu->sm.registered & 3)
		mt->done = network_stored_done;
}

void network_esme_rx_submit(struct network_esme *e, const struct smpp_pdu *pdu)
{
	struct network *net = e->smsc->net;
	const struct smpp_sm *sm = &pdu->sm;
	bool transaction = (sm->esm_class & SMPP_ESM_MODE_MASK) == SMPP_ESM_TRANSACTION;
	uint32_t status = network_submit_check(sm);
	struct network_sub *sub = sm->dst.npi == 6 ? network_sub_by_imsi(net, sm->dst.digits) :
						     network_sub_by_msisdn(net, sm->dst.digits);
	struct network_mt *mt = NULL;
	char id[24] = "";

	e->smsc->submits++;
	if (!status)
		status = network_submit_flow(e->smsc);
	if (!status && (!sub || (transaction && !sub->ue)))
		status = SMPP_ST_INV_DST_ADDR;
	if (!status) {
		mt = network_mt_new(net, sub);
		status = mt ? SMPP_ST_OK : SMPP_ST_QUEUE_FULL;
	}
	if (mt && network_submit_fill(mt, pdu) < 0) {
		network_mt_drop(sub, mt);
		status = SMPP_ST_SYS_ERR;
	}
	if (!status && transaction) {
		mt->done = network_submit_done;
		mt->esme = e;
		mt->pdu_id = pdu->id;
		mt->seq = pdu->seq;
		llist_add_tail(&mt->esme_entry, &e->submits);
	} else {
		if (!status) {
			network_submit_keep(mt, e, pdu);
			/* hexadecimal here, decimal in receipts, as some do */
			snprintf(id, sizeof(id), "%lX", mt->id);
		}
		smpp_conn_tx_resp(e->conn, pdu, status, id);
	}
	if (!status)
		network_mt_start(net, sub);
}
