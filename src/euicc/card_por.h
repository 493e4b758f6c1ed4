/* Response packets of the card that are held back by a fault. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/linuxlist.h>

#include "card_cat.h"

struct card;

struct card_por_late {
	void *ctx;
	struct llist_head list;
	unsigned n;
};

struct card_por_late *card_ota_late(struct card *c);
void card_por_timeout(struct card *c);
