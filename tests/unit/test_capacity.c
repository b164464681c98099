/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A small cluster made by hand, one thing changed in each test; then whole ones. */
#include "unit.h"

#include <string.h>
#include <ucluster/capacity.h>
#include <ucluster/gres.h>
#include <ucluster/source.h>
#include <ucluster/state.h>
#include <ucluster/units.h>

#define NOW ((int64_t)1795249800)
#define ME  1000

/* Four nodes: 8 a100 each on g1 and g2, 4 untyped on g3, none on c1. */
struct world {
	struct uc_node node[4];
	struct uc_partition partition[2];
	struct uc_job job[4];
	struct uc_reservation reservation[2];
	struct uc_limit limit[4];
	struct uc_nodes nodes;
	struct uc_partitions partitions;
	struct uc_jobs jobs;
	struct uc_reservations reservations;
	struct uc_limits limits;
	struct uc_capacity_facts facts;
};

static struct uc_node make_node(const char *name, const char *gres, const char *used,
				uint32_t gpus, uint32_t gpus_used)
{
	return (struct uc_node){ .name = { name },
				 .gres = { gres },
				 .gres_used = { used },
				 .gpus = gpus,
				 .gpus_used = gpus_used,
				 .partitions = { gres ? "gpu,long" : "long" },
				 .state = gpus_used ? UC_NODE_MIXED : UC_NODE_IDLE,
				 .owner = UC_NONE32,
				 .cpus = 16,
				 .cpus_usable = 16,
				 .cpus_used = gpus_used };
}

static void clear_limit(struct uc_limit *limit, uint32_t kind)
{
	*limit = (struct uc_limit){ .kind = kind,
				    .wall_max = UC_NOT_SET,
				    .group_wall = UC_NOT_SET,
				    .user_jobs = UC_NONE32,
				    .user_submit = UC_NONE32,
				    .jobs_max = UC_NONE32,
				    .submit_max = UC_NONE32,
				    .group_jobs = UC_NONE32,
				    .group_submit = UC_NONE32 };
}

static void make_world(struct world *w)
{
	*w = (struct world){ 0 };
	w->node[0] = make_node("g1", "gpu:a100:8(S:0-1)", "gpu:a100:3(IDX:0-2)", 8, 3);
	w->node[0].gpu_indices = uc_raw("0-2");
	w->node[1] = make_node("g2", "gpu:a100:8", "gpu:a100:0(IDX:N/A)", 8, 0);
	w->node[2] = make_node("g3", "gpu:4", "gpu:1(IDX:3)", 4, 1);
	w->node[2].gpu_indices = uc_raw("3");
	w->node[3] = make_node("c1", NULL, NULL, 0, 0);
	for (size_t i = 0; i < 2; i++)
		w->partition[i] =
			(struct uc_partition){ .name = { i ? "long" : "gpu" },
					       .nodes = { i ? "g[1-3],c1" : "g[1-3]" },
					       .state = UC_PARTITION_UP,
					       .share_max = 1,
					       .time_limit = i ? UC_DURATION_INFINITE
							       : 2 * 86400 };
	for (size_t i = 0; i < 4; i++)
		w->job[i] = (struct uc_job){ .job_id = 10 + (uint32_t)i,
					     .user_id = ME,
					     .partition = { "gpu" },
					     .state = UC_JOB_RUNNING,
					     .cpus = 1,
					     .time_limit = 3600 };
	w->nodes = (struct uc_nodes){ .count = 4, .row = w->node, .now = NOW };
	w->partitions = (struct uc_partitions){ .count = 2, .row = w->partition };
	w->jobs = (struct uc_jobs){ .row = w->job };
	w->reservations = (struct uc_reservations){ .row = w->reservation };
	w->limits = (struct uc_limits){ .row = w->limit };
	w->facts = (struct uc_capacity_facts){ .nodes = &w->nodes,
					       .partitions = &w->partitions,
					       .jobs = &w->jobs,
					       .reservations = &w->reservations,
					       .limits = &w->limits,
					       .who = { .user_id = ME, .user = "bob" },
					       .now = NOW };
}

static struct uc_capacity *make(const struct world *w)
{
	struct uc_capacity *all = NULL;
	struct uc_error err;

	assert_int_equal(uc_capacity_make(&w->facts, &all, &err), 0);
	return all;
}

