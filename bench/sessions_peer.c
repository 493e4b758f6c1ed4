/* Many cards at once, for bench/sessions.sh: each opens TLS-PSK with a fragment limit of 512 octets, POSTs the
 * notification of its first attachment (SGP.02 3.15.2), takes the script with the confirmation, and keeps the session
 * open without an answer. OpenSSL on one epoll; nothing of the server's code is used.
 *
 * bench-sessions-peer cards.jsonl PORT OPEN NEW RATE: opens OPEN sessions, says "open", waits for a line; opens NEW
 * more, RATE a second, prints how long each took from connect() to the whole script; waits for a line; answers all.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <jansson.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#define AT_ONCE 64		/* being opened in the first phase */
#define CARD_AT_WORK_MS 20000	/* no session takes longer */

enum st { ST_NEW, ST_CONNECT, ST_TLS, ST_WAIT_SCRIPT, ST_OPEN, ST_WAIT_END, ST_ENDED, ST_FAILED };

struct sess {
	char eid[33], imei[17], id[96];
	uint8_t psk[16];
	enum st st;
	int fd;
	SSL *ssl;
	double since, took_ms;
	char uri[128];
	char rx[2048];
	size_t rx_len;
};

static struct sess *all;
static unsigned n_all, busy, n_open, n_ended, n_failed;
static SSL_CTX *ctx;
static int ep;
static uint16_t port;

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

/* --- cards ---------------------------------------------------------------------------------------------------- */

static bool unhex(uint8_t *out, size_t n, const char *hex)
{
	unsigned v;

	for (size_t i = 0; i < n; i++) {
		if (!hex || sscanf(hex + 2 * i, "%2x", &v) != 1)
			return false;
		out[i] = v;
	}
	return true;
}

static void load_line(const char *line)
{
	json_t *j = json_loads(line, 0, NULL), *s81 = json_object_get(j, "scp81");
	const char *eid = json_string_value(json_object_get(j, "eid"));
	struct sess *s = &all[n_all];

	if (eid && s81 && unhex(s->psk, 16, json_string_value(json_object_get(s81, "psk")))) {
		snprintf(s->eid, sizeof(s->eid), "%s", eid);
		snprintf(s->imei, sizeof(s->imei), "%s", json_string_value(json_object_get(j, "imei")));
		/* ota-transport 8.2 */
		snprintf(s->id, sizeof(s->id), "8001028110%s4F10A0000005591010FFFFFFFF89000001008201%02X8301%02X", eid,
			 (unsigned)json_integer_value(json_object_get(s81, "kid")),
			 (unsigned)json_integer_value(json_object_get(s81, "kvn")));
		n_all++;
	}
	json_decref(j);
}

static bool load(const char *path, unsigned max)
{
	FILE *f = fopen(path, "r");
	size_t size = 0;
	char *line = NULL;

	all = calloc(max, sizeof(*all));
	if (!f || !all)
		return false;
	while (n_all < max && getline(&line, &size, f) > 0)
		load_line(line);
	free(line);
	fclose(f);
	return n_all == max;
}

/* --- one session ---------------------------------------------------------------------------------------------- */

static unsigned psk_cb(SSL *ssl, const char *hint, char *id, unsigned id_max, unsigned char *psk, unsigned psk_max)
{
	const struct sess *s = SSL_get_app_data(ssl);

	snprintf(id, id_max, "%s", s->id);
	memcpy(psk, s->psk, sizeof(s->psk));
	return sizeof(s->psk);
}

static void watch(struct sess *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	epoll_ctl(ep, EPOLL_CTL_MOD, s->fd, &ev);
}

static void end(struct sess *s, enum st st)
{
	if (s->st >= ST_CONNECT && s->st <= ST_WAIT_SCRIPT)
		busy--;
	if (st == ST_FAILED && !n_failed++)
		fprintf(stderr, "first failure: EID %s, state %d, %.0f ms: %s\n", s->eid, s->st, now_ms() - s->since,
			ERR_peek_error() ? ERR_error_string(ERR_get_error(), NULL) :
			s->rx_len ? s->rx : strerror(errno));
	if (st == ST_ENDED)
		n_ended++;
	s->st = st;
	SSL_free(s->ssl);
	close(s->fd);
	s->ssl = NULL;
}

