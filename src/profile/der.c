/* Lossless tree over DER (SAIP packages): what was not changed is written back as it was read, so that elements and
 * components we do not know survive an edit (EXTENSIBILITY IMPLIED).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/profile/der.h>
#include <osmocom/rsp/util/tlv.h>

static bool der_constructed(uint32_t tag)
{
	while (tag > 0xFF)
		tag >>= 8;
	return tag & 0x20;
}

static void der_link(struct der *parent, struct der *n)
{
	n->parent = parent;
	if (parent->last)
		parent->last->next = n;
	else
		parent->first = n;
	parent->last = n;
}

/* The node and all above it must be encoded again. */
static void der_touch(struct der *n)
{
	for (; n; n = n->parent) {
		n->raw = NULL;
		n->raw_len = 0;
	}
}

static int der_parse_into(struct der *parent, const uint8_t *in, size_t len, unsigned depth, unsigned *nodes)
{
	struct rd r;
	struct tlv t;
	int rc;

	if (depth > DER_DEPTH_MAX)
		return -E2BIG;
	rd_init(&r, in, len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		struct der *n;

		if (++*nodes > DER_NODES_MAX)
			return -E2BIG;
		n = talloc_zero(parent, struct der);
		if (!n)
			return -ENOMEM;
		n->tag = t.tag;
		n->v = t.v;
		n->len = t.len;
		n->raw = t.raw;
		n->raw_len = t.raw_len;
		der_link(parent, n);
		if (!der_constructed(t.tag))
			continue;
		rc = der_parse_into(n, t.v, t.len, depth + 1, nodes);
		if (rc < 0)
			return rc;
	}
	return rc;
}

struct der *der_new(void *ctx)
{
	return talloc_zero(ctx, struct der);
}

struct der *der_parse(void *ctx, const uint8_t *in, size_t len, const char **err)
{
	struct der *root = der_new(ctx);
	struct bytes *copy = root ? bytes_dup(root, in, len) : NULL;
	unsigned nodes = 0;
	int rc;

	if (!copy) {
		*err = "out of memory";
		talloc_free(root);
		return NULL;
	}
	bytes_secret(copy);
	rc = der_parse_into(root, copy->data, copy->len, 0, &nodes);
	if (rc < 0) {
		*err = rc == -E2BIG ? "TLVs too deep or too many" : rc == -ENOMEM ? "out of memory" : "malformed TLV";
		talloc_free(root);
		return NULL;
	}
	root->raw = copy->data;
	root->raw_len = copy->len;
	return root;
}

static struct der *der_from(struct der *n, uint32_t tag)
{
	while (n && n->tag != tag)
		n = n->next;
	return n;
}

struct der *der_child(const struct der *n, uint32_t tag)
{
	return n ? der_from(n->first, tag) : NULL;
}

struct der *der_again(const struct der *n)
{
	return n ? der_from(n->next, n->tag) : NULL;
}

struct der *der_path(const struct der *n, ...)
{
	struct der *at = (struct der *)n;
	uint32_t tag;
	va_list ap;

	va_start(ap, n);
	while (at && (tag = va_arg(ap, uint32_t)))
		at = der_child(at, tag);
	va_end(ap);
	return at;
}

/* New contents live in a secret block of the node: they may be keys. */
static int der_own(struct der *n, const void *v, size_t len)
{
	struct bytes *own = bytes_dup(n, v, len);

	if (!own)
		return -ENOMEM;
	bytes_secret(own);
	n->v = own->data;
	n->len = own->len;
	return 0;
}

int der_set(struct der *n, const void *v, size_t len)
{
	int rc;

	if (der_constructed(n->tag))
		return -EINVAL;
	rc = der_own(n, v, len);
	if (rc == 0)
		der_touch(n);
	return rc;
}

struct der *der_add(struct der *parent, uint32_t tag, const void *v, size_t len)
{
	struct der *n = parent ? talloc_zero(parent, struct der) : NULL;

	if (!n)
		return NULL;
	n->tag = tag;
	if (!der_constructed(tag) && der_own(n, v, len) < 0) {
		talloc_free(n);
		return NULL;
	}
	der_link(parent, n);
	der_touch(parent);
	return n;
}

struct der *der_insert(struct der *parent, struct der *before, uint32_t tag, const void *v, size_t len)
{
	struct der *n = der_add(parent, tag, v, len), *at;

	if (!n || !before || parent->first == n)
		return n;
	for (at = parent->first; at->next != n; at = at->next)
		;
	at->next = NULL;	/* off the end again */
	parent->last = at;
	if (parent->first == before) {
		parent->first = n;
	} else {
		for (at = parent->first; at->next != before; at = at->next)
			;
		at->next = n;
	}
	n->next = before;
	return n;
}

struct der *der_add_uint(struct der *parent, uint32_t tag, uint32_t v)
{
	uint8_t buf[5] = { 0, v >> 24, v >> 16, v >> 8, v };
	unsigned skip = 0;

	while (skip < 4 && !buf[skip] && !(buf[skip + 1] & 0x80))
		skip++;
	return der_add(parent, tag, buf + skip, sizeof(buf) - skip);
}

void der_remove(struct der *n)
{
	struct der *parent = n->parent, *prev = NULL, *at;

	for (at = parent->first; at != n; at = at->next)
		prev = at;
	if (prev)
		prev->next = n->next;
	else
		parent->first = n->next;
	if (parent->last == n)
		parent->last = prev;
	der_touch(parent);
	talloc_free(n);
}

int der_uint(uint32_t *v, const struct der *n)
{
	uint64_t u = 0;
	size_t i;

	*v = 0;
	if (!n || !n->len || n->len > 5 || n->v[0] & 0x80)
		return -EINVAL;
	for (i = 0; i < n->len; i++)
		u = u << 8 | n->v[i];
	if (u > UINT32_MAX)
		return -EINVAL;
	*v = u;
	return 0;
}

/* Length of the TLV once written; for a changed constructed one this asks its children. */
static size_t der_size(const struct der *n);

static size_t der_body_size(const struct der *n)
{
	const struct der *c;
	size_t sum = 0;

	if (n->tag && !der_constructed(n->tag))
		return n->len;
	for (c = n->first; c; c = c->next)
		sum += der_size(c);
	return sum;
}

static size_t der_size(const struct der *n)
{
	size_t body, head;

	if (n->raw)
		return n->raw_len;
	body = der_body_size(n);
	head = n->tag > 0xFFFF ? 3 : n->tag > 0xFF ? 2 : 1;
	return head + (body < 0x80 ? 1 : body < 0x100 ? 2 : body < 0x10000 ? 3 : body < 0x1000000 ? 4 : 5) + body;
}

int der_write(struct bytes *out, const struct der *n)
{
	const struct der *c;

	if (n->raw)
		return bytes_put(out, n->raw, n->raw_len);
	if (n->tag) {
		if (!der_constructed(n->tag))
			return tlv_put(out, n->tag, n->v, n->len);
		tlv_put_head(out, n->tag, der_body_size(n));
	}
	for (c = n->first; c; c = c->next)
		der_write(out, c);
	return out->err;
}
