/* ES5, ES8 and notifications: every worked example of card-side 3, 5, 8.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <osmocom/rsp/ota/es5_cmd.h>
#include <osmocom/rsp/ota/es8_cmd.h>
#include "ota_test.h"

#define AID_1300 "A0000005591010FFFFFFFF8900001300"

static struct aid isd_p(void)
{
	struct aid aid;

	assert_int_equal(aid_from_hex(&aid, AID_1300), 0);
	return aid;
}

static void apdu_is(const struct bytes *script, const char *want)
{
	struct bytes *a = capdu(script);

	assert_bytes(a, want);
}

/* As the card reads it: cut anywhere it is refused, and whole it is this function. */
static struct es5_cmd *card_reads(const char *text, enum es5_fn fn)
{
	struct es5_cmd *c = talloc_zero(root, struct es5_cmd);
	struct bytes *in = hex(text);
	struct apdu_cmd a;
	size_t i;

	assert_int_equal(apdu_dec(&a, in->data, in->len), 0);
	for (i = 0; i < a.lc; i++) {	/* data field cut, length made to fit */
		struct apdu_cmd cut = a;
		uint8_t *p = exact(a.data, i);

		cut.data = p;
		cut.lc = i;
		if (es5_cmd_dec(c, &cut) == 0x9000)	/* what is left may be a command in itself, of optional TLVs */
			assert_true(fn == ES5_MASTER_DELETE || fn == ES5_GET_STATUS || fn == ES5_FINALISE_HANDOVER ||
				    fn == ES5_GET_DATA || fn == ES5_STORE_KEYS);
		free(p);
	}
	assert_int_equal(es5_cmd_dec(c, &a), 0x9000);
	assert_int_equal(c->fn, fn);
	return c;
}

static void test_create_isdp(void **state)
{
	static const char plain[] = "80E60C003F10A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010" AID_1300
				    "0380C00006C904810203700000";
	static const char quota[] = "80E60C004710A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010" AID_1300
				    "0380C0000EC90481020370EF068304000100000000";
	struct bytes *s = empty(), *out = empty();
	struct aid aid = isd_p();
	struct es5_cmd *c;

	assert_int_equal(es5_create_isdp_enc(s, &aid, 0), 0);
	apdu_is(s, plain);
	assert_int_equal(script_cmd_enc(out, s->data, s->len, true, SCRIPT_CHAIN_NONE), 0);
	assert_hex(out->data, 4, "AA472245");
	s = empty();
	assert_int_equal(es5_create_isdp_enc(s, &aid, 65536), 0);
	apdu_is(s, quota);
	c = card_reads(plain, ES5_CREATE_ISDP);
	assert_true(aid_eq(&c->aid, &aid));
	assert_int_equal(c->memory, 0);
	assert_int_equal(card_reads(quota, ES5_CREATE_ISDP)->memory, 65536);
}

static void test_platform_management(void **state)
{
	struct aid aid = isd_p();
	struct bytes *s = empty();
	struct es5_cmd *c;

	es5_enable_profile_enc(s, &aid);
	apdu_is(s, "80E28800153A03124F10" AID_1300);
	es5_disable_profile_enc(s = empty(), &aid);
	apdu_is(s, "80E28800153A04124F10" AID_1300);
	es5_set_fallback_enc(s = empty(), &aid);
	apdu_is(s, "80E28800153A05124F10" AID_1300);
	es5_delete_enc(s = empty(), &aid);
	apdu_is(s, "80E40040124F10" AID_1300 "00");
	c = card_reads("80E28800153A03124F10" AID_1300, ES5_ENABLE_PROFILE);
	assert_true(aid_eq(&c->aid, &aid));
	card_reads("80E28800153A04124F10" AID_1300 "00", ES5_DISABLE_PROFILE);
	card_reads("80E28800153A05124F10" AID_1300, ES5_SET_FALLBACK);
	card_reads("80E28800153A09124F10" AID_1300, ES5_SET_EMERGENCY);
	card_reads("80E40040124F10" AID_1300 "00", ES5_DELETE);
	c = card_reads("80E28800063A0603810103", ES5_UPDATE_POL1);
	assert_int_equal(c->pol1, 3);
	card_reads("80E6200016000010A0000005591010FFFFFFFF8900000F0000000000", ES5_INSTALL_PERSO);
	assert_string_equal(es5_sw_text(0x69E1), "POL1 of the profile prevents this action");
	assert_string_equal(es5_state_text(0x1F), "disabled");
}

