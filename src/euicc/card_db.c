/* The cards' non-volatile memory: one SQLite file for all cards of the process, keys in it sealed under PATH.kek.
 * Each change is written when it is made; the loop's txn_commit() comes before the R-APDU leaves (design P1).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/misc.h>
#include <osmocom/rsp/util/sqldb.h>

#include "card_db.h"
#include "card_db_priv.h"
#include "card_db_schema.h"

static const char *const card_db_sql[ST_COUNT] = {
	[ST_BATCH_ALL] = "SELECT id, upp, smsc, number, host, ip, port, uri, dns, dns_port FROM batch"
			 " ORDER BY id",
	[ST_CI_ALL] = "SELECT q, ski FROM ci WHERE batch = ?",
	[ST_CARD_GET] = "SELECT batch, imei, memory, ecasd_sk, ecasd_cert, smsr_number, smsr_host, smsr_ip, smsr_uri,"
			" smsr_port, seq, declared, n_type, n_seq, sw_kind, sw_stage, sw_from, sw_to, cattp,"
			" smsr_dns, smsr_dns_port, smsr_retries, smsr_retry_s FROM card"
			" WHERE eid = ?",
	[ST_KEYS_GET] = "SELECT kvn, kid, type, key FROM sdkey WHERE eid = ? ORDER BY kvn, kid",
	[ST_CNTR_GET] = "SELECT kvn, value FROM cntr WHERE eid = ?",
	[ST_ISDP_GET] =
		"SELECT aid, state, fallback, granted, used, pol1, iccid, conn, kvn, enc, mac, dek, scp03, token,"
		" token_id, sin, sdin, provider, sqn FROM isdp WHERE eid = ? ORDER BY rowid",
	[ST_CARD_LIST] = "SELECT eid, imei, powered FROM card ORDER BY eid",
	[ST_POWER] = "UPDATE card SET powered = ? WHERE eid = ?",
	[ST_CARD_SAVE] =
		"UPDATE card SET smsr_number = ?, smsr_host = ?, smsr_ip = ?, smsr_uri = ?, smsr_port = ?, seq = ?,"
		" declared = ?, n_type = ?, n_seq = ?, sw_kind = ?, sw_stage = ?, sw_from = ?, sw_to = ?,"
		" smsr_dns = ?, smsr_dns_port = ?, smsr_retries = ?, smsr_retry_s = ? WHERE eid = ?",
	[ST_KEY_PUT] = "INSERT OR REPLACE INTO sdkey (eid, kvn, kid, type, key) VALUES (?, ?, ?, ?, ?)",
	[ST_KEY_DEL] = "DELETE FROM sdkey WHERE eid = ? AND kvn = ? AND kid = ?",
	[ST_CNTR_PUT] = "INSERT OR REPLACE INTO cntr (eid, kvn, value) VALUES (?, ?, ?)",
	[ST_ISDP_PUT] =
		"INSERT INTO isdp (eid, aid, state, fallback, granted, used, pol1, iccid, conn, kvn, enc, mac, dek,"
		" scp03, token, token_id, sin, sdin, provider, sqn)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT (eid, aid) DO UPDATE SET state = excluded.state, fallback = excluded.fallback,"
		" granted = excluded.granted, used = excluded.used, pol1 = excluded.pol1, iccid = excluded.iccid,"
		" conn = excluded.conn, kvn = excluded.kvn, enc = excluded.enc, mac = excluded.mac,"
		" dek = excluded.dek, scp03 = excluded.scp03, token = excluded.token,"
		" token_id = excluded.token_id, sin = excluded.sin, sdin = excluded.sdin,"
		" provider = excluded.provider, sqn = excluded.sqn",
	[ST_ISDP_DEL] = "DELETE FROM isdp WHERE eid = ? AND aid = ?",
	[ST_PERSO_DEL] = "DELETE FROM perso WHERE eid = ? AND aid = ?",
	[ST_PKG_PUT] = "UPDATE isdp SET package = ?, saved = ? WHERE eid = ? AND aid = ?",
	[ST_PKG_GET] = "SELECT i.package, i.saved, p.iccid, p.imsi, p.msisdn, p.k, p.opc FROM isdp i"
		       " LEFT JOIN perso p ON p.eid = i.eid AND p.aid = i.aid WHERE i.eid = ? AND i.aid = ?",
	[ST_BATCH_PUT] = "INSERT INTO batch (upp, smsc, number, host, ip, port, uri, dns, dns_port)"
			 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[ST_CI_PUT] = "INSERT INTO ci (batch, q, ski) VALUES (?, ?, ?)",
	[ST_CARD_PUT] = "INSERT INTO card (eid, batch, imei, memory, ecasd_sk, ecasd_cert, cattp)"
			" VALUES (?, ?, ?, ?, ?, ?, ?)",
	[ST_PERSO_PUT] = "INSERT INTO perso (eid, aid, iccid, imsi, msisdn, k, opc) VALUES (?, ?, ?, ?, ?, ?, ?)",
	[ST_PERSO_ALL] = "SELECT eid, imsi, msisdn, k, opc FROM perso",
};

/* --- columns --- */

