/* UICC command layer: dispatch, selection and status (TS 102 221 11.1.1, 11.1.2).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/util/tlv.h>

#include "usim_priv.h"

struct usim *usim_new(void *ctx, struct usim_fs *fs)
{
	struct usim *u = talloc_zero(ctx, struct usim);

	if (u) {
		u->fs = fs;
		usim_reset(u);
	}
	return u;
}

static void usim_forget_pins(struct usim_file *df)
{
	struct usim_file *f;
	struct usim_pin *pin;

	llist_for_each_entry(pin, &df->pins, entry)
		pin->verified = false;
	llist_for_each_entry(f, &df->children, entry)
		usim_forget_pins(f);
}

void usim_reset(struct usim *u)
{
	u->df = u->fs->mf;
	u->adf = NULL;
	u->ef = NULL;
	u->rec = 0;
	u->privileged = false;
	usim_forget_pins(u->fs->mf);
}

void usim_privileged(struct usim *u, bool on)
{
	u->privileged = on;
}

bool usim_changed(struct usim *u)
{
	bool was = u->changed;

	u->changed = false;
	return was;
}

void usim_mark(struct usim *u)
{
	u->changed = true;
}

void usim_touch(struct usim *u, struct usim_file *f)
{
	f->dirty = true;
	u->changed = true;
}

/* FCP template (TS 102 221 11.1.1.3) ------------------------------------------------------------ */

/* PIN status template DO: which codes there are, and which of them are enabled. */
static void usim_fcp_pins(struct bytes *b, const struct usim_file *df)
{
	uint8_t v[3 + 3 * sizeof(df->pin_do)] = { 0x90, 0x01 };
	size_t len = 3, i;

	for (i = 0; i < df->pin_do_len; i++) {
		const struct usim_pin *pin = fs_pin(df, df->pin_do[i]);

		if (i < 8 && pin && pin->attr & 1)
			v[2] |= 0x80 >> i;
		v[len++] = 0x83;
		v[len++] = 0x01;
		v[len++] = df->pin_do[i];
	}
	tlv_put(b, 0xC6, v, len);
}

static void usim_fcp_descriptor(struct bytes *b, const struct usim_file *f)
{
	uint8_t v[5] = { f->fd, 0x21, 0, fs_target(f)->rec_len, fs_target(f)->recs };

	tlv_put(b, 0x82, v, f->fd == UPP_FD_LF || f->fd == UPP_FD_CY ? 5 : 2);
}

static void usim_fcp_u16(struct bytes *b, uint32_t tag, uint16_t v)
{
	const uint8_t buf[2] = { v >> 8, v };

	tlv_put(b, tag, buf, sizeof(buf));
}

static void usim_fcp(struct usim *u, const struct usim_file *f, struct bytes *resp)
{
	static const uint8_t uicc[] = { 0x80, 0x01, 0x71 };	/* clock stop, voltage classes */
	struct bytes *b = bytes_new(u, 512);
	const uint8_t arr[3] = { f->arr_fid >> 8, f->arr_fid, f->arr_rec };

	usim_fcp_descriptor(b, f);
	if (!f->aid.len)
		usim_fcp_u16(b, 0x83, f->fid);
	else
		tlv_put(b, 0x84, f->aid.b, f->aid.len);
	if (f->fd == UPP_FD_DF)
		tlv_put(b, 0xA5, uicc, sizeof(uicc));
	else if (f->special) {
		const uint8_t special[3] = { 0xC0, 0x01, f->special };

		tlv_put(b, 0xA5, special, sizeof(special));
	}
	tlv_put_u8(b, 0x8A, f->lcsi);
	if (f->arr_rec)
		tlv_put(b, 0x8B, arr, sizeof(arr));
	if (f->fd == UPP_FD_DF) {
		usim_fcp_pins(b, f);
	} else {
		usim_fcp_u16(b, 0x80, fs_target(f)->size);
		if (f->sfi)
			tlv_put_u8(b, 0x88, f->sfi << 3);
		else
			tlv_put(b, 0x88, NULL, 0);
	}
	tlv_put(resp, 0x62, b->data, b->len);
	talloc_free(b);
}

/* SELECT ------------------------------------------------------------ */

/* TS 102 221 8.4.1: what a file identifier may mean from here. */
static struct usim_file *usim_by_fid(struct usim *u, uint16_t fid)
{
	struct usim_file *f;

	if (fid == 0x3F00)
		return u->fs->mf;
	if (fid == 0x7FFF)
		return u->adf;
	f = fs_child(u->df, fid);
	if (f && !f->aid.len)	/* an ADF's FID was for installation only */
		return f;
	if (!u->df->parent)
		return NULL;
	if (!u->df->aid.len && u->df->fid == fid)
		return u->df;
	if (u->df->parent->fid == fid && !u->df->parent->aid.len)
		return u->df->parent;
	f = fs_child(u->df->parent, fid);
	return f && f->fd == UPP_FD_DF && !f->aid.len ? f : NULL;
}

