/* What the parts of the package rules share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/profile/der.h>
#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/profile/upp_check.h>
#include <osmocom/rsp/util/ids.h>

#define CHECK_PE_MAX 1024
#define CHECK_CODES_MAX 64
#define CHECK_AIDS_MAX 64

struct check {
	upp_check_cb cb;
	void *data;
	int errors;
	struct der *root;
	struct upp_header h;
	/* while walking */
	int index, id;
	uint32_t tag;
	uint16_t ids[CHECK_PE_MAX];
	unsigned n_ids;
	unsigned usim, isim, csim, sd, mf, aka[4];
	unsigned key_len;	/* of the last TUAK key */
	bool cdma, end;
	uint32_t puks[CHECK_CODES_MAX], pins[CHECK_CODES_MAX];
	unsigned n_puks, n_pins;
	uint8_t pins_wanted[CHECK_CODES_MAX];	/* by pinStatusTemplateDOs */
	unsigned n_pins_wanted;
	struct aid aids[CHECK_AIDS_MAX];	/* of directories and applications */
	bool aid_adf[CHECK_AIDS_MAX];
	unsigned n_aids;
	uint16_t adf_fids[CHECK_AIDS_MAX];
	unsigned n_adf_fids;
	uint32_t tars[CHECK_AIDS_MAX];
	unsigned n_tars;
};

void check_say(struct check *c, enum upp_severity sev, const char *rule, const char *text);
void check_error(struct check *c, const char *rule, const char *text);

/* upp_check_app.c: applications, directories, what is known to be bad */
void check_sd(struct check *c, const struct der *pe);
void check_rfm(struct check *c, const struct der *pe);
void check_application(struct check *c, const struct der *pe);
void check_directories(struct check *c, const struct der *pe);
void check_pins_complete(struct check *c);
struct upp_file;
/* Rules of a template's files beyond their own form. */
void check_file_rules(struct check *c, const struct der *pe, const struct upp_template *t,
		      const struct upp_file_def *def, const struct upp_file *f);
/* A code's octets: digits filled with FF, for user PINs. */
void check_code(struct check *c, const char *rule, const struct der *cfg, uint32_t ref);
bool check_known_key(const struct der *k);
/* Why this is no package although it is well-formed (an outer SEQUENCE), NULL: it may be one. */
const char *check_wrapped(const uint8_t *upp, size_t len);
