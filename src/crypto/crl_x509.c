/* Revocation lists of the CI (SGP.02 2.3.2.3, off-card 7.6): who is on them is for the caller to weigh.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdio.h>
#include <talloc.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <osmocom/rsp/crypto/cert.h>

#include "priv.h"

struct crl_x509 {
	X509_CRL *crl;
};

static int crl_destroy(struct crl_x509 *l)
{
	X509_CRL_free(l->crl);
	return 0;
}

struct crl_x509 *crl_x509_load(void *ctx, const char *pem_path, const struct cert_x509 *issuer)
{
	struct crl_x509 *l = talloc_zero(ctx, struct crl_x509);
	FILE *f = fopen(pem_path, "r");
	EVP_PKEY *key = X509_get0_pubkey(issuer->x);

	if (!l)
		return NULL;
	talloc_set_destructor(l, crl_destroy);
	if (f) {
		l->crl = PEM_read_X509_CRL(f, NULL, NULL, NULL);
		fclose(f);
	}
	if (!l->crl || !key || X509_CRL_verify(l->crl, key) != 1)
		TALLOC_FREE(l);
	return l;
}

bool crl_x509_lists(const struct crl_x509 *l, const struct cert_x509 *c)
{
	X509_REVOKED *r = NULL;

	return X509_CRL_get0_by_cert(l->crl, &r, c->x) == 1;
}
