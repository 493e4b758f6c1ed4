/* Authentication on the card: Milenage (TS 35.206), TUAK (TS 35.231), the test algorithm of TS 34.108 8.1.2, sequence
 * numbers (TS 33.102 annex C) and the AUTHENTICATE command (TS 31.102 7.1). Our own code, so that a network side with
 * another implementation checks it.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/misc.h>
#include <osmocom/rsp/util/tlv.h>

#include "usim_priv.h"

/* rot(): cyclic, towards the most significant bit. */
static void auth_rotate(uint8_t out[16], const uint8_t in[16], unsigned bits)
{
	unsigned octets = bits / 8 % 16, shift = bits % 8, i;

	for (i = 0; i < 16; i++) {
		uint16_t pair = in[(i + octets) % 16] << 8 | in[(i + octets + 1) % 16];

		out[i] = pair >> (8 - shift);
	}
}

static void auth_xor(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = a[i] ^ b[i];
}

/* OUTn = E[ rot(in ^ OPc, r) ^ extra ^ c ] ^ OPc */
static int auth_out(uint8_t out[16], const struct usim_aka *aka, const uint8_t in[16], unsigned n, const uint8_t *extra)
{
	uint8_t x[16];
	int rc;

	auth_xor(out, in, aka->opc, 16);
	auth_rotate(x, out, aka->r[n]);
	auth_xor(x, x, aka->c[n], 16);
	if (extra)
		auth_xor(x, x, extra, 16);
	rc = sym_ecb_enc(aka->k, x, 16, out);
	auth_xor(out, out, aka->opc, 16);
	return rc;
}

int usim_milenage(struct milenage *m, const struct usim_aka *aka, const uint8_t rand[16], const uint8_t sqn[6],
		  const uint8_t amf[2])
{
	uint8_t temp[16], in1[16], out[16];
	int rc;

	auth_xor(out, rand, aka->opc, 16);
	rc = sym_ecb_enc(aka->k, out, 16, temp);
	if (rc < 0)
		return rc;
	memcpy(in1, sqn, 6);
	memcpy(in1 + 6, amf, 2);
	memcpy(in1 + 8, in1, 8);
	auth_out(out, aka, in1, 0, temp);
	memcpy(m->mac_a, out, 8);
	memcpy(m->mac_s, out + 8, 8);
	auth_out(out, aka, temp, 1, NULL);
	memcpy(m->ak, out, 6);
	memcpy(m->res, out + 8, 8);
	auth_out(m->ck, aka, temp, 2, NULL);
	auth_out(m->ik, aka, temp, 3, NULL);
	auth_out(out, aka, temp, 4, NULL);
	memcpy(m->ak_s, out, 6);
	secret_wipe(temp, sizeof(temp));
	return 0;
}

/* How long RES is, from algorithmOptions. 02 = 128 bits is in GSMA's workbook; that 0, 1, 3 go with 32, 64, 256 bits and
 * the other bits do not matter is not known from a source [M]. Milenage has 64 bits whatever they say. */
static size_t auth_res_len(const struct usim_aka *aka)
{
	static const uint8_t lens[] = { 4, 8, 16, 32 };
	unsigned i = aka->options & 0x07;

	if (aka->algo == USIM_ALGO_MILENAGE)
		return 8;
	if (i > 3)
		i = 1;
	return aka->algo == USIM_ALGO_XOR && i > 2 ? 16 : lens[i];
}

/* MAC, CK and IK have the lengths that AUTN and AUTHENTICATE have room for (TS 31.102 7.1.2). */
static int auth_tuak(struct milenage *m, const struct usim_aka *aka, const uint8_t rand[16], const uint8_t sqn[6],
		     const uint8_t amf[2])
{
	struct tuak t = { .k = aka->k, .iterations = aka->keccak };
	int rc;

	memcpy(t.topc, aka->opc, sizeof(t.topc));
	rc = tuak_f1(&t, false, rand, sqn, amf, m->mac_a, sizeof(m->mac_a));
	if (rc == 0)
		rc = tuak_f1(&t, true, rand, sqn, amf, m->mac_s, sizeof(m->mac_s));
	if (rc == 0)
		rc = tuak_f2345(&t, rand, m->res, auth_res_len(aka), m->ck, sizeof(m->ck), m->ik, sizeof(m->ik),
				m->ak);
	if (rc == 0)
		rc = tuak_f5star(&t, rand, m->ak_s);
	secret_wipe(&t, sizeof(t));
	return rc;
}

