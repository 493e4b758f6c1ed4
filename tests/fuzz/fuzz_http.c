/* The card's reader of HTTP responses, octets in pieces: cut anywhere the result must be the same.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "../../src/euicc/card_httprx.h"

#include "fuzz.h"

static int feed(struct card_httprx *r, const uint8_t *in, size_t len, size_t piece, size_t *taken)
{
	int rc = 0;

	for (size_t at = 0, n, used; at < len && rc == 0; at += used) {
		n = len - at < piece ? len - at : piece;
		used = 0;
		rc = card_httprx_feed(r, in + at, n, &used);
		FUZZ_CHECK(used <= n);
		*taken += used;
		if (rc == 0)
			FUZZ_CHECK(used == n);
	}
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	void *ctx = talloc_new(NULL);
	struct card_httprx *a = card_httprx_new(ctx), *b = card_httprx_new(ctx);
	size_t na = 0, nb = 0;
	int ra, rb;

	ra = feed(a, data, len, len, &na);
	rb = feed(b, data, len, 1 + len % 7, &nb);
	FUZZ_CHECK(ra == rb);
	if (ra == 1)
		FUZZ_CHECK(na == nb && a->status == b->status && bytes_eq(a->body, b->body->data, b->body->len));
	talloc_free(ctx);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	static const char *const text[] = {
		"HTTP/1.1 200 OK\r\nX-Admin-Protocol: globalplatform-remote-admin/1.0\r\nX-Admin-Next-URI: /next\r\n"
		"Content-Type: application/vnd.globalplatform.card-content-mgt;version=1.0\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Admin-Targeted-Application: //aid/A000000559/1010\r\n\r\n"
		"4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n",
		"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		add(text[i], strlen(text[i]));
}
