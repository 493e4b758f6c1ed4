/* The network's SMSC as SMPP 3.4 server. Behaves as OsmoMSC 1.9.0 does where that matters to an ESME (ota-transport 3.4):
 * transaction mode answers after the terminal has taken the message, store mode at once; MO goes out as deliver_sm.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/timer_compat.h>
#include <osmocom/core/utils.h>

#include <osmocom/rsp/sms/smpp_conn.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "faults.h"
#include "network_priv.h"

#define NETWORK_MO_WINDOW 64		/* unanswered deliver_sm at one ESME */
#define NETWORK_BIND_S 10		/* a connection that does not bind is closed */
#define NETWORK_ROUTES_MAX 64
#define NETWORK_LISTENERS_MAX 4
#define NETWORK_SYSTEM_ID "osmo-euicc-sim"

struct network_route {
	struct llist_head entry;
	char prefix[21], system_id[16];
};

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
	unsigned long message_id, submits, delivers, alerts_dropped, restarts;
};

/* --- submit_sm: towards the terminal --- */

static void network_submit_done(struct network_mt *mt, enum network_mt_end end)
{
	static const uint32_t status[] = {
		[NETWORK_MT_DONE] = SMPP_ST_OK, [NETWORK_MT_ABSENT] = SMPP_ST_INV_DST_ADDR,
		[NETWORK_MT_FAILED] = SMPP_ST_DELIVERY_FAIL,
	};
	struct network_esme *e = mt->esme;
	const struct smpp_pdu req = { .id = SMPP_SUBMIT_SM, .seq = mt->seq };
	char id[24];

	if (!e)		/* that ESME has gone */
		return;
	llist_del(&mt->esme_entry);
	snprintf(id, sizeof(id), "%lu", ++e->smsc->message_id);
	smpp_conn_tx_resp(e->conn, &req, status[end], id);
}

/* TP-DCS for a data_coding as OsmoMSC maps it, -1: unknown there. 7-bit text has no place here. */
static int network_dcs(uint8_t data_coding)
{
	if (data_coding >= 0xF4 && data_coding <= 0xF7)
		return data_coding;
	if (data_coding == 0x02 || data_coding == 0x04)
		return 0xF4;
	return -1;
}

static uint32_t network_submit_check(const struct smpp_sm *sm)
{
	if (!sm->ud_len || sm->ud_len > TPDU_UD_MAX)
		return SMPP_ST_INV_MSG_LEN;
	return network_dcs(sm->data_coding) < 0 ? SMPP_ST_UNKNOWN : SMPP_ST_OK;
}

static int network_submit_fill(struct network_mt *mt, const struct smpp_sm *sm)
{
	struct tpdu_deliver d = { .udhi = sm->esm_class & SMPP_ESM_UDHI, .pid = sm->protocol_id,
				  .dcs = network_dcs(sm->data_coding), .ud_len = sm->ud_len };

	d.oa.toa = 0x80 | (sm->src.ton & 7) << 4 | (sm->src.npi & 0xF);
	osmo_strlcpy(d.oa.digits, sm->src.digits, sizeof(d.oa.digits));
	memcpy(d.ud, sm->ud, sm->ud_len);
	return network_mt_fill(mt, &d);
}

/* A short SMSC says so (ota-transport 3.3); 0 when it takes the message. */
static uint32_t network_submit_flow(struct network_smsc *s)
{
	struct faults *f = s->net->faults;
	unsigned rate = fault(f, FAULT_SMSC_RATE);
	struct timespec now;

	if (rate) {
		osmo_clock_gettime(CLOCK_MONOTONIC, &now);
		s->in_second = s->second == now.tv_sec ? s->in_second + 1 : 1;
		s->second = now.tv_sec;
		if (s->in_second > rate) {
			fault_struck(f, FAULT_SMSC_RATE);
			return SMPP_ST_THROTTLED;
		}
	}
	if (fault_roll(f, FAULT_SMSC_THROTTLE))
		return SMPP_ST_THROTTLED;
	return fault_roll(f, FAULT_SMSC_FULL) ? SMPP_ST_QUEUE_FULL : SMPP_ST_OK;
}

