/* Typed contents of EFs, both directions: the only place that knows how an identity is laid out in its file.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/rsp/util/ids.h>

#include "upp_content.h"

/* Next item of a list; *at is moved behind it. Items longer than `item` are cut, and so refused by who reads them. */
bool upp_content_item(char *item, size_t item_size, const char **at)
{
	size_t n;

	*at += strspn(*at, ", ;");
	n = strcspn(*at, ", ;");
	if (!n)
		return false;
	snprintf(item, item_size, "%.*s", (int)(n < item_size ? n : item_size - 1), *at);
	*at += n;
	return true;
}

/* ICCID, IMSI, ACC ------------------------------------------------------------ */

static int iccid_enc(uint8_t *body, size_t size, const char *v, const char **err)
{
	char iccid[ICCID_STR_SIZE];

	if (iccid_from_str(iccid, v) < 0)
		return upp_content_bad(err, "iccid: not 19 or 20 digits");
	if (size < 10)
		return upp_content_full(err);
	iccid_to_ef(body, iccid);
	return 0;
}

static int iccid_dec(char *out, size_t out_size, const uint8_t *body, size_t size)
{
	uint8_t bcd[10];

	for (size_t i = 0; i < sizeof(bcd) && size == sizeof(bcd); i++)
		bcd[i] = body[i] << 4 | body[i] >> 4;
	return size == sizeof(bcd) && out_size >= ICCID_STR_SIZE ? iccid_from_bcd(out, bcd) : -ENOENT;
}

/* Length, first digit with parity, swapped digits (TS 31.102 4.2.2). */
static int imsi_enc(uint8_t *body, size_t size, const char *v, const char **err)
{
	size_t n = strlen(v);

	if (!digits_valid(v, 6, 15))
		return upp_content_bad(err, "imsi: not 6 to 15 digits");
	if (size < 9)
		return upp_content_full(err);
	memset(body, 0xFF, 9);
	body[0] = n / 2 + 1;
	body[1] = (v[0] - '0') << 4 | (n % 2 ? 9 : 1);
	bcd_swapped_enc(body + 2, 7, v + 1);
	return 0;
}

static int imsi_dec(char *out, size_t out_size, const uint8_t *body, size_t size)
{
	if (size != 9 || body[0] < 4 || body[0] > 8 || out_size < 17 || body[1] >> 4 > 9)
		return -ENOENT;
	out[0] = '0' + (body[1] >> 4);
	return bcd_swapped_dec(out + 1, out_size - 1, body + 2, body[0] - 1) < 0 ? -ENOENT : 0;
}

/* EF.ACC: one bit a class; "9", "1,12" or the two octets in hex. */
static int acc_enc(uint8_t *body, size_t size, const char *v, const char **err)
{
	unsigned bits = 0;
	char item[8], *end;

	if (size < 2)
		return upp_content_full(err);
	if (strlen(v) == 4 && strspn(v, "0123456789ABCDEFabcdef") == 4)
		return hex_dec(body, 2, v) == 2 ? 0 : upp_content_bad(err, "acc: not a list of access classes");
	while (upp_content_item(item, sizeof(item), &v)) {
		unsigned long class = strtoul(item, &end, 10);

		if (*end || class > 15)
			return upp_content_bad(err, "acc: access classes are 0 to 15");
		bits |= 1U << class;
	}
	if (!bits)
		return upp_content_bad(err, "acc: not a list of access classes");
	body[0] = bits >> 8;
	body[1] = bits;
	return 0;
}

static int acc_dec(char *out, size_t out_size, const uint8_t *body, size_t size)
{
	size_t n = 0;

	if (size != 2 || (!body[0] && !body[1]))
		return -ENOENT;
	for (unsigned c = 0; c < 16 && n < out_size; c++) {
		if ((body[0] << 8 | body[1]) & 1 << c)
			n += snprintf(out + n, out_size - n, "%s%u", n ? "," : "", c);
	}
	return n < out_size ? 0 : -ENOENT;
}

/* EF.AD: the length of the MNC in the IMSI, byte 4 (TS 31.102 4.2.18). */
static int mnc_enc(uint8_t *body, size_t size, const char *v, const char **err)
{
	if ((v[0] != '2' && v[0] != '3') || v[1])
		return upp_content_bad(err, "mnc: the length is 2 or 3");
	if (size < 4)
		return upp_content_full(err);
	if (body[0] == 0xFF)	/* new: normal operation */
		memset(body, 0, 3);
	body[3] = (body[3] == 0xFF ? 0 : body[3] & 0xF0) | (v[0] - '0');
	return 0;
}

