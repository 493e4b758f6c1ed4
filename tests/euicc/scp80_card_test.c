/* SCP80 as the card does it: every algorithm, every SPI, counter modes, how it answers, scripts in all forms. Truth
 * from outside: the OTA digest's tables (1.2, 1.7, 1.8, 4.5) and a packet with its answer from a foreign soft-SIM.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/sms/concat.h>
#include <osmocom/rsp/util/misc.h>

#include "../../src/euicc/card_cat.h"
#include "../../src/euicc/card_db.h"
#include "card_rig.h"

#define GET_STATUS "AA0A220880F24002024F0000"

static const struct { const char *name; enum key_type type; const char *kic, *kid; } kinds[] = {
	{ "AES-128", KEY_TYPE_AES, "000102030405060708090A0B0C0D0E0F", "101112131415161718191A1B1C1D1E1F" },
	{ "AES-192", KEY_TYPE_AES, "000102030405060708090A0B0C0D0E0F0001020304050607",
	  "101112131415161718191A1B1C1D1E1F1011121314151617" },
	{ "AES-256", KEY_TYPE_AES, "000102030405060708090A0B0C0D0E0F000102030405060708090A0B0C0D0E0F",
	  "101112131415161718191A1B1C1D1E1F101112131415161718191A1B1C1D1E1F" },
	{ "3DES, two keys", KEY_TYPE_DES, "0123456789ABCDEFFEDCBA9876543210", "00112233445566778899AABBCCDDEEFF" },
	{ "3DES, three keys", KEY_TYPE_DES, "0123456789ABCDEFFEDCBA98765432101122334455667788",
	  "00112233445566778899AABBCCDDEEFF1021324354657687" },
};

static char *send(struct rig *r, uint8_t spi1, uint8_t spi2, uint64_t cntr, const char *payload, int *status)
{
	struct scp80_sec sec = { .spi1 = spi1, .spi2 = spi2, .kic_octet = 0x10 | scp80_alg_of(r->kic),
				 .kid_octet = 0x10 | scp80_alg_of(r->kid), .tar = SCP80_TAR_ISD_R, .cntr = cntr };
	struct bytes *p = bytes_from_hex(r->ctx, payload);
	char *hex;

	if ((spi1 & 3) == 1 || ((spi2 >> 2) & 3) == 1)
		sec.kid_octet = 0x15;	/* CRC-32 */
	hex = rig_secured(r, &sec, p->data, p->len, status);
	talloc_free(p);
	return hex;
}

/* Checks of a command and of its response that can be in one packet: CRC and CC share the KID octet, so not both
 * (but for 3DES of two keys, whose number is CRC-32's too). */
static bool fits(const struct rig *r, uint8_t spi1, uint8_t spi2)
{
	unsigned a = spi1 & 3, b = (spi2 >> 2) & 3;

	if (a == 3 || b == 3)
		return false;
	return !((a == 1 && b == 2) || (a == 2 && b == 1)) || scp80_alg_of(r->kid) == 0x05;
}

/* digest 1.2: each SPI, on a card without minimum security; answered as SPI2 says, or not at all. */
static void matrix(struct rig *r)
{
	unsigned spi1, spi2, n = 0;
	uint64_t cntr = 0;
	int status;

	r->env->cfg.msl_none = true;
	for (spi1 = 0; spi1 < 0x20; spi1++) {
		for (spi2 = 0; spi2 < 0x40; spi2++) {
			char *hex;

			if (!fits(r, spi1, spi2) || (spi2 & 3) == 3)
				continue;
			hex = send(r, spi1, spi2, ++cntr, GET_STATUS, &status);
			n++;
			if ((spi2 & 3) != 1) {	/* none, or only on error */
				assert_null(hex);
				assert_int_equal(r->n_sms, 0);
				continue;
			}
			assert_int_equal(status, SCP80_ST_OK);
			assert_memory_equal(hex, "AB", 2);
			assert_int_equal(r->n_sms, spi2 & 0x20 ? 1 : 0);
			assert_int_equal(r->inline_status, spi2 & 0x20 ? SCP80_ST_BY_SUBMIT : SCP80_ST_OK);
			talloc_free(hex);
		}
	}
	print_message("%u combinations\n", n);
}

