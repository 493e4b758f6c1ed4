/* Who is let in, and what: identity, role, ReplyTo, faults, limits, hostile bodies.  SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include "es_world.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

/* ---- the door ---- */

static void test_wrong_role(void **state)
{
	both();
	es_party_find(sr.l, OP)->role = ES_ROLE_EUM;
	call(ES_FN_ENABLE_PROFILE, "t1");
	wait_for(&op.n_resp, 1);
	expect("t1", ES_FAILED, ES_R_CALLER_NOT_ALLOWED);
	es_party_find(sr.l, OP)->role = ES_ROLE_M2M_SP;
	call(ES_FN_UPDATE_POLICY_RULES, "t2");
	wait_for(&op.n_resp, 2);
	expect("t2", ES_FAILED, ES_R_CALLER_NOT_ALLOWED);
	assert_int_equal(sr.n_req, 0);
}

static void test_from_mismatch(void **state)
{
	struct es_party *p;

	both();
	p = es_party_add(sr.l, "1.3.6.1.4.1.31", ES_ROLE_OPERATOR);
	p->fpr = talloc_steal(p, es_party_find(sr.l, OP)->fpr);
	es_party_find(sr.l, OP)->fpr = talloc_strdup(sr.l, fingerprint("other"));
	call(ES_FN_ENABLE_PROFILE, "t1");
	wait_for(&op.n_resp, 1);
	expect("t1", ES_FAILED, ES_R_CALLER_UNKNOWN);
	assert_int_equal(sr.n_req, 0);
}

static void test_stranger(void **state)
{
	both();
	es_party_del(sr.l, OP);
	call(ES_FN_ENABLE_PROFILE, "t1");
	wait_for(&op.n_resp, 1);
	assert_int_equal(op.status, -1);
	assert_string_equal(op.why, "refused with HTTP status 403");
	assert_int_equal(sr.n_req, 0);
	assert_int_equal(es_link_outbox_len(op.l), 0);
}

static void test_reply_to(void **state)
{
	static const char *const bad[] = {
		"https://127.0.0.1:1/es",  "http://127.0.0.1:%u/es",
		"https://localhost:%u/es", "https://127.0.0.1:%u@evil.example/",
		"https://x@127.0.0.1:%u/", "https://127.0.0.1:%u/a b",
		"ftp://127.0.0.1:%u/",
	};
	char url[128];
	unsigned n = 0;

	both();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(url, sizeof(url), bad[i], op.port);
		es_link_set_own_url(op.l, url);
		call(ES_FN_ENABLE_PROFILE, "t1");
		wait_for(&op.n_resp, ++n);
		expect("t1", ES_FAILED, ES_R_VALIDITY_REFUSED);
	}
	assert_int_equal(sr.n_req, 0);
}

static void test_faults(void **state)
{
	struct http_cli_cfg cfg = { .cert_file = path("op", "pem"),
				    .key_file = path("op", "key"),
				    .ca_file = path("ca", "pem") };
	struct http_cli *cli;
	struct es_msg *m;
	struct bytes *text;

	both();
	cli = http_cli_new(root, &cfg);
	assert_int_equal(raw(cli, ES_SOAP_CONTENT_TYPE, "<a/>"), 400);
	assert_non_null(strstr(raw_body, "soap:Sender"));
	assert_int_equal(raw(cli, "text/plain", "<a/>"), 415);
	assert_int_equal(raw(cli, ES_SOAP_CONTENT_TYPE, "<!DOCTYPE a><a/>"), 400);
	/* a parameter missing: a FAILED answer, not a fault (off-card.md 1.8) */
	m = es_msg_new(root, ES4, ES_FN_ENABLE_PROFILE, ES_REQUEST);
	m->from_entity = talloc_strdup(m, OP);
	m->message_id = talloc_strdup(m, "m");
	text = es_soap_enc(root, m);
	bytes_put_u8(text, 0);
	*strstr((char *)text->data, "<rps:Eid>") = 'x';
	assert_int_equal(raw(cli, ES_SOAP_CONTENT_TYPE, (char *)text->data), 400);
	m->b.has_eid = true;
	text = es_soap_enc(root, m);
	bytes_put_u8(text, 0);
	assert_int_equal(raw(cli, ES_SOAP_CONTENT_TYPE, (char *)text->data), 200);
	assert_non_null(strstr(
		raw_body,
		"<rps:Status>FAILED</rps:Status><rps:StatusCodeData><rps:Subject>1.6</rps:Subject><rps:Reason>2.1<"));
	assert_non_null(strstr(raw_body, "ES4-EnableProfileRequest/Iccid"));
	assert_non_null(strstr(raw_body, "<wsa:RelatesTo>m</wsa:RelatesTo>"));
	assert_int_equal(sr.n_req, 0);
	http_cli_free(cli);
}

