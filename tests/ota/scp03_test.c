/* SCP03 and SCP03t: the trace of a real eUICC and the worked session of card-side 5.8, 6.7, 7.4, from both ends.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <osmocom/rsp/ota/scp03t.h>
#include "ota_test.h"

/* card-side 6.7: pySim, real eUICC, level 33. */
static void test_real_euicc(void **state)
{
	struct key *enc = aes("000102030405060708090A0B0C0D0E0F"), *mac = aes("101112131415161718191A1B1C1D1E1F");
	struct bytes *host = hex("FDF38259A1E0DE44"), *out = empty(), *in;
	struct scp03_init init;
	struct apdu_cmd c;
	struct scp03 *s;
	uint16_t sw;

	assert_int_equal(scp03_init_update_enc(out, 0x30, host->data), 0);
	assert_bytes(out, "8050300008FDF38259A1E0DE4400");
	in = hex("000000000000000000003003703B1ACA81E821F219081CDC01C26B372D000003");
	assert_int_equal(scp03_init_dec(&init, in->data, in->len), 0);
	assert_int_equal(init.seq, 3);
	assert_int_equal(init.kvn, 0x30);
	assert_int_equal(scp03_start(&s, root, enc, mac, host->data, &init), 0);
	out = empty();
	assert_int_equal(scp03_ext_auth_enc(s, out), 0);
	assert_bytes(out, "84823300108C36F96BCC00724A4E13AD591D7DA3F0");
	in = hex("80E2910006BF3E035C015A00");
	assert_int_equal(apdu_dec(&c, in->data, in->len), 0);
	out = empty();
	assert_int_equal(scp03_wrap(s, out, &c), 0);
	assert_bytes(out, "84E2910018267A85DFE4A98FCA6FB0527E0DFECCE4914E40401433C87F00");
	in = hex("F3BA2B1013AA6224F5E1C138D71805C569E5439B47576260B75FC021B25097CB2E68F8A0144975B99000");
	out = empty();
	assert_int_equal(scp03_rsp_unwrap(s, out, &sw, in->data, in->len), 0);
	assert_int_equal(sw, 0x9000);
	assert_bytes(out, "BF3E125A1089882119900000000000000000000005");
	c = (struct apdu_cmd){ .cla = 0x80, .ins = 0xF2, .p1 = 0x20 };
	in = hex("84F2200208AC6A59024BED84CC");	/* its P2 is 02 */
	c.p2 = in->data[3];
	out = empty();
	assert_int_equal(scp03_wrap(s, out, &c), 0);
	assert_bytes(out, "84F2200208AC6A59024BED84CC");
	c = (struct apdu_cmd){ .cla = 0x80, .ins = 0xCA, .p1 = 0x00, .p2 = 0x66 };
	out = empty();
	assert_int_equal(scp03_wrap(s, out, &c), 0);
	assert_bytes(out, "84CA006608409912AD8FB7AED0");
	init.card_cryptogram[0] ^= 1;
	assert_int_equal(scp03_start(&s, root, enc, mac, host->data, &init), -EBADMSG);
	assert_null(s);
}

/* The card's side of the same trace: its four commands are accepted in order, and only in order. */
static void test_real_euicc_commands(void **state)
{
	static const char *const cmds[] = {
		"84E2910018267A85DFE4A98FCA6FB0527E0DFECCE4914E40401433C87F00", "84F2200208AC6A59024BED84CC",
		"84CA006608409912AD8FB7AED0", "84F22002185F3DAFC3AC14C381536A488BF44E06D056DF9D74DBD21E5A",
	};
	struct key *enc = aes("000102030405060708090A0B0C0D0E0F"), *mac = aes("101112131415161718191A1B1C1D1E1F");
	struct scp03 *s = scp03_new(root, enc, mac, hex("FDF38259A1E0DE44")->data, hex("3B1ACA81E821F219")->data);
	struct bytes *in = hex("84823300108C36F96BCC00724A4E13AD591D7DA3F0"), *store = empty();
	struct apdu_cmd c, plain;
	unsigned i;

	assert_int_equal(apdu_dec(&c, in->data, in->len), 0);
	assert_int_equal(scp03_ext_auth_dec(s, &c), 0);
	for (i = 0; i < 4; i++) {
		in = hex(cmds[i]);
		assert_int_equal(apdu_dec(&c, in->data, in->len), 0);
		assert_int_equal(scp03_unwrap(s, store, &plain, &c), 0);
		if (i == 0)
			assert_bytes(store, "BF3E035C015A");
	}
	assert_int_equal(scp03_unwrap(s, store, &plain, &c), -EBADMSG);
}

