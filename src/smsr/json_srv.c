/* The JSON interface of the SM-SR: its listener, and who asks: told by a client certificate, as on ES4, or by a bearer
 * token of which the configuration has the hash.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>

#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/es/es_submit.h>
#include <osmocom/rsp/net/http.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "json_call.h"

#define BODY_MAX	16384
#define CONNS_MAX	512
#define PURGE_EVERY_S	600
#define KEEP_DAYS	30

static int call_free(struct json_call *c)
{
	json_call_unwait(c);
	txn_forget(c->s->cfg.reg->db->sql, c);
	return 0;
}

/* Who asks ------------------------------------------------------------------------------------------------------- */

static bool role_fits(const struct es_party *p)
{
	return es_role_may(ES4, ES_FN_GET_EIS, p->role);
}

static const struct es_party *by_certificate(struct json_srv *s, struct http_req *req)
{
	for (struct es_party *p = es_party_next(s->cfg.reg->link, NULL); p; p = es_party_next(s->cfg.reg->link, p))
		if (role_fits(p) && es_party_is_peer(p, req))
			return p;
	return NULL;
}

static const struct es_party *by_token(struct json_srv *s, const char *token)
{
	const struct iov iov = { token, strlen(token) };
	const struct json_party *found = NULL;
	struct json_party *j;
	struct es_party *p;
	uint8_t hash[32];

	sha256(&iov, 1, hash);
	llist_for_each_entry(j, &s->cfg.cfg->parties, entry)
		for (unsigned i = 0; i < j->n_tokens; i++)
			if (secret_eq(j->token[i], hash, sizeof(hash)))
				found = j;
	p = found ? es_party_find(s->cfg.reg->link, found->id) : NULL;
	return p && role_fits(p) ? p : NULL;
}

static const struct es_party *who(struct json_srv *s, struct http_req *req)
{
	const char *auth = http_req_header(req, "Authorization");
	const struct es_party *p;

	if (!auth)
		return by_certificate(s, req);
	if (strncasecmp(auth, "Bearer ", 7))
		return NULL;
	p = by_token(s, auth + 7 + strspn(auth + 7, " "));
	/* a certificate beside it must be the same party's, or nobody's */
	return p && http_req_peer_fpr(req) && by_certificate(s, req) && !es_party_is_peer(p, req) ? NULL : p;
}

static void answer(struct json_call *c)
{
	c->party = who(c->s, c->req);
	if (!c->party) {
		counter_inc(CTR_JSON_DENIED);
		LOGP(DES, LOGL_NOTICE, "JSON, %s: neither a certificate nor a token of a party\n", http_req_peer_addr(c->req));
		return json_call_problem(c, 401, "a client certificate or a bearer token of a party is needed");
	}
	OSMO_STRLCPY_ARRAY(c->party_id, c->party->id);
	if (!es_submit_admit(c->s->cfg.reg->link, c->party_id)) {
		counter_inc(CTR_JSON_RATE);
		return json_call_problem(c, 429, "more messages a second than were agreed");
	}
	counter_inc(CTR_JSON_REQUESTS);
	json_call_dispatch(c);
}

static void json_srv_req(void *priv, struct http_req *req)
{
	struct json_srv *s = priv;
	struct json_call *c = talloc_zero(s, struct json_call);

	OSMO_ASSERT(c);
	c->s = s;
	c->req = req;
	talloc_set_destructor(c, call_free);
	http_req_set_priv(req, c);
	txn_event_begin(s->cfg.reg->db->sql);
	answer(c);
	txn_event_end(s->cfg.reg->db->sql, 1);
	if (!c->waiting)
		json_call_reply(c);
}

static void json_srv_gone(void *priv, struct http_req *req)
{
	talloc_free(http_req_priv(req));
}

/* Life ----------------------------------------------------------------------------------------------------------- */

void json_cfg_init(struct json_cfg *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	INIT_LLIST_HEAD(&cfg->parties);
}

struct json_party *json_party_get(void *ctx, struct json_cfg *cfg, const char *id, bool make)
{
	struct json_party *p;

