/* The record of one eUICC. eis.c is its only writer: it changes through named transitions, each of which says what the
 * card confirmed, and is on the disk with the iteration's commit (design P3).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/linuxlist.h>

#include "smsr_db.h"

#define EIS_PROFILES_MAX	64

/* In-Creation is internal: nobody is shown it (SGP.02 3.1.1). */
enum eis_pstate { EIS_PS_IN_CREATION, EIS_PS_CREATED, EIS_PS_DISABLED, EIS_PS_ENABLED };
const char *eis_pstate_name(enum eis_pstate s);

struct eis_profile {
	struct llist_head entry;
	struct es_profile_info i;	/* i.state is set when copied out; state counts */
	enum eis_pstate state;
	bool emergency;			/* attribute; the EIS has no field for it */
};

/* What is asked for often; the rest (signed part, security domains: some kB) is read when somebody wants to see it. */
struct eis_fix {
	struct eid eid;
	char eum_id[OID_STR_SIZE], smsr_id[OID_STR_SIZE];
	int64_t production_date, last_audit;
	char platform_type[101], platform_version[16], remote_provisioning_version[16];
	bool cattp, http;
	uint32_t remaining_memory, available_memory;
};

struct eis {
	struct smsr_db *db;
	char eid_str[EID_STR_SIZE];
	struct eis_fix fix;		/* what the EUM registered; memory and last_audit follow life */
	struct es_eis *reg;		/* all of it, not stored yet; NULL once it was loaded */
	struct llist_head profiles;	/* struct eis_profile.entry */
	unsigned n_profiles;
	bool declared;			/* notification 01 came */
	char imei[16];
	/* A change was sent and never reported: the record is as before, the card decides. pending_aid: what it would
	 * enable. */
	bool uncertain, audit_due;
	int64_t uncertain_since;
	int notif_seq;			/* of the newest notification, -1: none yet */
	bool notif_done;		/* and it was confirmed */
	struct aid pending_aid;
};

void eis_fix(struct eis_fix *f, const struct es_eis *src);
struct eis *eis_load(void *ctx, struct smsr_db *db, const struct eid *eid);	/* NULL: unknown */
struct eis *eis_new(void *ctx, struct smsr_db *db, const struct es_eis *src);	/* copy of a registration, not stored */
int eis_register(struct eis *eis);						/* stores it; -EEXIST */

struct eis_profile *eis_by_iccid(const struct eis *eis, const char *iccid);
struct eis_profile *eis_by_aid(const struct eis *eis, const struct aid *aid);
struct eis_profile *eis_enabled(const struct eis *eis);
struct eis_profile *eis_fallback(const struct eis *eis);
struct eis_profile *eis_emergency(const struct eis *eis);

/* CreateISDP: an ISD-P AID is chosen and the entry made In-Creation (before the command leaves). -ENOSPC: too many. */
int eis_isdp_reserve(struct eis *eis, struct eis_profile **out, const char *iccid, const char *mno_id,
		     const char *smdp_id, uint32_t memory);
int eis_isdp_created(struct eis *eis, struct eis_profile *p);			/* the card said 9000 */
int eis_profile_installed(struct eis *eis, struct eis_profile *p,
			  const struct es_body *b);				/* ProfileDownloadCompleted */
int eis_profile_removed(struct eis *eis, struct eis_profile *p);		/* the card has it no more; frees p */
/* The card says this one is enabled now; the one enabled before is Disabled. Ends uncertainty. */
int eis_profile_enabled(struct eis *eis, struct eis_profile *p);
int eis_fallback_moved(struct eis *eis, struct eis_profile *p);		/* the card has it on this one now */
int eis_emergency_moved(struct eis *eis, struct eis_profile *p);
int eis_policy_rules(struct eis *eis, struct eis_profile *p, const struct es_pol2_rule *r, size_t n);
int eis_subscription(struct eis *eis, struct eis_profile *p, const struct es_addr *addr);
/* GET STATUS: state of one profile, attributes (-1: not said) and memory as the card has them. */
int eis_profile_seen(struct eis *eis, struct eis_profile *p, enum eis_pstate state, int fallback, int emergency,
		     uint32_t allocated, uint32_t free_memory);
int eis_memory(struct eis *eis, uint32_t remaining, uint32_t available);
int eis_audited(struct eis *eis); /* all of the card was seen: certain, LastAuditDate */
int eis_declared(struct eis *eis, const char *imei);
/* A notification came. false: it is older than the newest, or was confirmed: recorded by somebody and sent again, or
 * late. fresh: it came in a session with the card's key, its number counts whatever it is. */
bool eis_notif_new(struct eis *eis, uint16_t seq, bool fresh);
void eis_notif_done(struct eis *eis, uint16_t seq);		/* the card has taken its confirmation */
int eis_notif_forget(struct eis *eis);				/* whatever comes next counts */
/* A change to aid left and nobody knows: audit due. */
int eis_uncertain(struct eis *eis, const struct aid *aid);
int eis_certain(struct eis *eis);
int eis_want_audit(struct eis *eis);

/* Everything that may be shown, without keys; iccids may narrow the profiles (policy.c says who sees what). */
struct es_eis *eis_view(const struct eis *eis, void *ctx, const char (*iccids)[ICCID_STR_SIZE], size_t n_iccids);
