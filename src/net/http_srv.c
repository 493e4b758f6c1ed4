/* HTTP server: libmicrohttpd in external epoll mode, its epoll nested in the select loop as one descriptor. Measured
 * traps of 0.9.75: MHD_resume_connection() does not wake that epoll (MHD_run() must follow), its time-outs need
 * MHD_get_timeout(), and a peer that goes while its connection is suspended is not seen: hence our own epoll.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>
#include <gnutls/abstract.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>
#include "http_srv_priv.h"

#define POOL_SIZE (16U << 10)		/* header block and read buffer of one connection */
#define IDLE_S 90			/* a card reads 237 octets at a time: be patient (ota-transport 8.1) */
#define HOLD_DEFAULT_S 120
#define CONNS_DEFAULT 1000
#define BODY_DEFAULT (256U << 10)

/* --- the loop ------------------------------------------------------------------------------------------------- */

static void srv_resume_ready(struct http_srv *srv)
{
	struct http_req *req, *tmp;

	llist_for_each_entry_safe(req, tmp, &srv->ready, entry) {
		llist_del_init(&req->entry);
		MHD_resume_connection(req->mc);
	}
}

static void srv_run(struct http_srv *srv)
{
	MHD_UNSIGNED_LONG_LONG ms;

	srv_resume_ready(srv);
	srv->running = true;
	MHD_run(srv->mhd);
	srv->running = false;
	if (!llist_empty(&srv->ready))
		osmo_timer_schedule(&srv->run_timer, 0, 0);
	else if (MHD_get_timeout(srv->mhd, &ms) == MHD_YES)
		osmo_timer_schedule(&srv->run_timer, ms / 1000, ms % 1000 * 1000);
}

static int mhd_fd_cb(struct osmo_fd *ofd, unsigned what)
{
	srv_run(ofd->data);
	return 0;
}

static void run_timer_cb(void *data)
{
	srv_run(data);
}

/* --- held requests -------------------------------------------------------------------------------------------- */

