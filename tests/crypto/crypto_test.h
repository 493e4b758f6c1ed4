/* What the tests of this room share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <talloc.h>
#include <osmocom/rsp/crypto/cert.h>

static void *root;

static int setup(void **state)
{
	root = talloc_named_const(NULL, 0, "test");
	return 0;
}

static int teardown(void **state)
{
	talloc_free(root);
	return 0;
}

static inline struct bytes *hex(const char *text)
{
	struct bytes *b = bytes_from_hex(root, text);

	assert_non_null(b);
	return b;
}

static inline struct key *key_hex(enum key_type type, const char *text)
{
	struct bytes *b = hex(text);
	struct key *k = key_new(root, type, b->data, b->len);

	assert_non_null(k);
	return k;
}

static inline void assert_hex(const void *data, size_t len, const char *want)
{
	assert_string_equal(bytes_hex(root, data, len), bytes_hex(root, hex(want)->data, hex(want)->len));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
