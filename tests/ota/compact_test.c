/* Compact remote APDU format against remote_apdu.json (TS 102 226 5.1), and SCP80 on CAT_TP against scp80_cattp.json.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <osmocom/rsp/ota/scp80.h>
#include <osmocom/rsp/ota/script_compact.h>
#include "ota_test.h"

static void check_cmd(const json_t *v)
{
	struct bytes *enc = field(v, "encoded"), *out = empty();
	json_t *list = json_object_get(v, "c_apdus"), *a;
	struct apdu_cmd c;
	struct rd r;
	size_t i;

	rd_init(&r, enc->data, enc->len);
	json_array_foreach(list, i, a) {
		struct bytes *apdu = hex(json_string_value(a)), *again = empty();

		assert_int_equal(script_compact_next(&r, &c), 1);
		assert_int_equal(apdu_put(again, &c), 0);
		assert_true(bytes_eq(again, apdu->data, apdu->len));
		assert_int_equal(apdu_dec(&c, apdu->data, apdu->len), 0);
		assert_int_equal(script_compact_put_cmd(out, &c, i + 1 == json_array_size(list)), 0);
	}
	assert_int_equal(script_compact_next(&r, &c), 0);
	assert_true(bytes_eq(out, enc->data, enc->len));
}

static void check_rsp(const json_t *v)
{
	struct bytes *enc = field(v, "encoded"), *data = field(v, "last_data"), *out = empty();
	struct script_compact_rsp rsp;

	assert_int_equal(script_compact_rsp_dec(&rsp, enc->data, enc->len), 0);
	assert_int_equal(rsp.executed, json_integer_value(json_object_get(v, "executed")));
	assert_int_equal(rsp.sw, number(v, "last_sw"));
	assert_true(bytes_eq(data, rsp.data, rsp.len));
	assert_int_equal(script_compact_rsp_enc(out, &rsp), 0);
	assert_true(bytes_eq(out, enc->data, enc->len));
	for (size_t n = 0; n < enc->len; n++) {
		uint8_t *cut = exact(enc->data, n);

		assert_int_equal(script_compact_rsp_dec(&rsp, cut, n), n < 3 ? -EINVAL : 0);
		free(cut);
	}
}

static void test_compact_vectors(void **state)
{
	json_t *j = vectors("remote_apdu.json"), *v;
	size_t k, n = 0;

	if (!j)
		skip();
	json_array_foreach(json_object_get(j, "vectors"), k, v) {
		if (strncmp(str(v, "name"), "compact", 7))
			continue;
		if (json_object_get(v, "c_apdus"))
			check_cmd(v);
		else
			check_rsp(v);
		n++;
	}
	assert_int_equal(n, 2);
	json_decref(j);
}

static int walk(const uint8_t *p, size_t len, unsigned *count)
{
	struct apdu_cmd c;
	struct rd r;
	int rc;

	rd_init(&r, p, len);
	for (*count = 0; (rc = script_compact_next(&r, &c)) == 1; (*count)++)
		;
	return rc;
}

static void test_compact_walk(void **state)
{
	static const struct { const char *hex; int rc; unsigned count; } list[] = {
		{ "", 0, 0 },
		{ "00A4000C", -EINVAL, 0 },
		{ "00A4000C023F", -EINVAL, 0 },
		{ "00A4000C023F00", 0, 1 },
		{ "80F24002024F0000", 0, 1 },			/* case 4: one octet left is Le */
		{ "80F24002024F0000C0000010", 0, 2 },		/* GET RESPONSE after case 3 */
		{ "80F24002024F0000C000001000A4000C023F00", 0, 3 },
		{ "80F24002024F000000", -EINVAL, 1 },
		{ "0044000000 00B000000A", 0, 2 },		/* case 1 with P3 00 */
	};
	struct apdu_cmd c = { .ins = 0xB0, .has_le = true, .le = 10 };
	struct bytes *out = empty();
	unsigned count;

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct bytes *b = hex(list[i].hex);
		uint8_t *p = exact(b->data, b->len);

		assert_int_equal(walk(p, b->len, &count), list[i].rc);
		assert_int_equal(count, list[i].count);
		free(p);
	}
	assert_int_equal(script_compact_put_cmd(out, &c, false), -EINVAL);
	c.ins = 0xC0;
	assert_int_equal(script_compact_put_cmd(out, &c, false), 0);
	assert_bytes(out, "00C000000A");
}

/* --- SCP80 on CAT_TP ------------------------------------------------------------------------------------------ */

/* Each cut and each bent bit is refused: the checksum covers the clear header too. */
static void check_damage(const struct scp80_sec *sec, const struct key *kic, const struct key *kid, const struct bytes *b,
			 bool rsp)
{
	for (size_t i = 0; i < b->len * 9; i++) {
		size_t len = i < b->len ? i : b->len;
		uint8_t *p = exact(b->data, len);
		struct bytes *out = empty();
		struct scp80_sec got;
		struct scp80_rsp r;

		if (i >= b->len)
			p[(i - b->len) / 8] ^= 1 << (i % 8);
		if (rsp)
			assert_int_not_equal(scp80_cattp_rsp_dec(out, &r, sec, kic, kid, p, len), 0);
		else
			assert_int_not_equal(scp80_cattp_cmd_dec(out, &got, kic, kid, p, len), 0);
		assert_int_equal(out->len, 0);
		free(p);
	}
}

