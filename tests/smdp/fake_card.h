/* An ISD-P for proc_download_test: key establishment and SCP03t from the card's end, with faults to order.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <assert.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/ota/es8_cmd.h>
#include <osmocom/rsp/ota/gp_cmd.h>
#include <osmocom/rsp/ota/scp03t.h>
#include <osmocom/rsp/ota/script.h>

enum fake_card_fault {
	FAKE_CARD_OK,
	FAKE_CARD_CERT,
	FAKE_CARD_RECEIPT,
	FAKE_CARD_CHALLENGE,
	FAKE_CARD_MAC,
	FAKE_CARD_TOKEN,
	FAKE_CARD_ABORT
};

struct fake_card {
	void *ctx, *session;
	const struct ec_key *ecasd;
	const struct bytes *expected;	/* the package that shall arrive */
	bool exists, installed, new_keys;
	size_t longest;			/* segment so far */
	struct aid aid;
	enum fake_card_fault fault;
	struct es8_keyset ks;
	struct scp03 *scp;
	struct bytes *upp;
	unsigned seq;			/* SCP03 sessions under these keys */
	struct key *token;		/* 70/01 */
	struct bytes *sd_data;		/* what came under DGI 0070 */
};

static void fake_card_init(struct fake_card *c, void *ctx, const struct ec_key *ecasd, const struct bytes *expected)
{
	*c = (struct fake_card){ .ctx = ctx, .ecasd = ecasd, .expected = expected };
}

static void fake_card_delete(struct fake_card *c)
{
	talloc_free(c->session);
	c->session = NULL;
	c->scp = NULL;
	c->exists = c->installed = false;
}

static const uint8_t fake_card_rc[16] = "random challeng", fake_card_dr[16] = "derivation rand";

static void fake_card_keys(struct fake_card *c, struct bytes *out, const struct gp_store_data *s)
{
	struct es8_keys k;
	struct es8_crt crt;
	uint8_t z[32];

	assert(es8_keys_dec(&k, s->data, s->len) == 0);
	assert(es8_crt_dec(&crt, k.a6, k.a6_len) == 0);
	assert(ec_ecka(c->ecasd, k.epk, z) == 0);
	talloc_free(c->session);
	c->session = talloc_new(c->ctx);
	c->upp = bytes_new(c->session, 0);
	c->seq = 0;
	c->token = NULL;
	c->sd_data = bytes_new(c->session, 0);
	assert(es8_derive(&c->ks, c->session, &crt, k.a6, k.a6_len, z, fake_card_dr, 16) == 0);
	c->ks.receipt[0] ^= c->fault == FAKE_CARD_RECEIPT;
	assert(es8_keys_rsp_enc(out, fake_card_dr, 16, c->ks.receipt) >= 0);
}

/* A session is opened: the answer to INITIALIZE UPDATE, APDU or 84. */
static void fake_card_session(struct fake_card *c, struct scp03_init *i, const uint8_t host[8])
{
	i->seq = ++c->seq;
	assert(scp03_card_challenge(i->card_challenge, c->ks.k[0], i->seq, &c->aid) == 0);
	i->card_challenge[0] ^= c->fault == FAKE_CARD_CHALLENGE;
	talloc_free(c->scp);
	c->scp = scp03_new(c->session, c->ks.k[0], c->ks.k[1], host, i->card_challenge);
	scp03_card_cryptogram(c->scp, i->card_cryptogram);
}

/* PUT KEY and STORE DATA under SCP03. */
static void fake_card_secured(struct fake_card *c, struct bytes *out, const struct apdu_cmd *wrapped)
{
	struct bytes *store = bytes_new(c->session, 300);
	uint8_t kvn, kid;
	uint16_t sw = 0x9000;
	struct apdu_cmd a;

	assert(scp03_unwrap(c->scp, store, &a, wrapped) == 0);
	if (a.ins == GP_INS_PUT_KEY) {
		sw = gp_put_key_dec(&c->token, c->session, &kvn, &kid, c->ks.k[2], &a);
		assert(sw != 0x9000 || (kvn == 0x70 && kid == 1));
		if (c->fault == FAKE_CARD_TOKEN)
			sw = 0x6A84;
	} else {
		assert(a.ins == GP_INS_STORE_DATA && a.p1 == 0x88 && a.lc > 3 && !memcmp(a.data, "\0\x70", 2));
		bytes_put(c->sd_data, a.data + 3, a.lc - 3);
	}
	assert(scp03_rsp_wrap(c->scp, out, NULL, 0, sw) >= 0);
}

