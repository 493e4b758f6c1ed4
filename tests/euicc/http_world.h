/* A card on its rig, the project's HTTPS server, and between them a modem with one real TCP connection.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "card_rig.h"

#include <osmocom/rsp/net/http.h>
#include <osmocom/rsp/ota/scp81_msg.h>

#define WORLD_PSK "202122232425262728292A2B2C2D2E2F"
#define WORLD_PSK_ID "8001028110890010120123412340123456789012244F10A0000005591010FFFFFFFF8900000100820101830140"
#define WORLD_FROM "//se-id/eid/89001012012341234012345678901224;//aa-id/aid/A000000559/1010FFFFFFFF8900000100"

struct world {
	struct rig *r;
	struct http_srv *srv;
	struct http_req *held;		/* request not yet answered */
	unsigned requests, gone;
	const char *psk;
	/* the modem's channel */
	int fd;
	uint8_t rx[65536];
	size_t rx_len;
	bool eof;
};

struct world *world_new(const char *psk);	/* attached, first notification long done */
void world_free(struct world *w);
void world_turn(struct world *w);
void world_event(struct world *w, uint8_t ev, uint8_t channel, uint8_t info, uint8_t len);
/* Until there are so many requests; the one not yet answered. */
struct http_req *world_await(struct world *w, unsigned requests);
void world_await_idle(struct world *w);
void world_respond(struct world *w, unsigned status, const char *next, const char *target, const struct bytes *body);
void world_respond_hex(struct world *w, const char *next, const char *target, const char *script);
void world_trigger(struct world *w);		/* two retries, 60 s apart */
void world_body_is(struct http_req *req, const char *hex);
