/* Schema of the simulator's state file; text i brings user_version i to i + 1.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

static const char *const card_db_schema[] = {
	"CREATE TABLE batch (id INTEGER PRIMARY KEY, upp BLOB NOT NULL, smsc TEXT NOT NULL, number TEXT NOT NULL,"
	" host TEXT NOT NULL, ip TEXT NOT NULL, port INTEGER NOT NULL, uri TEXT NOT NULL);"
	"CREATE TABLE ci (batch INTEGER NOT NULL REFERENCES batch(id), q BLOB NOT NULL, ski BLOB NOT NULL);"
	"CREATE TABLE card (eid TEXT PRIMARY KEY, batch INTEGER NOT NULL REFERENCES batch(id), imei TEXT NOT NULL,"
	" memory INTEGER NOT NULL, ecasd_sk BLOB NOT NULL, ecasd_cert BLOB NOT NULL, powered INTEGER NOT NULL DEFAULT "
	"0,"
	" smsr_number TEXT, smsr_host TEXT, smsr_ip TEXT, smsr_uri TEXT, smsr_port INTEGER,"
	" seq INTEGER NOT NULL DEFAULT 0, declared INTEGER NOT NULL DEFAULT 0,"
	" n_type INTEGER NOT NULL DEFAULT 0, n_seq INTEGER NOT NULL DEFAULT 0,"
	" sw_kind INTEGER NOT NULL DEFAULT 0, sw_stage INTEGER NOT NULL DEFAULT 0, sw_from BLOB, sw_to BLOB) WITHOUT "
	"ROWID;"
	"CREATE TABLE sdkey (eid TEXT NOT NULL, kvn INTEGER NOT NULL, kid INTEGER NOT NULL, type INTEGER NOT NULL,"
	" key BLOB NOT NULL, PRIMARY KEY (eid, kvn, kid)) WITHOUT ROWID;"
	"CREATE TABLE cntr (eid TEXT NOT NULL, kvn INTEGER NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (eid, kvn))"
	" WITHOUT ROWID;"
	"CREATE TABLE isdp (eid TEXT NOT NULL, aid BLOB NOT NULL, state INTEGER NOT NULL, fallback INTEGER NOT NULL,"
	" granted INTEGER NOT NULL DEFAULT 0, used INTEGER NOT NULL DEFAULT 0, pol1 INTEGER NOT NULL DEFAULT 0,"
	" iccid TEXT NOT NULL DEFAULT '', conn BLOB, kvn INTEGER NOT NULL DEFAULT 0, enc BLOB, mac BLOB, dek BLOB,"
	" scp03 INTEGER NOT NULL DEFAULT 0, token BLOB, token_id INTEGER NOT NULL DEFAULT 0, sin BLOB, sdin BLOB,"
	" provider BLOB, sqn INTEGER NOT NULL DEFAULT 0, package BLOB, saved INTEGER NOT NULL DEFAULT 0, PRIMARY KEY "
	"(eid, aid));"
	"CREATE TABLE perso (eid TEXT NOT NULL, aid BLOB NOT NULL, iccid TEXT NOT NULL, imsi TEXT NOT NULL,"
	" msisdn TEXT NOT NULL, k BLOB NOT NULL, opc BLOB NOT NULL, PRIMARY KEY (eid, aid)) WITHOUT ROWID;",
	"ALTER TABLE card ADD COLUMN cattp INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE batch ADD COLUMN dns TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE batch ADD COLUMN dns_port INTEGER NOT NULL DEFAULT 53;",
	"ALTER TABLE card ADD COLUMN smsr_dns TEXT;"
	"ALTER TABLE card ADD COLUMN smsr_dns_port INTEGER;"
	"ALTER TABLE card ADD COLUMN smsr_retries INTEGER;"	/* NULL, -1: no retry policy is stored */
	"ALTER TABLE card ADD COLUMN smsr_retry_s INTEGER;",
};
