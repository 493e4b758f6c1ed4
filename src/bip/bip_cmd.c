/* Proactive commands and their terminal responses.
 * TS 102 223 6.6 (commands), 6.8 (terminal response), 8 (objects); TS 31.111 for SEND SHORT MESSAGE.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <osmocom/rsp/bip/bip_cmd.h>
#include <osmocom/rsp/util/tlv.h>

#include "bip_obj.h"

#define BIP_TAG_PROACTIVE 0xD0
#define BIP_FETCH_MAX 256
#define BIP_RESP_MAX 255

struct bip_str bip_obj_str(const struct ctlv *t)
{
	return (struct bip_str){ .v = t->v, .len = t->len };
}

void bip_obj_put(struct bytes *b, uint8_t tag, const struct bip_str *s)
{
	if (s->v)
		ctlv_put(b, tag, s->v, s->len);
}

uint16_t bip_obj_u16(const struct ctlv *t)
{
	return t->v[0] << 8 | t->v[1];
}

int bip_obj_template(struct rd *r, uint8_t tag, const uint8_t *in, size_t len)
{
	struct tlv t;
	struct rd outer;

	rd_init(&outer, in, len);
	if (tlv_next(&outer, &t) != 1 || outer.left || (tag && t.tag != tag))
		return -EINVAL;
	rd_init(r, t.v, t.len);
	return t.tag;
}

/* Other address (8.58): type and octets; an empty object asks for a dynamic address. */
static int bip_cmd_addr_dec(struct bip_str *a, const struct ctlv *t)
{
	*a = (struct bip_str){ .v = t->v, .len = 0 };
	if (!t->len)
		return 0;
	a->v = t->v + 1;
	a->len = t->len - 1;
	if ((t->v[0] == 0x21 && a->len == 4) || (t->v[0] == 0x57 && a->len == 16))
		return 0;
	return -EINVAL;
}

static void bip_cmd_addr_put(struct bytes *b, const struct bip_str *a)
{
	uint8_t v[17] = { a->len == 16 ? 0x57 : 0x21 };

	if (!a->v)
		return;
	if (a->len != 0 && a->len != 4 && a->len != 16) {
		b->err = -EINVAL;
		return;
	}
	if (a->len)
		memcpy(v + 1, a->v, a->len);
	ctlv_put(b, BIP_OBJ_OTHER_ADDRESS, v, a->len ? a->len + 1 : 0);
}

/* Text string (8.15): the coding octet is dropped; the first one is the login, the second the password. */
static int bip_cmd_text_dec(struct bip_cmd *c, const struct ctlv *t)
{
	struct bip_str s = { .v = t->v, .len = t->len };

	if (s.len) {
		s.v++;
		s.len--;
	}
	if (!c->login.v)
		c->login = s;
	else if (!c->password.v)
		c->password = s;
	return 0;
}

static void bip_cmd_text_put(struct bytes *b, const struct bip_str *s)
{
	if (!s->v)
		return;
	bytes_put_u8(b, BIP_OBJ_TEXT);
	if (s->len + 1 > 0x7F)
		bytes_put_u8(b, 0x81);
	bytes_put_u8(b, s->len + 1);
	bytes_put_u8(b, 0x04);	/* 8 bit */
	bytes_put(b, s->v, s->len);
}

