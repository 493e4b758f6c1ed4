/* Turn the loop until a condition holds or time is up. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/select.h>
#include <osmocom/core/timer.h>

#include <osmocom/rsp/util/sqldb.h>

static inline void loop_tick(void *data)
{
	osmo_timer_schedule(data, 0, 2000);
}

static inline int64_t loop_now_ms(void)
{
	struct timespec ts;

	osmo_clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static inline void loop_once(struct sqldb *db)
{
	osmo_select_main_ctx(0);
	if (db)
		txn_commit(db);
}

#define LOOP_UNTIL(db, ms, cond) ({ \
		struct osmo_timer_list tick_ = {}; \
		int64_t end_ = loop_now_ms() + (ms); \
		osmo_timer_setup(&tick_, loop_tick, &tick_); \
		loop_tick(&tick_); \
		while (!(cond) && loop_now_ms() < end_) \
			loop_once(db); \
		osmo_timer_del(&tick_); \
		(cond); })
#define LOOP_FOR(db, ms) LOOP_UNTIL(db, ms, false)
