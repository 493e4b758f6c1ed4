/* Statements of the off-card link: requests received (es_request) and messages to send (es_outbox). The only SQL of
 * es/.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>

#include "es_link_priv.h"
#include "es_soap.h"

const char es_link_schema[] =
	"CREATE TABLE es_request ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, party TEXT NOT NULL, message_id TEXT NOT NULL, iface INTEGER NOT NULL,"
	" func INTEGER NOT NULL, received INTEGER NOT NULL, deadline INTEGER NOT NULL, reply_to TEXT, body BLOB,"
	" state INTEGER NOT NULL, response BLOB, answered INTEGER, UNIQUE (party, message_id));"
	"CREATE INDEX es_request_state ON es_request (state, answered);"
	"CREATE INDEX es_request_party ON es_request (party, state);"
	"CREATE TABLE es_outbox ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, party TEXT NOT NULL, eid TEXT NOT NULL, url TEXT NOT NULL,"
	" kind INTEGER NOT NULL, iface INTEGER NOT NULL, func INTEGER NOT NULL, message_id TEXT NOT NULL,"
	" message_base TEXT NOT NULL, transaction_id TEXT, tag TEXT NOT NULL, body BLOB NOT NULL,"
	" attempts INTEGER NOT NULL,"
	" next_attempt INTEGER NOT NULL, deadline INTEGER NOT NULL, state INTEGER NOT NULL);"
	"CREATE INDEX es_outbox_message ON es_outbox (message_id);"
	"CREATE INDEX es_outbox_base ON es_outbox (message_base);"
	"CREATE INDEX es_outbox_transaction ON es_outbox (transaction_id);"
	"CREATE INDEX es_outbox_tag ON es_outbox (tag);";

const char es_link_schema_2[] =
	"ALTER TABLE es_request ADD COLUMN fetched_by TEXT;"
	"CREATE INDEX es_request_fetch ON es_request (party, reply_to) WHERE state > 2;"
	"CREATE INDEX es_outbox_parked ON es_outbox (party) WHERE state = 2;";

enum stmt {
	REQ_INSERT,
	REQ_FIND,
	REQ_NEXT_OPEN,
	REQ_ANSWER,
	REQ_COUNT_OPEN,
	REQ_PURGE,
	REQ_FETCH,
	REQ_FETCHED,
	OUT_INSERT,
	OUT_NEXT,
	OUT_BODY,
	OUT_RETRY,
	OUT_STATE,
	OUT_DELETE,
	OUT_DELETE_TAG,
	OUT_BY_ID,
	OUT_BY_BASE,
	OUT_BY_TRANSACTION,
	OUT_COUNT_PARKED,
	OUT_PURGE,
	OUT_UNPARK,
	OUT_DROP,
	OUT_PARKED,
	N_STMT
};

#define OUT_CORRELATE(column) \
	"SELECT id FROM es_outbox WHERE " column " = ?1 AND party = ?2 AND kind = 0 AND state < 2" \
	" AND iface = ?3 AND func = ?4 ORDER BY id LIMIT 1"

static const char *const sql[N_STMT] = {
	[REQ_INSERT] = "INSERT INTO es_request (party, message_id, iface, func, received, deadline, reply_to, body,"
		       " state, answered)"
		       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[REQ_FIND] = "SELECT id, received, deadline, state, party, message_id, reply_to, NULL, response FROM es_request"
		     " WHERE party = ?1 AND message_id = ?2",
	[REQ_NEXT_OPEN] =
		"SELECT id, received, deadline, state, party, message_id, reply_to, body, NULL FROM es_request"
		" WHERE state = 0 AND id > ?1 ORDER BY id LIMIT 1",
	[REQ_ANSWER] = "UPDATE es_request SET state = ?2, response = ?3, answered = ?4,"
		       " body = NULL WHERE id = ?1 AND state = 0",
	[REQ_COUNT_OPEN] = "SELECT count(*) FROM es_request WHERE state = 0 AND party = ?1",
	[REQ_PURGE] = "DELETE FROM es_request WHERE state > 0 AND answered < ?1",
	/* a poll that is repeated gets again what it got; else the oldest that waits */
	[REQ_FETCH] =
		"SELECT id, received, deadline, state, party, message_id, reply_to, NULL, response FROM es_request"
		" WHERE party = ?1 AND reply_to = ?2 AND (state = 3 OR (state = 4 AND fetched_by = ?3))"
		" ORDER BY state DESC, id LIMIT 2",
	[REQ_FETCHED] = "UPDATE es_request SET state = 4, fetched_by = ?2 WHERE id = ?1",
	[OUT_INSERT] =
		"INSERT INTO es_outbox (party, eid, url, kind, iface, func, message_id, message_base,"
		" transaction_id, tag,"
		" body, attempts, next_attempt, deadline, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
		" ?11, 0, 0, ?12, 0)",
	[OUT_NEXT] = "SELECT id, next_attempt, deadline, attempts, kind, state, party, eid, url, message_id, tag,"
		     " iface, func"
		     " FROM es_outbox"
		     " WHERE id > ?1 AND state < 2 ORDER BY id LIMIT 1",
	[OUT_BODY] = "SELECT body FROM es_outbox WHERE id = ?1 AND message_id = ?2",
	[OUT_RETRY] = "UPDATE es_outbox SET attempts = ?2, next_attempt = ?3 WHERE id = ?1",
	[OUT_STATE] = "UPDATE es_outbox SET state = ?2 WHERE id = ?1",
	[OUT_DELETE] = "DELETE FROM es_outbox WHERE id = ?1",
	[OUT_DELETE_TAG] = "DELETE FROM es_outbox WHERE tag = ?1 AND kind = 0",
	[OUT_BY_ID] = OUT_CORRELATE("message_id"),
	[OUT_BY_BASE] = OUT_CORRELATE("message_base"),
	[OUT_BY_TRANSACTION] = OUT_CORRELATE("transaction_id"),
	[OUT_COUNT_PARKED] = "SELECT count(*) FROM es_outbox WHERE state = 2",
	[OUT_UNPARK] = "UPDATE es_outbox SET state = 0, attempts = 0, next_attempt = 0, deadline = ?2"
		       " WHERE state = 2 AND (?1 IS NULL OR party = ?1)",
	[OUT_DROP] = "DELETE FROM es_outbox WHERE state = 2 AND (?1 IS NULL OR party = ?1)",
	[OUT_PARKED] = "SELECT id, party, eid, kind, iface, func, attempts FROM es_outbox WHERE state = 2 ORDER BY id "
		       "LIMIT ?1",
	[OUT_PURGE] = "DELETE FROM es_outbox WHERE state = 2 AND deadline < ?1",
};

