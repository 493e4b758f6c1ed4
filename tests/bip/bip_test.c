/* Toolkit commands, responses and envelopes against bip.json and sms.json (TS 102 223; layouts of bip.json were confirmed
 * by an independent dissector).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <osmocom/core/talloc.h>

#include <osmocom/rsp/bip/bip_cmd.h>

#include "../sms/vectors.h"

static void *root;

static int setup(void **state)
{
	root = talloc_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	talloc_free(root);
	return 0;
}

enum kind { CMD, RESP, ENV };

static int dec(enum kind kind, const uint8_t *p, size_t len)
{
	struct bip_cmd c;
	struct bip_resp r;
	struct bip_env e;

	if (kind == CMD)
		return bip_cmd_dec(&c, p, len);
	return kind == RESP ? bip_resp_dec(&r, p, len) : bip_env_dec(&e, p, len);
}

/* Cut at each place. Only a TERMINAL RESPONSE has no outer length: whole objects may be missing at its end. */
static void check_cuts(enum kind kind, const uint8_t *p, size_t len)
{
	for (size_t n = 0; n < len; n++) {
		uint8_t *cut = vectors_exact(p, n);

		if (dec(kind, cut, n) == 0)
			assert_true(kind == RESP && n >= 12);
		free(cut);
	}
	for (size_t i = 0; i < len * 8; i++) {
		uint8_t *bent = vectors_exact(p, len);

		bent[i / 8] ^= 1 << (i % 8);
		dec(kind, bent, len);	/* only the sanitizer judges */
		free(bent);
	}
}

static void check_cmd(const char *name, const struct bytes *b)
{
	struct bytes *out = bytes_new(root, 0);
	struct bip_cmd c;

	if (bip_cmd_dec(&c, b->data, b->len) != 0)
		fail_msg("%s: command refused", name);
	assert_int_equal(bip_cmd_enc(out, &c), 0);
	if (out->len != b->len || memcmp(out->data, b->data, b->len))
		fail_msg("%s: %s", name, bytes_hex(root, out->data, out->len));
	check_cuts(CMD, b->data, b->len);
}

static void check_resp(const char *name, const struct bytes *b)
{
	struct bytes *out = bytes_new(root, 0);
	struct bip_resp r;

	if (bip_resp_dec(&r, b->data + 5, b->len - 5) != 0)
		fail_msg("%s: response refused", name);
	assert_int_equal(bip_resp_enc(out, &r), 0);
	if (out->len != b->len || memcmp(out->data, b->data, b->len))
		fail_msg("%s: %s", name, bytes_hex(root, out->data, out->len));
	check_cuts(RESP, b->data + 5, b->len - 5);
}

static void check_env(const char *name, const struct bytes *b)
{
	struct bytes *out = bytes_new(root, 0);
	size_t len = 5 + b->data[4];	/* some have Le behind */
	struct bip_env e;

	assert_true(b->len == len || b->len == len + 1);
	if (bip_env_dec(&e, b->data + 5, len - 5) != 0)
		fail_msg("%s: envelope refused", name);
	assert_int_equal(bip_env_enc(out, &e), 0);
	if (len > 11 && b->data[11] == 0x86)	/* the external one has CR set on the address; TS 31.111 allows both */
		b->data[11] = 0x06;
	if (out->len != len || memcmp(out->data, b->data, len))
		fail_msg("%s: %s", name, bytes_hex(root, out->data, out->len));
	check_cuts(ENV, b->data + 5, len - 5);
}

static size_t check_vector(const json_t *v)
{
	static const struct { const char *key; void (*check)(const char *, const struct bytes *); } kinds[] = {
		{ "proactive", check_cmd }, { "proactive_command", check_cmd }, { "fetch_response", check_cmd },
		{ "terminal_response", check_resp }, { "envelope", check_env }, { "envelope_apdu", check_env },
	};
	size_t n = 0;

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct bytes *b = vectors_hex(root, v, kinds[k].key);

		if (!b)
			continue;
		kinds[k].check(vectors_str(v, "name"), b);
		n++;
	}
	return n;
}

static size_t check_file(const char *file)
{
	json_t *j = vectors_load(file), *v, *seg;
	size_t i, k, n = 0;

	if (!j)
		skip();
	json_array_foreach(json_object_get(j, "vectors"), i, v) {
		n += check_vector(v);
		json_array_foreach(json_object_get(v, "segments"), k, seg)
			n += check_vector(seg);
	}
	json_decref(j);
	return n;
}

static void vectors_bip(void **state)
{
	assert_true(check_file("bip.json") >= 40);
}

static void vectors_sms(void **state)
{
	assert_true(check_file("sms.json") >= 8);
}

/* OPEN CHANNEL of ota-transport 6.3, field by field */
static void open_fields(void **state)
{
	struct bytes *b = bytes_from_hex(root, "D03E810301400382028182350702000003000002390205DC470C03696F74076578616D706C65"
					 "0D0504757365720D0504706173733C03019C413E05210A000001");
	struct bip_cmd c;

	assert_int_equal(bip_cmd_dec(&c, b->data, b->len), 0);
	assert_int_equal(c.type, BIP_OPEN_CHANNEL);
	assert_int_equal(c.qualifier, 3);
	assert_int_equal(c.bearer.len, 7);
	assert_int_equal(c.buffer, 1500);
	assert_int_equal(c.nan.len, 12);
	assert_int_equal(c.login.len, 4);
	assert_memory_equal(c.login.v, "user", 4);
	assert_memory_equal(c.password.v, "pass", 4);
	assert_int_equal(c.transport, BIP_UDP_CLIENT);
	assert_int_equal(c.port, 40001);
	assert_null(c.local.v);
	assert_int_equal(c.dest.len, 4);
	assert_memory_equal(c.dest.v, "\x0A\x00\x00\x01", 4);
	/* no destination type of that length */
	b->data[b->len - 5] = 0x57;
	assert_int_equal(bip_cmd_dec(&c, b->data, b->len), -EINVAL);
}

