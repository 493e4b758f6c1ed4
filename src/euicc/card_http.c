/* The admin agent: opens a TCP channel, speaks TLS-PSK and HTTP to the SM-SR, runs the scripts it is given and posts
 *the results; resumes after a cut as the retry policy says (GP Amd B 3.4 to 3.8, SGP.02 2.4.4; ota-transport digest 8).
 *
 *	IDLE -> OPENING -> TLS -> ACTIVE -> CLOSING -> IDLE
 *	           ^--------- WAIT <-- any of them, when the link is cut
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/scp81_msg.h>
#include <osmocom/rsp/util/misc.h>

#include "card_cat.h"
#include "card_dns.h"
#include "card_http.h"
#include "card_http_int.h"
#include "card_httprx.h"
#include "card_notif.h"
#include "card_ota.h"
#include "card_switch.h"
#include "card_tls.h"

#define REFRESH_WAIT_S 2	/* for the server's word before the card leaves the network */
#define RX_MAX 0x10000

static void start(struct card *c);
static void open_channel(struct card *c);
static void flush(struct card *c);

const char *card_http_state(const struct card *c)
{
	static const char *const names[] = { "idle", "resolving", "opening", "tls", "active", "closing", "waiting" };

	return names[c->http->state];
}

struct card_http *card_http_new(struct card *c)
{
	return talloc_zero(c, struct card_http);
}

void card_http_reset(struct card *c)
{
	unsigned gen = c->http->gen + 1;

	if (c->http->state == HTTP_RESOLVING)
		card_dns_cancel(c);
	TALLOC_FREE(c->http->ctx);
	memset(c->http, 0, sizeof(*c->http));
	c->http->gen = gen;
}

bool card_http_able(const struct card *c)
{
	return card_scp81_kvn(c) && !fault(c->faults, FAULT_NO_HTTPS);
}

static void *gen(const struct card *c)
{
	return (void *)(uintptr_t)c->http->gen;
}

/* --- the end of a session --- */

static void finish(struct card *c, bool ok)
{
	struct card_http *h = c->http;
	struct scp81_params next = h->next;
	struct scp81_dns next_name = h->next_name;
	bool again = h->again, notify = h->notify, timer = h->timer;

	card_http_reset(c);
	if (timer)
		card_cat_timer_stop(c, CARD_TIMER_HTTP);
	card_context_drop(c);
	LOGCARD(c, LOGL_INFO, "HTTPS session ended%s\n", ok ? "" : " without success");
	if (notify)
		card_notif_https_done(c, ok);
	card_switch_refresh(c);
	if (again && !card_switch_pending(c)) {
		h->par = next;
		h->name = next_name;
		card_http_session(c);
	}
}

static void closed_cb(struct card *c, const struct bip_resp *r, void *priv)
{
	if (priv == gen(c) && c->http->state == HTTP_CLOSING)
		finish(c, c->http->good);
}

static void channel_close(struct card *c, card_cat_cb cb)
{
	struct bip_cmd cmd = { .type = BIP_CLOSE_CHANNEL, .dst = BIP_DEV_CHANNEL + c->http->channel };

	if (c->http->channel)
		card_cat_queue(c, &cmd, cb, gen(c));
	c->http->channel = 0;
}

static void timer(struct card *c, unsigned seconds)
{
	c->http->timer = true;
	card_cat_timer_start(c, CARD_TIMER_HTTP, seconds);
}

static void close_session(struct card *c, bool good)
{
	struct card_http *h = c->http;

	h->state = HTTP_CLOSING;
	h->good = good;
	card_tls_shutdown(h->tls);
	flush(c);
}

/* The link is gone or silent: try again as long as the policy allows, repeating the last POST (digest 8.6). */
static void cut(struct card *c, const char *why)
{
	struct card_http *h = c->http;

	LOGCARD(c, LOGL_NOTICE, "HTTPS session: %s, %u retries left\n", why, h->retries);
	channel_close(c, NULL);
	h->gen++;
	TALLOC_FREE(h->tls);
	TALLOC_FREE(h->rx);
	h->sending = h->receiving = h->more = h->answered = false;
	if (h->state == HTTP_CLOSING || !h->retries || card_switch_pending(c)) {
		finish(c, h->state == HTTP_CLOSING && h->good);
		return;
	}
	h->retries--;
	h->state = HTTP_WAIT;
	timer(c, h->delay_s);
}

