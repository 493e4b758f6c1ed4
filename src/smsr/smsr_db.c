/* The SM-SR's database: schema and opening (design 4). One text per version; a step is one transaction.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/es/es_link.h>
#include <osmocom/rsp/util/logging.h>

#include "json_db.h"
#include "smsr_db.h"

static const char *const schema[] = {
	"CREATE TABLE euicc ("
	" eid TEXT PRIMARY KEY NOT NULL, eum_id TEXT NOT NULL, production_date INTEGER NOT NULL,"
	" platform_type TEXT NOT NULL, platform_version TEXT NOT NULL,"
	" isdp_file_aid BLOB, isdp_module_aid BLOB,"
	" cattp INTEGER NOT NULL, http INTEGER NOT NULL, sp_version TEXT NOT NULL, rp_version TEXT NOT NULL,"
	" signed_info BLOB, signature BLOB,"
	" isdr_aid BLOB, isdr_tar INTEGER, isdr_sin BLOB, isdr_sdin BLOB,"
	" ecasd_aid BLOB, ecasd_tar INTEGER, ecasd_sin BLOB, ecasd_sdin BLOB,"
	" smsr_id TEXT NOT NULL,"
	" remaining_memory INTEGER NOT NULL, available_memory INTEGER NOT NULL,"
	" last_audit INTEGER NOT NULL DEFAULT 0, declared INTEGER NOT NULL DEFAULT 0, imei TEXT NOT NULL DEFAULT '',"
	" uncertain INTEGER NOT NULL DEFAULT 0, uncertain_since INTEGER NOT NULL DEFAULT 0,"
	" pending_aid BLOB, audit_due INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX euicc_audit_due ON euicc(eid) WHERE audit_due;"
	"CREATE TABLE profile ("
	" eid TEXT NOT NULL REFERENCES euicc(eid) ON DELETE CASCADE, iccid TEXT NOT NULL, aid BLOB NOT NULL,"
	" mno_id TEXT NOT NULL, smdp_id TEXT NOT NULL, state INTEGER NOT NULL, fallback INTEGER NOT NULL,"
	" imsi TEXT NOT NULL, msisdn TEXT NOT NULL, type TEXT NOT NULL,"
	" allocated INTEGER NOT NULL, free INTEGER NOT NULL, pol2 TEXT NOT NULL,"
	" PRIMARY KEY (eid, iccid));"
	"CREATE UNIQUE INDEX profile_aid ON profile(eid, aid);"
	"CREATE UNIQUE INDEX profile_enabled ON profile(eid) WHERE state = 3;"
	"CREATE INDEX profile_msisdn ON profile(msisdn) WHERE msisdn != '';"
	"CREATE TABLE keyset ("
	" eid TEXT NOT NULL REFERENCES euicc(eid) ON DELETE CASCADE, sd TEXT NOT NULL, version INTEGER NOT NULL,"
	" type TEXT NOT NULL, cntr INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0, cert BLOB, ca_id TEXT NOT NULL,"
	" PRIMARY KEY (eid, sd, version));"
	"CREATE TABLE key ("
	" eid TEXT NOT NULL REFERENCES euicc(eid) ON DELETE CASCADE, version INTEGER NOT NULL, kid INTEGER NOT NULL,"
	" type INTEGER NOT NULL, sealed BLOB NOT NULL, kcv BLOB NOT NULL, PRIMARY KEY (eid, version, kid));"
	"CREATE TABLE transport_key (eum_id TEXT PRIMARY KEY NOT NULL, sealed BLOB NOT NULL, kcv BLOB NOT NULL);"
	"CREATE TABLE procedure ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, eid TEXT NOT NULL, kind INTEGER NOT NULL, iccid TEXT NOT NULL, aid "
	"BLOB,"
	" requester TEXT NOT NULL, role INTEGER NOT NULL, iface INTEGER NOT NULL, req_id INTEGER NOT NULL,"
	" state INTEGER NOT NULL, step INTEGER NOT NULL, sent INTEGER NOT NULL, acked INTEGER NOT NULL,"
	" seq INTEGER NOT NULL, started INTEGER NOT NULL, deadline INTEGER NOT NULL, outcome TEXT NOT NULL);"
	/* P2: at most one procedure is active per eUICC, and the database says so. */
	"CREATE UNIQUE INDEX procedure_active ON procedure(eid) WHERE state = 1;"
	"CREATE INDEX procedure_open ON procedure(id) WHERE state < 2;"
	"CREATE INDEX procedure_eid ON procedure(eid, id);"
	"CREATE TABLE euicc_hold (eid TEXT PRIMARY KEY NOT NULL REFERENCES euicc(eid) ON DELETE CASCADE,"
	" party TEXT NOT NULL, iccid TEXT NOT NULL, until INTEGER NOT NULL);"
	"CREATE TABLE audit ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, who TEXT, eid TEXT NOT NULL, proc_id INTEGER,"
	" procedure TEXT NOT NULL, operation TEXT NOT NULL, outcome TEXT, card TEXT);"
	"CREATE INDEX audit_eid ON audit(eid, id);"
	"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'append only'); END;"
	"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'append only'); END;",
	es_link_schema,
	smsr_db_grant_schema,
	smsr_db_bearer_schema,
	es_link_schema_2,
	"ALTER TABLE euicc ADD COLUMN notif_seq INTEGER NOT NULL DEFAULT -1;"
	"ALTER TABLE euicc ADD COLUMN notif_done INTEGER NOT NULL DEFAULT 0;",
	"CREATE INDEX profile_imsi ON profile(imsi) WHERE imsi != '';",
	smsr_db_audit_schema,
	json_db_schema,
};

static struct smsr_db *db_open(void *ctx, const char *path, struct keystore *ks, bool read_only)
{
	struct smsr_db *db = talloc_zero(ctx, struct smsr_db);

	if (!db)
		return NULL;
	db->ks = ks;
	if ((read_only ? sqldb_open_read(&db->sql, db, path, ARRAY_SIZE(schema)) :
			 sqldb_open(&db->sql, db, path, schema, ARRAY_SIZE(schema))) < 0 || smsr_db_eis_prepare(db) < 0 ||
	    smsr_db_keys_prepare(db) < 0 || smsr_db_proc_prepare(db) < 0 || smsr_db_grant_prepare(db) < 0 ||
	    smsr_db_bearer_prepare(db) < 0 || smsr_db_audit_prepare(db) < 0) {
		LOGP(DDB, LOGL_FATAL, "cannot use the database %s\n", path);
		talloc_free(db);
		return NULL;
	}
	return db;
}

struct smsr_db *smsr_db_open(void *ctx, const char *path, struct keystore *ks)
{
	return db_open(ctx, path, ks, false);
}

struct smsr_db *smsr_db_open_read(void *ctx, const char *path, struct keystore *ks)
{
	return db_open(ctx, path, ks, true);
}

void smsr_db_close(struct smsr_db *db)
{
	if (!db)
		return;
	sqldb_close(db->sql);
	talloc_free(db);
}
