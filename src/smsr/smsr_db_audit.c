/* The timeline: append-only lines per eUICC, each with a MAC over itself and the one before, and checkpoints over all lines
 * in between, whose text also stands in the log: so that a line changed, removed or cut off at the end is found by who
 * holds the key-encryption key and the log (corrections 25).
 *	line        mac = HMAC-SHA256(K, mac of this eUICC's line before | fields), first 16 octets
 *	checkpoint  x = mac of the checkpoint before; for each line since: x = HMAC-SHA256(K, x | its mac);
 *		    mac = HMAC-SHA256(K, x | number of the last line | time), all 32 octets
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/bit64gen.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "smsr_db.h"

#define MAC_LEN 16
#define CHECKPOINT_MAC_LEN 32
#define KEY_LEN 32
#define KEY_AAD "audit.key"
#define CHECKPOINT_LINES 1000
#define CHECKPOINT_SECONDS 86400
#define CHECKPOINT_WORDS "timeline checkpoint"

const char smsr_db_audit_schema[] =
	"ALTER TABLE audit ADD COLUMN mac BLOB;"
	"CREATE TABLE audit_key (id INTEGER PRIMARY KEY CHECK (id = 1), sealed BLOB NOT NULL);"
	"CREATE TABLE audit_checkpoint (id INTEGER PRIMARY KEY AUTOINCREMENT, line INTEGER NOT NULL, at INTEGER NOT NULL,"
	" mac BLOB NOT NULL);"
	"CREATE TRIGGER audit_checkpoint_no_update BEFORE UPDATE ON audit_checkpoint"
	" BEGIN SELECT RAISE(ABORT, 'append only'); END;"
	"CREATE TRIGGER audit_checkpoint_no_delete BEFORE DELETE ON audit_checkpoint"
	" BEGIN SELECT RAISE(ABORT, 'append only'); END;";

enum { ST_ADD, ST_HEAD, ST_LAST, ST_KEY, ST_KEY_PUT, ST_SINCE, ST_CHECKPOINT, ST_CHECKPOINT_LAST, ST_CHECKPOINTS, ST_ALL,
       ST_CHAIN, ST_COUNT };
#define FIELDS "at, who, eid, proc_id, procedure, operation, outcome, card"
static const char *const sql[] = {
	[ST_ADD] = "INSERT INTO audit (" FIELDS ", mac) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)",
	[ST_HEAD] = "SELECT mac FROM audit WHERE eid = ?1 ORDER BY id DESC LIMIT 1",
	[ST_LAST] = "SELECT " FIELDS " FROM (SELECT * FROM audit WHERE eid = ?1 ORDER BY id DESC LIMIT ?2) ORDER BY id",
	[ST_KEY] = "SELECT sealed FROM audit_key",
	[ST_KEY_PUT] = "INSERT INTO audit_key (id, sealed) VALUES (1, ?1)",
	[ST_SINCE] = "SELECT id, mac FROM audit WHERE id > ?1 AND id <= ?2 ORDER BY id",
	[ST_CHECKPOINT] = "INSERT INTO audit_checkpoint (line, at, mac) VALUES (?1, ?2, ?3)",
	[ST_CHECKPOINT_LAST] = "SELECT line, at, mac FROM audit_checkpoint ORDER BY id DESC LIMIT 1",
	[ST_CHECKPOINTS] = "SELECT id, line, at, mac FROM audit_checkpoint ORDER BY id",
	[ST_CHAIN] = "SELECT min(id) FROM audit WHERE mac IS NOT NULL",
	[ST_ALL] = "SELECT " FIELDS ", mac, id FROM audit ORDER BY eid, id",
};
osmo_static_assert(ARRAY_SIZE(sql) == ST_COUNT, each_statement_has_a_text);

struct smsr_db_audit {
	struct key *key;		/* NULL: no keystore, or nothing written yet */
	int64_t checkpoint_line, checkpoint_at;
	uint8_t checkpoint_mac[CHECKPOINT_MAC_LEN];
};

static struct key *load_key(struct smsr_db *db)
{
	const uint8_t *sealed;
	struct key *k = NULL;
	size_t len;

	if (sqldb_step(db->audit, ST_KEY) != 1)
		return NULL;
	sealed = sqldb_col_blob(db->audit, ST_KEY, 0, &len);
	if (db->ks)
		k = keystore_unseal_key(db->ks, db, KEY_AAD, KEY_TYPE_PSK, sealed, len);
	sqldb_reset(db->audit, ST_KEY);
	if (!k)
		LOGP(DDB, LOGL_ERROR, "the key of the timeline does not open\n");
	return k;
}