/* --- HTTP --- */

static void post(struct card *c)
{
	struct card_http *h = c->http;
	struct bytes *req = bytes_new(h->ctx, 0);
	int rc = card_http_request(c, req);

	if (rc == 0)
		rc = card_tls_write(h->tls, req->data, req->len);
	talloc_free(req);
	TALLOC_FREE(h->rx);
	h->rx = card_httprx_new(h->ctx);
	h->answered = false;
	h->dialog = true;
	if (rc < 0)
		cut(c, "TLS write failed");
}

/* Why a script does not reach its target (digest 8.4): the ECASD is a domain that takes no commands from outside;
 * what is not of the eUICC's own RID is an application of the profile, no domain. */
static enum scp81_status not_run(const struct aid *target)
{
	static const uint8_t rid_3gpp[] = { 0xA0, 0x00, 0x00, 0x00, 0x87 };

	if (aid_eq(target, &aid_ecasd))
		return SCP81_ST_SECURITY_ERROR;
	if (target->len >= sizeof(rid_3gpp) && !memcmp(target->b, rid_3gpp, sizeof(rid_3gpp)))
		return SCP81_ST_NOT_A_SECURITY_DOMAIN;
	return SCP81_ST_UNKNOWN_APPLICATION;
}

/* Script received: run it on the domain it is for. */
static void run_script(struct card *c)
{
	struct card_http *h = c->http;
	struct aid target = aid_isd_r;

	TALLOC_FREE(h->body);
	h->status = SCP81_ST_OK;
	if (h->rx->target[0] && scp81_target_dec(&target, h->rx->target) < 0) {
		h->status = SCP81_ST_UNKNOWN_APPLICATION;
		return;
	}
	h->body = bytes_new(h->ctx, 0);
	if (card_script_run(c, &target, h->rx->body->data, h->rx->body->len, true, h->body) < 0) {
		TALLOC_FREE(h->body);
		h->status = not_run(&target);
	}
}

/* A complete answer of the server (digest 8.5). */
static void response(struct card *c)
{
	struct card_http *h = c->http;
	unsigned status = h->rx->status;
	bool script = status == 200 && h->rx->body->len;

	LOGCARD(c, LOGL_DEBUG, "HTTP %u, %zu octets\n", status, h->rx->body->len);
	h->answered = true;
	h->resume = false;
	h->retries = h->par.has_retry ? h->par.retry_count : c->env->cfg.http_retries;
	TALLOC_FREE(h->body);
	h->has_status = false;
	if (status != 200 && status != 204) {
		close_session(c, false);
		return;
	}
	if (script) {
		run_script(c);
		h->has_status = true;
	}
	if (!h->rx->next_uri[0]) {
		close_session(c, true);
		return;
	}
	OSMO_STRLCPY_ARRAY(h->uri, h->rx->next_uri);
	post(c);
	flush(c);
	if (card_switch_pending(c) && h->state == HTTP_ACTIVE)
		timer(c, REFRESH_WAIT_S);
}

/* --- TLS --- */

static void plain_in(struct card *c)
{
	struct card_http *h = c->http;
	struct bytes *plain = bytes_new(h->ctx, RX_MAX);
	int tls_rc = card_tls_read(h->tls, plain), rc = 0;
	size_t used;

	if (!h->answered && plain->len)
		rc = card_httprx_feed(h->rx, plain->data, plain->len, &used);
	talloc_free(plain);
	if (rc < 0)
		close_session(c, false);
	else if (rc == 1)
		response(c);
	else if (tls_rc < 0 && h->state == HTTP_ACTIVE)
		cut(c, "closed by the server");
}

