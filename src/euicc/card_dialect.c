/* Dialects of cards: by the book, as cards of 2016, odd (every weak point of the digest one way or the other, drawn
 * from the EID, so that a card keeps its habits), mixed (each card one of the three).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <ctype.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/rsp/ota/notif.h>
#include <osmocom/rsp/ota/scp80.h>

#include "card_dialect.h"
#include "card_int.h"

const struct value_string card_dialect_names[] = {
	{ CARD_DIALECT_BOOK, "book" }, { CARD_DIALECT_WHTY_2016, "whty-2016" }, { CARD_DIALECT_ODD, "odd" },
	{ CARD_DIALECT_MIXED, "mixed" }, {}
};

enum point {
	POINT_DIALECT, POINT_TEMPLATE, POINT_AID_TAG, POINT_KIC, POINT_LENGTH, POINT_EMPTY_MAC, POINT_PSK, POINT_FROM
};

/* 0 .. n - 1, the same for a card every time. */
static unsigned draw(const struct card *c, enum point point, unsigned n)
{
	uint32_t h = 2166136261u;

	h = (h ^ point) * 16777619u;
	for (size_t i = 0; i < sizeof(c->eid.b); i++)
		h = (h ^ c->eid.b[i]) * 16777619u;
	return (h >> 12) % n;
}

enum card_dialect card_dialect(const struct card *c)
{
	static const enum card_dialect each[] = { CARD_DIALECT_BOOK, CARD_DIALECT_WHTY_2016, CARD_DIALECT_ODD };

	if (c->env->cfg.dialect != CARD_DIALECT_MIXED)
		return c->env->cfg.dialect;
	return each[draw(c, POINT_DIALECT, ARRAY_SIZE(each))];
}

/* 0 for all but odd cards */
static unsigned odd(const struct card *c, enum point point, unsigned n)
{
	return card_dialect(c) == CARD_DIALECT_ODD ? draw(c, point, n) : 0;
}

/* By the book the answer has the form of the command; cards of 2016 always say AF; odd ones AB, AF, or the other. */
bool card_dialect_definite(const struct card *c, bool definite)
{
	if (card_dialect(c) == CARD_DIALECT_WHTY_2016)
		return false;
	switch (odd(c, POINT_TEMPLATE, 4)) {
	case 1:
		return true;
	case 2:
		return false;
	case 3:
		return !definite;
	default:
		return definite;
	}
}

uint8_t card_dialect_aid_tag(const struct card *c)
{
	static const uint8_t tags[] = { NOTIF_AID_TAG, 0xAF, NOTIF_AID_TAG_2016 };

	if (card_dialect(c) == CARD_DIALECT_WHTY_2016)
		return NOTIF_AID_TAG_2016;
	return tags[odd(c, POINT_AID_TAG, ARRAY_SIZE(tags))];
}

/* Nothing is ciphered (ota-transport 1.9): algorithm 0 under the key set of the checksum, 00, or AES all the same. */
uint8_t card_dialect_notif_kic(const struct card *c, uint8_t kvn)
{
	switch (odd(c, POINT_KIC, 3)) {
	case 1:
		return 0x00;
	case 2:
		return kvn << 4 | SCP80_ALG_AES;
	default:
		return kvn << 4;
	}
}

bool card_dialect_content_length(const struct card *c)
{
	return odd(c, POINT_LENGTH, 2);
}

bool card_dialect_empty_mac(const struct card *c)
{
	return odd(c, POINT_EMPTY_MAC, 2);
}

static void lower(char *text)
{
	for (; *text; text++)
		*text = tolower((unsigned char)*text);
}

void card_dialect_psk_id(const struct card *c, char *text)
{
	if (odd(c, POINT_PSK, 2))
		lower(text);
}

void card_dialect_from(const struct card *c, char *text)
{
	if (odd(c, POINT_FROM, 2))
		lower(text);
}

char *card_dialect_describe(void *ctx, const struct card *c)
{
	const char *name = get_value_string(card_dialect_names, card_dialect(c));
	bool d = card_dialect_definite(c, true), i = card_dialect_definite(c, false);

	if (card_dialect(c) != CARD_DIALECT_ODD)
		return talloc_strdup(ctx, name);
	return talloc_asprintf(ctx, "%s: answers %s, notification tag %02X, KIc %02X, bodies %s, empty answers %s R-MAC, "
			       "%s PSK identity, %s X-Admin-From", name,
			       d && i ? "AB" : d ? "in the form asked" : i ? "in the other form" : "AF",
			       card_dialect_aid_tag(c), card_dialect_notif_kic(c, 1),
			       card_dialect_content_length(c) ? "with length" : "chunked",
			       card_dialect_empty_mac(c) ? "with" : "without",
			       odd(c, POINT_PSK, 2) ? "lower case" : "upper case",
			       odd(c, POINT_FROM, 2) ? "lower case" : "usual");
}
