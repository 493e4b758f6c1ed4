/* Card sessions by SMS, beyond SGP.02's defaults: keys of other kinds, security parameters, formats, counter modes; what
 * is learned of a card; scripts in pieces; response packets nobody waits for (ota-transport 1, 2.3, 4).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "session_help.h"
#include "session_http.h"
#include <string.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/scp80.h>
#include <osmocom/rsp/ota/script.h>
#include <osmocom/rsp/util/counters.h>

static int setup(void **state)
{
	world_setup(state);
	W->https = false;
	return 0;
}

static void use_keys(enum key_type type, size_t len)
{
	W->kic = key_random(W, type, len);
	W->kid = key_random(W, type, len);
}

/* n TLVs 86 of len octets each. */
static struct card_cmd tlvs_cmd(struct owner *o, unsigned n, size_t len)
{
	struct card_cmd c = world_cmd(o, "22");
	uint8_t *b = talloc_zero_size(W, n * len);
	unsigned i;

	for (i = 0; i < n; i++) {
		b[i * len] = 0x86;
		b[i * len + 1] = 0x81;
		b[i * len + 2] = len - 3;
	}
	c.script = b;
	c.script_len = n * len;
	return c;
}

/* --- security --------------------------------------------------------------------------------------------------- */

/* TS 102 225 5.1.2, 5.1.3: the key says which algorithm; the card's answer comes under the same. */
static void test_algorithms(void **state)
{
	static const struct { enum key_type type; size_t len; uint8_t nibble; } t[] = {
		{ KEY_TYPE_AES, 16, 0x12 }, { KEY_TYPE_AES, 24, 0x12 }, { KEY_TYPE_AES, 32, 0x12 },
		{ KEY_TYPE_DES, 16, 0x15 }, { KEY_TYPE_DES, 24, 0x19 },
	};
	struct owner o = { 0 };
	struct card_cmd c;
	struct scp80_sec sec;
	unsigned i;

	world_start(5);
	c = world_cmd(&o, GET_STATUS);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		use_keys(t[i].type, t[i].len);
		world_send(&o, &c, 10);
		world_open(i, &sec);
		assert_int_equal(sec.kic_octet, t[i].nibble);
		assert_int_equal(sec.kid_octet, t[i].nibble);
		world_por(&sec, 0, "AB0780010123029000");
		assert_int_equal(o.n_done, i + 1);
		assert_int_equal(o.outcome, CARD_OK);
	}
}

/* SPI1: check, ciphering, counter; SPI2: how the response is protected and carried. */
static void test_spi(void **state)
{
	static const struct { uint8_t spi1, spi2; } t[] = {
		{ 0x16, 0x19 }, { 0x16, 0x29 }, { 0x16, 0x09 }, { 0x12, 0x39 }, { 0x0E, 0x39 }, { 0x15, 0x35 },
		{ 0x11, 0x25 }, { 0x16, 0x21 },
	};
	struct owner o = { 0 };
	struct card_cmd c;
	struct scp80_sec sec;
	struct bytes *script;
	unsigned i;

	world_start(5);
	c = world_cmd(&o, GET_STATUS);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		W->spi1 = t[i].spi1;
		W->spi2 = t[i].spi2;
		world_send(&o, &c, 10);
		script = world_open(i, &sec);
		assert_int_equal(sec.spi1, t[i].spi1);
		assert_int_equal(sec.spi2, t[i].spi2);
		assert_int_equal(sec.kid_octet, (t[i].spi1 & 3) == 1 ? 0x15 : 0x12);	/* CRC32 or AES-CMAC */
		assert_hex(script->data, script->len, "AA0A" GET_STATUS);
		sec.cntr--;
		world_por(&sec, 0, "AB0780010123029000");	/* of the one before, however it is protected */
		assert_int_equal(o.n_done, i);
		sec.cntr++;
		world_por(&sec, 0, "AB0780010123029000");
		assert_int_equal(o.n_done, i + 1);
		assert_int_equal(o.outcome, CARD_OK);
	}
}

/* Mode 11 wants the card's counter plus one. When it says low or high, one packet in mode 10 brings them together. */
static void test_counter_exact(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c;
	struct scp80_sec sec;
	uint64_t before;

	W->spi1 = 0x1E;
	W->spi2 = 0x39;
	W->counter_step = 1000;
	world_start(5);
	c = world_cmd(&o, GET_STATUS);
	world_send(&o, &c, 10);
	world_open(0, &sec);
	assert_int_equal(sec.spi1, 0x1E);
	assert_int_equal(sec.cntr, 1);
	before = sec.cntr;
	world_por(&sec, SCP80_ST_CNTR_LOW, "");
	assert_int_equal(o.n_done, 0);
	world_open(1, &sec);
	assert_int_equal(sec.spi1, 0x16);
	assert_int_equal(sec.cntr, before + 1000);
	world_por(&sec, 0, "AB0780010123029000");
	assert_int_equal(o.outcome, CARD_OK);
	world_send(&o, &c, 10);
	world_open(2, &sec);
	assert_int_equal(sec.spi1, 0x1E);
	assert_int_equal(sec.cntr, before + 1001);
	world_por(&sec, SCP80_ST_CNTR_HIGH, "");
	world_open(3, &sec);
	world_por(&sec, SCP80_ST_CNTR_LOW, "");	/* also there: it is not the mode */
	assert_int_equal(o.n_done, 2);
	assert_int_equal(o.outcome, CARD_REJECTED);
}

