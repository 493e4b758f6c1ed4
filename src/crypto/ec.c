/* P-256 keys: ECDSA with SHA-256 in the plain form r | s, ECKA-EG of TR-03111 (SGP.02 2.8, 4.1.3.1).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <osmocom/rsp/util/misc.h>
#include "priv.h"

#define CURVE "prime256v1"

static int ec_free(struct ec_key *k)
{
	EVP_PKEY_free(k->pkey);
	return 0;
}

/* Takes the reference of pkey, also on failure. */
static struct ec_key *handle(void *ctx, EVP_PKEY *pkey)
{
	struct ec_key *k = pkey ? talloc_zero(ctx, struct ec_key) : NULL;

	if (!k) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	k->pkey = pkey;
	talloc_set_destructor(k, ec_free);
	return k;
}

static bool is_p256(const EVP_PKEY *p)
{
	char name[32] = "";
	size_t len;

	return EVP_PKEY_is_a(p, "EC") && EVP_PKEY_get_group_name(p, name, sizeof(name), &len) == 1 && !strcmp(name, CURVE);
}

static EVP_PKEY *from_data(const BIGNUM *d, const uint8_t q[EC_POINT_LEN])
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *p = NULL;

	if (!bld || !c || OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, CURVE, 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, q, EC_POINT_LEN) != 1 ||
	    (d && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d) != 1))
		goto out;
	params = OSSL_PARAM_BLD_to_param(bld);
	if (!params || EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &p, d ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) != 1)
		p = NULL;
out:
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(c);
	return p;
}

EVP_PKEY *ec_pkey_from_point(const uint8_t q[EC_POINT_LEN])
{
	return q[0] == 4 ? from_data(NULL, q) : NULL;	/* import checks that the point is on the curve */
}

int ec_pkey_point(const EVP_PKEY *p, uint8_t q[EC_POINT_LEN])
{
	uint8_t x[32], y[32];
	BIGNUM *bx = NULL, *by = NULL;
	int ok;

	ok = is_p256(p) && EVP_PKEY_get_bn_param(p, OSSL_PKEY_PARAM_EC_PUB_X, &bx) == 1 &&
	     EVP_PKEY_get_bn_param(p, OSSL_PKEY_PARAM_EC_PUB_Y, &by) == 1 && BN_bn2binpad(bx, x, 32) == 32 &&
	     BN_bn2binpad(by, y, 32) == 32;
	BN_free(bx);
	BN_free(by);
	if (!ok)
		return -EINVAL;
	q[0] = 4;
	memcpy(q + 1, x, 32);
	memcpy(q + 33, y, 32);
	return 0;
}

struct ec_key *ec_generate(void *ctx)
{
	return handle(ctx, EVP_EC_gen(CURVE));
}

/* Q = d * G; d must be in 1 .. n - 1. */
static int public_of(const BIGNUM *d, uint8_t q[EC_POINT_LEN])
{
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *p = g ? EC_POINT_new(g) : NULL;
	int ok;

	ok = p && !BN_is_zero(d) && BN_cmp(d, EC_GROUP_get0_order(g)) < 0 && EC_POINT_mul(g, p, d, NULL, NULL, NULL) == 1 &&
	     EC_POINT_point2oct(g, p, POINT_CONVERSION_UNCOMPRESSED, q, EC_POINT_LEN, NULL) == EC_POINT_LEN;
	EC_POINT_free(p);
	EC_GROUP_free(g);
	return ok ? 0 : -EINVAL;
}

struct ec_key *ec_from_private(void *ctx, const uint8_t d[32])
{
	BIGNUM *bn = BN_secure_new();
	uint8_t q[EC_POINT_LEN];
	EVP_PKEY *p = NULL;

	if (bn && BN_bin2bn(d, 32, bn)) {
		BN_set_flags(bn, BN_FLG_CONSTTIME);
		if (public_of(bn, q) == 0)
			p = from_data(bn, q);
	}
	BN_clear_free(bn);
	return handle(ctx, p);
}

static int no_password(char *buf, int size, int rwflag, void *u)
{
	return -1;	/* never prompt on the terminal of a daemon */
}

struct ec_key *ec_from_pem_file(void *ctx, const char *path)
{
	BIO *bio = BIO_new_file(path, "r");
	EVP_PKEY *p = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