/* card-side 3.5. */
static void test_audit(void **state)
{
	struct es5_isdp_info i = { .aid = isd_p(), .state = 0x1F }, got;
	struct bytes *s = empty(), *d = empty(), *in;
	struct es5_memory m = { 3, 0x20000, 0x1000 }, gm;
	struct es5_cmd *c;
	struct rd r;
	size_t n;

	gp_get_status_enc(s, &i.aid, (const uint8_t *)"\x4F\x9F\x70", 3, false);
	apdu_is(s, "80F24002174F10" AID_1300 "5C034F9F7000");
	es5_get_status_enc(s = empty(), NULL, false);
	apdu_is(s, "80F240020A4F005C064F9F70538F9100");
	c = card_reads("80F240020A4F005C064F9F70538F9100", ES5_GET_STATUS);
	assert_int_equal(c->aid.len, 0);
	assert_hex(c->tags, c->tags_len, "4F9F70538F91");
	es5_get_memory_enc(s = empty());
	apdu_is(s, "80CAFF2100");
	assert_int_equal(card_reads("80CAFF2100", ES5_GET_DATA)->get_tag, 0xFF21);
	es5_get_ecasd_cert_enc(s = empty());
	apdu_is(s, "80CABF30045C027F2100");
	assert_hex(card_reads("80CABF30045C027F2100", ES5_GET_DATA)->tags, 2, "7F21");
	es5_status_rsp_enc(d, &i);
	assert_bytes(d, "E3164F10" AID_1300 "9F70011F");
	i.has_attr = i.has_granted = i.has_remaining = true;
	i.granted = 0x10000;
	i.remaining = 0x8000;
	es5_status_rsp_enc(d = empty(), &i);
	assert_bytes(d, "E3254F10" AID_1300 "9F70011F5301008F0400010000910400008000");
	i.fallback = true;
	es5_status_rsp_enc(d, &i);
	rd_init(&r, d->data, d->len);
	assert_int_equal(es5_status_rsp_next(&r, &got), 1);
	assert_false(got.fallback);
	assert_int_equal(es5_status_rsp_next(&r, &got), 1);
	assert_true(got.fallback);
	assert_int_equal(got.remaining, 0x8000);
	assert_int_equal(es5_status_rsp_next(&r, &got), 0);
	for (n = 1; n < d->len / 2; n++) {
		uint8_t *p = exact(d->data, n);

		rd_init(&r, p, n);
		assert_int_equal(es5_status_rsp_next(&r, &got), -EINVAL);
		free(p);
	}
	es5_memory_rsp_enc(d = empty(), &m);
	assert_int_equal(es5_memory_rsp_dec(&gm, d->data, d->len), 0);
	assert_memory_equal(&m, &gm, sizeof(m));
	in = hex("81020003 82022000 830101");	/* outer tag away, short numbers */
	assert_int_equal(es5_memory_rsp_dec(&gm, in->data, in->len), 0);
	assert_int_equal(gm.free_nvm, 0x2000);
}

