/* Profile change on the card: enabling, policy, roll-back, fall-back, notification (SGP.02 3.2 to 3.4, 3.15;
 * card-side digest 3.11, 9). SPDX-License-Identifier: AGPL-3.0-or-later */
#include "card_help.h"

/* --- profile change --- */

/* digest 3.11: third-party notification, byte by byte (dialect of 2016: AID tag 4F) */
static const char notif_311[] =
	"027000" "004D15020010120000010000000000" "00" "45AAB54EB13D7749"
	"E1354C10890010120123412340123456789012244D01024E0200004F10" AID_1300 "14083A45990057918503";

static void test_enable(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	const uint8_t *ud;
	size_t len;

	r->env->cfg.dialect = CARD_DIALECT_WHTY_2016;
	r->card->declared = true;
	rig_power(r);
	card_help_profile(r);
	card_help_enable(r);
	assert_int_equal(r->n_sms, 0);
	rig_location(r, 2);
	assert_int_equal(r->n_sms, 0);
	rig_location(r, 0);
	assert_int_equal(r->n_sms, 1);
	assert_string_equal(r->sms_to[0], "1001");
	ud = rig_last_ud(r, &len);
	eq(bytes_hex(r->ctx, ud, len), notif_311);
	assert_int_equal(r->timer[CARD_TIMER_SWITCH], r->env->cfg.confirm_s);
	assert_int_equal(r->timer[CARD_TIMER_NOTIF], r->env->cfg.repeat_s);

	/* not confirmed in time: the same again */
	rig_clear(r);
	rig_timer(r, CARD_TIMER_NOTIF);
	assert_int_equal(r->n_sms, 1);
	ud = rig_last_ud(r, &len);
	eq(bytes_hex(r->ctx, ud, len), notif_311);

	/* a wrong number confirms nothing; a second change has to wait */
	eq(rig_isd_r(r, "80E28900073A08044E02000100"), "6A88");
	eq(rig_isd_r(r, "80E28800153A03124F10A0000005591010FFFFFFFF8900001000"), "6985");
	eq(rig_isd_r(r, "80E28900073A08044E02000000"), "9000");
	assert_int_equal(r->timer[CARD_TIMER_SWITCH], 0);
	assert_int_equal(r->timer[CARD_TIMER_NOTIF], 0);
	eq(rig_isd_r(r, GET_STATUS), E3("3F"));
	/* and back by disabling it: the fall-back profile comes */
	eq(rig_isd_r(r, "80E28800153A04124F10" AID_1300), "9000");
	assert_true(r->refresh);
	rig_power(r);
	assert_int_equal(card_help_isdp(r)->state, ES5_STATE_DISABLED);
	rig_location(r, 0);
	eq(rig_isd_r(r, "80E28900073A08044E02000100"), "9000");
	rig_free(r);
}

static void test_pol1(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	struct isd_p *p, *boot;

	r->card->declared = true;
	rig_power(r);
	p = card_help_profile(r);
	boot = card_isdp_enabled(r->card);
	boot->pol1 = POL1_NO_DISABLE;
	eq(rig_isd_r(r, ENABLE), "69E1");
	boot->pol1 = 0;
	card_help_enable(r);
	rig_location(r, 0);
	eq(rig_isd_r(r, "80E28900073A08044E02000000"), "9000");
	/* delete when disabled: only after the confirmation, and told (digest 3.12) */
	p->pol1 = POL1_AUTO_DELETE;
	eq(rig_isd_r(r, "80E28800153A04124F10" AID_1300), "9000");
	rig_power(r);
	assert_non_null(card_help_isdp(r));
	rig_location(r, 0);
	eq(rig_isd_r(r, "80E28900073A08044E02000100"), "80124F10" AID_1300 "9000");
	assert_null(card_help_isdp(r));
	rig_free(r);
}

static void notif_is(struct rig *r, uint8_t type, uint16_t seq, const char *aid)
{
	struct notif n;
	struct aid want;
	size_t len;
	const uint8_t *ud = rig_last_ud(r, &len);

	assert_true(len > 27);
	assert_int_equal(notif_dec(&n, ud + 3 + 24, len - 27), 0);
	assert_int_equal(n.type, type);
	assert_int_equal(n.seq, seq);
	aid_from_hex(&want, aid);
	assert_true(aid_eq(&n.aid, &want));
}

#define AID_BOOT "A0000005591010FFFFFFFF8900001000"

static void test_roll_back(void **state)
{
	struct rig *r = rig_new(NULL, NULL);

	r->card->declared = true;
	rig_power(r);
	card_help_profile(r);
	/* the network does not take the new profile */
	card_help_enable(r);
	rig_location(r, 2);
	rig_timer(r, CARD_TIMER_SWITCH);
	assert_true(r->refresh);
	rig_power(r);
	assert_int_equal(card_help_isdp(r)->state, ES5_STATE_DISABLED);
	rig_location(r, 0);
	notif_is(r, NOTIF_ROLLED_BACK, 0, AID_BOOT);
	eq(rig_isd_r(r, "80E28900073A08044E02000000"), "9000");

	/* it takes it, but no confirmation comes */
	card_help_enable(r);
	rig_location(r, 0);
	notif_is(r, NOTIF_CHANGED, 1, AID_1300);
	rig_timer(r, CARD_TIMER_SWITCH);
	assert_true(r->refresh);
	rig_power(r);
	rig_location(r, 0);
	notif_is(r, NOTIF_ROLLED_BACK, 2, AID_BOOT);
	/* a confirmation of the change comes too late */
	eq(rig_isd_r(r, "80E28900073A08044E02000100"), "6A88");
	/* the roll-back itself is not undone */
	rig_timer(r, CARD_TIMER_SWITCH);
	assert_false(r->refresh);
	eq(rig_isd_r(r, GET_STATUS), E3("1F"));
	rig_free(r);
}

