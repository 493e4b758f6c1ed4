/* The telnet side of OsmoHLR's VTY. It sends a banner and a prompt, is told "enable", and then answers each command
 * with its echo, lines, and a prompt. The echo of a command with keys is a secret like the command: buffers are wiped.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>

#include <osmocom/core/select.h>
#include <osmocom/core/socket.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/misc.h>

#include "hlr_link.h"

#define RX_MAX		4096	/* octets of one answer and its echo; more is not an answer of ours */
#define TX_MAX		256
#define PROMPT_MAX	64
#define IAC		0xFF	/* telnet: a command of two more octets */

enum state { DOWN, CONNECTING, BANNER, ENABLE, ANSWER, READY };

struct hlr_link {
	struct osmo_fd ofd;
	struct osmo_timer_list timer;
	enum state state;
	hlr_link_cb cb;
	void *priv;
	char cmd[TX_MAX];
	char rx[RX_MAX + 1];
	size_t n;
	unsigned skip;		/* octets left of a telnet command */
};

static void wipe_rx(struct hlr_link *l)
{
	secret_wipe(l->rx, sizeof(l->rx));
	l->n = 0;
}

void hlr_link_close(struct hlr_link *l)
{
	osmo_timer_del(&l->timer);
	if (l->ofd.fd >= 0) {
		osmo_fd_unregister(&l->ofd);
		close(l->ofd.fd);
		l->ofd.fd = -1;
	}
	secret_wipe(l->cmd, sizeof(l->cmd));
	wipe_rx(l);
	l->skip = 0;
	l->state = DOWN;
}

static void fail(struct hlr_link *l, const char *why)
{
	bool owed = l->state != READY && l->state != DOWN;

	hlr_link_close(l);
	if (owed)
		l->cb(l->priv, NULL, why);
}

static int say(struct hlr_link *l, const char *text)
{
	char line[TX_MAX + 2];
	int n = snprintf(line, sizeof(line), "%s\n", text), rc;

	wipe_rx(l);
	rc = send(l->ofd.fd, line, n, MSG_NOSIGNAL);	/* a few octets on an idle connection: all or nothing */
	secret_wipe(line, sizeof(line));
	return rc == n ? 0 : -EIO;
}

static int say_cmd(struct hlr_link *l)
{
	l->state = ANSWER;
	return say(l, l->cmd);
}

/* "OsmoHLR> " or "OsmoHLR# ", alone in the last line: 0, '>' or '#'. */
static char prompt(const struct hlr_link *l)
{
	const char *last = strrchr(l->rx, '\n');
	size_t n;

	last = last ? last + 1 : l->rx;
	n = strlen(last);
	if (n < 3 || n > PROMPT_MAX || last[n - 1] != ' ' || strcspn(last, " ") != n - 1)
		return 0;
	return last[n - 2] == '>' || last[n - 2] == '#' ? last[n - 2] : 0;
}

/* Between the echo's line and the prompt's. NULL: the echo is not what was sent. */
static const char *answer(struct hlr_link *l)
{
	size_t n = strlen(l->cmd);
	char *a = l->rx + n, *end = strrchr(l->rx, '\n');

	if (strncmp(l->rx, l->cmd, n) || strspn(a, "\r\n") == 0 || !end)
		return NULL;
	a += strspn(a, "\r");
	if (*a == '\n')
		a++;
	if (end < a)
		return "";
	*end = '\0';
	return a;
}

static void prompted(struct hlr_link *l, char p)
{
	char text[RX_MAX + 1];
	const char *a;

	switch (l->state) {
	case BANNER:
		l->state = ENABLE;
		if (say(l, "enable") < 0)
			fail(l, "the connection ended");
		break;
	case ENABLE:
		if (p != '#')
			fail(l, "OsmoHLR does not let us enable");
		else if (say_cmd(l) < 0)
			fail(l, "the connection ended");
		break;
	case ANSWER:
		a = answer(l);
		if (!a) {
			fail(l, "OsmoHLR's VTY answers something else than was said");
			break;
		}
		OSMO_STRLCPY_ARRAY(text, a);
		secret_wipe(l->cmd, sizeof(l->cmd));
		wipe_rx(l);
		osmo_timer_del(&l->timer);
		l->state = READY;
		l->cb(l->priv, text, NULL);
		secret_wipe(text, sizeof(text));
		break;
	default:
		wipe_rx(l);	/* nobody asked */
		break;
	}
}

