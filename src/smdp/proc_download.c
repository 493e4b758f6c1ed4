/* Download and installation (SGP.02 3.1, off-card.md 6.3), one FSM from ES2.DownloadProfile to its answer:
 *
 *	EIS -> [LEFTOVER -> EIS] -> CREATE -> CERT -> KEYS -> DATA.. -> COMPLETED -> [ENABLE] -> done
 *	any failure once an ISD-P may exist -> ROLLBACK -> done
 *
 * Each call is stored with its step before it leaves; a restart finds the call in the outbox under its first
 * MessageID and waits for its answer. The SCP03 keys do not survive: from CREATE to DATA that answer only ends the
 * old try, and the clean-up of the next one (5a) deletes the ISD-P (corrections 11). A timer is the validity
 * period, nothing else: at its end the requester hears EXPIRED at once (corrections 5) and the ISD-P goes.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/es8_cmd.h>
#include <osmocom/rsp/util/misc.h>

#include "eis_check.h"
#include "proc_download_priv.h"

#define PAUSE_S		2	/* the SM-SR was busy with this eUICC, or lost its session with it */
#define LEFTOVERS_MAX	8
#define PAUSE_MAX_S	60
#define PAUSE_DOUBLINGS	5
#define SCRIPT_MAX	(1U << 20)

/* Each lost session makes the next pause longer. */
static unsigned long pause_s(const struct proc_download *p)
{
	return OSMO_MIN((unsigned long)PAUSE_S << OSMO_MIN(p->lost, PAUSE_DOUBLINGS), PAUSE_MAX_S);
}

/* Every state but the two below waits as long as the validity period. */
void proc_download_enter(struct proc_download *p, int st)
{
	unsigned long left = st == ST(ROLLBACK) ? p->env->cleanup_s + 5 : st == ST(PAUSE) ? pause_s(p) :
		OSMO_MAX(proc_download_left(p), 1);

	osmo_fsm_inst_state_chg(p->fi, st, left, 1);
}

/* Entering a state after a restart: its call is in the outbox already. */
static bool entered_again(struct proc_download *p)
{
	if (!p->resumed)
		return false;
	p->resumed = false;
	proc_download_note(p, LOGL_NOTICE, "taken up again after a restart, %s was under way",
			   proc_download_step_name(p->fi->state));
	return true;
}

static void call(struct proc_download *p, struct es_msg *m)
{
	if (proc_download_call(p, m, p->row.deadline) < 0)
		proc_download_fail(p, ES_R_SMSR_UNREACHABLE, "the SM-SR cannot be called");
}

/* Steps 3, 4, 5 -------------------------------------------------------------------------------------------------- */

static void eis_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc_download *p = fi->priv;
	struct es_msg *m;

	if (entered_again(p))
		return;
	m = proc_download_msg(p, ES_FN_GET_EIS);
	OSMO_STRLCPY_ARRAY(m->b.mno_id, p->row.mno);
	proc_download_note(p, LOGL_INFO, "ES3.GetEIS sent");
	call(p, m);
}

/* Octets of the package; 0: it cannot be made, the way out has been taken. */
static struct bytes *package(struct proc_download *p)
{
	const char *err;
	struct bytes *upp = stock_package(p->env->stock, p->fi, p->row.iccid, &err);

	if (!upp)
		proc_download_fail(p, ES_R_PROFILE_INVALID, err);
	return upp;
}

/* What a card needs for a package only it can say; a rule of thumb. */
static uint32_t required_memory(const struct proc_download *p, const struct bytes *upp)
{
	return upp->len * p->env->memory_percent / 100 + p->env->memory_extra;
}