static void test_notification_refused(void **state)
{
	struct rig *r = rig_new(NULL, NULL);
	unsigned i;

	r->card->declared = true;
	rig_power(r);
	card_help_profile(r);
	card_help_enable(r);
	r->sms_result = BIP_RES_SMS_RP_ERROR;
	rig_location(r, 0);
	assert_int_equal(r->n_sms, 2);		/* each message twice (OTA digest 2.6) */
	for (i = 0; i < r->env->cfg.repeats; i++) {
		rig_clear(r);
		rig_timer(r, CARD_TIMER_NOTIF);
		assert_int_equal(r->n_sms, 2);
	}
	rig_timer(r, CARD_TIMER_NOTIF);
	assert_true(r->refresh);
	rig_power(r);
	assert_int_equal(card_help_isdp(r)->state, ES5_STATE_DISABLED);
	rig_free(r);
}

static void test_first_attach(void **state)
{
	struct rig *r = rig_new(NULL, NULL);

	rig_power(r);
	rig_location(r, 0);
	notif_is(r, NOTIF_FIRST_ATTACH, 0, AID_BOOT);
	/* owed until confirmed, over a restart too */
	rig_restart(r);
	rig_power(r);
	rig_location(r, 0);
	notif_is(r, NOTIF_FIRST_ATTACH, 0, AID_BOOT);
	eq(rig_isd_r(r, "80E28900073A08044E02000000"), "9000");
	rig_restart(r);
	rig_power(r);
	rig_location(r, 0);
	assert_int_equal(r->n_sms, 0);
	rig_free(r);
}

static void test_restart_in_change(void **state)
{
	struct rig *r = rig_new(NULL, NULL);

	r->card->declared = true;
	card_db_save(r->card);
	rig_power(r);
	card_help_profile(r);
	/* killed between the answer and the reset: the change is done when power comes back */
	eq(rig_isd_r(r, ENABLE), "9000");
	rig_restart(r);
	rig_power(r);
	assert_int_equal(card_help_isdp(r)->state, ES5_STATE_ENABLED);
	/* killed while waiting for the network */
	rig_restart(r);
	rig_power(r);
	rig_location(r, 0);
	notif_is(r, NOTIF_CHANGED, 0, AID_1300);
	/* killed while waiting for the confirmation: the same notification again */
	rig_restart(r);
	rig_power(r);
	assert_int_equal(r->timer[CARD_TIMER_SWITCH], r->env->cfg.confirm_s);
	rig_location(r, 0);
	notif_is(r, NOTIF_CHANGED, 0, AID_1300);
	eq(rig_isd_r(r, "80E28900073A08044E02000000"), "9000");
	rig_restart(r);
	assert_int_equal(r->card->sw.stage, SW_STAGE_NONE);
	assert_int_equal(card_help_isdp(r)->state, ES5_STATE_ENABLED);
	rig_free(r);
}

static void test_fall_back(void **state)
{
	struct rig *r = rig_new(NULL, NULL);

	r->env->cfg.fallback_s = 300;
	r->card->declared = true;
	rig_power(r);
	card_help_profile(r);
	card_help_enable(r);
	rig_location(r, 0);
	eq(rig_isd_r(r, "80E28900073A08044E02000000"), "9000");
	rig_location(r, 2);
	rig_timer(r, CARD_TIMER_FALLBACK);
	assert_true(r->refresh);
	rig_power(r);
	rig_location(r, 0);
	notif_is(r, NOTIF_FALLBACK, 1, AID_BOOT);
	rig_free(r);
}

#define EMERGENCY "80E28800153A09124F10"
#define FALLBACK "80E28800153A05124F10"

/* One holder each, never the same, over a restart (digest 3.7, 3.8). */
static void test_attributes(void **state)
{
	struct rig *r = rig_new(NULL, NULL);

	rig_power(r);
	card_help_profile(r);
	eq(rig_isd_r(r, EMERGENCY AID_BOOT), "6985");
	eq(rig_isd_r(r, EMERGENCY "A0000005591010FFFFFFFF8900001900"), "6A88");
	eq(rig_isd_r(r, EMERGENCY AID_1300), "9000");
	eq(rig_isd_r(r, FALLBACK AID_1300), "6985");
	rig_restart(r);
	rig_power(r);
	assert_true(card_help_isdp(r)->emergency);
	assert_false(card_help_isdp(r)->fallback);
	assert_true(card_isdp_enabled(r->card)->fallback);
	card_help_isdp(r)->emergency = false;
	eq(rig_isd_r(r, FALLBACK AID_1300), "9000");
	assert_false(card_isdp_enabled(r->card)->fallback);
	eq(rig_isd_r(r, EMERGENCY AID_1300), "6985");
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enable), cmocka_unit_test(test_pol1), cmocka_unit_test(test_roll_back),
		cmocka_unit_test(test_notification_refused), cmocka_unit_test(test_first_attach),
		cmocka_unit_test(test_restart_in_change), cmocka_unit_test(test_fall_back),
		cmocka_unit_test(test_attributes),
	};

	return card_help_main("card_switch_test", tests, ARRAY_SIZE(tests));
}
