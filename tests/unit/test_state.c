/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <ucluster/job.h>
#include <ucluster/state.h>

static void test_job_states_read_as_squeue_shows_them(void **state)
{
	(void)state;
	assert_string_equal(uc_job_state_name(UC_JOB_PENDING), "PENDING");
	assert_string_equal(uc_job_state_short(UC_JOB_OOM), "OOM");
	assert_string_equal(uc_job_state_short(UC_JOB_RUNNING | UC_JOB_COMPLETING), "CG");
	assert_string_equal(uc_job_state_name(UC_JOB_RUNNING | UC_JOB_CONFIGURING),
			    "CONFIGURING");
	assert_string_equal(uc_job_state_short(UC_JOB_FAILED | UC_JOB_LAUNCH_FAILED),
			    "F");
	/* as squeue of 25.11, which has no letters for it */
	assert_string_equal(uc_job_state_name(UC_JOB_PENDING | UC_JOB_EXPEDITING),
			    "EXPEDITING");
	assert_string_equal(uc_job_state_short(UC_JOB_PENDING | UC_JOB_EXPEDITING), "PD");
	assert_null(uc_job_state_name(12));
	assert_null(uc_job_state_short(255));
}

static void test_job_states_are_found_by_either_name(void **state)
{
	(void)state;
	for (uint32_t i = 0; i <= UC_JOB_OOM; i++) {
		assert_int_equal(uc_job_state_find(uc_job_state_name(i)), i);
		assert_int_equal(uc_job_state_find(uc_job_state_short(i)), i);
	}
	assert_int_equal(uc_job_state_find("pd"), UC_JOB_PENDING);
	assert_int_equal(uc_job_state_find("completing"), UC_JOB_COMPLETING);
	assert_int_equal(uc_job_state_find("expediting"), UC_JOB_EXPEDITING);
	assert_int_equal(uc_job_state_find("nonsense"), -1);
}

static void test_finished_means_it_will_not_come_back(void **state)
{
	(void)state;
	assert_false(uc_job_is_finished(UC_JOB_PENDING));
	assert_false(uc_job_is_finished(UC_JOB_SUSPENDED));
	assert_true(uc_job_is_finished(UC_JOB_COMPLETED));
	assert_false(uc_job_is_finished(UC_JOB_COMPLETED | UC_JOB_COMPLETING));
}

static void check_node(uint32_t value, const char *expected, bool usable)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	uc_buf_node_state(&text, value);
	assert_string_equal(uc_buf_text(&text), expected);
	assert_int_equal(uc_node_is_usable(value), usable);
}

static void test_node_states_with_their_flags(void **state)
{
	(void)state;
	check_node(UC_NODE_IDLE, "IDLE", true);
	check_node(UC_NODE_IDLE | UC_NODE_DRAIN, "IDLE+DRAIN", false);
	check_node(UC_NODE_MIXED | UC_NODE_PLANNED, "MIXED+PLANNED", true);
	check_node(UC_NODE_DOWN | UC_NODE_NO_RESPOND, "DOWN+NOT_RESPONDING", false);
	check_node(UC_NODE_IDLE | UC_NODE_RESERVED | UC_NODE_MAINT,
		   "IDLE+RESERVED+MAINTENANCE", false);
	check_node(11, "11", false);
	/* one that registered with slurmd -F runs jobs like any other */
	check_node(UC_NODE_IDLE | UC_NODE_DYNAMIC_FUTURE, "IDLE+DYNAMIC_FUTURE", true);
	check_node(UC_NODE_FUTURE, "FUTURE", false);
	check_node(UC_NODE_IDLE | UC_NODE_EXTERNAL, "IDLE+EXTERNAL", true);
	check_node(UC_NODE_IDLE | UC_NODE_PERFCTRS, "IDLE+PERFCTRS", true);
}

