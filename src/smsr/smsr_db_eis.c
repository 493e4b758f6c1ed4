/* Statements about eUICCs and their profiles; secrets are in smsr_db_keys.c.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>

#include "eis.h"
#include "smsr_db.h"

enum {
	ST_EUICC_GET, ST_EUICC_INSERT, ST_EUICC_UPDATE, ST_PROFILES, ST_PROFILE_PUT, ST_PROFILE_DEL, ST_KEYSETS,
	ST_KEYSET_PUT, ST_EIDS, ST_BY_MSISDN, ST_MSISDN_OF, ST_AUDIT_DUE, ST_EUICC_DEL, ST_COUNT,
};

static const char *const sql[] = {
	[ST_EUICC_GET] =
		"SELECT eum_id, production_date, platform_type, platform_version, isdp_file_aid, isdp_module_aid,"
		" cattp, http, sp_version, rp_version, signed_info, signature, isdr_aid, isdr_tar, isdr_sin, isdr_sdin,"
		" ecasd_aid, ecasd_tar, ecasd_sin, ecasd_sdin, smsr_id, remaining_memory, available_memory, last_audit,"
		" declared, imei, uncertain, uncertain_since, pending_aid, audit_due, notif_seq, notif_done FROM euicc WHERE eid = ?1",
	[ST_EUICC_INSERT] =
		"INSERT INTO euicc (eid, eum_id, production_date, platform_type, platform_version, isdp_file_aid,"
		" isdp_module_aid, cattp, http, sp_version, rp_version, signed_info, signature, isdr_aid, isdr_tar,"
		" isdr_sin, isdr_sdin, ecasd_aid, ecasd_tar, ecasd_sin, ecasd_sdin, smsr_id,"
		" remaining_memory, available_memory)"
		" VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24)",
	[ST_EUICC_UPDATE] =
		"UPDATE euicc SET remaining_memory = ?2, available_memory = ?3, last_audit = ?4, declared = ?5,"
		" imei = ?6, uncertain = ?7, uncertain_since = ?8, pending_aid = ?9, audit_due = ?10,"
		" notif_seq = ?11, notif_done = ?12 WHERE eid = ?1",
	[ST_PROFILES] = "SELECT iccid, aid, mno_id, smdp_id, state, fallback, imsi, msisdn, type, allocated, free, pol2"
			" FROM profile WHERE eid = ?1 ORDER BY aid",
	[ST_PROFILE_PUT] =
		"INSERT INTO profile (eid, iccid, aid, mno_id, smdp_id, state, fallback, imsi, msisdn, type,"
		" allocated, free, pol2) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)"
		" ON CONFLICT (eid, iccid) DO UPDATE SET aid = ?3, mno_id = ?4, smdp_id = ?5, state = ?6,"
		" fallback = ?7, imsi = ?8, msisdn = ?9, type = ?10, allocated = ?11, free = ?12, pol2 = ?13",
	[ST_PROFILE_DEL] = "DELETE FROM profile WHERE eid = ?1 AND iccid = ?2",
	[ST_KEYSETS] = "SELECT sd, version, type, cntr, cert, ca_id FROM keyset WHERE eid = ?1 ORDER BY sd, version",
	[ST_KEYSET_PUT] =
		"INSERT INTO keyset (eid, sd, version, type, cntr, cert, ca_id) VALUES (?1,?2,?3,?4,?5,?6,?7)",
	[ST_EIDS] = "SELECT eid FROM euicc WHERE eid > ?1 ORDER BY eid LIMIT ?2",
	[ST_MSISDN_OF] = "SELECT msisdn FROM profile WHERE imsi = ?1 AND imsi != '' AND msisdn != '' LIMIT 1",
	[ST_BY_MSISDN] = "SELECT DISTINCT eid FROM profile WHERE msisdn = ?1 AND msisdn != '' LIMIT ?2",
	[ST_AUDIT_DUE] = "SELECT eid FROM euicc WHERE audit_due LIMIT ?1",
	[ST_EUICC_DEL] = "DELETE FROM euicc WHERE eid = ?1",	/* and by reference all that is of it */
};
osmo_static_assert(ARRAY_SIZE(sql) == ST_COUNT, each_statement_has_a_text);