static void eis(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc_download *p = fi->priv;
	const struct proc_download_answer *a = data;
	struct eis_check c = {
		.ci = p->env->ci, .eum = p->env->eum, .n_eum = p->env->n_eum, .own_id = p->env->own_id, .eid = p->eid,
		.iccid = p->row.iccid, .now = clock_now(),
	};
	struct bytes *upp;
	enum es_reason reason;

	if (!proc_download_answer_ok(p, a))
		return;
	if (!a->msg->b.eis) {
		proc_download_fail(p, ES_R_INTERNAL, "GetEIS was answered without an EIS");
		return;
	}
	upp = package(p);
	if (!upp)
		return;
	c.memory = required_memory(p, upp);
	talloc_free(upp);
	reason = eis_check(&c, a->msg->b.eis);
	if (reason != ES_R_NONE) {
		proc_download_fail(p, reason, c.err);
		return;
	}
	memcpy(p->ecasd_q, c.ecasd_q, sizeof(p->ecasd_q));
	OSMO_STRLCPY_ARRAY(p->leftover, c.leftover);
	if (!p->leftover[0]) {
		proc_download_note(p, LOGL_INFO, "eligible: EUM signature and ECASD certificate good, %u octets free",
				   a->msg->b.eis->available_memory);
		p->was_stuck = false;
		p->leftovers = 0;
		proc_download_enter(p, ST(CREATE));
	} else if (++p->leftovers > LEFTOVERS_MAX) {
		proc_download_fail(p, ES_R_CARD_ERROR, "ISD-Ps of earlier tries cannot be deleted");
	} else {
		proc_download_enter(p, ST(LEFTOVER));
	}
}

/* 5a: clean-up sub-routine (SGP.02 3.1.5), then the EIS again. */
static void leftover_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc_download *p = fi->priv;
	struct es_msg *m;

	if (entered_again(p))
		return;
	m = proc_download_msg(p, ES_FN_DELETE_ISDP);
	OSMO_STRLCPY_ARRAY(m->b.iccid, p->leftover);
	proc_download_note(p, LOGL_NOTICE, "ES3.DeleteISDP sent: ISD-P of an earlier try, ICCID %s", p->leftover);
	call(p, m);
}

static void leftover(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc_download *p = fi->priv;
	const struct proc_download_answer *a = data;

	if (proc_download_result_is(a->msg, ES_R_BUSY))
		proc_download_enter(p, ST(PAUSE));
	else if (proc_download_result_is(a->msg, ES_R_ICCID_UNKNOWN) || proc_download_answer_ok(p, a))
		proc_download_enter(p, ST(EIS));
}

static void pause_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc_download *p = fi->priv;

	p->resumed = false;
	p->row.step = fi->state;
	smdp_db_dl_update(p->env->db, &p->row);
}

/* Steps 6, 10 ---------------------------------------------------------------------------------------------------- */

static void create_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc_download *p = fi->priv;
	struct bytes *upp;
	struct es_msg *m;

	if (entered_again(p))
		return;
	upp = package(p);
	if (!upp)
		return;
	m = proc_download_msg(p, ES_FN_CREATE_ISDP);
	OSMO_STRLCPY_ARRAY(m->b.mno_id, p->row.mno);
	m->b.required_memory = required_memory(p, upp);
	m->b.more_to_do = true;
	talloc_free(upp);
	proc_download_note(p, LOGL_INFO, "ES3.CreateISDP sent, ICCID %s, %u octets", p->row.iccid,
			   m->b.required_memory);
	call(p, m);
}

/* The keys of this try are of no more use. GetEIS shows what it has left behind, and 5a deletes that. */
static void begin_anew(struct proc_download *p, enum proc_download_step via, const char *why)
{
	proc_download_note(p, LOGL_NOTICE, "%s: beginning anew", why);
	TALLOC_FREE(p->es8);
	p->row.isdp.len = 0;
	p->was_stuck = true;	/* until GetEIS says otherwise */
	proc_download_enter(p, via);
}

