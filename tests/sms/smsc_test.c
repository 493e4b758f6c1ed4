/* Several SMSCs behind one sms_port, each answering by script: routes and fail-over, throttling, rates, receipts, alerts,
 * data_sm, and answers to what the SMSC sends (SMPP 3.4, ota-transport 3).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "smsc.h"

static void route(struct smsc_cfg *c, const char *prefix, int priority)
{
	osmo_strlcpy(c->routes[c->n_routes].prefix, prefix, sizeof(c->routes[0].prefix));
	c->routes[c->n_routes++].priority = priority;
}

/* the longer prefix, then the priority; the next when it is not bound, and back when it is */
static void routes(void **state)
{
	struct smsc_cfg ca = smsc_cfg("a", &a), cb = smsc_cfg("b", &b);

	assert_int_equal(send_to(MSISDN, 10, 1), -ENETUNREACH);
	route(&ca, "49", 5);
	route(&ca, "43", 9);
	route(&cb, "49172", 200);
	route(&cb, "43", 8);
	up(&ca, &a);
	up(&cb, &b);
	send_to("49160111", 10, 1);	/* a only */
	send_to(MSISDN, 10, 1);		/* b by prefix */
	send_to("4366011", 10, 1);	/* b by priority */
	assert_int_equal(send_to("33111", 10, 1), -ENETUNREACH);
	assert_true(LOOP_UNTIL(db, 2000, user.n == 3));
	assert_int_equal(a.seen, 1);
	assert_int_equal(b.seen, 2);
	smsc_stop(&b);
	assert_true(LOOP_UNTIL(db, 2000, strstr(sms_port_states(port, root), "b down")));
	send_to(MSISDN, 10, 1);
	send_to("4366011", 10, 1);
	assert_true(LOOP_UNTIL(db, 2000, user.n == 5));
	assert_int_equal(a.seen, 3);
	assert_int_equal(user.done[SMS_DELIVERED], 5);
	smsc_listen(&b);
	assert_true(LOOP_UNTIL(db, 4000, strstr(sms_port_states(port, root), "b up")));
	send_to(MSISDN, 10, 1);
	assert_true(LOOP_UNTIL(db, 2000, b.seen == 3));
	ca.shutdown = cb.shutdown = true;
	assert_int_equal(sms_port_smsc_set(port, &ca), 0);
	assert_string_equal(sms_port_states(port, root), "a shutdown,b up");
	assert_true(LOOP_UNTIL(db, 2000, a.unbinds == 1));
	sms_port_smsc_del(port, "b");
	assert_string_equal(sms_port_states(port, root), "a shutdown");
	assert_false(sms_port_up(port));
}

/* what an SMSC had in hand when it went is sent by the next one; a waiting message too */
static void failover(void **state)
{
	struct smsc_cfg ca = smsc_cfg("a", &a), cb = smsc_cfg("b", &b);

	route(&ca, "", 1);
	route(&cb, "", 2);
	ca.link.window = 2;
	up(&ca, &a);
	up(&cb, &b);
	a.silent = true;
	for (int i = 0; i < 4; i++)
		assert_int_equal(send_to((char[]){ '4', '9', '1', '0' + i, 0 }, i ? 10 : 200, 1), 0);
	assert_true(LOOP_UNTIL(db, 2000, a.seen == 2));
	LOOP_FOR(db, 30);
	assert_int_equal(a.seen, 2);
	smsc_stop(&a);
	assert_true(LOOP_UNTIL(db, 2000, user.n == 4));
	assert_int_equal(user.done[SMS_DELIVERED], 4);
	assert_int_equal(b.seen, 5);	/* one was of two parts */
	smsc_stop(&b);
	assert_true(LOOP_UNTIL(db, 2000, !sms_port_up(port)));
	assert_int_equal(send_to(MSISDN, 10, 1), 0);
	smsc_listen(&a);
	a.silent = false;
	assert_true(LOOP_UNTIL(db, 8000, user.done[SMS_DELIVERED] == 5));
}

/* corrections 27: a part whose fate is unknown after the response time is sent again alone; a single message is its
 * session's business, as it is under a counter */
