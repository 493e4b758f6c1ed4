/* SOAP 1.2 envelope with WS-Addressing headers, Action names and faults (SGP.02 Annex B, off-card.md 1).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "es_dsig.h"
#include "es_fields.h"
#include "es_soap.h"

#define ANONYMOUS NS_WSA "/anonymous"
#define MAX_HEADER 2048		/* octets of one address or MessageID */

bool es_msg_exists(enum es_iface iface, enum es_func func, enum es_kind kind)
{
	return es_body_group(iface, func, kind) != NULL;
}

bool es_func_is_sync(enum es_func func)
{
	switch (func) {
	case ES_FN_GET_EIS:
	case ES_FN_REGISTER_EIS:
	case ES_FN_UPDATE_EIS_PROPERTIES:
	case ES_FN_UPDATE_POLICY_RULES:
	case ES_FN_UPDATE_SUBSCRIPTION_ADDRESS:
	case ES_FN_PROFILE_DOWNLOAD_COMPLETED:
	case ES_FN_SET_PLMA:
	case ES_FN_GET_PLMA:
	case ES_FN_SET_ONC:
	case ES_FN_GET_ONC:
	case ES_FN_PREPARE_SMSR_CHANGE:
		return true;
	default:
		return false;
	}
}

/* ---- query part (1.4) ---- */

static char *query_unescape(char *s)
{
	char *in = s, *out = s, hex[3] = "";

	for (; *in; out++) {
		if (in[0] == '%' && isxdigit((unsigned char)in[1]) && isxdigit((unsigned char)in[2])) {
			memcpy(hex, in + 1, 2);
			*out = strtol(hex, NULL, 16);
			if (!*out)	/* a string ends where its sender ended it */
				*out = '?';
			in += 3;
		} else {
			*out = *in++;	/* '+' stays '+' */
		}
	}
	*out = 0;
	return s;
}

char *es_query_param(void *ctx, const char *uri, const char *key)
{
	const char *p = strchr(uri, '?');
	size_t key_len = strlen(key), len;

	while (p && *p) {
		p++;
		len = strcspn(p, "&?");
		if (len > key_len && p[key_len] == '=' && !strncasecmp(p, key, key_len))
			return query_unescape(talloc_strndup(ctx, p + key_len + 1, len - key_len - 1));
		p += len;
	}
	return NULL;
}

char *es_message_id_base(void *ctx, const char *message_id)
{
	return talloc_strndup(ctx, message_id, strcspn(message_id, "?&"));
}

/* ---- names ---- */

static const char *const kind_suffix[] = {
	[ES_REQUEST] = "Request", [ES_RESPONSE] = "Response", [ES_NOTIFICATION] = ""
};

static char *body_name(void *ctx, const struct es_msg *m)
{
	return talloc_asprintf(ctx, "%s-%s%s", es_iface_name(m->iface), es_func_name(m->func), kind_suffix[m->kind]);
}

/* "ES4A-": the interface, and where the function's name begins; _ES_IFACES: none of ours */
static enum es_iface iface_parse(const char *name, const char **rest)
{
	for (int i = 0; i < _ES_IFACES; i++) {
		size_t len = strlen(es_iface_name(i));

		if (!strncmp(name, es_iface_name(i), len) && name[len] == '-') {
			*rest = name + len + 1;
			return i;
		}
	}
	return _ES_IFACES;
}

/* -ENOTSUP: an RPS element but no function we have; -EINVAL: not an RPS message at all */
static int body_parse(struct es_msg *m, const char *name)
{
	const char *rest;
	char base[ES_NAME_SIZE];
	size_t len, cut;

	m->iface = iface_parse(name, &rest);
	if (m->iface == _ES_IFACES)
		return strncmp(name, "ES", 2) || strlen(name) < 5 ? -EINVAL : -ENOTSUP;
	len = strlen(rest);
	for (int k = ES_REQUEST; k <= ES_NOTIFICATION; k++) {
		cut = strlen(kind_suffix[k]);
		if (len < cut || len - cut >= sizeof(base) || strcasecmp(rest + len - cut, kind_suffix[k]))
			continue;
		snprintf(base, sizeof(base), "%.*s", (int)(len - cut), rest);
		m->func = es_func_parse(base);
		m->kind = k;
		if (m->func != ES_FN_NONE && es_body_group(m->iface, m->func, k))
			return 0;
	}
	return -ENOTSUP;
}

