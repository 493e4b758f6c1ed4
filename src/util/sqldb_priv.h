/* What sqldb.c and txn.c share: the connection and its transaction.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <sqlite3.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/rsp/util/sqldb.h>

struct sqldb {
	sqlite3 *h;
	struct llist_head stmts;	/* struct sqldb_stmts.entry */
	struct llist_head queue;	/* struct txn_item.entry: after the commit */
	bool read_only;
	bool in_txn;
	bool in_event;			/* between txn_event_begin() and _end() */
	bool savepoint;			/* the event has written: its SAVEPOINT is open */
	bool broken;			/* a write did not happen: what memory believes is not on disk */
	bool committing;		/* callbacks run: nobody may write */
};

/* Called before a statement that writes: opens transaction and, inside an event, its savepoint. 0 or -EIO. */
int txn_will_write(struct sqldb *db);
void txn_close(struct sqldb *db);
