/* The live eUICC: lock, hold, route to the card (design P2, corrections 2, 5, 21).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "euicc.h"
#include "grants.h"

#define LOG_EUICC(e, level, fmt, args...) LOGP(DPROC, level, "EID-%s: " fmt, (e)->eis->eid_str, ##args)
#define AUDIT_WAIT_MAX	3600

struct osmo_tdef euicc_tdefs[] = {
	{.T = EUICC_T_HOLD, .default_val = 60, .desc = "A download without a call holds the eUICC this long"},
	{.T = EUICC_T_ROLLBACK, .default_val = 900, .desc = "After this a change nobody reported has been rolled back"},
	{.T = EUICC_T_COMMAND, .default_val = 120, .desc = "Longest wait for a card's answer to one command"},
	{.T = EUICC_T_RETRY, .default_val = 5, .desc = "Pause when nothing could be sent to the card"},
	{.T = EUICC_T_AUDIT, .default_val = 300, .desc = "Validity of an audit the SM-SR starts by itself"},
	{.T = EUICC_T_AUDIT_RETRY, .default_val = 60, .desc = "First pause before an audit is tried again; doubles"},
	{.T = EUICC_T_GRACE, .default_val = 15, .desc = "A card that executed a change has begun it by then"},
	{}};

static __attribute__((constructor)) void on_dso_load_euicc(void)
{
	osmo_tdefs_reset(euicc_tdefs);
}

unsigned long euicc_t(int T)
{
	return osmo_tdef_get(euicc_tdefs, T, OSMO_TDEF_S, 60);
}

struct euiccs *euiccs_new(void *ctx, struct smsr_db *db)
{
	struct euiccs *reg = talloc_zero(ctx, struct euiccs);

	OSMO_ASSERT(reg);
	reg->db = db;
	reg->grants = grants_new(reg, db);
	reg->default_validity_s = 720;
	reg->live_max = EUICC_LIVE_MAX;
	INIT_LLIST_HEAD(&reg->procs);
	for (unsigned i = 0; i < EUICC_BUCKETS; i++)
		INIT_LLIST_HEAD(&reg->bucket[i]);
	return reg;
}

static struct llist_head *bucket(struct euiccs *reg, const struct eid *eid)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < sizeof(eid->b); i++)
		h = (h ^ eid->b[i]) * 16777619u;
	return &reg->bucket[h % EUICC_BUCKETS];
}

static void hold_timer_cb(void *data)
{
	struct euicc *e = data;

	if (e->active) {	/* not idle: looked at again when the procedure ends */
		osmo_timer_schedule(&e->hold_timer, euicc_t(EUICC_T_HOLD), 0);
		return;
	}
	LOG_EUICC(e, LOGL_NOTICE, "download of %s by %s: no call for too long, hold ends\n", e->hold.iccid,
		  e->hold.party);
	euicc_hold_end(e);
	if (e->reg->wake)
		e->reg->wake(e);
}

static void audit_timer_cb(void *data)
{
	struct euicc *e = data;

	if (e->reg->wake)
		e->reg->wake(e);
}

static int euicc_destructor(struct euicc *e)
{
	osmo_timer_del(&e->hold_timer);
	osmo_timer_del(&e->audit_timer);
	llist_del(&e->entry);
	e->reg->live--;
	return 0;
}

struct euicc *euicc_live(struct euiccs *reg, const struct eid *eid)
{
	struct euicc *e;

	llist_for_each_entry(e, bucket(reg, eid), entry)
		if (!memcmp(&e->eis->fix.eid, eid, sizeof(*eid)))
			return e;
	return NULL;
}

static void load_hold(struct euicc *e)
{
	int64_t left;

	if (smsr_db_hold_get(e->reg->db, &e->eis->fix.eid, &e->hold) < 0)
		return;
	e->held = true;
	left = e->hold.until - clock_now();
	osmo_timer_schedule(&e->hold_timer, OSMO_MAX(left, 0), 0);
}

struct euicc *euicc_get(struct euiccs *reg, const struct eid *eid)
{
	struct euicc *e = euicc_live(reg, eid);

