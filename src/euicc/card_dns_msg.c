/* DNS messages, as far as one question and its answer need: RFC 1035 4.1, RFC 3596 2. Names may be compressed and
 * may be aliases. SPDX-License-Identifier: AGPL-3.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/bytes.h>

#include "card_dns.h"

#define CLASS_IN 1
#define FLAG_QR 0x8000
#define FLAG_TC 0x0200
#define RCODE(flags) ((flags) & 0x0F)
#define JUMPS_MAX 16		/* pointers in one name */
#define RECORDS_MAX 64

static int name_put(struct bytes *out, const char *fqdn)
{
	size_t n;

	if (!*fqdn || strlen(fqdn) > 253)
		return -EINVAL;
	for (; *fqdn; fqdn += n + (fqdn[n] == '.')) {
		n = strcspn(fqdn, ".");
		if (!n || n > 63)
			return -EINVAL;
		bytes_put_u8(out, n);
		bytes_put(out, fqdn, n);
	}
	return bytes_put_u8(out, 0);
}

int card_dns_query_enc(struct bytes *out, uint16_t id, const char *fqdn, enum card_dns_type type)
{
	bytes_put_u16(out, id);
	bytes_put_u16(out, 0x0100);	/* recursion desired */
	bytes_put_u16(out, 1);
	bytes_put_u16(out, 0);
	bytes_put_u32(out, 0);
	if (name_put(out, fqdn) < 0)
		return -EINVAL;
	bytes_put_u16(out, type);
	return bytes_put_u16(out, CLASS_IN);
}

/* Name at r, dotted; r ends behind it. msg: what pointers point into. */
static int name_take(struct rd *r, const uint8_t *msg, size_t len, char out[CARD_DNS_NAME])
{
	struct rd at = *r;
	unsigned jumps = 0;
	size_t n = 0;
	const uint8_t *p;
	uint8_t l;

	for (;;) {
		l = rd_u8(&at);
		if (at.bad)
			return -EINVAL;
		if ((l & 0xC0) == 0xC0) {
			uint16_t off = (l & 0x3F) << 8 | rd_u8(&at);

			if (!jumps)
				*r = at;
			if (at.bad || off >= len || ++jumps > JUMPS_MAX)
				return -EINVAL;
			rd_init(&at, msg + off, len - off);
			continue;
		}
		if (l & 0xC0)
			return -EINVAL;
		if (!l)
			break;
		p = rd_take(&at, l);
		if (!p || n + l + 2 > CARD_DNS_NAME || memchr(p, 0, l))
			return -EINVAL;
		if (n)
			out[n++] = '.';
		memcpy(out + n, p, l);
		n += l;
	}
	out[n] = '\0';
	if (!jumps)
		*r = at;
	return r->bad ? -EINVAL : 0;
}

static bool same(const char *a, const char *b)
{
	size_t n = strlen(b);

	n -= n && b[n - 1] == '.';
	return strlen(a) == n && !strncasecmp(a, b, n);
}

/* One record of the answer. wanted: the name looked for; an alias of it becomes the next one looked for. */
static int record(struct card_dns_answer *a, struct rd *r, const uint8_t *msg, size_t len, enum card_dns_type type,
		  char wanted[CARD_DNS_NAME])
{
	char owner[CARD_DNS_NAME];
	uint16_t rtype, rclass, rlen;
	const uint8_t *data;
	uint32_t ttl;
	struct rd alias;

	if (name_take(r, msg, len, owner) < 0)
		return -EINVAL;
	rtype = rd_u16(r);
	rclass = rd_u16(r);
	ttl = rd_u32(r);
	rlen = rd_u16(r);
	alias = *r;
	data = rd_take(r, rlen);
	if (r->bad)
		return -EINVAL;
	if (rclass != CLASS_IN || !same(owner, wanted))
		return 0;
	if (rtype == CARD_DNS_CNAME)
		return name_take(&alias, msg, len, wanted);
	if (rtype != type || rlen != (type == CARD_DNS_A ? 4 : 16) || a->n == CARD_DNS_MAX)
		return 0;
	inet_ntop(type == CARD_DNS_A ? AF_INET : AF_INET6, data, a->ip[a->n++], sizeof(a->ip[0]));
	a->ttl = a->n == 1 ? ttl : OSMO_MIN(a->ttl, ttl);
	return 0;
}

int card_dns_answer_dec(struct card_dns_answer *a, uint16_t id, const char *fqdn, enum card_dns_type type,
			const uint8_t *in, size_t len)
{
	char wanted[CARD_DNS_NAME], name[CARD_DNS_NAME];
	uint16_t flags, questions, answers, i;
	struct rd r;

	memset(a, 0, sizeof(*a));
	rd_init(&r, in, len);
	if (rd_u16(&r) != id)
		return -EINVAL;
	flags = rd_u16(&r);
	questions = rd_u16(&r);
	answers = rd_u16(&r);
	rd_u32(&r);
	if (!(flags & FLAG_QR) || questions != 1 || name_take(&r, in, len, name) < 0 || !same(name, fqdn) ||
	    rd_u16(&r) != type || rd_u16(&r) != CLASS_IN || r.bad)
		return -EINVAL;
	if (RCODE(flags))
		return RCODE(flags) == 3 ? -ENOENT : -EAGAIN;
	osmo_strlcpy(wanted, name, sizeof(wanted));
	for (i = 0; i < OSMO_MIN(answers, RECORDS_MAX); i++)
		if (record(a, &r, in, len, type, wanted) < 0)
			return flags & FLAG_TC && a->n ? 0 : -EINVAL;	/* what was cut off is not missed */
	return 0;
}
