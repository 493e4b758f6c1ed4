/* TLS 1.2 client with PSK between two memory buffers: the card's end of SCP81, on OpenSSL on purpose (the server's end
 * is GnuTLS).  SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>

struct card_tls;
struct card_tls_ctx;

struct card_tls_ctx *card_tls_ctx_new(void *ctx);	/* shared by all sessions; talloc object */
/* psk is copied and wiped when freed. NULL on failure. */
struct card_tls *card_tls_new(void *ctx, struct card_tls_ctx *tc, const char *identity, const uint8_t *psk,
			      size_t psk_len);
int card_tls_feed(struct card_tls *t, const uint8_t *data, size_t len);	/* from the server */
int card_tls_handshake(struct card_tls *t);		/* 1 done, 0 more octets wanted, negative: failed */
/* Appends what has been deciphered. 0, -EPIPE after close_notify, -EPROTO. */
int card_tls_read(struct card_tls *t, struct bytes *plain);
int card_tls_write(struct card_tls *t, const void *data, size_t len);
void card_tls_shutdown(struct card_tls *t);		/* close_notify */
/* Up to max octets for the server: number taken. */
size_t card_tls_take(struct card_tls *t, uint8_t *out, size_t max);
