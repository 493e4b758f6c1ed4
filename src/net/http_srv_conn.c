/* Connections and requests as libmicrohttpd reports them. A complete request is suspended before its owner hears of it,
 * so that the answer may come at any later time (design P1: after the commit).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>
#include "http_srv_priv.h"

#define EXCESS_MAX (256U << 10)		/* read and thrown away so that the peer gets its 413; beyond: cut off */

/* The limit is ours: libmicrohttpd would let the surplus wait in the backlog instead of refusing it. */
enum MHD_Result http_srv_accept(void *cls, const struct sockaddr *addr, socklen_t len)
{
	struct http_srv *srv = cls;

	if (srv->st.conns < srv->cfg.max_conns)
		return MHD_YES;
	srv->st.refused++;
	LOGP(DHTTP, LOGL_NOTICE, "port %u: more than %u connections, one refused\n", srv->port, srv->cfg.max_conns);
	return MHD_NO;
}

static void conn_started(struct http_srv *srv, struct MHD_Connection *mc, void **ctx)
{
	struct http_conn *c = talloc_zero(srv, struct http_conn);
	const union MHD_ConnectionInfo *info;
	char port[8];

	srv->st.conns++;	/* counted in any case: conn_closed() is called for each */
	*ctx = c;
	if (!c)
		return;
	c->srv = srv;
	c->id = ++srv->next_conn_id;
	info = MHD_get_connection_info(mc, MHD_CONNECTION_INFO_CONNECTION_FD);
	c->fd = info ? info->connect_fd : -1;
	http_srv_watch(c, EPOLL_CTL_ADD);
	info = MHD_get_connection_info(mc, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (!info || !info->client_addr ||
	    getnameinfo(info->client_addr, info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
			sizeof(struct sockaddr_in), c->peer, sizeof(c->peer), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		OSMO_STRLCPY_ARRAY(c->peer, "?");
	if (srv->cfg.tls == HTTP_TLS_NONE)
		return;
	http_srv_cred_sweep(srv);
	info = MHD_get_connection_info(mc, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (!info || !info->tls_session)
		return;		/* without our credentials the handshake fails */
	c->tls = info->tls_session;
	c->cred = srv->cred;
	c->cred->users++;
	tls_session_setup(c->tls, c->cred, c);
}

static void conn_closed(struct http_srv *srv, void **ctx)
{
	struct http_conn *c = *ctx;

	srv->st.conns--;
	*ctx = NULL;
	if (!c)
		return;
	if (c->fd >= 0 && !srv->stopping)
		epoll_ctl(srv->watch_ofd.fd, EPOLL_CTL_DEL, c->fd, NULL);
	http_srv_closed(c);
	if (c->cred) {
		c->cred->users--;	/* freed later by the sweep: the session still exists */
		if (!c->had_request && !srv->stopping) {
			srv->st.handshake_failed++;
			LOGP(DHTTP, LOGL_INFO, "port %u: TLS from %s ended before any request\n", srv->port, c->peer);
		}
	}
	talloc_free(c);
}

void http_srv_conn_notify(void *cls, struct MHD_Connection *mc, void **ctx, enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		conn_started(cls, mc, ctx);
	else
		conn_closed(cls, ctx);
}

/* Called with the request line; what it returns is the request's context. The query is kept as sent. */
void *http_srv_uri(void *cls, const char *uri, struct MHD_Connection *mc)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mc, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_conn *c = info ? info->socket_context : NULL;
	struct http_req *req;
	const char *q = strchr(uri, '?');

	if (!c)
		return NULL;
	req = talloc_zero(c, struct http_req);
	if (!req)
		return NULL;
	INIT_LLIST_HEAD(&req->entry);
	req->conn = c;
	req->mc = mc;
	c->n_reqs++;
	req->max_body = c->srv->cfg.max_body;
	req->path = talloc_strndup(req, uri, q ? (size_t)(q - uri) : strlen(uri));
	req->query = talloc_strdup(req, q ? q + 1 : "");
	if (c->srv->cfg.read_s) {
		osmo_timer_setup(&req->hold, http_srv_slow, req);
		osmo_timer_schedule(&req->hold, c->srv->cfg.read_s, 0);
	}
	return req;
}

/* Who speaks on this connection; again after each reload of the trust list. */
static bool conn_identify(struct http_conn *c)
{
	struct http_srv *srv = c->srv;
	const char *id;

	if (!c->had_request && c->tls) {
		id = srv->cfg.tls == HTTP_TLS_PSK ? gnutls_psk_server_get_username(c->tls) : NULL;
		if (id)
			OSMO_STRLCPY_ARRAY(c->psk_id, id);
		tls_session_fpr(c->tls, c->fpr);
		if (srv->cfg.tls == HTTP_TLS_X509)
			tls_session_spki(c->tls, c->spki);
	}
	c->had_request = true;
	if (srv->cfg.tls == HTTP_TLS_NONE)
		return true;
	if (!c->cred)
		return false;
	if (!(srv->cfg.tls == HTTP_TLS_X509 ? c->fpr : c->psk_id)[0] && !c->cred->cert_optional)
		return false;
	if (c->cred == srv->cred)
		return true;
	if (!tls_session_verify(c->tls, srv->cred))
		return false;
	c->cred->users--;
	c->cred = srv->cred;
	c->cred->users++;
	return true;
}

static enum MHD_Result answer_empty(struct MHD_Connection *mc, unsigned status)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result rc;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	rc = MHD_queue_response(mc, status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result answer_too_large(struct http_req *req, struct MHD_Connection *mc)
{
	struct http_srv *srv = req->conn->srv;

	LOGP(DHTTP, LOGL_NOTICE, "port %u: %s from %s is larger than %zu octets: refused\n", srv->port, req->method,
	     req->conn->peer, (size_t)req->max_body);
	srv->st.refused++;
	req->state = HTTP_REQ_SENT;
	return answer_empty(mc, 413);
}

/* Header block complete: is the caller still welcome, and is the announced body small enough? */
static enum MHD_Result req_begin(struct http_req *req, struct MHD_Connection *mc, const char *method)
{
	struct http_srv *srv = req->conn->srv;
	const char *cl = MHD_lookup_connection_value(mc, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	unsigned refuse;

	srv->st.requests++;
	req->method = talloc_strdup(req, method);
	if (!conn_identify(req->conn)) {
		srv->st.refused++;
		return MHD_NO;
	}
	refuse = srv->cfg.begin_cb ? srv->cfg.begin_cb(srv->cfg.priv, req) : 0;
	if (!refuse && cl && strtoull(cl, NULL, 10) > req->max_body)
		return answer_too_large(req, mc);
	if (!refuse)
		return MHD_YES;
	srv->st.refused++;
	req->state = HTTP_REQ_SENT;
	return answer_empty(mc, refuse);
}

static enum MHD_Result req_append(struct http_req *req, const char *data, size_t *size)
{
	struct http_srv *srv = req->conn->srv;
	uint8_t *b;

	if (req->excess || *size > req->max_body - req->len) {
		req->excess += *size;
		*size = 0;
		if (req->excess <= EXCESS_MAX)
			return MHD_YES;
		LOGP(DHTTP, LOGL_NOTICE, "port %u: body from %s is larger than %zu octets: cut off\n", srv->port,
		     req->conn->peer, (size_t)req->max_body);
		return MHD_NO;
	}
	/* grow by doubling: a body in 500-octet chunks must not be copied for each of them */
	if (talloc_get_size(req->body) < req->len + *size) {
		size_t want = OSMO_MIN(OSMO_MAX(req->len * 2, req->len + *size), req->max_body);

		b = talloc_realloc(req, req->body, uint8_t, want);
		if (!b)
			return MHD_NO;
		req->body = b;
	}
	memcpy(req->body + req->len, data, *size);
	req->len += *size;
	*size = 0;
	return MHD_YES;
}

enum MHD_Result http_srv_handler(void *cls, struct MHD_Connection *mc, const char *url, const char *method,
				 const char *version, const char *data, size_t *size, void **req_cls)
{
	struct http_srv *srv = cls;
	struct http_req *req = *req_cls;

	if (!req || req->state == HTTP_REQ_DEAD)
		return MHD_NO;
	if (req->state == HTTP_REQ_READY) {
		req->state = HTTP_REQ_SENT;
		return MHD_queue_response(mc, req->status, req->resp);
	}
	if (req->state != HTTP_REQ_READING)
		return MHD_YES;
	if (!req->method)
		return req_begin(req, mc, method);
	if (*size)
		return req_append(req, data, size);
	if (req->excess)
		return answer_too_large(req, mc);
	if (!srv->cfg.req_cb || srv->stopping)
		return MHD_NO;
	http_srv_hold(req);
	srv->cfg.req_cb(srv->cfg.priv, req);
	return MHD_YES;
}

void http_srv_completed(void *cls, struct MHD_Connection *mc, void **req_cls, enum MHD_RequestTerminationCode why)
{
	struct http_req *req = *req_cls;

	*req_cls = NULL;
	if (!req)
		return;
	osmo_timer_del(&req->hold);
	llist_del_init(&req->entry);
	if (req->resp)
		MHD_destroy_response(req->resp);
	req->conn->n_reqs--;
	if (req->conn->held == req)
		req->conn->held = NULL;
	if (req->conn->hung_up)		/* during the answer: looked at again */
		http_srv_watch(req->conn, EPOLL_CTL_MOD);
	talloc_free(req);
}
