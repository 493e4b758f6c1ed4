/* What cards have said, replayed octet by octet as whole dialogs against the server's card sessions: the digest's
 * worked examples and captures (spec/vectors, card-side 3.11, 3.12). Nothing of the simulator takes part; over HTTPS
 * the card's end is openssl s_client.  SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include "session_help.h"
#include "s_client.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/scp80.h>
#include <osmocom/rsp/util/bytes.h>

/* --- the digest's files --------------------------------------------------------------------------------------- */

static json_t *doc;

static int load(const char *name)
{
	const char *dirs[] = {
		getenv("RSP_SHARED"), "../shared", "../../shared", "../../../shared", "../../../../shared"
	};
	char path[512];

	for (unsigned i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (!dirs[i])
			continue;
		snprintf(path, sizeof(path), "%s/spec/vectors/%s", dirs[i], name);
		doc = json_load_file(path, JSON_ALLOW_NUL, NULL);
		if (doc)
			return 0;
	}
	printf("SKIPPED: %s not found, set RSP_SHARED\n", name);
	return -1;
}

static int end(void **state)
{
	json_decref(doc);
	doc = NULL;
	return world_teardown(state);
}

static const char *text(const char *list, const char *name, const char *key)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(doc, list), i, v)
		if (!strcmp(json_string_value(json_object_get(v, "name")), name))
			return json_string_value(json_object_get(v, key));
	fail_msg("no '%s' in the digest", name);
	return NULL;
}

static struct bytes *octets(const char *list, const char *name, const char *key)
{
	struct bytes *b = bytes_from_hex(W, text(list, name, key));

	assert_non_null(b);
	return b;
}

/* --- SCP80 by SMS --------------------------------------------------------------------------------------------- */

#define GET_STATUS_AES "AES 16 39 GET STATUS expanded definite"

static void response(const char *name)
{
	struct bytes *p = octets("vectors", name, "packet");

	card_sessions_sms_rx(W->cs, W->msisdn, true, p->data, p->len);
	world_turn();
}

static void command(struct owner *o, unsigned sms, const char *name, const char *script_hex)
{
	struct card_cmd c = world_cmd(o, script_hex);

	world_send(o, &c, 10);
	assert_int_equal(W->n_sms, sms + 1);
	assert_hex(W->sms[sms].packet, W->sms[sms].len, text("vectors", name, "packet"));
	world_sms(sms, SMS_DELIVERED);
}

static void test_sms(void **state)
{
	struct owner o = { 0 };

	if (load("scp80.json") < 0)
		skip();
	W->https = false;
	world_start(5);
	command(&o, 0, GET_STATUS_AES, GET_STATUS);
	response("PoR 0B actual response sent by SMS-SUBMIT, ciphered + CC");	/* it is still to come */
	assert_int_equal(o.n_done, 0);
	response("3DES PoR ok");			/* another card's */
	response("PoR status 02, not secured");		/* anybody's */
	assert_int_equal(o.n_done, 0);
	response("PoR ok, ciphered + CC, expanded response");
	assert_int_equal(o.n_done, 1);
	assert_int_equal(o.outcome, CARD_OK);
	assert_hex(o.resp, o.resp_len, "23029000");
	response("PoR ok, ciphered + CC, expanded response");	/* twice: nobody waits for it */
	assert_int_equal(o.n_done, 1);
}

static void test_sms_counter_low(void **state)
{
	struct owner o = { 0 };

	if (load("scp80.json") < 0)
		skip();
	W->https = false;
	world_start(5);
	command(&o, 0, GET_STATUS_AES, GET_STATUS);
	response("PoR status 02 counter low, ciphered + CC");
	assert_int_equal(o.n_done, 1);
	assert_int_not_equal(o.outcome, CARD_OK);
}

