/* ES8 key establishment, scenario 3 with mutual authentication: SGP.02 4.1.3.1, GP Amd A and E. The signature covers DGI
 * 3A02 and 7F49 as sent, then the challenge under the two octet tag 0085.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/ota/es8_cmd.h>
#include <osmocom/rsp/util/misc.h>

#define DGI_CERT	0x3A01
#define DGI_KEYS	0x3A02
#define DGI_CONN	0x3A07
#define TAG_CRT		0xA6
#define TAG_SCENARIO	0x90
#define TAG_USAGE	0x95
#define TAG_ACCESS	0x96
#define TAG_KEY_TYPE	0x80
#define TAG_KEY_LEN	0x81
#define TAG_KID		0x82
#define TAG_KVN		0x83
#define TAG_COUNTER	0x91
#define TAG_SDIN	0x45
#define TAG_HOST_ID	0x84
#define TAG_KEY		0x7F49
#define TAG_POINT	0xB0
#define TAG_SIGNATURE	0x5F37
#define TAG_RC		0x85
#define TAG_DR		0x85
#define TAG_RECEIPT	0x86
#define SCENARIO_3	0x03
#define USAGE_3_KEYS	0x10
#define USAGE_BASE_KEY	0x5C
#define SECRETS_MAX	(4 * 32)

void es8_crt_default(struct es8_crt *crt, uint8_t kvn, uint8_t param)
{
	memset(crt, 0, sizeof(*crt));
	crt->param = param;
	crt->usage = USAGE_3_KEYS;
	crt->access = -1;
	crt->key_type = KEY_TYPE_AES;
	crt->key_len = 16;
	crt->kid = 1;
	crt->kvn = kvn;
}

int es8_crt_enc(struct bytes *a6, const struct es8_crt *crt)
{
	const uint8_t scenario[2] = { SCENARIO_3, crt->param };
	struct bytes *b = bytes_new(NULL, 250);

	if (!b)
		return -ENOMEM;
	tlv_put(b, TAG_SCENARIO, scenario, 2);
	tlv_put_u8(b, TAG_USAGE, crt->usage);
	if (crt->access >= 0)
		tlv_put_u8(b, TAG_ACCESS, crt->access);
	tlv_put_u8(b, TAG_KEY_TYPE, crt->key_type);
	tlv_put_u8(b, TAG_KEY_LEN, crt->key_len);
	tlv_put_u8(b, TAG_KID, crt->kid);
	tlv_put_u8(b, TAG_KVN, crt->kvn);
	tlv_put(b, TAG_COUNTER, crt->counter, crt->counter_len);
	if (crt->param & ES8_PARAM_HOST_ID) {
		tlv_put(b, TAG_SDIN, crt->sdin, crt->sdin_len);
		tlv_put(b, TAG_HOST_ID, crt->host_id, crt->host_id_len);
	}
	tlv_put(a6, TAG_CRT, b->data, b->len);
	if (b->err && !a6->err)
		a6->err = b->err;
	talloc_free(b);
	return a6->err;
}

static int number(uint8_t *out, const struct tlv *t)
{
	if (t->len != 1)
		return -EINVAL;
	*out = t->v[0];
	return 0;
}

static int octets(uint8_t *out, size_t *out_len, size_t max, const struct tlv *t)
{
	if (t->len > max)
		return -EINVAL;
	memcpy(out, t->v, t->len);
	*out_len = t->len;
	return 0;
}

static int crt_element(struct es8_crt *crt, const struct tlv *t)
{
	switch (t->tag) {
	case TAG_SCENARIO:
		if (t->len != 2 || t->v[0] != SCENARIO_3)
			return -EINVAL;
		crt->param = t->v[1];
		return 0;
	case TAG_USAGE:
		return number(&crt->usage, t);
	case TAG_ACCESS:
		crt->access = t->len == 1 ? t->v[0] : -1;
		return t->len == 1 ? 0 : -EINVAL;
	case TAG_KEY_TYPE:
		return number(&crt->key_type, t);
	case TAG_KEY_LEN:
		return number(&crt->key_len, t);
	case TAG_KID:
		return number(&crt->kid, t);
	case TAG_KVN:
		return number(&crt->kvn, t);
	case TAG_COUNTER:
		return octets(crt->counter, &crt->counter_len, sizeof(crt->counter), t);
	case TAG_SDIN:
		return octets(crt->sdin, &crt->sdin_len, sizeof(crt->sdin), t);
	case TAG_HOST_ID:
		return octets(crt->host_id, &crt->host_id_len, sizeof(crt->host_id), t);
	default:
		return -EINVAL;	/* it would be derived from, or not, without our knowing */
	}
}

