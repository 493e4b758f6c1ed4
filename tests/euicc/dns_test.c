/* The card resolves its SM-SR's name: dns.json's messages (decoded by an independent dissector), and the sequence of
 * channels of SGP.02 2.4.5. SPDX-License-Identifier: AGPL-3.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/scp81_msg.h>
#include <osmocom/rsp/util/misc.h>

#include "../../src/euicc/card_cat.h"
#include "../../src/euicc/card_dns.h"
#include "../../src/euicc/card_http.h"
#include "card_rig.h"

#define NAME "smsr.example"
#define Q_A "12340100000100000000000004736D7372076578616D706C650000010001"
#define A_TWO "12348180000100020000000004736D7372076578616D706C650000010001C00C000100010000012C00040A000001" \
	"C00C000100010000012C00040A000002"
#define Q_AAAA "12350100000100000000000004736D7372076578616D706C6500001C0001"
#define A_AAAA "12358180000100010000000004736D7372076578616D706C6500001C0001C00C001C00010000012C00102001" \
	"0DB8000000000000000000000001"
#define NXDOMAIN "12348183000100000000000004736D7372076578616D706C650000010001"

static void *root;

static int dec(struct card_dns_answer *a, uint16_t id, enum card_dns_type type, const char *hex)
{
	struct bytes *b = bytes_from_hex(root, hex);
	int rc = card_dns_answer_dec(a, id, NAME, type, b->data, b->len);

	talloc_free(b);
	return rc;
}

static void test_vectors(void **state)
{
	struct bytes *q = bytes_new(root, 512);
	struct card_dns_answer a;

	assert_int_equal(card_dns_query_enc(q, 0x1234, NAME, CARD_DNS_A), 0);
	assert_string_equal(bytes_hex(root, q->data, q->len), Q_A);
	bytes_clear(q);
	assert_int_equal(card_dns_query_enc(q, 0x1235, NAME, CARD_DNS_AAAA), 0);
	assert_string_equal(bytes_hex(root, q->data, q->len), Q_AAAA);
	assert_int_equal(dec(&a, 0x1234, CARD_DNS_A, A_TWO), 0);
	assert_int_equal(a.n, 2);
	assert_string_equal(a.ip[0], "10.0.0.1");
	assert_string_equal(a.ip[1], "10.0.0.2");
	assert_int_equal(a.ttl, 300);
	assert_int_equal(dec(&a, 0x1235, CARD_DNS_AAAA, A_AAAA), 0);
	assert_string_equal(a.ip[0], "2001:db8::1");
	assert_int_equal(dec(&a, 0x1234, CARD_DNS_A, NXDOMAIN), -ENOENT);
	/* another query's, another type's, a query's echo */
	assert_int_equal(dec(&a, 0x1235, CARD_DNS_A, A_TWO), -EINVAL);
	assert_int_equal(dec(&a, 0x1235, CARD_DNS_A, A_AAAA), -EINVAL);
	assert_int_equal(dec(&a, 0x1234, CARD_DNS_A, Q_A), -EINVAL);
	bytes_clear(q);
	assert_int_equal(card_dns_query_enc(q, 1, "a..b", CARD_DNS_A), -EINVAL);
}

/* An alias is followed; records of other names are not taken; pointers in a circle end. */
static void test_names(void **state)
{
	static const char head[] = "12348180000100020000000004736D7372076578616D706C650000010001";
	struct card_dns_answer a;
	char hex[400];

	snprintf(hex, sizeof(hex), "%s%s%s", head, "C00C000500010000000A0006" "0378797AC011",
		 "0378797AC01100010001" "00000005" "0004C0000201");
	assert_int_equal(dec(&a, 0x1234, CARD_DNS_A, hex), 0);
	assert_int_equal(a.n, 1);
	assert_string_equal(a.ip[0], "192.0.2.1");
	snprintf(hex, sizeof(hex), "%s%s%s", head, "0378797A0000010001000000050004C0000201",
		 "C00C000100010000000500040A000009");
	assert_int_equal(dec(&a, 0x1234, CARD_DNS_A, hex), 0);
	assert_int_equal(a.n, 1);
	assert_string_equal(a.ip[0], "10.0.0.9");
	snprintf(hex, sizeof(hex), "%s%s", head, "C01EC01E0001");
	assert_int_equal(dec(&a, 0x1234, CARD_DNS_A, hex), -EINVAL);
}

