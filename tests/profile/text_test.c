/* The text description there and back, the demo profile, and the rules of upp_check.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <cmocka.h>

#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/profile/upp_check.h>
#include <osmocom/rsp/profile/upp_perso.h>
#include <osmocom/rsp/profile/upp_text.h>

#include "packages.h"

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

static void assert_there_and_back(void *ctx, const struct bytes *upp, unsigned raw_max)
{
	struct bytes *text = upp_text_show(ctx, upp->data, upp->len), *out;
	struct upp_text_err err;
	unsigned raw = 0;

	assert_non_null(text);
	bytes_put_u8(text, 0);
	for (char *p = (char *)text->data; (p = strstr(p, "\nraw ")); p++)
		raw++;
	assert_in_range(raw, 0, raw_max);
	out = upp_text_build(ctx, (const char *)text->data, &err);
	if (!out)
		fail_msg("line %u: %s", err.line, err.msg);
	assert_true(bytes_eq(out, upp->data, upp->len));
	talloc_free(text);
	talloc_free(out);
}

/* There are words for all of it. */
static void test_all_packages(void **state)
{
	char *paths[64];
	size_t n = packages_list(*state, NULL, paths, 64);

	if (!n)
		skip();
	for (size_t i = 0; i < n; i++)
		assert_there_and_back(*state, packages_file(*state, paths[i]), 0);
}

static void ignore(void *data, const struct upp_finding *f)
{
	unsigned *warnings = data;

	assert_true(f->rule && *f->rule);
	if (f->sev == UPP_WARNING && strcmp(f->rule, "known-bad"))
		++*warnings;
	else if (f->sev == UPP_ERROR)
		printf("  element %d id %d: %s [%s]\n", f->pe, f->id, f->text, f->rule);
}

static void test_demo(void **state)
{
	struct bytes *demo = packages_demo(*state);
	struct upp_header h;
	unsigned warnings = 0;
	const char *err;

	assert_non_null(demo);
	assert_there_and_back(*state, demo, 0);
	assert_int_equal(upp_check(demo->data, demo->len, ignore, &warnings), 0);
	assert_int_equal(warnings, 0);
	assert_int_equal(upp_header_dec(&h, &err, demo->data, demo->len), 0);
	assert_int_equal(h.pol_len, 1);
	assert_int_equal(h.pol[0], 0);
	assert_true(h.connectivity_len > 0);
	assert_string_equal(h.iccid, "8949000000000000000");
}

static void test_check_packages(void **state)
{
	char *paths[64];
	size_t n = packages_list(*state, NULL, paths, 64);

	if (!n)
		skip();
	for (size_t i = 0; i < n; i++) {
		struct bytes *b = packages_file(*state, paths[i]);
		unsigned warnings = 0;

		assert_int_equal(upp_check(b->data, b->len, ignore, &warnings), 0);
		assert_int_equal(warnings, strstr(paths[i], "m2m") ? 0 : 1);	/* no connectivityParameters */
	}
}

struct expect {
	const char *text;
	bool seen;
};

static void look_for(void *data, const struct upp_finding *f)
{
	struct expect *e = data;

	if (strstr(f->text, e->text))
		e->seen = true;
}

/* The demo with one place changed must be found out for that reason. */
static void test_check_finds(void **state)
{
	static const struct {
		const char *from, *to, *finding;
	} cases[] = {
		{ "services usim milenage", "services usim milenage isim", "isim without" },
		{ "services usim milenage", "services usim tuak128", "tuak128" },
		{ "type=milenage", "type=xor", "milenage without" },
		{ "rfm id=11", "rfm id=10", "identification used twice" },
		{ "ref=01 value=0000 puk=01", "ref=01 value=0000 puk=02", "unblocking reference" },
		{ "end id=12 mandated", "", "no end" },
		{ "end id=12 mandated", "end id=12 mandated\nend id=13", "after end" },
		{ "template=7", "template=8", "templateID" },
		{ "ef-est arr=6F0606 | 00", "", "mandatory file" },
		{ "| 989400000000000000F0", "| 989400000000000010F0", "EF.ICCID" },
		{ "opc=CD63CB71954A9F4E48A5994E37A02BAF", "opc=CD63", "Milenage without" },
		{ "size=66", "size=33", NULL },
		{ "ef-msisdn arr=6F0602", "ef-msisdn none", "doNotCreate" },
		{ "| 080910100000000010", "", "without default" },
		{ "ef-msisdn arr=6F0602", "ef-msisdn arr=6F0602 link=7F106F40 size=24", "a link with" },
		{ "pins=010A", "pins=010A0B", "names a code" },
		{ "value=0000 puk=01", "value=0000000000000000 puk=01", "4 to 8 digits" },
		{ "pin ref=01", "pin ref=09", "key reference" },
		{ "kid=02 kvn=02", "kid=01 kvn=02", "two keys of one" },
		{ "kid=01 kvn=02 type=aes", "kid=01 kvn=02 type=des", NULL },
		{ "value=000102030405060708090A0B0C0D0E0F", "value=0001", "length does not fit" },
		{ "tar=B00140", "tar=B00120", "TAR used twice" },
		{ "adf=A0000000871002FF49FF0589 adf-access", "adf=A0000000871004FF49FF0589 adf-access", "no application" },
		{ "application aid=A00000055910100002", "application aid=A00000055910100001", "AID used twice" },
		{ "aid=A000000151000000", "aid=A000000151000001", "MNO-SD" },
		{ "class=A000000151535041", "class=A000000251535041", "slip" },
		{ "key usage=18", "key usage=18", "published test keys" },
		{ "k=465B5CE8B199B49FAA5F0A2EE238A6BC", "k=465B5CE8B199B49FAA5F0A2EE238A6BC", "K is a published" },
		{ "templates 1 4 5 7", "templates 1 4 5", "does not name" },
		{ "size=66", "size=11", "do not fit" },
		{ "attr=06", "attr=07", "PIN1 is enabled" },
		{ "pol 00", "pol 0000", "POL1" },
		{ "templates 1 4 5 7", "templates 1 4 5 7 99", "unknown template" },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = (char *)packages_demo_text(*state)->data, *at = strstr(text, cases[i].from);
		struct expect e = { cases[i].finding ? cases[i].finding : "\n", false };
		struct upp_text_err err;
		struct bytes *upp;
		char *changed;

		assert_non_null(at);
		changed = talloc_asprintf(*state, "%.*s%s%s", (int)(at - text), text, cases[i].to,
					  at + strlen(cases[i].from));
		upp = upp_text_build(*state, changed, &err);
		if (!upp)
			fail_msg("case %u line %u: %s", i, err.line, err.msg);
		upp_check(upp->data, upp->len, look_for, &e);
		if (e.seen != !!cases[i].finding)
			fail_msg("case %u: %s", i, e.text);
	}
}

