/* The generic encoder and decoder of field tables. Decodes leniently: any order, unknown elements skipped, names
 * compared without case and hyphens (off-card.md 0.1, 3.2, 4.2; corrections 14); writes strictly, in the order of the
 * tables.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/util/misc.h>

#include "es_fields.h"
#include "es_fields_priv.h"

#define AT(base, off, type) ((type *)((uint8_t *)(base) + (off)))
#define CAT(base, off, type) ((const type *)((const uint8_t *)(base) + (off)))

bool es_name_eq(const char *a, const char *b)
{
	for (;;) {
		while (*a == '-')
			a++;
		while (*b == '-')
			b++;
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}

/* ObjectIdentifierType (off-card.md 3.1); also what a status code looks like, so arcs are not limited */
bool es_dotted(const char *s)
{
	size_t digits;

	for (;;) {
		digits = strspn(s, "0123456789");
		if (!digits || !s[digits])
			return digits > 0;
		if (s[digits] != '.')
			return false;
		s += digits + 1;
	}
}

int es_dec_fail(struct es_dec *d, enum es_reason reason, const struct _xmlNode *n, const char *child, const char *what)
{
	char *path = es_xml_path(d->err_ctx, n);

	d->reason = reason;
	talloc_free(*d->err);
	*d->err = talloc_asprintf(d->err_ctx, "%s%s%s: %s", path, child ? "/" : "", child ? child : "", what);
	talloc_free(path);
	return -EBADMSG;
}

static bool field_on(const struct es_field *f, enum es_iface iface)
{
	return !f->ifaces || f->ifaces & (1 << iface);
}

/* ---- reading ---- */

static const struct es_field *field_find(const struct es_group *g, const char *name)
{
	for (size_t i = 0; i < g->n; i++)
		if (es_name_eq(g->f[i].name, name))
			return &g->f[i];
	return NULL;
}

static int dec_one(struct es_dec *d, const struct es_field *f, void *base, const struct _xmlNode *n);

static void *array_slot(struct es_dec *d, const struct es_field *f, void *base)
{
	size_t *count = AT(base, f->aux, size_t);
	uint8_t *elem;

	if (*count >= f->max)
		return NULL;
	if (f->type == ET_ARRAY) {
		elem = (uint8_t *)base + f->off + *count * f->sub->size;
	} else {
		void **vec = AT(base, f->off, void *);
		uint8_t *grown = talloc_realloc_size(d->ctx, *vec, (*count + 1) * f->sub->size);

		if (!grown)
			return NULL;
		*vec = grown;
		elem = grown + *count * f->sub->size;
	}
	memset(elem, 0, f->sub->size);
	(*count)++;
	return elem;
}

static int dec_array(struct es_dec *d, const struct es_field *f, void *base, const struct _xmlNode *n)
{
	void *elem = array_slot(d, f, base);

	if (!elem)
		return es_dec_fail(d, ES_R_PARAM_INVALID, n, NULL, "too many");
	return es_fields_dec(d, f->sub, elem, n);
}

/* KeyComponents: a key is one component here, the first (off-card.md 3.3; layout of the attributes unsure, children
 * accepted) */
static int dec_keys(struct es_dec *d, void *base, const struct _xmlNode *n)
{
	struct es_keyset_key *key = base;
	char *type = NULL, *value = NULL;
	const struct _xmlNode *c = es_xml_first(n), *g;
	uint8_t t;

	if (!c || !es_name_eq(es_xml_name(c), "KeyComponent"))
		return es_dec_fail(d, ES_R_PARAM_MISSING, n, "KeyComponent", "missing");
	type = es_xml_attr(d->ctx, c, "type");
	value = es_xml_attr(d->ctx, c, "value");
	for (g = es_xml_first(c); g; g = es_xml_next(g)) {
		char **into = es_name_eq(es_xml_name(g), "type")    ? &type
			      : es_name_eq(es_xml_name(g), "value") ? &value
								    : NULL;

		if (into && !*into)
			*into = es_xml_text(d->ctx, g);
	}
	if (!type || hex_dec(&t, 1, type) != 1)
		return es_dec_fail(d, ES_R_PARAM_INVALID, c, "type", "not one hex octet");
	key->type = t;
	if (value && *value) {
		key->value = bytes_from_hex(d->ctx, value);
		if (!key->value)
			return es_dec_fail(d, ES_R_PARAM_INVALID, c, "value", "not hex");
	}
	talloc_free(type);
	talloc_free(value);
	return 0;
}

