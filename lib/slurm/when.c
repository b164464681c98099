/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "slurm/when.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <ucluster/units.h>

static int refuse(const char *text, struct uc_error *err)
{
	return uc_fail(err, UC_USAGE,
		       "'%s': expected a time as now+2h, 16:00, tomorrow or "
		       "2026-11-21T08:00",
		       text);
}

/* What follows "now+": seconds, or a number with one of sbatch's words, or our own forms.
 */
static int read_delay(const char *text, int64_t *seconds)
{
	static const struct {
		const char *word;
		int64_t seconds;
	} units[] = { { "seconds", 1 },  { "minutes", 60 },   { "hours", 3600 },
		      { "days", 86400 }, { "weeks", 604800 }, { NULL, 0 } };
	unsigned long n;
	char word[16] = "";
	int used = 0;

	if (!isdigit((unsigned char)*text))
		return -1;
	if (sscanf(text, "%9lu%15[a-z]%n", &n, word, &used) == 2 && !text[used] &&
	    strlen(word) > 2) {
		for (size_t i = 0; units[i].word; i++) {
			if (strncmp(units[i].word, word, strlen(word)))
				continue;
			*seconds = (int64_t)n * units[i].seconds;
			return 0;
		}
		return -1;
	}
	if (sscanf(text, "%9lu%n", &n, &used) == 1 && !text[used]) {
		*seconds = (int64_t)n;
		return 0;
	}
	if (uc_duration_parse(text, seconds, NULL) < 0 ||
	    *seconds == UC_DURATION_INFINITE)
		return -1;
	return 0;
}

/* Hours and minutes of "8:30", "8:30:15", "4pm", "8:30 PM"; -1 when it is none. */
static int read_clock(const char *text, struct tm *tm)
{
	static const struct {
		const char *name;
		int hour;
	} names[] = {
		{ "midnight", 0 }, { "noon", 12 }, { "teatime", 16 }, { "fika", 15 }
	};
	int h, m = 0, s = 0, used = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(names[i].name, text))
			continue;
		tm->tm_hour = names[i].hour;
		tm->tm_min = tm->tm_sec = 0;
		return 0;
	}
	if (!isdigit((unsigned char)*text) || sscanf(text, "%2d%n", &h, &used) != 1)
		return -1;
	text += used;
	if (*text == ':') {
		if (sscanf(text, ":%2d%n", &m, &used) != 1 || m < 0)
			return -1;
		text += used;
		if (*text == ':') {
			if (sscanf(text, ":%2d%n", &s, &used) != 1 || s < 0)
				return -1;
			text += used;
		}
	} else if (!*text) {
		return -1;
	}
	text += strspn(text, " ");
	if (!strcasecmp(text, "am") || !strcasecmp(text, "pm")) {
		if (h < 1 || h > 12)
			return -1;
		h = h % 12 + (tolower((unsigned char)*text) == 'p' ? 12 : 0);
	} else if (*text) {
		return -1;
	}
	if (h > 23 || m > 59 || s > 59)
		return -1;
	tm->tm_hour = h;
	tm->tm_min = m;
	tm->tm_sec = s;
	return 0;
}

/* A date at the front; how many bytes it has, 0 when there is none. */
static size_t read_date(const char *text, struct tm *tm)
{
	int y, m, d, used = 0;

	if (!isdigit((unsigned char)*text))
		return 0;
	if (sscanf(text, "%4d-%2d-%2d%n", &y, &m, &d, &used) == 3 && y >= 1970)
		tm->tm_year = y - 1900;
	else if (sscanf(text, "%2d/%2d/%2d%n", &m, &d, &y, &used) == 3)
		tm->tm_year = y + 100;
	else if (sscanf(text, "%2d/%2d%n", &m, &d, &used) == 2)
		;
	else if (strspn(text, "0123456789") == 6 &&
		 sscanf(text, "%2d%2d%2d%n", &m, &d, &y, &used) == 3)
		tm->tm_year = y + 100;
	else
		return 0;
	if (m < 1 || m > 12 || d < 1 || d > 31)
		return 0;
	tm->tm_mon = m - 1;
	tm->tm_mday = d;
	return (size_t)used;
}

int uc_when_parse(const char *text, int64_t now, int64_t *when, struct uc_error *err)
{
	const char *rest = text;
	time_t clock = (time_t)now;
	struct tm tm, today;
	int64_t delay = 0;
	bool dated = true;
	size_t used;

	if (!strcasecmp(text, "now")) {
		*when = now;
		return 0;
	}
	if (!strncasecmp(text, "now+", 4) || *text == '+') {
		if (read_delay(text + (*text == '+' ? 1 : 4), &delay) < 0)
			return refuse(text, err);
		*when = now + delay;
		return 0;
	}
	if (!localtime_r(&clock, &today))
		return refuse(text, err);
	tm = today;
	if (!strncasecmp(text, "tomorrow", 8)) {
		tm.tm_mday++;
		rest = text + 8;
	} else if (!strncasecmp(text, "today", 5)) {
		rest = text + 5;
	} else {
		used = read_date(text, &tm);
		dated = used > 0;
		rest = text + used;
	}
	if (dated && (*rest == 'T' || *rest == '-' || *rest == ' ') && rest[1])
		rest++;
	if (*rest ? read_clock(rest, &tm) < 0 : !dated)
		return refuse(text, err);
	if (!*rest && rest != text && strncasecmp(text, "to", 2))
		tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	*when = (int64_t)mktime(&tm);
	if (!dated && *when < now) {
		tm.tm_mday++;
		tm.tm_isdst = -1;
		*when = (int64_t)mktime(&tm);
	}
	return 0;
}
