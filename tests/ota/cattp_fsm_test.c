/* CAT_TP links (TS 102 127): a client and a server over a pipe that loses, doubles and reorders by a seed, under fake
 * time. What must hold for each seed: SDUs arrive exactly once and in order, or the link ends with reason 05 or by the
 * peer. And the corners of the state table, PDU by PDU.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <osmocom/core/application.h>
#include <osmocom/core/logging.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/cattp_fsm.h>
#include <osmocom/rsp/util/logging.h>
#include "ota_test.h"

#define IN_FLIGHT 256
#define SDUS 12

struct end {
	struct cattp_link *l;
	struct end *peer;
	unsigned opened, closed, rx_sdus, tx_sdus;
	uint8_t reason;
	bool by_peer;
	uint8_t id[16];
	size_t id_len;
	struct bytes *last;	/* PDU sent last */
};

static struct {
	struct end c, s;
	uint32_t rnd;
	unsigned loss;		/* percent, also of doubling and of long delay */
	bool hold;		/* deliver nothing: the test does */
	struct { struct end *to; uint64_t at; struct bytes *pdu; } fly[IN_FLIGHT];
} W;

static uint32_t rnd(uint32_t n)
{
	W.rnd = W.rnd * 1664525 + 1013904223;
	return (W.rnd >> 8) % n;
}

static uint64_t now_ms(void)
{
	return osmo_gettimeofday_override_time.tv_sec * 1000ULL + osmo_gettimeofday_override_time.tv_usec / 1000;
}

static void fly(struct end *to, const uint8_t *pdu, size_t len)
{
	unsigned i;

	for (i = 0; i < IN_FLIGHT && W.fly[i].to; i++)
		;
	assert_true(i < IN_FLIGHT);
	W.fly[i].to = to;
	W.fly[i].pdu = bytes_dup(root, pdu, len);
	W.fly[i].at = now_ms() + 50 + (rnd(100) < W.loss ? rnd(9000) : rnd(20));
}

static void op_send(void *priv, const uint8_t *pdu, size_t len)
{
	struct end *e = priv;
	struct cattp_pdu p;

	assert_int_equal(cattp_pdu_dec(&p, pdu, len), 0);
	talloc_free(e->last);
	e->last = bytes_dup(root, pdu, len);
	if (W.hold || rnd(100) < W.loss)
		return;
	fly(e->peer, pdu, len);
	if (rnd(100) < W.loss)
		fly(e->peer, pdu, len);
}

static void op_established(void *priv, const uint8_t *id, size_t id_len)
{
	struct end *e = priv;

	e->opened++;
	assert_true(id_len <= sizeof(e->id));
	e->id_len = id_len;
	if (id_len)
		memcpy(e->id, id, id_len);
}

/* SDU n of an end: its length and octets follow from n. */
static size_t sdu_fill(uint8_t *b, const struct end *e, unsigned n)
{
	size_t len = 1 + n * 37 % 400;

	for (size_t i = 0; i < len; i++)
		b[i] = n + i + (e == &W.c);
	return len;
}

static void op_rx_sdu(void *priv, const uint8_t *sdu, size_t len)
{
	struct end *e = priv;
	uint8_t want[512];

	assert_int_equal(len, sdu_fill(want, e->peer, e->rx_sdus));
	assert_memory_equal(sdu, want, len);
	e->rx_sdus++;
}

static void op_closed(void *priv, uint8_t reason, bool by_peer)
{
	struct end *e = priv;

	e->closed++;
	e->reason = reason;
	e->by_peer = by_peer;
	TALLOC_FREE(e->l);
}

static const struct cattp_ops ops = { op_send, op_established, op_rx_sdu, op_closed };

static void world_up(unsigned seed, unsigned loss)
{
	struct cattp_cfg cfg;

	memset(&W, 0, sizeof(W));
	W.rnd = seed;
	W.loss = loss;
	W.c.peer = &W.s;
	W.s.peer = &W.c;
	cattp_cfg_default(&cfg, 0xC001);
	cfg.max_pdu = 60 + rnd(100);
	cfg.max_sdu = 1000;
	cfg.win = 1 + rnd(10);
	cfg.ini = seed % 3 ? rnd(65536) : 0xFFFF - rnd(12);	/* numbers wrap */
	W.c.l = cattp_link_new(root, &cfg, &ops, &W.c);
	cfg.port = 8080;
	cfg.max_pdu = 60 + rnd(100);
	cfg.win = 1 + rnd(CATTP_WIN_MAX);
	cfg.ini = rnd(65536);
	W.s.l = cattp_link_new(root, &cfg, &ops, &W.s);
	assert_non_null(W.c.l);
	assert_non_null(W.s.l);
	assert_int_equal(cattp_listen(W.s.l), 0);
}

