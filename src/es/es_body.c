/* One field table per message (off-card.md 2, 4, 8.2). rooms: table
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include "es_fields.h"
#include "es_fields_priv.h"

#define B(field) offsetof(struct es_body, field)
#define BIT(iface) (1 << (iface))
#define ES2_3_4 (BIT(ES2) | BIT(ES3) | BIT(ES4))

static const struct es_field addr_fields[] = {
	{ "Imsi", ET_DIGITS, EC_OPT, offsetof(struct es_addr, imsi), sizeof(((struct es_addr *)0)->imsi) },
	{ "Msisdn", ET_DIGITS, EC_OPT, offsetof(struct es_addr, msisdn), sizeof(((struct es_addr *)0)->msisdn) },
};
const struct es_group es_group_addr = ES_TYPE(addr_fields, struct es_addr, "SubscriptionAddressType");

/* off-card.md 3.1, 3.4 */
static const struct es_field rule_fields[] = {
	{ "Subject", ET_WORD, EC_ONE, offsetof(struct es_pol2_rule, subject), 16, .words = "PROFILE" },
	{ "Action", ET_WORD, EC_ONE, offsetof(struct es_pol2_rule, action), 16, .words = "ENABLE|DISABLE|DELETE" },
	{ "Qualification", ET_WORD, EC_ONE, offsetof(struct es_pol2_rule, qualification), 16,
	  .words = "Not-Allowed|Auto-Delete" },
};
const struct es_group es_group_rule = ES_TYPE(rule_fields, struct es_pol2_rule, "POL2RuleType");

static const struct es_field pol2_fields[] = {
	{ "Rule", ET_ARRAY, EC_MANY, B(pol2), B(n_pol2), &es_group_rule, 8 },
};
static const struct es_group group_pol2 = ES_TYPE(pol2_fields, struct es_body, "POL2Type");

#define F_EID		{ "Eid", ET_EID, EC_ONE, B(eid), B(has_eid) }
#define F_ICCID		{ "Iccid", ET_ICCID, EC_ONE, B(iccid) }
#define F_ICCID_OPT	{ "Iccid", ET_ICCID, EC_OPT, B(iccid) }
#define F_SMSR		{ "Smsr-id", ET_OID, EC_ONE, B(smsr_id), OID_STR_SIZE, .ifaces = BIT(ES2) }
#define F_MNO_ES3	{ "Mno-id", ET_OID, EC_OPT, B(mno_id), OID_STR_SIZE, .ifaces = BIT(ES3) }
#define F_MORE		{ "MoreToDo", ET_BOOL, EC_OPT, B(more_to_do) }
#define F_TYPE_OPT	{ "ProfileType", ET_CHARS, EC_OPT, B(profile_type), 101 }
#define F_POL2		{ "pol2", ET_GROUP, EC_OPT, 0, B(has_pol2), &group_pol2 }
#define F_MNO_OPT	{ "Mno-id", ET_OID, EC_OPT, B(mno_id), OID_STR_SIZE }
#define F_COMPLETION	{ "CompletionTimestamp", ET_TIME, EC_ONE, B(completion), .spell = ES_SPELL_TIMESTAMP }
#define F_EIS(card)	{ "Eis", ET_PTR, card, B(eis), ES_NOWHERE, &es_group_eis }
#define F_RDATA		{ "EuiccResponseData", ET_HEX, EC_OPT, B(response_data), .spell = ES_SPELL_RDATA }
#define F_NEWADDR	{ "newSubscriptionAddress", ET_GROUP, EC_ONE, B(addr), B(has_addr), &es_group_addr }

/* off-card.md 2. FunctionCallIdentifier is missing in a sample; es_soap.c always writes one. */
static const struct es_field base_request[] = {
	{ "FunctionCallIdentifier", ET_STR, EC_OPT, B(fcid) },
	{ "ValidityPeriod", ET_U32, EC_OPT, B(validity_s) },
};
static const struct es_field base_response[] = {
	{ "ProcessingStart", ET_TIME, EC_OPT, B(processing_start) },
	{ "ProcessingEnd", ET_TIME, EC_OPT, B(processing_end) },
	{ "AcceptableValidityPeriod", ET_U32, EC_OPT, B(acceptable_validity_s) },
	{ "FunctionExecutionStatus", ET_RESULT, EC_ONE, B(result) },
};

