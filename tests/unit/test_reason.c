/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "slurm/reason_words.h"

#define REASONS 221                   /* 0 to 220 in 26.05 */
#define NOW     ((int64_t)1767268800) /* 2026-01-01 12:00 UTC */
#define HOUR    3600

/* Bytes, not text: what a sentence does with them is under test. */
#define HOSTILE "gpu\x1b[2J\n"

static struct uc_job plain_job(uint32_t reason)
{
	return (struct uc_job){
		.job_id = 4711,
		.array_task_id = UC_NONE32,
		.user_id = 1000,
		.account = uc_raw("ml"),
		.partition = uc_raw("gpu"),
		.qos = uc_raw("normal"),
		.reason = reason,
		.priority = 100,
		.time_limit = 48 * HOUR,
		.node_count = 1,
		.gpus = 2,
		.exit_status = 0,
	};
}

static const struct uc_partition parts[] = {
	{ .name = { "cpu" }, .time_limit = 96 * HOUR, .node_min = 1, .node_max = 99 },
	{ .name = { "gpu" }, .time_limit = 24 * HOUR, .node_min = 1, .node_max = 4 },
};
static const struct uc_partitions partitions = { .count = 2, .row = parts, .now = NOW };

static void check_said(const struct uc_job *job, const struct uc_reason_context *context,
		       const char *sentence, const char *action)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	uc_reason_sentence(&text, job, context);
	assert_string_equal(uc_buf_text(&text), sentence);
	uc_buf_reset(&text);
	uc_reason_action(&text, job, context);
	assert_string_equal(uc_buf_text(&text), action);
}

/* No bracket, brace or bar is left, no control byte came through. */
static void check_text(const char *text, uint32_t reason)
{
	if (strpbrk(text, "[]{}|\x1b\n") || !text[0] || strstr(text, "  ") ||
	    text[strlen(text) - 1] == ' ')
		fail_msg("reason %u (%s) says '%s'", reason, uc_reason_name(reason),
			 text);
}

static void test_every_reason_has_words_of_its_own(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < REASONS; i++) {
		const char *words = uc_reason_short(i);

		assert_non_null(uc_reason_name(i));
		if (uc_reason_cause(i) == UC_CAUSE_UNKNOWN)
			fail_msg("%s has no words", uc_reason_name(i));
		assert_true(strlen(words) > 0 && strlen(words) <= 26);
	}
	assert_null(uc_reason_name(REASONS));
	assert_int_equal(uc_reason_cause(REASONS), UC_CAUSE_UNKNOWN);
	assert_string_equal(uc_reason_short(UINT32_MAX), "unknown reason");
}

static void test_every_reason_has_a_sentence_and_an_action(void **state)
{
	const struct uc_reason_context nothing = { 0 };
	const struct uc_rank rank = { .counts = true, .ahead = 2 };
	const struct uc_reason_limit limit = { 8, 8, 12, 4712, NOW + HOUR, NULL };
	const struct uc_reason_context all = {
		.now = NOW, .partitions = &partitions, .rank = &rank, .limit = &limit
	};

	(void)state;
	for (uint32_t i = 0; i <= REASONS; i++) {
		const struct uc_reason_context *contexts[] = { &nothing, &all };
		struct uc_job bare = plain_job(i);
		struct uc_job full = bare;

		bare.account = bare.partition = bare.qos = uc_raw(NULL);
		full.partition = full.account = full.qos = uc_raw(HOSTILE);
		full.reason_text = full.dependency = full.licenses = uc_raw(HOSTILE);
		full.reservation = full.features = full.nodes = uc_raw(HOSTILE);
		for (size_t c = 0; c < ARRAY_SIZE(contexts); c++) {
			uc_auto(buf) struct uc_buf text = { 0 };
			const struct uc_job *job = c ? &full : &bare;

			uc_reason_sentence(&text, job, contexts[c]);
			/* the hostile bracket itself is harmless text */
			for (char *p = text.data; (p = strstr(p, "\\x1b[2J\\x0a"));)
				memset(p, 'x', 10);
			check_text(uc_buf_text(&text), i);
			uc_buf_reset(&text);
			uc_reason_action(&text, job, contexts[c]);
			check_text(uc_buf_text(&text), i);
		}
	}
}

