/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Questions to the cluster, each asked once, and who asks them. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/source.h>
#include <ucluster/state.h>
#include "uinfo/cluster.h"

enum {
	BAR = 8, /* cells */
};

void uc_world_free(struct uc_world *world)
{
	uc_nodes_free(world->nodes);
	uc_partitions_free(world->partitions);
	uc_jobs_free(world->jobs);
	uc_reservations_free(world->reservations);
	uc_limits_free(world->limits);
	uc_self_free(&world->self);
}

static int load_jobs(struct uc_world *world, struct uc_source *source, unsigned wants,
		     struct uc_error *err)
{
	const uint32_t me = getuid();
	const bool all = wants & UINFO_JOBS;
	const bool detail = !all || wants & UINFO_DETAIL;
	/* the fewer fields the sooner a long queue is here */
	const struct uc_job_query query = {
		.user_ids = all ? NULL : &me,
		.user_count = all ? 0 : 1,
		.detail = detail,
		.fields = detail ? "job_id,user_id,user,name,state,partition,gpus,"
				   "gpu_types,cpus,array_tasks,start_time,end_time,"
				   "time_limit,nodes,sched_nodes,gres_detail"
				 : "job_id,user_id,state,partition,gpus,gpu_types,cpus,"
				   "array_tasks,start_time,end_time,sched_nodes",
		.states = 1u << UC_JOB_PENDING | 1u << UC_JOB_RUNNING |
			  1u << UC_JOB_SUSPENDED,
		.state_flags = UC_JOB_COMPLETING,
	};

	if (!(wants & (UINFO_JOBS | UINFO_MY_JOBS)))
		return 0;
	return uc_jobs_load(source, &query, &world->jobs, err);
}

/* What accounting allows only makes the answer fuller; a slurmctld that is gone is said.
 */
int uc_world_limits(struct uc_world *world, struct uc_run *run, struct uc_source *source,
		    struct uc_error *err)
{
	const char *conf = uc_config_string(run->config, "slurm.conf");

	if (uc_limits_load(source, getuid(), &world->limits, err) < 0) {
		if (err->code == UC_UNREACHABLE)
			return -1;
		uc_run_say(run, 1, "limits are not known: %s", err->text);
		return 0;
	}
	/* where slurm.conf is not to be read they are taken at their word */
	if (!uc_limits_enforced(conf && *conf ? conf : NULL, &world->facts.enforced))
		world->facts.enforced =
			UC_ENFORCED_ACCOUNTS | UC_ENFORCED_LIMITS | UC_ENFORCED_QOS;
	return 0;
}

int uc_world_load(struct uc_world *world, struct uc_run *run, struct uc_source *source,
		  unsigned wants, struct uc_error *err)
{
	struct uc_capacity_facts *facts = &world->facts;

	world->from_slurm = uc_source_is_live(source);
	/* nodes after partitions: the worker then asks for them alone */
	if (uc_partitions_load(source, &world->partitions, err) < 0 ||
	    uc_nodes_load(source, &world->nodes, err) < 0 ||
	    load_jobs(world, source, wants, err) < 0)
		return -1;
	if (wants & UINFO_RESERVATIONS &&
	    uc_reservations_load(source, &world->reservations, err) < 0)
		return -1;
	if (wants & UINFO_LIMITS && uc_world_limits(world, run, source, err) < 0)
		return -1;
	facts->nodes = world->nodes;
	facts->partitions = world->partitions;
	facts->jobs = world->jobs;
	facts->reservations = world->reservations;
	facts->limits = world->limits;
	facts->now = uc_source_now(source);
	return uc_self_find(&world->self, world->from_slurm, facts, err);
}

void uinfo_filter_free(struct uinfo_filter *filter)
{
	uc_strv_free(&filter->partitions);
	uc_strv_free(&filter->nodes);
	uc_strv_free(&filter->states);
}

int uinfo_filter_check_states(const struct uinfo_filter *filter, struct uc_error *err)
{
	for (size_t i = 0; i < filter->states.count; i++)
		if (uc_node_state_is(0, filter->states.item[i]) < 0)
			return uc_fail(err, UC_USAGE,
				       "option '--states': '%s' is no state of a node: "
				       "expected some of idle, mix, alloc, drain, down, "
				       "maint, resv, comp, usable, all",
				       filter->states.item[i]);
	return 0;
}

int uinfo_filter_check(const struct uinfo_filter *filter,
		       const struct uc_partitions *partitions, struct uc_error *err)
{
	for (size_t i = 0; i < filter->partitions.count; i++) {
		const char *name = filter->partitions.item[i];
		size_t p = 0;

		while (p < partitions->count &&
		       (!partitions->row[p].name.bytes ||
			strcmp(partitions->row[p].name.bytes, name) != 0))
			p++;
		if (p == partitions->count)
			return uc_fail(err, UC_NOTFOUND, "no partition '%s'", name);
	}
	return 0;
}

bool uinfo_filter_partition(const struct uinfo_filter *filter, struct uc_raw names)
{
	const char *at = names.bytes;

	if (!filter->partitions.count)
		return true;
	while (at && *at) {
		size_t len = strcspn(at, ",");

		for (size_t i = 0; i < filter->partitions.count; i++)
			if (strlen(filter->partitions.item[i]) == len &&
			    strncmp(filter->partitions.item[i], at, len) == 0)
				return true;
		at += len + (at[len] == ',');
	}
	return false;
}

static bool match_name(const struct uinfo_filter *filter, const struct uc_node *node)
{
	for (size_t i = 0; i < filter->nodes.count; i++)
		if (node->name.bytes &&
		    uc_hosts_has(filter->nodes.item[i], node->name.bytes))
			return true;
	return !filter->nodes.count;
}

static bool match_state(const struct uinfo_filter *filter, const struct uc_node *node)
{
	for (size_t i = 0; i < filter->states.count; i++)
		if (uc_node_state_is(node->state, filter->states.item[i]) > 0)
			return true;
	return !filter->states.count;
}

bool uinfo_filter_node(const struct uinfo_filter *filter, const struct uc_node *node)
{
	return match_state(filter, node) &&
	       uinfo_filter_partition(filter, node->partitions) &&
	       match_name(filter, node);
}

enum uc_role uinfo_state_role(uint32_t state)
{
	const uint32_t base = state & UC_NODE_BASE;

	if (!uc_node_is_usable(state))
		return UC_ROLE_BAD;
	if (state & UC_NODE_RESERVED)
		return UC_ROLE_FAINT;
	return base == UC_NODE_IDLE    ? UC_ROLE_GOOD
	       : base == UC_NODE_MIXED ? UC_ROLE_WAIT
				       : UC_ROLE_PLAIN;
}

void uinfo_add_bar(struct uc_buf *out, uint64_t part, uint64_t whole, bool ascii)
{
	uint64_t cells = whole ? (uint64_t)((double)part * BAR / (double)whole + 0.5) : 0;

	for (uint64_t i = 0; i < BAR; i++)
		uc_buf_add(out, ascii       ? i < cells ? "#" : "."
				: i < cells ? "\xe2\x96\x87"
					    : "\xe2\x96\x81");
}
