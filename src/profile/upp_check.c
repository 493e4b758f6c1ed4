/* Rules for profile packages, one finding each: order of elements, services of the header, identifications, codes
 * (SAIP; digest 1.2, 1.3, 2, 4, 8). What a card would refuse is an error; what works but surprises is a warning.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/profile/upp_file.h>
#include <osmocom/rsp/util/ids.h>

#include "upp_check_priv.h"

void check_say(struct check *c, enum upp_severity sev, const char *rule, const char *text)
{
	const struct upp_finding f = { sev, c->index, c->id, rule, text };

	if (sev == UPP_ERROR)
		c->errors++;
	if (c->cb)
		c->cb(c->data, &f);
}

void check_error(struct check *c, const char *rule, const char *text)
{
	check_say(c, UPP_ERROR, rule, text);
}

/* ProfileHeader ------------------------------------------------------------ */

static void check_connectivity(struct check *c)
{
	bool sms = false;
	struct tlv t;
	struct rd r;
	int rc;

	rd_init(&r, c->h.connectivity, c->h.connectivity_len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		if (t.tag == 0xA0)
			sms = true;
		else if (t.tag != 0xA1 && t.tag != 0xA2)
			check_say(c, UPP_WARNING, "connectivity", "connectivityParameters: unknown tag");
	}
	if (rc < 0)
		check_error(c, "connectivity", "connectivityParameters: not TLV");
	else if (!sms)
		check_say(c, UPP_WARNING, "connectivity",
			  "connectivityParameters without SMS: no notification by SMS after enabling");
}

static void check_gfste(struct check *c)
{
	static const uint8_t base[] = { 0x67, 0x81, 0x0F, 0x01, 0x02 };
	struct tlv t;
	struct rd r;
	int rc;

	rd_init(&r, c->h.gfste, c->h.gfste_len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		if (t.tag != 0x06 || t.len < 6 || memcmp(t.v, base, sizeof(base)) || t.v[5] < 1 || t.v[5] > 18)
			check_error(c, "gfste", "eUICC-Mandatory-GFSTEList: unknown template");
	}
	if (rc < 0)
		check_error(c, "gfste", "eUICC-Mandatory-GFSTEList: malformed");
}

static bool check_gfste_has(const struct check *c, const struct der *oid)
{
	struct tlv t;
	struct rd r;

	rd_init(&r, c->h.gfste, c->h.gfste_len);
	while (tlv_next(&r, &t) > 0) {
		if (t.len == oid->len && !memcmp(t.v, oid->v, t.len))
			return true;
	}
	return false;
}

static void check_header(struct check *c, const uint8_t *upp, size_t len)
{
	const char *err;

	if (upp_header_dec(&c->h, &err, upp, len) < 0) {
		check_error(c, "header", err);
		return;
	}
	if (c->h.major < 2 || c->h.major > 3)
		check_error(c, "header", "ProfileHeader: version unknown to any card");
	if (strlen(c->h.iccid) == 20 && iccid_luhn(c->h.iccid) != 0) {
		char digits[ICCID_STR_SIZE];

		snprintf(digits, sizeof(digits), "%.19s", c->h.iccid);
		if (iccid_luhn(digits) != c->h.iccid[19] - '0')
			check_say(c, UPP_WARNING, "iccid", "ICCID: check digit does not fit");
	}
	if (c->h.pol && c->h.pol_len != 1)
		check_error(c, "pol", "pol: POL1 is one octet");
	if (c->h.connectivity)
		check_connectivity(c);
	else
		check_say(c, UPP_WARNING, "connectivity", "no connectivityParameters: not a profile for SGP.02");
	check_gfste(c);
}

/* Elements ------------------------------------------------------------ */

static void check_id(struct check *c)
{
	unsigned i;

	for (i = 0; i < c->n_ids; i++) {
		if (c->ids[i] == c->id) {
			check_error(c, "identification", "identification used twice");
			return;
		}
	}
	if (c->n_ids == CHECK_PE_MAX)
		check_error(c, "identification", "too many elements");
	else
		c->ids[c->n_ids++] = c->id;
}

