/* ids.c, clock.c against numbers printed in the specifications.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <talloc.h>
#include <cmocka.h>

#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/misc.h>

static void assert_hex(const uint8_t *b, size_t len, const char *hex)
{
	uint8_t want[64];

	assert_int_equal(hex_dec(want, sizeof(want), hex), len);
	assert_memory_equal(b, want, len);
}

/* The EID of SGP.02's examples (card-side.md 1.2) */
static void test_eid(void **state)
{
	struct eid eid;
	char str[EID_STR_SIZE];

	assert_int_equal(eid_from_str(&eid, "89001012012341234012345678901224"), 0);
	assert_hex(eid.b, 16, "89001012012341234012345678901224");
	assert_string_equal(eid_str(str, &eid), "89001012012341234012345678901224");
	eid.b[15] = 0x99;
	assert_false(eid_valid(&eid));
	eid_set_check_digits(&eid);
	assert_int_equal(eid.b[15], 0x24);
	assert_true(eid_valid(&eid));
	assert_int_equal(eid_from_str(&eid, "89001012012341234012345678901225"), -EINVAL);
	assert_int_equal(eid_from_str(&eid, "8900101201234123401234567890122"), -EINVAL);
	assert_int_equal(eid_from_str(&eid, "890010120123412340123456789012240"), -EINVAL);
	assert_int_equal(eid_from_str(&eid, "8900101201234123401234567890122A"), -EINVAL);
}

/* ICCID of the TS.48 profiles: ProfileHeader 89000123456789012341, EF.ICCID 98001032547698103214 */
static void test_iccid(void **state)
{
	char str[ICCID_STR_SIZE];
	uint8_t b[10];

	assert_int_equal(iccid_from_str(str, "8900012345678901234F"), 0);
	assert_string_equal(str, "8900012345678901234");
	iccid_to_bcd(b, str);
	assert_hex(b, 10, "8900012345678901234F");
	iccid_to_ef(b, str);
	assert_hex(b, 10, "980010325476981032F4");
	iccid_to_bcd(b, "89000123456789012341");
	assert_int_equal(iccid_from_bcd(str, b), 0);
	assert_string_equal(str, "89000123456789012341");
	assert_int_equal(iccid_from_str(str, "890001234567890123"), -EINVAL);
	assert_int_equal(iccid_from_str(str, "890001234567890123412"), -EINVAL);
	assert_int_equal(iccid_luhn("8900012345678901234"), 1);	/* 89000123456789012341 */
	assert_int_equal(iccid_luhn("7992739871"), 3);		/* the textbook's number */
}

static void test_bcd(void **state)
{
	uint8_t b[8];
	char str[16];

	assert_int_equal(bcd_swapped_enc(b, sizeof(b), "12345"), 3);
	assert_hex(b, 3, "2143F5");
	assert_int_equal(bcd_swapped_dec(str, sizeof(str), b, 3), 5);
	assert_string_equal(str, "12345");
	assert_int_equal(bcd_swapped_dec(str, 5, b, 3), -ENOSPC);
	assert_int_equal(bcd_swapped_enc(b, 2, "12345"), -ENOSPC);
	assert_int_equal(bcd_swapped_enc(b, 8, "12a"), -EINVAL);
	assert_true(digits_valid("001010123456789", 6, 15));
	assert_false(digits_valid("0010101234567890", 6, 15));
	assert_false(digits_valid("+49", 3, 15));
}

/* SGP.02 Annex H (card-side.md 1.1) */
static void test_aid(void **state)
{
	struct aid a, b;
	char str[AID_STR_SIZE];

	assert_string_equal(aid_str(str, &aid_isd_r), "A0000005591010FFFFFFFF8900000100");
	assert_string_equal(aid_str(str, &aid_ecasd), "A0000005591010FFFFFFFF8900000200");
	assert_string_equal(aid_str(str, &aid_isdp_file), "A0000005591010FFFFFFFF8900000D00");
	assert_string_equal(aid_str(str, &aid_isdp_module), "A0000005591010FFFFFFFF8900000E00");
	aid_isdp(&a, 0x13);
	assert_int_equal(aid_from_hex(&b, "A0000005591010FFFFFFFF8900001300"), 0);
	assert_true(aid_eq(&a, &b));
	assert_int_equal(aid_tar(&a), 0x000013);
	assert_int_equal(aid_from_hex(&b, "A0000005"), -EINVAL);
	assert_int_equal(aid_from_hex(&b, "A0000005591010FFFFFFFF890000130000"), -EINVAL);
}

static void test_oid(void **state)
{
	uint8_t b[32];

	assert_int_equal(oid_enc(b, sizeof(b), "1.2.840.113549"), 6);	/* X.690 tutorial example: RSADSI */
	assert_hex(b, 6, "2A864886F70D");
	assert_int_equal(oid_enc(b, sizeof(b), "2.999.3"), 3);		/* X.690 8.19.5 example */
	assert_hex(b, 3, "883703");
	assert_true(oid_valid("1.3.6.1.4.1.46304.992.1.1"));
	assert_false(oid_valid("1"));
	assert_false(oid_valid("3.1"));
	assert_false(oid_valid("1.40"));
	assert_false(oid_valid("1.2."));
	assert_false(oid_valid("1.2..3"));
	assert_false(oid_valid("1.02"));
	assert_false(oid_valid("1.2.x"));
	assert_false(oid_valid("1.2.99999999999"));
	assert_int_equal(oid_enc(b, 3, "1.2.840.113549"), -ENOSPC);
}

static void test_clock(void **state)
{
	char str[CLOCK_STR_SIZE];
	int64_t t;

	assert_string_equal(clock_str(str, 1795514400), "2026-11-24T10:00:00Z");
	assert_int_equal(clock_parse(&t, "2026-11-24T10:00:00Z"), 0);
	assert_int_equal(t, 1795514400);
	assert_int_equal(clock_parse(&t, "2026-11-24T11:30:00.123+01:30"), 0);
	assert_int_equal(t, 1795514400);
	assert_int_equal(clock_parse(&t, "2026-11-24T05:00:00-05:00"), 0);
	assert_int_equal(t, 1795514400);
	assert_int_equal(clock_parse(&t, "2026-02-31T10:00:00Z"), -EINVAL);
	assert_int_equal(clock_parse(&t, "2026-11-24 10:00:00Z"), -EINVAL);
	assert_int_equal(clock_parse(&t, "2026-11-24T10:00:00Zx"), -EINVAL);
	assert_int_equal(clock_parse(&t, "2026-11-24T10:00:00."), -EINVAL);
	assert_int_equal(clock_parse(&t, ""), -EINVAL);
	clock_override(1795514400500);
	assert_int_equal(clock_now(), 1795514400);
	assert_int_equal(clock_now_ms(), 1795514400500);
	clock_override(-1);
	assert_true(clock_now() != 1795514400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eid), cmocka_unit_test(test_iccid), cmocka_unit_test(test_bcd),
		cmocka_unit_test(test_aid), cmocka_unit_test(test_oid), cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
