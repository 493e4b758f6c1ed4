/* osmo-ota: compact scripts (TS 102 226 5.1), PUSH (TS 102 226 9), the counter rule of a secured packet (TS 102 225
 * 5.1.4).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <osmocom/rsp/bip/ctlv.h>
#include <osmocom/rsp/ota/push.h>
#include <osmocom/rsp/ota/scp80.h>
#include <osmocom/rsp/ota/script_compact.h>
#include "ota_op.h"

/* --- compact scripts --- */

static const struct ota_field compact_enc_fields[] = {
	{ "apdus", OTA_LIST, true, 4, 261, "C-APDUs; only the last, or a GET RESPONSE, may have Le" },
	{}
};
static const struct ota_field script_fields[] = { { "script", OTA_HEX, true, OTA_ANY, "the script" }, {} };
static const struct ota_field compact_rsp_fields[] = {
	{ "executed", OTA_NUM, true, 0, 255, "commands executed" },
	{ "sw", OTA_HEX, true, 2, 2, "status word of the last one" },
	{ "data", OTA_HEX, false, OTA_ANY, "its data" },
	{}
};

static int compact_enc(struct ota_req *q)
{
	struct bytes *out = bytes_new(q->ctx, 0), *a;
	unsigned i, n = ota_list_len(q, "apdus");
	struct apdu_cmd c;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++) {
		a = ota_item(q, "apdus", i);
		rc = apdu_dec(&c, a->data, a->len);
		if (rc == 0)
			rc = script_compact_put_cmd(out, &c, i == n - 1);
	}
	if (rc == 0)
		ota_put_bytes(q->out, "script", out);
	return rc;
}

static int compact_dec(struct ota_req *q)
{
	struct bytes *in = ota_hex(q, "script"), *one = bytes_new(q->ctx, 0);
	json_t *list = ota_put_list(q->out, "apdus");
	struct apdu_cmd c;
	struct rd r;
	int rc;

	rd_init(&r, in->data, in->len);
	while ((rc = script_compact_next(&r, &c)) == 1) {
		bytes_clear(one);
		rc = apdu_put(one, &c);
		if (rc < 0)
			return rc;
		ota_add_bytes(list, one);
	}
	return rc;
}

static int compact_rsp_enc(struct ota_req *q)
{
	struct bytes *out = bytes_new(q->ctx, 0), *data = ota_hex(q, "data");
	struct script_compact_rsp r = {
		.executed = ota_num(q, "executed", 0), .sw = ota_be(q, "sw", 0),
		.data = data ? data->data : NULL, .len = data ? data->len : 0,
	};
	int rc = script_compact_rsp_enc(out, &r);

	if (rc == 0)
		ota_put_bytes(q->out, "script", out);
	return rc;
}

static int compact_rsp_dec(struct ota_req *q)
{
	struct bytes *in = ota_hex(q, "script");
	struct script_compact_rsp r;
	int rc = script_compact_rsp_dec(&r, in->data, in->len);

	if (rc < 0)
		return rc;
	ota_put_num(q->out, "executed", r.executed);
	ota_put_be(q->out, "sw", r.sw, 2);
	ota_put_hex(q->out, "data", r.data, r.len);
	return 0;
}

/* --- PUSH --- */

static const struct ota_field push_enc_fields[] = {
	{ "p2", OTA_HEX, true, 1, 1, "01 open a channel, 02 CAT_TP link; others: with tlvs only" },
	{ "ip", OTA_TEXT, false, 1, 45, "01: server address, IPv4 or IPv6" },
	{ "port", OTA_NUM, false, 1, 65535, "01: UDP port; 02: CAT_TP port" },
	{ "buffer", OTA_NUM, false, 1, 65535, "01: buffer size; 02: largest SDU" },
	{ "apn", OTA_TEXT, false, 1, 63, "01: network access name, dotted" },
	{ "login", OTA_TEXT, false, 1, 63, "01: user name for the APN" },
	{ "password", OTA_TEXT, false, 1, 63, "01: password for the APN" },
	{ "id", OTA_HEX, false, 1, 127, "02: identification of the card" },
	{ "tlvs", OTA_HEX, false, 0, 255, "COMPREHENSION-TLVs as they are, instead of all these" },
	{}
};
static const struct ota_field push_dec_fields[] = { { "apdu", OTA_HEX, true, 4, 261, "the C-APDU" }, {} };