static void test_matrix(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct rig *r = rig_new_keys(kinds[i].type, kinds[i].kic, kinds[i].kid);

		print_message("%s: ", kinds[i].name);
		rig_power(r);
		matrix(r);
		rig_free(r);
	}
}

/* SGP.02 2.4.3: less than counter higher, ciphering and checksum is refused by a card of the field, whatever the
 * keys. */
static void test_level(void **state)
{
	struct rig *r = rig_new(kinds[0].kic, kinds[0].kid);
	uint8_t spi1;
	int status;

	rig_power(r);
	for (spi1 = 0; spi1 < 0x20; spi1++) {
		if ((spi1 & 3) == 3)
			continue;
		send(r, spi1, 0x39 & ((spi1 & 3) == 1 ? ~0x1C : 0xFF), 0x100 + spi1, GET_STATUS, &status);
		if ((spi1 & 3) != 2)		/* anybody could have made it: not a word */
			assert_int_equal(status, -1);
		else if ((spi1 & 0x17) == 0x16)
			assert_int_equal(status, spi1 == 0x16 ? SCP80_ST_OK : SCP80_ST_CNTR_HIGH);
		else
			assert_int_equal(status, SCP80_ST_LEVEL);
	}
	rig_free(r);
}

/* digest 1.8, the whole table; scp80.json counter_rules. The stored value survives a restart, and so it must. */
static void test_counters(void **state)
{
	static const struct { uint8_t mode; uint64_t stored, received; int status; uint64_t after; } rules[] = {
		{ 0, 5, 1, 0, 5 }, { 1, 5, 1, 0, 5 },
		{ 2, 5, 6, 0, 6 }, { 2, 5, 0x100, 0, 0x100 }, { 2, 5, 5, 2, 5 }, { 2, 5, 4, 2, 5 },
		{ 2, 0xFFFFFFFFFF, 1, 4, 0xFFFFFFFFFF }, { 3, 5, 6, 0, 6 }, { 3, 5, 7, 3, 5 }, { 3, 5, 5, 2, 5 },
		{ 3, 0xFFFFFFFFFF, 1, 4, 0xFFFFFFFFFF },
	};
	struct rig *r = rig_new(kinds[0].kic, kinds[0].kid);
	size_t i;
	int status;

	rig_power(r);
	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		r->env->cfg.msl_none = true;
		r->card->cntr[1] = rules[i].stored;
		card_db_cntr_save(r->card, 1);
		send(r, 0x06 | rules[i].mode << 3, 0x39, rules[i].received, GET_STATUS, &status);
		assert_int_equal(status, rules[i].status);
		rig_restart(r);
		rig_power(r);
		assert_true(r->card->cntr[1] == rules[i].after);
	}
	rig_free(r);
}

/* digest 2.4: what does not fit the ENVELOPE's answer goes by SMS-SUBMIT though SPI2 asks for the report. */
static void test_long_answer(void **state)
{
	struct rig *r = rig_new(kinds[0].kic, kinds[0].kid);
	struct bytes *script = bytes_new(r->ctx, 0);
	char *hex;
	int status, i;

	rig_power(r);
	bytes_put_hex(script, "AA64");
	for (i = 0; i < 10; i++)
		bytes_put_hex(script, "220880F24002024F0000");
	hex = send(r, 0x16, 0x19, 1, bytes_hex(r->ctx, script->data, script->len), &status);
	assert_int_equal(status, SCP80_ST_OK);
	assert_int_equal(r->inline_status, SCP80_ST_BY_SUBMIT);
	assert_true(r->n_sms > 1);	/* MO concatenation */
	assert_true(strlen(hex) > 280);
	rig_free(r);
}

