/* What network.c (subscribers, attach, queues) and network_smsc.c (SMPP server) share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/utils.h>	/* hashtable.h wants its ARRAY_SIZE */
#include <osmocom/core/hashtable.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/core/timer.h>
#include <osmocom/crypt/auth.h>

#include <osmocom/rsp/sms/smpp_pdu.h>
#include <osmocom/rsp/sms/tpdu.h>

#include "network.h"

#define NETWORK_NUMBER_SIZE 16

enum network_mt_end { NETWORK_MT_DONE, NETWORK_MT_ABSENT, NETWORK_MT_FAILED };

/* A message on its way to a subscriber; child of its network_sub. */
struct network_mt {
	struct llist_head entry;
	struct llist_head esme_entry;	/* at the ESME that waits for its end, or empty */
	void (*done)(struct network_mt *mt, enum network_mt_end end);	/* NULL: nobody asks */
	void *esme;			/* waits for the end of it: transaction mode */
	uint32_t pdu_id, seq;
	bool stored;			/* store and forward: tried again for a while */
	struct network_smsc *smsc;	/* which then sends a receipt */
	unsigned long id;
	char system_id[16], from[21], to[21];
	bool has_user_ref;
	uint16_t user_ref;
	unsigned deliveries;		/* still to make: 2 when doubled by a fault */
	unsigned tries;
	bool lost_ack, rolled, held, dealt;	/* by faults, once a message */
	size_t len;
	uint8_t tpdu[TPDU_MAX];
	size_t report_len;		/* user data of the card's SMS-DELIVER-REPORT */
	uint8_t report[TPDU_UD_MAX];
};

struct network_sub {
	struct hlist_node by_imsi, by_msisdn;
	char imsi[NETWORK_NUMBER_SIZE], msisdn[NETWORK_NUMBER_SIZE];
	bool has_key, refuse;
	struct osmo_sub_auth_data aud;
	struct network_ue *ue;		/* attached */
	struct llist_head mt;		/* oldest first */
	unsigned mt_count;
};

struct network_ue {
	struct network *net;
	struct network_sub *sub;	/* set while attached */
	char imsi[NETWORK_NUMBER_SIZE];
	const struct network_ue_ops *ops;
	void *priv;
	struct osmo_timer_list timer;	/* attach, then the wait before an MT */
	bool attached, mt_busy;
	struct bytes *report;		/* SMS-DELIVER-REPORT that came with it, or NULL */
	bool mt_ok;			/* how the terminal took it; said after the commit */
	void (*mo_done)(void *priv, uint8_t cause);
	struct osmo_timer_list mo_timer;
	uint8_t mo_cause;
	struct tpdu_submit *mo;		/* waits for its delay */
	struct network_mo *mo_sent;
	struct network_external_sub *external;	/* set while that network knows of it */
};

struct network {
	struct network_cfg cfg;
	DECLARE_HASHTABLE(by_imsi, 12);
	DECLARE_HASHTABLE(by_msisdn, 12);
	struct network_smsc *smsc;
	struct network_external *external;	/* NULL: we are the network */
	struct epollset *epollset;
	struct network_dns *dns;	/* once it is told of names */
	struct sqldb *db;		/* what the cards have written is on disk before anything is said; or NULL */
	struct faults *faults;		/* those of all cards, and of the network itself */
	bool src_imsi;
	bool report;			/* of a card: into submit_sm_resp */
	unsigned subs, attached;
	unsigned long attaches, refused, auth_failed, mt_ok, mt_failed, mo_ok, mo_failed, lost, reports;
	unsigned long sms_octets, channel_octets;	/* TPDUs and channels, both ways */
};

/* --- network.c and network_sms.c, for each other and for network_smsc.c --- */
struct network_sub *network_sub_by_msisdn(struct network *net, const char *msisdn);
struct network_sub *network_sub_by_imsi(struct network *net, const char *imsi);
/* A new message in the queue of sub; NULL when it is full. The caller fills it and calls network_mt_start(). */
struct network_mt *network_mt_new(struct network *net, struct network_sub *sub);
int network_mt_fill(struct network_mt *mt, struct tpdu_deliver *d);	/* stamps the time, encodes */
void network_mt_drop(struct network_sub *sub, struct network_mt *mt);	/* unsent, nobody is told */
void network_mt_start(struct network *net, struct network_sub *sub);
void network_mt_end(struct network *net, struct network_sub *sub, struct network_mt *mt, enum network_mt_end end);
void network_mo_end(struct network_ue *ue, uint8_t cause);
uint8_t network_mo_cause(uint32_t status);	/* RP cause for what an ESME said */

/* --- network_smsc.c, for network.c --- */
struct network_smsc *network_smsc_new(void *ctx, struct network *net);
/* ue NULL: nobody waits. 0: ue's mo_sent is set and network_mo_end() follows; else an RP cause (TS 24.011 8.2.5.4). */
uint8_t network_smsc_mo(struct network_smsc *s, struct network_ue *ue, const char *msisdn, const struct tpdu_submit *t);
/* ue goes: nobody waits for the ESME's answer any more. */
void network_smsc_mo_forget(struct network_mo *mo);
void network_smsc_alert(struct network_smsc *s, const struct network_sub *sub, uint8_t availability);
char *network_smsc_describe(struct network_smsc *s, char *text);	/* appends */

/* --- network_dns.c, for network.c --- */
char *network_dns_describe(const struct network *net, char *text);	/* appends */

/* --- network_external.c, for network.c --- */
int network_external_attach(struct network_external *x, struct network_ue *ue);
void network_external_detach(struct network_ue *ue);
void network_external_mt_done(struct network_ue *ue, bool ok);
/* network_mo_end() follows, not inside this call. len: at most TPDU_MAX. */
void network_external_mo(struct network_ue *ue, const uint8_t *tpdu, size_t len);
bool network_external_attached(struct network_external *x, const char *imsi);
char *network_external_describe(const struct network_external *x, char *text);	/* appends */

#define NETWORK_RP_CONGESTION 42
#define NETWORK_RP_OUT_OF_ORDER 38
