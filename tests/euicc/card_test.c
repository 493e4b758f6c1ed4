/* The simulated card, driven by APDUs. Truth from outside: the worked examples of the card-side digest (third-party
 * packets and computed ones, sections named) and of the OTA digest.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/application.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/crypto/cert.h>
#include <osmocom/rsp/ota/es5_cmd.h>
#include <osmocom/rsp/ota/es8_cmd.h>
#include <osmocom/rsp/ota/scp03t.h>
#include <osmocom/rsp/ota/script.h>
#include <osmocom/rsp/util/misc.h>

#include "../../src/euicc/card_cat.h"
#include "../../src/euicc/card_db.h"
#include "../../src/euicc/card_ota.h"
#include "../../src/euicc/install.h"
#include "../../src/euicc/isd_p.h"
#include "card_rig.h"

#define AID_1300 "A0000005591010FFFFFFFF8900001300"
#define TAR_1300 0x000013
#define CREATE                                                                                                         \
	"80E60C003F10A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010" AID_1300                    \
	"0380C00006C904810203700000"
#define ENABLE "80E28800153A03124F10" AID_1300
#define GET_STATUS "80F24002174F10" AID_1300 "5C034F9F7000"
#define E3(state) "E3164F10" AID_1300 "9F7001" state "9000"
#define RC "000102030405060708090A0B0C0D0E0F"
#define DR "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"

/* --- randomness: what the examples were computed with --- */

static unsigned rand_script;	/* 0: real; else counts down the fixed values */
void __real_rand_bytes(uint8_t *out, size_t len);
void __wrap_rand_bytes(uint8_t *out, size_t len);
void __wrap_rand_bytes(uint8_t *out, size_t len)
{
	size_t i;

	if (!rand_script || len != 16) {
		__real_rand_bytes(out, len);
		return;
	}
	for (i = 0; i < len; i++)
		out[i] = (rand_script == 2 ? 0x00 : 0xA0) + i;
	rand_script--;
}

/* --- the digest's example package has no file system: an interpreter that takes it --- */

static bool fake_install;
int __real_install_feed(struct install *inst, const uint8_t *data, size_t len);
int __wrap_install_feed(struct install *inst, const uint8_t *data, size_t len);
int __real_install_response(const struct install *inst, struct bytes *out);
int __wrap_install_response(const struct install *inst, struct bytes *out);
struct usim_fs *__real_install_take(struct install *inst, void *ctx);
struct usim_fs *__wrap_install_take(struct install *inst, void *ctx);

int __wrap_install_feed(struct install *inst, const uint8_t *data, size_t len)
{
	return fake_install ? len == 9 : __real_install_feed(inst, data, len);
}

int __wrap_install_response(const struct install *inst, struct bytes *out)
{
	return fake_install ? bytes_put_hex(out, "3007A0053003800100") : __real_install_response(inst, out);
}

struct usim_fs *__wrap_install_take(struct install *inst, void *ctx)
{
	struct usim_fs *fs;

	if (!fake_install)
		return __real_install_take(inst, ctx);
	fs = talloc_zero(ctx, struct usim_fs);
	strcpy(fs->iccid, "89019990001234567893");
	fs->has_pol = true;
	fs->pol1 = POL1_NO_DELETE;
	return fs;
}

#define eq(got, want) do { const char *g_ = (got); assert_non_null(g_); assert_string_equal(g_, want); } while (0)

static struct isd_p *isdp_1300(struct rig *r)
{
	struct aid aid;

	aid_from_hex(&aid, AID_1300);
	return card_isdp(r->card, &aid);
}

/* An installed, disabled profile beside the bootstrap one. */
static struct isd_p *with_profile(struct rig *r)
{
	struct isd_p *p;

	eq(rig_isd_r(r, CREATE), "009000");
	p = isdp_1300(r);
	p->state = ES5_STATE_DISABLED;
	card_db_isdp_save(p);
	return p;
}

static char *tlv22(struct rig *r, const char *apdu)
{
	struct bytes *a = bytes_from_hex(r->ctx, apdu), *t = bytes_new(r->ctx, 0);

	assert_non_null(a);
	script_put_capdu(t, a->data, a->len);
	return bytes_hex(r->ctx, t->data, t->len);
}

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
	p = with_profile(r);
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
	p = with_profile(r);
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
	assert_null(isdp_1300(r));
	rig_free(r);
}

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

	return talloc_asprintf(r->ctx, "%s%s", tlv22(r, "80E6200016000010" AID_1300 "00000000"), tlv22(r, apdu));
}

