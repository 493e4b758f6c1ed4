/* For doors other than SOAP, beside es_link_submit(): the caller's rate, and answers to requests of before a restart.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/es/es_link.h>

/* One more message of this party: false: it has had its share of this second. */
bool es_submit_admit(struct es_link *l, const char *party);
/* A request given again after a restart: done gets its response. */
void es_submit_watch(struct es_req *req, es_submit_cb done, void *priv);
