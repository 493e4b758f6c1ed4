/* Keys at rest: AES-256-GCM under the key-encryption key of one file. Sealed form: nonce(12) | ciphertext | tag(16); the
 * additional data names the place (row, column), so that a sealed key moved elsewhere does not open.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>
#include "priv.h"

#define KEK_LEN		32
#define NONCE_LEN	12
#define TAG_LEN		16

struct keystore {
	uint8_t kek[KEK_LEN];
	EVP_CIPHER_CTX *enc, *dec;
};

static int keystore_free(struct keystore *ks)
{
	secret_wipe(ks->kek, sizeof(ks->kek));
	EVP_CIPHER_CTX_free(ks->enc);
	EVP_CIPHER_CTX_free(ks->dec);
	return 0;
}

static struct keystore *keystore_new(void *ctx, uint8_t kek[KEK_LEN])
{
	struct keystore *ks = talloc_zero(ctx, struct keystore);

	if (!ks)
		return NULL;
	talloc_set_destructor(ks, keystore_free);
	memcpy(ks->kek, kek, KEK_LEN);
	secret_wipe(kek, KEK_LEN);
	ks->enc = EVP_CIPHER_CTX_new();
	ks->dec = EVP_CIPHER_CTX_new();
	if (!ks->enc || !ks->dec || EVP_EncryptInit_ex2(ks->enc, crypto_algs()->aes256_gcm, ks->kek, NULL, NULL) != 1 ||
	    EVP_DecryptInit_ex2(ks->dec, crypto_algs()->aes256_gcm, ks->kek, NULL, NULL) != 1) {
		talloc_free(ks);
		return NULL;
	}
	return ks;
}

static const char *read_kek(int fd, uint8_t kek[KEK_LEN])
{
	struct stat st;
	uint8_t more;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return "not a regular file";
	if ((st.st_mode & 07777) != 0400 && (st.st_mode & 07777) != 0600)
		return "mode must be 0400 or 0600";
	if (read(fd, kek, KEK_LEN) != KEK_LEN || read(fd, &more, 1) != 0)
		return "must hold exactly 32 octets";
	return NULL;
}

struct keystore *keystore_open(void *ctx, const char *kek_path)
{
	uint8_t kek[KEK_LEN];
	int fd = open(kek_path, O_RDONLY | O_CLOEXEC);
	const char *err = fd < 0 ? strerror(errno) : read_kek(fd, kek);
	struct keystore *ks = NULL;

	if (fd >= 0)
		close(fd);
	if (err)
		LOGP(DKEY, LOGL_ERROR, "key-encryption key %s: %s\n", kek_path, err);
	else
		ks = keystore_new(ctx, kek);
	secret_wipe(kek, sizeof(kek));
	return ks;
}

struct keystore *keystore_ephemeral(void *ctx)
{
	uint8_t kek[KEK_LEN];

	rand_bytes(kek, sizeof(kek));
	return keystore_new(ctx, kek);
}

int keystore_create_file(const char *kek_path)
{
	uint8_t kek[KEK_LEN];
	int fd = open(kek_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400), rc = 0;

	if (fd < 0)
		return -errno;
	rand_bytes(kek, sizeof(kek));
	if (fchmod(fd, 0400) < 0 || write(fd, kek, sizeof(kek)) != sizeof(kek) || fsync(fd) < 0)
		rc = -EIO;
	secret_wipe(kek, sizeof(kek));
	close(fd);
	if (rc)
		unlink(kek_path);
	return rc;
}

struct bytes *keystore_seal(struct keystore *ks, void *ctx, const char *aad, const uint8_t *in, size_t len)
{
	struct bytes *b = bytes_new(ctx, NONCE_LEN + len + TAG_LEN);
	uint8_t nonce[NONCE_LEN];
	int n = 0, rest = 0;

	if (!b)
		return NULL;
	rand_bytes(nonce, sizeof(nonce));
	if (bytes_put(b, nonce, sizeof(nonce)) < 0 || bytes_fill(b, 0, len + TAG_LEN) < 0 ||
	    EVP_EncryptInit_ex2(ks->enc, NULL, NULL, nonce, NULL) != 1 ||
	    EVP_EncryptUpdate(ks->enc, NULL, &n, (const uint8_t *)aad, strlen(aad)) != 1 ||
	    (len && EVP_EncryptUpdate(ks->enc, b->data + NONCE_LEN, &n, in, len) != 1) ||
	    EVP_EncryptFinal_ex(ks->enc, b->data + NONCE_LEN + len, &rest) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ks->enc, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, b->data + NONCE_LEN + len) != 1) {
		talloc_free(b);
		return NULL;
	}
	return b;
}

struct bytes *keystore_unseal(struct keystore *ks, void *ctx, const char *aad, const uint8_t *in, size_t len)
{
	size_t plain = len - NONCE_LEN - TAG_LEN;
	struct bytes *b;
	int n = 0, rest = 0;

	if (len < NONCE_LEN + TAG_LEN || len > BYTES_MAX_DEFAULT)
		return NULL;
	b = bytes_new(ctx, plain + 16);
	if (!b)
		return NULL;
	bytes_secret(b);
	if (bytes_fill(b, 0, plain) < 0 || EVP_DecryptInit_ex2(ks->dec, NULL, NULL, in, NULL) != 1 ||
	    EVP_DecryptUpdate(ks->dec, NULL, &n, (const uint8_t *)aad, strlen(aad)) != 1 ||
	    (plain && EVP_DecryptUpdate(ks->dec, b->data, &n, in + NONCE_LEN, plain) != 1) ||
	    EVP_CIPHER_CTX_ctrl(ks->dec, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, (void *)(in + len - TAG_LEN)) != 1 ||
	    EVP_DecryptFinal_ex(ks->dec, b->data ? b->data + plain : (uint8_t *)&rest, &rest) != 1) {
		talloc_free(b);
		return NULL;
	}
	return b;
}

struct bytes *keystore_seal_key(struct keystore *ks, void *ctx, const char *aad, const struct key *k)
{
	return keystore_seal(ks, ctx, aad, k->b, k->len);
}

struct key *keystore_unseal_key(struct keystore *ks, void *ctx, const char *aad, enum key_type t, const uint8_t *in, size_t len)
{
	struct bytes *b = keystore_unseal(ks, NULL, aad, in, len);
	struct key *k = b ? key_new(ctx, t, b->data, b->len) : NULL;

	talloc_free(b);
	return k;
}
