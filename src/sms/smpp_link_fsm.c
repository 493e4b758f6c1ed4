/* The ESME's link as a state machine: wait - connect - bind - up, and again (SMPP 3.4 2.2, 2.7, 4.1, 4.11).
 * Reconnects after 1 s, then 5, 10, 20, 40, 60 s; after a refused bind 5, 10 .. 300 s.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <osmocom/core/fsm.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>

#include <osmocom/rsp/sms/smpp_conn.h>
#include <osmocom/rsp/util/logging.h>

#include "smpp_link_fsm.h"

#define SMPP_LINK_WINDOW 10
#define SMPP_LINK_ENQUIRE_S 30
#define SMPP_LINK_RESP_S 15	/* OsmoMSC answers a transaction after paging: more than 10 s */
#define SMPP_LINK_MISSED_MAX 2
#define SMPP_LINK_T_WAIT 1
#define SMPP_LINK_T_RESP 2

enum smpp_link_state { SMPP_LINK_ST_WAIT, SMPP_LINK_ST_CONNECT, SMPP_LINK_ST_BIND, SMPP_LINK_ST_UP };
enum smpp_link_event { SMPP_LINK_EV_CONNECTED, SMPP_LINK_EV_CLOSED, SMPP_LINK_EV_PDU };

struct smpp_link_sent {
	uint32_t seq;		/* 0: free */
	int64_t deadline_ms;
	void *ref;
};

struct smpp_link {
	struct osmo_fsm_inst *fi;
	struct smpp_link_cfg cfg;
	const struct smpp_link_ops *ops;
	void *priv;
	struct smpp_conn *conn;
	struct smpp_link_sent sent[SMPP_LINK_WINDOW_MAX];
	unsigned in_flight, generation, failures, missed;
	bool refused;			/* the last bind */
	uint32_t seq, bind_seq;
	struct osmo_timer_list enquire, resp;
	char peer[32];			/* what the SMSC calls itself */
	const char *last_error;
	unsigned long tx_count, rx_count, timeouts;
};

static const struct value_string smpp_link_event_names[] = {
	OSMO_VALUE_STRING(SMPP_LINK_EV_CONNECTED), OSMO_VALUE_STRING(SMPP_LINK_EV_CLOSED),
	OSMO_VALUE_STRING(SMPP_LINK_EV_PDU), { 0, NULL }
};

#define LOGLINK(l, level, fmt, args...) LOGP(DSMS, level, "SMPP %s:%u " fmt, (l)->cfg.host, (l)->cfg.port, ##args)