static int push_raw(struct ota_req *q, struct bytes *out)
{
	struct bytes *tlvs = ota_hex(q, "tlvs");
	const struct apdu_cmd c = {
		.cla = 0x80, .ins = PUSH_INS, .p1 = PUSH_P1, .p2 = ota_be(q, "p2", 0),
		.data = tlvs ? tlvs->data : NULL, .lc = tlvs ? tlvs->len : 0,
	};

	return apdu_put(out, &c);
}

static int push_channel(struct ota_req *q, struct bytes *out)
{
	struct scp81_params p = {
		.has_conn = true, .port = ota_num(q, "port", 0), .buffer = ota_num(q, "buffer", 0),
	};

	snprintf(p.ip, sizeof(p.ip), "%s", ota_text(q, "ip"));
	snprintf(p.apn, sizeof(p.apn), "%s", ota_text(q, "apn"));
	snprintf(p.login, sizeof(p.login), "%s", ota_text(q, "login"));
	snprintf(p.password, sizeof(p.password), "%s", ota_text(q, "password"));
	return push_channel_enc(out, &p);
}

static int push_enc(struct ota_req *q)
{
	struct bytes *out = bytes_new(q->ctx, 261), *id = ota_hex(q, "id");
	uint8_t p2 = ota_be(q, "p2", 0);
	int rc;

	if (ota_has(q, "tlvs") || json_object_size(q->in) == 2)	/* only op and p2: the card's defaults */
		rc = push_raw(q, out);
	else if (p2 == PUSH_P2_CHANNEL)
		rc = push_channel(q, out);
	else if (p2 == PUSH_P2_CATTP)
		rc = push_cattp_enc(out, ota_num(q, "port", 0), ota_num(q, "buffer", 0), id ? id->data : NULL,
				    id ? id->len : 0);
	else
		return ota_fail(q, -EINVAL, "p2: of this one only tlvs are known");
	if (rc == 0)
		ota_put_bytes(q->out, "apdu", out);
	return rc;
}

/* Labels with their lengths to dotted text; raw octets when they are none. */
static void put_apn(struct ota_req *q, const struct ctlv *t)
{
	char text[256];
	size_t i, next = 0, n = 0;

	for (i = 0; i < t->len && t->len < sizeof(text); i++) {
		if (i == next) {
			next = i + 1 + t->v[i];
			if (i)
				text[n++] = '.';
		} else {
			text[n++] = t->v[i];
		}
	}
	text[n] = '\0';
	if (n && next == t->len && strlen(text) == n)
		ota_put_text(q->out, "apn", text);
	else
		ota_put_hex(q->out, "apn_hex", t->v, t->len);
}

static void put_address(struct ota_req *q, const struct ctlv *t)
{
	char text[INET6_ADDRSTRLEN];

	if (t->len == 5 && t->v[0] == 0x21 && inet_ntop(AF_INET, t->v + 1, text, sizeof(text)))
		ota_put_text(q->out, "ip", text);
	else if (t->len == 17 && t->v[0] == 0x57 && inet_ntop(AF_INET6, t->v + 1, text, sizeof(text)))
		ota_put_text(q->out, "ip", text);
}

static void put_channel(struct ota_req *q, const struct apdu_cmd *c)
{
	const char *name = "login";
	char text[256];
	struct ctlv t;
	struct rd r;

	rd_init(&r, c->data, c->lc);
	while (ctlv_next(&r, &t) == 1) {
		if (t.tag == 0x3E) {
			put_address(q, &t);
		} else if (t.tag == 0x3C && t.len == 3) {
			ota_put_num(q->out, "port", t.v[1] << 8 | t.v[2]);
		} else if (t.tag == 0x39 && t.len == 2) {
			ota_put_num(q->out, "buffer", t.v[0] << 8 | t.v[1]);
		} else if (t.tag == 0x47) {
			put_apn(q, &t);
		} else if (t.tag == 0x0D && t.len > 1) {	/* behind its coding; the first is the login */
			snprintf(text, sizeof(text), "%.*s", (int)t.len - 1, (const char *)t.v + 1);
			ota_put_text(q->out, name, text);
			name = "password";
		}
	}
}