/* A name that no pattern of limits and no entry fits would be a hole in the table. */
static void test_limits_are_told_by_the_make_up_of_their_names(void **state)
{
	static const struct {
		uint32_t reason;
		enum uc_reason_cause cause;
		bool never;
		const char *has;
	} some[] = {
		{ 41, UC_CAUSE_GROUP, false, "budget of QOS normal for CPUs" },
		{ 42, UC_CAUSE_GROUP, false, "may still use of CPUs" },
		{ 43, UC_CAUSE_GROUP, false, "limit of running jobs" },
		{ 47, UC_CAUSE_GROUP, false, "limit of run time" },
		{ 51, UC_CAUSE_REQUEST, true, "longer than QOS normal" },
		{ 53, UC_CAUSE_USER, false, "your jobs in QOS normal" },
		{ 55, UC_CAUSE_USER, false, "limit of jobs in the queue" },
		{ 56, UC_CAUSE_REQUEST, true, "fewer CPUs than QOS normal" },
		{ 65, UC_CAUSE_USER, false, "your jobs in account ml" },
		{ 69, UC_CAUSE_REQUEST, true, "longer than account ml" },
		{ 85, UC_CAUSE_GROUP, false, "account ml for memory" },
		{ 99, UC_CAUSE_GROUP, false, "account ml together" },
		{ 144, UC_CAUSE_GROUP, false, "QOS normal together" },
		{ 147, UC_CAUSE_REQUEST, true, "more GPUs than QOS normal" },
		{ 148, UC_CAUSE_REQUEST, true, "more GPUs on a node" },
		{ 149, UC_CAUSE_USER, false, "limit of GPUs for one user" },
		{ 165, UC_CAUSE_REQUEST, true, "QOS normal" }, /* named Assoc... */
		{ 171, UC_CAUSE_GROUP, false, "account ml are at the limit of GPUs" },
		{ 205, UC_CAUSE_GROUP, false, "account ml may still use of GPUs" },
		{ 214, UC_CAUSE_USER, false, "your running jobs" },
	};
	const struct uc_reason_context context = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
		uc_auto(buf) struct uc_buf text = { 0 };
		struct uc_job job = plain_job(some[i].reason);

		assert_int_equal(uc_reason_cause(some[i].reason), some[i].cause);
		assert_int_equal(uc_reason_never_starts(some[i].reason), some[i].never);
		uc_reason_sentence(&text, &job, &context);
		if (!strstr(uc_buf_text(&text), some[i].has))
			fail_msg("%s: '%s'", uc_reason_name(some[i].reason),
				 uc_buf_text(&text));
	}
}

static void test_all_limits_are_of_a_known_resource(void **state)
{
	(void)state;
	for (uint32_t i = 40; i < REASONS; i++) {
		const char *name = uc_reason_name(i);
		const struct uc_reason_resource *resource;
		const struct uc_reason_words *words = uc_reason_words(i, &resource);
		bool limit = strncmp(name, "QOSGrp", 6) == 0 ||
			     strncmp(name, "QOSM", 4) == 0 ||
			     strncmp(name, "Assoc", 5) == 0 ||
			     strstr(name, "PerAccount") || strstr(name, "PerUser");

		assert_non_null(words);
		if (limit != !!resource)
			fail_msg("%s", name);
	}
}