/* The row of a partition and type (NULL: without GPUs). */
static const struct uc_capacity_row *row_of(const struct uc_capacity *all,
					    const char *partition, const char *type)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct uc_capacity_row *row = &all->row[i];

		if (strcmp(row->partition->name.bytes, partition) != 0)
			continue;
		if (type ? row->type.bytes && !strcmp(row->type.bytes, type)
			 : !row->type.bytes)
			return row;
	}
	fail_msg("no row %s %s", partition, type ? type : "-");
	return NULL;
}

static void assert_why(const struct uc_capacity_row *row, const char *words)
{
	uc_auto(buf) struct uc_buf buf = { 0 };

	uc_capacity_why(&buf, row, 0);
	assert_string_equal(uc_buf_text(&buf), words);
}

static void assert_by(const struct uc_capacity_row *row, const char *words)
{
	uc_auto(buf) struct uc_buf buf = { 0 };

	uc_capacity_by(&buf, row, NOW, 0);
	assert_memory_equal(uc_buf_text(&buf), words, strlen(words));
}

static void assert_sum(const struct uc_capacity_sum *sum,
		       const struct uc_capacity_sum *want)
{
	assert_int_equal(sum->total, want->total);
	assert_int_equal(sum->used, want->used);
	assert_int_equal(sum->out, want->out);
	assert_int_equal(sum->free, want->free);
	assert_int_equal(sum->reserved, want->reserved);
	assert_int_equal(sum->mine, want->mine);
}
#define ASSERT_GPUS(row, ...)                                                            \
	assert_sum(&(row)->gpus, &(const struct uc_capacity_sum){ __VA_ARGS__ })

static void test_rows_are_partitions_and_types(void **state)
{
	struct world w;
	uc_auto(capacity) struct uc_capacity *all = NULL;
	const struct uc_capacity_row *row;

	(void)state;
	make_world(&w);
	all = make(&w);
	assert_int_equal(all->count, 5);
	row = row_of(all, "gpu", "a100");
	ASSERT_GPUS(row, 16, 3, 0, 13, 0, 13);
	assert_int_equal(row->nodes, 2);
	assert_int_equal(row->nodes_idle, 1);
	assert_int_equal(row->most, 8);
	assert_int_equal(row->time, 2 * 86400);
	assert_by(row, "partition");
	assert_why(row, "");
	ASSERT_GPUS(row_of(all, "gpu", "gpu"), 4, 1, 0, 3, 0, 3);
	row = row_of(all, "long", NULL);
	ASSERT_GPUS(row, 0, 0, 0, 0, 0, 0);
	assert_int_equal(row->cpus.mine, 16);
	assert_int_equal(row->time, UC_DURATION_INFINITE);
}

static void test_drained_nodes_are_out(void **state)
{
	struct world w;
	uc_auto(capacity) struct uc_capacity *all = NULL;
	const struct uc_capacity_row *row;

	(void)state;
	make_world(&w);
	w.node[0].state |= UC_NODE_DRAIN;
	all = make(&w);
	row = row_of(all, "gpu", "a100");
	ASSERT_GPUS(row, 16, 3, 5, 8, 0, 8);
	assert_int_equal(row->nodes_out, 1);
}

static void test_gpus_without_a_cpu_are_not_mine(void **state)
{
	struct world w;
	uc_auto(capacity) struct uc_capacity *all = NULL;

	(void)state;
	make_world(&w);
	w.node[0].cpus_used = 16;
	all = make(&w);
	ASSERT_GPUS(row_of(all, "gpu", "a100"), 16, 3, 0, 13, 0, 8);
	assert_why(row_of(all, "gpu", "a100"), "no CPU left beside them");
}

static void test_whole_nodes_only(void **state)
{
	struct world w;
	uc_auto(capacity) struct uc_capacity *all = NULL;

	(void)state;
	make_world(&w);
	w.partition[0].share_max = 0;
	all = make(&w);
	ASSERT_GPUS(row_of(all, "gpu", "a100"), 16, 3, 0, 13, 0, 8);
	assert_why(row_of(all, "gpu", "a100"), "nodes are not shared");
}

