/* What the files of this room share: algorithms fetched once, the inside of the handles.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <osmocom/rsp/crypto/cert.h>

#define KEY_LEN_MAX 64

/* Contexts are keyed on first use and only re-initialised afterwards; they are caches, so a const key may fill them. */
struct key_ctx {
	EVP_CIPHER_CTX *cbc_enc, *cbc_dec, *ecb_enc;
	EVP_MAC_CTX *cmac, *hmac;
};

struct key {
	enum key_type type;
	size_t len;
	uint8_t b[KEY_LEN_MAX];
	struct key_ctx *c;
};

struct ec_key {
	EVP_PKEY *pkey;
};

struct cert_x509 {
	X509 *x;
};

/* Fetching looks an algorithm up in the providers, which costs more than a whole packet: done once in a process. */
struct crypto_algs {
	EVP_CIPHER *aes_cbc[3], *aes_ecb[3], *aes_wrap[3];	/* 128, 192, 256 */
	EVP_CIPHER *des_cbc[2], *des_ecb[2];			/* two keys, three keys */
	EVP_CIPHER *aes256_gcm;
	EVP_MAC *cmac, *hmac;
	EVP_MD *sha256;
};
const struct crypto_algs *crypto_algs(void);
struct key *key_from_buf(void *ctx, enum key_type type, uint8_t *b, size_t len);	/* wipes b */
EVP_PKEY *ec_pkey_from_point(const uint8_t q[EC_POINT_LEN]);
int ec_pkey_point(const EVP_PKEY *p, uint8_t q[EC_POINT_LEN]);
