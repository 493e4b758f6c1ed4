/* What the tests of net/ share: a server whose owner keeps or answers requests, a client that notes its results, foreign
 * programs run beside the select loop.  SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <osmocom/rsp/net/http.h>

#define HELP_MAX 512

struct help {
	void *ctx;
	struct http_srv *srv;
	bool hold;			/* keep requests instead of answering */
	bool echo;			/* answer with the body, else with `answer` */
	unsigned status;
	const char *location;
	const uint8_t *answer;
	size_t answer_len;
	struct http_req *held[HELP_MAX];
	unsigned n_held, n_req, n_gone, n_psk_asked;
	unsigned long last_conn;
	char last_path[128], last_query[128], last_fpr[80], last_psk[140], last_type[64];
	size_t last_len;
	/* client side */
	unsigned n_done;
	int last_status;
	size_t last_answer_len;
	uint8_t last_answer[8192];
	char dir[64];			/* temporary directory */
};

struct help *help_new(void);
void help_free(struct help *h);
/* cfg with the callbacks of help on a free loopback port. */
struct http_srv_cfg help_srv_cfg(struct help *h);
void help_answer_all(struct help *h);
void help_done(void *priv, int status, const uint8_t *body, size_t len);
/* Turn the select loop until *what >= want; fails the test after timeout_ms. */
void help_wait(const unsigned *what, unsigned want, unsigned timeout_ms);
void help_spin(unsigned ms);
/* Run a shell command while the loop turns: its exit status; its output in *out (talloc of h). */
int help_run(struct help *h, char **out, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int help_connect(uint16_t port);
