/* See es_world.h. SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>
#include <osmocom/core/application.h>
#include <osmocom/core/select.h>
#include "es_world.h"

void *root;
char *dir;
struct node op, sr;

/* ---- the two owners ---- */

void answer(struct node *n, int64_t id)
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
	n->acceptable = m ? m->b.acceptable_validity_s : 0;
	n->data_len = m && m->b.response_data ? m->b.response_data->len : 0;
}

static void notification_cb(void *priv, const struct es_party *from, const struct es_msg *m)
{
	struct node *n = priv;

	assert_string_equal(from->id, SR);
	assert_int_equal(m->func, ES_FN_HANDLE_ENABLED);
	n->n_notif++;
}

char *path(const char *name, const char *ext)
{
	return talloc_asprintf(root, "%s/%s.%s", dir, name, ext);
}

char *fingerprint(const char *name)
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

void peer_add(struct node *n, const struct node *other, enum es_role role)
{
	struct es_party *p = es_party_add(n->l, other->id, role);

	p->role = role;
	p->fpr = talloc_strdup(p, fingerprint(other->name));
	p->url = talloc_asprintf(p, "https://127.0.0.1:%u/es", other->port);
}

void node_open(struct node *n)
{
	const char *const schema[] = { es_link_schema, es_link_schema_2 };
	struct es_link_cfg cfg = {
		.own_id = n->id, .own_role = n == &sr ? ES_ROLE_SMSR : ES_ROLE_OPERATOR, .own_name = "name & more", .bind_ip = "127.0.0.1", .bind_port = n->port,
		.cert_file = path(n->name, "pem"), .key_file = path(n->name, "key"), .ca_file = path("ca", "pem"),
		.crl_file = path("ca", "crl"), .limits = n->limits, .poll = n->poll, .trace = n->trace, .request = request_cb, .response = response_cb, .notification = notification_cb, .priv = n,
	};

	assert_int_equal(sqldb_open(&n->db, root, n->db_path, schema, 2), 0);
	cfg.db = n->db;
	n->l = es_link_new(root, n->db);
	assert_non_null(n->l);
	assert_int_equal(es_link_start(n->l, &cfg), 0);
	n->port = es_link_port(n->l);
	if (!n->no_callback && !n->poll)
		es_link_set_own_url(n->l, talloc_asprintf(root, "https://127.0.0.1:%u/es/cb?x=1", n->port));
}

void node_close(struct node *n)
{
	if (!n->l)
		return;
	talloc_free(n->l);
	sqldb_close(n->db);
	n->l = NULL;
	n->db = NULL;
}

void peers(void)
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

void turn(void)
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

uint64_t mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

void wait_for(const unsigned *what, unsigned want)
{
	uint64_t end = mono_ms() + 15000;

	while (*what < want) {
		if (mono_ms() > end)
			fail_msg("waited in vain: %u of %u", *what, want);
		turn();
	}
}

void spin(unsigned ms)
{
	uint64_t end = mono_ms() + ms;

	while (mono_ms() < end)
		turn();
}

/* ---- set-up ---- */

int group_setup(void **state)
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
		" mk ca2; crt() { openssl req -new -key $1.key -subj /CN=$2 -out $2.csr && openssl x509 -req -in $2.csr -CA $3.pem -CAkey"
		" $4.key -CAcreateserial -days 30 -extfile ext -out $2.pem; };"
		" for c in ca ca2; do openssl req -x509 -new -key $c.key -subj /CN=$c -days 30 -out $c.pem || exit 1; done; cp ca.pem ca1.pem;"
		" printf subjectAltName=IP:127.0.0.1,DNS:op.example.com >ext &&"
		" for n in op sr other revoked; do mk $n && crt $n $n ca1 ca || exit 1; done;"	/* evil: the name of op, of another CA */
		" crt op op2 ca1 ca && mk evil && crt evil evil ca2 ca2 && cat ca2.pem >>ca.pem && cp op.key op2.key &&"
		" printf '[ca]\ndefault_ca=d\n[d]\ndatabase=idx\ndefault_md=sha256\ncrlnumber=num\ndefault_crl_days=30\n' >cnf && : >idx &&"
		" echo 01 >num && openssl ca -config cnf -revoke revoked.pem -keyfile ca.key -cert ca1.pem &&"
		" openssl ca -config cnf -gencrl -keyfile ca.key -cert ca1.pem -out ca.crl && chmod 400 *.key",
		dir);
	return system(cmd);
}