int es_db_prepare(struct es_link *l)
{
	l->st = sqldb_prepare(l->db, sql, N_STMT);
	return l->st ? 0 : -EIO;
}

static struct bytes *col_bytes(struct es_link *l, void *ctx, enum stmt st, int col)
{
	size_t len;
	const uint8_t *p = sqldb_col_blob(l->st, st, col, &len);

	return p ? bytes_dup(ctx, p, len) : NULL;
}

/* ---- requests ---- */

/* row->state REPLIED without response: a notification taken, kept to know it again. */
int64_t es_db_req_insert(struct es_link *l, const struct es_req_row *row, const struct es_msg *m, const void *body,
			 size_t len)
{
	sqldb_bind_text(l->st, REQ_INSERT, 1, row->party);
	sqldb_bind_text(l->st, REQ_INSERT, 2, row->message_id);
	sqldb_bind_int(l->st, REQ_INSERT, 3, m->iface);
	sqldb_bind_int(l->st, REQ_INSERT, 4, m->func);
	sqldb_bind_int(l->st, REQ_INSERT, 5, row->received);
	sqldb_bind_int(l->st, REQ_INSERT, 6, row->deadline);
	sqldb_bind_text(l->st, REQ_INSERT, 7, row->reply_to);
	sqldb_bind_blob(l->st, REQ_INSERT, 8, body, len);
	sqldb_bind_int(l->st, REQ_INSERT, 9, row->state);
	sqldb_bind_int(l->st, REQ_INSERT, 10, row->state == ES_REQ_OPEN ? 0 : row->received);
	return sqldb_insert(l->st, REQ_INSERT);
}

