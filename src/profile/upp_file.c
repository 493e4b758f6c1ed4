/* Fcp and file bodies (SAIP 8.3: File, FileManagement, Fcp, ProprietaryInfo).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/profile/upp_file.h>

#define UPP_FILE_SIZE_MAX (1U << 20)

static int upp_be(uint32_t *v, const struct tlv *t)
{
	size_t i;

	*v = 0;
	if (!t->len || t->len > 4)
		return -EINVAL;
	for (i = 0; i < t->len; i++)
		*v = *v << 8 | t->v[i];
	return 0;
}

/* 82: the shareable bit (0x40) says nothing to a card with one terminal; types come out as with the bit set. */
static int upp_fcp_fd(struct upp_fcp *f, const struct tlv *t)
{
	if (t->len < 2 || t->len > 4 || t->len == 3)
		return -EINVAL;
	f->has_fd = true;
	f->fd = t->v[0] | 0x40;
	if (t->len == 4)
		f->rec_len = t->v[2] << 8 | t->v[3];
	switch (f->fd) {
	case UPP_FD_TR:
	case UPP_FD_DF:
	case UPP_FD_BT:
		return 0;
	case UPP_FD_LF:
	case UPP_FD_CY:
		return t->len == 4 && f->rec_len && f->rec_len <= 255 ? 0 : -ERANGE;
	}
	return -ERANGE;
}

static int upp_fcp_arr(struct upp_fcp *f, const struct tlv *t)
{
	if (t->len != 1 && t->len != 3)
		return -EINVAL;
	f->has_arr = true;
	f->arr_rec = t->v[t->len - 1];
	f->arr_fid = t->len == 3 ? t->v[0] << 8 | t->v[1] : 0;
	return 0;
}

static int upp_fcp_proprietary(struct upp_fcp *f, const struct tlv *a5)
{
	struct tlv t;
	struct rd r;
	int rc;

	rd_init(&r, a5->v, a5->len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		switch (t.tag) {
		case 0xC0:
			if (t.len != 1)
				return -EINVAL;
			f->has_special = true;
			f->special = t.v[0];
			break;
		case 0xC1:
		case 0xC2:
			if (!t.len || t.len > 200)
				return -ERANGE;
			f->fill = t.v;
			f->fill_len = t.len;
			f->repeat = t.tag == 0xC2;
			break;
		case 0x86:
			if (upp_be(&f->max_size, &t) < 0)
				return -EINVAL;
			break;
		}
	}
	return rc;
}

static int upp_fcp_field(struct upp_fcp *f, const struct tlv *t)
{
	switch (t->tag) {
	case 0x82:
		return upp_fcp_fd(f, t);
	case 0x83:
		if (t->len != 2)
			return -EINVAL;
		f->has_fid = true;
		f->fid = t->v[0] << 8 | t->v[1];
		return 0;
	case 0x84:
		return aid_from_bytes(&f->aid, t->v, t->len);
	case 0x8A:
		if (t->len != 1)
			return -EINVAL;
		f->has_lcsi = true;
		f->lcsi = t->v[0];
		return 0;
	case 0x8B:
		return upp_fcp_arr(f, t);
	case 0x80:
		f->has_size = true;
		return upp_be(&f->size, t);
	case 0xC6:
		if (t->len > sizeof(f->pin_do))
			return -ERANGE;
		f->pin_do_len = t->len;
		memcpy(f->pin_do, t->v, t->len);
		return 0;
	case 0x88:
		if (t->len > 1)
			return -EINVAL;
		f->has_sfi = true;
		f->sfi = t->len ? t->v[0] >> 3 : 0;
		return 0;
	case 0xA5:
		return upp_fcp_proprietary(f, t);
	case 0xC7:
		if (t->len > 8 || t->len % 2)
			return -ERANGE;
		f->has_link = true;
		f->link = t->v;
		f->link_len = t->len;
		return 0;
	}
	return 0;	/* later versions */
}

int upp_fcp_dec(struct upp_fcp *f, const uint8_t *v, size_t len)
{
	struct tlv t;
	struct rd r;
	int rc;

	memset(f, 0, sizeof(*f));
	f->lcsi = 0x05;
	rd_init(&r, v, len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		rc = upp_fcp_field(f, &t);
		if (rc < 0)
			return rc;
	}
	return rc;
}