/* card-side 3.6. */
static void test_master_delete(void **state)
{
	static const char want[] = "80E40040434F10" AID_1300 "B61D420549534450014509495344505344494E01"
				   "5F200547534D41019301019E106CD4E26F7F67AE0296CEEC696336613C00";
	struct key *token = aes("20212223242526270101010101010101");
	struct es5_master_delete m = { .sin = "ISDP\x01", .sin_len = 5, .sdin = "ISDPSDIN\x01", .sdin_len = 9,
				       .provider = "GSMA\x01", .provider_len = 5, .token_id = { 1 }, .token_id_len = 1 };
	struct aid aid = isd_p();
	struct bytes *s = empty();
	struct es5_cmd *c;

	assert_int_equal(es5_master_delete_enc(s, &aid, &m, token), 0);
	apdu_is(s, want);
	c = card_reads(want, ES5_MASTER_DELETE);
	assert_hex(c->master.sdin, c->master.sdin_len, "495344505344494E01");
	assert_int_equal(es5_token_verify(c, token), 0);
	c->master.token[15] ^= 1;
	assert_int_equal(es5_token_verify(c, token), -EBADMSG);
}

/* card-side 3.10. */
static void test_handover(void **state)
{
	static const struct es5_key_range keep[] = { { 2, 1, 3 }, { 0x41, 1, 2 } };
	struct scp81_params *p = talloc_zero(root, struct scp81_params);
	struct es5_smsr_addr *a = talloc_zero(root, struct es5_smsr_addr);
	struct bytes *s = empty(), *dgi = empty();
	struct gp_store_data sd;
	struct apdu_cmd c;
	struct es5_cmd cmd;
	struct tlv t;
	struct rd r;
	unsigned n = 0;

	es5_finalise_handover_enc(s, keep, 2);
	apdu_is(s, "80E400000AF203020103F20341010200");
	assert_int_equal(card_reads("80E400000AF203020103F20341010200", ES5_FINALISE_HANDOVER)->n_keep, 2);
	p->has_conn = true;
	p->port = 8443;
	strcpy(p->ip, "192.0.2.10");
	strcpy(p->host, "smsr.example.net");
	strcpy(p->uri, "/gsma/adminagent");
	memset(p->psk_id, '8', 90);
	memset(p->agent, 'a', 90);
	s = empty();
	assert_int_equal(es5_update_smsr_enc(s, "+33689924111", p), 0);
	rd_init(&r, s->data, s->len);
	while (tlv_next(&r, &t) == 1) {
		assert_int_equal(apdu_dec(&c, t.v, t.len), 0);
		assert_int_equal(gp_store_data_dec(&sd, &c), 0x9000);
		assert_int_equal(sd.block, n++);
		assert_int_equal(c.p1, r.left ? 0x08 : 0x88);
		bytes_put(dgi, sd.data, sd.len);
		assert_int_equal(es5_store_complete(dgi->data, dgi->len, sd.last), sd.last);
	}
	assert_int_equal(n, 2);
	assert_int_equal(es5_dgi_dec(&cmd, dgi->data, dgi->len), 0x9000);
	assert_int_equal(cmd.fn, ES5_UPDATE_SMSR);
	assert_int_equal(es5_smsr_addr_dec(a, cmd.body, cmd.body_len), 0);
	assert_true(a->has_sms && a->has_https);
	assert_string_equal(a->sms, "+33689924111");
	assert_memory_equal(&a->https, p, sizeof(*p));
	/* the worked HTTPS example: bits and order of another encoder */
	char text[1200] = "3A07FF0105A58201018413350103390205DC3C030220FB3E0521C000020A855E5A", h[3];
	unsigned i;

	for (i = 0; i < 90; i++)
		strcat(text, "38");
	strcat(text, "02400186070003A50300003C8981808A10736D73722E6578616D706C652E6E65748B5A");
	for (i = 0; i < 90; i++)
		snprintf(h, sizeof(h), "%02X", 'a'), strcat(text, h);
	strcat(text, "8C102F67736D612F61646D696E6167656E74");
	dgi = hex(text);
	assert_int_equal(dgi->len, 266);
	assert_int_equal(es5_dgi_dec(&cmd, dgi->data, dgi->len), 0x9000);
	assert_int_equal(es5_smsr_addr_dec(a, cmd.body, cmd.body_len), 0);
	assert_int_equal(a->https.port, 8443);
	assert_int_equal(a->https.kvn, 0x40);
	assert_string_equal(a->https.host, "smsr.example.net");
}

