/* Elements that create files: the template elements and generic file management (SAIP 8.3, annex A; digest 3).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>
#include <talloc.h>

#include "install_priv.h"

/* Where the rule of a file stands when only a record number is given. */
static uint16_t install_arr_implied(const struct install *inst, const struct usim_file *f)
{
	return !f->parent || f->parent == inst->fs->mf ? 0x2F06 : 0x6F06;
}

static enum install_status install_body(struct install *inst, struct usim_file *f, const struct upp_file_shape *s,
					const struct upp_file_def *def, const struct upp_fcp *fcp, const uint8_t *items,
					size_t items_len)
{
	f->rec_len = s->rec_len;
	f->recs = s->recs;
	f->size = s->size;
	f->body = talloc_zero_size(f, s->size ? s->size : 1);
	if (!f->body)
		return INSTALL_MEMORY_FAILURE;
	upp_file_init(f->body, s, def, fcp);
	return upp_file_write(f->body, f->size, items, items_len) < 0 ? INSTALL_INVALID_PARAMETER : INSTALL_OK;
}

static enum install_status install_link(struct install *inst, struct usim_file *f, const struct upp_fcp *fcp,
					bool items)
{
	f->link = fs_path(inst->fs, fcp->link, fcp->link_len);
	if (!f->link || f->link == f || f->link->fd == UPP_FD_DF || items)
		return INSTALL_INVALID_PARAMETER;	/* the target must have been made before (digest 11.10) */
	f->link = (struct usim_file *)fs_target(f->link);
	f->rec_len = f->link->rec_len;
	f->recs = f->link->recs;
	return INSTALL_OK;
}

static void install_attributes(struct install *inst, struct usim_file *f, const struct upp_fcp *fcp,
			       const struct upp_file_def *def)
{
	f->special = def && def->flags & UPP_F_HU ? 0x80 : 0;
	f->arr_fid = install_arr_implied(inst, f);
	if (!fcp)
		return;
	f->lcsi = fcp->lcsi;
	if (fcp->has_special)
		f->special = fcp->special;
	if (fcp->has_arr) {
		f->arr_rec = fcp->arr_rec;
		if (fcp->arr_fid)
			f->arr_fid = fcp->arr_fid;
	}
	f->pin_do_len = fcp->pin_do_len;
	memcpy(f->pin_do, fcp->pin_do, fcp->pin_do_len);
}

/* One file under df (NULL: the MF itself). */
static enum install_status install_create(struct install *inst, struct usim_file *df, const struct upp_file_def *def,
					  const struct upp_fcp *fcp, const uint8_t *items, size_t items_len,
					  size_t content, struct usim_file **out)
{
	struct upp_file_shape s;
	struct usim_file *f;
	enum install_status st;

	if (upp_file_shape(&s, def, fcp, content) < 0)
		return INSTALL_BAD_VALUES;
	if (fcp && fcp->aid.len)
		df = inst->fs->mf;
	if (df ? fs_child(df, s.fid) || df->fd != UPP_FD_DF : !!inst->fs->mf)
		return INSTALL_INVALID_PARAMETER;
	if (fcp && fcp->aid.len && (s.fd != UPP_FD_DF || fs_adf(inst->fs, fcp->aid.b, fcp->aid.len)))
		return INSTALL_INVALID_PARAMETER;
	if (++inst->n_files > INSTALL_FILES_MAX)
		return INSTALL_NOT_ENOUGH_MEMORY;
	st = install_account(inst, INSTALL_FILE_COST + s.size);
	if (st != INSTALL_OK)
		return st;
	f = fs_file_new(inst->fs, df, s.fid, s.fd);
	if (!f)
		return INSTALL_MEMORY_FAILURE;
	if (!df)
		inst->fs->mf = f;
	f->sfi = s.sfi;
	if (fcp && fcp->aid.len) {
		f->aid = fcp->aid;
		inst->fs->adfs++;
	}
	install_attributes(inst, f, fcp, def);
	*out = f;
	if (s.fd == UPP_FD_DF)
		return items_len ? INSTALL_INVALID_PARAMETER : INSTALL_OK;
	if (fcp && fcp->has_link && fcp->link_len)
		return install_link(inst, f, fcp, items_len);
	return install_body(inst, f, &s, def, fcp, items, items_len);
}

/* Template elements ------------------------------------------------------------ */

struct install_tpl {
	const struct upp_template *t;
	struct usim_file *base;		/* the element's own DF or ADF, once known */
	struct usim_file *df;		/* where EFs go now: base or a sub-DF */
	const struct upp_file_def *df_def;	/* that sub-DF's line in the table */
	uint64_t seen[2];		/* lines of the table the element had */
};

