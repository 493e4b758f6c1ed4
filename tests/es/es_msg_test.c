/* The off-card codec: each message there and back, the samples of the specification digest, the worked message of
 * its 8.4, messages of lxml and zeep, hostile XML.  SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include "es_help.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include "../../src/es/es_soap.h"

static void dec_bad(const char *in, int want_rc, const char *want_err)
{
	void *ctx = talloc_new(NULL);
	struct es_msg *m = NULL;
	char *err = NULL;
	int rc = es_soap_dec(&m, &err, ctx, (const uint8_t *)in, strlen(in));

	assert_int_equal(rc, want_rc);
	assert_null(m);
	assert_non_null(err);
	if (want_err && !strstr(err, want_err))
		fail_msg("error is '%s', not '%s'", err, want_err);
	talloc_free(ctx);
}

static bool has(const struct bytes *b, const char *text)
{
	return memmem(b->data, b->len, text, strlen(text)) != NULL;
}

static void there_and_back(void *ctx, enum es_iface i, enum es_func f, enum es_kind k)
{
	struct es_msg *m = help_msg(ctx, i, f, k), *back;
	struct bytes *text = es_soap_enc(ctx, m), *again;

	assert_non_null(text);
	back = help_dec(ctx, text->data, text->len);
	assert_int_equal(back->iface, i);
	assert_int_equal(back->func, f);
	assert_int_equal(back->kind, k);
	assert_string_equal(back->from_entity, "1.3.6.1.4.1.10");
	assert_string_equal(back->to_entity, "1.3.6.1.4.1.20");
	assert_string_equal(back->message_id, m->message_id);
	assert_string_equal(back->transaction_id, "t-77");
	if (back->b.eis && f != ES_FN_HANDLE_SMSR_CHANGE) {	/* as received it would stay as canonical text */
		assert_non_null(back->b.eis->signed_info);
		back->b.eis->signed_info = NULL;
	}
	again = es_soap_enc(ctx, back);
	assert_non_null(again);
	if (!bytes_eq(again, text->data, text->len))
		fail_msg("%s-%s: %.*s\nbecame\n%.*s", es_iface_name(i), es_func_name(f), (int)text->len, text->data,
			 (int)again->len, again->data);
}

static void test_there_and_back(void **state)
{
	help_for_each(there_and_back);
}

/* Every prefix is refused, and no read goes past its end. */
static void prefixes(void *ctx, enum es_iface i, enum es_func f, enum es_kind k)
{
	struct bytes *text;
	struct es_msg *m;
	char *err;

	if (f == ES_FN_REGISTER_EIS || (k != ES_REQUEST && i != ES3))
		return;
	text = es_soap_enc(ctx, help_msg(ctx, i, f, k));
	for (size_t len = 0; len < text->len; len += len % 7 == 3 ? 5 : 1) {
		uint8_t *cut = malloc(len ? len : 1);

		memcpy(cut, text->data, len);
		assert_true(es_soap_dec(&m, &err, ctx, cut, len) < 0);
		assert_null(m);
		talloc_free(err);
		free(cut);
	}
}

static void test_prefixes(void **state)
{
	help_for_each(prefixes);
}

/* off-card.md 8.4, its blanks filled */
static const char worked[] =
	"<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:w=\"http://www.w3.org/2005/08/addressing\" "
	"xmlns:rps=\"http://namespaces.gsma.org/esim-messaging/3\">\n <e:Header>\n"
	"  <w:From><w:Address>https://smdp.example.com/es3cb?EntityId=1.3.6.1.4.1.10&amp;EntityName=SM-DP</w:Address></w:From>\n"
	"  <w:To>https://smsr.example.com/es3?EntityId=1.3.6.1.4.1.20</w:To>\n"
	"  <w:MessageID>//1.3.6.1.4.1.10/7c1e?TransactionId=t-77&amp;MessageDate=2020-01-01T10:00:00Z</w:MessageID>\n"
	"  <w:Action>http://gsma.com/ES3/ProfileManagement/ES3-EnableProfile</w:Action>\n"
	"  <w:ReplyTo><w:Address>https://smdp.example.com/es3cb</w:Address></w:ReplyTo>\n </e:Header>\n"
	" <e:Body><rps:ES3-EnableProfileRequest>\n"
	"   <rps:FunctionCallIdentifier>7c1e</rps:FunctionCallIdentifier><rps:ValidityPeriod>3600</rps:ValidityPeriod>\n"
	"   <rps:Eid>89001012012341234012345678901224</rps:Eid><rps:Iccid>8947010000123456784F</rps:Iccid>\n"
	" </rps:ES3-EnableProfileRequest></e:Body></e:Envelope>";

