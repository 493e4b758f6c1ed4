/* BER-TLV (tags of 1 to 3 octets, definite lengths up to 4 octets, shortest form written) and GlobalPlatform DGI.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>

struct tlv {
	uint32_t tag;		/* as written: 0x5A, 0x5F20, 0x7F21, 0xBF810D */
	const uint8_t *v;	/* value, inside the input */
	size_t len;
	const uint8_t *raw;	/* the whole TLV, inside the input */
	size_t raw_len;
};

/* Next TLV: 1 and *t filled, 0 at the end of the input, -EINVAL on a malformed or cut one (r->bad is set). */
int tlv_next(struct rd *r, struct tlv *t);
/* First TLV with this tag at the outer level: 0, -ENOENT, or -EINVAL when the input is malformed before it. */
int tlv_find(const uint8_t *data, size_t len, uint32_t tag, struct tlv *t);
int tlv_put(struct bytes *b, uint32_t tag, const void *v, size_t len);
int tlv_put_u8(struct bytes *b, uint32_t tag, uint8_t v);
/* Only tag and shortest length. */
int tlv_put_head(struct bytes *b, uint32_t tag, size_t len);
/* Length octets alone: shortest BER form. */
int ber_put_len(struct bytes *b, size_t len);

/* DGI: 2 octet tag, length 1 octet 00..FE or FF + 2 octets (GP CS 2.3 11.11.3). Same results as tlv_next(). */
int dgi_next(struct rd *r, struct tlv *t);
int dgi_put(struct bytes *b, uint16_t dgi, const void *v, size_t len);
