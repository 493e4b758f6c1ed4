/* One download step from end to end with a foreign TLS stack as the card: openssl s_client, both suites of SGP.02 2.4.4,
 * fragments of 512 octets, one kept connection, a script of 6 kB.  SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include "session_help.h"
#include "s_client.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/bytes.h>

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
	s_client_end(s);
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
