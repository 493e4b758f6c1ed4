/* SMPP PDUs against smpp.json (SMPP 3.4, OsmoMSC 1.9.0): decoded, encoded to the same octets, cut and bent.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <osmocom/core/talloc.h>

#include <osmocom/rsp/sms/smpp_pdu.h>

#include "vectors.h"

static void set_len(uint8_t *pdu, size_t len)
{
	pdu[0] = pdu[1] = 0;
	pdu[2] = len >> 8;
	pdu[3] = len & 0xFF;
}

/* A shorter PDU whose length field is true: refused, or whole without its optional parameters or its body. */
static void check_cuts(const char *name, const struct bytes *b, const struct smpp_pdu *whole)
{
	for (size_t n = 0; n < b->len; n++) {
		uint8_t *cut = vectors_exact(b->data, n);
		struct smpp_pdu pdu;

		if (n >= 16) {
			assert_int_equal(smpp_frame(cut, n), 0);	/* the length field speaks of more */
			set_len(cut, n);
			assert_int_equal(smpp_frame(cut, n), n);
		}
		if (smpp_pdu_dec(&pdu, cut, n) == 0) {
			bool no_body = n == 16 && (whole->id & SMPP_RESP);
			bool no_tlv = (whole->id == SMPP_ALERT && n == b->len - 5) ||
				      ((whole->id == SMPP_SUBMIT_SM || whole->id == SMPP_DELIVER_SM) &&
				       (whole->sm.payload || whole->sm.has_user_ref) && n < b->len - 5);

			if (!no_body && !no_tlv)
				fail_msg("%s: %zu of %zu octets taken", name, n, b->len);
		}
		free(cut);
	}
}

static void check_flips(const struct bytes *b)
{
	for (size_t i = 0; i < b->len * 8; i++) {
		uint8_t *bent = vectors_exact(b->data, b->len);
		struct smpp_pdu pdu;

		bent[i / 8] ^= 1 << (i % 8);
		smpp_pdu_dec(&pdu, bent, b->len);	/* only the sanitizer judges */
		free(bent);
	}
}

static void vectors(void **state)
{
	json_t *j = vectors_load("smpp.json"), *v;
	void *root = j ? talloc_new(NULL) : NULL;
	size_t i, n = 0;

	if (!j)
		skip();
	json_array_foreach(json_object_get(j, "vectors"), i, v) {
		struct bytes *b = vectors_hex(root, v, "pdu"), *out = bytes_new(root, 0);
		struct smpp_pdu pdu;

		assert_int_equal(smpp_frame(b->data, b->len), b->len);
		if (smpp_pdu_dec(&pdu, b->data, b->len) != 0)
			fail_msg("%s refused", vectors_str(v, "name"));
		assert_int_equal(smpp_pdu_enc(out, &pdu), 0);
		if (out->len != b->len || memcmp(out->data, b->data, b->len))
			fail_msg("%s: %s", vectors_str(v, "name"), bytes_hex(root, out->data, out->len));
		check_cuts(vectors_str(v, "name"), b, &pdu);
		check_flips(b);
		n++;
	}
	assert_true(n >= 20);
	talloc_free(root);
	json_decref(j);
}

/* OsmoMSC's deliver_sm and our submit_sm, field by field (smpp.json; ota-transport 3.4) */
static void fields(void **state)
{
	void *root = talloc_new(NULL);
	struct bytes *b = bytes_from_hex(root, "00000063000000050000000000000007434D5400030134393137323030303030303100010131"
		"30303100417F0000000000020029027100002412000001EF199DC12FB02C40F83C991B1F72E2C1983C7768AD4FCF5B8CB60062F12D"
		"02A9020400020000");
	struct smpp_pdu pdu;

	assert_int_equal(smpp_pdu_dec(&pdu, b->data, b->len), 0);
	assert_int_equal(pdu.id, SMPP_DELIVER_SM);
	assert_int_equal(pdu.seq, 7);
	assert_string_equal(pdu.sm.service_type, "CMT");
	assert_string_equal(pdu.sm.src.digits, "491720000001");
	assert_int_equal(pdu.sm.src.ton, 3);
	assert_string_equal(pdu.sm.dst.digits, "1001");
	assert_int_equal(pdu.sm.esm_class, 0x41);
	assert_int_equal(pdu.sm.protocol_id, 0x7F);
	assert_int_equal(pdu.sm.data_coding, 0x02);
	assert_int_equal(pdu.sm.ud_len, 41);
	assert_memory_equal(pdu.sm.ud, "\x02\x71\x00\x00\x24", 5);
	assert_true(pdu.sm.has_user_ref);
	talloc_free(root);
}

