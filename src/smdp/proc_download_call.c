/* Download: calls to the SM-SR, the timeline, the verdict and its one answer (off-card.md 5.4, 6.3).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/misc.h>

#include "proc_download_priv.h"

static const char *const step_names[] = {
	[ST(INIT)] = "accepted",
	[ST(EIS)] = "GetEIS",
	[ST(LEFTOVER)] = "DeleteISDP of an earlier try",
	[ST(PAUSE)] = "waiting",
	[ST(CREATE)] = "CreateISDP",
	[ST(CERT)] = "SendData certificate",
	[ST(KEYS)] = "SendData key establishment",
	[ST(DATA)] = "SendData profile",
	[ST(COMPLETED)] = "ProfileDownloadCompleted",
	[ST(ENABLE)] = "EnableProfile",
	[ST(ROLLBACK)] = "DeleteISDP",
};

const char *proc_download_step_name(int step)
{
	return step >= 0 && step < (int)ARRAY_SIZE(step_names) ? step_names[step] : "?";
}

void proc_download_note(struct proc_download *p, int level, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	LOG_DL(p, level, "%s\n", text);
	smdp_db_dl_note(p->env->db, p->row.id, text);
}

int64_t proc_download_left(const struct proc_download *p)
{
	int64_t left = p->row.deadline - clock_now();

	return left > 0 ? left : 0;
}

struct es_msg *proc_download_msg(struct proc_download *p, enum es_func func)
{
	struct es_msg *m = es_msg_new(p->fi, ES3, func, ES_REQUEST);

	OSMO_ASSERT(m);
	m->b.fcid = talloc_strdup(m, p->row.fcid);
	m->b.validity_s = OSMO_MAX(proc_download_left(p), 1);
	m->b.has_eid = true;
	m->b.eid = p->eid;
	OSMO_STRLCPY_ARRAY(m->b.iccid, p->row.iccid);
	return m;
}

void proc_download_tag(const struct proc_download *p, char *tag, size_t size)
{
	snprintf(tag, size, "dl:%" PRId64 ":%" PRId64, p->row.id, p->row.seq);
}

int proc_download_call(struct proc_download *p, struct es_msg *m, int64_t deadline)
{
	char tag[64];

	p->row.seq++;
	p->row.step = p->fi->state;
	proc_download_tag(p, tag, sizeof(tag));
	if (smdp_db_dl_update(p->env->db, &p->row) < 0) {
		talloc_free(m);
		return -EIO;
	}
	return es_call(p->env->link, p->row.smsr, m, tag, deadline);
}

void proc_download_verdict(struct proc_download *p, enum es_status status, enum es_reason reason, const char *message)
{
	if (p->row.status >= 0)
		return;
	p->row.status = status;
	OSMO_STRLCPY_ARRAY(p->row.subject, es_reason_subject(reason));
	OSMO_STRLCPY_ARRAY(p->row.reason, es_reason_code(reason));
	OSMO_STRLCPY_ARRAY(p->row.message, message);
	if (status == ES_EXECUTED_SUCCESS)
		return;
	proc_download_note(p, LOGL_NOTICE, "%s %s/%s: %s", es_status_name(status), p->row.subject, p->row.reason,
			   message);
}

/* The text comes from a peer: printable, bounded. */
void proc_download_verdict_relay(struct proc_download *p, enum es_status status, const struct es_result *res,
				 const char *what)
{
	char text[200];

	if (p->row.status >= 0)
		return;
	snprintf(text, sizeof(text), "%s: %.150s", what, res->message ? res->message : "no reason given");
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	p->row.status = status;
	OSMO_STRLCPY_ARRAY(p->row.subject, res->subject);
	OSMO_STRLCPY_ARRAY(p->row.reason, res->reason);
	OSMO_STRLCPY_ARRAY(p->row.message, text);
	proc_download_note(p, LOGL_NOTICE, "%s %s/%s: %s", es_status_name(status), p->row.subject, p->row.reason, text);
}

void proc_download_respond(struct proc_download *p)
{
	struct es_req *req = p->row.answered ? NULL : es_req_find(p->env->link, p->row.req);
	struct es_msg *resp;

	p->row.answered = true;
	if (!req)
		return;
	resp = es_req_response(req, p->row.status, ES_R_INTERNAL, p->row.iccid, p->row.message);
	OSMO_ASSERT(resp);
	if (p->row.status != ES_EXECUTED_SUCCESS) {
		OSMO_STRLCPY_ARRAY(resp->b.result.subject, p->row.subject);
		OSMO_STRLCPY_ARRAY(resp->b.result.reason, p->row.reason);
	}
	OSMO_STRLCPY_ARRAY(resp->b.iccid, p->row.iccid);
	if (p->response_data)
		resp->b.response_data = bytes_dup(resp, p->response_data->data, p->response_data->len);
	es_req_respond(req, resp);
	LOG_DL(p, LOGL_INFO, "ES2.DownloadProfile answered: %s\n", es_status_name(p->row.status));
}

bool proc_download_result_is(const struct es_msg *msg, enum es_reason reason)
{
	return msg && msg->b.result.status == ES_FAILED && !strcmp(msg->b.result.subject, es_reason_subject(reason)) &&
	       !strcmp(msg->b.result.reason, es_reason_code(reason));
}
