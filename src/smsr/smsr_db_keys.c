/* Sealed keys and the SCP80 counter (design P5, P6, corrections 22). The associated data of a seal names its place, so
 * that a sealed key copied to another row does not open.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>
#include <talloc.h>

#include "smsr_db.h"

#define SECONDS_2020	1577836800LL	/* 2020-01-01T00:00:00Z */
#define COUNTER_MAX	0xFFFFFFFFFFULL	/* 5 octets */
#define COUNTER_JUMP	(1LL << 33)	/* a floor further ahead than this is a wrong clock */

enum {
	ST_KEY_PUT,
	ST_KEY_GET,
	ST_KEY_LIST,
	ST_PICK,
	ST_CNTR_GET,
	ST_CNTR_SET,
	ST_TRANSPORT_PUT,
	ST_TRANSPORT_GET,
	ST_COUNT,
};

static const char *const sql[] = {
	[ST_KEY_PUT] = "INSERT INTO key (eid, version, kid, type, sealed, kcv) VALUES (?1,?2,?3,?4,?5,?6)",
	[ST_KEY_GET] = "SELECT type, sealed FROM key WHERE eid = ?1 AND version = ?2 AND kid = ?3",
	[ST_KEY_LIST] = "SELECT k.version, k.kid, k.type, k.kcv, s.cntr FROM key k JOIN keyset s ON s.eid = k.eid AND"
			" s.version = k.version AND s.sd = 'ISD-R' WHERE k.eid = ?1 ORDER BY k.version, k.kid",
	[ST_PICK] = "SELECT version, kid FROM key WHERE eid = ?1 AND version BETWEEN ?2 AND ?3 ORDER BY version, kid "
		    "LIMIT 1",
	[ST_CNTR_GET] = "SELECT cntr, used FROM keyset WHERE eid = ?1 AND sd = 'ISD-R' AND version = ?2",
	[ST_CNTR_SET] = "UPDATE keyset SET cntr = ?3, used = 1 WHERE eid = ?1 AND sd = 'ISD-R' AND version = ?2",
	[ST_TRANSPORT_PUT] = "INSERT INTO transport_key (eum_id, sealed, kcv) VALUES (?1,?2,?3) ON CONFLICT (eum_id)"
			     " DO UPDATE SET sealed = ?2, kcv = ?3",
	[ST_TRANSPORT_GET] = "SELECT sealed FROM transport_key WHERE eum_id = ?1",
};
osmo_static_assert(ARRAY_SIZE(sql) == ST_COUNT, each_statement_has_a_text);

int smsr_db_keys_prepare(struct smsr_db *db)
{
	db->keys = sqldb_prepare(db->sql, sql, ARRAY_SIZE(sql));
	return db->keys ? 0 : -EIO;
}

#define AAD_SIZE 96

static const char *key_aad(char out[AAD_SIZE], const char *eid, uint8_t kvn, uint8_t kid)
{
	snprintf(out, AAD_SIZE, "smsr/%s/%02X/%02X", eid, kvn, kid);
	return out;
}

int smsr_db_key_put(struct smsr_db *db, const struct eid *eid, uint8_t kvn, uint8_t kid, const struct key *k)
{
	char text[EID_STR_SIZE], aad[AAD_SIZE];
	struct bytes *sealed;
	uint8_t kcv[3];
	int rc;

	if (!db->ks)
		return -ENOKEY;
	eid_str(text, eid);
	sealed = keystore_seal_key(db->ks, db, key_aad(aad, text, kvn, kid), k);
	if (!sealed)
		return -ENOMEM;
	key_kcv(kcv, k);
	sqldb_bind_text(db->keys, ST_KEY_PUT, 1, text);
	sqldb_bind_int(db->keys, ST_KEY_PUT, 2, kvn);
	sqldb_bind_int(db->keys, ST_KEY_PUT, 3, kid);
	sqldb_bind_int(db->keys, ST_KEY_PUT, 4, key_type(k));
	sqldb_bind_blob(db->keys, ST_KEY_PUT, 5, sealed->data, sealed->len);
	sqldb_bind_blob(db->keys, ST_KEY_PUT, 6, kcv, sizeof(kcv));
	rc = sqldb_exec(db->keys, ST_KEY_PUT);
	talloc_free(sealed);
	return rc;
}

struct key *smsr_db_key_get(struct smsr_db *db, void *ctx, const struct eid *eid, uint8_t kvn, uint8_t kid)
{
	char text[EID_STR_SIZE], aad[AAD_SIZE];
	struct key *k = NULL;
	const uint8_t *b;
	size_t len;

	if (!db->ks)
		return NULL;
	sqldb_bind_text(db->keys, ST_KEY_GET, 1, eid_str(text, eid));
	sqldb_bind_int(db->keys, ST_KEY_GET, 2, kvn);
	sqldb_bind_int(db->keys, ST_KEY_GET, 3, kid);
	if (sqldb_step(db->keys, ST_KEY_GET) != 1)
		return NULL;
	b = sqldb_col_blob(db->keys, ST_KEY_GET, 1, &len);
	if (b)
		k = keystore_unseal_key(db->ks, ctx, key_aad(aad, text, kvn, kid),
					sqldb_col_int(db->keys, ST_KEY_GET, 0), b, len);
	sqldb_reset(db->keys, ST_KEY_GET);
	if (!k) {
		counter_inc(CTR_ALARM_KEY);
		LOGP(DKEY, LOGL_ERROR, "EID-%s: key %02X/%02X does not open under this key-encryption key\n", text, kvn,
		     kid);
	}
	return k;
}