static int mnc_dec(char *out, size_t out_size, const uint8_t *body, size_t size)
{
	if (size != 4 || (body[3] != 2 && body[3] != 3))
		return -ENOENT;
	snprintf(out, out_size, "%u", body[3]);
	return 0;
}

/* Numbers ------------------------------------------------------------ */

static int number_put(uint8_t *body, size_t size, const char *v, const char **err)
{
	int n;

	v += *v == '+';
	if (!digits_valid(v, 3, 15))
		return upp_content_bad(err, "number: not 3 to 15 digits");
	memset(body, 0xFF, size);
	n = bcd_swapped_enc(body + 2, size - 2, v);
	if (n < 0)
		return upp_content_full(err);
	body[0] = n + 1;
	body[1] = 0x91;
	return 0;
}

static int number_get(char *out, size_t out_size, const uint8_t *body, size_t size)
{
	if (body[0] < 2 || body[0] >= size || body[1] != 0x91)
		return -ENOENT;
	return bcd_swapped_dec(out, out_size, body + 2, body[0] - 1) < 0 ? -ENOENT : 0;
}

/* EF.MSISDN record: alpha (blank), length, TON/NPI, 10 octets of digits, CCP and EXT unused (TS 31.102 4.2.26). */
static int msisdn_enc(uint8_t *body, size_t size, const char *v, const char **err)
{
	if (size < 14)
		return upp_content_full(err);
	memset(body, 0xFF, size);
	return number_put(body + size - 14, 12, v, err);
}

static int msisdn_dec(char *out, size_t out_size, const uint8_t *body, size_t size)
{
	return size < 14 ? -ENOENT : number_get(out, out_size, body + size - 14, 12);
}

/* EF.SMSP record: the service centre, whose presence bit is cleared (TS 31.102 4.2.27). */
static int smsp_enc(uint8_t *body, size_t size, const char *v, const char **err)
{
	if (size < 28)
		return upp_content_full(err);
	body[size - 28] &= ~0x02;
	return number_put(body + size - 28 + 13, 12, v, err);
}

static int smsp_dec(char *out, size_t out_size, const uint8_t *body, size_t size)
{
	return size < 28 || body[size - 28] & 0x02 ? -ENOENT : number_get(out, out_size, body + size - 28 + 13, 12);
}

/* Names ------------------------------------------------------------ */

