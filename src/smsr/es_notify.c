/* HandleProfileEnabled/Disabled/Deleted to a profile's owner: over ES4 if that operator has a connection with us, else
 * by its SM-DP over ES3 (SGP.02 3.8, off-card 4.7).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "es_notify.h"

#define NOTIFY_VALIDITY_S (7 * 24 * 3600)	/* a peer may be away for a week */

static struct es_msg *notify_msg(const struct eis *eis, const struct eis_profile *p, enum es_iface iface,
				 enum es_func func)
{
	struct es_msg *m = es_msg_new(NULL, iface, func, ES_NOTIFICATION);

	OSMO_ASSERT(m);
	m->b.has_eid = true;
	m->b.eid = eis->fix.eid;
	OSMO_STRLCPY_ARRAY(m->b.iccid, p->i.iccid);
	if (iface == ES3)
		OSMO_STRLCPY_ARRAY(m->b.mno_id, p->i.mno_id);
	m->b.completion = clock_now();
	return m;
}

void es_notify(struct euiccs *reg, const struct eis *eis, const struct eis_profile *p, enum es_func func,
	       const char *requester)
{
	const struct es_party *to;
	enum es_iface iface = ES4;

	if (requester && (!strcmp(requester, p->i.mno_id) || !strcmp(requester, p->i.smdp_id)))
		return;
	to = es_party_find(reg->link, p->i.mno_id);
	if (!to || !to->url || (to->role != ES_ROLE_OPERATOR && to->role != ES_ROLE_M2M_SP)) {
		to = p->i.smdp_id[0] ? es_party_find(reg->link, p->i.smdp_id) : NULL;
		iface = ES3;
	}
	if (!to || !to->url) {
		LOGP(DES, LOGL_INFO, "EID-%s: nobody to tell %s of %s to\n", eis->eid_str, es_func_name(func),
		     p->i.iccid);
		return;
	}
	LOGP(DES, LOGL_INFO, "EID-%s: %s of %s to %s over %s\n", eis->eid_str, es_func_name(func), p->i.iccid, to->id,
	     es_iface_name(iface));
	if (es_call(reg->link, to->id, notify_msg(eis, p, iface, func), "notify", clock_now() + NOTIFY_VALIDITY_S) < 0)
		LOGP(DES, LOGL_ERROR, "EID-%s: %s of %s could not be queued\n", eis->eid_str, es_func_name(func),
		     p->i.iccid);
}
