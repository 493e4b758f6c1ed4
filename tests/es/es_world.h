/* Two links in one process over loopback TLS with certificates made by openssl: an operator and an SM-SR.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "es_help.h"
#include "../../src/es/es_link_priv.h"

#define OP "1.3.6.1.4.1.30"
#define SR "1.3.6.1.4.1.20"

enum mode { LATER, OK_NOW, FAIL_NOW };

struct node {
	const char *id, *name;
	char *db_path;
	struct sqldb *db;
	struct es_link *l;
	uint16_t port;
	bool no_callback;	/* calls carry no ReplyTo */
	bool poll;		/* ... or one of WS-MakeConnection */
	struct es_link_limits limits;
	void (*trace)(void *priv, bool in, const uint8_t *data, size_t len);
	int rc;
	enum mode mode;
	int64_t req[32];
	char order[64];		/* last digit of the FunctionCallIdentifier of each request */
	unsigned n_req, n_resumed, n_resp, n_notif;
	char tag[64], why[64], message_id[256];
	int status;		/* es_status of the last response, -1: none */
	enum es_reason reason;
	size_t data_len;
	uint32_t acceptable;
};

extern void *root;
extern char *dir;
extern struct node op, sr;

void answer(struct node *n, int64_t id);
char *path(const char *name, const char *ext);
char *fingerprint(const char *name);
void peer_add(struct node *n, const struct node *other, enum es_role role);
void node_open(struct node *n);
void node_close(struct node *n);
void peers(void);
void turn(void);
uint64_t mono_ms(void);
void wait_for(const unsigned *what, unsigned want);
void spin(unsigned ms);
int group_setup(void **state);
int group_teardown(void **state);
int setup(void **state);
int teardown(void **state);
void both(void);
struct es_msg *request(enum es_func func, const char *fcid);
void call(enum es_func func, const char *tag);
void expect(const char *tag, int status, enum es_reason reason);

/* What is no message of ours, to sr.port: the HTTP status; what came back is in raw_body. */
extern char raw_body[8192];
/* curl with these arguments (%s in url: host and port) while both links run: its exit status; "out" has what came. */
int curl(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *curl_out(void);
int raw(struct http_cli *cli, const char *type, const char *body);
struct http_cli *raw_cli(const char *cert_name);
