/* What kinds of eUICC take: SCP03t segments and keys, by the first digits of the EID (issuer and platform, SGP.02
 * 2.2.2).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/rsp/util/ids.h>

struct card_type {
	struct llist_head entry;
	char prefix[EID_STR_SIZE];	/* digits of the EID; "": any other */
	unsigned segment_size;		/* plain octets in a tag 86 */
	unsigned segments_per_script;
	bool point_tlv;			/* ePK.DP.ECKA inside B0, not plain (digests disagree: card-side 5.3, 11) */
	bool random_keys;		/* the package goes under profile protection keys (tag 87) */
};

struct card_types {
	struct llist_head list;
	struct card_type other;		/* for eUICCs of no type that is listed */
};

void card_types_init(struct card_types *t);
/* The one of this prefix, made from `other` when it is new. NULL: not 1 to 32 digits, or too many. */
#define CARD_TYPES_MAX 256
struct card_type *card_type_get(struct card_types *t, void *ctx, const char *prefix);
void card_type_del(struct card_types *t, const char *prefix);
/* The longest prefix counts. */
const struct card_type *card_type_of(const struct card_types *t, const char *eid);
