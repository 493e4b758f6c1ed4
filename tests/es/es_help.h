/* What the tests of es/ share. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <osmocom/rsp/es/es_msg.h>

#define EID_A "89001012012341234012345678901224"
#define ICCID_A "8947010000123456784"

/* A message with every field set that this function has, from 1.3.6.1.4.1.10 to 1.3.6.1.4.1.20. */
struct es_msg *help_msg(void *ctx, enum es_iface iface, enum es_func func, enum es_kind kind);
struct es_msg *help_dec(void *ctx, const void *in, size_t len);	/* fails the test when it is refused */
struct es_eis *help_eis(void *ctx);
/* For every message there is; the others are checked not to be written. */
void help_for_each(void (*cb)(void *ctx, enum es_iface, enum es_func, enum es_kind));
struct bytes *help_read(void *ctx, const char *path);
void help_write(const char *path, const void *data, size_t len);
char *help_tmpdir(void *ctx);
void help_rmdir(const char *dir);
bool help_python(void);		/* false, loudly, when the Debian python with lxml is absent */
int help_foreign(const char *fmt, ...) __attribute__((format(printf, 1, 2)));	/* es_foreign.py, its exit status */
/* A file of the shared specification samples, or NULL. */
struct bytes *help_sample(void *ctx, const char *name);
