/* Key handles: the octets stay inside, are wiped when the handle is freed, and carry their own contexts.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <osmocom/rsp/util/misc.h>
#include "priv.h"

static void algs_fetch(struct crypto_algs *a)
{
	static const char *const cbc[] = { "AES-128-CBC", "AES-192-CBC", "AES-256-CBC" };
	static const char *const ecb[] = { "AES-128-ECB", "AES-192-ECB", "AES-256-ECB" };
	static const char *const wrap[] = { "AES-128-WRAP", "AES-192-WRAP", "AES-256-WRAP" };
	unsigned i;

	for (i = 0; i < 3; i++) {
		a->aes_cbc[i] = EVP_CIPHER_fetch(NULL, cbc[i], NULL);
		a->aes_ecb[i] = EVP_CIPHER_fetch(NULL, ecb[i], NULL);
		a->aes_wrap[i] = EVP_CIPHER_fetch(NULL, wrap[i], NULL);
	}
	a->des_cbc[0] = EVP_CIPHER_fetch(NULL, "DES-EDE-CBC", NULL);
	a->des_cbc[1] = EVP_CIPHER_fetch(NULL, "DES-EDE3-CBC", NULL);
	a->des_ecb[0] = EVP_CIPHER_fetch(NULL, "DES-EDE-ECB", NULL);
	a->des_ecb[1] = EVP_CIPHER_fetch(NULL, "DES-EDE3-ECB", NULL);
	a->aes256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	a->cmac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	a->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	a->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

const struct crypto_algs *crypto_algs(void)
{
	static struct crypto_algs algs;

	if (!algs.sha256)
		algs_fetch(&algs);
	return &algs;
}

static int key_ctx_free(struct key_ctx *c)
{
	EVP_CIPHER_CTX_free(c->cbc_enc);
	EVP_CIPHER_CTX_free(c->cbc_dec);
	EVP_CIPHER_CTX_free(c->ecb_enc);
	EVP_MAC_CTX_free(c->cmac);
	EVP_MAC_CTX_free(c->hmac);
	return 0;
}

static int key_free(struct key *k)
{
	secret_wipe(k->b, sizeof(k->b));
	return 0;
}

static bool len_fits(enum key_type type, size_t len)
{
	switch (type) {
	case KEY_TYPE_AES:
		return len == 16 || len == 24 || len == 32;
	case KEY_TYPE_DES:
		return len == 16 || len == 24;
	case KEY_TYPE_PSK:
		return len >= 16 && len <= KEY_LEN_MAX;
	}
	return false;
}

struct key *key_new(void *ctx, enum key_type type, const uint8_t *b, size_t len)
{
	struct key *k;

	if (!len_fits(type, len))
		return NULL;
	k = talloc_zero(ctx, struct key);
	if (!k)
		return NULL;
	k->type = type;
	k->len = len;
	memcpy(k->b, b, len);
	talloc_set_destructor(k, key_free);
	k->c = talloc_zero(k, struct key_ctx);
	if (!k->c) {
		talloc_free(k);
		return NULL;
	}
	talloc_set_destructor(k->c, key_ctx_free);
	return k;
}

struct key *key_from_buf(void *ctx, enum key_type type, uint8_t *b, size_t len)
{
	struct key *k = key_new(ctx, type, b, len);

	secret_wipe(b, len);
	return k;
}

struct key *key_dup(void *ctx, const struct key *k)
{
	return k ? key_new(ctx, k->type, k->b, k->len) : NULL;
}

struct key *key_random(void *ctx, enum key_type type, size_t len)
{
	uint8_t b[KEY_LEN_MAX];

	if (len > sizeof(b))
		return NULL;
	rand_bytes(b, len);
	return key_from_buf(ctx, type, b, len);
}

enum key_type key_type(const struct key *k)
{
	return k->type;
}

size_t key_len(const struct key *k)
{
	return k->len;
}

void key_kcv(uint8_t out[3], const struct key *k)
{
	uint8_t in[16], enc[32] = { 0 };
	struct iov iov = { k->b, k->len };

	if (k->type == KEY_TYPE_PSK) {
		sha256(&iov, 1, enc);
	} else {
		memset(in, k->type == KEY_TYPE_AES ? 1 : 0, sizeof(in));
		sym_ecb_enc(k, in, sym_block(k), enc);
	}
	memcpy(out, enc, 3);
	secret_wipe(enc, sizeof(enc));
}

bool key_eq(const struct key *a, const struct key *b)
{
	return a->type == b->type && a->len == b->len && secret_eq(a->b, b->b, a->len);
}

size_t key_export(const struct key *k, uint8_t *out, size_t out_size)
{
	if (out_size < k->len)
		return 0;
	memcpy(out, k->b, k->len);
	return k->len;
}

void rand_bytes(uint8_t *out, size_t len)
{
	if (RAND_bytes(out, len) != 1)
		abort();	/* a challenge or key that others can guess is worse than no service */
}
