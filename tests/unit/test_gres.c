/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <string.h>
#include <ucluster/gres.h>
#include <ucluster/state.h>

/* What each release prints, what broke other tools, and what nobody prints. */
static const struct {
	const char *text;
	uint64_t gpus, shards;
	const char *types, *used;
	size_t skipped;
} strings[] = {
	{ "gpu:8", 8, 0, "", "", 0 },
	{ "gpu", 1, 0, "", "", 0 },
	{ "gpu:tesla", 1, 0, "tesla:1", "", 0 },
	{ "gpu:a100:8", 8, 0, "a100:8", "", 0 },
	{ "gpu:8(S:0-3)", 8, 0, "", "", 0 },
	{ "gpu:a100:8(S:0-1)", 8, 0, "a100:8", "", 0 },
	{ "gpu:a100:8(S:0,2-3)", 8, 0, "a100:8", "", 0 },
	{ "gpu:a100:2(IDX:0-1)", 2, 0, "a100:2", "0-1", 0 },
	{ "gpu:a100:3(IDX:0,2-3)", 3, 0, "a100:3", "0,2-3", 0 },
	{ "gpu:2(IDX:0-1)", 2, 0, "", "0-1", 0 },
	{ "gpu:a100:0(IDX:N/A)", 0, 0, "", "", 0 },
	{ "gpu:titanrtx:0", 0, 0, "", "", 0 },
	{ "gpu:0", 0, 0, "", "", 0 },
	{ "gpu:a100:4(S:0)(IDX:1-4)", 4, 0, "a100:4", "1-4", 0 },
	{ "gpu:a100:4(S:0),gpu:h100:4(S:1)", 8, 0, "a100:4,h100:4", "", 0 },
	{ "gpu:a100:2(IDX:0,3),gpu:v100:1(IDX:4)", 3, 0, "a100:2,v100:1", "0,3-4", 0 },
	{ "gpu:nvidia_a100-sxm4-80gb:4", 4, 0, "nvidia_a100-sxm4-80gb:4", "", 0 },
	{ "gpu:tesla_v100-sxm2-32gb:2(S:0-1)", 2, 0, "tesla_v100-sxm2-32gb:2", "", 0 },
	{ "gpu:1g.10gb:3", 3, 0, "1g.10gb:3", "", 0 },
	{ "gpu:1g.10gb", 1, 0, "1g.10gb:1", "", 0 },
	{ "gpu:a100_3g.20gb:2(IDX:0-1),gpu:a100_1g.5gb:7(IDX:2-8)", 9, 0,
	  "a100_3g.20gb:2,a100_1g.5gb:7", "0-8", 0 },
	{ "shard:4", 0, 4, "", "", 0 },
	{ "gpu:a100:2,shard:a100:16", 2, 16, "a100:2", "", 0 },
	{ "gpu:1(IDX:0),shard:8(0/8,0/8)", 1, 8, "", "0", 0 },
	{ "gpu:a100:2,nic:mlx5:1", 2, 0, "a100:2", "", 0 },
	{ "craynetwork:4,gpu:2", 2, 0, "", "", 0 },
	{ "mps:400", 0, 0, "", "", 0 },
	{ "gres:gpu:2", 2, 0, "", "", 0 },
	{ "gres:gpu:a100:1", 1, 0, "a100:1", "", 0 },
	{ "gres:gpu", 1, 0, "", "", 0 },
	{ "gres:gpu:a100:1,gres:gpu:v100:2", 3, 0, "a100:1,v100:2", "", 0 },
	{ "gres/gpu:2", 2, 0, "", "", 0 },
	{ "gres/gpu:l40s:2", 2, 0, "l40s:2", "", 0 },
	{ "gres/gpu", 1, 0, "", "", 0 },
	{ "gres/gpu=4", 4, 0, "", "", 0 },
	{ "gres/gpu:a100=3", 3, 0, "a100:3", "", 0 },
	{ "gres/gpu=4,gres/gpu:a100=4", 4, 0, "a100:4", "", 0 },
	{ "gres/gpu:a100=4,gres/gpu=4", 4, 0, "a100:4", "", 0 },
	{ "gres/gpu=6,gres/gpu:a100=4,gres/gpu:h100=2", 6, 0, "a100:4,h100:2", "", 0 },
	{ "gres/gpu:a100=4,gres/gpu:h100=2", 6, 0, "a100:4,h100:2", "", 0 },
	{ "gres/gpu=5,gres/gpu:a100=4", 5, 0, "a100:4", "", 0 },
	{ "cpu=4,mem=16G,node=1,billing=4,gres/gpu=2,gres/gpu:a100=2", 2, 0, "a100:2", "",
	  0 },
	{ "cpu=16,mem=62.50G,billing=16", 0, 0, "", "", 0 },
	{ "cpu=2,mem=200M,node=2,billing=2", 0, 0, "", "", 0 },
	{ "cpu=1,mem=1G,energy=0,license/matlab=2", 0, 0, "", "", 0 },
	{ "cpu=1,gres/shard=3", 0, 3, "", "", 0 },
	{ "cpu:4", 0, 0, "", "", 0 },
	{ "fs/disk=4,ic/ofed=1,gres/gpu=1", 1, 0, "", "", 0 },
	{ "gpu:a100:no_consume:4", 4, 0, "a100:4", "", 0 },
	{ "gpu:no_consume:4", 4, 0, "", "", 0 },
	{ "gpu:2,", 2, 0, "", "", 0 },
	{ ",gpu:2", 2, 0, "", "", 0 },
	{ " gpu:2 , gpu:a100:1 ", 3, 0, "a100:1", "", 0 },
	{ "gpu:2;shard:1", 2, 1, "", "", 0 },
	{ "gpu:1K", 1024, 0, "", "", 0 },
	{ NULL, 0, 0, "", "", 0 },
	{ "", 0, 0, "", "", 0 },
	{ "(null)", 0, 0, "", "", 0 },
	{ "N/A", 0, 0, "", "", 0 },
	{ ",,,;;", 0, 0, "", "", 0 },
	/* hostile */
	{ "gpu:", 1, 0, "", "", 0 },
	{ ":::", 0, 0, "", "", 1 },
	{ "=4", 0, 0, "", "", 1 },
	{ "gpu=", 0, 0, "", "", 1 },
	{ "gpu=x", 0, 0, "", "", 1 },
	{ "gpu==4", 0, 0, "", "", 1 },
	{ "gpu:a100:2(IDX:0-1", 0, 0, "", "", 1 },
	{ "gpu:a100:2(IDX:0-1)x", 0, 0, "", "", 1 },
	{ "(IDX:0)", 0, 0, "", "", 1 },
	{ "gpu:2)", 1, 0, "2):1", "", 0 },
	{ "gpu:99999999999999999999999", 1, 0, "99999999999999999999999:1", "", 0 },
	{ "gpu=99999999999999999999999", 0, 0, "", "", 1 },
	{ "gpu:18446744073709551615,gpu:2", UINT64_MAX, 0, "", "", 0 },
	{ "gpu:-1", 1, 0, "-1:1", "", 0 },
	{ "gpu:a100:2(IDX:5-1)", 2, 0, "a100:2", "", 0 },
	{ "gpu:a100:2(IDX:999999999)", 2, 0, "a100:2", "", 0 },
	{ "gpu:a100:2(IDX:)", 2, 0, "a100:2", "", 0 },
	{ "gpu:\xff\xfe:2", 2, 0, "\xff\xfe:2", "", 0 },
	{ "gpu:a100:9999999999P", 1, 0, "a100:9999999999P:1", "", 0 },
};

