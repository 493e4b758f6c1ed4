/* osmo-ota: SMS TPDUs (TS 23.040 9.2.2) and concatenation (TS 31.115 4).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/sms/concat.h>
#include "ota_op.h"

static const struct ota_field tpdu_fields[] = {
	{ "tpdu", OTA_HEX, true, 1, 255, "the TPDU" },
	{}
};

static void put_addr(json_t *o, const char *name, const struct tpdu_addr *a)
{
	char text[TPDU_DIGITS_MAX + 2] = "+";

	strcpy(text + (a->toa == 0x91), a->digits);
	ota_put_text(o, name, text);
	ota_put_be(o, "toa", a->toa, 1);
}

static void put_ud(json_t *o, bool udhi, const uint8_t *ud, size_t len)
{
	struct tpdu_udh u;

	ota_put_bool(o, "udhi", udhi);
	ota_put_hex(o, "ud", ud, len);
	if (!udhi || tpdu_udh_dec(&u, ud, len) < 0)
		return;
	ota_put_be(o, "ota", u.ota, 1);
	if (u.concat) {
		ota_put_be(o, "ref", u.ref, u.ref16 ? 2 : 1);
		ota_put_num(o, "total", u.total);
		ota_put_num(o, "seq", u.seq);
	}
	ota_put_hex(o, "body", u.body, u.body_len);
}

static int get_addr(struct ota_req *q, struct tpdu_addr *a, const char *name)
{
	const char *text = ota_text(q, name);
	bool plus = text[0] == '+';

	if (strlen(text + plus) > TPDU_DIGITS_MAX)
		return ota_fail(q, -EINVAL, "address: too many digits");
	strcpy(a->digits, text + plus);
	a->toa = ota_be(q, "toa", plus ? 0x91 : 0x81);
	return 0;
}

static void get_ud(struct ota_req *q, uint8_t *ud, size_t *len)
{
	struct bytes *b = ota_hex(q, "ud");

	*len = b ? b->len : 0;
	if (*len)
		memcpy(ud, b->data, b->len);
}

static int deliver_dec(struct ota_req *q)
{
	struct bytes *in = ota_hex(q, "tpdu");
	struct tpdu_deliver t;
	int rc = tpdu_deliver_dec(&t, in->data, in->len);

	if (rc < 0)
		return rc;
	put_addr(q->out, "oa", &t.oa);
	ota_put_be(q->out, "pid", t.pid, 1);
	ota_put_be(q->out, "dcs", t.dcs, 1);
	ota_put_hex(q->out, "scts", t.scts, sizeof(t.scts));
	ota_put_bool(q->out, "more", t.more);
	ota_put_bool(q->out, "for_card", t.pid == TPDU_PID_DATA_DOWNLOAD && tpdu_dcs_class2(t.dcs));
	put_ud(q->out, t.udhi, t.ud, t.ud_len);
	return 0;
}

static const struct ota_field deliver_fields[] = {
	{ "oa", OTA_TEXT, true, 1, TPDU_DIGITS_MAX + 1, "originating address, + for international" },
	{ "toa", OTA_HEX, false, 1, 1, "type of address; 91 with +, else 81" },
	{ "pid", OTA_HEX, false, 1, 1, "TP-PID, 7F" },
	{ "dcs", OTA_HEX, false, 1, 1, "TP-DCS, F6" },
	{ "scts", OTA_HEX, false, 7, 7, "time stamp as coded; zeros" },
	{ "more", OTA_BOOL, false, 0, 0, "more messages wait; false" },
	{ "udhi", OTA_BOOL, false, 0, 0, "user data starts with a header; true" },
	{ "ud", OTA_HEX, true, 0, TPDU_UD_MAX, "user data with its header" },
	{}
};

static int deliver_enc(struct ota_req *q)
{
	struct bytes *out = bytes_new(q->ctx, TPDU_MAX);
	struct tpdu_deliver t = {
		.pid = ota_be(q, "pid", TPDU_PID_DATA_DOWNLOAD), .dcs = ota_be(q, "dcs", TPDU_DCS_8BIT_CLASS2),
		.more = ota_bool(q, "more", false), .udhi = ota_bool(q, "udhi", true),
	};
	int rc = get_addr(q, &t.oa, "oa");

	ota_fixed(q, "scts", t.scts, sizeof(t.scts));
	get_ud(q, t.ud, &t.ud_len);
	if (rc == 0)
		rc = tpdu_deliver_enc(out, &t);
	if (rc == 0)
		ota_put_bytes(q->out, "tpdu", out);
	return rc;
}

static int submit_dec(struct ota_req *q)
{
	struct bytes *in = ota_hex(q, "tpdu");
	struct tpdu_submit t;
	int rc = tpdu_submit_dec(&t, in->data, in->len);

	if (rc < 0)
		return rc;
	put_addr(q->out, "da", &t.da);
	ota_put_be(q->out, "mr", t.mr, 1);
	ota_put_be(q->out, "pid", t.pid, 1);
	ota_put_be(q->out, "dcs", t.dcs, 1);
	ota_put_hex(q->out, "vp", t.vp, t.vp_len);
	ota_put_bool(q->out, "srr", t.srr);
	put_ud(q->out, t.udhi, t.ud, t.ud_len);
	return 0;
}

static const struct ota_field submit_fields[] = {
	{ "da", OTA_TEXT, true, 1, TPDU_DIGITS_MAX + 1, "destination address, + for international" },
	{ "toa", OTA_HEX, false, 1, 1, "type of address; 91 with +, else 81" },
	{ "mr", OTA_HEX, false, 1, 1, "message reference, 00" },
	{ "pid", OTA_HEX, false, 1, 1, "TP-PID, 7F" },
	{ "dcs", OTA_HEX, false, 1, 1, "TP-DCS, F6" },
	{ "udhi", OTA_BOOL, false, 0, 0, "user data starts with a header; true" },
	{ "ud", OTA_HEX, true, 0, TPDU_UD_MAX, "user data with its header" },
	{}
};

static int submit_enc(struct ota_req *q)
{
	struct bytes *out = bytes_new(q->ctx, TPDU_MAX);
	struct tpdu_submit t = {
		.pid = ota_be(q, "pid", TPDU_PID_DATA_DOWNLOAD), .dcs = ota_be(q, "dcs", TPDU_DCS_8BIT_CLASS2),
		.mr = ota_be(q, "mr", 0), .udhi = ota_bool(q, "udhi", true),
	};
	int rc = get_addr(q, &t.da, "da");

	get_ud(q, t.ud, &t.ud_len);
	if (rc == 0)
		rc = tpdu_submit_enc(out, &t);
	if (rc == 0)
		ota_put_bytes(q->out, "tpdu", out);
	return rc;
}

static int report_dec(struct ota_req *q)
{
	struct bytes *in = ota_hex(q, "tpdu");
	struct tpdu_report t;
	int rc = tpdu_report_dec(&t, in->data, in->len);

	if (rc < 0)
		return rc;
	ota_put_bool(q->out, "rp_error", t.error);
	if (t.error)
		ota_put_be(q->out, "fcs", t.fcs, 1);
	if (t.ud_len) {
		ota_put_be(q->out, "pid", t.pid, 1);
		ota_put_be(q->out, "dcs", t.dcs, 1);
	}
	put_ud(q->out, t.udhi, t.ud, t.ud_len);
	return 0;
}

static const struct ota_field split_fields[] = {
	{ "packet", OTA_HEX, true, 1, OTA_HEX_MAX, "secured packet" },
	{ "ota", OTA_HEX, false, 1, 1, "70 command, 71 response; 70" },
	{ "ref", OTA_HEX, false, 1, 1, "concatenation reference, 00" },
	{}
};

static int split(struct ota_req *q)
{
	struct concat_part *parts = talloc_array(q->ctx, struct concat_part, 255);
	struct bytes *in = ota_hex(q, "packet"), *ud;
	int n, i;
	json_t *list;

	if (!parts)
		return -ENOMEM;
	n = concat_cut(parts, 255, ota_be(q, "ota", 0x70), ota_be(q, "ref", 0), in->data, in->len);
	if (n < 0)
		return n;
	ota_put_num(q->out, "parts", n);
	list = ota_put_list(q->out, "uds");
	for (i = 0; i < n; i++) {
		ud = bytes_dup(q->ctx, parts[i].ud, parts[i].len);
		if (ud)
			ota_add_bytes(list, ud);
	}
	return 0;
}

static const struct ota_field join_fields[] = {
	{ "uds", OTA_LIST, true, 1, TPDU_UD_MAX, "user data of each message, in any order" },
	{}
};

static int join(struct ota_req *q)
{
	const struct concat_cfg cfg = { .max_messages = 1, .max_parts = 255, .max_age_ms = 1000 };
	struct concat *c = concat_new(q->ctx, &cfg);
	unsigned i, n = ota_list_len(q, "uds");
	struct concat_msg msg;
	struct bytes *ud;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++) {
		ud = ota_item(q, "uds", i);
		rc = concat_add(c, &msg, "1", ud->data, ud->len, 0);
		if (rc == -EALREADY)
			rc = 0;
	}
	if (rc == 0)
		return ota_fail(q, -EINVAL, "uds: not all parts are here");
	if (rc < 0)
		return rc;
	ota_put_be(q->out, "ota", msg.ota, 1);
	ota_put_hex(q->out, "packet", msg.packet, msg.len);
	return 0;
}

const struct ota_op ota_sms_ops[] = {
	{ "sms_deliver_dec", "read an SMS-DELIVER", tpdu_fields, deliver_dec,
	  "{\"op\":\"sms_deliver_dec\",\"tpdu\":\"440C914477000900007FF6621132320420001902710000"
	  "14120000017518AD42D28E6D1FDB4499CF74E59F5B\"}" },
	{ "sms_deliver_enc", "write an SMS-DELIVER", deliver_fields, deliver_enc,
	  "{\"op\":\"sms_deliver_enc\",\"oa\":\"+447700900000\",\"scts\":\"62113232042000\",\"ud\":\"027100000B0"
	  "A00000100000000010001\"}" },
	{ "sms_submit_dec", "read an SMS-SUBMIT", tpdu_fields, submit_dec,
	  "{\"op\":\"sms_submit_dec\",\"tpdu\":\"41000C914477000900007FF629027100002412000001EF199DC12FB02C40F83"
	  "C991B1F72E2C1"
	  "983C7768AD4FCF5B8CB60062F12D02A9\"}" },
	{ "sms_submit_enc", "write an SMS-SUBMIT", submit_fields, submit_enc,
	  "{\"op\":\"sms_submit_enc\",\"da\":\"+447700900000\",\"mr\":\"01\",\"ud\":\"027100000B0A00000100000000"
	  "010001\"}" },
	{ "sms_report_dec", "read an SMS-DELIVER-REPORT of RP-ACK or RP-ERROR", tpdu_fields, report_dec,
	  "{\"op\":\"sms_report_dec\",\"tpdu\":\"40077FF6190271000014120000017518AD42D28E6D1FDB4499CF74E59F5B\"}" },
	{ "concat_split", "cut a secured packet into the user data of short messages", split_fields, split,
	  "{\"op\":\"concat_split\",\"packet\":\"00150D00010000B0000000000000000000A4000C023F00\",\"ref\":\"2A\"}" },
	{ "concat_join", "put a secured packet together from user data", join_fields, join,
	  "{\"op\":\"concat_join\",\"uds\":[\"02700000150D00010000B0000000000000000000A4000C023F00\"]}" },
	{}
};
