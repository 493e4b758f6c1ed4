/* Bounded writer and reader over octets: the only place with pointer arithmetic on input.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growable octet string with an upper limit. talloc object. Once a put fails (limit, memory) `err` is set to a
 * negative errno and every later put is a no-op returning it, so an encoder checks once, at its end. */
struct bytes {
	uint8_t *data;
	size_t len;		/* octets in use */
	size_t cap;		/* octets allocated */
	size_t max;		/* octets it may ever hold */
	int err;		/* 0 or negative errno, sticky */
};

/* New empty string that may grow to max octets (0: BYTES_MAX_DEFAULT). Caller owns it through ctx. */
struct bytes *bytes_new(void *ctx, size_t max);
#define BYTES_MAX_DEFAULT (16U << 20)
/* The same, holding a copy of len octets. */
struct bytes *bytes_dup(void *ctx, const void *data, size_t len);
/* From hex text (spaces and newlines skipped); NULL when it is not hex. */
struct bytes *bytes_from_hex(void *ctx, const char *hex);
/* A whole file of at most max octets, marked as secret; NULL with errno: it cannot be read, EFBIG. */
struct bytes *bytes_from_file(void *ctx, const char *path, size_t max);
/* Mark as secret: wiped when freed and when it moves. */
void bytes_secret(struct bytes *b);
void bytes_clear(struct bytes *b);

int bytes_put(struct bytes *b, const void *data, size_t len);
int bytes_put_bytes(struct bytes *b, const struct bytes *other);
int bytes_put_u8(struct bytes *b, uint8_t v);
int bytes_put_u16(struct bytes *b, uint16_t v);	/* big endian, as all below */
int bytes_put_u24(struct bytes *b, uint32_t v);
int bytes_put_u32(struct bytes *b, uint32_t v);
int bytes_put_u40(struct bytes *b, uint64_t v);
int bytes_fill(struct bytes *b, uint8_t v, size_t count);
int bytes_put_hex(struct bytes *b, const char *hex);
bool bytes_eq(const struct bytes *b, const void *data, size_t len);

/* Upper-case hex text, talloc'ed under ctx. Not for secrets. */
char *bytes_hex(void *ctx, const void *data, size_t len);

/* Reader. A read past the end sets bad and yields 0/NULL; check bad once at the end. */
struct rd {
	const uint8_t *p;
	size_t left;
	bool bad;
};

void rd_init(struct rd *r, const void *data, size_t len);
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u24(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u40(struct rd *r);
/* The next len octets, still owned by the input; NULL and bad when fewer are left. */
const uint8_t *rd_take(struct rd *r, size_t len);
/* Octet at offset without consuming, or -1. */
int rd_peek(const struct rd *r, size_t off);
