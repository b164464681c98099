/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <ucluster/reason.h>
#include <ucluster/source.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "slurm/rank_hosts.h"

#define NOW ((int64_t)1000000)

static struct uc_job waiting(uint32_t id, const char *partition, uint32_t priority)
{
	return (struct uc_job){ .job_id = id,
				.array_task_id = UC_NONE32,
				.partition = uc_raw(partition),
				.priority = priority,
				.submit_time = NOW - 1000 + id,
				.eligible_time = NOW - 1000,
				.state = UC_JOB_PENDING,
				.reason = 1,
				.gpus = 1 };
}

static void check_rank(const struct uc_job *rows, size_t count, size_t which,
		       uint32_t ahead, uint32_t behind)
{
	const struct uc_jobs jobs = { .count = count, .row = rows, .now = NOW };
	struct uc_rank rank;

	assert_true(uc_job_rank(&jobs, &rows[which], &rank));
	assert_int_equal(rank.ahead, ahead);
	assert_int_equal(rank.behind, behind);
}

static void test_rank_is_by_priority_then_age_then_number(void **state)
{
	struct uc_job rows[] = {
		waiting(5, "gpu", 100), waiting(6, "gpu", 100), waiting(7, "gpu", 200),
		waiting(8, "cpu", 900), waiting(9, "gpu", 50),  waiting(4, "gpu", 100),
	};

	(void)state;
	rows[5].submit_time = rows[0].submit_time;
	check_rank(rows, 6, 2, 0, 4);
	check_rank(rows, 6, 5, 1, 3);
	check_rank(rows, 6, 0, 2, 2);
	check_rank(rows, 6, 1, 3, 1);
	check_rank(rows, 6, 4, 4, 0);
	check_rank(rows, 6, 3, 0, 0);
}

static void test_jobs_that_cannot_start_are_not_ahead(void **state)
{
	static const uint32_t aside[] = { 2, 8, 9, 16, 39, 71 };
	struct uc_job rows[12];
	size_t n = 0;

	(void)state;
	rows[n++] = waiting(1, "gpu", 100);
	for (size_t i = 0; i < ARRAY_SIZE(aside); i++) {
		rows[n] = waiting((uint32_t)n + 1, "gpu", 500);
		rows[n++].reason = aside[i];
	}
	rows[n] = waiting((uint32_t)n + 1, "gpu", 500);
	rows[n++].eligible_time = NOW + 60;
	rows[n] = waiting((uint32_t)n + 1, "gpu", 500);
	rows[n++].state = UC_JOB_RUNNING;
	rows[n] = waiting((uint32_t)n + 1, "gpu", 500);
	rows[n++].state = UC_JOB_COMPLETED;
	check_rank(rows, n, 0, 0, 0);
	rows[n] = waiting((uint32_t)n + 1, "gpu", 500);
	check_rank(rows, n + 1, 0, 1, 0);
}

static void test_a_held_job_has_no_rank_of_its_own(void **state)
{
	struct uc_job rows[] = { waiting(1, "gpu", 0), waiting(2, "gpu", 10) };
	const struct uc_jobs jobs = { .count = 2, .row = rows, .now = NOW };
	struct uc_rank rank;

	(void)state;
	assert_true(uc_job_rank(&jobs, &rows[0], &rank));
	assert_false(rank.counts);
	rows[1].state = UC_JOB_RUNNING;
	assert_false(uc_job_rank(&jobs, &rows[1], &rank));
}

static void test_arrays_het_jobs_and_limited_jobs_count_once(void **state)
{
	struct uc_job rows[] = { waiting(1, "gpu,long", 10), waiting(2, "gpu", 90),
				 waiting(3, "long", 80), waiting(4, "long", 80),
				 waiting(5, "gpu", 70) };
	const struct uc_jobs jobs = { .count = 5, .row = rows, .now = NOW };
	struct uc_rank rank;

	(void)state;
	rows[1].array_job_id = 2;
	rows[1].array_tasks = uc_raw("0-9%2");
	rows[1].gpus = 2;
	rows[2].het_job_id = rows[3].het_job_id = 3;
	rows[3].het_offset = 1;
	rows[4].reason = 149; /* QOSMaxGRESPerUser */
	assert_true(uc_job_rank(&jobs, &rows[0], &rank));
	assert_int_equal(rank.ahead, 3);
	assert_int_equal(rank.tasks, 12);
	assert_int_equal(rank.gpus, 22);
	assert_int_equal(rank.limited, 1);
}

