/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_LIMIT_LEVELS_H
#define UC_SLURM_LIMIT_LEVELS_H
#include <ucluster/limits.h>
#include <ucluster/node.h>

/*
 * The rows whose limits count for a job, in order, NULL-terminated: for each limit the
 * partition's QOS comes first, then the job's (or the other way round: OverPartQOS), then
 * the association; the first that has it counts.
 */
struct uc_limit_levels {
	const struct uc_limit *row[4];
};
/* qos and association may be NULL. */
struct uc_limit_levels uc_limit_levels(const struct uc_limits *limits,
				       const struct uc_partition *partition,
				       const struct uc_limit *qos,
				       const struct uc_limit *association);

#endif
