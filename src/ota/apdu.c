/* Command and response APDU, ISO 7816-4 short form.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <osmocom/rsp/ota/apdu.h>

int apdu_dec(struct apdu_cmd *c, const uint8_t *in, size_t len)
{
	struct rd r;

	memset(c, 0, sizeof(*c));
	rd_init(&r, in, len);
	c->cla = rd_u8(&r);
	c->ins = rd_u8(&r);
	c->p1 = rd_u8(&r);
	c->p2 = rd_u8(&r);
	if (r.bad)
		return -EINVAL;
	if (r.left > 1) {
		c->lc = rd_u8(&r);
		if (!c->lc)	/* extended length, or an Lc without data */
			return -EINVAL;
		c->data = rd_take(&r, c->lc);
	}
	if (r.left) {
		c->has_le = true;
		c->le = rd_u8(&r);
	}
	return r.bad || r.left ? -EINVAL : 0;
}

int apdu_put(struct bytes *out, const struct apdu_cmd *c)
{
	if (c->lc > 255)
		return -EINVAL;
	bytes_put_u8(out, c->cla);
	bytes_put_u8(out, c->ins);
	bytes_put_u8(out, c->p1);
	bytes_put_u8(out, c->p2);
	if (c->lc) {
		bytes_put_u8(out, c->lc);
		bytes_put(out, c->data, c->lc);
	}
	if (c->has_le)
		bytes_put_u8(out, c->le);
	return out->err;
}

int apdu_rsp_dec(struct apdu_rsp *r, const uint8_t *in, size_t len)
{
	memset(r, 0, sizeof(*r));
	if (len < 2)
		return -EINVAL;
	r->data = in;
	r->len = len - 2;
	r->sw = in[len - 2] << 8 | in[len - 1];
	return 0;
}

int apdu_rsp_put(struct bytes *out, const void *data, size_t len, uint16_t sw)
{
	if (len)
		bytes_put(out, data, len);
	return bytes_put_u16(out, sw);
}

bool apdu_sw_goes_on(uint16_t sw)
{
	switch (sw >> 8) {
	case 0x90:
	case 0x91:
	case 0x61:
	case 0x63:
		return true;
	case 0x62:
		return sw != 0x62F1;
	default:
		return false;
	}
}

bool apdu_sw_ok(uint16_t sw)
{
	return sw == 0x9000 || sw >> 8 == 0x91;
}
