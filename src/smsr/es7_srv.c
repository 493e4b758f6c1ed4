/* SM-SR change: ES7, SM-SR to SM-SR, and what an operator asks for over ES4 (SGP.02 5.5.8, 5.5.9, 5.6; off-card 4.4, 4.6,
 * 6.8). Message, rights and parameters are checked here; the procedure itself does not exist yet, and the answer says so.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <string.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/crypto/key.h>

#include "plat_srv.h"

static void not_yet(struct es_req *req)
{
	es_req_respond_err(req, ES_R_UNSUPPORTED, NULL, "this SM-SR does not support the change of SM-SR yet");
}

/* Known to us as another SM-SR? */
static bool knows_smsr(struct euiccs *reg, const char *id)
{
	const struct es_party *p = es_party_find(reg->link, id);

	return p && p->role == ES_ROLE_SMSR;
}

/* To the SM-SR that is to have the eUICC, which does not know it yet. */
static void prepare_change(struct euiccs *reg, struct es_req *req)
{
	const struct es_body *b = &es_req_msg(req)->b;
	char eid[EID_STR_SIZE];

	if (!knows_smsr(reg, b->target_smsr_id))
		es_req_respond_err(req, ES_R_SMSR_UNKNOWN, b->target_smsr_id, NULL);
	else if (euicc_get(reg, &b->eid))
		es_req_respond_err(req, ES_R_EID_IN_USE, eid_str(eid, &b->eid), NULL);
	else
		not_yet(req);
}

static void smsr_change(struct euiccs *reg, struct es_req *req)
{
	const struct policy_caller caller = plat_srv_caller(reg, req);
	const struct es_body *b = &es_req_msg(req)->b;
	struct euicc *e = plat_srv_euicc(reg, req);

	if (!e)
		return;
	if (!policy_may_any(e->eis, &caller, ES_FN_SMSR_CHANGE))
		es_req_respond_err(req, ES_R_EUICC_NOT_ALLOWED, e->eis->eid_str, NULL);
	else if (!knows_smsr(reg, b->target_smsr_id))
		es_req_respond_err(req, ES_R_SMSR_UNKNOWN, b->target_smsr_id, NULL);
	else
		not_yet(req);
}

static const char *keyset_wrong(const struct es_body *b)
{
	if (strcmp(b->ecc_key_length, "ECC-256"))
		return "ECCKeyLength: only ECC-256 is supported";
	if (b->epk->len != EC_POINT_LEN)
		return "EphemeralPublicKey: not a point of P-256";
	if (b->signature->len != 64)
		return "Signature: not 64 octets";
	if (!b->key_version || b->key_version > 0x7F)
		return "KeyVersionNumber: not 1 to 127";
	return NULL;
}

static void keyset(struct euiccs *reg, struct es_req *req)
{
	const char *wrong = keyset_wrong(&es_req_msg(req)->b);

	if (!plat_srv_euicc(reg, req))
		return;
	if (wrong)
		es_req_respond_err(req, ES_R_PARAM_INVALID, NULL, wrong);
	else
		not_yet(req);
}

/* The eUICC must not be ours: the other one hands it over (off-card 5.4, last rows). */
static void handover(struct euiccs *reg, struct es_req *req)
{
	const struct es_eis *eis = es_req_msg(req)->b.eis;
	char eid[EID_STR_SIZE];

	if (!eid_valid(&eis->eid))
		es_req_respond_err(req, ES_R_PARAM_INVALID, NULL, "Eis/EumSignedInfo/Eid: check digits");
	else if (euicc_get(reg, &eis->eid))
		es_req_respond_err(req, ES_R_EID_IN_USE, eid_str(eid, &eis->eid), NULL);
	else
		not_yet(req);
}

bool es7_srv_takes(enum es_func func)
{
	return func == ES_FN_PREPARE_SMSR_CHANGE || func == ES_FN_SMSR_CHANGE;
}

void es7_srv_handle(struct euiccs *reg, struct es_req *req)
{
	switch (es_req_msg(req)->func) {
	case ES_FN_PREPARE_SMSR_CHANGE:
		prepare_change(reg, req);
		return;
	case ES_FN_SMSR_CHANGE:
		smsr_change(reg, req);
		return;
	case ES_FN_CREATE_ADDITIONAL_KEYSET:
		keyset(reg, req);
		return;
	case ES_FN_HANDOVER_EUICC:
		handover(reg, req);
		return;
	case ES_FN_AUTHENTICATE_SMSR:
		if (plat_srv_euicc(reg, req))
			not_yet(req);
		return;
	default:
		es_req_respond_err(req, ES_R_UNSUPPORTED, NULL, NULL);
	}
}
