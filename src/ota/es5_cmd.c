/* ES5 commands to the ISD-R, SGP.02 4.1.1: the SM-SR's side.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/ota/es5_cmd.h>
#include "es5_priv.h"

int es5_create_isdp_enc(struct bytes *script, const struct aid *isd_p, uint32_t memory)
{
	uint8_t params[] = { 0xC9, 4, 0x81, 2, 0x03, 0x70,	/* SCP03, i = 70 */
			     0xEF, 6, 0x83, 4, memory >> 24, memory >> 16, memory >> 8, memory };
	struct gp_install i = {
		.p1 = INSTALL_MAKE_SELECTABLE, .load_file = aid_isdp_file, .module = aid_isdp_module, .app = *isd_p,
		.privileges = { 0x80, 0xC0, 0x00 }, .privileges_len = 3, .params = params, .params_len = memory ? 14 : 6,
	};

	return gp_install_enc(script, &i);
}

/* STORE DATA of one DGI whose value is one TLV. */
static int store_one(struct bytes *script, uint16_t dgi, uint8_t tag, const void *v, size_t len, bool response)
{
	struct bytes *b = bytes_new(NULL, 0);
	uint8_t tlv[64] = { tag, len };
	int rc;

	if (!b)
		return -ENOMEM;
	if (len > sizeof(tlv) - 2) {
		talloc_free(b);
		return -EINVAL;
	}
	memcpy(tlv + 2, v, len);
	rc = dgi_put(b, dgi, tlv, 2 + len);
	if (rc >= 0)
		rc = gp_store_data_enc(script, b->data, b->len, response, false, 0);
	talloc_free(b);
	return rc < 0 ? rc : 0;
}

int es5_enable_profile_enc(struct bytes *script, const struct aid *isd_p)
{
	return store_one(script, DGI_ENABLE, TAG_AID, isd_p->b, isd_p->len, false);
}

int es5_disable_profile_enc(struct bytes *script, const struct aid *isd_p)
{
	return store_one(script, DGI_DISABLE, TAG_AID, isd_p->b, isd_p->len, false);
}

int es5_set_fallback_enc(struct bytes *script, const struct aid *isd_p)
{
	return store_one(script, DGI_FALLBACK, TAG_AID, isd_p->b, isd_p->len, false);
}

int es5_set_emergency_enc(struct bytes *script, const struct aid *isd_p)
{
	return store_one(script, DGI_EMERGENCY, TAG_AID, isd_p->b, isd_p->len, false);
}

int es5_confirm_notif_enc(struct bytes *script, uint16_t seq)
{
	const uint8_t v[2] = { seq >> 8, seq };

	return store_one(script, DGI_CONFIRM, TAG_SEQ, v, 2, true);
}

int es5_delete_enc(struct bytes *script, const struct aid *isd_p)
{
	uint8_t v[18] = { TAG_AID, isd_p->len };

	memcpy(v + 2, isd_p->b, isd_p->len);
	return gp_delete_enc(script, DELETE_RELATED, v, 2 + isd_p->len);
}

int es5_get_status_enc(struct bytes *script, const struct aid *isd_p, bool next)
{
	static const uint8_t tags[] = { 0x4F, 0x9F, 0x70, 0x53, 0x8F, 0x91 };

	return gp_get_status_enc(script, isd_p, tags, sizeof(tags), next);
}

int es5_get_memory_enc(struct bytes *script)
{
	return gp_get_data_enc(script, 0xFF21, NULL, 0);
}

int es5_get_ecasd_cert_enc(struct bytes *script)
{
	static const uint8_t tag[] = { 0x7F, 0x21 };

	return gp_get_data_enc(script, 0xBF30, tag, sizeof(tag));
}

int es5_finalise_handover_enc(struct bytes *script, const struct es5_key_range *keep, unsigned n)
{
	uint8_t v[5 * ES5_KEEP_MAX];
	unsigned i;

	if (!n || n > ES5_KEEP_MAX)
		return -EINVAL;
	for (i = 0; i < n; i++)
		memcpy(v + 5 * i, (uint8_t[]){ TAG_KEEP, 3, keep[i].kvn, keep[i].first, keep[i].last }, 5);
	return gp_delete_enc(script, 0, v, 5 * n);
}

