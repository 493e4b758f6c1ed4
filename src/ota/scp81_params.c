/* Administration session parameters and the trigger that carries them: GP Amd B 3.7 table 3-3, 3.8. COMPREHENSION-TLVs
 * inside 84 as of OPEN CHANNEL (TS 102 223).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/ota/scp81_msg.h>
#include <osmocom/rsp/util/tlv.h>

#define TAG_TRIGGER	0x81
#define TAG_PARAMS	0x83
#define TAG_CONN	0x84
#define TAG_SECURITY	0x85
#define TAG_RETRY	0x86
#define TAG_POST	0x89
#define TAG_HOST	0x8A
#define TAG_AGENT	0x8B
#define TAG_URI		0x8C
/* TS 102 223, without comprehension bit */
#define CTLV_TEXT	0x0D
#define CTLV_TIMER	0x25
#define CTLV_BEARER	0x35
#define CTLV_BUFFER	0x39
#define CTLV_TRANSPORT	0x3C
#define CTLV_ADDRESS	0x3E
#define CTLV_APN	0x47
#define ADDRESS_IPV4	0x21
#define ADDRESS_IPV6	0x57
#define TEXT_8BIT	0x04

static int text_put(struct bytes *b, uint8_t tag, const char *text)
{
	return text[0] ? tlv_put(b, tag, text, strlen(text)) : 0;
}

/* Network access name: labels with a length octet each. */
static int apn_put(struct bytes *b, const char *apn)
{
	uint8_t v[64];
	size_t n = 0, label;

	for (; *apn; apn += label + (apn[label] == '.')) {
		label = strcspn(apn, ".");
		if (!label || label > 63 || n + 1 + label > sizeof(v))
			return -EINVAL;
		v[n++] = label;
		memcpy(v + n, apn, label);
		n += label;
	}
	return tlv_put(b, CTLV_APN, v, n);
}

static int login_put(struct bytes *b, const char *text)
{
	tlv_put_head(b, CTLV_TEXT, 1 + strlen(text));
	bytes_put_u8(b, TEXT_8BIT);
	return text[0] ? bytes_put(b, text, strlen(text)) : b->err;
}

static int address_put(struct bytes *b, const char *ip)
{
	uint8_t v[17];

	if (inet_pton(AF_INET, ip, v + 1) == 1) {
		v[0] = ADDRESS_IPV4;
		return tlv_put(b, CTLV_ADDRESS, v, 5);
	}
	if (inet_pton(AF_INET6, ip, v + 1) == 1) {
		v[0] = ADDRESS_IPV6;
		return tlv_put(b, CTLV_ADDRESS, v, 17);
	}
	return -EINVAL;
}

int scp81_conn_put(struct bytes *b, const struct scp81_params *p, uint8_t transport)
{
	int rc = 0;

	tlv_put_u8(b, CTLV_BEARER, 0x03);	/* default bearer for the requested transport layer */
	if (p->buffer) {
		tlv_put_head(b, CTLV_BUFFER, 2);
		bytes_put_u16(b, p->buffer);
	}
	if (p->apn[0])
		rc = apn_put(b, p->apn);
	if (rc >= 0 && (p->login[0] || p->password[0])) {	/* both or none, TS 102 226 9.2.1 */
		login_put(b, p->login);
		login_put(b, p->password);
	}
	if (rc >= 0 && p->port) {
		tlv_put_head(b, CTLV_TRANSPORT, 3);
		bytes_put_u8(b, transport);
		bytes_put_u16(b, p->port);
	}
	if (rc >= 0 && p->ip[0])
		rc = address_put(b, p->ip);
	return rc < 0 ? rc : b->err;
}

static int conn_put(struct bytes *b, const struct scp81_params *p)
{
	return scp81_conn_put(b, p, SCP81_TRANSPORT_TCP);
}

static int security_put(struct bytes *b, const struct scp81_params *p)
{
	bytes_put_u8(b, strlen(p->psk_id));
	bytes_put(b, p->psk_id, strlen(p->psk_id));
	bytes_put_u8(b, 2);
	bytes_put_u8(b, p->kvn);
	return bytes_put_u8(b, p->kid);
}

static uint8_t swapped(unsigned v)
{
	return (v % 10) << 4 | v / 10;
}

