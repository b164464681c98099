/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uinfo partitions: a line for each partition. */
#include <stdlib.h>
#include <string.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "uinfo/cluster.h"

struct partitions_args {
	bool all;
	struct uinfo_filter filter;
	struct uc_listing listing;
};

/* What its nodes have, each counted once. */
struct sum {
	const struct uc_partition *partition;
	const struct uc_capacity_row *first; /* of its rows; NULL: no nodes */
	uint64_t nodes, nodes_idle, nodes_out;
	uint64_t cpus, cpus_used, cpus_free, gpus, gpus_used, gpus_free, memory;
	uint64_t mine; /* free GPUs that the user may use */
	uint64_t waiting;
};

// clang-format off
static const struct uc_opt options[] = {
	UINFO_PARTITION_OPTION(struct partitions_args, filter),
	{ "all", 'a', UC_OPT_FLAG, .offset = offsetof(struct partitions_args, all),
	  .help = "hidden ones too" },
	UC_LISTING_OPTIONS(struct partitions_args, listing),
	{ 0 }
};
// clang-format on

static const struct sum *sum_of(const void *row)
{
	return row;
}

#define COUNT(name)                                                                      \
	GETTER(name)                                                                     \
	{                                                                                \
		(void)context;                                                           \
		uinfo_put(out, UC_VALUE_NUMBER, sum_of(row)->name);                      \
	}
COUNT(nodes)
COUNT(nodes_idle)
COUNT(nodes_out)
COUNT(cpus)
COUNT(cpus_used)
COUNT(cpus_free)
COUNT(gpus)
COUNT(gpus_used)
COUNT(gpus_free)
COUNT(waiting)

#define RAW(name)                                                                        \
	GETTER(name)                                                                     \
	{                                                                                \
		(void)context;                                                           \
		uc_value_put_raw(out, sum_of(row)->partition->name);                     \
	}
RAW(allow_accounts)
RAW(allow_groups)
RAW(allow_qos)
RAW(deny_accounts)
RAW(deny_qos)
RAW(qos)
RAW(alternate)
RAW(billing)

GETTER(node_list)
{
	(void)context;
	uc_value_put_raw(out, sum_of(row)->partition->nodes);
}

GETTER(name)
{
	const struct uc_partition *p = sum_of(row)->partition;

	(void)context;
	uc_value_put_raw(out, p->name);
	if (p->flags & UC_PARTITION_DEFAULT && p->name.bytes)
		uc_buf_addf(&out->shown, "%s*", p->name.bytes);
}

GETTER(is_default)
{
	(void)context;
	uinfo_put(out, UC_VALUE_BOOL,
		  (sum_of(row)->partition->flags & UC_PARTITION_DEFAULT) != 0);
}

GETTER(hidden)
{
	(void)context;
	uinfo_put(out, UC_VALUE_BOOL,
		  (sum_of(row)->partition->flags & UC_PARTITION_HIDDEN) != 0);
}

GETTER(state)
{
	static const char *const words[] = { "inactive", "down", "drain", "up" };
	const uint32_t state = sum_of(row)->partition->state;

	(void)context;
	out->role = state == UC_PARTITION_UP ? UC_ROLE_GOOD : UC_ROLE_BAD;
	uc_value_put_raw(out, uc_raw(state <= UC_PARTITION_UP ? words[state] : "?"));
}

#define SECONDS(name)                                                                    \
	GETTER(name)                                                                     \
	{                                                                                \
		const int64_t seconds = sum_of(row)->partition->name;                    \
                                                                                         \
		(void)context;                                                           \
		if (seconds == UC_NOT_SET)                                               \
			return;                                                          \
		out->type = UC_VALUE_SECONDS;                                            \
		out->number = seconds;                                                   \
	}
SECONDS(time_limit)
SECONDS(default_time)

GETTER(mine)
{
	const struct sum *sum = sum_of(row);

	(void)context;
	uinfo_put(out, UC_VALUE_NUMBER, sum->mine);
	if (sum->mine)
		out->role = UC_ROLE_GOOD;
}

GETTER(access)
{
	const struct uc_capacity_row *first = sum_of(row)->first;

	(void)context;
	if (!first)
		return;
	/* limits and room pass; who may use it does not change */
	if (first->bar >= UC_BAR_STATE && first->bar <= UC_BAR_QOS) {
		uc_capacity_why(&out->scratch, first, 0);
		out->role = UC_ROLE_FAINT;
	} else {
		uc_buf_add(&out->scratch, "yes");
	}
	uinfo_put_scratch(out);
}

GETTER(memory)
{
	(void)context;
	uinfo_put(out, UC_VALUE_SIZE, sum_of(row)->memory);
}

GETTER(priority)
{
	(void)context;
	uinfo_put(out, UC_VALUE_NUMBER, sum_of(row)->partition->priority_tier);
}

