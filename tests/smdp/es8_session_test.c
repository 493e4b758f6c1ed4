/* es8_session.c against the worked example of the card-side digest (5.8, 6.7, 7.4): what we send is what is printed
 * there, what the card answers there is understood; and what is not.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <talloc.h>
#include <cmocka.h>

#include <osmocom/rsp/crypto/cert.h>
#include <osmocom/rsp/ota/es8_cmd.h>

#include "es8_session.h"

/* card-side.md 5.8 */
static const char CERT_DP[] =
	"7F2181D29302020142082B0601040183F00F5F20092B0601040183F00F029501885F2504202001015F2404203912317319C80101"
	"C914C66B47D548664D571485D87BD0D4DB4F70B7F65D7F4946B04104CD5A4EEAE8D83F490FA8CCD4E0447F47E48EB46EDD8A33D754"
	"EF7AC4D83BB4C14C7AF29FE261DDA01623D68241925A780E61DA725056AA207032A6B8BBE7B1AFF00100"
	"5F374000376041CEF78D579E6FC135978F758000621B121FF2ED06461816864CFC697CBBADCFB2C54EFC5809E113BF5A25CACAA6583BAC"
	"E5DB88AC43"
	"4B6A273DA48FCE";
static const char DP_D[] = "EBE0BEF08773B63690DD4F6215F694687BA8A6D72BA9399D2DA3C7DFD99BF32C";
static const char EDP_D[] = "ABAD802A663E8DA7EAFAB16CE0D32EA2DCE28A2C9563CB90F9B47EC6012A2AF6";
static const char DP_Q[] =
	"04CD5A4EEAE8D83F490FA8CCD4E0447F47E48EB46EDD8A33D754EF7AC4D83BB4C14C7AF29FE261DDA01623D68241925A780E61DA72"
	"5056AA207032A6B8BBE7B1AF";
static const char ECASD_Q[] =
	"04618BFA4B4E7BFE09BBAA7FFC1E71441C5CCCD2DCE0430B37003AC2B8B1FE939A249C4B2E116A737D615402E06DFF792DC12B"
	"BCB5A328C6287F6036064DBCF6AD";
static const char ISDP[] = "A0000005591010FFFFFFFF8900001300";
static const char RC[] = "000102030405060708090A0B0C0D0E0F";
/* 7.4: the two segments */
static const char SEG1[] = "A01F80010281010382074578616D706C65830A89019990001234567893A500A600";
static const char SEG2[] = "AA07A0058000810102";

struct world {
	void *ctx;
	struct es8_session_cfg cfg;
	uint8_t host_challenge[8];
	char err[ES8_SESSION_ERR_SIZE];
};

static void unhex(uint8_t *out, size_t size, const char *hex)
{
	assert_int_equal(hex_dec(out, size, hex), size);
}

static struct ec_key *ec(void *ctx, const char *d_hex)
{
	uint8_t d[32];

	unhex(d, 32, d_hex);
	return ec_from_private(ctx, d);
}

static void world(struct world *w, uint8_t param)
{
	*w = (struct world){ .ctx = talloc_new(NULL) };
	assert_int_equal(aid_from_hex(&w->cfg.isdp, ISDP), 0);
	w->cfg.dp_cert = bytes_from_hex(w->ctx, CERT_DP);
	w->cfg.dp_key = ec(w->ctx, DP_D);
	w->cfg.eph = ec(w->ctx, EDP_D);
	unhex(w->cfg.ecasd_q, EC_POINT_LEN, ECASD_Q);
	unhex(w->host_challenge, 8, "0102030405060708");
	w->cfg.host_challenge = w->host_challenge;
	w->cfg.param = param;
	w->cfg.segment_size = 33;	/* as the example cuts it */
	w->cfg.segments_per_script = 8;
}

static void assert_hex(const struct bytes *b, size_t off, const char *hex)
{
	struct bytes *want = bytes_from_hex(NULL, hex);

	assert_non_null(want);
	assert_true(b->len >= off + want->len);
	assert_memory_equal(b->data + off, want->data, want->len);
	talloc_free(want);
}