static struct key *col_key(struct card_env *env, unsigned st, int col, void *ctx, const char *eid, const char *what,
			   enum key_type type)
{
	size_t len;
	char a[80];
	const uint8_t *p = sqldb_col_blob(env->st, st, col, &len);

	return p && len ? keystore_unseal_key(env->ks, ctx, card_db_aad(a, eid, what), type, p, len) : NULL;
}

static bool col_secret(struct card_env *env, unsigned st, int col, const char *eid, const char *what, uint8_t *out,
		       size_t out_len)
{
	size_t len;
	char a[80];
	const uint8_t *p = sqldb_col_blob(env->st, st, col, &len);
	struct bytes *b = p ? keystore_unseal(env->ks, env, card_db_aad(a, eid, what), p, len) : NULL;
	bool ok = b && b->len == out_len;

	if (ok)
		memcpy(out, b->data, out_len);
	talloc_free(b);
	return ok;
}

static struct bytes *col_unseal(struct card_env *env, unsigned st, int col, void *ctx, const char *eid,
				const char *what)
{
	size_t len;
	char a[80];
	const uint8_t *p = sqldb_col_blob(env->st, st, col, &len);

	return p && len ? keystore_unseal(env->ks, ctx, card_db_aad(a, eid, what), p, len) : NULL;
}

static struct bytes *col_bytes(struct card_env *env, unsigned st, int col, void *ctx)
{
	size_t len;
	const uint8_t *p = sqldb_col_blob(env->st, st, col, &len);

	return p && len ? bytes_dup(ctx, p, len) : NULL;
}

static void col_str(struct card_env *env, unsigned st, int col, char *out, size_t size)
{
	const char *s = sqldb_col_text(env->st, st, col);

	if (s)
		osmo_strlcpy(out, s, size);
}

static void col_aid(struct card_env *env, unsigned st, int col, struct aid *aid)
{
	size_t len;
	const uint8_t *p = sqldb_col_blob(env->st, st, col, &len);

	if (!p || aid_from_bytes(aid, p, len) < 0)
		aid->len = 0;
}

/* --- opening --- */

static void batch_load_ci(struct card_env *env, struct card_batch *b)
{
	size_t ql, sl;

	sqldb_bind_int(env->st, ST_CI_ALL, 1, b->id);
	while (sqldb_step(env->st, ST_CI_ALL) == 1) {
		const uint8_t *q = sqldb_col_blob(env->st, ST_CI_ALL, 0, &ql);
		const uint8_t *ski = sqldb_col_blob(env->st, ST_CI_ALL, 1, &sl);

		if (b->n_ci == CARD_CI_MAX || ql != EC_POINT_LEN || sl != 20)
			continue;
		memcpy(b->ci[b->n_ci].q, q, ql);
		memcpy(b->ci[b->n_ci++].ski, ski, sl);
	}
}