static int dec_signature(struct es_dec *d, const struct es_field *f, void *base, const struct _xmlNode *n)
{
	struct bytes **text = AT(base, f->off, struct bytes *);

	*text = es_xml_c14n(d->ctx, n, es_eis_exclusive(n));
	return *text ? 0 : es_dec_fail(d, ES_R_PARAM_INVALID, n, NULL, "cannot be canonicalised");
}

static int dec_signed(struct es_dec *d, const struct es_field *f, void *base, const struct _xmlNode *n)
{
	struct bytes **text = AT(base, f->aux, struct bytes *);

	*text = es_xml_c14n(d->ctx, n, es_eis_exclusive(es_xml_parent(n)));
	if (!*text)
		return es_dec_fail(d, ES_R_PARAM_INVALID, n, NULL, "cannot be canonicalised");
	return es_fields_dec(d, f->sub, base, n);
}

/* An EIS: any part of it may be missing (off-card.md 3.8), what a function needs its owner asks for. */
static int dec_ptr(struct es_dec *d, const struct es_field *f, void *base, const struct _xmlNode *n)
{
	void **ptr = AT(base, f->off, void *);
	bool lenient = d->lenient;
	int rc;

	*ptr = talloc_zero_size(d->ctx, f->sub->size);
	if (!*ptr)
		return -ENOMEM;
	d->lenient = true;
	rc = es_fields_dec(d, f->sub, *ptr, n);
	d->lenient = lenient;
	return rc;
}

/* What is made of child elements. 1: not such a type. */
static int dec_composite(struct es_dec *d, const struct es_field *f, void *base, const struct _xmlNode *n)
{
	switch (f->type) {
	case ET_GROUP:
		if (f->aux != ES_NOWHERE)
			*AT(base, f->aux, bool) = true;
		return es_fields_dec(d, f->sub, (uint8_t *)base + f->off, n);
	case ET_SD:
		return es_fields_dec(d, f->sub, (uint8_t *)base + f->off, n);
	case ET_CERT:
		return es_fields_dec(d, f->sub, base, n);
	case ET_CERT_INDEX:
		return 0;
	case ET_ARRAY:
	case ET_VEC:
		return dec_array(d, f, base, n);
	case ET_PTR:
		return dec_ptr(d, f, base, n);
	case ET_RESULT:
		if (f->aux)
			*AT(base, f->aux, bool) = true;
		return es_result_dec(d, AT(base, f->off, struct es_result), n);
	case ET_KEYS:
		return dec_keys(d, base, n);
	case ET_SIGNED:
		return dec_signed(d, f, base, n);
	case ET_SIGNATURE:
		return dec_signature(d, f, base, n);
	default:
		return es_list_dec(d, f, base, n);
	}
}

static int dec_uint(uint64_t *v, uint64_t max, const char *text)
{
	char *end;

	if (!isdigit((unsigned char)text[*text == '+']) || strlen(text) > 20)
		return -EINVAL;
	errno = 0;
	*v = strtoull(text, &end, 10);
	return errno || *end || *v > max ? -EINVAL : 0;
}

static int dec_chars(char *out, size_t size, const char *text)
{
	if (strlen(text) >= size)
		return -ENOSPC;
	strcpy(out, text);
	return 0;
}

static int dec_digits(char *out, size_t size, const char *text)
{
	text += *text == '+';
	return strspn(text, "0123456789") == strlen(text) ? dec_chars(out, size, text) : -EINVAL;
}