size_t smsr_db_key_list(struct smsr_db *db, const struct eid *eid, struct smsr_db_key_info *out, size_t max)
{
	char text[EID_STR_SIZE];
	size_t n = 0;

	sqldb_bind_text(db->keys, ST_KEY_LIST, 1, eid_str(text, eid));
	while (n < max && sqldb_step(db->keys, ST_KEY_LIST) == 1) {
		struct smsr_db_key_info *i = &out[n++];
		size_t len;
		const uint8_t *kcv = sqldb_col_blob(db->keys, ST_KEY_LIST, 3, &len);

		*i = (struct smsr_db_key_info){
			.kvn = sqldb_col_int(db->keys, ST_KEY_LIST, 0),
			.kid = sqldb_col_int(db->keys, ST_KEY_LIST, 1),
			.type = sqldb_col_int(db->keys, ST_KEY_LIST, 2),
			.cntr = sqldb_col_int(db->keys, ST_KEY_LIST, 4),
		};
		if (kcv && len == sizeof(i->kcv))
			memcpy(i->kcv, kcv, len);
	}
	sqldb_reset(db->keys, ST_KEY_LIST);
	return n;
}

uint8_t smsr_db_keyset_pick(struct smsr_db *db, const struct eid *eid, uint8_t from, uint8_t to, uint8_t *kid)
{
	char text[EID_STR_SIZE];
	uint8_t kvn;

	sqldb_bind_text(db->keys, ST_PICK, 1, eid_str(text, eid));
	sqldb_bind_int(db->keys, ST_PICK, 2, from);
	sqldb_bind_int(db->keys, ST_PICK, 3, to);
	if (sqldb_step(db->keys, ST_PICK) != 1)
		return 0;
	kvn = sqldb_col_int(db->keys, ST_PICK, 0);
	if (kid)
		*kid = sqldb_col_int(db->keys, ST_PICK, 1);
	sqldb_reset(db->keys, ST_PICK);
	return kvn;
}

/* The floor lets a restored copy of the database be ahead of every counter used since; a keyset never used by us takes
 * it unasked, since what the EUM registered may be years old. */
static int64_t counter_choose(const char *eid, int64_t last, bool used)
{
	int64_t floor = (clock_now() - SECONDS_2020) * 256;

	if (used && floor - last > COUNTER_JUMP) {
		LOGP(DKEY, LOGL_ERROR, "EID-%s: the clock is far ahead of the SCP80 counter in use, not following it\n",
		     eid);
		counter_inc(CTR_ALARM_CLOCK);
		floor = 0;
	}
	return OSMO_MAX(last + 1, floor);
}

int smsr_db_counter_next(struct smsr_db *db, const struct eid *eid, uint8_t kvn, bool exact, uint64_t *cntr)
{
	char text[EID_STR_SIZE];
	int64_t next;

	sqldb_bind_text(db->keys, ST_CNTR_GET, 1, eid_str(text, eid));
	sqldb_bind_int(db->keys, ST_CNTR_GET, 2, kvn);
	if (sqldb_step(db->keys, ST_CNTR_GET) != 1)
		return -ENOENT;
	next = sqldb_col_int(db->keys, ST_CNTR_GET, 0) + 1;
	if (!exact)
		next = counter_choose(text, next - 1, sqldb_col_int(db->keys, ST_CNTR_GET, 1));
	sqldb_reset(db->keys, ST_CNTR_GET);
	if ((uint64_t)next > COUNTER_MAX)
		return -EOVERFLOW;
	sqldb_bind_text(db->keys, ST_CNTR_SET, 1, text);
	sqldb_bind_int(db->keys, ST_CNTR_SET, 2, kvn);
	sqldb_bind_int(db->keys, ST_CNTR_SET, 3, next);
	if (sqldb_exec(db->keys, ST_CNTR_SET) < 0)
		return -EIO;
	*cntr = next;
	return 0;
}

int smsr_db_transport_put(struct smsr_db *db, const char *eum_id, const struct key *k)
{
	char aad[AAD_SIZE];
	struct bytes *sealed;
	uint8_t kcv[3];
	int rc;

	if (!db->ks)
		return -ENOKEY;
	snprintf(aad, sizeof(aad), "smsr/transport/%s", eum_id);
	sealed = keystore_seal_key(db->ks, db, aad, k);
	if (!sealed)
		return -ENOMEM;
	key_kcv(kcv, k);
	sqldb_bind_text(db->keys, ST_TRANSPORT_PUT, 1, eum_id);
	sqldb_bind_blob(db->keys, ST_TRANSPORT_PUT, 2, sealed->data, sealed->len);
	sqldb_bind_blob(db->keys, ST_TRANSPORT_PUT, 3, kcv, sizeof(kcv));
	rc = sqldb_exec(db->keys, ST_TRANSPORT_PUT);
	talloc_free(sealed);
	return rc;
}

struct key *smsr_db_transport_get(struct smsr_db *db, void *ctx, const char *eum_id)
{
	char aad[AAD_SIZE];
	struct key *k = NULL;
	const uint8_t *b;
	size_t len;

	if (!db->ks)
		return NULL;
	snprintf(aad, sizeof(aad), "smsr/transport/%s", eum_id);
	sqldb_bind_text(db->keys, ST_TRANSPORT_GET, 1, eum_id);
	if (sqldb_step(db->keys, ST_TRANSPORT_GET) != 1)
		return NULL;
	b = sqldb_col_blob(db->keys, ST_TRANSPORT_GET, 0, &len);
	if (b)
		k = keystore_unseal_key(db->ks, ctx, aad, KEY_TYPE_AES, b, len);
	sqldb_reset(db->keys, ST_TRANSPORT_GET);
	return k;
}
