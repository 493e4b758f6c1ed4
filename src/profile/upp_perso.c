/* Personalisation of a package (digest 9): a tree, leaves replaced in every instance of a point, lengths mended. A
 * point that is asked for and missing refuses the package: never a card with somebody's identity half changed.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/profile/der.h>
#include <osmocom/rsp/profile/upp_file.h>
#include <osmocom/rsp/profile/upp_perso.h>
#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/misc.h>

struct perso {
	struct der *root;
	const struct upp_perso *p;
	const char **err;
};

static int perso_fail(struct perso *s, const char *what)
{
	*s->err = what;
	return -EINVAL;
}

/* The File of one component of a template element, and how long its body may be. */
static int perso_file(struct der **file, struct upp_file_shape *shape, struct bytes **body, struct der *pe,
		      uint32_t tag)
{
	const struct upp_template *t = upp_template(pe->tag);
	const struct upp_file_def *def = t ? upp_template_file(t, tag) : NULL;
	struct bytes *enc;

	*file = der_child(pe, tag);
	enc = *file ? bytes_new(pe, 0) : NULL;
	if (!enc)
		return -ENOENT;
	for (struct der *c = (*file)->first; c; c = c->next)
		der_write(enc, c);
	*body = upp_file_body(pe, shape, def, enc->data, enc->len);
	talloc_free(enc);
	return *body ? 0 : -ENOENT;
}

/* Digest 9.1 rule 3: the content as a whole, in place of all that was written before. */
static int perso_file_set(struct der *file, const void *v, size_t len)
{
	struct der *c, *next;

	for (c = file->first; c; c = next) {
		next = c->next;
		if (c->tag == 0x82 || c->tag == 0x83)
			der_remove(c);
	}
	return der_add(file, 0x83, v, len) ? 0 : -ENOMEM;
}

/* Transparent file: a whole new body, not longer than the file. */
static int perso_ef(struct perso *s, uint32_t pe_tag, uint32_t tag, const void *v, size_t len, const char *missing)
{
	struct upp_file_shape shape;
	struct der *pe, *file;
	struct bytes *body;

	pe = der_child(s->root, pe_tag);
	if (!pe)
		return perso_fail(s, missing);
	for (; pe; pe = der_again(pe)) {
		if (perso_file(&file, &shape, &body, pe, tag) < 0 || shape.size < len)
			return perso_fail(s, missing);
		talloc_free(body);
		if (perso_file_set(file, v, len) < 0)
			return perso_fail(s, "out of memory");
	}
	return 0;
}

static int perso_iccid(struct perso *s)
{
	char iccid[ICCID_STR_SIZE];
	struct der *leaf = der_path(s->root, UPP_PE_HEADER, 0x83, 0);
	uint8_t bcd[10];

	if (iccid_from_str(iccid, s->p->iccid) < 0)
		return perso_fail(s, "ICCID: not 19 or 20 digits");
	iccid_to_bcd(bcd, iccid);
	if (!leaf || der_set(leaf, bcd, sizeof(bcd)) < 0)
		return perso_fail(s, "ICCID: not in the header");
	iccid_to_ef(bcd, iccid);
	return perso_ef(s, UPP_PE_MF, 0xA4, bcd, sizeof(bcd), "ICCID: no EF.ICCID");
}

/* EF.IMSI: length, first digit with parity, swapped digits; EF.ACC: one bit, the last digit (TS 31.102 4.2). */
static int perso_imsi(struct perso *s)
{
	const char *imsi = s->p->imsi;
	size_t n = strlen(imsi);
	uint8_t ef[9], acc[2];
	unsigned bit;

	if (!digits_valid(imsi, 6, 15))
		return perso_fail(s, "IMSI: not 6 to 15 digits");
	memset(ef, 0xFF, sizeof(ef));
	ef[0] = n / 2 + 1;
	ef[1] = (imsi[0] - '0') << 4 | (n % 2 ? 9 : 1);
	bcd_swapped_enc(ef + 2, sizeof(ef) - 2, imsi + 1);
	if (perso_ef(s, UPP_PE_USIM, 0xA3, ef, sizeof(ef), "IMSI: no EF.IMSI") < 0)
		return -EINVAL;
	bit = 1U << (imsi[n - 1] - '0');
	acc[0] = bit >> 8;
	acc[1] = bit;
	return perso_ef(s, UPP_PE_USIM, 0xB2, acc, sizeof(acc), "IMSI: no EF.ACC");
}

