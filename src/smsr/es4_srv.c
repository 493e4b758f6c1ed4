/* ES4, operator to SM-SR (SGP.02 5.5, off-card 4.4). An M2M SP owns no profile and without PLMA is refused by
 * ownership.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <osmocom/core/utils.h>

#include "plat_srv.h"

void es4_srv_handle(struct euiccs *reg, struct es_req *req)
{
	const struct es_msg *m = es_req_msg(req);
	struct euicc *e = plat_srv_euicc(reg, req);

	if (!e)
		return;
	switch (m->func) {
	case ES_FN_GET_EIS:
		plat_srv_get_eis(e, req);
		return;
	case ES_FN_AUDIT_EIS:
		plat_srv_proc(e, req, PROC_AUDIT, "");
		return;
	case ES_FN_ENABLE_PROFILE:
		plat_srv_proc(e, req, PROC_ENABLE, m->b.iccid);
		return;
	case ES_FN_DISABLE_PROFILE:
		plat_srv_proc(e, req, PROC_DISABLE, m->b.iccid);
		return;
	case ES_FN_DELETE_PROFILE:
		plat_srv_proc(e, req, PROC_DELETE, m->b.iccid);
		return;
	case ES_FN_UPDATE_POLICY_RULES:
		plat_srv_policy_rules(e, req);
		return;
	case ES_FN_UPDATE_SUBSCRIPTION_ADDRESS:
		plat_srv_subscription(e, req);
		return;
	default:
		es_req_respond_err(req, ES_R_UNSUPPORTED, NULL, es_func_name(m->func));
	}
}
