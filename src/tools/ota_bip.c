/* osmo-ota: proactive commands, terminal responses and envelopes of a card (TS 102 223 6.6, 6.8, 7; TS 31.111 7.1.1).
 * Each structure's fields stand in a table of requests and, in the same order, in a table of places.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stddef.h>
#include <osmocom/rsp/bip/bip_cmd.h>
#include <osmocom/rsp/ota/apdu.h>
#include "ota_op.h"

struct place {
	enum { OCTET, NUMBER, STRING } kind;	/* uint8_t as hex, uint16_t, struct bip_str */
	size_t off;
	size_t has;			/* of the flag that says it is there; 0: none, zero is absent */
	bool always;
};

#define S(type, f) { STRING, offsetof(struct type, f), 0, false }
#define O(type, f) { OCTET, offsetof(struct type, f), 0, false }
#define A(type, f) { OCTET, offsetof(struct type, f), 0, true }
#define H(type, kind, f, flag) { kind, offsetof(struct type, f), offsetof(struct type, flag), false }

static const struct ota_field cmd_fields[] = {
	{ "number", OTA_HEX, true, 1, 1, "command number" },
	{ "type", OTA_HEX, true, 1, 1, "40 OPEN CHANNEL, 43 SEND DATA, 13 SEND SHORT MESSAGE, 01 REFRESH ..." },
	{ "qualifier", OTA_HEX, true, 1, 1, "qualifier" },
	{ "src", OTA_HEX, true, 1, 1, "device: 81 UICC" },
	{ "dst", OTA_HEX, true, 1, 1, "device: 82 terminal, 83 network, 21..27 channel" },
	{ "transport", OTA_HEX, false, 1, 1, "01 UDP, 02 TCP" },
	{ "data_len", OTA_HEX, false, 1, 1, "RECEIVE DATA: octets wanted" },
	{ "timer_id", OTA_HEX, false, 1, 1, "timer" },
	{ "buffer", OTA_NUM, false, 0, 65535, "buffer size" },
	{ "port", OTA_NUM, false, 0, 65535, "port" },
	{ "alpha", OTA_HEX, false, 0, 255, "alpha identifier" },
	{ "bearer", OTA_HEX, false, 0, 255, "bearer description" },
	{ "apn", OTA_HEX, false, 0, 255, "network access name, labels with their lengths" },
	{ "login", OTA_HEX, false, 0, 255, "user login" },
	{ "password", OTA_HEX, false, 0, 255, "user password" },
	{ "local", OTA_HEX, false, 0, 16, "local address" },
	{ "dest", OTA_HEX, false, 0, 16, "destination address" },
	{ "data", OTA_HEX, false, 0, 255, "SEND DATA: channel data" },
	{ "events", OTA_HEX, false, 0, 255, "event list" },
	{ "timer_value", OTA_HEX, false, 3, 3, "timer value, swapped semi-octets" },
	{ "duration", OTA_HEX, false, 2, 2, "duration: unit, value" },
	{ "sca", OTA_HEX, false, 0, 255, "address of the SMSC" },
	{ "tpdu", OTA_HEX, false, 0, 255, "SMS TPDU" },
	{ "files", OTA_HEX, false, 0, 255, "REFRESH: file list" },
	{ "aid", OTA_HEX, false, 0, 16, "REFRESH: application" },
	{}
};
static const struct place cmd_places[] = {
	A(bip_cmd, number), A(bip_cmd, type), A(bip_cmd, qualifier), A(bip_cmd, src), A(bip_cmd, dst),
	O(bip_cmd, transport),
	O(bip_cmd, data_len), O(bip_cmd, timer_id), H(bip_cmd, NUMBER, buffer, has_buffer),
	{ NUMBER, offsetof(struct bip_cmd, port), 0, false }, S(bip_cmd, alpha), S(bip_cmd, bearer), S(bip_cmd, nan),
	S(bip_cmd, login), S(bip_cmd, password), S(bip_cmd, local), S(bip_cmd, dest), S(bip_cmd, data),
	S(bip_cmd, events), S(bip_cmd, timer_value), S(bip_cmd, duration), S(bip_cmd, sca), S(bip_cmd, tpdu),
	S(bip_cmd, files), S(bip_cmd, aid),
};

