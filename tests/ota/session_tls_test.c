/* One download step from end to end with a foreign TLS stack as the card: openssl s_client, both suites of SGP.02 2.4.4,
 * fragments of 512 octets, one kept connection, a script of 6 kB.  SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include "session_help.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/bytes.h>

struct s_client {
	pid_t pid;
	int in, out;
	char buf[65536];
	size_t len;
};

static void s_client_start(struct s_client *c, const char *suite)
{
	int in[2], out[2];
	char addr[32];

	memset(c, 0, sizeof(*c));
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	snprintf(addr, sizeof(addr), "127.0.0.1:%u", card_sessions_scp81_port(W->cs));
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (!c->pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execlp("openssl", "openssl", "s_client", "-connect", addr, "-tls1_2", "-cipher", suite, "-psk_identity",
		       IDENTITY, "-psk", "202122232425262728292a2b2c2d2e2f", "-maxfraglen", "512", "-quiet", NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	c->in = in[1];
	c->out = out[0];
	fcntl(c->out, F_SETFL, O_NONBLOCK);
}

static void s_client_write(struct s_client *c, const void *data, size_t len)
{
	assert_int_equal(write(c->in, data, len), len);
}

/* Until the text has arrived; the answer is in buf. */
static void s_client_await(struct s_client *c, const char *end)
{
	unsigned i;
	ssize_t n;

	c->len = 0;
	for (i = 0; i < 1000; i++) {
		world_spin(10);
		n = read(c->out, c->buf + c->len, sizeof(c->buf) - c->len - 1);
		if (n > 0)
			c->len += n;
		c->buf[c->len] = '\0';
		if (memmem(c->buf, c->len, end, strlen(end)))
			return;
	}
	fail_msg("no '%s' came, but %zu octets", end, c->len);
}

static void dialog(const char *suite)
{
	struct owner o = { 0 };
	struct card_cmd c = world_cmd(&o, GET_STATUS);
	struct bytes *script = bytes_new(W, 0), *body = bytes_new(W, 0);
	struct s_client *s = talloc_zero(W, struct s_client);
	char *p, uri[200], *req;
	unsigned i, n;

	for (i = 0; i < 24; i++) {
		bytes_put_hex(script, "2281FF80E28800FA");
		bytes_fill(script, i, 250);
	}
	assert_int_equal(script->err, 0);
	c.script = script->data;
	c.script_len = script->len;
	world_send(&o, &c, 20);
	assert_int_equal(W->n_sms, 1);
	s_client_start(s, suite);
	req = "POST /gsma/adminagent HTTP/1.1\r\nHost: smsr.example\r\n"
	      "X-Admin-Protocol: globalplatform-remote-admin/1.0\r\n"
	      "X-Admin-From: //se-id/eid/" EID ";//aa-id/aid/A000000559/1010FFFFFFFF8900000100\r\n\r\n";
	s_client_write(s, req, strlen(req));
	s_client_await(s, "\r\n0\r\n\r\n");
	assert_int_equal(strncmp(s->buf, "HTTP/1.1 200", 12), 0);
	p = strstr(s->buf, "X-Admin-Next-URI: ");
	assert_non_null(p);
	assert_int_equal(sscanf(p, "X-Admin-Next-URI: %199s", uri), 1);
	p = strstr(s->buf, "\r\n\r\n") + 4;
	while ((n = strtoul(p, &p, 16))) {
		assert_true(n <= 480);
		bytes_put(body, p + 2, n);
		p += 2 + n + 2;
	}
	assert_int_equal(body->len, script->len + 4);
	assert_memory_equal(body->data, "\xAE\x80", 2);
	assert_memory_equal(body->data + 2, script->data, script->len);
	assert_int_equal(o.n_mark, 1);
	req = talloc_asprintf(W, "POST %s HTTP/1.1\r\nHost: smsr.example\r\nX-Admin-Script-Status: ok\r\n"
			      "Transfer-Encoding: chunked\r\n\r\n8\r\n", uri);
	s_client_write(s, req, strlen(req));
	s_client_write(s, "\xAF\x80\x23\x02\x90\x00\x00\x00\r\n0\r\n\r\n", 8 + 7);
	s_client_await(s, "204 No Content");
	assert_int_equal(o.n_done, 1);
	assert_int_equal(o.outcome, CARD_OK);
	assert_hex(o.resp, o.resp_len, "23029000");
	world_turn();
	assert_int_equal(card_sessions_count(W->cs), 0);
	close(s->in);
	close(s->out);
	kill(s->pid, SIGTERM);
	waitpid(s->pid, NULL, 0);
}

static void test_gcm(void **state)
{
	world_start(5);
	dialog("PSK-AES128-GCM-SHA256");
}

static void test_cbc(void **state)
{
	world_start(5);
	dialog("PSK-AES128-CBC-SHA256");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_gcm, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_cbc, world_setup, world_teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
