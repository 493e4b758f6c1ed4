/* What the parts of osmo-rsp-profile share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/profile/upp_row.h>

#define PROFILE_MAX (12U << 20)	/* octets of a package or description */
#define PROFILE_FIXED_MAX 64

struct tool {
	void *ctx;
	const char *out, *out_dir, *csv, *values, *plmn, *include;
	unsigned pool;
	bool no_luhn, secrets, notation;
	struct key *master;
	/* columns with one value for all rows, in the order of the options */
	struct { const char *name, *value; } fixed[PROFILE_FIXED_MAX];
	unsigned n_fixed;
};

int complain(const char *what, const char *why);
/* A whole file ("-": standard input), bounded, with a NUL behind it that is not counted. Marked secret. */
struct bytes *read_file(void *ctx, const char *path);
int write_file(const char *path, const struct bytes *b);

/* profile_perso.c */
int perso_fixed(struct tool *t, const char *name, const char *value);
int perso_set(struct tool *t, const char *arg);			/* --set COLUMN=VALUE */
int perso_secrets_file(struct tool *t, const char *path);	/* --secrets */
int perso_hex_file(struct tool *t, const char *column, const char *path);
int perso_master(struct tool *t, const char *path);
int cmd_perso(struct tool *t, const struct bytes *in);
/* profile_cap.c: load file data block of a CAP archive or an IJC file; NULL and *err (static). */
struct bytes *cap_load_block(void *ctx, const struct bytes *file, const char **err);
