/* The stock as JSON (doc/profiles.md, "Over HTTP").
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include <talloc.h>

#include <osmocom/rsp/util/misc.h>

#include "stock_json.h"

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
	return s[0] ? json_string(s) : json_null();
}

/* Profiles ------------------------------------------------------------------------------------------------------- */

static json_t *profile(const struct stock_row *r)
{
	return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "iccid", r->iccid, "type", text_or_null(r->type),
			 "state", stock_state_name(r->state), "eid", text_or_null(r->eid), "imsi",
			 text_or_null(r->imsi), "msisdn", text_or_null(r->msisdn), "smsc", text_or_null(r->smsc),
			 "batch", r->batch ? json_integer(r->batch) : json_null());
}

struct list {
	json_t *a;
	unsigned seen;
	char last[ICCID_STR_SIZE];
};

static bool add_profile(void *data, const struct stock_row *r)
{
	struct list *l = data;

	l->seen++;
	memcpy(l->last, r->iccid, sizeof(l->last));
	if (r->state != STOCK_STAGED)
		json_array_append_new(l->a, profile(r));
	return true;
}

char *stock_json_profiles(void *ctx, struct smdp_db *db, const char *owner, const char *after, unsigned limit)
{
	struct list l = { .a = json_array() };

	smdp_db_stock_walk(db, after, owner, limit, add_profile, &l);
	return dump(ctx, json_pack("{s:o, s:o}", "profiles", l.a, "next",
				   l.seen == limit ? json_string(l.last) : json_null()));
}

char *stock_json_profile(void *ctx, struct smdp_db *db, const char *owner, const char *iccid)
{
	struct stock_row r;

	if (smdp_db_stock_get(db, iccid, &r) < 0 || strcmp(r.owner, owner) || r.state == STOCK_STAGED)
		return NULL;
	return dump(ctx, profile(&r));
}

static void add_sum(void *data, const char *owner, const char *type, enum stock_state state, int64_t n)
{
	json_t *o = data, *t = json_object_get(o, type);
	const char *name = stock_state_name(state);

	if (!t) {
		t = json_object();
		json_object_set_new(o, type, t);
	}
	/* two states may have one name */
	json_object_set_new(t, name, json_integer(json_integer_value(json_object_get(t, name)) + n));
}

char *stock_json_summary(void *ctx, struct smdp_db *db, const char *owner)
{
	json_t *o = json_object();

	smdp_db_stock_summary(db, owner, add_sum, o);
	return dump(ctx, json_pack("{s:o}", "types", o));
}

static void add_type(void *data, const struct stock_type *t)
{
	json_array_append_new(data, json_pack("{s:s, s:i, s:o, s:b, s:o}", "type", t->name, "version", (int)t->version,
					      "plmn", text_or_null(t->plmn), "keys", (int)t->keys, "since",
					      time_text(t->created)));
}

char *stock_json_types(void *ctx, struct smdp_db *db, const char *owner)
{
	json_t *a = json_array();

	smdp_db_type_walk(db, owner, add_type, a);
	return dump(ctx, json_pack("{s:o}", "types", a));
}

/* Batches -------------------------------------------------------------------------------------------------------- */

static json_t *messages(const char *text)
{
	json_t *a = json_array();
	size_t n;

	for (; *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		json_array_append_new(a, json_stringn(text, n));
	}
	return a;
}

static json_t *batch(const struct batch_row *b)
{
	return json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "batch", (json_int_t)b->id, "type",
			 b->type, "state", stock_batch_state_name(b->state), "profiles", (json_int_t)b->rows, "bad",
			 (json_int_t)b->bad, "size", (json_int_t)b->size, "read", (json_int_t)b->offset, "messages",
			 messages(b->message), "started", time_text(b->started), "finished", time_text(b->finished));
}

static void add_batch(void *data, const struct batch_row *b)
{
	json_array_append_new(data, batch(b));
}

char *stock_json_batches(void *ctx, struct smdp_db *db, const char *owner)
{
	json_t *a = json_array();

	smdp_db_batch_walk(db, owner, 50, add_batch, a);
	return dump(ctx, json_pack("{s:o}", "batches", a));
}

char *stock_json_batch(void *ctx, struct smdp_db *db, const char *owner, int64_t id)
{
	struct batch_row b;

	if (smdp_db_batch_get(db, id, &b) < 0 || strcmp(b.owner, owner))
		return NULL;
	return dump(ctx, batch(&b));
}

char *stock_json_id(void *ctx, int64_t id)
{
	return dump(ctx, json_pack("{s:I}", "batch", (json_int_t)id));
}

char *stock_json_error(void *ctx, const char *text)
{
	return dump(ctx, json_pack("{s:s}", "error", text));
}
