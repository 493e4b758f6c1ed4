/* The project's text description of a profile package, both directions (doc/formats/upp-text.md).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>

struct upp_text_err {
	unsigned line;		/* of the text, not of what it includes */
	char msg[160];
};
/* Where a text's "include NAME" and "cap=NAME" come from. */
struct upp_text_files {
	/* Contents under ctx: another text (NUL behind it, not counted), or the load file data block of a CAP or IJC
	 * file. NULL with *err static text. */
	struct bytes *(*text)(void *ctx, void *data, const char *name, const char **err);
	struct bytes *(*code)(void *ctx, void *data, const char *name, const char **err);
	void *data;
};
/* Text to package (marked secret). NULL with err filled. Without files, texts that want some are refused. */
struct bytes *upp_text_build(void *ctx, const char *text, struct upp_text_err *err);
struct bytes *upp_text_build_files(void *ctx, const char *text, const struct upp_text_files *files,
				   struct upp_text_err *err);
/* Package to text; build() of it gives the same octets: what the language has no words for stands there as "raw".
 * NULL when the package is malformed. The text holds the package's keys. */
struct bytes *upp_text_show(void *ctx, const uint8_t *data, size_t len);
