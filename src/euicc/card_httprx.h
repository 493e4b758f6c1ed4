/* Bounded parser of one HTTP/1.1 response, octets arriving in any pieces. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <osmocom/rsp/util/bytes.h>

#define CARD_HTTPRX_BODY_MAX (2U << 20)

struct card_httprx {
	unsigned status;
	char next_uri[256], target[80];
	struct bytes *body;		/* may be empty */
	/* inside */
	int state;
	char line[512];
	size_t line_len;
	size_t left;			/* octets of the chunk or body still to come */
	unsigned n_lines;
	bool chunked, has_length;
};

struct card_httprx *card_httprx_new(void *ctx);	/* talloc object */
/* 1: response complete (*used octets taken), 0: all taken, more wanted, negative: not HTTP or over a limit. */
int card_httprx_feed(struct card_httprx *r, const uint8_t *data, size_t len, size_t *used);
