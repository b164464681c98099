/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Why a job waits, as a paragraph, and commands that make it start sooner. */
#include <ctype.h>
#include <string.h>
#include <ucluster/ending.h>
#include <ucluster/units.h>
#include "uqueue/why.h"

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

void why_add_id(struct uc_buf *out, const struct why_view *view)
{
	const struct uqueue_row row = { view->job, UC_NONE32 };
	uc_auto(value) struct uc_value id = { 0 };

	uqueue_get_id(&row, NULL, &id);
	uc_buf_safe(out, uc_raw(uc_buf_text(&id.scratch)), view->context.safe);
}

static void add_name(struct uc_buf *clause, const struct why_view *view)
{
	uc_buf_add(clause, "job ");
	why_add_id(clause, view);
	if (!uc_raw_empty(view->job->name)) {
		uc_buf_add(clause, " (");
		uc_buf_safe(clause, view->job->name, view->context.safe);
		uc_buf_addc(clause, ')');
	}
}

static void add_rank(struct uc_buf *text, const struct why_view *view)
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
static void add_releases(struct uc_buf *text, const struct why_view *view)
{
	uc_auto(buf) struct uc_buf clause = { 0 };
	const struct uc_release *release = view->release;

	for (size_t i = 0; i < view->release_count; i++) {
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

static void add_estimate(struct uc_buf *text, const struct why_view *view)
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

static void add_tried(struct uc_buf *text, const struct why_view *view)
{
	uc_auto(buf) struct uc_buf clause = { 0 };

	if (!view->tried || view->sooner.count)
		return;
	uc_buf_addf(&clause,
		    "slurmctld was asked about %zu change%s of the request: none would "
		    "make it start sooner",
		    view->tried, view->tried == 1 ? "" : "s");
	add_sentence(text, &clause);
}

static void tell_waiting(struct uc_buf *text, const struct why_view *view)
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
	add_tried(text, view);
	/* no full stop: it may end with a command to be copied */
	uc_buf_add(text, " What can be done: ");
	uc_reason_action(text, view->job, &view->context);
}

static void tell_other(struct uc_buf *text, const struct why_view *view)
{
	uc_auto(buf) struct uc_buf clause = { 0 };
	const struct uc_job *job = view->job;
	struct uc_ending ending;

	add_name(&clause, view);
	if (uc_job_holds(job)) {
		uc_buf_add(&clause, " does not wait: it has run since ");
		uc_buf_clock(&clause, job->start_time, view->context.now);
		uc_buf_add(&clause, " on ");
		uc_buf_safe(&clause, job->nodes, view->context.safe);
		if (job->time_limit != UC_DURATION_INFINITE && job->end_time) {
			uc_buf_add(&clause, " and ends at the latest at ");
			uc_buf_clock(&clause, job->end_time, view->context.now);
		}
	} else {
		uc_ending_of_job(&ending, job, view->context.now);
		uc_buf_add(&clause, " does not wait: it ");
		uc_ending_sentence(&clause, &ending, view->context.safe);
		if (job->end_time) {
			uc_buf_add(&clause, ", at ");
			uc_buf_clock(&clause, job->end_time, view->context.now);
		}
	}
	add_sentence(text, &clause);
}

void why_words(const struct why_view *view, struct uc_buf *text)
{
	if (uc_job_waits(view->job))
		tell_waiting(text, view);
	else
		tell_other(text, view);
}

void why_add_command(struct uc_buf *out, const struct why_view *view,
		     const struct uc_sooner *change)
{
	const uint32_t id =
		view->job->array_job_id ? view->job->array_job_id : view->job->job_id;

	if (change->set[0])
		uc_buf_addf(out, "uqueue --set %s %u", change->set, id);
	else if (view->has_receipt)
		uc_buf_addf(out, "uqueue --cancel %u && usrun --again=%u --%s=%s", id, id,
			    change->name, change->value);
	else
		uc_buf_addf(out, "uqueue --cancel %u, and submit it again with --%s=%s",
			    id, change->name, change->value);
}

void why_changes(const struct why_view *view, struct uc_buf *out)
{
	if (view->sooner.count)
		uc_buf_add(out, "It would start sooner, says slurmctld, with\n");
	for (size_t i = 0; i < view->sooner.count; i++) {
		const struct uc_sooner *change = &view->sooner.item[i];

		uc_buf_addf(out, "  --%s=%s: ", change->name, change->value);
		if (change->start <= view->context.now + 60) {
			uc_buf_add(out, "at once");
		} else {
			uc_buf_add(out, "at about ");
			uc_buf_clock(out, change->start, view->context.now);
		}
		uc_buf_addf(out, "%s%s\n    ", change->why[0] ? "; " : "", change->why);
		why_add_command(out, view, change);
		uc_buf_addc(out, '\n');
	}
}
