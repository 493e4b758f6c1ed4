/* Channels of the bearer independent protocol: a TCP or UDP client socket of this machine for the card.
 * TS 102 223 6.4.27-6.4.31 (commands), 7.5.10-7.5.11 (events); buffers are bounded by the size agreed at opening.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/logging.h>

#include "terminal_priv.h"

#define TERMINAL_CONNECT_S 10
#define TERMINAL_CHAN_LINK 0x80		/* channel status: link established */
#define TERMINAL_CHAN_INFO_DROPPED 0x05

static void terminal_chan_fd_cb(struct epollset_fd *efd, uint32_t events);
static void terminal_chan_rx_cb(void *data);
static void terminal_chan_tx_cb(void *data);

static struct epollset *terminal_chan_set(struct terminal_chan *c)
{
	return network_epollset(c->t->net);
}

static void terminal_chan_free(struct terminal_chan *c)
{
	c->t->chan[c->id - 1] = NULL;
	osmo_timer_del(&c->timer);
	osmo_timer_del(&c->rx_timer);
	osmo_timer_del(&c->tx_timer);
	network_forget(c->t->net, c);
	epollset_close(terminal_chan_set(c), &c->efd);
	talloc_free(c);
}

void terminal_chan_free_all(struct terminal *t)
{
	for (int i = 0; i < TERMINAL_CHANNELS; i++) {
		if (t->chan[i])
			terminal_chan_free(t->chan[i]);
	}
}

static uint8_t terminal_chan_count(size_t n)
{
	return OSMO_MIN(n, (size_t)0xFF);
}

static void terminal_chan_watch(struct terminal_chan *c)
{
	bool in = c->udp ? !c->rx_len && !c->n_arrived : c->rx_len < c->size && !c->rx_held;
	uint32_t events = (in ? EPOLLIN : 0) | (c->tx_go && !c->tx_held ? EPOLLOUT : 0);

	if (c->state == TERMINAL_CHAN_OPEN)
		epollset_events(terminal_chan_set(c), &c->efd, events);
}

/* The socket is gone; the card hears of it after it has fetched what is buffered (real cards lose data otherwise). */
static void terminal_chan_dropped(struct terminal_chan *c)
{
	c->state = TERMINAL_CHAN_DROPPED;
	c->drop_event = true;
	c->tx_len = c->tx_go = 0;
	osmo_timer_del(&c->timer);
	osmo_timer_del(&c->rx_timer);
	osmo_timer_del(&c->tx_timer);
	epollset_close(terminal_chan_set(c), &c->efd);
	terminal_work_soon(c->t);
}

void terminal_chan_drop_all(struct terminal *t)
{
	for (int i = 0; i < TERMINAL_CHANNELS; i++) {
		struct terminal_chan *c = t->chan[i];

		if (!c || c->state == TERMINAL_CHAN_DROPPED)
			continue;
		if (c->state == TERMINAL_CHAN_OPEN) {
			terminal_chan_dropped(c);
			continue;
		}
		terminal_chan_free(c);
		terminal_cat_result(t, BIP_RES_NETWORK_BUSY);
	}
}

/* --- opening --- */

static void terminal_chan_open_failed(struct terminal_chan *c)
{
	struct terminal *t = c->t;

	terminal_chan_free(c);
	terminal_cat_bip_error(t, BIP_ERR_UNREACHABLE);
}

static void terminal_chan_opened(struct terminal_chan *c)
{
	struct bip_resp r = { .has_channel = true, .channel = TERMINAL_CHAN_LINK | c->id,
			      .bearer = { c->bearer, c->bearer_len }, .has_buffer = true, .buffer = c->size };

	osmo_timer_del(&c->timer);
	c->state = TERMINAL_CHAN_OPEN;
	terminal_air_opened(c);
	terminal_chan_watch(c);
	terminal_cat_respond(c->t, &r);
}

/* A connection takes a round trip. */
static void terminal_chan_connected(struct terminal_chan *c)
{
	unsigned ms = c->udp ? 0 : fault(c->t->faults, FAULT_ROUND_TRIP);

	if (!ms) {
		terminal_chan_opened(c);
		return;
	}
	c->state = TERMINAL_CHAN_HELD;
	epollset_events(terminal_chan_set(c), &c->efd, 0);
	osmo_timer_schedule(&c->timer, ms / 1000, ms % 1000 * 1000);
}

