/* The table of events is the outbox: how far a party's webhook has come is one number on the disk, so that nothing is
 * lost by a restart and each event comes after the one before it. Only https, only configured addresses
 * (corrections 7). The body is signed: X-Rsp-Signature: t=TIME,v1=HMAC-SHA256(secret, TIME "." body).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/net/http.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "json_hook.h"

#define SECRET_MIN	16
#define SECRET_MAX	64
#define BACKOFF_MAX_S	600
#define GIVE_UP_S	86400

struct target {
	struct llist_head entry;
	struct json_hooks *h;
	char party[OID_STR_SIZE];
	bool busy;
	unsigned tries;
	int64_t first, next;		/* this event's first try, and when the next is due */
	int64_t event;			/* being delivered */
};

struct json_hooks {
	struct json_srv_cfg cfg;
	struct json_db *db;
	struct http_cli *cli;
	struct llist_head targets;
	struct osmo_timer_list timer;
};

static struct target *target_of(struct json_hooks *h, const char *party)
{
	struct target *t;

	llist_for_each_entry(t, &h->targets, entry)
		if (!strcmp(t->party, party))
			return t;
	t = talloc_zero(h, struct target);
	OSMO_ASSERT(t);
	t->h = h;
	OSMO_STRLCPY_ARRAY(t->party, party);
	llist_add_tail(&t->entry, &h->targets);
	return t;
}

static struct key *secret(void *ctx, const char *file)
{
	uint8_t raw[66];
	FILE *f = file ? fopen(file, "r") : NULL;
	size_t n = f ? fread(raw, 1, sizeof(raw), f) : 0;
	struct key *k = NULL;

	if (f)
		fclose(f);
	while (n && (raw[n - 1] == '\n' || raw[n - 1] == '\r'))
		n--;
	if (n >= SECRET_MIN && n <= SECRET_MAX)
		k = key_new(ctx, KEY_TYPE_PSK, raw, n);
	secret_wipe(raw, sizeof(raw));
	return k;
}

static char *signature(void *ctx, const struct key *k, const char *body)
{
	char *at = talloc_asprintf(ctx, "%lld", (long long)clock_now());
	const struct iov iov[] = { { at, strlen(at) }, { ".", 1 }, { body, strlen(body) } };
	uint8_t mac[32];

	if (hmac_sha256(k, iov, ARRAY_SIZE(iov), mac) < 0)
		return NULL;
	return talloc_asprintf(ctx, "t=%s,v1=%s", at, osmo_hexdump_nospc(mac, sizeof(mac)));
}

static void later(struct target *t)
{
	unsigned s = t->tries < 10 ? 1U << t->tries : BACKOFF_MAX_S;
	unsigned give_up = t->h->cfg.cfg->hook_give_up_s ? : GIVE_UP_S;

	counter_inc(CTR_JSON_HOOK_RETRY);
	t->tries++;
	t->next = clock_now() + OSMO_MIN(s, BACKOFF_MAX_S);
	if (clock_now() - t->first < give_up)
		return;
	counter_inc(CTR_ALARM_HOOK);
	LOGP(DES, LOGL_ERROR, "webhook of %s: event %lld given up after %u tries\n", t->party, (long long)t->event,
	     t->tries);
	json_db_hook_put(t->h->db, t->party, t->event);
	t->tries = 0;
	t->next = 0;
}

static void delivered(void *priv, int status, const uint8_t *body, size_t len)
{
	struct target *t = priv;

	t->busy = false;
	if (status >= 200 && status < 300) {
		counter_inc(CTR_JSON_HOOKED);
		json_db_hook_put(t->h->db, t->party, t->event);
		t->tries = 0;
		t->next = 0;
	} else {
		LOGP(DES, LOGL_NOTICE, "webhook of %s: event %lld: %s %d, again later\n", t->party, (long long)t->event,
		     status < 0 ? "error" : "HTTP status", status);
		later(t);
	}
	json_hooks_run(t->h);
}