static void take(struct hlr_link *l, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (l->skip)
			l->skip--;
		else if (b[i] == IAC)
			l->skip = 2;
		else if (b[i] && l->n < RX_MAX)
			l->rx[l->n++] = b[i];
	}
	l->rx[l->n] = '\0';
}

static int read_cb(struct hlr_link *l)
{
	uint8_t b[512];
	ssize_t n = recv(l->ofd.fd, b, sizeof(b), 0);
	char p;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		fail(l, "OsmoHLR closed the connection");
		return 0;
	}
	take(l, b, n);
	secret_wipe(b, sizeof(b));
	if (l->n == RX_MAX) {
		fail(l, "OsmoHLR's VTY says too much");
		return 0;
	}
	if (l->state == BANNER && strstr(l->rx, "Password: ")) {
		fail(l, "OsmoHLR's VTY asks for a password");
		return 0;
	}
	p = prompt(l);
	if (p)
		prompted(l, p);
	return 0;
}

static int fd_cb(struct osmo_fd *fd, unsigned what)
{
	struct hlr_link *l = fd->data;
	int err = 0;
	socklen_t len = sizeof(err);

	if (what & OSMO_FD_WRITE && l->state == CONNECTING) {
		if (getsockopt(fd->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 || err) {
			fail(l, "OsmoHLR's VTY cannot be connected");
			return 0;
		}
		osmo_fd_write_disable(fd);
		l->state = BANNER;
	}
	return what & OSMO_FD_READ ? read_cb(l) : 0;
}

static void timeout(void *data)
{
	struct hlr_link *l = data;

	fail(l,
	     l->ofd.fd < 0 || l->state == CONNECTING ? "OsmoHLR's VTY cannot be connected" : "OsmoHLR does not answer");
}

static int hlr_link_free(struct hlr_link *l)
{
	hlr_link_close(l);
	return 0;
}

struct hlr_link *hlr_link_new(void *ctx, hlr_link_cb cb, void *priv)
{
	struct hlr_link *l = talloc_zero(ctx, struct hlr_link);

	OSMO_ASSERT(l);
	l->cb = cb;
	l->priv = priv;
	osmo_fd_setup(&l->ofd, -1, OSMO_FD_READ | OSMO_FD_WRITE, fd_cb, l, 0);
	osmo_timer_setup(&l->timer, timeout, l);
	talloc_set_destructor(l, hlr_link_free);
	return l;
}

void hlr_link_cmd(struct hlr_link *l, const char *ip, uint16_t port, unsigned timeout_s, const char *cmd)
{
	int fd;

	OSMO_STRLCPY_ARRAY(l->cmd, cmd);
	osmo_timer_schedule(&l->timer, timeout_s, 0);
	if (l->state == READY) {
		if (say_cmd(l) < 0)
			osmo_timer_schedule(&l->timer, 0, 0);
		return;
	}
	l->state = CONNECTING;
	fd = osmo_sock_init(AF_UNSPEC, SOCK_STREAM, IPPROTO_TCP, ip, port, OSMO_SOCK_F_CONNECT | OSMO_SOCK_F_NONBLOCK);
	if (fd < 0) {
		osmo_timer_schedule(&l->timer, 0, 0);	/* said from the loop */
		return;
	}
	osmo_fd_setup(&l->ofd, fd, OSMO_FD_READ | OSMO_FD_WRITE, fd_cb, l, 0);
	if (osmo_fd_register(&l->ofd) < 0)
		osmo_timer_schedule(&l->timer, 0, 0);
}
