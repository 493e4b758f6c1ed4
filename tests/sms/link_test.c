/* sms_port against an SMSC in the same process, the simulator's network. One that answers by script: smsc_test.c.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <osmocom/core/application.h>
#include <osmocom/core/fsm.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <osmocom/rsp/sms/concat.h>
#include <osmocom/rsp/sms/sms_port.h>
#include <osmocom/rsp/util/logging.h>

#include "euicc/network.h"
#include "loop.h"

#define IMSI "262420000000001"
#define MSISDN "491720000001"

static void *root;
static struct network *net;
static struct sms_port *port;
static struct sqldb *db;

/* --- a phone that takes what comes --- */

static struct phone {
	struct network_ue *ue;
	bool attached, refuse, hold;
	int mt, mo_cause;
	struct tpdu_deliver last;
	uint8_t seq[32];
} phone;

static int phone_auth(void *priv, const uint8_t rand[16], const uint8_t autn[16], uint8_t res[16], size_t *res_len,
		      uint8_t auts[14])
{
	return -1;
}

static void phone_attached(void *priv, bool ok, uint8_t cause)
{
	phone.attached = ok;
}

static void phone_mt(void *priv, const uint8_t *tpdu, size_t len)
{
	struct tpdu_udh u;

	assert_int_equal(tpdu_deliver_dec(&phone.last, tpdu, len), 0);
	assert_int_equal(tpdu_udh_dec(&u, phone.last.ud, phone.last.ud_len), 0);
	phone.seq[phone.mt++ % 32] = u.seq;
	if (!phone.hold)
		network_mt_done(phone.ue, !phone.refuse);
}

static const struct network_ue_ops phone_ops = { .auth = phone_auth, .attached = phone_attached, .mt_sms = phone_mt };

static void phone_mo_done(void *priv, uint8_t cause)
{
	phone.mo_cause = cause;
}

static void phone_send(uint8_t ota, size_t len)
{
	struct concat_part parts[5];
	uint8_t packet[500];
	int n;

	memset(packet, 0x5A, sizeof(packet));
	n = concat_cut(parts, 5, ota, 7, packet, len);
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		struct tpdu_submit s = { .udhi = true, .da = { .toa = 0x81, .digits = "1001" }, .pid = 0x7F, .dcs = 0xF6,
					 .ud_len = parts[i].len };
		struct bytes *b = bytes_new(root, 0);

		memcpy(s.ud, parts[i].ud, parts[i].len);
		assert_int_equal(tpdu_submit_enc(b, &s), 0);
		phone.mo_cause = -1;
		assert_int_equal(network_mo_sms(phone.ue, b->data, b->len, phone_mo_done), 0);
		assert_int_equal(network_mo_sms(phone.ue, b->data, b->len, phone_mo_done), -EBUSY);
		assert_true(LOOP_UNTIL(db, 2000, phone.mo_cause >= 0));
		talloc_free(b);
	}
}

/* --- the user of the port --- */

static struct user {
	int done[5], order[64], n;
	int rx, rx_resp;
	size_t rx_len;
	char rx_from[24], alert[24];
} user;

static void user_done(void *priv, enum sms_outcome outcome)
{
	user.done[outcome]++;
	user.order[user.n++ % 64] = (intptr_t)priv;
}

static void user_rx(void *priv, const char *from, bool response, const uint8_t *packet, size_t len)
{
	user.rx++;
	user.rx_resp += response;
	user.rx_len = len;
	osmo_strlcpy(user.rx_from, from, sizeof(user.rx_from));
	for (size_t i = 0; i < len; i++)
		assert_int_equal(packet[i], 0x5A);
}

static void user_alert(void *priv, const char *msisdn)
{
	osmo_strlcpy(user.alert, msisdn, sizeof(user.alert));
}

static struct smsc_cfg smsc_cfg(const char *name, int tcp_port, const char *password)
{
	struct smsc_cfg c = { .link = { .host = "127.0.0.1", .port = tcp_port, .system_id = "smsr" } };

	osmo_strlcpy(c.name, name, sizeof(c.name));
	osmo_strlcpy(c.link.password, password, sizeof(c.link.password));
	return c;
}

static struct sms_port *new_port(int tcp_port, const char *password, unsigned window, unsigned resp_s)
{
	struct sms_port_cfg cfg = { .own_number = "1001", .rx = user_rx, .alert = user_alert, .db = db };
	struct smsc_cfg c = smsc_cfg("a", tcp_port, password);
	struct sms_port *p = sms_port_new(root, &cfg);

	c.link.window = window;
	c.link.resp_timeout_s = resp_s;
	assert_int_equal(sms_port_smsc_set(p, &c), 0);
	return p;
}

