/* Whatever arrives from cards: find the eUICC, hand over.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "euicc.h"

struct card_in {
	struct euiccs *reg;
	const char *from;	/* number of the SMS being delivered, or NULL */
};

extern const struct card_session_ops card_in_ops;	/* priv: struct card_in */
void card_in_sms(void *card_in, const char *from, bool response, const uint8_t *packet, size_t len);
void card_in_alert(void *card_in, const char *msisdn);
