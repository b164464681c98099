/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Most jobs ask for little, and for one thing: a GPU, some memory, some CPUs. Some node
 * has at least the average of its partition, so the partition's totals tell that the job
 * fits, and the list of all nodes, slurmctld's longest answer, is not asked for.
 */
#include <string.h>
#include "job/check.h"
#include "job/spec.h"

static bool is_small(const struct uc_ask *ask)
{
	/* one task, on one node as far as the job minds */
	return uc_ask_nodes(ask) == 1 && uc_ask_tasks(ask) == 1 && !ask->tasks_open &&
	       ask->cpus_min <= 1 && !ask->cpus_per_gpu && !ask->memory_per_gpu &&
	       !ask->memory_per_cpu;
}

/* The one list of GPUs, of one type; NULL when there are more. */
static const struct uc_ask_gpus *only_gpus(const struct uc_ask *ask, bool *none)
{
	const struct uc_ask_gpu_list *lists[] = { &ask->job, &ask->node, &ask->task };
	const struct uc_ask_gpus *only = NULL;
	size_t count = 0;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		count += lists[i]->count;
		if (lists[i]->count)
			only = &lists[i]->item[0];
	}
	*none = count == 0;
	return count == 1 ? only : NULL;
}

/* Does the average node have so many? */
static bool has_average(const struct uc_partition *p, const char *name, const char *type,
			uint64_t wanted)
{
	uint64_t total;

	return p->total_nodes && wanted <= UINT64_MAX / p->total_nodes &&
	       uc_tres_get(p->tres.bytes, name, type, &total) &&
	       wanted * p->total_nodes <= total;
}

static bool is_enough(const struct uc_check_facts *facts, const struct uc_ask *ask,
		      const struct uc_partition *p)
{
	bool no_gpus;
	const struct uc_ask_gpus *gpus = only_gpus(ask, &no_gpus);
	const bool many_cpus = ask->cpus_per_task > 1;

	/* the partition may add more of something else */
	if (!uc_raw_empty(p->job_defaults) ||
	    (many_cpus && p->memory_default && facts->memory) ||
	    (many_cpus && ask->cpus_per_task > p->cpus_per_node_max) ||
	    (ask->memory && p->memory_max && ask->memory > p->memory_max))
		return false;
	if (!no_gpus)
		return gpus && !many_cpus && !ask->memory &&
		       has_average(p, "gpu", gpus->type, gpus->count);
	if (ask->memory)
		return !many_cpus && has_average(p, "mem", "", ask->memory);
	return has_average(p, "cpu", "", many_cpus ? ask->cpus_per_task : 1);
}

static bool is_wanted(const struct uc_ask *ask, const struct uc_partition *p)
{
	if (ask->partitions)
		return uc_check_has_word(ask->partitions, p->name.bytes);
	return p->flags & UC_PARTITION_DEFAULT;
}

bool uc_check_is_settled(const struct uc_spec *spec, const struct uc_check_facts *facts)
{
	const struct uc_partitions *all = facts->partitions;
	struct uc_ask ask;
	size_t found = 0;

	if (!uc_ask_read(&ask, spec, facts->environment) || !is_small(&ask))
		return false;
	for (size_t i = 0; i < all->count; i++) {
		if (!all->row[i].name.bytes || !is_wanted(&ask, &all->row[i]))
			continue;
		if (!is_enough(facts, &ask, &all->row[i]))
			return false;
		found++;
	}
	return found > 0;
}