static int64_t smpp_link_now_ms(void)
{
	struct timespec ts;

	osmo_clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static uint32_t smpp_link_next_seq(struct smpp_link *l)
{
	l->seq = l->seq >= 0x7FFFFFFF ? 1 : l->seq + 1;
	return l->seq;
}

/* --- unanswered submit_sm --- */

static void smpp_link_resp_schedule(struct smpp_link *l)
{
	int64_t first = 0, now = smpp_link_now_ms();

	for (unsigned i = 0; i < SMPP_LINK_WINDOW_MAX; i++) {
		if (l->sent[i].seq && (!first || l->sent[i].deadline_ms < first))
			first = l->sent[i].deadline_ms;
	}
	if (!first)
		osmo_timer_del(&l->resp);
	else
		osmo_timer_schedule(&l->resp, first > now ? (first - now) / 1000 : 0,
				    first > now ? (first - now) % 1000 * 1000 : 0);
}

static void smpp_link_sent_end(struct smpp_link *l, struct smpp_link_sent *s, int status, const struct smpp_pdu *pdu)
{
	void *ref = s->ref;

	s->seq = 0;
	s->ref = NULL;
	l->in_flight--;
	if (ref)
		l->ops->resp(l->priv, ref, status, pdu);
}

static void smpp_link_resp_cb(void *data)
{
	struct smpp_link *l = data;
	int64_t now = smpp_link_now_ms();

	for (unsigned i = 0; i < SMPP_LINK_WINDOW_MAX; i++) {
		if (!l->sent[i].seq || l->sent[i].deadline_ms > now)
			continue;
		l->timeouts++;
		LOGLINK(l, LOGL_NOTICE, "no answer to submit_sm %u\n", l->sent[i].seq);
		smpp_link_sent_end(l, &l->sent[i], -ETIMEDOUT, NULL);
	}
	smpp_link_resp_schedule(l);
}

static void smpp_link_rx_submit_resp(struct smpp_link *l, const struct smpp_pdu *pdu)
{
	int status;

	for (unsigned i = 0; i < SMPP_LINK_WINDOW_MAX; i++) {
		if (l->sent[i].seq && l->sent[i].seq == pdu->seq) {
			status = pdu->status > 0x7FFFFFFF || (pdu->id == SMPP_RESP && !pdu->status) ? SMPP_ST_UNKNOWN :
				 (int)pdu->status;
			smpp_link_sent_end(l, &l->sent[i], status, pdu);
			return;		/* the timer finds out by itself */
		}
	}
	LOGLINK(l, LOGL_INFO, "submit_sm_resp %u belongs to nothing (late?)\n", pdu->seq);
}

/* --- the connection --- */

static void smpp_link_conn_connected(void *priv)
{
	struct smpp_link *l = priv;

	osmo_fsm_inst_dispatch(l->fi, SMPP_LINK_EV_CONNECTED, NULL);
}

static void smpp_link_conn_rx(void *priv, const struct smpp_pdu *pdu)
{
	struct smpp_link *l = priv;

	osmo_fsm_inst_dispatch(l->fi, SMPP_LINK_EV_PDU, (void *)pdu);
}

static void smpp_link_conn_closed(void *priv, const char *reason)
{
	struct smpp_link *l = priv;

	l->conn = NULL;
	l->last_error = reason;
	osmo_fsm_inst_dispatch(l->fi, SMPP_LINK_EV_CLOSED, NULL);
}

static void smpp_link_conn_unreadable(void *priv)
{
	struct smpp_link *l = priv;

	l->ops->event(l->priv, SMPP_LINK_UNREADABLE);
}

static const struct smpp_conn_ops smpp_link_conn_ops = {
	.connected = smpp_link_conn_connected, .rx = smpp_link_conn_rx, .closed = smpp_link_conn_closed,
	.unreadable = smpp_link_conn_unreadable,
};

/* A socket on its way, or -errno. IP literals only: a resolver would block. */
static int smpp_link_socket(const struct smpp_link_cfg *cfg)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(cfg->port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(cfg->port) };
	bool v4 = inet_pton(AF_INET, cfg->host, &in.sin_addr) == 1;
	int fd, rc;

	if (!v4 && inet_pton(AF_INET6, cfg->host, &in6.sin6_addr) != 1)
		return -EINVAL;
	fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	rc = connect(fd, v4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6, v4 ? sizeof(in) : sizeof(in6));
	if (rc < 0 && errno != EINPROGRESS) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

static void smpp_link_drop_conn(struct smpp_link *l)
{
	smpp_conn_close(l->conn);
	l->conn = NULL;
}

/* --- states --- */

static void smpp_link_st_wait_onenter(struct osmo_fsm_inst *fi, uint32_t prev)
{
	struct smpp_link *l = fi->priv;

	smpp_link_drop_conn(l);
	osmo_timer_del(&l->enquire);
	osmo_timer_del(&l->resp);
}

static unsigned smpp_link_backoff_s(const struct smpp_link *l)
{
	static const unsigned steps[] = { 1, 5, 10, 20, 40, 60, 120, 300 };

	return steps[OSMO_MIN(l->failures, l->refused ? 7U : 5U)];
}

/* The one way down; the last thing its caller does. */
static void smpp_link_fall(struct smpp_link *l)
{
	bool was_up = l->fi->state == SMPP_LINK_ST_UP;
	unsigned after = smpp_link_backoff_s(l);

	LOGLINK(l, was_up || !l->failures ? LOGL_NOTICE : LOGL_INFO, "down (%s), again in %u s\n",
		l->last_error ? l->last_error : "", after);
	l->failures++;
	if (was_up)
		l->ops->event(l->priv, SMPP_LINK_LOST);
	osmo_fsm_inst_state_chg(l->fi, SMPP_LINK_ST_WAIT, after, SMPP_LINK_T_WAIT);
	if (!was_up)
		return;
	for (unsigned i = 0; i < SMPP_LINK_WINDOW_MAX; i++) {
		if (l->sent[i].seq)
			smpp_link_sent_end(l, &l->sent[i], -ENOTCONN, NULL);
	}
	l->ops->down(l->priv);
}

static void smpp_link_st_connect_onenter(struct osmo_fsm_inst *fi, uint32_t prev)
{
	struct smpp_link *l = fi->priv;
	int fd = smpp_link_socket(&l->cfg);

	if (fd >= 0)
		l->conn = smpp_conn_new(l, fd, true, &smpp_link_conn_ops, l);
	if (l->conn)
		return;
	l->last_error = fd < 0 ? strerror(-fd) : "no memory";
	smpp_link_fall(l);
}

static void smpp_link_st_connect(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct smpp_link *l = fi->priv;

	if (event == SMPP_LINK_EV_CONNECTED)
		osmo_fsm_inst_state_chg(fi, SMPP_LINK_ST_BIND, l->cfg.resp_timeout_s, SMPP_LINK_T_RESP);
	else
		smpp_link_fall(l);
}

static void smpp_link_st_bind_onenter(struct osmo_fsm_inst *fi, uint32_t prev)
{
	struct smpp_link *l = fi->priv;
	struct smpp_pdu pdu = { .id = SMPP_BIND_TRX, .bind = { .interface_version = 0x34 } };

	pdu.seq = l->bind_seq = smpp_link_next_seq(l);
	osmo_strlcpy(pdu.bind.system_id, l->cfg.system_id, sizeof(pdu.bind.system_id));
	osmo_strlcpy(pdu.bind.password, l->cfg.password, sizeof(pdu.bind.password));
	osmo_strlcpy(pdu.bind.system_type, l->cfg.system_type, sizeof(pdu.bind.system_type));
	smpp_conn_tx(l->conn, &pdu);
}

static void smpp_link_st_bind(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	const struct smpp_pdu *pdu = data;
	struct smpp_link *l = fi->priv;

	if (event == SMPP_LINK_EV_PDU) {
		bool ours = pdu->seq == l->bind_seq && (pdu->id == (SMPP_RESP | SMPP_BIND_TRX) || pdu->id == SMPP_RESP);

		if (!ours)
			return;
		if (pdu->status == SMPP_ST_OK && pdu->id != SMPP_RESP) {
			osmo_strlcpy(l->peer, pdu->text, sizeof(l->peer));
			osmo_fsm_inst_state_chg(fi, SMPP_LINK_ST_UP, 0, 0);
			return;
		}
		LOGLINK(l, LOGL_ERROR, "bind refused with status %02x\n", pdu->status);
		l->last_error = "bind refused";
		l->refused = true;
		l->ops->event(l->priv, SMPP_LINK_REFUSED);
		l->failures = OSMO_MAX(l->failures, 1U);	/* a second is no time for a password to change */
	}
	smpp_link_fall(l);
}

static void smpp_link_enquire_schedule(struct smpp_link *l)
{
	osmo_timer_schedule(&l->enquire, l->cfg.enquire_s, 0);
}

static void smpp_link_enquire_cb(void *data)
{
	struct smpp_link *l = data;
	struct smpp_pdu pdu = { .id = SMPP_ENQUIRE_LINK, .seq = smpp_link_next_seq(l) };

	if (l->missed++ >= SMPP_LINK_MISSED_MAX) {
		l->last_error = "enquire_link unanswered";
		smpp_link_fall(l);
		return;
	}
	smpp_conn_tx(l->conn, &pdu);
	smpp_link_enquire_schedule(l);
}

static void smpp_link_st_up_onenter(struct osmo_fsm_inst *fi, uint32_t prev)
{
	struct smpp_link *l = fi->priv;

	LOGLINK(l, LOGL_NOTICE, "bound to %s\n", l->peer[0] ? l->peer : "the SMSC");
	l->failures = l->missed = 0;
	l->refused = false;
	l->ops->event(l->priv, SMPP_LINK_BOUND);
	l->generation++;
	l->last_error = NULL;
	smpp_link_enquire_schedule(l);
	l->ops->up(l->priv);
}

static void smpp_link_rx(struct smpp_link *l, const struct smpp_pdu *pdu)
{
	switch (pdu->id) {
	case SMPP_RESP | SMPP_SUBMIT_SM: case SMPP_RESP | SMPP_DATA_SM:
		smpp_link_rx_submit_resp(l, pdu);
		break;
	case SMPP_RESP:		/* generic_nack of what we sent */
		smpp_link_rx_submit_resp(l, pdu);
		break;
	case SMPP_DELIVER_SM: case SMPP_DATA_SM:
		l->rx_count++;
		l->ops->deliver(l->priv, pdu);
		break;
	case SMPP_ALERT:
		l->ops->alert(l->priv, &pdu->alert);
		break;
	case SMPP_ENQUIRE_LINK:
		smpp_conn_tx_resp(l->conn, pdu, SMPP_ST_OK, NULL);
		break;
	case SMPP_RESP | SMPP_ENQUIRE_LINK:
		break;
	default:
		if (!(pdu->id & SMPP_RESP))
			smpp_conn_tx_resp(l->conn, pdu, SMPP_ST_INV_BIND_STATUS, NULL);
	}
}

static void smpp_link_st_up(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	const struct smpp_pdu *pdu = data;
	struct smpp_link *l = fi->priv;

	if (event == SMPP_LINK_EV_CLOSED) {
		smpp_link_fall(l);
		return;
	}
	l->missed = 0;
	smpp_link_enquire_schedule(l);
	if (pdu->id == SMPP_UNBIND) {
		l->last_error = "unbound by the SMSC";
		smpp_conn_tx_resp(l->conn, pdu, SMPP_ST_OK, NULL);
		smpp_conn_flush(l->conn);
		smpp_link_fall(l);
		return;
	}
	smpp_link_rx(l, pdu);
}

static int smpp_link_timer(struct osmo_fsm_inst *fi)
{
	struct smpp_link *l = fi->priv;

	if (fi->T == SMPP_LINK_T_WAIT) {
		osmo_fsm_inst_state_chg(fi, SMPP_LINK_ST_CONNECT, l->cfg.resp_timeout_s, SMPP_LINK_T_RESP);
	} else {
		l->last_error = "no answer";
		smpp_link_fall(l);
	}
	return 0;
}

#define S(x) (1 << (x))

static const struct osmo_fsm_state smpp_link_states[] = {
	[SMPP_LINK_ST_WAIT] = {
		.name = "WAIT", .out_state_mask = S(SMPP_LINK_ST_CONNECT) | S(SMPP_LINK_ST_WAIT),
		.onenter = smpp_link_st_wait_onenter },
	[SMPP_LINK_ST_CONNECT] = {
		.name = "CONNECT", .in_event_mask = S(SMPP_LINK_EV_CONNECTED) | S(SMPP_LINK_EV_CLOSED),
		.out_state_mask = S(SMPP_LINK_ST_WAIT) | S(SMPP_LINK_ST_BIND),
		.onenter = smpp_link_st_connect_onenter, .action = smpp_link_st_connect },
	[SMPP_LINK_ST_BIND] = {
		.name = "BIND", .in_event_mask = S(SMPP_LINK_EV_PDU) | S(SMPP_LINK_EV_CLOSED),
		.out_state_mask = S(SMPP_LINK_ST_WAIT) | S(SMPP_LINK_ST_UP),
		.onenter = smpp_link_st_bind_onenter, .action = smpp_link_st_bind },
	[SMPP_LINK_ST_UP] = {
		.name = "UP", .in_event_mask = S(SMPP_LINK_EV_PDU) | S(SMPP_LINK_EV_CLOSED),
		.out_state_mask = S(SMPP_LINK_ST_WAIT),
		.onenter = smpp_link_st_up_onenter, .action = smpp_link_st_up },
};

static struct osmo_fsm smpp_link_fsm = {
	.name = "smpp_link", .states = smpp_link_states, .num_states = ARRAY_SIZE(smpp_link_states),
	.timer_cb = smpp_link_timer, .log_subsys = DSMS, .event_names = smpp_link_event_names,
};

static __attribute__((constructor)) void smpp_link_fsm_register(void)
{
	OSMO_ASSERT(osmo_fsm_register(&smpp_link_fsm) == 0);
}

/* --- public --- */

void smpp_link_cfg_set(struct smpp_link *l, const struct smpp_link_cfg *cfg)
{
	struct smpp_link_cfg *d = &l->cfg;

	*d = *cfg;
	d->port = cfg->port ? cfg->port : 2775;
	d->window = cfg->window ? OSMO_MIN(cfg->window, (unsigned)SMPP_LINK_WINDOW_MAX) : SMPP_LINK_WINDOW;
	d->enquire_s = cfg->enquire_s ? cfg->enquire_s : SMPP_LINK_ENQUIRE_S;
	d->resp_timeout_s = cfg->resp_timeout_s ? cfg->resp_timeout_s : SMPP_LINK_RESP_S;
}

struct smpp_link *smpp_link_new(void *ctx, const struct smpp_link_cfg *cfg, const struct smpp_link_ops *ops, void *priv)
{
	struct smpp_link *l = talloc_zero(ctx, struct smpp_link);

	if (!l)
		return NULL;
	smpp_link_cfg_set(l, cfg);
	l->ops = ops;
	l->priv = priv;
	osmo_timer_setup(&l->enquire, smpp_link_enquire_cb, l);
	osmo_timer_setup(&l->resp, smpp_link_resp_cb, l);
	l->fi = osmo_fsm_inst_alloc(&smpp_link_fsm, l, l, LOGL_DEBUG, NULL);
	if (!l->fi) {
		talloc_free(l);
		return NULL;
	}
	osmo_fsm_inst_state_chg(l->fi, SMPP_LINK_ST_CONNECT, l->cfg.resp_timeout_s, SMPP_LINK_T_RESP);
	return l;
}

void smpp_link_end(struct smpp_link *l)
{
	struct smpp_pdu bye = { .id = SMPP_UNBIND };

	if (!smpp_link_up(l))
		return;
	bye.seq = smpp_link_next_seq(l);
	if (smpp_conn_tx(l->conn, &bye) == 0)
		smpp_conn_flush(l->conn);
	l->last_error = "shut down";
	smpp_link_fall(l);
}

void smpp_link_free(struct smpp_link *l)
{
	if (!l)
		return;
	osmo_timer_del(&l->enquire);
	osmo_timer_del(&l->resp);
	smpp_link_drop_conn(l);
	osmo_fsm_inst_free(l->fi);
	talloc_free(l);
}

int smpp_link_submit(struct smpp_link *l, const struct smpp_sm *sm, bool data_sm, void *ref)
{
	struct smpp_pdu pdu = { .id = data_sm ? SMPP_DATA_SM : SMPP_SUBMIT_SM, .sm = *sm };
	struct smpp_link_sent *s = NULL;
	int rc;

	if (!smpp_link_up(l))
		return -ENOTCONN;
	for (unsigned i = 0; i < SMPP_LINK_WINDOW_MAX && !s && l->in_flight < l->cfg.window; i++) {
		if (!l->sent[i].seq)
			s = &l->sent[i];
	}
	if (!s)
		return -EAGAIN;
	pdu.seq = smpp_link_next_seq(l);
	rc = smpp_conn_tx(l->conn, &pdu);
	if (rc < 0)
		return rc == -ENOBUFS ? -EAGAIN : rc;
	*s = (struct smpp_link_sent){ .seq = pdu.seq, .ref = ref,
				      .deadline_ms = smpp_link_now_ms() + 1000 * (int64_t)l->cfg.resp_timeout_s };
	l->in_flight++;
	l->tx_count++;
	if (!osmo_timer_pending(&l->resp))
		smpp_link_resp_schedule(l);
	return 0;
}

void smpp_link_forget(struct smpp_link *l, void *ref)
{
	for (unsigned i = 0; i < SMPP_LINK_WINDOW_MAX; i++) {
		if (l->sent[i].ref == ref)
			l->sent[i].ref = NULL;
	}
}

void smpp_link_deliver_resp(struct smpp_link *l, unsigned generation, uint32_t id, uint32_t seq, uint32_t status)
{
	const struct smpp_pdu req = { .id = id, .seq = seq };

	if (smpp_link_up(l) && generation == l->generation)
		smpp_conn_tx_resp(l->conn, &req, status, NULL);
}

bool smpp_link_up(const struct smpp_link *l)
{
	return l->fi->state == SMPP_LINK_ST_UP;
}

unsigned smpp_link_generation(const struct smpp_link *l)
{
	return l->generation;
}

unsigned smpp_link_window(const struct smpp_link *l)
{
	return l->cfg.window;
}

char *smpp_link_describe(const struct smpp_link *l, void *ctx)
{
	return talloc_asprintf(ctx, "SMPP %s:%u as %s: %s%s%s, %u of %u unanswered, sent %lu, received %lu, timeouts %lu\n",
			       l->cfg.host, l->cfg.port, l->cfg.system_id, osmo_fsm_inst_state_name(l->fi),
			       l->last_error ? ", last error: " : "", l->last_error ? l->last_error : "",
			       l->in_flight, l->cfg.window, l->tx_count, l->rx_count, l->timeouts);
}
