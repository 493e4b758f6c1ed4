/* The text description of packages: a package built from it shows as a text that builds the same package; and any octets
 * shown as a text must build to the same octets. SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/profile/upp_text.h>

#include "../profile/packages.h"

#include "fuzz.h"

static char *string(void *ctx, const uint8_t *in, size_t len)
{
	return len ? talloc_strndup(ctx, (const char *)in, len) : talloc_strdup(ctx, "");
}

static void show_build(void *ctx, const uint8_t *in, size_t len)
{
	struct bytes *text = upp_text_show(ctx, in, len), *again;
	struct upp_text_err err = { };

	if (!text)
		return;
	again = upp_text_build(ctx, string(ctx, text->data, text->len), &err);
	if (!again)
		fprintf(stderr, "line %u: %s\n", err.line, err.msg);
	FUZZ_CHECK(again && bytes_eq(again, in, len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	void *ctx = talloc_new(NULL);
	struct upp_text_err err = { };
	struct bytes *b = upp_text_build(ctx, string(ctx, data, len), &err);

	if (b)
		show_build(ctx, b->data, b->len);
	else
		FUZZ_CHECK(err.msg[0]);
	show_build(ctx, data, len);
	talloc_free(ctx);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	struct bytes *text = packages_demo_text(ctx);

	add(text->data, strlen((const char *)text->data));
	fuzz_add_bytes(add, -1, packages_demo(ctx));
}