static int perso_aka(struct perso *s)
{
	struct der *pe, *algo, *k, *opc;
	unsigned found = 0;

	for (pe = der_child(s->root, UPP_PE_AKA); pe; pe = der_again(pe)) {
		algo = der_path(pe, 0xA1, 0xA1, 0);
		if (!algo)	/* mappingParameter: another NAA's keys */
			continue;
		found++;
		k = der_child(algo, 0x82);
		opc = der_child(algo, 0x83);
		if (s->p->k && (!k || k->len != 16 || der_set(k, s->p->k, 16) < 0))
			return perso_fail(s, "K: akaParameter without a key of 16 octets");
		if (s->p->opc && (!opc || opc->len != 16 || der_set(opc, s->p->opc, 16) < 0))
			return perso_fail(s, "OPc: akaParameter without an OPc of 16 octets");
	}
	return found ? 0 : perso_fail(s, "K: no akaParameter");
}

static int perso_code(uint8_t out[8], const char *digits, size_t min)
{
	size_t n = strlen(digits);

	if (!digits_valid(digits, min, 8))
		return -EINVAL;
	memset(out, 0xFF, 8);
	memcpy(out, digits, n);
	return 0;
}

/* Every configuration with this key reference: pinCodes A1/A0, pukCodes A1. */
static int perso_codes(struct perso *s, uint32_t pe_tag, uint32_t ref, const char *digits, size_t min,
		       const char *missing)
{
	struct der *pe, *list, *cfg, *value;
	unsigned found = 0;
	uint8_t code[8];
	uint32_t v;

	if (perso_code(code, digits, min) < 0)
		return perso_fail(s, "PIN or PUK: wrong number of digits");
	for (pe = der_child(s->root, pe_tag); pe; pe = der_again(pe)) {
		list = pe_tag == UPP_PE_PIN ? der_path(pe, 0xA1, 0xA0, 0) : der_child(pe, 0xA1);
		for (cfg = der_child(list, 0x30); cfg; cfg = der_again(cfg)) {
			value = der_child(cfg, 0x81);
			if (der_uint(&v, der_child(cfg, 0x80)) < 0 || v != ref || !value)
				continue;
			if (der_set(value, code, sizeof(code)) < 0)
				return perso_fail(s, "out of memory");
			found++;
		}
	}
	secret_wipe(code, sizeof(code));
	return found ? 0 : perso_fail(s, missing);
}

static bool perso_key_fits(const struct der *component, size_t len)
{
	uint32_t type = 0;
	const struct der *t = der_child(component, 0x80);

	if (t && t->len == 1)
		type = t->v[0];
	if (type == 0x85)
		return len >= 16 && len <= 64;
	return len == 16 || len == 24 || (len == 32 && type == 0x88);
}

static int perso_key_one(struct perso *s, const struct upp_perso_key *key, struct der *obj)
{
	struct der *component = der_path(obj, 0x30, 0x30, 0), *data = der_child(component, 0x86);
	struct der *counter = der_child(obj, 0x85);

	if (!data || !perso_key_fits(component, key->len))
		return perso_fail(s, "key: length does not fit its type");
	if (der_set(data, key->b, key->len) < 0)
		return perso_fail(s, "out of memory");
	if (key->counter && (!counter || counter->len != 5 || der_set(counter, key->counter, 5) < 0))
		return perso_fail(s, "key: no counter to set");
	return 0;
}

