/* The live eUICC: its record, its lock with those who wait for it, the hold of a download, and what the card session
 * must know. euicc.c is the sole writer of the lock and the hold (design P2, corrections 2).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/tdef.h>
#include <osmocom/core/timer.h>
#include <osmocom/rsp/es/es_link.h>
#include <osmocom/rsp/ota/card_session.h>

#include "eis.h"

#define EUICC_QUEUE_MAX	8	/* procedures waiting for one eUICC */
#define EUICC_BUCKETS	1024
#define EUICC_LIVE_MAX	20000	/* beyond: idle ones are let go; default of euiccs.live_max */

/* Timers: X1 hold idle, X2 roll-back window, X3 one card command, X4 try again when nothing could be sent, X5 validity
 * of our own audits, X6 an audit that failed is tried again, X7 a change that was executed has begun by then. */
extern struct osmo_tdef euicc_tdefs[];
#define EUICC_T_HOLD		-1
#define EUICC_T_ROLLBACK	-2
#define EUICC_T_COMMAND		-3
#define EUICC_T_RETRY		-4
#define EUICC_T_AUDIT		-5
#define EUICC_T_AUDIT_RETRY	-6
#define EUICC_T_GRACE		-7
unsigned long euicc_t(int T);		/* seconds */

struct euicc;
struct proc;

struct euiccs {				/* all that are live, and the parts every procedure needs */
	struct smsr_db *db;
	struct es_link *link;
	struct card_sessions *cards;
	struct grants *grants;
	/* Packet data of the cards of an operator: APN, login, password, or NULLs. */
	void (*packet_data)(void *priv, const char *mno_id, const char **apn, const char **login, const char **password);
	void *packet_data_priv;
	/* Appends UpdateSMSRAddressingParameters: where this card reaches us. 0 or negative. */
	int (*addressing)(void *priv, struct euicc *e, struct bytes *script);
	void *addressing_priv;
	/* A procedure for this request (es_req_id()) has said something of itself; may be NULL. */
	void (*said)(void *priv, int64_t req_id, const char *operation, const char *outcome);
	void *said_priv;
	void (*wake)(struct euicc *e);	/* lock, hold or time has changed: look who may go on (proc.c) */
	struct llist_head bucket[EUICC_BUCKETS];
	struct llist_head procs;	/* struct proc.all */
	unsigned live, live_max, default_validity_s;
};

struct euicc {
	struct llist_head entry;
	struct euiccs *reg;
	struct eis *eis;
	struct proc *active;		/* holds the lock */
	struct llist_head queue;	/* struct proc.entry: waiting, oldest first */
	unsigned queue_len, refs;
	bool held;
	struct smsr_hold hold;
	struct osmo_timer_list hold_timer, audit_timer;
	unsigned long audit_wait;	/* seconds until the next try, grows */
	bool chain_open;		/* Annex K: scripts of this download are chained */
	/* While a change awaits its notification, MT goes to the target's number or where the card was heard since. */
	bool change_pending;
	struct aid change_to;
	char msisdn[16], heard[16];
	/* for card_info */
	uint8_t scp80_kvn, scp81_kvn, scp81_kid;
	struct key *kic, *kid;
	struct card_learned learned;
	struct smsr_bearer_set set;
	int notif_seq;			/* being confirmed outside a procedure, or -1 */
};

struct euiccs *euiccs_new(void *ctx, struct smsr_db *db);
struct euicc *euicc_get(struct euiccs *reg, const struct eid *eid);	/* loads; NULL: unknown */
struct euicc *euicc_live(struct euiccs *reg, const struct eid *eid);	/* only if loaded */
void euiccs_trim(struct euiccs *reg);		/* between iterations: lets idle ones go beyond live_max */

int euicc_lock(struct euicc *e, struct proc *p);	/* 0 or -EBUSY */
void euicc_unlock(struct euicc *e, struct proc *p);

/* A download's hold: taken or prolonged by each of its calls. */
void euicc_hold(struct euicc *e, const char *party, const char *iccid);
void euicc_hold_end(struct euicc *e);
bool euicc_hold_admits(struct euicc *e, const char *party, enum es_iface iface, const char *iccid);

void euicc_change_begin(struct euicc *e, const struct aid *to);	/* the command has left */
void euicc_change_acked(struct euicc *e);	/* the card said 9000: it moves to the target's network */
void euicc_change_end(struct euicc *e);
void euicc_heard(struct euicc *e, const char *msisdn);
const char *euicc_route(struct euicc *e);	/* updates and returns e->msisdn */

int euicc_card_info(struct euicc *e, struct card_info *info);
int euicc_psk(struct euicc *e, uint8_t kvn, uint8_t kid, uint8_t *psk, size_t size);
void euicc_audit_arm(struct euicc *e);		/* if the record wants an audit: timer */
void euicc_audit_soon(struct euicc *e);		/* the card was heard: a due audit need not wait */
void euicc_audit_failed(struct euicc *e);	/* later again, each time later */
bool euicc_audit_ready(const struct euicc *e);	/* due, and its timer has run out */
/* The record is uncertain, and less than this timer (X2, X7) has passed since. */
bool euicc_uncertain_within(const struct euicc *e, int T);
