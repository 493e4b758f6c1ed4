/* What the files of the SM-DP's database share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/sqldb.h>

#include "smdp_db.h"

struct smdp_db {
	struct sqldb *db;
	struct sqldb_stmts *s;		/* downloads, relayed requests */
	struct sqldb_stmts *stock, *batch, *hlr;
};

int smdp_db_stock_prepare(struct smdp_db *db);
int smdp_db_batch_prepare(struct smdp_db *db);
int smdp_db_hlr_prepare(struct smdp_db *db);

/* Text column into a field of fixed size. */
#define COL_TEXT(stmts, st, col, field) OSMO_STRLCPY_ARRAY(field, sqldb_col_text(stmts, st, col) ? : "")
