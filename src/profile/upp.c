/* Unprotected profile packages: the concatenation of ProfileElements, their names, the header, template contents
 * (SAIP Interoperable Format, PEDefinitions 3.3.1).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/util/ids.h>

static const struct {
	uint32_t tag;
	const char *name;
} upp_names[] = {
	{ UPP_PE_HEADER, "header" }, { UPP_PE_GFM, "genericFileManagement" }, { UPP_PE_PIN, "pinCodes" },
	{ UPP_PE_PUK, "pukCodes" }, { UPP_PE_AKA, "akaParameter" }, { UPP_PE_CDMA, "cdmaParameter" },
	{ UPP_PE_SD, "securityDomain" }, { UPP_PE_RFM, "rfm" }, { UPP_PE_APPLICATION, "application" },
	{ UPP_PE_NONSTANDARD, "nonStandard" }, { UPP_PE_END, "end" }, { 0xAB, "rfu1" }, { 0xAC, "rfu2" },
	{ 0xAD, "rfu3" }, { 0xAE, "rfu4" }, { 0xAF, "rfu5" }, { UPP_PE_MF, "mf" }, { UPP_PE_CD, "cd" },
	{ UPP_PE_TELECOM, "telecom" }, { UPP_PE_USIM, "usim" }, { UPP_PE_OPT_USIM, "opt-usim" },
	{ UPP_PE_ISIM, "isim" }, { UPP_PE_OPT_ISIM, "opt-isim" }, { UPP_PE_PHONEBOOK, "phonebook" },
	{ UPP_PE_GSM_ACCESS, "gsm-access" }, { UPP_PE_CSIM, "csim" }, { UPP_PE_OPT_CSIM, "opt-csim" },
	{ UPP_PE_EAP, "eap" }, { UPP_PE_DF_5GS, "df-5gs" }, { UPP_PE_DF_SAIP, "df-saip" },
	{ UPP_PE_DF_SNPN, "df-snpn" }, { UPP_PE_DF_5GPROSE, "df-5gprose" }, { UPP_PE_IOT, "iot" },
	{ UPP_PE_OPT_IOT, "opt-iot" },
};

const char *upp_pe_name(uint32_t tag)
{
	size_t i;

	for (i = 0; i < sizeof(upp_names) / sizeof(upp_names[0]); i++) {
		if (upp_names[i].tag == tag)
			return upp_names[i].name;
	}
	return "unknown";
}

uint32_t upp_pe_tag(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(upp_names) / sizeof(upp_names[0]); i++) {
		if (!strcmp(upp_names[i].name, name))
			return upp_names[i].tag;
	}
	return 0;
}

static const char *const upp_services[] = {
	"contactless", "usim", "isim", "csim", "milenage", "tuak128", "cave", "gba-usim", "gba-isim", "mbms", "eap",
	"javacard", "multos", "multiple-usim", "multiple-isim", "multiple-csim", "tuak256", "usim-test-algorithm",
	"ber-tlv", "dfLink", "cat-tp", "get-identity", "profile-a-x25519", "profile-b-p256", "suciCalculatorApi",
	"dns-resolution", "scp11ac", "scp11c-authorization-mechanism", "s16mode", "eaka",
};

const char *upp_service_name(unsigned bit)
{
	return bit < sizeof(upp_services) / sizeof(upp_services[0]) ? upp_services[bit] : NULL;
}

static int upp_uint(unsigned *v, const struct tlv *t, unsigned max)
{
	size_t i;

	*v = 0;
	if (!t->len || t->len > 4 || t->v[0] & 0x80)
		return -EINVAL;
	for (i = 0; i < t->len; i++)
		*v = *v << 8 | t->v[i];
	return *v > max ? -EINVAL : 0;
}

/* PEHeader { 80 mandated NULL, 81 identification }, first component of every element but the header and rfu. */
int upp_pe_head(struct upp_pe *pe, uint32_t tag, const uint8_t *v, size_t len)
{
	struct tlv head, id;
	struct rd r;
	unsigned u;

	pe->mandated = false;
	pe->id = -1;
	if (tag == UPP_PE_HEADER) {
		pe->mandated = true;
		return 0;
	}
	rd_init(&r, v, len);
	if (tlv_next(&r, &head) <= 0)
		return tag >= 0xAB && tag <= 0xAF && !len ? 0 : -EINVAL;
	if (head.tag != 0xA0 || tlv_find(head.v, head.len, 0x81, &id) < 0 || upp_uint(&u, &id, 32767) < 0)
		return -EINVAL;
	pe->id = u;
	pe->mandated = tlv_find(head.v, head.len, 0x80, &id) == 0;
	return 0;
}

