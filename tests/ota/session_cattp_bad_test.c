/* Card sessions by CAT_TP: strangers, second links, and the ways it fails.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "session_peer.h"
#include <string.h>
#include <talloc.h>

/* --- who it is -------------------------------------------------------------------------------------------------- */

static void test_iccid(void **state)
{
	static const uint8_t iccid[] = { 0x98, 0x44, 0x21, 0x43, 0x65, 0x87, 0x09, 0x21, 0x43, 0xF5 };
	struct owner o = { 0 };
	struct card_cmd c = long_cmd(&o, LONG_LEN);
	struct peer *p, *q;

	W->iccid = "8944123456789012345";
	world_start(1);
	p = peer_new(8192);
	q = peer_new(8192);
	peer_syn(p, iccid, sizeof(iccid));	/* nothing is wanted of this card: no memory for it */
	world_wait(&p->n_rst, 1);
	assert_int_equal(p->rst, CATTP_RST_TEMPORARY);
	world_send(&o, &c, 10);
	peer_syn(q, iccid, sizeof(iccid));
	world_wait(&q->n_open, 1);
	world_wait(&q->n_sdu, 1);
	assert_string_equal(o.bearer, "CAT_TP");
}

/* Anybody may know an ICCID: it does not take the place of what our own identification opened. That itself may: the
 * card has been reset. */
static void test_second_link(void **state)
{
	static const uint8_t iccid[] = { 0x98, 0x44, 0x21, 0x43, 0x65, 0x87, 0x09, 0x21, 0x43, 0xF5 };
	struct owner o = { 0 };
	struct scp80_sec sec;
	struct bytes *script;
	struct peer *p = connected(&o, &sec, &script), *q = peer_new(8192), *r = peer_new(8192);
	uint8_t id[8];

	W->iccid = "8944123456789012345";
	peer_syn(q, iccid, sizeof(iccid));
	world_wait(&q->n_closed, 1);
	assert_int_equal(p->n_closed, 0);
	push_id(0, id, &sec);
	peer_syn(r, id, sizeof(id));
	world_wait(&r->n_open, 1);
	world_wait(&o.n_done, 1);
	assert_int_equal(o.outcome, CARD_NO_ANSWER);
	world_wait(&p->n_closed, 1);
}