static struct uc_job holding(uint32_t id, const char *partition, const char *nodes,
			     int64_t end)
{
	return (struct uc_job){ .job_id = id,
				.state = UC_JOB_RUNNING,
				.partition = uc_raw(partition),
				.nodes = uc_raw(nodes),
				.time_limit = 3600,
				.end_time = end,
				.gpus = id,
				.gpu_types = uc_raw("a100:1") };
}

static void check_releases(const struct uc_release *got, size_t count,
			   const uint32_t *expected, size_t expected_count)
{
	assert_int_equal(count, expected_count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(got[i].job->job_id, expected[i]);
		assert_int_equal(got[i].gpus, expected[i]);
	}
}

static void test_releases_come_soonest_first(void **state)
{
	struct uc_job rows[] = {
		waiting(1, "gpu", 10),
		holding(2, "gpu", "gpu1", NOW + 500),
		holding(3, "gpu", "gpu1", NOW + 100),
		holding(4, "cpu", "cpu1", NOW + 50),
		holding(5, "gpu", "gpu2", NOW + 300),
		holding(6, "gpu", "gpu2", NOW + 1),
		holding(7, "gpu", "gpu2", NOW + 900),
	};
	const struct uc_jobs jobs = { .count = 7, .row = rows, .now = NOW };
	struct uc_release out[8];

	(void)state;
	rows[5].time_limit = UC_DURATION_INFINITE;
	check_releases(out, uc_job_releases(&jobs, NULL, &rows[0], out, 8),
		       (uint32_t[]){ 3, 5, 2, 7, 6 }, 5);
	assert_int_equal(out[4].at, 0);
	check_releases(out, uc_job_releases(&jobs, NULL, &rows[0], out, 2),
		       (uint32_t[]){ 3, 5 }, 2);
	assert_int_equal(uc_job_releases(&jobs, NULL, &rows[0], out, 0), 0);
	rows[0].tres_per_node = uc_raw("gres:gpu:h100:1");
	rows[4].gpu_types = uc_raw("h100:1");
	check_releases(out, uc_job_releases(&jobs, NULL, &rows[0], out, 8),
		       (uint32_t[]){ 5 }, 1);
}

static void test_releases_look_at_shared_nodes(void **state)
{
	static struct uc_node node_rows[] = {
		{ .name = { "gpu1" },
		  .partitions = { "gpu,long" },
		  .gpus = 8,
		  .gpu_types = { "a100:8" },
		  .state = UC_NODE_MIXED },
		{ .name = { "gpu2" },
		  .partitions = { "long" },
		  .gpus = 8,
		  .gpu_types = { "a100:8" },
		  .state = UC_NODE_MIXED },
		{ .name = { "gpu3" },
		  .partitions = { "gpu" },
		  .gpus = 8,
		  .gpu_types = { "a100:8" },
		  .state = UC_NODE_MIXED | UC_NODE_DRAIN },
	};
	const struct uc_nodes nodes = { .count = 3, .row = node_rows, .now = NOW };
	struct uc_job rows[] = {
		waiting(1, "gpu", 10),
		holding(2, "long", "gpu[1-2]", NOW + 500),
		holding(3, "long", "gpu2", NOW + 100),
		holding(4, "gpu", "gpu3", NOW + 200),
	};
	const struct uc_jobs jobs = { .count = 4, .row = rows, .now = NOW };
	struct uc_release out[8];

	(void)state;
	check_releases(out, uc_job_releases(&jobs, &nodes, &rows[0], out, 8),
		       (uint32_t[]){ 2 }, 1);
	rows[0].excluded_nodes = uc_raw("gpu1");
	assert_int_equal(uc_job_releases(&jobs, &nodes, &rows[0], out, 8), 0);
}

