/* Key establishment, SCP03, SCP03t and a whole download through the card. Truth from outside: the digest's worked
 * examples (5.8, 3.9, 6.7, 7.4), GSMA TS.48. SPDX-License-Identifier: AGPL-3.0-or-later */
#include "card_help.h"

/* --- key establishment --- */

#define STEP2(param, a6, epk_sig) "80E28901A13A0217" a6 epk_sig
static const char step2_09[] = "80E28901A13A0217A615900203099501108001888101108201018301309100"
			       "7F494104DE94D945FD70A76253C6EC43F34A50069175A02C320FE52DF2CDAFD28352D0F6BB81E7D69A715F2"
			       "B80DE0558CD2066ADA2C731A76E9D"
			       "018EBDBA0AFB010CC38B"
			       "5F37406A506F1B39D07601F58A5DD705DE994428C7FAFE276477FD484AA1D5CA39411CEB3225126C9AA23F2"
			       "12BDD894D2E7D39400887B3ABB490"
			       "9B535CD41AF9CD6F5100";

static char *step1_script(struct rig *r, const char *cert)
{
	struct bytes *b = bytes_from_hex(r->ctx, cert);
	char *apdu = talloc_asprintf(r->ctx, "80E20900%02zX3A01%02zX%s", b->len + 3, b->len, cert);

	return talloc_asprintf(r->ctx, "%s%s", card_help_tlv22(r, "80E6200016000010" AID_1300 "00000000"), card_help_tlv22(r, apdu));
}

/* digest 5.8, parameter 09: the receipt is the published one, so are all keys behind it */
static void establish(struct rig *r)
{
	int status;

	eq(rig_isd_r(r, CREATE), "009000");
	card_help_rand = 2;
	eq(rig_script(r, 1, SCRIPT_CHAIN_FIRST, step1_script(r, rig_cert_dp), &status),
	   "AB1E800102" "23" "03" "009000" "2314" "8510" RC "9000");
	card_help_rand = 0;
	eq(rig_script(r, 1, SCRIPT_CHAIN_LAST, card_help_tlv22(r, step2_09), &status),
	   "AB19800101" "2314" "8610FCC62E61E492BA67EC36E25397CE3A26" "9000");
	assert_int_equal(card_help_isdp(r)->state, ES5_STATE_PERSONALIZED);
}

static void test_key_establishment(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	uint8_t kcv[3], want[3];
	struct key *k;
	uint8_t b[16];

	rig_power(r);
	establish(r);
	hex_dec(b, 16, "5BC21EFB999D16878B978CAF7BEDB8F7");
	k = key_new(r->ctx, KEY_TYPE_AES, b, 16);
	key_kcv(want, k);
	key_kcv(kcv, card_help_isdp(r)->mac);
	assert_memory_equal(kcv, want, 3);
	/* keys and state are on disk */
	rig_restart(r);
	assert_int_equal(card_help_isdp(r)->kvn, 0x30);
	key_kcv(kcv, card_help_isdp(r)->mac);
	assert_memory_equal(kcv, want, 3);
	assert_int_equal(card_help_isdp(r)->scp03_cntr, 0);
	rig_free(r);
}

