/* Every point of personalisation beyond the golden packages: algorithm and services against a package that another
 * implementation made, contents against the published layouts, free bindings, refusals.
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
#include <osmocom/rsp/profile/upp_check.h>
#include <osmocom/rsp/profile/upp_perso.h>

#include "packages.h"

#define V7 "v7/TS48v7_SAIP2.3_BERTLV_SUCI.der"

static int setup(void **state)
{
	*state = talloc_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	talloc_free(*state);
	return 0;
}

static const uint8_t *hex(void *ctx, const char *h)
{
	return bytes_from_hex(ctx, h)->data;
}

static struct bytes *perso(void *ctx, const struct bytes *in, const struct upp_perso *p)
{
	const char *err = NULL;
	struct bytes *out = upp_personalise(ctx, in->data, in->len, p, &err);

	if (!out)
		fail_msg("refused: %s", err);
	return out;
}

/* derived/v7_NoBERTLV_milenage.der (ts48/README.md): algorithm, options, K, OPc and the service, nothing else. */
static void test_algo_golden(void **state)
{
	struct bytes *v7 = packages_ts48(*state, "v7/TS48v7_SAIP2.3_NoBERTLV.der");
	struct bytes *want = packages_ts48(*state, "derived/v7_NoBERTLV_milenage.der");
	const uint8_t *k = hex(*state, "465b5ce8b199b49faa5f0a2ee238a6bc");
	const struct upp_perso opc = { .algo = UPP_ALGO_MILENAGE, .k = k,
				       .opc = hex(*state, "cd63cb71954a9f4e48a5994e37a02baf") };
	const struct upp_perso op = { .algo = UPP_ALGO_MILENAGE, .k = k,
				      .op = hex(*state, "cdc202d5123e20f62b6d676ac72cb318") };
	const struct upp_perso back = { .algo = UPP_ALGO_XOR, .k = hex(*state, "000102030405060708090A0B0C0D0E0F"),
					.opc = hex(*state, "00000000000000000000000000000000") };
	struct bytes *out;

	if (!v7)
		skip();
	out = perso(*state, v7, &opc);
	assert_true(bytes_eq(out, want->data, want->len));
	out = perso(*state, v7, &op);		/* TS 35.208 test set 1: the same from OP */
	assert_true(bytes_eq(out, want->data, want->len));
	out = perso(*state, out, &back);
	assert_true(bytes_eq(out, v7->data, v7->len));
}

/* To TUAK and back: Milenage's constants go, OPc grows, every length above it too. */
static void test_tuak(void **state)
{
	struct bytes *demo = packages_demo(*state), *out, *again;
	const char *err;
	struct upp_perso tuak = { .algo = UPP_ALGO_TUAK, .k_len = 32, .op_len = 32, .keccak = 2,
				  .k = hex(*state, "1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5"),
				  .op = hex(*state, "e59f6eb10ea406813f4991b0b9e02f181edf4c7e17b480f66d34da35ee88c95e") };
	const struct upp_perso back = { .algo = UPP_ALGO_MILENAGE, .k = hex(*state, "465B5CE8B199B49FAA5F0A2EE238A6BC"),
					.opc = hex(*state, "CD63CB71954A9F4E48A5994E37A02BAF") };
	struct upp_header h;
	struct der *root;

	out = perso(*state, demo, &tuak);
	upp_header_dec(&h, &err, out->data, out->len);
	assert_int_equal(h.services, 1U << UPP_SVC_USIM | 1U << UPP_SVC_TUAK256);
	root = der_parse(*state, out->data, out->len, &err);
	/* TS 35.233 test set 6: two iterations */
	assert_memory_equal(der_path(root, UPP_PE_AKA, 0xA1, 0xA1, 0x83, 0)->v,
			    hex(*state, "b04a66f26c62fcd6c82de22a179ab65506ecf47f56245cd149966cfa9cec7a51"), 32);
	assert_int_equal(upp_check(out->data, out->len, NULL, NULL), 0);
	again = perso(*state, out, &back);
	assert_true(bytes_eq(again, demo->data, demo->len));
	tuak.op = NULL;			/* would keep the OPc of Milenage */
	assert_null(upp_personalise(*state, demo->data, demo->len, &tuak, &err));
}

