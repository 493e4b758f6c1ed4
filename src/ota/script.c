/* Expanded remote command scripts and responses, TS 102 226 5.2. Inner TLVs always have definite lengths; AE and AF end
 * with 00 00. Receivers accept both templates on every bearer.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <osmocom/rsp/ota/script.h>

#define TAG_CMD			0xAA
#define TAG_CMD_INDEFINITE	0xAE
#define TAG_RSP			0xAB
#define TAG_RSP_INDEFINITE	0xAF
#define TAG_COUNT		0x80
#define TAG_BAD_FORMAT		0x90
#define INDEFINITE		0x80

int script_put_capdu(struct bytes *tlvs, const uint8_t *apdu, size_t len)
{
	return tlv_put(tlvs, SCRIPT_TAG_CAPDU, apdu, len);
}

int script_put_cmd(struct bytes *tlvs, const struct apdu_cmd *c)
{
	if (c->lc > 255)
		return -EINVAL;
	tlv_put_head(tlvs, SCRIPT_TAG_CAPDU, 4 + (c->lc ? 1 + c->lc : 0) + c->has_le);
	return apdu_put(tlvs, c);
}

int script_put_rapdu(struct bytes *tlvs, const void *data, size_t len, uint16_t sw)
{
	tlv_put_head(tlvs, SCRIPT_TAG_RAPDU, len + 2);
	return apdu_rsp_put(tlvs, data, len, sw);
}

static void open_template(struct bytes *out, uint8_t tag, bool definite, size_t len)
{
	bytes_put_u8(out, tag);
	if (definite)
		ber_put_len(out, len);
	else
		bytes_put_u8(out, INDEFINITE);
}

int script_cmd_enc(struct bytes *out, const uint8_t *tlvs, size_t len, bool definite, enum script_chain chain)
{
	open_template(out, definite ? TAG_CMD : TAG_CMD_INDEFINITE, definite, len + (chain == SCRIPT_CHAIN_NONE ? 0 : 3));
	if (chain != SCRIPT_CHAIN_NONE)
		tlv_put_u8(out, SCRIPT_TAG_CHAINING, chain);
	if (len)
		bytes_put(out, tlvs, len);
	if (!definite)
		bytes_put_u16(out, 0);
	return out->err;
}

size_t script_cmd_overhead(size_t len, bool definite, enum script_chain chain)
{
	size_t extra = chain == SCRIPT_CHAIN_NONE ? 0 : 3, n = len + extra;

	if (!definite)
		return extra + 4;
	return extra + 2 + (n > 0x7F) + (n > 0xFF) + (n > 0xFFFF);
}

/* Body of a template: r is set to its inside. An indefinite body keeps its end 00 00, which next_tlv() finds. */
static int open_body(struct rd *r, bool *definite, uint8_t tag, uint8_t tag_indefinite, const uint8_t *in, size_t len)
{
	struct tlv t;
	int rc;

	rd_init(r, in, len);
	if (rd_peek(r, 0) == tag_indefinite && rd_peek(r, 1) == INDEFINITE) {
		rd_take(r, 2);
		*definite = false;
		return 0;
	}
	if (rd_peek(r, 0) != tag && rd_peek(r, 0) != tag_indefinite)
		return -EINVAL;
	rc = tlv_next(r, &t);
	if (rc != 1 || r->left)
		return -EINVAL;
	rd_init(r, t.v, t.len);
	*definite = true;
	return 0;
}

/* 1, 0 at the end of the template, -EINVAL. */
static int next_tlv(struct rd *r, bool definite, struct tlv *t)
{
	if (!definite && rd_peek(r, 0) == 0) {
		if (r->left != 2 || rd_peek(r, 1) != 0)
			return -EINVAL;
		return 0;	/* not consumed: asking again gives the same answer */
	}
	if (!definite && !r->left)
		return -EINVAL;	/* the end is missing */
	return tlv_next(r, t);
}

static int cmd_next(struct script_rd *s, struct tlv *t)
{
	size_t left = s->r.left;
	int rc = next_tlv(&s->r, s->definite, t);

	if (rc < 0)
		s->bad = left <= 1 ? SCRIPT_BAD_NO_LENGTH : SCRIPT_BAD_LENGTH;
	else if (rc == 1 && t->tag == (SCRIPT_TAG_CAPDU | 0x80))
		t->tag = SCRIPT_TAG_CAPDU;	/* comprehension bit */
	return rc;
}

static bool chain_known(uint8_t v)
{
	return v == SCRIPT_CHAIN_FIRST || v == SCRIPT_CHAIN_FIRST_KEEP || v == SCRIPT_CHAIN_MORE || v == SCRIPT_CHAIN_LAST;
}

bool script_is_expanded(const uint8_t *in, size_t len)
{
	return len && (in[0] == TAG_CMD || in[0] == TAG_CMD_INDEFINITE);
}

