/* Lossless tree over DER: parse, replace a leaf, mend the lengths, write (SAIP Interoperable Format).
 * SPDX-License-Identifier: AGPL-3.0-or-later
 *
 * What was not touched is written back as it was read, unknown tags and odd length forms included. Ancestors of a
 * changed node get new shortest lengths. Only the root is a talloc object. */
#pragma once

#include <osmocom/rsp/util/bytes.h>

struct der {
	struct der *parent, *first, *last, *next;
	uint32_t tag;		/* as written: 0xA0, 0xBF1F; 0 for the root, whose children are the outer TLVs */
	const uint8_t *v;	/* contents of a primitive; as read also for a constructed one */
	size_t len;
	const uint8_t *raw;	/* the whole TLV as read; NULL once changed here or below, or new */
	size_t raw_len;
	bool folded;		/* children not yet made: der_first() */
};

#define DER_DEPTH_MAX 24
#define DER_NODES_MAX 200000

/* Parse a concatenation of TLVs; the input is copied (wiped on free). NULL with *err (static text) when malformed. Free
 * with talloc_free(). */
struct der *der_parse(void *ctx, const uint8_t *in, size_t len, const char **err);
/* The same, but nodes below the outer TLVs are made only where der_child(), der_path() or der_first() go: for editing a
 * few places of a package. */
struct der *der_parse_folded(void *ctx, const uint8_t *in, size_t len, const char **err);
struct der *der_first(const struct der *n);
/* New empty root, to build a message from nothing. */
struct der *der_new(void *ctx);
/* First child with this tag, and the next sibling with the same tag; NULL when there is none (n may be NULL). */
struct der *der_child(const struct der *n, uint32_t tag);
struct der *der_again(const struct der *n);
/* Walk down: each uint32_t is a tag, 0 ends. */
struct der *der_path(const struct der *n, ...);
/* Replace the contents of a primitive; v is copied. */
int der_set(struct der *n, const void *v, size_t len);
/* Append a child, v is its contents for a primitive tag, ignored for a constructed one. */
struct der *der_add(struct der *parent, uint32_t tag, const void *v, size_t len);
/* The same before one of parent's children; NULL: at the end. */
struct der *der_insert(struct der *parent, struct der *before, uint32_t tag, const void *v, size_t len);
struct der *der_add_uint(struct der *parent, uint32_t tag, uint32_t v);	/* minimal INTEGER */
void der_remove(struct der *n);
/* INTEGER 0..2^32-1 of a primitive: 0, or -EINVAL (n may be NULL). */
int der_uint(uint32_t *v, const struct der *n);
int der_write(struct bytes *out, const struct der *n);	/* the root: all its children */
