/* A UDP socket for many peers. osmo_dgram drops the peer's address, and one system call for each datagram is more than
 * a thousand cards at once should cost (design 2): recvmmsg, sendmmsg.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#define _GNU_SOURCE	/* recvmmsg, sendmmsg */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <osmocom/rsp/net/udp.h>
#include <osmocom/rsp/util/logging.h>

#define UDP_BATCH 32
#define UDP_BATCHES_MAX 8	/* read in one turn of the loop: others want their turn too */
#define UDP_QUEUE_MAX 1024

struct udp_out {
	struct llist_head entry;
	struct udp_peer to;
	size_t len;
	uint8_t data[];
};

struct udp {
	struct osmo_fd ofd;
	struct udp_cfg cfg;
	sa_family_t family;
	struct llist_head queue;	/* struct udp_out.entry */
	unsigned queued;
	struct udp_stats stats;
	struct mmsghdr msg[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	struct udp_peer from[UDP_BATCH];
	uint8_t buf[UDP_BATCH][UDP_DATAGRAM_MAX + 1];
};

static socklen_t peer_len(const struct udp_peer *p)
{
	return p->u.sa.sa_family == AF_INET6 ? sizeof(p->u.in6) : sizeof(p->u.in);
}

bool udp_peer_eq(const struct udp_peer *a, const struct udp_peer *b)
{
	if (a->u.sa.sa_family != b->u.sa.sa_family)
		return false;
	if (a->u.sa.sa_family == AF_INET6)
		return a->u.in6.sin6_port == b->u.in6.sin6_port && a->u.in6.sin6_scope_id == b->u.in6.sin6_scope_id &&
		       !memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr, sizeof(a->u.in6.sin6_addr));
	return a->u.in.sin_port == b->u.in.sin_port && a->u.in.sin_addr.s_addr == b->u.in.sin_addr.s_addr;
}

uint32_t udp_peer_hash(const struct udp_peer *p)
{
	const uint8_t *b = (const uint8_t *)&p->u.in.sin_addr;
	size_t n = sizeof(p->u.in.sin_addr), i;
	uint32_t h = 2166136261u;

	if (p->u.sa.sa_family == AF_INET6) {
		b = p->u.in6.sin6_addr.s6_addr;
		n = sizeof(p->u.in6.sin6_addr);
	}
	for (i = 0; i < n; i++)
		h = (h ^ b[i]) * 16777619u;
	return (h ^ p->u.in.sin_port) * 16777619u;	/* the port is at the same place in both */
}

const char *udp_peer_str(char out[UDP_PEER_STR_SIZE], const struct udp_peer *p)
{
	char ip[INET6_ADDRSTRLEN] = "?";

	if (p->u.sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &p->u.in6.sin6_addr, ip, sizeof(ip));
		snprintf(out, UDP_PEER_STR_SIZE, "[%s]:%u", ip, ntohs(p->u.in6.sin6_port));
	} else {
		inet_ntop(AF_INET, &p->u.in.sin_addr, ip, sizeof(ip));
		snprintf(out, UDP_PEER_STR_SIZE, "%s:%u", ip, ntohs(p->u.in.sin_port));
	}
	return out;
}

/* --- out ------------------------------------------------------------------------------------------------------ */

static void out_drop(struct udp *u, struct udp_out *o)
{
	llist_del(&o->entry);
	u->queued--;
	talloc_free(o);
}

void udp_send(struct udp *u, const struct udp_peer *to, const uint8_t *data, size_t len)
{
	struct udp_out *o = NULL;

	if (len <= UDP_DATAGRAM_MAX && u->queued < u->cfg.queue_max)
		o = talloc_size(u, sizeof(*o) + len);
	if (!o) {
		u->stats.tx_dropped++;
		return;
	}
	o->to = *to;
	o->len = len;
	memcpy(o->data, data, len);
	llist_add_tail(&o->entry, &u->queue);
	u->queued++;
	osmo_fd_write_enable(&u->ofd);
}

static unsigned batch_fill(struct udp *u)
{
	struct udp_out *o;
	unsigned n = 0;

	llist_for_each_entry(o, &u->queue, entry) {
		if (n == UDP_BATCH)
			break;
		u->iov[n] = (struct iovec){ .iov_base = o->data, .iov_len = o->len };
		u->msg[n] = (struct mmsghdr){ .msg_hdr = {
			.msg_name = &o->to, .msg_namelen = peer_len(&o->to), .msg_iov = &u->iov[n], .msg_iovlen = 1,
		} };
		n++;
	}
	return n;
}