/* A3 { 81 }: octet count, type of number, semi-octets, as cards of 2016 took it. */
static int sms_addr_put(struct bytes *b, const char *nr)
{
	uint8_t v[2 + 2 + 12] = { SMSR_SMS, 0, 0x81, 0 };
	int n;

	v[5] = nr[0] == '+' ? 0x91 : 0x81;
	n = bcd_swapped_enc(v + 6, sizeof(v) - 6, nr + (nr[0] == '+'));
	if (n < 1)
		return -EINVAL;
	v[4] = n;
	v[3] = n + 2;
	v[1] = n + 4;
	return bytes_put(b, v, n + 6);
}

int es5_update_smsr_enc(struct bytes *script, const char *dialling_nr, const struct scp81_params *https)
{
	struct bytes *b = bytes_new(NULL, 4096), *body = bytes_new(b, 4096), *dgi = bytes_new(b, 4096);
	int rc = b && body && dgi ? 0 : -ENOMEM;

	if (!rc && !dialling_nr && !https)
		rc = -EINVAL;
	if (!rc && dialling_nr)
		rc = sms_addr_put(body, dialling_nr);
	if (rc >= 0 && https) {
		rc = scp81_params_enc(b, https);
		if (rc >= 0)
			rc = tlv_put(body, SMSR_HTTPS, b->data, b->len);
	}
	if (rc >= 0)
		rc = dgi_put(dgi, DGI_ADDRESSES, body->data, body->len);
	if (rc >= 0)
		rc = gp_store_data_enc(script, dgi->data, dgi->len, false, false, 0);
	talloc_free(b);
	return rc < 0 ? rc : 0;
}

/* Token: CMAC over P1 P2 Lc' and the data without 9E (GP CS 11.2). */
int es5_token(uint8_t out[16], const struct es5_master_delete *m, const struct key *token_key)
{
	const uint8_t head[3] = { 0, m->p2, m->signed_len };
	struct iov iov[2] = { { head, 3 }, { m->signed_data, m->signed_len } };

	return m->signed_len > 0xFF ? -EINVAL : sym_cmac(token_key, iov, 2, out);
}

static void master_crt_put(struct bytes *b, const struct es5_master_delete *m)
{
	tlv_put(b, TAG_SIN, m->sin, m->sin_len);
	tlv_put(b, TAG_SDIN, m->sdin, m->sdin_len);
	tlv_put(b, TAG_PROVIDER, m->provider, m->provider_len);
	tlv_put(b, TAG_TOKEN_ID, m->token_id, m->token_id_len);
}

int es5_master_delete_enc(struct bytes *script, const struct aid *isd_p, const struct es5_master_delete *m,
			  const struct key *token_key)
{
	struct bytes *b = bytes_new(NULL, 255), *crt = bytes_new(b, 128);
	struct es5_master_delete t = { .p2 = DELETE_RELATED };
	uint8_t token[16];
	int rc = -ENOMEM;

	if (crt) {
		master_crt_put(crt, m);
		tlv_put(b, TAG_AID, isd_p->b, isd_p->len);
		tlv_put(b, TAG_CRT, crt->data, crt->len);
		t.signed_data = b->data;
		t.signed_len = b->len;
		rc = b->err || crt->err ? -EINVAL : es5_token(token, &t, token_key);
	}
	if (rc >= 0)
		rc = tlv_put(b, TAG_TOKEN, token, 16);
	if (rc >= 0)
		rc = gp_delete_enc(script, DELETE_RELATED, b->data, b->len);
	talloc_free(b);
	return rc;
}

int es5_rsp(struct apdu_rsp *a, const uint8_t *tlvs, size_t len)
{
	return script_rapdu_decisive(a, tlvs, len);
}

const char *es5_sw_text(uint16_t sw)
{
	switch (sw) {
	case ES5_SW_POL1:
		return "POL1 of the profile prevents this action";
	case 0x6985:
		return "state or attribute of the profile does not allow it";
	case 0x6A82:
	case 0x6A88:
		return "profile, key or sequence number not known to the card";
	default:
		return gp_sw_text(sw);
	}
}
