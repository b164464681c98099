/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucluster/state.h>
#include <ucluster/usage.h>

#define HOUR 3600
/* 2026-11-21 12:00 UTC, a Saturday; tests run with TZ=UTC or Berlin's */
#define NOON ((int64_t)1795262400)

static struct uc_past job(const char *user, int64_t from, int64_t to, uint32_t gpus)
{
	return (struct uc_past){ .user = { user },
				 .account = { strcmp(user, "eve") ? "lab" : "guests" },
				 .state = to ? UC_JOB_COMPLETED : UC_JOB_RUNNING,
				 .start_time = from,
				 .end_time = to,
				 .gpus = gpus,
				 .cpus = 4 };
}

static struct uc_usage *make(const struct uc_past *rows, size_t count,
			     const struct uc_usage_query *query)
{
	const struct uc_history history = { .count = count, .row = rows, .now = NOON };
	struct uc_usage *usage = NULL;
	struct uc_error err;

	assert_int_equal(uc_usage_make(&history, query, &usage, &err), 0);
	return usage;
}

static void assert_row(const struct uc_usage *usage, size_t i,
		       const struct uc_usage_row *want)
{
	assert_true(i < usage->count);
	assert_string_equal(usage->row[i].name.bytes, want->name.bytes);
	assert_int_equal(usage->row[i].jobs, want->jobs);
	assert_int_equal(usage->row[i].gpu_seconds, want->gpu_seconds);
	assert_int_equal(usage->row[i].cpu_seconds, want->cpu_seconds);
}
#define ASSERT_ROW(usage, i, name, ...)                                                  \
	assert_row(usage, i, &(const struct uc_usage_row){ { name }, 0, __VA_ARGS__ })

static void set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static void test_a_job_is_cut_at_midnight(void **state)
{
	/* from 22:00 the day before yesterday to 06:00 today */
	const struct uc_past rows[] = { job("bob", NOON - 38 * HOUR, NOON - 6 * HOUR,
					    2) };
	const struct uc_usage_query query = { .by = UC_USAGE_BY_DAY,
					      .since = NOON - 60 * HOUR };
	uc_auto(usage) struct uc_usage *usage = NULL;

	(void)state;
	set_zone("UTC");
	usage = make(rows, 1, &query);
	assert_int_equal(usage->count, 3);
	ASSERT_ROW(usage, 0, "2026-11-19", 1, 4 * HOUR, 8 * HOUR);
	ASSERT_ROW(usage, 1, "2026-11-20", 1, 48 * HOUR, 96 * HOUR);
	ASSERT_ROW(usage, 2, "2026-11-21", 1, 12 * HOUR, 24 * HOUR);
	assert_int_equal(usage->total.jobs, 1);
	assert_int_equal(usage->total.gpu_seconds, 64 * HOUR);
	assert_true(usage->gpus_known);
}

static void test_days_are_local_ones_of_any_length(void **state)
{
	/* in Berlin 25 October 2026 has 25 hours */
	const int64_t begin = 1792879200; /* 2026-10-25 00:00 +02:00 */

	(void)state;
	set_zone("Europe/Berlin");
	assert_int_equal(uc_day_begin(begin + 5, 0), begin);
	assert_int_equal(uc_day_begin(begin + 10 * HOUR, -1) -
				 uc_day_begin(begin + 10 * HOUR, 0),
			 25 * HOUR);
	set_zone("UTC");
}

static void test_only_the_window_counts(void **state)
{
	struct uc_past rows[] = {
		job("bob", NOON - 10 * HOUR, NOON - 4 * HOUR, 1),
		job("bob", NOON - 2 * HOUR, 0, 1), /* runs */
		job("bob", NOON - 90 * HOUR, NOON - 80 * HOUR, 8),
		job("bob", 0, NOON - HOUR, 8),    /* cancelled before it began */
		job("bob", NOON - HOUR, 0, 8),    /* waits again */
		job("bob", NOON - HOUR, NOON, 8), /* a step */
	};
	const struct uc_usage_query query = { .by = UC_USAGE_BY_USER,
					      .since = NOON - 5 * HOUR };
	uc_auto(usage) struct uc_usage *usage = NULL;

	(void)state;
	rows[4].state = UC_JOB_PENDING;
	rows[5].step = uc_raw("batch");
	usage = make(rows, ARRAY_SIZE(rows), &query);
	assert_int_equal(usage->count, 1);
	ASSERT_ROW(usage, 0, "bob", 2, 3 * HOUR, 12 * HOUR);
}

static void test_the_most_first_and_only_whose_is_asked_for(void **state)
{
	const struct uc_past rows[] = {
		job("ann", NOON - 2 * HOUR, NOON, 0),
		job("eve", NOON - 2 * HOUR, NOON, 4),
		job("bob", NOON - 2 * HOUR, NOON, 1),
		job("bob", NOON - 3 * HOUR, NOON, 1),
	};
	struct uc_usage_query query = { .by = UC_USAGE_BY_USER,
					.since = NOON - 24 * HOUR };
	uc_auto(usage) struct uc_usage *users = NULL, *accounts = NULL, *lab = NULL,
				       *ann = NULL;

	(void)state;
	users = make(rows, 4, &query);
	assert_int_equal(users->count, 3);
	ASSERT_ROW(users, 0, "eve", 1, 8 * HOUR, 8 * HOUR);
	ASSERT_ROW(users, 1, "bob", 2, 5 * HOUR, 20 * HOUR);
	ASSERT_ROW(users, 2, "ann", 1, 0, 8 * HOUR);
	query.by = UC_USAGE_BY_ACCOUNT;
	accounts = make(rows, 4, &query);
	assert_int_equal(accounts->count, 2);
	ASSERT_ROW(accounts, 1, "lab", 3, 5 * HOUR, 28 * HOUR);
	query.account = "lab";
	lab = make(rows, 4, &query);
	assert_int_equal(lab->count, 1);
	query.account = NULL;
	query.user = "ann";
	ann = make(rows, 4, &query);
	assert_int_equal(ann->total.cpu_seconds, 8 * HOUR);
}

static void test_suspended_time_is_left_out(void **state)
{
	struct uc_past rows[] = { job("bob", NOON - 4 * HOUR, NOON, 2) };
	const struct uc_usage_query query = { .by = UC_USAGE_BY_USER,
					      .since = NOON - 24 * HOUR };
	uc_auto(usage) struct uc_usage *usage = NULL;

	(void)state;
	rows[0].suspended = HOUR;
	usage = make(rows, 1, &query);
	ASSERT_ROW(usage, 0, "bob", 1, 6 * HOUR, 12 * HOUR);
}

static void test_sites_that_do_not_count_gpus(void **state)
{
	const struct uc_past rows[] = { job("bob", NOON - HOUR, NOON, UC_NONE32) };
	const struct uc_usage_query query = { .by = UC_USAGE_BY_USER,
					      .since = NOON - 24 * HOUR };
	uc_auto(usage) struct uc_usage *usage = NULL, *none = NULL;

	(void)state;
	usage = make(rows, 1, &query);
	assert_false(usage->gpus_known);
	assert_int_equal(usage->total.gpu_seconds, 0);
	none = make(rows, 0, &query);
	assert_true(none->gpus_known);
	assert_int_equal(none->count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_job_is_cut_at_midnight),
		cmocka_unit_test(test_days_are_local_ones_of_any_length),
		cmocka_unit_test(test_only_the_window_counts),
		cmocka_unit_test(test_the_most_first_and_only_whose_is_asked_for),
		cmocka_unit_test(test_suspended_time_is_left_out),
		cmocka_unit_test(test_sites_that_do_not_count_gpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
