/* Names of functions, interfaces and states, and the table of status, subject and reason codes (SGP.02 5.1.6,
 * off-card.md 5.3, 5.4).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/es/es_msg.h>
#include <osmocom/rsp/util/misc.h>

static const char *const func_names[_ES_FN_COUNT] = {
	[ES_FN_NONE] = "",
	[ES_FN_REGISTER_EIS] = "RegisterEIS",
	[ES_FN_GET_EIS] = "GetEIS",
	[ES_FN_AUDIT_EIS] = "AuditEIS",
	[ES_FN_DOWNLOAD_PROFILE] = "DownloadProfile",
	[ES_FN_CREATE_ISDP] = "CreateISDP",
	[ES_FN_SEND_DATA] = "SendData",
	[ES_FN_PROFILE_DOWNLOAD_COMPLETED] = "ProfileDownloadCompleted",
	[ES_FN_ENABLE_PROFILE] = "EnableProfile",
	[ES_FN_DISABLE_PROFILE] = "DisableProfile",
	[ES_FN_DELETE_PROFILE] = "DeleteProfile",
	[ES_FN_DELETE_ISDP] = "DeleteISDP",
	[ES_FN_UPDATE_POLICY_RULES] = "UpdatePolicyRules",
	[ES_FN_UPDATE_SUBSCRIPTION_ADDRESS] = "UpdateSubscriptionAddress",
	[ES_FN_HANDLE_ENABLED] = "HandleProfileEnabledNotification",
	[ES_FN_HANDLE_DISABLED] = "HandleProfileDisabledNotification",
	[ES_FN_HANDLE_DELETED] = "HandleProfileDeletedNotification",
	[ES_FN_UPDATE_EIS_PROPERTIES] = "UpdateEISAdditionalProperties",
	[ES_FN_UPDATE_CONNECTIVITY] = "UpdateConnectivityParameters",
	[ES_FN_SET_PLMA] = "SetPLMA",
	[ES_FN_GET_PLMA] = "GetPLMA",
	[ES_FN_SET_ONC] = "SetONC",
	[ES_FN_GET_ONC] = "GetONC",
	[ES_FN_SET_FALLBACK] = "SetFallBackAttribute",
	[ES_FN_SET_EMERGENCY] = "SetEmergencyProfileAttribute",
	[ES_FN_PREPARE_SMSR_CHANGE] = "PrepareSMSRChange",
	[ES_FN_SMSR_CHANGE] = "SMSRChange",
	[ES_FN_CREATE_ADDITIONAL_KEYSET] = "CreateAdditionalKeySet",
	[ES_FN_HANDOVER_EUICC] = "HandoverEUICC",
	[ES_FN_AUTHENTICATE_SMSR] = "AuthenticateSMSR",
	[ES_FN_HANDLE_SMSR_CHANGE] = "HandleSMSRChangeNotification",
	[ES_FN_HANDLE_DOWNLOADED] = "HandleProfileDownloadedNotification",
	[ES_FN_HANDLE_POL2_UPDATED] = "HandleProfilePOL2UpdatedNotification",
	[ES_FN_HANDLE_PLMA_CHANGED] = "HandlePLMAChangedNotification",
	[ES_FN_HANDLE_FALLBACK_SET] = "HandleProfileFallBackAttributeSetNotification",
	[ES_FN_HANDLE_FALLBACK_UNSET] = "HandleProfileFallBackAttributeUnsetNotification",
	[ES_FN_HANDLE_EMERGENCY_SET] = "HandleEmergencyProfileAttributeSetNotification",
	[ES_FN_HANDLE_EMERGENCY_UNSET] = "HandleEmergencyProfileAttributeUnsetNotification",
};

/* Names seen or remembered otherwise (off-card.md 4.2, 9 no. 1): read, never written. */
static const struct { const char *name; enum es_func func; } func_aliases[] = {
	{ "UpdatePolicy", ES_FN_UPDATE_POLICY_RULES },
	{ "HandlePLMASettingNotification", ES_FN_HANDLE_PLMA_CHANGED },
	{ "HandleFallBackAttributeSetNotification", ES_FN_HANDLE_FALLBACK_SET },
	{ "HandleFallBackAttributeUnsetNotification", ES_FN_HANDLE_FALLBACK_UNSET },
	{ "HandleProfileEmergencyAttributeSetNotification", ES_FN_HANDLE_EMERGENCY_SET },
	{ "HandleProfileEmergencyAttributeUnsetNotification", ES_FN_HANDLE_EMERGENCY_UNSET },
};

static const char *const status_names[] = {
	[ES_EXECUTED_SUCCESS] = "EXECUTED_SUCCESS",
	[ES_EXECUTED_WITHWARNING] = "EXECUTED_WITHWARNING",
	[ES_FAILED] = "FAILED",
	[ES_EXPIRED] = "EXPIRED",
};