/* card-side 3.11: sample of a 2016 card; its IMEI. */
static void test_notification(void **state)
{
	struct bytes *in = hex("E1354C10890010120123412340123456789012244D01024E0200004F10" AID_1300 "14083A45990057918503");
	struct bytes *out = empty();
	struct notif n, m;
	size_t i;

	assert_int_equal(notif_dec(&n, in->data, in->len), 0);
	assert_int_equal(n.type, NOTIF_CHANGED);
	assert_string_equal(n.imei, "354990075195830");
	assert_int_equal(notif_enc(out, &n, NOTIF_AID_TAG_2016), 0);
	assert_true(bytes_eq(out, in->data, in->len));
	memset(n.imei, 0, sizeof(n.imei));
	n.meid_len = 7;
	n.location_len = 7;
	n.seq = 0xFFFE;
	n.type = NOTIF_FALLBACK;
	out = empty();
	assert_int_equal(notif_enc(out, &n, NOTIF_AID_TAG), 0);
	assert_int_equal(notif_dec(&m, out->data, out->len), 0);
	assert_memory_equal(&n, &m, sizeof(n));
	for (i = 0; i < out->len; i++) {
		uint8_t *p = exact(out->data, i);

		assert_int_equal(notif_dec(&m, p, i), -EINVAL);
		free(p);
	}
	in = hex("E1194C10890010120123412340123456789012244D01024E020000");	/* no AID */
	assert_int_equal(notif_dec(&m, in->data, in->len), -EINVAL);
	assert_int_equal(notif_imei_enc((uint8_t[8]){ 0 }, "12345"), -EINVAL);
}

/* card-side 3.12. */
static void test_confirmation(void **state)
{
	struct bytes *s = empty(), *out = empty(), *d = empty(), *in;
	struct aid aid = isd_p(), got[2];
	struct script_rsp r;
	struct apdu_rsp a;
	size_t i;

	es5_confirm_notif_enc(s, 0);
	script_cmd_enc(out, s->data, s->len, true, SCRIPT_CHAIN_NONE);
	assert_bytes(out, "AA0F220D80E28900073A08044E02000000");
	assert_int_equal(card_reads("80E28900073A08044E02123400", ES5_CONFIRM_NOTIF)->seq, 0x1234);
	es5_confirm_rsp_enc(d, &aid, 1);
	assert_bytes(d, "80124F10" AID_1300);
	in = hex("AB1B800101 2316 80124F10" AID_1300 "9000");
	assert_int_equal(script_rsp_dec(&r, in->data, in->len), 0);
	assert_int_equal(es5_rsp(&a, r.tlvs, r.len), 0);
	assert_int_equal(a.sw, 0x9000);
	assert_int_equal(es5_confirm_rsp_dec(got, 2, a.data, a.len), 1);
	assert_true(aid_eq(&got[0], &aid));
	assert_int_equal(es5_confirm_rsp_dec(got, 2, NULL, 0), 0);
	assert_int_equal(es5_confirm_rsp_dec(got, 0, a.data, a.len), -EINVAL);
	for (i = 1; i < a.len; i++)
		assert_int_equal(es5_confirm_rsp_dec(got, 2, a.data, i), -EINVAL);
}

static const char dp_q[] = "046466E042804FAAC48F839EA53E85D0B8B93F2F015028A472F07F3227AF408170ACFB39D198BA7D0DCFF3DE5032A6CC8F6ACC84EF556BFE530DEC0FF75F2AF59A";
static const char rc16[] = "000102030405060708090A0B0C0D0E0F";

