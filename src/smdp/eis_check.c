/* Eligibility of an eUICC (SGP.02 3.1, off-card.md 6.3 step 5): the EIS is what its EUM signed, the ECASD
 * certificate is the EUM's and of this EID, there is room, and nothing of an earlier try is left.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <time.h>

#include <osmocom/core/utils.h>

#include "eis_check.h"

#define EIS_CHECK_FAIL(c, reason, fmt, args...) (snprintf((c)->err, sizeof((c)->err), fmt, ## args), (reason))

/* The certificate in the signature, else one of ours whose identity is the EIS's Eum-id. Trust comes from the CI
 * alone. */
static const struct cert_x509 *eis_check_eum_cert(const struct eis_check *c, const struct es_eis *eis, void *ctx)
{
	const struct cert_x509 *cert = es_dsig_cert(ctx, eis);
	char oid[OID_STR_SIZE];

	for (unsigned i = 0; !cert && i < c->n_eum; i++) {
		cert_x509_oid(c->eum[i], oid, sizeof(oid));
		if (!strcmp(oid, eis->eum_id))
			cert = c->eum[i];
	}
	return cert;
}

/* Revocation is no ground to refuse here (off-card.md 7.6, corrections 15); signature and dates are. */
static enum es_reason eis_check_eum(struct eis_check *c, const struct es_eis *eis, void *ctx,
				    const struct cert_x509 **eum)
{
	char oid[OID_STR_SIZE], *err = NULL;
	int rc;

	*eum = eis_check_eum_cert(c, eis, ctx);
	if (!*eum)
		return EIS_CHECK_FAIL(c, ES_R_EUM_CERT_INVALID, "no certificate of EUM %s", eis->eum_id);
	rc = cert_x509_verify(*eum, c->ci, c->now);
	if (rc == -ETIME)
		return EIS_CHECK_FAIL(c, ES_R_EUM_CERT_EXPIRED, "the certificate of EUM %s has expired", eis->eum_id);
	if (rc < 0)
		return EIS_CHECK_FAIL(c, ES_R_EUM_CERT_INVALID, "the certificate of EUM %s is not signed by the CI",
				      eis->eum_id);
	cert_x509_oid(*eum, oid, sizeof(oid));
	if (oid[0] && strcmp(oid, eis->eum_id))
		return EIS_CHECK_FAIL(c, ES_R_EUM_CERT_INVALID, "Eum-id %s, but the certificate is of %s", eis->eum_id,
				      oid);
	if (!eis->signed_info || !eis->signature)
		return EIS_CHECK_FAIL(c, ES_R_EUM_CERT_INVALID, "the EIS is not signed");
	if (es_dsig_verify(eis, *eum, &err, ctx) < 0)
		return EIS_CHECK_FAIL(c, ES_R_EUM_CERT_INVALID, "EUM signature: %.150s", err ? err : "wrong");
	return ES_R_NONE;
}

static const struct bytes *eis_check_ecasd_cert(const struct es_eis *eis)
{
	for (size_t i = 0; i < eis->ecasd.n_keysets; i++)
		if (eis->ecasd.keyset[i].cert)
			return eis->ecasd.keyset[i].cert;
	return NULL;
}

static enum es_reason eis_check_ecasd(struct eis_check *c, const struct es_eis *eis, const struct cert_x509 *eum)
{
	const struct bytes *der = eis_check_ecasd_cert(eis);
	time_t now = c->now;
	uint8_t eum_q[EC_POINT_LEN];
	struct cert_gp cert;
	const char *err = "";
	char today[9] = "";
	struct tm tm;
	int rc;

	if (!der)
		return EIS_CHECK_FAIL(c, ES_R_ECASD_CERT_INVALID, "no ECASD certificate in the EIS");
	if (cert_gp_dec(&cert, &err, der->data, der->len) < 0)
		return EIS_CHECK_FAIL(c, ES_R_ECASD_CERT_INVALID, "ECASD certificate: %s", err);
	if (gmtime_r(&now, &tm))
		strftime(today, sizeof(today), "%Y%m%d", &tm);
	rc = cert_x509_point(eum, eum_q);
	if (rc >= 0)
		rc = cert_gp_verify(&cert, eum_q, today);
	if (rc == -ETIME)
		return EIS_CHECK_FAIL(c, ES_R_EUM_CERT_EXPIRED, "the ECASD certificate has expired");
	if (rc < 0)
		return EIS_CHECK_FAIL(c, ES_R_ECASD_CERT_INVALID, "the ECASD certificate is not signed by the EUM");
	if (cert.subject_len != sizeof(c->eid.b) || memcmp(cert.subject, c->eid.b, sizeof(c->eid.b)))
		return EIS_CHECK_FAIL(c, ES_R_ECASD_CERT_INVALID, "the ECASD certificate is of another EID");
	if (cert.usage_len != 2 || cert.usage[0] != 0x00 || cert.usage[1] != 0x80)	/* key agreement */
		return EIS_CHECK_FAIL(c, ES_R_ECASD_CERT_INVALID, "the ECASD key is not for key agreement");
	memcpy(c->ecasd_q, cert.q, sizeof(c->ecasd_q));
	return ES_R_NONE;
}

static enum es_reason eis_check_profiles(struct eis_check *c, const struct es_eis *eis)
{
	for (size_t i = 0; i < eis->n_profiles; i++) {
		const struct es_profile_info *p = &eis->profile[i];

		if (p->state == ES_PS_CREATED && !strcmp(p->smdp_id, c->own_id))
			OSMO_STRLCPY_ARRAY(c->leftover, p->iccid);
		else if (!strcmp(p->iccid, c->iccid))
			return EIS_CHECK_FAIL(c, ES_R_ICCID_IN_USE, "this profile is on the eUICC already");
	}
	return ES_R_NONE;
}

enum es_reason eis_check(struct eis_check *c, const struct es_eis *eis)
{
	const struct cert_x509 *eum;
	void *ctx = talloc_new(NULL);
	enum es_reason r;

	c->leftover[0] = c->err[0] = '\0';
	if (memcmp(&eis->eid, &c->eid, sizeof(c->eid)))
		r = EIS_CHECK_FAIL(c, ES_R_EID_UNKNOWN, "the SM-SR answered with another EID's EIS");
	else
		r = eis_check_eum(c, eis, ctx, &eum);
	if (r == ES_R_NONE)
		r = eis_check_ecasd(c, eis, eum);
	talloc_free(ctx);
	if (r == ES_R_NONE && eis->remote_provisioning_version[0] && atoi(eis->remote_provisioning_version) < 2)
		r = EIS_CHECK_FAIL(c, ES_R_EUICC_REFUSED, "remote provisioning version %s is too old",
				   eis->remote_provisioning_version);
	if (r == ES_R_NONE)
		r = eis_check_profiles(c, eis);
	if (r == ES_R_NONE && !c->leftover[0] && eis->available_memory < c->memory)
		r = EIS_CHECK_FAIL(c, ES_R_NO_MEMORY, "%u octets wanted, %u available for profiles", c->memory,
				   eis->available_memory);
	return r;
}
