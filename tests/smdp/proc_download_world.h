/* The world of the download tests: a fake link, a fake SM-SR and a card of its own; one order from its request to its end.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <talloc.h>
#include <cmocka.h>

#include <osmocom/core/application.h>
#include <osmocom/core/fsm.h>
#include <osmocom/core/select.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>
#include <osmocom/rsp/util/sqldb.h>

#include "fake_card.h"
#include "proc_download_priv.h"

const char es_link_schema[] = "SELECT 1;", es_link_schema_2[] = "SELECT 1;";

#define OPERATOR "1.3.6.1.4.1.49999.11"
#define SMSR "1.3.6.1.4.1.49999.2"
#define SMDP "1.3.6.1.4.1.49999.3"
#define EUM "1.3.6.1.4.1.49999.4"
#define EID "89001012012341234012345678901224"
#define ICCID "89019990001234567893"
#define NOW w.now	/* certificates are issued by the real clock: a test begins then, and stands still */

/* Header and end with an element between that makes it several segments long (card-side.md 7.4) */
#define HEAD "A01F80010281010382074578616D706C65830A89019990001234567893A500A600"
#define END "AA07A0058000810102"

struct es_req {
	int64_t id;
	struct es_msg *msg;
	struct es_party party;
};

struct call {
	struct es_msg *m;
	char tag[64];
	int64_t deadline;
};

static struct {
	void *ctx;
	int64_t now;
	struct smdp_db *db;
	struct keystore *ks;
	struct proc_download_env env;
	struct es_party smsr;
	struct es_req *req;		/* the one that is open */
	struct es_result result;	/* its answer */
	char message[300];
	unsigned answers;
	struct call call[4];		/* not yet answered */
	unsigned n_calls;
	char trace[400];
	struct ec_key *eum_key, *ecasd_key;
	struct cert_x509 *eum;
	struct fake_card card;
	/* what goes wrong */
	enum es_func fail_func;
	enum es_status fail_status;	/* default FAILED */
	const char *fail_subject, *fail_reason;
	bool bad_eid_cert, bad_signature, no_memory;
	bool leftover;			/* the EIS shows an ISD-P of ours */
} w;

/* The link, faked ------------------------------------------------------------------------------------------------ */

struct es_party *es_party_find(struct es_link *l, const char *id)
{
	return strcmp(id, SMSR) ? NULL : &w.smsr;
}

struct es_req *es_req_find(struct es_link *l, int64_t id)
{
	return w.req && w.req->id == id ? w.req : NULL;
}

const struct es_msg *es_req_msg(const struct es_req *req)
{
	return req->msg;
}

const struct es_party *es_req_party(const struct es_req *req)
{
	return &req->party;
}

int64_t es_req_id(const struct es_req *req)
{
	return req->id;
}

int64_t es_req_deadline(const struct es_req *req)
{
	return NOW + req->msg->b.validity_s;
}

struct es_msg *es_req_response(struct es_req *req, enum es_status status, enum es_reason reason, const char *subject_id,
			       const char *message)
{
	struct es_msg *m = es_msg_new(w.ctx, ES2, req->msg->func, ES_RESPONSE);

	es_result_set(m, status, reason, subject_id, message);
	return m;
}

void es_req_respond(struct es_req *req, struct es_msg *resp)
{
	w.answers++;
	w.result = resp->b.result;
	OSMO_STRLCPY_ARRAY(w.message, resp->b.result.message ? : "");
	talloc_free(resp);
	w.req = NULL;
	talloc_free(req);
}

void es_req_respond_err(struct es_req *req, enum es_reason reason, const char *subject_id, const char *message)
{
	es_req_respond(req, es_req_response(req, ES_FAILED, reason, subject_id, message));
}

static const char short_name[_ES_FN_COUNT] = {
	[ES_FN_GET_EIS] = 'E',	      [ES_FN_CREATE_ISDP] = 'C',
	[ES_FN_SEND_DATA] = 'S',      [ES_FN_PROFILE_DOWNLOAD_COMPLETED] = 'P',
	[ES_FN_ENABLE_PROFILE] = 'N', [ES_FN_DELETE_ISDP] = 'D',
};

int es_call(struct es_link *l, const char *party_id, struct es_msg *m, const char *tag, int64_t deadline)
{
	struct call *c = &w.call[w.n_calls++];

	assert_true(w.n_calls <= 4);
	assert_string_equal(party_id, SMSR);
	assert_true(es_msg_exists(ES3, m->func, ES_REQUEST));
	assert_true(m->b.validity_s > 0);
	c->m = talloc_steal(w.ctx, m);
	c->deadline = deadline;
	OSMO_STRLCPY_ARRAY(c->tag, tag);
	w.trace[strlen(w.trace)] = short_name[m->func];
	return 0;
}

void es_call_cancel(struct es_link *l, const char *tag)
{
	for (unsigned i = 0; i < w.n_calls; i++)
		if (!strcmp(w.call[i].tag, tag))
			w.call[i] = w.call[--w.n_calls];
}

/* The SM-SR ------------------------------------------------------------------------------------------------------ */

