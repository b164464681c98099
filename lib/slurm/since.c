/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Points in time that have passed, as people name them. */
#include <string.h>
#include <strings.h>
#include <time.h>
#include <ucluster/history.h>
#include <ucluster/units.h>
#include "slurm/when.h"

/* Midnight of today, or of `days` before. */
static int64_t midnight(int64_t now, int days)
{
	time_t clock = (time_t)now;
	struct tm tm;

	if (!localtime_r(&clock, &tm))
		return now;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday -= days;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm);
}

/* "2026-11-20", "11/20", "14:00": not a length of time such as "2-12" or "90m". */
static bool is_date(const char *text)
{
	const char *dash = strchr(text, '-');

	return strchr(text, '/') || strchr(text, ':') || (dash && strchr(dash + 1, '-'));
}

int uc_since_parse(const char *text, int64_t now, int64_t *since, struct uc_error *err)
{
	int64_t age;

	if (!strcasecmp(text, "today") || !strcasecmp(text, "yesterday")) {
		*since = midnight(now, strcasecmp(text, "today") != 0);
		return 0;
	}
	if (is_date(text)) {
		if (uc_when_parse(text, now, since, NULL) < 0)
			return uc_fail(err, UC_USAGE,
				       "'%s' is no point in time: expected 24h, 7d, "
				       "14:00 or 2026-11-20T14:00",
				       text);
		/* a time of day that is still to come was yesterday's */
		if (*since > now && *since - now <= 86400 && !strchr(text, '-') &&
		    !strchr(text, '/'))
			*since -= 86400;
		if (*since > now)
			return uc_fail(err, UC_USAGE, "'%s' is still to come", text);
		return 0;
	}
	if (uc_duration_parse(text, &age, NULL) < 0 || age == UC_DURATION_INFINITE)
		return uc_fail(err, UC_USAGE,
			       "'%s' is no point in time: expected 24h, 7d, 14:00 or "
			       "2026-11-20T14:00",
			       text);
	*since = now > age ? now - age : 0;
	return 0;
}
