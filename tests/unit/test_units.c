/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <ucluster/units.h>

static const struct {
	const char *text;
	int64_t seconds;
} good_durations[] = {
	{ "90", 5400 },
	{ "0", 0 },
	{ "1:30", 90 },
	{ "1:30:00", 5400 },
	{ "90:00:00", 324000 },
	{ "2-12", 216000 },
	{ "2-12:30", 217800 },
	{ "2-12:30:15", 217815 },
	{ "0-1", 3600 },
	{ "90m", 5400 },
	{ "8h", 28800 },
	{ "2d", 172800 },
	{ "1h30m", 5400 },
	{ "2d 4h", 187200 },
	{ "1w", 604800 },
	{ "45s", 45 },
	{ "1.5h", 5400 },
	{ "90 min", 5400 },
	{ "2 days 3 hours", 183600 },
	{ "1H", 3600 },
	{ "00:10", 10 },
	{ "UNLIMITED", UC_DURATION_INFINITE },
	{ "infinite", UC_DURATION_INFINITE },
	{ "36525-0", INT64_C(36525) * 86400 },
};

static const char *const bad_durations[] = {
	"",
	" ",
	"-1",
	"1-",
	"-",
	"1:2:3:4",
	"1:",
	":1",
	"1h30",
	"30m1h",
	"1h1h",
	"h",
	"1x",
	"1.55h",
	"1.h",
	"2-4:5:6:7",
	"1 2",
	"0x10",
	"1e3",
	"36526-0",
	"99999999999999999999",
	"1\n",
	"1-2-3",
	"1d-2",
	"1;rm",
	"٣h",
	"1_000",
	"1h-",
	"9999999999999",
	"100w1w",
	"1:-2",
	"1--2",
};

static void test_durations_are_read_in_every_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good_durations); i++) {
		struct uc_error err = { 0 };
		int64_t seconds = -1;

		if (uc_duration_parse(good_durations[i].text, &seconds, &err) < 0)
			fail_msg("%s: %s", good_durations[i].text, err.text);
		assert_int_equal(seconds, good_durations[i].seconds);
	}
}

static void test_bad_durations_are_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_durations); i++) {
		struct uc_error err = { 0 };
		int64_t seconds = 4711;

		if (uc_duration_parse(bad_durations[i], &seconds, &err) == 0)
			fail_msg("'%s' was taken as %lld", bad_durations[i],
				 (long long)seconds);
		assert_int_equal(err.code, UC_USAGE);
		assert_int_equal(seconds, 4711);
		assert_non_null(strchr(err.text, '\''));
		assert_null(strchr(err.text, '\n'));
	}
}

