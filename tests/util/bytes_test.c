/* bytes.c, tlv.c: limits, sticky errors, BER-TLV and DGI both ways, every prefix.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>
#include <cmocka.h>

#include <osmocom/rsp/util/misc.h>
#include <osmocom/rsp/util/tlv.h>

static void test_limit(void **state)
{
	void *ctx = talloc_new(NULL);
	struct bytes *b = bytes_new(ctx, 5);

	assert_int_equal(bytes_put(b, "abc", 3), 0);
	assert_int_equal(bytes_put(b, "def", 3), -ENOSPC);
	assert_int_equal(bytes_put_u8(b, 1), -ENOSPC);	/* sticky, although one octet would fit */
	assert_int_equal(b->len, 3);
	assert_false(bytes_eq(b, "abc", 3));
	bytes_clear(b);
	assert_int_equal(bytes_fill(b, 7, 5), 0);
	assert_true(bytes_eq(b, "\7\7\7\7\7", 5));
	assert_null(bytes_from_hex(ctx, "0A1"));
	assert_null(bytes_from_hex(ctx, "0G"));
	b = bytes_from_hex(ctx, "0a 1B\n2c");
	assert_true(bytes_eq(b, "\x0a\x1b\x2c", 3));
	assert_string_equal(bytes_hex(ctx, b->data, b->len), "0A1B2C");
	talloc_free(ctx);
}

static void test_file(void **state)
{
	char path[] = "bytes_test.XXXXXX";
	void *ctx = talloc_new(NULL);
	struct bytes *b;
	int fd = mkstemp(path);

	assert_int_equal(write(fd, "abc\0d", 5), 5);
	close(fd);
	b = bytes_from_file(ctx, path, 5);
	assert_true(b && bytes_eq(b, "abc\0d", 5));
	assert_null(bytes_from_file(ctx, path, 4));
	assert_int_equal(errno, EFBIG);
	assert_null(bytes_from_file(ctx, ".", 5));
	assert_int_equal(errno, EISDIR);
	assert_int_equal(truncate(path, 0), 0);
	b = bytes_from_file(ctx, path, 5);
	assert_true(b && !b->len);
	unlink(path);
	assert_null(bytes_from_file(ctx, path, 5));
	assert_int_equal(errno, ENOENT);
	talloc_free(ctx);
}

static void test_secret(void **state)
{
	void *ctx = talloc_new(NULL);
	struct bytes *b = bytes_new(ctx, 0);

	bytes_secret(b);
	bytes_fill(b, 0x5A, 40);
	bytes_fill(b, 0x5A, 4000);	/* moves */
	assert_int_equal(b->len, 4040);
	bytes_clear(b);
	for (size_t i = 0; i < 4040; i++)
		assert_int_equal(b->data[i], 0);
	assert_true(secret_eq("abcd", "abcd", 4));
	assert_false(secret_eq("abcd", "abce", 4));
	talloc_free(ctx);
}

static void test_numbers(void **state)
{
	void *ctx = talloc_new(NULL);
	struct bytes *b = bytes_new(ctx, 0);
	struct rd r;

	bytes_put_u8(b, 0x01);
	bytes_put_u16(b, 0x0203);
	bytes_put_u24(b, 0x040506);
	bytes_put_u32(b, 0x0708090A);
	bytes_put_u40(b, 0x0B0C0D0E0FULL);
	assert_string_equal(bytes_hex(ctx, b->data, b->len), "0102030405060708090A0B0C0D0E0F");
	rd_init(&r, b->data, b->len);
	assert_int_equal(rd_peek(&r, 14), 0x0F);
	assert_int_equal(rd_peek(&r, 15), -1);
	assert_int_equal(rd_u8(&r), 0x01);
	assert_int_equal(rd_u16(&r), 0x0203);
	assert_int_equal(rd_u24(&r), 0x040506);
	assert_int_equal(rd_u32(&r), 0x0708090A);
	assert_int_equal(rd_u40(&r), 0x0B0C0D0E0FULL);
	assert_false(r.bad);
	assert_int_equal(rd_u8(&r), 0);
	assert_true(r.bad);
	assert_null(rd_take(&r, 0));
	talloc_free(ctx);
}

/* SGP.02 notification (card-side.md 3.6): E135 4C10 4D01 4E02 4F10 140890... */
static const char notif[] = "E1354C10890010120123412340123456789012244D01024E0200004F10A0000005591010FFFFFFFF8900001300"
			    "14083A45990057918503";