static void test_partitions_that_keep_one_out(void **state)
{
	static const char *const groups[] = { "staff", NULL };
	struct world w;
	uc_auto(capacity) struct uc_capacity *down = NULL, *root = NULL, *other = NULL,
					     *member = NULL;

	(void)state;
	make_world(&w);
	w.partition[0].state = UC_PARTITION_DRAIN;
	down = make(&w);
	ASSERT_GPUS(row_of(down, "gpu", "a100"), 16, 3, 0, 13, 0, 0);
	assert_why(row_of(down, "gpu", "a100"), "partition takes no jobs");
	assert_int_equal(row_of(down, "gpu", "a100")->time, 0);
	make_world(&w);
	w.partition[0].flags = UC_PARTITION_ROOT_ONLY;
	root = make(&w);
	assert_why(row_of(root, "gpu", "a100"), "only root");
	make_world(&w);
	w.facts.who.groups = groups;
	w.partition[0].allow_groups = uc_raw("vip");
	other = make(&w);
	assert_why(row_of(other, "gpu", "a100"), "only groups vip");
	w.partition[0].allow_groups = uc_raw("vip,staff");
	member = make(&w);
	assert_int_equal(row_of(member, "gpu", "a100")->gpus.mine, 13);
}

/* g2 is reserved from `from` to `to` for `users`. */
static void reserve(struct world *w, int64_t from, int64_t to, const char *users)
{
	w->reservation[0] = (struct uc_reservation){ .name = { "maint" },
						     .nodes = { "g2" },
						     .users = { users },
						     .start_time = from,
						     .end_time = to };
	w->reservations.count = 1;
}

static void test_reserved_for_others_now(void **state)
{
	struct world w;
	uc_auto(capacity) struct uc_capacity *all = NULL, *own = NULL;
	const struct uc_capacity_row *row;

	(void)state;
	make_world(&w);
	reserve(&w, NOW - 60, NOW + 7200, "eve");
	all = make(&w);
	row = row_of(all, "gpu", "a100");
	ASSERT_GPUS(row, 16, 3, 0, 13, 8, 5);
	assert_why(row, "reserved: maint");
	assert_int_equal(row->time, 2 * 86400);
	reserve(&w, NOW - 60, NOW + 7200, "eve,bob");
	own = make(&w);
	row = row_of(own, "gpu", "a100");
	ASSERT_GPUS(row, 16, 3, 0, 13, 0, 13);
	assert_ptr_equal(row->own, &w.reservation[0]);
}

static void test_the_next_reservation_ends_jobs(void **state)
{
	struct world w;
	uc_auto(capacity) struct uc_capacity *one = NULL, *all = NULL;
	const struct uc_capacity_row *row;

	(void)state;
	make_world(&w);
	/* g1 is free of it: two days start there */
	reserve(&w, NOW + 7230, NOW + 9000, "eve");
	one = make(&w);
	assert_int_equal(row_of(one, "gpu", "a100")->time, 2 * 86400);
	w.reservation[0].nodes = uc_raw("ALL");
	all = make(&w);
	row = row_of(all, "gpu", "a100");
	assert_int_equal(row->time, 7200);
	assert_int_equal(row->basis, UC_BASIS_RESERVATION);
	assert_by(row, "reservation maint at ");
	assert_int_equal(row->gpus.mine, 13);
}

static void test_some_cores_or_licenses_bar_no_node(void **state)
{
	struct world w;
	uc_auto(capacity) struct uc_capacity *all = NULL;

	(void)state;
	make_world(&w);
	reserve(&w, NOW - 60, NOW + 9000, "eve");
	w.reservation[0].flags = UC_RESERVATION_PARTIAL;
	w.reservation[1] = w.reservation[0];
	w.reservation[1].flags = UC_RESERVATION_ANY_NODES;
	w.reservations.count = 2;
	all = make(&w);
	ASSERT_GPUS(row_of(all, "gpu", "a100"), 16, 3, 0, 13, 0, 13);
}

static void test_a_plan_for_another_job(void **state)
{
	struct world w;
	uc_auto(capacity) struct uc_capacity *all = NULL;
	const struct uc_capacity_row *row;

	(void)state;
	make_world(&w);
	w.job[0].state = UC_JOB_PENDING;
	w.job[0].start_time = NOW + 3601;
	w.job[0].sched_nodes = uc_raw("g[1-2]");
	w.job[0].gpus = 16;
	w.job[0].gpu_types = uc_raw("a100:16");
	w.jobs.count = 1;
	all = make(&w);
	row = row_of(all, "gpu", "a100");
	assert_int_equal(row->time, 3600);
	assert_by(row, "job 10 planned at ");
	assert_int_equal(row->pending_jobs, 1);
	assert_int_equal(row->pending_gpus, 16);
	assert_int_equal(row_of(all, "gpu", "gpu")->time, 2 * 86400);
	assert_int_equal(row_of(all, "gpu", "gpu")->pending_jobs, 0);
}

