/* osmo-ota: a whole SCP03 session from static keys and challenges, either end (GP Amd D, SGP.02 4.1.3.4).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include "ota_scp03.h"

int ota_scp03_server(struct ota_req *q, struct scp03 **s)
{
	struct key *enc = ota_key(q, "enc_key", KEY_TYPE_AES), *mac = ota_key(q, "mac_key", KEY_TYPE_AES);
	struct bytes *answer = ota_hex(q, "card_answer");
	struct scp03_init init;
	uint8_t host[8];
	int rc;

	*s = NULL;
	if (!enc || !mac)
		return -EINVAL;
	if (!answer)
		return 0;
	ota_fixed(q, "host_challenge", host, 8);
	rc = scp03_init_dec(&init, answer->data, SCP03_INIT_LEN);
	if (rc == 0)
		rc = scp03_start(s, q->ctx, enc, mac, host, &init);
	if (rc == -EBADMSG)
		return ota_fail(q, rc, "card cryptogram wrong");
	if (rc == 0)
		ota_scp03_put_keys(q, enc, mac, host, init.card_challenge);
	return rc;
}

/* Derivation constants of GP Amd D 4.1.5: S-ENC 04, S-MAC 06, S-RMAC 07. */
void ota_scp03_put_keys(struct ota_req *q, const struct key *enc, const struct key *mac, const uint8_t host[8],
			const uint8_t card[8])
{
	static const struct { const char *name; uint8_t constant; } keys[] = {
		{ "s_enc", 4 }, { "s_mac", 6 }, { "s_rmac", 7 },
	};
	struct bytes *context = bytes_dup(q->ctx, host, 8);
	struct key *k;
	size_t i;

	bytes_put(context, card, 8);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (kdf_scp03_key(&k, q->ctx, i ? mac : enc, keys[i].constant, context->data, context->len) == 0)
			ota_put_key(q->out, keys[i].name, k);
	}
}

static const struct ota_field session_fields[] = {
	OTA_SCP03_SERVER_FIELDS,
	{ "commands", OTA_LIST, false, 4, 261, "plain C-APDUs" },
	{ "answers", OTA_LIST, false, 2, 258, "the card's answers to them, in order" },
	{}
};

static int session_answer(struct ota_req *q, struct scp03 *s, json_t *list, const struct bytes *in)
{
	struct bytes *out = bytes_new(q->ctx, 0);
	uint16_t sw;
	json_t *o;
	int rc = scp03_rsp_unwrap(s, out, &sw, in->data, in->len);

	if (rc < 0)
		return ota_fail(q, rc, "answers: R-MAC wrong or malformed");
	o = ota_add_object(list);
	ota_put_be(o, "sw", sw, 2);
	ota_put_bytes(o, "data", out);
	return 0;
}

static int session_commands(struct ota_req *q, struct scp03 *s)
{
	unsigned i, n = ota_list_len(q, "commands"), answers = ota_list_len(q, "answers");
	json_t *wrapped = ota_put_list(q->out, "wrapped"), *plain = ota_put_list(q->out, "answers");
	struct bytes *in, *out;
	struct apdu_cmd c;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++) {
		in = ota_item(q, "commands", i);
		out = bytes_new(q->ctx, 0);
		rc = apdu_dec(&c, in->data, in->len);
		if (rc == 0)
			rc = scp03_wrap(s, out, &c);
		if (rc < 0)
			return rc;
		ota_add_bytes(wrapped, out);
		if (i < answers)
			rc = session_answer(q, s, plain, ota_item(q, "answers", i));
	}
	return rc;
}

static int session(struct ota_req *q)
{
	struct bytes *iu = bytes_new(q->ctx, 0), *ea = bytes_new(q->ctx, 0);
	uint8_t host[8];
	struct scp03 *s;
	int rc;

	ota_fixed(q, "host_challenge", host, 8);
	rc = scp03_init_update_enc(iu, ota_be(q, "kvn", 0x30), host);
	if (rc < 0)
		return rc;
	ota_put_bytes(q->out, "init_update", iu);
	rc = ota_scp03_server(q, &s);
	if (rc < 0 || !s)
		return rc;
	rc = scp03_ext_auth_enc(s, ea);
	if (rc < 0)
		return rc;
	ota_put_bytes(q->out, "ext_auth", ea);
	return session_commands(q, s);
}

static const struct ota_field unwrap_fields[] = {
	OTA_SCP03_CARD_FIELDS,
	{ "commands", OTA_LIST, true, 4, 261, "EXTERNAL AUTHENTICATE, then wrapped C-APDUs" },
	{ "answers", OTA_LIST, false, 2, 258, "plain R-APDUs to those behind EXTERNAL AUTHENTICATE" },
	{}
};

struct scp03 *ota_scp03_card(struct ota_req *q)
{
	struct key *enc = ota_key(q, "enc_key", KEY_TYPE_AES), *mac = ota_key(q, "mac_key", KEY_TYPE_AES);
	uint8_t host[8], card[8];

	ota_fixed(q, "host_challenge", host, 8);
	ota_fixed(q, "card_challenge", card, 8);
	return enc && mac ? scp03_new(q->ctx, enc, mac, host, card) : NULL;
}

