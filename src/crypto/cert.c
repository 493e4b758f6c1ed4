/* GlobalPlatform TLV certificates 7F21: SGP.02 tables 39, 77, 78, GP Amd E. The signature covers the TLVs 93 .. 7F49 as
 * they lie in the certificate.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/util/tlv.h>
#include "priv.h"

#define TAG_CERT	0x7F21
#define TAG_SERIAL	0x93
#define TAG_CA_ID	0x42
#define TAG_SUBJECT	0x5F20
#define TAG_USAGE	0x95
#define TAG_EFFECTIVE	0x5F25
#define TAG_EXPIRY	0x5F24
#define TAG_DISCRETIONARY 0x73
#define TAG_ROLE	0xC8
#define TAG_AKI		0xC9
#define TAG_KEY		0x7F49
#define TAG_POINT	0xB0
#define TAG_CURVE	0xF0
#define TAG_SIGNATURE	0x5F37

static int copy(uint8_t *out, size_t *out_len, size_t max, const struct tlv *t)
{
	if (t->len < 1 || t->len > max || *out_len)
		return -EINVAL;
	memcpy(out, t->v, t->len);
	*out_len = t->len;
	return 0;
}

static int date_dec(char out[9], const struct tlv *t)
{
	unsigned i;

	if (t->len != 4 || out[0])
		return -EINVAL;
	for (i = 0; i < 8; i++) {
		uint8_t nibble = i & 1 ? t->v[i / 2] & 15 : t->v[i / 2] >> 4;

		if (nibble > 9)
			return -EINVAL;
		out[i] = '0' + nibble;
	}
	out[8] = 0;
	return 0;
}

static int discretionary_dec(struct cert_gp *c, const struct tlv *t)
{
	struct tlv in;
	struct rd r;
	int rc;

	rd_init(&r, t->v, t->len);
	while ((rc = tlv_next(&r, &in)) == 1) {
		if (in.tag == TAG_ROLE) {
			if (in.len != 1 || c->role >= 0)
				return -EINVAL;
			c->role = in.v[0];
		} else if (in.tag == TAG_AKI) {
			if (in.len != sizeof(c->aki) || c->has_aki)
				return -EINVAL;
			memcpy(c->aki, in.v, in.len);
			c->has_aki = true;
		}
	}
	return rc;
}

static int key_dec(struct cert_gp *c, const struct tlv *t)
{
	struct tlv p, f;
	int rc;

	if (c->q[0] || tlv_find(t->v, t->len, TAG_POINT, &p) < 0 || p.len != EC_POINT_LEN || p.v[0] != 4)
		return -EINVAL;
	rc = tlv_find(t->v, t->len, TAG_CURVE, &f);
	if (rc != -ENOENT && (rc < 0 || f.len != 1 || f.v[0] != 0))
		return -EINVAL;	/* only P-256 */
	memcpy(c->q, p.v, p.len);
	return 0;
}

static int element_dec(struct cert_gp *c, const char **err, const struct tlv *t)
{
	switch (t->tag) {
	case TAG_SERIAL:
		*err = "serial number";
		return copy(c->serial, &c->serial_len, sizeof(c->serial), t);
	case TAG_CA_ID:
		*err = "CA identifier";
		return copy(c->ca_id, &c->ca_id_len, sizeof(c->ca_id), t);
	case TAG_SUBJECT:
		*err = "subject identifier";
		return copy(c->subject, &c->subject_len, sizeof(c->subject), t);
	case TAG_USAGE:
		*err = "key usage";
		return copy(c->usage, &c->usage_len, sizeof(c->usage), t);
	case TAG_EFFECTIVE:
		*err = "effective date";
		return date_dec(c->effective, t);
	case TAG_EXPIRY:
		*err = "expiration date";
		return date_dec(c->expiry, t);
	case TAG_DISCRETIONARY:
		*err = "discretionary data";
		return discretionary_dec(c, t);
	case TAG_KEY:
		*err = "public key";
		return key_dec(c, t);
	default:
		return 0;	/* 45 and what later releases add: signed, not used here */
	}
}

static const char *missing(const struct cert_gp *c)
{
	if (!c->serial_len)
		return "serial number missing";
	if (!c->ca_id_len)
		return "CA identifier missing";
	if (!c->subject_len)
		return "subject identifier missing";
	if (!c->usage_len)
		return "key usage missing";
	if (!c->expiry[0])
		return "expiration date missing";
	if (!c->q[0])
		return "public key missing";
	return NULL;
}