static int answer(struct world *w, struct es8_session *s,
		  int (*take)(struct es8_session *s, const uint8_t *resp, size_t len, char *err), const char *hex)
{
	struct bytes *b = bytes_from_hex(w->ctx, hex);
	uint8_t *exact = talloc_memdup(w->ctx, b->data, b->len);	/* ASan sees an over-read */
	int rc = take(s, exact, b->len, w->err);

	talloc_free(exact);
	talloc_free(b);
	return rc;
}

/* Through step 1. */
static struct es8_session *session_cert(struct world *w)
{
	struct es8_session *s = es8_session_new(w->ctx, &w->cfg);
	struct bytes *script = bytes_new(w->ctx, 0);

	assert_int_equal(es8_session_cert_script(s, script), 0);
	/* INSTALL [for personalization], then STORE DATA 3A01 of the certificate: Lc = 3 + 214 */
	assert_hex(script, 0, "221C80E6200016000010A0000005591010FFFFFFFF890000130000000000");
	assert_int_equal(script->data[30], 0x22);
	assert_int_equal(script->data[31], 0x81);
	assert_hex(script, 33, "80E20900D93A01D6");
	assert_hex(script, 33 + 8, CERT_DP);
	assert_int_equal(answer(w, s, es8_session_cert_answer,
				"23029000231485100001020304"
				"05060708090A0B0C0D0E0F9000"),
			 0);
	return s;
}

/* Script of step 2: all but the random signature is as printed; the signature holds under the DP's key. */
static void check_keys_script(struct world *w, struct es8_session *s, const char *a6)
{
	struct bytes *script = bytes_new(w->ctx, 0), *tbs = bytes_new(w->ctx, 0);
	size_t off = 3 + 5, tbs_len;
	uint8_t q[EC_POINT_LEN];

	assert_int_equal(es8_session_keys_script(s, script), 0);
	assert_int_equal(script->data[0], 0x22);
	assert_hex(script, 3, "80E28901A1");
	assert_hex(script, off, a6);
	assert_hex(script, off + strlen(a6) / 2,
		   "7F494104DE94D945FD70A76253C6EC43F34A50069175A02C320FE52DF2CDAFD28352D0F6BB81E7D69A715F2B80"
		   "DE0558CD2066ADA2C731A76E9D018EBDBA0AFB010CC38B5F3740");
	tbs_len = strlen(a6) / 2 + 3 + EC_POINT_LEN;
	bytes_put(tbs, script->data + off, tbs_len);
	bytes_put_hex(tbs, "008510");
	bytes_put_hex(tbs, RC);
	unhex(q, sizeof(q), DP_Q);
	assert_int_equal(ec_verify(q, &(struct iov){ tbs->data, tbs->len }, 1, script->data + off + tbs_len + 3), 0);
}

static struct es8_session *session_keys(struct world *w)
{
	struct es8_session *s = session_cert(w);

	check_keys_script(w, s, "3A0217A615900203099501108001888101108201018301309100");
	assert_int_equal(answer(w, s, es8_session_keys_answer, "23148610FCC62E61E492BA67EC36E25397CE3A269000"), 0);
	return s;
}

static void assert_kcv(void *ctx, const uint8_t kcv[3], const char *key_hex)
{
	uint8_t raw[16], want[3];
	struct key *k;

	unhex(raw, 16, key_hex);
	k = key_new(ctx, KEY_TYPE_AES, raw, 16);
	key_kcv(want, k);
	assert_memory_equal(kcv, want, 3);
}

static void test_keys_09(void **state)
{
	struct world w;
	struct es8_session *s;
	uint8_t kcv[3][3];

	world(&w, 0x09);
	s = session_keys(&w);
	assert_true(es8_session_kcv(s, kcv));
	assert_kcv(w.ctx, kcv[0], "A4F24603B381BB1427C942D3F9807004");
	assert_kcv(w.ctx, kcv[1], "5BC21EFB999D16878B978CAF7BEDB8F7");
	assert_kcv(w.ctx, kcv[2], "CC3DD86263126DA5188B4F1502D22D36");
	talloc_free(w.ctx);
}

