/* SCP81 texts and the session trigger: GP Amd B 3.4, 3.7, 3.8, SGP.02 2.4.4.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/scp81_msg.h>
#include <osmocom/rsp/util/tlv.h>

static const char *const status_words[] = {
	[SCP81_ST_OK] = "ok",
	[SCP81_ST_UNKNOWN_APPLICATION] = "unknown-application",
	[SCP81_ST_NOT_A_SECURITY_DOMAIN] = "not-a-security-domain",
	[SCP81_ST_SECURITY_ERROR] = "security-error",
	[SCP81_ST_UNAVAILABLE_SE] = "unavailable-se",
	[SCP81_ST_TEMPORARILY_UNAVAILABLE] = "temporarily-unavailable-application",
	[SCP81_ST_SCRIPT_FORMAT_ERROR] = "script-format-error",
};

const char *scp81_status_text(enum scp81_status st)
{
	return st < ARRAY_SIZE(status_words) ? status_words[st] : status_words[SCP81_ST_SECURITY_ERROR];
}

enum scp81_status scp81_status_parse(const char *text)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(status_words); i++) {
		if (!strcasecmp(text, status_words[i]))
			return i;
	}
	return SCP81_ST_SECURITY_ERROR;
}

static int print_hex(char *out, size_t out_size, const struct bytes *b)
{
	size_t i;

	if (b->err || out_size < 2 * b->len + 1)
		return -ENOSPC;
	for (i = 0; i < b->len; i++)
		snprintf(out + 2 * i, 3, "%02X", b->data[i]);
	return 0;
}

int scp81_psk_id_enc(char *out, size_t out_size, const struct scp81_psk_id *id)
{
	struct bytes *b = bytes_new(NULL, SCP81_PSK_ID_SIZE / 2);
	int rc;

	if (!b)
		return -ENOMEM;
	tlv_put_u8(b, 0x80, 0x02);
	tlv_put(b, 0x81, id->eid.b, 16);
	tlv_put(b, 0x4F, id->sd.b, id->sd.len);
	tlv_put_u8(b, 0x82, id->kid);
	tlv_put_u8(b, 0x83, id->kvn);
	rc = print_hex(out, out_size, b);
	talloc_free(b);
	return rc;
}

static int psk_id_element(struct scp81_psk_id *id, const struct tlv *t)
{
	switch (t->tag) {
	case 0x80:
		return t->len == 1 && t->v[0] == 0x02 ? 1 : -EINVAL;
	case 0x81:
		if (t->len != 16)
			return -EINVAL;
		memcpy(id->eid.b, t->v, 16);
		return 2;
	case 0x4F:
		return aid_from_bytes(&id->sd, t->v, t->len) < 0 ? -EINVAL : 4;
	case 0x82:
		id->kid = t->len == 1 ? t->v[0] : 0;
		return t->len == 1 ? 8 : -EINVAL;
	case 0x83:
		id->kvn = t->len == 1 ? t->v[0] : 0;
		return t->len == 1 ? 16 : -EINVAL;
	default:
		return 0;
	}
}

int scp81_psk_id_dec(struct scp81_psk_id *id, const char *text)
{
	uint8_t b[SCP81_PSK_ID_SIZE / 2];
	int len, rc, got, seen = 0;
	struct tlv t;
	struct rd r;

	memset(id, 0, sizeof(*id));
	if (strnlen(text, SCP81_PSK_ID_SIZE) >= SCP81_PSK_ID_SIZE || strspn(text, "0123456789ABCDEFabcdef") != strlen(text))
		return -EINVAL;
	len = hex_dec(b, sizeof(b), text);
	if (len < 0)
		return -EINVAL;
	rd_init(&r, b, len);
	while ((rc = tlv_next(&r, &t)) == 1) {
		got = psk_id_element(id, &t);
		if (got < 0 || (seen & got))
			return -EINVAL;
		seen |= got;
	}
	return rc < 0 || seen != 31 ? -EINVAL : 0;
}

static int rid_pix(char *out, size_t out_size, const struct aid *aid)
{
	char hex[AID_STR_SIZE];
	int n;

	if (aid->len < 5)
		return -EINVAL;
	aid_str(hex, aid);
	n = snprintf(out, out_size, "//aid/%.10s/%s", hex, hex + 10);
	return n < 0 || (size_t)n >= out_size ? -ENOSPC : 0;
}

int scp81_target_enc(char *out, size_t out_size, const struct aid *aid)
{
	return rid_pix(out, out_size, aid);
}

/* RID/PIX in either case, the slash wherever it stands (ota-transport 13.9: cards differ). */
static int rid_pix_parse(struct aid *aid, const char *text, size_t len)
{
	char hex[AID_STR_SIZE];
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (text[i] == '/')
			continue;
		if (!isxdigit((unsigned char)text[i]) || n >= sizeof(hex) - 1)
			return -EINVAL;
		hex[n++] = text[i];
	}
	hex[n] = 0;
	return aid_from_hex(aid, hex) < 0 ? -EINVAL : 0;
}

int scp81_target_dec(struct aid *aid, const char *text)
{
	memset(aid, 0, sizeof(*aid));
	if (strncasecmp(text, "//aid/", 6))
		return -EINVAL;
	return rid_pix_parse(aid, text + 6, strlen(text + 6));
}

int scp81_from_enc(char *out, size_t out_size, const struct eid *eid, const struct aid *sd)
{
	char digits[EID_STR_SIZE], app[SCP81_TARGET_SIZE];
	int n;

	if (rid_pix(app, sizeof(app), sd) < 0)
		return -EINVAL;
	n = snprintf(out, out_size, "//se-id/eid/%s;//aa-id/%s", eid_str(digits, eid), app + 2);
	return n < 0 || (size_t)n >= out_size ? -ENOSPC : 0;
}

int scp81_from_dec(struct eid *eid, struct aid *sd, const char *text)
{
	static const char head[] = "//se-id/eid/", mid[] = ";//aa-id/aid/";
	char digits[EID_STR_SIZE] = "";

	memset(eid, 0, sizeof(*eid));
	memset(sd, 0, sizeof(*sd));
	if (strnlen(text, SCP81_FROM_SIZE) >= SCP81_FROM_SIZE || strncasecmp(text, head, strlen(head)))
		return -EINVAL;
	text += strlen(head);
	if (strcspn(text, ";") != 32 || strncasecmp(text + 32, mid, strlen(mid)))
		return -EINVAL;
	memcpy(digits, text, 32);
	text += 32 + strlen(mid);
	return eid_from_str(eid, digits) < 0 || rid_pix_parse(sd, text, strlen(text)) < 0 ? -EINVAL : 0;
}
