/* osmo-ota: requests against the table of operations, fields in, results out.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include "ota_op.h"

static const struct ota_op *const groups[] = {
	ota_sms_ops, ota_scp80_ops, ota_script_ops, ota_admin_ops, ota_scp03_ops, ota_scp03t_ops, ota_key_ops,
	ota_cattp_ops, ota_push_ops, ota_smpp_ops, ota_bip_ops,
};

const struct ota_op *ota_op_nth(unsigned n)
{
	const struct ota_op *op;
	size_t i;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		for (op = groups[i]; op->name; op++) {
			if (!n--)
				return op;
		}
	}
	return NULL;
}

const struct ota_op *ota_op_find(const char *name)
{
	const struct ota_op *op;
	unsigned i;

	for (i = 0; (op = ota_op_nth(i)); i++) {
		if (!strcmp(op->name, name))
			return op;
	}
	return NULL;
}

static const struct ota_field *field_find(const struct ota_op *op, const char *name)
{
	const struct ota_field *f;

	for (f = op->fields; f->name; f++) {
		if (!strcmp(f->name, name))
			return f;
	}
	return NULL;
}

/* Octets in a hex string, white space skipped; -1: not hex. */
static long hex_octets(const char *s)
{
	long n = 0;

	for (; *s; s++) {
		if (isspace((unsigned char)*s))
			continue;
		if (!isxdigit((unsigned char)*s))
			return -1;
		n++;
	}
	return n % 2 ? -1 : n / 2;
}

static bool hex_fits(const struct ota_field *f, const json_t *v)
{
	long n = json_is_string(v) ? hex_octets(json_string_value(v)) : -1;

	return n >= (long)f->min && n <= (long)f->max;
}

static const char *field_check(const struct ota_field *f, const json_t *v)
{
	const json_t *e;
	size_t i;

	switch (f->kind) {
	case OTA_HEX:
		return hex_fits(f, v) ? NULL : "not hex, or not of the right length";
	case OTA_TEXT:
		return json_is_string(v) && json_string_length(v) >= f->min && json_string_length(v) <= f->max ? NULL :
			"not text of the right length";
	case OTA_NUM:
		return json_is_integer(v) && json_integer_value(v) >= f->min && json_integer_value(v) <= f->max ? NULL :
			"not a number in range";
	case OTA_BOOL:
		return json_is_boolean(v) ? NULL : "not true or false";
	case OTA_LIST:
		if (!json_is_array(v) || json_array_size(v) > OTA_LIST_MAX)
			return "not a list, or too long";
		json_array_foreach(v, i, e) {
			if (!hex_fits(f, e))
				return "an entry is not hex, or not of the right length";
		}
		return NULL;
	}
	return "unknown";
}

static int request_check(struct ota_req *q)
{
	const struct ota_field *f;
	const char *name, *text;
	json_t *v;

	json_object_foreach(q->in, name, v) {
		if (!strcmp(name, "op"))
			continue;
		f = field_find(q->op, name);
		text = f ? field_check(f, v) : "this operation has no such field";
		if (!text)
			continue;
		snprintf(q->err, sizeof(q->err), "%s: %s", f ? f->name : "unknown field", text);
		return -EINVAL;
	}
	for (f = q->op->fields; f->name; f++) {
		if (!f->need || ota_has(q, f->name))
			continue;
		snprintf(q->err, sizeof(q->err), "%s: missing", f->name);
		return -EINVAL;
	}
	return 0;
}

static const char *errno_text(int rc)
{
	switch (-rc) {
	case EBADMSG: return "checksum, MAC, cryptogram or signature wrong";
	case EMSGSIZE: case ENOSPC: return "too long";
	case EINVAL: case EPROTO: return "malformed, cut or contradictory";
	case ENOTSUP: return "not supported";
	case EREMOTEIO: return "the card answered with an error";
	case ETIME: return "expired";
	default: return strerror(-rc);
	}
}

