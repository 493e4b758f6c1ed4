/* What one secured packet and one profile segment cost, against OpenSSL's own primitives in the same run.
 * Limit of SCP80: one AES-CBC over the ciphered part and one CMAC over the covered part, nothing else; of SCP03t: one
 * AES-CBC over the padded segment, one CMAC over it and one block for the ICV.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/core_names.h>
#include <osmocom/core/talloc.h>
#include <osmocom/rsp/ota/scp03t.h>
#include <osmocom/rsp/ota/scp80.h>

#define ROUNDS 200000

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static double scp80_us(const struct key *k, const uint8_t *payload, size_t len)
{
	struct scp80_sec sec = { SCP80_SPI1, SCP80_SPI2_POR, 0x12, 0x12, SCP80_TAR_ISD_R, 1 };
	struct bytes *out = bytes_new(NULL, 4096);
	double t0;
	int i;

	t0 = now_us();
	for (i = 0; i < ROUNDS; i++) {
		bytes_clear(out);
		sec.cntr++;
		scp80_cmd_enc(out, &sec, k, k, payload, len);
	}
	t0 = (now_us() - t0) / ROUNDS;
	talloc_free(out);
	return t0;
}

static double scp03t_us(void *ctx, const struct key *k, const uint8_t *plain, size_t len)
{
	static const uint8_t challenge[8];
	struct scp03 *s = scp03_new(ctx, k, k, challenge, challenge);
	struct bytes *out = bytes_new(ctx, 4096);
	double t0;
	int i;

	scp03t_auth_enc(s, out);
	t0 = now_us();
	for (i = 0; i < ROUNDS; i++) {
		bytes_clear(out);
		scp03t_data_enc(s, out, plain, len);
	}
	return (now_us() - t0) / ROUNDS;
}

/* cbc octets enciphered and mac octets authenticated per round, contexts keyed once. */
static double primitive_us(const uint8_t key[16], size_t cbc, size_t mac)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	EVP_MAC *m = EVP_MAC_fetch(NULL, "CMAC", NULL);
	EVP_MAC_CTX *mc = EVP_MAC_CTX_new(m);
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, "AES-128-CBC", 0), OSSL_PARAM_END };
	uint8_t buf[2048] = {}, iv[16] = {};
	size_t n;
	double t0;
	int i, l;

	EVP_EncryptInit_ex2(c, EVP_aes_128_cbc(), key, iv, NULL);
	EVP_CIPHER_CTX_set_padding(c, 0);
	EVP_MAC_init(mc, key, 16, params);
	t0 = now_us();
	for (i = 0; i < ROUNDS; i++) {
		EVP_MAC_init(mc, NULL, 0, NULL);
		EVP_MAC_update(mc, buf, mac);
		EVP_MAC_final(mc, iv, &n, sizeof(iv));
		EVP_EncryptInit_ex2(c, NULL, NULL, iv, NULL);
		EVP_EncryptUpdate(c, buf, &l, buf, cbc);
	}
	t0 = (now_us() - t0) / ROUNDS;
	EVP_MAC_CTX_free(mc);
	EVP_MAC_free(m);
	EVP_CIPHER_CTX_free(c);
	return t0;
}

int main(void)
{
	static const uint8_t raw[16] = { 1, 2, 3 }, payload[98] = { 0xAA }, segment[SCP03T_SEG_MAX] = { 0xA0 };
	void *ctx = talloc_named_const(NULL, 0, "bench");
	struct key *k = key_new(ctx, KEY_TYPE_AES, raw, sizeof(raw));
	double ours = scp80_us(k, payload, sizeof(payload)), limit = primitive_us(raw, 112, 128);

	printf("scp80_packet_98_octets: %.2f us limit %.2f us ratio %.2f\n", ours, limit, ours / limit);
	ours = scp03t_us(ctx, k, segment, sizeof(segment));
	limit = primitive_us(raw, 1008 + 16, 16 + 4 + 1008);
	printf("scp03t_segment_1007_octets: %.2f us limit %.2f us ratio %.2f\n", ours, limit, ours / limit);
	talloc_free(ctx);
	return 0;
}
