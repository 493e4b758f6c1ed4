/* COMPREHENSION-TLV (TS 101 220 7.1.1).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>

#include <osmocom/rsp/bip/ctlv.h>

#define CTLV_TAG_LONG 0x7F	/* two octets of tag follow, their top bit is CR */

static size_t ctlv_len(struct rd *r)
{
	uint8_t l = rd_u8(r);

	switch (l) {
	case 0x00 ... 0x7F:
		return l;
	case 0x81:
		return rd_u8(r);
	case 0x82:
		return rd_u16(r);
	case 0x83:
		return rd_u24(r);
	default:
		r->bad = true;
		return 0;
	}
}

int ctlv_next(struct rd *r, struct ctlv *t)
{
	uint8_t tag;

	memset(t, 0, sizeof(*t));
	if (!r->left && !r->bad)
		return 0;
	tag = rd_u8(r);
	if ((tag & ~CTLV_CR) == 0 || tag == 0xFF)
		r->bad = true;
	t->tag = tag & ~CTLV_CR;
	t->cr = tag & CTLV_CR;
	if (tag == CTLV_TAG_LONG) {
		t->tag = rd_u16(r);
		t->cr = t->tag & 0x8000;
		t->tag &= 0x7FFF;
	}
	t->len = ctlv_len(r);
	t->v = rd_take(r, t->len);
	return r->bad ? -EINVAL : 1;
}

int ctlv_find(const uint8_t *data, size_t len, uint8_t tag, struct ctlv *t)
{
	struct rd r;
	int rc;

	rd_init(&r, data, len);
	while ((rc = ctlv_next(&r, t)) > 0) {
		if (t->tag == (tag & ~CTLV_CR))
			return 0;
	}
	return rc < 0 ? rc : -ENOENT;
}

int ctlv_put(struct bytes *b, uint8_t tag, const void *v, size_t len)
{
	if (len > 0xFFFF)
		return -EMSGSIZE;
	bytes_put_u8(b, tag);
	if (len > 0xFF) {
		bytes_put_u8(b, 0x82);
		bytes_put_u16(b, len);
	} else {
		if (len > 0x7F)	/* without 81 real cards lose data silently */
			bytes_put_u8(b, 0x81);
		bytes_put_u8(b, len);
	}
	return bytes_put(b, v, len);
}

int ctlv_put_u8(struct bytes *b, uint8_t tag, uint8_t v)
{
	return ctlv_put(b, tag, &v, 1);
}

int ctlv_put_u16(struct bytes *b, uint8_t tag, uint16_t v)
{
	return ctlv_put(b, tag, (uint8_t[]){ v >> 8, v & 0xFF }, 2);
}