static int body_dec(struct cert_gp *c, const char **err, const uint8_t *body, size_t len)
{
	struct tlv t;
	struct rd r;
	int rc;

	rd_init(&r, body, len);
	c->tbs = body;
	while ((rc = tlv_next(&r, &t)) == 1) {
		if (t.tag == TAG_SIGNATURE)
			break;
		rc = element_dec(c, err, &t);
		if (rc < 0)
			return rc;
	}
	*err = "signature";
	if (rc != 1 || t.len != EC_SIG_LEN || r.left)
		return -EINVAL;
	c->tbs_len = t.raw - body;
	memcpy(c->sig, t.v, EC_SIG_LEN);
	*err = missing(c);
	return *err ? -EINVAL : 0;
}

int cert_gp_dec(struct cert_gp *c, const char **err, const uint8_t *in, size_t len)
{
	const char *unread;
	struct tlv t;
	struct rd r;

	err = err ? err : &unread;
	memset(c, 0, sizeof(*c));
	c->role = -1;
	rd_init(&r, in, len);
	*err = "not one 7F21";
	if (tlv_next(&r, &t) != 1 || t.tag != TAG_CERT || r.left)
		return -EINVAL;
	return body_dec(c, err, t.v, t.len);
}

static int date_put(struct bytes *b, uint32_t tag, const char *date)
{
	uint8_t v[4];
	unsigned i;

	if (strspn(date, "0123456789") != 8 || date[8])
		return -EINVAL;
	for (i = 0; i < 4; i++)
		v[i] = (date[2 * i] - '0') << 4 | (date[2 * i + 1] - '0');
	return tlv_put(b, tag, v, sizeof(v));
}

static void discretionary_put(struct bytes *b, const struct cert_gp *c)
{
	uint8_t v[40];
	size_t n = 0;

	if (c->role == CERT_ROLE_ECASD) {	/* product and common criteria reference: none of ours */
		memcpy(v, "\xC0\x01\x01\xC1\x01\x01", 6);
		n = 6;
	} else if (c->role > 0) {
		memcpy(v, (uint8_t[]){ TAG_ROLE, 1, c->role }, 3);
		n = 3;
	}
	if (c->has_aki) {
		v[n++] = TAG_AKI;
		v[n++] = sizeof(c->aki);
		memcpy(v + n, c->aki, sizeof(c->aki));
		n += sizeof(c->aki);
	}
	tlv_put(b, TAG_DISCRETIONARY, v, n);
}

static int tbs_put(struct bytes *b, const struct cert_gp *c)
{
	uint8_t key[2 + EC_POINT_LEN + 3] = { TAG_POINT, EC_POINT_LEN };
	int rc = 0;

	tlv_put(b, TAG_SERIAL, c->serial, c->serial_len);
	tlv_put(b, TAG_CA_ID, c->ca_id, c->ca_id_len);
	tlv_put(b, TAG_SUBJECT, c->subject, c->subject_len);
	tlv_put(b, TAG_USAGE, c->usage, c->usage_len);
	if (c->effective[0])
		rc = date_put(b, TAG_EFFECTIVE, c->effective);
	if (!rc)
		rc = date_put(b, TAG_EXPIRY, c->expiry);
	if (rc < 0)
		return rc;
	discretionary_put(b, c);
	memcpy(key + 2, c->q, EC_POINT_LEN);
	key[2 + EC_POINT_LEN] = TAG_CURVE;
	key[3 + EC_POINT_LEN] = 1;
	return tlv_put(b, TAG_KEY, key, sizeof(key));
}

int cert_gp_issue(struct bytes *out, const struct cert_gp *c, const struct ec_key *issuer)
{
	struct bytes *b = bytes_new(NULL, 1024);
	uint8_t sig[EC_SIG_LEN];
	struct iov iov;
	int rc;

	if (!b)
		return -ENOMEM;
	rc = tbs_put(b, c);
	iov = (struct iov){ b->data, b->len };
	if (rc >= 0)
		rc = ec_sign(issuer, &iov, 1, sig);
	if (rc >= 0)
		rc = tlv_put(b, TAG_SIGNATURE, sig, sizeof(sig));
	if (rc >= 0)
		rc = tlv_put(out, TAG_CERT, b->data, b->len);
	talloc_free(b);
	return rc < 0 ? rc : 0;
}

int cert_gp_verify(const struct cert_gp *c, const uint8_t issuer_q[EC_POINT_LEN], const char *today)
{
	struct iov iov = { c->tbs, c->tbs_len };
	int rc = ec_verify(issuer_q, &iov, 1, c->sig);

	if (rc < 0 || !today)
		return rc;
	if (strcmp(today, c->expiry) > 0 || (c->effective[0] && strcmp(today, c->effective) < 0))
		return -ETIME;
	return 0;
}
