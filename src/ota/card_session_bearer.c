/* Which way to the card (design 5): what the EIS says it can do, how much there is to say, what is configured, what
 * worked. Falling back is normal; the reason is kept with the card. Not while a command is outstanding, not within a
 * chain (corrections 13).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/misc.h>
#include "card_session_priv.h"

#define FAILS_MAX 4		/* without an answer, one behind the other: the bearer is avoided for a while */
#define HTTP_LIMIT_MIN 1024
#define HTTP_LIMIT_MAX 16384

static const struct {
	const char *name, *word;
	const struct bearer_ops *ops;
} bearers[_CARD_BEARERS] = {
	[CARD_BEARER_NONE] = { "-", "-", NULL },
	[CARD_BEARER_SCP80] = { CARD_BY_SMS, "sms", &scp80_bearer },
	[CARD_BEARER_SCP81] = { CARD_BY_HTTPS, "https", &scp81_bearer },
	[CARD_BEARER_CATTP] = { CARD_BY_CATTP, "cat-tp", &cattp_bearer },
};

const char *card_bearer_name(enum card_bearer b)
{
	return (unsigned)b < _CARD_BEARERS ? bearers[b].name : "?";
}

enum card_bearer card_bearer_parse(const char *word)
{
	enum card_bearer b;

	for (b = CARD_BEARER_NONE + 1; b < _CARD_BEARERS; b++)
		if (!strcasecmp(bearers[b].word, word))
			return b;
	return CARD_BEARER_NONE;
}

const struct bearer_ops *card_bearer_ops(enum card_bearer b)
{
	return bearers[b].ops;
}

void card_bearer_cfg_default(struct card_bearer_cfg *c)
{
	*c = (struct card_bearer_cfg){
		.order = { CARD_BEARER_SCP81, CARD_BEARER_CATTP, CARD_BEARER_SCP80 }, .n_order = CARD_BEARERS_N,
		.sms_parts_limit = 10, .triggers = 2, .retry_s = 900,
	};
	cattp_srv_limits_default(&c->cattp);
	scp81_cfg_default(&c->scp81);
}

const struct card_bearer_cfg *card_bearer_cfg(const struct card *card)
{
	return card->cs->cfg.bearer;
}

/* --- choice --------------------------------------------------------------------------------------------------- */

/* Octets for pieces, and for one TLV that is larger than that. */
static void room_of(const struct card *card, enum card_bearer b, size_t *room, size_t *limit)
{
	const struct card_learned *l = &card->info.learned;
	unsigned most = OSMO_MAX(card_bearer_cfg(card)->sms_parts_limit, card->cs->cfg.sms_max_parts);

	*limit = SIZE_MAX;
	switch (b) {
	case CARD_BEARER_SCP80:
		*room = scp80_session_room(card, card->cs->cfg.sms_max_parts);
		*limit = scp80_session_room(card, most);
		return;
	case CARD_BEARER_CATTP:
		*room = *limit = card_scp80_room(card, card->sct.conn ? OSMO_MIN(cattp_conn_max_sdu(card->sct.conn),
						 (size_t)SCP80_PACKET_MAX) : SCP80_PACKET_MAX);
		return;
	default:
		*room = l->http_limit ? : SIZE_MAX;
	}
}

/* Is there this way at all, for the first piece at least? */
static bool possible(struct card *card, enum card_bearer b)
{
	const struct card_info *info = &card->info;
	bool keys = info->kic && info->kid && info->scp80_kvn;
	size_t room, limit;

	if (b == CARD_BEARER_SCP81 ? !info->https || !info->scp81_kvn : !keys)
		return false;
	if (b == CARD_BEARER_CATTP && (!info->cattp || !card->cs->cattp))
		return false;
	room_of(card, b, &room, &limit);
	return card_cmd_cut(card, room, limit);
}

static bool failed_lately(const struct card *card, enum card_bearer b)
{
	const struct card_learned *l = &card->info.learned;

	return l->fails[b] >= FAILS_MAX && l->failed[b] + (int64_t)card_bearer_cfg(card)->retry_s > clock_now();
}

static unsigned order_of(const struct card *card, const enum card_bearer **order)
{
	const struct card_bearer_cfg *cfg = card_bearer_cfg(card);

	*order = card->info.n_order ? card->info.order : cfg->order;
	return card->info.n_order ? : cfg->n_order;
}

