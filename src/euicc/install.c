/* The profile package interpreter: takes a byte stream cut anywhere (SCP03t ignores element borders), handles each
 * complete ProfileElement and answers with an EUICCResponse (SAIP 8; digest 1 and 8).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/profile/der.h>

#include "install_priv.h"

struct install *install_new(void *ctx, size_t memory_limit)
{
	struct install *inst = talloc_zero(ctx, struct install);

	if (!inst)
		return NULL;
	inst->limit = memory_limit;
	inst->in = bytes_new(inst, INSTALL_PE_MAX + (1U << 17));
	inst->fs = fs_new(inst);
	if (!inst->in || !inst->fs) {
		talloc_free(inst);
		return NULL;
	}
	bytes_secret(inst->in);
	return inst;
}

enum install_status install_account(struct install *inst, size_t octets)
{
	if (octets > inst->limit || inst->fs->used > inst->limit - octets)
		return INSTALL_NOT_ENOUGH_MEMORY;
	inst->fs->used += octets;
	return INSTALL_OK;
}

static void install_report(struct install *inst, enum install_status status, int id)
{
	if (inst->n_status == INSTALL_STATUS_MAX)
		inst->n_status--;	/* the last one says what ended it */
	inst->status[inst->n_status].status = status;
	inst->status[inst->n_status++].id = id;
}

/* Everything already done is discarded (SAIP: a mandated element failed). */
static int install_abort(struct install *inst, enum install_status status, int id)
{
	install_report(inst, status, id);
	inst->failed = true;
	TALLOC_FREE(inst->fs);
	bytes_clear(inst->in);
	return -EPROTO;
}

/* ProfileHeader ------------------------------------------------------------ */

/* A service the package must have and this card has not. CAVE and GBA data are passed over; Java Card is asked for by
 * packages without any application (TS.48 v1), so the application element is where it is refused. */
static bool install_service_missing(uint32_t services)
{
	const uint32_t missing = 1U << 0 | 1U << 12;

	return services & missing;
}

static enum install_status install_gfste(const struct upp_header *h)
{
	static const uint8_t base[] = { 0x67, 0x81, 0x0F, 0x01, 0x02 };
	struct tlv oid;
	struct rd r;
	int rc;

	rd_init(&r, h->gfste, h->gfste_len);
	while ((rc = tlv_next(&r, &oid)) > 0) {
		if (oid.tag != 0x06 || oid.len < sizeof(base) + 1 || memcmp(oid.v, base, sizeof(base)) ||
		    oid.v[sizeof(base)] < 1 || oid.v[sizeof(base)] > 16)
			return INSTALL_TEMPLATE_NOT_SUPPORTED;
	}
	return rc < 0 ? INSTALL_INVALID_REQUEST : INSTALL_OK;
}

static enum install_status install_header(struct install *inst, const struct upp_pe *pe)
{
	struct usim_fs *fs = inst->fs;
	struct upp_header h;
	const char *err;
	struct tlv t;

	if (upp_header_dec(&h, &err, pe->t.raw, pe->t.raw_len) < 0)
		return INSTALL_INVALID_REQUEST;
	if (h.major < 2 || h.major > 3 || h.minor > 9)
		return INSTALL_UNSUPPORTED_VERSION;
	if (install_service_missing(h.services))
		return INSTALL_FEATURE_NOT_SUPPORTED;
	if (tlv_find(pe->t.v, pe->t.len, 0xA8, &t) == 0 && t.len)
		return 8;	/* lib-not-supported: no package of anybody is on this card */
	memcpy(fs->iccid, h.iccid, sizeof(fs->iccid));
	fs->has_pol = h.pol;
	if (h.pol && h.pol_len != 1)
		return INSTALL_BAD_VALUES;
	fs->pol1 = h.pol ? h.pol[0] : 0;
	if (h.connectivity) {
		fs->connectivity = bytes_dup(fs, h.connectivity, h.connectivity_len);
		if (!fs->connectivity)
			return INSTALL_MEMORY_FAILURE;
	}
	return install_gfste(&h);
}

/* Elements ------------------------------------------------------------ */

static enum install_status install_dispatch(struct install *inst, const struct upp_pe *pe)
{
	switch (pe->t.tag) {
	case UPP_PE_HEADER:
		return install_header(inst, pe);
	case UPP_PE_GFM:
		return install_gfm(inst, pe);
	case UPP_PE_PIN:
		return install_pins(inst, pe);
	case UPP_PE_PUK:
		return install_puks(inst, pe);
	case UPP_PE_AKA:
		return install_aka(inst, pe);
	case UPP_PE_CDMA:
		return INSTALL_OK;	/* CAVE: no use for it, and no harm */
	case UPP_PE_SD:
		return install_sd(inst, pe);
	case UPP_PE_RFM:
		return install_rfm(inst, pe);
	case UPP_PE_END:
		return install_pins_complete(inst->fs);
	default:
		return upp_template(pe->t.tag) ? install_template(inst, pe) : INSTALL_PE_NOT_SUPPORTED;
	}
}

static bool install_skippable(enum install_status st)
{
	return st == INSTALL_PE_NOT_SUPPORTED || st == INSTALL_TEMPLATE_NOT_SUPPORTED ||
	       st == INSTALL_FEATURE_NOT_SUPPORTED;
}

