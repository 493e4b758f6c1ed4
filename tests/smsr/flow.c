/* The harness of the flow tests: see flow.h.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "flow.h"

#include <stdlib.h>
#include <unistd.h>

#include <osmocom/core/application.h>
#include <osmocom/core/fsm.h>
#include <osmocom/core/select.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/timer_compat.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

struct flow flow;

/* --- the ES link -------------------------------------------------------------------------------------------------- */

struct es_req {
	struct llist_head entry;
	struct es_msg *msg;
	struct es_party *party;
	int64_t id, deadline;
};

static LLIST_HEAD(reqs);
static int64_t next_req = 100;
static struct es_msg *next_msg;
static struct es_party parties[] = {
	{.id = OP, .role = ES_ROLE_OPERATOR, .url = "https://op/"},
	{.id = BOOT, .role = ES_ROLE_OPERATOR, .url = "https://boot/"},
	{.id = OTHER, .role = ES_ROLE_OPERATOR},
	{.id = SMDP, .role = ES_ROLE_SMDP, .url = "https://smdp/"},
	{.id = SMDP2, .role = ES_ROLE_SMDP},
	{.id = M2M, .role = ES_ROLE_M2M_SP, .url = "https://m2m/"},
};

struct es_party *__wrap_es_party_find(struct es_link *l, const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(parties); i++)
		if (!strcmp(parties[i].id, id))
			return &parties[i];
	return NULL;
}

const struct es_msg *__wrap_es_req_msg(const struct es_req *req) { return req->msg; }
const struct es_party *__wrap_es_req_party(const struct es_req *req) { return req->party; }
int64_t __wrap_es_req_id(const struct es_req *req) { return req->id; }
int64_t __wrap_es_req_deadline(const struct es_req *req) { return req->deadline; }

struct es_msg *__wrap_es_req_response(struct es_req *req, enum es_status status, enum es_reason reason,
				      const char *subject_id, const char *message)
{
	struct es_msg *m = es_msg_new(req, req->msg->iface, req->msg->func, ES_RESPONSE);

	es_result_set(m, status, reason, subject_id, message);
	return m;
}

void __wrap_es_req_respond(struct es_req *req, struct es_msg *resp)
{
	struct answer *a = &flow.answer[flow.n_answers++];

	assert_true(flow.n_answers < ARRAY_SIZE(flow.answer));
	assert_null(flow_answered(req->id));	/* P4: exactly one */
	*a = (struct answer){ .req_id = req->id, .status = resp->b.result.status, .isdp_aid = resp->b.isdp_aid };
	if (resp->b.result.subject[0])
		snprintf(a->code, sizeof(a->code), "%s/%s", resp->b.result.subject, resp->b.result.reason);
	if (resp->b.response_data) {
		char *hex = bytes_hex(NULL, resp->b.response_data->data, resp->b.response_data->len);

		snprintf(a->data, sizeof(a->data), "%s", hex);
		talloc_free(hex);
	}
	if (resp->b.eis) {
		a->n_profiles = resp->b.eis->n_profiles;
		if (a->n_profiles)
			snprintf(a->iccid, sizeof(a->iccid), "%s", resp->b.eis->profile[0].iccid);
		a->isdr = resp->b.eis->isd_r.aid.len;
		a->ecasd = resp->b.eis->ecasd.aid.len;
		a->signed_info = resp->b.eis->signed_info;
		for (size_t i = 0; i < resp->b.eis->isd_r.n_keysets; i++)
			assert_int_equal(resp->b.eis->isd_r.keyset[i].n_keys, 0);
	}
	printf("      answer to #%ld: %s %s %s\n", (long)req->id, es_status_name(a->status), a->code,
	       resp->b.result.message ? resp->b.result.message : "");
	llist_del(&req->entry);
	talloc_free(req);
}

void __wrap_es_req_respond_err(struct es_req *req, enum es_reason reason, const char *subject_id, const char *message)
{
	__wrap_es_req_respond(req, __wrap_es_req_response(req, ES_FAILED, reason, subject_id, message));
}

int __wrap_es_call(struct es_link *l, const char *party_id, struct es_msg *m, const char *tag, int64_t deadline)
{
	assert_true(flow.n_called < ARRAY_SIZE(flow.called));
	snprintf(flow.called[flow.n_called], sizeof(flow.called[0]), "%s %s %s -> %s", es_iface_name(m->iface),
		 es_func_name(m->func), m->b.iccid, party_id);
	printf("      told: %s\n", flow.called[flow.n_called++]);
	talloc_free(m);
	return 0;
}

