/* WSDL of the services, printed from the table of messages (off-card.md 1.7, 8.3). A function has its response as
 * output: that is what a caller without ReplyTo gets; a caller with one provides the callback service.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/es/es_schema.h>

#include "es_fields.h"

static const struct es_service services[] = {
	{ "ES1SmSrService", "SmSrES1Port", "ES1SmSr", ES1, "sm-sr", false },
	{ "ES2SmDpService", "SmDpES2Port", "ES2SmDp", ES2, "sm-dp", false },
	{ "ES2MnoService", "MnoES2Port", "ES2Mno", ES2, "operator", true },
	{ "ES3SmSrService", "SmSrES3Port", "ES3SmSr", ES3, "sm-sr", false },
	{ "ES3SmDpService", "SmDpES3Port", "ES3SmDp", ES3, "sm-dp", true },
	{ "ES4SmSrService", "SmSrES4Port", "ES4SmSr", ES4, "sm-sr", false },
	{ "ES4MnoService", "MnoES4Port", "ES4Mno", ES4, "operator", true },
	{ "ES4ASmSrService", "SmSrES4APort", "ES4ASmSr", ES4A, "sm-sr", false },
	{ "ES7SmSrService", "ES7SmSrPort", "ES7SmSr", ES7, "sm-sr", false },
	{ "ES7SmSrCallbackService", "ES7SmSrCallbackPort", "ES7SmSrCallback", ES7, "sm-sr", true },
};
#define N_SERVICES (sizeof(services) / sizeof(services[0]))

const struct es_service *es_service_next(const struct es_service *s)
{
	s = s ? s + 1 : services;
	return s < services + N_SERVICES ? s : NULL;
}

const struct es_service *es_service_find(const char *name)
{
	for (size_t i = 0; i < N_SERVICES; i++)
		if (!strcmp(services[i].name, name))
			return &services[i];
	return NULL;
}

struct wsdl {
	struct bytes *b;
	const struct es_service *only;
	const char *owner;
};

static void __attribute__((format(printf, 2, 3))) pr(struct bytes *b, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = talloc_vasprintf(b, fmt, ap);
	va_end(ap);
	es_out_raw(b, text);
	talloc_free(text);
}

/* The headers of 1.3, enough of them to be written; no schema has to be fetched from elsewhere. */
static const char addressing[] =
	"  <xs:schema targetNamespace=\"" NS_WSA "\" elementFormDefault=\"qualified\">\n"
	"   <xs:complexType name=\"EndpointReferenceType\"><xs:sequence><xs:element name=\"Address\" "
	"type=\"xs:anyURI\"/>"
	"<xs:any namespace=\"##any\" processContents=\"lax\" minOccurs=\"0\" maxOccurs=\"unbounded\"/></xs:sequence>"
	"</xs:complexType>\n"
	"   <xs:element name=\"From\" type=\"wsa:EndpointReferenceType\"/>\n"
	"   <xs:element name=\"To\" type=\"xs:anyURI\"/>\n   <xs:element name=\"MessageID\" type=\"xs:anyURI\"/>\n"
	"   <xs:element name=\"Action\" type=\"xs:anyURI\"/>\n"
	"   <xs:element name=\"ReplyTo\" type=\"wsa:EndpointReferenceType\"/>\n"
	"   <xs:element name=\"RelatesTo\" type=\"xs:anyURI\"/>\n  </xs:schema>\n";

static const char *const headers[] = { "From", "To", "MessageID", "Action", "ReplyTo", "RelatesTo" };

typedef void (*operation)(struct bytes *b, const struct es_service *s, enum es_func f, enum es_kind k);

static void each(struct bytes *b, const struct es_service *s, operation op)
{
	for (int f = ES_FN_NONE + 1; f < _ES_FN_COUNT; f++) {
		if (!s->callbacks && es_body_group(s->iface, f, ES_REQUEST))
			op(b, s, f, ES_REQUEST);
		if (s->callbacks && es_body_group(s->iface, f, ES_RESPONSE) &&
		    !es_body_group(s->iface, f, ES_NOTIFICATION))
			op(b, s, f, ES_RESPONSE);
		if (s->callbacks && es_body_group(s->iface, f, ES_NOTIFICATION))
			op(b, s, f, ES_NOTIFICATION);
	}
}

static const char *const suffix[] = { [ES_REQUEST] = "Request", [ES_RESPONSE] = "Response", [ES_NOTIFICATION] = "" };

static void one_message(struct bytes *b, const struct es_service *s, enum es_func f, enum es_kind k)
{
	pr(b, " <wsdl:message name=\"%s_%s-%s%s\"><wsdl:part name=\"body\" element=\"rps:%s-%s%s\"/></wsdl:message>\n",
	   s->port_type, es_iface_name(s->iface), es_func_name(f), suffix[k], es_iface_name(s->iface), es_func_name(f),
	   suffix[k]);
}

