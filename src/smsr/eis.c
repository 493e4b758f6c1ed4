/* The record of one eUICC: kept in memory while the eUICC is live, written through. Only named transitions change it,
 * each called on what the card confirmed (design P3, style 1.2).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "eis.h"

#define LOG_EIS(eis, level, fmt, args...) LOGP(DEIS, level, "EID-%s: " fmt, (eis)->eid_str, ##args)

#define ISDP_FIRST	0x0010	/* SGP.02 Annex H: ISD-P instances */
#define ISDP_LAST	0xFFFF

const char *eis_pstate_name(enum eis_pstate s)
{
	static const char *const names[] = { "In-Creation", "Created", "Disabled", "Enabled" };

	return (unsigned)s < ARRAY_SIZE(names) ? names[s] : "?";
}

static struct eis *eis_alloc(void *ctx, struct smsr_db *db)
{
	struct eis *eis = talloc_zero(ctx, struct eis);

	OSMO_ASSERT(eis);
	eis->db = db;
	INIT_LLIST_HEAD(&eis->profiles);
	return eis;
}

struct eis *eis_load(void *ctx, struct smsr_db *db, const struct eid *eid)
{
	struct eis *eis = eis_alloc(ctx, db);

	if (smsr_db_eis_load(db, eis, eid) < 0) {
		talloc_free(eis);
		return NULL;
	}
	return eis;
}

static struct bytes *dup_bytes(void *ctx, const struct bytes *b)
{
	return b ? bytes_dup(ctx, b->data, b->len) : NULL;
}

static void own_sd(struct eis *eis, struct es_sd *sd)
{
	for (size_t i = 0; i < sd->n_keysets; i++) {
		struct es_keyset *ks = &sd->keyset[i];

		ks->cert = dup_bytes(eis, ks->cert);
		memset(ks->key, 0, sizeof(ks->key));	/* key values go sealed into smsr_db_keys.c and nowhere else */
		ks->n_keys = 0;
	}
}

static void own_reg(struct eis *eis, const struct es_eis *src)
{
	struct es_eis *r = eis->reg = talloc(eis, struct es_eis);

	OSMO_ASSERT(r);
	*r = *src;
	r->profile = NULL;
	r->n_profiles = 0;
	r->audit = NULL;
	r->n_audit = 0;
	r->has_audit = false;
	r->props = NULL;		/* stored apart */
	r->n_props = 0;
	r->last_audit = 0;
	r->signed_info = dup_bytes(eis, src->signed_info);
	r->signature = dup_bytes(eis, src->signature);
	own_sd(eis, &r->ecasd);
	own_sd(eis, &r->isd_r);
}

void eis_fix(struct eis_fix *f, const struct es_eis *src)
{
	*f = (struct eis_fix){
		.eid = src->eid, .production_date = src->production_date, .cattp = src->cattp, .http = src->http,
		.remaining_memory = src->remaining_memory, .available_memory = src->available_memory,
	};
	OSMO_STRLCPY_ARRAY(f->eum_id, src->eum_id);
	OSMO_STRLCPY_ARRAY(f->smsr_id, src->smsr_id);
	OSMO_STRLCPY_ARRAY(f->platform_type, src->platform_type);
	OSMO_STRLCPY_ARRAY(f->platform_version, src->platform_version);
	OSMO_STRLCPY_ARRAY(f->remote_provisioning_version, src->remote_provisioning_version);
}

struct eis *eis_new(void *ctx, struct smsr_db *db, const struct es_eis *src)
{
	struct eis *eis = eis_alloc(ctx, db);