static int hexval(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "%20" for what a value cannot hold as it is. */
static int text_put(uint8_t *out, size_t size, const char *v, const char **err)
{
	size_t n = 0;

	for (; *v; v++) {
		uint8_t c = *v;

		if (c == '%' && hexval(v[1]) >= 0 && hexval(v[2]) >= 0) {
			c = hexval(v[1]) << 4 | hexval(v[2]);
			v += 2;
		}
		if (n == size)
			return upp_content_full(err);
		out[n++] = c;
	}
	return n;
}

static int text_get(char *out, size_t out_size, const uint8_t *v, size_t len)
{
	size_t n = 0;

	for (; len; v++, len--) {
		bool plain = *v > 0x20 && *v < 0x7F && !strchr("%#,|", *v);

		if (n + 4 > out_size)
			return -ENOENT;
		n += snprintf(out + n, out_size - n, plain ? "%c" : "%%%02X", *v);
	}
	out[n] = '\0';
	return 0;
}

/* EF.SPN: display condition, 16 characters (TS 31.102 4.2.12); "01/name" to set the condition. */
static int spn_enc(uint8_t *body, size_t size, const char *v, const char **err)
{
	uint8_t name[17];
	int n, i;

	if (size < 2)
		return upp_content_full(err);
	body[0] = 0x00;
	if (hexval(v[0]) >= 0 && hexval(v[1]) >= 0 && v[2] == '/') {
		body[0] = hexval(v[0]) << 4 | hexval(v[1]);
		v += 3;
	}
	n = text_put(name, sizeof(name) - 1, v, err);
	if (n < 0 || (size_t)n + 1 > size)
		return upp_content_bad(err, "spn: longer than 16 characters");
	for (i = 0; i < n; i++) {	/* the characters GSM 7 bit and ASCII share */
		if (name[i] < 0x20 || name[i] > 0x7A || strchr("$@[\\]^_`", name[i]))
			return upp_content_bad(err, "spn: a character outside the default alphabet");
	}
	memset(body + 1, 0xFF, size - 1);
	memcpy(body + 1, name, n);
	return 0;
}

static int spn_dec(char *out, size_t out_size, const uint8_t *body, size_t size)
{
	size_t n = 1;
	int at = 0;

	if (size < 2 || out_size < 8)
		return -ENOENT;
	while (n < size && body[n] != 0xFF)
		n++;
	if (n == 1)
		return -ENOENT;
	if (body[0])
		at = snprintf(out, out_size, "%02X/", body[0]);
	return text_get(out + at, out_size - at, body + 1, n - 1);
}

/* 80 LEN UTF-8 (TS 31.103 4.2.2 to 4.2.4). */
static int tlv80_enc(uint8_t *body, size_t size, const char *v, const char **err)
{
	int n;

	if (size < 3)
		return upp_content_full(err);
	memset(body, 0xFF, size);
	n = text_put(body + 2, size - 2, v, err);
	if (n < 0 || n > 127)
		return n < 0 ? n : upp_content_full(err);
	if (!n)
		return upp_content_bad(err, "identity: empty");
	body[0] = 0x80;
	body[1] = n;
	return 0;
}

static int tlv80_dec(char *out, size_t out_size, const uint8_t *body, size_t size)
{
	if (size < 3 || body[0] != 0x80 || !body[1] || body[1] > 127 || (size_t)body[1] + 2 > size)
		return -ENOENT;
	return text_get(out, out_size, body + 2, body[1]);
}

/* EF.LI, EF.PL: two letters each. */
static int lang_enc(uint8_t *body, size_t size, const char *v, const char **err)
{
	char item[4];
	size_t at = 0;

	memset(body, 0xFF, size);
	for (; upp_content_item(item, sizeof(item), &v); at += 2) {
		if (strlen(item) != 2)
			return upp_content_bad(err, "lang: languages have two letters");
		if (at + 2 > size)
			return upp_content_full(err);
		memcpy(body + at, item, 2);
	}
	return 0;
}

static int lang_dec(char *out, size_t out_size, const uint8_t *body, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < size && body[i] != 0xFF; i += 2) {
		if (body[i] < 'a' || body[i] > 'z' || body[i + 1] < 'a' || body[i + 1] > 'z' || n + 4 > out_size)
			return -ENOENT;
		n += snprintf(out + n, out_size - n, "%s%c%c", n ? "," : "", body[i], body[i + 1]);
	}
	return n ? 0 : -ENOENT;
}

/* EF.DIR record: 61 { 4F AID, 50 label } (TS 102 221 13.1); "AID/label". */
static int dir_enc(uint8_t *body, size_t size, const char *v, const char **err)
{
	const char *slash = strchr(v, '/');
	char hex[AID_STR_SIZE];
	struct aid aid;
	int n;

	snprintf(hex, sizeof(hex), "%.*s", slash ? (int)(slash - v) : 32, v);
	if ((slash && slash - v > 32) || aid_from_hex(&aid, hex) < 0)
		return upp_content_bad(err, "app: AID[/label]");
	if (size < 4U + aid.len + (slash ? 2 : 0))
		return upp_content_full(err);
	memset(body, 0xFF, size);
	n = slash ? text_put(body + 6 + aid.len, size - 6 - aid.len, slash + 1, err) : -2;
	if (slash && n < 0)
		return n;
	body[0] = 0x61;
	body[1] = 2 + aid.len + 2 + n;
	body[2] = 0x4F;
	body[3] = aid.len;
	memcpy(body + 4, aid.b, aid.len);
	if (slash) {
		body[4 + aid.len] = 0x50;
		body[5 + aid.len] = n;
	}
	return 0;
}

static int dir_dec(char *out, size_t out_size, const uint8_t *body, size_t size)
{
	struct tlv app, aid, label;
	struct rd r;
	size_t n = 0;

	rd_init(&r, body, size);
	if (tlv_next(&r, &app) <= 0 || app.tag != 0x61 || tlv_find(app.v, app.len, 0x4F, &aid) < 0 || aid.len > 16 ||
	    out_size < 40)
		return -ENOENT;
	for (size_t i = 0; i < aid.len; i++)
		n += snprintf(out + n, out_size - n, "%02X", aid.v[i]);
	if (tlv_find(app.v, app.len, 0x50, &label) < 0)
		return 0;
	out[n++] = '/';
	return text_get(out + n, out_size - n, label.v, label.len);
}

