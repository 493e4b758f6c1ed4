/* Names and kinds of the components of every ProfileElement (PEDefinitions 3.3.1; digest 1 to 7). Names as in the
 * module, its spelling mistakes included.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stddef.h>

#include "upp_asn.h"

const struct upp_asn upp_asn_pe_header[] = {
	{ "mandated", 0x80, ASN_NULL }, { "identification", 0x81, ASN_INT }, {},
};

static const struct upp_asn asn_octets[] = { { "", 0x04, ASN_OCTETS }, {} };
static const struct upp_asn asn_oid[] = { { "", 0x06, ASN_OID }, {} };

static const struct upp_asn asn_services[] = {
	{ "contactless", 0x80, ASN_NULL }, { "usim", 0x81, ASN_NULL }, { "isim", 0x82, ASN_NULL },
	{ "csim", 0x83, ASN_NULL }, { "milenage", 0x84, ASN_NULL }, { "tuak128", 0x85, ASN_NULL },
	{ "cave", 0x86, ASN_NULL }, { "gba-usim", 0x87, ASN_NULL }, { "gba-isim", 0x88, ASN_NULL },
	{ "mbms", 0x89, ASN_NULL }, { "eap", 0x8A, ASN_NULL }, { "javacard", 0x8B, ASN_NULL },
	{ "multos", 0x8C, ASN_NULL }, { "multiple-usim", 0x8D, ASN_NULL }, { "multiple-isim", 0x8E, ASN_NULL },
	{ "multiple-csim", 0x8F, ASN_NULL }, { "tuak256", 0x90, ASN_NULL }, { "usim-test-algorithm", 0x91, ASN_NULL },
	{ "ber-tlv", 0x92, ASN_NULL }, { "dfLink", 0x93, ASN_NULL }, { "cat-tp", 0x94, ASN_NULL },
	{ "get-identity", 0x95, ASN_NULL }, { "profile-a-x25519", 0x96, ASN_NULL },
	{ "profile-b-p256", 0x97, ASN_NULL }, { "suciCalculatorApi", 0x98, ASN_NULL },
	{ "dns-resolution", 0x99, ASN_NULL }, { "scp11ac", 0x9A, ASN_NULL },
	{ "scp11c-authorization-mechanism", 0x9B, ASN_NULL }, { "s16mode", 0x9C, ASN_NULL },
	{ "eaka", 0x9D, ASN_NULL }, {},
};

static const struct upp_asn asn_aid_version[] = {
	{ "aid", 0x80, ASN_OCTETS }, { "version", 0x81, ASN_OCTETS }, {},
};
static const struct upp_asn asn_aids[] = { { "", 0x30, ASN_SEQ, asn_aid_version }, {} };
static const struct upp_asn asn_iot_options[] = { { "pix", 0x80, ASN_OCTETS }, {} };

static const struct upp_asn asn_header[] = {
	{ "major-version", 0x80, ASN_INT },
	{ "minor-version", 0x81, ASN_INT },
	{ "profileType", 0x82, ASN_TEXT },
	{ "iccid", 0x83, ASN_OCTETS },
	{ "pol", 0x84, ASN_OCTETS },
	{ "eUICC-Mandatory-services", 0xA5, ASN_SEQ, asn_services },
	{ "eUICC-Mandatory-GFSTEList", 0xA6, ASN_LIST, asn_oid },
	{ "connectivityParameters", 0x87, ASN_OCTETS },
	{ "eUICC-Mandatory-AIDs", 0xA8, ASN_LIST, asn_aids },
	{ "iotOptions", 0xA9, ASN_SEQ, asn_iot_options },
	{},
};

/* Files ------------------------------------------------------------ */

static const struct upp_asn asn_proprietary[] = {
	{ "specialFileInformation", 0xC0, ASN_OCTETS }, { "fillPattern", 0xC1, ASN_OCTETS },
	{ "repeatPattern", 0xC2, ASN_OCTETS }, { "maximumFileSize", 0x86, ASN_OCTETS },
	{ "fileDetails", 0x84, ASN_OCTETS }, {},
};

