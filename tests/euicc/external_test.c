/* The network as another program (network_external.c): what goes over its socket, with terminals that are a few lines.
 * TPDUs: TS 23.040 9.2.2, made by hand.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <osmocom/core/application.h>
#include <osmocom/core/select.h>
#include <osmocom/core/socket.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <osmocom/rsp/util/logging.h>

#include "../sms/loop.h"
#include "euicc/network.h"

#define IMSI "001010000000001"
#define IMSI2 "001010000000002"

struct ue {
	struct network_ue *ue;
	unsigned ok, refused, mt, mo;
	uint8_t cause, mo_cause, tpdu[200];
	size_t len;
};

static void *root;
static struct network *net;
static char dir[] = "/tmp/external_testXXXXXX", path[64];
static int peer;
static char heard[65536];
static size_t heard_len;
static struct ue a, b;

/* --- terminal --- */

static void attached(void *priv, bool ok, uint8_t cause)
{
	struct ue *u = priv;

	u->ok += ok;
	u->refused += !ok;
	u->cause = cause;
	if (!ok)
		u->ue = NULL;
}

static void mt_sms(void *priv, const uint8_t *tpdu, size_t len)
{
	struct ue *u = priv;

	u->mt++;
	u->len = len;
	memcpy(u->tpdu, tpdu, len);
}

static void mo_done(void *priv, uint8_t cause)
{
	struct ue *u = priv;

	u->mo++;
	u->mo_cause = cause;
}

static const struct network_ue_ops ops = { .attached = attached, .mt_sms = mt_sms };

static void attach(struct ue *u, const char *imsi)
{
	u->ue = network_attach(net, imsi, &ops, u);
	assert_non_null(u->ue);
}

/* --- peer --- */

static bool hears(const char *text)
{
	ssize_t n = recv(peer, heard + heard_len, sizeof(heard) - 1 - heard_len, MSG_DONTWAIT);

	if (n > 0)
		heard_len += n;
	heard[heard_len] = '\0';
	return strstr(heard, text);
}

/* Waits for text and forgets all up to it. */
static bool heard_up_to(const char *text)
{
	char *at;

	if (!LOOP_UNTIL(NULL, 2000, hears(text)))
		return false;
	at = strstr(heard, text) + strlen(text);
	heard_len -= at - heard;
	memmove(heard, at, heard_len + 1);
	return true;
}

