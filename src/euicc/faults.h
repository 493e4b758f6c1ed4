/* What goes wrong on purpose: one table of faults, a set of values for all cards and one a card, repeatable by a seed,
 * counted. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum fault_id {
	/* short messages: percent, milliseconds */
	FAULT_SMS_LOSS, FAULT_SMS_LOSS_ACK, FAULT_SMS_LOSS_MO, FAULT_SMS_REFUSE_MO, FAULT_SMS_DUPLICATE,
	FAULT_SMS_REORDER, FAULT_SMS_DELAY,
	FAULT_SMS_LIMIT,		/* octets of user data the card takes */
	/* proof of receipt: percent, seconds */
	FAULT_POR_NONE, FAULT_POR_TWICE, FAULT_POR_LATE,
	/* channels */
	FAULT_UDP_LOSS, FAULT_UDP_DUPLICATE, FAULT_UDP_REORDER,
	FAULT_TCP_CUT, FAULT_TCP_CUT_RANDOM,	/* octets */
	FAULT_ROUND_TRIP,			/* milliseconds */
	/* the card */
	FAULT_RESET,			/* percent of channels */
	FAULT_NO_HTTPS, FAULT_NO_CATTP,
	FAULT_RECEIPT, FAULT_MEMORY, FAULT_TAMPER,
	/* the SMSC, which all cards share */
	FAULT_SMSC_THROTTLE, FAULT_SMSC_FULL,	/* percent */
	FAULT_SMSC_RATE,			/* submit_sm a second, more are throttled */
	FAULT_COUNT
};

struct faults;

/* all: the set whose values hold where this one has none, and which counts too; NULL: this is that set. */
struct faults *faults_new(void *ctx, struct faults *all);
void faults_seed(struct faults *f, uint64_t seed);
int fault_find(const char *name);		/* enum fault_id or -ENOENT */
const char *fault_name(enum fault_id id);
const char *fault_text(enum fault_id id);	/* what it does, and the unit of its value */
void fault_set(struct faults *f, enum fault_id id, unsigned value);
void fault_unset(struct faults *f, enum fault_id id);
bool fault_is_set(const struct faults *f, enum fault_id id);	/* here, not only for all */
/* Its value, 0: off. f may be NULL in all of these. */
unsigned fault(const struct faults *f, enum fault_id id);
/* Does it strike now? value is a percentage. Counted when true. */
bool fault_roll(struct faults *f, enum fault_id id);
void fault_struck(struct faults *f, enum fault_id id);
unsigned long fault_count(const struct faults *f, enum fault_id id);
uint32_t fault_random(struct faults *f, uint32_t n);	/* 0..n-1 */
