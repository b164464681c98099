/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <string.h>
#include <ucluster/ending.h>
#include <ucluster/state.h>
#include <ucluster/units.h>

#define EXIT(code)  ((uint32_t)(code) << 8)
#define SIGNAL(n)   ((uint32_t)(n))
#define GIB         ((uint64_t)1 << 30)
#define FAILED(why) .state = UC_JOB_FAILED, .reason = (why)
#define ENDED(s)    .state = (s), .start_time = 1000, .elapsed = 3600

/* One row for each state, each flag and each reason of a failure. */
static const struct {
	struct uc_ending ending;
	enum uc_ending_kind kind;
	int code;
	const char *brief, *sentence, *action;
} cases[] = {
	{ { .state = UC_JOB_PENDING },
	  UC_ENDING_NONE,
	  -1,
	  "waits",
	  "has not started",
	  "" },
	{ { .state = UC_JOB_RUNNING }, UC_ENDING_NONE, -1, "runs", "has not ended", "" },
	{ { .state = UC_JOB_SUSPENDED },
	  UC_ENDING_NONE,
	  -1,
	  "suspended",
	  "is suspended",
	  "" },
	{ { ENDED(UC_JOB_COMPLETED) },
	  UC_ENDING_COMPLETED,
	  0,
	  "completed",
	  "completed",
	  "" },
	{ { ENDED(UC_JOB_COMPLETED), .derived_status = EXIT(3) },
	  UC_ENDING_COMPLETED,
	  0,
	  "completed",
	  "completed, but a step of it failed with exit code 3",
	  "" },
	{ { ENDED(UC_JOB_COMPLETED), .derived_status = SIGNAL(11) },
	  UC_ENDING_COMPLETED,
	  0,
	  "completed",
	  "completed, but a step of it was ended by signal 11 (SEGV)",
	  "" },
	{ { ENDED(UC_JOB_COMPLETED), .derived_status = SIGNAL(125) },
	  UC_ENDING_COMPLETED,
	  0,
	  "completed",
	  "completed, but a step of it ran out of memory",
	  "" },
	{ { ENDED(UC_JOB_COMPLETED | UC_JOB_COMPLETING) },
	  UC_ENDING_COMPLETED,
	  0,
	  "completed",
	  "completed; its nodes are being cleaned up",
	  "" },
	{ { ENDED(UC_JOB_CANCELLED) },
	  UC_ENDING_CANCELLED,
	  0,
	  "cancelled",
	  "was cancelled after 1h",
	  "" },
	{ { ENDED(UC_JOB_CANCELLED), .exit_status = SIGNAL(15),
	    .cancelled_by = { "anna\033" } },
	  UC_ENDING_CANCELLED,
	  143,
	  "cancelled by anna\\x1b",
	  "was cancelled by anna\\x1b after 1h",
	  "" },
	{ { .state = UC_JOB_CANCELLED },
	  UC_ENDING_CANCELLED,
	  0,
	  "cancelled",
	  "was cancelled before it started",
	  "" },
	{ { ENDED(UC_JOB_TIMEOUT), .time_limit = 3600 },
	  UC_ENDING_TIME,
	  0,
	  "time limit",
	  "reached its time limit of 1h",
	  "ask for more --time, or save checkpoints and go on from them" },
	{ { ENDED(UC_JOB_TIMEOUT), .time_limit = UC_NOT_SET },
	  UC_ENDING_TIME,
	  0,
	  "time limit",
	  "reached its time limit",
	  "ask for more --time, or save checkpoints and go on from them" },
	{ { ENDED(UC_JOB_NODE_FAIL), .failed_node = { "gpu1" } },
	  UC_ENDING_NODE,
	  0,
	  "node failed",
	  "ended because a node of it failed: gpu1",
	  "submit it again" },
	{ { ENDED(UC_JOB_PREEMPTED) },
	  UC_ENDING_PREEMPTED,
	  0,
	  "preempted",
	  "was preempted: a job that goes first took its nodes",
	  "submit it again, with --requeue to have Slurm do so the next time" },
	{ { ENDED(UC_JOB_BOOT_FAIL) },
	  UC_ENDING_NODE,
	  0,
	  "node did not boot",
	  "ended because a node of it did not boot",
	  "submit it again" },
	{ { ENDED(UC_JOB_DEADLINE) },
	  UC_ENDING_DEADLINE,
	  0,
	  "missed its deadline",
	  "was ended because it could not be ready before its deadline",
	  "ask for a later --deadline or less --time" },
	{ { ENDED(UC_JOB_OOM), .exit_status = SIGNAL(125), .memory = 8 * GIB },
	  UC_ENDING_MEMORY,
	  253,
	  "out of memory",
	  "ran out of memory: it had asked for 8G a node",
	  "ask for more --mem" },
	{ { ENDED(UC_JOB_OOM), .memory = 2 * GIB, .memory_per_cpu = true },
	  UC_ENDING_MEMORY,
	  0,
	  "out of memory",
	  "ran out of memory: it had asked for 2G a CPU",
	  "ask for more --mem-per-cpu" },
	{ { .state = 77 },
	  UC_ENDING_UNKNOWN,
	  0,
	  "unknown state",
	  "is in a state that is not known",
	  "" },

	{ { FAILED(0) }, UC_ENDING_SYSTEM, 0, "failed", "failed", "look at its output" },
	{ { FAILED(24), .exit_status = EXIT(3) },
	  UC_ENDING_CODE,
	  3,
	  "exit code 3",
	  "failed with exit code 3",
	  "look at its output" },
	{ { FAILED(24), .exit_status = EXIT(127) },
	  UC_ENDING_CODE,
	  127,
	  "exit code 127",
	  "failed with exit code 127: a command was not found",
	  "is it spelled right, and in the container?" },
	{ { FAILED(24), .exit_status = EXIT(126) },
	  UC_ENDING_CODE,
	  126,
	  "exit code 126",
	  "failed with exit code 126: a command could not be executed",
	  "is the file executable, and for this machine?" },
	{ { FAILED(24), .exit_status = EXIT(137) },
	  UC_ENDING_CODE,
	  137,
	  "exit code 137",
	  "failed with exit code 137: signal 9 (KILL) ended a command in it",
	  "did it need more memory than it asked for?" },
	{ { FAILED(24), .exit_status = EXIT(255) },
	  UC_ENDING_CODE,
	  255,
	  "exit code 255",
	  "failed with exit code 255",
	  "look at its output" },
	{ { FAILED(24), .exit_status = EXIT(1), .derived_status = SIGNAL(125) },
	  UC_ENDING_MEMORY,
	  1,
	  "out of memory",
	  "ran out of memory",
	  "ask for more --mem" },
	{ { FAILED(33), .exit_status = SIGNAL(11) | 0x80 },
	  UC_ENDING_SIGNAL,
	  139,
	  "signal 11 (SEGV)",
	  "was ended by signal 11 (SEGV): it crashed (core dumped)",
	  "look at its output" },
	{ { FAILED(33), .exit_status = SIGNAL(100) },
	  UC_ENDING_SIGNAL,
	  228,
	  "signal 100",
	  "was ended by signal 100",
	  "look at its output" },
	{ { FAILED(19) },
	  UC_ENDING_SYSTEM,
	  0,
	  "partition went down",
	  "failed because its partition went down",
	  "submit it again, or to another" },
	{ { FAILED(20), .failed_node = { "gpu2" } },
	  UC_ENDING_NODE,
	  0,
	  "node went down",
	  "failed because a node of it went down: gpu2",
	  "submit it again" },
	{ { FAILED(22) },
	  UC_ENDING_SYSTEM,
	  0,
	  "system failure",
	  "failed because of a failure of the system",
	  "submit it again" },
	{ { FAILED(23), .exit_status = EXIT(1) },
	  UC_ENDING_SYSTEM,
	  1,
	  "could not be launched",
	  "could not be launched on its node",
	  "see that its working directory and output file can be written there" },
	{ { .state = UC_JOB_FAILED | UC_JOB_LAUNCH_FAILED },
	  UC_ENDING_SYSTEM,
	  0,
	  "could not be launched",
	  "could not be launched on its node",
	  "see that its working directory and output file can be written there" },
	{ { FAILED(25), .time_limit = 60 },
	  UC_ENDING_TIME,
	  0,
	  "time limit",
	  "reached its time limit of 1m",
	  "ask for more --time, or save checkpoints and go on from them" },
	{ { FAILED(26) },
	  UC_ENDING_SYSTEM,
	  0,
	  "idle too long",
	  "was ended because nothing ran in it for longer than the cluster allows",
	  "run its steps without long breaks" },
	{ { FAILED(27) },
	  UC_ENDING_SYSTEM,
	  0,
	  "account not valid",
	  "failed because its account is not valid any more",
	  "submit it with another --account" },
	{ { FAILED(28) },
	  UC_ENDING_SYSTEM,
	  0,
	  "QOS not valid",
	  "failed because its QOS is not valid any more",
	  "submit it with another --qos" },
	{ { FAILED(167) },
	  UC_ENDING_DEADLINE,
	  0,
	  "missed its deadline",
	  "could not be ready before its deadline",
	  "ask for a later --deadline or less --time" },
	{ { FAILED(181) },
	  UC_ENDING_MEMORY,
	  0,
	  "out of memory",
	  "ran out of memory",
	  "ask for more --mem" },

	{ { .state = UC_JOB_PENDING | UC_JOB_SPECIAL_EXIT, .exit_status = EXIT(9) },
	  UC_ENDING_REQUEUED,
	  9,
	  "requeued, held",
	  "ended with the exit code for which the site requeues and holds jobs",
	  "look at its output, then release it" },
	{ { .state = UC_JOB_PENDING | UC_JOB_REQUEUE_HOLD },
	  UC_ENDING_REQUEUED,
	  0,
	  "requeued, held",
	  "was requeued and is held",
	  "release it when it may run again" },
	{ { .state = UC_JOB_NODE_FAIL | UC_JOB_REQUEUE },
	  UC_ENDING_REQUEUED,
	  0,
	  "requeued",
	  "was requeued: it waits to run again from its beginning",
	  "" },
	{ { .state = UC_JOB_PENDING | UC_JOB_REQUEUE_FED },
	  UC_ENDING_REQUEUED,
	  0,
	  "requeued",
	  "was requeued: it waits to run again from its beginning",
	  "" },
	{ { .state = UC_JOB_CANCELLED | UC_JOB_REVOKED },
	  UC_ENDING_ELSEWHERE,
	  0,
	  "ran elsewhere",
	  "was started on another cluster of the federation",
	  "" },
	{ { .state = UC_JOB_RUNNING | UC_JOB_RESIZING },
	  UC_ENDING_ELSEWHERE,
	  0,
	  "resized",
	  "was resized and went on with another size",
	  "" },
};

