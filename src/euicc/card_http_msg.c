/* What the admin agent says: its POST requests, its OPEN CHANNEL, and where the parameters come from (GP Amd
 * B 3.4, 3.7; SGP.02 2.4.4, 4.1.3.4). SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/bip/ctlv.h>

#include "card_dialect.h"
#include "card_http.h"
#include "card_http_int.h"

#define CHUNK 400	/* octets of body in one chunk */

static void line(struct bytes *out, const char *name, const char *value)
{
	bytes_put(out, name, strlen(name));
	bytes_put(out, ": ", 2);
	bytes_put(out, value, strlen(value));
	bytes_put(out, "\r\n", 2);
}

static void chunked(struct bytes *out, const struct bytes *body)
{
	size_t at = 0, n;
	char size[16];

	while (at < body->len) {
		n = OSMO_MIN(body->len - at, CHUNK);
		snprintf(size, sizeof(size), "%zX\r\n", n);
		bytes_put(out, size, strlen(size));
		bytes_put(out, body->data + at, n);
		bytes_put(out, "\r\n", 2);
		at += n;
	}
	bytes_put(out, "0\r\n\r\n", 5);
}

int card_http_request(const struct card *c, struct bytes *out)
{
	const struct card_http *h = c->http;
	char from[SCP81_FROM_SIZE];

	if (h->par.agent[0])
		OSMO_STRLCPY_ARRAY(from, h->par.agent);
	else if (scp81_from_enc(from, sizeof(from), &c->eid, &aid_isd_r) < 0)
		return -EINVAL;
	card_dialect_from(c, from);
	bytes_put(out, "POST ", 5);
	bytes_put(out, h->uri, strlen(h->uri));
	bytes_put(out, " HTTP/1.1\r\n", 11);
	line(out, "Host", h->par.host);
	line(out, SCP81_HDR_PROTOCOL, SCP81_PROTOCOL);
	line(out, SCP81_HDR_FROM, from);
	if (h->resume)
		line(out, SCP81_HDR_RESUME, "true");
	if (h->has_status) {
		if (h->body)
			line(out, "Content-Type", SCP81_TYPE_RSP);
		line(out, SCP81_HDR_STATUS, scp81_status_text(h->status));
	}
	if (!h->body) {
		bytes_put(out, "\r\n", 2);
	} else if (card_dialect_content_length(c)) {	/* Amd B allows it */
		snprintf(from, sizeof(from), "%zu", h->body->len);
		line(out, "Content-Length", from);
		bytes_put(out, "\r\n", 2);
		bytes_put(out, h->body->data, h->body->len);
	} else {
		line(out, "Transfer-Encoding", "chunked");
		bytes_put(out, "\r\n", 2);
		chunked(out, h->body);
	}
	return out->err;
}

void card_http_defaults(const struct card *c, struct scp81_params *p)
{
	struct scp81_psk_id id = { .eid = c->eid, .sd = aid_isd_r };

	if (!p->port) {
		OSMO_STRLCPY_ARRAY(p->ip, c->smsr.ip);
		p->port = c->smsr.port;
	}
	if (!p->ip[0])
		OSMO_STRLCPY_ARRAY(p->ip, c->smsr.ip);
	if (!p->host[0])
		OSMO_STRLCPY_ARRAY(p->host, c->smsr.host[0] ? c->smsr.host : p->ip);
	if (!p->uri[0])
		OSMO_STRLCPY_ARRAY(p->uri, c->smsr.uri[0] ? c->smsr.uri : SCP81_URI_DEFAULT);
	if (!p->has_retry && c->smsr.has_retry) {
		p->has_retry = true;
		p->retry_count = c->smsr.retries;
		p->retry_delay_s = c->smsr.retry_s;
	}
	if (!p->kvn)
		p->kvn = card_scp81_kvn(c);
	if (!p->kid)
		p->kid = 1;
	id.kvn = p->kvn;
	id.kid = p->kid;
	if (!p->psk_id[0] && scp81_psk_id_enc(p->psk_id, sizeof(p->psk_id), &id) >= 0)
		card_dialect_psk_id(c, p->psk_id);
	if (!p->buffer)
		p->buffer = 1400;
}

