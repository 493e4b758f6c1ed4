/* A CAT_TP link, as its two halves know it.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/fsm.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/core/timer.h>
#include <osmocom/rsp/ota/cattp_fsm.h>

enum cattp_st { ST_CLOSED, ST_LISTEN, ST_SYN_SENT, ST_SYN_RCVD, ST_OPEN, ST_CLOSE_WAIT };

/* A PDU that consumes a sequence number, from cattp_send_sdu() until it is acknowledged. */
struct tx_pdu {
	struct llist_head entry;
	uint8_t flags;
	uint16_t seq;		/* once tries > 0 */
	unsigned tries;
	bool eacked;
	struct timeval sent;
	size_t len;
	uint8_t data[];
};

struct rx_slot {
	bool used;
	uint8_t flags;
	struct bytes *data;	/* NULL: NUL */
};

struct cattp_link {
	struct cattp_cfg cfg;
	const struct cattp_ops *ops;
	void *priv;
	struct osmo_fsm_inst *fi;
	uint16_t peer_port, peer_max_pdu, peer_max_sdu;
	uint8_t id[CATTP_ID_MAX];	/* client: own; server: the peer's */
	size_t id_len;
	uint16_t snd_nxt, snd_una, snd_win;
	uint16_t rcv_ini, rcv_cur;
	struct llist_head txq;		/* tx_pdu: sent ones first */
	size_t pending;
	struct rx_slot store[CATTP_WIN_MAX];	/* by seq % CATTP_WIN_MAX */
	struct bytes *sdu;		/* segments so far */
	bool ack_due;
	unsigned rto_ms, srtt_ms, backoff;
	struct osmo_timer_list rtx_timer, idle_timer, close_timer;
	bool told;			/* closed() was called */
	bool by_peer;
	uint8_t reason;
	struct cattp_stats stats;
};

/* a - b, of numbers that wrap */
static inline int diff(uint16_t a, uint16_t b)
{
	return (int16_t)(a - b);
}

static inline void timer_ms(struct osmo_timer_list *t, unsigned ms)
{
	osmo_timer_schedule(t, ms / 1000, ms % 1000 * 1000);
}

/* cattp_tx.c */
void cattp_tx_pdu(struct cattp_link *l, struct cattp_pdu *p);
void cattp_tx_ack(struct cattp_link *l);
void cattp_tx_rst(struct cattp_link *l, uint8_t reason);
void cattp_tx_refuse(struct cattp_link *l, const struct cattp_pdu *in, uint8_t reason);
struct tx_pdu *cattp_tx_new(struct cattp_link *l, uint8_t flags, const uint8_t *data, size_t len);
void cattp_tx_free(struct cattp_link *l, struct tx_pdu *t);
void cattp_tx_numbered(struct cattp_link *l, struct tx_pdu *t);
void cattp_tx_arm(struct cattp_link *l);
void cattp_tx_some(struct cattp_link *l);
bool cattp_tx_acked(struct cattp_link *l, const struct cattp_pdu *p);
void cattp_tx_rtx_cb(void *data);

/* cattp_fsm.c */
void cattp_idle_arm(struct cattp_link *l);
void cattp_link_end(struct cattp_link *l, uint8_t reason, bool by_peer);
void cattp_link_abort(struct cattp_link *l, uint8_t reason);