static void test_every_ending_has_its_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct uc_ending *ending = &cases[i].ending;
		uc_auto(buf) struct uc_buf brief = { 0 }, sentence = { 0 },
					   action = { 0 };

		uc_ending_brief(&brief, ending, 0);
		uc_ending_sentence(&sentence, ending, 0);
		uc_ending_action(&action, ending);
		assert_string_equal(uc_buf_text(&brief), cases[i].brief);
		assert_string_equal(uc_buf_text(&sentence), cases[i].sentence);
		assert_string_equal(uc_buf_text(&action), cases[i].action);
		assert_int_equal(uc_ending_kind(ending), cases[i].kind);
		assert_int_equal(uc_ending_code(ending), cases[i].code);
	}
}

/* Whatever a controller sends: a kind, a few words, nothing read beyond a table. */
static void test_no_state_is_without_words(void **state)
{
	(void)state;
	for (uint32_t base = 0; base < 256; base++)
		for (uint32_t bit = 7; bit < 32; bit++)
			for (uint32_t reason = 0; reason < 230; reason += 1) {
				struct uc_ending ending = { .exit_status = base << 8 };
				uc_auto(buf) struct uc_buf text = { 0 };

				ending.state = base | (bit > 7 ? 1u << bit : 0);
				ending.reason = reason;
				uc_ending_brief(&text, &ending, 0);
				assert_true(text.len > 0 && text.len < 27);
				if (base > 15 && reason)
					break;
			}
}

static void test_of_a_job(void **state)
{
	struct uc_job job = { .state = UC_JOB_CANCELLED,
			      .start_time = 500,
			      .end_time = 500,
			      .time_limit = 60,
			      .memory = GIB };
	struct uc_ending ending;

	(void)state;
	uc_ending_of_job(&ending, &job, 1000);
	assert_int_equal(ending.start_time, 0);
	job.nodes = uc_raw("gpu1");
	job.end_time = 530;
	uc_ending_of_job(&ending, &job, 1000);
	assert_int_equal(ending.start_time, 500);
	assert_int_equal(ending.elapsed, 30);
	assert_int_equal(ending.time_limit, 60);
	assert_int_equal(ending.memory, GIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_ending_has_its_words),
		cmocka_unit_test(test_no_state_is_without_words),
		cmocka_unit_test(test_of_a_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
