/* What sms_port.c (messages), sms_dest.c (numbers), sms_port_rx.c (what comes in) and smsc.c (one SMSC) share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/utils.h>	/* hashtable.h wants its ARRAY_SIZE */
#include <osmocom/core/hashtable.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/core/timer.h>

#include <osmocom/rsp/sms/concat.h>
#include <osmocom/rsp/sms/sms_port.h>

#include "smpp_link_fsm.h"

struct rate_ctr_group;

enum smsc_ctr {
	SMSC_CTR_SENT, SMSC_CTR_ACCEPTED, SMSC_CTR_UNREACHABLE, SMSC_CTR_REFUSED, SMSC_CTR_THROTTLED,
	SMSC_CTR_QUEUE_FULL, SMSC_CTR_TIMEOUT, SMSC_CTR_RESENT, SMSC_CTR_RECEIVED, SMSC_CTR_RX_REFUSED, SMSC_CTR_RX_LATE,
	SMSC_CTR_RECEIPTS, SMSC_CTR_RECEIPTS_STRAY, SMSC_CTR_ALERTS, SMSC_CTR_BOUND, SMSC_CTR_BIND_REFUSED, SMSC_CTR_LOST,
	SMSC_CTR_UNREADABLE, _SMSC_CTR_COUNT
};

struct smsc {
	struct llist_head entry;	/* sms_port.smscs, in the order of configuration */
	struct sms_port *port;
	struct smsc_cfg cfg;
	struct smpp_link *link;		/* NULL: shut down, or no host */
	struct llist_head ready;	/* sms_port_dest whose next part goes here */
	struct osmo_timer_list pause;	/* throttled */
	struct osmo_timer_list slow;	/* its rate is used up */
	unsigned in_flight, window;
	unsigned throttle_s;		/* last pause, doubled while it goes on throttling */
	int64_t due_us;			/* when the rate allows the next one */
	struct rate_ctr_group *ctrs;
};

enum sms_part_state { PART_TODO, PART_OUT, PART_STORED, PART_DONE };

struct sms_part {
	struct concat_part p;
	enum sms_part_state state;
	uint16_t ref;			/* user_message_reference */
	char *id;			/* message_id, while its receipt is awaited */
};

struct sms_port_dest {
	struct hlist_node node;
	struct llist_head ready;	/* linked in a smsc's ready or sms_port.stranded, or empty */
	struct llist_head msgs;		/* first one is the one on its way */
	struct llist_head stored;	/* the SMSC has them, receipts are awaited */
	struct osmo_timer_list retry;
	struct sms_port *port;
	struct smsc *at;		/* the one that has a part in hand */
	unsigned count;
	int64_t due_us;			/* when the number's rate allows the next one */
	char msisdn[16];
};

struct sms_port_msg {
	struct llist_head entry;
	struct hlist_node by_priv;	/* whom sms_port_forget() names */
	struct sms_port_dest *dest;
	struct osmo_timer_list timer;	/* no progress */
	void (*done)(void *priv, enum sms_outcome outcome);
	void *priv;
	bool committed, forgotten;	/* forgotten: only the SMSC's answer to the part under way is awaited */
	bool stored;			/* in dest->stored */
	bool doubt;			/* a part was sent whose fate nobody knows: the card may have all of them */
	unsigned n, tries, full_wait_s;
	char number[21];		/* source address of the parts already out */
	struct sms_part part[];
};

struct sms_port_answer {		/* a deliver_sm_resp or data_sm_resp waiting for the commit */
	struct llist_head entry;
	struct smsc *smsc;
	unsigned generation;
	uint32_t id, seq, status;
	int64_t deadline_us;
};

struct sms_port {
	struct sms_port_cfg cfg;
	struct concat *concat;
	struct llist_head smscs, stranded, answers;
	DECLARE_HASHTABLE(dests, 10);
	DECLARE_HASHTABLE(by_priv, 10);
	struct osmo_timer_list late;	/* the oldest answer */
	unsigned queued, stored, n_smscs, n_answers, next_index;
	uint8_t ref;
	uint16_t user_ref;
	unsigned long delivered, unreachable, failed, received, queue_full;
};

/* --- sms_dest.c */
int64_t sms_port_now_us(void);
struct sms_port_dest *sms_port_dest_get(struct sms_port *p, const char *msisdn, bool make);
struct sms_port_msg *sms_port_dest_head(struct sms_port_dest *d);
/* Puts d in or out of the list of numbers whose next part may leave; d may be gone afterwards. */
void sms_port_dest_update(struct sms_port_dest *d);
bool sms_port_dest_may_send(struct sms_port_dest *d);
void sms_port_dest_sent(struct sms_port_dest *d);	/* one more, for its rate */
void sms_port_dest_drop(struct sms_port_dest *d);	/* with its messages, nobody is told */
void sms_port_wake(struct sms_port_dest *d);	/* reachable now: what waits goes at once */
/* Every number to the best SMSC that is up: one came, went or changed. */
void sms_port_reroute(struct sms_port *p);

/* --- sms_port.c */
void sms_port_pump(struct sms_port *p);
/* The answer to m's part that is out: SMPP status, -ETIMEDOUT, -ENOTCONN; id: message_id. */
void sms_port_part_answered(struct sms_port_msg *m, struct smsc *s, int status, const char *id);
void sms_port_part_receipt(struct sms_port_msg *m, unsigned part, bool delivered, bool unreachable);

/* --- sms_port_rx.c */
void sms_port_rx(struct smsc *s, const struct smpp_pdu *pdu);
void sms_port_rx_inline(struct smsc *s, const char *from, const uint8_t *ud, size_t len);
void sms_port_rx_alert(struct smsc *s, const struct smpp_alert *alert);
void sms_port_answers_drop(struct sms_port *p, const struct smsc *s);	/* s NULL: all */
void sms_port_late_cb(void *data);

/* --- smsc.c */
struct smsc *smsc_find(const struct sms_port *p, const char *name);
int smsc_set(struct sms_port *p, const struct smsc_cfg *cfg);
void smsc_free(struct smsc *s);
bool smsc_up(const struct smsc *s);
void smsc_count(struct smsc *s, enum smsc_ctr ctr);
/* The best for that number, of those that are up or of all. NULL: none. */
struct smsc *smsc_route(const struct sms_port *p, const char *msisdn, bool must_be_up);
/* May it take a message now? If not because of its rate, its pause ends when it may. */
bool smsc_may_send(struct smsc *s);
int smsc_send(struct smsc *s, const char *msisdn, const struct sms_part *part, struct sms_port_msg *ref);
const char *smsc_number(const struct smsc *s);
void smsc_throttled(struct smsc *s);
void smsc_slower(struct smsc *s);
void smsc_faster(struct smsc *s);