static void test_worked(void **state)
{
	void *ctx = talloc_new(NULL);
	struct es_msg *m = help_dec(ctx, worked, strlen(worked)), *cb;
	char eid[EID_STR_SIZE];
	struct bytes *text;

	assert_int_equal(m->iface, ES3);
	assert_int_equal(m->func, ES_FN_ENABLE_PROFILE);
	assert_string_equal(m->message_id, "//1.3.6.1.4.1.10/7c1e?TransactionId=t-77&MessageDate=2020-01-01T10:00:00Z");
	assert_string_equal(m->transaction_id, "t-77");
	assert_string_equal(m->from_entity, "1.3.6.1.4.1.10");
	assert_string_equal(m->to_entity, "1.3.6.1.4.1.20");
	assert_string_equal(m->reply_to, "https://smdp.example.com/es3cb");
	assert_string_equal(m->b.fcid, "7c1e");
	assert_int_equal(m->b.validity_s, 3600);
	assert_string_equal(eid_str(eid, &m->b.eid), EID_A);
	assert_string_equal(m->b.iccid, ICCID_A);	/* the filler is dropped */
	assert_string_equal(es_soap_action(ctx, m), "http://gsma.com/ES3/ProfileManagement/ES3-EnableProfile");
	/* the callback of the same clause: failure by POL2 */
	cb = es_msg_new(ctx, ES3, ES_FN_ENABLE_PROFILE, ES_RESPONSE);
	es_result_set(cb, ES_FAILED, ES_R_POL2, "8947010000123456784F", NULL);
	cb->message_id = talloc_strdup(cb, "x");
	cb->relates_to = m->message_id;
	text = es_soap_enc(ctx, cb);
	assert_true(
		has(text,
		    "<wsa:RelatesTo>//1.3.6.1.4.1.10/7c1e?TransactionId=t-77&amp;MessageDate=2020-01-01T10:00:00Z</"));
	assert_true(
		has(text, "<wsa:Action>http://gsma.com/ES3/ProfileManagementCallBack/ES3-EnableProfile</wsa:Action>"));
	assert_true(
		has(text,
		    "<rps:FunctionExecutionStatus><rps:Status>FAILED</rps:Status><rps:StatusCodeData><rps:Subject>8.2.3"
		    "</rps:Subject><rps:Reason>3.8</rps:Reason><rps:SubjectIdentifier>8947010000123456784F</"));
	talloc_free(ctx);
}

static void test_samples(void **state)
{
	void *ctx = talloc_new(NULL);
	struct bytes *s = help_sample(ctx, "es3-createisdp-callback.http");
	const char *body, *end;
	struct es_msg *m;
	char hex[AID_STR_SIZE];

	if (!s) {
		talloc_free(ctx);
		skip();
	}
	bytes_put_u8(s, 0);
	body = strstr((char *)s->data, "<?xml");
	end = strstr(body, "</SOAP-ENV:Envelope>") + strlen("</SOAP-ENV:Envelope>");
	m = help_dec(ctx, body, end - body);
	assert_int_equal(m->func, ES_FN_CREATE_ISDP);
	assert_int_equal(m->kind, ES_RESPONSE);
	assert_int_equal(m->b.result.status, ES_EXECUTED_SUCCESS);
	assert_string_equal(aid_str(hex, &m->b.isdp_aid), "61626364656666");
	assert_string_equal(m->from_entity, "1.3.6.1.4.1.20");
	assert_string_equal(m->transaction_id, "urn:uuid:68eaf45a-6bd7-48ea-bf37-15d40df60552");
	assert_null(m->relates_to);
	assert_string_equal(es_soap_action(ctx, m), "http://gsma.com/ES3/ProfileManagementCallBack/ES3-CreateISDP");
	assert_int_equal(m->b.processing_start, 1545187489);

	s = help_sample(ctx, "es1-registereis-fragment.xml");
	m = help_dec(ctx, s->data, s->len);
	assert_int_equal(m->func, ES_FN_REGISTER_EIS);
	assert_string_equal(m->b.eis->smsr_id, "123456");
	assert_string_equal(m->b.eis->isd_r.role, "ISD-R");
	assert_int_equal(m->b.eis->isd_r.sin_len, 2);
	assert_null(m->b.eis->signed_info);
	assert_string_equal(m->from, "eum");
	talloc_free(ctx);
}

