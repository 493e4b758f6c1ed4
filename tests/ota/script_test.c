/* APDUs, scripts (remote_apdu.json), SCP81 texts and triggers (push.json, scp81.json).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <osmocom/rsp/ota/scp81_msg.h>
#include "ota_test.h"

static void check_cmd(const json_t *v)
{
	struct bytes *enc = field(v, "encoded"), *tlvs = empty(), *out = empty();
	json_t *list = json_object_get(v, "c_apdus"), *a;
	bool definite = enc->data[0] == 0xAA;
	struct script_rd s;
	struct tlv t;
	size_t i;

	json_array_foreach(list, i, a) {
		struct bytes *apdu = hex(json_string_value(a));

		script_put_capdu(tlvs, apdu->data, apdu->len);
	}
	enum script_chain chain = str(v, "chaining") ? (int)number(v, "chaining") : SCRIPT_CHAIN_NONE;

	assert_int_equal(script_cmd_enc(out, tlvs->data, tlvs->len, definite, chain), 0);
	assert_true(bytes_eq(out, enc->data, enc->len));
	assert_int_equal(enc->len, tlvs->len + script_cmd_overhead(tlvs->len, definite, chain));
	assert_int_equal(script_cmd_open(&s, enc->data, enc->len), 0);
	assert_int_equal(s.definite, definite);
	assert_int_equal(s.chain, chain);
	json_array_foreach(list, i, a) {
		struct bytes *apdu = hex(json_string_value(a)), *again = empty();
		struct apdu_cmd c;

		assert_int_equal(script_cmd_next(&s, &t), 1);
		assert_int_equal(t.tag, SCRIPT_TAG_CAPDU);
		assert_true(bytes_eq(apdu, t.v, t.len));
		assert_int_equal(apdu_dec(&c, t.v, t.len), 0);
		assert_int_equal(apdu_put(again, &c), 0);
		assert_true(bytes_eq(apdu, again->data, again->len));
	}
	assert_int_equal(script_cmd_next(&s, &t), 0);
	assert_int_equal(script_cmd_next(&s, &t), 0);
}

static void check_rsp(const json_t *v)
{
	struct bytes *enc = field(v, "encoded"), *tlvs = empty(), *out = empty();
	json_t *list = json_object_get(v, "r_apdus"), *a;
	bool definite = enc->data[0] == 0xAB;
	int bad = str(v, "bad_format") ? (int)number(v, "bad_format") : -1;
	int chain = str(v, "script_chaining_response") ? (int)number(v, "script_chaining_response") : -1;
	int immediate = str(v, "immediate_action_response") ? (int)number(v, "immediate_action_response") : -1;
	struct script_rsp r;
	struct apdu_rsp ra;
	struct rd rd;
	size_t i, bare;

	json_array_foreach(list, i, a) {
		struct bytes *rapdu = hex(json_string_value(a));

		script_put_rapdu(tlvs, rapdu->data, rapdu->len - 2, rapdu->data[rapdu->len - 2] << 8 | rapdu->data[rapdu->len - 1]);
	}
	bare = tlvs->len;
	if (chain >= 0)
		tlv_put_u8(tlvs, SCRIPT_TAG_CHAINING, chain);
	if (immediate >= 0)
		tlv_put_u8(tlvs, SCRIPT_TAG_IMMEDIATE, immediate);
	assert_int_equal(script_rsp_enc(out, definite, json_integer_value(json_object_get(v, "executed")), tlvs->data, tlvs->len,
					bad), 0);
	assert_true(bytes_eq(out, enc->data, enc->len));
	assert_int_equal(script_rsp_dec(&r, enc->data, enc->len), 0);
	assert_int_equal(r.executed, definite ? json_integer_value(json_object_get(v, "executed")) : -1);
	assert_int_equal(r.bad_format, bad);
	assert_int_equal(r.chain_error, chain);
	assert_int_equal(r.immediate_error, immediate);
	assert_int_equal(r.len, bare);
	assert_memory_equal(r.tlvs ? r.tlvs : (uint8_t *)"", tlvs->data ? tlvs->data : (uint8_t *)"", bare);
	rd_init(&rd, r.tlvs, r.len);
	json_array_foreach(list, i, a)
		assert_int_equal(script_rapdu_next(&rd, &ra), 1);
	assert_int_equal(script_rapdu_next(&rd, &ra), 0);
}

static void test_vectors(void **state)
{
	json_t *j = vectors("remote_apdu.json"), *v;
	unsigned n = 0;
	size_t i;

	if (!j)
		skip();
	json_array_foreach(json_object_get(j, "vectors"), i, v) {
		const char *name = str(v, "name");

		print_message("%s\n", name);
		if (!strncmp(name, "cmd ", 4))
			check_cmd(v), n++;
		else if (!strncmp(name, "rsp ", 4))
			check_rsp(v), n++;
	}
	assert_int_equal(n, 14);	/* the compact format is not used by SGP.02 */
	json_decref(j);
}

