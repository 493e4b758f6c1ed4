/* The HTTP server as the card sessions see it, played by the test.  SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/net/http.h>

struct http_req {
	char method[8], path[64], query[700];
	char identity[140], from[140], status[64];
	bool has_from, has_status, resume;
	uint8_t body[512];
	size_t body_len;
	void *priv;
	/* the answer */
	unsigned n_answers, code;
	char next_uri[200], target[80], type[100], protocol[64];
	uint8_t answer[8192];
	size_t answer_len;
	bool close, gone;
	unsigned long conn;		/* all on one connection, unless the test says otherwise */
};

/* A POST of the card with EID; uri NULL: the first one. It lives until the world ends. */
struct http_req *card_post(const char *uri, const char *status, const char *body_hex);
struct http_req *card_request(void);			/* the same, not yet delivered: to be changed first */
void card_deliver(struct http_req *req);
void card_gone(struct http_req *req);
void card_closed(const struct http_req *req);		/* its connection, after the answer */
int card_psk(const char *identity, uint8_t *psk);

#define OK_BODY "AF80230290000000"
struct owner;
struct card_cmd card_download(struct owner *o);
/* A command that must go by HTTPS, and the card that comes for it. */
struct http_req *card_opened(struct owner *o, const struct card_cmd *c);