/* The SM-SR lost its session with the card, or heard nothing from it (1.6/5.4, FAILED or EXPIRED: off-card.md 5.3). */
static bool session_lost(const struct es_msg *msg)
{
	const struct es_result *res = msg ? &msg->b.result : NULL;

	return res && (res->status == ES_FAILED || res->status == ES_EXPIRED) &&
	       !strcmp(res->subject, es_reason_subject(ES_R_EXPIRED_NO_RESPONSE)) &&
	       !strcmp(res->reason, es_reason_code(ES_R_EXPIRED_NO_RESPONSE));
}

/* Is this the end of a try rather than an answer to it? A call from before our restart; or the session is lost: "begin
 * again", for nothing is resumed in the middle of a chain (corrections 12). For as long as the order is valid. */
static bool began_anew(struct proc_download *p, const struct proc_download_answer *a)
{
	if (p->stale) {
		p->stale = false;
		if (proc_download_left(p))
			begin_anew(p, ST(EIS), "the keys of the interrupted session are gone");
		else
			proc_download_expired(p, NULL);
		return true;
	}
	if (!session_lost(a->msg) || proc_download_left(p) <= (int64_t)pause_s(p))
		return false;
	begin_anew(p, ST(PAUSE), "the SM-SR lost its session with the card");
	p->lost++;
	return true;
}

static void create(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc_download *p = fi->priv;
	const struct proc_download_answer *a = data;
	struct es8_session_cfg cfg = {
		.dp_cert = p->env->dp_cert,
		.dp_key = p->env->dp_key,
		.param = ES8_PARAM_CERT | ES8_PARAM_DR | ES8_PARAM_DELETE,
	};
	const struct card_type *card = card_type_of(&p->env->cards, p->row.eid);
	char aid[AID_STR_SIZE];

	if (began_anew(p, a) || !proc_download_answer_ok(p, a))
		return;
	if (!a->msg->b.isdp_aid.len) {
		proc_download_fail(p, ES_R_INTERNAL, "CreateISDP was answered without an Isd-p-aid");
		return;
	}
	cfg.isdp = p->row.isdp = a->msg->b.isdp_aid;
	memcpy(cfg.ecasd_q, p->ecasd_q, sizeof(cfg.ecasd_q));
	cfg.segment_size = card->segment_size;
	cfg.segments_per_script = card->segments_per_script;
	cfg.point_tlv = card->point_tlv;
	cfg.random_keys = card->random_keys;
	cfg.identity = p->env->identity;
	p->es8 = es8_session_new(p->fi, &cfg);
	OSMO_ASSERT(p->es8);
	proc_download_note(p, LOGL_INFO, "ISD-P %s created", aid_str(aid, &p->row.isdp));
	stock_set(p->env->stock, p->row.iccid, STOCK_BOUND, p->row.eid);
	proc_download_enter(p, ST(CERT));
}

/* Steps 11 to 16 ------------------------------------------------------------------------------------------------- */

/* ES3.SendData with the script that make() writes. */
static void send_data(struct proc_download *p, int (*make)(struct es8_session *s, struct bytes *script),
		      const char *what)
{
	struct es_msg *m = proc_download_msg(p, ES_FN_SEND_DATA);

	m->b.sd_aid = p->row.isdp;
	m->b.data = bytes_new(m, SCRIPT_MAX);
	if (make(p->es8, m->b.data) < 0) {
		talloc_free(m);
		proc_download_fail(p, ES_R_KEY_ESTABLISHMENT, "the script cannot be made");
		return;
	}
	m->b.more_to_do = true;	/* ProfileDownloadCompleted ends the hold, not the last segment */
	if (p->fi->state == ST(DATA)) {
		m->b.more_to_do = !es8_session_last(p->es8);
		proc_download_note(p, LOGL_INFO, "ES3.SendData sent: segment %u of %u, %zu octets",
				   es8_session_sent(p->es8), es8_session_segments(p->es8), m->b.data->len);
	} else {
		proc_download_note(p, LOGL_INFO, "ES3.SendData sent: %s, %zu octets", what, m->b.data->len);
	}
	call(p, m);
}

