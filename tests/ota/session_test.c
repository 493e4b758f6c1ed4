/* Card sessions by SMS (SCP80): packets against the worked example of ota-transport 1.5 and 1.6 (two independent
 * implementations), what the SMSC and the card may say, notifications (a packet of another SM-SR's card).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "session_help.h"
#include "session_http.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/ota/scp80.h>

#define EXAMPLE_PACKET "00281516391212000001A38B70195E3AB2387C11376B4CA18DE75312BD8E566CEFCE1574A87DAC6EA425"
#define EXAMPLE_POR "002412000001EF199DC12FB02C40F83C991B1F72E2C1983C7768AD4FCF5B8CB60062F12D02A9"

static void rx(const char *hex, bool response)
{
	uint8_t b[700];
	size_t len = world_hex(b, sizeof(b), hex);

	card_sessions_sms_rx(W->cs, "49170123", response, b, len);
	world_turn();
}

static void test_worked_example(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = world_cmd(&o, GET_STATUS);

	world_start(5);
	world_send(&o, &c, 10);
	assert_int_equal(W->n_sms, 1);
	assert_string_equal(W->sms[0].to, "49170123");
	assert_hex(W->sms[0].packet, W->sms[0].len, EXAMPLE_PACKET);
	assert_int_equal(o.n_mark, 1);
	assert_string_equal(o.bearer, "SMS");
	world_sms(0, SMS_DELIVERED);
	assert_int_equal(o.n_done, 0);
	rx(EXAMPLE_POR, true);
	assert_int_equal(o.n_done, 1);
	assert_int_equal(o.outcome, CARD_OK);
	assert_hex(o.resp, o.resp_len, "23029000");
	assert_true(W->n_heard > 0);
	world_turn();
	assert_int_equal(card_sessions_count(W->cs), 0);	/* nothing left behind */
}

/* The response may be faster than the SMSC. */
static void test_por_before_outcome(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = world_cmd(&o, GET_STATUS);

	world_start(5);
	world_send(&o, &c, 10);
	rx(EXAMPLE_POR, true);
	assert_int_equal(o.outcome, CARD_OK);
	assert_int_equal(o.n_done, 1);
	world_sms(0, SMS_DELIVERED);
	assert_int_equal(o.n_done, 1);
}

static void test_foreign_responses_dropped(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = world_cmd(&o, GET_STATUS);
	struct scp80_sec sec;

	world_start(5);
	world_send(&o, &c, 10);
	world_open(0, &sec);
	world_sms(0, SMS_DELIVERED);
	rx("002412000001EF199DC12FB02C40F83C991B1F72E2C1983C7768AD4FCF5B8CB60062F12D02A8", true);	/* one bit */
	rx("00", true);
	sec.cntr--;
	world_por(&sec, 0, "AB0780010123029000");	/* authentic, of an earlier command */
	sec.cntr++;
	sec.tar = 0x000002;
	world_por(&sec, 0, "AB0780010123029000");
	assert_int_equal(o.n_done, 0);
	sec.tar = 1;
	world_por(&sec, SCP80_ST_MORE_TIME, "");
	world_por(&sec, SCP80_ST_BY_SUBMIT, "");
	assert_int_equal(o.n_done, 0);
	world_por(&sec, 0, "AB0780010123029000");
	assert_int_equal(o.outcome, CARD_OK);
}

