/* Channels of the terminal: octets the card must see are those of bip.json and ota-transport 6 (TS 102 223); what
 * faults do to them. SPDX-License-Identifier: AGPL-3.0-or-later */
#include "terminal_rig.h"

static int listener, peer;
static uint16_t listen_port;

static void tcp_listen(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(listener, 5), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sin, &len), 0);
	listen_port = ntohs(sin.sin_port);
}

static struct bip_cmd open_cmd(uint8_t transport)
{
	static const uint8_t bearer[] = { 3 }, dest[] = { 127, 0, 0, 1 };

	return (struct bip_cmd){ .number = 1, .type = BIP_OPEN_CHANNEL, .qualifier = 1, .src = 0x81, .dst = 0x82,
				 .bearer = { bearer, 1 }, .has_buffer = true, .buffer = 1400, .transport = transport,
				 .port = listen_port, .dest = { dest, 4 } };
}

static void open_tcp(void)
{
	struct bip_cmd c;

	tcp_listen();
	c = open_cmd(BIP_TCP_CLIENT);
	terminal_rig_is(terminal_rig_do_enc(&c), "80140000178103014001820282818301003802810035010339020578");	/* bip.json */
	peer = accept(listener, NULL, NULL);
	assert_int_equal(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
}

static void tcp(void **state)
{
	uint8_t buf[2000] = {}, got[2000];
	size_t n = 0;

	terminal_rig_power_on();
	open_tcp();
	/* stored, then released together */
	terminal_rig_is(terminal_rig_do("D01381030143008202812136081603010000000000"), "801400000F8103014300820282818301003701FF");
	LOOP_FOR(NULL, 20);
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), -1);
	terminal_rig_is(terminal_rig_do("D00D81030143018202812136021603"), "801400000F8103014301820282818301003701FF");
	LOOP_FOR(NULL, 20);
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), 10);
	/* more than the buffer takes; and the peer goes at once: the card still gets everything, then hears of the
	 * end */
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = i * 7;
	assert_int_equal(send(peer, buf, sizeof(buf), 0), sizeof(buf));
	close(peer);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 2));
	terminal_rig_is(card->env[1], "80C2000010D60E19010982028281380281003701FF");
	while (n < sizeof(got)) {
		const struct bytes *b = terminal_rig_do("D00C8103014200820281213701ED");
		struct bip_resp r;

		assert_int_equal(bip_resp_dec(&r, b->data + 5, b->len - 5), 0);
		assert_int_equal(r.result, 0);
		assert_true(r.data.len > 0 && r.data.len <= 237);
		memcpy(got + n, r.data.v, r.data.len);
		n += r.data.len;
		if (!r.data_len)
			LOOP_FOR(NULL, 10);	/* the next octets of the stream */
	}
	assert_int_equal(n, sizeof(got));
	assert_memory_equal(got, buf, n);
	assert_true(LOOP_UNTIL(NULL, 2000, card->env[card->n_env - 1]->data[4] == 0x0D));
	terminal_rig_is(card->env[card->n_env - 1], "80C200000DD60B19010A8202828138020105");	/* bip.json */
	terminal_rig_is(terminal_rig_do("D009810301410082028121"), "801400000D81030141008202828183023A03");
	close(listener);
}

static void tcp_close(void **state)
{
	uint8_t buf[10];

	terminal_rig_power_on();
	open_tcp();
	terminal_rig_is(terminal_rig_do("D009810301440082028182"), "801400001081030144008202828183010038028100");
	terminal_rig_is(terminal_rig_do("D009810301410082028121"), "801400000C810301410082028281830100");	/* bip.json */
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), 0);
	close(peer);
	close(listener);
	struct bip_cmd c = open_cmd(BIP_TCP_CLIENT);

	terminal_rig_is(terminal_rig_do_enc(&c), "801400000D81030140018202828183023A07");	/* nobody listens there: bip.json */
	c.transport = 3;
	terminal_rig_is(terminal_rig_do_enc(&c), "801400000C810301400182028281830130");
	c.transport = 0;
	terminal_rig_is(terminal_rig_do_enc(&c), "801400000C810301400182028281830136");
	terminal_set_service(term, false);
	c = open_cmd(BIP_TCP_CLIENT);
	terminal_rig_is(terminal_rig_do_enc(&c), "801400000C810301400182028281830121");	/* bip.json */
}

