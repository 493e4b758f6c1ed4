/* The terminal with a fake card of a few lines and the simulated network; AKA between libosmogsm and the card's own
 * Milenage. Octets the card must see are those of bip.json and ota-transport 6 (TS 102 223).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <osmocom/core/application.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/crypt/auth.h>

#include <osmocom/rsp/bip/bip_cmd.h>
#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/sms/tpdu.h>
#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/logging.h>

#include "../sms/loop.h"
#include "euicc/card.h"
#include "euicc/network.h"
#include "euicc/terminal.h"
#include "euicc/usim.h"

#define IMSI "262420000000001"
#define IMSI2 "262420000000002"
#define MSISDN "491720000001"
#define IMEI "315200000000001"

static const uint8_t k[16] = { 0x46, 0x5B, 0x5C, 0xE8 }, opc[16] = { 0xCD, 0x63, 0xCB };
static const uint8_t usim_aid[] = { 0xA0, 0, 0, 0, 0x87, 0x10, 0x02, 0xFF, 0x49, 0xFF, 0x05, 0x89 };
#define EVENTS "D00F810301050082028182190403090A0B"	/* bip.json: location, data, channel, access technology */

/* --- the card --- */

struct card {
	struct eid eid;
	const char *imsi_ef;		/* EF.IMSI as hex */
	const char *imsi_ef_after_reset;
	struct osmo_sub_auth_data aud;	/* in step with the network's */
	bool wrong_key;
	unsigned poll_s, resets, profiles, statuses, auths;
	uint16_t fid;
	bool adf;
	char queue[16][600];		/* proactive commands as hex */
	unsigned q_in, q_out;
	struct bytes *resp[32], *env[32];	/* terminal responses, envelopes */
	unsigned n_resp, n_env;
	uint16_t env_sw;
	bool fetching;
};

static void *root;
static struct network *net;
static struct card *card;
static struct terminal *term;

void card_reset(struct card *c)
{
	c->resets++;
	c->adf = false;
	c->fid = 0x3F00;
	if (c->imsi_ef_after_reset && c->resets > 1)
		c->imsi_ef = c->imsi_ef_after_reset;
}

const struct eid *card_eid(const struct card *c)
{
	return &c->eid;
}

unsigned card_poll_s(const struct card *c)
{
	return c->poll_s;
}

static void card_queue(struct card *c, const char *hex)
{
	osmo_strlcpy(c->queue[c->q_in++ % 16], hex, sizeof(c->queue[0]));
}

static uint16_t card_select(struct card *c, const uint8_t *apdu)
{
	if (apdu[2] == 0x04) {
		c->adf = apdu[4] == sizeof(usim_aid) && !memcmp(apdu + 5, usim_aid, sizeof(usim_aid));
		return c->adf ? 0x9000 : 0x6A82;
	}
	c->fid = apdu[5] << 8 | apdu[6];
	return 0x9000;
}

/* In step with the network: the same vector comes out of the same RAND */
static uint16_t card_auth(struct card *c, const uint8_t *apdu, struct bytes *resp)
{
	struct osmo_auth_vector v = {};

	assert_true(c->adf);
	c->auths++;
	assert_int_equal(osmo_auth_gen_vec(&v, &c->aud, apdu + 6), 0);
	if (memcmp(v.autn, apdu + 23, 16))
		return 0x9862;
	bytes_put_u8(resp, 0xDB);
	bytes_put_u8(resp, v.res_len);
	bytes_put(resp, v.res, v.res_len);
	return 0x9000;
}

static uint16_t card_fetch(struct card *c, const uint8_t *apdu, struct bytes *resp)
{
	assert_false(c->fetching);
	assert_true(c->q_out < c->q_in);
	assert_int_equal(strlen(c->queue[c->q_out % 16]) / 2, apdu[4]);
	bytes_put_hex(resp, c->queue[c->q_out++ % 16]);
	c->fetching = true;
	return 0x9000;
}

static uint16_t card_run(struct card *c, const uint8_t *apdu, size_t len, struct bytes *resp)
{
	switch (apdu[1]) {
	case 0xA4: return card_select(c, apdu);
	case 0xB2:
		assert_int_equal(c->fid, 0x2F00);
		if (apdu[2] > 1)
			return 0x6A83;
		bytes_put_hex(resp, "610E4F0C");
		bytes_put(resp, usim_aid, sizeof(usim_aid));
		return 0x9000;
	case 0xB0:
		assert_int_equal(c->fid, 0x6F07);
		bytes_put_hex(resp, c->imsi_ef);
		return c->imsi_ef[0] ? 0x9000 : 0x6A82;
	case 0x88: return card_auth(c, apdu, resp);
	case 0x10: c->profiles++; return 0x9000;
	case 0x12: return card_fetch(c, apdu, resp);
	case 0x14:
		assert_true(c->fetching);
		c->fetching = false;
		c->resp[c->n_resp++ % 32] = bytes_dup(root, apdu, len);
		return 0x9000;
	case 0xC2:
		assert_false(c->fetching);	/* nothing between FETCH and TERMINAL RESPONSE */
		c->env[c->n_env++ % 32] = bytes_dup(root, apdu, len - 1);
		return c->env_sw;
	case 0xF2: c->statuses++; return 0x9000;
	default: return 0x6D00;
	}
}