static void check_template(struct check *c, const struct der *pe, const struct upp_template *t)
{
	const struct der *oid = der_child(pe, 0x81), *file;
	unsigned i;

	if (!oid || oid->len < 6 || oid->len > 7 || oid->v[5] != t->oid)
		check_error(c, "template", "templateID does not belong to this element");
	else if (!check_gfste_has(c, oid))
		check_say(c, UPP_WARNING, "gfste", "a template that eUICC-Mandatory-GFSTEList does not name");
	for (i = 0; i < t->n; i++) {
		if (t->files[i].flags & UPP_F_MANDATORY && !der_child(pe, t->files[i].tag))
			check_error(c, "template", "a mandatory file is missing");
	}
	for (file = pe->first; file; file = file->next) {
		const struct upp_file_def *def = upp_template_file(t, file->tag);
		struct upp_file f;
		struct upp_file_shape s;
		struct bytes *enc;

		if (file->tag == 0xA0 || file->tag == 0x81)
			continue;
		enc = bytes_new(c->root, 0);
		for (const struct der *item = file->first; item && enc; item = item->next)
			der_write(enc, item);
		if (!enc || upp_file_dec(&f, enc->data, enc->len) < 0)
			check_error(c, "file", "a file is malformed");
		else if (!f.do_not_create && def && f.has_fcp && f.fcp.has_fid && !(def->flags & UPP_F_RANGE) &&
			 def->fd != UPP_FD_DF && f.fcp.fid != def->fid)
			check_error(c, "file", "a file has another FID than its template");
		else if (!f.do_not_create && def && def->fd != UPP_FD_DF &&
			 (upp_file_shape(&s, def, f.has_fcp ? &f.fcp : NULL, f.content) < 0 ||
			  (s.size < f.content && !f.fcp.has_link)))
			check_error(c, "file", "a file's contents do not fit into it");
		else
			check_file_rules(c, pe, t, def, &f);
		talloc_free(enc);
	}
}

/* Which elements need which before them. */
static void check_order(struct check *c)
{
	switch (c->tag) {
	case UPP_PE_OPT_USIM:
	case UPP_PE_PHONEBOOK:
	case UPP_PE_GSM_ACCESS:
	case UPP_PE_DF_5GS:
	case UPP_PE_DF_SAIP:
	case UPP_PE_DF_SNPN:
	case UPP_PE_DF_5GPROSE:
		if (!c->usim)
			check_error(c, "order", "no usim before it");
		break;
	case UPP_PE_OPT_ISIM:
		if (!c->isim)
			check_error(c, "order", "no isim before it");
		break;
	case UPP_PE_OPT_CSIM:
		if (!c->csim)
			check_error(c, "order", "no csim before it");
		break;
	case UPP_PE_RFM:
	case UPP_PE_APPLICATION:
		if (!c->sd)
			check_error(c, "order", "no securityDomain before it");
		break;
	case UPP_PE_AKA:
		if (!c->usim && !c->isim)
			check_error(c, "order", "no application before it");
		break;
	}
	if (c->tag != UPP_PE_HEADER && c->tag != UPP_PE_MF && !c->mf)
		check_error(c, "order", "before the MF");
}

static void check_puks(struct check *c, const struct der *pe)
{
	const struct der *cfg;
	uint32_t ref;

	for (cfg = der_path(pe, 0xA1, 0x30, 0); cfg; cfg = der_again(cfg)) {
		if (der_uint(&ref, der_child(cfg, 0x80)) < 0 || !der_child(cfg, 0x81) || der_child(cfg, 0x81)->len != 8)
			check_error(c, "puk", "malformed PUK");
		else if (c->n_puks < CHECK_CODES_MAX)
			c->puks[c->n_puks++] = ref;
	}
}

static bool check_puk_known(const struct check *c, uint32_t ref)
{
	unsigned i;

	for (i = 0; i < c->n_puks; i++) {
		if (c->puks[i] == ref)
			return true;
	}
	return false;
}

static void check_pins(struct check *c, const struct der *pe)
{
	const struct der *cfg, *puk;
	uint32_t ref, attr;

	if (!der_path(pe, 0xA1, 0xA0, 0) && !der_path(pe, 0xA1, 0x81, 0))
		check_error(c, "pin", "neither codes nor a path");
	for (cfg = der_path(pe, 0xA1, 0xA0, 0x30, 0); cfg; cfg = der_again(cfg)) {
		if (der_uint(&ref, der_child(cfg, 0x80)) < 0 || !der_child(cfg, 0x81) ||
		    der_child(cfg, 0x81)->len != 8) {
			check_error(c, "pin", "malformed PIN");
			continue;
		}
		check_code(c, "pin", cfg, ref);
		if (c->n_pins < CHECK_CODES_MAX)
			c->pins[c->n_pins++] = ref;
		if (der_uint(&attr, der_child(cfg, 0x83)) < 0)
			attr = 7;
		if (ref == 1 && attr & 1)
			check_say(c, UPP_WARNING, "pin", "PIN1 is enabled: a device without a user cannot attach");
		puk = der_child(cfg, 0x82);
		if (puk && (der_uint(&ref, puk) < 0 || !check_puk_known(c, ref)))
			check_error(c, "pin", "unblocking reference to a PUK not defined before");
	}
}

