/* The card's CAT_TP end against the server's: PUSH, link, secured packets, loss. Truth from outside: push.json,
 * cattp.json and scp80_cattp.json (OTA digest 1.10, 5.1, 7); with an argument the PDUs go to text2pcap, for a
 * dissector.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include <osmocom/core/application.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/script.h>
#include <osmocom/rsp/util/misc.h>

#include "../../src/euicc/card_cat.h"
#include "../../src/euicc/card_cattp.h"
#include "cattp_world.h"

#define GET_STATUS "220880F24002024F0000"

static struct world *w;

static int setup(void **state)
{
	w = world_new();
	return 0;
}

static int teardown(void **state)
{
	world_free(w);
	return 0;
}

static void last_up(struct cattp_pdu *p)
{
	assert_non_null(w->last_up);
	assert_int_equal(cattp_pdu_dec(p, w->last_up->data, w->last_up->len), 0);
}

static void open_link(void)
{
	int status;
	unsigned i, before = w->established;

	world_push(w, &status);
	assert_int_equal(status, SCP80_ST_OK);
	for (i = 0; i < 10000 && w->established == before; i++)
		world_turn(w);
	assert_int_equal(w->established, before + 1);
	while (w->n_net)
		world_turn(w);
	assert_string_equal(card_cattp_state(w->r->card), "open");
}

/* --- PUSH --- */

/* Every value of the two commands arrives where it belongs. */
static void test_push(void **state)
{
	static const uint8_t apn[] = "\x03iot\x07" "example", ip[] = { 10, 0, 0, 1 };
	static const uint8_t id[] = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88 };
	struct cattp_pdu p;
	int status;

	assert_string_equal(world_push(w, &status), "AB0B80010223029000230290" "00");
	assert_int_equal(status, SCP80_ST_OK);
	assert_int_equal(w->port, 40001);
	assert_int_equal(w->buffer, 1400);
	assert_int_equal(w->dest.len, 4);
	assert_memory_equal(w->addr, ip, 4);
	assert_int_equal(w->nan_len, sizeof(apn) - 1);
	assert_memory_equal(w->nan, apn, sizeof(apn) - 1);
	last_up(&p);
	assert_int_equal(p.flags, CATTP_SYN);
	assert_int_equal(p.dst, 0x1F90);
	assert_int_equal(p.max_sdu, 1024);
	assert_int_equal(p.max_pdu, 1400);
	assert_int_equal(p.id_len, sizeof(id));
	assert_memory_equal(p.id, id, sizeof(id));
	while (!w->established)
		world_turn(w);
	assert_memory_equal(w->id, id, sizeof(id));
}

static char *push_hex(const char *hex, int *status)
{
	struct bytes *p = bytes_from_hex(w->r->ctx, hex);
	char *r = rig_payload(w->r, SCP80_TAR_ISD_R, p->data, p->len, status);

	talloc_free(p);
	return r;
}

/* Compact, and card defaults: push.json "both PUSH commands, compact", "BIP without TLVs", "CAT_TP minimal". */
static void test_push_forms(void **state)
{
	/* EF-ICCID of the bootstrap profile, swapped digits */
	static const uint8_t iccid[] = { 0x98, 0x10, 0x99, 0x09, 0x00, 0x21, 0x43, 0x65, 0x87, 0xF9 };
	struct cattp_pdu p;
	int status;

	assert_string_equal(push_hex("80EC01012135010339020578470C03696F74076578616D706C653C03019C413E05210A00000180EC0102"
				     "133C03001F90390204003608" "1122334455667788", &status), "029000");
	assert_int_equal(status, SCP80_ST_OK);
	last_up(&p);
	assert_int_equal(p.flags, CATTP_SYN);

	/* again while the link is being opened: the card closes that channel itself */
	assert_string_equal(push_hex("AA12220480EC0101220A80EC0102053C03001F90", &status),
			    "AB0B8001022302900023029000");
	assert_int_equal(status, SCP80_ST_OK);
	last_up(&p);
	assert_int_equal(p.flags, CATTP_SYN);
	assert_int_equal(p.id_len, sizeof(iccid));
	assert_memory_equal(p.id, iccid, sizeof(iccid));
	assert_int_equal(w->port, 8443);	/* the card's own record of the server */
}

