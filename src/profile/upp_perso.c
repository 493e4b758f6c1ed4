/* Personalisation of a package (digest 9): a tree, leaves replaced in every instance of a point, lengths mended. A
 * point that is asked for and missing refuses the package: never a card with somebody's identity half changed.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/util/ids.h>

#include "upp_content.h"
#include "upp_perso_priv.h"

int perso_put(struct der *parent, uint32_t tag, const void *v, size_t len)
{
	struct der *at = der_child(parent, tag);

	if (at)
		return der_set(at, v, len);
	for (at = der_first(parent); at && (at->tag & 0x1F) < (tag & 0x1F); at = at->next)
		;
	return der_insert(parent, at, tag, v, len) ? 0 : -ENOMEM;
}

/* Files ------------------------------------------------------------ */

int perso_file(struct perso *s, struct der **file, struct upp_file_shape *shape, struct bytes **body, struct der *pe,
	       uint32_t tag)
{
	const struct upp_template *t = upp_template(pe->tag);
	const struct upp_file_def *def = t ? upp_template_file(t, tag) : NULL;
	struct bytes *enc;

	*file = der_child(pe, tag);
	enc = *file ? bytes_new(s->root, 0) : NULL;
	if (!enc)
		return -ENOENT;
	bytes_secret(enc);
	for (struct der *c = der_first(*file); c; c = c->next)
		der_write(enc, c);
	*body = upp_file_body(s->root, shape, def, enc->data, enc->len);
	talloc_free(enc);
	if (!*body || !(*body)->len)
		return -ENOENT;
	bytes_secret(*body);
	return 0;
}

int perso_file_set(struct der *file, const void *v, size_t len)
{
	struct der *c, *next;

	for (c = der_first(file); c; c = next) {
		next = c->next;
		if (c->tag == 0x82 || c->tag == 0x83)
			der_remove(c);
	}
	return der_add(file, 0x83, v, len) ? 0 : -ENOMEM;
}

/* A transparent file that is too small for a name or key grows: efFileSize stands behind 8B in the Fcp (rule 3). */
static int perso_file_grow(struct perso *s, struct der *file, struct bytes **body, const struct upp_content *c,
			   const char *v)
{
	struct der *fcp = der_child(file, 0xA1), *n = der_child(fcp, 0x80);
	uint8_t big[UPP_CONTENT_FILE_MAX], size[2];
	size_t len = sizeof(big);

	if (!fcp)
		return -ENOSPC;
	memset(big, 0xFF, len);
	if (c->enc(big, len, v, s->err) < 0)
		return -EINVAL;
	while (len > 1 && big[len - 1] == 0xFF)
		len--;
	size[0] = len >> 8;
	size[1] = len;
	if (n && der_set(n, size + (len < 256), len < 256 ? 1 : 2) < 0)
		return -ENOMEM;
	for (n = n ? NULL : der_first(fcp); n && n->tag != 0xC6 && n->tag != 0x88 && n->tag != 0xA5; n = n->next)
		;
	if (!der_child(fcp, 0x80) && !der_insert(fcp, n, 0x80, size + (len < 256), len < 256 ? 1 : 2))
		return -ENOMEM;
	talloc_free(*body);
	*body = bytes_dup(s->root, big, len);
	return *body ? 0 : -ENOMEM;
}

struct point {
	uint32_t pe, tag;
	const char *word;	/* upp_content.h */
	const char *missing, *too_long;
};
#define POINT(pe, tag, word, name, ef) \
	{ pe, tag, word, name ": no " ef " in the package", name ": longer than its file or record" }