static void test_key_establishment_refused(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	char *cert = talloc_strdup(r->ctx, rig_cert_dp), *bad = talloc_strdup(r->ctx, step2_09), *got;
	int status;

	rig_power(r);
	eq(rig_isd_r(r, CREATE), "009000");
	/* second command without a challenge */
	eq(rig_script(r, 1, 0, talloc_asprintf(r->ctx, "%s%s", card_help_tlv22(r, "80E6200016000010" AID_1300 "00000000"),
						card_help_tlv22(r, step2_09)), &status), "AB0C8001022303009000" "23026985");
	/* certificate signature */
	cert[strlen(cert) - 1] ^= 1;
	got = rig_script(r, 1, SCRIPT_CHAIN_FIRST, step1_script(r, cert), &status);
	assert_string_equal(got + strlen(got) - 4, "6982");
	/* an SM-DP's certificate is not good for the ISD-R */
	got = rig_script(r, 1, 0, card_help_tlv22(r, talloc_asprintf(r->ctx, "80E20900D93A01D6%s", rig_cert_dp)), &status);
	assert_string_equal(got + strlen(got) - 4, "6A80");
	/* signature of step 2; and the challenge is used up then */
	card_help_rand = 2;
	rig_script(r, 1, SCRIPT_CHAIN_FIRST, step1_script(r, rig_cert_dp), &status);
	card_help_rand = 0;
	bad[strlen(bad) - 4] ^= 1;
	got = rig_script(r, 1, SCRIPT_CHAIN_MORE, card_help_tlv22(r, bad), &status);
	assert_string_equal(got + strlen(got) - 4, "6982");
	got = rig_script(r, 1, SCRIPT_CHAIN_LAST, card_help_tlv22(r, step2_09), &status);
	assert_string_equal(got + strlen(got) - 4, "6985");
	/* an unchained script has forgotten everything */
	rig_script(r, 1, 0, step1_script(r, rig_cert_dp), &status);
	got = rig_script(r, 1, SCRIPT_CHAIN_LAST, card_help_tlv22(r, step2_09), &status);
	assert_string_equal(got + strlen(got) - 6, "830101");
	assert_int_equal(card_help_isdp(r)->state, ES5_STATE_SELECTABLE);
	rig_free(r);
}

/* digest 3.9: ISD-R keyset 02 beside 01, parameter 0B; the certificate is made here, the rest is the digest's */
static void test_isd_r_keyset(void **state)
{
	static const char step2[] = "80E28901A63A021CA61A9002030B95011080018881011082010183010291050000000001"
				    "7F4941049487C712D23850D5E38446F62C4A2306C63A1DD6AA0AC1522AC0AD4FDF6AB9C3417F3C3CDF"
				    "6C796456FDB30862B7EF7155BC4F8337C3"
				    "985831EA3F521E779F47"
				    "5F374074648650B89525C0345EEF8C1EE32B4FDB5D26A4A3DA2389C043B560BAB378C1DE2A8E55C9BA"
				    "E92D724F0C1BE6843CCF90D8E3A8854429"
				    "78E4FE837B867F78E200";
	struct cert_gp cert = { .serial = { 1 }, .serial_len = 1, .ca_id = { 1 }, .ca_id_len = 1, .subject = { 2 },
				.subject_len = 1, .usage = { 0x88 }, .usage_len = 1, .expiry = "20391231",
				.role = CERT_ROLE_SR, .has_aki = true };
	struct rig *r = rig_new(NULL, NULL);
	struct bytes *c = bytes_new(r->ctx, 0);
	uint8_t d[32], kcv[3], want[3];
	struct key *kid;
	char *got;
	int status;

	rig_power(r);
	hex_dec(d, 32, "FB72220540E2D42E3EF63F35B8ADD92CCD6E337DE69CEBB82DAD312074298F1C");
	hex_dec(cert.q, 65,
		"04BC0933721727243D2CD167FD87CCEDED0B77D42CC79D98E635AB462F78EDBDBE97EAF5EE56F35DD052323C7FB3691E9B106F"
		"01"
		"5D21D0CC847B3C9165FD27D572");
	hex_dec(cert.aki, 20, rig_ci_ski);
	assert_int_equal(cert_gp_issue(c, &cert, ec_from_private(r->ctx, d)), 0);
	card_help_rand = 2;
	got = rig_script(r, 1, SCRIPT_CHAIN_FIRST,
			 card_help_tlv22(r, talloc_asprintf(r->ctx, "80E20900%02zX3A01%02zX%s", c->len + 3, c->len,
						  bytes_hex(r->ctx, c->data, c->len))),
			 &status);
	eq(got, "AB198001012314" "8510" RC "9000");
	got = rig_script(r, 1, SCRIPT_CHAIN_LAST, card_help_tlv22(r, step2), &status);
	card_help_rand = 0;
	eq(got, "AB2B8001012326" "8510" DR "86105DE9E4CAC8BEF52F9E59908520BE03C3" "9000");
	hex_dec(d, 16, "D2A8D9023924B044C912689966EFED46");
	kid = key_new(r->ctx, KEY_TYPE_AES, d, 16);
	key_kcv(want, kid);
	key_kcv(kcv, card_key(r->card, 2, 2));
	assert_memory_equal(kcv, want, 3);
	assert_int_equal(r->card->cntr[2], 1);
	/* the old keys still work; FinaliseISDRhandover removes what is not named */
	eq(rig_isd_r(r, "80E4000005F203020104" "00"), "6A88");
	/* the answer still goes out under the keys the command came with */
	eq(rig_isd_r(r, "80E4000005F203020103" "00"), "009000");
	rig_restart(r);
	assert_null(card_key(r->card, 1, 2));
	assert_null(card_key(r->card, 0x40, 1));
	assert_non_null(card_key(r->card, 2, 3));
	rig_free(r);
}