static void test_statuses(void **state)
{
	static const struct { uint8_t status; const char *data; enum card_outcome outcome; } t[] = {
		{ SCP80_ST_TAR_UNKNOWN, "", CARD_REJECTED },
		{ SCP80_ST_LEVEL, "", CARD_REJECTED },
		{ SCP80_ST_CNTR_LOW, "", CARD_REJECTED },
		{ SCP80_ST_OK, "", CARD_NO_ANSWER },			/* it ran something and does not say what */
		{ SCP80_ST_OK, "FFFF", CARD_NO_ANSWER },
		{ SCP80_ST_OK, "AB06800101900101", CARD_REJECTED },	/* bad format, nothing executed: 4.5 */
		{ SCP80_ST_OK, "AB0B8001022302900023026A88", CARD_OK },
		{ SCP80_ST_OK, "AF80230290000000", CARD_OK },
	};
	struct owner o = { 0 };
	struct card_cmd c;
	struct scp80_sec sec;
	unsigned i;

	world_start(5);
	c = world_cmd(&o, GET_STATUS);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		world_send(&o, &c, 10);
		world_open(i, &sec);
		assert_int_equal(sec.cntr, i + 1);	/* a new one each time */
		world_sms(i, SMS_DELIVERED);
		world_por(&sec, t[i].status, t[i].data);
		assert_int_equal(o.n_done, i + 1);
		assert_int_equal(o.outcome, t[i].outcome);
		if (t[i].outcome == CARD_REJECTED)
			assert_true(strlen(o.detail) > 0);
	}
}

static void test_no_response_packet(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = world_cmd(&o, GET_STATUS);

	world_start(5);
	world_send(&o, &c, 10);
	world_sms(0, SMS_DELIVERED);
	world_wait(&o.n_done, 1);
	assert_int_equal(o.outcome, CARD_NO_ANSWER);
	assert_int_equal(W->n_sms, 1);			/* not sent again */
	rx(EXAMPLE_POR, true);				/* too late */
	assert_int_equal(o.n_done, 1);
}

static void test_unreachable(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = world_cmd(&o, GET_STATUS);

	world_start(5);
	world_send(&o, &c, 1);
	world_sms(0, SMS_UNREACHABLE);
	assert_int_equal(W->n_sms, 1);
	world_wait(&W->n_sms, 2);			/* by itself */
	assert_memory_equal(W->sms[0].packet, W->sms[1].packet, W->sms[0].len);
	world_sms(1, SMS_UNREACHABLE);
	strcpy(W->msisdn, "49170124");			/* it has another number meanwhile */
	card_sessions_sms_alert(W->cs, "49170999");
	world_turn();
	assert_int_equal(W->n_sms, 2);
	card_sessions_sms_alert(W->cs, "49170123");	/* at once */
	world_turn();
	assert_int_equal(W->n_sms, 3);
	assert_string_equal(W->sms[2].to, "49170124");
	world_sms(2, SMS_UNREACHABLE);
	W->sms_up = false;
	world_wait(&o.n_done, 1);
	assert_int_equal(o.outcome, CARD_NOT_SENT);
	assert_int_equal(o.n_mark, 1);			/* once, whatever the number of attempts */
}

static void test_link_down(void **state)
{
	struct owner o = { 0 }, o2 = { 0 };
	struct card_cmd c = world_cmd(&o, GET_STATUS), c2 = world_cmd(&o2, GET_STATUS);
	struct scp80_sec sec;

	world_start(5);
	W->sms_up = false;
	world_send(&o, &c, 1);
	world_wait(&o.n_done, 1);
	assert_int_equal(o.outcome, CARD_NOT_SENT);
	assert_int_equal(W->n_sms, 0);
	assert_int_equal(o.n_mark, 0);
	/* lost while the SMSC had it: nobody knows */
	W->sms_up = true;
	world_send(&o2, &c2, 1);
	world_sms(0, SMS_LINK_DOWN);
	world_wait(&W->n_sms, 2);
	world_open(1, &sec);
	assert_int_equal(sec.cntr, 2);
	world_sms(1, SMS_DELIVERED);
	world_por(&sec, SCP80_ST_CNTR_LOW, "");		/* the first copy was run */
	assert_int_equal(o2.outcome, CARD_NO_ANSWER);
}

static void test_stopped_by_owner(void **state)
{
	struct owner o = { .mark_rc = -EIO };
	struct card_cmd c = world_cmd(&o, GET_STATUS);

	world_start(5);
	world_send(&o, &c, 10);
	assert_int_equal(o.n_done, 1);
	assert_int_equal(o.outcome, CARD_NOT_SENT);
	assert_int_equal(W->n_sms, 0);
	W->unknown = true;
	assert_int_equal(card_session_send(W->cs, &W->eid, &c, 10), -ENOENT);
}

