/* An operator reaches the files of its profile over the air: SCP80 to the TARs of PE-RFM with the keys that
 * personalisation put into the MNO-SD. Packages: our demo, and GSMA's TS.48 in its M2M form where the data are at hand.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/profile/upp_perso.h>
#include <osmocom/rsp/profile/upp_text.h>

#include "../../src/euicc/card_cat.h"
#include "../../src/euicc/card_db.h"
#include "card_rig.h"

#define TAR_UICC 0xB00120
#define TAR_USIM 0xB00140

struct world {
	struct rig *r;
	uint64_t cntr;
};

static struct bytes *file(void *ctx, const char *path)
{
	FILE *f = fopen(path, "rb");
	struct bytes *b = bytes_new(ctx, 0);
	uint8_t buf[4096];
	size_t n;

	while (f && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		bytes_put(b, buf, n);
	if (f)
		fclose(f);
	return b->len ? b : NULL;
}

static struct bytes *demo(void *ctx)
{
	struct bytes *text = file(ctx, SRCDIR "/../../contrib/demo-profile.txt");
	struct upp_text_err err;

	assert_non_null(text);
	bytes_put_u8(text, 0);
	return upp_text_build(ctx, (const char *)text->data, &err);
}

static struct bytes *ts48(void *ctx)
{
	const char *shared = getenv("RSP_SHARED");

	return file(ctx, talloc_asprintf(ctx, "%s/data/ts48/derived/m2m_usim_isim_milenage.der",
					 shared ? shared : SRCDIR "/../../../shared"));
}

/* The keys are random: nobody but the personalisation and this test knows them. */
static void world_open(struct world *w, struct bytes *(*package)(void *ctx))
{
	uint8_t keys[3][16];
	const struct upp_perso_key ota[] = { { 2, 1, keys[0], 16, NULL }, { 2, 2, keys[1], 16, NULL },
					     { 2, 3, keys[2], 16, NULL } };
	const struct upp_perso p = { .keys = ota, .n_keys = 3 };
	struct bytes *upp, *personal;
	const char *err = NULL;

	w->r = rig_new(NULL, NULL);
	w->cntr = 0;
	upp = package(w->r->ctx);
	if (!upp) {
		printf("SKIPPED, NO TS.48 DATA: set RSP_SHARED\n");
		rig_free(w->r);
		skip();
	}
	rand_bytes(keys[0], sizeof(keys));
	personal = upp_personalise(w->r->card->batch, upp->data, upp->len, &p, &err);
	if (!personal)
		fail_msg("%s", err);
	w->r->card->batch->upp = personal;
	rig_power(w->r);
	w->r->kic = key_new(w->r->ctx, KEY_TYPE_AES, keys[0], 16);
	w->r->kid = key_new(w->r->ctx, KEY_TYPE_AES, keys[1], 16);
}

static char *send(struct world *w, uint8_t spi1, uint32_t tar, const char *payload, int *status)
{
	struct scp80_sec sec = { .spi1 = spi1, .spi2 = 0x39, .kic_octet = 0x22, .kid_octet = 0x22, .tar = tar,
				 .cntr = ++w->cntr };
	struct bytes *p = bytes_from_hex(w->r->ctx, payload);

	return rig_secured(w->r, &sec, p->data, p->len, status);
}

/* The batch's ICCID 8901999000123456789 and IMSI 001010000000001, in EF.ICCID and EF.IMSI. */
static void test_read(void **state)
{
	struct bytes *(*const packages[])(void *) = { demo, ts48 };
	struct world w;
	int status;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(packages); i++) {
		world_open(&w, packages[i]);
		/* expanded: SELECT EF.ICCID, READ BINARY */
		assert_string_equal(send(&w, 0x16, TAR_UICC, "AA10" "2207" "00A4000C022FE2" "2205" "00B000000A", &status),
				    "AB15" "800102" "23029000" "230C" "981099090021436587F9" "9000");
		assert_int_equal(status, SCP80_ST_OK);
		/* compact, and it begins in the USIM: EF.IMSI */
		assert_string_equal(send(&w, 0x16, TAR_USIM, "00A40000026F07" "00B0000009", &status),
				    "02" "9000" "080910100000000010");
		assert_int_equal(status, SCP80_ST_OK);
		/* EF.IMSI is not below the MF */
		assert_string_equal(send(&w, 0x16, TAR_UICC, "00A40000026F07", &status), "01" "6A82");
		rig_free(w.r);
	}
}

/* What is written stays, and the terminal sees it. */
static void test_update(void **state)
{
	struct bytes *rsp;
	struct world w;
	int status;

	world_open(&w, demo);
	assert_string_equal(send(&w, 0x16, TAR_USIM, "00A40000026F46" "00D6000105" "4E65772E2E", &status), "02" "9000");
	rig_restart(w.r);
	rig_power(w.r);
	rig_apdu_hex(w.r, "00A4040C0CA0000000871002FF49FF0589");
	rig_apdu_hex(w.r, "00A4000C026F46");
	rsp = rig_apdu_hex(w.r, "00B0000006");
	assert_memory_equal(rsp->data, "\x00New..", 6);
	/* the counter has been kept too */
	w.cntr = 0;
	assert_string_equal(send(&w, 0x16, TAR_USIM, "00A40000026F46", &status), "");
	assert_int_equal(status, SCP80_ST_CNTR_LOW);
	rig_free(w.r);
}

