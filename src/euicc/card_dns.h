/* Names resolved by the card itself, over a UDP channel: RFC 1035, RFC 3596; SGP.02 2.4.5; ota-transport digest 9.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes;
struct card;
struct card_dns;

void card_dns_reset(struct card *c);
/* done(c, true): card_dns_address() has one. Also at once, when what was learned before still holds. */
void card_dns_resolve(struct card *c, const char *fqdn, const char *server_ip, uint16_t server_port,
		      void (*done)(struct card *c, bool ok));
void card_dns_cancel(struct card *c);
/* One of the addresses, another at each call: those that do not answer are left behind. */
const char *card_dns_address(struct card *c);
void card_dns_timeout(struct card *c);

/* card_dns_msg.c */
#define CARD_DNS_MAX 8			/* addresses kept */
#define CARD_DNS_NAME 256
enum card_dns_type { CARD_DNS_A = 1, CARD_DNS_CNAME = 5, CARD_DNS_AAAA = 28 };
struct card_dns_answer {
	unsigned n;
	char ip[CARD_DNS_MAX][46];
	uint32_t ttl;			/* seconds, the smallest of them */
};
/* -EINVAL: not a host name. */
int card_dns_query_enc(struct bytes *out, uint16_t id, const char *fqdn, enum card_dns_type type);
/* 0 and the addresses (n 0: there are none of this type), -ENOENT no such name, -EAGAIN the server cannot now,
 * -EINVAL not an answer to this query. */
int card_dns_answer_dec(struct card_dns_answer *a, uint16_t id, const char *fqdn, enum card_dns_type type,
			const uint8_t *in, size_t len);