static void says(const char *text)
{
	assert_int_equal(send(peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void join(void)
{
	peer = osmo_sock_unix_init(SOCK_STREAM, 0, path, OSMO_SOCK_F_CONNECT);
	assert_true(peer >= 0);
	heard_len = 0;
}

static bool describes(const char *text)
{
	char *s = network_describe(net, root);
	bool yes = strstr(s, text);

	talloc_free(s);
	return yes;
}

static int setup(void **state)
{
	root = talloc_new(NULL);
	net = network_new(root, &(struct network_cfg){ .queue_max = 3 });
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	strcpy(dir, "/tmp/external_testXXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/net", dir);
	assert_int_equal(network_external(net, path), 0);
	assert_int_equal(network_external(net, path), -EALREADY);
	peer = -1;
	return 0;
}

static int teardown(void **state)
{
	network_detach(a.ue);
	network_detach(b.ue);
	if (peer >= 0)
		close(peer);
	talloc_free(net);
	talloc_free(root);
	assert_int_equal(access(path, F_OK), -1);	/* leaves no socket */
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

static void up(void)
{
	join();
	attach(&a, IMSI);
	assert_true(heard_up_to("attach " IMSI "\n"));
	says("attached " IMSI "\n");
	assert_true(LOOP_UNTIL(NULL, 2000, a.ok));
	assert_true(network_attached(net, IMSI));
}

/* --- tests --- */

static void registration(void **state)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	up();
	attach(&b, IMSI2);
	assert_true(heard_up_to("attach " IMSI2 "\n"));
	says("rejected " IMSI2 " 11\n");
	assert_true(LOOP_UNTIL(NULL, 2000, b.refused));
	assert_int_equal(b.cause, 11);
	network_detach(a.ue);
	a.ue = NULL;
	assert_true(heard_up_to("detach " IMSI "\n"));
	LOOP_FOR(NULL, 20);
	assert_false(hears(IMSI2));		/* the peer knows that already */
	assert_true(describes(" 0 attached"));
	assert_true(describes("connected 1 times, 0 lines not understood"));
	assert_int_equal(network_inject_mt(net, "4917", "1001", true, (uint8_t *)"x", 1), -ENOTSUP);
}

/* detach and attach before the peer reads: said in that order, once */
static void again(void **state)
{
	up();
	for (int i = 0; i < 5; i++) {
		network_detach(a.ue);
		attach(&a, IMSI);
	}
	assert_true(heard_up_to("detach " IMSI "\nattach " IMSI "\n"));
	LOOP_FOR(NULL, 20);
	assert_false(hears("attach"));
	attach(&b, IMSI);			/* the same IMSI in another terminal: the newest wins */
	assert_true(heard_up_to("detach " IMSI "\nattach " IMSI "\n"));
	says("attached " IMSI "\n");
	assert_true(LOOP_UNTIL(NULL, 2000, b.ok == 1));
	assert_int_equal(a.ok, 1);
}

static void messages(void **state)
{
	static const uint8_t submit[] = { 0x41, 7, 4, 0x81, 0x01, 0x10, 0x7F, 0xF6, 5, 2, 0x71, 0, 0xAA, 0xBB };

	up();
	says("mt " IMSI " 44048101107FF64211012032540005027000AABB\nmt " IMSI " 4401");
	assert_true(LOOP_UNTIL(NULL, 2000, a.mt == 1));
	assert_int_equal(a.len, 20);
	assert_int_equal(a.tpdu[19], 0xBB);
	says("02\n");
	LOOP_FOR(NULL, 20);
	assert_int_equal(a.mt, 1);		/* one at a time */
	network_mt_done(a.ue, true);
	network_mt_done(a.ue, true);		/* nothing was asked */
	assert_true(heard_up_to("mt-ack " IMSI " 0\n"));
	assert_true(LOOP_UNTIL(NULL, 2000, a.mt == 2));
	assert_int_equal(a.len, 3);
	network_mt_done(a.ue, false);
	assert_true(heard_up_to("mt-ack " IMSI " 111\n"));

	assert_int_equal(network_mo_sms(a.ue, submit, sizeof(submit) - 1, mo_done), -EINVAL);
	assert_int_equal(network_mo_sms(a.ue, submit, sizeof(submit), mo_done), 0);
	assert_int_equal(network_mo_sms(a.ue, submit, sizeof(submit), mo_done), -EBUSY);
	assert_true(heard_up_to("mo " IMSI " 4107048101107ff605027100aabb\n"));
	says("mo-ack " IMSI " 0\n");
	assert_true(LOOP_UNTIL(NULL, 2000, a.mo == 1));
	assert_int_equal(a.mo_cause, 0);
	assert_int_equal(network_mo_sms(a.ue, submit, sizeof(submit), mo_done), 0);
	assert_true(heard_up_to("mo "));
	says("mo-ack " IMSI " 38\n");
	assert_true(LOOP_UNTIL(NULL, 2000, a.mo == 2));
	assert_int_equal(a.mo_cause, 38);
	assert_true(describes("MT 1 delivered, 1 failed; MO 1 taken, 1 failed"));
}

static void peer_leaves(void **state)
{
	static const uint8_t submit[] = { 0x41, 7, 4, 0x81, 0x01, 0x10, 0x7F, 0xF6, 3, 2, 0x71, 0 };

	attach(&b, IMSI2);			/* before there is a peer: told when it comes */
	up();
	assert_int_equal(network_mo_sms(a.ue, submit, sizeof(submit), mo_done), 0);
	says("mt " IMSI " 4401\n");
	assert_true(heard_up_to("mo " IMSI));
	assert_true(LOOP_UNTIL(NULL, 2000, a.mt == 1));
	close(peer);
	assert_true(LOOP_UNTIL(NULL, 2000, a.mo == 1));
	assert_int_equal(a.mo_cause, 38);
	network_mt_done(a.ue, true);
	assert_int_equal(network_mo_sms(a.ue, submit, sizeof(submit), mo_done), 0);
	assert_int_equal(a.mo, 1);		/* not inside the call */
	assert_true(LOOP_UNTIL(NULL, 2000, a.mo == 2));
	join();
	assert_true(LOOP_UNTIL(NULL, 2000, hears("attach " IMSI "\n") && hears("attach " IMSI2 "\n")));
	assert_null(strstr(heard, "mt-ack"));	/* of the message this peer did not send */
	says("attached " IMSI "\n");
	says("attached " IMSI2 "\n");
	assert_true(LOOP_UNTIL(NULL, 2000, b.ok));
	assert_int_equal(a.ok, 1);
	assert_true(describes(" 2 attached"));
	says("rejected " IMSI " 2\n");
	assert_true(LOOP_UNTIL(NULL, 2000, a.refused));
	assert_true(describes(" 1 attached"));
}

static void bad_lines(void **state)
{
	static const char *const lines[] = {
		"\n", "attached\n", "rejected " IMSI "\n", "rejected " IMSI " 0\n", "rejected " IMSI " 256\n", "mt " IMSI "\n",
		"mt " IMSI " 4\n", "mt " IMSI " GG\n", "mo-ack " IMSI " 0\n", "mo-ack " IMSI " -1\n", "attache " IMSI "\n",
	};
	char big[600];
	int other;

	up();
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		says(lines[i]);
	snprintf(big, sizeof(big), "mt " IMSI " %0*d\n", 2 * 177, 0);
	says(big);
	assert_true(LOOP_UNTIL(NULL, 2000, describes(" 12 lines not understood")));
	says("attached 001019999999999\n");	/* of a terminal that has left: nothing wrong */
	for (int i = 0; i < 5; i++)		/* 3 is the limit */
		says("mt " IMSI " 4401\n");
	assert_true(LOOP_UNTIL(NULL, 2000, describes(" 14 lines not understood")));
	other = osmo_sock_unix_init(SOCK_STREAM, 0, path, OSMO_SOCK_F_CONNECT);
	assert_true(LOOP_UNTIL(NULL, 2000, recv(other, big, 1, MSG_DONTWAIT) == 0));	/* one peer at a time */
	close(other);
	assert_true(describes("connected 1 times"));
	memset(big, 'x', sizeof(big));
	assert_true(send(peer, big, sizeof(big), MSG_NOSIGNAL) > 0);
	assert_true(LOOP_UNTIL(NULL, 2000, describes("not connected")));
	assert_true(network_attached(net, IMSI));
}

/* 3,000 terminals and a peer that begins to read late: all is said, once, and no memory grows with what repeats */
static void many(void **state)
{
	static struct ue ues[3000];
	char imsi[32];
	char *at;
	unsigned n = 0;
	size_t before;

	memset(ues, 0, sizeof(ues));
	join();
	for (size_t i = 0; i < ARRAY_SIZE(ues); i++) {
		snprintf(imsi, sizeof(imsi), "00101%010zu", i);
		attach(&ues[i], imsi);
	}
	before = talloc_total_blocks(net);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(ues); i++) {
			snprintf(imsi, sizeof(imsi), "00101%010zu", i);
			network_detach(ues[i].ue);
			attach(&ues[i], imsi);
		}
	}
	assert_int_equal(talloc_total_blocks(net), before);
	for (size_t i = 0; i < ARRAY_SIZE(ues); i++)
		network_detach(ues[i].ue);
	heard_len = 0;
	while (n < ARRAY_SIZE(ues)) {
		assert_true(LOOP_UNTIL(NULL, 2000, hears("detach ")));
		while ((at = strchr(heard, '\n'))) {
			assert_memory_equal(heard, "detach 00101", 12);
			assert_int_equal(strtoul(heard + 12, NULL, 10), n++);
			heard_len -= at + 1 - heard;
			memmove(heard, at + 1, heard_len + 1);
		}
	}
	LOOP_FOR(NULL, 20);
	assert_false(hears("tach"));
	assert_true(talloc_total_blocks(net) < 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(registration, setup, teardown),
		cmocka_unit_test_setup_teardown(again, setup, teardown),
		cmocka_unit_test_setup_teardown(messages, setup, teardown),
		cmocka_unit_test_setup_teardown(peer_leaves, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(many, setup, teardown),
	};
	void *ctx = talloc_named_const(NULL, 0, "external_test");
	int rc;

	osmo_init_logging2(ctx, &rsp_log_info);
	log_set_log_level(osmo_stderr_target, LOGL_FATAL);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	log_fini();
	talloc_free(ctx);
	return rc;
}