/* card-side 5.1 to 5.3: published, with a signature that neither of our ends made. */
static void test_published_keys_step(void **state)
{
	struct bytes *in = hex("3A0217A615900203099501108001888101108201018301029100"
		"7F494104C8A12565C76B64BA84305D4370704BEBCA4799DDACF035402F1FD85E180A1801AE64BCCC968632819373E3CAA48559930F7A9C34C0FDE9922FF2268A07CE5F57"
		"5F3740AA559462E0238A57DD6156CBF626F336F12E7DE0C8AE174EDCD4A0F4CCA588CACA2A513E2752168C2CFA8ABEBDD844EA96359E33081E1976B301DD1AA86BBABC");
	struct bytes *q = hex(dp_q), *rc = hex(rc16), *s = empty(), *cert = hex("7F2104930101AA");
	struct aid aid = isd_p();
	struct es8_crt crt, want;
	struct es8_keys k;
	struct apdu_cmd c;
	struct es5_cmd cmd;
	size_t i;

	assert_int_equal(es8_keys_dec(&k, in->data, in->len), 0);
	assert_int_equal(es8_keys_verify(&k, q->data, rc->data, rc->len), 0);
	rc->data[3] ^= 1;
	assert_int_equal(es8_keys_verify(&k, q->data, rc->data, rc->len), -EBADMSG);
	rc->data[3] ^= 1;
	assert_int_equal(es8_crt_dec(&crt, k.a6, k.a6_len), 0);
	es8_crt_default(&want, 0x02, 0x09);
	assert_memory_equal(&crt, &want, sizeof(crt));
	for (i = 0; i < in->len; i++) {
		uint8_t *p = exact(in->data, i);

		assert_int_equal(es8_keys_dec(&k, p, i), -EINVAL);
		free(p);
	}
	for (i = 0; i < in->len * 8; i += 5) {
		in->data[i / 8] ^= 1 << i % 8;
		if (es8_keys_dec(&k, in->data, in->len) == 0)
			assert_int_not_equal(es8_keys_verify(&k, q->data, rc->data, rc->len), 0);
		in->data[i / 8] ^= 1 << i % 8;
	}
	es8_install_perso_enc(s, &aid);
	assert_bytes(s, "221C80E6200016000010" AID_1300 "00000000");
	assert_int_equal(es8_cert_enc(s = empty(), cert->data, cert->len), 1);
	apdu_is(s, "80E209000A3A01077F2104930101AA00");
	apdu_dec(&c, capdu(s)->data, capdu(s)->len);
	assert_int_equal(es5_cmd_dec(&cmd, &c), 0x9000);
	assert_int_equal(cmd.fn, ES5_STORE_CERT);
	assert_hex(cmd.body, cmd.body_len, "7F2104930101AA");
	assert_true(es5_store_complete(c.data, c.lc, false));
	assert_false(es5_store_complete(c.data, c.lc - 1, false));
	in = hex("3A0181077F2104930101AA");	/* BER length of another SM-SR */
	assert_int_equal(es5_dgi_dec(&cmd, in->data, in->len), 0x9000);
	assert_hex(cmd.body, cmd.body_len, "7F2104930101AA");
	bytes_fill(cert, 0, 5000);
	assert_true(es8_cert_enc(empty(), cert->data, cert->len) < 0);
}

struct worked {
	uint8_t param;
	const char *a6, *dr, *keys[3], *answer;
	uint8_t kvn;
};

