// SPDX-License-Identifier: AGPL-3.0-or-later
/* A clock that a test shares among unmodified processes (LD_PRELOAD): when every one of them waits for nothing but a
 * timer, the clock of all jumps to the next one. CPU time stays real; waiting costs nothing, so that a run with the
 * default timers, or a day of a fleet, takes as long as its work takes.
 *
 * RSP_VCLOCK=FILE      the shared state, a file of sizeof(struct shared) octets, made by the first process
 * RSP_VCLOCK_MIN=N     jump only while at least N processes are alive (a killed daemon stops the jumping till it is back)
 * RSP_VCLOCK_DRIVER=1  jump only while such a process is alive (who waits for an answer; between two of them time is real)
 *
 * Nothing may be on its way in the kernel while all wait: TCP sockets are not corked and do not wait for acknowledgements
 * (Nagle), so that what is written on loopback is at once readable at the other end.
 *
 * A jump is safe: the process that wants it asks all (ask), each looks at its descriptors after being asked and agrees
 * only when there is nothing (agreed); who found something to do has counted up `woken`, and the jump is off. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 64
#define SLICE_NS 300000		/* how long a waiting process sleeps before it looks at the clock again */
#define QUANTUM_NS 2000000	/* a jump goes a little past the next timer, so that timers close together are one jump */
#define NEVER INT64_MAX

struct slot {
	_Atomic int used;		/* a live owner holds a lock on octet `index` of the file */
	_Atomic int idle;
	_Atomic int driver;
	_Atomic int64_t deadline;	/* ns on the shared CLOCK_MONOTONIC */
	_Atomic uint64_t agreed;	/* last `ask` to which the descriptors had nothing to say */
};

struct shared {
	_Atomic int64_t offset;		/* ns that the shared clock is ahead of the real one */
	_Atomic uint64_t ask, woken, jumps;
	struct slot slot[SLOTS];
};

static struct shared *g_shared;
static struct slot *g_me;
static int g_fd = -1, g_min;
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_ppoll)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);

static int lock_op(int cmd, int index, struct flock *fl)
{
	*fl = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = index, .l_len = 1 };
	return fcntl(g_fd, cmd, fl);
}

static bool slot_alive(int i)
{
	struct flock fl;

	if (&g_shared->slot[i] == g_me)
		return true;
	if (!atomic_load(&g_shared->slot[i].used))
		return false;
	if (lock_op(F_OFD_GETLK, i, &fl) == 0 && fl.l_type == F_UNLCK) {
		atomic_store(&g_shared->slot[i].used, 0);
		return false;
	}
	return true;
}

__attribute__((constructor)) static void vclock_start(void)
{
	const char *path = getenv("RSP_VCLOCK"), *min = getenv("RSP_VCLOCK_MIN");
	struct flock fl;

	real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	real_ppoll = dlsym(RTLD_NEXT, "ppoll");
	if (!path || (g_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0)
		return;
	if (ftruncate(g_fd, sizeof(struct shared)) != 0)
		return;
	g_shared = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, g_fd, 0);
	if (g_shared == MAP_FAILED) {
		g_shared = NULL;
		return;
	}
	g_min = min ? atoi(min) : 1;
	for (int i = 0; i < SLOTS; i++) {
		if (lock_op(F_OFD_SETLK, i, &fl) != 0)
			continue;
		g_me = &g_shared->slot[i];
		atomic_store(&g_me->idle, 0);
		atomic_store(&g_me->driver, getenv("RSP_VCLOCK_DRIVER") != NULL);
		atomic_store(&g_me->used, 1);
		atomic_fetch_add(&g_shared->woken, 1);
		return;
	}
	g_shared = NULL;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	real_clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec + atomic_load(&g_shared->offset);
}

/* All are idle and have agreed to `ask`, enough of them are alive and one is a driver: the earliest deadline, else NEVER. */
static int64_t all_wait(uint64_t ask)
{
	int64_t first = NEVER;
	int alive = 0, drivers = 0;

	for (int i = 0; i < SLOTS; i++) {
		struct slot *s = &g_shared->slot[i];

		if (!slot_alive(i))
			continue;
		alive++;
		drivers += atomic_load(&s->driver);
		if (!atomic_load(&s->idle) || (ask && atomic_load(&s->agreed) < ask))
			return NEVER;
		if (atomic_load(&s->deadline) < first)
			first = atomic_load(&s->deadline);
	}
	return alive >= g_min && drivers ? first : NEVER;
}

/* One step towards a jump; called by whoever waits, each SLICE. `*asked` and `*woken` are the caller's open question. */
static void try_jump(uint64_t *asked, uint64_t *woken)
{
	int64_t first, now = now_ns(), offset = atomic_load(&g_shared->offset);

	if (!*asked || *woken != atomic_load(&g_shared->woken)) {
		*asked = 0;
		*woken = atomic_load(&g_shared->woken);
		if (all_wait(0) != NEVER)
			*asked = atomic_fetch_add(&g_shared->ask, 1) + 1;
		return;
	}
	first = all_wait(*asked);
	if (first == NEVER || first <= now || *woken != atomic_load(&g_shared->woken))
		return;
	*asked = 0;
	if (atomic_compare_exchange_strong(&g_shared->offset, &offset, offset + first - now + QUANTUM_NS))
		atomic_fetch_add(&g_shared->jumps, 1);
}

