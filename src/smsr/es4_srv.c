/* ES4, operator and M2M SP to SM-SR (SGP.02 5.5, off-card 4.4). An M2M SP owns no profile: what it may it has by PLMA.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <osmocom/core/utils.h>

#include "plat_srv.h"

void es4_srv_handle(struct euiccs *reg, struct es_req *req)
{
	enum es_func func = es_req_msg(req)->func;
	struct euicc *e;

	if (grant_srv_takes(func)) {
		grant_srv_handle(reg, req);
		return;
	}
	if (es7_srv_takes(func)) {
		es7_srv_handle(reg, req);
		return;
	}
	e = plat_srv_euicc(reg, req);
	if (!e)
		return;
	if (func == ES_FN_DELETE_PROFILE)
		plat_srv_proc(e, req, PROC_DELETE, es_req_msg(req)->b.iccid);
	else
		plat_srv_handle(e, req);
}