/* Record 1 of record files, or one record for each item of a list. */
static int perso_typed_file(struct perso *s, const struct point *pt, struct der *pe, const char *v, bool list)
{
	const struct upp_content *c = upp_content(pt->word);
	struct upp_file_shape shape;
	char item[256];
	struct bytes *body;
	struct der *file;
	size_t at = 0;
	int rc;

	if (perso_file(s, &file, &shape, &body, pe, pt->tag) < 0)
		return perso_fail(s, pt->missing);
	if (!list) {
		rc = c->enc(body->data, shape.rec_len ? shape.rec_len : shape.size, v, s->err);
		if (rc == -ENOSPC && c->grows && !shape.rec_len)
			rc = perso_file_grow(s, file, &body, c, v);
		if (rc == -ENOSPC)
			return perso_fail(s, pt->too_long);
		if (rc < 0)
			return -EINVAL;
	}
	for (; list && upp_content_item(item, sizeof(item), &v); at += shape.rec_len) {
		if (!shape.rec_len || at + shape.rec_len > shape.size)
			return perso_fail(s, "impu: more values than records");
		rc = c->enc(body->data + at, shape.rec_len, item, s->err);
		if (rc < 0)
			return rc == -ENOSPC ? perso_fail(s, pt->too_long) : -EINVAL;
	}
	if (list)	/* nothing of another subscriber behind them */
		memset(body->data + at, 0xFF, body->len - at);
	if (perso_file_set(file, body->data, body->len) < 0)
		return perso_fail(s, "out of memory");
	talloc_free(body);
	return 0;
}

static int perso_typed(struct perso *s, const struct point *pt, const char *v, bool list)
{
	struct der *pe = der_child(s->root, pt->pe);

	if (!pe)
		return perso_fail(s, pt->missing);
	for (; pe; pe = der_again(pe)) {
		if (perso_typed_file(s, pt, pe, v, list) < 0)
			return -EINVAL;
	}
	return 0;
}

/* Identity ------------------------------------------------------------ */

static int perso_iccid(struct perso *s)
{
	static const struct point ef = POINT(UPP_PE_MF, 0xA4, "iccid", "iccid", "EF.ICCID");
	struct der *leaf = der_path(s->root, UPP_PE_HEADER, 0x83, 0);
	char iccid[ICCID_STR_SIZE];
	uint8_t bcd[10];

	if (iccid_from_str(iccid, s->p->iccid) < 0)
		return perso_fail(s, "iccid: not 19 or 20 digits");
	iccid_to_bcd(bcd, iccid);
	if (!leaf || der_set(leaf, bcd, sizeof(bcd)) < 0)
		return perso_fail(s, "iccid: not in the header");
	return perso_typed(s, &ef, iccid, false);
}

/* EF.IMSI; EF.ACC has one bit, the last digit (TS 22.011 4.2), unless something else is said. */
static int perso_imsi(struct perso *s)
{
	static const struct point imsi = POINT(UPP_PE_USIM, 0xA3, "imsi", "imsi", "EF.IMSI");
	static const struct point acc = POINT(UPP_PE_USIM, 0xB2, "acc", "acc", "EF.ACC");
	const struct upp_perso *p = s->p;
	char last[2] = { 0 };

	if (p->imsi && perso_typed(s, &imsi, p->imsi, false) < 0)
		return -EINVAL;
	if (p->imsi)
		last[0] = p->imsi[strlen(p->imsi) - 1];
	return p->acc || p->imsi ? perso_typed(s, &acc, p->acc ? p->acc : last, false) : 0;
}

/* "auto" (TS 23.003 13.2 to 13.4): ims.mncMMM.mccCCC.3gppnetwork.org, with scheme and IMSI before it. */
static const char *perso_ims_auto(struct perso *s, char out[128], const char *v, const char *scheme, bool user)
{
	const char *imsi = s->p->imsi;
	unsigned mnc = s->p->mnc_len;

	if (strcmp(v, "auto"))
		return v;
	if (!imsi || (mnc != 2 && mnc != 3)) {
		*s->err = "impi, impu, domain: auto needs imsi and mnc_len";
		return NULL;
	}
	snprintf(out, 128, "%s%s%sims.mnc%s%.*s.mcc%.3s.3gppnetwork.org", scheme, user ? imsi : "", user ? "@" : "",
		 mnc == 2 ? "0" : "", (int)mnc, imsi + 3, imsi);
	return out;
}