/* 1.6, the table */
static const char *action_group(const struct es_msg *m, const struct es_dialect *d)
{
	switch (m->func) {
	case ES_FN_REGISTER_EIS:
	case ES_FN_UPDATE_EIS_PROPERTIES:
	case ES_FN_PREPARE_SMSR_CHANGE:
	case ES_FN_SMSR_CHANGE:
		return "eUICCManagement";
	case ES_FN_ENABLE_PROFILE:
	case ES_FN_DISABLE_PROFILE:
	case ES_FN_DELETE_PROFILE:
	case ES_FN_DELETE_ISDP:
		if (d->platform)
			return d->managent ? "PlatformManagent" : "PlatformManagement";
		break;
	default:
		if (m->iface == ES7)
			return "eUICCManagement";
	}
	return d->managent ? "ProfileManagent" : "ProfileManagement";
}

static bool action_suffixed(const struct es_msg *m, const struct es_dialect *d, bool callback)
{
	if (callback || m->kind == ES_NOTIFICATION)
		return false;
	if (d->suffix != ES_SUFFIX_BY_FUNCTION)
		return d->suffix == ES_SUFFIX_ALWAYS;
	if (m->iface == ES2 && m->kind == ES_REQUEST)
		return m->func != ES_FN_UPDATE_POLICY_RULES;
	return m->func == ES_FN_GET_EIS || m->func == ES_FN_REGISTER_EIS || m->func == ES_FN_UPDATE_EIS_PROPERTIES;
}

/* 1.6: functions answered at once carry Request/Response, others none and answer with CallBack; ES2 requests carry it
 * too */
char *es_soap_action(void *ctx, const struct es_msg *m)
{
	static const struct es_dialect by_default;
	const struct es_dialect *d = m->dialect ? : &by_default;
	bool callback = m->kind == ES_NOTIFICATION || (m->kind == ES_RESPONSE && !es_func_is_sync(m->func));

	return talloc_asprintf(ctx, "http://gsma.com/%s/%s%s/%s-%s%s", es_iface_name(m->iface), action_group(m, d),
			       callback ? "CallBack" : "", es_iface_name(m->iface), es_func_name(m->func),
			       action_suffixed(m, d, callback) ? kind_suffix[m->kind] : "");
}

/* ---- writing ---- */

static char *address_with_entity(void *ctx, const char *address, const char *entity, const struct es_dialect *d)
{
	char *have = es_query_param(ctx, address, "EntityId");

	if (have || !entity)
		return talloc_strdup(ctx, address);
	return talloc_asprintf(ctx, "%s%sEntityId=%s", address,
			       strchr(address, '?') && !(d && d->question_mark) ? "&" : "?", entity);
}

/* 1.4: a peer of v4 wants ? between all parameters */
static char *query_spell(void *ctx, const char *uri, const struct es_dialect *d)
{
	char *s = talloc_strdup(ctx, uri), *q = strchr(s, '?');

	for (; d && d->question_mark && q && *q; q++)
		if (*q == '&')
			*q = '?';
	return s;
}

static void enc_epr(struct bytes *out, const char *name, const char *address, const struct es_dialect *d)
{
	char *spelt = query_spell(out, address, d);

	es_out_open(out, name);
	es_out_elem(out, "wsa:Address", spelt);
	es_out_close(out, name);
	talloc_free(spelt);
}

