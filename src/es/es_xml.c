/* The only user of the XML library besides es_dsig.c (off-card.md 1.1: UTF-8, no DTD, no external entities).
 * No network, no entities, any DOCTYPE refused, depth and element count capped while parsing, not after.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <ctype.h>
#include <string.h>
#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <talloc.h>

#include "es_xml.h"

struct es_xml {
	xmlDoc *doc;
};

struct parse_state {
	startElementNsSAX2Func start;
	unsigned elements;
	const char *refused;
};

static void parse_stop(xmlParserCtxt *pc, const char *why)
{
	struct parse_state *ps = pc->_private;

	if (!ps->refused)
		ps->refused = why;
	xmlStopParser(pc);
}

static void sax_doctype(void *ctx, const xmlChar *name, const xmlChar *ext, const xmlChar *sys)
{
	parse_stop(ctx, "DOCTYPE is refused");
}

static void sax_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_ns,
		      const xmlChar **ns, int n_attr, int n_def, const xmlChar **attr)
{
	xmlParserCtxt *pc = ctx;
	struct parse_state *ps = pc->_private;

	if (ps->refused)
		return;
	if (pc->nodeNr >= ES_XML_MAX_DEPTH)
		return parse_stop(pc, "elements nested too deep");
	if (++ps->elements > ES_XML_MAX_ELEMENTS || n_attr > 64 || n_ns > 64)
		return parse_stop(pc, "too many elements or attributes");
	ps->start(ctx, name, prefix, uri, n_ns, ns, n_attr, n_def, attr);
}

static int es_xml_destroy(struct es_xml *x)
{
	xmlFreeDoc(x->doc);
	return 0;
}

struct es_xml *es_xml_parse(void *ctx, char **err, const uint8_t *in, size_t len, bool huge)
{
	struct parse_state ps = { 0 };
	int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA;
	xmlParserCtxt *pc;
	struct es_xml *x;
	xmlDoc *doc;

	if (len > (huge ? ES_XML_MAX_HUGE : ES_XML_MAX)) {
		*err = talloc_asprintf(ctx, "message of %zu octets is too large", len);
		return NULL;
	}
	pc = xmlNewParserCtxt();
	if (!pc)
		return NULL;
	ps.start = pc->sax->startElementNs;
	pc->_private = &ps;
	pc->sax->startElementNs = sax_start;
	pc->sax->internalSubset = sax_doctype;
	pc->sax->externalSubset = sax_doctype;
	/* The encoding is forced: what is not UTF-8 is not well-formed, whatever it declares. */
	doc = xmlCtxtReadMemory(pc, (const char *)in, len, NULL, "UTF-8", options | (huge ? XML_PARSE_HUGE : 0));
	if (!doc || ps.refused || !xmlDocGetRootElement(doc)) {
		*err = ps.refused ? talloc_strdup(ctx, ps.refused)
				  : talloc_asprintf(ctx, "not well-formed XML (line %d)", pc->lastError.line);
		xmlFreeDoc(doc);
		xmlFreeParserCtxt(pc);
		return NULL;
	}
	xmlFreeParserCtxt(pc);
	x = talloc_zero(ctx, struct es_xml);
	x->doc = doc;
	talloc_set_destructor(x, es_xml_destroy);
	return x;
}

const struct _xmlNode *es_xml_root(const struct es_xml *x)
{
	return xmlDocGetRootElement(x->doc);
}

struct _xmlDoc *es_xml_doc(struct es_xml *x)
{
	return x->doc;
}

static const xmlNode *element_from(const xmlNode *n)
{
	while (n && n->type != XML_ELEMENT_NODE)
		n = n->next;
	return n;
}

const struct _xmlNode *es_xml_first(const struct _xmlNode *n)
{
	return element_from(n->children);
}

const struct _xmlNode *es_xml_next(const struct _xmlNode *n)
{
	return element_from(n->next);
}

const struct _xmlNode *es_xml_parent(const struct _xmlNode *n)
{
	return n->parent;
}

const char *es_xml_name(const struct _xmlNode *n)
{
	return (const char *)n->name;
}

bool es_xml_in(const struct _xmlNode *n, const char *ns)
{
	const char *have = n->ns && n->ns->href ? (const char *)n->ns->href : "";

	return !strcmp(have, ns);
}

