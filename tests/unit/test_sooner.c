/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucluster/reason.h>
#include <ucluster/sooner.h>
#include <ucluster/state.h>
#include <ucluster/units.h>

/* 2026-11-21 12:00:00 UTC */
#define NOW  1795262400
#define HOUR 3600

enum {
	PRIORITY = 1,
	RESOURCES = 3,
	HELD = 16,
	USER_GRES = 149
};

static struct uc_node nodes[] = {
	{ .name = { "gpu1" },
	  .partitions = { "gpu,all" },
	  .state = UC_NODE_MIXED,
	  .gpus = 8,
	  .gpus_used = 6,
	  .gres = { "gpu:a100:8" } },
	{ .name = { "gpu2" },
	  .partitions = { "gpu" },
	  .state = UC_NODE_ALLOCATED,
	  .gpus = 8,
	  .gpus_used = 8,
	  .gres = { "gpu:a100:8" } },
	{ .name = { "h1" },
	  .partitions = { "gpu,big" },
	  .state = UC_NODE_IDLE,
	  .gpus = 4,
	  .gres = { "gpu:h100:4(S:0)" } },
	{ .name = { "h2" },
	  .partitions = { "big" },
	  .state = UC_NODE_IDLE | UC_NODE_DRAIN,
	  .gpus = 64,
	  .gres = { "gpu:a100:64" } },
};
static struct uc_partition partitions[] = {
	{ .name = { "gpu" },
	  .nodes = { "gpu[1-2],h1" },
	  .state = UC_PARTITION_UP,
	  .time_limit = 24 * HOUR,
	  .total_nodes = 3,
	  .total_cpus = 48 },
	{ .name = { "all" },
	  .nodes = { "gpu1" },
	  .state = UC_PARTITION_UP,
	  .time_limit = UC_DURATION_INFINITE },
	{ .name = { "short" },
	  .nodes = { "gpu1" },
	  .state = UC_PARTITION_UP,
	  .time_limit = HOUR / 2 },
	{ .name = { "down" },
	  .nodes = { "gpu1" },
	  .state = UC_PARTITION_DOWN,
	  .time_limit = UC_DURATION_INFINITE },
	{ .name = { "big" },
	  .nodes = { "h[1-2]" },
	  .state = UC_PARTITION_UP,
	  .time_limit = UC_DURATION_INFINITE },
	{ .name = { "odd;name" },
	  .nodes = { "gpu1" },
	  .state = UC_PARTITION_UP,
	  .time_limit = UC_DURATION_INFINITE },
};
static const struct uc_nodes all_nodes = { .count = ARRAY_SIZE(nodes), .row = nodes };
static const struct uc_partitions all_partitions = { .count = ARRAY_SIZE(partitions),
						     .row = partitions };

static struct uc_job waiting(uint32_t reason, const char *tres_per_node, uint32_t gpus)
{
	return (struct uc_job){ .job_id = 1,
				.state = UC_JOB_PENDING,
				.reason = reason,
				.priority = 100,
				.partition = { "gpu" },
				.node_count = 1,
				.cpus = 1,
				.time_limit = 2 * HOUR,
				.tres_per_node = { tres_per_node },
				.gpus = gpus };
}

static void check(const struct uc_job *job, struct uc_sooner_facts facts,
		  const char *expected)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_sooner_list list;

	facts.now = NOW;
	uc_sooner_find(job, &facts, &list);
	for (size_t i = 0; i < list.count; i++)
		uc_buf_addf(&text, "--%s=%s|%s|%s\n", list.item[i].name,
			    list.item[i].value, list.item[i].set, list.item[i].why);
	assert_string_equal(uc_buf_text(&text), expected);
}

