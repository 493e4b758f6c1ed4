/* Inside of the card sessions: one struct card per EID with traffic; its queue, its SCP80 and its SCP81 half.
 *
 *	card_session.c        all cards, public calls, what the SMS port delivers
 *	card_session_queue.c  one card: queue, one command outstanding, in pieces that fit, how it ends
 *	card_session_bearer.c choice of bearer, what is learned of the card, falling back
 *	card_session_scp80.c  SCP80 packets of one card: script, security, response
 *	scp80_session_fsm.c   a command as SCP80 packet by SMS, and its response packet
 *	card_session_cattp.c  trigger, CAT_TP link, a command as SCP80 packet over it
 *	scp81_session_fsm.c   trigger, dialog, script handed over, result
 *	scp81_session_http.c  the card's POST: who, which step; answers leave after the commit
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/fsm.h>
#include <osmocom/core/hashtable.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/core/timer.h>
#include <osmocom/rsp/net/http.h>
#include <osmocom/rsp/ota/card_session.h>
#include <osmocom/rsp/ota/scp80.h>
#include <osmocom/rsp/ota/scp81_msg.h>
#include <osmocom/rsp/ota/script.h>
#include <osmocom/rsp/sms/sms_port.h>
#include <osmocom/rsp/util/logging.h>

#define CARD_QUEUE_MAX 16
#define CARD_BUCKETS 256
#define CARD_BY_SMS "SMS"		/* bearers, as the owner hears of them */
#define CARD_BY_HTTPS "HTTPS"
#define CARD_BY_CATTP "CAT_TP"
#define CARD_CATTP_ID_LEN 8	/* pushed identification (ota-transport 5.1) */

struct card;

struct card_sessions {
	struct card_sessions_cfg cfg;		/* strings are ours */
	struct http_srv *srv;
	struct llist_head bucket[CARD_BUCKETS];	/* struct card.entry, by the last octets of the EID */
	struct llist_head posts;		/* struct scp81_post.entry */
	struct cattp_srv *cattp;		/* NULL: none */
	struct card_bearer_cfg bearer_default;
	DECLARE_HASHTABLE(cattp_ids, 10);	/* struct cattp_session.node, by pushed identification */
	unsigned n_cards;
	unsigned long sms_dropped;		/* not authenticated, or of nobody */
};

struct cmd {
	struct llist_head entry;
	struct card *card;
	struct card_cmd c;			/* script, more, first_in_chain: of the piece under way. done NULL: forgotten */
	struct osmo_timer_list deadline;
	unsigned timeout_s;			/* of each piece */
	bool marked;				/* mark_sent() was called */
	bool urgent;				/* the confirmation of a notification: before all others */
	/* All of it, what of it was answered, and the answers so far (NULL: one piece does it). */
	uint8_t *whole; size_t whole_len, pos;
	bool whole_more, whole_first;
	struct bytes *rsp;
	bool again;				/* the next piece is to be started */
	bool resync;				/* counter mode 10 in place of 11: the card's counter is elsewhere */
	unsigned tried;				/* 1 << enum card_bearer: failed for this command */
};

/* An SCP80 packet that left, and what its response is checked with. */
struct scp80_out {
	struct scp80_sec sec;
	struct bytes *packet;			/* NULL: none */
	struct key *kic, *kid;			/* copies: the owner may have others when the answer comes */
};

struct scp80_session {
	struct osmo_fsm_inst *fi;
	struct scp80_out out;			/* the same octets at each attempt: the card runs them once at most */
	unsigned ud;				/* octets of user data in one SMS */
	bool shorter;				/* cut again, shorter, after the first cut had no answer */
	bool chain;				/* a chain of scripts is open on the card (Annex K) */
	bool submitted;				/* with the SMSC, whose word is awaited */
	bool left;				/* may have reached the card */
	unsigned attempts;
};

struct cattp_session {
	struct osmo_fsm_inst *fi;
	struct hlist_node node;			/* hashed while id is live */
	bool id_live;
	uint8_t id[CARD_CATTP_ID_LEN];		/* pushed: the card's SYN brings it back */
	struct cattp_conn *conn;		/* NULL: no link */
	bool by_id;				/* the link was identified by id, not by what anybody may know */
	bool more;				/* the last command announced another */
	bool chain;
	struct scp80_out push;			/* its response says whether the channel could be opened */
	struct scp80_out out;			/* under way */
	bool handed;				/* given to the link, after the commit */
	unsigned triggers;
	bool trigger_out, unreachable;
};

struct scp81_post {				/* one POST of a card, until its answer has been handed to net/ */
	struct llist_head entry;
	struct card_sessions *cs;
	struct card *card;			/* NULL once answered */
	struct http_req *req;
	bool resume, has_step, has_status;
	char sid[33];
	unsigned step;
	enum scp81_status status;
	uint8_t *notif; size_t notif_len;	/* ?msg= */
	/* the answer */
	bool answered;
	unsigned code;
	struct http_header hdr[5];
	size_t n_hdr;
	struct bytes *body;
	bool close;
};

