/* Packages for the tests: the demo profile of this tree, and GSMA's TS.48 packages where the shared data is at hand.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>

/* Up to max paths of TS.48 packages below subdir ("v7", NULL: all), talloc'ed under ctx; 0 and a loud line: no data. */
size_t packages_list(void *ctx, const char *subdir, char **paths, size_t max);
/* One of them ("derived/golden2_m2m.der"), NULL without the data. */
struct bytes *packages_ts48(void *ctx, const char *name);
struct bytes *packages_file(void *ctx, const char *path);
/* contrib/demo-profile.txt as text (NUL behind it) and built. */
struct bytes *packages_demo_text(void *ctx);
struct bytes *packages_demo(void *ctx);
