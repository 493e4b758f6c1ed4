/* The UICC layer on the demo profile: selection, access rules, codes, and authentication against libosmogsm and the
 * test sets of TS 35.208. SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <cmocka.h>

#include <osmocom/crypt/auth.h>

#include "install.h"
#include "packages.h"
#include "usim.h"

struct env {
	void *ctx;
	struct usim_fs *fs;
	struct usim *u;
};

static struct usim_fs *install(void *ctx, const struct bytes *upp)
{
	struct install *inst = install_new(ctx, 1 << 20);

	assert_int_equal(install_feed(inst, upp->data, upp->len), 1);
	return install_take(inst, ctx);
}

static int setup(void **state)
{
	void *ctx = talloc_new(NULL);
	struct env *e = talloc_zero(ctx, struct env);

	e->ctx = ctx;
	e->fs = install(ctx, packages_demo(ctx));
	e->u = usim_new(ctx, e->fs);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	talloc_free(((struct env *)*state)->ctx);
	return 0;
}

/* Command and the whole answer in hex; "*" at the end of want: only the beginning counts. */
static void apdu(struct env *e, const char *cmd, const char *want)
{
	struct bytes *c = bytes_from_hex(e->ctx, cmd), *r = bytes_new(e->ctx, 0);
	char *got;
	size_t n = strlen(want);

	usim_apdu(e->u, c->data, c->len, r);
	got = bytes_hex(e->ctx, r->data, r->len);
	if (n && want[n - 1] == '*' ? strncmp(got, want, n - 1) : strcmp(got, want))
		fail_msg("%s: got %s, not %s", cmd, got, want);
}

#define SELECT_USIM "00A4040C0CA0000000871002FF49FF0589"

static void test_select(void **state)
{
	struct env *e = *state;

	apdu(e, "00A4000C023F00", "9000");
	apdu(e, "00A40004022FE2", "6217820241218302" "2FE28A01058B032F0604" "8002000A" "8801109000");
	apdu(e, "00B0000000", "989400000000000000F09000");
	apdu(e, "00B0820000", "989400000000000000F09000");	/* SFI 02 */
	apdu(e, "00B0000A01", "6C00");
	apdu(e, "00B0000B01", "6B00");
	apdu(e, "00A4000C026F07", "6A82");	/* not here */
	apdu(e, "00A4000C027FD0", "6A82");	/* the temporary FID is not for terminals */
	apdu(e, "00A4000C027FFF", "6A82");	/* no application chosen yet */
	apdu(e, SELECT_USIM, "9000");
	apdu(e, "80F2000000", "62*");
	apdu(e, "80F2000100", "840CA0000000871002FF49FF05899000");
	apdu(e, "00A4000C026F07", "9000");
	apdu(e, "00B0000000", "0809101000000000109000");
	apdu(e, "00A4080C047FFF6F46", "9000");
	apdu(e, "00B0000000", "006F736D6F2D727370FFFFFFFFFFFFFFFF9000");
	apdu(e, "00A4080C067FFF5F3B4F20", "9000");
	apdu(e, "00A4000C024F52", "9000");	/* sibling */
	apdu(e, "00A4000C023F00", "9000");
	apdu(e, "00A4080C022F00", "9000");
	apdu(e, "00B2010400", "61144F0CA0000000871002FF49FF058950045553494DFFFFFFFFFFFFFFFFFFFFFF9000");
	apdu(e, "00B2010421", "61144F0CA0000000871002FF49FF058950045553494DFFFFFFFFFFFFFFFFFFFFFF9000");
	apdu(e, "00B2010420", "6C21");
	apdu(e, "00B2030400", "6A83");
	apdu(e, "00B0000000", "6981");
	apdu(e, "00A4040C07A0000000871004", "6A82");
	apdu(e, "00A4040C07A0000000871002", "9000");	/* by the beginning of the AID */
	apdu(e, "A0A40000023F00", "6E00");
	apdu(e, "00FE000000", "6D00");
	apdu(e, "00A4", "6700");
}

