/* Rules for security domains, applications, remote management, directories; packages known to be bad (digest 3.2, 6,
 * 7).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>

#include <osmocom/rsp/profile/upp_file.h>

#include "upp_check_priv.h"

/* Known to be bad ------------------------------------------------------------ */

/* 000102..0F and the test set of TS 35.208: in every published test profile. Whoever knows the keys of an MNO-SD that
 * is reached over the air installs what he likes (the reason for TS.48's variants without RAM and RFM). */
bool check_known_key(const struct der *k)
{
	static const uint8_t set1[16] = { 0x46, 0x5B, 0x5C, 0xE8, 0xB1, 0x99, 0xB4, 0x9F, 0xAA, 0x5F, 0x0A, 0x2E, 0xE2,
					  0x38, 0xA6, 0xBC };
	bool counting = true, same = true;

	for (size_t i = 0; i < k->len; i++) {
		counting &= k->v[i] == i % 16;
		same &= k->v[i] == k->v[0];
	}
	return counting || same || (k->len == sizeof(set1) && !memcmp(k->v, set1, sizeof(set1)));
}

const char *check_wrapped(const uint8_t *upp, size_t len)
{
	size_t i;

	if (len && upp[0] == 0x30 && (len < 2 || upp[1] > '9' || upp[1] < '0'))
		return "an outer SEQUENCE around the elements";
	for (i = 0; i < len && i < 8 && strchr("0123456789ABCDEFabcdef", upp[i]) && upp[i]; i++)
		;
	return i == 8 ? "hex text, not DER" : NULL;
}

/* AIDs ------------------------------------------------------------ */

static bool check_aid_known(const struct check *c, const struct der *n, bool adf)
{
	for (unsigned i = 0; i < c->n_aids; i++) {
		if (c->aid_adf[i] == adf && c->aids[i].len == n->len && !memcmp(c->aids[i].b, n->v, n->len))
			return true;
	}
	return false;
}

static void check_aid_add(struct check *c, const char *rule, const struct der *n, bool adf)
{
	struct aid aid;

	if (!n || aid_from_bytes(&aid, n->v, n->len) < 0) {
		check_error(c, rule, "an AID of a wrong length");
		return;
	}
	if (check_aid_known(c, n, adf))
		check_error(c, rule, "an AID used twice");
	if (c->n_aids < CHECK_AIDS_MAX) {
		c->aid_adf[c->n_aids] = adf;
		c->aids[c->n_aids++] = aid;
	}
}

/* ApplicationInstance: three or four 4F, the third is its own. Returns it. */
static const struct der *check_instance(struct check *c, const char *rule, const struct der *instance)
{
	const struct der *aid = der_child(instance, 0x4F), *own = NULL, *n;
	unsigned count = 0;

	for (; aid && aid->tag == 0x4F; aid = aid->next) {
		if (++count == 3)
			own = aid;
	}
	if (count < 3 || count > 4) {
		check_error(c, rule, "three or four AIDs are an instance's");
		return NULL;
	}
	n = der_child(instance, 0x82);
	if (!n || n->len != 3)
		check_error(c, rule, "applicationPrivileges are three octets");
	check_aid_add(c, rule, own, false);
	return own;
}

/* Security domains ------------------------------------------------------------ */

static bool check_key_length(const struct der *component)
{
	const struct der *type = der_child(component, 0x80), *data = der_child(component, 0x86);
	size_t len = data ? data->len : 0;

	if (!type || type->len != 1)
		return false;
	switch (type->v[0]) {
	case 0x80:
		return len == 16 || len == 24;
	case 0x88:
		return len == 16 || len == 24 || len == 32;
	case 0x85:
		return len >= 16 && len <= 64;
	}
	return len > 0;		/* kinds we do not know */
}

/* Has it a TAR? Toolkit field: priority, timers, text length, menu entries (two octets each), channels, then MSL and
 * TARs, each with its length (TS 102 226 8.2.1.3.2.2). */
static bool check_reachable(const struct der *instance)
{
	const struct der *toolkit = der_path(instance, 0xEA, 0x80, 0);
	struct rd r;

	if (!toolkit)
		return false;
	rd_init(&r, toolkit->v, toolkit->len);
	rd_take(&r, 3);
	rd_take(&r, 2 * rd_u8(&r));
	rd_u8(&r);
	rd_take(&r, rd_u8(&r));
	return rd_u8(&r) >= 3 && !r.bad;
}