static int retry_put(struct bytes *b, const struct scp81_params *p)
{
	if (p->retry_delay_s >= 24 * 3600)
		return -EINVAL;
	bytes_put_u16(b, p->retry_count);
	tlv_put_head(b, CTLV_TIMER, 3);
	bytes_put_u8(b, swapped(p->retry_delay_s / 3600));
	bytes_put_u8(b, swapped(p->retry_delay_s / 60 % 60));
	return bytes_put_u8(b, swapped(p->retry_delay_s % 60));
}

static int post_put(struct bytes *b, const struct scp81_params *p)
{
	text_put(b, TAG_HOST, p->host);
	text_put(b, TAG_AGENT, p->agent);
	text_put(b, TAG_URI, p->uri);
	return b->err;
}

/* One part: made in scratch, then put with its tag. */
static int part_put(struct bytes *out, struct bytes *scratch, uint8_t tag, bool wanted, const struct scp81_params *p,
		    int (*put)(struct bytes *b, const struct scp81_params *p))
{
	int rc;

	if (!wanted)
		return 0;
	bytes_clear(scratch);
	rc = put(scratch, p);
	return rc < 0 ? rc : tlv_put(out, tag, scratch->data, scratch->len);
}

int scp81_params_enc(struct bytes *out, const struct scp81_params *p)
{
	struct bytes *b = bytes_new(NULL, 2048);
	int rc;

	if (!b)
		return -ENOMEM;
	rc = part_put(out, b, TAG_CONN, p->has_conn, p, conn_put);
	if (rc >= 0)
		rc = part_put(out, b, TAG_SECURITY, p->psk_id[0], p, security_put);
	if (rc >= 0)
		rc = part_put(out, b, TAG_RETRY, p->has_retry, p, retry_put);
	if (rc >= 0)
		rc = part_put(out, b, TAG_POST, p->host[0] || p->agent[0] || p->uri[0], p, post_put);
	talloc_free(b);
	return rc < 0 ? rc : 0;
}

int scp81_trigger_enc(struct bytes *out, const struct scp81_params *p)
{
	struct bytes *b, *outer;
	int rc;

	if (!p)
		return tlv_put_head(out, TAG_TRIGGER, 0);
	b = bytes_new(NULL, 2048);
	outer = bytes_new(b, 2048);
	if (!outer) {
		talloc_free(b);
		return -ENOMEM;
	}
	rc = scp81_params_enc(b, p);
	if (rc >= 0)
		rc = tlv_put(outer, TAG_PARAMS, b->data, b->len);
	if (rc >= 0)
		rc = tlv_put(out, TAG_TRIGGER, outer->data, outer->len);
	talloc_free(b);
	return rc < 0 ? rc : 0;
}

/* Text of printable ASCII: it ends up in HTTP header lines. */
static int text_dec(char *out, size_t out_size, const uint8_t *v, size_t len)
{
	size_t i;

	out[0] = 0;
	if (len >= out_size)
		return -EINVAL;
	for (i = 0; i < len; i++) {
		if (v[i] < 0x20 || v[i] > 0x7E)
			return -EINVAL;
	}
	if (len)
		memcpy(out, v, len);
	out[len] = 0;
	return 0;
}

static int apn_dec(char *out, size_t out_size, const uint8_t *v, size_t len)
{
	char text[128] = "";
	struct rd r;
	size_t n = 0;

	rd_init(&r, v, len);
	while (r.left) {
		uint8_t label = rd_u8(&r);
		const uint8_t *p = rd_take(&r, label);

		if (r.bad || !label || n + label + 2 > sizeof(text))
			return -EINVAL;
		if (n)
			text[n++] = '.';
		memcpy(text + n, p, label);
		n += label;
	}
	return text_dec(out, out_size, (uint8_t *)text, n);
}

static int address_dec(char *out, size_t out_size, const struct tlv *t)
{
	bool v4 = t->len == 5 && t->v[0] == ADDRESS_IPV4, v6 = t->len == 17 && t->v[0] == ADDRESS_IPV6;

	return (v4 || v6) && inet_ntop(v4 ? AF_INET : AF_INET6, t->v + 1, out, out_size) ? 0 : -EINVAL;
}