static void test_refused(void **state)
{
	struct key *kid;
	struct world w;
	int status;

	world_open(&w, demo);
	/* no counter; MSL 02 asks for a checksum only, so without ciphering it is good */
	assert_non_null(send(&w, 0x12, TAR_UICC, "00A40000022FE2", &status));
	assert_int_equal(status, SCP80_ST_OK);
	/* the MNO-SD itself has no files */
	assert_string_equal(send(&w, 0x16, 0xB20100, "00A40000022FE2", &status), "01" "6D00");
	/* a TAR of nobody: the keys would be the card's, which have no version 2 */
	assert_null(send(&w, 0x16, 0xB00199, "00A40000022FE2", &status));
	/* somebody else's keys */
	kid = w.r->kid;
	w.r->kid = w.r->kic;
	assert_null(send(&w, 0x16, TAR_UICC, "00A40000022FE2", &status));
	w.r->kid = kid;
	/* the same counter again */
	assert_non_null(send(&w, 0x16, TAR_UICC, "00A40000022FE2", &status));
	w.cntr--;
	send(&w, 0x16, TAR_UICC, "00A40000022FE2", &status);
	assert_int_equal(status, SCP80_ST_CNTR_LOW);
	rig_free(w.r);
}

#define TAR_MNO_SD	0xB20100
#define POL1(v)		"80E28800" "06" "3A0603" "8101" v	/* card-side 4 */

/* ES6: the operator itself changes POL1 and connectivity parameters of its enabled profile (SGP.02 4.1.2). */
static void test_es6(void **state)
{
	struct isd_p *p;
	struct world w;
	int status;

	world_open(&w, demo);
	p = card_isdp_enabled(w.r->card);
	p->pol1 = 0;
	assert_string_equal(send(&w, 0x16, TAR_MNO_SD, "AA0D" "220B" POL1("03"), &status),
			    "AB07" "800101" "23029000");
	assert_int_equal(status, SCP80_ST_OK);
	assert_int_equal(p->pol1, POL1_NO_DISABLE | POL1_NO_DELETE);
	/* with INSTALL [for personalization] of "my ISD-P" in front */
	assert_string_equal(send(&w, 0x16, TAR_MNO_SD,
				 "AA2B" "221C" "80E6200016" "0000" "10A0000005591010FFFFFFFF8900000F00" "000000" "00"
				 "220B" POL1("04"), &status),
			    "AB0B" "800102" "23029000" "23029000");
	assert_int_equal(p->pol1, POL1_AUTO_DELETE);
	/* compact */
	assert_string_equal(send(&w, 0x16, TAR_MNO_SD, POL1("01"), &status), "01" "9000");
	/* of somebody else's ISD-P; a bit that is none; what only the SM-SR may order */
	assert_string_equal(send(&w, 0x16, TAR_MNO_SD, "80E6200016" "0000" "10A0000005591010FFFFFFFF8900001200"
				 "000000", &status), "01" "6A88");
	assert_string_equal(send(&w, 0x16, TAR_MNO_SD, POL1("08"), &status), "01" "6A80");
	assert_string_equal(send(&w, 0x16, TAR_MNO_SD, "80E2880015" "3A03124F10" "A0000005591010FFFFFFFF8900001000",
				 &status), "01" "6A80");
	/* the address of the operator's SMSC */
	assert_string_equal(send(&w, 0x16, TAR_MNO_SD, "80E288000E" "3A070B" "A00A" "0607" "913396994211F1", &status),
			    "01" "6A80");	/* two lengths that do not fit */
	assert_string_equal(send(&w, 0x16, TAR_MNO_SD, "80E288000E" "3A070B" "A009" "0607" "913396994211F1", &status),
			    "01" "9000");
	/* without a checksum, or with the TAR of the files: nothing */
	assert_null(send(&w, 0x14, TAR_MNO_SD, POL1("00"), &status));
	assert_string_equal(send(&w, 0x16, TAR_UICC, POL1("00"), &status), "01" "6D00");
	assert_int_equal(p->pol1, POL1_NO_DISABLE);
	/* kept over a restart; that the ISD-R obeys it is card_switch_test's */
	rig_restart(w.r);
	rig_power(w.r);
	p = card_isdp_enabled(w.r->card);
	assert_int_equal(p->pol1, POL1_NO_DISABLE);
	assert_memory_equal(p->conn->data, "\xA0\x09\x06\x07\x91\x33", 6);
	rig_free(w.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_update),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_es6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
