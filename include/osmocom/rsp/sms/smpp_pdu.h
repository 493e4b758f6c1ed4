/* SMPP 3.4 PDUs as structs, and the framing of the TCP stream in front of them (16..2048 octets, else hang up).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>

#define SMPP_PDU_MIN 16
#define SMPP_PDU_MAX 2048
#define SMPP_SM_MAX 254

enum smpp_id {
	SMPP_BIND_RX = 0x01, SMPP_BIND_TX = 0x02, SMPP_SUBMIT_SM = 0x04, SMPP_DELIVER_SM = 0x05, SMPP_UNBIND = 0x06,
	SMPP_BIND_TRX = 0x09, SMPP_ENQUIRE_LINK = 0x15, SMPP_ALERT = 0x102, SMPP_DATA_SM = 0x103,
};
#define SMPP_RESP 0x80000000U		/* | id: the answer to it; alone: generic_nack */

enum smpp_status {
	SMPP_ST_OK = 0x00, SMPP_ST_INV_MSG_LEN = 0x01, SMPP_ST_INV_CMD_LEN = 0x02, SMPP_ST_INV_CMD_ID = 0x03,
	SMPP_ST_INV_BIND_STATUS = 0x04, SMPP_ST_ALREADY_BOUND = 0x05, SMPP_ST_SYS_ERR = 0x08,
	SMPP_ST_INV_DST_ADDR = 0x0B, SMPP_ST_BIND_FAIL = 0x0D, SMPP_ST_INV_PASSWORD = 0x0E,
	SMPP_ST_INV_SYSTEM_ID = 0x0F, SMPP_ST_QUEUE_FULL = 0x14, SMPP_ST_INV_ESM_CLASS = 0x43,
	SMPP_ST_THROTTLED = 0x58, SMPP_ST_RX_TEMP = 0x64, SMPP_ST_RX_PERM = 0x65, SMPP_ST_RX_REJECT = 0x66,
	SMPP_ST_OPT_NOT_ALLOWED = 0xC1, SMPP_ST_DELIVERY_FAIL = 0xFE, SMPP_ST_UNKNOWN = 0xFF,
};

#define SMPP_ESM_MODE_MASK 0x03		/* 2: transaction (forward) mode */
#define SMPP_ESM_TRANSACTION 0x02
#define SMPP_ESM_STORE 0x03
#define SMPP_ESM_TYPE_MASK 0x3C		/* deliver_sm: not zero is a receipt or an acknowledgement */
#define SMPP_ESM_RECEIPT 0x04
#define SMPP_ESM_DELIVERY_ACK 0x08	/* what the card itself answered */
#define SMPP_ESM_USER_ACK 0x10
#define SMPP_ESM_INTERIM 0x20
#define SMPP_ESM_UDHI 0x40

struct smpp_addr {
	uint8_t ton, npi;
	char digits[21];
};

struct smpp_bind {
	char system_id[16], password[9], system_type[13];
	uint8_t interface_version;
	struct smpp_addr range;		/* at most 20 characters taken here */
};

enum smpp_state {			/* TLV message_state, 5.2.28 */
	SMPP_STATE_NONE, SMPP_STATE_ENROUTE, SMPP_STATE_DELIVERED, SMPP_STATE_EXPIRED, SMPP_STATE_DELETED,
	SMPP_STATE_UNDELIVERABLE, SMPP_STATE_ACCEPTED, SMPP_STATE_UNKNOWN, SMPP_STATE_REJECTED,
};

/* submit_sm, deliver_sm, data_sm; the last has no protocol_id, priority, times, replace, default_msg_id */
struct smpp_sm {
	char service_type[6];
	struct smpp_addr src, dst;
	uint8_t esm_class, protocol_id, priority;
	char schedule[17], validity[17];
	uint8_t registered, replace, data_coding, default_msg_id;
	bool payload;			/* ud goes into, or came from, the TLV message_payload (always in data_sm) */
	uint8_t ud[SMPP_SM_MAX];
	size_t ud_len;
	bool has_user_ref;		/* TLV user_message_reference */
	uint16_t user_ref;
	char receipt_id[65];		/* TLV receipted_message_id, "": none */
	uint8_t state;			/* TLV message_state, 0: none */
};

struct smpp_alert {
	struct smpp_addr src, esme;
	bool has_availability;
	uint8_t availability;		/* 0 available, 1 denied, 2 unavailable */
};

struct smpp_pdu {
	uint32_t id, status, seq;
	union {
		struct smpp_bind bind;
		struct smpp_sm sm;
		struct smpp_alert alert;
		char text[65];		/* system_id of bind_*_resp, message_id of submit_sm_resp, deliver_sm_resp ... */
	};
	/* TLV message_payload of submit_sm_resp and data_sm_resp: what the card answered at once */
	uint8_t rsp_ud[SMPP_SM_MAX];
	size_t rsp_ud_len;
};

/* What is at the start of a receive buffer: length of one whole PDU, 0 when octets are missing, -EPROTO when the length
 * field is out of bounds: the connection is to be closed. */
int smpp_frame(const uint8_t *buf, size_t have);
/* One whole PDU. 0; -EOPNOTSUPP: a PDU not known here (header filled: answer generic_nack 03); -EMSGSIZE: message too
 * long, -EINVAL: malformed (header filled when 16 octets were there: answer with an error status). */
int smpp_pdu_dec(struct smpp_pdu *pdu, const uint8_t *in, size_t len);
int smpp_pdu_enc(struct bytes *out, const struct smpp_pdu *pdu);
const char *smpp_id_name(uint32_t id);
