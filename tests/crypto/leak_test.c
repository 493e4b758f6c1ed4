/* Session keys, derived keysets, PSKs, unsealed keys, K and OPc are gone from every block that is freed (corrections 30). free()
 * and realloc() of the whole process are ours, so that talloc's and OpenSSL's blocks are searched, too; with
 * AddressSanitizer its hook serves. The secrets are remembered masked: this test's own copies never match.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <talloc.h>

#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/ota/es8_cmd.h>
#include <osmocom/rsp/ota/scp03t.h>
#include <osmocom/rsp/ota/scp80.h>
#include <osmocom/rsp/profile/upp_perso.h>
#include <osmocom/rsp/profile/upp_text.h>
#include <osmocom/rsp/util/misc.h>

#define MASK		0x5A
#define SECRETS_MAX	64

static struct { const char *name; uint8_t masked[32]; size_t len; } secrets[SECRETS_MAX];
static unsigned n_secrets, leaks, foreign, blocks;
static bool watching;

static bool holds(const uint8_t *b, size_t size, unsigned i)
{
	size_t n = secrets[i].len;

	for (size_t at = 0; at + n <= size; at++) {
		size_t k = 0;

		while (k < n && (uint8_t)(b[at + k] ^ MASK) == secrets[i].masked[k])
			k++;
		if (k == n)
			return true;
	}
	return false;
}

/* Who frees: talloc frees for us, other libraries for themselves. */
static bool is_ours(void *caller, const char **lib)
{
	Dl_info info = { };

	*lib = "?";
	if (!caller || !dladdr(caller, &info) || !info.dli_fname)
		return true;
	*lib = info.dli_fname;
	return strstr(info.dli_fname, "libtalloc") || !strstr(info.dli_fname, ".so");
}

static void search(const void *p, size_t size, void *caller)
{
	const char *lib;

	if (!watching || !p)
		return;
	watching = false;	/* what is called here frees, too */
	blocks++;
	for (unsigned i = 0; i < n_secrets; i++) {
		if (!holds(p, size, i))
			continue;
		if (is_ours(caller, &lib)) {
			leaks++;
			printf("freed block of %zu octets holds %s\n", size, secrets[i].name);
		} else {
			foreign++;
			printf("%s freed a block that holds %s\n", lib, secrets[i].name);
		}
	}
	watching = true;
}

#ifdef RSP_SANITIZE
int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void *, size_t),
					      void (*free_hook)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *p);

static void on_malloc(const volatile void *p, size_t n)
{
}

static void on_free(const volatile void *p)
{
	if (watching && p)
		search((const void *)p, __sanitizer_get_allocated_size(p), NULL);
}

static void hooks(void)
{
	__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}
#else
void __libc_free(void *p);
void *__libc_malloc(size_t n);

void free(void *p)
{
	search(p, p ? malloc_usable_size(p) : 0, __builtin_return_address(0));
	__libc_free(p);
}

/* Always moves: what stays behind is searched. */
void *realloc(void *p, size_t n)
{
	void *q = __libc_malloc(n ? n : 1);
	size_t had = p ? malloc_usable_size(p) : 0;

	if (!q)
		return NULL;
	if (p)
		memcpy(q, p, had < n ? had : n);
	search(p, had, __builtin_return_address(0));
	__libc_free(p);
	return q;
}

static void hooks(void)
{
}
#endif

static void secret(const char *name, const uint8_t *b, size_t len)
{
	assert_true(n_secrets < SECRETS_MAX && len <= 32 && len >= 8);
	secrets[n_secrets].name = name;
	secrets[n_secrets].len = len;
	for (size_t i = 0; i < len; i++)
		secrets[n_secrets].masked[i] = b[i] ^ MASK;
	n_secrets++;
}

static void secret_key(const char *name, const struct key *k)
{
	uint8_t b[64];
	size_t n = key_export(k, b, sizeof(b));

	assert_true(n);
	secret(name, b, n > 32 ? 32 : n);
	secret_wipe(b, sizeof(b));
}

static int setup(void **state)
{
	n_secrets = leaks = foreign = blocks = 0;
	*state = talloc_new(NULL);
	watching = true;
	return 0;
}