	if (e)
		return e;
	e = talloc_zero(reg, struct euicc);
	OSMO_ASSERT(e);
	e->reg = reg;
	e->eis = eis_load(e, reg->db, eid);
	if (!e->eis) {
		talloc_free(e);
		return NULL;
	}
	smsr_db_bearer_get(reg->db, eid, &e->learned, &e->set);
	INIT_LLIST_HEAD(&e->queue);
	e->notif_seq = -1;
	osmo_timer_setup(&e->hold_timer, hold_timer_cb, e);
	osmo_timer_setup(&e->audit_timer, audit_timer_cb, e);
	llist_add(&e->entry, bucket(reg, eid));
	reg->live++;
	talloc_set_destructor(e, euicc_destructor);
	if (e->eis->uncertain) {
		e->change_pending = true;
		e->change_to = e->eis->pending_aid;
	}
	euicc_route(e);
	load_hold(e);
	euicc_audit_arm(e);
	return e;
}

static bool idle(const struct euicc *e)
{
	return !e->active && llist_empty(&e->queue) && !e->held && !e->refs && !e->eis->audit_due &&
	       !e->change_pending &&
	       !(e->reg->cards && card_session_exists(e->reg->cards, &e->eis->fix.eid));	/* points to our keys */
}

void euiccs_trim(struct euiccs *reg)
{
	struct euicc *e, *tmp;

	for (unsigned i = 0; i < EUICC_BUCKETS && reg->live > reg->live_max; i++)
		llist_for_each_entry_safe(e, tmp, &reg->bucket[i], entry)
			if (idle(e))
				talloc_free(e);
}

int euicc_lock(struct euicc *e, struct proc *p)
{
	if (e->active)
		return -EBUSY;
	e->active = p;
	return 0;
}

void euicc_unlock(struct euicc *e, struct proc *p)
{
	if (e->active == p)
		e->active = NULL;
}

void euicc_hold(struct euicc *e, const char *party, const char *iccid)
{
	unsigned long idle_s = euicc_t(EUICC_T_HOLD);

	OSMO_STRLCPY_ARRAY(e->hold.party, party);
	OSMO_STRLCPY_ARRAY(e->hold.iccid, iccid);
	e->hold.until = clock_now() + idle_s;
	e->held = true;
	smsr_db_hold_put(e->reg->db, &e->eis->fix.eid, &e->hold);
	osmo_timer_schedule(&e->hold_timer, idle_s, 0);
}

void euicc_hold_end(struct euicc *e)
{
	e->chain_open = false;
	if (!e->held)
		return;
	e->held = false;
	osmo_timer_del(&e->hold_timer);
	smsr_db_hold_put(e->reg->db, &e->eis->fix.eid, NULL);
	if (e->reg->cards)
		card_session_release(e->reg->cards, &e->eis->fix.eid);
}

bool euicc_hold_admits(struct euicc *e, const char *party, enum es_iface iface, const char *iccid)
{
	return !e->held || (iface == ES3 && !strcmp(e->hold.party, party) && !strcmp(e->hold.iccid, iccid));
}

void euicc_change_begin(struct euicc *e, const struct aid *to)
{
	e->change_pending = true;
	e->change_to = *to;
	e->heard[0] = '\0';
	euicc_route(e);
}

void euicc_change_acked(struct euicc *e)
{
	const struct eis_profile *p = eis_by_aid(e->eis, &e->change_to);

	if (p && p->i.addr.msisdn[0])
		OSMO_STRLCPY_ARRAY(e->heard, p->i.addr.msisdn);
	euicc_route(e);
}

void euicc_change_end(struct euicc *e)
{
	e->change_pending = false;
	e->heard[0] = '\0';
	euicc_route(e);
}

void euicc_heard(struct euicc *e, const char *msisdn)
{
	OSMO_STRLCPY_ARRAY(e->heard, msisdn);
	euicc_route(e);
}

static bool own_number(const struct euicc *e, const char *msisdn)
{
	const struct eis_profile *p;

	llist_for_each_entry(p, &e->eis->profiles, entry)
		if (!strcmp(p->i.addr.msisdn, msisdn))
			return true;
	return false;
}

/* Where the card was last heard from, if that can be: a number of its own, or any while a change is pending or there is
 * no other; else as the record says (corrections 21). */
const char *euicc_route(struct euicc *e)
{
	const struct eis_profile *p = eis_enabled(e->eis);
	const char *nr = p ? p->i.addr.msisdn : "";

	if (e->heard[0] && (e->change_pending || !nr[0] || own_number(e, e->heard)))
		nr = e->heard;
	OSMO_STRLCPY_ARRAY(e->msisdn, nr);
	return e->msisdn;
}

