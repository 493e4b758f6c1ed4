/* Judges packages and install results with a decoder made by asn1c from our ASN.1 module; shares nothing with src/.
 * Each element must decode, keep its sizes and ranges, and come out of the DER encoder with the same octets.
 *	oracle FILE...			profile packages
 *	oracle --response FILE...	EUICCResponse
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "EUICCResponse.h"
#include "ProfileElement.h"

struct text {
	unsigned char *b;
	size_t len, at;
};

static int same(const void *b, size_t size, void *data)
{
	struct text *t = data;

	if (size > t->len - t->at || memcmp(t->b + t->at, b, size))
		return -1;
	t->at += size;
	return 0;
}

/* One value at the beginning of t: octets it takes, 0: bad. */
static size_t judge(asn_TYPE_descriptor_t *type, const unsigned char *b, size_t len, const char **why)
{
	char err[200];
	size_t err_len = sizeof(err);
	void *v = NULL;
	asn_dec_rval_t d = ber_decode(NULL, type, &v, b, len);
	struct text t = { (unsigned char *)b, d.consumed, 0 };
	asn_enc_rval_t e;
	static char said[256];

	*why = "does not decode";
	if (d.code != RC_OK || !d.consumed)
		goto bad;
	if (asn_check_constraints(type, v, err, &err_len) < 0) {
		snprintf(said, sizeof(said), "constraint: %s", err);
		*why = said;
		goto bad;
	}
	*why = "other octets when encoded again";
	e = der_encode(type, v, same, &t);
	if (e.encoded < 0 || t.at != d.consumed)
		goto bad;
	type->free_struct(type, v, 0);
	return d.consumed;
bad:
	if (v)
		type->free_struct(type, v, 0);
	return 0;
}

static int judge_file(const char *path, int response)
{
	asn_TYPE_descriptor_t *type = response ? &asn_DEF_EUICCResponse : &asn_DEF_ProfileElement;
	FILE *f = fopen(path, "rb");
	unsigned char *b = malloc(8 << 20);
	size_t len = f && b ? fread(b, 1, 8 << 20, f) : 0, at = 0, n;
	unsigned elements = 0;
	const char *why = "empty or unreadable";

	if (f)
		fclose(f);
	for (n = 1; n && at < len; at += n) {
		n = judge(type, b + at, len - at, &why);
		elements += !!n;
	}
	free(b);
	if (!len || at < len || (response && elements != 1)) {
		printf("%s: element %u at octet %zu: %s\n", path, elements + 1, at, why);
		return 1;
	}
	printf("%s: %u elements good\n", path, elements);
	return 0;
}

int main(int argc, char **argv)
{
	int response = argc > 1 && !strcmp(argv[1], "--response"), bad = 0, i;

	if (argc <= 1 + response) {
		fprintf(stderr, "oracle [--response] FILE...\n");
		return 2;
	}
	for (i = 1 + response; i < argc; i++)
		bad |= judge_file(argv[i], response);
	return bad;
}