int smsr_db_eis_prepare(struct smsr_db *db)
{
	db->eis = sqldb_prepare(db->sql, sql, ARRAY_SIZE(sql));
	return db->eis ? 0 : -EIO;
}

static void bind_aid(struct sqldb_stmts *s, unsigned st, int idx, const struct aid *aid)
{
	sqldb_bind_blob(s, st, idx, aid->len ? aid->b : NULL, aid->len);
}

static void col_aid(struct sqldb_stmts *s, unsigned st, int col, struct aid *aid)
{
	size_t len;
	const uint8_t *b = sqldb_col_blob(s, st, col, &len);

	*aid = (struct aid){};
	if (b && len <= sizeof(aid->b)) {
		memcpy(aid->b, b, len);
		aid->len = len;
	}
}

static size_t col_octets(struct sqldb_stmts *s, unsigned st, int col, uint8_t *out, size_t size)
{
	size_t len = 0;
	const uint8_t *b = sqldb_col_blob(s, st, col, &len);

	if (!b || len > size)
		return 0;
	memcpy(out, b, len);
	return len;
}

#define col_str(s, st, col, out) \
	snprintf(out, sizeof(out), "%s", sqldb_col_text(s, st, col) ? sqldb_col_text(s, st, col) : "")

static struct bytes *col_bytes(struct sqldb_stmts *s, unsigned st, int col, void *ctx)
{
	size_t len;
	const uint8_t *b = sqldb_col_blob(s, st, col, &len);

	return b ? bytes_dup(ctx, b, len) : NULL;
}

static void col_sd(struct sqldb_stmts *s, unsigned st, int col, struct es_sd *sd)
{
	col_aid(s, st, col, &sd->aid);
	sd->tar = sqldb_col_int(s, st, col + 1);
	sd->sin_len = col_octets(s, st, col + 2, sd->sin, sizeof(sd->sin));
	sd->sdin_len = col_octets(s, st, col + 3, sd->sdin, sizeof(sd->sdin));
}

/* POL2 as text: "SUBJECT/ACTION/QUALIFICATION;..." */
static void pol2_dec(struct es_profile_info *i, const char *text)
{
	while (text && *text && i->n_pol2 < ARRAY_SIZE(i->pol2)) {
		struct es_pol2_rule *r = &i->pol2[i->n_pol2];
		const char *end = strchr(text, ';');

		if (sscanf(text, "%15[^/;]/%15[^/;]/%15[^/;]", r->subject, r->action, r->qualification) == 3)
			i->n_pol2++;
		text = end ? end + 1 : NULL;
	}
}

static void pol2_enc(const struct es_profile_info *i, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t n = 0; n < i->n_pol2 && used < size; n++)
		used += snprintf(out + used, size - used, "%s%s/%s/%s", n ? ";" : "", i->pol2[n].subject,
				 i->pol2[n].action, i->pol2[n].qualification);
}

static int load_profiles(struct smsr_db *db, struct eis *eis)
{
	int rc;

	sqldb_bind_text(db->eis, ST_PROFILES, 1, eis->eid_str);
	while ((rc = sqldb_step(db->eis, ST_PROFILES)) == 1) {
		struct eis_profile *p = talloc_zero(eis, struct eis_profile);

		OSMO_ASSERT(p);
		col_str(db->eis, ST_PROFILES, 0, p->i.iccid);
		col_aid(db->eis, ST_PROFILES, 1, &p->i.isdp_aid);
		col_str(db->eis, ST_PROFILES, 2, p->i.mno_id);
		col_str(db->eis, ST_PROFILES, 3, p->i.smdp_id);
		p->state = sqldb_col_int(db->eis, ST_PROFILES, 4);
		p->i.fallback = sqldb_col_int(db->eis, ST_PROFILES, 5) & 1;	/* as in GET STATUS: 1, 2 */
		p->emergency = sqldb_col_int(db->eis, ST_PROFILES, 5) & 2;
		col_str(db->eis, ST_PROFILES, 6, p->i.addr.imsi);
		col_str(db->eis, ST_PROFILES, 7, p->i.addr.msisdn);
		col_str(db->eis, ST_PROFILES, 8, p->i.profile_type);
		p->i.allocated_memory = sqldb_col_int(db->eis, ST_PROFILES, 9);
		p->i.free_memory = sqldb_col_int(db->eis, ST_PROFILES, 10);
		pol2_dec(&p->i, sqldb_col_text(db->eis, ST_PROFILES, 11));
		llist_add_tail(&p->entry, &eis->profiles);
		eis->n_profiles++;
	}
	return rc;
}

