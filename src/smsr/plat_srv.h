/* What ES3 and ES4 have in common: each request is answered at once or becomes a procedure.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "proc.h"

void es3_srv_handle(struct euiccs *reg, struct es_req *req);	/* both take req over */
void es4_srv_handle(struct euiccs *reg, struct es_req *req);
void es7_srv_handle(struct euiccs *reg, struct es_req *req);	/* and the functions of ES4 that it takes */
bool es7_srv_takes(enum es_func func);
void grant_srv_handle(struct euiccs *reg, struct es_req *req);	/* ES4A, and the functions of ES3 and ES4 that it takes */
bool grant_srv_takes(enum es_func func);

/* The eUICC of the request, or NULL and the request is answered 8.1.1/3.9. */
struct euicc *plat_srv_euicc(struct euiccs *reg, struct es_req *req);
/* A function that both interfaces have; any other is answered 1.6/3.1. Takes req over. */
void plat_srv_handle(struct euicc *e, struct es_req *req);
void plat_srv_proc(struct euicc *e, struct es_req *req, enum proc_kind kind, const char *iccid);
/* ES_R_NONE when the caller may; else the request is answered with why. */
enum es_reason plat_srv_ask(struct euicc *e, struct es_req *req, struct eis_profile **p, enum policy_op op);
void plat_srv_ok(struct es_req *req);
struct policy_caller plat_srv_caller(const struct euiccs *reg, const struct es_req *req);
/* What GetEIS shows this caller; NULL: it has no business with the eUICC (8.1/1.2). */
struct es_eis *plat_srv_view(const struct eis *eis, void *ctx, const struct policy_caller *caller);
