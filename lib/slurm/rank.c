/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Rank of a pending job, and the running jobs whose end makes room for it. */
#include <string.h>
#include <ucluster/gres.h>
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "slurm/rank_hosts.h"

static bool is_pending(const struct uc_job *job)
{
	return job->state == UC_JOB_PENDING;
}

/*
 * It would start if there were room: priority 0 is held; a job whose condition or begin
 * time is not met is not looked at by the scheduler, whatever its priority. The reason
 * may be stale, eligible_time is not.
 */
static bool competes(const struct uc_job *job, int64_t now)
{
	static const uint32_t aside[] = {
		2,  /* Dependency */
		8,  /* JobHeldAdmin */
		9,  /* BeginTime */
		16, /* JobHeldUser */
		39, /* DependencyNeverSatisfied */
		71, /* JobHoldMaxRequeue */
	};

	if (job->priority == 0 || (now > 0 && job->eligible_time > now))
		return false;
	for (size_t i = 0; i < sizeof(aside) / sizeof(aside[0]); i++)
		if (job->reason == aside[i])
			return false;
	return true;
}

/* As slurmctld sorts the queue of a partition. */
static bool goes_first(const struct uc_job *a, const struct uc_job *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	if (a->submit_time != b->submit_time)
		return a->submit_time < b->submit_time;
	return a->job_id < b->job_id;
}

static bool same_job(const struct uc_job *a, const struct uc_job *b)
{
	return a->job_id == b->job_id ||
	       (a->het_job_id && a->het_job_id == b->het_job_id);
}

static bool is_limited(const struct uc_job *job)
{
	enum uc_reason_cause cause = uc_reason_cause(job->reason);

	return cause == UC_CAUSE_USER || cause == UC_CAUSE_GROUP ||
	       job->reason == 72 /* JobArrayTaskLimit */ ||
	       uc_reason_never_starts(job->reason);
}

static void count_ahead(const struct uc_job *job, struct uc_rank *rank)
{
	uint32_t tasks = uc_raw_empty(job->array_tasks)
				 ? 1
				 : uc_array_count(job->array_tasks.bytes);

	if (tasks == UC_NONE32)
		tasks = 1;
	rank->ahead++;
	rank->limited += is_limited(job);
	rank->tasks += tasks;
	if (job->gpus != UC_NONE32)
		rank->gpus += (uint64_t)job->gpus * tasks;
}

bool uc_job_rank(const struct uc_jobs *jobs, const struct uc_job *job,
		 struct uc_rank *rank)
{
	memset(rank, 0, sizeof(*rank));
	if (!is_pending(job))
		return false;
	rank->counts = competes(job, jobs->now);
	for (size_t i = 0; i < jobs->count; i++) {
		const struct uc_job *other = &jobs->row[i];

		/* a heterogeneous job counts by its first component */
		if (!is_pending(other) || (other->het_job_id && other->het_offset > 0) ||
		    same_job(other, job) || !competes(other, jobs->now) ||
		    !uc_words_share(other->partition.bytes, job->partition.bytes))
			continue;
		if (goes_first(other, job))
			count_ahead(other, rank);
		else
			rank->behind++;
	}
	return true;
}

/* What a release must offer. */
struct wish {
	const struct uc_job *job;
	const struct uc_nodes *nodes; /* or NULL */
	struct uc_gpus gpus;
};

/* Of "a100:8", one of the types asked for; any when none is. */
static bool has_type(const struct wish *wish, struct uc_raw types)
{
	struct uc_gres_walk walk = { .rest = types.bytes };
	struct uc_gres item;

	if (!wish->gpus.type_count || uc_raw_empty(types))
		return true;
	while (uc_gres_next(&walk, &item)) {
		for (size_t i = 0; i < wish->gpus.type_count; i++)
			if (wish->gpus.type[i].name.len == item.name.len &&
			    memcmp(wish->gpus.type[i].name.at, item.name.at,
				   item.name.len) == 0)
				return true;
	}
	return false;
}

static bool could_use(const struct wish *wish, const struct uc_node *node)
{
	const struct uc_job *job = wish->job;

	return node->gpus > 0 && uc_node_is_usable(node->state) &&
	       uc_words_share(node->partitions.bytes, job->partition.bytes) &&
	       has_type(wish, node->gpu_types) &&
	       (uc_raw_empty(job->required_nodes) ||
		uc_hosts_has(job->required_nodes.bytes, node->name.bytes)) &&
	       (uc_raw_empty(job->excluded_nodes) ||
		!uc_hosts_has(job->excluded_nodes.bytes, node->name.bytes));
}

static bool helps(const struct wish *wish, const struct uc_job *running)
{
	const struct uc_nodes *nodes = wish->nodes;

	if (!has_type(wish, running->gpu_types))
		return false;
	if (!nodes)
		return uc_words_share(running->partition.bytes,
				      wish->job->partition.bytes);
	for (size_t i = 0; i < nodes->count; i++)
		if (could_use(wish, &nodes->row[i]) &&
		    uc_hosts_has(running->nodes.bytes, nodes->row[i].name.bytes))
			return true;
	return false;
}

/* Jobs without a time limit come last. */
static bool ends_before(int64_t a, int64_t b)
{
	return a && (!b || a < b);
}

size_t uc_job_releases(const struct uc_jobs *jobs, const struct uc_nodes *nodes,
		       const struct uc_job *job, struct uc_release *out, size_t max)
{
	struct wish wish = { .job = job, .nodes = nodes };
	size_t count = 0;

	uc_job_gpus(job, &wish.gpus);
	for (size_t i = 0; i < jobs->count && max; i++) {
		const struct uc_job *other = &jobs->row[i];
		int64_t at =
			other->time_limit == UC_DURATION_INFINITE ? 0 : other->end_time;
		size_t place = count;

		if ((other->state & UC_JOB_BASE) != UC_JOB_RUNNING || !other->gpus ||
		    other->gpus == UC_NONE32)
			continue;
		while (place > 0 && ends_before(at, out[place - 1].at))
			place--;
		/* the costly question only for those that would be listed */
		if (place == max || !helps(&wish, other))
			continue;
		count += count < max;
		memmove(&out[place + 1], &out[place], (count - 1 - place) * sizeof(*out));
		out[place] = (struct uc_release){ other, at, other->gpus };
	}
	return count;
}
