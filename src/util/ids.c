/* EID (SGP.02 2.2.2), ICCID, IMSI, MSISDN, AID (SGP.02 Annex H), OID: parse, check, print.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>

#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/ids.h>

const struct aid aid_isd_r = {
	{ 0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x01, 0x00 }, 16 };
const struct aid aid_ecasd = {
	{ 0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x02, 0x00 }, 16 };
const struct aid aid_isdp_file = {
	{ 0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x0D, 0x00 }, 16 };
const struct aid aid_isdp_module = {
	{ 0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x0E, 0x00 }, 16 };

static const char hex_digits[] = "0123456789ABCDEF";

int hex_dec(uint8_t *out, size_t out_size, const char *hex)
{
	size_t len = strlen(hex);

	if (len % 2)
		return -EINVAL;
	if (len / 2 > out_size)
		return -ENOSPC;
	for (size_t i = 0; i < len; i++) {
		char c = hex[i];
		int n = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 :
			c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (n < 0)
			return -EINVAL;
		out[i / 2] = i % 2 ? out[i / 2] | n : n << 4;
	}
	return len / 2;
}

static void hex_enc(char *out, const uint8_t *in, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = hex_digits[in[i] >> 4];
		out[2 * i + 1] = hex_digits[in[i] & 15];
	}
	out[2 * len] = '\0';
}

bool digits_valid(const char *str, size_t min, size_t max)
{
	size_t n = strnlen(str, max + 1);

	return n >= min && n <= max && strspn(str, "0123456789") == n;
}

/* EID ------------------------------------------------------------------------------------------------------------ */

/* The 32 digits as one decimal number mod 97; -1 when a nibble is no digit. */
static int eid_mod97(const struct eid *eid)
{
	unsigned rem = 0;

	for (int i = 0; i < 32; i++) {
		unsigned d = i % 2 ? eid->b[i / 2] & 15 : eid->b[i / 2] >> 4;

		if (d > 9)
			return -1;
		rem = (rem * 10 + d) % 97;
	}
	return rem;
}

bool eid_valid(const struct eid *eid)
{
	return eid_mod97(eid) == 1;
}

int eid_from_str(struct eid *eid, const char *str)
{
	*eid = (struct eid){};
	if (!digits_valid(str, 32, 32) || hex_dec(eid->b, sizeof(eid->b), str) != 16 || !eid_valid(eid))
		return -EINVAL;
	return 0;
}

const char *eid_str(char out[EID_STR_SIZE], const struct eid *eid)
{
	hex_enc(out, eid->b, sizeof(eid->b));
	return out;
}

/* "Replace the two check digits by 00, take mod 97, subtract from 98; one digit is padded with a zero." */
void eid_set_check_digits(struct eid *eid)
{
	int rem;

	eid->b[15] = 0;
	rem = eid_mod97(eid);
	if (rem < 0)
		return;
	rem = 98 - rem;
	eid->b[15] = rem / 10 << 4 | rem % 10;
}

/* ICCID ---------------------------------------------------------------------------------------------------------- */

int iccid_from_str(char out[ICCID_STR_SIZE], const char *str)
{
	size_t n = strnlen(str, ICCID_STR_SIZE);

	if (n == 20 && (str[19] == 'F' || str[19] == 'f'))
		n--;
	if ((n != 19 && n != 20) || strspn(str, "0123456789") < n)
		return -EINVAL;
	memmove(out, str, n);
	out[n] = '\0';
	return 0;
}

void iccid_to_bcd(uint8_t out[10], const char *iccid)
{
	memset(out, 0xFF, 10);
	for (int i = 0; i < 20 && iccid[i]; i++) {
		uint8_t d = iccid[i] - '0';

		out[i / 2] = i % 2 ? (out[i / 2] & 0xF0) | d : d << 4 | 0x0F;
	}
}

void iccid_to_ef(uint8_t out[10], const char *iccid)
{
	iccid_to_bcd(out, iccid);
	for (int i = 0; i < 10; i++)
		out[i] = out[i] << 4 | out[i] >> 4;
}

int iccid_from_bcd(char out[ICCID_STR_SIZE], const uint8_t in[10])
{
	char str[ICCID_STR_SIZE];

	hex_enc(str, in, 10);
	return iccid_from_str(out, str);
}

int iccid_luhn(const char *digits)
{
	size_t n = strlen(digits);
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned d = digits[n - 1 - i] - '0';

		if (i % 2 == 0)
			d = d * 2 > 9 ? d * 2 - 9 : d * 2;
		sum += d;
	}
	return (10 - sum % 10) % 10;
}

