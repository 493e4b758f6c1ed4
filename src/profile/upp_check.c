/* Rules for profile packages, one finding each: order of elements, services of the header, identifications, codes
 * (SAIP; digest 1.2, 1.3, 2, 4, 8). What a card would refuse is an error; what works but surprises is a warning.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/profile/der.h>
#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/profile/upp_check.h>
#include <osmocom/rsp/profile/upp_file.h>
#include <osmocom/rsp/util/ids.h>

#define CHECK_PE_MAX 1024

struct check {
	upp_check_cb cb;
	void *data;
	int errors;
	struct der *root;
	struct upp_header h;
	/* while walking */
	int index, id;
	uint32_t tag;
	uint16_t ids[CHECK_PE_MAX];
	unsigned n_ids;
	unsigned usim, isim, csim, sd, mf, aka[4];
	unsigned key_len;	/* of the last TUAK key */
	bool cdma, end;
	uint32_t puks[32];
	unsigned n_puks;
};

static void check_say(struct check *c, enum upp_severity sev, const char *text)
{
	if (sev == UPP_ERROR)
		c->errors++;
	if (c->cb)
		c->cb(c->data, sev, c->index, c->id, text);
}

static void check_error(struct check *c, const char *text)
{
	check_say(c, UPP_ERROR, text);
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
			check_say(c, UPP_WARNING, "connectivityParameters: unknown tag");
	}
	if (rc < 0)
		check_error(c, "connectivityParameters: not TLV");
	else if (!sms)
		check_say(c, UPP_WARNING, "connectivityParameters without SMS: no notification by SMS after enabling");
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
			check_error(c, "eUICC-Mandatory-GFSTEList: unknown template");
	}
	if (rc < 0)
		check_error(c, "eUICC-Mandatory-GFSTEList: malformed");
}

static void check_header(struct check *c, const uint8_t *upp, size_t len)
{
	const char *err;

	if (upp_header_dec(&c->h, &err, upp, len) < 0) {
		check_error(c, err);
		return;
	}
	if (c->h.major < 2 || c->h.major > 3)
		check_error(c, "ProfileHeader: version unknown to any card");
	if (strlen(c->h.iccid) == 20 && iccid_luhn(c->h.iccid) != 0) {
		char digits[ICCID_STR_SIZE];

		snprintf(digits, sizeof(digits), "%.19s", c->h.iccid);
		if (iccid_luhn(digits) != c->h.iccid[19] - '0')
			check_say(c, UPP_WARNING, "ICCID: check digit does not fit");
	}
	if (c->h.pol && c->h.pol_len != 1)
		check_error(c, "pol: POL1 is one octet");
	if (c->h.connectivity)
		check_connectivity(c);
	else
		check_say(c, UPP_WARNING, "no connectivityParameters: not a profile for SGP.02");
	check_gfste(c);
}

/* Elements ------------------------------------------------------------ */

static void check_id(struct check *c)
{
	unsigned i;

	for (i = 0; i < c->n_ids; i++) {
		if (c->ids[i] == c->id) {
			check_error(c, "identification used twice");
			return;
		}
	}
	if (c->n_ids == CHECK_PE_MAX)
		check_error(c, "too many elements");
	else
		c->ids[c->n_ids++] = c->id;
}

static void check_template(struct check *c, const struct der *pe, const struct upp_template *t)
{
	const struct der *oid = der_child(pe, 0x81), *file;
	unsigned i;

	if (!oid || oid->len < 6 || oid->len > 7 || oid->v[5] != t->oid)
		check_error(c, "templateID does not belong to this element");
	for (i = 0; i < t->n; i++) {
		if (t->files[i].flags & UPP_F_MANDATORY && !der_child(pe, t->files[i].tag))
			check_error(c, "a mandatory file is missing");
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
			check_error(c, "a file is malformed");
		else if (!f.do_not_create && def && f.has_fcp && f.fcp.has_fid && !(def->flags & UPP_F_RANGE) &&
			 def->fd != UPP_FD_DF && f.fcp.fid != def->fid)
			check_error(c, "a file has another FID than its template");
		else if (!f.do_not_create && def && def->fd != UPP_FD_DF &&
			 (upp_file_shape(&s, def, f.has_fcp ? &f.fcp : NULL, f.content) < 0 ||
			  (s.size < f.content && !f.fcp.has_link)))
			check_error(c, "a file's contents do not fit into it");
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
			check_error(c, "no usim before it");
		break;
	case UPP_PE_OPT_ISIM:
		if (!c->isim)
			check_error(c, "no isim before it");
		break;
	case UPP_PE_OPT_CSIM:
		if (!c->csim)
			check_error(c, "no csim before it");
		break;
	case UPP_PE_RFM:
	case UPP_PE_APPLICATION:
		if (!c->sd)
			check_error(c, "no securityDomain before it");
		break;
	case UPP_PE_AKA:
		if (!c->usim && !c->isim)
			check_error(c, "no application before it");
		break;
	}
	if (c->tag != UPP_PE_HEADER && c->tag != UPP_PE_MF && !c->mf)
		check_error(c, "before the MF");
}