char *es_xml_text(void *ctx, const struct _xmlNode *n)
{
	const char *s, *e;
	xmlChar *content;
	char *out;

	if (es_xml_first(n))
		return NULL;
	content = xmlNodeGetContent(n);
	if (!content)
		return talloc_strdup(ctx, "");
	s = (const char *)content;
	e = s + strlen(s);
	while (s < e && isspace((unsigned char)*s))
		s++;
	while (e > s && isspace((unsigned char)e[-1]))
		e--;
	out = talloc_strndup(ctx, s, e - s);
	xmlFree(content);
	return out;
}

char *es_xml_attr(void *ctx, const struct _xmlNode *n, const char *name)
{
	const xmlAttr *a;
	xmlChar *v;
	char *out;

	for (a = n->properties; a; a = a->next) {
		if (strcasecmp((const char *)a->name, name))
			continue;
		v = xmlNodeGetContent((const xmlNode *)a);
		out = talloc_strdup(ctx, v ? (const char *)v : "");
		xmlFree(v);
		return out;
	}
	return NULL;
}

char *es_xml_path(void *ctx, const struct _xmlNode *n)
{
	char *path = talloc_strdup(ctx, es_xml_name(n)), *longer;

	for (n = n->parent; n && n->type == XML_ELEMENT_NODE && strlen(path) < 512; n = n->parent) {
		longer = talloc_asprintf(ctx, "%s/%s", es_xml_name(n), path);
		talloc_free(path);
		path = longer;
	}
	return path;
}

static int c14n_visible(void *top, xmlNode *node, xmlNode *parent)
{
	const xmlNode *n = node->type == XML_NAMESPACE_DECL ? parent : node;

	for (; n; n = n->parent)
		if (n == top)
			return 1;
	return 0;
}

static void say_nothing(void *ctx, xmlErrorPtr error)
{
}

void es_xml_hush(struct es_xml_hush *h)
{
	h->func = (void (*)(void))xmlStructuredError;
	h->ctx = xmlStructuredErrorContext;
	xmlSetStructuredErrorFunc(NULL, say_nothing);
}

void es_xml_unhush(const struct es_xml_hush *h)
{
	xmlSetStructuredErrorFunc(h->ctx, (xmlStructuredErrorFunc)h->func);
}

struct bytes *es_xml_c14n(void *ctx, const struct _xmlNode *n, bool exclusive)
{
	xmlOutputBuffer *buf = xmlAllocOutputBuffer(NULL);
	struct es_xml_hush hush;
	struct bytes *out = NULL;

	if (!buf)
		return NULL;
	es_xml_hush(&hush);
	if (xmlC14NExecute(n->doc, c14n_visible, (void *)n, exclusive ? XML_C14N_EXCLUSIVE_1_0 : XML_C14N_1_0, NULL, 0,
			   buf) >= 0)
		out = bytes_dup(ctx, xmlOutputBufferGetContent(buf), xmlOutputBufferGetSize(buf));
	es_xml_unhush(&hush);
	xmlOutputBufferClose(buf);
	return out;
}

bool es_xml_utf8(const char *s)
{
	return xmlCheckUTF8((const unsigned char *)s);
}

void es_out_raw(struct bytes *b, const char *s)
{
	bytes_put(b, s, strlen(s));
}

void es_out_text(struct bytes *b, const char *s)
{
	bool utf8 = es_xml_utf8(s);
	size_t run;

	while (*s) {
		run = strcspn(s, "<>&\"\r");
		for (size_t i = 0; i < run; i++) {
			unsigned char c = s[i];

			if ((c < 0x20 && c != '\t' && c != '\n') || (c >= 0x80 && !utf8))
				c = '?';
			bytes_put_u8(b, c);
		}
		s += run;
		if (*s)
			es_out_raw(b, *s == '<'	  ? "&lt;"
				      : *s == '>' ? "&gt;"
				      : *s == '&' ? "&amp;"
				      : *s == '"' ? "&quot;"
						  : "&#13;");
		s += *s != 0;
	}
}

static const char *name_prefix(const char *name)
{
	return strchr(name, ':') ? "" : "rps:";
}

void es_out_open(struct bytes *b, const char *name)
{
	es_out_raw(b, "<");
	es_out_raw(b, name_prefix(name));
	es_out_raw(b, name);
	es_out_raw(b, ">");
}

void es_out_close(struct bytes *b, const char *name)
{
	es_out_raw(b, "</");
	es_out_raw(b, name_prefix(name));
	es_out_raw(b, name);
	es_out_raw(b, ">");
}

void es_out_elem(struct bytes *b, const char *name, const char *text)
{
	es_out_open(b, name);
	es_out_text(b, text);
	es_out_close(b, name);
}
