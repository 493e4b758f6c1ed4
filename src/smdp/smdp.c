/* Builds the SM-DP from its parts and wires the callbacks.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>
#include <osmocom/rsp/util/sqldb.h>

#include "smdp.h"

struct smdp *smdp_new(void *ctx)
{
	struct smdp *s = talloc_zero(ctx, struct smdp);

	OSMO_ASSERT(s);
	s->cfg.own_name = talloc_strdup(s, "osmo-smdp");
	s->cfg.database = talloc_strdup(s, "/var/lib/osmocom/osmo-smdp.db");
	s->cfg.kek = talloc_strdup(s, "/var/lib/osmocom/osmo-smdp.kek");
	s->cfg.es_ip = talloc_strdup(s, "127.0.0.1");
	s->cfg.es_port = 8454;		/* corrections 20 */
	s->cfg.validity_s = 720;
	s->cfg.cleanup_s = 60;
	s->cfg.memory_percent = 200;
	s->cfg.memory_extra = 65536;	/* files a template creates are not in the package: TS.48 has 9 kB of it */
	s->cfg.import_slice_ms = 20;
	hlr_cfg_default(&s->cfg.hlr);
	card_types_init(&s->dl.cards);
	INIT_LLIST_HEAD(&s->dl.downloads);
	INIT_LLIST_HEAD(&s->parties);
	return s;
}

/* Parties -------------------------------------------------------------------------------------------------------- */

static struct smdp_party *smdp_party_find(struct smdp *s, const char *id)
{
	struct smdp_party *p;

	llist_for_each_entry(p, &s->parties, entry)
		if (!strcmp(p->id, id))
			return p;
	return NULL;
}

struct smdp_party *smdp_party_get(struct smdp *s, const char *id)
{
	struct smdp_party *p = smdp_party_find(s, id);

	if (p || !oid_valid(id))
		return p;
	p = talloc_zero(s, struct smdp_party);
	OSMO_ASSERT(p);
	p->smdp = s;
	OSMO_STRLCPY_ARRAY(p->id, id);
	p->role = ES_ROLE_OPERATOR;
	llist_add_tail(&p->entry, &s->parties);
	smdp_party_apply(p);
	return p;
}

void smdp_party_del(struct smdp *s, const char *id)
{
	struct smdp_party *p = smdp_party_find(s, id);

	if (!p)
		return;
	if (s->link)
		es_party_del(s->link, id);
	llist_del(&p->entry);
	talloc_free(p);
}

void smdp_party_apply(struct smdp_party *p)
{
	struct es_party *e = p->smdp->link ? es_party_add(p->smdp->link, p->id, p->role) : NULL;

	if (!e)
		return;
	e->role = p->role;
	talloc_free(e->fpr);
	e->fpr = p->fpr ? talloc_strdup(e, p->fpr) : NULL;
	talloc_free(e->url);
	e->url = p->url ? talloc_strdup(e, p->url) : NULL;
	es_party_set(p->smdp->link, e, &p->set);
}

/* Start ---------------------------------------------------------------------------------------------------------- */

/* A missing KEK is made on the very first start only: a new one beside old sealed keys would hide that the old one
 * is lost. */
static int smdp_open_keystore(struct smdp *s)
{
	if (access(s->cfg.kek, F_OK) < 0) {
		if (stock_uses_keystore(s->db)) {
			LOGP(DMAIN, LOGL_FATAL, "kek %s is missing, but the stock was sealed under one: put it back\n",
			     s->cfg.kek);
			return -ENOENT;
		}
		if (keystore_create_file(s->cfg.kek) < 0) {
			LOGP(DMAIN, LOGL_FATAL, "kek %s cannot be written\n", s->cfg.kek);
			return -EIO;
		}
		LOGP(DMAIN, LOGL_NOTICE, "new key-encryption key in %s: keep a copy apart from the database\n",
		     s->cfg.kek);
	}
	s->ks = keystore_open(s, s->cfg.kek);
	return s->ks ? 0 : -EIO;
}

int smdp_open(struct smdp *s)
{
	s->db = smdp_db_open(s, s->cfg.database);
	if (!s->db)
		return -EIO;
	if (smdp_open_keystore(s) < 0)
		return -EIO;
	s->stock = stock_new(s, s->db, s->ks);
	if (!s->stock)
		return -ENOMEM;
	stock_configure(s->stock, &s->cfg.stock);
	s->batches = stock_batches_new(s, s->stock, s->db);
	s->hlr = hlr_new(s, &s->cfg.hlr, s->db, s->stock);
	stock_on_event(s->stock, hlr_event, s->hlr);
	return 0;
}

