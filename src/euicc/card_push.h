/* PUSH commands: the server asks the card to open a channel and a CAT_TP link on it (TS 102 226 9).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <osmocom/rsp/util/bytes.h>

struct card;
struct card_por;

/* A script, compact or expanded, that begins with PUSH: true, and por is taken over; it is answered when the
 * terminal has opened the channel or refused to. */
bool card_push_run(struct card *c, struct card_por *por, const struct bytes *payload);
void card_push_reset(struct card *c);
