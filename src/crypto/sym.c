/* Ciphers and MACs by key handle: AES and DES in CBC and ECB, AES-CMAC (RFC 4493), DES CBC-MAC, SHA-256, HMAC.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <openssl/core_names.h>
#include <osmocom/rsp/util/misc.h>
#include "priv.h"

static const uint8_t zeros[16];

static unsigned aes_index(const struct key *k)
{
	return k->len / 8 - 2;
}

size_t sym_block(const struct key *k)
{
	switch (k->type) {
	case KEY_TYPE_AES:
		return 16;
	case KEY_TYPE_DES:
		return 8;
	default:
		return 0;
	}
}

static const EVP_CIPHER *cipher_of(const struct key *k, bool cbc)
{
	const struct crypto_algs *a = crypto_algs();

	if (k->type == KEY_TYPE_AES)
		return cbc ? a->aes_cbc[aes_index(k)] : a->aes_ecb[aes_index(k)];
	if (k->type == KEY_TYPE_DES)
		return cbc ? a->des_cbc[k->len == 24] : a->des_ecb[k->len == 24];
	return NULL;
}

/* The key schedule is made once; later calls only set the IV. */
static EVP_CIPHER_CTX *ctx_ready(EVP_CIPHER_CTX **c, const struct key *k, bool cbc, int enc, const uint8_t *iv)
{
	const EVP_CIPHER *alg;

	if (*c)
		return EVP_CipherInit_ex2(*c, NULL, NULL, cbc ? iv : NULL, enc, NULL) == 1 ? *c : NULL;
	alg = cipher_of(k, cbc);
	if (!alg)
		return NULL;
	*c = EVP_CIPHER_CTX_new();
	if (!*c)
		return NULL;
	if (EVP_CipherInit_ex2(*c, alg, k->b, cbc ? iv : NULL, enc, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(*c, 0) == 1)
		return *c;
	EVP_CIPHER_CTX_free(*c);
	*c = NULL;
	return NULL;
}

static int run(EVP_CIPHER_CTX *c, size_t block, const uint8_t *in, size_t len, uint8_t *out)
{
	int n = 0;

	if (!c || !block || len % block || len > INT_MAX)
		return -EINVAL;
	if (len && EVP_CipherUpdate(c, out, &n, in, len) != 1)
		return -EIO;
	return (size_t)n == len ? 0 : -EIO;
}

int sym_cbc_enc(const struct key *k, const uint8_t *iv, const uint8_t *in, size_t len, uint8_t *out)
{
	return run(ctx_ready(&k->c->cbc_enc, k, true, 1, iv ? iv : zeros), sym_block(k), in, len, out);
}

int sym_cbc_dec(const struct key *k, const uint8_t *iv, const uint8_t *in, size_t len, uint8_t *out)
{
	return run(ctx_ready(&k->c->cbc_dec, k, true, 0, iv ? iv : zeros), sym_block(k), in, len, out);
}

int sym_ecb_enc(const struct key *k, const uint8_t *in, size_t len, uint8_t *out)
{
	return run(ctx_ready(&k->c->ecb_enc, k, false, 1, NULL), sym_block(k), in, len, out);
}

static EVP_MAC_CTX *mac_ready(EVP_MAC_CTX **c, EVP_MAC *alg, const struct key *k, const char *param, const char *value)
{
	OSSL_PARAM params[2] = { OSSL_PARAM_construct_utf8_string(param, (char *)value, 0), OSSL_PARAM_construct_end() };

	if (*c)
		return EVP_MAC_init(*c, NULL, 0, NULL) == 1 ? *c : NULL;
	*c = EVP_MAC_CTX_new(alg);
	if (!*c)
		return NULL;
	if (EVP_MAC_init(*c, k->b, k->len, params) == 1)
		return *c;
	EVP_MAC_CTX_free(*c);
	*c = NULL;
	return NULL;
}

static int mac_run(EVP_MAC_CTX *c, const struct iov *iov, size_t n, uint8_t *out, size_t size)
{
	size_t i, done = 0;

	if (!c)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (iov[i].len && EVP_MAC_update(c, iov[i].p, iov[i].len) != 1)
			return -EIO;
	}
	return EVP_MAC_final(c, out, &done, size) == 1 && done == size ? 0 : -EIO;
}

int sym_cmac(const struct key *k, const struct iov *iov, size_t n, uint8_t out[16])
{
	static const char *const names[] = { "AES-128-CBC", "AES-192-CBC", "AES-256-CBC" };

	if (k->type != KEY_TYPE_AES)
		return -EINVAL;
	return mac_run(mac_ready(&k->c->cmac, crypto_algs()->cmac, k, OSSL_MAC_PARAM_CIPHER, names[aes_index(k)]),
		       iov, n, out, 16);
}

int hmac_sha256(const struct key *k, const struct iov *iov, size_t n, uint8_t out[32])
{
	return mac_run(mac_ready(&k->c->hmac, crypto_algs()->hmac, k, OSSL_MAC_PARAM_DIGEST, "SHA256"), iov, n, out, 32);
}

/* One piece of a CBC-MAC: mac becomes the newest whole block. */
static int des_mac_update(EVP_CIPHER_CTX *c, const uint8_t *p, size_t len, uint8_t mac[8])
{
	uint8_t out[256 + 8];
	int n;

	while (len) {
		size_t part = len < 256 ? len : 256;

		if (EVP_CipherUpdate(c, out, &n, p, part) != 1)
			return -EIO;
		if (n >= 8)
			memcpy(mac, out + n - 8, 8);
		p += part;
		len -= part;
	}
	return 0;
}

int sym_des_mac(const struct key *k, const struct iov *iov, size_t n, uint8_t out[8])
{
	EVP_CIPHER_CTX *c;
	size_t i, total = 0;

	if (k->type != KEY_TYPE_DES)
		return -EINVAL;
	c = ctx_ready(&k->c->cbc_enc, k, true, 1, zeros);
	if (!c)
		return -EIO;
	memset(out, 0, 8);
	for (i = 0; i < n; i++) {
		total += iov[i].len;
		if (des_mac_update(c, iov[i].p, iov[i].len, out) < 0)
			return -EIO;
	}
	if (total % 8 && des_mac_update(c, zeros, 8 - total % 8, out) < 0)
		return -EIO;
	return 0;
}

static int digest(const EVP_MD *md, const struct iov *iov, size_t n, uint8_t *out)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	int ok = c && EVP_DigestInit_ex2(c, md, NULL) == 1;
	size_t i;

	for (i = 0; ok && i < n; i++)
		ok = !iov[i].len || EVP_DigestUpdate(c, iov[i].p, iov[i].len) == 1;
	ok = ok && EVP_DigestFinal_ex(c, out, NULL) == 1;
	EVP_MD_CTX_free(c);
	return ok ? 0 : -EIO;
}

int sha256(const struct iov *iov, size_t n, uint8_t out[32])
{
	return digest(crypto_algs()->sha256, iov, n, out);
}

int sha1(const struct iov *iov, size_t n, uint8_t out[20])
{
	return digest(EVP_sha1(), iov, n, out);
}
