/* What is asked for at the JSON interface, and the answers (RFC 9457 problems; off-card.md 4.4): rights, checks and
 * procedures are those of ES4. Everything is answered after the commit (design.md P1).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/net/http.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/misc.h>

#include "json_call.h"
#include "plat_srv.h"

#define LIST_MAX	200
#define LIST_DEFAULT	50
#define TIMELINE_MAX	100
#define WAITS_MAX	256

/* Answers -------------------------------------------------------------------------------------------------------- */

static struct sqldb *sql_of(const struct json_srv *s)
{
	return s->cfg.reg->db->sql;
}

static void flush(void *data)
{
	struct json_call *c = data;
	struct http_header h[4] = { { "Content-Type", c->type ? : "application/json" }, { "Cache-Control", "no-store" } };
	size_t n = 2;

	if (c->location)
		h[n++] = (struct http_header){ "Location", c->location };
	if (c->replayed)
		h[n++] = (struct http_header){ "Idempotency-Replayed", "true" };
	else if (c->status == 429)
		h[n++] = (struct http_header){ "Retry-After", "1" };
	else if (c->status == 401)
		h[n++] = (struct http_header){ "WWW-Authenticate", "Bearer" };
	http_req_set_priv(c->req, NULL);
	http_req_respond(c->req, c->status, h, n, c->body ? : "", c->body ? strlen(c->body) : 0, false);
	talloc_free(c);
}

void json_call_reply(struct json_call *c)
{
	txn_after_commit(sql_of(c->s), flush, c);
}

