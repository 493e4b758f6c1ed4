/* Keys wrapped by keys: AES-KW (RFC 3394), and ECB of the older agreement for keysets in an EIS (SGP.02 2.8).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <osmocom/rsp/util/misc.h>
#include "priv.h"

/* One pass of a cipher without padding, keyed for this pass only. Returns octets written or negative. */
static int once(const EVP_CIPHER *alg, const struct key *kek, int enc, const uint8_t *in, size_t len, uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0, rest = 0, ok;

	if (!c)
		return -ENOMEM;
	EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = alg && EVP_CipherInit_ex2(c, alg, kek->b, NULL, enc, NULL) == 1 && EVP_CIPHER_CTX_set_padding(c, 0) == 1 &&
	     EVP_CipherUpdate(c, out, &n, in, len) == 1 && EVP_CipherFinal_ex(c, out + n, &rest) == 1;
	EVP_CIPHER_CTX_free(c);
	return ok ? n + rest : -EBADMSG;
}

int key_wrap(const struct key *kek, const struct key *k, struct bytes *out)
{
	uint8_t b[KEY_LEN_MAX + 16];
	int n;

	if (kek->type != KEY_TYPE_AES || k->len % 8)
		return -EINVAL;
	n = once(crypto_algs()->aes_wrap[kek->len / 8 - 2], kek, 1, k->b, k->len, b);
	return n < 0 ? n : bytes_put(out, b, n);
}

static struct key *unwrap(void *ctx, const EVP_CIPHER *alg, const struct key *kek, enum key_type type,
			  const uint8_t *in, size_t len)
{
	uint8_t b[KEY_LEN_MAX + 32];
	int n = once(alg, kek, 0, in, len, b);
	struct key *k = n > 0 && n <= KEY_LEN_MAX ? key_new(ctx, type, b, n) : NULL;

	secret_wipe(b, sizeof(b));
	return k;
}

struct key *key_unwrap(void *ctx, const struct key *kek, enum key_type type, const uint8_t *in, size_t len)
{
	if (kek->type != KEY_TYPE_AES || len < 24 || len > KEY_LEN_MAX + 8 || len % 8)
		return NULL;
	return unwrap(ctx, crypto_algs()->aes_wrap[kek->len / 8 - 2], kek, type, in, len);
}

struct key *key_unwrap_ecb(void *ctx, const struct key *kek, enum key_type type, const uint8_t *in, size_t len)
{
	if (kek->type != KEY_TYPE_AES || !len || len > KEY_LEN_MAX || len % 16)
		return NULL;
	return unwrap(ctx, crypto_algs()->aes_ecb[kek->len / 8 - 2], kek, type, in, len);
}

int key_wrap_cbc(const struct key *kek, const struct key *k, struct bytes *out)
{
	uint8_t b[KEY_LEN_MAX];
	int rc = sym_cbc_enc(kek, NULL, k->b, k->len, b);

	return rc < 0 ? rc : bytes_put(out, b, k->len);
}

struct key *key_unwrap_cbc(void *ctx, const struct key *kek, enum key_type type, const uint8_t *in, size_t len)
{
	uint8_t b[KEY_LEN_MAX];

	if (len > sizeof(b) || sym_cbc_dec(kek, NULL, in, len, b) < 0)
		return NULL;
	return key_from_buf(ctx, type, b, len);
}
