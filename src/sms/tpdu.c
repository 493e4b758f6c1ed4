/* SMS TPDUs and the user data header.
 * TS 23.040 9.2.2 (PDU types), 9.1.2.5 (addresses), 9.2.3.24 (user data header); TS 31.115 4 (elements 70 and 71).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>

#include <osmocom/rsp/sms/tpdu.h>

/* First octet (9.2.3.1, .2, .3, .5, .7, .17, .23) */
enum {
	TPDU_MTI_MASK = 0x03, TPDU_MTI_DELIVER = 0x00, TPDU_MTI_SUBMIT = 0x01,
	TPDU_MMS = 0x04, TPDU_RD = 0x04, TPDU_SR = 0x20, TPDU_UDHI = 0x40, TPDU_RP = 0x80,
	TPDU_VPF_MASK = 0x18, TPDU_VPF_ENHANCED = 0x08, TPDU_VPF_RELATIVE = 0x10, TPDU_VPF_ABSOLUTE = 0x18,
};
/* TP-PI (9.2.3.27) */
enum { TPDU_PI_PID = 0x01, TPDU_PI_DCS = 0x02, TPDU_PI_UD = 0x04 };
/* Information elements (9.2.3.24) */
enum { TPDU_IE_CONCAT8 = 0x00, TPDU_IE_CONCAT16 = 0x08, TPDU_IE_OTA_CMD = 0x70, TPDU_IE_OTA_RESP = 0x71 };

static const char tpdu_nibbles[] = "0123456789*#abcf";	/* as TS 23.040 9.1.2.3 spells them; f the end mark */

static int tpdu_nibble(char c)
{
	const char *p = c ? strchr(tpdu_nibbles, c) : NULL;

	return p ? p - tpdu_nibbles : -EINVAL;
}

static int tpdu_addr_put(struct bytes *out, const struct tpdu_addr *a)
{
	size_t n = strnlen(a->digits, sizeof(a->digits));

	if (n > TPDU_DIGITS_MAX)
		return -EMSGSIZE;
	bytes_put_u8(out, n);
	bytes_put_u8(out, a->toa ? a->toa : 0x91);
	for (size_t i = 0; i < n; i += 2) {
		int lo = tpdu_nibble(a->digits[i]), hi = i + 1 < n ? tpdu_nibble(a->digits[i + 1]) : 0xF;

		if (lo < 0 || hi < 0)
			return -EINVAL;
		bytes_put_u8(out, hi << 4 | lo);
	}
	return out->err;
}

static int tpdu_addr_get(struct rd *r, struct tpdu_addr *a)
{
	size_t n = rd_u8(r);
	const uint8_t *p;

	a->toa = rd_u8(r);
	if (r->bad)
		return -EINVAL;
	if (n > TPDU_DIGITS_MAX)
		return -EMSGSIZE;
	p = rd_take(r, (n + 1) / 2);
	if (r->bad)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		a->digits[i] = tpdu_nibbles[i & 1 ? p[i / 2] >> 4 : p[i / 2] & 0xF];
	return 0;
}

/* 7-bit text (TS 23.038 4): its TP-UDL counts septets, which nothing here can carry. */
static bool tpdu_dcs_7bit(uint8_t dcs)
{
	switch (dcs >> 4) {
	case 0x0 ... 0x7:
		return !(dcs & 0x20) && !(dcs & 0x0C);
	case 0xC: case 0xD:
		return true;
	case 0xF:
		return !(dcs & 0x04);
	default:
		return false;
	}
}

bool tpdu_dcs_class2(uint8_t dcs)
{
	if ((dcs & 0xF3) == 0xF2)
		return dcs & 0x04;
	return (dcs & 0xDF) == 0x16;
}

static int tpdu_ud_put(struct bytes *out, const uint8_t *ud, size_t len)
{
	if (len > TPDU_UD_MAX)
		return -EMSGSIZE;
	bytes_put_u8(out, len);
	return bytes_put(out, ud, len);
}

