/* Writing the cards' non-volatile memory, and the import of new cards. Statements and columns: card_db.c.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/util/sqldb.h>

#include "card_db.h"
#include "card_db_priv.h"

/* --- sealing --- */

const char *card_db_aad(char out[80], const char *eid, const char *what)
{
	snprintf(out, 80, "%s/%s", eid, what);
	return out;
}

static void bind_sealed_key(struct card_env *env, unsigned st, int idx, const char *eid, const char *what,
			    const struct key *k)
{
	char a[80];
	struct bytes *b = k ? keystore_seal_key(env->ks, env, card_db_aad(a, eid, what), k) : NULL;

	sqldb_bind_blob(env->st, st, idx, b ? b->data : NULL, b ? b->len : 0);
	talloc_free(b);
}

static int bind_sealed(struct card_env *env, unsigned st, int idx, const char *eid, const char *what, const void *p,
		       size_t len)
{
	char a[80];
	struct bytes *b = keystore_seal(env->ks, env, card_db_aad(a, eid, what), p, len);

	if (!b)
		return -ENOMEM;
	sqldb_bind_blob(env->st, st, idx, b->data, b->len);
	talloc_free(b);
	return 0;
}

static void bind_bytes(struct card_env *env, unsigned st, int idx, const struct bytes *b)
{
	sqldb_bind_blob(env->st, st, idx, b ? b->data : NULL, b ? b->len : 0);
}

static void bind_eid(struct card_env *env, unsigned st, int idx, const struct eid *eid)
{
	char s[EID_STR_SIZE];

	sqldb_bind_text(env->st, st, idx, eid_str(s, eid));
}

/* --- writing --- */

void card_db_power(struct card_env *env, const struct eid *eid, bool on)
{
	sqldb_bind_int(env->st, ST_POWER, 1, on);
	bind_eid(env, ST_POWER, 2, eid);
	sqldb_exec(env->st, ST_POWER);
}

void card_db_save(struct card *c)
{
	struct card_env *env = c->env;
	unsigned st = ST_CARD_SAVE;

	sqldb_bind_text(env->st, st, 1, c->smsr.number);
	sqldb_bind_text(env->st, st, 2, c->smsr.host);
	sqldb_bind_text(env->st, st, 3, c->smsr.ip);
	sqldb_bind_text(env->st, st, 4, c->smsr.uri);
	sqldb_bind_int(env->st, st, 5, c->smsr.port);
	sqldb_bind_int(env->st, st, 6, c->notif_seq);
	sqldb_bind_int(env->st, st, 7, c->declared);
	sqldb_bind_int(env->st, st, 8, c->notif.type);
	sqldb_bind_int(env->st, st, 9, c->notif.seq);
	sqldb_bind_int(env->st, st, 10, c->sw.kind);
	sqldb_bind_int(env->st, st, 11, c->sw.stage);
	sqldb_bind_blob(env->st, st, 12, c->sw.from.b, c->sw.from.len);
	sqldb_bind_blob(env->st, st, 13, c->sw.to.b, c->sw.to.len);
	sqldb_bind_text(env->st, st, 14, c->smsr.dns);
	sqldb_bind_int(env->st, st, 15, c->smsr.dns_port);
	sqldb_bind_int(env->st, st, 16, c->smsr.has_retry ? c->smsr.retries : -1);
	sqldb_bind_int(env->st, st, 17, c->smsr.retry_s);
	bind_eid(env, st, 18, &c->eid);
	sqldb_exec(env->st, st);
}

static int key_put(struct card_env *env, const char *eid, uint8_t kvn, uint8_t kid, const struct key *key)
{
	sqldb_bind_text(env->st, ST_KEY_PUT, 1, eid);
	sqldb_bind_int(env->st, ST_KEY_PUT, 2, kvn);
	sqldb_bind_int(env->st, ST_KEY_PUT, 3, kid);
	sqldb_bind_int(env->st, ST_KEY_PUT, 4, key_type(key));
	bind_sealed_key(env, ST_KEY_PUT, 5, eid, "sd", key);
	return sqldb_exec(env->st, ST_KEY_PUT);
}

void card_db_key_save(struct card *c, uint8_t kvn, uint8_t kid, const struct key *key)
{
	char eid[EID_STR_SIZE];

	key_put(c->env, eid_str(eid, &c->eid), kvn, kid, key);
}

