/* Profile change: enable, disable, roll-back, fall-back. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct aid;
struct card;
struct isd_p;

/* Commands: checks and marks; the change takes effect at the reset that REFRESH brings. Status word. */
uint16_t card_switch_enable(struct card *c, const struct aid *aid);
uint16_t card_switch_disable(struct card *c, const struct aid *aid);
/* Part of a change not yet confirmed: must not be deleted. */
bool card_switch_involves(const struct card *c, const struct isd_p *p);
/* The answer to the command is on its way: REFRESH may follow. */
void card_switch_refresh(struct card *c);
/* A change waits for its REFRESH. */
bool card_switch_pending(const struct card *c);
void card_switch_reset(struct card *c);		/* at reset: states change now */
void card_switch_started(struct card *c);	/* TERMINAL PROFILE: timers of the stage we are in */
void card_switch_service(struct card *c, bool normal);
void card_switch_timeout(struct card *c);
void card_switch_no_service(struct card *c);	/* the fall-back timer has run out */
void card_switch_notif_failed(struct card *c);	/* the notification was never confirmed */
/* SGP.02 4.1.1.12; deleted: room for ES5_AIDS_MAX. */
uint16_t card_switch_confirm(struct card *c, uint16_t seq, struct aid *deleted, unsigned *n);
