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
#include "faults.h"
#include "network.h"
#include "terminal.h"

#define TERMINAL_CHANNELS 7
#define TERMINAL_BUFFER_MAX 1500
#define TERMINAL_TPDU_MAX 200

/* HELD: connected, but the answer is still on its way (a fault) */
enum terminal_chan_state { TERMINAL_CHAN_CONNECTING, TERMINAL_CHAN_HELD, TERMINAL_CHAN_OPEN, TERMINAL_CHAN_DROPPED };

struct terminal_chan {
	struct epollset_fd efd;
	struct terminal *t;
	struct osmo_timer_list timer;	/* connect */
	enum terminal_chan_state state;
	uint8_t id;			/* 1..7 */
	bool udp;
	bool data_event, drop_event;	/* to be told to the card */
	uint16_t size;			/* of each buffer */
	size_t rx_len, tx_len;
	size_t tx_end, tx_go;		/* of tx, the octets the card has released, and those that may go by now */
	uint8_t *rx, *tx;
	uint8_t bearer[32], bearer_len;
	/* faults (terminal_air.c) */
	struct osmo_timer_list rx_timer, tx_timer;
	bool rx_held, tx_held;
	uint32_t cut_in;		/* TCP: octets until it is cut, 0: never */
	struct llist_head flying, arrived;	/* UDP: datagrams on their way, and behind the one in rx */
	unsigned n_air, n_arrived;
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
	struct faults *faults;		/* not ours; NULL: none */
	unsigned reset_in;		/* proactive commands until the card is reset, 0: never */
	bool cut_spared, reset_spared;
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
/* A datagram for the card; nothing else is in its buffer. */
void terminal_chan_datagram(struct terminal_chan *c, const uint8_t *data, size_t len);
/* All channels: the link is dropped (network lost), or they are gone (card reset). */
void terminal_chan_drop_all(struct terminal *t);
void terminal_chan_free_all(struct terminal *t);

/* --- terminal_air.c --- */
/* A channel is open: what is to happen to it is decided now. */
void terminal_air_opened(struct terminal_chan *c);
/* One datagram on its way up (to the server) or down. */
void terminal_air_datagram(struct terminal_chan *c, bool up, const uint8_t *data, size_t len);
/* The card has taken the datagram: the next one that has arrived. */
void terminal_air_next(struct terminal_chan *c);
/* The channel is being closed: what is on its way up gets there. */
void terminal_air_close(struct terminal_chan *c);
/* So many octets have gone over a TCP connection: true when it is cut now. */
bool terminal_air_cut(struct terminal_chan *c, size_t octets);
/* Octets of a TCP connection wait for half a round trip: *held is set, timer will fire. */
void terminal_air_hold(struct terminal_chan *c, struct osmo_timer_list *timer, bool *held);
