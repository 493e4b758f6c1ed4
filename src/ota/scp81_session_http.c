/* The card's POST as net/ delivers it: who speaks (PSK identity, X-Admin-From must agree), which step it is, and the
 * answer, which leaves after the commit (P1). GP Amd B 3.4, SGP.02 2.4.4.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/notif.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/sqldb.h>
#include "card_session_priv.h"

#define BODY_MAX (64U << 10)	/* a card's response script */
#define CONNS_MAX 20000
#define POLLS 2
#define POOL (4U << 10)		/* a card's header block is some hundred octets */
#define HOLD_MAX_S 900		/* our own timers are shorter */
#define CHUNK 480		/* with its chunk head below a fragment of 512 octets (corrections 6) */

/* --- answers -------------------------------------------------------------------------------------------------- */

static void post_free(struct scp81_post *post)
{
	llist_del(&post->entry);
	talloc_free(post);
}

/* after the commit */
static void post_send(void *data)
{
	struct scp81_post *post = data;

	txn_crash_point("HTTP answer");
	http_req_respond(post->req, post->code, post->hdr, post->n_hdr, post->body ? post->body->data : NULL,
			 post->body ? post->body->len : 0, post->close);
	post_free(post);
}

void scp81_http_header(struct scp81_post *post, const char *name, const char *value)
{
	OSMO_ASSERT(post->n_hdr < ARRAY_SIZE(post->hdr));
	post->hdr[post->n_hdr].name = name;
	post->hdr[post->n_hdr].value = talloc_strdup(post, value);
	post->n_hdr++;
}

void scp81_http_answer(struct scp81_post *post, unsigned code, const struct bytes *body, bool close)
{
	scp81_http_header(post, SCP81_HDR_PROTOCOL, SCP81_PROTOCOL);
	post->card = NULL;
	post->answered = true;
	post->code = code;
	post->close = close;
	if (body)
		post->body = bytes_dup(post, body->data, body->len);
	txn_after_commit(post->cs->cfg.db, post_send, post);
}

/* --- who ------------------------------------------------------------------------------------------------------ */

static int psk_cb(void *priv, const char *identity, uint8_t *psk, size_t size)
{
	struct card_sessions *cs = priv;
	struct card_info info = { 0 };
	struct scp81_psk_id id;

	if (scp81_psk_id_dec(&id, identity) < 0 || !aid_eq(&id.sd, &aid_isd_r))
		return -ENOENT;
	if (cs->cfg.ops->info(cs->cfg.priv, &id.eid, &info) < 0)
		return -ENOENT;
	return cs->cfg.ops->psk(cs->cfg.priv, &id.eid, id.kvn, id.kid, psk, size);
}

/* 0, or the HTTP status of the refusal. */
static unsigned who(struct card_sessions *cs, struct http_req *req, struct eid *eid)
{
	const char *from = http_req_header(req, SCP81_HDR_FROM);
	const char *proto = http_req_header(req, SCP81_HDR_PROTOCOL);
	const char *identity = http_req_psk_identity(req);
	struct scp81_psk_id id;
	struct eid said;
	struct aid sd;

	if (strcmp(http_req_method(req), "POST"))
		return 405;
	if (strcmp(http_req_path(req), cs->cfg.uri))
		return 404;
	if (!identity || scp81_psk_id_dec(&id, identity) < 0)
		return 403;
	*eid = id.eid;
	if (from && (scp81_from_dec(&said, &sd, from) < 0 || memcmp(&said, &id.eid, sizeof(said)))) {
		LOGP(DSCP81, LOGL_NOTICE, "%s does not agree with the PSK identity: refused\n", SCP81_HDR_FROM);
		return 403;
	}
	if (proto && strcasecmp(proto, SCP81_PROTOCOL))
		LOGP(DSCP81, LOGL_NOTICE, "a card speaks another administration protocol version\n");
	return 0;
}

/* --- which step ----------------------------------------------------------------------------------------------- */

/* "s=<32 hex>&n=<step>", as we gave it in X-Admin-Next-URI. */
static void parse_step(struct scp81_post *post, const char *query)
{
	const char *n = query + 2 + 32;
	char *end;
	unsigned long step;

	if (strncmp(query, "s=", 2) || strspn(query + 2, "0123456789abcdefABCDEF") != 32 || strncmp(n, "&n=", 3))
		return;
	step = strtoul(n + 3, &end, 10);
	if (end == n + 3 || *end || step > 1000000)
		return;
	memcpy(post->sid, query + 2, 32);
	post->step = step;
	post->has_step = true;
}