static void test_queue(void **state)
{
	struct owner o[20] = { 0 };
	struct card_cmd c;
	struct scp80_sec sec;
	unsigned i;

	world_start(5);
	for (i = 0; i < 16; i++) {
		c = world_cmd(&o[i], GET_STATUS);
		c.target.b[14] = i;			/* told apart by the TAR */
		assert_int_equal(card_session_send(W->cs, &W->eid, &c, 10), 0);
	}
	assert_int_equal(card_session_send(W->cs, &W->eid, &c, 10), -EAGAIN);
	world_turn();
	assert_true(card_session_forget(W->cs, &W->eid, &o[2]));	/* still waiting: gone */
	assert_false(card_session_forget(W->cs, &W->eid, &o[2]));
	for (i = 0; i < 16; i++) {
		if (i == 2)
			continue;
		assert_int_equal(W->n_sms, i < 2 ? i + 1 : i);	/* one outstanding */
		world_open(W->n_sms - 1, &sec);
		assert_int_equal(sec.tar & 0xff, i);
		world_sms(W->n_sms - 1, SMS_DELIVERED);
		world_por(&sec, 0, "AB0780010123029000");
		assert_int_equal(o[i].n_done, 1);
	}
	assert_int_equal(o[2].n_done, 0);
}

static void test_forget_sent(void **state)
{
	struct owner o = { 0 }, o2 = { 0 };
	struct card_cmd c = world_cmd(&o, GET_STATUS), c2 = world_cmd(&o2, GET_STATUS);
	struct scp80_sec sec;

	world_start(5);
	world_send(&o, &c, 10);
	world_send(&o2, &c2, 10);
	assert_false(card_session_forget(W->cs, &W->eid, &o));
	world_turn();
	assert_int_equal(W->n_sms, 1);		/* keeps its place */
	world_open(0, &sec);
	world_por(&sec, 0, "AB0780010123029000");
	assert_int_equal(o.n_done, 0);
	assert_int_equal(W->n_sms, 2);
}

/* The SMSC says that nobody took it: what is forgotten then is certainly not done */
static void test_forget_unreached(void **state)
{
	struct owner o = { 0 }, o2 = { 0 };
	struct card_cmd c = world_cmd(&o, GET_STATUS), c2 = world_cmd(&o2, GET_STATUS);

	world_start(5);
	world_send(&o, &c, 10);
	world_sms(0, SMS_UNREACHABLE);
	assert_true(card_session_forget(W->cs, &W->eid, &o));
	world_send(&o2, &c2, 10);
	world_sms(1, SMS_FAILED);		/* no proof either way */
	assert_false(card_session_forget(W->cs, &W->eid, &o2));
	assert_int_equal(o.n_done + o2.n_done, 0);
}

/* Sizes: 137 octets of one SMS, of which 112 are ciphered, 14 are header (ota-transport 2.3): 98 octets of AA. */
static void test_choice_by_size(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = world_cmd(&o, GET_STATUS);
	uint8_t script[600] = { 0x22, 0x81, 200 };

	world_start(1);
	script[0] = 0x22;
	script[1] = 94;
	c.script = script;
	c.script_len = 96;		/* AA 60 + 96 = 98 */
	world_send(&o, &c, 1);
	assert_int_equal(W->n_sms, 1);
	assert_true(W->sms[0].len <= 137);
	card_session_forget(W->cs, &W->eid, &o);
	world_spin(1100);
	W->https = false;
	W->bearer.sms_parts_limit = 1;
	script[1] = 95;
	c.script_len = 97;
	world_send(&o, &c, 1);
	assert_int_equal(o.n_done, 1);
	assert_int_equal(o.outcome, CARD_NOT_SENT);
	assert_int_equal(W->n_sms, 1);
}