static struct es_req_row *req_row(struct es_link *l, void *ctx, enum stmt st)
{
	struct es_req_row *r;

	if (sqldb_step(l->st, st) != 1)
		return NULL;
	r = talloc_zero(ctx, struct es_req_row);
	r->id = sqldb_col_int(l->st, st, 0);
	r->received = sqldb_col_int(l->st, st, 1);
	r->deadline = sqldb_col_int(l->st, st, 2);
	r->state = sqldb_col_int(l->st, st, 3);
	r->party = talloc_strdup(r, sqldb_col_text(l->st, st, 4));
	r->message_id = talloc_strdup(r, sqldb_col_text(l->st, st, 5));
	r->reply_to = talloc_strdup(r, sqldb_col_text(l->st, st, 6));
	r->body = col_bytes(l, r, st, 7);
	r->response = col_bytes(l, r, st, 8);
	sqldb_reset(l->st, st);
	return r;
}

struct es_req_row *es_db_req_find(struct es_link *l, void *ctx, const char *party, const char *message_id)
{
	sqldb_bind_text(l->st, REQ_FIND, 1, party);
	sqldb_bind_text(l->st, REQ_FIND, 2, message_id);
	return req_row(l, ctx, REQ_FIND);
}

struct es_req_row *es_db_req_next_open(struct es_link *l, void *ctx, int64_t after_id)
{
	sqldb_bind_int(l->st, REQ_NEXT_OPEN, 1, after_id);
	return req_row(l, ctx, REQ_NEXT_OPEN);
}

struct es_req_row *es_db_req_fetch(struct es_link *l, void *ctx, const char *party, const char *address,
				   const char *poll_id, bool *more)
{
	struct es_req_row *r;

	sqldb_bind_text(l->st, REQ_FETCH, 1, party);
	sqldb_bind_text(l->st, REQ_FETCH, 2, address);
	sqldb_bind_text(l->st, REQ_FETCH, 3, poll_id);
	*more = false;
	if (sqldb_step(l->st, REQ_FETCH) != 1)
		return NULL;
	r = talloc_zero(ctx, struct es_req_row);
	r->id = sqldb_col_int(l->st, REQ_FETCH, 0);
	r->response = col_bytes(l, r, REQ_FETCH, 8);
	*more = sqldb_step(l->st, REQ_FETCH) == 1;
	if (*more)
		sqldb_reset(l->st, REQ_FETCH);
	return r;
}

int es_db_req_fetched(struct es_link *l, int64_t id, const char *poll_id)
{
	sqldb_bind_int(l->st, REQ_FETCHED, 1, id);
	sqldb_bind_text(l->st, REQ_FETCHED, 2, poll_id);
	return sqldb_exec(l->st, REQ_FETCHED);
}

int es_db_req_answer(struct es_link *l, int64_t id, enum es_req_state state, const struct bytes *response)
{
	sqldb_bind_int(l->st, REQ_ANSWER, 1, id);
	sqldb_bind_int(l->st, REQ_ANSWER, 2, state);
	sqldb_bind_blob(l->st, REQ_ANSWER, 3, response ? response->data : NULL, response ? response->len : 0);
	sqldb_bind_int(l->st, REQ_ANSWER, 4, clock_now());
	return sqldb_exec(l->st, REQ_ANSWER);
}

unsigned es_db_req_count_open(struct es_link *l, const char *party)
{
	unsigned n = 0;

	sqldb_bind_text(l->st, REQ_COUNT_OPEN, 1, party);
	if (sqldb_step(l->st, REQ_COUNT_OPEN) == 1) {
		n = sqldb_col_int(l->st, REQ_COUNT_OPEN, 0);
		sqldb_reset(l->st, REQ_COUNT_OPEN);
	}
	return n;
}

void es_db_purge(struct es_link *l, int64_t before)
{
	sqldb_bind_int(l->st, REQ_PURGE, 1, before);
	sqldb_exec(l->st, REQ_PURGE);
	/* What could not be delivered stays a week for a person to see. */
	sqldb_bind_int(l->st, OUT_PURGE, 1, before - 6 * 86400);
	sqldb_exec(l->st, OUT_PURGE);
}