static const struct es_field eis_fields[] = { F_EIS(EC_ONE) };
static const struct es_field get_eis[] = { F_EID, F_SMSR, F_MNO_ES3 };
static const struct es_field eis_opt[] = { F_EIS(EC_OPT) };
static const struct es_field audit_eis[] = {
	F_EID, F_SMSR, { "Iccid", ET_ICCIDS, EC_MANY, B(iccids), B(n_iccids), NULL, 64 },
};
static const struct es_field download[] = {	/* off-card.md 4.2: the spelling of Smsr-id differs here */
	F_EID, { "SmSr-id", ET_OID, EC_ONE, B(smsr_id), OID_STR_SIZE, .spell = ES_SPELL_DOWNLOAD_SMSR }, F_TYPE_OPT, F_ICCID_OPT,
	{ "EnableProfile", ET_BOOL, EC_ONE, B(enable_profile) },
};
static const struct es_field iccid_rdata[] = {	/* operator gateways read the ICCID, too */
	{ "Iccid", ET_ICCID, EC_OPT, B(iccid), .ifaces = BIT(ES2) }, F_RDATA,
};
static const struct es_field create_isdp[] = {
	F_EID, F_ICCID, { "Mno-id", ET_OID, EC_ONE, B(mno_id), OID_STR_SIZE },
	{ "RequiredMemory", ET_U32, EC_ONE, B(required_memory) }, F_MORE,
};
static const struct es_field create_isdp_rsp[] = { { "Isd-p-aid", ET_AID, EC_OPT, B(isdp_aid) }, F_RDATA };
static const struct es_field send_data[] = {
	F_EID, { "Sd-aid", ET_AID, EC_ONE, B(sd_aid) }, { "Data", ET_HEX, EC_ONE, B(data) }, F_MORE,
};
static const struct es_field completed[] = {
	F_EID,	F_ICCID, F_TYPE_OPT, { "SubscriptionAddress", ET_GROUP, EC_OPT, B(addr), B(has_addr), &es_group_addr },
	F_POL2,
};
static const struct es_field iccid_only[] = { F_EID, F_SMSR, F_ICCID };
static const struct es_field policy[] = { F_EID, F_SMSR, F_ICCID, F_POL2 };
static const struct es_field address[] = { F_EID, F_SMSR, F_ICCID, F_NEWADDR };
static const struct es_field handle[] = {
	F_EID, F_ICCID, F_MNO_ES3, F_COMPLETION,
};
static const struct es_field rdata[] = { F_RDATA };
#define NOTHING { NULL, 0, sizeof(struct es_body), NULL }

/* ES7 and what leads to it (4.4, 4.6) */
static const struct es_field prepare_change[] = {
	F_EID, { "CurrentSMSRid", ET_OID, EC_ONE, B(target_smsr_id), OID_STR_SIZE },
};
static const struct es_field smsr_change[] = {
	F_EID, { "TargetSmsrId", ET_OID, EC_ONE, B(target_smsr_id), OID_STR_SIZE, .spell = ES_SPELL_TARGET_SMSR },
};
static const struct es_field keyset[] = {
	F_EID, { "KeyVersionNumber", ET_U8, EC_ONE, B(key_version) },
	{ "InitialSequenceCounter", ET_U64, EC_ONE, B(initial_counter) },
	{ "ECCKeyLength", ET_WORD, EC_ONE, B(ecc_key_length), 8, .words = "ECC-256|ECC-384|ECC-512|ECC-521" },
	{ "ScenarioParameter", ET_U8, EC_ONE, B(scenario) },
	{ "HostId", ET_HEX, EC_ONE, B(host_id), .spell = ES_SPELL_HOST },
	{ "EphemeralPublicKey", ET_HEX, EC_ONE, B(epk) }, { "Signature", ET_HEX, EC_ONE, B(signature) },
};
static const struct es_field keyset_rsp[] = {
	{ "DerivationRandom", ET_HEX, EC_OPT, B(derivation_random) }, { "Receipt", ET_HEX, EC_OPT, B(receipt) },
};
static const struct es_field authenticate[] = {	/* Eid or Eis (9 no. 5): es_soap.c takes the EID from either */
	{ "Eid", ET_EID, EC_OPT, B(eid), B(has_eid) },
	{ "Eis", ET_PTR, EC_OPT, B(eis), ES_NOWHERE, &es_group_eis_change },
	{ "SmsrCertificate", ET_HEX, EC_ONE, B(certificate) },
};
static const struct es_field authenticate_rsp[] = { { "RandomChallenge", ET_HEX, EC_OPT, B(challenge) } };
static const struct es_field handle_change[] = {
	{ "Eis", ET_PTR, EC_ONE, B(eis), ES_NOWHERE, &es_group_eis_change }, F_COMPLETION,
};
static const struct es_field connectivity[] = {
	F_EID, F_ICCID, { "ConnectivityParameters", ET_HEX, EC_ONE, B(connectivity) },
};
static const struct es_field properties[] = {
	F_EID, { "AdditionalProperties", ET_PROPS, EC_ONE, B(props), B(n_props), NULL, ES_PROPERTIES_MAX },
};