static bool in_order(const struct card *card, enum card_bearer b)
{
	const enum card_bearer *order;
	unsigned n = order_of(card, &order), i;

	for (i = 0; i < n; i++)
		if (order[i] == b)
			return true;
	return false;
}

/* A session that is there is used; of two, the one that can take all at once. */
static enum card_bearer open_one(struct card *card)
{
	static const enum card_bearer by[] = { CARD_BEARER_SCP81, CARD_BEARER_CATTP };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(by); i++)
		if (bearers[by[i]].ops->open(card) && possible(card, by[i]))
			return by[i];
	return CARD_BEARER_NONE;
}

/* In the middle of a chain: where it began, or nowhere. */
static enum card_bearer chain_one(struct card *card)
{
	enum card_bearer b;

	for (b = CARD_BEARER_NONE + 1; b < _CARD_BEARERS; b++)
		if (bearers[b].ops->chain(card) && possible(card, b))
			return b;
	return CARD_BEARER_NONE;
}

static enum card_bearer first_of_order(struct card *card, bool also_failed, enum card_bearer *avoided)
{
	const enum card_bearer *order;
	unsigned n = order_of(card, &order), i;

	for (i = 0; i < n; i++) {
		if (card->cur->tried & 1 << order[i] || !possible(card, order[i]))
			continue;
		if (also_failed || !failed_lately(card, order[i]))
			return order[i];
		if (!*avoided)
			*avoided = order[i];
	}
	return CARD_BEARER_NONE;
}

static enum card_bearer choose(struct card *card, char *why, size_t size)
{
	const struct cmd *cmd = card->cur;
	enum card_bearer b, avoided = CARD_BEARER_NONE;

	if (cmd->c.chained && !cmd->c.first_in_chain) {
		snprintf(why, size, "the chain of scripts was begun so");
		return chain_one(card);
	}
	if (cmd->c.chained)	/* it goes on where it begins now, not where an earlier try began */
		card->s80.chain = card->s81.chain = card->sct.chain = false;
	b = open_one(card);
	if (b) {
		snprintf(why, size, "a session is open");
		return b;
	}
	if (!cmd->pos && cmd->whole_len <= scp80_session_room(card, card->cs->cfg.sms_max_parts) &&
	    !cmd->whole_more && !cmd->c.chained && !(cmd->tried & 1 << CARD_BEARER_SCP80) &&
	    in_order(card, CARD_BEARER_SCP80) && possible(card, CARD_BEARER_SCP80)) {
		snprintf(why, size, "%zu octets fit", cmd->whole_len);
		return CARD_BEARER_SCP80;
	}
	b = first_of_order(card, false, &avoided);
	if (!b) {
		b = first_of_order(card, true, &avoided);
		snprintf(why, size, "all failed lately");
	} else if (avoided) {
		snprintf(why, size, "%s failed lately", card_bearer_name(avoided));
	} else {
		snprintf(why, size, "%s", card->info.n_order ? "first in the order of this eUICC" :
			 "first in the configured order that this eUICC has");
	}
	return b;
}

enum card_bearer card_bearer_choose(struct card *card)
{
	struct card_learned *l = &card->info.learned;
	char why[sizeof(l->why)] = "";
	enum card_bearer b = choose(card, why, sizeof(why));
	size_t room, limit;

	if (!b)
		return b;
	room_of(card, b, &room, &limit);
	card_cmd_cut(card, room, limit);	/* the last one tried may have been another */
	if (l->last != b || strcmp(l->why, why))
		LOG_CARD(card, DCARD, LOGL_INFO, "by %s: %s\n", card_bearer_name(b), why);
	l->last = b;
	OSMO_STRLCPY_ARRAY(l->why, why);
	card_learn_keep(card);
	return b;
}

bool card_bearer_cut(struct card *card)
{
	size_t room, limit;

	room_of(card, card->bearer, &room, &limit);
	return card_cmd_cut(card, room, limit);
}

/* --- what does not work --------------------------------------------------------------------------------------- */