static void enc_token(struct bytes *out, void *tmp, const struct es_token *t)
{
	es_out_raw(out, "<wsse:Security xmlns:wsse=\"" NS_WSSE "\" xmlns:wsu=\"" NS_WSU "\"><wsse:UsernameToken>");
	es_out_elem(out, "wsse:Username", t->user);
	es_out_raw(out, "<wsse:Password Type=\"" NS_WSSE_DIGEST "\">");
	es_out_text(out, es_base64_enc(tmp, t->digest->data, t->digest->len));
	es_out_raw(out, "</wsse:Password>");
	es_out_elem(out, "wsse:Nonce", es_base64_enc(tmp, t->nonce->data, t->nonce->len));
	es_out_elem(out, "wsu:Created", t->created);
	es_out_raw(out, "</wsse:UsernameToken></wsse:Security>");
}

static void enc_header(struct bytes *out, const struct es_msg *m)
{
	void *tmp = talloc_new(out);

	es_out_open(out, "soap:Header");
	if (m->from || m->from_entity)
		enc_epr(out, "wsa:From", address_with_entity(tmp, m->from ? m->from : ANONYMOUS, m->from_entity,
			m->dialect), m->dialect);
	es_out_elem(out, "wsa:To", address_with_entity(tmp, m->to ? m->to : ANONYMOUS, m->to_entity,
		    m->dialect));
	es_out_elem(out, "wsa:MessageID", m->message_id);
	es_out_elem(out, "wsa:Action", es_soap_action(tmp, m));
	if (m->reply_to)
		enc_epr(out, "wsa:ReplyTo", m->reply_to, NULL);
	if (m->relates_to)
		es_out_elem(out, "wsa:RelatesTo", m->relates_to);
	es_out_close(out, "soap:Header");
	talloc_free(tmp);
}

/* 4.6: which eUICC, by its EID or as an EIS with nothing but the EID */
static void enc_authenticate(struct bytes *out, const struct es_group *g, const struct es_msg *m,
			     const struct es_enc *e)
{
	struct es_body b = m->b;
	struct es_eis eis = { .eid = b.eid };

	if (m->dialect && m->dialect->authenticate_eis) {
		b.has_eid = false;
		b.eis = &eis;
	} else {
		b.eis = NULL;
	}
	es_fields_enc(out, g, &b, e);
}

static void enc_body(struct bytes *out, const struct es_msg *m, const struct es_group *g)
{
	const struct es_enc e = { m->iface, m->dialect };
	char *name = body_name(out, m);

	es_out_open(out, "soap:Body");
	es_out_open(out, name);
	if (m->kind == ES_REQUEST && !m->b.fcid) /* mandatory; the MessageID serves where the caller has none (2) */
		es_out_elem(out, "FunctionCallIdentifier", m->message_id);
	es_fields_enc(out, es_body_base(m->kind), &m->b, &e);
	if (m->func == ES_FN_AUTHENTICATE_SMSR && m->kind == ES_REQUEST)
		enc_authenticate(out, g, m, &e);
	else
		es_fields_enc(out, g, &m->b, &e);
	es_out_close(out, name);
	es_out_close(out, "soap:Body");
	talloc_free(name);
}

struct bytes *es_soap_enc(void *ctx, const struct es_msg *m)
{
	const struct es_group *g = es_body_group(m->iface, m->func, m->kind);
	struct bytes *out;

	if (!g || !m->message_id || (unsigned)m->kind > ES_NOTIFICATION)
		return NULL;
	out = bytes_new(ctx, m->func == ES_FN_SEND_DATA ? ES_XML_MAX_HUGE : ES_XML_MAX);
	if (!out)
		return NULL;
	es_out_raw(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soap:Envelope xmlns:soap=\"" NS_SOAP
			"\" xmlns:wsa=\"" NS_WSA "\" xmlns:rps=\"");
	es_out_raw(out, m->dialect && m->dialect->old_ns ? NS_RPS1 : NS_RPS);
	es_out_raw(out, "\">");
	enc_header(out, m);
	enc_body(out, m, g);
	es_out_close(out, "soap:Envelope");
	if (out->err)
		TALLOC_FREE(out);
	return out;
}

