/* TPDUs and concatenation against the vectors of the digest (sms.json: TS 23.040, TS 31.115, one external exchange).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <osmocom/core/talloc.h>

#include <osmocom/rsp/sms/concat.h>

#include "vectors.h"

static void *root;

static int setup(void **state)
{
	root = talloc_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(talloc_total_blocks(root), 1);
	talloc_free(root);
	return 0;
}

static void assert_bytes(const struct bytes *got, const uint8_t *want, size_t len)
{
	assert_int_equal(got->err, 0);
	assert_int_equal(got->len, len);
	assert_memory_equal(got->data, want, len);
}

/* Decode, encode: the same octets; each shorter input is refused. */
static void deliver_roundtrip(const struct bytes *tpdu)
{
	struct tpdu_deliver d;
	struct bytes *b = bytes_new(root, 0);

	assert_int_equal(tpdu_deliver_dec(&d, tpdu->data, tpdu->len), 0);
	assert_int_equal(tpdu_deliver_enc(b, &d), 0);
	assert_bytes(b, tpdu->data, tpdu->len);
	for (size_t n = 0; n < tpdu->len; n++) {
		uint8_t *cut = vectors_exact(tpdu->data, n);

		assert_true(tpdu_deliver_dec(&d, cut, n) < 0);
		free(cut);
	}
	talloc_free(b);
}

static void submit_roundtrip(const struct bytes *tpdu)
{
	struct tpdu_submit s;
	struct bytes *b = bytes_new(root, 0);

	assert_int_equal(tpdu_submit_dec(&s, tpdu->data, tpdu->len), 0);
	assert_int_equal(s.pid, TPDU_PID_DATA_DOWNLOAD);
	assert_true(s.udhi && tpdu_dcs_class2(s.dcs));
	assert_int_equal(tpdu_submit_enc(b, &s), 0);
	assert_bytes(b, tpdu->data, tpdu->len);
	for (size_t n = 0; n < tpdu->len; n++) {
		uint8_t *cut = vectors_exact(tpdu->data, n);

		assert_true(tpdu_submit_dec(&s, cut, n) < 0);
		free(cut);
	}
	talloc_free(b);
}

/* One segment of sms.json: tp_ud is the user data of tpdu */
static void check_ud(const json_t *v, const uint8_t *ud, size_t ud_len)
{
	struct bytes *want = vectors_hex(root, v, "tp_ud");

	if (want)
		assert_bytes(want, ud, ud_len);
	talloc_free(want);
}

static void check_tpdu(const json_t *v)
{
	struct bytes *tpdu = vectors_hex(root, v, "tpdu");
	struct tpdu_deliver d;
	struct tpdu_submit s;

	if (!tpdu)
		return;
	if ((tpdu->data[0] & 3) == 1) {
		submit_roundtrip(tpdu);
		assert_int_equal(tpdu_submit_dec(&s, tpdu->data, tpdu->len), 0);
		check_ud(v, s.ud, s.ud_len);
	} else if (!vectors_str(v, "envelope_response")) {
		deliver_roundtrip(tpdu);
		assert_int_equal(tpdu_deliver_dec(&d, tpdu->data, tpdu->len), 0);
		assert_string_equal(d.oa.digits, "447700900000");
		assert_int_equal(d.pid, TPDU_PID_DATA_DOWNLOAD);
		check_ud(v, d.ud, d.ud_len);
	}
	talloc_free(tpdu);
}

static void vectors_tpdu(void **state)
{
	json_t *j = vectors_load("sms.json"), *v, *seg;
	size_t i, k, n = 0;

	if (!j)
		skip();
	json_array_foreach(json_object_get(j, "vectors"), i, v) {
		check_tpdu(v);
		json_array_foreach(json_object_get(v, "segments"), k, seg)
			check_tpdu(seg);
		n++;
	}
	assert_true(n >= 10);
	json_decref(j);
}

static void vectors_report(void **state)
{
	json_t *j = vectors_load("sms.json"), *v;
	size_t i, n = 0;

	if (!j)
		skip();
	json_array_foreach(json_object_get(j, "vectors"), i, v) {
		struct bytes *resp = vectors_hex(root, v, "envelope_response"), *tpdu = vectors_hex(root, v, "tpdu");
		struct bytes *b = bytes_new(root, 0);
		struct tpdu_report r;

		if (resp && tpdu) {
			assert_int_equal(tpdu_report_dec(&r, tpdu->data, tpdu->len), 0);
			assert_bytes(resp, r.ud, r.ud_len);
			assert_false(r.error);
			assert_int_equal(tpdu_report_enc(b, &r), 0);
			assert_bytes(b, tpdu->data, tpdu->len);
			for (size_t k = 0; k < tpdu->len; k++)
				assert_true(tpdu_report_dec(&r, tpdu->data, k) < 0);
			n++;
		}
		talloc_free(b);
		talloc_free(resp);
		talloc_free(tpdu);
	}
	assert_int_equal(n, 1);
	json_decref(j);
}

static struct concat *new_concat(void)
{
	const struct concat_cfg cfg = { .max_messages = 3, .max_parts = 5, .max_age_ms = 1000 };

