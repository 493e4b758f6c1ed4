/* The profile package interpreter: a byte stream in, a file system and an EUICCResponse out (SAIP).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "fs.h"

/* PEStatus (digest section 8). */
enum install_status { INSTALL_OK = 0, INSTALL_PE_NOT_SUPPORTED = 1, INSTALL_MEMORY_FAILURE = 2, INSTALL_BAD_VALUES = 3,
	INSTALL_NOT_ENOUGH_MEMORY = 4, INSTALL_INVALID_REQUEST = 5, INSTALL_INVALID_PARAMETER = 6,
	INSTALL_TEMPLATE_NOT_SUPPORTED = 9, INSTALL_FEATURE_NOT_SUPPORTED = 10, INSTALL_PIN_CODE_MISSING = 11,
	INSTALL_UNSUPPORTED_VERSION = 31 };

struct install;

/* memory_limit: octets a profile may take. Free with talloc_free(). */
struct install *install_new(void *ctx, size_t memory_limit);
/* The next octets, cut anywhere. 1: `end` was processed, 0: more is wanted, < 0: failed (install_response() says why;
 * every later call fails too). */
int install_feed(struct install *inst, const uint8_t *data, size_t len);
/* EUICCResponse, DER. */
int install_response(const struct install *inst, struct bytes *out);
/* The result, once feed gave 1: moves to ctx. NULL otherwise. */
struct usim_fs *install_take(struct install *inst, void *ctx);