void card_apdu(struct card *c, const uint8_t *apdu, size_t len, struct bytes *resp)
{
	uint16_t sw = card_run(c, apdu, len, resp);

	if (sw == 0x9000 && c->q_out < c->q_in && (apdu[0] & 0x80) && !c->fetching)
		sw = 0x9100 | strlen(c->queue[c->q_out % 16]) / 2;
	bytes_put_u16(resp, sw);
}

/* --- set up --- */

static int setup(void **state)
{
	root = talloc_new(NULL);
	net = network_new(root, NULL);
	card = talloc_zero(root, struct card);
	card->imsi_ef = "082926240000000010";
	card->env_sw = 0x9000;
	card->aud.type = OSMO_AUTH_TYPE_UMTS;
	card->aud.algo = OSMO_AUTH_ALG_MILENAGE;
	memcpy(card->aud.u.umts.k, k, 16);
	memcpy(card->aud.u.umts.opc, opc, 16);
	card->aud.u.umts.amf[0] = 0x80;
	card->aud.u.umts.ind_bitlen = 5;
	assert_int_equal(network_subscriber_add(net, IMSI, MSISDN, k, opc), 0);
	assert_int_equal(network_subscriber_add(net, IMSI2, "491720000002", NULL, NULL), 0);
	term = terminal_new(root, net, card, IMEI);
	assert_null(terminal_new(root, net, card, "12"));
	return 0;
}

static int teardown(void **state)
{
	talloc_free(term);
	talloc_free(net);
	talloc_free(root);
	return 0;
}

static void power_on(void)
{
	card_queue(card, EVENTS);
	terminal_power_on(term);
	assert_true(LOOP_UNTIL(NULL, 2000, terminal_attached(term) && card->n_env == 1));
}

static void assert_hex(const struct bytes *b, const char *hex)
{
	assert_non_null(b);
	assert_string_equal(bytes_hex(root, b->data, b->len), hex);
}

/* The card has a command; waits for the response to it. */
static const struct bytes *command(const char *hex)
{
	unsigned n = card->n_resp;

	card_queue(card, hex);
	terminal_poke(term);
	assert_true(LOOP_UNTIL(NULL, 3000, card->n_resp == n + 1));
	return card->resp[n % 32];
}

static const struct bytes *command_enc(const struct bip_cmd *c)
{
	struct bytes *b = bytes_new(root, 0);

	assert_int_equal(bip_cmd_enc(b, c), 0);
	return command(bytes_hex(root, b->data, b->len));
}

/* --- registration --- */

static void boot(void **state)
{
	char *s;

	power_on();
	assert_string_equal(terminal_imsi(term), IMSI);
	assert_int_equal(card->resets, 1);
	assert_int_equal(card->profiles, 1);
	assert_int_equal(card->auths, 1);
	assert_true(network_attached(net, IMSI));
	assert_hex(card->resp[0], "801400000C810301050082028281830100");
	assert_hex(card->env[0], "80C2000017D615190103820282811B0100130962F224000100000001");	/* bip.json */
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
	card_queue(card, EVENTS);
	terminal_power_on(term);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 1));
	assert_false(terminal_attached(term));
	assert_int_equal(card->auths, 1);
	assert_hex(card->env[0], "80C200000CD60A190103820282811B0102");
}

static void no_profile(void **state)
{
	card->imsi_ef = "";
	card_queue(card, EVENTS);
	terminal_power_on(term);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 1));
	assert_hex(card->env[0], "80C200000CD60A190103820282811B0102");
	assert_string_equal(terminal_imsi(term), "");
}

static void cellar(void **state)
{
	power_on();
	terminal_set_service(term, false);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 2));
	assert_hex(card->env[1], "80C200000CD60A190103820282811B0102");
	assert_false(network_attached(net, IMSI));
	assert_hex(command("D009810301260082028182"), "801400000C810301260082028281830120");
	terminal_set_service(term, true);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 3));
	assert_true(terminal_attached(term));
}

