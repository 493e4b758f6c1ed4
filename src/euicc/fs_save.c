/* The state of a profile on disk: the package as received and what changed since (doc/formats/profile-state.md).
 * Installation is deterministic, so nothing else has to be kept.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/util/tlv.h>

#include "install.h"

#define FS_SAVE_VERSION 1
enum {
	FS_TAG_VERSION = 0xC0,
	FS_TAG_UPP = 0xC1,
	FS_TAG_FILE = 0xC2,
	FS_TAG_PIN = 0xC3,
	FS_TAG_PUK = 0xC4,
	FS_TAG_SQN = 0xC5,
	FS_TAG_KEY = 0xC6,
	FS_TAG_POL = 0xC7,
	FS_TAG_CONN = 0xC8
};
#define FS_DEPTH_MAX 8

/* Path from the MF: number of FIDs, then they. */
static void fs_save_path(struct bytes *b, const struct usim_file *f)
{
	uint16_t fid[FS_DEPTH_MAX];
	unsigned n = 0;

	for (; f->parent && n < FS_DEPTH_MAX; f = f->parent)
		fid[n++] = f->fid;
	bytes_put_u8(b, n);
	while (n)
		bytes_put_u16(b, fid[--n]);
}

static struct usim_file *fs_load_path(const struct usim_fs *fs, struct rd *r)
{
	size_t len = 2 * rd_u8(r);
	const uint8_t *path = rd_take(r, len);

	return path && len <= 2 * FS_DEPTH_MAX ? fs_path(fs, path, len) : NULL;
}

static void fs_save_df(struct bytes *out, struct bytes *b, const struct usim_file *df)
{
	struct usim_pin *pin;
	unsigned i;

	llist_for_each_entry(pin, &df->pins, entry) {
		bytes_clear(b);
		fs_save_path(b, df);
		bytes_put_u8(b, pin->ref);
		bytes_put(b, pin->value, sizeof(pin->value));
		bytes_put_u8(b, pin->attr);
		bytes_put_u8(b, pin->left);
		tlv_put(out, FS_TAG_PIN, b->data, b->len);
	}
	if (!df->aka)
		return;
	bytes_clear(b);
	fs_save_path(b, df);
	for (i = 0; i < 32; i++) {
		bytes_put_u8(b, df->aka->sqn[i] >> 40);
		bytes_put_u40(b, df->aka->sqn[i] & 0xFFFFFFFFFFULL);
	}
	tlv_put(out, FS_TAG_SQN, b->data, b->len);
}

static void fs_save_file(struct bytes *out, struct bytes *b, const struct usim_file *f)
{
	struct usim_file *c;

	if (f->fd == UPP_FD_DF) {
		fs_save_df(out, b, f);
		llist_for_each_entry(c, &f->children, entry)
			fs_save_file(out, b, c);
		return;
	}
	if (!f->dirty || !f->body)
		return;
	bytes_clear(b);
	fs_save_path(b, f);
	bytes_put(b, f->body, f->size);
	tlv_put(out, FS_TAG_FILE, b->data, b->len);
}

static void fs_save_keys(struct bytes *out, struct bytes *b, const struct usim_fs *fs)
{
	struct usim_sd *sd;
	unsigned i;

	llist_for_each_entry(sd, &fs->sds, entry) {
		for (i = 0; i < sd->n_keys; i++) {
			bytes_clear(b);
			bytes_put_u8(b, sd->aid.len);
			bytes_put(b, sd->aid.b, sd->aid.len);
			bytes_put_u8(b, sd->keys[i].kvn);
			bytes_put_u8(b, sd->keys[i].kid);
			bytes_put(b, sd->keys[i].counter, sizeof(sd->keys[i].counter));
			tlv_put(out, FS_TAG_KEY, b->data, b->len);
		}
	}
}

int fs_save(struct bytes *out, const struct usim_fs *fs)
{
	struct bytes *b = bytes_new(NULL, 0);
	struct usim_puk *puk;

	if (!b)
		return -ENOMEM;
	bytes_secret(b);
	tlv_put_u8(out, FS_TAG_VERSION, FS_SAVE_VERSION);
	tlv_put(out, FS_TAG_UPP, fs->upp->data, fs->upp->len);
	if (fs->mf)
		fs_save_file(out, b, fs->mf);
	llist_for_each_entry(puk, &fs->puks, entry) {
		const uint8_t v[2] = { puk->ref, puk->left };

		tlv_put(out, FS_TAG_PUK, v, sizeof(v));
	}
	fs_save_keys(out, b, fs);
	if (fs->has_pol)
		tlv_put_u8(out, FS_TAG_POL, fs->pol1);
	if (fs->connectivity)
		tlv_put(out, FS_TAG_CONN, fs->connectivity->data, fs->connectivity->len);
	talloc_free(b);
	return out->err;
}