/* v3.2 and v4 (8.2, last block): names and order are our own proposal */
#define GRANT(field) offsetof(struct es_grant, field)
static const struct es_field plma_fields[] = {
	{ "Mno-id", ET_OID, EC_ONE, GRANT(mno_id), OID_STR_SIZE },
	{ "M2m-sp-id", ET_OID, EC_ONE, GRANT(m2m_sp_id), OID_STR_SIZE },
	{ "ProfileType", ET_CHARS, EC_ONE, GRANT(profile_type), 101 },
	{ "AuthorisedOperation", ET_NAMES, EC_MANY, GRANT(names), GRANT(n_names), NULL, ES_GRANT_NAMES_MAX },
};
const struct es_group es_group_plma = ES_TYPE(plma_fields, struct es_grant, "PLMAType");
static const struct es_field onc_fields[] = {
	{ "Mno-id", ET_OID, EC_ONE, GRANT(mno_id), OID_STR_SIZE },
	{ "ProfileType", ET_CHARS, EC_ONE, GRANT(profile_type), 101 },
	{ "DiscardedNotification", ET_NAMES, EC_MANY, GRANT(names), GRANT(n_names), NULL, ES_GRANT_NAMES_MAX },
};
const struct es_group es_group_onc = ES_TYPE(onc_fields, struct es_grant, "ONCType");
#define F_PLMA(type, card, max)	{ "Plma", type, card, B(grant), B(n_grants), &es_group_plma, max }
#define F_ONC(type, card, max)	{ "Onc", type, card, B(grant), B(n_grants), &es_group_onc, max }
static const struct es_field set_plma[] = { F_SMSR, F_PLMA(ET_VEC, EC_ONE, 1) };
static const struct es_field get_plma[] = {
	F_SMSR, { "Eid", ET_EID, EC_OPT, B(eid), B(has_eid) }, F_ICCID_OPT, F_TYPE_OPT,
	{ "M2m-sp-id", ET_OID, EC_OPT, B(m2m_sp_id), OID_STR_SIZE }, F_MNO_ES3,
};
static const struct es_field get_plma_rsp[] = { F_PLMA(ET_VEC, EC_MANY, 1024) };
static const struct es_field set_onc[] = { F_SMSR, F_ONC(ET_VEC, EC_ONE, 1) };
static const struct es_field get_onc[] = { F_SMSR, F_TYPE_OPT, F_MNO_ES3 };
static const struct es_field get_onc_rsp[] = { F_ONC(ET_VEC, EC_MANY, 1024) };
static const struct es_field handle_downloaded[] = { F_EID, F_ICCID, F_MNO_OPT, F_TYPE_OPT, F_COMPLETION };
static const struct es_field handle_pol2[] = { F_EID, F_ICCID, F_MNO_OPT, F_POL2, F_COMPLETION };
static const struct es_field handle_plma[] = { F_PLMA(ET_VEC, EC_ONE, 1), F_COMPLETION };
static const struct es_field handle_attribute[] = { F_EID, F_ICCID, F_MNO_OPT, F_COMPLETION };