static const struct upp_asn asn_fcp[] = {
	{ "fileDescriptor", 0x82, ASN_OCTETS },
	{ "fileID", 0x83, ASN_OCTETS },
	{ "dfName", 0x84, ASN_OCTETS },
	{ "lcsi", 0x8A, ASN_OCTETS },
	{ "securityAttributesReferenced", 0x8B, ASN_OCTETS },
	{ "efFileSize", 0x80, ASN_OCTETS },
	{ "pinStatusTemplateDO", 0xC6, ASN_OCTETS },
	{ "shortEFID", 0x88, ASN_OCTETS },
	{ "proprietaryEFInfo", 0xA5, ASN_SEQ, asn_proprietary },
	{ "linkPath", 0xC7, ASN_OCTETS },
	{},
};

const struct upp_asn upp_asn_file[] = {
	{ "doNotCreate", 0x80, ASN_NULL }, { "fileDescriptor", 0xA1, ASN_SEQ, asn_fcp },
	{ "fillFileOffset", 0x82, ASN_INT }, { "fillFileContent", 0x83, ASN_OCTETS }, {},
};

static const struct upp_asn asn_management[] = {
	{ "filePath", 0x80, ASN_OCTETS }, { "createFCP", 0x62, ASN_SEQ, asn_fcp },
	{ "fillFileOffset", 0x02, ASN_INT }, { "fillFileContent", 0x81, ASN_OCTETS }, {},
};
static const struct upp_asn asn_commands[] = { { "", 0x30, ASN_CHOICES, asn_management }, {} };

static const struct upp_asn asn_gfm[] = {
	{ "gfm-header", 0xA0, ASN_SEQ, upp_asn_pe_header }, { "fileManagementCMD", 0xA1, ASN_LIST, asn_commands }, {},
};

/* Codes and keys ------------------------------------------------------------ */

static const struct upp_asn_int asn_pin_refs[] = {
	{ 1, "pinAppl1" }, { 2, "pinAppl2" }, { 3, "pinAppl3" }, { 4, "pinAppl4" }, { 5, "pinAppl5" },
	{ 6, "pinAppl6" }, { 7, "pinAppl7" }, { 8, "pinAppl8" }, { 10, "adm1" }, { 11, "adm2" }, { 12, "adm3" },
	{ 13, "adm4" }, { 14, "adm5" }, { 129, "secondPINAppl1" }, { 130, "secondPINAppl2" },
	{ 131, "secondPINAppl3" }, { 132, "secondPINAppl4" }, { 133, "secondPINAppl5" }, { 134, "secondPINAppl6" },
	{ 135, "secondPINAppl7" }, { 136, "secondPINAppl8" }, { 138, "adm6" }, { 139, "adm7" }, { 140, "adm8" },
	{ 141, "adm9" }, { 142, "adm10" }, {},
};
static const struct upp_asn_int asn_puk_refs[] = {
	{ 1, "pukAppl1" }, { 2, "pukAppl2" }, { 3, "pukAppl3" }, { 4, "pukAppl4" }, { 5, "pukAppl5" },
	{ 6, "pukAppl6" }, { 7, "pukAppl7" }, { 8, "pukAppl8" }, { 129, "secondPUKAppl1" }, { 130, "secondPUKAppl2" },
	{ 131, "secondPUKAppl3" }, { 132, "secondPUKAppl4" }, { 133, "secondPUKAppl5" }, { 134, "secondPUKAppl6" },
	{ 135, "secondPUKAppl7" }, { 136, "secondPUKAppl8" }, {},
};

