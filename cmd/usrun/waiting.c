/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which job srun waits for, and what for. */
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/source.h>
#include <ucluster/state.h>
#include "usrun/watch.h"

#define LIMIT_S      60    /* between two questions about limits */
#define ASK_LEAST_MS 5000  /* between two about the job: at first, */
#define ASK_MOST_MS  30000 /* and in the end */

static bool is_pending(const struct uc_job *job)
{
	return job->state == UC_JOB_PENDING;
}

static int64_t distance(const struct usrun_waiting *ours, const struct uc_job *job)
{
	return job->submit_time > ours->begun ? job->submit_time - ours->begun
					      : ours->begun - job->submit_time;
}

/* Within a second or so: whole seconds are known. */
static bool are_close(const struct usrun_waiting *ours, const struct uc_job *job,
		      const struct uc_job *other)
{
	const int64_t apart = distance(ours, job) - distance(ours, other);

	return apart >= -1 && apart <= 1;
}

/* The same command may have been run just before, and again since. */
static bool is_nearer(const struct usrun_waiting *ours, const struct uc_job *job,
		      const struct uc_job *other)
{
	if (are_close(ours, job, other))
		return job->job_id > other->job_id;
	return distance(ours, job) < distance(ours, other);
}

/* One after the other, not both at once. */
static bool was_before(const struct uc_job *job, const struct uc_job *next)
{
	return job->job_id < next->job_id &&
	       (job->state & UC_JOB_BASE) > UC_JOB_SUSPENDED &&
	       job->end_time <= next->submit_time;
}

static bool is_candidate(const struct usrun_waiting *ours, const struct uc_job *job)
{
	return usrun_waiting_could_be(ours, job) &&
	       !(ours->shown.job_id && uc_job_is_finished(job->state));
}

/*
 * Submitted when we began; once we knew a job, a later one that has not ended. Where two
 * wait, nobody can say which is which: better say nothing. Nor is it sure where another
 * ran beside it.
 */
static const struct uc_job *find_new(struct usrun_waiting *ours,
				     const struct uc_jobs *jobs, size_t *waiting)
{
	const struct uc_job *nearest = NULL;

	*waiting = 0;
	for (size_t i = 0; i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];

		if (!is_candidate(ours, job))
			continue;
		*waiting += is_pending(job);
		if (!nearest || is_nearer(ours, job, nearest))
			nearest = job;
	}
	ours->sure = nearest;
	for (size_t i = 0; i < jobs->count; i++)
		if (is_candidate(ours, &jobs->row[i]) && &jobs->row[i] != nearest &&
		    are_close(ours, &jobs->row[i], nearest) &&
		    !was_before(&jobs->row[i], nearest))
			ours->sure = false;
	return nearest;
}

static const struct uc_job *find_known(uint32_t job_id, const struct uc_jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++)
		if (jobs->row[i].job_id == job_id)
			return &jobs->row[i];
	return NULL;
}

/*
 * A job that is gone is no end as long as srun is there: after Ctrl-Z and fg srun (22.05)
 * gives its job back and submits another.
 */
static enum usrun_waiting_state
find(struct usrun_waiting *ours, const struct uc_jobs *jobs, const struct uc_job **out)
{
	const struct uc_job *job = find_known(ours->shown.job_id, jobs);
	size_t waiting = 1;

	if (!job || uc_job_is_finished(job->state))
		job = find_new(ours, jobs, &waiting);
	*out = job;
	if (!job || uc_job_is_finished(job->state))
		return USRUN_WAITING_UNSEEN;
	return is_pending(job) && waiting == 1 ? USRUN_WAITING : USRUN_WAITING_OVER;
}

/* One question more, where a limit is why: seldom, for its use changes with jobs. */
static void ask_for_limit(struct usrun_waiting *ours, struct uc_run *run,
			  struct uc_source *src, const struct uc_job *job)
{
	uc_auto(limits) struct uc_limits *limits = NULL;
	const int64_t now = ours->shown.now;

	if (!uc_reason_is_limit(job->reason) ||
	    (ours->shown.limit.len && now < ours->limit_at + LIMIT_S))
		return;
	ours->limit_at = now;
	if (uc_limits_load(src, job->user_id, &limits, NULL) == 0)
		uc_waiting_limit(&ours->shown, run, job, limits);
}

