/* Profile change on the card: marked by the command, done at the reset, good only once the SM-SR has confirmed the
 * notification, rolled back otherwise (SGP.02 3.2 to 3.4, 4.1.1.2, 4.1.1.3; card-side digest 9).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/core/utils.h>

#include "card_cat.h"
#include "card_db.h"
#include "card_int.h"
#include "card_notif.h"
#include "card_switch.h"

static void stage(struct card *c, enum card_sw_stage st)
{
	c->sw.stage = st;
	if (st == SW_STAGE_NONE) {
		c->sw.kind = SW_KIND_NONE;
		c->sw.from.len = c->sw.to.len = 0;
	}
	card_db_save(c);
}

static void begin(struct card *c, enum card_sw_kind kind, const struct isd_p *from, const struct isd_p *to)
{
	c->sw.kind = kind;
	c->sw.from = from->aid;
	c->sw.to = to->aid;
	stage(c, SW_STAGE_REFRESH);
}

bool card_switch_involves(const struct card *c, const struct isd_p *p)
{
	return c->sw.stage != SW_STAGE_NONE && (aid_eq(&c->sw.from, &p->aid) || aid_eq(&c->sw.to, &p->aid));
}

bool card_switch_pending(const struct card *c)
{
	return c->sw.stage == SW_STAGE_REFRESH;
}

/* --- commands --- */

uint16_t card_switch_enable(struct card *c, const struct aid *aid)
{
	struct isd_p *to = card_isdp(c, aid), *from = card_isdp_enabled(c);

	if (!to)
		return SW_NOT_FOUND;
	if (to->state != ES5_STATE_DISABLED || c->sw.stage != SW_STAGE_NONE || !from)
		return SW_CONDITIONS;
	if (from->pol1 & POL1_NO_DISABLE)
		return SW_POL1;
	begin(c, SW_KIND_ENABLE, from, to);
	return SW_OK;
}

uint16_t card_switch_disable(struct card *c, const struct aid *aid)
{
	struct isd_p *from = card_isdp(c, aid), *to = card_isdp_fallback(c);

	if (!from)
		return SW_NOT_FOUND;
	if (from->state != ES5_STATE_ENABLED || from->fallback || !to || c->sw.stage != SW_STAGE_NONE)
		return SW_CONDITIONS;
	if (from->pol1 & POL1_NO_DISABLE)
		return SW_POL1;
	begin(c, SW_KIND_DISABLE, from, to);
	return SW_OK;
}

static void refresh_cb(struct card *c, const struct bip_resp *r, void *priv)
{
	/* the terminal is busy: asked again; otherwise it resets now */
	if (r->result >= 0x20 && r->result < 0x30)
		card_switch_refresh(c);
}

void card_switch_refresh(struct card *c)
{
	struct bip_cmd cmd = { .type = BIP_REFRESH, .qualifier = BIP_REFRESH_UICC_RESET };

	if (c->sw.stage == SW_STAGE_REFRESH)
		card_cat_queue(c, &cmd, refresh_cb, NULL);
}

/* --- after the reset --- */

void card_switch_reset(struct card *c)
{
	struct isd_p *from, *to;
	char a[AID_STR_SIZE];

	if (c->sw.stage != SW_STAGE_REFRESH)
		return;
	from = card_isdp(c, &c->sw.from);
	to = card_isdp(c, &c->sw.to);
	if (!from || !to) {	/* cannot be: neither can be deleted meanwhile */
		stage(c, SW_STAGE_NONE);
		return;
	}
	from->state = ES5_STATE_DISABLED;
	to->state = ES5_STATE_ENABLED;
	card_db_isdp_save(from);
	card_db_isdp_save(to);
	card_profile_drop(from);
	/* what was to be told about the profile before is void now */
	c->notif.type = 0;
	stage(c, SW_STAGE_ATTACH);
	LOGCARD(c, LOGL_INFO, "profile %s enabled\n", aid_str(a, &to->aid));
}

void card_switch_started(struct card *c)
{
	if (c->sw.stage == SW_STAGE_ATTACH)
		card_cat_timer_start(c, CARD_TIMER_SWITCH, c->env->cfg.attach_s);
	else if (c->sw.stage == SW_STAGE_CONFIRM)
		card_cat_timer_start(c, CARD_TIMER_SWITCH, c->env->cfg.confirm_s);
	else if (c->env->cfg.fallback_s)
		card_cat_timer_start(c, CARD_TIMER_FALLBACK, c->env->cfg.fallback_s);
}

