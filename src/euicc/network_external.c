/* The network as another program: a Unix socket, one line a short message, attach or detach (osmo-euicc-sim(1)).
 * TS 24.008 4.4.4 (attach; T3410), TS 24.011 8.2.5.4 (RP causes). A subscriber has marks for what is to be said of it, not
 * a queue: what waits for a peer that does not read cannot grow, and a new peer is told all that holds.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <osmocom/core/select.h>
#include <osmocom/core/socket.h>
#include <osmocom/core/talloc.h>

#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/logging.h>

#include "network_priv.h"

#define EXTERNAL_ATTACH_S 15		/* T3410 */
#define EXTERNAL_MO_S 35		/* TR1M at its longest */
#define EXTERNAL_LINE_MAX 512		/* "mt", IMSI, 176 octets in hex: 372 */
#define EXTERNAL_CAUSE_NETWORK_FAILURE 17	/* TS 24.008 10.5.3.6 */
#define EXTERNAL_RP_PROTOCOL 111	/* protocol error, unspecified: the card said no */

struct external_mt {
	struct llist_head entry;
	size_t len;
	uint8_t tpdu[];
};

/* An IMSI while a terminal has it, or while something is to be said of it. */
struct network_external_sub {
	struct hlist_node node;
	struct llist_head tx;		/* in network_external.fresh or .tx, or empty */
	struct network_ue *ue;
	char imsi[NETWORK_NUMBER_SIZE];
	bool detach_due, attach_due, ack_due, mo_due;
	uint8_t ack;			/* RP cause of the last MT, 0: taken */
	struct llist_head mt;		/* first one is at the terminal while ue->mt_busy */
	unsigned mt_count;
	size_t mo_len;
	uint8_t mo[TPDU_MAX];
};

struct network_external {
	struct network *net;
	struct osmo_fd listen, peer;	/* fd -1: none */
	DECLARE_HASHTABLE(subs, 12);
	struct llist_head fresh, tx;	/* subscribers with something to say: since this turn, since an earlier one */
	struct osmo_timer_list gate;	/* fresh to tx */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char in[EXTERNAL_LINE_MAX], out[8 * EXTERNAL_LINE_MAX];
	size_t in_len, out_len, out_done;
	unsigned long peers, bad_lines;
};

/* --- subscribers --- */

static struct network_external_sub *external_sub(struct network_external *x, const char *imsi)
{
	struct network_external_sub *s;

	hash_for_each_possible(x->subs, s, node, strtoull(imsi, NULL, 10)) {
		if (!strcmp(s->imsi, imsi))
			return s;
	}
	return NULL;
}

static struct network_external_sub *external_sub_get(struct network_external *x, const char *imsi)
{
	struct network_external_sub *s = external_sub(x, imsi);

	if (s)
		return s;
	s = talloc_zero(x, struct network_external_sub);
	if (!s)
		return NULL;
	osmo_strlcpy(s->imsi, imsi, sizeof(s->imsi));
	INIT_LLIST_HEAD(&s->tx);
	INIT_LLIST_HEAD(&s->mt);
	hash_add(x->subs, &s->node, strtoull(imsi, NULL, 10));
	return s;
}

static void external_mt_drop(struct network_external_sub *s)
{
	struct external_mt *mt, *mt2;

	llist_for_each_entry_safe(mt, mt2, &s->mt, entry) {
		llist_del(&mt->entry);
		talloc_free(mt);
	}
	s->mt_count = 0;
}

/* Something is to be said of s, in the next turn of the loop: by then the card's state is on disk. */
static void external_say(struct network_external *x, struct network_external_sub *s)
{
	if (llist_empty(&s->tx))
		llist_add_tail(&s->tx, &x->fresh);
	else
		llist_move_tail(&s->tx, &x->fresh);
	if (!osmo_timer_pending(&x->gate))
		osmo_timer_schedule(&x->gate, 0, 0);
}

static void external_gate_cb(void *data)
{
	struct network_external *x = data;

	llist_splice_init(&x->fresh, x->tx.prev);
	if (x->peer.fd >= 0)
		osmo_fd_write_enable(&x->peer);
}

static void external_unsay(struct network_external_sub *s)
{
	llist_del(&s->tx);
	INIT_LLIST_HEAD(&s->tx);
}

static void external_mt_next(struct network_external_sub *s)
{
	struct external_mt *mt = llist_first_entry_or_null(&s->mt, struct external_mt, entry);

	if (!mt || s->ack_due || s->ue->mt_busy)
		return;
	s->ue->mt_busy = true;
	s->ue->ops->mt_sms(s->ue->priv, mt->tpdu, mt->len);
}