static int setup(void **state)
{
	root = talloc_new(NULL);
	memset(&phone, 0, sizeof(phone));
	memset(&user, 0, sizeof(user));
	db = NULL;
	net = NULL;
	port = NULL;
	return 0;
}

static int setup_net(void **state)
{
	int tcp_port;

	setup(state);
	net = network_new(root, NULL);
	tcp_port = network_smpp_listen(net, "127.0.0.1", 0, "secret");
	assert_true(tcp_port > 0);
	assert_int_equal(network_subscriber_add(net, IMSI, MSISDN, NULL, NULL), 0);
	assert_int_equal(network_subscriber_add(net, IMSI, "4917299", NULL, NULL), -EEXIST);
	port = new_port(tcp_port, "secret", 0, 0);
	assert_true(LOOP_UNTIL(db, 2000, sms_port_up(port)));
	return 0;
}

static int teardown(void **state)
{
	sms_port_free(port);
	network_detach(phone.ue);
	talloc_free(net);
	if (db)
		sqldb_close(db);
	talloc_free(root);
	return 0;
}

static void attach(void)
{
	phone.ue = network_attach(net, IMSI, &phone_ops, NULL);
	assert_true(LOOP_UNTIL(db, 2000, phone.attached));
}

static int send_n(size_t len, int tag)
{
	uint8_t packet[700] = { 1 };

	return sms_port_send(port, MSISDN, packet, len, user_done, (void *)(intptr_t)tag);
}

/* unknown number, known but absent, then there: the alert says so, and the TPDU is what a card takes */
static void outcomes(void **state)
{
	uint8_t packet[20] = { 1 };

	assert_int_equal(sms_port_send(port, "4900000", packet, 20, user_done, NULL), 0);
	assert_int_equal(send_n(20, 1), 0);
	assert_true(LOOP_UNTIL(db, 2000, user.done[SMS_UNREACHABLE] == 2));
	attach();
	assert_true(LOOP_UNTIL(db, 2000, user.alert[0]));
	assert_string_equal(user.alert, MSISDN);
	assert_int_equal(send_n(20, 1), 0);
	assert_true(LOOP_UNTIL(db, 2000, user.done[SMS_DELIVERED] == 1));
	assert_int_equal(phone.last.pid, TPDU_PID_DATA_DOWNLOAD);
	assert_int_equal(phone.last.dcs, TPDU_DCS_8BIT_CLASS2);
	assert_true(phone.last.udhi);
	assert_string_equal(phone.last.oa.digits, "1001");
	assert_int_equal(phone.last.oa.toa, 0x81);
	assert_int_equal(phone.last.ud_len, 23);
	assert_memory_equal(phone.last.ud, "\x02\x70\x00\x01", 4);
	phone.refuse = true;
	assert_int_equal(send_n(20, 1), 0);
	assert_true(LOOP_UNTIL(db, 2000, user.done[SMS_FAILED] == 1));
	assert_int_equal(user.n, 4);
}

/* five parts go in order, each after the answer to the one before, and the next message after the last part */
static void long_message(void **state)
{
	attach();
	phone.hold = true;
	assert_int_equal(send_n(132 + 4 * 134, 1), 0);
	assert_int_equal(send_n(132 + 4 * 134 + 1, 2), -EMSGSIZE);
	assert_int_equal(send_n(10, 3), 0);
	for (int i = 1; i <= 5; i++) {
		assert_true(LOOP_UNTIL(db, 2000, phone.mt == i));
		LOOP_FOR(db, 20);
		assert_int_equal(phone.mt, i);
		assert_int_equal(phone.seq[i - 1], i);
		assert_int_equal(user.n, 0);
		network_mt_done(phone.ue, true);
	}
	assert_true(LOOP_UNTIL(db, 2000, phone.mt == 6));
	network_mt_done(phone.ue, true);
	assert_true(LOOP_UNTIL(db, 2000, user.n == 2));
	assert_int_equal(user.done[SMS_DELIVERED], 2);
	assert_int_equal(user.order[0], 1);
	assert_int_equal(user.order[1], 3);
}

/* a part that did not get through is sent again alone; a single message is its session's business */
static void lost_part(void **state)
{
	attach();
	phone.hold = true;
	assert_int_equal(send_n(200, 1), 0);
	assert_true(LOOP_UNTIL(db, 2000, phone.mt == 1));
	network_mt_done(phone.ue, false);
	assert_true(LOOP_UNTIL(db, 3000, phone.mt == 2));
	assert_int_equal(phone.seq[1], 1);
	network_mt_done(phone.ue, true);
	assert_true(LOOP_UNTIL(db, 2000, phone.mt == 3));
	assert_int_equal(phone.seq[2], 2);
	network_mt_done(phone.ue, true);
	assert_true(LOOP_UNTIL(db, 2000, user.done[SMS_DELIVERED] == 1));
	phone.hold = false;
	assert_int_equal(network_fault_set(net, "loss", 100), 0);
	assert_int_equal(network_fault_set(net, "moss", 100), -ENOENT);
	assert_int_equal(send_n(10, 1), 0);
	assert_true(LOOP_UNTIL(db, 2000, user.done[SMS_FAILED] == 1));
	assert_int_equal(network_fault_set(net, "loss", 0), 0);
	assert_int_equal(network_fault_set(net, "loss-ack", 100), 0);
	assert_int_equal(network_fault_set(net, "duplicate", 100), 0);
	phone.mt = 0;
	assert_int_equal(send_n(10, 1), 0);
	assert_true(LOOP_UNTIL(db, 2000, user.done[SMS_FAILED] == 2));
	assert_int_equal(phone.mt, 2);
}