/* With the first line. */
static struct key *make_key(struct smsr_db *db)
{
	struct key *k = key_random(db, KEY_TYPE_PSK, KEY_LEN);
	struct bytes *sealed = keystore_seal_key(db->ks, db, KEY_AAD, k);

	sqldb_bind_blob(db->audit, ST_KEY_PUT, 1, sealed->data, sealed->len);
	if (sqldb_exec(db->audit, ST_KEY_PUT) < 0)
		TALLOC_FREE(k);
	talloc_free(sealed);
	return k;
}

int smsr_db_audit_prepare(struct smsr_db *db)
{
	struct smsr_db_audit *c;
	const uint8_t *mac;
	size_t len;

	db->audit = sqldb_prepare(db->sql, sql, ARRAY_SIZE(sql));
	c = db->chain = talloc_zero(db, struct smsr_db_audit);
	if (!db->audit || !c)
		return -EIO;
	c->key = load_key(db);
	if (sqldb_step(db->audit, ST_CHECKPOINT_LAST) == 1) {
		c->checkpoint_line = sqldb_col_int(db->audit, ST_CHECKPOINT_LAST, 0);
		c->checkpoint_at = sqldb_col_int(db->audit, ST_CHECKPOINT_LAST, 1);
		mac = sqldb_col_blob(db->audit, ST_CHECKPOINT_LAST, 2, &len);
		memcpy(c->checkpoint_mac, mac, OSMO_MIN(len, sizeof(c->checkpoint_mac)));
		sqldb_reset(db->audit, ST_CHECKPOINT_LAST);
	}
	return 0;
}

/* --- MACs --- */

static void put_text(struct bytes *b, const char *s)
{
	bytes_put_u32(b, s ? strlen(s) : UINT32_MAX);
	if (s)
		bytes_put(b, s, strlen(s));
}

static void put_int(struct bytes *b, int64_t v)
{
	bytes_put_u32(b, (uint64_t)v >> 32);
	bytes_put_u32(b, (uint32_t)v);
}

/* before: MAC_LEN octets; of the first line, zeros. */
static void line_mac(uint8_t out[MAC_LEN], const struct key *k, const uint8_t *before, const char *eid, const struct smsr_audit *a)
{
	struct bytes *b = bytes_new(OTC_SELECT, 0);
	uint8_t mac[32];

	bytes_put(b, before, MAC_LEN);
	put_int(b, a->at);
	put_text(b, a->who);
	put_text(b, eid);
	put_int(b, a->proc_id);
	put_text(b, a->procedure);
	put_text(b, a->operation);
	put_text(b, a->outcome);
	put_text(b, a->card);
	hmac_sha256(k, &(struct iov){ b->data, b->len }, 1, mac);
	memcpy(out, mac, MAC_LEN);
	talloc_free(b);
}

/* Over the lines after `from` up to *to; *to becomes the last one there is. Lines without a MAC (older than the chain) count
 * as zeros. Returns how many lines. */
static unsigned checkpoint_mac(uint8_t out[CHECKPOINT_MAC_LEN], struct smsr_db *db, const uint8_t *before, int64_t from,
			       int64_t *to, int64_t at)
{
	uint8_t x[CHECKPOINT_MAC_LEN], mac[MAC_LEN], end[16];
	const uint8_t *have;
	unsigned n = 0;
	size_t len;

	memcpy(x, before, sizeof(x));
	sqldb_bind_int(db->audit, ST_SINCE, 1, from);
	sqldb_bind_int(db->audit, ST_SINCE, 2, *to);
	*to = from;
	for (; sqldb_step(db->audit, ST_SINCE) == 1; n++) {
		*to = sqldb_col_int(db->audit, ST_SINCE, 0);
		have = sqldb_col_blob(db->audit, ST_SINCE, 1, &len);
		memset(mac, 0, sizeof(mac));
		if (len == MAC_LEN)
			memcpy(mac, have, MAC_LEN);
		hmac_sha256(db->chain->key, (struct iov[]){ { x, sizeof(x) }, { mac, sizeof(mac) } }, 2, x);
	}
	osmo_store64be(*to, end);
	osmo_store64be(at, end + 8);
	hmac_sha256(db->chain->key, (struct iov[]){ { x, sizeof(x) }, { end, sizeof(end) } }, 2, out);
	return n;
}

/* --- writing --- */

static void checkpoint_told(void *data)
{
	LOGP(DDB, LOGL_NOTICE, CHECKPOINT_WORDS " %s\n", (char *)data);
	talloc_free(data);
}

