/* What a peer's certificate says of it: the hash of its key, its names, who issued it (corrections 8).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <osmocom/rsp/util/logging.h>
#include "tls.h"

#define CHAIN_MAX 8

/* The peer's chain; returns how many, to be freed one by one. */
static unsigned peer_chain(gnutls_session_t s, gnutls_x509_crt_t *out)
{
	unsigned n = 0, i = 0;
	const gnutls_datum_t *der =
		gnutls_certificate_type_get(s) == GNUTLS_CRT_X509 ? gnutls_certificate_get_peers(s, &n) : NULL;

	for (; der && i < n && i < CHAIN_MAX; i++) {
		if (gnutls_x509_crt_init(&out[i]) < 0)
			break;
		if (gnutls_x509_crt_import(out[i], &der[i], GNUTLS_X509_FMT_DER) < 0) {
			gnutls_x509_crt_deinit(out[i]);
			break;
		}
	}
	return i;
}

static void chain_free(gnutls_x509_crt_t *c, unsigned n)
{
	while (n)
		gnutls_x509_crt_deinit(c[--n]);
}

void tls_session_spki(gnutls_session_t s, char out[TLS_FPR_SIZE])
{
	gnutls_x509_crt_t c[CHAIN_MAX];
	unsigned n = peer_chain(s, c);
	uint8_t h[32];
	size_t len = sizeof(h);

	out[0] = '\0';
	if (n && gnutls_x509_crt_get_key_id(c[0], GNUTLS_KEYID_USE_SHA256, h, &len) >= 0 && len == sizeof(h))
		for (unsigned i = 0; i < sizeof(h); i++)
			snprintf(out + 2 * i, 3, "%02x", h[i]);
	chain_free(c, n);
}

static bool name_is(int type, const uint8_t *name, size_t len, const char *want)
{
	char ip[INET6_ADDRSTRLEN] = "";

	if (type == GNUTLS_SAN_IPADDRESS) {
		inet_ntop(len == 4 ? AF_INET : AF_INET6, name, ip, sizeof(ip));
		return (len == 4 || len == 16) && !strcmp(ip, want);
	}
	if (type != GNUTLS_SAN_DNSNAME && type != GNUTLS_SAN_URI && type != GNUTLS_SAN_RFC822NAME)
		return false;
	if (len != strlen(want))	/* also: no name with a zero octet in it */
		return false;
	return type == GNUTLS_SAN_URI ? !memcmp(name, want, len) : !strncasecmp((const char *)name, want, len);
}

bool tls_session_san(gnutls_session_t s, const char *san)
{
	gnutls_x509_crt_t c[CHAIN_MAX];
	unsigned n = peer_chain(s, c);
	uint8_t name[512];
	bool found = false;

	for (unsigned i = 0; n && i < 64 && !found; i++) {
		size_t len = sizeof(name);
		int type = gnutls_x509_crt_get_subject_alt_name(c[0], i, name, &len, NULL);

		if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
			continue;
		if (type < 0)
			break;
		found = name_is(type, name, len, san);
	}
	chain_free(c, n);
	return found;
}

static int anchor_destroy(struct tls_anchor *a)
{
	gnutls_x509_trust_list_deinit(a->list, 1);
	return 0;
}

struct tls_anchor *tls_anchor_load(void *ctx, const char *file)
{
	struct tls_anchor *a = talloc_zero(ctx, struct tls_anchor);

	if (!a)
		return NULL;
	a->file = talloc_strdup(a, file);
	if (gnutls_x509_trust_list_init(&a->list, 0) < 0) {
		talloc_free(a);
		return NULL;
	}
	talloc_set_destructor(a, anchor_destroy);
	if (gnutls_x509_trust_list_add_trust_file(a->list, file, NULL, GNUTLS_X509_FMT_PEM, 0, 0) <= 0) {
		LOGP(DHTTP, LOGL_ERROR, "no certificate can be read from %s\n", file);
		talloc_free(a);
		return NULL;
	}
	return a;
}

bool tls_session_issued_by(gnutls_session_t s, const struct tls_anchor *a)
{
	gnutls_x509_crt_t c[CHAIN_MAX];
	unsigned n = peer_chain(s, c), status = ~0u;
	int rc = n ? gnutls_x509_trust_list_verify_crt(a->list, c, n, 0, &status, NULL) : -1;

	chain_free(c, n);
	return rc >= 0 && status == 0;
}
