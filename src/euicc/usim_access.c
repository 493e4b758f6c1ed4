/* Access rules in EF.ARR, expanded format (TS 102 221 9.2.4, ISO 7816-4 5.4.3.2): who may read, update, increase.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/util/tlv.h>

#include "usim_priv.h"

#define USIM_ACCESS_DEPTH 4

bool usim_pin_ok(const struct usim_file *df, uint8_t ref)
{
	const struct usim_pin *pin = fs_pin(df, ref);

	return pin && (pin->verified || !(pin->attr & 1));
}

/* A security condition: always, never, a key reference in A4, or a template of conditions (A0 any, AF all). */
static bool usim_condition(const struct usim_file *df, const struct tlv *sc, unsigned depth)
{
	struct tlv t;
	struct rd r;
	bool all;

	if (depth > USIM_ACCESS_DEPTH)
		return false;
	switch (sc->tag) {
	case 0x90:
		return true;
	case 0xA4:
		return tlv_find(sc->v, sc->len, 0x83, &t) == 0 && t.len == 1 && usim_pin_ok(df, t.v[0]);
	case 0xA0:
	case 0xAF:
		all = sc->tag == 0xAF;
		rd_init(&r, sc->v, sc->len);
		while (tlv_next(&r, &t) > 0) {
			if (usim_condition(df, &t, depth + 1) != all)
				return !all;
		}
		return all && !r.bad;
	}
	return false;	/* 97 never, and what we do not know */
}

/* One record: access mode DOs (80 mode octet, 84 instruction) each followed by its condition; FF is the filler. */
static bool usim_rule(const struct usim_file *df, const uint8_t *rec, size_t len, unsigned mode)
{
	bool match = false;
	struct tlv t;
	struct rd r;

	while (len && rec[len - 1] == 0xFF)
		len--;
	rd_init(&r, rec, len);
	while (tlv_next(&r, &t) > 0) {
		if (t.tag == 0x80 && t.len == 1)
			match = t.v[0] & 0x80 ? false : t.v[0] & mode & 0xFF;
		else if (t.tag == 0x84 && t.len >= 1)
			match = mode == USIM_AM_INCREASE && t.v[0] == 0x32;
		else if (match)
			return usim_condition(df, &t, 0);
		else
			match = false;
	}
	return false;
}

/* EF.ARR: 2F06 stands under the MF, 6F06 in the file's directory or the nearest one above. */
static const struct usim_file *usim_arr(const struct usim *u, const struct usim_file *f)
{
	const struct usim_file *df, *arr;

	if (f->arr_fid == 0x2F06)
		return fs_child(u->fs->mf, 0x2F06);
	for (df = f->parent; df; df = df->parent) {
		arr = fs_child(df, f->arr_fid);
		if (arr)
			return arr;
	}
	return NULL;
}

bool usim_allowed(struct usim *u, const struct usim_file *f, unsigned mode)
{
	const struct usim_file *arr;
	uint8_t *body;
	size_t size;

	if (u->privileged)
		return true;
	/* No rule stated: anybody reads; the user writes what the device keeps there, the operator all else */
	if (!f->arr_rec)
		return mode == USIM_AM_READ || usim_pin_ok(f->parent, f->special & 0x80 ? 0x01 : 0x0A);
	arr = usim_arr(u, f);
	if (!arr)
		return false;
	arr = fs_target(arr);
	body = fs_body(arr, &size);
	if (!body || f->arr_rec > arr->recs)
		return false;
	return usim_rule(f->parent, body + (f->arr_rec - 1) * arr->rec_len, arr->rec_len, mode);
}
