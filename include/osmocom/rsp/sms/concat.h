/* Cut a secured packet into short messages and put it together again (TS 31.115 4, TS 23.040 9.2.3.24.1).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/sms/tpdu.h>

#define CONCAT_SINGLE_MAX 137		/* octets of packet in one message, in the first of several, in each next one */
#define CONCAT_FIRST_MAX 132
#define CONCAT_NEXT_MAX 134

struct concat_part {
	uint8_t ud[TPDU_UD_MAX];
	size_t len;
};

/* Number of messages a packet of len octets needs. */
size_t concat_count(size_t len);
/* Cut: header 70 or 71 (ota) in the first, ref in all when there are several. Number of parts, or -EMSGSIZE when more
 * than max_parts are needed, -EINVAL for an empty packet. */
int concat_cut(struct concat_part *parts, size_t max_parts, uint8_t ota, uint8_t ref, const uint8_t *packet,
	       size_t len);
/* The same for a card that takes only ud_max octets of user data, CONCAT_UD_MIN or more, in one message. */
int concat_cut_to(struct concat_part *parts, size_t max_parts, uint8_t ota, uint8_t ref, const uint8_t *packet,
		  size_t len, size_t ud_max);
#define CONCAT_UD_MIN 20

/* Half-received messages, bounded in number and age. Time comes from the caller. */
struct concat;
struct concat_cfg {
	unsigned max_messages;		/* half-received at once; the oldest makes room */
	unsigned max_parts;		/* of one message */
	unsigned max_age_ms;		/* since its first part */
};
struct concat_msg {
	uint8_t ota;			/* from segment 1 (or the single message): 0x70, 0x71, 0 */
	const uint8_t *packet;		/* inside the input, or owned by the concat until its next call */
	size_t len;
};

struct concat *concat_new(void *ctx, const struct concat_cfg *cfg);	/* free by talloc_free() */
/* One message's user data (with header). 1: complete, *msg filled. 0: waits for more. -EALREADY: that part was there.
 * Another one under its number: the sender has begun anew. -EMSGSIZE: more parts than max_parts. -EINVAL: bad header.
 * from: sender's address, part of the key. */
int concat_add(struct concat *c, struct concat_msg *msg, const char *from, const uint8_t *ud, size_t len,
	       int64_t now_ms);
/* Drops what is too old; number of messages dropped. */
unsigned concat_age(struct concat *c, int64_t now_ms);
unsigned concat_waiting(const struct concat *c);
unsigned long concat_given_up(const struct concat *c);	/* so far: too old, or the oldest when there were too many */
