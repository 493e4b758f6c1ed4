/* The SMSC of the simulated network when it is short: throttles, is full, goes down and comes back (issue 3 item 8).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "terminal_rig.h"

#include <osmocom/rsp/sms/smpp_conn.h>

struct esme {
	struct smpp_conn *conn;
	uint32_t status;		/* of the last response */
	unsigned responses, closed;
};

static void rx(void *priv, const struct smpp_pdu *pdu)
{
	struct esme *e = priv;

	e->status = pdu->status;
	e->responses += !!(pdu->id & SMPP_RESP);
}

static void closed(void *priv, const char *reason)
{
	struct esme *e = priv;

	e->conn = NULL;
	e->closed++;
}

static const struct smpp_conn_ops ops = { .rx = rx, .closed = closed };

static bool reach(struct esme *e, int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				   .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0) {
		close(fd);
		return false;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	e->conn = smpp_conn_new(root, fd, false, &ops, e);
	assert_non_null(e->conn);
	return true;
}

static uint32_t ask(struct esme *e, struct smpp_pdu *pdu)
{
	unsigned n = e->responses;
	static uint32_t seq;

	pdu->seq = ++seq;
	assert_int_equal(smpp_conn_tx(e->conn, pdu), 0);
	assert_true(LOOP_UNTIL(NULL, 2000, e->responses > n));
	return e->status;
}

static void bind_trx(struct esme *e)
{
	struct smpp_pdu pdu = { .id = SMPP_BIND_TRX, .bind = { .system_id = "smsr", .interface_version = 0x34 } };

	assert_int_equal(ask(e, &pdu), SMPP_ST_OK);
}

static uint32_t submit(struct esme *e)
{
	struct smpp_pdu pdu = { .id = SMPP_SUBMIT_SM, .sm = { .src = { .digits = "1001" }, .dst = { .ton = 1, .npi = 1 },
			.esm_class = SMPP_ESM_UDHI, .protocol_id = 0x7F, .data_coding = 0xF6, .ud_len = 4,
			.ud = { 2, 0x70, 0, 1 } } };

	strcpy(pdu.sm.dst.digits, MSISDN);
	return ask(e, &pdu);
}

static void flow(void **state)
{
	int port = network_smpp_listen(net, "127.0.0.1", 0, NULL);
	struct faults *f = network_faults(net);
	struct esme e = { };
	unsigned i, refused = 0;

	assert_true(port > 0);
	assert_true(reach(&e, port));
	bind_trx(&e);
	assert_int_equal(submit(&e), SMPP_ST_OK);
	fault_set(f, FAULT_SMSC_THROTTLE, 100);
	assert_int_equal(submit(&e), SMPP_ST_THROTTLED);
	fault_set(f, FAULT_SMSC_THROTTLE, 0);
	fault_set(f, FAULT_SMSC_FULL, 100);
	assert_int_equal(submit(&e), SMPP_ST_QUEUE_FULL);
	fault_set(f, FAULT_SMSC_FULL, 0);
	fault_set(f, FAULT_SMSC_RATE, 3);
	for (i = 0; i < 10; i++)
		refused += submit(&e) == SMPP_ST_THROTTLED;
	assert_in_range(refused, 4, 7);		/* within two seconds at most */
	assert_int_equal(fault_count(f, FAULT_SMSC_RATE), refused);
	smpp_conn_close(e.conn);
	LOOP_FOR(NULL, 20);
}

/* Down with all connections; what is stored is delivered all the same; back at the same port. */
static void restart(void **state)
{
	int port = network_smpp_listen(net, "127.0.0.1", 0, NULL);
	struct esme e = { };

	assert_true(reach(&e, port));
	bind_trx(&e);
	assert_int_equal(submit(&e), SMPP_ST_OK);	/* the terminal is off: stored */
	network_smsc_restart(net, 1);
	assert_true(LOOP_UNTIL(NULL, 2000, e.closed));
	assert_false(reach(&e, port));
	terminal_rig_power_on();
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 2));
	assert_true(LOOP_UNTIL(NULL, 3000, e.conn || reach(&e, port)));
	bind_trx(&e);
	assert_int_equal(submit(&e), SMPP_ST_OK);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 3));
	smpp_conn_close(e.conn);
	LOOP_FOR(NULL, 20);
}