/* Stored in our spelling */
static int dec_word(const struct es_field *f, char *out, const char *text)
{
	const char *w = f->words;
	size_t len;

	for (; *w; w += len + (w[len] != 0)) {
		len = strcspn(w, "|");
		if (len < f->aux && strlen(text) == len && !strncasecmp(w, text, len)) {
			memcpy(out, w, len);
			out[len] = 0;
			return 0;
		}
	}
	return -EINVAL;
}

static int dec_bool(bool *out, const char *text)
{
	if (!strcasecmp(text, "true") || !strcmp(text, "1"))
		*out = true;
	else if (!strcasecmp(text, "false") || !strcmp(text, "0"))
		*out = false;
	else
		return -EINVAL;
	return 0;
}

/* Digits only; whether the check digits are right and the card is known is for the record's owner to say. */
static int dec_eid(struct eid *eid, const char *text)
{
	return strlen(text) == 32 && strspn(text, "0123456789") == 32 && hex_dec(eid->b, 16, text) == 16 ? 0 : -EINVAL;
}

static int dec_number(const struct es_field *f, void *at, const char *text)
{
	uint64_t v;
	int rc = dec_uint(&v, f->type == ET_U8 ? UINT8_MAX : f->type == ET_U32 ? UINT32_MAX : UINT64_MAX, text);

	if (rc < 0)
		return rc;
	if (f->type == ET_U8)
		*(uint8_t *)at = v;
	else if (f->type == ET_U32)
		*(uint32_t *)at = v;
	else
		*(uint64_t *)at = v;
	return 0;
}

static int dec_hex(struct es_dec *d, const struct es_field *f, void *base, const char *text)
{
	uint8_t tar[3];
	int len;

	switch (f->type) {
	case ET_HEX:
		*AT(base, f->off, struct bytes *) = bytes_from_hex(d->ctx, text);
		return *AT(base, f->off, struct bytes *) ? 0 : -EINVAL;
	case ET_HEX16:
		len = hex_dec(AT(base, f->off, uint8_t), 16, text);
		if (len < 0)
			return len;
		*AT(base, f->aux, size_t) = len;
		return 0;
	case ET_TAR:
		if (hex_dec(tar, 3, text) != 3)
			return -EINVAL;
		if (!*AT(base, f->off, uint32_t))
			*AT(base, f->off, uint32_t) = tar[0] << 16 | tar[1] << 8 | tar[2];
		return 0;
	default:
		return aid_from_hex(AT(base, f->off, struct aid), text) < 0 ? -EINVAL : 0;
	}
}

static int dec_text(struct es_dec *d, const struct es_field *f, void *base, const char *text)
{
	void *at = (uint8_t *)base + f->off;
	int state;

	switch (f->type) {
	case ET_STR:
		*(char **)at = talloc_strdup(d->ctx, text);
		return strlen(text) <= 4096 ? 0 : -ENOSPC;
	case ET_CHARS:
		return dec_chars(at, f->aux, text);
	case ET_DIGITS:
		return dec_digits(at, f->aux, text);
	case ET_WORD:
		return dec_word(f, at, text);
	case ET_OID:
		return *text && !es_dotted(text) ? -EINVAL : dec_chars(at, f->aux, text);
	case ET_ICCID:
		return iccid_from_str(at, text);
	case ET_U8:
	case ET_U32:
	case ET_U64:
		return dec_number(f, at, text);
	case ET_BOOL:
		return dec_bool(at, text);
	case ET_TIME:
		return clock_parse(at, text);
	case ET_EID:
		if (f->aux != ES_NOWHERE)
			*AT(base, f->aux, bool) = true;
		return dec_eid(at, text);
	case ET_PSTATE:
		state = es_pstate_parse(text);
		*(enum es_pstate *)at = state < 0 ? 0 : state;
		return state < 0 ? state : 0;
	default:
		return dec_hex(d, f, base, text);
	}
}

