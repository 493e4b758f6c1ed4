/* SCP03 and SCP03t, both ends, with a session in force (GP Amd D, SGP.02 4.1.3.3). The first octet chooses; 6 and above: what
 * one end wraps the other must read. SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/ota/scp03t.h>

#include "fuzz.h"

static const uint8_t kb[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
static const uint8_t challenge[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

struct ends {
	struct scp03 *server, *card;
};

static void open_session(struct ends *e, void *ctx, struct bytes *auth)
{
	struct key *enc = key_new(ctx, KEY_TYPE_AES, kb, 16), *mac = key_new(ctx, KEY_TYPE_AES, kb, 16);
	struct scp03_init i = { .kvn = 0x30, .seq = 1 };
	struct tlv t;

	FUZZ_CHECK(scp03_card_challenge(i.card_challenge, enc, 1, &aid_isd_r) == 0);
	e->card = scp03_new(ctx, enc, mac, challenge, i.card_challenge);
	scp03_card_cryptogram(e->card, i.card_cryptogram);
	FUZZ_CHECK(scp03_start(&e->server, ctx, enc, mac, challenge, &i) == 0);
	FUZZ_CHECK(scp03t_auth_enc(e->server, auth) == 0);
	FUZZ_CHECK(tlv_find(auth->data, auth->len, SCP03T_TAG_AUTH, &t) == 0);
	FUZZ_CHECK(scp03t_auth_dec(e->card, &t) == 0);
}

static void there_and_back(struct ends *e, void *ctx, const uint8_t *in, size_t len)
{
	struct bytes *b = bytes_new(ctx, 0), *out = bytes_new(ctx, 0);
	struct tlv t;
	uint8_t err;

	len = len > SCP03T_SEG_MAX ? SCP03T_SEG_MAX : len;
	FUZZ_CHECK(scp03t_data_enc(e->server, b, in, len) == 0);
	FUZZ_CHECK(tlv_find(b->data, b->len, SCP03T_TAG_DATA, &t) == 0);
	FUZZ_CHECK(scp03t_data_dec(e->card, out, &t) == 0 && bytes_eq(out, in, len));
	bytes_clear(b);
	bytes_clear(out);
	FUZZ_CHECK(scp03t_data_rsp_enc(e->card, b, in, len) == 0);
	FUZZ_CHECK(tlv_find(b->data, b->len, SCP03T_TAG_DATA, &t) == 0);
	FUZZ_CHECK(scp03t_rsp_dec(e->server, out, &err, SCP03T_TAG_DATA, &t) == 0 && bytes_eq(out, in, len));
}

static void tlvs(struct ends *e, void *ctx, uint8_t mode, const uint8_t *in, size_t len)
{
	struct bytes *out = bytes_new(ctx, 0);
	uint8_t kvn, host[8], err;
	struct rd r;
	struct tlv t;

	rd_init(&r, in, len);
	while (tlv_next(&r, &t) == 1) {
		if (mode == 0) {
			scp03t_rsp_dec(e->server, out, &err, t.tag & 0x8F, &t);
		} else if (mode == 1) {
			scp03t_init_dec(&kvn, host, &t);
			scp03t_auth_dec(e->card, &t);
		} else if (mode == 2) {
			scp03t_data_dec(e->card, out, &t);
		} else {
			scp03t_keys_dec(e->card, &t);
		}
	}
}

static void apdus(struct ends *e, void *ctx, const uint8_t *in, size_t len)
{
	struct bytes *out = bytes_new(ctx, 0);
	uint8_t kvn, host[8];
	struct apdu_cmd c, plain;
	struct scp03_init i;
	uint16_t sw;

	scp03_init_dec(&i, in, len);
	scp03_rsp_unwrap(e->server, out, &sw, in, len);
	if (apdu_dec(&c, in, len) < 0)
		return;
	scp03_init_update_dec(&kvn, host, &c);
	scp03_ext_auth_dec(e->card, &c);
	scp03_unwrap(e->card, out, &plain, &c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	void *ctx = talloc_new(NULL);
	struct ends e;

	open_session(&e, ctx, bytes_new(ctx, 0));
	if (len && data[0] < 4)
		tlvs(&e, ctx, data[0], data + 1, len - 1);
	else if (len && data[0] < 6)
		apdus(&e, ctx, data + 1, len - 1);
	else if (len)
		there_and_back(&e, ctx, data + 1, len - 1);
	talloc_free(ctx);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	struct key *k = key_new(ctx, KEY_TYPE_AES, kb, 16);
	struct bytes *out = bytes_new(ctx, 0);
	struct scp03_init i = { .kvn = 0x30, .seq = 1 };
	struct apdu_cmd c = { .cla = 0x80, .ins = 0xE2, .data = kb, .lc = 16 };
	struct ends e;

	open_session(&e, ctx, out);
	fuzz_add_bytes(add, 1, out);
	scp03t_init_enc(out, 0x30, challenge);
	fuzz_add_bytes(add, 1, out);
	scp03t_init_rsp_enc(out, &i);
	fuzz_add_bytes(add, 0, out);
	scp03t_empty_rsp_enc(out, SCP03T_TAG_AUTH);
	scp03t_err_enc(out, SCP03T_TAG_DATA, 2);
	fuzz_add_bytes(add, 0, out);
	scp03t_data_enc(e.server, out, kb, 16);
	fuzz_add_bytes(add, 2, out);
	scp03t_data_rsp_enc(e.card, out, kb, 16);
	fuzz_add_bytes(add, 0, out);
	open_session(&e, ctx, bytes_new(ctx, 0));
	scp03t_keys_enc(e.server, out, kb, k, k, k);
	fuzz_add_bytes(add, 3, out);
	open_session(&e, ctx, bytes_new(ctx, 0));
	scp03_wrap(e.server, out, &c);
	fuzz_add_bytes(add, 4, out);
	scp03_init_update_enc(out, 0x30, challenge);
	fuzz_add_bytes(add, 4, out);
	add("\6plain", 6);
}
