/* Packages for people: as a tree, in ASN.1 value notation, and what differs between two.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>

enum upp_view { UPP_VIEW_TREE, UPP_VIEW_NOTATION };
/* Keys and codes read "secret, N octets" unless secrets are asked for. NULL with *err when malformed. */
struct bytes *upp_view(void *ctx, const uint8_t *data, size_t len, enum upp_view how, bool secrets, const char **err);
/* A line for each difference: path, old value, new value. *n of them; an empty text means equal octets. */
struct bytes *upp_diff(void *ctx, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len, bool secrets,
		       unsigned *n, const char **err);
