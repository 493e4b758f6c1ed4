/* Handle...Notification to a profile's owner: over ES4 if that operator has a connection with us, else by its SM-DP
 * over ES3 (SGP.02 3.8, off-card 4.7); to others as the owner's PLMA say.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "es_notify.h"
#include "grants.h"

#define NOTIFY_VALIDITY_S (7 * 24 * 3600)	/* a peer may be away for a week */

static struct es_msg *notify_msg(const struct eis *eis, const struct eis_profile *p, enum es_iface iface,
				 enum es_func func)
{
	struct es_msg *m = es_msg_new(NULL, iface, func, ES_NOTIFICATION);

	OSMO_ASSERT(m);
	m->b.has_eid = true;
	m->b.eid = eis->fix.eid;
	OSMO_STRLCPY_ARRAY(m->b.iccid, p->i.iccid);
	OSMO_STRLCPY_ARRAY(m->b.mno_id, p->i.mno_id);
	OSMO_STRLCPY_ARRAY(m->b.profile_type, p->i.profile_type);
	m->b.has_pol2 = true;
	m->b.n_pol2 = p->i.n_pol2;
	memcpy(m->b.pol2, p->i.pol2, sizeof(m->b.pol2));
	m->b.completion = clock_now();
	return m;
}

static void tell(struct euiccs *reg, const struct eis *eis, const struct eis_profile *p, const struct es_party *to,
		 enum es_iface iface, enum es_func func)
{
	LOGP(DES, LOGL_INFO, "EID-%s: %s of %s to %s over %s\n", eis->eid_str, es_func_name(func), p->i.iccid, to->id,
	     es_iface_name(iface));
	if (es_call(reg->link, to->id, notify_msg(eis, p, iface, func), "notify", clock_now() + NOTIFY_VALIDITY_S) < 0)
		LOGP(DES, LOGL_ERROR, "EID-%s: %s of %s could not be queued\n", eis->eid_str, es_func_name(func),
		     p->i.iccid);
}

static bool is_es4_party(const struct es_party *p)
{
	return p->url && (p->role == ES_ROLE_OPERATOR || p->role == ES_ROLE_M2M_SP);
}

static void tell_owner(struct euiccs *reg, const struct eis *eis, const struct eis_profile *p, enum es_func func)
{
	const struct es_party *to = es_party_find(reg->link, p->i.mno_id);
	enum es_iface iface = ES4;

	if (!to || !is_es4_party(to)) {
		to = p->i.smdp_id[0] ? es_party_find(reg->link, p->i.smdp_id) : NULL;
		iface = ES3;
	}
	if (!to || !to->url)
		LOGP(DES, LOGL_INFO, "EID-%s: nobody to tell %s of %s to\n", eis->eid_str, es_func_name(func),
		     p->i.iccid);
	else
		tell(reg, eis, p, to, iface, func);
}

/* Off-card 4.7: these two are for those who may act on the profile; its owner caused them. */
static bool for_owner(enum es_func func)
{
	return func != ES_FN_HANDLE_DOWNLOADED && func != ES_FN_HANDLE_POL2_UPDATED;
}

void es_notify(struct euiccs *reg, const struct eis *eis, const struct eis_profile *p, enum es_func func,
	       const char *requester)
{
	const struct grant *g = NULL;
	const struct es_party *to;

	if (for_owner(func) && !grants_discard(reg->grants, &p->i, func) &&
	    !(requester && (!strcmp(requester, p->i.mno_id) || !strcmp(requester, p->i.smdp_id))))
		tell_owner(reg, eis, p, func);
	while (reg->grants && (g = grants_next_party(reg->grants, &p->i, func, g))) {
		to = es_party_find(reg->link, g->g.m2m_sp_id);
		if (to && is_es4_party(to) && strcmp(to->id, p->i.mno_id) && !(requester && !strcmp(requester, to->id)))
			tell(reg, eis, p, to, ES4, func);
	}
}

void es_notify_plma(struct euiccs *reg, const struct es_grant *g)
{
	const struct es_party *to = es_party_find(reg->link, g->m2m_sp_id);
	struct es_msg *m;

	if (!to || !is_es4_party(to)) {
		LOGP(DES, LOGL_INFO, "PLMA of %s for %s: nobody to tell\n", g->mno_id, g->m2m_sp_id);
		return;
	}
	m = es_msg_new(NULL, ES4, ES_FN_HANDLE_PLMA_CHANGED, ES_NOTIFICATION);
	OSMO_ASSERT(m);
	m->b.grant = talloc_memdup(m, g, sizeof(*g));
	m->b.n_grants = 1;
	m->b.completion = clock_now();
	if (es_call(reg->link, to->id, m, "notify", clock_now() + NOTIFY_VALIDITY_S) < 0)
		LOGP(DES, LOGL_ERROR, "PLMA of %s for %s: notification could not be queued\n", g->mno_id, g->m2m_sp_id);
}
