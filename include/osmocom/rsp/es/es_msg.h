/* The off-card functions' messages as one struct and one field table per message (SGP.02 section 5, Annex A).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/ids.h>

/* One row a function; names on the wire are "<iface>-<name>Request", "...Response" or, for notifications, "<iface>-<name>". */
enum es_iface { ES1, ES2, ES3, ES4, ES4A, ES7, _ES_IFACES };
enum es_func {
	ES_FN_NONE, ES_FN_REGISTER_EIS, ES_FN_GET_EIS, ES_FN_AUDIT_EIS, ES_FN_DOWNLOAD_PROFILE, ES_FN_CREATE_ISDP, ES_FN_SEND_DATA,
	ES_FN_PROFILE_DOWNLOAD_COMPLETED, ES_FN_ENABLE_PROFILE, ES_FN_DISABLE_PROFILE, ES_FN_DELETE_PROFILE, ES_FN_DELETE_ISDP,
	ES_FN_UPDATE_POLICY_RULES, ES_FN_UPDATE_SUBSCRIPTION_ADDRESS,
	ES_FN_HANDLE_ENABLED, ES_FN_HANDLE_DISABLED, ES_FN_HANDLE_DELETED,	/* notifications, no response */
	/* Numbers are in databases: new functions come last, of either kind. */
	ES_FN_UPDATE_EIS_PROPERTIES, ES_FN_UPDATE_CONNECTIVITY, ES_FN_SET_PLMA, ES_FN_GET_PLMA, ES_FN_SET_ONC, ES_FN_GET_ONC,
	ES_FN_SET_FALLBACK, ES_FN_SET_EMERGENCY, ES_FN_PREPARE_SMSR_CHANGE, ES_FN_SMSR_CHANGE, ES_FN_CREATE_ADDITIONAL_KEYSET,
	ES_FN_HANDOVER_EUICC, ES_FN_AUTHENTICATE_SMSR,
	ES_FN_HANDLE_SMSR_CHANGE, ES_FN_HANDLE_DOWNLOADED, ES_FN_HANDLE_POL2_UPDATED, ES_FN_HANDLE_PLMA_CHANGED,
	ES_FN_HANDLE_FALLBACK_SET, ES_FN_HANDLE_FALLBACK_UNSET, ES_FN_HANDLE_EMERGENCY_SET, ES_FN_HANDLE_EMERGENCY_UNSET,
	_ES_FN_COUNT
};
enum es_kind { ES_REQUEST, ES_RESPONSE, ES_NOTIFICATION };

enum es_status { ES_EXECUTED_SUCCESS, ES_EXECUTED_WITHWARNING, ES_FAILED, ES_EXPIRED };
/* Why; es_msg.c has one table from these to Subject and Reason codes (SGP.02 5.1.6, off-card.md 5). */
enum es_reason {
	ES_R_NONE, ES_R_CALLER_UNKNOWN, ES_R_CALLER_NOT_ALLOWED, ES_R_INTERNAL, ES_R_BUSY, ES_R_VALIDITY_REFUSED, ES_R_PARAM_INVALID,
	ES_R_PARAM_MISSING, ES_R_UNSUPPORTED, ES_R_EXPIRED, ES_R_EXPIRED_NO_RESPONSE, ES_R_EID_UNKNOWN, ES_R_EID_IN_USE, ES_R_EUICC_REFUSED,
	ES_R_EUICC_NOT_ALLOWED, ES_R_ICCID_UNKNOWN, ES_R_ICCID_NOT_ALLOWED, ES_R_WRONG_STATE, ES_R_ICCID_IN_USE,
	ES_R_PROFILE_TYPE_UNKNOWN, ES_R_NO_PROFILE_LEFT, ES_R_PROFILE_INVALID, ES_R_NO_MEMORY, ES_R_SMSR_UNKNOWN, ES_R_SMSR_UNREACHABLE,
	ES_R_POL1, ES_R_POL2, ES_R_FALLBACK_PROFILE, ES_R_CARD_ERROR, ES_R_ROLLED_BACK, ES_R_EUM_CERT_INVALID, ES_R_EUM_CERT_EXPIRED,
	ES_R_ECASD_CERT_INVALID, ES_R_KEY_ESTABLISHMENT, ES_R_COND_MISSING, ES_R_EIS_NOT_ALLOWED, ES_R_NOT_DELEGABLE,
	ES_R_SMSR_REFUSES, ES_R_NOT_PREPARED, ES_R_SMSR_CERT_INVALID, ES_R_SMSR_CERT_EXPIRED, ES_R_ATTRIBUTE_REFUSED, _ES_R_COUNT
};

