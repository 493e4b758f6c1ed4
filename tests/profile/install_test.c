/* The package interpreter: all of GSMA's packages, cut anywhere, broken, too big; its EUICCResponse; saved state.
 * What the files hold is compared with GSMA's workbook in structure_test.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <cmocka.h>

#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/profile/upp_text.h>

#include "install.h"
#include "packages.h"

#define LIMIT (256 * 1024)

static int setup(void **state)
{
	*state = talloc_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	talloc_free(*state);
	return 0;
}

/* Feed in pieces; the response is in resp. */
static int feed(void *ctx, const uint8_t *data, size_t len, size_t piece, size_t limit, struct bytes *resp,
		struct usim_fs **fs)
{
	struct install *inst = install_new(ctx, limit);
	size_t n;
	int rc = 0;

	for (size_t i = 0; i < len && rc == 0; i += n) {
		n = len - i < piece ? len - i : piece;
		rc = install_feed(inst, data + i, n);
		if (rc == 1 && i + n < len)
			rc = install_feed(inst, data + i + n, len - i - n);
	}
	if (resp)
		assert_int_equal(install_response(inst, resp), 0);
	*fs = install_take(inst, ctx);
	assert_int_equal(rc == 1, *fs != NULL);
	talloc_free(inst);
	return rc;
}

static void assert_hex(void *ctx, const struct bytes *b, const char *hex)
{
	assert_string_equal(bytes_hex(ctx, b->data, b->len), hex);
}

static void test_packages(void **state)
{
	char *paths[64];
	size_t n = packages_list(*state, NULL, paths, 64);

	if (!n)
		skip();
	for (size_t i = 0; i < n; i++) {
		struct bytes *b = packages_file(*state, paths[i]), *resp = bytes_new(*state, 0);
		struct usim_fs *fs;
		char iccid[21], imsi[16];

		assert_int_equal(feed(*state, b->data, b->len, 200, LIMIT, resp, &fs), 1);
		assert_hex(*state, resp, "3007A0053003800100");	/* digest 8: success */
		assert_int_equal(upp_iccid(iccid, b->data, b->len), 0);
		assert_string_equal(fs->iccid, iccid);
		assert_non_null(fs_imsi(fs, imsi));
		assert_true(bytes_eq(fs->upp, b->data, b->len));
		assert_int_equal(fs->adfs, strstr(paths[i], "m2m") ? 2 : 3);
		assert_true(fs->used > 15000 && fs->used < 40000);
		talloc_free(fs);
	}
}

/* What the README of the packages says about golden2. */
static void test_golden2(void **state)
{
	struct bytes *b = packages_ts48(*state, "derived/golden2_m2m.der");
	const struct usim_key *key;
	struct usim_fs *fs;
	struct usim_sd *sd;
	struct usim_rfm *rfm;
	struct usim_file *usim;
	uint8_t raw[32];
	char imsi[16];

	if (!b)
		skip();
	assert_int_equal(feed(*state, b->data, b->len, b->len, LIMIT, NULL, &fs), 1);
	assert_string_equal(fs->iccid, "8988011234567890124");
	assert_string_equal(fs_imsi(fs, imsi), "90170000001234");
	assert_true(fs->has_pol);
	assert_int_equal(fs->pol1, 0);
	assert_int_equal(fs->connectivity->len, 39);
	sd = fs_sd(fs, NULL);
	assert_memory_equal(sd->aid.b, "\xA0\x00\x00\x01\x51\x00\x00\x00", 8);
	assert_int_equal(sd->n_tar, 2);
	assert_int_equal(sd->tar[0], 0xB20100);
	assert_int_equal(sd->tar[1], 0);
	assert_int_equal(sd->msl, 2);
	assert_int_equal(sd->state, 0x0F);
	key = fs_sd_key(sd, 2, 3);
	assert_int_equal(key->type, KEY_TYPE_AES);
	assert_int_equal(key_export(key->key, raw, sizeof(raw)), 16);
	assert_int_equal(raw[0], 0xE3);
	assert_null(fs_sd_key(sd, 3, 1));
	rfm = llist_entry(fs->rfms.next, struct usim_rfm, entry);
	assert_int_equal(rfm->tar[0], 0xB00120);
	usim = fs_adf_fid(fs, 0x7FD0);
	assert_int_equal(usim->aka->algo, USIM_ALGO_MILENAGE);
	assert_memory_equal(fs_pin(usim, 0x81)->value, "5678\xFF\xFF\xFF\xFF", 8);
	assert_memory_equal(fs_pin(usim, 0x01)->value, "1234\xFF\xFF\xFF\xFF", 8);
	assert_int_equal(fs_pin(usim, 0x01)->attr, 6);
	assert_memory_equal(fs_puk(fs, 0x81)->value, "12345678", 8);
	assert_ptr_equal(fs_path(fs, (const uint8_t *)"\x7F\x10\x6F\x40", 4)->link, fs_child(usim, 0x6F40));
}

