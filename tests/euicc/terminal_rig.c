/* See terminal_rig.h. SPDX-License-Identifier: AGPL-3.0-or-later */
#include "terminal_rig.h"

const uint8_t terminal_rig_k[16] = { 0x46, 0x5B, 0x5C, 0xE8 },
	terminal_rig_opc[16] = { 0xCD, 0x63, 0xCB };
static const uint8_t usim_aid[] = { 0xA0, 0, 0, 0, 0x87, 0x10, 0x02, 0xFF, 0x49, 0xFF, 0x05, 0x89 };

void *root;
struct network *net;
struct card *card;
struct terminal *term;

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

void terminal_rig_queue(struct card *c, const char *hex)
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

int terminal_rig_setup(void **state)
{
	root = talloc_new(NULL);
	net = network_new(root, NULL);
	card = talloc_zero(root, struct card);
	card->imsi_ef = "082926240000000010";
	card->env_sw = 0x9000;
	card->aud.type = OSMO_AUTH_TYPE_UMTS;
	card->aud.algo = OSMO_AUTH_ALG_MILENAGE;
	memcpy(card->aud.u.umts.k, terminal_rig_k, 16);
	memcpy(card->aud.u.umts.opc, terminal_rig_opc, 16);
	card->aud.u.umts.amf[0] = 0x80;
	card->aud.u.umts.ind_bitlen = 5;
	assert_int_equal(network_subscriber_add(net, IMSI, MSISDN, terminal_rig_k, terminal_rig_opc), 0);
	assert_int_equal(network_subscriber_add(net, IMSI2, "491720000002", NULL, NULL), 0);
	term = terminal_new(root, net, card, IMEI);
	assert_null(terminal_new(root, net, card, "12"));
	return 0;
}

int terminal_rig_teardown(void **state)
{
	talloc_free(term);
	talloc_free(net);
	talloc_free(root);
	return 0;
}

void terminal_rig_power_on(void)
{
	terminal_rig_queue(card, EVENTS);
	terminal_power_on(term);
	assert_true(LOOP_UNTIL(NULL, 2000, terminal_attached(term) && card->n_env == 1));
}

void terminal_rig_is(const struct bytes *b, const char *hex)
{
	assert_non_null(b);
	assert_string_equal(bytes_hex(root, b->data, b->len), hex);
}

/* The card has a command; waits for the response to it. */
const struct bytes *terminal_rig_do(const char *hex)
{
	unsigned n = card->n_resp;

	terminal_rig_queue(card, hex);
	terminal_poke(term);
	assert_true(LOOP_UNTIL(NULL, 3000, card->n_resp == n + 1));
	return card->resp[n % 32];
}

const struct bytes *terminal_rig_do_enc(const struct bip_cmd *c)
{
	struct bytes *b = bytes_new(root, 0);

	assert_int_equal(bip_cmd_enc(b, c), 0);
	return terminal_rig_do(bytes_hex(root, b->data, b->len));
}

int terminal_rig_main(const char *name, const struct CMUnitTest *tests, size_t n)
{
	void *ctx = talloc_named_const(NULL, 0, name);
	int rc;

	osmo_init_logging2(ctx, &rsp_log_info);
	log_set_log_level(osmo_stderr_target, LOGL_FATAL);
	rc = _cmocka_run_group_tests(name, tests, n, NULL, NULL);
	log_fini();
	talloc_free(ctx);
	return rc;
}