/* ---- outbox ---- */

int64_t es_db_out_insert(struct es_link *l, const struct es_out_row *row, const struct es_msg *m,
			 const struct bytes *body)
{
	char *base = es_message_id_base(l, row->message_id),
	     *transaction = es_query_param(l, row->message_id, "TransactionId");
	int64_t id;

	sqldb_bind_text(l->st, OUT_INSERT, 1, row->party);
	sqldb_bind_text(l->st, OUT_INSERT, 2, row->eid);
	sqldb_bind_text(l->st, OUT_INSERT, 3, row->url);
	sqldb_bind_int(l->st, OUT_INSERT, 4, row->kind);
	sqldb_bind_int(l->st, OUT_INSERT, 5, m->iface);
	sqldb_bind_int(l->st, OUT_INSERT, 6, m->func);
	sqldb_bind_text(l->st, OUT_INSERT, 7, row->message_id);
	sqldb_bind_text(l->st, OUT_INSERT, 8, base);
	sqldb_bind_text(l->st, OUT_INSERT, 9, transaction);
	sqldb_bind_text(l->st, OUT_INSERT, 10, row->tag);
	sqldb_bind_blob(l->st, OUT_INSERT, 11, body->data, body->len);
	sqldb_bind_int(l->st, OUT_INSERT, 12, row->deadline);
	id = sqldb_insert(l->st, OUT_INSERT);
	talloc_free(base);
	talloc_free(transaction);
	return id;
}

struct es_out_row *es_db_out_next(struct es_link *l, void *ctx, int64_t after_id)
{
	struct es_out_row *r;

	sqldb_bind_int(l->st, OUT_NEXT, 1, after_id);
	if (sqldb_step(l->st, OUT_NEXT) != 1)
		return NULL;
	r = talloc_zero(ctx, struct es_out_row);
	r->id = sqldb_col_int(l->st, OUT_NEXT, 0);
	r->next_attempt = sqldb_col_int(l->st, OUT_NEXT, 1);
	r->deadline = sqldb_col_int(l->st, OUT_NEXT, 2);
	r->attempts = sqldb_col_int(l->st, OUT_NEXT, 3);
	r->kind = sqldb_col_int(l->st, OUT_NEXT, 4);
	r->state = sqldb_col_int(l->st, OUT_NEXT, 5);
	r->party = talloc_strdup(r, sqldb_col_text(l->st, OUT_NEXT, 6));
	r->eid = talloc_strdup(r, sqldb_col_text(l->st, OUT_NEXT, 7));
	r->url = talloc_strdup(r, sqldb_col_text(l->st, OUT_NEXT, 8));
	r->message_id = talloc_strdup(r, sqldb_col_text(l->st, OUT_NEXT, 9));
	r->tag = talloc_strdup(r, sqldb_col_text(l->st, OUT_NEXT, 10));
	r->iface = sqldb_col_int(l->st, OUT_NEXT, 11);
	r->func = sqldb_col_int(l->st, OUT_NEXT, 12);
	sqldb_reset(l->st, OUT_NEXT);
	return r;
}

struct bytes *es_db_out_body(struct es_link *l, void *ctx, int64_t id, const char *message_id)
{
	struct bytes *b;

	sqldb_bind_int(l->st, OUT_BODY, 1, id);
	sqldb_bind_text(l->st, OUT_BODY, 2, message_id);
	if (sqldb_step(l->st, OUT_BODY) != 1)
		return NULL;
	b = col_bytes(l, ctx, OUT_BODY, 0);
	sqldb_reset(l->st, OUT_BODY);
	return b;
}

int es_db_out_retry(struct es_link *l, int64_t id, unsigned attempts, int64_t next_attempt)
{
	sqldb_bind_int(l->st, OUT_RETRY, 1, id);
	sqldb_bind_int(l->st, OUT_RETRY, 2, attempts);
	sqldb_bind_int(l->st, OUT_RETRY, 3, next_attempt);
	return sqldb_exec(l->st, OUT_RETRY);
}

