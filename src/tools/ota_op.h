/* osmo-ota: one table says what an operation takes; requests are checked against it, help and examples come from it.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <jansson.h>
#include <osmocom/rsp/crypto/key.h>

#define OTA_LINE_MAX	(1U << 20)	/* octets of one request */
#define OTA_HEX_MAX	65536		/* octets in one hex string */
#define OTA_LIST_MAX	1024

enum ota_kind { OTA_HEX, OTA_TEXT, OTA_NUM, OTA_BOOL, OTA_LIST };	/* OTA_LIST: of hex strings */

struct ota_field {
	const char *name;
	enum ota_kind kind;
	bool need;
	uint32_t min, max;	/* octets (each entry of a list), characters, or the number itself */
	const char *help;
};
#define OTA_ANY 0, OTA_HEX_MAX

struct ota_req;
struct ota_op {
	const char *name;	/* NULL: end of the table */
	const char *help;
	const struct ota_field *fields;		/* up to the one without a name */
	int (*run)(struct ota_req *q);		/* 0 or negative errno; adds to q->out */
	const char *example;	/* a whole request */
};

struct ota_req {
	void *ctx;		/* everything of this request */
	const struct ota_op *op;
	json_t *in, *out;
	char err[160];		/* "": the errno speaks for itself */
};

extern const struct ota_op ota_sms_ops[], ota_scp80_ops[], ota_script_ops[], ota_admin_ops[], ota_scp03_ops[],
	ota_scp03t_ops[], ota_key_ops[], ota_cattp_ops[], ota_push_ops[], ota_smpp_ops[], ota_bip_ops[];
const struct ota_op *ota_op_find(const char *name);
const struct ota_op *ota_op_nth(unsigned n);	/* NULL behind the last */

/* A request to a new answer object: always one, with "op" and either results or "error". */
json_t *ota_op_run(json_t *in);
json_t *ota_op_error(const char *op, const char *text);
/* "name=value" of the command line into a request; 0, or -EINVAL with text in err. */
int ota_op_arg(json_t *in, const struct ota_op *op, const char *arg, char *err, size_t err_size);

/* Fields of a request, already checked against the table. Absent: NULL, "", 0 entries or the given default. */
bool ota_has(const struct ota_req *q, const char *name);
struct bytes *ota_hex(const struct ota_req *q, const char *name);
uint64_t ota_be(const struct ota_req *q, const char *name, uint64_t def);	/* short hex string as a number */
void ota_fixed(const struct ota_req *q, const char *name, uint8_t *out, size_t len);	/* zeros when absent */
const char *ota_text(const struct ota_req *q, const char *name);
int64_t ota_num(const struct ota_req *q, const char *name, int64_t def);
bool ota_bool(const struct ota_req *q, const char *name, bool def);
unsigned ota_list_len(const struct ota_req *q, const char *name);
struct bytes *ota_item(const struct ota_req *q, const char *name, unsigned i);
/* NULL with the error noted: absent, or not a key of this type. */
struct key *ota_key(struct ota_req *q, const char *name, enum key_type type);
int ota_fail(struct ota_req *q, int rc, const char *text);	/* returns rc */

/* Answers */
void ota_put_hex(json_t *o, const char *name, const void *data, size_t len);
void ota_put_bytes(json_t *o, const char *name, const struct bytes *b);
void ota_put_be(json_t *o, const char *name, uint64_t v, unsigned octets);
/* Text that is not printable ASCII goes out as name_hex. */
void ota_put_text(json_t *o, const char *name, const char *text);
void ota_put_num(json_t *o, const char *name, int64_t v);
void ota_put_bool(json_t *o, const char *name, bool v);
void ota_put_key(json_t *o, const char *name, const struct key *k);
json_t *ota_put_list(json_t *o, const char *name);	/* owned by o */
void ota_add_bytes(json_t *list, const struct bytes *b);
json_t *ota_add_object(json_t *list);			/* owned by list */