static void replace(char *text, const char *what, const char *with)
{
	char *at = strstr(text, what);
	size_t len = strlen(what), n = strlen(with);

	assert_non_null(at);
	memmove(at + n, at + len, strlen(at + len) + 1);
	memcpy(at, with, n);
}

/* The skeleton of an operator's gateway, its placeholders filled; and the From of another, ? between the parameters */
static void test_gateway_samples(void **state)
{
	static const char *const fill[][2] = {
		{ "@@RelatesTo@@", "urn:1?TransactionID=x?y" },
		{ "@@Action@@", "a" },
		{ "@@MessageID@@", "m" },
		{ "@@To@@", "t" },
		{ "@@Address@@", "http://op.example.com" },
		{ "@@ProcessingStart@@", "2019-05-06T07:08:09.123+02:00" },
		{ "@@ProcessingEnd@@", "2019-05-06T05:08:10Z" },
		{ "@@Status@@", "EXECUTED_WITHWARNING" },
		{ "@@Iccid@@", "89490200001234567890" },
		{ "@@EuiccResponseData@@", "ab02" },
	};
	void *ctx = talloc_new(NULL);
	struct bytes *s = help_sample(ctx, "es2-enableprofile-callback-operator-gateway.xml");
	struct es_msg *m;
	char *text, *from;

	if (!s) {
		talloc_free(ctx);
		skip();
	}
	text = talloc_zero_size(ctx, s->len + 1024);
	memcpy(text, s->data, s->len);
	for (size_t i = 0; i < sizeof(fill) / sizeof(fill[0]); i++)
		replace(text, fill[i][0], fill[i][1]);
	m = help_dec(ctx, text, strlen(text));
	assert_int_equal(m->iface, ES2);
	assert_string_equal(m->relates_to, "urn:1?TransactionID=x?y");
	assert_int_equal(m->b.processing_start, 1557119289);
	assert_int_equal(m->b.result.status, ES_EXECUTED_WITHWARNING);
	assert_string_equal(m->b.iccid, "89490200001234567890");
	assert_true(bytes_eq(m->b.response_data, "\xAB\x02", 2));

	s = help_sample(ctx, "from-header-question-mark-separator.xml");
	bytes_put_u8(s, 0);
	from = strstr((char *)s->data, "http://operator");
	*strchr(from, '<') = 0;
	assert_string_equal(es_query_param(ctx, from, "entityid"), "1.3.6.1.4.1.6886");
	assert_string_equal(es_query_param(ctx, from, "EntityName"), "Operator");
	assert_null(es_query_param(ctx, from, "Entity"));
	talloc_free(ctx);
}

static void test_query(void **state)
{
	void *ctx = talloc_new(NULL);

	assert_string_equal(es_query_param(ctx, "x?a=1&EntityID=%31+%2B%zz", "EntityId"), "1++%zz");
	assert_string_equal(es_query_param(ctx, "x?A=1?b=?c=3", "c"), "3");
	assert_string_equal(es_query_param(ctx, "x?A=1?b=?c=3", "B"), "");
	assert_string_equal(es_query_param(ctx, "x?b=%00y", "b"), "?y");
	assert_null(es_query_param(ctx, "x?ab=1", "b"));
	assert_null(es_query_param(ctx, "b=1", "b"));
	assert_null(es_query_param(ctx, "", "b"));
	assert_string_equal(es_message_id_base(ctx, "//1/2?a"), "//1/2");
	talloc_free(ctx);
}