static bool crt_usable(const struct es8_crt *c)
{
	return (c->param & ES8_PARAM_CERT) && !(c->param & 0xF0) && (c->usage == USAGE_3_KEYS || c->usage == USAGE_BASE_KEY) &&
	       (c->key_type == KEY_TYPE_AES || c->key_type == KEY_TYPE_PSK) &&
	       (c->key_len == 16 || c->key_len == 24 || c->key_len == 32) && c->kid && c->kvn;
}

int es8_crt_dec(struct es8_crt *crt, const uint8_t *a6, size_t len)
{
	struct tlv t;
	struct rd r;
	int rc;

	memset(crt, 0, sizeof(*crt));
	crt->access = -1;
	rd_init(&r, a6, len);
	if (tlv_next(&r, &t) != 1 || t.tag != TAG_CRT || r.left)
		return -EINVAL;
	rd_init(&r, t.v, t.len);
	while ((rc = tlv_next(&r, &t)) == 1) {
		if (crt_element(crt, &t) < 0)
			return -EINVAL;
	}
	return rc < 0 || !crt_usable(crt) ? -EINVAL : 0;
}

int es8_install_perso_enc(struct bytes *script, const struct aid *isd_p)
{
	struct gp_install i = { .p1 = 0x20, .app = *isd_p };

	return gp_install_enc(script, &i);
}

int es8_cert_enc(struct bytes *script, const uint8_t *cert, size_t len)
{
	struct bytes *b = bytes_new(NULL, 4096);
	int rc;

	if (!b)
		return -ENOMEM;
	rc = dgi_put(b, DGI_CERT, cert, len);
	if (rc >= 0)
		rc = gp_store_data_enc(script, b->data, b->len, true, true, 0);
	talloc_free(b);
	return rc;
}

int es8_cert_rsp_enc(struct bytes *data, const uint8_t *rc, size_t rc_len)
{
	return tlv_put(data, TAG_RC, rc, rc_len);
}

int es8_cert_rsp_dec(uint8_t rc[ES8_RC_MAX], size_t *rc_len, const uint8_t *data, size_t len)
{
	struct tlv t;
	struct rd r;

	rd_init(&r, data, len);
	if (tlv_next(&r, &t) != 1 || t.tag != TAG_RC || r.left || (t.len != 16 && t.len != 32))
		return -EINVAL;
	return octets(rc, rc_len, ES8_RC_MAX, &t);
}

static int sign_challenge(const uint8_t *rc, size_t rc_len, uint8_t out[3 + ES8_RC_MAX])
{
	if (rc_len > ES8_RC_MAX)
		return -EINVAL;
	out[0] = 0x00;
	out[1] = TAG_RC;
	out[2] = rc_len;
	memcpy(out + 3, rc, rc_len);
	return 3 + rc_len;
}

static void epk_put(struct bytes *b, const uint8_t q[EC_POINT_LEN], bool point_tlv)
{
	if (!point_tlv) {
		tlv_put(b, TAG_KEY, q, EC_POINT_LEN);
		return;
	}
	tlv_put_head(b, TAG_KEY, 2 + EC_POINT_LEN + 3);
	tlv_put(b, TAG_POINT, q, EC_POINT_LEN);
	tlv_put_u8(b, 0xF0, 0x00);
}

/* DGI 3A02 { A6 } and 7F49: what is signed, and sent. */
static int tbs_put(struct bytes *b, const struct es8_crt *crt, const struct ec_key *eph, bool point_tlv)
{
	struct bytes *a6 = bytes_new(NULL, 250);
	uint8_t q[EC_POINT_LEN];
	int rc = a6 ? es8_crt_enc(a6, crt) : -ENOMEM;

	if (rc >= 0)
		rc = dgi_put(b, DGI_KEYS, a6->data, a6->len);
	if (rc >= 0)
		rc = ec_public(eph, q);
	if (rc >= 0)
		epk_put(b, q, point_tlv);
	talloc_free(a6);
	return rc < 0 ? rc : b->err;
}

