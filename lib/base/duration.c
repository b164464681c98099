/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/units.h>

#include <string.h>
#include <strings.h>

#define MINUTE     INT64_C(60)
#define HOUR       (60 * MINUTE)
#define DAY        (24 * HOUR)
#define WEEK       (7 * DAY)
#define LONGEST    (36525 * DAY) /* 100 years */
#define DIGITS_MAX 12

static const struct unit {
	const char *name;
	int64_t seconds;
} units[] = {
	{ "w", WEEK },        { "week", WEEK },      { "weeks", WEEK },
	{ "d", DAY },         { "day", DAY },        { "days", DAY },
	{ "h", HOUR },        { "hour", HOUR },      { "hours", HOUR },
	{ "m", MINUTE },      { "min", MINUTE },     { "mins", MINUTE },
	{ "minute", MINUTE }, { "minutes", MINUTE }, { "s", 1 },
	{ "sec", 1 },         { "second", 1 },       { "seconds", 1 },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at *text; -1 when there are none or too many. */
static int64_t take_number(const char **text)
{
	int64_t value = 0;
	int digits = 0;

	for (; is_digit(**text); ++*text) {
		value = value * 10 + (**text - '0');
		if (++digits > DIGITS_MAX)
			return -1;
	}
	return digits ? value : -1;
}

static int64_t take_unit(const char **text)
{
	size_t len =
		strspn(*text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].name) == len &&
		    strncasecmp(units[i].name, *text, len) == 0) {
			*text += len;
			return units[i].seconds;
		}
	return 0;
}

/* "1h30m", "2d 4h", "1.5h": numbers with units that get smaller. */
static bool parse_units(const char *text, int64_t *seconds)
{
	int64_t total = 0, last = INT64_MAX;

	while (*text) {
		int64_t whole = take_number(&text), tenths = 0, unit;

		if (whole >= 0 && *text == '.') {
			text++;
			if (!is_digit(*text) || is_digit(text[1]))
				return false;
			tenths = take_number(&text);
		}
		text += strspn(text, " ");
		unit = take_unit(&text);
		if (whole < 0 || unit == 0 || unit >= last || whole > LONGEST / unit)
			return false;
		total += whole * unit + tenths * unit / 10;
		last = unit;
		text += strspn(text, " ");
	}
	*seconds = total;
	return last != INT64_MAX;
}

/* Slurm's: up to three numbers with colons, and days before a dash. */
static bool parse_slurm(const char *text, int64_t *seconds)
{
	static const int64_t after_dash[] = { HOUR, MINUTE, 1 };
	static const int64_t by_count[3][3] = { { MINUTE },
						{ MINUTE, 1 },
						{ HOUR, MINUTE, 1 } };
	int64_t part[3], first = take_number(&text), days = 0, total;
	const int64_t *weight;
	int count = 0;

	if (*text == '-' && first >= 0) {
		days = first;
		text++;
		first = take_number(&text);
	} else {
		days = -1;
	}
	for (part[count++] = first; *text == ':' && count < 3; count++) {
		text++;
		part[count] = take_number(&text);
	}
	weight = days >= 0 ? after_dash : by_count[count - 1];
	total = days > 0 ? days * DAY : 0;
	for (int i = 0; i < count; i++) {
		if (part[i] < 0 || part[i] > LONGEST || days > LONGEST / DAY)
			return false;
		total += part[i] * weight[i];
	}
	*seconds = total;
	return *text == '\0';
}

int uc_duration_parse(const char *text, int64_t *seconds, struct uc_error *err)
{
	int64_t value;

	if (strcasecmp(text, "unlimited") == 0 || strcasecmp(text, "infinite") == 0) {
		*seconds = UC_DURATION_INFINITE;
		return 0;
	}
	if (!parse_slurm(text, &value) && !parse_units(text, &value))
		return uc_fail(
			err, UC_USAGE,
			"'%s' is no duration: expected 90 (minutes), 1:30:00, 2-12, "
			"90m, 8h, 2d or 1h30m",
			text);
	if (value > LONGEST)
		return uc_fail(err, UC_USAGE, "duration '%s' is longer than 100 years",
			       text);
	*seconds = value;
	return 0;
}

/* ":07" */
static void add_two(struct uc_buf *buf, char before, int64_t number)
{
	const char digits[] = { before, (char)('0' + number / 10),
				(char)('0' + number % 10) };

	uc_buf_addn(buf, digits, sizeof(digits));
}

void uc_duration_format(struct uc_buf *buf, int64_t seconds)
{
	int64_t days = seconds / DAY, hours = seconds % DAY / HOUR;
	int64_t minutes = seconds % HOUR / MINUTE;

	if (seconds == UC_DURATION_INFINITE) {
		uc_buf_add(buf, "UNLIMITED");
		return;
	}
	if (seconds < 0) {
		uc_buf_add(buf, "0:00");
		return;
	}
	if (days > 0) {
		uc_buf_addi(buf, days);
		add_two(buf, '-', hours);
		add_two(buf, ':', minutes);
	} else if (hours > 0) {
		uc_buf_addi(buf, hours);
		add_two(buf, ':', minutes);
	} else {
		uc_buf_addi(buf, minutes);
	}
	add_two(buf, ':', seconds % MINUTE);
}

/* The two largest units that are not zero next to each other. */
void uc_duration_words(struct uc_buf *buf, int64_t seconds)
{
	static const struct unit words[] = {
		{ "d", DAY }, { "h", HOUR }, { "m", MINUTE }, { "s", 1 }
	};
	const size_t count = sizeof(words) / sizeof(words[0]);
	size_t i = 0;

	if (seconds == UC_DURATION_INFINITE) {
		uc_buf_add(buf, "unlimited");
		return;
	}
	if (seconds < 0)
		seconds = 0;
	while (i + 1 < count && seconds < words[i].seconds)
		i++;
	uc_buf_addf(buf, "%lld%s", (long long)(seconds / words[i].seconds),
		    words[i].name);
	seconds %= words[i].seconds;
	if (i + 1 < count && seconds >= words[i + 1].seconds)
		uc_buf_addf(buf, " %lld%s", (long long)(seconds / words[i + 1].seconds),
			    words[i + 1].name);
}