static int load_keysets(struct smsr_db *db, struct es_eis *f, const char *eid_str)
{
	int rc;

	sqldb_bind_text(db->eis, ST_KEYSETS, 1, eid_str);
	while ((rc = sqldb_step(db->eis, ST_KEYSETS)) == 1) {
		const char *name = sqldb_col_text(db->eis, ST_KEYSETS, 0);
		struct es_sd *sd = name && !strcmp(name, "ECASD") ? &f->ecasd : &f->isd_r;
		struct es_keyset *ks;

		if (sd->n_keysets == ARRAY_SIZE(sd->keyset))
			continue;
		ks = &sd->keyset[sd->n_keysets++];
		ks->version = sqldb_col_int(db->eis, ST_KEYSETS, 1);
		col_str(db->eis, ST_KEYSETS, 2, ks->type);
		ks->cntr = sqldb_col_int(db->eis, ST_KEYSETS, 3);
		ks->cert = col_bytes(db->eis, ST_KEYSETS, 4, f);
		col_str(db->eis, ST_KEYSETS, 5, ks->ca_id);
	}
	return rc;
}

/* The registered part of the row in hand, without what is large. */
static void col_euicc(struct sqldb_stmts *s, struct es_eis *f)
{
	col_str(s, ST_EUICC_GET, 0, f->eum_id);
	f->production_date = sqldb_col_int(s, ST_EUICC_GET, 1);
	col_str(s, ST_EUICC_GET, 2, f->platform_type);
	col_str(s, ST_EUICC_GET, 3, f->platform_version);
	col_aid(s, ST_EUICC_GET, 4, &f->isdp_file_aid);
	col_aid(s, ST_EUICC_GET, 5, &f->isdp_module_aid);
	f->cattp = sqldb_col_int(s, ST_EUICC_GET, 6);
	f->http = sqldb_col_int(s, ST_EUICC_GET, 7);
	col_str(s, ST_EUICC_GET, 8, f->secure_packet_version);
	col_str(s, ST_EUICC_GET, 9, f->remote_provisioning_version);
	col_sd(s, ST_EUICC_GET, 12, &f->isd_r);
	col_sd(s, ST_EUICC_GET, 16, &f->ecasd);
	strcpy(f->isd_r.role, "ISD-R");
	strcpy(f->ecasd.role, "ECASD");
	col_str(s, ST_EUICC_GET, 20, f->smsr_id);
	f->remaining_memory = sqldb_col_int(s, ST_EUICC_GET, 21);
	f->available_memory = sqldb_col_int(s, ST_EUICC_GET, 22);
	f->last_audit = sqldb_col_int(s, ST_EUICC_GET, 23);
}