static void network_esme_rx_submit(struct network_esme *e, const struct smpp_pdu *pdu)
{
	struct network *net = e->smsc->net;
	const struct smpp_sm *sm = &pdu->sm;
	bool transaction = (sm->esm_class & SMPP_ESM_MODE_MASK) == SMPP_ESM_TRANSACTION;
	uint32_t status = network_submit_check(sm);
	struct network_sub *sub = sm->dst.npi == 6 ? network_sub_by_imsi(net, sm->dst.digits) :
						     network_sub_by_msisdn(net, sm->dst.digits);
	struct network_mt *mt = NULL;

	e->smsc->submits++;
	if (!status)
		status = network_submit_flow(e->smsc);
	if (!status && (!sub || (transaction && !sub->ue)))
		status = SMPP_ST_INV_DST_ADDR;
	if (!status) {
		mt = network_mt_new(net, sub);
		status = mt ? SMPP_ST_OK : SMPP_ST_QUEUE_FULL;
	}
	if (mt && network_submit_fill(mt, sm) < 0) {
		network_mt_drop(sub, mt);
		status = SMPP_ST_SYS_ERR;
	}
	if (!status && transaction) {
		mt->done = network_submit_done;
		mt->esme = e;
		mt->seq = pdu->seq;
		llist_add_tail(&mt->esme_entry, &e->submits);
	} else {
		char id[24];

		snprintf(id, sizeof(id), "%lu", ++e->smsc->message_id);
		smpp_conn_tx_resp(e->conn, pdu, status, id);
	}
	if (!status)
		network_mt_start(net, sub);
}

/* --- deliver_sm: from the terminal --- */

static void network_mo_pump(struct network_esme *e);

static void network_mo_finish(struct network_mo *mo, uint8_t cause)
{
	struct network_ue *ue = mo->ue;

	if (!mo->pdu)
		mo->esme->in_flight--;
	osmo_timer_del(&mo->timer);
	llist_del(&mo->entry);
	talloc_free(mo);
	if (ue)
		network_mo_end(ue, cause);
}

static void network_mo_timeout_cb(void *data)
{
	struct network_mo *mo = data;
	struct network_esme *e = mo->esme;

	LOGP(DSIM, LOGL_NOTICE, "ESME %s does not answer deliver_sm %u\n", e->system_id, mo->seq);
	network_mo_finish(mo, NETWORK_RP_OUT_OF_ORDER);
	network_mo_pump(e);
}

/* As many as the ESME's window takes; runs off the loop's stack only. */
static void network_mo_pump(struct network_esme *e)
{
	while (e->in_flight < NETWORK_MO_WINDOW && !llist_empty(&e->waiting)) {
		struct network_mo *mo = llist_first_entry(&e->waiting, struct network_mo, entry);

		e->seq = e->seq >= 0x7FFFFFFF ? 1 : e->seq + 1;
		mo->seq = mo->pdu->seq = e->seq;
		if (smpp_conn_tx(e->conn, mo->pdu) < 0)
			return;		/* it does not read: goes with its next answer, or times out */
		talloc_free(mo->pdu);
		mo->pdu = NULL;
		llist_del(&mo->entry);
		llist_add_tail(&mo->entry, &e->sent);
		e->in_flight++;
		e->smsc->delivers++;
		osmo_timer_schedule(&mo->timer, e->smsc->net->cfg.mo_timeout_s, 0);
	}
}

static void network_esme_rx_deliver_resp(struct network_esme *e, const struct smpp_pdu *pdu)
{
	struct network_mo *mo;

	llist_for_each_entry(mo, &e->sent, entry) {
		if (mo->seq != pdu->seq)
			continue;
		network_mo_finish(mo, network_mo_cause(pdu->id == SMPP_RESP ? SMPP_ST_UNKNOWN : pdu->status));
		network_mo_pump(e);
		return;
	}
}

/* Longest prefix with a bound ESME; without any route, the ESME bound first. */
static struct network_esme *network_route(struct network_smsc *s, const char *digits)
{
	struct network_esme *e, *best = NULL;
	struct network_route *r;
	int best_len = -1;

	llist_for_each_entry(r, &s->routes, entry) {
		int len = strlen(r->prefix);

		if (len <= best_len || strncmp(r->prefix, digits, len))
			continue;
		llist_for_each_entry(e, &s->esmes, entry) {
			if (e->bound && e->rx && !strcmp(e->system_id, r->system_id)) {
				best = e;
				best_len = len;
			}
		}
	}
	if (best)
		return best;
	llist_for_each_entry(e, &s->esmes, entry) {
		if (e->bound && e->rx)
			return e;
	}
	return NULL;
}

