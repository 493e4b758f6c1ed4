/* Two links in one process over loopback TLS with certificates made by openssl: every way a request can be answered,
 * what is refused at the door, and restarts at both ends.  SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include "es_help.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <time.h>
#include <osmocom/core/application.h>
#include <osmocom/core/select.h>
#include "../../src/es/es_link_priv.h"

#define OP "1.3.6.1.4.1.30"
#define SR "1.3.6.1.4.1.20"

enum mode { LATER, OK_NOW, FAIL_NOW };

struct node {
	const char *id, *name;
	char *db_path;
	struct sqldb *db;
	struct es_link *l;
	uint16_t port;
	bool no_callback;	/* calls carry no ReplyTo */
	enum mode mode;
	int64_t req[32];
	char order[64];		/* last digit of the FunctionCallIdentifier of each request */
	unsigned n_req, n_resumed, n_resp, n_notif;
	char tag[64], why[64], message_id[256];
	int status;		/* es_status of the last response, -1: none */
	enum es_reason reason;
	size_t data_len;
};

static void *root;
static char *dir;
static struct node op, sr;

/* ---- the two owners ---- */

static void answer(struct node *n, int64_t id)
{
	struct es_req *req = es_req_find(n->l, id);
	struct es_msg *resp;

	assert_non_null(req);
	resp = es_req_response(req, ES_EXECUTED_SUCCESS, ES_R_NONE, NULL, NULL);
	resp->b.response_data = bytes_from_hex(resp, "AB029000");
	es_req_respond(req, resp);
	assert_null(es_req_find(n->l, id));
}

static void request_cb(void *priv, struct es_req *req, bool resumed)
{
	struct node *n = priv;
	const struct es_msg *m = es_req_msg(req);

	n->req[n->n_req++ % 32] = es_req_id(req);
	n->n_resumed += resumed;
	snprintf(n->message_id, sizeof(n->message_id), "%s", m->message_id);
	if (m->b.fcid && strlen(n->order) < sizeof(n->order) - 1)
		strncat(n->order, m->b.fcid + strlen(m->b.fcid) - 1, 1);
	assert_string_equal(es_req_party(req)->id, OP);
	if (n->mode == OK_NOW)
		answer(n, es_req_id(req));
	else if (n->mode == FAIL_NOW)
		es_req_respond_err(req, ES_R_EID_UNKNOWN, EID_A, NULL);
}

static void response_cb(void *priv, const char *tag, const struct es_msg *m, const char *why)
{
	struct node *n = priv;

	n->n_resp++;
	snprintf(n->tag, sizeof(n->tag), "%s", tag);
	snprintf(n->why, sizeof(n->why), "%s", why ? why : "");
	n->status = m ? (int)m->b.result.status : -1;
	n->reason = m ? es_result_reason(&m->b.result) : ES_R_NONE;
	n->data_len = m && m->b.response_data ? m->b.response_data->len : 0;
}

static void notification_cb(void *priv, const struct es_party *from, const struct es_msg *m)
{
	struct node *n = priv;

	assert_string_equal(from->id, SR);
	assert_int_equal(m->func, ES_FN_HANDLE_ENABLED);
	n->n_notif++;
}

static char *path(const char *name, const char *ext)
{
	return talloc_asprintf(root, "%s/%s.%s", dir, name, ext);
}

static char *fingerprint(const char *name)
{
	char cmd[512], line[256] = "";
	FILE *f;

	snprintf(cmd, sizeof(cmd), "openssl x509 -in %s/%s.pem -noout -fingerprint -sha256", dir, name);
	f = popen(cmd, "r");
	assert_non_null(fgets(line, sizeof(line), f));
	pclose(f);
	line[strcspn(line, "\n")] = 0;
	return talloc_strdup(root, strchr(line, '=') + 1);
}

static void peer_add(struct node *n, const struct node *other, enum es_role role)
{
	struct es_party *p = es_party_add(n->l, other->id, role);

	p->role = role;
	p->fpr = talloc_strdup(p, fingerprint(other->name));
	p->url = talloc_asprintf(p, "https://127.0.0.1:%u/es", other->port);
}

