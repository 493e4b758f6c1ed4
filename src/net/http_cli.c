/* HTTP client: libcurl's multi interface, its sockets in one epoll nested in the select loop. Certificate and key are
 * files: the GnuTLS flavour of libcurl takes the BLOB options and then sends no certificate. No redirects, no proxy
 * from the environment, no system trust store.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <talloc.h>
#include <unistd.h>
#include <curl/curl.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/core/select.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/net/http.h>
#include <osmocom/rsp/util/logging.h>

#define TIMEOUT_DEFAULT_S 30
#define INFLIGHT_DEFAULT 16
#define BODY_DEFAULT (1U << 20)
#define QUEUE_MAX 10000		/* es_outbox hands over few at a time; this only bounds a mistake */

struct http_cli {
	struct http_cli_cfg cfg;	/* strings are ours */
	CURLM *multi;
	struct osmo_fd ofd;		/* epoll with libcurl's sockets */
	struct osmo_timer_list timer;	/* libcurl's */
	struct osmo_timer_list reap;	/* finished transfers found outside of the two above */
	struct llist_head queued, running;	/* struct xfer.entry */
	unsigned n_queued, n_running;
	bool busy;			/* inside callbacks of ours */
	bool dying;			/* freed from inside one */
};

struct xfer {
	struct llist_head entry;
	struct http_cli *cli;
	CURL *easy;
	struct curl_slist *hdr;
	char *url;
	uint8_t *body;
	uint8_t *resp;
	size_t resp_len;
	bool too_big, started;
	http_cli_cb cb;
	void *priv;
};

/* --- one transfer --------------------------------------------------------------------------------------------- */

static void xfer_free(struct xfer *x)
{
	struct http_cli *cli = x->cli;

	llist_del(&x->entry);
	if (x->started) {
		curl_multi_remove_handle(cli->multi, x->easy);
		cli->n_running--;
	} else {
		cli->n_queued--;
	}
	curl_easy_cleanup(x->easy);
	curl_slist_free_all(x->hdr);
	talloc_free(x);
}

static size_t body_cb(char *data, size_t size, size_t n, void *priv)
{
	struct xfer *x = priv;
	size_t len = size * n;
	uint8_t *b;

	if (len > x->cli->cfg.max_body - x->resp_len) {
		x->too_big = true;
		return 0;
	}
	if (talloc_get_size(x->resp) < x->resp_len + len) {
		b = talloc_realloc(x, x->resp, uint8_t, OSMO_MAX(x->resp_len * 2, x->resp_len + len));
		if (!b)
			return 0;
		x->resp = b;
	}
	memcpy(x->resp + x->resp_len, data, len);
	x->resp_len += len;
	return len;
}

static int xfer_setup(struct xfer *x, const char *content_type, size_t len)
{
	const struct http_cli_cfg *cfg = &x->cli->cfg;
	char *ct = talloc_asprintf(x, "Content-Type: %s", content_type);
	CURL *e = x->easy;

	x->hdr = curl_slist_append(x->hdr, ct);
	x->hdr = curl_slist_append(x->hdr, "Expect:");	/* no 100-continue: it costs a round trip */
	if (curl_easy_setopt(e, CURLOPT_URL, x->url) ||
	    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, cfg->cert_file ? "http,https" : "http") ||
	    curl_easy_setopt(e, CURLOPT_POST, 1L) ||
	    curl_easy_setopt(e, CURLOPT_POSTFIELDS, x->body) ||
	    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len) ||
	    curl_easy_setopt(e, CURLOPT_HTTPHEADER, x->hdr) ||
	    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) ||
	    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) ||
	    curl_easy_setopt(e, CURLOPT_PROXY, "") ||
	    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) ||
	    curl_easy_setopt(e, CURLOPT_TIMEOUT, (long)cfg->timeout_s) ||
	    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, body_cb) ||
	    curl_easy_setopt(e, CURLOPT_WRITEDATA, x) ||
	    curl_easy_setopt(e, CURLOPT_PRIVATE, x))
		return -EINVAL;
	if (!cfg->cert_file)
		return 0;
	if (curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ||
	    curl_easy_setopt(e, CURLOPT_SSLCERT, cfg->cert_file) ||
	    curl_easy_setopt(e, CURLOPT_SSLKEY, cfg->key_file) ||
	    curl_easy_setopt(e, CURLOPT_CAINFO, cfg->ca_file) ||
	    curl_easy_setopt(e, CURLOPT_CAPATH, NULL) ||	/* else Debian's default directory is trusted as well */
	    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L) ||
	    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L))
		return -EINVAL;
	return 0;
}