static void terminal_chan_timer_cb(void *data)
{
	struct terminal_chan *c = data;

	if (c->state == TERMINAL_CHAN_HELD)
		terminal_chan_opened(c);
	else
		terminal_chan_open_failed(c);
}

static int terminal_chan_connect(struct terminal_chan *c, const struct bip_cmd *cmd)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(cmd->port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(cmd->port) };
	bool v4 = cmd->dest.len == 4;
	int rc, on = 1;

	memcpy(v4 ? (void *)&in.sin_addr : (void *)&in6.sin6_addr, cmd->dest.v, cmd->dest.len);
	c->efd.fd = socket(v4 ? AF_INET : AF_INET6, (c->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->efd.fd < 0)
		return -errno;
	/* SEND DATA comes in pieces of 230 octets: Nagle would hold each answer back for 40 ms. */
	if (!c->udp)
		setsockopt(c->efd.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	rc = connect(c->efd.fd, v4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6, v4 ? sizeof(in) : sizeof(in6));
	rc = rc < 0 && errno != EINPROGRESS ? -errno : 0;
	c->efd.events = EPOLLOUT;
	if (rc == 0)
		rc = epollset_add(terminal_chan_set(c), &c->efd);
	if (rc < 0) {
		close(c->efd.fd);
		c->efd.fd = -1;
	}
	return rc;
}

static struct terminal_chan *terminal_chan_new(struct terminal *t, const struct bip_cmd *cmd)
{
	struct terminal_chan *c;
	int i = 0;

	while (i < TERMINAL_CHANNELS && t->chan[i])
		i++;
	c = i < TERMINAL_CHANNELS ? talloc_zero(t, struct terminal_chan) : NULL;
	if (!c)
		return NULL;
	c->t = t;
	c->id = i + 1;
	c->udp = cmd->transport == BIP_UDP_CLIENT;
	c->size = OSMO_MIN(cmd->buffer, (uint16_t)TERMINAL_BUFFER_MAX);
	c->rx = talloc_size(c, c->size);
	c->tx = talloc_size(c, c->size);
	c->bearer_len = OSMO_MIN(cmd->bearer.len, sizeof(c->bearer));
	memcpy(c->bearer, cmd->bearer.v, c->bearer_len);
	c->efd.fd = -1;
	c->efd.cb = terminal_chan_fd_cb;
	c->efd.data = c;
	INIT_LLIST_HEAD(&c->flying);
	INIT_LLIST_HEAD(&c->arrived);
	osmo_timer_setup(&c->timer, terminal_chan_timer_cb, c);
	osmo_timer_setup(&c->rx_timer, terminal_chan_rx_cb, c);
	osmo_timer_setup(&c->tx_timer, terminal_chan_tx_cb, c);
	t->chan[i] = c;
	return c;
}

void terminal_chan_open(struct terminal *t, const struct bip_cmd *cmd)
{
	bool known = cmd->transport == BIP_UDP_CLIENT || cmd->transport == BIP_TCP_CLIENT;
	struct terminal_chan *c;

	if (!cmd->bearer.v || !cmd->has_buffer || !cmd->transport || !cmd->dest.len) {
		terminal_cat_result(t, BIP_RES_VALUES_MISSING);
		return;
	}
	if (!known || cmd->buffer < 16) {
		terminal_cat_result(t, BIP_RES_BEYOND);
		return;
	}
	if (!t->attached) {
		terminal_cat_result(t, BIP_RES_NETWORK_BUSY);
		return;
	}
	c = terminal_chan_new(t, cmd);
	if (!c) {
		terminal_cat_bip_error(t, BIP_ERR_NO_CHANNEL);
		return;
	}
	if (terminal_chan_connect(c, cmd) < 0)
		terminal_chan_open_failed(c);
	else
		osmo_timer_schedule(&c->timer, TERMINAL_CONNECT_S, 0);
}

/* --- data --- */

void terminal_chan_datagram(struct terminal_chan *c, const uint8_t *data, size_t len)
{
	c->rx_len = OSMO_MIN(len, (size_t)c->size);
	memcpy(c->rx, data, c->rx_len);
	c->data_event = true;
	terminal_chan_watch(c);
	terminal_work_soon(c->t);
}

static void terminal_chan_read_udp(struct terminal_chan *c)
{
	uint8_t buf[TERMINAL_BUFFER_MAX];
	ssize_t n = recv(c->efd.fd, buf, c->size, 0);

	if (n > 0)
		network_carried(c->t->net, n);
	if (n > 0)	/* port unreachable: as lost as any datagram */
		terminal_air_datagram(c, false, buf, n);
}

static void terminal_chan_read(struct terminal_chan *c)
{
	ssize_t n;

	if (c->udp) {
		terminal_chan_read_udp(c);
		return;
	}
	n = recv(c->efd.fd, c->rx + c->rx_len, c->size - c->rx_len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || terminal_air_cut(c, n)) {
		terminal_chan_dropped(c);
		return;
	}
	network_carried(c->t->net, n);
	if (!c->rx_len)
		c->data_event = true;
	c->rx_len += n;
	terminal_work_soon(c->t);
}

static void terminal_chan_write(struct terminal_chan *c)
{
	ssize_t n = send(c->efd.fd, c->tx, c->tx_go, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 || terminal_air_cut(c, n)) {
		terminal_chan_dropped(c);
		return;
	}
	network_carried(c->t->net, n);
	memmove(c->tx, c->tx + n, c->tx_len - n);
	c->tx_len -= n;
	c->tx_go -= n;
}

/* Half a round trip later: what is there is taken, what was released goes out. */
static void terminal_chan_rx_cb(void *data)
{
	struct terminal_chan *c = data;

	c->rx_held = false;
	if (c->state == TERMINAL_CHAN_OPEN && c->rx_len < c->size)
		terminal_chan_read(c);
	terminal_chan_watch(c);
}

static void terminal_chan_tx_cb(void *data)
{
	struct terminal_chan *c = data;

	c->tx_held = false;
	if (c->state == TERMINAL_CHAN_OPEN && c->tx_go)
		terminal_chan_write(c);
	terminal_chan_watch(c);
}

static void terminal_chan_fd_cb(struct epollset_fd *efd, uint32_t events)
{
	struct terminal_chan *c = efd->data;
	socklen_t len = sizeof(int);
	int err = 0;

	if (c->state == TERMINAL_CHAN_CONNECTING) {
		if (getsockopt(efd->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 || err)
			terminal_chan_open_failed(c);
		else
			terminal_chan_connected(c);
		return;
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && c->rx_len < c->size && !c->rx_held) {
		if (!c->udp)
			terminal_air_hold(c, &c->rx_timer, &c->rx_held);
		if (!c->rx_held)
			terminal_chan_read(c);
	}
	if (c->state == TERMINAL_CHAN_OPEN && c->tx_go && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		terminal_chan_write(c);
	terminal_chan_watch(c);
}

/* --- commands on an open channel --- */

/* The channel a command is addressed to; NULL and the error answered when there is none. */
static struct terminal_chan *terminal_chan_of(struct terminal *t, const struct bip_cmd *cmd)
{
	unsigned id = cmd->dst - BIP_DEV_CHANNEL;
	struct terminal_chan *c = id >= 1 && id <= TERMINAL_CHANNELS ? t->chan[id - 1] : NULL;

	if (!c)
		terminal_cat_bip_error(t, BIP_ERR_CHANNEL_ID);
	return c;
}

/* What the card has said goes out once what it remembers of it is on disk. */
static void terminal_chan_release(void *data)
{
	struct terminal_chan *c = data;

	if (c->state != TERMINAL_CHAN_OPEN)
		return;
	c->tx_go = OSMO_MIN(c->tx_end, c->tx_len);
	terminal_air_hold(c, &c->tx_timer, &c->tx_held);
	terminal_chan_watch(c);
}

void terminal_chan_send(struct terminal *t, const struct bip_cmd *cmd)
{
	struct terminal_chan *c = terminal_chan_of(t, cmd);
	struct bip_resp r = { .has_data_len = true };

	if (!c)
		return;
	if (c->state != TERMINAL_CHAN_OPEN) {
		terminal_cat_bip_error(t, BIP_ERR_CLOSED);
		return;
	}
	if (!cmd->data.v) {
		terminal_cat_result(t, BIP_RES_VALUES_MISSING);
		return;
	}
	if (cmd->data.len > c->size - c->tx_len) {
		terminal_cat_bip_error(t, BIP_ERR_BUFFER);
		return;
	}
	memcpy(c->tx + c->tx_len, cmd->data.v, cmd->data.len);
	c->tx_len += cmd->data.len;
	if (cmd->qualifier & 1 && c->udp) {	/* "send now" ends a datagram */
		terminal_air_datagram(c, true, c->tx, c->tx_len);
		c->tx_len = 0;
	} else if (cmd->qualifier & 1) {
		c->tx_end = c->tx_len;
		network_after_commit(t->net, terminal_chan_release, c);
	}
	r.data_len = terminal_chan_count(c->size - c->tx_len);
	terminal_cat_respond(t, &r);
}

void terminal_chan_receive(struct terminal *t, const struct bip_cmd *cmd)
{
	struct terminal_chan *c = terminal_chan_of(t, cmd);
	struct bip_resp r = { .has_data_len = true };
	uint8_t data[BIP_DATA_MAX];
	size_t n;

	if (!c)
		return;
	if (c->state == TERMINAL_CHAN_DROPPED && !c->rx_len) {
		terminal_cat_bip_error(t, BIP_ERR_CLOSED);
		return;
	}
	n = OSMO_MIN(OSMO_MIN((size_t)cmd->data_len, c->rx_len), sizeof(data));
	memcpy(data, c->rx, n);
	memmove(c->rx, c->rx + n, c->rx_len - n);
	c->rx_len -= n;
	c->data_event = c->data_event && c->rx_len;
	r.result = n ? BIP_RES_OK : BIP_RES_MISSING_INFO;
	r.data = (struct bip_str){ data, n };
	r.data_len = terminal_chan_count(c->rx_len);
	if (c->udp)
		terminal_air_next(c);
	terminal_chan_watch(c);
	terminal_cat_respond(t, &r);
}

void terminal_chan_close_cmd(struct terminal *t, const struct bip_cmd *cmd)
{
	struct terminal_chan *c = terminal_chan_of(t, cmd);

	if (!c)
		return;
	/* what the card has released for sending goes out if the kernel takes it; a close does not wait for the peer */
	if (c->state == TERMINAL_CHAN_OPEN && c->tx_go)
		terminal_chan_write(c);
	terminal_air_close(c);
	terminal_chan_free(c);
	terminal_cat_result(t, BIP_RES_OK);
}

void terminal_chan_status(struct terminal *t)
{
	struct bip_resp r = {};

	for (int i = TERMINAL_CHANNELS - 1; i >= 0; i--) {
		struct terminal_chan *c = t->chan[i];

		if (!c)
			continue;
		r.has_channel = true;
		r.channel = c->id | (c->state == TERMINAL_CHAN_OPEN ? TERMINAL_CHAN_LINK : 0);
		r.channel_info = c->state == TERMINAL_CHAN_DROPPED ? TERMINAL_CHAN_INFO_DROPPED : 0;
	}
	terminal_cat_respond(t, &r);
}

/* --- events --- */

static bool terminal_chan_event_data(struct terminal *t, struct terminal_chan *c)
{
	struct bip_env e = { .tag = BIP_ENV_EVENT, .event = BIP_EV_DATA_AVAILABLE, .src = BIP_DEV_TERMINAL,
			     .dst = BIP_DEV_UICC, .has_channel = true, .channel = TERMINAL_CHAN_LINK | c->id,
			     .has_data_len = true, .data_len = terminal_chan_count(c->rx_len) };

	c->data_event = false;
	if (!terminal_wants(t, BIP_EV_DATA_AVAILABLE))
		return false;
	terminal_envelope(t, &e);
	return true;
}

static bool terminal_chan_event_drop(struct terminal *t, struct terminal_chan *c)
{
	struct bip_env e = { .tag = BIP_ENV_EVENT, .event = BIP_EV_CHANNEL_STATUS, .src = BIP_DEV_TERMINAL,
			     .dst = BIP_DEV_UICC, .has_channel = true, .channel = c->id,
			     .channel_info = TERMINAL_CHAN_INFO_DROPPED };

	terminal_chan_free(c);
	if (!terminal_wants(t, BIP_EV_CHANNEL_STATUS))
		return false;
	terminal_envelope(t, &e);
	return true;
}

bool terminal_chan_event(struct terminal *t)
{
	for (int i = 0; i < TERMINAL_CHANNELS; i++) {
		struct terminal_chan *c = t->chan[i];

		if (c && c->data_event && terminal_chan_event_data(t, c))
			return true;
		if (c && c->drop_event && !c->rx_len && terminal_chan_event_drop(t, c))
			return true;
	}
	return false;
}
