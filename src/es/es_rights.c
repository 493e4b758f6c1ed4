/* The rights table. rooms: table
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stddef.h>
#include <talloc.h>
#include <osmocom/rsp/es/es_rights.h>

#define OPERATOR	ES_ROLE_OPERATOR
#define M2M		ES_ROLE_M2M_SP
#define SMDP		ES_ROLE_SMDP
#define SMSR		ES_ROLE_SMSR
#define EUM		ES_ROLE_EUM
#define PROFILE		ES_SCOPE_PROFILE
#define EUICC		ES_SCOPE_EUICC
#define VIEW		ES_SCOPE_VIEW
#define GRANT		ES_SCOPE_GRANT
#define NONE		ES_SCOPE_NONE
#define OWN		ES_REL_OWNER
#define GRANTED		ES_REL_GRANTED

static const struct es_right rights[] = {
	/* ES1: EUM to SM-SR */
	{ ES1, ES_FN_REGISTER_EIS, EUM, EUICC, ES_REL_EUM },
	{ ES1, ES_FN_UPDATE_EIS_PROPERTIES, EUM, EUICC, ES_REL_EUM },

	/* ES2: operator to SM-DP */
	{ ES2, ES_FN_GET_EIS, OPERATOR, VIEW, OWN },
	{ ES2, ES_FN_AUDIT_EIS, OPERATOR, VIEW, OWN },
	{ ES2, ES_FN_DOWNLOAD_PROFILE, OPERATOR, PROFILE, OWN },
	{ ES2, ES_FN_ENABLE_PROFILE, OPERATOR, PROFILE, OWN },
	{ ES2, ES_FN_DISABLE_PROFILE, OPERATOR, PROFILE, OWN },
	{ ES2, ES_FN_DELETE_PROFILE, OPERATOR, PROFILE, OWN },
	{ ES2, ES_FN_UPDATE_POLICY_RULES, OPERATOR, PROFILE, OWN },
	{ ES2, ES_FN_UPDATE_SUBSCRIPTION_ADDRESS, OPERATOR, PROFILE, OWN },
	{ ES2, ES_FN_SET_FALLBACK, OPERATOR, PROFILE, OWN },
	{ ES2, ES_FN_SET_EMERGENCY, OPERATOR, PROFILE, OWN },
	{ ES2, ES_FN_SET_PLMA, OPERATOR, GRANT, ES_REL_SELF },
	{ ES2, ES_FN_GET_PLMA, OPERATOR, GRANT, ES_REL_SELF },
	{ ES2, ES_FN_SET_ONC, OPERATOR, GRANT, ES_REL_SELF },
	{ ES2, ES_FN_GET_ONC, OPERATOR, GRANT, ES_REL_SELF },
	/* and back */
	{ ES2, ES_FN_HANDLE_ENABLED, SMDP, NONE, 0 },
	{ ES2, ES_FN_HANDLE_DISABLED, SMDP, NONE, 0 },
	{ ES2, ES_FN_HANDLE_DELETED, SMDP, NONE, 0 },
	{ ES2, ES_FN_HANDLE_SMSR_CHANGE, SMDP, NONE, 0 },
	{ ES2, ES_FN_HANDLE_DOWNLOADED, SMDP, NONE, 0 },
	{ ES2, ES_FN_HANDLE_POL2_UPDATED, SMDP, NONE, 0 },
	{ ES2, ES_FN_HANDLE_PLMA_CHANGED, SMDP, NONE, 0 },
	{ ES2, ES_FN_HANDLE_FALLBACK_SET, SMDP, NONE, 0 },
	{ ES2, ES_FN_HANDLE_FALLBACK_UNSET, SMDP, NONE, 0 },
	{ ES2, ES_FN_HANDLE_EMERGENCY_SET, SMDP, NONE, 0 },
	{ ES2, ES_FN_HANDLE_EMERGENCY_UNSET, SMDP, NONE, 0 },

	/* ES3: SM-DP to SM-SR. What an SM-DP grants in an operator's name holds for profiles of this SM-DP. */
	{ ES3, ES_FN_GET_EIS, SMDP, VIEW, ES_REL_SMDP },
	{ ES3, ES_FN_AUDIT_EIS, SMDP, EUICC, ES_REL_SMDP },
	{ ES3, ES_FN_CREATE_ISDP, SMDP, NONE, 0 },
	{ ES3, ES_FN_SEND_DATA, SMDP, PROFILE, ES_REL_SMDP },
	{ ES3, ES_FN_PROFILE_DOWNLOAD_COMPLETED, SMDP, PROFILE, ES_REL_SMDP },
	{ ES3, ES_FN_ENABLE_PROFILE, SMDP, PROFILE, ES_REL_SMDP },
	{ ES3, ES_FN_DISABLE_PROFILE, SMDP, PROFILE, ES_REL_SMDP },
	{ ES3, ES_FN_DELETE_ISDP, SMDP, PROFILE, ES_REL_SMDP },
	{ ES3, ES_FN_UPDATE_POLICY_RULES, SMDP, PROFILE, ES_REL_SMDP },
	{ ES3, ES_FN_UPDATE_SUBSCRIPTION_ADDRESS, SMDP, PROFILE, ES_REL_SMDP },
	{ ES3, ES_FN_UPDATE_CONNECTIVITY, SMDP, PROFILE, ES_REL_SMDP },
	{ ES3, ES_FN_SET_FALLBACK, SMDP, PROFILE, ES_REL_SMDP },
	{ ES3, ES_FN_SET_EMERGENCY, SMDP, PROFILE, ES_REL_SMDP },
	{ ES3, ES_FN_SET_PLMA, SMDP, GRANT, ES_REL_SMDP },
	{ ES3, ES_FN_GET_PLMA, SMDP, GRANT, ES_REL_SMDP },
	{ ES3, ES_FN_SET_ONC, SMDP, GRANT, ES_REL_SMDP },
	{ ES3, ES_FN_GET_ONC, SMDP, GRANT, ES_REL_SMDP },
	{ ES3, ES_FN_HANDLE_ENABLED, SMSR, NONE, 0 },
	{ ES3, ES_FN_HANDLE_DISABLED, SMSR, NONE, 0 },
	{ ES3, ES_FN_HANDLE_DELETED, SMSR, NONE, 0 },
	{ ES3, ES_FN_HANDLE_SMSR_CHANGE, SMSR, NONE, 0 },
	{ ES3, ES_FN_HANDLE_DOWNLOADED, SMSR, NONE, 0 },
	{ ES3, ES_FN_HANDLE_POL2_UPDATED, SMSR, NONE, 0 },
	{ ES3, ES_FN_HANDLE_PLMA_CHANGED, SMSR, NONE, 0 },
	{ ES3, ES_FN_HANDLE_FALLBACK_SET, SMSR, NONE, 0 },
	{ ES3, ES_FN_HANDLE_FALLBACK_UNSET, SMSR, NONE, 0 },
	{ ES3, ES_FN_HANDLE_EMERGENCY_SET, SMSR, NONE, 0 },
	{ ES3, ES_FN_HANDLE_EMERGENCY_UNSET, SMSR, NONE, 0 },

	/* ES4: operator and M2M service provider to SM-SR. POL2 cannot be granted (4.4). */
	{ ES4, ES_FN_GET_EIS, OPERATOR, VIEW, OWN | GRANTED },
	{ ES4, ES_FN_GET_EIS, M2M, EUICC, GRANTED },
	{ ES4, ES_FN_AUDIT_EIS, OPERATOR, EUICC, OWN | GRANTED },
	{ ES4, ES_FN_AUDIT_EIS, M2M, EUICC, GRANTED },
	{ ES4, ES_FN_UPDATE_POLICY_RULES, OPERATOR, PROFILE, OWN },
	{ ES4, ES_FN_UPDATE_SUBSCRIPTION_ADDRESS, OPERATOR, PROFILE, OWN | GRANTED },
	{ ES4, ES_FN_UPDATE_SUBSCRIPTION_ADDRESS, M2M, PROFILE, GRANTED },
	{ ES4, ES_FN_ENABLE_PROFILE, OPERATOR, PROFILE, OWN | GRANTED },
	{ ES4, ES_FN_ENABLE_PROFILE, M2M, PROFILE, GRANTED },
	{ ES4, ES_FN_DISABLE_PROFILE, OPERATOR, PROFILE, OWN | GRANTED },
	{ ES4, ES_FN_DISABLE_PROFILE, M2M, PROFILE, GRANTED },
	{ ES4, ES_FN_DELETE_PROFILE, OPERATOR, PROFILE, OWN | GRANTED },
	{ ES4, ES_FN_DELETE_PROFILE, M2M, PROFILE, GRANTED },
	{ ES4, ES_FN_SET_FALLBACK, OPERATOR, PROFILE, OWN | GRANTED },
	{ ES4, ES_FN_SET_FALLBACK, M2M, PROFILE, GRANTED },
	{ ES4, ES_FN_SET_EMERGENCY, OPERATOR, PROFILE, OWN | GRANTED },
	{ ES4, ES_FN_SET_EMERGENCY, M2M, PROFILE, GRANTED },
	{ ES4, ES_FN_GET_PLMA, OPERATOR, GRANT, ES_REL_SELF | GRANTED },
	{ ES4, ES_FN_GET_PLMA, M2M, GRANT, GRANTED },
	{ ES4, ES_FN_PREPARE_SMSR_CHANGE, OPERATOR, NONE, 0 },
	{ ES4, ES_FN_SMSR_CHANGE, OPERATOR, EUICC, OWN },
	{ ES4, ES_FN_HANDLE_ENABLED, SMSR, NONE, 0 },
	{ ES4, ES_FN_HANDLE_DISABLED, SMSR, NONE, 0 },
	{ ES4, ES_FN_HANDLE_DELETED, SMSR, NONE, 0 },
	{ ES4, ES_FN_HANDLE_SMSR_CHANGE, SMSR, NONE, 0 },
	{ ES4, ES_FN_HANDLE_DOWNLOADED, SMSR, NONE, 0 },
	{ ES4, ES_FN_HANDLE_POL2_UPDATED, SMSR, NONE, 0 },
	{ ES4, ES_FN_HANDLE_PLMA_CHANGED, SMSR, NONE, 0 },
	{ ES4, ES_FN_HANDLE_FALLBACK_SET, SMSR, NONE, 0 },
	{ ES4, ES_FN_HANDLE_FALLBACK_UNSET, SMSR, NONE, 0 },
	{ ES4, ES_FN_HANDLE_EMERGENCY_SET, SMSR, NONE, 0 },
	{ ES4, ES_FN_HANDLE_EMERGENCY_UNSET, SMSR, NONE, 0 },

	/* ES4A: operator to SM-SR */
	{ ES4A, ES_FN_SET_PLMA, OPERATOR, GRANT, ES_REL_SELF },
	{ ES4A, ES_FN_GET_PLMA, OPERATOR, GRANT, ES_REL_SELF },
	{ ES4A, ES_FN_SET_ONC, OPERATOR, GRANT, ES_REL_SELF },
	{ ES4A, ES_FN_GET_ONC, OPERATOR, GRANT, ES_REL_SELF },

	/* ES7: between SM-SRs; whether a change is prepared with this one the procedure asks */
	{ ES7, ES_FN_CREATE_ADDITIONAL_KEYSET, SMSR, NONE, 0 },
	{ ES7, ES_FN_HANDOVER_EUICC, SMSR, NONE, 0 },
	{ ES7, ES_FN_AUTHENTICATE_SMSR, SMSR, NONE, 0 },
	{ ES7, ES_FN_HANDLE_SMSR_CHANGE, SMSR, NONE, 0 },
};
#define N_RIGHTS (sizeof(rights) / sizeof(rights[0]))

