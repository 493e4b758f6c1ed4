/* Text description to package (doc/formats/upp-text.md). A line that begins in the first column opens an element, an
 * indented one belongs to it.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/util/ids.h>

#include "upp_text_priv.h"

/* Other elements ------------------------------------------------------------ */

static int text_pin_line(struct text *t)
{
	struct der *wrap = text_sub(t->pe, 0xA1);

	if (!strcmp(t->words[0], "path"))
		return text_hex(t, wrap, 0x81, t->n > 1 ? t->words[1] : "", "path");
	if (strcmp(t->words[0], "pin"))
		return text_fail(t, "pinCodes has pin, path");
	return text_line(t, der_add(text_sub(wrap, 0xA0), 0x30, NULL, 0), text_pin);
}

static int text_puk_line(struct text *t)
{
	if (strcmp(t->words[0], "puk"))
		return text_fail(t, "pukCodes has puk");
	return text_line(t, der_add(text_sub(t->pe, 0xA1), 0x30, NULL, 0), text_puk);
}

static int text_aka(struct text *t)
{
	if (!strcmp(t->words[0], "algorithm"))
		return text_line(t, der_add(text_sub(t->pe, 0xA1), 0xA1, NULL, 0), text_algo);
	if (!strcmp(t->words[0], "map"))
		return text_line(t, der_add(text_sub(t->pe, 0xA1), 0xA0, NULL, 0), text_map);
	if (!strcmp(t->words[0], "sqn"))
		return text_line(t, t->pe, text_sqn);
	return text_fail(t, "akaParameter has algorithm, map, sqn");
}

static int text_sd(struct text *t)
{
	if (!strcmp(t->words[0], "instance"))
		return text_line(t, der_add(t->pe, 0xA1, NULL, 0), text_instance);
	if (!strcmp(t->words[0], "key"))
		return text_line(t, der_add(text_sub(t->pe, 0xA2), 0x30, NULL, 0), text_key);
	if (!strcmp(t->words[0], "perso") && t->n == 2)
		return text_hex(t, text_sub(t->pe, 0xA3), 0x04, t->words[1], "perso");
	return text_fail(t, "securityDomain has instance, key, perso");
}

static int text_rfm_line(struct text *t)
{
	if (strcmp(t->words[0], "application"))
		return text_fail(t, "rfm has application");
	return text_line(t, t->pe, text_rfm);
}

/* Header ------------------------------------------------------------ */

static int text_services(struct text *t)
{
	struct der *list = der_add(t->pe, 0xA5, NULL, 0);
	unsigned bit, i;

	for (bit = 0; list && upp_service_name(bit); bit++) {
		if (text_word(t, upp_service_name(bit)) && !der_add(list, 0x80 + bit, NULL, 0))
			return text_fail(t, "out of memory");
	}
	for (i = 1; i < t->n; i++) {
		if (!t->used[i])
			return text_fail(t, "unknown service: word %u of the line", i + 1);
	}
	return 0;
}

/* x or x.y behind 2.23.143.1.2 */
static int text_template_oid(struct text *t, struct der *parent, uint32_t tag, const char *v)
{
	uint8_t oid[7] = { 0x67, 0x81, 0x0F, 0x01, 0x02 };
	unsigned x, y;
	int n;

	n = sscanf(v, "%3u.%3u", &x, &y);
	if (n < 1 || x > 127 || (n == 2 && y > 127))
		return text_fail(t, "template: number or number.number");
	oid[5] = x;
	oid[6] = n == 2 ? y : 0;
	return der_add(parent, tag, oid, 5 + n) ? 0 : text_fail(t, "out of memory");
}

static int text_iccid(struct text *t)
{
	char iccid[ICCID_STR_SIZE];
	uint8_t bcd[10];

	if (t->n != 2 || iccid_from_str(iccid, t->words[1]) < 0)
		return text_fail(t, "iccid: 19 or 20 digits");
	iccid_to_bcd(bcd, iccid);
	return der_add(t->pe, 0x83, bcd, sizeof(bcd)) ? 0 : text_fail(t, "out of memory");
}