struct scp81_session {
	struct osmo_fsm_inst *fi;
	char sid[33];				/* "" no dialog */
	unsigned step;				/* n of the POST that is expected or in hand */
	struct scp81_post *held;		/* in hand, unanswered */
	unsigned long conn_id;			/* the connection of the last one */
	unsigned polls;				/* 204 with Next-URI since the last script */
	bool chain;				/* a chain of scripts is open on the card (Annex K) */
	bool more;				/* the last command announced another */
	bool notif;				/* held for a confirmation */
	struct bytes *script;			/* given in answer to step - 1, and its headers; NULL: none */
	char next_uri[160], target[SCP81_TARGET_SIZE];
	unsigned triggers;
	bool trigger_out;			/* trigger with the SMSC */
	bool unreachable;			/* the SMSC's last word on a trigger */
};

struct card {
	struct llist_head entry;
	struct card_sessions *cs;
	struct eid eid;
	char name[EID_STR_SIZE];
	struct card_info info;			/* of the last card_refresh(); its keys only right after that */
	char msisdn[20];
	struct llist_head queue;		/* struct cmd.entry, not started */
	unsigned n_queued;
	struct cmd *cur;			/* started */
	enum card_bearer bearer;		/* of cur */
	bool notifying;				/* what is queued now answers a notification */
	struct osmo_timer_list kick;
	struct card_learned stored;		/* as the owner has it */
	struct scp80_session s80;
	struct scp81_session s81;
	struct cattp_session sct;
};

/* What a bearer can do for the command that card->cur is. */
struct bearer_ops {
	void (*start)(struct card *card);	/* cur goes out, after a trigger where needed */
	bool (*withdraw)(struct card *card);	/* true: nothing of cur's piece has left, and nothing will */
	void (*stop)(struct card *card);	/* cur has ended otherwise */
	bool (*left)(const struct card *card);
	bool (*open)(const struct card *card);	/* a session is there: no trigger needed */
	bool (*chain)(const struct card *card);	/* a chain of scripts was begun on it */
};
extern const struct bearer_ops scp80_bearer, scp81_bearer, cattp_bearer;

#define LOG_CARD(card, cat, level, fmt, args...) LOGP(cat, level, "EID-%s: " fmt, (card)->name, ##args)

/* osmo_fsm_inst_state_chg_ms() of libosmocore 1.7 takes what is over a whole second for microseconds. */
static inline void card_fsm_chg(struct osmo_fsm_inst *fi, uint32_t st, unsigned long ms)
{
	osmo_fsm_inst_state_chg(fi, st, 0, 0);
	if (ms)
		osmo_timer_schedule(&fi->timer, ms / 1000, ms % 1000 * 1000);
}

/* card_session.c */
struct card *card_find(struct card_sessions *cs, const struct eid *eid);
struct card *card_get(struct card_sessions *cs, const struct eid *eid);	/* made when needed; NULL: unknown EID */
void card_free(struct card *card);
int card_refresh(struct card *card);		/* info anew from the owner */
void card_heard(struct card *card, const char *bearer);
unsigned long card_tdef_ms(int T);

/* card_session_queue.c */
void card_kick(struct card *card);		/* look at the queue from the loop */
void card_kick_cb(void *card);
int card_cmd_mark(struct card *card, const char *bearer);	/* right before the first effective octet */
/* The outstanding command ends so. Its owner is called: it may queue, forget and release. */
void card_cmd_done(struct card *card, enum card_outcome outcome, const char *detail, const uint8_t *resp, size_t len);
/* The card's response script (AB or AF) ends the outstanding command. */
void card_cmd_response(struct card *card, const uint8_t *data, size_t len);
void card_enqueue(struct card *card, struct cmd *cmd);	/* before what is not urgent, when it is */
/* Tell the owner; what it queues meanwhile goes first (SGP.02 3.15.1: the card waits for its confirmation, else it
 * rolls back), also before a command that has not left yet. */
void card_notify(struct card *card, const uint8_t *e1, size_t len, const char *bearer);
struct cmd *cmd_new(struct card *card, const struct card_cmd *c, unsigned timeout_s);
void cmd_free(struct cmd *cmd);
/* cur's next piece: whole TLVs, as many as fit room octets, one at least if it fits limit. false: it does not. */
bool card_cmd_cut(struct card *card, size_t room, size_t limit);
void card_cmd_start(struct card *card);		/* by the bearer that is chosen now */
enum script_chain card_cmd_chain(const struct card_cmd *c);

