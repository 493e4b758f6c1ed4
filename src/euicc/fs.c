/* The file system a profile's installation builds: files, codes, authentication data, security domains; lookups and a
 * dump for people and tests.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/util/misc.h>

#include "fs.h"

static int fs_destructor(struct usim_fs *fs)
{
	struct usim_puk *puk;

	llist_for_each_entry(puk, &fs->puks, entry)
		secret_wipe(puk->value, sizeof(puk->value));
	return 0;
}

struct usim_fs *fs_new(void *ctx)
{
	struct usim_fs *fs = talloc_zero(ctx, struct usim_fs);

	if (!fs)
		return NULL;
	INIT_LLIST_HEAD(&fs->puks);
	INIT_LLIST_HEAD(&fs->sds);
	INIT_LLIST_HEAD(&fs->rfms);
	talloc_set_destructor(fs, fs_destructor);
	fs->upp = bytes_new(fs, 0);
	if (!fs->upp) {
		talloc_free(fs);
		return NULL;
	}
	bytes_secret(fs->upp);
	return fs;
}

static int fs_file_destructor(struct usim_file *f)
{
	struct usim_pin *pin;

	llist_for_each_entry(pin, &f->pins, entry)
		secret_wipe(pin->value, sizeof(pin->value));
	if (f->aka)
		secret_wipe(f->aka->opc, sizeof(f->aka->opc));
	return 0;
}

struct usim_file *fs_file_new(struct usim_fs *fs, struct usim_file *parent, uint16_t fid, uint8_t fd)
{
	struct usim_file *f = talloc_zero(fs, struct usim_file);

	if (!f)
		return NULL;
	f->parent = parent;
	f->fid = fid;
	f->fd = fd;
	f->lcsi = 0x05;
	INIT_LLIST_HEAD(&f->children);
	INIT_LLIST_HEAD(&f->pins);
	talloc_set_destructor(f, fs_file_destructor);
	if (parent)
		llist_add_tail(&f->entry, &parent->children);
	else
		INIT_LLIST_HEAD(&f->entry);
	return f;
}

struct usim_file *fs_child(const struct usim_file *df, uint16_t fid)
{
	struct usim_file *f;

	llist_for_each_entry(f, &df->children, entry) {
		if (f->fid == fid)
			return f;
	}
	return NULL;
}

struct usim_file *fs_adf(const struct usim_fs *fs, const uint8_t *aid, size_t len)
{
	struct usim_file *f;

	if (!fs->mf || !len)
		return NULL;
	llist_for_each_entry(f, &fs->mf->children, entry) {
		if (f->aid.len >= len && !memcmp(f->aid.b, aid, len))
			return f;
	}
	return NULL;
}

struct usim_file *fs_adf_fid(const struct usim_fs *fs, uint16_t fid)
{
	struct usim_file *f = fs->mf ? fs_child(fs->mf, fid) : NULL;

	return f && f->aid.len ? f : NULL;
}

struct usim_file *fs_path(const struct usim_fs *fs, const uint8_t *path, size_t len)
{
	struct usim_file *f = fs->mf;
	size_t i;

	for (i = 0; f && i + 1 < len; i += 2)
		f = fs_child(f, path[i] << 8 | path[i + 1]);
	return f;
}

const struct usim_file *fs_target(const struct usim_file *f)
{
	unsigned hops;

	for (hops = 0; f->link && hops < 8; hops++)
		f = f->link;
	return f;
}

uint8_t *fs_body(const struct usim_file *f, size_t *size)
{
	f = fs_target(f);
	*size = f->size;
	return f->body;
}

static struct usim_pin *fs_pin_in(const struct usim_file *df, uint8_t ref)
{
	struct usim_pin *pin;

	llist_for_each_entry(pin, &df->pins, entry) {
		if (pin->ref == ref)
			return pin;
	}
	return NULL;
}

struct usim_pin *fs_pin(const struct usim_file *df, uint8_t ref)
{
	struct usim_pin *pin;

	while (df && !(ref & 0x80) && df->parent)
		df = df->parent;
	for (; df; df = df->parent) {
		pin = fs_pin_in(df, ref);
		if (!pin && df->pins_of)
			pin = fs_pin_in(df->pins_of, ref);
		if (pin)
			return pin;
	}
	return NULL;
}

struct usim_puk *fs_puk(const struct usim_fs *fs, uint8_t ref)
{
	struct usim_puk *puk;

	llist_for_each_entry(puk, &fs->puks, entry) {
		if (puk->ref == ref)
			return puk;
	}
	return NULL;
}

struct usim_sd *fs_sd(const struct usim_fs *fs, const struct aid *aid)
{
	struct usim_sd *sd;

	llist_for_each_entry(sd, &fs->sds, entry) {
		if (!aid || aid_eq(&sd->aid, aid))
			return sd;
	}
	return NULL;
}

const struct usim_key *fs_sd_key(const struct usim_sd *sd, uint8_t kvn, uint8_t kid)
{
	unsigned i;

	for (i = 0; i < sd->n_keys; i++) {
		if (sd->keys[i].kvn == kvn && sd->keys[i].kid == kid)
			return &sd->keys[i];
	}
	return NULL;
}

/* 3GPP USIM applications have the PIX 1002 (TS 101 220 annex E). */
const char *fs_imsi(const struct usim_fs *fs, char out[16])
{
	static const uint8_t usim[] = { 0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02 };
	struct usim_file *adf = fs_adf(fs, usim, sizeof(usim)), *ef = adf ? fs_child(adf, 0x6F07) : NULL;
	char digits[32];
	uint8_t *body;
	size_t size;

	if (!ef)
		return NULL;
	body = fs_body(ef, &size);
	if (!body || size < 9 || !body[0] || body[0] > 8)
		return NULL;
	out[0] = '0' + (body[1] >> 4) % 10;
	if (bcd_swapped_dec(digits, sizeof(digits), body + 2, body[0] - 1) < 0)
		return NULL;
	snprintf(out + 1, 15, "%.14s", digits);
	return out;
}