/* A template is a package like any other: it holds the keys that the cards of the batch share. */
static bool batches_load(struct card_env *env)
{
	struct card_batch *b;

	while (sqldb_step(env->st, ST_BATCH_ALL) == 1) {
		b = talloc_zero(env, struct card_batch);
		b->id = sqldb_col_int(env->st, ST_BATCH_ALL, 0);
		b->upp = col_unseal(env, ST_BATCH_ALL, 1, b, "batch", "upp");
		if (!b->upp) {
			LOGP(DSIM, LOGL_ERROR, "the state file's packages do not open under this key-encryption key\n");
			talloc_free(b);
			sqldb_reset(env->st, ST_BATCH_ALL);
			return false;
		}
		col_str(env, ST_BATCH_ALL, 2, b->smsc, sizeof(b->smsc));
		col_str(env, ST_BATCH_ALL, 3, b->number, sizeof(b->number));
		col_str(env, ST_BATCH_ALL, 4, b->host, sizeof(b->host));
		col_str(env, ST_BATCH_ALL, 5, b->ip, sizeof(b->ip));
		b->port = sqldb_col_int(env->st, ST_BATCH_ALL, 6);
		col_str(env, ST_BATCH_ALL, 7, b->uri, sizeof(b->uri));
		col_str(env, ST_BATCH_ALL, 8, b->dns, sizeof(b->dns));
		b->dns_port = sqldb_col_int(env->st, ST_BATCH_ALL, 9);
		llist_add_tail(&b->entry, &env->batches);
	}
	llist_for_each_entry(b, &env->batches, entry)
		batch_load_ci(env, b);
	return true;
}

static struct keystore *kek_open(struct card_env *env, const char *path)
{
	char *kek;
	int rc;

	if (!strcmp(path, ":memory:"))
		return keystore_ephemeral(env);
	kek = talloc_asprintf(env, "%s.kek", path);
	rc = keystore_create_file(kek);
	if (rc < 0 && rc != -EEXIST)
		LOGP(DSIM, LOGL_ERROR, "%s: %s\n", kek, strerror(-rc));
	return keystore_open(env, kek);
}

struct card_env *card_env_new(void *ctx, const char *path)
{
	struct card_env *env = talloc_zero(ctx, struct card_env);

	INIT_LLIST_HEAD(&env->batches);
	INIT_LLIST_HEAD(&env->lru);
	env->lru_max = CARD_LRU_MAX;
	card_cfg_default(&env->cfg);
	env->faults = faults_new(env, NULL);
	env->ks = kek_open(env, path);
	if (!env->ks || sqldb_open(&env->db, env, path, card_db_schema, ARRAY_SIZE(card_db_schema)) < 0)
		goto fail;
	env->st = sqldb_prepare(env->db, card_db_sql, ST_COUNT);
	if (!env->st || !batches_load(env))
		goto fail;
	return env;
fail:
	card_env_free(env);
	return NULL;
}

void card_env_free(struct card_env *env)
{
	if (env->db)
		sqldb_close(env->db);
	talloc_free(env);
}

/* --- reading a card --- */

static struct isd_p *isdp_from_row(struct card *c, const char *eid)
{
	struct card_env *env = c->env;
	struct isd_p *p = talloc_zero(c, struct isd_p);
	unsigned st = ST_ISDP_GET;

	p->card = c;
	col_aid(env, st, 0, &p->aid);
	p->state = sqldb_col_int(env->st, st, 1);
	p->fallback = sqldb_col_int(env->st, st, 2) & 1;
	p->emergency = sqldb_col_int(env->st, st, 2) & 2;
	p->granted = sqldb_col_int(env->st, st, 3);
	p->used = sqldb_col_int(env->st, st, 4);
	p->pol1 = sqldb_col_int(env->st, st, 5);
	col_str(env, st, 6, p->iccid, sizeof(p->iccid));
	p->conn = col_bytes(env, st, 7, p);
	p->kvn = sqldb_col_int(env->st, st, 8);
	p->enc = col_key(env, st, 9, p, eid, "enc", KEY_TYPE_AES);
	p->mac = col_key(env, st, 10, p, eid, "mac", KEY_TYPE_AES);
	p->dek = col_key(env, st, 11, p, eid, "dek", KEY_TYPE_AES);
	p->scp03_cntr = sqldb_col_int(env->st, st, 12);
	p->token = col_key(env, st, 13, p, eid, "token", KEY_TYPE_AES);
	p->token_id = sqldb_col_int(env->st, st, 14);
	p->sin = col_bytes(env, st, 15, p);
	p->sdin = col_bytes(env, st, 16, p);
	p->provider = col_bytes(env, st, 17, p);
	p->sqn = sqldb_col_int(env->st, st, 18);
	llist_add_tail(&p->entry, &c->isdps);
	return p;
}

