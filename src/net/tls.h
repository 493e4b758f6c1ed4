/* Credentials of one server, swapped as a whole: mutual X.509 with CRL, or PSK with the key looked up by identity.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

/* SGP.02 2.4.4: TLS 1.2, PSK with AES-128 in GCM or CBC and SHA-256. A card of 2.4.4 aborts on encrypt_then_mac. */
#define TLS_PRIO_PSK "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK:-CIPHER-ALL:+AES-128-GCM:+AES-128-CBC:-MAC-ALL:" \
		     "+AEAD:+SHA256:%NO_ETM:%NO_TICKETS"
#define TLS_PRIO_X509 "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%NO_TICKETS"
#define TLS_PSK_MAX 64
#define TLS_FPR_SIZE 65

/* Looked up by the session's pointer (gnutls_session_get_ptr()): length, or negative when unknown. */
typedef int (*tls_psk_cb)(void *session_ptr, const char *identity, uint8_t *psk, size_t size);

struct tls_cred {
	struct tls_cred *next;			/* older generations still used by a connection */
	unsigned users;
	tls_psk_cb psk_cb;
	gnutls_psk_server_credentials_t psk;
	gnutls_certificate_credentials_t x509;
	bool cert_optional;			/* no certificate is well, too */
};

/* NULL and a log line when a file does not load. crl may be NULL. */
struct tls_cred *tls_cred_x509(void *ctx, const char *cert, const char *key, const char *ca, const char *crl);
struct tls_cred *tls_cred_psk(void *ctx, tls_psk_cb cb);
/* Before the handshake: this session uses these credentials; ptr is what psk_cb gets. */
int tls_session_setup(gnutls_session_t s, struct tls_cred *c, void *ptr);
/* After the handshake: does the peer's certificate stand against these (newer) credentials? */
bool tls_session_verify(gnutls_session_t s, const struct tls_cred *c);
/* SHA-256 of the peer's certificate as lower-case hex; empty without one. */
void tls_session_fpr(gnutls_session_t s, char out[TLS_FPR_SIZE]);
/* tls_peer.c: likewise of its SubjectPublicKeyInfo */
void tls_session_spki(gnutls_session_t s, char out[TLS_FPR_SIZE]);
bool tls_session_san(gnutls_session_t s, const char *san);
/* Certificates of a file that vouch for some peers; NULL and a log line when it does not load. */
struct tls_anchor {
	struct tls_anchor *next;
	char *file;
	gnutls_x509_trust_list_t list;
};
struct tls_anchor *tls_anchor_load(void *ctx, const char *file);
bool tls_session_issued_by(gnutls_session_t s, const struct tls_anchor *a);