static void test_tlv(void **state)
{
	void *ctx = talloc_new(NULL);
	struct bytes *b = bytes_from_hex(ctx, notif);
	struct tlv out, in;
	struct rd r;

	rd_init(&r, b->data, b->len);
	assert_int_equal(tlv_next(&r, &out), 1);
	assert_int_equal(out.tag, 0xE1);
	assert_int_equal(out.raw_len, b->len);
	assert_int_equal(tlv_find(out.v, out.len, 0x4F, &in), 0);
	assert_int_equal(in.len, 16);
	assert_int_equal(in.v[14], 0x13);
	assert_int_equal(tlv_find(out.v, out.len, 0x5F20, &in), -ENOENT);
	assert_int_equal(tlv_next(&r, &in), 0);
	for (size_t n = 1; n < b->len; n++) {
		uint8_t *cut = talloc_memdup(ctx, b->data, n);	/* so that ASan sees an over-read */

		rd_init(&r, cut, n);
		assert_int_equal(tlv_next(&r, &in), -EINVAL);
		assert_int_equal(tlv_next(&r, &in), -EINVAL);
		talloc_free(cut);
	}
	talloc_free(ctx);
}

static void tlv_there_and_back(void *ctx, uint32_t tag, size_t len, const char *head)
{
	struct bytes *v = bytes_new(ctx, 0), *b = bytes_new(ctx, 0);
	struct tlv t;
	struct rd r;

	bytes_fill(v, 0xA5, len);
	assert_int_equal(tlv_put(b, tag, v->data, v->len), 0);
	assert_memory_equal(bytes_hex(ctx, b->data, 8), head, strlen(head));
	rd_init(&r, b->data, b->len);
	assert_int_equal(tlv_next(&r, &t), 1);
	assert_int_equal(t.tag, tag);
	assert_true(bytes_eq(v, t.v, t.len));
	assert_int_equal(r.left, 0);
}

static void test_tlv_lengths(void **state)
{
	void *ctx = talloc_new(NULL);
	static const char *bad[] = { "1F8180017F", "4F80", "4F85000000000100", "7F2101", "4F84FFFFFFFF00" };
	struct tlv t;
	struct rd r;

	tlv_there_and_back(ctx, 0x5A, 0x7F, "5A7FA5");
	tlv_there_and_back(ctx, 0x5F20, 0x80, "5F208180A5");
	tlv_there_and_back(ctx, 0x7F21, 0xFF, "7F2181FFA5");
	tlv_there_and_back(ctx, 0xBF810D, 0x100, "BF810D820100A5");
	tlv_there_and_back(ctx, 0x86, 0x10000, "8683010000A5");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct bytes *b = bytes_from_hex(ctx, bad[i]);

		rd_init(&r, b->data, b->len);
		assert_int_equal(tlv_next(&r, &t), -EINVAL);
	}
	talloc_free(ctx);
}

static void test_dgi(void **state)
{
	void *ctx = talloc_new(NULL);
	struct bytes *b = bytes_new(ctx, 0), *long_v = bytes_new(ctx, 0);
	struct tlv t;
	struct rd r;

	bytes_fill(long_v, 0x11, 0xFF);
	dgi_put(b, 0x3A01, "x", 1);
	dgi_put(b, 0x3A02, long_v->data, long_v->len);
	assert_memory_equal(bytes_hex(ctx, b->data, 9), "3A0101783A02FF00FF", 18);
	rd_init(&r, b->data, b->len);
	assert_int_equal(dgi_next(&r, &t), 1);
	assert_int_equal(t.tag, 0x3A01);
	assert_int_equal(dgi_next(&r, &t), 1);
	assert_int_equal(t.len, 0xFF);
	assert_int_equal(dgi_next(&r, &t), 0);
	for (size_t n = 5; n < b->len; n++) {
		uint8_t *cut = talloc_memdup(ctx, b->data, n);

		rd_init(&r, cut, n);
		assert_int_equal(dgi_next(&r, &t), 1);
		assert_int_equal(dgi_next(&r, &t), -EINVAL);
		talloc_free(cut);
	}
	talloc_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit), cmocka_unit_test(test_secret), cmocka_unit_test(test_file),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_tlv), cmocka_unit_test(test_tlv_lengths), cmocka_unit_test(test_dgi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