static struct bytes *dump(void *ctx, const struct usim_fs *fs)
{
	struct bytes *b = bytes_new(ctx, 0);

	assert_int_equal(fs_dump(b, fs), 0);
	return b;
}

/* SCP03t segments ignore element borders: every cut gives the same card. */
static void test_borders(void **state)
{
	struct bytes *demo = packages_demo(*state), *want = NULL;

	for (size_t piece = 1; piece < demo->len; piece = piece < 40 ? piece + 1 : piece * 2) {
		struct usim_fs *fs;
		struct bytes *got;

		assert_int_equal(feed(*state, demo->data, demo->len, piece, LIMIT, NULL, &fs), 1);
		got = dump(*state, fs);
		if (want)
			assert_true(bytes_eq(got, want->data, want->len));
		want = got;
		talloc_free(fs);
	}
}

/* Cut packages are never finished, and say so. */
static void test_prefixes(void **state)
{
	struct bytes *demo = packages_demo(*state), *resp = bytes_new(*state, 0);
	struct usim_fs *fs;

	for (size_t i = 0; i < demo->len; i++) {
		struct bytes *cut = bytes_dup(*state, demo->data, i);	/* its own block: reading on is seen */

		bytes_clear(resp);
		assert_int_not_equal(feed(*state, cut->data, i, i ? i : 1, LIMIT, resp, &fs), 1);
		assert_true(resp->len > 4 && resp->data[resp->len - 2] == 0x81);
		talloc_free(cut);
	}
	/* and something behind the end is wrong too */
	bytes_put_u8(demo, 0xAA);
	assert_true(feed(*state, demo->data, demo->len, demo->len, LIMIT, resp, &fs) < 0);
	assert_true(feed(*state, demo->data, demo->len, demo->len - 1, LIMIT, resp, &fs) < 0);
}

/* Single octet changes, the same ones every time; finished or refused, never a crash. */
static void test_mutations(void **state)
{
	struct bytes *orig = packages_ts48(*state, "derived/golden2_m2m.der");
	unsigned ok = 0, refused = 0;
	uint32_t seed = 1;

	if (!orig)
		orig = packages_demo(*state);
	for (unsigned i = 0; i < 800; i++) {
		struct bytes *b = bytes_dup(*state, orig->data, orig->len), *save = bytes_new(*state, 0);
		struct usim_fs *fs, *again;

		seed = seed * 1103515245 + 12345;
		b->data[(seed >> 8) % b->len] ^= 1 + (seed >> 4) % 255;
		if (feed(*state, b->data, b->len, 100 + i, LIMIT, NULL, &fs) == 1) {
			ok++;
			talloc_free(dump(*state, fs));
			assert_int_equal(fs_save(save, fs), 0);
			again = fs_load(*state, save->data, save->len);
			assert_non_null(again);
			talloc_free(again);
			talloc_free(fs);
		} else {
			refused++;
		}
		talloc_free(b);
		talloc_free(save);
	}
	printf("  %u installed, %u refused\n", ok, refused);
	assert_true(ok && refused);
}