static int teardown(void **state)
{
	watching = false;
	talloc_free(*state);
	return 0;
}

static void check_gone(void **state)
{
	talloc_free(*state);
	*state = NULL;
	watching = false;
	printf("%u freed blocks searched for %u secrets: %u hits, %u more in other libraries\n", blocks, n_secrets, leaks, foreign);
	assert_true(blocks > 10);
	assert_int_equal(leaks, 0);
	assert_int_equal(foreign, 0);
}

/* The search itself: a block that is not wiped is found, one that is is not. */
static void test_finds(void **state)
{
	uint8_t b[16];
	struct bytes *plain, *wiped;

	rand_bytes(b, sizeof(b));
	secret("the control", b, sizeof(b));
	wiped = bytes_dup(*state, b, sizeof(b));
	bytes_secret(wiped);
	talloc_free(wiped);
	assert_int_equal(leaks, 0);
	plain = bytes_dup(*state, b, sizeof(b));
	talloc_free(plain);
	assert_int_equal(leaks + foreign, 1);
}

/* Both ends of a key establishment; the static keys come out in ks. */
static void establish(void *ctx, struct es8_keyset *ks)
{
	struct ec_key *server = ec_generate(ctx), *card = ec_generate(ctx);
	struct bytes *a6 = bytes_new(ctx, 0);
	struct es8_keyset other = { };
	uint8_t q[EC_POINT_LEN], z[32], d[32], dr[16];
	struct es8_crt crt;

	rand_bytes(dr, sizeof(dr));
	es8_crt_default(&crt, 0x30, ES8_PARAM_CERT | ES8_PARAM_DR | ES8_PARAM_DELETE);
	assert_int_equal(es8_crt_enc(a6, &crt), 0);
	ec_export_private(server, d);
	secret("the server's ephemeral key", d, 32);
	ec_export_private(card, d);
	secret("the card's ephemeral key", d, 32);
	secret_wipe(d, sizeof(d));
	ec_public(card, q);
	assert_int_equal(ec_ecka(server, q, z), 0);
	secret("the shared secret", z, 32);
	assert_int_equal(es8_derive(ks, ctx, &crt, a6->data, a6->len, z, dr, sizeof(dr)), 0);
	ec_public(server, q);
	assert_int_equal(ec_ecka(card, q, z), 0);
	assert_int_equal(es8_derive(&other, ctx, &crt, a6->data, a6->len, z, dr, sizeof(dr)), 0);
	secret_wipe(z, sizeof(z));
	for (unsigned i = 0; i < 3; i++) {
		assert_true(key_eq(ks->k[i], other.k[i]));
		secret_key(i == 0 ? "derived Key-ENC" : i == 1 ? "derived Key-MAC" : "derived Key-DEK", ks->k[i]);
		talloc_free(other.k[i]);
	}
	talloc_free(server);
	talloc_free(card);
}

/* GP Amd D 6.2.1: S-ENC 04, S-MAC 06, S-RMAC 07 over both challenges. */
static void secret_session(const struct key *enc, const struct key *mac, const uint8_t context[16])
{
	static const struct { const char *name; uint8_t constant; } keys[] = {
		{ "S-ENC", 0x04 }, { "S-MAC", 0x06 }, { "S-RMAC", 0x07 },
	};
	uint8_t b[16];

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(kdf_scp03(i ? mac : enc, keys[i].constant, context, 16, 128, b), 0);
		secret(keys[i].name, b, sizeof(b));
	}
	secret_wipe(b, sizeof(b));
}

static void transfer(void *ctx, struct scp03 *server, struct scp03 *card, const uint8_t *profile, size_t len)
{
	struct bytes *tlv = bytes_new(ctx, 0), *out = bytes_new(ctx, 0);
	struct tlv t;
	uint8_t err;

	bytes_secret(out);
	assert_int_equal(scp03t_data_enc(server, tlv, profile, len), 0);
	assert_int_equal(tlv_find(tlv->data, tlv->len, SCP03T_TAG_DATA, &t), 0);
	assert_int_equal(scp03t_data_dec(card, out, &t), 0);
	assert_true(bytes_eq(out, profile, len));
	bytes_clear(tlv);
	bytes_clear(out);
	assert_int_equal(scp03t_data_rsp_enc(card, tlv, profile, len), 0);
	assert_int_equal(tlv_find(tlv->data, tlv->len, SCP03T_TAG_DATA, &t), 0);
	assert_int_equal(scp03t_rsp_dec(server, out, &err, SCP03T_TAG_DATA, &t), 0);
	talloc_free(tlv);
	talloc_free(out);
}