static int perso_ims(struct perso *s)
{
	static const struct point impi = POINT(UPP_PE_ISIM, 0xA3, "nai", "impi", "EF.IMPI");
	static const struct point impu = POINT(UPP_PE_ISIM, 0xA4, "nai", "impu", "EF.IMPU");
	static const struct point domain = POINT(UPP_PE_ISIM, 0xA5, "nai", "domain", "EF.DOMAIN");
	const struct upp_perso *p = s->p;
	const char *v;
	char buf[128];

	if (p->impi) {
		v = perso_ims_auto(s, buf, p->impi, "", true);
		if (!v || perso_typed(s, &impi, v, false) < 0)
			return -EINVAL;
	}
	if (p->impu) {
		v = perso_ims_auto(s, buf, p->impu, "sip:", true);
		if (!v || perso_typed(s, &impu, v, true) < 0)
			return -EINVAL;
	}
	if (p->domain) {
		v = perso_ims_auto(s, buf, p->domain, "", false);
		if (!v || perso_typed(s, &domain, v, false) < 0)
			return -EINVAL;
	}
	return 0;
}

static int perso_numbers(struct perso *s)
{
	static const struct point msisdn = POINT(UPP_PE_OPT_USIM, 0xA7, "msisdn", "msisdn", "EF.MSISDN");
	static const struct point spn = POINT(UPP_PE_USIM, 0xAD, "spn", "spn", "EF.SPN");
	static const struct point ad = POINT(UPP_PE_USIM, 0xB5, "mnc", "mnc_len", "EF.AD");
	const struct upp_perso *p = s->p;
	const char mnc[2] = { '0' + p->mnc_len % 10, '\0' };

	if (p->msisdn && perso_typed(s, &msisdn, p->msisdn, false) < 0)
		return -EINVAL;
	if (p->spn && perso_typed(s, &spn, p->spn, false) < 0)
		return -EINVAL;
	return p->mnc_len ? perso_typed(s, &ad, mnc, false) : 0;
}

static int perso_networks(struct perso *s)
{
	const struct upp_perso *p = s->p;
	const struct {
		struct point pt;
		const char *v;
	} lists[] = {
		{ POINT(UPP_PE_USIM, 0xB3, "plmn", "fplmn", "EF.FPLMN"), p->fplmn },
		{ POINT(UPP_PE_OPT_USIM, 0xBF3A, "plmn", "ehplmn", "EF.EHPLMN"), p->ehplmn },
		{ POINT(UPP_PE_OPT_USIM, 0xB1, "plmnact", "hplmnwact", "EF.HPLMNwAcT"), p->hplmnwact },
		{ POINT(UPP_PE_OPT_USIM, 0xB0, "plmnact", "oplmnwact", "EF.OPLMNwAcT"), p->oplmnwact },
		{ POINT(UPP_PE_OPT_USIM, 0xAF, "plmnact", "plmnwact", "EF.PLMNwAcT"), p->plmnwact },
		{ POINT(UPP_PE_DF_5GS, 0xAC, "routing", "routing", "EF.Routing_Indicator"), p->routing },
	};

	for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (lists[i].v && perso_typed(s, &lists[i].pt, lists[i].v, false) < 0)
			return -EINVAL;
	}
	return 0;
}

/* The terminal's copy and the USIM's, whichever there are (TS 31.102 4.4.11.8, 5.3.48). */
static int perso_suci(struct perso *s)
{
	static const struct point places[] = {
		POINT(UPP_PE_DF_5GS, 0xA9, "suci", "suci", "EF.SUCI_Calc_Info"),
		POINT(UPP_PE_DF_SAIP, 0xA3, "suci", "suci", "EF.SUCI_Calc_Info"),
	};
	unsigned found = 0;

	for (unsigned i = 0; i < 2; i++) {
		if (!der_path(s->root, places[i].pe, places[i].tag, 0))
			continue;
		if (perso_typed(s, &places[i], s->p->suci, false) < 0)
			return -EINVAL;
		found++;
	}
	return found ? 0 : perso_fail(s, places[0].missing);
}