static void test_what_never_starts(void **state)
{
	static const char *const never[] = {
		"PartitionNodeLimit", "PartitionTimeLimit", "BadConstraints",
		"InvalidAccount",     "InvalidQOS",         "DependencyNeverSatisfied",
		"QOSNotAllowed",      "AccountNotAllowed",  "PartitionConfig",
		"ReservationDeleted", "MaxMemPerLimit",
	};
	static const char *const sometime[] = {
		"None",      "Priority",   "Resources",       "JobHeldUser",
		"BeginTime", "Dependency", "ReqNodeNotAvail", "Licenses"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		assert_true(uc_reason_never_starts((uint32_t)uc_reason_find(never[i])));
	for (size_t i = 0; i < ARRAY_SIZE(sometime); i++)
		assert_false(
			uc_reason_never_starts((uint32_t)uc_reason_find(sometime[i])));
}

/* 17 was a front end until 24.11, 33 an error of Blue Gene until 22.05. */
static void test_slots_that_changed_hands(void **state)
{
	const struct uc_reason_context context = { 0 };
	struct uc_job job = plain_job(17);
	uc_auto(buf) struct uc_buf text = { 0 };

	(void)state;
	uc_reason_sentence(&text, &job, &context);
	assert_non_null(strstr(uc_buf_text(&text), "IMEX"));
	assert_non_null(
		strstr(uc_buf_text(&text), "before Slurm 25.05: for a front-end"));
	assert_string_equal(uc_reason_short(33), "killed by a signal");
	assert_int_equal(uc_reason_cause(33), UC_CAUSE_ENDED);
	assert_string_equal(uc_reason_short(6), "partition is down");
	assert_string_equal(uc_reason_short(19), "partition was down");
}

static void test_numbers_are_filled_in(void **state)
{
	const struct uc_rank rank = { .counts = true, .ahead = 3 };
	const struct uc_reason_limit limit = { 8, 8, UC_NONE64, 4712, NOW + HOUR, NULL };
	struct uc_reason_context context = {
		.now = NOW, .partitions = &partitions, .rank = &rank, .limit = &limit
	};
	struct uc_job job = plain_job(1);

	(void)state;
	job.start_time = NOW + 2 * HOUR;
	check_said(&job, &context,
		   "it waits its turn: 3 jobs are ahead of it in gpu; it probably starts "
		   "at 14:00",
		   "wait; a shorter time limit may fit it into a gap: uqueue --set "
		   "time=H:MM:SS 4711");
	job = plain_job(5);
	check_said(&job, &context,
		   "its time limit of 2d is longer than partition gpu allows (1d)",
		   "shorten it: uqueue --set time=1-00:00:00 4711");
	job = plain_job(4);
	job.node_count = 9;
	check_said(
		&job, &context,
		"it asks for 9 nodes, which partition gpu does not give to a job (1 to 4 "
		"allowed)",
		"change it: scontrol update JobId=4711 NumNodes=4");
	job = plain_job(149);
	check_said(
		&job, &context,
		"your jobs in QOS normal are at the limit of GPUs for one user: 8 of 8 "
		"in use; job 4712 frees some at about 13:00",
		"wait for one of your jobs to end, or cancel one");
	context.not_mine = true;
	context.limit = NULL;
	check_said(&job, &context,
		   "its owner's jobs in QOS normal are at the limit of GPUs for one user",
		   "wait for one of its owner's jobs to end, or cancel one");
}

static void test_memory_and_time_have_their_units(void **state)
{
	const struct uc_reason_limit limit = { 64ull << 30, 48ull << 30, UC_NONE64,
					       0,           0,           NULL };
	const struct uc_reason_limit wall = { 12 * 60, UC_NONE64, UC_NONE64, 0, 0, NULL };
	struct uc_reason_context context = { .now = NOW, .limit = &limit };
	struct uc_job job = plain_job(130);

	(void)state;
	check_said(
		&job, &context,
		"your jobs in QOS normal are at the limit of memory for one user: 48G of "
		"64G in use",
		"wait for one of your jobs to end, or cancel one");
	context.limit = &wall;
	job = plain_job(51);
	check_said(&job, &context,
		   "its time limit of 2d is longer than QOS normal allows (12h)",
		   "shorten it: uqueue --set time=12:00:00 4711");
}

static void test_jobs_are_named_as_scontrol_takes_them(void **state)
{
	const struct uc_reason_context context = { .now = NOW };
	struct uc_job job = plain_job(16);

	(void)state;
	check_said(&job, &context, "it is held by you", "uqueue --release 4711");
	job.array_job_id = 4700;
	job.array_task_id = 11;
	check_said(&job, &context, "it is held by you", "uqueue --release 4700_11");
	job = plain_job(16);
	job.het_job_id = 4710;
	check_said(&job, &context, "it is held by you", "uqueue --release 4710");
	job = plain_job(72);
	job.array_max_tasks = 4;
	check_said(&job, &context,
		   "its array runs at most 4 tasks at once, and so many run",
		   "let more run at once: scontrol update JobId=4711 ArrayTaskThrottle=N "
		   "(0: no limit)");
	job = plain_job(9);
	job.eligible_time = NOW + 26 * HOUR;
	check_said(&job, &context, "it is not to start before tomorrow 14:00",
		   "wait, or let it start now: scontrol update JobId=4711 StartTime=now");
}

static void test_nodes_that_are_down_are_named(void **state)
{
	static const struct uc_node rows[] = {
		{ .name = { "gpu1" },
		  .partitions = { "gpu" },
		  .state = UC_NODE_IDLE | UC_NODE_DRAIN,
		  .reason = { "bad fan\n" } },
		{ .name = { "gpu2" }, .partitions = { "gpu" }, .state = UC_NODE_MIXED },
		{ .name = { "gpu3" }, .partitions = { "gpu" }, .state = UC_NODE_DOWN },
	};
	const struct uc_nodes nodes = { .count = 3, .row = rows, .now = NOW };
	const struct uc_reason_context context = { .now = NOW, .nodes = &nodes };
	struct uc_job job = plain_job(15);

	(void)state;
	job.required_nodes = uc_raw("gpu[1-2]");
	check_said(&job, &context,
		   "nodes that it needs are not available: gpu1 is IDLE+DRAIN (bad "
		   "fan\\x0a)",
		   "do without these nodes: scontrol update JobId=4711 ReqNodeList= (now "
		   "gpu[1-2])");
	job.required_nodes = uc_raw(NULL);
	check_said(&job, &context,
		   "nodes that it needs are not available: gpu1 is IDLE+DRAIN (bad "
		   "fan\\x0a), gpu3 is DOWN",
		   "wait; when a maintenance is ahead, a time limit that ends before it "
		   "helps: uqueue --set time=H:MM:SS 4711");
}

static void test_times_are_said_as_on_that_day(void **state)
{
	static const struct {
		int64_t when;
		const char *at, *said;
	} some[] = {
		{ NOW + 2 * HOUR, "at ", "14:00" },
		{ NOW - 2 * HOUR, "at ", "10:00" },
		{ NOW + 13 * HOUR, "", "tomorrow 01:00" },
		{ NOW + 35 * HOUR, "", "tomorrow 23:00" },
		{ NOW + 48 * HOUR, "on ", "Sat 12:00" },
		{ NOW - 24 * HOUR, "on ", "31 Dec 12:00" },
		{ NOW + 10 * 24 * HOUR, "on ", "11 Jan 12:00" },
		{ NOW + 400 * 24 * HOUR, "on ", "2027-02-05" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
		uc_auto(buf) struct uc_buf text = { 0 }, whole = { 0 };

		uc_buf_clock(&text, some[i].when, NOW);
		assert_string_equal(uc_buf_text(&text), some[i].said);
		uc_buf_addf(&whole, "%s%s", some[i].at, some[i].said);
		uc_buf_reset(&text);
		uc_buf_clock_at(&text, some[i].when, NOW);
		assert_string_equal(uc_buf_text(&text), uc_buf_text(&whole));
	}
}

static struct uc_limit limit_rows[] = {
	{ .kind = UC_LIMIT_QOS,
	  .name = { "normal" },
	  .tres_user = { "gres/gpu=8,mem=64G" },
	  .tres_user_used = { "cpu=4,gres/gpu=6" },
	  .group_jobs = 20,
	  .jobs_used = 20,
	  .user_jobs = UC_NONE32 },
	{ .kind = UC_LIMIT_QOS,
	  .name = { "parts" },
	  .tres_user = { "gres/gpu=2" },
	  .tres_user_used = { "gres/gpu=2" },
	  .group_jobs = UC_NONE32,
	  .user_jobs = 1,
	  .user_jobs_used = 1 },
	{ .kind = UC_LIMIT_ACCOUNT,
	  .account = { "science" },
	  .tres_group = { "cpu=40" },
	  .tres_group_used = { "cpu=40" },
	  .group_jobs = UC_NONE32 },
	{ .kind = UC_LIMIT_ACCOUNT,
	  .account = { "physics" },
	  .parent = { "science" },
	  .group_jobs = UC_NONE32 },
	{ .kind = UC_LIMIT_ASSOCIATION,
	  .account = { "physics" },
	  .user = { "me" },
	  .is_default = true,
	  .group_jobs = UC_NONE32 },
};
static const struct uc_limits limits = { .count = ARRAY_SIZE(limit_rows),
					 .row = limit_rows };

static uint32_t reason_named(const char *name)
{
	for (uint32_t i = 0; i <= REASONS; i++)
		if (uc_reason_name(i) && strcmp(uc_reason_name(i), name) == 0)
			return i;
	fail_msg("no reason %s", name);
	return 0;
}

/* Which limit it is, whose, and how much of it is taken. */
static void test_limits_are_found(void **state)
{
	static const struct {
		const char *reason, *words;
		bool of_partition;
	} cases[] = {
		{ "QOSMaxGRESPerUser",
		  "QOS 'normal' gives you 8 GPUs, you hold 6, this asks for 4", false },
		{ "QOSMaxGRESPerUser", "QOS 'parts' gives you 2 GPUs, you hold 2", true },
		{ "QOSMaxJobsPerUserLimit",
		  "QOS 'parts' gives you 1 running job, you hold 1", true },
		{ "QOSMaxMemoryPerUser",
		  "QOS 'normal' gives you 64G of memory, you hold 0B, "
		  "this asks for 80G",
		  true },
		{ "QOSGrpJobsLimit",
		  "QOS 'normal' gives all its users 20 running jobs, they hold 20",
		  false },
		{ "AssocGrpCpuLimit", "account 'science' has 40 CPUs, its jobs hold 40",
		  false },
		{ "QOSMaxCpuPerUserLimit", NULL, false }, /* nobody has it */
		{ "Priority", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct uc_partition part = {
			.name = { "gpu" },
			.qos = { cases[i].of_partition ? "parts" : NULL }
		};
		const struct uc_partitions here = { .count = 1, .row = &part };
		struct uc_job rows[] = { plain_job(reason_named(cases[i].reason)),
					 plain_job(0), plain_job(0) };
		const struct uc_jobs jobs = { .count = 3, .row = rows };
		const struct uc_reason_facts facts = { &limits, &here, &jobs };
		struct uc_reason_limit limit;
		uc_auto(buf) struct uc_buf text = { 0 };

		for (size_t j = 0; j < 3; j++) {
			rows[j].account = uc_raw("physics");
			rows[j].gpus = rows[j].cpus = 4;
			rows[j].node_count = 1;
			rows[j].memory = 80ull << 30;
			rows[j].state = j ? UC_JOB_RUNNING : UC_JOB_PENDING;
			rows[j].job_id = 10 + (uint32_t)j;
			rows[j].end_time = NOW + 3 * HOUR - (int64_t)j * HOUR;
			rows[j].time_limit = HOUR;
		}
		if (uc_reason_limit_find(&rows[0], &facts, &limit) !=
		    (cases[i].words != NULL))
			fail_msg("%zu", i);
		if (!cases[i].words)
			continue;
		uc_reason_limit_words(&text, &rows[0], &limit, 0);
		assert_string_equal(uc_buf_text(&text), cases[i].words);
		assert_int_equal(limit.next_job, 12);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_reason_has_words_of_its_own),
		cmocka_unit_test(test_every_reason_has_a_sentence_and_an_action),
		cmocka_unit_test(test_limits_are_told_by_the_make_up_of_their_names),
		cmocka_unit_test(test_all_limits_are_of_a_known_resource),
		cmocka_unit_test(test_what_never_starts),
		cmocka_unit_test(test_slots_that_changed_hands),
		cmocka_unit_test(test_numbers_are_filled_in),
		cmocka_unit_test(test_memory_and_time_have_their_units),
		cmocka_unit_test(test_limits_are_found),
		cmocka_unit_test(test_jobs_are_named_as_scontrol_takes_them),
		cmocka_unit_test(test_nodes_that_are_down_are_named),
		cmocka_unit_test(test_times_are_said_as_on_that_day),
	};

	/* times of day are local ones */
	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