struct es_result {
	enum es_status status;
	char subject[16], reason[16];	/* "8.2.1", "3.9"; empty on success */
	char *subject_id;		/* SubjectIdentifier, e.g. the ICCID; may be NULL */
	char *message;			/* for a person; may be NULL */
};

struct es_pol2_rule { char subject[16], action[16], qualification[16]; };
struct es_addr { char imsi[16], msisdn[16]; };

enum es_pstate { ES_PS_CREATED, ES_PS_DISABLED, ES_PS_ENABLED };
struct es_profile_info {
	char iccid[ICCID_STR_SIZE];
	struct aid isdp_aid;
	char mno_id[OID_STR_SIZE], smdp_id[OID_STR_SIZE];
	bool fallback;
	struct es_addr addr;
	enum es_pstate state;
	char profile_type[101];
	uint32_t allocated_memory, free_memory;
	struct es_pol2_rule pol2[8]; size_t n_pol2;
};

#define ES_NAME_SIZE 64
/* PLMAType and ONCType (off-card.md 3.6): what an operator lets another party do with its profiles of a type, or which
 * notifications of them it does not want. */
struct es_grant {
	char mno_id[OID_STR_SIZE], m2m_sp_id[OID_STR_SIZE];	/* ONC: no m2m_sp_id */
	char profile_type[101];
	char (*names)[ES_NAME_SIZE]; size_t n_names;		/* AuthorisedOperation, DiscardedNotification */
};
#define ES_GRANT_NAMES_MAX 64
struct es_property { char *key, *value; };
#define ES_PROPERTIES_MAX 64

struct es_audit_record {			/* AuditTrailRecordType */
	struct eid eid;
	char smsr_id[OID_STR_SIZE], requester_id[OID_STR_SIZE];
	int64_t date;
	uint8_t type[16]; size_t type_len;	/* two octets */
	bool has_result; struct es_result result;
	struct aid isdp_aid;
	char iccid[ICCID_STR_SIZE];
	struct bytes *imei, *meid;
};
#define ES_AUDIT_RECORDS_MAX 256

struct es_keyset_key { uint8_t index; uint8_t type; struct bytes *value; /* as wrapped by the transport key */ };
struct es_keyset {
	uint8_t version;
	char type[20];			/* SCP80 SCP81 SCP03 CA ... */
	uint64_t cntr;
	struct es_keyset_key key[4]; size_t n_keys;
	struct bytes *cert;		/* 7F21 for type CA, else NULL */
	char ca_id[OID_STR_SIZE];
};
struct es_sd {				/* SecurityDomainType */
	struct aid aid;
	uint32_t tar;
	uint8_t sin[16], sdin[16]; size_t sin_len, sdin_len;
	char role[8];			/* ISD-R, ECASD */
	struct es_keyset keyset[8]; size_t n_keysets;
};

struct es_eis {				/* EISType; a partial one has has_signed_info false or fields empty */
	struct bytes *signed_info;	/* EumSignedInfo subtree as received, exclusive-canonical UTF-8 text; NULL if absent */
	struct bytes *signature;	/* EumSignature subtree as received, likewise; NULL if absent */
	struct eid eid;
	char eum_id[OID_STR_SIZE];
	int64_t production_date;
	char platform_type[101], platform_version[16];
	struct aid isdp_file_aid, isdp_module_aid;
	struct es_sd ecasd;
	bool cattp, http;
	char cattp_version[16], http_version[16], secure_packet_version[16], remote_provisioning_version[16];
	uint32_t remaining_memory, available_memory;
	int64_t last_audit;		/* 0: absent */
	char smsr_id[OID_STR_SIZE];
	struct es_profile_info *profile; size_t n_profiles;	/* talloc array */
	struct es_sd isd_r;
	bool has_audit; struct es_audit_record *audit; size_t n_audit;	/* talloc arrays */
	struct es_property *props; size_t n_props;
};