void card_db_key_delete(struct card *c, uint8_t kvn, uint8_t kid)
{
	bind_eid(c->env, ST_KEY_DEL, 1, &c->eid);
	sqldb_bind_int(c->env->st, ST_KEY_DEL, 2, kvn);
	sqldb_bind_int(c->env->st, ST_KEY_DEL, 3, kid);
	sqldb_exec(c->env->st, ST_KEY_DEL);
}

void card_db_cntr_save(struct card *c, uint8_t kvn)
{
	bind_eid(c->env, ST_CNTR_PUT, 1, &c->eid);
	sqldb_bind_int(c->env->st, ST_CNTR_PUT, 2, kvn);
	sqldb_bind_int(c->env->st, ST_CNTR_PUT, 3, c->cntr[kvn & 15]);
	sqldb_exec(c->env->st, ST_CNTR_PUT);
}

static int isdp_put(struct card_env *env, const char *eid, const struct isd_p *p)
{
	unsigned st = ST_ISDP_PUT;

	sqldb_bind_text(env->st, st, 1, eid);
	sqldb_bind_blob(env->st, st, 2, p->aid.b, p->aid.len);
	sqldb_bind_int(env->st, st, 3, p->state);
	sqldb_bind_int(env->st, st, 4, p->fallback | p->emergency << 1);
	sqldb_bind_int(env->st, st, 5, p->granted);
	sqldb_bind_int(env->st, st, 6, p->used);
	sqldb_bind_int(env->st, st, 7, p->pol1);
	sqldb_bind_text(env->st, st, 8, p->iccid);
	bind_bytes(env, st, 9, p->conn);
	sqldb_bind_int(env->st, st, 10, p->kvn);
	bind_sealed_key(env, st, 11, eid, "enc", p->enc);
	bind_sealed_key(env, st, 12, eid, "mac", p->mac);
	bind_sealed_key(env, st, 13, eid, "dek", p->dek);
	sqldb_bind_int(env->st, st, 14, p->scp03_cntr);
	bind_sealed_key(env, st, 15, eid, "token", p->token);
	sqldb_bind_int(env->st, st, 16, p->token_id);
	bind_bytes(env, st, 17, p->sin);
	bind_bytes(env, st, 18, p->sdin);
	bind_bytes(env, st, 19, p->provider);
	sqldb_bind_int(env->st, st, 20, p->sqn);
	return sqldb_exec(env->st, st);
}

void card_db_isdp_save(struct isd_p *p)
{
	char eid[EID_STR_SIZE];

	isdp_put(p->card->env, eid_str(eid, &p->card->eid), p);
}

void card_db_isdp_delete(const struct isd_p *p)
{
	const unsigned st[] = { ST_ISDP_DEL, ST_PERSO_DEL };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(st); i++) {
		bind_eid(p->card->env, st[i], 1, &p->card->eid);
		sqldb_bind_blob(p->card->env->st, st[i], 2, p->aid.b, p->aid.len);
		sqldb_exec(p->card->env->st, st[i]);
	}
}

void card_db_package_save(const struct isd_p *p, const struct bytes *package, bool saved)
{
	struct card_env *env = p->card->env;
	char eid[EID_STR_SIZE];

	if (bind_sealed(env, ST_PKG_PUT, 1, eid_str(eid, &p->card->eid), "package", package->data, package->len) < 0)
		return;
	sqldb_bind_int(env->st, ST_PKG_PUT, 2, saved);
	sqldb_bind_text(env->st, ST_PKG_PUT, 3, eid);
	sqldb_bind_blob(env->st, ST_PKG_PUT, 4, p->aid.b, p->aid.len);
	sqldb_exec(env->st, ST_PKG_PUT);
}

/* --- import --- */

