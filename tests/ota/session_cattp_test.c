/* Card sessions by CAT_TP: push, identification, packets over the link, scripts in pieces.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#define _GNU_SOURCE	/* memmem */
#include "session_peer.h"
#include <string.h>
#include <talloc.h>

/* --- it works -------------------------------------------------------------------------------------------------- */

static void test_command(void **state)
{
	struct owner o = { 0 }, o2 = { 0 };
	struct scp80_sec sec;
	struct bytes *script;
	struct peer *p = connected(&o, &sec, &script);
	struct card_cmd c2 = long_cmd(&o2, LONG_LEN);

	assert_string_equal(o.bearer, "CAT_TP");
	assert_int_equal(o.n_mark, 1);
	assert_hex(script->data, 8, "AA82012C86820128");
	assert_int_equal(sec.cntr, 2);		/* the push had 1 */
	assert_int_equal(card_session_send(W->cs, &W->eid, &c2, 10), 0);
	sdu_answer(p, &sec, 0, "AB058001018600");
	world_wait(&o.n_done, 1);
	assert_int_equal(o.outcome, CARD_OK);
	assert_hex(o.resp, o.resp_len, "8600");
	world_wait(&p->n_sdu, 2);		/* the same link, no new push */
	assert_int_equal(W->n_sms, 1);
	sdu_open(p, &sec, &script);
	assert_int_equal(sec.cntr, 3);
	sdu_answer(p, &sec, 0, "AB058001018600");
	world_wait(&o2.n_done, 1);
	world_wait(&p->n_closed, 1);		/* nothing to do: RST 00 (ota-transport 7.6) */
	assert_int_equal(p->reason, CATTP_RST_NORMAL);
	assert_true(p->by_peer);
	world_turn();
	assert_int_equal(card_sessions_count(W->cs), 0);
	assert_true(W->learned.ok[CARD_BEARER_CATTP] > 0);
	assert_int_equal(W->learned.fails[CARD_BEARER_CATTP], 0);
	assert_true(W->learned.scp80_took > LONG_LEN);
}

/* `more`: the link is kept for a while, and a silent owner does not keep it for ever. */
static void test_kept_for_more(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = long_cmd(&o, LONG_LEN);
	struct scp80_sec sec;
	struct bytes *script;
	struct peer *p;
	uint8_t id[8];

	c.more = true;
	world_start(5);
	p = peer_new(8192);
	world_send(&o, &c, 10);
	push_id(0, id, &sec);
	peer_syn(p, id, sizeof(id));
	world_wait(&p->n_sdu, 1);
	sdu_open(p, &sec, &script);
	sdu_answer(p, &sec, 0, "AB058001018600");
	world_wait(&o.n_done, 1);
	world_spin(250);
	assert_int_equal(p->n_closed, 0);
	world_wait(&p->n_closed, 1);
}

/* A script larger than the card's SDU is cut between its TLVs; each piece says where in the chain it is (Annex K). */
static void test_pieces(void **state)
{
	static const char *const chain[] = { "830101", "830102", "830103" };
	struct owner o = { 0 };
	struct card_cmd one = long_cmd(&o, 1200), c = one;
	uint8_t *all = talloc_size(W, 3 * 1200), id[8];
	struct scp80_sec sec;
	struct bytes *script;
	struct peer *p;
	unsigned i;

	for (i = 0; i < 3; i++)
		memcpy(all + i * 1200, one.script, 1200);
	c.script = all;
	c.script_len = 3 * 1200;
	c.chained = c.first_in_chain = true;
	world_start(1);
	p = peer_new(1500);
	world_send(&o, &c, 10);
	push_id(0, id, &sec);
	peer_syn(p, id, sizeof(id));
	for (i = 0; i < 3; i++) {
		world_wait(&p->n_sdu, i + 1);
		assert_true(p->sdu_len <= 1500);
		sdu_open(p, &sec, &script);
		assert_hex(script->data + 4, 3, chain[i]);
		assert_int_equal(script->len, 4 + 3 + 1200);
		assert_int_equal(o.n_done, 0);
		sdu_answer(p, &sec, 0, i == 0 ? "AB068001018601AA" : i == 1 ? "AB068001018601BB" : "AB068001018601CC");
	}
	world_wait(&o.n_done, 1);
	assert_int_equal(o.outcome, CARD_OK);
	assert_hex(o.resp, o.resp_len, "8601AA8601BB8601CC");
	assert_int_equal(o.n_mark, 1);
}

/* A piece that the card refuses ends the script, as it would within one. */
static void test_pieces_stop(void **state)
{
	struct owner o = { 0 };
	struct card_cmd one = long_cmd(&o, 1200), c = one;
	uint8_t *all = talloc_size(W, 3 * 1200), id[8];
	struct scp80_sec sec;
	struct bytes *script;
	struct peer *p;

	memcpy(all, one.script, 1200);
	memcpy(all + 1200, one.script, 1200);
	memcpy(all + 2400, one.script, 1200);
	c.script = all;
	c.script_len = 3 * 1200;
	world_start(1);
	p = peer_new(1500);
	world_send(&o, &c, 10);
	push_id(0, id, &sec);
	peer_syn(p, id, sizeof(id));
	world_wait(&p->n_sdu, 1);
	sdu_open(p, &sec, &script);
	sdu_answer(p, &sec, 0, "AB068001018601AA");
	world_wait(&p->n_sdu, 2);
	sdu_open(p, &sec, &script);
	sdu_answer(p, &sec, 0, "AB078001019F460102");
	world_wait(&o.n_done, 1);
	assert_int_equal(o.outcome, CARD_OK);
	assert_hex(o.resp, o.resp_len, "8601AA9F460102");
	world_spin(50);
	assert_int_equal(p->n_sdu, 2);
}

/* Packet data of the card's operator in both triggers (corrections 20): octets of push.json's vectors. */
static void test_packet_data(void **state)
{
	static const uint8_t apn[] = { 0x47, 0x0C, 3, 'i', 'o', 't', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e' };
	static const uint8_t login[] = { 0x0D, 0x02, 0x04, 'u', 0x0D, 0x03, 0x04, 'p', 'w' };
	struct owner o = { 0 }, o2 = { 0 };
	struct card_cmd c = long_cmd(&o, LONG_LEN), c2 = long_cmd(&o2, LONG_LEN);
	struct scp80_sec sec;
	struct bytes *b;

	W->apn = "iot.example";
	W->login = "u";
	W->password = "pw";
	world_start(1);
	world_send(&o, &c, 1);
	b = world_open(0, &sec);
	assert_non_null(memmem(b->data, b->len, apn, sizeof(apn)));
	assert_non_null(memmem(b->data, b->len, login, sizeof(login)));
	world_wait(&o.n_done, 1);
	W->https = true;
	W->cattp = false;
	world_send(&o2, &c2, 10);
	b = world_open(W->n_sms - 1, &sec);
	assert_int_equal(b->data[0], 0x81);
	assert_non_null(memmem(b->data, b->len, apn, sizeof(apn)));
	assert_non_null(memmem(b->data, b->len, login, sizeof(login)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CATTP_TEST(test_command), CATTP_TEST(test_kept_for_more), CATTP_TEST(test_pieces),
		CATTP_TEST(test_pieces_stop), CATTP_TEST(test_packet_data),
	};

	return cattp_tests(tests, sizeof(tests) / sizeof(tests[0]));
}