/* Constants and sequence numbers have fixed lengths (digest 5). */
static void check_aka_rest(struct check *c, const struct der *pe, const struct der *algo)
{
	static const struct {
		uint32_t tag;
		size_t len;
		bool inner;
	} lens[] = { { 0x81, 1, true }, { 0x84, 5, true }, { 0x85, 80, true }, { 0x86, 3, true },
		     { 0x82, 1, false }, { 0x83, 6, false }, { 0x84, 6, false } };
	const struct der *n;
	unsigned i, count = 0;

	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		n = der_child(lens[i].inner ? algo : pe, lens[i].tag);
		if (n && n->len != lens[i].len)
			check_error(c, "aka", "a constant or sequence number of a wrong length");
	}
	for (n = der_path(pe, 0xA5, 0x04, 0); n; n = der_again(n), count++) {
		if (n->len != 6)
			check_error(c, "aka", "sqnInit: a value of a wrong length");
	}
	if (der_child(pe, 0xA5) && count != 32)
		check_error(c, "aka", "sqnInit: not 32 values");
}

static void check_aka(struct check *c, const struct der *pe)
{
	const struct der *algo = der_path(pe, 0xA1, 0xA1, 0), *k = der_child(algo, 0x82);
	uint32_t id;

	if (!algo) {
		if (!der_path(pe, 0xA1, 0xA0, 0))
			check_error(c, "aka", "neither algorithm nor mapping");
		return;
	}
	if (der_uint(&id, der_child(algo, 0x80)) < 0 || id < 1 || id > 3) {
		check_error(c, "aka", "unknown algorithm");
		return;
	}
	c->aka[id]++;
	if (!k || (k->len != 16 && (id != 2 || k->len != 32)))
		check_error(c, "aka", "key of a wrong length");
	else if (check_known_key(k))
		check_say(c, UPP_WARNING, "known-bad", "K is a published test key");
	else
		c->key_len = id == 2 ? k->len : c->key_len;
	if (id == 1 && (!der_child(algo, 0x83) || der_child(algo, 0x83)->len != 16))
		check_error(c, "aka", "Milenage without an OPc of 16 octets");
	if (id == 2 && (!der_child(algo, 0x83) || der_child(algo, 0x83)->len != 32))
		check_error(c, "aka", "TUAK without a TOPc of 32 octets");
	check_aka_rest(c, pe, algo);
}

static void check_count(struct check *c)
{
	switch (c->tag) {
	case UPP_PE_MF:
		c->mf++;
		break;
	case UPP_PE_USIM:
		c->usim++;
		break;
	case UPP_PE_ISIM:
		c->isim++;
		break;
	case UPP_PE_CSIM:
		c->csim++;
		break;
	case UPP_PE_SD:
		c->sd++;
		break;
	case UPP_PE_CDMA:
		c->cdma = true;
		break;
	case UPP_PE_END:
		c->end = true;
		break;
	}
}

static void check_pe(struct check *c, const struct der *pe)
{
	struct upp_pe head;

	c->tag = pe->tag;
	c->id = -1;
	if (c->end)
		check_error(c, "order", "element after end");
	if ((c->tag == UPP_PE_HEADER) != (c->index == 0))
		check_error(c, "order", c->index ? "a second header" : "no header");
	if (upp_pe_head(&head, pe->tag, pe->v, pe->len) < 0) {
		check_error(c, "pe-header", "PEHeader missing or malformed");
		return;
	}
	c->id = head.id;
	if (c->id >= 0)
		check_id(c);
	check_order(c);
	if (!strcmp(upp_pe_name(pe->tag), "unknown"))
		check_say(c, UPP_WARNING, "element", "unknown element");
	else if (upp_template(pe->tag))
		check_template(c, pe, upp_template(pe->tag));
	else if (pe->tag == UPP_PE_PUK)
		check_puks(c, pe);
	else if (pe->tag == UPP_PE_PIN)
		check_pins(c, pe);
	else if (pe->tag == UPP_PE_AKA)
		check_aka(c, pe);
	else if (pe->tag == UPP_PE_SD)
		check_sd(c, pe);
	else if (pe->tag == UPP_PE_RFM)
		check_rfm(c, pe);
	else if (pe->tag == UPP_PE_APPLICATION)
		check_application(c, pe);
	check_directories(c, pe);
	check_count(c);
}