static void test_host_lists(void **state)
{
	static const struct {
		const char *list, *name;
		bool has;
	} some[] = {
		{ "gpu1", "gpu1", true },
		{ "gpu1", "gpu11", false },
		{ "gpu11", "gpu1", false },
		{ "gpu[1-3,7],login", "gpu7", true },
		{ "gpu[1-3,7],login", "login", true },
		{ "gpu[1-3,7],login", "gpu4", false },
		{ "gpu[1-3]", "gpu", false },
		{ "gpu[8-12]", "gpu10", true },
		{ "gpu[08-12]", "gpu8", false },
		{ "gpu[08-12]", "gpu09", true },
		{ "gpu[008-012]", "gpu09", false },
		{ "gpu[0-15]", "gpu0", true },
		{ "gpu[0-15]", "gpu12", true },
		{ "gpu[0-15]", "gpu03", false },
		{ "gpu[08-112]", "gpu111", true },
		{ "gpu[08-112]", "gpu011", false },
		{ "r[1-2]n[01-16]", "r2n07", true },
		{ "r[1-2]n[01-16]", "r3n07", false },
		{ "x[0-3][0-3][0-3]", "x123", true },
		{ "x[0-9][0-9][0-9][0-9][0-9][0-9]", "x123456", false },
		{ "n[1-3]5", "n25", true },
		{ "n[1-30]5", "n125", true },
		{ "a[1-2]-x,b[3,5]", "b5", true },
		{ "a[1-2", "a1", false },
		{ "a[", "a", false },
		{ "a[x]", "a1", false },
		{ "a[1-]", "a1", false },
		{ "", "a", false },
		{ NULL, "a", false },
		{ "a[99999999999999999999]", "a99999999999999999999", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(some); i++)
		if (uc_hosts_has(some[i].list, some[i].name) != some[i].has)
			fail_msg("'%s' in '%s'", some[i].name, some[i].list);
	assert_true(uc_words_share("a,b", "c,b"));
	assert_true(uc_words_share("a", "a"));
	assert_false(uc_words_share("ab", "a,b"));
	assert_false(uc_words_share("", ""));
	assert_false(uc_words_share(NULL, "a"));
	assert_false(uc_words_share("a,,b", ",c"));
}

/* Ranks of a whole made-up cluster agree with counting pair by pair. */
static void check_expansion(const char *list, size_t max, const char *want)
{
	uc_auto(strv) struct uc_strv names = { 0 };
	uc_auto(buf) struct uc_buf got = { 0 };

	uc_hosts_expand(list, max, &names);
	for (size_t i = 0; i < names.count; i++)
		uc_buf_addf(&got, "%s%s", i ? " " : "", names.item[i]);
	assert_string_equal(uc_buf_text(&got), want);
}

static void test_host_lists_are_expanded(void **state)
{
	(void)state;
	check_expansion(NULL, 9, "");
	check_expansion("", 9, "");
	check_expansion("login", 9, "login");
	check_expansion("gpu[1-3,07],login", 9, "gpu1 gpu2 gpu3 gpu07 login");
	check_expansion("c[08-11]", 9, "c08 c09 c10 c11");
	check_expansion("c[8-11]", 9, "c8 c9 c10 c11");
	check_expansion("r[1-2]n[01-02]x", 9, "r1n01x r1n02x r2n01x r2n02x");
	check_expansion("c[1-999999999999999999]", 3, "c1 c2 c3");
	check_expansion("a,b,c,d", 2, "a b");
	/* as it stands, and nothing half */
	check_expansion("c[1-3,],x", 9, "c[1-3,] x");
	check_expansion("c[1-3", 9, "c[1-3");
	check_expansion("c[1-2]d[x]", 9, "c[1-2]d[x]");
	check_expansion("c[]", 9, "c[]");
	check_expansion("c[3-1]", 9, "c[3-1]");
	/* at once, however many there would be */
	check_expansion("c[1-999999999999999999]d[3-1]", 9,
			"c[1-999999999999999999]d[3-1]");
}

static void test_ranks_of_a_whole_cluster(void **state)
{
	uc_auto(source) struct uc_source *src = NULL;
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	size_t seen = 0;

	(void)state;
	assert_int_equal(
		uc_source_open("synthetic:nodes=40,jobs=900,seed=3", NULL, &src, NULL),
		0);
	assert_int_equal(uc_jobs_load(src, NULL, &jobs, NULL), 0);
	for (size_t i = 0; i < jobs->count; i++) {
		struct uc_rank rank, other;
		const struct uc_job *job = &jobs->row[i];

		if (!uc_job_rank(jobs, job, &rank) || !rank.counts)
			continue;
		seen++;
		for (size_t k = 0; k < i; k++) {
			const struct uc_job *b = &jobs->row[k];

			if (strcmp(b->partition.bytes, job->partition.bytes) != 0 ||
			    !uc_job_rank(jobs, b, &other) || !other.counts)
				continue;
			/* the same count of all, and no two in one place */
			assert_int_equal(rank.ahead + rank.behind,
					 other.ahead + other.behind);
			assert_int_not_equal(rank.ahead, other.ahead);
			break;
		}
	}
	assert_true(seen > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rank_is_by_priority_then_age_then_number),
		cmocka_unit_test(test_jobs_that_cannot_start_are_not_ahead),
		cmocka_unit_test(test_a_held_job_has_no_rank_of_its_own),
		cmocka_unit_test(test_arrays_het_jobs_and_limited_jobs_count_once),
		cmocka_unit_test(test_releases_come_soonest_first),
		cmocka_unit_test(test_releases_look_at_shared_nodes),
		cmocka_unit_test(test_host_lists),
		cmocka_unit_test(test_host_lists_are_expanded),
		cmocka_unit_test(test_ranks_of_a_whole_cluster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