/* The demo's text with one place changed. */
static struct bytes *response_to(void **state, const char *from, const char *to, struct usim_fs **fs)
{
	char *text = (char *)packages_demo_text(*state)->data, *at = strstr(text, from);
	struct bytes *upp, *resp = bytes_new(*state, 0);
	struct upp_text_err err;

	assert_non_null(at);
	text = talloc_asprintf(*state, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	upp = upp_text_build(*state, text, &err);
	if (!upp)
		fail_msg("line %u: %s", err.line, err.msg);
	feed(*state, upp->data, upp->len, 50, LIMIT, resp, fs);
	return resp;
}

/* Response in hex, and whether there is a profile then. */
static void test_verdicts(void **state)
{
	static const struct {
		const char *from, *to, *response;
	} cases[] = {
		/* nonStandard: mandated ends it, else it is reported and skipped */
		{ "end id=12", "raw A90DA00580008101 0D810106820155\nend id=12", "300CA008300680010181010D8100" },
		{ "end id=12", "raw A90BA00381010D 810106820155\nend id=12", "300AA008300680010181010D" },
		/* application: no runtime here */
		{ "end id=12", "raw A809A00381010D A2023000\nend id=12", "300AA008300680010181010D" },
		{ "version 2.3", "version 9.0", "3009A00530038001 1F8100" },
		{ "usim id=4 mandated template=4", "usim id=4 mandated template=8", "300CA00830068001098101048100" },
		{ "services usim milenage", "services usim multos", "3009A005300380010A8100" },
		{ "templates 1 4", "templates 1 99", "3009A00530038001098100" },
		{ "value=0000 puk=01", "value=0000 puk=08", "300CA00830068001068101038100" },
		{ "\tpin ref=81", "\tpin ref=82", "300CA008300680010B81010C8100" }, /* pin-code-missing at the end */
		{ "\tpin ref=81", "\tpin ref=01", "300CA00830068001068101068100" }, /* a global code in an ADF */
		{ "ef-est arr=6F0606 | 00", "", "300CA00830068001068101048100" },   /* mandatory file */
		{ "ef-acc arr=6F0603 | 0002", "ef-acc arr=6F0603 | 000200", "300CA00830068001068101048100" },
		{ "k=465B5CE8B199B49FAA5F0A2EE238A6BC", "k=465B", "300CA00830068001038101078100" },
		{ "aid=A0000000871002FF49FF0589 arr", "arr", "300CA00830068001038101048100" }, /* ADF without a name */
		{ "raw", "raw", NULL },
	};

	for (unsigned i = 0; cases[i].response; i++) {
		struct bytes *want = bytes_from_hex(*state, cases[i].response), *got;
		struct usim_fs *fs;

		got = response_to(state, cases[i].from, cases[i].to, &fs);
		if (!bytes_eq(got, want->data, want->len))
			fail_msg("case %u: %s", i, bytes_hex(*state, got->data, got->len));
		assert_int_equal(fs == NULL, want->data[want->len - 2] == 0x81 && !want->data[want->len - 1]);
		talloc_free(fs);
	}
}

static void test_memory(void **state)
{
	struct bytes *demo = packages_demo(*state), *resp = bytes_new(*state, 0);
	static const uint8_t huge[] = { 0xA0, 0x83, 0x7F, 0xFF, 0xFF };
	struct usim_fs *fs;
	size_t used;

	assert_int_equal(feed(*state, demo->data, demo->len, 100, LIMIT, NULL, &fs), 1);
	used = fs->used;
	assert_int_equal(feed(*state, demo->data, demo->len, 100, used, NULL, &fs), 1);
	for (size_t limit = 0; limit < used; limit += 97) {
		bytes_clear(resp);
		assert_true(feed(*state, demo->data, demo->len, 100, limit, resp, &fs) < 0);
		assert_memory_equal(resp->data + 6, "\x80\x01\x04", 3);	/* not-enough-memory */
	}
	bytes_clear(resp);
	assert_true(feed(*state, huge, sizeof(huge), 1, LIMIT, resp, &fs) < 0);
	assert_hex(*state, resp, "3009A00530038001048100");
}

/* What changed survives saving; what did not comes from the package again. */
static void test_save(void **state)
{
	struct bytes *demo = packages_demo(*state), *save = bytes_new(*state, 0);
	struct usim_file *usim, *loci, *spn;
	struct usim_fs *fs, *again;

	assert_int_equal(feed(*state, demo->data, demo->len, 100, LIMIT, NULL, &fs), 1);
	usim = fs_adf_fid(fs, 0x7FD0);
	loci = fs_child(usim, 0x6F7E);
	memset(loci->body, 0x33, loci->size);
	loci->dirty = true;
	fs_pin(usim, 0x81)->left = 1;
	fs_puk(fs, 0x01)->left = 5;
	usim->aka->sqn[3] = 0x0123456789AULL;
	memset((uint8_t *)fs_sd_key(fs_sd(fs, NULL), 2, 1)->counter, 0x44, 5);
	fs->pol1 = 6;
	assert_int_equal(fs_save(save, fs), 0);
	again = fs_load(*state, save->data, save->len);
	assert_non_null(again);
	usim = fs_adf_fid(again, 0x7FD0);
	assert_int_equal(fs_child(usim, 0x6F7E)->body[10], 0x33);
	assert_int_equal(fs_pin(usim, 0x81)->left, 1);
	assert_int_equal(fs_puk(again, 0x01)->left, 5);
	assert_int_equal(usim->aka->sqn[3], 0x0123456789AULL);
	assert_int_equal(fs_sd_key(fs_sd(again, NULL), 2, 1)->counter[4], 0x44);
	assert_int_equal(again->pol1, 6);
	spn = fs_child(usim, 0x6F46);
	assert_memory_equal(spn->body, "\0osmo-rsp\xFF", 10);
	for (size_t i = 0; i < save->len; i += 7) {
		struct bytes *cut = bytes_dup(*state, save->data, i);

		talloc_free(fs_load(*state, cut->data, i));
		talloc_free(cut);
	}
}

/* Two megabytes of an applet that the package does not insist on, in segments as they come: skipped and reported, the
 * rest is installed. */
static void test_two_megabytes(void **state)
{
	struct bytes *demo = packages_demo(*state), *load = bytes_new(*state, 0), *app = bytes_new(*state, 0);
	struct bytes *upp = bytes_new(*state, 0), *code = bytes_new(*state, 0), *rsp = bytes_new(*state, 0);
	struct install *inst = install_new(*state, 8 << 20);
	const size_t end = demo->len - 9;
	size_t at, n;
	int rc = 0;

	bytes_fill(code, 0x5A, 2 << 20);
	bytes_put(load, "\x4F\x05\xA0\x00\x00\x00\x01", 7);
	tlv_put(load, 0xC4, code->data, code->len);
	bytes_put(app, "\xA0\x03\x81\x01\x63", 5);
	tlv_put(app, 0xA1, load->data, load->len);
	bytes_put(upp, demo->data, end);
	tlv_put(upp, UPP_PE_APPLICATION, app->data, app->len);
	bytes_put(upp, demo->data + end, demo->len - end);
	for (at = 0; rc == 0 && at < upp->len; at += n) {
		n = upp->len - at < 1007 ? upp->len - at : 1007;
		rc = install_feed(inst, upp->data + at, n);
	}
	assert_int_equal(rc, 1);
	install_response(inst, rsp);
	assert_true(bytes_eq(rsp, "\x30\x0A\xA0\x08\x30\x06\x80\x01\x01\x81\x01\x63", 12));
	assert_non_null(install_take(inst, *state));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_packages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_golden2, setup, teardown),
		cmocka_unit_test_setup_teardown(test_borders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_prefixes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mutations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verdicts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_save, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_megabytes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
