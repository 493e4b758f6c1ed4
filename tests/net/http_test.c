/* Plain HTTP: both ends, held requests, gone peers, limits, and how a client's call may end.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "net_help.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>
#include <osmocom/core/utils.h>

static int setup(void **state)
{
	*state = help_new();
	return 0;
}

static int teardown(void **state)
{
	help_free(*state);
	return 0;
}

static struct http_cli *cli_new(struct help *h, unsigned timeout_s, unsigned inflight)
{
	struct http_cli_cfg cfg = { .timeout_s = timeout_s, .max_inflight = inflight, .max_body = 5000 };
	struct http_cli *cli = http_cli_new(h->ctx, &cfg);

	assert_non_null(cli);
	return cli;
}

static char *url(struct help *h, const char *rest)
{
	return talloc_asprintf(h, "http://127.0.0.1:%u%s", http_srv_port(h->srv), rest);
}

static void start(struct help *h, struct http_srv_cfg *cfg)
{
	h->srv = http_srv_new(h->ctx, cfg);
	assert_non_null(h->srv);
	assert_true(http_srv_port(h->srv) > 0);
}

static void test_there_and_back(void **state)
{
	struct help *h = *state;
	struct http_srv_cfg cfg = help_srv_cfg(h);
	struct http_cli *cli = cli_new(h, 5, 4);
	unsigned long conn;

	start(h, &cfg);
	assert_int_equal(http_cli_post(cli, url(h, "/a/b?x=%41&y"), "text/plain", "hello", 5, help_done, h), 0);
	assert_int_equal(h->n_done, 0);
	help_wait(&h->n_done, 1, 5000);
	assert_int_equal(h->last_status, 200);
	assert_int_equal(h->last_answer_len, 5);
	assert_memory_equal(h->last_answer, "hello", 5);
	assert_string_equal(h->last_path, "/a/b");
	assert_string_equal(h->last_query, "x=%41&y");	/* as sent */
	assert_string_equal(h->last_type, "text/plain");
	conn = h->last_conn;
	assert_int_equal(http_cli_post(cli, url(h, "/c"), "text/plain", NULL, 0, help_done, h), 0);
	help_wait(&h->n_done, 2, 5000);
	assert_string_equal(h->last_query, "");
	assert_int_equal(h->last_len, 0);
	assert_true(h->last_conn == conn);	/* the connection was kept */
	http_cli_free(cli);
}

/* As SCP81 wants it: chunked, no chunk above the limit (read from the raw octets). */
static void test_chunked(void **state)
{
	struct help *h = *state;
	struct http_srv_cfg cfg = help_srv_cfg(h);
	uint8_t body[2048];
	char *out, *p;
	unsigned i, sum = 0, chunks = 0, n;

	for (i = 0; i < sizeof(body); i++)
		body[i] = 'a' + i % 26;
	h->echo = false;
	h->answer = body;
	h->answer_len = sizeof(body);
	cfg.chunk = 480;
	start(h, &cfg);
	assert_int_equal(help_run(h, &out, "curl -s --raw -i -d x http://127.0.0.1:%u/", http_srv_port(h->srv)), 0);
	assert_non_null(strstr(out, "Transfer-Encoding: chunked"));
	assert_null(strstr(out, "Content-Length"));
	p = strstr(out, "\r\n\r\n");
	assert_non_null(p);
	p += 4;
	while ((n = strtoul(p, &p, 16))) {
		assert_true(n <= 480);
		p += 2;
		assert_memory_equal(p, body + sum, n);
		sum += n;
		chunks++;
		p += n + 2;
	}
	assert_int_equal(sum, sizeof(body));
	assert_int_equal(chunks, 5);
	h->status = 204;
	h->answer_len = 0;
	assert_int_equal(help_run(h, &out, "curl -s --raw -i -d x http://127.0.0.1:%u/", http_srv_port(h->srv)), 0);
	assert_non_null(strstr(out, "204 No Content"));
	assert_null(strstr(out, "chunked"));
}