/* The body of a file after personalisation, which must be one whole content. */
static void assert_file(void **state, const struct bytes *upp, uint32_t pe, uint32_t tag, const char *want_hex)
{
	const char *err;
	struct der *root = der_parse(*state, upp->data, upp->len, &err), *leaf = der_path(root, pe, tag, 0x83, 0);
	struct bytes *want = bytes_from_hex(*state, want_hex);

	assert_non_null(leaf);
	assert_null(der_again(leaf));
	assert_null(der_path(root, pe, tag, 0x82, 0));
	assert_true(leaf->len >= want->len);
	assert_memory_equal(leaf->v, want->data, want->len);
	for (size_t i = want->len; i < leaf->len; i++)
		assert_true(leaf->v[i] == 0xFF || pe == UPP_PE_OPT_USIM);
	talloc_free(root);
}

/* Two home network keys and the null scheme, bytes as EF.SUCI_Calc_Info has them (TS 31.102 4.4.11.8). */
#define SUCI "2:27:0272da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1," \
	     "1:30:5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650,0"
#define SUCI_EF "A006020101020000A14B80011B81210272DA71976234CE833A6907425867B82E074D44EF907DFB4B3E21C1C2256EBCD1" \
		"80011E81205A8D38864820197C3394B92613B20B91633CBD897119273BF8E4A6F4EEC0A650"

static void test_contents(void **state)
{
	const struct upp_perso p = {
		.imsi = "310410000000012", .mnc_len = 3, .acc = "2,15", .impi = "auto", .impu = "auto tel:+1234567",
		.domain = "auto", .suci = SUCI, .routing = "17", .fplmn = "26201,310410", .ehplmn = "3104102620",
		.spn = "01/net%20work", .adm1 = "0123456789ABCDEF", .adm2 = "12345678",
	};
	struct upp_perso q = p;
	struct bytes *v7 = packages_ts48(*state, V7), *out;
	const char *err;

	if (!v7)
		skip();
	assert_null(upp_personalise(*state, v7->data, v7->len, &p, &err));	/* ehplmn: two networks run together */
	assert_string_equal(err, "networks: 5 or 6 digits each");
	q.ehplmn = "310410;26201";
	q.impu = "sip:a@b tel:+1234567 tel:+1 tel:+2";
	assert_null(upp_personalise(*state, v7->data, v7->len, &q, &err));	/* TS.48: three records */
	assert_string_equal(err, "impu: more values than records");
	q.impu = "sip:a@b tel:+1234567";
	out = perso(*state, v7, &q);
	assert_file(state, out, UPP_PE_USIM, 0xA3, "083901140000000021");
	assert_file(state, out, UPP_PE_USIM, 0xB2, "8004");
	assert_file(state, out, UPP_PE_USIM, 0xB3, "62F2101300 14FFFFFFFFFFFF");
	assert_file(state, out, UPP_PE_OPT_USIM, 0xBF3A, "13001462F210");
	assert_file(state, out, UPP_PE_USIM, 0xAD, "016E657420776F726B");
	assert_file(state, out, UPP_PE_DF_5GS, 0xA9, SUCI_EF);
	assert_file(state, out, UPP_PE_DF_SAIP, 0xA3, SUCI_EF);
	assert_file(state, out, UPP_PE_DF_5GS, 0xAC, "71FF0000");
	assert_file(state, out, UPP_PE_ISIM, 0xA3, talloc_asprintf(*state, "8031%s",
		    bytes_hex(*state, "310410000000012@ims.mnc410.mcc310.3gppnetwork.org", 49)));
	assert_file(state, out, UPP_PE_ISIM, 0xA4, talloc_asprintf(*state, "80077369703A614062%s800C74656C3A2B31323334353637",
		    bytes_hex(*state, memset(talloc_size(*state, 55), 0xFF, 55), 55)));
	assert_int_equal(upp_check(out->data, out->len, NULL, NULL), 0);
}

