/* struct smsr: builds the parts and wires their callbacks. Reading smsr_start() from top to bottom tells who calls
 * whom.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "es1_srv.h"
#include "plat_srv.h"
#include "smsr.h"
#include "smsr_addressing.h"

struct smsr *smsr_alloc(void *ctx)
{
	struct smsr *s = talloc_zero(ctx, struct smsr);

	OSMO_ASSERT(s);
	s->cfg = (struct smsr_cfg){
		.own_name = talloc_strdup(s, "osmo-smsr"),
		.database = talloc_strdup(s, "/var/lib/osmocom/smsr.db"),
		.es_ip = talloc_strdup(s, "127.0.0.1"), .es_port = 8444,
		.scp81_ip = talloc_strdup(s, "127.0.0.1"), .scp81_port = 8443,
		.default_validity_s = 720, .sms_max_parts = 5, .live_max = EUICC_LIVE_MAX,
	};
	INIT_LLIST_HEAD(&s->cfg.parties);
	INIT_LLIST_HEAD(&s->cfg.smscs);
	json_cfg_init(&s->json);
	card_bearer_cfg_default(&s->cfg.bearer);
	return s;
}

/* --- parties ---------------------------------------------------------------------------------------------------- */

struct smsr_party *smsr_party_get(struct smsr *s, const char *id)
{
	struct smsr_party *p;

	llist_for_each_entry(p, &s->cfg.parties, entry)
		if (!strcmp(p->id, id))
			return p;
	if (!oid_valid(id))
		return NULL;
	p = talloc_zero(s, struct smsr_party);
	OSMO_ASSERT(p);
	OSMO_STRLCPY_ARRAY(p->id, id);
	llist_add_tail(&p->entry, &s->cfg.parties);
	smsr_party_apply(s, p);
	return p;
}

void smsr_party_del(struct smsr *s, const char *id)
{
	struct smsr_party *p = smsr_party_get(s, id);

	if (!p)
		return;
	if (s->link)
		es_party_del(s->link, id);
	llist_del(&p->entry);
	talloc_free(p);
}

void smsr_party_apply(struct smsr *s, struct smsr_party *p)
{
	struct es_party *ep;

	if (p->eum_cert_file && !p->eum_cert)
		p->eum_cert = cert_x509_load(p, p->eum_cert_file);
	if (!s->link)
		return;
	ep = es_party_add(s->link, p->id, p->role);
	if (!ep)
		return;
	ep->role = p->role;
	talloc_free(ep->fpr);
	talloc_free(ep->url);
	ep->fpr = talloc_strdup(ep, p->fpr);
	ep->url = talloc_strdup(ep, p->url);
	es_party_set(s->link, ep, &p->set);
}

/* --- SMSCs ------------------------------------------------------------------------------------------------------ */

struct smsr_smsc *smsr_smsc_new(struct smsr *s, const char *name)
{
	unsigned n = llist_count(&s->cfg.smscs);
	struct smsr_smsc *c;

	if (n >= SMSC_MAX || strlen(name) >= sizeof(c->cfg.name))
		return NULL;
	c = talloc_zero(s, struct smsr_smsc);
	OSMO_ASSERT(c);
	OSMO_STRLCPY_ARRAY(c->cfg.name, name);
	OSMO_STRLCPY_ARRAY(c->cfg.link.system_id, "smsr");
	llist_add_tail(&c->entry, &s->cfg.smscs);
	return c;
}

void smsr_smsc_del(struct smsr *s, struct smsr_smsc *c)
{
	if (s->sms)
		sms_port_smsc_del(s->sms, c->cfg.name);
	llist_del(&c->entry);
	secret_wipe(c->cfg.link.password, sizeof(c->cfg.link.password));
	talloc_free(c);
}

int smsr_smsc_apply(struct smsr *s, const struct smsr_smsc *c)
{
	return s->sms ? sms_port_smsc_set(s->sms, &c->cfg) : 0;
}

/* --- from the ES link -------------------------------------------------------------------------------------------- */

static void register_eis(struct smsr *s, struct es_req *req)
{
	const struct smsr_party *p = smsr_party_get(s, es_req_party(req)->id);
	const struct es1_trust trust = {
		.own_id = s->cfg.own_id, .ci = s->ci, .crl = s->crl, .revoked_refuse = s->cfg.revoked_refuse,
		.eum = p ? p->eum_cert : NULL,
		.eid_prefix = p ? p->eid_prefix : NULL, .ecb = p && p->ecb,
	};

	es1_srv_handle(s->euiccs, &trust, req);
}

