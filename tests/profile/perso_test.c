/* Personalisation against packages made by other implementations (ts48/derived), and the encodings of the digest's 9.2.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <cmocka.h>

#include <osmocom/rsp/profile/der.h>
#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/profile/upp_perso.h>

#include "packages.h"

static uint8_t k[16], opc[16], kic[16], kid[16], kik[16];

static int setup(void **state)
{
	for (int i = 0; i < 16; i++) {
		k[i] = 0x10 + i;
		opc[i] = 0xA0 + i;
		kic[i] = 0xE1;
		kid[i] = 0xE2;
		kik[i] = 0xE3;
	}
	*state = talloc_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	talloc_free(*state);
	return 0;
}

static void assert_golden(void **state, const char *from, const struct upp_perso *p, const char *golden)
{
	struct bytes *in = packages_ts48(*state, from), *want = packages_ts48(*state, golden), *out;
	const char *err = NULL;

	if (!in)
		skip();
	out = upp_personalise(*state, in->data, in->len, p, &err);
	assert_non_null(out);
	assert_int_equal(out->len, want->len);
	assert_memory_equal(out->data, want->data, want->len);
	assert_string_equal(talloc_get_name(out), "secret bytes");
}

/* Parameters as in ts48/README.md; confirmed there by two personalisers. */
static void test_golden1(void **state)
{
	const struct upp_perso p = { .iccid = "89880112345678901235", .imsi = "901700000012345", .k = k, .opc = opc };

	assert_golden(state, "v7/TS48v7_SAIP2.3_NoBERTLV.der", &p, "derived/golden1_v7_NoBERTLV.der");
}

static void test_golden2(void **state)
{
	const struct upp_perso_key keys[] = { { 2, 1, kic, 16, NULL },
					      { 2, 2, kid, 16, NULL },
					      { 2, 3, kik, 16, NULL } };
	const struct upp_perso p = { .iccid = "8988011234567890124", .imsi = "90170000001234", .k = k, .opc = opc,
				     .pin1 = "1234", .pin2 = "5678", .puk1 = "87654321", .puk2 = "12345678",
				     .adm1 = "11223344", .keys = keys, .n_keys = 3 };

	assert_golden(state, "derived/m2m_usim_isim_milenage.der", &p, "derived/golden2_m2m.der");
}

static void assert_ef(void **state, const struct upp_perso *p, uint32_t pe, uint32_t file, const char *hex)
{
	struct bytes *demo = packages_demo(*state), *want = bytes_from_hex(*state, hex), *out;
	const char *err = NULL;
	struct der *root, *leaf;

	out = upp_personalise(*state, demo->data, demo->len, p, &err);
	if (!out)
		fail_msg("refused: %s", err);
	root = der_parse(*state, out->data, out->len, &err);
	leaf = der_path(root, pe, file, 0x83, 0);
	assert_non_null(leaf);
	assert_int_equal(leaf->len, want->len);
	assert_memory_equal(leaf->v, want->data, want->len);
	assert_null(der_again(leaf));
}

/* The worked values of digest 9.2, and TS 31.102's layouts. */
static void test_encodings(void **state)
{
	assert_ef(state, &(struct upp_perso){ .imsi = "001010123456789" }, UPP_PE_USIM, 0xA3, "080910101032547698");
	assert_ef(state, &(struct upp_perso){ .imsi = "001010123456789" }, UPP_PE_USIM, 0xB2, "0200");
	assert_ef(state, &(struct upp_perso){ .imsi = "90170000001234" }, UPP_PE_USIM, 0xA3, "08911007000010 32F4");
	assert_ef(state, &(struct upp_perso){ .iccid = "8988011234567890124" }, UPP_PE_MF, 0xA4,
		  "988810214365870921F4");
	assert_ef(state, &(struct upp_perso){ .msisdn = "491234567" }, UPP_PE_OPT_USIM, 0xA7,
		  "FFFFFFFFFFFFFFFFFFFF 069194214365F7FFFFFFFFFFFFFF");
	assert_ef(state, &(struct upp_perso){ .spn = "Test" }, UPP_PE_USIM, 0xAD, "0054657374FFFFFFFFFFFFFFFFFFFFFFFF");
	assert_ef(state, &(struct upp_perso){ .smsc = "4912345" }, UPP_PE_USIM, 0xAB,
		  "FFFFFFFFFFFFFFFFFFFFFFFFFFFFF1FFFFFFFFFFFFFFFFFFFFFFFF 05919421 43F5 FFFFFFFFFFFF 0000FF");
}

