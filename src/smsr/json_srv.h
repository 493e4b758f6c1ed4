/* JSON over HTTPS for fleet owners: what ES4 offers, at /v1 (doc/json.md).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "json_op.h"
#include "json_text.h"

#define JSON_TOKENS_MAX 2	/* of one party: the next one while the last is being replaced */
#define JSON_TOKEN_OCTETS 32

struct json_party {		/* what a party has beside its settings for ES4 */
	struct llist_head entry;
	char id[OID_STR_SIZE];
	uint8_t token[JSON_TOKENS_MAX][32]; unsigned n_tokens;	/* SHA-256 of each */
	char *hook_url, *hook_secret;	/* secret: a file */
};
struct json_cfg {
	char *ip;			/* NULL: no such interface */
	uint16_t port;
	unsigned max_waits;		/* for events, of all parties together; 0: 256 */
	unsigned keep_days;		/* finished operations; 0: 30 */
	unsigned hook_give_up_s;	/* 0: a day */
	char *hook_ca;			/* who signs the webhooks' certificates; NULL: tls ca */
	struct llist_head parties;	/* struct json_party */
};
void json_cfg_init(struct json_cfg *cfg);
struct json_party *json_party_get(void *ctx, struct json_cfg *cfg, const char *id, bool make);
void json_party_del(struct json_cfg *cfg, const char *id);

struct json_srv;
struct json_srv_cfg {
	struct json_cfg *cfg;		/* stays the owner's, may change meanwhile */
	const char *cert_file, *key_file, *ca_file, *crl_file;
	struct euiccs *reg;
};
struct json_srv *json_srv_new(void *ctx, const struct json_srv_cfg *cfg);	/* NULL and a log line */
int json_srv_start(struct json_srv *s);			/* after the link resumed: the listener */
void json_srv_resumed(struct json_srv *s, struct es_req *req);
void json_srv_changed(struct json_srv *s);		/* tokens or webhooks have */
int json_srv_reload(struct json_srv *s);		/* certificates read anew */
uint16_t json_srv_port(const struct json_srv *s);
char *json_srv_describe(struct json_srv *s, void *ctx);	/* `show json` */

/* Between json_srv.c and json_api.c: one table is dispatched from and described by the OpenAPI document. */
struct json_call;
struct json_route {
	const char *method, *path;	/* {eid} {iccid} {id} */
	const char *id, *summary;
	const char *query;		/* names, blanks between; NULL: none */
	bool body, idempotent;
	unsigned ok;			/* status */
	const char *schema;		/* of the answer; NULL: text/event-stream, or any JSON */
	const char *errors;		/* statuses, blanks between; every route has 401 and 429 */
	void (*handle)(struct json_call *c);
};
char *json_api_document(void *ctx, const struct json_route *routes, size_t n);