static void checkpoint(struct smsr_db *db, int64_t now)
{
	struct smsr_db_audit *c = db->chain;
	uint8_t mac[CHECKPOINT_MAC_LEN];
	int64_t line = INT64_MAX;

	if (!checkpoint_mac(mac, db, c->checkpoint_mac, c->checkpoint_line, &line, now))
		return;
	sqldb_bind_int(db->audit, ST_CHECKPOINT, 1, line);
	sqldb_bind_int(db->audit, ST_CHECKPOINT, 2, now);
	sqldb_bind_blob(db->audit, ST_CHECKPOINT, 3, mac, sizeof(mac));
	if (sqldb_exec(db->audit, ST_CHECKPOINT) < 0)
		return;
	memcpy(c->checkpoint_mac, mac, sizeof(mac));
	c->checkpoint_line = line;
	c->checkpoint_at = now;
	txn_after_commit(db->sql, checkpoint_told, talloc_asprintf(db, "%" PRId64 " line %" PRId64 " %s", sqldb_last_id(db->sql),
								   line, osmo_hexdump_nospc(mac, sizeof(mac))));
}

void smsr_db_audit(struct smsr_db *db, const struct eid *eid, const struct smsr_audit *a)
{
	struct smsr_db_audit *c = db->chain;
	uint8_t before[MAC_LEN] = { 0 }, mac[MAC_LEN];
	struct smsr_audit line = *a;
	const uint8_t *head;
	char text[EID_STR_SIZE];
	size_t len;

	line.at = a->at ? a->at : clock_now();
	eid_str(text, eid);
	if (!c->key && db->ks)
		c->key = make_key(db);
	sqldb_bind_text(db->audit, ST_HEAD, 1, text);
	if (sqldb_step(db->audit, ST_HEAD) == 1) {
		head = sqldb_col_blob(db->audit, ST_HEAD, 0, &len);
		if (len == MAC_LEN)
			memcpy(before, head, MAC_LEN);
		sqldb_reset(db->audit, ST_HEAD);
	}
	if (c->key)
		line_mac(mac, c->key, before, text, &line);
	sqldb_bind_int(db->audit, ST_ADD, 1, line.at);
	sqldb_bind_text(db->audit, ST_ADD, 2, line.who);
	sqldb_bind_text(db->audit, ST_ADD, 3, text);
	sqldb_bind_int(db->audit, ST_ADD, 4, line.proc_id);
	sqldb_bind_text(db->audit, ST_ADD, 5, line.procedure);
	sqldb_bind_text(db->audit, ST_ADD, 6, line.operation);
	sqldb_bind_text(db->audit, ST_ADD, 7, line.outcome);
	sqldb_bind_text(db->audit, ST_ADD, 8, line.card);
	sqldb_bind_blob(db->audit, ST_ADD, 9, c->key ? mac : NULL, c->key ? MAC_LEN : 0);
	if (sqldb_exec(db->audit, ST_ADD) < 0 || !c->key)
		return;
	if (!c->checkpoint_at)
		c->checkpoint_at = line.at;
	if (sqldb_last_id(db->sql) >= c->checkpoint_line + CHECKPOINT_LINES || line.at >= c->checkpoint_at + CHECKPOINT_SECONDS)
		checkpoint(db, line.at);
}

static struct smsr_audit row(struct smsr_db *db, unsigned st)
{
	return (struct smsr_audit){
		.at = sqldb_col_int(db->audit, st, 0),
		.who = sqldb_col_text(db->audit, st, 1),
		.proc_id = sqldb_col_int(db->audit, st, 3),
		.procedure = sqldb_col_text(db->audit, st, 4),
		.operation = sqldb_col_text(db->audit, st, 5),
		.outcome = sqldb_col_text(db->audit, st, 6),
		.card = sqldb_col_text(db->audit, st, 7),
	};
}

void smsr_db_audit_each(struct smsr_db *db, const struct eid *eid, unsigned max,
			void (*each)(void *arg, const struct smsr_audit *a), void *arg)
{
	char text[EID_STR_SIZE];

	sqldb_bind_text(db->audit, ST_LAST, 1, eid_str(text, eid));
	sqldb_bind_int(db->audit, ST_LAST, 2, max);
	while (sqldb_step(db->audit, ST_LAST) == 1) {
		const struct smsr_audit a = row(db, ST_LAST);

		each(arg, &a);
	}
	sqldb_reset(db->audit, ST_LAST);
}

/* --- verifying --- */