/* All fields of all messages; the table of a message says which ones it has. Strings are "" and pointers NULL when absent. */
struct es_body {
	char *fcid;			/* FunctionCallIdentifier */
	uint32_t validity_s;		/* ValidityPeriod; 0: absent */
	struct es_result result;	/* responses */
	int64_t processing_start, processing_end;
	uint32_t acceptable_validity_s;
	bool has_eid; struct eid eid;
	char iccid[ICCID_STR_SIZE];
	char (*iccids)[ICCID_STR_SIZE]; size_t n_iccids;	/* AuditEIS */
	char smsr_id[OID_STR_SIZE], mno_id[OID_STR_SIZE];
	char profile_type[101];
	bool enable_profile;
	uint32_t required_memory;
	bool more_to_do;
	struct aid sd_aid, isdp_aid;
	struct bytes *data;		/* SendData Data */
	struct bytes *response_data;	/* EuiccResponseData */
	bool has_addr; struct es_addr addr;
	bool has_pol2; struct es_pol2_rule pol2[8]; size_t n_pol2;
	struct es_eis *eis;
	int64_t completion;		/* CompletionTimestamp */
	struct es_grant *grant; size_t n_grants;	/* Plma or Onc */
	char m2m_sp_id[OID_STR_SIZE];
	char target_smsr_id[OID_STR_SIZE];	/* TargetSmsrId, CurrentSMSRid */
	struct es_property *props; size_t n_props;
	/* ES7 */
	uint8_t key_version, scenario;
	uint64_t initial_counter;
	char ecc_key_length[8];
	struct bytes *host_id, *epk, *signature, *derivation_random, *receipt, *certificate, *challenge;
	struct bytes *connectivity;	/* ConnectivityParameters */
};

/* How a peer wants what we send spelt (off-card.md 1.4, 1.6, 8.5, 9): all zero is the default. Reading takes every
 * spelling. */
enum es_spell {
	ES_SPELL_NONE, ES_SPELL_DOWNLOAD_SMSR, ES_SPELL_TARGET_SMSR, ES_SPELL_HOST, ES_SPELL_TIMESTAMP, ES_SPELL_RDATA,
	_ES_SPELLS
};
enum es_suffix { ES_SUFFIX_BY_FUNCTION, ES_SUFFIX_ALWAYS, ES_SUFFIX_NEVER };
struct es_dialect {
	bool old_ns;			/* namespace /1 */
	bool question_mark;		/* between all parameters of a query, not & (v4) */
	bool managent;			/* "ProfileManagent" in wsa:Action, as a list of the specification had it */
	bool platform;			/* PlatformManagement for enable, disable, delete */
	enum es_suffix suffix;		/* Request behind the function's name in wsa:Action */
	bool authenticate_eis;		/* AuthenticateSMSR names its eUICC by an Eis */
	uint8_t spell[_ES_SPELLS];	/* which spelling, see es_spelling() */
};
const char *es_spell_name(enum es_spell s);			/* "smsr-id": how the configuration calls it */
const char *es_spelling(enum es_spell s, unsigned which);	/* NULL beyond the last */

/* wsse:UsernameToken (off-card.md 1.9), digest form only */
struct es_token {
	char *user, *created;
	struct bytes *nonce, *digest;	/* decoded */
};

struct es_msg {				/* talloc object: everything in it hangs under it */
	enum es_iface iface;
	enum es_func func;
	enum es_kind kind;
	/* header (off-card.md 1.3) */
	char *from, *from_entity;	/* whole address, EntityId */
	char *to, *to_entity;
	char *reply_to;			/* NULL: none or anonymous */
	char *message_id;		/* whole string, query included */
	char *transaction_id;
	char *relates_to;
	bool old_ns;			/* came in namespace /1 */
	struct es_token *token;		/* NULL: none */
	char *poll;			/* WS-MakeConnection: the address asked for; func is ES_FN_NONE then */
	const struct es_dialect *dialect;	/* how it is written; NULL: default */
	struct es_body b;
};

