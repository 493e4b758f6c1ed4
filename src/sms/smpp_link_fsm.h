/* Our side of an SMPP link as ESME: connect, bind, watch, reconnect.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/sms/smpp_pdu.h>
#include <osmocom/rsp/sms/sms_port.h>

struct smpp_link;

struct smpp_link_ops {
	void (*up)(void *priv);
	void (*down)(void *priv);	/* after resp() for all that was unanswered */
	/* Answer to a submit_sm: SMPP status >= 0, -ETIMEDOUT, or -ENOTCONN when the link broke before it came. */
	void (*resp)(void *priv, void *ref, int status);
	void (*deliver)(void *priv, const struct smpp_pdu *pdu);	/* owes smpp_link_deliver_resp() */
	void (*alert)(void *priv, const struct smpp_alert *alert);
};

/* cfg's strings are copied. Connects and reconnects by itself; the first attempt is under way when this returns. */
struct smpp_link *smpp_link_new(void *ctx, const struct smpp_link_cfg *cfg, const struct smpp_link_ops *ops, void *priv);
void smpp_link_free(struct smpp_link *l);
/* 0: resp(ref) will come, never from within. -ENOTCONN, -EAGAIN (window or write queue full), or the encoder's error. */
int smpp_link_submit(struct smpp_link *l, const struct smpp_sm *sm, void *ref);
/* resp() for this ref is not wanted any more. */
void smpp_link_forget(struct smpp_link *l, void *ref);
/* generation: of the link when the deliver_sm came; a later link does not know that sequence number. */
void smpp_link_deliver_resp(struct smpp_link *l, unsigned generation, uint32_t seq, uint32_t status);
bool smpp_link_up(const struct smpp_link *l);
unsigned smpp_link_generation(const struct smpp_link *l);
unsigned smpp_link_window(const struct smpp_link *l);
char *smpp_link_describe(const struct smpp_link *l, void *ctx);
