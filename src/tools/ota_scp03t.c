/* osmo-ota: SCP03t, profile transport by tags 84 to 87 (SGP.02 4.1.3.3), either end.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <osmocom/rsp/ota/scp03t.h>
#include "ota_scp03.h"

static const struct ota_field enc_fields[] = {
	OTA_SCP03_SERVER_FIELDS,
	{ "segments", OTA_LIST, false, 0, SCP03T_SEG_MAX, "plain segments, each becomes one 86" },
	{ "mcv", OTA_HEX, false, 16, 16, "MAC chaining value of tag 87, behind the segments" },
	{ "ppk_enc", OTA_HEX, false, 16, 32, "PPK-ENC of tag 87" },
	{ "ppk_mac", OTA_HEX, false, 16, 32, "PPK-CMAC of tag 87" },
	{ "ppk_rmac", OTA_HEX, false, 16, 32, "PPK-RMAC of tag 87" },
	{ "profile", OTA_HEX, false, OTA_ANY, "a whole package, cut into 86 behind the 87" },
	{ "max_tlv", OTA_NUM, false, 34, 1024, "largest 86 of the profile, 1024" },
	{ "answers", OTA_LIST, false, 2, 1100, "the card's answer TLVs to 85 and what follows" },
	{}
};

struct server {
	struct ota_req *q;
	struct scp03 *s;
	json_t *tlvs, *plain;
	unsigned sent;		/* TLVs that an answer belongs to */
};

/* One command TLV is ready: into the list, and its answer, when given, under the state it left behind. */
static int sent(struct server *v, uint32_t tag, const struct bytes *tlv)
{
	struct bytes *in, *out = bytes_new(v->q->ctx, 0);
	unsigned i = v->sent++;
	struct tlv t;
	struct rd r;
	uint8_t err;
	json_t *o;
	int rc;

	ota_add_bytes(v->tlvs, tlv);
	if (i >= ota_list_len(v->q, "answers"))
		return 0;
	in = ota_item(v->q, "answers", i);
	rd_init(&r, in->data, in->len);
	if (tlv_next(&r, &t) != 1 || r.left)
		return -EINVAL;
	rc = scp03t_rsp_dec(v->s, out, &err, tag, &t);
	if (rc == -EREMOTEIO)
		return ota_fail(v->q, rc, scp03t_err_text(tag, err));
	if (rc < 0)
		return ota_fail(v->q, rc, "answers: not the answer to its command, or R-MAC wrong");
	o = ota_add_object(v->plain);
	ota_put_be(o, "tag", tag, 1);
	ota_put_bytes(o, "data", out);
	return 0;
}

static int send_auth(struct server *v)
{
	struct bytes *out = bytes_new(v->q->ctx, 0);
	int rc = scp03t_auth_enc(v->s, out);

	return rc < 0 ? rc : sent(v, SCP03T_TAG_AUTH, out);
}

static int send_data(struct server *v, const uint8_t *data, size_t len)
{
	struct bytes *out = bytes_new(v->q->ctx, 0);
	int rc = scp03t_data_enc(v->s, out, data, len);

	return rc < 0 ? rc : sent(v, SCP03T_TAG_DATA, out);
}

static int send_keys(struct server *v)
{
	struct bytes *out = bytes_new(v->q->ctx, 0);
	struct key *enc, *mac, *rmac;
	uint8_t mcv[16];
	int rc;

	if (!ota_has(v->q, "mcv"))
		return 0;
	ota_fixed(v->q, "mcv", mcv, 16);
	enc = ota_key(v->q, "ppk_enc", KEY_TYPE_AES);
	mac = ota_key(v->q, "ppk_mac", KEY_TYPE_AES);
	rmac = ota_key(v->q, "ppk_rmac", KEY_TYPE_AES);
	if (!enc || !mac || !rmac)
		return -EINVAL;
	rc = scp03t_keys_enc(v->s, out, mcv, enc, mac, rmac);
	return rc < 0 ? rc : sent(v, SCP03T_TAG_KEYS, out);
}

static int send_profile(struct server *v)
{
	struct bytes *p = ota_hex(v->q, "profile");
	size_t off = 0, n;
	int rc = 0;

	while (rc == 0 && p && off < p->len) {
		n = scp03t_seg_len(p->len - off, ota_num(v->q, "max_tlv", 1024));
		if (n == 0)
			return -EMSGSIZE;
		rc = send_data(v, p->data + off, n);
		off += n;
	}
	return rc;
}