struct bytes *es_soap_poll_enc(void *ctx, const char *from, const char *to, const char *message_id, const char *address)
{
	struct bytes *out = bytes_new(ctx, 64 << 10);

	if (!out)
		return NULL;
	es_out_raw(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soap:Envelope xmlns:soap=\"" NS_SOAP
		   "\" xmlns:wsa=\"" NS_WSA "\" xmlns:wsmc=\"" NS_WSMC "\"><soap:Header>");
	enc_epr(out, "wsa:From", from, NULL);
	es_out_elem(out, "wsa:To", to);
	es_out_elem(out, "wsa:MessageID", message_id);
	es_out_elem(out, "wsa:Action", NS_WSMC "/MakeConnection");
	es_out_raw(out, "</soap:Header><soap:Body><wsmc:MakeConnection>");
	es_out_elem(out, "wsmc:Address", address);
	es_out_raw(out, "</wsmc:MakeConnection></soap:Body></soap:Envelope>");
	return out;
}

struct bytes *es_soap_add_header(struct bytes *text, const struct bytes *element)
{
	const char *end = memmem(text->data, text->len, "</soap:Header>", 14);
	size_t before = end ? (size_t)(end - (const char *)text->data) : text->len;
	struct bytes *out = bytes_new(talloc_parent(text), 0);

	bytes_put(out, text->data, before);
	if (end)
		bytes_put_bytes(out, element);
	bytes_put(out, text->data + before, text->len - before);
	talloc_free(text);
	return out;
}

struct bytes *es_soap_add_token(struct bytes *text, const struct es_token *t)
{
	struct bytes *element = bytes_new(text, 4096);

	if (t)
		enc_token(element, element, t);
	return es_soap_add_header(text, element);
}

struct bytes *es_soap_fault(void *ctx, bool sender, const char *text)
{
	struct bytes *out = bytes_new(ctx, 64 << 10);

	if (!out)
		return NULL;
	es_out_raw(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soap:Envelope xmlns:soap=\"" NS_SOAP
		   "\"><soap:Body><soap:Fault><soap:Code><soap:Value>soap:");
	es_out_raw(out, sender ? "Sender" : "Receiver");
	es_out_raw(out, "</soap:Value></soap:Code><soap:Reason><soap:Text xml:lang=\"en\">");
	es_out_text(out, text ? text : "");
	es_out_raw(out, "</soap:Text></soap:Reason></soap:Fault></soap:Body></soap:Envelope>");
	if (out->err)
		TALLOC_FREE(out);
	return out;
}

/* ---- reading ---- */

static char *header_text(struct es_msg *m, const struct _xmlNode *n)
{
	const struct _xmlNode *c;
	char *text = NULL;

	if (!es_xml_first(n)) {
		text = es_xml_text(m, n);
	} else {	/* an endpoint reference: only Address counts (1.3) */
		for (c = es_xml_first(n); c && !text; c = es_xml_next(c))
			if (!strcmp(es_xml_name(c), "Address"))
				text = es_xml_text(m, c);
	}
	if (text && (!*text || strlen(text) > MAX_HEADER))
		TALLOC_FREE(text);
	return text;
}

static void dec_token(struct es_msg *m, const struct _xmlNode *token)
{
	struct es_token *t = talloc_zero(m, struct es_token);
	const struct _xmlNode *n;
	char *nonce = NULL, *digest = NULL, *type = NULL;

	for (n = es_xml_first(token); n; n = es_xml_next(n)) {
		if (!strcmp(es_xml_name(n), "Username") && !t->user) {
			t->user = header_text(m, n);
		} else if (!strcmp(es_xml_name(n), "Created") && !t->created) {
			t->created = header_text(m, n);
		} else if (!strcmp(es_xml_name(n), "Nonce") && !nonce) {
			nonce = header_text(m, n);
		} else if (!strcmp(es_xml_name(n), "Password") && !digest) {
			type = es_xml_attr(m, n, "Type");	/* the bare fragment is seen, too (1.9) */
			if (type && strlen(type) >= 15 && !strcmp(type + strlen(type) - 15, "#PasswordDigest"))
				digest = header_text(m, n);
		}
	}
	t->nonce = nonce ? es_base64_dec(t, nonce) : NULL;
	t->digest = digest ? es_base64_dec(t, digest) : NULL;
	m->token = t;
}