static void replace_keys(void *ctx, struct scp03 *server, struct scp03 *card)
{
	struct key *k[3];
	struct bytes *tlv = bytes_new(ctx, 0);
	uint8_t mcv[16];
	struct tlv t;

	for (unsigned i = 0; i < 3; i++) {
		k[i] = key_random(ctx, KEY_TYPE_AES, 16);
		secret_key("a replaced session key", k[i]);
	}
	rand_bytes(mcv, sizeof(mcv));
	assert_int_equal(scp03t_keys_enc(server, tlv, mcv, k[0], k[1], k[2]), 0);
	assert_int_equal(tlv_find(tlv->data, tlv->len, SCP03T_TAG_KEYS, &t), 0);
	assert_int_equal(scp03t_keys_dec(card, &t), 0);
	for (unsigned i = 0; i < 3; i++)
		talloc_free(k[i]);
	talloc_free(tlv);
}

static void test_download(void **state)
{
	uint8_t profile[600], context[16];
	struct scp03_init init = { .kvn = 0x30, .seq = 1 };
	struct bytes *tlv = bytes_new(*state, 0);
	struct scp03 *server, *card;
	struct es8_keyset ks = { };
	struct tlv t;

	establish(*state, &ks);
	rand_bytes(context, 8);
	assert_int_equal(scp03_card_challenge(init.card_challenge, ks.k[0], 1, &aid_isd_r), 0);
	memcpy(context + 8, init.card_challenge, 8);
	secret_session(ks.k[0], ks.k[1], context);
	card = scp03_new(*state, ks.k[0], ks.k[1], context, init.card_challenge);
	scp03_card_cryptogram(card, init.card_cryptogram);
	assert_int_equal(scp03_start(&server, *state, ks.k[0], ks.k[1], context, &init), 0);
	assert_int_equal(scp03t_auth_enc(server, tlv), 0);
	assert_int_equal(tlv_find(tlv->data, tlv->len, SCP03T_TAG_AUTH, &t), 0);
	assert_int_equal(scp03t_auth_dec(card, &t), 0);
	rand_bytes(profile, sizeof(profile));
	secret("a segment of the profile", profile + 32, 16);
	transfer(*state, server, card, profile, sizeof(profile));
	replace_keys(*state, server, card);
	transfer(*state, server, card, profile, sizeof(profile));
	secret_wipe(profile, sizeof(profile));
	check_gone(state);
}

/* A broken session and a refused message wipe as well. */
static void test_refused(void **state)
{
	struct key *enc = key_random(*state, KEY_TYPE_AES, 16), *mac = key_random(*state, KEY_TYPE_AES, 16);
	struct scp03_init init = { .kvn = 0x30, .seq = 1 };
	uint8_t context[16] = { 1 };
	struct scp03 *s = NULL;

	secret_key("Key-ENC", enc);
	secret_key("Key-MAC", mac);
	assert_int_equal(scp03_card_challenge(init.card_challenge, enc, 1, &aid_isd_r), 0);
	memcpy(context + 8, init.card_challenge, 8);
	secret_session(enc, mac, context);
	assert_true(scp03_start(&s, *state, enc, mac, context, &init) < 0);
	for (unsigned i = 0; i < 8; i++)	/* something to search when nothing leaks */
		talloc_free(bytes_dup(*state, context, 16));
	check_gone(state);
}

