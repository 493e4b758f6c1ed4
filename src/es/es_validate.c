/* Is a message as our schema says? For tests and tools: what comes in is decoded by the tables alone (corrections 14).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlschemas.h>
#include <talloc.h>
#include <osmocom/rsp/es/es_schema.h>

#include "es_xml.h"

struct es_validator {
	xmlSchema *schema[2];	/* /3, /1 */
	char *err;
};

static int validator_destroy(struct es_validator *v)
{
	xmlSchemaFree(v->schema[0]);
	xmlSchemaFree(v->schema[1]);
	return 0;
}

static void note(void *arg, xmlErrorPtr e)
{
	struct es_validator *v = arg;

	if (v->err || !e || !e->message)
		return;
	v->err = talloc_asprintf(v, "line %d: %.300s", e->line, e->message);
	v->err[strcspn(v->err, "\n")] = 0;
}

static xmlSchema *compile(struct es_validator *v, bool old_ns)
{
	struct bytes *xsd = es_schema_xsd(v, old_ns);
	xmlSchemaParserCtxt *pc = xsd ? xmlSchemaNewMemParserCtxt((const char *)xsd->data, xsd->len) : NULL;
	xmlSchema *s = NULL;

	if (pc) {
		xmlSchemaSetParserStructuredErrors(pc, (xmlStructuredErrorFunc)note, v);
		s = xmlSchemaParse(pc);
		xmlSchemaFreeParserCtxt(pc);
	}
	talloc_free(xsd);
	return s;
}

struct es_validator *es_validator_new(void *ctx, char **err)
{
	struct es_validator *v = talloc_zero(ctx, struct es_validator);

	*err = NULL;
	if (!v)
		return NULL;
	talloc_set_destructor(v, validator_destroy);
	for (int i = 0; i < 2; i++) {
		v->schema[i] = compile(v, i);
		if (!v->schema[i]) {
			*err = talloc_asprintf(ctx, "the schema itself: %s", v->err ? : "cannot be compiled");
			talloc_free(v);
			return NULL;
		}
	}
	return v;
}

/* The element to judge: the only one in the Body, or the root of what is no envelope. */
static xmlNode *subject(struct es_xml *x)
{
	const xmlNode *n = es_xml_root(x), *c;

	if (strcmp(es_xml_name(n), "Envelope"))
		return (xmlNode *)n;
	for (c = es_xml_first(n); c; c = es_xml_next(c))
		if (!strcmp(es_xml_name(c), "Body"))
			return (xmlNode *)es_xml_first(c);
	return NULL;
}

int es_validate(struct es_validator *v, char **err, void *ctx, const uint8_t *in, size_t len)
{
	struct es_xml *x = es_xml_parse(ctx, err, in, len, true);
	xmlSchemaValidCtxt *vc;
	xmlNode *n;
	int rc = -1;

	if (!x)
		return -1;
	n = subject(x);
	TALLOC_FREE(v->err);
	vc = n ? xmlSchemaNewValidCtxt(v->schema[es_xml_in(n, NS_RPS1)]) : NULL;
	if (vc) {
		xmlSchemaSetValidStructuredErrors(vc, (xmlStructuredErrorFunc)note, v);
		rc = xmlSchemaValidateOneElement(vc, n);
		xmlSchemaFreeValidCtxt(vc);
	}
	if (rc)
		*err = talloc_strdup(ctx, v->err ? : "no message in it");
	talloc_free(x);
	return rc ? -1 : 0;
}
