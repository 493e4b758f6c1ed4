/* GlobalPlatform certificates (7F21) and X.509 from outside. SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/crypto/cert.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	void *ctx = talloc_new(NULL);
	struct cert_gp c;
	struct cert_x509 *x;
	const char *err = NULL;
	uint8_t q[EC_POINT_LEN], ski[20];
	char oid[64];

	if (cert_gp_dec(&c, &err, data, len) == 0) {
		FUZZ_CHECK(c.tbs >= data && c.tbs + c.tbs_len <= data + len);
		cert_gp_verify(&c, c.q, "20260101");
	} else {
		FUZZ_CHECK(err);
	}
	x = cert_x509_from_der(ctx, data, len);
	if (x) {
		cert_x509_point(x, q);
		cert_x509_ski(x, ski);
		cert_x509_oid(x, oid, sizeof(oid));
		cert_x509_verify(x, x, 1800000000);
	}
	talloc_free(ctx);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	struct ec_key *k = ec_generate(ctx);
	struct cert_gp c = { .serial_len = 4, .ca_id_len = 4, .subject_len = 16, .usage = { 0, 0x80 }, .usage_len = 2,
		.effective = "20250101", .expiry = "20350101", .role = CERT_ROLE_DP, .has_aki = true };
	struct bytes *out = bytes_new(ctx, 0), *der;
	struct cert_x509 *x;

	ec_public(k, c.q);
	FUZZ_CHECK(cert_gp_issue(out, &c, k) == 0);
	fuzz_add_bytes(add, -1, out);
	x = cert_x509_issue(ctx, CERT_X509_CI, "seed", "1.3.6.1.4.1.1", NULL, k, NULL, k, 100);
	der = x ? cert_x509_der(ctx, x) : NULL;
	if (der)
		fuzz_add_bytes(add, -1, der);
}
