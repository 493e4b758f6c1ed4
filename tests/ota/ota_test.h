/* What the codec tests of this room share.
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
#include <cmocka.h>
#include <jansson.h>
#include <talloc.h>
#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/ota/script.h>
#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/ids.h>

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static inline struct bytes *hex(const char *text)
{
	struct bytes *b = bytes_from_hex(root, text);

	assert_non_null(b);
	return b;
}

static inline struct bytes *empty(void)
{
	return bytes_new(root, 0);
}

static inline struct key *aes(const char *text)
{
	struct bytes *b = hex(text);
	struct key *k = key_new(root, KEY_TYPE_AES, b->data, b->len);

	assert_non_null(k);
	return k;
}

static inline void assert_hex(const void *data, size_t len, const char *want)
{
	struct bytes *w = hex(want);

	assert_string_equal(bytes_hex(root, data, len), bytes_hex(root, w->data, w->len));
}

static inline void assert_bytes(const struct bytes *b, const char *want)
{
	assert_int_equal(b->err, 0);
	assert_hex(b->data, b->len, want);
}

/* A copy in a block of exactly this size, so that a sanitizer sees a read past it. */
static inline uint8_t *exact(const uint8_t *p, size_t len)
{
	uint8_t *d = malloc(len ? len : 1);

	if (len)
		memcpy(d, p, len);
	return d;
}

/* The APDU in the only 22 of a script. */
static inline struct bytes *capdu(const struct bytes *script)
{
	struct tlv t;

	assert_int_equal(tlv_find(script->data, script->len, 0x22, &t), 0);
	assert_int_equal(t.raw_len, script->len);
	return bytes_dup(root, t.v, t.len);
}

/* NULL, and a line, when the digest's vectors are nowhere: the caller skips. */
static inline json_t *vectors(const char *name)
{
	const char *dirs[] = { getenv("RSP_SHARED"), "../shared", "../../shared", "../../../shared", "../../../../shared" };
	char path[512];
	json_t *j;
	unsigned i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (!dirs[i])
			continue;
		snprintf(path, sizeof(path), "%s/spec/vectors/%s", dirs[i], name);
		j = json_load_file(path, JSON_ALLOW_NUL, NULL);
		if (j)
			return j;
	}
	printf("SKIPPED: %s not found, set RSP_SHARED\n", name);
	return NULL;
}

static inline const char *str(const json_t *v, const char *key)
{
	return json_string_value(json_object_get(v, key));
}

static inline struct bytes *field(const json_t *v, const char *key)
{
	const char *s = str(v, key);

	return hex(s ? s : "");
}

static inline uint64_t number(const json_t *v, const char *key)
{
	const char *s = str(v, key);

	return s ? strtoull(s, NULL, 16) : 0;
}