#define HEAD \
	"<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope' xmlns:r='http://namespaces.gsma.org/esim-messaging/3'><e:Body>"
#define TAIL "</e:Body></e:Envelope>"
#define GET_EIS(inner) HEAD "<r:ES3-GetEISRequest>" inner "</r:ES3-GetEISRequest>" TAIL

static void test_errors(void **state)
{
	dec_bad("", -EINVAL, "well-formed");
	dec_bad("hello", -EINVAL, NULL);
	dec_bad("<a/>", -EINVAL, "Envelope");
	dec_bad("<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'/>", -EINVAL, "SOAP 1.2");
	dec_bad(HEAD TAIL, -EINVAL, "exactly one");
	dec_bad(HEAD "<r:ES3-GetEISRequest/><r:ES3-GetEISRequest/>" TAIL, -EINVAL, "exactly one");
	dec_bad(HEAD "<r:ES3-FooRequest/>" TAIL, -ENOTSUP, NULL);
	dec_bad(HEAD "<r:ES4-SendDataRequest/>" TAIL, -ENOTSUP, NULL);
	dec_bad(HEAD "<r:ES7-HandoverEUICCRequest/>" TAIL, -EBADMSG, "Eis: missing");
	dec_bad(HEAD "<r:ES4A-GetEISRequest/>" TAIL, -ENOTSUP, NULL);
	dec_bad(HEAD "<r:ES5-GetEISRequest/>" TAIL, -ENOTSUP, NULL);
	dec_bad(HEAD "<r:ES3-GetEISRequestX/>" TAIL, -ENOTSUP, NULL);
	dec_bad(HEAD "<r:ES/>" TAIL, -EINVAL, NULL);
	dec_bad(HEAD "<r:Foo/>" TAIL, -EINVAL, NULL);
	dec_bad(HEAD "<ES3-GetEISRequest/>" TAIL, -EINVAL, "namespace");
	dec_bad(HEAD "<e:Fault><e:Code/><e:Reason><e:Text>because</e:Text></e:Reason></e:Fault>" TAIL, -EPROTO,
		"because");
	dec_bad(GET_EIS(""), -EBADMSG, "Envelope/Body/ES3-GetEISRequest/Eid: missing");
	dec_bad(GET_EIS("<r:Eid>12</r:Eid>"), -EBADMSG, "Envelope/Body/ES3-GetEISRequest/Eid: invalid");
	dec_bad(GET_EIS("<r:Eid/>"), -EBADMSG, "Eid: invalid");
	dec_bad(GET_EIS("<r:Eid><r:x/></r:Eid>"), -EBADMSG, "child elements");
	dec_bad(GET_EIS("<r:Eid>" EID_A "</r:Eid><r:eid>" EID_A "</r:eid>"), -EBADMSG, "twice");
	dec_bad(GET_EIS("<r:Eid>" EID_A "</r:Eid><r:ValidityPeriod>-1</r:ValidityPeriod>"), -EBADMSG, "ValidityPeriod");
	dec_bad(GET_EIS("<r:Eid>" EID_A "</r:Eid><r:ValidityPeriod>4294967296</r:ValidityPeriod>"), -EBADMSG,
		"ValidityPeriod");
	dec_bad(HEAD "<r:ES3-GetEISResponse/>" TAIL, -EBADMSG, "FunctionExecutionStatus: missing");
	dec_bad(HEAD
		"<r:ES3-GetEISResponse><r:FunctionExecutionStatus><r:Status>OK</r:Status></r:FunctionExecutionStatus>"
		"</r:ES3-GetEISResponse>" TAIL,
		-EBADMSG, "Status: unknown");
}

/* What other implementations write (off-card.md 1.2, 2, 3.2, 5.4): taken; what a known function lacks: told with its
 * header */