static int load_keys(struct euicc *e)
{
	const struct eid *eid = &e->eis->fix.eid;

	if (e->kic && e->kid)
		return 0;
	e->scp80_kvn = smsr_db_keyset_pick(e->reg->db, eid, 0x01, 0x0F, NULL);
	if (!e->scp80_kvn)
		return -ENOENT;
	e->kic = smsr_db_key_get(e->reg->db, e, eid, e->scp80_kvn, 1);
	e->kid = smsr_db_key_get(e->reg->db, e, eid, e->scp80_kvn, 2);
	e->scp81_kvn = smsr_db_keyset_pick(e->reg->db, eid, 0x40, 0x4F, &e->scp81_kid);
	return e->kic && e->kid ? 0 : -ENOENT;
}

int euicc_card_info(struct euicc *e, struct card_info *info)
{
	const struct eis_profile *p = eis_enabled(e->eis);

	if (load_keys(e) < 0) {
		LOG_EUICC(e, LOGL_ERROR, "no usable SCP80 keyset, the card cannot be reached\n");
		return -ENOENT;
	}
	*info = (struct card_info){
		.eid = e->eis->fix.eid,
		.msisdn = euicc_route(e),
		.scp80_kvn = e->scp80_kvn,
		.kic = e->kic,
		.kid = e->kid,
		.scp81_kvn = e->scp81_kvn,
		.scp81_kid = e->scp81_kid,
		.https = e->eis->fix.http && e->scp81_kvn,
		.cattp = e->eis->fix.cattp,
		.spi1 = e->set.spi1, .spi2 = e->set.spi2, .compact = e->set.compact, .indefinite = e->set.indefinite,
		.n_order = e->set.n_order, .learned = e->learned,
	};
	memcpy(info->order, e->set.order, sizeof(info->order));
	if (p && e->reg->packet_data)
		e->reg->packet_data(e->reg->packet_data_priv, p->i.mno_id, &info->apn, &info->login, &info->password);
	return 0;
}

int euicc_psk(struct euicc *e, uint8_t kvn, uint8_t kid, uint8_t *psk, size_t size)
{
	struct key *k;
	size_t len;

	if (kvn < 0x40 || kvn > 0x4F)
		return -ENOENT;
	k = smsr_db_key_get(e->reg->db, e, &e->eis->fix.eid, kvn, kid);
	if (!k || key_type(k) != KEY_TYPE_PSK || key_len(k) > size) {
		talloc_free(k);
		return -ENOENT;
	}
	len = key_export(k, psk, size);
	talloc_free(k);
	return len ? (int)len : -ENOENT;
}

bool euicc_audit_ready(const struct euicc *e)
{
	return e->eis->audit_due && !osmo_timer_pending(&e->audit_timer);
}

bool euicc_uncertain_within(const struct euicc *e, int T)
{
	return e->eis->uncertain && e->eis->uncertain_since + (int64_t)euicc_t(T) > clock_now();
}

/* A card that says the other profile is not enabled has not executed the change, will not any more (our question has
 * the higher counter), or has rolled back: that can be asked early. "Enabled" proves nothing until the roll-back window
 * is over (corrections 5, proc_audit.c). */
void euicc_audit_arm(struct euicc *e)
{
	int64_t in = euicc_t(EUICC_T_RETRY);

	if (!e->eis->audit_due || osmo_timer_pending(&e->audit_timer))
		return;
	if (e->eis->uncertain)
		in = e->eis->uncertain_since + (int64_t)euicc_t(EUICC_T_GRACE) - clock_now();
	osmo_timer_schedule(&e->audit_timer, OSMO_MAX(in, 1), 0);
}

void euicc_audit_failed(struct euicc *e)
{
	e->audit_wait = e->audit_wait ? OSMO_MIN(e->audit_wait * 2, AUDIT_WAIT_MAX) : euicc_t(EUICC_T_AUDIT_RETRY);
	osmo_timer_schedule(&e->audit_timer, e->audit_wait, 0);
}

void euicc_audit_soon(struct euicc *e)
{
	if (!e->eis->audit_due || e->active || euicc_uncertain_within(e, EUICC_T_ROLLBACK))
		return;
	osmo_timer_schedule(&e->audit_timer, 1, 0);
}
