/* The network's SMSC as SMPP 3.4 server. Behaves as OsmoMSC 1.9.0 does where that matters to an ESME (ota-transport
 * 3.4): transaction mode answers after the terminal has taken the message, store mode at once; MO goes out as
 * deliver_sm.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <osmocom/rsp/sms/smpp_conn.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "faults.h"
#include "network_smsc_priv.h"

#define NETWORK_MO_WINDOW 64		/* unanswered deliver_sm at one ESME */
#define NETWORK_BIND_S 10		/* a connection that does not bind is closed */
#define NETWORK_ROUTES_MAX 64
#define NETWORK_SYSTEM_ID "osmo-euicc-sim"

struct network_route {
	struct llist_head entry;
	char prefix[21], system_id[16];
};

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

struct network_esme *network_esme_bound(struct network_smsc *s, const char *system_id)
{
	struct network_esme *e;

	llist_for_each_entry(e, &s->esmes, entry) {
		if (e->bound && e->rx && !strcmp(e->system_id, system_id))
			return e;
	}
	return NULL;
}

struct network_mo *network_esme_deliver(struct network_esme *e, struct network_ue *ue, const struct smpp_pdu *pdu)
{
	struct network_mo *mo = talloc_zero(e, struct network_mo);

	if (!mo)
		return NULL;
	mo->pdu = talloc_memdup(mo, pdu, sizeof(*pdu));
	if (!mo->pdu) {
		talloc_free(mo);
		return NULL;
	}
	mo->esme = e;
	mo->ue = ue;
	if (ue)
		ue->mo_sent = mo;
	osmo_timer_setup(&mo->timer, network_mo_timeout_cb, mo);
	osmo_timer_schedule(&mo->timer, 6 * e->smsc->net->cfg.mo_timeout_s, 0);	/* in our own queue */
	llist_add_tail(&mo->entry, &e->waiting);
	network_mo_pump(e);
	return mo;
}

/* As OsmoMSC writes it: MSISDN with TON 3 / NPI 1, IMSI with TON 4 / NPI 6. */
static struct smpp_addr network_esme_source(const struct network *net, const struct network_sub *sub, const char *msisdn)
{
	bool imsi = sub && net->src_imsi;
	struct smpp_addr a = { .ton = imsi ? 4 : 3, .npi = imsi ? 6 : 1 };

	osmo_strlcpy(a.digits, imsi ? sub->imsi : msisdn, sizeof(a.digits));
	return a;
}

uint8_t network_smsc_mo(struct network_smsc *s, struct network_ue *ue, const char *msisdn, const struct tpdu_submit *t)
{
	struct network_esme *e = network_route(s, t->da.digits);
	struct smpp_pdu pdu = { .id = SMPP_DELIVER_SM };
	struct smpp_sm *sm = &pdu.sm;

	if (!e)
		return NETWORK_RP_OUT_OF_ORDER;
	osmo_strlcpy(sm->service_type, "CMT", sizeof(sm->service_type));
	sm->src = network_esme_source(s->net, network_sub_by_msisdn(s->net, msisdn), msisdn);
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
	return network_esme_deliver(e, ue, &pdu) ? 0 : NETWORK_RP_CONGESTION;
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
	case SMPP_SUBMIT_SM: case SMPP_DATA_SM:
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
			LOGP(DSIM, LOGL_ERROR, "SMPP port %u: %s\n", ntohs(s->listeners[i].sin.sin_port),
			     strerror(-rc));
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
	struct smpp_pdu pdu = { .id = SMPP_ALERT, .alert = { .src = network_esme_source(s->net, sub, sub->msisdn),
							     .has_availability = true, .availability = availability } };
	struct network_esme *e;

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

	text = talloc_asprintf_append(text, "SMSC: %u ESMEs, %lu submit_sm, %lu deliver_sm, %lu alerts dropped, "
				      "%lu restarts%s\n",
				      s->n_esmes, s->submits, s->delivers, s->alerts_dropped, s->restarts,
				      osmo_timer_pending(&s->down) ? ", down" : "");
	llist_for_each_entry(e, &s->esmes, entry)
		text = talloc_asprintf_append(text, "  ESME %s: %s, %u unanswered deliver_sm\n", e->system_id,
					      e->bound ? "bound" : "not bound", e->in_flight);
	return text;
}

void network_src_imsi_set(struct network *net, bool on)
{
	net->src_imsi = on;
}

void network_report_set(struct network *net, bool on)
{
	net->report = on;
}

bool network_report(const struct network *net)
{
	return net->report;
}

bool network_src_imsi(const struct network *net)
{
	return net->src_imsi;
}