/* A response nobody asked this party for is taken and dropped; so is one of another party. */
static void test_foreign_response(void **state)
{
	struct http_cli_cfg cfg = { .cert_file = path("other", "pem"),
				    .key_file = path("other", "key"),
				    .ca_file = path("ca", "pem") };
	struct http_cli *cli;
	struct es_party *p;
	struct es_msg *m;
	struct bytes *text;
	uint16_t sr_port;

	both();
	p = es_party_add(op.l, "1.2.3.4", ES_ROLE_SMSR);
	p->fpr = talloc_strdup(p, fingerprint("other"));
	call(ES_FN_ENABLE_PROFILE, "t1");
	wait_for(&sr.n_req, 1);
	cli = http_cli_new(root, &cfg);
	m = es_msg_new(root, ES4, ES_FN_ENABLE_PROFILE, ES_RESPONSE);
	m->from_entity = talloc_strdup(m, "1.2.3.4");
	m->message_id = talloc_strdup(m, "m");
	m->relates_to = talloc_strdup(m, sr.message_id);
	text = es_soap_enc(root, m);
	bytes_put_u8(text, 0);
	sr_port = sr.port;
	sr.port = op.port;	/* raw() speaks to this one */
	assert_int_equal(raw(cli, ES_SOAP_CONTENT_TYPE, (char *)text->data), 202);
	sr.port = sr_port;
	spin(100);
	assert_int_equal(op.n_resp, 0);
	answer(&sr, sr.req[0]);
	wait_for(&op.n_resp, 1);
	http_cli_free(cli);
}

/* ---- certificates (corrections 8) ---- */

static void bind(struct es_party_set *s, enum es_bind_how how, char *value, char *anchor)
{
	s->bind[s->n_binds++] = (struct es_bind){ how, value, anchor };
}

static char *spki(const char *name)
{
	char cmd[512], line[128] = "";
	FILE *f;

	snprintf(cmd, sizeof(cmd), "openssl x509 -in %s/%s.pem -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum", dir, name);
	f = popen(cmd, "r");
	assert_non_null(fgets(line, sizeof(line), f));
	pclose(f);
	line[64] = 0;
	return talloc_strdup(root, line);
}

static char *good_request(void)
{
	static unsigned n;
	struct es_msg *m = request(ES_FN_GET_EIS, "f");
	struct bytes *text;

	m->from_entity = talloc_strdup(m, OP);
	m->message_id = talloc_asprintf(m, "urn:good:%u", n++);
	text = es_soap_enc(root, m);
	return talloc_strndup(root, (char *)text->data, text->len);
}

/* The status with which this certificate's request is answered; 0: no answer at all */
static int knock(const char *cert)
{
	struct http_cli *cli = raw_cli(cert);
	int status = raw(cli, ES_SOAP_CONTENT_TYPE, good_request());

	http_cli_free(cli);
	return status < 0 ? 0 : status;
}

