/* The link to one SMSC that hangs up, is busy, silent or wrong (SMPP 3.4 2.2, 4.1, 4.11, 5.1.3).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "smsc.h"

/* an unbind of the SMSC is answered, and the link comes back */
static void unbound(void **state)
{
	struct smpp_pdu pdu = { .id = SMPP_UNBIND, .seq = 5 };
	struct smsc_cfg c = smsc_cfg("a", &a);

	up(&c, &a);
	smpp_conn_tx(a.conn, &pdu);
	assert_true(LOOP_UNTIL(db, 2000, !sms_port_up(port)));
	assert_true(LOOP_UNTIL(db, 3000, sms_port_up(port)));
	assert_int_equal(a.binds, 2);
	assert_int_equal(a.unbinds, 1);
}

/* enquire_link, and the end of a link where two of them stay unanswered */
static void enquire(void **state)
{
	struct smsc_cfg c = smsc_cfg("a", &a);

	c.link.enquire_s = 1;
	up(&c, &a);
	LOOP_FOR(db, 1500);
	assert_true(sms_port_up(port));
	a.dead = true;
	assert_true(LOOP_UNTIL(db, 5000, !sms_port_up(port)));
	a.dead = false;
	assert_true(LOOP_UNTIL(db, 3000, sms_port_up(port)));
	assert_int_equal(a.binds, 2);
}

static void up_narrow(void)
{
	struct smsc_cfg c = smsc_cfg("a", &a);

	c.link.window = 2;
	c.link.resp_timeout_s = 1;
	up(&c, &a);
}

static void busy_smsc(void **state)
{
	up_narrow();
	a.status[0] = SMPP_ST_THROTTLED;
	a.status[1] = SMPP_ST_SYS_ERR;
	assert_int_equal(send_to(MSISDN, 10, 1), 0);
	assert_true(LOOP_UNTIL(db, 5000, user.n == 1));
	assert_int_equal(user.done[SMS_DELIVERED], 1);
	assert_int_equal(a.seen, 3);
	assert_true(a.at[1] - a.at[0] >= 900);
	assert_true(a.at[2] - a.at[1] >= 900);
}

static void system_error(void **state)
{
	up_narrow();
	for (int i = 0; i < 8; i++)
		a.status[i] = SMPP_ST_SYS_ERR;
	assert_int_equal(send_to(MSISDN, 10, 1), 0);
	assert_true(LOOP_UNTIL(db, 6000, user.done[SMS_FAILED] == 1));
	assert_int_equal(a.seen, 4);	/* again three times */
}

/* no answer: failed after the response time-out; a late answer belongs to nothing; the window frees again */
static void silent_smsc(void **state)
{
	uint8_t packet[4] = { 1 };

	up_narrow();
	a.silent = true;
	for (int i = 0; i < 3; i++)
		assert_int_equal(sms_port_send(port, (char[]){ '4', '9', '1', '0' + i, 0 }, packet, 4, user_done, NULL), 0);
	LOOP_FOR(db, 100);
	assert_int_equal(a.seen, 2);	/* the window */
	assert_true(LOOP_UNTIL(db, 3000, user.done[SMS_FAILED] == 2));
	assert_true(LOOP_UNTIL(db, 3000, a.seen == 3));
	smpp_conn_tx_resp(a.conn, &(struct smpp_pdu){ .id = SMPP_SUBMIT_SM, .seq = 2 }, 0, "late");
	assert_true(LOOP_UNTIL(db, 3000, user.n == 3));
	assert_int_equal(user.done[SMS_DELIVERED], 0);
	assert_true(sms_port_up(port));
}

static void tx_deliver(uint8_t esm_class, const uint8_t *ud, size_t len)
{
	struct smpp_pdu pdu = { .id = SMPP_DELIVER_SM, .seq = 5, .sm = { .esm_class = esm_class, .ud_len = len,
				.src = { .ton = 3, .npi = 1, .digits = MSISDN }, .dst = { .npi = 1, .digits = "1001" } } };

	memcpy(pdu.sm.ud, ud, len);
	a.deliver_status = 0xFFFF;
	smpp_conn_tx(a.conn, &pdu);
	assert_true(LOOP_UNTIL(db, 2000, a.deliver_status != 0xFFFF));
}

/* what is no packet is answered and survived; a length out of bounds ends the connection, and it comes back */
static void bad_pdus(void **state)
{
	uint8_t raw[64] = { 0, 0, 0, 20, 0, 0, 0, 5 };
	int fd;

	up_narrow();
	tx_deliver(0x41, (uint8_t[]){ 2, 0x71, 0, 0x5A }, 4);
	assert_int_equal(a.deliver_status, 0);
	assert_int_equal(user.rx, 1);
	assert_int_equal(user.rx_len, 1);
	assert_int_equal(user.rx_first, 0x5A);
	tx_deliver(0x04, (uint8_t[]){ 'i', 'd' }, 2);	/* receipt */
	assert_int_equal(a.deliver_status, 0);
	tx_deliver(0x40, (uint8_t[]){ 9, 0x71, 0, 0x5A }, 4);
	assert_int_equal(a.deliver_status, SMPP_ST_RX_PERM);
	tx_deliver(0x40, (uint8_t[]){ 5, 0, 3, 1, 200, 1, 0x5A }, 7);	/* 200 parts */
	assert_int_equal(a.deliver_status, SMPP_ST_RX_PERM);
	tx_deliver(0x40, (uint8_t[]){ 2, 0x11, 0, 0x5A }, 4);
	assert_int_equal(a.deliver_status, SMPP_ST_RX_PERM);
	assert_int_equal(user.rx, 1);
	fd = ((struct osmo_fd *)a.conn)->fd;	/* its first member: a raw word past the encoder */
	assert_int_equal(send(fd, raw, 20, 0), 20);
	LOOP_FOR(db, 50);
	assert_true(sms_port_up(port));
	tx_deliver(0x41, (uint8_t[]){ 2, 0x71, 0, 0x5A }, 4);
	assert_int_equal(user.rx, 2);
	raw[2] = 0x10;
	assert_int_equal(send(fd, raw, 20, 0), 20);
	assert_true(LOOP_UNTIL(db, 1000, !sms_port_up(port)));
	assert_true(LOOP_UNTIL(db, 3000, sms_port_up(port)));
	assert_int_equal(a.binds, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unbound, setup, teardown),
		cmocka_unit_test_setup_teardown(enquire, setup, teardown),
		cmocka_unit_test_setup_teardown(busy_smsc, setup, teardown),
		cmocka_unit_test_setup_teardown(system_error, setup, teardown),
		cmocka_unit_test_setup_teardown(silent_smsc, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_pdus, setup, teardown),
	};
	void *ctx = talloc_named_const(NULL, 0, "smsc_link_test");
	int rc;

	osmo_init_logging2(ctx, &rsp_log_info);
	log_set_log_level(osmo_stderr_target, LOGL_FATAL);
	osmo_fsm_log_addr(false);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	log_fini();
	talloc_free(ctx);
	return rc;
}