/* --- the card sessions -------------------------------------------------------------------------------------------- */

int __wrap_card_session_send(struct card_sessions *cs, const struct eid *eid, const struct card_cmd *cmd,
			     unsigned timeout_s)
{
	struct sent *s = &flow.sent[flow.n_sent];

	if (flow.send_rc)
		return flow.send_rc;
	assert_true(flow.n_sent < ARRAY_SIZE(flow.sent) - 1);
	*s = (struct sent){ .c = *cmd, .open = true };
	for (size_t i = 0; i < cmd->script_len && 2 * i + 2 < sizeof(s->script); i++)
		sprintf(s->script + 2 * i, "%02X", cmd->script[i]);
	s->c.script = NULL;
	flow.n_sent++;
	printf("      to the card: %.60s%s\n", s->script, strlen(s->script) > 60 ? ".." : "");
	return 0;
}

bool __wrap_card_session_forget(struct card_sessions *cs, const struct eid *eid, void *priv)
{
	for (unsigned i = 0; i < flow.n_sent; i++)
		if (flow.sent[i].c.priv == priv)
			flow.sent[i].open = false;
	return flow.unsent;
}

void __wrap_card_session_release(struct card_sessions *cs, const struct eid *eid)
{
	flow.releases++;
}

bool __wrap_card_session_exists(struct card_sessions *cs, const struct eid *eid)
{
	return flow.session;
}

static struct sent *newest(void)
{
	for (unsigned i = flow.n_sent; i > 0; i--)
		if (flow.sent[i - 1].open)
			return &flow.sent[i - 1];
	return NULL;
}

static void turn(void)
{
	txn_commit(flow.db->sql);
	talloc_free_children(OTC_SELECT);
}

const char *flow_script(void)
{
	struct sent *s = newest();

	return s ? s->script : "";
}

void flow_leaves(void)
{
	struct sent *s = newest();

	assert_non_null(s);
	if (s->c.mark_sent)
		assert_int_equal(s->c.mark_sent(s->c.priv, "SMS"), 0);
	s->c.mark_sent = NULL;
	turn();
}

static void finish(enum card_outcome outcome, const char *hex)
{
	struct sent *s = newest();
	uint8_t resp[4096];
	int len = hex ? hex_dec(resp, sizeof(resp), hex) : 0;

	assert_non_null(s);
	assert_true(len >= 0);
	s->open = false;
	s->c.done(s->c.priv, outcome, hex ? NULL : "test", hex ? resp : NULL, len);
	turn();
}

void flow_card(const char *hex)
{
	struct sent *s = newest();

	assert_non_null(s);
	if (s->c.mark_sent)
		flow_leaves();
	btw("the card says %s", hex);
	finish(CARD_OK, hex);
}

void flow_outcome(enum card_outcome outcome)
{
	struct sent *s = newest();

	assert_non_null(s);
	if (outcome != CARD_NOT_SENT && s->c.mark_sent)
		flow_leaves();
	finish(outcome, NULL);
}

void flow_notif(unsigned type, unsigned seq, const char *iccid)
{
	flow_notif_by(type, seq, iccid, "SMS");
}

void flow_notif_by(unsigned type, unsigned seq, const char *iccid, const char *bearer)
{
	struct eis_profile *p = eis_by_iccid(flow.e->eis, iccid);
	struct notif n = { .eid = flow.e->eis->fix.eid, .type = type, .seq = seq };

	assert_non_null(p);
	n.aid = p->i.isdp_aid;
	btw("notification %02X #%u: %s is enabled", type, seq, iccid);
	notif_in(flow.e, &n, bearer);
	turn();
}

/* --- time --------------------------------------------------------------------------------------------------------- */

void flow_pass(unsigned seconds)
{
	btw("%u s pass", seconds);
	for (unsigned i = 0; i < seconds; i++) {
		flow.now++;
		clock_override(flow.now * 1000);
		osmo_gettimeofday_override_add(1, 0);
		osmo_timers_prepare();
		osmo_timers_update();
		turn();
	}
}

/* --- setup -------------------------------------------------------------------------------------------------------- */

static void profile(struct es_profile_info *p, const char *iccid, const char *aid, const char *mno, const char *msisdn)
{
	snprintf(p->iccid, sizeof(p->iccid), "%s", iccid);
	assert_int_equal(aid_from_hex(&p->isdp_aid, aid), 0);
	snprintf(p->mno_id, sizeof(p->mno_id), "%s", mno);
	snprintf(p->addr.msisdn, sizeof(p->addr.msisdn), "%s", msisdn);
	p->allocated_memory = 10000;
}

