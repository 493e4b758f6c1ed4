/* Unprotected profile packages: elements, header and the template file tables (SAIP Interoperable Format 2.x/3.x).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/tlv.h>

enum upp_pe_tag {
	UPP_PE_HEADER = 0xA0, UPP_PE_GFM = 0xA1, UPP_PE_PIN = 0xA2, UPP_PE_PUK = 0xA3, UPP_PE_AKA = 0xA4,
	UPP_PE_CDMA = 0xA5, UPP_PE_SD = 0xA6, UPP_PE_RFM = 0xA7, UPP_PE_APPLICATION = 0xA8, UPP_PE_NONSTANDARD = 0xA9,
	UPP_PE_END = 0xAA, UPP_PE_MF = 0xB0, UPP_PE_CD = 0xB1, UPP_PE_TELECOM = 0xB2, UPP_PE_USIM = 0xB3,
	UPP_PE_OPT_USIM = 0xB4, UPP_PE_ISIM = 0xB5, UPP_PE_OPT_ISIM = 0xB6, UPP_PE_PHONEBOOK = 0xB7,
	UPP_PE_GSM_ACCESS = 0xB8, UPP_PE_CSIM = 0xB9, UPP_PE_OPT_CSIM = 0xBA, UPP_PE_EAP = 0xBB, UPP_PE_DF_5GS = 0xBC,
	UPP_PE_DF_SAIP = 0xBD, UPP_PE_DF_SNPN = 0xBE, UPP_PE_DF_5GPROSE = 0xBF1F, UPP_PE_IOT = 0xBF20,
	UPP_PE_OPT_IOT = 0xBF21,
};

/* ASN.1 name of an element ("opt-usim"), or "unknown"; and back (0: no such name). */
const char *upp_pe_name(uint32_t tag);
uint32_t upp_pe_tag(const char *name);

struct upp_pe {
	struct tlv t;
	bool mandated;
	int id;		/* PEHeader identification; -1 for the header, which has none */
};
/* Next element: 1, 0 at the end, -EINVAL malformed (also when the PEHeader is missing). */
int upp_next(struct rd *r, struct upp_pe *pe);
/* PEHeader of one element's contents. */
int upp_pe_head(struct upp_pe *pe, uint32_t tag, const uint8_t *v, size_t len);

/* Services of the header, bit = position in ServicesList. */
enum upp_service { UPP_SVC_USIM = 1, UPP_SVC_ISIM = 2, UPP_SVC_CSIM = 3, UPP_SVC_MILENAGE = 4, UPP_SVC_TUAK128 = 5,
	UPP_SVC_CAVE = 6, UPP_SVC_GBA_USIM = 7, UPP_SVC_GBA_ISIM = 8, UPP_SVC_MULTI_USIM = 13, UPP_SVC_MULTI_ISIM = 14,
	UPP_SVC_MULTI_CSIM = 15, UPP_SVC_TUAK256 = 16, UPP_SVC_TEST_ALGO = 17, UPP_SVC_GET_IDENTITY = 21,
	UPP_SVC_PROFILE_A = 22, UPP_SVC_PROFILE_B = 23 };
const char *upp_service_name(unsigned bit);	/* NULL: no such bit */

struct upp_header {
	unsigned major, minor;
	char type[101];			/* profileType, empty when absent */
	char iccid[21];
	const uint8_t *pol;		/* NULL: absent. All pointers into the input */
	size_t pol_len;
	const uint8_t *connectivity;	/* connectivityParameters: BER-TLV A0 SMS, A1 HTTPS, A2 CAT_TP */
	size_t connectivity_len;
	uint32_t services;
	const uint8_t *gfste;		/* SEQUENCE OF OID contents */
	size_t gfste_len;
};
/* From a whole package, or its first element alone. *err: static text. */
int upp_header_dec(struct upp_header *h, const char **err, const uint8_t *data, size_t len);
int upp_iccid(char out[21], const uint8_t *data, size_t len);

/* Template files (SAIP annex A). */
#define UPP_FD_TR 0x41
#define UPP_FD_LF 0x42
#define UPP_FD_CY 0x46
#define UPP_FD_DF 0x78
#define UPP_FD_BT 0x79
struct upp_file_def {
	uint32_t tag;		/* component of the element, 0xA2.. */
	const char *name;
	uint16_t fid;		/* first of its range; 0: only the Fcp knows */
	uint8_t fd;		/* UPP_FD_*, 0: only the Fcp knows */
	uint16_t size;		/* octets of a transparent file, records of others; 0: only the Fcp knows */
	uint8_t rec_len;
	uint8_t sfi;		/* 0: none */
	uint8_t flags;
	const char *body;	/* "07FF...FF": hex, "..." repeats the octet before it; NULL: FF */
};
#define UPP_F_MANDATORY	1	/* in the ASN.1 */
#define UPP_F_REPEAT	2	/* body repeats as a unit */
#define UPP_F_HU	4	/* high update activity */
#define UPP_F_GIVEN	8	/* no default: the element must carry it */
#define UPP_F_RANGE	16	/* fid is one of several */
struct upp_template {
	uint32_t pe;
	uint8_t oid;		/* x of 2.23.143.1.2.x */
	bool by_default;	/* missing files are created too */
	uint16_t parent;	/* FID of the DF it stands in: 3F00, or 0 for the ADF of the last NAA element */
	const struct upp_file_def *files;
	unsigned n;
};
const struct upp_template *upp_template(uint32_t pe_tag);	/* NULL: not a template element */
const struct upp_file_def *upp_template_file(const struct upp_template *t, uint32_t tag);
/* A file's name by its component ("ef-imsi"), NULL: unknown; and back, 0. */
const char *upp_file_name(uint32_t pe_tag, uint32_t tag);
uint32_t upp_file_tag(uint32_t pe_tag, const char *name);
/* Default contents of a body or one record of len octets. */
void upp_file_def_body(const struct upp_file_def *def, uint8_t *out, size_t len);
/* fillPattern (pattern, then its last octet) or repeatPattern (the whole of it again and again). */
void upp_fill(uint8_t *out, size_t len, const uint8_t *pattern, size_t pattern_len, bool repeat);
