/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uqueue --why: what a job waits for, and what can be done. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/source.h>
#include "common/own.h"
#include "uqueue/why.h"

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
		if (uc_job_waits(job))
			return job;
		if (!found)
			found = job;
	}
	return found;
}

/* Limits only make the sentence fuller: without them it says less. */
static void load_limits(struct uc_run *run, struct uc_source *source,
			struct why_view *view)
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

static bool has_receipt(const struct uc_run *run, const struct uc_job *job)
{
	uc_auto(receipt) struct uc_receipt *receipt = uc_run_receipt(run, job);

	return receipt != NULL;
}

/*
 * Changes are tried for one's own jobs only: whether they are allowed depends on who
 * asks. That slurmctld does not answer is no reason to keep the rest back.
 */
static void find_changes(struct uc_run *run, struct uc_source *source,
			 struct why_view *view)
{
	const struct uc_sooner_facts facts = { .now = view->context.now,
					       .jobs = view->jobs,
					       .nodes = view->nodes,
					       .partitions = view->partitions,
					       .reservations = view->reservations,
					       .limit = view->context.limit,
					       .tries = WHY_TRIES,
					       .deadline_ms = WHY_TRIES_MS,
					       .safe = view->context.safe };
	struct uc_error err = { 0 };

	if (!uc_source_is_live(source) || view->context.not_mine)
		return;
	uc_sooner_find(view->job, &facts, &view->sooner);
	view->tried = view->sooner.count;
	if (uc_sooner_test(source, view->job, &facts, &view->sooner, &err) < 0) {
		uc_run_say(run, 0, "changes could not be tried: %s", err.text);
		view->tried = view->sooner.count = 0;
	}
	view->has_receipt = view->sooner.count && has_receipt(run, view->job);
}

static int load(struct uc_run *run, struct uc_source *source, struct why_view *view,
		struct uc_error *err)
{
	struct uc_error why = { 0 };

	if (uc_nodes_load(source, &view->nodes, err) < 0 ||
	    uc_partitions_load(source, &view->partitions, err) < 0)
		return -1;
	if (uc_reservations_load(source, &view->reservations, &why) < 0)
		uc_run_say(run, 1, "reservations are not known: %s", why.text);
	load_limits(run, source, view);
	uc_job_rank(view->jobs, view->job, &view->rank);
	view->context.nodes = view->nodes;
	view->context.partitions = view->partitions;
	view->context.rank = &view->rank;
	if (view->job->gpus && view->rank.counts)
		view->release_count = uc_job_releases(view->jobs, view->nodes, view->job,
						      view->release, WHY_RELEASES);
	find_changes(run, source, view);
	return 0;
}

static int tell(struct uc_run *run, struct uc_source *source, struct why_view *view,
		bool as_json, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf text = { 0 }, changes = { 0 };
	struct uc_json json = { .out = &changes };

	view->context =
		(struct uc_reason_context){ .now = view->jobs->now,
					    .not_mine = view->job->user_id != getuid(),
					    .safe = as_json ? 0 : run->safe };
	if (uc_job_waits(view->job) && load(run, source, view, err) < 0)
		return -1;
	why_words(view, &text);
	if (as_json)
		why_json(view, uc_buf_text(&text), &json);
	else
		why_changes(view, &changes);
	if (text.failed || changes.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (!as_json)
		print_wrapped(uc_buf_text(&text),
			      run->stdout_tty ? (size_t)run->columns : SIZE_MAX);
	fputs(uc_buf_text(&changes), stdout);
	return 0;
}

int uqueue_why(struct uc_run *run, const struct uqueue_args *args)
{
	uc_auto(source) struct uc_source *source = NULL;
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	struct why_view view = { 0 };
	struct uc_job_id id;
	struct uc_error err = { 0 };
	int rc;

	if (uqueue_id_parse(args->why, "why", &id, &err) < 0)
		return uc_run_error(run, &err);
	if (uc_run_config(run, NULL) < 0 || uc_run_source(run, 0, &source) < 0)
		return run->status;
	/* its rank is one among everybody's */
	if (uc_jobs_load(source, NULL, &jobs, &err) < 0)
		return uc_run_error(run, &err);
	view.jobs = jobs;
	view.job = find_job(jobs, &id);
	if (!view.job)
		rc = uc_fail(&err, UC_NOTFOUND, "job %s is not in the queue", args->why);
	else
		rc = tell(run, source, &view, args->listing.json, &err);
	uc_nodes_free(view.nodes);
	uc_partitions_free(view.partitions);
	uc_reservations_free(view.reservations);
	uc_limits_free(view.limits);
	return rc < 0 ? uc_run_error(run, &err) : 0;
}