/* The same seed, the same fate. */
static void seeds(void **state)
{
	struct faults *a = faults_new(root, NULL), *b = faults_new(root, a);
	unsigned i, first[50];

	fault_set(a, FAULT_SMS_LOSS, 50);
	faults_seed(b, 42);
	for (i = 0; i < 50; i++)
		first[i] = fault_roll(b, FAULT_SMS_LOSS);
	faults_seed(b, 42);
	for (i = 0; i < 50; i++)
		assert_int_equal(fault_roll(b, FAULT_SMS_LOSS), first[i]);
	assert_int_equal(fault_count(a, FAULT_SMS_LOSS), fault_count(b, FAULT_SMS_LOSS));
	assert_in_range(fault_count(b, FAULT_SMS_LOSS), 20, 80);
	fault_set(b, FAULT_SMS_LOSS, 0);
	assert_false(fault_roll(b, FAULT_SMS_LOSS));
	fault_unset(b, FAULT_SMS_LOSS);
	assert_int_equal(fault(b, FAULT_SMS_LOSS), 50);
	assert_int_equal(fault(NULL, FAULT_SMS_LOSS), 0);
	assert_true(fault_find("udp-loss") == FAULT_UDP_LOSS && fault_find("xyz") < 0);
}

/* The name server, with dns.json's question: aliases it has none; unknown names are said to be so; nonsense is not
 * answered. */
static void names(void **state)
{
	static const char q[] = "12340100000100000000000004736D7372076578616D706C650000010001";
	int port = network_dns_listen(net, "127.0.0.1", 0), fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port) };
	uint8_t buf[512], query[64];
	int n, len = hex_dec(query, sizeof(query), q);

	assert_true(port > 0);
	assert_int_equal(network_dns_listen(net, "127.0.0.1", 0), -EALREADY);
	assert_int_equal(network_dns_name(net, "smsr.example", "10.0.0.1"), 0);
	assert_int_equal(network_dns_name(net, "SMSR.example", "10.0.0.2"), 0);
	assert_int_equal(network_dns_name(net, "smsr.example", "2001:db8::1"), 0);
	assert_int_equal(network_dns_name(net, "smsr.example", "x"), -EINVAL);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	for (n = 0; n < len; n++)	/* every prefix: not a word */
		assert_int_equal(send(fd, query, n, 0), n);
	assert_int_equal(send(fd, query, len, 0), len);
	assert_true(LOOP_UNTIL(NULL, 2000, recv(fd, buf, sizeof(buf), MSG_PEEK) > 0));
	n = recv(fd, buf, sizeof(buf), 0);
	/* as in dns.json, but for the authority of the answer and the life time */
	assert_string_equal(bytes_hex(root, buf, n), "12348580000100020000000004736D7372076578616D706C650000010001"
			    "C00C000100010000001E00040A000001C00C000100010000001E00040A000002");
	query[len - 3] = 28;
	send(fd, query, len, 0);
	assert_true(LOOP_UNTIL(NULL, 2000, recv(fd, buf, sizeof(buf), MSG_PEEK) > 0));
	n = recv(fd, buf, sizeof(buf), 0);
	assert_int_equal(n, len + 28);
	query[13] = 'x';
	send(fd, query, len, 0);
	assert_true(LOOP_UNTIL(NULL, 2000, recv(fd, buf, sizeof(buf), MSG_PEEK) > 0));
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), len);
	assert_int_equal(buf[3] & 0x0F, 3);
	assert_string_equal(network_dns_config(net, root), "dns listen 127.0.0.1 0\ndns name smsr.example 10.0.0.1\n"
			    "dns name SMSR.example 10.0.0.2\ndns name smsr.example 2001:db8::1\n");
	assert_int_equal(network_dns_forget(net, "smsr.example"), 0);
	assert_int_equal(network_dns_forget(net, "smsr.example"), -ENOENT);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = { T(flow), T(restart), T(seeds), T(names) };

	return terminal_rig_main("network_test", tests, ARRAY_SIZE(tests));
}