static int text_header(struct text *t, const char *rest)
{
	struct der *list;
	unsigned major, minor, i;
	int rc = 0;

	if (!strcmp(t->words[0], "version")) {
		if (t->n != 2 || sscanf(t->words[1], "%3u.%3u", &major, &minor) != 2)
			return text_fail(t, "version: major.minor");
		if (!der_add_uint(t->pe, 0x80, major) || !der_add_uint(t->pe, 0x81, minor))
			return text_fail(t, "out of memory");
		return 0;
	}
	if (!strcmp(t->words[0], "type"))
		return der_add(t->pe, 0x82, rest, strlen(rest)) ? 0 : text_fail(t, "out of memory");
	if (!strcmp(t->words[0], "iccid"))
		return text_iccid(t);
	if (!strcmp(t->words[0], "pol"))
		return text_hex(t, t->pe, 0x84, t->n > 1 ? t->words[1] : "", "pol");
	if (!strcmp(t->words[0], "services"))
		return text_services(t);
	if (!strcmp(t->words[0], "connectivity"))
		return text_hex(t, t->pe, 0x87, rest, "connectivity");
	if (strcmp(t->words[0], "templates"))
		return text_fail(t, "header has version, type, iccid, pol, services, templates, connectivity");
	list = der_add(t->pe, 0xA6, NULL, 0);
	for (i = 1; list && i < t->n && rc == 0; i++)
		rc = text_template_oid(t, list, 0x06, t->words[i]);
	return rc;
}

/* The header's lines may come in any order; DER wants theirs. */
static void text_sort(struct der *pe)
{
	struct der *list = pe->first, *n, **at;

	pe->first = pe->last = NULL;
	while ((n = list)) {
		list = n->next;
		for (at = &pe->first; *at && ((*at)->tag & 0x1F) <= (n->tag & 0x1F); at = &(*at)->next)
			;
		n->next = *at;
		*at = n;
	}
	for (n = pe->first; n; n = n->next)
		pe->last = n;
}

/* Lines ------------------------------------------------------------ */

/* "change" of an element without files: its first line stands in place of all it had. In the header only what a line is
 * about is replaced. */
static void text_clear(struct text *t)
{
	static const struct text_name header[] = { { "type", 0x82 }, { "iccid", 0x83 }, { "pol", 0x84 },
						   { "services", 0xA5 }, { "templates", 0xA6 },
						   { "connectivity", 0x87 }, { "version", 0x80 }, { "version", 0x81 }, { NULL, 0 } };
	struct der *n, *next;
	unsigned i;

	if (t->pe->tag == UPP_PE_HEADER) {
		for (i = 0; t->changing && header[i].name; i++) {
			n = strcmp(header[i].name, t->words[0]) ? NULL : der_child(t->pe, header[i].value);
			if (n)
				der_remove(n);
		}
		return;
	}
	if (!t->changing || t->cleared)
		return;
	for (n = t->pe->first ? t->pe->first->next : NULL; n; n = next) {	/* the first is the PEHeader */
		next = n->next;
		der_remove(n);
	}
	t->cleared = true;
}

static int text_statement(struct text *t, const char *rest)
{
	if (!t->pe)
		return text_fail(t, "a line that belongs to no element");
	if (!strcmp(t->words[0], "|"))
		return text_items(t, 1);
	if (upp_template(t->pe->tag))
		return text_template_file(t);
	text_clear(t);
	switch (t->pe->tag) {
	case UPP_PE_HEADER:
		return text_header(t, rest);
	case UPP_PE_GFM:
		return text_gfm(t);
	case UPP_PE_PIN:
		return text_pin_line(t);
	case UPP_PE_PUK:
		return text_puk_line(t);
	case UPP_PE_AKA:
		return text_aka(t);
	case UPP_PE_SD:
		return text_sd(t);
	case UPP_PE_RFM:
		return text_rfm_line(t);
	case UPP_PE_APPLICATION:
		return text_application(t);
	case UPP_PE_CDMA:
		return text_cdma_line(t);
	case UPP_PE_NONSTANDARD:
		return text_nonstandard_line(t);
	}
	return text_fail(t, "this element has no lines of its own");
}

