/* JSON of the fleet owners' interface, by jansson. Names are those of the OpenAPI document (json_api.c).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/misc.h>

#include "json_text.h"

#define VALIDITY_MAX_S 604800

static char *dump(void *ctx, json_t *o)
{
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL, *copy = text ? talloc_strdup(ctx, text) : NULL;

	free(text);
	json_decref(o);
	return copy;
}

static json_t *time_text(int64_t t)
{
	char at[CLOCK_STR_SIZE];

	return t ? json_string(clock_str(at, t)) : json_null();
}

static json_t *text_or_null(const char *s)
{
	json_t *o = s && s[0] ? json_string(s) : NULL;	/* NULL: not UTF-8 */

	return o ? o : json_null();
}

/* What is understood --------------------------------------------------------------------------------------------- */

static int member(struct json_body *b, const char **why, void *ctx, const char *key, json_t *v)
{
	if (strcmp(key, "validity_seconds")) {
		*why = talloc_asprintf(ctx, "no member \"%.40s\" is known here", key);
		return -EINVAL;
	}
	if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > VALIDITY_MAX_S) {
		*why = "validity_seconds: not an integer from 1 to 604800";
		return -EINVAL;
	}
	b->validity_s = json_integer_value(v);
	return 0;
}

int json_text_body(struct json_body *b, const char **why, void *ctx, const uint8_t *in, size_t len)
{
	json_error_t err;
	const char *key;
	json_t *o, *v;
	int rc = 0;

	memset(b, 0, sizeof(*b));
	if (!len)
		return 0;
	o = json_loadb((const char *)in, len, JSON_REJECT_DUPLICATES, &err);
	if (!json_is_object(o)) {
		*why = o ? "not a JSON object" : talloc_asprintf(ctx, "not JSON: line %d, column %d", err.line, err.column);
		json_decref(o);
		return -EINVAL;
	}
	json_object_foreach(o, key, v) {
		rc = member(b, why, ctx, key, v);
		if (rc < 0)
			break;
	}
	json_decref(o);
	return rc;
}

/* Problems and operations ---------------------------------------------------------------------------------------- */

static json_t *op_url(int64_t id)
{
	return json_sprintf("/v1/operations/%lld", (long long)id);
}

char *json_text_problem(void *ctx, const struct json_problem *p)
{
	json_t *o = json_pack("{s:s, s:i}", "title", p->title, "status", (int)p->status);

	if (!o)
		return NULL;
	json_object_set_new(o, "type", p->subject ? json_sprintf("urn:osmo-rsp:%s:%s", p->subject, p->reason) :
							  json_string("about:blank"));
	if (p->detail)
		json_object_set_new(o, "detail", text_or_null(p->detail));
	if (p->subject) {
		json_object_set_new(o, "subject_code", json_string(p->subject));
		json_object_set_new(o, "reason_code", json_string(p->reason));
	}
	if (p->op)
		json_object_set_new(o, "operation", op_url(p->op));
	return dump(ctx, o);
}

static json_t *op_obj(const struct json_op *op)
{
	const char *state = op->finished ? "finished" : "running";

	return json_pack("{s:I, s:o, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", (json_int_t)op->id,
			 "self", op_url(op->id), "function", es_func_name(op->func), "eid", op->eid, "iccid",
			 text_or_null(op->iccid), "state", state, "created", time_text(op->created), "deadline",
			 time_text(op->deadline), "finished", time_text(op->finished), "status", text_or_null(op->status),
			 "subject_code", text_or_null(op->subject), "reason_code", text_or_null(op->reason), "message",
			 text_or_null(op->message));
}

static json_t *event_obj(const struct json_event *ev)
{
	return json_pack("{s:I, s:o, s:s, s:o}", "id", (json_int_t)ev->id, "at", time_text(ev->at), "event", ev->name,
			 "outcome", text_or_null(ev->outcome));
}