static int xfer_errno(const struct xfer *x, CURLcode rc)
{
	long os = 0;

	if (x->too_big)
		return -EMSGSIZE;
	switch (rc) {
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &os);
		return os > 0 ? -(int)os : -ECONNREFUSED;
	case CURLE_COULDNT_RESOLVE_HOST:
		return -EHOSTUNREACH;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
		return -EINVAL;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return -EPROTO;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	default:
		return -ECONNRESET;
	}
}

/* --- the loop ------------------------------------------------------------------------------------------------- */

static void cli_destroy(struct http_cli *cli)
{
	struct xfer *x, *tmp;

	llist_for_each_entry_safe(x, tmp, &cli->running, entry)
		xfer_free(x);
	llist_for_each_entry_safe(x, tmp, &cli->queued, entry)
		xfer_free(x);
	if (cli->multi)
		curl_multi_cleanup(cli->multi);
	osmo_timer_del(&cli->timer);
	osmo_timer_del(&cli->reap);
	if (osmo_fd_is_registered(&cli->ofd))
		osmo_fd_unregister(&cli->ofd);
	if (cli->ofd.fd >= 0)
		close(cli->ofd.fd);
	curl_global_cleanup();
	talloc_free(cli);
}

static void start_queued(struct http_cli *cli)
{
	struct xfer *x;

	while (cli->n_running < cli->cfg.max_inflight && !llist_empty(&cli->queued)) {
		x = llist_first_entry(&cli->queued, struct xfer, entry);
		llist_del(&x->entry);
		llist_add_tail(&x->entry, &cli->running);
		cli->n_queued--;
		cli->n_running++;
		x->started = true;
		if (curl_multi_add_handle(cli->multi, x->easy) != CURLM_OK)
			LOGP(DHTTP, LOGL_ERROR, "transfer not started\n");
	}
}

static void xfer_done(struct xfer *x, CURLcode rc)
{
	http_cli_cb cb = x->cb;
	void *priv = x->priv;
	uint8_t *body = talloc_steal(NULL, x->resp);
	size_t len = x->resp_len;
	long status = 0;

	if (rc == CURLE_OK)
		curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	else
		status = xfer_errno(x, rc);
	if (status < 0)
		LOGP(DHTTP, LOGL_INFO, "POST %s: %s\n", x->url, curl_easy_strerror(rc));
	xfer_free(x);
	cb(priv, status, status > 0 ? body : NULL, status > 0 ? len : 0);
	talloc_free(body);
}

/* Reports what is finished. A callback may post, cancel or free the client. */
static void cli_reap(struct http_cli *cli)
{
	CURLMsg *msg;
	int left;

	if (cli->busy)
		return;
	cli->busy = true;
	while (!cli->dying && (msg = curl_multi_info_read(cli->multi, &left))) {
		struct xfer *x = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&x);
		xfer_done(x, msg->data.result);
	}
	cli->busy = false;
	if (cli->dying)
		cli_destroy(cli);
	else
		start_queued(cli);
}