/* CERT.DP.ECDSA: TLV 7F21, or the same as hex text. */
static struct bytes *smdp_load_7f21(void *ctx, const char *path)
{
	char buf[4096];
	struct bytes *b;
	struct cert_gp c;
	const char *err = "cannot be read";
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(buf, 1, sizeof(buf) - 1, f) : 0;

	if (f)
		fclose(f);
	buf[n] = '\0';
	b = n > 2 && (uint8_t)buf[0] == 0x7F ? bytes_dup(ctx, buf, n) : bytes_from_hex(ctx, buf);
	if (b && cert_gp_dec(&c, &err, b->data, b->len) == 0 && c.role == CERT_ROLE_DP)
		return b;
	LOGP(DMAIN, LOGL_FATAL, "dp-cert %s is no SM-DP certificate (7F21): %s\n", path,
	     !b ? "not readable" : err ? err : "its role is another");
	talloc_free(b);
	return NULL;
}

/* Does the private key fit, and does the CI vouch for it? A card would only say 6A80. */
static int smdp_check_dp_cert(struct smdp *s)
{
	uint8_t q[EC_POINT_LEN], ci_q[EC_POINT_LEN];
	struct cert_gp c;
	const char *err;

	if (cert_gp_dec(&c, &err, s->dl.dp_cert->data, s->dl.dp_cert->len) < 0 || ec_public(s->dl.dp_key, q) < 0 ||
	    memcmp(q, c.q, sizeof(q))) {
		LOGP(DMAIN, LOGL_FATAL, "dp-key %s does not belong to dp-cert %s\n", s->cfg.dp_key, s->cfg.dp_cert);
		return -EINVAL;
	}
	if (cert_x509_point(s->dl.ci, ci_q) < 0 || cert_gp_verify(&c, ci_q, NULL) < 0) {
		LOGP(DMAIN, LOGL_FATAL, "dp-cert %s is not signed by ci-cert %s\n", s->cfg.dp_cert, s->cfg.ci_cert);
		return -EINVAL;
	}
	return 0;
}

static int smdp_load_certs(struct smdp *s)
{
	if (!s->cfg.own_id || !s->cfg.ci_cert || !s->cfg.dp_cert || !s->cfg.dp_key || !s->cfg.es_url) {
		LOGP(DMAIN, LOGL_FATAL, "own-id, ci-cert, dp-cert, dp-key and es url must be configured\n");
		return -EINVAL;
	}
	s->dl.ci = cert_x509_load(s, s->cfg.ci_cert);
	if (!s->dl.ci) {
		LOGP(DMAIN, LOGL_FATAL, "ci-cert %s cannot be read\n", s->cfg.ci_cert);
		return -EINVAL;
	}
	s->dl.eum = talloc_zero_array(s, struct cert_x509 *, SMDP_EUM_CERTS_MAX);
	for (unsigned i = 0; i < s->cfg.n_eum_certs; i++) {
		s->dl.eum[i] = cert_x509_load(s, s->cfg.eum_cert[i]);
		if (!s->dl.eum[i]) {
			LOGP(DMAIN, LOGL_FATAL, "eum-cert %s cannot be read\n", s->cfg.eum_cert[i]);
			return -EINVAL;
		}
	}
	s->dl.n_eum = s->cfg.n_eum_certs;
	s->dl.dp_cert = smdp_load_7f21(s, s->cfg.dp_cert);
	s->dl.dp_key = ec_from_pem_file(s, s->cfg.dp_key);
	if (!s->dl.dp_key)
		LOGP(DMAIN, LOGL_FATAL, "dp-key %s cannot be read\n", s->cfg.dp_key);
	return s->dl.dp_cert && s->dl.dp_key ? smdp_check_dp_cert(s) : -EINVAL;
}

/* es_link's callbacks -------------------------------------------------------------------------------------------- */

static void smdp_request(void *priv, struct es_req *req, bool resumed)
{
	struct smdp *s = priv;

	es2_srv_request(&s->dl, &s->relay, req, resumed);
}

static void smdp_response(void *priv, const char *tag, const struct es_msg *msg, const char *why)
{
	struct smdp *s = priv;

	if (!strncmp(tag, "dl:", 3))
		proc_download_response(&s->dl, tag, msg, why);
	else if (!strncmp(tag, "rl:", 3))
		proc_relay_response(&s->relay, tag, msg, why);
}