static void test_keys_0b(void **state)
{
	static const char ok[] = "23268510A0A1A2A3A4A5A6A7A8A9AAABACADAEAF8610B87B6773550C597C985C889BBCFC9D8C9000";
	struct world w;
	struct es8_session *s;
	uint8_t kcv[3][3];

	world(&w, 0x0B);
	s = session_cert(&w);
	check_keys_script(&w, s, "3A0217A6159002030B9501108001888101108201018301309100");
	assert_int_equal(answer(&w, s, es8_session_keys_answer, ok), 0);
	assert_true(es8_session_kcv(s, kcv));
	assert_kcv(w.ctx, kcv[0], "AF2A032A0FBC6EB0C5D1C2D9A794AC28");
	assert_kcv(w.ctx, kcv[1], "C8349FE64F7CA193D09F86FEF984314D");
	assert_kcv(w.ctx, kcv[2], "3313C712B90E4527066A656236A29469");
	talloc_free(w.ctx);
}

static void test_keys_refused(void **state)
{
	struct world w;
	struct es8_session *s;

	world(&w, 0x09);
	s = es8_session_new(w.ctx, &w.cfg);
	assert_int_equal(answer(&w, s, es8_session_cert_answer, "2302900023026A80"), -EREMOTEIO);
	assert_non_null(strstr(w.err, "6A80"));
	assert_true(answer(&w, s, es8_session_cert_answer, "23029000") < 0);
	assert_true(answer(&w, s, es8_session_cert_answer, "AF800000") < 0);
	s = session_cert(&w);
	check_keys_script(&w, s, "3A0217A615900203099501108001888101108201018301309100");
	/* a receipt wrong in its last bit */
	assert_int_equal(answer(&w, s, es8_session_keys_answer, "23148610FCC62E61E492BA67EC36E25397CE3A279000"),
			 -EBADMSG);
	assert_non_null(strstr(w.err, "receipt"));
	/* a DR that was not asked for */
	s = session_cert(&w);
	check_keys_script(&w, s, "3A0217A615900203099501108001888101108201018301309100");
	assert_true(answer(&w, s, es8_session_keys_answer,
			   "23268510A0A1A2A3A4A5A6A7A8A9AAABACADAEAF8610B87B6773550C597C985C889BBCFC9D8C9000") < 0);
	/* a public key that is no point */
	w.cfg.ecasd_q[64] ^= 1;
	s = session_cert(&w);
	check_keys_script(&w, s, "3A0217A615900203099501108001888101108201018301309100");
	assert_true(answer(&w, s, es8_session_keys_answer, "23148610FCC62E61E492BA67EC36E25397CE3A269000") < 0);
	talloc_free(w.ctx);
}

static void package(struct world *w, struct es8_session *s)
{
	struct bytes *upp = bytes_from_hex(w->ctx, SEG1);

	bytes_put_hex(upp, SEG2);
	assert_int_equal(es8_session_package(s, upp->data, upp->len), 0);
	assert_int_equal(es8_session_segments(s), 2);
}

#define A84 "8420000000000000000000003003" "70A4430C7A4C52F4A701E292799D17C2BC000001"
#define A86_LAST "86187323402233D77C83F84D8C9E9CF94E47102792F846ACBA00"

/* 7.4: 84, 85, 86, 86 in one script, byte for byte */
static void test_scp03t(void **state)
{
	struct world w;
	struct es8_session *s;
	struct bytes *script, *want;

	world(&w, 0x09);
	s = session_keys(&w);
	package(&w, s);
	script = bytes_new(w.ctx, 0);
	assert_int_equal(es8_session_data_script(s, script), 0);
	want = bytes_from_hex(w.ctx, "840A30000102030405060708"
				     "851133762C42307F9B2797FF7411E3590822B6"
				     "8638038CF0E4E0F82B8C9BEA5037B14CF254978E1E82455B84AB7EF85E44A1B738C3C1EFF4E6D2D08"
				     "7CB0497C1E2F38AC4397097D35E4E92C49F"
				     "8618C7E1D1D6BA55CCC0C4F7677F7975C79A4B733827166258A0");
	assert_true(bytes_eq(script, want->data, want->len));
	assert_true(es8_session_last(s));
	assert_int_equal(es8_session_sent(s), 2);
	assert_int_equal(answer(&w, s, es8_session_data_answer, "AF80" A84 "85008600" A86_LAST "0000"), 0);
	assert_string_equal(es8_session_result(s), "ok");
	talloc_free(w.ctx);
}

