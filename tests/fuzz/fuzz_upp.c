/* Profile packages: rules, personalisation, the lossless tree, and the card's interpreter (SAIP). The first octet is the
 * size of the pieces the interpreter gets. SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/profile/der.h>
#include <osmocom/rsp/profile/upp_check.h>
#include <osmocom/rsp/profile/upp_file.h>
#include <osmocom/rsp/profile/upp_perso.h>
#include <osmocom/rsp/profile/upp_text.h>
#include <osmocom/rsp/profile/upp_view.h>

#include "../../src/euicc/install.h"
#include "../profile/packages.h"

#include "fuzz.h"

static void finding(void *data, const struct upp_finding *f)
{
	FUZZ_CHECK(f->text && *f->text && f->rule && *f->rule);
}

static void tree(void *ctx, const uint8_t *in, size_t len)
{
	struct bytes *out = bytes_new(ctx, 0);
	const char *err = NULL;
	struct der *d = der_parse(ctx, in, len, &err);

	FUZZ_CHECK(d || err);
	if (d)		/* nothing touched: the same octets */
		FUZZ_CHECK(der_write(out, d) == 0 && bytes_eq(out, in, len));
}

static void view(void *ctx, const uint8_t *in, size_t len)
{
	const char *err = NULL;
	struct bytes *text;
	unsigned n = 0;

	text = upp_view(ctx, in, len, UPP_VIEW_TREE, false, &err);
	FUZZ_CHECK(text || err);
	talloc_free(text);
	talloc_free(upp_view(ctx, in, len, UPP_VIEW_NOTATION, true, &err));
	text = upp_diff(ctx, in, len, in, len, false, &n, &err);
	FUZZ_CHECK(!text || (!n && !text->len));
	talloc_free(text);
	text = upp_diff(ctx, in, len / 2, in, len, false, &n, &err);
	FUZZ_CHECK(!text || n || !text->len);
	talloc_free(text);
}

static void perso(void *ctx, const uint8_t *in, size_t len)
{
	static const uint8_t k[16] = { 1, 2, 3 };
	struct upp_perso p = { .iccid = "8988001999999999006", .imsi = "001019999900001", .k = k, .opc = k };
	const char *err = NULL;
	char iccid[21];
	struct bytes *out = upp_personalise(ctx, in, len, &p, &err);

	FUZZ_CHECK(out || err);
	if (out && upp_iccid(iccid, in, len) == 0)
		FUZZ_CHECK(upp_iccid(iccid, out->data, out->len) == 0 && !strncmp(iccid, p.iccid, 19));
}

static void install(void *ctx, size_t piece, const uint8_t *in, size_t len)
{
	struct install *inst = install_new(ctx, 128 * 1024);
	struct bytes *resp = bytes_new(ctx, 0), *saved = bytes_new(ctx, 0);
	struct usim_fs *fs;
	int rc = 0;

	for (size_t i = 0, n; i < len && rc == 0; i += n) {
		n = len - i < piece ? len - i : piece;
		rc = install_feed(inst, in + i, n);
	}
	FUZZ_CHECK(install_response(inst, resp) == 0);
	fs = install_take(inst, ctx);
	FUZZ_CHECK(!fs == (rc != 1));
	if (fs && fs_save(saved, fs) == 0)
		FUZZ_CHECK(fs_load(ctx, saved->data, saved->len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	void *ctx = talloc_new(NULL);
	struct upp_header h;
	struct upp_file f;
	struct upp_fcp fcp;
	const char *err = NULL;

	if (len > 1) {
		upp_check(data + 1, len - 1, finding, NULL);
		upp_header_dec(&h, &err, data + 1, len - 1);
		upp_file_dec(&f, data + 1, len - 1);
		upp_fcp_dec(&fcp, data + 1, len - 1);
		tree(ctx, data + 1, len - 1);
		perso(ctx, data + 1, len - 1);
		view(ctx, data + 1, len - 1);
		install(ctx, data[0] + 1, data + 1, len - 1);
	}
	talloc_free(ctx);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	static const char *const names[] = { "derived/golden2_m2m.der", "derived/m2m_usim_isim_milenage.der" };
	struct bytes *b = packages_demo(ctx);

	FUZZ_CHECK(b);
	fuzz_add_bytes(add, 250, b);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		b = packages_ts48(ctx, names[i]);
		if (b)
			fuzz_add_bytes(add, 100, b);
	}
}