/* --- SCP03 and SCP03t --- */

/* digest 6.7 */
static void test_scp03(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	int status;

	rig_power(r);
	establish(r);
	eq(rig_script(r, TAR_1300, 0, talloc_asprintf(r->ctx, "%s%s%s", card_help_tlv22(r, "8050300008010203040506070800"),
		card_help_tlv22(r, "8482330010762C42307F9B27972EDEE866A3582DD8"),
		card_help_tlv22(r, "84E28800182DC2C1F0818A7E69834C3970E10942DA58750DFF9EB69D5C00")), &status),
	   "AB37800103" "2322" "00000000000000000000300370A4430C7A4C52F4A701E292799D17C2BC000001" "9000" "2302" "9000"
	   "230A" "32C13A6CF79F0DC4" "9000");
	assert_true(bytes_eq(card_help_isdp(r)->conn, "\xA0\x09\x06\x07\x91\x33\x86\x99\x42\x11\xF1", 11));
	/* the next session: counter 000002, stored before it was shown */
	rig_restart(r);
	assert_int_equal(card_help_isdp(r)->scp03_cntr, 1);
	rig_power(r);
	/* without secure messaging: refused */
	eq(rig_script(r, TAR_1300, 0, card_help_tlv22(r, "80E288000D3A070AA0080606913386994211"), &status), "AB07800101"
												  "23026982");
	rig_free(r);
}

#define T84 "840A30000102030405060708"
#define T85 "851133762C42307F9B2797FF7411E3590822B6"
#define T86A                                                                                                           \
	"8638038CF0E4E0F82B8C9BEA5037B14CF254978E1E82455B84AB7EF85E44A1B738C3C1EFF4E6D2D087CB0497C1E2F38AC4397097D35E" \
	"4E92C49F"
#define T86B "8618C7E1D1D6BA55CCC0C4F7677F7975C79A4B733827166258A0"
#define R84 "842000000000000000000000300370A4430C7A4C52F4A701E292799D17C2BC000001"

/* digest 7.4 */
static void test_scp03t(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	int status;

	rig_power(r);
	establish(r);
	eq(rig_script(r, TAR_1300, SCRIPT_CHAIN_FIRST, T84 T85, &status), "AB27800102" R84 "8500");
	eq(rig_script(r, TAR_1300, SCRIPT_CHAIN_MORE, T86A, &status), "AB05800101" "8600");
	assert_int_equal(card_help_isdp(r)->state, ES5_STATE_PERSONALIZED);
	card_help_fake_install = true;
	eq(rig_script(r, TAR_1300, SCRIPT_CHAIN_LAST, T86B, &status),
	   "AB1D800101" "86187323402233D77C83F84D8C9E9CF94E47102792F846ACBA00");
	card_help_fake_install = false;
	assert_int_equal(card_help_isdp(r)->state, ES5_STATE_DISABLED);
	assert_string_equal(card_help_isdp(r)->iccid, "89019990001234567893");
	rig_restart(r);
	rig_power(r);
	eq(rig_isd_r(r, GET_STATUS), E3("1F"));
	eq(rig_isd_r(r, "80E40040124F10" AID_1300), "69E1");
	rig_free(r);
}