static int conn_element(struct scp81_params *p, const struct tlv *t, unsigned *texts)
{
	switch (t->tag & 0x7F) {
	case CTLV_BUFFER:
		if (t->len != 2)
			return -EINVAL;
		p->buffer = t->v[0] << 8 | t->v[1];
		return 0;
	case CTLV_APN:
		return apn_dec(p->apn, sizeof(p->apn), t->v, t->len);
	case CTLV_TEXT:
		if (!t->len || *texts >= 2)
			return -EINVAL;
		(*texts)++;
		return *texts == 1 ? text_dec(p->login, sizeof(p->login), t->v + 1, t->len - 1) :
				     text_dec(p->password, sizeof(p->password), t->v + 1, t->len - 1);
	case CTLV_TRANSPORT:
		if (t->len != 3 || t->v[0] != SCP81_TRANSPORT_TCP)
			return -EINVAL;
		p->port = t->v[1] << 8 | t->v[2];
		return 0;
	case CTLV_ADDRESS:
		return t->len ? address_dec(p->ip, sizeof(p->ip), t) : 0;	/* empty: dynamic */
	default:
		return 0;
	}
}

static int conn_dec(struct scp81_params *p, const struct tlv *in)
{
	unsigned texts = 0;
	struct tlv t;
	struct rd r;
	int rc;

	p->has_conn = true;
	rd_init(&r, in->v, in->len);
	while ((rc = tlv_next(&r, &t)) == 1) {
		if (conn_element(p, &t, &texts) < 0)
			return -EINVAL;
	}
	return rc;
}

/* LV identity, LV key reference, and of later releases a hash type that is not looked at. */
static int security_dec(struct scp81_params *p, const struct tlv *in)
{
	const uint8_t *id, *ref;
	uint8_t id_len;
	struct rd r;

	rd_init(&r, in->v, in->len);
	id_len = rd_u8(&r);
	id = rd_take(&r, id_len);
	if (rd_u8(&r) != 2)
		return -EINVAL;
	ref = rd_take(&r, 2);
	if (r.bad)
		return -EINVAL;
	p->kvn = ref[0];
	p->kid = ref[1];
	return text_dec(p->psk_id, sizeof(p->psk_id), id, id_len);
}

static unsigned unswapped(uint8_t v)
{
	return (v & 15) * 10 + (v >> 4);
}

static int retry_dec(struct scp81_params *p, const struct tlv *in)
{
	struct tlv t;
	struct rd r;

	rd_init(&r, in->v, in->len);
	p->retry_count = rd_u16(&r);
	if (r.bad || tlv_next(&r, &t) != 1 || (t.tag & 0x7F) != CTLV_TIMER || t.len != 3)
		return -EINVAL;
	p->retry_delay_s = unswapped(t.v[0]) * 3600 + unswapped(t.v[1]) * 60 + unswapped(t.v[2]);
	p->has_retry = true;
	return 0;
}

static int post_dec(struct scp81_params *p, const struct tlv *in)
{
	struct tlv t;
	struct rd r;
	int rc, bad = 0;

	rd_init(&r, in->v, in->len);
	while ((rc = tlv_next(&r, &t)) == 1) {
		if (t.tag == TAG_HOST)
			bad |= text_dec(p->host, sizeof(p->host), t.v, t.len);
		else if (t.tag == TAG_AGENT)
			bad |= text_dec(p->agent, sizeof(p->agent), t.v, t.len);
		else if (t.tag == TAG_URI)
			bad |= text_dec(p->uri, sizeof(p->uri), t.v, t.len);
	}
	return rc < 0 || bad ? -EINVAL : 0;
}

int scp81_params_dec(struct scp81_params *p, const uint8_t *in, size_t len)
{
	struct tlv t;
	struct rd r;
	int rc, bad = 0;

	memset(p, 0, sizeof(*p));
	rd_init(&r, in, len);
	while (!bad && (rc = tlv_next(&r, &t)) == 1) {
		switch (t.tag) {
		case TAG_CONN:
			bad = conn_dec(p, &t);
			break;
		case TAG_SECURITY:
			bad = security_dec(p, &t);
			break;
		case TAG_RETRY:
			bad = retry_dec(p, &t);
			break;
		case TAG_POST:
			bad = post_dec(p, &t);
			break;
		}
	}
	return bad || rc < 0 ? -EINVAL : 0;
}

int scp81_trigger_dec(struct scp81_params *p, const uint8_t *in, size_t len)
{
	struct tlv t, inner;
	struct rd r;
	int rc;

	memset(p, 0, sizeof(*p));
	rd_init(&r, in, len);
	if (tlv_next(&r, &t) != 1 || t.tag != TAG_TRIGGER || r.left)
		return -EINVAL;
	rc = tlv_find(t.v, t.len, TAG_PARAMS, &inner);
	if (rc == -ENOENT)
		return 0;	/* everything as stored on the card */
	return rc < 0 ? rc : scp81_params_dec(p, inner.v, inner.len);
}
