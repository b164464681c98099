/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <stdlib.h>
#include <time.h>
#include "slurm/when.h"

/* 2026-11-21 08:30:00 UTC, a Saturday */
#define NOW 1795249800

static const struct {
	const char *text;
	int64_t when; /* relative to NOW */
} good[] = {
	{ "now", 0 },
	{ "NOW", 0 },
	{ "now+90", 90 },
	{ "now+2hours", 7200 },
	{ "now+1hour", 3600 },
	{ "now+3minutes", 180 },
	{ "now+1days", 86400 },
	{ "now+2weeks", 1209600 },
	{ "now+2h", 7200 },
	{ "+1h30m", 5400 },
	{ "16:00", 27000 },
	{ "16:00:30", 27030 },
	{ "4pm", 27000 },
	{ "4:00 PM", 27000 },
	{ "12am", 55800 },
	{ "8:00", 84600 },
	{ "midnight", 55800 },
	{ "noon", 12600 },
	{ "teatime", 27000 },
	{ "today 09:00", 1800 },
	{ "tomorrow", 86400 },
	{ "tomorrow 08:00", 84600 },
	{ "2026-11-21T08:31", 60 },
	{ "2026-11-21T08:31:05", 65 },
	{ "2026-11-22", 55800 },
	{ "11/22/26", 55800 },
	{ "11/22", 55800 },
	{ "112226", 55800 },
	{ "11/22/26-01:00", 59400 },
};

static const char *const bad[] = {
	"",
	"now+",
	"now-1h",
	"now+x",
	"now+1lightyear",
	"25:00",
	"8:60",
	"8",
	"13pm",
	"2026-13-01",
	"2026-11-32",
	"2026-11-21Tx",
	"yesterday",
	"tomorrow x",
	"16:00 tomorrow",
	"11/22/26xyz",
	"now+1h now",
	"2026-11-21T",
	"now+UNLIMITED",
};

static void test_points_in_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int64_t when = 0;
		struct uc_error err = { 0 };

		if (uc_when_parse(good[i].text, NOW, &when, &err) < 0)
			fail_msg("'%s': %s", good[i].text, err.text);
		if (when - NOW != good[i].when)
			fail_msg("'%s': %lld", good[i].text, (long long)(when - NOW));
	}
}

static void test_wrong_times_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int64_t when;
		struct uc_error err = { 0 };

		if (!uc_when_parse(bad[i], NOW, &when, &err))
			fail_msg("'%s' was taken as %lld", bad[i], (long long)when - NOW);
		assert_int_equal(err.code, UC_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_points_in_time),
		cmocka_unit_test(test_wrong_times_are_refused),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
