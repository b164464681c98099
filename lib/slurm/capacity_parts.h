/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_CAPACITY_PARTS_H
#define UC_SLURM_CAPACITY_PARTS_H
/* What capacity.c and gpu_map.c are made of. */
#include <ucluster/capacity.h>
#include <ucluster/gres.h>
#include "base/arena.h"
#include "slurm/node_index.h"

/* What keeps jobs from a node, now or at some time to come. */
struct uc_horizon {
	int64_t until; /* a job that begins now must end by then; INT64_MAX = never */
	const struct uc_reservation *next;   /* that begins then, or */
	const struct uc_job *job;            /* that is planned for then */
	const struct uc_reservation *barred; /* on now, for others */
	const struct uc_reservation *own;    /* on now, for `who` */
};
/* One a node, in the arena; NULL when it is out of memory. */
struct uc_horizon *uc_horizons(const struct uc_capacity_facts *facts,
			       const struct uc_node_index *index, struct uc_arena *arena);

/* What the limits leave to the user in a partition. */
struct uc_grant {
	enum uc_capacity_bar bar;
	uint64_t gpus, cpus; /* UINT64_MAX = no limit */
	int64_t wall;        /* UC_NOT_SET = no limit */
	bool any_time;       /* the partition's time limit does not count */
	const struct uc_limit *by, *wall_by;
	const struct uc_limit *association, *qos;
	bool usual;
};
/* The best of all accounts and QOSes for this type (NULL: CPUs); the usual if as good. */
void uc_capacity_grant(const struct uc_capacity_facts *facts,
		       const struct uc_partition *partition, const char *type,
		       struct uc_grant *out);

/* GPUs of a node by type: "gpu" for those without. */
struct uc_node_gpus {
	struct {
		struct uc_span type;
		uint64_t total, used;
	} item[UC_GPU_TYPES + 1];
	size_t count;
};
void uc_node_gpus(const struct uc_node *node, struct uc_node_gpus *out);

#endif
