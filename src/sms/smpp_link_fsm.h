/* Our side of an SMPP link as ESME: connect, bind, watch, reconnect.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/sms/smpp_pdu.h>
#include <osmocom/rsp/sms/sms_port.h>

struct smpp_link;

enum smpp_link_count { SMPP_LINK_BOUND, SMPP_LINK_REFUSED, SMPP_LINK_LOST, SMPP_LINK_UNREADABLE };

struct smpp_link_ops {
	void (*up)(void *priv);
	void (*down)(void *priv);	/* after resp() for all that was unanswered */
	/* Answer to a submit_sm or data_sm: SMPP status >= 0 and the PDU, or without one -ETIMEDOUT, or -ENOTCONN when the
	 * link broke before it came. */
	void (*resp)(void *priv, void *ref, int status, const struct smpp_pdu *pdu);
	void (*deliver)(void *priv, const struct smpp_pdu *pdu);	/* or data_sm; owes smpp_link_deliver_resp() */
	void (*alert)(void *priv, const struct smpp_alert *alert);
	void (*event)(void *priv, enum smpp_link_count what);	/* for a counter only */
};

/* Connects and reconnects by itself; the first attempt is under way when this returns. */
struct smpp_link *smpp_link_new(void *ctx, const struct smpp_link_cfg *cfg, const struct smpp_link_ops *ops, void *priv);
/* Unbinds; resp() for all that is unanswered, down(). It would come up again: to be followed by smpp_link_free(). */
void smpp_link_end(struct smpp_link *l);
void smpp_link_free(struct smpp_link *l);	/* no callback any more */
/* Window and times count at once, the rest with the next connection. */
void smpp_link_cfg_set(struct smpp_link *l, const struct smpp_link_cfg *cfg);
/* 0: resp(ref) will come, never from within. -ENOTCONN, -EAGAIN (window or write queue full), or the encoder's error. */
int smpp_link_submit(struct smpp_link *l, const struct smpp_sm *sm, bool data_sm, void *ref);
/* resp() for this ref is not wanted any more. */
void smpp_link_forget(struct smpp_link *l, void *ref);
/* id: SMPP_DELIVER_SM or SMPP_DATA_SM. generation: of the link when it came; a later link does not know that sequence
 * number. */
void smpp_link_deliver_resp(struct smpp_link *l, unsigned generation, uint32_t id, uint32_t seq, uint32_t status);
bool smpp_link_up(const struct smpp_link *l);
unsigned smpp_link_generation(const struct smpp_link *l);
unsigned smpp_link_window(const struct smpp_link *l);
char *smpp_link_describe(const struct smpp_link *l, void *ctx);