static void test_bindings(void **state)
{
	struct es_party_set s = { 0 }, none = { 0 };
	struct es_party *p;

	sr.mode = OK_NOW;
	both();
	p = es_party_find(sr.l, OP);
	assert_int_equal(knock("op"), 200);
	assert_int_equal(knock("op2"), 403);		/* another certificate of the same key */
	TALLOC_FREE(p->fpr);
	assert_int_equal(knock("op"), 403);
	bind(&s, ES_BIND_SPKI, spki("op"), NULL);
	es_party_set(sr.l, p, &s);
	assert_int_equal(knock("op"), 200);
	assert_int_equal(knock("op2"), 200);
	assert_int_equal(knock("other"), 403);
	s = none;		/* two at once */
	bind(&s, ES_BIND_FINGERPRINT, fingerprint("op"), NULL);
	bind(&s, ES_BIND_FINGERPRINT, fingerprint("op2"), NULL);
	es_party_set(sr.l, p, &s);
	assert_int_equal(knock("op"), 200);
	assert_int_equal(knock("op2"), 200);
	s = none;		/* a name counts only with who gave it */
	bind(&s, ES_BIND_SAN, "op.example.com", path("ca1", "pem"));
	es_party_set(sr.l, p, &s);
	assert_int_equal(knock("op"), 200);
	assert_int_equal(knock("evil"), 403);
	s = none;
	bind(&s, ES_BIND_SAN, "OP.example.com", path("ca2", "pem"));
	es_party_set(sr.l, p, &s);
	assert_int_equal(knock("op"), 403);
	assert_int_equal(knock("evil"), 200);
	s = none;
	bind(&s, ES_BIND_SAN, "op.example.co", path("ca1", "pem"));
	bind(&s, ES_BIND_SAN, "127.0.0.1", path("nothing", "pem"));
	es_party_set(sr.l, p, &s);
	assert_int_equal(knock("op"), 403);
	es_party_set(sr.l, p, &none);
	assert_int_equal(knock("op"), 403);
	assert_int_equal(knock("revoked"), 0);	/* not even a handshake */
}

/* A certificate of the listener and its revocation list change, an open connection stays. */
static void test_reload(void **state)
{
	struct http_cli *cli;

	sr.mode = OK_NOW;
	both();
	cli = raw_cli("op");
	assert_int_equal(raw(cli, ES_SOAP_CONTENT_TYPE, good_request()), 200);
	assert_int_equal(es_link_reload(sr.l), 0);
	assert_int_equal(raw(cli, ES_SOAP_CONTENT_TYPE, good_request()), 200);
	assert_int_equal(sr.n_req, 2);
	es_party_del(sr.l, OP);		/* at once */
	assert_int_equal(raw(cli, ES_SOAP_CONTENT_TYPE, good_request()), 403);
	peers();
	assert_int_equal(raw(cli, ES_SOAP_CONTENT_TYPE, good_request()), 200);
	http_cli_free(cli);
}

/* ---- limits ---- */

static void set_limits(unsigned rate, unsigned conns, unsigned open)
{
	const struct es_party_set s = { .max_rate = rate, .max_conns = conns, .max_open = open };

	es_party_set(sr.l, es_party_find(sr.l, OP), &s);
}

static void test_limits(void **state)
{
	struct http_cli *a, *b;
	struct es_msg *m;

	sr.mode = OK_NOW;
	both();
	set_limits(3, 0, 0);
	a = raw_cli("op");
	for (int i = 0; i < 3; i++)
		assert_int_equal(raw(a, ES_SOAP_CONTENT_TYPE, good_request()), 200);
	assert_int_equal(raw(a, ES_SOAP_CONTENT_TYPE, good_request()), 503);
	spin(1100);
	assert_int_equal(raw(a, ES_SOAP_CONTENT_TYPE, good_request()), 200);
	set_limits(0, 1, 0);
	b = raw_cli("op");
	assert_int_equal(raw(b, ES_SOAP_CONTENT_TYPE, good_request()), 503);
	http_cli_free(a);
	spin(200);
	assert_int_equal(raw(b, ES_SOAP_CONTENT_TYPE, good_request()), 200);
	http_cli_free(b);
	spin(200);
	sr.mode = LATER;
	set_limits(0, 0, 2);
	call(ES_FN_ENABLE_PROFILE, "t1");
	call(ES_FN_ENABLE_PROFILE, "t2");
	call(ES_FN_ENABLE_PROFILE, "t3");
	wait_for(&op.n_resp, 1);
	expect("t3", ES_FAILED, ES_R_BUSY);
	/* a validity nobody can promise: the answer says what would do (off-card.md 1.10) */
	set_limits(0, 0, 0);
	m = request(ES_FN_ENABLE_PROFILE, "t4");
	m->b.validity_s = 8 * 24 * 3600;
	assert_int_equal(es_call(op.l, SR, m, "t4", clock_now() + 60), 0);
	wait_for(&op.n_resp, 2);
	expect("t4", ES_FAILED, ES_R_VALIDITY_REFUSED);
	assert_int_equal(op.acceptable, 7 * 24 * 3600);
}