/* TS 102 226 5.1: commands one behind the other, the answer is number, status word and data of the last. */
static void test_compact(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c;
	struct scp80_sec sec;
	struct bytes *script;

	W->compact = true;
	world_start(5);
	c = world_cmd(&o, "220C80E28900073A08044E020000" GET_STATUS);
	world_send(&o, &c, 10);
	script = world_open(0, &sec);
	assert_hex(script->data, script->len, "80E28900073A08044E020000" "80F24002024F0000");
	world_por(&sec, 0, "029000E3034F01AA");
	assert_int_equal(o.outcome, CARD_OK);
	assert_hex(o.resp, o.resp_len, "2307E3034F01AA9000");
	c = world_cmd(&o, "860101");		/* no C-APDU: cannot be said so */
	world_send(&o, &c, 10);
	assert_int_equal(o.n_done, 2);
	assert_int_equal(o.outcome, CARD_NOT_SENT);
	assert_int_equal(W->n_sms, 1);
}

/* --- what is learned --------------------------------------------------------------------------------------------- */

/* A card that takes 130 octets of one message: the same packet again in shorter ones, and from then on at once. */
static void test_short_messages(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c;
	struct scp80_sec sec;

	osmo_tdef_set(card_session_tdefs, CARD_T_POR, 200, OSMO_TDEF_MS);
	world_start(5);
	c = tlvs_cmd(&o, 1, 200);
	world_send(&o, &c, 10);
	assert_int_equal(W->sms[0].ud_max, 140);
	world_sms(0, SMS_DELIVERED);
	world_wait(&W->n_sms, 2);
	assert_int_equal(o.n_done, 0);
	assert_int_equal(W->sms[1].ud_max, 130);
	assert_int_equal(W->sms[1].len, W->sms[0].len);
	assert_memory_equal(W->sms[1].packet, W->sms[0].packet, W->sms[0].len);	/* the card runs it once at most */
	world_sms(1, SMS_DELIVERED);
	world_open(1, &sec);
	world_por(&sec, 0, "AB058001018600");
	assert_int_equal(o.outcome, CARD_OK);
	assert_int_equal(W->learned.sms_ud, 130);
	world_send(&o, &c, 10);
	assert_int_equal(W->sms[2].ud_max, 130);
}

/* One that had taken the first copy says so (counter low), and long messages are no reason any more. */
static void test_long_messages_work(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c;
	struct scp80_sec sec;
	unsigned long long replayed = counter_get(CTR_SCP80_REPLAYED);

	osmo_tdef_set(card_session_tdefs, CARD_T_POR, 200, OSMO_TDEF_MS);
	world_start(5);
	c = tlvs_cmd(&o, 1, 200);
	world_send(&o, &c, 10);
	world_sms(0, SMS_DELIVERED);
	world_wait(&W->n_sms, 2);
	world_open(1, &sec);
	world_por(&sec, SCP80_ST_CNTR_LOW, "");
	assert_int_equal(o.outcome, CARD_NO_ANSWER);	/* it ran, and nobody knows how it went */
	assert_int_equal(counter_get(CTR_SCP80_REPLAYED) - replayed, 1);
	assert_int_equal(W->learned.sms_ud, 140);
	world_send(&o, &c, 10);
	world_sms(2, SMS_DELIVERED);
	world_wait(&o.n_done, 2);
	assert_int_equal(o.outcome, CARD_NO_ANSWER);
	assert_int_equal(W->n_sms, 3);			/* not once more */
}

/* Status 07 (ota-transport 1.7): the packet was refused for its size; smaller ones then. */
static void test_memory(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c;
	struct scp80_sec sec;
	size_t first;
	unsigned i;

	world_start(5);
	c = tlvs_cmd(&o, 4, 120);
	world_send(&o, &c, 10);
	world_open(0, &sec);
	first = W->sms[0].len;
	world_por(&sec, SCP80_ST_MEMORY, "");
	assert_int_equal(o.n_done, 0);
	assert_int_equal(W->learned.scp80_limit, first - 1);
	for (i = 1; !o.n_done; i++) {
		assert_int_equal(W->n_sms, i + 1);
		assert_true(W->sms[i].len < first);
		world_open(i, &sec);
		world_por(&sec, 0, "AB058001018600");
	}
	assert_int_equal(o.outcome, CARD_OK);
	assert_hex(o.resp, o.resp_len, "86008600");
}

