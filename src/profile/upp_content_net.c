/* Typed contents of EFs with networks, 5G parameters and service tables (TS 31.102).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/rsp/util/ids.h>

#include "upp_content.h"

/* MCC2|MCC1, MNC3|MCC3, MNC2|MNC1 */
static int plmn_put(uint8_t out[3], const char *v, size_t n)
{
	if ((n != 5 && n != 6) || strspn(v, "0123456789") < n)
		return -EINVAL;
	out[0] = (v[1] - '0') << 4 | (v[0] - '0');
	out[1] = (n == 6 ? v[5] - '0' : 0xF) << 4 | (v[2] - '0');
	out[2] = (v[4] - '0') << 4 | (v[3] - '0');
	return 0;
}

static int plmn_get(char *out, size_t out_size, const uint8_t v[3])
{
	const uint8_t d[6] = { v[0] & 15, v[0] >> 4, v[1] & 15, v[2] & 15, v[2] >> 4, v[1] >> 4 };

	for (unsigned i = 0; i < 5; i++) {
		if (d[i] > 9)
			return -ENOENT;
	}
	if (d[5] > 9 && d[5] != 15)
		return -ENOENT;
	snprintf(out, out_size, d[5] == 15 ? "%u%u%u%u%u" : "%u%u%u%u%u%u", d[0], d[1], d[2], d[3], d[4], d[5]);
	return 0;
}

int upp_content_net_plmns_enc(uint8_t *body, size_t size, const char *v, const char **err)
{
	char item[8];
	size_t at = 0;

	memset(body, 0xFF, size);
	for (; upp_content_item(item, sizeof(item), &v); at += 3) {
		if (at + 3 > size)
			return upp_content_full(err);
		if (plmn_put(body + at, item, strlen(item)) < 0)
			return upp_content_bad(err, "networks: 5 or 6 digits each");
	}
	return 0;
}

int upp_content_net_plmns_dec(char *out, size_t out_size, const uint8_t *body, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i + 2 < size && body[i] != 0xFF; i += 3) {
		if (n + 8 > out_size)
			return -ENOENT;
		if (n)
			out[n++] = ',';
		if (plmn_get(out + n, out_size - n, body + i) < 0)
			return -ENOENT;
		n += strlen(out + n);
	}
	return n ? 0 : -ENOENT;
}

/* With access technologies: "26201:C000", all of a network: C0C0. Unused ones FFFFFF0000. */
int upp_content_net_plmnact_enc(uint8_t *body, size_t size, const char *v, const char **err)
{
	static const uint8_t none[] = { 0xFF, 0xFF, 0xFF, 0x00, 0x00 };
	char item[16], *act;
	size_t at;

	for (at = 0; at < size; at++)
		body[at] = none[at % sizeof(none)];
	for (at = 0; upp_content_item(item, sizeof(item), &v); at += 5) {
		act = strchr(item, ':');
		if (at + 5 > size)
			return upp_content_full(err);
		if (plmn_put(body + at, item, act ? (size_t)(act - item) : strlen(item)) < 0)
			return upp_content_bad(err, "networks: 5 or 6 digits each");
		if (act ? strlen(act + 1) != 4 || hex_dec(body + at + 3, 2, act + 1) != 2 : 0)
			return upp_content_bad(err, "networks: access technologies are 4 hex digits");
		if (!act)
			body[at + 3] = 0xC0, body[at + 4] = 0xC0;
	}
	return 0;
}

int upp_content_net_plmnact_dec(char *out, size_t out_size, const uint8_t *body, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i + 4 < size && body[i] != 0xFF; i += 5) {
		if (n + 14 > out_size)
			return -ENOENT;
		if (n)
			out[n++] = ',';
		if (plmn_get(out + n, out_size - n, body + i) < 0)
			return -ENOENT;
		n += strlen(out + n);
		n += snprintf(out + n, out_size - n, ":%02X%02X", body[i + 3], body[i + 4]);
	}
	return n ? 0 : -ENOENT;
}

/* 5G ------------------------------------------------------------ */

/* One to four digits, swapped, F filled (TS 31.102 4.4.11.11); two octets RFU behind. */
int upp_content_net_routing_enc(uint8_t *body, size_t size, const char *v, const char **err)
{
	if (!digits_valid(v, 1, 4))
		return upp_content_bad(err, "routing: 1 to 4 digits");
	if (size < 2)
		return upp_content_full(err);
	memset(body, 0xFF, 2);
	if (size >= 4 && body[2] == 0xFF)
		memset(body + 2, 0, 2);
	return bcd_swapped_enc(body, 2, v) < 0 ? -EINVAL : 0;
}

int upp_content_net_routing_dec(char *out, size_t out_size, const uint8_t *body, size_t size)
{
	if (size != 4 || out_size < 8)
		return -ENOENT;
	return bcd_swapped_dec(out, out_size, body, body[1] == 0xFF ? 1 : 2) < 0 ? -ENOENT : 0;
}

/* EF.SUCI_Calc_Info (TS 31.102 4.4.11.8): A0 pairs of scheme and key index by priority, A1 list of 80 key identifier
 * and 81 key. Text: "2:27:HEX,1:30:HEX,0", each SCHEME:KEY-ID:KEY, 0 the null scheme. */