static int req_fd(const struct http_req *req)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(req->mc, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

/* No longer with the owner: libmicrohttpd hears of it from the loop, never from inside a handler. */
static void req_to_ready(struct http_req *req, enum http_req_state state)
{
	struct http_srv *srv = req->conn->srv;

	osmo_timer_del(&req->hold);
	srv->st.held--;
	req->conn->held = NULL;
	req->state = state;
	llist_del(&req->entry);
	llist_add_tail(&req->entry, &srv->ready);
	osmo_timer_schedule(&srv->run_timer, 0, 0);
}

static void req_gone(struct http_req *req)
{
	struct http_srv *srv = req->conn->srv;

	srv->st.gone++;
	if (srv->cfg.gone_cb)
		srv->cfg.gone_cb(srv->cfg.priv, req);
	req->priv = NULL;
}

static void hold_timer_cb(void *data)
{
	struct http_req *req = data;

	LOGP(DHTTP, LOGL_NOTICE, "request of %s held for too long\n", req->conn->peer);
	req_gone(req);
	if (req->state == HTTP_REQ_HELD)
		http_req_respond(req, 503, NULL, 0, NULL, 0, true);
}

/* Its connection is cut; libmicrohttpd hears of it as of any end. */
void http_srv_slow(void *data)
{
	struct http_req *req = data;
	struct http_srv *srv = req->conn->srv;

	srv->st.slow++;
	LOGP(DHTTP, LOGL_NOTICE, "port %u: a request of %s takes too long to come: cut off\n", srv->port, req->conn->peer);
	shutdown(req_fd(req), SHUT_RDWR);
}

void http_srv_hold(struct http_req *req)
{
	struct http_srv *srv = req->conn->srv;

	osmo_timer_del(&req->hold);
	MHD_suspend_connection(req->mc);
	req->state = HTTP_REQ_HELD;
	srv->st.held++;
	llist_add_tail(&req->entry, &srv->held);
	req->conn->held = req;
	osmo_timer_setup(&req->hold, hold_timer_cb, req);
	if (req->conn->hung_up)		/* while it was being read: the owner hears of it from the loop */
		http_srv_watch(req->conn, EPOLL_CTL_MOD);
	osmo_timer_schedule(&req->hold, srv->cfg.hold_s, 0);
}

/* The end of what the peer says, told once: libmicrohttpd does not look while the connection is suspended, and at times
 * misses it right after an answer (then its own time-out ends the connection, 90 s later). */
void http_srv_watch(struct http_conn *c, int op)
{
	struct epoll_event ev = { .events = EPOLLRDHUP | EPOLLONESHOT, .data.ptr = c };

	if (c->fd >= 0 && epoll_ctl(c->srv->watch_ofd.fd, op, c->fd, &ev) < 0)
		LOGP(DHTTP, LOGL_ERROR, "a connection is not watched: %s\n", strerror(errno));
}

void http_srv_closed(struct http_conn *c)
{
	struct http_srv *srv = c->srv;

	if (c->closed || !c->had_request || !srv->cfg.closed_cb || srv->stopping)
		return;
	c->closed = true;
	srv->cfg.closed_cb(srv->cfg.priv, c->id, c->psk_id[0] ? c->psk_id : NULL);
}

static void conn_hung_up(struct http_conn *c)
{
	struct http_req *req = c->held;

	c->hung_up = true;
	if (req) {
		req_gone(req);
		if (req->state == HTTP_REQ_HELD)
			req_to_ready(req, HTTP_REQ_DEAD);
		return;
	}
	http_srv_closed(c);
	if (!c->n_reqs)		/* between two requests: wakes libmicrohttpd, where it has not seen it itself */
		shutdown(c->fd, SHUT_RDWR);
}

static int watch_fd_cb(struct osmo_fd *ofd, unsigned what)
{
	struct epoll_event ev[64];
	int i, n = epoll_wait(ofd->fd, ev, ARRAY_SIZE(ev), 0);

	for (i = 0; i < n; i++)		/* none of them can be gone, for that takes a MHD_run() */
		conn_hung_up(ev[i].data.ptr);
	return 0;
}

/* --- answers -------------------------------------------------------------------------------------------------- */

struct chunked {
	size_t len, chunk;
	uint8_t data[];
};

static ssize_t chunk_read(void *cls, uint64_t pos, char *buf, size_t max)
{
	const struct chunked *c = cls;
	size_t n;

	if (pos >= c->len)
		return MHD_CONTENT_READER_END_OF_STREAM;
	n = OSMO_MIN(OSMO_MIN(c->len - (size_t)pos, c->chunk), max);
	memcpy(buf, c->data + pos, n);
	return n;
}

static void chunk_free(void *cls)
{
	talloc_free(cls);
}

static struct MHD_Response *response_new(const struct http_srv *srv, const void *body, size_t len)
{
	struct chunked *c;
	struct MHD_Response *r;

	if (!srv->cfg.chunk || !len)
		return MHD_create_response_from_buffer(len, (void *)body, MHD_RESPMEM_MUST_COPY);
	c = talloc_size(NULL, sizeof(*c) + len);	/* libmicrohttpd owns it until chunk_free() */
	if (!c)
		return NULL;
	c->len = len;
	c->chunk = srv->cfg.chunk;
	memcpy(c->data, body, len);
	r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, srv->cfg.chunk, chunk_read, c, chunk_free);
	if (!r)
		talloc_free(c);
	return r;
}