	return concat_new(root, &cfg);
}

/* Cut gives the segments of the vector, and they come together in any order. */
static void check_concat(const json_t *v)
{
	struct bytes *packet = vectors_hex(root, v, "reassembled_packet");
	struct bytes *ref = vectors_hex(root, v, "reference");
	json_t *segs = json_object_get(v, "segments"), *seg;
	struct concat *c = new_concat();
	struct concat_part parts[5];
	struct concat_msg m;
	size_t k, n = json_array_size(segs);

	assert_int_equal(concat_count(packet->len), n);
	assert_int_equal(concat_cut(parts, 5, 0x70, ref->data[0], packet->data, packet->len), n);
	json_array_foreach(segs, k, seg) {
		struct bytes *ud = vectors_hex(root, seg, "tp_ud");

		assert_bytes(ud, parts[k].ud, parts[k].len);
		talloc_free(ud);
	}
	for (unsigned rot = 0; rot < n; rot++) {
		for (k = 0; k < n; k++) {
			const struct concat_part *p = &parts[(k * (n - 1) + rot) % n];	/* backwards from rot */

			assert_int_equal(concat_add(c, &m, "1001", p->ud, p->len, rot), k == n - 1);
			if (k < n - 1)
				assert_int_equal(concat_add(c, &m, "1001", p->ud, p->len, rot), -EALREADY);
		}
		assert_int_equal(m.ota, 0x70);
		assert_bytes(packet, m.packet, m.len);
		assert_int_equal(concat_waiting(c), 0);
	}
	talloc_free(c);
	talloc_free(packet);
	talloc_free(ref);
}

static void vectors_concat(void **state)
{
	json_t *j = vectors_load("sms.json"), *v;
	size_t i, n = 0;

	if (!j)
		skip();
	json_array_foreach(json_object_get(j, "vectors"), i, v) {
		if (!vectors_str(v, "reassembled_packet"))
			continue;
		check_concat(v);
		n++;
	}
	assert_int_equal(n, 2);
	json_decref(j);
}

/* TS 31.115 sizes: 137 alone, then 132 + 134 each */
static void concat_sizes(void **state)
{
	static const size_t edges[][2] = { { 1, 1 }, { 137, 1 }, { 138, 2 }, { 266, 2 }, { 267, 3 }, { 668, 5 }, { 669, 6 } };
	uint8_t packet[669] = {};
	struct concat_part parts[6];

	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		assert_int_equal(concat_count(edges[i][0]), edges[i][1]);
		assert_int_equal(concat_cut(parts, 6, 0x71, 9, packet, edges[i][0]), edges[i][1]);
		for (size_t k = 0; k < edges[i][1]; k++)
			assert_true(parts[k].len <= TPDU_UD_MAX);
	}
	assert_int_equal(concat_cut(parts, 5, 0x71, 9, packet, 669), -EMSGSIZE);
	assert_int_equal(concat_cut(parts, 5, 0x71, 9, packet, 0), -EINVAL);
}

/* What is old goes, what is too much pushes out the oldest, senders do not mix, and nothing odd gets in. */
static void concat_limits(void **state)
{
	struct concat *c = new_concat();
	struct concat_part parts[5];
	uint8_t packet[200] = { 1, 2, 3 };
	struct concat_msg m;
	const char *const from[] = { "1", "2", "3", "4" };

	assert_int_equal(concat_cut(parts, 5, 0x70, 1, packet, sizeof(packet)), 2);
	for (int i = 0; i < 4; i++)
		assert_int_equal(concat_add(c, &m, from[i], parts[0].ud, parts[0].len, i), 0);
	assert_int_equal(concat_waiting(c), 3);
	assert_int_equal(concat_add(c, &m, "1", parts[1].ud, parts[1].len, 5), 0);	/* "1" had been pushed out */
	assert_int_equal(concat_add(c, &m, "3", parts[1].ud, parts[1].len, 6), 1);
	assert_int_equal(m.len, sizeof(packet));
	assert_int_equal(concat_age(c, 2000), 2);
	assert_int_equal(concat_waiting(c), 0);
	assert_int_equal(concat_add(c, &m, "3", (uint8_t[]){ 5, 0, 3, 1, 6, 1, 0xAA }, 7, 0), -EMSGSIZE);
	assert_int_equal(concat_add(c, &m, "3", (uint8_t[]){ 5, 0, 3, 1, 2, 3, 0xAA }, 7, 0), -EINVAL);
	assert_int_equal(concat_add(c, &m, "3", (uint8_t[]){ 5, 0, 3, 1, 2, 0, 0xAA }, 7, 0), -EINVAL);
	assert_int_equal(concat_add(c, &m, "3", (uint8_t[]){ 5, 0, 3, 1, 2, 1 }, 6, 0), -EINVAL);
	assert_int_equal(concat_add(c, &m, "3", (uint8_t[]){ 9, 0x70, 0 }, 3, 0), -EINVAL);
	assert_int_equal(concat_add(c, &m, "3", (uint8_t[]){ 0 }, 0, 0), -EINVAL);
	assert_int_equal(concat_waiting(c), 0);
	/* a 16-bit reference, elements the other way round, an unknown one between them */
	assert_int_equal(concat_add(c, &m, "3", (uint8_t[]){ 0xB, 0x71, 0, 5, 1, 9, 8, 4, 1, 2, 2, 1, 0xAA }, 13, 0), 0);
	assert_int_equal(concat_add(c, &m, "3", (uint8_t[]){ 6, 8, 4, 1, 2, 2, 2, 0xBB }, 8, 0), 1);
	assert_int_equal(m.ota, 0x71);
	assert_int_equal(m.len, 2);
	assert_memory_equal(m.packet, "\xAA\xBB", 2);
	talloc_free(c);
}

