/* ES5 as the card reads it: one C-APDU, or a collected DGI stream, to a struct; the result is a status word.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <osmocom/rsp/util/misc.h>
#include "es5_priv.h"

#define SW_OK		0x9000
#define SW_DATA		0x6A80
#define SW_P1P2		0x6A86

/* 2 or 4 octets (TS 102 226 8.2.1.3.2.6). */
static bool memory_dec(uint32_t *out, const uint8_t *v, size_t len)
{
	size_t i;

	if (len != 2 && len != 4)
		return false;
	for (*out = 0, i = 0; i < len; i++)
		*out = *out << 8 | v[i];
	return true;
}

static uint16_t install_dec(struct es5_cmd *c, const struct apdu_cmd *apdu)
{
	struct gp_install i;
	struct tlv ef, mem;
	uint16_t sw = gp_install_dec(&i, apdu);
	int rc;

	if (sw != SW_OK)
		return sw;
	c->aid = i.app;
	if (!i.app.len)
		return SW_DATA;
	if (i.p1 == INSTALL_PERSO) {
		c->fn = ES5_INSTALL_PERSO;
		return SW_OK;
	}
	if (i.p1 != INSTALL_MAKE_SELECTABLE)
		return SW_P1P2;
	c->fn = ES5_CREATE_ISDP;
	rc = tlv_find(i.params, i.params_len, 0xEF, &ef);
	if (rc == -ENOENT)
		return SW_OK;
	if (rc < 0)
		return SW_DATA;
	rc = tlv_find(ef.v, ef.len, 0x83, &mem);
	if (rc == -ENOENT)
		return SW_OK;
	return rc == 0 && memory_dec(&c->memory, mem.v, mem.len) ? SW_OK : SW_DATA;
}

static bool field(uint8_t *out, size_t *out_len, size_t max, const struct tlv *crt, uint32_t tag)
{
	struct tlv t;

	if (tlv_find(crt->v, crt->len, tag, &t) < 0 || t.len > max)
		return false;
	memcpy(out, t.v, t.len);
	*out_len = t.len;
	return true;
}

static uint16_t master_dec(struct es5_cmd *c, const struct apdu_cmd *apdu, const struct tlv *crt, struct rd *r)
{
	struct es5_master_delete *m = &c->master;
	struct tlv token;

	c->fn = ES5_MASTER_DELETE;
	if (!field(m->sin, &m->sin_len, sizeof(m->sin), crt, TAG_SIN) ||
	    !field(m->sdin, &m->sdin_len, sizeof(m->sdin), crt, TAG_SDIN) ||
	    !field(m->provider, &m->provider_len, sizeof(m->provider), crt, TAG_PROVIDER) ||
	    !field(m->token_id, &m->token_id_len, sizeof(m->token_id), crt, TAG_TOKEN_ID))
		return SW_DATA;
	if (tlv_next(r, &token) != 1 || token.tag != TAG_TOKEN || token.len != 16 || r->left)
		return SW_DATA;
	memcpy(m->token, token.v, 16);
	m->p2 = apdu->p2;
	m->signed_data = apdu->data;
	m->signed_len = apdu->lc - token.raw_len;
	return SW_OK;
}

static uint16_t keep_dec(struct es5_cmd *c, const struct apdu_cmd *apdu)
{
	struct tlv t;
	struct rd r;
	int rc;

	c->fn = ES5_FINALISE_HANDOVER;
	rd_init(&r, apdu->data, apdu->lc);
	while ((rc = tlv_next(&r, &t)) == 1) {
		if (t.tag != TAG_KEEP || t.len != 3 || c->n_keep >= ES5_KEEP_MAX || t.v[1] > t.v[2])
			return SW_DATA;
		c->keep[c->n_keep++] = (struct es5_key_range){ t.v[0], t.v[1], t.v[2] };
	}
	return rc < 0 ? SW_DATA : SW_OK;
}

static uint16_t delete_dec(struct es5_cmd *c, const struct apdu_cmd *apdu)
{
	struct tlv t;
	struct rd r;

	if (apdu->p1)
		return SW_P1P2;
	rd_init(&r, apdu->data, apdu->lc);
	if (tlv_next(&r, &t) != 1)
		return SW_DATA;
	if (t.tag == TAG_KEEP)
		return keep_dec(c, apdu);
	if (t.tag != TAG_AID || aid_from_bytes(&c->aid, t.v, t.len) < 0)
		return SW_DATA;
	c->fn = ES5_DELETE;
	if (!r.left)
		return SW_OK;
	if (tlv_next(&r, &t) != 1 || t.tag != TAG_CRT)
		return SW_DATA;
	return master_dec(c, apdu, &t, &r);
}

