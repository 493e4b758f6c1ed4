/* Comparing and wiping secrets.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <string.h>

#include <osmocom/rsp/util/misc.h>

bool secret_eq(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;

	for (size_t i = 0; i < len; i++)
		diff |= x[i] ^ y[i];
	return !diff;
}

void secret_wipe(void *p, size_t len)
{
	if (p && len)
		explicit_bzero(p, len);
}