static void check_worked(const struct worked *w)
{
	struct ec_key *e = ec_from_private(root, hex("ABAD802A663E8DA7EAFAB16CE0D32EA2DCE28A2C9563CB90F9B47EC6012A2AF6")->data);
	struct ec_key *ecasd = ec_from_private(root, hex("E9A454DC406455C4215B22CA581E6E30740576E0EAB9363B728D4F0224E678FC")->data);
	struct ec_key *dp = ec_from_private(root, hex("EBE0BEF08773B63690DD4F6215F694687BA8A6D72BA9399D2DA3C7DFD99BF32C")->data);
	struct bytes *rc = hex(rc16), *a6 = empty(), *script = empty(), *answer = empty(), *dr = hex(w->dr);
	uint8_t z[32], q[EC_POINT_LEN], receipt[16], dr_got[ES8_DR_MAX];
	struct es8_keyset server, card;
	struct es8_crt crt, got;
	struct es8_keys k;
	struct apdu_cmd c;
	struct es5_cmd cmd;
	size_t n;
	unsigned i;

	es8_crt_default(&crt, w->kvn, w->param);
	memcpy(crt.host_id, "OSMOH001", crt.host_id_len = w->param & 4 ? 8 : 0);
	memcpy(crt.sdin, "ISDPSDIN\x01", crt.sdin_len = w->param & 4 ? 9 : 0);
	memcpy(crt.sin, "ISDP\x01", crt.sin_len = w->param & 4 ? 5 : 0);
	assert_int_equal(es8_crt_enc(a6, &crt), 0);
	assert_bytes(a6, w->a6);
	assert_int_equal(es8_keys_enc(script, &crt, e, false, dp, rc->data, rc->len, 1), 0);
	apdu_dec(&c, capdu(script)->data, capdu(script)->len);
	assert_int_equal(c.p1 << 8 | c.p2, 0x8901);
	/* the card */
	assert_int_equal(es5_cmd_dec(&cmd, &c), 0x9000);
	assert_int_equal(cmd.fn, ES5_STORE_KEYS);
	assert_int_equal(es8_keys_dec(&k, cmd.body, cmd.body_len), 0);
	ec_public(dp, q);
	assert_int_equal(es8_keys_verify(&k, q, rc->data, rc->len), 0);
	assert_int_equal(es8_crt_dec(&got, k.a6, k.a6_len), 0);
	memcpy(got.sin, crt.sin, got.sin_len = crt.sin_len);	/* what the ISD-P knows of itself */
	assert_int_equal(ec_ecka(ecasd, k.epk, z), 0);
	assert_hex(z, 32, "5913141EB90FC33D76C019AD7A9CD1BE90A784E162F815B317AEA3E943D379CC");
	assert_int_equal(es8_derive(&card, root, &got, k.a6, k.a6_len, z, dr->data, dr->len), 0);
	es8_keys_rsp_enc(answer, dr->data, dr->len, card.receipt);
	assert_bytes(answer, w->answer);
	/* the server */
	ec_public(ecasd, q);
	assert_int_equal(ec_ecka(e, q, z), 0);
	assert_int_equal(es8_keys_rsp_dec(dr_got, &n, receipt, answer->data, answer->len), 0);
	assert_int_equal(es8_derive(&server, root, &crt, a6->data, a6->len, z, dr_got, n), 0);
	assert_memory_equal(server.receipt, receipt, 16);
	assert_int_equal(server.n, 3);
	for (i = 0; i < 3; i++) {
		assert_true(key_eq(server.k[i], aes(w->keys[i])));
		assert_true(key_eq(card.k[i], server.k[i]));
	}
	for (i = 0; i < answer->len; i++) {	/* 18 octets are DR alone, or the receipt alone */
		uint8_t *p = exact(answer->data, i);

		assert_int_equal(es8_keys_rsp_dec(dr_got, &n, receipt, p, i), -EINVAL);
		free(p);
	}
	assert_int_equal(es8_derive(&server, root, &crt, a6->data, a6->len, z, z, n ? 0 : 16), -EINVAL);
}

/* card-side 5.8. */
static void test_worked_keys(void **state)
{
	static const struct worked v[] = {
		{ 0x09, "A615900203099501108001888101108201018301309100", "",
		  { "A4F24603B381BB1427C942D3F9807004", "5BC21EFB999D16878B978CAF7BEDB8F7", "CC3DD86263126DA5188B4F1502D22D36" },
		  "8610FCC62E61E492BA67EC36E25397CE3A26", 0x30 },
		{ 0x0B, "A6159002030B9501108001888101108201018301309100", "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF",
		  { "AF2A032A0FBC6EB0C5D1C2D9A794AC28", "C8349FE64F7CA193D09F86FEF984314D", "3313C712B90E4527066A656236A29469" },
		  "8510A0A1A2A3A4A5A6A7A8A9AAABACADAEAF8610B87B6773550C597C985C889BBCFC9D8C", 0x30 },
		{ 0x0F, "A62A9002030F95011080018881011082010183013091004509495344505344494E0184084F534D4F48303031",
		  "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF",
		  { "E976280D685334C7A65B09FE8C6ACD66", "198A1090858385BE429B64A7D5983BC7", "17DEE1EF336CDCD1B2DD8EFFE93A7DE3" },
		  "8510A0A1A2A3A4A5A6A7A8A9AAABACADAEAF861087D65E38A4DB4CA88A5918F1A115CF1D", 0x30 },
	};
	unsigned i;

	for (i = 0; i < 3; i++)
		check_worked(&v[i]);
}