/* SGP.02's profile switch: UICC reset, another IMSI, the old registration is gone */
static void refresh(void **state)
{
	power_on();
	card->imsi_ef_after_reset = "082926240000000020";
	command("D009810301010482028182");
	assert_true(LOOP_UNTIL(NULL, 2000, card->resets == 2 && terminal_attached(term)));
	assert_string_equal(terminal_imsi(term), IMSI2);
	assert_false(network_attached(net, IMSI));
	assert_true(network_attached(net, IMSI2));
	assert_int_equal(card->profiles, 2);
	LOOP_FOR(NULL, 30);
	assert_int_equal(card->n_env, 1);	/* the event list went with the reset */
	command("D009810301010382028182");	/* NAA initialisation: registers anew, no reset */
	assert_true(LOOP_UNTIL(NULL, 2000, card->profiles == 3 && terminal_attached(term)));
	assert_int_equal(card->resets, 2);
}

/* --- messages --- */

static void mt(void **state)
{
	static const uint8_t ud[] = { 2, 0x70, 0, 0xAA, 0xBB };
	struct tpdu_deliver d;
	struct bip_env e;

	power_on();
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
	power_on();
	assert_hex(command("D0418103011300820281838B3641000C914477000900007FF629027100002412000001EF199DC12FB02C40F83C991B1F72E2"
			   "C1983C7768AD4FCF5B8CB60062F12D02A9"), "801400000D81030113008202828183023526");
	assert_hex(command("D00D8103011300820281838B024100"), "801400000C810301130082028281830132");
	assert_hex(command("D009810301130082028183"), "801400000C810301130082028281830136");
	assert_hex(command("D009810301990082028182"), "801400000C810301990082028281830131");
	assert_hex(command("D00C8103014200820281213702FF"), "801400000C810301420082028281830132");
}

/* --- channels --- */

static int listener, peer;
static uint16_t listen_port;

static void tcp_listen(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(listener, 5), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sin, &len), 0);
	listen_port = ntohs(sin.sin_port);
}

static struct bip_cmd open_cmd(uint8_t transport)
{
	static const uint8_t bearer[] = { 3 }, dest[] = { 127, 0, 0, 1 };

	return (struct bip_cmd){ .number = 1, .type = BIP_OPEN_CHANNEL, .qualifier = 1, .src = 0x81, .dst = 0x82,
				 .bearer = { bearer, 1 }, .has_buffer = true, .buffer = 1400, .transport = transport,
				 .port = listen_port, .dest = { dest, 4 } };
}

static void open_tcp(void)
{
	struct bip_cmd c;

	tcp_listen();
	c = open_cmd(BIP_TCP_CLIENT);
	assert_hex(command_enc(&c), "80140000178103014001820282818301003802810035010339020578");	/* bip.json */
	peer = accept(listener, NULL, NULL);
	assert_int_equal(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
}

static void tcp(void **state)
{
	uint8_t buf[2000] = {}, got[2000];
	size_t n = 0;

	power_on();
	open_tcp();
	/* stored, then released together */
	assert_hex(command("D01381030143008202812136081603010000000000"), "801400000F8103014300820282818301003701FF");
	LOOP_FOR(NULL, 20);
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), -1);
	assert_hex(command("D00D81030143018202812136021603"), "801400000F8103014301820282818301003701FF");
	LOOP_FOR(NULL, 20);
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), 10);
	/* more than the buffer takes; and the peer goes at once: the card still gets everything, then hears of the end */
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = i * 7;
	assert_int_equal(send(peer, buf, sizeof(buf), 0), sizeof(buf));
	close(peer);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 2));
	assert_hex(card->env[1], "80C2000010D60E19010982028281380281003701FF");
	while (n < sizeof(got)) {
		const struct bytes *b = command("D00C8103014200820281213701ED");
		struct bip_resp r;

		assert_int_equal(bip_resp_dec(&r, b->data + 5, b->len - 5), 0);
		assert_int_equal(r.result, 0);
		assert_true(r.data.len > 0 && r.data.len <= 237);
		memcpy(got + n, r.data.v, r.data.len);
		n += r.data.len;
		if (!r.data_len)
			LOOP_FOR(NULL, 10);	/* the next octets of the stream */
	}
	assert_int_equal(n, sizeof(got));
	assert_memory_equal(got, buf, n);
	assert_true(LOOP_UNTIL(NULL, 2000, card->env[card->n_env - 1]->data[4] == 0x0D));
	assert_hex(card->env[card->n_env - 1], "80C200000DD60B19010A8202828138020105");	/* bip.json */
	assert_hex(command("D009810301410082028121"), "801400000D81030141008202828183023A03");
	close(listener);
}