static void dec_security(struct es_msg *m, const struct _xmlNode *security)
{
	for (const struct _xmlNode *n = es_xml_first(security); n; n = es_xml_next(n))
		if (es_xml_in(n, NS_WSSE) && !strcmp(es_xml_name(n), "UsernameToken") && !m->token)
			dec_token(m, n);
}

static void dec_header(struct es_msg *m, const struct _xmlNode *header)
{
	const struct { const char *name; char **at; } rows[] = {
		{ "From", &m->from }, { "To", &m->to }, { "ReplyTo", &m->reply_to }, { "MessageID", &m->message_id },
		{ "RelatesTo", &m->relates_to },
	};
	const struct _xmlNode *n;

	for (n = es_xml_first(header); n; n = es_xml_next(n)) {
		if (es_xml_in(n, NS_WSSE) && !strcmp(es_xml_name(n), "Security"))
			dec_security(m, n);
		if (!es_xml_in(n, NS_WSA) && !es_xml_in(n, NS_WSA_WRONG))
			continue;
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (!strcmp(es_xml_name(n), rows[i].name) && !*rows[i].at)
				*rows[i].at = header_text(m, n);
	}
	if (m->reply_to && (!strcmp(m->reply_to, ANONYMOUS) || !strcmp(m->reply_to, NS_WSA "/none")))
		TALLOC_FREE(m->reply_to);
	if (m->from)
		m->from_entity = es_query_param(m, m->from, "EntityId");
	if (m->to)
		m->to_entity = es_query_param(m, m->to, "EntityId");
	if (m->message_id)
		m->transaction_id = es_query_param(m, m->message_id, "TransactionId");
}

static int dec_fail(void *ctx, char **err, int rc, const char *what)
{
	talloc_free(*err);
	*err = talloc_strdup(ctx, what);
	return rc;
}

static int dec_fault(void *ctx, char **err, const struct _xmlNode *fault)
{
	char *text = NULL;
	const struct _xmlNode *n, *t;

	for (n = es_xml_first(fault); n; n = es_xml_next(n)) {
		t = es_xml_first(n);
		if (!strcmp(es_xml_name(n), "Reason") && t && !text)
			text = es_xml_text(ctx, t);
	}
	talloc_free(*err);
	*err = talloc_asprintf(ctx, "SOAP fault: %.200s", text && es_xml_utf8(text) ? text : "");
	talloc_free(text);
	return -EPROTO;
}

/* AuthenticateSMSR names its eUICC by Eid or by an Eis (9 no. 5). */
static int eid_of_eis(struct es_dec *d, struct es_msg *m, const struct _xmlNode *n)
{
	if (m->b.has_eid)
		return 0;
	if (!m->b.eis || !m->b.eis->eid.b[0])
		return es_dec_fail(d, ES_R_PARAM_MISSING, n, "Eid", "missing");
	m->b.eid = m->b.eis->eid;
	m->b.has_eid = true;
	return 0;
}

static int dec_body(struct es_msg *m, char **err, enum es_reason *reason, void *ctx, const struct _xmlNode *n)
{
	const struct es_group *g = es_body_group(m->iface, m->func, m->kind);
	struct es_dec d = { .ctx = m, .err = err, .err_ctx = ctx, .iface = m->iface };
	int rc = es_fields_dec(&d, es_body_base(m->kind), &m->b, n);

	d.lenient = m->kind == ES_RESPONSE;
	if (!rc)
		rc = es_fields_dec(&d, g, &m->b, n);
	if (!rc && m->func == ES_FN_AUTHENTICATE_SMSR && m->kind == ES_REQUEST)
		rc = eid_of_eis(&d, m, n);
	if (rc == -EBADMSG && reason)
		*reason = d.reason;
	return rc;
}