static void start(struct sess *s)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event ev = { .events = EPOLLOUT, .data.ptr = s };

	s->since = now_ms();
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	s->st = ST_CONNECT;
	busy++;
	if (s->fd < 0 || (connect(s->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 && errno != EINPROGRESS)) {
		end(s, ST_FAILED);
		return;
	}
	epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &ev);
	s->ssl = SSL_new(ctx);
	SSL_set_app_data(s->ssl, s);
	SSL_set_fd(s->ssl, s->fd);
	SSL_set_tlsext_max_fragment_length(s->ssl, TLSEXT_max_fragment_length_512);
	SSL_set_connect_state(s->ssl);
}

static void head(const struct sess *s, char *out, size_t size, const char *uri, const char *more)
{
	snprintf(out, size, "POST %s HTTP/1.1\r\nHost: smsr.example\r\n"
		 "X-Admin-Protocol: globalplatform-remote-admin/1.0\r\n"
		 "X-Admin-From: //se-id/eid/%s;//aa-id/aid/A000000559/1010FFFFFFFF8900000100\r\n%s\r\n",
		 uri, s->eid, more);
}

static void post_notification(struct sess *s)
{
	char uri[256], req[1024], imei[17];
	const char *d = s->imei;

	/* 3.11: digit 1 and A, then swapped */
	snprintf(imei, sizeof(imei), "%cA%c%c%c%c%c%c%c%c%c%c%c%c%c%c", d[0], d[2], d[1], d[4], d[3], d[6], d[5], d[8],
		 d[7], d[10], d[9], d[12], d[11], d[14], d[13]);
	snprintf(uri, sizeof(uri), "/gsma/adminagent?msg=E1354C10%s4D01014E0200002F10A0000005591010FFFFFFFF8900001000"
		 "1408%s", s->eid, imei);
	head(s, req, sizeof(req), uri, "");
	SSL_write(s->ssl, req, strlen(req));
	s->st = ST_WAIT_SCRIPT;
	watch(s, EPOLLIN);
}

static void post_result(struct sess *s)
{
	static const char body[] = "8\r\n\xAF\x80\x23\x02\x90\x00\x00\x00\r\n0\r\n\r\n";
	char req[1024];
	size_t n;

	head(s, req, sizeof(req), s->uri,
	     "Content-Type: application/vnd.globalplatform.card-content-mgt-response;version=1.0\r\n"
	     "X-Admin-Script-Status: ok\r\nTransfer-Encoding: chunked\r\n");
	n = strlen(req);
	memcpy(req + n, body, sizeof(body) - 1);
	s->since = now_ms();
	s->rx_len = 0;
	s->st = ST_WAIT_END;
	if (SSL_write(s->ssl, req, n + sizeof(body) - 1) <= 0)
		end(s, ST_FAILED);
}

static void script_in(struct sess *s)
{
	static const char confirm[] = "\xAE\x80\x22\x0D\x80\xE2\x89\x00\x07\x3A\x08\x04\x4E\x02\x00\x00\x00\x00\x00";
	const char *uri = strstr(s->rx, "X-Admin-Next-URI: ");

	if (!memmem(s->rx, s->rx_len, "\r\n0\r\n\r\n", 7))
		return;
	if (strncmp(s->rx, "HTTP/1.1 200", 12) || !uri || sscanf(uri, "X-Admin-Next-URI: %127s", s->uri) != 1 ||
	    !memmem(s->rx, s->rx_len, confirm, sizeof(confirm) - 1)) {
		end(s, ST_FAILED);
		return;
	}
	s->took_ms = now_ms() - s->since;
	s->st = ST_OPEN;
	busy--;
	n_open++;
}

static void readable(struct sess *s)
{
	int n = SSL_read(s->ssl, s->rx + s->rx_len, sizeof(s->rx) - 1 - s->rx_len);

	if (n <= 0) {
		if (SSL_get_error(s->ssl, n) != SSL_ERROR_WANT_READ)
			end(s, ST_FAILED);
		return;
	}
	s->rx_len += n;
	s->rx[s->rx_len] = '\0';
	if (s->st == ST_WAIT_SCRIPT)
		script_in(s);
	else if (s->st == ST_WAIT_END && strstr(s->rx, "\r\n\r\n"))
		end(s, strncmp(s->rx, "HTTP/1.1 204", 12) ? ST_FAILED : ST_ENDED);
}

