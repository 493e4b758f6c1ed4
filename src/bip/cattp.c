/* CAT_TP PDUs, TS 102 127 5: base header of 18 octets, variable header by flags, data. The checksum is the Internet's,
 * over header and data, without a pseudo header.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <osmocom/rsp/bip/cattp.h>

#define OFF_CHECKSUM 16

enum kind { KIND_NONE, KIND_SYN, KIND_RST, KIND_ACK };

/* Validity masks; version bits are looked at before. */
static enum kind kind_of(uint8_t flags)
{
	if ((flags & 0xB8) == CATTP_SYN)
		return KIND_SYN;
	if ((flags & 0xBC) == CATTP_RST)
		return KIND_RST;
	if ((flags & 0xD0) == CATTP_ACK)
		return KIND_ACK;
	return KIND_NONE;
}

/* One's complement of the one's complement sum: 0 over a PDU that holds its checksum. */
static uint16_t checksum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		sum += i % 2 ? p[i] : p[i] << 8;
		sum = (sum & 0xFFFF) + (sum >> 16);
	}
	return ~sum;
}

static size_t var_len(const struct cattp_pdu *p)
{
	switch (kind_of(p->flags)) {
	case KIND_SYN:
		return CATTP_SYN_VAR_LEN + p->id_len;
	case KIND_RST:
		return 1;
	default:
		return p->flags & CATTP_EAK ? 2 * p->eack_count : 0;
	}
}

size_t cattp_pdu_len(const struct cattp_pdu *p)
{
	return CATTP_HDR_LEN + var_len(p) + p->data_len;
}

/* Do flags, counts and lengths belong together? */
static bool pdu_fits(const struct cattp_pdu *p)
{
	enum kind kind = kind_of(p->flags);

	if (kind == KIND_NONE || p->flags & CATTP_VERSION_MASK)
		return false;
	if (p->id_len > CATTP_ID_MAX || p->eack_count > CATTP_EACK_MAX || p->data_len > CATTP_PDU_MAX)
		return false;
	if (p->data_len && (kind != KIND_ACK || p->flags & CATTP_NUL))
		return false;
	return cattp_pdu_len(p) <= CATTP_PDU_MAX;
}

static void put_var(struct bytes *out, const struct cattp_pdu *p)
{
	unsigned i;

	switch (kind_of(p->flags)) {
	case KIND_SYN:
		bytes_put_u16(out, p->max_pdu);
		bytes_put_u16(out, p->max_sdu);
		bytes_put_u8(out, p->id_len);
		if (p->id_len)
			bytes_put(out, p->id, p->id_len);
		return;
	case KIND_RST:
		bytes_put_u8(out, p->reason);
		return;
	default:
		for (i = 0; p->flags & CATTP_EAK && i < p->eack_count; i++)
			bytes_put_u16(out, p->eack[i]);
	}
}

int cattp_pdu_enc(struct bytes *out, const struct cattp_pdu *p)
{
	size_t start = out->len;
	uint16_t sum;

	if (!pdu_fits(p))
		return -EINVAL;
	bytes_put_u8(out, p->flags);
	bytes_put_u16(out, 0);
	bytes_put_u8(out, CATTP_HDR_LEN + var_len(p));
	bytes_put_u16(out, p->src);
	bytes_put_u16(out, p->dst);
	bytes_put_u16(out, p->data_len);
	bytes_put_u16(out, p->seq);
	bytes_put_u16(out, p->ack);
	bytes_put_u16(out, p->win);
	bytes_put_u16(out, 0);
	put_var(out, p);
	if (p->data_len)
		bytes_put(out, p->data, p->data_len);
	if (out->err)
		return out->err;
	sum = checksum(out->data + start, out->len - start);
	out->data[start + OFF_CHECKSUM] = sum >> 8;
	out->data[start + OFF_CHECKSUM + 1] = sum;
	return 0;
}

/* Variable header of n octets. 0 or -EINVAL. */
static int take_var(struct cattp_pdu *p, struct rd *r, size_t n)
{
	switch (kind_of(p->flags)) {
	case KIND_SYN:
		p->max_pdu = rd_u16(r);
		p->max_sdu = rd_u16(r);
		p->id_len = rd_u8(r);
		p->id = rd_take(r, p->id_len);
		break;
	case KIND_RST:
		p->reason = rd_u8(r);
		break;
	default:
		if (!(p->flags & CATTP_EAK))
			break;
		while (p->eack_count < n / 2)	/* n <= 237, so never over CATTP_EACK_MAX */
			p->eack[p->eack_count++] = rd_u16(r);
	}
	return r->bad || r->left != p->data_len || n != var_len(p) ? -EINVAL : 0;
}

int cattp_pdu_dec(struct cattp_pdu *p, const uint8_t *in, size_t len)
{
	struct rd r;
	uint8_t hlen;

	memset(p, 0, sizeof(*p));
	if (len < CATTP_HDR_LEN || len > CATTP_PDU_MAX)
		return -EINVAL;
	if (checksum(in, len))
		return -EBADMSG;
	rd_init(&r, in, len);
	p->flags = rd_u8(&r);
	rd_u16(&r);	/* reserved, not looked at */
	hlen = rd_u8(&r);
	p->src = rd_u16(&r);
	p->dst = rd_u16(&r);
	p->data_len = rd_u16(&r);
	p->seq = rd_u16(&r);
	p->ack = rd_u16(&r);
	p->win = rd_u16(&r);
	rd_u16(&r);	/* checksum */
	if (p->flags & CATTP_VERSION_MASK)
		return -EPROTONOSUPPORT;
	if (hlen < CATTP_HDR_LEN || (size_t)hlen + p->data_len != len || take_var(p, &r, hlen - CATTP_HDR_LEN) < 0 ||
	    !pdu_fits(p))
		return -EINVAL;
	p->data = p->data_len ? rd_take(&r, p->data_len) : NULL;
	return 0;
}

const char *cattp_reason_text(uint8_t reason)
{
	static const char *const text[] = {
		[CATTP_RST_NORMAL] = "normal ending",
		[CATTP_RST_PARAMETERS] = "set-up failed, illegal parameters",
		[CATTP_RST_TEMPORARY] = "temporarily unable to set up",
		[CATTP_RST_PORT] = "requested port not available",
		[CATTP_RST_UNEXPECTED] = "unexpected PDU",
		[CATTP_RST_RETRIES] = "maximum retries exceeded",
		[CATTP_RST_VERSION] = "version not supported",
	};

	return reason < sizeof(text) / sizeof(text[0]) ? text[reason] : "reserved reason";
}
