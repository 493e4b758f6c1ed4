/* The XML schema of all messages, printed from the field tables (off-card.md 8.1, 8.2).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/es/es_schema.h>

#include "es_fields.h"

#define TYPES_MAX 32

struct out {
	struct bytes *b;
	enum es_iface iface;
	const struct es_group *type[TYPES_MAX];		/* named groups, printed once, last */
	size_t n_types;
};

static void __attribute__((format(printf, 2, 3))) pr(struct out *o, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = talloc_vasprintf(o->b, fmt, ap);
	va_end(ap);
	es_out_raw(o->b, text);
	talloc_free(text);
}

/* off-card.md 3.1 */
static const char simple_types[] =
	" <xs:simpleType name=\"EIDType\"><xs:restriction base=\"xs:hexBinary\"><xs:length "
	"value=\"16\"/></xs:restriction>"
	"</xs:simpleType>\n"
	" <xs:simpleType name=\"ICCIDType\"><xs:restriction base=\"xs:string\"><xs:pattern "
	"value=\"[0-9]{18,19}[0-9F]?\"/>"
	"</xs:restriction></xs:simpleType>\n"
	" <xs:simpleType name=\"AIDType\"><xs:restriction base=\"xs:hexBinary\"><xs:minLength value=\"5\"/>"
	"<xs:maxLength value=\"16\"/></xs:restriction></xs:simpleType>\n"
	" <xs:simpleType name=\"TARType\"><xs:restriction base=\"xs:hexBinary\"><xs:length "
	"value=\"3\"/></xs:restriction>"
	"</xs:simpleType>\n"
	" <xs:simpleType name=\"ObjectIdentifierType\"><xs:restriction base=\"xs:string\">"
	"<xs:pattern value=\"[0-9]+(\\.[0-9]+)*\"/></xs:restriction></xs:simpleType>\n"
	" <xs:simpleType name=\"IMSIType\"><xs:restriction base=\"xs:string\"><xs:pattern value=\"[0-9]{1,15}\"/>"
	"</xs:restriction></xs:simpleType>\n"
	" <xs:simpleType name=\"MSISDNType\"><xs:restriction base=\"xs:string\"><xs:pattern value=\"\\+?[0-9]{1,15}\"/>"
	"</xs:restriction></xs:simpleType>\n"
	" <xs:simpleType name=\"String100\"><xs:restriction base=\"xs:string\"><xs:maxLength "
	"value=\"100\"/></xs:restriction>"
	"</xs:simpleType>\n"
	" <xs:simpleType name=\"hexBinary16\"><xs:restriction base=\"xs:hexBinary\"><xs:maxLength value=\"16\"/>"
	"</xs:restriction></xs:simpleType>\n"
	" <xs:simpleType name=\"KeyIndexType\"><xs:restriction base=\"xs:integer\"><xs:minInclusive value=\"1\"/>"
	"<xs:maxInclusive value=\"127\"/></xs:restriction></xs:simpleType>\n"
	" <xs:simpleType name=\"ProfileStateType\"><xs:restriction base=\"xs:string\"><xs:enumeration "
	"value=\"Created\"/>"
	"<xs:enumeration value=\"Disabled\"/><xs:enumeration value=\"Enabled\"/></xs:restriction></xs:simpleType>\n"
	" <xs:simpleType name=\"StatusType\"><xs:restriction base=\"xs:string\">"
	"<xs:enumeration value=\"EXECUTED_SUCCESS\"/><xs:enumeration value=\"EXECUTED_WITHWARNING\"/>"
	"<xs:enumeration value=\"FAILED\"/><xs:enumeration value=\"EXPIRED\"/></xs:restriction></xs:simpleType>\n";

/* What is no table: a status, key components, properties */
static const char other_types[] =
	" <xs:complexType name=\"ExecutionStatusType\"><xs:sequence>\n"
	"  <xs:element name=\"Status\" type=\"rps:StatusType\"/>\n"
	"  <xs:element name=\"StatusCodeData\" type=\"rps:StatusCodeDataType\" minOccurs=\"0\"/>\n"
	" </xs:sequence></xs:complexType>\n"
	" <xs:complexType name=\"KeyComponentsType\"><xs:sequence>\n"
	"  <xs:element name=\"KeyComponent\" maxOccurs=\"unbounded\"><xs:complexType>"
	"<xs:attribute name=\"type\" type=\"xs:hexBinary\" use=\"required\"/><xs:attribute name=\"value\" "
	"type=\"xs:hexBinary\"/>"
	"</xs:complexType></xs:element>\n"
	" </xs:sequence></xs:complexType>\n"
	" <xs:complexType name=\"PropertiesType\"><xs:sequence>\n"
	"  <xs:element name=\"Property\" minOccurs=\"0\" maxOccurs=\"64\"><xs:complexType><xs:sequence>"
	"<xs:element name=\"key\" type=\"xs:string\"/><xs:element name=\"value\" type=\"xs:string\"/>"
	"</xs:sequence></xs:complexType></xs:element>\n"
	" </xs:sequence></xs:complexType>\n"
	" <xs:complexType name=\"SignatureType\"><xs:sequence><xs:any namespace=\"##any\" processContents=\"lax\""
	" minOccurs=\"0\" maxOccurs=\"unbounded\"/></xs:sequence><xs:anyAttribute "
	"processContents=\"lax\"/></xs:complexType>\n";