static void event(struct sess *s)
{
	int rc;

	ERR_clear_error();
	if (s->st == ST_CONNECT)
		s->st = ST_TLS;
	if (s->st != ST_TLS) {
		do
			readable(s);
		while (s->ssl && s->st != ST_OPEN && SSL_pending(s->ssl));
		return;
	}
	rc = SSL_do_handshake(s->ssl);
	if (rc == 1)
		post_notification(s);
	else if (SSL_get_error(s->ssl, rc) == SSL_ERROR_WANT_READ)
		watch(s, EPOLLIN);
	else
		end(s, ST_FAILED);
}

static void turn(int ms)
{
	struct epoll_event ev[64];
	int n = epoll_wait(ep, ev, 64, ms);

	for (int i = 0; i < n; i++) {
		struct sess *s = ev[i].data.ptr;

		if (s->ssl)
			event(s);
	}
}

/* --- phases --------------------------------------------------------------------------------------------------- */

static bool settle(const char *what)
{
	double until = now_ms() + CARD_AT_WORK_MS;

	while (busy && now_ms() < until)
		turn(20);
	if (busy || n_failed)
		fprintf(stderr, "%s: %u sessions without answer, %u failed\n", what, busy, n_failed);
	return !busy && !n_failed;
}

static bool open_many(unsigned n)
{
	double t = now_ms();

	for (unsigned i = 0; i < n && !n_failed;) {
		for (; i < n && busy < AT_ONCE; i++)
			start(&all[i]);
		turn(20);
	}
	if (!settle("open"))
		return false;
	printf("sessions_open: %u in %.1f s\n", n_open, (now_ms() - t) / 1e3);
	return true;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static bool open_paced(unsigned from, unsigned n, unsigned rate)
{
	double *took = calloc(n, sizeof(*took)), t = now_ms();

	for (unsigned i = 0; i < n; i++) {
		double due = t + i * 1000.0 / rate;

		while (now_ms() < due)
			turn((int)(due - now_ms()) + 1);
		start(&all[from + i]);
	}
	if (!took || !settle("new"))
		return false;
	for (unsigned i = 0; i < n; i++)
		took[i] = all[from + i].took_ms;
	qsort(took, n, sizeof(*took), by_size);
	printf("sessions_new_p50: %.2f ms\nsessions_new_p99: %.2f ms limit 50 ratio %.2f\nsessions_new_max: %.2f ms\n",
	       took[n / 2], took[n * 99 / 100], took[n * 99 / 100] / 50, took[n - 1]);
	free(took);
	return true;
}

static bool end_all(unsigned n)
{
	double t = now_ms(), heard = t;
	unsigned i = 0, before = 0;

	while (n_ended + n_failed < n && now_ms() < heard + CARD_AT_WORK_MS) {
		for (; i < n && i < n_ended + n_failed + AT_ONCE; i++)
			if (all[i].st == ST_OPEN)
				post_result(&all[i]);
		turn(20);
		if (n_ended != before)
			heard = now_ms();
		before = n_ended;
	}
	printf("sessions_ended: %u of %u in %.1f s\n", n_ended, n, (now_ms() - t) / 1e3);
	return n_ended == n;
}

static void wait_line(const char *say)
{
	char line[16];

	printf("%s\n", say);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		exit(1);
}

int main(int argc, char **argv)
{
	unsigned n_first, n_new, rate;
	struct rlimit l;

	if (argc != 6)
		return 2;
	port = atoi(argv[2]);
	n_first = atoi(argv[3]);
	n_new = atoi(argv[4]);
	rate = atoi(argv[5]);
	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &l);
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
	ctx = SSL_CTX_new(TLS_client_method());
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (!ctx || ep < 0 || !SSL_CTX_set_cipher_list(ctx, "PSK-AES128-GCM-SHA256:PSK-AES128-CBC-SHA256"))
		return 1;
	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_psk_client_callback(ctx, psk_cb);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	if (!load(argv[1], n_first + n_new)) {
		fprintf(stderr, "%s: fewer than %u cards\n", argv[1], n_first + n_new);
		return 1;
	}
	if (!open_many(n_first))
		return 1;
	wait_line("open");
	if (!open_paced(n_first, n_new, rate))
		return 1;
	wait_line("new");
	return end_all(n_all) && !n_failed ? 0 : 1;
}