/* The notification of a 2016 card as published with its key (ota-transport 1.9; card-side 3.11). */
#define NOTIF_PACKET "004D150200101200000100000000000045AAB54EB13D7749E1354C10" EID \
	"4D01024E0200004F10A0000005591010FFFFFFFF890000130014083A45990057918503"

static void use_2016_key(void)
{
	uint8_t k[16];

	world_hex(k, sizeof(k), "11223344556677889910111213141516");
	W->kid = key_new(W, KEY_TYPE_AES, k, 16);
}

static void test_notification_by_sms(void **state)
{
	char bad[] = NOTIF_PACKET;

	use_2016_key();
	world_start(5);
	rx(NOTIF_PACKET, false);
	assert_int_equal(W->n_notif, 1);
	assert_string_equal(W->notif_bearer, "SMS");
	assert_int_equal(W->notif[0], 0xE1);
	assert_int_equal(W->notif_len, 55);
	assert_int_equal(W->n_heard, 1);
	bad[sizeof(bad) - 2] = '4';
	rx(bad, false);
	rx("004D15", false);
	rx("", false);
	W->unknown = true;
	rx(NOTIF_PACKET, false);
	assert_int_equal(W->n_notif, 1);
	assert_int_equal(W->n_heard, 1);
	world_turn();
	assert_int_equal(card_sessions_count(W->cs), 0);
}

/* A packet that is correct but is no notification must not become one: an SCP80 command of our own comes back. */
static void test_other_command_packets_dropped(void **state)
{
	world_start(5);
	rx(EXAMPLE_PACKET, false);
	assert_int_equal(W->n_notif, 0);
}

/* SGP.02 3.15.1: the confirmation goes before all that waits, also before what could not leave yet. */
static void test_confirmation_first(void **state)
{
	struct owner o[3] = { 0 }, conf = { 0 };
	struct card_cmd c;
	struct scp80_sec sec;
	struct bytes *script;
	unsigned i;

	use_2016_key();
	world_start(5);
	for (i = 0; i < 3; i++) {
		c = world_cmd(&o[i], GET_STATUS);
		world_send(&o[i], &c, 10);
	}
	world_sms(0, SMS_UNREACHABLE);
	W->confirm = world_cmd(&conf, "220D80E28900073A08044E02000000");
	W->confirm_wanted = true;
	assert_int_equal(W->n_sms, 1);
	rx(NOTIF_PACKET, false);
	assert_int_equal(W->n_sms, 2);
	script = world_open(1, &sec);
	assert_hex(script->data, script->len, "AA0F220D80E28900073A08044E02000000");
	world_por(&sec, 0, "AB0780010123029000");
	assert_int_equal(conf.n_done, 1);
	assert_int_equal(o[0].n_done, 0);
	assert_int_equal(W->n_sms, 3);
	script = world_open(2, &sec);
	world_por(&sec, 0, "AB0780010123029000");
	assert_int_equal(o[0].n_done, 1);
	assert_int_equal(o[0].n_mark, 1);
	assert_int_equal(o[1].n_done, 0);
}

static void test_free_with_everything_open(void **state)
{
	struct owner o = { 0 }, o2 = { 0 };
	struct card_cmd c = world_cmd(&o, GET_STATUS), c2 = world_cmd(&o2, GET_STATUS);

	world_start(5);
	world_send(&o, &c, 10);
	world_send(&o2, &c2, 10);
	card_post(NULL, NULL, NULL);
	assert_int_equal(card_sessions_count(W->cs), 1);
	assert_non_null(strstr(card_session_describe(W->cs, W, &W->eid), "1 queued"));
}

int main(void)
{
#define T(x) cmocka_unit_test_setup_teardown(test_##x, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(worked_example), T(por_before_outcome), T(foreign_responses_dropped), T(statuses), T(no_response_packet),
		T(unreachable), T(link_down), T(stopped_by_owner), T(queue), T(forget_sent), T(forget_unreached),
		T(choice_by_size),
		T(notification_by_sms), T(other_command_packets_dropped), T(confirmation_first),
		T(free_with_everything_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