	own_reg(eis, src);
	eis_fix(&eis->fix, src);
	eis->notif_seq = -1;
	eid_str(eis->eid_str, &src->eid);
	for (size_t i = 0; i < src->n_profiles && i < EIS_PROFILES_MAX; i++) {
		struct eis_profile *p = talloc_zero(eis, struct eis_profile);

		OSMO_ASSERT(p);
		p->i = src->profile[i];
		p->state = src->profile[i].state == ES_PS_ENABLED ? EIS_PS_ENABLED :
			   src->profile[i].state == ES_PS_DISABLED ? EIS_PS_DISABLED : EIS_PS_CREATED;
		llist_add_tail(&p->entry, &eis->profiles);
		eis->n_profiles++;
	}
	return eis;
}

int eis_register(struct eis *eis)
{
	int rc = smsr_db_eis_insert(eis->db, eis);

	if (rc == 0)
		LOG_EIS(eis, LOGL_NOTICE, "registered by EUM %s, %u profile(s)\n", eis->fix.eum_id, eis->n_profiles);
	return rc;
}

struct eis_profile *eis_by_iccid(const struct eis *eis, const char *iccid)
{
	struct eis_profile *p;

	llist_for_each_entry(p, &eis->profiles, entry)
		if (!strcmp(p->i.iccid, iccid))
			return p;
	return NULL;
}

struct eis_profile *eis_by_aid(const struct eis *eis, const struct aid *aid)
{
	struct eis_profile *p;

	llist_for_each_entry(p, &eis->profiles, entry)
		if (aid->len && aid_eq(&p->i.isdp_aid, aid))
			return p;
	return NULL;
}

struct eis_profile *eis_enabled(const struct eis *eis)
{
	struct eis_profile *p;

	llist_for_each_entry(p, &eis->profiles, entry)
		if (p->state == EIS_PS_ENABLED)
			return p;
	return NULL;
}

struct eis_profile *eis_fallback(const struct eis *eis)
{
	struct eis_profile *p;

	llist_for_each_entry(p, &eis->profiles, entry)
		if (p->i.fallback)
			return p;
	return NULL;
}

struct eis_profile *eis_emergency(const struct eis *eis)
{
	struct eis_profile *p;

	llist_for_each_entry(p, &eis->profiles, entry)
		if (p->emergency)
			return p;
	return NULL;
}

static int put(struct eis *eis, struct eis_profile *p, enum eis_pstate state)
{
	LOG_EIS(eis, LOGL_INFO, "profile %s: %s -> %s\n", p->i.iccid, eis_pstate_name(p->state),
		eis_pstate_name(state));
	p->state = state;
	return smsr_db_profile_put(eis->db, eis, p);
}

static int choose_aid(const struct eis *eis, struct aid *aid)
{
	for (unsigned n = ISDP_FIRST; n <= ISDP_LAST; n++) {
		aid_isdp(aid, n);
		if (!eis_by_aid(eis, aid))
			return 0;
	}
	return -ENOSPC;
}

int eis_isdp_reserve(struct eis *eis, struct eis_profile **out, const char *iccid, const char *mno_id,
		     const char *smdp_id, uint32_t memory)
{
	struct eis_profile *p;
	struct aid aid;

	if (eis->n_profiles >= EIS_PROFILES_MAX || choose_aid(eis, &aid) < 0)
		return -ENOSPC;
	p = talloc_zero(eis, struct eis_profile);
	OSMO_ASSERT(p);
	p->i.isdp_aid = aid;
	p->i.allocated_memory = memory;
	OSMO_STRLCPY_ARRAY(p->i.iccid, iccid);
	OSMO_STRLCPY_ARRAY(p->i.mno_id, mno_id);
	OSMO_STRLCPY_ARRAY(p->i.smdp_id, smdp_id);
	llist_add_tail(&p->entry, &eis->profiles);
	eis->n_profiles++;
	*out = p;
	return put(eis, p, EIS_PS_IN_CREATION);
}

int eis_isdp_created(struct eis *eis, struct eis_profile *p)
{
	uint32_t m = p->i.allocated_memory;

	eis->fix.available_memory -= OSMO_MIN(m, eis->fix.available_memory);
	eis->fix.remaining_memory -= OSMO_MIN(m, eis->fix.remaining_memory);
	smsr_db_eis_update(eis->db, eis);
	return put(eis, p, EIS_PS_CREATED);
}