static void test_hold_100(void **state)
{
	struct help *h = *state;
	struct http_srv_cfg cfg = help_srv_cfg(h);
	struct http_cli *cli = cli_new(h, 10, 100);
	struct http_srv_stats st;
	unsigned i;

	h->hold = true;
	start(h, &cfg);
	for (i = 0; i < 150; i++)
		assert_int_equal(http_cli_post(cli, url(h, "/held"), "text/plain", "x", 1, help_done, h), 0);
	help_wait(&h->n_held, 100, 10000);
	help_spin(50);
	assert_int_equal(h->n_held, 100);	/* the client's own limit: 50 wait there */
	assert_int_equal(h->n_done, 0);
	http_srv_stats(h->srv, &st);
	assert_int_equal(st.held, 100);
	h->hold = false;
	help_answer_all(h);
	help_wait(&h->n_done, 150, 10000);
	assert_int_equal(h->last_status, 200);
	http_srv_stats(h->srv, &st);
	assert_int_equal(st.held, 0);
	assert_int_equal(st.requests, 150);
	http_cli_free(cli);
}

static const char raw[] = "POST /r HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";

static void test_gone_peers(void **state)
{
	struct help *h = *state;
	struct http_srv_cfg cfg = help_srv_cfg(h);
	struct http_srv_stats st;
	struct linger rst = { .l_onoff = 1 };
	int fd[40];
	unsigned i;

	h->hold = true;
	start(h, &cfg);
	for (i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = help_connect(http_srv_port(h->srv));
		assert_int_equal(write(fd[i], raw, strlen(raw)), strlen(raw));
	}
	help_wait(&h->n_held, ARRAY_SIZE(fd), 5000);
	for (i = 0; i < ARRAY_SIZE(fd); i++) {
		if (i % 2)	/* half by RST, half by FIN */
			setsockopt(fd[i], SOL_SOCKET, SO_LINGER, &rst, sizeof(rst));
		close(fd[i]);
	}
	help_wait(&h->n_gone, ARRAY_SIZE(fd), 5000);
	help_spin(100);
	http_srv_stats(h->srv, &st);
	assert_int_equal(st.gone, ARRAY_SIZE(fd));
	assert_int_equal(st.held, 0);
	assert_int_equal(st.conns, 0);
}

static unsigned n_closed;

static void closed(void *priv, unsigned long conn_id, const char *psk_identity)
{
	assert_int_equal(conn_id, n_closed + 1);
	assert_null(psk_identity);
	n_closed++;
}

/* Each peer goes right after its answer, alone: nothing else wakes the server. */
static void test_closed(void **state)
{
	struct help *h = *state;
	struct http_srv_cfg cfg = help_srv_cfg(h);
	struct http_srv_stats st;
	char buf[4096];
	unsigned i;
	int fd;

	n_closed = 0;
	cfg.closed_cb = closed;
	start(h, &cfg);
	for (i = 0; i < 40; i++) {
		fd = help_connect(http_srv_port(h->srv));
		assert_int_equal(write(fd, raw, strlen(raw)), strlen(raw));
		help_wait(&h->n_req, i + 1, 5000);
		while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) <= 0)
			help_spin(1);
		if (i % 3 == 1)
			shutdown(fd, SHUT_WR);	/* says no more, but is there */
		else
			close(fd);
		help_wait(&n_closed, i + 1, 500);
		if (i % 3 == 1)
			close(fd);
	}
	help_spin(100);
	http_srv_stats(h->srv, &st);
	assert_int_equal(st.conns, 0);
	assert_int_equal(n_closed, 40);
}

static void test_hold_limit(void **state)
{
	struct help *h = *state;
	struct http_srv_cfg cfg = help_srv_cfg(h);
	struct http_cli *cli = cli_new(h, 10, 4);

	h->hold = true;
	cfg.hold_s = 1;
	start(h, &cfg);
	assert_int_equal(http_cli_post(cli, url(h, "/"), "text/plain", "x", 1, help_done, h), 0);
	help_wait(&h->n_done, 1, 5000);
	assert_int_equal(h->last_status, 503);
	assert_int_equal(h->n_gone, 1);
	http_cli_free(cli);
}