static enum notif_type notif_of(enum card_sw_kind kind)
{
	switch (kind) {
	case SW_KIND_ROLLBACK:
		return NOTIF_ROLLED_BACK;
	case SW_KIND_FALLBACK:
		return NOTIF_FALLBACK;
	default:
		return NOTIF_CHANGED;
	}
}

static void attached(struct card *c)
{
	if (c->sw.stage == SW_STAGE_ATTACH) {
		stage(c, SW_STAGE_CONFIRM);
		card_cat_timer_start(c, CARD_TIMER_SWITCH, c->env->cfg.confirm_s);
		card_notif_raise(c, notif_of(c->sw.kind));
	} else if (!c->declared) {
		c->declared = true;
		card_notif_raise(c, NOTIF_FIRST_ATTACH);
	} else if (c->notif.type) {
		c->notif.tries = 0;
		card_notif_send(c);
	}
}

void card_switch_service(struct card *c, bool normal)
{
	bool before = c->attached;

	c->attached = normal;
	if (normal == before)
		return;
	if (c->env->cfg.fallback_s && c->sw.stage == SW_STAGE_NONE) {
		if (normal)
			card_cat_timer_stop(c, CARD_TIMER_FALLBACK);
		else
			card_cat_timer_start(c, CARD_TIMER_FALLBACK, c->env->cfg.fallback_s);
	}
	if (normal)
		attached(c);
}

/* --- when it goes wrong --- */

/* Autonomous, POL1 does not count (digest 9.4). */
static void fall_back(struct card *c)
{
	struct isd_p *from = card_isdp_enabled(c), *to = card_isdp_fallback(c);

	if (!from || !to || from == to)
		return;
	LOGCARD(c, LOGL_NOTICE, "no connectivity: fall-back\n");
	begin(c, SW_KIND_FALLBACK, from, to);
	card_switch_refresh(c);
}

static void roll_back(struct card *c)
{
	struct isd_p *from = card_isdp(c, &c->sw.to), *to = card_isdp(c, &c->sw.from);

	c->notif.type = 0;
	if (!from || !to) {
		stage(c, SW_STAGE_NONE);
		return;
	}
	LOGCARD(c, LOGL_NOTICE, "profile change not completed: roll-back\n");
	begin(c, SW_KIND_ROLLBACK, from, to);
	card_switch_refresh(c);
}

/* The change has failed in its stage. A roll-back that does not attach ends in fall-back; what has been rolled or
 * fallen back is never undone for want of a confirmation. */
static void failed(struct card *c)
{
	enum card_sw_kind kind = c->sw.kind;
	bool was_attach = c->sw.stage == SW_STAGE_ATTACH;

	if (kind == SW_KIND_ENABLE || kind == SW_KIND_DISABLE) {
		roll_back(c);
		return;
	}
	if (was_attach && kind == SW_KIND_ROLLBACK && card_isdp_enabled(c) != card_isdp_fallback(c)) {
		stage(c, SW_STAGE_NONE);
		fall_back(c);
	} else if (!was_attach) {
		/* the notification stays owed */
		stage(c, SW_STAGE_NONE);
	}
}

void card_switch_timeout(struct card *c)
{
	if (c->sw.stage == SW_STAGE_ATTACH || c->sw.stage == SW_STAGE_CONFIRM)
		failed(c);
}

void card_switch_notif_failed(struct card *c)
{
	if (c->sw.stage == SW_STAGE_CONFIRM)
		failed(c);
}

void card_switch_no_service(struct card *c)
{
	if (!c->attached && c->sw.stage == SW_STAGE_NONE)
		fall_back(c);
}

/* --- confirmation --- */

/* POL1 "delete when disabled" of the profile left behind: only now, so that roll-back was possible until here. */
static void auto_delete(struct card *c, struct aid *deleted, unsigned *n)
{
	struct isd_p *old = card_isdp(c, &c->sw.from);

	if (c->sw.kind != SW_KIND_ENABLE && c->sw.kind != SW_KIND_DISABLE)
		return;
	if (!old || !(old->pol1 & POL1_AUTO_DELETE) || old->fallback)
		return;
	deleted[(*n)++] = old->aid;
	card_isdp_delete(old);
}

uint16_t card_switch_confirm(struct card *c, uint16_t seq, struct aid *deleted, unsigned *n)
{
	if (!c->notif.type || c->notif.seq != seq)
		return SW_NOT_FOUND;
	c->notif.type = 0;
	card_cat_timer_stop(c, CARD_TIMER_NOTIF);
	if (c->sw.stage == SW_STAGE_CONFIRM) {
		card_cat_timer_stop(c, CARD_TIMER_SWITCH);
		auto_delete(c, deleted, n);
		stage(c, SW_STAGE_NONE);
	} else {
		card_db_save(c);
	}
	return SW_OK;
}