static void request(void *priv, struct es_req *req, bool resumed)
{
	struct smsr *s = priv;

	if (resumed && s->json_srv)
		json_srv_resumed(s->json_srv, req);
	if (resumed && proc_attach(s->euiccs, req))
		return;
	switch (es_req_msg(req)->iface) {
	case ES1:
		register_eis(s, req);
		return;
	case ES3:
		es3_srv_handle(s->euiccs, req);
		return;
	case ES4:
		es4_srv_handle(s->euiccs, req);
		return;
	case ES4A:
		grant_srv_handle(s->euiccs, req);
		return;
	case ES7:
		es7_srv_handle(s->euiccs, req);
		return;
	default:
		es_req_respond_err(req, ES_R_UNSUPPORTED, NULL, NULL);
	}
}

static void response(void *priv, const char *tag, const struct es_msg *msg, const char *why)
{
	LOGP(DES, LOGL_INFO, "%s: %s\n", tag,
	     msg ? "answered" : why); /* we send notifications only: nothing waits for it */
}

static void notification(void *priv, const struct es_party *from, const struct es_msg *msg)
{
	LOGP(DES, LOGL_NOTICE, "notification %s from %s: not for an SM-SR\n", es_func_name(msg->func), from->id);
}

/* --- life -------------------------------------------------------------------------------------------------------- */

static int missing(const char *what)
{
	LOGP(DMAIN, LOGL_FATAL, "configuration: '%s' is missing in node smsr\n", what);
	return -EINVAL;
}

static int unreadable(const char *what, const char *file)
{
	if (!file || access(file, R_OK) == 0)
		return 0;
	LOGP(DMAIN, LOGL_FATAL, "configuration: %s %s: %s\n", what, file, strerror(errno));
	return -errno;
}

int smsr_check(struct smsr *s)
{
	const struct smsr_cfg *c = &s->cfg;

	if (!c->own_id)
		return missing("own-id OID");
	if (!c->kek)
		return missing("kek FILE");
	if (!c->tls_cert || !c->tls_key || !c->tls_ca)
		return missing("tls cert|key|ca FILE");
	if (unreadable("tls cert", c->tls_cert) || unreadable("tls key", c->tls_key) ||
	    unreadable("tls ca", c->tls_ca) || unreadable("tls crl", c->tls_crl) || unreadable("ci-cert", c->ci_cert) ||
	    unreadable("ci-crl", c->ci_crl))
		return -ENOENT;
	return 0;
}

int smsr_open(struct smsr *s)
{
	if (s->db)
		return 0;
	if (!s->cfg.kek)
		return missing("kek FILE");
	if (access(s->cfg.kek, F_OK) < 0) {
		if (keystore_create_file(s->cfg.kek) < 0)
			return -EIO;
		LOGP(DMAIN, LOGL_NOTICE, "made a new key-encryption key in %s: keep a copy apart from the database\n",
		     s->cfg.kek);
	}
	s->ks = keystore_open(s, s->cfg.kek);
	if (!s->ks)
		return -EIO;
	s->db = smsr_db_open(s, s->cfg.database, s->ks);
	return s->db ? 0 : -EIO;
}

static int start_link(struct smsr *s)
{
	struct smsr_cfg *c = &s->cfg;
	struct smsr_party *p;
	struct es_link_cfg cfg = {
		.own_id = c->own_id, .own_name = c->own_name, .own_role = ES_ROLE_SMSR,
		.bind_ip = c->es_ip, .bind_port = c->es_port,
		.cert_file = c->tls_cert, .key_file = c->tls_key, .ca_file = c->tls_ca, .crl_file = c->tls_crl,
		.default_validity_s = c->default_validity_s, .limits = c->es_limits, .db = s->db->sql,
		.request = request, .response = response, .notification = notification, .priv = s,
	};

	if (!c->es_url)
		c->es_url = talloc_asprintf(s, "https://%s:%u/es", c->es_ip, c->es_port);
	cfg.own_url = c->es_url;
	llist_for_each_entry(p, &c->parties, entry)
		smsr_party_apply(s, p);
	return es_link_start(s->link, &cfg);
}

