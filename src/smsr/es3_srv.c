/* ES3, SM-DP to SM-SR (SGP.02 5.4, off-card 4.3).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <string.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>

#include "es_notify.h"
#include "plat_srv.h"

static void create_isdp(struct euicc *e, struct es_req *req)
{
	const struct es_body *b = &es_req_msg(req)->b;

	if (!b->mno_id[0])
		es_req_respond_err(req, ES_R_PARAM_MISSING, NULL, "Mno-id");
	else
		plat_srv_proc(e, req, PROC_CREATE_ISDP, b->iccid);
}

/* Sd-aid ISD-R is a key establishment: of the ISD-P that this SM-DP is downloading to. */
static const struct eis_profile *send_data_to(const struct euicc *e, const struct es_req *req)
{
	const struct aid *aid = &es_req_msg(req)->b.sd_aid;

	if (!aid_eq(aid, &aid_isd_r))
		return eis_by_aid(e->eis, aid);
	return e->held && !strcmp(e->hold.party, es_req_party(req)->id) ? eis_by_iccid(e->eis, e->hold.iccid) : NULL;
}

static void send_data(struct euicc *e, struct es_req *req)
{
	const struct es_body *b = &es_req_msg(req)->b;
	const struct eis_profile *p = send_data_to(e, req);
	char aid[AID_STR_SIZE];

	if (!b->data || !b->sd_aid.len)
		es_req_respond_err(req, ES_R_PARAM_MISSING, NULL, b->data ? "Sd-aid" : "Data");
	else if (!p)
		es_req_respond_err(req, ES_R_ICCID_UNKNOWN, aid_str(aid, &b->sd_aid), "no such ISD-P");
	else
		plat_srv_proc(e, req, PROC_SEND_DATA, p->i.iccid);
}

/* Off-card 6.3 step 18: no card access. A procedure on this very ISD-P must have ended. */
static void download_completed(struct euicc *e, struct es_req *req)
{
	const struct es_msg *m = es_req_msg(req);
	struct smsr_audit a = {
		.who = es_req_party(req)->id, .procedure = "download", .operation = "ProfileDownloadCompleted",
		.outcome = "EXECUTED_SUCCESS", .card = m->b.iccid,
	};
	struct eis_profile *p;

	if (plat_srv_ask(e, req, &p, POLICY_COMPLETED))
		return;
	if (e->active && !strcmp(e->active->row.iccid, m->b.iccid)) {
		es_req_respond_err(req, ES_R_BUSY, m->b.iccid, NULL);
		return;
	}
	eis_profile_installed(e->eis, p, &m->b);
	smsr_db_audit(e->reg->db, &e->eis->fix.eid, &a);
	LOGP(DPROC, LOGL_NOTICE, "download EID-%s: profile %s of %s completed by %s\n", e->eis->eid_str, p->i.iccid,
	     p->i.mno_id, a.who);
	if (e->held && euicc_hold_admits(e, a.who, ES3, m->b.iccid))
		euicc_hold_end(e);
	es_notify(e->reg, e->eis, p, ES_FN_HANDLE_DOWNLOADED, a.who);
	plat_srv_ok(req);
	proc_wake(e);
}

void es3_srv_handle(struct euiccs *reg, struct es_req *req)
{
	const struct es_msg *m = es_req_msg(req);
	struct euicc *e;

	if (grant_srv_takes(m->func)) {
		grant_srv_handle(reg, req);
		return;
	}
	e = plat_srv_euicc(reg, req);
	if (!e)
		return;
	switch (m->func) {
	case ES_FN_CREATE_ISDP:
		create_isdp(e, req);
		return;
	case ES_FN_SEND_DATA:
		send_data(e, req);
		return;
	case ES_FN_PROFILE_DOWNLOAD_COMPLETED:
		download_completed(e, req);
		return;
	case ES_FN_DELETE_ISDP:
		plat_srv_proc(e, req, PROC_DELETE, m->b.iccid);
		return;
	default:
		plat_srv_handle(e, req);
	}
}
