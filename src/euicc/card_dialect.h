/* What a simulated card does where the specification leaves a choice, or its readers disagree (the digest's points most
 * likely to be wrong). SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/bytes.h>

#include "card_env.h"

struct card;

enum card_dialect card_dialect(const struct card *c);	/* never CARD_DIALECT_MIXED: each card has one, by its EID */
extern const struct value_string card_dialect_names[];

bool card_dialect_definite(const struct card *c, bool definite);	/* form of the answer to this form */
uint8_t card_dialect_aid_tag(const struct card *c);		/* of the ISD-P in a notification */
uint8_t card_dialect_notif_kic(const struct card *c, uint8_t kvn);	/* KIc octet of a notification by SMS */
bool card_dialect_content_length(const struct card *c);		/* bodies of POST requests are not chunked */
bool card_dialect_empty_mac(const struct card *c);		/* answer 86 without data carries an R-MAC */
/* PSK identity and X-Admin-From as this card spells them, in place. */
void card_dialect_psk_id(const struct card *c, char *text);
void card_dialect_from(const struct card *c, char *text);
/* "odd: AB, tag AF, KIc 10, .." */
char *card_dialect_describe(void *ctx, const struct card *c);