uint8_t network_smsc_mo(struct network_smsc *s, struct network_ue *ue, const char *msisdn, const struct tpdu_submit *t)
{
	struct network_esme *e = network_route(s, t->da.digits);
	struct network_mo *mo = e ? talloc_zero(e, struct network_mo) : NULL;
	struct smpp_sm *sm;

	if (!mo)
		return NETWORK_RP_OUT_OF_ORDER;
	mo->pdu = talloc_zero(mo, struct smpp_pdu);
	if (!mo->pdu) {
		talloc_free(mo);
		return NETWORK_RP_CONGESTION;
	}
	mo->pdu->id = SMPP_DELIVER_SM;
	sm = &mo->pdu->sm;
	osmo_strlcpy(sm->service_type, "CMT", sizeof(sm->service_type));
	sm->src.ton = 3;
	sm->src.npi = 1;
	osmo_strlcpy(sm->src.digits, msisdn, sizeof(sm->src.digits));
	sm->dst.ton = t->da.toa >> 4 & 7;
	sm->dst.npi = t->da.toa & 0xF;
	osmo_strlcpy(sm->dst.digits, t->da.digits, sizeof(sm->dst.digits));
	sm->esm_class = 0x01 | (t->udhi ? SMPP_ESM_UDHI : 0);
	sm->protocol_id = t->pid;
	sm->data_coding = t->dcs;
	sm->has_user_ref = true;
	sm->user_ref = t->mr;
	sm->ud_len = t->ud_len;
	memcpy(sm->ud, t->ud, t->ud_len);
	mo->esme = e;
	mo->ue = ue;
	if (ue)
		ue->mo_sent = mo;
	osmo_timer_setup(&mo->timer, network_mo_timeout_cb, mo);
	osmo_timer_schedule(&mo->timer, 6 * s->net->cfg.mo_timeout_s, 0);	/* in our own queue */
	llist_add_tail(&mo->entry, &e->waiting);
	network_mo_pump(e);
	return 0;
}

void network_smsc_mo_forget(struct network_mo *mo)
{
	mo->ue = NULL;
}

/* --- binding --- */

static void network_esme_gone(struct network_esme *e)
{
	struct network_mt *mt, *mt2;

	LOGP(DSIM, LOGL_NOTICE, "ESME %s gone\n", e->system_id[0] ? e->system_id : "(unbound)");
	osmo_timer_del(&e->bind_timer);
	smpp_conn_close(e->conn);
	llist_for_each_entry_safe(mt, mt2, &e->submits, esme_entry) {
		mt->esme = NULL;	/* the message goes on, nobody hears of it */
		llist_del(&mt->esme_entry);
	}
	llist_del(&e->entry);
	e->smsc->n_esmes--;
	llist_splice_init(&e->sent, &e->waiting);
	while (!llist_empty(&e->waiting))
		network_mo_finish(llist_first_entry(&e->waiting, struct network_mo, entry), NETWORK_RP_OUT_OF_ORDER);
	talloc_free(e);
}

static void network_esme_bind_cb(void *data)
{
	network_esme_gone(data);
}

static void network_esme_rx_bind(struct network_esme *e, const struct smpp_pdu *pdu)
{
	const char *password = e->listener->password;
	uint32_t status = SMPP_ST_OK;

	if (e->bound)
		status = SMPP_ST_ALREADY_BOUND;
	else if (pdu->bind.interface_version != 0x34)
		status = SMPP_ST_SYS_ERR;
	else if (password && strcmp(password, pdu->bind.password))
		status = SMPP_ST_INV_PASSWORD;
	if (!status) {
		osmo_strlcpy(e->system_id, pdu->bind.system_id, sizeof(e->system_id));
		e->bound = true;
		e->rx = pdu->id != SMPP_BIND_TX;
		e->tx = pdu->id != SMPP_BIND_RX;
		osmo_timer_del(&e->bind_timer);
		LOGP(DSIM, LOGL_NOTICE, "ESME %s bound\n", e->system_id);
	}
	smpp_conn_tx_resp(e->conn, pdu, status, status ? "" : NETWORK_SYSTEM_ID);
}