static const char *simple_type(const struct es_field *f)
{
	switch (f->type) {
	case ET_OID:
		return "rps:ObjectIdentifierType";
	case ET_DIGITS:
		return !strcmp(f->name, "Imsi") ? "rps:IMSIType" : "rps:MSISDNType";
	case ET_ICCID:
	case ET_ICCIDS:
		return "rps:ICCIDType";
	case ET_U8:
		return "xs:unsignedByte";
	case ET_U32:
		return "xs:unsignedInt";
	case ET_U64:
		return "xs:unsignedLong";
	case ET_BOOL:
		return "xs:boolean";
	case ET_TIME:
		return "xs:dateTime";
	case ET_EID:
		return "rps:EIDType";
	case ET_AID:
		return "rps:AIDType";
	case ET_HEX:
		return "xs:hexBinary";
	case ET_HEX16:
		return "rps:hexBinary16";
	case ET_TAR:
		return "rps:TARType";
	case ET_PSTATE:
		return "rps:ProfileStateType";
	case ET_CERT_INDEX:
		return "rps:KeyIndexType";
	case ET_RESULT:
		return "rps:ExecutionStatusType";
	case ET_KEYS:
		return "rps:KeyComponentsType";
	case ET_SIGNATURE:
		return "rps:SignatureType";
	case ET_PROPS:
		return "rps:PropertiesType";
	case ET_CHARS:
		return f->aux == 101 ? "rps:String100" : "xs:string";
	default:
		return "xs:string";
	}
}

static void occurs(struct out *o, const struct es_field *f)
{
	/* read without, for some senders have none (es_body.c), but always written */
	if (f->card != EC_ONE && strcmp(f->name, "FunctionCallIdentifier"))
		pr(o, " minOccurs=\"0\"");
	if (f->type == ET_TAR)
		pr(o, " maxOccurs=\"unbounded\"");
	else if (f->card == EC_MANY)
		pr(o, " maxOccurs=\"%zu\"", f->max);
}

static void fields(struct out *o, const struct es_group *g, const char *indent);

static void type_note(struct out *o, const struct es_group *g)
{
	for (size_t i = 0; i < o->n_types; i++)
		if (!strcmp(o->type[i]->type, g->type))
			return;
	if (o->n_types < TYPES_MAX)
		o->type[o->n_types++] = g;
}

static void words(struct out *o, const struct es_field *f)
{
	size_t len;

	pr(o, "><xs:simpleType><xs:restriction base=\"xs:string\">");
	for (const char *w = f->words; *w; w += len + (w[len] != 0)) {
		len = strcspn(w, "|");
		pr(o, "<xs:enumeration value=\"%.*s\"/>", (int)len, w);
	}
	pr(o, "</xs:restriction></xs:simpleType></xs:element>\n");
}

static void field(struct out *o, const struct es_field *f, const char *indent)
{
	pr(o, "%s<xs:element name=\"%s\"", indent, f->name);
	occurs(o, f);
	if (f->type == ET_WORD) {
		words(o, f);
	} else if (!f->sub) {
		pr(o, " type=\"%s\"/>\n", simple_type(f));
	} else if (f->sub->type) {
		type_note(o, f->sub);
		pr(o, " type=\"rps:%s\"/>\n", f->sub->type);
	} else {
		char *more = talloc_asprintf(o->b, "%s  ", indent);

		pr(o, "><xs:complexType><xs:sequence>\n");
		fields(o, f->sub, more);
		pr(o, "%s</xs:sequence></xs:complexType></xs:element>\n", indent);
		talloc_free(more);
	}
}

static void fields(struct out *o, const struct es_group *g, const char *indent)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->f[i].card != EC_ALIAS && (!g->f[i].ifaces || g->f[i].ifaces & (1 << o->iface)))
			field(o, &g->f[i], indent);
}

static void message(struct out *o, enum es_iface i, enum es_func f, enum es_kind k)
{
	static const char *const suffix[] = { "Request", "Response", "" };
	const struct es_group *g = es_body_group(i, f, k);

	if (!g)
		return;
	o->iface = i;
	pr(o, " <xs:element name=\"%s-%s%s\"><xs:complexType><xs:sequence>\n", es_iface_name(i), es_func_name(f),
	   suffix[k]);
	fields(o, es_body_base(k), "  ");
	fields(o, g, "  ");
	pr(o, " </xs:sequence></xs:complexType></xs:element>\n");
}

