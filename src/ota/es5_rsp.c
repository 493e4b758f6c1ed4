/* Answers to ES5 commands: E3 of GET STATUS, FF21, the deletion list of a confirmation. SGP.02 4.1.1, table 28.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include "es5_priv.h"

#define TAG_E3		0xE3
#define TAG_STATE	0x9F70
#define TAG_ATTR	0x53
#define TAG_GRANTED	0x8F
#define TAG_REMAINING	0x91
#define ATTR_FALLBACK	0x01
#define ATTR_EMERGENCY	0x02
#define TAG_FF21	0xFF21
#define TAG_DELETED	0x80

const char *es5_state_text(uint8_t state)
{
	switch (state) {
	case ES5_STATE_INSTALLED:
		return "installed";
	case ES5_STATE_SELECTABLE:
		return "selectable";
	case ES5_STATE_PERSONALIZED:
		return "personalized";
	case ES5_STATE_DISABLED:
		return "disabled";
	case ES5_STATE_ENABLED:
		return "enabled";
	default:
		return "unknown state";
	}
}

static int u32_put(struct bytes *b, uint32_t tag, uint32_t v)
{
	tlv_put_head(b, tag, 4);
	return bytes_put_u32(b, v);
}

/* Numbers come in one to four octets. */
static int u32_dec(uint32_t *out, const struct tlv *t)
{
	size_t i;

	if (t->len < 1 || t->len > 4)
		return -EINVAL;
	for (*out = 0, i = 0; i < t->len; i++)
		*out = *out << 8 | t->v[i];
	return 0;
}

int es5_status_rsp_enc(struct bytes *data, const struct es5_isdp_info *i)
{
	tlv_put_head(data, TAG_E3, 2 + i->aid.len + 4 + (i->has_attr ? 3 : 0) + (i->has_granted ? 6 : 0) +
		     (i->has_remaining ? 6 : 0));
	tlv_put(data, TAG_AID, i->aid.b, i->aid.len);
	tlv_put_u8(data, TAG_STATE, i->state);
	if (i->has_attr)
		tlv_put_u8(data, TAG_ATTR, (i->fallback ? ATTR_FALLBACK : 0) | (i->emergency ? ATTR_EMERGENCY : 0));
	if (i->has_granted)
		u32_put(data, TAG_GRANTED, i->granted);
	if (i->has_remaining)
		u32_put(data, TAG_REMAINING, i->remaining);
	return data->err;
}

static int info_element(struct es5_isdp_info *i, const struct tlv *t)
{
	switch (t->tag) {
	case TAG_AID:
		return aid_from_bytes(&i->aid, t->v, t->len);
	case TAG_STATE:
		if (t->len != 1)
			return -EINVAL;
		i->state = t->v[0];
		return 0;
	case TAG_ATTR:
		if (t->len != 1)
			return -EINVAL;
		i->has_attr = true;
		i->fallback = t->v[0] & ATTR_FALLBACK;
		i->emergency = t->v[0] & ATTR_EMERGENCY;
		return 0;
	case TAG_GRANTED:
		i->has_granted = true;
		return u32_dec(&i->granted, t);
	case TAG_REMAINING:
		i->has_remaining = true;
		return u32_dec(&i->remaining, t);
	default:
		return 0;
	}
}

int es5_status_rsp_next(struct rd *r, struct es5_isdp_info *i)
{
	struct tlv t, in;
	struct rd inner;
	int rc = tlv_next(r, &t);

	memset(i, 0, sizeof(*i));
	if (rc != 1)
		return rc;
	if (t.tag != TAG_E3)
		return -EINVAL;
	rd_init(&inner, t.v, t.len);
	while ((rc = tlv_next(&inner, &in)) == 1) {
		if (info_element(i, &in) < 0)
			return -EINVAL;
	}
	return rc < 0 || !i->aid.len ? -EINVAL : 1;
}

int es5_memory_rsp_enc(struct bytes *data, const struct es5_memory *m)
{
	tlv_put_head(data, TAG_FF21, 18);
	u32_put(data, 0x81, m->apps);
	u32_put(data, 0x82, m->free_nvm);
	return u32_put(data, 0x83, m->free_ram);
}

int es5_memory_rsp_dec(struct es5_memory *m, const uint8_t *data, size_t len)
{
	struct tlv t;
	struct rd r;
	int rc, bad = 0;

	memset(m, 0, sizeof(*m));
	rc = tlv_find(data, len, TAG_FF21, &t);
	if (rc == 0)	/* some cards leave the outer tag away */
		rd_init(&r, t.v, t.len);
	else
		rd_init(&r, data, len);
	while ((rc = tlv_next(&r, &t)) == 1) {
		if (t.tag == 0x81)
			bad |= u32_dec(&m->apps, &t);
		else if (t.tag == 0x82)
			bad |= u32_dec(&m->free_nvm, &t);
		else if (t.tag == 0x83)
			bad |= u32_dec(&m->free_ram, &t);
	}
	return rc < 0 || bad || !len ? -EINVAL : 0;
}

int es5_confirm_rsp_enc(struct bytes *data, const struct aid *deleted, unsigned n)
{
	size_t len = 0;
	unsigned i;

	if (!n)
		return 0;
	for (i = 0; i < n; i++)
		len += 2 + deleted[i].len;
	tlv_put_head(data, TAG_DELETED, len);
	for (i = 0; i < n; i++)
		tlv_put(data, TAG_AID, deleted[i].b, deleted[i].len);
	return data->err;
}

int es5_confirm_rsp_dec(struct aid *deleted, unsigned max, const uint8_t *data, size_t len)
{
	unsigned n = 0;
	struct tlv t;
	struct rd r;
	int rc;

	if (!len)
		return 0;
	rd_init(&r, data, len);
	if (tlv_next(&r, &t) != 1 || t.tag != TAG_DELETED || r.left)
		return -EINVAL;
	rd_init(&r, t.v, t.len);
	while ((rc = tlv_next(&r, &t)) == 1) {
		if (t.tag != TAG_AID || n >= max || aid_from_bytes(&deleted[n++], t.v, t.len) < 0)
			return -EINVAL;
	}
	return rc < 0 ? rc : (int)n;
}