static struct usim_file *usim_by_path(struct usim *u, const uint8_t *path, size_t len, struct usim_file *from)
{
	struct usim_file *f = from;
	size_t i;

	if (!len || len % 2)
		return NULL;
	for (i = 0; f && i < len; i += 2) {
		uint16_t fid = path[i] << 8 | path[i + 1];

		if (f->fd != UPP_FD_DF)
			return NULL;
		if (fid == 0x7FFF && i == 0) {
			f = u->adf;
			continue;
		}
		f = fs_child(f, fid);
		if (f && f->aid.len)
			return NULL;
	}
	return f;
}

static struct usim_file *usim_select_find(struct usim *u, const struct apdu_cmd *a)
{
	switch (a->p1) {
	case 0x00:
		if (!a->lc)
			return u->fs->mf;
		return a->lc == 2 ? usim_by_fid(u, a->data[0] << 8 | a->data[1]) : NULL;
	case 0x03:
		return a->lc ? NULL : u->df->parent;
	case 0x04:
		return fs_adf(u->fs, a->data, a->lc);
	case 0x08:
		return usim_by_path(u, a->data, a->lc, u->fs->mf);
	case 0x09:
		return usim_by_path(u, a->data, a->lc, u->df);
	}
	return NULL;
}

static struct usim_file *usim_adf_of(struct usim_file *f)
{
	while (f && !f->aid.len)
		f = f->parent;
	return f;
}

uint16_t usim_select(struct usim *u, const struct apdu_cmd *a, struct bytes *resp)
{
	struct usim_file *f = usim_select_find(u, a), *adf;

	if (!f)
		return USIM_SW_NOT_FOUND;
	u->rec = 0;
	if (f->fd == UPP_FD_DF) {
		u->df = f;
		u->ef = NULL;
	} else {
		u->df = f->parent;
		u->ef = f;
	}
	adf = usim_adf_of(f);
	if (adf)
		u->adf = adf;
	if ((a->p2 & 0x0C) == 0x0C)
		return USIM_SW_OK;
	usim_fcp(u, f, resp);
	return USIM_SW_OK;
}

/* STATUS (TS 102 221 11.1.2). */
uint16_t usim_status(struct usim *u, const struct apdu_cmd *a, struct bytes *resp)
{
	switch (a->p2) {
	case 0x00:
		usim_fcp(u, u->df, resp);
		return USIM_SW_OK;
	case 0x01:
		if (!u->adf)
			return USIM_SW_CONDITIONS;
		tlv_put(resp, 0x84, u->adf->aid.b, u->adf->aid.len);
		return USIM_SW_OK;
	case 0x0C:
		return USIM_SW_OK;
	}
	return USIM_SW_P1P2;
}

/* Dispatch ------------------------------------------------------------ */

static const struct {
	uint8_t ins;
	bool proprietary;	/* class 8x */
	uint16_t (*run)(struct usim *u, const struct apdu_cmd *a, struct bytes *resp);
} usim_table[] = {
	{ 0xA4, false, usim_select }, { 0xF2, true, usim_status },
	{ 0xB0, false, usim_read_binary }, { 0xD6, false, usim_update_binary },
	{ 0xB2, false, usim_read_record }, { 0xDC, false, usim_update_record }, { 0x32, true, usim_increase },
	{ 0x20, false, usim_pin }, { 0x24, false, usim_pin }, { 0x26, false, usim_pin }, { 0x28, false, usim_pin },
	{ 0x2C, false, usim_pin }, { 0x88, false, usim_authenticate },
};

static uint16_t usim_dispatch(struct usim *u, const uint8_t *apdu, size_t len, struct bytes *resp)
{
	struct apdu_cmd a;
	unsigned i;

	if (apdu_dec(&a, apdu, len) < 0)
		return USIM_SW_LENGTH;
	if ((a.cla & 0x70) != 0x00)	/* further interindustry classes, secure messaging: not here */
		return USIM_SW_CLA;
	for (i = 0; i < ARRAY_SIZE(usim_table); i++) {
		if (usim_table[i].ins != a.ins)
			continue;
		return usim_table[i].proprietary == !!(a.cla & 0x80) ? usim_table[i].run(u, &a, resp) : USIM_SW_CLA;
	}
	return USIM_SW_INS;
}

void usim_apdu(struct usim *u, const uint8_t *apdu, size_t len, struct bytes *resp)
{
	bytes_put_u16(resp, usim_dispatch(u, apdu, len, resp));
}
