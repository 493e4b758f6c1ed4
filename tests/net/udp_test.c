/* The UDP socket: batches both ways, peers told apart, IPv4 and IPv6, what is too long or too much, and that nothing
 * leaves in the turn of the loop that sends it (design P1). The other end is a plain socket.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include <osmocom/core/application.h>
#include <osmocom/rsp/net/udp.h>
#include <osmocom/rsp/util/logging.h>

static struct {
	unsigned n;
	struct udp_peer from;
	uint8_t last[UDP_DATAGRAM_MAX];
	size_t len;
	struct udp *echo;
} R;

static void rx(void *priv, const struct udp_peer *from, const uint8_t *data, size_t len)
{
	R.n++;
	R.from = *from;
	memcpy(R.last, data, len);
	R.len = len;
	if (R.echo)
		udp_send(R.echo, from, data, len);
}

static int client(const char *ip, uint16_t port)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int v6 = inet_pton(AF_INET, ip, &a4.sin_addr) != 1, fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);

	if (v6)
		assert_int_equal(inet_pton(AF_INET6, ip, &a6.sin6_addr), 1);
	assert_true(fd >= 0);
	if (connect(fd, v6 ? (void *)&a6 : (void *)&a4, v6 ? sizeof(a6) : sizeof(a4)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void run(const char *ip)
{
	struct udp_cfg cfg = { .ip = ip, .rx = rx, .queue_max = 64 };
	struct udp *u = udp_new(NULL, &cfg);
	uint8_t b[UDP_DATAGRAM_MAX + 100] = { 1, 2, 3 };
	char text[UDP_PEER_STR_SIZE];
	unsigned i, got;
	int fd;

	if (!u) {
		print_message("no %s on this machine\n", ip);
		skip();
	}
	fd = client(ip, udp_port(u));
	memset(&R, 0, sizeof(R));
	R.echo = u;
	for (i = 0; i < 50; i++) {
		b[0] = i;
		assert_int_equal(send(fd, b, 100 + i, 0), 100 + i);
	}
	for (i = 0; i < 10 && R.n < 50; i++)
		osmo_select_main(1);
	assert_int_equal(R.n, 50);
	assert_int_equal(R.len, 149);
	assert_int_equal(recv(fd, b, sizeof(b), MSG_DONTWAIT), -1);	/* not in the turn that said so */
	for (i = 0; i < 10 && udp_stats(u)->tx < 50; i++)
		osmo_select_main(1);
	for (got = 0; recv(fd, b, sizeof(b), MSG_DONTWAIT) == 100 + (int)got; got++)
		assert_int_equal(b[0], got);
	assert_int_equal(got, 50);
	/* more than the queue holds: lost and counted */
	for (i = 0; i < 100; i++)
		udp_send(u, &R.from, b, 10);
	assert_int_equal(udp_stats(u)->tx_dropped, 36);
	/* too long */
	assert_int_equal(send(fd, b, sizeof(b), 0), sizeof(b));
	for (i = 0; i < 10 && !udp_stats(u)->rx_long; i++)
		osmo_select_main(1);
	assert_int_equal(udp_stats(u)->rx_long, 1);
	assert_int_equal(R.n, 50);
	udp_peer_str(text, &R.from);
	assert_memory_equal(text + (text[0] == '['), ip, strlen(ip));
	close(fd);
	talloc_free(u);
}

static void test_ipv4(void **state)
{
	run("127.0.0.1");
}

static void test_ipv6(void **state)
{
	run("::1");
}

/* A peer that is gone answers with ICMP: others are served all the same. */
static void test_gone_peer(void **state)
{
	struct udp_cfg cfg = { .ip = "127.0.0.1", .rx = rx };
	struct udp *u = udp_new(NULL, &cfg);
	int a = client("127.0.0.1", udp_port(u)), b = client("127.0.0.1", udp_port(u));
	struct udp_peer pa, pb;
	uint8_t x[4];
	unsigned i;

	memset(&R, 0, sizeof(R));
	send(a, "a", 1, 0);
	osmo_select_main(0);
	pa = R.from;
	send(b, "b", 1, 0);
	osmo_select_main(0);
	pb = R.from;
	assert_false(udp_peer_eq(&pa, &pb));
	assert_true(udp_peer_eq(&pa, &pa));
	close(a);
	for (i = 0; i < 5; i++) {
		udp_send(u, &pa, (uint8_t *)"x", 1);
		udp_send(u, &pb, (uint8_t *)"y", 1);
		osmo_select_main(1);
	}
	osmo_select_main(1);
	for (i = 0; recv(b, x, sizeof(x), MSG_DONTWAIT) == 1; i++)
		;
	assert_int_equal(i, 5);
	close(b);
	talloc_free(u);
}

static void test_bad_address(void **state)
{
	struct udp_cfg cfg = { .ip = "localhost", .rx = rx };

	assert_null(udp_new(NULL, &cfg));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4), cmocka_unit_test(test_ipv6), cmocka_unit_test(test_gone_peer),
		cmocka_unit_test(test_bad_address),
	};

	osmo_init_logging2(NULL, &rsp_log_info);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