/* Corrections 20: what goes into triggers to cards of this operator. */
static void packet_data(void *priv, const char *mno_id, const char **apn, const char **login, const char **password)
{
	struct smsr *s = priv;
	const struct smsr_party *p;

	llist_for_each_entry(p, &s->cfg.parties, entry) {
		if (strcmp(p->id, mno_id))
			continue;
		*apn = p->apn;
		*login = p->login;
		*password = p->password;
		return;
	}
}

static int start_cards(struct smsr *s)
{
	const struct sms_port_cfg sms = {
		.own_number = s->cfg.sms_number ? s->cfg.sms_number : "1001",
		.max_parts = OSMO_MAX(s->cfg.sms_max_parts, s->cfg.bearer.sms_parts_limit),
		.limits = s->cfg.sms_limits,
		.rx = card_in_sms,
		.alert = card_in_alert,
		.priv = &s->card_in,
		.db = s->db->sql,
	};
	struct card_sessions_cfg cards = {
		.ops = &card_in_ops, .priv = &s->card_in, .db = s->db->sql,
		.scp81_bind_ip = s->cfg.scp81_ip, .scp81_bind_port = s->cfg.scp81_port,
		.adv_ip = s->cfg.adv_ip ? s->cfg.adv_ip : s->cfg.scp81_ip, .adv_port = s->cfg.adv_port,
		.uri = "/gsma/adminagent", .sms_max_parts = s->cfg.sms_max_parts,
		.cattp_bind_ip = s->cfg.cattp_ip, .cattp_bind_port = s->cfg.cattp_port,
		.cattp_adv_ip = s->cfg.cattp_adv_ip, .cattp_adv_port = s->cfg.cattp_adv_port, .bearer = &s->cfg.bearer,
	};
	struct smsr_smsc *c;

	s->card_in.reg = s->euiccs;
	if (llist_empty(&s->cfg.smscs)) {
		LOGP(DMAIN, LOGL_FATAL, "configuration: no node 'smsc NAME', no way to cards\n");
		return -EINVAL;
	}
	s->sms = sms_port_new(s, &sms);
	if (!s->sms)
		return -EIO;
	llist_for_each_entry(c, &s->cfg.smscs, entry)
		if (smsr_smsc_apply(s, c) < 0)
			return -EIO;
	cards.sms = s->sms;
	s->cards = card_sessions_new(s, &cards);
	s->euiccs->cards = s->cards;
	return s->cards ? 0 : -EIO;
}

int smsr_load_crl(struct smsr *s)
{
	struct crl_x509 *crl;

	if (!s->cfg.ci_crl || !s->ci)
		return 0;
	crl = crl_x509_load(s, s->cfg.ci_crl, s->ci);
	if (!crl) {
		LOGP(DMAIN, LOGL_ERROR, "ci-crl %s is no revocation list of the CI\n", s->cfg.ci_crl);
		return -EINVAL;
	}
	talloc_free(s->crl);
	s->crl = crl;
	return 0;
}

static int new_json(struct smsr *s)
{
	const struct json_srv_cfg cfg = {
		.cfg = &s->json, .cert_file = s->cfg.tls_cert, .key_file = s->cfg.tls_key, .ca_file = s->cfg.tls_ca,
		.crl_file = s->cfg.tls_crl, .reg = s->euiccs,
	};

	if (s->json.ip)
		s->json_srv = json_srv_new(s, &cfg);
	return s->json.ip && !s->json_srv ? -EIO : 0;
}