/* Semi-octets ---------------------------------------------------------------------------------------------------- */

int bcd_swapped_enc(uint8_t *out, size_t out_size, const char *digits)
{
	size_t n = strlen(digits);

	if (strspn(digits, "0123456789") != n)
		return -EINVAL;
	if ((n + 1) / 2 > out_size)
		return -ENOSPC;
	for (size_t i = 0; i < n; i++) {
		uint8_t d = digits[i] - '0';

		out[i / 2] = i % 2 ? (out[i / 2] & 0x0F) | d << 4 : 0xF0 | d;
	}
	return (n + 1) / 2;
}

int bcd_swapped_dec(char *out, size_t out_size, const uint8_t *in, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len * 2; i++) {
		uint8_t d = i % 2 ? in[i / 2] >> 4 : in[i / 2] & 15;

		if (d == 0xF && i == len * 2 - 1)
			break;
		if (d > 9)
			return -EINVAL;
		if (n + 1 >= out_size)
			return -ENOSPC;
		out[n++] = '0' + d;
	}
	if (n >= out_size)
		return -ENOSPC;
	out[n] = '\0';
	return n;
}

/* AID ------------------------------------------------------------------------------------------------------------ */

int aid_from_bytes(struct aid *aid, const uint8_t *b, size_t len)
{
	*aid = (struct aid){};
	if (len < 5 || len > 16)
		return -EINVAL;
	memcpy(aid->b, b, len);
	aid->len = len;
	return 0;
}

int aid_from_hex(struct aid *aid, const char *hex)
{
	uint8_t b[16];
	int rc = hex_dec(b, sizeof(b), hex);

	*aid = (struct aid){};
	return rc < 0 ? -EINVAL : aid_from_bytes(aid, b, rc);
}

const char *aid_str(char out[AID_STR_SIZE], const struct aid *aid)
{
	hex_enc(out, aid->b, aid->len);
	return out;
}

bool aid_eq(const struct aid *a, const struct aid *b)
{
	return a->len == b->len && !memcmp(a->b, b->b, a->len);
}

uint32_t aid_tar(const struct aid *aid)
{
	return aid->len < 15 ? 0 : (uint32_t)aid->b[12] << 16 | aid->b[13] << 8 | aid->b[14];
}

void aid_isdp(struct aid *aid, uint16_t number)
{
	*aid = aid_isd_r;
	aid->b[13] = number >> 8;
	aid->b[14] = number & 0xFF;
}

/* OID ------------------------------------------------------------------------------------------------------------ */

/* One arc at *p without leading zero, at most 2^32-1; -1 when malformed. */
static int64_t oid_arc(const char **p)
{
	uint64_t v = 0;
	const char *start = *p;

	for (; **p >= '0' && **p <= '9'; (*p)++) {
		v = v * 10 + **p - '0';
		if (v > UINT32_MAX)
			return -1;
	}
	if (*p == start || (*start == '0' && *p - start > 1))
		return -1;
	return v;
}

bool oid_valid(const char *oid)
{
	uint8_t buf[OID_STR_SIZE * 2];

	return strnlen(oid, OID_STR_SIZE) < OID_STR_SIZE && oid_enc(buf, sizeof(buf), oid) > 0;
}

static int oid_put_arc(uint8_t *out, size_t out_size, uint64_t v)
{
	int n = 1;

	for (uint64_t w = v >> 7; w; w >>= 7)
		n++;
	if ((size_t)n > out_size)
		return -ENOSPC;
	for (int i = 0; i < n; i++)
		out[i] = (v >> 7 * (n - 1 - i) & 0x7F) | (i < n - 1 ? 0x80 : 0);
	return n;
}

/* X.690 8.19: the first two arcs share one subidentifier. */
int oid_enc(uint8_t *out, size_t out_size, const char *oid)
{
	const char *p = oid;
	int64_t a = oid_arc(&p), b;
	int n, rc;

	if (a < 0 || a > 2 || *p++ != '.')
		return -EINVAL;
	b = oid_arc(&p);
	if (b < 0 || (a < 2 && b > 39))
		return -EINVAL;
	n = oid_put_arc(out, out_size, a * 40 + b);
	while (n > 0 && *p) {
		if (*p++ != '.' || (a = oid_arc(&p)) < 0)
			return -EINVAL;
		rc = oid_put_arc(out + n, out_size - n, a);
		n = rc < 0 ? rc : n + rc;
	}
	return n;
}