/* The sender of another message under the same reference is believed. */
static void concat_ref_reused(void **state)
{
	struct concat *c = new_concat();
	struct concat_part a[5], b[5];
	uint8_t packet[300] = {};
	struct concat_msg m;

	assert_int_equal(concat_cut(a, 5, 0x70, 1, packet, 300), 3);
	assert_int_equal(concat_cut(b, 5, 0x70, 1, packet, 200), 2);
	assert_int_equal(concat_add(c, &m, "1", a[0].ud, a[0].len, 0), 0);
	assert_int_equal(concat_add(c, &m, "1", b[0].ud, b[0].len, 0), 0);
	assert_int_equal(concat_waiting(c), 1);
	assert_int_equal(concat_add(c, &m, "1", b[1].ud, b[1].len, 0), 1);
	talloc_free(c);
}

static void tpdu_odd(void **state)
{
	struct tpdu_deliver d;
	struct tpdu_report r = { .error = true, .fcs = 0xD5 }, r2;
	struct bytes *b = bytes_new(root, 0);

	/* from the external exchange in sms.json: three digits with a filler that is no F */
	struct bytes *ext = bytes_from_hex(root, "60039121437FF66240801193428003027000");

	assert_int_equal(tpdu_deliver_dec(&d, ext->data, ext->len), 0);
	assert_string_equal(d.oa.digits, "123");
	assert_true(d.more && d.sri);
	ext->data[0] = 0x41;
	assert_int_equal(tpdu_deliver_dec(&d, ext->data, ext->len), -EINVAL);
	ext->data[0] = 0x40;
	ext->data[1] = 21;
	assert_int_equal(tpdu_deliver_dec(&d, ext->data, ext->len), -EMSGSIZE);
	assert_int_equal(tpdu_report_enc(b, &r), 0);
	assert_int_equal(b->len, 3);
	assert_int_equal(tpdu_report_dec(&r2, b->data, b->len), 0);
	assert_true(r2.error);
	assert_int_equal(r2.fcs, 0xD5);
	assert_true(tpdu_dcs_class2(0xF6) && tpdu_dcs_class2(0x16) && !tpdu_dcs_class2(0xF5) && !tpdu_dcs_class2(0x04) &&
		    !tpdu_dcs_class2(0x06));
	talloc_free(b);
	talloc_free(ext);
}

/* A card that always uses one reference: what it sends anew is not mixed with the half that came before. */
static void same_reference(void **state)
{
	const struct concat_cfg cfg = { .max_messages = 2, .max_parts = 3, .max_age_ms = 1000 };
	void *root = talloc_new(NULL);
	struct concat *c = concat_new(root, &cfg);
	struct concat_part a[3], b[3];
	uint8_t packet[300] = { 1 };
	struct concat_msg m;

	assert_int_equal(concat_cut(a, 3, 0x71, 1, packet, sizeof(packet)), 3);
	packet[0] = 2;
	assert_int_equal(concat_cut(b, 3, 0x71, 1, packet, sizeof(packet)), 3);
	assert_int_equal(concat_add(c, &m, "1", a[0].ud, a[0].len, 0), 0);
	assert_int_equal(concat_add(c, &m, "1", a[1].ud, a[1].len, 0), 0);
	assert_int_equal(concat_add(c, &m, "1", b[0].ud, b[0].len, 0), 0);
	assert_int_equal(concat_add(c, &m, "1", b[2].ud, b[2].len, 0), 0);
	assert_int_equal(concat_add(c, &m, "1", b[1].ud, b[1].len, 0), 1);
	assert_int_equal(m.len, sizeof(packet));
	assert_memory_equal(m.packet, packet, sizeof(packet));
	assert_int_equal(concat_waiting(c), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(concat_add(c, &m, (char[]){ '1' + i, 0 }, a[0].ud, a[0].len, i), 0);
	assert_int_equal(concat_given_up(c), 1);	/* the oldest of three */
	assert_int_equal(concat_age(c, 5000), 2);
	assert_int_equal(concat_given_up(c), 3);
	talloc_free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_reference),
		cmocka_unit_test_setup_teardown(vectors_tpdu, setup, teardown),
		cmocka_unit_test_setup_teardown(vectors_report, setup, teardown),
		cmocka_unit_test_setup_teardown(vectors_concat, setup, teardown),
		cmocka_unit_test_setup_teardown(concat_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(concat_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(concat_ref_reused, setup, teardown),
		cmocka_unit_test_setup_teardown(tpdu_odd, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