/* buffer limit, network loss, card reset */
static void tcp_odd(void **state)
{
	uint8_t data[200] = {};
	struct bip_cmd c = { .number = 1, .type = BIP_SEND_DATA, .src = 0x81, .dst = 0x21, .data = { data, 200 } };
	unsigned n;

	terminal_rig_power_on();
	open_tcp();
	for (int i = 0; i < 7; i++)
		terminal_rig_do_enc(&c);
	terminal_rig_is(terminal_rig_do_enc(&c), "801400000D81030143008202828183023A04");
	n = card->n_env;
	terminal_set_service(term, false);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == n + 2));	/* location, channel dropped */
	terminal_rig_is(card->env[n + 1], "80C200000DD60B19010A8202828138020105");
	terminal_rig_is(terminal_rig_do_enc(&c), "801400000D81030143008202828183023A03");
	close(peer);
	terminal_set_service(term, true);
	assert_true(LOOP_UNTIL(NULL, 2000, terminal_attached(term)));
	close(listener);
	open_tcp();
	terminal_rig_do("D009810301010482028182");
	assert_true(LOOP_UNTIL(NULL, 2000, card->resets == 2));
	assert_int_equal(recv(peer, data, sizeof(data), 0), 0);
	close(peer);
	close(listener);
}

static void udp(void **state)
{
	struct bip_cmd c;
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	uint8_t buf[100];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	terminal_rig_power_on();
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	listen_port = ntohs(sin.sin_port);
	c = open_cmd(BIP_UDP_CLIENT);
	terminal_rig_is(terminal_rig_do_enc(&c), "80140000178103014001820282818301003802810035010339020578");
	terminal_rig_do("D00D81030143008202812136020102");
	terminal_rig_do("D00D81030143018202812136020304");
	LOOP_FOR(NULL, 20);
	assert_int_equal(recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&sin, &len), 4);
	assert_int_equal(sendto(fd, "\x01\x02\x03\x04\x05\x06\x07\x08", 8, 0, (struct sockaddr *)&sin, len), 8);
	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&sin, len), 1);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 2));
	terminal_rig_is(card->env[1], "80C2000010D60E1901098202828138028100370108");
	terminal_rig_is(terminal_rig_do("D00C810301420082028121370108"), "8014000019810301420082028281830100360801020304050607083701" "00");
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 3));
	close(fd);
}

/* --- what goes wrong on the way --- */

static int udp_fd;
static struct sockaddr_in card_addr;

static void open_udp(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	struct bip_cmd c;

	udp_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(udp_fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(udp_fd, (struct sockaddr *)&sin, &len), 0);
	listen_port = ntohs(sin.sin_port);
	c = open_cmd(BIP_UDP_CLIENT);
	terminal_rig_is(terminal_rig_do_enc(&c), "80140000178103014001820282818301003802810035010339020578");
}

/* The datagrams of one octet that have come up so far, appended. */
static size_t drain(uint8_t *got, size_t n, size_t size)
{
	socklen_t len = sizeof(card_addr);

	while (n < size && recvfrom(udp_fd, got + n, 1, 0, (struct sockaddr *)&card_addr, &len) == 1)
		n++;
	return n;
}

static void up(uint8_t v)
{
	struct bip_cmd c = { .number = 1, .type = BIP_SEND_DATA, .qualifier = 1, .src = 0x81, .dst = 0x21,
			     .data = { &v, 1 } };

	terminal_rig_do_enc(&c);
}