static void node_open(struct node *n)
{
	const char *const schema[] = { es_link_schema, es_link_schema_2 };
	struct es_link_cfg cfg = {
		.own_id = n->id, .own_name = "name & more", .bind_ip = "127.0.0.1", .bind_port = n->port,
		.cert_file = path(n->name, "pem"), .key_file = path(n->name, "key"), .ca_file = path("ca", "pem"),
		.request = request_cb, .response = response_cb, .notification = notification_cb, .priv = n,
	};

	assert_int_equal(sqldb_open(&n->db, root, n->db_path, schema, 2), 0);
	cfg.db = n->db;
	n->l = es_link_new(root, n->db);
	assert_non_null(n->l);
	assert_int_equal(es_link_start(n->l, &cfg), 0);
	n->port = es_link_port(n->l);
	if (!n->no_callback)
		es_link_set_own_url(n->l, talloc_asprintf(root, "https://127.0.0.1:%u/es/cb?x=1", n->port));
}

static void node_close(struct node *n)
{
	if (!n->l)
		return;
	talloc_free(n->l);
	sqldb_close(n->db);
	n->l = NULL;
	n->db = NULL;
}

static void peers(void)
{
	if (op.l)
		peer_add(&op, &sr, ES_ROLE_SMSR);
	if (sr.l)
		peer_add(&sr, &op, ES_ROLE_OPERATOR);
}

/* ---- the loop ---- */

static void idle_cb(void *data)
{
}

static void turn(void)
{
	struct osmo_timer_list t = { 0 };

	if (op.db)
		txn_commit(op.db);
	if (sr.db)
		txn_commit(sr.db);
	osmo_timer_setup(&t, idle_cb, NULL);
	osmo_timer_schedule(&t, 0, 10000);
	osmo_select_main_ctx(0);
	osmo_timer_del(&t);
	if (op.db)
		txn_commit(op.db);
	if (sr.db)
		txn_commit(sr.db);
}

static uint64_t mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

static void wait_for(const unsigned *what, unsigned want)
{
	uint64_t end = mono_ms() + 15000;

	while (*what < want) {
		if (mono_ms() > end)
			fail_msg("waited in vain: %u of %u", *what, want);
		turn();
	}
}

static void spin(unsigned ms)
{
	uint64_t end = mono_ms() + ms;

	while (mono_ms() < end)
		turn();
}

/* ---- set-up ---- */

static int group_setup(void **state)
{
	char cmd[2048];

	root = talloc_named_const(NULL, 0, "es_link_test");
	osmo_init_logging2(root, &rsp_log_info);
	log_set_print_filename2(osmo_stderr_target, LOG_FILENAME_NONE);
	log_set_log_level(osmo_stderr_target, getenv("ES_DEBUG") ? LOGL_DEBUG : LOGL_FATAL);
	dir = help_tmpdir(root);
	snprintf(
		cmd, sizeof(cmd),
		"cd %s && exec >log 2>&1 && mk() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }; mk ca &&"
		" openssl req -x509 -new -key ca.key -subj /CN=CA -days 30 -out ca.pem && printf subjectAltName=IP:127.0.0.1 >ext &&"
		" for n in op sr other; do mk $n && openssl req -new -key $n.key -subj /CN=$n -out $n.csr &&"
		" openssl x509 -req -in $n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile ext -out $n.pem || exit 1; done;"
		" chmod 400 *.key",
		dir);
	return system(cmd);
}

static int group_teardown(void **state)
{
	help_rmdir(dir);
	log_fini();
	talloc_free(root);
	return 0;
}

static int setup(void **state)
{
	static unsigned number;

	clock_override(-1);
	number++;
	op = (struct node){ .id = OP, .name = "op", .db_path = talloc_asprintf(root, "%s/op%u.db", dir, number) };
	sr = (struct node){ .id = SR, .name = "sr", .db_path = talloc_asprintf(root, "%s/sr%u.db", dir, number) };
	return 0;
}

static int teardown(void **state)
{
	node_close(&op);
	node_close(&sr);
	clock_override(-1);
	return 0;
}

static void both(void)
{
	node_open(&op);
	node_open(&sr);
	peers();
}

static struct es_msg *request(enum es_func func, const char *fcid)
{
	struct es_msg *m = es_msg_new(root, ES4, func, ES_REQUEST);

