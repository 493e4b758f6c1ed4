/* EID, ICCID, IMSI, MSISDN, AID, OID: parse, check, print.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* EID: 32 digits, 16 octets BCD, first digit in the high nibble; check digits mod 97 (SGP.02 2.2.2). */
struct eid { uint8_t b[16]; };
#define EID_STR_SIZE 33
int eid_from_str(struct eid *eid, const char *str);	/* -EINVAL: not 32 digits or mod 97 is not 1 */
const char *eid_str(char out[EID_STR_SIZE], const struct eid *eid);
bool eid_valid(const struct eid *eid);
void eid_set_check_digits(struct eid *eid);		/* overwrites digits 31-32 */

/* ICCID as printed, 19 or 20 digits (a filler F allowed at the end is dropped). */
#define ICCID_STR_SIZE 21
int iccid_from_str(char out[ICCID_STR_SIZE], const char *str);
void iccid_to_bcd(uint8_t out[10], const char *iccid);		/* reading order, F padded: SAIP ProfileHeader */
void iccid_to_ef(uint8_t out[10], const char *iccid);		/* nibble swapped: EF.ICCID */
int iccid_from_bcd(char out[ICCID_STR_SIZE], const uint8_t in[10]);
int iccid_luhn(const char *digits);				/* check digit 0..9 for digits without it */

bool digits_valid(const char *str, size_t min, size_t max);	/* IMSI: 6..15, MSISDN: 3..15 */
/* Semi-octets, swapped, F filled; returns octets written or -EINVAL/-ENOSPC. */
int bcd_swapped_enc(uint8_t *out, size_t out_size, const char *digits);
int bcd_swapped_dec(char *out, size_t out_size, const uint8_t *in, size_t len);

struct aid { uint8_t b[16]; uint8_t len; };
int aid_from_hex(struct aid *aid, const char *hex);		/* 5..16 octets */
int aid_from_bytes(struct aid *aid, const uint8_t *b, size_t len);
#define AID_STR_SIZE 33
const char *aid_str(char out[AID_STR_SIZE], const struct aid *aid);
bool aid_eq(const struct aid *a, const struct aid *b);
uint32_t aid_tar(const struct aid *aid);			/* octets 13..15 (SGP.02 Annex H) */
extern const struct aid aid_isd_r, aid_ecasd, aid_isdp_file, aid_isdp_module;
void aid_isdp(struct aid *aid, uint16_t number);		/* ISD-P instance 0010..FFFF */

bool oid_valid(const char *oid);				/* digits and dots, at most OID_STR_SIZE - 1 */
#define OID_STR_SIZE 64
int oid_enc(uint8_t *out, size_t out_size, const char *oid);	/* contents octets (no tag); length or -errno */

/* Hex text to octets: number of octets, or -EINVAL/-ENOSPC. */
int hex_dec(uint8_t *out, size_t out_size, const char *hex);