static void test_fcp(void **state)
{
	struct env *e = *state;

	/* TS 102 221 11.1.1.3: descriptor with record length and number, FID, life cycle, rule, size, SFI */
	apdu(e, "00A40004022F00", "621A" "82054221002102" "83022F00" "8A0105" "8B032F0601" "80020042" "8801F0" "9000");
	/* a directory: UICC characteristics, PIN status: PIN1 off, ADM1 on */
	apdu(e, "00A40004023F00",
	     "6220"
	     "82027821"
	     "83023F00"
	     "A503800171"
	     "8A0105"
	     "8B032F0605"
	     "C609900140"
	     "830101"
	     "83010A"
	     "9000");
}

static void test_access(void **state)
{
	struct env *e = *state;

	apdu(e, SELECT_USIM, "9000");
	apdu(e, "00A4000C026F46", "9000");		/* SPN: read always, update ADM1 */
	apdu(e, "00D600000101", "6982");
	apdu(e, "0020000A083535353535353530", "63C9");
	apdu(e, "0020000A083535353535353535", "9000");
	assert_true(usim_changed(e->u));
	apdu(e, "00D600000101", "9000");
	assert_true(usim_changed(e->u));
	assert_false(usim_changed(e->u));
	apdu(e, "00B0000002", "016F9000");
	usim_reset(e->u);
	apdu(e, SELECT_USIM, "9000");
	apdu(e, "00A4000C026F46", "9000");
	apdu(e, "00D600000101", "6982");		/* the verification is gone */
	apdu(e, "00A4000C026F7E", "9000");		/* LOCI: PIN1, which is switched off */
	apdu(e, "00D6000002AABB", "9000");
	apdu(e, "00D6000A02AABB", "6700");
	apdu(e, "00A4080C022FE2", "9000");		/* ICCID: never */
	apdu(e, "0020000A083535353535353535", "9000");
	apdu(e, "00D600000100", "6982");
	usim_privileged(e->u, true);			/* an RFM application with full access */
	apdu(e, "00D600000198", "9000");
	usim_privileged(e->u, false);
	apdu(e, "00D600000198", "6982");
}

static void test_pins(void **state)
{
	struct env *e = *state;

	apdu(e, "00200001", "6984");			/* PIN1 is off */
	apdu(e, "002800010830303030FFFFFFFF", "9000");	/* enable */
	apdu(e, SELECT_USIM, "9000");
	usim_reset(e->u);
	apdu(e, "00200001", "63C3");
	apdu(e, SELECT_USIM, "9000");
	apdu(e, "00A4000C026F07", "9000");
	apdu(e, "00B0000000", "6982");			/* IMSI: PIN1 */
	apdu(e, "002000010831313131FFFFFFFF", "63C2");
	apdu(e, "002000010831313131FFFFFFFF", "63C1");
	apdu(e, "002000010831313131FFFFFFFF", "63C0");
	apdu(e, "002000010830303030FFFFFFFF", "6983");
	apdu(e, "002C0001", "63CA");
	apdu(e, "002C0001103131313131313132" "39393939FFFFFFFF", "63C9");
	apdu(e, "002C0001103131313131313131" "39393939FFFFFFFF", "9000");
	apdu(e, "00B0000000", "0809101000000000109000");
	apdu(e, "0024000110" "39393939FFFFFFFF" "31323334FFFFFFFF", "9000");
	apdu(e, "002600010831323334FFFFFFFF", "9000");	/* disable */
	apdu(e, "00200001", "6984");
	apdu(e, "00200081", "63C3");			/* PIN2 of the application */
	apdu(e, "002000810839393939FFFFFFFF", "9000");
	apdu(e, "002000820839393939FFFFFFFF", "6A88");
	apdu(e, "0020000107", "6*");
}