static bool install_template_id(const struct upp_pe *pe, const struct upp_template *t)
{
	static const uint8_t base[] = { 0x67, 0x81, 0x0F, 0x01, 0x02 };
	struct tlv id;

	return tlv_find(pe->t.v, pe->t.len, 0x81, &id) == 0 && id.len >= sizeof(base) + 1 &&
	       id.len <= sizeof(base) + 2 && !memcmp(id.v, base, sizeof(base)) && id.v[sizeof(base)] == t->oid;
}

/* The DF an element's files stand in before it makes one of its own. */
static struct usim_file *install_template_base(struct install *inst, const struct upp_template *t)
{
	if (t->parent)
		return inst->fs->mf;
	if (t->pe == UPP_PE_OPT_ISIM)
		return inst->isim;
	return t->pe == UPP_PE_OPT_CSIM ? inst->csim : inst->usim;
}

static bool install_is_naa(uint32_t pe)
{
	return pe == UPP_PE_USIM || pe == UPP_PE_ISIM || pe == UPP_PE_CSIM;
}

/* The sub-DF a line of the table belongs to: the last DF above it. */
static const struct upp_file_def *install_def_df(const struct upp_template *t, const struct upp_file_def *def)
{
	while (def > t->files && def->fd != UPP_FD_DF)
		def--;
	return def->fd == UPP_FD_DF ? def : NULL;
}

static enum install_status install_template_df(struct install *inst, struct install_tpl *tpl,
					       const struct upp_file_def *def, const struct upp_file *file, bool first)
{
	struct upp_fcp fcp = file->has_fcp ? file->fcp : (struct upp_fcp){ .lcsi = 5 };
	struct usim_file *df = NULL, *parent = tpl->base;
	enum install_status st;

	if (first && tpl->t->pe == UPP_PE_MF)
		parent = NULL;
	if (first && install_is_naa(tpl->t->pe) && (!fcp.aid.len || !fcp.has_fid))
		return INSTALL_BAD_VALUES;
	fcp.has_fd = true;
	fcp.fd = UPP_FD_DF;
	fcp.has_sfi = true;
	st = install_create(inst, parent, def, &fcp, file->items, file->items_len, 0, &df);
	if (st != INSTALL_OK)
		return st;
	if (first)
		tpl->base = df;
	tpl->df = df;
	tpl->df_def = def;
	return INSTALL_OK;
}

static enum install_status install_template_file(struct install *inst, struct install_tpl *tpl, const struct tlv *t)
{
	const struct upp_file_def *def = upp_template_file(tpl->t, t->tag);
	const struct upp_file_def *owner;
	struct usim_file *made;
	struct upp_file file;
	bool first = t->tag == 0xA2 && tpl->t->pe != UPP_PE_OPT_USIM && tpl->t->pe != UPP_PE_OPT_ISIM &&
		     tpl->t->pe != UPP_PE_OPT_CSIM;

	if (tpl->t->n && !def)
		return INSTALL_OK;	/* a component of a later version */
	if (upp_file_dec(&file, t->v, t->len) < 0)
		return INSTALL_BAD_VALUES;
	if (def)
		tpl->seen[(def - tpl->t->files) / 64] |= 1ULL << (def - tpl->t->files) % 64;
	if (file.do_not_create && tpl->t->by_default && tpl->t->pe != UPP_PE_MF && !first)
		return INSTALL_OK;
	if (file.do_not_create && !tpl->t->by_default)
		return INSTALL_INVALID_PARAMETER;
	if (first || (def && def->fd == UPP_FD_DF) || (!def && file.has_fcp && file.fcp.fd == UPP_FD_DF))
		return install_template_df(inst, tpl, def, &file, first);
	owner = def ? install_def_df(tpl->t, def) : NULL;
	if (owner != tpl->df_def && tpl->t->n)
		return INSTALL_INVALID_PARAMETER;	/* its DF is not in the element */
	return install_create(inst, tpl->df, def, file.has_fcp ? &file.fcp : NULL, file.items, file.items_len,
			      file.content, &made);
}

/* Files of the table the element left out (digest 3.1: "created by default"). */
static enum install_status install_template_rest(struct install *inst, struct install_tpl *tpl)
{
	struct usim_file *made;
	enum install_status st;
	unsigned i;

	for (i = 0; i < tpl->t->n; i++) {
		const struct upp_file_def *def = &tpl->t->files[i];

		if (tpl->seen[i / 64] & 1ULL << i % 64)
			continue;
		if (def->flags & UPP_F_MANDATORY)
			return INSTALL_INVALID_PARAMETER;
		if (!tpl->t->by_default || def->flags & UPP_F_GIVEN || !def->size)
			continue;
		st = install_create(inst, tpl->base, def, NULL, NULL, 0, 0, &made);
		if (st != INSTALL_OK)
			return st;
	}
	return INSTALL_OK;
}