static void test_strangers(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = long_cmd(&o, LONG_LEN);
	unsigned long long unknown = counter_get(CTR_CATTP_UNKNOWN), dropped = counter_get(CTR_CATTP_DROPPED);
	struct peer *p;
	uint8_t id[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, junk[600];
	struct scp80_sec sec;
	unsigned i;

	world_start(1);
	world_send(&o, &c, 10);
	for (i = 0; i < 200; i++) {
		p = peer_new(8192);
		peer_syn(p, id, i % 9);
		world_wait(&p->n_rst, 1);
		assert_int_equal(p->rst, CATTP_RST_TEMPORARY);
		talloc_free(p);
	}
	assert_int_equal(counter_get(CTR_CATTP_UNKNOWN) - unknown, 200);
	p = peer_new(8192);
	for (i = 0; i < sizeof(junk); i++) {
		junk[i] = i * 7;
		udp_send(p->udp, &p->to, junk, i);
	}
	world_spin(50);
	assert_int_equal(p->n_rst, 0);		/* no answer to what is no CAT_TP */
	assert_true(counter_get(CTR_CATTP_DROPPED) - dropped >= 599);
	push_id(0, id, &sec);
	peer_syn(p, id, sizeof(id));
	world_wait(&p->n_sdu, 1);		/* the card is served all the same */
}

/* Somebody who has seen the identification opens more and more: so many, and no longer than they may take. */
static void test_half_open(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = long_cmd(&o, LONG_LEN);
	unsigned long long refused = counter_get(CTR_CATTP_REFUSED), half = counter_get(CTR_CATTP_HALF_OPEN);
	struct cattp_pdu syn = { .flags = CATTP_SYN, .src = 1, .max_pdu = 500, .max_sdu = 500 };
	struct bytes *b = bytes_new(W, 0);
	struct peer *p[30];
	uint8_t id[8];
	struct scp80_sec sec;
	unsigned i;

	W->bearer.cattp.max_half_open = 10;
	W->bearer.cattp.half_open_s = 1;
	world_start(1);
	world_send(&o, &c, 10);
	push_id(0, id, &sec);
	syn.dst = card_sessions_cattp_port(W->cs);
	syn.id = id;
	syn.id_len = sizeof(id);
	assert_int_equal(cattp_pdu_enc(b, &syn), 0);
	for (i = 0; i < 30; i++) {
		p[i] = peer_new(8192);
		udp_send(p[i]->udp, &p[i]->to, b->data, b->len);
	}
	world_spin(50);
	assert_int_equal(counter_get(CTR_CATTP_REFUSED) - refused, 20);
	world_spin(1300);
	assert_int_equal(counter_get(CTR_CATTP_HALF_OPEN) - half, 10);
	peer_syn(p[29], id, sizeof(id));
	world_wait(&p[29]->n_sdu, 1);
}

/* Links that are there stay, others are told to come later; the limit counts at once. */
static void test_too_many_links(void **state)
{
	unsigned long long refused = counter_get(CTR_CATTP_REFUSED);
	struct owner o = { 0 };
	struct scp80_sec sec, push;
	struct bytes *script;
	struct peer *p = connected(&o, &sec, &script), *q = peer_new(8192);
	uint8_t id[8];

	W->bearer.cattp.max_links = 1;
	push_id(0, id, &push);
	peer_syn(q, id, sizeof(id));
	world_wait(&q->n_rst, 1);
	assert_int_equal(q->rst, CATTP_RST_TEMPORARY);
	assert_int_equal(counter_get(CTR_CATTP_REFUSED) - refused, 1);
	assert_int_equal(p->n_closed, 0);
	sdu_answer(p, &sec, 0, "AB058001018600");
	world_wait(&o.n_done, 1);
	assert_int_equal(o.outcome, CARD_OK);
}

/* --- it fails --------------------------------------------------------------------------------------------------- */

static void test_link_lost(void **state)
{
	struct owner o = { 0 };
	struct scp80_sec sec;
	struct bytes *script;
	struct peer *p = connected(&o, &sec, &script);

	cattp_close(p->link);
	world_wait(&o.n_done, 1);
	assert_int_equal(o.outcome, CARD_NO_ANSWER);	/* it may have run */
	assert_int_equal(W->learned.fails[CARD_BEARER_CATTP], 1);
	world_turn();
	assert_int_equal(card_sessions_count(W->cs), 0);
}

static void test_gone_silent(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = long_cmd(&o, LONG_LEN);
	struct scp80_sec sec;
	struct peer *p;
	uint8_t id[8];

	world_start(1);
	p = peer_new(8192);
	world_send(&o, &c, 10);
	push_id(0, id, &sec);
	peer_syn(p, id, sizeof(id));
	world_wait(&p->n_open, 1);
	p->deaf = true;
	world_wait(&o.n_done, 1);
	assert_int_equal(o.outcome, CARD_NO_ANSWER);
	assert_non_null(strstr(o.detail, "link ended"));
}

static void test_foreign_answers(void **state)
{
	struct owner o = { 0 };
	struct scp80_sec sec;
	struct bytes *script;
	struct peer *p = connected(&o, &sec, &script);
	unsigned long long late = counter_get(CTR_SCP80_LATE);
	struct key *other = key_random(W, KEY_TYPE_AES, 16), *own = W->kid;

	assert_int_equal(cattp_send_sdu(p->link, (uint8_t *)"nonsense", 8), 0);
	W->kid = other;
	sdu_answer(p, &sec, 0, "AB058001018600");
	W->kid = own;
	sec.cntr--;
	sdu_answer(p, &sec, 0, "AB058001018600");	/* of the push, replayed here */
	sec.cntr++;
	world_spin(50);
	assert_int_equal(o.n_done, 0);
	assert_int_equal(counter_get(CTR_SCP80_LATE) - late, 1);
	sdu_answer(p, &sec, 0, "AB058001018600");
	sdu_answer(p, &sec, 0, "AB058001018600");
	world_wait(&o.n_done, 1);
	assert_int_equal(o.outcome, CARD_OK);
	world_spin(30);
	assert_int_equal(o.n_done, 1);
}

/* Nobody opens a link: after so many triggers by SMS, and the next time at once. */
static void test_falls_back(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = long_cmd(&o, LONG_LEN);
	struct scp80_sec sec;
	unsigned long long fallback = counter_get(CTR_BEARER_FALLBACK);

	world_start(1);
	world_send(&o, &c, 10);
	world_sms(0, SMS_DELIVERED);
	world_wait(&W->n_sms, 2);
	world_open(1, &sec);
	assert_int_equal(sec.tar, SCP80_TAR_ISD_R);
	assert_int_equal(o.n_mark, 0);
	world_sms(1, SMS_DELIVERED);
	world_wait(&o.n_mark, 1);
	assert_string_equal(o.bearer, "SMS");
	assert_int_equal(counter_get(CTR_BEARER_FALLBACK) - fallback, 1);
	assert_int_equal(W->learned.last, CARD_BEARER_SCP80);
	assert_true(W->learned.fails[CARD_BEARER_CATTP] >= 2);
	world_open(2, &sec);
	world_por(&sec, 0, "AB058001018600");
	assert_int_equal(o.outcome, CARD_OK);
	world_send(&o, &c, 10);
	assert_int_equal(o.n_mark, 2);
	assert_string_equal(W->learned.why, "CAT_TP failed lately");
}

/* TS 102 226 9.2.1: 6F00 and the terminal's result, here "no channel available". */
static void test_push_refused(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = long_cmd(&o, LONG_LEN);
	struct scp80_sec sec;

	world_start(1);
	world_send(&o, &c, 10);
	world_open(0, &sec);
	world_por(&sec, 0, "AB0B800101230683023A016F00");
	world_wait(&o.n_mark, 1);
	assert_string_equal(o.bearer, "SMS");
	assert_true(W->learned.failed[CARD_BEARER_CATTP] > 0);
}

/* No other way: it goes on trying, and is not sent in the end. */
static void test_no_other_way(void **state)
{
	struct owner o = { 0 };
	struct card_cmd c = long_cmd(&o, 1400);
	struct scp80_sec sec;

	W->bearer.sms_parts_limit = 1;
	world_start(1);
	world_send(&o, &c, 2);
	world_open(0, &sec);
	world_por(&sec, 0, "AB0B800101230683023A016F00");
	world_sms(0, SMS_DELIVERED);
	world_wait(&W->n_sms, 2);
	world_sms(1, SMS_DELIVERED);
	world_wait(&W->n_sms, 3);
	world_wait(&o.n_done, 1);
	assert_int_equal(o.outcome, CARD_NOT_SENT);
	assert_int_equal(o.n_mark, 0);
}

/* In the middle of a chain there is no other way (corrections 13). */
static void test_chain_is_not_moved(void **state)
{
	struct owner o = { 0 }, o2 = { 0 };
	struct card_cmd c = long_cmd(&o, LONG_LEN), c2 = long_cmd(&o2, LONG_LEN);
	struct scp80_sec sec;
	struct bytes *script;
	struct peer *p;
	uint8_t id[8];

	c.chained = c.first_in_chain = c.more = true;
	c2.chained = true;
	world_start(5);
	p = peer_new(8192);
	world_send(&o, &c, 10);
	push_id(0, id, &sec);
	peer_syn(p, id, sizeof(id));
	world_wait(&p->n_sdu, 1);
	sdu_open(p, &sec, &script);
	assert_hex(script->data + 4, 3, "830101");
	sdu_answer(p, &sec, 0, "AB058001018600");
	world_wait(&o.n_done, 1);
	cattp_close(p->link);
	world_spin(50);
	world_send(&o2, &c2, 10);
	assert_int_equal(o2.n_done, 1);
	assert_int_equal(o2.outcome, CARD_REJECTED);
	assert_int_equal(W->n_sms, 1);
}

/* The owner says no right before it leaves: nothing leaves. */
static void test_stopped_at_the_mark(void **state)
{
	struct owner o = { .mark_rc = -1 };
	struct card_cmd c = long_cmd(&o, LONG_LEN);
	struct scp80_sec sec;
	struct peer *p;
	uint8_t id[8];

	world_start(1);
	p = peer_new(8192);
	world_send(&o, &c, 10);
	push_id(0, id, &sec);
	peer_syn(p, id, sizeof(id));
	world_wait(&o.n_done, 1);
	assert_int_equal(o.outcome, CARD_NOT_SENT);
	world_wait(&p->n_closed, 1);
	assert_int_equal(p->n_sdu, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CATTP_TEST(test_iccid), CATTP_TEST(test_second_link), CATTP_TEST(test_strangers),
		CATTP_TEST(test_half_open), CATTP_TEST(test_too_many_links),
		CATTP_TEST(test_link_lost), CATTP_TEST(test_gone_silent),
		CATTP_TEST(test_foreign_answers), CATTP_TEST(test_falls_back), CATTP_TEST(test_push_refused),
		CATTP_TEST(test_no_other_way), CATTP_TEST(test_chain_is_not_moved),
		CATTP_TEST(test_stopped_at_the_mark),
	};

	return cattp_tests(tests, sizeof(tests) / sizeof(tests[0]));
}
