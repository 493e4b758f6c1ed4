/* The card's toolkit: queue of proactive commands, events, timers. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/bip/bip_cmd.h>
#include <osmocom/rsp/ota/apdu.h>

struct card;
struct card_cat;

/* Toolkit timers of this card. */
enum card_timer { CARD_TIMER_SWITCH = 1, CARD_TIMER_NOTIF, CARD_TIMER_HTTP, CARD_TIMER_FALLBACK,
		  CARD_TIMER_CATTP, CARD_TIMER_POR, CARD_TIMER_DNS };

/* r: the TERMINAL RESPONSE. */
typedef void (*card_cat_cb)(struct card *c, const struct bip_resp *r, void *priv);

struct card_cat *card_cat_new(struct card *c);
void card_cat_reset(struct card *c);
bool card_cat_ins(uint8_t ins);
/* TERMINAL PROFILE, FETCH, TERMINAL RESPONSE, ENVELOPE. */
void card_cat_apdu(struct card *c, const struct apdu_cmd *a, struct bytes *resp);
/* Octets of the command waiting to be fetched; 0: none, or one is being carried out. */
unsigned card_cat_waiting(const struct card *c);
/* Queue a command; number, source and (when 0) destination are filled in. cb may be NULL. 0, -EMSGSIZE, -ENOSPC. */
int card_cat_queue(struct card *c, struct bip_cmd *cmd, card_cat_cb cb, void *priv);
void card_cat_timer_start(struct card *c, enum card_timer id, unsigned seconds);
void card_cat_timer_stop(struct card *c, enum card_timer id);
