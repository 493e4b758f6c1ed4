/* One SMPP connection over a TCP socket, client or server: framing, bounded write queue, answers to what is no PDU.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/sms/smpp_pdu.h>

struct smpp_conn;

struct smpp_conn_ops {
	void (*connected)(void *priv);		/* only for a socket that was still connecting */
	/* A PDU that was understood. It may close the connection. */
	void (*rx)(void *priv, const struct smpp_pdu *pdu);
	/* Closed by the peer, an error or bytes that are no SMPP; the connection is gone when this returns. */
	void (*closed)(void *priv, const char *reason);
	void (*unreadable)(void *priv);		/* to count it; may be NULL; leaves the connection alone */
};

/* Takes over fd (made non-blocking); on failure it is closed and NULL returned. */
struct smpp_conn *smpp_conn_new(void *ctx, int fd, bool connecting, const struct smpp_conn_ops *ops, void *priv);
/* Queue a PDU; it leaves in the next turn of the loop. -ENOBUFS: the peer does not read. Never calls back. */
int smpp_conn_tx(struct smpp_conn *c, const struct smpp_pdu *pdu);
/* Answer with id | SMPP_RESP. text may be NULL. */
int smpp_conn_tx_resp(struct smpp_conn *c, const struct smpp_pdu *req, uint32_t status, const char *text);
/* Write what is queued now, as far as the socket takes it: before a close. Never calls back. */
void smpp_conn_flush(struct smpp_conn *c);
/* No callback any more. Also from within a callback. */
void smpp_conn_close(struct smpp_conn *c);