static void udp_faults(void **state)
{
	struct faults *f = faults_new(root, network_faults(net));
	uint8_t got[64];
	unsigned i, sum = 0, out_of_order = 0;
	size_t n = 0;

	terminal_set_faults(term, f);
	terminal_rig_power_on();
	open_udp();
	/* two datagrams, two SEND DATA one after the other: not one */
	up(1);
	up(2);
	LOOP_FOR(NULL, 20);
	n = drain(got, 0, sizeof(got));
	assert_int_equal(n, 2);
	fault_set(f, FAULT_UDP_LOSS, 100);
	up(3);
	LOOP_FOR(NULL, 20);
	assert_int_equal(drain(got, 0, sizeof(got)), 0);
	fault_set(f, FAULT_UDP_LOSS, 0);
	fault_set(f, FAULT_UDP_DUPLICATE, 100);
	up(4);
	LOOP_FOR(NULL, 20);
	assert_int_equal(drain(got, 0, sizeof(got)), 2);
	fault_set(f, FAULT_UDP_DUPLICATE, 0);
	fault_set(f, FAULT_UDP_REORDER, 40);
	for (i = 0; i < 20; i++)
		up(i);
	LOOP_FOR(NULL, 200);
	n = drain(got, 0, sizeof(got));
	assert_int_equal(n, 20);
	for (i = 0; i < n; i++) {
		sum += got[i];
		out_of_order += i && got[i] < got[i - 1];
	}
	assert_int_equal(sum, 190);
	assert_true(out_of_order > 0);
	assert_int_equal(fault_count(f, FAULT_UDP_LOSS), 1);
	assert_int_equal(fault_count(f, FAULT_UDP_DUPLICATE), 1);
	assert_true(fault_count(f, FAULT_UDP_REORDER) > 2);
	close(udp_fd);
}

/* Downwards: whole datagrams, one after the other, whatever happens to them. */
static void udp_down(void **state)
{
	struct faults *f = faults_new(root, NULL);
	unsigned i, seen = 0, before;
	uint8_t got[8], v;

	terminal_set_faults(term, f);
	terminal_rig_power_on();
	open_udp();
	up(0);
	LOOP_FOR(NULL, 20);
	assert_int_equal(drain(got, 0, sizeof(got)), 1);
	fault_set(f, FAULT_UDP_DUPLICATE, 100);
	fault_set(f, FAULT_ROUND_TRIP, 40);
	for (v = 0; v < 5; v++)
		assert_int_equal(sendto(udp_fd, &v, 1, 0, (struct sockaddr *)&card_addr, sizeof(card_addr)), 1);
	for (i = 0; i < 10; i++) {
		before = card->n_env;
		assert_true(LOOP_UNTIL(NULL, 2000, seen + 1 < card->n_env || before < card->n_env || i));
		LOOP_FOR(NULL, 30);
		terminal_rig_do("D00C810301420082028121370108");
		seen++;
	}
	LOOP_FOR(NULL, 100);
	/* nothing is left: performed with missing information */
	terminal_rig_is(terminal_rig_do("D00C810301420082028121370108"), "80140000118103014200820282818301023600370100");
	assert_int_equal(seen, 10);
	close(udp_fd);
}

static void tcp_cut(void **state)
{
	struct faults *f = faults_new(root, NULL);
	uint8_t buf[100] = {};
	unsigned i, cut = 0;
	struct bip_cmd c = { .number = 1, .type = BIP_SEND_DATA, .qualifier = 1, .src = 0x81, .dst = 0x21,
			     .data = { buf, 100 } };

	terminal_set_faults(term, f);
	terminal_rig_power_on();
	fault_set(f, FAULT_TCP_CUT, 250);
	open_tcp();
	for (i = 0; i < 3; i++)
		terminal_rig_do_enc(&c);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 2));
	terminal_rig_is(card->env[1], "80C200000DD60B19010A8202828138020105");
	while ((i = recv(peer, buf, sizeof(buf), 0)) <= sizeof(buf) && i)
		;
	assert_int_equal(fault_count(f, FAULT_TCP_CUT), 1);
	close(peer);
	close(listener);
	/* at a random octet, every second connection: what is resumed can end */
	fault_set(f, FAULT_TCP_CUT, 0);
	fault_set(f, FAULT_TCP_CUT_RANDOM, 90);
	for (i = 0; i < 4; i++) {
		unsigned n = card->n_env;

		open_tcp();
		terminal_rig_do_enc(&c);
		LOOP_FOR(NULL, 50);
		cut += card->n_env > n;
		if (card->n_env == n)
			terminal_rig_do("D009810301410082028121");
		close(peer);
		close(listener);
	}
	assert_int_equal(cut, 2);
	assert_int_equal(fault_count(f, FAULT_TCP_CUT_RANDOM), 2);
}

