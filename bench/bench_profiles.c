/* What one personalised and protected profile costs, against OpenSSL's primitives alone in the same run: TS.48 v7
 * (RSP_SHARED), else the demo profile given as argument. A profile: K, three OTA keys, PIN and PUK from the random
 * generator, OPc from OP, ICCID, IMSI and all of these put into the package; session keys of SCP03t; every segment
 * enciphered and authenticated.
 * Limit: six RAND_bytes, one AES block for OPc, three CMACs for the session keys, two keyed contexts, and for each
 * segment one AES block (ICV), one AES-CBC over the padded segment, one CMAC over it. Nothing else.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <osmocom/core/talloc.h>
#include <osmocom/rsp/ota/scp03t.h>
#include <osmocom/rsp/profile/upp_perso.h>

#define ROUNDS 20000

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static struct bytes *read_package(void *ctx, const char *path)
{
	char *name = talloc_asprintf(ctx, "%s/data/ts48/v7/TS48v7_SAIP2.3_NoBERTLV.der", getenv("RSP_SHARED") ? : "..");
	FILE *f = fopen(path ? path : name, "rb");
	struct bytes *b = bytes_new(ctx, 1 << 20);
	uint8_t buf[4096];
	size_t n;

	while (f && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		bytes_put(b, buf, n);
	if (f)
		fclose(f);
	return b->len ? b : NULL;
}

static void digits(char *out, unsigned n, unsigned v)
{
	while (n--) {
		out[n] = '0' + v % 10;
		v /= 10;
	}
}

static struct bytes *personalise(void *ctx, const struct bytes *upp, unsigned i)
{
	static const uint8_t op[16] = { 0xCD, 0xC2 };
	uint8_t keys[4][16], random[12];
	const struct upp_perso_key ota[] = { { 2, 1, keys[1], 16, NULL }, { 2, 2, keys[2], 16, NULL },
					     { 2, 3, keys[3], 16, NULL } };
	char iccid[] = "8949000000000000000", imsi[] = "001010000000000", pin[] = "0000", puk[] = "00000000";
	const struct upp_perso p = { .iccid = iccid, .imsi = imsi, .algo = UPP_ALGO_MILENAGE, .k = keys[0], .op = op,
				     .pin1 = pin, .puk1 = puk, .keys = ota, .n_keys = 3 };
	const char *err;
	struct bytes *out;
	unsigned k;

	for (k = 0; k < 4; k++)
		rand_bytes(keys[k], 16);
	rand_bytes(random, 4);
	rand_bytes(random + 4, 8);
	for (k = 0; k < 4; k++)
		pin[k] = '0' + random[k] % 10;
	for (k = 0; k < 8; k++)
		puk[k] = '0' + random[4 + k] % 10;
	digits(iccid + 8, 10, i);
	digits(imsi + 5, 10, i);
	out = upp_personalise(ctx, upp->data, upp->len, &p, &err);
	if (!out) {
		fprintf(stderr, "refused: %s\n", err);
		exit(1);
	}
	return out;
}

static unsigned protect(void *ctx, struct bytes *out, const struct key *k, const struct bytes *upp)
{
	static const uint8_t challenge[8] = { 1, 2, 3 };
	struct scp03 *s = scp03_new(ctx, k, k, challenge, challenge);
	size_t at, n;
	unsigned segments = 0;

	scp03t_auth_enc(s, out);
	for (at = 0; at < upp->len; at += n, segments++) {
		n = upp->len - at < SCP03T_SEG_MAX ? upp->len - at : SCP03T_SEG_MAX;
		scp03t_data_enc(s, out, upp->data + at, n);
	}
	talloc_free(s);
	return segments;
}

static void limit_cmac(EVP_MAC_CTX *mc, const uint8_t *key, const uint8_t *in, size_t len, uint8_t out[16])
{
	size_t n;

	EVP_MAC_init(mc, key, key ? 16 : 0, NULL);
	EVP_MAC_update(mc, in, len);
	EVP_MAC_final(mc, out, &n, 16);
}

static double limit_us(size_t len, unsigned segments)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new(), *ecb = EVP_CIPHER_CTX_new();
	EVP_MAC *m = EVP_MAC_fetch(NULL, "CMAC", NULL);
	EVP_MAC_CTX *mc = EVP_MAC_CTX_new(m);
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, "AES-128-CBC", 0),
				OSSL_PARAM_END };
	EVP_CIPHER *cbc = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
	EVP_CIPHER *block = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
	uint8_t buf[2048] = {}, key[16] = { 1 }, iv[16] = {};
	size_t seg = (len / segments + 16) / 16 * 16;
	double t0;
	int i, l;

	EVP_MAC_init(mc, key, 16, params);
	t0 = now_us();
	for (i = 0; i < ROUNDS; i++) {
		for (unsigned r = 0; r < 6; r++)
			RAND_bytes(key, sizeof(key));
		EVP_EncryptInit_ex2(ecb, block, key, NULL, NULL);	/* OPc */
		EVP_EncryptUpdate(ecb, iv, &l, key, 16);
		for (unsigned r = 0; r < 3; r++)			/* session keys */
			limit_cmac(mc, r ? NULL : key, buf, 32, iv);
		EVP_EncryptInit_ex2(ecb, block, iv, NULL, NULL);
		EVP_EncryptInit_ex2(c, cbc, iv, iv, NULL);
		EVP_CIPHER_CTX_set_padding(c, 0);
		EVP_MAC_init(mc, iv, 16, NULL);
		for (unsigned s = 0; s < segments; s++) {
			EVP_EncryptUpdate(ecb, iv, &l, iv, 16);
			EVP_EncryptInit_ex2(c, NULL, NULL, iv, NULL);
			EVP_EncryptUpdate(c, buf, &l, buf, seg);
			limit_cmac(mc, NULL, buf, 16 + 4 + seg, iv);
		}
	}
	t0 = (now_us() - t0) / ROUNDS;
	EVP_CIPHER_free(cbc);
	EVP_CIPHER_free(block);
	EVP_MAC_CTX_free(mc);
	EVP_MAC_free(m);
	EVP_CIPHER_CTX_free(c);
	EVP_CIPHER_CTX_free(ecb);
	return t0;
}