int upp_file_shape(struct upp_file_shape *s, const struct upp_file_def *def, const struct upp_fcp *fcp, size_t content)
{
	memset(s, 0, sizeof(*s));
	if (def) {
		s->fd = def->fd;
		s->fid = def->fid;
		s->sfi = def->sfi;
		s->rec_len = def->rec_len;
	}
	if (fcp && fcp->has_fd) {
		s->fd = fcp->fd;
		if (fcp->rec_len)
			s->rec_len = fcp->rec_len;
	}
	if (fcp && fcp->has_fid)
		s->fid = fcp->fid;
	if (fcp && fcp->has_sfi)
		s->sfi = fcp->sfi;
	if (!s->fid || !s->fd)
		return -EINVAL;
	if (s->fd == UPP_FD_DF || (fcp && fcp->has_link && fcp->link_len))
		return 0;
	if (s->fd == UPP_FD_TR || s->fd == UPP_FD_BT)
		s->rec_len = 0;
	else if (!s->rec_len)
		return -EINVAL;
	if (fcp && fcp->has_size)
		s->size = fcp->size;
	else if (def && def->size)
		s->size = def->size * (s->rec_len ? s->rec_len : 1);
	else if (s->fd == UPP_FD_BT)
		s->size = content;
	else	/* nobody says: what is written, in whole records, else one pattern */
		s->size = content ? content : fcp && fcp->fill_len ? fcp->fill_len : s->rec_len ? s->rec_len : 1;
	if (!(fcp && fcp->has_size) && s->rec_len && s->size % s->rec_len)
		s->size += s->rec_len - s->size % s->rec_len;
	if (s->size > UPP_FILE_SIZE_MAX || (s->rec_len && (s->size % s->rec_len || s->size / s->rec_len > 254)))
		return -EINVAL;
	s->recs = s->rec_len ? s->size / s->rec_len : 0;
	return 0;
}

static void upp_file_init_one(uint8_t *out, size_t len, const struct upp_file_def *def, const struct upp_fcp *fcp)
{
	if (fcp && fcp->fill)
		upp_fill(out, len, fcp->fill, fcp->fill_len, fcp->repeat);
	else if (def)
		upp_file_def_body(def, out, len);
	else
		memset(out, 0xFF, len);
}

void upp_file_init(uint8_t *body, const struct upp_file_shape *s, const struct upp_file_def *def,
		   const struct upp_fcp *fcp)
{
	unsigned i;

	if (!s->rec_len)
		upp_file_init_one(body, s->size, def, fcp);
	for (i = 0; i < s->recs; i++)
		upp_file_init_one(body + i * s->rec_len, s->rec_len, def, fcp);
}

int upp_file_dec(struct upp_file *f, const uint8_t *v, size_t len)
{
	struct tlv t;
	struct rd r;
	uint32_t off;
	int rc, n = 0;

	memset(f, 0, sizeof(*f));
	rd_init(&r, v, len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		n++;
		switch (t.tag) {
		case 0x80:
			f->do_not_create = true;
			break;
		case 0xA1:
			if (n > 1)	/* at most one, and first */
				return -EINVAL;
			f->has_fcp = true;
			rc = upp_fcp_dec(&f->fcp, t.v, t.len);
			if (rc < 0)
				return rc;
			break;
		case 0x82:
		case 0x83:
			if (!f->items)
				f->items = t.raw;
			f->items_len = t.raw + t.raw_len - f->items;
			if (t.tag == 0x82 && (upp_be(&off, &t) < 0 || off > 65535))
				return -ERANGE;
			f->content += t.tag == 0x82 ? off : t.len;
			break;
		}
	}
	return f->do_not_create && n > 1 ? -EINVAL : rc;
}

int upp_file_write(uint8_t *body, size_t size, const uint8_t *items, size_t len)
{
	size_t at = 0;
	struct tlv t;
	struct rd r;
	uint32_t off;
	int rc;

	rd_init(&r, items, len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		if (t.tag == 0x82 || t.tag == 0x02) {
			if (upp_be(&off, &t) < 0 || off > size - at)
				return -ENOSPC;
			at += off;
		} else if (t.tag == 0x83 || t.tag == 0x81) {
			if (t.len > size - at)
				return -ENOSPC;
			memcpy(body + at, t.v, t.len);
			at += t.len;
		}
	}
	return rc;
}

struct bytes *upp_file_body(void *ctx, struct upp_file_shape *s, const struct upp_file_def *def, const uint8_t *v,
			    size_t len)
{
	struct upp_file f;
	struct bytes *b;

	if (upp_file_dec(&f, v, len) < 0 || f.do_not_create || (f.has_fcp && f.fcp.has_link && f.fcp.link_len) ||
	    upp_file_shape(s, def, f.has_fcp ? &f.fcp : NULL, f.content) < 0)
		return NULL;
	b = bytes_new(ctx, s->size);
	if (!b || bytes_fill(b, 0xFF, s->size) < 0)
		goto fail;
	upp_file_init(b->data, s, def, f.has_fcp ? &f.fcp : NULL);
	if (upp_file_write(b->data, s->size, f.items, f.items_len) < 0)
		goto fail;
	return b;
fail:
	talloc_free(b);
	return NULL;
}