/* The same, one segment a script, bare TLVs from the SM-SR. */
static void test_scp03t_scripts(void **state)
{
	struct world w;
	struct es8_session *s;
	struct bytes *script;

	world(&w, 0x09);
	w.cfg.segments_per_script = 1;
	s = session_keys(&w);
	package(&w, s);
	script = bytes_new(w.ctx, 0);
	assert_int_equal(es8_session_data_script(s, script), 0);
	assert_false(es8_session_last(s));
	assert_int_equal(answer(&w, s, es8_session_data_answer, A84 "85008600"), 0);
	bytes_clear(script);
	assert_int_equal(es8_session_data_script(s, script), 0);
	assert_hex(script, 0, "8618C7E1D1D6BA55CCC0C4F7677F7975C79A4B733827166258A0");
	assert_int_equal(answer(&w, s, es8_session_data_answer, A86_LAST), 0);
	talloc_free(w.ctx);
}

static int data_answer(const char *hex, char err[ES8_SESSION_ERR_SIZE])
{
	struct world w;
	struct es8_session *s;
	struct bytes *script;
	int rc;

	world(&w, 0x09);
	s = session_keys(&w);
	package(&w, s);
	script = bytes_new(w.ctx, 0);
	assert_int_equal(es8_session_data_script(s, script), 0);
	rc = answer(&w, s, es8_session_data_answer, hex);
	memcpy(err, w.err, ES8_SESSION_ERR_SIZE);
	talloc_free(w.ctx);
	return rc;
}

static void test_scp03t_refused(void **state)
{
	char err[ES8_SESSION_ERR_SIZE];

	/* the card's errors (7.2) */
	assert_int_equal(data_answer("9F440103", err), -EREMOTEIO);
	assert_non_null(strstr(err, "84"));
	assert_int_equal(data_answer(A84 "9F450102", err), -EREMOTEIO);
	assert_int_equal(data_answer(A84 "85009F460102", err), -EREMOTEIO);
	assert_non_null(strstr(err, "86"));
	/* another challenge, another cryptogram */
	assert_true(data_answer("842000000000000000000000300370A5430C7A4C52F4A701E292799D17C2BC000001"
				"85008600" A86_LAST,
				err) < 0);
	assert_true(data_answer("842000000000000000000000300370A4430C7A4C52F4A701E292799D17C2BD000001"
				"85008600" A86_LAST,
				err) < 0);
	/* a forged last answer, no last answer, no EUICCResponse at all */
	assert_true(data_answer(A84 "85008600" "86187323402233D77C83F84D8C9E9CF94E47102792F846ACBA01", err) < 0);
	assert_true(data_answer(A84 "85008600", err) < 0);
	assert_true(data_answer(A84 "850086008600", err) < 0);
	assert_non_null(strstr(err, "EUICCResponse"));
}

/* Every prefix of a good response is refused. */
static void test_prefixes(void **state)
{
	static const char good[] = "AF80" A84 "85008600" A86_LAST "0000";
	char cut[sizeof(good)], err[ES8_SESSION_ERR_SIZE];

	for (size_t n = 2; n < sizeof(good) - 1; n += 2) {
		memcpy(cut, good, n);
		cut[n] = '\0';
		if (n < sizeof(good) - 1 - 4)	/* the closing 0000 is no loss */
			assert_true(data_answer(cut, err) < 0);
		else
			data_answer(cut, err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_09),	       cmocka_unit_test(test_keys_0b),
		cmocka_unit_test(test_keys_refused),   cmocka_unit_test(test_scp03t),
		cmocka_unit_test(test_scp03t_scripts), cmocka_unit_test(test_scp03t_refused),
		cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