/* What real cards and servers send: card-side 0.1, 7.2, 10; ota-transport 4.5. */
static void test_dialects(void **state)
{
	static const struct { const char *in, *tlvs; } v[] = {
		{ "AF80230290000000", "23029000" },
		{ "AF80860000 00", "8600" },
		{ "AF809F46010200 00", "9F460102" },
		{ "AF80800101 23029000 0000", "23029000" },
		{ "AB0780010123029000", "23029000" },
		{ "AF06 800101 230190", "230190" },
		{ "AF800000", "" },
		{ "AB00", "" },
		{ "AF8023029000", NULL },
		{ "AF80230290000000 9000", NULL },
		{ "AB0780010123029000 00", NULL },
		{ "AB06800101900101", "" },
		{ "AB0A800101 900101 23029000", NULL },
		{ "AA00", NULL },
	};
	struct script_rsp r;
	struct script_rd s;
	struct apdu_rsp a;
	struct tlv t;
	unsigned i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct bytes *in = hex(v[i].in);

		assert_int_equal(script_rsp_dec(&r, in->data, in->len), v[i].tlvs ? 0 : -EINVAL);
		if (v[i].tlvs)
			assert_hex(r.tlvs ? r.tlvs : (uint8_t *)"", r.len, v[i].tlvs);
	}
	struct bytes *in = hex("AE80 A20880F24002024F0000 0000");	/* comprehension bit */

	assert_int_equal(script_cmd_open(&s, in->data, in->len), 0);
	assert_int_equal(script_cmd_next(&s, &t), 1);
	assert_int_equal(t.tag, SCRIPT_TAG_CAPDU);
	in = hex("23029000 A3026A88 23029000");
	assert_int_equal(script_rapdu_decisive(&a, in->data, in->len), 0);
	assert_int_equal(a.sw, 0x6A88);
	assert_int_equal(script_rapdu_decisive(&a, NULL, 0), -ENODATA);
	in = hex("AA05 2204 80E20000 00");
	assert_int_equal(script_cmd_open(&s, in->data, in->len), -EINVAL);
	assert_int_equal(s.bad, SCRIPT_BAD_LENGTH);
	in = hex("AA03 220880");
	assert_int_equal(script_cmd_open(&s, in->data, in->len), 0);
	assert_int_equal(script_cmd_next(&s, &t), -EINVAL);
	assert_int_equal(s.bad, SCRIPT_BAD_LENGTH);
	in = hex("AA01 22");
	assert_int_equal(script_cmd_open(&s, in->data, in->len), 0);
	assert_int_equal(script_cmd_next(&s, &t), -EINVAL);
	assert_int_equal(s.bad, SCRIPT_BAD_NO_LENGTH);
}

static void prefixes_refused(const char *text)
{
	struct bytes *in = hex(text);
	struct script_rsp r;
	struct script_rd s;
	struct tlv t;
	size_t i;
	int rc;

	for (i = 0; i < in->len; i++) {
		uint8_t *p = exact(in->data, i);

		assert_int_equal(script_rsp_dec(&r, p, i), -EINVAL);
		rc = script_cmd_open(&s, p, i);
		while (rc >= 0 && (rc = script_cmd_next(&s, &t)) == 1)
			;
		assert_int_equal(rc, -EINVAL);
		free(p);
	}
}

