/* What the tests of this room share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <osmocom/rsp/util/bytes.h>

static inline struct bytes *smdp_test_file(void *ctx, const char *path)
{
	struct bytes *b = bytes_new(ctx, 0);
	uint8_t buf[4096];
	size_t n;
	FILE *f = fopen(path, "rb");

	if (!f)
		return NULL;
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		bytes_put(b, buf, n);
	fclose(f);
	return b;
}

/* A file of the shared directory: RSP_SHARED, else ../shared from here upwards. NULL: not there. */
static inline struct bytes *smdp_test_data(void *ctx, const char *name)
{
	const char *shared = getenv("RSP_SHARED"), *srcdir = getenv("srcdir") ? : ".";
	char path[512], up[64] = "";
	struct bytes *b;

	if (shared) {
		snprintf(path, sizeof(path), "%s/%s", shared, name);
		return smdp_test_file(ctx, path);
	}
	for (int i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), "%s/%s../shared/%s", srcdir, up, name);
		b = smdp_test_file(ctx, path);
		if (b)
			return b;
		strcat(up, "../");
	}
	return NULL;
}