static void col_live(struct sqldb_stmts *s, struct eis *eis)
{
	struct es_eis f = { .eid = eis->fix.eid };

	col_euicc(s, &f);
	eis_fix(&eis->fix, &f);
	eis->fix.last_audit = f.last_audit;
	eis->declared = sqldb_col_int(s, ST_EUICC_GET, 24);
	col_str(s, ST_EUICC_GET, 25, eis->imei);
	eis->uncertain = sqldb_col_int(s, ST_EUICC_GET, 26);
	eis->uncertain_since = sqldb_col_int(s, ST_EUICC_GET, 27);
	col_aid(s, ST_EUICC_GET, 28, &eis->pending_aid);
	eis->audit_due = sqldb_col_int(s, ST_EUICC_GET, 29);
	eis->notif_seq = sqldb_col_int(s, ST_EUICC_GET, 30);
	eis->notif_done = sqldb_col_int(s, ST_EUICC_GET, 31);
}

static int find(struct smsr_db *db, char text[EID_STR_SIZE], const struct eid *eid)
{
	int rc;

	eid_str(text, eid);
	sqldb_bind_text(db->eis, ST_EUICC_GET, 1, text);
	rc = sqldb_step(db->eis, ST_EUICC_GET);
	return rc == 0 ? -ENOENT : rc < 0 ? rc : 0;
}

int smsr_db_eis_get(struct smsr_db *db, struct es_eis *out, const struct eid *eid)
{
	char text[EID_STR_SIZE];
	int rc = find(db, text, eid);

	if (rc < 0)
		return rc;
	out->eid = *eid;
	col_euicc(db->eis, out);
	out->signed_info = col_bytes(db->eis, ST_EUICC_GET, 10, out);
	out->signature = col_bytes(db->eis, ST_EUICC_GET, 11, out);
	sqldb_reset(db->eis, ST_EUICC_GET);
	return load_keysets(db, out, text);
}

int smsr_db_eis_load(struct smsr_db *db, struct eis *eis, const struct eid *eid)
{
	int rc = find(db, eis->eid_str, eid);

	if (rc < 0)
		return rc;
	eis->fix.eid = *eid;
	col_live(db->eis, eis);
	sqldb_reset(db->eis, ST_EUICC_GET);
	return load_profiles(db, eis);
}

static void bind_bytes(struct sqldb_stmts *s, unsigned st, int idx, const struct bytes *b)
{
	sqldb_bind_blob(s, st, idx, b ? b->data : NULL, b ? b->len : 0);
}

static void bind_sd(struct sqldb_stmts *s, unsigned st, int idx, const struct es_sd *sd)
{
	bind_aid(s, st, idx, &sd->aid);
	sqldb_bind_int(s, st, idx + 1, sd->tar);
	sqldb_bind_blob(s, st, idx + 2, sd->sin, sd->sin_len);
	sqldb_bind_blob(s, st, idx + 3, sd->sdin, sd->sdin_len);
}

static int insert_euicc(struct smsr_db *db, const struct eis *eis)
{
	struct sqldb_stmts *s = db->eis;
	const struct es_eis *f = eis->reg;

	sqldb_bind_text(s, ST_EUICC_INSERT, 1, eis->eid_str);
	sqldb_bind_text(s, ST_EUICC_INSERT, 2, f->eum_id);
	sqldb_bind_int(s, ST_EUICC_INSERT, 3, f->production_date);
	sqldb_bind_text(s, ST_EUICC_INSERT, 4, f->platform_type);
	sqldb_bind_text(s, ST_EUICC_INSERT, 5, f->platform_version);
	bind_aid(s, ST_EUICC_INSERT, 6, &f->isdp_file_aid);
	bind_aid(s, ST_EUICC_INSERT, 7, &f->isdp_module_aid);
	sqldb_bind_int(s, ST_EUICC_INSERT, 8, f->cattp);
	sqldb_bind_int(s, ST_EUICC_INSERT, 9, f->http);
	sqldb_bind_text(s, ST_EUICC_INSERT, 10, f->secure_packet_version);
	sqldb_bind_text(s, ST_EUICC_INSERT, 11, f->remote_provisioning_version);
	bind_bytes(s, ST_EUICC_INSERT, 12, f->signed_info);
	bind_bytes(s, ST_EUICC_INSERT, 13, f->signature);
	bind_sd(s, ST_EUICC_INSERT, 14, &f->isd_r);
	bind_sd(s, ST_EUICC_INSERT, 18, &f->ecasd);
	sqldb_bind_text(s, ST_EUICC_INSERT, 22, f->smsr_id);
	sqldb_bind_int(s, ST_EUICC_INSERT, 23, f->remaining_memory);
	sqldb_bind_int(s, ST_EUICC_INSERT, 24, f->available_memory);
	return sqldb_exec(s, ST_EUICC_INSERT);
}

