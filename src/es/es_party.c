/* The peers of a daemon, what their roles may call (off-card.md 1.9, 4), and where a callback may go (corrections 7).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include "es_link_priv.h"

static const char *const role_names[] = {
	[ES_ROLE_OPERATOR] = "operator", [ES_ROLE_M2M_SP] = "m2m-sp", [ES_ROLE_SMDP] = "sm-dp",
	[ES_ROLE_SMSR] = "sm-sr",	 [ES_ROLE_EUM] = "eum",
};

const char *es_role_name(enum es_role role)
{
	return (unsigned)role <= ES_ROLE_EUM ? role_names[role] : "?";
}

int es_role_parse(const char *name)
{
	for (int r = 0; r <= ES_ROLE_EUM; r++)
		if (!strcasecmp(name, role_names[r]))
			return r;
	return -EINVAL;
}

struct es_party *es_party_next(struct es_link *l, struct es_party *p)
{
	struct es_party_item *i = (struct es_party_item *)p;
	struct llist_head *next = i ? i->entry.next : l->parties.next;

	return next == &l->parties ? NULL : &llist_entry(next, struct es_party_item, entry)->p;
}

struct es_party *es_party_find(struct es_link *l, const char *id)
{
	struct es_party_item *i;

	llist_for_each_entry(i, &l->parties, entry)
		if (!strcmp(i->p.id, id))
			return &i->p;
	return NULL;
}

struct es_party *es_party_add(struct es_link *l, const char *id, enum es_role role)
{
	struct es_party *p = es_party_find(l, id);
	struct es_party_item *i;

	if (p || !oid_valid(id))
		return p;
	i = talloc_zero(l, struct es_party_item);
	if (!i)
		return NULL;
	snprintf(i->p.id, sizeof(i->p.id), "%s", id);
	i->p.role = role;
	llist_add_tail(&i->entry, &l->parties);
	return &i->p;
}

void es_party_del(struct es_link *l, const char *id)
{
	struct es_party *p = es_party_find(l, id);

	if (!p)
		return;
	llist_del(&((struct es_party_item *)p)->entry);
	talloc_free(p);
}

/* A fingerprint as people write it: colons and case do not count. */
static bool fpr_eq(const char *a, const char *b)
{
	for (;;) {
		while (*a == ':')
			a++;
		while (*b == ':')
			b++;
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}

struct es_party *es_party_by_fpr(struct es_link *l, const char *fpr, const char *id)
{
	struct es_party_item *i;
	struct es_party *any = NULL;

	llist_for_each_entry(i, &l->parties, entry) {
		if (!fpr || !i->p.fpr || !*i->p.fpr || !fpr_eq(i->p.fpr, fpr))
			continue;
		if (id && !strcmp(i->p.id, id))
			return &i->p;
		any = any ? : &i->p;
	}
	return any;
}

bool es_party_fpr_role(struct es_link *l, const char *fpr, enum es_role role)
{
	struct es_party_item *i;

	llist_for_each_entry(i, &l->parties, entry)
		if (fpr && i->p.role == role && i->p.fpr && fpr_eq(i->p.fpr, fpr))
			return true;
	return false;
}

struct origin {
	char scheme[6], host[256];
	unsigned port;
	size_t len;		/* octets of the url up to the path */
};

/* Only http(s)://host[:port], without user information; nothing an HTTP client could read differently. */
static int origin_parse(struct origin *o, const char *url)
{
	size_t scheme = strcspn(url, ":"), host;
	const char *p;

	memset(o, 0, sizeof(*o));
	if (strncmp(url + scheme, "://", 3) ||
	    (strncasecmp(url, "https", scheme) && strncasecmp(url, "http", scheme)) || scheme < 4)
		return -EINVAL;
	memcpy(o->scheme, url, scheme);
	p = url + scheme + 3;
	if (*p == '[') {
		host = strspn(p + 1, "0123456789abcdefABCDEF:.") + 2;
		if (p[host - 1] != ']')
			return -EINVAL;
	} else {
		host = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
	}
	if (!host || host >= sizeof(o->host))
		return -EINVAL;
	memcpy(o->host, p, host);
	p += host;
	o->port = scheme == 5 ? 443 : 80;
	if (*p == ':') {
		size_t digits = strspn(p + 1, "0123456789");

		if (!digits || digits > 5 || sscanf(p + 1, "%5u", &o->port) != 1)
			return -EINVAL;
		p += 1 + digits;
	}
	if (*p && !strchr("/?", *p))
		return -EINVAL;
	o->len = p - url;
	for (; *p; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || *p == '#' || *p == '\\')
			return -EINVAL;
	return 0;
}

char *es_party_callback_url(void *ctx, const struct es_party *p, const char *reply_to)
{
	struct origin have, want;
	const char *rest;

	if (!p->url || !*p->url || origin_parse(&have, p->url) < 0 || origin_parse(&want, reply_to) < 0)
		return NULL;
	if (strcasecmp(have.scheme, want.scheme) || strcasecmp(have.host, want.host) || have.port != want.port)
		return NULL;
	rest = reply_to + want.len;
	return talloc_asprintf(ctx, "%.*s%s%s", (int)have.len, p->url, *rest == '/' ? "" : "/", rest);
}