static void test_prefixes(void **state)
{
	struct bytes *apdu = hex("80F24002174F10A0000005591010FFFFFFFF89000013005C034F9F7000");
	struct apdu_cmd c;
	size_t i;

	prefixes_refused("AA0D830101220880F24002024F0000");
	prefixes_refused("AE80220880F24002024F00000000");
	prefixes_refused("AB0B8001022302900023026A88");
	prefixes_refused("AF8023029000 86020102 0000");
	for (i = 0; i < apdu->len; i++) {
		uint8_t *p = exact(apdu->data, i);
		/* 4: case 1; 5: case 2; without Le: case 3 */
		bool good = i == 4 || i == 5 || i == apdu->len - 1;

		assert_int_equal(apdu_dec(&c, p, i), good ? 0 : -EINVAL);
		free(p);
	}
	apdu = hex("80E28800 00 0102");	/* extended lengths */
	assert_int_equal(apdu_dec(&c, apdu->data, apdu->len), -EINVAL);
}

/* card-side 2.3, ota-transport 8.2, scp81.json. */
static void test_psk_id(void **state)
{
	static const char text[] = "8001028110890010120123412340123456789012244F10A0000005591010FFFFFFFF8900000100820101830140";
	struct scp81_psk_id id = { .sd = aid_isd_r, .kid = 1, .kvn = 0x40 }, got;
	char out[SCP81_PSK_ID_SIZE], cut[SCP81_PSK_ID_SIZE];
	json_t *j = vectors("scp81.json");
	size_t i;

	assert_int_equal(eid_from_str(&id.eid, "89001012012341234012345678901224"), 0);
	assert_int_equal(scp81_psk_id_enc(out, sizeof(out), &id), 0);
	assert_string_equal(out, text);
	assert_int_equal(strlen(out), 90);
	if (j)
		assert_string_equal(out, str(json_object_get(j, "psk"), "psk_identity_ascii"));
	json_decref(j);
	assert_int_equal(scp81_psk_id_enc(out, 90, &id), -ENOSPC);
	assert_int_equal(scp81_psk_id_dec(&got, text), 0);
	assert_memory_equal(&got.eid, &id.eid, 16);
	assert_true(aid_eq(&got.sd, &id.sd));
	assert_int_equal(got.kid, 1);
	assert_int_equal(got.kvn, 0x40);
	assert_int_equal(scp81_psk_id_dec(&got, "83014082010180010281108900101201234123401234567890122"
					  "44f10a0000005591010ffffffff8900000100"), 0);	/* other order, lower case */
	for (i = 0; i < strlen(text); i++) {
		memcpy(cut, text, i);
		cut[i] = 0;
		assert_int_equal(scp81_psk_id_dec(&got, cut), -EINVAL);
	}
	assert_int_equal(scp81_psk_id_dec(&got, "operator-key"), -EINVAL);
	assert_int_equal(scp81_psk_id_dec(&got, "80 0102"), -EINVAL);
}

static void test_admin_texts(void **state)
{
	static const char from[] = "//se-id/eid/89001012012341234012345678901224;//aa-id/aid/A000000559/1010FFFFFFFF8900000100";
	struct eid eid;
	struct aid aid;
	char out[SCP81_FROM_SIZE], cut[SCP81_FROM_SIZE];
	size_t i;

	assert_int_equal(scp81_from_dec(&eid, &aid, from), 0);
	assert_true(aid_eq(&aid, &aid_isd_r));
	assert_int_equal(scp81_from_enc(out, sizeof(out), &eid, &aid), 0);
	assert_string_equal(out, from);
	for (i = 0; i < sizeof(from) - 1; i++) {
		memcpy(cut, from, i);
		cut[i] = 0;
		/* an AID may be shorter: 5 octets are enough for it to be one */
		if (scp81_from_dec(&eid, &aid, cut) == 0)
			assert_true(aid.len >= 5 && aid.len < 16);
	}
	assert_int_equal(scp81_target_dec(&aid, "//aid/A000000559/1010FFFFFFFF8900001300"), 0);
	assert_int_equal(aid_tar(&aid), 0x13);
	assert_int_equal(scp81_target_enc(out, sizeof(out), &aid), 0);
	assert_string_equal(out, "//aid/A000000559/1010FFFFFFFF8900001300");
	assert_int_equal(scp81_target_dec(&aid, "//aid/a0000005591010ffffffff/8900001300"), 0);
	assert_int_equal(scp81_target_dec(&aid, "//aid/A000000559/1010FFFFFFFF890000130000"), -EINVAL);
	assert_int_equal(scp81_target_dec(&aid, "A000000559"), -EINVAL);
	assert_int_equal(scp81_status_parse("OK"), SCP81_ST_OK);
	assert_int_equal(scp81_status_parse("unknown-application"), SCP81_ST_UNKNOWN_APPLICATION);
	assert_int_equal(scp81_status_parse("new-word"), SCP81_ST_SECURITY_ERROR);
}

