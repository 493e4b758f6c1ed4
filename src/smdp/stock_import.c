/* osmo-smdp --import-profile: profiles from a file of JSON lines, one object each:
 *	{"upp_file", "owner", "type", "iccid", "imsi", "msisdn", "smsc", "k", "opc"}		(doc/man/osmo-smdp.1)
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <jansson.h>
#include <talloc.h>

#include <osmocom/rsp/util/misc.h>

#include "stock.h"

/* The last template stays: a batch names one file thousands of times. */
struct import {
	struct stock *stock;
	char *upp_path;
	struct bytes *upp;
};

static int import_key(struct upp_cols *c, const char *name, const char *hex)
{
	struct upp_row_err err;

	return hex ? upp_cols_fixed(c, name, hex, &err) : 0;
}

static int import_upp(struct import *im, const char *path)
{
	if (!path)
		return -EINVAL;
	if (im->upp_path && !strcmp(im->upp_path, path))
		return 0;
	talloc_free(im->upp);
	talloc_free(im->upp_path);
	im->upp_path = NULL;
	im->upp = bytes_from_file(im, path, STOCK_UPP_MAX);
	if (!im->upp)
		return -ENOENT;
	im->upp_path = talloc_strdup(im, path);
	return 0;
}

static int import_object(struct import *im, json_t *o, const char **err)
{
	struct stock_new n = {};
	const char *upp_file = NULL, *k_hex = NULL, *opc_hex = NULL;
	struct upp_cols *c;
	struct upp_row_err re;
	char iccid[ICCID_STR_SIZE];
	json_error_t je;
	int rc = -EINVAL;

	*err = "an object with text members upp_file, owner [type iccid imsi msisdn smsc k opc] is wanted";
	if (json_unpack_ex(o, &je, JSON_STRICT, "{s:s, s:s, s?s, s?s, s?s, s?s, s?s, s?s, s?s}", "upp_file", &upp_file,
			   "owner", &n.owner, "type", &n.type, "iccid", &n.iccid, "imsi", &n.imsi, "msisdn", &n.msisdn,
			   "smsc", &n.smsc, "k", &k_hex, "opc", &opc_hex) < 0)
		return rc;
	*err = "upp_file cannot be read, or is too large";
	if (import_upp(im, upp_file) < 0)
		return rc;
	*err = "k and opc are 32 hexadecimal digits each";
	c = upp_cols_new(im);
	if (import_key(c, "k", k_hex) == 0 && import_key(c, "opc", opc_hex) == 0 &&
	    (n.perso = upp_row_pool(c, 0, &re))) {
		n.cols = c;
		n.upp = im->upp->data;
		n.upp_len = im->upp->len;
		rc = stock_add(im->stock, &n, iccid, err);
	}
	talloc_free(c);
	return rc;
}

static int import_lines(struct import *im, FILE *f)
{
	char *line = NULL;
	size_t size = 0;
	unsigned no = 0;
	int count = 0;
	ssize_t len;

	while (count >= 0 && (len = getline(&line, &size, f)) > 0) {
		const char *err = "this is not JSON";
		json_t *o;

		no++;
		if (strspn(line, " \t\r\n") == (size_t)len)
			continue;
		o = json_loadb(line, len, 0, NULL);	/* its error text would quote the line */
		if (!o || import_object(im, o, &err) < 0) {
			fprintf(stderr, "line %u: %s\n", no, err);
			count = -EINVAL;
		} else {
			count++;
		}
		json_decref(o);
	}
	if (line)
		secret_wipe(line, size);
	free(line);
	return count;
}

int stock_import(struct stock *s, const char *path)
{
	struct import *im;
	struct stat st;
	FILE *f = fopen(path, "r");
	int rc;

	if (!f || fstat(fileno(f), &st) < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		if (f)
			fclose(f);
		return -ENOENT;
	}
	if (st.st_mode & 077) {
		fprintf(stderr, "%s holds keys and is open to others: chmod 600\n", path);
		fclose(f);
		return -EACCES;
	}
	im = talloc_zero(s, struct import);
	im->stock = s;
	rc = import_lines(im, f);
	talloc_free(im);
	fclose(f);
	return rc;
}
