/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "common/waiting.h"

#include <ucluster/units.h>

/* reasons: nothing but its place in line keeps it back */
#define NONE       0
#define PRIORITY   1
#define RESOURCES  3
#define BEGIN_TIME 9

void uc_waiting_free(struct uc_waiting *shown)
{
	uc_buf_free(&shown->partition);
	uc_buf_free(&shown->limit);
}

void uc_waiting_fill(struct uc_waiting *shown, const struct uc_run *run,
		     const struct uc_jobs *jobs, const struct uc_job *job,
		     bool whole_queue)
{
	if (shown->reason != job->reason)
		uc_buf_reset(&shown->limit);
	shown->job_id = job->job_id;
	shown->reason = job->reason;
	shown->start = job->start_time;
	shown->now = jobs->now;
	shown->in_line = job->reason == NONE || job->reason == PRIORITY ||
			 job->reason == RESOURCES;
	if (whole_queue)
		shown->ranked = uc_job_rank(jobs, job, &shown->rank);
	uc_buf_reset(&shown->partition);
	uc_buf_safe(&shown->partition, job->partition, run->safe);
}

void uc_waiting_limit(struct uc_waiting *shown, const struct uc_run *run,
		      const struct uc_job *job, const struct uc_limits *limits)
{
	const struct uc_reason_facts facts = { .limits = limits };
	struct uc_reason_limit limit;

	uc_buf_reset(&shown->limit);
	if (uc_reason_limit_find(job, &facts, &limit))
		uc_reason_limit_words(&shown->limit, job, &limit, run->safe);
}

/* "3 jobs ahead in gpu"; nothing when it is not known, or hidden from this user. */
static bool add_rank(struct uc_buf *line, const struct uc_waiting *job)
{
	const uint32_t ahead = job->rank.ahead;

	if (!job->ranked || !job->in_line || !job->rank.counts || !ahead)
		return false;
	uc_buf_addf(line, ": %u %s ahead in %s", ahead, ahead == 1 ? "job" : "jobs",
		    uc_buf_text(&job->partition));
	return true;
}

void uc_waiting_line(struct uc_buf *line, const struct uc_waiting *job, int64_t elapsed)
{
	bool more;

	uc_buf_addf(line, "job %u waits", job->job_id);
	if (elapsed >= 0) {
		uc_buf_addc(line, ' ');
		uc_duration_format(line, elapsed);
	}
	more = add_rank(line, job);
	if (uc_reason_never_starts(job->reason)) {
		uc_buf_addf(line, "%s will never start as it is", more ? "," : ":");
	} else if (job->start > job->now) {
		uc_buf_add(line, more ? ", " : ": ");
		if (job->reason == BEGIN_TIME) {
			uc_buf_add(line, "not before ");
			uc_buf_clock(line, job->start, job->now);
		} else {
			uc_buf_add(line, "probably starts ");
			uc_buf_clock_at(line, job->start, job->now);
		}
	}
	uc_buf_addf(line, " (%s)",
		    job->limit.len ? uc_buf_text(&job->limit)
				   : uc_reason_short(job->reason));
}
