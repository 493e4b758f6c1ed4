/* The terminal with a fake card of a few lines and the simulated network; AKA between libosmogsm and the card's own
 * Milenage. Octets the card must see are those of bip.json and ota-transport 6 (TS 102 223).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "terminal_rig.h"

/* --- registration --- */

static void boot(void **state)
{
	char *s;

	terminal_rig_power_on();
	assert_string_equal(terminal_imsi(term), IMSI);
	assert_int_equal(card->resets, 1);
	assert_int_equal(card->profiles, 1);
	assert_int_equal(card->auths, 1);
	assert_true(network_attached(net, IMSI));
	terminal_rig_is(card->resp[0], "801400000C810301050082028281830100");
	terminal_rig_is(card->env[0], "80C2000017D615190103820282811B0100130962F224000100000001");	/* bip.json */
	s = terminal_describe(term, root);
	assert_non_null(strstr(s, MSISDN));
	s = network_describe(net, root);
	assert_non_null(strstr(s, "1 attached"));
	terminal_power_off(term);
	assert_false(network_attached(net, IMSI));
}

static void wrong_key(void **state)
{
	card->aud.u.umts.k[0]++;
	terminal_rig_queue(card, EVENTS);
	terminal_power_on(term);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 1));
	assert_false(terminal_attached(term));
	assert_int_equal(card->auths, 1);
	terminal_rig_is(card->env[0], "80C200000CD60A190103820282811B0102");
}

static void no_profile(void **state)
{
	card->imsi_ef = "";
	terminal_rig_queue(card, EVENTS);
	terminal_power_on(term);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 1));
	terminal_rig_is(card->env[0], "80C200000CD60A190103820282811B0102");
	assert_string_equal(terminal_imsi(term), "");
}

static void cellar(void **state)
{
	terminal_rig_power_on();
	terminal_set_service(term, false);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 2));
	terminal_rig_is(card->env[1], "80C200000CD60A190103820282811B0102");
	assert_false(network_attached(net, IMSI));
	terminal_rig_is(terminal_rig_do("D009810301260082028182"), "801400000C810301260082028281830120");
	terminal_set_service(term, true);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 3));
	assert_true(terminal_attached(term));
}

/* SGP.02's profile switch: UICC reset, another IMSI, the old registration is gone */
static void refresh(void **state)
{
	terminal_rig_power_on();
	card->imsi_ef_after_reset = "082926240000000020";
	terminal_rig_do("D009810301010482028182");
	assert_true(LOOP_UNTIL(NULL, 2000, card->resets == 2 && terminal_attached(term)));
	assert_string_equal(terminal_imsi(term), IMSI2);
	assert_false(network_attached(net, IMSI));
	assert_true(network_attached(net, IMSI2));
	assert_int_equal(card->profiles, 2);
	LOOP_FOR(NULL, 30);
	assert_int_equal(card->n_env, 1);	/* the event list went with the reset */
	terminal_rig_do("D009810301010382028182");	/* NAA initialisation: registers anew, no reset */
	assert_true(LOOP_UNTIL(NULL, 2000, card->profiles == 3 && terminal_attached(term)));
	assert_int_equal(card->resets, 2);
}

/* --- messages --- */

static void mt(void **state)
{
	static const uint8_t ud[] = { 2, 0x70, 0, 0xAA, 0xBB };
	struct tpdu_deliver d;
	struct bip_env e;

	terminal_rig_power_on();
	assert_int_equal(network_inject_mt(net, MSISDN, "1001", true, ud, sizeof(ud)), 0);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 2));
	assert_int_equal(bip_env_dec(&e, card->env[1]->data + 5, card->env[1]->len - 5), 0);
	assert_int_equal(e.tag, BIP_ENV_SMS_PP);
	assert_int_equal(e.src, 0x83);
	assert_int_equal(tpdu_deliver_dec(&d, e.tpdu.v, e.tpdu.len), 0);
	assert_int_equal(d.ud_len, sizeof(ud));
	assert_memory_equal(d.ud, ud, sizeof(ud));
	card->env_sw = 0x6F00;		/* the card fails: stored, tried again later */
	assert_int_equal(network_inject_mt(net, MSISDN, "1001", true, ud, sizeof(ud)), 0);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 3));
	card->env_sw = 0x9000;
	assert_true(LOOP_UNTIL(NULL, 4000, card->n_env == 4));
	LOOP_FOR(NULL, 20);
	assert_int_equal(card->n_env, 4);
}

