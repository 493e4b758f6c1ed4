/* ISD-R: platform management (ES5). SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>

struct card;
/* One C-APDU that came under the SM-SR's keys; data and status word appended. */
void isd_r_apdu(struct card *c, const uint8_t *apdu, size_t len, struct bytes *resp);
