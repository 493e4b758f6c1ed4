/* eUICC controlling authority security domain: its certificate and its part in key establishment.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/ota/es8_cmd.h>

struct card;

/* GET DATA: 005A, 7F21, BF30 with tag list. 0x9000 and data appended, or the status word. */
uint16_t ecasd_get_data(const struct card *c, uint16_t tag, const uint8_t *data, size_t len, struct bytes *resp);
/* Step 1: cert is the complete 7F21. Role 1 (SM-DP) for an ISD-P, 2 (SM-SR) for the ISD-R. Answer 85 RC appended. */
uint16_t ecasd_step1(struct card *c, int role, const uint8_t *cert, size_t len, struct bytes *resp);
/* Step 2: data is the DGI stream 3A02 .. 5F37. sin, sdin: identification of the target domain, may be NULL. On 0x9000
 * *crt and *ks (under ctx) hold the agreement and [85 DR] 86 receipt is appended. */
struct ecasd_target {
	int role;
	const struct bytes *sin, *sdin;
	uint8_t kvn_first, kvn_last, kvn2_first, kvn2_last;	/* key versions this domain takes */
};
uint16_t ecasd_step2(struct card *c, const struct ecasd_target *t, const uint8_t *data, size_t len, void *ctx,
		     struct es8_crt *crt, struct es8_keyset *ks, struct bytes *resp);
