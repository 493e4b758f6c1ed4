/* Short messages through SMPP as osmo-smsr sends them, against the simulator's SMSC in another process that goes down in the
 * middle and comes back: rate, and whether each of them reached its terminal.
 * What is reported as unknown (the link broke) is sent again by the caller, as a card session does.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <osmocom/core/application.h>
#include <osmocom/core/fsm.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/timer.h>

#include <osmocom/rsp/sms/sms_port.h>
#include <osmocom/rsp/sms/tpdu.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/sqldb.h>

#include "euicc/network.h"

#define MESSAGES 100000
#define RATE_LIMIT 2000
#define NUMBERS 1000
#define WINDOW 100
#define OUTSTANDING 2000
#define PACKET 100

static struct shared {			/* of both processes */
	volatile int port;
	volatile unsigned got;			/* distinct messages that reached a terminal */
	volatile unsigned twice;
	volatile uint8_t seen[MESSAGES];
} *shared;

/* --- the other process: SMSC, network, terminals --- */

static struct network *net;
static struct network_ue *ue[NUMBERS];

static void phone_attached(void *priv, bool ok, uint8_t cause)
{
}

static void phone_mt(void *priv, const uint8_t *tpdu, size_t len)
{
	struct tpdu_deliver d;
	uint32_t n;

	if (tpdu_deliver_dec(&d, tpdu, len) == 0 && d.ud_len >= 7) {
		n = d.ud[3] << 16 | d.ud[4] << 8 | d.ud[5];
		if (n < MESSAGES) {
			if (shared->seen[n]++)
				shared->twice++;
			else
				shared->got++;
		}
	}
	network_mt_done(ue[(intptr_t)priv], true);
}

static const struct network_ue_ops phone_ops = { .attached = phone_attached, .mt_sms = phone_mt };

static void restart_cb(void *data)
{
	static bool done;

	if (!done && shared->got >= MESSAGES / 2) {
		done = true;
		network_smsc_restart(net, 1);
	}
	osmo_timer_schedule(data, 0, 5000);
}

static void number(char *out, size_t size, unsigned i)
{
	snprintf(out, size, "49172%07u", i);
}

static void child(void *ctx)
{
	struct osmo_timer_list tick = {};
	char imsi[16], msisdn[16];

	net = network_new(ctx, NULL);
	for (intptr_t i = 0; i < NUMBERS; i++) {
		snprintf(imsi, sizeof(imsi), "26242%010u", (unsigned)i);
		number(msisdn, sizeof(msisdn), i);
		if (network_subscriber_add(net, imsi, msisdn, NULL, NULL) < 0)
			exit(1);
		ue[i] = network_attach(net, imsi, &phone_ops, (void *)i);
	}
	osmo_timer_setup(&tick, restart_cb, &tick);
	restart_cb(&tick);
	shared->port = network_smpp_listen(net, "127.0.0.1", 0, "secret");
	while (getppid() > 1)
		osmo_select_main_ctx(0);
	exit(0);
}

/* --- this process: the SM-SR's side --- */

static struct sms_port *port;
static unsigned next, outstanding, delivered, again, other, todo[MESSAGES], n_todo;

static void done(void *priv, enum sms_outcome outcome)
{
	outstanding--;
	if (outcome == SMS_DELIVERED) {
		delivered++;
		return;
	}
	again++;
	other += outcome == SMS_UNREACHABLE;
	todo[n_todo++] = (intptr_t)priv;
}

static bool submit(unsigned n)
{
	uint8_t packet[PACKET] = { n >> 16, n >> 8, n };
	char msisdn[16];

	number(msisdn, sizeof(msisdn), n % NUMBERS);
	if (sms_port_send(port, msisdn, packet, sizeof(packet), done, (void *)(intptr_t)n) < 0)
		return false;
	outstanding++;
	return true;
}

static void fill(void)
{
	while (outstanding < OUTSTANDING && n_todo && sms_port_up(port)) {
		if (!submit(todo[n_todo - 1]))
			return;
		n_todo--;
	}
	while (outstanding < OUTSTANDING && next < MESSAGES && sms_port_up(port)) {
		if (!submit(next))
			return;
		next++;
	}
}

static void rx(void *priv, const char *from, bool response, const uint8_t *packet, size_t len)
{
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void tick_cb(void *data)
{
	osmo_timer_schedule(data, 0, 10000);
}

static double run(struct sqldb *db, double *down)
{
	struct osmo_timer_list tick = {};
	double t0 = now_s(), last = t0, now;
	bool up = true;

	osmo_timer_setup(&tick, tick_cb, &tick);
	tick_cb(&tick);
	while (delivered < MESSAGES && now_s() - t0 < 300) {
		fill();
		osmo_select_main_ctx(0);
		txn_commit(db);
		now = now_s();
		if (!up)
			*down += now - last;
		up = sms_port_up(port);
		last = now;
	}
	osmo_timer_del(&tick);
	return now_s() - t0;
}

static int report(double s, double down)
{
	double rate = delivered / (s - down);

	printf("smpp_messages_delivered: %u messages limit %u messages ratio %.3f\n", delivered, MESSAGES,
	       (double)delivered / MESSAGES);
	printf("smpp_messages_lost: %u messages limit 0 messages\n", MESSAGES - shared->got);
	printf("smpp_rate: %.0f SMS/s limit %u SMS/s ratio %.2f\n", rate, RATE_LIMIT, rate / RATE_LIMIT);
	printf("smpp_rate_with_restart: %.0f SMS/s limit %u SMS/s ratio %.2f\n", delivered / s, RATE_LIMIT,
	       delivered / s / RATE_LIMIT);
	printf("smpp_smsc_down: %.2f s\n", down);
	printf("smpp_sent_again: %u messages\nsmpp_received_twice: %u messages\n", again, shared->twice);
	return delivered == MESSAGES && shared->got == MESSAGES && rate >= RATE_LIMIT && down > 0 && !other ? 0 : 1;
}

int main(void)
{
	void *ctx = talloc_named_const(NULL, 0, "bench_smpp");
	struct sms_port_cfg cfg = { .own_number = "1001", .rx = rx };
	struct smsc_cfg smsc = { .name = "sim", .link = { .host = "127.0.0.1", .system_id = "smsr", .password = "secret",
				 .window = WINDOW } };
	char dir[] = "/tmp/osmo-rsp-bench.XXXXXX", file[64];
	struct sqldb *db;
	double s, down = 0;
	pid_t pid;
	int rc;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	osmo_init_logging2(ctx, &rsp_log_info);
	log_set_log_level(osmo_stderr_target, LOGL_ERROR);
	if (shared == MAP_FAILED || !mkdtemp(dir))
		return 1;
	snprintf(file, sizeof(file), "%s/smsr.db", dir);
	pid = fork();
	if (pid == 0)
		child(ctx);
	while (!shared->port)
		usleep(1000);
	smsc.link.port = shared->port;
	if (sqldb_open(&db, ctx, file, NULL, 0) < 0)
		return 1;
	cfg.db = db;
	port = sms_port_new(ctx, &cfg);
	sms_port_smsc_set(port, &smsc);
	while (!sms_port_up(port))
		osmo_select_main_ctx(0);
	s = run(db, &down);
	rc = report(s, down);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	sms_port_free(port);
	sqldb_close(db);
	snprintf(file, sizeof(file), "rm -rf %s", dir);
	return system(file) == 0 ? rc : 1;
}
