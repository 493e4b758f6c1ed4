/* READ and UPDATE BINARY and RECORD, INCREASE (TS 102 221 11.1.3 to 11.1.8).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/profile/upp.h>

#include "usim_priv.h"

static struct usim_file *usim_by_sfi(struct usim *u, uint8_t sfi)
{
	struct usim_file *f;

	llist_for_each_entry(f, &u->df->children, entry) {
		if (f->fd != UPP_FD_DF && sfi && f->sfi == sfi)
			return f;
	}
	return NULL;
}

/* The file a command means: by short identifier (which selects it) or the current one. */
static uint16_t usim_ef(struct usim *u, uint8_t sfi, bool by_sfi, unsigned mode, struct usim_file **out)
{
	struct usim_file *f = by_sfi ? usim_by_sfi(u, sfi) : u->ef;

	if (!f)
		return by_sfi ? USIM_SW_NOT_FOUND : USIM_SW_NO_EF;
	if (f != u->ef) {
		u->ef = f;
		u->rec = 0;
	}
	if (!usim_allowed(u, f, mode))
		return USIM_SW_SECURITY;
	*out = (struct usim_file *)fs_target(f);
	return (*out)->body ? USIM_SW_OK : USIM_SW_NOT_FOUND;
}

static uint16_t usim_binary(struct usim *u, const struct apdu_cmd *a, unsigned mode, struct usim_file **f, size_t *off)
{
	bool by_sfi = a->p1 & 0x80;
	uint16_t sw;

	if (by_sfi && a->p1 & 0x60)
		return USIM_SW_P1P2;
	sw = usim_ef(u, a->p1 & 0x1F, by_sfi, mode, f);
	if (sw != USIM_SW_OK)
		return sw;
	if ((*f)->fd != UPP_FD_TR)
		return USIM_SW_INCOMPATIBLE;
	*off = by_sfi ? a->p2 : a->p1 << 8 | a->p2;
	return *off > (*f)->size ? USIM_SW_OFFSET : USIM_SW_OK;
}

uint16_t usim_read_binary(struct usim *u, const struct apdu_cmd *a, struct bytes *resp)
{
	struct usim_file *f;
	size_t off, n, rest;
	uint16_t sw = usim_binary(u, a, USIM_AM_READ, &f, &off);

	if (sw != USIM_SW_OK)
		return sw;
	rest = f->size - off;
	if (a->le > rest)
		return USIM_SW_WRONG_LE | rest;
	n = a->le ? a->le : OSMO_MIN(rest, 256);
	bytes_put(resp, f->body + off, n);
	return USIM_SW_OK;
}

uint16_t usim_update_binary(struct usim *u, const struct apdu_cmd *a, struct bytes *resp)
{
	struct usim_file *f;
	size_t off;
	uint16_t sw = usim_binary(u, a, USIM_AM_UPDATE, &f, &off);

	if (sw != USIM_SW_OK)
		return sw;
	if (!a->lc || a->lc > f->size - off)
		return USIM_SW_LENGTH;
	memcpy(f->body + off, a->data, a->lc);
	usim_touch(u, f);
	return USIM_SW_OK;
}

/* Records: number in P1 (0 = current), or next/previous of the record pointer; cyclic files wrap. */
static uint16_t usim_record_no(struct usim *u, const struct apdu_cmd *a, const struct usim_file *f, unsigned *rec)
{
	switch (a->p2 & 0x07) {
	case 0x02:
		*rec = u->rec + 1;
		if (*rec > f->recs && f->fd == UPP_FD_CY)
			*rec = 1;
		break;
	case 0x03:
		*rec = u->rec ? u->rec - 1 : f->recs;
		if (!*rec && f->fd == UPP_FD_CY)
			*rec = f->recs;
		break;
	case 0x04:
		*rec = a->p1 ? a->p1 : u->rec;
		break;
	default:
		return USIM_SW_P1P2;
	}
	return *rec && *rec <= f->recs ? USIM_SW_OK : USIM_SW_NO_RECORD;
}

