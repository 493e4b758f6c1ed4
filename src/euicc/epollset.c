/* Nested epoll: one osmo_fd for all channel sockets of a process (design 2 "many connections").
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <unistd.h>

#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>

#include "epollset.h"

#define EPOLLSET_BATCH 64	/* events handled in one turn of the loop */

struct epollset {
	struct osmo_fd ofd;
	unsigned count;
	struct epoll_event *batch;	/* under way: an entry closed by a callback is blanked */
	int batch_len;
};

static int epollset_fd_cb(struct osmo_fd *ofd, unsigned int what)
{
	struct epollset *s = ofd->data;
	struct epoll_event batch[EPOLLSET_BATCH];

	s->batch_len = epoll_wait(ofd->fd, batch, EPOLLSET_BATCH, 0);
	s->batch = batch;
	for (int i = 0; i < s->batch_len; i++) {
		struct epollset_fd *e = batch[i].data.ptr;

		if (e)
			e->cb(e, batch[i].events);
	}
	s->batch = NULL;
	s->batch_len = 0;
	return 0;
}

static int epollset_destroy(struct epollset *s)
{
	if (s->ofd.fd >= 0) {
		osmo_fd_unregister(&s->ofd);
		close(s->ofd.fd);
	}
	return 0;
}

struct epollset *epollset_new(void *ctx)
{
	struct epollset *s = talloc_zero(ctx, struct epollset);

	if (!s)
		return NULL;
	s->ofd.fd = -1;
	talloc_set_destructor(s, epollset_destroy);
	return s;
}

static int epollset_open(struct epollset *s)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -errno;
	osmo_fd_setup(&s->ofd, fd, OSMO_FD_READ, epollset_fd_cb, s, 0);
	if (osmo_fd_register(&s->ofd) == 0)
		return 0;
	close(fd);
	s->ofd.fd = -1;
	return -EMFILE;
}

static void epollset_forget(struct epollset *s, struct epollset_fd *e)
{
	if (e->events)
		epoll_ctl(s->ofd.fd, EPOLL_CTL_DEL, e->fd, NULL);
	e->events = 0;
	for (int i = 0; i < s->batch_len; i++) {
		if (s->batch[i].data.ptr == e)
			s->batch[i].data.ptr = NULL;
	}
}

int epollset_add(struct epollset *s, struct epollset_fd *e)
{
	struct epoll_event ev = { .events = e->events, .data.ptr = e };

	if (s->ofd.fd < 0 && epollset_open(s) < 0)
		return -EMFILE;
	if (e->events && epoll_ctl(s->ofd.fd, EPOLL_CTL_ADD, e->fd, &ev) < 0)
		return -errno;
	s->count++;
	return 0;
}

void epollset_events(struct epollset *s, struct epollset_fd *e, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = e };

	if (e->fd < 0 || e->events == events)
		return;
	if (!events) {	/* a watched socket would report a hang-up all the time */
		epollset_forget(s, e);
		return;
	}
	epoll_ctl(s->ofd.fd, e->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, e->fd, &ev);
	e->events = events;
}

void epollset_close(struct epollset *s, struct epollset_fd *e)
{
	if (e->fd < 0)
		return;
	epollset_forget(s, e);
	close(e->fd);
	e->fd = -1;
	s->count--;
}

unsigned epollset_count(const struct epollset *s)
{
	return s->count;
}