	BIO_free(bio);
	if (p && !is_p256(p)) {
		EVP_PKEY_free(p);
		return NULL;
	}
	return handle(ctx, p);
}

int ec_write_pem(const struct ec_key *k, const char *pem_path)
{
	int fd = open(pem_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400), ok;
	BIO *bio;

	if (fd < 0)
		return -errno;
	bio = BIO_new_fd(fd, BIO_CLOSE);
	if (!bio) {
		close(fd);
		return -ENOMEM;
	}
	ok = PEM_write_bio_PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL) == 1;
	BIO_free(bio);
	return ok ? 0 : -EIO;
}

int ec_export_private(const struct ec_key *k, uint8_t d[32])
{
	BIGNUM *bn = NULL;
	int ok = EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_PRIV_KEY, &bn) == 1 && BN_bn2binpad(bn, d, 32) == 32;

	BN_clear_free(bn);
	return ok ? 0 : -EINVAL;
}

int ec_public(const struct ec_key *k, uint8_t q[EC_POINT_LEN])
{
	return ec_pkey_point(k->pkey, q);
}

static int sig_to_plain(const uint8_t *der, size_t len, uint8_t sig[EC_SIG_LEN])
{
	const uint8_t *p = der;
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &p, len);
	int ok = s && BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, 32) == 32 && BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + 32, 32) == 32;

	ECDSA_SIG_free(s);
	return ok ? 0 : -EIO;
}

/* Returns the length of *der (to be freed with OPENSSL_free) or negative. */
static int sig_to_der(uint8_t **der, const uint8_t sig[EC_SIG_LEN])
{
	ECDSA_SIG *s = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(sig, 32, NULL), *v = BN_bin2bn(sig + 32, 32, NULL);
	int len;

	*der = NULL;
	if (!s || !r || !v || ECDSA_SIG_set0(s, r, v) != 1) {
		BN_free(r);
		BN_free(v);
		ECDSA_SIG_free(s);
		return -ENOMEM;
	}
	len = i2d_ECDSA_SIG(s, der);
	ECDSA_SIG_free(s);
	return len > 0 ? len : -ENOMEM;
}

int ec_sign(const struct ec_key *k, const struct iov *iov, size_t n, uint8_t sig[EC_SIG_LEN])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t der[80];
	size_t i, len = sizeof(der);
	int ok = c && EVP_DigestSignInit_ex(c, NULL, "SHA256", NULL, NULL, k->pkey, NULL) == 1;

	for (i = 0; ok && i < n; i++)
		ok = !iov[i].len || EVP_DigestSignUpdate(c, iov[i].p, iov[i].len) == 1;
	ok = ok && EVP_DigestSignFinal(c, der, &len) == 1;
	EVP_MD_CTX_free(c);
	return ok ? sig_to_plain(der, len, sig) : -EIO;
}

int ec_verify(const uint8_t q[EC_POINT_LEN], const struct iov *iov, size_t n, const uint8_t sig[EC_SIG_LEN])
{
	EVP_PKEY *p = ec_pkey_from_point(q);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t *der = NULL;
	size_t i;
	int len, ok, rc = -EBADMSG;

	if (!p) {
		EVP_MD_CTX_free(c);
		return -EINVAL;
	}
	len = sig_to_der(&der, sig);
	ok = c && len > 0 && EVP_DigestVerifyInit_ex(c, NULL, "SHA256", NULL, NULL, p, NULL) == 1;
	for (i = 0; ok && i < n; i++)
		ok = !iov[i].len || EVP_DigestVerifyUpdate(c, iov[i].p, iov[i].len) == 1;
	if (ok && EVP_DigestVerifyFinal(c, der, len) == 1)
		rc = 0;
	OPENSSL_free(der);
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(p);
	return rc;
}

int ec_ecka(const struct ec_key *k, const uint8_t q[EC_POINT_LEN], uint8_t z[32])
{
	EVP_PKEY *peer = ec_pkey_from_point(q);
	EVP_PKEY_CTX *c = NULL;
	size_t len = 32;
	int rc = -EINVAL;

	if (!peer)
		return -EINVAL;
	c = EVP_PKEY_CTX_new(k->pkey, NULL);
	if (c && EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_derive_set_peer(c, peer) == 1 &&
	    EVP_PKEY_derive(c, z, &len) == 1 && len == 32)
		rc = 0;
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(peer);
	return rc;
}