enum usrun_waiting_state usrun_waiting_ask(struct usrun_waiting *ours, struct uc_run *run,
					   bool whole_queue)
{
	uc_auto(source) struct uc_source *src = NULL;
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	const uint32_t me = getuid();
	const struct uc_job_query mine = { .user_ids = &me, .user_count = 1 };
	const struct uc_job *job = NULL;
	enum usrun_waiting_state state;

	if (uc_run_source(run, 0, &src) < 0 ||
	    uc_jobs_load(src, whole_queue ? NULL : &mine, &jobs, NULL) < 0)
		return USRUN_WAITING_UNKNOWN;
	if (!ours->sure) {
		ours->shown.job_id = 0;
		usrun_waiting_tell_apart(ours, run, src, jobs);
	}
	state = find(ours, jobs, &job);
	if (job) {
		ours->shown.job_id = job->job_id;
		ours->submit_time = job->submit_time;
	}
	if (state != USRUN_WAITING)
		return state;
	uc_waiting_fill(&ours->shown, run, jobs, job, whole_queue);
	ask_for_limit(ours, run, src, job);
	return USRUN_WAITING;
}

void usrun_waiting_line(struct usrun_waiting *job, const struct usrun *u)
{
	const char *given = uc_spec_get(u->spec, "job-name");
	const char *command = uc_spec_command(u->spec)[0];
	const char *slash = strrchr(command, '/');
	uc_auto(strv) struct uc_strv argv = { 0 };

	uc_buf_add(&job->name, given ? given : slash ? slash + 1 : command);
	if (uc_spec_srun(u->spec, &argv, NULL) < 0)
		return;
	for (size_t i = 0; i < argv.count; i++)
		uc_buf_addf(&job->line, "%s%s", i ? " " : "", argv.item[i]);
}

int64_t usrun_waiting_pause_ms(const struct usrun_waiting *job)
{
	const int64_t pause = (time(NULL) - job->begun) * 1000 / 4;

	return pause < ASK_LEAST_MS  ? ASK_LEAST_MS
	       : pause > ASK_MOST_MS ? ASK_MOST_MS
				     : pause;
}

/* False: it is not known which job it is. */
static bool record(struct usrun_waiting *job, const struct usrun *u)
{
	uc_auto(source) struct uc_source *src = NULL;

	if (!job->shown.job_id || !job->sure)
		usrun_waiting_ask(job, u->run, false);
	/* none is better than that of another job */
	if (!job->shown.job_id || !job->sure)
		return false;
	usrun_receipt(u, job->shown.job_id, job->submit_time);
	if (u->snapshot && uc_run_source(u->run, 0, &src) == 0)
		usrun_snapshot_prune(u, src);
	return true;
}

void usrun_waiting_record(struct usrun_waiting *job, const struct usrun *u, int srun)
{
	struct pollfd end = { .fd = srun, .events = POLLIN };
	int misses = 0;

	if (!usrun_keeps_receipts(u))
		return;
	while (misses < USRUN_MISSES) {
		job->ended = poll(&end, 1, 0) > 0;
		if (record(job, u) || job->ended)
			return;
		misses += !job->shown.job_id;
		poll(&end, 1, (int)usrun_waiting_pause_ms(job));
	}
}

const struct uc_job *usrun_waiting_running(const struct usrun_waiting *ours,
					   struct uc_run *run, struct uc_jobs **jobs)
{
	uc_auto(source) struct uc_source *src = NULL;
	const uint32_t me = getuid();
	const struct uc_job_query mine = { .user_ids = &me, .user_count = 1 };
	const struct uc_job *found = NULL;

	if (uc_run_source(run, 0, &src) < 0 || uc_jobs_load(src, &mine, jobs, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < (*jobs)->count; i++) {
		const struct uc_job *job = &(*jobs)->row[i];

		if (!usrun_waiting_could_be(ours, job) || uc_job_is_finished(job->state))
			continue;
		if (found)
			return NULL;
		found = job;
	}
	return found && (found->state & UC_JOB_BASE) == UC_JOB_RUNNING ? found : NULL;
}
