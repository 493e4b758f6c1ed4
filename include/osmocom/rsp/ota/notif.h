/* The card's notification E1 (SGP.02 4.1.1.11). Its confirmation is an ES5 command (es5_cmd.h).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/ids.h>

#define NOTIF_TAG	0xE1
#define NOTIF_MAX	256		/* octets of a notification, and half the digits of "?msg=" */

enum notif_type {
	NOTIF_FIRST_ATTACH = 0x01,	/* eUICC declaration */
	NOTIF_CHANGED = 0x02,		/* profile change succeeded */
	NOTIF_ROLLED_BACK = 0x03,	/* profile change failed, roll-back */
	NOTIF_VOID = 0x04,
	NOTIF_FALLBACK = 0x05,		/* profile change after fall-back */
};
const char *notif_type_text(uint8_t type);

#define NOTIF_AID_TAG		0x2F	/* sent; AF and 4F (2016 cards) are accepted too */
#define NOTIF_AID_TAG_2016	0x4F

struct notif {
	struct eid eid;			/* 4C */
	uint8_t type;			/* 4D */
	uint16_t seq;			/* 4E */
	struct aid aid;			/* ISD-P now enabled */
	char imei[16];			/* 14: 15 digits or "" */
	uint8_t meid[8]; size_t meid_len;	/* 6D */
	uint8_t location[9]; size_t location_len;	/* 13 */
};
/* The complete E1 TLV. aid_tag: NOTIF_AID_TAG, or another for a card of another date. */
int notif_enc(struct bytes *out, const struct notif *n, uint8_t aid_tag);
/* Exactly one E1 TLV; unknown inner tags are passed over. -EINVAL: malformed, or 4C, 4D, 4E or the AID missing. */
int notif_dec(struct notif *n, const uint8_t *in, size_t len);
/* IMEI as a mobile identity, 8 octets. */
int notif_imei_enc(uint8_t out[8], const char *imei);
int notif_imei_dec(char out[16], const uint8_t in[8]);
