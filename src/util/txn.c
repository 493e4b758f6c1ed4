/* One transaction per loop iteration, then what was queued: "commit, then speak" (design.md P1). The only COMMIT.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>

#include "sqldb_priv.h"

struct txn_item {
	struct llist_head entry;
	txn_cb cb;
	void *data;
	bool event;	/* queued by the event that is under way: goes when it is undone */
};

static unsigned long txn_commits;

static int txn_sql(struct sqldb *db, const char *sql)
{
	char *err = NULL;
	int rc = sqlite3_exec(db->h, sql, NULL, NULL, &err);

	if (rc != SQLITE_OK)
		LOGP(DDB, LOGL_ERROR, "%s: %s\n", sql, err ? err : sqlite3_errmsg(db->h));
	sqlite3_free(err);
	return rc == SQLITE_OK ? 0 : -EIO;
}

int txn_will_write(struct sqldb *db)
{
	OSMO_ASSERT(!db->committing);	/* an after-commit callback only hands over */
	if (!db->in_txn) {
		if (txn_sql(db, "BEGIN IMMEDIATE") < 0)
			return -EIO;
		db->in_txn = true;
	}
	if (db->in_event && !db->savepoint) {
		if (txn_sql(db, "SAVEPOINT event") < 0)
			return -EIO;
		db->savepoint = true;
	}
	return 0;
}

void txn_after_commit(struct sqldb *db, txn_cb cb, void *data)
{
	struct txn_item *i = talloc_zero(db, struct txn_item);

	OSMO_ASSERT(i);
	i->cb = cb;
	i->data = data;
	i->event = db->in_event;
	llist_add_tail(&i->entry, &db->queue);
}

static void txn_drop(struct txn_item *i)
{
	llist_del(&i->entry);
	talloc_free(i);
}

void txn_forget(struct sqldb *db, void *data)
{
	struct txn_item *i, *tmp;

	llist_for_each_entry_safe(i, tmp, &db->queue, entry)
		if (i->data == data)
			txn_drop(i);
}

void txn_event_begin(struct sqldb *db)
{
	OSMO_ASSERT(!db->in_event);
	db->in_event = true;
	db->savepoint = false;
}

void txn_event_end(struct sqldb *db, int keep)
{
	struct txn_item *i, *tmp;

	OSMO_ASSERT(db->in_event);
	if (db->savepoint && !keep)
		OSMO_ASSERT(txn_sql(db, "ROLLBACK TO event") == 0);
	if (db->savepoint)
		txn_sql(db, "RELEASE event");
	db->in_event = db->savepoint = false;
	llist_for_each_entry_safe(i, tmp, &db->queue, entry) {
		if (i->event && !keep)
			txn_drop(i);
		else
			i->event = false;
	}
}

/* The queue is emptied even if a callback queues more (a transfer that fails at once): those run in this turn too. */
static void txn_run_queue(struct sqldb *db)
{
	while (!llist_empty(&db->queue)) {
		struct txn_item *i = llist_first_entry(&db->queue, struct txn_item, entry);
		txn_cb cb = i->cb;
		void *data = i->data;

		txn_drop(i);
		txn_crash_point("send");
		cb(data);
	}
}

void txn_commit(struct sqldb *db)
{
	if (db->in_event)
		txn_event_end(db, 1);
	if (db->in_txn || db->broken) {
		if (db->broken || txn_sql(db, "COMMIT") < 0) {
			LOGP(DDB, LOGL_FATAL, "cannot commit: what was decided would be lost, giving up\n");
			exit(3);
		}
		db->in_txn = false;
		txn_commits++;
		txn_crash_point("commit");
	}
	db->committing = true;
	txn_run_queue(db);
	db->committing = false;
}

void txn_close(struct sqldb *db)
{
	struct txn_item *i, *tmp;

	llist_for_each_entry_safe(i, tmp, &db->queue, entry)
		txn_drop(i);
	if (db->in_txn)
		txn_sql(db, "ROLLBACK");
	db->in_txn = db->in_event = db->savepoint = false;
}

unsigned long txn_count(void)
{
	return txn_commits;
}

void txn_crash_point(const char *what)
{
	static unsigned long count;
	const char *at = getenv("RSP_CRASH_AT");

	if (!at || ++count != strtoul(at, NULL, 10))
		return;
	LOGP(DDB, LOGL_NOTICE, "RSP_CRASH_AT=%s reached at a %s\n", at, what);
	raise(SIGKILL);
}
