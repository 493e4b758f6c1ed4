/* Bounded writer and reader over octets (style.md 1.3): no other file does pointer arithmetic on input.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/misc.h>

/* The talloc name is the mark "this is a secret", so that talloc reports show it too. */
static const char bytes_secret_name[] = "secret bytes";

static int bytes_secret_destructor(struct bytes *b)
{
	secret_wipe(b->data, b->cap);
	return 0;
}

static bool bytes_is_secret(const struct bytes *b)
{
	return talloc_get_name(b) == bytes_secret_name;
}

struct bytes *bytes_new(void *ctx, size_t max)
{
	struct bytes *b = talloc_zero(ctx, struct bytes);

	if (b)
		b->max = max ? max : BYTES_MAX_DEFAULT;
	return b;
}

struct bytes *bytes_dup(void *ctx, const void *data, size_t len)
{
	struct bytes *b = bytes_new(ctx, len > BYTES_MAX_DEFAULT ? len : 0);

	if (b && bytes_put(b, data, len) < 0)
		TALLOC_FREE(b);
	return b;
}

struct bytes *bytes_from_hex(void *ctx, const char *hex)
{
	struct bytes *b = bytes_new(ctx, 0);

	if (b && bytes_put_hex(b, hex) < 0)
		TALLOC_FREE(b);
	return b;
}

/* Without stdio, whose buffer nobody wipes. */
struct bytes *bytes_from_file(void *ctx, const char *path, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	struct bytes *b = fd < 0 ? NULL : bytes_new(ctx, max);
	uint8_t buf[4096];
	ssize_t n = -1;

	bytes_secret(b);
	while (b && (n = read(fd, buf, sizeof(buf))) > 0 && bytes_put(b, buf, n) == 0)
		;
	if (b && n)
		err = n < 0 ? errno : EFBIG;
	secret_wipe(buf, sizeof(buf));
	if (fd >= 0)
		close(fd);
	if (err) {
		TALLOC_FREE(b);
		errno = err;
	}
	return b;
}

void bytes_secret(struct bytes *b)
{
	if (!b)
		return;
	talloc_set_name_const(b, bytes_secret_name);
	talloc_set_destructor(b, bytes_secret_destructor);
}

void bytes_clear(struct bytes *b)
{
	if (bytes_is_secret(b))
		secret_wipe(b->data, b->cap);
	b->len = 0;
	b->err = 0;
}

/* Room for extra more octets. A secret is moved by hand: realloc() would leave its old place readable. */
static int bytes_grow(struct bytes *b, size_t extra)
{
	size_t want, cap;
	uint8_t *data;

	if (b->err)
		return b->err;
	if (extra > b->max - b->len)
		return b->err = -ENOSPC;
	want = b->len + extra;
	if (want <= b->cap)
		return 0;
	cap = b->cap > b->max / 2 ? b->max : b->cap * 2;
	if (cap < want)
		cap = want;
	if (cap < 64 && b->max >= 64)
		cap = 64;
	data = talloc_array(b, uint8_t, cap);
	if (!data)
		return b->err = -ENOMEM;
	if (b->len)
		memcpy(data, b->data, b->len);
	if (bytes_is_secret(b))
		secret_wipe(b->data, b->cap);
	talloc_free(b->data);
	b->data = data;
	b->cap = cap;
	return 0;
}

int bytes_put(struct bytes *b, const void *data, size_t len)
{
	int rc = bytes_grow(b, len);

	if (rc < 0 || !len)
		return rc;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return 0;
}

int bytes_put_bytes(struct bytes *b, const struct bytes *other)
{
	if (other->err && !b->err)
		b->err = other->err;
	return bytes_put(b, other->data, other->len);
}

static int bytes_put_be(struct bytes *b, uint64_t v, unsigned octets)
{
	uint8_t buf[8];

	for (unsigned i = 0; i < octets; i++)
		buf[i] = v >> (8 * (octets - 1 - i));
	return bytes_put(b, buf, octets);
}

int bytes_put_u8(struct bytes *b, uint8_t v)
{
	return bytes_put_be(b, v, 1);
}

int bytes_put_u16(struct bytes *b, uint16_t v)
{
	return bytes_put_be(b, v, 2);
}

int bytes_put_u24(struct bytes *b, uint32_t v)
{
	return bytes_put_be(b, v, 3);
}

int bytes_put_u32(struct bytes *b, uint32_t v)
{
	return bytes_put_be(b, v, 4);
}

int bytes_put_u40(struct bytes *b, uint64_t v)
{
	return bytes_put_be(b, v, 5);
}

int bytes_fill(struct bytes *b, uint8_t v, size_t count)
{
	int rc = bytes_grow(b, count);

	if (rc < 0 || !count)
		return rc;
	memset(b->data + b->len, v, count);
	b->len += count;
	return 0;
}

static int hex_nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int bytes_put_hex(struct bytes *b, const char *hex)
{
	int high = -1;

	for (; *hex; hex++) {
		int n;

		if (*hex == ' ' || *hex == '\n' || *hex == '\r' || *hex == '\t')
			continue;
		n = hex_nibble(*hex);
		if (n < 0)
			return b->err = -EINVAL;
		if (high < 0) {
			high = n;
			continue;
		}
		if (bytes_put_u8(b, high << 4 | n) < 0)
			return b->err;
		high = -1;
	}
	if (high >= 0 && !b->err)
		b->err = -EINVAL;
	return b->err;
}

bool bytes_eq(const struct bytes *b, const void *data, size_t len)
{
	return !b->err && b->len == len && (!len || !memcmp(b->data, data, len));
}

char *bytes_hex(void *ctx, const void *data, size_t len)
{
	static const char digit[] = "0123456789ABCDEF";
	const uint8_t *p = data;
	char *out = talloc_array(ctx, char, len * 2 + 1);

	if (!out)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digit[p[i] >> 4];
		out[2 * i + 1] = digit[p[i] & 15];
	}
	out[2 * len] = '\0';
	return out;
}

void rd_init(struct rd *r, const void *data, size_t len)
{
	r->p = data;
	r->left = len;
	r->bad = false;
}

const uint8_t *rd_take(struct rd *r, size_t len)
{
	const uint8_t *p = r->p;

	if (r->bad || len > r->left) {
		r->bad = true;
		return NULL;
	}
	if (len)	/* p may be NULL for an empty input */
		r->p += len;
	r->left -= len;
	return p;
}

static uint64_t rd_be(struct rd *r, unsigned octets)
{
	const uint8_t *p = rd_take(r, octets);
	uint64_t v = 0;

	for (unsigned i = 0; p && i < octets; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t rd_u8(struct rd *r)
{
	return rd_be(r, 1);
}

uint16_t rd_u16(struct rd *r)
{
	return rd_be(r, 2);
}

uint32_t rd_u24(struct rd *r)
{
	return rd_be(r, 3);
}

uint32_t rd_u32(struct rd *r)
{
	return rd_be(r, 4);
}

uint64_t rd_u40(struct rd *r)
{
	return rd_be(r, 5);
}

int rd_peek(const struct rd *r, size_t off)
{
	return r->bad || off >= r->left ? -1 : r->p[off];
}
