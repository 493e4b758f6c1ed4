/* Lossless tree over DER (SAIP packages): what was not changed is written back as it was read, so that elements and
 * components we do not know survive an edit (EXTENSIBILITY IMPLIED).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/profile/der.h>
#include <osmocom/rsp/util/misc.h>
#include <osmocom/rsp/util/tlv.h>

/* Nodes and changed contents live in chunks of the root: a package has thousands of them. Contents may be keys, so a
 * chunk is wiped. */
#define DER_CHUNK_NODES 64
#define DER_CHUNK_OCTETS 2048

struct der_chunk {
	struct der_chunk *next;
	size_t used, size;
	uint8_t b[];
};

struct der_doc {
	struct der root;	/* first: the root is the document */
	struct der_chunk *octets;
	struct der *nodes;
	unsigned nodes_left;
	unsigned count;
};

static bool der_constructed(uint32_t tag)
{
	while (tag > 0xFF)
		tag >>= 8;
	return tag & 0x20;
}

static struct der_doc *der_doc(struct der *n)
{
	while (n->parent)
		n = n->parent;
	return (struct der_doc *)n;
}

static struct der *der_node(struct der_doc *d)
{
	if (!d->nodes_left) {
		d->nodes = talloc_zero_array(d, struct der, DER_CHUNK_NODES);
		if (!d->nodes)
			return NULL;
		d->nodes_left = DER_CHUNK_NODES;
	}
	d->nodes_left--;
	return d->nodes++;
}

static int der_chunk_wipe(struct der_chunk *c)
{
	secret_wipe(c->b, c->size);
	return 0;
}

static uint8_t *der_octets(struct der_doc *d, const void *v, size_t len)
{
	size_t size = len > DER_CHUNK_OCTETS ? len : DER_CHUNK_OCTETS;
	struct der_chunk *c = d->octets;

	if (!c || c->size - c->used < len) {
		c = talloc_size(d, sizeof(*c) + size);
		if (!c)
			return NULL;
		talloc_set_name_const(c, "struct der_chunk");
		talloc_set_destructor(c, der_chunk_wipe);
		*c = (struct der_chunk){ d->octets, 0, size };
		d->octets = c;
	}
	if (len)
		memcpy(c->b + c->used, v, len);
	c->used += len;
	return c->b + c->used - len;
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

/* Next TLV of what tlv_next() takes, but nothing else: this runs over every octet of a package. */
static int der_head(const uint8_t *p, size_t left, uint32_t *tag, size_t *head, size_t *len)
{
	size_t n = 1, octets;

	*tag = p[0];
	if ((p[0] & 0x1F) == 0x1F) {
		do {
			if (n == left || n == 3)
				return -EINVAL;
			*tag = *tag << 8 | p[n];
		} while (p[n++] & 0x80);
	}
	if (n == left)
		return -EINVAL;
	*len = p[n++];
	if (*len & 0x80) {
		octets = *len & 0x7F;
		if (!octets || octets > 4 || octets > left - n)
			return -EINVAL;
		for (*len = 0; octets; octets--)
			*len = *len << 8 | p[n++];
	}
	*head = n;
	return *len > left - n ? -EINVAL : 0;
}

/* Is it well-formed and within limits, all the way down? */
static int der_valid(const uint8_t *p, size_t left, unsigned depth, unsigned *nodes)
{
	size_t head, len;
	uint32_t tag;
	int rc;

	if (depth > DER_DEPTH_MAX)
		return -E2BIG;
	for (; left; p += head + len, left -= head + len) {
		if (der_head(p, left, &tag, &head, &len) < 0)
			return -EINVAL;
		if (++*nodes > DER_NODES_MAX)
			return -E2BIG;
		if (!(p[0] & 0x20))
			continue;
		rc = der_valid(p + head, len, depth + 1, nodes);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Children of a node from its octets, which are known to be valid. */
static int der_expand(struct der_doc *d, struct der *n, bool all)
{
	const uint8_t *p = n->v;
	size_t left = n->len, head, len;
	struct der *c;
	uint32_t tag;

	n->folded = false;
	for (; left && der_head(p, left, &tag, &head, &len) == 0; p += head + len, left -= head + len) {
		c = der_node(d);
		if (!c)
			return -ENOMEM;
		c->tag = tag;
		c->raw = p;
		c->raw_len = head + len;
		c->v = p + head;
		c->len = len;
		c->folded = p[0] & 0x20;
		der_link(n, c);
		if (all && c->folded && der_expand(d, c, true) < 0)
			return -ENOMEM;
	}
	return 0;
}

struct der *der_first(const struct der *n)
{
	struct der *w = (struct der *)n;

	if (w && w->folded && der_expand(der_doc(w), w, false) < 0)
		return NULL;
	return w ? w->first : NULL;
}

struct der *der_new(void *ctx)
{
	struct der_doc *d = talloc_zero(ctx, struct der_doc);

	return d ? &d->root : NULL;
}

static struct der *der_open(void *ctx, const uint8_t *in, size_t len, const char **err, bool all)
{
	struct der *root = der_new(ctx);
	struct bytes *copy = root ? bytes_dup(root, in, len) : NULL;
	unsigned nodes = 0;
	int rc = copy ? der_valid(in, len, 0, &nodes) : -ENOMEM;

	if (rc == 0) {
		bytes_secret(copy);
		root->raw = root->v = copy->data;
		root->raw_len = root->len = copy->len;
		rc = der_expand(der_doc(root), root, all);
	}
	if (rc < 0) {
		*err = rc == -E2BIG ? "TLVs too deep or too many" : rc == -ENOMEM ? "out of memory" : "malformed TLV";
		talloc_free(root);
		return NULL;
	}
	return root;
}

struct der *der_parse(void *ctx, const uint8_t *in, size_t len, const char **err)
{
	return der_open(ctx, in, len, err, true);
}

struct der *der_parse_folded(void *ctx, const uint8_t *in, size_t len, const char **err)
{
	return der_open(ctx, in, len, err, false);
}

static struct der *der_from(struct der *n, uint32_t tag)
{
	while (n && n->tag != tag)
		n = n->next;
	return n;
}

struct der *der_child(const struct der *n, uint32_t tag)
{
	return der_from(der_first(n), tag);
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

int der_set(struct der *n, const void *v, size_t len)
{
	const uint8_t *own;

	if (der_constructed(n->tag))
		return -EINVAL;
	own = der_octets(der_doc(n), v, len);
	if (!own)
		return -ENOMEM;
	n->v = own;
	n->len = len;
	der_touch(n);
	return 0;
}

struct der *der_add(struct der *parent, uint32_t tag, const void *v, size_t len)
{
	struct der_doc *d = parent ? der_doc(parent) : NULL;
	struct der *n = d ? der_node(d) : NULL;

	if (!n)
		return NULL;
	n->tag = tag;
	if (!der_constructed(tag)) {
		n->v = der_octets(d, v, len);
		n->len = len;
		if (!n->v)
			return NULL;
	}
	der_first(parent);
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