static void test_prefixes(void **state)
{
	struct bytes *b = bytes_from_hex(root, A_TWO);
	struct card_dns_answer a;
	size_t n, bit;

	for (n = 0; n < b->len; n++) {
		uint8_t *cut = malloc(n ? n : 1);

		memcpy(cut, b->data, n);
		assert_int_equal(card_dns_answer_dec(&a, 0x1234, NAME, CARD_DNS_A, cut, n), -EINVAL);
		free(cut);
	}
	for (bit = 0; bit < b->len * 8; bit++) {
		b->data[bit / 8] ^= 1 << bit % 8;
		card_dns_answer_dec(&a, 0x1234, NAME, CARD_DNS_A, b->data, b->len);
		b->data[bit / 8] ^= 1 << bit % 8;
	}
}

/* B3 there and back, and its two spellings of a name (digest 5.2, 9). */
static void test_trigger(void **state)
{
	struct scp81_params p = { .uri = "/gsma/adminagent" }, p2;
	struct scp81_dns d = { .fqdn = NAME, .ip = "10.0.0.53" }, d2;
	struct bytes *b = bytes_new(root, 0);
	size_t n;

	assert_int_equal(scp81_trigger_dns_enc(b, &p, &d), 0);
	assert_int_equal(scp81_trigger_dec(&p2, b->data, b->len), 0);
	assert_string_equal(p2.uri, p.uri);
	assert_int_equal(scp81_trigger_dns_dec(&d2, b->data, b->len), 0);
	assert_string_equal(d2.fqdn, NAME);
	assert_string_equal(d2.ip, "10.0.0.53");
	assert_int_equal(d2.port, 53);
	for (n = 0; n < b->len; n++)
		assert_int_not_equal(scp81_trigger_dns_dec(&d2, b->data, n), 0);
	talloc_free(b);
	b = bytes_from_hex(root, "8114B312D60E04736D7372076578616D706C6500FA00");
	assert_int_equal(scp81_trigger_dns_dec(&d2, b->data, b->len), 0);
	assert_string_equal(d2.fqdn, NAME);
	talloc_free(b);
	b = bytes_from_hex(root, "8100");
	assert_int_equal(scp81_trigger_dns_dec(&d2, b->data, b->len), -ENOENT);
}

/* --- the card --- */

struct fake {
	struct rig *r;
	char dest[46];			/* of the last OPEN CHANNEL */
	uint16_t port;
	unsigned udp, tcp;		/* channels opened */
	bool open;
	struct bytes *query;
	uint8_t rx[512];
	size_t rx_len;
};

static bool bip(struct rig *r, const struct bip_cmd *c, struct bip_resp *resp)
{
	struct fake *f = r->bip_priv;

	switch (c->type) {
	case BIP_OPEN_CHANNEL:
		inet_ntop(c->dest.len == 4 ? AF_INET : AF_INET6, c->dest.v, f->dest, sizeof(f->dest));
		f->port = c->port;
		if (c->transport == BIP_TCP_CLIENT) {	/* nobody listens there */
			f->tcp++;
			resp->result = BIP_RES_BIP_ERROR;
			break;
		}
		f->udp++;
		assert_false(f->open);
		f->open = true;
		resp->has_channel = true;
		resp->channel = 0x81;
		break;
	case BIP_SEND_DATA:
		assert_int_equal(c->qualifier, 1);
		talloc_free(f->query);
		f->query = bytes_dup(r->ctx, c->data.v, c->data.len);
		break;
	case BIP_RECEIVE_DATA:
		resp->data = (struct bip_str) { f->rx, f->rx_len };
		resp->has_data_len = true;
		break;
	case BIP_CLOSE_CHANNEL:
		assert_true(f->open);
		f->open = false;
		break;
	default:
		fail();
	}
	return true;
}

/* The server's answer: the vector's octets behind the query's identifier. */
static void reply(struct fake *f, const char *hex)
{
	struct bip_env e = { .tag = BIP_ENV_EVENT, .src = BIP_DEV_TERMINAL, .dst = BIP_DEV_UICC,
			     .event = BIP_EV_DATA_AVAILABLE, .has_channel = true, .channel = 0x81, .has_data_len = true };

	f->rx_len = hex_dec(f->rx, sizeof(f->rx), hex);
	memcpy(f->rx, f->query->data, 2);
	e.data_len = f->rx_len;
	rig_envelope(f->r, &e);
}

