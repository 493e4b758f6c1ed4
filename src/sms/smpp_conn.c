/* SMPP connection: octets of a TCP socket to PDUs and back (SMPP 3.4 3.2, 5.1).
 * A PDU we cannot read is answered and counted, the connection lives on; a length out of bounds ends it, as nothing after
 * it can be found any more.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>

#include <osmocom/rsp/sms/smpp_conn.h>
#include <osmocom/rsp/util/logging.h>

#define SMPP_CONN_TX_MAX (64 * 1024)
#define SMPP_CONN_BAD_MAX 100	/* unreadable PDUs until we hang up */

struct smpp_conn {
	struct osmo_fd ofd;
	const struct smpp_conn_ops *ops;
	void *priv;
	bool connecting, busy, dead;
	unsigned bad;
	uint8_t rx[2 * SMPP_PDU_MAX];
	size_t rx_len;
	struct bytes *tx;
	size_t tx_off;
};

static int smpp_conn_destroy(struct smpp_conn *c)
{
	if (c->ofd.fd >= 0) {
		osmo_fd_unregister(&c->ofd);
		close(c->ofd.fd);
		c->ofd.fd = -1;
	}
	return 0;
}

void smpp_conn_close(struct smpp_conn *c)
{
	if (!c)
		return;
	smpp_conn_destroy(c);
	c->dead = true;
	if (c->busy)
		talloc_steal(NULL, c);	/* smpp_conn_fd_cb() is on the stack and frees it */
	else
		talloc_free(c);
}

static void smpp_conn_fail(struct smpp_conn *c, const char *reason)
{
	const struct smpp_conn_ops *ops = c->ops;
	void *priv = c->priv;

	if (c->dead)
		return;
	smpp_conn_close(c);
	ops->closed(priv, reason);
}

static int smpp_conn_append(struct smpp_conn *c, const struct smpp_pdu *pdu)
{
	size_t before = c->tx->len;
	int rc;

	if (before - c->tx_off > SMPP_CONN_TX_MAX - SMPP_PDU_MAX)
		return -ENOBUFS;
	if (before > SMPP_CONN_TX_MAX) {	/* what was sent makes room */
		memmove(c->tx->data, c->tx->data + c->tx_off, before - c->tx_off);
		c->tx->len = before -= c->tx_off;
		c->tx_off = 0;
	}
	rc = smpp_pdu_enc(c->tx, pdu);
	if (rc < 0)
		c->tx->len = before;
	return rc;
}

int smpp_conn_tx(struct smpp_conn *c, const struct smpp_pdu *pdu)
{
	int rc = c->dead ? -ENOTCONN : smpp_conn_append(c, pdu);

	if (rc < 0)
		return rc;
	osmo_fd_write_enable(&c->ofd);
	LOGP(DSMS, LOGL_DEBUG, "SMPP tx %s seq %u status %02x\n", smpp_id_name(pdu->id), pdu->seq, pdu->status);
	return 0;
}

int smpp_conn_tx_resp(struct smpp_conn *c, const struct smpp_pdu *req, uint32_t status, const char *text)
{
	struct smpp_pdu pdu = { .id = req->id | SMPP_RESP, .status = status, .seq = req->seq };

	if (text)
		memcpy(pdu.text, text, strnlen(text, sizeof(pdu.text) - 1));
	return smpp_conn_tx(c, &pdu);
}

/* 0, or -1 when the connection is gone */
static int smpp_conn_write(struct smpp_conn *c)
{
	ssize_t n;

	if (c->tx_off == c->tx->len) {
		osmo_fd_write_disable(&c->ofd);
		return 0;
	}
	n = send(c->ofd.fd, c->tx->data + c->tx_off, c->tx->len - c->tx_off, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		smpp_conn_fail(c, strerror(errno));
		return -1;
	}
	if (n > 0)
		c->tx_off += n;
	if (c->tx_off == c->tx->len) {
		c->tx->len = c->tx_off = 0;
		osmo_fd_write_disable(&c->ofd);
	}
	return 0;
}

