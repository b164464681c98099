/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uqueue --why: one paragraph about what a job waits for and what can be done. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/gres.h>
#include <ucluster/limits.h>
#include <ucluster/reason.h>
#include <ucluster/source.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "uqueue/uqueue.h"

/* As many jobs that hold GPUs are named. */
#define RELEASES 3

/* All that is known when a paragraph is written; freed with its parts. */
struct view {
	const struct uc_jobs *jobs;
	const struct uc_job *job;
	struct uc_nodes *nodes;
	struct uc_partitions *partitions;
	struct uc_limits *limits;
	struct uc_reason_context context;
	struct uc_rank rank;
	struct uc_reason_limit limit;
};

/* A clause as a sentence. */
static void add_sentence(struct uc_buf *text, const struct uc_buf *clause)
{
	const char *words = uc_buf_text(clause);

	if (!words[0])
		return;
	if (text->len)
		uc_buf_addc(text, ' ');
	uc_buf_addc(text, (char)toupper((unsigned char)words[0]));
	uc_buf_add(text, words + 1);
	if (!strchr(".!?", words[strlen(words) - 1]))
		uc_buf_addc(text, '.');
}

static void add_name(struct uc_buf *clause, const struct view *view)
{
	const struct uqueue_row row = { view->job, UC_NONE32 };
	uc_auto(value) struct uc_value id = { 0 };

	uqueue_get_id(&row, NULL, &id);
	uc_buf_addf(clause, "job %s", uc_buf_text(&id.scratch));
	if (!uc_raw_empty(view->job->name)) {
		uc_buf_add(clause, " (");
		uc_buf_safe(clause, view->job->name, view->context.safe);
		uc_buf_addc(clause, ')');
	}
}

static void add_rank(struct uc_buf *text, const struct view *view)
{
	uc_auto(buf) struct uc_buf clause = { 0 };
	const struct uc_rank *rank = &view->rank;

	if (!rank->counts)
		return;
	if (rank->ahead + rank->behind)
		uc_buf_addf(&clause,
			    "by priority it is number %u of the %u that wait in ",
			    rank->ahead + 1, rank->ahead + rank->behind + 1);
	else
		uc_buf_add(&clause, "no other job waits in ");
	uc_buf_safe(&clause, view->job->partition, view->context.safe);
	if (rank->limited)
		uc_buf_addf(&clause,
			    "; %u of those ahead %s for limits of %s own and may be "
			    "overtaken",
			    rank->limited, rank->limited == 1 ? "waits" : "wait",
			    rank->limited == 1 ? "its" : "their");
	if (rank->gpus)
		uc_buf_addf(&clause, "; those ahead ask for %llu GPU%s",
			    (unsigned long long)rank->gpus, rank->gpus == 1 ? "" : "s");
	add_sentence(text, &clause);
}

/* Whose jobs hold the GPUs it could use, and until when. */
static void add_releases(struct uc_buf *text, const struct view *view)
{
	uc_auto(buf) struct uc_buf clause = { 0 };
	struct uc_release release[RELEASES];
	size_t count = 0;

	if (view->job->gpus && view->rank.counts)
		count = uc_job_releases(view->jobs, view->nodes, view->job, release,
					RELEASES);
	for (size_t i = 0; i < count; i++) {
		const struct uc_job *job = release[i].job;

		uc_buf_addf(&clause, "%s%u GPU%s",
			    i ? "; " : "GPUs it could use: ", release[i].gpus,
			    release[i].gpus == 1 ? "" : "s");
		uc_buf_addf(&clause, " of job %u by ", job->job_id);
		uc_buf_safe(&clause, job->user, view->context.safe);
		uc_buf_add(&clause, release[i].at ? " until " : " without a time limit");
		if (release[i].at)
			uc_buf_clock(&clause, release[i].at, view->context.now);
		if (release[i].at && release[i].at < view->context.now)
			uc_buf_add(&clause, " (over its time limit)");
	}
	add_sentence(text, &clause);
}

static void add_estimate(struct uc_buf *text, const struct view *view)
{
	uc_auto(buf) struct uc_buf clause = { 0 };
	const struct uc_job *job = view->job;

	if (job->start_time <= view->context.now)
		return;
	uc_buf_add(&clause, "slurmctld expects to start it at ");
	uc_buf_clock(&clause, job->start_time, view->context.now);
	if (!uc_raw_empty(job->sched_nodes)) {
		uc_buf_add(&clause, " on ");
		uc_buf_safe(&clause, job->sched_nodes, view->context.safe);
	}
	uc_buf_add(&clause, ", or sooner when other jobs end before their time limits");
	add_sentence(text, &clause);
}

static void tell_waiting(struct uc_buf *text, const struct view *view)
{
	uc_auto(buf) struct uc_buf clause = { 0 };

	add_name(&clause, view);
	uc_buf_add(&clause, ": ");
	uc_reason_sentence(&clause, view->job, &view->context);
	add_sentence(text, &clause);
	if (uc_reason_never_starts(view->job->reason)) {
		uc_buf_reset(&clause);
		uc_buf_add(&clause, "as it is, it will never start");
		add_sentence(text, &clause);
	}
	add_rank(text, view);
	add_releases(text, view);
	add_estimate(text, view);
	/* no full stop: it may end with a command to be copied */
	uc_buf_add(text, " What can be done: ");
	uc_reason_action(text, view->job, &view->context);
}