/* sms.json's SEND SHORT MESSAGE; no ESME is there: RP cause 38 */
static void mo(void **state)
{
	terminal_rig_power_on();
	terminal_rig_is(terminal_rig_do("D0418103011300820281838B3641000C914477000900007FF629027100002412000001EF199DC12FB02C40F83C991B1F72E2"
			   "C1983C7768AD4FCF5B8CB60062F12D02A9"), "801400000D81030113008202828183023526");
	terminal_rig_is(terminal_rig_do("D00D8103011300820281838B024100"), "801400000C810301130082028281830132");
	terminal_rig_is(terminal_rig_do("D009810301130082028183"), "801400000C810301130082028281830136");
	terminal_rig_is(terminal_rig_do("D009810301990082028182"), "801400000C810301990082028281830131");
	terminal_rig_is(terminal_rig_do("D00C8103014200820281213702FF"), "801400000C810301420082028281830132");
}

/* Twice, late, overtaken: by the terminal's own faults (issue 3 item 8). */
static void mt_faults(void **state)
{
	static const uint8_t one[] = { 2, 0x70, 0, 1 }, two[] = { 2, 0x70, 0, 2 };
	struct faults *f = faults_new(root, network_faults(net));
	const struct bytes *e;

	terminal_set_faults(term, f);
	terminal_rig_power_on();
	fault_set(f, FAULT_SMS_DUPLICATE, 100);
	assert_int_equal(network_inject_mt(net, MSISDN, "1001", true, one, sizeof(one)), 0);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 3));
	LOOP_FOR(NULL, 30);
	assert_int_equal(card->n_env, 3);
	fault_set(f, FAULT_SMS_DUPLICATE, 0);
	fault_set(f, FAULT_SMS_REORDER, 100);
	assert_int_equal(network_inject_mt(net, MSISDN, "1001", true, one, sizeof(one)), 0);
	LOOP_FOR(NULL, 50);
	assert_int_equal(card->n_env, 3);
	fault_set(f, FAULT_SMS_REORDER, 0);
	assert_int_equal(network_inject_mt(net, MSISDN, "1001", true, two, sizeof(two)), 0);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 5));
	e = card->env[3];
	assert_int_equal(e->data[e->len - 1], 2);
	e = card->env[4];
	assert_int_equal(e->data[e->len - 1], 1);
	fault_set(network_faults(net), FAULT_SMS_DELAY, 300);	/* of all, and of this one */
	assert_int_equal(network_inject_mt(net, MSISDN, "1001", true, one, sizeof(one)), 0);
	LOOP_FOR(NULL, 150);
	assert_int_equal(card->n_env, 5);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 6));
	assert_int_equal(fault_count(f, FAULT_SMS_DUPLICATE), 1);
	assert_int_equal(fault_count(network_faults(net), FAULT_SMS_REORDER), 1);
}

/* --- the rest of the toolkit --- */

static void small_commands(void **state)
{
	terminal_rig_power_on();
	terminal_rig_is(terminal_rig_do("D009810301260182028182"), "801400001681030126018202828183010014083A51020000000010");
	terminal_rig_is(terminal_rig_do("D009810301260082028182"), "8014000017810301260082028281830100130962F224000100000001");
	terminal_rig_is(terminal_rig_do("D009810301020082028182"), "801400000C810301020082028281830100");
	terminal_rig_is(terminal_rig_do("D00D8103010300820281828402001E"), "80140000108103010300820282818301008402001E");
	terminal_rig_is(terminal_rig_do("D0118103012700820281822401012503003000"), "80140000148103012700820282818301002401012503003000");
	terminal_rig_is(terminal_rig_do("D00C810301270182028182240101"), "80140000148103012701820282818301002401012503003000");
	terminal_rig_is(terminal_rig_do("D00C810301270182028182240101"), "801400000F810301270182028281830124240101");
	terminal_rig_do("D0118103012700820281822401022503000010");
	assert_true(LOOP_UNTIL(NULL, 3000, card->n_env == 2));
	terminal_rig_is(card->env[1], "80C200000ED70C820282812401022503000010");
}

static void poll(void **state)
{
	unsigned n;

	terminal_rig_power_on();
	n = card->statuses;
	LOOP_FOR(NULL, 1200);
	assert_int_equal(card->statuses, n);
	card->poll_s = 1;
	terminal_poke(term);
	assert_true(LOOP_UNTIL(NULL, 1500, card->statuses == n + 2));
	card->poll_s = 0;
	assert_true(LOOP_UNTIL(NULL, 1500, card->statuses == n + 3));
	LOOP_FOR(NULL, 1200);
	assert_int_equal(card->statuses, n + 3);
}