static void tcp_close(void **state)
{
	uint8_t buf[10];

	power_on();
	open_tcp();
	assert_hex(command("D009810301440082028182"), "801400001081030144008202828183010038028100");
	assert_hex(command("D009810301410082028121"), "801400000C810301410082028281830100");	/* bip.json */
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), 0);
	close(peer);
	close(listener);
	struct bip_cmd c = open_cmd(BIP_TCP_CLIENT);

	assert_hex(command_enc(&c), "801400000D81030140018202828183023A07");	/* nobody listens there: bip.json */
	c.transport = 3;
	assert_hex(command_enc(&c), "801400000C810301400182028281830130");
	c.transport = 0;
	assert_hex(command_enc(&c), "801400000C810301400182028281830136");
	terminal_set_service(term, false);
	c = open_cmd(BIP_TCP_CLIENT);
	assert_hex(command_enc(&c), "801400000C810301400182028281830121");	/* bip.json */
}

/* buffer limit, network loss, card reset */
static void tcp_odd(void **state)
{
	uint8_t data[200] = {};
	struct bip_cmd c = { .number = 1, .type = BIP_SEND_DATA, .src = 0x81, .dst = 0x21, .data = { data, 200 } };
	unsigned n;

	power_on();
	open_tcp();
	for (int i = 0; i < 7; i++)
		command_enc(&c);
	assert_hex(command_enc(&c), "801400000D81030143008202828183023A04");
	n = card->n_env;
	terminal_set_service(term, false);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == n + 2));	/* location, channel dropped */
	assert_hex(card->env[n + 1], "80C200000DD60B19010A8202828138020105");
	assert_hex(command_enc(&c), "801400000D81030143008202828183023A03");
	close(peer);
	terminal_set_service(term, true);
	assert_true(LOOP_UNTIL(NULL, 2000, terminal_attached(term)));
	close(listener);
	open_tcp();
	command("D009810301010482028182");
	assert_true(LOOP_UNTIL(NULL, 2000, card->resets == 2));
	assert_int_equal(recv(peer, data, sizeof(data), 0), 0);
	close(peer);
	close(listener);
}

static void udp(void **state)
{
	struct bip_cmd c;
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	uint8_t buf[100];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	power_on();
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	listen_port = ntohs(sin.sin_port);
	c = open_cmd(BIP_UDP_CLIENT);
	assert_hex(command_enc(&c), "80140000178103014001820282818301003802810035010339020578");
	command("D00D81030143008202812136020102");
	command("D00D81030143018202812136020304");
	LOOP_FOR(NULL, 20);
	assert_int_equal(recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&sin, &len), 4);
	assert_int_equal(sendto(fd, "\x01\x02\x03\x04\x05\x06\x07\x08", 8, 0, (struct sockaddr *)&sin, len), 8);
	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&sin, len), 1);
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 2));
	assert_hex(card->env[1], "80C2000010D60E1901098202828138028100370108");
	assert_hex(command("D00C810301420082028121370108"), "8014000019810301420082028281830100360801020304050607083701" "00");
	assert_true(LOOP_UNTIL(NULL, 2000, card->n_env == 3));
	close(fd);
}

/* --- the rest of the toolkit --- */

static void small_commands(void **state)
{
	power_on();
	assert_hex(command("D009810301260182028182"), "801400001681030126018202828183010014083A51020000000010");
	assert_hex(command("D009810301260082028182"), "8014000017810301260082028281830100130962F224000100000001");
	assert_hex(command("D009810301020082028182"), "801400000C810301020082028281830100");
	assert_hex(command("D00D8103010300820281828402001E"), "80140000108103010300820282818301008402001E");
	assert_hex(command("D0118103012700820281822401012503003000"), "80140000148103012700820282818301002401012503003000");
	assert_hex(command("D00C810301270182028182240101"), "80140000148103012701820282818301002401012503003000");
	assert_hex(command("D00C810301270182028182240101"), "801400000F810301270182028281830124240101");
	command("D0118103012700820281822401022503000010");
	assert_true(LOOP_UNTIL(NULL, 3000, card->n_env == 2));
	assert_hex(card->env[1], "80C200000ED70C820282812401022503000010");
}

static void poll(void **state)
{
	unsigned n;

	power_on();
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
	aka->k = key_new(aka, KEY_TYPE_AES, k, 16);
	memcpy(aka->opc, opc, 16);
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

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(boot), T(wrong_key), T(no_profile), T(cellar), T(refresh), T(mt), T(mo), T(tcp), T(tcp_close), T(tcp_odd),
		T(udp), T(small_commands), T(poll), T(many), T(aka_real),
	};
	void *ctx = talloc_named_const(NULL, 0, "terminal_test");
	int rc;

	osmo_init_logging2(ctx, &rsp_log_info);
	log_set_log_level(osmo_stderr_target, LOGL_FATAL);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	log_fini();
	talloc_free(ctx);
	return rc;
}