int smsr_start(struct smsr *s)
{
	if (smsr_check(s) < 0 || smsr_open(s) < 0)
		return -EINVAL;
	if (s->cfg.ci_cert) {
		s->ci = cert_x509_load(s, s->cfg.ci_cert);
		if (!s->ci || smsr_load_crl(s) < 0)
			return -EINVAL;
	}
	s->link = es_link_new(s, s->db->sql);
	s->euiccs = euiccs_new(s, s->db);
	s->euiccs->link = s->link;
	s->euiccs->default_validity_s = s->cfg.default_validity_s;
	s->euiccs->live_max = s->cfg.live_max;
	s->euiccs->wake = proc_wake;
	s->euiccs->packet_data = packet_data;
	s->euiccs->packet_data_priv = s;
	s->euiccs->addressing = smsr_addressing;
	s->euiccs->addressing_priv = s;
	if (!s->link || start_cards(s) < 0 || new_json(s) < 0)
		return -EIO;
	proc_load_open(s->euiccs);	/* locks are taken again before anybody can ask */
	if (start_link(s) < 0)
		return -EIO;
	es_link_resume(s->link);	/* unanswered requests find their procedures */
	proc_resume_all(s->euiccs);
	s->audit_bg = audit_bg_new(s->euiccs, &s->cfg.audit_bg);
	if (s->json_srv && json_srv_start(s->json_srv) < 0)
		return -EIO;
	txn_commit(s->db->sql);
	LOGP(DMAIN, LOGL_NOTICE, "osmo-smsr %s: ES on %s:%u, SCP81 on %s:%u\n", s->cfg.own_id, s->cfg.es_ip,
	     es_link_port(s->link), s->cfg.scp81_ip, card_sessions_scp81_port(s->cards));
	return 0;
}

void smsr_turn(struct smsr *s)
{
	txn_commit(s->db->sql);
	euiccs_trim(s->euiccs);
}

void smsr_stop(struct smsr *s)
{
	if (!s->db)
		return;
	txn_commit(s->db->sql);
	TALLOC_FREE(s->json_srv);
	if (s->euiccs)
		proc_shutdown(s->euiccs);
	if (s->cards)
		card_sessions_free(s->cards);
	if (s->sms)
		sms_port_free(s->sms);
	talloc_free(s->link);
	talloc_free(s->euiccs);
	s->cards = NULL;
	s->sms = NULL;
	s->link = NULL;
	s->euiccs = NULL;
	smsr_db_close(s->db);
	s->db = NULL;
}

static int read_key(const char *file, uint8_t *out, size_t size)
{
	char text[256];
	FILE *f = fopen(file, "r");
	size_t n;
	int rc;

	if (!f)
		return -errno;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	while (n && strchr("\r\n \t", text[n - 1]))
		text[--n] = '\0';
	rc = hex_dec(out, size, text);
	if (rc < 0 && (n == 16 || n == 24 || n == 32) && n <= size) {
		memcpy(out, text, n);
		rc = n;
	}
	secret_wipe(text, sizeof(text));
	return rc;
}

int smsr_import_key(struct smsr *s, const char *eum_id, const char *file)
{
	uint8_t raw[32], kcv[3];
	int n = read_key(file, raw, sizeof(raw)), rc;
	struct key *k;

	if ((n != 16 && n != 24 && n != 32) || !oid_valid(eum_id)) {
		fprintf(stderr, "%s: %s\n", n < 0 ? file : eum_id,
			n < 0 ? "no key of 16, 24 or 32 octets in it" : "not an OID, or no key");
		return -EINVAL;
	}
	rc = smsr_open(s);
	if (rc < 0)
		return rc;
	k = key_new(s, KEY_TYPE_AES, raw, n);
	secret_wipe(raw, sizeof(raw));
	key_kcv(kcv, k);
	rc = smsr_db_transport_put(s->db, eum_id, k);
	talloc_free(k);
	if (rc < 0)
		return rc;
	txn_commit(s->db->sql);
	printf("transport key of EUM %s stored, key check value %02X%02X%02X\n", eum_id, kcv[0], kcv[1], kcv[2]);
	return 0;
}

int smsr_verify_audit(struct smsr *s, const char *log)
{
	FILE *f = log ? fopen(log, "r") : NULL;
	int rc = -EIO;

	if (log && !f) {
		fprintf(stderr, "%s: %s\n", log, strerror(errno));
		return -errno;
	}
	s->ks = s->cfg.kek ? keystore_open(s, s->cfg.kek) : NULL;
	if (s->ks)
		s->db = smsr_db_open_read(s, s->cfg.database, s->ks);
	if (s->db)
		rc = smsr_db_audit_verify(s->db, f, stdout);
	if (f)
		fclose(f);
	return rc;
}

int smsr_backup(struct smsr *s, const char *copy)
{
	int rc = sqldb_backup(s->cfg.database, copy);

	if (rc == 0)
		printf("%s: copied to %s; the key-encryption key %s is not in it\n", s->cfg.database, copy, s->cfg.kek ? : "");
	return rc;
}