static void smdp_notification(void *priv, const struct es_party *from, const struct es_msg *msg)
{
	struct smdp *s = priv;

	proc_relay_notification(&s->relay, from, msg);
}

/* A download may wait for its subscriber to be known, before the card attaches as that one. */
static unsigned smdp_hold(void *priv, const char *iccid)
{
	struct smdp *s = priv;

	return hlr_pending(s->hlr, iccid) ? s->cfg.hlr.hold_s : 0;
}

static void smdp_hlr_done(void *priv, const char *iccid)
{
	struct smdp *s = priv;

	proc_download_go(&s->dl, iccid);
}

void smdp_apply(struct smdp *s)
{
	if (s->batches)
		stock_batches_slice(s->batches, s->cfg.import_slice_ms);
	s->dl.identity = s->cfg.has_identity ? &s->cfg.identity : NULL;
	s->dl.memory_percent = s->cfg.memory_percent;
	s->dl.memory_extra = s->cfg.memory_extra;
	s->dl.cleanup_s = s->cfg.cleanup_s;
}

static int smdp_start_link(struct smdp *s)
{
	struct smdp_party *p;
	const struct es_link_cfg cfg = {
		.own_id = s->cfg.own_id,
		.own_name = s->cfg.own_name,
		.own_role = ES_ROLE_SMDP,
		.bind_ip = s->cfg.es_ip,
		.bind_port = s->cfg.es_port,
		.own_url = s->cfg.es_url,
		.cert_file = s->cfg.tls_cert,
		.key_file = s->cfg.tls_key,
		.ca_file = s->cfg.tls_ca,
		.crl_file = s->cfg.tls_crl,
		.default_validity_s = s->cfg.validity_s,
		.limits = s->cfg.es_limits,
		.db = smdp_db_sql(s->db),
		.request = smdp_request,
		.response = smdp_response,
		.notification = smdp_notification,
		.priv = s,
	};

	s->link = es_link_new(s, smdp_db_sql(s->db));
	if (!s->link)
		return -ENOMEM;
	llist_for_each_entry(p, &s->parties, entry)
		smdp_party_apply(p);
	return es_link_start(s->link, &cfg);
}

static int smdp_start_json(struct smdp *s)
{
	const struct stock_srv_cfg cfg = {
		.ip = s->cfg.json_ip,
		.port = s->cfg.json_port,
		.cert_file = s->cfg.tls_cert,
		.key_file = s->cfg.tls_key,
		.ca_file = s->cfg.tls_ca,
		.crl_file = s->cfg.tls_crl,
		.link = s->link,
		.db = s->db,
		.batches = s->batches,
	};

	s->json = stock_srv_new(s, &cfg);
	if (!s->json)
		LOGP(DMAIN, LOGL_FATAL, "the JSON interface %s:%u cannot be started\n", cfg.ip, cfg.port);
	return s->json ? 0 : -EIO;
}

int smdp_start(struct smdp *s)
{
	if (smdp_load_certs(s) < 0)
		return -EINVAL;
	s->dl.db = s->relay.db = s->db;
	s->dl.stock = s->relay.stock = s->stock;
	s->dl.own_id = s->cfg.own_id;
	smdp_apply(s);
	if (smdp_start_link(s) < 0) {
		LOGP(DMAIN, LOGL_FATAL, "the ES interface %s:%u cannot be started\n", s->cfg.es_ip, s->cfg.es_port);
		return -EIO;
	}
	if (s->cfg.json_ip && smdp_start_json(s) < 0)
		return -EIO;
	s->dl.link = s->relay.link = s->link;
	s->dl.hold = smdp_hold;
	s->dl.hold_priv = s;
	hlr_on_done(s->hlr, smdp_hlr_done, s);
	proc_download_resume(&s->dl);
	es_link_resume(s->link);
	stock_batches_resume(s->batches);
	hlr_apply(s->hlr);
	smdp_commit(s);
	LOGP(DMAIN, LOGL_NOTICE, "SM-DP %s ready on %s\n", s->cfg.own_id, s->cfg.es_url);
	return 0;
}

void smdp_commit(struct smdp *s)
{
	txn_commit(smdp_db_sql(s->db));
}

void smdp_stop(struct smdp *s)
{
	if (s->db)
		smdp_commit(s);
	proc_download_stop(&s->dl);
	TALLOC_FREE(s->json);
	TALLOC_FREE(s->link);
	TALLOC_FREE(s->batches);
	TALLOC_FREE(s->hlr);
	smdp_db_close(s->db);
	s->db = NULL;
}