static void unknown(void **state)
{
	struct smsc_cfg c = smsc_cfg("a", &a);

	c.link.resp_timeout_s = 1;
	up(&c, &a);
	a.silent_at = 2;
	send_to(MSISDN, 132 + 134 + 10, 1);
	assert_true(LOOP_UNTIL(db, 3000, user.n == 1));
	assert_int_equal(user.done[SMS_DELIVERED], 1);
	assert_int_equal(a.seen, 4);
	assert_memory_equal(a.sm[2].ud, a.sm[1].ud, a.sm[1].ud_len);
	assert_true(a.at[2] - a.at[1] >= 950);
	assert_int_equal(a.sm[3].ud[5], 3);	/* the third part */
	a.silent_at = 5;
	send_to(MSISDN, 10, 1);
	assert_true(LOOP_UNTIL(db, 3000, user.n == 2));
	assert_int_equal(user.done[SMS_FAILED], 1);
	assert_int_equal(a.seen, 5);
}

/* The first SMSC may have given it to the card, which then left the network: that the next one does not reach it says
 * nothing of what was done. */
static void gone_between(void **state)
{
	struct smsc_cfg ca = smsc_cfg("a", &a), cb = smsc_cfg("b", &b);

	route(&ca, "", 1);
	route(&cb, "", 2);
	up(&ca, &a);
	up(&cb, &b);
	a.silent = true;
	b.status[0] = b.status[1] = SMPP_ST_INV_DST_ADDR;
	assert_int_equal(send_to(MSISDN, 10, 1), 0);
	assert_true(LOOP_UNTIL(db, 2000, a.seen == 1));
	smsc_stop(&a);
	assert_true(LOOP_UNTIL(db, 2000, user.n == 1));
	assert_int_equal(b.seen, 1);
	assert_int_equal(user.done[SMS_FAILED], 1);
	assert_int_equal(send_to(MSISDN, 10, 1), 0);
	assert_true(LOOP_UNTIL(db, 2000, user.n == 2));
	assert_int_equal(user.done[SMS_UNREACHABLE], 1);
}

/* 58: silence of 1 s, then 2 s; 14: the number waits 5 s (others do not) */
static void throttled(void **state)
{
	struct smsc_cfg c = smsc_cfg("a", &a);

	up(&c, &a);
	a.status[0] = a.status[1] = SMPP_ST_THROTTLED;
	send_to(MSISDN, 10, 1);
	assert_true(LOOP_UNTIL(db, 5000, user.n == 1));
	assert_true(a.at[1] - a.at[0] >= 950 && a.at[1] - a.at[0] < 1900);
	assert_true(a.at[2] - a.at[1] >= 1950);
	assert_int_equal(user.done[SMS_DELIVERED], 1);
	a.status[3] = SMPP_ST_QUEUE_FULL;
	send_to(MSISDN, 10, 1);
	assert_true(LOOP_UNTIL(db, 1000, a.seen == 4));
	send_to("49111", 10, 1);
	assert_true(LOOP_UNTIL(db, 500, user.n == 2));
	assert_true(LOOP_UNTIL(db, 7000, user.n == 3));
	assert_true(a.at[5] - a.at[3] >= 4900);
	assert_int_equal(user.done[SMS_DELIVERED], 3);
}

static void rates(void **state)
{
	struct sms_port_limits limits = { .number_rate = 120 };
	struct smsc_cfg c = smsc_cfg("a", &a);
	char number[] = "49100";

	c.rate = 20;
	up(&c, &a);
	for (int i = 0; i < 30; i++) {
		number[3] = '0' + i / 10;
		number[4] = '0' + i % 10;
		send_to(number, 10, 1);
	}
	assert_true(LOOP_UNTIL(db, 4000, user.n == 30));
	assert_true(a.at[29] - a.at[0] >= 1250 && a.at[29] - a.at[0] < 2500);	/* (30 - burst) / 20 s */
	memset(&user, 0, sizeof(user));
	a.seen = 0;
	c.rate = 0;
	sms_port_smsc_set(port, &c);
	sms_port_limits_set(port, &limits);
	for (int i = 0; i < 16 * 5; i++)
		if (send_to(MSISDN, 10, 1) < 0)
			LOOP_UNTIL(db, 100, user.n == i);
	LOOP_FOR(db, 300);
	assert_true(user.n >= 60 && user.n <= 63);	/* half a minute's at once, then two a second */
	LOOP_FOR(db, 1000);
	assert_true(user.n >= 61 && user.n <= 66);
}

