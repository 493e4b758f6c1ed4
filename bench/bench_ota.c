/* What a secured packet and a profile segment cost, as a ratio to OpenSSL's own primitives in the same run.
 * SCP80: protect and verify a packet of 100 octets of payload, with fresh keys for each packet, as packets of different cards
 * have them. The limit is the same AES-CBC and AES-CMAC over as many octets with fresh keys too, and nothing else.
 * SCP03t: protect segments of 1 kB within one session. The limit is one AES-CBC and one CMAC over the padded segment and one
 * block for the ICV.
 * Ratio: our packets a second by those of the primitives. Each is the best of several rounds, taken in turns.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/scp03t.h>
#include <osmocom/rsp/ota/scp80.h>

#define PACKETS 20000
#define SEGMENTS 20000
#define ROUNDS 7
#define SCP80_PAYLOAD 100
#define SCP80_LIMIT 0.6
#define SCP03T_LIMIT 0.8

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void fresh(uint8_t key[16], unsigned n)
{
	memcpy(key, &n, sizeof(n));
}

/* --- ours --- */

static double scp80_us(void *ctx)
{
	static const uint8_t payload[SCP80_PAYLOAD] = { 0xAA };
	struct scp80_sec sec = { SCP80_SPI1, SCP80_SPI2_POR, 0x12, 0x12, SCP80_TAR_ISD_R, 1 }, got;
	struct bytes *out = bytes_new(ctx, 4096), *back = bytes_new(ctx, 4096);
	uint8_t raw[16] = { 1 };
	double t0 = now_us();

	for (unsigned i = 0; i < PACKETS; i++) {
		struct key *kic, *kid, *kic2, *kid2;

		fresh(raw, i);
		kic = key_new(ctx, KEY_TYPE_AES, raw, 16);
		kid = key_new(ctx, KEY_TYPE_AES, raw, 16);
		kic2 = key_new(ctx, KEY_TYPE_AES, raw, 16);	/* the other end has its own */
		kid2 = key_new(ctx, KEY_TYPE_AES, raw, 16);
		bytes_clear(out);
		bytes_clear(back);
		sec.cntr++;
		if (scp80_cmd_enc(out, &sec, kic, kid, payload, sizeof(payload)) < 0 ||
		    scp80_cmd_dec(back, &got, kic2, kid2, out->data, out->len) < 0 || back->len != sizeof(payload))
			exit(1);
		talloc_free(kic);
		talloc_free(kid);
		talloc_free(kic2);
		talloc_free(kid2);
	}
	t0 = (now_us() - t0) / PACKETS;
	talloc_free(out);
	talloc_free(back);
	return t0;
}

static double scp03t_us(void *ctx)
{
	static const uint8_t challenge[8], raw[16] = { 1, 2, 3 }, segment[SCP03T_SEG_MAX] = { 0xA0 };
	struct key *k = key_new(ctx, KEY_TYPE_AES, raw, sizeof(raw));
	struct scp03 *s = scp03_new(ctx, k, k, challenge, challenge);
	struct bytes *out = bytes_new(ctx, 4096);
	double t0;

	scp03t_auth_enc(s, out);
	t0 = now_us();
	for (unsigned i = 0; i < SEGMENTS; i++) {
		bytes_clear(out);
		if (scp03t_data_enc(s, out, segment, sizeof(segment)) < 0)
			exit(1);
	}
	t0 = (now_us() - t0) / SEGMENTS;
	talloc_free(s);
	talloc_free(out);
	talloc_free(k);
	return t0;
}

/* --- OpenSSL alone --- */

static EVP_CIPHER *cbc;
static EVP_MAC *cmac;

static void cbc_once(EVP_CIPHER_CTX *c, const uint8_t *key, int enc, uint8_t *buf, size_t len)
{
	static const uint8_t iv[16];
	int n;

	if (EVP_CipherInit_ex2(c, key ? cbc : NULL, key, iv, enc, NULL) != 1 || EVP_CIPHER_CTX_set_padding(c, 0) != 1 ||
	    EVP_CipherUpdate(c, buf, &n, buf, len) != 1)
		exit(1);
}