char *json_text_op(void *ctx, const struct json_op *op, const struct json_event *ev, size_t n_ev)
{
	json_t *o = op_obj(op), *a = json_array();

	for (size_t i = 0; i < n_ev; i++)
		json_array_append_new(a, event_obj(&ev[i]));
	json_object_set_new(o, "progress", text_or_null(n_ev ? ev[n_ev - 1].name : ""));
	json_object_set_new(o, "timeline", a);
	return dump(ctx, o);
}

char *json_text_ops(void *ctx, const struct json_op *op, size_t n, bool more)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, op_obj(&op[i]));
	return dump(ctx, json_pack("{s:o, s:o}", "operations", a, "next",
				   more && n ? json_sprintf("%lld", (long long)op[n - 1].id) : json_null()));
}

char *json_text_event(void *ctx, const struct json_op *op, const struct json_event *ev)
{
	json_t *o = event_obj(ev);

	json_object_set_new(o, "operation", op_obj(op));
	return dump(ctx, o);
}

/* eUICCs --------------------------------------------------------------------------------------------------------- */

static const char *state_name(enum es_pstate s)
{
	return s == ES_PS_ENABLED ? "enabled" : s == ES_PS_DISABLED ? "disabled" : "created";
}

static json_t *profile_obj(const struct es_profile_info *p)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < p->n_pol2; i++)
		json_array_append_new(rules, json_pack("{s:s, s:s, s:s}", "subject", p->pol2[i].subject, "action",
						       p->pol2[i].action, "qualification", p->pol2[i].qualification));
	return json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "iccid", p->iccid, "state",
			 state_name(p->state), "fallback", p->fallback, "type", text_or_null(p->profile_type), "owner",
			 text_or_null(p->mno_id), "smdp", text_or_null(p->smdp_id), "imsi", text_or_null(p->addr.imsi),
			 "msisdn", text_or_null(p->addr.msisdn), "allocated_memory", (json_int_t)p->allocated_memory,
			 "pol2", rules);
}

static json_t *profiles(const struct es_eis *eis)
{
	json_t *a = json_array();

	for (size_t i = 0; i < eis->n_profiles; i++)
		json_array_append_new(a, profile_obj(&eis->profile[i]));
	return a;
}

static json_t *euicc_obj(const struct es_eis *eis)
{
	char eid[EID_STR_SIZE];

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:o}", "eid", eid_str(eid, &eis->eid), "eum",
			 text_or_null(eis->eum_id), "produced", time_text(eis->production_date), "platform_type",
			 text_or_null(eis->platform_type), "platform_version", text_or_null(eis->platform_version),
			 "remaining_memory", (json_int_t)eis->remaining_memory, "available_memory",
			 (json_int_t)eis->available_memory, "profiles", profiles(eis));
}

char *json_text_euicc(void *ctx, const struct es_eis *eis)
{
	return dump(ctx, euicc_obj(eis));
}

char *json_text_profiles(void *ctx, const struct es_eis *eis)
{
	return dump(ctx, json_pack("{s:o}", "profiles", profiles(eis)));
}

char *json_text_profile(void *ctx, const struct es_eis *eis, const char *iccid)
{
	for (size_t i = 0; i < eis->n_profiles; i++)
		if (!strcmp(eis->profile[i].iccid, iccid))
			return dump(ctx, profile_obj(&eis->profile[i]));
	return NULL;
}

struct json_list {
	json_t *a;
};

static int list_free(struct json_list *l)
{
	json_decref(l->a);
	return 0;
}

struct json_list *json_text_list(void *ctx)
{
	struct json_list *l = talloc_zero(ctx, struct json_list);

	OSMO_ASSERT(l);
	l->a = json_array();
	talloc_set_destructor(l, list_free);
	return l;
}

void json_text_list_add(struct json_list *l, const struct es_eis *eis)
{
	json_array_append_new(l->a, euicc_obj(eis));
}

char *json_text_list_end(struct json_list *l, void *ctx, const char *next)
{
	char *text = dump(ctx, json_pack("{s:O, s:o}", "euiccs", l->a, "next", text_or_null(next)));

	talloc_free(l);
	return text;
}