static void trigger(struct fake *f)
{
	struct scp81_params p = { .has_conn = true, .port = 8443, .has_retry = true, .retry_count = 2, .retry_delay_s = 9 };
	struct scp81_dns d = { .fqdn = NAME, .ip = "10.0.0.53" };
	struct bytes *b = bytes_new(f->r->ctx, 0);
	int status;

	assert_int_equal(scp81_trigger_dns_enc(b, &p, &d), 0);
	rig_payload(f->r, SCP80_TAR_ISD_R, b->data, b->len, &status);
	assert_int_equal(status, SCP80_ST_OK);
}

static struct fake *fake_new(void)
{
	struct rig *r = rig_new(NULL, NULL);
	struct fake *f = talloc_zero(r->ctx, struct fake);

	f->r = r;
	r->bip = bip;
	r->bip_priv = f;
	rig_power(r);
	r->card->smsr.ip[0] = '\0';	/* only the name is known */
	return f;
}

static void test_resolve(void **state)
{
	struct fake *f = fake_new();

	clock_override(1795514400000);
	trigger(f);
	assert_string_equal(card_http_state(f->r->card), "resolving");
	assert_string_equal(f->dest, "10.0.0.53");
	assert_int_equal(f->port, 53);
	assert_memory_equal(bytes_hex(f->r->ctx, f->query->data + 2, f->query->len - 2), &Q_A[4], strlen(Q_A) - 4);
	reply(f, A_TWO);
	assert_int_equal(f->tcp, 1);
	assert_string_equal(f->dest, "10.0.0.1");
	assert_int_equal(f->port, 8443);
	assert_false(f->open);
	/* no connection: after the retry delay the other address, without asking again */
	assert_int_equal(f->r->timer[CARD_TIMER_HTTP], 9);
	rig_timer(f->r, CARD_TIMER_HTTP);
	assert_int_equal(f->udp, 1);
	assert_string_equal(f->dest, "10.0.0.2");
	/* 300 s later what was learned is void */
	clock_override(1795514400000 + 301000);
	rig_timer(f->r, CARD_TIMER_HTTP);
	assert_int_equal(f->udp, 2);
	reply(f, "12348180000100000000000004736D7372076578616D706C650000010001");	/* no address of IPv4 */
	assert_int_equal(f->query->data[f->query->len - 3], 0x1C);
	reply(f, A_AAAA);
	assert_string_equal(f->dest, "2001:db8::1");
	assert_int_equal(f->tcp, 3);
	assert_string_equal(card_http_state(f->r->card), "idle");	/* retries are used up */
	clock_override(-1);
	rig_free(f->r);
}

/* Unknown name, no answer, refused: the session ends as its retry policy says, and the channel is given back. */
static void test_not_resolved(void **state)
{
	struct fake *f = fake_new();
	unsigned i;

	trigger(f);
	reply(f, NXDOMAIN);
	assert_int_equal(f->tcp, 0);
	assert_false(f->open);
	assert_string_equal(card_http_state(f->r->card), "waiting");
	rig_timer(f->r, CARD_TIMER_HTTP);
	for (i = 0; i < 3; i++)		/* silence: three tries */
		rig_timer(f->r, CARD_TIMER_DNS);
	assert_false(f->open);
	assert_string_equal(card_http_state(f->r->card), "waiting");
	rig_timer(f->r, CARD_TIMER_HTTP);
	reply(f, A_AAAA);		/* another question's: not taken */
	assert_string_equal(card_http_state(f->r->card), "resolving");
	assert_int_equal(f->tcp, 0);
	rig_power(f->r);		/* reset in the middle */
	assert_string_equal(card_http_state(f->r->card), "idle");
	rig_free(f->r);
}

static int setup(void **state)
{
	root = talloc_named_const(NULL, 0, "test");
	return 0;
}

static int teardown(void **state)
{
	talloc_free(root);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors), cmocka_unit_test(test_names), cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_trigger), cmocka_unit_test(test_resolve), cmocka_unit_test(test_not_resolved),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