static void from_card(void **state)
{
	attach();
	phone_send(0x71, 40);
	assert_int_equal(phone.mo_cause, 0);
	assert_int_equal(user.rx, 1);
	assert_int_equal(user.rx_resp, 1);
	assert_int_equal(user.rx_len, 40);
	assert_string_equal(user.rx_from, MSISDN);
	phone_send(0x70, 300);
	assert_int_equal(user.rx, 2);
	assert_int_equal(user.rx_resp, 1);
	assert_int_equal(user.rx_len, 300);
	network_fault_set(net, "loss-mo", 100);
	phone_send(0x70, 30);
	assert_int_equal(phone.mo_cause, 0);
	assert_int_equal(user.rx, 2);
}

/* bounded per number, and what is forgotten neither calls back nor leaves */
static void bounded(void **state)
{
	int n = 0;

	attach();
	phone.hold = true;
	while (send_n(10, 1 + n % 2) == 0)
		n++;
	assert_int_equal(n, 16);
	assert_int_equal(send_n(10, 1), -EAGAIN);
	assert_true(LOOP_UNTIL(db, 2000, phone.mt == 1));
	sms_port_forget(port, (void *)1);
	phone.hold = false;
	network_mt_done(phone.ue, true);
	assert_true(LOOP_UNTIL(db, 2000, user.done[SMS_DELIVERED] == 8));
	LOOP_FOR(db, 20);
	assert_int_equal(user.n, 8);
	for (int i = 0; i < 8; i++)
		assert_int_equal(user.order[i], 2);
	assert_int_equal(phone.mt, 9);
}

/* P1: nothing leaves before the commit, neither the message nor the answer to one that came */
static void after_commit(void **state)
{
	struct bytes *mo;
	int tcp_port;

	sms_port_free(port);
	talloc_free(net);
	assert_int_equal(sqldb_open(&db, root, ":memory:", NULL, 0), 0);
	net = network_new(root, NULL);
	tcp_port = network_smpp_listen(net, "127.0.0.1", 0, NULL);
	assert_int_equal(network_subscriber_add(net, IMSI, MSISDN, NULL, NULL), 0);
	port = new_port(tcp_port, "any", 0, 0);
	assert_true(LOOP_UNTIL(db, 2000, sms_port_up(port)));
	attach();
	assert_int_equal(send_n(10, 1), 0);
	LOOP_FOR(NULL, 50);
	assert_int_equal(phone.mt, 0);
	txn_commit(db);
	assert_true(LOOP_UNTIL(NULL, 2000, user.done[SMS_DELIVERED] == 1));
	phone.mo_cause = -1;
	mo = bytes_from_hex(root, "4100048101107FF6040271005A");
	assert_int_equal(network_mo_sms(phone.ue, mo->data, mo->len, phone_mo_done), 0);
	assert_true(LOOP_UNTIL(NULL, 2000, user.rx == 1));
	LOOP_FOR(NULL, 50);
	assert_int_equal(phone.mo_cause, -1);
	txn_commit(db);
	assert_true(LOOP_UNTIL(NULL, 2000, phone.mo_cause == 0));
}

/* the SMSC goes and comes back on the same port; what was in its hands is said to be unknown */
static void reconnect(void **state)
{
	int tcp_port;

	sms_port_free(port);
	talloc_free(net);
	net = network_new(root, NULL);
	tcp_port = network_smpp_listen(net, "127.0.0.1", 0, NULL);
	port = new_port(tcp_port, "", 0, 0);
	assert_int_equal(network_subscriber_add(net, IMSI, MSISDN, NULL, NULL), 0);
	assert_true(LOOP_UNTIL(db, 2000, sms_port_up(port)));
	attach();
	phone.hold = true;
	assert_int_equal(send_n(10, 1), 0);
	assert_true(LOOP_UNTIL(db, 2000, phone.mt == 1));
	network_detach(phone.ue);
	phone = (struct phone){};
	talloc_free(net);
	assert_true(LOOP_UNTIL(db, 2000, !sms_port_up(port)));
	assert_int_equal(user.done[SMS_LINK_DOWN], 1);
	net = network_new(root, NULL);
	assert_int_equal(network_smpp_listen(net, "127.0.0.1", tcp_port, NULL), tcp_port);
	assert_int_equal(network_subscriber_add(net, IMSI, MSISDN, NULL, NULL), 0);
	attach();
	assert_int_equal(send_n(10, 2), 0);	/* waits for the link */
	assert_true(LOOP_UNTIL(db, 4000, user.done[SMS_DELIVERED] == 1));
}

