/* Subscribers for another HLR or UDM, as CSV. Keys leave the house in clear here: on an operator's command only, into a
 * file nobody else can read.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/misc.h>

#include "stock_priv.h"

#define AT_ONCE 1000

struct export {
	struct stock *stock;
	FILE *f;
	int64_t n;
	bool failed;
	unsigned rows;
	char last[ICCID_STR_SIZE];
};

static void put_hex(FILE *f, const uint8_t *b, size_t len)
{
	fputc(',', f);
	for (size_t i = 0; i < len; i++)
		fprintf(f, "%02x", b[i]);
}

static bool export_row(void *data, const struct stock_row *r)
{
	struct export *e = data;
	static const char *const algo[] = { "", "milenage", "tuak", "xor" };
	struct stock_auth x;

	e->rows++;
	OSMO_STRLCPY_ARRAY(e->last, r->iccid);
	if (!r->imsi[0] || r->state >= STOCK_STAGED)
		return true;
	if (stock_auth_get(e->stock, r->iccid, &x) < 0) {
		e->failed = true;
		return false;
	}
	fprintf(e->f, "%s,%s,%s,%s,%s", r->iccid, r->imsi, r->msisdn, stock_state_name(r->state),
		algo[x.algo]);
	put_hex(e->f, x.k, x.k_len);
	put_hex(e->f, x.opc, x.opc_len);
	fputc('\n', e->f);
	secret_wipe(&x, sizeof(x));
	e->n++;
	return true;
}

int64_t stock_export(struct stock *s, const char *owner, const char *path)
{
	struct export e = { .stock = s };
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	e.f = fdopen(fd, "w");
	if (!e.f) {
		close(fd);
		return -EIO;
	}
	fputs("iccid,imsi,msisdn,state,algorithm,k,opc\n", e.f);
	do {
		e.rows = 0;
		smdp_db_stock_walk(s->db, e.last, owner, AT_ONCE, export_row, &e);
	} while (e.rows == AT_ONCE && !e.failed);
	if (ferror(e.f) | fclose(e.f) | e.failed) {
		unlink(path);
		return -EIO;
	}
	return e.n;
}
