/* RegisterEIS (SGP.02 3.9, 5.2.1; off-card 4.1, 6.1; corrections 26): everything is checked before anything is stored.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/select.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "es1_srv.h"

#define SCP80_FIRST	0x01	/* keyset versions, off-card 3.3 */
#define SCP80_LAST	0x0F
#define SCP81_FIRST	0x40
#define SCP81_LAST	0x4F

struct reg_key { uint8_t kvn, kid; struct key *k; };
struct reg {
	const struct es1_trust *trust;
	const struct es_eis *eis;
	const char *caller;
	void *ctx;
	const struct cert_x509 *eum;	/* the one that counts */
	struct reg_key key[32];
	size_t n_keys;
	const char *why;		/* for a person */
	bool revoked;			/* the EUM's certificate, and that was no reason to refuse */
};

static enum es_reason no(struct reg *r, enum es_reason reason, const char *why)
{
	r->why = why;
	return reason;
}

static enum es_reason check_content(struct reg *r)
{
	const struct es_eis *e = r->eis;
	unsigned enabled = 0, fallback = 0;

	if (!e->signed_info || !e->signature)
		return no(r, ES_R_PARAM_MISSING, "EumSignedInfo or EumSignature");
	if (!eid_valid(&e->eid))
		return no(r, ES_R_PARAM_INVALID, "Eid: check digits");
	if (e->smsr_id[0] && strcmp(e->smsr_id, r->trust->own_id))
		return no(r, ES_R_EUICC_REFUSED, "Smsr-id names another SM-SR");
	if (e->n_profiles > EIS_PROFILES_MAX)
		return no(r, ES_R_PARAM_INVALID, "ProfileInfo: too many");
	for (size_t i = 0; i < e->n_profiles; i++) {
		enabled += e->profile[i].state == ES_PS_ENABLED;
		fallback += e->profile[i].fallback;
		if (!e->profile[i].iccid[0] || !e->profile[i].isdp_aid.len)
			return no(r, ES_R_PARAM_MISSING, "ProfileInfo: Iccid or Isd-p-aid");
		for (size_t j = 0; j < i; j++)
			if (!strcmp(e->profile[i].iccid, e->profile[j].iccid) ||
			    aid_eq(&e->profile[i].isdp_aid, &e->profile[j].isdp_aid))
				return no(r, ES_R_PARAM_INVALID, "ProfileInfo: twice the same");
	}
	if (enabled > 1 || fallback > 1)
		return no(r, ES_R_PARAM_INVALID, "ProfileInfo: more than one enabled or with fall-back attribute");
	return ES_R_NONE;
}

/* The certificate in the signature's KeyInfo, else the configured one; either must come from our CI. */
static enum es_reason check_eum(struct reg *r)
{
	char oid[OID_STR_SIZE], *err = NULL;
	int rc;

	r->eum = es_dsig_cert(r->ctx, r->eis);
	if (!r->eum)
		r->eum = r->trust->eum;
	if (!r->eum || !r->trust->ci)
		return no(r, ES_R_EUM_CERT_INVALID, "no EUM certificate or no CI certificate to check it with");
	rc = cert_x509_verify(r->eum, r->trust->ci, clock_now());
	if (rc == -ETIME)
		return no(r, ES_R_EUM_CERT_EXPIRED, NULL);
	if (rc < 0)
		return no(r, ES_R_EUM_CERT_INVALID, "the EUM certificate is not from our CI");
	if (r->trust->crl && crl_x509_lists(r->trust->crl, r->eum)) {
		counter_inc(CTR_ALARM_REVOKED);
		r->revoked = true;
		LOGP(DEIS, LOGL_NOTICE, "the certificate of EUM %s is revoked\n", r->caller);
		if (r->trust->revoked_refuse)
			return no(r, ES_R_EUM_CERT_INVALID, "the EUM certificate is revoked");
	}
	if (es_dsig_verify(r->eis, r->eum, &err, r->ctx) < 0)
		return no(r, ES_R_EUM_CERT_INVALID, err ? err : "EumSignature does not verify");
	cert_x509_oid(r->eum, oid, sizeof(oid));
	if (strcmp(r->eis->eum_id, r->caller) || (oid[0] && strcmp(oid, r->caller)))
		return no(r, ES_R_CALLER_NOT_ALLOWED, "Eum-id, certificate and caller differ");
	return ES_R_NONE;
}

static enum es_reason check_eid(struct reg *r)
{
	char eid[EID_STR_SIZE];