static void test_a_limit_that_ends_before_a_reservation(void **state)
{
	const struct uc_reservation row[] = {
		{ .name = { "later" }, .nodes = { "gpu1" }, .start_time = NOW + 90 * 60 },
		{ .name = { "ma\033int" },
		  .nodes = { "h[1-9]" },
		  .start_time = NOW + 40 * 60 + 30 },
		{ .name = { "elsewhere" }, .nodes = { "cpu1" }, .start_time = NOW + 600 },
		{ .name = { "floats" },
		  .nodes = { "gpu1" },
		  .start_time = NOW + 700,
		  .flags = UC_RESERVATION_FLOATS },
		{ .name = { "runs" }, .nodes = { "gpu1" }, .start_time = NOW - 700 },
	};
	struct uc_reservations all = { .count = ARRAY_SIZE(row), .row = row };
	const struct uc_sooner_facts facts = { .partitions = &all_partitions,
					       .reservations = &all };
	struct uc_job job = waiting(RESOURCES, NULL, 0);

	(void)state;
	job.required_nodes = uc_raw("gpu1");
	check(&job, facts,
	      "--time=37:00|time=37:00|it would end before reservation ma\\x1bint "
	      "begins at 12:40\n");
	job.time_limit = 30 * 60; /* it does not run into it */
	check(&job, facts, "");
	job.time_limit = UC_DURATION_INFINITE;
	all.count = 1;
	check(&job, facts,
	      "--time=1:26:00|time=1:26:00|it would end before reservation later begins "
	      "at 13:30\n");
}

static void test_a_limit_that_fits_into_a_gap(void **state)
{
	struct uc_job rows[] = { waiting(PRIORITY, NULL, 0), waiting(RESOURCES, NULL, 0),
				 waiting(RESOURCES, NULL, 0),
				 waiting(RESOURCES, NULL, 0) };
	const struct uc_jobs jobs = { .count = 4, .row = rows };
	const struct uc_sooner_facts facts = { .jobs = &jobs };

	(void)state;
	rows[1].job_id = 7;
	rows[1].user = uc_raw("eve");
	rows[1].priority = 200;
	rows[1].start_time = NOW + HOUR;
	rows[2].priority = 50; /* behind */
	rows[2].start_time = NOW + 600;
	rows[3].priority = 300;
	rows[3].partition = uc_raw("big");
	rows[3].start_time = NOW + 600;
	check(&rows[0], facts,
	      "--time=56:00|time=56:00|it would end before job 7 by eve is to start at "
	      "13:00\n");
	rows[1].start_time = NOW + 300; /* too short for anything */
	check(&rows[0], facts, "");
	rows[0].reason = HELD;
	rows[1].start_time = NOW + HOUR;
	check(&rows[0], facts, "");
}

static void test_other_places_and_fewer_gpus(void **state)
{
	const struct uc_sooner_facts facts = { .nodes = &all_nodes,
					       .partitions = &all_partitions };
	struct uc_job job = waiting(RESOURCES, "gres:gpu:4", 4);

	(void)state;
	/* four are free in "big" only, and as many of any model on h1 */
	check(&job, facts, "--partition=big|partition=big|\n--gpus-per-node=2||\n");
	check(&job,
	      (struct uc_sooner_facts){
		      .nodes = &all_nodes, .partitions = &all_partitions, .tries = 1 },
	      "--partition=big|partition=big|\n");
	job.tres_per_node = uc_raw("gres/gpu:a100=4");
	check(&job, facts,
	      "--gpus-per-node=h100:4||a node with these is free\n"
	      "--gpus-per-node=a100:2||as many are free on one node\n");
	job.tres_per_node = uc_raw("gres/gpu:a100=2");
	job.gpus = 2;
	check(&job, facts,
	      "--partition=all|partition=all|\n"
	      "--gpus-per-node=h100:2||a node with these is free\n"
	      "--gpus-per-node=a100:1||\n");
	job.required_nodes = uc_raw("gpu2"); /* another partition does not have it */
	check(&job, facts, "--gpus-per-node=a100:1||\n");
	job.required_nodes = uc_raw("gpu1");
	job.tres_per_node = uc_raw("gres/gpu=8");
	check(&job, facts, "--gpus-per-node=2||as many are free on one node\n");
	job.het_job_id = 1;
	check(&job, facts, "");
	/* a name that could not stand in a command is no model */
	job = waiting(RESOURCES, "gres/gpu:$(x)=4", 4);
	check(&job, (struct uc_sooner_facts){ .nodes = &all_nodes }, "");
}