static void put_cattp(struct ota_req *q, const struct apdu_cmd *c)
{
	struct ctlv t;

	if (ctlv_find(c->data, c->lc, 0x3C, &t) == 0 && t.len == 3)
		ota_put_num(q->out, "port", t.v[1] << 8 | t.v[2]);
	if (ctlv_find(c->data, c->lc, 0x39, &t) == 0 && t.len == 2)
		ota_put_num(q->out, "buffer", t.v[0] << 8 | t.v[1]);
	if (ctlv_find(c->data, c->lc, 0x36, &t) == 0)
		ota_put_hex(q->out, "id", t.v, t.len);
}

static int push_dec(struct ota_req *q)
{
	struct bytes *in = ota_hex(q, "apdu");
	struct apdu_cmd c;
	struct ctlv t;
	struct rd r;
	int rc = apdu_dec(&c, in->data, in->len);

	if (rc < 0)
		return rc;
	if (c.cla != 0x80 || c.ins != PUSH_INS || c.p1 != PUSH_P1 || c.has_le)
		return ota_fail(q, -EINVAL, "apdu: no PUSH");
	rd_init(&r, c.data, c.lc);
	while ((rc = ctlv_next(&r, &t)) == 1)
		;
	if (rc < 0)
		return rc;
	ota_put_be(q->out, "p2", c.p2, 1);
	ota_put_hex(q->out, "tlvs", c.data, c.lc);
	if (c.p2 == PUSH_P2_CHANNEL && c.lc)
		put_channel(q, &c);
	else if (c.p2 == PUSH_P2_CATTP)
		put_cattp(q, &c);
	return 0;
}

/* --- counter --- */

static const struct ota_field counter_fields[] = {
	{ "mode", OTA_TEXT, true, 2, 2, "bits 5 and 4 of the first octet of SPI: 00, 01, 10, 11" },
	{ "stored", OTA_HEX, true, 5, 5, "the card's counter" },
	{ "received", OTA_HEX, true, 5, 5, "that of the packet" },
	{}
};

static int counter_check(struct ota_req *q)
{
	const char *mode = ota_text(q, "mode");
	uint64_t stored = ota_be(q, "stored", 0);
	enum scp80_status st;

	if (strspn(mode, "01") != 2)
		return ota_fail(q, -EINVAL, "mode: not two bits");
	st = scp80_cntr_check((mode[0] - '0') << 4 | (mode[1] - '0') << 3, &stored, ota_be(q, "received", 0));
	ota_put_bool(q->out, "accept", st == SCP80_ST_OK);
	ota_put_be(q->out, "status", st, 1);
	ota_put_text(q->out, "status_text", scp80_status_text(st));
	ota_put_be(q->out, "new_stored", stored, 5);
	return 0;
}

const struct ota_op ota_push_ops[] = {
	{ "compact_cmd_enc", "write a compact command script", compact_enc_fields, compact_enc,
	  "{\"op\":\"compact_cmd_enc\",\"apdus\":[\"00A4000C023F00\",\"00A4000C022FE2\",\"00B000000A\"]}" },
	{ "compact_cmd_dec", "read a compact command script", script_fields, compact_dec,
	  "{\"op\":\"compact_cmd_dec\",\"script\":\"00A4000C023F0000A4000C022FE200B000000A\"}" },
	{ "compact_rsp_enc", "write a compact response", compact_rsp_fields, compact_rsp_enc,
	  "{\"op\":\"compact_rsp_enc\",\"executed\":3,\"sw\":\"9000\",\"data\":\"00112233445566778899\"}" },
	{ "compact_rsp_dec", "read a compact response", script_fields, compact_rsp_dec,
	  "{\"op\":\"compact_rsp_dec\",\"script\":\"03900000112233445566778899\"}" },
	{ "push_enc", "write a PUSH command (80 EC)", push_enc_fields, push_enc,
	  "{\"op\":\"push_enc\",\"p2\":\"02\",\"port\":8080,\"buffer\":1024,\"id\":\"1122334455667788\"}" },
	{ "push_dec", "read a PUSH command (80 EC)", push_dec_fields, push_dec,
	  "{\"op\":\"push_dec\",\"apdu\":\"80EC01012135010339020578470C03696F74076578616D706C653C03019C413E05210A"
	  "000001\"}" },
	{ "counter_check", "would a card take that counter?", counter_fields, counter_check,
	  "{\"op\":\"counter_check\",\"mode\":\"10\",\"stored\":\"0000000005\",\"received\":\"0000000006\"}" },
	{}
};
