/* Faults of the simulated world: names, values, dice, counters. The dice are xorshift64, repeatable by the seed;
 * nothing secret hangs on them.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "faults.h"

struct faults {
	struct faults *all;
	uint64_t prng;
	bool set[FAULT_COUNT];
	unsigned value[FAULT_COUNT];
	unsigned long struck[FAULT_COUNT];
};

static const struct { const char *name, *text; } table[FAULT_COUNT] = {
	[FAULT_SMS_LOSS] = { "sms-loss", "percent of messages that do not reach the terminal; the SMSC says so" },
	[FAULT_SMS_LOSS_ACK] = { "sms-loss-ack", "percent of messages that do, and the SMSC says they did not" },
	[FAULT_SMS_LOSS_MO] = { "sms-loss-mo", "percent of the card's messages that vanish" },
	[FAULT_SMS_REFUSE_MO] = { "sms-refuse-mo", "percent of the card's messages the network refuses (RP cause 38)" },
	[FAULT_SMS_DUPLICATE] = { "sms-duplicate", "percent of messages, either way, that arrive twice" },
	[FAULT_SMS_REORDER] = { "sms-reorder", "percent of messages, either way, that others overtake" },
	[FAULT_SMS_DELAY] = { "sms-delay", "milliseconds each message takes, either way" },
	[FAULT_SMS_LIMIT] = { "sms-limit", "octets of user data in one message the card takes, and sends at most" },
	[FAULT_POR_NONE] = { "por-none", "percent of proofs of receipt that are not sent" },
	[FAULT_POR_TWICE] = { "por-twice", "percent of proofs of receipt that are sent twice" },
	[FAULT_POR_LATE] = { "por-late", "seconds a proof of receipt by SMS-SUBMIT is held back" },
	[FAULT_UDP_LOSS] = { "udp-loss", "percent of datagrams, either way, that are lost" },
	[FAULT_UDP_DUPLICATE] = { "udp-duplicate", "percent of datagrams, either way, that arrive twice" },
	[FAULT_UDP_REORDER] = { "udp-reorder", "percent of datagrams, either way, that others overtake" },
	[FAULT_TCP_CUT] = { "tcp-cut", "octets, both ways together, after which each TCP connection is cut" },
	[FAULT_TCP_CUT_RANDOM] = { "tcp-cut-random", "octets, within which every second TCP connection is cut once" },
	[FAULT_ROUND_TRIP] = { "round-trip", "milliseconds added to the round trip of each channel" },
	[FAULT_RESET] = { "reset", "percent of channels during which the card is reset; the next one is spared" },
	[FAULT_NO_HTTPS] = { "no-https", "1: the card has no HTTPS after all" },
	[FAULT_NO_CATTP] = { "no-cattp", "1: the card has no CAT_TP after all" },
	[FAULT_RECEIPT] = { "receipt", "1: key establishment receipts are wrong" },
	[FAULT_MEMORY] = { "memory", "1: CreateISDP finds no memory" },
	[FAULT_TAMPER] = { "tamper", "1: profile segments are damaged before they are checked" },
	[FAULT_SMSC_THROTTLE] = { "smsc-throttle", "percent of submit_sm answered ESME_RTHROTTLED" },
	[FAULT_SMSC_FULL] = { "smsc-full", "percent of submit_sm answered ESME_RMSGQFUL" },
	[FAULT_SMSC_RATE] = { "smsc-rate", "submit_sm a second the SMSC takes, others get ESME_RTHROTTLED" },
};

struct faults *faults_new(void *ctx, struct faults *all)
{
	struct faults *f = talloc_zero(ctx, struct faults);

	f->all = all;
	faults_seed(f, 0);
	return f;
}

void faults_seed(struct faults *f, uint64_t seed)
{
	f->prng = (seed + 1) * 0x9E3779B97F4A7C15ULL;
	if (!f->prng)
		f->prng = 1;
}

int fault_find(const char *name)
{
	int i;

	for (i = 0; i < FAULT_COUNT; i++)
		if (!strcmp(table[i].name, name))
			return i;
	return -ENOENT;
}

const char *fault_name(enum fault_id id)
{
	return table[id].name;
}

const char *fault_text(enum fault_id id)
{
	return table[id].text;
}

void fault_set(struct faults *f, enum fault_id id, unsigned value)
{
	f->set[id] = true;
	f->value[id] = value;
}

void fault_unset(struct faults *f, enum fault_id id)
{
	f->set[id] = false;
	f->value[id] = 0;
}

bool fault_is_set(const struct faults *f, enum fault_id id)
{
	return f && f->set[id];
}

unsigned fault(const struct faults *f, enum fault_id id)
{
	while (f && !f->set[id])
		f = f->all;
	return f ? f->value[id] : 0;
}

uint32_t fault_random(struct faults *f, uint32_t n)
{
	if (!f || !n)
		return 0;
	f->prng ^= f->prng << 13;
	f->prng ^= f->prng >> 7;
	f->prng ^= f->prng << 17;
	return (f->prng >> 16) % n;
}

bool fault_roll(struct faults *f, enum fault_id id)
{
	unsigned percent = fault(f, id);

	if (!percent || fault_random(f, 100) >= percent)
		return false;
	fault_struck(f, id);
	return true;
}

void fault_struck(struct faults *f, enum fault_id id)
{
	for (; f; f = f->all)
		f->struck[id]++;
}

unsigned long fault_count(const struct faults *f, enum fault_id id)
{
	return f ? f->struck[id] : 0;
}
