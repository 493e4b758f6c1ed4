/* Secrets, clock.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* secret.c */
bool secret_eq(const void *a, const void *b, size_t len);	/* constant time */
void secret_wipe(void *p, size_t len);

/* clock.c: wall time in UTC seconds and its xs:dateTime spelling "2026-11-24T10:00:00Z"; tests may override. */
int64_t clock_now(void);
int64_t clock_now_ms(void);
void clock_override(int64_t now_ms);		/* < 0: back to the real clock */
#define CLOCK_STR_SIZE 24
const char *clock_str(char out[CLOCK_STR_SIZE], int64_t t);
int clock_parse(int64_t *t, const char *str);	/* accepts fraction and zone offset */
