/* TLS credentials by GnuTLS: mutual X.509 with CRL for ES interfaces (SGP.02 2.5), PSK for SCP81 (SGP.02 2.4.4).
 * MHD's own credential options are not used: ours are set per session, so that they can be swapped while running and
 * the PSK stays in one buffer that is wiped.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>
#include "tls.h"

/* GnuTLS 3.7 sends records of 2 kB under a negotiated max_fragment_length of 512 unless the limit is set beforehand. */
#define PSK_RECORD_MAX 512

static int cred_destructor(struct tls_cred *c)
{
	if (c->psk)
		gnutls_psk_free_server_credentials(c->psk);
	if (c->x509)
		gnutls_certificate_free_credentials(c->x509);
	return 0;
}

static struct tls_cred *cred_new(void *ctx)
{
	struct tls_cred *c = talloc_zero(ctx, struct tls_cred);

	if (c)
		talloc_set_destructor(c, cred_destructor);
	return c;
}

static bool peers_good(gnutls_session_t s)
{
	gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (void *)GNUTLS_KP_TLS_WWW_CLIENT };
	unsigned status = 0;
	int rc = gnutls_certificate_verify_peers(s, &purpose, 1, &status);

	if (rc < 0) {
		LOGP(DHTTP, LOGL_NOTICE, "client certificate: %s\n", gnutls_strerror(rc));
		return false;
	}
	if (status)
		LOGP(DHTTP, LOGL_NOTICE, "client certificate refused, status 0x%x%s%s\n", status,
		     status & GNUTLS_CERT_REVOKED ? " revoked" : "", status & GNUTLS_CERT_EXPIRED ? " expired" : "");
	return !status;
}

static int verify_cb(gnutls_session_t s)
{
	const struct tls_cred *c = gnutls_db_get_ptr(s);
	unsigned n = 0;

	if (c && c->cert_optional && (!gnutls_certificate_get_peers(s, &n) || !n))
		return 0;
	return peers_good(s) ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

struct tls_cred *tls_cred_x509(void *ctx, const char *cert, const char *key, const char *ca, const char *crl)
{
	struct tls_cred *c;
	const char *what = "server certificate";
	int rc;

	if (!cert || !key || !ca) {
		LOGP(DHTTP, LOGL_ERROR, "TLS: certificate, key and trust list are needed\n");
		return NULL;
	}
	c = cred_new(ctx);
	if (!c)
		return NULL;
	rc = gnutls_certificate_allocate_credentials(&c->x509);
	if (rc >= 0)
		rc = gnutls_certificate_set_x509_key_file(c->x509, cert, key, GNUTLS_X509_FMT_PEM);
	if (rc >= 0) {
		what = ca;
		rc = gnutls_certificate_set_x509_trust_file(c->x509, ca, GNUTLS_X509_FMT_PEM);
		if (rc == 0)
			rc = GNUTLS_E_NO_CERTIFICATE_FOUND;
	}
	if (rc >= 0 && crl) {
		what = crl;
		rc = gnutls_certificate_set_x509_crl_file(c->x509, crl, GNUTLS_X509_FMT_PEM);
		if (rc == 0)
			rc = GNUTLS_E_NO_CERTIFICATE_FOUND;
	}
	if (rc < 0) {
		LOGP(DHTTP, LOGL_ERROR, "TLS: %s: %s\n", what, gnutls_strerror(rc));
		talloc_free(c);
		return NULL;
	}
	gnutls_certificate_set_verify_function(c->x509, verify_cb);
	return c;
}

/* An unknown identity gets a random key: for the peer it then looks like a wrong key (RFC 4279 2), which does not tell
 * which EIDs exist. */
static int psk_lookup(gnutls_session_t s, const char *identity, gnutls_datum_t *key)
{
	struct tls_cred *c = gnutls_db_get_ptr(s);
	uint8_t psk[TLS_PSK_MAX];
	int len = c->psk_cb(gnutls_session_get_ptr(s), identity, psk, sizeof(psk));

	if (len <= 0 || len > (int)sizeof(psk)) {
		len = 16;
		if (gnutls_rnd(GNUTLS_RND_KEY, psk, len) < 0)
			return -1;
	}
	key->data = gnutls_malloc(len);		/* wiped and freed by GnuTLS */
	key->size = key->data ? len : 0;
	if (key->data)
		memcpy(key->data, psk, len);
	secret_wipe(psk, sizeof(psk));
	return key->data ? 0 : -1;
}

struct tls_cred *tls_cred_psk(void *ctx, tls_psk_cb cb)
{
	struct tls_cred *c = cred_new(ctx);

	if (!c)
		return NULL;
	if (gnutls_psk_allocate_server_credentials(&c->psk) < 0) {
		talloc_free(c);
		return NULL;
	}
	c->psk_cb = cb;
	gnutls_psk_set_server_credentials_function(c->psk, psk_lookup);
	return c;
}

int tls_session_setup(gnutls_session_t s, struct tls_cred *c, void *ptr)
{
	int rc;

	gnutls_session_set_ptr(s, ptr);
	if (c->psk) {
		gnutls_db_set_ptr(s, c);
		rc = gnutls_credentials_set(s, GNUTLS_CRD_PSK, c->psk);
		if (rc >= 0)
			rc = gnutls_record_set_max_size(s, PSK_RECORD_MAX);
	} else {
		gnutls_db_set_ptr(s, c);
		rc = gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, c->x509);
		gnutls_certificate_server_set_request(s, c->cert_optional ? GNUTLS_CERT_REQUEST : GNUTLS_CERT_REQUIRE);
	}
	if (rc < 0)
		LOGP(DHTTP, LOGL_ERROR, "TLS session: %s\n", gnutls_strerror(rc));
	return rc < 0 ? -EPROTO : 0;
}

bool tls_session_verify(gnutls_session_t s, const struct tls_cred *c)
{
	unsigned n = 0;

	if (c->psk)
		return true;
	if (gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, c->x509) < 0)
		return false;
	if (!gnutls_certificate_get_peers(s, &n) || !n)
		return c->cert_optional;
	return peers_good(s);
}

void tls_session_fpr(gnutls_session_t s, char out[TLS_FPR_SIZE])
{
	const gnutls_datum_t *der = NULL;
	unsigned n = 0, i;
	uint8_t h[32];

	out[0] = '\0';
	if (gnutls_certificate_type_get(s) == GNUTLS_CRT_X509)
		der = gnutls_certificate_get_peers(s, &n);
	if (!der || !n || gnutls_hash_fast(GNUTLS_DIG_SHA256, der[0].data, der[0].size, h) < 0)
		return;
	for (i = 0; i < sizeof(h); i++)
		snprintf(out + 2 * i, 3, "%02x", h[i]);
}
