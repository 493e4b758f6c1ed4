/* SMPP 3.4 PDUs: our framing, our limits and our optional parameters in front of libsmpp34, which sees the mandatory part
 * of a PDU only: it allocates for each TLV and falls over many of them (osmo-msc 1.9.0 dies of 60 kB of empty ones).
 * SMPP 3.4 chapter 4 (PDUs), 5.3.2 (optional parameters).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <stdio.h>

#include <netinet/in.h>
#include <smpp34.h>
#include <smpp34_structs.h>
#include <smpp34_params.h>

#include <osmocom/core/utils.h>

#include <osmocom/rsp/sms/smpp_pdu.h>

#define SMPP_TLV_MAX 32		/* optional parameters of one PDU */

static const struct value_string smpp_id_names[] = {
	{ SMPP_BIND_RX, "bind_receiver" }, { SMPP_BIND_TX, "bind_transmitter" }, { SMPP_BIND_TRX, "bind_transceiver" },
	{ SMPP_SUBMIT_SM, "submit_sm" }, { SMPP_DELIVER_SM, "deliver_sm" }, { SMPP_UNBIND, "unbind" },
	{ SMPP_ENQUIRE_LINK, "enquire_link" }, { SMPP_ALERT, "alert_notification" },
	{ SMPP_RESP | SMPP_BIND_RX, "bind_receiver_resp" }, { SMPP_RESP | SMPP_BIND_TX, "bind_transmitter_resp" },
	{ SMPP_RESP | SMPP_BIND_TRX, "bind_transceiver_resp" }, { SMPP_RESP | SMPP_SUBMIT_SM, "submit_sm_resp" },
	{ SMPP_RESP | SMPP_DELIVER_SM, "deliver_sm_resp" }, { SMPP_RESP | SMPP_UNBIND, "unbind_resp" },
	{ SMPP_DATA_SM, "data_sm" }, { SMPP_RESP | SMPP_DATA_SM, "data_sm_resp" },
	{ SMPP_RESP | SMPP_ENQUIRE_LINK, "enquire_link_resp" }, { SMPP_RESP, "generic_nack" },
	{ 0, NULL }
};

const char *smpp_id_name(uint32_t id)
{
	return get_value_string(smpp_id_names, id);
}

int smpp_frame(const uint8_t *buf, size_t have)
{
	struct rd r;
	uint32_t len;

	if (have < 4)
		return 0;
	rd_init(&r, buf, have);
	len = rd_u32(&r);
	if (len < SMPP_PDU_MIN || len > SMPP_PDU_MAX)
		return -EPROTO;
	return have < len ? 0 : (int)len;
}

/* The mandatory part, a letter a field: o octet, digit group a C-octet string of at most that many octets with its NUL,
 * m sm_length and short_message. A trailing ? says that the rest may be absent altogether. */
static const struct smpp_layout {
	uint32_t id;
	const char *fields;
} smpp_layouts[] = {
	{ SMPP_BIND_RX, "16 9 13 ooo 41" }, { SMPP_BIND_TX, "16 9 13 ooo 41" }, { SMPP_BIND_TRX, "16 9 13 ooo 41" },
	{ SMPP_RESP | SMPP_BIND_RX, "?16" }, { SMPP_RESP | SMPP_BIND_TX, "?16" }, { SMPP_RESP | SMPP_BIND_TRX, "?16" },
	{ SMPP_SUBMIT_SM, "6 oo 21 oo 21 ooo 17 17 oooo m" }, { SMPP_DELIVER_SM, "6 oo 21 oo 21 ooo 17 17 oooo m" },
	{ SMPP_RESP | SMPP_SUBMIT_SM, "?65" }, { SMPP_RESP | SMPP_DELIVER_SM, "?65" },
	{ SMPP_DATA_SM, "6 oo 65 oo 65 ooo" }, { SMPP_RESP | SMPP_DATA_SM, "?65" },
	{ SMPP_ALERT, "oo 65 oo 65" },
	{ SMPP_UNBIND, "" }, { SMPP_RESP | SMPP_UNBIND, "" }, { SMPP_ENQUIRE_LINK, "" },
	{ SMPP_RESP | SMPP_ENQUIRE_LINK, "" }, { SMPP_RESP, "" },
};