static int do_enc(struct ota_req *q)
{
	struct server v = { .q = q, .tlvs = ota_put_list(q->out, "tlvs") };
	struct bytes *init = bytes_new(q->ctx, 0), *seg;
	unsigned i, n = ota_list_len(q, "segments");
	uint8_t host[8];
	int rc;

	ota_fixed(q, "host_challenge", host, 8);
	rc = scp03t_init_enc(init, ota_be(q, "kvn", 0x30), host);
	if (rc == 0)
		rc = ota_scp03_server(q, &v.s);
	if (rc < 0)
		return rc;
	ota_add_bytes(v.tlvs, init);
	if (!v.s)
		return 0;
	v.plain = ota_put_list(q->out, "answers");
	rc = send_auth(&v);
	for (i = 0; rc == 0 && i < n; i++) {
		seg = ota_item(q, "segments", i);
		rc = send_data(&v, seg->data, seg->len);
	}
	if (rc == 0)
		rc = send_keys(&v);
	return rc == 0 ? send_profile(&v) : rc;
}

static const struct ota_field dec_fields[] = {
	OTA_SCP03_CARD_FIELDS,
	{ "tlvs", OTA_LIST, true, 2, OTA_HEX_MAX, "command TLVs from 84 or 85 on; one entry may hold several" },
	{}
};

static int dec_one(struct ota_req *q, struct scp03 *s, const struct tlv *t, json_t *list)
{
	struct bytes *out = bytes_new(q->ctx, 0);
	uint8_t kvn, host[8];
	int rc;

	switch (t->tag) {
	case SCP03T_TAG_INIT:
		rc = scp03t_init_dec(&kvn, host, t);
		if (rc == 0) {
			ota_put_be(q->out, "kvn", kvn, 1);
			ota_put_hex(q->out, "host_challenge", host, 8);
		}
		return rc;
	case SCP03T_TAG_AUTH:
		return scp03t_auth_dec(s, t);
	case SCP03T_TAG_DATA:
		rc = scp03t_data_dec(s, out, t);
		if (rc == 0)
			ota_add_bytes(list, out);
		return rc;
	case SCP03T_TAG_KEYS:
		rc = scp03t_keys_dec(s, t);
		if (rc == 0)
			ota_put_bool(q->out, "keys_replaced", true);
		return rc;
	default:
		return -EINVAL;
	}
}

static int do_dec(struct ota_req *q)
{
	unsigned i, n = ota_list_len(q, "tlvs");
	struct scp03 *s = ota_scp03_card(q);
	struct bytes *in;
	json_t *list;
	struct tlv t;
	struct rd r;
	int rc = 0;

	if (!s)
		return -EINVAL;
	list = ota_put_list(q->out, "segments");
	for (i = 0; rc == 0 && i < n; i++) {
		in = ota_item(q, "tlvs", i);
		rd_init(&r, in->data, in->len);
		while ((rc = tlv_next(&r, &t)) == 1) {
			rc = dec_one(q, s, &t, list);
			if (rc < 0)
				return rc;
		}
	}
	return rc;
}

#define KEYS_EX "\"enc_key\":\"A4F24603B381BB1427C942D3F9807004\",\"mac_key\":\"5BC21EFB999D16878B978CAF7BEDB8F7\"," \
	"\"host_challenge\":\"0102030405060708\""

const struct ota_op ota_scp03t_ops[] = {
	{ "scp03t_enc", "the server's end: 84, 85, 86 .. 87 and the card's answers", enc_fields, do_enc,
	  "{\"op\":\"scp03t_enc\"," KEYS_EX ",\"card_answer\":"
	  "\"00000000000000000000300370A4430C7A4C52F4A701E292799D17C2BC000001\",\"segments\":[\"AA07A00580008101"
	  "02\"]}" },
	{ "scp03t_dec", "the card's end: plain segments from 84, 85, 86, 87", dec_fields, do_dec,
	  "{\"op\":\"scp03t_dec\"," KEYS_EX ",\"card_challenge\":\"A4430C7A4C52F4A7\",\"tlvs\":"
	  "[\"851133762C42307F9B2797FF7411E3590822B6\",\"8638038CF0E4E0F82B8C9BEA5037B14CF254978E1E82455B84AB7EF"
	  "85E44A1B738C3"
	  "C1EFF4E6D2D087CB0497C1E2F38AC4397097D35E4E92C49F\"]}" },
	{}
};
