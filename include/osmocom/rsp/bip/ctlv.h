/* COMPREHENSION-TLV (TS 101 220 7.1.1): tag of one octet with the CR bit on top, or 7F and two octets; BER length.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>

struct ctlv {
	uint16_t tag;		/* without the CR bit */
	bool cr;
	const uint8_t *v;	/* inside the input */
	size_t len;
};

#define CTLV_CR 0x80		/* or it into the tag given to ctlv_put() */

/* 1 and *t filled, 0 at the end, -EINVAL malformed (r->bad set). Filler octets 00 and FF are no tags: -EINVAL. */
int ctlv_next(struct rd *r, struct ctlv *t);
/* First object with this tag (CR bit ignored): 0, -ENOENT, -EINVAL when malformed before it. */
int ctlv_find(const uint8_t *data, size_t len, uint8_t tag, struct ctlv *t);
int ctlv_put(struct bytes *b, uint8_t tag, const void *v, size_t len);
int ctlv_put_u8(struct bytes *b, uint8_t tag, uint8_t v);
int ctlv_put_u16(struct bytes *b, uint8_t tag, uint16_t v);