static void test_body_limit(void **state)
{
	struct help *h = *state;
	struct http_srv_cfg cfg = help_srv_cfg(h);
	char *out;

	start(h, &cfg);
	assert_int_equal(help_run(h, NULL, "head -c 10000 /dev/zero >ok; head -c 10001 /dev/zero >big; "
				  "head -c 1000000 /dev/zero >huge"), 0);
	help_run(h, &out, "curl -s -o /dev/null -w '%%{http_code}' --data-binary @ok http://127.0.0.1:%u/",
		 http_srv_port(h->srv));
	assert_string_equal(out, "200");
	assert_int_equal(h->last_len, 10000);
	help_run(h, &out, "curl -s -o /dev/null -w '%%{http_code}' --data-binary @big http://127.0.0.1:%u/",
		 http_srv_port(h->srv));
	assert_string_equal(out, "413");
	help_run(h, &out, "curl -s -o /dev/null -w '%%{http_code}' -H 'Transfer-Encoding: chunked' --data-binary @ok "
		 "http://127.0.0.1:%u/", http_srv_port(h->srv));
	assert_string_equal(out, "200");
	help_run(h, &out, "curl -s -o /dev/null -w '%%{http_code}' -H 'Transfer-Encoding: chunked' --data-binary @big "
		 "http://127.0.0.1:%u/", http_srv_port(h->srv));
	assert_string_equal(out, "413");
	help_run(h, &out, "curl -s -o /dev/null -w '%%{http_code}' -H 'Transfer-Encoding: chunked' --data-binary @huge "
		 "http://127.0.0.1:%u/", http_srv_port(h->srv));
	assert_string_equal(out, "000");	/* cut off */
	assert_int_equal(h->n_req, 2);
}

static unsigned begin(void *priv, struct http_req *req)
{
	if (!strcmp(http_req_path(req), "/no"))
		return 403;
	if (http_req_header(req, "X-Small"))
		http_req_set_max_body(req, 100);
	return 0;
}

/* What is decided by the header block: a refusal before the body is read, a limit of its own. */
static void test_begin(void **state)
{
	struct help *h = *state;
	struct http_srv_cfg cfg = help_srv_cfg(h);
	char *out;

	cfg.begin_cb = begin;
	start(h, &cfg);
	assert_int_equal(help_run(h, NULL, "head -c 10000 /dev/zero >ok"), 0);
	help_run(h, &out, "curl -s -o /dev/null -w '%%{http_code} %%{size_upload}' -H 'Expect: 100-continue' "
		 "--data-binary @ok http://127.0.0.1:%u/no", http_srv_port(h->srv));
	assert_string_equal(out, "403 0");
	help_run(h, &out, "curl -s -o /dev/null -w '%%{http_code}' --data-binary @ok http://127.0.0.1:%u/",
		 http_srv_port(h->srv));
	assert_string_equal(out, "200");
	help_run(h, &out, "curl -s -o /dev/null -w '%%{http_code}' -H 'X-Small: 1' --data-binary @ok "
		 "http://127.0.0.1:%u/", http_srv_port(h->srv));
	assert_string_equal(out, "413");
	help_run(h, &out, "curl -s -o /dev/null -w '%%{http_code}' -H 'X-Small: 1' -H 'Transfer-Encoding: chunked' "
		 "--data-binary @ok http://127.0.0.1:%u/", http_srv_port(h->srv));
	assert_string_equal(out, "413");
	assert_int_equal(h->n_req, 1);
}

static void test_conn_limit(void **state)
{
	struct help *h = *state;
	struct http_srv_cfg cfg = help_srv_cfg(h);
	struct http_srv_stats st;
	int fd[4];
	unsigned i;
	char c;

	h->hold = true;
	cfg.max_conns = 3;
	start(h, &cfg);
	for (i = 0; i < 4; i++) {
		fd[i] = help_connect(http_srv_port(h->srv));
		assert_int_equal(write(fd[i], raw, strlen(raw)), strlen(raw));
		help_spin(20);
	}
	assert_int_equal(h->n_held, 3);
	assert_true(read(fd[3], &c, 1) <= 0);	/* closed at once */
	http_srv_stats(h->srv, &st);
	assert_int_equal(st.refused, 1);
	assert_int_equal(st.conns, 3);
	/* freed with requests still held: no callback, no abort */
	http_srv_free(h->srv);
	h->srv = NULL;
	assert_int_equal(h->n_gone, 0);
	for (i = 0; i < 4; i++)
		close(fd[i]);
}

