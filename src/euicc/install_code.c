/* Elements with secrets of the user and the operator: pinCodes, pukCodes, akaParameter (SAIP 8.4, 8.5; digest 4, 5).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/util/misc.h>

#include "install_priv.h"

#define INSTALL_SQN_MAX 0x07FFFFFFFFFFULL

static int install_uint(uint32_t *v, const uint8_t *p, size_t len)
{
	*v = 0;
	if (!len || len > 4 || p[0] & 0x80)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		*v = *v << 8 | p[i];
	return 0;
}

/* One PINConfiguration or PUKConfiguration. */
struct install_code {
	uint32_t ref, puk, attr, tries;
	const uint8_t *value;
};

static int install_code_dec(struct install_code *c, const struct tlv *cfg, bool is_puk)
{
	uint32_t *pin_fields[] = { &c->ref, NULL, &c->puk, &c->attr, &c->tries };
	uint32_t *puk_fields[] = { &c->ref, NULL, &c->tries };
	uint32_t **fields = is_puk ? puk_fields : pin_fields;
	struct tlv t;
	struct rd r;
	int rc;

	memset(c, 0, sizeof(*c));
	c->attr = 7;
	c->tries = is_puk ? 0xAA : 0x33;
	rd_init(&r, cfg->v, cfg->len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		uint32_t n = t.tag - 0x80;

		if (n == 1 && t.len == 8)
			c->value = t.v;
		else if (n == 1)
			return -EINVAL;
		else if (n < (is_puk ? 3 : 5) && install_uint(fields[n], t.v, t.len) < 0)
			return -EINVAL;
	}
	if (rc < 0 || !c->value || c->tries > 0xFF || !(c->tries >> 4) || (c->tries & 15) > c->tries >> 4)
		return -EINVAL;
	return 0;
}

/* 01..08 and 0A..0E at the MF, 81..88 and 8A..8E elsewhere. */
static bool install_pin_ref_fits(uint32_t ref, bool at_mf)
{
	uint32_t low = ref & 0x7F;

	return ref <= 0xFF && !(ref & 0x80) == at_mf && ((low >= 1 && low <= 8) || (low >= 10 && low <= 14));
}

static enum install_status install_pin(struct install *inst, const struct tlv *cfg)
{
	struct install_code c;
	struct usim_pin *pin, *other;

	if (cfg->tag != 0x30 || install_code_dec(&c, cfg, false) < 0 || c.attr > 7)
		return INSTALL_BAD_VALUES;
	if (!install_pin_ref_fits(c.ref, inst->df == inst->fs->mf))
		return INSTALL_INVALID_PARAMETER;
	if (c.puk && (c.puk > 0xFF || !fs_puk(inst->fs, c.puk)))
		return INSTALL_INVALID_PARAMETER;
	llist_for_each_entry(other, &inst->df->pins, entry) {
		if (other->ref == c.ref)
			return INSTALL_INVALID_PARAMETER;
	}
	pin = talloc_zero(inst->df, struct usim_pin);
	if (!pin)
		return INSTALL_MEMORY_FAILURE;
	pin->ref = c.ref;
	memcpy(pin->value, c.value, sizeof(pin->value));
	pin->attr = c.attr;
	pin->max = c.tries >> 4;
	pin->left = c.tries & 15;
	pin->puk = c.puk;
	llist_add_tail(&pin->entry, &inst->df->pins);
	return install_account(inst, INSTALL_FILE_COST);
}

enum install_status install_pins(struct install *inst, const struct upp_pe *pe)
{
	enum install_status st;
	struct tlv wrap, choice, cfg;
	struct usim_file *df;
	struct rd r;
	int rc;