struct bytes *es_schema_xsd(void *ctx, bool old_ns)
{
	const char *ns = old_ns ? NS_RPS1 : NS_RPS;
	struct out o = { .b = bytes_new(ctx, 1 << 20) };

	if (!o.b)
		return NULL;
	pr(&o, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\""
	   " xmlns:rps=\"%s\" targetNamespace=\"%s\" elementFormDefault=\"qualified\">\n", ns, ns);
	es_out_raw(o.b, simple_types);
	for (int i = 0; i < _ES_IFACES; i++)
		for (int f = ES_FN_NONE + 1; f < _ES_FN_COUNT; f++)
			for (int k = ES_REQUEST; k <= ES_NOTIFICATION; k++)
				message(&o, i, f, k);
	pr(&o, " <xs:element name=\"Eis\" type=\"rps:EISType\"/>\n");
	type_note(&o, &es_group_status);
	for (size_t i = 0; i < o.n_types; i++) {	/* grows meanwhile */
		pr(&o, " <xs:complexType name=\"%s\"><xs:sequence>\n", o.type[i]->type);
		fields(&o, o.type[i], "  ");
		pr(&o, " </xs:sequence></xs:complexType>\n");
	}
	es_out_raw(o.b, other_types);
	pr(&o, "</xs:schema>\n");
	if (o.b->err)
		TALLOC_FREE(o.b);
	return o.b;
}

/* ---- for people ---- */

/* Our own types without their prefix */
static const char *plain_type(const struct es_field *f)
{
	const char *t = simple_type(f);

	return strncmp(t, "rps:", 4) ? t : t + 4;
}

static void manual_field(struct out *o, const struct es_field *f, const char *indent)
{
	static const char *const card[] = { [EC_ONE] = "1", [EC_OPT] = "0..1", [EC_MANY] = "0..n" };

	if (f->card == EC_ALIAS || (f->ifaces && !(f->ifaces & (1 << o->iface))))
		return;
	pr(o, "%s- `%s` %s", indent, f->name, card[f->card]);
	if (f->words)
		pr(o, ", one of `%s`", f->words);
	else
		pr(o, ", %s", f->sub && f->sub->type ? f->sub->type : f->sub ? "group" : plain_type(f));
	if (f->spell) {
		pr(o, "; also spelt");
		for (unsigned w = 1; es_spelling(f->spell, w); w++)
			pr(o, " `%s`", es_spelling(f->spell, w));
		pr(o, " (setting `spelling %s`)", es_spell_name(f->spell));
	}
	pr(o, "\n");
	if (f->sub && f->sub->type)
		type_note(o, f->sub);
	for (size_t i = 0; f->sub && !f->sub->type && i < f->sub->n; i++)
		manual_field(o, &f->sub->f[i], "  ");
}

static void manual_message(struct out *o, enum es_iface i, enum es_func f, enum es_kind k, const char *what)
{
	const struct es_group *g = es_body_group(i, f, k);

	if (!g)
		return;
	o->iface = i;
	pr(o, "\n%s:\n\n", what);
	for (size_t n = 0; n < es_body_base(k)->n; n++)
		manual_field(o, &es_body_base(k)->f[n], "");
	for (size_t n = 0; n < g->n; n++)
		manual_field(o, &g->f[n], "");
}

struct bytes *es_schema_manual(void *ctx)
{
	struct out o = { .b = bytes_new(ctx, 1 << 20) };

	if (!o.b)
		return NULL;
	pr(&o, "# The off-card interfaces: functions and fields\n\nPrinted from the tables that encode and decode "
	       "(`osmo-es "
	       "--manual`). Elements are read in any order, their names without regard to case and hyphens, unknown "
	       "ones are "
	       "skipped; they are written in this order.\n");
	for (int i = 0; i < _ES_IFACES; i++) {
		pr(&o, "\n## %s\n", es_iface_name(i));
		for (int f = ES_FN_NONE + 1; f < _ES_FN_COUNT; f++) {
			bool note = es_body_group(i, f, ES_NOTIFICATION);

			if (!note && !es_body_group(i, f, ES_REQUEST))
				continue;
			pr(&o, "\n### %s-%s%s\n", es_iface_name(i), es_func_name(f),
			   note			? ""
			   : es_func_is_sync(f) ? " (answered in the HTTP reply)"
						: " (answered by callback)");
			manual_message(&o, i, f, ES_REQUEST, "Request");
			manual_message(&o, i, f, ES_RESPONSE, "Response");
			manual_message(&o, i, f, ES_NOTIFICATION, "Notification");
		}
	}
	pr(&o, "\n## Types\n");
	for (size_t i = 0; i < o.n_types; i++) {
		pr(&o, "\n### %s\n\n", o.type[i]->type);
		for (size_t n = 0; n < o.type[i]->n; n++)
			manual_field(&o, &o.type[i]->f[n], "");
	}
	if (o.b->err)
		TALLOC_FREE(o.b);
	return o.b;
}
