/* GlobalPlatform commands, GP CS 2.3 clause 11, in the shapes SGP.02 uses. Le is written when data can come back.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/ota/gp_cmd.h>
#include <osmocom/rsp/util/misc.h>

#define CLA_GP		0x80
#define BLOCK_MAX	255
#define P1_LAST		0x80
#define P1_DGI		0x08
#define P1_BER		0x10
#define P1_RESPONSE	0x01
#define TAG_AID		0x4F
#define TAG_LIST	0x5C

int gp_store_data_enc(struct bytes *script, const uint8_t *data, size_t len, bool response, bool more, uint8_t first_block)
{
	unsigned n = 0;

	if (!len || len > BLOCK_MAX * (256u - first_block))
		return -EINVAL;
	for (; len; n++) {
		size_t part = len < BLOCK_MAX ? len : BLOCK_MAX;
		struct apdu_cmd c = {
			.cla = CLA_GP, .ins = GP_INS_STORE_DATA, .p2 = first_block + n, .data = data, .lc = part, .has_le = response,
		};

		data += part;
		len -= part;
		c.p1 = P1_DGI | (response ? P1_RESPONSE : 0) | (!len && !more ? P1_LAST : 0);
		if (script_put_cmd(script, &c) < 0)
			return script->err;
	}
	return n;
}

uint16_t gp_store_data_dec(struct gp_store_data *s, const struct apdu_cmd *c)
{
	memset(s, 0, sizeof(*s));
	if (c->ins != GP_INS_STORE_DATA)
		return 0x6D00;
	if ((c->p1 & 0x18) != P1_DGI && (c->p1 & 0x18) != P1_BER)
		return 0x6A86;
	if (c->p1 & 0x60)	/* data encrypted otherwise than by the channel */
		return 0x6A86;
	if (!c->lc)
		return 0x6700;
	s->last = c->p1 & P1_LAST;
	s->response = c->p1 & P1_RESPONSE;
	s->dgi = (c->p1 & 0x18) == P1_DGI;
	s->block = c->p2;
	s->data = c->data;
	s->len = c->lc;
	return 0x9000;
}

static void lv_put(struct bytes *b, const void *v, size_t len)
{
	ber_put_len(b, len);
	if (len)
		bytes_put(b, v, len);
}

/* One APDU with data, as 22. Takes data. */
static int put_with(struct bytes *script, uint8_t ins, uint8_t p1, uint8_t p2, struct bytes *data)
{
	struct apdu_cmd c = { .cla = CLA_GP, .ins = ins, .p1 = p1, .p2 = p2, .has_le = true };
	int rc = data ? data->err : -ENOMEM;

	if (!rc) {
		c.data = data->data;
		c.lc = data->len;
		rc = script_put_cmd(script, &c);
	}
	talloc_free(data);
	return rc < 0 ? rc : 0;
}

int gp_install_enc(struct bytes *script, const struct gp_install *i)
{
	struct bytes *b = bytes_new(NULL, BLOCK_MAX);

	if (!b)
		return -ENOMEM;
	lv_put(b, i->load_file.b, i->load_file.len);
	lv_put(b, i->module.b, i->module.len);
	lv_put(b, i->app.b, i->app.len);
	lv_put(b, i->privileges, i->privileges_len);
	lv_put(b, i->params, i->params_len);
	lv_put(b, i->token, i->token_len);
	return put_with(script, GP_INS_INSTALL, i->p1, 0, b);
}

/* LV; NULL value with length 0 for an empty field. */
static const uint8_t *lv_take(struct rd *r, size_t *len)
{
	uint8_t l = rd_u8(r);

	*len = l == 0x81 ? rd_u8(r) : l == 0x82 ? rd_u16(r) : l;
	return rd_take(r, *len);
}

static bool aid_take(struct rd *r, struct aid *aid)
{
	size_t len;
	const uint8_t *v = lv_take(r, &len);

	return !r->bad && (!len || aid_from_bytes(aid, v, len) >= 0);
}

uint16_t gp_install_dec(struct gp_install *i, const struct apdu_cmd *c)
{
	const uint8_t *v;
	struct rd r;

	memset(i, 0, sizeof(*i));
	if (c->ins != GP_INS_INSTALL)
		return 0x6D00;
	if (c->p2)
		return 0x6A86;
	i->p1 = c->p1;
	rd_init(&r, c->data, c->lc);
	if (!aid_take(&r, &i->load_file) || !aid_take(&r, &i->module) || !aid_take(&r, &i->app))
		return 0x6A80;
	v = lv_take(&r, &i->privileges_len);
	if (r.bad || i->privileges_len > sizeof(i->privileges))
		return 0x6A80;
	if (i->privileges_len)
		memcpy(i->privileges, v, i->privileges_len);
	i->params = lv_take(&r, &i->params_len);
	i->token = lv_take(&r, &i->token_len);
	return r.bad || r.left ? 0x6A80 : 0x9000;
}