/* Header ------------------------------------------------------------ */

static int perso_smsc(struct perso *s)
{
	static const struct point ef = POINT(UPP_PE_USIM, 0xAB, "smsc", "smsc", "EF.SMSP");
	struct der *leaf = der_path(s->root, UPP_PE_HEADER, 0x87, 0), *tree, *addr;
	const char *smsc = s->p->smsc, *err;
	uint8_t bcd[11] = { 0x91 };
	struct bytes *out;
	int n, rc = -EINVAL;

	smsc += *smsc == '+';
	if (perso_typed(s, &ef, smsc, false) < 0)
		return -EINVAL;
	tree = leaf ? der_parse(s->root, leaf->v, leaf->len, &err) : NULL;
	if (leaf && !tree)
		return perso_fail(s, "smsc: malformed connectivityParameters");
	addr = der_path(tree, 0xA0, 0x06, 0);
	if (!addr)	/* no SMS parameters: EF.SMSP was the point */
		return 0;
	n = bcd_swapped_enc(bcd + 1, sizeof(bcd) - 1, smsc);
	out = bytes_new(s->root, 0);
	if (out && der_set(addr, bcd, n + 1) == 0 && der_write(out, tree) == 0)
		rc = der_set(leaf, out->data, out->len);
	return rc < 0 ? perso_fail(s, "smsc: malformed connectivityParameters") : 0;
}

/* POL1 and connectivityParameters are optional in the header: where there are none yet they come to their place. */
static int perso_header(struct perso *s, uint32_t tag, const uint8_t *v, size_t len, const char *missing)
{
	struct der *header = der_path(s->root, UPP_PE_HEADER, 0), *leaf = header ? der_child(header, tag) : NULL, *after;

	if (leaf)
		return der_set(leaf, v, len) == 0 ? 0 : perso_fail(s, missing);
	for (after = header ? header->first : NULL; after && (after->tag & 0x1F) < (tag & 0x1F); after = after->next)
		;
	return header && der_insert(header, after, tag, v, len) ? 0 : perso_fail(s, missing);
}

static int perso_identity(struct perso *s)
{
	const struct upp_perso *p = s->p;

	if (p->iccid && perso_iccid(s) < 0)
		return -EINVAL;
	if (perso_imsi(s) < 0)
		return -EINVAL;
	if ((p->k || p->opc || p->op || p->algo || p->aka_options || p->keccak || p->sqn_options || p->sqn_delta ||
	     p->sqn_age || p->sqn_init) && perso_aka(s) < 0)
		return -EINVAL;
	if (p->pol && perso_header(s, 0x84, p->pol, 1, "pol: not in the header") < 0)
		return -EINVAL;
	if (p->connectivity && perso_header(s, 0x87, p->connectivity, p->connectivity_len,
					    "connectivity: not in the header") < 0)
		return -EINVAL;
	if (p->smsc && perso_smsc(s) < 0)
		return -EINVAL;
	if (perso_numbers(s) < 0 || perso_ims(s) < 0 || perso_networks(s) < 0)
		return -EINVAL;
	return p->suci ? perso_suci(s) : 0;
}

struct bytes *upp_personalise(void *ctx, const uint8_t *upp, size_t len, const struct upp_perso *p, const char **err)
{
	struct perso s = { .p = p, .err = err };
	struct upp_header h;
	struct bytes *out = NULL;

	*err = "out of memory";
	if (upp_header_dec(&h, err, upp, len) < 0)
		return NULL;
	s.root = der_parse_folded(ctx, upp, len, err);
	if (!s.root)
		return NULL;
	if (perso_identity(&s) < 0 || perso_secrets(&s) < 0 || perso_binds(&s) < 0)
		goto out;
	out = bytes_new(ctx, 0);
	if (!out)
		goto out;
	bytes_secret(out);
	if (der_write(out, s.root) < 0)
		TALLOC_FREE(out);
out:
	talloc_free(s.root);
	return out;
}