/* an ESME that is let in only with the right word; one SMSC for several */
static void password(void **state)
{
	char *s;

	sms_port_free(port);
	port = NULL;
	talloc_free(net);
	net = network_new(root, NULL);
	port = new_port(network_smpp_listen(net, "127.0.0.1", 0, "other"), "secret", 0, 0);
	LOOP_FOR(db, 200);
	assert_false(sms_port_up(port));
	s = sms_port_describe(port, root);
	assert_non_null(strstr(s, "bind refused"));
}

/* store and forward: kept for an absent terminal, given at its attach, bounded */
static void store(void **state)
{
	for (int i = 0; i < 20; i++)
		assert_int_equal(network_inject_mt(net, MSISDN, "1001", true, (uint8_t[]){ 2, 0x70, 0, i }, 4), 0);
	assert_int_equal(network_inject_mt(net, MSISDN, "1001", true, (uint8_t[]){ 2, 0x70, 0, 9 }, 4), -EAGAIN);
	assert_int_equal(network_inject_mt(net, "4911111", "1001", true, (uint8_t[]){ 2, 0x70, 0, 9 }, 4), -ENOENT);
	attach();
	assert_true(LOOP_UNTIL(db, 2000, phone.mt == 20));
	assert_int_equal(phone.last.ud[3], 19);
	assert_true(network_attached(net, IMSI));
	assert_int_equal(network_subscriber_refuse(net, IMSI, true), 0);
	assert_false(phone.attached);	/* thrown out: it is gone */
	phone.attached = true;
	phone.ue = network_attach(net, IMSI, &phone_ops, NULL);
	assert_true(LOOP_UNTIL(db, 2000, !phone.attached));
	phone.ue = NULL;	/* refused: it is gone */
}

/* store and forward: the simulator's receipt is what counts; it answers in hexadecimal and reports in decimal */
static void receipts(void **state)
{
	struct smsc_cfg c;
	int tcp_port;

	sms_port_free(port);
	talloc_free(net);
	net = network_new(root, NULL);
	tcp_port = network_smpp_listen(net, "127.0.0.1", 0, NULL);
	assert_int_equal(network_subscriber_add(net, IMSI, MSISDN, NULL, NULL), 0);
	port = new_port(tcp_port, "", 0, 0);
	c = smsc_cfg("a", tcp_port, "");
	c.mode = SMSC_STORE;
	c.data_sm = true;
	assert_int_equal(sms_port_smsc_set(port, &c), 0);
	assert_true(LOOP_UNTIL(db, 2000, sms_port_up(port)));
	for (int i = 0; i < 12; i++)
		assert_int_equal(send_n(i == 3 ? 300 : 10, i), 0);
	LOOP_FOR(db, 100);
	assert_int_equal(user.n, 0);	/* not attached: kept there */
	attach();
	assert_true(LOOP_UNTIL(db, 4000, user.done[SMS_DELIVERED] == 12));
	assert_int_equal(phone.mt, 14);
	assert_int_equal(phone.last.pid, TPDU_PID_DATA_DOWNLOAD);
	assert_non_null(strstr(sms_port_describe(port, root), "SMS: 0 waiting, 0 with an SMSC, 0 stored there, 12 delivered"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(outcomes, setup_net, teardown),
		cmocka_unit_test_setup_teardown(long_message, setup_net, teardown),
		cmocka_unit_test_setup_teardown(lost_part, setup_net, teardown),
		cmocka_unit_test_setup_teardown(from_card, setup_net, teardown),
		cmocka_unit_test_setup_teardown(bounded, setup_net, teardown),
		cmocka_unit_test_setup_teardown(after_commit, setup_net, teardown),
		cmocka_unit_test_setup_teardown(reconnect, setup_net, teardown),
		cmocka_unit_test_setup_teardown(password, setup_net, teardown),
		cmocka_unit_test_setup_teardown(store, setup_net, teardown),
		cmocka_unit_test_setup_teardown(receipts, setup_net, teardown),
	};
	void *ctx = talloc_named_const(NULL, 0, "link_test");
	int rc;

	osmo_init_logging2(ctx, &rsp_log_info);
	log_set_log_level(osmo_stderr_target, LOGL_FATAL);
	osmo_fsm_log_addr(false);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	log_fini();
	talloc_free(ctx);
	return rc;
}
