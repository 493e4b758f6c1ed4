/* Inside of the card sessions: one struct card per EID with traffic; its queue, its SCP80 and its SCP81 half.
 *
 *	card_session.c        all cards, public calls, what the SMS port delivers
 *	card_session_queue.c  one card: queue, choice of bearer, one command outstanding, how it ends
 *	scp80_session_fsm.c   a command as SCP80 packet by SMS, and its response packet; triggers
 *	scp81_session_fsm.c   trigger, dialog, script handed over, result
 *	scp81_session_http.c  the card's POST: who, which step; answers leave after the commit
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/fsm.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/core/timer.h>
#include <osmocom/rsp/net/http.h>
#include <osmocom/rsp/ota/card_session.h>
#include <osmocom/rsp/ota/scp80.h>
#include <osmocom/rsp/ota/scp81_msg.h>
#include <osmocom/rsp/sms/sms_port.h>
#include <osmocom/rsp/util/logging.h>

#define CARD_QUEUE_MAX 16
#define CARD_BUCKETS 256
#define CARD_BY_SMS "SMS"		/* bearers, as the owner hears of them */
#define CARD_BY_HTTPS "HTTPS"

struct card;

struct card_sessions {
	struct card_sessions_cfg cfg;		/* strings are ours */
	struct http_srv *srv;
	struct llist_head bucket[CARD_BUCKETS];	/* struct card.entry, by the last octets of the EID */
	struct llist_head posts;		/* struct scp81_post.entry */
	unsigned n_cards;
	unsigned long sms_dropped;		/* not authenticated, or of nobody */
};

struct cmd {
	struct llist_head entry;
	struct card *card;
	struct card_cmd c;			/* script is a copy; done NULL: forgotten */
	struct osmo_timer_list deadline;
	bool marked;				/* mark_sent() was called */
	bool urgent;				/* the confirmation of a notification: before all others */
};

enum card_bearer { CARD_BEARER_NONE, CARD_BEARER_SCP80, CARD_BEARER_SCP81 };

struct scp80_session {
	struct osmo_fsm_inst *fi;
	struct scp80_sec sec;			/* of the packet under way */
	struct bytes *packet;			/* the same octets at each attempt: the card runs them once at most */
	struct key *kic, *kid;			/* copies: the owner may have others when the answer comes */
	bool submitted;				/* with the SMSC, whose word is awaited */
	bool left;				/* may have reached the card */
	unsigned attempts;
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
	struct scp80_session s80;
	struct scp81_session s81;
};

#define LOG_CARD(card, cat, level, fmt, args...) LOGP(cat, level, "EID-%s: " fmt, (card)->name, ##args)

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

/* scp80_session_fsm.c */
int scp80_session_init(struct card *card);
void scp80_session_start(struct card *card);		/* cur goes out */
bool scp80_session_withdraw(struct card *card);		/* true: nothing of cur has left, and nothing will */
void scp80_session_stop(struct card *card);		/* cur has ended otherwise */
bool scp80_session_left(const struct card *card);
void scp80_session_wake(struct card *card);		/* the card is reachable now */
void scp80_session_hurry(struct card *card);		/* a notification waits for its confirmation: end soon */
bool scp80_session_rx(struct card *card, const uint8_t *packet, size_t len);	/* true: it was for this card */
/* A packet with a new counter for this card. */
int scp80_session_packet(struct card *card, struct bytes *out, struct scp80_sec *sec, const uint8_t *payload,
			 size_t len);
bool scp80_session_fits(const struct card *card, size_t script_len);

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
