/* What the files of the stock share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/crypto/key.h>

#include "stock.h"

#define STOCK_UPP_MAX (2U << 20)	/* design.md 4 */

struct stock {
	struct smdp_db *db;
	struct keystore *ks;
	struct stock_cfg *cfg, default_cfg;
	stock_event_cb event;
	void *event_priv;
};

/* stock_secrets.c: one sealed octet string, and back. */
struct bytes *stock_secrets_enc(void *ctx, const struct stock_secrets *s);
int stock_secrets_dec(struct stock_secrets *s, const uint8_t *in, size_t len);

/* Template of this content: the stored one, or stored now. Many profiles share one. */
int64_t stock_upp(struct stock *s, const uint8_t *upp, size_t len);
struct bytes *stock_unseal(struct stock *s, void *ctx, const char *what, const char *id, const struct bytes *sealed);
