/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What sbatch computes from several options, in its order. */
#include <stdlib.h>
#include <string.h>
#include "slurm/backend_options.h"

/* How many different nodes are named. */
static uint32_t count_nodes(const char *names)
{
	/* its type changed twice */
	__typeof__(slurm_hostlist_create(names)) list = slurm_hostlist_create(names);
	int count;

	if (!list)
		return 0;
	slurm_hostlist_uniq(list);
	count = slurm_hostlist_count(list);
	slurm_hostlist_destroy(list);
	return count > 0 ? (uint32_t)count : 0;
}

/* The first of them only. */
static char *first_nodes(struct backend_draft *draft, const char *names, uint32_t most)
{
	__typeof__(slurm_hostlist_create(names)) list = slurm_hostlist_create(names);
	char *kept = NULL;

	if (!list)
		return NULL;
	slurm_hostlist_uniq(list);
	for (; most > 0; most--) {
		char *name = slurm_hostlist_shift(list);

		if (!name)
			break;
		kept = kept ? uc_arena_printf(draft->arena, "%s,%s", kept, name)
			    : uc_arena_strdup(draft->arena, name);
		free(name);
	}
	slurm_hostlist_destroy(list);
	return kept;
}

/* What sbatch keeps besides the description. */
struct counts {
	uint32_t tasks, nodes, most; /* most 0: no limit is given */
	uint32_t named;              /* nodes in --nodelist */
};

static void implied_tasks(struct backend_draft *draft, struct counts *n)
{
	job_desc_msg_t *desc = &draft->desc;
	const uint16_t levels[] = { desc->sockets_per_node, desc->cores_per_socket,
				    desc->threads_per_core };

	n->tasks = n->nodes ? n->nodes : 1; /* one a node */
	for (size_t i = 0; i < 3; i++) {
		if (levels[i] == NO_VAL16)
			continue;
		n->tasks *= levels[i];
		draft->tasks_set = true;
	}
}

/* No node is taken without a task. */
static void fewer_nodes(struct backend_draft *draft, struct counts *n)
{
	if (n->most > n->tasks)
		n->most = n->tasks;
	if (n->tasks >= n->nodes)
		return;
	n->nodes = n->most = n->tasks;
	if (n->named > n->nodes)
		draft->desc.req_nodes =
			first_nodes(draft, draft->desc.req_nodes, n->nodes);
}

static int count_named(struct backend_draft *draft, struct counts *n,
		       struct uc_error *err)
{
	if (!draft->desc.req_nodes)
		return 0;
	n->named = count_nodes(draft->desc.req_nodes);
	if (n->most && n->named > n->most)
		return uc_fail(err, UC_USAGE,
			       "--nodes: at most %u are asked for, and %u are named",
			       n->most, n->named);
	if (!draft->nodes_set || n->named > n->nodes)
		n->nodes = n->named;
	draft->nodes_set = true;
	return 0;
}

/* GPUs in a list as "gres:gpu:a100:2,gres:gpu:1" */
static uint32_t count_gpus(const char *list)
{
	uint32_t count = 0;

	for (; list && (list = strstr(list, "gpu")); list += 3) {
		size_t len = strcspn(list, ",");
		const char *mark = memrchr(list, ':', len);

		count += mark ? (uint32_t)strtoul(mark + 1, NULL, 10) : 1;
		list += len > 3 ? len - 3 : 0;
	}
	return count;
}

/* --ntasks-per-gpu: tasks follow from GPUs, which slurmctld would find too late. */
static void tasks_of_gpus(struct backend_draft *draft, const struct counts *n)
{
	job_desc_msg_t *desc = &draft->desc;
	uint32_t gpus = count_gpus(desc->tres_per_job);

	if (!gpus)
		gpus = count_gpus(desc->tres_per_node) *
		       (draft->nodes_set ? n->nodes : 1);
	if (desc->ntasks_per_tres != NO_VAL16 && gpus)
		desc->num_tasks = gpus * desc->ntasks_per_tres;
}

static void put_counts(struct backend_draft *draft, const struct counts *n)
{
	job_desc_msg_t *desc = &draft->desc;
	const uint32_t cpus = draft->cpus_set ? desc->cpus_per_task : 1;

	if (draft->tasks_set) {
		desc->num_tasks = n->tasks;
		desc->bitflags |= JOB_NTASKS_SET;
		backend_put_number(&draft->variables, "SLURM_NPROCS", n->tasks);
		backend_put_number(&draft->variables, "SLURM_NTASKS", n->tasks);
	}
	if (draft->nodes_set) {
		desc->min_nodes = n->nodes;
		desc->max_nodes = n->most ? n->most : NO_VAL;
	}
	if (draft->cpus_set) {
		desc->bitflags |= JOB_CPUS_SET;
		if (desc->pn_min_cpus == NO_VAL16 ||
		    desc->pn_min_cpus < desc->cpus_per_task)
			desc->pn_min_cpus = desc->cpus_per_task;
	}
	/* without it old releases give the CPUs of one task only */
	desc->min_cpus = desc->overcommit == 1 ? n->nodes : n->tasks * cpus;
}

int backend_options_finish(struct backend_draft *draft, struct uc_error *err)
{
	job_desc_msg_t *desc = &draft->desc;
	const bool arbitrary =
		desc->task_dist != NO_VAL &&
		(desc->task_dist & SLURM_DIST_STATE_BASE) == SLURM_DIST_ARBITRARY;
	struct counts n = { .tasks = draft->tasks_set ? desc->num_tasks : 1,
			    .nodes = draft->nodes_set ? desc->min_nodes : 1,
			    .most = draft->nodes_set ? desc->max_nodes : 0 };

	if (arbitrary && !desc->req_nodes)
		return uc_fail(err, UC_USAGE,
			       "--distribution=arbitrary needs --nodelist or --nodefile");
	backend_apply_hint(draft);
	if (count_named(draft, &n, err) < 0)
		return -1;
	if (!draft->tasks_set && desc->ntasks_per_node != NO_VAL16 &&
	    (!n.most || n.most == n.nodes)) {
		n.tasks = n.nodes * desc->ntasks_per_node;
		draft->tasks_set = true;
	}
	if ((draft->nodes_set || draft->node_levels) && !draft->tasks_set &&
	    (!n.most || n.most == n.nodes))
		implied_tasks(draft, &n);
	else if (draft->nodes_set && draft->tasks_set)
		fewer_nodes(draft, &n);
	if (arbitrary) {
		n.tasks = draft->tasks_set ? n.tasks : n.named;
		draft->tasks_set = true;
		backend_put(&draft->variables, "SLURM_ARBITRARY_NODELIST",
			    desc->req_nodes);
	}
	put_counts(draft, &n);
	tasks_of_gpus(draft, &n);
	if (draft->held)
		desc->priority = 0; /* whatever --priority says */
	return 0;
}