#define SUCI_MAX 8
#define SUCI_KEY_MAX 65
static int suci_item(uint8_t *list, size_t *list_len, uint8_t *keys, size_t *keys_len, unsigned *index,
		     const char *item)
{
	unsigned scheme, id;
	int used = 0, n;

	if (sscanf(item, "%2u:%3u:%n", &scheme, &id, &used) < 2 || !used) {
		if (strcmp(item, "0"))
			return -EINVAL;
		list[(*list_len)++] = 0;
		list[(*list_len)++] = 0;
		return 0;
	}
	n = hex_dec(keys + *keys_len + 5, SUCI_KEY_MAX, item + used);
	if (n < 32 || id > 255 || !scheme || scheme > 15)
		return -EINVAL;
	list[(*list_len)++] = scheme;
	list[(*list_len)++] = ++*index;
	memcpy(keys + *keys_len, (uint8_t[]){ 0x80, 1, id, 0x81, n }, 5);
	*keys_len += 5 + n;
	return 0;
}

static size_t suci_head(uint8_t *out, uint8_t tag, size_t len)
{
	out[0] = tag;
	out[1] = len > 127 ? 0x80 | (len > 255 ? 2 : 1) : len;
	if (len > 255)
		out[2] = len >> 8;
	if (len > 127)
		out[len > 255 ? 3 : 2] = len;
	return len > 255 ? 4 : len > 127 ? 3 : 2;
}

int upp_content_net_suci_enc(uint8_t *body, size_t size, const char *v, const char **err)
{
	uint8_t list[2 * SUCI_MAX], keys[SUCI_MAX * (5 + SUCI_KEY_MAX)], head[4];
	size_t list_len = 0, keys_len = 0, n;
	char item[2 * SUCI_KEY_MAX + 16];
	unsigned index = 0;

	while (upp_content_item(item, sizeof(item), &v)) {
		if (list_len == sizeof(list))
			return upp_content_full(err);
		if (suci_item(list, &list_len, keys, &keys_len, &index, item) < 0)
			return upp_content_bad(err, "suci: SCHEME:KEY-ID:PUBLIC-KEY or 0, by priority");
	}
	if (!list_len)
		return upp_content_bad(err, "suci: no scheme");
	n = suci_head(head, 0xA1, keys_len);
	if (2 + list_len + n + keys_len > size)
		return upp_content_full(err);
	memset(body, 0xFF, size);
	body += suci_head(body, 0xA0, list_len);
	memcpy(body, list, list_len);
	memcpy(body + list_len, head, n);
	memcpy(body + list_len + n, keys, keys_len);
	return 0;
}

int upp_content_net_suci_dec(char *out, size_t out_size, const uint8_t *body, size_t size)
{
	struct { const uint8_t *v; size_t len; uint8_t id; } keys[SUCI_MAX + 1] = { { NULL, 0, 0 } };
	unsigned n_keys = 0;
	struct tlv list, all, id, key;
	size_t n = 0, i, k;
	struct rd r;

	rd_init(&r, body, size);
	if (tlv_next(&r, &list) <= 0 || list.tag != 0xA0 || tlv_next(&r, &all) <= 0 || all.tag != 0xA1)
		return -ENOENT;
	rd_init(&r, all.v, all.len);
	while (n_keys < SUCI_MAX && tlv_next(&r, &id) > 0) {
		if (id.tag != 0x80 || id.len != 1 || tlv_next(&r, &key) <= 0 || key.tag != 0x81)
			return -ENOENT;
		keys[++n_keys].v = key.v;
		keys[n_keys].len = key.len;
		keys[n_keys].id = id.v[0];
	}
	for (i = 0; i + 1 < list.len; i += 2) {
		unsigned index = list.v[i + 1];

		if (index > n_keys || (!index && list.v[i]) || n + 2 * keys[index].len + 16 > out_size)
			return -ENOENT;
		n += snprintf(out + n, out_size - n, index ? "%s%u:%u:" : "%s%u", n ? "," : "", list.v[i],
			      keys[index].id);
		for (k = 0; k < keys[index].len; k++)
			n += snprintf(out + n, out_size - n, "%02X", keys[index].v[k]);
	}
	return n ? 0 : -ENOENT;
}

/* Service tables ------------------------------------------------------------ */

/* EF.UST, EF.IST: service n is bit n - 1. Text: "2,10,12-14". */
int upp_content_net_services_enc(uint8_t *body, size_t size, const char *v, const char **err)
{
	unsigned from, to;
	char item[16];
	int n;

	memset(body, 0, size);
	while (upp_content_item(item, sizeof(item), &v)) {
		n = sscanf(item, "%4u-%4u", &from, &to);
		if (n < 1 || !from || (n == 2 && to < from))
			return upp_content_bad(err, "service: numbers from 1, or ranges");
		for (to = n == 2 ? to : from; from <= to; from++) {
			if ((from - 1) / 8 >= size)
				return upp_content_full(err);
			body[(from - 1) / 8] |= 1 << (from - 1) % 8;
		}
	}
	return 0;
}

static bool services_bit(const uint8_t *body, size_t size, unsigned n)
{
	return n / 8 < size && body[n / 8] & 1 << n % 8;
}

int upp_content_net_services_dec(char *out, size_t out_size, const uint8_t *body, size_t size)
{
	size_t n = 0;
	unsigned i, to;

	for (i = 0; i < 8 * size; i = to + 1) {
		to = i;
		if (!services_bit(body, size, i))
			continue;
		while (services_bit(body, size, to + 1))
			to++;
		if (n + 12 > out_size)
			return -ENOENT;
		n += snprintf(out + n, out_size - n, to > i ? "%s%u-%u" : "%s%u", n ? "," : "", i + 1, to + 1);
	}
	return n ? 0 : -ENOENT;
}