static void test_text_errors(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
	} cases[] = {
		{ "header\n\tversion x", 2 },
		{ "nothing id=1", 1 },
		{ "\tversion 2.3", 1 },
		{ "usim id=1", 1 },
		{ "usim template=4", 1 },
		{ "usim id=1 template=4\n\tef-none tr", 2 },
		{ "usim id=1 template=4\n\tef-imsi tr 12", 2 },
		{ "usim id=1 template=4\n\tef-imsi tr | 1", 2 },
		{ "usim id=1 template=4\n\tef-imsi lf:0", 2 },
		{ "usim id=1 template=4\n\n\tef-imsi tr | +70000", 3 },
		{ "raw A0", 1 },
		{ "raw zz", 1 },
		{ "pinCodes id=1\n\tpin ref=1 value=12", 2 },
		{ "header\n\tservices usim wlan", 2 },
		{ "header\n\ticcid 12", 2 },
		{ "end id=40000", 1 },
		{ "usim id=1 template=4\n\t| 00", 2 },
		{ "securityDomain id=1\n\tkey kid=zz", 2 },
		{ "akaParameter id=1\n\tkeys", 2 },
		{ "end id=1\n\tmore", 2 },
	};
	struct upp_text_err err;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes *out = upp_text_build(*state, cases[i].text, &err);

		if (out || err.line != cases[i].line || !err.msg[0])
			fail_msg("case %u: line %u %s", i, err.line, err.msg);
	}
}

static void test_prefixes(void **state)
{
	struct bytes *text = packages_demo_text(*state), *demo = packages_demo(*state);
	struct upp_text_err err;

	for (size_t i = 0; i < text->len; i += 3) {
		char *cut = talloc_strndup(*state, (char *)text->data, i);
		struct bytes *out = upp_text_build(*state, cut, &err);

		if (!out)
			assert_true(err.line > 0 && err.msg[0]);
		talloc_free(out);
		talloc_free(cut);
	}
	for (size_t i = 0; i < demo->len; i++) {
		struct bytes *cut = bytes_dup(*state, demo->data, i);

		talloc_free(upp_text_show(*state, cut->data, i));
		assert_int_not_equal(upp_check(cut->data, i, NULL, NULL), 0);
		talloc_free(cut);
	}
}

/* Broken in one octet, the same ones every time: show, check and personalise must take it. */
static void test_mutations(void **state)
{
	const struct upp_perso p = { .iccid = "8988011234567890124", .imsi = "90170000001234", .msisdn = "491234567",
				     .smsc = "4912345", .spn = "x", .pin1 = "1234", .puk1 = "87654321" };
	struct bytes *orig = packages_demo(*state);
	uint32_t seed = 3;
	const char *err;

	for (unsigned i = 0; i < 500; i++) {
		struct bytes *b = bytes_dup(*state, orig->data, orig->len), *text, *again;
		struct upp_text_err text_err;

		seed = seed * 1103515245 + 12345;
		b->data[(seed >> 8) % b->len] ^= 1 + (seed >> 4) % 255;
		upp_check(b->data, b->len, NULL, NULL);
		talloc_free(upp_personalise(*state, b->data, b->len, &p, &err));
		text = upp_text_show(*state, b->data, b->len);
		if (text) {	/* whatever can be shown can be built again */
			bytes_put_u8(text, 0);
			again = upp_text_build(*state, (const char *)text->data, &text_err);
			if (!again)
				fail_msg("mutation %u, line %u: %s", i, text_err.line, text_err.msg);
			assert_true(bytes_eq(again, b->data, b->len));
			talloc_free(again);
		}
		talloc_free(text);
		talloc_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_packages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_demo, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_packages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_finds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_text_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_prefixes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mutations, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