int group_teardown(void **state)
{
	help_rmdir(dir);
	log_fini();
	talloc_free(root);
	return 0;
}

int setup(void **state)
{
	static unsigned number;

	clock_override(-1);
	number++;
	op = (struct node){ .id = OP, .name = "op", .db_path = talloc_asprintf(root, "%s/op%u.db", dir, number) };
	sr = (struct node){ .id = SR, .name = "sr", .db_path = talloc_asprintf(root, "%s/sr%u.db", dir, number) };
	return 0;
}

int teardown(void **state)
{
	node_close(&op);
	node_close(&sr);
	clock_override(-1);
	return 0;
}

void both(void)
{
	node_open(&op);
	node_open(&sr);
	peers();
}

struct es_msg *request(enum es_func func, const char *fcid)
{
	struct es_msg *m = es_msg_new(root, ES4, func, ES_REQUEST);

	m->b.has_eid = true;
	assert_int_equal(eid_from_str(&m->b.eid, EID_A), 0);
	strcpy(m->b.iccid, ICCID_A);
	m->b.fcid = talloc_strdup(m, fcid);
	return m;
}

void call(enum es_func func, const char *tag)
{
	assert_int_equal(es_call(op.l, SR, request(func, tag), tag, clock_now() + 60), 0);
}

void expect(const char *tag, int status, enum es_reason reason)
{
	assert_string_equal(op.tag, tag);
	assert_int_equal(op.status, status);
	assert_string_equal(es_reason_subject(op.reason), es_reason_subject(reason));
	assert_string_equal(es_reason_code(op.reason), es_reason_code(reason));
}

/* ---- what is no message of ours ---- */

static unsigned raw_done;
static int raw_status;
char raw_body[8192];

static void raw_cb(void *priv, int status, const uint8_t *body, size_t len)
{
	raw_done++;
	raw_status = status;
	snprintf(raw_body, sizeof(raw_body), "%.*s", (int)len, body ? (const char *)body : "");
}

int raw(struct http_cli *cli, const char *type, const char *body)
{
	raw_done = 0;
	http_cli_post(cli, talloc_asprintf(root, "https://127.0.0.1:%u/es", sr.port), type, body, strlen(body), raw_cb,
		      NULL);
	wait_for(&raw_done, 1);
	return raw_status;
}

struct http_cli *raw_cli(const char *cert_name)
{
	struct http_cli_cfg cfg = {
		.ca_file = path("ca", "pem"), .cert_file = path(cert_name, "pem"), .key_file = path(cert_name, "key"),
		.max_body = 1 << 20,
	};

	return http_cli_new(root, &cfg);
}

/* ---- curl ---- */

int curl(const char *fmt, ...)
{
	char args[1024], cmd[2048], *rc_file = path("curl", "rc");
	uint64_t end = mono_ms() + 20000;
	int rc = -1;
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	unlink(rc_file);
	snprintf(cmd, sizeof(cmd), "cd %s && (curl -s --noproxy '*' --cacert ca.pem -o curl.out %s >curl.code; echo $? >curl.rc.new;"
		 " mv curl.rc.new curl.rc) &", dir, args);
	assert_int_equal(system(cmd), 0);
	while (!(f = fopen(rc_file, "r")) && mono_ms() < end)
		turn();
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &rc), 1);
	fclose(f);
	return rc;
}

char *curl_out(void)
{
	struct bytes *b = help_read(root, path("curl", "out"));

	return b && b->len ? talloc_strndup(root, (char *)b->data, b->len) : talloc_strdup(root, "");
}