static void network_esme_rx(void *priv, const struct smpp_pdu *pdu)
{
	struct network_esme *e = priv;

	switch (pdu->id) {
	case SMPP_BIND_RX: case SMPP_BIND_TX: case SMPP_BIND_TRX:
		network_esme_rx_bind(e, pdu);
		break;
	case SMPP_SUBMIT_SM:
		if (e->bound && e->tx)
			network_esme_rx_submit(e, pdu);
		else
			smpp_conn_tx_resp(e->conn, pdu, SMPP_ST_INV_BIND_STATUS, NULL);
		break;
	case SMPP_ENQUIRE_LINK:
		smpp_conn_tx_resp(e->conn, pdu, SMPP_ST_OK, NULL);
		break;
	case SMPP_UNBIND:
		smpp_conn_tx_resp(e->conn, pdu, SMPP_ST_OK, NULL);
		e->bound = false;
		osmo_timer_schedule(&e->bind_timer, NETWORK_BIND_S, 0);
		break;
	case SMPP_RESP | SMPP_DELIVER_SM: case SMPP_RESP:
		network_esme_rx_deliver_resp(e, pdu);
		break;
	default:
		if (!(pdu->id & SMPP_RESP))
			smpp_conn_tx_resp(e->conn, pdu, SMPP_ST_INV_BIND_STATUS, NULL);
	}
}

static void network_esme_closed(void *priv, const char *reason)
{
	struct network_esme *e = priv;

	e->conn = NULL;
	network_esme_gone(e);
}

static const struct smpp_conn_ops network_esme_ops = { .rx = network_esme_rx, .closed = network_esme_closed };

static int network_esme_destroy(struct network_esme *e)
{
	struct network_mo *mo;

	osmo_timer_del(&e->bind_timer);
	llist_for_each_entry(mo, &e->sent, entry)
		osmo_timer_del(&mo->timer);
	llist_for_each_entry(mo, &e->waiting, entry)
		osmo_timer_del(&mo->timer);
	return 0;
}

static int network_smsc_accept(struct osmo_fd *ofd, unsigned int what)
{
	const struct network_listener *l = ofd->data;
	struct network_smsc *s = l->smsc;
	int fd = accept(ofd->fd, NULL, NULL);
	struct network_esme *e;

	if (fd < 0)
		return 0;
	e = s->n_esmes < s->net->cfg.esme_max ? talloc_zero(s, struct network_esme) : NULL;
	if (!e) {
		close(fd);
		return 0;
	}
	e->smsc = s;
	e->listener = l;
	INIT_LLIST_HEAD(&e->submits);
	INIT_LLIST_HEAD(&e->waiting);
	INIT_LLIST_HEAD(&e->sent);
	e->conn = smpp_conn_new(e, fd, false, &network_esme_ops, e);
	if (!e->conn) {
		talloc_free(e);
		return 0;
	}
	talloc_set_destructor(e, network_esme_destroy);
	osmo_timer_setup(&e->bind_timer, network_esme_bind_cb, e);
	osmo_timer_schedule(&e->bind_timer, NETWORK_BIND_S, 0);
	llist_add_tail(&e->entry, &s->esmes);
	s->n_esmes++;
	return 0;
}

/* --- service --- */

/* Opens the listener's socket at its address; the port in it. 0 or negative errno. */
static int network_listener_open(struct network_listener *l)
{
	socklen_t len = sizeof(l->sin);
	int one = 1, rc, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	osmo_fd_setup(&l->ofd, fd, OSMO_FD_READ, network_smsc_accept, l, 0);
	if (bind(fd, (struct sockaddr *)&l->sin, len) == 0 && listen(fd, 16) == 0 &&
	    getsockname(fd, (struct sockaddr *)&l->sin, &len) == 0 && osmo_fd_register(&l->ofd) == 0)
		return 0;
	rc = -errno;
	close(fd);
	l->ofd.fd = -1;
	return rc;
}

static void network_listener_close(struct network_listener *l)
{
	if (l->ofd.fd < 0)
		return;
	osmo_fd_unregister(&l->ofd);
	close(l->ofd.fd);
	l->ofd.fd = -1;
}

static int network_smsc_destroy(struct network_smsc *s)
{
	osmo_timer_del(&s->down);
	for (unsigned i = 0; i < s->n_listeners; i++)
		network_listener_close(&s->listeners[i]);
	return 0;
}