/* PoR only on error (3A): silence, then the error. */
static void test_por_on_error(void **state)
{
	struct rig *r = rig_new(kinds[0].kic, kinds[0].kid);
	int status;

	rig_power(r);
	assert_null(send(r, 0x16, 0x3A, 9, GET_STATUS, &status));
	assert_non_null(send(r, 0x16, 0x3A, 9, GET_STATUS, &status));
	assert_int_equal(status, SCP80_ST_CNTR_LOW);
	rig_free(r);
}

/* digest 4: compact and expanded, definite and indefinite, chaining, bad formats. */
static void test_scripts(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "80F24002024F0000", "019000E3" },		/* compact: data of the last */
		{ "80CA00CF0080CA00CF00", "01" },			/* the first fails: it is the last */
		{ "AE80220880F24002024F00000000", "AF80" },
		{ "AA0322010A", "AB0780010123026700" },		/* a C-APDU of one octet */
		{ "AA03330100", "AB06800101900101" },		/* unknown tag at the first position */
		{ "AA0C220880F24002024F00003301", "AB" },	/* a length that runs out of the template */
		{ "AA05", "AB06800100900102" },				/* out of the packet */
		{ "AA0583010122", "AB" },
		{ "AA03830102", "AB06800100830101" },		/* chaining: no previous script */
	};
	struct rig *r = rig_new(kinds[0].kic, kinds[0].kid);
	size_t i;
	char *hex;
	int status;

	rig_power(r);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		hex = send(r, 0x16, 0x39, i + 1, t[i].in, &status);
		assert_int_equal(status, SCP80_ST_OK);
		print_message("%s: %s\n", t[i].in, hex);
		assert_memory_equal(hex, t[i].out, strlen(t[i].out));
	}
	rig_free(r);
}

/* The exchange of a foreign soft-SIM (scp80.json, external): the packet opens under its keys with its own padding
 * octets; there is no B00011 on an eUICC, and that is said under the same keys. */
static void test_external(void **state)
{
	static const struct scp80_sec sec = { .spi1 = 0x16, .spi2 = 0x39, .kic_octet = 0x32, .kid_octet = 0x32 };
	struct rig *r = rig_new("00112233445566778899AABBCCDDEEFF", "0123456789ABCDEF0123456701234567");
	struct bytes *out = bytes_new(r->ctx, 0), *resp;
	struct scp80_rsp rsp;
	size_t len;
	const uint8_t *ud;

	card_key_set(r->card, 3, 1, key_dup(r->ctx, r->kic));
	card_key_set(r->card, 3, 2, key_dup(r->ctx, r->kid));
	rig_power(r);
	rig_clear(r);
	resp = rig_apdu_hex(r, "80C200005BD15982028381860510426587F98B4C60039121437FF6624080119342803D02700000381516393232"
			       "B00011D5CBCBD7AD00EDCAE5FB251618E04ED8502924DBAD65B15BE802A9D9E28267110D433C06103268DB6A2A"
			       "9D618FE8AB74");
	assert_true(resp->len > 5);	/* announced (0B), as that card did */
	assert_int_equal(scp80_rsp_dec(out, &rsp, &sec, r->kic, r->kid, resp->data + 3, resp->len - 5), 0);
	assert_int_equal(rsp.status, SCP80_ST_BY_SUBMIT);
	talloc_free(resp);
	rig_pump(r);
	ud = rig_last_ud(r, &len);
	assert_int_equal(scp80_rsp_dec(out, &rsp, &sec, r->kic, r->kid, ud + 3, len - 3), 0);
	assert_int_equal(rsp.status, SCP80_ST_TAR_UNKNOWN);
	assert_int_equal(rsp.tar, 0xB00011);
	assert_true(rsp.cntr == 1);
	rig_free(r);
}

