/* A package as a tree or in ASN.1 value notation, and the differences of two, all from the tables of upp_asn.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/profile/der.h>
#include <osmocom/rsp/profile/upp_view.h>

#include "upp_asn.h"
#include "upp_content.h"

#define VIEW_LONG 256	/* octets of a value that the tree and diff cut */
#define VIEW_PATH_MAX 300

struct view {
	struct bytes *out;
	enum upp_view how;
	bool secrets;
	uint32_t pe;		/* element we are in */
	unsigned differences;
};

static void say(struct view *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct view *v, const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	bytes_put(v->out, buf, n < (int)sizeof(buf) ? n : (int)sizeof(buf) - 1);
}

static void say_hex(struct view *v, const uint8_t *p, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		bytes_put_u8(v->out, digits[p[i] >> 4]);
		bytes_put_u8(v->out, digits[p[i] & 15]);
	}
}

/* Types ------------------------------------------------------------ */

/* The entry for a node, searched from *at on and then from the beginning: four AIDs share a tag, and order is not
 * insisted upon. */
static const struct upp_asn *view_find(const struct upp_asn *tab, const struct upp_asn **at, uint32_t tag)
{
	const struct upp_asn *t;

	for (t = *at; t && t->name; t++) {
		if (t->tag == tag) {
			*at = t + 1;
			return t;
		}
	}
	for (t = tab; t && t->name && t < *at; t++) {
		if (t->tag == tag)
			return t;
	}
	return NULL;
}

/* Component of an element: `own` holds entries that are made on the spot. */
static const struct upp_asn *view_component(struct upp_asn *own, uint32_t pe, const struct upp_asn **at, uint32_t tag)
{
	if (!upp_template(pe))
		return view_find(upp_asn_pe(pe), at, tag);
	*own = (struct upp_asn){ upp_file_name(pe, tag), tag, ASN_FILE, upp_asn_file };
	if (tag == 0xA0)
		*own = (struct upp_asn){ upp_asn_header(pe), tag, ASN_SEQ, upp_asn_pe_header };
	else if (tag == 0x81)
		*own = (struct upp_asn){ "templateID", tag, ASN_OID };
	return own->name ? own : NULL;
}

/* Values ------------------------------------------------------------ */

static void view_oid(struct view *v, const struct der *n)
{
	uint64_t arc = 0;
	bool first = true;

	say(v, "{");
	for (size_t i = 0; i < n->len; i++) {
		arc = arc << 7 | (n->v[i] & 0x7F);
		if (n->v[i] & 0x80)
			continue;
		if (first)
			say(v, " %u %u", arc < 80 ? (unsigned)arc / 40 : 2,
			    arc < 80 ? (unsigned)arc % 40 : (unsigned)arc - 80);
		else
			say(v, " %llu", (unsigned long long)arc);
		first = false;
		arc = 0;
	}
	say(v, " }");
}

static void view_int(struct view *v, const struct der *n, const struct upp_asn_int *names)
{
	uint32_t u;

	if (der_uint(&u, n) < 0) {
		say(v, "-- not a number --");
		return;
	}
	for (; names && names->name; names++) {
		if (names->v == u) {
			say(v, "%s", names->name);
			return;
		}
	}
	say(v, "%u", u);
}

static void view_octets(struct view *v, const struct der *n, const struct upp_asn *t)
{
	bool cut = v->how == UPP_VIEW_TREE && n->len > VIEW_LONG;

	if (t && t->secret && !v->secrets) {
		say(v, v->how == UPP_VIEW_TREE ? "secret, %zu octets" : "-- secret, %zu octets --", n->len);
		return;
	}
	say(v, "'");
	say_hex(v, n->v, cut ? 32 : n->len);
	say(v, cut ? "...'H (%zu octets)" : "'H", n->len);
}

