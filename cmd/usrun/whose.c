/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Several jobs of one session could be that of our srun: runs that were started together,
 * or one after the other within a second. Their steps know by which process they were
 * started, receipts that a job is another run's.
 */
#include <string.h>
#include <unistd.h>
#include <ucluster/receipt.h>
#include <ucluster/source.h>
#include <ucluster/state.h>
#include <ucluster/step.h>
#include "usrun/watch.h"

static bool is_other(const struct usrun_waiting *ours, const struct uc_job *job)
{
	for (size_t i = 0; i < ours->other_count; i++)
		if (ours->other[i] == job->job_id)
			return true;
	return false;
}

/* What has no room is not told apart: then nothing is said of it. */
static void add_other(struct usrun_waiting *ours, const struct uc_job *job)
{
	if (!is_other(ours, job) && ours->other_count < USRUN_OTHERS)
		ours->other[ours->other_count++] = job->job_id;
}

/*
 * Submitted from this session by an srun, lately. Not compared: the host, which slurmctld
 * names as it sees it.
 */
bool usrun_waiting_could_be(const struct usrun_waiting *ours, const struct uc_job *job)
{
	if ((ours->alive && uc_job_is_finished(job->state)) ||
	    (ours->ended && (job->state & UC_JOB_BASE) == UC_JOB_PENDING))
		return false;
	return !job->batch && job->submit_session == (uint32_t)getsid(0) &&
	       job->submit_time >= ours->since && job->het_offset == 0 &&
	       !is_other(ours, job) &&
	       (uc_raw_empty(job->submit_line) || !ours->line.len ||
		strcmp(job->submit_line.bytes, ours->line.data) == 0);
}

static bool are_several(const struct usrun_waiting *ours, const struct uc_jobs *jobs)
{
	size_t count = 0;

	for (size_t i = 0; i < jobs->count; i++)
		count += usrun_waiting_could_be(ours, &jobs->row[i]);
	return count > 1;
}

static bool has_any_begun(const struct usrun_waiting *ours, const struct uc_jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++)
		if (usrun_waiting_could_be(ours, &jobs->row[i]) &&
		    (jobs->row[i].state & UC_JOB_BASE) == UC_JOB_RUNNING)
			return true;
	return false;
}

static bool has_ours(const struct usrun_waiting *ours, const struct uc_steps *steps,
		     const struct uc_job *job)
{
	for (size_t i = 0; i < steps->count; i++)
		if (steps->row[i].job_id == job->job_id &&
		    steps->row[i].srun_pid == (uint32_t)ours->srun)
			return true;
	return false;
}

/* Later steps may be anybody's, uattach's as well. */
static bool is_begun(const struct uc_steps *steps, const struct uc_job *job)
{
	for (size_t i = 0; i < steps->count; i++)
		if (steps->row[i].job_id == job->job_id && steps->row[i].step_id == 0 &&
		    steps->row[i].srun_pid)
			return true;
	return false;
}

/* One has a step of our srun: the others are not ours; nor what another srun began. */
static void ask_steps(struct usrun_waiting *ours, struct uc_source *src,
		      const struct uc_jobs *jobs)
{
	uc_auto(steps) struct uc_steps *steps = NULL;
	const struct uc_job *found = NULL;

	if (uc_steps_load(src, UC_NONE32, &steps, NULL) < 0)
		return;
	for (size_t i = 0; i < jobs->count && !found; i++)
		if (usrun_waiting_could_be(ours, &jobs->row[i]) &&
		    has_ours(ours, steps, &jobs->row[i]))
			found = &jobs->row[i];
	for (size_t i = 0; i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];

		if (usrun_waiting_could_be(ours, job) && job != found &&
		    (found || is_begun(steps, job)))
			add_other(ours, job);
	}
}

static void ask_receipts(struct usrun_waiting *ours, struct uc_run *run,
			 const struct uc_jobs *jobs)
{
	uc_auto(buf) struct uc_buf state = { 0 };

	uc_run_state_dir(run, &state);
	for (size_t i = 0; i < jobs->count && state.len; i++) {
		uc_auto(receipt) struct uc_receipt *receipt = NULL;
		struct uc_receipt_key key;

		uc_receipt_key_of(&key, &jobs->row[i]);
		if (usrun_waiting_could_be(ours, &jobs->row[i]) &&
		    uc_receipt_find(uc_buf_text(&state), &key, &receipt, NULL) == 0)
			add_other(ours, &jobs->row[i]);
	}
}

/* Environment and options may set another one. */
static bool has_name(const struct usrun_waiting *ours, const struct uc_job *job)
{
	return !uc_raw_empty(job->name) && ours->name.len &&
	       strcmp(job->name.bytes, ours->name.data) == 0;
}

/* As the clocks of two hosts have it. */
static bool had_not_ended(const struct usrun_waiting *ours, const struct uc_job *job)
{
	return !uc_job_is_finished(job->state) || job->end_time >= ours->begun;
}

/* What is true of one of them is true of ours; when it is of none, it says nothing. */
static void compare(struct usrun_waiting *ours, const struct uc_jobs *jobs,
		    bool (*is_like)(const struct usrun_waiting *, const struct uc_job *))
{
	bool any = false;

	for (size_t i = 0; i < jobs->count && !any; i++)
		any = usrun_waiting_could_be(ours, &jobs->row[i]) &&
		      is_like(ours, &jobs->row[i]);
	for (size_t i = 0; i < jobs->count && any; i++)
		if (usrun_waiting_could_be(ours, &jobs->row[i]) &&
		    !is_like(ours, &jobs->row[i]))
			add_other(ours, &jobs->row[i]);
}

void usrun_waiting_tell_apart(struct usrun_waiting *ours, struct uc_run *run,
			      struct uc_source *src, const struct uc_jobs *jobs)
{
	if (are_several(ours, jobs))
		ask_receipts(ours, run, jobs);
	if (are_several(ours, jobs) && has_any_begun(ours, jobs))
		ask_steps(ours, src, jobs);
	if (are_several(ours, jobs))
		compare(ours, jobs, has_name);
	if (are_several(ours, jobs))
		compare(ours, jobs, had_not_ended);
}