static const struct reason_row {
	const char *subject, *reason, *text;
} reasons[_ES_R_COUNT] = {
	[ES_R_NONE] = { "", "", "" },
	[ES_R_CALLER_UNKNOWN] = { "1.1", "1.1", "caller not known or not authenticated" },
	[ES_R_CALLER_NOT_ALLOWED] = { "1.1", "1.2", "caller may not use this function" },
	[ES_R_INTERNAL] = { "1.2", "4.2", "internal error of the provider" },
	[ES_R_BUSY] = { "1.2", "4.4", "another operation on this eUICC is running" },
	[ES_R_VALIDITY_REFUSED] = { "1.2.1", "3.8", "validity period refused" },
	[ES_R_PARAM_INVALID] = { "1.6", "2.1", "parameter invalid" },
	[ES_R_PARAM_MISSING] = { "1.6", "2.2", "mandatory parameter missing" },
	[ES_R_UNSUPPORTED] = { "1.6", "3.1", "function not supported" },
	[ES_R_EXPIRED] = { "1.6", "5.3", "validity period over" },
	[ES_R_EXPIRED_NO_RESPONSE] = { "1.6", "5.4", "delivered to the card, no answer came back" },
	[ES_R_EID_UNKNOWN] = { "8.1.1", "3.9", "EID unknown" },
	[ES_R_EID_IN_USE] = { "8.1.1", "3.3", "EID already registered" },
	[ES_R_EUICC_REFUSED] = { "8.1", "3.8", "eUICC not supported" },
	[ES_R_EUICC_NOT_ALLOWED] = { "8.1", "1.2", "caller may not manage this eUICC" },
	[ES_R_ICCID_UNKNOWN] = { "8.2.1", "3.9", "ICCID unknown" },
	[ES_R_ICCID_NOT_ALLOWED] = { "8.2.1", "1.2", "caller may not manage this profile" },
	[ES_R_WRONG_STATE] = { "8.2.1", "3.5", "profile is in the wrong state" },
	[ES_R_ICCID_IN_USE] = { "8.2.1", "3.3", "ICCID already in use" },
	[ES_R_PROFILE_TYPE_UNKNOWN] = { "8.2.5", "3.9", "profile type unknown" },
	[ES_R_NO_PROFILE_LEFT] = { "8.2.5", "3.7", "no profile of this type left" },
	[ES_R_PROFILE_INVALID] = { "8.2.1", "2.1", "profile does not fit this eUICC" },
	[ES_R_NO_MEMORY] = { "8.1", "4.8", "not enough memory" },
	[ES_R_SMSR_UNKNOWN] = { "8.7", "3.9", "SM-SR unknown" },
	[ES_R_SMSR_UNREACHABLE] = { "8.7", "5.1", "SM-SR not reachable" },
	[ES_R_POL1] = { "8.2.2", "3.8", "POL1 forbids" },
	[ES_R_POL2] = { "8.2.3", "3.8", "POL2 forbids" },
	[ES_R_FALLBACK_PROFILE] = { "8.2.3", "3.8", "profile has the fall-back attribute" },
	[ES_R_CARD_ERROR] = { "8.4", "4.2", "the card answered with an error" },
	[ES_R_ROLLED_BACK] = { "8.4", "4.2", "connectivity failed, the card rolled back" },
	[ES_R_EUM_CERT_INVALID] = { "8.5.2", "6.1", "EUM certificate or signature invalid" },
	[ES_R_EUM_CERT_EXPIRED] = { "8.5.2", "6.3", "EUM certificate expired" },
	[ES_R_ECASD_CERT_INVALID] = { "8.5.2", "6.1", "ECASD certificate invalid" },
	[ES_R_KEY_ESTABLISHMENT] = { "8.4", "4.2", "key establishment failed" },
	[ES_R_COND_MISSING] = { "1.6", "2.3", "conditional parameter missing" },
	[ES_R_EIS_NOT_ALLOWED] = { "8.6", "1.2", "caller may not read this EIS" },
	[ES_R_NOT_DELEGABLE] = { "1.6", "1.2", "this cannot be granted to another party" },
	[ES_R_SMSR_REFUSES] = { "8.7", "3.8", "the SM-SR refuses the change" },
	[ES_R_NOT_PREPARED] = { "8.1.1", "1.2", "no change of SM-SR is prepared for this eUICC" },
	[ES_R_SMSR_CERT_INVALID] = { "8.5.3", "6.1", "SM-SR certificate invalid" },
	[ES_R_SMSR_CERT_EXPIRED] = { "8.5.3", "6.3", "SM-SR certificate expired" },
	[ES_R_ATTRIBUTE_REFUSED] = { "8.2.1", "3.8", "the attribute may not be set" },
};

