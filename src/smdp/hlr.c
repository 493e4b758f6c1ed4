/* The outbox to OsmoHLR. A wish is a row, written in the transaction that changed the profile; it is carried out once
 * that is on disk, and goes away when OsmoHLR has answered to every command what it answers when it worked. Commands
 * may be repeated: a subscriber that is there already is as good as a new one.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "hlr.h"
#include "hlr_link.h"

struct hlr {
	const struct hlr_cfg *cfg;
	struct smdp_db *db;
	struct stock *stock;
	struct hlr_link *link;
	struct osmo_timer_list timer;
	void (*done)(void *priv, const char *iccid);
	void *done_priv;

	bool busy;			/* a command is under way, of this row */
	struct hlr_row row;
	struct hlr_subscriber sub;
	enum hlr_step step;
	unsigned link_fails;		/* in a row */
	char trouble[HLR_WHY_SIZE];
};

void hlr_cfg_default(struct hlr_cfg *c)
{
	*c = (struct hlr_cfg){
		.port = 4258, .ind_bitlen = -1, .timeout_s = 5, .retry_min_s = 1, .retry_max_s = 300, .refusals = 10,
		.queue_max = 10000, .hold_s = 10,
	};
}

static void schedule(struct hlr *h, int64_t at)
{
	int64_t wait = at - clock_now();

	osmo_timer_schedule(&h->timer, OSMO_MAX(wait, 0), 0);
}

static int64_t back_off(const struct hlr *h, unsigned fails)
{
	uint64_t s = (uint64_t)h->cfg->retry_min_s << OSMO_MIN(fails ? fails - 1 : 0, 20);

	return clock_now() + OSMO_MIN(s, h->cfg->retry_max_s);
}

/* One wish ------------------------------------------------------------------------------------------------------- */

static void hlr_end(struct hlr *h)
{
	secret_wipe(&h->sub, sizeof(h->sub));
	h->busy = false;
	osmo_timer_schedule(&h->timer, 0, 0);
}

static void hlr_done(struct hlr *h)
{
	struct hlr_row now;

	counter_inc(CTR_HLR_DONE);
	LOGP(DMAIN, LOGL_INFO, "OsmoHLR: subscriber IMSI %s of ICCID %s %s\n", h->sub.imsi, h->row.iccid,
	     h->row.present ? "is there" : "is removed");
	if (smdp_db_hlr_get(h->db, h->row.iccid, &now) == 0 && now.present == h->row.present)
		smdp_db_hlr_del(h->db, h->row.iccid);	/* no other wish has come meanwhile */
	h->link_fails = 0;
	h->trouble[0] = '\0';
	if (h->done && h->row.present)
		h->done(h->done_priv, h->row.iccid);
	hlr_end(h);
}

/* OsmoHLR does not want this one: the others go on. */
static void hlr_refused(struct hlr *h, const char *why)
{
	struct hlr_row *r = &h->row;

	counter_inc(CTR_HLR_RETRY);
	r->tries++;
	r->dead = r->tries >= h->cfg->refusals;
	r->next = back_off(h, r->tries);
	OSMO_STRLCPY_ARRAY(r->message, why);
	LOGP(DMAIN, r->dead ? LOGL_ERROR : LOGL_NOTICE, "OsmoHLR: ICCID %s: %s%s\n", r->iccid, why,
	     r->dead ? "; given up" : "");
	if (r->dead)
		counter_inc(CTR_ALARM_HLR);
	smdp_db_hlr_save(h->db, r);
	if (r->dead && h->done)
		h->done(h->done_priv, r->iccid);
	hlr_end(h);
}

/* Nobody is reached: everything waits. */
static void hlr_unreachable(struct hlr *h, const char *why)
{
	counter_inc(CTR_HLR_RETRY);
	if (!h->link_fails || strcmp(h->trouble, why))
		LOGP(DMAIN, LOGL_ERROR, "%s; it is tried again\n", why);
	h->link_fails++;
	OSMO_STRLCPY_ARRAY(h->trouble, why);
	hlr_end(h);
	schedule(h, back_off(h, h->link_fails));
}

static void hlr_say(struct hlr *h)
{
	char cmd[HLR_CMD_SIZE];

	if (hlr_cmd(cmd, h->step, &h->sub) == -ENODATA) {
		hlr_done(h);	/* without a K of ours there is no authentication data to tell */
		return;
	}
	hlr_link_cmd(h->link, h->cfg->ip, h->cfg->port, h->cfg->timeout_s, cmd);
	secret_wipe(cmd, sizeof(cmd));
}

static void hlr_answered(void *priv, const char *answer, const char *why)
{
	struct hlr *h = priv;
	char text[HLR_WHY_SIZE];

	if (!answer) {
		hlr_unreachable(h, why);
		return;
	}
	if (hlr_answer(h->step, &h->sub, answer, text) < 0) {
		hlr_refused(h, text);
		return;
	}
	if (h->step == HLR_STEP_DELETE || h->step == HLR_STEP_AUC) {
		hlr_done(h);
		return;
	}
	h->step++;
	hlr_say(h);
}