static void test_strings_of_every_release_are_counted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		struct uc_gpus gpus = { 0 };
		struct uc_gres_walk walk = { .rest = strings[i].text };
		struct uc_gres item;
		uc_auto(buf) struct uc_buf types = { 0 }, used = { 0 };

		uc_gpus_add(&gpus, strings[i].text);
		uc_buf_gpu_types(&types, &gpus);
		if (gpus.indexed)
			uc_buf_index_set(&used, &gpus.used);
		while (uc_gres_next(&walk, &item))
			assert_true(item.name.len > 0);
		if (gpus.count != strings[i].gpus || gpus.shards != strings[i].shards ||
		    strcmp(uc_buf_text(&types), strings[i].types) ||
		    strcmp(uc_buf_text(&used), strings[i].used) ||
		    walk.skipped != strings[i].skipped)
			fail_msg("'%s': %llu GPUs, %llu shards, types '%s', used '%s', "
				 "%zu skipped",
				 strings[i].text, (unsigned long long)gpus.count,
				 (unsigned long long)gpus.shards, uc_buf_text(&types),
				 uc_buf_text(&used), walk.skipped);
	}
}

static void test_more_types_than_are_kept_still_count(void **state)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_gpus gpus = { 0 };

	(void)state;
	for (int i = 0; i < 40; i++)
		uc_buf_addf(&text, "gpu:type%d:2,", i);
	uc_gpus_add(&gpus, uc_buf_text(&text));
	assert_int_equal(gpus.count, 80);
	assert_int_equal(gpus.type_count, UC_GPU_TYPES);
}

