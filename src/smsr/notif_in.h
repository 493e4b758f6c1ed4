/* An authenticated notification of a card.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "proc.h"

void notif_in(struct euicc *e, const struct notif *n, const char *bearer);