/* TS 35.208 test set 1 (also TS 35.207), all eight functions. */
static void test_milenage_set1(void **state)
{
	struct env *e = *state;
	struct usim_aka *aka = fs_adf_fid(e->fs, 0x7FD0)->aka;
	struct bytes *rand = bytes_from_hex(e->ctx, "23553cbe9637a89d218ae64dae47bf35");
	struct milenage m;

	assert_int_equal(usim_milenage(&m, aka, rand->data, (const uint8_t *)"\xff\x9b\xb4\xd0\xb6\x07",
				       (const uint8_t *)"\xb9\xb9"), 0);
	assert_string_equal(bytes_hex(e->ctx, m.mac_a, 8), "4A9FFAC354DFAFB3");
	assert_string_equal(bytes_hex(e->ctx, m.mac_s, 8), "01CFAF9EC4E871E9");
	assert_string_equal(bytes_hex(e->ctx, m.res, 8), "A54211D5E3BA50BF");
	assert_string_equal(bytes_hex(e->ctx, m.ak, 6), "AA689C648370");
	assert_string_equal(bytes_hex(e->ctx, m.ck, 16), "B40BA9A3C58B2A05BBF0D987B21BF8CB");
	assert_string_equal(bytes_hex(e->ctx, m.ik, 16), "F769BCD751044604127672711C6D3441");
	assert_string_equal(bytes_hex(e->ctx, m.ak_s, 6), "451E8BECA43B");
}

static uint32_t seed = 7;
static void fill(uint8_t *p, size_t len)
{
	while (len--) {
		seed = seed * 1103515245 + 12345;
		*p++ = seed >> 16;
	}
}

static void vector(struct osmo_sub_auth_data *aud, struct osmo_auth_vector *vec, uint8_t rand[16])
{
	memset(vec, 0, sizeof(*vec));
	vec->res_len = 8;
	assert_int_equal(osmo_auth_gen_vec(vec, aud, rand), 0);
}

/* A network that uses libosmogsm: random K, OPc, RAND; then a replay, whose AUTS it must understand. */
static void test_milenage_osmo(void **state)
{
	struct env *e = *state;
	struct usim_aka *aka = fs_adf_fid(e->fs, 0x7FD0)->aka;
	struct usim_auth_out out;
	struct osmo_auth_vector vec;
	uint8_t rand[16];

	for (unsigned i = 0; i < 200; i++) {
		struct osmo_sub_auth_data aud = { .type = OSMO_AUTH_TYPE_UMTS, .algo = OSMO_AUTH_ALG_MILENAGE };

		fill(aud.u.umts.k, 16);
		fill(aud.u.umts.opc, 16);
		fill(rand, 16);
		aud.u.umts.amf[0] = 0x80;
		aud.u.umts.ind_bitlen = 5;
		aud.u.umts.ind = i % 32;
		aud.u.umts.sqn = 1000 + 32 * i;
		talloc_free(aka->k);
		aka->k = key_new(aka, KEY_TYPE_AES, aud.u.umts.k, 16);
		memcpy(aka->opc, aud.u.umts.opc, 16);
		memset(aka->sqn, 0, sizeof(aka->sqn));
		vector(&aud, &vec, rand);
		assert_int_equal(usim_auth(aka, rand, vec.autn, &out), USIM_AUTH_OK);
		assert_int_equal(out.res_len, 8);
		assert_memory_equal(out.res, vec.res, 8);
		assert_memory_equal(out.ck, vec.ck, 16);
		assert_memory_equal(out.ik, vec.ik, 16);
		assert_memory_equal(out.kc, vec.kc, 8);
		/* the same again is a replay */
		assert_int_equal(usim_auth(aka, rand, vec.autn, &out), USIM_AUTH_SYNC);
		{
			uint64_t sqn = aud.u.umts.sqn;

			aud.u.umts.sqn = 0;
			assert_int_equal(osmo_auth_gen_vec_auts(&vec, &aud, out.auts, rand, rand), 0);
			assert_int_equal(aud.u.umts.sqn_ms, sqn);
		}
		assert_int_equal(usim_auth(aka, rand, vec.autn, &out), USIM_AUTH_OK);
		vec.autn[15] ^= 1;
		assert_int_equal(usim_auth(aka, rand, vec.autn, &out), USIM_AUTH_MAC);
	}
}

