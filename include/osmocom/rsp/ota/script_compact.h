/* Compact remote APDU format: TS 102 226 5.1. Never for the ISD-R (SGP.02 2.4.3 asks for expanded); other applications
 * and older cards use it. Both ends.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/ota/apdu.h>

/* Server: commands written one behind the other. Only the last may have Le, and a GET RESPONSE anywhere (its P3 is Le);
 * -EINVAL otherwise. Case 1 is written with P3 00. */
int script_compact_put_cmd(struct bytes *out, const struct apdu_cmd *c, bool last);

/* Card: walk. 1 and *c, 0 at the end, -EINVAL. A command takes 5 octets and P3 octets of data; one octet left behind the
 * last command is its Le. P3 of a last command without data is read as Le (a last case 1 looks the same). */
int script_compact_next(struct rd *r, struct apdu_cmd *c);

struct script_compact_rsp {
	uint8_t executed;		/* how many commands */
	uint16_t sw;			/* of the last executed */
	const uint8_t *data;		/* of the last executed, inside the input */
	size_t len;
};
int script_compact_rsp_enc(struct bytes *out, const struct script_compact_rsp *rsp);
int script_compact_rsp_dec(struct script_compact_rsp *rsp, const uint8_t *in, size_t len);
