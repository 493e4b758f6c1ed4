/* GlobalPlatform TLV certificates (7F21, SGP.02 tables 77/78, GP Amd E) and the X.509 side of the tree.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/crypto/key.h>

enum cert_role { CERT_ROLE_DP = 1, CERT_ROLE_SR = 2, CERT_ROLE_ECASD = 0 };

struct cert_gp {
	uint8_t serial[16]; size_t serial_len;		/* 93 */
	uint8_t ca_id[16]; size_t ca_id_len;		/* 42 */
	uint8_t subject[16]; size_t subject_len;	/* 5F20: EID for ECASD */
	uint8_t usage[2]; size_t usage_len;		/* 95 */
	char effective[9], expiry[9];			/* 5F25 (may be empty), 5F24: YYYYMMDD */
	int role;					/* C8 in 73, -1 when absent */
	uint8_t aki[20]; bool has_aki;			/* C9 in 73 */
	uint8_t q[EC_POINT_LEN];			/* 7F49 B0 */
	uint8_t sig[EC_SIG_LEN];			/* 5F37 */
	const uint8_t *tbs; size_t tbs_len;		/* 93 .. 7F49 as received, inside the input */
};

/* in: complete 7F21 TLV. *err names what is wrong (static text). */
int cert_gp_dec(struct cert_gp *c, const char **err, const uint8_t *in, size_t len);
/* Encodes and signs: writes the complete 7F21. c->tbs and c->sig are ignored. */
int cert_gp_issue(struct bytes *out, const struct cert_gp *c, const struct ec_key *issuer);
/* Signature by issuer point; and, when today ("YYYYMMDD", NULL = not checked) is given, the dates: -ETIME expired. */
int cert_gp_verify(const struct cert_gp *c, const uint8_t issuer_q[EC_POINT_LEN], const char *today);

/* X.509 */
struct cert_x509;	/* talloc object */
struct cert_x509 *cert_x509_load(void *ctx, const char *pem_path);
struct cert_x509 *cert_x509_from_der(void *ctx, const uint8_t *der, size_t len);
int cert_x509_point(const struct cert_x509 *c, uint8_t q[EC_POINT_LEN]);
int cert_x509_ski(const struct cert_x509 *c, uint8_t ski[20]);
/* OID of the entity: registeredID in the subjectAltName, else empty string. */
void cert_x509_oid(const struct cert_x509 *c, char *out, size_t out_size);
/* Signed by issuer, issuer is a CA, dates hold at UTC seconds now (< 0: not checked): 0, -EBADMSG, -ETIME, -EPERM. */
int cert_x509_verify(const struct cert_x509 *c, const struct cert_x509 *issuer, int64_t now);
/* A revocation list in PEM, which must be issuer's own; NULL: it is not, or cannot be read. */
struct crl_x509;
struct crl_x509 *crl_x509_load(void *ctx, const char *pem_path, const struct cert_x509 *issuer);
bool crl_x509_lists(const struct crl_x509 *l, const struct cert_x509 *c);
struct bytes *cert_x509_der(void *ctx, const struct cert_x509 *c);

/* Issue (osmo-rsp-ca). oid NULL: none. dns NULL: none. days of validity from now. Writes PEM. */
enum cert_x509_kind { CERT_X509_CI, CERT_X509_EUM, CERT_X509_TLS };
struct cert_x509 *cert_x509_issue(void *ctx, enum cert_x509_kind kind, const char *cn, const char *oid, const char *dns,
				  const struct ec_key *subject, const struct cert_x509 *issuer, const struct ec_key *issuer_key,
				  unsigned days);
int cert_x509_write(const struct cert_x509 *c, const char *pem_path);
int ec_write_pem(const struct ec_key *k, const char *pem_path);	/* mode 0400 */
