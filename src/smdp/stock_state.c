/* The states of a profile on stock, what becomes of one that comes back, and who is told: the subscriber register, and
 * the operator when a type runs low.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/logging.h>

#include "stock_priv.h"

static const char *const state_names[] = {
	[STOCK_AVAILABLE] = "personalised", [STOCK_RESERVED] = "ordered",
	[STOCK_DOWNLOADED] = "downloaded", [STOCK_STUCK] = "uncertain",
	[STOCK_UNPERSONALISED] = "un-personalised", [STOCK_BOUND] = "bound",
	[STOCK_ENABLED] = "enabled", [STOCK_RELEASED] = "released",
	[STOCK_FAILED] = "failed", [STOCK_STAGED] = "staged",
	[STOCK_STAGED_KEYS] = "un-personalised",
};
osmo_static_assert(ARRAY_SIZE(state_names) == _STOCK_STATES, each_state_has_a_name);

const char *stock_state_name(enum stock_state state)
{
	return state < ARRAY_SIZE(state_names) ? state_names[state] : "?";
}

void stock_configure(struct stock *s, struct stock_cfg *cfg)
{
	s->cfg = cfg;
}

enum stock_state stock_back(const struct stock_cfg *cfg, enum stock_state from)
{
	bool was_used = from == STOCK_DOWNLOADED || from == STOCK_ENABLED;
	enum stock_reuse reuse = was_used ? cfg->deleted : cfg->failed;

	if (from != STOCK_BOUND && from != STOCK_STUCK && !was_used)
		return STOCK_AVAILABLE;		/* it never left the house */
	if (reuse == STOCK_REUSE_ANY_CARD)
		return STOCK_AVAILABLE;
	return was_used ? STOCK_RELEASED : STOCK_FAILED; /* stock_choose() lets its card have it again, or none */
}

/* Low water ------------------------------------------------------------------------------------------------------ */

static struct stock_low *low_find(struct stock_cfg *cfg, const char *owner, const char *type)
{
	for (unsigned i = 0; i < cfg->n_low; i++)
		if (!strcmp(cfg->low[i].owner, owner) && !strcmp(cfg->low[i].type, type))
			return &cfg->low[i];
	return NULL;
}

int stock_low_set(struct stock_cfg *cfg, const char *owner, const char *type, unsigned limit)
{
	struct stock_low *l = low_find(cfg, owner, type);

	if (!l && !limit)
		return 0;
	if (!limit) {
		*l = cfg->low[--cfg->n_low];
		return 0;
	}
	if (!l) {
		if (cfg->n_low == STOCK_LOW_MAX)
			return -ENOSPC;
		l = &cfg->low[cfg->n_low++];
		OSMO_STRLCPY_ARRAY(l->owner, owner);
		OSMO_STRLCPY_ARRAY(l->type, type);
	}
	l->limit = limit;
	l->alarmed = false;
	return 0;
}

/* One alarm when the limit is passed, not one an order. */
static void low_check(struct stock *s, const struct stock_row *r)
{
	struct stock_low *l = r->type[0] ? low_find(s->cfg, r->owner, r->type) : NULL;
	int64_t left = l ? smdp_db_stock_left(s->db, r->owner, r->type, l->limit) : 0;

	if (!l)
		return;
	if (left < l->limit && !l->alarmed) {
		counter_inc(CTR_ALARM_STOCK);
		LOGP(DMAIN, LOGL_ERROR, "only %lld profiles of type %s of %s are left, fewer than %u\n",
		     (long long)left, l->type, l->owner, l->limit);
	}
	l->alarmed = left < l->limit;
}

/* ---------------------------------------------------------------------------------------------------------------- */

void stock_on_event(struct stock *s, stock_event_cb cb, void *priv)
{
	s->event = cb;
	s->event_priv = priv;
}

static int stock_move(struct stock *s, struct stock_row *r, enum stock_state state, const char *eid)
{
	enum stock_state from = r->state;
	int rc;

	if (state == from && !strcmp(r->eid, eid))
		return 0;
	rc = smdp_db_stock_state(s->db, r->iccid, state, eid);
	if (rc < 0)
		return rc;
	r->state = state;
	OSMO_STRLCPY_ARRAY(r->eid, eid);
	if (s->event)
		s->event(s->event_priv, r, from);
	low_check(s, r);
	return 0;
}

int stock_set(struct stock *s, const char *iccid, enum stock_state state, const char *eid)
{
	struct stock_row r;
	int rc = smdp_db_stock_get(s->db, iccid, &r);
	char old[EID_STR_SIZE];

	if (rc < 0)
		return rc;
	if (state != STOCK_AVAILABLE)
		return stock_move(s, &r, state, eid ? : "");
	state = stock_back(s->cfg, r.state);
	OSMO_STRLCPY_ARRAY(old, r.eid);
	return stock_move(s, &r, state, state == STOCK_AVAILABLE ? "" : old);
}

int stock_reuse(struct stock *s, const char *iccid)
{
	struct stock_row r;
	int rc = smdp_db_stock_get(s->db, iccid, &r);

	if (rc < 0)
		return rc;
	if (r.state != STOCK_RELEASED && r.state != STOCK_FAILED && r.state != STOCK_STUCK)
		return -EBUSY;
	return stock_move(s, &r, STOCK_AVAILABLE, "");
}
