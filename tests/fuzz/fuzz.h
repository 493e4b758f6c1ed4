/* A fuzz target: one decoder group fed with octets from nowhere (libFuzzer's interface), and its seeds. Linked with
 * replay.c in `make check`, with libFuzzer by contrib/fuzz. A property that does not hold aborts.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/tlv.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Seeds made by our encoders: add() copies. Hex text in seeds/NAME.hex, one a line, comes on top of them. */
typedef void (*fuzz_add)(const void *data, size_t len);
void fuzz_seeds(void *ctx, fuzz_add add);

#define FUZZ_CHECK(cond) do { \
	if (!(cond)) { \
		fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond); \
		abort(); \
	} \
} while (0)

/* Add what an encoder wrote, and begin anew; mode: a first octet that chooses the decoder, -1: none. */
static inline void fuzz_add_bytes(fuzz_add add, int mode, struct bytes *b)
{
	struct bytes *m = bytes_new(NULL, 0);

	if (mode >= 0)
		bytes_put_u8(m, mode);
	bytes_put_bytes(m, b);
	FUZZ_CHECK(!b->err && !m->err);
	add(m->data, m->len);
	talloc_free(m);
	bytes_clear(b);
}
