/* osmo-ota: SMPP 3.4 PDUs, and the delivery receipts in them.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <osmocom/rsp/sms/receipt.h>
#include <osmocom/rsp/sms/smpp_pdu.h>
#include <osmocom/rsp/sms/tpdu.h>
#include "ota_op.h"

static const struct ota_field dec_fields[] = {
	{ "pdu", OTA_HEX, true, SMPP_PDU_MIN, SMPP_PDU_MAX, "one PDU from command_length on" },
	{}
};
static const struct ota_field enc_fields[] = {
	{ "id", OTA_HEX, true, 4, 4, "command_id, such as 00000004 submit_sm, 80000004 its answer" },
	{ "status", OTA_HEX, false, 4, 4, "command_status, zeros" },
	{ "seq", OTA_NUM, false, 0, 0x7FFFFFFF, "sequence_number, 1" },
	{ "system_id", OTA_TEXT, false, 0, 15, "bind and its answer" },
	{ "password", OTA_TEXT, false, 0, 8, "bind" },
	{ "system_type", OTA_TEXT, false, 0, 12, "bind" },
	{ "interface_version", OTA_HEX, false, 1, 1, "bind; 34" },
	{ "message_id", OTA_TEXT, false, 0, 64, "answers to messages" },
	{ "service_type", OTA_TEXT, false, 0, 5, "messages" },
	{ "src_ton", OTA_NUM, false, 0, 255, "messages, alerts; 0" },
	{ "src_npi", OTA_NUM, false, 0, 255, "messages, alerts; 1" },
	{ "src", OTA_TEXT, false, 0, 20, "source address" },
	{ "dst_ton", OTA_NUM, false, 0, 255, "messages, alerts (ESME), binds (range); 1" },
	{ "dst_npi", OTA_NUM, false, 0, 255, "likewise; 1" },
	{ "dst", OTA_TEXT, false, 0, 20, "destination address" },
	{ "esm_class", OTA_HEX, false, 1, 1, "40 header, 42 with transaction mode; 40" },
	{ "protocol_id", OTA_HEX, false, 1, 1, "7F" },
	{ "priority", OTA_NUM, false, 0, 255, "0" },
	{ "schedule", OTA_TEXT, false, 0, 16, "schedule_delivery_time" },
	{ "validity", OTA_TEXT, false, 0, 16, "validity_period" },
	{ "registered", OTA_HEX, false, 1, 1, "registered_delivery, 00" },
	{ "replace", OTA_NUM, false, 0, 255, "replace_if_present_flag, 0" },
	{ "data_coding", OTA_HEX, false, 1, 1, "F6" },
	{ "default_msg_id", OTA_NUM, false, 0, 255, "0" },
	{ "ud", OTA_HEX, false, 0, SMPP_SM_MAX, "short_message, or message_payload of a data_sm or of an answer" },
	{ "payload", OTA_BOOL, false, 0, 0, "ud as message_payload; false" },
	{ "user_ref", OTA_NUM, false, 0, 65535, "user_message_reference" },
	{ "receipt_id", OTA_TEXT, false, 1, 64, "receipted_message_id" },
	{ "state", OTA_NUM, false, 1, 255, "message_state" },
	{ "availability", OTA_NUM, false, 0, 255, "ms_availability_status of an alert" },
	{}
};

static bool is_bind(uint32_t id)
{
	return id == SMPP_BIND_RX || id == SMPP_BIND_TX || id == SMPP_BIND_TRX;
}

static bool is_message(uint32_t id)
{
	return id == SMPP_SUBMIT_SM || id == SMPP_DELIVER_SM || id == SMPP_DATA_SM;
}

static void put_addr(json_t *o, const char *name, const struct smpp_addr *a)
{
	char key[16];

	snprintf(key, sizeof(key), "%s_ton", name);
	ota_put_num(o, key, a->ton);
	snprintf(key, sizeof(key), "%s_npi", name);
	ota_put_num(o, key, a->npi);
	ota_put_text(o, name, a->digits);
}

static void put_message(json_t *o, uint32_t id, const struct smpp_sm *sm)
{
	struct receipt r;

	ota_put_text(o, "service_type", sm->service_type);
	put_addr(o, "src", &sm->src);
	put_addr(o, "dst", &sm->dst);
	ota_put_be(o, "esm_class", sm->esm_class, 1);
	if (id != SMPP_DATA_SM) {
		ota_put_be(o, "protocol_id", sm->protocol_id, 1);
		ota_put_num(o, "priority", sm->priority);
		ota_put_text(o, "schedule", sm->schedule);
		ota_put_text(o, "validity", sm->validity);
		ota_put_num(o, "replace", sm->replace);
		ota_put_num(o, "default_msg_id", sm->default_msg_id);
	}
	ota_put_be(o, "registered", sm->registered, 1);
	ota_put_be(o, "data_coding", sm->data_coding, 1);
	ota_put_hex(o, "ud", sm->ud, sm->ud_len);
	ota_put_bool(o, "payload", sm->payload);
	if (sm->has_user_ref)
		ota_put_num(o, "user_ref", sm->user_ref);
	if (sm->receipt_id[0])
		ota_put_text(o, "receipt_id", sm->receipt_id);
	if (sm->state)
		ota_put_num(o, "state", sm->state);
	if (id == SMPP_SUBMIT_SM || !(sm->esm_class & SMPP_ESM_RECEIPT) || receipt_dec(&r, sm) < 0)
		return;
	o = json_object_set_new(o, "receipt", json_object()) == 0 ? json_object_get(o, "receipt") : NULL;
	ota_put_text(o, "id", r.id);
	ota_put_num(o, "state", r.state);
}

static void put_bind(json_t *o, const struct smpp_bind *b)
{
	ota_put_text(o, "system_id", b->system_id);
	ota_put_text(o, "password", b->password);
	ota_put_text(o, "system_type", b->system_type);
	ota_put_be(o, "interface_version", b->interface_version, 1);
	put_addr(o, "dst", &b->range);
}

static void put_alert(json_t *o, const struct smpp_alert *a)
{
	put_addr(o, "src", &a->src);
	put_addr(o, "dst", &a->esme);
	if (a->has_availability)
		ota_put_num(o, "availability", a->availability);
}

static int dec(struct ota_req *q)
{
	struct bytes *in = ota_hex(q, "pdu");
	struct smpp_pdu p;
	int rc = smpp_pdu_dec(&p, in->data, in->len);

	if (rc == -EOPNOTSUPP)
		return ota_fail(q, rc, "pdu: not one that is known here");
	if (rc < 0)
		return rc;
	ota_put_be(q->out, "id", p.id, 4);
	ota_put_text(q->out, "name", smpp_id_name(p.id));
	ota_put_be(q->out, "status", p.status, 4);
	ota_put_num(q->out, "seq", p.seq);
	if (is_bind(p.id))
		put_bind(q->out, &p.bind);
	else if (is_message(p.id))
		put_message(q->out, p.id, &p.sm);
	else if (p.id == SMPP_ALERT)
		put_alert(q->out, &p.alert);
	else if (is_bind(p.id & ~SMPP_RESP) && in->len > SMPP_PDU_MIN)
		ota_put_text(q->out, "system_id", p.text);
	else if (is_message(p.id & ~SMPP_RESP) && in->len > SMPP_PDU_MIN)
		ota_put_text(q->out, "message_id", p.text);
	if (p.rsp_ud_len)
		ota_put_hex(q->out, "ud", p.rsp_ud, p.rsp_ud_len);
	return 0;
}

/* --- */