/* Command and response of several SMS. */
static void test_sms_long(void **state)
{
	static const char name[] = "AES 16 39 long, needs 2 SMS";
	struct owner o = { 0 };
	const char *data;
	char *script, *want;

	if (load("scp80.json") < 0)
		skip();
	W->https = false;
	W->counter = 3;
	world_start(5);
	data = text("vectors", name, "secured_data");
	assert_int_equal(strncmp(data, "AA81D0", 6), 0);
	script = talloc_strdup(W, data + 6);
	command(&o, 0, name, script);
	response("PoR ok long, needs 2 SMS");
	assert_int_equal(o.outcome, CARD_OK);
	data = text("vectors", "PoR ok long, needs 2 SMS", "data");	/* AB81CE 800101 23.. */
	want = talloc_strdup(W, data + 12);
	assert_hex(o.resp, o.resp_len, want);
}

/* card-side 3.11, 3.12: a card's notification (its checksum verifies under the published key), our confirmation, and
 * what the card says to that. */
static void test_sms_notification(void **state)
{
	static const char packet[] = "004D150200101200000100000000000045AAB54EB13D7749E1354C10890010120123412340"
		"1234567890" "12244D01024E0200004F10A0000005591010FFFFFFFF890000130014083A45990057918503";
	struct bytes *p = bytes_from_hex(W, packet), *script;
	struct owner o = { 0 };
	struct scp80_sec sec;
	uint8_t kid[16];

	hex_dec(kid, 16, "11223344556677889910111213141516");
	talloc_free(W->kid);
	W->kid = key_new(W, KEY_TYPE_AES, kid, 16);
	world_start(5);
	W->confirm = world_cmd(&o, "220D80E28900073A08044E02000000");
	W->confirm_wanted = true;
	card_sessions_sms_rx(W->cs, W->msisdn, false, p->data, p->len);
	world_turn();
	assert_int_equal(W->n_notif, 1);
	assert_hex(W->notif, W->notif_len, packet + 48);	/* E1 .. */
	assert_int_equal(W->n_sms, 1);
	script = world_open(0, &sec);
	assert_hex(script->data, script->len, "AA0F220D80E28900073A08044E02000000");
	world_sms(0, SMS_DELIVERED);
	world_por(&sec, 0x00, "AB1B800101231680124F10A0000005591010FFFFFFFF89000013009000");
	assert_int_equal(o.outcome, CARD_OK);
	assert_hex(o.resp, o.resp_len, "231680124F10A0000005591010FFFFFFFF89000013009000");
	/* its checksum is not another card's: EID and all the rest right */
	p->data[14]++;
	card_sessions_sms_rx(W->cs, W->msisdn, false, p->data, p->len);
	assert_int_equal(W->n_notif, 1);
}

/* --- SCP81 ---------------------------------------------------------------------------------------------------- */

/* The card's request as published, but for the place that our Next-URI takes. */
static void say(struct s_client *s, const char *name, const char *next_uri)
{
	struct bytes *b = octets("http", name, "hex");
	const char *end = memmem(b->data, b->len, " HTTP/1.1\r\n", 11);
	char *start;

	assert_non_null(end);
	if (!next_uri) {
		s_client_write(s, b->data, b->len);
		return;
	}
	start = talloc_asprintf(W, "POST %s", next_uri);
	s_client_write(s, start, strlen(start));
	s_client_write(s, end, b->len - (end - (const char *)b->data));
}

/* The server's answer: the published header lines, Next-URI aside; others may not be but Date. */
static void headers_as(const char *answer, const char *name, char next_uri[200])
{
	char *want = talloc_strdup(W, text("http", name, "latin1")), *end = strstr(want, "\r\n\r\n");
	char *line, *save = NULL;
	const char *p = strstr(answer, "X-Admin-Next-URI: ");

	assert_non_null(end);
	*end = '\0';
	for (line = strtok_r(want, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save)) {
		if (!strncmp(line, "X-Admin-Next-URI: ", 18))
			assert_true(p && sscanf(p, "X-Admin-Next-URI: %199s", next_uri) == 1);
		else if (!strstr(answer, line))
			fail_msg("'%s' is not in the answer", line);
	}
	if (!strstr(text("http", name, "latin1"), "Next-URI"))
		assert_null(p);
	assert_null(strstr(answer, "Content-Length"));
}

static void body_is(const char *answer, const char *want_hex)
{
	struct bytes *body = bytes_new(W, 0);
	char *p = strstr(answer, "\r\n\r\n") + 4;
	unsigned n;

	while ((n = strtoul(p, &p, 16))) {
		bytes_put(body, p + 2, n);
		p += 2 + n + 2;
	}
	assert_hex(body->data, body->len, want_hex);
}

