/* What the files of the stock share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/crypto/key.h>

#include "stock.h"

struct stock {
	struct smdp_db *db;
	struct keystore *ks;
	struct stock_cfg *cfg, default_cfg;
	stock_event_cb event;
	void *event_priv;
};

/* stock_points.c: what of a row is sealed with the profile, and back: columns with values, in c. NULL and *rc < 0;
 * NULL and *rc 0: values that make no sense. */
struct bytes *stock_points_enc(void *ctx, const struct upp_cols *row);
const struct upp_perso *stock_points(struct stock *s, struct upp_cols *c, const char *iccid, int *rc);
bool stock_point_is_number(const char *name);

/* Template of this content: the stored one, or stored now. Many profiles share one. */
int64_t stock_upp(struct stock *s, const uint8_t *upp, size_t len);
struct bytes *stock_seal(struct stock *s, void *ctx, const char *what, const char *id, const uint8_t *b, size_t len);
struct bytes *stock_unseal(struct stock *s, void *ctx, const char *what, const char *id, const struct bytes *sealed);
