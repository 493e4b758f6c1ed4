/* The simulated card, driven by APDUs. Truth from outside: the worked examples of the card-side digest (third-party
 * packets and computed ones, sections named) and of the OTA digest.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "card_help.h"

/* --- SCP80 --- */

/* digest 0.5: packet with counter 1 carrying HandleNotificationConfirmation */
static const char packet_05[] = "00281516391212000001092868F393B7B105BD993CEE1FFCADF38A9178B5E74B5D8EFDADED9DF1CF5C5A";

static int por_of(struct rig *r, struct bytes *data)
{
	const struct scp80_sec sec = { .spi2 = SCP80_SPI2_POR, .kic_octet = 0x12, .kid_octet = 0x12 };
	struct scp80_rsp rsp = { .status = 0xFF };
	size_t len;
	const uint8_t *ud = rig_last_ud(r, &len);

	assert_memory_equal(ud, "\x02\x71\x00", 3);
	bytes_clear(data);
	assert_int_equal(scp80_rsp_dec(data, &rsp, &sec, r->kic, r->kid, ud + 3, len - 3), 0);
	assert_int_equal(rsp.tar, 1);
	assert_int_equal(rsp.cntr, 1);
	return rsp.status;
}

static void test_scp80_packet(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	struct bytes *p = bytes_from_hex(r->ctx, packet_05), *data = bytes_new(r->ctx, 0), *resp;

	rig_power(r);
	resp = rig_packet(r, p->data, p->len);
	/* PoR by SMS-SUBMIT: the ENVELOPE is answered with status 0B and 91xx */
	assert_memory_equal(resp->data, "\x02\x71\x00", 3);
	assert_int_equal(r->sw >> 8, 0x91);
	rig_pump(r);
	assert_int_equal(r->n_sms, 1);
	assert_string_equal(r->sms_to[0], "1001");
	assert_int_equal(por_of(r, data), SCP80_ST_OK);
	/* no notification is owed: referenced data not found */
	eq(bytes_hex(r->ctx, data->data, data->len), "AB0780010123026A88");

	/* the same packet again: counter low, and the script does not run */
	rig_clear(r);
	rig_packet(r, p->data, p->len);
	rig_pump(r);
	assert_int_equal(por_of(r, data), SCP80_ST_CNTR_LOW);
	assert_int_equal(data->len, 0);
	assert_int_equal(r->card->scripts, 1);

	/* also after the power went: the counter was stored before the script ran */
	rig_restart(r);
	rig_power(r);
	rig_packet(r, p->data, p->len);
	rig_pump(r);
	assert_int_equal(por_of(r, data), SCP80_ST_CNTR_LOW);
	rig_free(r);
}

static void test_silent_drop(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	struct bytes *p = bytes_from_hex(r->ctx, packet_05), *resp;
	size_t i;

	rig_power(r);
	for (i = 10; i < p->len; i++) {
		p->data[i] ^= 0x40;
		resp = rig_packet(r, p->data, p->len);
		assert_int_equal(r->sw, 0x9000);
		assert_int_equal(resp->len, 2);
		talloc_free(resp);
		p->data[i] ^= 0x40;
	}
	assert_int_equal(r->card->cntr[1], 0);
	assert_int_equal(r->card->dropped, p->len - 10);
	/* every prefix, too */
	for (i = 1; i < p->len; i++) {
		resp = rig_packet(r, p->data, i);
		assert_int_equal(r->sw, 0x9000);
		assert_int_equal(resp->len, 2);
		talloc_free(resp);
	}
	assert_int_equal(r->card->scripts, 0);
	rig_free(r);
}

