/* See net_help.h.  SPDX-License-Identifier: AGPL-3.0-or-later */
#include "net_help.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>
#include <osmocom/core/application.h>
#include <osmocom/core/select.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>

static void idle_cb(void *data)
{
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* one turn of at most 10 ms */
static void turn(void)
{
	struct osmo_timer_list t = { 0 };

	osmo_timer_setup(&t, idle_cb, NULL);
	osmo_timer_schedule(&t, 0, 10000);
	osmo_select_main_ctx(0);
	osmo_timer_del(&t);
}

void help_wait(const unsigned *what, unsigned want, unsigned timeout_ms)
{
	uint64_t end = now_ms() + timeout_ms;

	while (*what < want) {
		if (now_ms() > end)
			fail_msg("waited in vain: %u of %u", *what, want);
		turn();
	}
}

void help_spin(unsigned ms)
{
	uint64_t end = now_ms() + ms;

	while (now_ms() < end)
		turn();
}

int help_run(struct help *h, char **out, const char *fmt, ...)
{
	va_list ap;
	char *cmd, buf[65536];
	uint64_t end = now_ms() + 20000;
	int status;
	size_t n;
	FILE *f;
	pid_t pid;

	va_start(ap, fmt);
	cmd = talloc_vasprintf(h, fmt, ap);
	va_end(ap);
	cmd = talloc_asprintf(h, "cd %s && { %s ; } >out.txt 2>&1", h->dir, cmd);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
		execl("/bin/sh", "sh", "-c", cmd, NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ms() > end)
			fail_msg("command does not end: %s", cmd);
		turn();
	}
	if (out) {
		f = fopen(talloc_asprintf(h, "%s/out.txt", h->dir), "r");
		assert_non_null(f);
		n = fread(buf, 1, sizeof(buf) - 1, f);
		buf[n] = '\0';
		fclose(f);
		*out = talloc_size(h, n + 1);
		memcpy(*out, buf, n + 1);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

int help_connect(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, "127.0.0.1", &sin.sin_addr);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

static void answer(struct help *h, struct http_req *req)
{
	struct http_header hdr[2] = { { "X-Test", "yes" }, { "Location", h->location } };
	size_t len;
	const uint8_t *body = http_req_body(req, &len);

	if (!h->echo) {
		body = h->answer;
		len = h->answer_len;
	}
	http_req_respond(req, h->status, hdr, h->location ? 2 : 1, body, len, false);
}

static void req_cb(void *priv, struct http_req *req)
{
	struct help *h = priv;
	const char *fpr = http_req_peer_fpr(req), *psk = http_req_psk_identity(req);

	h->n_req++;
	OSMO_STRLCPY_ARRAY(h->last_path, http_req_path(req));
	OSMO_STRLCPY_ARRAY(h->last_query, http_req_query(req));
	OSMO_STRLCPY_ARRAY(h->last_fpr, fpr ? fpr : "");
	OSMO_STRLCPY_ARRAY(h->last_psk, psk ? psk : "");
	OSMO_STRLCPY_ARRAY(h->last_type, http_req_header(req, "content-type") ? : "");
	http_req_body(req, &h->last_len);
	h->last_conn = http_req_conn_id(req);
	assert_string_equal(http_req_method(req), "POST");
	assert_string_equal(http_req_peer_addr(req), "127.0.0.1");
	if (!h->hold) {
		answer(h, req);
		return;
	}
	assert_true(h->n_held < HELP_MAX);
	http_req_set_priv(req, &h->held[h->n_held]);
	h->held[h->n_held++] = req;
}

static void gone_cb(void *priv, struct http_req *req)
{
	struct help *h = priv;

	h->n_gone++;
	assert_ptr_equal(*(struct http_req **)http_req_priv(req), req);
	*(struct http_req **)http_req_priv(req) = NULL;
}

void help_answer_all(struct help *h)
{
	unsigned i;

	for (i = 0; i < h->n_held; i++)
		if (h->held[i])
			answer(h, h->held[i]);
	h->n_held = 0;
}

void help_done(void *priv, int status, const uint8_t *body, size_t len)
{
	struct help *h = priv;

	h->n_done++;
	h->last_status = status;
	h->last_answer_len = len;
	if (len)
		memcpy(h->last_answer, body, OSMO_MIN(len, sizeof(h->last_answer)));
}

struct http_srv_cfg help_srv_cfg(struct help *h)
{
	return (struct http_srv_cfg){
		.ip = "127.0.0.1", .req_cb = req_cb, .gone_cb = gone_cb, .max_body = 10000, .max_conns = 300, .hold_s = 30,
		.priv = h,
	};
}

struct help *help_new(void)
{
	void *root = talloc_named_const(NULL, 0, "net test");
	struct help *h = talloc_zero(root, struct help);

	if (!osmo_stderr_target)
		osmo_init_logging2(NULL, &rsp_log_info);
	log_set_category_filter(osmo_stderr_target, DHTTP, 1, getenv("NET_DEBUG") ? LOGL_DEBUG : LOGL_FATAL);
	h->ctx = root;
	h->echo = true;
	h->status = 200;
	OSMO_STRLCPY_ARRAY(h->dir, "/tmp/rsp-net-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	return h;
}

void help_free(struct help *h)
{
	char cmd[128];
	void *root = h->ctx;

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", h->dir);
	assert_int_equal(system(cmd), 0);
	http_srv_free(h->srv);
	talloc_free(root);
}