/* TS 34.108 8.1.2: everything is K xor RAND, turned. */
static void auth_test_algorithm(struct milenage *m, const struct usim_aka *aka, const uint8_t rand[16],
				const uint8_t sqn[6], const uint8_t amf[2])
{
	uint8_t k[32], xdout[16], cdout[8];

	key_export(aka->k, k, sizeof(k));
	auth_xor(xdout, k, rand, 16);
	secret_wipe(k, sizeof(k));
	memcpy(m->res, xdout, 16);
	auth_rotate(m->ck, xdout, 8);
	auth_rotate(m->ik, xdout, 16);
	memcpy(m->ak, xdout + 3, 6);
	memcpy(m->ak_s, xdout + 3, 6);
	memcpy(cdout, sqn, 6);
	memcpy(cdout + 6, amf, 2);
	auth_xor(m->mac_a, xdout, cdout, 8);
	memcpy(m->mac_s, m->mac_a, 8);
}

/* All functions for one SQN; AUTN's SQN is needed only after AK is known, so this runs up to three times. */
static int auth_run(struct milenage *m, const struct usim_aka *aka, const uint8_t rand[16], uint64_t sqn,
		    const uint8_t amf[2])
{
	const uint8_t s[6] = { sqn >> 40, sqn >> 32, sqn >> 24, sqn >> 16, sqn >> 8, sqn };

	if (aka->algo == USIM_ALGO_MILENAGE)
		return usim_milenage(m, aka, rand, s, amf);
	if (aka->algo == USIM_ALGO_TUAK)
		return auth_tuak(m, aka, rand, s, amf);
	auth_test_algorithm(m, aka, rand, s, amf);
	return 0;
}

static uint64_t auth_u48(const uint8_t p[6])
{
	uint64_t v = 0;

	for (int i = 0; i < 6; i++)
		v = v << 8 | p[i];
	return v;
}

/* TS 33.102 C.2: SQN = SEQ || IND, a list of the highest SEQ per IND. */
static bool auth_fresh(struct usim_aka *aka, uint64_t sqn, uint64_t *sqn_ms)
{
	uint64_t seq = sqn >> 5, highest = 0;
	unsigned ind = sqn & 31, i, at = 0;

	for (i = 0; i < 32; i++) {
		if (aka->sqn[i] >= highest) {
			highest = aka->sqn[i];
			at = i;
		}
	}
	*sqn_ms = highest << 5 | at;
	if (seq <= aka->sqn[ind])
		return false;
	if (aka->sqn_options & 0x02 && seq > highest && seq - highest > aka->sqn_delta)
		return false;
	if (aka->sqn_options & 0x04 && highest > seq && highest - seq >= aka->sqn_age)
		return false;
	aka->sqn[ind] = seq;
	return true;
}

enum usim_auth_rc usim_auth(struct usim_aka *aka, const uint8_t rand[16], const uint8_t autn[16],
			    struct usim_auth_out *out)
{
	static const uint8_t amf_resync[2] = { 0, 0 };
	struct milenage m;
	uint8_t s[6];
	uint64_t sqn, sqn_ms;
	int i;

	memset(out, 0, sizeof(*out));
	if (!aka->k || auth_run(&m, aka, rand, 0, autn + 6) < 0)
		return USIM_AUTH_UNSUPPORTED;
	auth_xor(s, autn, m.ak, 6);
	sqn = auth_u48(s);
	auth_run(&m, aka, rand, sqn, autn + 6);
	if (!secret_eq(m.mac_a, autn + 8, 8))
		return USIM_AUTH_MAC;
	if (!auth_fresh(aka, sqn, &sqn_ms)) {
		auth_run(&m, aka, rand, sqn_ms, amf_resync);
		for (i = 0; i < 6; i++)
			out->auts[i] = (uint8_t)(sqn_ms >> (40 - 8 * i)) ^ m.ak_s[i];
		memcpy(out->auts + 6, m.mac_s, 8);
		return USIM_AUTH_SYNC;
	}
	out->res_len = auth_res_len(aka);
	memcpy(out->res, m.res, out->res_len);
	memcpy(out->ck, m.ck, 16);
	memcpy(out->ik, m.ik, 16);
	for (i = 0; i < 8; i++)	/* conversion function c3 */
		out->kc[i] = m.ck[i] ^ m.ck[i + 8] ^ m.ik[i] ^ m.ik[i + 8];
	secret_wipe(&m, sizeof(m));
	return USIM_AUTH_OK;
}