static void check_keys(struct check *c, const struct der *pe)
{
	const struct der *key, *component, *kid, *kvn, *other;
	bool known = false;

	for (key = der_path(pe, 0xA2, 0x30, 0); key; key = der_again(key)) {
		kid = der_child(key, 0x82);
		kvn = der_child(key, 0x83);
		component = der_path(key, 0x30, 0x30, 0);
		if (!kid || !kvn || kid->len != 1 || kvn->len != 1 || !component) {
			check_error(c, "key", "malformed key");
			continue;
		}
		for (; component; component = der_again(component)) {
			if (!check_key_length(component))
				check_error(c, "key", "the length does not fit the key's type");
			else
				known |= check_known_key(der_child(component, 0x86));
		}
		if (!kvn->v[0] || kvn->v[0] > 0x7F)
			check_error(c, "key", "key version number out of range");
		for (other = der_path(pe, 0xA2, 0x30, 0); other != key; other = der_again(other)) {
			if (der_child(other, 0x82) && der_child(other, 0x83) && der_child(other, 0x82)->len == 1 &&
			    der_child(other, 0x83)->len == 1 && der_child(other, 0x82)->v[0] == kid->v[0] &&
			    der_child(other, 0x83)->v[0] == kvn->v[0])
				check_error(c, "key", "two keys of one version and identifier");
		}
	}
	if (known && check_reachable(der_child(pe, 0xA1)))
		check_say(c, UPP_WARNING, "known-bad",
			  "a security domain reachable over the air has published test keys");
}

void check_sd(struct check *c, const struct der *pe)
{
	static const uint8_t mno_sd[] = { 0xA0, 0, 0, 1, 0x51, 0, 0, 0 };
	static const uint8_t slip[] = { 0xA0, 0, 0, 2, 0x51 };
	const struct der *instance = der_child(pe, 0xA1), *own = check_instance(c, "security-domain", instance), *aid;

	if (own && !c->sd && (own->len != sizeof(mno_sd) || memcmp(own->v, mno_sd, sizeof(mno_sd))))
		check_say(c, UPP_WARNING, "security-domain", "the first one is not A000000151000000, the MNO-SD");
	for (aid = der_child(instance, 0x4F); aid; aid = der_again(aid)) {
		if (aid->len > sizeof(slip) && !memcmp(aid->v, slip, sizeof(slip)))
			check_say(c, UPP_WARNING, "known-bad", "AID A000000251...: a tool's slip for A000000151...");
	}
	check_keys(c, pe);
	if (!der_path(pe, 0xA2, 0x30, 0) && !c->sd)
		check_say(c, UPP_WARNING, "security-domain", "MNO-SD without keys: no ES6");
}

/* Remote management, applications ------------------------------------------------------------ */

void check_rfm(struct check *c, const struct der *pe)
{
	const struct der *n, *aids = der_child(pe, 0x4F), *sd = der_again(aids), *tars, *tar;
	uint32_t v;

	check_aid_add(c, "rfm", aids, false);
	if (sd && !check_aid_known(c, sd, false))
		check_error(c, "rfm", "its security domain is not in the package before it");
	tars = der_again(der_child(pe, 0xA0));	/* the first A0 is the PEHeader */
	for (tar = der_child(tars, 0x04); tar; tar = der_again(tar)) {
		if (tar->len != 3) {
			check_error(c, "rfm", "a TAR is three octets");
			continue;
		}
		v = tar->v[0] << 16 | tar->v[1] << 8 | tar->v[2];
		for (unsigned i = 0; i < c->n_tars; i++) {
			if (c->tars[i] == v)
				check_error(c, "rfm", "a TAR used twice");
		}
		if (c->n_tars < CHECK_AIDS_MAX)
			c->tars[c->n_tars++] = v;
	}
	n = der_child(pe, 0x81);
	if (!n || n->len != 1)
		check_error(c, "rfm", "minimumSecurityLevel is one octet");
	else if (!(n->v[0] & 0x03) && !(n->v[0] & 0x04))
		check_say(c, UPP_WARNING, "rfm", "minimumSecurityLevel asks for no integrity");
	n = der_path(pe, 0x30, 0x80, 0);
	if (n && !check_aid_known(c, n, true))
		check_error(c, "rfm", "adfAID is no application of the package");
}

void check_application(struct check *c, const struct der *pe)
{
	const struct der *load = der_child(pe, 0xA1), *n;

	if (!load && !der_child(pe, 0xA2))
		check_error(c, "application", "neither code nor an instance");
	n = der_child(load, 0x4F);
	if (load && (!n || n->len < 5 || n->len > 16))
		check_error(c, "application", "loadPackageAID missing or of a wrong length");
	n = der_child(load, 0xC4);
	if (load && (!n || !n->len))
		check_error(c, "application", "an empty load file data block");
	for (n = der_path(pe, 0xA2, 0x30, 0); n; n = der_again(n))
		check_instance(c, "application", n);
}

/* Directories ------------------------------------------------------------ */

