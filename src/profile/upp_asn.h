/* The ASN.1 of the profile package as tables: what a component is called and how its contents read.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/profile/upp.h>

enum upp_asn_kind {
	ASN_OCTETS, ASN_INT, ASN_NULL, ASN_OID, ASN_TEXT,
	ASN_SEQ,	/* components of `sub`, in its order */
	ASN_LIST,	/* SEQUENCE OF the one type `sub` */
	ASN_CHOICES,	/* SEQUENCE OF CHOICE of `sub`: File, FileManagement */
	ASN_CHOICE,	/* explicit tag around one of `sub` */
	ASN_FILE,	/* a File of a template */
};

struct upp_asn_int {
	uint32_t v;
	const char *name;
};

struct upp_asn {
	const char *name;	/* NULL: end */
	uint32_t tag;
	enum upp_asn_kind kind;
	const struct upp_asn *sub;
	const struct upp_asn_int *ints;	/* named numbers, ended by a NULL name */
	bool secret;
};

extern const struct upp_asn upp_asn_file[];	/* alternatives of File */
/* Components of an element behind nothing: PEHeader first; NULL: unknown, or a template (upp_asn_template). */
const struct upp_asn *upp_asn_pe(uint32_t tag);
/* Name of an element's PEHeader ("usim-header"). */
const char *upp_asn_header(uint32_t pe_tag);
extern const struct upp_asn upp_asn_pe_header[];