static void tick(unsigned ms)
{
	unsigned i;

	osmo_gettimeofday_override_add(ms / 1000, ms % 1000 * 1000);
	osmo_timers_prepare();
	osmo_timers_update();
	for (i = 0; i < IN_FLIGHT; i++) {
		struct bytes *b = W.fly[i].pdu;
		struct end *to = W.fly[i].to;

		if (!to || W.fly[i].at > now_ms())
			continue;
		W.fly[i].to = NULL;
		if (to->l)
			cattp_rx(to->l, b->data, b->len);
		talloc_free(b);
	}
}

static void send_some(struct end *e)
{
	uint8_t sdu[512];

	while (e->l && cattp_is_open(e->l) && e->tx_sdus < SDUS && !rnd(3)) {
		size_t len = sdu_fill(sdu, e, e->tx_sdus);

		assert_int_equal(cattp_send_sdu(e->l, sdu, len), 0);
		e->tx_sdus++;
	}
}

/* true: everything arrived. */
static bool run(unsigned seed, unsigned loss)
{
	unsigned i;

	world_up(seed, loss);
	assert_int_equal(cattp_open(W.c.l, 8080, (const uint8_t *)"\x98\x10", 2), 0);
	for (i = 0; i < 400000 && W.c.l && W.s.l && (W.c.rx_sdus < SDUS || W.s.rx_sdus < SDUS); i++) {
		send_some(&W.c);
		send_some(&W.s);
		tick(100);
	}
	if (W.c.rx_sdus == SDUS && W.s.rx_sdus == SDUS) {
		assert_int_equal(W.s.id_len, 2);
		assert_int_equal(W.c.id_len, 0);
		if (W.s.l)
			cattp_close(W.s.l);
		for (i = 0; i < 50; i++)
			tick(100);
		assert_true(W.s.closed == 1 && !W.s.l);
		return true;
	}
	if (!W.c.closed && !W.s.closed)
		fail_msg("seed %u: %s %u/%u/%zu, %s %u/%u/%zu: hangs", seed, cattp_state(W.c.l), W.c.tx_sdus, W.c.rx_sdus,
			 cattp_pending(W.c.l), cattp_state(W.s.l), W.s.tx_sdus, W.s.rx_sdus, cattp_pending(W.s.l));
	assert_true((W.c.closed && (W.c.reason == CATTP_RST_RETRIES || W.c.by_peer)) ||
		    (W.s.closed && (W.s.reason == CATTP_RST_RETRIES || W.s.by_peer)));
	return false;
}

static void clean(void)
{
	talloc_free_children(root);
}

static void test_seeds(void **state)
{
	static const unsigned losses[] = { 0, 5, 10, 30, 60 };
	unsigned seed, done[ARRAY_SIZE(losses)] = { 0 }, i;

	for (seed = 0; seed < 1000; seed++) {
		i = seed % ARRAY_SIZE(losses);
		done[i] += run(seed, losses[i]);
		clean();
	}
	for (i = 0; i < ARRAY_SIZE(losses); i++)
		printf("%u%% lost, doubled, late: %u of 200 complete\n", losses[i], done[i]);
	assert_int_equal(done[0], 200);
	assert_true(done[1] >= 199);
	assert_true(done[2] >= 195);
	assert_true(done[4] < 200);	/* reason 05 was seen, too */
}

/* --- corners -------------------------------------------------------------------------------------------------- */

static int rx(struct end *e, struct cattp_pdu p)
{
	struct bytes *b = empty();

	assert_int_equal(cattp_pdu_enc(b, &p), 0);
	return cattp_rx(e->l, b->data, b->len);
}

static struct cattp_pdu last(const struct end *e)
{
	struct cattp_pdu p;

	assert_non_null(e->last);
	assert_int_equal(cattp_pdu_dec(&p, e->last->data, e->last->len), 0);
	return p;
}

static struct cattp_pdu syn(uint16_t seq)
{
	return (struct cattp_pdu) { .flags = CATTP_SYN, .src = 7, .dst = 8080, .seq = seq, .win = 5, .max_pdu = 100,
				    .max_sdu = 1000, .id = (const uint8_t *)"\x98", .id_len = 1 };
}

static void server_open(void)
{
	world_up(1, 0);
	W.hold = true;
	assert_int_equal(rx(&W.s, syn(5)), 0);
	assert_int_equal(last(&W.s).flags, CATTP_SYN | CATTP_ACK);
	assert_int_equal(last(&W.s).ack, 5);
	assert_int_equal(last(&W.s).id_len, 0);
	assert_string_equal(cattp_state(W.s.l), "SYN_RCVD");
	rx(&W.s, (struct cattp_pdu) { .flags = CATTP_ACK, .src = 7, .dst = 8080, .seq = 6, .ack = last(&W.s).seq,
					.win = 5 });
	assert_string_equal(cattp_state(W.s.l), "OPEN");
	assert_int_equal(W.s.opened, 1);
}

