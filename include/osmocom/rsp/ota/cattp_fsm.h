/* One CAT_TP link: TS 102 127, either end. No socket: PDUs go out by an op and come in by cattp_rx(); who owns the UDP
 * socket finds the link by the peer's address.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/bip/cattp.h>

#define CATTP_WIN_MAX 32	/* PDUs kept out of order */

struct cattp_link;

/* No op may free the link, except closed. All but send_pdu may send and close; send_pdu calls nothing of the link. */
struct cattp_ops {
	/* One datagram. It may be lost: nothing is returned. */
	void (*send_pdu)(void *priv, const uint8_t *pdu, size_t len);
	/* The link is open. id: the identification of the peer's SYN (empty from a server), valid during the call. */
	void (*established)(void *priv, const uint8_t *id, size_t id_len);
	void (*rx_sdu)(void *priv, const uint8_t *sdu, size_t len);
	/* Once, from a timer, never from inside a call; nothing else comes after it. The link may be freed here. */
	void (*closed)(void *priv, uint8_t reason, bool by_peer);
};

struct cattp_cfg {
	uint16_t port;			/* own CAT_TP port */
	uint16_t max_pdu, max_sdu;	/* what this end can receive */
	uint16_t win;			/* PDUs, 1..CATTP_WIN_MAX */
	uint16_t ini;			/* number of the own SYN: 0, 1 or random */
	size_t queue_max;		/* octets of SDUs waiting to be acknowledged */
	unsigned rto_ms, rto_min_ms, rto_max_ms, retries;
	unsigned idle_s;		/* without data either way: RST 00; 0: never */
};
/* 1024 octets a PDU, SDUs of 8192, 10 PDUs, 5 s (2..60 s), 5 retries, 20 minutes. */
void cattp_cfg_default(struct cattp_cfg *cfg, uint16_t port);

/* talloc object in CLOSED; NULL without memory or with a cfg that makes no sense. Freeing it is silent on the wire. */
struct cattp_link *cattp_link_new(void *ctx, const struct cattp_cfg *cfg, const struct cattp_ops *ops, void *priv);
/* Server: wait for one SYN. -EALREADY when it was opened before. */
int cattp_listen(struct cattp_link *l);
/* Client: SYN to that CAT_TP port. -EALREADY, -EINVAL identification too long. */
int cattp_open(struct cattp_link *l, uint16_t peer_port, const uint8_t *id, size_t id_len);
/* -ENOTCONN, -EMSGSIZE more than the peer takes (or nothing), -ENOBUFS queue full, -ENOMEM. */
int cattp_send_sdu(struct cattp_link *l, const uint8_t *sdu, size_t len);
/* RST with reason 00; what is still queued is lost: see cattp_pending(). closed() follows. */
void cattp_close(struct cattp_link *l);
/* A datagram from the peer. 0 taken or answered, negative errno when it was none of this link's: counted, dropped. */
int cattp_rx(struct cattp_link *l, const uint8_t *pdu, size_t len);

bool cattp_is_open(const struct cattp_link *l);
const char *cattp_state(const struct cattp_link *l);
/* Octets handed to cattp_send_sdu() that the peer has not acknowledged. */
size_t cattp_pending(const struct cattp_link *l);
size_t cattp_peer_max_sdu(const struct cattp_link *l);	/* once open */

struct cattp_stats {
	unsigned rx, rx_bad, rx_dup, rx_out_of_order, tx, retransmitted;
};
const struct cattp_stats *cattp_stats(const struct cattp_link *l);