static int epoll_fd_cb(struct osmo_fd *ofd, unsigned what)
{
	struct http_cli *cli = ofd->data;
	struct epoll_event ev[32];
	int i, still, n = epoll_wait(ofd->fd, ev, ARRAY_SIZE(ev), 0);

	for (i = 0; i < n; i++) {
		int mask = (ev[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
			   (ev[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			   (ev[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

		curl_multi_socket_action(cli->multi, ev[i].data.fd, mask, &still);
	}
	cli_reap(cli);
	return 0;
}

static void timer_cb(void *data)
{
	struct http_cli *cli = data;
	int still;

	curl_multi_socket_action(cli->multi, CURL_SOCKET_TIMEOUT, 0, &still);
	cli_reap(cli);
}

static void reap_cb(void *data)
{
	cli_reap(data);
}

static int multi_socket_cb(CURL *easy, curl_socket_t fd, int what, void *priv, void *known)
{
	struct http_cli *cli = priv;
	struct epoll_event ev = { .data.fd = fd };

	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(cli->ofd.fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	ev.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (epoll_ctl(cli->ofd.fd, EPOLL_CTL_MOD, fd, &ev) < 0 && epoll_ctl(cli->ofd.fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -1;
	return 0;
}

static int multi_timer_cb(CURLM *multi, long ms, void *priv)
{
	struct http_cli *cli = priv;

	if (ms < 0)
		osmo_timer_del(&cli->timer);
	else
		osmo_timer_schedule(&cli->timer, ms / 1000, ms % 1000 * 1000);
	return 0;
}

/* --- public --------------------------------------------------------------------------------------------------- */

struct http_cli *http_cli_new(void *ctx, const struct http_cli_cfg *cfg)
{
	struct http_cli *cli;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return NULL;
	cli = talloc_zero(ctx, struct http_cli);
	if (!cli) {
		curl_global_cleanup();
		return NULL;
	}
	INIT_LLIST_HEAD(&cli->queued);
	INIT_LLIST_HEAD(&cli->running);
	osmo_timer_setup(&cli->timer, timer_cb, cli);
	osmo_timer_setup(&cli->reap, reap_cb, cli);
	cli->cfg = *cfg;
	cli->cfg.cert_file = talloc_strdup(cli, cfg->cert_file);
	cli->cfg.key_file = talloc_strdup(cli, cfg->key_file);
	cli->cfg.ca_file = talloc_strdup(cli, cfg->ca_file);
	cli->cfg.timeout_s = cfg->timeout_s ? : TIMEOUT_DEFAULT_S;
	cli->cfg.max_inflight = cfg->max_inflight ? : INFLIGHT_DEFAULT;
	cli->cfg.max_body = cfg->max_body ? : BODY_DEFAULT;
	osmo_fd_setup(&cli->ofd, epoll_create1(EPOLL_CLOEXEC), OSMO_FD_READ, epoll_fd_cb, cli, 0);
	cli->multi = curl_multi_init();
	if (!cli->multi || cli->ofd.fd < 0 || osmo_fd_register(&cli->ofd) < 0) {
		LOGP(DHTTP, LOGL_ERROR, "HTTP client: no epoll or no libcurl\n");
		cli_destroy(cli);
		return NULL;
	}
	curl_multi_setopt(cli->multi, CURLMOPT_SOCKETFUNCTION, multi_socket_cb);
	curl_multi_setopt(cli->multi, CURLMOPT_SOCKETDATA, cli);
	curl_multi_setopt(cli->multi, CURLMOPT_TIMERFUNCTION, multi_timer_cb);
	curl_multi_setopt(cli->multi, CURLMOPT_TIMERDATA, cli);
	curl_multi_setopt(cli->multi, CURLMOPT_MAXCONNECTS, (long)cli->cfg.max_inflight);
	return cli;
}

void http_cli_free(struct http_cli *cli)
{
	if (!cli)
		return;
	if (cli->busy)
		cli->dying = true;
	else
		cli_destroy(cli);
}

static bool url_allowed(const struct http_cli *cli, const char *url)
{
	if (!strncasecmp(url, "https://", 8))
		return cli->cfg.cert_file && cli->cfg.key_file && cli->cfg.ca_file;
	return !strncasecmp(url, "http://", 7);
}

int http_cli_post(struct http_cli *cli, const char *url, const char *content_type, const void *body, size_t len,
		  http_cli_cb cb, void *priv)
{
	return http_cli_post_hdr(cli, url, content_type, NULL, 0, body, len, cb, priv);
}

int http_cli_post_hdr(struct http_cli *cli, const char *url, const char *content_type, const struct http_header *hdr,
		      size_t n_hdr, const void *body, size_t len, http_cli_cb cb, void *priv)
{
	struct xfer *x;

	if (!url || !cb || cli->dying || !url_allowed(cli, url))
		return -EINVAL;
	if (cli->n_queued >= QUEUE_MAX)
		return -EAGAIN;
	x = talloc_zero(cli, struct xfer);
	if (!x)
		return -ENOMEM;
	x->cli = cli;
	x->cb = cb;
	x->priv = priv;
	x->url = talloc_strdup(x, url);
	x->body = talloc_size(x, len ? : 1);
	x->easy = curl_easy_init();
	llist_add_tail(&x->entry, &cli->queued);
	cli->n_queued++;
	if (!x->url || !x->body || !x->easy) {
		xfer_free(x);
		return -ENOMEM;
	}
	if (len)
		memcpy(x->body, body, len);
	for (size_t i = 0; i < n_hdr; i++)
		x->hdr = curl_slist_append(x->hdr, talloc_asprintf(x, "%s: %s", hdr[i].name, hdr[i].value));
	if (xfer_setup(x, content_type ? : "application/octet-stream", len) < 0) {
		xfer_free(x);
		return -EINVAL;
	}
	osmo_timer_schedule(&cli->reap, 0, 0);	/* started from the loop, never from inside this call */
	return 0;
}

void http_cli_cancel(struct http_cli *cli, void *priv)
{
	struct xfer *x, *tmp;

	llist_for_each_entry_safe(x, tmp, &cli->running, entry)
		if (x->priv == priv)
			xfer_free(x);
	llist_for_each_entry_safe(x, tmp, &cli->queued, entry)
		if (x->priv == priv)
			xfer_free(x);
	if (!llist_empty(&cli->queued))
		osmo_timer_schedule(&cli->reap, 0, 0);
}