void http_req_respond(struct http_req *req, unsigned status, const struct http_header *hdr, size_t n_hdr,
		      const void *body, size_t len, bool close)
{
	size_t i;

	if (req->state != HTTP_REQ_HELD) {
		LOGP(DHTTP, LOGL_ERROR, "second answer to one request dropped\n");
		return;
	}
	req->resp = response_new(req->conn->srv, body, len);
	if (!req->resp) {
		req_to_ready(req, HTTP_REQ_DEAD);
		return;
	}
	for (i = 0; i < n_hdr; i++)
		if (MHD_add_response_header(req->resp, hdr[i].name, hdr[i].value) != MHD_YES)
			LOGP(DHTTP, LOGL_ERROR, "header %s not possible\n", hdr[i].name);
	if (close)
		MHD_add_response_header(req->resp, MHD_HTTP_HEADER_CONNECTION, "close");
	req->status = status;
	req->priv = NULL;
	req_to_ready(req, HTTP_REQ_READY);
}

/* --- credentials ---------------------------------------------------------------------------------------------- */

int http_srv_psk_lookup(void *conn, const char *identity, uint8_t *psk, size_t size)
{
	struct http_conn *c = conn;

	if (!c || !c->srv->cfg.psk_cb || c->srv->stopping)
		return -ENOENT;
	return c->srv->cfg.psk_cb(c->srv->cfg.priv, identity, psk, size);
}

void http_srv_cred_sweep(struct http_srv *srv)
{
	struct tls_cred **p, *c;

	if (!srv->cred)
		return;
	for (p = &srv->cred->next; (c = *p);) {
		if (c->users) {
			p = &c->next;
			continue;
		}
		*p = c->next;
		talloc_free(c);
	}
}

int http_srv_reload(struct http_srv *srv)
{
	const struct http_srv_cfg *cfg = &srv->cfg;
	struct tls_cred *c = NULL;

	if (cfg->tls == HTTP_TLS_NONE)
		return 0;
	if (cfg->tls == HTTP_TLS_PSK)
		c = srv->cred ? srv->cred : tls_cred_psk(srv, http_srv_psk_lookup);
	else
		c = tls_cred_x509(srv, cfg->cert_file, cfg->key_file, cfg->ca_file, cfg->crl_file);
	if (!c)
		return -EINVAL;		/* the old ones stay */
	if (c == srv->cred)
		return 0;
	c->cert_optional = srv->cert_optional;
	c->next = srv->cred;
	srv->cred = c;
	while (srv->anchors) {		/* read anew when they are needed */
		struct tls_anchor *a = srv->anchors;

		srv->anchors = a->next;
		talloc_free(a);
	}
	if (!srv->running)
		http_srv_cred_sweep(srv);
	return 0;
}

void http_srv_cert_optional(struct http_srv *srv, bool optional)
{
	srv->cert_optional = optional;
	if (srv->cred)
		srv->cred->cert_optional = optional;
}

bool http_req_peer_is(struct http_req *req, const char *san, const char *anchor_file)
{
	struct http_conn *c = req->conn;
	struct tls_anchor *a;

	if (!c->tls || !c->fpr[0] || !tls_session_san(c->tls, san))
		return false;
	for (a = c->srv->anchors; a && strcmp(a->file, anchor_file); a = a->next)
		;
	if (!a) {
		a = tls_anchor_load(c->srv, anchor_file);
		if (!a)
			return false;
		a->next = c->srv->anchors;
		c->srv->anchors = a;
	}
	return tls_session_issued_by(c->tls, a);
}

/* --- start and stop ------------------------------------------------------------------------------------------- */

static int listen_socket(struct http_srv *srv)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ss;
	socklen_t len;
	int fd, on = 1;

	if (inet_pton(AF_INET, srv->cfg.ip, &v4->sin_addr) == 1) {
		ss.ss_family = AF_INET;
		v4->sin_port = htons(srv->cfg.port);
		len = sizeof(*v4);
	} else if (inet_pton(AF_INET6, srv->cfg.ip, &v6->sin6_addr) == 1) {
		ss.ss_family = AF_INET6;
		v6->sin6_port = htons(srv->cfg.port);
		len = sizeof(*v6);
	} else {
		return -EINVAL;
	}
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&ss, len) < 0 || listen(fd, 1024) < 0 ||
	    getsockname(fd, (struct sockaddr *)&ss, &len) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	srv->port = ntohs(ss.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
	return fd;
}

