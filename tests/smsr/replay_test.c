/* What was recorded and is sent again changes nothing: notifications by SMS, which have no counter (ota-transport 1.9);
 * and our own counters never come again, not after kill -9, not from a restored copy of the database (P5,
 * corrections 22).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/misc.h>

#include "flow.h"

static unsigned long long old(void)
{
	return counter_get(CTR_NOTIF_OLD);
}

static void enable_op(unsigned seq)
{
	flow_ask(ES4, ES_FN_ENABLE_PROFILE, OP, ICCID_OP, 720);
	flow_card("23029000");
	flow_notif(2, seq, ICCID_OP);
	flow_card("23029000");
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_ENABLED);
}

static void old_notifications(void **state)
{
	unsigned sent;

	btw("rolled back once, then enabled");
	flow_notif(3, 6, ICCID_BOOT);
	flow_card("23029000");
	enable_op(7);
	sent = flow.n_sent;
	btw("the roll-back is sent again: it would make the record wrong");
	flow_notif(3, 6, ICCID_BOOT);
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_ENABLED);
	assert_int_equal(old(), 1);
	btw("so is the change, which was confirmed");
	flow_notif(2, 7, ICCID_OP);
	assert_int_equal(old(), 2);
	assert_int_equal(flow.n_sent, sent);
	btw("a new one counts, and repeats itself until it is confirmed");
	flow_notif(5, 8, ICCID_BOOT);
	assert_int_equal(flow_state(ICCID_BOOT), EIS_PS_ENABLED);
	assert_int_equal(flow.n_sent, sent + 1);
	flow_outcome(CARD_NO_ANSWER);
	flow_notif(5, 8, ICCID_BOOT);
	assert_int_equal(flow.n_sent, sent + 2);
	flow_card("23029000");
	assert_int_equal(old(), 2);
	btw("the record keeps the number over a restart");
	flow_restart();
	flow_notif(2, 7, ICCID_OP);
	assert_int_equal(old(), 3);
	assert_int_equal(flow_state(ICCID_BOOT), EIS_PS_ENABLED);
}

static void numbers_wrap(void **state)
{
	btw("FFFF, 0, and no way back");
	flow_notif(5, 0xFFFF, ICCID_BOOT);
	flow_card("23029000");
	enable_op(0);
	flow_notif(5, 0xFFFF, ICCID_BOOT);
	assert_int_equal(flow_state(ICCID_OP), EIS_PS_ENABLED);
	btw("in a session with the card's key it counts whatever its number is");
	flow_notif_by(5, 0xFFFE, ICCID_BOOT, "HTTPS");
	assert_int_equal(flow_state(ICCID_BOOT), EIS_PS_ENABLED);
}

/* --- counters ----------------------------------------------------------------------------------------------------- */

#define TAKEN 50

static struct smsr_db *reopen(const char *path, struct keystore *ks)
{
	struct smsr_db *db = smsr_db_open(NULL, path, ks);

	assert_non_null(db);
	return db;
}

static uint64_t take(struct smsr_db *db)
{
	uint64_t c = 0;

	assert_int_equal(smsr_db_counter_next(db, &flow.e->eis->fix.eid, 1, false, &c), 0);
	return c;
}

/* Each counter is told only after its commit, as a packet is; then the process dies. */
static void child(const char *path, struct keystore *ks, int fd)
{
	struct smsr_db *db = reopen(path, ks);

	for (int i = 0; i < TAKEN; i++) {
		uint64_t c = take(db);

		txn_commit(db->sql);
		if (write(fd, &c, sizeof(c)) != sizeof(c))
			_exit(1);
	}
	take(db);	/* not committed, not told */
	raise(SIGKILL);
}

static uint64_t killed_run(const char *path, struct keystore *ks, uint64_t last)
{
	uint64_t c;
	int p[2], status;
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (pid == 0)
		child(path, ks, p[1]);
	close(p[1]);
	for (int i = 0; i < TAKEN; i++) {
		assert_int_equal(read(p[0], &c, sizeof(c)), sizeof(c));
		assert_true(c > last);
		last = c;
	}
	close(p[0]);
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	return last;
}

static void copy(const char *to, const char *from)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), "cp %s %s && rm -f %s-wal %s-shm", from, to, to, to);
	assert_int_equal(system(cmd), 0);
}

static void counters_never_again(void **state)
{
	char dir[] = "/tmp/replay_test.XXXXXX", path[64], saved[64], cmd[80];
	struct es_eis *v = talloc_zero(flow.root, struct es_eis);
	struct smsr_db *db;
	uint64_t last = 0;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/db", dir);
	snprintf(saved, sizeof(saved), "%s/saved", dir);
	db = reopen(path, flow.db->ks);
	assert_int_equal(smsr_db_eis_get(flow.db, v, &flow.e->eis->fix.eid), 0);
	assert_int_equal(smsr_db_eis_insert(db, eis_new(v, db, v)), 0);
	txn_commit(db->sql);
	last = take(db);
	txn_commit(db->sql);
	assert_int_equal(sqldb_backup(path, saved), 0);		/* while it is open */
	assert_true(sqldb_backup(path, saved) < 0);	/* nothing is overwritten */
	smsr_db_close(db);
	btw("killed five times");
	for (int i = 0; i < 5; i++)
		last = killed_run(path, flow.db->ks, last);
	btw("the copy of the beginning is put back, two seconds later");
	copy(path, saved);
	clock_override((flow.now + 2) * 1000);
	db = reopen(path, flow.db->ks);
	assert_true(take(db) > last);
	smsr_db_close(db);
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	assert_int_equal(system(cmd), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, flow_setup, flow_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(old_notifications), T(numbers_wrap), T(counters_never_again) };

	counters_init(talloc_named_const(NULL, 0, "counters"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