/* TS 102 226 9.2.1: 6F00 with the result, 6A80 for half a login, for a local address, for TCP. */
static void test_push_refused(void **state)
{
	int status;

	w->refuse = true;
	assert_string_equal(world_push(w, &status), "AB0B8001012306" "83023A076F00");
	assert_int_equal(status, SCP80_ST_OK);
	assert_string_equal(card_cattp_state(w->r->card), "closed");
	w->refuse = false;
	assert_string_equal(push_hex("AA0C220A80EC0101050D03046162", &status), "AB0780010123026A80");
	assert_string_equal(push_hex("AA13221180EC01010C" "3E05210A0000013C03019C41", &status), "AB0780010123026A80");
	assert_string_equal(push_hex("AA0C220A80EC0101053C03020050", &status), "AB0780010123026A80");
	/* a link without a channel; a command that is neither */
	assert_string_equal(push_hex("AA0C220A80EC0102053C03001F90", &status), "AB0780010123026985");
	assert_string_equal(push_hex("AA0B220980EC01040436020102", &status), "AB0780010123026A86");
	assert_false(w->open);
	/* a card without CAT_TP does not know the command */
	fault_set(w->r->card->faults, FAULT_NO_CATTP, 1);
	assert_string_equal(world_push(w, &status), "AB0780010123026D00");
}

/* --- secured packets --- */

/* scp80_cattp.json: the command, octet by octet; what comes back is a response under the same keys. */
static void test_vector(void **state)
{
	struct scp80_sec sec = { .spi1 = 0x16, .spi2 = 0x39, .kic_octet = 0x12, .kid_octet = 0x12, .tar = 1, .cntr = 1 };
	struct bytes *cmd = bytes_from_hex(w->r->ctx, "012815163912120000015D1339F0E83EBFE71562861F22109499C815925A1EB461A6"
						      "C69D4CC2FE5BF7AD");
	struct bytes *out = bytes_new(w->r->ctx, 0);
	struct scp80_rsp rsp;

	open_link();
	sec.cntr = w->r->cntr;
	/* the vector's counter is 1, which the push has used: low, and said so */
	assert_int_equal(cattp_send_sdu(w->link, cmd->data, cmd->len), 0);
	world_settle(w, 1);
	assert_int_equal(w->sdu->data[0], 0x02);
	assert_int_equal(scp80_cattp_rsp_dec(out, &rsp, &sec, w->r->kic, w->r->kid, w->sdu->data, w->sdu->len), 0);
	assert_int_equal(rsp.status, SCP80_ST_CNTR_LOW);
	assert_int_equal(rsp.cntr, 1);
	/* one bit of it bent: not a word */
	cmd->data[20] ^= 1;
	assert_int_equal(cattp_send_sdu(w->link, cmd->data, cmd->len), 0);
	while (world_turn(w))
		;
	assert_int_equal(w->sdus, 1);
	assert_int_equal(w->r->card->dropped, 1);
}

/* A script of n GET STATUS over the link; executed TLVs of the answer. */
static int exchange(unsigned n)
{
	const struct scp80_sec sec = { .spi1 = 0x16, .spi2 = 0x39, .kic_octet = 0x12, .kid_octet = 0x12, .tar = 1,
				       .cntr = ++w->r->cntr };
	struct bytes *tlvs = bytes_new(w->r->ctx, 0), *script = bytes_new(tlvs, 0), *sdu = bytes_new(tlvs, 0);
	struct bytes *out = bytes_new(tlvs, 0);
	struct script_rsp s = { .executed = -1 };
	struct scp80_rsp rsp;
	unsigned before = w->sdus, i;

	for (i = 0; i < n; i++)
		bytes_put_hex(tlvs, GET_STATUS);
	script_cmd_enc(script, tlvs->data, tlvs->len, true, SCRIPT_CHAIN_NONE);
	assert_int_equal(scp80_cattp_cmd_enc(sdu, &sec, w->r->kic, w->r->kid, script->data, script->len), 0);
	assert_int_equal(cattp_send_sdu(w->link, sdu->data, sdu->len), 0);
	world_settle(w, before + 1);
	assert_int_equal(scp80_cattp_rsp_dec(out, &rsp, &sec, w->r->kic, w->r->kid, w->sdu->data, w->sdu->len), 0);
	assert_int_equal(rsp.status, SCP80_ST_OK);
	assert_true(rsp.cntr == sec.cntr);
	assert_int_equal(script_rsp_dec(&s, out->data, out->len), 0);
	talloc_free(tlvs);
	return s.executed;
}

