/* Files of an installed profile as text for a person.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/profile/upp.h>

#include "usim.h"

static const uint8_t show_usim[] = { 0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02 };
static const uint8_t show_isim[] = { 0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x04 };

static const struct usim_file *show_step(const struct usim_fs *fs, const struct usim_file *f, unsigned long fid)
{
	if (fid == 0x3F00 || !f)
		return fid == 0x3F00 ? fs->mf : NULL;
	if (f == fs->mf && fid == 0x7FF0)
		return fs_adf(fs, show_usim, sizeof(show_usim));
	if (f == fs->mf && fid == 0x7FF2)
		return fs_adf(fs, show_isim, sizeof(show_isim));
	return fs_child(f, fid);
}

static const struct usim_file *show_find(const struct usim_fs *fs, const char *path)
{
	const struct usim_file *f = fs->mf;
	char *end;

	while (f && *path) {
		unsigned long fid = strtoul(path, &end, 16);

		if (end - path != 4 || (*end && *end != '/'))
			return NULL;
		f = show_step(fs, f, fid);
		path = *end ? end + 1 : end;
	}
	return f;
}

static const char *show_kind(uint8_t fd)
{
	static const struct value_string kinds[] = {
		{ UPP_FD_TR, "transparent" }, { UPP_FD_LF, "linear fixed" }, { UPP_FD_CY, "cyclic" },
		{ UPP_FD_DF, "directory" }, { UPP_FD_BT, "BER-TLV" }, { 0, NULL }
	};

	return get_value_string(kinds, fd);
}

static char *show_df(void *ctx, const struct usim_file *df)
{
	char aid[AID_STR_SIZE];
	struct usim_file *f;
	char *text;

	text = talloc_asprintf(ctx, "%04X directory%s%s\n", df->fid, df->aid.len ? " AID " : "",
			       df->aid.len ? aid_str(aid, &df->aid) : "");
	llist_for_each_entry(f, &df->children, entry) {
		if (text)
			text = talloc_asprintf_append(text, "  %04X %s\n", f->fid, show_kind(f->fd));
	}
	return text;
}

char *usim_show_ef(void *ctx, const struct usim_fs *fs, const char *path)
{
	const struct usim_file *f = show_find(fs, path);
	size_t size, i, n;
	uint8_t *body;
	char *text, *hex;

	if (!f)
		return talloc_strdup(ctx, "no such file\n");
	if (f->fd == UPP_FD_DF)
		return show_df(ctx, f);
	body = fs_body(f, &size);
	n = fs_target(f)->rec_len ? fs_target(f)->rec_len : size;
	text = talloc_asprintf(ctx, "%04X %s, %zu octets, access rule %04X record %u%s\n", f->fid, show_kind(f->fd),
			       size, f->arr_fid, f->arr_rec, f->link ? ", linked" : "");
	for (i = 0; body && n && i < size && text; i += n) {
		hex = bytes_hex(text, body + i, n);
		if (!hex)
			break;
		text = fs_target(f)->rec_len ? talloc_asprintf_append(text, "  %3zu %s\n", i / n + 1, hex)
					     : talloc_asprintf_append(text, "  %s\n", hex);
	}
	return text;
}
