/* SMS TPDUs, user data headers, and messages put together from parts (TS 23.040). The first octet chooses: 0 TPDU, else
 * user data of several messages, each behind its length. SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/sms/concat.h>

#include "fuzz.h"

static void tpdu(void *ctx, const uint8_t *in, size_t len)
{
	struct bytes *out = bytes_new(ctx, 0);
	struct tpdu_deliver d, d2;
	struct tpdu_submit s, s2;
	struct tpdu_report r, r2;
	struct tpdu_udh u;

	if (tpdu_deliver_dec(&d, in, len) == 0) {
		FUZZ_CHECK(tpdu_deliver_enc(out, &d) == 0 && tpdu_deliver_dec(&d2, out->data, out->len) == 0);
		FUZZ_CHECK(d2.ud_len == d.ud_len && !memcmp(d2.ud, d.ud, d.ud_len) && !strcmp(d.oa.digits, d2.oa.digits));
		tpdu_udh_dec(&u, d.ud, d.ud_len);
	}
	bytes_clear(out);
	if (tpdu_submit_dec(&s, in, len) == 0)
		FUZZ_CHECK(tpdu_submit_enc(out, &s) == 0 && tpdu_submit_dec(&s2, out->data, out->len) == 0);
	bytes_clear(out);
	if (tpdu_report_dec(&r, in, len) == 0)
		FUZZ_CHECK(tpdu_report_enc(out, &r) == 0 && tpdu_report_dec(&r2, out->data, out->len) == 0);
	if (tpdu_udh_dec(&u, in, len) == 0)
		FUZZ_CHECK(u.body >= in && u.body + u.body_len <= in + len);
}

static void parts(void *ctx, const uint8_t *in, size_t len)
{
	struct concat_cfg cfg = { .max_messages = 3, .max_parts = 5, .max_age_ms = 1000 };
	struct concat *c = concat_new(ctx, &cfg);
	struct concat_msg m;
	struct rd r;
	int64_t now = 0;
	volatile unsigned sum;

	rd_init(&r, in, len);
	while (r.left && !r.bad) {
		size_t n = rd_u8(&r);
		const uint8_t *ud = rd_take(&r, n < r.left ? n : r.left);

		if (!ud)
			break;
		if (concat_add(c, &m, n & 1 ? "1001" : "1002", ud, n < (size_t)(r.p - ud) ? n : (size_t)(r.p - ud), now) == 1)
			sum = m.len ? m.packet[0] + m.packet[m.len - 1] : 0;	/* AddressSanitizer looks on */
		FUZZ_CHECK(concat_waiting(c) <= cfg.max_messages);
		now += n * 4;
	}
	concat_age(c, now + 5000);
	FUZZ_CHECK(concat_waiting(c) == 0);
	(void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	void *ctx = talloc_new(NULL);

	if (len && !data[0])
		tpdu(ctx, data + 1, len - 1);
	else if (len)
		parts(ctx, data + 1, len - 1);
	talloc_free(ctx);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	struct tpdu_deliver d = { .udhi = true, .oa = { .digits = "491701234567" }, .pid = TPDU_PID_DATA_DOWNLOAD,
		.dcs = TPDU_DCS_8BIT_CLASS2, .ud = { 2, 0x70, 0, 1, 2, 3 }, .ud_len = 6 };
	struct tpdu_submit s = { .udhi = true, .mr = 1, .da = { .digits = "1001" }, .pid = 0, .dcs = 4, .vp_len = 1,
		.ud = { 2, 0x71, 0, 9 }, .ud_len = 4 };
	struct tpdu_report r = { .error = true, .udhi = true, .fcs = 0xD5, .dcs = 0xF6, .ud = { 2, 0x71, 0, 9 }, .ud_len = 4 };
	struct bytes *out = bytes_new(ctx, 0);
	struct concat_part p[5];
	uint8_t packet[500] = { 1, 2, 3 };
	int n = concat_cut(p, 5, 0x70, 7, packet, 400);

	tpdu_deliver_enc(out, &d);
	fuzz_add_bytes(add, 0, out);
	for (unsigned vp = 0; vp < 8; vp += vp ? 6 : 1) {
		s.vp_len = vp;
		tpdu_submit_enc(out, &s);
		fuzz_add_bytes(add, 0, out);
	}
	tpdu_report_enc(out, &r);
	r.error = false;
	fuzz_add_bytes(add, 0, out);
	tpdu_report_enc(out, &r);
	fuzz_add_bytes(add, 0, out);
	for (int i = 0; i < n; i++) {
		bytes_put_u8(out, p[i].len);
		bytes_put(out, p[i].ud, p[i].len);
	}
	fuzz_add_bytes(add, 1, out);
}
