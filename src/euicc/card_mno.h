/* ES6: the operator to its profile's MNO-SD. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "card_int.h"

struct card_mno {			/* of one script */
	struct isd_p *isdp;
	struct bytes *store;		/* STORE DATA blocks so far */
	uint8_t block;			/* the next one's number */
};

/* One command in a script under the MNO-SD's keys: a status word; there is never data. */
uint16_t card_mno_apdu(struct card_mno *m, void *ctx, const uint8_t *apdu, size_t len);