int es_db_out_state(struct es_link *l, int64_t id, enum es_out_state state)
{
	sqldb_bind_int(l->st, OUT_STATE, 1, id);
	sqldb_bind_int(l->st, OUT_STATE, 2, state);
	return sqldb_exec(l->st, OUT_STATE);
}

int es_db_out_delete(struct es_link *l, int64_t id)
{
	sqldb_bind_int(l->st, OUT_DELETE, 1, id);
	return sqldb_exec(l->st, OUT_DELETE);
}

int es_db_out_delete_tag(struct es_link *l, const char *tag)
{
	sqldb_bind_text(l->st, OUT_DELETE_TAG, 1, tag);
	return sqldb_exec(l->st, OUT_DELETE_TAG);
}

static int64_t correlate_by(struct es_link *l, enum stmt st, const char *value, const char *party,
			    const struct es_msg *m)
{
	int64_t id = -ENOENT;

	if (!value || !*value)
		return id;
	sqldb_bind_text(l->st, st, 1, value);
	sqldb_bind_text(l->st, st, 2, party);
	sqldb_bind_int(l->st, st, 3, m->iface);
	sqldb_bind_int(l->st, st, 4, m->func);
	if (sqldb_step(l->st, st) == 1) {
		id = sqldb_col_int(l->st, st, 0);
		sqldb_reset(l->st, st);
	}
	return id;
}

/* off-card.md 1.5.5: RelatesTo whole, then its base part; TransactionId only for a sender that gives no RelatesTo */
int64_t es_db_out_correlate(struct es_link *l, const char *party, const struct es_msg *response)
{
	char *base;
	int64_t id;

	if (!response->relates_to)
		return correlate_by(l, OUT_BY_TRANSACTION, response->transaction_id, party, response);
	id = correlate_by(l, OUT_BY_ID, response->relates_to, party, response);
	if (id >= 0)
		return id;
	base = es_message_id_base(l, response->relates_to);
	id = correlate_by(l, OUT_BY_BASE, base, party, response);
	talloc_free(base);
	return id;
}

unsigned es_db_out_count_parked(struct es_link *l)
{
	unsigned n = 0;

	if (sqldb_step(l->st, OUT_COUNT_PARKED) == 1) {
		n = sqldb_col_int(l->st, OUT_COUNT_PARKED, 0);
		sqldb_reset(l->st, OUT_COUNT_PARKED);
	}
	return n;
}

unsigned es_db_out_unpark(struct es_link *l, const char *party, int64_t deadline)
{
	unsigned before = es_db_out_count_parked(l);

	sqldb_bind_text(l->st, OUT_UNPARK, 1, party);
	sqldb_bind_int(l->st, OUT_UNPARK, 2, deadline);
	return sqldb_exec(l->st, OUT_UNPARK) < 0 ? 0 : before - es_db_out_count_parked(l);
}

unsigned es_db_out_drop(struct es_link *l, const char *party)
{
	unsigned before = es_db_out_count_parked(l);

	sqldb_bind_text(l->st, OUT_DROP, 1, party);
	return sqldb_exec(l->st, OUT_DROP) < 0 ? 0 : before - es_db_out_count_parked(l);
}

char *es_db_out_describe_parked(struct es_link *l, char *text, unsigned max)
{
	static const char *const kind[] = { [ES_REQUEST] = "call", [ES_RESPONSE] = "callback", [ES_NOTIFICATION] = "" };

	sqldb_bind_int(l->st, OUT_PARKED, 1, max);
	while (sqldb_step(l->st, OUT_PARKED) == 1) {
		unsigned k = sqldb_col_int(l->st, OUT_PARKED, 3);

		text = talloc_asprintf_append(text, " #%lld given up: %s-%s %s to %s EID %s, attempts %d\n",
					      (long long)sqldb_col_int(l->st, OUT_PARKED, 0),
					      es_iface_name(sqldb_col_int(l->st, OUT_PARKED, 4)),
					      es_func_name(sqldb_col_int(l->st, OUT_PARKED, 5)), k < 3 ? kind[k] : "",
					      sqldb_col_text(l->st, OUT_PARKED, 1),
					      sqldb_col_text(l->st, OUT_PARKED, 2),
					      (int)sqldb_col_int(l->st, OUT_PARKED, 6));
	}
	return text;
}