static struct es_eis *make_eis(void *ctx)
{
	struct es_eis *e = talloc_zero(ctx, struct es_eis);
	struct cert_gp c = {.serial = {1},
			    .serial_len = 1,
			    .ca_id = {1},
			    .ca_id_len = 1,
			    .subject_len = 16,
			    .usage = {0, 0x80},
			    .usage_len = 2,
			    .expiry = "20391231",
			    .role = -1};

	eid_from_str(&e->eid, EID);
	OSMO_STRLCPY_ARRAY(e->eum_id, EUM);
	e->production_date = NOW - 86400;
	OSMO_STRLCPY_ARRAY(e->platform_type, "test");
	OSMO_STRLCPY_ARRAY(e->platform_version, "1.0.0");
	OSMO_STRLCPY_ARRAY(e->secure_packet_version, "1.0.0");
	OSMO_STRLCPY_ARRAY(e->remote_provisioning_version, "3.2.0");
	e->isdp_file_aid = aid_isdp_file;
	e->isdp_module_aid = aid_isdp_module;
	OSMO_STRLCPY_ARRAY(e->smsr_id, SMSR);
	e->remaining_memory = e->available_memory = w.no_memory ? 10 : 500000;
	e->ecasd.aid = aid_ecasd;
	e->ecasd.tar = 2;
	e->ecasd.sin_len = e->ecasd.sdin_len = 4;
	OSMO_STRLCPY_ARRAY(e->ecasd.role, "ECASD");
	memcpy(c.subject, e->eid.b, 16);
	c.subject[15] ^= w.bad_eid_cert;
	ec_public(w.ecasd_key, c.q);
	e->ecasd.n_keysets = 1;
	e->ecasd.keyset[0].version = 0x74;
	OSMO_STRLCPY_ARRAY(e->ecasd.keyset[0].type, "CA");
	OSMO_STRLCPY_ARRAY(e->ecasd.keyset[0].ca_id, EUM);
	e->ecasd.keyset[0].cert = bytes_new(e, 0);
	assert_int_equal(cert_gp_issue(e->ecasd.keyset[0].cert, &c, w.eum_key), 0);
	assert_int_equal(es_dsig_sign(e, w.eum_key, w.eum), 0);
	if (w.bad_signature) {	/* one letter of PlatformType, after signing */
		char *p = memmem(e->signed_info->data, e->signed_info->len, ">test<", 6);

		assert_non_null(p);
		p[1] = 'T';
	}
	if (w.card.exists || w.leftover) {
		e->profile = talloc_zero_array(e, struct es_profile_info, 1);
		e->n_profiles = 1;
		OSMO_STRLCPY_ARRAY(e->profile[0].iccid, ICCID);
		OSMO_STRLCPY_ARRAY(e->profile[0].smdp_id, SMDP);
		e->profile[0].state = ES_PS_CREATED;
	}
	return e;
}

static void smsr_does(struct es_msg *r, const struct es_msg *m)
{
	switch (m->func) {
	case ES_FN_GET_EIS:
		r->b.eis = make_eis(r);
		break;
	case ES_FN_CREATE_ISDP:
		assert_false(w.card.exists);
		w.card.exists = true;
		w.card.aid = r->b.isdp_aid = (struct aid){};
		aid_isdp(&r->b.isdp_aid, 0x13);
		w.card.aid = r->b.isdp_aid;
		break;
	case ES_FN_SEND_DATA:
		assert_true(w.card.exists && aid_eq(&m->b.sd_aid, &w.card.aid));
		r->b.response_data = bytes_new(r, 0);
		fake_card_script(&w.card, r->b.response_data, m->b.data->data, m->b.data->len);
		break;
	case ES_FN_DELETE_ISDP:
		if (!w.card.exists && !w.leftover)
			es_result_set(r, ES_FAILED, ES_R_ICCID_UNKNOWN, NULL, NULL);
		fake_card_delete(&w.card);
		w.leftover = false;
		break;
	default:
		break;
	}
}

/* Answer the oldest call: as the SM-SR would, or not at all (why). false: there is none. */
static bool step_why(const char *why)
{
	struct es_msg *r;
	struct call c;

	if (!w.n_calls)
		return false;
	c = w.call[0];
	memmove(&w.call[0], &w.call[1], --w.n_calls * sizeof(c));
	if (why) {
		proc_download_response(&w.env, c.tag, NULL, why);
		talloc_free(c.m);
		return true;
	}
	r = es_msg_new(w.ctx, ES3, c.m->func, ES_RESPONSE);
	es_result_set(r, ES_EXECUTED_SUCCESS, ES_R_NONE, NULL, NULL);
	if (c.m->func == w.fail_func) {
		es_result_set(r, w.fail_status ? : ES_FAILED, ES_R_INTERNAL, NULL, "made to fail");
		OSMO_STRLCPY_ARRAY(r->b.result.subject, w.fail_subject);
		OSMO_STRLCPY_ARRAY(r->b.result.reason, w.fail_reason);
	} else {
		smsr_does(r, c.m);
	}
	proc_download_response(&w.env, c.tag, r, NULL);
	talloc_free(r);
	talloc_free(c.m);
	txn_commit(smdp_db_sql(w.db));
	return true;
}

