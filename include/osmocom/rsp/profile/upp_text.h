/* The project's text description of a profile package, both directions (doc/formats/upp-text.md).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>

struct upp_text_err {
	unsigned line;
	char msg[96];
};
/* Text to package (marked secret). NULL with err filled. */
struct bytes *upp_text_build(void *ctx, const char *text, struct upp_text_err *err);
/* Package to text; build() of it gives the same octets: what the language has no words for stands there as "raw".
 * NULL when the package is malformed. The text holds the package's keys. */
struct bytes *upp_text_show(void *ctx, const uint8_t *data, size_t len);
