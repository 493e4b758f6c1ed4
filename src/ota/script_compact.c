/* Compact remote APDU format, TS 102 226 5.1: commands of at least 5 octets one behind the other, one answer.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <osmocom/rsp/ota/script_compact.h>

#define INS_GET_RESPONSE 0xC0	/* its P3 is an Le wherever it stands */

int script_compact_put_cmd(struct bytes *out, const struct apdu_cmd *c, bool last)
{
	if (c->lc > 255 || (c->has_le && !last && c->ins != INS_GET_RESPONSE) || (c->lc && c->ins == INS_GET_RESPONSE))
		return -EINVAL;
	bytes_put_u8(out, c->cla);
	bytes_put_u8(out, c->ins);
	bytes_put_u8(out, c->p1);
	bytes_put_u8(out, c->p2);
	if (!c->lc)
		return bytes_put_u8(out, c->has_le ? c->le : 0);	/* P3 is always there */
	bytes_put_u8(out, c->lc);
	bytes_put(out, c->data, c->lc);
	return c->has_le ? bytes_put_u8(out, c->le) : out->err;
}

int script_compact_next(struct rd *r, struct apdu_cmd *c)
{
	uint8_t p3;

	memset(c, 0, sizeof(*c));
	if (!r->left)
		return r->bad ? -EINVAL : 0;
	c->cla = rd_u8(r);
	c->ins = rd_u8(r);
	c->p1 = rd_u8(r);
	c->p2 = rd_u8(r);
	p3 = rd_u8(r);
	if (r->bad)
		return -EINVAL;
	if (!r->left || c->ins == INS_GET_RESPONSE) {
		c->has_le = true;
		c->le = p3;
		return 1;
	}
	c->lc = p3;
	c->data = p3 ? rd_take(r, p3) : NULL;
	if (!r->bad && p3 && r->left == 1) {
		c->has_le = true;
		c->le = rd_u8(r);
	}
	return r->bad ? -EINVAL : 1;
}

int script_compact_rsp_enc(struct bytes *out, const struct script_compact_rsp *rsp)
{
	bytes_put_u8(out, rsp->executed);
	bytes_put_u16(out, rsp->sw);
	return rsp->len ? bytes_put(out, rsp->data, rsp->len) : out->err;
}

int script_compact_rsp_dec(struct script_compact_rsp *rsp, const uint8_t *in, size_t len)
{
	struct rd r;

	memset(rsp, 0, sizeof(*rsp));
	rd_init(&r, in, len);
	rsp->executed = rd_u8(&r);
	rsp->sw = rd_u16(&r);
	rsp->len = r.left;
	rsp->data = rd_take(&r, r.left);
	return r.bad ? -EINVAL : 0;
}
