/* X.509 certificates of CI, EUM and TLS end points: load, read, check. SGP.14, SGP.02 2.3.2.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "priv.h"

static int cert_x509_free(struct cert_x509 *c)
{
	X509_free(c->x);
	return 0;
}

/* Takes the reference of x, also on failure. */
static struct cert_x509 *handle(void *ctx, X509 *x)
{
	struct cert_x509 *c = x ? talloc_zero(ctx, struct cert_x509) : NULL;

	if (!c) {
		X509_free(x);
		return NULL;
	}
	c->x = x;
	talloc_set_destructor(c, cert_x509_free);
	return c;
}

struct cert_x509 *cert_x509_load(void *ctx, const char *pem_path)
{
	BIO *bio = BIO_new_file(pem_path, "r");
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return handle(ctx, x);
}

struct cert_x509 *cert_x509_from_der(void *ctx, const uint8_t *der, size_t len)
{
	const uint8_t *p = der;
	X509 *x = len <= 65536 ? d2i_X509(NULL, &p, len) : NULL;

	if (x && p != der + len) {
		X509_free(x);
		return NULL;
	}
	return handle(ctx, x);
}

int cert_x509_point(const struct cert_x509 *c, uint8_t q[EC_POINT_LEN])
{
	EVP_PKEY *p = X509_get0_pubkey(c->x);

	return p ? ec_pkey_point(p, q) : -EINVAL;
}

int cert_x509_ski(const struct cert_x509 *c, uint8_t ski[20])
{
	const ASN1_OCTET_STRING *s = X509_get0_subject_key_id(c->x);

	if (!s || ASN1_STRING_length(s) != 20)
		return -ENOENT;
	memcpy(ski, ASN1_STRING_get0_data(s), 20);
	return 0;
}

void cert_x509_oid(const struct cert_x509 *c, char *out, size_t out_size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(c->x, NID_subject_alt_name, NULL, NULL);
	int i, len;

	out[0] = 0;
	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type != GEN_RID)
			continue;
		len = OBJ_obj2txt(out, out_size, n->d.registeredID, 1);
		if (len < 0 || (size_t)len >= out_size)
			out[0] = 0;
		break;
	}
	GENERAL_NAMES_free(names);
}

int cert_x509_verify(const struct cert_x509 *c, const struct cert_x509 *issuer, int64_t now)
{
	EVP_PKEY *p = X509_get0_pubkey(issuer->x);
	time_t t = now;

	if (!p || X509_check_issued(issuer->x, c->x) != X509_V_OK || X509_verify(c->x, p) != 1)
		return -EBADMSG;
	if (X509_check_ca(issuer->x) != 1)
		return -EPERM;
	if (now < 0)
		return 0;
	if (X509_cmp_time(X509_get0_notBefore(c->x), &t) >= 0 || X509_cmp_time(X509_get0_notAfter(c->x), &t) <= 0 ||
	    X509_cmp_time(X509_get0_notBefore(issuer->x), &t) >= 0 || X509_cmp_time(X509_get0_notAfter(issuer->x), &t) <= 0)
		return -ETIME;
	return 0;
}

struct bytes *cert_x509_der(void *ctx, const struct cert_x509 *c)
{
	uint8_t *der = NULL;
	int len = i2d_X509(c->x, &der);
	struct bytes *b = len > 0 ? bytes_dup(ctx, der, len) : NULL;

	OPENSSL_free(der);
	return b;
}

int cert_x509_write(const struct cert_x509 *c, const char *pem_path)
{
	BIO *bio = BIO_new_file(pem_path, "w");
	int ok = bio && PEM_write_bio_X509(bio, c->x) == 1;

	if (bio && BIO_free(bio) != 1)
		ok = 0;
	return ok ? 0 : -EIO;
}
