/* The slow audit of all eUICCs in the background (design P3: the record follows the card). One at a time, in the order
 * of their EIDs, round and round; only of one that nobody wants anything of, so it makes nobody wait.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "audit_bg.h"

#define LOOK_MAX 32	/* eUICCs looked at in one go; the next go goes on behind them */

struct audit_bg {
	struct euiccs *reg;
	struct audit_bg_cfg cfg;
	struct osmo_timer_list timer;
	struct eid after;
	bool has_after;
	unsigned long asked, rounds;
};

static bool wants(const struct audit_bg *bg, const struct euicc *e)
{
	return !e->active && llist_empty(&e->queue) && !e->held && !e->change_pending && !e->eis->audit_due &&
	       e->eis->fix.last_audit + (int64_t)bg->cfg.age_s <= clock_now();
}

static void ask(struct audit_bg *bg, struct euicc *e)
{
	const struct proc_want w = {
		.kind = PROC_AUDIT, .requester = PROC_PARTY_SELF, .iface = ES4, .iccid = "",
		.deadline = clock_now() + euicc_t(EUICC_T_AUDIT),
	};

	LOGP(DPROC, LOGL_INFO, "EID-%s: audit in the background\n", e->eis->eid_str);
	if (proc_request(e, &w) >= 0)
		bg->asked++;
}

/* The next one that is due, if there is one near. */
static void look(struct audit_bg *bg)
{
	struct eid eid[LOOK_MAX];
	size_t n = smsr_db_eids(bg->reg->db, bg->has_after ? &bg->after : NULL, eid, ARRAY_SIZE(eid));

	for (size_t i = 0; i < n; i++) {
		struct euicc *e = euicc_get(bg->reg, &eid[i]);

		bg->after = eid[i];
		bg->has_after = true;
		if (e && wants(bg, e)) {
			ask(bg, e);
			return;
		}
	}
	if (n < ARRAY_SIZE(eid)) {
		bg->has_after = false;
		bg->rounds++;
	}
}

static void arm(struct audit_bg *bg)
{
	if (bg->cfg.per_hour)
		osmo_timer_schedule(&bg->timer, 3600 / bg->cfg.per_hour,
				    3600 % bg->cfg.per_hour * 1000000ULL / bg->cfg.per_hour);
	else
		osmo_timer_del(&bg->timer);
}

static void timer_cb(void *data)
{
	struct audit_bg *bg = data;

	look(bg);
	arm(bg);
}

static int bg_destructor(struct audit_bg *bg)
{
	osmo_timer_del(&bg->timer);
	return 0;
}

struct audit_bg *audit_bg_new(struct euiccs *reg, const struct audit_bg_cfg *cfg)
{
	struct audit_bg *bg = talloc_zero(reg, struct audit_bg);

	OSMO_ASSERT(bg);
	bg->reg = reg;
	osmo_timer_setup(&bg->timer, timer_cb, bg);
	talloc_set_destructor(bg, bg_destructor);
	audit_bg_set(bg, cfg);
	return bg;
}

void audit_bg_set(struct audit_bg *bg, const struct audit_bg_cfg *cfg)
{
	bg->cfg = *cfg;
	arm(bg);
}

char *audit_bg_describe(const struct audit_bg *bg, void *ctx)
{
	char at[EID_STR_SIZE];

	if (!bg->cfg.per_hour)
		return talloc_strdup(ctx, "audit in the background: off");
	return talloc_asprintf(ctx, "audit in the background: %u an hour, those older than %u s; %lu asked, %lu rounds"
			       "%s%s", bg->cfg.per_hour, bg->cfg.age_s, bg->asked, bg->rounds, bg->has_after ? ", at " : "",
			       bg->has_after ? eid_str(at, &bg->after) : "");
}
