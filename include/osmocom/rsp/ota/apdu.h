/* Command and response APDU of ISO 7816-4, short lengths (SGP.02 uses no others).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>

struct apdu_cmd {
	uint8_t cla, ins, p1, p2;
	const uint8_t *data;		/* inside the input of apdu_dec() */
	size_t lc;			/* octets at data, 0..255; 0: no Lc field */
	bool has_le;
	uint8_t le;			/* as written: 00 stands for 256 */
};

struct apdu_rsp {
	const uint8_t *data;		/* without the status word, inside the input */
	size_t len;
	uint16_t sw;
};

/* Cases 1 to 4: 0, -EINVAL when lengths do not add up or are extended. */
int apdu_dec(struct apdu_cmd *c, const uint8_t *in, size_t len);
int apdu_put(struct bytes *out, const struct apdu_cmd *c);
int apdu_rsp_dec(struct apdu_rsp *r, const uint8_t *in, size_t len);
int apdu_rsp_put(struct bytes *out, const void *data, size_t len, uint16_t sw);
/* A script goes on after this status word: 90xx 91xx 61xx 62xx (not 62F1) 63xx (TS 102 226 5.2.1). */
bool apdu_sw_goes_on(uint16_t sw);
/* The command was carried out: 9000 and 91xx (a proactive command waits). */
bool apdu_sw_ok(uint16_t sw);
