/* What we write fits the schema printed from the same tables, judged by us and by lxml; what lxml and zeep write is
 * read; words on the command line.  SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include "es_help.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/es/es_rights.h>
#include <osmocom/rsp/es/es_schema.h>

static struct es_validator *validator;

static void judge(const struct es_msg *m, void *ctx)
{
	struct bytes *text = es_soap_enc(ctx, m);
	char *err;

	assert_non_null(text);
	if (es_validate(validator, &err, ctx, text->data, text->len) < 0)
		fail_msg("%s-%s: %s", es_iface_name(m->iface), es_func_name(m->func), err);
}

static void fits(void *ctx, enum es_iface i, enum es_func f, enum es_kind k)
{
	const struct es_dialect old = { .old_ns = true };
	struct es_msg *m = help_msg(ctx, i, f, k), *least;

	judge(m, ctx);
	m->dialect = &old;
	judge(m, ctx);
	if (k != ES_RESPONSE)
		return;
	least = es_msg_new(ctx, i, f, k);	/* a failure carries nothing but itself */
	least->message_id = talloc_strdup(least, "m");
	es_result_set(least, ES_FAILED, ES_R_INTERNAL, NULL, NULL);
	judge(least, ctx);
}

static void test_fits(void **state)
{
	help_for_each(fits);
}

static void must_not_fit(const char *xml)
{
	void *ctx = talloc_new(NULL);
	char *err;

	assert_int_equal(es_validate(validator, &err, ctx, (const uint8_t *)xml, strlen(xml)), -1);
	assert_non_null(err);
	talloc_free(ctx);
}

#define GET(inner) "<r:ES4-GetEISRequest xmlns:r='http://namespaces.gsma.org/esim-messaging/3'>" inner "</r:ES4-GetEISRequest>"
#define FCID "<r:FunctionCallIdentifier>1</r:FunctionCallIdentifier>"

/* The judge can say no. */
static void test_unfit(void **state)
{
	void *ctx = talloc_new(NULL);
	const char *good = GET(FCID "<r:Eid>" EID_A "</r:Eid>");
	char *err;

	assert_int_equal(es_validate(validator, &err, ctx, (const uint8_t *)good, strlen(good)), 0);
	must_not_fit(GET(FCID));
	must_not_fit(GET("<r:Eid>" EID_A "</r:Eid>"));
	must_not_fit(GET(FCID "<r:Eid>12</r:Eid>"));
	must_not_fit(GET(FCID "<r:Eid>" EID_A "</r:Eid><r:Other/>"));
	must_not_fit(GET("<r:Eid>" EID_A "</r:Eid>" FCID));
	must_not_fit("<a/>");
	must_not_fit("<r:ES4-GetEISRequest xmlns:r='urn:x'/>");
	must_not_fit("");
	talloc_free(ctx);
}

static void test_words(void **state)
{
	void *ctx = talloc_new(NULL);
	static const char *const plma[] = {
		"plma.mno-id=1.3.6.1", "Plma.M2m-sp-id=1.3.6.2", "plma.profiletype=gold & more", "plma.AuthorisedOperation=EnableProfile",
		"plma.AuthorisedOperation=AuditEIS", "validityperiod=60",
	};
	static const char *const rules[] = {
		"eid=" EID_A, "iccid=" ICCID_A, "pol2.Rule.Subject=PROFILE", "pol2.Rule.Action=DELETE", "pol2.Rule.Qualification=Not-Allowed",
		"pol2.Rule.Subject=PROFILE", "pol2.Rule.Action=DISABLE", "pol2.Rule.Qualification=Not-Allowed",
	};
	static const char *const bad[] = { "eid", "eid=1", "a.b.c.d.e.f.g.h=1", "a<b=1", "=1", ".=1" };
	struct es_msg *m;
	char *err;

	m = es_msg_from_words(ctx, "ES4A-SetPLMA", plma, 6, &err);
	assert_non_null(m);
	assert_int_equal(m->iface, ES4A);
	assert_int_equal(m->b.n_grants, 1);
	assert_string_equal(m->b.grant->profile_type, "gold & more");
	assert_int_equal(m->b.grant->n_names, 2);
	assert_string_equal(m->b.grant->names[1], "AuditEIS");
	assert_int_equal(m->b.validity_s, 60);
	m = es_msg_from_words(ctx, "ES4-UpdatePolicyRules", rules, 8, &err);
	assert_non_null(m);
	assert_int_equal(m->b.n_pol2, 2);
	assert_string_equal(m->b.pol2[1].action, "DISABLE");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(es_msg_from_words(ctx, "ES4-GetEIS", &bad[i], 1, &err));
		assert_non_null(err);
	}
	assert_null(es_msg_from_words(ctx, "ES4-GetEIS", NULL, 0, &err));
	assert_non_null(strstr(err, "Eid: missing"));
	assert_null(es_msg_from_words(ctx, "ES9-GetEIS", NULL, 0, &err));
	assert_null(es_msg_from_words(ctx, "GetEIS", NULL, 0, &err));
	assert_null(es_msg_from_words(ctx, "ES4-Get<EIS", NULL, 0, &err));
	talloc_free(ctx);
}