static void test_scp80_and_store(void **state)
{
	struct key *kic = key_random(*state, KEY_TYPE_AES, 16), *kid = key_random(*state, KEY_TYPE_AES, 16), *k;
	struct key *psk = key_random(*state, KEY_TYPE_PSK, 32), *kek = key_random(*state, KEY_TYPE_AES, 16);
	struct scp80_sec sec = { SCP80_SPI1, SCP80_SPI2_POR, 0x12, 0x12, SCP80_TAR_ISD_R, 5 }, got;
	struct keystore *ks = keystore_ephemeral(*state);
	struct bytes *b = bytes_new(*state, 0), *out = bytes_new(*state, 0), *sealed;
	struct scp80_rsp rsp;
	uint8_t payload[48], kcv[3];

	secret_key("KIc", kic);
	secret_key("KID", kid);
	secret_key("PSK", psk);
	secret_key("transport key", kek);
	rand_bytes(payload, sizeof(payload));
	assert_int_equal(scp80_cmd_enc(b, &sec, kic, kid, payload, sizeof(payload)), 0);
	assert_int_equal(scp80_cmd_dec(out, &got, kic, kid, b->data, b->len), 0);
	bytes_clear(b);
	assert_int_equal(scp80_rsp_enc(b, &sec, kic, kid, 0, payload, 20), 0);
	assert_int_equal(scp80_rsp_dec(out, &rsp, &sec, kic, kid, b->data, b->len), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct key *of = i == 0 ? kic : i == 1 ? psk : kek;

		sealed = keystore_seal_key(ks, *state, "place", of);
		k = keystore_unseal_key(ks, *state, "place", key_type(of), sealed->data, sealed->len);
		assert_non_null(k);
		assert_true(key_eq(k, of));
		key_kcv(kcv, k);
		talloc_free(k);
		sealed->data[sealed->len - 1] ^= 1;
		assert_null(keystore_unseal_key(ks, *state, "place", key_type(of), sealed->data, sealed->len));
	}
	bytes_clear(b);
	assert_int_equal(key_wrap(kek, kic, b), 0);
	k = key_unwrap(*state, kek, KEY_TYPE_AES, b->data, b->len);
	assert_non_null(k);
	talloc_free(k);
	k = key_dup(*state, kid);
	talloc_free(k);
	check_gone(state);
}

/* K, OPc and OTA keys on their way through text, package and personalisation. */
static void test_profile(void **state)
{
	uint8_t k[16], opc[16], old_k[16], old_opc[16], line[256];
	char *path = talloc_asprintf(*state, "%s/../../contrib/demo-profile.txt", getenv("srcdir") ? getenv("srcdir") : ".");
	struct upp_perso p = { .iccid = "8988001999999999006", .imsi = "001019999900001", .k = k, .opc = opc };
	struct bytes *text = bytes_new(*state, 0), *upp, *out;
	struct upp_text_err terr;
	const char *err;
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	setvbuf(f, NULL, _IONBF, 0);	/* stdio's own buffer is not under test */
	bytes_secret(text);
	for (size_t n; (n = fread(line, 1, sizeof(line), f)) > 0;)
		bytes_put(text, line, n);
	fclose(f);
	bytes_put_u8(text, 0);
	rand_bytes(k, sizeof(k));
	rand_bytes(opc, sizeof(opc));
	secret("K", k, 16);
	secret("OPc", opc, 16);
	hex_dec(old_k, 16, "465B5CE8B199B49FAA5F0A2EE238A6BC");
	hex_dec(old_opc, 16, "CD63CB71954A9F4E48A5994E37A02BAF");
	secret("K of the text", old_k, 16);
	secret("OPc of the text", old_opc, 16);
	secret("K of the text in hex", (const uint8_t *)"465B5CE8B199B49FAA5F0A2EE238A6BC", 32);
	upp = upp_text_build(*state, (const char *)text->data, &terr);
	assert_non_null(upp);
	talloc_free(text);
	out = upp_personalise(*state, upp->data, upp->len, &p, &err);
	assert_non_null(out);
	talloc_free(upp);
	text = upp_text_show(*state, out->data, out->len);
	assert_non_null(text);
	check_gone(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_finds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_download, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scp80_and_store, setup, teardown),
		cmocka_unit_test_setup_teardown(test_profile, setup, teardown),
	};

	hooks();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
