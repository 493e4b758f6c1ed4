/* securityDomain and rfm elements (SAIP 8.6, 8.7; digest 6, 7). Both are not auto-tagged: components keep universal
 * tags, and several share tag 4F, so their order counts.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>

#include "install_priv.h"

static uint32_t install_tar(const uint8_t *p)
{
	return p[0] << 16 | p[1] << 8 | p[2];
}

/* UICC toolkit parameters (TS 102 226 8.2.1.3.2.1): priority, timers, text length, menu entries with position and id,
 * channels, then MSL and TARs with their lengths. */
static int install_toolkit(struct usim_sd *sd, const struct tlv *t)
{
	const uint8_t *p;
	struct rd r;
	uint8_t n;

	rd_init(&r, t->v, t->len);
	rd_take(&r, 3);
	n = rd_u8(&r);
	rd_take(&r, 2 * n);
	rd_u8(&r);
	n = rd_u8(&r);
	p = rd_take(&r, n);
	if (p && n >= 2)
		sd->msl = p[1];
	n = rd_u8(&r);
	p = rd_take(&r, n);
	if (r.bad || n % 3 || n / 3 > (int)(sizeof(sd->tar) / sizeof(sd->tar[0])))
		return -EINVAL;
	for (sd->n_tar = 0; sd->n_tar < n / 3; sd->n_tar++)
		sd->tar[sd->n_tar] = install_tar(p + 3 * sd->n_tar);
	return 0;
}

static int install_sd_param(struct usim_sd *sd, const struct tlv *t)
{
	struct tlv toolkit;

	switch (t->tag) {
	case 0x82:
		if (t->len != 1 && t->len != 3)
			return -EINVAL;
		memcpy(sd->privileges, t->v, t->len);
		return 0;
	case 0x83:
		if (t->len != 1)
			return -EINVAL;
		sd->state = t->v[0];
		return 0;
	case 0xC9:
		return bytes_put(sd->params, t->v, t->len);
	case 0xEA:
		if (tlv_find(t->v, t->len, 0x80, &toolkit) < 0)
			return 0;
		return install_toolkit(sd, &toolkit);
	}
	return 0;
}

/* ApplicationInstance: load package, class, instance [, SD to be extradited to], then the rest. */
static int install_sd_instance(struct usim_sd *sd, const struct tlv *inst)
{
	unsigned aids = 0;
	struct tlv t;
	struct rd r;
	int rc;

	rd_init(&r, inst->v, inst->len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		if (t.tag != 0x4F)
			rc = install_sd_param(sd, &t);
		else if (++aids == 3)
			rc = aid_from_bytes(&sd->aid, t.v, t.len);
		if (rc < 0 || aids > 4)
			return -EINVAL;
	}
	return rc < 0 || aids < 3 ? -EINVAL : 0;
}

static int install_key_component(struct usim_sd *sd, struct usim_key *k, const struct tlv *list)
{
	struct tlv c, type, data, mac;
	struct rd r;

	rd_init(&r, list->v, list->len);
	if (tlv_next(&r, &c) <= 0 || c.tag != 0x30 || tlv_find(c.v, c.len, 0x80, &type) < 0 || type.len != 1 ||
	    tlv_find(c.v, c.len, 0x86, &data) < 0)
		return -EINVAL;
	k->type = type.v[0];
	k->mac_len = 8;
	if (tlv_find(c.v, c.len, 0x87, &mac) == 0 && mac.len == 1)
		k->mac_len = mac.v[0];
	if (k->type != KEY_TYPE_DES && k->type != KEY_TYPE_PSK && k->type != KEY_TYPE_AES)
		return -EINVAL;
	k->key = key_new(sd, k->type, data.v, data.len);
	return k->key ? 0 : -EINVAL;
}

static int install_key_field(struct usim_sd *sd, struct usim_key *k, const struct tlv *t)
{
	switch (t->tag) {
	case 0x95:
		k->usage = t->len ? t->v[0] : 0;
		return t->len == 1 || t->len == 2 ? 0 : -EINVAL;
	case 0x96:
		k->access = t->len ? t->v[0] : 0;
		return t->len == 1 ? 0 : -EINVAL;
	case 0x82:
		k->kid = t->len ? t->v[0] : 0;
		return t->len == 1 ? 0 : -EINVAL;
	case 0x83:
		k->kvn = t->len ? t->v[0] : 0;
		return t->len == 1 ? 0 : -EINVAL;
	case 0x85:
		if (t->len != sizeof(k->counter))
			return -EINVAL;
		memcpy(k->counter, t->v, t->len);
		return 0;
	case 0x30:
		return k->key ? 0 : install_key_component(sd, k, t);
	}
	return 0;
}