/* Waits until a descriptor is ready or the shared clock has passed timeout_ns (< 0: for ever). */
static int wait_fds(struct pollfd *fds, nfds_t n, int64_t timeout_ns, const sigset_t *mask)
{
	const struct timespec none = { 0 }, slice = { .tv_nsec = SLICE_NS };
	int64_t deadline = timeout_ns < 0 ? NEVER : now_ns() + timeout_ns;
	uint64_t asked = 0, woken = 0, ask;
	int rc = real_ppoll(fds, n, &none, mask), err;

	if (rc != 0 || timeout_ns == 0)
		return rc;
	atomic_store(&g_me->deadline, deadline);
	atomic_store(&g_me->idle, 1);
	do {
		ask = atomic_load(&g_shared->ask);
		rc = real_ppoll(fds, n, &none, mask);
		if (rc == 0) {
			atomic_store(&g_me->agreed, ask);
			try_jump(&asked, &woken);
			if (now_ns() >= deadline)
				break;
			rc = real_ppoll(fds, n, &slice, mask);
		}
	} while (rc == 0);
	err = errno;
	atomic_store(&g_me->idle, 0);
	atomic_fetch_add(&g_shared->woken, 1);
	errno = err;
	return rc;
}

static int real_wait(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
	if (!g_shared)
		return real_ppoll(fds, n, timeout, mask);
	return wait_fds(fds, n, timeout && timeout->tv_sec < 1000000000 ? timeout->tv_sec * 1000000000LL + timeout->tv_nsec : -1,
			mask);
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	struct timespec ts = { timeout / 1000, timeout % 1000 * 1000000L };

	return real_wait(fds, n, timeout < 0 ? NULL : &ts, NULL);
}

int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t len);
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t len)
{
	return n * sizeof(*fds) > len ? (errno = EFAULT, -1) : poll(fds, n, timeout);
}

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
	return real_wait(fds, n, timeout, mask);
}

int nanosleep(const struct timespec *want, struct timespec *left)
{
	if (left)
		*left = (struct timespec){ 0 };
	return real_wait(NULL, 0, want, NULL);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *want, struct timespec *left)
{
	struct timespec now, rel = *want;

	if (flags & TIMER_ABSTIME) {
		clock_gettime(clock, &now);
		rel.tv_sec -= now.tv_sec;
		rel.tv_nsec -= now.tv_nsec;
		if (rel.tv_nsec < 0)
			rel = (struct timespec){ rel.tv_sec - 1, rel.tv_nsec + 1000000000L };
		if (rel.tv_sec < 0)
			return 0;
	}
	return nanosleep(&rel, left) == 0 ? 0 : errno;
}

int usleep(useconds_t us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000L };

	return nanosleep(&ts, NULL);
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int rc;
	int64_t ns;

	if (!real_clock_gettime)
		real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	rc = real_clock_gettime(clock, ts);
	if (rc != 0 || !g_shared || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
		return rc;
	ns = ts->tv_sec * 1000000000LL + ts->tv_nsec + atomic_load(&g_shared->offset);
	*ts = (struct timespec){ ns / 1000000000LL, ns % 1000000000LL };
	return 0;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec ts;

	(void)tz;
	clock_gettime(CLOCK_REALTIME, &ts);
	*tv = (struct timeval){ ts.tv_sec, ts.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *out)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (out)
		*out = ts.tv_sec;
	return ts.tv_sec;
}

static int without_delay(int fd)
{
	static int (*real)(int, int, int, const void *, socklen_t);
	int err = errno;

	if (!real)
		real = dlsym(RTLD_NEXT, "setsockopt");
	if (fd >= 0 && g_shared)
		real(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	errno = err;
	return fd;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	static int (*real)(int, int, int, const void *, socklen_t);

	if (!real)
		real = dlsym(RTLD_NEXT, "setsockopt");
	if (g_shared && level == IPPROTO_TCP && (name == TCP_NODELAY || name == TCP_CORK))
		return 0;
	return real(fd, level, name, value, len);
}

int socket(int domain, int type, int protocol)
{
	static int (*real)(int, int, int);

	if (!real)
		real = dlsym(RTLD_NEXT, "socket");
	return without_delay(real(domain, type, protocol));
}

int accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	static int (*real)(int, struct sockaddr *, socklen_t *);

	if (!real)
		real = dlsym(RTLD_NEXT, "accept");
	return without_delay(real(fd, addr, len));
}

int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	static int (*real)(int, struct sockaddr *, socklen_t *, int);

	if (!real)
		real = dlsym(RTLD_NEXT, "accept4");
	return without_delay(real(fd, addr, len, flags));
}