/* --- what we say --- */

/* The next line about s; what it says is no longer due. NULL: nothing more. */
static const char *external_line(struct network_external_sub *s, char line[EXTERNAL_LINE_MAX])
{
	if (s->detach_due) {
		s->detach_due = false;
		snprintf(line, EXTERNAL_LINE_MAX, "detach %s\n", s->imsi);
	} else if (s->attach_due) {
		s->attach_due = false;
		snprintf(line, EXTERNAL_LINE_MAX, "attach %s\n", s->imsi);
	} else if (s->ack_due) {
		s->ack_due = false;
		snprintf(line, EXTERNAL_LINE_MAX, "mt-ack %s %u\n", s->imsi, s->ack);
	} else if (s->mo_due) {
		s->mo_due = false;
		snprintf(line, EXTERNAL_LINE_MAX, "mo %s %s\n", s->imsi, osmo_hexdump_nospc(s->mo, s->mo_len));
	} else {
		return NULL;
	}
	return line;
}

static void external_fill(struct network_external *x)
{
	char line[EXTERNAL_LINE_MAX];
	struct network_external_sub *s, *s2;

	llist_for_each_entry_safe(s, s2, &x->tx, tx) {
		while (x->out_len + sizeof(line) <= sizeof(x->out) && external_line(s, line)) {
			memcpy(x->out + x->out_len, line, strlen(line));
			x->out_len += strlen(line);
		}
		if (s->detach_due || s->attach_due || s->ack_due || s->mo_due)
			return;
		external_unsay(s);
		if (s->ue) {
			external_mt_next(s);
		} else {
			hash_del(&s->node);
			talloc_free(s);
		}
	}
}

static void external_mo_end(struct network_ue *ue, uint8_t cause)
{
	osmo_timer_del(&ue->mo_timer);
	if (ue->external)
		ue->external->mo_due = false;
	network_mo_end(ue, cause);
}

/* The peer's state went with it: each terminal that is registered, or on the way, registers again with the next peer. Of
 * short messages under way nobody knows the end: MO failed; of MT the peer's successor hears nothing. */
static void external_peer_gone(struct network_external *x)
{
	struct network_external_sub *s;
	struct hlist_node *tmp;
	unsigned bucket;

	LOGP(DSIM, LOGL_NOTICE, "external network has left %s\n", x->path);
	osmo_fd_unregister(&x->peer);
	close(x->peer.fd);
	x->peer.fd = -1;
	x->in_len = x->out_len = x->out_done = 0;
	hash_for_each_safe(x->subs, bucket, tmp, s, node) {
		s->detach_due = s->ack_due = false;
		external_mt_drop(s);
		s->attach_due = s->ue != NULL;
		if (s->attach_due)
			external_say(x, s);
		else if (!llist_empty(&s->tx))
			external_unsay(s);
		if (!s->ue) {
			hash_del(&s->node);
			talloc_free(s);
			continue;
		}
		s->ue->mt_busy = false;
		if (s->ue->mo_done)
			external_mo_end(s->ue, NETWORK_RP_OUT_OF_ORDER);
	}
}

static bool external_write(struct network_external *x)
{
	ssize_t n;

	if (x->out_done == x->out_len) {
		x->out_done = x->out_len = 0;
		external_fill(x);
	}
	if (!x->out_len) {
		osmo_fd_write_disable(&x->peer);
		return true;
	}
	n = send(x->peer.fd, x->out + x->out_done, x->out_len - x->out_done, MSG_NOSIGNAL);
	if (n > 0)
		x->out_done += n;
	return n > 0 || errno == EAGAIN || errno == EINTR;
}

/* --- what we hear --- */

static void external_rx_attached(struct network_external_sub *s)
{
	struct network_ue *ue = s->ue;
	struct network *net = ue->net;

	if (ue->attached)	/* said again to a new peer */
		return;
	osmo_timer_del(&ue->timer);
	ue->attached = true;
	net->attached++;
	net->attaches++;
	LOGP(DSIM, LOGL_INFO, "IMSI %s attached\n", s->imsi);
	ue->ops->attached(ue->priv, true, 0);
}

