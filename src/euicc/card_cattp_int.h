/* State of the card's CAT_TP link, shared by card_cattp.c (receiving, life) and card_cattp_tx.c (sending).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/bip/cattp.h>

#include "card_cat.h"
#include "card_cattp.h"
#include "card_int.h"
#include "card_udp.h"

#define LINK_WIN 8		/* PDUs this end takes beyond the last one in order */
#define LINK_QUEUE_MAX 64	/* PDUs of its own that wait */

enum link_state { LINK_CLOSED, LINK_CHANNEL, LINK_READY, LINK_SYN_SENT, LINK_OPEN, LINK_CLOSE_WAIT };

struct link_pdu {
	struct llist_head entry;
	uint16_t seq;
	uint8_t flags;
	bool eacked;
	unsigned sent;			/* times */
	int64_t sent_ms;
	size_t len;
	uint8_t data[];
};

struct card_cattp {
	enum link_state state;
	void *ctx;			/* all of one link */
	void (*opened)(struct card *c, const struct bip_resp *r);
	uint16_t port, peer;		/* CAT_TP ports */
	uint8_t id[CATTP_ID_MAX];
	size_t id_len;
	/* sending: TS 102 127 5.5.1 */
	uint16_t ini, nxt, una, win;	/* una: oldest number not acknowledged */
	uint16_t pdu_max, sdu_max;	/* what the peer takes */
	struct llist_head sent, wait;	/* struct link_pdu */
	unsigned n_wait;
	unsigned rto_ms, srtt_ms;
	/* receiving */
	uint16_t own_sdu_max;
	uint16_t cur;			/* last number received in order */
	struct llist_head ahead;	/* received out of order, by number */
	struct bytes *sdu;		/* so far */
	bool ack_due;
	/* time, clock_now_ms() */
	int64_t rto_at, idle_at, close_at;	/* 0: not running */
	int64_t timer_at;		/* when the toolkit's timer fires, 0: it does not run */
	struct card_cattp_stats stats;
};

/* card_cattp_tx.c */
int16_t link_diff(uint16_t a, uint16_t b);	/* a - b in the circle of numbers */
void link_control(struct card *c, uint8_t flags, uint8_t reason);	/* ACK, RST: consume no number */
void link_eack(struct card *c);
int link_queue(struct card *c, uint8_t flags, const uint8_t *data, size_t len);	/* SYN, data, NUL: consume one */
void link_pump(struct card *c);
void link_acked(struct card *c, const struct cattp_pdu *p);
/* The oldest again. false: it has been sent too often. */
bool link_again(struct card *c);
void link_timer(struct card *c);		/* the toolkit's timer follows the nearest of the deadlines */