/* Dump ------------------------------------------------------------ */

static void fs_dump_put(struct bytes *out, const char *text)
{
	bytes_put(out, text, strlen(text));
}

static void fs_dump_file(struct bytes *out, const struct usim_file *f, const char *prefix)
{
	char path[48], line[160], aid[AID_STR_SIZE];
	struct usim_file *c;
	size_t size, i;
	uint8_t *body;
	char *hex;

	snprintf(path, sizeof(path), "%s%s%04X", prefix, *prefix ? "/" : "", f->fid);
	if (f->fd == UPP_FD_DF) {
		snprintf(line, sizeof(line), "%s DF%s%s arr=%04X:%u\n", path, f->aid.len ? " aid=" : "",
			 f->aid.len ? aid_str(aid, &f->aid) : "", f->arr_fid, f->arr_rec);
		fs_dump_put(out, line);
		llist_for_each_entry(c, &f->children, entry)
			fs_dump_file(out, c, path);
		return;
	}
	body = fs_body(f, &size);
	snprintf(line, sizeof(line), "%s %02X size=%zu rec=%u sfi=%02X arr=%04X:%u link=%u", path, f->fd, size,
		 fs_target(f)->rec_len, f->sfi, f->arr_fid, f->arr_rec, !!f->link);
	fs_dump_put(out, line);
	for (i = 0; body && i < size; i += fs_target(f)->rec_len ? fs_target(f)->rec_len : size) {
		size_t n = fs_target(f)->rec_len ? fs_target(f)->rec_len : size;

		hex = bytes_hex(out, body + i, n);
		fs_dump_put(out, " ");
		if (hex)
			fs_dump_put(out, hex);
		talloc_free(hex);
	}
	fs_dump_put(out, "\n");
}

int fs_dump(struct bytes *out, const struct usim_fs *fs)
{
	if (fs->mf)
		fs_dump_file(out, fs->mf, "");
	return out->err;
}