#define GET_TEXT(q, field, name) snprintf(field, sizeof(field), "%s", ota_text(q, name))

static void get_src(struct ota_req *q, struct smpp_addr *a)
{
	a->ton = ota_num(q, "src_ton", 0);
	a->npi = ota_num(q, "src_npi", 1);
	GET_TEXT(q, a->digits, "src");
}

static void get_dst(struct ota_req *q, struct smpp_addr *a, unsigned ton, unsigned npi)
{
	a->ton = ota_num(q, "dst_ton", ton);
	a->npi = ota_num(q, "dst_npi", npi);
	GET_TEXT(q, a->digits, "dst");
}

static void get_ud(struct ota_req *q, uint8_t *ud, size_t *len)
{
	struct bytes *b = ota_hex(q, "ud");

	*len = b ? b->len : 0;
	if (*len)
		memcpy(ud, b->data, b->len);
}

static void get_message(struct ota_req *q, struct smpp_sm *sm)
{
	GET_TEXT(q, sm->service_type, "service_type");
	get_src(q, &sm->src);
	get_dst(q, &sm->dst, 1, 1);
	sm->esm_class = ota_be(q, "esm_class", SMPP_ESM_UDHI);
	sm->protocol_id = ota_be(q, "protocol_id", TPDU_PID_DATA_DOWNLOAD);
	sm->priority = ota_num(q, "priority", 0);
	GET_TEXT(q, sm->schedule, "schedule");
	GET_TEXT(q, sm->validity, "validity");
	sm->registered = ota_be(q, "registered", 0);
	sm->replace = ota_num(q, "replace", 0);
	sm->data_coding = ota_be(q, "data_coding", TPDU_DCS_8BIT_CLASS2);
	sm->default_msg_id = ota_num(q, "default_msg_id", 0);
	get_ud(q, sm->ud, &sm->ud_len);
	sm->payload = ota_bool(q, "payload", false);
	sm->has_user_ref = ota_has(q, "user_ref");
	sm->user_ref = ota_num(q, "user_ref", 0);
	GET_TEXT(q, sm->receipt_id, "receipt_id");
	sm->state = ota_num(q, "state", 0);
}