static uint16_t get_status_dec(struct es5_cmd *c, const struct apdu_cmd *apdu)
{
	struct tlv t;
	struct rd r;

	c->fn = ES5_GET_STATUS;
	if (apdu->p1 != 0x40 || (apdu->p2 & 0xFE) != 0x02)
		return SW_P1P2;
	c->next = apdu->p2 & 1;
	rd_init(&r, apdu->data, apdu->lc);
	if (tlv_next(&r, &t) != 1 || t.tag != TAG_AID || (t.len && aid_from_bytes(&c->aid, t.v, t.len) < 0))
		return SW_DATA;
	if (!r.left)
		return SW_OK;
	if (tlv_next(&r, &t) != 1 || t.tag != TAG_LIST || r.left)
		return SW_DATA;
	c->tags = t.v;
	c->tags_len = t.len;
	return SW_OK;
}

static uint16_t get_data_dec(struct es5_cmd *c, const struct apdu_cmd *apdu)
{
	struct tlv t;
	struct rd r;

	c->fn = ES5_GET_DATA;
	c->get_tag = apdu->p1 << 8 | apdu->p2;
	if (!apdu->lc)
		return SW_OK;
	rd_init(&r, apdu->data, apdu->lc);
	if (tlv_next(&r, &t) != 1 || t.tag != TAG_LIST || r.left)
		return SW_DATA;
	c->tags = t.v;
	c->tags_len = t.len;
	return SW_OK;
}

/* First DGI. 3A01 81 LL (BER length, as one SM-SR writes it) is taken when it fits in no other way. 0 or -EINVAL. */
static int dgi_open(struct rd *r, struct tlv *t, const uint8_t *data, size_t len)
{
	rd_init(r, data, len);
	if (dgi_next(r, t) == 1 && (!r->left || t->tag == DGI_KEYS))
		return 0;
	if (len < 4 || data[2] != 0x81 || data[3] != len - 4)
		return -EINVAL;
	rd_init(r, data, len);
	t->tag = rd_u16(r);
	rd_u16(r);
	t->len = r->left;
	t->v = rd_take(r, t->len);
	t->raw = data;
	t->raw_len = len;
	return r->bad ? -EINVAL : 0;
}

bool es5_store_complete(const uint8_t *data, size_t len, bool last)
{
	struct tlv t;
	struct rd r;

	return last || (dgi_open(&r, &t, data, len) == 0 && t.tag == DGI_CERT);
}

static uint16_t one_aid(struct es5_cmd *c, const struct tlv *t, enum es5_fn fn)
{
	struct tlv in;
	struct rd r;

	c->fn = fn;
	rd_init(&r, t->v, t->len);
	if (tlv_next(&r, &in) != 1 || in.tag != TAG_AID || r.left || aid_from_bytes(&c->aid, in.v, in.len) < 0)
		return SW_DATA;
	return SW_OK;
}

/* A number of n octets under one tag. */
static uint16_t one_number(uint16_t *out, const struct tlv *t, uint32_t tag, size_t n)
{
	struct tlv in;
	struct rd r;
	size_t i;

	rd_init(&r, t->v, t->len);
	if (tlv_next(&r, &in) != 1 || in.tag != tag || r.left || in.len != n)
		return SW_DATA;
	for (*out = 0, i = 0; i < n; i++)
		*out = *out << 8 | in.v[i];
	return SW_OK;
}

/* 3A07 says by its first tag what it is about; every TLV must be of that kind. */
static uint16_t addresses_dec(struct es5_cmd *c, const struct tlv *t)
{
	uint8_t low, high;
	struct tlv in;
	struct rd r;
	int rc;

	c->fn = t->len && t->v[0] >= SMSR_SMS ? ES5_UPDATE_SMSR : ES5_UPDATE_CONN;
	low = c->fn == ES5_UPDATE_SMSR ? 0xA3 : 0xA0;
	high = c->fn == ES5_UPDATE_SMSR ? 0xA6 : 0xA2;
	rd_init(&r, t->v, t->len);
	while ((rc = tlv_next(&r, &in)) == 1) {
		if (in.tag < low || in.tag > high)
			return SW_DATA;
	}
	return rc < 0 || !t->len ? SW_DATA : SW_OK;
}

