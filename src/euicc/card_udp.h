/* UDP channels of the card: whole datagrams over the bearer independent protocol.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/bip/bip_cmd.h>

struct card;

/* Who has a channel; one each. */
enum card_udp_user { CARD_UDP_CATTP, CARD_UDP_DNS, CARD_UDP_USERS };

struct card_udp_ops {
	/* Answer to OPEN CHANNEL: open when r->result < 10, otherwise there is no channel any more. */
	void (*opened)(struct card *c, const struct bip_resp *r);
	void (*rx)(struct card *c, const uint8_t *data, size_t len);
	void (*dropped)(struct card *c);	/* the link is gone, and the channel with it */
};

/* One that is open is closed first. 0 or negative: the toolkit's queue is full. */
int card_udp_open(struct card *c, enum card_udp_user user, struct bip_cmd *open, const struct card_udp_ops *ops);
/* One datagram, queued; a datagram that cannot be queued is lost as any other may be. */
void card_udp_send(struct card *c, enum card_udp_user user, const uint8_t *data, size_t len);
/* After what is queued has been handed to the terminal. */
void card_udp_close(struct card *c, enum card_udp_user user);
uint16_t card_udp_buffer(const struct card *c, enum card_udp_user user);	/* largest datagram */
void card_udp_reset(struct card *c);
/* Events of the terminal: true when the channel is one of these. */
bool card_udp_data_available(struct card *c, uint8_t channel);
bool card_udp_dropped(struct card *c, uint8_t channel);
