/* PUSH of remote application management, TS 102 226 9 (ota-transport 5.1): a channel, then a CAT_TP link.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/ota/scp81_msg.h>

#define PUSH_INS		0xEC
#define PUSH_P1			0x01
#define PUSH_P2_CHANNEL		0x01
#define PUSH_P2_CATTP		0x02

/* One C-APDU each, appended. conn: UDP, what is empty comes from the card's defaults. -EINVAL: address or name. */
int push_channel_enc(struct bytes *out, const struct scp81_params *conn);
/* port: CAT_TP's own, not UDP's. max_sdu 0: not said. id_len 0: the card identifies itself by its ICCID. */
int push_cattp_enc(struct bytes *out, uint16_t port, uint16_t max_sdu, const uint8_t *id, size_t id_len);
