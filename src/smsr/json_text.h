/* JSON of the fleet owners' interface: what is said and what is understood. No secrets in it.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "json_db.h"

struct json_body {			/* of enable, disable, delete, audit */
	uint32_t validity_s;		/* 0: not said */
};
/* 0, or -EINVAL and why (static or under ctx). Empty is an object without members. */
int json_text_body(struct json_body *b, const char **why, void *ctx, const uint8_t *in, size_t len);

struct json_problem {			/* RFC 9457 */
	unsigned status;
	const char *title, *detail;	/* detail may be NULL */
	const char *subject, *reason;	/* codes of SGP.02 5.1.6; NULL: none */
	int64_t op;			/* 0: none */
};
char *json_text_problem(void *ctx, const struct json_problem *p);
char *json_text_op(void *ctx, const struct json_op *op, const struct json_event *ev, size_t n_ev);
char *json_text_ops(void *ctx, const struct json_op *op, size_t n, bool more);
char *json_text_event(void *ctx, const struct json_op *op, const struct json_event *ev);
char *json_text_euicc(void *ctx, const struct es_eis *eis);
char *json_text_profiles(void *ctx, const struct es_eis *eis);
char *json_text_profile(void *ctx, const struct es_eis *eis, const char *iccid);	/* NULL: not among them */
/* A list that grows: eUICCs, without their profiles' details. */
struct json_list;
struct json_list *json_text_list(void *ctx);
void json_text_list_add(struct json_list *l, const struct es_eis *eis);
char *json_text_list_end(struct json_list *l, void *ctx, const char *next);	/* frees l; next NULL: that is all */
