/* The words of the text description, shared by both directions (doc/formats/upp-text.md).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/profile/der.h>
#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/profile/upp_text.h>

enum text_kind {
	TEXT_HEX,	/* octets */
	TEXT_INT,	/* DER INTEGER, written as hex */
	TEXT_SIZE,	/* big endian, minimal: decimal; anything else: 0x... */
	TEXT_SFI,	/* shifted by 3; "none": empty */
	TEXT_FD,	/* file descriptor: a word without '=': tr df bt lf:N cy:N, or fd=hex */
	TEXT_CODE,	/* PIN or PUK: digits, else 16 hex digits */
	TEXT_ALGO,	/* milenage tuak xor, else hex */
	TEXT_KEYTYPE,	/* aes des psk, else hex */
	TEXT_LIST,	/* comma list, each in a 04 */
	TEXT_SUB,	/* constructed, fields of `sub` */
};

/* One field of a line. Written in the order of the table, whatever the order in the text. */
struct text_field {
	const char *key;	/* for TEXT_SUB: the word that asks for it even when empty, NULL: none */
	uint32_t tag;
	enum text_kind kind;
	const struct text_field *sub;
};	/* key NULL and tag 0: end */

extern const struct text_field text_fcp[], text_pin[], text_puk[], text_algo[], text_map[], text_sqn[], text_instance[],
	text_key[], text_rfm[], text_cdma[], text_load[], text_nonstandard[];

struct text_name {
	const char *name;
	uint8_t value;
};
extern const struct text_name text_algos[], text_keytypes[];	/* name NULL: end */

/* Text to DER: one line at a time, cut into words. */
#define TEXT_WORDS_MAX 512

struct text {
	struct der *root, *pe;
	struct der *cmd;	/* genericFileManagement: the open command */
	struct der *file;	/* the File or command fill items go to */
	const struct upp_text_files *files;
	unsigned depth;		/* of includes */
	bool based;		/* something was included */
	bool changing;		/* the element was there before: "change" */
	bool cleared;		/* and what it had was taken out */
	struct upp_text_err *err;
	char *words[TEXT_WORDS_MAX];
	bool used[TEXT_WORDS_MAX];
	unsigned n;
};

int text_fail(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int text_uint(unsigned long *v, const char *s, int base, unsigned long max);
int text_hex(struct text *t, struct der *parent, uint32_t tag, const char *hex, const char *what);
/* The value of key=..., NULL when the line has none; whether the line has this word. Both mark it as understood. */
const char *text_value(struct text *t, const char *key);
bool text_word(struct text *t, const char *word);
int text_put_fields(struct text *t, struct der *parent, const struct text_field *tab);
/* A line of fields into parent (NULL: out of memory); every word must have been understood. */
int text_line(struct text *t, struct der *parent, const struct text_field *tab);
/* upp_text_file.c: the lines of files. */
int text_template_file(struct text *t);
int text_gfm(struct text *t);
int text_items(struct text *t, unsigned from);
struct der *text_sub(struct der *parent, uint32_t tag);	/* the child, made when missing */
/* Octets that one typed content of a file has, by its Fcp (node, may be NULL) and template entry; 0: unknown. */
size_t text_content_size(const struct der *fcp, const struct upp_file_def *def);
/* upp_text_app.c: application, cdmaParameter, nonStandard. */
int text_application(struct text *t);
int text_cdma_line(struct text *t);
int text_nonstandard_line(struct text *t);