/* --- store and forward --- */

static void receipt(struct smsc *s, const char *id, enum smpp_state state, int ref)
{
	struct smpp_pdu pdu = { .id = SMPP_DELIVER_SM, .seq = 77,
				.sm = { .src = { .ton = 1, .npi = 1, .digits = "+" MSISDN }, .dst = { .npi = 1, .digits = "1001" } } };

	assert_int_equal(receipt_enc(&pdu.sm, id, state), 0);
	pdu.sm.has_user_ref = ref >= 0;
	pdu.sm.user_ref = ref;
	s->deliver_status = 0xFFFF;
	smpp_conn_tx(s->conn, &pdu);
	assert_true(LOOP_UNTIL(db, 2000, s->deliver_status == 0));
}

static void stored(void **state)
{
	struct smsc_cfg c = smsc_cfg("a", &a);

	c.mode = SMSC_STORE;
	c.validity_s = 3661;
	up(&c, &a);
	send_to(MSISDN, 10, 1);
	send_to(MSISDN, 200, 2);	/* does not wait for the first one's receipt */
	assert_true(LOOP_UNTIL(db, 2000, a.seen == 3));
	assert_int_equal(a.sm[0].esm_class, 0x43);
	assert_int_equal(a.sm[0].registered, 1);
	assert_string_equal(a.sm[0].validity, "000000010101000R");
	LOOP_FOR(db, 50);
	assert_int_equal(user.n, 0);
	receipt(&a, "66", SMPP_STATE_ENROUTE, -1);	/* 102 */
	receipt(&a, "102", SMPP_STATE_DELIVERED, -1);	/* the third, in decimal */
	receipt(&a, "FFFF", SMPP_STATE_DELIVERED, -1);	/* stray */
	assert_int_equal(user.n, 0);
	receipt(&a, "64", SMPP_STATE_EXPIRED, -1);	/* the first */
	assert_int_equal(user.done[SMS_UNREACHABLE], 1);
	assert_true(user.last == (void *)1);
	receipt(&a, "65", SMPP_STATE_UNDELIVERABLE, -1);	/* the second: that part again, alone */
	assert_true(LOOP_UNTIL(db, 2000, a.seen == 4));
	assert_int_equal(a.sm[3].ud_len, a.sm[1].ud_len);
	assert_memory_equal(a.sm[3].ud, a.sm[1].ud, a.sm[1].ud_len);
	assert_int_equal(user.n, 1);
	receipt(&a, "67", SMPP_STATE_DELIVERED, -1);
	assert_true(LOOP_UNTIL(db, 2000, user.done[SMS_DELIVERED] == 1));
	assert_true(user.last == (void *)2);
}

static void timers_later(unsigned seconds)
{
	osmo_gettimeofday_override = false;
	osmo_gettimeofday(&osmo_gettimeofday_override_time, NULL);
	osmo_gettimeofday_override = true;
	osmo_gettimeofday_override_add(seconds, 0);
	osmo_select_main_ctx(1);
	osmo_gettimeofday_override = false;
}

/* what has no receipt in time is unknown: parts go again alone, a single message is its session's business */
static void no_receipt(void **state)
{
	struct smsc_cfg c = smsc_cfg("a", &a);

	c.mode = SMSC_STORE;
	c.validity_s = 100;
	up(&c, &a);
	send_to(MSISDN, 10, 1);
	send_to(MSISDN, 200, 2);
	assert_true(LOOP_UNTIL(db, 2000, a.seen == 3));
	LOOP_FOR(db, 30);
	receipt(&a, "65", SMPP_STATE_DELIVERED, -1);	/* the first of two parts */
	timers_later(159);
	assert_int_equal(user.n, 0);
	timers_later(161);
	assert_int_equal(user.done[SMS_FAILED], 1);
	assert_true(user.last == (void *)1);
	assert_true(LOOP_UNTIL(db, 2000, a.seen == 4));
	LOOP_FOR(db, 30);
	assert_int_equal(a.seen, 4);
	assert_memory_equal(a.sm[3].ud, a.sm[2].ud, a.sm[2].ud_len);
	receipt(&a, "67", SMPP_STATE_DELIVERED, -1);
	assert_true(LOOP_UNTIL(db, 2000, user.done[SMS_DELIVERED] == 1));
}

