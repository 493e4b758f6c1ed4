/* What network_smsc.c (links, deliver_sm) and network_submit.c (submit_sm, receipts) share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <arpa/inet.h>

#include <osmocom/core/select.h>

#include <osmocom/rsp/sms/smpp_conn.h>

#include "network_priv.h"

#define NETWORK_LISTENERS_MAX 4

struct network_listener {
	struct osmo_fd ofd;
	struct network_smsc *smsc;
	char *password;			/* NULL: every ESME is let in */
	struct sockaddr_in sin;
};

struct network_esme {
	struct llist_head entry;	/* bound first comes first */
	struct network_smsc *smsc;
	const struct network_listener *listener;
	struct smpp_conn *conn;
	struct osmo_timer_list bind_timer;
	char system_id[16];
	bool bound, rx, tx;
	uint32_t seq;
	struct llist_head submits;	/* network_mt in transaction mode */
	struct llist_head waiting, sent;	/* network_mo */
	unsigned in_flight;
};

struct network_mo {
	struct llist_head entry;
	struct network_esme *esme;
	struct network_ue *ue;		/* NULL: left in the meantime */
	struct osmo_timer_list timer;
	struct smpp_pdu *pdu;		/* until it is sent */
	uint32_t seq;
};

struct network_smsc {
	struct network *net;
	struct network_listener listeners[NETWORK_LISTENERS_MAX];
	unsigned n_listeners;
	struct llist_head esmes, routes;
	unsigned n_esmes, n_routes;
	struct osmo_timer_list down;	/* runs while the SMSC is down */
	int64_t second;			/* in which so many submit_sm came: */
	unsigned in_second;
	unsigned long message_id, submits, delivers, alerts_dropped, receipts_dropped, restarts;
};

/* --- network_smsc.c */
struct network_esme *network_esme_bound(struct network_smsc *s, const char *system_id);	/* for deliver_sm, or NULL */
/* A deliver_sm in e's queue; ue, if any, is told its end. NULL: no memory. */
struct network_mo *network_esme_deliver(struct network_esme *e, struct network_ue *ue, const struct smpp_pdu *pdu);

/* --- network_submit.c */
void network_esme_rx_submit(struct network_esme *e, const struct smpp_pdu *pdu);	/* submit_sm, data_sm */