static const struct upp_asn asn_pin_config[] = {
	{ "keyReference", 0x80, ASN_INT, NULL, asn_pin_refs },
	{ "pinValue", 0x81, ASN_OCTETS, NULL, NULL, true },
	{ "unblockingPINReference", 0x82, ASN_INT, NULL, asn_puk_refs },
	{ "pinAttributes", 0x83, ASN_INT },
	{ "maxNumOfAttemps-retryNumLeft", 0x84, ASN_INT },
	{},
};
static const struct upp_asn asn_pin_configs[] = { { "", 0x30, ASN_SEQ, asn_pin_config }, {} };
static const struct upp_asn asn_pin_choice[] = {
	{ "pinconfig", 0xA0, ASN_LIST, asn_pin_configs }, { "filePath", 0x81, ASN_OCTETS }, {},
};
static const struct upp_asn asn_pins[] = {
	{ "pin-Header", 0xA0, ASN_SEQ, upp_asn_pe_header }, { "pinCodes", 0xA1, ASN_CHOICE, asn_pin_choice }, {},
};

static const struct upp_asn asn_puk_config[] = {
	{ "keyReference", 0x80, ASN_INT, NULL, asn_puk_refs },
	{ "pukValue", 0x81, ASN_OCTETS, NULL, NULL, true },
	{ "maxNumOfAttemps-retryNumLeft", 0x82, ASN_INT },
	{},
};
static const struct upp_asn asn_puk_configs[] = { { "", 0x30, ASN_SEQ, asn_puk_config }, {} };
static const struct upp_asn asn_puks[] = {
	{ "puk-Header", 0xA0, ASN_SEQ, upp_asn_pe_header }, { "pukCodes", 0xA1, ASN_LIST, asn_puk_configs }, {},
};

static const struct upp_asn_int asn_algorithms[] = {
	{ 1, "milenage" }, { 2, "tuak" }, { 3, "usim-test-algorithm" }, {},
};
static const struct upp_asn asn_mapping[] = {
	{ "mappingOptions", 0x80, ASN_OCTETS }, { "mappingSource", 0x81, ASN_OCTETS }, {},
};
static const struct upp_asn asn_algo[] = {
	{ "algorithmID", 0x80, ASN_INT, NULL, asn_algorithms },
	{ "algorithmOptions", 0x81, ASN_OCTETS },
	{ "key", 0x82, ASN_OCTETS, NULL, NULL, true },
	{ "opc", 0x83, ASN_OCTETS, NULL, NULL, true },
	{ "rotationConstants", 0x84, ASN_OCTETS },
	{ "xoringConstants", 0x85, ASN_OCTETS },
	{ "authCounterMax", 0x86, ASN_OCTETS },
	{ "numberOfKeccak", 0x87, ASN_INT },
	{},
};
static const struct upp_asn asn_algo_choice[] = {
	{ "mappingParameter", 0xA0, ASN_SEQ, asn_mapping }, { "algoParameter", 0xA1, ASN_SEQ, asn_algo }, {},
};
static const struct upp_asn asn_aka[] = {
	{ "aka-header", 0xA0, ASN_SEQ, upp_asn_pe_header },
	{ "algoConfiguration", 0xA1, ASN_CHOICE, asn_algo_choice },
	{ "sqnOptions", 0x82, ASN_OCTETS },
	{ "sqnDelta", 0x83, ASN_OCTETS },
	{ "sqnAgeLimit", 0x84, ASN_OCTETS },
	{ "sqnInit", 0xA5, ASN_LIST, asn_octets },
	{},
};

static const struct upp_asn asn_cdma[] = {
	{ "cdma-header", 0xA0, ASN_SEQ, upp_asn_pe_header },
	{ "authenticationKey", 0x81, ASN_OCTETS, NULL, NULL, true },
	{ "ssd", 0x82, ASN_OCTETS, NULL, NULL, true },
	{ "hrpdAccessAuthenticationData", 0x83, ASN_OCTETS, NULL, NULL, true },
	{ "simpleIPAuthenticationData", 0x84, ASN_OCTETS, NULL, NULL, true },
	{ "mobileIPAuthenticationData", 0x85, ASN_OCTETS, NULL, NULL, true },
	{},
};

/* Applications ------------------------------------------------------------ */

