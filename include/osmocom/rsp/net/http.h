/* HTTP(S) server on libmicrohttpd (GnuTLS) and client on libcurl, both nested in the osmo select loop; no threads, every
 * call returns at once.  SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_srv;
struct http_req;

enum http_tls { HTTP_TLS_NONE, HTTP_TLS_X509, HTTP_TLS_PSK };

struct http_srv_cfg {
	const char *ip;			/* IPv4 or IPv6 literal */
	uint16_t port;			/* 0: any, see http_srv_port() */
	enum http_tls tls;
	const char *cert_file, *key_file, *ca_file, *crl_file;	/* X509: client certificate required; crl_file may be NULL */
	/* PSK (SCP81): write the key for this identity, return its length or -ENOENT. */
	int (*psk_cb)(void *priv, const char *identity, uint8_t *psk, size_t psk_size);
	/* The header block is there, the body is not: 0, or the HTTP status of a refusal, which ends the connection.
	 * Method, path, headers and who it is may be asked. May be NULL. */
	unsigned (*begin_cb)(void *priv, struct http_req *req);
	/* A complete request. The owner answers exactly once with http_req_respond(), now or later. */
	void (*req_cb)(void *priv, struct http_req *req);
	/* The peer of an unanswered request has gone: the owner lets go of req, it is freed after the call. */
	void (*gone_cb)(void *priv, struct http_req *req);
	/* A connection on which requests were served has ended; none of its requests is with the owner. May be NULL. */
	void (*closed_cb)(void *priv, unsigned long conn_id, const char *psk_identity);
	size_t max_body;		/* octets; larger: 413 */
	unsigned max_conns;		/* connections; beyond: refused */
	unsigned read_s;		/* longest time a request may take to come, from its first line on; 0: no limit */
	unsigned hold_s;		/* longest time a request may stay unanswered; then gone_cb and 503 */
	size_t pool;			/* octets of memory per connection: header block and read buffer; 0: 16 kB */
	unsigned chunk;			/* > 0: bodies are sent chunked, this many octets each (SCP81: 480) */
	void *priv;
};

struct http_srv *http_srv_new(void *ctx, const struct http_srv_cfg *cfg);	/* NULL and a log line on failure */
void http_srv_free(struct http_srv *srv);
uint16_t http_srv_port(const struct http_srv *srv);
/* Certificates, trust list and CRL read anew from the configured files. */
int http_srv_reload(struct http_srv *srv);
/* X509: clients may come without a certificate (from the next connection on); their fingerprint is NULL then. */
void http_srv_cert_optional(struct http_srv *srv, bool optional);
struct http_srv_stats { unsigned conns, held; unsigned long requests, refused, handshake_failed, gone, slow; };
void http_srv_stats(const struct http_srv *srv, struct http_srv_stats *st);

const char *http_req_method(const struct http_req *req);
const char *http_req_path(const struct http_req *req);		/* without query */
const char *http_req_query(const struct http_req *req);		/* raw text after '?', "" if none */
const char *http_req_header(const struct http_req *req, const char *name);	/* NULL if absent */
const uint8_t *http_req_body(const struct http_req *req, size_t *len);
const char *http_req_psk_identity(const struct http_req *req);	/* NULL without PSK */
const char *http_req_peer_fpr(const struct http_req *req);	/* SHA-256 of the client certificate, lower hex; NULL without */
const char *http_req_peer_spki(const struct http_req *req);	/* SHA-256 of its public key (SubjectPublicKeyInfo); NULL without */
/* Does the client certificate carry this subjectAltName (DNS, URI, IP or mail) and come from a certificate in this PEM
 * file, now? */
bool http_req_peer_is(struct http_req *req, const char *san, const char *anchor_file);
const char *http_req_peer_addr(const struct http_req *req);
unsigned long http_req_conn_id(const struct http_req *req);	/* the same for all requests of one connection */
void http_req_set_max_body(struct http_req *req, size_t max);	/* from begin_cb(): less than the server's */
void http_req_set_priv(struct http_req *req, void *priv);
void *http_req_priv(const struct http_req *req);

struct http_header { const char *name, *value; };
/* Answer; body and headers are copied. close: end the connection afterwards. req is gone for the caller. */
void http_req_respond(struct http_req *req, unsigned status, const struct http_header *hdr, size_t n_hdr,
		      const void *body, size_t len, bool close);

/* Client */
struct http_cli;
struct http_cli_cfg {
	const char *cert_file, *key_file, *ca_file;	/* PEM files; NULL: plain http only */
	unsigned timeout_s;				/* whole transfer */
	unsigned max_inflight;				/* beyond: queued here */
	size_t max_body;
};
struct http_cli *http_cli_new(void *ctx, const struct http_cli_cfg *cfg);
void http_cli_free(struct http_cli *cli);		/* running transfers end without callback */
/* status: HTTP status, or negative errno (-ECONNREFUSED, -ETIMEDOUT, -EPROTO for TLS, -EMSGSIZE). */
typedef void (*http_cli_cb)(void *priv, int status, const uint8_t *body, size_t len);
/* POST; everything is copied. Redirects are never followed. 0 or negative errno (then cb is not called). */
int http_cli_post(struct http_cli *cli, const char *url, const char *content_type, const void *body, size_t len,
		  http_cli_cb cb, void *priv);
int http_cli_post_hdr(struct http_cli *cli, const char *url, const char *content_type, const struct http_header *hdr,
		      size_t n_hdr, const void *body, size_t len, http_cli_cb cb, void *priv);	/* with more headers */
void http_cli_cancel(struct http_cli *cli, void *priv);	/* drop transfers of this priv without callback */
