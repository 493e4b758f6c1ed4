/* See grants.h. SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/utils.h>

#include "grants.h"

#define BUCKETS 256

struct grants {
	struct smsr_db *db;
	unsigned n;
	struct llist_head bucket[BUCKETS];	/* by operator and profile type: what every question names */
};

static unsigned hash(const char *mno_id, const char *type)
{
	unsigned h = 5381;

	for (; *mno_id; mno_id++)
		h = h * 33 + (unsigned char)*mno_id;
	for (; *type; type++)
		h = h * 33 + (unsigned char)*type;
	return h % BUCKETS;
}

static struct grant *find(const struct grants *gs, enum grant_kind kind, const struct es_grant *g, const char *smdp_id)
{
	struct grant *i;

	llist_for_each_entry(i, &gs->bucket[hash(g->mno_id, g->profile_type)], entry)
		if (i->kind == kind && !strcmp(i->g.mno_id, g->mno_id) &&
		    !strcmp(i->g.profile_type, g->profile_type) && !strcmp(i->g.m2m_sp_id, g->m2m_sp_id) &&
		    !strcmp(i->smdp_id, smdp_id))
			return i;
	return NULL;
}

static void put(struct grants *gs, enum grant_kind kind, const struct es_grant *g, const char *smdp_id)
{
	struct grant *i = talloc_zero(gs, struct grant);

	OSMO_ASSERT(i);
	i->kind = kind;
	OSMO_STRLCPY_ARRAY(i->smdp_id, smdp_id);
	i->g = *g;
	i->g.names = talloc_memdup(i, g->names, g->n_names * sizeof(g->names[0]));
	OSMO_ASSERT(i->g.names);
	llist_add_tail(&i->entry, &gs->bucket[hash(g->mno_id, g->profile_type)]);
	gs->n++;
}

static void load_one(void *arg, int kind, const struct es_grant *g, const char *smdp_id)
{
	put(arg, kind, g, smdp_id);
}

struct grants *grants_new(void *ctx, struct smsr_db *db)
{
	struct grants *gs = talloc_zero(ctx, struct grants);

	OSMO_ASSERT(gs);
	gs->db = db;
	for (unsigned i = 0; i < BUCKETS; i++)
		INIT_LLIST_HEAD(&gs->bucket[i]);
	if (smsr_db_grant_each(db, load_one, gs) < 0) {
		talloc_free(gs);
		return NULL;
	}
	return gs;
}

int grants_set(struct grants *gs, enum grant_kind kind, const struct es_grant *g, const char *smdp_id)
{
	struct grant *old = find(gs, kind, g, smdp_id);

	if (!old && g->n_names && gs->n >= GRANTS_MAX)
		return -ENOSPC;
	if (smsr_db_grant_put(gs->db, kind, g, smdp_id) < 0)
		return -EIO;
	if (old) {
		llist_del(&old->entry);
		talloc_free(old);
		gs->n--;
	}
	if (g->n_names)
		put(gs, kind, g, smdp_id);
	return 0;
}

const struct grant *grants_next(const struct grants *gs, const struct grant *g)
{
	unsigned b = 0;

	if (g) {
		b = hash(g->g.mno_id, g->g.profile_type);
		if (g->entry.next != &gs->bucket[b])
			return llist_entry(g->entry.next, struct grant, entry);
		b++;
	}
	for (; b < BUCKETS; b++)
		if (!llist_empty(&gs->bucket[b]))
			return llist_entry(gs->bucket[b].next, struct grant, entry);
	return NULL;
}

static bool names_has(const struct es_grant *g, enum es_func func)
{
	for (size_t i = 0; i < g->n_names; i++)
		if (es_func_parse(g->names[i]) == func)
			return true;
	return false;
}

static bool fits(const struct grant *i, enum grant_kind kind, const struct es_profile_info *p, const char *party,
		 enum es_func func)
{
	return i->kind == kind && !strcmp(i->g.mno_id, p->mno_id) && !strcmp(i->g.profile_type, p->profile_type) &&
	       (!party || !strcmp(i->g.m2m_sp_id, party)) && (!i->smdp_id[0] || !strcmp(i->smdp_id, p->smdp_id)) &&
	       names_has(&i->g, func);
}

static const struct grant *first(const struct grants *gs, enum grant_kind kind, const struct es_profile_info *p,
				 const char *party, enum es_func func)
{
	struct grant *i;

	if (!gs || !p->profile_type[0] || !p->mno_id[0])
		return NULL;
	llist_for_each_entry(i, &gs->bucket[hash(p->mno_id, p->profile_type)], entry)
		if (fits(i, kind, p, party, func))
			return i;
	return NULL;
}

bool grants_allow(const struct grants *gs, const struct es_profile_info *p, const char *party, enum es_func func)
{
	return first(gs, GRANT_PLMA, p, party, func) != NULL;
}

bool grants_discard(const struct grants *gs, const struct es_profile_info *p, enum es_func func)
{
	return first(gs, GRANT_ONC, p, NULL, func) != NULL;
}

const struct grant *grants_next_party(const struct grants *gs, const struct es_profile_info *p, enum es_func func,
				      const struct grant *after)
{
	const struct grant *i = after ? after : first(gs, GRANT_PLMA, p, NULL, func);
	const struct llist_head *head = &gs->bucket[hash(p->mno_id, p->profile_type)];

	if (!after || !i)
		return i;
	for (const struct llist_head *at = i->entry.next; at != head; at = at->next) {
		i = llist_entry(at, struct grant, entry);
		/* by operator and by SM-DP: the same party once */
		if (fits(i, GRANT_PLMA, p, NULL, func) && first(gs, GRANT_PLMA, p, i->g.m2m_sp_id, func) == i)
			return i;
	}
	return NULL;
}