static const char *status_title(unsigned status)
{
	static const struct { unsigned status; const char *title; } t[] = {
		{ 400, "Bad request" }, { 401, "Not authenticated" }, { 403, "Not allowed" }, { 404, "Not found" },
		{ 405, "Method not allowed" }, { 409, "Not in this state" },
		{ 422, "Idempotency key used for another request" }, { 429, "Too many requests" },
		{ 500, "Internal error" }, { 501, "Not offered here" }, { 502, "The card refused" },
		{ 504, "No answer in time" }, { 503, "Too busy" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		if (t[i].status == status)
			return t[i].title;
	return "Error";
}

void json_call_problem(struct json_call *c, unsigned status, const char *detail)
{
	const struct json_problem p = { .status = status, .title = status_title(status), .detail = detail };

	c->status = status;
	c->type = "application/problem+json";
	c->body = json_text_problem(c, &p);
}

/* Reason codes of SGP.02 5.1.6.2 as HTTP says such things. */
static unsigned reason_status(const char *reason)
{
	static const struct { const char *reason; unsigned status; } t[] = {
		{ "1.1", 403 }, { "1.2", 403 }, { "2.1", 400 }, { "2.2", 400 }, { "2.3", 400 }, { "3.1", 501 },
		{ "3.3", 409 }, { "3.5", 409 }, { "3.7", 409 }, { "3.8", 409 }, { "3.9", 404 }, { "4.2", 502 },
		{ "4.4", 429 }, { "4.8", 409 }, { "5.1", 502 }, { "5.3", 504 }, { "5.4", 504 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		if (!strcmp(t[i].reason, reason))
			return t[i].status;
	return 500;
}

static void refused(struct json_call *c, const char *subject, const char *reason, const char *detail, int64_t op)
{
	const unsigned status = !strcmp(reason, "4.2") && !op ? 500 : reason_status(reason);
	const struct json_problem p = {
		.status = status, .title = status_title(status), .detail = detail, .subject = subject, .reason = reason,
		.op = op,
	};

	c->status = status;
	c->type = "application/problem+json";
	c->body = json_text_problem(c, &p);
}

static void refused_reason(struct json_call *c, enum es_reason r)
{
	refused(c, es_reason_subject(r), es_reason_code(r), es_reason_text(r), 0);
}

static void found(struct json_call *c, char *body)
{
	if (!body) {
		json_call_problem(c, 404, "there is no such thing, or it is not yours");
		return;
	}
	c->status = 200;
	c->body = body;
}

/* Queries -------------------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static char *unescape(char *s)
{
	char *out = s;

	for (const char *p = s; *p; p++) {
		if (*p == '%' && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
			*out++ = hex_digit(p[1]) << 4 | hex_digit(p[2]);
			p += 2;
		} else {
			*out++ = *p == '+' ? ' ' : *p;
		}
	}
	*out = '\0';
	return s;
}

static const char *query(struct json_call *c, const char *name)
{
	const char *q = http_req_query(c->req);
	size_t n = strlen(name);

	for (; q && *q; q = strchr(q, '&') ? strchr(q, '&') + 1 : NULL)
		if (!strncmp(q, name, n) && q[n] == '=')
			return unescape(talloc_strndup(c, q + n + 1, strcspn(q + n + 1, "&")));
	return NULL;
}

/* false: answered. */
static bool page(struct json_call *c, size_t *limit)
{
	const char *text = query(c, "limit");
	int n = text ? atoi(text) : LIST_DEFAULT;

	*limit = n;
	if (n >= 1 && n <= LIST_MAX)
		return true;
	json_call_problem(c, 400, "limit: 1 to 200");
	return false;
}

static bool digits_or_null(const char *s, size_t max)
{
	return !s || digits_valid(s, 1, max);
}

/* eUICCs --------------------------------------------------------------------------------------------------------- */

static struct policy_caller caller_of(const struct json_call *c)
{
	return (struct policy_caller){ .id = c->party->id, .role = c->party->role, .iface = ES4,
				       .grants = c->s->cfg.reg->grants };
}

static int state_parse(const char *s)
{
	return !s ? -1 : !strcmp(s, "created") ? ES_PS_CREATED : !strcmp(s, "disabled") ? ES_PS_DISABLED :
	       !strcmp(s, "enabled") ? ES_PS_ENABLED : -EINVAL;
}

static void add_euicc(struct json_call *c, struct json_list *l, const char *eid_text, const struct json_filter *f)
{
	const struct policy_caller caller = caller_of(c);
	struct es_eis *view;
	struct eid eid;
	struct eis *eis = eid_from_str(&eid, eid_text) == 0 ? eis_load(c, c->s->cfg.reg->db, &eid) : NULL;

	if (!eis)
		return;
	view = plat_srv_view(eis, eis, &caller);
	if (view && json_filter_fits(f, view))
		json_text_list_add(l, view);
	talloc_free(eis);
}

static void get_euiccs(struct json_call *c)
{
	const char *after = query(c, "after"), *state = query(c, "state");
	struct json_filter f = { .eid = query(c, "eid"), .iccid = query(c, "iccid"), .type = query(c, "type"),
				 .state = state_parse(state) };
	char (*eids)[EID_STR_SIZE];
	struct json_list *l;
	size_t limit, n;

	if (!page(c, &limit))
		return;
	if (f.state < -1 || !digits_or_null(after, 32) || !digits_or_null(f.eid, 32) || !digits_or_null(f.iccid, 20)) {
		json_call_problem(c, 400, "after and eid are digits of an EID, iccid an ICCID, state created, disabled or enabled");
		return;
	}
	eids = talloc_array_size(c, sizeof(*eids), limit);
	n = json_db_eids(c->s->db, c->party->id, after ? : "", &f, eids, limit);
	l = json_text_list(c);
	for (size_t i = 0; i < n; i++)
		add_euicc(c, l, eids[i], &f);
	found(c, json_text_list_end(l, c, n == limit ? eids[n - 1] : NULL));
}

/* What the caller sees of the eUICC in the path; NULL: answered. */
static struct es_eis *view(struct json_call *c)
{
	const struct policy_caller caller = caller_of(c);
	struct es_eis *v;
	struct eid eid;
	struct eis *eis;

	if (eid_from_str(&eid, c->arg[0]) < 0) {
		refused(c, es_reason_subject(ES_R_PARAM_INVALID), es_reason_code(ES_R_PARAM_INVALID), "not an EID", 0);
		return NULL;
	}
	eis = eis_load(c, c->s->cfg.reg->db, &eid);
	v = eis ? plat_srv_view(eis, c, &caller) : NULL;
	if (!v)
		refused_reason(c, eis ? ES_R_EUICC_NOT_ALLOWED : ES_R_EID_UNKNOWN);
	return v;
}

static void get_euicc(struct json_call *c)
{
	const struct es_eis *v = view(c);

	if (v)
		found(c, json_text_euicc(c, v));
}

static void get_profiles(struct json_call *c)
{
	const struct es_eis *v = view(c);

	if (v)
		found(c, json_text_profiles(c, v));
}

static void get_profile(struct json_call *c)
{
	const struct es_eis *v = view(c);

	if (v)
		found(c, json_text_profile(c, v, c->arg[1]));
}

/* Operations ----------------------------------------------------------------------------------------------------- */

static void show_op(struct json_call *c, const struct json_op *op, unsigned status)
{
	struct json_event *ev = talloc_array(c, struct json_event, TIMELINE_MAX);
	size_t n = json_db_event_list(c->s->db, op->party, op->id, 0, ev, TIMELINE_MAX);

	c->status = status;
	c->body = json_text_op(c, op, ev, n);
	if (status == 202)
		c->location = talloc_asprintf(c, "/v1/operations/%lld", (long long)op->id);
}

static void show_started(struct json_call *c, const struct json_op *op)
{
	if (op->finished && strncmp(op->status, "EXECUTED", 8))
		refused(c, op->subject, op->reason, op->message[0] ? op->message : es_reason_text(ES_R_INTERNAL), op->id);
	else
		show_op(c, op, 202);
}

static void hash_request(struct json_call *c, const uint8_t *body, size_t len, uint8_t out[32])
{
	const char *method = http_req_method(c->req), *path = http_req_path(c->req);
	const struct iov iov[] = { { method, strlen(method) }, { path, strlen(path) }, { body, len } };

	sha256(iov, ARRAY_SIZE(iov), out);
}

/* true: answered from what the same key did before. */
static bool replay(struct json_call *c, const char *key, const uint8_t hash[32])
{
	struct json_op op;
	int rc = key ? json_db_op_by_key(c->s->db, c->party->id, key, hash, &op) : -ENOENT;

	if (rc == -ENOENT)
		return false;
	c->replayed = rc == 0;
	if (rc == 0)
		show_started(c, &op);
	else
		json_call_problem(c, 422, "this Idempotency-Key came with another request");
	return true;
}

static void start(struct json_call *c, enum es_func func)
{
	const char *key = http_req_header(c->req, "Idempotency-Key"), *why = NULL;
	struct json_op op = { 0 };
	struct json_body b;
	enum es_reason reason;
	uint8_t hash[32];
	const uint8_t *body;
	struct eid eid;
	size_t len;

	body = http_req_body(c->req, &len);
	if (json_text_body(&b, &why, c, body, len) < 0)
		return json_call_problem(c, 400, why);
	if (key && (!key[0] || strlen(key) > JSON_KEY_MAX))
		return json_call_problem(c, 400, "Idempotency-Key: 1 to 128 characters");
	if (eid_from_str(&eid, c->arg[0]) < 0 || (c->arg[1] && iccid_from_str(op.iccid, c->arg[1]) < 0))
		return json_call_problem(c, 400, "the path has no EID or no ICCID where one belongs");
	hash_request(c, body, len, hash);
	if (replay(c, key, hash))
		return;
	OSMO_STRLCPY_ARRAY(op.party, c->party->id);
	eid_str(op.eid, &eid);
	if (json_ops_submit(c->s->ops, &op, func, b.validity_s, key, hash, &reason) < 0)
		refused_reason(c, reason);
	else
		show_started(c, &op);
}

static void post_enable(struct json_call *c)
{
	start(c, ES_FN_ENABLE_PROFILE);
}

static void post_disable(struct json_call *c)
{
	start(c, ES_FN_DISABLE_PROFILE);
}

static void post_delete(struct json_call *c)
{
	start(c, ES_FN_DELETE_PROFILE);
}

/* Off-card 4.2: ES2.DownloadProfile is the SM-DP's, which knows operators by their own certificates. No function lets
 * an SM-SR speak to it in an operator's name. */
static void post_download(struct json_call *c)
{
	json_call_problem(c, 501, "a download is ordered from the SM-DP that has the profile (ES2.DownloadProfile); it then comes here");
}

static void get_operations(struct json_call *c)
{
	const char *after = query(c, "after"), *state = query(c, "state");
	struct json_filter f = {
		.eid = query(c, "eid"), .iccid = query(c, "iccid"), .after = after ? strtoll(after, NULL, 10) : 0,
		.state = !state ? -1 : !strcmp(state, "running") ? 0 : !strcmp(state, "finished") ? 1 : -EINVAL,
	};
	struct json_op *op;
	size_t limit, n;

	if (!page(c, &limit))
		return;
	if (f.state < -1 || !digits_or_null(after, 18))
		return json_call_problem(c, 400, "after is the number of an operation, state running or finished");
	op = talloc_array(c, struct json_op, limit);
	n = json_db_op_list(c->s->db, c->party->id, &f, op, limit);
	found(c, json_text_ops(c, op, n, n == limit));
}

static bool own_op(struct json_call *c, struct json_op *op)
{
	if (digits_valid(c->arg[0], 1, 18) && json_db_op_get(c->s->db, strtoll(c->arg[0], NULL, 10), op) == 0 &&
	    !strcmp(op->party, c->party->id))
		return true;
	found(c, NULL);
	return false;
}

static void get_operation(struct json_call *c)
{
	struct json_op op;

	if (own_op(c, &op))
		show_op(c, &op, 200);
}

/* Events: what there is after Last-Event-ID, or the next that comes; then the answer ends and the browser's EventSource
 * asks again by itself, naming the last it has (HTML, 9.2). No connection is owned by a silent peer for longer. */

void json_call_unwait(struct json_call *c)
{
	if (c->waiting) {
		llist_del(&c->entry);
		c->s->n_waits--;
	}
	c->waiting = false;
	osmo_timer_del(&c->timer);
}

static bool events_now(struct json_call *c)
{
	struct json_event *ev = talloc_array(c, struct json_event, TIMELINE_MAX);
	size_t n = json_db_event_list(c->s->db, c->party_id, c->op, c->after, ev, TIMELINE_MAX);
	struct json_op op;

	c->type = "text/event-stream";
	c->status = 200;
	talloc_free(c->body);
	c->body = talloc_strdup(c, "retry: 200\n\n");
	for (size_t i = 0; i < n; i++) {
		if (json_db_op_get(c->s->db, ev[i].op, &op) < 0)
			continue;
		c->body = talloc_asprintf_append(c->body, "id: %lld\nevent: %s\ndata: %s\n\n",
						 (long long)ev[i].id, ev[i].name, json_text_event(c, &op, &ev[i]));
	}
	talloc_free(ev);
	return n > 0;
}

static void wait_over(void *data)
{
	struct json_call *c = data;	/* nothing came */

	json_call_unwait(c);
	json_call_reply(c);
}

static void wait_events(struct json_call *c)
{
	const char *last = http_req_header(c->req, "Last-Event-ID");

	if (!last)
		last = query(c, "after");
	if (!digits_or_null(last, 18))
		return json_call_problem(c, 400, "Last-Event-ID: the number of an event");
	c->after = last ? strtoll(last, NULL, 10) : c->op ? 0 : json_db_event_last(c->s->db, c->party_id);
	if (events_now(c))
		return;
	if (c->s->n_waits >= (c->s->cfg.cfg->max_waits ? : WAITS_MAX)) {
		counter_inc(CTR_JSON_STREAMS);
		return json_call_problem(c, 429, "too many wait for events");
	}
	c->waiting = true;
	c->s->n_waits++;
	llist_add_tail(&c->entry, &c->s->waits);
	osmo_timer_setup(&c->timer, wait_over, c);
	osmo_timer_schedule(&c->timer, JSON_WAIT_S, 0);
}

static void get_events(struct json_call *c)
{
	wait_events(c);
}

static void get_operation_events(struct json_call *c)
{
	struct json_op op;

	if (!own_op(c, &op))
		return;
	c->op = op.id;
	wait_events(c);
}

void json_call_event(void *priv, const char *party)
{
	struct json_srv *s = priv;
	struct json_call *c, *tmp;

	llist_for_each_entry_safe(c, tmp, &s->waits, entry)
		if (!strcmp(c->party_id, party) && events_now(c)) {
			json_call_unwait(c);
			json_call_reply(c);
		}
	json_hooks_run(s->hooks);
}

/* Routes --------------------------------------------------------------------------------------------------------- */

static void get_document(struct json_call *c);

#define P_EUICC "/v1/euiccs/{eid}"
#define P_PROFILE P_EUICC "/profiles/{iccid}"
#define ACT_ERRORS "400 403 404 409 422 500 501 502 504"

static const struct json_route routes[] = {
	{ "GET", "/v1/euiccs", "listEuiccs", "eUICCs with a profile of yours, or one whose owner granted you GetEIS",
	  "limit after eid iccid type state", false, false, 200, "EuiccList", "400", get_euiccs },
	{ "GET", P_EUICC, "getEuicc", "One eUICC with the profiles you may see (ES4.GetEIS)", NULL, false, false, 200,
	  "Euicc", "400 403 404", get_euicc },
	{ "GET", P_EUICC "/profiles", "listProfiles", "The profiles you may see", NULL, false, false, 200, "ProfileList",
	  "400 403 404", get_profiles },
	{ "POST", P_EUICC "/profiles", "downloadProfile", "Not here: order it from the SM-DP", NULL, false, false, 501, NULL,
	  "", post_download },
	{ "GET", P_PROFILE, "getProfile", "One profile", NULL, false, false, 200, "Profile", "400 403 404", get_profile },
	{ "POST", P_PROFILE "/enable", "enableProfile", "ES4.EnableProfile", NULL, true, true, 202, "Operation", ACT_ERRORS,
	  post_enable },
	{ "POST", P_PROFILE "/disable", "disableProfile", "ES4.DisableProfile", NULL, true, true, 202, "Operation",
	  ACT_ERRORS, post_disable },
	{ "POST", P_PROFILE "/delete", "deleteProfile", "ES4.DeleteProfile", NULL, true, true, 202, "Operation", ACT_ERRORS,
	  post_delete },
	{ "DELETE", P_PROFILE, "removeProfile", "ES4.DeleteProfile", NULL, false, true, 202, "Operation", ACT_ERRORS,
	  post_delete },
	{ "GET", "/v1/operations", "listOperations", "Yours, the newest first", "limit after eid iccid state", false, false,
	  200, "OperationList", "400", get_operations },
	{ "GET", "/v1/operations/{id}", "getOperation", "Progress, timeline and outcome", NULL, false, false, 200,
	  "Operation", "404", get_operation },
	{ "GET", "/v1/operations/{id}/events", "operationEvents", "Server-sent events of one operation", "after", false,
	  false, 200, NULL, "400 404", get_operation_events },
	{ "GET", "/v1/events", "events", "Server-sent events of your operations", "after", false, false, 200, NULL, "400",
	  get_events },
	{ "GET", "/v1/openapi.json", "openapi", "This document", NULL, false, false, 200, "Document", "", get_document },
};

static void get_document(struct json_call *c)
{
	found(c, json_api_document(c, routes, ARRAY_SIZE(routes)));
}

/* Does the path fit? Its variable parts into arg. */
static bool route_fits(const struct json_route *r, const char *path, char *arg[2], void *ctx)
{
	const char *t = r->path;
	unsigned n = 0;

	arg[0] = arg[1] = NULL;
	while (*t) {
		if (*t == '{') {
			size_t len = strcspn(path, "/");

			if (!len || len > 64 || n == 2)
				return false;
			arg[n++] = talloc_strndup(ctx, path, len);
			path += len;
			t = strchr(t, '}') + 1;
		} else if (*t++ != *path++) {
			return false;
		}
	}
	return !*path;
}

void json_call_dispatch(struct json_call *c)
{
	const char *path = http_req_path(c->req), *method = http_req_method(c->req);
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (!route_fits(&routes[i], path, c->arg, c))
			continue;
		known = true;
		if (strcmp(routes[i].method, method))
			continue;
		routes[i].handle(c);
		return;
	}
	json_call_problem(c, known ? 405 : 404, known ? "not with this method" : "see /v1/openapi.json");
}
