/* What one party may be set to: its dialect, its token, how it gets its answers; and the same requests by another door.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include "es_world.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/es/es_schema.h>

#define ANON "http://docs.oasis-open.org/ws-rx/wsmc/200702/anonymous?id=7c1e"

static void set_party(struct node *n, const char *id, const struct es_party_set *s)
{
	es_party_set(n->l, es_party_find(n->l, id), s);
}

/* ---- dialects: what is on the wire ---- */

static char *sent[16], *got[16];
static unsigned n_sent, n_got;

static void trace(void *priv, bool in, const uint8_t *data, size_t len)
{
	if (in && n_got < 16)
		got[n_got++] = talloc_strndup(root, (const char *)data, len);
	else if (!in && n_sent < 16)
		sent[n_sent++] = talloc_strndup(root, (const char *)data, len);
}

static void both_traced(void)
{
	n_sent = n_got = 0;
	op.trace = trace;
	both();
}

static void has(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("'%s' is not in %s", what, text);
}

static void test_dialect_out(void **state)
{
	struct es_party_set s = { .dialect = {
		.old_ns = true, .question_mark = true, .managent = true, .platform = true, .suffix = ES_SUFFIX_ALWAYS,
	} };
	struct es_msg *m;

	both_traced();
	sr.mode = OK_NOW;
	set_party(&op, SR, &s);
	call(ES_FN_ENABLE_PROFILE, "t1");
	wait_for(&op.n_resp, 1);	/* the other end reads it, and correlates */
	expect("t1", ES_EXECUTED_SUCCESS, ES_R_NONE);
	has(sent[0], "xmlns:rps=\"http://namespaces.gsma.org/esim-messaging/1\"");
	has(sent[0], "<wsa:Action>http://gsma.com/ES4/PlatformManagent/ES4-EnableProfileRequest</wsa:Action>");
	has(sent[0], "?EntityId=1.3.6.1.4.1.30?EntityName=");
	assert_null(strstr(sent[0], "&amp;MessageDate"));
	has(sent[0], "?MessageDate=");
	has(got[0], "xmlns:rps=\"http://namespaces.gsma.org/esim-messaging/1\"");	/* the answer in the request's (1.2) */
	s = (struct es_party_set){ .dialect = { .suffix = ES_SUFFIX_NEVER } };
	set_party(&op, SR, &s);
	call(ES_FN_GET_EIS, "t2");
	wait_for(&op.n_resp, 2);
	has(sent[1], "/ES4/ProfileManagement/ES4-GetEIS</wsa:Action>");
	has(got[1], "esim-messaging/3\"");
	/* element spellings and AuthenticateSMSR, off the wire */
	m = help_msg(root, ES2, ES_FN_DOWNLOAD_PROFILE, ES_REQUEST);
	s.dialect.spell[ES_SPELL_DOWNLOAD_SMSR] = 1;
	m->dialect = &s.dialect;
	has((char *)es_soap_enc(root, m)->data, "<rps:Smsr-id>");
	m = help_msg(root, ES7, ES_FN_AUTHENTICATE_SMSR, ES_REQUEST);
	has((char *)es_soap_enc(root, m)->data, "<rps:Eid>" EID_A "</rps:Eid><rps:SmsrCertificate>");
	s.dialect.authenticate_eis = true;
	m->dialect = &s.dialect;
	has((char *)es_soap_enc(root, m)->data, "<rps:Eis><rps:EumSignedInfo><rps:Eid>" EID_A);
}

/* An immediate failure goes to ReplyTo when the party wants it so (1.5.2) */
static void test_strict(void **state)
{
	struct es_party_set s = { .strict_callback = true };

	both_traced();
	set_party(&sr, OP, &s);
	sr.mode = FAIL_NOW;
	call(ES_FN_ENABLE_PROFILE, "t1");
	wait_for(&op.n_resp, 1);
	expect("t1", ES_FAILED, ES_R_EID_UNKNOWN);
	spin(200);
	assert_int_equal(n_sent, 1);
	has(got[0], "http://gsma.com/ES4/ProfileManagementCallBack/ES4-EnableProfile");	/* came by a POST of its own */
	assert_int_equal(es_link_outbox_len(sr.l), 0);
}

/* ---- UsernameToken (1.9) ---- */