static void framing(void **state)
{
	assert_int_equal(smpp_frame((uint8_t[]){ 0, 0, 0 }, 3), 0);
	assert_int_equal(smpp_frame((uint8_t[]){ 0, 0, 0, 15 }, 4), -EPROTO);
	assert_int_equal(smpp_frame((uint8_t[]){ 0, 0, 8, 1 }, 4), -EPROTO);
	assert_int_equal(smpp_frame((uint8_t[]){ 0xFF, 0, 0, 16 }, 4), -EPROTO);
	assert_int_equal(smpp_frame((uint8_t[]){ 0, 0, 8, 0 }, 4), 0);
}

/* What killed osmo-msc 1.9.0: many empty optional parameters; and unknown commands, which name themselves. */
static void hostile(void **state)
{
	uint8_t pdu[SMPP_PDU_MAX] = { [7] = 0x05, [15] = 0x01 };
	struct smpp_pdu out;
	size_t len = 16 + 17;	/* a deliver_sm of nothing but zeroes */

	set_len(pdu, len);
	assert_int_equal(smpp_pdu_dec(&out, pdu, len), 0);
	for (; len + 4 <= sizeof(pdu); len += 4)
		memcpy(pdu + len, "\x14\x00\x00\x00", 4);
	set_len(pdu, len);
	assert_int_equal(smpp_pdu_dec(&out, pdu, len), -EINVAL);
	memcpy(pdu, (uint8_t[]){ 0, 0, 0, 16, 0, 0, 1, 0x21, 0, 0, 0, 0, 0, 0, 0, 9 }, 16);
	assert_int_equal(smpp_pdu_dec(&out, pdu, 16), -EOPNOTSUPP);
	assert_int_equal(out.id, 0x121);
	assert_int_equal(out.seq, 9);
}

/* data_sm both ways and its answer with a payload; as tshark's dissector reads them, see smpp_dump */
static void data_sm(void **state)
{
	static const char *const hex[] = {
		/* 5.3.2.32: message_payload 02 71 00 AB */
		"00000040" "00000103" "00000000" "00000007" "00" "0301" "3439313732303030303030303100" "0001" "3130303100"
		"40" "00" "F6" "04240004027100AB" "0427000102",
		"00000021" "80000103" "00000000" "00000007" "3161663000" "0424 0008 0271000102030405",
	};
	void *root = talloc_new(NULL);
	struct smpp_pdu p;

	for (int i = 0; i < 2; i++) {
		struct bytes *b = bytes_from_hex(root, hex[i]), *out = bytes_new(root, 0);

		assert_non_null(b);
		set_len(b->data, b->len);
		assert_int_equal(smpp_pdu_dec(&p, b->data, b->len), 0);
		assert_int_equal(smpp_pdu_enc(out, &p), 0);
		assert_int_equal(out->len, b->len);
		assert_memory_equal(out->data, b->data, b->len);
		check_flips(b);
		for (size_t n = 0; n < b->len; n++) {
			uint8_t *cut = vectors_exact(b->data, n);

			if (n >= 4)
				set_len(cut, n);
			smpp_pdu_dec(&p, cut, n);	/* only the sanitizer judges */
			free(cut);
		}
		assert_int_equal(smpp_pdu_dec(&p, b->data, b->len), 0);
		if (i) {
			assert_string_equal(p.text, "1af0");
			assert_int_equal(p.rsp_ud_len, 8);
		} else {
			assert_string_equal(p.sm.src.digits, "4917200000001");
			assert_int_equal(p.sm.esm_class, 0x40);
			assert_int_equal(p.sm.ud_len, 4);
			assert_int_equal(p.sm.state, SMPP_STATE_DELIVERED);
		}
	}
	talloc_free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors), cmocka_unit_test(fields), cmocka_unit_test(framing), cmocka_unit_test(hostile),
		cmocka_unit_test(data_sm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
