/* Issuing X.509 certificates for the tools' private CI: profile points of SGP.14 as SGP.02 2.3.2 uses them.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <openssl/bn.h>
#include <openssl/x509v3.h>
#include <osmocom/rsp/util/ids.h>
#include "priv.h"

static int set_serial(X509 *x)
{
	uint8_t b[16];
	BIGNUM *bn;
	int ok;

	rand_bytes(b, sizeof(b));
	b[0] = (b[0] & 0x7F) | 0x40;	/* positive, always 16 octets */
	bn = BN_bin2bn(b, sizeof(b), NULL);
	ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
	BN_free(bn);
	return ok;
}

static int add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX c;
	int ok;

	X509V3_set_ctx_nodb(&c);
	X509V3_set_ctx(&c, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &c, nid, value);
	ok = e && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

/* An iPAddress for an address literal, else a dNSName: TLS clients look for the one that fits. */
static GENERAL_NAME *host_name(const char *host)
{
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(host);
	GENERAL_NAME *n = GENERAL_NAME_new();

	if (!ip) {
		ip = ASN1_IA5STRING_new();
		if (ip && !ASN1_STRING_set(ip, host, strlen(host))) {
			ASN1_STRING_free(ip);
			ip = NULL;
		}
	}
	if (n && ip) {
		GENERAL_NAME_set0_value(n, ip->type == V_ASN1_IA5STRING ? GEN_DNS : GEN_IPADD, ip);
		return n;
	}
	ASN1_STRING_free(ip);
	GENERAL_NAME_free(n);
	return NULL;
}

/* Built from the name types, never as configuration text: the arguments may contain a comma. */
static int add_alt_name(X509 *x, const char *oid, const char *dns)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *n;
	int ok = names != NULL;

	if (ok && oid) {
		n = GENERAL_NAME_new();
		ok = n && (n->d.rid = OBJ_txt2obj(oid, 1)) != NULL;
		if (ok)
			n->type = GEN_RID;
		if (!ok || !sk_GENERAL_NAME_push(names, n))
			GENERAL_NAME_free(n), ok = 0;
	}
	if (ok && dns) {
		n = host_name(dns);
		ok = n && sk_GENERAL_NAME_push(names, n) > 0;
		if (!ok)
			GENERAL_NAME_free(n);
	}
	ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
	GENERAL_NAMES_free(names);
	return ok;
}

static int add_exts(X509 *x, X509 *issuer, enum cert_x509_kind kind, const char *oid, const char *dns)
{
	const char *constraints = kind == CERT_X509_CI ? "critical,CA:TRUE" :
				  kind == CERT_X509_EUM ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE";
	const char *usage = kind == CERT_X509_CI ? "critical,keyCertSign,cRLSign" :
			    kind == CERT_X509_EUM ? "critical,digitalSignature,keyCertSign" : "critical,digitalSignature";

	return add_ext(x, issuer, NID_basic_constraints, constraints) && add_ext(x, issuer, NID_key_usage, usage) &&
	       add_ext(x, issuer, NID_subject_key_identifier, "hash") &&
	       add_ext(x, issuer, NID_authority_key_identifier, "keyid:always") &&
	       (kind != CERT_X509_TLS || add_ext(x, issuer, NID_ext_key_usage, "serverAuth,clientAuth")) &&
	       ((!oid && !dns) || add_alt_name(x, oid, dns));
}

static int fill(X509 *x, X509 *issuer, const char *cn, const struct ec_key *subject, unsigned days)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_set_version(x, 2) == 1 && set_serial(x) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)cn, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 &&
	       X509_time_adj_ex(X509_getm_notBefore(x), 0, -60, NULL) &&	/* peers' clocks differ */
	       X509_time_adj_ex(X509_getm_notAfter(x), days, 0, NULL) && X509_set_pubkey(x, subject->pkey) == 1;
}

struct cert_x509 *cert_x509_issue(void *ctx, enum cert_x509_kind kind, const char *cn, const char *oid, const char *dns,
				  const struct ec_key *subject, const struct cert_x509 *issuer, const struct ec_key *issuer_key,
				  unsigned days)
{
	X509 *x = X509_new(), *from = issuer ? issuer->x : x;
	struct cert_x509 *c = NULL;
	struct bytes *der;
	uint8_t *p = NULL;
	int len;

	if (x && (!oid || oid_valid(oid)) && days <= 36500 && fill(x, from, cn, subject, days) &&
	    add_exts(x, from, kind, oid, dns) && X509_sign(x, issuer_key->pkey, EVP_sha256()) > 0) {
		/* read back what was written, so that cached extension flags are those of the certificate */
		len = i2d_X509(x, &p);
		der = len > 0 ? bytes_dup(NULL, p, len) : NULL;
		c = der ? cert_x509_from_der(ctx, der->data, der->len) : NULL;
		talloc_free(der);
		OPENSSL_free(p);
	}
	X509_free(x);
	return c;
}