static void cert_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc_download *p = fi->priv;

	if (!entered_again(p))
		send_data(p, es8_session_cert_script, "key establishment, CERT.DP.ECDSA");
}

typedef int (*es8_take)(struct es8_session *s, const uint8_t *resp, size_t len, char err[ES8_SESSION_ERR_SIZE]);

/* Common to the answers of SendData: true when the card's response is what it should be. If the SM-SR says FAILED
 * and the card has said why, it is the card's words that the operator gets. */
static bool card_said(struct proc_download *p, const struct proc_download_answer *a, es8_take take,
		      enum es_reason reason)
{
	const struct bytes *resp = a->msg ? a->msg->b.response_data : NULL;
	bool failed = a->msg && a->msg->b.result.status == ES_FAILED;
	char err[ES8_SESSION_ERR_SIZE];
	int rc = 0;

	if (began_anew(p, a))
		return false;
	if (resp)
		rc = take(p->es8, resp->data, resp->len, err);
	if (failed && rc == -EREMOTEIO)
		proc_download_verdict(p, ES_FAILED, reason, err);
	if (!proc_download_answer_ok(p, a))
		return false;
	if (rc < 0 || !resp) {
		proc_download_fail(p, reason, resp ? err : "SendData was answered without EuiccResponseData");
		return false;
	}
	return true;
}

static void cert(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc_download *p = fi->priv;

	if (card_said(p, data, es8_session_cert_answer, ES_R_KEY_ESTABLISHMENT))
		proc_download_enter(p, ST(KEYS));
}

static void keys_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc_download *p = fi->priv;

	if (!entered_again(p))
		send_data(p, es8_session_keys_script, "key establishment, ePK.DP.ECKA");
}

static void keys(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc_download *p = fi->priv;
	struct bytes *upp;
	int rc;

	if (!card_said(p, data, es8_session_keys_answer, ES_R_KEY_ESTABLISHMENT))
		return;
	proc_download_note(p, LOGL_INFO, "receipt good, ISD-P PERSONALIZED");
	upp = package(p);
	if (!upp)
		return;
	rc = es8_session_package(p->es8, upp->data, upp->len);
	talloc_free(upp);
	if (rc < 0)
		proc_download_fail(p, ES_R_INTERNAL, "SCP03t cannot be started");
	else
		proc_download_enter(p, ST(DATA));
}

static void data_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc_download *p = fi->priv;

	if (!entered_again(p))
		send_data(p, es8_session_data_script, NULL);
}

static void data(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc_download *p = fi->priv;

	if (!card_said(p, data, es8_session_data_answer, ES_R_CARD_ERROR))
		return;
	if (es8_session_last(p->es8)) {
		proc_download_note(p, LOGL_INFO, "installed, the card says: %s", es8_session_result(p->es8));
		stock_token_set(p->env->stock, p->row.iccid, &p->row.isdp, es8_session_token_key(p->es8));
		TALLOC_FREE(p->es8);
		proc_download_enter(p, ST(COMPLETED));
	} else {
		proc_download_enter(p, ST(DATA));
	}
}

/* Steps 17 to 20 ------------------------------------------------------------------------------------------------- */

static void completed_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc_download *p = fi->priv;
	struct stock_row s;
	struct es_msg *m;

	if (entered_again(p))
		return;
	m = proc_download_msg(p, ES_FN_PROFILE_DOWNLOAD_COMPLETED);
	if (stock_get(p->env->stock, p->row.iccid, &s) == 0) {
		OSMO_STRLCPY_ARRAY(m->b.profile_type, s.type);
		OSMO_STRLCPY_ARRAY(m->b.addr.imsi, s.imsi);
		OSMO_STRLCPY_ARRAY(m->b.addr.msisdn, s.msisdn);
		m->b.has_addr = s.imsi[0] || s.msisdn[0];
	}
	proc_download_note(p, LOGL_INFO, "ES3.ProfileDownloadCompleted sent");
	call(p, m);
}