static const char *smpp_layout(uint32_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(smpp_layouts); i++) {
		if (smpp_layouts[i].id == id)
			return smpp_layouts[i].fields;
	}
	return NULL;
}

static void smpp_skip_cstr(struct rd *r, unsigned max)
{
	for (unsigned i = 0; i < max && !r->bad; i++) {
		if (rd_u8(r) == 0)
			return;
	}
	r->bad = true;
}

/* Moves r over the mandatory part: every string ends and fits what libsmpp34 keeps for it. */
static int smpp_skip_mandatory(struct rd *r, const char *fields)
{
	for (const char *f = fields; *f; f++) {
		unsigned max = 0;

		for (; *f >= '0' && *f <= '9'; f++)
			max = max * 10 + (*f - '0');
		if (max) {
			smpp_skip_cstr(r, max);
			f--;
		} else if (*f == '?' && !r->left) {
			return 0;
		} else if (*f == 'o') {
			rd_u8(r);
		} else if (*f == 'm') {
			uint8_t n = rd_u8(r);

			if (!r->bad && n > SMPP_SM_MAX)
				return -EMSGSIZE;
			rd_take(r, n);
		}
	}
	return r->bad ? -EINVAL : 0;
}

static void smpp_addr_set(struct smpp_addr *a, uint8_t ton, uint8_t npi, const uint8_t *str)
{
	a->ton = ton;
	a->npi = npi;
	snprintf(a->digits, sizeof(a->digits), "%.20s", (const char *)str);
}

static bool smpp_is_sm(uint32_t id)
{
	return id == SMPP_SUBMIT_SM || id == SMPP_DELIVER_SM || id == SMPP_DATA_SM;
}

static int smpp_unpack(uint32_t id, void *dst, const uint8_t *in, size_t len)
{
	return smpp34_unpack(id, dst, in, len) == 0 ? 0 : -EINVAL;
}

static int smpp_bind_dec(struct smpp_pdu *pdu, const uint8_t *in, size_t len)
{
	bind_transceiver_t b = {};	/* the three bind PDUs are laid out alike */
	int rc = smpp_unpack(BIND_TRANSCEIVER, &b, in, len);

	if (rc < 0)
		return rc;
	memcpy(pdu->bind.system_id, b.system_id, sizeof(pdu->bind.system_id));
	memcpy(pdu->bind.password, b.password, sizeof(pdu->bind.password));
	memcpy(pdu->bind.system_type, b.system_type, sizeof(pdu->bind.system_type));
	pdu->bind.interface_version = b.interface_version;
	smpp_addr_set(&pdu->bind.range, b.addr_ton, b.addr_npi, b.address_range);
	return 0;
}

static int smpp_sm_dec(struct smpp_pdu *pdu, const uint8_t *in, size_t len)
{
	struct smpp_sm *sm = &pdu->sm;
	submit_sm_t s = {};		/* deliver_sm is laid out alike */
	int rc = smpp_unpack(SUBMIT_SM, &s, in, len);

	if (rc < 0)
		return rc;
	memcpy(sm->service_type, s.service_type, sizeof(sm->service_type));
	smpp_addr_set(&sm->src, s.source_addr_ton, s.source_addr_npi, s.source_addr);
	smpp_addr_set(&sm->dst, s.dest_addr_ton, s.dest_addr_npi, s.destination_addr);
	sm->esm_class = s.esm_class;
	sm->protocol_id = s.protocol_id;
	sm->priority = s.priority_flag;
	memcpy(sm->schedule, s.schedule_delivery_time, sizeof(sm->schedule));
	memcpy(sm->validity, s.validity_period, sizeof(sm->validity));
	sm->registered = s.registered_delivery;
	sm->replace = s.replace_if_present_flag;
	sm->data_coding = s.data_coding;
	sm->default_msg_id = s.sm_default_msg_id;
	sm->ud_len = s.sm_length;
	memcpy(sm->ud, s.short_message, sm->ud_len);
	return 0;
}