bool card_bearer_failed(struct card *card, const char *why)
{
	struct card_learned *l = &card->info.learned;
	enum card_bearer b = card->bearer, other, avoided = CARD_BEARER_NONE;
	struct cmd *cmd = card->cur;
	bool chain;

	if (!cmd || !b)
		return false;
	l->failed[b] = clock_now();
	l->fails[b] = OSMO_MAX(l->fails[b] + 1, (unsigned)FAILS_MAX);
	card_learn_keep(card);
	chain = cmd->c.chained && !cmd->c.first_in_chain;
	cmd->tried |= 1 << b;
	other = chain ? CARD_BEARER_NONE : first_of_order(card, true, &avoided);
	if (!other && !chain) {
		cmd->tried &= ~(1 << b);
		return false;
	}
	LOG_CARD(card, DCARD, LOGL_NOTICE, "%s: %s\n", card_bearer_name(b), why);
	counter_inc(CTR_BEARER_FALLBACK);
	card_bearer_ops(b)->stop(card);
	card->bearer = CARD_BEARER_NONE;
	card_cmd_start(card);
	return true;
}

bool card_bearer_triggers_used(struct card *card, unsigned triggers, bool unreachable)
{
	return !unreachable && triggers >= card_bearer_cfg(card)->triggers &&
	       card_bearer_failed(card, "no session after the triggers");
}

/* --- what is learned ------------------------------------------------------------------------------------------ */

/* Scripts that get no answer are made smaller; those that do may grow again. */
static void learn_http(struct card_learned *l, size_t len, bool answered)
{
	if (answered) {
		l->http_took = OSMO_MAX(l->http_took, len);
		if (l->http_limit && len * 2 >= l->http_limit)
			l->http_limit += l->http_limit / 4;
		if (l->http_limit > HTTP_LIMIT_MAX)
			l->http_limit = 0;
	} else if (len > l->http_took && len > HTTP_LIMIT_MIN) {
		l->http_limit = OSMO_MAX(len / 2, (size_t)HTTP_LIMIT_MIN);
	}
}

void card_learn(struct card *card, enum card_outcome outcome)
{
	struct card_learned *l = &card->info.learned;
	enum card_bearer b = card->bearer;

	if (!b || !card->cur || outcome == CARD_NOT_SENT)
		return;
	if (outcome == CARD_NO_ANSWER) {
		l->failed[b] = clock_now();
		l->fails[b]++;
	} else {
		l->ok[b] = clock_now();
		l->fails[b] = 0;
	}
	if (b == CARD_BEARER_SCP81)
		learn_http(l, card->cur->c.script_len, outcome == CARD_OK);
	card_learn_keep(card);
}

void card_learn_keep(struct card *card)
{
	const struct card_sessions_cfg *cfg = &card->cs->cfg;

	if (!cfg->ops->learned || !memcmp(&card->stored, &card->info.learned, sizeof(card->stored)))
		return;
	card->stored = card->info.learned;
	cfg->ops->learned(cfg->priv, &card->eid, &card->stored);
}

char *card_learned_describe(void *ctx, const struct card_learned *l)
{
	char *out = talloc_asprintf(ctx, "taken last: %s%s%s\n", card_bearer_name(l->last), l->why[0] ? ", " : "",
				    l->why);
	char ok[CLOCK_STR_SIZE], failed[CLOCK_STR_SIZE];
	enum card_bearer b;

	for (b = CARD_BEARER_NONE + 1; b < _CARD_BEARERS; b++) {
		if (!l->ok[b] && !l->failed[b])
			continue;
		out = talloc_asprintf_append(out, "%s: worked %s, failed %s", card_bearer_name(b),
					     l->ok[b] ? clock_str(ok, l->ok[b]) : "never",
					     l->failed[b] ? clock_str(failed, l->failed[b]) : "never");
		if (l->fails[b])
			out = talloc_asprintf_append(out, ", %u in a row", l->fails[b]);
		out = talloc_strdup_append(out, "\n");
	}
	out = talloc_asprintf_append(out, "largest answered: SCP80 packet %u, HTTPS script %u octets\n", l->scp80_took,
				     l->http_took);
	if (l->sms_ud)
		out = talloc_asprintf_append(out, "takes %u octets in one SMS\n", l->sms_ud);
	if (l->scp80_limit)
		out = talloc_asprintf_append(out, "SCP80 packets above %u octets were refused\n", l->scp80_limit);
	if (l->http_limit)
		out = talloc_asprintf_append(out, "HTTPS scripts above %u octets had no answer\n", l->http_limit);
	return out;
}
