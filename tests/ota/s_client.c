/* See s_client.h.  SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include "session_help.h"
#include "s_client.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void s_client_start(struct s_client *c, const char *suite)
{
	int in[2], out[2];
	char addr[32];

	memset(c, 0, sizeof(*c));
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	snprintf(addr, sizeof(addr), "127.0.0.1:%u", card_sessions_scp81_port(W->cs));
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (!c->pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execlp("openssl", "openssl", "s_client", "-connect", addr, "-tls1_2", "-cipher", suite, "-psk_identity",
		       IDENTITY, "-psk", "202122232425262728292a2b2c2d2e2f", "-maxfraglen", "512", "-quiet", NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	c->in = in[1];
	c->out = out[0];
	fcntl(c->out, F_SETFL, O_NONBLOCK);
}

void s_client_write(struct s_client *c, const void *data, size_t len)
{
	assert_int_equal(write(c->in, data, len), len);
}

void s_client_await(struct s_client *c, const char *end)
{
	unsigned i;
	ssize_t n;

	c->len = 0;
	for (i = 0; i < 1000; i++) {
		world_spin(10);
		n = read(c->out, c->buf + c->len, sizeof(c->buf) - c->len - 1);
		if (n > 0)
			c->len += n;
		c->buf[c->len] = '\0';
		if (memmem(c->buf, c->len, end, strlen(end)))
			return;
	}
	fail_msg("no '%s' came, but %zu octets", end, c->len);
}

void s_client_end(struct s_client *c)
{
	close(c->in);
	close(c->out);
	kill(c->pid, SIGTERM);
	waitpid(c->pid, NULL, 0);
}
