/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The ways to attach, the first that fits is taken. */
#include <ucluster/state.h>
#include "common/stay.h"
#include "uattach/session.h"
#include "uattach/uattach.h"

#define LINES 10 /* as tail(1) */

static bool is_pending(const struct uc_job *job)
{
	return (job->state & UC_JOB_BASE) == UC_JOB_PENDING;
}

static int64_t lines_of(const struct uattach *u)
{
	if (u->args.from_start)
		return UC_FOLLOW_ALL;
	return u->args.lines >= 0 ? u->args.lines : LINES;
}

/* What was loaded to choose the job is the first answer. */
static int stay(struct uattach *u, bool output, struct uc_error *err)
{
	struct uc_jobs *first;

	if (output && u->args.task >= 0)
		return uc_fail(err, UC_USAGE,
			       "--task goes with --shell, --top or an interactive step: "
			       "a file has the output of all tasks");
	first = uc_take(&u->jobs);
	u->job = NULL;
	return uc_stay(&(struct uc_stay){ .run = u->run,
					  .first = first,
					  .id = u->id,
					  .lines = lines_of(u),
					  .waiting = true,
					  .ending = true,
					  .output = output,
					  .raw = u->args.raw,
					  .json = u->args.json,
					  .grep = u->args.grep,
					  .log = u->args.log },
		       err);
}

int uattach_wait(struct uattach *u, struct uc_error *err)
{
	if (!is_pending(u->job))
		return 0;
	if (uc_stay(&(struct uc_stay){ .run = u->run,
				       .id = u->id,
				       .waiting = true,
				       .ending = true,
				       /* one that is over at once: what nobody saw */
				       .output = uattach_is_session(u->job),
				       .lines = LINES,
				       .until_start = true },
		    err) < 0)
		return -1;
	return uattach_reload(u, err);
}

static bool is_session(const struct uattach *u, const struct uc_job *job)
{
	(void)u;
	return uattach_is_session(job);
}

static int wait_for_session(struct uattach *u, const struct uc_job *job,
			    struct uc_error *err)
{
	(void)job;
	if (uattach_wait(u, err) < 0)
		return -1;
	return uattach_session(u, u->job, err);
}

static bool has_step(const struct uattach *u, const struct uc_job *job)
{
	return u->step != UC_NONE32 && u->step != UC_STEP_BATCH &&
	       !uc_job_is_finished(job->state);
}

static bool has_output(const struct uattach *u, const struct uc_job *job)
{
	return job->batch || u->args.log;
}

static int follow(struct uattach *u, const struct uc_job *job, struct uc_error *err)
{
	(void)job;
	return stay(u, true, err);
}

static bool is_over(const struct uattach *u, const struct uc_job *job)
{
	(void)u;
	return uc_job_is_finished(job->state);
}

static int tell_end(struct uattach *u, const struct uc_job *job, struct uc_error *err)
{
	(void)job;
	return stay(u, false, err);
}

static bool is_any(const struct uattach *u, const struct uc_job *job)
{
	(void)u, (void)job;
	return true;
}

static int attach(struct uattach *u, const struct uc_job *job, struct uc_error *err)
{
	(void)job;
	if (uattach_wait(u, err) < 0 || uattach_choose_running(u, err) < 0)
		return -1;
	return uattach_step(u, u->job, err);
}

static const struct uattach_way ways[] = {
	{ "step", has_step, attach },     { "session", is_session, wait_for_session },
	{ "output", has_output, follow }, { "over", is_over, tell_end },
	{ "terminal", is_any, attach },
};

const struct uattach_way *uattach_way(const struct uattach *u, const struct uc_job *job)
{
	size_t i = 0;

	while (!ways[i].fits(u, job))
		i++;
	return &ways[i];
}