/* digest 5.8, parameter 09: the receipt is the published one, so are all keys behind it */
static void establish(struct rig *r)
{
	int status;

	eq(rig_isd_r(r, CREATE), "009000");
	rand_script = 2;
	eq(rig_script(r, 1, SCRIPT_CHAIN_FIRST, step1_script(r, rig_cert_dp), &status),
	   "AB1E800102" "23" "03" "009000" "2314" "8510" RC "9000");
	rand_script = 0;
	eq(rig_script(r, 1, SCRIPT_CHAIN_LAST, tlv22(r, step2_09), &status),
	   "AB19800101" "2314" "8610FCC62E61E492BA67EC36E25397CE3A26" "9000");
	assert_int_equal(isdp_1300(r)->state, ES5_STATE_PERSONALIZED);
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
	key_kcv(kcv, isdp_1300(r)->mac);
	assert_memory_equal(kcv, want, 3);
	/* keys and state are on disk */
	rig_restart(r);
	assert_int_equal(isdp_1300(r)->kvn, 0x30);
	key_kcv(kcv, isdp_1300(r)->mac);
	assert_memory_equal(kcv, want, 3);
	assert_int_equal(isdp_1300(r)->scp03_cntr, 0);
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
	eq(rig_script(r, 1, 0, talloc_asprintf(r->ctx, "%s%s", tlv22(r, "80E6200016000010" AID_1300 "00000000"),
						tlv22(r, step2_09)), &status), "AB0C8001022303009000" "23026985");
	/* certificate signature */
	cert[strlen(cert) - 1] ^= 1;
	got = rig_script(r, 1, SCRIPT_CHAIN_FIRST, step1_script(r, cert), &status);
	assert_string_equal(got + strlen(got) - 4, "6982");
	/* an SM-DP's certificate is not good for the ISD-R */
	got = rig_script(r, 1, 0, tlv22(r, talloc_asprintf(r->ctx, "80E20900D93A01D6%s", rig_cert_dp)), &status);
	assert_string_equal(got + strlen(got) - 4, "6A80");
	/* signature of step 2; and the challenge is used up then */
	rand_script = 2;
	rig_script(r, 1, SCRIPT_CHAIN_FIRST, step1_script(r, rig_cert_dp), &status);
	rand_script = 0;
	bad[strlen(bad) - 4] ^= 1;
	got = rig_script(r, 1, SCRIPT_CHAIN_MORE, tlv22(r, bad), &status);
	assert_string_equal(got + strlen(got) - 4, "6982");
	got = rig_script(r, 1, SCRIPT_CHAIN_LAST, tlv22(r, step2_09), &status);
	assert_string_equal(got + strlen(got) - 4, "6985");
	/* an unchained script has forgotten everything */
	rig_script(r, 1, 0, step1_script(r, rig_cert_dp), &status);
	got = rig_script(r, 1, SCRIPT_CHAIN_LAST, tlv22(r, step2_09), &status);
	assert_string_equal(got + strlen(got) - 6, "830101");
	assert_int_equal(isdp_1300(r)->state, ES5_STATE_SELECTABLE);
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
	rand_script = 2;
	got = rig_script(r, 1, SCRIPT_CHAIN_FIRST,
			 tlv22(r, talloc_asprintf(r->ctx, "80E20900%02zX3A01%02zX%s", c->len + 3, c->len,
						  bytes_hex(r->ctx, c->data, c->len))),
			 &status);
	eq(got, "AB198001012314" "8510" RC "9000");
	got = rig_script(r, 1, SCRIPT_CHAIN_LAST, tlv22(r, step2), &status);
	rand_script = 0;
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
	eq(rig_script(r, TAR_1300, 0, talloc_asprintf(r->ctx, "%s%s%s", tlv22(r, "8050300008010203040506070800"),
		tlv22(r, "8482330010762C42307F9B27972EDEE866A3582DD8"),
		tlv22(r, "84E28800182DC2C1F0818A7E69834C3970E10942DA58750DFF9EB69D5C00")), &status),
	   "AB37800103" "2322" "00000000000000000000300370A4430C7A4C52F4A701E292799D17C2BC000001" "9000" "2302" "9000"
	   "230A" "32C13A6CF79F0DC4" "9000");
	assert_true(bytes_eq(isdp_1300(r)->conn, "\xA0\x09\x06\x07\x91\x33\x86\x99\x42\x11\xF1", 11));
	/* the next session: counter 000002, stored before it was shown */
	rig_restart(r);
	assert_int_equal(isdp_1300(r)->scp03_cntr, 1);
	rig_power(r);
	/* without secure messaging: refused */
	eq(rig_script(r, TAR_1300, 0, tlv22(r, "80E288000D3A070AA0080606913386994211"), &status), "AB07800101"
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
	assert_int_equal(isdp_1300(r)->state, ES5_STATE_PERSONALIZED);
	fake_install = true;
	eq(rig_script(r, TAR_1300, SCRIPT_CHAIN_LAST, T86B, &status),
	   "AB1D800101" "86187323402233D77C83F84D8C9E9CF94E47102792F846ACBA00");
	fake_install = false;
	assert_int_equal(isdp_1300(r)->state, ES5_STATE_DISABLED);
	assert_string_equal(isdp_1300(r)->iccid, "89019990001234567893");
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
	assert_int_equal(isdp_1300(r)->state, ES5_STATE_PERSONALIZED);
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
	assert_int_equal(isdp_1300(r)->state, ES5_STATE_PERSONALIZED);
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

static void enable_and_reset(struct rig *r);

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
	assert_int_equal(card_script_run(r->card, &isdp_1300(r)->aid, script->data, script->len, true, out), 0);
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
	assert_int_equal(isdp_1300(r)->state, ES5_STATE_DISABLED);
	assert_string_equal(isdp_1300(r)->iccid, "89000123456789012341");
	/* SMSC +49123456789 of its connectivity parameters */
	assert_non_null(strstr(bytes_hex(r->ctx, isdp_1300(r)->conn->data, isdp_1300(r)->conn->len), "919421436587F9"));

	rig_restart(r);
	rig_power(r);
	enable_and_reset(r);
	imsi_is(r, "001010123456789");
	/* a terminal reads EF.ICCID */
	rig_apdu_hex(r, "00A40004022FE200");
	rsp = rig_apdu_hex(r, "00B000000A");
	eq(bytes_hex(r->ctx, rsp->data, 10), "98001032547698103214");
	/* dropped from memory and made again */
	r->env->lru_max = 0;
	card_profile_drop(isdp_1300(r));
	imsi_is(r, "001010123456789");
	rig_free(r);
}

/* --- profile change --- */

/* digest 3.11: third-party notification, byte by byte (dialect of 2016: AID tag 4F) */
static const char notif_311[] =
	"027000" "004D15020010120000010000000000" "00" "45AAB54EB13D7749"
	"E1354C10890010120123412340123456789012244D01024E0200004F10" AID_1300 "14083A45990057918503";

static void enable_and_reset(struct rig *r)
{
	eq(rig_isd_r(r, ENABLE), "9000");
	/* the answer went out first, then REFRESH; nothing has changed before the reset */
	assert_true(r->refresh);
	assert_int_equal(r->n_sms, 1);
	assert_int_equal(isdp_1300(r)->state, ES5_STATE_DISABLED);
	rig_power(r);
	assert_int_equal(isdp_1300(r)->state, ES5_STATE_ENABLED);
	assert_int_equal(r->timer[CARD_TIMER_SWITCH], r->env->cfg.attach_s);
}

static void test_enable(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	const uint8_t *ud;
	size_t len;

	r->env->cfg.dialect = CARD_DIALECT_WHTY_2016;
	r->card->declared = true;
	rig_power(r);
	with_profile(r);
	enable_and_reset(r);
	assert_int_equal(r->n_sms, 0);
	rig_location(r, 2);
	assert_int_equal(r->n_sms, 0);
	rig_location(r, 0);
	assert_int_equal(r->n_sms, 1);
	assert_string_equal(r->sms_to[0], "1001");
	ud = rig_last_ud(r, &len);
	eq(bytes_hex(r->ctx, ud, len), notif_311);
	assert_int_equal(r->timer[CARD_TIMER_SWITCH], r->env->cfg.confirm_s);
	assert_int_equal(r->timer[CARD_TIMER_NOTIF], r->env->cfg.repeat_s);

	/* not confirmed in time: the same again */
	rig_clear(r);
	rig_timer(r, CARD_TIMER_NOTIF);
	assert_int_equal(r->n_sms, 1);
	ud = rig_last_ud(r, &len);
	eq(bytes_hex(r->ctx, ud, len), notif_311);

	/* a wrong number confirms nothing; a second change has to wait */
	eq(rig_isd_r(r, "80E28900073A08044E02000100"), "6A88");
	eq(rig_isd_r(r, "80E28800153A03124F10A0000005591010FFFFFFFF8900001000"), "6985");
	eq(rig_isd_r(r, "80E28900073A08044E02000000"), "9000");
	assert_int_equal(r->timer[CARD_TIMER_SWITCH], 0);
	assert_int_equal(r->timer[CARD_TIMER_NOTIF], 0);
	eq(rig_isd_r(r, GET_STATUS), E3("3F"));
	/* and back by disabling it: the fall-back profile comes */
	eq(rig_isd_r(r, "80E28800153A04124F10" AID_1300), "9000");
	assert_true(r->refresh);
	rig_power(r);
	assert_int_equal(isdp_1300(r)->state, ES5_STATE_DISABLED);
	rig_location(r, 0);
	eq(rig_isd_r(r, "80E28900073A08044E02000100"), "9000");
	rig_free(r);
}

static void test_pol1(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	struct isd_p *p, *boot;

	r->card->declared = true;
	rig_power(r);
	p = with_profile(r);
	boot = card_isdp_enabled(r->card);
	boot->pol1 = POL1_NO_DISABLE;
	eq(rig_isd_r(r, ENABLE), "69E1");
	boot->pol1 = 0;
	enable_and_reset(r);
	rig_location(r, 0);
	eq(rig_isd_r(r, "80E28900073A08044E02000000"), "9000");
	/* delete when disabled: only after the confirmation, and told (digest 3.12) */
	p->pol1 = POL1_AUTO_DELETE;
	eq(rig_isd_r(r, "80E28800153A04124F10" AID_1300), "9000");
	rig_power(r);
	assert_non_null(isdp_1300(r));
	rig_location(r, 0);
	eq(rig_isd_r(r, "80E28900073A08044E02000100"), "80124F10" AID_1300 "9000");
	assert_null(isdp_1300(r));
	rig_free(r);
}

static void notif_is(struct rig *r, uint8_t type, uint16_t seq, const char *aid)
{
	struct notif n;
	struct aid want;
	size_t len;
	const uint8_t *ud = rig_last_ud(r, &len);

	assert_true(len > 27);
	assert_int_equal(notif_dec(&n, ud + 3 + 24, len - 27), 0);
	assert_int_equal(n.type, type);
	assert_int_equal(n.seq, seq);
	aid_from_hex(&want, aid);
	assert_true(aid_eq(&n.aid, &want));
}

#define AID_BOOT "A0000005591010FFFFFFFF8900001000"

static void test_roll_back(void **state)
{
	struct rig *r = rig_new(NULL, NULL);

	r->card->declared = true;
	rig_power(r);
	with_profile(r);
	/* the network does not take the new profile */
	enable_and_reset(r);
	rig_location(r, 2);
	rig_timer(r, CARD_TIMER_SWITCH);
	assert_true(r->refresh);
	rig_power(r);
	assert_int_equal(isdp_1300(r)->state, ES5_STATE_DISABLED);
	rig_location(r, 0);
	notif_is(r, NOTIF_ROLLED_BACK, 0, AID_BOOT);
	eq(rig_isd_r(r, "80E28900073A08044E02000000"), "9000");

	/* it takes it, but no confirmation comes */
	enable_and_reset(r);
	rig_location(r, 0);
	notif_is(r, NOTIF_CHANGED, 1, AID_1300);
	rig_timer(r, CARD_TIMER_SWITCH);
	assert_true(r->refresh);
	rig_power(r);
	rig_location(r, 0);
	notif_is(r, NOTIF_ROLLED_BACK, 2, AID_BOOT);
	/* a confirmation of the change comes too late */
	eq(rig_isd_r(r, "80E28900073A08044E02000100"), "6A88");
	/* the roll-back itself is not undone */
	rig_timer(r, CARD_TIMER_SWITCH);
	assert_false(r->refresh);
	eq(rig_isd_r(r, GET_STATUS), E3("1F"));
	rig_free(r);
}

static void test_notification_refused(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	unsigned i;

	r->card->declared = true;
	rig_power(r);
	with_profile(r);
	enable_and_reset(r);
	r->sms_result = BIP_RES_SMS_RP_ERROR;
	rig_location(r, 0);
	assert_int_equal(r->n_sms, 2);		/* each message twice (OTA digest 2.6) */
	for (i = 0; i < r->env->cfg.repeats; i++) {
		rig_clear(r);
		rig_timer(r, CARD_TIMER_NOTIF);
		assert_int_equal(r->n_sms, 2);
	}
	rig_timer(r, CARD_TIMER_NOTIF);
	assert_true(r->refresh);
	rig_power(r);
	assert_int_equal(isdp_1300(r)->state, ES5_STATE_DISABLED);
	rig_free(r);
}

static void test_first_attach(void **state)
{
	struct rig *r = rig_new(NULL, NULL);

	rig_power(r);
	rig_location(r, 0);
	notif_is(r, NOTIF_FIRST_ATTACH, 0, AID_BOOT);
	/* owed until confirmed, over a restart too */
	rig_restart(r);
	rig_power(r);
	rig_location(r, 0);
	notif_is(r, NOTIF_FIRST_ATTACH, 0, AID_BOOT);
	eq(rig_isd_r(r, "80E28900073A08044E02000000"), "9000");
	rig_restart(r);
	rig_power(r);
	rig_location(r, 0);
	assert_int_equal(r->n_sms, 0);
	rig_free(r);
}

static void test_restart_in_change(void **state)
{
	struct rig *r = rig_new(NULL, NULL);

	r->card->declared = true;
	card_db_save(r->card);
	rig_power(r);
	with_profile(r);
	/* killed between the answer and the reset: the change is done when power comes back */
	eq(rig_isd_r(r, ENABLE), "9000");
	rig_restart(r);
	rig_power(r);
	assert_int_equal(isdp_1300(r)->state, ES5_STATE_ENABLED);
	/* killed while waiting for the network */
	rig_restart(r);
	rig_power(r);
	rig_location(r, 0);
	notif_is(r, NOTIF_CHANGED, 0, AID_1300);
	/* killed while waiting for the confirmation: the same notification again */
	rig_restart(r);
	rig_power(r);
	assert_int_equal(r->timer[CARD_TIMER_SWITCH], r->env->cfg.confirm_s);
	rig_location(r, 0);
	notif_is(r, NOTIF_CHANGED, 0, AID_1300);
	eq(rig_isd_r(r, "80E28900073A08044E02000000"), "9000");
	rig_restart(r);
	assert_int_equal(r->card->sw.stage, SW_STAGE_NONE);
	assert_int_equal(isdp_1300(r)->state, ES5_STATE_ENABLED);
	rig_free(r);
}

static void test_fall_back(void **state)
{
	struct rig *r = rig_new(NULL, NULL);

	r->env->cfg.fallback_s = 300;
	r->card->declared = true;
	rig_power(r);
	with_profile(r);
	enable_and_reset(r);
	rig_location(r, 0);
	eq(rig_isd_r(r, "80E28900073A08044E02000000"), "9000");
	rig_location(r, 2);
	rig_timer(r, CARD_TIMER_FALLBACK);
	assert_true(r->refresh);
	rig_power(r);
	rig_location(r, 0);
	notif_is(r, NOTIF_FALLBACK, 1, AID_BOOT);
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
		cmocka_unit_test(test_scp80_packet),
		cmocka_unit_test(test_silent_drop),
		cmocka_unit_test(test_ota_digest_packet),
		cmocka_unit_test(test_security_level),
		cmocka_unit_test(test_create_delete),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_get_data),
		cmocka_unit_test(test_fallback_attribute),
		cmocka_unit_test(test_master_delete),
		cmocka_unit_test(test_key_establishment),
		cmocka_unit_test(test_key_establishment_refused),
		cmocka_unit_test(test_isd_r_keyset),
		cmocka_unit_test(test_scp03),
		cmocka_unit_test(test_scp03t),
		cmocka_unit_test(test_scp03t_not_installed),
		cmocka_unit_test(test_scp03t_tampered),
		cmocka_unit_test(test_scp03t_no_key), cmocka_unit_test(test_download_ts48),
		cmocka_unit_test(test_enable),
		cmocka_unit_test(test_pol1),
		cmocka_unit_test(test_roll_back),
		cmocka_unit_test(test_notification_refused),
		cmocka_unit_test(test_first_attach),
		cmocka_unit_test(test_restart_in_change),
		cmocka_unit_test(test_fall_back),
		cmocka_unit_test(test_prefixes),
	};

	osmo_init_logging2(talloc_named_const(NULL, 0, "logging"), &rsp_log_info);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
