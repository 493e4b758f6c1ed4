/* The admin agent in the card: SCP81 (TLS-PSK and HTTP over a BIP channel).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <osmocom/rsp/util/bytes.h>

struct card;
struct card_http;

struct card_http *card_http_new(struct card *c);
void card_http_reset(struct card *c);
/* Session trigger 81 (GP Amd B 3.7): opens a session soon. */
int card_http_trigger(struct card *c, const uint8_t *in, size_t len);
/* A session of the card's own, its first POST carrying the notification E1. */
int card_http_notify(struct card *c, const struct bytes *e1);
void card_http_data_available(struct card *c);
void card_http_dropped(struct card *c, uint8_t channel);
void card_http_timeout(struct card *c);
bool card_http_able(const struct card *c);		/* the card has it, and a key for it */
/* OPEN CHANNEL with what the card knows by itself: bearer, buffer, access point of the enabled profile, server's
 * address (in ip: 16 octets). */
struct bip_cmd;
void card_open_defaults(const struct card *c, struct bip_cmd *cmd, uint8_t *ip);
const char *card_http_state(const struct card *c);	/* for `show` */
