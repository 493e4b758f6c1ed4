/* ES4, operator to SM-SR (SGP.02 5.5, off-card 4.4). An M2M SP owns no profile and without PLMA is refused by
 * ownership.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <osmocom/core/utils.h>

#include "plat_srv.h"

void es4_srv_handle(struct euiccs *reg, struct es_req *req)
{
	struct euicc *e = plat_srv_euicc(reg, req);

	if (!e)
		return;
	if (es_req_msg(req)->func == ES_FN_DELETE_PROFILE)
		plat_srv_proc(e, req, PROC_DELETE, es_req_msg(req)->b.iccid);
	else
		plat_srv_handle(e, req);
}
