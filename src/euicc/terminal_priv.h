/* What the files of the terminal share: terminal.c (power, network, SMS), terminal_cat.c (proactive commands),
 * terminal_chan.c (TCP and UDP channels).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/timer.h>

#include <osmocom/rsp/bip/bip_cmd.h>
#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/ids.h>

#include "card.h"
#include "epollset.h"
#include "network.h"
#include "terminal.h"

#define TERMINAL_CHANNELS 7
#define TERMINAL_BUFFER_MAX 1500
#define TERMINAL_TPDU_MAX 200

enum terminal_chan_state { TERMINAL_CHAN_CONNECTING, TERMINAL_CHAN_OPEN, TERMINAL_CHAN_DROPPED };

struct terminal_chan {
	struct epollset_fd efd;
	struct terminal *t;
	struct osmo_timer_list timer;	/* connect */
	enum terminal_chan_state state;
	uint8_t id;			/* 1..7 */
	bool udp;
	bool data_event, drop_event;	/* to be told to the card */
	uint16_t size;			/* of each buffer */
	size_t rx_len, tx_len, tx_go;	/* tx_go: of these, the octets released for sending */
	uint8_t *rx, *tx;
	uint8_t bearer[32], bearer_len;
};

struct terminal_timer {
	struct osmo_timer_list timer;
	struct terminal *t;
	uint8_t id;
	unsigned seconds;		/* as started */
	bool expired;			/* to be told to the card */
};

struct terminal {
	struct network *net;
	struct card *card;
	char imei[17], imsi[16];
	struct aid usim;		/* of the enabled profile; len 0: none */
	bool on, covered, attached;
	struct network_ue *ue;		/* attached or on the way */
	struct osmo_timer_list work;	/* one card interaction a shot */
	struct osmo_timer_list attach_retry, poll;
	/* what waits for the card; each at most once, so there is no queue to bound */
	bool boot, reset, location_due, status_due, fetch_due, mt_due;
	uint16_t fetch_len;
	uint8_t mt[TERMINAL_TPDU_MAX];
	size_t mt_len;
	/* proactive session: from FETCH to TERMINAL RESPONSE */
	bool proactive, mo_pending, refresh, refresh_reset;
	uint8_t cmd_number, cmd_type, cmd_qualifier;
	struct bytes *response;		/* ready to be sent */
	uint32_t events;		/* bit n: event n of the list wanted */
	unsigned poll_interval_s;
	uint8_t mr;
	struct terminal_timer *timers;	/* BIP_TIMERS of them, made when needed */
	struct terminal_chan *chan[TERMINAL_CHANNELS];
	unsigned long apdus, proactives, mt_count, mo_count, resets;
};

/* --- terminal.c --- */
/* One command; data in resp without status word. The status word; 91xx has been noted. */
uint16_t terminal_apdu(struct terminal *t, const uint8_t *apdu, size_t len, struct bytes *resp);
void terminal_work_soon(struct terminal *t);
bool terminal_wants(const struct terminal *t, enum bip_event ev);
/* An ENVELOPE. Status word, 0 when it could not be built. */
uint16_t terminal_envelope(struct terminal *t, const struct bip_env *e);

/* --- terminal_cat.c --- */
void terminal_cat_fetch(struct terminal *t);
/* Ends the proactive session as soon as the card gets it; number, type and qualifier are filled in. */
void terminal_cat_respond(struct terminal *t, struct bip_resp *r);
void terminal_cat_result(struct terminal *t, uint8_t result);
void terminal_cat_bip_error(struct terminal *t, uint8_t error);
/* One timer expiration or channel event that waits: true when one was sent. */
bool terminal_cat_event(struct terminal *t);
void terminal_cat_reset(struct terminal *t);	/* card reset: event list, timers, channels, session are gone */
size_t terminal_cat_location(struct terminal *t, uint8_t out[9]);

/* --- terminal_chan.c --- */
/* OPEN CHANNEL: answers now or when connected. */
void terminal_chan_open(struct terminal *t, const struct bip_cmd *c);
void terminal_chan_send(struct terminal *t, const struct bip_cmd *c);
void terminal_chan_receive(struct terminal *t, const struct bip_cmd *c);
void terminal_chan_close_cmd(struct terminal *t, const struct bip_cmd *c);
void terminal_chan_status(struct terminal *t);
bool terminal_chan_event(struct terminal *t);
/* All channels: the link is dropped (network lost), or they are gone (card reset). */
void terminal_chan_drop_all(struct terminal *t);
void terminal_chan_free_all(struct terminal *t);
