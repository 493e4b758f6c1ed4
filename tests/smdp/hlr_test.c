/* hlr_cmd.c against what Debian's osmo-hlr 1.5.0 says on its VTY (transcripts taken from it); hlr_link.c against a VTY
 * that behaves otherwise.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "config.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <unistd.h>
#include <talloc.h>
#include <cmocka.h>

#include <osmocom/core/application.h>
#include <osmocom/core/select.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>

#include "hlr_cmd.h"
#include "hlr_link.h"
#include "smdp_test.h"

static struct hlr_subscriber sub(void)
{
	struct hlr_subscriber s = { .imsi = "901700000012345", .msisdn = "49170", .has_k = true, .has_opc = true,
				    .ind_bitlen = -1 };

	for (int i = 0; i < 16; i++)
		s.k[i] = s.opc[i] = i * 0x11;
	return s;
}

#define HEX "00112233445566778899aabbccddeeff"
static const struct {
	enum hlr_step step;
	const char *cmd, *answer;
	int rc;
} said[] = {
	{HLR_STEP_CREATE, "subscriber imsi 901700000012345 create",
	 "% Created subscriber 901700000012345\r\n    ID: 1\r\n    IMSI: 901700000012345\r\n    MSISDN: none\r", 0},
	{HLR_STEP_CREATE, "subscriber imsi 901700000012345 create",
	 "% Subscriber already exists for IMSI = 901700000012345\r", 0},
	{HLR_STEP_CREATE, "subscriber imsi 901700000012345 create", "% Not a valid IMSI: 90\r", -EREMOTEIO},
	{HLR_STEP_CREATE, "subscriber imsi 901700000012345 create", "% Created subscriber 901700000012346\r",
	 -EREMOTEIO},
	{HLR_STEP_CREATE, "subscriber imsi 901700000012345 create", "% Unknown command.\r", -EREMOTEIO},
	{HLR_STEP_CREATE, "subscriber imsi 901700000012345 create", "", -EPROTO},
	{HLR_STEP_MSISDN, "subscriber imsi 901700000012345 update msisdn 49170",
	 "% Updated subscriber IMSI='901700000012345' to MSISDN='49170'\r", 0},
	{HLR_STEP_MSISDN, "subscriber imsi 901700000012345 update msisdn 49170",
	 "% Error: cannot update MSISDN for subscriber IMSI='901700000012345'\r", -EREMOTEIO},
	{HLR_STEP_MSISDN, "subscriber imsi 901700000012345 update msisdn 49170",
	 "% No subscriber for imsi = '901700000012345'\r", -EREMOTEIO},
	{HLR_STEP_AUC, "subscriber imsi 901700000012345 update aud3g milenage k " HEX " opc " HEX, "", 0},
	{HLR_STEP_AUC, "subscriber imsi 901700000012345 update aud3g milenage k " HEX " opc " HEX,
	 "% Invalid value for K: '0011'\r", -EREMOTEIO},
	{HLR_STEP_DELETE, "subscriber imsi 901700000012345 delete", "% Deleted subscriber for IMSI '901700000012345'\r",
	 0},
	{HLR_STEP_DELETE, "subscriber imsi 901700000012345 delete", "% No subscriber for imsi = '901700000012345'\r",
	 0},
	{HLR_STEP_DELETE, "subscriber imsi 901700000012345 delete", "what?", -EPROTO},
};

static void test_words(void **state)
{
	const struct hlr_subscriber s = sub();
	char cmd[HLR_CMD_SIZE], why[HLR_WHY_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		assert_int_equal(hlr_cmd(cmd, said[i].step, &s), 0);
		assert_string_equal(cmd, said[i].cmd);
		assert_int_equal(hlr_answer(said[i].step, &s, said[i].answer, why), said[i].rc);
		assert_int_equal(!!why[0], said[i].rc != 0);
		assert_null(strstr(why, "0011"));	/* a refusal quotes the key; we do not */
	}
}

static void test_variants(void **state)
{
	struct hlr_subscriber s = sub();
	char cmd[HLR_CMD_SIZE], why[HLR_WHY_SIZE];

	s.ind_bitlen = 5;
	assert_int_equal(hlr_cmd(cmd, HLR_STEP_AUC, &s), 0);
	assert_string_equal(cmd,
			    "subscriber imsi 901700000012345 update aud3g milenage k " HEX " opc " HEX " ind-bitlen 5");
	s.has_opc = false;
	s.ind_bitlen = -1;
	assert_int_equal(hlr_cmd(cmd, HLR_STEP_AUC, &s), 0);
	assert_string_equal(cmd, "subscriber imsi 901700000012345 update aud3g xor k " HEX);
	s.algo = HLR_ALGO_MILENAGE;
	assert_int_equal(hlr_cmd(cmd, HLR_STEP_AUC, &s), -ENODATA);
	s.has_k = false;
	s.algo = HLR_ALGO_XOR;
	assert_int_equal(hlr_cmd(cmd, HLR_STEP_AUC, &s), -ENODATA);
	s.msisdn[0] = '\0';
	assert_int_equal(hlr_cmd(cmd, HLR_STEP_MSISDN, &s), 0);
	assert_string_equal(cmd, "subscriber imsi 901700000012345 update msisdn none");
	assert_int_equal(
		hlr_answer(HLR_STEP_MSISDN, &s, "% Updated subscriber IMSI='901700000012345': removed MSISDN\r", why),
		0);
}

/* The link ------------------------------------------------------------------------------------------------------- */

/* A VTY of our making: what it sends when somebody comes, and after each line. */
static struct {
	struct osmo_fd srv, conn;
	uint16_t port;
	const char *const *script;	/* NULL ends: it hangs up; "" says nothing */
	unsigned lines, conns;
	char got[300];
	char answer[5000], why[200];
	unsigned answers;
} v;

