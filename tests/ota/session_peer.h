/* The card's end of CAT_TP for the tests of card sessions: cattp_fsm.c as client on a real UDP socket of loopback (its PDUs
 * are held to the vectors and to tshark elsewhere). Another card, written apart, meets the server in
 * tests/e2e/bearers.sh.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "session_help.h"
#include "session_http.h"
#include <osmocom/rsp/net/udp.h>
#include <osmocom/rsp/ota/cattp_fsm.h>
#include <osmocom/rsp/ota/scp80.h>
#include <osmocom/rsp/util/counters.h>

#define LONG_LEN 300	/* more than one SMS, less than one SDU */

struct peer {
	struct udp *udp;
	struct udp_peer to;
	struct cattp_link *link;
	unsigned n_open, n_sdu, n_closed, n_rst;
	uint8_t sdu[8192], reason, rst;
	size_t sdu_len;
	bool by_peer, deaf;
};

int cattp_setup(void **state);		/* the world with CAT_TP, without HTTPS */
struct peer *peer_new(uint16_t max_sdu);
void peer_syn(struct peer *p, const uint8_t *id, size_t len);
struct card_cmd long_cmd(struct owner *o, size_t len);	/* one command TLV of len octets in all */
void push_id(unsigned n, uint8_t id[8], struct scp80_sec *sec);	/* the n-th SMS is a push: its identification */
void sdu_open(struct peer *p, struct scp80_sec *sec, struct bytes **script);
void sdu_answer(struct peer *p, const struct scp80_sec *sec, uint8_t status, const char *hex);
/* As far as the first SDU of a command of LONG_LEN. */
struct peer *connected(struct owner *o, struct scp80_sec *sec, struct bytes **script);
int cattp_tests(const struct CMUnitTest *tests, size_t n);	/* runs them, with counters */
#define CATTP_TEST(f) cmocka_unit_test_setup_teardown(f, cattp_setup, world_teardown)