/* 1.5.3 */
static int dec_poll(struct es_msg *m, char **err, void *ctx, const struct _xmlNode *header, const struct _xmlNode *poll)
{
	for (const struct _xmlNode *n = es_xml_first(poll); n; n = es_xml_next(n))
		if (es_xml_in(n, NS_WSMC) && !strcmp(es_xml_name(n), "Address") && !m->poll)
			m->poll = header_text(m, n);
	if (!m->poll)
		return dec_fail(ctx, err, -EINVAL, "Envelope/Body/MakeConnection/Address: missing");
	if (header)
		dec_header(m, header);
	return 0;
}

static int dec_envelope(struct es_msg *m, char **err, enum es_reason *reason, void *ctx, const struct _xmlNode *env,
			size_t len)
{
	const struct _xmlNode *n, *header = NULL, *body = NULL;
	int rc;

	if (strcmp(es_xml_name(env), "Envelope") || !es_xml_in(env, NS_SOAP))
		return dec_fail(ctx, err, -EINVAL, "root is not a SOAP 1.2 Envelope");
	for (n = es_xml_first(env); n; n = es_xml_next(n)) {
		if (!es_xml_in(n, NS_SOAP))
			continue;
		if (!strcmp(es_xml_name(n), "Header") && !header)
			header = n;
		else if (!strcmp(es_xml_name(n), "Body") && !body)
			body = n;
	}
	n = body ? es_xml_first(body) : NULL;
	if (!n || es_xml_next(n))
		return dec_fail(ctx, err, -EINVAL, "Envelope/Body: not exactly one element");
	if (es_xml_in(n, NS_SOAP) && !strcmp(es_xml_name(n), "Fault"))
		return dec_fault(ctx, err, n);
	if (es_xml_in(n, NS_WSMC) && !strcmp(es_xml_name(n), "MakeConnection"))
		return dec_poll(m, err, ctx, header, n);
	m->old_ns = es_xml_in(n, NS_RPS1);
	if (!m->old_ns && !es_xml_in(n, NS_RPS))
		return dec_fail(ctx, err, -EINVAL, "Envelope/Body: element is in no esim-messaging namespace");
	rc = body_parse(m, es_xml_name(n));
	if (rc < 0)
		return dec_fail(ctx, err, rc,
				rc == -ENOTSUP ? "Envelope/Body: no such function" : "Envelope/Body: not a function");
	if (len > ES_XML_MAX && (m->func != ES_FN_SEND_DATA || m->kind != ES_REQUEST))
		return dec_fail(ctx, err, -EINVAL, "message is too large for its function");
	if (header)
		dec_header(m, header);
	return dec_body(m, err, reason, ctx, n);
}

int es_soap_dec_reason(struct es_msg **m, char **err, enum es_reason *reason, void *ctx, const uint8_t *in, size_t len)
{
	bool huge = len > ES_XML_MAX && len <= ES_XML_MAX_HUGE && memmem(in, len, "-SendDataRequest", 16);
	struct es_xml *x;
	int rc;

	*m = NULL;
	*err = NULL;
	x = es_xml_parse(ctx, err, in, len, huge);
	if (!x)
		return -EINVAL;
	*m = talloc_zero(ctx, struct es_msg);
	if (!*m) {
		talloc_free(x);
		return -ENOMEM;
	}
	rc = dec_envelope(*m, err, reason, ctx, es_xml_root(x), len);
	talloc_free(x);
	if (rc < 0 && rc != -EBADMSG)
		TALLOC_FREE(*m);
	return rc;
}

int es_soap_dec(struct es_msg **m, char **err, void *ctx, const uint8_t *in, size_t len)
{
	int rc = es_soap_dec_reason(m, err, NULL, ctx, in, len);

	if (rc < 0)
		TALLOC_FREE(*m);
	return rc;
}
