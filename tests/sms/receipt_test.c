/* Delivery receipts as SMSCs write them (SMPP 3.4 appendix B and what vendors make of it), and the ones of smpp.json.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <osmocom/rsp/sms/receipt.h>

#include "vectors.h"

static struct smpp_sm with_text(const char *text)
{
	struct smpp_sm sm = { .esm_class = SMPP_ESM_RECEIPT, .ud_len = strlen(text) };

	assert_true(sm.ud_len <= sizeof(sm.ud));
	memcpy(sm.ud, text, sm.ud_len);
	return sm;
}

static void texts(void **state)
{
	static const struct { const char *text, *id; enum smpp_state state; } t[] = {
		/* appendix B */
		{ "id:0123456789 sub:001 dlvrd:001 submit date:2411240800 done date:2411240801 stat:DELIVRD err:000 text:", "0123456789",
		  SMPP_STATE_DELIVERED },
		{ "id:4A0C11B2 sub:001 dlvrd:000 submit date:241124080000 done date:241124080500 stat:EXPIRED err:027 Text:..", "4A0C11B2",
		  SMPP_STATE_EXPIRED },
		{ "ID:7 SUB:001 DLVRD:000 STAT:UNDELIV ERR:001", "7", SMPP_STATE_UNDELIVERABLE },
		{ "id: 99 stat: REJECTD", "99", SMPP_STATE_REJECTED },
		{ "stat:DELIVERED id:abc-d.e", "abc-d.e", SMPP_STATE_DELIVERED },
		{ "id:1 status:DELETED", "1", SMPP_STATE_DELETED },
		{ "id:1 stat:ACCEPTD", "1", SMPP_STATE_ACCEPTED },
		{ "id:1 stat:ENROUTE", "1", SMPP_STATE_ENROUTE },
		{ "id:1 stat:2", "1", SMPP_STATE_DELIVERED },
		{ "stat:UNKNOWN", "", SMPP_STATE_UNKNOWN },
	};
	struct smpp_sm sm;
	struct receipt r;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		sm = with_text(t[i].text);
		assert_int_equal(receipt_dec(&r, &sm), 0);
		assert_string_equal(r.id, t[i].id);
		assert_int_equal(r.state, t[i].state);
		for (size_t n = 0; n < strlen(t[i].text); n++) {
			sm.ud_len = n;
			receipt_dec(&r, &sm);	/* only the sanitizer judges */
		}
	}
	sm = with_text("id:1 stat:");
	assert_int_equal(receipt_dec(&r, &sm), -EINVAL);
	sm = with_text("hello");
	assert_int_equal(receipt_dec(&r, &sm), -EINVAL);
	sm = with_text("grid:1 thermostat:DELIVRD");
	assert_int_equal(receipt_dec(&r, &sm), -EINVAL);
}

/* Optional parameters win over the text. */
static void parameters(void **state)
{
	struct smpp_sm sm = with_text("id:1 stat:ENROUTE");
	struct receipt r;

	sm.state = SMPP_STATE_EXPIRED;
	strcpy(sm.receipt_id, "2");
	sm.has_user_ref = true;
	sm.user_ref = 77;
	assert_int_equal(receipt_dec(&r, &sm), 0);
	assert_string_equal(r.id, "2");
	assert_int_equal(r.state, SMPP_STATE_EXPIRED);
	assert_int_equal(r.ref, 77);
}

static void ids(void **state)
{
	assert_true(receipt_id_equal("abc", "ABC"));
	assert_true(receipt_id_equal("0012", "12"));
	assert_true(receipt_id_equal("1AF0", "6896"));		/* answered in hex, reported in decimal */
	assert_true(receipt_id_equal("6896", "00001af0"));
	assert_false(receipt_id_equal("1AF0", "6897"));
	assert_false(receipt_id_equal("", "0"));
	assert_false(receipt_id_equal("msg-1", "msg-2"));
	assert_true(receipt_id_equal("0", "000"));
	assert_false(receipt_id_equal("12345678901234567890", "1"));
}

static void written(void **state)
{
	for (enum smpp_state s = SMPP_STATE_ENROUTE; s <= SMPP_STATE_REJECTED; s++) {
		struct smpp_sm sm = {};
		struct receipt r;

		assert_int_equal(receipt_enc(&sm, "af12", s), 0);
		assert_int_equal(receipt_dec(&r, &sm), 0);
		assert_int_equal(r.state, s);
		assert_string_equal(r.id, "af12");
	}
}

/* OsmoMSC's: a constant id, the reference in its optional parameter */
static void vectors(void **state)
{
	json_t *j = vectors_load("smpp.json"), *v;
	void *root = j ? talloc_new(NULL) : NULL;
	struct receipt r;
	size_t i, n = 0;

	if (!j)
		skip();
	json_array_foreach(json_object_get(j, "vectors"), i, v) {
		struct bytes *b = vectors_hex(root, v, "pdu");
		struct smpp_pdu pdu;

		assert_int_equal(smpp_pdu_dec(&pdu, b->data, b->len), 0);
		if (pdu.id != SMPP_DELIVER_SM || !(pdu.sm.esm_class & SMPP_ESM_RECEIPT))
			continue;
		assert_int_equal(receipt_dec(&r, &pdu.sm), 0);
		assert_string_equal(r.id, "00000001");
		assert_int_equal(r.state, SMPP_STATE_DELIVERED);
		assert_true(r.has_ref);
		assert_int_equal(r.ref, 2);
		n++;
	}
	assert_int_equal(n, 1);
	talloc_free(root);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts), cmocka_unit_test(parameters), cmocka_unit_test(ids), cmocka_unit_test(written),
		cmocka_unit_test(vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
