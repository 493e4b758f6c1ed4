/* ECASD: public data, and scenario 3 key establishment with mutual authentication as the card does it
 * (SGP.02 4.1.3.1, 4.1.1.8; card-side digest 5).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/rsp/crypto/cert.h>
#include <osmocom/rsp/util/misc.h>

#include "card_int.h"
#include "ecasd.h"

/* --- public data --- */

/* GP CS 2.3 table H-1, reduced to what says "GlobalPlatform card". */
static const uint8_t recognition[] = { 0x73, 0x09, 0x06, 0x07, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x01 };

static int tag_list_data(const struct card *c, const uint8_t *list, size_t len, struct bytes *inner)
{
	struct rd r;

	rd_init(&r, list, len);
	while (r.left) {
		uint16_t tag = rd_u8(&r);

		if ((tag & 0x1F) == 0x1F)
			tag = (tag << 8) | rd_u8(&r);
		if (r.bad)
			return -EINVAL;
		if (tag == 0x66)
			tlv_put(inner, 0x66, recognition, sizeof(recognition));
		else if (tag == 0x7F21)
			bytes_put_bytes(inner, c->ecasd_cert);
		else if (tag == 0x5A)
			tlv_put(inner, 0x5A, c->eid.b, sizeof(c->eid.b));
		else
			return -ENOENT;
	}
	return 0;
}

static uint16_t get_bf30(const struct card *c, const uint8_t *data, size_t len, struct bytes *resp)
{
	struct bytes *inner;
	struct tlv list;
	int rc;

	if (tlv_find(data, len, 0x5C, &list) < 0)
		return SW_DATA;
	inner = bytes_new(NULL, 4096);
	rc = tag_list_data(c, list.v, list.len, inner);
	if (rc == 0)
		tlv_put(resp, 0xBF30, inner->data, inner->len);
	talloc_free(inner);
	return rc == 0 ? SW_OK : rc == -ENOENT ? SW_NOT_FOUND : SW_DATA;
}

uint16_t ecasd_get_data(const struct card *c, uint16_t tag, const uint8_t *data, size_t len, struct bytes *resp)
{
	switch (tag) {
	case 0x005A:
		tlv_put(resp, 0x5A, c->eid.b, sizeof(c->eid.b));
		return SW_OK;
	case 0x7F21:
		bytes_put_bytes(resp, c->ecasd_cert);
		return SW_OK;
	case 0xBF30:
		return get_bf30(c, data, len, resp);
	default:
		return SW_NOT_FOUND;
	}
}

/* --- key establishment --- */

/* The CI key that the certificate names by C9; without C9 the only one there is. NULL: none fits. */
static const uint8_t *ci_key(const struct card_batch *b, const struct cert_gp *cert)
{
	unsigned i;

	if (!cert->has_aki)
		return b->n_ci == 1 ? b->ci[0].q : NULL;
	for (i = 0; i < b->n_ci; i++)
		if (!memcmp(b->ci[i].ski, cert->aki, sizeof(cert->aki)))
			return b->ci[i].q;
	return NULL;
}

uint16_t ecasd_step1(struct card *c, int role, const uint8_t *in, size_t len, struct bytes *resp)
{
	struct cert_gp cert;
	const uint8_t *ci;
	const char *err = "";

	c->ke.pending = false;
	if (cert_gp_dec(&cert, &err, in, len) < 0) {
		LOGCARD(c, LOGL_NOTICE, "certificate refused: %s\n", err);
		return SW_DATA;
	}
	if (cert.role != role) {
		LOGCARD(c, LOGL_NOTICE, "certificate refused: role %d where %d is asked for\n", cert.role, role);
		return SW_DATA;
	}
	ci = ci_key(c->batch, &cert);
	if (!ci) {
		LOGCARD(c, LOGL_NOTICE, "certificate refused: its CI is unknown\n");
		return SW_CONDITIONS;
	}
	/* a card has no clock: dates are not looked at */
	if (cert_gp_verify(&cert, ci, NULL) < 0) {
		LOGCARD(c, LOGL_NOTICE, "certificate refused: signature is wrong\n");
		return SW_SECURITY;
	}
	memcpy(c->ke.q, cert.q, sizeof(c->ke.q));
	rand_bytes(c->ke.rc, sizeof(c->ke.rc));
	c->ke.role = role;
	c->ke.pending = true;
	return es8_cert_rsp_enc(resp, c->ke.rc, sizeof(c->ke.rc)) < 0 ? SW_MEMORY : SW_OK;
}

static bool crt_ok(const struct es8_crt *crt, const struct ecasd_target *t)
{
	bool kvn_ok = (crt->kvn >= t->kvn_first && crt->kvn <= t->kvn_last) ||
		      (crt->kvn >= t->kvn2_first && crt->kvn <= t->kvn2_last);

	if (!(crt->param & ES8_PARAM_CERT) || !kvn_ok || crt->key_len != 16)
		return false;
	if (crt->key_type != KEY_TYPE_AES && crt->key_type != KEY_TYPE_PSK)
		return false;
	return crt->usage == 0x10 || crt->usage == 0x5C;
}

static uint16_t derive(struct card *c, const struct ecasd_target *t, const struct es8_keys *k, void *ctx,
		       struct es8_crt *crt, struct es8_keyset *ks, struct bytes *resp)
{
	uint8_t z[32], dr[16];
	size_t dr_len = crt->param & ES8_PARAM_DR ? sizeof(dr) : 0;
	int rc;

	if (t->sin && t->sin->len <= sizeof(crt->sin)) {
		memcpy(crt->sin, t->sin->data, t->sin->len);
		crt->sin_len = t->sin->len;
	}
	if (ec_ecka(c->ecasd_sk, k->epk, z) < 0)	/* not a point of the curve */
		return SW_DATA;
	if (dr_len)
		rand_bytes(dr, sizeof(dr));
	rc = es8_derive(ks, ctx, crt, k->a6, k->a6_len, z, dr, dr_len);
	secret_wipe(z, sizeof(z));
	if (rc < 0)
		return SW_MEMORY;
	if (fault(c->faults, FAULT_RECEIPT)) {
		fault_struck(c->faults, FAULT_RECEIPT);
		ks->receipt[0] ^= 0x01;
	}
	return es8_keys_rsp_enc(resp, dr, dr_len, ks->receipt) < 0 ? SW_MEMORY : SW_OK;
}

uint16_t ecasd_step2(struct card *c, const struct ecasd_target *t, const uint8_t *data, size_t len, void *ctx,
		     struct es8_crt *crt, struct es8_keyset *ks, struct bytes *resp)
{
	struct es8_keys k;

	if (!c->ke.pending || c->ke.role != t->role)
		return SW_CONDITIONS;
	c->ke.pending = false;	/* one try per challenge */
	if (es8_keys_dec(&k, data, len) < 0 || es8_crt_dec(crt, k.a6, k.a6_len) < 0)
		return SW_DATA;
	if (es8_keys_verify(&k, c->ke.q, c->ke.rc, sizeof(c->ke.rc)) < 0) {
		LOGCARD(c, LOGL_NOTICE, "key establishment refused: signature is wrong\n");
		return SW_SECURITY;
	}
	if (!crt_ok(crt, t))
		return SW_DATA;
	return derive(c, t, &k, ctx, crt, ks, resp);
}