	m->b.has_eid = true;
	assert_int_equal(eid_from_str(&m->b.eid, EID_A), 0);
	strcpy(m->b.iccid, ICCID_A);
	m->b.fcid = talloc_strdup(m, fcid);
	return m;
}

static void call(enum es_func func, const char *tag)
{
	assert_int_equal(es_call(op.l, SR, request(func, tag), tag, clock_now() + 60), 0);
}

static void expect(const char *tag, int status, enum es_reason reason)
{
	assert_string_equal(op.tag, tag);
	assert_int_equal(op.status, status);
	assert_string_equal(es_reason_subject(op.reason), es_reason_subject(reason));
	assert_string_equal(es_reason_code(op.reason), es_reason_code(reason));
}

/* ---- answers ---- */

static void test_callback(void **state)
{
	both();
	call(ES_FN_ENABLE_PROFILE, "t1");
	wait_for(&sr.n_req, 1);
	spin(300);
	assert_int_equal(op.n_resp, 0);
	assert_int_equal(es_link_outbox_len(op.l), 1);	/* waiting for the callback */
	answer(&sr, sr.req[0]);
	wait_for(&op.n_resp, 1);
	expect("t1", ES_EXECUTED_SUCCESS, ES_R_NONE);
	assert_int_equal(op.data_len, 4);
	spin(300);
	assert_int_equal(op.n_resp, 1);
	assert_int_equal(es_link_outbox_len(op.l), 0);
	assert_int_equal(es_link_outbox_len(sr.l), 0);
}

static void test_sync_held(void **state)
{
	op.no_callback = true;
	both();
	call(ES_FN_ENABLE_PROFILE, "t1");
	wait_for(&sr.n_req, 1);
	spin(200);
	assert_int_equal(op.n_resp, 0);
	answer(&sr, sr.req[0]);
	wait_for(&op.n_resp, 1);
	expect("t1", ES_EXECUTED_SUCCESS, ES_R_NONE);
	assert_int_equal(es_link_outbox_len(sr.l), 0);
}

/* A failure found at once, and functions that need no card: in the HTTP reply in spite of the ReplyTo */
static void test_immediate(void **state)
{
	both();
	sr.mode = FAIL_NOW;
	call(ES_FN_ENABLE_PROFILE, "t1");
	wait_for(&op.n_resp, 1);
	expect("t1", ES_FAILED, ES_R_EID_UNKNOWN);
	sr.mode = OK_NOW;
	call(ES_FN_GET_EIS, "t2");
	wait_for(&op.n_resp, 2);
	expect("t2", ES_EXECUTED_SUCCESS, ES_R_NONE);
	assert_int_equal(es_link_outbox_len(sr.l), 0);
	call(ES_FN_ENABLE_PROFILE, "t3");	/* success of a card function comes as callback */
	wait_for(&op.n_resp, 3);
	expect("t3", ES_EXECUTED_SUCCESS, ES_R_NONE);
}

static void test_notification(void **state)
{
	struct es_msg *m;

	both();
	m = es_msg_new(root, ES4, ES_FN_HANDLE_ENABLED, ES_NOTIFICATION);
	m->b.has_eid = true;
	eid_from_str(&m->b.eid, EID_A);
	strcpy(m->b.iccid, ICCID_A);
	m->b.completion = clock_now();
	assert_int_equal(es_call(sr.l, OP, m, NULL, 0), 0);
	wait_for(&op.n_notif, 1);
	spin(200);
	assert_int_equal(es_link_outbox_len(sr.l), 0);
	assert_int_equal(sr.n_resp, 0);
	assert_int_equal(es_call(sr.l, "1.2.3", es_msg_new(root, ES4, ES_FN_HANDLE_ENABLED, ES_NOTIFICATION), NULL, 0),
			 -ENOENT);
}

/* ---- the same MessageID again ---- */

static void call_with_id(const char *tag, const char *message_id)
{
	struct es_msg *m = request(ES_FN_ENABLE_PROFILE, tag);

	m->message_id = talloc_strdup(m, message_id);
	assert_int_equal(es_call(op.l, SR, m, tag, clock_now() + 60), 0);
}