void smpp_conn_flush(struct smpp_conn *c)
{
	ssize_t n;

	if (!c || c->dead || c->connecting || c->tx_off == c->tx->len)
		return;
	n = send(c->ofd.fd, c->tx->data + c->tx_off, c->tx->len - c->tx_off, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		c->tx_off += n;
}

static int smpp_conn_connected(struct smpp_conn *c)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(c->ofd.fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err) {
		smpp_conn_fail(c, strerror(err));
		return -1;
	}
	c->connecting = false;
	osmo_fd_read_enable(&c->ofd);
	osmo_fd_write_disable(&c->ofd);
	c->ops->connected(c->priv);
	return c->dead ? -1 : 0;
}

/* Not a PDU we know or can read. Answers are never answered. */
static void smpp_conn_rx_bad(struct smpp_conn *c, const struct smpp_pdu *pdu, int rc)
{
	uint32_t status = rc == -EOPNOTSUPP ? SMPP_ST_INV_CMD_ID :
			  rc == -EMSGSIZE ? SMPP_ST_INV_MSG_LEN : SMPP_ST_INV_CMD_LEN;
	struct smpp_pdu head = { .id = rc == -EMSGSIZE ? pdu->id : 0, .seq = pdu->seq };

	LOGP(DSMS, LOGL_NOTICE, "SMPP %s (%08x) refused: %s\n", smpp_id_name(pdu->id), pdu->id, strerror(-rc));
	if (c->ops->unreadable)
		c->ops->unreadable(c->priv);
	if (++c->bad > SMPP_CONN_BAD_MAX)
		smpp_conn_fail(c, "too many malformed PDUs");
	else if (!(pdu->id & SMPP_RESP))
		smpp_conn_tx_resp(c, &head, status, NULL);
}

static void smpp_conn_rx_pdus(struct smpp_conn *c)
{
	size_t off = 0;
	int len = 0;

	while (!c->dead && (len = smpp_frame(c->rx + off, c->rx_len - off)) > 0) {
		struct smpp_pdu pdu;
		int rc = smpp_pdu_dec(&pdu, c->rx + off, len);

		off += len;
		if (rc < 0) {
			smpp_conn_rx_bad(c, &pdu, rc);
			continue;
		}
		LOGP(DSMS, LOGL_DEBUG, "SMPP rx %s seq %u status %02x\n", smpp_id_name(pdu.id), pdu.seq, pdu.status);
		c->ops->rx(c->priv, &pdu);
	}
	if (c->dead)
		return;
	if (len < 0) {
		smpp_conn_fail(c, "PDU length out of bounds");
		return;
	}
	memmove(c->rx, c->rx + off, c->rx_len - off);
	c->rx_len -= off;
}

static void smpp_conn_read(struct smpp_conn *c)
{
	ssize_t n = recv(c->ofd.fd, c->rx + c->rx_len, sizeof(c->rx) - c->rx_len, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		smpp_conn_fail(c, n < 0 ? strerror(errno) : "closed by the peer");
		return;
	}
	c->rx_len += n;
	smpp_conn_rx_pdus(c);
}

static int smpp_conn_fd_cb(struct osmo_fd *ofd, unsigned int what)
{
	struct smpp_conn *c = ofd->data;

	c->busy = true;
	if (c->connecting) {
		smpp_conn_connected(c);
	} else {
		if (what & OSMO_FD_READ)
			smpp_conn_read(c);
		if (!c->dead && (what & OSMO_FD_WRITE))
			smpp_conn_write(c);
	}
	c->busy = false;
	if (c->dead)
		talloc_free(c);
	return 0;
}

struct smpp_conn *smpp_conn_new(void *ctx, int fd, bool connecting, const struct smpp_conn_ops *ops, void *priv)
{
	struct smpp_conn *c = talloc_zero(ctx, struct smpp_conn);
	int flags = fcntl(fd, F_GETFL);

	if (!c || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		goto err;
	c->tx = bytes_new(c, 2 * SMPP_CONN_TX_MAX);
	if (!c->tx)
		goto err;
	c->ops = ops;
	c->priv = priv;
	c->connecting = connecting;
	osmo_fd_setup(&c->ofd, fd, connecting ? OSMO_FD_WRITE : OSMO_FD_READ, smpp_conn_fd_cb, c, 0);
	if (osmo_fd_register(&c->ofd) < 0)
		goto err;
	talloc_set_destructor(c, smpp_conn_destroy);
	return c;
err:
	close(fd);
	talloc_free(c);
	return NULL;
}