/* The digest of a token made elsewhere: openssl, from raw nonce, created and password */
static char *foreign_token(const char *user, const char *password, const char *created, const char *nonce)
{
	char cmd[512], digest[64] = "", nonce64[64] = "";
	FILE *f;

	snprintf(cmd, sizeof(cmd), "printf '%%s' '%s%s%s' | openssl dgst -sha1 -binary | base64; printf '%%s' '%s' | base64", nonce, created,
		 password, nonce);
	f = popen(cmd, "r");
	assert_int_equal(fscanf(f, "%63s %63s", digest, nonce64), 2);
	pclose(f);
	return talloc_asprintf(root, "<wsse:Security xmlns:wsse='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-"
		"secext-1.0.xsd'><wsse:UsernameToken><wsse:Username>%s</wsse:Username><wsse:Password Type='#PasswordDigest'>%s"
		"</wsse:Password><wsse:Nonce>%s</wsse:Nonce><wsu:Created xmlns:wsu='http://docs.oasis-open.org/wss/2004/01/oasis-200401-"
		"wss-wssecurity-utility-1.0.xsd'>%s</wsu:Created></wsse:UsernameToken></wsse:Security></soap:Header>", user, digest, nonce64,
		created);
}

static char *with_token(const char *token)
{
	static unsigned n;
	struct es_msg *m = request(ES_FN_GET_EIS, "f");
	struct bytes *text;
	char *s, *end;

	m->from_entity = talloc_strdup(m, OP);
	m->message_id = talloc_asprintf(m, "urn:token:%u", n++);
	text = es_soap_enc(root, m);
	s = talloc_strndup(root, (char *)text->data, text->len);
	if (!token)
		return s;
	end = strstr(s, "</soap:Header>");
	return talloc_asprintf(root, "%.*s%s%s", (int)(end - s), s, token, end + strlen("</soap:Header>"));
}

static int refused(struct http_cli *cli, const char *body, const char *word)
{
	int status = raw(cli, ES_SOAP_CONTENT_TYPE, body);

	if (word && !strstr(raw_body, word))
		fail_msg("HTTP %d without '%s': %s", status, word, raw_body);
	return status;
}

static void test_token(void **state)
{
	struct es_party_set s = { .user = "op-user", .password = "se cret" };
	struct http_cli *cli;
	char now[CLOCK_STR_SIZE], *good;

	sr.mode = OK_NOW;
	both();
	set_party(&sr, OP, &s);
	cli = raw_cli("op");
	clock_str(now, clock_now());
	good = with_token(foreign_token("op-user", "se cret", now, "abcdefgh12345678"));
	assert_int_equal(refused(cli, with_token(NULL), "<rps:Reason>1.1<"), 200);
	assert_int_equal(sr.n_req, 0);
	assert_int_equal(refused(cli, good, "EXECUTED_SUCCESS"), 200);
	assert_int_equal(sr.n_req, 1);
	assert_int_equal(refused(cli, good, "Nonce was used"), 200);	/* even as the same message */
	assert_int_equal(refused(cli, with_token(foreign_token("op-user", "se cret", now, "abcdefgh12345678")), "Nonce was used"), 200);
	assert_int_equal(refused(cli, with_token(foreign_token("op-user", "secret", now, "n2")), "wrong user or password"), 200);
	assert_int_equal(refused(cli, with_token(foreign_token("other", "se cret", now, "n3")), "wrong user or password"), 200);
	assert_int_equal(refused(cli, with_token(foreign_token("op-user", "se cret", "2020-01-01T00:00:00Z", "n4")), "Created"), 200);
	assert_null(strstr(raw_body, "se cret"));
	assert_int_equal(sr.n_req, 1);
	http_cli_free(cli);
	/* ours, both ways: the call and its callback */
	set_party(&op, SR, &s);
	call(ES_FN_ENABLE_PROFILE, "t1");
	wait_for(&op.n_resp, 1);
	expect("t1", ES_EXECUTED_SUCCESS, ES_R_NONE);
	spin(200);
	assert_int_equal(es_link_outbox_len(sr.l), 0);
}

static const char *without_certificate(const char *body)
{
	struct bytes *code;

	help_write(path("body", "xml"), body, strlen(body));
	curl("-H 'Content-Type: application/soap+xml' --data-binary @body.xml -w '%%{http_code}' https://127.0.0.1:%u/es", sr.port);
	code = help_read(root, path("curl", "code"));
	bytes_put_u8(code, 0);
	return (char *)code->data;
}

static void test_token_only(void **state)
{
	struct es_party_set s = { .user = "op-user", .password = "pw", .no_certificate = true }, none = { 0 };
	char now[CLOCK_STR_SIZE];

	sr.mode = OK_NOW;
	both();
	clock_str(now, clock_now());
	assert_string_equal(without_certificate(with_token(NULL)), "000");	/* no handshake without a certificate */
	set_party(&sr, OP, &s);
	assert_string_equal(without_certificate(with_token(foreign_token("op-user", "pw", now, "m1"))), "200");
	assert_string_equal(without_certificate(with_token(foreign_token("op-user", "pq", now, "m2"))), "403");
	assert_string_equal(without_certificate(with_token(NULL)), "403");
	assert_string_equal(without_certificate("<a/>"), "400");
	assert_int_equal(sr.n_req, 1);
	es_party_find(sr.l, OP)->role = ES_ROLE_SMDP;	/* never ES3 */
	assert_string_equal(without_certificate(talloc_strdup(root, "<a/>")), "400");
	set_party(&sr, OP, &none);
	assert_string_equal(without_certificate(with_token(foreign_token("op-user", "pw", now, "m3"))), "000");
	assert_int_equal(sr.n_req, 1);
}

