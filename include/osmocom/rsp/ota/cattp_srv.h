/* The SM-SR's end of CAT_TP (TS 102 127, SGP.02 2.4.3): one UDP socket, a link for each card that was told to open one.
 * Links are found by the peer's address, cards by the identification in the SYN.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/ota/cattp_fsm.h>

struct cattp_srv;
struct cattp_conn;		/* one peer with its link */

struct cattp_srv_ops {
	/* A SYN: is somebody waiting for this identification? It is not proof of anything. Asked before memory is spent. */
	bool (*expected)(void *priv, const uint8_t *id, size_t id_len);
	/* Open. The owner that the next two are called with, or NULL: the link is closed. */
	void *(*opened)(void *priv, struct cattp_conn *c, const uint8_t *id, size_t id_len);
	void (*rx_sdu)(void *owner, struct cattp_conn *c, const uint8_t *sdu, size_t len);
	/* Once, from a timer; c is gone afterwards. */
	void (*closed)(void *owner, struct cattp_conn *c, uint8_t reason, bool by_peer);
};

/* All of it may change at run time and counts for new links. */
struct cattp_srv_limits {
	unsigned max_links, max_half_open;
	unsigned half_open_s;		/* a handshake takes no longer */
	struct cattp_cfg link;		/* port and ini are the server's */
};
void cattp_srv_limits_default(struct cattp_srv_limits *l);	/* 10000, 500, 20 s, cattp_cfg_default() with 10 s at most */

/* bind_port 0: any. The CAT_TP port is the UDP port's number. limits stays the caller's. NULL and a log line. */
struct cattp_srv *cattp_srv_new(void *ctx, const char *bind_ip, uint16_t bind_port,
				const struct cattp_srv_limits *limits, const struct cattp_srv_ops *ops, void *priv);
void cattp_srv_free(struct cattp_srv *s);	/* says RST to all; no callback */
uint16_t cattp_srv_port(const struct cattp_srv *s);

/* -ENOTCONN, -EMSGSIZE, -ENOBUFS, -ENOMEM as cattp_send_sdu(). */
int cattp_conn_send(struct cattp_conn *c, const uint8_t *sdu, size_t len);
size_t cattp_conn_max_sdu(const struct cattp_conn *c);	/* what the peer takes and we may queue */
size_t cattp_conn_pending(const struct cattp_conn *c);
/* The owner lets go: RST 00, closed() is not called. */
void cattp_conn_close(struct cattp_conn *c);
const char *cattp_conn_peer(const struct cattp_conn *c);
char *cattp_conn_describe(const struct cattp_conn *c, void *ctx);
/* Text lines: counts, then one line a link; name(owner) says whose it is. At most max links. */
char *cattp_srv_describe(struct cattp_srv *s, void *ctx, unsigned max, const char *(*name)(const void *owner));
