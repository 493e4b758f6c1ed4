/* Rules a profile package must follow, one finding each (SAIP; digest 1.3, 2, 4).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum upp_severity { UPP_ERROR, UPP_WARNING };
/* pe: index of the element in the package, -1: the package; id: its identification or -1. */
typedef void (*upp_check_cb)(void *data, enum upp_severity sev, int pe, int id, const char *text);
/* Number of errors found (warnings not counted), or -EINVAL when it cannot be walked at all (also reported). */
int upp_check(const uint8_t *upp, size_t len, upp_check_cb cb, void *data);
