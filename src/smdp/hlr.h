/* OsmoHLR in step with the stock: subscribers of profiles that are ordered or downloaded are there, those of profiles
 * that come back are not. Off unless configured.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "hlr_cmd.h"
#include "stock.h"

enum hlr_when { HLR_WHEN_ORDERED, HLR_WHEN_DOWNLOADED };

struct hlr_cfg {
	char *ip;			/* NULL: off */
	uint16_t port;
	enum hlr_when when;
	bool keep;			/* do not remove subscribers */
	enum hlr_algo algo;
	int ind_bitlen;
	unsigned timeout_s;		/* for one answer */
	unsigned retry_min_s, retry_max_s;	/* back-off */
	unsigned refusals;		/* of one subscriber, before it is given up */
	unsigned queue_max;
	unsigned hold_s;		/* how long a download waits for its subscriber to be there; 0: not at all */
};
void hlr_cfg_default(struct hlr_cfg *c);

struct hlr;
struct hlr *hlr_new(void *ctx, const struct hlr_cfg *cfg, struct smdp_db *db, struct stock *stock);
/* A profile's subscriber is known to OsmoHLR now, or the wish has been given up. */
void hlr_on_done(struct hlr *h, void (*cb)(void *priv, const char *iccid), void *priv);
/* stock_event_cb */
void hlr_event(void *priv, const struct stock_row *r, enum stock_state from);
/* Is it still to be told of this profile's subscriber? */
bool hlr_pending(struct hlr *h, const char *iccid);
void hlr_apply(struct hlr *h);		/* after a change of the configuration, and at start */
/* Tell it of every profile that is with someone, as when this is switched on later; how many, up to queue_max. */
int hlr_sync(struct hlr *h);
int hlr_retry(struct hlr *h);		/* what was given up, anew; how many */
const char *hlr_trouble(struct hlr *h);	/* with the link, or "" */