int card_db_batch_add(struct card_env *env, struct card_batch *b)
{
	unsigned i;
	int rc;

	if (bind_sealed(env, ST_BATCH_PUT, 1, "batch", "upp", b->upp->data, b->upp->len) < 0)
		return -ENOMEM;
	sqldb_bind_text(env->st, ST_BATCH_PUT, 2, b->smsc);
	sqldb_bind_text(env->st, ST_BATCH_PUT, 3, b->number);
	sqldb_bind_text(env->st, ST_BATCH_PUT, 4, b->host);
	sqldb_bind_text(env->st, ST_BATCH_PUT, 5, b->ip);
	sqldb_bind_int(env->st, ST_BATCH_PUT, 6, b->port);
	sqldb_bind_text(env->st, ST_BATCH_PUT, 7, b->uri);
	sqldb_bind_text(env->st, ST_BATCH_PUT, 8, b->dns);
	sqldb_bind_int(env->st, ST_BATCH_PUT, 9, b->dns_port);
	rc = sqldb_exec(env->st, ST_BATCH_PUT);
	if (rc < 0)
		return rc;
	b->id = sqldb_last_id(env->db);
	for (i = 0; i < b->n_ci && rc == 0; i++) {
		sqldb_bind_int(env->st, ST_CI_PUT, 1, b->id);
		sqldb_bind_blob(env->st, ST_CI_PUT, 2, b->ci[i].q, EC_POINT_LEN);
		sqldb_bind_blob(env->st, ST_CI_PUT, 3, b->ci[i].ski, 20);
		rc = sqldb_exec(env->st, ST_CI_PUT);
	}
	talloc_steal(env, b);
	llist_add_tail(&b->entry, &env->batches);
	return rc;
}

static int perso_put(struct card_env *env, const char *eid, const struct card_import *i)
{
	unsigned st = ST_PERSO_PUT;

	sqldb_bind_text(env->st, st, 1, eid);
	sqldb_bind_blob(env->st, st, 2, i->isdp.b, i->isdp.len);
	sqldb_bind_text(env->st, st, 3, i->iccid);
	sqldb_bind_text(env->st, st, 4, i->imsi);
	sqldb_bind_text(env->st, st, 5, i->msisdn);
	if (bind_sealed(env, st, 6, eid, "k", i->k, 16) < 0 || bind_sealed(env, st, 7, eid, "opc", i->opc, 16) < 0)
		return -ENOMEM;
	return sqldb_exec(env->st, st);
}

int card_db_card_add(struct card_env *env, const struct card_batch *b, const struct card_import *i)
{
	struct isd_p p = { .aid = i->isdp, .state = ES5_STATE_ENABLED, .fallback = i->fallback, .used = b->upp->len };
	char eid[EID_STR_SIZE];
	struct bytes conn = { };
	struct upp_header h;
	const char *err;
	int rc;

	if (upp_header_dec(&h, &err, b->upp->data, b->upp->len) < 0)
		return -EINVAL;
	if (h.pol_len)
		p.pol1 = h.pol[0];
	conn.data = (uint8_t *)h.connectivity;
	conn.len = h.connectivity_len;
	if (conn.len)
		p.conn = &conn;

	eid_str(eid, &i->eid);
	osmo_strlcpy(p.iccid, i->iccid, sizeof(p.iccid));
	sqldb_bind_text(env->st, ST_CARD_PUT, 1, eid);
	sqldb_bind_int(env->st, ST_CARD_PUT, 2, b->id);
	sqldb_bind_text(env->st, ST_CARD_PUT, 3, i->imei);
	sqldb_bind_int(env->st, ST_CARD_PUT, 4, i->memory);
	sqldb_bind_int(env->st, ST_CARD_PUT, 7, i->cattp);
	rc = bind_sealed(env, ST_CARD_PUT, 5, eid, "ecasd", i->ecasd_sk, sizeof(i->ecasd_sk));
	bind_bytes(env, ST_CARD_PUT, 6, i->ecasd_cert);
	if (rc == 0)
		rc = sqldb_exec(env->st, ST_CARD_PUT);
	if (rc < 0)
		return rc;
	if (key_put(env, eid, i->scp80_kvn, 1, i->kic) < 0 || key_put(env, eid, i->scp80_kvn, 2, i->kid) < 0 ||
	    (i->kik && key_put(env, eid, i->scp80_kvn, 3, i->kik) < 0) ||
	    (i->psk && key_put(env, eid, i->scp81_kvn, i->scp81_kid, i->psk) < 0) ||
	    (i->dek && key_put(env, eid, i->scp81_kvn, i->scp81_kid + 1, i->dek) < 0))
		return -EIO;
	rc = isdp_put(env, eid, &p);
	return rc < 0 ? rc : perso_put(env, eid, i);
}
