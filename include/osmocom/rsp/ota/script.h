/* Expanded remote command scripts and their responses: TS 102 226 5.2, SGP.02 2.4.3 and Annex K. Both ends.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/ota/apdu.h>
#include <osmocom/rsp/util/tlv.h>

#define SCRIPT_TAG_CAPDU	0x22
#define SCRIPT_TAG_RAPDU	0x23
#define SCRIPT_TAG_IMMEDIATE	0x81
#define SCRIPT_TAG_ERROR_ACTION	0x82
#define SCRIPT_TAG_CHAINING	0x83

enum script_chain {
	SCRIPT_CHAIN_NONE = -1,
	SCRIPT_CHAIN_FIRST = 0x01,	/* state deleted on reset */
	SCRIPT_CHAIN_FIRST_KEEP = 0x11,	/* state kept over reset */
	SCRIPT_CHAIN_MORE = 0x02,
	SCRIPT_CHAIN_LAST = 0x03,
};

enum script_bad { SCRIPT_BAD_NONE = -1, SCRIPT_BAD_TAG = 1, SCRIPT_BAD_LENGTH = 2, SCRIPT_BAD_NO_LENGTH = 3 };

/* Server: command TLVs, appended one after the other, then put into AA (definite) or AE 80 .. 00 00. */
int script_put_capdu(struct bytes *tlvs, const uint8_t *apdu, size_t len);
int script_put_cmd(struct bytes *tlvs, const struct apdu_cmd *c);
int script_cmd_enc(struct bytes *out, const uint8_t *tlvs, size_t len, bool definite, enum script_chain chain);
/* Octets script_cmd_enc() adds to len octets of TLVs. */
size_t script_cmd_overhead(size_t len, bool definite, enum script_chain chain);

/* Or else commands one behind the other (script_compact.h). */
bool script_is_expanded(const uint8_t *in, size_t len);
/* Card: open AA or AE, then walk. 0, or -EINVAL (s->bad says what to answer). A chaining TLV in front is taken out. */
struct script_rd {
	struct rd r;
	bool definite;
	enum script_chain chain;
	unsigned count;			/* TLVs handed out so far */
	enum script_bad bad;
};
int script_cmd_open(struct script_rd *s, const uint8_t *in, size_t len);
/* 1 and *t (A2 turned into 22), 0 at the end, -EINVAL with s->bad. */
int script_cmd_next(struct script_rd *s, struct tlv *t);

/* Card: response TLVs (23, 84..87, 9F46.., a chaining error 83 01 xx last), then AB 80 01 n .. or AF 80 .. 00 00. */
int script_put_rapdu(struct bytes *tlvs, const void *data, size_t len, uint16_t sw);
int script_rsp_enc(struct bytes *out, bool definite, unsigned executed, const uint8_t *tlvs, size_t len,
		   enum script_bad bad);

/* Server: the bare response TLVs, without AB/AF, the count and the closing error TLVs. */
struct script_rsp {
	bool definite;
	int executed;			/* value of tag 80, -1 when absent */
	int bad_format;			/* value of tag 90: enum script_bad, -1 when absent */
	int chain_error;		/* value of tag 83: 1 no previous script, 2 not supported, 3 unable; -1 */
	int immediate_error;		/* value of tag 81, -1 when absent */
	const uint8_t *tlvs;		/* inside the input */
	size_t len;
};
int script_rsp_dec(struct script_rsp *r, const uint8_t *in, size_t len);
/* Walk bare response TLVs: 1 and *a for the next R-APDU (other TLVs are passed over), 0 at the end, -EINVAL. */
int script_rapdu_next(struct rd *r, struct apdu_rsp *a);
/* The R-APDU that decides: the first whose status word stops a script, else the last. -ENODATA: there is none. */
int script_rapdu_decisive(struct apdu_rsp *a, const uint8_t *tlvs, size_t len);
