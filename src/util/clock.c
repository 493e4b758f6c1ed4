/* Wall time and xs:dateTime (off-card.md 1: all times are UTC, "2026-11-24T10:00:00Z").
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/rsp/util/misc.h>

static int64_t clock_fixed_ms = -1;

int64_t clock_now_ms(void)
{
	struct timespec ts;

	if (clock_fixed_ms >= 0)
		return clock_fixed_ms;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_now(void)
{
	return clock_now_ms() / 1000;
}

void clock_override(int64_t now_ms)
{
	clock_fixed_ms = now_ms;
}

const char *clock_str(char out[CLOCK_STR_SIZE], int64_t t)
{
	time_t tt = t;
	struct tm tm = {};

	out[0] = '\0';
	if (gmtime_r(&tt, &tm) && tm.tm_year + 1900 >= 0 && tm.tm_year + 1900 <= 9999) {
		strftime(out + 4, CLOCK_STR_SIZE - 4, "-%m-%dT%H:%M:%SZ", &tm);
		for (int i = 3, y = tm.tm_year + 1900; i >= 0; i--, y /= 10)	/* %Y drops leading zeros */
			out[i] = '0' + y % 10;
	}
	return out;
}

/* count digits at *p, or -1 */
static int clock_digits(const char **p, int count)
{
	int v = 0;

	for (int i = 0; i < count; i++, (*p)++) {
		if (!isdigit((unsigned char)**p))
			return -1;
		v = v * 10 + **p - '0';
	}
	return v;
}

static bool clock_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* Zone "Z", "+hh:mm", "-hh:mm" or nothing (taken as UTC), then the end of the text. */
static int clock_zone(int64_t *t, const char *p)
{
	int sign, h, m;

	if (!*p || !strcmp(p, "Z"))
		return 0;
	sign = *p == '+' ? 1 : -1;
	if (*p != '+' && *p != '-')
		return -EINVAL;
	p++;
	h = clock_digits(&p, 2);
	if (h < 0 || h > 14 || !clock_char(&p, ':'))
		return -EINVAL;
	m = clock_digits(&p, 2);
	if (m < 0 || m > 59 || *p)
		return -EINVAL;
	*t -= sign * (h * 3600 + m * 60);
	return 0;
}

int clock_parse(int64_t *t, const char *str)
{
	struct tm tm = {};
	const char *p = str;
	int y, mo, d, h, mi, s;

	if ((y = clock_digits(&p, 4)) < 0 || !clock_char(&p, '-') || (mo = clock_digits(&p, 2)) < 1 || mo > 12 ||
	    !clock_char(&p, '-') || (d = clock_digits(&p, 2)) < 1 || d > 31 || !clock_char(&p, 'T') ||
	    (h = clock_digits(&p, 2)) < 0 || h > 24 || !clock_char(&p, ':') || (mi = clock_digits(&p, 2)) < 0 ||
	    mi > 59 || !clock_char(&p, ':') || (s = clock_digits(&p, 2)) < 0 || s > 60)
		return -EINVAL;
	if (clock_char(&p, '.')) {
		if (!isdigit((unsigned char)*p))
			return -EINVAL;
		while (isdigit((unsigned char)*p))
			p++;
	}
	tm = (struct tm){.tm_year = y - 1900, .tm_mon = mo - 1, .tm_mday = d, .tm_hour = h, .tm_min = mi, .tm_sec = s};
	*t = timegm(&tm);
	if (tm.tm_mday != d && h < 24 && s < 60)	/* 31 February */
		return -EINVAL;
	return clock_zone(t, p);
}