static const struct upp_asn asn_app_parameters[] = {
	{ "uiccToolkitApplicationSpecificParametersField", 0x80, ASN_OCTETS },
	{ "uiccAccessApplicationSpecificParametersField", 0x81, ASN_OCTETS },
	{ "uiccAdministrativeAccessApplicationSpecificParametersField", 0x82, ASN_OCTETS },
	{},
};
static const struct upp_asn asn_reference[] = { { "applicationProviderIdentifier", 0x5F20, ASN_OCTETS }, {} };
static const struct upp_asn asn_instance[] = {
	{ "applicationLoadPackageAID", 0x4F, ASN_OCTETS },
	{ "classAID", 0x4F, ASN_OCTETS },
	{ "instanceAID", 0x4F, ASN_OCTETS },
	{ "extraditeSecurityDomainAID", 0x4F, ASN_OCTETS },
	{ "applicationPrivileges", 0x82, ASN_OCTETS },
	{ "lifeCycleState", 0x83, ASN_OCTETS },
	{ "applicationSpecificParametersC9", 0xC9, ASN_OCTETS },
	{ "systemSpecificParameters", 0xEF, ASN_SEQ, asn_octets },
	{ "applicationParameters", 0xEA, ASN_SEQ, asn_app_parameters },
	{ "processData", 0x30, ASN_LIST, asn_octets },
	{ "controlReferenceTemplate", 0xB0, ASN_SEQ, asn_reference },
	{},
};

static const struct upp_asn asn_component[] = {
	{ "keyType", 0x80, ASN_OCTETS }, { "keyData", 0x86, ASN_OCTETS, NULL, NULL, true },
	{ "macLength", 0x87, ASN_INT }, {},
};
static const struct upp_asn asn_components[] = { { "", 0x30, ASN_SEQ, asn_component }, {} };
static const struct upp_asn asn_key[] = {
	{ "keyUsageQualifier", 0x95, ASN_OCTETS },
	{ "keyAccess", 0x96, ASN_OCTETS },
	{ "keyIdentifier", 0x82, ASN_OCTETS },
	{ "keyVersionNumber", 0x83, ASN_OCTETS },
	{ "keyCounterValue", 0x85, ASN_OCTETS },
	{ "keyCompontents", 0x30, ASN_LIST, asn_components },
	{},
};
static const struct upp_asn asn_keys[] = { { "", 0x30, ASN_SEQ, asn_key }, {} };
static const struct upp_asn asn_open_perso[] = {
	{ "restrictParameter", 0xD9, ASN_OCTETS }, { "contactlessProtocolParameters", 0x04, ASN_OCTETS }, {},
};
static const struct upp_asn asn_cat_tp[] = {
	{ "catTpMaxSduSize", 0x80, ASN_INT }, { "catTpMaxPduSize", 0x81, ASN_INT }, {},
};
static const struct upp_asn asn_sd[] = {
	{ "sd-Header", 0xA0, ASN_SEQ, upp_asn_pe_header },
	{ "instance", 0xA1, ASN_SEQ, asn_instance },
	{ "keyList", 0xA2, ASN_LIST, asn_keys },
	{ "sdPersoData", 0xA3, ASN_LIST, asn_octets },
	{ "openPersoData", 0xA4, ASN_SEQ, asn_open_perso },
	{ "catTpParameters", 0xA5, ASN_SEQ, asn_cat_tp },
	{},
};

static const struct upp_asn asn_adf_access[] = {
	{ "adfAID", 0x80, ASN_OCTETS }, { "adfAccessDomain", 0x81, ASN_OCTETS },
	{ "adfAdminAccessDomain", 0x82, ASN_OCTETS }, {},
};
static const struct upp_asn asn_rfm[] = {
	{ "rfm-header", 0xA0, ASN_SEQ, upp_asn_pe_header },
	{ "instanceAID", 0x4F, ASN_OCTETS },
	{ "securityDomainAID", 0x4F, ASN_OCTETS },
	{ "tarList", 0xA0, ASN_LIST, asn_octets },
	{ "minimumSecurityLevel", 0x81, ASN_OCTETS },
	{ "uiccAccessDomain", 0x04, ASN_OCTETS },
	{ "uiccAdminAccessDomain", 0x04, ASN_OCTETS },
	{ "adfRFMAccess", 0x30, ASN_SEQ, asn_adf_access },
	{},
};