#define G(table) ES_GROUP(table, struct es_body)
static const struct es_group group_base_request = G(base_request), group_base_response = G(base_response),
	group_base_notification = { NULL, 0, sizeof(struct es_body), NULL };

static const struct message {
	enum es_func func;
	uint8_t ifaces;
	bool notification;
	struct es_group request, response;
} messages[] = {
	{ ES_FN_REGISTER_EIS, BIT(ES1), false, G(eis_fields), NOTHING },
	{ ES_FN_GET_EIS, ES2_3_4, false, G(get_eis), G(eis_opt) },
	{ ES_FN_AUDIT_EIS, ES2_3_4, false, G(audit_eis), G(eis_opt) },
	{ ES_FN_DOWNLOAD_PROFILE, BIT(ES2), false, G(download), G(iccid_rdata) },
	{ ES_FN_CREATE_ISDP, BIT(ES3), false, G(create_isdp), G(create_isdp_rsp) },
	{ ES_FN_SEND_DATA, BIT(ES3), false, G(send_data), G(rdata) },
	{ ES_FN_PROFILE_DOWNLOAD_COMPLETED, BIT(ES3), false, G(completed), NOTHING },
	{ ES_FN_ENABLE_PROFILE, ES2_3_4, false, G(iccid_only), G(iccid_rdata) },
	{ ES_FN_DISABLE_PROFILE, ES2_3_4, false, G(iccid_only), G(iccid_rdata) },
	{ ES_FN_DELETE_PROFILE, BIT(ES2) | BIT(ES4), false, G(iccid_only), G(iccid_rdata) },
	{ ES_FN_DELETE_ISDP, BIT(ES3), false, G(iccid_only), G(iccid_rdata) },
	{ ES_FN_UPDATE_POLICY_RULES, ES2_3_4, false, G(policy), NOTHING },
	{ ES_FN_UPDATE_SUBSCRIPTION_ADDRESS, ES2_3_4, false, G(address), NOTHING },
	{ ES_FN_UPDATE_EIS_PROPERTIES, BIT(ES1), false, G(properties), NOTHING },
	{ ES_FN_UPDATE_CONNECTIVITY, BIT(ES3), false, G(connectivity), G(rdata) },
	{ ES_FN_SET_PLMA, BIT(ES2) | BIT(ES3) | BIT(ES4A), false, G(set_plma), NOTHING },
	{ ES_FN_GET_PLMA, ES2_3_4 | BIT(ES4A), false, G(get_plma), G(get_plma_rsp) },
	{ ES_FN_SET_ONC, BIT(ES2) | BIT(ES3) | BIT(ES4A), false, G(set_onc), NOTHING },
	{ ES_FN_GET_ONC, BIT(ES2) | BIT(ES3) | BIT(ES4A), false, G(get_onc), G(get_onc_rsp) },
	{ ES_FN_SET_FALLBACK, ES2_3_4, false, G(iccid_only), G(rdata) },
	{ ES_FN_SET_EMERGENCY, ES2_3_4, false, G(iccid_only), G(rdata) },
	{ ES_FN_PREPARE_SMSR_CHANGE, BIT(ES4), false, G(prepare_change), NOTHING },
	{ ES_FN_SMSR_CHANGE, BIT(ES4), false, G(smsr_change), NOTHING },
	{ ES_FN_CREATE_ADDITIONAL_KEYSET, BIT(ES7), false, G(keyset), G(keyset_rsp) },
	{ ES_FN_HANDOVER_EUICC, BIT(ES7), false, G(eis_fields), NOTHING },
	{ ES_FN_AUTHENTICATE_SMSR, BIT(ES7), false, G(authenticate), G(authenticate_rsp) },
	{ ES_FN_HANDLE_SMSR_CHANGE, ES2_3_4 | BIT(ES7), true, G(handle_change), NOTHING },
	{ ES_FN_HANDLE_DOWNLOADED, ES2_3_4, true, G(handle_downloaded), NOTHING },
	{ ES_FN_HANDLE_POL2_UPDATED, ES2_3_4, true, G(handle_pol2), NOTHING },
	{ ES_FN_HANDLE_PLMA_CHANGED, ES2_3_4, true, G(handle_plma), NOTHING },
	{ ES_FN_HANDLE_FALLBACK_SET, ES2_3_4, true, G(handle_attribute), NOTHING },
	{ ES_FN_HANDLE_FALLBACK_UNSET, ES2_3_4, true, G(handle_attribute), NOTHING },
	{ ES_FN_HANDLE_EMERGENCY_SET, ES2_3_4, true, G(handle_attribute), NOTHING },
	{ ES_FN_HANDLE_EMERGENCY_UNSET, ES2_3_4, true, G(handle_attribute), NOTHING },
	{ ES_FN_HANDLE_ENABLED, ES2_3_4, true, G(handle), NOTHING },
	{ ES_FN_HANDLE_DISABLED, ES2_3_4, true, G(handle), NOTHING },
	{ ES_FN_HANDLE_DELETED, ES2_3_4, true, G(handle), NOTHING },
};