static int insert_keysets(struct smsr_db *db, const struct eis *eis, const char *name, const struct es_sd *sd)
{
	int rc = 0;

	for (size_t i = 0; i < sd->n_keysets && rc == 0; i++) {
		const struct es_keyset *ks = &sd->keyset[i];

		sqldb_bind_text(db->eis, ST_KEYSET_PUT, 1, eis->eid_str);
		sqldb_bind_text(db->eis, ST_KEYSET_PUT, 2, name);
		sqldb_bind_int(db->eis, ST_KEYSET_PUT, 3, ks->version);
		sqldb_bind_text(db->eis, ST_KEYSET_PUT, 4, ks->type);
		sqldb_bind_int(db->eis, ST_KEYSET_PUT, 5, ks->cntr);
		bind_bytes(db->eis, ST_KEYSET_PUT, 6, ks->cert);
		sqldb_bind_text(db->eis, ST_KEYSET_PUT, 7, ks->ca_id);
		rc = sqldb_exec(db->eis, ST_KEYSET_PUT);
	}
	return rc;
}

int smsr_db_eis_insert(struct smsr_db *db, const struct eis *eis)
{
	struct eis_profile *p;
	int rc = eis->reg ? insert_euicc(db, eis) : -EINVAL;

	if (rc < 0)
		return rc;
	llist_for_each_entry(p, &eis->profiles, entry) {
		rc = smsr_db_profile_put(db, eis, p);
		if (rc < 0)
			return rc;
	}
	rc = insert_keysets(db, eis, "ISD-R", &eis->reg->isd_r);
	return rc < 0 ? rc : insert_keysets(db, eis, "ECASD", &eis->reg->ecasd);
}

int smsr_db_eis_delete(struct smsr_db *db, const struct eid *eid)
{
	char text[EID_STR_SIZE];

	sqldb_bind_text(db->eis, ST_EUICC_DEL, 1, eid_str(text, eid));
	return sqldb_exec(db->eis, ST_EUICC_DEL);
}

int smsr_db_eis_update(struct smsr_db *db, const struct eis *eis)
{
	struct sqldb_stmts *s = db->eis;

	sqldb_bind_text(s, ST_EUICC_UPDATE, 1, eis->eid_str);
	sqldb_bind_int(s, ST_EUICC_UPDATE, 2, eis->fix.remaining_memory);
	sqldb_bind_int(s, ST_EUICC_UPDATE, 3, eis->fix.available_memory);
	sqldb_bind_int(s, ST_EUICC_UPDATE, 4, eis->fix.last_audit);
	sqldb_bind_int(s, ST_EUICC_UPDATE, 5, eis->declared);
	sqldb_bind_text(s, ST_EUICC_UPDATE, 6, eis->imei);
	sqldb_bind_int(s, ST_EUICC_UPDATE, 7, eis->uncertain);
	sqldb_bind_int(s, ST_EUICC_UPDATE, 8, eis->uncertain_since);
	bind_aid(s, ST_EUICC_UPDATE, 9, &eis->pending_aid);
	sqldb_bind_int(s, ST_EUICC_UPDATE, 10, eis->audit_due);
	sqldb_bind_int(s, ST_EUICC_UPDATE, 11, eis->notif_seq);
	sqldb_bind_int(s, ST_EUICC_UPDATE, 12, eis->notif_done);
	return sqldb_exec(s, ST_EUICC_UPDATE);
}