static const uint8_t host_challenge[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

struct session {
	struct key *enc, *mac;
	struct scp03 *server, *card;
	struct scp03_init init;
};

/* card-side 5.8 with parameter 09, counter 000001, ISD-P .1300. */
static void session_new(struct session *t)
{
	struct aid aid;

	aid_isdp(&aid, 0x13);
	memset(t, 0, sizeof(*t));
	t->enc = aes("A4F24603B381BB1427C942D3F9807004");
	t->mac = aes("5BC21EFB999D16878B978CAF7BEDB8F7");
	t->init.kvn = 0x30;
	t->init.seq = 1;
	assert_int_equal(scp03_card_challenge(t->init.card_challenge, t->enc, 1, &aid), 0);
	assert_hex(t->init.card_challenge, 8, "A4430C7A4C52F4A7");
	t->card = scp03_new(root, t->enc, t->mac, host_challenge, t->init.card_challenge);
	scp03_card_cryptogram(t->card, t->init.card_cryptogram);
	assert_int_equal(scp03_start(&t->server, root, t->enc, t->mac, host_challenge, &t->init), 0);
}

static void auth_apdu(struct session *t)
{
	struct bytes *out = empty();
	struct apdu_cmd c;

	assert_int_equal(scp03_ext_auth_enc(t->server, out), 0);
	assert_bytes(out, "8482330010762C42307F9B27972EDEE866A3582DD8");
	assert_int_equal(apdu_dec(&c, out->data, out->len), 0);
	assert_int_equal(scp03_ext_auth_dec(t->card, &c), 0);
	assert_true(scp03_authenticated(t->card));
}

static void test_worked_apdus(void **state)
{
	uint8_t init[SCP03_INIT_LEN], kvn, chal[8];
	struct bytes *out = empty(), *plain = hex("80E288000E3A070BA0090607913386994211F100"), *store = empty(), *in;
	struct apdu_cmd c, got;
	struct session t;
	uint16_t sw;

	session_new(&t);
	scp03_init_enc(init, &t.init);
	assert_hex(init, 32, "00000000000000000000300370A4430C7A4C52F4A701E292799D17C2BC000001");
	scp03_init_update_enc(out, 0x30, host_challenge);
	apdu_dec(&c, out->data, out->len);
	assert_int_equal(scp03_init_update_dec(&kvn, chal, &c), 0);
	assert_int_equal(kvn, 0x30);
	auth_apdu(&t);
	assert_int_equal(apdu_dec(&c, plain->data, plain->len), 0);
	out = empty();
	assert_int_equal(scp03_wrap(t.server, out, &c), 0);
	assert_bytes(out, "84E28800182DC2C1F0818A7E69834C3970E10942DA58750DFF9EB69D5C00");
	assert_int_equal(apdu_dec(&c, out->data, out->len), 0);
	assert_int_equal(scp03_unwrap(t.card, store, &got, &c), 0);
	out = empty();
	assert_int_equal(apdu_put(out, &got), 0);
	assert_true(bytes_eq(out, plain->data, plain->len));
	out = empty();
	assert_int_equal(scp03_rsp_wrap(t.card, out, NULL, 0, 0x9000), 0);
	assert_bytes(out, "32C13A6CF79F0DC49000");
	in = empty();
	assert_int_equal(scp03_rsp_unwrap(t.server, in, &sw, out->data, out->len), 0);
	assert_int_equal(in->len, 0);
	out = empty();	/* if the answer carried data */
	assert_int_equal(scp03_rsp_wrap(t.card, out, hex("0102030405")->data, 5, 0x9000), 0);
	assert_bytes(out, "7699FB89BAB7DE26D95C97C11ADE9AEE54CAD5E666BC80FC9000");
	assert_int_equal(scp03_rsp_unwrap(t.server, in, &sw, out->data, out->len), 0);
	assert_bytes(in, "0102030405");
	out = empty();
	assert_int_equal(scp03_rsp_wrap(t.card, out, NULL, 0, 0x6A80), 0);
	assert_bytes(out, "6A80");
	assert_int_equal(scp03_rsp_unwrap(t.server, in, &sw, out->data, out->len), 0);
	assert_int_equal(sw, 0x6A80);
}

static struct tlv one(const struct bytes *b)
{
	struct tlv t;
	struct rd r;

	rd_init(&r, b->data, b->len);
	assert_int_equal(tlv_next(&r, &t), 1);
	assert_int_equal(r.left, 0);
	return t;
}

/* 84, 85 and their answers: card-side 7.4. */
static void start_t(struct session *t)
{
	struct bytes *out = empty(), *got = empty();
	uint8_t kvn, chal[8], err;
	struct tlv tlv;

	session_new(t);
	assert_int_equal(scp03t_init_enc(out, 0x30, host_challenge), 0);
	assert_bytes(out, "840A30000102030405060708");
	tlv = one(out);
	assert_int_equal(scp03t_init_dec(&kvn, chal, &tlv), 0);
	assert_memory_equal(chal, host_challenge, 8);
	out = empty();
	assert_int_equal(scp03t_init_rsp_enc(out, &t->init), 0);
	assert_bytes(out, "842000000000000000000000300370A4430C7A4C52F4A701E292799D17C2BC000001");
	tlv = one(out);
	assert_int_equal(scp03t_rsp_dec(NULL, got, &err, SCP03T_TAG_INIT, &tlv), 0);
	assert_int_equal(scp03_init_dec(&t->init, got->data, got->len), 0);
	out = empty();
	assert_int_equal(scp03t_auth_enc(t->server, out), 0);
	assert_bytes(out, "851133762C42307F9B2797FF7411E3590822B6");
	tlv = one(out);
	assert_int_equal(scp03t_auth_dec(t->card, &tlv), 0);
	out = empty();
	scp03t_empty_rsp_enc(out, SCP03T_TAG_AUTH);
	assert_bytes(out, "8500");
	tlv = one(out);
	assert_int_equal(scp03t_rsp_dec(t->server, got, &err, SCP03T_TAG_AUTH, &tlv), 0);
}

static void test_worked_segments(void **state)
{
	struct bytes *p1 = hex("A01F80010281010382074578616D706C65830A89019990001234567893A500A600"), *p2 = hex("AA07A0058000810102");
	struct bytes *all = empty(), *got = empty(), *out;
	uint8_t mcv[16], err;
	struct scp03t_note n1, n2;
	struct session t;
	struct tlv tlv;

	start_t(&t);
	out = empty();
	assert_int_equal(scp03t_data_enc(t.server, out, p1->data, p1->len), 0);
	assert_bytes(out, "8638038CF0E4E0F82B8C9BEA5037B14CF254978E1E82455B84AB7EF85E44A1B738C3C1EFF4E6D2D087CB0497C1E2F38AC439"
		     "7097D35E4E92C49F");
	scp03t_note_take(t.server, &n1);
	tlv = one(out);
	assert_int_equal(scp03t_data_dec(t.card, all, &tlv), 0);
	out = empty();
	assert_int_equal(scp03t_data_enc(t.server, out, p2->data, p2->len), 0);
	assert_bytes(out, "8618C7E1D1D6BA55CCC0C4F7677F7975C79A4B733827166258A0");
	scp03t_note_take(t.server, &n2);
	tlv = one(out);
	assert_int_equal(scp03t_data_dec(t.card, all, &tlv), 0);
	assert_int_equal(all->len, p1->len + p2->len);
	assert_memory_equal(all->data + p1->len, p2->data, p2->len);
	/* the two answers, in one response script */
	out = empty();
	assert_int_equal(scp03t_data_rsp_enc(t.card, out, NULL, 0), 0);
	assert_bytes(out, "8600");
	tlv = one(out);
	scp03t_note_use(t.server, &n1);
	assert_int_equal(scp03t_rsp_dec(t.server, got, &err, SCP03T_TAG_DATA, &tlv), 0);
	out = empty();
	assert_int_equal(scp03t_data_rsp_enc(t.card, out, hex("3007A0053003800100")->data, 9), 0);
	assert_bytes(out, "86187323402233D77C83F84D8C9E9CF94E47102792F846ACBA00");
	tlv = one(out);
	scp03t_note_use(t.server, &n2);
	assert_int_equal(scp03t_rsp_dec(t.server, got, &err, SCP03T_TAG_DATA, &tlv), 0);
	assert_bytes(got, "3007A0053003800100");
	/* 87, third TLV */
	memcpy(mcv, hex("00112233445566778899AABBCCDDEEFF")->data, 16);
	out = empty();
	assert_int_equal(scp03t_keys_enc(t.server, out, mcv, aes("101112131415161718191A1B1C1D1E1F"),
					 aes("202122232425262728292A2B2C2D2E2F"), aes("303132333435363738393A3B3C3D3E3F")), 0);
	assert_bytes(out, "8758CC596D8B055B228DE986747E412FE1FC02EDBB604FA5C79709642063186FBC3FB150D074AD9E7FEF35BFA82FB2E3E2CC"
		     "FD33BB32B90C2BC6B35BDF0870C07BB7650E5BD821ED9713A66CBD6A35B414466882DF649EDA0966");
	tlv = one(out);
	assert_int_equal(scp03t_keys_dec(t.card, &tlv), 0);
	out = empty();
	assert_int_equal(scp03t_data_enc(t.server, out, p2->data, p2->len), 0);
	tlv = one(out);
	assert_int_equal(scp03t_data_dec(t.card, empty(), &tlv), 0);
}

/* Every turned bit of value or tag is refused and spoils the session; a good one comes too late then. */
static void test_damaged_segments(void **state)
{
	struct bytes *out, *plain = hex("AA07A0058000810102"), *got = empty();
	struct session t;
	struct tlv tlv;
	size_t i;

	for (i = 0; i < 24 * 8; i += 7) {
		start_t(&t);
		out = empty();
		assert_int_equal(scp03t_data_enc(t.server, out, plain->data, plain->len), 0);
		out->data[2 + i / 8] ^= 1 << i % 8;
		tlv = one(out);
		assert_int_equal(scp03t_data_dec(t.card, got, &tlv), -EBADMSG);
		assert_int_equal(got->len, 0);
		assert_false(scp03_authenticated(t.card));
		out->data[2 + i / 8] ^= 1 << i % 8;
		assert_int_equal(scp03t_data_dec(t.card, got, &tlv), -EBADMSG);
	}
	for (i = 0; i < 24; i++) {	/* every shorter value */
		start_t(&t);
		out = empty();
		scp03t_data_enc(t.server, out, plain->data, plain->len);
		tlv = one(out);
		tlv.v = exact(tlv.v, i);
		tlv.len = i;
		assert_int_equal(scp03t_data_dec(t.card, got, &tlv), -EINVAL);
		free((void *)tlv.v);
	}
	start_t(&t);
	out = empty();
	scp03t_data_enc(t.server, out, plain->data, plain->len);
	tlv = one(out);
	assert_int_equal(scp03t_data_dec(t.card, got, &tlv), 0);
	assert_int_equal(scp03t_data_dec(t.card, got, &tlv), -EBADMSG);	/* played again */
}

static void test_damaged_authentication(void **state)
{
	struct bytes *out;
	struct session t;
	struct tlv tlv;
	struct apdu_cmd c;
	size_t i;

	for (i = 0; i < 16 * 8; i += 5) {
		session_new(&t);
		out = empty();
		scp03t_auth_enc(t.server, out);
		out->data[3 + i / 8] ^= 1 << i % 8;
		tlv = one(out);
		assert_int_equal(scp03t_auth_dec(t.card, &tlv), -EBADMSG);
		assert_false(scp03_authenticated(t.card));
		session_new(&t);
		out = empty();
		scp03_ext_auth_enc(t.server, out);
		out->data[5 + i / 8] ^= 1 << i % 8;
		apdu_dec(&c, out->data, out->len);
		assert_int_equal(scp03_ext_auth_dec(t.card, &c), i < 64 ? -EACCES : -EBADMSG);
		assert_false(scp03_authenticated(t.card));
	}
}

static void test_damaged_apdus(void **state)
{
	struct bytes *plain = hex("80E288000E3A070BA0090607913386994211F100"), *out, *rsp, *store = empty();
	struct apdu_cmd c, got;
	struct session t;
	uint16_t sw;
	size_t i;

	for (i = 0; i < 24 * 8; i += 7) {
		session_new(&t);
		auth_apdu(&t);
		apdu_dec(&c, plain->data, plain->len);
		out = empty();
		scp03_wrap(t.server, out, &c);
		out->data[5 + i / 8] ^= 1 << i % 8;
		assert_int_equal(apdu_dec(&c, out->data, out->len), 0);
		assert_int_equal(scp03_unwrap(t.card, store, &got, &c), -EBADMSG);
		assert_int_equal(got.lc, 0);
		out->data[5 + i / 8] ^= 1 << i % 8;
		session_new(&t);
		auth_apdu(&t);
		apdu_dec(&c, plain->data, plain->len);
		out = empty();
		scp03_wrap(t.server, out, &c);
		apdu_dec(&c, out->data, out->len);
		assert_int_equal(scp03_unwrap(t.card, store, &got, &c), 0);
		rsp = empty();
		scp03_rsp_wrap(t.card, rsp, host_challenge, 8, 0x9000);
		rsp->data[i / 8] ^= 1 << i % 8;
		assert_int_equal(scp03_rsp_unwrap(t.server, store, &sw, rsp->data, rsp->len), -EBADMSG);
		assert_int_equal(sw, 0);
	}
	session_new(&t);	/* without authentication nothing is unwrapped */
	assert_int_equal(scp03_unwrap(t.card, store, &got, &c), -EBADMSG);
}

/* card-side 7.1, 7.2. */
static void test_segments_and_errors(void **state)
{
	struct bytes *out = empty(), *got = empty(), *big = empty();
	struct session t;
	struct tlv tlv;
	uint8_t err;

	assert_int_equal(scp03t_seg_len(100000, 0), SCP03T_SEG_MAX);
	assert_int_equal(scp03t_seg_len(12, 0), 12);
	assert_int_equal(scp03t_seg_len(100000, 20), 0);
	start_t(&t);
	bytes_fill(big, 0x5A, SCP03T_SEG_MAX);
	assert_int_equal(scp03t_data_enc(t.server, out, big->data, big->len), 0);
	assert_true(out->len <= 1024);
	assert_true(out->len > 1024 - 16);
	tlv = one(out);
	assert_int_equal(scp03t_data_dec(t.card, got, &tlv), 0);
	assert_true(bytes_eq(got, big->data, big->len));
	out = empty();
	scp03t_err_enc(out, SCP03T_TAG_DATA, SCP03T_ERR_SECURITY);
	assert_bytes(out, "9F460102");	/* a real card's */
	tlv = one(out);
	assert_int_equal(scp03t_rsp_dec(t.server, got, &err, SCP03T_TAG_DATA, &tlv), -EREMOTEIO);
	assert_int_equal(err, 2);
	assert_false(scp03_authenticated(t.server));
	assert_int_equal(SCP03T_ERR_TAG(SCP03T_TAG_INIT), 0x9F44);
	assert_int_equal(SCP03T_ERR_TAG(SCP03T_TAG_KEYS), 0x9F47);
	out = hex("8500");
	tlv = one(out);
	assert_int_equal(scp03t_rsp_dec(t.server, got, &err, SCP03T_TAG_DATA, &tlv), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_real_euicc), TEST(test_real_euicc_commands), TEST(test_worked_apdus), TEST(test_worked_segments),
		TEST(test_damaged_segments), TEST(test_damaged_authentication), TEST(test_damaged_apdus),
		TEST(test_segments_and_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