/* AUTHENTICATE ------------------------------------------------------------ */

static void auth_put(struct bytes *b, const uint8_t *v, uint8_t len)
{
	bytes_put_u8(b, len);
	bytes_put(b, v, len);
}

/* Service 27 in EF.UST: GSM access, so that Kc is answered as well. */
static bool auth_gsm_access(const struct usim_file *adf)
{
	const struct usim_file *ust = fs_child(adf, 0x6F38);
	uint8_t *body;
	size_t size;

	if (!ust)
		return false;
	body = fs_body(ust, &size);
	return body && size > 3 && body[3] & 0x04;
}

static uint16_t auth_3g(struct usim *u, struct usim_aka *aka, const struct apdu_cmd *a, struct bytes *resp)
{
	struct usim_auth_out out;
	struct bytes *b;
	uint16_t sw = USIM_SW_OK;

	if (a->lc != 34 || a->data[0] != 16 || a->data[17] != 16)
		return USIM_SW_LENGTH;
	switch (usim_auth(aka, a->data + 1, a->data + 18, &out)) {
	case USIM_AUTH_OK:
		u->changed = true;
		b = bytes_new(u, 256);
		bytes_secret(b);
		auth_put(b, out.res, out.res_len);
		auth_put(b, out.ck, 16);
		auth_put(b, out.ik, 16);
		if (auth_gsm_access(u->adf))
			auth_put(b, out.kc, 8);
		/* DB is followed by the length of RES, there is no length of the whole (TS 31.102 7.1.2.1) */
		bytes_put_u8(resp, 0xDB);
		bytes_put_bytes(resp, b);
		talloc_free(b);
		break;
	case USIM_AUTH_SYNC:
		tlv_put(resp, 0xDC, out.auts, sizeof(out.auts));
		break;
	case USIM_AUTH_MAC:
		sw = USIM_SW_MAC;
		break;
	case USIM_AUTH_UNSUPPORTED:
		sw = USIM_SW_FUNC;
		break;
	}
	secret_wipe(&out, sizeof(out));
	return sw;
}

/* GSM context: SRES by c2, Kc by c3 (TS 33.102 6.8.1.2); no sequence number is involved. */
static uint16_t auth_gsm(struct usim_aka *aka, const struct apdu_cmd *a, struct bytes *resp)
{
	static const uint8_t amf[2];
	struct milenage m;
	uint8_t sres[4] = { 0 }, kc[8];
	size_t i;

	if (a->lc != 17 || a->data[0] != 16)
		return USIM_SW_LENGTH;
	if (auth_run(&m, aka, a->data + 1, 0, amf) < 0)
		return USIM_SW_FUNC;
	for (i = 0; i < auth_res_len(aka); i++)
		sres[i % 4] ^= m.res[i];
	for (i = 0; i < 8; i++)
		kc[i] = m.ck[i] ^ m.ck[i + 8] ^ m.ik[i] ^ m.ik[i + 8];
	auth_put(resp, sres, sizeof(sres));
	auth_put(resp, kc, sizeof(kc));
	secret_wipe(&m, sizeof(m));
	secret_wipe(kc, sizeof(kc));
	return USIM_SW_OK;
}

uint16_t usim_authenticate(struct usim *u, const struct apdu_cmd *a, struct bytes *resp)
{
	const struct usim_file *other;
	struct usim_aka *aka;

	if (!u->adf || !u->adf->aka)
		return USIM_SW_CONDITIONS;
	aka = u->adf->aka;
	if (aka->map.len) {	/* the parameters of another application */
		other = fs_adf(u->fs, aka->map.b, aka->map.len);
		aka = other ? other->aka : NULL;
	}
	if (!aka || !aka->k)
		return USIM_SW_FUNC;
	if (fs_pin(u->adf, 0x01) && !usim_pin_ok(u->adf, 0x01))
		return USIM_SW_SECURITY;
	switch (a->p2) {
	case 0x81:
		return auth_3g(u, aka, a, resp);
	case 0x80:
		return auth_gsm(aka, a, resp);
	}
	return USIM_SW_P1P2;
}
