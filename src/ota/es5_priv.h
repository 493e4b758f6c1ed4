/* Tags of ES5, shared by its encoders and decoders. SGP.02 4.1.1, GP CS 11.2, 11.5.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/ota/es5_cmd.h>

#define DGI_SD_DATA	0x0070
#define DGI_CERT	0x3A01
#define DGI_KEYS	0x3A02
#define DGI_ENABLE	0x3A03
#define DGI_DISABLE	0x3A04
#define DGI_FALLBACK	0x3A05
#define DGI_POL1	0x3A06
#define DGI_ADDRESSES	0x3A07	/* of the SM-SR (A3..A6), or connectivity (A0..A2) */
#define DGI_CONFIRM	0x3A08
#define DGI_EMERGENCY	0x3A09	/* by continuing the series, no text seen: the one place to change it */

#define INSTALL_MAKE_SELECTABLE	0x0C
#define INSTALL_PERSO		0x20
#define DELETE_RELATED		0x40

#define TAG_AID		0x4F
#define TAG_SEQ		0x4E
#define TAG_LIST	0x5C
#define TAG_CRT		0xB6
#define TAG_TOKEN	0x9E
#define TAG_KEEP	0xF2
#define TAG_SIN		0x42
#define TAG_SDIN	0x45
#define TAG_PROVIDER	0x5F20
#define TAG_TOKEN_ID	0x93
#define TAG_POL1	0x81
#define SMSR_SMS	0xA3
#define SMSR_HTTPS	0xA5
#define SMSR_DNS	0xA6

int es5_token(uint8_t out[16], const struct es5_master_delete *m, const struct key *token_key);