static void get_bind(struct ota_req *q, struct smpp_bind *b)
{
	GET_TEXT(q, b->system_id, "system_id");
	GET_TEXT(q, b->password, "password");
	GET_TEXT(q, b->system_type, "system_type");
	b->interface_version = ota_be(q, "interface_version", 0x34);
	get_dst(q, &b->range, 0, 0);
}

static void get_alert(struct ota_req *q, struct smpp_alert *a)
{
	get_src(q, &a->src);
	get_dst(q, &a->esme, 0, 0);
	a->has_availability = ota_has(q, "availability");
	a->availability = ota_num(q, "availability", 0);
}

static int enc(struct ota_req *q)
{
	struct bytes *out = bytes_new(q->ctx, SMPP_PDU_MAX);
	struct smpp_pdu p = { .id = ota_be(q, "id", 0), .status = ota_be(q, "status", 0), .seq = ota_num(q, "seq", 1) };
	int rc;

	if (is_bind(p.id))
		get_bind(q, &p.bind);
	else if (is_message(p.id))
		get_message(q, &p.sm);
	else if (p.id == SMPP_ALERT)
		get_alert(q, &p.alert);
	else if (is_bind(p.id & ~SMPP_RESP))
		GET_TEXT(q, p.text, "system_id");
	else if (is_message(p.id & ~SMPP_RESP))
		GET_TEXT(q, p.text, "message_id");
	if (is_message(p.id & ~SMPP_RESP) && !is_message(p.id))
		get_ud(q, p.rsp_ud, &p.rsp_ud_len);
	rc = smpp_pdu_enc(out, &p);
	if (rc == -EOPNOTSUPP)
		return ota_fail(q, rc, "id: not one that is known here");
	if (rc == 0)
		ota_put_bytes(q->out, "pdu", out);
	return rc;
}

const struct ota_op ota_smpp_ops[] = {
	{ "smpp_dec", "read an SMPP PDU, and the delivery receipt in it", dec_fields, dec,
	  "{\"op\":\"smpp_dec\",\"pdu\":\"0000002700000102000000000000000B03013439313732303030303030310000000004220001"
	  "00\"}" },
	{ "smpp_enc", "write an SMPP PDU", enc_fields, enc,
	  "{\"op\":\"smpp_enc\",\"id\":\"00000004\",\"src\":\"1001\",\"dst\":\"491720000001\",\"esm_class\":\"42\","
	  "\"ud\":\"027000000D0000000000000000000000\"}" },
	{}
};
