/* Lines of applications, whose code comes from CAP and IJC files, and of what is rare (doc/formats/upp-text.md).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/util/ids.h>

#include "upp_text_priv.h"

/* Package AID in the Header component: 01 LEN2 DECAFFED minor major flags, package minor major, AID (JCVM 6.4). */
static int app_package_aid(struct aid *aid, const struct bytes *block)
{
	const uint8_t *v;
	struct rd r;
	uint8_t n;

	rd_init(&r, block->data, block->len);
	if (rd_u8(&r) != 0x01)
		return -EINVAL;
	rd_u16(&r);
	if (rd_u32(&r) != 0xDECAFFED)
		return -EINVAL;
	rd_take(&r, 5);
	n = rd_u8(&r);
	v = rd_take(&r, n);
	return r.bad ? -EINVAL : aid_from_bytes(aid, v, n);
}

/* load aid=... cap=FILE: the AID is the package's own unless another is said. */
static int text_load_line(struct text *t)
{
	struct der *load = text_sub(t->pe, 0xA1);
	const char *cap = text_value(t, "cap"), *err = "no files here";
	struct bytes *code;
	struct aid aid;

	if (!cap)
		return text_line(t, load, text_load);
	code = t->files ? t->files->code(t->root, t->files->data, cap, &err) : NULL;
	if (!code)
		return text_fail(t, "cap: %s", err);
	if (!text_value(t, "aid")) {
		if (app_package_aid(&aid, code) < 0)
			return text_fail(t, "cap: no package AID in the Header component");
		if (!der_add(load, 0x4F, aid.b, aid.len))
			return text_fail(t, "out of memory");
	}
	if (text_line(t, load, text_load) < 0)
		return -EINVAL;
	return der_add(load, 0xC4, code->data, code->len) ? 0 : text_fail(t, "out of memory");
}

int text_application(struct text *t)
{
	if (!strcmp(t->words[0], "load"))
		return text_load_line(t);
	if (!strcmp(t->words[0], "instance"))
		return text_line(t, der_add(text_sub(t->pe, 0xA2), 0x30, NULL, 0), text_instance);
	return text_fail(t, "application has load, instance");
}

int text_cdma_line(struct text *t)
{
	if (strcmp(t->words[0], "data"))
		return text_fail(t, "cdmaParameter has data");
	return text_line(t, t->pe, text_cdma);
}

int text_nonstandard_line(struct text *t)
{
	if (strcmp(t->words[0], "data"))
		return text_fail(t, "nonStandard has data");
	return text_line(t, t->pe, text_nonstandard);
}
