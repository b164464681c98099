/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The idle guard, and what it measures. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/idle.h>
#include "session/usage.h"

#define MINUTE 60000

static void begin(struct uc_guard *g)
{
	uc_guard_begin(g, 60 * MINUTE, 5 * MINUTE, 1000);
	uc_guard_sample(g, 1000, 0);
}

static void test_nothing_happens_while_something_happens(void **state)
{
	struct uc_guard g;

	(void)state;
	begin(&g);
	for (int64_t now = 1000; now < 600 * MINUTE; now += MINUTE) {
		if (now % (50 * MINUTE) == 1000)
			uc_guard_seen(&g, now);
		assert_int_equal(uc_guard_tick(&g, now), UC_GUARD_NOTHING);
	}
}

static void test_it_asks_then_warns_then_ends(void **state)
{
	const int64_t idle = 1000 + 60 * MINUTE;
	struct uc_guard g;

	(void)state;
	begin(&g);
	assert_int_equal(uc_guard_tick(&g, idle - 1), UC_GUARD_NOTHING);
	assert_int_equal(uc_guard_tick(&g, idle), UC_GUARD_PROBE);
	assert_int_equal(uc_guard_tick(&g, idle + 5), UC_GUARD_PROBE);
	uc_guard_gpus(&g, idle + 10, false);
	assert_int_equal(uc_guard_tick(&g, idle + 10), UC_GUARD_WARN);
	assert_int_equal(uc_guard_tick(&g, idle + 20), UC_GUARD_NOTHING);
	assert_int_equal(uc_guard_tick(&g, idle + 10 + 5 * MINUTE), UC_GUARD_PROBE);
	uc_guard_gpus(&g, idle + 20 + 5 * MINUTE, false);
	assert_int_equal(uc_guard_tick(&g, idle + 20 + 5 * MINUTE), UC_GUARD_END);
}

static void test_a_key_after_the_warning_saves_it(void **state)
{
	const int64_t idle = 1000 + 60 * MINUTE;
	struct uc_guard g;

	(void)state;
	begin(&g);
	uc_guard_gpus(&g, idle, false);
	assert_int_equal(uc_guard_tick(&g, idle), UC_GUARD_WARN);
	uc_guard_seen(&g, idle + MINUTE);
	assert_int_equal(uc_guard_tick(&g, idle + MINUTE), UC_GUARD_CALM);
	assert_int_equal(uc_guard_tick(&g, idle + MINUTE), UC_GUARD_NOTHING);
	assert_int_equal(uc_guard_tick(&g, idle + 50 * MINUTE), UC_GUARD_NOTHING);
	/* the whole time again, and the GPUs are asked again */
	assert_int_equal(uc_guard_tick(&g, idle + 61 * MINUTE), UC_GUARD_PROBE);
}

static void test_gpus_at_work_are_no_idleness(void **state)
{
	const int64_t idle = 1000 + 60 * MINUTE;
	struct uc_guard g;

	(void)state;
	begin(&g);
	uc_guard_gpus(&g, idle, true);
	assert_int_equal(uc_guard_tick(&g, idle), UC_GUARD_NOTHING);
	assert_int_equal(uc_guard_tick(&g, idle + 59 * MINUTE), UC_GUARD_NOTHING);
	/* at work again after the warning */
	uc_guard_gpus(&g, idle + 60 * MINUTE, false);
	assert_int_equal(uc_guard_tick(&g, idle + 60 * MINUTE), UC_GUARD_WARN);
	assert_int_equal(uc_guard_tick(&g, idle + 65 * MINUTE), UC_GUARD_PROBE);
	uc_guard_gpus(&g, idle + 65 * MINUTE, true);
	assert_int_equal(uc_guard_tick(&g, idle + 65 * MINUTE), UC_GUARD_CALM);
}

static void test_cpu_time_is_no_idleness(void **state)
{
	struct uc_guard g;
	int64_t now = 1000, cpu = 0;

	(void)state;
	begin(&g);
	assert_false(uc_guard_due(&g, now + 1));
	/* 5 % of one CPU for three hours */
	for (; now < 180 * MINUTE; now += 30000, cpu += 1500) {
		assert_true(uc_guard_due(&g, now + 30000));
		uc_guard_sample(&g, now + 30000, cpu + 1500);
		assert_int_equal(uc_guard_tick(&g, now + 30000), UC_GUARD_NOTHING);
	}
	/* 1 % is not work */
	for (int i = 0; i < 121; i++, now += 30000, cpu += 300)
		uc_guard_sample(&g, now + 30000, cpu + 300);
	assert_int_equal(uc_guard_tick(&g, now), UC_GUARD_PROBE);
	/* what cannot be measured is taken for work */
	uc_guard_sample(&g, now, -1);
	assert_int_equal(uc_guard_tick(&g, now), UC_GUARD_NOTHING);
}

static void test_none_when_it_is_off(void **state)
{
	struct uc_guard g;

	(void)state;
	uc_guard_begin(&g, 0, 5 * MINUTE, 1000);
	assert_false(uc_guard_due(&g, 1000000));
	assert_int_equal(uc_guard_tick(&g, INT64_C(1) << 50), UC_GUARD_NOTHING);
}

static void test_answers_of_nvidia_smi(void **state)
{
	(void)state;
	assert_int_equal(uc_gpu_state("0\n0\n"), UC_GPU_IDLE);
	assert_int_equal(uc_gpu_state("0\n 37\n"), UC_GPU_BUSY);
	assert_int_equal(uc_gpu_state("0\n0"), UC_GPU_IDLE);
	assert_int_equal(uc_gpu_state(""), UC_GPU_UNKNOWN);
	assert_int_equal(uc_gpu_state("No devices were found\n"), UC_GPU_UNKNOWN);
	assert_int_equal(uc_gpu_state("[N/A]\n0\n"), UC_GPU_IDLE);
	assert_int_equal(uc_gpu_state("[N/A]\n"), UC_GPU_UNKNOWN);
}

/* Processes of a job are known by their environment, where it has no control group. */
static void test_cpu_time_of_a_job_is_measured(void **state)
{
	char *const words[] = { (char *)"sh", (char *)"-c",
				(char *)"echo; i=0; while :; do i=$((i+1)); done", NULL };
	char *const env[] = { (char *)"PATH=/usr/bin:/bin",
			      (char *)"SLURM_JOB_ID=987654321", NULL };
	const time_t until = time(NULL) + 60;
	int64_t used = 0;
	int out[2];
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(uc_usage_cpu("987654321"), 0);
	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		execve("/bin/sh", words, env);
		_exit(1);
	}
	assert_int_equal(read(out[0], &c, 1), 1);
	while (used < 100 && time(NULL) < until)
		used = uc_usage_cpu("987654321");
	assert_true(used >= 100);
	/* another job's number that begins with the same digits */
	assert_int_equal(uc_usage_cpu("98765432"), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(out[0]);
	close(out[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_happens_while_something_happens),
		cmocka_unit_test(test_it_asks_then_warns_then_ends),
		cmocka_unit_test(test_a_key_after_the_warning_saves_it),
		cmocka_unit_test(test_gpus_at_work_are_no_idleness),
		cmocka_unit_test(test_cpu_time_is_no_idleness),
		cmocka_unit_test(test_none_when_it_is_off),
		cmocka_unit_test(test_answers_of_nvidia_smi),
		cmocka_unit_test(test_cpu_time_of_a_job_is_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
