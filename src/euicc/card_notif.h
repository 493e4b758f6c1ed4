/* Notifications of the card to its SM-SR (SGP.02 3.15, 4.1.1.11). SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/ota/notif.h>

struct card;
struct bytes;

/* A new notification with the next sequence number; replaces one still owed. */
void card_notif_raise(struct card *c, enum notif_type type);
/* Send (again) what is owed; nothing happens while not attached or under way. */
void card_notif_send(struct card *c);
void card_notif_timeout(struct card *c);
/* An attempt over HTTPS has ended: true when the server took it. */
void card_notif_https_done(struct card *c, bool ok);
