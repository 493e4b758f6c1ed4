/* Sealing and wrapping. RFC 3394 vectors.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <sys/stat.h>
#include "crypto_test.h"

/* RFC 3394 4.1 and 4.3, 4.6. */
static void test_aes_kw(void **state)
{
	static const char *const v[][3] = {
		{ "000102030405060708090A0B0C0D0E0F", "00112233445566778899AABBCCDDEEFF",
		  "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5" },
		{ "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", "00112233445566778899AABBCCDDEEFF",
		  "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7" },
		{ "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
		  "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
		  "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21" },
	};
	unsigned i, bit;

	for (i = 0; i < 3; i++) {
		struct key *kek = key_hex(KEY_TYPE_AES, v[i][0]), *k = key_hex(KEY_TYPE_AES, v[i][1]), *back;
		struct bytes *out = bytes_new(root, 0);

		assert_int_equal(key_wrap(kek, k, out), 0);
		assert_hex(out->data, out->len, v[i][2]);
		back = key_unwrap(root, kek, KEY_TYPE_AES, out->data, out->len);
		assert_non_null(back);
		assert_true(key_eq(back, k));
		for (bit = 0; bit < out->len * 8; bit += 5) {
			out->data[bit / 8] ^= 1 << bit % 8;
			assert_null(key_unwrap(root, kek, KEY_TYPE_AES, out->data, out->len));
			out->data[bit / 8] ^= 1 << bit % 8;
		}
		assert_null(key_unwrap(root, kek, KEY_TYPE_AES, out->data, out->len - 8));
	}
}

/* NIST SP 800-38A F.1.1 block 1, backwards: key_unwrap_ecb(ciphertext) is the plaintext. */
static void test_ecb_and_cbc(void **state)
{
	struct key *kek = key_hex(KEY_TYPE_AES, "2b7e151628aed2a6abf7158809cf4f3c"), *k;
	struct bytes *in = hex("3ad77bb40d7a3660a89ecaf32466ef97"), *out = bytes_new(root, 0);

	k = key_unwrap_ecb(root, kek, KEY_TYPE_AES, in->data, in->len);
	assert_true(key_eq(k, key_hex(KEY_TYPE_AES, "6bc1bee22e409f96e93d7e117393172a")));
	assert_null(key_unwrap_ecb(root, kek, KEY_TYPE_AES, in->data, 15));
	assert_int_equal(key_wrap_cbc(kek, k, out), 0);	/* one block, zero IV: the same */
	assert_hex(out->data, out->len, "3ad77bb40d7a3660a89ecaf32466ef97");
	assert_true(key_eq(k, key_unwrap_cbc(root, kek, KEY_TYPE_AES, out->data, out->len)));
}

static void test_seal(void **state)
{
	struct keystore *ks = keystore_ephemeral(root), *other = keystore_ephemeral(root);
	struct key *k = key_random(root, KEY_TYPE_AES, 16), *back;
	struct bytes *s = keystore_seal_key(ks, root, "isdr/1", k), *s2 = keystore_seal_key(ks, root, "isdr/1", k);
	size_t i;

	assert_int_equal(s->len, 12 + 16 + 16);
	assert_memory_not_equal(s->data, s2->data, s->len);	/* a nonce of its own each time */
	back = keystore_unseal_key(ks, root, "isdr/1", KEY_TYPE_AES, s->data, s->len);
	assert_true(key_eq(k, back));
	assert_null(keystore_unseal(ks, root, "isdr/2", s->data, s->len));	/* moved to another row */
	assert_null(keystore_unseal(other, root, "isdr/1", s->data, s->len));
	for (i = 0; i < s->len; i++) {
		assert_null(keystore_unseal(ks, root, "isdr/1", s->data, i));
		s->data[i] ^= 0x10;
		assert_null(keystore_unseal(ks, root, "isdr/1", s->data, s->len));
		s->data[i] ^= 0x10;
	}
	s = keystore_seal(ks, root, "empty", NULL, 0);
	assert_non_null(s);
	assert_non_null(keystore_unseal(ks, root, "empty", s->data, s->len));
	s->data[20] ^= 1;
	assert_null(keystore_unseal(ks, root, "empty", s->data, s->len));
}

static void test_file(void **state)
{
	char dir[] = "/tmp/rsp-ks-XXXXXX", *path;
	struct bytes *s, *u;

	assert_non_null(mkdtemp(dir));
	path = talloc_asprintf(root, "%s/kek", dir);
	assert_int_equal(keystore_create_file(path), 0);
	assert_int_equal(keystore_create_file(path), -EEXIST);
	s = keystore_seal(keystore_open(root, path), root, "x", (const uint8_t *)"secret", 6);
	u = keystore_unseal(keystore_open(root, path), root, "x", s->data, s->len);
	assert_memory_equal(u->data, "secret", 6);
	assert_int_equal(chmod(path, 0440), 0);
	assert_null(keystore_open(root, path));	/* others may read it */
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 31), 0);
	assert_null(keystore_open(root, path));
	unlink(path);
	rmdir(dir);
	assert_null(keystore_open(root, path));
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_aes_kw), TEST(test_ecb_and_cbc), TEST(test_seal), TEST(test_file) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