void card_http_name(const struct card *c, struct scp81_dns *name, const struct scp81_params *p)
{
	if (p->ip[0]) {
		memset(name, 0, sizeof(*name));
		return;
	}
	if (!name->fqdn[0])
		OSMO_STRLCPY_ARRAY(name->fqdn, c->smsr.host);
	if (!name->ip[0]) {
		OSMO_STRLCPY_ARRAY(name->ip, c->smsr.dns);
		name->port = c->smsr.dns_port;
	}
	if (!name->ip[0])	/* nobody to ask: the terminal will say that the address is missing */
		name->fqdn[0] = '\0';
}

/* Dotted text to length-prefixed labels. */
static size_t labels(uint8_t *out, size_t size, const char *text)
{
	size_t n = 0, len;

	while (*text) {
		len = strcspn(text, ".");
		if (!len || len > 63 || n + 1 + len > size)
			return 0;
		out[n++] = len;
		memcpy(out + n, text, len);
		n += len;
		text += len + (text[len] == '.');
	}
	return n;
}

static struct bip_str text(uint8_t *out, size_t size, const char *s)
{
	size_t n = strlen(s);

	if (!n || n > size)
		return (struct bip_str) { };
	memcpy(out, s, n);
	return (struct bip_str) { out, n };
}

/* Access point of the enabled profile: A1 or A2 of its connectivity parameters. */
static void profile_access(const struct card *c, struct bip_cmd *cmd)
{
	const struct isd_p *p = card_isdp_enabled(c);
	struct tlv t;
	struct ctlv nan;

	if (!p || !p->conn)
		return;
	if (tlv_find(p->conn->data, p->conn->len, 0xA1, &t) < 0 && tlv_find(p->conn->data, p->conn->len, 0xA2, &t) < 0)
		return;
	if (ctlv_find(t.v, t.len, 0x47, &nan) == 0 && nan.len && nan.len <= 100)
		cmd->nan = (struct bip_str) { nan.v, nan.len };
}

static struct bip_str address(uint8_t *out, const char *ip)
{
	if (inet_pton(AF_INET, ip, out) == 1)
		return (struct bip_str) { out, 4 };
	if (inet_pton(AF_INET6, ip, out) == 1)
		return (struct bip_str) { out, 16 };
	return (struct bip_str) { };
}

void card_open_defaults(const struct card *c, struct bip_cmd *cmd, uint8_t *ip)
{
	static const uint8_t default_bearer[] = { 0x03 };

	memset(cmd, 0, sizeof(*cmd));
	cmd->type = BIP_OPEN_CHANNEL;
	cmd->qualifier = 0x01;
	cmd->bearer = (struct bip_str) { default_bearer, sizeof(default_bearer) };
	cmd->has_buffer = true;
	cmd->buffer = 1400;
	profile_access(c, cmd);
	cmd->dest = address(ip, c->smsr.ip);
}

void card_http_open_cmd(const struct card *c, struct bip_cmd *cmd, struct card_http_addr *a)
{
	const struct scp81_params *p = &c->http->par;
	size_t nan = labels(a->nan, sizeof(a->nan), p->apn);

	card_open_defaults(c, cmd, a->ip);
	cmd->buffer = p->buffer;
	cmd->transport = BIP_TCP_CLIENT;
	cmd->port = p->port;
	if (nan)
		cmd->nan = (struct bip_str) { a->nan, nan };
	cmd->login = text(a->login, sizeof(a->login), p->login);
	cmd->password = text(a->password, sizeof(a->password), p->password);
	cmd->dest = address(a->ip, p->ip);
}
