/* State of the admin agent, shared by card_http.c and card_http_msg.c. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/ota/scp81_msg.h>

#include "card_cat.h"
#include "card_int.h"

struct card_httprx;
struct card_tls;

enum http_state { HTTP_IDLE, HTTP_RESOLVING, HTTP_OPENING, HTTP_TLS, HTTP_ACTIVE, HTTP_CLOSING, HTTP_WAIT };

struct card_http {
	enum http_state state;
	unsigned gen;			/* counts connections: a late TERMINAL RESPONSE of an older one is ignored */
	void *ctx;			/* all of one session hangs here */
	struct scp81_params par;	/* where to and with which key */
	struct scp81_params next;	/* a trigger that came meanwhile, when again */
	struct scp81_dns next_name;
	bool again;
	uint8_t channel;		/* 0: none open */
	struct card_tls *tls;
	struct card_httprx *rx;
	char uri[640];			/* of the current POST; a notification's is long */
	struct bytes *body;		/* result to post, NULL: none */
	bool has_status;
	enum scp81_status status;
	unsigned retries, delay_s;
	bool dialog;			/* a POST has left: a new connection resumes */
	bool resume;
	bool answered;			/* nothing of the server is expected */
	bool sending, receiving, more;	/* BIP commands under way; data came meanwhile */
	bool heard, timer, good, notify;
	struct scp81_dns name;		/* to be resolved; fqdn "": par.ip is the address */
};

/* Open a session with h->par. */
int card_http_session(struct card *c);

/* card_http_msg.c */
int card_http_request(const struct card *c, struct bytes *out);
/* What the trigger left open comes from the card's own record. */
void card_http_defaults(const struct card *c, struct scp81_params *p);
/* Which name is to be resolved, and where: of the trigger, else of the card's record; none when an address is known. */
void card_http_name(const struct card *c, struct scp81_dns *name, const struct scp81_params *p);
struct card_http_addr {
	uint8_t ip[16], nan[101], login[64], password[64];
};
void card_http_open_cmd(const struct card *c, struct bip_cmd *cmd, struct card_http_addr *a);