/* card-side 3.9: keys of an ISD-R, with a counter in the CRT; both codings of the ephemeral key. */
static void test_isdr_keys(void **state)
{
	struct bytes *in = hex("3A021CA61A9002030B95011080018881011082010183010291050000000001"
		"7F4941049487C712D23850D5E38446F62C4A2306C63A1DD6AA0AC1522AC0AD4FDF6AB9C3417F3C3CDF6C796456FDB30862B7EF7155BC4F8337C3985831EA3F521E779F47"
		"5F374074648650B89525C0345EEF8C1EE32B4FDB5D26A4A3DA2389C043B560BAB378C1DE2A8E55C9BAE92D724F0C1BE6843CCF90D8E3A885442978E4FE837B867F78E200");
	struct bytes *dr = hex("A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"), *rc = hex(rc16), *script = empty();
	struct ec_key *ecasd = ec_from_private(root, hex("E9A454DC406455C4215B22CA581E6E30740576E0EAB9363B728D4F0224E678FC")->data);
	uint8_t z[32];
	struct es8_keyset ks;
	struct es8_keys k;
	struct es8_crt crt;
	struct es5_cmd cmd;
	struct apdu_cmd c;

	/* the example's last octet is the Le of its C-APDU */
	assert_int_equal(es8_keys_dec(&k, in->data, in->len - 1), 0);
	assert_int_equal(es8_keys_verify(&k, hex("04BC0933721727243D2CD167FD87CCEDED0B77D42CC79D98E635AB462F78EDBDBE97EAF5EE56F35DD052323C7FB3691E9B106F015D21D0CC847B3C9165FD27D572")->data,
					 rc->data, rc->len), 0);
	assert_int_equal(es8_crt_dec(&crt, k.a6, k.a6_len), 0);
	assert_int_equal(crt.kvn, 2);
	assert_int_equal(crt.counter_len, 5);
	assert_int_equal(ec_ecka(ecasd, k.epk, z), 0);
	assert_int_equal(es8_derive(&ks, root, &crt, k.a6, k.a6_len, z, dr->data, dr->len), 0);
	assert_hex(ks.receipt, 16, "5DE9E4CAC8BEF52F9E59908520BE03C3");
	assert_true(key_eq(ks.k[0], aes("018B8C187A3F6F688658A716C62888E1")));
	assert_true(key_eq(ks.k[1], aes("D2A8D9023924B044C912689966EFED46")));
	assert_true(key_eq(ks.k[2], aes("3BC7703E6A64A00CD0F88CC1646DCD79")));
	/* 7F49 with B0 and F0 inside */
	assert_int_equal(es8_keys_enc(script, &crt, ecasd, true, ecasd, rc->data, rc->len, 1), 0);
	apdu_dec(&c, capdu(script)->data, capdu(script)->len);
	assert_int_equal(es5_cmd_dec(&cmd, &c), 0x9000);
	assert_int_equal(es8_keys_dec(&k, cmd.body, cmd.body_len), 0);
	/* a PSK keyset: the first is the PSK, the others are AES */
	es8_crt_default(&crt, 0x40, 0x09);
	crt.key_type = KEY_TYPE_PSK;
	assert_int_equal(es8_derive(&ks, root, &crt, k.a6, k.a6_len, z, NULL, 0), 0);
	assert_int_equal(key_type(ks.k[0]), KEY_TYPE_PSK);
	assert_int_equal(key_type(ks.k[1]), KEY_TYPE_AES);
	in = hex("8510" "000102030405060708090A0B0C0D0E0F");
	uint8_t got[ES8_RC_MAX];
	size_t n;

	assert_int_equal(es8_cert_rsp_dec(got, &n, in->data, in->len), 0);
	assert_int_equal(n, 16);
	assert_int_equal(es8_cert_rsp_dec(got, &n, in->data, in->len - 1), -EINVAL);
}