static void test_index_sets(void **state)
{
	struct uc_index_set set = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };

	(void)state;
	assert_int_equal(uc_index_set_add(&set, (struct uc_span){ "0-2,4,1023", 10 }), 0);
	assert_int_equal(uc_index_set_count(&set), 5);
	assert_true(uc_index_set_has(&set, 1023));
	assert_false(uc_index_set_has(&set, 3));
	assert_false(uc_index_set_has(&set, 4000000000u));
	uc_buf_index_set(&text, &set);
	assert_string_equal(uc_buf_text(&text), "0-2,4,1023");
	assert_int_equal(uc_index_set_add(&set, (struct uc_span){ "1024", 4 }), -1);
	assert_int_equal(uc_index_set_add(&set, (struct uc_span){ "1,", 2 }), -1);
	assert_int_equal(uc_index_set_add(&set, (struct uc_span){ "-1", 2 }), -1);
}

static const struct {
	const char *what;
	struct uc_job job;
	uint64_t gpus;
} jobs[] = {
	{ "running: gres_total wins",
	  { .state = UC_JOB_RUNNING,
	    .node_count = 2,
	    .gres_total = { "gpu:a100:5" },
	    .tres_per_node = { "gres:gpu:2" } },
	  5 },
	{ "running without gres_total: tres_alloc",
	  { .state = UC_JOB_RUNNING,
	    .tres_alloc = { "cpu=2,gres/gpu=3,gres/gpu:a100=3" } },
	  3 },
	{ "ended: still gres_total",
	  { .state = UC_JOB_FAILED, .gres_total = { "gpu:1" } },
	  1 },
	{ "pending: tres_req with accounting",
	  { .tres_req = { "cpu=4,gres/gpu=6" }, .tres_per_node = { "gres/gpu:2" } },
	  6 },
	{ "pending: per job",
	  { .tres_req = { "cpu=4,mem=4G" },
	    .tres_per_job = { "gres:gpu:3" },
	    .node_count = 4 },
	  3 },
	{ "pending: per node times nodes",
	  { .tres_per_node = { "gres/gpu:a100:2" }, .node_count = 3 },
	  6 },
	{ "pending: per task times tasks",
	  { .tres_per_task = { "gres/gpu=1" }, .tasks = 5, .node_count = 1 },
	  5 },
	{ "pending: per task, tasks per node only",
	  { .tres_per_task = { "gres:gpu:2" },
	    .tasks = UC_NONE32,
	    .tasks_per_node = 4,
	    .node_count = 2 },
	  16 },
	{ "pending: per task of CPUs only",
	  { .tres_per_task = { "cpu=4" }, .tasks = 5 },
	  0 },
	{ "pending: per socket",
	  { .tres_per_socket = { "gpu:1" },
	    .node_count = 2,
	    .sockets_per_node = 2,
	    .tres_per_task = { "cpu:4" } },
	  4 },
	{ "pending: nothing asked", { .tres_req = { "cpu=1" } }, 0 },
	{ "20.11 pending form", { .tres_per_node = { "gpu:2" }, .node_count = 1 }, 2 },
};

static void test_gpus_of_jobs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
		struct uc_gpus gpus;

		uc_job_gpus(&jobs[i].job, &gpus);
		if (gpus.count != jobs[i].gpus)
			fail_msg("%s: %llu", jobs[i].what,
				 (unsigned long long)gpus.count);
	}
}

static void test_multiplying_saturates(void **state)
{
	struct uc_gpus gpus = { 0 };

	(void)state;
	uc_gpus_add(&gpus, "gpu:a100:4,shard:2");
	uc_gpus_multiply(&gpus, 3);
	assert_int_equal(gpus.count, 12);
	assert_int_equal(gpus.shards, 6);
	assert_int_equal(gpus.type[0].count, 12);
	uc_gpus_multiply(&gpus, UINT64_MAX);
	assert_true(gpus.count == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings_of_every_release_are_counted),
		cmocka_unit_test(test_more_types_than_are_kept_still_count),
		cmocka_unit_test(test_index_sets),
		cmocka_unit_test(test_gpus_of_jobs),
		cmocka_unit_test(test_multiplying_saturates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
