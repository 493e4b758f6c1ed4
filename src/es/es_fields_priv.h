/* The types of a field that need a file of their own.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "es_fields.h"

/* es_body.c: FunctionExecutionStatus */
int es_result_dec(struct es_dec *d, struct es_result *res, const struct _xmlNode *n);
void es_result_enc(struct bytes *out, const char *name, const struct es_result *res);
/* es_eis.c */
bool es_eis_exclusive(const struct _xmlNode *n);	/* every canonicalisation named below n is the exclusive one */
const char *es_pstate_name(enum es_pstate s);
int es_pstate_parse(const char *name);
/* es_fields_list.c: types that are lists of something simple */
int es_list_dec(struct es_dec *d, const struct es_field *f, void *base, const struct _xmlNode *n);	/* 1: not such a type */
bool es_list_enc(struct bytes *out, const struct es_field *f, const void *base);