static void write_some(struct udp *u)
{
	unsigned turns, n;
	int sent;

	for (turns = 0; turns < UDP_BATCHES_MAX && (n = batch_fill(u)) > 0; turns++) {
		sent = sendmmsg(u->ofd.fd, u->msg, n, MSG_DONTWAIT);
		if (sent < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
			return;		/* tried again when writable */
		if (sent <= 0) {	/* the first one is refused: no route, or an ICMP error of an earlier one */
			u->stats.tx_dropped++;
			out_drop(u, llist_first_entry(&u->queue, struct udp_out, entry));
			continue;
		}
		u->stats.tx += sent;
		while (sent--)
			out_drop(u, llist_first_entry(&u->queue, struct udp_out, entry));
	}
	if (llist_empty(&u->queue))
		osmo_fd_write_disable(&u->ofd);
}

void udp_flush(struct udp *u)
{
	write_some(u);
}

/* --- in ------------------------------------------------------------------------------------------------------- */

static int read_batch(struct udp *u)
{
	int i, n;

	for (i = 0; i < UDP_BATCH; i++) {
		u->iov[i] = (struct iovec){ .iov_base = u->buf[i], .iov_len = sizeof(u->buf[i]) };
		u->msg[i] = (struct mmsghdr){ .msg_hdr = {
			.msg_name = &u->from[i], .msg_namelen = sizeof(u->from[i]), .msg_iov = &u->iov[i], .msg_iovlen = 1,
		} };
	}
	n = recvmmsg(u->ofd.fd, u->msg, UDP_BATCH, MSG_DONTWAIT, NULL);
	for (i = 0; i < n; i++) {
		if (u->msg[i].msg_len > UDP_DATAGRAM_MAX) {
			u->stats.rx_long++;
			continue;
		}
		u->stats.rx++;
		u->cfg.rx(u->cfg.priv, &u->from[i], u->buf[i], u->msg[i].msg_len);
	}
	return n;
}

static int udp_fd_cb(struct osmo_fd *ofd, unsigned what)
{
	struct udp *u = ofd->data;
	unsigned turns;

	if (what & OSMO_FD_WRITE)
		write_some(u);
	if (what & OSMO_FD_READ)
		for (turns = 0; turns < UDP_BATCHES_MAX && read_batch(u) == UDP_BATCH; turns++)
			;
	return 0;
}

/* --- life ----------------------------------------------------------------------------------------------------- */

static int udp_destroy(struct udp *u)
{
	if (osmo_fd_is_registered(&u->ofd))
		osmo_fd_unregister(&u->ofd);
	if (u->ofd.fd >= 0)
		close(u->ofd.fd);
	return 0;
}

static int address(struct udp_peer *a, const char *ip, uint16_t port)
{
	*a = (struct udp_peer){ 0 };
	if (inet_pton(AF_INET, ip, &a->u.in.sin_addr) == 1)
		a->u.sa.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, ip, &a->u.in6.sin6_addr) == 1)
		a->u.sa.sa_family = AF_INET6;
	else
		return -EINVAL;
	a->u.in.sin_port = htons(port);
	return 0;
}

static int udp_open(struct udp *u)
{
	int fd, size = 1 << 20;
	struct udp_peer a;

	if (address(&a, u->cfg.ip, u->cfg.port) < 0)
		return -EINVAL;
	fd = socket(a.u.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	osmo_fd_setup(&u->ofd, fd, OSMO_FD_READ, udp_fd_cb, u, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));	/* a burst of many cards */
	if (bind(fd, &a.u.sa, peer_len(&a)) < 0)
		return -errno;
	return osmo_fd_register(&u->ofd);
}

struct udp *udp_new(void *ctx, const struct udp_cfg *cfg)
{
	struct udp *u = talloc_zero(ctx, struct udp);
	int rc;

	if (!u)
		return NULL;
	u->cfg = *cfg;
	u->cfg.queue_max = cfg->queue_max ? cfg->queue_max : UDP_QUEUE_MAX;
	u->ofd.fd = -1;
	INIT_LLIST_HEAD(&u->queue);
	talloc_set_destructor(u, udp_destroy);
	rc = udp_open(u);
	if (rc < 0) {
		LOGP(DCARD, LOGL_ERROR, "UDP on %s port %u: %s\n", cfg->ip, cfg->port, strerror(-rc));
		talloc_free(u);
		return NULL;
	}
	u->cfg.ip = NULL;	/* the caller's */
	return u;
}

uint16_t udp_port(const struct udp *u)
{
	struct udp_peer a = { 0 };
	socklen_t len = sizeof(a);

	return getsockname(u->ofd.fd, &a.u.sa, &len) < 0 ? 0 : ntohs(a.u.in.sin_port);
}

const struct udp_stats *udp_stats(const struct udp *u)
{
	return &u->stats;
}