static void test_lenient(void **state)
{
	void *ctx = talloc_new(NULL);
	enum es_reason reason = ES_R_NONE;
	struct es_msg *m;
	char *err;
	const char *in;

	in = GET_EIS("<r:foo><r:Eid>1</r:Eid></r:foo><EID xmlns=''>" EID_A
		     "</EID><r:validity-period> 5 </r:validity-period>");
	m = help_dec(ctx, in, strlen(in));
	assert_int_equal(m->b.validity_s, 5);
	in = HEAD
		"<r:ES3-EnableProfileResponse><r:FunctionExecutionStatus><r:Status>FAILED</r:Status><r:StatusCodeData><r:Subject>8.4"
		"</r:Subject><r:Reason></r:Reason><r:SubjectIdentifier>4.2</r:SubjectIdentifier></r:StatusCodeData>"
		"</r:FunctionExecutionStatus><r:EuiCCResponseData>6A80</r:EuiCCResponseData></r:ES3-EnableProfileResponse>" TAIL;
	m = help_dec(ctx, in, strlen(in));
	assert_string_equal(m->b.result.subject, "8.4");
	assert_string_equal(m->b.result.reason, "4.2");
	assert_int_equal(es_result_reason(&m->b.result), ES_R_CARD_ERROR);
	assert_true(bytes_eq(m->b.response_data, "\x6A\x80", 2));
	in = "<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope' xmlns:a='http://www.w3.org/2005/08/addressing' "
	     "xmlns:r='http://namespaces.gsma.org/esim-messaging/3'><e:Header><a:MessageID>mm</a:MessageID></e:Header><e:Body>"
	     "<r:ES3-GetEISRequest/></e:Body></e:Envelope>";
	assert_int_equal(es_soap_dec_reason(&m, &err, &reason, ctx, (const uint8_t *)in, strlen(in)), -EBADMSG);
	assert_int_equal(reason, ES_R_PARAM_MISSING);
	assert_string_equal(m->message_id, "mm");
	talloc_free(ctx);
}

static char *nested(void *ctx, unsigned depth, const char *open, const char *close)
{
	char *s = talloc_strdup(ctx, HEAD);

	for (unsigned i = 0; i < depth; i++)
		s = talloc_strdup_append_buffer(s, open);
	for (unsigned i = 0; i < depth; i++)
		s = talloc_strdup_append_buffer(s, close);
	return talloc_strdup_append_buffer(s, TAIL);
}

static void test_hostile(void **state)
{
	void *ctx = talloc_new(NULL);
	char *big, *s;

	dec_bad("<!DOCTYPE a><a/>", -EINVAL, "DOCTYPE");
	dec_bad("<?xml version='1.0'?><!DOCTYPE a SYSTEM 'http://127.0.0.1:9/x'><a/>", -EINVAL, "DOCTYPE");
	dec_bad("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", -EINVAL, "DOCTYPE");
	dec_bad("<!DOCTYPE z [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
		"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>]><z>&d;</z>",
		-EINVAL, "DOCTYPE");
	dec_bad(GET_EIS("&undefined;"), -EINVAL, NULL);
	dec_bad("<?xml version='1.0' encoding='UTF-16'?><a/>", -EINVAL, NULL);
	dec_bad(GET_EIS("<r:Eid>\xff\xfe</r:Eid>"), -EINVAL, "well-formed");
	s = nested(ctx, 40, "<r:x>", "</r:x>");
	dec_bad(s, -EINVAL, "too deep");
	s = nested(ctx, 100000, "<a>", "");
	dec_bad(s, -EINVAL, NULL);
	s = nested(ctx, 30000, "<a/>", "");
	dec_bad(s, -EINVAL, "too many");
	/* 9 MB, claiming to be SendData or not */
	big = talloc_zero_size(ctx, (9 << 20) + 200);
	memset(big, '0', 9 << 20);
	memcpy(big, "<ES3-SendDataRequest>", 21);
	dec_bad(big, -EINVAL, "too large");
	memset(big, ' ', 9 << 20);
	memcpy(big, GET_EIS("<r:Eid>" EID_A "</r:Eid>"), sizeof(GET_EIS("<r:Eid>" EID_A "</r:Eid>")) - 1);
	big[300 << 10] = 0;
	dec_bad(big, -EINVAL, "too large");
	/* 300 kB that mention SendData but are GetEIS */
	memcpy(big + 1000, "<!---SendDataRequest-->", 23);
	dec_bad(big, -EINVAL, "too large for its function");
	/* deep nesting where the library's own depth limit is off */
	s = nested(ctx, 100000, "<a>", "</a>");
	s = talloc_strdup_append_buffer(s, "<!---SendDataRequest-->");
	dec_bad(s, -EINVAL, "too deep");
	talloc_free(ctx);
}

