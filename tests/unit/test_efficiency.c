/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <string.h>
#include <ucluster/efficiency.h>
#include <ucluster/state.h>
#include <ucluster/units.h>

#define GIB ((uint64_t)1 << 30)
#define UNKNOWN                                                                          \
	.cpu_ms = UC_NONE64, .memory_peak = UC_NONE64, .memory_sum = UC_NONE64,          \
	.gpu_percent = UC_NONE64, .gpu_memory = UC_NONE64, .tasks = UC_NONE32

/* A job with so many CPUs and so much memory that ran for an hour of eight. */
static struct uc_past job(uint32_t cpus, uint64_t memory)
{
	return (struct uc_past){ .job_id = 1,
				 .state = UC_JOB_COMPLETED,
				 .start_time = 1000,
				 .end_time = 4600,
				 .elapsed = 3600,
				 .time_limit = 8 * 3600,
				 .node_count = 1,
				 .cpus = cpus,
				 .memory = memory,
				 .memory_total = memory,
				 .gpus = 0,
				 UNKNOWN };
}

static struct uc_past step(const char *name, uint64_t cpu_s, uint64_t memory)
{
	return (struct uc_past){ .job_id = 1,
				 .step = { name },
				 .node_count = 1,
				 .tasks = 1,
				 .cpu_ms = cpu_s * 1000,
				 .memory_peak = memory,
				 .memory_sum = memory,
				 .gpu_percent = UC_NONE64,
				 .gpu_memory = UC_NONE64 };
}

static struct uc_efficiency measure(const struct uc_past *rows, size_t count)
{
	const struct uc_history history = { .count = count, .row = rows };
	struct uc_efficiency eff;
	struct uc_error err;

	assert_int_equal(uc_efficiency_of(&history, &eff, &err), 0);
	return eff;
}

static void check_advice(const struct uc_efficiency *eff, const char *expected)
{
	struct uc_advice advice[UC_ADVICE_MAX];
	uc_auto(buf) struct uc_buf text = { 0 };
	size_t count = uc_efficiency_advice(eff, advice, UC_ADVICE_MAX);

	for (size_t i = 0; i < count; i++)
		uc_buf_addf(&text, "%s: %s\n", advice[i].option, advice[i].words);
	assert_string_equal(uc_buf_text(&text), expected);
}

static void test_one_job(void **state)
{
	struct uc_past rows[] = { job(16, 64 * GIB), step("extern", 0, GIB),
				  step("batch", 60, GIB / 2), step("0", 6000, 5 * GIB),
				  step("1", 600, 2 * GIB) };
	struct uc_efficiency eff;

	(void)state;
	eff = measure(rows, ARRAY_SIZE(rows));
	assert_int_equal(eff.runs, 1);
	assert_int_equal(eff.sampled, 1);
	assert_int_equal(eff.cpu_used_ms, 6660000);
	assert_int_equal(eff.cpu_seconds, 16 * 3600);
	/* the script beside its largest step; extern is the node's own */
	assert_int_equal(eff.memory.most, (int64_t)(5 * GIB + GIB / 2));
	assert_int_equal(eff.memory_share.most, 86);
	assert_int_equal(eff.cpu_share.most, 116);
	check_advice(&eff, "--mem=7G: it used at most 5.5G of its 64G\n"
			   "--cpus-per-task=3: on average 1.9 of its 16 CPUs were busy\n"
			   "--time=1:30:00: it took 1h at most; jobs with shorter limits "
			   "start sooner\n");
	rows[0].state = UC_JOB_RUNNING;
	eff = measure(rows, ARRAY_SIZE(rows));
	assert_int_equal(eff.running, 1);
	check_advice(&eff, "");
}

static void test_what_was_used_well_gets_no_advice(void **state)
{
	struct uc_past rows[] = { job(4, 8 * GIB), step("batch", 4 * 3000, 6 * GIB) };
	struct uc_efficiency eff;

	(void)state;
	rows[0].time_limit = 2 * 3600;
	eff = measure(rows, 2);
	check_advice(&eff, "");
	rows[1].memory_peak = rows[1].memory_sum = 8 * GIB;
	eff = measure(rows, 2);
	check_advice(&eff, "--mem=10G: it used at most 8G of its 8G, and may not fit the "
			   "next time\n");
}

