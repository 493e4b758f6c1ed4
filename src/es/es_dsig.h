/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/es/es_msg.h>

/* Base64: NULL when it is none, or empty. */
struct bytes *es_base64_dec(void *ctx, const char *text);
char *es_base64_enc(void *ctx, const uint8_t *in, size_t len);
/* es_eis.c: EumSignedInfo made from the fields, exclusive-canonical: what an EUM signs. */
struct bytes *es_eis_signed_part(void *ctx, const struct es_eis *eis);