static void test_exchange(void **state)
{
	open_link();
	assert_int_equal(exchange(1), 1);
	assert_int_equal(exchange(60), 60);	/* more than a PDU each way */
	assert_true(card_cattp_stats(w->r->card)->again == 0);
	assert_string_equal(card_cattp_state(w->r->card), "open");
}

/* 12 % lost, 30 % doubled, 30 % overtaken, both ways: each packet is run once, and answered. */
static void test_lossy(void **state)
{
	const struct card_cattp_stats *st;
	unsigned i, scripts;

	w->push = WORLD_PUSH_SMALL;
	w->cfg.max_pdu = 200;
	w->cfg.win = 6;
	world_listen(w);
	w->loss = 12;
	w->dup = w->reorder = 30;
	w->seed = 7;
	open_link();
	scripts = w->r->card->scripts;
	for (i = 0; i < 25; i++)
		assert_int_equal(exchange(1 + i * 3 % 70), 1 + i * 3 % 70);
	assert_int_equal(w->r->card->scripts, scripts + 25);
	st = card_cattp_stats(w->r->card);
	print_message("card: %lu received, %lu doubled, %lu early, %lu sent, %lu again; server again %u\n", st->rx,
		      st->rx_dup, st->rx_ooo, st->tx, st->again, cattp_stats(w->link)->retransmitted);
	assert_true(st->again && st->rx_dup && st->rx_ooo && cattp_stats(w->link)->retransmitted);
}

/* --- life of a link --- */

static void test_close(void **state)
{
	open_link();
	cattp_close(w->link);
	while (world_turn(w))
		;
	assert_string_equal(card_cattp_state(w->r->card), "closed");
	assert_false(w->open);
	assert_int_equal(w->closed, 1);
	assert_int_equal(w->r->timer[CARD_TIMER_CATTP], 0);	/* nothing is left running */
}

/* Nobody there: five copies of the SYN, then the channel is given back. */
static void test_no_server(void **state)
{
	int status;
	unsigned n;

	w->loss = 100;
	world_push(w, &status);
	n = w->n_up;
	while (world_turn(w))
		;
	assert_int_equal(w->n_up - n, 5);
	assert_false(w->open);
	assert_string_equal(card_cattp_state(w->r->card), "closed");
}

/* The server falls silent with a response under way: RST 05 in the end. */
static void test_retries(void **state)
{
	const struct scp80_sec sec = { .spi1 = 0x16, .spi2 = 0x39, .kic_octet = 0x12, .kid_octet = 0x12, .tar = 1,
				       .cntr = 2 };
	struct bytes *script = bytes_from_hex(w->r->ctx, "AA0A" GET_STATUS), *sdu = bytes_new(w->r->ctx, 0);
	struct cattp_pdu p;
	unsigned i;

	open_link();
	scp80_cattp_cmd_enc(sdu, &sec, w->r->kic, w->r->kid, script->data, script->len);
	cattp_send_sdu(w->link, sdu->data, sdu->len);
	world_turn(w);
	w->loss = 100;
	w->n_net = 0;
	for (i = 0; i < 40 && strcmp(card_cattp_state(w->r->card), "closed"); i++) {
		if (!strcmp(card_cattp_state(w->r->card), "close-wait")) {
			last_up(&p);
			assert_int_equal(p.flags, CATTP_RST);
			assert_int_equal(p.reason, CATTP_RST_RETRIES);
		}
		w->now_ms += 1000LL * w->r->timer[CARD_TIMER_CATTP];
		clock_override(w->now_ms);
		rig_timer(w->r, CARD_TIMER_CATTP);
	}
	assert_string_equal(card_cattp_state(w->r->card), "closed");
	last_up(&p);
	assert_int_equal(p.reason, CATTP_RST_RETRIES);
	assert_false(w->open);
}

static void test_idle(void **state)
{
	struct cattp_pdu p;

	open_link();
	assert_in_range(w->r->timer[CARD_TIMER_CATTP], 1, 1200);
	while (!strcmp(card_cattp_state(w->r->card), "open")) {
		w->now_ms += 1000LL * w->r->timer[CARD_TIMER_CATTP];
		clock_override(w->now_ms);
		rig_timer(w->r, CARD_TIMER_CATTP);
	}
	last_up(&p);
	assert_int_equal(p.flags & CATTP_RST, CATTP_RST);
	assert_int_equal(p.reason, CATTP_RST_NORMAL);
	while (world_turn(w))
		;
	assert_int_equal(w->closed, 1);
	assert_true(w->by_peer);
}

