/* Packages for the tests.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include <osmocom/rsp/profile/upp_text.h>

#include "packages.h"

struct bytes *packages_file(void *ctx, const char *path)
{
	FILE *f = fopen(path, "rb");
	struct bytes *b;
	uint8_t buf[4096];
	size_t n;

	if (!f)
		return NULL;
	b = bytes_new(ctx, 0);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		bytes_put(b, buf, n);
	fclose(f);
	return b;
}

/* RSP_SHARED, or a directory "shared" beside or above the sources. */
static const char *packages_root(void *ctx)
{
	const char *env = getenv("RSP_SHARED"), *up = "";
	char *path;

	for (int i = 0; i < 8; i++, up = talloc_asprintf(ctx, "%s/..", up)) {
		path = env ? talloc_asprintf(ctx, "%s/data/ts48", env)
			   : talloc_asprintf(ctx, "%s%s/shared/data/ts48", SRCDIR, up);
		if (access(path, R_OK) == 0)
			return path;
	}
	printf("SKIPPED, NO TS.48 DATA: set RSP_SHARED to the directory that has data/ts48\n");
	return NULL;
}

static int packages_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t packages_list(void *ctx, const char *subdir, char **paths, size_t max)
{
	const char *dirs[] = { "v1-v5", "v7", "derived" }, *root = packages_root(ctx);
	struct dirent *e;
	size_t n = 0;

	for (unsigned i = 0; root && i < 3; i++) {
		char *path = talloc_asprintf(ctx, "%s/%s", root, dirs[i]);
		DIR *d = subdir && strcmp(subdir, dirs[i]) ? NULL : opendir(path);

		while (d && (e = readdir(d)) && n < max) {
			size_t len = strlen(e->d_name);

			if (len > 4 && !strcmp(e->d_name + len - 4, ".der"))
				paths[n++] = talloc_asprintf(ctx, "%s/%s", path, e->d_name);
		}
		if (d)
			closedir(d);
	}
	qsort(paths, n, sizeof(*paths), packages_cmp);
	return n;
}

struct bytes *packages_ts48(void *ctx, const char *name)
{
	const char *root = packages_root(ctx);

	return root ? packages_file(ctx, talloc_asprintf(ctx, "%s/%s", root, name)) : NULL;
}

struct bytes *packages_demo_text(void *ctx)
{
	struct bytes *b = packages_file(ctx, SRCDIR "/../../contrib/demo-profile.txt");

	if (b)
		bytes_put_u8(b, 0);
	return b;
}

struct bytes *packages_demo(void *ctx)
{
	struct bytes *text = packages_demo_text(ctx);
	struct upp_text_err err;

	return text ? upp_text_build(ctx, (const char *)text->data, &err) : NULL;
}
