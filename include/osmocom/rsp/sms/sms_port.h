/* "Send this packet to this number", "a packet came". SMPP stands behind it.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sms_port;

struct smpp_link_cfg {
	const char *host;		/* IP literal */
	uint16_t port;
	const char *system_id, *password, *system_type;
	unsigned window;		/* unanswered submit_sm; default 10 */
	unsigned enquire_s, resp_timeout_s;
};

struct sms_port_cfg {
	const struct smpp_link_cfg *smpp;
	const char *own_number;		/* source address and where PoR come back, e.g. "1001" */
	unsigned max_parts;		/* of one packet, both directions; default 5 */
	/* A complete secured packet arrived: UDH 70 (command: notification) or 71 (response: PoR) and the packet after the
	 * UDH. The deliver_sm is answered after the iteration's commit. */
	void (*rx)(void *priv, const char *from, bool response, const uint8_t *packet, size_t len);
	/* alert_notification: this number is reachable now. May be NULL. */
	void (*alert)(void *priv, const char *msisdn);
	void *priv;
	struct sqldb *db;
};

enum sms_outcome { SMS_DELIVERED, SMS_UNREACHABLE, SMS_FAILED, SMS_LINK_DOWN };

struct sms_port *sms_port_new(void *ctx, const struct sms_port_cfg *cfg);	/* connects and reconnects by itself */
void sms_port_free(struct sms_port *p);
/* Secured packet with UDH 02 70 00 (cut and concatenated as needed) as SMS-PP: PID 7F, DCS F6, UDHI, transaction mode.
 * Leaves after the commit. done once with the SMSC's word for all parts. 0, -EMSGSIZE, -EAGAIN queue full. */
int sms_port_send(struct sms_port *p, const char *msisdn, const uint8_t *packet, size_t len,
		  void (*done)(void *priv, enum sms_outcome outcome), void *priv);
void sms_port_forget(struct sms_port *p, void *priv);
bool sms_port_up(const struct sms_port *p);
char *sms_port_describe(struct sms_port *p, void *ctx);	/* text lines for `show smpp` */
