/* What proc_download.c (the states) and proc_download_call.c (calls, notes, verdict) share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/fsm.h>
#include <osmocom/core/logging.h>
#include <osmocom/rsp/util/logging.h>

#include "es8_session.h"
#include "proc_download.h"

/* Stored in download.step: numbers never change their meaning. */
enum proc_download_step {
	PROC_DOWNLOAD_ST_INIT = 0,
	PROC_DOWNLOAD_ST_EIS = 1,		/* ES3.GetEIS */
	PROC_DOWNLOAD_ST_LEFTOVER = 2,		/* ES3.DeleteISDP of an earlier try (5a) */
	PROC_DOWNLOAD_ST_PAUSE = 3,		/* the SM-SR is busy with this eUICC */
	PROC_DOWNLOAD_ST_CREATE = 4,		/* ES3.CreateISDP */
	PROC_DOWNLOAD_ST_CERT = 5,		/* ES3.SendData: CERT.DP, answer RC */
	PROC_DOWNLOAD_ST_KEYS = 6,		/* ES3.SendData: ePK, answer receipt */
	PROC_DOWNLOAD_ST_DATA = 7,		/* ES3.SendData: SCP03t, several times */
	PROC_DOWNLOAD_ST_COMPLETED = 8,		/* ES3.ProfileDownloadCompleted */
	PROC_DOWNLOAD_ST_ENABLE = 9,		/* ES3.EnableProfile */
	PROC_DOWNLOAD_ST_ROLLBACK = 10,		/* ES3.DeleteISDP after a failure (3.1.4) */
};

#define ST(name) PROC_DOWNLOAD_ST_ ## name

enum proc_download_event { PROC_DOWNLOAD_EV_ANSWER };

struct proc_download_answer {		/* data of the event */
	const struct es_msg *msg;	/* NULL: none came */
	const char *why;
};

struct proc_download {
	struct llist_head entry;
	struct proc_download_env *env;
	struct osmo_fsm_inst *fi;
	struct dl_row row;		/* as on disk */
	struct eid eid;
	struct es8_session *es8;	/* from CREATE's answer to the last segment's */
	uint8_t ecasd_q[EC_POINT_LEN];
	char leftover[ICCID_STR_SIZE];
	unsigned leftovers;		/* deleted in a row */
	unsigned lost;			/* tries that ended with 1.6/5.4 since our start */
	bool was_stuck;			/* the stock says an earlier try may have left this profile on the card */
	bool resumed;			/* the state being entered has its call under way already */
	bool stale;			/* that call was ours before a restart and its keys are gone: begin anew */
	struct bytes *response_data;	/* what the card said last, for the requester */
};

#define LOG_DL(p, level, fmt, args...) LOGP(DPROC, level, "download#%lld EID-89..%s: " fmt, (long long)(p)->row.id, \
					    (p)->row.eid + 22, ## args)

struct proc_download *proc_download_new(struct proc_download_env *env, const struct dl_row *row);
void proc_download_enter(struct proc_download *p, int st);
/* One line for the log and the timeline. */
void proc_download_note(struct proc_download *p, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int64_t proc_download_left(const struct proc_download *p);	/* seconds of validity, at least 0 */
/* ES3 request with EID and remaining validity in it. */
struct es_msg *proc_download_msg(struct proc_download *p, enum es_func func);
/* Row first, then the call, in one transaction. m is taken over. */
int proc_download_call(struct proc_download *p, struct es_msg *m, int64_t deadline);
void proc_download_tag(const struct proc_download *p, char *tag, size_t size);
/* The verdict, the first one counts. reason as a pair; relay: the SM-SR's own words. */
void proc_download_verdict(struct proc_download *p, enum es_status status, enum es_reason reason, const char *message);
void proc_download_verdict_relay(struct proc_download *p, enum es_status status, const struct es_result *res,
				 const char *what);
/* Tell the requester, once. */
void proc_download_respond(struct proc_download *p);
bool proc_download_result_is(const struct es_msg *msg, enum es_reason reason);

/* proc_download_end.c. After each of these, and after answer_ok() said false, p may be gone. */
void proc_download_done(struct proc_download *p,
			enum stock_state stock); /* the verdict stands, nothing is left to do */
void proc_download_fail(struct proc_download *p, enum es_reason reason, const char *message);
void proc_download_expired(struct proc_download *p, const char *what);
/* What every answer has in common: true when the function was carried out. Otherwise the way out has been taken. */
bool proc_download_answer_ok(struct proc_download *p, const struct proc_download_answer *a);
