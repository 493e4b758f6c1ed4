/* CAT_TP PDUs: TS 102 127 5. One PDU is one UDP datagram; both ends, both directions.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>

#define CATTP_SYN		0x80
#define CATTP_ACK		0x40
#define CATTP_EAK		0x20	/* only together with ACK */
#define CATTP_RST		0x10
#define CATTP_NUL		0x08
#define CATTP_SEG		0x04	/* more segments of this SDU follow */
#define CATTP_VERSION_MASK	0x03

#define CATTP_HDR_LEN		18
#define CATTP_SYN_VAR_LEN	5	/* two sizes, length of the identification */
#define CATTP_PDU_MIN		23	/* smallest acceptable maximum PDU size */
#define CATTP_PDU_MAX		65535	/* what a 16 bit size can name; UDP carries less */
#define CATTP_ID_MAX		(255 - CATTP_HDR_LEN - CATTP_SYN_VAR_LEN)
#define CATTP_EACK_MAX		((255 - CATTP_HDR_LEN) / 2)

enum cattp_reason {
	CATTP_RST_NORMAL = 0x00,
	CATTP_RST_PARAMETERS = 0x01,
	CATTP_RST_TEMPORARY = 0x02,
	CATTP_RST_PORT = 0x03,
	CATTP_RST_UNEXPECTED = 0x04,
	CATTP_RST_RETRIES = 0x05,
	CATTP_RST_VERSION = 0x06,
};
const char *cattp_reason_text(uint8_t reason);

struct cattp_pdu {
	uint8_t flags;
	uint16_t src, dst;		/* CAT_TP ports, not UDP's */
	uint16_t seq, ack, win;
	uint16_t max_pdu, max_sdu;	/* SYN: what its sender can receive */
	const uint8_t *id;		/* SYN: identification; inside the input */
	size_t id_len;
	uint16_t eack[CATTP_EACK_MAX];	/* EAK: received out of order */
	unsigned eack_count;
	uint8_t reason;			/* RST: enum cattp_reason */
	const uint8_t *data;		/* inside the input */
	size_t data_len;
};

/* Appends the PDU with its checksum. -EINVAL when the flags or lengths make no PDU that cattp_pdu_dec() would take. */
int cattp_pdu_enc(struct bytes *out, const struct cattp_pdu *p);
/* 0, -EBADMSG checksum wrong, -EPROTONOSUPPORT another version, -EINVAL malformed. in must be exactly one PDU. */
int cattp_pdu_dec(struct cattp_pdu *p, const uint8_t *in, size_t len);
/* Octets of the PDU, header and data. */
size_t cattp_pdu_len(const struct cattp_pdu *p);