int smsr_db_profile_put(struct smsr_db *db, const struct eis *eis, const struct eis_profile *p)
{
	struct sqldb_stmts *s = db->eis;
	char pol2[512];

	pol2_enc(&p->i, pol2, sizeof(pol2));
	sqldb_bind_text(s, ST_PROFILE_PUT, 1, eis->eid_str);
	sqldb_bind_text(s, ST_PROFILE_PUT, 2, p->i.iccid);
	bind_aid(s, ST_PROFILE_PUT, 3, &p->i.isdp_aid);
	sqldb_bind_text(s, ST_PROFILE_PUT, 4, p->i.mno_id);
	sqldb_bind_text(s, ST_PROFILE_PUT, 5, p->i.smdp_id);
	sqldb_bind_int(s, ST_PROFILE_PUT, 6, p->state);
	sqldb_bind_int(s, ST_PROFILE_PUT, 7, p->i.fallback | p->emergency << 1);
	sqldb_bind_text(s, ST_PROFILE_PUT, 8, p->i.addr.imsi);
	sqldb_bind_text(s, ST_PROFILE_PUT, 9, p->i.addr.msisdn);
	sqldb_bind_text(s, ST_PROFILE_PUT, 10, p->i.profile_type);
	sqldb_bind_int(s, ST_PROFILE_PUT, 11, p->i.allocated_memory);
	sqldb_bind_int(s, ST_PROFILE_PUT, 12, p->i.free_memory);
	sqldb_bind_text(s, ST_PROFILE_PUT, 13, pol2);
	return sqldb_exec(s, ST_PROFILE_PUT);
}

int smsr_db_profile_del(struct smsr_db *db, const struct eis *eis, const char *iccid)
{
	sqldb_bind_text(db->eis, ST_PROFILE_DEL, 1, eis->eid_str);
	sqldb_bind_text(db->eis, ST_PROFILE_DEL, 2, iccid);
	return sqldb_exec(db->eis, ST_PROFILE_DEL);
}

static size_t collect_eids(struct smsr_db *db, unsigned st, struct eid *out, size_t max)
{
	size_t n = 0;

	while (n < max && sqldb_step(db->eis, st) == 1) {
		const char *text = sqldb_col_text(db->eis, st, 0);

		if (text && hex_dec(out[n].b, sizeof(out[n].b), text) == (int)sizeof(out[n].b))
			n++;
	}
	sqldb_reset(db->eis, st);
	return n;
}

size_t smsr_db_eids(struct smsr_db *db, const struct eid *after, struct eid *out, size_t max)
{
	char text[EID_STR_SIZE] = "";

	if (after)
		eid_str(text, after);
	sqldb_bind_text(db->eis, ST_EIDS, 1, text);
	sqldb_bind_int(db->eis, ST_EIDS, 2, max);
	return collect_eids(db, ST_EIDS, out, max);
}

int smsr_db_msisdn_of(struct smsr_db *db, const char *imsi, char *out, size_t size)
{
	const char *text;
	int rc;

	sqldb_bind_text(db->eis, ST_MSISDN_OF, 1, imsi);
	rc = sqldb_step(db->eis, ST_MSISDN_OF);
	text = rc == 1 ? sqldb_col_text(db->eis, ST_MSISDN_OF, 0) : NULL;
	osmo_strlcpy(out, text ? text : "", size);
	sqldb_reset(db->eis, ST_MSISDN_OF);
	return rc < 0 ? rc : text ? 0 : -ENOENT;
}

size_t smsr_db_eids_by_msisdn(struct smsr_db *db, const char *msisdn, struct eid *out, size_t max)
{
	sqldb_bind_text(db->eis, ST_BY_MSISDN, 1, msisdn);
	sqldb_bind_int(db->eis, ST_BY_MSISDN, 2, max);
	return collect_eids(db, ST_BY_MSISDN, out, max);
}

size_t smsr_db_eids_audit_due(struct smsr_db *db, struct eid *out, size_t max)
{
	sqldb_bind_int(db->eis, ST_AUDIT_DUE, 1, max);
	return collect_eids(db, ST_AUDIT_DUE, out, max);
}
