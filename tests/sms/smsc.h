/* SMSCs that answer by script, one sms_port that uses them, and its user. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <osmocom/core/application.h>
#include <osmocom/core/fsm.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <osmocom/rsp/sms/receipt.h>
#include <osmocom/rsp/sms/smpp_conn.h>
#include <osmocom/rsp/sms/sms_port.h>
#include <osmocom/rsp/util/logging.h>

#include "loop.h"

#define MSISDN "491720000001"

static void *root;
static struct sms_port *port;
static struct sqldb *db;

struct smsc {				/* the other end */
	struct osmo_fd ofd;
	struct smpp_conn *conn;
	int port, binds, seen, unbinds;	/* unbinds: asked for, or answered */
	uint32_t status[16];		/* for the n-th message, then 0 */
	bool silent, dead;		/* dead: answers nothing at all */
	int silent_at;			/* only this one is not answered, from 1 on */
	int64_t at[64];
	struct smpp_pdu last;
	struct smpp_sm sm[64];
	uint32_t deliver_status;
	uint8_t rsp_ud[8];
	size_t rsp_ud_len;
	const char *id;			/* message_id, NULL: 100 + n in hex */
};
static struct smsc a, b;

static struct user {
	int done[5], n, rx, rx_resp;
	size_t rx_len;
	uint8_t rx_first;		/* octet of the packet */
	char alert[24];
	void *last;
} user;

static inline void user_done(void *priv, enum sms_outcome outcome)
{
	user.done[outcome]++;
	user.n++;
	user.last = priv;
}

static inline void user_rx(void *priv, const char *from, bool response, const uint8_t *packet, size_t len)
{
	assert_string_equal(from, MSISDN);
	user.rx++;
	user.rx_len = len;
	user.rx_first = packet[0];
	user.rx_resp += response;
}

static inline void user_alert(void *priv, const char *msisdn)
{
	osmo_strlcpy(user.alert, msisdn, sizeof(user.alert));
}

static inline void smsc_rx_message(struct smsc *s, const struct smpp_pdu *pdu)
{
	struct smpp_pdu rsp = { .id = pdu->id | SMPP_RESP, .seq = pdu->seq, .status = s->seen < 16 ? s->status[s->seen] : 0 };

	s->sm[s->seen % 64] = pdu->sm;
	s->at[s->seen % 64] = loop_now_ms();
	s->last = *pdu;
	if (s->id)
		osmo_strlcpy(rsp.text, s->id, sizeof(rsp.text));
	else
		snprintf(rsp.text, sizeof(rsp.text), "%X", 100 + s->seen);
	memcpy(rsp.rsp_ud, s->rsp_ud, s->rsp_ud_len);
	rsp.rsp_ud_len = s->rsp_ud_len;
	s->seen++;
	if (!s->silent && s->seen != s->silent_at)
		smpp_conn_tx(s->conn, &rsp);
}

static inline void smsc_rx(void *priv, const struct smpp_pdu *pdu)
{
	struct smsc *s = priv;

	switch (pdu->id) {
	case SMPP_SUBMIT_SM: case SMPP_DATA_SM:
		smsc_rx_message(s, pdu);
		return;
	case SMPP_RESP | SMPP_DELIVER_SM: case SMPP_RESP | SMPP_DATA_SM:
		s->deliver_status = pdu->status;
		return;
	case SMPP_BIND_TRX:
		s->binds++;
		break;
	case SMPP_UNBIND: case SMPP_RESP | SMPP_UNBIND:
		s->unbinds++;
		break;
	}
	if (!(pdu->id & SMPP_RESP) && !s->dead)
		smpp_conn_tx_resp(s->conn, pdu, 0, "smsc");
}

static inline void smsc_closed(void *priv, const char *reason)
{
	struct smsc *s = priv;

	s->conn = NULL;
}

static const struct smpp_conn_ops smsc_ops = { .rx = smsc_rx, .closed = smsc_closed };

static inline int smsc_accept(struct osmo_fd *ofd, unsigned int what)
{
	struct smsc *s = ofd->data;
	int fd = accept(ofd->fd, NULL, NULL);

	if (fd < 0)
		return 0;
	smpp_conn_close(s->conn);
	s->conn = smpp_conn_new(root, fd, false, &smsc_ops, s);
	return 0;
}

static inline void smsc_listen(struct smsc *s)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				   .sin_port = htons(s->port) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	s->port = ntohs(sin.sin_port);
	osmo_fd_setup(&s->ofd, fd, OSMO_FD_READ, smsc_accept, s, 0);
	assert_int_equal(osmo_fd_register(&s->ofd), 0);
}

static inline void smsc_stop(struct smsc *s)
{
	if (s->ofd.fd >= 0) {
		osmo_fd_unregister(&s->ofd);
		close(s->ofd.fd);
		s->ofd.fd = -1;
	}
	smpp_conn_close(s->conn);
	s->conn = NULL;
}

static inline struct smsc_cfg smsc_cfg(const char *name, const struct smsc *s)
{
	struct smsc_cfg c = { .link = { .host = "127.0.0.1", .port = s->port, .system_id = "smsr" } };

	osmo_strlcpy(c.name, name, sizeof(c.name));
	return c;
}

static inline int setup(void **state)
{
	struct sms_port_cfg cfg = { .own_number = "1001", .rx = user_rx, .alert = user_alert };
	void *r = talloc_new(NULL);

	root = r;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	memset(&user, 0, sizeof(user));
	db = NULL;
	smsc_listen(&a);
	smsc_listen(&b);
	port = sms_port_new(root, &cfg);
	return 0;
}

static inline int teardown(void **state)
{
	sms_port_free(port);
	smsc_stop(&a);
	smsc_stop(&b);
	if (db)
		sqldb_close(db);
	talloc_free(root);
	return 0;
}

static inline void up(const struct smsc_cfg *c, struct smsc *s)
{
	int binds = s->binds;

	assert_int_equal(sms_port_smsc_set(port, c), 0);
	assert_true(LOOP_UNTIL(db, 2000, s->binds > binds && sms_port_up(port)));
	LOOP_FOR(db, 10);
}

static inline int send_to(const char *number, size_t len, int tag)
{
	uint8_t packet[700] = { 1 };

	return sms_port_send(port, number, packet, len, user_done, (void *)(intptr_t)tag);
}