static void view_leaf(struct view *v, const struct der *n, const struct upp_asn *t)
{
	switch (t ? t->kind : ASN_OCTETS) {
	case ASN_INT:
		view_int(v, n, t->ints);
		break;
	case ASN_NULL:
		say(v, "NULL");
		break;
	case ASN_OID:
		view_oid(v, n);
		break;
	case ASN_TEXT:
		say(v, "\"");
		for (size_t i = 0; i < n->len; i++) {	/* no control characters on terminals */
			if (n->v[i] >= 0x20 && n->v[i] != 0x7F)
				bytes_put_u8(v->out, n->v[i]);
		}
		say(v, "\"");
		break;
	default:
		view_octets(v, n, t);
	}
}

static bool view_constructed(const struct der *n)
{
	uint32_t tag = n->tag;

	while (tag > 0xFF)
		tag >>= 8;
	return tag & 0x20;
}

/* Value notation ------------------------------------------------------------ */

static void notation_node(struct view *v, const struct der *n, const struct upp_asn *t, unsigned depth);

static void notation_items(struct view *v, const struct der *parent, const struct upp_asn *t, unsigned depth)
{
	const struct upp_asn *at = t->sub, *c;
	const struct der *n;

	say(v, "{");
	for (n = parent->first; n; n = n->next) {
		c = t->kind == ASN_LIST ? (t->sub->tag == n->tag ? t->sub : NULL) : view_find(t->sub, &at, n->tag);
		if (t->kind == ASN_CHOICES || t->kind == ASN_FILE)
			at = t->sub;
		say(v, "%s\n%*s", n == parent->first ? "" : ",", 2 * (int)depth + 2, "");
		if (!c) {
			say(v, "-- unknown [%X] ", n->tag);
			say_hex(v, n->v, n->len);
			say(v, " --");
			continue;
		}
		if (c->name[0])
			say(v, t->kind == ASN_CHOICES || t->kind == ASN_FILE ? "%s : " : "%s ", c->name);
		notation_node(v, n, c, depth + 1);
	}
	say(v, "\n%*s}", 2 * (int)depth, "");
}

static void notation_node(struct view *v, const struct der *n, const struct upp_asn *t, unsigned depth)
{
	const struct upp_asn *at = t->sub, *c;

	switch (t->kind) {
	case ASN_CHOICE:
		c = n->first ? view_find(t->sub, &at, n->first->tag) : NULL;
		if (!c) {
			say(v, "-- unknown --");
			return;
		}
		say(v, "%s : ", c->name);
		notation_node(v, n->first, c, depth);
		break;
	case ASN_SEQ:
	case ASN_LIST:
	case ASN_CHOICES:
	case ASN_FILE:
		notation_items(v, n, t, depth);
		break;
	default:
		view_leaf(v, n, t);
	}
}

static void notation_pe(struct view *v, const struct der *pe, unsigned number)
{
	const struct upp_asn *at = upp_asn_pe(pe->tag), *t;
	struct upp_asn own;
	const struct der *n;

	if (!upp_template(pe->tag) && !at) {
		say(v, "-- value%u: unknown element [%X] ", number, pe->tag);
		say_hex(v, pe->v, pe->len);
		say(v, " --\n");
		return;
	}
	say(v, "value%u ProfileElement ::= %s : {", number, upp_pe_name(pe->tag));
	for (n = pe->first; n; n = n->next) {
		t = view_component(&own, pe->tag, &at, n->tag);
		say(v, "%s\n  ", n == pe->first ? "" : ",");
		if (!t) {
			say(v, "-- unknown [%X] ", n->tag);
			say_hex(v, n->v, n->len);
			say(v, " --");
			continue;
		}
		say(v, "%s ", t->name);
		notation_node(v, n, t, 1);
	}
	say(v, "\n}\n");
}

/* Tree ------------------------------------------------------------ */

static void tree_typed(struct view *v, const struct der *file)
{
	const struct upp_content *c = file->parent ? upp_content_of(v->pe, file->tag) : NULL;
	const struct der *n = der_child(file, 0x83);
	char text[UPP_CONTENT_STR_SIZE];

	if (c && n && !der_again(n) && !der_child(file, 0x82) &&
	    upp_content_show(text, sizeof(text), c, n->v, n->len) == 0)
		say(v, "  # %s %s", c->word, text);
}