static void succeed(struct proc_download *p, enum stock_state stock)
{
	proc_download_verdict(p, ES_EXECUTED_SUCCESS, ES_R_NONE, "");
	proc_download_done(p, stock);
}

static void completed(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc_download *p = fi->priv;

	if (!proc_download_answer_ok(p, data))
		return;
	if (p->row.enable)
		proc_download_enter(p, ST(ENABLE));
	else
		succeed(p, STOCK_DOWNLOADED);
}

static void enable_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc_download *p = fi->priv;

	if (entered_again(p))
		return;
	proc_download_note(p, LOGL_INFO, "ES3.EnableProfile sent");
	call(p, proc_download_msg(p, ES_FN_ENABLE_PROFILE));
}

/* Installed is installed: if enabling fails the requester gets a warning with that failure's code (off-card.md 5.4). */
static void enable(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc_download *p = fi->priv;
	const struct proc_download_answer *a = data;
	char text[160];

	if (!a->msg && !proc_download_left(p)) {
		proc_download_expired(p, a->why);
		return;
	}
	if (!a->msg) {
		snprintf(text, sizeof(text), "installed, but EnableProfile has no answer: %.80s", a->why ? : "");
		proc_download_verdict(p, ES_EXECUTED_WITHWARNING, ES_R_SMSR_UNREACHABLE, text);
	} else if (a->msg->b.result.status != ES_EXECUTED_SUCCESS) {
		proc_download_verdict_relay(p, ES_EXECUTED_WITHWARNING, &a->msg->b.result, "installed, EnableProfile");
	}
	if (p->row.status >= 0) {
		proc_download_done(p, STOCK_DOWNLOADED);
		return;
	}
	proc_download_note(p, LOGL_INFO, "enabled, confirmed by the card");
	succeed(p, STOCK_ENABLED);
}

/* Error management (SGP.02 3.1.4) -------------------------------------------------------------------------------- */

static void rollback_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc_download *p = fi->priv;
	struct es_msg *m;

	if (entered_again(p))
		return;
	m = proc_download_msg(p, ES_FN_DELETE_ISDP);
	m->b.validity_s = p->env->cleanup_s;
	proc_download_note(p, LOGL_INFO, "ES3.DeleteISDP sent");
	if (proc_download_call(p, m, clock_now() + p->env->cleanup_s) < 0)
		proc_download_done(p, STOCK_STUCK);
}

static void rollback(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc_download *p = fi->priv;
	const struct es_msg *msg = ((const struct proc_download_answer *)data)->msg;

	if (msg && (msg->b.result.status == ES_EXECUTED_SUCCESS || msg->b.result.status == ES_EXECUTED_WITHWARNING)) {
		proc_download_note(p, LOGL_INFO, "ISD-P deleted");
		proc_download_done(p, STOCK_AVAILABLE);
	} else if (proc_download_result_is(msg, ES_R_ICCID_UNKNOWN)) {
		proc_download_note(p, LOGL_INFO, "no ISD-P there");
		proc_download_done(p, STOCK_AVAILABLE);
	} else if (proc_download_result_is(msg, ES_R_POL1)) {
		/* "if POL1 already installed forbids deletion the installation counts as succeeded" */
		proc_download_note(p, LOGL_NOTICE, "the profile's own POL1 forbids deletion: it stays installed");
		if (p->row.status == ES_FAILED)
			p->row.status = ES_EXECUTED_WITHWARNING;
		proc_download_done(p, STOCK_DOWNLOADED);
	} else {
		proc_download_note(p, LOGL_NOTICE,
				   "the ISD-P may still be there: the next order for this eUICC will see to it");
		proc_download_done(p, STOCK_STUCK);
	}
}

/* The FSM -------------------------------------------------------------------------------------------------------- */