	if (!inst->df)
		return INSTALL_INVALID_PARAMETER;
	if (tlv_find(pe->t.v, pe->t.len, 0xA1, &wrap) < 0)
		return INSTALL_INVALID_REQUEST;
	rd_init(&r, wrap.v, wrap.len);
	if (tlv_next(&r, &choice) <= 0)
		return INSTALL_INVALID_REQUEST;
	if (choice.tag == 0x81) {	/* the codes of another DF */
		df = choice.len <= 8 && choice.len % 2 == 0 ? fs_path(inst->fs, choice.v, choice.len) : NULL;
		if (!df || df->fd != UPP_FD_DF || df == inst->df || df->pins_of)
			return INSTALL_INVALID_PARAMETER;
		inst->df->pins_of = df;
		return INSTALL_OK;
	}
	if (choice.tag != 0xA0)
		return INSTALL_INVALID_REQUEST;
	rd_init(&r, choice.v, choice.len);
	while ((rc = tlv_next(&r, &cfg)) > 0) {
		st = install_pin(inst, &cfg);
		if (st != INSTALL_OK)
			return st;
	}
	return rc < 0 ? INSTALL_INVALID_REQUEST : INSTALL_OK;
}

enum install_status install_puks(struct install *inst, const struct upp_pe *pe)
{
	enum install_status st;
	struct install_code c;
	struct tlv list, cfg;
	struct usim_puk *puk;
	struct rd r;
	int rc;

	if (tlv_find(pe->t.v, pe->t.len, 0xA1, &list) < 0)
		return INSTALL_INVALID_REQUEST;
	rd_init(&r, list.v, list.len);
	while ((rc = tlv_next(&r, &cfg)) > 0) {
		if (cfg.tag != 0x30 || install_code_dec(&c, &cfg, true) < 0 || !c.ref || c.ref > 0xFF)
			return INSTALL_BAD_VALUES;
		if (fs_puk(inst->fs, c.ref))
			return INSTALL_INVALID_PARAMETER;
		puk = talloc_zero(inst->fs, struct usim_puk);
		if (!puk)
			return INSTALL_MEMORY_FAILURE;
		puk->ref = c.ref;
		memcpy(puk->value, c.value, sizeof(puk->value));
		puk->max = c.tries >> 4;
		puk->left = c.tries & 15;
		llist_add_tail(&puk->entry, &inst->fs->puks);
		st = install_account(inst, INSTALL_FILE_COST);
		if (st != INSTALL_OK)
			return st;
	}
	return rc < 0 ? INSTALL_INVALID_REQUEST : INSTALL_OK;
}

static enum install_status install_pins_of(const struct usim_file *df)
{
	enum install_status st;
	struct usim_file *f;
	unsigned i;

	for (i = 0; i < df->pin_do_len; i++) {
		if (!fs_pin(df, df->pin_do[i]))
			return INSTALL_PIN_CODE_MISSING;
	}
	llist_for_each_entry(f, &df->children, entry) {
		if (f->fd != UPP_FD_DF)
			continue;
		st = install_pins_of(f);
		if (st != INSTALL_OK)
			return st;
	}
	return INSTALL_OK;
}

/* At `end`: every code a pinStatusTemplateDO names must be there. */
enum install_status install_pins_complete(const struct usim_fs *fs)
{
	return fs->mf ? install_pins_of(fs->mf) : INSTALL_INVALID_PARAMETER;
}

/* akaParameter ------------------------------------------------------------ */

static const uint8_t install_r_default[5] = { 0x40, 0x00, 0x20, 0x40, 0x60 };
static const uint8_t install_c_default[5] = { 0, 1, 2, 4, 8 };

static int install_algo_field(struct usim_aka *aka, const struct tlv *t)
{
	switch (t->tag) {
	case 0x80:
		if (t->len != 1 || t->v[0] < USIM_ALGO_MILENAGE || t->v[0] > USIM_ALGO_XOR)
			return -EINVAL;
		aka->algo = t->v[0];
		return 0;
	case 0x81:
		if (t->len != 1)
			return -EINVAL;
		aka->options = t->v[0];
		return 0;
	case 0x82:
		if (t->len != 16 && t->len != 32)
			return -EINVAL;
		talloc_free(aka->k);
		aka->k = key_new(aka, KEY_TYPE_AES, t->v, t->len);
		return aka->k ? 0 : -EINVAL;
	case 0x83:
		if (t->len != 16 && t->len != 32)
			return -EINVAL;
		memcpy(aka->opc, t->v, t->len);
		return 0;
	case 0x84:
		if (t->len != sizeof(aka->r))
			return -EINVAL;
		memcpy(aka->r, t->v, t->len);
		return 0;
	case 0x85:
		if (t->len != sizeof(aka->c))
			return -EINVAL;
		memcpy(aka->c, t->v, t->len);
		return 0;
	case 0x87:
		if ((t->len != 1 && (t->len != 2 || t->v[0])) || !t->v[t->len - 1])
			return -EINVAL;
		aka->keccak = t->v[t->len - 1];
		return 0;
	}
	return 0;
}