/* The header's promises against what came (digest 2). */
static void check_services(struct check *c)
{
	const struct {
		unsigned bit;
		bool ok;
		const char *text;
	} rules[] = {
		{ UPP_SVC_USIM, c->usim, "service usim without a usim" },
		{ UPP_SVC_ISIM, c->isim, "service isim without an isim" },
		{ UPP_SVC_CSIM, c->csim, "service csim without a csim" },
		{ UPP_SVC_MILENAGE, c->aka[1], "service milenage without such an akaParameter" },
		{ UPP_SVC_TUAK128, c->aka[2] && c->key_len == 16, "service tuak128 without such an akaParameter" },
		{ UPP_SVC_TUAK256, c->aka[2] && c->key_len == 32, "service tuak256 without such an akaParameter" },
		{ UPP_SVC_TEST_ALGO, c->aka[3], "service usim-test-algorithm without such an akaParameter" },
		{ UPP_SVC_CAVE, c->cdma, "service cave without a cdmaParameter" },
		{ UPP_SVC_GBA_USIM, c->usim, "service gba-usim without a usim" },
		{ UPP_SVC_GBA_ISIM, c->isim, "service gba-isim without an isim" },
		{ UPP_SVC_MULTI_USIM, c->usim > 1, "service multiple-usim with fewer than two" },
		{ UPP_SVC_MULTI_ISIM, c->isim > 1, "service multiple-isim with fewer than two" },
		{ UPP_SVC_MULTI_CSIM, c->csim > 1, "service multiple-csim with fewer than two" },
		{ UPP_SVC_GET_IDENTITY, c->usim || c->isim, "service get-identity without usim or isim" },
		{ UPP_SVC_PROFILE_A, c->usim || c->isim, "service profile-a-x25519 without usim or isim" },
		{ UPP_SVC_PROFILE_B, c->usim || c->isim, "service profile-b-p256 without usim or isim" },
	};
	const struct {
		unsigned bit, count;
		const char *text;
	} multi[] = {
		{ UPP_SVC_MULTI_USIM, c->usim, "several usim without service multiple-usim" },
		{ UPP_SVC_MULTI_ISIM, c->isim, "several isim without service multiple-isim" },
		{ UPP_SVC_MULTI_CSIM, c->csim, "several csim without service multiple-csim" },
	};
	unsigned i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (c->h.services & 1U << rules[i].bit && !rules[i].ok)
			check_error(c, "services", rules[i].text);
	}
	for (i = 0; i < sizeof(multi) / sizeof(multi[0]); i++) {
		if (multi[i].count > 1 && !(c->h.services & 1U << multi[i].bit))
			check_error(c, "services", multi[i].text);
	}
}

static void check_iccid(struct check *c)
{
	const struct der *content = der_path(c->root, UPP_PE_MF, 0xA4, 0x83, 0);
	uint8_t ef[10];

	if (!c->h.iccid[0] || !content)
		return;
	iccid_to_ef(ef, c->h.iccid);
	if (content->len != sizeof(ef) || memcmp(content->v, ef, sizeof(ef)))
		check_error(c, "iccid", "EF.ICCID is not the header's ICCID");
}

int upp_check(const uint8_t *upp, size_t len, upp_check_cb cb, void *data)
{
	struct check *c = talloc_zero(NULL, struct check);
	const struct der *pe;
	const char *err;
	int errors;

	if (!c)
		return -ENOMEM;
	c->cb = cb;
	c->data = data;
	c->id = -1;
	c->index = -1;
	err = check_wrapped(upp, len);
	c->root = err ? NULL : der_parse(c, upp, len, &err);
	if (!c->root) {
		check_error(c, "format", err);
		talloc_free(c);
		return -EINVAL;
	}
	c->index = 0;
	check_header(c, upp, len);
	for (pe = c->root->first; pe; pe = pe->next, c->index++)
		check_pe(c, pe);
	c->index = c->id = -1;
	if (!c->end)
		check_error(c, "order", "no end");
	if (!c->sd)
		check_say(c, UPP_WARNING, "security-domain", "no securityDomain: no MNO-SD for ES6");
	check_pins_complete(c);
	check_services(c);
	check_iccid(c);
	errors = c->errors;
	talloc_free(c);
	return errors;
}
