/* The stock as JSON, for the owner of the profiles; no secrets in it.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "stock_batch.h"

#define STOCK_JSON_LIMIT 1000

/* Text under ctx. NULL from the getters: there is no such thing, or it is another operator's. */
char *stock_json_summary(void *ctx, struct smdp_db *db, const char *owner);
/* Up to limit profiles after this ICCID; "next" names the last one when there may be more. */
char *stock_json_profiles(void *ctx, struct smdp_db *db, const char *owner, const char *after, unsigned limit);
char *stock_json_profile(void *ctx, struct smdp_db *db, const char *owner, const char *iccid);
char *stock_json_types(void *ctx, struct smdp_db *db, const char *owner);
char *stock_json_batches(void *ctx, struct smdp_db *db, const char *owner);
char *stock_json_batch(void *ctx, struct smdp_db *db, const char *owner, int64_t id);
char *stock_json_id(void *ctx, int64_t id);
char *stock_json_error(void *ctx, const char *text);
