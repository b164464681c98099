/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucluster/history.h>
#include <ucluster/state.h>
#include "slurm/history.h"
#include "slurm/tres_ids.h"

/* 2026-11-21 12:00:00 UTC, a Saturday */
#define NOW 1795262400

static void check_since(const char *text, int64_t expected)
{
	struct uc_error err;
	int64_t since = -1;

	if (uc_since_parse(text, NOW, &since, &err) < 0)
		since = -1;
	if (since != expected)
		fail_msg("'%s': %lld, expected %lld", text, (long long)since,
			 (long long)expected);
}

static void test_since_is_a_time_that_has_passed(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	check_since("24h", NOW - 86400);
	check_since("7d", NOW - 7 * 86400);
	check_since("90", NOW - 90 * 60); /* minutes, as everywhere */
	check_since("2-12", NOW - 60 * 3600);
	check_since("today", NOW - 12 * 3600);
	check_since("Yesterday", NOW - 36 * 3600);
	check_since("11:00", NOW - 3600);
	check_since("13:00", NOW - 23 * 3600);
	check_since("2026-11-20", NOW - 36 * 3600);
	check_since("2026-11-20T11:30:15", NOW - 88185);
	check_since("11/20", NOW - 36 * 3600);
	check_since("0", NOW);
	check_since("100y", -1);
	check_since("2026-11-22", -1);
	check_since("", -1);
	check_since("UNLIMITED", -1);
	check_since("soon", -1);
	check_since("-1h", -1);
	check_since("25:00", -1);
}

static void check_ids(const char *list, const char *expected)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	const char *rest = list;
	uint64_t value;
	uint32_t id;

	while (uc_tres_ids_next(&rest, &id, &value))
		uc_buf_addf(&text, "%u:%llu ", id, (unsigned long long)value);
	assert_string_equal(uc_buf_text(&text), expected);
}

static void test_tres_by_number(void **state)
{
	(void)state;
	check_ids("1=2,2=2048,4=1,5=2,1001=2", "1:2 2:2048 4:1 5:2 1001:2 ");
	/* not known */
	check_ids("1=2,3=18446744073709551614,4=1", "1:2 4:1 ");
	check_ids("3=18446744073709551615", "");
	check_ids("3=18446744073709551612", "3:18446744073709551612 ");
	check_ids("3=99999999999999999999,4=1", "4:1 ");
	check_ids("4294967295=1,99999999999=1,4=1", "4:1 ");
	check_ids("", "");
	check_ids(NULL, "");
	check_ids("1,=2,x=1,1=,1=2x,-1=3,,1=-1,1=+1,7=8,", "7:8 ");
	assert_int_equal(uc_tres_ids_get("1=2,2=7", UC_TRES_MEMORY, 0), 7);
	assert_int_equal(uc_tres_ids_get("1=2", UC_TRES_MEMORY, 9), 9);
}

/* Two jobs and an array, with steps. */
static struct uc_rows *make_rows(void)
{
	static const struct uc_past past[] = {
		{ .job_id = 1,
		  .user_id = 7,
		  .state = UC_JOB_FAILED,
		  .submit_time = 100,
		  .end_time = 200 },
		{ .job_id = 1, .user_id = 7, .step = { "batch" }, .end_time = 150 },
		{ .job_id = 11,
		  .array_job_id = 10,
		  .user_id = 8,
		  .state = UC_JOB_COMPLETED,
		  .submit_time = 110,
		  .end_time = 300 },
		{ .job_id = 11,
		  .array_job_id = 10,
		  .user_id = 8,
		  .step = { "0" },
		  .end_time = 300 },
		{ .job_id = 12,
		  .array_job_id = 10,
		  .user_id = 8,
		  .state = UC_JOB_RUNNING,
		  .submit_time = 110 },
		{ .job_id = 20,
		  .user_id = 8,
		  .state = UC_JOB_PENDING,
		  .submit_time = 900 },
	};
	struct uc_error err;
	struct uc_rows *rows = uc_rows_new(UC_ROWS_HISTORY, ARRAY_SIZE(past), 1000, &err);