static void hostile(const char *what, const char *make, const char *want_code)
{
	char cmd[2048];
	struct bytes *code;

	snprintf(cmd, sizeof(cmd), "cd %s && %s >bad.xml", dir, make);
	assert_int_equal(system(cmd), 0);
	curl("--cert op.pem --key op.key -H 'Content-Type: application/soap+xml' --data-binary @bad.xml -w '%%{http_code}' "
	     "https://127.0.0.1:%u/es", sr.port);
	code = help_read(root, path("curl", "code"));
	bytes_put_u8(code, 0);
	if (!strstr(want_code, (char *)code->data))
		fail_msg("%s: HTTP %s, not %s", what, code->data, want_code);
	assert_int_equal(sr.n_req, 0);
	assert_null(strstr(curl_out(), "root:"));
	assert_true(strlen(curl_out()) < 2000);
}

/* Over the wire; then a good one is answered as ever. */
static void test_hostile(void **state)
{
	both();
	hostile("billion laughs", "(echo '<!DOCTYPE z [<!ENTITY a \"aaaaaaaaaa\">'; p=a; for n in b c d e f g h i j; do"
		" echo \"<!ENTITY $n \\\"&$p;&$p;&$p;&$p;&$p;&$p;&$p;&$p;&$p;&$p;\\\">\"; p=$n; done; echo ']><z>&j;</z>')", "400");
	hostile("XXE", "echo '<!DOCTYPE z [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><z>&x;</z>'", "400");
	hostile("50 MB", "head -c 50000000 /dev/zero | tr '\\0' ' '", "413 000");
	hostile("deep", "(head -c 80000 /dev/zero | sed 's/\\x00/<a>/g')", "400");
	hostile("wide", "(echo '<a>'; for i in $(seq 30000); do echo '<b/>'; done; echo '</a>')", "400");
	hostile("attributes", "(echo '<a '; for i in $(seq 100); do echo \"x$i='1'\"; done; echo '/>')", "400");
	hostile("not UTF-8", "printf '<a>\\377\\376</a>'", "400");
	hostile("empty", ":", "400");
	sr.mode = OK_NOW;
	assert_int_equal(knock("op"), 200);
}

static void test_slow(void **state)
{
	uint64_t begin;
	char cmd[1024];
	FILE *f = NULL;

	sr.limits.read_s = 1;
	sr.mode = OK_NOW;
	both();
	begin = mono_ms();
	snprintf(cmd, sizeof(cmd), "cd %s && rm -f slow && ((printf 'POST /es HTTP/1.1\\r\\nHost: x\\r\\nContent-Type: text/xml\\r\\n"
		 "Content-Length: 100000\\r\\n\\r\\n'; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do printf x; sleep 0.5; done) |"
		 " openssl s_client -quiet -connect 127.0.0.1:%u -cert op.pem -key op.key >slow.out 2>&1; echo >slow) &", dir, sr.port);
	assert_int_equal(system(cmd), 0);
	while (!(f = fopen(talloc_asprintf(root, "%s/slow", dir), "r")) && mono_ms() < begin + 5000)
		turn();
	assert_non_null(f);	/* well before it would have ended by itself */
	fclose(f);
	assert_true(mono_ms() - begin < 4500);
	assert_int_equal(knock("op"), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_wrong_role),   T(test_from_mismatch), T(test_stranger), T(test_reply_to), T(test_faults),
		T(test_foreign_response), T(test_bindings), T(test_reload), T(test_limits), T(test_hostile), T(test_slow),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