int script_cmd_open(struct script_rd *s, const uint8_t *in, size_t len)
{
	struct tlv t;

	memset(s, 0, sizeof(*s));
	s->chain = SCRIPT_CHAIN_NONE;
	s->bad = SCRIPT_BAD_NONE;
	if (open_body(&s->r, &s->definite, TAG_CMD, TAG_CMD_INDEFINITE, in, len) < 0) {
		s->definite = len && in[0] == TAG_CMD;	/* the answer has the form of the command all the same */
		s->bad = script_is_expanded(in, len) ? SCRIPT_BAD_LENGTH : SCRIPT_BAD_TAG;
		return -EINVAL;
	}
	if (rd_peek(&s->r, 0) != SCRIPT_TAG_CHAINING)
		return 0;
	if (cmd_next(s, &t) != 1 || t.len != 1 || !chain_known(t.v[0])) {
		s->bad = SCRIPT_BAD_LENGTH;
		return -EINVAL;
	}
	s->chain = t.v[0];
	return 0;
}

int script_cmd_next(struct script_rd *s, struct tlv *t)
{
	int rc = s->bad == SCRIPT_BAD_NONE ? cmd_next(s, t) : -EINVAL;

	s->count += rc == 1;
	return rc;
}

int script_rsp_enc(struct bytes *out, bool definite, unsigned executed, const uint8_t *tlvs, size_t len,
		   enum script_bad bad)
{
	uint8_t count[2] = { executed >> 8, executed };
	size_t n = executed > 0x7F ? 2 : 1;	/* INTEGER: 80..FF would be negative in one octet */
	size_t extra = bad == SCRIPT_BAD_NONE ? 0 : 3;

	if (executed > 0x7FFF)
		return -EINVAL;
	open_template(out, definite ? TAG_RSP : TAG_RSP_INDEFINITE, definite, 2 + n + len + extra);
	if (definite)
		tlv_put(out, TAG_COUNT, count + 2 - n, n);
	if (len)
		bytes_put(out, tlvs, len);
	if (extra)
		tlv_put_u8(out, TAG_BAD_FORMAT, bad);
	if (!definite)
		bytes_put_u16(out, 0);
	return out->err;
}

/* The closing TLVs. 1: it was one, 0: not, -EINVAL. */
static int rsp_closing(struct script_rsp *r, const struct tlv *t)
{
	int *field = t->tag == TAG_BAD_FORMAT ? &r->bad_format : t->tag == SCRIPT_TAG_CHAINING ? &r->chain_error :
		     t->tag == SCRIPT_TAG_IMMEDIATE ? &r->immediate_error : NULL;

	if (!field)
		return 0;
	if (t->len != 1)
		return -EINVAL;
	*field = t->v[0];
	return 1;
}

static int rsp_count(struct script_rsp *r, const struct tlv *t)
{
	size_t i;

	if (t->len < 1 || t->len > 2)
		return -EINVAL;
	for (r->executed = 0, i = 0; i < t->len; i++)
		r->executed = r->executed << 8 | t->v[i];
	return 0;
}

int script_rsp_dec(struct script_rsp *r, const uint8_t *in, size_t len)
{
	bool closing = false, first = true;
	struct tlv t;
	struct rd rd;
	int rc;

	memset(r, 0, sizeof(*r));
	r->executed = r->bad_format = r->chain_error = r->immediate_error = -1;
	if (open_body(&rd, &r->definite, TAG_RSP, TAG_RSP_INDEFINITE, in, len) < 0)
		return -EINVAL;
	for (; (rc = next_tlv(&rd, r->definite, &t)) == 1; first = false) {
		if (first && t.tag == TAG_COUNT) {	/* inside AF it is not expected, and harmless */
			if (rsp_count(r, &t) < 0)
				return -EINVAL;
			continue;
		}
		rc = rsp_closing(r, &t);
		if (rc < 0 || (rc == 0 && closing))
			return -EINVAL;
		closing = rc == 1;
		if (closing)
			continue;
		if (!r->tlvs)
			r->tlvs = t.raw;
		r->len = t.raw + t.raw_len - r->tlvs;
	}
	return rc;
}

int script_rapdu_next(struct rd *r, struct apdu_rsp *a)
{
	struct tlv t;
	int rc;

	while ((rc = tlv_next(r, &t)) == 1) {
		if ((t.tag | 0x80) == (SCRIPT_TAG_RAPDU | 0x80))
			return apdu_rsp_dec(a, t.v, t.len) < 0 ? -EINVAL : 1;
	}
	return rc;
}

int script_rapdu_decisive(struct apdu_rsp *a, const uint8_t *tlvs, size_t len)
{
	struct apdu_rsp next;
	struct rd r;
	int rc;
	bool any = false;

	memset(a, 0, sizeof(*a));
	rd_init(&r, tlvs, len);
	while ((rc = script_rapdu_next(&r, &next)) == 1) {
		*a = next;
		any = true;
		if (!apdu_sw_goes_on(a->sw))
			return 0;
	}
	return rc < 0 ? rc : any ? 0 : -ENODATA;
}