static void check_pin_do(struct check *c, const struct der *list)
{
	const uint8_t *v = list->v;
	size_t n = list->len;

	for (size_t i = 0; i < n; i++) {
		if (c->n_pins_wanted < CHECK_CODES_MAX)
			c->pins_wanted[c->n_pins_wanted++] = v[i];
	}
}

static void check_fcp(struct check *c, const struct der *fcp, const struct upp_file_def *def)
{
	const struct der *pins = der_child(fcp, 0xC6), *name = der_child(fcp, 0x84), *fid = der_child(fcp, 0x83);
	uint16_t v = def ? def->fid : 0;

	if (pins)
		check_pin_do(c, pins);
	if (!name)
		return;
	check_aid_add(c, "file", name, true);
	if (fid && fid->len == 2)
		v = fid->v[0] << 8 | fid->v[1];
	for (unsigned i = 0; i < c->n_adf_fids; i++) {
		if (c->adf_fids[i] == v)
			check_error(c, "file", "a temporary FID used for two applications");
	}
	if (c->n_adf_fids < CHECK_AIDS_MAX)
		c->adf_fids[c->n_adf_fids++] = v;
}

/* The directory of a sub-tree (df-graphics, ...) that a file of the template stands in: the last one before it; NULL: the
 * element's own. */
static const struct upp_file_def *check_subtree(const struct upp_template *t, const struct upp_file_def *def)
{
	const struct upp_file_def *df = NULL;

	for (const struct upp_file_def *f = t->files; f < def; f++) {
		if (f->fd == UPP_FD_DF && f != t->files)
			df = f;
	}
	return df;
}

void check_file_rules(struct check *c, const struct der *pe, const struct upp_template *t,
		      const struct upp_file_def *def, const struct upp_file *f)
{
	const struct upp_file_def *df = def && def->fd != UPP_FD_DF ? check_subtree(t, def) : NULL;

	if (f->do_not_create && !t->by_default)
		check_error(c, "template", "doNotCreate for files that nothing creates by default");
	if (f->do_not_create && t->pe == UPP_PE_MF)
		check_say(c, UPP_WARNING, "template", "doNotCreate has no effect below the MF");
	if (!f->do_not_create && df && !der_child(pe, df->tag))
		check_error(c, "template", "a file whose directory is not in the element");
	if (f->has_fcp && f->fcp.has_link && f->fcp.link_len && (f->fcp.has_size || f->items))
		check_error(c, "file", "a link with a size or contents of its own");
	if (def && def->flags & UPP_F_GIVEN && !f->do_not_create && !f->items &&
	    !(f->has_fcp && (f->fcp.fill || f->fcp.has_link)) && def->flags & UPP_F_MANDATORY)
		check_error(c, "file", "a mandatory file without default has no contents");
}

void check_directories(struct check *c, const struct der *pe)
{
	const struct upp_template *t = upp_template(pe->tag);
	const struct der *n, *cmd;

	for (n = t ? pe->first : NULL; n; n = n->next) {
		if (der_child(n, 0xA1))
			check_fcp(c, der_child(n, 0xA1), upp_template_file(t, n->tag));
	}
	for (cmd = pe->tag == UPP_PE_GFM ? der_path(pe, 0xA1, 0x30, 0) : NULL; cmd; cmd = der_again(cmd)) {
		for (n = der_child(cmd, 0x62); n; n = der_again(n))
			check_fcp(c, n, NULL);
	}
}

void check_pins_complete(struct check *c)
{
	for (unsigned i = 0; i < c->n_pins_wanted; i++) {
		bool found = false;

		for (unsigned k = 0; k < c->n_pins; k++)
			found |= c->pins[k] == c->pins_wanted[i];
		if (!found) {
			check_error(c, "pin", "a pinStatusTemplateDO names a code that no element defines");
			return;
		}
	}
}

void check_code(struct check *c, const char *rule, const struct der *cfg, uint32_t ref)
{
	const struct der *value = der_child(cfg, 0x81);
	bool adm = (ref >= 0x0A && ref <= 0x0E) || (ref >= 0x8A && ref <= 0x8E);
	size_t n = 0;

	while (n < 8 && value->v[n] >= '0' && value->v[n] <= '9')
		n++;
	for (size_t i = n; i < 8 && !adm; i++) {
		if (value->v[i] != 0xFF)
			n = 0;
	}
	if (!adm && n < 4)
		check_error(c, rule, "a PIN is 4 to 8 digits, filled with FF");
	if (!ref || (ref > 8 && ref < 0x0A) || (ref > 0x0E && ref < 0x81) || (ref == 0x89) || ref > 0x8E)
		check_error(c, rule, "no such key reference");
}
