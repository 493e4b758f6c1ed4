/* EumSignature over EumSignedInfo (SGP.02 5.1.1, off-card.md 7.5, corrections 16). Verified with xmlsec on a document
 * of our own: a root holding the canonical EumSignedInfo and the signature as received, under the name ds:Signature.
 * SignedInfo is not touched; what a Reference resolves to is always EumSignedInfo, whatever its URI. Signed by hand:
 * the private key stays in crypto/.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/errors.h>
#include <xmlsec/xmltree.h>
#include <xmlsec/transforms.h>
#include <xmlsec/crypto.h>
#include <openssl/evp.h>
#include <talloc.h>
#include <osmocom/rsp/crypto/cert.h>
#include <osmocom/rsp/es/es_msg.h>

#include "es_dsig.h"
#include "es_xml.h"

#define ALG_EXC_C14N "http://www.w3.org/2001/10/xml-exc-c14n#"
#define ALG_SHA256 "http://www.w3.org/2001/04/xmlenc#sha256"
#define ALG_ECDSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"

/* The document xmlsec works on. */
struct own_doc {
	xmlDoc *doc;
	xmlNode *info;		/* EumSignedInfo */
	xmlNode *sig;		/* ds:Signature */
};

static int own_doc_destroy(struct own_doc *o)
{
	xmlFreeDoc(o->doc);
	return 0;
}

/* The library's own initialisation, once per process; it keeps its count itself. */
static int dsig_library(void)
{
	static int state;

	if (state)
		return state > 0 ? 0 : -EIO;
	state = -1;
	if (xmlSecInit() < 0 || xmlSecCryptoAppInit(NULL) < 0 || xmlSecCryptoInit() < 0)
		return -EIO;
	xmlSecErrorsSetCallback(NULL);	/* it would write to stderr */
	state = 1;
	return 0;
}

/* A copy of the root of text hung below our root. */
static xmlNode *own_doc_add(struct own_doc *o, const struct bytes *text)
{
	char *err = NULL;
	struct es_xml *x = es_xml_parse(o, &err, text->data, text->len, false);
	xmlNode *n = NULL;

	talloc_free(err);
	if (!x)
		return NULL;
	n = xmlDocCopyNode(xmlDocGetRootElement(es_xml_doc(x)), o->doc, 1);
	if (n)
		xmlAddChild(xmlDocGetRootElement(o->doc), n);
	talloc_free(x);
	return n;
}

static xmlNode *child(const xmlNode *n, const char *name)
{
	const xmlNode *c = n ? es_xml_first(n) : NULL;

	while (c && (strcmp(es_xml_name(c), name) || !es_xml_in(c, NS_DS)))
		c = es_xml_next(c);
	return (xmlNode *)c;
}

static struct own_doc *own_doc_new(void *ctx, const struct es_eis *eis)
{
	struct own_doc *o;
	xmlNode *first;

	if (!eis->signed_info || !eis->signature || dsig_library() < 0)
		return NULL;
	o = talloc_zero(ctx, struct own_doc);
	o->doc = xmlNewDoc((const xmlChar *)"1.0");
	xmlDocSetRootElement(o->doc, xmlNewDocNode(o->doc, NULL, (const xmlChar *)"own", NULL));
	talloc_set_destructor(o, own_doc_destroy);
	o->info = own_doc_add(o, eis->signed_info);
	o->sig = own_doc_add(o, eis->signature);
	first = o->sig ? child(o->sig, "SignedInfo") : NULL;
	if (!o->info || strcmp(es_xml_name(o->info), "EumSignedInfo") || !first) {
		talloc_free(o);
		return NULL;
	}
	/* rps:EumSignature becomes ds:Signature. Its namespace is borrowed from SignedInfo: a declaration of its own
	 * would be in scope of SignedInfo, where inclusive C14N would see it. */
	xmlNodeSetName(o->sig, (const xmlChar *)"Signature");
	o->sig->ns = first->ns;
	return o;
}

/* One Reference: without URI, with an empty one, or with the Id of EumSignedInfo. Nothing else can be meant. */
static const char *reference_check(struct own_doc *o)
{
	const xmlNode *info = child(o->sig, "SignedInfo"), *ref = child(info, "Reference"), *n;
	char *uri, *id;
	bool ok;

	if (!ref)
		return "SignedInfo/Reference missing";
	for (n = es_xml_next(ref); n; n = es_xml_next(n))
		if (!strcmp(es_xml_name(n), "Reference"))
			return "more than one Reference";
	uri = es_xml_attr(o, ref, "URI");
	if (!uri || !*uri)
		return NULL;
	id = es_xml_attr(o, o->info, "Id");
	ok = id && *uri == '#' && !strcmp(uri + 1, id);
	if (ok)
		for (xmlAttr *a = o->info->properties; a; a = a->next)
			if (!strcasecmp((const char *)a->name, "Id"))
				xmlAddID(NULL, o->doc, (const xmlChar *)id, a);
	return ok ? NULL : "Reference URI does not name EumSignedInfo";
}