/* Many terminals in one process: no descriptor each, attached in a moment. */
static void many(void **state)
{
	enum { N = 500 };
	struct terminal *t[N];
	static struct card cards[N];
	unsigned up = 0;
	int fd0 = dup(0), fd1;

	close(fd0);
	for (int i = 0; i < N; i++) {
		char imsi[24], msisdn[24], *ef = talloc_size(root, 19);

		snprintf(imsi, sizeof(imsi), "26242001%07d", i);
		snprintf(msisdn, sizeof(msisdn), "4917%07d", i);
		snprintf(ef, 19, "0829%c%c%c%c%c%c%c%c%c%c%c%c%c%c", imsi[2], imsi[1], imsi[4], imsi[3], imsi[6], imsi[5],
			 imsi[8], imsi[7], imsi[10], imsi[9], imsi[12], imsi[11], imsi[14], imsi[13]);
		assert_int_equal(network_subscriber_add(net, imsi, msisdn, NULL, NULL), 0);
		cards[i] = (struct card){ .imsi_ef = ef, .env_sw = 0x9000 };
		t[i] = terminal_new(root, net, &cards[i], IMEI);
		terminal_power_on(t[i]);
	}
	assert_true(LOOP_UNTIL(NULL, 5000, ({ up = 0; for (int i = 0; i < N; i++) up += terminal_attached(t[i]); up == N; })));
	fd1 = dup(0);
	assert_int_equal(fd0, fd1);
	close(fd1);
	for (int i = 0; i < N; i++)
		talloc_free(t[i]);
	assert_non_null(strstr(network_describe(net, root), " 0 attached"));
}

/* --- AKA: libosmogsm against the card's own Milenage, with synchronisation --- */

static struct usim_aka *aka;
static int aka_ok = -1;
static unsigned aka_runs;

static int aka_auth(void *priv, const uint8_t rand[16], const uint8_t autn[16], uint8_t res[16], size_t *res_len,
		    uint8_t auts[14])
{
	struct usim_auth_out out;

	aka_runs++;
	switch (usim_auth(aka, rand, autn, &out)) {
	case USIM_AUTH_OK:
		memcpy(res, out.res, out.res_len);
		*res_len = out.res_len;
		return 0;
	case USIM_AUTH_SYNC:
		memcpy(auts, out.auts, 14);
		return 1;
	default:
		return -EACCES;
	}
}

static void aka_attached(void *priv, bool ok, uint8_t cause)
{
	aka_ok = ok;
}

static const struct network_ue_ops aka_ops = { .auth = aka_auth, .attached = aka_attached };

static bool aka_attach(void)
{
	struct network_ue *ue;

	aka_ok = -1;
	ue = network_attach(net, IMSI, &aka_ops, NULL);
	assert_true(LOOP_UNTIL(NULL, 2000, aka_ok >= 0));
	if (aka_ok)
		network_detach(ue);
	return aka_ok;
}

static void aka_real(void **state)
{
	static const uint8_t r[5] = { 64, 0, 32, 64, 96 };	/* TS 35.206 4.1 */

	aka = talloc_zero(root, struct usim_aka);
	aka->algo = USIM_ALGO_MILENAGE;
	aka->options = 0x01;
	aka->k = key_new(aka, KEY_TYPE_AES, terminal_rig_k, 16);
	memcpy(aka->opc, terminal_rig_opc, 16);
	memcpy(aka->r, r, 5);
	for (int i = 1; i < 5; i++)
		aka->c[i][15] = 1 << (i - 1);
	aka_runs = 0;
	for (int i = 0; i < 40; i++)
		assert_true(aka_attach());
	assert_int_equal(aka_runs, 40);
	for (int i = 0; i < 32; i++)
		aka->sqn[i] = 100000;	/* the card is ahead of this network: AUTS, then it fits */
	assert_true(aka_attach());
	assert_int_equal(aka_runs, 42);
	assert_true(aka_attach());
	assert_int_equal(aka_runs, 43);
	aka->opc[0]++;
	assert_false(aka_attach());
	talloc_free(aka);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(boot), T(wrong_key), T(no_profile), T(cellar), T(refresh), T(mt), T(mo), T(mt_faults), T(small_commands),
		T(poll), T(many), T(aka_real),
	};

	return terminal_rig_main("terminal_test", tests, ARRAY_SIZE(tests));
}
