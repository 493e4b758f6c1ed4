/* SOAP messages of the off-card interfaces. A message that was understood must be understood again when written.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "../es/es_help.h"

#include "../../src/es/es_soap.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	void *ctx = talloc_new(NULL);
	enum es_reason reason = ES_R_NONE;
	struct es_msg *m = NULL, *again;
	struct bytes *out;
	char *err = NULL;
	int rc = es_soap_dec_reason(&m, &err, &reason, ctx, data, len);

	FUZZ_CHECK(rc == 0 || rc == -EBADMSG ? m != NULL : m == NULL);
	if (rc < 0)
		FUZZ_CHECK(err);
	if (rc == 0) {
		es_soap_action(ctx, m);
		out = es_soap_enc(ctx, m);
		if (out)
			FUZZ_CHECK(es_soap_dec(&again, &err, ctx, out->data, out->len) == 0 && again->func == m->func);
	}
	talloc_free(ctx);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	struct bytes *b;

	for (int i = ES1; i < _ES_IFACES; i++)
		for (int f = ES_FN_NONE + 1; f < _ES_FN_COUNT; f++)
			for (int k = ES_REQUEST; k <= ES_NOTIFICATION; k++) {
				if (!es_msg_exists(i, f, k) || (i == ES3 && k == ES_RESPONSE))
					continue;
				b = es_soap_enc(ctx, help_msg(ctx, i, f, k));
				if (b)
					fuzz_add_bytes(add, -1, b);
			}
	fuzz_add_bytes(add, -1, es_soap_fault(ctx, true, "no such function"));
	fuzz_add_bytes(add, -1, es_soap_poll_enc(ctx, "x?EntityId=1.2", "y", "urn:1", "urn:anonymous?id=1"));
	b = es_soap_enc(ctx, help_msg(ctx, ES4, ES_FN_GET_EIS, ES_REQUEST));
	fuzz_add_bytes(add, -1, es_soap_add_token(b, &(struct es_token){
		.user = "u", .created = "2026-01-01T00:00:00Z", .nonce = bytes_from_hex(ctx, "0102"),
		.digest = bytes_from_hex(ctx, "0304"),
	}));
}