int upp_next(struct rd *r, struct upp_pe *pe)
{
	int rc;

	memset(pe, 0, sizeof(*pe));
	rc = tlv_next(r, &pe->t);
	if (rc <= 0)
		return rc;
	return upp_pe_head(pe, pe->t.tag, pe->t.v, pe->t.len) < 0 ? -EINVAL : 1;
}

static void upp_header_services(struct upp_header *h, const struct tlv *list)
{
	struct tlv s;
	struct rd r;

	rd_init(&r, list->v, list->len);
	while (tlv_next(&r, &s) > 0) {
		if (s.tag >= 0x80 && s.tag <= 0x9E)
			h->services |= 1U << (s.tag - 0x80);
	}
}

static int upp_header_field(struct upp_header *h, const struct tlv *t)
{
	switch (t->tag) {
	case 0x80:
		return upp_uint(&h->major, t, 255);
	case 0x81:
		return upp_uint(&h->minor, t, 255);
	case 0x82:
		if (t->len > 100 || memchr(t->v, 0, t->len))
			return -EINVAL;
		memcpy(h->type, t->v, t->len);
		return 0;
	case 0x83:
		return t->len == 10 ? iccid_from_bcd(h->iccid, t->v) : -EINVAL;
	case 0x84:
		h->pol = t->v;
		h->pol_len = t->len;
		return 0;
	case 0xA5:
		upp_header_services(h, t);
		return 0;
	case 0xA6:
		h->gfste = t->v;
		h->gfste_len = t->len;
		return 0;
	case 0x87:
		h->connectivity = t->v;
		h->connectivity_len = t->len;
		return 0;
	}
	return 0;	/* later versions */
}

int upp_header_dec(struct upp_header *h, const char **err, const uint8_t *data, size_t len)
{
	struct tlv pe, t;
	struct rd r;
	int rc;

	memset(h, 0, sizeof(*h));
	rd_init(&r, data, len);
	if (tlv_next(&r, &pe) <= 0 || pe.tag != UPP_PE_HEADER) {
		*err = "does not begin with a ProfileHeader";
		return -EINVAL;
	}
	rd_init(&r, pe.v, pe.len);
	while ((rc = tlv_next(&r, &t)) > 0) {
		if (upp_header_field(h, &t) < 0) {
			*err = "ProfileHeader: bad field";
			return -EINVAL;
		}
	}
	if (rc < 0 || !h->major || !h->iccid[0]) {
		*err = rc < 0 ? "ProfileHeader: malformed" : "ProfileHeader: version or ICCID missing";
		return -EINVAL;
	}
	return 0;
}

int upp_iccid(char out[21], const uint8_t *data, size_t len)
{
	struct upp_header h;
	const char *err;
	int rc = upp_header_dec(&h, &err, data, len);

	if (rc == 0)
		memcpy(out, h.iccid, sizeof(h.iccid));
	return rc;
}

void upp_fill(uint8_t *out, size_t len, const uint8_t *pattern, size_t pattern_len, bool repeat)
{
	size_t i;

	if (!pattern_len) {
		memset(out, 0xFF, len);
		return;
	}
	for (i = 0; i < len; i++)
		out[i] = i < pattern_len ? pattern[i] : repeat ? pattern[i % pattern_len] : pattern[pattern_len - 1];
}

/* "A...B": A, its last octet again and again, B at the end. */
void upp_file_def_body(const struct upp_file_def *def, uint8_t *out, size_t len)
{
	const char *dots = def->body ? strstr(def->body, "...") : NULL;
	uint8_t buf[64];
	char head[64];
	int n, tail;

	if (!def->body || (dots && (size_t)(dots - def->body) >= sizeof(head))) {
		memset(out, 0xFF, len);
		return;
	}
	if (!dots) {
		n = hex_dec(buf, sizeof(buf), def->body);
		upp_fill(out, len, buf, n > 0 ? n : 0, def->flags & UPP_F_REPEAT);
		return;
	}
	memcpy(head, def->body, dots - def->body);
	head[dots - def->body] = '\0';
	n = hex_dec(buf, sizeof(buf), head);
	upp_fill(out, len, buf, n > 0 ? n : 0, false);
	tail = hex_dec(buf, sizeof(buf), dots + 3);
	if (tail > 0 && (size_t)tail <= len && (size_t)(n + tail) <= len + 1)
		memcpy(out + len - tail, buf, tail);
}
