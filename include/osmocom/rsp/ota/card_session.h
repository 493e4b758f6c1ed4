/* One card's session: a queue of scripts, one outstanding, by SMS or CAT_TP (SCP80) or HTTPS (SCP81); the last two
 * after a trigger by SMS (design 5).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/tdef.h>
#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/ota/cattp_srv.h>
#include <osmocom/rsp/util/ids.h>

struct card_session;
struct card_sessions;	/* all of them, with the SCP81 server and the SMS port */
struct http_req;
struct sms_port;

/* How a command ended. Only CARD_OK carries response octets that count; see style.md: nothing here means success. */
enum card_outcome {
	CARD_OK,		/* the card answered: resp holds the response TLVs (23, 86, 9F46 ..) without AB/AF and 80 */
	CARD_NOT_SENT,		/* nothing that the card could act upon has left: certainly not done */
	CARD_NO_ANSWER,		/* left, no answer: the card may have done it */
	CARD_REJECTED,		/* the card refused before running it: PoR status, X-Admin-Script-Status; detail says which */
};

struct card_cmd {
	struct aid target;		/* ISD-R or an ISD-P */
	const uint8_t *script;		/* bare command TLVs (22 C-APDU, 84..87 SCP03t); copied by card_session_send() */
	size_t script_len;
	bool more;			/* another command follows (MoreToDo): keep the session, hold the card's POST */
	bool chained;			/* Annex K: put tag 83 in front */
	bool first_in_chain;
	/* Called right before the first octet that can make the card act leaves, inside the iteration's transaction
	 * (proc_mark_sent). A negative return stops it: CARD_NOT_SENT. May be NULL. */
	int (*mark_sent)(void *priv, const char *bearer);
	/* Exactly once, never from inside card_session_send(). resp is valid during the call. */
	void (*done)(void *priv, enum card_outcome outcome, const char *detail, const uint8_t *resp, size_t resp_len);
	void *priv;
};

enum card_bearer { CARD_BEARER_NONE, CARD_BEARER_SCP80, CARD_BEARER_SCP81, CARD_BEARER_CATTP, _CARD_BEARERS };
#define CARD_BEARERS_N (_CARD_BEARERS - 1)
const char *card_bearer_name(enum card_bearer b);	/* "SMS", "HTTPS", "CAT_TP" */
enum card_bearer card_bearer_parse(const char *name);	/* as in the VTY: sms, https, cat-tp; else CARD_BEARER_NONE */

/* What experience with one card has taught; the owner keeps it. Times in UTC seconds, 0: never or nothing. */
struct card_learned {
	int64_t ok[_CARD_BEARERS], failed[_CARD_BEARERS];	/* last time */
	unsigned fails[_CARD_BEARERS];	/* since the last success */
	unsigned sms_ud;		/* octets of user data it takes in one SMS */
	unsigned scp80_took;		/* largest packet it answered */
	unsigned scp80_limit;		/* a larger one it refused for want of memory */
	unsigned http_took;		/* largest script over HTTPS that it answered */
	unsigned http_limit;		/* larger ones got no answer */
	enum card_bearer last;		/* taken last, and why */
	char why[80];
};
char *card_learned_describe(void *ctx, const struct card_learned *l);	/* text lines */

/* What the owner (smsr) knows of one card; strings and keys stay owned by the owner and alive while the session is. */
struct card_info {
	struct eid eid;
	const char *msisdn;		/* where SMS goes now */
	uint8_t scp80_kvn;
	const struct key *kic, *kid;	/* key ids 1 and 2; AES or 3DES, which decides the algorithm */
	uint8_t scp81_kvn, scp81_kid;	/* 0: none, SMS only */
	bool https;			/* EIS HttpSupport */
	bool cattp;			/* EIS CattpSupport */
	const char *apn, *login, *password;	/* of its operator's packet data; NULL: what the card has */
	/* SCP80 otherwise than SGP.02 2.4.3 says, 0: not. */
	uint8_t spi1, spi2;
	bool compact, indefinite;	/* form of the scripts */
	enum card_bearer order[CARD_BEARERS_N]; unsigned n_order;	/* for this card, 0: as for all */
	struct card_learned learned;
};

struct card_session_ops {
	/* Fill info for this EID: 0 or -ENOENT. Called at session start and for each PSK handshake. */
	int (*info)(void *priv, const struct eid *eid, struct card_info *info);
	/* The PSK for SCP81: length or -ENOENT. */
	int (*psk)(void *priv, const struct eid *eid, uint8_t kvn, uint8_t kid, uint8_t *psk, size_t size);
	/* Reserve the next SCP80 counter in the current transaction: 0 or negative. exact: the last one plus 1 (SPI1
	 * b5 b4 11), else any that is higher. */
	int (*counter_next)(void *priv, const struct eid *eid, uint8_t kvn, bool exact, uint64_t *cntr);
	/* Which card has this profile? 0 or -ENOENT. May be NULL. */
	int (*by_iccid)(void *priv, const char *iccid, struct eid *eid);
	/* To be kept with the card. May be NULL. */
	void (*learned)(void *priv, const struct eid *eid, const struct card_learned *l);
	/* Candidates for an MO SMS by source number: call each(eid) until it returns true (MAC fits). */
	bool (*candidates)(void *priv, const char *msisdn, bool (*each)(void *arg, const struct eid *eid), void *arg);
	/* An authenticated notification E1 (by SMS or by "?msg=" of this card's PSK session). */
	void (*notification)(void *priv, const struct eid *eid, const uint8_t *e1, size_t len, const char *bearer);
	/* The card was heard (any authenticated message): reachable now. May be NULL. */
	void (*heard)(void *priv, const struct eid *eid, const char *bearer);
};