int eis_profile_installed(struct eis *eis, struct eis_profile *p, const struct es_body *b)
{
	if (b->has_addr)
		p->i.addr = b->addr;
	if (b->profile_type[0])
		OSMO_STRLCPY_ARRAY(p->i.profile_type, b->profile_type);
	p->i.n_pol2 = b->has_pol2 ? b->n_pol2 : 0;
	memcpy(p->i.pol2, b->pol2, sizeof(p->i.pol2));
	return put(eis, p, EIS_PS_DISABLED);
}

int eis_profile_removed(struct eis *eis, struct eis_profile *p)
{
	int rc = smsr_db_profile_del(eis->db, eis, p->i.iccid);

	LOG_EIS(eis, LOGL_NOTICE, "profile %s: removed\n", p->i.iccid);
	if (p->state != EIS_PS_IN_CREATION) {
		eis->fix.available_memory += p->i.allocated_memory;
		eis->fix.remaining_memory += p->i.allocated_memory;
		smsr_db_eis_update(eis->db, eis);
	}
	llist_del(&p->entry);
	eis->n_profiles--;
	talloc_free(p);
	return rc;
}

int eis_profile_enabled(struct eis *eis, struct eis_profile *p)
{
	struct eis_profile *before = eis_enabled(eis);

	if (before && before != p)
		put(eis, before, EIS_PS_DISABLED);	/* first: the table has room for one enabled profile */
	if (p->state != EIS_PS_ENABLED)
		put(eis, p, EIS_PS_ENABLED);
	return eis_certain(eis);
}

int eis_fallback_moved(struct eis *eis, struct eis_profile *p)
{
	struct eis_profile *old = eis_fallback(eis);

	LOG_EIS(eis, LOGL_NOTICE, "profile %s: has the fall-back attribute now\n", p->i.iccid);
	if (old && old != p) {
		old->i.fallback = false;
		smsr_db_profile_put(eis->db, eis, old);
	}
	p->i.fallback = true;
	return smsr_db_profile_put(eis->db, eis, p);
}

int eis_emergency_moved(struct eis *eis, struct eis_profile *p)
{
	struct eis_profile *old = eis_emergency(eis);

	LOG_EIS(eis, LOGL_NOTICE, "profile %s: is the emergency profile now\n", p->i.iccid);
	if (old && old != p) {
		old->emergency = false;
		smsr_db_profile_put(eis->db, eis, old);
	}
	p->emergency = true;
	return smsr_db_profile_put(eis->db, eis, p);
}

int eis_policy_rules(struct eis *eis, struct eis_profile *p, const struct es_pol2_rule *r, size_t n)
{
	p->i.n_pol2 = OSMO_MIN(n, ARRAY_SIZE(p->i.pol2));
	memcpy(p->i.pol2, r, p->i.n_pol2 * sizeof(*r));
	return smsr_db_profile_put(eis->db, eis, p);
}

int eis_subscription(struct eis *eis, struct eis_profile *p, const struct es_addr *addr)
{
	p->i.addr = *addr;
	return smsr_db_profile_put(eis->db, eis, p);
}

int eis_profile_seen(struct eis *eis, struct eis_profile *p, enum eis_pstate state, int fallback, int emergency,
		     uint32_t allocated, uint32_t free_memory)
{
	if (p->state != state)
		LOG_EIS(eis, LOGL_NOTICE, "the card has profile %s as %s, the record had %s\n", p->i.iccid,
			eis_pstate_name(state), eis_pstate_name(p->state));
	if (fallback >= 0)
		p->i.fallback = fallback;
	if (emergency >= 0)
		p->emergency = emergency;
	if (allocated)
		p->i.allocated_memory = allocated;
	if (free_memory)
		p->i.free_memory = free_memory;
	return put(eis, p, state);
}

