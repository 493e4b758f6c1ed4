/* Scripts and their responses, expanded and compact, APDUs (TS 102 226 5). SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/ota/script.h>
#include <osmocom/rsp/ota/script_compact.h>

#include "fuzz.h"

static void commands(const uint8_t *in, size_t len)
{
	struct script_rd s;
	struct apdu_cmd c;
	struct tlv t;

	if (script_cmd_open(&s, in, len) < 0)
		return;
	while (script_cmd_next(&s, &t) == 1) {
		FUZZ_CHECK(t.v >= in && t.v + t.len <= in + len);
		if (t.tag == SCRIPT_TAG_CAPDU)
			apdu_dec(&c, t.v, t.len);
	}
}

static void answers(const uint8_t *in, size_t len)
{
	struct script_rsp r;
	struct apdu_rsp a;
	struct rd rd;

	if (script_rsp_dec(&r, in, len) < 0)
		return;
	FUZZ_CHECK(!r.len || (r.tlvs >= in && r.tlvs + r.len <= in + len));
	rd_init(&rd, r.tlvs, r.len);
	while (script_rapdu_next(&rd, &a) == 1)
		FUZZ_CHECK(!a.len || (a.data >= in && a.data + a.len <= in + len));
	script_rapdu_decisive(&a, r.tlvs, r.len);
}

static void compact(const uint8_t *in, size_t len)
{
	struct script_compact_rsp rsp;
	struct apdu_cmd c;
	struct rd r;

	rd_init(&r, in, len);
	while (script_compact_next(&r, &c) == 1)
		FUZZ_CHECK(!c.lc || (c.data >= in && c.data + c.lc <= in + len));
	if (script_compact_rsp_dec(&rsp, in, len) == 0)
		FUZZ_CHECK(!rsp.len || (rsp.data >= in && rsp.data + rsp.len <= in + len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes *out = bytes_new(NULL, 0);
	struct apdu_cmd c;
	struct apdu_rsp a;

	commands(data, len);
	answers(data, len);
	compact(data, len);
	apdu_rsp_dec(&a, data, len);
	if (apdu_dec(&c, data, len) == 0) {
		FUZZ_CHECK(apdu_put(out, &c) == 0);
		FUZZ_CHECK(bytes_eq(out, data, len));
	}
	talloc_free(out);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	static const uint8_t apdu[] = { 0x80, 0xE2, 0x88, 0, 3, 1, 2, 3, 0 };
	struct bytes *tlvs = bytes_new(ctx, 0), *rsp = bytes_new(ctx, 0), *out = bytes_new(ctx, 0);

	script_put_capdu(tlvs, apdu, sizeof(apdu));
	script_put_capdu(tlvs, apdu, sizeof(apdu));
	tlv_put(tlvs, 0x86, apdu, sizeof(apdu));
	script_put_rapdu(rsp, apdu, 3, 0x9000);
	script_put_rapdu(rsp, NULL, 0, 0x6A80);
	for (int definite = 0; definite < 2; definite++) {
		script_cmd_enc(out, tlvs->data, tlvs->len, definite, SCRIPT_CHAIN_NONE);
		fuzz_add_bytes(add, -1, out);
		script_cmd_enc(out, tlvs->data, tlvs->len, definite, SCRIPT_CHAIN_FIRST);
		fuzz_add_bytes(add, -1, out);
		script_rsp_enc(out, definite, 2, rsp->data, rsp->len, SCRIPT_BAD_NONE);
		fuzz_add_bytes(add, -1, out);
		script_rsp_enc(out, definite, 1, rsp->data, rsp->len, SCRIPT_BAD_TAG);
		fuzz_add_bytes(add, -1, out);
	}
	add(apdu, sizeof(apdu));
	add("\x00\xA4\x00\x0C\x02\x3F\x00\x00\xA4\x00\x0C\x02\x2F\xE2\x00\xB0\x00\x00\x0A", 19);
}