/* --- messages --- */

/* A packet in parts, last first, each twice: run once. */
static void test_mt_order(void **state)
{
	const struct scp80_sec sec = { .spi1 = 0x16, .spi2 = 0x39, .kic_octet = 0x12, .kid_octet = 0x12, .tar = 1,
				       .cntr = 1 };
	struct rig *r = rig_new(kinds[0].kic, kinds[0].kid);
	struct bytes *script = bytes_new(r->ctx, 0), *packet = bytes_new(r->ctx, 0);
	struct concat_part parts[8];
	int i, n;

	rig_power(r);
	rig_clear(r);
	bytes_put_hex(script, "AA81C8");
	for (i = 0; i < 20; i++)
		bytes_put_hex(script, "220880F24002024F0000");
	assert_int_equal(scp80_cmd_enc(packet, &sec, r->kic, r->kid, script->data, script->len), 0);
	n = concat_cut_to(parts, 8, 0x70, 7, packet->data, packet->len, 100);
	assert_true(n >= 3);
	for (i = 2 * n - 1; i >= 0; i--)
		rig_ud(r, parts[i / 2].ud, parts[i / 2].len);
	rig_pump(r);
	assert_int_equal(r->card->scripts, 1);
	assert_true(r->n_sms >= 2);
	rig_free(r);
}

/* A card that takes 130 octets a message (issue 3, faults): more is refused, and it sends no more itself. */
static void test_sms_limit(void **state)
{
	struct rig *r = rig_new(kinds[0].kic, kinds[0].kid);
	uint8_t ud[140] = { 0x02, 0x70, 0x00 };
	char *hex;
	int status;
	unsigned i;

	rig_power(r);
	fault_set(r->card->faults, FAULT_SMS_LIMIT, 130);
	rig_ud(r, ud, 140);
	assert_int_equal(r->sw, 0x6700);
	rig_ud(r, ud, 131);
	assert_int_equal(r->sw, 0x6700);
	rig_ud(r, ud, 130);
	assert_int_equal(r->sw, 0x9000);
	assert_int_equal(fault_count(r->card->faults, FAULT_SMS_LIMIT), 2);
	assert_int_equal(fault_count(r->env->faults, FAULT_SMS_LIMIT), 2);
	hex = send(r, 0x16, 0x39, 1, "AA32" "220880F24002024F0000" "220880F24002024F0000" "220880F24002024F0000"
		   "220880F24002024F0000" "220880F24002024F0000", &status);
	assert_int_equal(status, SCP80_ST_OK);
	assert_non_null(hex);
	assert_true(r->n_sms > 1);
	for (i = 0; i < r->n_sms; i++)
		assert_true(r->sms[i]->len <= 130);
	rig_free(r);
}

/* Proof of receipt twice, late, never. */
static void test_por_faults(void **state)
{
	struct rig *r = rig_new(kinds[0].kic, kinds[0].kid);
	int status;

	rig_power(r);
	fault_set(r->card->faults, FAULT_POR_TWICE, 100);
	assert_non_null(send(r, 0x16, 0x39, 1, GET_STATUS, &status));
	assert_int_equal(r->n_sms, 2);
	fault_set(r->card->faults, FAULT_POR_TWICE, 0);
	fault_set(r->card->faults, FAULT_POR_LATE, 7);
	send(r, 0x16, 0x39, 2, GET_STATUS, &status);
	assert_int_equal(r->n_sms, 0);
	assert_int_equal(r->timer[CARD_TIMER_POR], 7);
	rig_timer(r, CARD_TIMER_POR);
	assert_int_equal(r->n_sms, 1);
	fault_set(r->env->faults, FAULT_POR_NONE, 100);	/* of all cards */
	send(r, 0x16, 0x39, 3, GET_STATUS, &status);
	assert_int_equal(r->n_sms, 0);
	assert_int_equal(r->inline_status, -1);
	fault_set(r->card->faults, FAULT_POR_NONE, 0);	/* but not of this one */
	fault_set(r->card->faults, FAULT_POR_LATE, 0);
	send(r, 0x16, 0x39, 4, GET_STATUS, &status);
	assert_int_equal(r->n_sms, 1);
	rig_free(r);
}