/* OsmoMSC: message_id is a constant, our reference comes back */
static void stored_osmomsc(void **state)
{
	struct smsc_cfg c = smsc_cfg("a", &a);

	c.mode = SMSC_STORE;
	a.id = "msg_id_not_implemented";
	up(&c, &a);
	send_to(MSISDN, 10, 1);
	send_to(MSISDN, 10, 2);
	assert_true(LOOP_UNTIL(db, 2000, a.seen == 2));
	LOOP_FOR(db, 20);
	receipt(&a, "00000007", SMPP_STATE_DELIVERED, a.sm[1].user_ref);
	assert_int_equal(user.done[SMS_DELIVERED], 1);
	assert_true(user.last == (void *)2);
	sms_port_forget(port, (void *)1);
	receipt(&a, "00000007", SMPP_STATE_DELIVERED, a.sm[0].user_ref);
	assert_int_equal(user.n, 1);
}

/* --- in --- */

static void data_sm(void **state)
{
	struct smpp_pdu pdu = { .id = SMPP_DATA_SM, .seq = 5, .sm = { .esm_class = SMPP_ESM_UDHI, .ud_len = 4, .payload = true,
				.ud = { 2, 0x71, 0, 0x5A }, .src = { .npi = 1, .digits = MSISDN } } };
	struct smsc_cfg c = smsc_cfg("a", &a);

	c.data_sm = true;
	up(&c, &a);
	memcpy(a.rsp_ud, "\x02\x71\x00\x01\x02", 5);	/* what the card answered, in the answer itself */
	a.rsp_ud_len = 5;
	send_to(MSISDN, 10, 1);
	assert_true(LOOP_UNTIL(db, 2000, user.done[SMS_DELIVERED] == 1));
	assert_int_equal(a.last.id, SMPP_DATA_SM);
	assert_int_equal(a.last.sm.ud_len, 13);
	assert_int_equal(user.rx_resp, 1);
	a.deliver_status = 0xFFFF;
	smpp_conn_tx(a.conn, &pdu);
	assert_true(LOOP_UNTIL(db, 2000, a.deliver_status == 0));
	assert_int_equal(user.rx_resp, 2);
	pdu.id = SMPP_DELIVER_SM;		/* an acknowledgement of the card, with what it said */
	pdu.sm.esm_class = SMPP_ESM_UDHI | SMPP_ESM_DELIVERY_ACK;
	a.deliver_status = 0xFFFF;
	smpp_conn_tx(a.conn, &pdu);
	assert_true(LOOP_UNTIL(db, 2000, a.deliver_status == 0));
	assert_int_equal(user.rx_resp, 3);
}

/* reachable now: the number that waits goes at once, and the user is told */
static void alert(void **state)
{
	struct smpp_pdu pdu = { .id = SMPP_ALERT, .seq = 9, .alert = { .src = { .ton = 1, .npi = 1, .digits = "+" MSISDN } } };
	struct smsc_cfg c = smsc_cfg("a", &a);
	int64_t t0;

	up(&c, &a);
	a.status[0] = SMPP_ST_QUEUE_FULL;
	send_to(MSISDN, 10, 1);
	assert_true(LOOP_UNTIL(db, 2000, a.seen == 1));
	LOOP_FOR(db, 20);
	t0 = loop_now_ms();
	pdu.alert.has_availability = true;
	pdu.alert.availability = 2;
	smpp_conn_tx(a.conn, &pdu);
	LOOP_FOR(db, 50);
	assert_int_equal(a.seen, 1);
	pdu.alert.availability = 0;
	smpp_conn_tx(a.conn, &pdu);
	assert_true(LOOP_UNTIL(db, 2000, user.done[SMS_DELIVERED] == 1));
	assert_true(loop_now_ms() - t0 < 2000);
	assert_string_equal(user.alert, MSISDN);
	pdu.alert.src = (struct smpp_addr){ .ton = 4, .npi = 6, .digits = "001010000000001" };
	smpp_conn_tx(a.conn, &pdu);
	assert_true(LOOP_UNTIL(db, 2000, !strcmp(user.alert, "001010000000001")));
}

