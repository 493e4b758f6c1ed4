/* A profile's secrets as one octet string, to be sealed: tag, length, value (doc/formats/stock.md).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/misc.h>

#include "stock_priv.h"

#define SECRETS_MAX 256

static const struct secret {
	uint8_t tag;	/* on disk: never another meaning */
	uint8_t size;	/* of the field; with the NUL where it is text */
	bool text;
	size_t off, has;
} secrets[] = {
#define OFF(f) offsetof(struct stock_secrets, f)
#define TEXT(tag, f) { tag, sizeof(((struct stock_secrets *)0)->f), true, OFF(f), 0 }
	{ 1, 16, false, OFF(k), OFF(has_k) },
	{ 2, 16, false, OFF(opc), OFF(has_opc) },
	TEXT(3, pin1), TEXT(4, pin2), TEXT(5, puk1), TEXT(6, puk2), TEXT(7, adm1), TEXT(8, spn),
};

static bool given(const struct stock_secrets *s, const struct secret *d)
{
	const char *p = (const char *)s;

	return d->text ? p[d->off] : *(const bool *)(p + d->has);
}

bool stock_secrets_any(const struct stock_secrets *s)
{
	for (size_t i = 0; s && i < ARRAY_SIZE(secrets); i++)
		if (given(s, &secrets[i]))
			return true;
	return false;
}

struct bytes *stock_secrets_enc(void *ctx, const struct stock_secrets *s)
{
	struct bytes *b = bytes_new(ctx, SECRETS_MAX);

	bytes_secret(b);
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		const struct secret *d = &secrets[i];
		const char *v = (const char *)s + d->off;

		if (!given(s, d))
			continue;
		bytes_put_u8(b, d->tag);
		bytes_put_u8(b, d->text ? strnlen(v, d->size - 1) : d->size);
		bytes_put(b, v, d->text ? strnlen(v, d->size - 1) : d->size);
	}
	return b;
}

static int take(struct stock_secrets *s, uint8_t tag, const uint8_t *v, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		const struct secret *d = &secrets[i];

		if (d->tag != tag)
			continue;
		if (d->text ? len >= d->size : len != d->size)
			return -EINVAL;
		memcpy((char *)s + d->off, v, len);
		if (!d->text)
			*(bool *)((char *)s + d->has) = true;
		return 0;
	}
	return -EINVAL;
}

int stock_secrets_dec(struct stock_secrets *s, const uint8_t *in, size_t len)
{
	struct rd r;

	*s = (struct stock_secrets){};
	rd_init(&r, in, len);
	while (r.left) {
		uint8_t tag = rd_u8(&r), n = rd_u8(&r);
		const uint8_t *v = rd_take(&r, n);

		if (!v || take(s, tag, v, n) < 0) {
			secret_wipe(s, sizeof(*s));
			return -EINVAL;
		}
	}
	return 0;
}
