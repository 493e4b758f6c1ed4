/* What all procedures share: the row in the database, the wait for the eUICC's lock, commands to the card, the
 * deadline, the one answer. Each kind is an osmo_fsm in its own file.
 * SPDX-License-Identifier: AGPL-3.0-or-later
 *
 * An instance that goes without a verdict (shutdown) leaves its row: the next start resumes it. A timer after a send
 * ends in "unknown", never in "failed" (corrections 1). */
#pragma once

#include <osmocom/core/fsm.h>
#include <osmocom/rsp/ota/es5_cmd.h>

#include "euicc.h"
#include "policy.h"

enum proc_kind {
	PROC_ENABLE, PROC_DISABLE, PROC_DELETE, PROC_CREATE_ISDP, PROC_SEND_DATA, PROC_AUDIT,
	/* in rows of databases: new ones last */
	PROC_FALLBACK, PROC_MASTER_DELETE, PROC_CONNECTIVITY, PROC_ADDRESSING, PROC_EMERGENCY, _PROC_KINDS
};
const char *proc_kind_name(enum proc_kind k);	/* "enable" */

#define PROC_PARTY_SELF "self"

enum proc_event {
	PROC_EV_CARD,		/* struct proc_card: how the command ended; never CARD_NOT_SENT */
	PROC_EV_NOTIF,		/* struct proc_notif */
	PROC_EV_EXPIRED,	/* the validity period is over */
};
extern const struct value_string proc_event_names[];

struct proc_card {
	enum card_outcome outcome;
	const char *detail;
	const uint8_t *resp;	/* response TLVs */
	size_t len;
	bool has_rsp;		/* there is an R-APDU in it: rsp is the one that decides */
	struct apdu_rsp rsp;
};

struct proc_notif {
	const struct notif *n;
	bool taken;		/* set by the procedure that waited for it */
};

/* What of a procedure has left, as in its row. Never renumbered. */
enum proc_step {
	PROC_STEP_NONE, PROC_STEP_COMMAND, PROC_STEP_CONFIRM, PROC_STEP_AUTO_DELETE, PROC_STEP_DELETE,
};

struct proc_cmd {
	const char *what;		/* for log and timeline */
	enum proc_step step;		/* written down when it leaves */
	bool changes;			/* the card may act: row.sent from now on */
	bool keep;			/* the response is the requester's EuiccResponseData */
	struct aid target;		/* len 0: ISD-R */
	bool more, chained, first_in_chain;
	void (*on_sent)(struct proc *p);	/* in the same transaction; may be NULL */
};

struct proc;
struct proc_card;
struct proc_ops {
	struct osmo_fsm *fsm;
	void (*begin)(struct proc *p);		/* locked: ask the policy, act */
	void (*resume)(struct proc *p);		/* after a restart; row.sent says whether anything left */
	enum es_reason (*ask)(struct proc *p);	/* is it still allowed; right before the command leaves; may be NULL */
	void (*fill)(struct proc *p, struct es_msg *resp);	/* fields of the answer; may be NULL */
	/* Of those that run on proc_command_fsm: */
	void (*send)(struct proc *p);
	void (*answer)(struct proc *p, const struct proc_card *c);	/* the card has said something */
	void (*silence)(struct proc *p);	/* nobody knows whether it has it; NULL: the card is asked */
	void (*status)(struct proc *p, bool there, const struct es5_isdp_info *i);	/* what it has, then */
	void (*unknown)(struct proc *p);	/* the validity period is over, or the card does not tell */
};
/* One command about the ISD-P of the row; when its answer is lost, the truth by GET STATUS. */
enum proc_command_state { PROC_COMMAND_ST_INIT, PROC_COMMAND_ST_COMMAND, PROC_COMMAND_ST_STATUS };
extern struct osmo_fsm proc_command_fsm;
extern const struct proc_ops proc_switch_ops, proc_delete_ops, proc_create_isdp_ops, proc_send_data_ops, proc_audit_ops,
			     proc_update_ops;