static int dec_one(struct es_dec *d, const struct es_field *f, void *base, const struct _xmlNode *n)
{
	int rc = dec_composite(d, f, base, n);
	char *text;

	if (rc <= 0)
		return rc;
	text = es_xml_text(d->err_ctx, n);
	if (!text)
		return es_dec_fail(d, ES_R_PARAM_INVALID, n, NULL, "has child elements");
	/* An empty element of an optional or multiple field says nothing. */
	if (!*text && (f->card != EC_ONE || d->lenient) && f->type != ET_STR)
		rc = 0;
	else
		rc = dec_text(d, f, base, text);
	talloc_free(text);
	return rc < 0 ? es_dec_fail(d, ES_R_PARAM_INVALID, n, NULL, rc == -ENOSPC ? "too long" : "invalid value") : 0;
}

static bool is_many(const struct es_field *f)
{
	return f->card == EC_MANY || f->type == ET_TAR;
}

int es_fields_dec(struct es_dec *d, const struct es_group *g, void *base, const struct _xmlNode *parent)
{
	const struct _xmlNode *n;
	uint64_t seen = 0;
	int rc;

	for (n = es_xml_first(parent); n; n = es_xml_next(n)) {
		const struct es_field *f = field_find(g, es_xml_name(n));
		uint64_t bit;

		if (!f)
			continue;
		bit = 1ULL << (f - g->f);
		if (seen & bit && !is_many(f))
			return es_dec_fail(d, ES_R_PARAM_INVALID, n, NULL, "given twice");
		seen |= bit;
		rc = dec_one(d, f, base, n);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < g->n && !d->lenient; i++)
		if (g->f[i].card == EC_ONE && field_on(&g->f[i], d->iface) && !(seen & 1ULL << i))
			return es_dec_fail(d, ES_R_PARAM_MISSING, parent, g->f[i].name, "missing");
	return 0;
}

/* ---- writing ---- */

static bool value_present(const struct es_field *f, const void *base)
{
	const void *at = (const uint8_t *)base + f->off;

	switch (f->type) {
	case ET_STR:
	case ET_HEX:
	case ET_PTR:
	case ET_CERT:
	case ET_SIGNATURE:
		return *(void *const *)at != NULL;
	case ET_CHARS:
	case ET_OID:
	case ET_DIGITS:
	case ET_WORD:
	case ET_ICCID:
		return *(const char *)at != 0;
	case ET_U8:
		return *(const uint8_t *)at != 0;
	case ET_U32:
	case ET_TAR:
		return *(const uint32_t *)at != 0;
	case ET_U64:
	case ET_TIME:
		return *(const uint64_t *)at != 0;
	case ET_BOOL:
		return *(const bool *)at;
	case ET_AID:
		return CAT(base, f->off, struct aid)->len != 0;
	case ET_SD:
		return CAT(base, f->off, struct es_sd)->aid.len != 0;
	case ET_HEX16:
	case ET_PROPS:
		return *CAT(base, f->aux, size_t) != 0;
	case ET_RESULT:
		return !f->aux || *CAT(base, f->aux, bool);
	case ET_EID:
	case ET_GROUP:
		return f->aux == ES_NOWHERE || *CAT(base, f->aux, bool);
	default:
		return true;
	}
}

static const char *value_text(void *ctx, const struct es_field *f, const void *base)
{
	const void *at = (const uint8_t *)base + f->off;
	char buf[64];

	switch (f->type) {
	case ET_STR:
		return *(char *const *)at ? *(char *const *)at : "";
	case ET_U8:
		return talloc_asprintf(ctx, "%u", *(const uint8_t *)at);
	case ET_U32:
		return talloc_asprintf(ctx, "%" PRIu32, *(const uint32_t *)at);
	case ET_U64:
		return talloc_asprintf(ctx, "%" PRIu64, *(const uint64_t *)at);
	case ET_BOOL:
		return *(const bool *)at ? "true" : "false";
	case ET_TIME:
		return talloc_strdup(ctx, clock_str(buf, *(const int64_t *)at));
	case ET_EID:
		return talloc_strdup(ctx, eid_str(buf, at));
	case ET_AID:
		return talloc_strdup(ctx, aid_str(buf, at));
	case ET_HEX:
		return *(struct bytes *const *)at
			       ? bytes_hex(ctx, (*(struct bytes *const *)at)->data, (*(struct bytes *const *)at)->len)
			       : "";
	case ET_HEX16:
		return bytes_hex(ctx, at, *CAT(base, f->aux, size_t));
	case ET_TAR:
		return talloc_asprintf(ctx, "%06X", *(const uint32_t *)at & 0xffffff);
	case ET_PSTATE:
		return es_pstate_name(*(const enum es_pstate *)at);
	default:
		return at;
	}
}

