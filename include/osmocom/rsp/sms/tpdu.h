/* SMS TPDUs: SMS-DELIVER, SMS-SUBMIT, SMS-DELIVER-REPORT (TS 23.040 9.2.2) and the user data header (9.2.3.24).
 * 8-bit data only, as all OTA is: TP-UDL counts octets.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>

#define TPDU_UD_MAX 140
#define TPDU_MAX 176			/* SUBMIT: 2 + 12 + 1 + 1 + 7 + 1 + 140, rounded up */
#define TPDU_DIGITS_MAX 20
#define TPDU_PID_DATA_DOWNLOAD 0x7F	/* (U)SIM data download */
#define TPDU_DCS_8BIT_CLASS2 0xF6

/* TP-OA, TP-DA. One character a semi-octet: 0-9 * # a b c f, so that an alphanumeric address survives too. */
struct tpdu_addr {
	uint8_t toa;			/* 0x91 international, 0x81 unknown; 0 when encoding: 0x91 */
	char digits[TPDU_DIGITS_MAX + 1];
};

struct tpdu_deliver {
	bool more;			/* TP-MMS says that more messages wait */
	bool udhi, sri, rp;
	struct tpdu_addr oa;
	uint8_t pid, dcs;
	uint8_t scts[7];
	uint8_t ud[TPDU_UD_MAX];
	size_t ud_len;
};

struct tpdu_submit {
	bool udhi, srr, rd, rp;
	uint8_t mr;
	struct tpdu_addr da;
	uint8_t pid, dcs;
	uint8_t vp[7];
	uint8_t vp_len;			/* 0 no TP-VP, 1 relative, 7 absolute or enhanced */
	bool vp_enhanced;
	uint8_t ud[TPDU_UD_MAX];
	size_t ud_len;
};

/* In RP-ACK, or in RP-ERROR when error is set: then fcs is TP-FCS. */
struct tpdu_report {
	bool error, udhi;
	uint8_t fcs;
	uint8_t pid, dcs;		/* only with user data */
	uint8_t ud[TPDU_UD_MAX];
	size_t ud_len;
};

/* All decoders: 0, or -EINVAL (cut, not this type, 7-bit text), -EMSGSIZE (user data over 140, digits over 20). Octets after TP-UD
 * are refused. Encoders append to out: 0 or negative errno. */
int tpdu_deliver_enc(struct bytes *out, const struct tpdu_deliver *t);
int tpdu_deliver_dec(struct tpdu_deliver *t, const uint8_t *in, size_t len);
int tpdu_submit_enc(struct bytes *out, const struct tpdu_submit *t);
int tpdu_submit_dec(struct tpdu_submit *t, const uint8_t *in, size_t len);
int tpdu_report_enc(struct bytes *out, const struct tpdu_report *t);
int tpdu_report_dec(struct tpdu_report *t, const uint8_t *in, size_t len);
/* Message class 2, 8 bit (F6, 16 and their equals): with PID 7F the message is for the card. */
bool tpdu_dcs_class2(uint8_t dcs);

/* What the elements of a user data header say; elements in any order, unknown ones skipped. */
struct tpdu_udh {
	uint8_t ota;			/* 0x70 command, 0x71 response, 0 neither */
	bool concat;			/* then ref, total, seq hold */
	bool ref16;
	uint16_t ref;
	uint8_t total, seq;
	const uint8_t *body;		/* after the header, inside the input */
	size_t body_len;
};

/* ud as it is in a TPDU with TP-UDHI set: 0, or -EINVAL (malformed, two different concatenation elements, seq of 0 or
 * over total). */
int tpdu_udh_dec(struct tpdu_udh *u, const uint8_t *ud, size_t len);