/* ---- WS-MakeConnection (1.5.3) ---- */

static char *poll_body(const char *id)
{
	return talloc_asprintf(root, "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' xmlns:w='http://www.w3.org/2005/08/"
		"addressing'><s:Header><w:From><w:Address>x?EntityId=" OP "</w:Address></w:From><w:MessageID>%s</w:MessageID><w:Action>"
		"http://docs.oasis-open.org/ws-rx/wsmc/200702/MakeConnection</w:Action></s:Header><s:Body><c:MakeConnection xmlns:c='http://"
		"docs.oasis-open.org/ws-rx/wsmc/200702'><c:Address>" ANON "</c:Address></c:MakeConnection></s:Body></s:Envelope>", id);
}

static int poll_request(struct http_cli *cli, const char *id, enum es_func func)
{
	struct es_msg *m = request(func, id);
	struct bytes *text;

	m->from_entity = talloc_strdup(m, OP);
	m->message_id = talloc_strdup(m, id);
	m->reply_to = talloc_strdup(m, ANON);
	text = es_soap_enc(root, m);
	return raw(cli, ES_SOAP_CONTENT_TYPE, talloc_strndup(root, (char *)text->data, text->len));
}

static void test_poll(void **state)
{
	struct http_cli *cli;

	both();
	cli = raw_cli("op");
	assert_int_equal(poll_request(cli, "urn:p1", ES_FN_ENABLE_PROFILE), 202);
	assert_int_equal(poll_request(cli, "urn:p2", ES_FN_DISABLE_PROFILE), 202);
	assert_int_equal(raw(cli, ES_SOAP_CONTENT_TYPE, poll_body("q1")), 202);	/* nothing is ready */
	answer(&sr, sr.req[0]);
	answer(&sr, sr.req[1]);
	assert_int_equal(raw(cli, ES_SOAP_CONTENT_TYPE, poll_body("q2")), 200);
	has(raw_body, "<wsa:RelatesTo>urn:p1</wsa:RelatesTo>");
	has(raw_body, "<rps:ES4-EnableProfileResponse>");
	has(raw_body, "<wsa:To>" ANON "</wsa:To>");
	has(raw_body, "pending=\"true\"");
	assert_int_equal(raw(cli, ES_SOAP_CONTENT_TYPE, poll_body("q2")), 200);	/* its reply was lost: the same again */
	has(raw_body, "<wsa:RelatesTo>urn:p1</wsa:RelatesTo>");
	assert_int_equal(raw(cli, ES_SOAP_CONTENT_TYPE, poll_body("q3")), 200);
	has(raw_body, "<wsa:RelatesTo>urn:p2</wsa:RelatesTo>");
	has(raw_body, "pending=\"false\"");
	assert_int_equal(raw(cli, ES_SOAP_CONTENT_TYPE, poll_body("q4")), 202);
	/* what is known at once needs no poll */
	sr.mode = FAIL_NOW;
	assert_int_equal(poll_request(cli, "urn:p3", ES_FN_ENABLE_PROFILE), 200);
	assert_int_equal(raw(cli, ES_SOAP_CONTENT_TYPE, "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Body>"
			     "<c:MakeConnection xmlns:c='http://docs.oasis-open.org/ws-rx/wsmc/200702'/></s:Body></s:Envelope>"), 400);
	http_cli_free(cli);
	assert_int_equal(es_link_outbox_len(sr.l), 0);
}

/* Our own polling */
static void test_poll_client(void **state)
{
	op.poll = true;
	both();
	call(ES_FN_ENABLE_PROFILE, "t1");
	call(ES_FN_DISABLE_PROFILE, "t2");
	wait_for(&sr.n_req, 2);
	spin(1200);
	assert_int_equal(op.n_resp, 0);
	answer(&sr, sr.req[0]);
	wait_for(&op.n_resp, 1);
	expect("t1", ES_EXECUTED_SUCCESS, ES_R_NONE);
	answer(&sr, sr.req[1]);
	wait_for(&op.n_resp, 2);
	expect("t2", ES_EXECUTED_SUCCESS, ES_R_NONE);
	assert_int_equal(es_link_outbox_len(op.l), 0);
	assert_int_equal(es_link_outbox_len(sr.l), 0);
}

/* ---- outbox ---- */