static void test_listen(void **state)
{
	struct cattp_pdu p = syn(5);

	world_up(1, 0);
	W.hold = true;
	p.max_pdu = 22;
	rx(&W.s, p);
	assert_int_equal(last(&W.s).flags, CATTP_RST | CATTP_ACK);
	assert_int_equal(last(&W.s).reason, CATTP_RST_PARAMETERS);
	assert_int_equal(last(&W.s).ack, 5);
	assert_int_equal(last(&W.s).seq, 0);
	p = syn(6);
	p.dst = 8081;
	assert_int_equal(rx(&W.s, p), -ENOENT);
	assert_int_equal(last(&W.s).reason, CATTP_RST_PORT);
	assert_int_equal(last(&W.s).src, 8081);
	rx(&W.s, (struct cattp_pdu) { .flags = CATTP_ACK, .src = 7, .dst = 8080, .seq = 6, .ack = 9, .win = 5 });
	assert_int_equal(last(&W.s).flags, CATTP_RST);
	assert_int_equal(last(&W.s).seq, 10);
	assert_string_equal(cattp_state(W.s.l), "LISTEN");
}

static void test_refused(void **state)
{
	world_up(1, 0);
	assert_int_equal(cattp_open(W.c.l, 9999, NULL, 0), 0);
	assert_int_equal(cattp_open(W.c.l, 9999, NULL, 0), -EALREADY);
	for (unsigned i = 0; i < 5; i++)
		tick(100);
	assert_int_equal(W.c.closed, 1);	/* the RST came from port 9999 */
	assert_int_equal(W.c.reason, CATTP_RST_PORT);
	assert_true(W.c.by_peer);
	assert_int_equal(W.c.opened, 0);
}

static void test_eack(void **state)
{
	struct cattp_pdu d = { .flags = CATTP_ACK, .src = 7, .dst = 8080, .win = 5, .data_len = 1 };
	uint8_t one[512];

	server_open();
	W.s.peer = &W.c;
	d.ack = last(&W.s).seq;
	sdu_fill(one, &W.c, 0);
	d.data = one;
	d.seq = 7;
	d.flags |= CATTP_NUL;
	d.data_len = 0;
	rx(&W.s, d);
	assert_int_equal(last(&W.s).flags, CATTP_ACK | CATTP_EAK);
	assert_int_equal(last(&W.s).ack, 5);
	assert_int_equal(last(&W.s).eack_count, 1);
	assert_int_equal(last(&W.s).eack[0], 7);
	d.seq = 6;
	d.flags = CATTP_ACK;
	d.data_len = 1;
	rx(&W.s, d);
	assert_int_equal(last(&W.s).flags, CATTP_ACK);
	assert_int_equal(last(&W.s).ack, 7);
	assert_int_equal(W.s.rx_sdus, 1);
	rx(&W.s, d);		/* again: acknowledged, not delivered */
	assert_int_equal(W.s.rx_sdus, 1);
	d.seq = 8 + CATTP_WIN_MAX;	/* beyond any window */
	rx(&W.s, d);
	assert_int_equal(last(&W.s).ack, 7);
	assert_int_equal(last(&W.s).eack_count, 0);
}

static void test_resets(void **state)
{
	struct cattp_pdu rst = { .flags = CATTP_RST, .src = 7, .dst = 8080, .seq = 4000 };

	server_open();
	rx(&W.s, rst);		/* a stranger's number */
	assert_true(cattp_is_open(W.s.l));
	rst.seq = 6;
	rx(&W.s, rst);
	assert_string_equal(cattp_state(W.s.l), "CLOSE_WAIT");
	assert_int_equal(W.s.closed, 0);
	tick(1);
	assert_int_equal(W.s.closed, 1);
	assert_true(W.s.by_peer);
	server_open();
	rx(&W.s, syn(5));	/* doubled by the network */
	assert_true(cattp_is_open(W.s.l));
	rx(&W.s, syn(77));	/* the card began anew */
	assert_int_equal(last(&W.s).flags, CATTP_RST | CATTP_ACK);
	assert_int_equal(last(&W.s).reason, CATTP_RST_UNEXPECTED);
	assert_string_equal(cattp_state(W.s.l), "CLOSE_WAIT");
	tick(1);
	server_open();
	tick(1200 * 1000 + 1);	/* idle */
	assert_int_equal(last(&W.s).flags, CATTP_RST);
	assert_int_equal(last(&W.s).reason, CATTP_RST_NORMAL);
}