#define NODES(name)                                                                      \
	GETTER(name)                                                                     \
	{                                                                                \
		const uint32_t number = sum_of(row)->partition->name;                    \
                                                                                         \
		(void)context;                                                           \
		if (number != UC_NONE32)                                                 \
			uinfo_put(out, UC_VALUE_NUMBER, number);                         \
	}
NODES(node_min)
NODES(node_max)
NODES(cpus_per_node_max)

#define SHOWN UC_COLUMN_DEFAULT
#define RIGHT UC_COLUMN_RIGHT
#define SPARE UC_COLUMN_SPARE
// clang-format off
static const struct uc_column columns[] = {
	{ "PARTITION", "partition", SHOWN, 0, "its name; * marks the default one", get_name },
	{ "STATE", "state", SHOWN, 0, "up, drain (takes no jobs), down (starts none), inactive", get_state },
	{ "TIMELIMIT", "time_limit", SHOWN | RIGHT, 0, "longest time limit", get_time_limit },
	{ "NODES", "nodes", SHOWN | RIGHT, 0, "nodes", get_nodes },
	{ "IDLE", "nodes_idle", SHOWN | RIGHT | SPARE, 0, "nodes without jobs that take some", get_nodes_idle },
	{ "OUT", "nodes_out", SHOWN | RIGHT | SPARE, 0, "nodes that take no jobs", get_nodes_out },
	{ "GPUS", "gpus", SHOWN | RIGHT | UC_COLUMN_ANY, 0, "GPUs", get_gpus },
	{ "FREE", "gpus_free", SHOWN | RIGHT | UC_COLUMN_ANY, 0, "GPUs that nobody uses, on nodes that take jobs",
	  get_gpus_free },
	{ "YOURS", "gpus_mine", SHOWN | RIGHT | UC_COLUMN_ANY, 0, "of these, what you may use now", get_mine },
	{ "CPUS", "cpus", SHOWN | RIGHT, 0, "CPUs", get_cpus },
	{ "CPUSFREE", "cpus_free", SHOWN | RIGHT, 0, "CPUs that nobody uses, on nodes that take jobs",
	  get_cpus_free },
	{ "WAITING", "pending", SHOWN | RIGHT | SPARE, 0, "jobs and tasks that wait in it", get_waiting },
	{ "ACCESS", "access", SHOWN | UC_COLUMN_CUT, 6, "whether you may use it, or why not", get_access },
	{ "DEFAULTTIME", "default_time", RIGHT, 0, "time limit of a job that asks for none", get_default_time },
	{ "GPUSUSED", "gpus_used", RIGHT, 0, "GPUs in use", get_gpus_used },
	{ "CPUSUSED", "cpus_used", RIGHT, 0, "CPUs in use", get_cpus_used },
	{ "MEMORY", "memory", RIGHT, 0, "memory of all its nodes", get_memory },
	{ "DEFAULT", "default", 0, 0, "whether jobs go there that name none", get_is_default },
	{ "HIDDEN", "hidden", 0, 0, "whether it is hidden", get_hidden },
	{ "PRIORITY", "priority", RIGHT, 0, "of a higher one jobs start first", get_priority },
	{ "MINNODES", "node_min", RIGHT, 0, "least nodes of a job", get_node_min },
	{ "MAXNODES", "node_max", RIGHT, 0, "most nodes of a job", get_node_max },
	{ "MAXCPUS", "cpus_per_node_max", RIGHT, 0, "most CPUs of all jobs on a node", get_cpus_per_node_max },
	{ "ACCOUNTS", "allow_accounts", 0, 0, "only these accounts", get_allow_accounts },
	{ "GROUPS", "allow_groups", 0, 0, "only these groups", get_allow_groups },
	{ "QOSES", "allow_qos", 0, 0, "only these QOSes", get_allow_qos },
	{ "NOACCOUNTS", "deny_accounts", 0, 0, "not these accounts", get_deny_accounts },
	{ "NOQOSES", "deny_qos", 0, 0, "not these QOSes", get_deny_qos },
	{ "QOS", "qos", 0, 0, "QOS whose limits hold for all of it", get_qos },
	{ "ALTERNATE", "alternate", 0, 0, "partition that takes its jobs while it is down", get_alternate },
	{ "BILLING", "billing", 0, 0, "weights of what is charged", get_billing },
	{ "NODELIST", "node_list", 0, 0, "its nodes", get_node_list },
	{ 0 }
};
// clang-format on

static void add_node(struct sum *sum, const struct uc_node *node)
{
	const bool usable = uc_node_is_usable(node->state);
	const uint64_t gpus = node->gpus == UC_NONE32 ? 0 : node->gpus;
	const uint64_t used = node->gpus_used == UC_NONE32 ? 0 : node->gpus_used;

	sum->nodes++;
	sum->nodes_idle += usable && !node->cpus_used;
	sum->nodes_out += !usable;
	sum->cpus += node->cpus_usable;
	sum->cpus_used += node->cpus_used;
	sum->gpus += gpus;
	sum->gpus_used += used;
	sum->memory += node->memory;
	if (usable && node->cpus_usable > node->cpus_used)
		sum->cpus_free += node->cpus_usable - node->cpus_used;
	if (usable && gpus > used)
		sum->gpus_free += gpus - used;
}