static int64_t ms_now(void)
{
	struct timespec ts;

	osmo_clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void round_trip(void **state)
{
	struct faults *f = faults_new(root, NULL);
	int64_t start;
	uint8_t buf[10];

	terminal_set_faults(term, f);
	terminal_rig_power_on();
	fault_set(f, FAULT_ROUND_TRIP, 200);
	start = ms_now();
	open_tcp();
	assert_true(ms_now() - start >= 195);
	start = ms_now();
	terminal_rig_do("D00D81030143018202812136021603");
	assert_true(LOOP_UNTIL(NULL, 2000, recv(peer, buf, sizeof(buf), MSG_PEEK) == 2));
	assert_int_equal(send(peer, buf, 2, 0), 2);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 2));
	assert_in_range(ms_now() - start, 195, 400);
	close(peer);
	close(listener);
}

/* What a card says leaves when what it remembers of it is on disk, and not before (design P1): stream, datagram, answer to
 * a message. */
static void after_commit(void **state)
{
	static const char *const schema[] = { "CREATE TABLE t (a)" };
	static const uint8_t ud[] = { 2, 0x70, 0, 1 };
	struct sqldb *db;
	uint8_t buf[10];

	assert_int_equal(sqldb_open(&db, root, ":memory:", schema, 1), 0);
	terminal_rig_power_on();
	network_set_db(net, db);
	open_tcp();
	terminal_rig_do("D00D81030143018202812136021603");
	LOOP_FOR(NULL, 50);
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), -1);
	txn_commit(db);
	assert_true(LOOP_UNTIL(NULL, 2000, recv(peer, buf, sizeof(buf), MSG_PEEK) == 2));
	close(peer);
	close(listener);
	terminal_rig_do("D009810301410082028121");
	open_udp();
	up(1);
	LOOP_FOR(NULL, 50);
	assert_int_equal(drain(buf, 0, sizeof(buf)), 0);
	txn_commit(db);
	LOOP_FOR(NULL, 50);
	assert_int_equal(drain(buf, 0, sizeof(buf)), 1);
	close(udp_fd);
	assert_int_equal(network_inject_mt(net, MSISDN, "1001", true, ud, sizeof(ud)), 0);
	LOOP_FOR(NULL, 50);
	assert_non_null(strstr(network_describe(net, root), "MT 0 delivered"));
	txn_commit(db);
	assert_non_null(strstr(network_describe(net, root), "MT 1 delivered"));
	/* who goes takes along what he wanted to say */
	up(2);
	terminal_power_off(term);
	txn_commit(db);
	network_set_db(net, NULL);
	sqldb_close(db);
}

/* In the middle of a channel the card is gone; the next channel is left alone. */
static void reset(void **state)
{
	struct faults *f = faults_new(root, NULL);
	unsigned i;

	terminal_set_faults(term, f);
	terminal_rig_power_on();
	fault_set(f, FAULT_RESET, 100);
	open_tcp();
	for (i = 0; i < 60 && card->resets == 1; i++) {
		terminal_rig_queue(card, "D00D81030143018202812136021603");
		terminal_poke(term);
		LOOP_FOR(NULL, 10);
	}
	assert_int_equal(card->resets, 2);
	assert_true(LOOP_UNTIL(NULL, 2000, terminal_attached(term)));
	assert_int_equal(fault_count(f, FAULT_RESET), 1);
	close(peer);
	close(listener);
	card->q_in = card->q_out;
	card->n_resp = card->n_env = 0;
	terminal_rig_do(EVENTS);
	open_tcp();
	for (i = 0; i < 45; i++)
		terminal_rig_do("D00D81030143018202812136021603");
	assert_int_equal(card->resets, 2);
	close(peer);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(tcp), T(tcp_close), T(tcp_odd), T(udp), T(udp_faults), T(udp_down), T(tcp_cut), T(round_trip), T(reset),
		T(after_commit),
	};

	return terminal_rig_main("terminal_chan_test", tests, ARRAY_SIZE(tests));
}