/* The same of a packet sent twice: what became of the first copy is not known, and the limit is learned all the same. */
static void test_memory_repeated(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c;
	struct scp80_sec sec;

	osmo_tdef_set(card_session_tdefs, CARD_T_POR, 200, OSMO_TDEF_MS);
	world_start(5);
	c = tlvs_cmd(&o, 4, 120);
	world_send(&o, &c, 10);
	world_sms(0, SMS_DELIVERED);
	world_wait(&W->n_sms, 2);
	world_open(1, &sec);
	world_por(&sec, SCP80_ST_MEMORY, "");
	assert_int_equal(o.outcome, CARD_NO_ANSWER);
	assert_int_equal(W->n_sms, 2);
	assert_int_equal(W->learned.scp80_limit, W->sms[0].len - 1);
}

/* SMS only: as many TLVs as fit the usual messages (three: 400 octets of packet), and what is longer in more of
 * them; chained (Annex K). */
static void test_pieces_by_sms(void **state)
{
	static const struct { size_t tlvs; const char *chain; } want[] = {
		{ 3 * 120, "830101" }, { 900, "830102" }, { 120, "830103" },
	};
	struct owner o = { 0 };
	struct bytes *script, *all = bytes_new(W, 0);
	struct card_cmd c = tlvs_cmd(&o, 3, 120);
	struct scp80_sec sec;
	unsigned i;

	bytes_put(all, c.script, 3 * 120);
	bytes_put_u8(all, 0x86);
	bytes_put_u8(all, 0x82);
	bytes_put_u16(all, 900 - 4);
	bytes_fill(all, 0, 900 - 4);
	bytes_put(all, c.script, 120);
	c.script = all->data;
	c.script_len = all->len;
	c.chained = c.first_in_chain = true;
	W->bearer.sms_parts_limit = 8;
	world_start(3);
	world_send(&o, &c, 10);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(o.n_done, 0);
		assert_int_equal(W->n_sms, i + 1);
		script = world_open(i, &sec);
		assert_int_equal(script->len, want[i].tlvs + 3 + (want[i].tlvs > 250 ? 4 : want[i].tlvs > 124 ? 3 : 2));
		assert_hex(script->data + script->len - want[i].tlvs - 3, 3, want[i].chain);
		world_por(&sec, 0, "AB058001018600");
	}
	assert_int_equal(o.n_done, 1);
	assert_int_equal(o.outcome, CARD_OK);
	assert_hex(o.resp, o.resp_len, "860086008600");
}

/* --- response packets nobody waits for ---------------------------------------------------------------------------- */

static void test_late_and_twice(void **state)
{
	struct owner o = { 0 }, o2 = { 0 };
	struct card_cmd c, c2;
	struct scp80_sec sec, sec2;
	unsigned long long late = counter_get(CTR_SCP80_LATE), dropped = counter_get(CTR_SMS_DROPPED);

	osmo_tdef_set(card_session_tdefs, CARD_T_POR, 200, OSMO_TDEF_MS);
	world_start(5);
	c = world_cmd(&o, GET_STATUS);
	c2 = world_cmd(&o2, GET_STATUS);
	world_send(&o, &c, 10);
	world_open(0, &sec);
	world_por(&sec, 0, "AB0780010123029000");
	assert_int_equal(o.n_done, 1);
	world_por(&sec, 0, "AB0780010123029000");	/* twice, and the card has no session any more */
	assert_int_equal(counter_get(CTR_SCP80_LATE) - late, 1);
	world_send(&o2, &c2, 10);
	world_por(&sec, 0, "AB0780010123029000");	/* and while another waits */
	assert_int_equal(counter_get(CTR_SCP80_LATE) - late, 2);
	assert_int_equal(o2.n_done, 0);
	world_open(1, &sec2);
	world_sms(1, SMS_DELIVERED);
	world_wait(&o2.n_done, 1);
	assert_int_equal(o2.outcome, CARD_NO_ANSWER);
	world_por(&sec2, 0, "AB0780010123029000");	/* late: the verdict stands */
	assert_int_equal(counter_get(CTR_SCP80_LATE) - late, 3);
	assert_int_equal(o.n_done, 1);
	assert_int_equal(o2.n_done, 1);
	assert_int_equal(counter_get(CTR_SMS_DROPPED) - dropped, 0);
	use_keys(KEY_TYPE_AES, 16);
	world_por(&sec2, 0, "AB0780010123029000");	/* of nobody */
	assert_int_equal(counter_get(CTR_SMS_DROPPED) - dropped, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_algorithms), TEST(test_spi), TEST(test_counter_exact), TEST(test_compact),
		TEST(test_short_messages), TEST(test_long_messages_work), TEST(test_memory), TEST(test_memory_repeated),
		TEST(test_pieces_by_sms),
		TEST(test_late_and_twice),
	};
	void *ctx = talloc_named_const(NULL, 0, "counters");
	int rc;

	counters_init(ctx);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	talloc_free(ctx);
	return rc;
}