static void test_node_states_in_words(void **state)
{
	static const struct {
		uint32_t state;
		const char *word, *is, *is_not;
	} some[] = {
		{ UC_NODE_IDLE, "idle", "IDLE", "mix" },
		{ UC_NODE_MIXED, "mixed", "mix", "alloc" },
		{ UC_NODE_ALLOCATED, "allocated", "alloc", "idle" },
		{ UC_NODE_DOWN | UC_NODE_DRAIN, "down", "drain", "usable" },
		{ UC_NODE_IDLE | UC_NODE_DRAIN, "drained", "drained", "idle" },
		{ UC_NODE_MIXED | UC_NODE_DRAIN, "draining", "drng", "drained" },
		{ UC_NODE_IDLE | UC_NODE_DRAIN | UC_NODE_COMPLETING, "draining",
		  "draining", "drained" },
		{ UC_NODE_IDLE | UC_NODE_MAINT, "maintenance", "maint", "usable" },
		{ UC_NODE_IDLE | UC_NODE_RESERVED, "reserved", "resv", "down" },
		{ UC_NODE_IDLE | UC_NODE_PLANNED, "planned", "plan", "planned_" },
		{ UC_NODE_IDLE | UC_NODE_NO_RESPOND, "no answer", "no_respond",
		  "usable" },
		{ 15, "unknown", "all", "idle" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
		assert_string_equal(uc_node_state_word(some[i].state), some[i].word);
		if (uc_node_state_is(some[i].state, some[i].is) != 1)
			fail_msg("%s is not %s", some[i].word, some[i].is);
		if (uc_node_state_is(some[i].state, some[i].is_not) == 1)
			fail_msg("%s is %s", some[i].word, some[i].is_not);
	}
	assert_int_equal(uc_node_state_is(UC_NODE_IDLE, "asleep"), -1);
	assert_int_equal(uc_node_state_is(UC_NODE_IDLE, ""), -1);
}

/* With one flag each: what no job starts on is not called idle or mixed. */
static void test_what_is_not_usable_has_a_word(void **state)
{
	(void)state;
	for (int bit = 4; bit < 31; bit++) {
		const uint32_t flag = (uint32_t)1 << bit;

		if (uc_node_is_usable(UC_NODE_IDLE | flag))
			continue;
		assert_string_not_equal(uc_node_state_word(UC_NODE_IDLE | flag), "idle");
		assert_string_not_equal(uc_node_state_word(UC_NODE_MIXED | flag),
					"mixed");
	}
}

static void test_reasons_have_their_number(void **state)
{
	static const struct {
		uint32_t reason;
		const char *name;
	} some[] = {
		{ 0, "None" },
		{ 1, "Priority" },
		{ 3, "Resources" },
		{ 16, "JobHeldUser" },
		{ 17, "NvidiaImexChannels" },
		{ 39, "DependencyNeverSatisfied" },
		{ 43, "QOSGrpJobsLimit" },
		{ 44, "QOSGrpMemLimit" },
		{ 60, "AssocGrpJobsLimit" },
		{ 72, "JobArrayTaskLimit" },
		{ 149, "QOSMaxGRESPerUser" },
		{ 198, "ReservationDeleted" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		assert_string_equal(uc_reason_name(some[i].reason), some[i].name);
	for (uint32_t i = 0; i < 221; i++) {
		int64_t found = uc_reason_find(uc_reason_name(i));

		/* Slurm itself gives two pairs of slots one name. */
		assert_true(found == i || (i == 19 && found == 6) ||
			    (i == 165 && found == 115));
	}
	assert_null(uc_reason_name(221));
	assert_null(uc_reason_name(UINT32_MAX));
	assert_int_equal(uc_reason_find("frontenddown"), 17);
	assert_int_equal(uc_reason_find("none such"), -1);
}

static void test_array_tasks_are_counted(void **state)
{
	static const struct {
		const char *text;
		uint32_t count;
	} tasks[] = {
		{ "7", 1 },
		{ "0-9", 10 },
		{ "2-9%2", 8 },
		{ "1,3,5-9:2%4", 5 },
		{ "0-10:5", 3 },
		{ "1-3,...", UC_NONE32 },
		{ "", UC_NONE32 },
		{ NULL, UC_NONE32 },
		{ "9-2", UC_NONE32 },
		{ "1-9:0", UC_NONE32 },
		{ "1,", UC_NONE32 },
		{ "1%", UC_NONE32 },
		{ "-1", UC_NONE32 },
		{ "4294967295", UC_NONE32 },
		{ "0-4294967294,0-4294967294", UC_NONE32 },
		{ "99999999999999999999", UC_NONE32 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++)
		if (uc_array_count(tasks[i].text) != tasks[i].count)
			fail_msg("'%s': %u", tasks[i].text,
				 uc_array_count(tasks[i].text));
}

static void test_elapsed_time_leaves_suspension_out(void **state)
{
	struct uc_job job = { .state = UC_JOB_RUNNING, .start_time = 1000 };

	(void)state;
	assert_int_equal(uc_job_elapsed(&job, 1600), 600);
	assert_int_equal(uc_job_elapsed(&job, 900), 0);
	job.suspend_time = 1500;
	job.suspended = 100;
	assert_int_equal(uc_job_elapsed(&job, 1600), 200);
	job.state = UC_JOB_SUSPENDED;
	assert_int_equal(uc_job_elapsed(&job, 9999), 100);
	job.state = UC_JOB_COMPLETED;
	job.end_time = 1550;
	assert_int_equal(uc_job_elapsed(&job, 9999), 150);
	job.state = UC_JOB_PENDING;
	assert_int_equal(uc_job_elapsed(&job, 9999), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_job_states_read_as_squeue_shows_them),
		cmocka_unit_test(test_job_states_are_found_by_either_name),
		cmocka_unit_test(test_finished_means_it_will_not_come_back),
		cmocka_unit_test(test_node_states_with_their_flags),
		cmocka_unit_test(test_node_states_in_words),
		cmocka_unit_test(test_what_is_not_usable_has_a_word),
		cmocka_unit_test(test_reasons_have_their_number),
		cmocka_unit_test(test_array_tasks_are_counted),
		cmocka_unit_test(test_elapsed_time_leaves_suspension_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