json_t *ota_op_error(const char *op, const char *text)
{
	json_t *o = json_object();

	json_object_set_new(o, "op", op ? json_string(op) : json_null());
	json_object_set_new(o, "error", json_string(text));
	return o;
}

json_t *ota_op_run(json_t *in)
{
	const char *name = json_string_value(json_object_get(in, "op"));
	struct ota_req q = { .in = in };
	int rc;

	if (!name)
		return ota_op_error(NULL, "not an object with \"op\"");
	q.op = ota_op_find(name);
	if (!q.op)
		return ota_op_error(NULL, "unknown op");
	q.ctx = talloc_new(NULL);
	q.out = json_object();
	json_object_set_new(q.out, "op", json_string(q.op->name));
	rc = request_check(&q);
	if (rc == 0)
		rc = q.op->run(&q);
	if (rc < 0) {
		json_decref(q.out);
		q.out = ota_op_error(q.op->name, q.err[0] ? q.err : errno_text(rc));
	}
	talloc_free(q.ctx);
	return q.out;
}

/* A value of the command line, or with @ the file that holds it: keys need not be seen in the list of processes. */
static char *arg_value(const char *v)
{
	size_t size = OTA_LINE_MAX, n;
	char *b;
	FILE *f;

	if (v[0] != '@')
		return strdup(v);
	f = strcmp(v, "@-") ? fopen(v + 1, "r") : stdin;
	b = f ? calloc(1, size) : NULL;
	if (!b) {
		if (f && f != stdin)
			fclose(f);
		return NULL;
	}
	n = fread(b, 1, size - 1, f);
	while (n && isspace((unsigned char)b[n - 1]))
		b[--n] = 0;
	if (f != stdin)
		fclose(f);
	return b;
}

static json_t *arg_json(const struct ota_field *f, const char *v)
{
	char *end;
	long n;

	switch (f->kind) {
	case OTA_NUM:
		errno = 0;
		n = strtol(v, &end, 0);
		return *v && !*end && !errno ? json_integer(n) : NULL;
	case OTA_BOOL:
		return !strcmp(v, "true") || !strcmp(v, "1") ? json_true() :
			!strcmp(v, "false") || !strcmp(v, "0") ? json_false() : NULL;
	default:
		return json_string(v);
	}
}

int ota_op_arg(json_t *in, const struct ota_op *op, const char *arg, char *err, size_t err_size)
{
	size_t len = strcspn(arg, "=");
	char name[32], *text = NULL;
	const struct ota_field *f;
	json_t *v = NULL, *list;

	snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : 0), arg);
	f = arg[len] ? field_find(op, name) : NULL;
	if (!f) {
		snprintf(err, err_size, "%s has no field of that name, or = is missing", op->name);
		return -EINVAL;
	}
	text = arg_value(arg + len + 1);
	if (text)
		v = arg_json(f, text);
	free(text);
	if (!v) {
		snprintf(err, err_size, "%s: no such value, or its file cannot be read", f->name);
		return -EINVAL;
	}
	if (f->kind != OTA_LIST)
		return json_object_set_new(in, f->name, v);
	list = json_object_get(in, f->name);	/* given once for each entry */
	if (!list) {
		list = json_array();
		json_object_set_new(in, f->name, list);
	}
	return json_array_append_new(list, v);
}

bool ota_has(const struct ota_req *q, const char *name)
{
	return json_object_get(q->in, name) != NULL;
}

struct bytes *ota_hex(const struct ota_req *q, const char *name)
{
	const char *s = json_string_value(json_object_get(q->in, name));

	return s ? bytes_from_hex(q->ctx, s) : NULL;
}

uint64_t ota_be(const struct ota_req *q, const char *name, uint64_t def)
{
	struct bytes *b = ota_hex(q, name);
	uint64_t v = 0;
	size_t i;

	if (!b)
		return def;
	for (i = 0; i < b->len && i < 8; i++)
		v = v << 8 | b->data[i];
	return v;
}