struct scp81_cfg {
	unsigned max_conns, max_body;	/* connections, octets of a response script; from the next start on */
	unsigned polls;			/* a POST held in vain is called for anew (204 with Next-URI) this often */
	unsigned retry_count, retry_delay_s;	/* retry policy in triggers; delay 0: none, the card has its own */
	/* Triggers name this server, and who resolves it, instead of an address; "": not so. */
	char name[128], dns_ip[46]; uint16_t dns_port;
};
void scp81_cfg_default(struct scp81_cfg *c);	/* 20000, 64 kB, twice, no policy */

/* May change at run time. */
struct card_bearer_cfg {
	enum card_bearer order[CARD_BEARERS_N]; unsigned n_order;
	unsigned sms_parts_limit;	/* of one packet, when there is no other way; at least sms_max_parts */
	unsigned triggers;		/* that the card got; then another bearer is tried */
	unsigned retry_s;		/* a bearer that failed is avoided for this long */
	struct cattp_srv_limits cattp;
	struct scp81_cfg scp81;
};
void card_bearer_cfg_default(struct card_bearer_cfg *c);	/* HTTPS, CAT_TP, SMS; 10 parts, 2 triggers, 15 min */

struct card_sessions_cfg {
	const struct card_session_ops *ops;
	void *priv;
	struct sms_port *sms;
	struct sqldb *db;		/* for txn_after_commit() */
	const char *scp81_bind_ip; uint16_t scp81_bind_port;	/* port 0: any */
	const char *adv_ip; uint16_t adv_port;			/* what triggers say; 0: the bound port */
	const char *uri;					/* "/gsma/adminagent" */
	unsigned sms_max_parts;					/* larger scripts go otherwise; default 5 */
	const char *cattp_bind_ip; uint16_t cattp_bind_port;	/* NULL: no CAT_TP; port 0: any */
	const char *cattp_adv_ip; uint16_t cattp_adv_port;	/* what triggers say; NULL, 0: as bound */
	const struct card_bearer_cfg *bearer;			/* stays the caller's; NULL: default */
};

struct card_sessions *card_sessions_new(void *ctx, const struct card_sessions_cfg *cfg);
void card_sessions_free(struct card_sessions *cs);
uint16_t card_sessions_scp81_port(const struct card_sessions *cs);

/* From the SMS port (sms_port_cfg.rx and .alert); the owner of the port hands them over. */
void card_sessions_sms_rx(struct card_sessions *cs, const char *from, bool response, const uint8_t *packet, size_t len);
void card_sessions_sms_alert(struct card_sessions *cs, const char *msisdn);

/* Timers of all card sessions, settable as a VTY group; milliseconds. */
#define CARD_T_POR		-80	/* response packet after the SMSC's "delivered" */
#define CARD_T_TRIGGER		-81	/* first repetition of a trigger; then doubled up to four times this */
#define CARD_T_HOLD		-82	/* POST held for the command that `more` announced */
#define CARD_T_HOLD_NOTIF	-83	/* POST of a notification held for its confirmation */
#define CARD_T_SMS_RETRY	-84	/* SMS again when the card is unreachable */
#define CARD_T_LINK		-86	/* CAT_TP link kept for the command that `more` announced */
#define CARD_T_REOPEN		-85	/* connection gone under a script: the card is back by then */
extern struct osmo_tdef card_session_tdefs[];

/* Queue a command for this card (session made when needed). 0, or -ENOENT unknown, -EAGAIN queue full. */
int card_session_send(struct card_sessions *cs, const struct eid *eid, const struct card_cmd *cmd, unsigned timeout_s);
/* The commands of this priv are no longer wanted: done() will not be called; one already sent stays sent. true: there was
 * one, and nothing of it has left or will leave: certainly not done. */
bool card_session_forget(struct card_sessions *cs, const struct eid *eid, void *priv);
/* No more commands will follow soon: a held POST is answered with 204. */
void card_session_release(struct card_sessions *cs, const struct eid *eid);
uint16_t card_sessions_cattp_port(const struct card_sessions *cs);	/* UDP and CAT_TP; 0: none */
char *card_sessions_describe_scp81(struct card_sessions *cs, void *ctx);	/* text lines */
char *card_sessions_describe_cattp(struct card_sessions *cs, void *ctx, unsigned max);	/* text lines */
/* One line of text a VTY can print: bearer, state, queue. */
char *card_session_describe(struct card_sessions *cs, void *ctx, const struct eid *eid);
bool card_session_exists(struct card_sessions *cs, const struct eid *eid);	/* and with it what info() said */
unsigned card_sessions_count(const struct card_sessions *cs);