/* TP-UDL and TP-UD, which end the TPDU. */
static int tpdu_ud_get(struct rd *r, uint8_t *ud, size_t *len, uint8_t dcs)
{
	size_t n = rd_u8(r);
	const uint8_t *p;

	if (!r->bad && n > TPDU_UD_MAX)
		return -EMSGSIZE;
	p = rd_take(r, n);
	if (r->bad || r->left || tpdu_dcs_7bit(dcs))
		return -EINVAL;
	if (n)
		memcpy(ud, p, n);
	*len = n;
	return 0;
}

int tpdu_deliver_enc(struct bytes *out, const struct tpdu_deliver *t)
{
	int rc;

	bytes_put_u8(out, TPDU_MTI_DELIVER | (t->more ? 0 : TPDU_MMS) | (t->sri ? TPDU_SR : 0) |
		     (t->udhi ? TPDU_UDHI : 0) | (t->rp ? TPDU_RP : 0));
	rc = tpdu_addr_put(out, &t->oa);
	if (rc < 0)
		return rc;
	bytes_put_u8(out, t->pid);
	bytes_put_u8(out, t->dcs);
	bytes_put(out, t->scts, sizeof(t->scts));
	return tpdu_ud_put(out, t->ud, t->ud_len);
}

int tpdu_deliver_dec(struct tpdu_deliver *t, const uint8_t *in, size_t len)
{
	struct rd r;
	uint8_t first;
	const uint8_t *scts;
	int rc;

	memset(t, 0, sizeof(*t));
	rd_init(&r, in, len);
	first = rd_u8(&r);
	if (r.bad || (first & TPDU_MTI_MASK) != TPDU_MTI_DELIVER)
		return -EINVAL;
	t->more = !(first & TPDU_MMS);
	t->sri = first & TPDU_SR;
	t->udhi = first & TPDU_UDHI;
	t->rp = first & TPDU_RP;
	rc = tpdu_addr_get(&r, &t->oa);
	if (rc < 0)
		return rc;
	t->pid = rd_u8(&r);
	t->dcs = rd_u8(&r);
	scts = rd_take(&r, sizeof(t->scts));
	if (r.bad)
		return -EINVAL;
	memcpy(t->scts, scts, sizeof(t->scts));
	return tpdu_ud_get(&r, t->ud, &t->ud_len, t->dcs);
}

static uint8_t tpdu_vpf(const struct tpdu_submit *t)
{
	if (t->vp_len == 1)
		return TPDU_VPF_RELATIVE;
	if (t->vp_len == 7)
		return t->vp_enhanced ? TPDU_VPF_ENHANCED : TPDU_VPF_ABSOLUTE;
	return 0;
}

int tpdu_submit_enc(struct bytes *out, const struct tpdu_submit *t)
{
	uint8_t vpf = tpdu_vpf(t);
	int rc;

	bytes_put_u8(out, TPDU_MTI_SUBMIT | (t->rd ? TPDU_RD : 0) | vpf | (t->srr ? TPDU_SR : 0) |
		     (t->udhi ? TPDU_UDHI : 0) | (t->rp ? TPDU_RP : 0));
	bytes_put_u8(out, t->mr);
	rc = tpdu_addr_put(out, &t->da);
	if (rc < 0)
		return rc;
	bytes_put_u8(out, t->pid);
	bytes_put_u8(out, t->dcs);
	if (vpf)
		bytes_put(out, t->vp, t->vp_len);
	return tpdu_ud_put(out, t->ud, t->ud_len);
}

int tpdu_submit_dec(struct tpdu_submit *t, const uint8_t *in, size_t len)
{
	struct rd r;
	uint8_t first;
	const uint8_t *vp;
	int rc;

	memset(t, 0, sizeof(*t));
	rd_init(&r, in, len);
	first = rd_u8(&r);
	t->mr = rd_u8(&r);
	if (r.bad || (first & TPDU_MTI_MASK) != TPDU_MTI_SUBMIT)
		return -EINVAL;
	t->rd = first & TPDU_RD;
	t->srr = first & TPDU_SR;
	t->udhi = first & TPDU_UDHI;
	t->rp = first & TPDU_RP;
	rc = tpdu_addr_get(&r, &t->da);
	if (rc < 0)
		return rc;
	t->pid = rd_u8(&r);
	t->dcs = rd_u8(&r);
	if (first & TPDU_VPF_MASK) {
		t->vp_len = (first & TPDU_VPF_MASK) == TPDU_VPF_RELATIVE ? 1 : 7;
		t->vp_enhanced = (first & TPDU_VPF_MASK) == TPDU_VPF_ENHANCED;
		vp = rd_take(&r, t->vp_len);
		if (r.bad)
			return -EINVAL;
		memcpy(t->vp, vp, t->vp_len);
	}
	return tpdu_ud_get(&r, t->ud, &t->ud_len, t->dcs);
}

