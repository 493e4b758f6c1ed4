/* What a profile's installation left behind: file system, codes, authentication data, security domains.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/linuxlist.h>
#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/ids.h>

struct usim_pin {
	struct llist_head entry;
	uint8_t ref;		/* key reference: 01..08, 0A..0E, 81..88, 8A..8E */
	uint8_t value[8];
	uint8_t attr;		/* bit 1 enabled, 2 changeable, 3 may be en-/disabled */
	uint8_t max, left;	/* tries */
	uint8_t puk;		/* unblocking reference, 0: none */
	bool verified;		/* since reset */
};

struct usim_puk {
	struct llist_head entry;
	uint8_t ref, value[8], max, left;
};

enum usim_algo { USIM_ALGO_MILENAGE = 1, USIM_ALGO_TUAK = 2, USIM_ALGO_XOR = 3 };
struct usim_aka {
	enum usim_algo algo;
	uint8_t options;
	struct key *k;
	uint8_t opc[32];
	uint8_t r[5], c[5][16];		/* Milenage constants, r in bits */
	uint8_t keccak;			/* TUAK: iterations */
	uint8_t sqn_options;
	uint64_t sqn_delta, sqn_age;
	uint64_t sqn[32];		/* highest SEQ per IND */
	struct aid map;			/* len != 0: use the parameters of that NAA */
};

struct usim_file {
	struct llist_head entry;	/* in its parent's children */
	struct usim_file *parent;
	struct llist_head children;	/* DF */
	uint16_t fid;
	uint8_t fd;			/* UPP_FD_* */
	struct aid aid;			/* ADF: len != 0 */
	uint8_t lcsi, sfi, special;	/* sfi 0: none */
	uint16_t arr_fid;		/* EF.ARR holding the access rule */
	uint8_t arr_rec;		/* 0: none */
	uint8_t pin_do[20], pin_do_len;	/* DF: key references of pinStatusTemplateDO */
	uint16_t rec_len, recs;
	uint8_t *body;			/* size octets; NULL for a link, use fs_body() */
	size_t size;
	struct usim_file *link;
	bool dirty;			/* changed since installation */
	struct llist_head pins;		/* DF: its own codes */
	struct usim_file *pins_of;	/* DF: shares the codes of that DF */
	struct usim_aka *aka;		/* ADF */
};

struct usim_key {
	uint8_t kvn, kid, type, usage, access, counter[5], mac_len;
	struct key *key;
};

struct usim_sd {
	struct llist_head entry;
	struct aid aid;
	uint8_t privileges[3], state;
	uint32_t tar[8];
	uint8_t n_tar;
	uint8_t msl;
	struct usim_key keys[32];
	uint8_t n_keys;
	struct bytes *params;		/* C9 contents, may be empty */
	struct bytes *perso;		/* STORE DATA payloads, back to back, may be empty */
};

struct usim_rfm {
	struct llist_head entry;
	struct aid aid, sd, adf;	/* sd.len 0: MNO-SD; adf.len 0: MF */
	uint8_t domains;		/* access domains read so far */
	bool full;			/* access domain 00; others need codes that nobody verifies over the air */
	uint32_t tar[8];
	uint8_t n_tar, msl;
};

struct usim_fs {
	struct usim_file *mf;
	struct llist_head puks, sds, rfms;
	char iccid[21];
	bool has_pol;
	uint8_t pol1;
	struct bytes *connectivity;	/* NULL: none in the package */
	struct bytes *upp;		/* the package as received; secret; basis of fs_save() */
	size_t used;			/* octets of memory accounted */
	unsigned adfs;
};

struct usim_fs *fs_new(void *ctx);
struct usim_file *fs_file_new(struct usim_fs *fs, struct usim_file *parent, uint16_t fid, uint8_t fd);
struct usim_file *fs_child(const struct usim_file *df, uint16_t fid);
/* ADF by full or partial AID. */
struct usim_file *fs_adf(const struct usim_fs *fs, const uint8_t *aid, size_t len);
/* ADF by its temporary FID, as used in installation paths. */
struct usim_file *fs_adf_fid(const struct usim_fs *fs, uint16_t fid);
/* Path of FIDs from the MF (MF not included), ADFs by temporary FID or by 7FFF = the only/last selected: NULL. */
struct usim_file *fs_path(const struct usim_fs *fs, const uint8_t *path, size_t len);
uint8_t *fs_body(const struct usim_file *f, size_t *size);
const struct usim_file *fs_target(const struct usim_file *f);	/* end of a link, or f */
struct usim_pin *fs_pin(const struct usim_file *df, uint8_t ref); /* global codes at the MF, local ones at the DF */
struct usim_puk *fs_puk(const struct usim_fs *fs, uint8_t ref);
/* The MNO-SD (first security domain), or the one with this AID; NULL. */
struct usim_sd *fs_sd(const struct usim_fs *fs, const struct aid *aid);
const struct usim_key *fs_sd_key(const struct usim_sd *sd, uint8_t kvn, uint8_t kid);
const char *fs_imsi(const struct usim_fs *fs, char out[16]);	/* of the first USIM, NULL: none */
/* State to keep over a restart: the package and what changed since. Output is secret. */
int fs_save(struct bytes *out, const struct usim_fs *fs);
struct usim_fs *fs_load(void *ctx, const uint8_t *data, size_t len);
/* One line per file: path, type, size, rule, contents in hex (for tests and the VTY). */
int fs_dump(struct bytes *out, const struct usim_fs *fs);