	eid_str(eid, &r->eis->eid);
	if (r->trust->eid_prefix && strncmp(eid, r->trust->eid_prefix, strlen(r->trust->eid_prefix)))
		return no(r, ES_R_EUICC_NOT_ALLOWED, "the EID is not of this EUM");
	return ES_R_NONE;
}

static const char *today(char out[9])
{
	char t[CLOCK_STR_SIZE];

	clock_str(t, clock_now());	/* 2026-11-24T... */
	snprintf(out, 9, "%.4s%.2s%.2s", t, t + 5, t + 8);
	return out;
}

static enum es_reason check_ecasd(struct reg *r)
{
	const struct es_sd *sd = &r->eis->ecasd;
	uint8_t q[EC_POINT_LEN];
	const char *err = NULL;
	struct cert_gp c;
	char date[9];
	int rc;

	for (size_t i = 0; i < sd->n_keysets; i++) {
		if (!sd->keyset[i].cert)
			continue;
		if (cert_gp_dec(&c, &err, sd->keyset[i].cert->data, sd->keyset[i].cert->len) < 0)
			return no(r, ES_R_ECASD_CERT_INVALID, err);
		if (cert_x509_point(r->eum, q) < 0)
			return no(r, ES_R_EUM_CERT_INVALID, "not a P-256 key");
		rc = cert_gp_verify(&c, q, today(date));
		if (rc < 0)
			return no(r, ES_R_ECASD_CERT_INVALID, rc == -ETIME ? "expired" : "not signed by the EUM");
		if (c.subject_len != sizeof(r->eis->eid.b) || memcmp(c.subject, r->eis->eid.b, c.subject_len))
			return no(r, ES_R_ECASD_CERT_INVALID, "made for another EID");
		return ES_R_NONE;
	}
	return no(r, ES_R_ECASD_CERT_INVALID, "CERT.ECASD.ECKA is missing");
}

static bool in_range(uint8_t v, uint8_t from, uint8_t to)
{
	return v >= from && v <= to;
}

static enum es_reason unwrap_one(struct reg *r, const struct key *kek, uint8_t kvn, const struct es_keyset_key *k)
{
	struct key *out;

	if (!k->value || !k->value->len)
		return ES_R_NONE;
	if (r->n_keys == ARRAY_SIZE(r->key))
		return no(r, ES_R_PARAM_INVALID, "Isd-r: too many keys");
	if (k->type != KEY_TYPE_AES && k->type != KEY_TYPE_DES && k->type != KEY_TYPE_PSK)
		return no(r, ES_R_EUICC_REFUSED, "Isd-r: only AES and 3DES keys and PSK are supported");
	for (size_t i = 0; i < r->n_keys; i++)
		if (r->key[i].kvn == kvn && r->key[i].kid == k->index)
			return no(r, ES_R_PARAM_INVALID, "Isd-r: twice the same key in a Keyset");
	out = (r->trust->ecb ? key_unwrap_ecb : key_unwrap)(r->ctx, kek, k->type, k->value->data, k->value->len);
	if (!out)
		return no(r, ES_R_PARAM_INVALID, "Isd-r: a key does not open under the transport key");
	r->key[r->n_keys++] = (struct reg_key){ .kvn = kvn, .kid = k->index, .k = out };
	return ES_R_NONE;
}

static bool have(const struct reg *r, uint8_t kid)
{
	for (size_t i = 0; i < r->n_keys; i++)
		if (r->key[i].kid == kid && in_range(r->key[i].kvn, SCP80_FIRST, SCP80_LAST) &&
		    key_type(r->key[i].k) != KEY_TYPE_PSK)
			return true;
	return false;
}

static enum es_reason unwrap_keys(struct reg *r, struct smsr_db *db)
{
	const struct es_sd *sd = &r->eis->isd_r;
	struct key *kek = smsr_db_transport_get(db, r->ctx, r->caller);

	if (!kek)
		return no(r, ES_R_EUICC_REFUSED, "no transport key agreed with this EUM");
	for (size_t i = 0; i < sd->n_keysets; i++) {
		const struct es_keyset *ks = &sd->keyset[i];

		for (size_t j = 0; j < i; j++)
			if (sd->keyset[j].version == ks->version)
				return no(r, ES_R_PARAM_INVALID, "Isd-r: twice the same Keyset");
		if (!in_range(ks->version, SCP80_FIRST, SCP80_LAST) && !in_range(ks->version, SCP81_FIRST, SCP81_LAST))
			continue;
		for (size_t j = 0; j < ks->n_keys; j++) {
			enum es_reason e = unwrap_one(r, kek, ks->version, &ks->key[j]);

			if (e)
				return e;
		}
	}
	if (!have(r, 1) || !have(r, 2))
		return no(r, ES_R_PARAM_MISSING, "Isd-r: an SCP80 Keyset with keys 1 and 2");
	return ES_R_NONE;
}

