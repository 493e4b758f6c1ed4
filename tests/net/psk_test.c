/* SCP81's TLS against foreign stacks: OpenSSL (s_client) and GnuTLS' own client; SGP.02 2.4.4, ota-transport 8.1.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "net_help.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/utils.h>

#define ID "8001028110890010120123412340123456789012244F10A0000005591010FFFFFFFF8900000100820101830140"
#define KEY "202122232425262728292a2b2c2d2e2f"
#define WRONG "202122232425262728292a2b2c2d2e20"
#define REQUEST "printf 'POST /gsma/adminagent?s=1 HTTP/1.1\\r\\nHost: h\\r\\nConnection: close\\r\\n\\r\\n'"

static char script[2049];

static int psk_cb(void *priv, const char *identity, uint8_t *psk, size_t size)
{
	struct help *h = priv;
	unsigned i;

	h->n_psk_asked++;
	if (strcmp(identity, ID))
		return -ENOENT;
	for (i = 0; i < 16; i++)
		psk[i] = 0x20 + i;
	return 16;
}

static int setup(void **state)
{
	struct help *h = help_new();
	struct http_srv_cfg cfg = help_srv_cfg(h);
	unsigned i;

	for (i = 0; i < sizeof(script) - 1; i++)
		script[i] = 'A' + i % 23;
	h->echo = false;
	h->answer = (const uint8_t *)script;
	h->answer_len = sizeof(script) - 1;
	cfg.tls = HTTP_TLS_PSK;
	cfg.psk_cb = psk_cb;
	cfg.chunk = 480;
	h->srv = http_srv_new(h->ctx, &cfg);
	assert_non_null(h->srv);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	help_free(*state);
	return 0;
}

static int s_client(struct help *h, char **out, const char *id, const char *key, const char *more)
{
	return help_run(h, out, REQUEST " | openssl s_client -connect 127.0.0.1:%u -psk_identity %s -psk %s -tls1_2 "
			"-ign_eof -tlsextdebug %s", http_srv_port(h->srv), id, key, more);
}

/* The 2 kB came whole: each of the chunks is found (a chunk is what lies between two chunk heads). */
static void assert_script(const char *out)
{
	unsigned pos;
	char part[481];

	for (pos = 0; pos < 2048; pos += 480) {
		unsigned n = OSMO_MIN(480, 2048 - pos);

		memcpy(part, script + pos, n);
		part[n] = '\0';
		assert_non_null(strstr(out, part));
	}
	assert_non_null(strstr(out, "Transfer-Encoding: chunked"));
}

static void test_openssl(void **state)
{
	static const char *const suites[] = { "PSK-AES128-GCM-SHA256", "PSK-AES128-CBC-SHA256" };
	static const char *const frag[] = { "", " -maxfraglen 512", " -maxfraglen 1024" };
	struct help *h = *state;
	unsigned i, j, n = 0;
	char *out;

	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		for (j = 0; j < ARRAY_SIZE(frag); j++) {
			s_client(h, &out, ID, KEY, talloc_asprintf(h, "-cipher %s%s", suites[i], frag[j]));
			assert_script(out);
			assert_non_null(strstr(out, suites[i]));
			assert_null(strstr(out, "encrypt-then-mac"));	/* offered by OpenSSL, not to be echoed */
			assert_null(strstr(out, "session ticket"));
			assert_null(strstr(out, "PSK identity hint: h"));
			assert_true(!j || strstr(out, "max fragment length"));
			assert_int_equal(h->n_req, ++n);
			assert_string_equal(h->last_psk, ID);
			assert_string_equal(h->last_query, "s=1");
		}
	}
}

static void test_gnutls(void **state)
{
	struct help *h = *state;
	char *out;

	help_run(h, &out, "(" REQUEST "; sleep 1) | gnutls-cli --pskusername " ID " --pskkey " KEY
		 " --priority NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK -p %u 127.0.0.1", http_srv_port(h->srv));
	assert_script(out);
	assert_string_equal(h->last_psk, ID);
}

/* Nothing else than the two suites of SGP.02 2.4.4, no TLS 1.3. */
static void test_other_suites_refused(void **state)
{
	static const char *const other[] = { "PSK-AES256-GCM-SHA384", "PSK-AES128-CBC-SHA", "DHE-PSK-AES128-GCM-SHA256",
					     "PSK-NULL-SHA256:@SECLEVEL=0" };
	struct help *h = *state;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(other); i++)
		assert_int_not_equal(s_client(h, NULL, ID, KEY, talloc_asprintf(h, "-cipher %s", other[i])), 0);
	assert_int_not_equal(help_run(h, NULL, REQUEST " | openssl s_client -connect 127.0.0.1:%u -psk_identity " ID
				      " -psk " KEY " -tls1_3 -ign_eof", http_srv_port(h->srv)), 0);
	assert_int_equal(h->n_req, 0);
}

/* What the client sees of the failure, without what differs from run to run. */
static char *failure(struct help *h, const char *id, const char *key)
{
	char *out, *p;

	assert_int_not_equal(s_client(h, &out, id, key, "-cipher PSK-AES128-GCM-SHA256"), 0);
	p = strstr(out, "SSL handshake has read");
	assert_non_null(p);
	return talloc_strndup(h, p, strcspn(p, "\n"));
}

static void test_wrong_key_and_unknown_identity_alike(void **state)
{
	struct help *h = *state;
	struct http_srv_stats st;
	char *a = failure(h, ID, WRONG);
	/* same length, another EID */
	char *b = failure(h, "8001028110890010120123412340123456789012254F10A0000005591010FFFFFFFF8900000100820101830140", KEY);

	assert_string_equal(a, b);
	assert_int_equal(h->n_psk_asked, 2);
	assert_int_equal(h->n_req, 0);
	http_srv_stats(h->srv, &st);
	assert_int_equal(st.handshake_failed, 2);
	/* and the server lives on */
	s_client(h, &a, ID, KEY, "-cipher PSK-AES128-GCM-SHA256");
	assert_script(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_openssl, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gnutls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_suites_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_key_and_unknown_identity_alike, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