static void cmac_once(EVP_MAC_CTX *c, const uint8_t *key, const uint8_t *buf, size_t len)
{
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, "AES-128-CBC", 0), OSSL_PARAM_END };
	uint8_t mac[16];
	size_t n;

	if (EVP_MAC_init(c, key, key ? 16 : 0, key ? params : NULL) != 1 || EVP_MAC_update(c, buf, len) != 1 ||
	    EVP_MAC_final(c, mac, &n, sizeof(mac)) != 1)
		exit(1);
}

/* One end of one packet, with keys never used before. */
static void packet_once(const uint8_t *key, int enc, uint8_t *buf, size_t ciphered, size_t covered)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	EVP_MAC_CTX *m = EVP_MAC_CTX_new(cmac);

	cmac_once(m, key, buf, covered);
	cbc_once(c, key, enc, buf, ciphered);
	EVP_MAC_CTX_free(m);
	EVP_CIPHER_CTX_free(c);
}

/* 5 counter, 1 padding counter, 8 MAC, payload, padded; MAC over CPL, CHL, header too, without itself */
static double packets_us(void *ctx)
{
	const size_t ciphered = (6 + 8 + SCP80_PAYLOAD + 15) / 16 * 16, covered = 2 + 1 + 7 + ciphered - 8;
	uint8_t raw[16] = { 1 }, buf[256] = {};
	double t0 = now_us();

	for (unsigned i = 0; i < PACKETS; i++) {
		fresh(raw, i);
		packet_once(raw, 1, buf, ciphered, covered);
		packet_once(raw, 0, buf, ciphered, covered);
	}
	return (now_us() - t0) / PACKETS;
}

static double segments_us(void *ctx)
{
	static const uint8_t raw[16] = { 1, 2, 3 };
	const size_t padded = (SCP03T_SEG_MAX + 16) / 16 * 16;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new(), *icv = EVP_CIPHER_CTX_new();
	EVP_MAC_CTX *m = EVP_MAC_CTX_new(cmac);
	uint8_t buf[2048] = {}, block[16] = {};
	double t0;

	cbc_once(c, raw, 1, buf, 16);
	cbc_once(icv, raw, 1, block, 16);
	cmac_once(m, raw, buf, 16);
	t0 = now_us();
	for (unsigned i = 0; i < SEGMENTS; i++) {
		cbc_once(icv, NULL, 1, block, 16);
		cbc_once(c, NULL, 1, buf, padded);
		cmac_once(m, NULL, buf, 16 + 4 + padded);
	}
	t0 = (now_us() - t0) / SEGMENTS;
	EVP_MAC_CTX_free(m);
	EVP_CIPHER_CTX_free(c);
	EVP_CIPHER_CTX_free(icv);
	return t0;
}

static int compare(void *ctx, const char *name, double (*ours)(void *ctx), double (*theirs)(void *ctx), double limit)
{
	double a = 1e9, b = 1e9;

	for (unsigned i = 0; i < ROUNDS; i++) {
		double t = ours(ctx);

		a = OSMO_MIN(a, t);
		t = theirs(ctx);
		b = OSMO_MIN(b, t);
	}
	printf("%s: %.2f us primitives %.2f us ratio %.2f limit %.2f\n", name, a, b, b / a, limit);
	return b / a >= limit ? 0 : 1;
}

int main(void)
{
	void *ctx = talloc_named_const(NULL, 0, "bench");
	int rc;

	cbc = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
	cmac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	rc = compare(ctx, "scp80_protect_and_verify_100_octets_fresh_keys", scp80_us, packets_us, SCP80_LIMIT);
	rc |= compare(ctx, "scp03t_protect_1_kB_segment", scp03t_us, segments_us, SCP03T_LIMIT);
	EVP_CIPHER_free(cbc);
	EVP_MAC_free(cmac);
	talloc_free(ctx);
	return rc;
}