static int hlr_subscriber_load(struct hlr *h)
{
	struct stock_auth x;
	struct stock_row r;

	h->sub = (struct hlr_subscriber){ .algo = h->cfg->algo, .ind_bitlen = h->cfg->ind_bitlen };
	if (stock_get(h->stock, h->row.iccid, &r) < 0 || !r.imsi[0])
		return -ENOENT;
	OSMO_STRLCPY_ARRAY(h->sub.imsi, r.imsi);
	OSMO_STRLCPY_ARRAY(h->sub.msisdn, r.msisdn);
	if (!h->row.present)
		return 0;
	if (stock_auth_get(h->stock, h->row.iccid, &x) < 0)
		return -EIO;
	if (x.algo == UPP_ALGO_TUAK)
		return -ENOTSUP;
	h->sub.has_k = x.k_len;
	h->sub.has_opc = x.opc_len;
	memcpy(h->sub.k, x.k, sizeof(h->sub.k));
	memcpy(h->sub.opc, x.opc, sizeof(h->sub.opc));
	if (h->sub.algo == HLR_ALGO_AUTO && x.algo == UPP_ALGO_XOR)
		h->sub.algo = HLR_ALGO_XOR;
	secret_wipe(&x, sizeof(x));
	return 0;
}

static void hlr_begin(struct hlr *h)
{
	int rc = hlr_subscriber_load(h);

	h->busy = true;
	if (rc < 0) {
		hlr_refused(h, rc == -ENOENT ? "the profile has no IMSI" :
			  rc == -ENOTSUP ? "OsmoHLR does not know TUAK" : "its keys cannot be unsealed");
		return;
	}
	h->step = h->row.present ? HLR_STEP_CREATE : HLR_STEP_DELETE;
	hlr_say(h);
}

static void pump(void *data)
{
	struct hlr *h = data;

	if (h->busy || !h->cfg->ip)
		return;
	if (smdp_db_hlr_next(h->db, &h->row) < 0)
		hlr_link_close(h->link);	/* nothing to say: OsmoHLR has few VTY connections */
	else if (h->row.next > clock_now())
		schedule(h, h->row.next);
	else
		hlr_begin(h);
}

/* ---------------------------------------------------------------------------------------------------------------- */

static int hlr_free(struct hlr *h)
{
	osmo_timer_del(&h->timer);
	return 0;
}

struct hlr *hlr_new(void *ctx, const struct hlr_cfg *cfg, struct smdp_db *db, struct stock *stock)
{
	struct hlr *h = talloc_zero(ctx, struct hlr);

	OSMO_ASSERT(h);
	h->cfg = cfg;
	h->db = db;
	h->stock = stock;
	h->link = hlr_link_new(h, hlr_answered, h);
	osmo_timer_setup(&h->timer, pump, h);
	talloc_set_destructor(h, hlr_free);
	return h;
}

void hlr_on_done(struct hlr *h, void (*cb)(void *priv, const char *iccid), void *priv)
{
	h->done = cb;
	h->done_priv = priv;
}

/* One that waits already only changes its mind: the queue is no longer than before. */
static bool room(struct hlr *h, const char *iccid)
{
	struct hlr_row old;

	return smdp_db_hlr_count(h->db, false) < h->cfg->queue_max ||
	       (smdp_db_hlr_get(h->db, iccid, &old) == 0 && !old.dead);
}

static void wish(struct hlr *h, const struct stock_row *r, bool present)
{
	if (!r->imsi[0])
		return;
	if (!room(h, r->iccid)) {
		counter_inc(CTR_HLR_FULL);
		LOGP(DMAIN, LOGL_ERROR, "OsmoHLR is not told of ICCID %s: %u wait already\n", r->iccid,
		     h->cfg->queue_max);
		return;
	}
	smdp_db_hlr_put(h->db, r->iccid, present, clock_now());
	if (!h->busy && !h->link_fails)
		osmo_timer_schedule(&h->timer, 0, 0);	/* when this transaction is on disk */
}

/* With someone, or on the way to someone. */
static bool out(enum stock_state s)
{
	return s == STOCK_RESERVED || s == STOCK_BOUND || s == STOCK_STUCK || s == STOCK_DOWNLOADED ||
	       s == STOCK_ENABLED;
}

void hlr_event(void *priv, const struct stock_row *r, enum stock_state from)
{
	struct hlr *h = priv;
	bool on_card = r->state == STOCK_DOWNLOADED || r->state == STOCK_ENABLED;
	bool was_on_card = from == STOCK_DOWNLOADED || from == STOCK_ENABLED;

	if (!h->cfg->ip)
		return;
	if (h->cfg->when == HLR_WHEN_ORDERED ? out(r->state) && !out(from) : on_card && !was_on_card)
		wish(h, r, true);
	else if (out(from) && !out(r->state) && !h->cfg->keep)
		wish(h, r, false);
}

bool hlr_pending(struct hlr *h, const char *iccid)
{
	struct hlr_row r;

	return h->cfg->ip && smdp_db_hlr_get(h->db, iccid, &r) == 0 && !r.dead && r.present;
}

void hlr_apply(struct hlr *h)
{
	h->link_fails = 0;
	if (!h->busy)
		hlr_link_close(h->link);
	osmo_timer_schedule(&h->timer, 0, 0);
}

int hlr_retry(struct hlr *h)
{
	int n = smdp_db_hlr_again(h->db, clock_now());

	hlr_apply(h);
	return n;
}

int hlr_sync(struct hlr *h)
{
	int n = h->cfg->ip ? smdp_db_hlr_put_all(h->db, clock_now(), h->cfg->queue_max) : -ENOTCONN;

	hlr_apply(h);
	return n;
}

const char *hlr_trouble(struct hlr *h)
{
	return h->link_fails ? h->trouble : "";
}