/* "msg=<hex of E1>" (SGP.02 3.15.2): 0, or 400. */
static unsigned parse_msg(struct scp81_post *post, const char *hex, const struct eid *eid)
{
	uint8_t e1[NOTIF_MAX];
	struct notif n;
	int len = hex_dec(e1, sizeof(e1), hex);

	if (len <= 0 || notif_dec(&n, e1, len) < 0 || memcmp(&n.eid, eid, sizeof(*eid)))
		return 400;
	post->notif = talloc_memdup(post, e1, len);
	post->notif_len = len;
	return post->notif ? 0 : 500;
}

static unsigned parse(struct scp81_post *post, const struct eid *eid)
{
	const char *query = http_req_query(post->req);
	const char *resume = http_req_header(post->req, SCP81_HDR_RESUME);
	const char *status = http_req_header(post->req, SCP81_HDR_STATUS);

	post->resume = resume && !strcasecmp(resume, "true");
	post->has_status = status;
	post->status = status ? scp81_status_parse(status) : SCP81_ST_OK;
	if (!strncmp(query, "msg=", 4))
		return parse_msg(post, query + 4, eid);
	parse_step(post, query);
	return 0;
}

static void req_cb(void *priv, struct http_req *req)
{
	struct card_sessions *cs = priv;
	struct scp81_post *post = talloc_zero(cs, struct scp81_post);
	struct card *card = NULL;
	struct eid eid;
	unsigned refuse;

	OSMO_ASSERT(post);
	post->cs = cs;
	post->req = req;
	llist_add_tail(&post->entry, &cs->posts);
	http_req_set_priv(req, post);
	refuse = who(cs, req, &eid);
	if (!refuse)
		refuse = parse(post, &eid);
	if (!refuse)
		card = card_get(cs, &eid);
	if (!card) {
		counter_inc(CTR_SCP81_REFUSED);
		LOGP(DSCP81, LOGL_NOTICE, "POST from %s refused: %u\n", http_req_peer_addr(req), refuse ? : 403);
		scp81_http_answer(post, refuse ? : 403, NULL, true);
		return;
	}
	card_heard(card, CARD_BY_HTTPS);
	scp81_session_post(card, post);
}

static void gone_cb(void *priv, struct http_req *req)
{
	struct scp81_post *post = http_req_priv(req);

	if (!post)
		return;
	txn_forget(post->cs->cfg.db, post);
	if (post->card)
		scp81_session_lost(post->card, post);
	post_free(post);
}

/* The card has gone, or has been let go: a script that was handed over on this connection waits for its result. */
static void closed_cb(void *priv, unsigned long conn_id, const char *psk_identity)
{
	struct card_sessions *cs = priv;
	struct scp81_psk_id id;
	struct card *card;

	if (!psk_identity || scp81_psk_id_dec(&id, psk_identity) < 0)
		return;
	card = card_find(cs, &id.eid);
	if (card && card->s81.conn_id == conn_id)
		scp81_session_closed(card);
}

void scp81_cfg_default(struct scp81_cfg *c)
{
	*c = (struct scp81_cfg){ .max_conns = CONNS_MAX, .max_body = BODY_MAX, .polls = POLLS };
}

char *card_sessions_describe_scp81(struct card_sessions *cs, void *ctx)
{
	struct http_srv_stats st;

	http_srv_stats(cs->srv, &st);
	return talloc_asprintf(ctx, "HTTPS on port %u: %u connections of at most %u, %u cards held\n"
			       "%lu requests, %lu refused, %lu handshakes failed, %lu cards gone while held",
			       http_srv_port(cs->srv), st.conns, cs->cfg.bearer->scp81.max_conns, st.held, st.requests,
			       st.refused, st.handshake_failed, st.gone);
}

int scp81_http_start(struct card_sessions *cs)
{
	const struct scp81_cfg *limits = &cs->cfg.bearer->scp81;
	struct http_srv_cfg cfg = {
		.ip = cs->cfg.scp81_bind_ip, .port = cs->cfg.scp81_bind_port, .tls = HTTP_TLS_PSK, .psk_cb = psk_cb,
		.req_cb = req_cb, .gone_cb = gone_cb, .closed_cb = closed_cb, .max_body = limits->max_body,
		.max_conns = limits->max_conns, .pool = POOL, .hold_s = HOLD_MAX_S, .chunk = CHUNK, .priv = cs,
	};

	cs->srv = http_srv_new(cs, &cfg);
	return cs->srv ? 0 : -EIO;
}

void scp81_http_stop(struct card_sessions *cs)
{
	struct scp81_post *post, *tmp;

	llist_for_each_entry_safe(post, tmp, &cs->posts, entry) {
		txn_forget(cs->cfg.db, post);
		post_free(post);
	}
	http_srv_free(cs->srv);
}