static enum es_reason check(struct reg *r, struct euiccs *all)
{
	enum es_reason e = check_content(r);

	if (!e)
		e = check_eum(r);
	if (!e)
		e = check_eid(r);
	if (!e)
		e = check_ecasd(r);
	if (!e && euicc_get(all, &r->eis->eid))
		e = no(r, ES_R_EID_IN_USE, NULL);
	return e ? e : unwrap_keys(r, all->db);
}

static enum es_reason store(struct reg *r, struct euiccs *all)
{
	struct eis *eis = eis_new(r->ctx, all->db, r->eis);
	const struct smsr_audit a = {
		.who = r->caller, .procedure = "register", .operation = "RegisterEIS",
		.outcome = r->revoked ? "EXECUTED_SUCCESS (revoked EUM certificate)" : "EXECUTED_SUCCESS",
	};

	int rc;

	OSMO_STRLCPY_ARRAY(eis->reg->smsr_id, r->trust->own_id);
	rc = eis_register(eis);
	for (size_t i = 0; rc >= 0 && i < r->n_keys; i++)
		rc = smsr_db_key_put(all->db, &r->eis->eid, r->key[i].kvn, r->key[i].kid, r->key[i].k);
	if (rc >= 0 && r->eis->n_props)
		rc = smsr_db_props_put(all->db, &r->eis->eid, r->eis->props, r->eis->n_props);
	if (rc < 0) {	/* refused means that nothing of it stays */
		smsr_db_eis_delete(all->db, &r->eis->eid);
		return no(r, ES_R_INTERNAL, "cannot be stored");
	}
	smsr_db_audit(all->db, &r->eis->eid, &a);
	return ES_R_NONE;
}

/* Off-card 4.1: of its own eUICCs only; replaces what was there. */
static void update_properties(struct euiccs *reg, struct es_req *req)
{
	const struct es_body *b = &es_req_msg(req)->b;
	const struct smsr_audit a = {
		.who = es_req_party(req)->id, .procedure = "properties", .operation = "UpdateEISAdditionalProperties",
		.outcome = "EXECUTED_SUCCESS",
	};
	struct euicc *e = euicc_get(reg, &b->eid);
	char eid[EID_STR_SIZE];

	eid_str(eid, &b->eid);
	if (!e) {
		es_req_respond_err(req, ES_R_EID_UNKNOWN, eid, NULL);
	} else if (strcmp(e->eis->fix.eum_id, a.who)) {
		es_req_respond_err(req, ES_R_EUICC_NOT_ALLOWED, eid, NULL);
	} else if (smsr_db_props_put(reg->db, &b->eid, b->props, b->n_props) < 0) {
		es_req_respond_err(req, ES_R_INTERNAL, eid, NULL);
	} else {
		smsr_db_audit(reg->db, &b->eid, &a);
		es_req_respond(req, es_req_response(req, ES_EXECUTED_SUCCESS, ES_R_NONE, NULL, NULL));
	}
}

void es1_srv_handle(struct euiccs *reg, const struct es1_trust *trust, struct es_req *req)
{
	const struct es_msg *m = es_req_msg(req);
	struct reg r = { .trust = trust, .eis = m->b.eis, .caller = es_req_party(req)->id };
	char eid[EID_STR_SIZE] = "";
	enum es_reason e;

	if (m->func == ES_FN_UPDATE_EIS_PROPERTIES) {
		update_properties(reg, req);
		return;
	}
	if (m->func != ES_FN_REGISTER_EIS || !m->b.eis) {
		es_req_respond_err(req, m->b.eis ? ES_R_UNSUPPORTED : ES_R_PARAM_MISSING, NULL,
				   m->b.eis ? NULL : "Eis");
		return;
	}
	r.ctx = talloc_new(reg);
	eid_str(eid, &m->b.eis->eid);
	e = check(&r, reg);
	if (!e)
		e = store(&r, reg);
	if (e) {
		LOGP(DEIS, LOGL_NOTICE, "register EID-%s: asked by %s: refused, %s%s%s\n", eid, r.caller,
		     es_reason_text(e), r.why ? ": " : "", r.why ? r.why : "");
		es_req_respond_err(req, e, eid, r.why);
	} else {
		es_req_respond(req, es_req_response(req, ES_EXECUTED_SUCCESS, ES_R_NONE, NULL, NULL));
	}
	talloc_free(r.ctx);	/* wipes the keys */
}
