/* See session_peer.h.  SPDX-License-Identifier: AGPL-3.0-or-later */
#include "session_peer.h"
#include <string.h>
#include <arpa/inet.h>
#include <talloc.h>

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

struct peer *peer_new(uint16_t max_sdu)
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

void peer_syn(struct peer *p, const uint8_t *id, size_t len)
{
	assert_int_equal(cattp_open(p->link, card_sessions_cattp_port(W->cs), id, len), 0);
}

/* --- the world with CAT_TP ------------------------------------------------------------------------------------ */

int cattp_setup(void **state)
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

struct card_cmd long_cmd(struct owner *o, size_t len)
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

void push_id(unsigned n, uint8_t id[8], struct scp80_sec *sec)
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

void sdu_open(struct peer *p, struct scp80_sec *sec, struct bytes **script)
{
	*script = bytes_new(W, 0);
	assert_int_equal(scp80_cattp_cmd_dec(*script, sec, W->kic, W->kid, p->sdu, p->sdu_len), 0);
}

void sdu_answer(struct peer *p, const struct scp80_sec *sec, uint8_t status, const char *hex)
{
	struct bytes *b = bytes_new(W, 0);
	uint8_t data[600];
	size_t len = world_hex(data, sizeof(data), hex);

	assert_int_equal(scp80_cattp_rsp_enc(b, sec, W->kic, W->kid, status, data, len), 0);
	assert_int_equal(cattp_send_sdu(p->link, b->data, b->len), 0);
}

struct peer *connected(struct owner *o, struct scp80_sec *sec, struct bytes **script)
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

int cattp_tests(const struct CMUnitTest *tests, size_t n)
{
	void *ctx = talloc_named_const(NULL, 0, "counters");
	int rc;

	counters_init(ctx);
	rc = _cmocka_run_group_tests("cattp", tests, n, NULL, NULL);
	talloc_free(ctx);
	return rc;
}