static int post(struct target *t, const struct json_party *p, const struct json_event *ev)
{
	struct json_hooks *h = t->h;
	void *ctx = talloc_new(h);
	struct key *k = secret(ctx, p->hook_secret);
	char id[24], *body = NULL;
	struct http_header hdr[2];
	struct json_op op;
	int rc = -EINVAL;

	if (json_db_op_get(h->db, ev->op, &op) == 0)
		body = json_text_event(ctx, &op, ev);
	snprintf(id, sizeof(id), "%lld", (long long)ev->id);
	hdr[0] = (struct http_header){ "X-Rsp-Signature", k && body ? signature(ctx, k, body) : NULL };
	hdr[1] = (struct http_header){ "X-Rsp-Event", id };
	if (hdr[0].value)
		rc = http_cli_post_hdr(h->cli, p->hook_url, "application/json", hdr, 2, body, strlen(body), delivered, t);
	else
		LOGP(DES, LOGL_ERROR, "webhook of %s: its secret cannot be read, or is not %d to %d octets\n", t->party,
		     SECRET_MIN, SECRET_MAX);
	talloc_free(ctx);
	return rc;
}

static void run_party(struct json_hooks *h, const struct json_party *p)
{
	struct target *t = target_of(h, p->id);
	int64_t done = json_db_hook_get(h->db, p->id);
	struct json_event ev;

	if (t->busy || t->next > clock_now())
		return;
	if (done < 0) {		/* new: what happens from now on */
		json_db_hook_put(h->db, p->id, json_db_event_last(h->db, p->id));
		return;
	}
	if (!json_db_event_list(h->db, p->id, 0, done, &ev, 1))
		return;
	if (!t->tries)
		t->first = clock_now();
	t->event = ev.id;
	t->busy = true;
	if (post(t, p, &ev) < 0) {
		t->busy = false;
		later(t);
	}
}

static void timer_cb(void *data)
{
	struct json_hooks *h = data;
	struct json_party *p;
	bool any = false;

	llist_for_each_entry(p, &h->cfg.cfg->parties, entry) {
		if (!p->hook_url)
			continue;
		any = true;
		run_party(h, p);
	}
	if (any)
		osmo_timer_schedule(&h->timer, 1, 0);
}

/* From the timer: what led here is on the disk by then. */
void json_hooks_run(struct json_hooks *h)
{
	osmo_timer_schedule(&h->timer, 0, 1000);
}

char *json_hooks_describe(struct json_hooks *h, void *ctx)
{
	char *text = talloc_strdup(ctx, "");
	struct json_party *p;

	llist_for_each_entry(p, &h->cfg.cfg->parties, entry) {
		struct target *t;

		if (!p->hook_url)
			continue;
		t = target_of(h, p->id);
		text = talloc_asprintf_append(text, "webhook of %s: event %lld of %lld taken, %u failed tries of the next\n",
					      p->id, (long long)json_db_hook_get(h->db, p->id),
					      (long long)json_db_event_last(h->db, p->id), t->tries);
	}
	return text;
}

static int hooks_free(struct json_hooks *h)
{
	osmo_timer_del(&h->timer);
	http_cli_free(h->cli);
	return 0;
}

struct json_hooks *json_hooks_new(void *ctx, const struct json_srv_cfg *cfg, struct json_db *db)
{
	const struct http_cli_cfg cli = {
		.cert_file = cfg->cert_file, .key_file = cfg->key_file,
		.ca_file = cfg->cfg->hook_ca ? : cfg->ca_file, .timeout_s = 10, .max_inflight = 16, .max_body = 65536,
	};
	struct json_hooks *h = talloc_zero(ctx, struct json_hooks);

	OSMO_ASSERT(h);
	h->cfg = *cfg;
	h->db = db;
	INIT_LLIST_HEAD(&h->targets);
	osmo_timer_setup(&h->timer, timer_cb, h);
	h->cli = http_cli_new(h, &cli);
	talloc_set_destructor(h, hooks_free);
	if (!h->cli)
		TALLOC_FREE(h);
	return h;
}