/* off-card.md 9 no. 4, "Disagreements": the first of each is the default. */
static const struct { const char *name, *spelling[3]; } spellings[_ES_SPELLS] = {
	[ES_SPELL_DOWNLOAD_SMSR] = { "smsr-id", { "SmSr-id", "Smsr-id", "Sm-sr-id" } },
	[ES_SPELL_TARGET_SMSR] = { "target-smsr-id", { "TargetSmsrId", "TargetSmsr-id", "TargetSMSRid" } },
	[ES_SPELL_HOST] = { "host-id", { "HostId", "HostID" } },
	[ES_SPELL_TIMESTAMP] = { "completion-timestamp", { "CompletionTimestamp", "CompletionTimeStamp" } },
	[ES_SPELL_RDATA] = { "euicc-response-data", { "EuiccResponseData", "EuiCCResponseData" } },
};

const char *es_spell_name(enum es_spell s)
{
	return (unsigned)s < _ES_SPELLS ? spellings[s].name : NULL;
}

const char *es_spelling(enum es_spell s, unsigned which)
{
	return (unsigned)s < _ES_SPELLS && which < 3 ? spellings[s].spelling[which] : NULL;
}

struct es_msg *es_msg_new(void *ctx, enum es_iface iface, enum es_func func, enum es_kind kind)
{
	struct es_msg *m = talloc_zero(ctx, struct es_msg);

	if (!m)
		return NULL;
	m->iface = iface;
	m->func = func;
	m->kind = kind;
	return m;
}

const char *es_func_name(enum es_func f)
{
	return (unsigned)f < _ES_FN_COUNT ? func_names[f] : "";
}

enum es_func es_func_parse(const char *name)
{
	for (int f = ES_FN_NONE + 1; f < _ES_FN_COUNT; f++)
		if (!strcasecmp(func_names[f], name))
			return f;
	for (size_t i = 0; i < sizeof(func_aliases) / sizeof(func_aliases[0]); i++)
		if (!strcasecmp(func_aliases[i].name, name))
			return func_aliases[i].func;
	return ES_FN_NONE;
}

const char *es_iface_name(enum es_iface i)
{
	static const char *const names[] = { "ES1", "ES2", "ES3", "ES4", "ES4A", "ES7" };

	return (unsigned)i < _ES_IFACES ? names[i] : "";
}

const char *es_status_name(enum es_status s)
{
	return (unsigned)s <= ES_EXPIRED ? status_names[s] : "";
}

int es_status_parse(const char *name)
{
	for (int s = 0; s <= ES_EXPIRED; s++)
		if (!strcasecmp(name, status_names[s]))
			return s;
	return -EINVAL;
}

const char *es_reason_text(enum es_reason r)
{
	return (unsigned)r < _ES_R_COUNT ? reasons[r].text : "";
}

const char *es_reason_subject(enum es_reason r)
{
	return (unsigned)r < _ES_R_COUNT ? reasons[r].subject : "";
}

const char *es_reason_code(enum es_reason r)
{
	return (unsigned)r < _ES_R_COUNT ? reasons[r].reason : "";
}

enum es_reason es_result_reason(const struct es_result *res)
{
	for (int r = ES_R_NONE + 1; r < _ES_R_COUNT; r++)
		if (!strcmp(res->subject, reasons[r].subject) && !strcmp(res->reason, reasons[r].reason))
			return r;
	return ES_R_NONE;
}

void es_result_set(struct es_msg *m, enum es_status status, enum es_reason reason, const char *subject_id,
		   const char *message)
{
	struct es_result *res = &m->b.result;

	TALLOC_FREE(res->subject_id);
	TALLOC_FREE(res->message);
	memset(res, 0, sizeof(*res));
	res->status = status;
	if (status == ES_EXECUTED_SUCCESS || (unsigned)reason >= _ES_R_COUNT)
		return;	/* StatusCodeData only when there is something to say (off-card.md 2) */
	snprintf(res->subject, sizeof(res->subject), "%s", reasons[reason].subject);
	snprintf(res->reason, sizeof(res->reason), "%s", reasons[reason].reason);
	if (subject_id)
		res->subject_id = talloc_strdup(m, subject_id);
	if (!message)
		message = reasons[reason].text;
	if (*message)
		res->message = talloc_strdup(m, message);
}

/* off-card.md 1.3: base part unique per sender, TransactionId and MessageDate in the query part */
char *es_message_id(void *ctx, const char *own_id, const uint8_t unique[16], const char *transaction_id, int64_t now)
{
	char date[CLOCK_STR_SIZE], hex[33];

	for (int i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", unique[i]);
	return talloc_asprintf(ctx, "//%s/%s?TransactionId=%s&MessageDate=%s", own_id, hex,
			       transaction_id && *transaction_id ? transaction_id : hex, clock_str(date, now));
}
