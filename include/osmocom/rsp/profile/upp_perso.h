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

enum upp_algo { UPP_ALGO_KEEP = 0, UPP_ALGO_MILENAGE = 1, UPP_ALGO_TUAK = 2, UPP_ALGO_XOR = 3 };

/* Octets for a file of a template element, "usim/ef-acc" (in every element of that name), or one that generic file
 * management creates, by its path of FIDs: "7F10/6F44", "2FFB". */
struct upp_perso_bind {
	const char *file;
	unsigned record;	/* from 1; 0: transparent file */
	unsigned offset;
	const uint8_t *b;
	size_t len;
};

/* NULL (0 for counts) = leave as it is. A point that is asked for and not there refuses the whole package. */
struct upp_perso {
	const char *iccid;		/* 19 or 20 digits: header and EF.ICCID */
	const char *imsi;		/* EF.IMSI, and with it EF.ACC unless acc is given */
	const uint8_t *k, *opc;		/* in every akaParameter; opc may stay NULL for XOR */
	const char *msisdn;		/* digits, international; first record of EF.MSISDN */
	const char *smsc;		/* digits, international; record 1 of EF.SMSP and A0/06 of the connectivity */
	const char *spn;		/* EF.SPN, up to 16 characters; the display octet is 00, or "01/NAME" */
	const char *pin1, *pin2;	/* 4..8 digits */
	const char *puk1, *puk2, *adm1;	/* 8 digits (adm1: 4..8, or 16 hex digits) */
	const uint8_t *pol;		/* POL1, one octet */
	const uint8_t *connectivity;	/* connectivityParameters as a whole; smsc is applied after it */
	size_t connectivity_len;
	const struct upp_perso_key *keys;	/* security domain keys, in every domain that has KVN and KID */
	unsigned n_keys;

	enum upp_algo algo;		/* changes akaParameter and the header's services; RES becomes 64 bits */
	size_t k_len, opc_len, op_len;	/* 0: 16. TUAK: k 16 or 32, the others 32 */
	const uint8_t *op;		/* OP or TOP instead of opc; needs k */
	const uint8_t *aka_options;	/* algorithmOptions, one octet */
	unsigned keccak;		/* numberOfKeccak */
	const uint8_t *sqn_options;	/* one octet */
	const uint8_t *sqn_delta, *sqn_age, *sqn_init;	/* 6 octets; init: for all 32 indices */
	const char *adm2;
	const char *acc;		/* classes "1,12" or four hex digits */
	unsigned mnc_len;		/* 2 or 3: EF.AD; also how IMPI, IMPU, domain "auto" cut the IMSI */
	const char *impi, *impu, *domain;	/* impu: a list, one a record; "auto": from imsi (TS 23.003 13) */
	const char *suci;		/* "2:27:HEX,1:30:HEX,0": scheme, key identifier, public key, by priority */
	const char *routing;		/* routing indicator, 1 to 4 digits */
	const char *fplmn, *ehplmn;	/* "26201,00101" */
	const char *hplmnwact, *oplmnwact, *plmnwact;	/* "26201:C0C0,..." */
	const struct upp_perso_bind *binds;	/* last of all */
	unsigned n_binds;
};

/* A new package, marked secret, owned by ctx; NULL with *err: static text that begins with the point's name and has no
 * value in it. */
struct bytes *upp_personalise(void *ctx, const uint8_t *upp, size_t len, const struct upp_perso *p, const char **err);
/* OPc from OP (Milenage) or TOPc from TOP (TUAK): its length, or -EINVAL. */
int upp_opc(uint8_t out[32], enum upp_algo algo, const uint8_t *k, size_t k_len, const uint8_t *op, unsigned keccak);