static void add_key(uint8_t kvn, uint8_t kid, enum key_type type)
{
	struct key *k = key_random(flow.root, type, 16);

	assert_int_equal(smsr_db_key_put(flow.db, &flow.e->eis->fix.eid, kvn, kid, k), 0);
	talloc_free(k);
}

static void register_euicc(void)
{
	struct es_profile_info p[2] = {};
	struct es_eis eis = {
		.eum_id = "1.3.6.1.4.1.49999.4", .http = false, .remaining_memory = 300000, .available_memory = 300000,
		.profile = p, .n_profiles = 2, .ecasd.aid = aid_ecasd, .isd_r.aid = aid_isd_r,
		.isd_r.keyset = { { .version = 1, .type = "SCP80", .cntr = 5 }, { .version = 0x40, .type = "SCP81" } },
		.isd_r.n_keysets = 2, .signed_info = bytes_dup(flow.root, "<x/>", 4),
	};
	struct eis *new;

	assert_int_equal(eid_from_str(&eis.eid, EID1), 0);
	profile(&p[0], ICCID_BOOT, AID_BOOT, BOOT, NR_BOOT);
	p[0].state = ES_PS_ENABLED;
	p[0].fallback = true;
	profile(&p[1], ICCID_OP, AID_OP, OP, NR_OP);
	p[1].state = ES_PS_DISABLED;
	snprintf(p[1].smdp_id, sizeof(p[1].smdp_id), SMDP);
	new = eis_new(flow.root, flow.db, &eis);
	assert_int_equal(eis_register(new), 0);
	talloc_free(new);
	talloc_free(eis.signed_info);
}

static void start(void)
{
	flow.db = smsr_db_open(flow.root, flow.path, flow.ks);
	assert_non_null(flow.db);
	flow.reg = euiccs_new(flow.root, flow.db);
	flow.reg->wake = proc_wake;
	flow.reg->cards = (void *)1;	/* never looked into: all calls are wrapped */
}

static void load(void)
{
	struct eid eid;

	assert_int_equal(eid_from_str(&eid, EID1), 0);
	flow.e = euicc_get(flow.reg, &eid);
	assert_non_null(flow.e);
}

static void stop(void)
{
	proc_shutdown(flow.reg);
	talloc_free(flow.reg);
	talloc_free_children(OTC_SELECT);
	smsr_db_close(flow.db);
}

int flow_setup(void **state)
{
	static bool once;

	if (!once) {
		static void *log_ctx;

		log_ctx = talloc_named_const(NULL, 0, "log");
		osmo_init_logging2(log_ctx, &rsp_log_info);
		log_set_print_filename2(osmo_stderr_target, LOG_FILENAME_NONE);
		log_set_print_category_hex(osmo_stderr_target, 0);
		log_set_use_color(osmo_stderr_target, 0);
		if (getenv("FLOW_LOG"))
			log_parse_category_mask(osmo_stderr_target, "DPROC,1:DEIS,1:DES,1:DDB,1:DKEY,1");
		osmo_fsm_term_safely(true);
		osmo_fsm_set_dealloc_ctx(OTC_SELECT);
		osmo_gettimeofday_override = true;
		once = true;
	}
	memset(&flow, 0, sizeof(flow));
	flow.root = talloc_named_const(NULL, 0, "flow");
	flow.now = 1795000000;	/* November 2026 */
	clock_override(flow.now * 1000);
	flow.ks = keystore_ephemeral(flow.root);
	snprintf(flow.path, sizeof(flow.path), "/tmp/smsr-flow-XXXXXX");
	close(mkstemp(flow.path));
	start();
	register_euicc();
	load();
	add_key(1, 1, KEY_TYPE_AES);
	add_key(1, 2, KEY_TYPE_AES);
	add_key(0x40, 1, KEY_TYPE_PSK);
	turn();
	return 0;
}

int flow_teardown(void **state)
{
	struct es_req *r, *tmp;
	char wal[80];

	stop();
	llist_for_each_entry_safe(r, tmp, &reqs, entry) {
		llist_del(&r->entry);
		talloc_free(r);
	}
	talloc_free(next_msg);
	next_msg = NULL;
	talloc_free(flow.root);
	unlink(flow.path);
	snprintf(wal, sizeof(wal), "%s-wal", flow.path);
	unlink(wal);
	snprintf(wal, sizeof(wal), "%s-shm", flow.path);
	unlink(wal);
	return 0;
}