static int text_raw(struct text *t, const char *rest)
{
	struct bytes *b = bytes_from_hex(t->root, rest);
	struct der *sub, *n;
	const char *err = "not hex";

	sub = b ? der_parse(t->root, b->data, b->len, &err) : NULL;
	if (!sub)
		return text_fail(t, "raw: %s", err);
	for (n = sub->first; n; n = sub->first) {	/* move them, with their octets kept alive by sub */
		sub->first = n->next;
		n->next = NULL;
		n->parent = t->root;
		if (t->root->last)
			t->root->last->next = n;
		else
			t->root->first = n;
		t->root->last = n;
	}
	talloc_free(b);
	t->pe = NULL;
	return 0;
}

/* The Nth element of a name: [n=N]. */
static struct der *text_find(struct text *t, const char *name)
{
	const char *n = text_value(t, "n");
	unsigned long i = 1;
	uint32_t tag = upp_pe_tag(name);
	struct der *pe = der_child(t->root, tag);

	if (!tag || (n && (text_uint(&i, n, 10, 1000) < 0 || !i)))
		return NULL;
	while (pe && --i)
		pe = der_again(pe);
	return pe;
}

static int text_lines(struct text *t, char *text, unsigned *line);

/* A text in the place of this line; its own mistakes are this line's. */
static int text_include(struct text *t)
{
	const char *err = "no files here";
	struct bytes *text;
	unsigned line = 0;
	char msg[100];
	char *name = talloc_strdup(t->root, t->n == 2 ? t->words[1] : "");

	if (t->n != 2 || t->depth >= 4)
		return text_fail(t, t->n != 2 ? "include NAME" : "include: too deep");
	text = t->files ? t->files->text(t->root, t->files->data, name, &err) : NULL;
	if (!text)
		return text_fail(t, "include: %s", err);
	t->depth++;
	t->based = true;
	if (text_lines(t, (char *)text->data, &line) < 0) {
		snprintf(msg, sizeof(msg), "%.99s", t->err->msg);
		return text_fail(t, "%s:%u: %s", name, line, msg);
	}
	t->depth--;
	t->pe = NULL;
	return 0;
}

/* include, change, drop: what builds on another text. -ENOENT: none of them. */
static int text_directive(struct text *t)
{
	struct der *pe;

	if (!strcmp(t->words[0], "include"))
		return text_include(t);
	if (strcmp(t->words[0], "change") && strcmp(t->words[0], "drop"))
		return -ENOENT;
	pe = t->n > 1 ? text_find(t, t->words[1]) : NULL;
	if (!pe)
		return text_fail(t, "%s: no such element before this line", t->words[0]);
	t->pe = NULL;
	if (*t->words[0] == 'd') {
		der_remove(pe);
		return 0;
	}
	t->pe = pe;
	t->changing = true;
	t->cleared = false;
	return 0;
}

static int text_element(struct text *t, const char *rest)
{
	uint32_t tag = upp_pe_tag(t->words[0]);
	const char *id = text_value(t, "id"), *tpl = text_value(t, "template");
	unsigned long n;
	struct der *head;
	int rc;

	t->cmd = t->file = NULL;
	t->changing = false;
	rc = text_directive(t);
	if (rc != -ENOENT)
		return rc;
	if (!strcmp(t->words[0], "raw"))
		return text_raw(t, rest);
	if (!tag)
		return text_fail(t, "no element of this name");
	t->pe = der_add(t->root, tag, NULL, 0);
	if (!t->pe)
		return text_fail(t, "out of memory");
	if (tag != UPP_PE_HEADER) {
		if (!id || text_uint(&n, id, 10, 32767) < 0)
			return text_fail(t, "id=0..32767 is missing");
		head = der_add(t->pe, 0xA0, NULL, 0);
		if (!head || (text_word(t, "mandated") && !der_add(head, 0x80, NULL, 0)) ||
		    !der_add_uint(head, 0x81, n))
			return text_fail(t, "out of memory");
	}
	if (!upp_template(tag))
		return tpl ? text_fail(t, "template= does not belong here") : 0;
	return tpl ? text_template_oid(t, t->pe, 0x81, tpl) : text_fail(t, "template= is missing");
}