static void external_rejected(struct network_ue *ue, uint8_t cause)
{
	const struct network_ue_ops *ops = ue->ops;
	void *priv = ue->priv;

	LOGP(DSIM, LOGL_NOTICE, "IMSI %s: attach refused, cause %u\n", ue->imsi, cause);
	ue->net->refused++;
	if (ue->mo_done)
		external_mo_end(ue, NETWORK_RP_OUT_OF_ORDER);
	network_detach(ue);
	ops->attached(priv, false, cause);
}

static void external_ack(struct network_external *x, struct network_external_sub *s, uint8_t cause)
{
	s->ack = cause;
	s->ack_due = true;
	if (cause)
		x->net->mt_failed++;
	else
		x->net->mt_ok++;
	external_say(x, s);
}

static int external_rx_mt(struct network_external *x, struct network_external_sub *s, const char *hex)
{
	uint8_t tpdu[TPDU_MAX];
	int len = hex_dec(tpdu, sizeof(tpdu), hex);
	struct external_mt *mt;

	if (len <= 0)
		return -EINVAL;
	if (!s->ue->attached || s->mt_count >= x->net->cfg.queue_max)
		return -ENOSPC;		/* as a terminal that does not hear it */
	mt = talloc_size(s, sizeof(*mt) + len);
	if (!mt)
		return -ENOMEM;
	mt->len = len;
	memcpy(mt->tpdu, tpdu, len);
	llist_add_tail(&mt->entry, &s->mt);
	s->mt_count++;
	external_mt_next(s);
	return 0;
}

static int external_number(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	return *text >= '0' && *text <= '9' && !*end && v <= 255 ? (int)v : -1;
}

/* One line without its end. 0 or negative: not understood. */
static int external_rx_line(struct network_external *x, char *line)
{
	char *save = NULL;
	const char *what = strtok_r(line, " \r", &save), *imsi = strtok_r(NULL, " \r", &save);
	const char *arg = strtok_r(NULL, " \r", &save);
	struct network_external_sub *s = what && imsi ? external_sub(x, imsi) : NULL;
	int cause = arg ? external_number(arg) : -1;

	if (!what || !imsi)
		return -EINVAL;
	if (!s || !s->ue)	/* on its way while the terminal left: told by `detach` */
		return 0;
	if (!strcmp(what, "mt") && arg)
		return external_rx_mt(x, s, arg);
	if (!strcmp(what, "attached")) {
		external_rx_attached(s);
	} else if (!strcmp(what, "rejected") && cause > 0) {
		external_rejected(s->ue, cause);
		s->detach_due = false;	/* the peer knows */
	} else if (!strcmp(what, "mo-ack") && cause >= 0 && s->ue->mo_done && !s->mo_due) {
		external_mo_end(s->ue, cause);
	} else {
		return -EINVAL;
	}
	return 0;
}

static bool external_read(struct network_external *x)
{
	ssize_t n = recv(x->peer.fd, x->in + x->in_len, sizeof(x->in) - x->in_len, 0);
	char *start = x->in, *end;

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	x->in_len += n;
	while ((end = memchr(start, '\n', x->in + x->in_len - start))) {
		*end = '\0';
		if (external_rx_line(x, start) < 0 && !x->bad_lines++)
			LOGP(DSIM, LOGL_NOTICE, "external network: a line is not understood (counted from now on)\n");
		start = end + 1;
	}
	x->in_len -= start - x->in;
	memmove(x->in, start, x->in_len);
	return x->in_len < sizeof(x->in);	/* a line without end: not our peer */
}

static int external_peer_cb(struct osmo_fd *ofd, unsigned int what)
{
	struct network_external *x = ofd->data;

	if ((what & OSMO_FD_READ && !external_read(x)) || (what & OSMO_FD_WRITE && !external_write(x)))
		external_peer_gone(x);
	return 0;
}

static int external_accept_cb(struct osmo_fd *ofd, unsigned int what)
{
	struct network_external *x = ofd->data;
	int fd = accept(ofd->fd, NULL, NULL);

	if (fd < 0)
		return 0;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (x->peer.fd >= 0) {
		LOGP(DSIM, LOGL_NOTICE, "%s: there is an external network already\n", x->path);
		close(fd);
		return 0;
	}
	osmo_fd_setup(&x->peer, fd, OSMO_FD_READ | OSMO_FD_WRITE, external_peer_cb, x, 0);
	if (osmo_fd_register(&x->peer) < 0) {
		close(fd);
		x->peer.fd = -1;
		return 0;
	}
	x->peers++;
	LOGP(DSIM, LOGL_NOTICE, "external network has come to %s\n", x->path);
	return 0;
}

/* --- service --- */

