/* EISType, SecurityDomainType, Keyset, ProfileInfo (off-card.md 3.2-3.4), and an EIS alone in a file. rooms: table
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>

#include "es_fields.h"
#include "es_fields_priv.h"
#include "es_dsig.h"

#define E(field) offsetof(struct es_eis, field)
#define SD(field) offsetof(struct es_sd, field)
#define KS(field) offsetof(struct es_keyset, field)
#define KEY(field) offsetof(struct es_keyset_key, field)
#define PI(field) offsetof(struct es_profile_info, field)
#define AR(field) offsetof(struct es_audit_record, field)

extern const struct es_group es_group_addr, es_group_rule;	/* es_body.c */

static const struct es_field key_fields[] = {
	{ "Index", ET_U8, EC_ONE, KEY(index) },
	{ "KeyComponents", ET_KEYS, EC_ONE },
};
static const struct es_group group_key = ES_TYPE(key_fields, struct es_keyset_key, "KeyType");

static const struct es_field cert_fields[] = {
	{ "Index", ET_CERT_INDEX, EC_ONE },
	{ "CaId", ET_OID, EC_OPT, KS(ca_id), OID_STR_SIZE },
	{ "Value", ET_HEX, EC_ONE, KS(cert) },
};
static const struct es_group group_cert = ES_TYPE(cert_fields, struct es_keyset, "GPCertificateType");

static const struct es_field keyset_fields[] = {
	{ "Version", ET_U8, EC_ONE, KS(version) },
	{ "Type", ET_CHARS, EC_OPT, KS(type), 20 },
	{ "Cntr", ET_U64, EC_OPT, KS(cntr) },
	{ "Key", ET_ARRAY, EC_MANY, KS(key), KS(n_keys), &group_key, 4 },
	{ "Certificate", ET_CERT, EC_OPT, KS(cert), ES_NOWHERE, &group_cert },
};
static const struct es_group group_keyset = ES_TYPE(keyset_fields, struct es_keyset, "KeysetType");

static const struct es_field sd_fields[] = {
	{ "Aid", ET_AID, EC_ONE, SD(aid) },
	{ "Tar", ET_TAR, EC_OPT, SD(tar) },
	{ "Sin", ET_HEX16, EC_ONE, SD(sin), SD(sin_len) },
	{ "Sdin", ET_HEX16, EC_ONE, SD(sdin), SD(sdin_len) },
	{ "Role", ET_CHARS, EC_ONE, SD(role), 8 },
	{ "Keyset", ET_ARRAY, EC_MANY, SD(keyset), SD(n_keysets), &group_keyset, 8 },
};
static const struct es_group group_sd = ES_TYPE(sd_fields, struct es_sd, "SecurityDomainType");

static const struct es_field caps_fields[] = {
	{ "CattpSupport", ET_BOOL, EC_ONE, E(cattp) },
	{ "CattpVersion", ET_CHARS, EC_OPT, E(cattp_version), 16 },
	{ "HttpSupport", ET_BOOL, EC_ONE, E(http) },
	{ "HttpVersion", ET_CHARS, EC_OPT, E(http_version), 16 },
	{ "SecurePacketVersion", ET_CHARS, EC_ONE, E(secure_packet_version), 16 },
	{ "RemoteProvisioningVersion", ET_CHARS, EC_ONE, E(remote_provisioning_version), 16 },
};
static const struct es_group group_caps = ES_TYPE(caps_fields, struct es_eis, "EuiccCapabilitiesType");

static const struct es_field signed_fields[] = {
	{ "Eid", ET_EID, EC_ONE, E(eid), ES_NOWHERE },
	{ "Eum-id", ET_OID, EC_OPT, E(eum_id), OID_STR_SIZE },
	{ "ProductionDate", ET_TIME, EC_OPT, E(production_date) },
	{ "PlatformType", ET_CHARS, EC_OPT, E(platform_type), 101 },
	{ "PlatformVersion", ET_CHARS, EC_OPT, E(platform_version), 16 },
	{ "Isd-p-loadfile-aid", ET_AID, EC_OPT, E(isdp_file_aid) },
	{ "Isd-p-module-aid", ET_AID, EC_OPT, E(isdp_module_aid) },
	{ "Ecasd", ET_SD, EC_OPT, E(ecasd), ES_NOWHERE, &group_sd },
	{ "EuiccCapabilities", ET_GROUP, EC_OPT, 0, ES_NOWHERE, &group_caps },
};
static const struct es_group group_signed = ES_TYPE(signed_fields, struct es_eis, "EumSignedInfoType");

static const struct es_field profile_pol2_fields[] = {
	{ "Rule", ET_ARRAY, EC_MANY, PI(pol2), PI(n_pol2), &es_group_rule, 8 },
};
static const struct es_group group_profile_pol2 = ES_TYPE(profile_pol2_fields, struct es_profile_info, "POL2Type");