static void steps(int n)
{
	while (n-- && step_why(NULL))
		;
}

/* The world ------------------------------------------------------------------------------------------------------ */

static int setup(void **state)
{
	struct cert_gp dp = {.serial = {2},
			     .serial_len = 1,
			     .ca_id = {1},
			     .ca_id_len = 1,
			     .subject = {3},
			     .subject_len = 1,
			     .usage = {0x88},
			     .usage_len = 1,
			     .expiry = "20391231",
			     .role = CERT_ROLE_DP};
	struct stock_new n = { .owner = OPERATOR, .type = "demo", .imsi = "001010123456789", .msisdn = "491701234567" };
	struct bytes *upp, *cert;
	struct ec_key *ci_key, *dp_key;
	char iccid[ICCID_STR_SIZE];
	const char *err;

	memset(&w, 0, sizeof(w));
	w.ctx = talloc_new(NULL);
	w.db = smdp_db_open(w.ctx, ":memory:");
	w.ks = keystore_ephemeral(w.ctx);
	ci_key = ec_generate(w.ctx);
	w.eum_key = ec_generate(w.ctx);
	dp_key = ec_generate(w.ctx);
	w.ecasd_key = ec_generate(w.ctx);
	w.env.ci = cert_x509_issue(w.ctx, CERT_X509_CI, "CI", NULL, NULL, ci_key, NULL, ci_key, 36500);
	w.eum = cert_x509_issue(w.ctx, CERT_X509_EUM, "EUM", EUM, NULL, w.eum_key, w.env.ci, ci_key, 36500);
	w.now = clock_now() + 1;
	clock_override(NOW * 1000);
	ec_public(dp_key, dp.q);
	cert = bytes_new(w.ctx, 0);
	cert_gp_issue(cert, &dp, ci_key);
	w.smsr = (struct es_party){ .id = SMSR, .role = ES_ROLE_SMSR, .url = "https://127.0.0.1/" };
	w.env.db = w.db;
	w.env.stock = stock_new(w.ctx, w.db, w.ks);
	w.env.own_id = SMDP;
	w.env.dp_cert = cert;
	w.env.dp_key = dp_key;
	card_types_init(&w.env.cards);
	w.env.cards.other.segment_size = 100;
	w.env.cards.other.segments_per_script = 2;
	w.env.memory_percent = 200;
	w.env.cleanup_s = 60;
	INIT_LLIST_HEAD(&w.env.downloads);
	upp = bytes_from_hex(w.ctx, HEAD);
	bytes_put_hex(upp, "A9820200A0058000810101");		/* a non-standard element of 512 octets */
	bytes_fill(upp, 0x04, 512 - 7);
	bytes_put_hex(upp, END);
	n.upp = upp->data;
	n.upp_len = upp->len;
	assert_int_equal(stock_add(w.env.stock, &n, iccid, &err), 0);
	assert_string_equal(iccid, ICCID);
	fake_card_init(&w.card, w.ctx, w.ecasd_key, upp);
	return 0;
}

static int teardown(void **state)
{
	proc_download_stop(&w.env);
	talloc_free(w.req);
	for (unsigned i = 0; i < w.n_calls; i++)
		talloc_free(w.call[i].m);
	smdp_db_close(w.db);
	talloc_free(w.ctx);
	osmo_select_main_ctx(1);	/* frees what OTC_SELECT holds */
	clock_override(-1);
	return 0;
}

static struct es_req *order(const char *iccid, const char *type, bool enable)
{
	static int64_t id = 100;
	struct es_req *req = talloc_zero(NULL, struct es_req);

	req->id = ++id;
	req->party = (struct es_party){ .id = OPERATOR, .role = ES_ROLE_OPERATOR };
	req->msg = es_msg_new(req, ES2, ES_FN_DOWNLOAD_PROFILE, ES_REQUEST);
	req->msg->b.has_eid = true;
	eid_from_str(&req->msg->b.eid, EID);
	req->msg->b.validity_s = 120;
	req->msg->b.enable_profile = enable;
	OSMO_STRLCPY_ARRAY(req->msg->b.iccid, iccid);
	OSMO_STRLCPY_ARRAY(req->msg->b.profile_type, type);
	OSMO_STRLCPY_ARRAY(req->msg->b.smsr_id, SMSR);
	return req;
}

static void start(bool enable)
{
	w.req = order(ICCID, "", enable);
	proc_download_start(&w.env, w.req);
	txn_commit(smdp_db_sql(w.db));
}

static void assert_end(enum es_status status, const char *subject, const char *reason, enum stock_state where)
{
	struct stock_row r;

	assert_int_equal(w.n_calls, 0);
	assert_int_equal(w.answers, 1);
	assert_int_equal(w.result.status, status);
	assert_string_equal(w.result.subject, subject);
	assert_string_equal(w.result.reason, reason);
	assert_int_equal(stock_get(w.env.stock, ICCID, &r), 0);
	assert_int_equal(r.state, where);
	assert_true(llist_empty(&w.env.downloads));
}