static const struct ota_field rsp_fields[] = {
	{ "number", OTA_HEX, true, 1, 1, "command number" },
	{ "type", OTA_HEX, true, 1, 1, "type of command" },
	{ "qualifier", OTA_HEX, true, 1, 1, "its qualifier" },
	{ "result", OTA_HEX, true, 1, 1, "00 done, 3A BIP error, 35 RP-ERROR ..." },
	{ "info", OTA_HEX, false, 0, 255, "additional information on the result" },
	{ "channel", OTA_HEX, false, 1, 1, "channel status, first octet" },
	{ "channel_info", OTA_HEX, false, 1, 1, "channel status, second octet" },
	{ "bearer", OTA_HEX, false, 0, 255, "bearer description" },
	{ "buffer", OTA_NUM, false, 0, 65535, "buffer size" },
	{ "data", OTA_HEX, false, 0, 255, "channel data" },
	{ "data_len", OTA_HEX, false, 1, 1, "channel data length, FF: more" },
	{ "timer_id", OTA_HEX, false, 1, 1, "timer" },
	{ "timer_value", OTA_HEX, false, 3, 3, "timer value" },
	{ "duration", OTA_HEX, false, 2, 2, "duration" },
	{ "imei", OTA_HEX, false, 8, 8, "IMEI" },
	{ "location", OTA_HEX, false, 0, 255, "location information" },
	{}
};
static const struct place rsp_places[] = {
	A(bip_resp, number), A(bip_resp, type), A(bip_resp, qualifier), A(bip_resp, result), S(bip_resp, info),
	H(bip_resp, OCTET, channel, has_channel), O(bip_resp, channel_info), S(bip_resp, bearer),
	H(bip_resp, NUMBER, buffer, has_buffer), S(bip_resp, data), H(bip_resp, OCTET, data_len, has_data_len),
	O(bip_resp, timer_id), S(bip_resp, timer_value), S(bip_resp, duration), S(bip_resp, imei),
	S(bip_resp, location),
};

static const struct ota_field env_fields[] = {
	{ "tag", OTA_HEX, true, 1, 1, "D1 SMS-PP download, D6 event download, D7 timer expiration" },
	{ "src", OTA_HEX, true, 1, 1, "device: 83 network, 82 terminal" },
	{ "dst", OTA_HEX, true, 1, 1, "device: 81 UICC" },
	{ "sca", OTA_HEX, false, 0, 255, "address of the SMSC" },
	{ "tpdu", OTA_HEX, false, 0, 255, "SMS TPDU" },
	{ "event", OTA_HEX, false, 1, 1, "09 data available, 0A channel status, 03 location status" },
	{ "channel", OTA_HEX, false, 1, 1, "channel status, first octet" },
	{ "channel_info", OTA_HEX, false, 1, 1, "channel status, second octet" },
	{ "data_len", OTA_HEX, false, 1, 1, "channel data length" },
	{ "service", OTA_HEX, false, 1, 1, "location status: 00 normal, 01 limited, 02 none" },
	{ "location", OTA_HEX, false, 0, 255, "location information" },
	{ "timer_id", OTA_HEX, false, 1, 1, "timer" },
	{ "timer_value", OTA_HEX, false, 3, 3, "timer value" },
	{}
};
static const struct place env_places[] = {
	A(bip_env, tag), A(bip_env, src), A(bip_env, dst), S(bip_env, sca), S(bip_env, tpdu), O(bip_env, event),
	H(bip_env, OCTET, channel, has_channel), O(bip_env, channel_info), H(bip_env, OCTET, data_len, has_data_len),
	H(bip_env, OCTET, service, has_service), S(bip_env, location), O(bip_env, timer_id), S(bip_env, timer_value),
};

/* --- structure to request and back --- */

static void get(struct ota_req *q, const struct ota_field *f, const struct place *places, void *st)
{
	for (const struct place *p = places; f->name; f++, p++) {
		uint8_t *at = (uint8_t *)st + p->off;
		struct bytes *b;

		if (!ota_has(q, f->name))
			continue;
		if (p->has)
			*(bool *)((uint8_t *)st + p->has) = true;
		if (p->kind == OCTET) {
			*at = ota_be(q, f->name, 0);
		} else if (p->kind == NUMBER) {
			*(uint16_t *)at = ota_num(q, f->name, 0);
		} else {
			b = ota_hex(q, f->name);
			*(struct bip_str *)at = (struct bip_str){
				.v = b->data ? b->data : (const uint8_t *)"", .len = b->len,
			};
		}
	}
}

static void put(json_t *o, const struct ota_field *f, const struct place *places, const void *st)
{
	for (const struct place *p = places; f->name; f++, p++) {
		const uint8_t *at = (const uint8_t *)st + p->off;
		bool there = p->always || (p->has && *(const bool *)((const uint8_t *)st + p->has));

		if (p->kind == OCTET && (there || (!p->has && *at))) {
			ota_put_be(o, f->name, *at, 1);
		} else if (p->kind == NUMBER && (there || (!p->has && *(const uint16_t *)at))) {
			ota_put_num(o, f->name, *(const uint16_t *)at);
		} else if (p->kind == STRING && ((const struct bip_str *)at)->v) {
			const struct bip_str *s = (const struct bip_str *)at;

			ota_put_hex(o, f->name, s->v, s->len);
		}
	}
}

