/* Package to text description (doc/formats/upp-text.md). Each element is built again from what was written; where that
 * does not give the same octets, the language has no words for it and it stands there as "raw".
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/util/ids.h>

#include "upp_content.h"
#include "upp_text_priv.h"

struct show {
	struct bytes *out;
	bool lost;	/* something could not be said */
};

static void show(struct show *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void show(struct show *s, const char *fmt, ...)
{
	char buf[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(buf))
		s->lost = true;
	else
		bytes_put(s->out, buf, n);
}

static void show_hex(struct show *s, const uint8_t *v, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		show(s, "%02X", v[i]);
}

/* Fields ------------------------------------------------------------ */

static void show_size(struct show *s, const struct der *n)
{
	uint32_t v = 0;
	size_t i;

	for (i = 0; i < n->len && i < 3; i++)
		v = v << 8 | n->v[i];
	if (n->len && n->len <= 3 && (n->len == 1 || n->v[0])) {
		show(s, "%u", v);
	} else {
		show(s, "0x");
		show_hex(s, n->v, n->len);
	}
}

static void show_fd(struct show *s, const struct der *n)
{
	uint8_t fd = n->len ? n->v[0] : 0;

	if (n->len == 2 && n->v[1] == 0x21 && (fd == UPP_FD_TR || fd == UPP_FD_DF || fd == UPP_FD_BT)) {
		show(s, " %s", fd == UPP_FD_TR ? "tr" : fd == UPP_FD_DF ? "df" : "bt");
	} else if (n->len == 4 && n->v[1] == 0x21 && !n->v[2] && n->v[3] && (fd == UPP_FD_LF || fd == UPP_FD_CY)) {
		show(s, " %s:%u", fd == UPP_FD_LF ? "lf" : "cy", n->v[3]);
	} else {
		show(s, " fd=");
		show_hex(s, n->v, n->len);
	}
}

static void show_code(struct show *s, const struct der *n)
{
	size_t i = 0, end;

	while (i < n->len && n->v[i] >= '0' && n->v[i] <= '9')
		i++;
	for (end = i; end < n->len && n->v[end] == 0xFF; end++)
		;
	if (n->len == 8 && i >= 4 && end == 8)
		show(s, "%.*s", (int)i, (const char *)n->v);
	else
		show_hex(s, n->v, n->len);
}

static void show_named(struct show *s, const struct der *n, const struct text_name *names)
{
	for (; names->name; names++) {
		if (n->len == 1 && n->v[0] == names->value) {
			show(s, "%s", names->name);
			return;
		}
	}
	show_hex(s, n->v, n->len);
}

static void show_list(struct show *s, const struct der *list)
{
	const struct der *n;

	for (n = list->first; n; n = n->next) {
		if (n->tag != 0x04)
			s->lost = true;
		if (n != list->first)
			show(s, ",");
		show_hex(s, n->v, n->len);
	}
}

static void show_value(struct show *s, const struct der *n, const struct text_field *f)
{
	uint32_t v;

	switch (f->kind) {
	case TEXT_INT:
		if (der_uint(&v, n) < 0)
			s->lost = true;
		show(s, "%02X", v);
		break;
	case TEXT_SIZE:
		show_size(s, n);
		break;
	case TEXT_SFI:
		if (!n->len)
			show(s, "none");
		else
			show(s, "%02X", n->v[0] >> 3);
		break;
	case TEXT_CODE:
		show_code(s, n);
		break;
	case TEXT_ALGO:
		show_named(s, n, text_algos);
		break;
	case TEXT_KEYTYPE:
		show_named(s, n, text_keytypes);
		break;
	case TEXT_LIST:
		show_list(s, n);
		break;
	default:
		show_hex(s, n->v, n->len);
	}
}

/* Nodes from `at` on, as fields of the table, whose order must be theirs. */
static void show_fields(struct show *s, const struct der *at, const struct text_field *tab)
{
	for (; at; at = at->next) {
		while ((tab->key || tab->tag) && tab->tag != at->tag)
			tab++;
		if (!tab->key && !tab->tag) {
			s->lost = true;
			return;
		}
		if (tab->kind == TEXT_SUB) {
			if (!at->first && tab->key)
				show(s, " %s", tab->key);
			show_fields(s, at->first, tab->sub);
		} else if (tab->kind == TEXT_FD) {
			show_fd(s, at);
		} else {
			show(s, " %s=", tab->key);
			show_value(s, at, tab);
		}
		tab++;
	}
}

static void show_line(struct show *s, const char *word, const struct der *fields, const struct text_field *tab)
{
	show(s, "\t%s", word);
	show_fields(s, fields, tab);
	show(s, "\n");
}

/* Files ------------------------------------------------------------ */

/* Fill items of one file: an offset begins a new line, so that records stand below each other. */
static const struct der *show_items(struct show *s, const struct der *n, uint32_t off, uint32_t content,
				    const struct upp_content *c, size_t size)
{
	char text[UPP_CONTENT_STR_SIZE];
	bool first = true;
	uint32_t v;

	for (; n && (n->tag == off || n->tag == content); n = n->next) {
		if (n->tag == off) {
			if (der_uint(&v, n) < 0)
				s->lost = true;
			show(s, "%s +%u", first ? " |" : "\n\t\t|", v);
		} else {
			show(s, first ? " | " : " ");
			if (c && n->len == size && upp_content_show(text, sizeof(text), c, n->v, n->len) == 0) {
				show(s, "%s:", c->word);
				bytes_put(s->out, text, strlen(text));
			} else {
				show_hex(s, n->v, n->len);
			}
		}
		first = false;
	}
	show(s, "\n");
	return n;
}

static void show_template_file(struct show *s, const struct der *file, const struct upp_template *t)
{
	const struct upp_file_def *def = upp_template_file(t, file->tag);
	const struct der *n = file->first;
	const char *name = upp_file_name(t->pe, file->tag);
	const struct upp_content *c = upp_content_of(t->pe, file->tag);
	size_t size = text_content_size(der_child(file, 0xA1), def);

	if (name)
		show(s, "\t%s", name);
	else
		show(s, "\t0x%X", file->tag);
	if (n && n->tag == 0x80) {
		show(s, " none\n");
		s->lost |= !!n->next;
		return;
	}
	if (n && n->tag == 0xA1) {
		if (!n->first)
			show(s, " fcp");
		show_fields(s, n->first, text_fcp);
		n = n->next;
	}
	if (!size && c)
		size = c->natural;
	if (show_items(s, n, 0x82, 0x83, c, size))
		s->lost = true;
}

static void show_template(struct show *s, const struct der *pe)
{
	const struct upp_template *t = upp_template(pe->tag);
	const struct der *n;

	for (n = pe->first; n; n = n->next) {
		if (n->tag != 0xA0 && n->tag != 0x81)
			show_template_file(s, n, t);
	}
}

static void show_gfm(struct show *s, const struct der *pe)
{
	const struct der *cmd, *n;

	for (cmd = der_path(pe, 0xA1, 0x30, 0); cmd; cmd = cmd->next) {
		show(s, "\tcommand\n");
		for (n = cmd->first; n;) {
			if (n->tag == 0x80) {
				show(s, "\tpath ");
				show_hex(s, n->v, n->len);
				show(s, "\n");
				n = n->next;
			} else if (n->tag == 0x62) {
				show(s, "\tfile");
				show_fields(s, n->first, text_fcp);
				n = show_items(s, n->next, 0x02, 0x81, NULL, 0);
			} else {
				s->lost = true;
				return;
			}
		}
	}
}

/* Other elements ------------------------------------------------------------ */

static void show_codes(struct show *s, const struct der *pe)
{
	bool pin = pe->tag == UPP_PE_PIN;
	const struct der *n = pin ? der_path(pe, 0xA1, 0xA0, 0x30, 0) : der_path(pe, 0xA1, 0x30, 0);
	const struct der *path = pin ? der_path(pe, 0xA1, 0x81, 0) : NULL;

	if (path) {
		show(s, "\tpath ");
		show_hex(s, path->v, path->len);
		show(s, "\n");
	}
	for (; n; n = n->next)
		show_line(s, pin ? "pin" : "puk", n->first, pin ? text_pin : text_puk);
}

static void show_aka(struct show *s, const struct der *pe)
{
	const struct der *choice = der_child(pe, 0xA1);

	if (!choice || !choice->first) {
		s->lost = true;
		return;
	}
	if (choice->first->tag == 0xA1)
		show_line(s, "algorithm", choice->first->first, text_algo);
	else
		show_line(s, "map", choice->first->first, text_map);
	if (choice->next)
		show_line(s, "sqn", choice->next, text_sqn);
}

static void show_sd(struct show *s, const struct der *pe)
{
	const struct der *n;

	n = der_child(pe, 0xA1);
	if (n)
		show_line(s, "instance", n->first, text_instance);
	for (n = der_path(pe, 0xA2, 0x30, 0); n; n = n->next)
		show_line(s, "key", n->first, text_key);
	for (n = der_path(pe, 0xA3, 0x04, 0); n; n = n->next) {
		show(s, "\tperso ");
		show_hex(s, n->v, n->len);
		show(s, "\n");
	}
}

static void show_header_lists(struct show *s, const struct der *n)
{
	const struct der *c;

	show(s, n->tag == 0xA5 ? "\tservices" : "\ttemplates");
	for (c = n->first; c; c = c->next) {
		if (n->tag == 0xA5)
			show(s, " %s", upp_service_name(c->tag - 0x80) ? upp_service_name(c->tag - 0x80) : "?");
		else if (c->len == 6 || c->len == 7)
			show(s, c->len == 6 ? " %u" : " %u.%u", c->v[5], c->len == 7 ? c->v[6] : 0);
	}
	show(s, "\n");
}

static void show_header(struct show *s, const struct der *pe)
{
	const struct der *n, *minor = der_child(pe, 0x81);
	uint32_t a, b;

	for (n = pe->first; n; n = n->next) {
		switch (n->tag) {
		case 0x80:
			if (der_uint(&a, n) < 0 || der_uint(&b, minor) < 0)
				s->lost = true;
			else
				show(s, "\tversion %u.%u\n", a, b);
			break;
		case 0x82:
			show(s, "\ttype %.*s\n", (int)n->len, (const char *)n->v);
			break;
		case 0x83:
			show(s, "\ticcid ");
			show_hex(s, n->v, n->len);
			show(s, "\n");
			break;
		case 0x84:
		case 0x87:
			show(s, n->tag == 0x84 ? "\tpol " : "\tconnectivity ");
			show_hex(s, n->v, n->len);
			show(s, "\n");
			break;
		case 0xA5:
		case 0xA6:
			show_header_lists(s, n);
			break;
		}
	}
}

static void show_element_line(struct show *s, const struct der *pe)
{
	const struct der *head = der_child(pe, 0xA0), *oid;
	uint32_t id;

	show(s, "%s", upp_pe_name(pe->tag));
	if (pe->tag != UPP_PE_HEADER) {
		if (der_uint(&id, der_child(head, 0x81)) < 0)
			s->lost = true;
		else
			show(s, " id=%u", id);
		if (der_child(head, 0x80))
			show(s, " mandated");
	}
	oid = upp_template(pe->tag) ? der_child(pe, 0x81) : NULL;
	if (oid && (oid->len == 6 || oid->len == 7))
		show(s, oid->len == 6 ? " template=%u" : " template=%u.%u", oid->v[5], oid->len == 7 ? oid->v[6] : 0);
	show(s, "\n");
}

static void show_element(struct show *s, const struct der *pe)
{
	const struct der *n;

	show_element_line(s, pe);
	if (upp_template(pe->tag)) {
		show_template(s, pe);
		return;
	}
	switch (pe->tag) {
	case UPP_PE_HEADER:
		show_header(s, pe);
		break;
	case UPP_PE_GFM:
		show_gfm(s, pe);
		break;
	case UPP_PE_PIN:
	case UPP_PE_PUK:
		show_codes(s, pe);
		break;
	case UPP_PE_AKA:
		show_aka(s, pe);
		break;
	case UPP_PE_SD:
		show_sd(s, pe);
		break;
	case UPP_PE_RFM:
	case UPP_PE_CDMA:
	case UPP_PE_NONSTANDARD:
		n = der_child(pe, 0xA0);
		if (n && n->next)
			show_line(s, pe->tag == UPP_PE_RFM ? "application" : "data", n->next,
				  pe->tag == UPP_PE_RFM ? text_rfm : pe->tag == UPP_PE_CDMA ? text_cdma :
				  text_nonstandard);
		break;
	case UPP_PE_APPLICATION:
		n = der_child(pe, 0xA1);
		if (n)
			show_line(s, "load", n->first, text_load);
		for (n = der_path(pe, 0xA2, 0x30, 0); n; n = n->next)
			show_line(s, "instance", n->first, text_instance);
		break;
	}
}

/* Does the text give these octets back? */
static bool show_faithful(const struct show *s, const struct der *pe)
{
	struct upp_text_err err;
	struct bytes *text, *again;
	bool ok;

	if (s->lost || s->out->err)
		return false;
	text = bytes_dup(s->out, s->out->data, s->out->len);
	if (!text || memchr(text->data, '\0', text->len))
		return false;
	bytes_secret(text);
	bytes_put_u8(text, 0);
	again = text->err ? NULL : upp_text_build(text, (const char *)text->data, &err);
	ok = again && bytes_eq(again, pe->raw, pe->raw_len);
	talloc_free(text);
	return ok;
}

struct bytes *upp_text_show(void *ctx, const uint8_t *data, size_t len)
{
	struct bytes *out = bytes_new(ctx, 0);
	struct show s = { .out = bytes_new(out, 0) };
	struct der *root, *pe;
	const char *err;

	if (!out || !s.out)
		return NULL;
	bytes_secret(out);
	bytes_secret(s.out);
	root = der_parse(out, data, len, &err);
	for (pe = root ? root->first : NULL; pe; pe = pe->next) {
		bytes_clear(s.out);
		s.lost = false;
		show_element(&s, pe);
		if (!show_faithful(&s, pe)) {
			bytes_clear(s.out);
			show(&s, "raw ");
			show_hex(&s, pe->raw, pe->raw_len);
			show(&s, "\t# %s\n", upp_pe_name(pe->tag));
		}
		if (pe != root->first)
			bytes_put_u8(out, '\n');
		bytes_put_bytes(out, s.out);
	}
	if (!root || out->err) {
		talloc_free(out);
		return NULL;
	}
	talloc_free(root);
	talloc_free(s.out);
	return out;
}