static const struct es_field profile_fields[] = {
	{ "Iccid", ET_ICCID, EC_ONE, PI(iccid) },
	{ "Isd-p-aid", ET_AID, EC_OPT, PI(isdp_aid) },
	{ "Mno-id", ET_OID, EC_OPT, PI(mno_id), OID_STR_SIZE },
	{ "FallbackAttribute", ET_BOOL, EC_ONE, PI(fallback) },
	{ "SubscriptionAddress", ET_GROUP, EC_ONE, PI(addr), ES_NOWHERE, &es_group_addr },
	{ "State", ET_PSTATE, EC_ONE, PI(state) },
	{ "Smdp-id", ET_OID, EC_OPT, PI(smdp_id), OID_STR_SIZE },
	{ "ProfileType", ET_CHARS, EC_OPT, PI(profile_type), 101 },
	{ "AllocatedMemory", ET_U32, EC_ONE, PI(allocated_memory) },
	{ "FreeMemory", ET_U32, EC_OPT, PI(free_memory) },
	{ "FreeMemoery", ET_U32, EC_ALIAS, PI(free_memory) },
	{ "pol2", ET_GROUP, EC_ONE, 0, ES_NOWHERE, &group_profile_pol2 },
};
static const struct es_group group_profile = ES_TYPE(profile_fields, struct es_profile_info, "ProfileInfoType");

/* off-card.md 3.5 */
static const struct es_field record_fields[] = {
	{ "Eid", ET_EID, EC_ONE, AR(eid), ES_NOWHERE },
	{ "Smsr-id", ET_OID, EC_ONE, AR(smsr_id), OID_STR_SIZE },
	{ "OperationDate", ET_TIME, EC_ONE, AR(date) },
	{ "OperationType", ET_HEX16, EC_ONE, AR(type), AR(type_len) },
	{ "RequesterId", ET_OID, EC_OPT, AR(requester_id), OID_STR_SIZE },
	{ "OperationExecutionStatus", ET_RESULT, EC_OPT, AR(result), AR(has_result) },
	{ "Isd-p-aid", ET_AID, EC_OPT, AR(isdp_aid) },
	{ "Iccid", ET_ICCID, EC_OPT, AR(iccid) },
	{ "Imei", ET_HEX, EC_OPT, AR(imei) },
	{ "Meid", ET_HEX, EC_OPT, AR(meid) },
};
static const struct es_group group_record = ES_TYPE(record_fields, struct es_audit_record, "AuditTrailRecordType");
static const struct es_field trail_fields[] = {
	{ "Record", ET_VEC, EC_MANY, E(audit), E(n_audit), &group_record, ES_AUDIT_RECORDS_MAX },
};
static const struct es_group group_trail = ES_GROUP(trail_fields, struct es_eis);

static const struct es_field eis_fields[] = {
	{ "EumSignedInfo", ET_SIGNED, EC_ONE, 0, E(signed_info), &group_signed },
	{ "EumSignature", ET_SIGNATURE, EC_OPT, E(signature) },
	{ "Signature", ET_SIGNATURE, EC_ALIAS, E(signature) },
	{ "RemainingMemory", ET_U32, EC_ONE, E(remaining_memory) },
	{ "AvailableMemoryForProfiles", ET_U32, EC_ONE, E(available_memory) },
	{ "LastAuditDate", ET_TIME, EC_OPT, E(last_audit) },
	{ "Smsr-id", ET_OID, EC_OPT, E(smsr_id), OID_STR_SIZE },
	{ "ProfileInfo", ET_VEC, EC_MANY, E(profile), E(n_profiles), &group_profile, 64 },
	{ "Isd-r", ET_SD, EC_OPT, E(isd_r), ES_NOWHERE, &group_sd },
	{ "AuditTrail", ET_GROUP, EC_OPT, 0, E(has_audit), &group_trail },
	{ "AdditionalProperties", ET_PROPS, EC_OPT, E(props), E(n_props), NULL, ES_PROPERTIES_MAX },
};
const struct es_group es_group_eis = ES_TYPE(eis_fields, struct es_eis, "EISType");

/* What HandleSMSRChangeNotification shows (off-card.md 3.8, last column): no address, state, memory, POL2, fall-back */
static const struct es_field change_profile_fields[] = {
	{ "Iccid", ET_ICCID, EC_ONE, PI(iccid) },
	{ "Isd-p-aid", ET_AID, EC_OPT, PI(isdp_aid) },
	{ "Mno-id", ET_OID, EC_OPT, PI(mno_id), OID_STR_SIZE },
	{ "Smdp-id", ET_OID, EC_OPT, PI(smdp_id), OID_STR_SIZE },
	{ "ProfileType", ET_CHARS, EC_OPT, PI(profile_type), 101 },
};
static const struct es_group group_change_profile = ES_GROUP(change_profile_fields, struct es_profile_info);
static const struct es_group group_change_signed = { signed_fields, 1, sizeof(struct es_eis), NULL };	/* Eid */
static const struct es_field change_fields[] = {
	{ "EumSignedInfo", ET_GROUP, EC_ONE, 0, ES_NOWHERE, &group_change_signed },
	{ "Smsr-id", ET_OID, EC_OPT, E(smsr_id), OID_STR_SIZE },
	{ "ProfileInfo", ET_VEC, EC_MANY, E(profile), E(n_profiles), &group_change_profile, 64 },
};
const struct es_group es_group_eis_change = ES_TYPE(change_fields, struct es_eis, "EISChangeType");
static const struct es_group group_only_signed = { eis_fields, 1, sizeof(struct es_eis), NULL };