static void test_client_failures(void **state)
{
	struct help *h = *state;
	struct http_srv_cfg cfg = help_srv_cfg(h);
	struct http_cli *cli = cli_new(h, 1, 4);
	uint8_t big[6000] = { 0 };

	start(h, &cfg);
	assert_int_equal(http_cli_post(cli, "http://127.0.0.1:1/", "text/plain", "x", 1, help_done, h), 0);
	help_wait(&h->n_done, 1, 5000);
	assert_int_equal(h->last_status, -ECONNREFUSED);

	h->hold = true;
	assert_int_equal(http_cli_post(cli, url(h, "/"), "text/plain", "x", 1, help_done, h), 0);
	help_wait(&h->n_done, 2, 5000);
	assert_int_equal(h->last_status, -ETIMEDOUT);
	help_wait(&h->n_gone, 1, 5000);		/* the server sees that, too */
	h->hold = false;

	assert_int_equal(http_cli_post(cli, url(h, "/"), "text/plain", big, sizeof(big), help_done, h), 0);
	help_wait(&h->n_done, 3, 5000);
	assert_int_equal(h->last_status, -EMSGSIZE);

	h->status = 302;
	h->location = url(h, "/elsewhere");
	assert_int_equal(http_cli_post(cli, url(h, "/first"), "text/plain", "x", 1, help_done, h), 0);
	help_wait(&h->n_done, 4, 5000);
	assert_int_equal(h->last_status, 302);
	assert_string_equal(h->last_path, "/first");

	assert_int_equal(http_cli_post(cli, "ftp://127.0.0.1/", "text/plain", "x", 1, help_done, h), -EINVAL);
	assert_int_equal(http_cli_post(cli, "file:///etc/passwd", "text/plain", "x", 1, help_done, h), -EINVAL);
	/* without certificate, no https */
	assert_int_equal(http_cli_post(cli, "https://127.0.0.1/", "text/plain", "x", 1, help_done, h), -EINVAL);
	http_cli_free(cli);
	assert_int_equal(h->n_done, 4);
}

static void test_cancel(void **state)
{
	struct help *h = *state;
	struct http_srv_cfg cfg = help_srv_cfg(h);
	struct http_cli *cli = cli_new(h, 5, 1);
	struct help other = { 0 };

	h->hold = true;
	start(h, &cfg);
	assert_int_equal(http_cli_post(cli, url(h, "/1"), "text/plain", "x", 1, help_done, &other), 0);
	assert_int_equal(http_cli_post(cli, url(h, "/2"), "text/plain", "x", 1, help_done, h), 0);
	help_wait(&h->n_held, 1, 5000);
	http_cli_cancel(cli, &other);
	h->hold = false;
	help_wait(&h->n_done, 1, 5000);		/* the one behind it takes its place */
	assert_string_equal(h->last_path, "/2");
	assert_int_equal(other.n_done, 0);
	http_cli_free(cli);
}

static struct http_cli *to_free;

static void free_inside(void *priv, int status, const uint8_t *body, size_t len)
{
	help_done(priv, status, body, len);
	http_cli_free(to_free);
}

static void test_free_inside_callback(void **state)
{
	struct help *h = *state;
	struct http_srv_cfg cfg = help_srv_cfg(h);

	start(h, &cfg);
	to_free = cli_new(h, 5, 4);
	assert_int_equal(http_cli_post(to_free, url(h, "/1"), "text/plain", "x", 1, free_inside, h), 0);
	assert_int_equal(http_cli_post(to_free, url(h, "/2"), "text/plain", "x", 1, free_inside, h), 0);
	help_wait(&h->n_done, 1, 5000);
	help_spin(50);
	assert_int_equal(h->n_done, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_there_and_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_chunked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hold_100, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone_peers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hold_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_body_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_begin, setup, teardown),
		cmocka_unit_test_setup_teardown(test_conn_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_client_failures, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_free_inside_callback, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
