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
	es_limit_party_gone(l, p);
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

static bool bind_matches(const struct es_bind *b, struct http_req *hr)
{
	const char *have = b->how == ES_BIND_SPKI ? http_req_peer_spki(hr) : http_req_peer_fpr(hr);

	if (b->how == ES_BIND_SAN)
		return b->anchor && http_req_peer_is(hr, b->value, b->anchor);
	return have && fpr_eq(b->value, have);
}

bool es_party_is_peer(const struct es_party *p, struct http_req *hr)
{
	const char *fpr = http_req_peer_fpr(hr);

	if (!fpr)
		return false;
	if (p->fpr && *p->fpr && fpr_eq(p->fpr, fpr))
		return true;
	for (unsigned i = 0; i < p->set.n_binds; i++)
		if (bind_matches(&p->set.bind[i], hr))
			return true;
	return false;
}

struct es_party *es_party_by_peer(struct es_link *l, struct http_req *hr, const char *id)
{
	struct es_party *named = id ? es_party_find(l, id) : NULL;
	struct es_party_item *i;

	if (named && es_party_is_peer(named, hr))
		return named;
	llist_for_each_entry(i, &l->parties, entry)
		if (es_party_is_peer(&i->p, hr))
			return &i->p;
	return NULL;
}

bool es_party_peer_role(struct es_link *l, struct http_req *hr, enum es_role role)
{
	struct es_party_item *i;

	llist_for_each_entry(i, &l->parties, entry)
		if (i->p.role == role && es_party_is_peer(&i->p, hr))
			return true;
	return false;
}

bool es_party_any_without_certificate(struct es_link *l)
{
	struct es_party_item *i;

	llist_for_each_entry(i, &l->parties, entry)
		if (i->p.set.no_certificate && i->p.set.user)
			return true;
	return false;
}

void es_party_set(struct es_link *l, struct es_party *p, const struct es_party_set *set)
{
	struct es_party_set *old = &p->set;

	for (unsigned i = 0; i < old->n_binds; i++) {
		talloc_free(old->bind[i].value);
		talloc_free(old->bind[i].anchor);
	}
	talloc_free(old->user);
	talloc_free(old->password);
	p->set = *set;
	for (unsigned i = 0; i < set->n_binds; i++) {
		p->set.bind[i].value = talloc_strdup(p, set->bind[i].value);
		p->set.bind[i].anchor = talloc_strdup(p, set->bind[i].anchor);
	}
	p->set.user = talloc_strdup(p, set->user);
	p->set.password = talloc_strdup(p, set->password);
	if (l->srv)
		http_srv_cert_optional(l->srv, es_party_any_without_certificate(l));
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
