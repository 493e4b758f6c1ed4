/* The outside vectors of the specification digest: found by RSP_SHARED or upwards from the source directory.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <osmocom/rsp/util/bytes.h>

/* NULL and a line on stdout when the file is nowhere: the caller skips. */
static inline json_t *vectors_load(const char *name)
{
	const char *dirs[] = { getenv("RSP_SHARED"), "../shared", "../../shared", "../../../shared",
			       "../../../../shared" };
	char path[512];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		json_t *j;

		if (!dirs[i])
			continue;
		snprintf(path, sizeof(path), "%s/spec/vectors/%s", dirs[i], name);
		j = json_load_file(path, 0, NULL);
		if (j)
			return j;
	}
	printf("SKIPPED: %s not found, set RSP_SHARED\n", name);
	return NULL;
}

static inline const char *vectors_str(const json_t *v, const char *key)
{
	return json_string_value(json_object_get(v, key));
}

static inline struct bytes *vectors_hex(void *ctx, const json_t *v, const char *key)
{
	const char *hex = vectors_str(v, key);

	return hex ? bytes_from_hex(ctx, hex) : NULL;
}

/* A copy in a block of exactly this size, so that a sanitizer sees any read past it. */
static inline uint8_t *vectors_exact(const uint8_t *p, size_t len)
{
	uint8_t *d = malloc(len ? len : 1);

	if (len)
		memcpy(d, p, len);
	return d;
}
