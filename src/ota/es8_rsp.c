/* EUICCResponse: the result of a profile's installation, DER with automatic tags. SAIP (eUICC Profile Package) 8.11.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/ota/es8_cmd.h>

#define TAG_SEQUENCE	0x30
#define TAG_STATUSES	0xA0
#define TAG_ABORTED	0x81
#define TAG_MESSAGE	0x82
#define TAG_STATUS	0x80
#define TAG_IDENT	0x81
#define TAG_INFO	0x82
#define TAG_OFFSET	0x83

/* INTEGER, shortest form of a number that is not negative. */
static void int_put(struct bytes *b, uint8_t tag, int v)
{
	uint8_t be[5] = { 0, v >> 24, v >> 16, v >> 8, v };
	unsigned i = 0;

	while (i < 4 && !be[i] && !(be[i + 1] & 0x80))
		i++;
	tlv_put(b, tag, be + i, 5 - i);
}

static int int_dec(int *out, const struct tlv *t)
{
	size_t i;

	if (t->len < 1 || t->len > 4 || (t->v[0] & 0x80))
		return -EINVAL;
	for (*out = 0, i = 0; i < t->len; i++)
		*out = *out << 8 | t->v[i];
	return 0;
}

static void status_put(struct bytes *b, const struct es8_pe_status *s)
{
	struct bytes *in = bytes_new(b, 64);

	if (!in) {
		b->err = -ENOMEM;
		return;
	}
	int_put(in, TAG_STATUS, s->status);
	if (s->identification >= 0)
		int_put(in, TAG_IDENT, s->identification);
	if (s->info >= 0)
		int_put(in, TAG_INFO, s->info);
	if (s->offset >= 0)
		int_put(in, TAG_OFFSET, s->offset);
	tlv_put(b, TAG_SEQUENCE, in->data, in->len);
	talloc_free(in);
}

int es8_euicc_rsp_enc(struct bytes *out, const struct es8_euicc_rsp *r)
{
	struct bytes *list = bytes_new(NULL, 1024), *body = bytes_new(list, 2048);
	size_t msg = strnlen(r->message, sizeof(r->message) - 1);
	unsigned i;
	int rc;

	if (!body || r->n > ES8_PE_STATUS_MAX) {
		talloc_free(list);
		return body ? -EINVAL : -ENOMEM;
	}
	for (i = 0; i < r->n; i++)
		status_put(list, &r->pe[i]);
	tlv_put(body, TAG_STATUSES, list->data, list->len);
	if (r->aborted)
		tlv_put_head(body, TAG_ABORTED, 0);
	if (msg >= 2)	/* SIZE (2..64) */
		tlv_put(body, TAG_MESSAGE, r->message, msg);
	rc = list->err ? list->err : body->err ? body->err : tlv_put(out, TAG_SEQUENCE, body->data, body->len);
	talloc_free(list);
	return rc;
}

static int status_dec(struct es8_pe_status *s, const struct tlv *in)
{
	int v = -1, rc;
	struct tlv t;
	struct rd r;

	s->identification = s->info = s->offset = -1;
	if (in->tag != TAG_SEQUENCE)
		return -EINVAL;
	rd_init(&r, in->v, in->len);
	while ((rc = tlv_next(&r, &t)) == 1) {
		if (t.tag == TAG_STATUS)
			rc = int_dec(&v, &t);
		else if (t.tag == TAG_IDENT)
			rc = int_dec(&s->identification, &t);
		else if (t.tag == TAG_INFO)
			rc = int_dec(&s->info, &t);
		else if (t.tag == TAG_OFFSET)
			rc = int_dec(&s->offset, &t);
		if (rc < 0)
			return rc;
	}
	if (rc < 0 || v < 0 || v > 0xFFFF)
		return -EINVAL;
	s->status = v;
	return 0;
}

static int statuses_dec(struct es8_euicc_rsp *out, const struct tlv *in)
{
	struct tlv t;
	struct rd r;
	int rc;

	rd_init(&r, in->v, in->len);
	while ((rc = tlv_next(&r, &t)) == 1) {
		if (out->n >= ES8_PE_STATUS_MAX || status_dec(&out->pe[out->n++], &t) < 0)
			return -EINVAL;
	}
	return rc;
}

static int message_dec(char out[65], const struct tlv *t)
{
	size_t i;

	if (t->len > 64)
		return -EINVAL;
	for (i = 0; i < t->len; i++)	/* goes into logs and messages: no control characters */
		out[i] = t->v[i] < 0x20 || t->v[i] == 0x7F ? '?' : t->v[i];
	return 0;
}

int es8_euicc_rsp_dec(struct es8_euicc_rsp *out, const uint8_t *in, size_t len)
{
	bool have = false;
	struct tlv t;
	struct rd r;
	int rc;

	memset(out, 0, sizeof(*out));
	rd_init(&r, in, len);
	if (tlv_next(&r, &t) != 1 || t.tag != TAG_SEQUENCE || r.left)
		return -EINVAL;
	rd_init(&r, t.v, t.len);
	while ((rc = tlv_next(&r, &t)) == 1) {
		if (t.tag == TAG_STATUSES && !have) {
			have = true;
			rc = statuses_dec(out, &t);
		} else if (t.tag == TAG_ABORTED) {
			out->aborted = true;
		} else if (t.tag == TAG_MESSAGE) {
			rc = message_dec(out->message, &t);
		}
		if (rc < 0)
			return -EINVAL;
	}
	return rc < 0 || !have ? -EINVAL : 0;
}

const char *es8_pe_status_text(uint16_t status)
{
	static const char *const words[] = {
		"ok", "pe-not-supported", "memory-failure", "bad-values", "not-enough-memory", "invalid-request-format",
		"invalid-parameter", "runtime-not-supported", "lib-not-supported", "template-not-supported",
		"feature-not-supported", "pin-code-missing",
	};

	if (status < sizeof(words) / sizeof(words[0]))
		return words[status];
	if (status == 31)
		return "unsupported-profile-version";
	if (status >> 12 == 6 || status >> 12 == 9)
		return "status word of a command";
	return status >= 40960 ? "proprietary" : "unknown status";
}