/* OTA digest 1.5: KIc 00..0F, KID 10..1F, GET STATUS of all */
static void test_ota_digest_packet(void **state)
{
	struct rig *r = rig_new("000102030405060708090A0B0C0D0E0F", "101112131415161718191A1B1C1D1E1F");
	struct bytes *p = bytes_from_hex(r->ctx, "00281516391212000001"
					 "A38B70195E3AB2387C11376B4CA18DE75312BD8E566CEFCE1574A87DAC6EA425");
	struct bytes *data = bytes_new(r->ctx, 0);
	struct es5_isdp_info i;
	struct script_rsp s;
	struct apdu_rsp a;
	struct rd rd;

	rig_power(r);
	rig_packet(r, p->data, p->len);
	rig_pump(r);
	assert_int_equal(por_of(r, data), SCP80_ST_OK);
	assert_int_equal(script_rsp_dec(&s, data->data, data->len), 0);
	rd_init(&rd, s.tlvs, s.len);
	assert_int_equal(script_rapdu_next(&rd, &a), 1);
	assert_int_equal(a.sw, 0x9000);
	rd_init(&rd, a.data, a.len);
	assert_int_equal(es5_status_rsp_next(&rd, &i), 1);
	assert_int_equal(i.state, ES5_STATE_ENABLED);
	assert_true(i.fallback);
	rig_free(r);
}

static void test_security_level(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	struct scp80_sec sec = {
		.spi1 = 0x12, .spi2 = SCP80_SPI2_POR, .kic_octet = 0x12, .kid_octet = 0x12, .tar = 1, .cntr = 1};
	struct bytes *p = bytes_new(r->ctx, 0), *data = bytes_new(r->ctx, 0);
	static const uint8_t script[] = { 0xAA, 0x00 };

	rig_power(r);
	assert_int_equal(scp80_cmd_enc(p, &sec, r->kic, r->kid, script, sizeof(script)), 0);
	rig_packet(r, p->data, p->len);
	rig_pump(r);
	assert_int_equal(por_of(r, data), SCP80_ST_LEVEL);

	/* a TAR nobody has */
	sec.spi1 = SCP80_SPI1;
	sec.tar = 0x000099;
	bytes_clear(p);
	scp80_cmd_enc(p, &sec, r->kic, r->kid, script, sizeof(script));
	rig_clear(r);
	rig_packet(r, p->data, p->len);
	rig_pump(r);
	assert_int_equal(r->n_sms, 1);
	assert_int_equal(r->card->scripts, 0);
	rig_free(r);
}

/* --- ES5 --- */

static void test_create_delete(void **state)
{
	struct rig *r = rig_new(NULL, NULL);

	rig_power(r);
	eq(rig_isd_r(r, GET_STATUS), "6A88");
	eq(rig_isd_r(r, CREATE), "009000");
	eq(rig_isd_r(r, GET_STATUS), E3("07"));
	eq(rig_isd_r(r, CREATE), "6985");
	/* not there after a restart only if it had not been written */
	rig_restart(r);
	rig_power(r);
	eq(rig_isd_r(r, GET_STATUS), E3("07"));
	eq(rig_isd_r(r, ENABLE), "6985");
	eq(rig_isd_r(r, "80E40040124F10" AID_1300), "009000");
	eq(rig_isd_r(r, "80E40040124F10" AID_1300), "6A88");
	/* the enabled one with the fall-back attribute */
	eq(rig_isd_r(r, "80E40040124F10A0000005591010FFFFFFFF8900001000"), "6985");
	rig_free(r);
}

static void test_memory(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	struct es5_memory m;
	struct bytes *b;
	uint32_t before = card_memory_free(r->card);

	rig_power(r);
	/* 64 KiB: digest 3.1 */
	eq(rig_isd_r(r, "80E60C004710A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010" AID_1300
		     "0380C0000EC90481020370EF0683040001000000"), "009000");
	b = bytes_from_hex(r->ctx, rig_isd_r(r, "80CAFF2100"));
	assert_int_equal(es5_memory_rsp_dec(&m, b->data, b->len - 2), 0);
	assert_int_equal(m.apps, 2);
	assert_int_equal(m.free_nvm, before - 65536);
	/* more than there is */
	eq(rig_isd_r(r, "80E60C004710A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010"
		     "A0000005591010FFFFFFFF89000014000380C0000EC90481020370EF0683040010000000"), "6A84");
	eq(rig_isd_r(r, "80F240020A4F005C064F9F70538F9100"),
	   "E3254F10A0000005591010FFFFFFFF89000010009F70013F5301018F040000002A910400000000"
	   "E3254F10" AID_1300 "9F7001075301008F0400010000910400010000" "9000");
	rig_free(r);
}