static int external_destroy(struct network_external *x)
{
	osmo_timer_del(&x->gate);
	osmo_fd_close(&x->listen);
	if (x->peer.fd >= 0)
		osmo_fd_close(&x->peer);
	unlink(x->path);
	return 0;
}

int network_external(struct network *net, const char *path)
{
	struct network_external *x;
	mode_t mask;
	int rc;

	if (net->external)
		return -EALREADY;
	if (strlen(path) >= sizeof(x->path))
		return -ENAMETOOLONG;
	x = talloc_zero(net, struct network_external);
	if (!x)
		return -ENOMEM;
	x->net = net;
	x->peer.fd = -1;
	osmo_strlcpy(x->path, path, sizeof(x->path));
	hash_init(x->subs);
	INIT_LLIST_HEAD(&x->fresh);
	INIT_LLIST_HEAD(&x->tx);
	osmo_timer_setup(&x->gate, external_gate_cb, x);
	osmo_fd_setup(&x->listen, -1, OSMO_FD_READ, external_accept_cb, x, 0);
	mask = umask(0177);	/* who may write here is any subscriber's network */
	errno = 0;
	rc = osmo_sock_unix_init_ofd(&x->listen, SOCK_STREAM, 0, path, OSMO_SOCK_F_BIND | OSMO_SOCK_F_NONBLOCK);
	umask(mask);
	if (rc < 0) {
		if (errno)	/* rc is -1 whatever it was */
			rc = -errno;
		talloc_free(x);
		return rc;
	}
	talloc_set_destructor(x, external_destroy);
	net->external = x;
	return 0;
}

static void external_attach_timeout_cb(void *data)
{
	external_rejected(data, EXTERNAL_CAUSE_NETWORK_FAILURE);
}

int network_external_attach(struct network_external *x, struct network_ue *ue)
{
	struct network_external_sub *s = external_sub_get(x, ue->imsi);

	if (!s)
		return -ENOMEM;
	if (s->ue)	/* the same IMSI elsewhere: the newest wins */
		network_external_detach(s->ue);
	s->ue = ue;
	ue->external = s;
	s->attach_due = true;
	external_say(x, s);
	osmo_timer_setup(&ue->timer, external_attach_timeout_cb, ue);
	osmo_timer_schedule(&ue->timer, EXTERNAL_ATTACH_S, 0);
	return 0;
}

void network_external_detach(struct network_ue *ue)
{
	struct network_external_sub *s = ue->external;

	if (!s)
		return;
	ue->external = NULL;
	if (ue->attached)
		ue->net->attached--;
	ue->attached = ue->mt_busy = false;
	s->ue = NULL;
	external_mt_drop(s);
	s->ack_due = s->mo_due = false;
	s->detach_due = true;
	s->attach_due = false;
	external_say(ue->net->external, s);
}

void network_external_mt_done(struct network_ue *ue, bool ok)
{
	struct network_external_sub *s = ue->external;
	struct external_mt *mt = s ? llist_first_entry_or_null(&s->mt, struct external_mt, entry) : NULL;

	if (!ue->mt_busy || !mt)
		return;
	ue->mt_busy = false;
	llist_del(&mt->entry);
	s->mt_count--;
	talloc_free(mt);
	external_ack(ue->net->external, s, ok ? 0 : EXTERNAL_RP_PROTOCOL);
}

static void external_mo_timeout_cb(void *data)
{
	external_mo_end(data, NETWORK_RP_OUT_OF_ORDER);
}

void network_external_mo(struct network_ue *ue, const uint8_t *tpdu, size_t len)
{
	struct network_external_sub *s = ue->external;
	bool ready = s && ue->attached && ue->net->external->peer.fd >= 0;

	osmo_timer_setup(&ue->mo_timer, external_mo_timeout_cb, ue);
	osmo_timer_schedule(&ue->mo_timer, ready ? EXTERNAL_MO_S : 0, 0);
	if (!ready)
		return;
	memcpy(s->mo, tpdu, len);
	s->mo_len = len;
	s->mo_due = true;
	external_say(ue->net->external, s);
}

bool network_external_attached(struct network_external *x, const char *imsi)
{
	struct network_external_sub *s = external_sub(x, imsi);

	return s && s->ue && s->ue->attached;
}

char *network_external_describe(const struct network_external *x, char *text)
{
	return talloc_asprintf_append(text, "external network at %s: %s, connected %lu times, %lu lines not understood\n",
				      x->path, x->peer.fd >= 0 ? "connected" : "not connected", x->peers, x->bad_lines);
}