const struct es_right *es_right_find(enum es_iface iface, enum es_func func, enum es_role role)
{
	for (size_t i = 0; i < N_RIGHTS; i++)
		if (rights[i].iface == iface && rights[i].func == func && rights[i].role == role)
			return &rights[i];
	return NULL;
}

const struct es_right *es_right_next(const struct es_right *r)
{
	r = r ? r + 1 : rights;
	return r < rights + N_RIGHTS ? r : NULL;
}

bool es_role_may(enum es_iface iface, enum es_func func, enum es_role role)
{
	return es_right_find(iface, func, role) != NULL;
}

const char *es_scope_text(enum es_scope scope)
{
	static const char *const text[] = {
		[ES_SCOPE_NONE] = "any", [ES_SCOPE_PROFILE] = "the profile named",
		[ES_SCOPE_EUICC] = "the eUICC, or one profile on it", [ES_SCOPE_VIEW] = "any; the answer shows",
		[ES_SCOPE_GRANT] = "the grant",
	};

	return (unsigned)scope <= ES_SCOPE_GRANT ? text[scope] : "";
}

const char *es_relation_text(enum es_relation one)
{
	switch (one) {
	case ES_REL_OWNER:
		return "own";
	case ES_REL_GRANTED:
		return "granted by PLMA";
	case ES_REL_SMDP:
		return "own SM-DP";
	case ES_REL_EUM:
		return "own EUM";
	case ES_REL_SELF:
		return "grantor";
	}
	return "";
}