#define CHUNKED_END "\r\n0\r\n\r\n"

static void test_https(void **state)
{
	struct s_client *s = talloc_zero(W, struct s_client), *s2 = talloc_zero(W, struct s_client);
	struct owner o = { 0 }, o2 = { 0 };
	struct card_cmd c = world_cmd(&o, GET_STATUS), c2;
	char uri[200], *long_script;

	if (load("scp81.json") < 0)
		skip();
	osmo_tdef_set(card_session_tdefs, CARD_T_REOPEN, 5000, OSMO_TDEF_MS);	/* it takes its time to start */
	world_start(5);
	c.more = true;
	world_send(&o, &c, 20);
	s_client_start(s, "PSK-AES128-GCM-SHA256");
	say(s, "first POST", NULL);
	s_client_await(s, CHUNKED_END);
	headers_as(s->buf, "200 with script for the ISD-R", uri);
	body_is(s->buf, "AE80220880F24002024F00000000");
	/* it says that it goes on where it was, on another connection: the same again */
	s_client_end(s);
	s_client_start(s2, "PSK-AES128-CBC-SHA256");
	s = s2;
	say(s, "POST resume", uri);
	s_client_await(s, CHUNKED_END);
	headers_as(s->buf, "200 with script for the ISD-R", uri);
	assert_int_equal(o.n_done, 0);
	say(s, "POST with response", uri);
	world_wait(&o.n_done, 1);
	assert_int_equal(o.outcome, CARD_OK);
	assert_hex(o.resp, o.resp_len, "23029000");
	/* the next one, for an ISD-P that this card does not have */
	long_script = talloc_strdup(W, "2281CD80E28800C8");
	for (unsigned i = 0; i < 0xC8; i++)
		long_script = talloc_asprintf_append(long_script, "%02X", i);
	c2 = world_cmd(&o2, long_script);
	aid_isdp(&c2.target, 0x10);
	world_send(&o2, &c2, 20);
	s_client_await(s, CHUNKED_END);
	headers_as(s->buf, "200 with script for an ISD-P, 100-octet chunks", uri);
	body_is(s->buf, talloc_asprintf(W, "AE80%s0000", long_script));
	say(s, "POST script status error, no body", uri);
	s_client_await(s, "204 No Content");
	headers_as(s->buf, "204 end of session", uri);
	assert_int_equal(o2.outcome, CARD_REJECTED);
	assert_string_equal(o2.detail, "unknown-application");
	s_client_end(s);
}

static void test_https_notification(void **state)
{
	static const char e1[] =
		"E1354C10890010120123412340123456789012244D01024E0200012F10A0000005591010FFFFFFFF8900001000"
		"14083A51020000000010";
	struct s_client *s = talloc_zero(W, struct s_client);
	struct owner o = { 0 };
	char uri[200];

	if (load("scp81.json") < 0)
		skip();
	world_start(5);
	W->confirm = world_cmd(&o, "220D80E28900073A08044E020001");
	W->confirm_wanted = true;
	s_client_start(s, "PSK-AES128-GCM-SHA256");
	say(s, "first POST with notification", NULL);
	s_client_await(s, CHUNKED_END);
	assert_int_equal(W->n_notif, 1);
	assert_hex(W->notif, W->notif_len, e1);
	headers_as(s->buf, "200 with script for the ISD-R", uri);
	body_is(s->buf, "AE80220D80E28900073A08044E0200010000");
	say(s, "POST with response", uri);
	s_client_await(s, "204 No Content");
	headers_as(s->buf, "204 end of session", uri);
	assert_int_equal(o.outcome, CARD_OK);
	assert_int_equal(W->n_sms, 0);
	s_client_end(s);
}

int main(void)
{
#define T(x) cmocka_unit_test_setup_teardown(test_##x, world_setup, end)
	const struct CMUnitTest tests[] = {
		T(sms), T(sms_counter_low), T(sms_long), T(sms_notification), T(https), T(https_notification),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