/* card_session_bearer.c */
const struct bearer_ops *card_bearer_ops(enum card_bearer b);	/* NULL: NONE */
const struct card_bearer_cfg *card_bearer_cfg(const struct card *card);
enum card_bearer card_bearer_choose(struct card *card);		/* for cur; says why in card->info.learned */
bool card_bearer_cut(struct card *card);	/* cur's piece to what its bearer takes now */
/* The bearer of cur does not reach the card, and nothing of the piece under way has left. true: cur goes another way or
 * has ended; false: there is no other, go on trying. */
bool card_bearer_failed(struct card *card, const char *why);
bool card_bearer_triggers_used(struct card *card, unsigned triggers, bool unreachable);
void card_learn(struct card *card, enum card_outcome outcome);	/* of cur's piece */
void card_learn_keep(struct card *card);			/* tells the owner, if there is something new */

/* card_session_scp80.c */
/* Protects payload for this card with a new counter. out->sec.spi2 and .tar are the caller's, the rest is filled. */
int card_scp80_make(struct card *card, struct scp80_out *out, bool cattp, bool resync, const uint8_t *payload,
		    size_t len);
int card_scp80_cmd(struct card *card, struct scp80_out *out, bool cattp);	/* cur's piece as a packet */
void card_scp80_end(struct scp80_out *out);
/* Octets of command TLVs whose script fits a packet of that length. */
size_t card_scp80_room(const struct card *card, size_t packet_len);
enum scp80_answer {
	SCP80_FOREIGN,		/* not of this packet's card */
	SCP80_OTHER,		/* of this card, but of another packet: late, twice, replayed */
	SCP80_WAIT,		/* the real one follows */
	SCP80_FINAL,
};
enum scp80_answer card_scp80_rsp(struct card *card, const struct scp80_out *out, bool cattp, uint8_t *status,
				 struct bytes *data, const uint8_t *packet, size_t len);
/* The final answer to cur's piece, whose packet had this security and length. resent: more than once. */
void card_scp80_finish(struct card *card, const struct scp80_sec *sec, size_t packet_len, uint8_t status,
		       const struct bytes *data, bool resent);

/* scp80_session_fsm.c */
int scp80_session_init(struct card *card);
void scp80_session_stop(struct card *card);		/* cur has ended otherwise */
void scp80_session_wake(struct card *card);		/* the card is reachable now */
void scp80_session_hurry(struct card *card);		/* a notification waits for its confirmation: end soon */
void scp80_session_release(struct card *card);
bool scp80_session_rx(struct card *card, const uint8_t *packet, size_t len);	/* true: it was for this card */
/* A packet with a new counter for this card, for triggers. */
int scp80_session_packet(struct card *card, struct bytes *out, struct scp80_sec *sec, const uint8_t *payload,
			 size_t len);
/* Octets of command TLVs that fit so many SMS to this card. */
size_t scp80_session_room(const struct card *card, unsigned parts);
unsigned scp80_session_ud(const struct card *card);	/* octets of user data it takes in one SMS */

/* card_session_cattp.c */
int cattp_session_init(struct card *card);
bool cattp_session_idle(const struct card *card);
void cattp_session_stop(struct card *card);
void cattp_session_wake(struct card *card);
void cattp_session_nothing_to_do(struct card *card);
void cattp_session_release(struct card *card);
void cattp_session_hurry(struct card *card);
void cattp_session_free(struct card *card);
bool cattp_session_por(struct card *card, const uint8_t *packet, size_t len);	/* the PoR of a trigger, by SMS */
int cattp_session_start_srv(struct card_sessions *cs);
void cattp_session_stop_srv(struct card_sessions *cs);

/* scp81_session_fsm.c */
int scp81_session_init(struct card *card);
bool scp81_session_open(const struct card *card);	/* a POST is in hand */
bool scp81_session_idle(const struct card *card);	/* no dialog worth keeping the card for */
void scp81_session_start(struct card *card);		/* cur goes out, after a trigger where needed */
void scp81_session_stop(struct card *card);		/* cur has ended otherwise */
bool scp81_session_left(const struct card *card);
void scp81_session_wake(struct card *card);
void scp81_session_nothing_to_do(struct card *card);	/* queue empty: hold or end */
void scp81_session_release(struct card *card);
void scp81_session_post(struct card *card, struct scp81_post *post);
void scp81_session_lost(struct card *card, struct scp81_post *post);
void scp81_session_closed(struct card *card);	/* the connection of the last POST has ended */
void scp81_session_free(struct card *card);

/* scp81_session_http.c */
int scp81_http_start(struct card_sessions *cs);
void scp81_http_stop(struct card_sessions *cs);
void scp81_http_header(struct scp81_post *post, const char *name, const char *value);
void scp81_http_answer(struct scp81_post *post, unsigned code, const struct bytes *body, bool close);
