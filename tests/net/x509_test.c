/* Mutual TLS of the ES interfaces: certificates made by OpenSSL, foreign client curl, our client, CRL at run time.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "net_help.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/utils.h>

static const char make_certs[] =
	"exec 2>/dev/null; "
	"K='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30'; "
	"ca() { openssl req -x509 $K -keyout $1.key -out $1.pem -subj /CN=$1 -addext keyUsage=critical,keyCertSign,cRLSign"
	" -addext basicConstraints=critical,CA:TRUE; }; "
	"leaf() { openssl req $K -keyout $1.key -out $1.csr -subj /CN=$1; "
	" printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=%s\\nkeyUsage=digitalSignature\\n' $3 >ext; "
	" openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days 30 -extfile ext -out $1.pem; }; "
	"ca ca; ca other; leaf srv ca serverAuth; leaf cli ca clientAuth; leaf stranger other clientAuth; "
	"leaf foreign other serverAuth; leaf wrongeku ca serverAuth; "
	"mkdir -p d; : >index.txt; echo 01 >crlnumber; "
	"printf '[ca]\\ndefault_ca=x\\n[x]\\ndatabase=index.txt\\ncrlnumber=crlnumber\\ndefault_md=sha256\\n"
	"default_crl_days=30\\n' >c.cnf; "
	"openssl ca -config c.cnf -gencrl -keyfile ca.key -cert ca.pem -out crl.pem; "
	"openssl x509 -in cli.pem -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f >cli.fpr; "
	"test -s crl.pem && test -s wrongeku.pem";

static char *path(struct help *h, const char *name)
{
	return talloc_asprintf(h, "%s/%s", h->dir, name);
}

static struct http_srv *srv_new(struct help *h, const char *name)
{
	struct http_srv_cfg cfg = help_srv_cfg(h);

	cfg.tls = HTTP_TLS_X509;
	cfg.cert_file = path(h, talloc_asprintf(h, "%s.pem", name));
	cfg.key_file = path(h, talloc_asprintf(h, "%s.key", name));
	cfg.ca_file = path(h, "ca.pem");
	cfg.crl_file = path(h, "crl.pem");
	return http_srv_new(h->ctx, &cfg);
}

static int setup(void **state)
{
	struct help *h = help_new();

	assert_int_equal(help_run(h, NULL, "%s", make_certs), 0);
	h->srv = srv_new(h, "srv");
	assert_non_null(h->srv);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	help_free(*state);
	return 0;
}

static struct http_cli *cli_new(struct help *h, const char *name)
{
	struct http_cli_cfg cfg = {
		.cert_file = path(h, talloc_asprintf(h, "%s.pem", name)),
		.key_file = path(h, talloc_asprintf(h, "%s.key", name)),
		.ca_file = path(h, "ca.pem"),
		.timeout_s = 5,
	};

	return http_cli_new(h->ctx, &cfg);
}

static char *url(struct help *h)
{
	return talloc_asprintf(h, "https://127.0.0.1:%u/es3", http_srv_port(h->srv));
}

static int post(struct help *h, struct http_cli *cli)
{
	unsigned n = h->n_done;

	assert_int_equal(http_cli_post(cli, url(h), "text/xml", "<x/>", 4, help_done, h), 0);
	help_wait(&h->n_done, n + 1, 8000);
	return h->last_status;
}

static void test_server_saw_our_certificate(void **state)
{
	struct help *h = *state;
	struct http_cli *cli = cli_new(h, "cli");
	char *fpr;

	assert_int_equal(post(h, cli), 200);
	help_run(h, &fpr, "tr -d '\\n' <cli.fpr");
	assert_int_equal(strlen(fpr), 64);
	assert_string_equal(h->last_fpr, fpr);	/* as OpenSSL says */
	http_cli_free(cli);
}

static void test_refused(void **state)
{
	static const char *const who[] = { "stranger", "wrongeku" };
	struct help *h = *state;
	struct http_cli *cli;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(who); i++) {
		cli = cli_new(h, who[i]);
		assert_true(post(h, cli) < 0);
		http_cli_free(cli);
	}
	assert_int_equal(h->n_req, 0);
}

static void test_curl(void **state)
{
	static const char *const tls[] = { "--tls-max 1.2", "--tlsv1.3" };
	struct help *h = *state;
	unsigned i, n = 0;
	char *out;

	for (i = 0; i < ARRAY_SIZE(tls); i++) {
		assert_int_equal(help_run(h, &out, "curl -s --cacert ca.pem --cert cli.pem --key cli.key %s -d abc %s", tls[i],
					  url(h)), 0);
		assert_string_equal(out, "abc");
		assert_int_equal(h->n_req, ++n);
		assert_int_not_equal(help_run(h, &out, "curl -s --cacert ca.pem %s -d abc %s", tls[i], url(h)), 0);
		assert_int_equal(h->n_req, n);		/* no certificate: no request */
	}
	assert_int_not_equal(help_run(h, &out, "curl -s --cacert ca.pem --cert cli.pem --key cli.key --tls-max 1.1 "
				      "--ciphers DEFAULT@SECLEVEL=0 -d abc %s", url(h)), 0);
	assert_int_equal(h->n_req, n);
}

/* The client trusts its own list and nothing else. */
static void test_foreign_server(void **state)
{
	struct help *h = *state;
	struct http_cli *cli = cli_new(h, "cli");

	http_srv_free(h->srv);
	h->srv = srv_new(h, "foreign");
	assert_non_null(h->srv);
	assert_int_equal(post(h, cli), -EPROTO);
	assert_int_equal(h->n_req, 0);
	http_cli_free(cli);
}

static void test_crl_at_run_time(void **state)
{
	struct help *h = *state;
	struct http_cli *cli = cli_new(h, "cli"), *fresh;
	unsigned long conn;

	assert_int_equal(post(h, cli), 200);
	conn = h->last_conn;
	assert_int_equal(http_srv_reload(h->srv), 0);
	assert_int_equal(post(h, cli), 200);	/* still good, same connection */
	assert_true(h->last_conn == conn);
	assert_int_equal(help_run(h, NULL, "openssl ca -config c.cnf -keyfile ca.key -cert ca.pem -revoke cli.pem && "
				  "openssl ca -config c.cnf -gencrl -keyfile ca.key -cert ca.pem -out crl.pem"), 0);
	assert_int_equal(post(h, cli), 200);	/* not yet read */
	assert_int_equal(http_srv_reload(h->srv), 0);
	assert_int_equal(h->n_req, 3);
	assert_true(post(h, cli) < 0);		/* the kept connection does not help */
	fresh = cli_new(h, "cli");
	assert_true(post(h, fresh) < 0);
	assert_int_equal(h->n_req, 3);
	http_cli_free(fresh);
	http_cli_free(cli);
	/* a broken file: said so, and the old trust list stays */
	assert_int_equal(help_run(h, NULL, "echo nonsense >ca.pem"), 0);
	assert_true(http_srv_reload(h->srv) < 0);
}

static void test_no_files(void **state)
{
	struct help *h = *state;

	assert_null(srv_new(h, "absent"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_server_saw_our_certificate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_curl, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign_server, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crl_at_run_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_files, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