static void test_limits(void **state)
{
	void *ctx = talloc_new(NULL);
	struct es_msg *m = help_msg(ctx, ES3, ES_FN_UPDATE_POLICY_RULES, ES_REQUEST), *back;
	struct bytes *text = es_soap_enc(ctx, m);
	char *s = talloc_strndup(ctx, (char *)text->data, text->len), *err;

	for (int i = 0; i < 7; i++) {
		const char *rule =
			"<rps:pol2><rps:Rule><rps:Subject>profile</rps:Subject><rps:Action>enable</rps:Action>"
			"<rps:Qualification>not-allowed</rps:Qualification></rps:Rule>";
		char *at = strstr(s, "<rps:pol2>") + 10;

		s = talloc_asprintf(ctx, "%.*s%s%s", (int)(at - 10 - s), s, rule, at);
		if (i < 6) {
			back = help_dec(ctx, s, strlen(s));
			assert_int_equal(back->b.n_pol2, 3 + i);
			assert_string_equal(back->b.pol2[0].action, "ENABLE");
		}
	}
	assert_int_equal(es_soap_dec(&back, &err, ctx, (uint8_t *)s, strlen(s)), -EBADMSG);
	assert_non_null(strstr(err, "too many"));
	/* what XML cannot hold does not get into a message */
	m->b.fcid = talloc_strdup(m, "a\x01\x80<]]>&\r\n");
	text = es_soap_enc(ctx, m);
	back = help_dec(ctx, text->data, text->len);
	assert_string_equal(back->b.fcid, "a?\?<]]>&");
	talloc_free(ctx);
}

static void test_codes(void **state)
{
	struct es_msg *m = es_msg_new(NULL, ES3, ES_FN_GET_EIS, ES_RESPONSE);

	for (int r = ES_R_NONE + 1; r < _ES_R_COUNT; r++) {
		assert_true(*es_reason_subject(r) && *es_reason_code(r) && *es_reason_text(r));
		es_result_set(m, ES_FAILED, r, NULL, NULL);
		assert_string_equal(m->b.result.subject, es_reason_subject(r));
		assert_string_equal(es_reason_code(es_result_reason(&m->b.result)), es_reason_code(r));
	}
	/* off-card.md 5.3: the pairs any function may return */
	assert_string_equal(es_reason_subject(ES_R_BUSY), "1.2");
	assert_string_equal(es_reason_code(ES_R_BUSY), "4.4");
	assert_string_equal(es_reason_subject(ES_R_EXPIRED), "1.6");
	assert_string_equal(es_reason_code(ES_R_EXPIRED), "5.3");
	assert_string_equal(es_reason_subject(ES_R_EID_UNKNOWN), "8.1.1");
	assert_string_equal(es_reason_code(ES_R_EID_UNKNOWN), "3.9");
	es_result_set(m, ES_EXECUTED_SUCCESS, ES_R_BUSY, "x", "y");
	assert_string_equal(m->b.result.subject, "");
	assert_null(m->b.result.subject_id);
	assert_int_equal(es_status_parse("expired"), ES_EXPIRED);
	assert_int_equal(es_status_parse("Executed-Success"), -EINVAL);
	talloc_free(m);
}