bool es_func_delegable(enum es_func func)
{
	if (es_msg_exists(ES4, func, ES_NOTIFICATION))
		return func != ES_FN_HANDLE_PLMA_CHANGED;	/* comes unasked */
	for (size_t i = 0; i < N_RIGHTS; i++)
		if (rights[i].func == func && rights[i].scope != ES_SCOPE_GRANT && rights[i].relations & ES_REL_GRANTED)
			return true;
	return false;
}

char *es_rights_manual(void *ctx)
{
	char *t = talloc_strdup(
		ctx, "# Who may call what\n\nPrinted from the table that the daemons ask (`osmo-es "
		     "--rights`). A row that is not here is a refusal: 1.1/1.2 at the door. 'on what' is refused "
		     "with 8.1/1.2 (eUICC) or 8.2.1/1.2 (profile).\n\n| Function | Caller | On what | By what right |\n"
		     "|---|---|---|---|\n");

	for (size_t i = 0; i < N_RIGHTS; i++) {
		const struct es_right *r = &rights[i];
		bool more = false;

		t = talloc_asprintf_append_buffer(t, "| %s-%s | %s | %s |", es_iface_name(r->iface),
						  es_func_name(r->func), es_role_name(r->role),
						  es_scope_text(r->scope));
		for (unsigned b = 1; b <= ES_REL_SELF; b <<= 1) {
			if (!(r->relations & b))
				continue;
			t = talloc_asprintf_append_buffer(t, "%s %s", more ? "," : "", es_relation_text(b));
			more = true;
		}
		t = talloc_asprintf_append_buffer(t, "%s |\n", more ? "" : " its role");
	}
	return t;
}