static uint16_t fake_card_apdu(struct fake_card *c, struct bytes *out, const struct tlv *t)
{
	struct scp03_init i = { .kvn = 0x30 };
	struct gp_store_data s;
	uint8_t host[8], rsp[SCP03_INIT_LEN];
	struct apdu_cmd a;

	assert(apdu_dec(&a, t->v, t->len) == 0);
	if (a.ins == GP_INS_INIT_UPDATE) {
		assert(scp03_init_update_dec(&i.kvn, host, &a) == 0 && i.kvn == 0x30);
		fake_card_session(c, &i, host);
		scp03_init_enc(rsp, &i);
		bytes_put(out, rsp, sizeof(rsp));
		return 0x9000;
	}
	if (a.ins == GP_INS_EXT_AUTH)
		return scp03_ext_auth_dec(c->scp, &a) == 0 ? 0x9000 : 0x6300;
	if (a.ins == GP_INS_INSTALL)
		return 0x9000;
	assert(a.ins == GP_INS_STORE_DATA && gp_store_data_dec(&s, &a) == 0x9000);
	if (s.last) {
		fake_card_keys(c, out, &s);
		return 0x9000;
	}
	if (c->fault == FAKE_CARD_CERT)
		return 0x6A80;
	assert(es8_cert_rsp_enc(out, fake_card_rc, 16) >= 0);
	return 0x9000;
}

static void fake_card_init_update(struct fake_card *c, struct bytes *out, const struct tlv *t)
{
	struct scp03_init i = {};
	uint8_t host[8];

	assert(scp03t_init_dec(&i.kvn, host, t) == 0 && i.kvn == 0x30);
	fake_card_session(c, &i, host);
	scp03t_init_rsp_enc(out, &i);
}

/* false: the rest of the script is not executed. */
static bool fake_card_segment(struct fake_card *c, struct bytes *out, const struct tlv *t)
{
	struct es8_euicc_rsp r = { .n = 1, .pe[0] = { .status = 0, .identification = -1, .info = -1, .offset = -1 } };
	struct bytes *data;

	if ((c->fault == FAKE_CARD_MAC && c->upp->len > 200) || scp03t_data_dec(c->scp, c->upp, t) < 0) {
		scp03t_err_enc(out, SCP03T_TAG_DATA, SCP03T_ERR_SECURITY);
		return false;
	}
	if (c->upp->len < c->expected->len)
		return scp03t_empty_rsp_enc(out, SCP03T_TAG_DATA) >= 0;
	assert(bytes_eq(c->upp, c->expected->data, c->expected->len));
	if (c->fault == FAKE_CARD_ABORT) {
		r.pe[0].status = 2;
		r.pe[0].identification = 12;
		r.aborted = true;
	}
	data = bytes_new(c->session, 0);
	assert(es8_euicc_rsp_enc(data, &r) >= 0);
	assert(scp03t_data_rsp_enc(c->scp, out, data->data, data->len) >= 0);
	c->installed = !r.aborted;
	return true;
}

/* Bare command TLVs in, AF 80 .. 00 00 out, as an SM-SR hands it back. */
static void fake_card_script(struct fake_card *c, struct bytes *out, const uint8_t *script, size_t len)
{
	struct bytes *tlvs = bytes_new(c->ctx, 0), *data = bytes_new(c->ctx, 0);
	bool go_on = true;
	struct tlv t;
	struct rd r;

	rd_init(&r, script, len);
	while (go_on && tlv_next(&r, &t) == 1) {
		struct apdu_cmd wrapped;
		uint16_t sw;

		switch (t.tag) {
		case SCRIPT_TAG_CAPDU:
			bytes_clear(data);
			if (t.v[0] & 0x04 &&
			    t.v[1] != GP_INS_EXT_AUTH) { /* secure messaging: the status word is within */
				assert(apdu_dec(&wrapped, t.v, t.len) == 0);
				fake_card_secured(c, data, &wrapped);
				sw = data->data[data->len - 2] << 8 | data->data[data->len - 1];
				script_put_rapdu(tlvs, data->data, data->len - 2, sw);
				go_on = sw == 0x9000;
				break;
			}
			sw = fake_card_apdu(c, data, &t);
			script_put_rapdu(tlvs, data->data, data->len, sw);
			go_on = sw == 0x9000;
			break;
		case SCP03T_TAG_INIT:
			fake_card_init_update(c, tlvs, &t);
			break;
		case SCP03T_TAG_AUTH:
			go_on = scp03t_auth_dec(c->scp, &t) == 0;
			if (go_on)
				scp03t_empty_rsp_enc(tlvs, SCP03T_TAG_AUTH);
			else
				scp03t_err_enc(tlvs, SCP03T_TAG_AUTH, SCP03T_ERR_SECURITY);
			break;
		case SCP03T_TAG_KEYS:
			assert(!c->upp->len && !c->new_keys);	/* once, before the first segment */
			go_on = c->new_keys = scp03t_keys_dec(c->scp, &t) == 0;
			scp03t_empty_rsp_enc(tlvs, SCP03T_TAG_KEYS);
			break;
		default:
			assert(t.tag == SCP03T_TAG_DATA);
			c->longest = t.len > c->longest ? t.len : c->longest;
			go_on = fake_card_segment(c, tlvs, &t);
		}
	}
	assert(script_rsp_enc(out, false, 0, tlvs->data, tlvs->len, SCRIPT_BAD_NONE) >= 0);
	talloc_free(tlvs);
	talloc_free(data);
}
