/* What a card needs of HTTP/1.1: status line, four headers, chunked or counted body (GP Amd B 3.4, RFC 9112).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/scp81_msg.h>

#include "card_httprx.h"

#define LINES_MAX 64

enum { ST_STATUS, ST_HEADER, ST_BODY, ST_CHUNK_SIZE, ST_CHUNK, ST_CHUNK_END, ST_TRAILER, ST_DONE };

struct card_httprx *card_httprx_new(void *ctx)
{
	struct card_httprx *r = talloc_zero(ctx, struct card_httprx);

	r->body = bytes_new(r, CARD_HTTPRX_BODY_MAX);
	return r;
}

static int number(const char *s, int base, size_t max, size_t *out)
{
	unsigned long long v;
	char *end;

	if (!((*s >= '0' && *s <= '9') || (base == 16 && strchr("abcdefABCDEF", *s) && *s)))
		return -EINVAL;
	v = strtoull(s, &end, base);
	if ((*end && *end != ';' && *end != ' ') || v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

static int status_line(struct card_httprx *r)
{
	size_t v;

	if (strncmp(r->line, "HTTP/1.1 ", 9) && strncmp(r->line, "HTTP/1.0 ", 9))
		return -EPROTO;
	if (number(r->line + 9, 10, 599, &v) < 0 || v < 100)
		return -EPROTO;
	r->status = v;
	r->state = ST_HEADER;
	return 0;
}

/* 100 Continue is passed over, a body follows when one was announced. */
static void header_end(struct card_httprx *r)
{
	if (r->status < 200) {
		r->state = ST_STATUS;
		return;
	}
	if (r->status == 204 || r->status == 304)
		r->state = ST_DONE;
	else if (r->chunked)
		r->state = ST_CHUNK_SIZE;
	else
		r->state = r->left ? ST_BODY : ST_DONE;
}

static int header_line(struct card_httprx *r)
{
	char *value = strchr(r->line, ':');

	if (!r->line[0]) {
		header_end(r);
		return 0;
	}
	if (!value)
		return -EPROTO;
	*value++ = '\0';
	value += strspn(value, " \t");
	if (!strcasecmp(r->line, SCP81_HDR_NEXT_URI)) {
		if (strlen(value) >= sizeof(r->next_uri))
			return -EMSGSIZE;
		OSMO_STRLCPY_ARRAY(r->next_uri, value);
	} else if (!strcasecmp(r->line, SCP81_HDR_TARGET)) {
		OSMO_STRLCPY_ARRAY(r->target, value);
	} else if (!strcasecmp(r->line, "Transfer-Encoding")) {
		r->chunked = !strcasecmp(value, "chunked");
	} else if (!strcasecmp(r->line, "Content-Length")) {
		r->has_length = true;
		return number(value, 10, CARD_HTTPRX_BODY_MAX, &r->left);
	}
	return 0;
}

static int line_done(struct card_httprx *r)
{
	if (r->line_len && r->line[r->line_len - 1] == '\r')
		r->line_len--;
	r->line[r->line_len] = '\0';
	r->line_len = 0;
	if ((r->state == ST_HEADER || r->state == ST_TRAILER) && ++r->n_lines > LINES_MAX)
		return -EMSGSIZE;
	switch (r->state) {
	case ST_STATUS:
		return status_line(r);
	case ST_HEADER:
		return header_line(r);
	case ST_CHUNK_SIZE:
		if (number(r->line, 16, CARD_HTTPRX_BODY_MAX, &r->left) < 0)
			return -EPROTO;
		r->state = r->left ? ST_CHUNK : ST_TRAILER;
		return 0;
	case ST_CHUNK_END:
		r->state = ST_CHUNK_SIZE;
		return r->line[0] ? -EPROTO : 0;
	default:	/* ST_TRAILER */
		if (!r->line[0])
			r->state = ST_DONE;
		return 0;
	}
}

int card_httprx_feed(struct card_httprx *r, const uint8_t *data, size_t len, size_t *used)
{
	size_t i = 0, n;
	int rc = 0;

	while (i < len && r->state != ST_DONE && rc == 0) {
		if (r->state == ST_BODY || r->state == ST_CHUNK) {
			n = OSMO_MIN(r->left, len - i);
			rc = bytes_put(r->body, data + i, n);
			i += n;
			r->left -= n;
			if (!r->left)
				r->state = r->state == ST_BODY ? ST_DONE : ST_CHUNK_END;
			continue;
		}
		if (data[i] == '\n')
			rc = line_done(r);
		else if (r->line_len >= sizeof(r->line) - 1)
			rc = -EMSGSIZE;
		else
			r->line[r->line_len++] = data[i];
		i++;
	}
	*used = i;
	return rc < 0 ? rc : r->state == ST_DONE;
}