/* Connectivity is replaced as a whole, then the SMSC goes into its A0/06 too: what the card uses for notifications. */
static void test_connectivity(void **state)
{
	static const uint8_t conn[] = { 0xA0, 0x05, 0x06, 0x03, 0x91, 0x21, 0xF3, 0xA1, 0x00 };
	const struct upp_perso p = { .connectivity = conn, .connectivity_len = sizeof(conn), .smsc = "49123456",
				     .pol = (const uint8_t *)"\x06" };
	struct bytes *demo = packages_demo(*state), *out;
	const char *err;
	struct upp_header h;

	out = upp_personalise(*state, demo->data, demo->len, &p, &err);
	assert_non_null(out);
	assert_int_equal(upp_header_dec(&h, &err, out->data, out->len), 0);
	assert_int_equal(h.pol[0], 6);
	assert_int_equal(h.connectivity_len, 11);
	assert_memory_equal(h.connectivity, "\xA0\x07\x06\x05\x91\x94\x21\x43\x65\xA1\x00", 11);
}

/* Digest 9.1 rule 7: a point that is not there refuses the package. */
static void test_refused(void **state)
{
	struct bytes *demo = packages_demo(*state);
	const struct upp_perso_key other = { 3, 1, kic, 16, NULL }, longer = { 2, 1, kic, 5, NULL },
				   counter = { 2, 1, kic, 16, kid };
	const struct upp_perso bad[] = {
		{ .iccid = "123" },
		{ .iccid = "8988011234567890124x" },
		{ .imsi = "12345" },
		{ .imsi = "0010112345678901" },
		{ .pin1 = "123" },
		{ .pin1 = "12345a" },
		{ .puk1 = "1234" },
		{ .spn = "seventeen letters" },
		{ .spn = "[]" },
		{ .msisdn = "+49" },
		{ .smsc = "" },
		{ .keys = &other, .n_keys = 1 },
		{ .keys = &longer, .n_keys = 1 },
		{ .keys = &counter, .n_keys = 1 },
	};
	const char *err;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = NULL;
		assert_null(upp_personalise(*state, demo->data, demo->len, &bad[i], &err));
		assert_non_null(err);
	}
}

/* POL1 and connectivity parameters are optional: a header without them gets them, at their place. */
static void test_header_grows(void **state)
{
	const struct upp_perso p = { .pol = (const uint8_t *)"\x02", .connectivity = k, .connectivity_len = 16 };
	struct upp_header before, after;
	const char *err;
	struct bytes *v7 = packages_ts48(*state, "v7/TS48v7_SAIP2.3_NoBERTLV.der");
	struct bytes *b;

	if (!v7)
		skip();
	assert_int_equal(upp_header_dec(&before, &err, v7->data, v7->len), 0);
	assert_null(before.pol);
	assert_null(before.connectivity);
	b = upp_personalise(*state, v7->data, v7->len, &p, &err);
	assert_non_null(b);
	assert_int_equal(b->len, v7->len + 3 + 18);
	assert_int_equal(upp_header_dec(&after, &err, b->data, b->len), 0);
	assert_int_equal(after.pol[0], 2);
	assert_int_equal(after.connectivity_len, 16);
	assert_memory_equal(after.connectivity, k, 16);
}

/* Cut packages: no crash, and never a package that lost something quietly. */
static void test_prefixes(void **state)
{
	const struct upp_perso p = { .iccid = "8988011234567890124",
				     .imsi = "90170000001234",
				     .k = k,
				     .opc = opc,
				     .msisdn = "491234567",
				     .smsc = "4912345",
				     .spn = "x",
				     .pin1 = "1234",
				     .pin2 = "5678",
				     .puk1 = "87654321" };
	struct bytes *demo = packages_demo(*state);
	const char *err;

	for (size_t i = 0; i < demo->len; i++) {
		struct bytes *cut = bytes_dup(*state, demo->data, i);
		struct bytes *out = upp_personalise(*state, cut->data, i, &p, &err);

		if (out)
			assert_true(out->len >= i);
		talloc_free(out);
		talloc_free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_golden1, setup, teardown),
		cmocka_unit_test_setup_teardown(test_golden2, setup, teardown),
		cmocka_unit_test_setup_teardown(test_encodings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_connectivity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_header_grows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_prefixes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