static void test_get_data(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	char *cert;

	rig_power(r);
	cert = rig_isd_r(r, "80CABF3004" "5C027F21" "00");
	assert_int_equal(strncmp(cert, "BF3081E27F2181DE", 16), 0);
	assert_string_equal(cert + strlen(cert) - 4, "9000");
	eq(rig_isd_r(r, "80CA00E000"), "E012C00401018810C00402018810C00401408510" "9000");
	/* the terminal may select the ECASD and read the EID (digest 1.2) */
	rig_apdu_hex(r, "00A4040010A0000005591010FFFFFFFF890000020000");
	assert_int_equal(r->sw, 0x9000);
	assert_string_equal(bytes_hex(r->ctx, rig_apdu_hex(r, "00CA005A00")->data, 20),
			    "5A10890010120123412340123456789012249000");
	rig_free(r);
}

static void test_fallback_attribute(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	struct isd_p *p;

	rig_power(r);
	p = card_help_profile(r);
	eq(rig_isd_r(r, "80E28800153A05124F10" AID_1300), "9000");
	assert_true(p->fallback);
	assert_ptr_equal(card_isdp_fallback(r->card), p);
	eq(rig_isd_r(r, "80E40040124F10" AID_1300), "6985");
	rig_free(r);
}

/* digest 3.6 */
static void test_master_delete(void **state)
{
	static const char apdu[] = "80E40040434F10" AID_1300 "B61D420549534450014509495344505344494E01"
				   "5F200547534D41019301019E106CD4E26F7F67AE0296CEEC696336613C00";
	struct rig *r = rig_new(NULL, NULL);
	uint8_t k[16];
	struct isd_p *p;
	char *bad = talloc_strdup(r->ctx, apdu);

	rig_power(r);
	p = card_help_profile(r);
	p->pol1 = POL1_NO_DELETE;
	eq(rig_isd_r(r, "80E40040124F10" AID_1300), "69E1");
	eq(rig_isd_r(r, apdu), "6982");		/* no token key yet */
	hex_dec(k, 16, "20212223242526270101010101010101");
	p->token = key_new(p, KEY_TYPE_AES, k, 16);
	p->sin = bytes_from_hex(p, "4953445001");
	p->sdin = bytes_from_hex(p, "495344505344494E01");
	p->provider = bytes_from_hex(p, "47534D4101");
	bad[strlen(bad) - 3] = 'D';
	eq(rig_isd_r(r, bad), "6982");
	eq(rig_isd_r(r, apdu), "009000");
	assert_null(card_help_isdp(r));
	rig_free(r);
}

/* Anything may come in an ENVELOPE or as an APDU: refused, never worse. */
static void test_prefixes(void **state)
{
	static const char *const apdus[] = {
		"80C2000051D14F820283810607914477000990998B40440C914477000900007FF6621132320420002D02700000281516391212"
		"000001092868F3"
		"93B7B105BD993CEE1FFCADF38A9178B5E74B5D8EFDADED9DF1CF5C5A",
		"801400000C8103011300820282818301"
		"00",
		"80C2000017D615190103820282811B010013"
		"0962F224000100000001",
		"00A4040010A0000005591010FFFFFFFF890000020000",
		"80CABF30045C027F2100",
	};
	struct rig *r = rig_new(NULL, NULL);
	unsigned i;
	size_t n;

	rig_power(r);
	for (i = 0; i < ARRAY_SIZE(apdus); i++) {
		struct bytes *b = bytes_from_hex(r->ctx, apdus[i]);

		for (n = 0; n <= b->len; n++) {
			uint8_t *exact = talloc_memdup(r->ctx, b->data, n ? n : 1);

			talloc_free(rig_apdu(r, exact, n));
			talloc_free(exact);
		}
	}
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scp80_packet), cmocka_unit_test(test_silent_drop),
		cmocka_unit_test(test_ota_digest_packet), cmocka_unit_test(test_security_level),
		cmocka_unit_test(test_create_delete), cmocka_unit_test(test_memory), cmocka_unit_test(test_get_data),
		cmocka_unit_test(test_fallback_attribute), cmocka_unit_test(test_master_delete),
		cmocka_unit_test(test_prefixes),
	};

	return card_help_main("card_test", tests, ARRAY_SIZE(tests));
}