static void test_sqn(void **state)
{
	const struct upp_perso p = { .sqn_options = hex(*state, "06"), .sqn_delta = hex(*state, "000000000100"),
				     .sqn_age = hex(*state, "000000000200"), .sqn_init = hex(*state, "000000000007"),
				     .aka_options = hex(*state, "02") };
	struct bytes *demo = packages_demo(*state), *out = perso(*state, demo, &p);
	const char *err;
	struct der *root = der_parse(*state, out->data, out->len, &err), *pe = der_child(root, UPP_PE_AKA), *n;
	static const uint32_t order[] = { 0xA0, 0xA1, 0x82, 0x83, 0x84, 0xA5 };
	unsigned i = 0;

	for (n = pe->first; n; n = n->next)
		assert_int_equal(n->tag, order[i++]);
	assert_int_equal(i, 6);
	for (i = 0, n = der_path(pe, 0xA5, 0x04, 0); n; n = der_again(n), i++)
		assert_memory_equal(n->v, p.sqn_init, 6);
	assert_int_equal(i, 32);
	assert_memory_equal(der_path(pe, 0xA1, 0xA1, 0x81, 0)->v, "\x02", 1);
}

static void test_binds(void **state)
{
	struct bytes *v7 = packages_ts48(*state, V7), *out;
	const struct upp_perso_bind binds[] = {
		{ "usim/ef-spn", 0, 1, (const uint8_t *)"Bound", 5 },
		{ "mf/ef-dir", 2, 2, (const uint8_t *)"\x4F", 1 },
		{ "7F10/6F44", 3, 0, (const uint8_t *)"\x11\x22", 2 },
		{ "2FFB", 1, 4, (const uint8_t *)"\x33", 1 },
	};
	const struct upp_perso p = { .binds = binds, .n_binds = 4 };
	struct upp_perso_bind bad[] = {
		{ "usim/ef-spn", 1, 0, (const uint8_t *)"x", 1 }, { "usim/ef-spn", 0, 17, (const uint8_t *)"x", 1 },
		{ "usim/ef-none", 0, 0, (const uint8_t *)"x", 1 }, { "wlan/ef-spn", 0, 0, (const uint8_t *)"x", 1 },
		{ "mf/ef-dir", 0, 0, (const uint8_t *)"x", 1 }, { "mf/ef-dir", 9, 0, (const uint8_t *)"x", 1 },
		{ "7F10/6F45", 1, 0, (const uint8_t *)"x", 1 }, { "", 1, 0, (const uint8_t *)"x", 1 },
		{ "7F1", 1, 0, (const uint8_t *)"x", 1 }, { "telecom/ef-msisdn", 1, 0, (const uint8_t *)"x", 1 },
	};
	const char *err;
	struct der *root, *n;
	unsigned found = 0;

	if (!v7)
		skip();
	out = perso(*state, v7, &p);
	root = der_parse(*state, out->data, out->len, &err);
	n = der_path(root, UPP_PE_USIM, 0xAD, 0x83, 0);
	assert_memory_equal(n->v + 1, "Bound", 5);
	n = der_path(root, UPP_PE_MF, 0xA5, 0x83, 0);	/* what stood there stays */
	assert_memory_equal(n->v, "\x61\x14\x4F\x0C", 4);
	for (struct der *pe = der_child(root, UPP_PE_GFM); pe; pe = der_again(pe)) {
		for (n = der_path(pe, 0xA1, 0x30, 0x81, 0); n; n = der_again(n)) {
			found += n->len == 0x82 && !memcmp(n->v + 2 * 26, "\x11\x22", 2);
			found += n->len == 0x4D8 && n->v[4] == 0x33;
		}
	}
	assert_int_equal(found, 2);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct upp_perso b = { .binds = &bad[i], .n_binds = 1 };

		err = NULL;
		assert_null(upp_personalise(*state, v7->data, v7->len, &b, &err));
		assert_int_equal(strncmp(err, "file: ", 6), 0);
	}
}

