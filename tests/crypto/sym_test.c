/* Ciphers, MACs and derivations against published vectors.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "crypto_test.h"

#define MSG "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" \
	    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"

static void cmac_is(const struct key *k, size_t len, size_t cut, const char *want)
{
	struct bytes *m = hex(MSG);
	struct iov iov[2] = { { m->data, cut }, { m->data + cut, len - cut } };
	uint8_t out[16];

	assert_int_equal(sym_cmac(k, iov, 2, out), 0);
	assert_hex(out, 16, want);
}

/* RFC 4493 clause 4: the four examples, the last again with the same key: the context is used again. */
static void test_cmac_rfc4493(void **state)
{
	struct key *k = key_hex(KEY_TYPE_AES, "2b7e151628aed2a6abf7158809cf4f3c");

	cmac_is(k, 0, 0, "bb1d6929e95937287fa37d129b756746");
	cmac_is(k, 16, 5, "070a16b46b4d4144f79bdd9dd04a287c");
	cmac_is(k, 40, 0, "dfa66747de9ae63030ca32611497c827");
	cmac_is(k, 64, 17, "51f0bebf7e3b9d92fc49741779363cfe");
	cmac_is(k, 64, 64, "51f0bebf7e3b9d92fc49741779363cfe");
	cmac_is(k, 0, 0, "bb1d6929e95937287fa37d129b756746");
}