static void test_limits(void **state)
{
	static uint8_t big[70000];
	struct cattp_pdu d = { .flags = CATTP_ACK | CATTP_SEG, .src = 7, .dst = 8080, .win = 5, .data = big,
			       .data_len = 40 };
	unsigned i;

	world_up(1, 0);
	assert_int_equal(cattp_send_sdu(W.s.l, big, 1), -ENOTCONN);
	server_open();
	assert_int_equal(cattp_send_sdu(W.s.l, big, 1001), -EMSGSIZE);
	assert_int_equal(cattp_send_sdu(W.s.l, big, 0), -EMSGSIZE);
	for (i = 0; i < 65; i++)
		assert_int_equal(cattp_send_sdu(W.s.l, big, 1000), 0);
	assert_int_equal(cattp_send_sdu(W.s.l, big, 1000), -ENOBUFS);
	assert_int_equal(cattp_pending(W.s.l), 65000);
	d.ack = last(&W.s).ack;
	server_open();
	d.ack = last(&W.s).seq;
	for (i = 0; i < 30 && cattp_is_open(W.s.l); i++) {	/* an SDU without end */
		d.seq = 6 + i;
		rx(&W.s, d);
	}
	assert_int_equal(i, 26);	/* 25 x 40 = 1000 fit */
	assert_int_equal(last(&W.s).reason, CATTP_RST_UNEXPECTED);
	tick(1);
}

static void hostile_rx_sdu(void *priv, const uint8_t *sdu, size_t len)
{
	struct end *e = priv;

	assert_true(len >= 1 && len <= 1000);
	e->rx_sdus++;
	if (rnd(4) == 0)
		cattp_send_sdu(e->l, sdu, len);
	if (rnd(200) == 0)
		cattp_close(e->l);
}

/* Well-formed PDUs of any kind, with numbers near the right ones, in any state: only the sanitizer and the ops judge. */
static void test_hostile(void **state)
{
	static const uint8_t flags[] = { 0x40, 0x40, 0x44, 0x44, 0x60, 0x64, 0x48, 0x68, 0x80, 0xC0, 0x10, 0x50 };
	struct cattp_ops hostile = ops;
	static uint8_t data[100];
	unsigned life, i, k, sdus = 0;

	hostile.rx_sdu = hostile_rx_sdu;
	for (life = 0; life < 300; life++) {
		struct cattp_cfg cfg;

		world_up(life, 0);
		W.hold = true;
		cattp_cfg_default(&cfg, 8080);
		cfg.max_pdu = 140;
		cfg.max_sdu = 1000;
		cfg.win = 1 + life % CATTP_WIN_MAX;
		talloc_free(W.s.l);
		W.s.l = cattp_link_new(root, &cfg, &hostile, &W.s);
		cattp_listen(W.s.l);
		rx(&W.s, syn(5));
		for (i = 0; i < 200 && W.s.l; i++) {
			struct cattp_pdu p = {
				.flags = flags[rnd(rnd(40) ? 8 : sizeof(flags))], .src = 7, .dst = 8080, .win = rnd(12),
				.seq = last(&W.s).ack + rnd(4), .ack = rnd(20) ? rnd(10) : rnd(65536),
				.max_pdu = rnd(200), .max_sdu = rnd(2000), .data = data,
			};

			if (p.flags & CATTP_EAK)
				for (; p.eack_count < rnd(6); p.eack_count++)
					p.eack[p.eack_count] = rnd(20);
			p.data_len = p.flags & (CATTP_SYN | CATTP_RST | CATTP_NUL) ? 0 : rnd(sizeof(data));
			if (i == 0 || p.flags == CATTP_SYN)
				p.seq = 5 + (i == 0);
			if (i == 0)
				p = (struct cattp_pdu) { .flags = CATTP_ACK, .src = 7, .dst = 8080, .seq = 6,
							.ack = cfg.ini, .win = 5 };
			rx(&W.s, p);
			if (rnd(10) == 0)
				tick(rnd(3000));
		}
		for (k = 0; k < 400 && W.s.l; k++)
			tick(10000);
		assert_null(W.s.l);	/* retries or idle time end it */
		assert_int_equal(W.s.closed, 1);
		sdus += W.s.rx_sdus;
		clean();
	}
	printf("%u SDUs taken\n", sdus);
	assert_true(sdus > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_listen), TEST(test_refused), TEST(test_eack), TEST(test_resets), TEST(test_limits),
		TEST(test_seeds),
		TEST(test_hostile),
	};
	void *log_ctx = talloc_named_const(NULL, 0, "log");

	osmo_init_logging2(log_ctx, &rsp_log_info);
	log_set_all_filter(osmo_stderr_target, 0);
	log_set_log_level(osmo_stderr_target, LOGL_FATAL);
	osmo_gettimeofday_override = true;
	osmo_gettimeofday_override_time = (struct timeval) { 1000000, 0 };
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	log_fini();
	talloc_free(log_ctx);
	return rc;
}
