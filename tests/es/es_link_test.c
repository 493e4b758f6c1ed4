/* Every way a request can be answered, the same request again, and restarts at both ends.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include "es_world.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

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
		T(test_duplicate),	T(test_duplicate_open), T(test_correlation),
		T(test_restart_server), T(test_restart_client), T(test_down_then_up), T(test_order),
		T(test_expiry), T(test_nonsense),		T(test_cancel),		T(test_undone_event), T(test_roles),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