/* The status codes an SGP.02 card does not send, from one without minimum security (digest 1.7). */
static void test_refusals(void **state)
{
	static const struct { const char *what; size_t bend, cut; int status; } t[] = {
		{ "checksum", 30, 0, SCP80_ST_CC_FAILED }, { "length", 0, 3, SCP80_ST_CIPHER },
		{ "key", 5, 0, SCP80_ST_SECURITY },
	};
	struct rig *r = rig_new(kinds[0].kic, kinds[0].kid);
	struct scp80_sec sec = { .spi1 = 0x16, .spi2 = 0x21, .kic_octet = 0x12, .kid_octet = 0x12, .tar = 1, .cntr = 1 };
	struct bytes *p = bytes_from_hex(r->ctx, GET_STATUS), *packet = bytes_new(r->ctx, 0), *out = bytes_new(r->ctx, 0);
	struct scp80_rsp rsp;
	size_t i, len;
	const uint8_t *ud;
	unsigned level;

	rig_power(r);
	for (level = 0; level < 2; level++) {
		r->env->cfg.msl_none = level;
		for (i = 0; i < ARRAY_SIZE(t); i++) {
			bytes_clear(packet);
			assert_int_equal(scp80_cmd_enc(packet, &sec, r->kic, r->kid, p->data, p->len), 0);
			packet->data[t[i].bend] ^= t[i].bend == 5 ? 0x70 : t[i].bend ? 1 : 0;
			packet->len -= t[i].cut;
			packet->data[1] -= t[i].cut;
			rig_clear(r);
			talloc_free(rig_packet(r, packet->data, packet->len));
			rig_pump(r);
			assert_int_equal(r->n_sms, level);
			if (!level)
				continue;
			ud = rig_last_ud(r, &len);
			assert_int_equal(scp80_rsp_dec(out, &rsp, &sec, NULL, NULL, ud + 3, len - 3), 0);
			print_message("%s: %s\n", t[i].what, scp80_status_text(rsp.status));
			assert_int_equal(rsp.status, t[i].status);
		}
	}
	assert_int_equal(r->card->scripts, 0);
	rig_free(r);
}

/* An answer longer than a packet: 07, after the announcement; asked for in the report but late: 08, then the answer. */
static void test_memory_and_more_time(void **state)
{
	struct rig *r = rig_new(kinds[0].kic, kinds[0].kid);
	struct bytes *script = bytes_new(r->ctx, 0);
	int status, i;

	rig_power(r);
	bytes_put_hex(script, "AA820320");
	for (i = 0; i < 80; i++)
		bytes_put_hex(script, "220880F24002024F0000");
	send(r, 0x16, 0x39, 1, bytes_hex(r->ctx, script->data, script->len), &status);
	assert_int_equal(status, SCP80_ST_MEMORY);
	assert_int_equal(r->card->scripts, 1);
	fault_set(r->card->faults, FAULT_POR_LATE, 5);
	send(r, 0x16, 0x19, 2, GET_STATUS, &status);
	assert_int_equal(r->inline_status, SCP80_ST_MORE_TIME);
	assert_int_equal(r->n_sms, 0);
	rig_timer(r, CARD_TIMER_POR);
	assert_int_equal(r->n_sms, 1);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matrix), cmocka_unit_test(test_level), cmocka_unit_test(test_counters),
		cmocka_unit_test(test_long_answer), cmocka_unit_test(test_por_on_error), cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_external), cmocka_unit_test(test_mt_order), cmocka_unit_test(test_sms_limit),
		cmocka_unit_test(test_por_faults), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_memory_and_more_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
