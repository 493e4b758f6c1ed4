/* Bodies at the JSON interface: taken or refused with a reason, never more than one number out of them; and the OpenAPI
 * document, which is text of ours, parses.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "../../src/smsr/json_text.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	void *ctx = talloc_new(NULL);
	const char *why = NULL;
	struct json_body b;
	int rc = json_text_body(&b, &why, ctx, data, len);

	FUZZ_CHECK(rc == 0 || rc == -EINVAL);
	FUZZ_CHECK((rc == 0) == !why);
	if (rc < 0) {
		const struct json_problem p = { .status = 400, .title = "Bad request", .detail = why };
		char *text = json_text_problem(ctx, &p);

		FUZZ_CHECK(text && strstr(text, "\"status\":400"));
	} else {
		FUZZ_CHECK(b.validity_s <= 604800);
	}
	talloc_free(ctx);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	static const char *const text[] = {
		"{}", "{\"validity_seconds\":600}", "{\"validity_seconds\":600,\"validity_seconds\":1}", "[[[[[[[[]]]]]]]]",
		"{\"validity_seconds\":1e3}", "{\"a\":\"\\u0000\\ud800\"}", "{\"a\":\"\\ud83d\\ude00\"}", "nul", "{\"a\":{\"b\":[1,2,{}]}}",
	};

	(void)ctx;
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		add(text[i], strlen(text[i]));
}