static void dispatch(struct es_req *req)
{
	if (req->msg->iface == ES3)
		es3_srv_handle(flow.reg, req);
	else if (req->msg->iface == ES4A)
		grant_srv_handle(flow.reg, req);
	else
		es4_srv_handle(flow.reg, req);
}

void flow_restart(void)
{
	struct es_req *r, *tmp;

	btw("killed, and started again");
	stop();
	flow.n_sent = 0;
	clock_override(flow.now * 1000);
	start();
	proc_load_open(flow.reg);
	llist_for_each_entry_safe(r, tmp, &reqs, entry)
		if (!proc_attach(flow.reg, r))
			dispatch(r);
	proc_resume_all(flow.reg);
	load();
	turn();
}

struct es_body *flow_body(void)
{
	if (!next_msg)
		next_msg = es_msg_new(NULL, ES4, ES_FN_GET_EIS, ES_REQUEST);
	return &next_msg->b;
}

int64_t flow_ask(enum es_iface iface, enum es_func func, const char *party, const char *iccid, unsigned validity_s)
{
	struct es_req *req = talloc_zero(NULL, struct es_req);
	struct es_body *b = flow_body();

	next_msg->iface = iface;
	next_msg->func = func;
	if (!b->has_eid) {
		b->has_eid = true;
		eid_from_str(&b->eid, EID1);
	}
	if (iccid)
		snprintf(b->iccid, sizeof(b->iccid), "%s", iccid);
	req->msg = talloc_steal(req, next_msg);
	next_msg = NULL;
	req->party = __wrap_es_party_find(NULL, party);
	assert_non_null(req->party);
	req->id = next_req++;
	req->deadline = flow.now + validity_s;
	llist_add_tail(&req->entry, &reqs);
	btw("#%ld: %s asks %s.%s %s", (long)req->id, party, es_iface_name(iface), es_func_name(func),
	    iccid ? iccid : "");
	dispatch(req);
	turn();
	return next_req - 1;
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

struct answer *flow_answered(int64_t req_id)
{
	for (unsigned i = 0; i + 1 <= flow.n_answers; i++)
		if (flow.answer[i].req_id == req_id)
			return &flow.answer[i];
	return NULL;
}

bool flow_called(const char *what)
{
	for (unsigned i = 0; i < flow.n_called; i++)
		if (!strcmp(flow.called[i], what))
			return true;
	return false;
}

/* As the database has it, and memory the same. */
int flow_state(const char *iccid)
{
	struct eis *eis = eis_load(flow.root, flow.db, &flow.e->eis->fix.eid);
	struct eis_profile *p = eis_by_iccid(eis, iccid), *m = eis_by_iccid(flow.e->eis, iccid);
	int s = p ? (int)p->state : -1;

	assert_int_equal(s, m ? (int)m->state : -1);
	talloc_free(eis);
	return s;
}

unsigned flow_active(void)
{
	struct smsr_proc_row rows[16];

	return smsr_db_proc_open(flow.db, rows, ARRAY_SIZE(rows), 0);
}

void flow_pol2(const char *iccid, const char *action, const char *qualification)
{
	struct es_pol2_rule r = { .subject = "PROFILE" };

	snprintf(r.action, sizeof(r.action), "%s", action);
	snprintf(r.qualification, sizeof(r.qualification), "%s", qualification);
	assert_int_equal(eis_policy_rules(flow.e->eis, eis_by_iccid(flow.e->eis, iccid), &r, 1), 0);
	btw("POL2 of %s: %s %s", iccid, action, qualification);
}

struct look { const char *op, *outcome; bool found; };

static void look(void *arg, const struct smsr_audit *a)
{
	struct look *l = arg;

	if (!strcmp(a->operation, l->op) && (!l->outcome || (a->outcome && !strcmp(a->outcome, l->outcome))))
		l->found = true;
}

bool flow_timeline(const char *operation, const char *outcome)
{
	struct look l = { operation, outcome, false };

	smsr_db_audit_each(flow.db, &flow.e->eis->fix.eid, 500, look, &l);
	return l.found;
}

int64_t flow_register(struct es_msg *m, struct es_party *party, const struct es1_trust *trust)
{
	struct es_req *req = talloc_zero(NULL, struct es_req);

	req->msg = talloc_steal(req, m);
	req->party = party;
	req->id = next_req++;
	llist_add_tail(&req->entry, &reqs);
	es1_srv_handle(flow.reg, trust, req);
	turn();
	return next_req - 1;
}