static void mhd_log(void *cls, const char *fmt, va_list ap)
{
	char line[256];

	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\r\n")] = '\0';
	LOGP(DHTTP, LOGL_DEBUG, "mhd: %s\n", line);
}

/* Never reached: the credentials are set per session. Without one of these libmicrohttpd asks for PEM in memory. */
static int no_cert(gnutls_session_t s, const gnutls_datum_t *ca, int n, const gnutls_pk_algorithm_t *algo, int n_algo,
		   gnutls_pcert_st **pcert, unsigned *pcert_len, gnutls_privkey_t *pkey)
{
	return -1;
}

static int no_psk(void *cls, const struct MHD_Connection *mc, const char *user, void **psk, size_t *len)
{
	return -1;
}

static int daemon_start(struct http_srv *srv)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[4] = { { MHD_OPTION_END, 0, NULL } };
	int fd = listen_socket(srv);

	if (fd < 0)
		return fd;
	if (srv->cfg.tls == HTTP_TLS_X509) {
		tls[0] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIO_X509 };
		tls[1] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)no_cert };
		tls[2] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
	} else if (srv->cfg.tls == HTTP_TLS_PSK) {
		tls[0] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIO_PSK };
		tls[1] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_CRED_TYPE, GNUTLS_CRD_PSK, NULL };
		tls[2] = (struct MHD_OptionItem){ MHD_OPTION_GNUTLS_PSK_CRED_HANDLER, (intptr_t)no_psk, srv };
		tls[3] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
	}
	if (srv->cfg.tls != HTTP_TLS_NONE)
		flags |= MHD_USE_TLS;
	srv->mhd = MHD_start_daemon(flags, 0, http_srv_accept, srv, http_srv_handler, srv,
				    MHD_OPTION_EXTERNAL_LOGGER, mhd_log, srv,
				    MHD_OPTION_LISTEN_SOCKET, fd,
				    MHD_OPTION_CONNECTION_MEMORY_LIMIT, srv->cfg.pool ? : (size_t)POOL_SIZE,
				    MHD_OPTION_CONNECTION_LIMIT, srv->cfg.max_conns + 1,
				    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
				    MHD_OPTION_NOTIFY_CONNECTION, http_srv_conn_notify, srv,
				    MHD_OPTION_URI_LOG_CALLBACK, http_srv_uri, srv,
				    MHD_OPTION_NOTIFY_COMPLETED, http_srv_completed, srv,
				    MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (!srv->mhd) {
		close(fd);
		return -EIO;
	}
	return 0;
}

static int loop_join(struct http_srv *srv)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(srv->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	int rc;

	if (!info || info->epoll_fd < 0)
		return -EIO;
	osmo_fd_setup(&srv->mhd_ofd, info->epoll_fd, OSMO_FD_READ, mhd_fd_cb, srv, 0);
	rc = osmo_fd_register(&srv->mhd_ofd);
	if (rc < 0)
		return rc;
	osmo_fd_setup(&srv->watch_ofd, epoll_create1(EPOLL_CLOEXEC), OSMO_FD_READ, watch_fd_cb, srv, 0);
	if (srv->watch_ofd.fd < 0)
		return -errno;
	return osmo_fd_register(&srv->watch_ofd);
}

static void cfg_copy(struct http_srv *srv, const struct http_srv_cfg *cfg)
{
	srv->cfg = *cfg;
	srv->cfg.ip = talloc_strdup(srv, cfg->ip ? : "127.0.0.1");
	srv->cfg.cert_file = talloc_strdup(srv, cfg->cert_file);
	srv->cfg.key_file = talloc_strdup(srv, cfg->key_file);
	srv->cfg.ca_file = talloc_strdup(srv, cfg->ca_file);
	srv->cfg.crl_file = talloc_strdup(srv, cfg->crl_file);
	srv->cfg.max_body = cfg->max_body ? : BODY_DEFAULT;
	srv->cfg.max_conns = cfg->max_conns ? : CONNS_DEFAULT;
	srv->cfg.hold_s = cfg->hold_s ? : HOLD_DEFAULT_S;
}