static uint16_t usim_record_file(struct usim *u, const struct apdu_cmd *a, unsigned mode, struct usim_file **f)
{
	uint16_t sw = usim_ef(u, a->p2 >> 3, a->p2 >> 3, mode, f);

	if (sw != USIM_SW_OK)
		return sw;
	return (*f)->fd == UPP_FD_LF || (*f)->fd == UPP_FD_CY ? USIM_SW_OK : USIM_SW_INCOMPATIBLE;
}

uint16_t usim_read_record(struct usim *u, const struct apdu_cmd *a, struct bytes *resp)
{
	struct usim_file *f;
	unsigned rec;
	uint16_t sw = usim_record_file(u, a, USIM_AM_READ, &f);

	if (sw == USIM_SW_OK)
		sw = usim_record_no(u, a, f, &rec);
	if (sw != USIM_SW_OK)
		return sw;
	if (a->le && a->le != f->rec_len)
		return USIM_SW_WRONG_LE | f->rec_len;
	if ((a->p2 & 0x07) != 0x04)
		u->rec = rec;
	bytes_put(resp, f->body + (rec - 1) * f->rec_len, f->rec_len);
	return USIM_SW_OK;
}

/* The oldest record gives way; the new one is number 1. */
static void usim_cyclic_push(struct usim_file *f, const uint8_t *v)
{
	memmove(f->body + f->rec_len, f->body, f->size - f->rec_len);
	memcpy(f->body, v, f->rec_len);
}

uint16_t usim_update_record(struct usim *u, const struct apdu_cmd *a, struct bytes *resp)
{
	struct usim_file *f;
	unsigned rec;
	uint16_t sw = usim_record_file(u, a, USIM_AM_UPDATE, &f);

	if (sw != USIM_SW_OK)
		return sw;
	if (a->lc != f->rec_len)
		return USIM_SW_LENGTH;
	if (f->fd == UPP_FD_CY) {	/* only "previous" is allowed (TS 102 221 11.1.6) */
		if ((a->p2 & 0x07) != 0x03 || !f->recs)
			return USIM_SW_P1P2;
		usim_cyclic_push(f, a->data);
		u->rec = 1;
		usim_touch(u, f);
		return USIM_SW_OK;
	}
	sw = usim_record_no(u, a, f, &rec);
	if (sw != USIM_SW_OK)
		return sw;
	if ((a->p2 & 0x07) != 0x04)
		u->rec = rec;
	memcpy(f->body + (rec - 1) * f->rec_len, a->data, a->lc);
	usim_touch(u, f);
	return USIM_SW_OK;
}

/* INCREASE: the newest record plus a value becomes a new record; both are answered (TS 102 221 11.1.8). */
uint16_t usim_increase(struct usim *u, const struct apdu_cmd *a, struct bytes *resp)
{
	struct usim_file *f;
	uint8_t sum[255];
	unsigned carry = 0, i;
	uint16_t sw = usim_ef(u, a->p1 & 0x1F, a->p1, USIM_AM_INCREASE, &f);

	if (sw != USIM_SW_OK)
		return sw;
	if (f->fd != UPP_FD_CY || !f->recs)
		return USIM_SW_INCOMPATIBLE;
	if (!a->lc || a->lc > f->rec_len)
		return USIM_SW_LENGTH;
	for (i = 0; i < f->rec_len; i++) {
		carry += f->body[f->rec_len - 1 - i] + (i < a->lc ? a->data[a->lc - 1 - i] : 0);
		sum[f->rec_len - 1 - i] = carry;
		carry >>= 8;
	}
	if (carry)
		return 0x9850;	/* maximum value reached */
	usim_cyclic_push(f, sum);
	usim_touch(u, f);
	bytes_put(resp, sum, f->rec_len);
	bytes_put(resp, a->data, a->lc);
	return USIM_SW_OK;
}