int tpdu_report_enc(struct bytes *out, const struct tpdu_report *t)
{
	if (t->error && t->fcs < 0x80)	/* 9.2.3.22: below, it could not be told from TP-PI */
		return -EINVAL;
	bytes_put_u8(out, TPDU_MTI_DELIVER | (t->udhi ? TPDU_UDHI : 0));
	if (t->error)
		bytes_put_u8(out, t->fcs);
	if (!t->ud_len)
		return bytes_put_u8(out, 0);
	bytes_put_u8(out, TPDU_PI_PID | TPDU_PI_DCS | TPDU_PI_UD);
	bytes_put_u8(out, t->pid);
	bytes_put_u8(out, t->dcs);
	return tpdu_ud_put(out, t->ud, t->ud_len);
}

int tpdu_report_dec(struct tpdu_report *t, const uint8_t *in, size_t len)
{
	struct rd r;
	uint8_t first, pi;

	memset(t, 0, sizeof(*t));
	rd_init(&r, in, len);
	first = rd_u8(&r);
	if (rd_peek(&r, 0) >= 0x80) {
		t->error = true;
		t->fcs = rd_u8(&r);
	}
	pi = rd_u8(&r);
	if (r.bad || (first & TPDU_MTI_MASK) != TPDU_MTI_DELIVER || (pi & 0x80))
		return -EINVAL;
	t->udhi = first & TPDU_UDHI;
	if (pi & TPDU_PI_PID)
		t->pid = rd_u8(&r);
	if (pi & TPDU_PI_DCS)
		t->dcs = rd_u8(&r);
	if (pi & TPDU_PI_UD)
		return tpdu_ud_get(&r, t->ud, &t->ud_len, t->dcs);
	return r.bad || r.left ? -EINVAL : 0;
}

static int tpdu_udh_concat(struct tpdu_udh *u, struct rd *v, bool ref16)
{
	uint16_t ref = ref16 ? rd_u16(v) : rd_u8(v);
	uint8_t total = rd_u8(v), seq = rd_u8(v);

	if (v->bad || v->left || seq == 0 || seq > total)
		return -EINVAL;
	if (u->concat && (u->ref != ref || u->total != total || u->seq != seq))
		return -EINVAL;
	u->concat = true;
	u->ref16 = ref16;
	u->ref = ref;
	u->total = total;
	u->seq = seq;
	return 0;
}

int tpdu_udh_dec(struct tpdu_udh *u, const uint8_t *ud, size_t len)
{
	struct rd r, h, v;
	size_t hlen;
	int rc = 0;

	memset(u, 0, sizeof(*u));
	rd_init(&r, ud, len);
	hlen = rd_u8(&r);
	rd_init(&h, rd_take(&r, hlen), r.bad ? 0 : hlen);
	if (r.bad)
		return -EINVAL;
	u->body = r.p;
	u->body_len = r.left;
	while (h.left && rc == 0) {
		uint8_t iei = rd_u8(&h), ielen = rd_u8(&h);

		rd_init(&v, rd_take(&h, ielen), h.bad ? 0 : ielen);
		if (h.bad)
			return -EINVAL;
		if (iei == TPDU_IE_CONCAT8 || iei == TPDU_IE_CONCAT16)
			rc = tpdu_udh_concat(u, &v, iei == TPDU_IE_CONCAT16);
		else if (iei == TPDU_IE_OTA_CMD || iei == TPDU_IE_OTA_RESP)
			u->ota = iei;
	}
	return rc;
}