/* A package whose header cannot be read is nobody's profile. */
static void test_header_refused(void **state)
{
	struct bytes *demo = packages_demo(*state), *b;
	const struct upp_perso p = { .imsi = "001010000000002" };
	const char *err;
	static const size_t at[] = { 0, 3, 6 };

	for (unsigned i = 0; i < 3; i++) {
		b = bytes_dup(*state, demo->data, demo->len);
		b->data[at[i]] ^= 0x11;
		err = NULL;
		assert_null(upp_personalise(*state, b->data, b->len, &p, &err));
		assert_non_null(err);
	}
	b = bytes_dup(*state, "\xAA\x07\xA0\x05\x80\x00\x81\x01\x1F", 9);
	assert_null(upp_personalise(*state, b->data, b->len, &p, &err));
}

/* Unknown elements and trailing components of known ones are carried through, octet for octet (digest 1). */
static void test_unknown_survives(void **state)
{
	static const uint8_t unknown[] = { 0xBF, 0x7E, 0x08, 0xA0, 0x03, 0x81, 0x01, 0x63, 0x9A, 0x81, 0x00 };
	struct bytes *demo = packages_demo(*state), *b = bytes_new(*state, 0), *out;
	const struct upp_perso p = { .imsi = "001010000000002", .iccid = "8988011234567890124", .pin1 = "12345678" };
	const char *err;
	struct der *root = der_parse(*state, demo->data, demo->len, &err), *n;

	for (n = root->first; n; n = n->next) {
		if (n->tag == UPP_PE_USIM || n->tag == UPP_PE_PIN)
			der_add(n, 0x9F7F, "\x01\x02", 2);	/* a later version's component */
		if (n->tag == UPP_PE_END)
			bytes_put(b, unknown, sizeof(unknown));
		der_write(b, n);
	}
	out = perso(*state, b, &p);
	assert_int_equal(out->len, b->len);
	root = der_parse(*state, out->data, out->len, &err);
	assert_memory_equal(der_child(root, 0xBF7E)->raw, unknown, sizeof(unknown));
	assert_memory_equal(der_path(root, UPP_PE_USIM, 0x9F7F, 0)->v, "\x01\x02", 2);
	assert_memory_equal(der_path(root, UPP_PE_PIN, 0x9F7F, 0)->v, "\x01\x02", 2);
}

/* Two megabytes, most of it one applet. */
static void test_big(void **state)
{
	struct bytes *demo = packages_demo(*state), *app = bytes_new(*state, 0), *body = bytes_new(*state, 0);
	struct bytes *b = bytes_new(*state, 0), *out, *head = bytes_new(*state, 0), *load = bytes_new(*state, 0);
	const struct upp_perso p = { .imsi = "001010000000002", .iccid = "8988011234567890124" };
	const size_t end = demo->len - 9;

	bytes_fill(body, 0x5A, 2 << 20);
	bytes_put(load, "\x4F\x05\xA0\x00\x00\x00\x01", 7);
	tlv_put(load, 0xC4, body->data, body->len);
	bytes_put(head, "\xA0\x03\x81\x01\x63", 5);
	tlv_put(head, 0xA1, load->data, load->len);
	tlv_put(app, 0xA8, head->data, head->len);
	bytes_put(b, demo->data, end);
	bytes_put_bytes(b, app);
	bytes_put(b, demo->data + end, demo->len - end);
	out = perso(*state, b, &p);
	assert_int_equal(out->len, b->len);
	assert_memory_equal(out->data + end, b->data + end, b->len - end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_algo_golden, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tuak, setup, teardown),
		cmocka_unit_test_setup_teardown(test_contents, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sqn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_binds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_header_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_survives, setup, teardown),
		cmocka_unit_test_setup_teardown(test_big, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