static unsigned verify_lines(struct smsr_db *db, FILE *report, uint64_t *lines)
{
	uint8_t before[MAC_LEN] = { 0 }, mac[MAC_LEN];
	char eid[EID_STR_SIZE] = "";
	unsigned bad = 0;
	int64_t chain = 0;	/* lines before it are older than the chain */

	if (sqldb_step(db->audit, ST_CHAIN) == 1) {
		chain = sqldb_col_int(db->audit, ST_CHAIN, 0);
		sqldb_reset(db->audit, ST_CHAIN);
	}
	for (*lines = 0; sqldb_step(db->audit, ST_ALL) == 1; (*lines)++) {
		struct smsr_audit a = row(db, ST_ALL);
		const char *of = sqldb_col_text(db->audit, ST_ALL, 2);
		size_t len;
		const uint8_t *have = sqldb_col_blob(db->audit, ST_ALL, 8, &len);
		int64_t id = sqldb_col_int(db->audit, ST_ALL, 9);

		if (strcmp(eid, of)) {
			OSMO_STRLCPY_ARRAY(eid, of);
			memset(before, 0, sizeof(before));
		}
		line_mac(mac, db->chain->key, before, of, &a);
		if (len == MAC_LEN)
			memcpy(before, have, MAC_LEN);
		if (len == MAC_LEN && !memcmp(mac, have, MAC_LEN))
			continue;
		if (!len && id < chain)
			continue;
		bad++;
		fprintf(report, "EID %s, line %" PRId64 ": it was changed, or one before it changed or removed\n", of, id);
	}
	return bad;
}

/* The checkpoints of the log (any text around them) must be in the database as they were written. */
static unsigned verify_file(FILE *f, int64_t id, int64_t line, const char *mac, bool *missing)
{
	char text[512], hex[CHECKPOINT_MAC_LEN * 2 + 1];
	int64_t fid, fline;
	const char *p;
	unsigned bad = 0;

	rewind(f);
	while (fgets(text, sizeof(text), f)) {
		p = strstr(text, CHECKPOINT_WORDS " ");
		if (!p || sscanf(p + strlen(CHECKPOINT_WORDS), " %" SCNd64 " line %" SCNd64 " %64[0-9a-f]", &fid, &fline, hex) != 3)
			continue;
		if (fid == id)
			bad += fline != line || strcmp(hex, mac);
		else if (fid > id && missing)
			*missing = true;
	}
	return bad;
}

static unsigned verify_checkpoints(struct smsr_db *db, FILE *file, FILE *report, unsigned *n)
{
	uint8_t before[CHECKPOINT_MAC_LEN] = { 0 }, mac[CHECKPOINT_MAC_LEN];
	int64_t from = 0, id = 0, line, to;
	unsigned bad = 0;
	bool missing;

	for (*n = 0; sqldb_step(db->audit, ST_CHECKPOINTS) == 1; (*n)++) {
		size_t len;
		const uint8_t *have = sqldb_col_blob(db->audit, ST_CHECKPOINTS, 3, &len);

		id = sqldb_col_int(db->audit, ST_CHECKPOINTS, 0);
		to = line = sqldb_col_int(db->audit, ST_CHECKPOINTS, 1);
		checkpoint_mac(mac, db, before, from, &to, sqldb_col_int(db->audit, ST_CHECKPOINTS, 2));
		if (to != line || len != sizeof(mac) || memcmp(mac, have, len)) {
			bad++;
			fprintf(report, "checkpoint %" PRId64 ": of lines %" PRId64 " to %" PRId64 " one was removed or changed\n", id,
				from + 1, line);
		}
		memcpy(before, have, OSMO_MIN(len, sizeof(before)));
		from = line;
		if (file && verify_file(file, id, line, osmo_hexdump_nospc(before, sizeof(before)), NULL)) {
			bad++;
			fprintf(report, "checkpoint %" PRId64 ": is not what the log says\n", id);
		}
	}
	missing = false;
	if (file)
		verify_file(file, id, 0, "", &missing);
	if (missing) {
		bad++;
		fprintf(report, "the log has checkpoints after %" PRId64 ": the last lines were removed\n", id);
	}
	return bad;
}

int smsr_db_audit_verify(struct smsr_db *db, FILE *checkpoints, FILE *report)
{
	unsigned bad, n;
	uint64_t lines;

	if (!db->chain->key) {
		fprintf(report, "there is no key of a timeline: nothing was written, or it does not open\n");
		return -ENOENT;
	}
	bad = verify_lines(db, report, &lines);
	bad += verify_checkpoints(db, checkpoints, report, &n);
	fprintf(report, "%" PRIu64 " lines, %u checkpoints: %u violations\n", lines, n, bad);
	return bad ? -EBADMSG : 0;
}