static void test_memory_of_a_cpu_and_of_several_nodes(void **state)
{
	struct uc_past rows[] = { job(8, 4 * GIB), step("0", 7 * 3600, 2 * GIB) };
	struct uc_efficiency eff;

	(void)state;
	rows[0].time_limit = 3600;
	rows[0].memory_per_cpu = true;
	rows[0].memory_total = 32 * GIB;
	eff = measure(rows, 2);
	check_advice(&eff, "--mem-per-cpu=512M: it used at most 2G of its 32G\n");
	/* four tasks of 2G on two nodes: 4G a node, with a margin 5G */
	rows[0].memory_per_cpu = false;
	rows[0].memory = 16 * GIB;
	rows[0].node_count = rows[1].node_count = 2;
	rows[1].memory_sum = 8 * GIB;
	rows[1].tasks = 4;
	eff = measure(rows, 2);
	check_advice(&eff, "--mem=5G: it used at most 8G of its 32G\n");
}

static void test_without_samples_only_times(void **state)
{
	struct uc_past rows[] = { job(4, 8 * GIB),
				  { .job_id = 1, .step = { "batch" }, UNKNOWN } };
	struct uc_efficiency eff;

	(void)state;
	rows[0].gpus = 2;
	eff = measure(rows, 2);
	assert_int_equal(eff.sampled, 0);
	assert_int_equal(eff.cpu_share.count, 0);
	assert_int_equal(eff.memory.count, 0);
	assert_int_equal(eff.gpu_seconds, 7200);
	assert_true(eff.gpus_known);
	check_advice(&eff, "--time=1:30:00: it took 1h at most; jobs with shorter limits "
			   "start sooner\n");
	rows[0].state = UC_JOB_FAILED; /* how long it would have taken nobody knows */
	eff = measure(rows, 2);
	check_advice(&eff, "");
}

static void test_spread_over_an_array(void **state)
{
	struct uc_past rows[] = { job(1, 8 * GIB), step("batch", 3600, GIB),
				  job(1, 8 * GIB), step("batch", 1800, 2 * GIB),
				  job(1, 8 * GIB), step("batch", 360, 3 * GIB),
				  job(1, 8 * GIB), job(1, 8 * GIB) };
	struct uc_efficiency eff;

	(void)state;
	rows[2].elapsed = 1800;
	rows[6].state = UC_JOB_PENDING;
	rows[6].start_time = 0;
	rows[7].state = UC_JOB_CANCELLED; /* before it started */
	rows[7].start_time = 0;
	eff = measure(rows, ARRAY_SIZE(rows));
	assert_int_equal(eff.runs, 3);
	assert_int_equal(eff.waiting, 1);
	assert_int_equal(eff.memory.count, 3);
	assert_int_equal(eff.memory.least, (int64_t)GIB);
	assert_int_equal(eff.memory.middle, (int64_t)(2 * GIB));
	assert_int_equal(eff.memory.most, (int64_t)(3 * GIB));
	assert_int_equal(eff.cpu_share.least, 100);
	assert_int_equal(eff.cpu_share.middle, 1000);
	assert_int_equal(eff.elapsed.least, 1800);
	check_advice(&eff, "--mem=3840M: it used at most 3G of its 8G\n"
			   "--time=1:30:00: it took 1h at most; jobs with shorter limits "
			   "start sooner\n");
}

static void test_idle_gpus(void **state)
{
	struct uc_past rows[] = { job(1, GIB), step("0", 3600, GIB / 2) };
	struct uc_efficiency eff;

	(void)state;
	rows[0].gpus = 4;
	rows[0].time_limit = UC_DURATION_INFINITE;
	rows[1].gpu_percent = 12;
	rows[1].gpu_memory = 3 * GIB;
	eff = measure(rows, 2);
	assert_int_equal(eff.gpu_percent.most, 12);
	check_advice(&eff, "--gpus=1: its GPUs were busy for 12% of the time\n");
}

/* Nonsense from a recording: figures without sense, but no overflow. */
static void test_impossible_numbers(void **state)
{
	struct uc_past rows[] = { job(UINT32_MAX - 1, UINT64_MAX - 1),
				  step("0", UINT64_MAX / 1000 - 1, UINT64_MAX - 1),
				  step("1", UINT64_MAX / 1000 - 1, UINT64_MAX - 1) };
	struct uc_advice advice[UC_ADVICE_MAX];
	struct uc_efficiency eff;

	(void)state;
	rows[0].elapsed = INT64_MAX;
	rows[0].time_limit = INT64_MAX - 1;
	eff = measure(rows, 3);
	assert_true(uc_efficiency_advice(&eff, advice, 1) <= 1);
	eff = measure(rows + 1, 2); /* steps of no job */
	assert_int_equal(eff.runs, 0);
	eff = measure(rows, 0);
	check_advice(&eff, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_job),
		cmocka_unit_test(test_what_was_used_well_gets_no_advice),
		cmocka_unit_test(test_memory_of_a_cpu_and_of_several_nodes),
		cmocka_unit_test(test_without_samples_only_times),
		cmocka_unit_test(test_spread_over_an_array),
		cmocka_unit_test(test_idle_gpus),
		cmocka_unit_test(test_impossible_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