/* NIST SP 800-38B examples D.2, D.3. */
static void test_cmac_longer_keys(void **state)
{
	cmac_is(key_hex(KEY_TYPE_AES, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"), 16, 3,
		"9e99a7bf31e710900662f65e617c5184");
	cmac_is(key_hex(KEY_TYPE_AES, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"), 16, 3,
		"28a7023f452e8f82bd4bf28d8c37c35c");
}

/* NIST SP 800-38A F.2.1, F.1.1; the contexts are used twice, in place and back. */
static void test_aes_cbc_ecb(void **state)
{
	struct key *k = key_hex(KEY_TYPE_AES, "2b7e151628aed2a6abf7158809cf4f3c");
	struct bytes *iv = hex("000102030405060708090a0b0c0d0e0f"), *m = hex(MSG);
	uint8_t out[64];
	int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(sym_cbc_enc(k, iv->data, m->data, 64, out), 0);
		assert_hex(out, 64, "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
				    "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7");
		assert_int_equal(sym_cbc_dec(k, iv->data, out, 64, out), 0);
		assert_memory_equal(out, m->data, 64);
		assert_int_equal(sym_ecb_enc(k, m->data, 32, out), 0);
		assert_hex(out, 32, "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf");
	}
	assert_int_equal(sym_cbc_enc(k, iv->data, m->data, 15, out), -EINVAL);
	assert_int_equal(sym_cbc_dec(k, iv->data, m->data, 17, out), -EINVAL);
}

/* Two-key DES of a real UICC's response (scp80.json, "external 3DES PoR, CC not ciphered"). */
static void test_des_mac(void **state)
{
	struct key *k = key_hex(KEY_TYPE_DES, "12110C78E678C25408233076AA033615");
	struct bytes *m = hex("027100001612B0001100000000000000" "01612F");
	struct iov whole = { m->data, m->len }, parts[3] = { { m->data, 1 }, { m->data + 1, 9 }, { m->data + 10, m->len - 10 } };
	uint8_t out[16];

	assert_int_equal(sym_des_mac(k, &whole, 1, out), 0);
	assert_hex(out, 8, "55F47118381175FB");
	assert_int_equal(sym_des_mac(k, parts, 3, out), 0);
	assert_hex(out, 8, "55F47118381175FB");
	assert_int_equal(sym_cmac(k, &whole, 1, out), -EINVAL);
}

static void test_kcv_and_lengths(void **state)
{
	uint8_t kcv[3], b[65] = { 0 };

	key_kcv(kcv, key_hex(KEY_TYPE_AES, "000102030405060708090A0B0C0D0E0F"));	/* pySim, card-side 2.2 */
	assert_hex(kcv, 3, "C35280");
	assert_null(key_new(root, KEY_TYPE_AES, b, 15));
	assert_null(key_new(root, KEY_TYPE_DES, b, 8));
	assert_null(key_new(root, KEY_TYPE_PSK, b, 15));
	assert_null(key_new(root, KEY_TYPE_PSK, b, 65));
	assert_false(key_eq(key_new(root, KEY_TYPE_AES, b, 16), key_new(root, KEY_TYPE_PSK, b, 16)));
	assert_true(key_eq(key_new(root, KEY_TYPE_AES, b, 16), key_new(root, KEY_TYPE_AES, b, 16)));
}

/* FIPS 180 "abc"; RFC 4231 test case 4 (25 octet key). */
static void test_hash(void **state)
{
	struct iov abc[2] = { { "a", 1 }, { "bc", 2 } };
	struct bytes *d;
	struct iov iov;
	uint8_t out[32];
	int i;

	assert_int_equal(sha256(abc, 2, out), 0);
	assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	struct key *k = key_hex(KEY_TYPE_PSK, "0102030405060708090a0b0c0d0e0f10111213141516171819");

	d = hex("cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd");
	iov = (struct iov){ d->data, d->len };
	for (i = 0; i < 2; i++) {
		assert_int_equal(hmac_sha256(k, &iov, 1, out), 0);
		assert_hex(out, 32, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
	}
}

/* NIST CAVP ANSI X9.63 (SHA-256, count 0 with shared info), and card-side 5.8, parameter 09. */
static void test_kdf_x963(void **state)
{
	struct bytes *z = hex("22518b10e70f2a3f243810ae3254139efbee04aa57c7af7d");
	struct bytes *si = hex("75eef81aa3041e33b80971203d2c0c52");
	uint8_t out[128];

	assert_int_equal(kdf_x963(z->data, z->len, si->data, si->len, out, 128), 0);
	assert_hex(out, 128, "c498af77161cc59f2962b9a713e2b215152d139766ce34a776df11866a69bf2e"
			     "52a13d9c7c6fc878c50c5ea0bc7b00e0da2447cfd874f6cf92f30d0097111485"
			     "500c90c3af8b487872d04685d14c8d1dc8d7fa08beb0ce0ababc11f0bd496269"
			     "142d43525a78e5bc79a17f59676a5706dc54d54d4d1f0bd7e386128ec26afc21");
	z = hex("5913141EB90FC33D76C019AD7A9CD1BE90A784E162F815B317AEA3E943D379CC");
	si = hex("108810");
	assert_int_equal(kdf_x963(z->data, z->len, si->data, si->len, out, 64), 0);
	assert_hex(out, 64, "F5F974D84755A28B5D6316FB333322D1 A4F24603B381BB1427C942D3F9807004"
			    "5BC21EFB999D16878B978CAF7BEDB8F7 CC3DD86263126DA5188B4F1502D22D36");
}

/* A real eUICC's session, pySim trace in card-side 6.1 and 6.7. */
static void test_kdf_scp03(void **state)
{
	struct key *enc = key_hex(KEY_TYPE_AES, "000102030405060708090A0B0C0D0E0F"), *s;
	struct bytes *c = hex("000002A0000005591010FFFFFFFF8900000100");
	uint8_t out[16];

	assert_int_equal(kdf_scp03(enc, 0x02, c->data, c->len, 64, out), 0);
	assert_hex(out, 8, "3EB51047495B249F");
	c = hex("FDF38259A1E0DE443B1ACA81E821F219");
	assert_int_equal(kdf_scp03_key(&s, root, enc, 0x04, c->data, c->len), 0);
	assert_true(key_eq(s, key_hex(KEY_TYPE_AES, "BC5689F3A0B783A9ED6DA1C5C6BC1F99")));
	assert_int_equal(kdf_scp03(enc, 0x02, c->data, c->len, 0, out), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cmac_rfc4493), TEST(test_cmac_longer_keys), TEST(test_aes_cbc_ecb), TEST(test_des_mac),
		TEST(test_kcv_and_lengths), TEST(test_hash), TEST(test_kdf_x963), TEST(test_kdf_scp03),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