static void trigger_is(const struct scp81_params *p, const char *want)
{
	struct bytes *out = empty(), *in = hex(want);
	struct scp81_params got;
	size_t i;

	assert_int_equal(scp81_trigger_enc(out, p), 0);
	assert_bytes(out, want);
	assert_int_equal(scp81_trigger_dec(&got, in->data, in->len), 0);
	if (p)
		assert_memory_equal(&got, p, sizeof(got));
	for (i = 0; i < in->len; i++) {
		uint8_t *cut = exact(in->data, i);

		assert_int_equal(scp81_trigger_dec(&got, cut, i), -EINVAL);
		free(cut);
	}
}

static const char *push_vector(json_t *j, const char *name)
{
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(j, "vectors"), i, v) {
		if (!strcmp(str(v, "name"), name))
			return str(v, "encoded");
	}
	fail_msg("no vector %s", name);
	return NULL;
}

static void test_trigger(void **state)
{
	json_t *j = vectors("push.json");
	struct scp81_params *p = talloc_zero(root, struct scp81_params), *got = talloc_zero(root, struct scp81_params);
	struct bytes *in;

	if (!j)
		skip();
	trigger_is(NULL, push_vector(j, "HTTPS trigger empty (all stored parameters)"));
	p->has_conn = true;
	p->port = 443;
	strcpy(p->ip, "10.0.0.1");
	strcpy(p->uri, "/gsma/adminagent");
	trigger_is(p, push_vector(j, "HTTPS trigger minimal"));
	p->buffer = 0x0578;
	strcpy(p->apn, "iot.example");
	strcpy(p->psk_id, "8001028110890010120123412340123456789012244F10A0000005591010FFFFFFFF8900000100820101830140");
	p->kvn = 0x40;
	p->kid = 1;
	p->has_retry = true;
	p->retry_count = 3;
	p->retry_delay_s = 180;
	strcpy(p->host, "smsr.example");
	strcpy(p->agent, "//se-id/eid/89001012012341234012345678901224;//aa-id/aid/A000000559/1010FFFFFFFF8900000100");
	trigger_is(p, push_vector(j, "HTTPS trigger full"));
	strcpy(p->ip, "2001:db8::1");	/* no vector: there and back */
	strcpy(p->login, "user");
	strcpy(p->password, "pass");
	in = empty();
	assert_int_equal(scp81_trigger_enc(in, p), 0);
	assert_int_equal(scp81_trigger_dec(got, in->data, in->len), 0);
	assert_memory_equal(got, p, sizeof(*p));
	/* the failure report inside the retry policy is passed over */
	in = hex(push_vector(j, "retry policy with failure report, no SMS parameters"));
	assert_int_equal(scp81_params_dec(got, in->data, in->len), 0);
	assert_int_equal(got->retry_delay_s, 180);
	/* header injection by way of a URI */
	in = hex("8108 8306 8904 8C02 0D0A");
	assert_int_equal(scp81_trigger_dec(got, in->data, in->len), -EINVAL);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_vectors), TEST(test_dialects), TEST(test_prefixes), TEST(test_psk_id), TEST(test_admin_texts),
		TEST(test_trigger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