static void next(void)
{
	const char *s = *v.script++;

	if (!s) {
		v.script--;
		osmo_fd_unregister(&v.conn);
		close(v.conn.fd);
		v.conn.fd = -1;
	} else {
		assert_int_equal(write(v.conn.fd, s, strlen(s)), strlen(s));
	}
}

static int conn_cb(struct osmo_fd *fd, unsigned what)
{
	char b[300];
	ssize_t n = read(fd->fd, b, sizeof(b) - 1);

	if (n <= 0) {
		osmo_fd_unregister(fd);
		close(fd->fd);
		fd->fd = -1;
		return 0;
	}
	b[n] = '\0';
	OSMO_STRLCPY_ARRAY(v.got, b);
	v.lines++;
	next();
	return 0;
}

static int srv_cb(struct osmo_fd *fd, unsigned what)
{
	osmo_fd_setup(&v.conn, accept(fd->fd, NULL, NULL), OSMO_FD_READ, conn_cb, NULL, 0);
	assert_int_equal(osmo_fd_register(&v.conn), 0);
	v.conns++;
	next();
	return 0;
}

static void answered(void *priv, const char *answer, const char *why)
{
	v.answers++;
	OSMO_STRLCPY_ARRAY(v.answer, answer ? : "(none)");
	OSMO_STRLCPY_ARRAY(v.why, why ? : "");
}

static int setup(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	memset(&v, 0, sizeof(v));
	v.conn.fd = -1;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd, 5), 0);
	getsockname(fd, (struct sockaddr *)&a, &len);
	v.port = ntohs(a.sin_port);
	osmo_fd_setup(&v.srv, fd, OSMO_FD_READ, srv_cb, NULL, 0);
	return osmo_fd_register(&v.srv);
}

static int teardown(void **state)
{
	osmo_fd_unregister(&v.srv);
	close(v.srv.fd);
	if (v.conn.fd >= 0) {
		osmo_fd_unregister(&v.conn);
		close(v.conn.fd);
	}
	return 0;
}

static void say(struct hlr_link *l, const char *cmd)
{
	unsigned n = v.answers;

	hlr_link_cmd(l, "127.0.0.1", v.port, 1, cmd);
	assert_int_equal(v.answers, n);		/* never from within */
	while (v.answers == n)
		osmo_select_main(0);
	assert_int_equal(v.answers, n + 1);
}

#define BANNER                                                                                                         \
	"Welcome to the OsmoHLR VTY "                                                                                  \
	"interface\r\n\r\nCopyright\r\n\xff\xfb\x01\xff\xfb\x03\xff\xfe\"\xff\xfd\x1fOsmoHLR> "
#define ENABLED "enable\r\nOsmoHLR# "

static void test_dialog(void **state)
{
	static const char *const script[] = { BANNER, ENABLED, "one\r\n% Done > # no prompt\r\nmore\r\nOsmoHLR# ",
					      "two\r\nOsmoHLR# ", NULL };
	struct hlr_link *l = hlr_link_new(NULL, answered, NULL);

	v.script = script;
	say(l, "one");
	assert_string_equal(v.answer, "% Done > # no prompt\r\nmore\r");
	assert_string_equal(v.got, "one\n");
	say(l, "two");		/* on the same connection */
	assert_string_equal(v.answer, "");
	assert_int_equal(v.conns, 1);
	say(l, "three");
	assert_string_equal(v.answer, "(none)");
	assert_non_null(strstr(v.why, "closed"));
	v.script = script;
	say(l, "one");		/* and again from the beginning */
	assert_int_equal(v.conns, 2);
	hlr_link_close(l);
	talloc_free(l);
}

static void odd(const char *a, const char *b, const char *c, const char *why)
{
	const char *const script[] = { a, b, c, NULL };
	struct hlr_link *l = hlr_link_new(NULL, answered, NULL);

	v.script = script;
	say(l, "one");
	assert_string_equal(v.answer, "(none)");
	assert_non_null(strstr(v.why, why));
	talloc_free(l);
	while (v.conn.fd >= 0)
		osmo_select_main(0);
}

static void test_odd(void **state)
{
	static char much[5000];
	struct hlr_link *l;

	memset(much, 'x', sizeof(much) - 1);
	odd(NULL, NULL, NULL, "closed");
	odd("User Access Verification\r\n\r\nPassword: ", "", "", "password");
	odd(BANNER, "enable\r\nOsmoHLR> ", "", "enable");
	odd(BANNER, ENABLED, "two\r\nOsmoHLR# ", "something else");
	odd(BANNER, ENABLED, "onetwo\r\nOsmoHLR# ", "something else");
	odd(BANNER, ENABLED, NULL, "closed");
	odd(BANNER, ENABLED, much, "too much");
	odd(BANNER, "", "", "does not answer");
	/* nobody there */
	l = hlr_link_new(NULL, answered, NULL);
	osmo_fd_unregister(&v.srv);
	close(v.srv.fd);
	say(l, "one");
	assert_non_null(strstr(v.why, "cannot be connected"));
	talloc_free(l);
	v.srv.fd = dup(0);
	assert_int_equal(osmo_fd_register(&v.srv), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_variants),
		cmocka_unit_test_setup_teardown(test_dialog, setup, teardown),
		cmocka_unit_test_setup_teardown(test_odd, setup, teardown),
	};
	void *log_ctx = talloc_named_const(NULL, 0, "logging");
	int rc;

	osmo_init_logging2(log_ctx, &rsp_log_info);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	log_fini();
	talloc_free(log_ctx);
	return rc;
}