int es8_keys_enc(struct bytes *script, const struct es8_crt *crt, const struct ec_key *eph, bool point_tlv,
		 const struct ec_key *signer, const uint8_t *rc, size_t rc_len, uint8_t first_block)
{
	uint8_t challenge[3 + ES8_RC_MAX], sig[EC_SIG_LEN];
	struct bytes *b = bytes_new(NULL, 1024);
	int n = sign_challenge(rc, rc_len, challenge), ret;

	if (!b || n < 0) {
		talloc_free(b);
		return b ? n : -ENOMEM;
	}
	ret = tbs_put(b, crt, eph, point_tlv);
	if (ret >= 0) {
		struct iov iov[2] = { { b->data, b->len }, { challenge, n } };

		ret = ec_sign(signer, iov, 2, sig);
	}
	if (ret >= 0)
		ret = tlv_put(b, TAG_SIGNATURE, sig, sizeof(sig));
	if (ret >= 0)
		ret = gp_store_data_enc(script, b->data, b->len, true, false, first_block);
	talloc_free(b);
	return ret < 0 ? ret : 0;
}

/* 04 X Y, or B0 { 04 X Y } F0 { 00 } of some servers. */
static int epk_dec(uint8_t q[EC_POINT_LEN], const struct tlv *t)
{
	struct tlv p, f;
	int rc;

	if (t->len == EC_POINT_LEN && t->v[0] == 4) {
		memcpy(q, t->v, EC_POINT_LEN);
		return 0;
	}
	if (tlv_find(t->v, t->len, TAG_POINT, &p) < 0 || p.len != EC_POINT_LEN || p.v[0] != 4)
		return -EINVAL;
	rc = tlv_find(t->v, t->len, 0xF0, &f);
	if (rc != -ENOENT && (rc < 0 || f.len != 1 || f.v[0]))
		return -EINVAL;
	memcpy(q, p.v, EC_POINT_LEN);
	return 0;
}

int es8_keys_dec(struct es8_keys *k, const uint8_t *data, size_t len)
{
	struct tlv dgi, t;
	struct rd r, in;

	memset(k, 0, sizeof(*k));
	rd_init(&r, data, len);
	if (dgi_next(&r, &dgi) != 1 || dgi.tag != DGI_KEYS)
		return -EINVAL;
	rd_init(&in, dgi.v, dgi.len);
	if (tlv_next(&in, &t) != 1 || t.tag != TAG_CRT || in.left)
		return -EINVAL;
	k->a6 = t.raw;
	k->a6_len = t.raw_len;
	if (tlv_next(&r, &t) != 1 || t.tag != TAG_KEY || epk_dec(k->epk, &t) < 0)
		return -EINVAL;
	k->tbs = data;
	k->tbs_len = len - r.left;
	if (tlv_next(&r, &t) != 1 || t.tag != TAG_SIGNATURE || t.len != EC_SIG_LEN || r.left)
		return -EINVAL;
	memcpy(k->sig, t.v, EC_SIG_LEN);
	return 0;
}

int es8_keys_verify(const struct es8_keys *k, const uint8_t signer_q[EC_POINT_LEN], const uint8_t *rc, size_t rc_len)
{
	uint8_t challenge[3 + ES8_RC_MAX];
	int n = sign_challenge(rc, rc_len, challenge);
	struct iov iov[2] = { { k->tbs, k->tbs_len }, { challenge, n } };

	return n < 0 ? n : ec_verify(signer_q, iov, 2, k->sig);
}

int es8_keys_rsp_enc(struct bytes *data, const uint8_t *dr, size_t dr_len, const uint8_t receipt[16])
{
	if (dr_len)
		tlv_put(data, TAG_DR, dr, dr_len);
	return tlv_put(data, TAG_RECEIPT, receipt, 16);
}

