/* The words of the text description (doc/formats/upp-text.md): which field stands where in the DER.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "upp_text_priv.h"

const struct text_name text_algos[] = { { "milenage", 1 }, { "tuak", 2 }, { "xor", 3 }, { NULL, 0 } };
const struct text_name text_keytypes[] = { { "des", 0x80 }, { "psk", 0x85 }, { "aes", 0x88 }, { NULL, 0 } };

static const struct text_field text_prop[] = {
	{ "special", 0xC0 }, { "fill", 0xC1 }, { "repeat", 0xC2 }, { "max", 0x86 }, { "details", 0x84 }, { NULL, 0 },
};

/* Fcp, in the order of the ASN.1 */
const struct text_field text_fcp[] = {
	{ "fd", 0x82, TEXT_FD }, { "fid", 0x83 }, { "aid", 0x84 }, { "lcsi", 0x8A }, { "arr", 0x8B },
	{ "size", 0x80, TEXT_SIZE }, { "pins", 0xC6 }, { "sfi", 0x88, TEXT_SFI }, { "prop", 0xA5, TEXT_SUB, text_prop },
	{ "link", 0xC7 }, { NULL, 0 },
};

/* PINConfiguration, PUKConfiguration */
const struct text_field text_pin[] = {
	{ "ref", 0x80, TEXT_INT }, { "value", 0x81, TEXT_CODE }, { "puk", 0x82, TEXT_INT }, { "attr", 0x83, TEXT_INT },
	{ "tries", 0x84, TEXT_INT }, { NULL, 0 },
};
const struct text_field text_puk[] = {
	{ "ref", 0x80, TEXT_INT }, { "value", 0x81, TEXT_CODE }, { "tries", 0x82, TEXT_INT }, { NULL, 0 },
};

/* akaParameter: algoParameter, mappingParameter, the rest */
const struct text_field text_algo[] = {
	{ "type", 0x80, TEXT_ALGO }, { "options", 0x81 }, { "k", 0x82 }, { "opc", 0x83 }, { "r", 0x84 }, { "c", 0x85 },
	{ "max", 0x86 }, { "keccak", 0x87, TEXT_INT }, { NULL, 0 },
};
const struct text_field text_map[] = { { "options", 0x80 }, { "aid", 0x81 }, { NULL, 0 } };
const struct text_field text_sqn[] = {
	{ "options", 0x82 }, { "delta", 0x83 }, { "age", 0x84 }, { "init", 0xA5, TEXT_LIST }, { NULL, 0 },
};

/* securityDomain: ApplicationInstance, KeyObject */
static const struct text_field text_app[] = {
	{ "toolkit", 0x80 }, { "toolkit-access", 0x81 }, { "toolkit-admin", 0x82 }, { NULL, 0 }
};
const struct text_field text_instance[] = {
	{ "load", 0x4F }, { "class", 0x4F }, { "aid", 0x4F }, { "sd", 0x4F }, { "privileges", 0x82 }, { "state", 0x83 },
	{ "params", 0xC9 }, { NULL, 0xEA, TEXT_SUB, text_app }, { "process", 0x30, TEXT_LIST }, { NULL, 0 },
};
static const struct text_field text_component[] = {
	{ "type", 0x80, TEXT_KEYTYPE }, { "value", 0x86 }, { "mac", 0x87, TEXT_INT }, { NULL, 0 },
};
static const struct text_field text_components[] = { { NULL, 0x30, TEXT_SUB, text_component }, { NULL, 0 } };
const struct text_field text_key[] = {
	{ "usage", 0x95 }, { "access", 0x96 }, { "kid", 0x82 }, { "kvn", 0x83 }, { "counter", 0x85 },
	{ NULL, 0x30, TEXT_SUB, text_components }, { NULL, 0 },
};

/* rfm, behind its PEHeader */
static const struct text_field text_rfm_adf[] = {
	{ "adf", 0x80 }, { "adf-access", 0x81 }, { "adf-admin", 0x82 }, { NULL, 0 }
};
const struct text_field text_rfm[] = {
	{ "aid", 0x4F },
	{ "sd", 0x4F },
	{ "tar", 0xA0, TEXT_LIST },
	{ "msl", 0x81 },
	{ "access", 0x04 },
	{ "admin", 0x04 },
	{ NULL, 0x30, TEXT_SUB, text_rfm_adf },
	{ NULL, 0 },
};

const struct text_field text_cdma[] = {
	{ "key", 0x81 }, { "ssd", 0x82 }, { "hrpd", 0x83 }, { "simple-ip", 0x84 }, { "mobile-ip", 0x85 }, { NULL, 0 },
};

/* application: ApplicationLoadPackage; nonStandard behind its PEHeader */
const struct text_field text_load[] = {
	{ "aid", 0x4F }, { "sd", 0x4F }, { "c6", 0xC6 }, { "c7", 0xC7 }, { "c8", 0xC8 }, { "hash", 0xC1 },
	{ "code", 0xC4 }, { NULL, 0 },
};
const struct text_field text_nonstandard[] = { { "issuer", 0x81 }, { "content", 0x82 }, { NULL, 0 } };
