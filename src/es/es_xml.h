/* The XML library behind one door: read-only view of a parsed document, canonical text, and a text writer.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <osmocom/rsp/util/bytes.h>

struct _xmlNode;
struct _xmlDoc;
struct es_xml;			/* talloc object owning the document */

#define NS_SOAP	"http://www.w3.org/2003/05/soap-envelope"
#define NS_WSA	"http://www.w3.org/2005/08/addressing"
#define NS_WSA_WRONG "http://www.w3.org/2007/05/addressing/metadata"	/* seen in one code base, accepted */
#define NS_RPS	"http://namespaces.gsma.org/esim-messaging/3"
#define NS_RPS1	"http://namespaces.gsma.org/esim-messaging/1"
#define NS_WSMC	"http://docs.oasis-open.org/ws-rx/wsmc/200702"
#define NS_WSSE	"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
#define NS_WSU	"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
#define NS_WSSE_DIGEST "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
#define NS_DS	"http://www.w3.org/2000/09/xmldsig#"

#define ES_XML_MAX_DEPTH 32
#define ES_XML_MAX_ELEMENTS 20000
#define ES_XML_MAX (256U << 10)				/* any message */
#define ES_XML_MAX_HUGE ((8U << 20) + ES_XML_MAX)	/* SendData: 8 MB of hex text and its envelope */

/* NULL and *err on anything but a well-formed UTF-8 document without DOCTYPE, within the limits. */
struct es_xml *es_xml_parse(void *ctx, char **err, const uint8_t *in, size_t len, bool huge);
const struct _xmlNode *es_xml_root(const struct es_xml *x);
struct _xmlDoc *es_xml_doc(struct es_xml *x);
const struct _xmlNode *es_xml_first(const struct _xmlNode *n);	/* first child element or NULL */
const struct _xmlNode *es_xml_next(const struct _xmlNode *n);	/* next sibling element or NULL */
const struct _xmlNode *es_xml_parent(const struct _xmlNode *n);
const char *es_xml_name(const struct _xmlNode *n);		/* local part */
bool es_xml_in(const struct _xmlNode *n, const char *ns);	/* ns "": in no namespace */
char *es_xml_text(void *ctx, const struct _xmlNode *n);		/* trimmed text; NULL if it has child elements */
char *es_xml_attr(void *ctx, const struct _xmlNode *n, const char *name);	/* any namespace; NULL if absent */
char *es_xml_path(void *ctx, const struct _xmlNode *n);		/* "Envelope/Body/ES3-GetEISRequest/Eid" */
/* Canonical text (C14N 1.0 exclusive or inclusive, no comments) of the subtree at n. */
struct bytes *es_xml_c14n(void *ctx, const struct _xmlNode *n, bool exclusive);
/* The library writes to stderr what a peer made it stumble over: not between these two. h keeps what was set. */
struct es_xml_hush { void (*func)(void); void *ctx; };
void es_xml_hush(struct es_xml_hush *h);
void es_xml_unhush(const struct es_xml_hush *h);
bool es_xml_utf8(const char *s);

/* Writer: everything in prefix rps unless the name brings its own. */
void es_out_raw(struct bytes *b, const char *s);
void es_out_text(struct bytes *b, const char *s);		/* escaped; what XML cannot hold becomes '?' */
void es_out_open(struct bytes *b, const char *name);
void es_out_close(struct bytes *b, const char *name);
void es_out_elem(struct bytes *b, const char *name, const char *text);
