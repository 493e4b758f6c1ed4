/* Personalisation of a profile package: the table of points (SAIP; digest section 9).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>

struct upp_perso_key {
	uint8_t kvn, kid;
	const uint8_t *b;
	size_t len;
	const uint8_t *counter;	/* 5 octets, NULL = leave */
};

/* NULL (0 for counts) = leave as it is. A point that is asked for and not there refuses the whole package. */
struct upp_perso {
	const char *iccid;		/* 19 or 20 digits: header and EF.ICCID */
	const char *imsi;		/* EF.IMSI, and with it EF.ACC */
	const uint8_t *k, *opc;		/* 16 octets each, in every akaParameter; opc may stay NULL for XOR */
	const char *msisdn;		/* digits, international; first record of EF.MSISDN */
	const char *smsc;		/* digits, international; record 1 of EF.SMSP and A0/06 of the connectivity */
	const char *spn;		/* EF.SPN, up to 16 characters; the display octet is 00 */
	const char *pin1, *pin2;	/* 4..8 digits */
	const char *puk1, *puk2, *adm1;	/* 8 digits (adm1: 4..8) */
	const uint8_t *pol;		/* POL1, one octet */
	const uint8_t *connectivity;	/* connectivityParameters as a whole; smsc is applied after it */
	size_t connectivity_len;
	const struct upp_perso_key *keys;	/* security domain keys, in every domain that has KVN and KID */
	unsigned n_keys;
};

/* A new package, marked secret, owned by ctx; NULL with *err (static text, no values in it). */
struct bytes *upp_personalise(void *ctx, const uint8_t *upp, size_t len, const struct upp_perso *p, const char **err);