static const struct upp_asn asn_load[] = {
	{ "loadPackageAID", 0x4F, ASN_OCTETS },
	{ "securityDomainAID", 0x4F, ASN_OCTETS },
	{ "nonVolatileCodeLimitC6", 0xC6, ASN_OCTETS },
	{ "volatileDataLimitC7", 0xC7, ASN_OCTETS },
	{ "nonVolatileDataLimitC8", 0xC8, ASN_OCTETS },
	{ "hashValue", 0xC1, ASN_OCTETS },
	{ "loadBlockObject", 0xC4, ASN_OCTETS },
	{},
};
static const struct upp_asn asn_instances[] = { { "", 0x30, ASN_SEQ, asn_instance }, {} };
static const struct upp_asn asn_application[] = {
	{ "app-Header", 0xA0, ASN_SEQ, upp_asn_pe_header },
	{ "loadBlock", 0xA1, ASN_SEQ, asn_load },
	{ "instanceList", 0xA2, ASN_LIST, asn_instances },
	{},
};
static const struct upp_asn asn_nonstandard[] = {
	{ "nonStandard-header", 0xA0, ASN_SEQ, upp_asn_pe_header },
	{ "issuerID", 0x81, ASN_OID },
	{ "content", 0x82, ASN_OCTETS },
	{},
};
static const struct upp_asn asn_end[] = { { "end-header", 0xA0, ASN_SEQ, upp_asn_pe_header }, {} };
static const struct upp_asn asn_rfu[] = { {} };

const struct upp_asn *upp_asn_pe(uint32_t tag)
{
	switch (tag) {
	case UPP_PE_HEADER:
		return asn_header;
	case UPP_PE_GFM:
		return asn_gfm;
	case UPP_PE_PIN:
		return asn_pins;
	case UPP_PE_PUK:
		return asn_puks;
	case UPP_PE_AKA:
		return asn_aka;
	case UPP_PE_CDMA:
		return asn_cdma;
	case UPP_PE_SD:
		return asn_sd;
	case UPP_PE_RFM:
		return asn_rfm;
	case UPP_PE_APPLICATION:
		return asn_application;
	case UPP_PE_NONSTANDARD:
		return asn_nonstandard;
	case UPP_PE_END:
		return asn_end;
	}
	return tag >= 0xAB && tag <= 0xAF ? asn_rfu : NULL;
}

const char *upp_asn_header(uint32_t pe_tag)
{
	switch (pe_tag) {
	case UPP_PE_OPT_USIM:
		return "optusim-header";
	case UPP_PE_OPT_ISIM:
		return "optisim-header";
	case UPP_PE_OPT_CSIM:
		return "optcsim-header";
	case UPP_PE_MF:
		return "mf-header";
	case UPP_PE_CD:
		return "cd-header";
	case UPP_PE_TELECOM:
		return "telecom-header";
	case UPP_PE_USIM:
		return "usim-header";
	case UPP_PE_ISIM:
		return "isim-header";
	case UPP_PE_CSIM:
		return "csim-header";
	case UPP_PE_PHONEBOOK:
		return "phonebook-header";
	case UPP_PE_GSM_ACCESS:
		return "gsm-access-header";
	case UPP_PE_EAP:
		return "eap-header";
	case UPP_PE_DF_5GS:
		return "df-5gs-header";
	case UPP_PE_DF_SAIP:
		return "df-saip-header";
	case UPP_PE_DF_SNPN:
		return "df-snpn-header";
	case UPP_PE_DF_5GPROSE:
		return "df-5gprose-header";
	}
	return "header";
}