static void test_demand_counts_tasks_and_any_type(void **state)
{
	struct world w;
	uc_auto(capacity) struct uc_capacity *all = NULL;

	(void)state;
	make_world(&w);
	w.job[0].state = UC_JOB_PENDING;
	w.job[0].array_tasks = uc_raw("0-9%2");
	w.job[0].gpus = 2;
	w.job[0].partition = uc_raw("gpu,long");
	w.job[1].state = UC_JOB_PENDING; /* no GPU */
	w.job[1].cpus = 5;
	w.job[2].gpus = 3; /* runs */
	w.job[2].gpu_types = uc_raw("a100:3");
	w.job[3] = w.job[2];
	w.job[3].user_id = ME + 1;
	w.jobs.count = 4;
	all = make(&w);
	assert_int_equal(row_of(all, "gpu", "a100")->pending_gpus, 20);
	assert_int_equal(row_of(all, "gpu", "gpu")->pending_gpus, 20);
	assert_int_equal(row_of(all, "long", "gpu")->pending_gpus, 20);
	assert_int_equal(row_of(all, "long", NULL)->pending_jobs, 0);
	/* the one without GPUs may run on either kind of node */
	assert_int_equal(row_of(all, "gpu", "a100")->pending_jobs, 11);
	assert_int_equal(row_of(all, "gpu", "a100")->pending_cpus, 15);
	assert_int_equal(row_of(all, "gpu", "a100")->used_mine, 3);
	assert_int_equal(row_of(all, "gpu", "gpu")->used_mine, 0);
}

/* An account with QOSes "normal" and "short"; normal is the usual one. */
static void give_limits(struct world *w)
{
	clear_limit(&w->limit[0], UC_LIMIT_ASSOCIATION);
	w->limit[0].is_default = true;
	w->limit[0].account = uc_raw("lab");
	w->limit[0].qos = uc_raw("normal,short");
	w->limit[0].default_qos = uc_raw("normal");
	clear_limit(&w->limit[1], UC_LIMIT_QOS);
	w->limit[1].name = uc_raw("normal");
	clear_limit(&w->limit[2], UC_LIMIT_QOS);
	w->limit[2].name = uc_raw("short");
	clear_limit(&w->limit[3], UC_LIMIT_ACCOUNT);
	w->limit[3].account = uc_raw("lab");
	w->limits.count = 4;
	w->facts.enforced = UC_ENFORCED_ACCOUNTS | UC_ENFORCED_LIMITS;
}

static void test_limits_leave_so_much(void **state)
{
	struct world w;
	uc_auto(capacity) struct uc_capacity *all = NULL, *both = NULL, *loose = NULL;
	const struct uc_capacity_row *row;

	(void)state;
	make_world(&w);
	give_limits(&w);
	w.limit[1].tres_user = uc_raw("gres/gpu=8");
	w.limit[1].tres_user_used = uc_raw("gres/gpu=3,cpu=3");
	w.limit[2].tres_group = uc_raw("gres/gpu:a100=6");
	w.limit[2].tres_group_used = uc_raw("gres/gpu:a100=5");
	w.limit[2].wall_max = 1800;
	all = make(&w);
	row = row_of(all, "gpu", "a100");
	ASSERT_GPUS(row, 16, 3, 0, 13, 0, 5);
	assert_why(row, "limit of QOS normal");
	assert_ptr_equal(row->qos, &w.limit[1]);
	assert_true(row->usual);
	/* with more left in the other QOS that one is taken, with its time limit */
	w.limit[2].tres_group_used = uc_raw("gres/gpu:a100=0");
	both = make(&w);
	row = row_of(both, "gpu", "a100");
	assert_int_equal(row->gpus.mine, 6);
	assert_ptr_equal(row->qos, &w.limit[2]);
	assert_false(row->usual);
	assert_int_equal(row->time, 1800);
	assert_by(row, "QOS short");
	/* the account above counts as well, and only where limits are enforced */
	w.limit[3].tres_group = uc_raw("gres/gpu=4");
	w.limit[3].tres_group_used = uc_raw("gres/gpu=4");
	w.facts.enforced = UC_ENFORCED_ACCOUNTS;
	loose = make(&w);
	assert_int_equal(row_of(loose, "gpu", "a100")->gpus.mine, 13);
}