static void tree_node(struct view *v, const struct der *n, const struct upp_asn *t, unsigned depth)
{
	const struct upp_asn *at = t ? t->sub : NULL, *c;
	const struct der *sub;

	say(v, "%*s%02X %s", 2 * (int)depth, "", n->tag, t ? t->name[0] ? t->name : "-" : "?");
	if (!view_constructed(n)) {
		say(v, " ");
		view_leaf(v, n, t);
		say(v, "\n");
		return;
	}
	say(v, " (%zu)", n->len);
	if (t && t->kind == ASN_FILE)
		tree_typed(v, n);
	say(v, "\n");
	for (sub = n->first; sub; sub = sub->next) {
		c = !t ? NULL : t->kind == ASN_LIST ? (t->sub->tag == sub->tag ? t->sub : NULL) :
		    view_find(t->sub, &at, sub->tag);
		if (t && (t->kind == ASN_CHOICES || t->kind == ASN_FILE))
			at = t->sub;
		tree_node(v, sub, c, depth + 1);
	}
}

static void tree_pe(struct view *v, const struct der *pe, unsigned number)
{
	const struct upp_asn *at = upp_asn_pe(pe->tag);
	struct upp_asn own;
	const struct der *n;
	struct upp_pe head;

	say(v, "%u: %s", number, upp_pe_name(pe->tag));
	if (upp_pe_head(&head, pe->tag, pe->v, pe->len) == 0 && head.id >= 0)
		say(v, " id %d%s", head.id, head.mandated ? " mandated" : "");
	say(v, " (%02X, %zu octets)\n", pe->tag, pe->raw_len);
	for (n = pe->first; n; n = n->next)
		tree_node(v, n, view_component(&own, pe->tag, &at, n->tag), 1);
}

struct bytes *upp_view(void *ctx, const uint8_t *data, size_t len, enum upp_view how, bool secrets, const char **err)
{
	struct view v = { .out = bytes_new(ctx, 0), .how = how, .secrets = secrets };
	struct der *root, *pe;
	unsigned number = 0;

	*err = "out of memory";
	root = v.out ? der_parse(v.out, data, len, err) : NULL;
	if (!root) {
		talloc_free(v.out);
		return NULL;
	}
	bytes_secret(v.out);
	for (pe = root->first; pe; pe = pe->next) {
		v.pe = pe->tag;
		if (how == UPP_VIEW_NOTATION)
			notation_pe(&v, pe, ++number);
		else
			tree_pe(&v, pe, ++number);
	}
	talloc_free(root);
	if (v.out->err)
		TALLOC_FREE(v.out);
	return v.out;
}

/* Differences ------------------------------------------------------------ */

static void diff_value(struct view *v, const struct der *n, const struct upp_asn *t)
{
	if (!n)
		say(v, "(none)");
	else if (view_constructed(n))
		say(v, "(%zu octets)", n->len);
	else
		view_leaf(v, n, t);
}

static void diff_say(struct view *v, const char *path, const struct der *a, const struct der *b,
		     const struct upp_asn *t)
{
	v->differences++;
	say(v, "%s: ", path);
	diff_value(v, a, t);
	say(v, " -> ");
	diff_value(v, b, t);
	say(v, "\n");
}

static bool diff_same(const struct der *a, const struct der *b)
{
	return a->tag == b->tag && a->raw_len == b->raw_len && !memcmp(a->raw, b->raw, a->raw_len);
}

/* The node's number among siblings of its tag, and the one of that number in another list. */
static unsigned diff_index(const struct der *n)
{
	const struct der *at;
	unsigned i = 0;

	for (at = n->parent->first; at != n; at = at->next)
		i += at->tag == n->tag;
	return i;
}

static const struct der *diff_partner(const struct der *parent, const struct der *n)
{
	const struct der *at = der_child(parent, n->tag);

	for (unsigned i = diff_index(n); at && i; i--)
		at = der_again(at);
	return at;
}

static void diff_node(struct view *v, const char *path, const struct der *a, const struct der *b,
		      const struct upp_asn *t);