static int smpp_data_dec(struct smpp_pdu *pdu, const uint8_t *in, size_t len)
{
	struct smpp_sm *sm = &pdu->sm;
	data_sm_t d = {};
	int rc = smpp_unpack(DATA_SM, &d, in, len);

	if (rc < 0)
		return rc;
	if (strlen((const char *)d.source_addr) > 20 || strlen((const char *)d.destination_addr) > 20)
		return -EINVAL;
	memcpy(sm->service_type, d.service_type, sizeof(sm->service_type));
	smpp_addr_set(&sm->src, d.source_addr_ton, d.source_addr_npi, d.source_addr);
	smpp_addr_set(&sm->dst, d.dest_addr_ton, d.dest_addr_npi, d.destination_addr);
	sm->esm_class = d.esm_class;
	sm->registered = d.registered_delivery;
	sm->data_coding = d.data_coding;
	return 0;
}

static int smpp_alert_dec(struct smpp_pdu *pdu, const uint8_t *in, size_t len)
{
	alert_notification_t a = {};
	int rc = smpp_unpack(ALERT_NOTIFICATION, &a, in, len);

	if (rc < 0)
		return rc;
	if (strlen((const char *)a.source_addr) > 20 || strlen((const char *)a.esme_addr) > 20)
		return -EINVAL;
	smpp_addr_set(&pdu->alert.src, a.source_addr_ton, a.source_addr_npi, a.source_addr);
	smpp_addr_set(&pdu->alert.esme, a.esme_addr_ton, a.esme_addr_npi, a.esme_addr);
	return 0;
}

static int smpp_text_dec(struct smpp_pdu *pdu, const uint8_t *in, size_t len)
{
	bind_transceiver_resp_t b = {};
	submit_sm_resp_t s = {};
	int rc;

	if (len == SMPP_PDU_MIN)
		return 0;
	if (smpp_is_sm(pdu->id & ~SMPP_RESP)) {
		rc = smpp_unpack(SUBMIT_SM_RESP, &s, in, len);
		memcpy(pdu->text, s.message_id, sizeof(s.message_id));
	} else {
		rc = smpp_unpack(BIND_TRANSCEIVER_RESP, &b, in, len);
		memcpy(pdu->text, b.system_id, sizeof(b.system_id));
	}
	return rc;
}

static int smpp_payload_dec(uint8_t *ud, size_t *ud_len, const uint8_t *v, size_t len)
{
	if (len > SMPP_SM_MAX)
		return -EMSGSIZE;
	if (*ud_len)	/* 5.3.2.32: not both */
		return -EINVAL;
	*ud_len = len;
	if (len)
		memcpy(ud, v, len);
	return 0;
}

/* Optional parameters of a message. */
static int smpp_sm_tlv(struct smpp_sm *sm, uint16_t tag, const uint8_t *v, size_t len)
{
	if (tag == TLVID_user_message_reference && len == 2) {
		sm->has_user_ref = true;
		sm->user_ref = v[0] << 8 | v[1];
	} else if (tag == TLVID_message_payload) {
		sm->payload = true;
		return smpp_payload_dec(sm->ud, &sm->ud_len, v, len);
	} else if (tag == TLVID_message_state && len == 1) {
		sm->state = v[0];
	} else if (tag == TLVID_receipted_message_id && len && len <= sizeof(sm->receipt_id)) {
		memset(sm->receipt_id, 0, sizeof(sm->receipt_id));
		memcpy(sm->receipt_id, v, strnlen((const char *)v, OSMO_MIN(len, sizeof(sm->receipt_id) - 1)));
	}
	return 0;
}

static int smpp_tlv_apply(struct smpp_pdu *pdu, uint16_t tag, const uint8_t *v, size_t len)
{
	if (smpp_is_sm(pdu->id))
		return smpp_sm_tlv(&pdu->sm, tag, v, len);
	if (smpp_is_sm(pdu->id & ~SMPP_RESP) && tag == TLVID_message_payload)
		return smpp_payload_dec(pdu->rsp_ud, &pdu->rsp_ud_len, v, len);
	if (pdu->id == SMPP_ALERT && tag == TLVID_ms_availability_status && len == 1) {
		pdu->alert.has_availability = true;
		pdu->alert.availability = v[0];
	}
	return 0;
}

