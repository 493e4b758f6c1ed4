/* See session_http.h.  SPDX-License-Identifier: AGPL-3.0-or-later */
#include "session_help.h"
#include "session_http.h"
#include <string.h>
#include <strings.h>
#include <talloc.h>
#include <osmocom/core/utils.h>

static struct http_srv_cfg http_cfg;

struct http_srv *http_srv_new(void *ctx, const struct http_srv_cfg *cfg)
{
	assert_int_equal(cfg->tls, HTTP_TLS_PSK);
	assert_true(cfg->chunk > 0 && cfg->chunk <= 480);
	http_cfg = *cfg;
	return (struct http_srv *)&http_cfg;
}

void http_srv_free(struct http_srv *srv)
{
}

void http_srv_stats(const struct http_srv *srv, struct http_srv_stats *st)
{
	memset(st, 0, sizeof(*st));
}

uint16_t http_srv_port(const struct http_srv *srv)
{
	return 8443;
}

const char *http_req_method(const struct http_req *req)
{
	return req->method;
}

const char *http_req_path(const struct http_req *req)
{
	return req->path;
}

const char *http_req_query(const struct http_req *req)
{
	return req->query;
}

const char *http_req_header(const struct http_req *req, const char *name)
{
	if (!strcasecmp(name, "X-Admin-From"))
		return req->has_from ? req->from : NULL;
	if (!strcasecmp(name, "X-Admin-Script-Status"))
		return req->has_status ? req->status : NULL;
	if (!strcasecmp(name, "X-Admin-Resume"))
		return req->resume ? "true" : NULL;
	return NULL;
}

const uint8_t *http_req_body(const struct http_req *req, size_t *len)
{
	*len = req->body_len;
	return req->body;
}

const char *http_req_psk_identity(const struct http_req *req)
{
	return req->identity;
}

unsigned long http_req_conn_id(const struct http_req *req)
{
	return req->conn;
}

const char *http_req_peer_addr(const struct http_req *req)
{
	return "10.0.0.2";
}

void http_req_set_priv(struct http_req *req, void *priv)
{
	req->priv = priv;
}

void *http_req_priv(const struct http_req *req)
{
	return req->priv;
}

void http_req_respond(struct http_req *req, unsigned status, const struct http_header *hdr, size_t n_hdr,
		      const void *body, size_t len, bool close)
{
	size_t i;

	assert_false(req->gone);
	assert_int_equal(req->n_answers++, 0);
	req->priv = NULL;
	req->code = status;
	req->close = close;
	assert_true(len <= sizeof(req->answer));
	if (len)
		memcpy(req->answer, body, len);
	req->answer_len = len;
	for (i = 0; i < n_hdr; i++) {
		if (!strcmp(hdr[i].name, "X-Admin-Next-URI"))
			OSMO_STRLCPY_ARRAY(req->next_uri, hdr[i].value);
		else if (!strcmp(hdr[i].name, "X-Admin-Targeted-Application"))
			OSMO_STRLCPY_ARRAY(req->target, hdr[i].value);
		else if (!strcmp(hdr[i].name, "Content-Type"))
			OSMO_STRLCPY_ARRAY(req->type, hdr[i].value);
		else if (!strcmp(hdr[i].name, "X-Admin-Protocol"))
			OSMO_STRLCPY_ARRAY(req->protocol, hdr[i].value);
	}
}

struct http_req *card_request(void)
{
	struct http_req *req = talloc_zero(W->ctx, struct http_req);

	OSMO_STRLCPY_ARRAY(req->method, "POST");
	OSMO_STRLCPY_ARRAY(req->path, "/gsma/adminagent");
	OSMO_STRLCPY_ARRAY(req->identity, IDENTITY);
	OSMO_STRLCPY_ARRAY(req->from, "//se-id/eid/" EID ";//aa-id/aid/A000000559/1010FFFFFFFF8900000100");
	req->has_from = true;
	return req;
}

void card_deliver(struct http_req *req)
{
	http_cfg.req_cb(http_cfg.priv, req);
	assert_int_equal(req->n_answers, 0);	/* nothing leaves before the commit */
	world_turn();
}

struct http_req *card_post(const char *uri, const char *status, const char *body_hex)
{
	struct http_req *req = card_request();
	const char *q = uri ? strchr(uri, '?') : NULL;

	if (q) {
		snprintf(req->path, sizeof(req->path), "%.*s", (int)(q - uri), uri);
		OSMO_STRLCPY_ARRAY(req->query, q + 1);
	}
	if (status) {
		req->has_status = true;
		OSMO_STRLCPY_ARRAY(req->status, status);
	}
	if (body_hex)
		req->body_len = world_hex(req->body, sizeof(req->body), body_hex);
	card_deliver(req);
	return req;
}

void card_closed(const struct http_req *req)
{
	assert_int_equal(req->n_answers, 1);
	http_cfg.closed_cb(http_cfg.priv, req->conn, req->identity);
	world_turn();
}

void card_gone(struct http_req *req)
{
	assert_int_equal(req->n_answers, 0);
	http_cfg.gone_cb(http_cfg.priv, req);
	req->gone = true;
	world_turn();
}

int card_psk(const char *identity, uint8_t *psk)
{
	return http_cfg.psk_cb(http_cfg.priv, identity, psk, 64);
}

struct card_cmd card_download(struct owner *o)
{
	struct card_cmd c = world_cmd(o, GET_STATUS);

	c.more = true;
	return c;
}

struct http_req *card_opened(struct owner *o, const struct card_cmd *c)
{
	struct http_req *req;
	unsigned n = o->n_mark;

	world_send(o, c, 5);
	req = card_post(NULL, NULL, NULL);
	assert_int_equal(req->code, 200);
	assert_int_equal(o->n_mark, n + 1);
	return req;
}