static int text_one(struct text *t, char *line)
{
	bool indented = *line == ' ' || *line == '\t';
	char *save = NULL, *word, *hash = strchr(line, '#'), *rest;
	struct bytes *copy;
	int rc;

	if (hash)
		*hash = '\0';
	copy = bytes_dup(t->root, line, strlen(line) + 1);
	bytes_secret(copy);	/* a key stands in one of the lines */
	rest = copy ? (char *)copy->data + strspn((char *)copy->data, " \t\r") : NULL;
	rest = rest ? rest + strcspn(rest, " \t\r") : NULL;
	if (!rest)
		return text_fail(t, "out of memory");
	rest += strspn(rest, " \t\r");
	rest[strcspn(rest, "\r")] = '\0';
	while (*rest && strchr(" \t", rest[strlen(rest) - 1]))
		rest[strlen(rest) - 1] = '\0';
	memset(t->used, 0, sizeof(t->used));
	for (t->n = 0, word = strtok_r(line, " \t\r", &save); word; word = strtok_r(NULL, " \t\r", &save)) {
		if (t->n == TEXT_WORDS_MAX)
			return text_fail(t, "too many words");
		t->words[t->n++] = word;
	}
	rc = !t->n ? 0 : indented ? text_statement(t, rest) : text_element(t, rest);
	talloc_free(copy);
	return rc;
}

static int text_lines(struct text *t, char *text, unsigned *line)
{
	char *next;

	for (; text; text = next) {
		next = strchr(text, '\n');
		if (next)
			*next++ = '\0';
		++*line;
		if (text_one(t, text) < 0)
			return -EINVAL;
	}
	return 0;
}

/* What was written behind an included text belongs before its end. */
static void text_end_last(struct text *t)
{
	struct der *end = der_child(t->root, UPP_PE_END), *at;

	if (!t->based || !end || !end->next || der_again(end))
		return;
	if (t->root->first == end) {
		t->root->first = end->next;
	} else {
		for (at = t->root->first; at->next != end; at = at->next)
			;
		at->next = end->next;
	}
	t->root->last->next = end;
	t->root->last = end;
	end->next = NULL;
}

struct bytes *upp_text_build_files(void *ctx, const char *text, const struct upp_text_files *files,
				   struct upp_text_err *err)
{
	struct text t = { .err = err, .root = der_new(ctx), .files = files };
	struct bytes *copy = t.root ? bytes_dup(t.root, text, strlen(text) + 1) : NULL, *out = NULL;
	struct der *n;

	memset(err, 0, sizeof(*err));
	if (!copy) {
		text_fail(&t, "out of memory");
		goto out;
	}
	bytes_secret(copy);	/* the text has the keys */
	if (text_lines(&t, (char *)copy->data, &err->line) < 0)
		goto out;
	for (n = t.root->first; n; n = n->next) {
		if (n->tag == UPP_PE_HEADER && !n->raw)
			text_sort(n);
	}
	text_end_last(&t);
	out = bytes_new(ctx, 0);
	bytes_secret(out);
	if (out && der_write(out, t.root) < 0)
		TALLOC_FREE(out);
out:
	talloc_free(t.root);
	return out;
}

struct bytes *upp_text_build(void *ctx, const char *text, struct upp_text_err *err)
{
	return upp_text_build_files(ctx, text, NULL, err);
}