static void network_smsc_up_cb(void *data)
{
	struct network_smsc *s = data;

	for (unsigned i = 0; i < s->n_listeners; i++) {
		int rc = s->listeners[i].ofd.fd < 0 ? network_listener_open(&s->listeners[i]) : 0;

		if (rc < 0) {
			LOGP(DSIM, LOGL_ERROR, "SMPP port %u: %s\n", ntohs(s->listeners[i].sin.sin_port), strerror(-rc));
			osmo_timer_schedule(&s->down, 1, 0);
		}
	}
}

/* What is stored stays; who waits for an answer never gets it. */
void network_smsc_restart(struct network *net, unsigned seconds)
{
	struct network_smsc *s = net->smsc;

	s->restarts++;
	for (unsigned i = 0; i < s->n_listeners; i++)
		network_listener_close(&s->listeners[i]);
	while (!llist_empty(&s->esmes))
		network_esme_gone(llist_first_entry(&s->esmes, struct network_esme, entry));
	osmo_timer_schedule(&s->down, seconds, 0);
}

struct network_smsc *network_smsc_new(void *ctx, struct network *net)
{
	struct network_smsc *s = talloc_zero(ctx, struct network_smsc);

	if (!s)
		return NULL;
	s->net = net;
	INIT_LLIST_HEAD(&s->esmes);
	INIT_LLIST_HEAD(&s->routes);
	osmo_timer_setup(&s->down, network_smsc_up_cb, s);
	talloc_set_destructor(s, network_smsc_destroy);
	return s;
}

int network_smpp_listen(struct network *net, const char *ip, uint16_t port, const char *password)
{
	struct network_smsc *s = net->smsc;
	struct network_listener *l = &s->listeners[s->n_listeners];
	int rc;

	if (s->n_listeners == NETWORK_LISTENERS_MAX)
		return -ENOSPC;
	memset(l, 0, sizeof(*l));
	l->sin = (struct sockaddr_in) { .sin_family = AF_INET, .sin_port = htons(port) };
	if (inet_pton(AF_INET, ip, &l->sin.sin_addr) != 1)
		return -EINVAL;
	l->smsc = s;
	rc = network_listener_open(l);
	if (rc < 0)
		return rc;
	l->password = password ? talloc_strdup(s, password) : NULL;
	s->n_listeners++;
	return ntohs(l->sin.sin_port);
}

int network_route_add(struct network *net, const char *prefix, const char *system_id)
{
	struct network_smsc *s = net->smsc;
	struct network_route *r;

	if (s->n_routes >= NETWORK_ROUTES_MAX)
		return -ENOSPC;
	if (strlen(prefix) >= sizeof(r->prefix) || strlen(system_id) >= sizeof(r->system_id))
		return -EINVAL;
	r = talloc_zero(s, struct network_route);
	if (!r)
		return -ENOMEM;
	osmo_strlcpy(r->prefix, prefix, sizeof(r->prefix));
	osmo_strlcpy(r->system_id, system_id, sizeof(r->system_id));
	llist_add_tail(&r->entry, &s->routes);
	s->n_routes++;
	return 0;
}

void network_smsc_alert(struct network_smsc *s, const struct network_sub *sub, uint8_t availability)
{
	struct smpp_pdu pdu = { .id = SMPP_ALERT, .alert = { .src = { .ton = 3, .npi = 1 }, .has_availability = true,
							     .availability = availability } };
	struct network_esme *e;

	osmo_strlcpy(pdu.alert.src.digits, sub->msisdn, sizeof(pdu.alert.src.digits));
	llist_for_each_entry(e, &s->esmes, entry) {
		if (!e->bound || !e->rx)
			continue;
		pdu.seq = e->seq = e->seq >= 0x7FFFFFFF ? 1 : e->seq + 1;
		if (smpp_conn_tx(e->conn, &pdu) < 0)
			s->alerts_dropped++;	/* a hint only, nobody waits for it */
	}
}

char *network_smsc_describe(struct network_smsc *s, char *text)
{
	struct network_esme *e;

	text = talloc_asprintf_append(text, "SMSC: %u ESMEs, %lu submit_sm, %lu deliver_sm, %lu alerts dropped, %lu restarts%s\n",
				      s->n_esmes, s->submits, s->delivers, s->alerts_dropped, s->restarts,
				      osmo_timer_pending(&s->down) ? ", down" : "");
	llist_for_each_entry(e, &s->esmes, entry)
		text = talloc_asprintf_append(text, "  ESME %s: %s, %u unanswered deliver_sm\n", e->system_id,
					      e->bound ? "bound" : "not bound", e->in_flight);
	return text;
}