/* es_msg.c: the spellings of the elements that have several */
static const char *field_name(const struct es_field *f, const struct es_enc *e)
{
	const char *name = f->spell && e->dialect ? es_spelling(f->spell, e->dialect->spell[f->spell]) : NULL;

	return name ? name : f->name;
}

static void enc_group(struct bytes *out, const struct es_field *f, const void *base, const struct es_enc *e)
{
	es_out_open(out, f->name);
	es_fields_enc(out, f->sub, base, e);
	es_out_close(out, f->name);
}

static void enc_key_components(struct bytes *out, const struct es_keyset_key *key)
{
	char type[3];
	char *hex;

	snprintf(type, sizeof(type), "%02X", key->type);
	es_out_raw(out, "<rps:KeyComponents><rps:KeyComponent type=\"");
	es_out_raw(out, type);
	if (key->value) {
		hex = bytes_hex(out, key->value->data, key->value->len);
		es_out_raw(out, "\" value=\"");
		es_out_raw(out, hex);
		talloc_free(hex);
	}
	es_out_raw(out, "\"/></rps:KeyComponents>");
}

/* The signed part and the signature go out as they came, octet for octet (off-card.md 0.1 no. 6). */
static void enc_signed(struct bytes *out, const struct es_field *f, const void *base, const struct es_enc *e)
{
	const struct bytes *text = *CAT(base, f->type == ET_SIGNED ? f->aux : f->off, struct bytes *);

	if (text)
		bytes_put_bytes(out, text);
	else if (f->type == ET_SIGNED)
		enc_group(out, f, base, e);
}

static void enc_one(struct bytes *out, const struct es_field *f, const void *base, const struct es_enc *e)
{
	void *tmp;

	switch (f->type) {
	case ET_CERT:
		return enc_group(out, f, base, e);
	case ET_CERT_INDEX:
		return es_out_elem(out, f->name, "1");
	case ET_GROUP:
	case ET_SD:
		return enc_group(out, f, (const uint8_t *)base + f->off, e);
	case ET_ARRAY:
		for (size_t i = 0; i < *CAT(base, f->aux, size_t) && i < f->max; i++)
			enc_group(out, f, (const uint8_t *)base + f->off + i * f->sub->size, e);
		return;
	case ET_VEC:
		for (size_t i = 0; i < *CAT(base, f->aux, size_t); i++)
			enc_group(out, f, *CAT(base, f->off, uint8_t *) + i * f->sub->size, e);
		return;
	case ET_PTR:
		return enc_group(out, f, *CAT(base, f->off, void *), e);
	case ET_RESULT:
		return es_result_enc(out, f->name, CAT(base, f->off, struct es_result));
	case ET_KEYS:
		return enc_key_components(out, base);
	case ET_SIGNED:
	case ET_SIGNATURE:
		return enc_signed(out, f, base, e);
	default:
		if (es_list_enc(out, f, base))
			return;
		tmp = talloc_new(out);
		es_out_elem(out, field_name(f, e), value_text(tmp, f, base));
		talloc_free(tmp);
	}
}

void es_fields_enc(struct bytes *out, const struct es_group *g, const void *base, const struct es_enc *e)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct es_field *f = &g->f[i];

		if (f->card == EC_ALIAS || !field_on(f, e->iface) || (f->card == EC_OPT && !value_present(f, base)))
			continue;
		enc_one(out, f, base, e);
	}
}