static int perso_key(struct perso *s, const struct upp_perso_key *key)
{
	struct der *pe, *obj, *kid, *kvn;
	unsigned found = 0;

	for (pe = der_child(s->root, UPP_PE_SD); pe; pe = der_again(pe)) {
		for (obj = der_path(pe, 0xA2, 0x30, 0); obj; obj = der_again(obj)) {
			kid = der_child(obj, 0x82);
			kvn = der_child(obj, 0x83);
			if (!kid || !kvn || kid->len != 1 || kvn->len != 1 || kid->v[0] != key->kid ||
			    kvn->v[0] != key->kvn)
				continue;
			if (perso_key_one(s, key, obj) < 0)
				return -EINVAL;
			found++;
		}
	}
	return found ? 0 : perso_fail(s, "key: no security domain has this KVN and KID");
}

/* EF.MSISDN record: alpha (kept blank), length, TON/NPI, 10 octets of digits, CCP and EXT unused (TS 31.102 4.2.26). */
static int perso_msisdn(struct perso *s)
{
	struct upp_file_shape shape;
	struct der *pe = der_child(s->root, UPP_PE_OPT_USIM), *file;
	struct bytes *body;
	uint8_t *rec;
	int n;

	if (!digits_valid(s->p->msisdn, 3, 15))
		return perso_fail(s, "MSISDN: not 3 to 15 digits");
	if (!pe || perso_file(&file, &shape, &body, pe, 0xA7) < 0 || shape.rec_len < 14 || !shape.recs)
		return perso_fail(s, "MSISDN: no EF.MSISDN");
	rec = body->data;
	memset(rec, 0xFF, shape.rec_len);
	rec += shape.rec_len - 14;
	n = bcd_swapped_enc(rec + 2, 10, s->p->msisdn);
	rec[0] = n + 1;
	rec[1] = 0x91;
	return perso_file_set(file, body->data, body->len);
}

/* EF.SMSP record 1: the service centre, whose presence bit is cleared (TS 31.102 4.2.27). */
static int perso_smsp(struct perso *s)
{
	struct upp_file_shape shape;
	struct der *pe = der_child(s->root, UPP_PE_USIM), *file;
	struct bytes *body;
	uint8_t *ind;
	int n;

	if (!pe)
		return perso_fail(s, "SMSC: no EF.SMSP");
	for (; pe; pe = der_again(pe)) {
		if (perso_file(&file, &shape, &body, pe, 0xAB) < 0 || shape.rec_len < 28 || !shape.recs)
			return perso_fail(s, "SMSC: no EF.SMSP");
		ind = body->data + shape.rec_len - 28;
		*ind &= ~0x02;
		memset(ind + 13, 0xFF, 12);
		n = bcd_swapped_enc(ind + 15, 10, s->p->smsc);
		ind[13] = n + 1;
		ind[14] = 0x91;
		if (perso_file_set(file, body->data, body->len) < 0)
			return perso_fail(s, "out of memory");
	}
	return 0;
}

static int perso_smsc(struct perso *s)
{
	struct der *leaf = der_path(s->root, UPP_PE_HEADER, 0x87, 0), *tree, *addr;
	uint8_t bcd[11] = { 0x91 };
	struct bytes *out;
	int n, rc = -EINVAL;

	if (!digits_valid(s->p->smsc, 3, 15))
		return perso_fail(s, "SMSC: not 3 to 15 digits");
	if (perso_smsp(s) < 0)
		return -EINVAL;
	tree = leaf ? der_parse(s->root, leaf->v, leaf->len, s->err) : NULL;
	addr = der_path(tree, 0xA0, 0x06, 0);
	if (!addr)	/* no SMS parameters: EF.SMSP was the point */
		return leaf && !tree ? -EINVAL : 0;
	n = bcd_swapped_enc(bcd + 1, sizeof(bcd) - 1, s->p->smsc);
	out = bytes_new(s->root, 0);
	if (out && der_set(addr, bcd, n + 1) == 0 && der_write(out, tree) == 0)
		rc = der_set(leaf, out->data, out->len);
	return rc < 0 ? perso_fail(s, "SMSC: connectivityParameters") : 0;
}