static const struct ota_field in_fields[] = {
	{ "command", OTA_HEX, true, 2, 258, "the D0 TLV, as FETCH returns it" },
	{}
};
static const struct ota_field apdu_fields[] = { { "apdu", OTA_HEX, true, 5, 261, "the whole command" }, {} };

static int cmd_dec(struct ota_req *q)
{
	struct bytes *in = ota_hex(q, "command");
	struct bip_cmd c;
	int rc = bip_cmd_dec(&c, in->data, in->len);

	if (rc == 0)
		put(q->out, cmd_fields, cmd_places, &c);
	return rc;
}

static int cmd_enc(struct ota_req *q)
{
	struct bytes *out = bytes_new(q->ctx, 0);
	struct bip_cmd c = {};
	int rc;

	get(q, cmd_fields, cmd_places, &c);
	rc = bip_cmd_enc(out, &c);
	if (rc == 0)
		ota_put_bytes(q->out, "command", out);
	return rc;
}

/* The data field of a command with this INS. */
static int open_apdu(struct ota_req *q, uint8_t ins, struct apdu_cmd *c)
{
	struct bytes *in = ota_hex(q, "apdu");
	int rc = apdu_dec(c, in->data, in->len);

	return rc == 0 && c->ins != ins ? ota_fail(q, -EINVAL, "apdu: another instruction") : rc;
}

static int rsp_dec(struct ota_req *q)
{
	struct bip_resp r;
	struct apdu_cmd c;
	int rc = open_apdu(q, 0x14, &c);

	if (rc == 0)
		rc = bip_resp_dec(&r, c.data, c.lc);
	if (rc == 0)
		put(q->out, rsp_fields, rsp_places, &r);
	return rc;
}

static int rsp_enc(struct ota_req *q)
{
	struct bytes *out = bytes_new(q->ctx, 0);
	struct bip_resp r = {};
	int rc;

	get(q, rsp_fields, rsp_places, &r);
	rc = bip_resp_enc(out, &r);
	if (rc == 0)
		ota_put_bytes(q->out, "apdu", out);
	return rc;
}

static int env_dec(struct ota_req *q)
{
	struct bip_env e;
	struct apdu_cmd c;
	int rc = open_apdu(q, 0xC2, &c);

	if (rc == 0)
		rc = bip_env_dec(&e, c.data, c.lc);
	if (rc == 0)
		put(q->out, env_fields, env_places, &e);
	return rc;
}

static int env_enc(struct ota_req *q)
{
	struct bytes *out = bytes_new(q->ctx, 0);
	struct bip_env e = {};
	int rc;

	get(q, env_fields, env_places, &e);
	rc = bip_env_enc(out, &e);
	if (rc == 0)
		ota_put_bytes(q->out, "apdu", out);
	return rc;
}

const struct ota_op ota_bip_ops[] = {
	{ "proactive_dec", "read a proactive command (D0)", in_fields, cmd_dec,
	  "{\"op\":\"proactive_dec\",\"command\":\"D02A81030140018202818235010339020578470C03696F74076578616D706C65"
	  "3C030201BB3E05210A000001\"}" },
	{ "proactive_enc", "write a proactive command (D0)", cmd_fields, cmd_enc,
	  "{\"op\":\"proactive_enc\",\"number\":\"01\",\"type\":\"43\",\"qualifier\":\"01\",\"src\":\"81\",\"dst\":\"21\","
	  "\"data\":\"1603010000000000\"}" },
	{ "terminal_response_dec", "read a TERMINAL RESPONSE", apdu_fields, rsp_dec,
	  "{\"op\":\"terminal_response_dec\",\"apdu\":\"801400000F8103014301820282818301003701FF\"}" },
	{ "terminal_response_enc", "write a TERMINAL RESPONSE", rsp_fields, rsp_enc,
	  "{\"op\":\"terminal_response_enc\",\"number\":\"01\",\"type\":\"43\",\"qualifier\":\"01\",\"result\":\"00\","
	  "\"data_len\":\"FF\"}" },
	{ "envelope_dec", "read an ENVELOPE", apdu_fields, env_dec,
	  "{\"op\":\"envelope_dec\",\"apdu\":\"80C2000010D60E19010982028281380281003701ED\"}" },
	{ "envelope_enc", "write an ENVELOPE", env_fields, env_enc,
	  "{\"op\":\"envelope_enc\",\"tag\":\"D7\",\"src\":\"82\",\"dst\":\"81\",\"timer_id\":\"01\","
	  "\"timer_value\":\"003000\"}" },
	{}
};
