/* Fields of a line into DER: hex, numbers, codes, names, lists, nested tables (doc/formats/upp-text.md).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/util/ids.h>

#include "upp_text_priv.h"

int text_fail(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->err->msg, sizeof(t->err->msg), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int text_hex(struct text *t, struct der *parent, uint32_t tag, const char *hex, const char *what)
{
	struct bytes *b = bytes_from_hex(t->root, hex);
	struct der *n;

	if (!b)
		return text_fail(t, "%s: not hex", what);
	bytes_secret(b);
	n = der_add(parent, tag, b->data, b->len);
	talloc_free(b);
	return n ? 0 : text_fail(t, "out of memory");
}

/* The value of key=..., NULL when the line has none. */
const char *text_value(struct text *t, const char *key)
{
	size_t len = strlen(key);
	unsigned i;

	for (i = 1; i < t->n; i++) {
		if (!strncmp(t->words[i], key, len) && t->words[i][len] == '=') {
			t->used[i] = true;
			return t->words[i] + len + 1;
		}
	}
	return NULL;
}

bool text_word(struct text *t, const char *word)
{
	unsigned i;

	for (i = 1; i < t->n; i++) {
		if (!strcmp(t->words[i], word))
			return t->used[i] = true;
	}
	return false;
}

int text_uint(unsigned long *v, const char *s, int base, unsigned long max)
{
	char *end;

	*v = strtoul(s, &end, base);
	return *s && !*end && *s != '-' && *v <= max ? 0 : -EINVAL;
}

static int text_put_size(struct text *t, struct der *parent, uint32_t tag, const char *v)
{
	unsigned long n;
	uint8_t buf[4];
	unsigned i = 0;

	if (!strncmp(v, "0x", 2))
		return text_hex(t, parent, tag, v + 2, "size");
	if (text_uint(&n, v, 10, 0xFFFFFF) < 0)
		return text_fail(t, "size: not a number");
	if (n > 0xFFFF)
		buf[i++] = n >> 16;
	if (n > 0xFF)
		buf[i++] = n >> 8;
	buf[i++] = n;
	return der_add(parent, tag, buf, i) ? 0 : text_fail(t, "out of memory");
}

static int text_put_code(struct text *t, struct der *parent, uint32_t tag, const char *v)
{
	uint8_t code[8];
	size_t n = strlen(v);

	if (n == 16)
		return text_hex(t, parent, tag, v, "value");
	if (!digits_valid(v, 4, 8))
		return text_fail(t, "value: 4 to 8 digits or 16 hex digits");
	memset(code, 0xFF, sizeof(code));
	memcpy(code, v, n);
	return der_add(parent, tag, code, sizeof(code)) ? 0 : text_fail(t, "out of memory");
}

static int text_put_name(struct text *t, struct der *parent, uint32_t tag, const char *v, const struct text_name *names)
{
	for (; names->name; names++) {
		if (!strcmp(names->name, v))
			return der_add(parent, tag, &names->value, 1) ? 0 : text_fail(t, "out of memory");
	}
	return text_hex(t, parent, tag, v, "type");
}