/* The interpreter refuses it: the answer is data, the ISD-P stays as it was, the session is over. */
static void test_scp03t_not_installed(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	int status;
	char *got;

	rig_power(r);
	establish(r);
	got = rig_script(r, TAR_1300, 0, T84 T85 T86A T86B T86A, &status);
	assert_non_null(strstr(got, "800105" R84 "8500" "8600" "8618"));
	assert_string_equal(got + strlen(got) - 8, "9F460102");
	assert_int_equal(card_help_isdp(r)->state, ES5_STATE_PERSONALIZED);
	rig_free(r);
}

static void test_scp03t_tampered(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	char bad[] = T86A, *got;
	int status;

	rig_power(r);
	establish(r);
	bad[20] = bad[20] == '0' ? '1' : '0';
	eq(rig_script(r, TAR_1300, SCRIPT_CHAIN_FIRST, T84 T85, &status), "AB27800102" R84 "8500");
	eq(rig_script(r, TAR_1300, SCRIPT_CHAIN_MORE, bad, &status), "AB07800101" "9F460102");
	/* the session is dead: the good segment does not help any more */
	eq(rig_script(r, TAR_1300, SCRIPT_CHAIN_LAST, T86A, &status), "AB07800101" "9F460102");
	assert_int_equal(card_help_isdp(r)->state, ES5_STATE_PERSONALIZED);
	/* a host cryptogram of another session: the counter has moved on, so has the card's challenge */
	got = rig_script(r, TAR_1300, 0, T84 T85 T86A, &status);
	assert_int_equal(strncmp(got, "AB29800102" "8420" "00000000000000000000300370", 40), 0);
	assert_string_equal(got + strlen(got) - 14, "0000029F450102");
	rig_free(r);
}

static void test_scp03t_no_key(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	int status;

	rig_power(r);
	eq(rig_isd_r(r, CREATE), "009000");
	eq(rig_script(r, TAR_1300, 0, T84 T85, &status), "AB07800101" "9F440103");
	/* an unknown TLV stops the script */
	eq(rig_script(r, 1, 0, "A50100", &status), "AB06800101" "900101");
	rig_free(r);
}

/* --- a whole profile: GSMA TS.48 in its M2M form, where the shared data are at hand --- */

static struct bytes *ts48(void *ctx)
{
	static const char name[] = "data/ts48/derived/m2m_usim_isim_milenage.der";
	const char *const dirs[] = { getenv("RSP_SHARED"), "../shared", "../../shared",
				     "../../../shared" };
	struct bytes *b = bytes_new(ctx, 0);
	uint8_t buf[4096];
	unsigned i;
	size_t n;

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		FILE *f = dirs[i] ? fopen(talloc_asprintf(ctx, "%s/%s", dirs[i], name), "r") : NULL;

		if (!f)
			continue;
		while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
			bytes_put(b, buf, n);
		fclose(f);
		return b;
	}
	printf("SKIPPED: %s not found (set RSP_SHARED)\n", name);
	return NULL;
}

/* Script straight to the ISD-P, as a session would bring it; the bare response TLVs. */
static struct bytes *run_tlvs(struct rig *r, const struct bytes *tlvs)
{
	struct bytes *script = bytes_new(r->ctx, 0), *out = bytes_new(r->ctx, 0), *ret;
	struct script_rsp s;

	assert_int_equal(script_cmd_enc(script, tlvs->data, tlvs->len, false, SCRIPT_CHAIN_NONE), 0);
	assert_int_equal(card_script_run(r->card, &card_help_isdp(r)->aid, script->data, script->len, true, out), 0);
	assert_int_equal(script_rsp_dec(&s, out->data, out->len), 0);
	ret = bytes_dup(r->ctx, s.tlvs, s.len);
	talloc_free(script);
	talloc_free(out);
	return ret;
}

static struct key *aes(void *ctx, const char *hex)
{
	uint8_t b[16];

	hex_dec(b, sizeof(b), hex);
	return key_new(ctx, KEY_TYPE_AES, b, sizeof(b));
}

