/* http_vty.c: the VTY obeys telnet and does not obey HTTP, whatever the body says (corrections 7).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <talloc.h>
#include <cmocka.h>

#include <osmocom/core/application.h>
#include <osmocom/core/select.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/http_vty.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/telnet_interface.h>
#include <osmocom/vty/vty.h>

static unsigned marks;
static int port;

DEFUN(mark, mark_cmd, "mark", "What an attacker wants\n")
{
	marks++;
	return CMD_SUCCESS;
}

/* Octets of reply, or -1 while the connection is still open after some turns of the loop. */
static int say(const char *text)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), closed = 0;
	char buf[4096];

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
	for (int i = 0; i < 50 && !closed; i++) {
		ssize_t n;

		osmo_select_main(1);
		while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
			;
		closed = n == 0;
		usleep(1000);
	}
	close(fd);
	osmo_select_main(1);
	return closed;
}

static void telnet_works(void **state)
{
	marks = 0;
	assert_false(say("enable\r\nmark\r\nmark\r\n"));
	assert_int_equal(marks, 2);
}

static void http_is_dropped(void **state)
{
	static const char *const first[] = {
		"POST /es HTTP/1.1", "GET / HTTP/1.0", "PUT /x HTTP/1.1", "OPTIONS * HTTP/1.1", "HEAD / HTTP/1.1",
		"DELETE /a HTTP/1.1", "PATCH /a HTTP/1.1", "PRI * HTTP/2.0", "CONNECT a:1 HTTP/1.1", "TRACE / HTTP/1.1",
	};
	char text[512];

	marks = 0;
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		snprintf(text, sizeof(text), "%s\r\nHost: 127.0.0.1\r\nContent-Length: 24\r\n\r\n"
			 "enable\r\nmark\r\nmark\nmark\r\n", first[i]);
		assert_true(say(text));
		assert_int_equal(marks, 0);
	}
}

static int setup(void **state)
{
	static struct vty_app_info info = { .name = "test", .version = "0" };

	info.tall_ctx = *state = talloc_named_const(NULL, 0, "http_vty_test");
	osmo_init_logging2(*state, &rsp_log_info);
	vty_init(&info);
	install_element_ve(&mark_cmd);
	http_vty_init();
	for (port = 20000 + getpid() % 9000; port < 30000; port++)
		if (telnet_init_dynif(*state, NULL, "127.0.0.1", port) == 0)
			return 0;
	return -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(telnet_works), cmocka_unit_test(http_is_dropped) };

	return cmocka_run_group_tests(tests, setup, NULL);
}