uint16_t es5_dgi_dec(struct es5_cmd *c, const uint8_t *data, size_t len)
{
	uint16_t v = 0, sw;
	struct tlv t;
	struct rd r;

	memset(c, 0, sizeof(*c));
	if (dgi_open(&r, &t, data, len) < 0)
		return SW_DATA;
	c->body = t.v;
	c->body_len = t.len;
	switch (t.tag) {
	case DGI_ENABLE:
		return one_aid(c, &t, ES5_ENABLE_PROFILE);
	case DGI_DISABLE:
		return one_aid(c, &t, ES5_DISABLE_PROFILE);
	case DGI_FALLBACK:
		return one_aid(c, &t, ES5_SET_FALLBACK);
	case DGI_EMERGENCY:
		return one_aid(c, &t, ES5_SET_EMERGENCY);
	case DGI_CONFIRM:
		c->fn = ES5_CONFIRM_NOTIF;
		return one_number(&c->seq, &t, TAG_SEQ, 2);
	case DGI_POL1:
		c->fn = ES5_UPDATE_POL1;
		sw = one_number(&v, &t, TAG_POL1, 1);
		c->pol1 = v;
		return sw;
	case DGI_ADDRESSES:
		return addresses_dec(c, &t);
	case DGI_CERT:
		c->fn = ES5_STORE_CERT;
		return SW_OK;
	case DGI_KEYS:
		c->fn = ES5_STORE_KEYS;
		c->body = data;
		c->body_len = len;
		return SW_OK;
	case DGI_SD_DATA:
		c->fn = ES5_STORE_SD_DATA;
		return SW_OK;
	default:
		return 0x6A88;
	}
}

static uint16_t store_dec(struct es5_cmd *c, const struct apdu_cmd *apdu)
{
	struct gp_store_data s;
	uint16_t sw = gp_store_data_dec(&s, apdu);

	if (sw == SW_OK && !s.dgi)
		sw = SW_P1P2;
	if (sw == SW_OK)
		sw = es5_dgi_dec(c, s.data, s.len);
	c->response = s.response;
	return sw;
}

uint16_t es5_cmd_dec(struct es5_cmd *c, const struct apdu_cmd *apdu)
{
	memset(c, 0, sizeof(*c));
	if (apdu->cla != 0x80 && !(apdu->cla == 0x00 && apdu->ins == GP_INS_GET_DATA))
		return 0x6E00;
	switch (apdu->ins) {
	case GP_INS_INSTALL:
		return install_dec(c, apdu);
	case GP_INS_DELETE:
		return delete_dec(c, apdu);
	case GP_INS_GET_STATUS:
		return get_status_dec(c, apdu);
	case GP_INS_GET_DATA:
		return get_data_dec(c, apdu);
	case GP_INS_STORE_DATA:
		return store_dec(c, apdu);
	default:
		return 0x6D00;
	}
}

int es5_token_verify(const struct es5_cmd *c, const struct key *token_key)
{
	uint8_t good[16];

	if (c->fn != ES5_MASTER_DELETE || es5_token(good, &c->master, token_key) < 0)
		return -EINVAL;
	return secret_eq(good, c->master.token, 16) ? 0 : -EBADMSG;
}

static int sms_addr_dec(struct es5_smsr_addr *a, const struct tlv *t)
{
	struct tlv nr;

	if (tlv_find(t->v, t->len, 0x81, &nr) < 0 || nr.len < 3)
		return -EINVAL;
	a->sms[0] = '+';	/* first octet: a count, of octets or of digits; the length of the TLV says it too */
	if (bcd_swapped_dec(a->sms + (nr.v[1] == 0x91), sizeof(a->sms) - 1, nr.v + 2, nr.len - 2) < 0)
		return -EINVAL;
	a->has_sms = true;
	return 0;
}

int es5_smsr_addr_dec(struct es5_smsr_addr *a, const uint8_t *body, size_t len)
{
	struct tlv t;
	struct rd r;
	int rc;

	memset(a, 0, sizeof(*a));
	rd_init(&r, body, len);
	while ((rc = tlv_next(&r, &t)) == 1) {
		if (t.tag == SMSR_SMS && sms_addr_dec(a, &t) < 0)
			return -EINVAL;
		if (t.tag == SMSR_HTTPS) {
			if (scp81_params_dec(&a->https, t.v, t.len) < 0)
				return -EINVAL;
			a->has_https = true;
		}
		if (t.tag == SMSR_DNS) {
			if (scp81_dns_addr_dec(&a->dns, t.v, t.len) < 0)
				return -EINVAL;
			a->has_dns = true;
		}
	}
	return rc;
}
