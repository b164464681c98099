/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * What strings of a controller may say about GPUs, hosts, limits and reservations, as
 * uinfo adds them up: one string a line, in the order of `texts`.
 */
#include <stdlib.h>
#include <string.h>
#include <ucluster/capacity.h>
#include <ucluster/gres.h>
#include <ucluster/state.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum text {
	GRES,
	USED,
	INDICES,
	PARTITIONS,
	HOSTS,
	DETAIL,
	TYPES,
	USERS,
	TRES,
	TRES_USED,
	QOSES,
	STATE,
	TEXTS,
};

static void check(int holds)
{
	if (!holds)
		abort();
}

static void check_sum(const struct uc_capacity_sum *sum)
{
	check(sum->total == sum->used + sum->out + sum->free);
	check(sum->reserved <= sum->free && sum->mine <= sum->free);
}

static void check_all(const struct uc_capacity_facts *facts)
{
	uc_auto(capacity) struct uc_capacity *all = NULL;
	uc_auto(gpu_map) struct uc_gpu_map *map = NULL;
	uc_auto(buf) struct uc_buf words = { 0 };
	struct uc_error err;

	check(uc_capacity_make(facts, &all, &err) == 0);
	for (size_t i = 0; i < all->count; i++) {
		check_sum(&all->row[i].gpus);
		check_sum(&all->row[i].cpus);
		uc_capacity_why(&words, &all->row[i], 0);
		uc_capacity_by(&words, &all->row[i], facts->now, 0);
	}
	check(uc_gpu_map_make(facts, &map, &err) == 0);
	for (size_t i = 0; i < map->count; i++)
		for (size_t k = 0; k < map->node[i].count; k++)
			check(map->node[i].slot[k].holder <= UC_GPU_OUT);
}

/* Numbers that the worker would have made of these strings. */
static void count_gpus(struct uc_node *node)
{
	struct uc_gpus all = { 0 }, used = { 0 };

	uc_gpus_add(&all, node->gres.bytes);
	uc_gpus_add(&used, node->gres_used.bytes);
	node->gpus = all.count < UC_NONE32 ? (uint32_t)all.count : UC_NONE32;
	node->gpus_used = used.count < UC_NONE32 ? (uint32_t)used.count : UC_NONE32;
}

static void try_texts(char *const text[TEXTS])
{
	const struct uc_raw detail[] = { { text[DETAIL] }, { text[GRES] } };
	struct uc_node nodes[] = {
		{ .name = { "n1" },
		  .gres = { text[GRES] },
		  .gres_used = { text[USED] },
		  .gpu_indices = { text[INDICES] },
		  .partitions = { text[PARTITIONS] },
		  .cpus = 4,
		  .cpus_usable = 4,
		  .owner = UC_NONE32,
		  .state = UC_NODE_MIXED },
		{ .name = { "n2" },
		  .gres = { text[DETAIL] },
		  .partitions = { "p,q" },
		  .cpus = 4,
		  .cpus_usable = 4,
		  .owner = UC_NONE32,
		  .state = UC_NODE_IDLE },
	};
	const struct uc_partition partitions[] = {
		{ .name = { "p" },
		  .state = UC_PARTITION_UP,
		  .share_max = 1,
		  .qos = { "a" },
		  .allow_accounts = { text[USERS] },
		  .allow_qos = { text[QOSES] } },
		{ .name = { "q" }, .state = UC_PARTITION_UP, .share_max = 1 },
	};
	const struct uc_job jobs[] = {
		{ .job_id = 1,
		  .state = UC_JOB_RUNNING,
		  .nodes = { text[HOSTS] },
		  .gpus = 2,
		  .partition = { text[PARTITIONS] },
		  .gres_detail = { detail, 2 },
		  .gpu_types = { text[TYPES] } },
		{ .job_id = 2,
		  .state = UC_JOB_PENDING,
		  .start_time = 200,
		  .gpus = 1,
		  .sched_nodes = { text[HOSTS] },
		  .partition = { "p,q" },
		  .array_tasks = { text[INDICES] },
		  .gpu_types = { text[TYPES] } },
	};
	const struct uc_reservation reservations[] = {
		{ .name = { "r" },
		  .nodes = { text[HOSTS] },
		  .users = { text[USERS] },
		  .accounts = { text[QOSES] },
		  .end_time = 300 },
		{ .name = { "s" },
		  .nodes = { "ALL" },
		  .start_time = 150,
		  .end_time = 300 },
	};
	struct uc_limit limits[3] = {
		{ .kind = UC_LIMIT_ASSOCIATION,
		  .is_default = true,
		  .account = { "lab" },
		  .qos = { text[QOSES] },
		  .tres_group = { text[TRES_USED] } },
		{ .kind = UC_LIMIT_QOS,
		  .name = { "a" },
		  .tres_user = { text[TRES] },
		  .tres_user_used = { text[TRES_USED] } },
		{ .kind = UC_LIMIT_ACCOUNT,
		  .account = { "lab" },
		  .parent = { "lab" },
		  .tres_group = { text[TRES] },
		  .tres_group_used = { text[TRES_USED] } },
	};
	const struct uc_nodes all_nodes = { .count = 2, .row = nodes };
	const struct uc_partitions all_partitions = { .count = 2, .row = partitions };
	const struct uc_jobs all_jobs = { .count = 2, .row = jobs };
	const struct uc_reservations all_reservations = { .count = 2,
							  .row = reservations };
	const struct uc_limits all_limits = { .count = 3, .row = limits };
	const struct uc_capacity_facts facts = { .nodes = &all_nodes,
						 .partitions = &all_partitions,
						 .jobs = &all_jobs,
						 .reservations = &all_reservations,
						 .limits = &all_limits,
						 .enforced = UC_ENFORCED_LIMITS,
						 .who = { .user_id = 7, .user = "u" },
						 .now = 100 };

	for (size_t i = 0; i < 3; i++) {
		limits[i].wall_max = UC_NOT_SET;
		limits[i].user_jobs = limits[i].jobs_max = UC_NONE32;
		limits[i].group_jobs = UC_NONE32;
	}
	count_gpus(&nodes[0]);
	count_gpus(&nodes[1]);
	check_all(&facts);
	check(uc_node_state_is(UC_NODE_IDLE | UC_NODE_DRAIN, text[STATE]) <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char empty[] = "";
	char *copy = malloc(size + 1), *at = copy;
	char *text[TEXTS];

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	copy[size] = '\0';
	for (size_t i = 0; i < TEXTS; i++) {
		char *end = at ? strchr(at, '\n') : NULL;

		text[i] = at ? at : empty;
		if (end)
			*end = '\0';
		at = end ? end + 1 : NULL;
	}
	try_texts(text);
	free(copy);
	return 0;
}