static void test_duplicate(void **state)
{
	op.no_callback = true;
	both();
	sr.mode = OK_NOW;
	call_with_id("t1", "urn:1?TransactionId=x");
	wait_for(&op.n_resp, 1);
	call_with_id("t2", "urn:1?TransactionId=x");
	wait_for(&op.n_resp, 2);
	expect("t2", ES_EXECUTED_SUCCESS, ES_R_NONE);	/* the stored answer */
	assert_int_equal(op.data_len, 4);
	assert_int_equal(sr.n_req, 1);
	/* 24 hours later it is forgotten */
	es_db_purge(sr.l, clock_now() - ES_KEEP_S);
	call_with_id("t3", "urn:1?TransactionId=x");
	wait_for(&op.n_resp, 3);
	assert_int_equal(sr.n_req, 1);
	es_db_purge(sr.l, clock_now() + 1);
	call_with_id("t4", "urn:1?TransactionId=x");
	wait_for(&op.n_resp, 4);
	assert_int_equal(sr.n_req, 2);
}

/* Repeated while the first is still worked on: one execution, and the answer goes to whoever still listens. */
static void test_duplicate_open(void **state)
{
	op.no_callback = true;
	both();
	call_with_id("t1", "urn:1");
	wait_for(&sr.n_req, 1);
	node_close(&op);		/* the connection dies with its process; the outbox remembers */
	spin(300);
	answer(&sr, sr.req[0]);		/* nobody listens: stored */
	spin(100);
	node_open(&op);
	peers();
	es_link_resume(op.l);
	wait_for(&op.n_resp, 1);
	expect("t1", ES_EXECUTED_SUCCESS, ES_R_NONE);
	assert_int_equal(sr.n_req, 1);
	spin(100);
	call_with_id("t2", "urn:2");
	wait_for(&sr.n_req, 2);
	node_close(&op);
	spin(100);
	node_open(&op);
	peers();
	es_link_resume(op.l);		/* sends it again */
	spin(500);
	assert_int_equal(sr.n_req, 2);
	answer(&sr, sr.req[1]);
	wait_for(&op.n_resp, 2);
	expect("t2", ES_EXECUTED_SUCCESS, ES_R_NONE);
}

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

static unsigned raw_done;
static int raw_status;
static char raw_body[8192];

static void raw_cb(void *priv, int status, const uint8_t *body, size_t len)
{
	raw_done++;
	raw_status = status;
	snprintf(raw_body, sizeof(raw_body), "%.*s", (int)len, body ? (const char *)body : "");
}

