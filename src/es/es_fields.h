/* Field tables: one row per element, one generic encoder and decoder for all of them.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/es/es_msg.h>
#include "es_xml.h"

enum es_ftype {
	ET_STR,		/* char * */
	ET_CHARS,	/* char[aux] */
	ET_OID,		/* char[aux], digits and dots */
	ET_DIGITS,	/* char[aux], a leading + is dropped */
	ET_WORD,	/* char[aux], one of words */
	ET_ICCID,	/* char[ICCID_STR_SIZE] */
	ET_ICCIDS,	/* talloc array of them, count at aux */
	ET_NAMES,	/* talloc array of char[ES_NAME_SIZE], count at aux: names of functions */
	ET_U8, ET_U32, ET_U64,
	ET_BOOL,
	ET_TIME,	/* int64_t, UTC seconds; 0 absent */
	ET_EID,		/* struct eid, presence flag at aux */
	ET_AID,
	ET_HEX,		/* struct bytes * */
	ET_HEX16,	/* uint8_t[16], length (size_t) at aux */
	ET_TAR,		/* uint32_t; the first of several */
	ET_PSTATE,	/* enum es_pstate */
	ET_GROUP,	/* children in the struct at off, presence flag at aux */
	ET_SD,		/* ET_GROUP of a struct es_sd; absent when it has no AID */
	ET_CERT,	/* children in the same struct; absent when the struct bytes * at off is NULL */
	ET_CERT_INDEX,	/* one certificate per keyset: written as 1, not kept */
	ET_ARRAY,	/* fixed array of groups, count at aux, at most max */
	ET_VEC,		/* talloc array of groups, count at aux, at most max */
	ET_PTR,		/* talloc'ed struct */
	ET_RESULT,	/* struct es_result; aux: presence flag, 0: always there */
	ET_KEYS,	/* KeyComponents of a Key: struct es_keyset_key */
	ET_SIGNED,	/* group, whose canonical text is kept at aux (struct bytes *) */
	ET_SIGNATURE,	/* canonical text only */
	ET_PROPS,	/* talloc array of struct es_property, count at aux: key and value as children or attributes */
};

enum es_card {
	EC_ONE,		/* missing: error in a request or notification; always written */
	EC_OPT,
	EC_MANY,
	EC_ALIAS,	/* another spelling, read only */
};

#define ES_NOWHERE ((size_t)-1)

struct es_group;
struct es_field {
	const char *name;
	enum es_ftype type;
	enum es_card card;
	size_t off, aux;
	const struct es_group *sub;
	size_t max;
	const char *words;	/* "ENABLE|DISABLE" */
	uint8_t ifaces;		/* bit mask of 1 << enum es_iface; 0: all */
	enum es_spell spell;	/* peers disagree about the name */
};

struct es_group {
	const struct es_field *f;
	size_t n;
	size_t size;		/* of the struct, for arrays */
	const char *type;	/* name of the type in the schema; NULL: it has none of its own */
};
#define ES_GROUP(table, type) { (table), sizeof(table) / sizeof((table)[0]), sizeof(type), NULL }
#define ES_TYPE(table, type, name) { (table), sizeof(table) / sizeof((table)[0]), sizeof(type), name }

struct es_dec {
	void *ctx;		/* owner of what is decoded */
	char **err;
	void *err_ctx;
	enum es_iface iface;
	bool lenient;		/* response or EIS: data elements may be missing */
	enum es_reason reason;	/* of the error */
};

/* One failure, named by the element's path. Always -EBADMSG. */
int es_dec_fail(struct es_dec *d, enum es_reason reason, const struct _xmlNode *n, const char *child, const char *what);
int es_fields_dec(struct es_dec *d, const struct es_group *g, void *base, const struct _xmlNode *parent);
struct es_enc {
	enum es_iface iface;
	const struct es_dialect *dialect;	/* NULL: default */
};
/* Only the rows of the interface; sticky errors are in out->err. */
void es_fields_enc(struct bytes *out, const struct es_group *g, const void *base, const struct es_enc *e);
bool es_name_eq(const char *a, const char *b);	/* without case and hyphens */
bool es_dotted(const char *s);			/* digits and dots */

/* es_eis.c */
extern const struct es_group es_group_eis, es_group_eis_change;
/* es_body.c: NULL when the interface has no such message. base: FunctionCallIdentifier ... or ProcessingStart ... */
const struct es_group *es_body_group(enum es_iface iface, enum es_func func, enum es_kind kind);
const struct es_group *es_body_base(enum es_kind kind);
extern const struct es_group es_group_status;	/* StatusCodeData */