static void messages(struct bytes *b, const struct es_service *s, enum es_func f, enum es_kind k)
{
	one_message(b, s, f, k);
	if (k == ES_REQUEST)
		one_message(b, s, f, ES_RESPONSE);
}

static void port_operation(struct bytes *b, const struct es_service *s, enum es_func f, enum es_kind k)
{
	const char *i = es_iface_name(s->iface), *n = es_func_name(f);

	pr(b, "  <wsdl:operation name=\"%s-%s\"><wsdl:input message=\"tns:%s_%s-%s%s\"/>", i, n, s->port_type, i, n,
	   suffix[k]);
	if (k == ES_REQUEST)
		pr(b, "<wsdl:output message=\"tns:%s_%s-%sResponse\"/>", s->port_type, i, n);
	pr(b, "</wsdl:operation>\n");
}

static void bound_operation(struct bytes *b, const struct es_service *s, enum es_func f, enum es_kind k)
{
	struct es_msg *m = es_msg_new(b, s->iface, f, k);

	pr(b,
	   "  <wsdl:operation name=\"%s-%s\"><soap12:operation soapAction=\"%s\" style=\"document\"/>"
	   "<wsdl:input><soap12:body use=\"literal\"/>",
	   es_iface_name(s->iface), es_func_name(f), es_soap_action(m, m));
	for (size_t h = 0; h < sizeof(headers) / sizeof(headers[0]); h++)
		pr(b, "<soap12:header message=\"tns:Headers\" part=\"%s\" use=\"literal\"/>", headers[h]);
	pr(b, "</wsdl:input>%s</wsdl:operation>\n",
	   k == ES_REQUEST ? "<wsdl:output><soap12:body use=\"literal\"/></wsdl:output>" : "");
	talloc_free(m);
}

static void port_type(struct bytes *b, const struct es_service *s, const char *url)
{
	pr(b, " <wsdl:portType name=\"%s\">\n", s->port_type);
	each(b, s, port_operation);
	pr(b, " </wsdl:portType>\n");
}

static void binding(struct bytes *b, const struct es_service *s, const char *url)
{
	pr(b, " <wsdl:binding name=\"%sBinding\" type=\"tns:%s\">\n  <soap12:binding style=\"document\""
	   " transport=\"http://schemas.xmlsoap.org/soap/http\"/>\n", s->port_type, s->port_type);
	each(b, s, bound_operation);
	pr(b, " </wsdl:binding>\n");
}

static void service(struct bytes *b, const struct es_service *s, const char *url)
{
	pr(b, " <wsdl:service name=\"%s\"><wsdl:port name=\"%s\" binding=\"tns:%sBinding\"><soap12:address location=\"",
	   s->name, s->port, s->port_type);
	es_out_text(b, url);
	pr(b, "\"/></wsdl:port></wsdl:service>\n");
}

static void service_messages(struct bytes *b, const struct es_service *s, const char *url)
{
	each(b, s, messages);
}

static void all(const struct wsdl *w, void (*part)(struct bytes *b, const struct es_service *s, const char *url),
		const char *url)
{
	for (size_t i = 0; i < N_SERVICES; i++)
		if (w->only ? w->only == &services[i] : !strcmp(services[i].owner, w->owner))
			part(w->b, &services[i], url);
}

struct bytes *es_schema_wsdl(void *ctx, const struct es_service *only, const char *owner, const char *url,
			     const char *xsd)
{
	struct wsdl w = { .b = bytes_new(ctx, 1 << 20), .only = only, .owner = owner };

	if (!w.b)
		return NULL;
	pr(w.b,
	   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<wsdl:definitions"
	   " xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" xmlns:soap12=\"http://schemas.xmlsoap.org/wsdl/soap12/\""
	   " xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:wsa=\"%s\" xmlns:rps=\"%s\" "
	   "xmlns:tns=\"urn:osmocom:rsp:es\""
	   " targetNamespace=\"urn:osmocom:rsp:es\">\n <wsdl:types>\n  <xs:schema><xs:import namespace=\"%s\""
	   " schemaLocation=\"",
	   NS_WSA, NS_RPS, NS_RPS);
	es_out_text(w.b, xsd);
	pr(w.b, "\"/></xs:schema>\n");
	es_out_raw(w.b, addressing);
	pr(w.b, " </wsdl:types>\n <wsdl:message name=\"Headers\">");
	for (size_t h = 0; h < sizeof(headers) / sizeof(headers[0]); h++)
		pr(w.b, "<wsdl:part name=\"%s\" element=\"wsa:%s\"/>", headers[h], headers[h]);
	pr(w.b, "</wsdl:message>\n");
	all(&w, service_messages, url);
	all(&w, port_type, url);
	all(&w, binding, url);
	all(&w, service, url);
	pr(w.b, "</wsdl:definitions>\n");
	if (w.b->err)
		TALLOC_FREE(w.b);
	return w.b;
}
