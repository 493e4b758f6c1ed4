/* A UDP socket for many peers: one descriptor, datagrams in and out in batches (recvmmsg, sendmmsg). IPv4 and IPv6.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

struct udp;

struct udp_peer {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
};
bool udp_peer_eq(const struct udp_peer *a, const struct udp_peer *b);
uint32_t udp_peer_hash(const struct udp_peer *p);
#define UDP_PEER_STR_SIZE 64
const char *udp_peer_str(char out[UDP_PEER_STR_SIZE], const struct udp_peer *p);	/* "10.0.0.1:8445", "[::1]:8445" */

#define UDP_DATAGRAM_MAX 2048	/* longer ones are dropped and counted */

struct udp_cfg {
	const char *ip;			/* IPv4 or IPv6 literal */
	uint16_t port;			/* 0: any */
	unsigned queue_max;		/* datagrams waiting to leave; 0: 1024 */
	void (*rx)(void *priv, const struct udp_peer *from, const uint8_t *data, size_t len);
	void *priv;
};
struct udp_stats {
	unsigned long rx, tx, rx_long, tx_dropped;	/* dropped: queue full, or refused by the system */
};

struct udp *udp_new(void *ctx, const struct udp_cfg *cfg);	/* talloc object; NULL and a log line */
uint16_t udp_port(const struct udp *u);
/* Leaves in the next turn of the loop, thus after the commit of this one (design P1). Lost when the queue is full. */
void udp_send(struct udp *u, const struct udp_peer *to, const uint8_t *data, size_t len);
void udp_flush(struct udp *u);	/* at the end: what the system takes at once */
const struct udp_stats *udp_stats(const struct udp *u);