static int proc_download_timer(struct osmo_fsm_inst *fi)
{
	struct proc_download *p = fi->priv;

	if (fi->state == ST(ROLLBACK)) {
		proc_download_note(p, LOGL_NOTICE,
				   "DeleteISDP has no answer: the next order for this eUICC will see to it");
		proc_download_done(p, STOCK_STUCK);
	} else if (fi->state == ST(INIT)) {
		proc_download_note(p, LOGL_NOTICE, "OsmoHLR has not confirmed the subscriber: going on without");
		proc_download_enter(p, ST(EIS));
	} else if (fi->state == ST(PAUSE) && proc_download_left(p)) {
		proc_download_enter(p, ST(EIS));
	} else {
		proc_download_expired(p, NULL);
	}
	return 0;
}

/* Memory only: an instance that goes without a verdict leaves its row, the next start takes it up (corrections 1). */
static void proc_download_cleanup(struct osmo_fsm_inst *fi, enum osmo_fsm_term_cause cause)
{
	struct proc_download *p = fi->priv;

	llist_del(&p->entry);
}

#define S(name) (1U << PROC_DOWNLOAD_ST_ ## name)
#define STATE(st, fn, enter, out)                                                                                      \
	[PROC_DOWNLOAD_ST_##st] = {.name = #st,                                                                        \
				   .in_event_mask = 1 << PROC_DOWNLOAD_EV_ANSWER,                                      \
				   .out_state_mask = (out),                                                            \
				   .onenter = enter,                                                                   \
				   .action = fn}

static const struct osmo_fsm_state states[] = {
	[PROC_DOWNLOAD_ST_INIT] = { .name = "INIT", .out_state_mask = ~S(INIT) },
	STATE(EIS, eis, eis_onenter, S(LEFTOVER) | S(CREATE)),
	STATE(LEFTOVER, leftover, leftover_onenter, S(EIS) | S(PAUSE)),
	[PROC_DOWNLOAD_ST_PAUSE] = { .name = "PAUSE", .out_state_mask = S(EIS), .onenter = pause_onenter },
	STATE(CREATE, create, create_onenter, S(CERT) | S(EIS) | S(PAUSE) | S(ROLLBACK)),
	STATE(CERT, cert, cert_onenter, S(KEYS) | S(EIS) | S(PAUSE) | S(ROLLBACK)),
	STATE(KEYS, keys, keys_onenter, S(DATA) | S(EIS) | S(PAUSE) | S(ROLLBACK)),
	STATE(DATA, data, data_onenter, S(DATA) | S(COMPLETED) | S(EIS) | S(PAUSE) | S(ROLLBACK)),
	STATE(COMPLETED, completed, completed_onenter, S(ENABLE) | S(ROLLBACK)),
	STATE(ENABLE, enable, enable_onenter, S(ROLLBACK)),
	STATE(ROLLBACK, rollback, rollback_onenter, 0),
};

static const struct value_string event_names[] = {
	OSMO_VALUE_STRING(PROC_DOWNLOAD_EV_ANSWER),
	{ 0, NULL }
};

static struct osmo_fsm proc_download_fsm = {
	.name = "download", .states = states, .num_states = ARRAY_SIZE(states), .log_subsys = DPROC,
	.event_names = event_names, .timer_cb = proc_download_timer, .cleanup = proc_download_cleanup,
};

static __attribute__((constructor)) void proc_download_register(void)
{
	OSMO_ASSERT(osmo_fsm_register(&proc_download_fsm) == 0);
}

struct proc_download *proc_download_new(struct proc_download_env *env, const struct dl_row *row)
{
	struct osmo_fsm_inst *fi = osmo_fsm_inst_alloc(&proc_download_fsm, NULL, NULL, LOGL_DEBUG, NULL);
	struct proc_download *p;

	OSMO_ASSERT(fi);
	fi->priv = p = talloc_zero(fi, struct proc_download);
	OSMO_ASSERT(p);
	p->fi = fi;
	p->env = env;
	p->row = *row;
	eid_from_str(&p->eid, row->eid);
	llist_add_tail(&p->entry, &env->downloads);
	return p;
}
