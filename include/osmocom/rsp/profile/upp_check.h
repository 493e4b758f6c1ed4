/* Rules a profile package must follow, one finding each (SAIP; digest 1.3, 2, 4).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum upp_severity { UPP_ERROR, UPP_WARNING };
struct upp_finding {
	enum upp_severity sev;
	int pe, id;		/* index of the element in the package, -1: the package; its identification or -1 */
	const char *rule;	/* name of the rule, as in doc/formats/upp-check.md */
	const char *text;
};
typedef void (*upp_check_cb)(void *data, const struct upp_finding *f);
/* Number of errors found (warnings not counted), or -EINVAL when it cannot be walked at all (also reported). */
int upp_check(const uint8_t *upp, size_t len, upp_check_cb cb, void *data);
