/* BER-TLV as SGP.02 and GlobalPlatform use it (tags to 3 octets, definite lengths) and DGI (GP CS 2.3 11.11.3).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>

#include <osmocom/rsp/util/tlv.h>

static uint32_t rd_tag(struct rd *r)
{
	uint32_t tag = rd_u8(r);

	if ((tag & 0x1F) != 0x1F)
		return tag;
	for (int i = 0; i < 2; i++) {
		uint8_t o = rd_u8(r);

		tag = tag << 8 | o;
		if (!(o & 0x80))
			return tag;
	}
	r->bad = true;	/* more than three octets */
	return 0;
}

static size_t rd_ber_len(struct rd *r)
{
	uint8_t o = rd_u8(r);

	switch (o) {
	case 0x81:
		return rd_u8(r);
	case 0x82:
		return rd_u16(r);
	case 0x83:
		return rd_u24(r);
	case 0x84:
		return rd_u32(r);
	}
	if (o & 0x80)	/* indefinite or longer */
		r->bad = true;
	return o;
}

static int tlv_finish(struct rd *r, const struct rd *start, struct tlv *t)
{
	t->v = rd_take(r, t->len);
	if (r->bad) {
		*t = (struct tlv){};
		return -EINVAL;
	}
	t->raw = start->p;
	t->raw_len = start->left - r->left;
	return 1;
}

int tlv_next(struct rd *r, struct tlv *t)
{
	const struct rd start = *r;

	*t = (struct tlv){};
	if (r->bad)
		return -EINVAL;
	if (!r->left)
		return 0;
	t->tag = rd_tag(r);
	t->len = rd_ber_len(r);
	return tlv_finish(r, &start, t);
}

int tlv_find(const uint8_t *data, size_t len, uint32_t tag, struct tlv *t)
{
	struct rd r;
	int rc;

	rd_init(&r, data, len);
	while ((rc = tlv_next(&r, t)) == 1)
		if (t->tag == tag)
			return 0;
	return rc < 0 ? rc : -ENOENT;
}

int ber_put_len(struct bytes *b, size_t len)
{
	if (len < 0x80)
		return bytes_put_u8(b, len);
	if (len <= 0xFF) {
		bytes_put_u8(b, 0x81);
		return bytes_put_u8(b, len);
	}
	if (len <= 0xFFFF) {
		bytes_put_u8(b, 0x82);
		return bytes_put_u16(b, len);
	}
	if (len <= 0xFFFFFF) {
		bytes_put_u8(b, 0x83);
		return bytes_put_u24(b, len);
	}
	if (len > UINT32_MAX)
		return b->err = -EINVAL;
	bytes_put_u8(b, 0x84);
	return bytes_put_u32(b, len);
}

int tlv_put_head(struct bytes *b, uint32_t tag, size_t len)
{
	if (tag > 0xFFFF)
		bytes_put_u24(b, tag);
	else if (tag > 0xFF)
		bytes_put_u16(b, tag);
	else
		bytes_put_u8(b, tag);
	return ber_put_len(b, len);
}

int tlv_put(struct bytes *b, uint32_t tag, const void *v, size_t len)
{
	tlv_put_head(b, tag, len);
	return bytes_put(b, v, len);
}

int tlv_put_u8(struct bytes *b, uint32_t tag, uint8_t v)
{
	return tlv_put(b, tag, &v, 1);
}

int dgi_next(struct rd *r, struct tlv *t)
{
	const struct rd start = *r;

	*t = (struct tlv){};
	if (r->bad)
		return -EINVAL;
	if (!r->left)
		return 0;
	t->tag = rd_u16(r);
	t->len = rd_u8(r);
	if (t->len == 0xFF)
		t->len = rd_u16(r);
	return tlv_finish(r, &start, t);
}

int dgi_put(struct bytes *b, uint16_t dgi, const void *v, size_t len)
{
	if (len > 0xFFFF)
		return b->err = -EINVAL;
	bytes_put_u16(b, dgi);
	if (len > 0xFE) {
		bytes_put_u8(b, 0xFF);
		bytes_put_u16(b, len);
	} else {
		bytes_put_u8(b, len);
	}
	return bytes_put(b, v, len);
}