/* Two other addresses: the one before the transport level is the local one (6.6.27.4) */
static void open_local(void **state)
{
	struct bip_cmd c = { .number = 1, .type = BIP_OPEN_CHANNEL, .qualifier = 1, .src = 0x81, .dst = 0x82,
			     .bearer = { (uint8_t[]){ 3 }, 1 }, .has_buffer = true, .buffer = 1400,
			     .local = { (uint8_t[4]){}, 0 }, .transport = BIP_TCP_CLIENT, .port = 443,
			     .dest = { (uint8_t[]){ 127, 0, 0, 1 }, 4 } }, d;
	struct bytes *out = bytes_new(root, 0);

	assert_int_equal(bip_cmd_enc(out, &c), 0);
	assert_int_equal(bip_cmd_dec(&d, out->data, out->len), 0);
	assert_non_null(d.local.v);
	assert_int_equal(d.local.len, 0);
	assert_int_equal(d.dest.len, 4);
	assert_int_equal(d.dest.v[0], 127);
}

static void limits(void **state)
{
	uint8_t big[300] = {};
	struct bip_cmd c = { .type = BIP_SEND_DATA, .src = 0x81, .dst = 0x21, .data = { big, BIP_SEND_MAX } };
	struct bip_resp r = { .type = BIP_RECEIVE_DATA, .data = { big, BIP_DATA_MAX }, .has_data_len = true };
	struct bip_env e = { .tag = BIP_ENV_SMS_PP, .src = 0x83, .dst = 0x81, .tpdu = { big, 236 } };
	struct bytes *out = bytes_new(root, 0);

	assert_int_equal(bip_cmd_enc(out, &c), 0);
	c.data.len = 256;
	assert_int_equal(bip_cmd_enc(out, &c), -EMSGSIZE);
	bytes_clear(out);
	assert_int_equal(bip_resp_enc(out, &r), 0);
	assert_int_equal(out->len, 5 + 255);
	r.data.len++;
	assert_int_equal(bip_resp_enc(out, &r), -EMSGSIZE);
	bytes_clear(out);
	assert_int_equal(bip_env_enc(out, &e), 0);
	e.tpdu.len = 250;
	assert_int_equal(bip_env_enc(out, &e), -EMSGSIZE);
}

static void values(void **state)
{
	uint8_t v[3];
	unsigned s;

	bip_timer_enc(v, 180);
	assert_memory_equal(v, "\x00\x30\x00", 3);	/* bip.json: 3 minutes */
	bip_timer_enc(v, 36610);
	assert_memory_equal(v, "\x01\x01\x01", 3);
	assert_int_equal(bip_timer_dec(&s, (struct bip_str){ v, 3 }), 0);
	assert_int_equal(s, 36610);
	assert_int_equal(bip_timer_dec(&s, (struct bip_str){ (uint8_t[]){ 0, 6, 0x06 }, 3 }), -EINVAL);
	assert_int_equal(bip_duration_dec(&s, (struct bip_str){ (uint8_t[]){ 0, 0x1E }, 2 }), 0);
	assert_int_equal(s, 1800);
	assert_int_equal(bip_duration_dec(&s, (struct bip_str){ (uint8_t[]){ 2, 11 }, 2 }), 0);
	assert_int_equal(s, 2);
	assert_int_equal(bip_duration_dec(&s, (struct bip_str){ (uint8_t[]){ 3, 11 }, 2 }), -EINVAL);
}

static void ctlv_lengths(void **state)
{
	uint8_t big[300] = { 7 };
	struct bytes *b = bytes_new(root, 0);
	static const size_t lens[] = { 0, 127, 128, 255, 256, 300 };
	struct rd r;
	struct ctlv t;

	for (size_t i = 0; i < 6; i++)
		assert_int_equal(ctlv_put(b, 0x36 | CTLV_CR, big, lens[i]), 0);
	rd_init(&r, b->data, b->len);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(ctlv_next(&r, &t), 1);
		assert_int_equal(t.tag, 0x36);
		assert_true(t.cr);
		assert_int_equal(t.len, lens[i]);
	}
	assert_int_equal(ctlv_next(&r, &t), 0);
	assert_int_equal(ctlv_find((uint8_t[]){ 0x81, 1, 5, 0x02, 1, 6 }, 6, 0x82, &t), 0);
	assert_int_equal(t.v[0], 6);
	assert_int_equal(ctlv_find((uint8_t[]){ 0x81, 1, 5 }, 3, 0x82, &t), -ENOENT);
	assert_int_equal(ctlv_find((uint8_t[]){ 0x81, 2, 5 }, 3, 0x82, &t), -EINVAL);
	assert_int_equal(ctlv_find((uint8_t[]){ 0x00, 0 }, 2, 0x82, &t), -EINVAL);
	assert_int_equal(ctlv_find((uint8_t[]){ 0x7F, 0x80, 0x11, 1, 5 }, 5, 0x11, &t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(vectors_bip, setup, teardown),
		cmocka_unit_test_setup_teardown(vectors_sms, setup, teardown),
		cmocka_unit_test_setup_teardown(open_fields, setup, teardown),
		cmocka_unit_test_setup_teardown(open_local, setup, teardown),
		cmocka_unit_test_setup_teardown(limits, setup, teardown),
		cmocka_unit_test_setup_teardown(values, setup, teardown),
		cmocka_unit_test_setup_teardown(ctlv_lengths, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