static void test_an_account_above_is_full(void **state)
{
	struct world w;
	uc_auto(capacity) struct uc_capacity *all = NULL;
	const struct uc_capacity_row *row;

	(void)state;
	make_world(&w);
	give_limits(&w);
	w.limit[3].tres_group = uc_raw("gres/gpu=4");
	w.limit[3].tres_group_used = uc_raw("gres/gpu=4");
	all = make(&w);
	row = row_of(all, "gpu", "a100");
	assert_int_equal(row->gpus.mine, 0);
	assert_why(row, "limit of account lab");
	assert_int_equal(row->time, 0);
	assert_int_equal(row_of(all, "long", NULL)->cpus.mine, 16);
}

static void test_no_more_jobs(void **state)
{
	struct world w;
	uc_auto(capacity) struct uc_capacity *all = NULL;

	(void)state;
	make_world(&w);
	give_limits(&w);
	w.limit[0].jobs_max = w.limit[0].jobs_used = 2;
	all = make(&w);
	assert_int_equal(row_of(all, "gpu", "a100")->gpus.mine, 0);
	assert_why(row_of(all, "gpu", "a100"), "limit of account lab");
}

static void test_accounts_and_qoses_of_partitions(void **state)
{
	struct world w;
	uc_auto(capacity) struct uc_capacity *account = NULL, *qos = NULL, *none = NULL;

	(void)state;
	make_world(&w);
	give_limits(&w);
	w.partition[0].allow_accounts = uc_raw("other");
	account = make(&w);
	assert_why(row_of(account, "gpu", "a100"), "only accounts other");
	w.partition[0].allow_accounts = uc_raw(NULL);
	w.partition[0].allow_qos = uc_raw("short");
	qos = make(&w);
	assert_ptr_equal(row_of(qos, "gpu", "a100")->qos, &w.limit[2]);
	assert_int_equal(row_of(qos, "gpu", "a100")->gpus.mine, 13);
	w.limit[0].kind = UC_LIMIT_ACCOUNT;
	none = make(&w);
	assert_why(row_of(none, "gpu", "a100"), "you have no account");
}

static const struct uc_gpu_node *map_node(const struct uc_gpu_map *map, const char *name)
{
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->node[i].node->name.bytes, name) == 0)
			return &map->node[i];
	fail_msg("no node %s", name);
	return NULL;
}

/* f m o r x, one letter a GPU */
static void assert_slots(const struct uc_gpu_node *node, const char *want)
{
	static const char letters[] = "fmorx";
	char got[64] = "";

	for (size_t i = 0; i < node->count && i < sizeof(got) - 1; i++)
		got[i] = letters[node->slot[i].holder];
	assert_string_equal(got, want);
}

static void test_who_holds_each_gpu(void **state)
{
	static const struct uc_raw mine[] = { { "gpu:a100:2(IDX:0,2)" },
					      { "gpu:1(IDX:3)" } };
	static const struct uc_raw others[] = { { "gpu:a100:1(IDX:1)" } };
	struct world w;
	uc_auto(gpu_map) struct uc_gpu_map *map = NULL, *out = NULL;
	struct uc_error err;

	(void)state;
	make_world(&w);
	w.job[0].gpus = 3;
	w.job[0].nodes = uc_raw("g[1,3]");
	w.job[0].gres_detail = (struct uc_raw_list){ mine, 2 };
	w.job[1].gpus = 1;
	w.job[1].user_id = ME + 1;
	w.job[1].nodes = uc_raw("g1");
	w.job[1].gres_detail = (struct uc_raw_list){ others, 1 };
	w.jobs.count = 2;
	assert_int_equal(uc_gpu_map_make(&w.facts, &map, &err), 0);
	assert_int_equal(map->count, 3);
	assert_slots(map_node(map, "g1"), "momfffff");
	assert_slots(map_node(map, "g2"), "ffffffff");
	assert_slots(map_node(map, "g3"), "fffm");
	assert_ptr_equal(map_node(map, "g1")->slot[1].job, &w.job[1]);
	assert_string_equal(map_node(map, "g1")->slot[7].type.bytes, "a100");
	assert_false(map_node(map, "g1")->guessed);
	/* without the jobs: the node still tells which are in use */
	reserve(&w, NOW - 60, NOW + 7200, "eve");
	w.node[0].state |= UC_NODE_DRAIN;
	w.node[2].gpu_indices = uc_raw(NULL);
	w.jobs.count = 0;
	assert_int_equal(uc_gpu_map_make(&w.facts, &out, &err), 0);
	assert_slots(map_node(out, "g1"), "oooxxxxx");
	assert_slots(map_node(out, "g2"), "rrrrrrrr");
	assert_slots(map_node(out, "g3"), "offf");
	assert_true(map_node(out, "g3")->guessed);
	assert_null(map_node(out, "g1")->slot[0].job);
}

