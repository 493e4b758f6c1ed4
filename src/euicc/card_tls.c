/* TLS 1.2 PSK client for the admin agent: two suites, fragments of 512 octets asked for, no tickets, no renegotiation
 * (SGP.02 2.4.4; ota-transport digest 8.1).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/misc.h>

#include "card_tls.h"

#define SUITES "PSK-AES128-GCM-SHA256:PSK-AES128-CBC-SHA256"

struct card_tls_ctx {
	SSL_CTX *ssl_ctx;
};

struct card_tls {
	SSL *ssl;
	BIO *in, *out;		/* owned by ssl */
	char identity[128];
	uint8_t psk[64];
	size_t psk_len;
};

static int ctx_destroy(struct card_tls_ctx *tc)
{
	SSL_CTX_free(tc->ssl_ctx);
	return 0;
}

static unsigned int psk_cb(SSL *ssl, const char *hint, char *identity, unsigned int max_identity, unsigned char *psk,
			   unsigned int max_psk)
{
	struct card_tls *t = SSL_get_app_data(ssl);

	if (strlen(t->identity) >= max_identity || t->psk_len > max_psk)
		return 0;
	osmo_strlcpy(identity, t->identity, max_identity);
	memcpy(psk, t->psk, t->psk_len);
	return t->psk_len;
}

struct card_tls_ctx *card_tls_ctx_new(void *ctx)
{
	struct card_tls_ctx *tc = talloc_zero(ctx, struct card_tls_ctx);

	tc->ssl_ctx = SSL_CTX_new(TLS_client_method());
	if (!tc->ssl_ctx) {
		talloc_free(tc);
		return NULL;
	}
	talloc_set_destructor(tc, ctx_destroy);
	SSL_CTX_set_min_proto_version(tc->ssl_ctx, TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(tc->ssl_ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(tc->ssl_ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(tc->ssl_ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(tc->ssl_ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_psk_client_callback(tc->ssl_ctx, psk_cb);
	if (SSL_CTX_set_cipher_list(tc->ssl_ctx, SUITES) != 1) {
		talloc_free(tc);
		return NULL;
	}
	return tc;
}

static int tls_destroy(struct card_tls *t)
{
	SSL_free(t->ssl);
	secret_wipe(t->psk, sizeof(t->psk));
	return 0;
}

struct card_tls *card_tls_new(void *ctx, struct card_tls_ctx *tc, const char *identity, const uint8_t *psk,
			      size_t psk_len)
{
	struct card_tls *t;

	if (!tc || psk_len > sizeof(t->psk))
		return NULL;
	t = talloc_zero(ctx, struct card_tls);
	talloc_set_destructor(t, tls_destroy);
	OSMO_STRLCPY_ARRAY(t->identity, identity);
	memcpy(t->psk, psk, psk_len);
	t->psk_len = psk_len;
	t->ssl = SSL_new(tc->ssl_ctx);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	if (!t->ssl || !t->in || !t->out) {
		talloc_free(t);
		return NULL;
	}
	BIO_set_mem_eof_return(t->in, -1);
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_app_data(t->ssl, t);
	SSL_set_tlsext_max_fragment_length(t->ssl, TLSEXT_max_fragment_length_512);
	SSL_set_connect_state(t->ssl);
	return t;
}

int card_tls_feed(struct card_tls *t, const uint8_t *data, size_t len)
{
	return len == 0 || BIO_write(t->in, data, len) == (int)len ? 0 : -ENOMEM;
}

int card_tls_handshake(struct card_tls *t)
{
	int rc, err;

	ERR_clear_error();
	rc = SSL_do_handshake(t->ssl);
	if (rc == 1)
		return 1;
	err = SSL_get_error(t->ssl, rc);
	return err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE ? 0 : -EPROTO;
}

int card_tls_read(struct card_tls *t, struct bytes *plain)
{
	uint8_t buf[1024];
	int rc;

	for (;;) {
		ERR_clear_error();
		rc = SSL_read(t->ssl, buf, sizeof(buf));
		if (rc <= 0)
			break;
		if (bytes_put(plain, buf, rc) < 0)
			return -EPROTO;
	}
	switch (SSL_get_error(t->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return -EPIPE;
	default:
		return -EPROTO;
	}
}

int card_tls_write(struct card_tls *t, const void *data, size_t len)
{
	ERR_clear_error();
	return len == 0 || SSL_write(t->ssl, data, len) == (int)len ? 0 : -EPROTO;
}

void card_tls_shutdown(struct card_tls *t)
{
	ERR_clear_error();
	if (SSL_is_init_finished(t->ssl))
		SSL_shutdown(t->ssl);
}

size_t card_tls_take(struct card_tls *t, uint8_t *out, size_t max)
{
	int rc = BIO_pending(t->out) ? BIO_read(t->out, out, max) : 0;

	return rc > 0 ? rc : 0;
}
