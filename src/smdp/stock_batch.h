/* Batches: files of subscribers for a profile type, imported beside the daemon's other work, each wholly or not at all.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "stock.h"

struct stock_batches;

struct stock_batches *stock_batches_new(void *ctx, struct stock *s, struct smdp_db *db);
void stock_batches_slice(struct stock_batches *b, unsigned ms);	/* how long at a time; default 20 */
/* Unfinished ones go on from where they were. */
void stock_batches_resume(struct stock_batches *b);
/* A new one: its number, or negative and *err. It is read in the background; the newest version of the type counts
 * unless one is named. path: absolute, mode 0600 or 0400. */
int64_t stock_batches_import(struct stock_batches *b, const char *owner, const char *type, unsigned version,
			     const char *path, const char **err);
/* The same from memory; not to be gone on with after a restart: refused then. */
int64_t stock_batches_import_text(struct stock_batches *b, const char *owner, const char *type, const void *text,
				  size_t len, const char **err);
/* One that is not read to its end: taken back, refused. -ENOENT; -EBUSY: too late. */
int stock_batches_cancel(struct stock_batches *b, int64_t id);
/* Without a loop: do one slice; false when there is nothing left to do. */
bool stock_batches_step(struct stock_batches *b);
const char *stock_batch_state_name(enum batch_state s);