/* off-card.md 1.6 */
static void test_actions(void **state)
{
	static const struct { enum es_iface i; enum es_func f; enum es_kind k; const char *action; } rows[] = {
		{ ES1, ES_FN_REGISTER_EIS, ES_REQUEST, "ES1/eUICCManagement/ES1-RegisterEISRequest" },
		{ ES1, ES_FN_REGISTER_EIS, ES_RESPONSE, "ES1/eUICCManagement/ES1-RegisterEISResponse" },
		{ ES2, ES_FN_GET_EIS, ES_REQUEST, "ES2/ProfileManagement/ES2-GetEISRequest" },
		{ ES2, ES_FN_DOWNLOAD_PROFILE, ES_REQUEST, "ES2/ProfileManagement/ES2-DownloadProfileRequest" },
		{ ES2, ES_FN_DOWNLOAD_PROFILE, ES_RESPONSE, "ES2/ProfileManagementCallBack/ES2-DownloadProfile" },
		{ ES2, ES_FN_UPDATE_POLICY_RULES, ES_REQUEST, "ES2/ProfileManagement/ES2-UpdatePolicyRules" },
		{ ES2, ES_FN_HANDLE_ENABLED, ES_NOTIFICATION,
		  "ES2/ProfileManagementCallBack/ES2-HandleProfileEnabledNotification" },
		{ ES3, ES_FN_CREATE_ISDP, ES_REQUEST, "ES3/ProfileManagement/ES3-CreateISDP" },
		{ ES3, ES_FN_GET_EIS, ES_RESPONSE, "ES3/ProfileManagement/ES3-GetEISResponse" },
		{ ES4, ES_FN_AUDIT_EIS, ES_RESPONSE, "ES4/ProfileManagementCallBack/ES4-AuditEIS" },
	};

	for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
		struct es_msg *m = es_msg_new(NULL, rows[n].i, rows[n].f, rows[n].k);
		char *action = es_soap_action(m, m);

		assert_memory_equal(action, "http://gsma.com/", 16);
		assert_string_equal(action + 16, rows[n].action);
		talloc_free(m);
	}
}

static void test_eis(void **state)
{
	void *ctx = talloc_new(NULL);
	struct es_eis *e = help_eis(ctx), *b;
	struct bytes *text = es_eis_enc(ctx, e);
	char *err;

	assert_int_equal(es_eis_dec(&b, &err, ctx, text->data, text->len), 0);
	assert_memory_equal(&b->eid, &e->eid, sizeof(e->eid));
	assert_string_equal(b->platform_type, e->platform_type);
	assert_int_equal(b->production_date, e->production_date);
	assert_true(aid_eq(&b->isdp_module_aid, &e->isdp_module_aid));
	assert_true(b->cattp && b->http);
	assert_int_equal(b->isd_r.tar, 1);
	assert_int_equal(b->isd_r.keyset[0].cntr, 1099511627775ULL);
	assert_int_equal(b->isd_r.keyset[0].n_keys, 2);
	assert_int_equal(b->isd_r.keyset[0].key[1].index, 2);
	assert_int_equal(b->isd_r.keyset[0].key[1].type, 0x88);
	assert_int_equal(b->isd_r.keyset[0].key[1].value->len, 16);
	assert_int_equal(b->ecasd.keyset[0].version, 0x74);
	assert_true(bytes_eq(b->ecasd.keyset[0].cert, "\x7F\x21\x03\x93\x01\x01", 6));
	assert_string_equal(b->ecasd.keyset[0].ca_id, "1.3.6.1.4.1.99");
	assert_int_equal(b->n_profiles, 1);
	assert_int_equal(b->profile[0].state, ES_PS_ENABLED);
	assert_true(b->profile[0].fallback);
	assert_string_equal(b->profile[0].pol2[0].qualification, "Not-Allowed");
	assert_string_equal(b->profile[0].addr.msisdn, "4915112345");
	assert_int_equal(b->remaining_memory, 500000);
	assert_int_equal(b->last_audit, 1767229200);
	assert_non_null(b->signed_info);
	for (size_t len = 0; len < text->len; len += 3) {
		struct es_eis *none;

		assert_int_equal(es_eis_dec(&none, &err, ctx, text->data, len), -EINVAL);
		talloc_free(err);
	}
	talloc_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_worked),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_gateway_samples),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_lenient),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_eis),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
