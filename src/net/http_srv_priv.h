/* Inside of the HTTP server: what http_srv.c (daemon, loop, answers) and http_srv_conn.c (connections and requests as
 * libmicrohttpd reports them) share.  SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <microhttpd.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/core/select.h>
#include <osmocom/core/timer.h>
#include <osmocom/rsp/net/http.h>
#include "tls.h"

struct http_srv {
	struct http_srv_cfg cfg;	/* strings are ours */
	struct MHD_Daemon *mhd;
	struct osmo_fd mhd_ofd;		/* libmicrohttpd's epoll */
	struct osmo_fd watch_ofd;	/* ours, with the sockets of all connections (EPOLLRDHUP) */
	struct osmo_timer_list run_timer;
	bool running;			/* inside MHD_run(): callbacks may come */
	bool stopping;			/* no callbacks any more */
	uint16_t port;
	struct tls_cred *cred;		/* newest first; older ones while connections use them */
	struct llist_head held;		/* struct http_req.entry: with the owner */
	struct llist_head ready;	/* struct http_req.entry: answered or given up, to be resumed */
	unsigned long next_conn_id;
	bool cert_optional;
	struct tls_anchor *anchors;	/* read from files that peers are bound to */
	struct http_srv_stats st;
};

struct http_conn {
	struct http_srv *srv;
	struct tls_cred *cred;		/* verified against these */
	gnutls_session_t tls;
	unsigned long id;
	int fd;
	struct http_req *held;		/* with the owner */
	unsigned n_reqs;		/* not completed */
	bool hung_up;			/* the peer says no more */
	bool closed;			/* and the owner was told so */
	bool had_request;
	char peer[64];
	char fpr[TLS_FPR_SIZE], spki[TLS_FPR_SIZE];
	char psk_id[129];		/* GnuTLS takes no longer one */
};

enum http_req_state { HTTP_REQ_READING, HTTP_REQ_HELD, HTTP_REQ_READY, HTTP_REQ_SENT, HTTP_REQ_DEAD };

struct http_req {
	struct llist_head entry;
	struct http_conn *conn;
	struct MHD_Connection *mc;
	enum http_req_state state;
	char *method, *path, *query;
	uint8_t *body;
	size_t len;
	size_t max_body;
	size_t excess;			/* octets beyond max_body, thrown away */
	struct MHD_Response *resp;
	unsigned status;
	struct osmo_timer_list hold;
	void *priv;
};

/* http_srv_conn.c */
enum MHD_Result http_srv_accept(void *cls, const struct sockaddr *addr, socklen_t len);
void http_srv_conn_notify(void *cls, struct MHD_Connection *mc, void **ctx, enum MHD_ConnectionNotificationCode code);
void *http_srv_uri(void *cls, const char *uri, struct MHD_Connection *mc);
enum MHD_Result http_srv_handler(void *cls, struct MHD_Connection *mc, const char *url, const char *method,
				 const char *version, const char *data, size_t *size, void **req_cls);
void http_srv_completed(void *cls, struct MHD_Connection *mc, void **req_cls, enum MHD_RequestTerminationCode why);
/* http_srv.c */
int http_srv_psk_lookup(void *conn, const char *identity, uint8_t *psk, size_t size);
void http_srv_slow(void *req);			/* it takes too long to come */
void http_srv_watch(struct http_conn *c, int op);
void http_srv_closed(struct http_conn *c);
void http_srv_hold(struct http_req *req);	/* suspended: watched and timed from now on */
void http_srv_cred_sweep(struct http_srv *srv);
