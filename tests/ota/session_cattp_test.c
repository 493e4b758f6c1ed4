/* Card sessions by CAT_TP: push, identification, packets over a real UDP socket of loopback, the ways it fails, strangers.
 * The card's end of the link is cattp_fsm.c as client (its PDUs are held to the vectors and to tshark elsewhere); another
 * card, written apart, meets the server in tests/e2e/bearers.sh.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#define _GNU_SOURCE	/* memmem */
#include "session_help.h"
#include "session_http.h"
#include <string.h>
#include <arpa/inet.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/net/udp.h>
#include <osmocom/rsp/ota/cattp_fsm.h>
#include <osmocom/rsp/ota/scp80.h>
#include <osmocom/rsp/util/counters.h>

#define LONG_LEN 300	/* more than one SMS, less than one SDU */

struct peer {
	struct udp *udp;
	struct udp_peer to;
	struct cattp_link *link;
	unsigned n_open, n_sdu, n_closed, n_rst;
	uint8_t sdu[8192], reason, rst;
	size_t sdu_len;
	bool by_peer, deaf;
};

static void peer_send(void *priv, const uint8_t *pdu, size_t len)
{
	struct peer *p = priv;

	if (!p->deaf)
		udp_send(p->udp, &p->to, pdu, len);
}

static void peer_open(void *priv, const uint8_t *id, size_t id_len)
{
	((struct peer *)priv)->n_open++;
	assert_int_equal(id_len, 0);
}

static void peer_sdu(void *priv, const uint8_t *sdu, size_t len)
{
	struct peer *p = priv;

	p->n_sdu++;
	memcpy(p->sdu, sdu, len);
	p->sdu_len = len;
}

static void peer_closed(void *priv, uint8_t reason, bool by_peer)
{
	struct peer *p = priv;

	p->n_closed++;
	p->reason = reason;
	p->by_peer = by_peer;
}

static const struct cattp_ops peer_ops = {
	.send_pdu = peer_send, .established = peer_open, .rx_sdu = peer_sdu, .closed = peer_closed,
};

static void peer_rx(void *priv, const struct udp_peer *from, const uint8_t *data, size_t len)
{
	struct peer *p = priv;
	struct cattp_pdu pdu;

	if (p->link && !p->deaf)
		cattp_rx(p->link, data, len);
	if (cattp_pdu_dec(&pdu, data, len) == 0 && pdu.flags & CATTP_RST) {
		p->n_rst++;
		p->rst = pdu.reason;
	}
}

static struct peer *peer_new(uint16_t max_sdu)
{
	struct peer *p = talloc_zero(W, struct peer);
	const struct udp_cfg udp = { .ip = "127.0.0.1", .rx = peer_rx, .priv = p };
	struct cattp_cfg cfg;

	p->udp = udp_new(p, &udp);
	assert_non_null(p->udp);
	p->to.u.in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(card_sessions_cattp_port(W->cs)),
					   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	cattp_cfg_default(&cfg, 0xC001);
	cfg.max_sdu = max_sdu;
	cfg.rto_ms = cfg.rto_min_ms = 100;
	p->link = cattp_link_new(p, &cfg, &peer_ops, p);
	return p;
}

static void peer_syn(struct peer *p, const uint8_t *id, size_t len)
{
	assert_int_equal(cattp_open(p->link, card_sessions_cattp_port(W->cs), id, len), 0);
}

/* --- the world with CAT_TP ------------------------------------------------------------------------------------ */

static int setup(void **state)
{
	world_setup(state);
	W->cattp = true;
	W->https = false;
	W->bearer.triggers = 2;
	W->bearer.cattp.link.rto_ms = W->bearer.cattp.link.rto_min_ms = 50;
	W->bearer.cattp.link.retries = 2;
	osmo_tdef_set(card_session_tdefs, CARD_T_LINK, 500, OSMO_TDEF_MS);
	return 0;
}

/* One command TLV of len octets in all. */
static struct card_cmd long_cmd(struct owner *o, size_t len)
{
	struct card_cmd c = world_cmd(o, "22");
	uint8_t *b = talloc_zero_size(W, len);

	b[0] = 0x86;
	b[1] = 0x82;
	b[2] = (len - 4) >> 8;
	b[3] = len - 4;
	c.script = b;
	c.script_len = len;
	return c;
}

/* The n-th SMS is a push: its identification. */
static void push_id(unsigned n, uint8_t id[8], struct scp80_sec *sec)
{
	struct bytes *b = world_open(n, sec);
	const uint8_t *port;

	assert_int_equal(sec->tar, SCP80_TAR_ISD_R);
	assert_int_equal(sec->spi1, 0x16);	/* SGP.02 2.4.3 */
	assert_int_equal(sec->spi2, 0x39);
	assert_int_equal(b->data[0], 0xAA);
	assert_hex(b->data + 4, 5, "80EC010113");	/* channel: 35, 39, 3C, 3E */
	assert_int_equal(b->len, 2 + 2 + 5 + 0x13 + 2 + 5 + 19);
	memcpy(id, b->data + b->len - 8, 8);
	port = b->data + b->len - 8 - 2 - 4 - 2;
	assert_int_equal(port[0] << 8 | port[1], card_sessions_cattp_port(W->cs));
}

static void sdu_open(struct peer *p, struct scp80_sec *sec, struct bytes **script)
{
	*script = bytes_new(W, 0);
	assert_int_equal(scp80_cattp_cmd_dec(*script, sec, W->kic, W->kid, p->sdu, p->sdu_len), 0);
}

static void sdu_answer(struct peer *p, const struct scp80_sec *sec, uint8_t status, const char *hex)
{
	struct bytes *b = bytes_new(W, 0);
	uint8_t data[600];
	size_t len = world_hex(data, sizeof(data), hex);

	assert_int_equal(scp80_cattp_rsp_enc(b, sec, W->kic, W->kid, status, data, len), 0);
	assert_int_equal(cattp_send_sdu(p->link, b->data, b->len), 0);
}

/* As far as the first SDU of a command of LONG_LEN. */
static struct peer *connected(struct owner *o, struct scp80_sec *sec, struct bytes **script)
{
	struct card_cmd c = long_cmd(o, LONG_LEN);
	struct peer *p;
	uint8_t id[8];

	world_start(1);
	p = peer_new(8192);
	world_send(o, &c, 10);
	push_id(0, id, sec);
	world_sms(0, SMS_DELIVERED);
	peer_syn(p, id, sizeof(id));
	world_wait(&p->n_open, 1);
	world_wait(&p->n_sdu, 1);
	sdu_open(p, sec, script);
	return p;
}

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

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_command), TEST(test_kept_for_more), TEST(test_pieces), TEST(test_pieces_stop), TEST(test_packet_data), TEST(test_iccid),
		TEST(test_second_link), TEST(test_strangers), TEST(test_half_open), TEST(test_link_lost),
		TEST(test_gone_silent), TEST(test_foreign_answers), TEST(test_falls_back), TEST(test_push_refused),
		TEST(test_no_other_way), TEST(test_chain_is_not_moved), TEST(test_stopped_at_the_mark),
	};
	void *ctx = talloc_named_const(NULL, 0, "counters");
	int rc;

	counters_init(ctx);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	talloc_free(ctx);
	return rc;
}