static bool is_word(const char *at, size_t len, struct uc_raw name)
{
	return name.bytes && strncmp(name.bytes, at, len) == 0 && !name.bytes[len];
}

static void add_nodes(struct sum *sums, size_t count, const struct uc_nodes *nodes)
{
	for (size_t n = 0; n < nodes->count; n++) {
		const char *at = nodes->row[n].partitions.bytes;

		while (at && *at) {
			size_t len = strcspn(at, ",");

			for (size_t i = 0; i < count; i++)
				if (is_word(at, len, sums[i].partition->name))
					add_node(&sums[i], &nodes->row[n]);
			at += len + (at[len] == ',');
		}
	}
}

static void add_rows(struct sum *sums, size_t count, const struct uc_capacity *all)
{
	for (size_t r = 0; r < all->count; r++)
		for (size_t i = 0; i < count; i++) {
			if (all->row[r].partition != sums[i].partition)
				continue;
			if (!sums[i].first)
				sums[i].first = &all->row[r];
			sums[i].mine += all->row[r].gpus.mine;
		}
}

static bool waits_in(const struct uc_job *job, struct uc_raw partition)
{
	const char *at = job->partition.bytes;

	while (at && *at) {
		size_t len = strcspn(at, ",");

		if (is_word(at, len, partition))
			return true;
		at += len + (at[len] == ',');
	}
	return false;
}

static void add_jobs(struct sum *sums, size_t count, const struct uc_jobs *jobs)
{
	for (size_t j = 0; j < jobs->count; j++) {
		const struct uc_job *job = &jobs->row[j];
		uint32_t tasks = 1;

		if (!uc_job_waits(job))
			continue;
		if (!uc_raw_empty(job->array_tasks))
			tasks = uc_array_count(job->array_tasks.bytes);
		for (size_t i = 0; i < count; i++)
			if (waits_in(job, sums[i].partition->name))
				sums[i].waiting += tasks == UC_NONE32 ? 1 : tasks;
	}
}

static size_t choose(struct sum *sums, const struct uc_partitions *partitions,
		     const struct partitions_args *args)
{
	size_t count = 0;

	for (size_t i = 0; i < partitions->count; i++) {
		const struct uc_partition *p = &partitions->row[i];

		if (p->flags & UC_PARTITION_HIDDEN && !args->all &&
		    !args->filter.partitions.count)
			continue;
		if (uinfo_filter_partition(&args->filter, p->name))
			sums[count++].partition = p;
	}
	return count;
}

static int list(struct uc_run *run, const struct partitions_args *args,
		const struct uc_selection *shown)
{
	uc_auto(source) struct uc_source *source = NULL;
	uc_auto(world) struct uc_world world = { 0 };
	uc_auto(capacity) struct uc_capacity *all = NULL;
	struct uc_error err = { 0 };
	struct sum *sums;
	size_t count;
	int status;

	if (uc_run_config(run, NULL) < 0 || uc_run_source(run, 0, &source) < 0)
		return run->status;
	if (uc_world_load(&world, run, source,
			  UINFO_JOBS | UINFO_RESERVATIONS | UINFO_LIMITS, &err) < 0 ||
	    uinfo_filter_check(&args->filter, world.partitions, &err) < 0 ||
	    uc_capacity_make(&world.facts, &all, &err) < 0)
		return uc_run_error(run, &err);
	sums = calloc(world.partitions->count + 1, sizeof(*sums));
	if (!sums) {
		uc_fail(&err, UC_FAILED, "out of memory");
		return uc_run_error(run, &err);
	}
	count = choose(sums, world.partitions, args);
	add_nodes(sums, count, world.nodes);
	add_rows(sums, count, all);
	add_jobs(sums, count, world.jobs);
	status = uc_table_print(run,
				&(struct uc_table){ .name = "partitions",
						    .rows = sums,
						    .count = count,
						    .row_size = sizeof(*sums),
						    .now = world.facts.now },
				shown, &args->listing);
	free(sums);
	return status;
}

static int run_partitions(struct uc_run *run, const struct uc_cmd *cmd, int argc,
			  char **argv)
{
	struct partitions_args args = { 0 };
	struct uc_selection shown;
	int status;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args) ||
	    uc_listing_select(run, columns, &args.listing, &shown) < 0)
		status = run->status;
	else
		status = list(run, &args, &shown);
	uinfo_filter_free(&args.filter);
	return status;
}

const struct uc_cmd uinfo_cmd_partitions = {
	.name = "uinfo partitions",
	.summary = "list partitions: limits, what is free, who may use them",
	.options = options,
	.columns = columns,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.doc = "List partitions: their limits, what they have and what of it is free, and "
	       "whether\nyou may use them.",
	.fn = run_partitions,
};