int eis_memory(struct eis *eis, uint32_t remaining, uint32_t available)
{
	eis->fix.remaining_memory = remaining;
	eis->fix.available_memory = available;
	return smsr_db_eis_update(eis->db, eis);
}

int eis_audited(struct eis *eis)
{
	eis->fix.last_audit = clock_now();
	return eis_certain(eis);
}

int eis_declared(struct eis *eis, const char *imei)
{
	eis->declared = true;
	if (imei && *imei)
		OSMO_STRLCPY_ARRAY(eis->imei, imei);
	return smsr_db_eis_update(eis->db, eis);
}

/* All the protection there is on SMS: the packet has no counter (ota-transport 1.9). Numbers wrap. */
bool eis_notif_new(struct eis *eis, uint16_t seq, bool fresh)
{
	int d = eis->notif_seq < 0 ? 1 : (int16_t)(seq - eis->notif_seq);

	if (!fresh && (d < 0 || (d == 0 && eis->notif_done)))
		return false;
	if (d) {
		eis->notif_seq = seq;
		eis->notif_done = false;
		smsr_db_eis_update(eis->db, eis);
	}
	return true;
}

void eis_notif_done(struct eis *eis, uint16_t seq)
{
	if (eis->notif_seq != seq || eis->notif_done)
		return;
	eis->notif_done = true;
	smsr_db_eis_update(eis->db, eis);
}

int eis_notif_forget(struct eis *eis)
{
	eis->notif_seq = -1;
	eis->notif_done = false;
	return smsr_db_eis_update(eis->db, eis);
}

int eis_uncertain(struct eis *eis, const struct aid *aid)
{
	eis->uncertain = eis->audit_due = true;
	counter_inc(CTR_ALARM_UNCERTAIN);
	eis->uncertain_since = clock_now();
	eis->pending_aid = aid ? *aid : (struct aid){};
	LOG_EIS(eis, LOGL_NOTICE, "state uncertain, audit due\n");
	return smsr_db_eis_update(eis->db, eis);
}

int eis_certain(struct eis *eis)
{
	eis->uncertain = eis->audit_due = false;
	eis->uncertain_since = 0;
	eis->pending_aid = (struct aid){};
	return smsr_db_eis_update(eis->db, eis);
}

int eis_want_audit(struct eis *eis)
{
	eis->audit_due = true;
	return smsr_db_eis_update(eis->db, eis);
}

static bool view_shows(const struct eis_profile *p, const char (*iccids)[ICCID_STR_SIZE], size_t n_iccids)
{
	for (size_t i = 0; i < n_iccids; i++)
		if (!strcmp(iccids[i], p->i.iccid))
			return true;
	return n_iccids == 0;
}

struct es_eis *eis_view(const struct eis *eis, void *ctx, const char (*iccids)[ICCID_STR_SIZE], size_t n_iccids)
{
	struct es_eis *v = talloc_zero(ctx, struct es_eis);
	struct eis_profile *p;

	OSMO_ASSERT(v);
	smsr_db_eis_get(eis->db, v, &eis->fix.eid);
	memset(v->isd_r.keyset, 0, sizeof(v->isd_r.keyset));	/* AID, TAR, SIN, SDIN */
	v->isd_r.n_keysets = 0;
	v->n_props = smsr_db_props_get(eis->db, v, &eis->fix.eid, &v->props);
	v->profile = talloc_zero_array(v, struct es_profile_info, OSMO_MAX(eis->n_profiles, 1));
	OSMO_ASSERT(v->profile);
	llist_for_each_entry(p, &eis->profiles, entry) {
		if (!view_shows(p, iccids, n_iccids))
			continue;
		v->profile[v->n_profiles] = p->i;
		v->profile[v->n_profiles++].state = p->state == EIS_PS_ENABLED ? ES_PS_ENABLED :
						    p->state == EIS_PS_DISABLED ? ES_PS_DISABLED : ES_PS_CREATED;
	}
	return v;
}