static void test_durations_are_written_as_slurm_reads_them(void **state)
{
	static const struct {
		int64_t seconds;
		const char *slurm, *words;
	} cases[] = {
		{ 0, "0:00", "0s" },
		{ 59, "0:59", "59s" },
		{ 60, "1:00", "1m" },
		{ 5400, "1:30:00", "1h 30m" },
		{ 86399, "23:59:59", "23h 59m" },
		{ 86400, "1-00:00:00", "1d" },
		{ 217815, "2-12:30:15", "2d 12h" },
		{ UC_DURATION_INFINITE, "UNLIMITED", "unlimited" },
		{ -5, "0:00", "0s" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uc_auto(buf) struct uc_buf slurm = { 0 }, words = { 0 };
		int64_t back;

		uc_duration_format(&slurm, cases[i].seconds);
		uc_duration_words(&words, cases[i].seconds);
		assert_string_equal(uc_buf_text(&slurm), cases[i].slurm);
		assert_string_equal(uc_buf_text(&words), cases[i].words);
		assert_int_equal(uc_duration_parse(slurm.data, &back, NULL), 0);
		if (cases[i].seconds >= 0)
			assert_int_equal(back, cases[i].seconds);
	}
}

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static const struct {
	const char *text;
	uint64_t bytes;
} good_sizes[] = {
	{ "16G", 16 * GIB },
	{ "24GB", 24 * GIB },
	{ "24GiB", 24 * GIB },
	{ "500M", 500 * MIB },
	{ "4096", 4096 * MIB },
	{ "1.5T", 1536 * GIB },
	{ "0", 0 },
	{ "512B", 512 },
	{ "1K", 1024 },
	{ "24 GB", 24 * GIB },
	{ "16g", 16 * GIB },
	{ "0.5G", 512 * MIB },
	{ "1.125G", 1152 * MIB },
	{ "1P", GIB << 20 },
	{ "15E", UINT64_C(15) << 60 },
};

static const char *const bad_sizes[] = {
	"",      "G",       "-1G", "1X",   "1GG",      "1Gb1",
	"1.G",   "1.2345G", "16E", "0x1G", "1e3M",     "1 2G",
	"1GiBs", "24 G B",  "G24", "1,5G", "\x1b[31m", "18446744073709551616",
};

static void test_sizes_are_read_in_every_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good_sizes); i++) {
		struct uc_error err = { 0 };
		uint64_t bytes = 1;

		if (uc_size_parse(good_sizes[i].text, &bytes, &err) < 0)
			fail_msg("%s: %s", good_sizes[i].text, err.text);
		if (bytes != good_sizes[i].bytes)
			fail_msg("%s: %llu", good_sizes[i].text,
				 (unsigned long long)bytes);
	}
}

static void test_bad_sizes_are_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_sizes); i++) {
		struct uc_error err = { 0 };
		uint64_t bytes = 4711;

		if (uc_size_parse(bad_sizes[i], &bytes, &err) == 0)
			fail_msg("'%s' was taken", bad_sizes[i]);
		assert_int_equal(err.code, UC_USAGE);
		assert_int_equal(bytes, 4711);
		assert_null(strchr(err.text, '\x1b'));
	}
}

static void test_sizes_are_written(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *slurm, *words;
	} cases[] = {
		{ 0, "0M", "0B" },
		{ 1, "1M", "1B" },
		{ 1023, "1M", "1023B" },
		{ 1024, "1M", "1K" },
		{ 1536, "1M", "1.5K" },
		{ 24 * GIB, "24G", "24G" },
		{ 1536 * MIB, "1536M", "1.5G" },
		{ 1536 * GIB, "1536G", "1.5T" },
		{ 4096 * GIB, "4T", "4T" },
		{ 310 * MIB + 1, "311M", "310M" },
		{ 100 * GIB, "100G", "100G" },
		{ 1000 * MIB, "1000M", "0.98G" },
		{ UINT64_MAX, "16777216T", "16E" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uc_auto(buf) struct uc_buf slurm = { 0 }, words = { 0 };

		uc_size_format(&slurm, cases[i].bytes);
		uc_size_words(&words, cases[i].bytes);
		assert_string_equal(uc_buf_text(&slurm), cases[i].slurm);
		assert_string_equal(uc_buf_text(&words), cases[i].words);
	}
}

static void test_a_size_comes_after_other_text(void **state)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	(void)state;
	uc_buf_add(&line, "1.5 of ");
	uc_size_words(&line, 100 * GIB);
	uc_buf_add(&line, " and ");
	uc_size_words(&line, 500 * MIB);
	assert_string_equal(uc_buf_text(&line), "1.5 of 100G and 500M");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations_are_read_in_every_form),
		cmocka_unit_test(test_bad_durations_are_refused_by_name),
		cmocka_unit_test(test_durations_are_written_as_slurm_reads_them),
		cmocka_unit_test(test_sizes_are_read_in_every_form),
		cmocka_unit_test(test_bad_sizes_are_refused_by_name),
		cmocka_unit_test(test_sizes_are_written),
		cmocka_unit_test(test_a_size_comes_after_other_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