	assert_non_null(rows);
	memcpy((void *)(uintptr_t)rows->row, past, sizeof(past));
	return rows;
}

static void check_narrow(const struct uc_history_query *query, const char *expected)
{
	uc_auto(rows) struct uc_rows *rows = make_rows();
	uc_auto(buf) struct uc_buf text = { 0 };
	const struct uc_past *row;

	uc_history_narrow(query, rows);
	row = rows->row;
	for (size_t i = 0; i < rows->count; i++)
		uc_buf_addf(&text, "%u%s%s ", row[i].job_id, row[i].step.bytes ? "." : "",
			    row[i].step.bytes ? row[i].step.bytes : "");
	assert_string_equal(uc_buf_text(&text), expected);
}

static void test_narrowed_to_what_is_asked_for(void **state)
{
	static const uint32_t eight = 8, one = 1, ten = 10;

	(void)state;
	check_narrow(&(struct uc_history_query){ 0 }, "1 11 12 20 ");
	check_narrow(&(struct uc_history_query){ .steps = true },
		     "1 1.batch 11 11.0 12 20 ");
	check_narrow(&(struct uc_history_query){ .since = 250, .steps = true },
		     "11 11.0 12 20 ");
	check_narrow(&(struct uc_history_query){ .until = 500 }, "1 11 12 ");
	check_narrow(&(struct uc_history_query){ .user_ids = &eight, .user_count = 1 },
		     "11 12 20 ");
	check_narrow(&(struct uc_history_query){ .job_ids = &ten,
						 .job_count = 1,
						 .steps = true },
		     "11 11.0 12 ");
	check_narrow(&(struct uc_history_query){ .job_ids = &one,
						 .job_count = 1,
						 .user_ids = &eight,
						 .user_count = 1,
						 .steps = true },
		     "");
}

static void test_what_slurmctld_remembers(void **state)
{
	char name[] = "job";
	struct uc_job job[] = {
		{ .job_id = 5,
		  .user_id = 7,
		  .state = UC_JOB_CANCELLED,
		  .array_task_id = UC_NONE32,
		  .name = { name },
		  .submit_time = 60,
		  .start_time = 90,
		  .end_time = 95,
		  .node_count = 2,
		  .cpus = 8,
		  .memory = 1 << 20,
		  .memory_per_cpu = true },
		{ .job_id = 4,
		  .state = UC_JOB_FAILED,
		  .submit_time = 50,
		  .end_time = 95 },
		{ .job_id = 6,
		  .state = UC_JOB_FAILED,
		  .submit_time = 50,
		  .end_time = 80 },
	};
	struct uc_jobs jobs = { .count = 3, .row = job, .now = 100 };
	struct uc_history_query query = { .since = 90 };
	uc_auto(history) struct uc_history *history = NULL;
	struct uc_ending ending;
	struct uc_error err;
	struct uc_job back;

	(void)state;
	history = uc_history_of_jobs(&jobs, &query, &err);
	assert_non_null(history);
	name[0] = 'X'; /* its own copy */
	assert_int_equal(history->count, 2);
	assert_int_equal(history->row[0].job_id, 4);
	assert_int_equal(history->row[1].job_id, 5);
	assert_string_equal(history->row[1].name.bytes, "job");
	assert_int_equal(history->row[1].memory_total, 8 << 20);
	assert_int_equal(history->row[1].elapsed, 5);
	assert_true(history->row[1].memory_peak == UC_NONE64);
	uc_ending_of_past(&ending, &history->row[1]);
	assert_int_equal(ending.state, UC_JOB_CANCELLED);
	assert_int_equal(ending.elapsed, 5);
	uc_job_of_past(&back, &history->row[1]);
	assert_int_equal(back.job_id, 5);
	assert_int_equal(back.cpus, 8);
	assert_int_equal(back.array_task_id, UC_NONE32);
	assert_int_equal(back.end_time, 95);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_since_is_a_time_that_has_passed),
		cmocka_unit_test(test_tres_by_number),
		cmocka_unit_test(test_narrowed_to_what_is_asked_for),
		cmocka_unit_test(test_what_slurmctld_remembers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