static const struct upp_content upp_contents[] = {
	{ "iccid", iccid_enc, iccid_dec, 10 },
	{ "imsi", imsi_enc, imsi_dec, 9 },
	{ "acc", acc_enc, acc_dec, 2 },
	{ "mnc", mnc_enc, mnc_dec, 4 },
	{ "msisdn", msisdn_enc, msisdn_dec, 0 },
	{ "smsc", smsp_enc, smsp_dec, 0 },
	{ "spn", spn_enc, spn_dec, 17 },
	{ "nai", tlv80_enc, tlv80_dec, 0, true },
	{ "lang", lang_enc, lang_dec, 0 },
	{ "plmn", upp_content_net_plmns_enc, upp_content_net_plmns_dec, 0 },
	{ "plmnact", upp_content_net_plmnact_enc, upp_content_net_plmnact_dec, 0 },
	{ "routing", upp_content_net_routing_enc, upp_content_net_routing_dec, 4 },
	{ "suci", upp_content_net_suci_enc, upp_content_net_suci_dec, 0, true },
	{ "service", upp_content_net_services_enc, upp_content_net_services_dec, 0 },
	{ "app", dir_enc, dir_dec, 0 },
};

const struct upp_content *upp_content(const char *word)
{
	for (size_t i = 0; i < sizeof(upp_contents) / sizeof(upp_contents[0]); i++) {
		if (!strcmp(upp_contents[i].word, word))
			return &upp_contents[i];
	}
	return NULL;
}

static const struct {
	uint32_t pe, tag;
	const char *word;
} upp_content_places[] = {
	{ UPP_PE_MF, 0xA3, "lang" }, { UPP_PE_MF, 0xA4, "iccid" }, { UPP_PE_MF, 0xA5, "app" },
	{ UPP_PE_USIM, 0xA3, "imsi" }, { UPP_PE_USIM, 0xA8, "service" }, { UPP_PE_USIM, 0xAB, "smsc" },
	{ UPP_PE_USIM, 0xAD, "spn" }, { UPP_PE_USIM, 0xB2, "acc" }, { UPP_PE_USIM, 0xB3, "plmn" },
	{ UPP_PE_USIM, 0xB5, "mnc" },
	{ UPP_PE_OPT_USIM, 0xA2, "lang" }, { UPP_PE_OPT_USIM, 0xA7, "msisdn" }, { UPP_PE_OPT_USIM, 0xAF, "plmnact" },
	{ UPP_PE_OPT_USIM, 0xB0, "plmnact" }, { UPP_PE_OPT_USIM, 0xB1, "plmnact" },
	{ UPP_PE_OPT_USIM, 0xBF3A, "plmn" },
	{ UPP_PE_ISIM, 0xA3, "nai" }, { UPP_PE_ISIM, 0xA4, "nai" }, { UPP_PE_ISIM, 0xA5, "nai" },
	{ UPP_PE_ISIM, 0xA6, "service" },
	{ UPP_PE_DF_5GS, 0xA9, "suci" }, { UPP_PE_DF_5GS, 0xAC, "routing" }, { UPP_PE_DF_SAIP, 0xA3, "suci" },
};

const struct upp_content *upp_content_of(uint32_t pe, uint32_t tag)
{
	for (size_t i = 0; i < sizeof(upp_content_places) / sizeof(upp_content_places[0]); i++) {
		if (upp_content_places[i].pe == pe && upp_content_places[i].tag == tag)
			return upp_content(upp_content_places[i].word);
	}
	return NULL;
}

int upp_content_show(char *out, size_t out_size, const struct upp_content *c, const uint8_t *body, size_t size)
{
	uint8_t again[UPP_CONTENT_FILE_MAX];
	const char *err;

	if (!size || size > sizeof(again) || c->dec(out, out_size, body, size) < 0)
		return -ENOENT;
	memset(again, 0xFF, size);
	return c->enc(again, size, out, &err) == 0 && !memcmp(again, body, size) ? 0 : -ENOENT;
}

const char *upp_content_wrong(const char *word, const char *v)
{
	const struct upp_content *c = upp_content(word);
	uint8_t body[UPP_CONTENT_FILE_MAX];
	const char *err = NULL;

	memset(body, 0xFF, sizeof(body));
	return c && c->enc(body, sizeof(body), v, &err) < 0 ? err : NULL;
}