static int raw(struct http_cli *cli, const char *type, const char *body)
{
	raw_done = 0;
	http_cli_post(cli, talloc_asprintf(root, "https://127.0.0.1:%u/es", sr.port), type, body, strlen(body), raw_cb,
		      NULL);
	wait_for(&raw_done, 1);
	return raw_status;
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

/* A callback of a peer that shortens RelatesTo, or has only the TransactionId (off-card.md 1.5.5) */
static void test_correlation(void **state)
{
	struct http_cli_cfg cfg = { .cert_file = path("sr", "pem"),
				    .key_file = path("sr", "key"),
				    .ca_file = path("ca", "pem") };
	struct http_cli *cli;
	struct es_msg *m;
	struct bytes *text;
	uint16_t sr_port;

	both();
	cli = http_cli_new(root, &cfg);
	sr_port = sr.port;
	for (unsigned i = 0; i < 3; i++) {
		call(ES_FN_ENABLE_PROFILE, i == 0 ? "base" : i == 1 ? "transaction" : "none");
		wait_for(&sr.n_req, i + 1);
		m = es_msg_new(root, ES4, i < 2 ? ES_FN_ENABLE_PROFILE : ES_FN_DISABLE_PROFILE, ES_RESPONSE);
		m->from_entity = talloc_strdup(m, SR);
		m->message_id = talloc_asprintf(m, "//m%u%s", i, strchr(sr.message_id, '?'));
		if (i == 0)
			m->relates_to = talloc_strndup(m, sr.message_id, strcspn(sr.message_id, "?"));
		text = es_soap_enc(root, m);
		bytes_put_u8(text, 0);
		sr.port = op.port; /* raw() speaks to this one */
		assert_int_equal(raw(cli, ES_SOAP_CONTENT_TYPE, (char *)text->data), 202);
		sr.port = sr_port;
		spin(50);
		assert_int_equal(op.n_resp, i < 2 ? i + 1 : 2); /* the answer to another function is none */
		if (i < 2)
			expect(i == 0 ? "base" : "transaction", ES_EXECUTED_SUCCESS, ES_R_NONE);
	}
	http_cli_free(cli);
}

/* ---- restarts and outages ---- */

static void test_restart_server(void **state)
{
	int64_t id, deadline;

	both();
	call(ES_FN_ENABLE_PROFILE, "t1");
	wait_for(&sr.n_req, 1);
	id = sr.req[0];
	deadline = es_req_deadline(es_req_find(sr.l, id));
	spin(300);
	node_close(&sr);
	node_open(&sr);
	peers();
	assert_null(es_req_find(sr.l, id));
	es_link_resume(sr.l);
	assert_int_equal(sr.n_resumed, 1);
	assert_int_equal(sr.req[1], id);
	assert_int_equal(es_req_deadline(es_req_find(sr.l, id)), deadline);
	answer(&sr, id);
	node_close(&sr);		/* before anything was committed: as if it had not answered */
	node_open(&sr);
	peers();
	es_link_resume(sr.l);
	assert_int_equal(sr.n_resumed, 2);
	answer(&sr, id);
	txn_commit(sr.db);		/* committed, and down before the callback left */
	node_close(&sr);
	node_open(&sr);
	peers();
	es_link_resume(sr.l);
	assert_int_equal(sr.n_resumed, 2);
	wait_for(&op.n_resp, 1);
	expect("t1", ES_EXECUTED_SUCCESS, ES_R_NONE);
	spin(300);
	assert_int_equal(op.n_resp, 1);
}

static void test_restart_client(void **state)
{
	both();
	call(ES_FN_ENABLE_PROFILE, "t1");
	wait_for(&sr.n_req, 1);
	spin(300);
	node_close(&op);
	answer(&sr, sr.req[0]);
	spin(300);			/* the callback is refused: nobody there */
	node_open(&op);
	peers();
	es_link_resume(op.l);
	wait_for(&op.n_resp, 1);
	expect("t1", ES_EXECUTED_SUCCESS, ES_R_NONE);
	spin(100);
	assert_int_equal(es_link_outbox_len(sr.l), 0);
}

static void test_down_then_up(void **state)
{
	char *text;

	both();
	node_close(&sr);
	call(ES_FN_ENABLE_PROFILE, "t1");
	call(ES_FN_DISABLE_PROFILE, "t2");	/* same EID: must not overtake */
	spin(1500);
	text = es_link_describe_outbox(op.l, root);
	assert_non_null(strstr(text, "2 messages"));
	assert_non_null(strstr(text, "backing off"));
	node_close(&op);			/* the outbox survives */
	node_open(&op);
	node_open(&sr);
	peers();
	es_link_resume(op.l);
	sr.mode = OK_NOW;
	wait_for(&op.n_resp, 2);
	assert_int_equal(sr.n_req, 2);
	assert_string_equal(sr.order, "12");
}

/* Many for one EID stay in order; none is lost or doubled. */
static void test_order(void **state)
{
	char tag[16];

	both();
	sr.mode = FAIL_NOW;
	for (int i = 0; i < 20; i++) {
		snprintf(tag, sizeof(tag), "t%d", i);
		call(ES_FN_ENABLE_PROFILE, tag);
	}
	wait_for(&op.n_resp, 20);
	assert_string_equal(sr.order, "01234567890123456789");
}

static void test_expiry(void **state)
{
	both();
	call(ES_FN_ENABLE_PROFILE, "t1");
	wait_for(&sr.n_req, 1);
	spin(300);
	clock_override((clock_now() + 61) * 1000);
	wait_for(&op.n_resp, 1);
	assert_int_equal(op.status, -1);
	assert_string_equal(op.why, "expired");
	answer(&sr, sr.req[0]);			/* late: taken, told to nobody */
	spin(500);
	assert_int_equal(op.n_resp, 1);
	assert_int_equal(es_link_outbox_len(sr.l), 0);
}

static void nonsense_cb(void *priv, struct http_req *req)
{
	(*(unsigned *)priv)++;
	http_req_respond(req, 200, NULL, 0, "<hello/>", 8, false);
}

/* 200 with something that is no SOAP: the peer has taken the call and may have acted. No verdict before the deadline. */
static void test_nonsense(void **state)
{
	unsigned seen = 0;
	struct http_srv_cfg cfg = {
		.ip = "127.0.0.1", .tls = HTTP_TLS_X509, .cert_file = path("sr", "pem"), .key_file = path("sr", "key"),
		.ca_file = path("ca", "pem"), .req_cb = nonsense_cb, .max_body = 65536, .max_conns = 4, .hold_s = 5,
		.priv = &seen,
	};
	struct http_srv *srv;

	both();
	cfg.port = sr.port;
	node_close(&sr);
	srv = http_srv_new(root, &cfg);
	assert_non_null(srv);
	call(ES_FN_ENABLE_PROFILE, "t1");
	wait_for(&seen, 1);
	spin(300);
	assert_int_equal(op.n_resp, 0);
	clock_override((clock_now() + 61) * 1000);
	wait_for(&op.n_resp, 1);
	assert_string_equal(op.why, "expired");
	assert_int_equal(seen, 1);		/* and it is not sent again */
	http_srv_free(srv);
}

static void test_cancel(void **state)
{
	both();
	call(ES_FN_ENABLE_PROFILE, "t1");
	wait_for(&sr.n_req, 1);
	es_call_cancel(op.l, "t1");
	assert_int_equal(es_link_outbox_len(op.l), 0);
	answer(&sr, sr.req[0]);
	spin(300);
	assert_int_equal(op.n_resp, 0);
	assert_int_equal(es_link_outbox_len(sr.l), 0);
}

/* An event that is undone sends nothing, even though its row number is used again. */
static void test_undone_event(void **state)
{
	both();
	txn_event_begin(op.db);
	call(ES_FN_ENABLE_PROFILE, "never");
	txn_event_end(op.db, 0);
	sr.mode = FAIL_NOW;
	call(ES_FN_ENABLE_PROFILE, "t1");
	wait_for(&op.n_resp, 1);
	spin(300);
	expect("t1", ES_FAILED, ES_R_EID_UNKNOWN);
	assert_int_equal(sr.n_req, 1);
}

/* ---- tables ---- */

static void test_roles(void **state)
{
	assert_true(es_role_may(ES1, ES_FN_REGISTER_EIS, ES_ROLE_EUM));
	assert_false(es_role_may(ES1, ES_FN_REGISTER_EIS, ES_ROLE_SMDP));
	assert_false(es_role_may(ES1, ES_FN_GET_EIS, ES_ROLE_EUM));
	assert_true(es_role_may(ES2, ES_FN_DOWNLOAD_PROFILE, ES_ROLE_OPERATOR));
	assert_false(es_role_may(ES2, ES_FN_DOWNLOAD_PROFILE, ES_ROLE_SMSR));
	assert_true(es_role_may(ES3, ES_FN_SEND_DATA, ES_ROLE_SMDP));
	assert_false(es_role_may(ES3, ES_FN_SEND_DATA, ES_ROLE_OPERATOR));
	assert_true(es_role_may(ES3, ES_FN_HANDLE_ENABLED, ES_ROLE_SMSR));
	assert_false(es_role_may(ES3, ES_FN_HANDLE_ENABLED, ES_ROLE_SMDP));
	assert_true(es_role_may(ES4, ES_FN_ENABLE_PROFILE, ES_ROLE_M2M_SP));
	assert_false(es_role_may(ES4, ES_FN_UPDATE_POLICY_RULES, ES_ROLE_M2M_SP));
	assert_false(es_role_may(ES4, ES_FN_SEND_DATA, ES_ROLE_OPERATOR));
	assert_int_equal(es_role_parse("sm-dp"), ES_ROLE_SMDP);
	assert_int_equal(es_role_parse("x"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_callback),	T(test_sync_held),	T(test_immediate),    T(test_notification),
		T(test_duplicate),	T(test_duplicate_open), T(test_wrong_role),   T(test_from_mismatch),
		T(test_stranger),	T(test_reply_to),	T(test_faults),	      T(test_foreign_response), T(test_correlation),
		T(test_restart_server), T(test_restart_client), T(test_down_then_up), T(test_order),
		T(test_expiry), T(test_nonsense),		T(test_cancel),		T(test_undone_event), T(test_roles),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
