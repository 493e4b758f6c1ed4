/* What stands in an EF, as a word and a value for people: "imsi:001010000000001" (TS 31.102, TS 31.103, TS 102 221).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <errno.h>

#include <osmocom/rsp/profile/upp.h>

struct upp_content {
	const char *word;
	/* Value into a body or record of size octets, which holds what was there before (a new one: FF). -EINVAL: the
	 * value is bad, -ENOSPC: it does not fit; *err is static text without the value. */
	int (*enc)(uint8_t *body, size_t size, const char *v, const char **err);
	/* Back, -ENOENT when this is not how enc would write it. Values never hold blanks, '#' or control characters. */
	int (*dec)(char *out, size_t out_size, const uint8_t *body, size_t size);
	size_t natural;		/* size when nobody states it, 0: none */
	bool grows;		/* the file may be made longer for it */
};

const struct upp_content *upp_content(const char *word);
/* Kind of contents of a template file, NULL: only octets. */
const struct upp_content *upp_content_of(uint32_t pe, uint32_t tag);
/* Why a value cannot be in any file of this kind, NULL: it can. */
const char *upp_content_wrong(const char *word, const char *v);
/* dec that also proves that enc gives the same octets from FF. */
int upp_content_show(char *out, size_t out_size, const struct upp_content *c, const uint8_t *body, size_t size);
#define UPP_CONTENT_STR_SIZE 800
#define UPP_CONTENT_FILE_MAX 1024

/* For the encoders: a list's next item (false: no more), and how they refuse. */
bool upp_content_item(char *item, size_t item_size, const char **at);
static inline int upp_content_bad(const char **err, const char *why)
{
	*err = why;
	return -EINVAL;
}
static inline int upp_content_full(const char **err)
{
	*err = "longer than the file or record";
	return -ENOSPC;
}
int upp_content_net_plmns_enc(uint8_t *body, size_t size, const char *v, const char **err);
int upp_content_net_plmns_dec(char *out, size_t out_size, const uint8_t *body, size_t size);
int upp_content_net_plmnact_enc(uint8_t *body, size_t size, const char *v, const char **err);
int upp_content_net_plmnact_dec(char *out, size_t out_size, const uint8_t *body, size_t size);
int upp_content_net_routing_enc(uint8_t *body, size_t size, const char *v, const char **err);
int upp_content_net_routing_dec(char *out, size_t out_size, const uint8_t *body, size_t size);
int upp_content_net_suci_enc(uint8_t *body, size_t size, const char *v, const char **err);
int upp_content_net_suci_dec(char *out, size_t out_size, const uint8_t *body, size_t size);
int upp_content_net_services_enc(uint8_t *body, size_t size, const char *v, const char **err);
int upp_content_net_services_dec(char *out, size_t out_size, const uint8_t *body, size_t size);