static void process(struct card *c)
{
	struct card_http *h = c->http;
	int rc;

	if (h->state == HTTP_TLS) {
		rc = card_tls_handshake(h->tls);
		if (rc < 0) {
			cut(c, "TLS handshake failed");
			return;
		}
		if (rc == 1) {
			h->state = HTTP_ACTIVE;
			post(c);
		}
	}
	if (h->state == HTTP_ACTIVE)
		plain_in(c);
	if (h->state == HTTP_TLS || h->state == HTTP_ACTIVE || h->state == HTTP_CLOSING)
		flush(c);
}

/* --- BIP --- */

static void send_cb(struct card *c, const struct bip_resp *r, void *priv)
{
	if (priv != gen(c))
		return;
	c->http->sending = false;
	if (r->result >= 0x20)
		cut(c, "SEND DATA refused");
	else
		flush(c);
}

static void flush(struct card *c)
{
	struct card_http *h = c->http;
	uint8_t buf[BIP_SEND_MAX];
	struct bip_cmd cmd = { .type = BIP_SEND_DATA, .qualifier = 0x01, .dst = BIP_DEV_CHANNEL + h->channel };

	if (h->sending || !h->tls)
		return;
	cmd.data = (struct bip_str) { buf, card_tls_take(h->tls, buf, sizeof(buf)) };
	if (cmd.data.len) {
		h->sending = card_cat_queue(c, &cmd, send_cb, gen(c)) == 0;
	} else if (h->state == HTTP_CLOSING && h->channel) {
		TALLOC_FREE(h->tls);
		channel_close(c, closed_cb);
	}
}

static void recv_cb(struct card *c, const struct bip_resp *r, void *priv);

static void receive(struct card *c)
{
	struct card_http *h = c->http;
	struct bip_cmd cmd = {.type = BIP_RECEIVE_DATA, .dst = BIP_DEV_CHANNEL + h->channel, .data_len = BIP_DATA_MAX};

	h->more = false;
	h->receiving = card_cat_queue(c, &cmd, recv_cb, gen(c)) == 0;
}

static void recv_cb(struct card *c, const struct bip_resp *r, void *priv)
{
	struct card_http *h = c->http;

	if (priv != gen(c))
		return;
	h->receiving = false;
	if (r->result >= 0x20) {
		if (h->state != HTTP_CLOSING)
			cut(c, "RECEIVE DATA refused");
		return;
	}
	if (!h->tls || h->state == HTTP_CLOSING)
		return;
	h->heard = true;
	card_tls_feed(h->tls, r->data.v, r->data.len);
	if ((r->has_data_len && r->data_len) || h->more)
		receive(c);
	process(c);
}

void card_http_data_available(struct card *c)
{
	struct card_http *h = c->http;

	if (h->state != HTTP_TLS && h->state != HTTP_ACTIVE)
		return;
	if (h->receiving)
		h->more = true;
	else
		receive(c);
}

void card_http_dropped(struct card *c, uint8_t channel)
{
	struct card_http *h = c->http;

	if (h->channel == channel && (h->state == HTTP_TLS || h->state == HTTP_ACTIVE))
		cut(c, "link dropped");
}

static void open_cb(struct card *c, const struct bip_resp *r, void *priv)
{
	struct card_http *h = c->http;
	const struct key *key = card_key(c, h->par.kvn, h->par.kid);
	uint8_t psk[64];
	size_t len;

	if (priv != gen(c) || h->state != HTTP_OPENING)
		return;
	if (r->result >= 0x20) {
		if (r->result >= 0x30 && r->result != BIP_RES_BIP_ERROR)
			h->retries = 0;	/* do not repeat (digest 6.7) */
		cut(c, "no channel");
		return;
	}
	h->channel = r->channel & 0x07;
	if (!key) {
		h->retries = 0;
		cut(c, "no PSK");
		return;
	}
	len = key_export(key, psk, sizeof(psk));
	if (!c->env->tls)
		c->env->tls = card_tls_ctx_new(c->env);
	h->tls = card_tls_new(h->ctx, c->env->tls, h->par.psk_id, psk, len);
	secret_wipe(psk, sizeof(psk));
	h->state = HTTP_TLS;
	timer(c, c->env->cfg.http_idle_s);
	if (h->tls)
		process(c);
	else
		cut(c, "no TLS");
}