static int perso_spn(struct perso *s)
{
	size_t n = strlen(s->p->spn), i;
	uint8_t ef[17];

	/* The characters GSM 7 bit and ASCII share */
	for (i = 0; i < n; i++) {
		if (s->p->spn[i] < 0x20 || s->p->spn[i] > 0x7A || strchr("$@[\\]^_`", s->p->spn[i]))
			return perso_fail(s, "SPN: a character outside the default alphabet");
	}
	if (n > sizeof(ef) - 1)
		return perso_fail(s, "SPN: longer than 16 characters");
	memset(ef, 0xFF, sizeof(ef));
	ef[0] = 0x00;
	memcpy(ef + 1, s->p->spn, n);
	return perso_ef(s, UPP_PE_USIM, 0xAD, ef, sizeof(ef), "SPN: no EF.SPN");
}

static int perso_header(struct perso *s, uint32_t tag, const uint8_t *v, size_t len, const char *missing)
{
	struct der *leaf = der_path(s->root, UPP_PE_HEADER, tag, 0);

	return leaf && der_set(leaf, v, len) == 0 ? 0 : perso_fail(s, missing);
}

static int perso_identity(struct perso *s)
{
	const struct upp_perso *p = s->p;

	if (p->iccid && perso_iccid(s) < 0)
		return -EINVAL;
	if (p->imsi && perso_imsi(s) < 0)
		return -EINVAL;
	if ((p->k || p->opc) && perso_aka(s) < 0)
		return -EINVAL;
	if (p->msisdn && perso_msisdn(s) < 0)
		return -EINVAL;
	if (p->pol && perso_header(s, 0x84, p->pol, 1, "POL1: not in the header") < 0)
		return -EINVAL;
	if (p->connectivity && perso_header(s, 0x87, p->connectivity, p->connectivity_len,
					    "connectivityParameters: not in the header") < 0)
		return -EINVAL;
	if (p->smsc && perso_smsc(s) < 0)
		return -EINVAL;
	return p->spn ? perso_spn(s) : 0;
}

static int perso_secrets(struct perso *s)
{
	const struct upp_perso *p = s->p;
	unsigned i;

	if (p->pin1 && perso_codes(s, UPP_PE_PIN, 0x01, p->pin1, 4, "PIN1: not in the package") < 0)
		return -EINVAL;
	if (p->pin2 && perso_codes(s, UPP_PE_PIN, 0x81, p->pin2, 4, "PIN2: not in the package") < 0)
		return -EINVAL;
	if (p->adm1 && perso_codes(s, UPP_PE_PIN, 0x0A, p->adm1, 4, "ADM1: not in the package") < 0)
		return -EINVAL;
	if (p->puk1 && perso_codes(s, UPP_PE_PUK, 0x01, p->puk1, 8, "PUK1: not in the package") < 0)
		return -EINVAL;
	if (p->puk2 && perso_codes(s, UPP_PE_PUK, 0x81, p->puk2, 8, "PUK2: not in the package") < 0)
		return -EINVAL;
	for (i = 0; i < p->n_keys; i++) {
		if (perso_key(s, &p->keys[i]) < 0)
			return -EINVAL;
	}
	return 0;
}

struct bytes *upp_personalise(void *ctx, const uint8_t *upp, size_t len, const struct upp_perso *p, const char **err)
{
	struct perso s = { .p = p, .err = err };
	struct bytes *out = NULL;

	*err = "out of memory";
	s.root = der_parse(ctx, upp, len, err);
	if (!s.root)
		return NULL;
	if (perso_identity(&s) < 0 || perso_secrets(&s) < 0)
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