/* Nobody may call what does not exist, each function may be called by somebody, and nothing is in the table twice. */
static void test_rights(void **state)
{
	const struct es_right *r, *s;

	for (r = es_right_next(NULL); r; r = es_right_next(r)) {
		assert_true(es_msg_exists(r->iface, r->func, ES_REQUEST) || es_msg_exists(r->iface, r->func, ES_NOTIFICATION));
		for (s = es_right_next(r); s; s = es_right_next(s))
			assert_false(r->iface == s->iface && r->func == s->func && r->role == s->role);
	}
	for (int i = 0; i < _ES_IFACES; i++)
		for (int f = ES_FN_NONE + 1; f < _ES_FN_COUNT; f++) {
			unsigned n = 0;

			for (int role = 0; role <= ES_ROLE_EUM; role++)
				n += es_role_may(i, f, role);
			assert_int_equal(n > 0, es_msg_exists(i, f, ES_REQUEST) || es_msg_exists(i, f, ES_NOTIFICATION));
		}
	/* off-card.md 3.4: POL2 cannot be granted; 3.6: what can */
	assert_false(es_func_delegable(ES_FN_UPDATE_POLICY_RULES));
	assert_false(es_func_delegable(ES_FN_SET_PLMA));
	assert_false(es_func_delegable(ES_FN_SMSR_CHANGE));
	assert_true(es_func_delegable(ES_FN_ENABLE_PROFILE));
	assert_true(es_func_delegable(ES_FN_AUDIT_EIS));
	assert_true(es_func_delegable(ES_FN_HANDLE_SMSR_CHANGE));
}

static char *out_dir;

static void write_one(void *ctx, enum es_iface i, enum es_func f, enum es_kind k)
{
	static const char *const suffix[] = { "Request", "Response", "" };
	struct bytes *text = es_soap_enc(ctx, help_msg(ctx, i, f, k));

	help_write(talloc_asprintf(ctx, "%s/%s-%s%s.xml", out_dir, es_iface_name(i), es_func_name(f), suffix[k]),
		   text->data, text->len);
}

static void write_schema(void)
{
	void *ctx = talloc_new(NULL);
	struct bytes *xsd = es_schema_xsd(ctx, false), *wsdl;
	const struct es_service *s = NULL;

	help_write(talloc_asprintf(ctx, "%s/x.xsd", out_dir), xsd->data, xsd->len);
	while ((s = es_service_next(s))) {
		wsdl = es_schema_wsdl(ctx, s, s->owner, "https://localhost/es", "x.xsd");
		help_write(talloc_asprintf(ctx, "%s/%s.wsdl", out_dir, s->name), wsdl->data, wsdl->len);
	}
	wsdl = es_schema_wsdl(ctx, NULL, "sm-sr", "https://localhost/es", "x.xsd");
	help_write(talloc_asprintf(ctx, "%s/all.wsdl", out_dir), wsdl->data, wsdl->len);
	talloc_free(ctx);
}

/* lxml reads all we write and finds everything in its namespace */
static void test_lxml_reads_ours(void **state)
{
	void *ctx = talloc_new(NULL);

	if (!help_python()) {
		talloc_free(ctx);
		skip();
	}
	out_dir = help_tmpdir(ctx);
	help_for_each(write_one);
	assert_int_equal(help_foreign("envelope %s", out_dir), 0);
	write_schema();
	assert_int_equal(help_foreign("validate %s", out_dir), 0);
	assert_int_equal(help_foreign("wsdl %s", out_dir), 0);
	help_rmdir(out_dir);
	talloc_free(ctx);
}

/* requests made by lxml and zeep */
static void test_foreign_requests(void **state)
{
	void *ctx = talloc_new(NULL);
	struct bytes *b, *sha;
	struct es_msg *m;
	uint8_t digest[32];
	char *dir;

	if (!help_python()) {
		talloc_free(ctx);
		skip();
	}
	dir = help_tmpdir(ctx);
	assert_int_equal(help_foreign("requests %s", dir), 0);
	b = help_read(ctx, talloc_asprintf(ctx, "%s/zeep.xml", dir));
	m = help_dec(ctx, b->data, b->len);
	assert_int_equal(m->func, ES_FN_DOWNLOAD_PROFILE);
	assert_int_equal(m->b.validity_s, 600);
	assert_string_equal(m->b.smsr_id, "1.3.6.1.4.1.20");
	assert_string_equal(m->b.profile_type, "gold");
	assert_true(m->b.enable_profile);
	assert_memory_equal(m->message_id, "urn:uuid:", 9);
	b = help_read(ctx, talloc_asprintf(ctx, "%s/old.xml", dir));
	m = help_dec(ctx, b->data, b->len);
	assert_true(m->old_ns);
	assert_int_equal(m->func, ES_FN_ENABLE_PROFILE);
	assert_string_equal(m->b.iccid, ICCID_A);
	assert_string_equal(m->b.fcid, "old");
	assert_string_equal(m->from_entity, "1.3.6.1.4.1.10");
	assert_string_equal(m->transaction_id, "t-1");
	b = help_read(ctx, talloc_asprintf(ctx, "%s/senddata.xml", dir));
	m = help_dec(ctx, b->data, b->len);
	assert_int_equal(m->b.data->len, 2000000);
	assert_true(m->b.more_to_do);
	sha = help_read(ctx, talloc_asprintf(ctx, "%s/senddata.sha", dir));
	sha256(&(struct iov){ m->b.data->data, m->b.data->len }, 1, digest);
	assert_memory_equal(digest, sha->data, 32);
	help_rmdir(dir);
	talloc_free(ctx);
}

static int setup(void **state)
{
	char *err;

	validator = es_validator_new(NULL, &err);
	if (!validator)
		printf("%s\n", err);
	return validator ? 0 : -1;
}

static int teardown(void **state)
{
	talloc_free(validator);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fits), cmocka_unit_test(test_unfit), cmocka_unit_test(test_words), cmocka_unit_test(test_rights),
		cmocka_unit_test(test_lxml_reads_ours), cmocka_unit_test(test_foreign_requests),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