static void fs_load_file(struct usim_fs *fs, struct rd *r)
{
	struct usim_file *f = fs_load_path(fs, r);

	if (!f || !f->body || r->bad || r->left != f->size)
		return;
	memcpy(f->body, r->p, f->size);
	f->dirty = true;
}

static void fs_load_pin(struct usim_fs *fs, struct rd *r)
{
	struct usim_file *f = fs_load_path(fs, r);
	uint8_t ref = rd_u8(r), attr, left;
	const uint8_t *value = rd_take(r, 8);
	struct usim_pin *pin;

	attr = rd_u8(r);
	left = rd_u8(r);
	if (!f || r->bad)
		return;
	llist_for_each_entry(pin, &f->pins, entry) {
		if (pin->ref != ref)
			continue;
		memcpy(pin->value, value, sizeof(pin->value));
		pin->attr = attr & 7;
		pin->left = left < pin->max ? left : pin->max;
	}
}

static void fs_load_sqn(struct usim_fs *fs, struct rd *r)
{
	struct usim_file *f = fs_load_path(fs, r);
	unsigned i;

	if (!f || !f->aka || r->left != 32 * 6)
		return;
	for (i = 0; i < 32; i++) {
		f->aka->sqn[i] = (uint64_t)rd_u8(r) << 40;
		f->aka->sqn[i] |= rd_u40(r);
	}
}

static void fs_load_key(struct usim_fs *fs, struct rd *r)
{
	uint8_t len = rd_u8(r), kvn, kid;
	const uint8_t *id = rd_take(r, len), *counter;
	struct usim_key *key;
	struct usim_sd *sd;
	struct aid aid;

	kvn = rd_u8(r);
	kid = rd_u8(r);
	counter = rd_take(r, sizeof(key->counter));
	if (!counter || aid_from_bytes(&aid, id, len) < 0)
		return;
	sd = fs_sd(fs, &aid);
	key = sd ? (struct usim_key *)fs_sd_key(sd, kvn, kid) : NULL;
	if (key)
		memcpy(key->counter, counter, sizeof(key->counter));
}

static void fs_load_one(struct usim_fs *fs, const struct tlv *t)
{
	struct usim_puk *puk;
	struct rd r;

	rd_init(&r, t->v, t->len);
	switch (t->tag) {
	case FS_TAG_FILE:
		fs_load_file(fs, &r);
		break;
	case FS_TAG_PIN:
		fs_load_pin(fs, &r);
		break;
	case FS_TAG_PUK:
		puk = t->len == 2 ? fs_puk(fs, t->v[0]) : NULL;
		if (puk)
			puk->left = t->v[1] < puk->max ? t->v[1] : puk->max;
		break;
	case FS_TAG_SQN:
		fs_load_sqn(fs, &r);
		break;
	case FS_TAG_KEY:
		fs_load_key(fs, &r);
		break;
	case FS_TAG_POL:
		fs->has_pol = t->len == 1;
		fs->pol1 = t->len == 1 ? t->v[0] : 0;
		break;
	case FS_TAG_CONN:
		talloc_free(fs->connectivity);
		fs->connectivity = bytes_dup(fs, t->v, t->len);
		break;
	}
}

struct usim_fs *fs_load(void *ctx, const uint8_t *data, size_t len)
{
	struct install *inst;
	struct usim_fs *fs;
	struct tlv t;
	struct rd r;
	int rc;

	if (tlv_find(data, len, FS_TAG_VERSION, &t) < 0 || t.len != 1 || t.v[0] != FS_SAVE_VERSION ||
	    tlv_find(data, len, FS_TAG_UPP, &t) < 0)
		return NULL;
	inst = install_new(ctx, SIZE_MAX / 2);
	if (!inst)
		return NULL;
	fs = install_feed(inst, t.v, t.len) == 1 ? install_take(inst, ctx) : NULL;
	talloc_free(inst);
	if (!fs)
		return NULL;
	rd_init(&r, data, len);
	while ((rc = tlv_next(&r, &t)) > 0)
		fs_load_one(fs, &t);
	if (rc < 0)
		TALLOC_FREE(fs);
	return fs;
}
