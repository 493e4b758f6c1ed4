/* A file of subscribers, one a row: columns by name, each value checked.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "stock.h"

#define STOCK_CSV_LINE_MAX 1024

enum stock_csv_col {
	CSV_ICCID, CSV_IMSI, CSV_MSISDN, CSV_SMSC, CSV_K, CSV_OPC, CSV_PIN1, CSV_PIN2, CSV_PUK1, CSV_PUK2, CSV_ADM1, CSV_SPN,
	_CSV_COLS
};

struct stock_csv {
	char sep;
	unsigned n;			/* columns of the file */
	enum stock_csv_col col[_CSV_COLS];
	bool has[_CSV_COLS];
};

struct stock_csv_row {
	char iccid[ICCID_STR_SIZE], imsi[16], msisdn[16], smsc[16];	/* "" not given */
	struct stock_secrets secrets;	/* wipe after use */
};

/* Where a mistake is, and what: never a value. column 0: the row as a whole. */
struct stock_csv_err {
	unsigned column;
	const char *name;		/* of the column, or NULL */
	const char *why;
};

/* First row: names, separated by comma, semicolon or tab. iccid must be among them. line is changed. */
int stock_csv_header(struct stock_csv *c, char *line, struct stock_csv_err *e);
/* plmn: what an IMSI must begin with, or "". line is changed, and its secrets with it. */
int stock_csv_row(const struct stock_csv *c, char *line, const char *plmn, struct stock_csv_row *r,
		  struct stock_csv_err *e);
/* Secrets are among the columns. */
bool stock_csv_secrets(const struct stock_csv *c);