/* Whatever the URI selected, what is digested is the first child of our root: EumSignedInfo. */
static int narrow_to_info(xmlSecTransformCtx *tc)
{
	xmlSecDSigReferenceCtx *ref = (void *)((uint8_t *)tc - offsetof(xmlSecDSigReferenceCtx, transformCtx));
	xmlSecTransform *t = xmlSecTransformCtxCreateAndPrepend(tc, xmlSecTransformXPointerId);

	if (!t)
		return -1;
	return xmlSecTransformXPointerSetExpr(t, (const xmlChar *)"xpointer(/*/*[1])", xmlSecNodeSetTreeWithoutComments,
					      ref->dsigCtx->userData);
}

static int allow(xmlSecDSigCtx *dc)
{
	const xmlSecTransformId ref[] = {
		xmlSecTransformExclC14NId, xmlSecTransformExclC14NWithCommentsId, xmlSecTransformInclC14NId,
		xmlSecTransformInclC14NWithCommentsId, xmlSecTransformEnvelopedId, xmlSecTransformXPointerId,
		xmlSecTransformSha256Id, xmlSecTransformSha384Id, xmlSecTransformSha512Id,
	};
	const xmlSecTransformId sig[] = {
		xmlSecTransformExclC14NId, xmlSecTransformExclC14NWithCommentsId, xmlSecTransformInclC14NId,
		xmlSecTransformInclC14NWithCommentsId, xmlSecTransformEcdsaSha256Id, xmlSecTransformRsaSha256Id,
	};

	for (size_t i = 0; i < sizeof(ref) / sizeof(ref[0]); i++)
		if (xmlSecDSigCtxEnableReferenceTransform(dc, ref[i]) < 0)
			return -1;
	for (size_t i = 0; i < sizeof(sig) / sizeof(sig[0]); i++)
		if (xmlSecDSigCtxEnableSignatureTransform(dc, sig[i]) < 0)
			return -1;
	return 0;
}

/* The given certificate's key and no other: KeyInfo is not consulted. */
static xmlSecKey *cert_key(const struct cert_x509 *cert)
{
	struct bytes *der = cert_x509_der(NULL, cert);
	xmlSecKey *key = NULL;

	if (der)
		key = xmlSecCryptoAppKeyLoadMemory(der->data, der->len, xmlSecKeyDataFormatCertDer, NULL, NULL, NULL);
	talloc_free(der);
	return key;
}

static const char *verify_own_doc(struct own_doc *o, const struct cert_x509 *cert)
{
	xmlSecDSigCtx *dc = xmlSecDSigCtxCreate(NULL);
	const char *why = NULL;

	if (!dc)
		return "no memory";
	dc->userData = o->sig;
	dc->enabledReferenceUris = xmlSecTransformUriTypeEmpty | xmlSecTransformUriTypeSameDocument;
	dc->referencePreExecuteCallback = narrow_to_info;
	dc->signKey = cert_key(cert);
	if (!dc->signKey)
		why = "EUM certificate has no usable key";
	else if (allow(dc) < 0 || xmlSecDSigCtxVerify(dc, o->sig) < 0)
		why = "signature cannot be processed";
	else if (dc->status != xmlSecDSigStatusSucceeded)
		why = "signature is wrong";
	else if (xmlSecPtrListGetSize(&dc->signedInfoReferences) != 1)
		why = "not exactly one Reference";
	xmlSecDSigCtxDestroy(dc);
	return why;
}

int es_dsig_verify(const struct es_eis *eis, const struct cert_x509 *eum_cert, char **err, void *ctx)
{
	struct own_doc *o = own_doc_new(ctx, eis);
	struct es_xml_hush hush;
	const char *why;

	es_xml_hush(&hush);
	if (!o)
		why = "EumSignedInfo or EumSignature missing or malformed";
	else
		why = reference_check(o);
	if (!why)
		why = verify_own_doc(o, eum_cert);
	es_xml_unhush(&hush);
	talloc_free(o);
	if (!why)
		return 0;
	if (err)
		*err = talloc_asprintf(ctx, "Eis/EumSignature: %s", why);
	return -EBADMSG;
}

/* ---- KeyInfo ---- */

struct bytes *es_base64_dec(void *ctx, const char *text)
{
	char *clean = talloc_strdup(ctx, text), *w = clean;
	size_t len;
	struct bytes *out = NULL;
	uint8_t *raw;
	int n;

