/* BER-TLV and DGI readers, all the way down. SPDX-License-Identifier: AGPL-3.0-or-later */
#include "fuzz.h"

static void walk(const uint8_t *in, size_t len, int depth)
{
	struct rd r;
	struct tlv t;
	size_t left = len + 1;

	rd_init(&r, in, len);
	while (tlv_next(&r, &t) == 1) {
		FUZZ_CHECK(r.left < left && t.raw >= in && t.v + t.len <= in + len && t.v + t.len == t.raw + t.raw_len);
		left = r.left;
		if (depth < 8)
			walk(t.v, t.len, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes *out = bytes_new(NULL, 0);
	struct rd r;
	struct tlv t;

	walk(data, len, 0);
	tlv_find(data, len, 0x7F21, &t);
	rd_init(&r, data, len);
	while (dgi_next(&r, &t) == 1) {
		FUZZ_CHECK(t.v + t.len <= data + len);
		bytes_clear(out);
		FUZZ_CHECK(dgi_put(out, t.tag, t.v, t.len) == 0);
	}
	rd_init(&r, data, len);
	if (tlv_next(&r, &t) == 1) {
		bytes_clear(out);
		FUZZ_CHECK(tlv_put(out, t.tag, t.v, t.len) == 0 && out->len <= t.raw_len);
	}
	talloc_free(out);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	struct bytes *in = bytes_new(ctx, 0), *out = bytes_new(ctx, 0);

	tlv_put_u8(in, 0x9F70, 0x3F);
	tlv_put(in, 0x5F20, "sixteen octets..", 16);
	bytes_fill(in, 0x80, 2);
	tlv_put(out, 0x7F21, in->data, 20);
	tlv_put(out, 0xBF810D, in->data, 20);
	fuzz_add_bytes(add, -1, out);
	bytes_fill(in, 0x55, 300);
	dgi_put(out, 0x3A07, in->data, 200);
	dgi_put(out, 0x0070, in->data, 300);
	fuzz_add_bytes(add, -1, out);
}