/* nothing is said before the commit; when none comes, the SMSC is told to try again before its 5 s are over */
static void late_commit(void **state)
{
	struct sms_port_cfg cfg = { .own_number = "1001", .rx = user_rx };
	struct smpp_pdu pdu = { .id = SMPP_DELIVER_SM, .seq = 5, .sm = { .esm_class = SMPP_ESM_UDHI, .ud_len = 4,
				.ud = { 2, 0x71, 0, 0x5A }, .src = { .npi = 1, .digits = MSISDN } } };
	struct smsc_cfg c = smsc_cfg("a", &a);
	int64_t t0;

	sms_port_free(port);
	assert_int_equal(sqldb_open(&db, root, ":memory:", NULL, 0), 0);
	cfg.db = db;
	port = sms_port_new(root, &cfg);
	up(&c, &a);
	a.deliver_status = 0xFFFF;
	t0 = loop_now_ms();
	smpp_conn_tx(a.conn, &pdu);
	assert_true(LOOP_UNTIL(NULL, 5000, a.deliver_status != 0xFFFF));
	assert_int_equal(a.deliver_status, SMPP_ST_RX_TEMP);
	assert_true(loop_now_ms() - t0 >= 3900 && loop_now_ms() - t0 < 5000);
	a.deliver_status = 0xFFFF;
	smpp_conn_tx(a.conn, &pdu);
	assert_true(LOOP_UNTIL(db, 5000, a.deliver_status == 0));
}

static void limits(void **state)
{
	struct sms_port_limits l = { .queue = 3, .per_number = 2 };
	struct smsc_cfg c = smsc_cfg("a", &a);

	for (int i = 0; i < SMSC_MAX; i++) {
		snprintf(c.name, sizeof(c.name), "smsc%d", i);
		assert_int_equal(sms_port_smsc_set(port, &c), 0);
		c.shutdown = true;
	}
	osmo_strlcpy(c.name, "more", sizeof(c.name));
	assert_int_equal(sms_port_smsc_set(port, &c), -ENOSPC);
	sms_port_limits_set(port, &l);
	a.silent = true;
	assert_int_equal(send_to(MSISDN, 10, 1), 0);
	assert_int_equal(send_to(MSISDN, 10, 1), 0);
	assert_int_equal(send_to(MSISDN, 10, 1), -EAGAIN);
	assert_int_equal(send_to("49111", 10, 1), 0);
	assert_int_equal(send_to("49112", 10, 1), -EAGAIN);
	assert_non_null(strstr(sms_port_describe(port, root), "2 not taken"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(routes, setup, teardown),
		cmocka_unit_test_setup_teardown(failover, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(gone_between, setup, teardown),
		cmocka_unit_test_setup_teardown(throttled, setup, teardown),
		cmocka_unit_test_setup_teardown(rates, setup, teardown),
		cmocka_unit_test_setup_teardown(stored, setup, teardown),
		cmocka_unit_test_setup_teardown(no_receipt, setup, teardown),
		cmocka_unit_test_setup_teardown(stored_osmomsc, setup, teardown),
		cmocka_unit_test_setup_teardown(data_sm, setup, teardown),
		cmocka_unit_test_setup_teardown(alert, setup, teardown),
		cmocka_unit_test_setup_teardown(late_commit, setup, teardown),
		cmocka_unit_test_setup_teardown(limits, setup, teardown),
	};
	void *ctx = talloc_named_const(NULL, 0, "smsc_test");
	int rc;

	osmo_init_logging2(ctx, &rsp_log_info);
	log_set_log_level(osmo_stderr_target, LOGL_FATAL);
	osmo_fsm_log_addr(false);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	log_fini();
	talloc_free(ctx);
	return rc;
}