static int text_put_list(struct text *t, struct der *parent, uint32_t tag, const char *v)
{
	struct der *list = der_add(parent, tag, NULL, 0);
	char *copy = talloc_strdup(t->root, v), *save = NULL, *item;

	if (!list || !copy)
		return text_fail(t, "out of memory");
	for (item = strtok_r(copy, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		if (text_hex(t, list, 0x04, item, "list") < 0)
			return -EINVAL;
	}
	talloc_free(copy);
	return 0;
}

/* tr df bt lf:33 cy:5: bit 0x40 for the first octet, data coding 21 */
static int text_put_fd(struct text *t, struct der *parent, uint32_t tag)
{
	static const struct text_name kinds[] = { { "tr", 0x41 }, { "df", 0x78 }, { "bt", 0x79 },
						  { "lf", 0x42 }, { "cy", 0x46 }, { NULL, 0 } };
	const struct text_name *k;
	const char *hex = text_value(t, "fd");
	unsigned long len;
	unsigned i;

	if (hex)
		return text_hex(t, parent, tag, hex, "fd");
	for (i = 1; i < t->n; i++) {
		for (k = kinds; k->name; k++) {
			const char *rest = t->words[i] + 2;
			bool records = k->value == 0x42 || k->value == 0x46;
			uint8_t fd[4] = { k->value, 0x21 };

			if (t->used[i] || strncmp(t->words[i], k->name, 2) || *rest != (records ? ':' : '\0'))
				continue;
			t->used[i] = true;
			if (records) {
				if (text_uint(&len, rest + 1, 10, 255) < 0 || !len)
					return text_fail(t, "record length: 1 to 255");
				fd[3] = len;
			}
			return der_add(parent, tag, fd, records ? 4 : 2) ? 0 : text_fail(t, "out of memory");
		}
	}
	return 0;
}

static int text_put_field(struct text *t, struct der *parent, const struct text_field *f, const char *v)
{
	unsigned long n;

	switch (f->kind) {
	case TEXT_INT:
		if (text_uint(&n, v, 16, 0x7FFFFFFF) < 0)
			return text_fail(t, "%s: not a hex number", f->key);
		return der_add_uint(parent, f->tag, n) ? 0 : text_fail(t, "out of memory");
	case TEXT_SIZE:
		return text_put_size(t, parent, f->tag, v);
	case TEXT_SFI:
		if (!strcmp(v, "none"))
			return der_add(parent, f->tag, NULL, 0) ? 0 : text_fail(t, "out of memory");
		if (text_uint(&n, v, 16, 0x1F) < 0)
			return text_fail(t, "sfi: 00 to 1F or none");
		n <<= 3;
		return der_add(parent, f->tag, &(uint8_t){ n }, 1) ? 0 : text_fail(t, "out of memory");
	case TEXT_CODE:
		return text_put_code(t, parent, f->tag, v);
	case TEXT_ALGO:
		return text_put_name(t, parent, f->tag, v, text_algos);
	case TEXT_KEYTYPE:
		return text_put_name(t, parent, f->tag, v, text_keytypes);
	case TEXT_LIST:
		return text_put_list(t, parent, f->tag, v);
	default:
		return text_hex(t, parent, f->tag, v, f->key);
	}
}

static int text_put_sub(struct text *t, struct der *parent, const struct text_field *f)
{
	bool forced = f->key && text_word(t, f->key);
	struct der *sub = der_add(parent, f->tag, NULL, 0);

	if (!sub)
		return text_fail(t, "out of memory");
	if (text_put_fields(t, sub, f->sub) < 0)
		return -EINVAL;
	if (!sub->first && !forced)
		der_remove(sub);
	return 0;
}

int text_put_fields(struct text *t, struct der *parent, const struct text_field *tab)
{
	const char *v;
	int rc = 0;

	for (; (tab->key || tab->tag) && rc == 0; tab++) {
		if (tab->kind == TEXT_SUB)
			rc = text_put_sub(t, parent, tab);
		else if (tab->kind == TEXT_FD)
			rc = text_put_fd(t, parent, tab->tag);
		else if ((v = text_value(t, tab->key)))
			rc = text_put_field(t, parent, tab, v);
	}
	return rc;
}

/* A line of fields: a new constructed TLV below parent; every word must have been understood. */
int text_line(struct text *t, struct der *parent, const struct text_field *tab)
{
	unsigned i;

	if (!parent)
		return text_fail(t, "out of memory");
	if (text_put_fields(t, parent, tab) < 0)
		return -EINVAL;
	for (i = 1; i < t->n; i++) {
		if (!t->used[i])
			return text_fail(t, "not understood: word %u of the line", i + 1);
	}
	return 0;
}