int es8_keys_rsp_dec(uint8_t dr[ES8_DR_MAX], size_t *dr_len, uint8_t receipt[16], const uint8_t *data, size_t len)
{
	bool have = false;
	struct tlv t;
	struct rd r;
	int rc;

	*dr_len = 0;
	rd_init(&r, data, len);
	while ((rc = tlv_next(&r, &t)) == 1) {
		if (t.tag == TAG_DR && !*dr_len) {
			if (!t.len || octets(dr, dr_len, ES8_DR_MAX, &t) < 0)
				return -EINVAL;
		} else if (t.tag == TAG_RECEIPT && !have && t.len == 16) {
			memcpy(receipt, t.v, 16);
			have = true;
		} else {
			return -EINVAL;
		}
	}
	return rc < 0 || !have ? -EINVAL : 0;
}

static void lv_put(struct bytes *b, const uint8_t *v, size_t len)
{
	bytes_put_u8(b, len);
	if (len)
		bytes_put(b, v, len);
}

/* Shared info, GP Amd A table 3-28. */
static int shared_info(struct bytes *si, const struct es8_crt *crt, const uint8_t *dr, size_t dr_len)
{
	bytes_put_u8(si, crt->usage);
	bytes_put_u8(si, crt->key_type);
	bytes_put_u8(si, crt->key_len);
	if (dr_len)
		bytes_put(si, dr, dr_len);
	if (crt->param & ES8_PARAM_HOST_ID) {
		lv_put(si, crt->host_id, crt->host_id_len);
		lv_put(si, crt->sin, crt->sin_len);
		lv_put(si, crt->sdin, crt->sdin_len);
	}
	return si->err;
}

/* CMAC under the first derived key over A6 and DR. */
static int receipt_make(uint8_t out[16], uint8_t *k, size_t key_len, const uint8_t *a6, size_t a6_len, const uint8_t *dr,
			size_t dr_len)
{
	struct key *key = key_new(NULL, KEY_TYPE_AES, k, key_len);
	const uint8_t head[2] = { TAG_DR, dr_len };
	struct iov iov[3] = { { a6, a6_len }, { head, dr_len ? 2 : 0 }, { dr, dr_len } };
	int rc = key ? sym_cmac(key, iov, 3, out) : -ENOMEM;

	talloc_free(key);
	return rc;
}

/* A PSK is the first of its keyset only: what follows protects keys. */
static int split(struct es8_keyset *ks, void *ctx, const struct es8_crt *crt, const uint8_t *secrets)
{
	unsigned i;

	for (i = 0; i < ks->n; i++) {
		ks->k[i] = key_new(ctx, i ? KEY_TYPE_AES : crt->key_type, secrets + (1 + i) * crt->key_len, crt->key_len);
		if (!ks->k[i])
			return -ENOMEM;
	}
	return 0;
}

int es8_derive(struct es8_keyset *ks, void *ctx, const struct es8_crt *crt, const uint8_t *a6, size_t a6_len,
	       const uint8_t z[32], const uint8_t *dr, size_t dr_len)
{
	uint8_t secrets[SECRETS_MAX];
	struct bytes *si;
	int rc;

	memset(ks, 0, sizeof(*ks));
	if (!crt_usable(crt) || dr_len > ES8_DR_MAX || !(crt->param & ES8_PARAM_DR) != !dr_len)
		return -EINVAL;
	si = bytes_new(NULL, 256);
	if (!si)
		return -ENOMEM;
	ks->n = crt->usage == USAGE_3_KEYS ? 3 : 1;
	rc = shared_info(si, crt, dr, dr_len);
	if (rc >= 0)
		rc = kdf_x963(z, 32, si->data, si->len, secrets, (1 + ks->n) * crt->key_len);
	if (rc >= 0)
		rc = receipt_make(ks->receipt, secrets, crt->key_len, a6, a6_len, dr, dr_len);
	if (rc >= 0)
		rc = split(ks, ctx, crt, secrets);
	secret_wipe(secrets, sizeof(secrets));
	talloc_free(si);
	return rc;
}

int es8_update_conn_apdu(struct bytes *apdu, const uint8_t *tlvs, size_t len)
{
	struct bytes *b = bytes_new(NULL, 255);
	struct apdu_cmd c = { .cla = 0x80, .ins = GP_INS_STORE_DATA, .p1 = 0x88, .has_le = true };
	int rc;

	if (!b)
		return -ENOMEM;
	rc = dgi_put(b, DGI_CONN, tlvs, len);
	c.data = b->data;
	c.lc = b->len;
	if (rc >= 0)
		rc = apdu_put(apdu, &c);
	talloc_free(b);
	return rc;
}
