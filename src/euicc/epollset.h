/* Many sockets behind one osmo_fd: a nested epoll (osmo_select is poll(), 10,000 descriptors there cost 4 ms a turn).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdint.h>
#include <sys/epoll.h>

struct epollset;

struct epollset_fd {
	int fd;			/* -1: not in the set */
	uint32_t events;	/* EPOLLIN | EPOLLOUT; 0: not even hang-ups are reported */
	void (*cb)(struct epollset_fd *e, uint32_t events);
	void *data;
};

/* The epoll descriptor is made with the first socket. Free after all sockets are out. */
struct epollset *epollset_new(void *ctx);
int epollset_add(struct epollset *s, struct epollset_fd *e);
void epollset_events(struct epollset *s, struct epollset_fd *e, uint32_t events);
/* Takes it out (also from within any callback) and closes the socket. */
void epollset_close(struct epollset *s, struct epollset_fd *e);
unsigned epollset_count(const struct epollset *s);