	llist_for_each_entry(p, &cfg->parties, entry)
		if (!strcmp(p->id, id))
			return p;
	if (!make)
		return NULL;
	p = talloc_zero(ctx, struct json_party);
	OSMO_ASSERT(p);
	OSMO_STRLCPY_ARRAY(p->id, id);
	llist_add_tail(&p->entry, &cfg->parties);
	return p;
}

void json_party_del(struct json_cfg *cfg, const char *id)
{
	struct json_party *p = json_party_get(NULL, cfg, id, false);

	if (!p)
		return;
	llist_del(&p->entry);
	talloc_free(p);
}

static void purge_cb(void *data)
{
	struct json_srv *s = data;

	json_db_purge(s->db, clock_now() - 86400LL * (s->cfg.cfg->keep_days ? : KEEP_DAYS));
	osmo_timer_schedule(&s->purge, PURGE_EVERY_S, 0);
}

static int json_srv_free(struct json_srv *s)
{
	struct json_call *c, *tmp;

	osmo_timer_del(&s->purge);
	s->cfg.reg->said = NULL;
	llist_for_each_entry_safe(c, tmp, &s->waits, entry)
		talloc_free(c);
	http_srv_free(s->http);
	return 0;
}

struct json_srv *json_srv_new(void *ctx, const struct json_srv_cfg *cfg)
{
	struct json_srv *s = talloc_zero(ctx, struct json_srv);

	OSMO_ASSERT(s);
	s->cfg = *cfg;
	INIT_LLIST_HEAD(&s->waits);
	osmo_timer_setup(&s->purge, purge_cb, s);
	s->db = json_db_new(s, cfg->reg->db);
	s->hooks = s->db ? json_hooks_new(s, cfg, s->db) : NULL;
	if (!s->hooks) {
		talloc_free(s);
		return NULL;
	}
	s->ops = json_ops_new(s, cfg->reg, s->db);
	s->ops->event = json_call_event;
	s->ops->priv = s;
	talloc_set_destructor(s, json_srv_free);
	return s;
}

static bool any_token(const struct json_srv *s)
{
	const struct json_party *p;

	llist_for_each_entry(p, &s->cfg.cfg->parties, entry)
		if (p->n_tokens)
			return true;
	return false;
}

int json_srv_start(struct json_srv *s)
{
	const struct http_srv_cfg h = {
		.ip = s->cfg.cfg->ip, .port = s->cfg.cfg->port, .tls = HTTP_TLS_X509, .cert_file = s->cfg.cert_file,
		.key_file = s->cfg.key_file, .ca_file = s->cfg.ca_file, .crl_file = s->cfg.crl_file,
		.req_cb = json_srv_req, .gone_cb = json_srv_gone, .max_body = BODY_MAX, .max_conns = CONNS_MAX, .read_s = 30,
		.hold_s = JSON_WAIT_S + 10, .priv = s,
	};

	json_ops_lost(s->ops);
	s->http = http_srv_new(s, &h);
	if (!s->http)
		return -EIO;
	json_srv_changed(s);
	purge_cb(s);
	return 0;
}

void json_srv_resumed(struct json_srv *s, struct es_req *req)
{
	json_ops_resumed(s->ops, req);
}

void json_srv_changed(struct json_srv *s)
{
	if (s->http)
		http_srv_cert_optional(s->http, any_token(s));
	json_hooks_run(s->hooks);
}

int json_srv_reload(struct json_srv *s)
{
	return http_srv_reload(s->http);
}

uint16_t json_srv_port(const struct json_srv *s)
{
	return http_srv_port(s->http);
}

char *json_srv_describe(struct json_srv *s, void *ctx)
{
	struct http_srv_stats st;

	http_srv_stats(s->http, &st);
	return talloc_asprintf(ctx, "%u connections, %lu requests, %u wait for events\n%s", st.conns, st.requests, s->n_waits,
			       json_hooks_describe(s->hooks, ctx));
}