const struct es_group *es_body_group(enum es_iface iface, enum es_func func, enum es_kind kind)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		const struct message *m = &messages[i];

		if (m->func != func || !(m->ifaces & BIT(iface)) || m->notification != (kind == ES_NOTIFICATION))
			continue;
		return kind == ES_RESPONSE ? &m->response : &m->request;
	}
	return NULL;
}

const struct es_group *es_body_base(enum es_kind kind)
{
	return kind == ES_REQUEST    ? &group_base_request
	       : kind == ES_RESPONSE ? &group_base_response
				     : &group_base_notification;
}

/* ---- FunctionExecutionStatus ---- */

static const struct es_field code_fields[] = {
	{ "Subject", ET_OID, EC_OPT, offsetof(struct es_result, subject), 16 },
	{ "Reason", ET_OID, EC_OPT, offsetof(struct es_result, reason), 16 },
	{ "SubjectIdentifier", ET_STR, EC_OPT, offsetof(struct es_result, subject_id) },
	{ "Message", ET_STR, EC_OPT, offsetof(struct es_result, message) },
};
const struct es_group es_group_status = ES_TYPE(code_fields, struct es_result, "StatusCodeDataType");

/* A sender that puts the reason into SubjectIdentifier (off-card.md 5.4, last paragraph) */
static void reason_from_subject_id(struct es_result *res)
{
	const char *id = res->subject_id;

	if (*res->reason || !id || strlen(id) >= sizeof(res->reason) || !es_dotted(id) || !strchr(id, '.'))
		return;
	strcpy(res->reason, id);
	TALLOC_FREE(res->subject_id);
}

int es_result_dec(struct es_dec *d, struct es_result *res, const struct _xmlNode *n)
{
	const struct _xmlNode *c, *code = NULL;
	char *text = NULL;
	int status, rc = 0;

	for (c = es_xml_first(n); c; c = es_xml_next(c)) {
		if (es_name_eq(es_xml_name(c), "Status") && !text)
			text = es_xml_text(d->err_ctx, c);
		else if (es_name_eq(es_xml_name(c), "StatusCodeData"))
			code = c;
	}
	if (!text)
		return es_dec_fail(d, ES_R_PARAM_MISSING, n, "Status", "missing");
	status = es_status_parse(text);
	talloc_free(text);
	if (status < 0)
		return es_dec_fail(d, ES_R_PARAM_INVALID, n, "Status", "unknown value");
	res->status = status;
	if (status != ES_EXECUTED_SUCCESS && code)	/* on success some senders fill it with nothing */
		rc = es_fields_dec(d, &es_group_status, res, code);
	reason_from_subject_id(res);
	return rc;
}

void es_result_enc(struct bytes *out, const char *name, const struct es_result *res)
{
	es_out_open(out, name);
	es_out_elem(out, "Status", es_status_name(res->status));
	if (res->status != ES_EXECUTED_SUCCESS && *res->subject && *res->reason) {
		es_out_open(out, "StatusCodeData");
		es_fields_enc(out, &es_group_status, res, &(struct es_enc){ ES1, NULL });
		es_out_close(out, "StatusCodeData");
	}
	es_out_close(out, name);
}
