/* The card's end of a CAT_TP link (TS 102 127): client, over a UDP channel of its own. Nothing is shared with the
 * server's end but the PDU codec. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/bip/bip_cmd.h>

struct card;
struct card_cattp;

struct card_cattp *card_cattp_new(struct card *c);
void card_cattp_reset(struct card *c);
/* The channel first; opened() gets the answer to OPEN CHANNEL. A link that was there is gone. */
int card_cattp_channel(struct card *c, struct bip_cmd *open, void (*opened)(struct card *c, const struct bip_resp *r));
/* Then the link: SYN to this CAT_TP port. max_sdu 0: as the card likes. id_len 0: the ICCID is sent. -ENOTCONN. */
int card_cattp_link(struct card *c, uint16_t port, uint16_t max_sdu, const uint8_t *id, size_t id_len);
/* -ENOTCONN, -EMSGSIZE. */
int card_cattp_send(struct card *c, const uint8_t *sdu, size_t len);
void card_cattp_timeout(struct card *c);
const char *card_cattp_state(const struct card *c);	/* for `show` */
struct card_cattp_stats { unsigned long links, rx, rx_bad, rx_dup, rx_ooo, tx, again, sdu_in, sdu_out; };
const struct card_cattp_stats *card_cattp_stats(const struct card *c);