struct proc {
	struct llist_head entry;	/* in euicc.queue while waiting */
	struct llist_head all;		/* in euiccs.procs */
	struct euicc *e;
	const struct proc_ops *ops;
	struct osmo_fsm_inst *fi;	/* while active */
	struct es_req *req;		/* owed an answer while not NULL; ours */
	struct smsr_proc_row row;
	char name[32];			/* "enable#12" */
	struct osmo_timer_list deadline, retry;
	struct proc_cmd cmd;		/* outstanding or last */
	struct bytes *script;
	bool outstanding, answered, resumed;
	enum es_reason refused;		/* allowed when it began, but not any more when its command could leave */
	unsigned tries;
	unsigned pauses;		/* in a row without the card's word: each longer than the last */
	bool again;			/* the command was sent before, and not carried out, says the card */
	bool refused_again;		/* and refused the repetition */
	struct bytes *data;		/* what a person gave us for the card; not stored */
	struct bytes *resp;		/* kept response TLVs */
	void *priv;			/* of the kind; talloc child */
};

#define LOG_PROC(p, level, fmt, args...) \
	LOGP(DPROC, level, "%s EID-%s: " fmt, (p)->name, (p)->e->eis->eid_str, ##args)

struct proc_want {
	enum proc_kind kind;
	const char *requester;		/* EntityId, POLICY_PARTY_VTY or PROC_PARTY_SELF */
	enum es_role role;
	enum es_iface iface;
	struct es_req *req;		/* taken over; may be NULL */
	const char *iccid;		/* "" if none */
	const struct bytes *data;	/* copied; may be NULL */
	int64_t deadline;
};
/* Row, queue, and start when the eUICC is free. The number of the procedure, or -EBUSY (req answered 1.2/4.4). */
int64_t proc_request(struct euicc *e, const struct proc_want *w);
void proc_wake(struct euicc *e);
/* The procedure that waits for this notification, if there is one, takes it. */
bool proc_notif(struct euicc *e, const struct notif *n);

/* Restart: rows into memory with their locks; then the requests given again find theirs; then go on. */
void proc_load_open(struct euiccs *reg);
bool proc_attach(struct euiccs *reg, struct es_req *req);
void proc_resume_all(struct euiccs *reg);
void proc_shutdown(struct euiccs *reg);	/* memory only; the rows stay for the next start */

/* For the kinds. */
struct policy_caller proc_caller(const struct proc *p);
const struct es_body *proc_body(const struct proc *p);	/* of the request; NULL without one */
void proc_state(struct proc *p, uint32_t state);
int proc_send(struct proc *p, const struct proc_cmd *cmd, struct bytes *script);	/* script is taken over */
void proc_ask_status(struct proc *p, const struct aid *aid);				/* GET STATUS of one ISD-P */
/* No answer to a question that changes nothing: later again, for as long as the request is valid. */
bool proc_unheard(const struct proc_card *c);
void proc_ask_later(struct proc *p);
/* The card says that it has not done what was sent: nothing has been sent, then, and it may be sent again. */
void proc_not_done(struct proc *p);
/* What it said: 1 there (*i), 0 the card has no such ISD-P, negative: no answer that tells. */
int proc_status_answer(const struct proc_card *c, struct es5_isdp_info *i);
void proc_say(struct proc *p, const char *operation, const char *outcome, const char *card);	/* timeline */
void proc_answer(struct proc *p, enum es_status status, enum es_reason reason, const char *message);
/* The ends: answer (unless given already), row, lock. p is gone afterwards. */
void proc_done(struct proc *p);
void proc_warn(struct proc *p, enum es_reason reason, const char *message);
void proc_fail(struct proc *p, enum es_reason reason, const char *message);
void proc_fail_card(struct proc *p, const struct proc_card *c);		/* the card refused: reason by its words */
void proc_expire(struct proc *p); /* 1.6/5.3, or 5.4 when the card had acknowledged */
bool proc_card_ok(const struct proc_card *c);				/* answered 9000 */
bool proc_card_sw(const struct proc_card *c, uint16_t sw);