void ota_fixed(const struct ota_req *q, const char *name, uint8_t *out, size_t len)
{
	struct bytes *b = ota_hex(q, name);

	memset(out, 0, len);
	if (b && b->len)
		memcpy(out, b->data, b->len < len ? b->len : len);
}

const char *ota_text(const struct ota_req *q, const char *name)
{
	const char *s = json_string_value(json_object_get(q->in, name));

	return s ? s : "";
}

int64_t ota_num(const struct ota_req *q, const char *name, int64_t def)
{
	json_t *v = json_object_get(q->in, name);

	return v ? json_integer_value(v) : def;
}

bool ota_bool(const struct ota_req *q, const char *name, bool def)
{
	json_t *v = json_object_get(q->in, name);

	return v ? json_is_true(v) : def;
}

unsigned ota_list_len(const struct ota_req *q, const char *name)
{
	return json_array_size(json_object_get(q->in, name));
}

struct bytes *ota_item(const struct ota_req *q, const char *name, unsigned i)
{
	return bytes_from_hex(q->ctx, json_string_value(json_array_get(json_object_get(q->in, name), i)));
}

struct key *ota_key(struct ota_req *q, const char *name, enum key_type type)
{
	struct bytes *b = ota_hex(q, name);
	struct key *k = b ? key_new(q->ctx, type, b->data, b->len) : NULL;

	if (!k && !q->err[0])
		snprintf(q->err, sizeof(q->err), "%s: %s", name,
			 b ? "no key of this algorithm has this length" : "missing");
	return k;
}

int ota_fail(struct ota_req *q, int rc, const char *text)
{
	snprintf(q->err, sizeof(q->err), "%s", text);
	return rc;
}

static json_t *hex_json(const void *data, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";
	const uint8_t *p = data;
	char *s = malloc(2 * len + 1);
	json_t *v;
	size_t i;

	if (!s)
		return NULL;
	for (i = 0; i < len; i++) {
		s[2 * i] = digits[p[i] >> 4];
		s[2 * i + 1] = digits[p[i] & 15];
	}
	s[2 * len] = 0;
	v = json_string(s);
	free(s);
	return v;
}

void ota_put_hex(json_t *o, const char *name, const void *data, size_t len)
{
	json_object_set_new(o, name, hex_json(data, len));
}

void ota_put_bytes(json_t *o, const char *name, const struct bytes *b)
{
	ota_put_hex(o, name, b->data, b->len);
}

void ota_put_be(json_t *o, const char *name, uint64_t v, unsigned octets)
{
	uint8_t b[8];
	unsigned i;

	for (i = 0; i < octets; i++)
		b[i] = v >> 8 * (octets - 1 - i);
	ota_put_hex(o, name, b, octets);
}

void ota_put_text(json_t *o, const char *name, const char *text)
{
	char other[40];
	size_t i;

	for (i = 0; text[i] >= 0x20 && text[i] < 0x7F; i++)
		;
	if (!text[i]) {
		json_object_set_new(o, name, json_string(text));
		return;
	}
	snprintf(other, sizeof(other), "%s_hex", name);
	ota_put_hex(o, other, text, strlen(text));
}

void ota_put_num(json_t *o, const char *name, int64_t v)
{
	json_object_set_new(o, name, json_integer(v));
}

void ota_put_bool(json_t *o, const char *name, bool v)
{
	json_object_set_new(o, name, json_boolean(v));
}

void ota_put_key(json_t *o, const char *name, const struct key *k)
{
	uint8_t b[64];

	ota_put_hex(o, name, b, key_export(k, b, sizeof(b)));
}

json_t *ota_put_list(json_t *o, const char *name)
{
	json_t *list = json_array();

	json_object_set_new(o, name, list);
	return list;
}

void ota_add_bytes(json_t *list, const struct bytes *b)
{
	json_array_append_new(list, hex_json(b->data, b->len));
}

json_t *ota_add_object(json_t *list)
{
	json_t *o = json_object();

	json_array_append_new(list, o);
	return o;
}
