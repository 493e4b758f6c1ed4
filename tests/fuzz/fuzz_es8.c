/* ES8: key establishment of both ends and the installation's result (SGP.02 4.1.3.1, SAIP 8.11).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/ota/es8_cmd.h>

#include "fuzz.h"

static const uint8_t rc[16] = { 9, 8, 7 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes *out = bytes_new(NULL, 0);
	struct es8_crt crt, again;
	struct es8_keys k;
	struct es8_euicc_rsp r, r2;
	uint8_t buf[ES8_DR_MAX], receipt[16];
	size_t n;

	if (es8_crt_dec(&crt, data, len) == 0 && es8_crt_enc(out, &crt) == 0)
		FUZZ_CHECK(es8_crt_dec(&again, out->data, out->len) == 0 && again.kvn == crt.kvn);
	bytes_clear(out);
	out->err = 0;
	if (es8_keys_dec(&k, data, len) == 0) {
		FUZZ_CHECK(k.tbs >= data && k.tbs + k.tbs_len <= data + len);
		es8_keys_verify(&k, k.epk, rc, sizeof(rc));
		es8_crt_dec(&crt, k.a6, k.a6_len);
	}
	es8_cert_rsp_dec(buf, &n, data, len);
	es8_keys_rsp_dec(buf, &n, receipt, data, len);
	memset(&r, 0, sizeof(r));
	if (es8_euicc_rsp_dec(&r, data, len) == 0 && es8_euicc_rsp_enc(out, &r) == 0) {
		FUZZ_CHECK(es8_euicc_rsp_dec(&r2, out->data, out->len) == 0);
		FUZZ_CHECK(r2.n == r.n && r2.aborted == r.aborted);
		for (unsigned i = 0; i < r.n; i++)
			es8_pe_status_text(r.pe[i].status);
	}
	talloc_free(out);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	struct bytes *out = bytes_new(ctx, 0), *dgi = bytes_new(ctx, 0);
	struct es8_euicc_rsp r = { .n = 2, .pe = { { 0, 3, -1, -1 }, { 3, 4, 1, 200 } }, .aborted = true, .message = "why" };
	struct ec_key *eph = ec_generate(ctx), *signer = ec_generate(ctx);
	struct es8_crt crt;
	struct gp_store_data sd;
	struct apdu_cmd c;
	struct rd rd;
	struct tlv t;

	for (int p = 0; p < 2; p++) {
		es8_crt_default(&crt, 0x30, p ? ES8_PARAM_CERT | ES8_PARAM_DR | 1 : ES8_PARAM_CERT | 1);
		es8_crt_enc(out, &crt);
		fuzz_add_bytes(add, -1, out);
		es8_keys_enc(out, &crt, eph, p, signer, rc, sizeof(rc), 0);
		rd_init(&rd, out->data, out->len);
		while (tlv_next(&rd, &t) == 1) {
			if (apdu_dec(&c, t.v, t.len) == 0 && gp_store_data_dec(&sd, &c) == 0x9000)
				bytes_put(dgi, sd.data, sd.len);
		}
		fuzz_add_bytes(add, -1, dgi);
		bytes_clear(out);
	}
	es8_cert_rsp_enc(out, rc, sizeof(rc));
	fuzz_add_bytes(add, -1, out);
	es8_keys_rsp_enc(out, rc, sizeof(rc), rc);
	fuzz_add_bytes(add, -1, out);
	es8_keys_rsp_enc(out, NULL, 0, rc);
	fuzz_add_bytes(add, -1, out);
	es8_euicc_rsp_enc(out, &r);
	fuzz_add_bytes(add, -1, out);
	add("\x30\x07\xA0\x05\x30\x03\x80\x01\x00", 9);
}
