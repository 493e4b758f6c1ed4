/* The card as its terminal sees it: APDUs in, data and status word out.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/ids.h>

struct card;

/* Power on or warm reset: pending profile change takes effect, logical state is gone. */
void card_reset(struct card *c);
/* One command APDU; resp receives data and SW1 SW2 (never cut; 91xx when a proactive command waits). Extended answers of
 * case 4 commands come at once, without GET RESPONSE. */
void card_apdu(struct card *c, const uint8_t *apdu, size_t len, struct bytes *resp);
const struct eid *card_eid(const struct card *c);
/* Wanted by the terminal after any APDU: seconds until the card wants a STATUS poll, 0 = not at all. */
unsigned card_poll_s(const struct card *c);