/* Objects that any command may carry; lengths checked here so that nothing behind has to. */
static int bip_cmd_obj(struct bip_cmd *c, const struct ctlv *t)
{
	switch (t->tag) {
	case BIP_OBJ_ALPHA:
		c->alpha = bip_obj_str(t);
		return 0;
	case BIP_OBJ_EVENT_LIST:
		c->events = bip_obj_str(t);
		return 0;
	case BIP_OBJ_TIMER_ID:
		if (t->len != 1 || t->v[0] < 1 || t->v[0] > BIP_TIMERS)
			return -EINVAL;
		c->timer_id = t->v[0];
		return 0;
	case BIP_OBJ_TIMER_VALUE:
		c->timer_value = bip_obj_str(t);
		return t->len == 3 ? 0 : -EINVAL;
	case BIP_OBJ_DURATION:
		c->duration = bip_obj_str(t);
		return t->len == 2 ? 0 : -EINVAL;
	case BIP_OBJ_ADDRESS:
		c->sca = bip_obj_str(t);
		return 0;
	case BIP_OBJ_TPDU:
		c->tpdu = bip_obj_str(t);
		return 0;
	case BIP_OBJ_FILES:
		c->files = bip_obj_str(t);
		return 0;
	case BIP_OBJ_AID:
		c->aid = bip_obj_str(t);
		return 0;
	default:
		return 1;
	}
}

static int bip_cmd_channel_obj(struct bip_cmd *c, const struct ctlv *t)
{
	switch (t->tag) {
	case BIP_OBJ_BEARER:
		c->bearer = bip_obj_str(t);
		return t->len ? 0 : -EINVAL;
	case BIP_OBJ_NAN:
		c->nan = bip_obj_str(t);
		return 0;
	case BIP_OBJ_TEXT:
		return bip_cmd_text_dec(c, t);
	case BIP_OBJ_BUFFER:
		if (t->len != 2)
			return -EINVAL;
		c->has_buffer = true;
		c->buffer = bip_obj_u16(t);
		return 0;
	case BIP_OBJ_TRANSPORT:
		if (t->len != 3)
			return -EINVAL;
		c->transport = t->v[0];
		c->port = t->v[1] << 8 | t->v[2];
		return 0;
	case BIP_OBJ_OTHER_ADDRESS:	/* before the transport level: local, after it: destination */
		return bip_cmd_addr_dec(c->transport ? &c->dest : &c->local, t);
	case BIP_OBJ_CHANNEL_DATA:
		c->data = bip_obj_str(t);
		return 0;
	case BIP_OBJ_CHANNEL_DATA_LEN:
		if (t->len != 1)
			return -EINVAL;
		c->data_len = t->v[0];
		return 0;
	default:
		return 0;	/* unknown objects are skipped */
	}
}

/* Command details and device identities come first, in this order (6.6). */
static int bip_cmd_head(struct rd *r, uint8_t *number, uint8_t *type, uint8_t *qualifier, uint8_t *src, uint8_t *dst)
{
	struct ctlv t;

	if (ctlv_next(r, &t) != 1 || t.tag != BIP_OBJ_DETAILS || t.len != 3)
		return -EINVAL;
	*number = t.v[0];
	*type = t.v[1];
	*qualifier = t.v[2];
	if (ctlv_next(r, &t) != 1 || t.tag != BIP_OBJ_DEVICES || t.len != 2)
		return -EINVAL;
	*src = t.v[0];
	*dst = t.v[1];
	return 0;
}

