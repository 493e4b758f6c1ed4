/* Subscribers as rows of text: a header names the points, each row fills a struct upp_perso (doc/formats/upp-csv.md).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/profile/upp_perso.h>

#define UPP_COLS_MAX 96
#define UPP_ROW_MAX 16384	/* octets of a line */

struct upp_cols;
struct upp_row_err {
	unsigned column;	/* from 1; 0: the line as a whole */
	char name[40];		/* of the column */
	char msg[96];		/* the reason, never a value */
};

struct upp_cols *upp_cols_new(void *ctx);
/* A column by name: a point ("iccid", "k", "key:02:01", "file:usim/ef-spn+1"), or "-anything", which is passed over. */
int upp_cols_add(struct upp_cols *c, const char *name, struct upp_row_err *err);
/* All columns of a header line; the separator (comma, semicolon or tab) is the first of them that it holds. */
int upp_cols_header(struct upp_cols *c, const char *line, struct upp_row_err *err);
/* A column that has the same value in every row, beside those of the header. */
int upp_cols_fixed(struct upp_cols *c, const char *name, const char *value, struct upp_row_err *err);
/* Rules for all rows: IMSIs begin with this network (NULL: any); ICCIDs need not have a right check digit. */
int upp_cols_plmn(struct upp_cols *c, const char *plmn);
void upp_cols_no_luhn(struct upp_cols *c);
/* Master key for cells that say "derived"; borrowed. */
void upp_cols_master(struct upp_cols *c, const struct key *master);

/* One line of CSV (quotes as in RFC 4180, no line breaks within them). Empty cells leave the point as it is, "random"
 * and "derived" make a value. The result and its values live until the next row. NULL: *err says which column and why. */
const struct upp_perso *upp_row_csv(struct upp_cols *c, const char *line, struct upp_row_err *err);
/* Row n (from 0) of a generated pool: fixed columns only; iccid, imsi and msisdn count up from their value. */
const struct upp_perso *upp_row_pool(struct upp_cols *c, unsigned n, struct upp_row_err *err);
/* Columns and the last row's values after random and derived ones were made; NULL: no such column, or empty. Secret. */
unsigned upp_cols_count(const struct upp_cols *c);
const char *upp_cols_name(const struct upp_cols *c, unsigned i);
const char *upp_row_value(const struct upp_cols *c, unsigned i);
/* The column that upp_personalise() complained about. */
void upp_row_blame(const struct upp_cols *c, const char *perso_err, struct upp_row_err *err);
