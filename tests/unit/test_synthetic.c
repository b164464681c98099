/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <string.h>
#include <time.h>
#include <ucluster/gres.h>
#include <ucluster/source.h>
#include <ucluster/state.h>

static struct uc_source *open_source(const char *name)
{
	struct uc_error err = { 0 };
	struct uc_source *src = NULL;

	if (uc_source_open(name, NULL, &src, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	return src;
}

static void test_the_same_words_give_the_same_cluster(void **state)
{
	uc_auto(source) struct uc_source *a =
		open_source("synthetic:nodes=40,jobs=500,seed=3");
	uc_auto(source) struct uc_source *b =
		open_source("synthetic:seed=3,jobs=500,nodes=40");
	uc_auto(jobs) struct uc_jobs *one = NULL, *two = NULL;
	struct uc_error err;

	(void)state;
	assert_int_equal(uc_jobs_load(a, NULL, &one, &err), 0);
	assert_int_equal(uc_jobs_load(b, NULL, &two, &err), 0);
	assert_int_equal(one->count, 500);
	assert_int_equal(two->count, 500);
	assert_true(one->now == uc_source_now(a) && one->now > 0);
	for (size_t i = 0; i < one->count; i++) {
		assert_int_equal(one->row[i].job_id, two->row[i].job_id);
		assert_int_equal(one->row[i].state, two->row[i].state);
		assert_string_equal(one->row[i].user.bytes, two->row[i].user.bytes);
	}
}

static void test_another_seed_gives_another_cluster(void **state)
{
	uc_auto(source) struct uc_source *a = open_source("synthetic:seed=1");
	uc_auto(source) struct uc_source *b = open_source("synthetic:seed=2");
	uc_auto(jobs) struct uc_jobs *one = NULL, *two = NULL;
	struct uc_error err;
	size_t same = 0;

	(void)state;
	assert_int_equal(uc_jobs_load(a, NULL, &one, &err), 0);
	assert_int_equal(uc_jobs_load(b, NULL, &two, &err), 0);
	for (size_t i = 0; i < one->count; i++)
		same += one->row[i].submit_time == two->row[i].submit_time;
	assert_true(same < one->count / 2);
}

/* GPUs that running jobs hold on all nodes together, from their rows. */
static uint64_t gpus_held(const struct uc_jobs *jobs)
{
	uint64_t held = 0;

	for (size_t i = 0; i < jobs->count; i++) {
		uint32_t base = jobs->row[i].state & UC_JOB_BASE;
		struct uc_gpus gpus;

		uc_job_gpus(&jobs->row[i], &gpus);
		assert_int_equal(gpus.count, jobs->row[i].gpus);
		if (base == UC_JOB_RUNNING || base == UC_JOB_SUSPENDED)
			held += gpus.count;
	}
	return held;
}

static void test_running_jobs_hold_what_nodes_say_is_used(void **state)
{
	uc_auto(source) struct uc_source *src =
		open_source("synthetic:nodes=60,jobs=1000,seed=9");
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	uc_auto(nodes) struct uc_nodes *nodes = NULL;
	struct uc_error err;
	uint64_t used = 0;

	(void)state;
	assert_int_equal(uc_jobs_load(src, NULL, &jobs, &err), 0);
	assert_int_equal(uc_nodes_load(src, &nodes, &err), 0);
	assert_int_equal(nodes->count, 60);
	for (size_t i = 0; i < nodes->count; i++) {
		const struct uc_node *node = &nodes->row[i];
		struct uc_gpus gpus = { 0 };

		uc_gpus_add(&gpus, node->gres_used.bytes);
		assert_int_equal(gpus.count, node->gpus_used);
		assert_int_equal(uc_index_set_count(&gpus.used), node->gpus_used);
		assert_true(node->cpus_used <= node->cpus);
		used += gpus.count;
	}
	assert_true(used > 100);
	assert_int_equal(used, gpus_held(jobs));
}

static void test_queries_choose_jobs(void **state)
{
	uc_auto(source) struct uc_source *src =
		open_source("synthetic:jobs=2000,nodes=20");
	uc_auto(jobs) struct uc_jobs *all = NULL, *mine = NULL, *array = NULL;
	struct uc_error err;
	uint32_t user, id = 0;
	size_t expected = 0, elements = 0;

	(void)state;
	assert_int_equal(uc_jobs_load(src, NULL, &all, &err), 0);
	user = all->row[7].user_id;
	for (size_t i = 0; i < all->count; i++) {
		expected += all->row[i].user_id == user;
		if (all->row[i].array_job_id)
			id = all->row[i].array_job_id;
	}
	assert_int_equal(
		uc_jobs_load(src,
			     &(struct uc_job_query){ .user_ids = &user, .user_count = 1 },
			     &mine, &err),
		0);
	assert_true(expected > 0);
	assert_int_equal(mine->count, expected);
	assert_true(id != 0);
	for (size_t i = 0; i < all->count; i++)
		elements += all->row[i].array_job_id == id;
	assert_int_equal(
		uc_jobs_load(src,
			     &(struct uc_job_query){ .job_ids = &id, .job_count = 1 },
			     &array, &err),
		0);
	assert_int_equal(array->count, elements);
	for (size_t i = 0; i < array->count; i++)
		assert_int_equal(array->row[i].array_job_id, id);
}

static void test_a_made_up_cluster_takes_no_jobs(void **state)
{
	uc_auto(source) struct uc_source *src = open_source("synthetic:");
	struct uc_submitted result;
	struct uc_error err = { 0 };

	(void)state;
	assert_false(uc_source_is_live(src));
	assert_int_equal(uc_source_ping(src, &err), 0);
	/* Refused before anything of the submission is looked at. */
	assert_int_equal(uc_submit(src, NULL, &result, &err), -1);
	assert_int_equal(err.code, UC_DENIED);
}

static void test_partitions_have_all_nodes(void **state)
{
	uc_auto(source) struct uc_source *src = open_source("synthetic:nodes=10");
	uc_auto(partitions) struct uc_partitions *partitions = NULL;
	struct uc_error err;

	(void)state;
	assert_int_equal(uc_partitions_load(src, &partitions, &err), 0);
	assert_int_equal(partitions->count, 3);
	assert_int_equal(partitions->row[0].total_nodes, 8);
	assert_int_equal(partitions->row[1].total_nodes, 2);
	assert_int_equal(partitions->row[2].total_nodes, 10);
}

static void test_wrong_words_are_named(void **state)
{
	static const char *const wrong[] = {
		"synthetic:nodes",
		"synthetic:node=4",
		"synthetic:jobs=x",
		"synthetic:jobs=-1",
		"synthetic:nodes=200000",
		"synthetic:jobs=1e9",
		"synthetic:,jobs=",
		"nowhere:",
		"",
		"syntheticnodes=4",
		"synthetic:jobs=99999999999999999999999",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct uc_source *src = NULL;
		struct uc_error err = { 0 };

		assert_int_equal(uc_source_open(wrong[i], NULL, &src, &err), -1);
		assert_int_equal(err.code, UC_USAGE);
		assert_null(src);
		assert_true(err.text[0]);
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double time_of(const char *name)
{
	double start = seconds();
	uc_auto(source) struct uc_source *src = open_source(name);
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	struct uc_error err;

	assert_int_equal(uc_jobs_load(src, NULL, &jobs, &err), 0);
	return seconds() - start;
}

static void test_cost_grows_in_step_with_jobs(void **state)
{
	double half, whole;

	(void)state;
	time_of("synthetic:nodes=100,jobs=1000");
	half = time_of("synthetic:nodes=1000,jobs=50000");
	whole = time_of("synthetic:nodes=1000,jobs=100000");
	print_message("# 100,000 jobs: %.3f s of CPU\n", whole);
	assert_true(whole < 4 * half + 0.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_words_give_the_same_cluster),
		cmocka_unit_test(test_another_seed_gives_another_cluster),
		cmocka_unit_test(test_running_jobs_hold_what_nodes_say_is_used),
		cmocka_unit_test(test_queries_choose_jobs),
		cmocka_unit_test(test_a_made_up_cluster_takes_no_jobs),
		cmocka_unit_test(test_partitions_have_all_nodes),
		cmocka_unit_test(test_wrong_words_are_named),
		cmocka_unit_test(test_cost_grows_in_step_with_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