static int install_pe(struct install *inst, const uint8_t *raw, size_t len)
{
	enum install_status st;
	struct upp_pe pe;
	struct rd r;

	rd_init(&r, raw, len);
	if (upp_next(&r, &pe) <= 0)
		return install_abort(inst, INSTALL_INVALID_REQUEST, -1);
	if ((pe.t.tag == UPP_PE_HEADER) != (inst->n_pe == 0))
		return install_abort(inst, INSTALL_INVALID_REQUEST, pe.id);
	inst->n_pe++;
	if (bytes_put(inst->fs->upp, raw, len) < 0)
		return install_abort(inst, INSTALL_NOT_ENOUGH_MEMORY, pe.id);
	st = install_dispatch(inst, &pe);
	if (st != INSTALL_OK) {
		if (pe.mandated || !install_skippable(st))
			return install_abort(inst, st, pe.id);
		install_report(inst, st, pe.id);
	}
	if (pe.t.tag == UPP_PE_END)
		inst->done = true;
	return 0;
}

/* Octets of the TLV that begins here: 0 = not to be told yet, negative = cannot become one. */
static int64_t install_tlv_size(const uint8_t *p, size_t len)
{
	size_t tag = 1, n, i, v = 0;

	if (!len)
		return 0;
	if ((p[0] & 0xE0) != 0xA0)	/* every ProfileElement is constructed, context class */
		return -EINVAL;
	if ((p[0] & 0x1F) == 0x1F) {
		while (tag < len && p[tag] & 0x80)
			tag++;
		tag++;
		if (tag > 3)
			return -EINVAL;
	}
	if (len <= tag)
		return 0;
	n = p[tag];
	if (n < 0x80)
		return tag + 1 + n;
	n &= 0x7F;
	if (!n || n > 4)
		return -EINVAL;
	if (len < tag + 1 + n)
		return 0;
	for (i = 0; i < n; i++)
		v = v << 8 | p[tag + 1 + i];
	return v > INSTALL_PE_MAX ? -EFBIG : (int64_t)(tag + 1 + n + v);
}

/* Handle what is complete in inst->in and keep the rest. */
static int install_drain(struct install *inst)
{
	size_t at = 0;
	int64_t n;

	while (!inst->done && at < inst->in->len) {
		n = install_tlv_size(inst->in->data + at, inst->in->len - at);
		if (n < 0)
			return install_abort(inst, n == -EFBIG ? INSTALL_NOT_ENOUGH_MEMORY : INSTALL_INVALID_REQUEST,
					     -1);
		if (!n || (size_t)n > inst->in->len - at)
			break;
		if (install_pe(inst, inst->in->data + at, n) < 0)
			return -EPROTO;
		at += n;
	}
	memmove(inst->in->data, inst->in->data + at, inst->in->len - at);
	inst->in->len -= at;
	if (inst->done && inst->in->len)	/* nothing may follow `end` */
		return install_abort(inst, INSTALL_INVALID_REQUEST, -1);
	return 0;
}

int install_feed(struct install *inst, const uint8_t *data, size_t len)
{
	size_t n;

	if (inst->failed)
		return -EPROTO;
	if (inst->done && len) {
		inst->done = false;
		return install_abort(inst, INSTALL_INVALID_REQUEST, -1);
	}
	while (len) {	/* in slices, so that many small elements in one call stay within the buffer */
		n = len < 65536 ? len : 65536;
		if (bytes_put(inst->in, data, n) < 0)
			return install_abort(inst, INSTALL_NOT_ENOUGH_MEMORY, -1);
		if (install_drain(inst) < 0)
			return -EPROTO;
		data += n;
		len -= n;
	}
	return inst->done;
}

/* EUICCResponse ------------------------------------------------------------ */

int install_response(const struct install *inst, struct bytes *out)
{
	struct der *root = der_new(NULL), *resp, *list, *one;
	unsigned i;
	int rc = -ENOMEM;

	resp = root ? der_add(root, 0x30, NULL, 0) : NULL;
	list = resp ? der_add(resp, 0xA0, NULL, 0) : NULL;
	for (i = 0; list && i < inst->n_status; i++) {
		one = der_add(list, 0x30, NULL, 0);
		if (!one || !der_add_uint(one, 0x80, inst->status[i].status))
			goto out;
		if (inst->status[i].id >= 0 && !der_add_uint(one, 0x81, inst->status[i].id))
			goto out;
	}
	if (!list)
		goto out;
	if (!inst->n_status) {
		one = der_add(list, 0x30, NULL, 0);
		if (!one || !der_add_uint(one, 0x80, inst->done ? INSTALL_OK : INSTALL_INVALID_REQUEST))
			goto out;
	}
	if (!inst->done && !der_add(resp, 0x81, NULL, 0))	/* profileInstallationAborted decides */
		goto out;
	rc = der_write(out, root);
out:
	talloc_free(root);
	return rc;
}

struct usim_fs *install_take(struct install *inst, void *ctx)
{
	struct usim_fs *fs = inst->done && !inst->failed ? inst->fs : NULL;

	if (fs) {
		talloc_steal(ctx, fs);
		inst->fs = NULL;
	}
	return fs;
}
