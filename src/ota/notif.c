/* Notification E1: SGP.02 4.1.1.11. Readers accept the dialects of all releases: AID as 2F, AF or 4F, either
 * comprehension bit elsewhere.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <osmocom/rsp/ota/notif.h>
#include <osmocom/rsp/util/tlv.h>

#define TAG_EID		0x4C
#define TAG_TYPE	0x4D
#define TAG_SEQ		0x4E
#define TAG_IMEI	0x14
#define TAG_MEID	0x6D
#define TAG_LOCATION	0x13
#define COMPREHENSION	0x80

const char *notif_type_text(uint8_t type)
{
	switch (type) {
	case NOTIF_FIRST_ATTACH:
		return "first network attachment";
	case NOTIF_CHANGED:
		return "profile change succeeded";
	case NOTIF_ROLLED_BACK:
		return "profile change failed, rolled back";
	case NOTIF_VOID:
		return "void";
	case NOTIF_FALLBACK:
		return "profile change after fall-back";
	default:
		return "unknown type";
	}
}

int notif_imei_enc(uint8_t out[8], const char *imei)
{
	unsigned i;

	if (strspn(imei, "0123456789") != 15 || imei[15])
		return -EINVAL;
	out[0] = (imei[0] - '0') << 4 | 0x0A;	/* odd number of digits, type IMEI */
	for (i = 1; i < 8; i++)
		out[i] = (imei[2 * i - 1] - '0') | (imei[2 * i] - '0') << 4;
	return 0;
}

int notif_imei_dec(char out[16], const uint8_t in[8])
{
	unsigned i;

	memset(out, 0, 16);
	if ((in[0] & 0x0F) != 0x0A)
		return -EINVAL;
	for (i = 0; i < 15; i++) {
		uint8_t d = i & 1 ? in[(i + 1) / 2] & 15 : in[i / 2] >> 4;

		if (d > 9) {
			out[0] = 0;
			return -EINVAL;
		}
		out[i] = '0' + d;
	}
	return 0;
}

static size_t inner_len(const struct notif *n)
{
	return 18 + 3 + 4 + 2 + n->aid.len + (n->imei[0] ? 10 : n->meid_len ? 2 + n->meid_len : 0) +
	       (n->location_len ? 2 + n->location_len : 0);
}

int notif_enc(struct bytes *out, const struct notif *n, uint8_t aid_tag)
{
	uint8_t imei[8];

	if (n->imei[0] && notif_imei_enc(imei, n->imei) < 0)
		return -EINVAL;
	if (n->meid_len > sizeof(n->meid) || n->location_len > sizeof(n->location) || n->aid.len > sizeof(n->aid.b))
		return -EINVAL;
	tlv_put_head(out, NOTIF_TAG, inner_len(n));
	tlv_put(out, TAG_EID, n->eid.b, 16);
	tlv_put_u8(out, TAG_TYPE, n->type);
	tlv_put_head(out, TAG_SEQ, 2);
	bytes_put_u16(out, n->seq);
	tlv_put(out, aid_tag, n->aid.b, n->aid.len);
	if (n->imei[0])
		tlv_put(out, TAG_IMEI, imei, 8);
	else if (n->meid_len)
		tlv_put(out, TAG_MEID, n->meid, n->meid_len);
	if (n->location_len)
		tlv_put(out, TAG_LOCATION, n->location, n->location_len);
	return out->err;
}

enum { SEEN_EID = 1, SEEN_TYPE = 2, SEEN_SEQ = 4, SEEN_AID = 8, SEEN_ALL = 15 };

static int optional_dec(struct notif *n, const struct tlv *t)
{
	switch (t->tag & ~COMPREHENSION) {
	case TAG_IMEI:
		/* a device with a broken IMEI is still a device: the IMEI is left out */
		if (t->len == 8)
			notif_imei_dec(n->imei, t->v);
		return 0;
	case TAG_MEID:
		if (t->len < 1 || t->len > sizeof(n->meid))
			return -EINVAL;
		memcpy(n->meid, t->v, t->len);
		n->meid_len = t->len;
		return 0;
	case TAG_LOCATION:
		if (t->len < 1 || t->len > sizeof(n->location))
			return -EINVAL;
		memcpy(n->location, t->v, t->len);
		n->location_len = t->len;
		return 0;
	default:
		return 0;
	}
}

/* Returns what was seen, 0 for the rest, negative when malformed. */
static int element_dec(struct notif *n, const struct tlv *t)
{
	switch (t->tag) {
	case TAG_EID:
		if (t->len != 16)
			return -EINVAL;
		memcpy(n->eid.b, t->v, 16);
		return SEEN_EID;
	case TAG_TYPE:
		if (t->len != 1)
			return -EINVAL;
		n->type = t->v[0];
		return SEEN_TYPE;
	case TAG_SEQ:
		if (t->len != 2)
			return -EINVAL;
		n->seq = t->v[0] << 8 | t->v[1];
		return SEEN_SEQ;
	case NOTIF_AID_TAG:
	case NOTIF_AID_TAG | COMPREHENSION:
	case NOTIF_AID_TAG_2016:
		return aid_from_bytes(&n->aid, t->v, t->len) < 0 ? -EINVAL : SEEN_AID;
	default:
		return t->tag > 0xFF ? 0 : optional_dec(n, t);
	}
}

int notif_dec(struct notif *n, const uint8_t *in, size_t len)
{
	int seen = 0, rc;
	struct tlv t;
	struct rd r;

	memset(n, 0, sizeof(*n));
	rd_init(&r, in, len);
	if (len > NOTIF_MAX || tlv_next(&r, &t) != 1 || t.tag != NOTIF_TAG || r.left)
		return -EINVAL;
	rd_init(&r, t.v, t.len);
	while ((rc = tlv_next(&r, &t)) == 1) {
		int got = element_dec(n, &t);

		if (got < 0 || (seen & got))
			return -EINVAL;
		seen |= got;
	}
	return rc < 0 || seen != SEEN_ALL ? -EINVAL : 0;
}