struct es_msg *es_msg_new(void *ctx, enum es_iface iface, enum es_func func, enum es_kind kind);
const char *es_func_name(enum es_func f);	/* "EnableProfile" */
enum es_func es_func_parse(const char *name);	/* or another spelling of it; ES_FN_NONE: none */
const char *es_iface_name(enum es_iface i);	/* "ES4" */
void es_result_set(struct es_msg *m, enum es_status status, enum es_reason reason, const char *subject_id, const char *message);
const char *es_status_name(enum es_status s);
const char *es_reason_text(enum es_reason r);
int es_status_parse(const char *name);			/* or -EINVAL */
const char *es_reason_subject(enum es_reason r);	/* "8.2.1" */
const char *es_reason_code(enum es_reason r);		/* "3.9" */
enum es_reason es_result_reason(const struct es_result *res);	/* first row with this pair, ES_R_NONE if there is none */

/* "ES4-EnableProfile" with "Eid=89..", "Iccid=..", "pol2.Rule.Action=DISABLE": element names in any case; a value that
 * begins with '<' is an element as XML. NULL and *err, which names what is missing or wrong. */
struct es_msg *es_msg_from_words(void *ctx, const char *function, const char *const *word, size_t n, char **err);

/* MessageID "//<own_id>/<unique hex>?TransactionId=..&MessageDate=.." (transaction_id NULL: the unique part). */
char *es_message_id(void *ctx, const char *own_id, const uint8_t unique[16], const char *transaction_id, int64_t now);

/* es_soap.c: SOAP 1.2 envelope with WS-Addressing, both ways. enc returns UTF-8 text in namespace /3; NULL when the
 * interface has no such message, message_id is NULL or it gets larger than a receiver would take. From and To get
 * ?EntityId=.. when from_entity/to_entity is set and the address has none.
 * dec: err is a sentence naming the element path. 0, or with *m NULL: -EINVAL (not such a message: SOAP fault), -ENOTSUP
 * (no such function), -EPROTO (a SOAP fault came, err is its text). -EBADMSG: the function is known but a parameter is
 * missing or invalid: *m has the header and *reason (may be NULL) ES_R_PARAM_MISSING or ES_R_PARAM_INVALID. */
#define ES_SOAP_CONTENT_TYPE "application/soap+xml; charset=utf-8"
#define ES_SOAP_MAX ((8U << 20) + (256U << 10))	/* SendData; anything else: 256 kB (corrections 12) */
int es_soap_dec_reason(struct es_msg **m, char **err, enum es_reason *reason, void *ctx, const uint8_t *in, size_t len);
/* Is there such a message? kind ES_REQUEST, ES_RESPONSE or ES_NOTIFICATION. */
bool es_msg_exists(enum es_iface iface, enum es_func func, enum es_kind kind);
/* Answered without a card, so in the HTTP reply where possible (off-card.md 1.5.1). */
bool es_func_is_sync(enum es_func func);
struct bytes *es_soap_enc(void *ctx, const struct es_msg *m);
int es_soap_dec(struct es_msg **m, char **err, void *ctx, const uint8_t *in, size_t len);	/* -EBADMSG: *m NULL too */
char *es_soap_action(void *ctx, const struct es_msg *m);	/* wsa:Action */
struct bytes *es_soap_fault(void *ctx, bool sender, const char *text);
/* EIS alone (a file holding one rps:Eis element), for osmo-rsp-ca and osmo-es. */
struct bytes *es_eis_enc(void *ctx, const struct es_eis *eis);
int es_eis_dec(struct es_eis **eis, char **err, void *ctx, const uint8_t *in, size_t len);
/* es_dsig.c: EumSignature (off-card.md 7.5, corrections 16). sign fills eis->signed_info and eis->signature. */
struct ec_key; struct cert_x509;
int es_dsig_sign(struct es_eis *eis, const struct ec_key *eum, const struct cert_x509 *eum_cert);
int es_dsig_verify(const struct es_eis *eis, const struct cert_x509 *eum_cert, char **err, void *ctx);	/* 0 or -EBADMSG */
/* EUM certificate carried in KeyInfo X509Certificate, or NULL. */
struct cert_x509 *es_dsig_cert(void *ctx, const struct es_eis *eis);
