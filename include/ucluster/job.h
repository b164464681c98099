/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_JOB_H
#define UCLUSTER_JOB_H
/* Jobs as a snapshot of plain rows; see source.h for how to load them. */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "Not known" or "not set" in numbers; infinite limits are UC_INFINITE. */
#define UC_NONE32   UINT32_MAX
#define UC_NONE64   UINT64_MAX
#define UC_INFINITE (UINT32_MAX - 1)

/* Base states, numbered as in slurm.h (enum job_states, the same in 20.11 to 26.05). */
enum uc_job_state {
	UC_JOB_PENDING,
	UC_JOB_RUNNING,
	UC_JOB_SUSPENDED,
	UC_JOB_COMPLETED,
	UC_JOB_CANCELLED,
	UC_JOB_FAILED,
	UC_JOB_TIMEOUT,
	UC_JOB_NODE_FAIL,
	UC_JOB_PREEMPTED,
	UC_JOB_BOOT_FAIL,
	UC_JOB_DEADLINE,
	UC_JOB_OOM,
};

struct uc_job_query {
	const uint32_t *user_ids; /* only these users' jobs; none = everybody's */
	size_t user_count;
	const uint32_t *job_ids; /* only these jobs; array elements by their own id */
	size_t job_count;
	bool detail; /* exact GPU indices per node (costs slurmctld more) */
};

struct uc_jobs;
void uc_jobs_free(struct uc_jobs *jobs);
UC_DEFINE_AUTO(jobs, struct uc_jobs *)

#ifdef __cplusplus
}
#endif
#endif