/* Children of a and b by tag and number: changed ones, then those only one has. */
static void diff_children(struct view *v, const char *path, const struct der *a, const struct der *b,
			  const struct upp_asn *t, bool element)
{
	const struct upp_asn *at = element ? upp_asn_pe(a->tag) : t ? t->sub : NULL, *c;
	char sub[VIEW_PATH_MAX];
	struct upp_asn own;
	const struct der *n, *other;

	for (n = a->first; n; n = n->next) {
		c = element ? view_component(&own, a->tag, &at, n->tag) : t ? view_find(t->sub, &at, n->tag) : NULL;
		if (t && !element && t->kind != ASN_SEQ)
			at = t->sub;
		if (c && c->name[0])
			snprintf(sub, sizeof(sub), "%s/%s", path, c->name);
		else
			snprintf(sub, sizeof(sub), "%s/%s%X", path, c ? "" : "?", c ? diff_index(n) + 1 : n->tag);
		if (c && c->name[0] && diff_index(n) && strlen(sub) < sizeof(sub) - 8 && t && t->kind != ASN_SEQ)
			snprintf(sub + strlen(sub), 8, "[%u]", diff_index(n) % 10000 + 1);
		other = diff_partner(b, n);
		if (!other)
			diff_say(v, sub, n, NULL, c);
		else
			diff_node(v, sub, n, other, c);
	}
	at = element ? upp_asn_pe(a->tag) : t ? t->sub : NULL;
	for (n = b->first; n; n = n->next) {
		if (diff_partner(a, n))
			continue;
		c = element ? view_component(&own, a->tag, &at, n->tag) : t ? view_find(t->sub, &at, n->tag) : NULL;
		snprintf(sub, sizeof(sub), "%s/%s", path, c ? c->name : "?");
		diff_say(v, sub, NULL, n, c);
	}
}

static void diff_node(struct view *v, const char *path, const struct der *a, const struct der *b,
		      const struct upp_asn *t)
{
	unsigned before = v->differences;

	if (diff_same(a, b))
		return;
	if (view_constructed(a))
		diff_children(v, path, a, b, t, false);
	else if (a->len != b->len || memcmp(a->v, b->v, a->len))
		diff_say(v, path, a, b, t);
	if (v->differences == before) {	/* the same values, other octets */
		v->differences++;
		say(v, "%s: other order or other length forms\n", path);
	}
}

static void diff_elements(struct view *v, const struct der *a, const struct der *b)
{
	char path[VIEW_PATH_MAX];
	const struct der *n, *other;
	unsigned before;

	for (n = a->first; n; n = n->next) {
		other = diff_partner(b, n);
		snprintf(path, sizeof(path), "%s[%u]", upp_pe_name(n->tag), diff_index(n) + 1);
		if (!other) {
			diff_say(v, path, n, NULL, NULL);
			continue;
		}
		if (diff_same(n, other))
			continue;
		before = v->differences;
		diff_children(v, path, n, other, NULL, true);
		if (v->differences == before) {
			v->differences++;
			say(v, "%s: other order or other length forms\n", path);
		}
	}
	for (n = b->first; n; n = n->next) {
		snprintf(path, sizeof(path), "%s[%u]", upp_pe_name(n->tag), diff_index(n) + 1);
		if (!diff_partner(a, n))
			diff_say(v, path, NULL, n, NULL);
	}
}

struct bytes *upp_diff(void *ctx, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len, bool secrets,
		       unsigned *n, const char **err)
{
	struct view v = { .out = bytes_new(ctx, 0), .how = UPP_VIEW_TREE, .secrets = secrets };
	struct der *x, *y = NULL;

	*err = "out of memory";
	x = v.out ? der_parse(v.out, a, a_len, err) : NULL;
	if (x)
		y = der_parse(v.out, b, b_len, err);
	if (!y) {
		talloc_free(v.out);
		return NULL;
	}
	bytes_secret(v.out);
	diff_elements(&v, x, y);
	if (!v.differences && (a_len != b_len || memcmp(a, b, a_len))) {
		v.differences++;
		say(&v, "other order of elements, or other length forms\n");
	}
	*n = v.differences;
	talloc_free(x);
	talloc_free(y);
	return v.out;
}