enum install_status install_template(struct install *inst, const struct upp_pe *pe)
{
	struct install_tpl tpl = { .t = upp_template(pe->t.tag) };
	enum install_status st;
	struct tlv t;
	struct rd r;
	int rc;

	if (!install_template_id(pe, tpl.t))
		return INSTALL_TEMPLATE_NOT_SUPPORTED;
	tpl.base = tpl.df = install_template_base(inst, tpl.t);
	if (!tpl.base && tpl.t->pe != UPP_PE_MF)
		return INSTALL_INVALID_PARAMETER;
	rd_init(&r, pe->t.v, pe->t.len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		if (t.tag == 0xA0 || t.tag == 0x81)
			continue;
		st = install_template_file(inst, &tpl, &t);
		if (st != INSTALL_OK)
			return st;
		if (!tpl.df)	/* the MF must come first in its element */
			return INSTALL_INVALID_PARAMETER;
	}
	if (rc < 0)
		return INSTALL_INVALID_REQUEST;
	inst->df = tpl.t->parent ? tpl.base : install_template_base(inst, tpl.t);
	if (tpl.t->pe == UPP_PE_USIM)
		inst->usim = tpl.base;
	else if (tpl.t->pe == UPP_PE_ISIM)
		inst->isim = tpl.base;
	else if (tpl.t->pe == UPP_PE_CSIM)
		inst->csim = tpl.base;
	return install_template_rest(inst, &tpl);
}

/* Generic file management ------------------------------------------------------------ */

/* createFCP and the fill items behind it (02/81), which are taken from r. */
static enum install_status install_gfm_create(struct install *inst, const struct tlv *t, struct rd *r)
{
	struct usim_file *made;
	const uint8_t *items = r->p;
	struct upp_fcp fcp;
	size_t content = 0;
	struct tlv item;
	struct rd ahead;

	if (upp_fcp_dec(&fcp, t->v, t->len) < 0 || !fcp.has_fid || !fcp.has_fd)
		return INSTALL_BAD_VALUES;
	if (!fcp.has_sfi && fcp.fd != UPP_FD_DF) {
		fcp.has_sfi = true;
		fcp.sfi = fcp.fid & 0x1F;
		if (fcp.sfi == 0x1F)
			fcp.sfi = 0;
	}
	for (ahead = *r; tlv_next(&ahead, &item) > 0 && (item.tag == 0x02 || item.tag == 0x81); *r = ahead) {
		if (item.tag == 0x81)
			content += item.len;
		else if (item.len && item.len <= 3)
			content += item.v[item.len - 1] | (item.len > 1 ? item.v[item.len - 2] << 8 : 0);
	}
	return install_create(inst, inst->df, NULL, &fcp, items, r->p - items, content, &made);
}

static enum install_status install_gfm_item(struct install *inst, const struct tlv *t, struct rd *r)
{
	struct usim_file *df;

	switch (t->tag) {
	case 0x80:
		df = t->len <= 8 && t->len % 2 == 0 ? fs_path(inst->fs, t->v, t->len) : NULL;
		if (!df || df->fd != UPP_FD_DF)
			return INSTALL_INVALID_PARAMETER;
		inst->df = df;
		return INSTALL_OK;
	case 0x62:
		return install_gfm_create(inst, t, r);
	case 0x02:
	case 0x81:
		return INSTALL_INVALID_PARAMETER;	/* content without a file */
	}
	return INSTALL_OK;
}

enum install_status install_gfm(struct install *inst, const struct upp_pe *pe)
{
	struct tlv list, cmd, t;
	struct rd outer, r;
	enum install_status st;
	int rc, rc2 = 0;

	if (!inst->fs->mf)
		return INSTALL_INVALID_PARAMETER;
	if (tlv_find(pe->t.v, pe->t.len, 0xA1, &list) < 0)
		return INSTALL_INVALID_REQUEST;
	inst->df = inst->fs->mf;
	rd_init(&outer, list.v, list.len);
	while ((rc = tlv_next(&outer, &cmd)) > 0) {
		if (cmd.tag != 0x30)
			return INSTALL_INVALID_REQUEST;
		rd_init(&r, cmd.v, cmd.len);
		while ((rc2 = tlv_next(&r, &t)) > 0) {
			st = install_gfm_item(inst, &t, &r);
			if (st != INSTALL_OK)
				return st;
		}
		if (rc2 < 0)
			return INSTALL_INVALID_REQUEST;
	}
	return rc < 0 ? INSTALL_INVALID_REQUEST : INSTALL_OK;
}
