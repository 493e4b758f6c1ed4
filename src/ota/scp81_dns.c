/* DNS resolution parameters of a session trigger: GP Amd B 3.11 (B3 { D6, FA }), SGP.02 2.4.5. How D6 spells the
 * name is not settled (ota-transport digest 9): text is written, text and labels are read.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/ota/scp81_msg.h>
#include <osmocom/rsp/util/tlv.h>

#define TAG_TRIGGER	0x81
#define TAG_DNS		0xB3
#define TAG_FQDN	0xD6
#define TAG_SERVER	0xFA
#define TAG_HOST	0x8A
#define CTLV_TRANSPORT	0x3C
#define CTLV_ADDRESS	0x3E
#define DNS_PORT	53
#define LABEL_FIRST_MAX	0x20	/* a first octet below is a label's length, no letter */

/* 81 { 83 .. } as scp81_trigger_enc() makes it, and B3 into the same 81. */
static int join(struct bytes *out, const struct bytes *trigger, const struct bytes *b3)
{
	struct tlv t;
	struct rd r;

	rd_init(&r, trigger->data, trigger->len);
	if (tlv_next(&r, &t) != 1)
		return -EINVAL;
	tlv_put_head(out, TAG_TRIGGER, t.len + b3->len);
	if (t.len)
		bytes_put(out, t.v, t.len);
	return bytes_put_bytes(out, b3);
}

int scp81_trigger_dns_enc(struct bytes *out, const struct scp81_params *p, const struct scp81_dns *d)
{
	struct bytes *trigger = bytes_new(NULL, 4096), *fa, *inner, *b3;
	struct scp81_params server = { .port = d->port ? d->port : DNS_PORT };
	int rc;

	if (!trigger)
		return -ENOMEM;
	fa = bytes_new(trigger, 256);
	inner = bytes_new(trigger, 512);
	b3 = bytes_new(trigger, 512);
	memcpy(server.ip, d->ip, sizeof(server.ip));
	rc = scp81_trigger_enc(trigger, p);
	if (rc >= 0)
		rc = scp81_conn_put(fa, &server, SCP81_TRANSPORT_UDP);
	if (rc >= 0) {
		tlv_put(inner, TAG_FQDN, d->fqdn, strlen(d->fqdn));
		tlv_put(inner, TAG_SERVER, fa->data, fa->len);
		rc = tlv_put(b3, TAG_DNS, inner->data, inner->len);
	}
	if (rc >= 0)
		rc = join(out, trigger, b3);
	talloc_free(trigger);
	return rc < 0 ? rc : 0;
}

/* Labels, the closing empty one may be missing. 0 or -EINVAL: they are none. */
static int labels_dec(char *out, size_t size, const uint8_t *v, size_t len)
{
	struct rd r;
	size_t n = 0;

	rd_init(&r, v, len);
	while (r.left) {
		uint8_t l = rd_u8(&r);
		const uint8_t *p = rd_take(&r, l);

		if (!l && !r.left)
			break;
		if (!l || r.bad || n + l + 2 > size)
			return -EINVAL;
		if (n)
			out[n++] = '.';
		memcpy(out + n, p, l);
		n += l;
	}
	out[n] = '\0';
	return n ? 0 : -EINVAL;
}

static bool host_name(const char *s)
{
	return *s && strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._") == strlen(s);
}

static int fqdn_dec(char *out, size_t size, const struct tlv *t)
{
	out[0] = '\0';
	if (!t->len || t->len >= size)
		return -EINVAL;
	if (t->v[0] >= LABEL_FIRST_MAX || labels_dec(out, size, t->v, t->len) < 0) {
		if (memchr(t->v, 0, t->len))
			return -EINVAL;
		memcpy(out, t->v, t->len);
		out[t->len] = '\0';
	}
	return host_name(out) ? 0 : -EINVAL;
}

static int server_dec(struct scp81_dns *d, const struct tlv *fa)
{
	struct tlv t;
	struct rd r;
	int rc;

	d->port = DNS_PORT;
	rd_init(&r, fa->v, fa->len);
	while ((rc = tlv_next(&r, &t)) == 1) {
		if ((t.tag & 0x7F) == CTLV_TRANSPORT && t.len == 3)
			d->port = t.v[1] << 8 | t.v[2];
		if ((t.tag & 0x7F) == CTLV_ADDRESS && (t.len == 5 || t.len == 17))
			inet_ntop(t.len == 5 ? AF_INET : AF_INET6, t.v + 1, d->ip, sizeof(d->ip));
	}
	return rc;
}

int scp81_dns_addr_dec(struct scp81_dns *d, const uint8_t *in, size_t len)
{
	const struct tlv whole = { .v = in, .len = len };
	struct tlv t;
	int rc;

	memset(d, 0, sizeof(*d));
	if (server_dec(d, &whole) < 0)
		return -EINVAL;
	rc = tlv_find(in, len, TAG_FQDN, &t);
	if (rc == -ENOENT)
		rc = tlv_find(in, len, TAG_HOST, &t);
	if (rc == -ENOENT)
		return 0;
	return rc == 0 ? fqdn_dec(d->fqdn, sizeof(d->fqdn), &t) : rc;
}

int scp81_trigger_dns_dec(struct scp81_dns *d, const uint8_t *in, size_t len)
{
	struct tlv trigger, b3, t;
	int rc;

	memset(d, 0, sizeof(*d));
	rc = tlv_find(in, len, TAG_TRIGGER, &trigger);
	if (rc == 0)
		rc = tlv_find(trigger.v, trigger.len, TAG_DNS, &b3);
	if (rc < 0)
		return rc;
	rc = tlv_find(b3.v, b3.len, TAG_FQDN, &t);
	if (rc == 0 && fqdn_dec(d->fqdn, sizeof(d->fqdn), &t) < 0)
		return -EINVAL;
	if (rc == -EINVAL)
		return rc;
	rc = tlv_find(b3.v, b3.len, TAG_SERVER, &t);
	return rc == 0 ? server_dec(d, &t) : rc == -ENOENT ? 0 : rc;
}