int bip_cmd_dec(struct bip_cmd *c, const uint8_t *in, size_t len)
{
	struct rd r;
	struct ctlv t;
	int rc;

	memset(c, 0, sizeof(*c));
	if (bip_obj_template(&r, BIP_TAG_PROACTIVE, in, len) < 0)
		return -EINVAL;
	if (bip_cmd_head(&r, &c->number, &c->type, &c->qualifier, &c->src, &c->dst) < 0)
		return -EINVAL;
	while ((rc = ctlv_next(&r, &t)) > 0) {
		rc = bip_cmd_obj(c, &t);
		if (rc > 0)
			rc = bip_cmd_channel_obj(c, &t);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* Minimum order of OPEN CHANNEL (6.6.27.4) */
static void bip_cmd_open_put(struct bytes *b, const struct bip_cmd *c)
{
	bip_obj_put(b, BIP_OBJ_BEARER, &c->bearer);
	if (c->has_buffer)
		ctlv_put_u16(b, BIP_OBJ_BUFFER, c->buffer);
	bip_obj_put(b, BIP_OBJ_NAN, &c->nan);
	bip_cmd_addr_put(b, &c->local);
	bip_cmd_text_put(b, &c->login);
	bip_cmd_text_put(b, &c->password);
	if (c->transport)
		ctlv_put(b, BIP_OBJ_TRANSPORT, (uint8_t[]){ c->transport, c->port >> 8, c->port & 0xFF }, 3);
	bip_cmd_addr_put(b, &c->dest);
}

static void bip_cmd_body_put(struct bytes *b, const struct bip_cmd *c)
{
	bip_obj_put(b, BIP_OBJ_ALPHA, &c->alpha);
	bip_cmd_open_put(b, c);
	bip_obj_put(b, BIP_OBJ_EVENT_LIST, &c->events);
	bip_obj_put(b, BIP_OBJ_CHANNEL_DATA, &c->data);
	if (c->type == BIP_RECEIVE_DATA)
		ctlv_put_u8(b, BIP_OBJ_CHANNEL_DATA_LEN, c->data_len);
	if (c->timer_id)
		ctlv_put_u8(b, BIP_OBJ_TIMER_ID, c->timer_id);
	bip_obj_put(b, BIP_OBJ_TIMER_VALUE, &c->timer_value);
	bip_obj_put(b, BIP_OBJ_DURATION | CTLV_CR, &c->duration);
	bip_obj_put(b, BIP_OBJ_ADDRESS, &c->sca);
	bip_obj_put(b, BIP_OBJ_TPDU | CTLV_CR, &c->tpdu);
	bip_obj_put(b, BIP_OBJ_FILES, &c->files);
	bip_obj_put(b, BIP_OBJ_AID, &c->aid);
}

int bip_cmd_enc(struct bytes *out, const struct bip_cmd *c)
{
	struct bytes *b = bytes_new(NULL, BIP_FETCH_MAX);
	size_t start = out->len;
	int rc;

	if (!b)
		return -ENOMEM;
	ctlv_put(b, BIP_OBJ_DETAILS | CTLV_CR, (uint8_t[]){ c->number, c->type, c->qualifier }, 3);
	ctlv_put(b, BIP_OBJ_DEVICES | CTLV_CR, (uint8_t[]){ c->src, c->dst }, 2);
	bip_cmd_body_put(b, c);
	rc = b->err;
	if (rc == 0)
		rc = tlv_put(out, BIP_TAG_PROACTIVE, b->data, b->len);
	else if (rc != -EINVAL)
		rc = -EMSGSIZE;
	if (rc == 0 && out->len - start > BIP_FETCH_MAX)
		rc = -EMSGSIZE;
	talloc_free(b);
	return rc;
}

/* --- terminal response --- */

static void bip_resp_body_put(struct bytes *b, const struct bip_resp *r)
{
	if (r->has_channel)
		ctlv_put(b, BIP_OBJ_CHANNEL_STATUS, (uint8_t[]){ r->channel, r->channel_info }, 2);
	bip_obj_put(b, BIP_OBJ_BEARER, &r->bearer);
	if (r->has_buffer)
		ctlv_put_u16(b, BIP_OBJ_BUFFER, r->buffer);
	bip_obj_put(b, BIP_OBJ_CHANNEL_DATA, &r->data);
	if (r->has_data_len)
		ctlv_put_u8(b, BIP_OBJ_CHANNEL_DATA_LEN, r->data_len);
	if (r->timer_id)
		ctlv_put_u8(b, BIP_OBJ_TIMER_ID, r->timer_id);
	bip_obj_put(b, BIP_OBJ_TIMER_VALUE, &r->timer_value);
	bip_obj_put(b, BIP_OBJ_DURATION | CTLV_CR, &r->duration);
	bip_obj_put(b, BIP_OBJ_IMEI, &r->imei);
	bip_obj_put(b, BIP_OBJ_LOCATION, &r->location);
}

int bip_resp_enc(struct bytes *out, const struct bip_resp *r)
{
	struct bytes *b = bytes_new(NULL, BIP_RESP_MAX);
	int rc;

	if (!b)
		return -ENOMEM;
	ctlv_put(b, BIP_OBJ_DETAILS | CTLV_CR, (uint8_t[]){ r->number, r->type, r->qualifier }, 3);
	ctlv_put(b, BIP_OBJ_DEVICES | CTLV_CR, (uint8_t[]){ BIP_DEV_TERMINAL, BIP_DEV_UICC }, 2);
	bytes_put_u8(b, BIP_OBJ_RESULT | CTLV_CR);
	ber_put_len(b, 1 + r->info.len);
	bytes_put_u8(b, r->result);
	bytes_put(b, r->info.v, r->info.len);
	bip_resp_body_put(b, r);
	rc = b->err ? -EMSGSIZE : 0;
	if (rc == 0) {
		bytes_put(out, (uint8_t[]){ 0x80, 0x14, 0x00, 0x00, b->len }, 5);
		rc = bytes_put_bytes(out, b);
	}
	talloc_free(b);
	return rc;
}

static int bip_resp_obj(struct bip_resp *r, const struct ctlv *t)
{
	switch (t->tag) {
	case BIP_OBJ_BEARER:
		r->bearer = bip_obj_str(t);
		return 0;
	case BIP_OBJ_CHANNEL_DATA:
		r->data = bip_obj_str(t);
		return 0;
	case BIP_OBJ_TIMER_VALUE:
		r->timer_value = bip_obj_str(t);
		return t->len == 3 ? 0 : -EINVAL;
	case BIP_OBJ_DURATION:
		r->duration = bip_obj_str(t);
		return t->len == 2 ? 0 : -EINVAL;
	case BIP_OBJ_IMEI:
		r->imei = bip_obj_str(t);
		return 0;
	case BIP_OBJ_LOCATION:
		r->location = bip_obj_str(t);
		return 0;
	case BIP_OBJ_CHANNEL_STATUS:	/* GET CHANNEL STATUS may bring several: the first one is kept */
		if (t->len != 2)
			return -EINVAL;
		if (r->has_channel)
			return 0;
		r->has_channel = true;
		r->channel = t->v[0];
		r->channel_info = t->v[1];
		return 0;
	case BIP_OBJ_BUFFER:
		if (t->len != 2)
			return -EINVAL;
		r->has_buffer = true;
		r->buffer = bip_obj_u16(t);
		return 0;
	case BIP_OBJ_CHANNEL_DATA_LEN:
		if (t->len != 1)
			return -EINVAL;
		r->has_data_len = true;
		r->data_len = t->v[0];
		return 0;
	case BIP_OBJ_TIMER_ID:
		r->timer_id = t->len == 1 ? t->v[0] : 0;
		return t->len == 1 ? 0 : -EINVAL;
	default:
		return 0;	/* unknown objects are skipped */
	}
}

int bip_resp_dec(struct bip_resp *r, const uint8_t *in, size_t len)
{
	uint8_t src, dst;
	struct ctlv t;
	struct rd rd;
	int rc;

	memset(r, 0, sizeof(*r));
	rd_init(&rd, in, len);
	if (bip_cmd_head(&rd, &r->number, &r->type, &r->qualifier, &src, &dst) < 0)
		return -EINVAL;
	if (ctlv_next(&rd, &t) != 1 || t.tag != BIP_OBJ_RESULT || !t.len)
		return -EINVAL;
	r->result = t.v[0];
	r->info = (struct bip_str){ .v = t.v + 1, .len = t.len - 1 };
	while ((rc = ctlv_next(&rd, &t)) > 0) {
		rc = bip_resp_obj(r, &t);
		if (rc < 0)
			return rc;
	}
	return rc;
}
