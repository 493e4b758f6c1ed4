/* The lossless tree: nothing changes that was not touched; lengths are mended when something grows.
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

#include "packages.h"

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

static void touch_leaves(struct der *n)
{
	for (; n; n = n->next) {
		if (n->first)
			touch_leaves(n->first);
		else if (!(n->tag > 0xFF ? 0x20 & n->tag >> 8 : 0x20 & n->tag))
			assert_int_equal(der_set(n, n->v, n->len), 0);
	}
}

static void assert_written(void *ctx, const struct der *root, const struct bytes *want)
{
	struct bytes *out = bytes_new(ctx, 0);

	assert_int_equal(der_write(out, root), 0);
	assert_int_equal(out->len, want->len);
	assert_memory_equal(out->data, want->data, want->len);
	talloc_free(out);
}

/* Every package as read, and again when every leaf was replaced by itself. */
static void test_roundtrip(void **state)
{
	char *paths[64];
	size_t n = packages_list(*state, NULL, paths, 64);
	const char *err;

	if (!n)
		skip();
	assert_int_equal(n, 44);
	for (size_t i = 0; i < n; i++) {
		struct bytes *b = packages_file(*state, paths[i]);
		struct der *root = der_parse(*state, b->data, b->len, &err);

		assert_non_null(root);
		assert_written(*state, root, b);
		touch_leaves(root->first);
		assert_null(root->raw);
		assert_written(*state, root, b);
		talloc_free(root);
		talloc_free(b);
	}
}

static void test_walk(void **state)
{
	char *paths[64];
	size_t n = packages_list(*state, NULL, paths, 64);

	if (!n)
		skip();
	for (size_t i = 0; i < n; i++) {
		struct bytes *b = packages_file(*state, paths[i]);
		struct upp_header h;
		struct upp_pe pe;
		const char *err;
		unsigned pes = 0;
		struct rd r;
		int rc;

		rd_init(&r, b->data, b->len);
		while ((rc = upp_next(&r, &pe)) > 0) {
			assert_string_not_equal(upp_pe_name(pe.t.tag), "unknown");
			assert_int_equal(upp_pe_tag(upp_pe_name(pe.t.tag)), pe.t.tag);
			pes++;
		}
		assert_int_equal(rc, 0);
		assert_in_range(pes, 25, 30);
		assert_int_equal(upp_header_dec(&h, &err, b->data, b->len), 0);
		assert_int_equal(h.major, 2);
		assert_int_equal(!!h.pol, strstr(paths[i], "m2m") != NULL);
	}
}

/* A leaf that passes 127 and 255 octets makes every length above it longer (digest 9.1 rule 1). */
static void test_grow(void **state)
{
	static const uint8_t in[] = { 0xA1, 0x07, 0xA1, 0x05, 0x82, 0x01, 0x55, 0x05, 0x00 };
	static const uint8_t want128[] = { 0xA1, 0x81, 0x88, 0xA1, 0x81, 0x85, 0x82, 0x81, 0x80 };
	static const uint8_t want256[] = { 0xA1, 0x82, 0x01, 0x0A, 0xA1, 0x82, 0x01, 0x06, 0x82, 0x82, 0x01, 0x00 };
	uint8_t v[256] = { 0x55 };
	const char *err;
	struct der *root = der_parse(*state, in, sizeof(in), &err), *leaf = der_path(root, 0xA1, 0xA1, 0x82, 0);
	struct bytes *out = bytes_new(*state, 0);

	assert_non_null(leaf);
	der_set(leaf, v, 128);
	assert_int_equal(der_write(out, root), 0);
	assert_int_equal(out->len, sizeof(want128) + 128 + 2);
	assert_memory_equal(out->data, want128, sizeof(want128));
	bytes_clear(out);
	der_set(leaf, v, 256);
	der_write(out, root);
	assert_memory_equal(out->data, want256, sizeof(want256));
	der_remove(leaf);
	bytes_clear(out);
	der_write(out, root);
	assert_true(bytes_eq(out, "\xA1\x04\xA1\x02\x05\x00", 6));
}

static void test_integers(void **state)
{
	static const struct {
		uint32_t v;
		const char *der;
	} cases[] = { { 0, "800100" }, { 127, "80017F" }, { 129, "80020081" }, { 170, "800200AA" }, { 256, "80020100" },
		      { 32768, "8003008000" }, { 0xFFFFFFFF, "800500FFFFFFFF" } };
	uint32_t v;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct der *root = der_new(*state);
		struct bytes *out = bytes_new(*state, 0), *want = bytes_from_hex(*state, cases[i].der);

		assert_non_null(der_add_uint(root, 0x80, cases[i].v));
		der_write(out, root);
		assert_true(bytes_eq(out, want->data, want->len));
		assert_int_equal(der_uint(&v, root->first), 0);
		assert_int_equal(v, cases[i].v);
	}
}

static void test_malformed(void **state)
{
	struct bytes *demo = packages_demo(*state), *deep = bytes_new(*state, 0);
	const char *err;

	for (size_t i = 1; i < demo->len; i++) {
		struct der *root = der_parse(*state, demo->data, i, &err);

		talloc_free(root);	/* good only where an element ends */
	}
	for (int i = 0; i < 40; i++) {	/* A0 80.. would do; nested with true lengths */
		struct bytes *outer = bytes_new(*state, 0);

		tlv_put(outer, 0xA0, deep->data, deep->len);
		deep = outer;
	}
	assert_null(der_parse(*state, deep->data, deep->len, &err));
	assert_non_null(strstr(err, "deep"));
	assert_null(der_parse(*state, (const uint8_t *)"\xA0\x80\x00\x00", 4, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_roundtrip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_walk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_grow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_integers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