/* card-side 6.6, 5.9. */
static void test_under_scp03(void **state)
{
	struct key *dek = aes("CC3DD86263126DA5188B4F1502D22D36"), *token = aes("20212223242526270101010101010101"), *got;
	struct bytes *out = empty(), *conn = hex("A0090607913386994211F1");
	struct apdu_cmd c;
	uint8_t kvn, kid;

	assert_int_equal(gp_put_key_enc(out, 0x70, 1, token, dek), 0);
	assert_int_equal(apdu_dec(&c, out->data, out->len), 0);
	assert_hex(c.data, 4, "70881110");
	assert_int_equal(gp_put_key_dec(&got, root, &kvn, &kid, dek, &c), 0x9000);
	assert_true(key_eq(got, token));
	assert_int_equal(kvn << 8 | kid, 0x7001);
	assert_int_equal(gp_put_key_dec(&got, root, &kvn, &kid, token, &c), 0x9485);
	c.lc--;
	assert_int_equal(gp_put_key_dec(&got, root, &kvn, &kid, dek, &c), 0x6A80);
	out = empty();
	assert_int_equal(es8_update_conn_apdu(out, conn->data, conn->len), 0);
	assert_bytes(out, "80E288000E3A070BA0090607913386994211F100");
	card_reads("80E288000E3A070BA0090607913386994211F100", ES5_UPDATE_CONN);
}

/* card-side 8. */
static void test_euicc_response(void **state)
{
	struct es8_euicc_rsp r = { .n = 1, .pe = { { 0, -1, -1, -1 } } }, got;
	struct bytes *out = empty();
	size_t i;

	assert_int_equal(es8_euicc_rsp_enc(out, &r), 0);
	assert_bytes(out, "3007A0053003800100");
	assert_int_equal(es8_euicc_rsp_dec(&got, out->data, out->len), 0);
	assert_false(got.aborted);
	r.pe[0] = (struct es8_pe_status){ 5, 12, -1, -1 };
	r.aborted = true;
	out = empty();
	assert_int_equal(es8_euicc_rsp_enc(out, &r), 0);
	assert_bytes(out, "300CA008300680010581010C8100");
	assert_int_equal(es8_euicc_rsp_dec(&got, out->data, out->len), 0);
	assert_true(got.aborted);
	assert_int_equal(got.pe[0].identification, 12);
	assert_string_equal(es8_pe_status_text(got.pe[0].status), "invalid-request-format");
	r.n = 3;
	r.pe[1] = (struct es8_pe_status){ 0x6A84, 32767, 200, 0 };
	r.pe[2] = (struct es8_pe_status){ 0xFFFF, 128, 255, 70000 };
	strcpy(r.message, "no space");
	out = empty();
	assert_int_equal(es8_euicc_rsp_enc(out, &r), 0);
	assert_int_equal(es8_euicc_rsp_dec(&got, out->data, out->len), 0);
	assert_memory_equal(&got, &r, sizeof(r));
	for (i = 0; i < out->len; i++) {
		uint8_t *p = exact(out->data, i);

		assert_int_equal(es8_euicc_rsp_dec(&got, p, i), -EINVAL);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create_isdp), TEST(test_platform_management), TEST(test_audit), TEST(test_master_delete),
		TEST(test_handover), TEST(test_notification), TEST(test_confirmation), TEST(test_published_keys_step),
		TEST(test_worked_keys), TEST(test_isdr_keys), TEST(test_under_scp03), TEST(test_euicc_response),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
