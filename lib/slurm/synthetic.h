/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_SYNTHETIC_H
#define UC_SLURM_SYNTHETIC_H
/*
 * A made-up cluster: small specs that are drawn once (synthetic.c) and dressed as rows
 * when asked for (synthetic_rows.c). Running jobs really hold what the nodes say is in
 * use.
 */
#include "slurm/rows.h"

struct uc_synth_kind { /* of node */
	const char *gpu;
	uint32_t gpus, cpus, memory_gib;
	const char *prefix, *partition;
};

struct uc_synth_node {
	const struct uc_synth_kind *kind;
	uint32_t number;                                /* of its kind, from 1 */
	uint32_t cpus_used, memory_used_gib, gpus_used; /* gpus_used: one bit a GPU */
	uint32_t flags;                                 /* UC_NODE_DRAIN, ... */
};

struct uc_synth_job {
	uint32_t id, array_id, task_id; /* array_id 0 = no array */
	uint32_t state, reason;
	uint32_t node, gpu_bits;
	int32_t submitted, started; /* seconds before now; started 0 = not yet */
	uint32_t limit_minutes;
	uint16_t node_count, cpus, gpus, memory_gib; /* a node */
	uint16_t user, name, kind;
	bool long_queue;
};

struct uc_synth {
	uint32_t node_count, job_count;
	uint64_t seed;
	struct uc_synth_node *nodes;
	struct uc_synth_job *jobs;
	uint32_t user_count;
};

#define UC_SYNTH_NOW   ((int64_t)1767268800) /* 2026-01-01 12:00:00 UTC */
#define UC_SYNTH_KINDS 3
extern const struct uc_synth_kind uc_synth_kinds[UC_SYNTH_KINDS];

int uc_synth_rows(const struct uc_synth *synth, enum uc_rows_kind kind,
		  struct uc_rows **out, struct uc_error *err);

#endif