static int install_algo(struct usim_aka *aka, const struct tlv *algo)
{
	struct tlv t;
	struct rd r;
	int rc;

	rd_init(&r, algo->v, algo->len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		if (install_algo_field(aka, &t) < 0)
			return -EINVAL;
	}
	if (rc < 0 || !aka->algo || !aka->k)
		return -EINVAL;
	return aka->algo != USIM_ALGO_TUAK && key_len(aka->k) != 16 ? -EINVAL : 0;
}

static int install_u48(uint64_t *v, const struct tlv *t)
{
	*v = 0;
	if (t->len != 6)
		return -EINVAL;
	for (size_t i = 0; i < t->len; i++)
		*v = *v << 8 | t->v[i];
	return *v > INSTALL_SQN_MAX ? -EINVAL : 0;
}

static int install_sqn_init(struct usim_aka *aka, const struct tlv *list)
{
	unsigned n = 0;
	struct tlv t;
	struct rd r;
	int rc;

	rd_init(&r, list->v, list->len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		if (t.tag != 0x04 || n == 32 || install_u48(&aka->sqn[n++], &t) < 0)
			return -EINVAL;
	}
	return rc < 0 || n != 32 ? -EINVAL : 0;
}

static int install_mapping(struct usim_aka *aka, const struct tlv *map)
{
	struct tlv t;

	return tlv_find(map->v, map->len, 0x81, &t) < 0 ? -EINVAL : aid_from_bytes(&aka->map, t.v, t.len);
}

static int install_aka_field(struct usim_aka *aka, const struct tlv *t)
{
	struct tlv choice;
	struct rd r;

	switch (t->tag) {
	case 0xA1:
		rd_init(&r, t->v, t->len);
		if (tlv_next(&r, &choice) <= 0)
			return -EINVAL;
		return choice.tag == 0xA1 ? install_algo(aka, &choice) :
		       choice.tag == 0xA0 ? install_mapping(aka, &choice) : -EINVAL;
	case 0x82:
		if (t->len != 1)
			return -EINVAL;
		aka->sqn_options = t->v[0];
		return 0;
	case 0x83:
		return install_u48(&aka->sqn_delta, t);
	case 0x84:
		return install_u48(&aka->sqn_age, t);
	case 0xA5:
		return install_sqn_init(aka, t);
	}
	return 0;
}

enum install_status install_aka(struct install *inst, const struct upp_pe *pe)
{
	struct usim_aka *aka;
	struct tlv t;
	struct rd r;
	int rc;

	if (!inst->df || !inst->df->aid.len || inst->df->aka)
		return INSTALL_INVALID_PARAMETER;	/* belongs to an application's directory */
	aka = talloc_zero(inst->df, struct usim_aka);
	if (!aka)
		return INSTALL_MEMORY_FAILURE;
	memcpy(aka->r, install_r_default, sizeof(aka->r));
	for (unsigned i = 0; i < 5; i++)
		aka->c[i][15] = install_c_default[i];
	aka->keccak = 1;
	aka->sqn_options = 0x02;
	aka->sqn_delta = aka->sqn_age = 0x10000000;
	inst->df->aka = aka;
	rd_init(&r, pe->t.v, pe->t.len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		if (install_aka_field(aka, &t) < 0)
			return INSTALL_BAD_VALUES;
	}
	if (rc < 0 || (!aka->algo && !aka->map.len))
		return INSTALL_INVALID_REQUEST;
	return install_account(inst, 64);
}