static void tell_other(struct uc_buf *text, const struct view *view)
{
	uc_auto(buf) struct uc_buf clause = { 0 };
	const struct uc_job *job = view->job;
	const char *state = uc_job_state_name(job->state);

	add_name(&clause, view);
	if (uqueue_job_holds(job)) {
		uc_buf_add(&clause, " does not wait: it has run since ");
		uc_buf_clock(&clause, job->start_time, view->context.now);
		uc_buf_add(&clause, " on ");
		uc_buf_safe(&clause, job->nodes, view->context.safe);
		if (job->time_limit != UC_DURATION_INFINITE && job->end_time) {
			uc_buf_add(&clause, " and ends at the latest at ");
			uc_buf_clock(&clause, job->end_time, view->context.now);
		}
	} else {
		uc_buf_addf(&clause, " does not wait: it is %s", state ? state : "over");
		if (job->end_time) {
			uc_buf_add(&clause, " since ");
			uc_buf_clock(&clause, job->end_time, view->context.now);
		}
	}
	add_sentence(text, &clause);
}

/* Lines of at most `columns` on a terminal. */
static void print_wrapped(const char *text, size_t columns)
{
	size_t at = 0;

	while (*text) {
		size_t len = strcspn(text, " ");
		uc_auto(buf) struct uc_buf word = { 0 };
		size_t width;

		uc_buf_addn(&word, text, len);
		width = uc_text_width(uc_buf_text(&word));
		if (at && at + 1 + width > columns) {
			putchar('\n');
			at = 0;
		}
		printf("%s%s", at ? " " : "", uc_buf_text(&word));
		at += width + (at > 0);
		text += len + strspn(text + len, " ");
	}
	putchar('\n');
}

/* The part that waits, if any: what remains of an array, the first of a het job. */
static const struct uc_job *find_job(const struct uc_jobs *jobs,
				     const struct uc_job_id *id)
{
	const struct uc_job *found = NULL;

	for (size_t i = 0; i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];

		if (!uc_job_id_match(id, job))
			continue;
		if (uqueue_job_waits(job))
			return job;
		if (!found)
			found = job;
	}
	return found;
}

/* Limits only make the sentence fuller: without them it says less. */
static void load_limits(struct uc_run *run, struct uc_source *source, struct view *view)
{
	struct uc_error err = { 0 };

	if (!uc_reason_is_limit(view->job->reason))
		return;
	if (uc_limits_load(source, view->job->user_id, &view->limits, &err) < 0)
		uc_run_say(run, 1, "limits are not known: %s", err.text);
	if (uc_reason_limit_find(view->job,
				 &(struct uc_reason_facts){
					 view->limits, view->partitions, view->jobs },
				 &view->limit))
		view->context.limit = &view->limit;
}

static int tell(struct uc_run *run, struct uc_source *source, struct view *view,
		struct uc_error *err)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	view->context =
		(struct uc_reason_context){ .now = view->jobs->now,
					    .not_mine = view->job->user_id != getuid(),
					    .safe = run->safe };
	if (!uqueue_job_waits(view->job)) {
		tell_other(&text, view);
	} else {
		if (uc_nodes_load(source, &view->nodes, err) < 0 ||
		    uc_partitions_load(source, &view->partitions, err) < 0)
			return -1;
		load_limits(run, source, view);
		uc_job_rank(view->jobs, view->job, &view->rank);
		view->context.nodes = view->nodes;
		view->context.partitions = view->partitions;
		view->context.rank = &view->rank;
		tell_waiting(&text, view);
	}
	if (text.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	print_wrapped(uc_buf_text(&text),
		      run->stdout_tty ? (size_t)run->columns : SIZE_MAX);
	return 0;
}

int uqueue_why(struct uc_run *run, const char *word)
{
	uc_auto(source) struct uc_source *source = NULL;
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	struct view view = { 0 };
	struct uc_job_id id;
	struct uc_error err = { 0 };
	int rc;

	if (uqueue_id_parse(word, "why", &id, &err) < 0)
		return uc_run_error(run, &err);
	if (uc_run_config(run, NULL) < 0 || uc_run_source(run, 0, &source) < 0)
		return run->status;
	/* its rank is one among everybody's */
	if (uc_jobs_load(source, NULL, &jobs, &err) < 0)
		return uc_run_error(run, &err);
	view.jobs = jobs;
	view.job = find_job(jobs, &id);
	if (!view.job)
		rc = uc_fail(&err, UC_NOTFOUND, "job %s is not in the queue", word);
	else
		rc = tell(run, source, &view, &err);
	uc_nodes_free(view.nodes);
	uc_partitions_free(view.partitions);
	uc_limits_free(view.limits);
	return rc < 0 ? uc_run_error(run, &err) : 0;
}
