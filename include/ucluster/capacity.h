/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_CAPACITY_H
#define UCLUSTER_CAPACITY_H
/*
 * What a cluster has, what of it is free, and what of that somebody may use, counted from
 * one set of snapshots; and who holds each GPU.
 *
 *	struct uc_capacity_facts facts = { .nodes = nodes, .partitions = partitions,
 *					   .jobs = jobs, .who = { .user_id = me } };
 *	uc_auto(capacity) struct uc_capacity *all = NULL;
 *	if (uc_capacity_make(&facts, &all, &err) < 0)
 *		...
 *	for (size_t i = 0; i < all->count; i++)
 *		show(&all->row[i]);
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/job.h>
#include <ucluster/limits.h>
#include <ucluster/node.h>
#include <ucluster/reservation.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What it is counted from; what is NULL is not known and stands in nobody's way. */
struct uc_capacity_facts {
	const struct uc_nodes *nodes;           /* needed */
	const struct uc_partitions *partitions; /* needed */
	const struct uc_jobs *jobs;             /* everybody's, for demand and plans */
	const struct uc_reservations *reservations;
	const struct uc_limits *limits; /* of `who` */
	unsigned enforced;              /* of enum uc_limits_enforced */
	struct uc_identity who;         /* accounts are taken from the limits */
	int64_t now;
};

/* total = used + out + free; reserved and mine are parts of free. */
struct uc_capacity_sum {
	uint64_t total;
	uint64_t used;
	uint64_t out;      /* unused, on nodes that take no jobs */
	uint64_t free;     /* unused, on nodes that do */
	uint64_t reserved; /* free, but reserved for others */
	uint64_t mine;     /* free, and `who` may use them now */
};

/* Why `mine` is less than `free`: the first of these that holds. */
enum uc_capacity_bar {
	UC_BAR_NONE,
	UC_BAR_STATE,       /* the partition is down, draining or inactive */
	UC_BAR_ROOT,        /* only root may use it */
	UC_BAR_GROUPS,      /* AllowGroups */
	UC_BAR_ASSOCIATION, /* no account at all */
	UC_BAR_ACCOUNTS,    /* AllowAccounts, DenyAccounts */
	UC_BAR_QOS,         /* AllowQos, DenyQos */
	UC_BAR_RESERVATION, /* the partition wants one, or all is reserved */
	UC_BAR_LIMIT,       /* a QOS or association allows no more: see limit */
	UC_BAR_CPUS,        /* no CPU is left beside free GPUs, or nodes are not shared */
};
/* What ends a job that would start at once. */
enum uc_capacity_basis {
	UC_BASIS_NONE,        /* nothing would start */
	UC_BASIS_PARTITION,   /* the partition's time limit */
	UC_BASIS_LIMIT,       /* that of a QOS or association: see limit */
	UC_BASIS_RESERVATION, /* the next reservation: see reservation */
	UC_BASIS_PLANNED,     /* the nodes are planned for a job that waits: see job */
};

/* A partition and a model of GPU, or the nodes of a partition without GPUs. */
struct uc_capacity_row {
	const struct uc_partition *partition;
	struct uc_raw type; /* "a100"; "gpu" where no type is told; unset: no GPUs */
	uint32_t nodes, nodes_idle, nodes_out;
	struct uc_capacity_sum gpus, cpus;
	uint64_t used_mine; /* GPUs (CPUs without type) that jobs of `who` hold */
	uint64_t most;      /* of `mine` on one node */
	enum uc_capacity_bar bar;

	int64_t time; /* longest time limit that would start at once; 0: none would */
	enum uc_capacity_basis basis;
	const struct uc_reservation *reservation; /* of bar and basis */
	const struct uc_job *job;                 /* of basis */
	const struct uc_limit *limit;             /* of bar, else of basis */
	const struct uc_reservation *own; /* of `who`, that some of `mine` is in */
	/* which of the user's accounts and QOSes gets `mine`; NULL: no accounting */
	const struct uc_limit *association, *qos;
	bool usual; /* the ones that a job gets without --account and --qos */

	/* jobs (array tasks counted) that wait and could run here, and what they ask for;
	 * those that do not care for a type count for each */
	uint64_t pending_jobs, pending_gpus, pending_cpus;
};

/* Borrows from the facts. */
struct uc_capacity {
	size_t count;
	struct uc_capacity_row *row; /* in the order of partitions */
	struct uc_arena *arena;
};
int uc_capacity_make(const struct uc_capacity_facts *facts, struct uc_capacity **out,
		     struct uc_error *err) UC_MUST_CHECK;
void uc_capacity_free(struct uc_capacity *capacity);
UC_DEFINE_AUTO(capacity, struct uc_capacity *)

/* Why there is not more, and what `time` is by: words that fit a line, or none. */
void uc_capacity_why(struct uc_buf *buf, const struct uc_capacity_row *row,
		     unsigned safe);
void uc_capacity_by(struct uc_buf *buf, const struct uc_capacity_row *row, int64_t now,
		    unsigned safe);

enum uc_gpu_holder {
	UC_GPU_FREE,
	UC_GPU_MINE,
	UC_GPU_OTHER,    /* job NULL: whose is not known */
	UC_GPU_RESERVED, /* free, reserved for others */
	UC_GPU_OUT,      /* unused, on a node that takes no jobs */
};
struct uc_gpu_slot {
	enum uc_gpu_holder holder;
	struct uc_raw type;       /* unset: not told */
	const struct uc_job *job; /* that has it */
};
/* The GPUs of a node in the order of their indices. */
struct uc_gpu_node {
	const struct uc_node *node;
	const struct uc_reservation *reservation; /* that is on now and keeps `who` out */
	struct uc_gpu_slot *slot;
	size_t count;
	bool guessed; /* no indices are known: only the numbers are right */
};
struct uc_gpu_map {
	size_t count; /* nodes that have GPUs */
	struct uc_gpu_node *node;
	struct uc_arena *arena;
};
/* Borrows from the facts; jobs must have been loaded with detail. */
int uc_gpu_map_make(const struct uc_capacity_facts *facts, struct uc_gpu_map **out,
		    struct uc_error *err) UC_MUST_CHECK;
void uc_gpu_map_free(struct uc_gpu_map *map);
UC_DEFINE_AUTO(gpu_map, struct uc_gpu_map *)

#ifdef __cplusplus
}
#endif
#endif