static int install_key(struct usim_sd *sd, const struct tlv *obj)
{
	struct usim_key *k = &sd->keys[sd->n_keys];
	struct tlv t;
	struct rd r;
	int rc;

	if (obj->tag != 0x30 || sd->n_keys == sizeof(sd->keys) / sizeof(sd->keys[0]))
		return -EINVAL;
	memset(k, 0, sizeof(*k));
	rd_init(&r, obj->v, obj->len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		if (install_key_field(sd, k, &t) < 0)
			return -EINVAL;
	}
	if (rc < 0 || !k->key || !k->kvn || fs_sd_key(sd, k->kvn, k->kid))
		return -EINVAL;
	sd->n_keys++;
	return 0;
}

static int install_sd_field(struct usim_sd *sd, const struct tlv *t)
{
	struct tlv item;
	struct rd r;
	int rc;

	if (t->tag == 0xA1)
		return install_sd_instance(sd, t);
	if (t->tag != 0xA2 && t->tag != 0xA3)
		return 0;
	rd_init(&r, t->v, t->len);
	while ((rc = tlv_next(&r, &item)) > 0) {
		rc = t->tag == 0xA2 ? install_key(sd, &item) : bytes_put(sd->perso, item.v, item.len);
		if (rc < 0)
			return rc;
	}
	return rc;
}

enum install_status install_sd(struct install *inst, const struct upp_pe *pe)
{
	struct usim_sd *sd = talloc_zero(inst->fs, struct usim_sd);
	struct tlv t;
	struct rd r;
	int rc;

	if (!sd)
		return INSTALL_MEMORY_FAILURE;
	sd->state = 0x07;
	sd->params = bytes_new(sd, 0);
	sd->perso = bytes_new(sd, 0);
	if (!sd->params || !sd->perso)
		return INSTALL_MEMORY_FAILURE;
	bytes_secret(sd->perso);
	rd_init(&r, pe->t.v, pe->t.len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		if (install_sd_field(sd, &t) < 0)
			return INSTALL_BAD_VALUES;
	}
	if (rc < 0 || !sd->aid.len)
		return INSTALL_INVALID_REQUEST;
	if (fs_sd(inst->fs, &sd->aid))
		return INSTALL_INVALID_PARAMETER;
	llist_add_tail(&sd->entry, &inst->fs->sds);
	return install_account(inst, 256 + sd->perso->len + sd->n_keys * 64);
}

static int install_rfm_tars(struct usim_rfm *rfm, const struct tlv *list)
{
	struct tlv t;
	struct rd r;
	int rc;

	rd_init(&r, list->v, list->len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		if (t.tag != 0x04 || t.len != 3 || rfm->n_tar == sizeof(rfm->tar) / sizeof(rfm->tar[0]))
			return -EINVAL;
		rfm->tar[rfm->n_tar++] = install_tar(t.v);
	}
	return rc;
}

/* heads counts the components tagged A0: first the PEHeader, then the tarList. */
static int install_rfm_field(struct usim_rfm *rfm, const struct tlv *t, unsigned *heads)
{
	struct tlv adf;

	switch (t->tag) {
	case 0xA0:
		return ++*heads == 2 ? install_rfm_tars(rfm, t) : 0;
	case 0x4F:
		return aid_from_bytes(rfm->aid.len ? &rfm->sd : &rfm->aid, t->v, t->len);
	case 0x81:
		rfm->msl = t->len ? t->v[0] : 0;
		return t->len == 1 ? 0 : -EINVAL;
	case 0x04:	/* uiccAccessDomain, then the administrative one */
		if (!rfm->domains++)
			rfm->full = t->len && !t->v[0];
		return 0;
	case 0x30:
		if (tlv_find(t->v, t->len, 0x81, &adf) == 0)
			rfm->full = adf.len && !adf.v[0];
		if (tlv_find(t->v, t->len, 0x80, &adf) < 0)
			return -EINVAL;
		return aid_from_bytes(&rfm->adf, adf.v, adf.len);
	}
	return 0;
}

enum install_status install_rfm(struct install *inst, const struct upp_pe *pe)
{
	struct usim_rfm *rfm = talloc_zero(inst->fs, struct usim_rfm);
	unsigned heads = 0;
	struct tlv t;
	struct rd r;
	int rc;

	if (!rfm)
		return INSTALL_MEMORY_FAILURE;
	rd_init(&r, pe->t.v, pe->t.len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		if (install_rfm_field(rfm, &t, &heads) < 0)
			return INSTALL_BAD_VALUES;
	}
	if (rc < 0 || !rfm->aid.len)
		return INSTALL_INVALID_REQUEST;
	if (!fs_sd(inst->fs, rfm->sd.len ? &rfm->sd : NULL))
		return INSTALL_INVALID_PARAMETER;	/* its security domain comes first */
	llist_add_tail(&rfm->entry, &inst->fs->rfms);
	return install_account(inst, 64);
}
