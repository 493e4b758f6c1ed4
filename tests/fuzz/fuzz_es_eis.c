/* EIS files and the signature of the eUICC manufacturer over them. SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/crypto/cert.h>

#include "../es/es_help.h"

#include "fuzz.h"

static struct cert_x509 *eum(void **ctx, struct ec_key **key)
{
	static struct cert_x509 *cert;
	static struct ec_key *k;

	if (!cert) {		/* lives as long as the process */
		k = ec_generate(NULL);
		cert = cert_x509_issue(NULL, CERT_X509_CI, "EUM", "1.3.6.1.4.1.2", NULL, k, NULL, k, 100);
	}
	*key = k;
	return cert;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	void *ctx = talloc_new(NULL);
	struct es_eis *eis = NULL, *again;
	struct ec_key *key;
	struct bytes *out;
	char *err = NULL;

	if (es_eis_dec(&eis, &err, ctx, data, len) == 0) {
		es_dsig_verify(eis, eum(NULL, &key), &err, ctx);
		es_dsig_cert(ctx, eis);
		out = es_eis_enc(ctx, eis);
		if (out)
			FUZZ_CHECK(es_eis_dec(&again, &err, ctx, out->data, out->len) == 0 &&
				   again->n_profiles == eis->n_profiles);
	} else {
		FUZZ_CHECK(err);
	}
	talloc_free(ctx);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	struct ec_key *key;
	struct cert_x509 *cert = eum(NULL, &key);
	struct es_eis *eis = help_eis(ctx);

	fuzz_add_bytes(add, -1, es_eis_enc(ctx, eis));
	if (es_dsig_sign(eis, key, cert) == 0)
		fuzz_add_bytes(add, -1, es_eis_enc(ctx, eis));
}
