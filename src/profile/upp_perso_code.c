/* Codes of the user and the operator, keys of security domains (digest 4, 6, 9.2).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/misc.h>

#include "upp_perso_priv.h"

/* Digits filled with FF; an ADM code may be eight octets of any kind, in hex. */
static int perso_code(uint8_t out[8], const char *digits, size_t min, bool any)
{
	size_t n = strlen(digits);

	if (any && n == 16)
		return hex_dec(out, 8, digits) == 8 ? 0 : -EINVAL;
	if (!digits_valid(digits, min, 8))
		return -EINVAL;
	memset(out, 0xFF, 8);
	memcpy(out, digits, n);
	return 0;
}

/* Every configuration with this key reference: pinCodes A1/A0, pukCodes A1. */
static int perso_codes(struct perso *s, uint32_t pe_tag, uint32_t ref, const char *digits, size_t min,
		       const char *wrong, const char *missing)
{
	struct der *pe, *list, *cfg, *value;
	unsigned found = 0;
	uint8_t code[8];
	uint32_t v;

	if (perso_code(code, digits, min, ref == 0x0A || ref == 0x0B) < 0)
		return perso_fail(s, wrong);
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
		return perso_fail(s, "key: the length does not fit its type");
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

int perso_secrets(struct perso *s)
{
	const struct upp_perso *p = s->p;
	const struct {
		const char *v;
		uint32_t pe, ref;
		size_t min;
		const char *wrong, *missing;
	} codes[] = {
		{ p->pin1, UPP_PE_PIN, 0x01, 4, "pin1: 4 to 8 digits", "pin1: not in the package" },
		{ p->pin2, UPP_PE_PIN, 0x81, 4, "pin2: 4 to 8 digits", "pin2: not in the package" },
		{ p->adm1, UPP_PE_PIN, 0x0A, 4, "adm1: 4 to 8 digits or 16 hex digits", "adm1: not in the package" },
		{ p->adm2, UPP_PE_PIN, 0x0B, 4, "adm2: 4 to 8 digits or 16 hex digits", "adm2: not in the package" },
		{ p->puk1, UPP_PE_PUK, 0x01, 8, "puk1: 8 digits", "puk1: not in the package" },
		{ p->puk2, UPP_PE_PUK, 0x81, 8, "puk2: 8 digits", "puk2: not in the package" },
	};
	unsigned i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].v && perso_codes(s, codes[i].pe, codes[i].ref, codes[i].v, codes[i].min, codes[i].wrong,
					      codes[i].missing) < 0)
			return -EINVAL;
	}
	for (i = 0; i < p->n_keys; i++) {
		if (perso_key(s, &p->keys[i]) < 0)
			return -EINVAL;
	}
	return 0;
}
