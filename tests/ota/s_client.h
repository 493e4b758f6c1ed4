/* A card's TLS end that is not ours: openssl s_client under the PSK of the worked examples (spec/vectors/scp81.json).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct s_client {
	pid_t pid;
	int in, out;
	char buf[65536];
	size_t len;
};

void s_client_start(struct s_client *c, const char *suite);
void s_client_write(struct s_client *c, const void *data, size_t len);
void s_client_await(struct s_client *c, const char *end);	/* until the text has arrived; the answer is in buf */
void s_client_end(struct s_client *c);