static void send_segments(struct rig *r, struct scp03 *sm, const struct bytes *upp, struct bytes *answer)
{
	size_t at = 0, n;
	struct tlv t;
	uint8_t err;

	while (at < upp->len) {
		struct bytes *seg = bytes_new(r->ctx, 0), *rsp;

		n = scp03t_seg_len(upp->len - at, 0);
		assert_int_equal(scp03t_data_enc(sm, seg, upp->data + at, n), 0);
		rsp = run_tlvs(r, seg);
		assert_int_equal(tlv_find(rsp->data, rsp->len, SCP03T_TAG_DATA, &t), 0);
		assert_int_equal(scp03t_rsp_dec(sm, answer, &err, SCP03T_TAG_DATA, &t), 0);
		at += n;
	}
}

static void imsi_is(struct rig *r, const char *want)
{
	struct usim_fs *fs = card_profile_fs(card_isdp_enabled(r->card));
	char imsi[16] = "";

	assert_non_null(fs);
	assert_string_equal(fs_imsi(fs, imsi), want);
}

static void test_download_ts48(void **state)
{
	static const uint8_t hc[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct rig *r = rig_new(NULL, NULL);
	struct bytes *upp = ts48(r->ctx), *cmd = bytes_new(r->ctx, 0), *answer = bytes_new(r->ctx, 0), *rsp;
	struct es8_euicc_rsp er;
	struct scp03_init init;
	struct scp03 *sm;
	struct tlv t;
	uint8_t err;

	if (!upp) {
		rig_free(r);
		skip();
	}
	r->card->declared = true;
	rig_power(r);
	establish(r);
	scp03t_init_enc(cmd, 0x30, hc);
	rsp = run_tlvs(r, cmd);
	assert_int_equal(tlv_find(rsp->data, rsp->len, SCP03T_TAG_INIT, &t), 0);
	assert_int_equal(scp03_init_dec(&init, t.v, t.len), 0);
	assert_int_equal(scp03_start(&sm, r->ctx, aes(r->ctx, "A4F24603B381BB1427C942D3F9807004"),
				     aes(r->ctx, "5BC21EFB999D16878B978CAF7BEDB8F7"), hc, &init), 0);
	bytes_clear(cmd);
	scp03t_auth_enc(sm, cmd);
	rsp = run_tlvs(r, cmd);
	assert_int_equal(tlv_find(rsp->data, rsp->len, SCP03T_TAG_AUTH, &t), 0);
	assert_int_equal(scp03t_rsp_dec(sm, answer, &err, SCP03T_TAG_AUTH, &t), 0);

	send_segments(r, sm, upp, answer);
	assert_int_equal(es8_euicc_rsp_dec(&er, answer->data, answer->len), 0);
	assert_false(er.aborted);
	assert_int_equal(card_help_isdp(r)->state, ES5_STATE_DISABLED);
	assert_string_equal(card_help_isdp(r)->iccid, "89000123456789012341");
	/* SMSC +49123456789 of its connectivity parameters */
	assert_non_null(strstr(bytes_hex(r->ctx, card_help_isdp(r)->conn->data, card_help_isdp(r)->conn->len), "919421436587F9"));

	rig_restart(r);
	rig_power(r);
	card_help_enable(r);
	imsi_is(r, "001010123456789");
	/* a terminal reads EF.ICCID */
	rig_apdu_hex(r, "00A40004022FE200");
	rsp = rig_apdu_hex(r, "00B000000A");
	eq(bytes_hex(r->ctx, rsp->data, 10), "98001032547698103214");
	/* dropped from memory and made again */
	r->env->lru_max = 0;
	card_profile_drop(card_help_isdp(r));
	imsi_is(r, "001010123456789");
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_establishment), cmocka_unit_test(test_key_establishment_refused),
		cmocka_unit_test(test_isd_r_keyset), cmocka_unit_test(test_scp03), cmocka_unit_test(test_scp03t),
		cmocka_unit_test(test_scp03t_not_installed), cmocka_unit_test(test_scp03t_tampered),
		cmocka_unit_test(test_scp03t_no_key), cmocka_unit_test(test_download_ts48),
	};

	return card_help_main("card_key_test", tests, ARRAY_SIZE(tests));
}