/* Whatever is loaded, the parts make the whole; rows and map agree on what is free. */
static void check_source(const char *name)
{
	uc_auto(source) struct uc_source *src = NULL;
	uc_auto(nodes) struct uc_nodes *nodes = NULL;
	uc_auto(partitions) struct uc_partitions *partitions = NULL;
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	uc_auto(reservations) struct uc_reservations *reservations = NULL;
	uc_auto(capacity) struct uc_capacity *all = NULL;
	uc_auto(gpu_map) struct uc_gpu_map *map = NULL;
	struct uc_capacity_facts facts = { .who = { .user_id = 20000 } };
	struct uc_error err = { 0 };
	uint64_t slots = 0, gpus = 0;

	assert_int_equal(uc_source_open(name, NULL, &src, &err), 0);
	assert_int_equal(uc_nodes_load(src, &nodes, &err), 0);
	assert_int_equal(uc_partitions_load(src, &partitions, &err), 0);
	assert_int_equal(uc_jobs_load(src, NULL, &jobs, &err), 0);
	assert_int_equal(uc_reservations_load(src, &reservations, &err), 0);
	facts.nodes = nodes;
	facts.partitions = partitions;
	facts.jobs = jobs;
	facts.reservations = reservations;
	facts.now = uc_source_now(src);
	assert_int_equal(uc_capacity_make(&facts, &all, &err), 0);
	assert_true(all->count > 0);
	for (size_t i = 0; i < all->count; i++) {
		const struct uc_capacity_sum *sums[] = { &all->row[i].gpus,
							 &all->row[i].cpus };

		for (size_t k = 0; k < 2; k++) {
			assert_int_equal(sums[k]->total,
					 sums[k]->used + sums[k]->out + sums[k]->free);
			assert_true(sums[k]->mine + sums[k]->reserved <= sums[k]->free);
		}
		assert_true(all->row[i].most <=
			    all->row[i].gpus.mine + all->row[i].cpus.mine);
	}
	assert_int_equal(uc_gpu_map_make(&facts, &map, &err), 0);
	for (size_t i = 0; i < nodes->count; i++)
		gpus += nodes->row[i].gpus;
	for (size_t i = 0; i < map->count; i++)
		slots += map->node[i].count;
	assert_int_equal(slots, gpus);
}

static void test_whole_clusters(void **state)
{
	(void)state;
	check_source("synthetic:nodes=100,jobs=2000,seed=3");
	check_source("synthetic:nodes=1,jobs=0,seed=1");
	check_source("record:" UC_TEST_DATA "/clusters/slurm-22.05");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_partitions_and_types),
		cmocka_unit_test(test_drained_nodes_are_out),
		cmocka_unit_test(test_gpus_without_a_cpu_are_not_mine),
		cmocka_unit_test(test_whole_nodes_only),
		cmocka_unit_test(test_partitions_that_keep_one_out),
		cmocka_unit_test(test_reserved_for_others_now),
		cmocka_unit_test(test_the_next_reservation_ends_jobs),
		cmocka_unit_test(test_some_cores_or_licenses_bar_no_node),
		cmocka_unit_test(test_a_plan_for_another_job),
		cmocka_unit_test(test_demand_counts_tasks_and_any_type),
		cmocka_unit_test(test_limits_leave_so_much),
		cmocka_unit_test(test_an_account_above_is_full),
		cmocka_unit_test(test_no_more_jobs),
		cmocka_unit_test(test_accounts_and_qoses_of_partitions),
		cmocka_unit_test(test_who_holds_each_gpu),
		cmocka_unit_test(test_whole_clusters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