	for (const char *r = text; *r; r++)
		if (!strchr(" \t\r\n", *r))
			*w++ = *r;
	*w = 0;
	len = w - clean;
	raw = talloc_size(ctx, len / 4 * 3 + 1);
	n = len && len % 4 == 0 ? EVP_DecodeBlock(raw, (uint8_t *)clean, len) : -1;
	if (n > 2) {
		n -= clean[len - 1] == '=';
		n -= clean[len - 2] == '=';
		out = bytes_dup(ctx, raw, n);
	}
	talloc_free(raw);
	talloc_free(clean);
	return out;
}

struct cert_x509 *es_dsig_cert(void *ctx, const struct es_eis *eis)
{
	struct own_doc *o = own_doc_new(ctx, eis);
	xmlNode *n = o ? child(child(child(o->sig, "KeyInfo"), "X509Data"), "X509Certificate") : NULL;
	char *text = n ? es_xml_text(o, n) : NULL;
	struct bytes *der = text ? es_base64_dec(o, text) : NULL;
	struct cert_x509 *cert = der ? cert_x509_from_der(ctx, der->data, der->len) : NULL;

	talloc_free(o);
	return cert;
}

/* ---- signing ---- */

char *es_base64_enc(void *ctx, const uint8_t *in, size_t len)
{
	char *out = talloc_size(ctx, (len + 2) / 3 * 4 + 1);

	EVP_EncodeBlock((uint8_t *)out, in, len);
	return out;
}

/* SignedInfo in its exclusive-canonical form; as it stands in the signature and as it is signed. */
static char *signed_info_text(void *ctx, const struct bytes *info)
{
	struct iov iov = { info->data, info->len };
	uint8_t digest[32];

	if (sha256(&iov, 1, digest) < 0)
		return NULL;
	return talloc_asprintf(ctx,
			       "<ds:SignedInfo xmlns:ds=\"" NS_DS "\">"
			       "<ds:CanonicalizationMethod Algorithm=\"" ALG_EXC_C14N "\"></ds:CanonicalizationMethod>"
			       "<ds:SignatureMethod Algorithm=\"" ALG_ECDSA_SHA256 "\"></ds:SignatureMethod>"
			       "<ds:Reference><ds:Transforms><ds:Transform Algorithm=\"" ALG_EXC_C14N
			       "\"></ds:Transform></ds:Transforms>"
			       "<ds:DigestMethod Algorithm=\"" ALG_SHA256 "\"></ds:DigestMethod>"
			       "<ds:DigestValue>%s</ds:DigestValue></ds:Reference></ds:SignedInfo>",
			       es_base64_enc(ctx, digest, 32));
}

static char *key_info_text(void *ctx, const struct cert_x509 *cert)
{
	struct bytes *der = cert_x509_der(ctx, cert);
	char *ski_text = talloc_strdup(ctx, "");
	uint8_t ski[20];

	if (!der)
		return NULL;
	if (cert_x509_ski(cert, ski) == 0)
		ski_text = talloc_asprintf(ctx, "<ds:X509SKI>%s</ds:X509SKI>", es_base64_enc(ctx, ski, sizeof(ski)));
	return talloc_asprintf(ctx,
			       "<ds:KeyInfo xmlns:ds=\"" NS_DS
			       "\"><ds:X509Data>%s<ds:X509Certificate>%s</ds:X509Certificate>"
			       "</ds:X509Data></ds:KeyInfo>",
			       ski_text, es_base64_enc(ctx, der->data, der->len));
}

int es_dsig_sign(struct es_eis *eis, const struct ec_key *eum, const struct cert_x509 *eum_cert)
{
	struct bytes *info = es_eis_signed_part(eis, eis);
	void *tmp = talloc_new(eis);
	char *signed_text = info ? signed_info_text(tmp, info) : NULL;
	char *key_text = key_info_text(tmp, eum_cert), *text;
	uint8_t sig[EC_SIG_LEN];
	struct iov iov = { signed_text, signed_text ? strlen(signed_text) : 0 };

	if (!signed_text || !key_text || ec_sign(eum, &iov, 1, sig) < 0) {
		talloc_free(info);
		talloc_free(tmp);
		return -EIO;
	}
	text = talloc_asprintf(tmp,
			       "<rps:EumSignature xmlns:rps=\"" NS_RPS "\">%s<ds:SignatureValue xmlns:ds=\"" NS_DS
			       "\">%s"
			       "</ds:SignatureValue>%s</rps:EumSignature>",
			       signed_text, es_base64_enc(tmp, sig, sizeof(sig)), key_text);
	talloc_free(eis->signed_info);
	talloc_free(eis->signature);
	eis->signed_info = info;
	eis->signature = bytes_dup(eis, text, strlen(text));
	talloc_free(tmp);
	return 0;
}