static int unwrap_one(struct ota_req *q, struct scp03 *s, unsigned i, json_t *plain, json_t *wrapped)
{
	struct bytes *in = ota_item(q, "commands", i), *out = bytes_new(q->ctx, 0), *store = bytes_new(q->ctx, 0);
	struct apdu_cmd c, p;
	struct apdu_rsp a;
	int rc = apdu_dec(&c, in->data, in->len);

	if (rc < 0)
		return rc;
	if (i == 0)
		return scp03_ext_auth_dec(s, &c);
	rc = scp03_unwrap(s, store, &p, &c);
	if (rc == 0)
		rc = apdu_put(out, &p);
	if (rc < 0)
		return rc;
	ota_add_bytes(plain, out);
	if (i > ota_list_len(q, "answers"))
		return 0;
	in = ota_item(q, "answers", i - 1);
	out = bytes_new(q->ctx, 0);
	rc = apdu_rsp_dec(&a, in->data, in->len);
	if (rc == 0)
		rc = scp03_rsp_wrap(s, out, a.data, a.len, a.sw);
	if (rc == 0)
		ota_add_bytes(wrapped, out);
	return rc;
}

static int unwrap(struct ota_req *q)
{
	unsigned i, n = ota_list_len(q, "commands");
	struct scp03 *s = ota_scp03_card(q);
	json_t *plain, *wrapped;
	int rc = 0;

	if (!s)
		return -EINVAL;
	plain = ota_put_list(q->out, "plain");
	wrapped = ota_put_list(q->out, "answers");
	for (i = 0; rc == 0 && i < n; i++)
		rc = unwrap_one(q, s, i, plain, wrapped);
	return rc == -EACCES ? ota_fail(q, rc, "host cryptogram wrong") : rc;
}

static const struct ota_field card_fields[] = {
	{ "enc_key", OTA_HEX, true, 16, 32, "static Key-ENC" },
	{ "mac_key", OTA_HEX, true, 16, 32, "static Key-MAC" },
	{ "host_challenge", OTA_HEX, true, 8, 8, "host challenge" },
	{ "kvn", OTA_HEX, false, 1, 1, "key version, 30" },
	{ "seq", OTA_HEX, true, 3, 3, "sequence counter, already incremented" },
	{ "aid", OTA_HEX, true, 5, 16, "security domain" },
	{}
};

static int card_answer(struct ota_req *q)
{
	struct key *enc = ota_key(q, "enc_key", KEY_TYPE_AES), *mac = ota_key(q, "mac_key", KEY_TYPE_AES);
	struct scp03_init i = { .kvn = ota_be(q, "kvn", 0x30), .seq = ota_be(q, "seq", 0) };
	struct bytes *b = ota_hex(q, "aid");
	uint8_t host[8], out[SCP03_INIT_LEN];
	struct scp03 *s;
	struct aid aid;

	ota_fixed(q, "host_challenge", host, 8);
	if (!enc || !mac || aid_from_bytes(&aid, b->data, b->len) < 0 ||
	    scp03_card_challenge(i.card_challenge, enc, i.seq, &aid) < 0)
		return -EINVAL;
	s = scp03_new(q->ctx, enc, mac, host, i.card_challenge);
	if (!s)
		return -EINVAL;
	scp03_card_cryptogram(s, i.card_cryptogram);
	scp03_init_enc(out, &i);
	ota_put_hex(q->out, "card_challenge", i.card_challenge, 8);
	ota_put_hex(q->out, "card_cryptogram", i.card_cryptogram, 8);
	ota_put_hex(q->out, "card_answer", out, sizeof(out));
	scp03_host_cryptogram(s, out);
	ota_put_hex(q->out, "host_cryptogram", out, 8);
	ota_scp03_put_keys(q, enc, mac, host, i.card_challenge);
	return 0;
}

#define KEYS_EX "\"enc_key\":\"000102030405060708090A0B0C0D0E0F\",\"mac_key\":\"101112131415161718191A1B1C1D1E1F\"," \
	"\"host_challenge\":\"FDF38259A1E0DE44\""

const struct ota_op ota_scp03_ops[] = {
	{ "scp03_session", "the server's end: authenticate, wrap commands, unwrap answers", session_fields, session,
	  "{\"op\":\"scp03_session\"," KEYS_EX ",\"card_answer\":"
	  "\"000000000000000000003003703B1ACA81E821F219081CDC01C26B372D000003\",\"commands\":[\"80E2910006BF3E03"
	  "5C015A00\"]}" },
	{ "scp03_unwrap", "the card's end: unwrap commands, wrap answers", unwrap_fields, unwrap,
	  "{\"op\":\"scp03_unwrap\"," KEYS_EX ",\"card_challenge\":\"3B1ACA81E821F219\",\"commands\":"
	  "[\"84823300108C36F96BCC00724A4E13AD591D7DA3F0\","
	  "\"84E2910018267A85DFE4A98FCA6FB0527E0DFECCE4914E40401433C87F00\"]}" },
	{ "scp03_card", "the card's end: answer to INITIALIZE UPDATE, and both cryptograms", card_fields, card_answer,
	  "{\"op\":\"scp03_card\"," KEYS_EX ",\"seq\":\"000001\",\"aid\":\"A0000005591010FFFFFFFF8900001300\"}" },
	{}
};
