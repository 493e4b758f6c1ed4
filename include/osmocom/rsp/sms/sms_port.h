/* "Send this packet to this number", "a packet came". One SMSC or several stand behind it, each over SMPP 3.4.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sms_port;

#define SMPP_LINK_WINDOW_MAX 1000
#define SMSC_ROUTES_MAX 32
#define SMSC_MAX 16

struct smpp_link_cfg {
	char host[46];			/* IP literal; "": not yet known, stays down */
	uint16_t port;			/* 0: 2775 */
	char system_id[16], password[9], system_type[13];
	unsigned window;		/* unanswered submit_sm; 0: 10 */
	unsigned enquire_s, resp_timeout_s;	/* 0: 30, 15 */
};

/* How the SMSC treats a message (SMPP 3.4 5.2.12): answers when the card has it, or stores it, and a receipt follows. */
enum smsc_mode { SMSC_TRANSACTION, SMSC_STORE };

struct smsc_route {
	char prefix[16];		/* of the number; "": every number */
	uint8_t priority;		/* lower first, among routes with prefixes of one length */
};

struct smsc_cfg {
	char name[32];
	struct smpp_link_cfg link;
	enum smsc_mode mode;
	bool data_sm;			/* data_sm instead of submit_sm */
	bool shutdown;
	unsigned rate;			/* messages a second; 0: as many as the window lets through */
	unsigned validity_s;		/* store: how long the SMSC tries; 0: 300 */
	char number[21];		/* our number there; "": the port's own */
	unsigned n_routes;		/* none: every number, behind those with routes */
	struct smsc_route routes[SMSC_ROUTES_MAX];
};

struct sms_port_limits {		/* 0: the default */
	unsigned queue;			/* messages in all; 20000 */
	unsigned per_number;		/* messages of one number; 16 */
	unsigned number_rate;		/* messages a minute to one number; 0: no limit */
	unsigned halves;		/* half-received messages; 1000; counts for a new port only */
	unsigned half_age_s;		/* since their first part; 120; likewise */
};

struct sms_port_cfg {
	const char *own_number;		/* source address and where PoR come back, e.g. "1001" */
	unsigned max_parts;		/* of one packet, both directions; default 5 */
	struct sms_port_limits limits;
	/* A complete secured packet arrived: UDH 70 (command: notification) or 71 (response: PoR) and the packet after the
	 * UDH. The deliver_sm is answered after the iteration's commit. */
	void (*rx)(void *priv, const char *from, bool response, const uint8_t *packet, size_t len);
	/* alert_notification: this number, or IMSI, is reachable now. May be NULL. from above may be an IMSI too. */
	void (*alert)(void *priv, const char *msisdn);
	void *priv;
	struct sqldb *db;
};

/* Delivered: the card has all parts. Unreachable: it is not there, and has not got them. Failed, link down: nobody
 * knows. */
enum sms_outcome { SMS_DELIVERED, SMS_UNREACHABLE, SMS_FAILED, SMS_LINK_DOWN };

struct sms_port *sms_port_new(void *ctx, const struct sms_port_cfg *cfg);
void sms_port_free(struct sms_port *p);
void sms_port_limits_set(struct sms_port *p, const struct sms_port_limits *limits);
/* A new SMSC or new settings of the one of that name; connects and reconnects by itself. Host, port, system_id, password
 * and system_type count with the next connection. 0, -ENOSPC, -ENOMEM. */
int sms_port_smsc_set(struct sms_port *p, const struct smsc_cfg *cfg);
void sms_port_smsc_del(struct sms_port *p, const char *name);
/* Secured packet with UDH 02 70 00 (cut and concatenated as needed) as SMS-PP: PID 7F, DCS F6, UDHI. Leaves after the
 * commit. done once for all parts, never from within. 0, -EMSGSIZE, -EAGAIN queue full, -ENETUNREACH no SMSC serves the
 * number. */
int sms_port_send(struct sms_port *p, const char *msisdn, const uint8_t *packet, size_t len,
		  void (*done)(void *priv, enum sms_outcome outcome), void *priv);
/* The same in messages of at most ud_max octets of user data, for a card that takes no longer ones. */
int sms_port_send_cut(struct sms_port *p, const char *msisdn, const uint8_t *packet, size_t len, size_t ud_max,
		      void (*done)(void *priv, enum sms_outcome outcome), void *priv);
void sms_port_forget(struct sms_port *p, void *priv);
bool sms_port_up(const struct sms_port *p);	/* one of the SMSCs at least */
char *sms_port_describe(struct sms_port *p, void *ctx);	/* text lines for `show smsc` */
/* "NAME up|down|shutdown" of each, comma between, for CTRL. */
char *sms_port_states(struct sms_port *p, void *ctx);