static int smpp_tlvs_dec(struct smpp_pdu *pdu, struct rd *r)
{
	for (unsigned n = 0; r->left; n++) {
		uint16_t tag = rd_u16(r), len = rd_u16(r);
		const uint8_t *v = rd_take(r, len);
		int rc;

		if (r->bad || n == SMPP_TLV_MAX)
			return -EINVAL;
		rc = smpp_tlv_apply(pdu, tag, v, len);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int smpp_body_dec(struct smpp_pdu *pdu, const uint8_t *in, size_t len)
{
	switch (pdu->id) {
	case SMPP_BIND_RX: case SMPP_BIND_TX: case SMPP_BIND_TRX:
		return smpp_bind_dec(pdu, in, len);
	case SMPP_SUBMIT_SM: case SMPP_DELIVER_SM:
		return smpp_sm_dec(pdu, in, len);
	case SMPP_DATA_SM:
		return smpp_data_dec(pdu, in, len);
	case SMPP_ALERT:
		return smpp_alert_dec(pdu, in, len);
	case SMPP_RESP | SMPP_BIND_RX: case SMPP_RESP | SMPP_BIND_TX: case SMPP_RESP | SMPP_BIND_TRX:
	case SMPP_RESP | SMPP_SUBMIT_SM: case SMPP_RESP | SMPP_DELIVER_SM: case SMPP_RESP | SMPP_DATA_SM:
		return smpp_text_dec(pdu, in, len);
	default:
		return 0;
	}
}

int smpp_pdu_dec(struct smpp_pdu *pdu, const uint8_t *in, size_t len)
{
	uint8_t mandatory[SMPP_PDU_MAX];
	const char *fields;
	size_t mlen;
	struct rd r;
	int rc;

	memset(pdu, 0, sizeof(*pdu));
	rd_init(&r, in, len);
	rc = rd_u32(&r) == len && len <= SMPP_PDU_MAX ? 0 : -EINVAL;
	pdu->id = rd_u32(&r);
	pdu->status = rd_u32(&r);
	pdu->seq = rd_u32(&r);
	if (rc < 0 || r.bad)
		return -EINVAL;
	fields = smpp_layout(pdu->id);
	if (!fields)
		return -EOPNOTSUPP;
	rc = smpp_skip_mandatory(&r, fields);
	if (rc < 0)
		return rc;
	mlen = len - r.left;
	memcpy(mandatory, in, mlen);
	mandatory[2] = mlen >> 8;	/* command_length of what libsmpp34 is to see */
	mandatory[3] = mlen & 0xFF;
	rc = smpp_body_dec(pdu, mandatory, mlen);
	return rc < 0 ? rc : smpp_tlvs_dec(pdu, &r);
}

/* --- encoder --- */

static void smpp_tlv_put(struct bytes *out, uint16_t tag, const uint8_t *v, size_t len)
{
	bytes_put_u16(out, tag);
	bytes_put_u16(out, len);
	bytes_put(out, v, len);
}

static int smpp_pack(struct bytes *out, uint32_t id, void *src)
{
	uint8_t buf[SMPP_PDU_MAX];
	int len = 0;

	if (smpp34_pack(id, buf, sizeof(buf), &len, src) != 0 || len < SMPP_PDU_MIN)
		return -EINVAL;
	return bytes_put(out, buf, len);
}

static int smpp_bind_enc(struct bytes *out, const struct smpp_pdu *pdu)
{
	bind_transceiver_t b = { .command_id = pdu->id, .command_status = pdu->status, .sequence_number = pdu->seq };

	memcpy(b.system_id, pdu->bind.system_id, sizeof(pdu->bind.system_id));
	memcpy(b.password, pdu->bind.password, sizeof(pdu->bind.password));
	memcpy(b.system_type, pdu->bind.system_type, sizeof(pdu->bind.system_type));
	b.interface_version = pdu->bind.interface_version;
	b.addr_ton = pdu->bind.range.ton;
	b.addr_npi = pdu->bind.range.npi;
	memcpy(b.address_range, pdu->bind.range.digits, sizeof(pdu->bind.range.digits));
	return smpp_pack(out, BIND_TRANSCEIVER, &b);
}

static void smpp_sm_tlvs_enc(struct bytes *out, const struct smpp_sm *sm, bool payload)
{
	const uint8_t ref[] = { sm->user_ref >> 8, sm->user_ref & 0xFF };

	if (payload)
		smpp_tlv_put(out, TLVID_message_payload, sm->ud, sm->ud_len);
	if (sm->has_user_ref)
		smpp_tlv_put(out, TLVID_user_message_reference, ref, sizeof(ref));
	if (sm->receipt_id[0])	/* with its NUL, 5.3.2.12 */
		smpp_tlv_put(out, TLVID_receipted_message_id, (const uint8_t *)sm->receipt_id,
			     strnlen(sm->receipt_id, sizeof(sm->receipt_id) - 1) + 1);
	if (sm->state)
		smpp_tlv_put(out, TLVID_message_state, &sm->state, 1);
}

static int smpp_sm_enc(struct bytes *out, const struct smpp_pdu *pdu)
{
	const struct smpp_sm *sm = &pdu->sm;
	submit_sm_t s = { .command_id = pdu->id, .command_status = pdu->status, .sequence_number = pdu->seq };
	int rc;

	if (sm->ud_len > sizeof(sm->ud))
		return -EMSGSIZE;
	memcpy(s.service_type, sm->service_type, sizeof(sm->service_type));
	s.source_addr_ton = sm->src.ton;
	s.source_addr_npi = sm->src.npi;
	memcpy(s.source_addr, sm->src.digits, sizeof(sm->src.digits));
	s.dest_addr_ton = sm->dst.ton;
	s.dest_addr_npi = sm->dst.npi;
	memcpy(s.destination_addr, sm->dst.digits, sizeof(sm->dst.digits));
	s.esm_class = sm->esm_class;
	s.protocol_id = sm->protocol_id;
	s.priority_flag = sm->priority;
	memcpy(s.schedule_delivery_time, sm->schedule, sizeof(sm->schedule));
	memcpy(s.validity_period, sm->validity, sizeof(sm->validity));
	s.registered_delivery = sm->registered;
	s.replace_if_present_flag = sm->replace;
	s.data_coding = sm->data_coding;
	s.sm_default_msg_id = sm->default_msg_id;
	s.sm_length = sm->payload ? 0 : sm->ud_len;
	memcpy(s.short_message, sm->ud, s.sm_length);
	rc = smpp_pack(out, SUBMIT_SM, &s);
	smpp_sm_tlvs_enc(out, sm, sm->payload);
	return rc;
}

static int smpp_data_enc(struct bytes *out, const struct smpp_pdu *pdu)
{
	const struct smpp_sm *sm = &pdu->sm;
	data_sm_t d = { .command_id = pdu->id, .command_status = pdu->status, .sequence_number = pdu->seq };
	int rc;

	if (sm->ud_len > sizeof(sm->ud))
		return -EMSGSIZE;
	memcpy(d.service_type, sm->service_type, sizeof(sm->service_type));
	d.source_addr_ton = sm->src.ton;
	d.source_addr_npi = sm->src.npi;
	memcpy(d.source_addr, sm->src.digits, sizeof(sm->src.digits));
	d.dest_addr_ton = sm->dst.ton;
	d.dest_addr_npi = sm->dst.npi;
	memcpy(d.destination_addr, sm->dst.digits, sizeof(sm->dst.digits));
	d.esm_class = sm->esm_class;
	d.registered_delivery = sm->registered;
	d.data_coding = sm->data_coding;
	rc = smpp_pack(out, DATA_SM, &d);
	smpp_sm_tlvs_enc(out, sm, sm->payload || sm->ud_len);
	return rc;
}

static int smpp_alert_enc(struct bytes *out, const struct smpp_pdu *pdu)
{
	const struct smpp_alert *al = &pdu->alert;
	alert_notification_t a = { .command_id = pdu->id, .command_status = pdu->status, .sequence_number = pdu->seq };
	int rc;

	a.source_addr_ton = al->src.ton;
	a.source_addr_npi = al->src.npi;
	memcpy(a.source_addr, al->src.digits, sizeof(al->src.digits));
	a.esme_addr_ton = al->esme.ton;
	a.esme_addr_npi = al->esme.npi;
	memcpy(a.esme_addr, al->esme.digits, sizeof(al->esme.digits));
	rc = smpp_pack(out, ALERT_NOTIFICATION, &a);
	if (al->has_availability)
		smpp_tlv_put(out, TLVID_ms_availability_status, &al->availability, 1);
	return rc;
}

/* Answers whose body is one string. submit_sm_resp with an error status has none (4.4.2). */
static int smpp_text_enc(struct bytes *out, const struct smpp_pdu *pdu)
{
	size_t n = strnlen(pdu->text, sizeof(pdu->text));
	bool bind = !smpp_is_sm(pdu->id & ~SMPP_RESP);
	bind_transceiver_resp_t b = { .command_id = pdu->id, .command_status = pdu->status, .sequence_number = pdu->seq };
	submit_sm_resp_t s = { .command_id = pdu->id, .command_status = pdu->status, .sequence_number = pdu->seq };
	int rc;

	if (n >= (bind ? sizeof(b.system_id) : sizeof(s.message_id)) || pdu->rsp_ud_len > sizeof(pdu->rsp_ud))
		return -EMSGSIZE;
	memcpy(bind ? b.system_id : s.message_id, pdu->text, n);
	rc = bind ? smpp_pack(out, BIND_TRANSCEIVER_RESP, &b) : smpp_pack(out, SUBMIT_SM_RESP, &s);
	if (pdu->rsp_ud_len && !bind)
		smpp_tlv_put(out, TLVID_message_payload, pdu->rsp_ud, pdu->rsp_ud_len);
	return rc;
}

static int smpp_body_enc(struct bytes *out, const struct smpp_pdu *pdu)
{
	enquire_link_t head = { .command_id = pdu->id, .command_status = pdu->status, .sequence_number = pdu->seq };

	switch (pdu->id) {
	case SMPP_BIND_RX: case SMPP_BIND_TX: case SMPP_BIND_TRX:
		return smpp_bind_enc(out, pdu);
	case SMPP_SUBMIT_SM: case SMPP_DELIVER_SM:
		return smpp_sm_enc(out, pdu);
	case SMPP_DATA_SM:
		return smpp_data_enc(out, pdu);
	case SMPP_ALERT:
		return smpp_alert_enc(out, pdu);
	case SMPP_RESP | SMPP_SUBMIT_SM:
		if (pdu->status != SMPP_ST_OK)
			return smpp_pack(out, ENQUIRE_LINK, &head);
		return smpp_text_enc(out, pdu);
	case SMPP_RESP | SMPP_BIND_RX: case SMPP_RESP | SMPP_BIND_TX: case SMPP_RESP | SMPP_BIND_TRX:
	case SMPP_RESP | SMPP_DELIVER_SM: case SMPP_RESP | SMPP_DATA_SM:
		return smpp_text_enc(out, pdu);
	default:
		return smpp_layout(pdu->id) ? smpp_pack(out, ENQUIRE_LINK, &head) : -EOPNOTSUPP;
	}
}

int smpp_pdu_enc(struct bytes *out, const struct smpp_pdu *pdu)
{
	size_t start = out->len, len;
	int rc = smpp_body_enc(out, pdu);

	if (rc < 0 || out->err < 0)
		return rc < 0 ? rc : out->err;
	len = out->len - start;
	if (len > SMPP_PDU_MAX)
		return -EMSGSIZE;
	out->data[start + 2] = len >> 8;	/* with the optional parameters */
	out->data[start + 3] = len & 0xFF;
	return 0;
}
