/* Field types that are lists: ICCIDs, names of functions, properties (off-card.md 3.2 no. 10, 3.6).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>

#include "es_fields.h"
#include "es_fields_priv.h"

#define AT(base, off, type) ((type *)((uint8_t *)(base) + (off)))
#define CAT(base, off, type) ((const type *)((const uint8_t *)(base) + (off)))

/* Room for one more of size octets, zeroed; NULL: too many. */
static void *list_slot(struct es_dec *d, const struct es_field *f, void *base, size_t size)
{
	void **vec = AT(base, f->off, void *);
	size_t *count = AT(base, f->aux, size_t);
	uint8_t *grown;

	if (*count >= f->max)
		return NULL;
	grown = talloc_realloc_size(d->ctx, *vec, (*count + 1) * size);
	if (!grown)
		return NULL;
	*vec = grown;
	grown += (*count)++ * size;
	memset(grown, 0, size);
	return grown;
}

static int dec_line(struct es_dec *d, const struct es_field *f, char *out, size_t size, const struct _xmlNode *n)
{
	char *text = es_xml_text(d->err_ctx, n);
	int rc = -EINVAL;

	if (text && f->type == ET_ICCIDS)
		rc = iccid_from_str(out, text);
	else if (text && *text && strlen(text) < size)
		rc = (strcpy(out, text), 0);
	talloc_free(text);
	return rc < 0 ? es_dec_fail(d, ES_R_PARAM_INVALID, n, NULL, "invalid value") : 0;
}

static void prop_part(struct es_dec *d, char **out, const struct _xmlNode *n, const char *name)
{
	*out = es_xml_attr(d->ctx, n, name);
	for (const struct _xmlNode *c = es_xml_first(n); c && !*out; c = es_xml_next(c))
		if (es_name_eq(es_xml_name(c), name))
			*out = es_xml_text(d->ctx, c);
}

static int dec_prop(struct es_dec *d, struct es_property *p, const struct _xmlNode *n)
{
	prop_part(d, &p->key, n, "key");
	prop_part(d, &p->value, n, "value");
	if (!p->key || !*p->key || !p->value)
		return es_dec_fail(d, ES_R_PARAM_MISSING, n, p->key && *p->key ? "value" : "key", "missing");
	if (strlen(p->key) > 256 || strlen(p->value) > 4096)
		return es_dec_fail(d, ES_R_PARAM_INVALID, n, NULL, "too long");
	return 0;
}

static int dec_props(struct es_dec *d, const struct es_field *f, void *base, const struct _xmlNode *n)
{
	struct es_property *p;
	int rc = 0;

	for (n = es_xml_first(n); n && rc == 0; n = es_xml_next(n)) {
		if (!es_name_eq(es_xml_name(n), "Property"))
			continue;
		p = list_slot(d, f, base, sizeof(*p));
		rc = p ? dec_prop(d, p, n) : es_dec_fail(d, ES_R_PARAM_INVALID, n, NULL, "too many");
	}
	return rc;
}

int es_list_dec(struct es_dec *d, const struct es_field *f, void *base, const struct _xmlNode *n)
{
	size_t size = f->type == ET_ICCIDS ? ICCID_STR_SIZE : ES_NAME_SIZE;
	char *slot;

	if (f->type == ET_PROPS)
		return dec_props(d, f, base, n);
	if (f->type != ET_ICCIDS && f->type != ET_NAMES)
		return 1;
	slot = list_slot(d, f, base, size);
	return slot ? dec_line(d, f, slot, size, n) : es_dec_fail(d, ES_R_PARAM_INVALID, n, NULL, "too many");
}

static void enc_props(struct bytes *out, const struct es_field *f, const void *base)
{
	const struct es_property *p = *CAT(base, f->off, void *);
	size_t n = *CAT(base, f->aux, size_t);

	es_out_open(out, f->name);
	for (size_t i = 0; i < n; i++) {
		es_out_open(out, "Property");
		es_out_elem(out, "key", p[i].key);
		es_out_elem(out, "value", p[i].value);
		es_out_close(out, "Property");
	}
	es_out_close(out, f->name);
}

bool es_list_enc(struct bytes *out, const struct es_field *f, const void *base)
{
	size_t n;

	if (f->type == ET_PROPS) {
		enc_props(out, f, base);
		return true;
	}
	if (f->type != ET_ICCIDS && f->type != ET_NAMES)
		return false;
	n = *CAT(base, f->aux, size_t);
	for (size_t i = 0; i < n; i++)
		es_out_elem(out, f->name, *CAT(base, f->off, char *) + i * (f->type == ET_ICCIDS ? ICCID_STR_SIZE
												: ES_NAME_SIZE));
	return true;
}