int main(int argc, char **argv)
{
	static const uint8_t raw[16] = { 1, 2, 3 };
	void *ctx = talloc_named_const(NULL, 0, "bench");
	struct bytes *upp = read_package(ctx, argc > 1 ? argv[1] : NULL), *out = bytes_new(ctx, 1 << 20), *p;
	struct key *k = key_new(ctx, KEY_TYPE_AES, raw, sizeof(raw));
	double t0, perso, both, limit;
	unsigned i, segments = 0;

	if (!upp) {
		printf("SKIPPED, NO TS.48 DATA: set RSP_SHARED, or name a package\n");
		return 0;
	}
	t0 = now_us();
	for (i = 0; i < ROUNDS; i++)
		talloc_free(personalise(ctx, upp, i));
	perso = (now_us() - t0) / ROUNDS;
	t0 = now_us();
	for (i = 0; i < ROUNDS; i++) {
		p = personalise(ctx, upp, i);
		bytes_clear(out);
		segments = protect(ctx, out, k, p);
		talloc_free(p);
	}
	both = (now_us() - t0) / ROUNDS;
	limit = limit_us(upp->len, segments);
	printf("profile_personalised: %.1f us of %zu octets, %.0f a second and core\n", perso, upp->len, 1e6 / perso);
	printf("profile_personalised_and_protected: %.1f us in %u segments, %.0f a second and core, limit %.1f us "
	       "ratio %.2f\n", both, segments, 1e6 / both, limit, limit / both);
	talloc_free(ctx);
	return 0;
}