static void resolved(struct card *c, bool ok)
{
	struct card_http *h = c->http;

	if (h->state != HTTP_RESOLVING)
		return;
	if (!ok) {
		cut(c, "name of the server not resolved");
		return;
	}
	OSMO_STRLCPY_ARRAY(h->par.ip, card_dns_address(c));
	open_channel(c);
}

/* Each attempt asks again: what was learned may have run out, and of several addresses the next has its turn. */
static void start(struct card *c)
{
	struct card_http *h = c->http;

	if (!h->name.fqdn[0]) {
		open_channel(c);
		return;
	}
	h->state = HTTP_RESOLVING;
	card_dns_resolve(c, h->name.fqdn, h->name.ip, h->name.port, resolved);
}

static void open_channel(struct card *c)
{
	struct card_http *h = c->http;
	struct bip_cmd cmd;
	struct card_http_addr a;

	h->state = HTTP_OPENING;
	h->resume = h->dialog;
	card_http_open_cmd(c, &cmd, &a);
	if (card_cat_queue(c, &cmd, open_cb, gen(c)) < 0)
		finish(c, false);
}

void card_http_timeout(struct card *c)
{
	struct card_http *h = c->http;

	h->timer = false;
	switch (h->state) {
	case HTTP_WAIT:
		start(c);
		break;
	case HTTP_TLS:
	case HTTP_ACTIVE:
		if (card_switch_pending(c)) {
			close_session(c, true);
		} else if (h->heard) {
			h->heard = false;
			timer(c, c->env->cfg.http_idle_s);
		} else {
			cut(c, "silent server");
		}
		break;
	case HTTP_CLOSING:
		finish(c, h->good);
		break;
	default:
		break;
	}
}

/* --- what starts a session --- */

int card_http_session(struct card *c)
{
	struct card_http *h = c->http;

	h->ctx = talloc_named_const(c, 0, "HTTPS session");
	card_http_defaults(c, &h->par);
	h->retries = h->par.has_retry ? h->par.retry_count : c->env->cfg.http_retries;
	h->delay_s = h->par.has_retry ? h->par.retry_delay_s : c->env->cfg.http_delay_s;
	OSMO_STRLCPY_ARRAY(h->uri, h->par.uri);
	card_http_name(c, &h->name, &h->par);
	LOGCARD(c, LOGL_INFO, "HTTPS session to %s port %u\n", h->par.ip[0] ? h->par.ip : h->name.fqdn, h->par.port);
	start(c);
	return 0;
}

int card_http_trigger(struct card *c, const uint8_t *in, size_t len)
{
	struct scp81_params p;
	struct scp81_dns name = { };
	int rc = scp81_trigger_dec(&p, in, len);

	if (rc == 0)
		rc = scp81_trigger_dns_dec(&name, in, len);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (c->http->state == HTTP_IDLE) {
		c->http->par = p;
		c->http->name = name;
		return card_http_session(c);
	}
	if (c->http->state == HTTP_WAIT) {	/* reachable again: do not wait for the timer */
		card_cat_timer_stop(c, CARD_TIMER_HTTP);
		c->http->timer = false;
		start(c);
		return 0;
	}
	c->http->next = p;
	c->http->next_name = name;
	c->http->again = true;
	return 0;
}

int card_http_notify(struct card *c, const struct bytes *e1)
{
	struct card_http *h = c->http;
	char *hex;

	if (h->state != HTTP_IDLE)
		return -EBUSY;
	memset(&h->par, 0, sizeof(h->par));
	memset(&h->name, 0, sizeof(h->name));
	card_http_session(c);
	if (h->state == HTTP_IDLE)
		return -EIO;
	hex = bytes_hex(h->ctx, e1->data, e1->len);
	snprintf(h->uri, sizeof(h->uri), "%s?msg=%s", h->par.uri, hex);
	h->notify = true;
	return 0;
}