/* Terminal loses the network: no CLOSE CHANNEL, the link is gone; the next push makes a new one. */
static void test_dropped(void **state)
{
	struct bip_env e = { .tag = BIP_ENV_EVENT, .src = BIP_DEV_TERMINAL, .dst = BIP_DEV_UICC,
			     .event = BIP_EV_CHANNEL_STATUS, .has_channel = true, .channel = 0x01, .channel_info = 0x05 };

	open_link();
	w->open = false;
	rig_envelope(w->r, &e);
	assert_string_equal(card_cattp_state(w->r->card), "closed");
	world_listen(w);
	open_link();
	assert_int_equal(exchange(2), 2);
}

/* Profile change over CAT_TP: the answer arrives first, then the link ends, then REFRESH. */
static void test_refresh(void **state)
{
	open_link();
	assert_int_equal(exchange(1), 1);
	while (w->n_net)
		world_turn(w);
	/* as if the script had been EnableProfile */
	w->r->card->sw.stage = SW_STAGE_REFRESH;
	assert_int_equal(exchange(1), 1);
	assert_false(w->r->refresh);
	while (!w->r->refresh && world_turn(w))
		;
	assert_true(w->r->refresh);
	assert_false(w->open);
	assert_int_equal(w->closed, 1);
}

/* --- anything may come --- */

static void test_hostile(void **state)
{
	struct bytes *b = bytes_new(w->r->ctx, 0);
	struct cattp_pdu p = { .src = WORLD_PORT };
	uint32_t i, n, seed = 3;
	uint16_t ini, port;
	size_t cut;
	int status;

	world_push(w, &status);
	last_up(&p);
	ini = p.seq;
	port = p.src;
	/* for each kind of PDU in each state: every prefix, then every octet bent; the card lives, and still takes a
	 * push */
	for (i = 0; i < 400; i++) {
		seed = seed * 1664525 + 1013904223;
		p = (struct cattp_pdu) { .flags = seed >> 24 & 0xFC, .src = WORLD_PORT, .dst = port, .seq = seed >> 13,
					 .ack = i % 3 ? ini : ini + i % 5, .win = i % 7, .max_pdu = i % 2 ? 1400 : 20,
					 .max_sdu = i % 5 ? 1024 : 0, .reason = i % 8, .data = (const uint8_t *)"12345",
					 .data_len = i % 6 };
		bytes_clear(b);
		if (cattp_pdu_enc(b, &p) < 0)
			continue;
		for (cut = 1; cut < b->len; cut++)
			world_down(w, b->data, cut);
		for (n = 0; n < b->len; n++) {
			b->data[n] ^= 0x40;
			world_down(w, b->data, b->len);
			b->data[n] ^= 0x40;
		}
		world_down(w, b->data, b->len);
		if (!strcmp(card_cattp_state(w->r->card), "closed") || i % 50 == 49) {
			world_push(w, &status);
			assert_int_equal(status, SCP80_ST_OK);
			last_up(&p);
			ini = p.seq;
			port = p.src;
		}
	}
	w->n_net = 0;
	world_listen(w);
	open_link();
	assert_int_equal(exchange(3), 3);
}

static void test_dump(void **state)
{
	w->dump = stdout;
	w->push = WORLD_PUSH_SMALL;
	w->cfg.max_pdu = 300;
	world_listen(w);
	w->loss = w->dup = w->reorder = 20;
	open_link();
	exchange(1);
	exchange(50);
	exchange(70);
	cattp_close(w->link);
	while (world_turn(w))
		;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(test_push), T(test_push_forms), T(test_push_refused), T(test_vector), T(test_exchange), T(test_lossy),
		T(test_close), T(test_no_server), T(test_retries), T(test_idle), T(test_dropped), T(test_refresh),
		T(test_hostile),
	};
	const struct CMUnitTest dump[] = { T(test_dump) };

	if (argc > 1 && !strcmp(argv[1], "dump"))
		return cmocka_run_group_tests(dump, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
