/* Envelopes (TS 102 223 7.4, 7.5; TS 31.111 7.1.1.2) and the values of timers.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <osmocom/rsp/bip/bip_cmd.h>
#include <osmocom/rsp/util/tlv.h>

#include "bip_obj.h"

#define BIP_ENV_MAX 255

static void bip_env_body_put(struct bytes *b, const struct bip_env *e)
{
	if (e->tag == BIP_ENV_EVENT)
		ctlv_put_u8(b, BIP_OBJ_EVENT_LIST, e->event);
	ctlv_put(b, BIP_OBJ_DEVICES | CTLV_CR, (uint8_t[]){ e->src, e->dst }, 2);
	bip_obj_put(b, BIP_OBJ_ADDRESS, &e->sca);
	bip_obj_put(b, BIP_OBJ_TPDU | CTLV_CR, &e->tpdu);
	if (e->has_service)
		ctlv_put_u8(b, BIP_OBJ_SERVICE, e->service);
	bip_obj_put(b, BIP_OBJ_LOCATION, &e->location);
	if (e->has_channel)
		ctlv_put(b, BIP_OBJ_CHANNEL_STATUS, (uint8_t[]){ e->channel, e->channel_info }, 2);
	if (e->has_data_len)
		ctlv_put_u8(b, BIP_OBJ_CHANNEL_DATA_LEN, e->data_len);
	if (e->timer_id)
		ctlv_put_u8(b, BIP_OBJ_TIMER_ID, e->timer_id);
	bip_obj_put(b, BIP_OBJ_TIMER_VALUE, &e->timer_value);
}

int bip_env_enc(struct bytes *out, const struct bip_env *e)
{
	struct bytes *b = bytes_new(NULL, BIP_ENV_MAX);
	size_t lc;
	int rc;

	if (!b)
		return -ENOMEM;
	bip_env_body_put(b, e);
	lc = 1 + (b->len > 0x7F ? 2 : 1) + b->len;
	rc = b->err || lc > BIP_ENV_MAX ? -EMSGSIZE : 0;
	if (rc == 0) {
		bytes_put(out, (uint8_t[]){ 0x80, 0xC2, 0x00, 0x00, lc }, 5);
		rc = tlv_put(out, e->tag, b->data, b->len);
	}
	talloc_free(b);
	return rc;
}

static int bip_env_obj(struct bip_env *e, const struct ctlv *t)
{
	switch (t->tag) {
	case BIP_OBJ_DEVICES:
		if (t->len != 2)
			return -EINVAL;
		e->src = t->v[0];
		e->dst = t->v[1];
		return 0;
	case BIP_OBJ_ADDRESS:
		e->sca = bip_obj_str(t);
		return 0;
	case BIP_OBJ_TPDU:
		e->tpdu = bip_obj_str(t);
		return 0;
	case BIP_OBJ_EVENT_LIST:
		e->event = t->len ? t->v[0] : 0;
		return t->len ? 0 : -EINVAL;
	case BIP_OBJ_SERVICE:
		e->has_service = true;
		e->service = t->len ? t->v[0] : 0;
		return t->len == 1 ? 0 : -EINVAL;
	case BIP_OBJ_LOCATION:
		e->location = bip_obj_str(t);
		return 0;
	case BIP_OBJ_CHANNEL_STATUS:
		if (t->len != 2)
			return -EINVAL;
		e->has_channel = true;
		e->channel = t->v[0];
		e->channel_info = t->v[1];
		return 0;
	case BIP_OBJ_CHANNEL_DATA_LEN:
		e->has_data_len = true;
		e->data_len = t->len ? t->v[0] : 0;
		return t->len == 1 ? 0 : -EINVAL;
	case BIP_OBJ_TIMER_ID:
		e->timer_id = t->len ? t->v[0] : 0;
		return t->len == 1 ? 0 : -EINVAL;
	case BIP_OBJ_TIMER_VALUE:
		e->timer_value = bip_obj_str(t);
		return t->len == 3 ? 0 : -EINVAL;
	default:
		return 0;	/* unknown objects are skipped */
	}
}

int bip_env_dec(struct bip_env *e, const uint8_t *in, size_t len)
{
	struct rd r;
	struct ctlv t;
	int rc;

	memset(e, 0, sizeof(*e));
	rc = bip_obj_template(&r, 0, in, len);
	if (rc < 0 || rc > 0xFF)
		return -EINVAL;
	e->tag = rc;
	while ((rc = ctlv_next(&r, &t)) > 0) {
		rc = bip_env_obj(e, &t);
		if (rc < 0)
			return rc;
	}
	if (rc < 0 || !e->src || (e->tag == BIP_ENV_SMS_PP && !e->tpdu.v) || (e->tag == BIP_ENV_EVENT && !e->event) ||
	    (e->tag == BIP_ENV_TIMER && !e->timer_id))
		return -EINVAL;
	return 0;
}

static uint8_t bip_swapped(unsigned v)
{
	return (v % 10) << 4 | v / 10;
}

void bip_timer_enc(uint8_t out[3], unsigned seconds)
{
	if (seconds > 359999)
		seconds = 359999;
	out[0] = bip_swapped(seconds / 3600);
	out[1] = bip_swapped(seconds / 60 % 60);
	out[2] = bip_swapped(seconds % 60);
}

int bip_timer_dec(unsigned *seconds, struct bip_str value)
{
	unsigned v[3];

	if (value.len != 3)
		return -EINVAL;
	for (int i = 0; i < 3; i++) {
		if ((value.v[i] & 0xF) > 9 || value.v[i] >> 4 > 9)
			return -EINVAL;
		v[i] = (value.v[i] & 0xF) * 10 + (value.v[i] >> 4);
	}
	if (v[1] > 59 || v[2] > 59)
		return -EINVAL;
	*seconds = v[0] * 3600 + v[1] * 60 + v[2];
	return 0;
}

int bip_duration_dec(unsigned *seconds, struct bip_str value)
{
	if (value.len != 2 || value.v[0] > 2)
		return -EINVAL;
	switch (value.v[0]) {
	case 0:
		*seconds = value.v[1] * 60;
		break;
	case 1:
		*seconds = value.v[1];
		break;
	default:
		*seconds = (value.v[1] + 9) / 10;
	}
	if (!*seconds)
		*seconds = 1;
	return 0;
}
