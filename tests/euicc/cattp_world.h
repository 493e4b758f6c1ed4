/* A card on its rig, an in-memory network that loses, doubles and reorders, and the server's end of CAT_TP: two ends by
 * two hands. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "card_rig.h"

#include <osmocom/rsp/ota/cattp_fsm.h>

#define WORLD_PORT 8080
#define WORLD_KIC "000102030405060708090A0B0C0D0E0F"
#define WORLD_KID "101112131415161718191A1B1C1D1E1F"
/* push.json, both commands, expanded definite */
#define WORLD_PUSH \
	"AA42222680EC01012135010339020578470C03696F74076578616D706C653C03019C413E05210A000001221880EC0102133C03001F90" \
	"3902040036081122334455667788"
/* the same with a buffer of 256 octets: the server's PDUs are small */
#define WORLD_PUSH_SMALL \
	"AA42222680EC01012135010339020100470C03696F74076578616D706C653C03019C413E05210A000001221880EC0102133C03001F90" \
	"3902100036081122334455667788"
#define WORLD_IN_FLIGHT 256

struct datagram { bool up; size_t len; uint8_t data[1500]; };

struct world {
	struct rig *r;
	struct cattp_link *link;	/* the server's end */
	struct cattp_cfg cfg;
	const char *push;
	/* the modem's channel */
	bool open, refuse;
	struct bip_str dest;
	uint8_t addr[16], nan[64];
	size_t nan_len;
	uint16_t port, buffer;
	uint8_t tx[1500], rx[1500];
	size_t tx_len, rx_len;
	/* the network */
	unsigned loss, dup, reorder;	/* percent */
	uint32_t seed;
	struct datagram *net[WORLD_IN_FLIGHT];
	unsigned n_net, n_up, n_down;
	struct datagram *last_up;	/* the last datagram of the card, as it was sent */
	FILE *dump;			/* text2pcap input */
	/* what the server heard */
	uint8_t id[64];
	size_t id_len;
	unsigned established, closed, sdus;
	uint8_t reason;
	bool by_peer;
	struct bytes *sdu;		/* last one */
	int64_t now_ms;
};

struct world *world_new(void);
void world_free(struct world *w);
void world_listen(struct world *w);		/* a fresh server end */
/* Push as w->push says (at first WORLD_PUSH); the answer's script as hex, status. */
char *world_push(struct world *w, int *status);
/* One datagram moves, or a timer of the card fires when nothing is in flight. false: nothing is left to do. */
bool world_turn(struct world *w);
void world_settle(struct world *w, unsigned sdus);	/* until the server has so many SDUs */
void world_down(struct world *w, const uint8_t *pdu, size_t len);	/* straight to the card */