static void check_puks(struct check *c, const struct der *pe)
{
	const struct der *cfg;
	uint32_t ref;

	for (cfg = der_path(pe, 0xA1, 0x30, 0); cfg; cfg = der_again(cfg)) {
		if (der_uint(&ref, der_child(cfg, 0x80)) < 0 || !der_child(cfg, 0x81) || der_child(cfg, 0x81)->len != 8)
			check_error(c, "malformed PUK");
		else if (c->n_puks < 32)
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
		check_error(c, "neither codes nor a path");
	for (cfg = der_path(pe, 0xA1, 0xA0, 0x30, 0); cfg; cfg = der_again(cfg)) {
		if (der_uint(&ref, der_child(cfg, 0x80)) < 0 || !der_child(cfg, 0x81) ||
		    der_child(cfg, 0x81)->len != 8) {
			check_error(c, "malformed PIN");
			continue;
		}
		if (der_uint(&attr, der_child(cfg, 0x83)) < 0)
			attr = 7;
		if (ref == 1 && attr & 1)
			check_say(c, UPP_WARNING, "PIN1 is enabled: a device without a user cannot attach");
		puk = der_child(cfg, 0x82);
		if (puk && (der_uint(&ref, puk) < 0 || !check_puk_known(c, ref)))
			check_error(c, "unblocking reference to a PUK not defined before");
	}
}

static void check_aka(struct check *c, const struct der *pe)
{
	const struct der *algo = der_path(pe, 0xA1, 0xA1, 0), *k = der_child(algo, 0x82);
	uint32_t id;

	if (!algo) {
		if (!der_path(pe, 0xA1, 0xA0, 0))
			check_error(c, "neither algorithm nor mapping");
		return;
	}
	if (der_uint(&id, der_child(algo, 0x80)) < 0 || id < 1 || id > 3) {
		check_error(c, "unknown algorithm");
		return;
	}
	c->aka[id]++;
	if (!k || (k->len != 16 && (id != 2 || k->len != 32)))
		check_error(c, "key of a wrong length");
	else
		c->key_len = id == 2 ? k->len : c->key_len;
	if (id == 1 && (!der_child(algo, 0x83) || der_child(algo, 0x83)->len != 16))
		check_error(c, "Milenage without an OPc of 16 octets");
}

static void check_sd(struct check *c, const struct der *pe)
{
	const struct der *aid = der_path(pe, 0xA1, 0x4F, 0), *key, *data;
	unsigned n = 0;

	for (; aid && aid->tag == 0x4F; aid = aid->next)
		n++;
	if (n < 3)
		check_error(c, "fewer than three AIDs in the instance");
	for (key = der_path(pe, 0xA2, 0x30, 0); key; key = der_again(key)) {
		data = der_path(key, 0x30, 0x30, 0x86, 0);
		if (!data || data->len < 16 || !der_child(key, 0x82) || !der_child(key, 0x83))
			check_error(c, "malformed key");
	}
	if (!der_path(pe, 0xA2, 0x30, 0) && !c->sd)
		check_say(c, UPP_WARNING, "MNO-SD without keys: no ES6");
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
		check_error(c, "element after end");
	if ((c->tag == UPP_PE_HEADER) != (c->index == 0))
		check_error(c, c->index ? "a second header" : "no header");
	if (upp_pe_head(&head, pe->tag, pe->v, pe->len) < 0) {
		check_error(c, "PEHeader missing or malformed");
		return;
	}
	c->id = head.id;
	if (c->id >= 0)
		check_id(c);
	check_order(c);
	if (!strcmp(upp_pe_name(pe->tag), "unknown"))
		check_say(c, UPP_WARNING, "unknown element");
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
			check_error(c, rules[i].text);
	}
	for (i = 0; i < sizeof(multi) / sizeof(multi[0]); i++) {
		if (multi[i].count > 1 && !(c->h.services & 1U << multi[i].bit))
			check_error(c, multi[i].text);
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
		check_error(c, "EF.ICCID is not the header's ICCID");
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
	c->root = der_parse(c, upp, len, &err);
	if (!c->root) {
		check_error(c, err);
		talloc_free(c);
		return -EINVAL;
	}
	c->index = 0;
	check_header(c, upp, len);
	for (pe = c->root->first; pe; pe = pe->next, c->index++)
		check_pe(c, pe);
	c->index = c->id = -1;
	if (!c->end)
		check_error(c, "no end");
	if (!c->sd)
		check_say(c, UPP_WARNING, "no securityDomain: no MNO-SD for ES6");
	check_services(c);
	check_iccid(c);
	errors = c->errors;
	talloc_free(c);
	return errors;
}