static void notify(void)
{
	struct es_msg *m = es_msg_new(root, ES4, ES_FN_HANDLE_ENABLED, ES_NOTIFICATION);

	m->b.has_eid = true;
	eid_from_str(&m->b.eid, EID_A);
	strcpy(m->b.iccid, ICCID_A);
	m->b.completion = clock_now();
	sr.rc = es_call(sr.l, OP, m, NULL, 0);
}

/* Given up after the party's own time, kept, and sent again when somebody says so */
static void test_given_up(void **state)
{
	struct es_party_set s = { .give_up_s = 60, .max_queued = 2 };
	char *text;

	both();
	set_party(&sr, OP, &s);
	node_close(&op);
	for (int i = 0; i < 3; i++)
		notify();
	assert_int_equal(sr.rc, -ENOBUFS);		/* bounded */
	assert_int_equal(es_link_outbox_len(sr.l), 2);
	spin(200);
	clock_override((clock_now() + 61) * 1000);
	spin(1500);
	assert_int_equal(es_link_outbox_len(sr.l), 0);
	text = es_link_describe_outbox(sr.l, root);
	has(text, "2 given up");
	node_open(&op);
	peers();
	assert_int_equal(es_link_outbox_retry(sr.l, "1.2.3"), 0);
	assert_int_equal(es_link_outbox_retry(sr.l, OP), 2);
	wait_for(&op.n_notif, 2);
	spin(200);
	assert_int_equal(es_link_outbox_len(sr.l), 0);
	has(es_link_describe_outbox(sr.l, root), "0 given up");
	assert_int_equal(es_link_outbox_drop(sr.l, NULL), 0);
}

/* ---- schema over the wire ---- */

static void test_wsdl(void **state)
{
	both();
	assert_int_equal(curl("--cert op.pem --key op.key 'https://127.0.0.1:%u/es?wsdl'", sr.port), 0);
	has(curl_out(), "<wsdl:service name=\"ES4SmSrService\">");
	has(curl_out(), "schemaLocation=\"?xsd\"");
	assert_int_equal(curl("--cert op.pem --key op.key 'https://127.0.0.1:%u/es?xsd'", sr.port), 0);
	assert_string_equal(curl_out(), talloc_strndup(root, (char *)es_schema_xsd(root, false)->data, es_schema_xsd(root, false)->len));
	assert_int_equal(curl("-f --cert op.pem --key op.key 'https://127.0.0.1:%u/es?wsdl=Nonsense'", sr.port), 22);
	assert_int_equal(curl("-f --cert op.pem --key op.key 'https://127.0.0.1:%u/es'", sr.port), 22);
	assert_int_equal(curl("-f --cert other.pem --key other.key 'https://127.0.0.1:%u/es?xsd'", sr.port), 22);	/* a stranger */
	assert_int_not_equal(curl("'https://127.0.0.1:%u/es?xsd'", sr.port), 0);
}

/* ---- another door ---- */

static unsigned n_done;
static int64_t done_id;
static enum es_status done_status;

static void done_cb(void *priv, int64_t id, const struct es_msg *response)
{
	n_done++;
	done_id = id;
	done_status = response->b.result.status;
	assert_ptr_equal(priv, &n_done);
}

static void test_submit(void **state)
{
	enum es_reason why;
	struct es_msg *m;
	int64_t id;

	both();
	id = es_link_submit(sr.l, OP, request(ES_FN_ENABLE_PROFILE, "x"), done_cb, &n_done, &why);
	assert_true(id > 0);
	assert_int_equal(sr.n_req, 1);
	assert_int_equal(n_done, 0);
	txn_commit(sr.db);
	node_close(&sr);	/* on the disk like any other */
	node_open(&sr);
	peers();
	es_link_resume(sr.l);
	assert_int_equal(sr.n_resumed, 1);
	answer(&sr, id);
	sr.mode = OK_NOW;
	id = es_link_submit(sr.l, OP, request(ES_FN_GET_EIS, "x"), done_cb, &n_done, &why);
	assert_int_equal(n_done, 1);
	assert_int_equal(done_id, id);
	assert_int_equal(done_status, ES_EXECUTED_SUCCESS);
	m = es_msg_new(root, ES3, ES_FN_GET_EIS, ES_REQUEST);
	assert_true(es_link_submit(sr.l, OP, m, done_cb, &n_done, &why) < 0);
	assert_int_equal(why, ES_R_CALLER_NOT_ALLOWED);
	assert_true(es_link_submit(sr.l, "1.2.3", request(ES_FN_GET_EIS, "x"), done_cb, &n_done, &why) < 0);
	assert_int_equal(why, ES_R_CALLER_UNKNOWN);
	assert_int_equal(n_done, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_dialect_out), T(test_strict), T(test_token), T(test_token_only), T(test_poll), T(test_poll_client), T(test_given_up), T(test_wsdl),
		T(test_submit),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