static void card_rows_load(struct card *c, const char *eid)
{
	struct card_env *env = c->env;

	sqldb_bind_text(env->st, ST_KEYS_GET, 1, eid);
	while (sqldb_step(env->st, ST_KEYS_GET) == 1) {
		struct card_key *k = talloc_zero(c, struct card_key);

		k->kvn = sqldb_col_int(env->st, ST_KEYS_GET, 0);
		k->kid = sqldb_col_int(env->st, ST_KEYS_GET, 1);
		k->key = col_key(env, ST_KEYS_GET, 3, k, eid, "sd", sqldb_col_int(env->st, ST_KEYS_GET, 2));
		llist_add_tail(&k->entry, &c->keys);
	}
	sqldb_bind_text(env->st, ST_CNTR_GET, 1, eid);
	while (sqldb_step(env->st, ST_CNTR_GET) == 1)
		c->cntr[sqldb_col_int(env->st, ST_CNTR_GET, 0) & 15] = sqldb_col_int(env->st, ST_CNTR_GET, 1);
	sqldb_bind_text(env->st, ST_ISDP_GET, 1, eid);
	while (sqldb_step(env->st, ST_ISDP_GET) == 1)
		isdp_from_row(c, eid);
}

static struct card_batch *batch_find(struct card_env *env, int64_t id)
{
	struct card_batch *b;

	llist_for_each_entry(b, &env->batches, entry)
		if (b->id == id)
			return b;
	return NULL;
}

/* What the batch says, unless UpdateSMSRAddressingParameters has said otherwise. */
static void smsr_load(struct card *c)
{
	struct card_env *env = c->env;

	osmo_strlcpy(c->smsr.number, c->batch->number, sizeof(c->smsr.number));
	osmo_strlcpy(c->smsr.host, c->batch->host, sizeof(c->smsr.host));
	osmo_strlcpy(c->smsr.ip, c->batch->ip, sizeof(c->smsr.ip));
	osmo_strlcpy(c->smsr.uri, c->batch->uri, sizeof(c->smsr.uri));
	c->smsr.port = c->batch->port;
	osmo_strlcpy(c->smsr.dns, c->batch->dns, sizeof(c->smsr.dns));
	c->smsr.dns_port = c->batch->dns_port;
	col_str(env, ST_CARD_GET, 5, c->smsr.number, sizeof(c->smsr.number));
	col_str(env, ST_CARD_GET, 6, c->smsr.host, sizeof(c->smsr.host));
	col_str(env, ST_CARD_GET, 7, c->smsr.ip, sizeof(c->smsr.ip));
	col_str(env, ST_CARD_GET, 8, c->smsr.uri, sizeof(c->smsr.uri));
	col_str(env, ST_CARD_GET, 19, c->smsr.dns, sizeof(c->smsr.dns));
	if (sqldb_col_text(env->st, ST_CARD_GET, 20))
		c->smsr.dns_port = sqldb_col_int(env->st, ST_CARD_GET, 20);
	c->smsr.has_retry = sqldb_col_text(env->st, ST_CARD_GET, 21) && sqldb_col_int(env->st, ST_CARD_GET, 21) >= 0;
	c->smsr.retries = sqldb_col_int(env->st, ST_CARD_GET, 21);
	c->smsr.retry_s = sqldb_col_int(env->st, ST_CARD_GET, 22);
	if (sqldb_col_text(env->st, ST_CARD_GET, 9))
		c->smsr.port = sqldb_col_int(env->st, ST_CARD_GET, 9);
}

static int card_from_row(struct card *c, const char *eid)
{
	struct card_env *env = c->env;
	uint8_t d[32];

	c->batch = batch_find(env, sqldb_col_int(env->st, ST_CARD_GET, 0));
	if (!c->batch)
		return -EIO;
	col_str(env, ST_CARD_GET, 1, c->imei, sizeof(c->imei));
	c->memory = sqldb_col_int(env->st, ST_CARD_GET, 2);
	if (!col_secret(env, ST_CARD_GET, 3, eid, "ecasd", d, sizeof(d)))
		return -EBADMSG;
	c->ecasd_sk = ec_from_private(c, d);
	secret_wipe(d, sizeof(d));
	c->ecasd_cert = col_bytes(env, ST_CARD_GET, 4, c);
	smsr_load(c);
	c->notif_seq = sqldb_col_int(env->st, ST_CARD_GET, 10);
	c->declared = sqldb_col_int(env->st, ST_CARD_GET, 11);
	c->notif.type = sqldb_col_int(env->st, ST_CARD_GET, 12);
	c->notif.seq = sqldb_col_int(env->st, ST_CARD_GET, 13);
	c->sw.kind = sqldb_col_int(env->st, ST_CARD_GET, 14);
	c->sw.stage = sqldb_col_int(env->st, ST_CARD_GET, 15);
	col_aid(env, ST_CARD_GET, 16, &c->sw.from);
	col_aid(env, ST_CARD_GET, 17, &c->sw.to);
	c->has_cattp = sqldb_col_int(env->st, ST_CARD_GET, 18);
	return c->ecasd_sk && c->ecasd_cert ? 0 : -EBADMSG;
}