int gp_get_status_enc(struct bytes *script, const struct aid *aid, const uint8_t *tags, size_t tags_len, bool next)
{
	struct bytes *b = bytes_new(NULL, BLOCK_MAX);

	if (!b)
		return -ENOMEM;
	tlv_put_head(b, TAG_AID, aid ? aid->len : 0);
	if (aid && aid->len)
		bytes_put(b, aid->b, aid->len);
	if (tags_len)
		tlv_put(b, TAG_LIST, tags, tags_len);
	return put_with(script, GP_INS_GET_STATUS, 0x40, next ? 0x03 : 0x02, b);
}

int gp_get_data_enc(struct bytes *script, uint16_t tag, const uint8_t *tag_list, size_t len)
{
	struct bytes *b = bytes_new(NULL, BLOCK_MAX);

	if (!b)
		return -ENOMEM;
	if (len)
		tlv_put(b, TAG_LIST, tag_list, len);
	return put_with(script, GP_INS_GET_DATA, tag >> 8, tag & 0xFF, b);
}

int gp_delete_enc(struct bytes *script, uint8_t p2, const uint8_t *data, size_t len)
{
	struct bytes *b = bytes_new(NULL, BLOCK_MAX);

	if (!b)
		return -ENOMEM;
	bytes_put(b, data, len);
	return put_with(script, GP_INS_DELETE, 0, p2, b);
}

int gp_put_key_enc(struct bytes *apdu, uint8_t kvn, uint8_t kid, const struct key *k, const struct key *dek)
{
	struct apdu_cmd c = { .cla = CLA_GP, .ins = GP_INS_PUT_KEY, .p2 = kid, .has_le = true };
	struct bytes *b = bytes_new(NULL, BLOCK_MAX);
	uint8_t kcv[3];
	int rc;

	if (!b)
		return -ENOMEM;
	key_kcv(kcv, k);
	bytes_put_u8(b, kvn);
	bytes_put_u8(b, key_type(k));
	bytes_put_u8(b, 1 + key_len(k));
	bytes_put_u8(b, key_len(k));
	rc = key_wrap_cbc(dek, k, b);
	lv_put(b, kcv, sizeof(kcv));
	c.data = b->data;
	c.lc = b->len;
	if (rc >= 0)
		rc = b->err ? b->err : apdu_put(apdu, &c);
	talloc_free(b);
	return rc < 0 ? rc : 0;
}

uint16_t gp_put_key_dec(struct key **k, void *ctx, uint8_t *kvn, uint8_t *kid, const struct key *dek,
			const struct apdu_cmd *c)
{
	const uint8_t *wrapped, *kcv;
	uint8_t type, len, good[3];
	size_t n, kcv_len;
	struct rd r;

	*k = NULL;
	if (c->ins != GP_INS_PUT_KEY)
		return 0x6D00;
	rd_init(&r, c->data, c->lc);
	*kvn = rd_u8(&r);
	*kid = c->p2 & 0x7F;
	type = rd_u8(&r);
	n = rd_u8(&r);
	len = rd_u8(&r);
	if (r.bad || n != 1u + len)
		return 0x6A80;
	if (type != KEY_TYPE_AES)
		return 0x9484;
	wrapped = rd_take(&r, len);
	kcv = lv_take(&r, &kcv_len);
	if (r.bad || r.left || (kcv_len && kcv_len != 3))
		return 0x6A80;
	*k = key_unwrap_cbc(ctx, dek, KEY_TYPE_AES, wrapped, len);
	if (!*k)
		return 0x6A80;
	key_kcv(good, *k);
	if (!kcv_len || secret_eq(good, kcv, 3))
		return 0x9000;
	talloc_free(*k);
	*k = NULL;
	return 0x9485;
}

const char *gp_sw_text(uint16_t sw)
{
	static const struct { uint16_t sw; const char *text; } words[] = {
		{ 0x9000, "done" },
		{ 0x6300, "authentication of host cryptogram failed" },
		{ 0x6310, "more data available" },
		{ 0x62F1, "response cut, more data available" },
		{ 0x6581, "memory failure" },
		{ 0x6700, "wrong length" },
		{ 0x6982, "security status not satisfied" },
		{ 0x6985, "conditions of use not satisfied" },
		{ 0x6A80, "incorrect values in command data" },
		{ 0x6A82, "application not found" },
		{ 0x6A84, "not enough memory space" },
		{ 0x6A86, "incorrect P1 P2" },
		{ 0x6A88, "referenced data not found" },
		{ 0x6D00, "invalid instruction" },
		{ 0x6E00, "invalid class" },
		{ 0x9484, "algorithm not supported" },
		{ 0x9485, "wrong key check value" },
	};
	unsigned i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i].sw == sw)
			return words[i].text;
	}
	return sw >> 8 == 0x91 ? "done, proactive command waiting" : "unknown status word";
}
