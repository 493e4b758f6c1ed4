/* ES2 requests: to the procedure that carries them out.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "proc_download.h"
#include "proc_relay.h"

void es2_srv_request(struct proc_download_env *dl, struct proc_relay_env *relay, struct es_req *req, bool resumed);