int card_db_read(struct card *c)
{
	char eid[EID_STR_SIZE];
	int rc;

	eid_str(eid, &c->eid);
	sqldb_bind_text(c->env->st, ST_CARD_GET, 1, eid);
	if (sqldb_step(c->env->st, ST_CARD_GET) != 1)
		return -ENOENT;
	rc = card_from_row(c, eid);
	sqldb_reset(c->env->st, ST_CARD_GET);
	if (rc == 0)
		card_rows_load(c, eid);
	return rc;
}

void card_db_each(struct card_env *env, void (*each)(void *priv, const struct eid *eid, const char *imei, bool on),
		  void *priv)
{
	struct eid eid;

	while (sqldb_step(env->st, ST_CARD_LIST) == 1)
		if (eid_from_str(&eid, sqldb_col_text(env->st, ST_CARD_LIST, 0)) == 0)
			each(priv, &eid, sqldb_col_text(env->st, ST_CARD_LIST, 1),
			     sqldb_col_int(env->st, ST_CARD_LIST, 2));
}

static bool perso_from_row(struct card_env *env, const char *eid, struct card_perso *perso)
{
	if (!sqldb_col_text(env->st, ST_PKG_GET, 3))
		return false;
	col_str(env, ST_PKG_GET, 2, perso->iccid, sizeof(perso->iccid));
	col_str(env, ST_PKG_GET, 3, perso->imsi, sizeof(perso->imsi));
	col_str(env, ST_PKG_GET, 4, perso->msisdn, sizeof(perso->msisdn));
	return col_secret(env, ST_PKG_GET, 5, eid, "k", perso->k, 16) &&
	       col_secret(env, ST_PKG_GET, 6, eid, "opc", perso->opc, 16);
}

int card_db_package_row(const struct isd_p *p, void *ctx, struct bytes **package, bool *saved, struct card_perso *perso)
{
	struct card_env *env = p->card->env;
	char eid[EID_STR_SIZE];
	int rc;

	eid_str(eid, &p->card->eid);
	sqldb_bind_text(env->st, ST_PKG_GET, 1, eid);
	sqldb_bind_blob(env->st, ST_PKG_GET, 2, p->aid.b, p->aid.len);
	if (sqldb_step(env->st, ST_PKG_GET) != 1)
		return -ENOENT;
	*package = col_unseal(env, ST_PKG_GET, 0, ctx, eid, "package");
	*saved = sqldb_col_int(env->st, ST_PKG_GET, 1);
	rc = *package || perso_from_row(env, eid, perso) ? 0 : -ENOENT;
	sqldb_reset(env->st, ST_PKG_GET);
	return rc;
}

void card_db_each_subscriber(struct card_env *env,
			     void (*each)(void *priv, const char *imsi, const char *msisdn, const uint8_t k[16],
					  const uint8_t opc[16]), void *priv)
{
	uint8_t k[16], opc[16];

	while (sqldb_step(env->st, ST_PERSO_ALL) == 1) {
		const char *eid = sqldb_col_text(env->st, ST_PERSO_ALL, 0);

		if (col_secret(env, ST_PERSO_ALL, 3, eid, "k", k, 16) &&
		    col_secret(env, ST_PERSO_ALL, 4, eid, "opc", opc, 16))
			each(priv, sqldb_col_text(env->st, ST_PERSO_ALL, 1), sqldb_col_text(env->st, ST_PERSO_ALL, 2),
			     k, opc);
	}
	secret_wipe(k, sizeof(k));
	secret_wipe(opc, sizeof(opc));
}