struct http_srv *http_srv_new(void *ctx, const struct http_srv_cfg *cfg)
{
	struct http_srv *srv = talloc_zero(ctx, struct http_srv);
	int rc;

	if (!srv)
		return NULL;
	cfg_copy(srv, cfg);
	INIT_LLIST_HEAD(&srv->held);
	INIT_LLIST_HEAD(&srv->ready);
	srv->mhd_ofd.fd = srv->watch_ofd.fd = -1;
	osmo_timer_setup(&srv->run_timer, run_timer_cb, srv);
	rc = http_srv_reload(srv);
	if (rc == 0)
		rc = daemon_start(srv);
	if (rc == 0)
		rc = loop_join(srv);
	if (rc < 0) {
		LOGP(DHTTP, LOGL_ERROR, "cannot serve on %s:%u: %s\n", srv->cfg.ip, cfg->port, strerror(-rc));
		http_srv_free(srv);
		return NULL;
	}
	LOGP(DHTTP, LOGL_INFO, "serving on %s:%u\n", srv->cfg.ip, srv->port);
	return srv;
}

void http_srv_free(struct http_srv *srv)
{
	struct http_req *req, *tmp;

	if (!srv)
		return;
	srv->stopping = true;
	if (osmo_fd_is_registered(&srv->mhd_ofd))
		osmo_fd_unregister(&srv->mhd_ofd);
	llist_for_each_entry_safe(req, tmp, &srv->held, entry)
		req_to_ready(req, HTTP_REQ_DEAD);
	srv_resume_ready(srv);		/* MHD_stop_daemon() aborts when a connection is still suspended */
	if (srv->mhd)
		MHD_stop_daemon(srv->mhd);
	if (osmo_fd_is_registered(&srv->watch_ofd))
		osmo_fd_unregister(&srv->watch_ofd);
	if (srv->watch_ofd.fd >= 0)
		close(srv->watch_ofd.fd);
	osmo_timer_del(&srv->run_timer);
	talloc_free(srv);		/* with the credentials: no session is left */
}

/* --- what the owner may ask ----------------------------------------------------------------------------------- */

uint16_t http_srv_port(const struct http_srv *srv)
{
	return srv->port;
}

void http_srv_stats(const struct http_srv *srv, struct http_srv_stats *st)
{
	*st = srv->st;
}

const char *http_req_method(const struct http_req *req)
{
	return req->method;
}

const char *http_req_path(const struct http_req *req)
{
	return req->path;
}

const char *http_req_query(const struct http_req *req)
{
	return req->query;
}

const char *http_req_header(const struct http_req *req, const char *name)
{
	return MHD_lookup_connection_value(req->mc, MHD_HEADER_KIND, name);
}

const uint8_t *http_req_body(const struct http_req *req, size_t *len)
{
	*len = req->len;
	return req->body;
}

const char *http_req_psk_identity(const struct http_req *req)
{
	return req->conn->psk_id[0] ? req->conn->psk_id : NULL;
}

const char *http_req_peer_fpr(const struct http_req *req)
{
	return req->conn->fpr[0] ? req->conn->fpr : NULL;
}

const char *http_req_peer_spki(const struct http_req *req)
{
	return req->conn->spki[0] ? req->conn->spki : NULL;
}

const char *http_req_peer_addr(const struct http_req *req)
{
	return req->conn->peer;
}

unsigned long http_req_conn_id(const struct http_req *req)
{
	return req->conn->id;
}

void http_req_set_max_body(struct http_req *req, size_t max)
{
	req->max_body = OSMO_MIN(max, req->max_body);
}

void http_req_set_priv(struct http_req *req, void *priv)
{
	req->priv = priv;
}

void *http_req_priv(const struct http_req *req)
{
	return req->priv;
}