static void test_authenticate(void **state)
{
	struct env *e = *state;
	struct osmo_sub_auth_data aud = { .type = OSMO_AUTH_TYPE_UMTS, .algo = OSMO_AUTH_ALG_MILENAGE };
	struct usim_aka *aka = fs_adf_fid(e->fs, 0x7FD0)->aka;
	struct osmo_auth_vector vec;
	uint8_t rand[16];
	char *cmd;

	key_export(aka->k, aud.u.umts.k, 16);
	memcpy(aud.u.umts.opc, aka->opc, 16);
	aud.u.umts.ind_bitlen = 5;
	fill(rand, 16);
	vector(&aud, &vec, rand);
	cmd = talloc_asprintf(e->ctx, "008800812210%s10%s00", bytes_hex(e->ctx, rand, 16),
			      bytes_hex(e->ctx, vec.autn, 16));
	apdu(e, cmd, "6985");				/* no application yet */
	apdu(e, SELECT_USIM, "9000");
	/* TS 31.102 7.1.2.1: DB, then each value behind its length, none around all */
	apdu(e, cmd,
	     talloc_asprintf(e->ctx, "DB08%s10%s10%s08%s9000", bytes_hex(e->ctx, vec.res, 8),
			     bytes_hex(e->ctx, vec.ck, 16), bytes_hex(e->ctx, vec.ik, 16),
			     bytes_hex(e->ctx, vec.kc, 8)));
	assert_true(usim_changed(e->u));
	apdu(e, cmd, "DC0E*");
	cmd[strlen(cmd) - 3] = cmd[strlen(cmd) - 3] == '0' ? '1' : '0';
	apdu(e, cmd, "9862");
	cmd = talloc_asprintf(e->ctx, "008800801110%s00", bytes_hex(e->ctx, rand, 16));
	apdu(e, cmd,
	     talloc_asprintf(e->ctx, "04%s08%s9000", bytes_hex(e->ctx, vec.sres, 4), bytes_hex(e->ctx, vec.kc, 8)));
	apdu(e, "0088008110FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "6700");
}

/* TS 34.108 8.1.2, worked by hand: K 000102..0F, RAND all 00, so XDOUT = K. */
static void test_xor(void **state)
{
	struct env *e = *state;
	struct bytes *v7 = packages_ts48(e->ctx, "v7/TS48v7_SAIP2.3_NoBERTLV.der"), *autn;
	struct usim_auth_out out;
	struct usim_aka *aka;
	uint8_t rand[16] = { 0 };

	if (!v7)
		skip();
	aka = fs_adf_fid(install(e->ctx, v7), 0x7FD0)->aka;
	assert_int_equal(aka->algo, USIM_ALGO_XOR);
	/* SQN 000000000020, AK = XDOUT[3..8] = 030405060708, AMF 8000; MAC = XDOUT[0..7] xor SQN||AMF */
	autn = bytes_from_hex(e->ctx, "030405060728 8000 0001020304258607");
	assert_int_equal(usim_auth(aka, rand, autn->data, &out), USIM_AUTH_OK);
	assert_int_equal(out.res_len, 16);	/* structure_naas_auth_parameters.csv: options 02 = 128 bits */
	assert_string_equal(bytes_hex(e->ctx, out.res, 16), "000102030405060708090A0B0C0D0E0F");
	assert_string_equal(bytes_hex(e->ctx, out.ck, 16), "0102030405060708090A0B0C0D0E0F00");
	assert_string_equal(bytes_hex(e->ctx, out.ik, 16), "02030405060708090A0B0C0D0E0F0001");
	assert_int_equal(usim_auth(aka, rand, autn->data, &out), USIM_AUTH_SYNC);
	/* SQN_MS 000000000020, AMF* 0000 */
	assert_string_equal(bytes_hex(e->ctx, out.auts, 14), "0304050607280001020304250607");
}

static void test_sqn(void **state)
{
	struct env *e = *state;
	struct usim_aka *aka = fs_adf_fid(e->fs, 0x7FD0)->aka;
	struct osmo_sub_auth_data aud = { .type = OSMO_AUTH_TYPE_UMTS, .algo = OSMO_AUTH_ALG_MILENAGE };
	struct usim_auth_out out;
	struct osmo_auth_vector vec;
	uint8_t rand[16] = { 1 };

	key_export(aka->k, aud.u.umts.k, 16);
	memcpy(aud.u.umts.opc, aka->opc, 16);
	aud.u.umts.ind_bitlen = 5;
	/* a jump past delta is refused (wrap protection), one within is not */
	aud.u.umts.sqn = (0x10000000ULL + 1) << 5;
	vector(&aud, &vec, rand);
	assert_int_equal(usim_auth(aka, rand, vec.autn, &out), USIM_AUTH_SYNC);
	aud.u.umts.sqn = (0x10000000ULL - 2) << 5;
	vector(&aud, &vec, rand);
	assert_int_equal(usim_auth(aka, rand, vec.autn, &out), USIM_AUTH_OK);
}

static void test_show(void **state)
{
	struct env *e = *state;

	assert_string_equal(usim_show_ef(e->ctx, e->fs, "3F00/2FE2"),
			    "2FE2 transparent, 10 octets, access rule 2F06 record 4\n  989400000000000000F0\n");
	assert_non_null(strstr(usim_show_ef(e->ctx, e->fs, "3F00/7FF0/6F07"), "080910100000000010"));
	assert_non_null(strstr(usim_show_ef(e->ctx, e->fs, "3F00"), "7FD0 directory"));
	assert_non_null(strstr(usim_show_ef(e->ctx, e->fs, "3F00/zz"), "no such file"));
	assert_non_null(strstr(usim_show_ef(e->ctx, e->fs, "2F00/2F00"), "no such file"));
}

/* Commands of every shape against a real package: answers, never a crash. */
static void test_noise(void **state)
{
	struct env *e = *state;
	static const uint8_t ins[] = { 0xA4, 0xB0, 0xB2, 0xD6, 0xDC, 0x20, 0x24, 0x26, 0x28, 0x2C, 0x32, 0x88, 0xF2 };
	uint8_t cmd[40];

	for (unsigned i = 0; i < 20000; i++) {
		struct bytes *r = bytes_new(e->ctx, 0), *c;
		size_t len;

		fill(cmd, sizeof(cmd));
		len = cmd[39] % 40;
		cmd[0] = cmd[0] & 0x80;
		cmd[1] = ins[cmd[1] % sizeof(ins)];
		if (i % 2) {
			cmd[2] &= 0x0F;
			cmd[3] &= 0x0F;
			cmd[4] = len > 5 ? len - 5 : cmd[4];
		}
		if (i % 8 == 1)
			memcpy(cmd, "\x00\xA4\x00\x04\x02\x6F", 6);
		c = bytes_dup(e->ctx, cmd, len);
		usim_apdu(e->u, c->data, len, r);
		assert_true(r->len >= 2 && r->len < 600);
		talloc_free(r);
		talloc_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_select, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fcp, setup, teardown),
		cmocka_unit_test_setup_teardown(test_access, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_milenage_set1, setup, teardown),
		cmocka_unit_test_setup_teardown(test_milenage_osmo, setup, teardown),
		cmocka_unit_test_setup_teardown(test_authenticate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_xor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sqn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_show, setup, teardown),
		cmocka_unit_test_setup_teardown(test_noise, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
