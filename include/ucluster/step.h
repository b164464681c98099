/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_STEP_H
#define UCLUSTER_STEP_H
/*
 * The steps of a job that run now, as a snapshot of plain rows.
 *
 *	uc_auto(steps) struct uc_steps *steps = NULL;
 *	uc_steps_load(src, job->job_id, &steps, &err);
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/job.h>
#include <ucluster/source.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Steps without a number; the same in Slurm 20.11 to 26.05. */
#define UC_STEP_NUMBER_MAX  0xfffffff0u /* those of srun are not above */
#define UC_STEP_INTERACTIVE 0xfffffffau
#define UC_STEP_BATCH       0xfffffffbu
#define UC_STEP_EXTERN      0xfffffffcu

struct uc_step {
	uint32_t job_id, step_id;
	uint32_t het_component; /* UC_NONE32: of no heterogeneous step */
	uint32_t state;         /* as a job's */
	uint32_t user_id, tasks, cpus;
	uint32_t srun_pid; /* of the srun that waits for it; 0: there is none */
	int64_t start_time, run_time, time_limit;
	struct uc_raw name, nodes, tres;
	struct uc_raw submit_line; /* srun's words and blanks; unset before 21.08 */
};

/* Immutable; owns all its strings. */
struct uc_steps {
	size_t count;
	const struct uc_step *row;
	int64_t now, updated; /* as in uc_jobs */
	struct uc_owner *owner;
};
void uc_steps_free(struct uc_steps *steps);
UC_DEFINE_AUTO(steps, struct uc_steps *)

/*
 * One RPC. Empty when the job does not run, and where the source is not live. UC_NONE32:
 * of all jobs whose steps slurmctld shows the user.
 */
int uc_steps_load(struct uc_source *src, uint32_t job_id, struct uc_steps **out,
		  struct uc_error *err) UC_MUST_CHECK;

/* Add the name of the node where a task of a step runs; one RPC. UC_NOTFOUND. */
int uc_step_task_node(struct uc_source *src, const struct uc_step *step, uint32_t task,
		      struct uc_buf *node, struct uc_error *err) UC_MUST_CHECK;

/* "0", "batch", "interactive", "extern" */
void uc_buf_step(struct uc_buf *buf, uint32_t step_id);
/* The other way round; false: it is none. */
bool uc_step_parse(const char *text, uint32_t *step_id);
/* It was started by srun: it has a number. */
bool uc_step_is_numbered(uint32_t step_id);
/*
 * The value of an option in srun's words, "" for a flag, NULL when it is not there. `len`
 * is its length. Words with blanks in them are cut short: the words are not told apart.
 */
const char *uc_step_option(const struct uc_step *step, const char *name, size_t *len);

#ifdef __cplusplus
}
#endif
#endif