static void test_what_a_limit_leaves(void **state)
{
	struct uc_reason_limit limit = { .allowed = 8, .used = 6, .asked = 4 };
	const struct uc_sooner_facts facts = { .nodes = &all_nodes,
					       .partitions = &all_partitions,
					       .limit = &limit };
	struct uc_job job = waiting(USER_GRES, NULL, 4);

	(void)state;
	job.tres_per_job = uc_raw("gres:gpu:4");
	check(&job, facts, "--gpus=2||its limit leaves as many\n");
	limit.used = 8;
	check(&job, facts, "");
	limit = (struct uc_reason_limit){ .allowed = UC_NONE64, .asked = 4 };
	check(&job, facts, "");
}

static void test_fewer_nodes(void **state)
{
	struct uc_job job = waiting(RESOURCES, NULL, 0);

	(void)state;
	job.node_count = 5;
	check(&job, (struct uc_sooner_facts){ .now = NOW }, "--nodes=2||\n");
	job.state = UC_JOB_RUNNING;
	check(&job, (struct uc_sooner_facts){ .now = NOW }, "");
}

/* What slurmctld says to every request. */
int __wrap_uc_estimate(struct uc_source *src, const struct uc_submission *job,
		       struct uc_estimate *result, struct uc_error *err);

static int64_t answer;

int __wrap_uc_estimate(struct uc_source *src, const struct uc_submission *job,
		       struct uc_estimate *result, struct uc_error *err)
{
	(void)src;
	(void)job;
	(void)err;
	*result = (struct uc_estimate){ .start = answer };
	return 0;
}

/* Of what slurmctld adds for jobs that wait, none is for those that are held. */
static void test_a_held_job_is_in_nobodys_way(void **state)
{
	struct uc_job rows[] = { waiting(RESOURCES, "gres:gpu:4", 4),
				 waiting(HELD, NULL, 0) };
	const struct uc_jobs jobs = { .count = 2, .row = rows };
	const struct uc_sooner_facts facts = { .now = NOW,
					       .jobs = &jobs,
					       .nodes = &all_nodes,
					       .partitions = &all_partitions,
					       .deadline_ms = 60000 };
	struct uc_error err = { 0 };
	struct uc_sooner_list list;

	(void)state;
	rows[0].priority = 4294901754; /* of priority/basic: a new job is behind all */
	rows[0].start_time = NOW + 3 * HOUR;
	rows[1].job_id = 2;
	rows[1].priority = 0;
	/* 16 of 48 CPUs for two hours: the job itself */
	answer = NOW + 3 * HOUR + 2400;
	uc_sooner_find(&rows[0], &facts, &list);
	list.item[0] = (struct uc_sooner){ .kind = UC_SOONER_GPUS,
					   .name = "gpus-per-node",
					   .value = "2" };
	list.count = 1;
	assert_int_equal(uc_sooner_test(NULL, &rows[0], &facts, &list, &err), 0);
	assert_int_equal(list.as_is, NOW + 3 * HOUR);
	assert_int_equal(list.count, 0);
	answer -= HOUR;
	list.count = 1;
	assert_int_equal(uc_sooner_test(NULL, &rows[0], &facts, &list, &err), 0);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.item[0].start, NOW + 2 * HOUR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_limit_that_ends_before_a_reservation),
		cmocka_unit_test(test_a_limit_that_fits_into_a_gap),
		cmocka_unit_test(test_other_places_and_fewer_gpus),
		cmocka_unit_test(test_what_a_limit_leaves),
		cmocka_unit_test(test_fewer_nodes),
		cmocka_unit_test(test_a_held_job_is_in_nobodys_way),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
