/* GET /v1/stock, /v1/stock/ICCID, /v1/types, /v1/batches, /v1/batches/N; POST /v1/batches?type=NAME with CSV. Who asks
 * is told by its TLS client certificate, the one it has on ES2; it must be an operator's.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/net/http.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/logging.h>

#include "stock_json.h"
#include "stock_srv.h"

#define BODY_MAX	(8U << 20)	/* a batch that waits in memory */
#define CONNS_MAX	64
#define LIMIT_DEFAULT	100

struct stock_srv {
	struct stock_srv_cfg cfg;
	struct http_srv *http;
};

struct call {
	struct stock_srv *s;
	struct http_req *req;
	const char *owner, *path, *method;
	void *ctx;
	unsigned status;
	char *body;
};

static const struct es_party *caller(struct stock_srv *s, struct http_req *req)
{
	for (struct es_party *p = es_party_next(s->cfg.link, NULL); p; p = es_party_next(s->cfg.link, p))
		if (p->role == ES_ROLE_OPERATOR && es_party_is_peer(p, req))
			return p;
	return NULL;
}

static void fail(struct call *c, unsigned status, const char *why)
{
	c->status = status;
	c->body = stock_json_error(c->ctx, why);
}

static void found(struct call *c, char *body)
{
	if (!body) {
		fail(c, 404, "there is no such thing, or it is not yours");
		return;
	}
	c->status = 200;
	c->body = body;
}

/* One value of the query; names and values of ours need no %. */
static const char *query(struct call *c, const char *name)
{
	const char *q = http_req_query(c->req);
	size_t n = strlen(name);

	for (; q && *q; q = strchr(q, '&') ? strchr(q, '&') + 1 : NULL)
		if (!strncmp(q, name, n) && q[n] == '=')
			return talloc_strndup(c->ctx, q + n + 1, strcspn(q + n + 1, "&"));
	return NULL;
}

static void get_profiles(struct call *c)
{
	const char *after = query(c, "after"), *limit = query(c, "limit");
	int n = limit ? atoi(limit) : LIMIT_DEFAULT;

	if (n < 1 || n > STOCK_JSON_LIMIT || (after && !digits_valid(after, 1, 20)))
		fail(c, 400, "limit is 1 to 1000, after an ICCID");
	else
		found(c, stock_json_profiles(c->ctx, c->s->cfg.db, c->owner, after ? : "", n));
}

static void post_batch(struct call *c)
{
	const char *type = query(c, "type"), *err;
	const uint8_t *body;
	size_t len;
	int64_t id;

	body = http_req_body(c->req, &len);
	if (!type) {
		fail(c, 400, "of which type? POST /v1/batches?type=NAME");
		return;
	}
	if (!len) {	/* 429 would have it tried again */
		fail(c, 400, "the body is the batch, CSV");
		return;
	}
	id = stock_batches_import_text(c->s->cfg.batches, c->owner, type, body, len, &err);
	if (id < 0) {
		fail(c, id == -ENOSPC ? 429 : id == -ENOENT ? 404 : 500, err);
		return;
	}
	c->status = 202;
	c->body = stock_json_id(c->ctx, id);
}

static void dispatch(struct call *c)
{
	struct smdp_db *db = c->s->cfg.db;
	bool get = !strcmp(c->method, "GET");

	if (!get && strcmp(c->method, "POST"))
		fail(c, 405, "GET or POST");
	else if (!strcmp(c->path, "/v1/batches") && !get)
		post_batch(c);
	else if (!get)
		fail(c, 405, "only /v1/batches takes a POST");
	else if (!strcmp(c->path, "/v1/stock"))
		get_profiles(c);
	else if (!strcmp(c->path, "/v1/stock/summary"))
		found(c, stock_json_summary(c->ctx, db, c->owner));
	else if (!strncmp(c->path, "/v1/stock/", 10))
		found(c, stock_json_profile(c->ctx, db, c->owner, c->path + 10));
	else if (!strcmp(c->path, "/v1/types"))
		found(c, stock_json_types(c->ctx, db, c->owner));
	else if (!strcmp(c->path, "/v1/batches"))
		found(c, stock_json_batches(c->ctx, db, c->owner));
	else if (!strncmp(c->path, "/v1/batches/", 12))
		found(c, stock_json_batch(c->ctx, db, c->owner, strtoll(c->path + 12, NULL, 10)));
	else
		fail(c, 404, "see /v1/stock, /v1/types, /v1/batches");
}

static unsigned stock_srv_begin(void *priv, struct http_req *req)
{
	if (caller(priv, req))
		return 0;
	counter_inc(CTR_ES_STRANGER);
	LOGP(DES, LOGL_NOTICE, "JSON, %s: the certificate is no operator's\n", http_req_peer_addr(req));
	return 403;
}

static void stock_srv_req(void *priv, struct http_req *req)
{
	static const struct http_header type = { "Content-Type", "application/json" };
	struct stock_srv *s = priv;
	const struct es_party *p = caller(s, req);
	struct call c = { .s = s, .req = req, .path = http_req_path(req), .method = http_req_method(req) };

	c.ctx = talloc_new(s);
	if (p) {
		c.owner = p->id;
		dispatch(&c);
	} else {
		fail(&c, 403, "who are you?");	/* was an operator when it began */
	}
	http_req_respond(req, c.status, &type, 1, c.body ? : "", c.body ? strlen(c.body) : 0, false);
	talloc_free(c.ctx);
}

static void stock_srv_gone(void *priv, struct http_req *req)
{
	/* answered at once: none is ours */
}

static int stock_srv_free(struct stock_srv *s)
{
	if (s->http)
		http_srv_free(s->http);
	return 0;
}

struct stock_srv *stock_srv_new(void *ctx, const struct stock_srv_cfg *cfg)
{
	struct stock_srv *s = talloc_zero(ctx, struct stock_srv);
	struct http_srv_cfg h = {
		.ip = cfg->ip, .port = cfg->port, .tls = HTTP_TLS_X509, .cert_file = cfg->cert_file,
		.key_file = cfg->key_file, .ca_file = cfg->ca_file, .crl_file = cfg->crl_file,
		.begin_cb = stock_srv_begin, .req_cb = stock_srv_req, .gone_cb = stock_srv_gone, .max_body = BODY_MAX,
		.max_conns = CONNS_MAX, .read_s = 60, .hold_s = 10, .priv = s,
	};

	OSMO_ASSERT(s);
	s->cfg = *cfg;
	s->http = http_srv_new(s, &h);
	talloc_set_destructor(s, stock_srv_free);
	if (!s->http)
		TALLOC_FREE(s);
	return s;
}

uint16_t stock_srv_port(const struct stock_srv *s)
{
	return http_srv_port(s->http);
}
