/* ES2, operator to SM-DP (off-card.md 4.2). Caller and role were checked at the door (es_link).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <osmocom/rsp/util/logging.h>

#include "es2_srv.h"

void es2_srv_request(struct proc_download_env *dl, struct proc_relay_env *relay, struct es_req *req, bool resumed)
{
	const struct es_msg *m = es_req_msg(req);

	if (m->iface != ES2) {
		es_req_respond_err(req, ES_R_UNSUPPORTED, NULL, "an SM-DP provides ES2");
	} else if (m->func == ES_FN_DOWNLOAD_PROFILE) {
		if (!resumed || !proc_download_knows(dl, req))	/* a known one goes on by itself */
			proc_download_start(dl, req);
	} else if (proc_relay_takes(m->func)) {
		proc_relay_start(relay, req);
	} else {
		es_req_respond_err(req, ES_R_UNSUPPORTED, NULL, NULL);
	}
}
