/* Rows of subscribers: a header and lines as anybody may write them; what a good row says is put into a package, which
 * must stay one. SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/profile/upp_check.h>
#include <osmocom/rsp/profile/upp_row.h>

#include "../profile/packages.h"

#include "fuzz.h"

static void *keep;
static struct bytes *package;

static void row(void *ctx, struct upp_cols *cols, const char *line)
{
	struct upp_row_err err = {};
	const struct upp_perso *p = upp_row_csv(cols, line, &err);
	const char *why = NULL;
	struct bytes *out;

	if (!p) {
		FUZZ_CHECK(err.msg[0]);
		return;
	}
	out = upp_personalise(ctx, package->data, package->len, p, &why);
	if (!out) {
		FUZZ_CHECK(why && strchr(why, ':'));
		upp_row_blame(cols, why, &err);
		FUZZ_CHECK(err.msg[0]);
		return;
	}
	FUZZ_CHECK(upp_check(out->data, out->len, NULL, NULL) == 0 || p->n_binds || p->connectivity || p->pol ||
		   p->algo || p->k_len);
	talloc_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	void *ctx = talloc_new(NULL);
	char *text = len ? talloc_strndup(ctx, (const char *)data, len) : talloc_strdup(ctx, ""), *next = strchr(text, '\n');
	struct upp_cols *cols = upp_cols_new(ctx);
	struct upp_row_err err = {};

	if (!package)
		package = packages_demo(keep = talloc_new(NULL));
	if (next)
		*next++ = '\0';
	upp_cols_no_luhn(cols);
	if (upp_cols_header(cols, text, &err) < 0)
		FUZZ_CHECK(err.msg[0]);
	else
		while (next) {
			char *line = next;

			next = strchr(line, '\n');
			if (next)
				*next++ = '\0';
			row(ctx, cols, line);
		}
	talloc_free(ctx);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	static const char *const seeds[] = {
		"iccid,imsi,k,op,pin1,puk1,adm1\n8949000000000000018,001010000000001,465B5CE8B199B49FAA5F0A2EE238A6BC,"
		"CDC202D5123E20F62B6D676AC72CB318,1234,12345678,0123456789ABCDEF\n",
		"acc;mnc_len;msisdn;smsc;spn;hplmnwact\n1,15;3;+491234567;491234;\"A \"\"name\";26201:C000,310410\n;;;;;\n",
		"algo,k,opc,keccak,sqn_options,sqn_delta,sqn_init\ntuak,abababababababababababababababab,5555555555555555"
		"555555555555555555555555555555555555555555555555,2,06,000000000100,000000000001\n",
		"key:02:01\tcounter:02:01\tfile:usim/ef-spn+1\tfile:mf/ef-dir#1+2\t-x\nrandom\t\t414243\t4f\tnote\n",
		"impi,impu,domain,suci,routing,fplmn,ehplmn\nauto,auto,auto,0,1,26201,26201\n",
	};

	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
		add(seeds[i], strlen(seeds[i]));
}