static void check_command(const json_t *v)
{
	struct key *kic = aes(str(v, "kic_key")), *kid = aes(str(v, "kid_key"));
	struct bytes *packet = field(v, "packet"), *data = field(v, "secured_data"), *out = empty(), *clear = empty();
	struct scp80_sec got, sec = {
		.spi1 = number(v, "spi") >> 8, .spi2 = number(v, "spi"), .kic_octet = number(v, "kic"),
		.kid_octet = number(v, "kid"), .tar = number(v, "tar"), .cntr = number(v, "cntr"),
	};

	assert_int_equal(scp80_cattp_cmd_enc(out, &sec, kic, kid, data->data, data->len), 0);
	assert_bytes(out, str(v, "packet"));
	assert_int_equal(scp80_cattp_cmd_peek(&got, packet->data, packet->len), 0);
	assert_int_equal(got.tar, sec.tar);
	assert_int_equal(scp80_cattp_cmd_dec(clear, &got, kic, kid, packet->data, packet->len), 0);
	assert_true(bytes_eq(clear, data->data, data->len));
	assert_int_equal(got.cntr, sec.cntr);
	assert_int_equal(scp80_cmd_dec(clear, &got, kic, kid, packet->data, packet->len), -EINVAL);	/* not by SMS */
	check_damage(&sec, kic, kid, packet, false);
}

static void check_response(const json_t *v)
{
	struct key *kic = aes(str(v, "kic_key")), *kid = aes(str(v, "kid_key"));
	struct bytes *packet = field(v, "packet"), *data = field(v, "data"), *out = empty(), *clear = empty();
	struct scp80_sec sec = {
		.spi1 = 0x16, .spi2 = number(v, "spi2"), .kic_octet = 0x12, .kid_octet = 0x12, .tar = number(v, "tar"),
		.cntr = number(v, "cntr"),
	};
	struct scp80_rsp rsp;

	assert_int_equal(scp80_cattp_rsp_enc(out, &sec, kic, kid, number(v, "status"), data->data, data->len), 0);
	assert_bytes(out, str(v, "packet"));
	assert_int_equal(scp80_cattp_rsp_dec(clear, &rsp, &sec, kic, kid, packet->data, packet->len), 0);
	assert_true(bytes_eq(clear, data->data, data->len));
	assert_int_equal(rsp.cntr, sec.cntr);
	assert_int_equal(rsp.tar, sec.tar);
	assert_int_equal(rsp.status, number(v, "status"));
	check_damage(&sec, kic, kid, packet, true);
}

static void test_cattp_vectors(void **state)
{
	json_t *j = vectors("scp80_cattp.json"), *v;
	size_t k, n = 0;

	if (!j)
		skip();
	json_array_foreach(json_object_get(j, "vectors"), k, v) {
		if (json_object_get(v, "secured_data"))
			check_command(v);
		else
			check_response(v);
		n++;
	}
	assert_int_equal(n, 2);
	json_decref(j);
}

/* Lengths of one, two and three octets, all SPI that cipher and check or do not, both directions. */
static void test_cattp_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, 90, 105, 106, 107, 130, 230, 231, 240, 300, 2000, 4000 };
	static const uint8_t spis[] = { 0x00, 0x02, 0x04, 0x06, 0x16 };
	struct key *k = aes("000102030405060708090A0B0C0D0E0F");
	static uint8_t data[4000];

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]) * sizeof(spis); i++) {
		size_t n = sizes[i / sizeof(spis)];
		uint8_t spi1 = spis[i % sizeof(spis)];
		struct scp80_sec got, sec = {
			.spi1 = spi1, .spi2 = (spi1 & 3) << 2 | (spi1 & 4) << 2, .kic_octet = 0x12, .kid_octet = 0x12,
			.tar = 0xB00001, .cntr = 77,
		};
		struct bytes *out = empty(), *clear = empty();
		struct scp80_rsp rsp;

		assert_int_equal(scp80_cattp_cmd_enc(out, &sec, k, k, data, n), 0);
		assert_int_equal(scp80_cattp_cmd_dec(clear, &got, k, k, out->data, out->len), 0);
		assert_true(bytes_eq(clear, data, n));
		assert_int_equal(got.cntr, 77);
		bytes_clear(out);
		bytes_clear(clear);
		assert_int_equal(scp80_cattp_rsp_enc(out, &sec, k, k, 0x07, data, n), 0);
		assert_int_equal(scp80_cattp_rsp_dec(clear, &rsp, &sec, k, k, out->data, out->len), 0);
		assert_true(bytes_eq(clear, data, n));
		assert_int_equal(rsp.status, 0x07);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_compact_vectors), TEST(test_compact_walk), TEST(test_cattp_vectors), TEST(test_cattp_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
