/* osmo-ota: remote command scripts and their responses (TS 102 226 5.2), COMPREHENSION-TLVs (TS 101 220 7.1.1).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <osmocom/rsp/bip/ctlv.h>
#include <osmocom/rsp/ota/es5_cmd.h>
#include <osmocom/rsp/ota/script.h>
#include "ota_op.h"

static const struct ota_field cmd_enc_fields[] = {
	{ "apdus", OTA_LIST, false, 4, 261, "C-APDUs, each becomes 22" },
	{ "tlvs", OTA_HEX, false, OTA_ANY, "other command TLVs behind them, such as 84..87" },
	{ "definite", OTA_BOOL, false, 0, 0, "AA; false: AE 80 .. 00 00; true" },
	{ "chaining", OTA_HEX, false, 1, 1, "script chaining: 01, 11 first, 02 more, 03 last" },
	{}
};
static const struct ota_field script_fields[] = { { "script", OTA_HEX, true, OTA_ANY, "the script" }, {} };
static const struct ota_field rsp_enc_fields[] = {
	{ "rapdus", OTA_LIST, false, 2, 258, "R-APDUs, each becomes 23" },
	{ "tlvs", OTA_HEX, false, OTA_ANY, "other response TLVs behind them" },
	{ "definite", OTA_BOOL, false, 0, 0, "AB; false: AF 80 .. 00 00; true" },
	{ "executed", OTA_NUM, false, 0, 65535, "commands executed; number of rapdus" },
	{ "bad_format", OTA_NUM, false, 1, 3, "bad format TLV: 1 tag, 2 length, 3 no length" },
	{}
};

static int put_extra(struct ota_req *q, struct bytes *tlvs)
{
	struct bytes *b = ota_hex(q, "tlvs");

	return b ? bytes_put_bytes(tlvs, b) : 0;
}

static int cmd_enc(struct ota_req *q)
{
	struct bytes *tlvs = bytes_new(q->ctx, 0), *out = bytes_new(q->ctx, 0), *a;
	unsigned i, n = ota_list_len(q, "apdus");
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++) {
		a = ota_item(q, "apdus", i);
		rc = script_put_capdu(tlvs, a->data, a->len);
	}
	if (rc == 0)
		rc = put_extra(q, tlvs);
	if (rc == 0)
		rc = script_cmd_enc(out, tlvs->data, tlvs->len, ota_bool(q, "definite", true),
				    ota_has(q, "chaining") ? (enum script_chain)ota_be(q, "chaining", 0) :
				    SCRIPT_CHAIN_NONE);
	if (rc == 0)
		ota_put_bytes(q->out, "script", out);
	return rc;
}

static void put_tlv(json_t *o, uint32_t tag, const uint8_t *v, size_t len)
{
	ota_put_be(o, "tag", tag, tag > 0xFFFF ? 3 : tag > 0xFF ? 2 : 1);
	ota_put_hex(o, "value", v, len);
}

static int cmd_dec(struct ota_req *q)
{
	struct bytes *in = ota_hex(q, "script");
	struct script_rd s;
	json_t *list;
	struct tlv t;
	int rc = script_cmd_open(&s, in->data, in->len);

	if (rc < 0)
		return rc;
	ota_put_bool(q->out, "definite", s.definite);
	if (s.chain != SCRIPT_CHAIN_NONE)
		ota_put_be(q->out, "chaining", s.chain, 1);
	list = ota_put_list(q->out, "tlvs");
	while ((rc = script_cmd_next(&s, &t)) == 1)
		put_tlv(ota_add_object(list), t.tag, t.v, t.len);
	return rc;
}

static int rsp_enc(struct ota_req *q)
{
	struct bytes *tlvs = bytes_new(q->ctx, 0), *out = bytes_new(q->ctx, 0), *a;
	unsigned i, n = ota_list_len(q, "rapdus");
	struct apdu_rsp r;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++) {
		a = ota_item(q, "rapdus", i);
		rc = apdu_rsp_dec(&r, a->data, a->len);
		if (rc == 0)
			rc = script_put_rapdu(tlvs, r.data, r.len, r.sw);
	}
	if (rc == 0)
		rc = put_extra(q, tlvs);
	if (rc == 0)
		rc = script_rsp_enc(out, ota_bool(q, "definite", true), ota_num(q, "executed", n), tlvs->data,
				    tlvs->len, (enum script_bad)ota_num(q, "bad_format", SCRIPT_BAD_NONE));
	if (rc == 0)
		ota_put_bytes(q->out, "script", out);
	return rc;
}

static void put_rapdu(json_t *o, const struct tlv *t)
{
	struct apdu_rsp a;

	put_tlv(o, t->tag, t->v, t->len);
	if (t->tag != SCRIPT_TAG_RAPDU || apdu_rsp_dec(&a, t->v, t->len) < 0)
		return;
	ota_put_be(o, "sw", a.sw, 2);
	ota_put_text(o, "sw_text", es5_sw_text(a.sw));
}

static int rsp_dec(struct ota_req *q)
{
	struct bytes *in = ota_hex(q, "script");
	struct script_rsp s;
	json_t *list;
	struct tlv t;
	struct rd r;
	int rc = script_rsp_dec(&s, in->data, in->len);

	if (rc < 0)
		return rc;
	ota_put_bool(q->out, "definite", s.definite);
	if (s.executed >= 0)
		ota_put_num(q->out, "executed", s.executed);
	if (s.bad_format >= 0)
		ota_put_num(q->out, "bad_format", s.bad_format);
	if (s.chain_error >= 0)
		ota_put_num(q->out, "chain_error", s.chain_error);
	if (s.immediate_error >= 0)
		ota_put_num(q->out, "immediate_error", s.immediate_error);
	list = ota_put_list(q->out, "tlvs");
	rd_init(&r, s.tlvs, s.len);
	while ((rc = tlv_next(&r, &t)) == 1)
		put_rapdu(ota_add_object(list), &t);
	return rc;
}

static const struct ota_field ctlv_fields[] = {
	{ "data", OTA_HEX, true, OTA_ANY, "the objects" },
	{ "inside", OTA_BOOL, false, 0, 0, "they are the value of a BER-TLV such as D0, D1, 83, 84; false" },
	{}
};

static const char *ctlv_name(uint8_t tag)
{
	static const struct { uint8_t tag; const char *name; } names[] = {
		{ 0x01, "command details" }, { 0x02, "device identities" }, { 0x03, "result" },
		{ 0x05, "alpha identifier" },
		{ 0x06, "address" }, { 0x0B, "SMS TPDU" }, { 0x0D, "text string" }, { 0x13, "location information" },
		{ 0x14, "IMEI" }, { 0x19, "event list" }, { 0x1B, "location status" }, { 0x25, "timer value" },
		{ 0x35, "bearer description" }, { 0x36, "channel data" }, { 0x37, "channel data length" },
		{ 0x38, "channel status" }, { 0x39, "buffer size" }, { 0x3C, "transport level" },
		{ 0x3E, "other address" },
		{ 0x47, "network access name" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].tag == tag)
			return names[i].name;
	}
	return NULL;
}

static int ctlv_dec(struct ota_req *q)
{
	struct bytes *in = ota_hex(q, "data");
	json_t *list, *o;
	struct ctlv c;
	struct tlv t;
	struct rd r;
	int rc;

	rd_init(&r, in->data, in->len);
	if (ota_bool(q, "inside", false)) {
		if (tlv_next(&r, &t) != 1 || r.left)
			return -EINVAL;
		ota_put_be(q->out, "outer", t.tag, t.tag > 0xFFFF ? 3 : t.tag > 0xFF ? 2 : 1);
		rd_init(&r, t.v, t.len);
	}
	list = ota_put_list(q->out, "objects");
	while ((rc = ctlv_next(&r, &c)) == 1) {
		o = ota_add_object(list);
		ota_put_be(o, "tag", c.tag, c.tag > 0xFF ? 2 : 1);
		ota_put_bool(o, "cr", c.cr);
		ota_put_hex(o, "value", c.v, c.len);
		if (c.tag <= 0xFF && ctlv_name(c.tag))
			ota_put_text(o, "name", ctlv_name(c.tag));
	}
	return rc;
}

const struct ota_op ota_script_ops[] = {
	{ "script_cmd_enc", "write an expanded command script", cmd_enc_fields, cmd_enc,
	  "{\"op\":\"script_cmd_enc\",\"apdus\":[\"80F24002024F0000\"],\"chaining\":\"01\"}" },
	{ "script_cmd_dec", "read an expanded command script", script_fields, cmd_dec,
	  "{\"op\":\"script_cmd_dec\",\"script\":\"AA0D830101220880F24002024F0000\"}" },
	{ "script_rsp_enc", "write an expanded response script", rsp_enc_fields, rsp_enc,
	  "{\"op\":\"script_rsp_enc\",\"rapdus\":[\"9000\",\"6A88\"]}" },
	{ "script_rsp_dec", "read an expanded response script", script_fields, rsp_dec,
	  "{\"op\":\"script_rsp_dec\",\"script\":\"AB0B8001022302900023026A88\"}" },
	{ "ctlv_dec", "read COMPREHENSION-TLV objects", ctlv_fields, ctlv_dec,
	  "{\"op\":\"ctlv_dec\",\"inside\":true,\"data\":\"D00F810301050082028182190403090A0B\"}" },
	{}
};