static const char *const pstate_names[] = {
	[ES_PS_CREATED] = "Created", [ES_PS_DISABLED] = "Disabled", [ES_PS_ENABLED] = "Enabled",
};

const char *es_pstate_name(enum es_pstate s)
{
	return (unsigned)s <= ES_PS_ENABLED ? pstate_names[s] : "";
}

int es_pstate_parse(const char *name)
{
	for (int s = 0; s <= ES_PS_ENABLED; s++)
		if (!strcasecmp(name, pstate_names[s]))
			return s;
	return -EINVAL;
}

/* Is every Algorithm that names a canonicalisation below n the exclusive one, without a prefix list? */
static bool algorithms_exclusive(const struct _xmlNode *n, unsigned *transforms)
{
	const struct _xmlNode *c;
	bool ok = true;

	for (c = es_xml_first(n); c && ok; c = es_xml_next(c)) {
		bool is_transform = !strcmp(es_xml_name(c), "Transform");

		if (!strcmp(es_xml_name(c), "InclusiveNamespaces"))
			ok = false;
		if (is_transform || !strcmp(es_xml_name(c), "CanonicalizationMethod")) {
			char *alg = es_xml_attr(NULL, c, "Algorithm");

			if (!alg || !strstr(alg, "/xml-exc-c14n#"))
				ok = false;
			talloc_free(alg);
			*transforms += is_transform;
		}
		ok = ok && algorithms_exclusive(c, transforms);
	}
	return ok;
}

/* How to keep the text of EumSignedInfo and EumSignature: exclusive-canonical text is enough (and stands alone
 * anywhere) if the signature uses nothing else. Otherwise (a Reference without Transforms means inclusive C14N) the
 * namespaces in scope are part of what was signed: kept as inclusive-canonical text. n: the Eis, or the signature
 * itself. */
bool es_eis_exclusive(const struct _xmlNode *n)
{
	const struct _xmlNode *c, *sig = NULL;
	unsigned transforms = 0;

	if (es_name_eq(es_xml_name(n), "EumSignature") || !strcmp(es_xml_name(n), "Signature"))
		sig = n;
	for (c = es_xml_first(n); c && !sig; c = es_xml_next(c))
		if (es_name_eq(es_xml_name(c), "EumSignature") || !strcmp(es_xml_name(c), "Signature"))
			sig = c;
	return !sig || (algorithms_exclusive(sig, &transforms) && transforms > 0);
}

static struct bytes *eis_enc(void *ctx, const struct es_group *g, const struct es_eis *eis, const char *element)
{
	struct bytes *out = bytes_new(ctx, ES_XML_MAX);

	if (!out)
		return NULL;
	if (element)
		es_out_raw(out, "<rps:Eis xmlns:rps=\"" NS_RPS "\">");
	es_fields_enc(out, g, eis, &(struct es_enc){ ES1, NULL });
	if (element)
		es_out_close(out, element);
	if (out->err)
		TALLOC_FREE(out);
	return out;
}

struct bytes *es_eis_enc(void *ctx, const struct es_eis *eis)
{
	return eis_enc(ctx, &es_group_eis, eis, "Eis");
}

/* EumSignedInfo made from the fields, in its own canonical form: what an EUM signs. */
struct bytes *es_eis_signed_part(void *ctx, const struct es_eis *eis)
{
	struct es_eis fields = *eis;
	struct bytes *wrapped, *out = NULL;
	struct es_xml *x;
	char *err = NULL;

	fields.signed_info = NULL;
	wrapped = eis_enc(ctx, &group_only_signed, &fields, "Eis");
	x = wrapped ? es_xml_parse(wrapped, &err, wrapped->data, wrapped->len, false) : NULL;
	if (x)
		out = es_xml_c14n(ctx, es_xml_first(es_xml_root(x)), true);
	talloc_free(wrapped);
	return out;
}

int es_eis_dec(struct es_eis **eis, char **err, void *ctx, const uint8_t *in, size_t len)
{
	struct es_dec d = { .err = err, .err_ctx = ctx, .lenient = true };
	struct es_xml *x;
	int rc;

	*eis = NULL;
	*err = NULL;
	x = es_xml_parse(ctx, err, in, len, false);
	if (!x)
		return -EINVAL;
	if (!es_name_eq(es_xml_name(es_xml_root(x)), "Eis")) {
		*err = talloc_strdup(ctx, "root element is not Eis");
		talloc_free(x);
		return -EINVAL;
	}
	*eis = talloc_zero(ctx, struct es_eis);
	d.ctx = *eis;
	rc = es_fields_dec(&d, &es_group_eis, *eis, es_xml_root(x));
	talloc_free(x);
	if (rc < 0)
		TALLOC_FREE(*eis);
	return rc < 0 ? -EINVAL : 0;
}
